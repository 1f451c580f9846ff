package vc_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
)

// bare returns the signature check, and the signature, that alg cannot do without.
func bare(b *testing.B, alg string) (sign, check func()) {
	message := make([]byte, 64)
	switch key := newKey(b, alg).(type) {
	case ed25519.PrivateKey:
		signature := ed25519.Sign(key, message)
		public := key.Public().(ed25519.PublicKey)
		return func() { ed25519.Sign(key, message) }, func() {
			if !ed25519.Verify(public, message, signature) {
				b.Fatal("bare check failed")
			}
		}
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256(message)
		signature, err := ecdsa.SignASN1(nil, key, digest[:])
		require.NoError(b, err)
		return func() {
				if _, err := ecdsa.SignASN1(nil, key, digest[:]); err != nil {
					b.Fatal(err)
				}
			}, func() {
				if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
					b.Fatal("bare check failed")
				}
			}
	}
	panic(alg)
}

// alternate times whole and part by turns, so that both see the same machine,
// and reports whole in units of part.
func alternate(b *testing.B, unit string, whole, part func()) {
	var spent, base time.Duration
	for b.Loop() {
		start := time.Now()
		whole()
		middle := time.Now()
		part()
		spent, base = spent+middle.Sub(start), base+time.Since(middle)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/credential")
	b.ReportMetric(float64(base.Nanoseconds())/float64(b.N), "ns/bare")
	b.ReportMetric(float64(spent)/float64(base), unit)
}

// BenchmarkVerify verifies one 1.7 kB credential with all checks, from bytes to
// *Verified, issuer by did:key. "x-bare" is the time in bare signature checks.
// Allocations are those of the pair; the bare checks of Go have 0 (Ed25519) to
// a few (ECDSA), shown by BenchmarkBare.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		b.Run(alg, func(b *testing.B) {
			_, raw := issued(b, newIssuer(b, alg))
			verifier := &vc.Verifier{Now: at(noon)}
			_, check := bare(b, alg)
			ctx := b.Context()
			b.ReportAllocs()
			alternate(b, "x-bare", func() {
				if _, err := verifier.Verify(ctx, raw, vc.AnyIssuer); err != nil {
					b.Fatal(err)
				}
			}, check)
			b.ReportMetric(float64(len(raw)), "bytes")
		})
	}
}

// BenchmarkBare is the signature check alone.
func BenchmarkBare(b *testing.B) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		b.Run(alg, func(b *testing.B) {
			_, check := bare(b, alg)
			b.ReportAllocs()
			for b.Loop() {
				check()
			}
		})
	}
}

// BenchmarkIssue issues the same credential. "x-bare" is the time in bare signatures.
func BenchmarkIssue(b *testing.B) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		b.Run(alg, func(b *testing.B) {
			issuer := newIssuer(b, alg)
			c := &vc.Credential{Subject: issuer.ID, Claim: maintenance()}
			sign, _ := bare(b, alg)
			b.ReportAllocs()
			alternate(b, "x-bare", func() {
				if _, err := issuer.Issue(c); err != nil {
					b.Fatal(err)
				}
			}, sign)
		})
	}
}

// BenchmarkVerifyAll verifies 256 credentials on all cores.
func BenchmarkVerifyAll(b *testing.B) {
	var raws [][]byte
	issuer := newIssuer(b, "Ed25519")
	for range 256 {
		_, raw := issued(b, issuer)
		raws = append(raws, raw)
	}
	verifier := &vc.Verifier{Now: at(noon)}
	for b.Loop() {
		for _, r := range verifier.VerifyAll(b.Context(), raws, vc.AnyIssuer) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(raws)), "ns/credential")
}
