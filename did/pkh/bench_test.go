package pkh_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/pkh"
)

// BenchmarkResolve is from a did:pkh to its document, the checksum of its address included. "/check" is the
// ratio to one signature check.
func BenchmarkResolve(b *testing.B) {
	id, err := pkh.New("eip155:1:0x22227A31dd842196A246d8f3b775998560eAa61d")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (pkh.Resolver{}).Resolve(context.Background(), id, did.Version{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(signatureCheck(b)), "/check")
}

// signatureCheck returns what one check of an Ed25519 signature takes, in the same run.
func signatureCheck(b *testing.B) time.Duration {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(b, err)
	message := make([]byte, 64)
	signature := ed25519.Sign(private, message)
	const n = 200
	start := time.Now()
	for range n {
		require.True(b, ed25519.Verify(public, message, signature))
	}
	return time.Since(start) / n
}
