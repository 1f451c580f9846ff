package chain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// long is a record of n entries, in which a lease is always open.
func long(b *testing.B, n int) *life {
	l := &life{t: b}
	l.add(0, begin, maker)
	for i := 1; i < n; i++ {
		switch i % 10 {
		case 1:
			l.add(i, lease(i+5), lessee, machine)
		case 0:
			l.add(i, closing(int64(i-9), chain.Good), lessee)
		default:
			l.add(i, good, shop)
		}
	}
	return l
}

// BenchmarkNew checks a record from credentials whose proofs were checked before.
func BenchmarkNew(b *testing.B) {
	l := long(b, 10_000)
	for _, size := range []struct {
		name string
		n    int
	}{{"1000", 1_000}, {"10000", 10_000}} {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := chain.New(machine.ID, l.entries[:size.n]...)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size.n), "ns/entry")
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	l := year(b)
	b.ReportAllocs()
	for b.Loop() {
		c := vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(70)}
		require.NoError(b, l.head.Append(&c, good))
	}
}

func BenchmarkAdvance(b *testing.B) {
	l := year(b)
	next := entry(b, l.head, 70, good, shop)
	b.ReportAllocs()
	for b.Loop() {
		head := l.head
		require.NoError(b, head.Advance(next))
	}
}
