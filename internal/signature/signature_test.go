package signature_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/keystore"
)

func keys(t testing.TB) map[signature.Scheme]crypto.Signer {
	t.Helper()
	store := new(keystore.Memory)
	all := map[signature.Scheme]crypto.Signer{}
	for scheme, alg := range map[signature.Scheme]keystore.Algorithm{
		signature.Ed25519: keystore.Ed25519, signature.P256SHA256: keystore.P256,
		signature.P384SHA384: keystore.P384, signature.Secp256k1SHA256: keystore.Secp256k1,
	} {
		key, err := store.Create(t.Context(), string(rune('a'+scheme)), alg)
		if scheme == signature.Secp256k1SHA256 && err != nil {
			require.ErrorIs(t, err, secp256k1.ErrLeftOut)
			continue
		}
		require.NoError(t, err)
		all[scheme] = key
	}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader) // keystores make none
	require.NoError(t, err)
	all[signature.P521SHA512] = p521
	return all
}

func TestEverySchemeSignsAndVerifies(t *testing.T) {
	all := keys(t)
	message := []byte("14,210 hours")
	for scheme, key := range all {
		sig, err := signature.Sign(key, message)
		require.NoError(t, err)
		require.Len(t, sig, scheme.Size())
		of, err := signature.Of(key.Public())
		require.NoError(t, err)
		require.Equal(t, scheme, of)
		require.NoError(t, signature.Verify(key.Public(), message, sig))

		for i := range sig {
			sig[i] ^= 0x10
			require.ErrorIs(t, signature.Verify(key.Public(), message, sig), signature.ErrMismatch, "byte %d", i)
			sig[i] ^= 0x10
		}
		require.ErrorIs(t, signature.Verify(key.Public(), message[1:], sig), signature.ErrMismatch)
		require.ErrorIs(t, signature.Verify(key.Public(), message, sig[1:]), signature.ErrMismatch)
		require.ErrorIs(t, signature.Verify(key.Public(), message, append(sig, 0)), signature.ErrMismatch)
		require.ErrorIs(t, signature.Verify(key.Public(), message, nil), signature.ErrMismatch)
		require.ErrorIs(t, signature.Verify(key.Public(), message, make([]byte, scheme.Size())), signature.ErrMismatch)
		for other, key := range all {
			if other != scheme {
				require.Error(t, signature.Verify(key.Public(), message, sig), "%v by %v", other, scheme)
			}
		}
	}
}

// Of (r, s) and (r, n-s) both hold: what hardware gives is not ours to choose.
func TestBothSAreTaken(t *testing.T) {
	for scheme, order := range map[signature.Scheme]string{
		signature.P256SHA256:      "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		signature.Secp256k1SHA256: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
	} {
		key, ok := keys(t)[scheme]
		if !ok {
			continue // this build has no such curve
		}
		sig, err := signature.Sign(key, []byte("m"))
		require.NoError(t, err)
		n, _ := new(big.Int).SetString(order, 16)
		other := append([]byte(nil), sig...)
		new(big.Int).Sub(n, new(big.Int).SetBytes(sig[32:])).FillBytes(other[32:])
		require.NotEqual(t, sig, other)
		require.NoError(t, signature.Verify(key.Public(), []byte("m"), other))
	}
}

type signer struct {
	crypto.Signer
	public crypto.PublicKey
	out    []byte
}

func (s signer) Public() crypto.PublicKey                                  { return s.public }
func (s signer) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.out, nil }

// coordinates converts to a key that the library itself would not make.
type coordinates struct {
	elliptic.Curve
	X, Y *big.Int
}

func TestKeysThatAreRefused(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, public := range map[string]crypto.PublicKey{
		"P-224":                  p224.Public(),
		"RSA":                    &rsa.PublicKey{},
		"three bytes of Ed25519": ed25519.PublicKey("abc"),
		"no curve":               &ecdsa.PublicKey{},
		"nil":                    (*ecdsa.PublicKey)(nil),
		"bytes":                  []byte("secret"),
		"nothing":                nil,
	} {
		_, err := signature.Of(public)
		require.Error(t, err, name)
		_, err = signature.Sign(signer{public: public}, nil)
		require.Error(t, err, name)
		err = signature.Verify(public, nil, make([]byte, 64))
		require.Error(t, err, name)
		require.NotErrorIs(t, err, signature.ErrMismatch, name)
	}
	off := ecdsa.PublicKey(coordinates{elliptic.P256(), big.NewInt(1), big.NewInt(1)})
	require.ErrorIs(t, signature.Verify(&off, nil, make([]byte, 64)), signature.ErrMismatch)

	for name, out := range map[string][]byte{
		"nothing":       nil,
		"raw":           make([]byte, 64),
		"zero":          {0x30, 6, 2, 1, 0, 2, 1, 1},
		"negative":      {0x30, 6, 2, 1, 0xff, 2, 1, 1},
		"trailing data": {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
		"one integer":   {0x30, 3, 2, 1, 1},
	} {
		_, err := signature.Sign(signer{public: p256.Public(), out: out}, nil)
		require.ErrorContains(t, err, "no ASN.1 ECDSA signature", name)
		_, err = signature.Sign(signer{public: make(ed25519.PublicKey, 32), out: out[:min(len(out), 8)]}, nil)
		require.ErrorContains(t, err, "no Ed25519 signature", name)
	}
}

// Wycheproof's vectors of r ‖ s and of Ed25519: every case ends as they say.
func TestWycheproof(t *testing.T) {
	total := 0
	for file, cases := range map[string]int{
		"ecdsa_secp256r1_sha256_p1363_test.json": 0,
		"ecdsa_secp384r1_sha384_p1363_test.json": 0,
		"ed25519_test.json":                      0,
	} {
		text, err := os.ReadFile(shared.Path(t, "vectors", "wycheproof", file))
		require.NoError(t, err)
		var suite struct {
			NumberOfTests int
			TestGroups    []struct {
				PublicKey struct{ Uncompressed, Pk string }
				Tests     []struct {
					TcId                      int
					Comment, Msg, Sig, Result string
				}
			}
		}
		require.NoError(t, json.Unmarshal(text, &suite))
		for _, group := range suite.TestGroups {
			var public crypto.PublicKey
			if group.PublicKey.Pk != "" {
				public = ed25519.PublicKey(unhex(t, group.PublicKey.Pk))
			} else {
				point, curve := unhex(t, group.PublicKey.Uncompressed), elliptic.P256()
				if len(point) > 65 {
					curve = elliptic.P384()
				}
				public, err = ecdsa.ParseUncompressedPublicKey(curve, point)
				require.NoError(t, err)
			}
			for _, c := range group.Tests {
				err := signature.Verify(public, unhex(t, c.Msg), unhex(t, c.Sig))
				require.Equal(t, c.Result == "valid", err == nil, "%s %d: %s", file, c.TcId, c.Comment)
				cases++
			}
		}
		require.Equal(t, suite.NumberOfTests, cases)
		total += cases
	}
	shared.Tally(t, "Ed25519 and ECDSA (r ‖ s)", "Wycheproof: Ed25519, P-256, P-384", total, total, "")
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}
