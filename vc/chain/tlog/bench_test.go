package tlog

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkAppend acknowledges entries, each batch synced to the disk.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			l, err := Create(b.TempDir(), config())
			require.NoError(b, err)
			defer l.Close()
			n := 0
			for b.Loop() {
				b.StopTimer()
				batch := make([]Submission, size)
				for i := range batch {
					batch[i] = entry(i%1000, n+i/1000)
				}
				n += (size + 999) / 1000
				b.StartTimer()
				_, err := l.AppendAll(b.Context(), batch)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkAppendParallel acknowledges single entries of 64 clients at once.
func BenchmarkAppendParallel(b *testing.B) {
	l, err := Create(b.TempDir(), config())
	require.NoError(b, err)
	defer l.Close()
	clients := make(chan int, 64)
	for m := range cap(clients) {
		clients <- m
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		m := <-clients
		for n := 0; pb.Next(); n++ {
			if _, err := l.Append(context.Background(), entry(m, n).Entry, entry(m, n).Previous); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// grown makes a log in a folder, of so many published entries of 10,000 machines.
func grown(b *testing.B, w *world, folder string, size int) *Log {
	b.Helper()
	l, err := Create(folder, w.config)
	require.NoError(b, err)
	for from := 0; from < size; from += 10_000 {
		batch := make([]Submission, min(10_000, size-from))
		for i := range batch {
			batch[i] = entry(i, from/10_000)
		}
		_, err := l.AppendAll(b.Context(), batch)
		require.NoError(b, err)
	}
	_, err = l.Publish(b.Context(), w.cosigners...)
	require.NoError(b, err)
	return l
}

// BenchmarkPublish publishes what has come since: tiles, two cosignatures, archive, checkpoint.
func BenchmarkPublish(b *testing.B) {
	for _, fresh := range []int{0, 1, 1000} {
		b.Run(fmt.Sprintf("fresh=%d", fresh), func(b *testing.B) {
			w := newWorld(b, 2)
			l := grown(b, w, b.TempDir(), 10_000)
			defer l.Close()
			n := 1
			for b.Loop() {
				b.StopTimer()
				batch := make([]Submission, fresh)
				for i := range batch {
					batch[i] = entry(i, n)
				}
				n++
				_, err := l.AppendAll(b.Context(), batch)
				require.NoError(b, err)
				b.StartTimer()
				_, err = l.Publish(b.Context(), w.cosigners...)
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkOpen reads and checks all of a log.
func BenchmarkOpen(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("entries=%d", size), func(b *testing.B) {
			w := newWorld(b, 2)
			folder := b.TempDir()
			require.NoError(b, grown(b, w, folder, size).Close())
			b.ReportAllocs()
			for b.Loop() {
				l, err := Open(folder, w.config)
				require.NoError(b, err)
				require.NoError(b, l.Close())
			}
			b.ReportMetric(float64(b.N)*float64(size)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// bare is what one Ed25519 verification costs in this run, as a yardstick.
func bare(b *testing.B) time.Duration {
	key := seeded("bare")
	message := make([]byte, 150)
	sig := ed25519.Sign(key, message)
	begin := time.Now()
	const n = 2000
	for range n {
		if !ed25519.Verify(key.Public().(ed25519.PublicKey), message, sig) {
			b.Fatal("bad signature")
		}
	}
	return time.Since(begin) / n
}

// BenchmarkReceipt verifies a receipt: the log's signature, two cosignatures, 17 hashes.
func BenchmarkReceipt(b *testing.B) {
	w := newWorld(b, 2)
	l := grown(b, w, b.TempDir(), 100_000)
	defer l.Close()
	text, err := l.Receipt(b.Context(), 54_321)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := w.trust.Receipt(text)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bare(b)), "bare-Ed25519")
}

// BenchmarkRead asks a log of 100,000 entries about a record of 10, by its signed head.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b, 2)
	l := grown(b, w, b.TempDir(), 100_000)
	defer l.Close()
	r := w.reader(l)
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.Read(b.Context(), machine(4321))
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bare(b)), "bare-Ed25519")
}

// BenchmarkHead answers for a record: what a log does for each reader.
func BenchmarkHead(b *testing.B) {
	w := newWorld(b, 2)
	l := grown(b, w, b.TempDir(), 100_000)
	defer l.Close()
	path := recordPath(100_000, entry(4321, 0).Entry.Key)
	b.ReportAllocs()
	for b.Loop() {
		_, err := l.ReadFile(b.Context(), path)
		require.NoError(b, err)
	}
}

// BenchmarkAudit reads all entries of a log for the first time.
func BenchmarkAudit(b *testing.B) {
	w := newWorld(b, 2)
	l := grown(b, w, b.TempDir(), 100_000)
	defer l.Close()
	b.ReportAllocs()
	for b.Loop() {
		a := &Auditor{Source: l, Trust: w.trust}
		_, err := a.Audit(b.Context())
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "entries/s")
}
