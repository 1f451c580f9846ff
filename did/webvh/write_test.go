package webvh_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/keystore"
)

// key returns one of a row of keys, the same in each run.
func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// day returns the nth day of the history that tests tell.
func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

func draft(t testing.TB, location string, k crypto.Signer) *did.Document {
	id, err := webvh.Draft(location)
	require.NoError(t, err)
	m, err := did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, k.Public())
	require.NoError(t, err)
	return &did.Document{Context: []string{"https://www.w3.org/ns/did/v1"}, ID: id,
		VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
}

// A machine leaves the factory, changes its keys, its host and its owner, and is scrapped. Every version
// stays what it was.
func TestLife(t *testing.T) {
	created, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example:machines:{SCID}", key(9)), Portable: new(true)})
	require.NoError(t, err)
	require.NoError(t, created.Err())
	home := created.ID()
	require.Equal(t, "did:webvh:"+created.SCID()+":fleet.example:machines:"+created.SCID(), home.String())

	rotated, err := created.Rotate(webvh.Change{Key: key(1), Time: day(2)}, key(2).Public())
	require.NoError(t, err)
	_, err = rotated.Update(webvh.Change{Key: key(1), Time: day(3)})
	require.ErrorContains(t, err, "is not one of the update keys in force")

	moved, err := rotated.Move(webvh.Change{Key: key(2), Time: day(3)}, "yard.example:cranes:7")
	require.NoError(t, err)
	require.Equal(t, "did:webvh:"+created.SCID()+":yard.example:cranes:7", moved.ID().String())

	scrapped, err := moved.Deactivate(webvh.Change{Key: key(2), Time: day(4)})
	require.NoError(t, err)
	_, err = scrapped.Update(webvh.Change{Key: key(2), Time: day(5)})
	require.ErrorIs(t, err, did.ErrInvalidDocument)

	log, err := webvh.Verify(home, scrapped.Raw(), nil) // by the name that it had first
	require.NoError(t, err)
	for _, before := range []*webvh.Log{created, rotated, moved} {
		require.NoError(t, log.Extends(before))
		require.ErrorIs(t, before.Extends(log), did.ErrInvalidDocument)
		was := before.Entry(before.Len())
		require.Equal(t, was, log.Entry(before.Len()))
		for _, v := range []did.Version{{ID: was.VersionID}, {Number: was.Number}, {Time: was.Time}, {Time: was.Time.Add(time.Hour)}} {
			res, err := log.Resolve(t.Context(), was.ID, v)
			require.NoError(t, err)
			require.Equal(t, was.ID, res.Document.ID)
			require.Equal(t, was.VersionID, res.VersionID)
			require.True(t, res.Deactivated)
			k, err := res.Document.Key(was.ID.URL("key-1"), did.AssertionMethod)
			require.NoError(t, err)
			require.Equal(t, key(9).Public(), k)
		}
	}
	for _, v := range []did.Version{{}, {Time: day(4)}, {Time: day(5)}} {
		_, err = log.Resolve(t.Context(), log.ID(), v)
		require.ErrorIs(t, err, did.ErrDeactivated)
	}
	_, err = log.Resolve(t.Context(), log.ID(), did.Version{Time: day(1).Add(-1)})
	require.ErrorIs(t, err, did.ErrNotFound)
}

// What is refused before, or instead of, being written.
func TestWriteRefused(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	create := func(c webvh.Change) error {
		c.Time = day(1)
		_, err := webvh.Create(c)
		return err
	}
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(5), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	rotating, err := log.Update(webvh.Change{Key: key(1), Time: day(6), NextKeyHashes: next(t, 2)})
	require.NoError(t, err)
	last := func(_ *webvh.Log, err error) error { return err }
	at := webvh.Change{Key: key(1), Time: day(7)}
	with := func(edit func(c *webvh.Change)) webvh.Change {
		c := at
		edit(&c)
		return c
	}
	for _, tt := range []struct {
		name string
		err  error
		msg  string
	}{
		{"no document", create(webvh.Change{Key: key(1)}), "the id that Draft returns"},
		{"a document that is no draft", create(webvh.Change{Key: key(1), Document: &did.Document{ID: log.ID()}}), "the id that Draft returns"},
		{"no key", create(webvh.Change{Document: draft(t, "fleet.example", key(9))}), "which key is to sign?"},
		{"a key on P-256", create(webvh.Change{Key: p256, Document: draft(t, "fleet.example", key(9))}), "signs with Ed25519"},
		{"update keys without the one that signs", create(webvh.Change{Key: key(1), UpdateKeys: []crypto.PublicKey{key(2).Public()}, Document: draft(t, "fleet.example", key(9))}), "not one of the update keys in force"},
		{"hashes that are none", create(webvh.Change{Key: key(1), NextKeyHashes: []string{text(2)}, Document: draft(t, "fleet.example", key(9))}), "is not what KeyHash returns"},
		{"a threshold too high", create(webvh.Change{Key: key(1), Witness: new(witnesses(2, 5)), Document: draft(t, "fleet.example", key(9))}), "has a threshold of 2 for 1 witnesses"},
		{"a ttl below zero", create(webvh.Change{Key: key(1), TTL: new(-time.Minute), Document: draft(t, "fleet.example", key(9))}), "is no number of seconds"},
		{"the time of the entry before", last(log.Update(with(func(c *webvh.Change) { c.Time = day(5) }))), "is not after"},
		{"another key", last(log.Update(with(func(c *webvh.Change) { c.Key = key(2) }))), "not one of the update keys in force"},
		{"to no keys", last(log.Rotate(at)), "Rotate to which keys?"},
		{"to a key on P-256", last(log.Rotate(at, p256.Public())), "signs with Ed25519"},
		{"moved, though not portable", last(log.Move(at, "yard.example")), "is not portable"},
		{"moved to nowhere", last(log.Move(at, "")), "nothing after the last colon"},
		{"moved to an address", last(log.Move(at, "10.0.0.1")), "is an address"},
		{"portable too late", last(log.Update(with(func(c *webvh.Change) { c.Portable = new(true) }))), "cannot become true"},
		{"another DID's document", last(log.Update(with(func(c *webvh.Change) { c.Document = &did.Document{ID: did.MustParse("did:web:thief.example")} }))), "is no did:webvh"},
		{"pre-rotation, and nothing said", last(rotating.Update(at)), "pre-rotation is on"},
		{"pre-rotation, and the old key", last(rotating.Update(with(func(c *webvh.Change) { c.NextKeyHashes = []string{} }))), "is not among the keys that"},
		{"pre-rotation, and the end by the old key", last(rotating.Deactivate(at)), "is not among the keys that"},
	} {
		t.Run(tt.name, func(t *testing.T) { require.ErrorContains(t, tt.err, tt.msg) })
	}
	_, err = webvh.KeyHash(p256.Public())
	require.ErrorContains(t, err, "signs with Ed25519")

	// With no time said, entries are of now, and two in one second are told apart.
	log, err = webvh.Create(webvh.Change{Key: key(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	time.Sleep(2 * time.Millisecond)
	log, err = log.Update(webvh.Change{Key: key(1)})
	require.NoError(t, err)
	_, err = webvh.Verify(log.ID(), log.Raw(), nil)
	require.NoError(t, err)
	require.Zero(t, log.Entry(1).Time.Nanosecond())
}

// A stranger's log is read up to a limit.
func TestLimits(t *testing.T) {
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	_, err = webvh.Verify(log.ID(), append(log.Raw(), make([]byte, webvh.MaxLogBytes)...), nil)
	require.ErrorContains(t, err, "size:")
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

// Signers may keep their keys to themselves.
func TestKeystore(t *testing.T) {
	var keys keystore.Memory
	one, err := keys.Create(t.Context(), "one", keystore.Ed25519)
	require.NoError(t, err)
	two, err := keys.Create(t.Context(), "two", keystore.Ed25519)
	require.NoError(t, err)
	p256, err := keys.Create(t.Context(), "p256", keystore.P256)
	require.NoError(t, err)
	log, err := webvh.Create(webvh.Change{Key: one, Time: day(1), Document: draft(t, "fleet.example", p256)})
	require.NoError(t, err)
	log, err = log.Rotate(webvh.Change{Key: one, Time: day(2)}, two.Public())
	require.NoError(t, err)
	log, err = log.Deactivate(webvh.Change{Key: two, Time: day(3)})
	require.NoError(t, err)
	_, err = webvh.Verify(log.ID(), log.Raw(), nil)
	require.NoError(t, err)
}
