package jose_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/vc"
)

// alternate times whole and part by turns, so that both see the same machine,
// and reports whole in units of part.
func alternate(b *testing.B, unit string, whole, part func() error) {
	var spent, base time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		err := whole()
		middle := time.Now()
		bare := part()
		spent, base = spent+middle.Sub(start), base+time.Since(middle)
		if err != nil || bare != nil {
			b.Fatal(err, bare)
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/credential")
	b.ReportMetric(float64(base.Nanoseconds())/float64(b.N), "ns/bare")
	b.ReportMetric(float64(spent)/float64(base), unit)
}

// BenchmarkVerify verifies one vc+jwt of 1.5 kB with all checks, beside the bare
// signature check of the same run.
func BenchmarkVerify(b *testing.B) {
	for alg, kind := range algorithms {
		b.Run(alg, func(b *testing.B) {
			shop := newParty(b, kind)
			raw, err := shop.issuer().Issue(maintenance())
			require.NoError(b, err)
			sig, err := signature.Sign(shop.key, raw)
			require.NoError(b, err)
			v, accept := verifier(), vc.IssuedBy(shop.id)
			alternate(b, "x/check", func() error {
				_, err := v.Verify(b.Context(), raw, accept)
				return err
			}, func() error { return signature.Verify(shop.key.Public(), raw, sig) })
		})
	}
}

// BenchmarkIssue issues the same, beside the bare signature.
func BenchmarkIssue(b *testing.B) {
	for alg, kind := range algorithms {
		b.Run(alg, func(b *testing.B) {
			shop := newParty(b, kind)
			issuer, c := shop.issuer(), maintenance()
			raw, err := issuer.Issue(c)
			require.NoError(b, err)
			alternate(b, "x/signature", func() error {
				_, err := issuer.Issue(c)
				return err
			}, func() error {
				_, err := signature.Sign(shop.key, raw)
				return err
			})
		})
	}
}
