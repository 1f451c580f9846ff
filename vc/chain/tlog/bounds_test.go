package tlog

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A counting is a Source that counts what is read.
type counting struct {
	read  func(ctx context.Context, path string) ([]byte, error)
	count int
}

func (s *counting) ReadFile(ctx context.Context, path string) ([]byte, error) {
	s.count++
	return s.read(ctx, path)
}

// endless is a log that claims a tree of 2^40 leaves, with the witnesses' word: from nothing to that
// there is nothing to prove. It answers whatever it is asked, with what is no part of any tree.
func endless(t *testing.T, w *world) *counting {
	log, err := newSigner(origin, typeLog, seeded("log"), nil)
	require.NoError(t, err)
	signed, err := note.Sign(&note.Note{Text: formatCheckpoint(origin, 1<<40, tlog.Hash{1})}, log)
	require.NoError(t, err)
	for _, witness := range w.witnesses {
		line, err := witness.Cosign(t.Context(), append([]byte("old 0\n\n"), signed...))
		require.NoError(t, err)
		signed = append(signed, line...)
	}
	var bundle []byte
	for n := range tileWidth {
		bundle = appendBundled(bundle, entry(n, 0).Entry)
	}
	s := new(counting)
	s.read = func(_ context.Context, path string) ([]byte, error) {
		switch {
		case s.count > 10_000:
			return nil, errors.New("enough")
		case path == checkpointFile:
			return signed, nil
		case strings.Contains(path, ".p/"), !strings.HasPrefix(path, tilePrefix):
			return nil, fs.ErrNotExist
		case strings.HasPrefix(path, tilePrefix+"entries/"):
			return bundle, nil
		}
		return make([]byte, tileWidth*tlog.HashSize), nil
	}
	return s
}

// A log that claims more than there is fills nobody's memory: what it gives is held against its tree
// before more is asked for.
func TestALogThatNeverEnds(t *testing.T) {
	w := newWorld(t, 2)
	s := endless(t, w)
	_, err := (&Auditor{Source: s, Trust: w.trust}).Audit(t.Context())
	require.ErrorAs(t, err, new(*CorruptError))
	require.Less(t, s.count, 2*auditStep)

	s = endless(t, newWorld(t, 2))
	r := w.reader(s)
	r.Scan = true
	_, err = r.Read(t.Context(), machine(0))
	require.ErrorAs(t, err, new(*CorruptError))
	require.Less(t, s.count, 2*auditStep)

	s = endless(t, newWorld(t, 2))
	indexes := make([]int64, maxEntries)
	for i := range indexes {
		indexes[i] = int64(i) << 20
	}
	g := newGrove(t.Context(), s, tlog.Tree{N: 1 << 40, Hash: tlog.Hash{1}})
	_, err = g.entries(t.Context(), s, indexes)
	require.ErrorAs(t, err, new(*CorruptError))
	require.Less(t, s.count, 10*leavesTogether)
}

// What a reader has checked it may forget: it is read again.
func TestMemoryOfTilesIsBounded(t *testing.T) {
	g := &grove{tiles: map[tlog.Tile][]byte{}}
	for n := range int64(3 * maxTiles) {
		g.SaveTiles([]tlog.Tile{{H: tileHeight, N: n, W: tileWidth}}, [][]byte{nil})
		require.LessOrEqual(t, len(g.tiles), maxTiles)
	}
	require.NotEmpty(t, g.tiles)
}

// An audit that is cut off again and again comes to an end all the same, and still sees a fork.
func TestAnAuditGoesOn(t *testing.T) {
	w := newWorld(t, 1)
	const entries = 3*auditStep*tileWidth + 100
	var batch []Submission
	for n := range entries {
		batch = append(batch, entry(n%1000, n/1000))
		if len(batch) == maxBatch || n == entries-1 {
			_, err := w.log.AppendAll(t.Context(), batch)
			require.NoError(t, err)
			batch = nil
		}
	}
	w.publish()
	other := w.disk.copy()

	left := 0
	s := &counting{read: func(ctx context.Context, path string) ([]byte, error) {
		if left--; left < 0 {
			return nil, context.DeadlineExceeded
		}
		return w.log.ReadFile(ctx, path)
	}}
	a := &Auditor{Source: s, Trust: w.trust}
	tries := 0
	for a.Size() < entries {
		before := a.Size()
		left = auditStep + 32
		_, err := a.Audit(t.Context())
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Greater(t, a.Size(), before)
		}
		if tries++; tries == 1 {
			// Half-way, it is shown a smaller tree, and then another one: nothing of the first is forgotten.
			half := *a.last
			left = 1 << 20
			c, err := openCheckpoint(signedTree(t, 300, tlog.Hash{9}), must(parseKey(w.trust.Log, typeLog))(t), nil)
			require.NoError(t, err)
			require.ErrorAs(t, a.advance(t.Context(), must(parseKey(w.trust.Log, typeLog))(t), c), new(*Misbehaviour))
			require.Error(t, a.failed)
			a.failed = nil
			require.Equal(t, half.Size, a.last.Size)
		}
	}
	require.Equal(t, 3, tries)
	_, err := a.Audit(t.Context())
	require.NoError(t, err)

	// Cut off under one tree, it goes on under another that parts from it where it has not read.
	left = auditStep + 32
	a = &Auditor{Source: s, Trust: w.trust}
	_, err = a.Audit(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	l, err := open(other, w.config)
	require.NoError(t, err)
	l.index.entries[entries-1].Digest = digest("all is well")
	l.tree = edge{}
	_, err = l.Append(t.Context(), entry(2000, 0).Entry, entry(2000, 0).Previous)
	require.NoError(t, err)
	w.later(time.Minute)
	p, err := l.Publish(t.Context(), forgetful(w)...)
	require.NoError(t, err)
	require.True(t, p.Published)
	a.Source = l
	_, err = a.Audit(t.Context())
	require.ErrorAs(t, err, new(*Misbehaviour))
}

func signedTree(t testing.TB, size int64, root tlog.Hash) []byte {
	log, err := newSigner(origin, typeLog, seeded("log"), nil)
	require.NoError(t, err)
	signed, err := note.Sign(&note.Note{Text: formatCheckpoint(origin, size, root)}, log)
	require.NoError(t, err)
	return signed
}

// A witness that waits for one log's files keeps nobody waiting who has given up.
func TestAWitnessDoesNotQueueForever(t *testing.T) {
	w := newWorld(t, 0)
	fill(t, w.log, 1, 0, 3)
	p := w.publish()
	asked, answer := make(chan struct{}), make(chan struct{})
	slow := &counting{read: func(ctx context.Context, path string) ([]byte, error) {
		close(asked)
		<-answer
		return w.log.ReadFile(ctx, path)
	}}
	witness, err := createWitness(newMemory(), WitnessConfig{Name: "w", Key: seeded("w"), Logs: []Watched{{Log: w.log.Key(), Audit: slow}}})
	require.NoError(t, err)
	request := append([]byte("old 0\n\n"), p.Checkpoint...)
	first := make(chan error)
	go func() {
		_, err := witness.Cosign(t.Context(), request)
		first <- err
	}()
	<-asked
	gone, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		_, err := witness.Cosign(gone, request)
		second <- err
	}()
	cancel()
	select {
	case err := <-second:
		require.ErrorIs(t, err, context.Canceled)
	case <-time.After(5 * time.Second):
		t.Error("it still waits")
	}
	close(answer)
	require.NoError(t, <-first)
}
