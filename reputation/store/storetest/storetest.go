// Package storetest holds what every [store.Store] has to do.
//
//   - [Run] tests an implementation.
//   - [Bench] measures one.
package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/store"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// Run tests an implementation. open returns a new, empty store whenever it is called.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s store.Store)
	}{
		{"what is put is there", puts},
		{"copies of one content are kept, and each once", copies},
		{"of two writers the second has a conflict", conflicts},
		{"many writers lose nothing", race},
		{"machines are listed once, in order", lists},
		{"checkpoints follow one another", checkpoints},
		{"what does not fit is refused", refusals},
		{"who does not wait any longer gets no answer", cancelled},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
	t.Run("a snapshot carries all to another store", func(t *testing.T) { snapshots(t, open) })
	t.Run("scores are those of the whole record", func(t *testing.T) { scores(t, open) })
	t.Run("a machine is kept by its first name", func(t *testing.T) { names(t, open(t)) })
	t.Run("services that share a store agree", func(t *testing.T) { shared(t, open(t)) })
}

func name(i int) did.DID { return did.MustParse(fmt.Sprintf("did:example:machine-%d", i)) }

func entry(sequence int64, text string) store.Entry {
	return store.Entry{Sequence: sequence, Digest: sha256.Sum256([]byte(text)), Raw: []byte(text)}
}

// machine is one with something in every field.
func machine(i int) *store.Machine {
	digest := vc.Digest(sha256.Sum256([]byte{byte(i)}))
	return &store.Machine{
		ID:      name(i),
		Head:    chain.Head{Subject: name(i), Chain: digest, Digest: digest, Owner: name(0), Latest: time.Unix(1e9, 0).UTC(), Totals: chain.Totals{Entries: 1}},
		Signers: []did.DID{name(0), name(1)}, State: []byte("counts"), Root: digest, Lens: digest, Logged: digest,
		Scored: &reputation.Head{Chain: digest, Digest: digest, Checkpoint: "u"},
	}
}

func puts(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Machine(ctx, name(1))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, _, err = s.Record(ctx, name(1))
	require.ErrorIs(t, err, fs.ErrNotExist)

	m := machine(1)
	second, first := entry(1, "second"), entry(0, "first")
	require.NoError(t, s.Put(ctx, m, second, first))
	require.EqualValues(t, 1, m.Revision)
	got, err := s.Machine(ctx, name(1))
	require.NoError(t, err)
	require.Equal(t, m, got)
	got, entries, err := s.Record(ctx, name(1))
	require.NoError(t, err)
	require.Equal(t, m, got)
	require.Equal(t, []store.Entry{first, second}, entries, "by sequence")

	m.State, m.Signers, m.Scored, m.Root = nil, nil, nil, vc.Digest{}
	third := entry(2, "third")
	require.NoError(t, s.Put(ctx, m, third))
	require.NoError(t, s.Put(ctx, m), "without entries")
	got, entries, err = s.Record(ctx, name(1))
	require.NoError(t, err)
	require.Equal(t, m, got)
	require.EqualValues(t, 3, m.Revision)
	require.Equal(t, []store.Entry{first, second, third}, entries)

	require.NoError(t, s.Put(ctx, machine(2), entry(0, "another machine's")))
	_, entries, err = s.Record(ctx, name(1))
	require.NoError(t, err)
	require.Len(t, entries, 3)

	// Long names, and entries of the greatest length.
	long := machine(3)
	long.ID = did.MustParse("did:example:" + string(bytes.Repeat([]byte("x"), did.MaxLength-len("did:example:"))))
	big := store.Entry{Sequence: 1<<53 - 2, Digest: vc.Digest{1}, Raw: bytes.Repeat([]byte("r"), vc.MaxCredentialBytes)}
	require.NoError(t, s.Put(ctx, long, big))
	got, entries, err = s.Record(ctx, long.ID)
	require.NoError(t, err)
	require.Equal(t, long, got)
	require.Equal(t, []store.Entry{big}, entries)
}

func copies(t *testing.T, s store.Store) {
	m := machine(1)
	one, other := entry(0, "signed once"), entry(0, "signed twice")
	other.Digest = one.Digest
	require.NoError(t, s.Put(t.Context(), m, one, one))
	require.NoError(t, s.Put(t.Context(), m, other, one))
	_, entries, err := s.Record(t.Context(), m.ID)
	require.NoError(t, err)
	require.ElementsMatch(t, []store.Entry{one, other}, entries)
}

func conflicts(t *testing.T, s store.Store) {
	ctx := t.Context()
	one, other := machine(1), machine(1)
	require.NoError(t, s.Put(ctx, one, entry(0, "mine")))
	var conflict *store.ConflictError
	require.ErrorAs(t, s.Put(ctx, other, entry(0, "yours")), &conflict)
	require.Equal(t, store.ConflictError{Machine: name(1), Revision: 0, Stored: 1}, *conflict)
	require.Zero(t, other.Revision)

	stale := *one
	require.NoError(t, s.Put(ctx, one, entry(1, "mine")))
	stale.State = []byte("stale")
	require.ErrorAs(t, s.Put(ctx, &stale, entry(1, "yours")), &conflict)
	require.Equal(t, store.ConflictError{Machine: name(1), Revision: 1, Stored: 2}, *conflict)
	ahead := *one
	ahead.Revision = 9
	require.ErrorAs(t, s.Put(ctx, &ahead), &conflict)
	unborn := machine(2)
	unborn.Revision = 1
	require.ErrorAs(t, s.Put(ctx, unborn), &conflict)
	require.Zero(t, conflict.Stored)

	got, entries, err := s.Record(ctx, name(1))
	require.NoError(t, err)
	require.Equal(t, one, got)
	require.Equal(t, []store.Entry{entry(0, "mine"), entry(1, "mine")}, entries, "nothing of the loser's is there")
}

func race(t *testing.T, s store.Store) {
	const writers, rounds = 4, 10
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for r := range rounds {
				for {
					m, err := s.Machine(t.Context(), name(1))
					if errors.Is(err, fs.ErrNotExist) {
						m, err = machine(1), nil
					}
					if err == nil {
						err = s.Put(t.Context(), m, entry(int64(w*rounds+r), fmt.Sprint(w, r)))
					}
					if _, conflict := errors.AsType[*store.ConflictError](err); conflict {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					break
				}
			}
		})
	}
	wait.Wait()
	m, entries, err := s.Record(t.Context(), name(1))
	require.NoError(t, err)
	require.EqualValues(t, writers*rounds, m.Revision)
	require.Len(t, entries, writers*rounds)
}

func lists(t *testing.T, s store.Store) {
	list, err := s.Machines(t.Context(), did.DID{}, 10)
	require.NoError(t, err)
	require.Empty(t, list)
	const n = 600 // more than All reads at once
	for i := range n {
		require.NoError(t, s.Put(t.Context(), machine(i)))
	}
	var ids []did.DID
	for m, err := range store.All(t.Context(), s) {
		require.NoError(t, err)
		require.Equal(t, []byte("counts"), m.State)
		ids = append(ids, m.ID)
	}
	require.Len(t, ids, n)
	require.True(t, slices.IsSortedFunc(ids, func(a, b did.DID) int {
		x, y := store.Place(a), store.Place(b)
		return bytes.Compare(x[:], y[:])
	}))
	require.Len(t, slices.Compact(ids), n)
	list, err = s.Machines(t.Context(), ids[3], 2)
	require.NoError(t, err)
	require.Equal(t, ids[4:6], []did.DID{list[0].ID, list[1].ID})
	// After one that is not there.
	require.Greater(t, n, 9)
	for range store.All(t.Context(), s) {
		break // whoever has seen enough stops
	}
}

func checkpoints(t *testing.T, s store.Store) {
	ctx := t.Context()
	_, err := s.Checkpoint(ctx, "log.example/a")
	require.ErrorIs(t, err, fs.ErrNotExist)
	first, second := []byte("log.example/a\n1\n"), []byte("log.example/a\n2\n")
	require.NoError(t, s.PutCheckpoint(ctx, "log.example/a", nil, first))
	var conflict *store.ConflictError
	require.ErrorAs(t, s.PutCheckpoint(ctx, "log.example/a", nil, second), &conflict)
	require.Equal(t, "log.example/a", conflict.Origin)
	require.NoError(t, s.PutCheckpoint(ctx, "log.example/a", first, second))
	require.ErrorAs(t, s.PutCheckpoint(ctx, "log.example/a", first, second), &conflict)
	require.ErrorAs(t, s.PutCheckpoint(ctx, "log.example/b", first, second), &conflict)
	got, err := s.Checkpoint(ctx, "log.example/a")
	require.NoError(t, err)
	require.Equal(t, second, got)
	_, err = s.Checkpoint(ctx, "log.example/b")
	require.ErrorIs(t, err, fs.ErrNotExist)

	// Of many who have seen the same, one is first.
	var wait sync.WaitGroup
	var mutex sync.Mutex
	won := 0
	for i := range 8 {
		wait.Go(func() {
			err := s.PutCheckpoint(ctx, "log.example/c", nil, []byte{byte(i)})
			mutex.Lock()
			defer mutex.Unlock()
			if err == nil {
				won++
			} else if _, ok := errors.AsType[*store.ConflictError](err); !ok {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	require.Equal(t, 1, won)
}

func refusals(t *testing.T, s store.Store) {
	ctx := t.Context()
	require.Error(t, s.Put(ctx, &store.Machine{}))
	require.Error(t, s.Put(ctx, &store.Machine{ID: name(1), Revision: -1}))
	require.ErrorContains(t, s.Put(ctx, machine(1), make([]store.Entry, store.MaxEntries+1)...), "in parts")
	for _, e := range []store.Entry{
		{}, {Digest: vc.Digest{1}}, {Raw: []byte("x")}, {Sequence: -1, Digest: vc.Digest{1}, Raw: []byte("x")},
		{Digest: vc.Digest{1}, Raw: make([]byte, vc.MaxCredentialBytes+1)},
	} {
		require.Error(t, s.Put(ctx, machine(1), e))
	}
	huge := machine(1)
	huge.State = make([]byte, store.MaxMachineBytes)
	require.ErrorContains(t, s.Put(ctx, huge), "more than")
	many := machine(1)
	many.Signers = make([]did.DID, store.MaxSigners+1)
	require.ErrorContains(t, s.Put(ctx, many), "signers")
	_, err := s.Machine(ctx, name(1))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Error(t, s.PutCheckpoint(ctx, "", nil, []byte("x")))
	require.Error(t, s.PutCheckpoint(ctx, "a", nil, nil))
	require.Error(t, s.PutCheckpoint(ctx, "a", nil, make([]byte, store.MaxCheckpointBytes+1)))
}

func cancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Machine(ctx, name(1))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.Put(ctx, machine(1)), context.Canceled)
	_, err = s.Machine(t.Context(), name(1))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func snapshots(t *testing.T, open func(t testing.TB) store.Store) {
	ctx := t.Context()
	from := open(t)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 30 {
		m := machine(i)
		for j := range r.IntN(20) {
			require.NoError(t, from.Put(ctx, m, entry(int64(j), fmt.Sprint(i, j)), entry(int64(j), fmt.Sprint(i, j, "copy"))))
		}
		if m.Revision == 0 {
			require.NoError(t, from.Put(ctx, m))
		}
	}
	require.NoError(t, from.PutCheckpoint(ctx, "log.example/a", nil, []byte("newest")))
	var text bytes.Buffer
	require.NoError(t, store.Snapshot(ctx, from, &text, "log.example/a"))
	require.ErrorIs(t, store.Snapshot(ctx, from, &bytes.Buffer{}, "log.example/b"), fs.ErrNotExist)

	to := open(t)
	require.NoError(t, store.Restore(ctx, to, bytes.NewReader(text.Bytes())))
	for i := range 30 {
		want, entries, err := from.Record(ctx, name(i))
		require.NoError(t, err)
		got, restored, err := to.Record(ctx, name(i))
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Revision, "revisions begin again")
		got.Revision = want.Revision
		require.Equal(t, want, got)
		require.Equal(t, entries, restored)
	}
	checkpoint, err := to.Checkpoint(ctx, "log.example/a")
	require.NoError(t, err)
	require.Equal(t, "newest", string(checkpoint))
	require.ErrorIs(t, store.Restore(ctx, to, bytes.NewReader(text.Bytes())), store.ErrNotEmpty)
}
