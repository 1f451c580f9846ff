package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// The secrets of published vectors.
var vectors = []struct {
	alg                         Algorithm
	source, secret, message, rs string // rs: r ‖ s, for Ed25519 R ‖ S
}{
	{Ed25519, "RFC 8032 §7.1 test 2",
		"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "\x72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{P256, "RFC 6979 §A.2.5",
		"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", "sample",
		"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
	{P384, "RFC 6979 §A.2.6",
		"6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5", "sample",
		"21b13d1e013c7fa1392d03c5f99af8b30c570c6f98d4ea8e354b63a21d3daa33bde1e888e63355d92fa2b3c36d8fb2cdf3aa443fb107745bf4bd77cb3891674632068a10ca67e3d45db2266fa7d1feebefdc63eccd1ac42ec0cb8668a4fa0ab0"},
	{Secp256k1, "bitcoin-core and decred, RFC 6979 with s in the lower half",
		"0000000000000000000000000000000000000000000000000000000000000001", "Satoshi Nakamoto",
		"934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d82442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
}

func TestSignersReproducePublishedSignatures(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.alg.String(), func(t *testing.T) {
			key, err := newSigner(v.alg, unhex(t, v.secret))
			require.NoError(t, err)
			hash := crypto.Hash(0)
			if v.alg != Ed25519 {
				hash = crypto.SHA256
			}
			sig, err := crypto.SignMessage(key, nil, []byte(v.message), hash)
			require.NoError(t, err)
			if v.alg != Ed25519 {
				sig = rs(t, sig, v.alg.secretSize())
			}
			require.Equal(t, v.rs, hex.EncodeToString(sig), v.source)
		})
	}
}

// rs reads ASN.1 DER of two positive integers into r ‖ s.
func rs(t testing.TB, der []byte, size int) []byte {
	t.Helper()
	require.Equal(t, []byte{0x30, byte(len(der) - 2), 2}, der[:3])
	r := new(big.Int).SetBytes(der[4:][:der[3]])
	s := new(big.Int).SetBytes(der[4+int(der[3])+2:])
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func TestSignaturesVerifyWithThePublicKey(t *testing.T) {
	msg := []byte("hour 4217")
	for _, alg := range algorithms {
		t.Run(alg.String(), func(t *testing.T) {
			key, err := new(Memory).Create(t.Context(), "identity", alg)
			require.NoError(t, err)
			require.Equal(t, alg, algorithmOf(key.Public()))
			if alg == Ed25519 {
				pub := key.Public().(ed25519.PublicKey)
				for _, opts := range []*ed25519.Options{{}, {Hash: crypto.SHA512}, {Hash: crypto.SHA512, Context: "hours"}, {Context: "hours"}} {
					sig, err := crypto.SignMessage(key, rand.Reader, msg, opts)
					require.NoError(t, err)
					signed := msg
					if opts.Hash != 0 {
						h := opts.Hash.New()
						h.Write(msg)
						signed = h.Sum(nil)
					}
					require.NoError(t, ed25519.VerifyWithOptions(pub, signed, sig, opts))
				}
				return
			}
			pub := key.Public().(*ecdsa.PublicKey)
			for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
				sig, err := crypto.SignMessage(key, rand.Reader, msg, hash)
				require.NoError(t, err)
				h := hash.New()
				h.Write(msg)
				require.True(t, ecdsa.VerifyASN1(pub, h.Sum(nil), sig), hash)
			}
		})
	}
}

func TestECDSASignaturesAreHedgedUnlessTheReaderIsNil(t *testing.T) {
	digest := sha256.Sum256([]byte("hour 4217"))
	for _, alg := range []Algorithm{P256, P384, Secp256k1} {
		key, _, err := generate(alg)
		require.NoError(t, err)
		sign := func(same bool) (a, b []byte) {
			reader := rand.Reader
			if same {
				reader = nil
			}
			a, err = key.Sign(reader, digest[:], crypto.SHA256)
			require.NoError(t, err)
			b, err = key.Sign(reader, digest[:], crypto.SHA256)
			require.NoError(t, err)
			return a, b
		}
		a, b := sign(true)
		require.Equal(t, a, b)
		a, b = sign(false)
		require.Equal(t, alg == Secp256k1, bytes.Equal(a, b))
	}
}

func TestSecp256k1SignaturesHaveALowS(t *testing.T) {
	key, _, err := generate(Secp256k1)
	require.NoError(t, err)
	for i := range 64 {
		sig, err := crypto.SignMessage(key, nil, []byte{byte(i)}, crypto.SHA256)
		require.NoError(t, err)
		var s secp256k1.ModNScalar
		s.SetByteSlice(rs(t, sig, 32)[32:])
		require.False(t, s.IsOverHalfOrder())
	}
}

func TestWhatNoSignerSigns(t *testing.T) {
	digest := make([]byte, 32)
	for _, alg := range algorithms {
		key, _, err := generate(alg)
		require.NoError(t, err)
		_, err = key.Sign(rand.Reader, digest, nil)
		require.ErrorContains(t, err, "opts is nil")
		_, err = key.Sign(rand.Reader, digest, crypto.SHA1)
		require.Error(t, err, "SHA-1")
		_, err = key.Sign(rand.Reader, digest, crypto.Hash(99))
		require.Error(t, err, "a hash that is none")
		if alg != Ed25519 {
			_, err = key.Sign(rand.Reader, []byte("never hashed"), crypto.Hash(0))
			require.ErrorContains(t, err, "want a digest")
			_, err = key.Sign(rand.Reader, digest[:31], crypto.SHA256)
			require.ErrorContains(t, err, "31 bytes")
			_, err = key.Sign(rand.Reader, digest, crypto.SHA384)
			require.ErrorContains(t, err, "32 bytes")
		}
	}
}

func TestScalarsOutOfRangeAreNoKeys(t *testing.T) {
	orders := map[Algorithm]string{ // n of SEC 2
		P256:      "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		P384:      "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
		Secp256k1: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
	}
	for alg, order := range orders {
		n := unhex(t, order)
		_, err := newSigner(alg, n)
		require.Error(t, err, "n of %v", alg)
		_, err = newSigner(alg, make([]byte, len(n)))
		require.Error(t, err, "0 for %v", alg)
		n[len(n)-1]--
		_, err = newSigner(alg, n)
		require.NoError(t, err, "n-1 of %v", alg)
	}
}

// printed is everything one may print, log, encode or dump a value with.
func printed(v any) string {
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%U", "%t", "%p"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", struct{ key, Key any }{v, v})
		fmt.Fprintf(&b, verb+"\n", []any{v})
	}
	fmt.Fprintln(&b, v)
	encoded, err := json.Marshal(map[string]any{"key": v})
	fmt.Fprintln(&b, string(encoded), err)
	slog.New(slog.NewTextHandler(&b, nil)).Info("signed", "key", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("signed", "key", v)
	// How testify shows two values that differ: it follows pointers and
	// ignores whether fields are exported.
	require.Equal(shower{&b}, v, "something else")
	return b.String()
}

type shower struct{ b *strings.Builder }

func (s shower) Errorf(format string, args ...any) { fmt.Fprintf(s.b, format, args...) }
func (s shower) FailNow()                          {}

// shows reports whether a text has the secret in it, in any way printed may
// write bytes or a number.
func shows(text string, secret []byte) bool {
	part := secret[len(secret)-20:] // dumps break lines
	for _, form := range []string{
		string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)),
		strings.Trim(fmt.Sprint(part), "[]"), base64.StdEncoding.EncodeToString(secret)[:40],
		strings.Trim(fmt.Sprintf("%#v", part[:8]), "[]byte{}"), new(big.Int).SetBytes(secret).String(),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("% x", part[:8]), " "), " "),
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestNothingPrintsASecret(t *testing.T) {
	for _, alg := range algorithms {
		key, secret, err := generate(alg)
		require.NoError(t, err)
		require.False(t, shows(printed(key), secret), alg)
		require.False(t, shows(printed(*key), secret), alg)
		require.Equal(t, "keystore: "+alg.String()+" key", fmt.Sprint(key))
	}
	// The test would notice: this is what the standard library's key does.
	pub, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	require.True(t, shows(printed(private), private.Seed()))
	require.False(t, shows(printed(pub), private.Seed()))
	number, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), unhex(t, vectors[1].secret))
	require.NoError(t, err)
	require.True(t, shows(printed(number), unhex(t, vectors[1].secret)))
}

func TestAlgorithmsHaveNames(t *testing.T) {
	for _, alg := range algorithms {
		got, err := ParseAlgorithm(alg.String())
		require.NoError(t, err)
		require.Equal(t, alg, got)
	}
	for _, name := range []string{"", "ed25519", "P256", "RSA", "Algorithm(1)"} {
		_, err := ParseAlgorithm(name)
		require.ErrorIs(t, err, ErrAlgorithm)
	}
	require.Equal(t, "Algorithm(0)", Algorithm(0).String())
	require.Equal(t, "Algorithm(5)", Algorithm(5).String())
}

func BenchmarkSign(b *testing.B) {
	digest := make([]byte, 64)
	for _, alg := range algorithms {
		key, _, err := generate(alg)
		require.NoError(b, err)
		b.Run(alg.String(), func(b *testing.B) {
			hash, size := crypto.SHA256, 32
			if alg == Ed25519 {
				hash, size = 0, 64
			}
			for b.Loop() {
				if _, err := key.Sign(rand.Reader, digest[:size], hash); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
