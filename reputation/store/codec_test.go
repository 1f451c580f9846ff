package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

var someone = did.MustParse("did:example:someone")

func full() *Machine {
	return &Machine{
		ID: someone, Revision: 300, Signers: []did.DID{someone}, State: []byte("counts"),
		Root: vc.Digest{1}, Lens: vc.Digest{2}, Logged: vc.Digest{3}, Scored: &reputation.Head{Sequence: 7, Checkpoint: "u"},
	}
}

func sealed(text []byte) []byte {
	return binary.BigEndian.AppendUint32(text, crc32.Checksum(text, castagnoli))
}

func TestAnyFlippedByteOfAMachineIsNoticed(t *testing.T) {
	data, err := full().AppendBinary(nil)
	require.NoError(t, err)
	var read Machine
	require.NoError(t, read.UnmarshalBinary(data))
	require.Equal(t, full(), &read)
	for i := range data {
		flipped := slices.Clone(data)
		flipped[i] ^= 0x10
		require.ErrorIs(t, read.UnmarshalBinary(flipped), ErrDamaged)
		require.ErrorIs(t, read.UnmarshalBinary(data[:i]), ErrDamaged)
		if i < len(data)-4 { // by somebody who knows how to make a checksum
			nonsense := sealed(flipped[:len(data)-4])
			if err := read.UnmarshalBinary(nonsense); err != nil {
				require.ErrorIs(t, err, ErrDamaged)
			}
		}
	}
	require.Equal(t, full(), full())
}

func FuzzMachine(f *testing.F) {
	for _, m := range []*Machine{full(), {ID: someone}} {
		data, err := m.AppendBinary(nil)
		require.NoError(f, err)
		f.Add(data[:len(data)-4])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var m Machine
		if err := m.UnmarshalBinary(sealed(slices.Clone(text))); err != nil {
			require.ErrorIs(t, err, ErrDamaged)
			return
		}
		data, err := m.AppendBinary(nil)
		require.NoError(t, err)
		var again Machine
		require.NoError(t, again.UnmarshalBinary(data))
		require.Equal(t, m, again)
	})
}

// memory is a store for tests of what does not depend on which it is.
type memory struct {
	mutex       sync.Mutex
	machines    map[did.DID]*Machine
	entries     map[did.DID][]Entry
	checkpoints map[string][]byte
}

func newMemory() *memory {
	return &memory{machines: map[did.DID]*Machine{}, entries: map[did.DID][]Entry{}, checkpoints: map[string][]byte{}}
}

func (s *memory) Machine(ctx context.Context, id did.DID) (*Machine, error) {
	m, _, err := s.Record(ctx, id)
	return m, err
}

func (s *memory) Record(_ context.Context, id did.DID) (*Machine, []Entry, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.machines[id] == nil {
		return nil, nil, Unknown(id)
	}
	m := *s.machines[id]
	return &m, slices.Clone(s.entries[id]), nil
}

func (s *memory) Machines(_ context.Context, after did.DID, limit int) (list []*Machine, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	place := func(id did.DID) string { p := Place(id); return string(p[:]) }
	for _, m := range slices.SortedFunc(maps.Values(s.machines), func(a, b *Machine) int {
		return bytes.Compare([]byte(place(a.ID)), []byte(place(b.ID)))
	}) {
		if (after.IsZero() || place(m.ID) > place(after)) && len(list) < limit {
			list = append(list, m)
		}
	}
	return list, nil
}

func (s *memory) Put(_ context.Context, m *Machine, entries ...Entry) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := m.Check(entries); err != nil {
		return err
	}
	m.Revision++
	kept := *m
	s.machines[m.ID] = &kept
	s.entries[m.ID] = append(s.entries[m.ID], entries...)
	return nil
}

func (s *memory) Checkpoint(_ context.Context, origin string) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.checkpoints[origin] == nil {
		return nil, UnknownLog(origin)
	}
	return s.checkpoints[origin], nil
}

func (s *memory) PutCheckpoint(_ context.Context, origin string, _, now []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.checkpoints[origin] = now
	return CheckCheckpoint(origin, now)
}

func snapshot(t testing.TB) []byte {
	s := newMemory()
	m := full()
	require.NoError(t, s.Put(t.Context(), m, Entry{Digest: vc.Digest{1}, Raw: []byte("one")}, Entry{Sequence: 1, Digest: vc.Digest{2}, Raw: []byte("two")}))
	require.NoError(t, s.PutCheckpoint(t.Context(), "log.example", nil, []byte("newest")))
	var text bytes.Buffer
	require.NoError(t, Snapshot(t.Context(), s, &text, "log.example"))
	return text.Bytes()
}

func TestADamagedSnapshotIsNoticed(t *testing.T) {
	text := snapshot(t)
	require.NoError(t, Restore(t.Context(), newMemory(), bytes.NewReader(text)))
	for i := range text {
		flipped := slices.Clone(text)
		flipped[i] ^= 4
		require.Error(t, Restore(t.Context(), newMemory(), bytes.NewReader(flipped)), "byte %d", i)
		require.ErrorIs(t, Restore(t.Context(), newMemory(), bytes.NewReader(text[:i])), ErrDamaged, "cut to %d bytes", i)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add(snapshot(f))
	f.Add([]byte(magic + "m\xff\xff\xff\x0f"))
	f.Add([]byte(magic + "e\x29" + string(make([]byte, 41))))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newMemory()
		if Restore(t.Context(), s, bytes.NewReader(text)) != nil {
			return
		}
		origins := slices.Sorted(maps.Keys(s.checkpoints))
		var again bytes.Buffer
		require.NoError(t, Snapshot(t.Context(), s, &again, origins...))
		require.NoError(t, Restore(t.Context(), newMemory(), &again))
	})
}

func TestFilesMigrateWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), &Machine{ID: someone}))
	require.NoError(t, s.Close())

	bucket := func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("new")); return err }
	_, err = open(path, false, append(migrations(), bucket, func(*bolt.Tx) error { return fs.ErrInvalid }))
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "from schema 1 to 3")
	_, err = open(path, true, append(migrations(), bucket))
	require.ErrorContains(t, err, "open it for writing once")

	newer, err := open(path, false, append(migrations(), bucket))
	require.NoError(t, err, "the step that went well was undone, so it can be done again")
	_, err = newer.Machine(t.Context(), someone)
	require.NoError(t, err)
	require.NoError(t, newer.Close())
	for _, open := range []func(string) (*File, error){Open, OpenReadOnly} {
		_, err = open(path)
		var schema *SchemaError
		require.ErrorAs(t, err, &schema)
		require.Equal(t, SchemaError{Store: path, Have: 2, Know: 1}, *schema)
		require.ErrorContains(t, err, "update the program")
	}
}

func TestWarmRecordsAreThoseUsedLast(t *testing.T) {
	var w warmth
	h := new(chain.History) // of no entry
	for i := range 3 {
		w.keep(did.MustParse(fmt.Sprint("did:example:", i)), int64(i), h, 1)
	}
	require.Same(t, h, w.recall(did.MustParse("did:example:1"), 1))
	require.Nil(t, w.recall(did.MustParse("did:example:1"), 2), "it has changed since")
	require.Nil(t, w.recall(someone, 1))
}
