package did_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// newKeys makes a public key of each kind, by the name of its curve.
func newKeys(t testing.TB) map[string]crypto.PublicKey {
	ed, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)
	k1, err := secp256k1.GeneratePrivateKey()
	require.NoError(t, err)
	return map[string]crypto.PublicKey{
		"Ed25519": ed, "X25519": x.PublicKey(), "P-256": p256.Public(), "P-384": p384.Public(), "P-521": p521.Public(),
		"secp256k1": k1.PubKey().ToECDSA(),
	}
}

func TestMethodsAreWrittenAndReadForEachTypeAndCurve(t *testing.T) {
	curves := map[string][]string{
		did.Multikey:                          {"Ed25519", "X25519", "P-256", "P-384", "P-521", "secp256k1"},
		did.JSONWebKey:                        {"Ed25519", "X25519", "P-256", "P-384", "P-521", "secp256k1"},
		did.JSONWebKey2020:                    {"Ed25519", "X25519", "P-256", "P-384", "P-521", "secp256k1"},
		did.Ed25519VerificationKey2018:        {"Ed25519"},
		did.Ed25519VerificationKey2020:        {"Ed25519"},
		did.X25519KeyAgreementKey2019:         {"X25519"},
		did.X25519KeyAgreementKey2020:         {"X25519"},
		did.EcdsaSecp256k1VerificationKey2019: {"secp256k1"},
		"RsaVerificationKey2018":              {},
	}
	id := did.MustParse(shop)
	for curve, pub := range newKeys(t) {
		for typ, fit := range curves {
			m, err := did.NewVerificationMethod(id.URL("k"), typ, id, pub)
			if !strings.Contains(strings.Join(fit, " ")+" ", curve+" ") {
				require.ErrorIs(t, err, did.ErrKeyNotSupported, "%s as %s", curve, typ)
				continue
			}
			require.NoError(t, err, "%s as %s", curve, typ)
			raw, err := (&did.Document{ID: id, VerificationMethod: []did.VerificationMethod{m}}).MarshalJSON()
			require.NoError(t, err)
			doc, err := did.ParseDocument(raw)
			require.NoError(t, err)
			back, err := doc.VerificationMethod[0].PublicKey()
			require.NoError(t, err)
			require.Equal(t, pub, back)
		}
	}
	_, err := did.NewVerificationMethod(id.URL("k"), did.Multikey, id, nil)
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
	_, err = did.NewVerificationMethod(id.URL("k"), did.Multikey, id, ed25519.PublicKey{1})
	require.ErrorIs(t, err, did.ErrInvalidKey)
	_, err = did.NewVerificationMethod(id.URL("k"), did.JSONWebKey, id, ed25519.PublicKey{1})
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
}

// The private key 1: its public key is the generator of secp256k1 (SEC 2 §2.4.1).
const (
	generator             = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	generatorUncompressed = "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)

func TestSecp256k1MethodsAsTheyAreInTheWild(t *testing.T) {
	raw, err := hex.DecodeString(generator)
	require.NoError(t, err)
	point, err := secp256k1.ParsePubKey(raw)
	require.NoError(t, err)
	want := crypto.PublicKey(point.ToECDSA())
	mb, err := multikey.Encode(want)
	require.NoError(t, err)
	jwk, err := did.MarshalJWK(want)
	require.NoError(t, err)
	base58 := func(h string) string {
		b, err := hex.DecodeString(h)
		require.NoError(t, err)
		return strings.TrimPrefix(multikey.EncodeBase58(b), "z")
	}
	hybrid := "06" + generatorUncompressed[2:]
	for name, tc := range map[string]struct {
		member did.Member
		ok     bool
	}{
		"compressed, hexadecimal":      {did.Member{Name: "publicKeyHex", Value: `"` + generator + `"`}, true},
		"compressed, capitals":         {did.Member{Name: "publicKeyHex", Value: `"` + strings.ToUpper(generator) + `"`}, true},
		"uncompressed, hexadecimal":    {did.Member{Name: "publicKeyHex", Value: `"` + generatorUncompressed + `"`}, true},
		"compressed, base58":           {did.Member{Name: "publicKeyBase58", Value: `"` + base58(generator) + `"`}, true},
		"uncompressed, base58":         {did.Member{Name: "publicKeyBase58", Value: `"` + base58(generatorUncompressed) + `"`}, true},
		"Multikey":                     {did.Member{Name: "publicKeyMultibase", Value: `"` + mb + `"`}, true},
		"JWK":                          {did.Member{Name: "publicKeyJwk", Value: string(jwk)}, true},
		"hybrid":                       {did.Member{Name: "publicKeyHex", Value: `"` + hybrid + `"`}, false},
		"with 0x":                      {did.Member{Name: "publicKeyHex", Value: `"0x` + generator + `"`}, false},
		"one byte less":                {did.Member{Name: "publicKeyHex", Value: `"` + generator[2:] + `"`}, false},
		"one byte more":                {did.Member{Name: "publicKeyHex", Value: `"` + generatorUncompressed + `00"`}, false},
		"far too long":                 {did.Member{Name: "publicKeyHex", Value: `"` + strings.Repeat("00", 4000) + `"`}, false},
		"half a byte":                  {did.Member{Name: "publicKeyHex", Value: `"` + generator + `0"`}, false},
		"empty":                        {did.Member{Name: "publicKeyHex", Value: `""`}, false},
		"a number":                     {did.Member{Name: "publicKeyHex", Value: `2`}, false},
		"not on the curve":             {did.Member{Name: "publicKeyHex", Value: `"02` + strings.Repeat("ff", 32) + `"`}, false},
		"JWK as a string":              {did.Member{Name: "publicKeyJwk", Value: `"{}"`}, false},
		"no JSON":                      {did.Member{Name: "publicKeyJwk", Value: `{`}, false},
		"an Ed25519 key":               {did.Member{Name: "publicKeyMultibase", Value: `"` + mbEd + `"`}, false},
		"the Ethereum address instead": {did.Member{Name: "blockchainAccountId", Value: `"eip155:1:0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"`}, false},
		"form the type does not have":  {did.Member{Name: "publicKeyPem", Value: `"x"`}, false},
	} {
		m := did.VerificationMethod{Type: did.EcdsaSecp256k1VerificationKey2019, Extra: []did.Member{tc.member}}
		pub, err := m.PublicKey()
		if !tc.ok {
			require.ErrorIs(t, err, did.ErrInvalidKey, name)
			require.Nil(t, pub)
			continue
		}
		require.NoError(t, err, name)
		require.True(t, want.(*ecdsa.PublicKey).Equal(pub), name)
	}
}

func TestMethodsWhoseKeyIsInDoubtHaveNone(t *testing.T) {
	multibase := did.Member{Name: "publicKeyMultibase", Value: `"` + mbEd + `"`}
	jwk := did.Member{Name: "publicKeyJwk", Value: `{"kty":"OKP","crv":"Ed25519","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}`}
	for _, tc := range []struct {
		name, typ string
		members   []did.Member
		want      error
	}{
		{"key twice", did.Multikey, []did.Member{multibase, jwk}, did.ErrInvalidKey},
		{"no key", did.Multikey, nil, did.ErrInvalidKey},
		{"JWK in a Multikey", did.Multikey, []did.Member{jwk}, did.ErrInvalidKey},
		{"Multikey in a JsonWebKey", did.JSONWebKey, []did.Member{multibase}, did.ErrInvalidKey},
		{"X25519 called Ed25519", did.Ed25519VerificationKey2020, []did.Member{{Name: "publicKeyMultibase", Value: `"` + mbX + `"`}}, did.ErrInvalidKey},
		{"P-256 called Ed25519", did.Ed25519VerificationKey2020, []did.Member{{Name: "publicKeyMultibase", Value: `"` + mbP256 + `"`}}, did.ErrInvalidKey},
		{"33 bytes of Ed25519", did.Ed25519VerificationKey2018, []did.Member{{Name: "publicKeyBase58", Value: `"1` + "4zvwRjXUKGfvwnParsHAS3HuSVzV5cA4McphgmoCtajS" + `"`}}, did.ErrInvalidKey},
		{"Ed25519 key of small order", did.Ed25519VerificationKey2018, []did.Member{{Name: "publicKeyBase58", Value: `"11111111111111111111111111111111"`}}, did.ErrInvalidKey},
		{"base58 with a 0", did.Ed25519VerificationKey2018, []did.Member{{Name: "publicKeyBase58", Value: `"0zvwRjXUKGfvwnParsHAS3HuSVzV5cA4McphgmoCtajS"`}}, did.ErrInvalidKey},
		{"a type in lower case", "multikey", []did.Member{multibase}, did.ErrKeyNotSupported},
		{"a type nobody knows", "Telepathy2031", []did.Member{multibase}, did.ErrKeyNotSupported},
	} {
		m := did.VerificationMethod{Type: tc.typ, Extra: tc.members}
		_, err := m.PublicKey()
		require.ErrorIs(t, err, tc.want, tc.name)
	}
}

func TestJWKs(t *testing.T) {
	for curve, pub := range newKeys(t) {
		raw, err := did.MarshalJWK(pub)
		require.NoError(t, err)
		require.Contains(t, string(raw), `"crv":"`+curve+`"`)
		back, err := did.ParseJWK(raw)
		require.NoError(t, err)
		require.Equal(t, pub, back)
	}
	// RFC 8037, appendix A.2 and A.3: the input of the thumbprint is what we write.
	const rfc8037 = `{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	pub, err := did.ParseJWK([]byte(rfc8037))
	require.NoError(t, err)
	raw, err := did.MarshalJWK(pub)
	require.NoError(t, err)
	require.Equal(t, rfc8037, string(raw))

	for _, pub := range []crypto.PublicKey{nil, "key", ed25519.PublicKey{}, (*ecdsa.PublicKey)(nil), &ecdsa.PublicKey{}} {
		_, err := did.MarshalJWK(pub)
		require.ErrorIs(t, err, did.ErrKeyNotSupported)
	}
}

func TestMalformedJWKsAreRefused(t *testing.T) {
	const (
		ed = "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"
		x  = "igrFmi0whuihKnj9R3Om1SoMph72wUGeFaBbzG2vzns" // did-method-key's P-256 example
		y  = "efsX5b10x8yjyrj4ny3pGfLcY7Xby1KzgqOdqnsrJIM"
	)
	for _, tc := range []struct {
		name, raw string
		want      error
	}{
		{"no JSON", `{`, did.ErrInvalidKey},
		{"an array", `[]`, did.ErrInvalidKey},
		{"empty", `{}`, did.ErrInvalidKey},
		{"crv twice", `{"kty":"OKP","crv":"Ed25519","crv":"Ed25519","x":"` + ed + `"}`, did.ErrInvalidKey},
		{"X beside x", `{"kty":"OKP","crv":"Ed25519","x":"` + ed + `","X":"` + ed + `"}`, did.ErrInvalidKey},
		{"Kty", `{"Kty":"OKP","crv":"Ed25519","x":"` + ed + `"}`, did.ErrInvalidKey},
		{"no x", `{"kty":"OKP","crv":"Ed25519"}`, did.ErrInvalidKey},
		{"x is a number", `{"kty":"OKP","crv":"Ed25519","x":1}`, did.ErrInvalidKey},
		{"padding", `{"kty":"OKP","crv":"Ed25519","x":"` + ed + `="}`, did.ErrInvalidKey},
		{"a byte less", `{"kty":"OKP","crv":"Ed25519","x":"` + ed[:42] + `"}`, did.ErrInvalidKey},
		{"a byte more", `{"kty":"OKP","crv":"Ed25519","x":"` + ed + `A"}`, did.ErrInvalidKey},
		{"stray last bits", `{"kty":"OKP","crv":"Ed25519","x":"` + ed[:42] + `l"}`, did.ErrInvalidKey},
		{"line break", `{"kty":"OKP","crv":"Ed25519","x":"\n` + ed[:42] + `"}`, did.ErrInvalidKey},
		{"base64 instead of base64url", `{"kty":"OKP","crv":"Ed25519","x":"` + strings.Replace(ed, "v", "+", 1) + `"}`, did.ErrInvalidKey},
		{"small order", `{"kty":"OKP","crv":"Ed25519","x":"` + strings.Repeat("A", 43) + `"}`, did.ErrInvalidKey},
		{"X25519 of 31 bytes", `{"kty":"OKP","crv":"X25519","x":"` + ed[:42] + `"}`, did.ErrInvalidKey},
		{"point without y", `{"kty":"EC","crv":"P-256","x":"` + x + `"}`, did.ErrInvalidKey},
		{"point off the curve", `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"}`, did.ErrInvalidKey},
		{"point of another curve", `{"kty":"EC","crv":"secp256k1","x":"` + x + `","y":"` + y + `"}`, did.ErrInvalidKey},
		{"point of a smaller curve", `{"kty":"EC","crv":"P-384","x":"` + x + `","y":"` + y + `"}`, did.ErrInvalidKey},
		{"point at infinity", `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`, did.ErrInvalidKey},
		{"private key", `{"kty":"OKP","crv":"Ed25519","x":"` + ed + `","d":"c2VjcmV0"}`, did.ErrInvalidKey},
		{"empty private key", `{"kty":"OKP","crv":"Ed25519","x":"` + ed + `","d":""}`, did.ErrInvalidKey},
		{"symmetric key", `{"kty":"oct","k":"c2VjcmV0"}`, did.ErrInvalidKey},
		{"Ed25519 as EC", `{"kty":"EC","crv":"Ed25519","x":"` + ed + `"}`, did.ErrKeyNotSupported},
		{"P-256 as OKP", `{"kty":"OKP","crv":"P-256","x":"` + x + `","y":"` + y + `"}`, did.ErrKeyNotSupported},
		{"RSA of 256 bits", `{"kty":"RSA","n":"` + x + `","e":"AQAB"}`, did.ErrInvalidKey},
		{"RSA without e", `{"kty":"RSA","n":"` + rsaN + `"}`, did.ErrInvalidKey},
		{"RSA with e = 3", `{"kty":"RSA","n":"` + rsaN + `","e":"Aw"}`, did.ErrInvalidKey},
		{"RSA, e with a leading zero", `{"kty":"RSA","n":"` + rsaN + `","e":"AAEAAQ"}`, did.ErrInvalidKey},
		{"RSA, n with a leading zero", `{"kty":"RSA","n":"AA` + rsaN + `","e":"AQAB"}`, did.ErrInvalidKey},
		{"RSA, n in base64 with padding", `{"kty":"RSA","n":"` + rsaN + `==","e":"AQAB"}`, did.ErrInvalidKey},
		{"RSA, private", `{"kty":"RSA","n":"` + rsaN + `","e":"AQAB","d":"c2VjcmV0"}`, did.ErrInvalidKey},
		{"RSA, N", `{"kty":"RSA","N":"` + rsaN + `","e":"AQAB"}`, did.ErrInvalidKey},
		{"BLS12-381", `{"kty":"EC","crv":"BLS12381_G2","x":"` + x + `","y":"` + y + `"}`, did.ErrKeyNotSupported},
		{"P-521 without a point", `{"kty":"EC","crv":"P-521","x":"","y":""}`, did.ErrInvalidKey},
		{"P-521, numbers cut of their zeros", `{"kty":"EC","crv":"P-521","x":"` + x + `","y":"` + y + `"}`, did.ErrInvalidKey},
		{"P-521, off the curve", `{"kty":"EC","crv":"P-521","x":"` + strings.Repeat("A", 87) + `B","y":"` + strings.Repeat("A", 88) + `"}`, did.ErrInvalidKey},
		{"curve in lower case", `{"kty":"OKP","crv":"ed25519","x":"` + ed + `"}`, did.ErrKeyNotSupported},
		{"too long", `{"kty":"OKP","crv":"Ed25519","x":"` + ed + `","x5c":"` + strings.Repeat("A", 16<<10) + `"}`, did.ErrInvalidKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pub, err := did.ParseJWK([]byte(tc.raw))
			require.ErrorIs(t, err, tc.want)
			require.Nil(t, pub)
			require.NotContains(t, err.Error(), "c2VjcmV0")
		})
	}
	// What does not describe the key is no reason to refuse it.
	_, err := did.ParseJWK([]byte(`{"kty":"OKP","crv":"Ed25519","x":"` + ed + `","y":"","kid":"1","alg":"EdDSA","use":"sig","key_ops":["verify"],"x5c":[],"":null}`))
	require.NoError(t, err)
}

// RFC 7520 §3 and RFC 8037, as published by the JOSE working group.
func TestJWKsOfTheJOSECookbook(t *testing.T) {
	for file, want := range map[string]error{
		"jwk/3_1.ec_public_key.json":                 nil, // P-521
		"jwk/3_2.ec_private_key.json":                did.ErrInvalidKey,
		"jwk/3_3.rsa_public_key.json":                nil,
		"jwk/3_4.rsa_private_key.json":               did.ErrInvalidKey,
		"jwk/3_5.symmetric_key_mac_computation.json": did.ErrInvalidKey,
		"jwk/3_6.symmetric_key_encryption.json":      did.ErrInvalidKey,
	} {
		raw, err := os.ReadFile(shared.Path(t, "vectors", "jose-cookbook", file))
		require.NoError(t, err)
		pub, err := did.ParseJWK(raw)
		require.ErrorIs(t, err, want, file)
		if want == nil { // MarshalJWK leaves out what does not describe the key
			jwk, err := did.MarshalJWK(pub)
			require.NoError(t, err)
			again, err := did.ParseJWK(jwk)
			require.NoError(t, err)
			require.Equal(t, pub, again)
		}
	}
}

// Project Wycheproof gives each key of its Ed25519 and ECDSA vectors as a JWK, too.
func TestJWKsOfWycheproof(t *testing.T) {
	read := 0
	for _, file := range []string{"ed25519_test.json", "ecdsa_secp256r1_sha256_test.json", "ecdsa_secp384r1_sha384_test.json"} {
		raw, err := os.ReadFile(shared.Path(t, "vectors", "wycheproof", file))
		require.NoError(t, err)
		var vectors struct {
			TestGroups []struct{ PublicKeyJwk json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(raw, &vectors))
		for _, g := range vectors.TestGroups {
			if g.PublicKeyJwk == nil {
				continue
			}
			_, err := did.ParseJWK(g.PublicKeyJwk)
			require.NoError(t, err, "%s: %s", file, g.PublicKeyJwk)
			read++
		}
	}
	require.NotZero(t, read)
	t.Logf("%d keys", read)
}

func TestKeysSurviveEveryForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), ed25519.SeedSize, ed25519.SeedSize).Draw(t, "seed")
		pub := ed25519.NewKeyFromSeed(seed).Public()
		jwk, err := did.MarshalJWK(pub)
		require.NoError(t, err)
		back, err := did.ParseJWK(jwk)
		require.NoError(t, err)
		require.Equal(t, pub, back)
	})
}
