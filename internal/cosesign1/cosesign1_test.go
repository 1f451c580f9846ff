package cosesign1_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	gocose "github.com/veraison/go-cose"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/keystore"
)

const limit = 64 << 10

var algorithms = map[cosesign1.Alg]keystore.Algorithm{
	cosesign1.EdDSA: keystore.Ed25519, cosesign1.ES256: keystore.P256, cosesign1.ES384: keystore.P384, cosesign1.ES512: 0, cosesign1.ES256K: keystore.Secp256k1,
}

func newKey(t testing.TB, alg cosesign1.Alg) crypto.Signer {
	t.Helper()
	if alg == cosesign1.ES512 { // keystores make none
		key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		require.NoError(t, err)
		return key
	}
	key, err := new(keystore.Memory).Create(t.Context(), "k", algorithms[alg])
	if alg == cosesign1.ES256K && err != nil {
		require.ErrorIs(t, err, secp256k1.ErrLeftOut)
		t.Skip("this build has no secp256k1")
	}
	require.NoError(t, err)
	return key
}

// message builds a COSE_Sign1 from parts that Sign would not write, and signs it.
func message(t testing.TB, key crypto.Signer, tag []byte, protected, unprotected string, payload []byte) []byte {
	t.Helper()
	p := unhex(t, protected)
	toBeSigned := cbor.AppendBytes(cbor.AppendBytes(cbor.AppendBytes(cbor.AppendText(cbor.AppendArray(nil, 4), "Signature1"), p), nil), payload)
	sig, err := signature.Sign(key, toBeSigned)
	require.NoError(t, err)
	raw := cbor.AppendArray(bytes.Clone(tag), 4)
	raw = append(cbor.AppendBytes(raw, p), unhex(t, unprotected)...)
	return cbor.AppendBytes(cbor.AppendBytes(raw, payload), sig)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestSignAndVerify(t *testing.T) {
	for alg := range algorithms {
		t.Run(alg.String(), func(t *testing.T) {
			key := newKey(t, alg)
			in := cosesign1.Message{Typ: "application/vc+cose", ContentType: "application/vc", Kid: []byte("did:example:1#k"), Claims: unhex(t, "a1061a6a01"+"0203"), Payload: []byte("{}")}
			raw, err := cosesign1.Sign(key, &in)
			require.NoError(t, err)
			m, err := cosesign1.Parse(raw, limit)
			require.NoError(t, err)
			require.Equal(t, alg, m.Alg)
			require.Equal(t, []string{in.Typ, in.ContentType, string(in.Kid), string(in.Claims), string(in.Payload)}, []string{m.Typ, m.ContentType, string(m.Kid), string(m.Claims), string(m.Payload)})
			require.False(t, m.Unprotected)
			require.True(t, m.Deterministic())
			require.NoError(t, m.Verify(key.Public()))

			require.ErrorIs(t, m.Verify(newKey(t, alg).Public()), signature.ErrMismatch, "another key")
			for other := range algorithms {
				if other != alg && other != cosesign1.ES256K {
					require.ErrorContains(t, m.Verify(newKey(t, other).Public()), "and the key signs with "+other.String())
				}
			}
			// A flipped bit is no form, or no signature.
			for i := range raw {
				raw[i] ^= 1
				if m, err := cosesign1.Parse(raw, limit); err == nil {
					require.Error(t, m.Verify(key.Public()), "byte %d", i)
				}
				raw[i] ^= 1
			}
		})
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	require.NoError(t, err)
	_, err = cosesign1.Sign(p224, &cosesign1.Message{Payload: []byte("x")})
	require.ErrorContains(t, err, "P-224")
	_, err = cosesign1.Sign(newKey(t, cosesign1.EdDSA), &cosesign1.Message{Claims: []byte{1}, Payload: []byte("x")})
	require.ErrorContains(t, err, "want a map of claims")
}

func TestRefusals(t *testing.T) {
	key := newKey(t, cosesign1.EdDSA)
	tag, payload := []byte{0xd2}, []byte("{}")
	good := message(t, key, tag, "a1 01 27", "a0", payload)
	m, err := cosesign1.Parse(good, limit)
	require.NoError(t, err)
	require.NoError(t, m.Verify(key.Public()))

	for _, test := range []struct{ name, protected, unprotected, want string }{
		{"alg only in the unprotected header", "", "a1 01 27", "alg (1) is missing"},
		{"alg only in the unprotected header, the other an empty map", "a0", "a1 01 27", "alg (1) is missing"},
		{"alg in both headers", "a1 01 27", "a1 01 27", "alg (1) has to be in the protected header"},
		{"another alg in the unprotected header", "a1 01 27", "a1 01 26", "alg (1) has to be in the protected header"},
		{"no alg", "a1 04 41 31", "a0", "alg (1) is missing"},
		{"alg 0", "a1 01 00", "a0", "algorithm 0 is not enabled"},
		{"alg by name", "a1 01 65 4564445341", "a0", "want an integer"},
		{"alg none of ours: PS256", "a1 01 38 24", "a0", "algorithm -37 is not enabled"},
		{"alg none of ours: RS256", "a1 01 39 0100", "a0", "algorithm -257 is not enabled"},
		{"alg none of ours: HMAC 256", "a1 01 05", "a0", "algorithm 5 is not enabled"},
		{"alg -999", "a1 01 39 03e6", "a0", "algorithm -999 is not enabled"},
		{"alg Unknown", "a1 01 67 556e6b6e6f776e", "a0", "alg (1)"},
		{"alg twice", "a2 01 27 01 26", "a0", "a key twice"},
		{"label twice, not side by side", "a3 01 27 04 41 31 01 27", "a0", "a key twice"},
		{"label twice in the unprotected header", "a1 01 27", "a2 04 41 31 04 41 32", "kid (4) is in both headers"},
		{"unknown label twice in the unprotected header", "a1 01 27", "a2 18 63 00 18 63 00", "a key twice"},
		{"number that is too long", "a1 01 38 07", "a0", "shortest form"},
		{"label that is too long", "a1 18 01 27", "a0", "shortest form"},
		{"header without a length", "bf 01 27 ff", "a0", "indefinite"},
		{"unprotected header without a length", "a1 01 27", "bf ff", "indefinite"},
		{"bytes behind the header", "a1 01 27 00", "a0", "follow"},
		{"header that is no map", "81 01", "a0", "an array, want a map"},
		{"unprotected header that is no map", "a1 01 27", "80", "an array, want a map"},
		{"byte string as a label", "a1 41 01 27", "a0", "as a key"},
		{"crit that nobody knows", "a3 01 27 02 81 18 63 18 63 00", "a0", "crit (2): 99 has to be understood"},
		{"crit by name", "a3 01 27 02 81 61 78 61 78 00", "a0", `crit (2): "x" has to be understood`},
		{"crit: empty", "a2 01 27 02 80", "a0", "crit (2): an empty list"},
		{"crit: of what is not there", "a2 01 27 02 81 04", "a0", "kid (4) is not in the protected header"},
		{"crit: of what is in the other header", "a2 01 27 02 81 04", "a1 04 41 31", "kid (4) is not in the protected header"},
		{"crit: of itself", "a2 01 27 02 81 02", "a0", "crit (2) has to be understood"},
		{"crit: no list", "a2 01 27 02 04", "a0", "crit (2)"},
		{"crit: label of bytes", "a2 01 27 02 81 41 04", "a0", "a byte string as a label"},
		{"crit: too many", "a2 01 27 02 98 21" + strings.Repeat("01", 33), "a0", "33 labels"},
		{"crit in the unprotected header", "a1 01 27", "a1 02 81 04", "crit (2) has to be in the protected header"},
		{"typ in the unprotected header", "a1 01 27", "a1 10 61 61", "typ (16) has to be in the protected header"},
		{"content type in the unprotected header", "a1 01 27", "a1 03 00", "content type (3) has to be in the protected header"},
		{"claims in the unprotected header", "a1 01 27", "a1 0f a0", "CWT claims (15) has to be in the protected header"},
		{"typ: empty", "a2 01 27 10 60", "a0", "typ (16)"},
		{"typ: bytes", "a2 01 27 10 41 61", "a0", "want a media type"},
		{"typ: not UTF-8", "a2 01 27 10 61 ff", "a0", "not UTF-8"},
		{"kid: text", "a2 01 27 04 61 61", "a0", "text, want a byte string"},
		{"kid: empty", "a2 01 27 04 40", "a0", "kid (4): is empty"},
		{"kid in both headers", "a2 01 27 04 41 31", "a1 04 41 31", "kid (4) is in both headers"},
		{"claims that are no map", "a2 01 27 0f 80", "a0", "want a map of claims"},
		{"claim twice", "a2 01 27 0f a2 01 60 01 60", "a0", "a key twice"},
		{"deep nesting", "a2 01 27 18 63" + strings.Repeat("81", 17) + "00", "a0", "nested more than"},
		{"many labels", "b8 21 01 27" + labels(32), "a0", "more than the 32"},
		{"many labels, unprotected", "a1 01 27", "b8 21" + labels(33), "more than the 32"},
		{"large header", "a2 01 27 18 63 59 2000" + strings.Repeat("00", 8192), "a0", "at most 8192"},
		{"large unprotected header", "a1 01 27", "a1 18 63 59 2000" + strings.Repeat("00", 8192), "at most 8192"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := cosesign1.Parse(message(t, key, tag, test.protected, test.unprotected, payload), limit)
			require.ErrorContains(t, err, test.want)
		})
	}

	// What is not the message's headers.
	sig := len(good) - 64
	for _, test := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"nothing", nil, "missing"},
		{"no tag", good[1:], "without a tag"},
		{"tag of COSE_Sign", append([]byte{0xd8, 98}, good[1:]...), "the tag 98"},
		{"tag of COSE_Mac0", append([]byte{0xd1}, good[1:]...), "the tag 17"},
		{"tag in a tag", append([]byte{0xd2}, good...), "a tag, want an array"},
		{"CWT tag", append([]byte{0xd8, 61}, good...), "the tag 61"},
		{"tag that is too long", append([]byte{0xd8, 18}, good[1:]...), "shortest form"},
		{"JSON", []byte(`{"alg":"EdDSA"}`), "COSE"},
		{"array of 3", append([]byte{0xd2, 0x83}, good[2:]...), "an array of 3"},
		{"array without a length", append(append([]byte{0xd2, 0x9f}, good[2:]...), 0xff), "indefinite"},
		{"protected header that is a map", append(append([]byte{0xd2, 0x84}, good[3:6]...), good[6:]...), "a map, want a byte string"},
		{"detached payload", bytes.Replace(good, []byte{0xa0, 0x42, '{', '}'}, []byte{0xa0, 0xf6}, 1), "is detached"},
		{"payload that is text", bytes.Replace(good, []byte{0xa0, 0x42, '{', '}'}, []byte{0xa0, 0x62, '{', '}'}, 1), "text, want a byte string"},
		{"stripped signature", append(bytes.Clone(good[:sig-2]), 0x40), "signature: 0 bytes"},
		{"signature null", append(bytes.Clone(good[:sig-2]), 0xf6), "null, want a byte string"},
		{"signature cut short", append(append(bytes.Clone(good[:sig-2]), 0x58, 63), good[sig:len(good)-1]...), "63 bytes, EdDSA has 64"},
		{"signature with a byte more", append(append(append(bytes.Clone(good[:sig-2]), 0x58, 65), good[sig:]...), 0), "65 bytes, EdDSA has 64"},
		{"trailing byte", append(bytes.Clone(good), 0), "1 bytes follow"},
		{"second message", append(bytes.Clone(good), good...), "bytes follow"},
		{"cut short", good[:len(good)-1], "are left"},
		{"oversized", append(bytes.Clone(good), make([]byte, limit)...), "at most 65536 are read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := cosesign1.Parse(test.raw, limit)
			require.ErrorContains(t, err, test.want)
		})
	}
	_, err = cosesign1.Parse(cosesign1.StripCWTTag(append([]byte{0xd8, 61}, good...)), limit)
	require.NoError(t, err)
	require.Equal(t, good, cosesign1.StripCWTTag(good))
}

func labels(n int) string {
	var b []byte
	for i := range n {
		b = append(cbor.AppendInt(b, int64(100+i)), 0)
	}
	return hex.EncodeToString(b)
}

// What is not refused, though others do not write it.
func TestAccepted(t *testing.T) {
	key := newKey(t, cosesign1.EdDSA)
	for _, test := range []struct{ name, protected, unprotected string }{
		{"labels in another order", "a2 10 61 61 01 27", "a0"},
		{"kid in the unprotected header", "a1 01 27", "a1 04 41 31"},
		{"unknown labels", "a2 01 27 18 63 a1 01 02", "a2 18 63 80 61 78 00"},
		{"crit that is understood", "a4 01 27 02 82 04 10 04 41 31 10 61 61", "a0"},
		{"certificate, which is not looked at", "a1 01 27", "a1 18 21 43 308201"},
		{"content format", "a2 01 27 03 18 32", "a0"},
	} {
		m, err := cosesign1.Parse(message(t, key, []byte{0xd2}, test.protected, test.unprotected, []byte("x")), limit)
		require.NoError(t, err, test.name)
		require.NoError(t, m.Verify(key.Public()), test.name)
		require.Equal(t, test.unprotected != "a0", m.Unprotected, test.name)
		require.Equal(t, test.name == "content format", m.Deterministic(), test.name)
		if test.name == "content format" {
			require.Equal(t, "50", m.ContentType) // application/json
		}
	}
}

// A signature moved to another algorithm, payload, header or key does not hold.
func TestAlterations(t *testing.T) {
	ed, p256 := newKey(t, cosesign1.EdDSA), newKey(t, cosesign1.ES256)
	good := message(t, ed, []byte{0xd2}, "a1 01 27", "a0", []byte("hours: 812"))
	for _, test := range []struct {
		name string
		raw  []byte
		key  crypto.PublicKey
		want string
	}{
		{"altered claim", bytes.Replace(good, []byte("812"), []byte("112"), 1), ed.Public(), "does not match"},
		{"swapped algorithm", bytes.Replace(good, unhex(t, "a10127"), unhex(t, "a10126"), 1), ed.Public(), "alg is ES256, and the key signs with EdDSA"},
		{"swapped algorithm and key", bytes.Replace(good, unhex(t, "a10127"), unhex(t, "a10126"), 1), p256.Public(), "does not match"},
		{"wrong key", good, newKey(t, cosesign1.EdDSA).Public(), "does not match"},
		{"ES256 with a P-384 key", message(t, newKey(t, cosesign1.ES256), []byte{0xd2}, "a1 01 26", "a0", nil), newKey(t, cosesign1.ES384).Public(), "alg is ES256, and the key signs with ES384"},
		{"no key", good, nil, "key of type"},
		{"the key as bytes", good, []byte(ed.Public().(ed25519.PublicKey)), "key of type"},
	} {
		m, err := cosesign1.Parse(test.raw, limit)
		require.NoError(t, err, test.name)
		require.ErrorContains(t, m.Verify(test.key), test.want, test.name)
	}
}

// RFC 8032 §5.1.7 refuses S that is not reduced; nothing does so for the s of ECDSA: of
// (r, s) and (r, n-s) both hold.
func TestMalleability(t *testing.T) {
	key := newKey(t, cosesign1.EdDSA)
	raw := message(t, key, []byte{0xd2}, "a1 01 27", "a0", []byte("x"))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := raw[len(raw)-32:]
	reversed := func() { // little-endian
		for i := range 16 {
			s[i], s[31-i] = s[31-i], s[i]
		}
	}
	reversed()
	new(big.Int).Add(order, new(big.Int).SetBytes(s)).FillBytes(s)
	reversed()
	m, err := cosesign1.Parse(raw, limit)
	require.NoError(t, err)
	require.ErrorIs(t, m.Verify(key.Public()), signature.ErrMismatch, "S beyond the order")

	key = newKey(t, cosesign1.ES256)
	raw = message(t, key, []byte{0xd2}, "a1 01 26", "a0", []byte("x"))
	s = raw[len(raw)-32:]
	new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(s)).FillBytes(s)
	m, err = cosesign1.Parse(raw, limit)
	require.NoError(t, err)
	require.NoError(t, m.Verify(key.Public()), "the other s")
}

// TestGoCOSE exchanges messages with veraison/go-cose, both ways.
func TestGoCOSE(t *testing.T) {
	for alg, theirs := range map[cosesign1.Alg]gocose.Algorithm{cosesign1.EdDSA: gocose.AlgorithmEdDSA, cosesign1.ES256: gocose.AlgorithmES256, cosesign1.ES384: gocose.AlgorithmES384, cosesign1.ES512: gocose.AlgorithmES512} {
		var key crypto.Signer
		var err error
		switch alg { // its signer calls Sign without saying the hash, which a keystore refuses
		case cosesign1.EdDSA:
			_, key, err = ed25519.GenerateKey(rand.Reader)
		case cosesign1.ES256:
			key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		case cosesign1.ES512:
			key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		default:
			key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		}
		require.NoError(t, err)
		signer, err := gocose.NewSigner(theirs, key)
		require.NoError(t, err)
		verifier, err := gocose.NewVerifier(theirs, key.Public())
		require.NoError(t, err)

		raw, err := gocose.Sign1(rand.Reader, signer, gocose.Headers{
			Protected:   gocose.ProtectedHeader{gocose.HeaderLabelAlgorithm: theirs, int64(16): "application/vc+cose", gocose.HeaderLabelContentType: "application/vc"},
			Unprotected: gocose.UnprotectedHeader{gocose.HeaderLabelKeyID: []byte("kid")},
		}, []byte("payload"), nil)
		require.NoError(t, err)
		m, err := cosesign1.Parse(raw, limit)
		require.NoError(t, err)
		require.NoError(t, m.Verify(key.Public()))
		require.Equal(t, "application/vc+cose application/vc kid payload", strings.Join([]string{m.Typ, m.ContentType, string(m.Kid), string(m.Payload)}, " "))

		raw, err = cosesign1.Sign(key, &cosesign1.Message{Typ: "application/vc+cose", ContentType: "50", Kid: []byte("kid"), Payload: []byte("payload")})
		require.NoError(t, err)
		var back gocose.Sign1Message
		require.NoError(t, back.UnmarshalCBOR(raw))
		require.NoError(t, back.Verify(nil, verifier))
		require.Equal(t, "payload", string(back.Payload))
	}
}

// Whatever Parse accepts has a signature to check, and says the same when another parser of CBOR reads it.
func FuzzParse(f *testing.F) {
	key := newKey(f, cosesign1.EdDSA)
	raw, err := cosesign1.Sign(key, &cosesign1.Message{Typ: "application/vc+cose", Kid: []byte("k"), Claims: []byte{0xa0}, Payload: []byte("{}")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(message(f, key, []byte{0xd2}, "a4 01 27 02 82 04 10 04 41 31 10 61 61", "a1 18 63 80", []byte("x")))
	f.Add(raw[1:])
	f.Add(message(f, key, []byte{0xd2}, "a2 01 27 18 21 82 41 01 41 02", "a0", []byte("x")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := cosesign1.Parse(raw, limit)
		if err != nil {
			return
		}
		_ = m.Verify(key.Public())
		if chain, err := m.Chain(); err == nil && (chain == nil) != (m.X5Chain == nil) {
			t.Fatalf("%x is a chain of %d", m.X5Chain, len(chain))
		}
		var back gocose.Sign1Message
		if err := back.UnmarshalCBOR(raw); err != nil {
			// go-cose wants content types with one slash, and is as strict on a few other labels.
			return
		}
		if alg, err := back.Headers.Protected.Algorithm(); err != nil || int64(alg) != int64(m.Alg) || !bytes.Equal(back.Payload, m.Payload) {
			t.Fatalf("go-cose reads alg %v, %v and %d bytes", alg, err, len(back.Payload))
		}
	})
}

// BenchmarkVerify has the whole check beside the bare signature.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []cosesign1.Alg{cosesign1.EdDSA, cosesign1.ES256} {
		key := newKey(b, alg)
		payload := bytes.Repeat([]byte("hours "), 160)
		raw, err := cosesign1.Sign(key, &cosesign1.Message{Typ: "application/vc+cose", Payload: payload})
		require.NoError(b, err)
		sig, err := signature.Sign(key, payload)
		require.NoError(b, err)
		b.Run(alg.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := cosesign1.Parse(raw, limit)
				if err != nil || m.Verify(key.Public()) != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(alg.String()+"/bare", func(b *testing.B) {
			for b.Loop() {
				if err := signature.Verify(key.Public(), payload, sig); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
