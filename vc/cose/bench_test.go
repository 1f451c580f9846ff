package cose_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
)

// BenchmarkVerify checks a whole credential in each form, beside the bare signature.
func BenchmarkVerify(b *testing.B) {
	v := verifier(b)
	key := service(b).Key.(ed25519.PrivateKey)
	public, message := key.Public().(ed25519.PublicKey), make([]byte, 1000)
	sig := ed25519.Sign(key, message)
	for _, name := range []string{"proof", "vc+cose", "CWT"} {
		by := *service(b)
		by.Format = formats[name]
		raw, err := by.Issue(maintenance(b))
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var whole, bare time.Duration // by turns, so that both see the same machine
			for b.Loop() {
				start := time.Now()
				if _, err := v.Verify(context.Background(), raw, vc.AnyIssuer); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				if !ed25519.Verify(public, message, sig) {
					b.Fatal()
				}
				whole, bare = whole+middle.Sub(start), bare+time.Since(middle)
			}
			b.ReportMetric(float64(whole.Nanoseconds())/float64(b.N), "ns/credential")
			b.ReportMetric(float64(whole)/float64(bare), "x-bare")
		})
	}
}

// BenchmarkCWT reads and writes the form without checking a signature.
func BenchmarkCWT(b *testing.B) {
	by := *service(b)
	by.Format = cose.CWT{}
	raw, err := by.Issue(maintenance(b))
	require.NoError(b, err)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (cose.CWT{}).Open(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	e, err := cose.CWT{}.Open(raw)
	require.NoError(b, err)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (cose.CWT{}).Seal(by.Key, e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
