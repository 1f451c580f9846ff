package tlog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
