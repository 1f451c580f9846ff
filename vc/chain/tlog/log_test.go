package tlog

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

func TestLogIsRead(t *testing.T) {
	w := newWorld(t, 3)
	fill(t, w.log, 5, 0, 60)
	w.later(time.Minute)
	first := w.publish()
	require.EqualValues(t, 300, first.Size)
	fill(t, w.log, 5, 60, 200)
	w.later(time.Minute)
	w.publish()
	w.later(time.Minute)

	for _, scan := range []bool{false, true} {
		r := w.reader(w.log)
		r.Scan = scan
		v, err := r.Read(t.Context(), machine(0), machine(3), machine(7))
		require.NoError(t, err)
		got, err := v.Record(machine(3).Chain)
		require.NoError(t, err)
		require.Equal(t, origin, got.Origin)
		require.Equal(t, v.Checkpoint.Digest(), got.Checkpoint)
		require.True(t, got.Fresh)
		require.Equal(t, epoch.Add(2*time.Minute), got.Time)
		require.Len(t, got.Entries, 200)
		for n, e := range got.Entries {
			want := chain.LoggedEntry{Sequence: int64(n), Digest: entry(3, n).Entry.Digest, Time: epoch.Add(time.Minute)}
			if n >= 60 {
				want.Time = epoch.Add(2 * time.Minute)
			}
			require.Equal(t, want, e)
		}
		none, err := v.Record(machine(7).Chain)
		require.NoError(t, err)
		require.Empty(t, none.Entries, "the log says that it holds nothing")
		_, err = v.Record(machine(1).Chain)
		require.ErrorContains(t, err, "was not asked")
	}
}

// With a second salt a record could be logged again without its end, and that salt be shown.
func TestARecordHasOneSalt(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 2, 0, 5)
	second := Salt(digest("second"))
	for n := range 2 {
		s := entry(0, n)
		s.Entry.Key = second.Key(machine(0).Chain)
		_, err := w.log.Append(t.Context(), s.Entry, s.Previous)
		if n == 0 {
			taken, ok := errors.AsType[*TakenError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, s.Entry.Digest, taken.Held)
			require.Zero(t, taken.Index)
			require.ErrorContains(t, err, "under another salt")
			continue
		}
		_, ok := errors.AsType[*OrderError](err)
		require.True(t, ok, "%v", err)
	}
	require.EqualValues(t, 10, w.log.Size())
}

// Nor does it help to begin with another entry under the second salt: a log does not see the chain
// in a key, but a reader does.
func TestAnotherBeginning(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 1, 0, 5)
	other := Record{Chain: machine(0).Chain, Salt: Salt(digest("second"))}
	previous := digest("not the commission")
	_, err := w.log.Append(t.Context(), Entry{Key: other.Salt.Key(other.Chain), Digest: previous}, vc.Digest{})
	require.NoError(t, err)
	for n := range 3 {
		e := Entry{Key: other.Salt.Key(other.Chain), Sequence: int64(n + 1), Digest: entry(0, n+1).Entry.Digest}
		_, err := w.log.Append(t.Context(), e, previous)
		require.NoError(t, err)
		previous = e.Digest
	}
	w.publish()
	for _, scan := range []bool{false, true} {
		r := w.reader(w.log)
		r.Scan = scan
		_, err = r.Read(t.Context(), other)
		require.ErrorIs(t, err, ErrHead)
		require.ErrorContains(t, err, "under this salt is not the record")
		_, err = r.Keep(t.Context(), other)
		require.ErrorIs(t, err, ErrHead)
		_, err = r.Read(t.Context(), machine(0))
		require.NoError(t, err)
	}
}
