package tessera_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	upstream "github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tessera"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
)

const origin = "log.example/machines"

// seeded returns the key that name always stands for.
func seeded(name string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(sum[:])
}

func digest(format string, args ...any) vc.Digest {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// machine returns the record of machine m.
func machine(m int) tlog.Record {
	return tlog.Record{Chain: digest("machine %d entry 0", m), Salt: tlog.Salt(digest("salt %d", m))}
}

// entry returns entry n of machine m.
func entry(m, n int) tlog.Submission {
	r := machine(m)
	s := tlog.Submission{Entry: tlog.Entry{Key: r.Salt.Key(r.Chain), Sequence: int64(n), Digest: digest("machine %d entry %d", m, n)}}
	if n > 0 {
		s.Previous = digest("machine %d entry %d", m, n-1)
	}
	return s
}

// A world is a log on Tessera, in a folder, with two witnesses.
type world struct {
	t      testing.TB
	config tessera.Config
	folder string
	trust  tlog.Trust
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, folder: filepath.Join(t.TempDir(), "public")}
	w.config.Config = tlog.Config{Origin: origin, Key: seeded("log"), Quorum: 2}
	w.config.Archive = filepath.Join(t.TempDir(), "archive")
	key, err := tlog.LogKey(origin, seeded("log").Public())
	require.NoError(t, err)
	for i := range 2 {
		name := fmt.Sprintf("witness.example/w%d", i)
		witness, err := tlog.CreateWitness(t.TempDir(), tlog.WitnessConfig{Name: name, Key: seeded(name), Logs: []tlog.Watched{{Log: key}}})
		require.NoError(t, err)
		server := httptest.NewServer(&tloghttp.WitnessHandler{Witness: witness})
		t.Cleanup(func() {
			server.Close()
			require.NoError(t, witness.Close())
		})
		w.config.Witnesses = append(w.config.Witnesses, witness.Key())
		w.config.URLs = append(w.config.URLs, server.URL)
	}
	w.trust = tlog.Trust{Log: key, Witnesses: w.config.Witnesses}
	return w
}

func (w *world) open() (*tessera.Log, error) {
	driver, err := posix.New(w.t.Context(), posix.Config{Path: w.folder})
	require.NoError(w.t, err)
	w.config.Options = upstream.NewAppendOptions().WithCheckpointInterval(100*time.Millisecond).WithBatching(256, 10*time.Millisecond)
	return tessera.Open(w.t.Context(), driver, w.config)
}

func (w *world) mustOpen() *tessera.Log {
	w.t.Helper()
	l, err := w.open()
	require.NoError(w.t, err)
	return l
}

// fill appends entries from to to-1 of each of the machines, all at once.
func fill(t testing.TB, l *tessera.Log, machines, from, to int) {
	t.Helper()
	var batch []tlog.Submission
	for n := from; n < to; n++ {
		for m := range machines {
			batch = append(batch, entry(m, n))
		}
	}
	results, err := l.AppendAll(t.Context(), batch)
	require.NoError(t, err)
	for _, r := range results {
		require.NoError(t, r.Err)
	}
}

// published waits for a checkpoint of all that is acknowledged.
func published(t testing.TB, l *tessera.Log) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; {
		size, err := l.Update(t.Context())
		if err == nil && size == l.Size() {
			return
		}
		require.True(t, time.Now().Before(end), "size %d of %d: %v", size, l.Size(), err)
		time.Sleep(20 * time.Millisecond)
	}
}

// One reader reads both makes of log, and finds the same.
func TestTheSameReaderReadsBoth(t *testing.T) {
	const machines, entries = 130, 3
	w := newWorld(t)
	l := w.mustOpen()
	fill(t, l, machines, 0, entries)
	published(t, l)

	plain, err := tlog.Create(t.TempDir(), w.config.Config)
	require.NoError(t, err)
	for n := range entries {
		for m := range machines {
			_, err := plain.Append(t.Context(), entry(m, n).Entry, entry(m, n).Previous)
			require.NoError(t, err)
		}
	}

	records := []tlog.Record{machine(0), machine(7), machine(machines - 1), machine(machines)}
	for _, reader := range []*tlog.Reader{
		{Source: l, Trust: w.trust},
		{Source: l, Trust: w.trust, Scan: true},
		{Source: tlog.Dir(w.folder), Trust: w.trust, Scan: true}, // as a web server gives it, without this program
	} {
		view, err := reader.Read(t.Context(), records...)
		require.NoError(t, err)
		require.EqualValues(t, machines*entries, view.Checkpoint.Size)
		for i, r := range records {
			logged, err := view.Record(r.Chain)
			require.NoError(t, err)
			require.True(t, logged.Fresh)
			if i == 3 {
				require.Empty(t, logged.Entries, "and the log has signed that")
				continue
			}
			require.Len(t, logged.Entries, entries)
			for n, e := range logged.Entries {
				want, index, held := plain.Newest(r.Salt.Key(r.Chain))
				require.True(t, held)
				require.Equal(t, chain.LoggedEntry{Sequence: int64(n), Digest: digest("machine %d entry %d", []int{0, 7, machines - 1}[i], n), Time: e.Time}, e)
				if n == entries-1 {
					require.Equal(t, want.Digest, e.Digest)
				}
				require.Less(t, index, plain.Size())
				if reader.Source == tlog.Source(l) {
					require.WithinDuration(t, time.Now(), e.Time, time.Minute)
				} else {
					require.True(t, e.Time.IsZero(), "a folder does not say since when")
				}
			}
		}
	}

	audited, err := (&tlog.Auditor{Source: l, Trust: w.trust}).Audit(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, machines*entries, audited.Size)

	// Offline: what a holder keeps, and a receipt.
	kept, err := (&tlog.Reader{Source: l, Trust: w.trust}).Keep(t.Context(), machine(5))
	require.NoError(t, err)
	view, err := w.trust.View(kept)
	require.NoError(t, err)
	logged, err := view.Record(machine(5).Chain)
	require.NoError(t, err)
	require.Len(t, logged.Entries, entries)
	newest, index, ok := l.Newest(entry(5, 0).Entry.Key)
	require.True(t, ok)
	text, err := l.Receipt(t.Context(), index)
	require.NoError(t, err)
	receipt, err := w.trust.Receipt(text)
	require.NoError(t, err)
	require.Equal(t, newest, receipt.Entry)
	require.NoError(t, l.Close(t.Context()))
}

func TestALogGoesOnWhereItWas(t *testing.T) {
	w := newWorld(t)
	l := w.mustOpen()
	fill(t, l, 3, 0, 2)
	published(t, l)
	require.NoError(t, l.Close(t.Context()))
	_, err := l.Append(t.Context(), entry(0, 2).Entry, entry(0, 2).Previous)
	require.ErrorIs(t, err, fs.ErrClosed)

	l = w.mustOpen()
	require.EqualValues(t, 6, l.Size())
	fill(t, l, 3, 2, 4)
	fill(t, l, 3, 0, 4) // again: changes nothing
	require.EqualValues(t, 12, l.Size())
	published(t, l)
	view, err := (&tlog.Reader{Source: l, Trust: w.trust}).Read(t.Context(), machine(2))
	require.NoError(t, err)
	logged, err := view.Record(machine(2).Chain)
	require.NoError(t, err)
	require.Len(t, logged.Entries, 4)
	require.False(t, logged.Entries[0].Time.After(logged.Entries[3].Time), "each by the first checkpoint that covered it")
	require.NoError(t, l.Close(t.Context()))
}

// What is acknowledged survives a writer that stops before any checkpoint covers it.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	w := newWorld(t)
	l := w.mustOpen()
	fill(t, l, 4, 0, 1)
	stopping, cancel := context.WithCancel(t.Context())
	cancel()
	_ = l.Close(stopping) // waits for nothing
	l = w.mustOpen()
	require.EqualValues(t, 4, l.Size())
	fill(t, l, 4, 1, 2)
	published(t, l)
	require.NoError(t, l.Close(t.Context()))
}

func TestTheRuleOfTheLog(t *testing.T) {
	w := newWorld(t)
	l := w.mustOpen()
	fill(t, l, 1, 0, 3)
	other := entry(0, 1).Entry
	other.Digest = digest("another")
	_, err := l.Append(t.Context(), other, entry(0, 1).Previous)
	taken := new(tlog.TakenError)
	require.ErrorAs(t, err, &taken)
	require.Equal(t, entry(0, 1).Entry.Digest, taken.Held)
	_, err = l.Append(t.Context(), entry(0, 4).Entry, entry(0, 4).Previous)
	require.ErrorAs(t, err, new(*tlog.OrderError), "one is missing")
	_, err = l.Append(t.Context(), entry(0, 3).Entry, digest("another"))
	require.ErrorAs(t, err, new(*tlog.OrderError), "it follows another one")
	index, err := l.Append(t.Context(), entry(0, 1).Entry, entry(0, 1).Previous)
	require.NoError(t, err)
	require.EqualValues(t, 1, index)

	results, err := l.AppendAll(t.Context(), []tlog.Submission{entry(0, 3), {Entry: other}, entry(0, 4), entry(1, 1)})
	require.NoError(t, err)
	require.NoError(t, errors.Join(results[0].Err, results[2].Err), "one that is refused does not keep the others out")
	require.ErrorAs(t, results[1].Err, &taken)
	require.ErrorAs(t, results[3].Err, new(*tlog.OrderError))
	require.EqualValues(t, []int64{3, 4}, []int64{results[0].Index, results[2].Index})
	require.NoError(t, l.Close(t.Context()))
}

// A record under two salts, sent at once: the second one is refused, and not found out when both
// are in the tree for good.
func TestTwoSaltsAtOnce(t *testing.T) {
	w := newWorld(t)
	l := w.mustOpen()
	first, second := entry(0, 0), entry(0, 0)
	second.Entry.Key = tlog.Salt(digest("another salt")).Key(machine(0).Chain)
	results, err := l.AppendAll(t.Context(), []tlog.Submission{first, second, entry(1, 0)})
	require.NoError(t, err)
	require.NoError(t, errors.Join(results[0].Err, results[2].Err))
	require.ErrorAs(t, results[1].Err, new(*tlog.TakenError))
	fill(t, l, 2, 1, 2)
	published(t, l)
	require.NoError(t, l.Close(t.Context()))
	l = w.mustOpen()
	require.EqualValues(t, 4, l.Size())
	require.NoError(t, l.Close(t.Context()))
}

// A checkpoint may cover entries that are still on their way to being acknowledged: whoever takes it
// in meanwhile does not take them for those of another writer.
func TestUpdateWhileEntriesComeIn(t *testing.T) {
	w := newWorld(t)
	l := w.mustOpen()
	done, updated := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(updated)
		for {
			select {
			case <-done:
				return
			default:
				_, _ = l.Update(t.Context())
			}
		}
	}()
	for n := range 4 {
		fill(t, l, 2000, n, n+1)
	}
	close(done)
	<-updated
	published(t, l)
	require.NoError(t, l.Close(t.Context()))
}

func TestTwoWritersAreNoticed(t *testing.T) {
	w := newWorld(t)
	l := w.mustOpen()
	fill(t, l, 1, 0, 1)
	_, err := w.open()
	require.Error(t, err, "on one machine the archive is locked")

	w.config.Archive = filepath.Join(t.TempDir(), "elsewhere")
	second := w.mustOpen()
	fill(t, second, 1, 1, 2)
	results, err := l.AppendAll(t.Context(), []tlog.Submission{entry(0, 1)})
	require.ErrorIs(t, err, tlog.ErrStopped)
	require.ErrorContains(t, err, "does another process write this log?")
	require.Nil(t, results)
	_, err = l.Append(t.Context(), entry(1, 0).Entry, vc.Digest{})
	require.ErrorIs(t, err, tlog.ErrStopped)
	_ = l.Close(t.Context())
	_ = second.Close(t.Context())
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*world)
		says   string
	}{
		{"no witnesses", func(w *world) { w.config.Witnesses, w.config.URLs = nil, nil }, "0 witnesses"},
		{"a witness without a place", func(w *world) { w.config.URLs = w.config.URLs[:1] }, "2 witnesses and 1 URLs"},
		{"a quorum of three of two", func(w *world) { w.config.Quorum = 3 }, "asks for 3"},
		{"a URL that is none", func(w *world) { w.config.URLs[0] = "http://[" }, "URL of witness 0"},
		{"a log's key for a witness's", func(w *world) { w.config.Witnesses[1] = w.trust.Log }, "witness"},
		{"no key", func(w *world) { w.config.Key = nil }, "no key"},
		{"a name with spaces", func(w *world) { w.config.Origin = "my log" }, "my log"},
		{"a folder of another log", func(w *world) {
			require.NoError(w.t, w.mustOpen().Close(w.t.Context()))
			w.config.Key = seeded("another")
		}, ""},
		{"a damaged bundle", func(w *world) {
			l := w.mustOpen()
			fill(w.t, l, 2, 0, 1)
			published(w.t, l)
			require.NoError(w.t, l.Close(w.t.Context()))
			bundle := filepath.Join(w.folder, "tile", "entries", "000.p", "2")
			b, err := os.ReadFile(bundle)
			require.NoError(w.t, err)
			b[50] ^= 1
			require.NoError(w.t, os.WriteFile(bundle, b, 0o644))
		}, "do not hash to the tree"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.change(w)
			_, err := w.open()
			require.ErrorContains(t, err, tt.says)
		})
	}
}
