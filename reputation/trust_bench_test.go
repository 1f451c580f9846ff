package reputation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
)

// What estimating costs for each thing that an issuer said, beside a plain sweep over as many
// bytes as it takes to say it.
func BenchmarkEstimator(b *testing.B) {
	w := newTown(3)
	for i := range 60 {
		w.honest(issuer("honest", i), 8)
	}
	for i := range 20 {
		w.speak(issuer("sleeper", i), 4, func(m int, kept bool) bool { return m%6 == 0 || kept })
	}
	statements := 0
	for _, evidence := range w.evidence {
		statements += len(evidence)
	}
	add := func(b *testing.B) *reputation.Estimator {
		e := w.estimator(b)
		for m := range w.evidence {
			require.NoError(b, e.Add(machine(m), reputation.Case{Evidence: w.evidence[m]}))
		}
		return e
	}
	perStatement := func(b *testing.B, rounds int) float64 {
		return float64(b.Elapsed().Nanoseconds()) / float64(b.N*statements*rounds)
	}
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			add(b)
		}
		b.ReportMetric(perStatement(b, 1), "ns/statement")
	})
	b.Run("table", func(b *testing.B) {
		e := add(b)
		for b.Loop() {
			if _, err := e.Table(nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(perStatement(b, reputation.Rounds), "ns/statement/round")
	})
	b.Run("sweep", func(b *testing.B) {
		statement := make([]uint32, 4*statements) // a piece and a ballot
		var sum uint32
		for b.Loop() {
			for range reputation.Rounds {
				for _, x := range statement {
					sum += x
				}
			}
		}
		_ = sum
		b.ReportMetric(perStatement(b, reputation.Rounds), "ns/statement/round")
	})
}
