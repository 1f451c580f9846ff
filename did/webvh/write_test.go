package webvh_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
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
		{"portable too late", last(log.Update(with(func(c *webvh.Change) { c.Portable = new(true) }))), "cannot be set to true"},
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
	if testing.Short() {
		t.Skip("writes 10,000 entries")
	}
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	_, err = webvh.Verify(log.ID(), append(log.Raw(), make([]byte, webvh.MaxLogBytes)...), nil)
	require.ErrorContains(t, err, "size:")
	require.ErrorIs(t, err, did.ErrInvalidDocument)

	b := log.Raw()
	before := log.Entry(1).VersionID
	for n := 2; n <= webvh.MaxEntries+1; n++ { // written canonically, which is quicker
		body := fmt.Sprintf(`{"parameters":{},"state":{"id":"%s"},"versionId":"{ID}","versionTime":"%s"}`, log.ID(), day(1).Add(time.Duration(n)*time.Minute).Format(time.RFC3339))
		before = fmt.Sprint(n, "-", hash([]byte(strings.Replace(body, "{ID}", before, 1))))
		body = strings.Replace(body, "{ID}", before, 1)
		b = append(b, strings.TrimSuffix(body, "}")+`,"proof":[`+forged{key: key(1)}.proof(t, []byte(body))+"]}\n"...)
	}
	long, err := webvh.Verify(log.ID(), b, nil)
	require.ErrorContains(t, err, "entry 10001: size: a log has at most 10000 entries here")
	require.Equal(t, webvh.MaxEntries, long.Len())
}

// A move changes the names that are the DID's own, and leaves those of others.
func TestMove(t *testing.T) {
	doc := draft(t, "fleet.example", key(9))
	own, other := doc.ID, did.MustParse("did:web:maker.example")
	theirs, err := did.NewVerificationMethod(own.URL("maker"), did.Multikey, other, key(8).Public())
	require.NoError(t, err)
	embedded, err := did.NewVerificationMethod(own.URL("once"), did.Multikey, own, key(7).Public())
	require.NoError(t, err)
	doc.VerificationMethod = append(doc.VerificationMethod, theirs)
	doc.Authentication = []did.MethodRef{{ID: embedded.ID, Embedded: &embedded}, {ID: other.URL("key-1")}}
	doc.Controller = []did.DID{own, other}
	doc.Service = []did.Service{{ID: own.URL("record"), Type: []string{"MachineRecord"}, Endpoint: []string{"https://log.example/"}}}

	home, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: doc, Portable: new(true)})
	require.NoError(t, err)
	away, err := home.Move(webvh.Change{Key: key(1), Time: day(2)}, "yard.example:{SCID}")
	require.NoError(t, err)
	require.Equal(t, "did:webvh:"+home.SCID()+":yard.example:"+home.SCID(), away.ID().String())
	expect := strings.ReplaceAll(home.Entry(1).State, home.ID().String(), away.ID().String())
	expect = strings.Replace(expect, `,"controller"`, `,"alsoKnownAs":["`+home.ID().String()+`"],"controller"`, 1)
	require.Equal(t, expect, away.Entry(2).State)

	back, err := away.Move(webvh.Change{Key: key(1), Time: day(3)}, "fleet.example")
	require.NoError(t, err)
	require.Equal(t, home.ID(), back.ID())
	require.Equal(t, strings.Replace(home.Entry(1).State, `,"controller"`, `,"alsoKnownAs":["`+away.ID().String()+`"],"controller"`, 1), back.Entry(3).State)

	// With a document to move to, which still has the name before.
	doc, err = did.ParseDocument([]byte(back.Entry(3).State))
	require.NoError(t, err)
	doc.Service = nil
	sold, err := back.Move(webvh.Change{Key: key(1), Time: day(4), Document: doc}, "yard.example:cranes:7")
	require.NoError(t, err)
	require.NotContains(t, sold.Entry(4).State, "MachineRecord")
	_, err = webvh.Verify(home.ID(), sold.Raw(), nil)
	require.NoError(t, err)
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
