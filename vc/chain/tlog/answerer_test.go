package tlog

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// filesOnly is a log of another make: it has files, and answers nothing else.
type filesOnly struct{ log *Log }

func (f filesOnly) ReadFile(ctx context.Context, path string) ([]byte, error) {
	if strings.HasPrefix(path, recordPrefix) || strings.HasPrefix(path, archivePrefix) {
		return nil, fs.ErrNotExist
	}
	return f.log.ReadFile(ctx, path)
}

func TestAnAnswererAnswersAsALogDoes(t *testing.T) {
	w := newWorld(t, 2)
	fill(t, w.log, 3, 0, 100) // more than a tile
	w.publish()
	folder := t.TempDir()
	a, err := OpenAnswerer(folder, filesOnly{w.log}, w.config)
	require.NoError(t, err)
	_, err = a.ReadFile(t.Context(), checkpointFile)
	require.ErrorIs(t, err, fs.ErrNotExist, "before the first Update")
	_, err = a.Receipt(t.Context(), 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = OpenAnswerer(folder, filesOnly{w.log}, w.config)
	require.Error(t, err, "one process at a time")

	for range 2 {
		_, err = a.Update(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, w.log.Size(), a.Size())
	require.Equal(t, w.log.Key(), a.Key())

	w.later(time.Hour)
	fill(t, w.log, 3, 100, 103)
	var told []Entry // by the writer, before they are published
	for n := 100; n < 102; n++ {
		for m := range 3 {
			told = append(told, entry(m, n).Entry)
		}
	}
	require.NoError(t, a.Add(told...))
	w.publish()
	_, err = a.Update(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Close())
	a, err = OpenAnswerer(folder, filesOnly{w.log}, w.config)
	require.NoError(t, err)
	_, err = a.Update(t.Context())
	require.NoError(t, err)

	for m := range 4 { // one of whom it holds nothing
		want, err := w.reader(w.log).Read(t.Context(), machine(m))
		require.NoError(t, err)
		got, err := w.reader(a).Read(t.Context(), machine(m))
		require.NoError(t, err)
		require.Equal(t, want.logged, got.logged, "times too")
	}
	for _, index := range []int64{0, 299, 300, 308} {
		want, err := w.log.Receipt(t.Context(), index)
		require.NoError(t, err)
		got, err := a.Receipt(t.Context(), index)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	newest, index, ok := a.Newest(entry(1, 0).Entry.Key)
	require.True(t, ok)
	require.Equal(t, entry(1, 102).Entry, newest)
	require.EqualValues(t, 307, index)
	require.NoError(t, a.Close())
}

func TestAnAnswererKeepsTheRule(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 2, 0, 2)
	w.publish()
	a, err := OpenAnswerer(t.TempDir(), filesOnly{w.log}, w.config)
	require.NoError(t, err)
	_, err = a.Update(t.Context())
	require.NoError(t, err)
	index, held, err := a.Look(entry(1, 1))
	require.NoError(t, err)
	require.True(t, held)
	require.EqualValues(t, 3, index)
	_, held, err = a.Look(entry(1, 2))
	require.NoError(t, err)
	require.False(t, held)
	_, _, err = a.Look(entry(1, 3))
	require.ErrorAs(t, err, new(*OrderError))
	other := entry(1, 1)
	other.Entry.Digest = digest("another")
	_, _, err = a.Look(other)
	require.ErrorAs(t, err, new(*TakenError))
	require.ErrorIs(t, a.Add(entry(1, 3).Entry), ErrSequence)
	require.Error(t, a.Add(Entry{}))
	require.EqualValues(t, 4, a.Size())

	// It was told of an entry that the log took in as another.
	require.NoError(t, a.Add(entry(5, 0).Entry))
	fill(t, w.log, 2, 2, 3)
	w.publish()
	_, err = a.Update(t.Context())
	require.ErrorAs(t, err, new(*CorruptError))
	require.ErrorContains(t, err, "has another program added some?")
	require.NoError(t, a.Close())
}

// A damaged file is no word of the log's: it is not taken in, and once it is repaired all is well.
func TestAnAnswererReadsADamagedFile(t *testing.T) {
	w := newWorld(t, 1)
	fill(t, w.log, 2, 0, 2)
	w.publish()
	damaged := true
	source := &counting{read: func(ctx context.Context, path string) ([]byte, error) {
		data, err := w.log.ReadFile(ctx, path)
		if damaged && strings.HasPrefix(path, tilePrefix+"entries/") {
			data = slices.Clone(data)
			data[2+32+7]++ // the sequence of the first entry
		}
		return data, err
	}}
	a, err := OpenAnswerer(t.TempDir(), source, w.config)
	require.NoError(t, err)
	_, err = a.Update(t.Context())
	require.ErrorAs(t, err, new(*CorruptError))
	require.Zero(t, a.Size())
	damaged = false
	_, err = a.Update(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4, a.Size())
	require.NoError(t, a.Close())
}

func TestAnAnswererRefuses(t *testing.T) {
	w := newWorld(t, 1)
	none := w.config
	none.Witnesses = nil
	_, err := OpenAnswerer(t.TempDir(), filesOnly{w.log}, none)
	require.ErrorContains(t, err, "names no witness")
	a, err := OpenAnswerer(t.TempDir(), filesOnly{w.log}, w.config)
	require.NoError(t, err)
	_, err = a.Update(t.Context())
	require.ErrorAs(t, err, new(*QuorumError), "nobody has cosigned yet")
	fill(t, w.log, 1, 0, 1)
	old := newWorld(t, 1)
	old.publish()
	w.publish()
	_, err = a.Update(t.Context())
	require.NoError(t, err)
	a.source = filesOnly{old.log}
	_, err = a.Update(t.Context())
	require.ErrorAs(t, err, new(*RollbackError))
	require.NoError(t, a.Close())
}
