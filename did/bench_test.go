package did_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"filippo.io/edwards25519/field"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := did.Parse("did:key:" + mbEd); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := did.ParseURL("did:key:" + mbEd + "#" + mbEd); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOffline is from a did:key and a did:jwk to the key, and to the document. What the
// curve itself takes is said beside it: of a did:key on P-256, almost all is decompressing the
// point. "/check" is the ratio to one signature check of that kind, in the same run.
func BenchmarkOffline(b *testing.B) {
	for name, pub := range benchKeys(b) {
		key, err := did.NewKey(pub)
		require.NoError(b, err)
		jwk, err := did.NewJWK(pub)
		require.NoError(b, err)
		for method, id := range map[string]did.DID{"key": key, "jwk": jwk} {
			use := did.AssertionMethod
			if name == "X25519" {
				use = did.KeyAgreement
			}
			run := func(what string, do func() error) {
				b.Run(method+"/"+name+"/"+what, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := do(); err != nil {
							b.Fatal(err)
						}
					}
					b.StopTimer()
					if check := signatureCheck(b, pub); check > 0 {
						b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(check), "/check")
					}
				})
			}
			url := id.KeyURL()
			run("Key", func() error {
				_, err := did.Key(context.Background(), nil, url, use, did.Version{})
				return err
			})
			run("Resolve", func() error {
				_, err := did.Offline{}.Resolve(context.Background(), id, did.Version{})
				return err
			})
		}
	}
}

// BenchmarkCurve is the part of BenchmarkOffline that the curves take: the point of a did:key
// on P-256, and the X25519 key in the document of one on Ed25519.
func BenchmarkCurve(b *testing.B) {
	b.Run("P-256", func(b *testing.B) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(b, err)
		raw, err := key.PublicKey.Bytes()
		require.NoError(b, err)
		point := append([]byte{2 | raw[64]&1}, raw[1:33]...)
		for b.Loop() {
			if x, _ := elliptic.UnmarshalCompressed(elliptic.P256(), point); x == nil {
				b.Fatal()
			}
		}
	})
	b.Run("Ed25519", func(b *testing.B) {
		x := new(field.Element).One()
		x.Add(x, x)
		for b.Loop() {
			x.Pow22523(x)
		}
	})
}

func benchKeys(b *testing.B) map[string]crypto.PublicKey {
	keys := newKeys(b)
	delete(keys, "P-384")
	delete(keys, "P-521")
	return keys
}

// signatureCheck measures one check of a signature under a key like pub; 0 if it signs nothing.
func signatureCheck(b *testing.B, pub crypto.PublicKey) time.Duration {
	digest := make([]byte, 32)
	var check func() bool
	switch pub := pub.(type) {
	case ed25519.PublicKey:
		pub, key, err := ed25519.GenerateKey(nil)
		require.NoError(b, err)
		sig := ed25519.Sign(key, digest)
		check = func() bool { return ed25519.Verify(pub, digest, sig) }
	case *ecdsa.PublicKey:
		if pub.Curve != elliptic.P256() {
			return 0
		}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(b, err)
		sig, err := ecdsa.SignASN1(rand.Reader, key, digest)
		require.NoError(b, err)
		check = func() bool { return ecdsa.VerifyASN1(&key.PublicKey, digest, sig) }
	default:
		return 0
	}
	const n = 200
	start := time.Now()
	for range n {
		require.True(b, check())
	}
	return time.Since(start) / n
}

// BenchmarkDocumentKey is what a key costs once its document is there.
func BenchmarkDocumentKey(b *testing.B) {
	doc, err := did.ParseDocument([]byte(document(`"assertionMethod":[` + method("k", mbEd) + `]`)))
	if err != nil {
		b.Fatal(err)
	}
	url := doc.ID.URL("k")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := doc.Key(url, did.AssertionMethod); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseDocument(b *testing.B) {
	raw := []byte(document(`"verificationMethod":[`+method("k", mbEd)+`,`+method("l", mbP256)+`]`,
		`"authentication":["#k","#l"]`, `"assertionMethod":["#k","#l"]`,
		`"service":[{"id":"#s","type":"MachineRecord","serviceEndpoint":"https://shop.example/record"}]`))
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := did.ParseDocument(raw); err != nil {
			b.Fatal(err)
		}
	}
}
