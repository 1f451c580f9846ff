package webvh_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
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
