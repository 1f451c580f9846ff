package store_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation/store"
	"github.com/hourmeter/hourmeter/reputation/store/storetest"
	"github.com/hourmeter/hourmeter/vc"
)

func openFile(t testing.TB) store.Store {
	s, err := store.Open(filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestFile(t *testing.T) { storetest.Run(t, openFile) }

func BenchmarkFile(b *testing.B) { storetest.Bench(b, openFile) }

func TestOneProcessAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := store.Open(path)
	require.NoError(t, err)
	_, err = store.Open(path)
	require.ErrorIs(t, err, store.ErrInUse)
	_, err = store.OpenReadOnly(path)
	require.ErrorIs(t, err, store.ErrInUse)
	require.NoError(t, s.Close())

	one, err := store.OpenReadOnly(path)
	require.NoError(t, err)
	other, err := store.OpenReadOnly(path)
	require.NoError(t, err)
	require.ErrorIs(t, one.Put(t.Context(), &store.Machine{ID: id}), fs.ErrPermission)
	require.ErrorIs(t, one.PutCheckpoint(t.Context(), "log", nil, []byte("x")), fs.ErrPermission)
	_, err = one.Machine(t.Context(), id)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, one.Close())
	require.NoError(t, other.Close())
	_, err = one.Machine(t.Context(), id)
	require.Error(t, err, "it is closed")
	_, err = store.OpenReadOnly(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestWhatIsNoStoreIsLeftAlone(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	require.NoError(t, os.WriteFile(text, bytes.Repeat([]byte("not a store\n"), 4096), 0o600))
	_, err := store.Open(text)
	require.ErrorIs(t, err, store.ErrDamaged)

	other := filepath.Join(folder, "other.db")
	db, err := bolt.Open(other, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err }))
	require.NoError(t, db.Close())
	before, err := os.ReadFile(other)
	require.NoError(t, err)
	_, err = store.Open(other)
	require.ErrorContains(t, err, "another program's")
	after, err := os.ReadFile(other)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

var id = did.MustParse("did:example:machine")

// filled is a store in a file with one machine and one entry.
func filled(t testing.TB) (path string, m *store.Machine, e store.Entry) {
	path = filepath.Join(t.TempDir(), "store.db")
	s, err := store.Open(path)
	require.NoError(t, err)
	m = &store.Machine{ID: id, State: bytes.Repeat([]byte("counts"), 10), Signers: []did.DID{id}, Root: vc.Digest{1}}
	e = store.Entry{Digest: vc.Digest{1}, Raw: bytes.Repeat([]byte("credential"), 30)}
	require.NoError(t, s.Put(t.Context(), m, e))
	require.NoError(t, s.PutCheckpoint(t.Context(), "log.example", nil, []byte("checkpoint")))
	require.NoError(t, s.Close())
	return path, m, e
}

// Whatever byte of the file is damaged: what is read is what was written, or an error.
func TestDamageIsNoticed(t *testing.T) {
	path, m, e := filled(t)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	noticed := 0
	check := func(damaged []byte) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		s, err := store.Open(path)
		if err != nil {
			noticed++
			return
		}
		defer s.Close()
		got, entries, err := s.Record(t.Context(), id)
		if err != nil {
			noticed++
		} else {
			require.Equal(t, m, got)
			require.Equal(t, []store.Entry{e}, entries)
		}
		checkpoint, err := s.Checkpoint(t.Context(), "log.example")
		if err != nil {
			noticed++
		} else {
			require.Equal(t, "checkpoint", string(checkpoint))
		}
	}
	for _, what := range []string{"counts", "credential", "checkpoint", "did:example:machine"} {
		for at := 0; ; at++ {
			i := bytes.Index(data[at:], []byte(what))
			if i < 0 {
				break
			}
			at += i
			flipped := slices.Clone(data)
			flipped[at+1] ^= 1
			check(flipped)
		}
	}
	require.Positive(t, noticed)
	noticed = 0
	for _, n := range []int{0, 100, 4096, 3 * 4096, len(data) - 4096, len(data) - 1} {
		check(data[:n])
	}
	require.Positive(t, noticed)
}
