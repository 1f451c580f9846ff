package webvh_test

import (
	"crypto/ed25519"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// long returns a log of n entries, each with other keys in its document and every eighth with other
// update keys.
func long(t testing.TB, n int) *webvh.Log {
	doc := draft(t, "fleet.example:machines:42", key(9))
	log, err := webvh.Create(webvh.Change{Key: key(0), Time: day(1), Document: doc})
	require.NoError(t, err)
	signer := key(0)
	for i := 1; i < n; i++ {
		c := webvh.Change{Key: signer, Time: day(1).Add(time.Duration(i) * time.Hour), Document: withService(log, fmt.Sprint("https://fleet.example/", i))}
		if i%8 == 0 {
			signer = key(byte(i / 8))
			log, err = log.Rotate(c, signer.Public())
		} else {
			log, err = log.Update(c)
		}
		require.NoError(t, err)
	}
	return log
}

// withService returns the newest document of log, with one service.
func withService(log *webvh.Log, endpoint string) *did.Document {
	doc, err := did.ParseDocument([]byte(log.Entry(log.Len()).State))
	if err != nil {
		panic(err)
	}
	doc.Service = []did.Service{{ID: doc.ID.URL("record"), Type: []string{"MachineRecord"}, Endpoint: []string{endpoint}}}
	return doc
}

// Of a log of a thousand entries, how much of the time goes into its signatures?
func BenchmarkVerify1000(b *testing.B) {
	log := long(b, 1000)
	raw, id := log.Raw(), log.ID()
	// As many other signatures: of one and the same the processor soon knows every branch.
	var messages, signatures [1000][]byte
	for i := range messages {
		messages[i] = fmt.Appendf(nil, "%064d", i)
		signatures[i] = ed25519.Sign(key(byte(i/8)), messages[i])
	}
	var publics [1000]ed25519.PublicKey
	for i := range publics {
		publics[i] = key(byte(i / 8)).Public().(ed25519.PublicKey)
	}

	// The quickest of each: what else the machine does is in neither.
	bare, whole := time.Hour, time.Hour
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		for i := range messages {
			if !ed25519.Verify(publics[i], messages[i], signatures[i]) {
				b.Fatal("a good signature is refused")
			}
		}
		bare = min(bare, time.Since(start))
		start = time.Now()
		if _, err := webvh.Verify(id, raw, nil); err != nil {
			b.Fatal(err)
		}
		whole = min(whole, time.Since(start))
	}
	b.ReportMetric(float64(whole)/float64(bare), "of-the-signatures")
	b.ReportMetric(float64(whole.Nanoseconds())/1000, "ns/entry")
}

// A log that is known, again.
func BenchmarkVerifyKnown(b *testing.B) {
	known := long(b, 1000)
	raw, id := known.Raw(), known.ID()
	v := webvh.Verifier{Known: known}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(id, raw, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// One more entry, of a log that is known.
func BenchmarkVerifyNew(b *testing.B) {
	known := long(b, 1000)
	longer, err := known.Update(webvh.Change{Key: key(124), Time: day(1).Add(1000 * time.Hour)})
	require.NoError(b, err)
	raw, id := longer.Raw(), known.ID()
	v := webvh.Verifier{Known: known}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(id, raw, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	log := long(b, 100)
	for name, v := range map[string]did.Version{"latest": {}, "earlier": {Number: 50}, "time": {Time: day(3)}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := log.Resolve(b.Context(), log.ID(), v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A Log keeps little beside its text.
func TestMemory(t *testing.T) {
	raw, id := long(t, 1000).Raw(), long(t, 1).ID()
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	log, err := webvh.Verify(id, raw, nil)
	require.NoError(t, err)
	beside := heap() - before - len(raw)
	t.Logf("%d bytes for a log of %d", beside, len(raw))
	require.Less(t, beside, len(raw)/4)
	runtime.KeepAlive(log)
	runtime.KeepAlive(raw)
}
