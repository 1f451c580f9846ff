package multikey_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

func BenchmarkDecode(b *testing.B) {
	for _, test := range published {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := multikey.Decode(test.multikey); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	longest := longestRSA()
	b.Run("RSA-8192", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := multikey.Decode(longest); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// longestRSA is the longest Multikey in base58: 8192 bits of modulus, 31 of exponent.
func longestRSA() string {
	s, err := multikey.Encode(&rsa.PublicKey{N: new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 8192), big.NewInt(1)), E: 1<<31 - 1})
	if err != nil {
		panic(err)
	}
	return s
}

func BenchmarkEncode(b *testing.B) {
	for _, test := range published {
		pub, err := multikey.Decode(test.multikey)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := multikey.Encode(pub); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a signature check costs beside decoding its key.
func BenchmarkVerify(b *testing.B) {
	digest := make([]byte, 32)
	b.Run("Ed25519", func(b *testing.B) {
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		sig := ed25519.Sign(key, digest)
		for b.Loop() {
			if !ed25519.Verify(pub, digest, sig) {
				b.Fatal()
			}
		}
	})
	b.Run("P-256", func(b *testing.B) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		sig, err := ecdsa.SignASN1(rand.Reader, key, digest)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest, sig) {
				b.Fatal()
			}
		}
	})
}
