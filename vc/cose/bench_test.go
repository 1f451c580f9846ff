package cose_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
)

// BenchmarkVerify checks a whole credential in each form, beside the bare signature.
func BenchmarkVerify(b *testing.B) {
	v := verifier(b)
	for _, name := range []string{"proof", "vc+cose", "CWT"} {
		by := *service(b)
		by.Format = formats[name]
		raw, err := by.Issue(maintenance(b))
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), raw, vc.AnyIssuer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	key := service(b).Key.(ed25519.PrivateKey)
	message := make([]byte, 1000)
	sig := ed25519.Sign(key, message)
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if !ed25519.Verify(key.Public().(ed25519.PublicKey), message, sig) {
				b.Fatal()
			}
		}
	})
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
