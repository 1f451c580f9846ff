package tlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/vc"
)

// Whatever is appended, published and opened again, in any order: a log holds what a list and the
// rule say, hashes to what a plain RFC 6962 tree does, and each reader sees just that.
func TestLogIsAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, 2)
		var leaves []Entry         // the model
		heads := map[int][]Entry{} // by machine
		published := 0
		known := w.reader(w.log)
		known.Scan = rapid.Bool().Draw(rt, "scan")
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				var batch []Submission
				var want []int // leaf, or -1 if it is refused
				for range rapid.IntRange(1, 70).Draw(rt, "entries") {
					m := rapid.IntRange(0, 3).Draw(rt, "machine")
					s := entry(m, len(heads[m]))
					switch rapid.IntRange(0, 9).Draw(rt, "what") {
					case 0: // again
						if len(heads[m]) > 0 {
							n := rapid.IntRange(0, len(heads[m])-1).Draw(rt, "n")
							s = entry(m, n)
							batch, want = append(batch, s), append(want, slices.Index(leaves, s.Entry))
							continue
						}
					case 1: // another in its place
						if len(heads[m]) > 0 {
							s = entry(m, rapid.IntRange(0, len(heads[m])-1).Draw(rt, "n"))
							s.Entry.Digest = digest("forged")
							batch, want = append(batch, s), append(want, -1)
							continue
						}
					case 2: // a gap
						batch, want = append(batch, entry(m, len(heads[m])+1)), append(want, -1)
						continue
					case 3: // another predecessor
						s.Previous = digest("forged")
						batch, want = append(batch, s), append(want, -1)
						continue
					}
					batch, want = append(batch, s), append(want, len(leaves))
					leaves = append(leaves, s.Entry)
					heads[m] = append(heads[m], s.Entry)
				}
				results, err := w.log.AppendAll(context.Background(), batch)
				require.NoError(rt, err)
				for i, r := range results {
					require.Equal(rt, want[i] < 0, r.Err != nil, "%v", r.Err)
					require.EqualValues(rt, max(0, want[i]), r.Index)
				}
			},
			"publish": func(rt *rapid.T) {
				p := w.publish()
				published = len(leaves)
				c, err := w.trust.Checkpoint(p.Checkpoint)
				require.NoError(rt, err)
				require.EqualValues(rt, published, c.Size)
				require.Equal(rt, plain(leaves), tlog.Hash(c.Root))
			},
			"open": func(rt *rapid.T) {
				w.disk = w.disk.crash()
				var err error
				w.log, err = open(w.disk, w.config)
				require.NoError(rt, err)
				known.Source = w.log
				if known.auditor != nil {
					known.auditor.Source = w.log
				}
			},
			"": func(rt *rapid.T) {
				require.EqualValues(rt, len(leaves), w.log.Size())
				if published == 0 {
					return
				}
				m := rapid.IntRange(0, 3).Draw(rt, "read")
				v, err := known.Read(context.Background(), machine(m))
				require.NoError(rt, err)
				require.EqualValues(rt, published, v.Checkpoint.Size)
				got, err := v.Record(machine(m).Chain)
				require.NoError(rt, err)
				i := 0
				for _, e := range leaves[:published] {
					if e.Key == entry(m, 0).Entry.Key {
						require.Equal(rt, e.Digest, got.Entries[i].Digest)
						i++
					}
				}
				require.Len(rt, got.Entries, i)
			},
		})
	})
}

// plain is RFC 6962 §2.1, word for word.
func plain(leaves []Entry) tlog.Hash {
	switch n := len(leaves); n {
	case 0:
		h, _ := tlog.TreeHash(0, nil)
		return h
	case 1:
		return tlog.RecordHash(leaves[0].Leaf())
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		return tlog.NodeHash(plain(leaves[:k]), plain(leaves[k:]))
	}
}

// The edge of a tree of any size makes the root, over more than two levels of tiles.
func TestEdge(t *testing.T) {
	var e edge
	var x index
	for n := range 70_000 {
		if n < 300 || n%4999 == 0 || n > 65_530 && n < 65_540 {
			require.Equal(t, plain(x.entries), e.root(), "%d leaves", n)
			c := e.clone()
			require.Equal(t, e.root(), c.root())
		}
		leaf := Entry{Key: Key{1}, Sequence: int64(n), Digest: vc.Digest{1}}
		x.entries = append(x.entries, leaf)
		require.NoError(t, e.push(tlog.RecordHash(leaf.Leaf()), nil))
	}
	proof, err := tlog.ProveTree(70_000, 65_000, &x)
	require.NoError(t, err)
	require.NoError(t, tlog.CheckTree(proof, 70_000, plain(x.entries), 65_000, plain(x.entries[:65_000])))
	_, err = x.ReadHashes([]int64{tlog.StoredHashIndex(0, 70_000)})
	require.Error(t, err)
}

func TestRefusalsSayWhatIsHeld(t *testing.T) {
	w := newWorld(t, 0)
	ctx := t.Context()
	_, err := w.log.Append(ctx, entry(0, 1).Entry, entry(0, 1).Previous)
	order, ok := errors.AsType[*OrderError](err)
	require.True(t, ok, "%v", err)
	require.EqualValues(t, -1, order.Newest)
	_, err = w.log.Append(ctx, entry(0, 0).Entry, digest("something"))
	require.ErrorAs(t, err, &order)
	fill(t, w.log, 1, 0, 3)

	forged := entry(0, 1)
	forged.Entry.Digest = digest("forged")
	_, err = w.log.Append(ctx, forged.Entry, forged.Previous)
	taken, ok := errors.AsType[*TakenError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, TakenError{Entry: forged.Entry, Held: entry(0, 1).Entry.Digest, Index: 1}, *taken)

	for _, s := range []Submission{entry(0, 4), {entry(0, 3).Entry, digest("forged")}, {Entry: entry(0, 3).Entry}} {
		_, err = w.log.Append(ctx, s.Entry, s.Previous)
		order, ok = errors.AsType[*OrderError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, OrderError{Entry: s.Entry, Newest: 2, Held: entry(0, 2).Entry.Digest}, *order)
		require.ErrorContains(t, err, "has to be entry 3")
	}
	for _, e := range []Entry{{}, {Key: Key{1}}, {Key: Key{1}, Digest: digest("x"), Sequence: -1}, {Key: Key{1}, Digest: digest("x"), Sequence: MaxSequence + 1}, {Digest: digest("x")}} {
		_, err = w.log.Append(ctx, e, vc.Digest{})
		require.Error(t, err)
	}
	_, err = w.log.AppendAll(ctx, make([]Submission, maxBatch+1))
	require.ErrorContains(t, err, "at most")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err = w.log.Append(gone, entry(0, 3).Entry, entry(0, 3).Previous)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 3, w.log.Size())

	e, index, ok := w.log.Newest(entry(0, 0).Entry.Key)
	require.True(t, ok)
	require.EqualValues(t, 2, index)
	require.Equal(t, entry(0, 2).Entry, e)
	_, _, ok = w.log.Newest(Key{9})
	require.False(t, ok)
}

// Many write, publish and read at once.
func TestManyAtOnce(t *testing.T) {
	folder := t.TempDir()
	w := newWorld(t, 2)
	l, err := Create(folder, w.config)
	require.NoError(t, err)
	const writers, each = 8, 40
	done := make(chan error)
	for m := range writers {
		go func() {
			for n := range each {
				if _, err := l.Append(context.Background(), entry(m, n).Entry, entry(m, n).Previous); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	reader := w.reader(l)
	go func() {
		for l.Size() < writers*each {
			if _, err := l.Publish(context.Background(), w.cosigners...); err != nil {
				done <- err
				return
			}
			if _, err := reader.Read(context.Background(), machine(0)); err != nil {
				// A publication may come between checkpoint and tiles of the one before; those stay.
				done <- fmt.Errorf("read: %w", err)
				return
			}
		}
		done <- nil
	}()
	for range writers + 1 {
		require.NoError(t, <-done)
	}
	p, err := l.Publish(t.Context(), w.cosigners...)
	require.NoError(t, err)
	require.EqualValues(t, writers*each, p.Size)
	require.NoError(t, l.Close())

	// The folder alone is enough for who reads all entries.
	scan := w.reader(Dir(folder))
	scan.Scan = true
	v, err := scan.Read(t.Context(), machine(3))
	require.NoError(t, err)
	got, err := v.Record(machine(3).Chain)
	require.NoError(t, err)
	require.Len(t, got.Entries, each)
	_, err = w.reader(Dir(folder)).Read(t.Context(), machine(3))
	require.Error(t, err, "a folder signs no heads")
	_, err = scan.Keep(t.Context(), machine(3))
	require.ErrorContains(t, err, "does not sign heads")
	for _, private := range []string{"private/pending", "private/lock", "../x", "/etc/passwd", "tile/../private/pending", "", "."} {
		_, err := Dir(folder).ReadFile(t.Context(), private)
		require.Error(t, err, private)
	}
}
