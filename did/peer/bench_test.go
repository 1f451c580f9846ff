package peer_test

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
)

// BenchmarkResolve is from a did:peer to its document. "/check" is the ratio to one signature check.
func BenchmarkResolve(b *testing.B) {
	keys := []peer.Key{{Use: did.Authentication, Public: drone()}}
	service := did.Service{Type: []string{"MachineRecord"}, Endpoint: []string{"https://shop.example/record"}}
	run := func(numalgo string, id did.DID, err error) {
		require.NoError(b, err)
		b.Run(numalgo, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (peer.Resolver{}).Resolve(context.Background(), id, did.Version{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(signatureCheck(b)), "/check")
		})
	}
	id, err := peer.New0(drone())
	run("0", id, err)
	id, err = peer.New2(keys, service)
	run("2", id, err)
	id, err = peer.New4(keys, service)
	run("4", id, err)
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
