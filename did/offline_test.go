package did_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
)

var relationships = []did.Relationship{did.AssertionMethod, did.Authentication, did.KeyAgreement, did.CapabilityInvocation, did.CapabilityDelegation}

// Every vector of the did:key method for a key we support: our document is theirs, member
// by member, and each key in it is what Key gives without making the document.
func TestDIDKeyVectors(t *testing.T) {
	compared := 0
	for _, file := range []string{"ed25519-x25519.json", "nist-curves.json"} {
		raw, err := os.ReadFile(shared.Path(t, "vectors", "did-key", file))
		require.NoError(t, err)
		var vectors map[string]struct {
			DIDDocument json.RawMessage `json:"didDocument"`
			Seed        string
		}
		require.NoError(t, json.Unmarshal(raw, &vectors))
		for text, vector := range vectors {
			id := did.MustParse(text)
			theirs, err := did.ParseDocument(vector.DIDDocument)
			require.NoError(t, err)
			format := theirs.VerificationMethod[0].Type
			if format == "P256Key2021" { // a type nobody else has; the key is as good as any
				format = ""
			}
			res, err := did.Offline{KeyFormat: format}.Resolve(t.Context(), id, did.Version{})
			require.NoError(t, err)
			ours, err := res.Document.MarshalJSON()
			require.NoError(t, err)
			if format != "" {
				require.JSONEq(t, string(vector.DIDDocument), string(ours))
				compared++
			}
			checkKeys(t, res.Document)
		}
	}
	require.Equal(t, 11, compared)
	shared.Tally(t, "did:key", "the method's vectors", compared, 11, "")
}

// checkKeys checks that Offline.Key gives what doc gives, for every method and role.
func checkKeys(t testing.TB, doc *did.Document) {
	for _, m := range doc.VerificationMethod {
		for _, use := range relationships {
			want, wantErr := doc.Key(m.ID, use)
			got, err := did.Key(context.Background(), nil, m.ID, use, did.Version{})
			require.Equal(t, want, got)
			if wantErr != nil {
				require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
				require.ErrorIs(t, wantErr, did.ErrKeyNotAuthorized)
			}
		}
	}
}

// did:key identifiers from the method's test-vectors folder (secp256k1.json, x25519.json)
// with the keys it gives them in base58.
func TestDIDKeyIdentifiersOfOtherCurves(t *testing.T) {
	for text, base58 := range map[string]string{
		"did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme": "23o6Sau8NxxzXcgSc3PLcNxrzrZpbLeBn1izfv3jbKhuv",
		"did:key:zQ3shtxV1FrJfhqE1dvxYRcCknWNjHc3c5X1y3ZSoPDi2aur2": "291KzQhqCPC18PqH83XKhxv1HdqrdnxyS7dh15t2uNRzJ",
		"did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N": "oesQ92MLiAkt2pjBcJFbW7H4DvzKJv22cotjYbmC2JEe",
		"did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F":  "4Dy8E9UaZscuPUf2GLxV44RCNL7oxmEXXkgWXaug1WKV",
		"did:key:z6LStiZsmxiK4odS4Sb6JmdRFuJ6e1SYP157gtiCyJKfrYha":  "J3PiFeuSyLugy4DKn87TwK5cnruRgPtxouzXUqg99Avp",
	} {
		id := did.MustParse(text)
		typ := did.EcdsaSecp256k1VerificationKey2019
		if strings.HasPrefix(id.Identifier(), "z6LS") {
			typ = did.X25519KeyAgreementKey2019
		}
		m := did.VerificationMethod{Type: typ, Extra: []did.Member{{Name: "publicKeyBase58", Value: `"` + base58 + `"`}}}
		want, err := m.PublicKey()
		require.NoError(t, err)
		pub, err := did.Key(t.Context(), did.Offline{}, id.URL(id.Identifier()), did.KeyAgreement, did.Version{})
		require.NoError(t, err)
		require.Equal(t, want, pub)
		again, err := did.NewKey(pub)
		require.NoError(t, err)
		require.Equal(t, id, again)

		res, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
		require.NoError(t, err)
		checkKeys(t, res.Document)
		_, agreeOnly := pub.(*ecdh.PublicKey)
		require.Equal(t, agreeOnly, len(res.Document.AssertionMethod) == 0)
	}
}

// The did:key documents that implementations submitted to the W3C: each key in them is the one
// that Key gives for the same URL. BLS12-381 is refused, by name.
func TestDIDKeysOfTheW3CSuite(t *testing.T) {
	resolved, bls, keys := 0, 0, 0
	for _, file := range suiteFiles(t) {
		if !strings.HasPrefix(file.name, "did-key-") {
			continue
		}
		var suite map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(file.raw, &suite))
		for text, entry := range suite {
			id, err := did.Parse(text)
			if err != nil {
				continue // another member of the file
			}
			res, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
			if strings.HasPrefix(id.Identifier(), "zUC7") || strings.HasPrefix(id.Identifier(), "z5Tc") {
				require.ErrorIs(t, err, did.ErrKeyNotSupported)
				require.ErrorContains(t, err, "BLS12-381")
				bls++
				continue
			}
			require.NoError(t, err)
			checkKeys(t, res.Document)
			resolved++

			var data struct {
				DIDDocumentDataModel struct{ Properties json.RawMessage }
			}
			require.NoError(t, json.Unmarshal(entry, &data))
			theirs, err := did.ParseDocument(data.DIDDocumentDataModel.Properties)
			require.NoError(t, err)
			for _, m := range theirs.VerificationMethod {
				if m.Type == "EcdsaSecp256r1VerificationKey2019" { // no type of ours; a JWK like any
					m.Type = did.JSONWebKey
				}
				want, err := m.PublicKey()
				require.NoError(t, err)
				ours := res.Document.Method(m.ID)
				require.NotNil(t, ours)
				got, err := ours.PublicKey()
				require.NoError(t, err)
				require.Equal(t, want, got)
				keys++
			}
		}
	}
	require.Equal(t, [3]int{12, 2, 12}, [3]int{resolved, bls, keys})
	shared.Tally(t, "did:key", "W3C did-test-suite: keys in what implementations submitted", resolved, resolved+bls, "refused by name: BLS12-381")
}

// The did:key, did:jwk of other resolvers' tests.
func TestKeysOfTheUniversalResolver(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "universal-resolver", "testIdentifiers.json"))
	require.NoError(t, err)
	var list []struct{ DID string }
	require.NoError(t, json.Unmarshal(raw, &list))
	curves := map[string]int{}
	for _, e := range list {
		u, err := did.ParseURL(e.DID)
		require.NoError(t, err)
		if !(did.Offline{}).Supports(u.DID.Method()) {
			continue
		}
		pub, err := did.Key(t.Context(), nil, u.DID.KeyURL(), did.AssertionMethod, did.Version{})
		if err != nil {
			require.ErrorIs(t, err, did.ErrKeyNotSupported)
			require.ErrorContains(t, err, "BLS12-381")
			curves["BLS12-381"]++
			continue
		}
		res, err := did.Offline{}.Resolve(t.Context(), u.DID, did.Version{})
		require.NoError(t, err)
		checkKeys(t, res.Document)
		switch pub := pub.(type) {
		case *rsa.PublicKey:
			curves["RSA"]++
		case *ecdsa.PublicKey:
			curves[pub.Params().Name]++
		default:
			curves["Ed25519"]++
		}
	}
	require.Equal(t, map[string]int{"Ed25519": 2, "secp256k1": 1, "RSA": 1, "P-256": 1, "P-384": 2, "P-521": 1, "BLS12-381": 3}, curves)
	shared.Tally(t, "did:key, did:jwk", "universal-resolver's identifiers", 8, 11, "refused by name: BLS12-381")
}

// RSA keys are read, wherever they stand, and no identifier is made for one.
func TestRSAIsReadOnly(t *testing.T) {
	jwk := `{"e":"AQAB","kty":"RSA","n":"` + rsaN + `"}`
	pub, err := did.ParseJWK([]byte(jwk))
	require.NoError(t, err)
	again, err := did.MarshalJWK(pub)
	require.NoError(t, err)
	require.Equal(t, jwk, string(again))
	_, err = did.NewKey(pub)
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
	_, err = did.NewJWK(pub)
	require.ErrorIs(t, err, did.ErrKeyNotSupported)

	text, err := multikey.Encode(pub)
	require.NoError(t, err)
	for _, id := range []did.DID{
		did.MustParse("did:key:" + text),
		did.MustParse("did:jwk:" + base64.RawURLEncoding.EncodeToString([]byte(jwk))),
	} {
		for _, format := range []string{"", did.JSONWebKey2020} {
			res, err := did.Offline{KeyFormat: format}.Resolve(t.Context(), id, did.Version{})
			require.NoError(t, err)
			checkKeys(t, res.Document)
			got, err := res.Document.Key(id.KeyURL(), did.AssertionMethod)
			require.NoError(t, err)
			require.Equal(t, pub, got)
		}
		_, err = did.Key(t.Context(), nil, id.KeyURL(), did.KeyAgreement, did.Version{})
		require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
	}
}

// The modulus of RFC 7517 §A.1's RSA key.
const rsaN = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

// The examples of the did:jwk method.
func TestDIDJWKVectors(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "did-jwk", "spec-examples.json"))
	require.NoError(t, err)
	var vectors []struct {
		DID         string
		DIDDocument json.RawMessage `json:"didDocument"`
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	require.Len(t, vectors, 2)
	for _, v := range vectors {
		id := did.MustParse(v.DID)
		res, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
		require.NoError(t, err)
		ours, err := res.Document.MarshalJSON()
		require.NoError(t, err)
		// The example has a "$" too much in one reference, which makes it no DID URL.
		theirs := strings.ReplaceAll(string(v.DIDDocument), "did:jwk:$", "did:jwk:")
		require.JSONEq(t, theirs, string(ours))
		checkKeys(t, res.Document)
	}
	shared.Tally(t, "did:jwk", "the method's examples", len(vectors), len(vectors), "")
	pub, err := did.Key(t.Context(), nil, did.MustParse(vectors[0].DID).URL("0"), did.AssertionMethod, did.Version{})
	require.NoError(t, err)
	again, err := did.NewJWK(pub)
	require.NoError(t, err)
	require.Equal(t, vectors[0].DID, again.String())
}

func TestMintedIdentifiersLeadBackToTheirKey(t *testing.T) {
	for curve, pub := range newKeys(t) {
		use := did.AssertionMethod
		if curve == "X25519" {
			use = did.KeyAgreement
		}
		id, err := did.NewKey(pub)
		require.NoError(t, err)
		back, err := did.Key(t.Context(), nil, id.URL(id.Identifier()), use, did.Version{})
		require.NoError(t, err)
		require.Equal(t, pub, back)

		id, err = did.NewJWK(pub)
		require.NoError(t, err)
		back, err = did.Key(t.Context(), nil, id.URL("0"), use, did.Version{})
		require.NoError(t, err)
		require.Equal(t, pub, back)
	}
	for _, pub := range []crypto.PublicKey{nil, 1, ed25519.PublicKey{}, ed25519.PublicKey(make([]byte, 32))} {
		_, err := did.NewKey(pub)
		require.ErrorIs(t, err, did.ErrKeyNotSupported)
	}
	_, err := did.NewJWK(nil)
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
}

func TestOfflineAnswersForEveryTime(t *testing.T) {
	id := did.MustParse("did:key:" + mbEd)
	for _, v := range []did.Version{{}, {Time: time.Unix(0, 0)}, {Time: time.Now().AddDate(100, 0, 0)}} {
		_, err := did.Key(t.Context(), nil, id.URL(mbEd), did.AssertionMethod, v)
		require.NoError(t, err)
		res, err := did.Offline{}.Resolve(t.Context(), id, v)
		require.NoError(t, err)
		require.Equal(t, id, res.Document.ID)
	}
	_, err := did.Key(t.Context(), nil, id.URL(mbEd), did.AssertionMethod, did.Version{ID: "1"})
	require.ErrorIs(t, err, did.ErrNotFound)
	_, err = did.Offline{}.Resolve(t.Context(), id, did.Version{ID: "1"})
	require.ErrorIs(t, err, did.ErrNotFound)
}

func TestKeysOfDIDKeyThatAreNotThere(t *testing.T) {
	id := did.MustParse("did:key:" + mbEd)
	x, err := did.Key(t.Context(), nil, id.URL(mbX), did.KeyAgreement, did.Version{})
	require.NoError(t, err)
	fragment, err := multikey.Encode(x)
	require.NoError(t, err)
	require.Equal(t, mbX, fragment)

	for _, tc := range []struct {
		name string
		url  did.URL
		use  did.Relationship
		want error
	}{
		{"no fragment", id.URL(""), did.AssertionMethod, did.ErrNotFound},
		{"another key's fragment", id.URL(mbEd2), did.AssertionMethod, did.ErrNotFound},
		{"a short name", id.URL("key-1"), did.AssertionMethod, did.ErrNotFound},
		{"fragment cut short", id.URL(mbEd[:20]), did.AssertionMethod, did.ErrNotFound},
		{"fragment percent-encoded", id.URL("%7A" + mbEd[1:]), did.AssertionMethod, did.ErrNotFound},
		{"path", did.URL{DID: id, Path: "/", Fragment: mbEd}, did.AssertionMethod, did.ErrNotFound},
		{"query", did.URL{DID: id, Query: "versionId=1", Fragment: mbEd}, did.AssertionMethod, did.ErrNotFound},
		{"the encryption key to sign", id.URL(mbX), did.AssertionMethod, did.ErrKeyNotAuthorized},
		{"the signing key to encrypt", id.URL(mbEd), did.KeyAgreement, did.ErrKeyNotAuthorized},
		{"another key's encryption key", did.MustParse("did:key:" + mbEd2).URL(mbX), did.KeyAgreement, did.ErrNotFound},
		{"no role", id.URL(mbEd), "", did.ErrKeyNotAuthorized},
		{"a role nobody defined", id.URL(mbEd), "assertionmethod", did.ErrKeyNotAuthorized},
		{"nobody", did.URL{}, did.AssertionMethod, did.ErrInvalidDID},
		{"a method that needs a network", did.MustParse("did:web:shop.example").URL("k"), did.AssertionMethod, did.ErrMethodNotSupported},
		{"second key of a did:jwk", did.MustParse("did:jwk:eyJrdHkiOiJPS1AiLCJjcnYiOiJYMjU1MTkiLCJ1c2UiOiJlbmMiLCJ4IjoiM3A3YmZYdDl3YlRUVzJIQzdPUTFOei1EUThoYmVHZE5yZngtRkctSUswOCJ9").URL("1"), did.KeyAgreement, did.ErrNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pub, err := did.Key(t.Context(), nil, tc.url, tc.use, did.Version{})
			require.ErrorIs(t, err, tc.want)
			require.Nil(t, pub)
			require.True(t, did.IsAnswer(err))
		})
	}
}

func TestIdentifiersTheirMethodCannotHaveMadeAreRefused(t *testing.T) {
	jwk := func(s string) string { return "did:jwk:" + base64.RawURLEncoding.EncodeToString([]byte(s)) }
	const ed = `{"kty":"OKP","crv":"Ed25519","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}`
	key := func(b ...byte) string { return "did:key:" + multikey.EncodeBase58(b) }
	body := make([]byte, 32)
	body[0] = 2
	for _, tc := range []struct {
		name, text string
		want       error
	}{
		{"did:key in base64url", "did:key:u7QE7aie8zralLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ", did.ErrInvalidDID},
		{"did:key with a version", "did:key:1:" + mbEd, did.ErrInvalidDID},
		{"did:key that is no base58", "did:key:z0OIl", did.ErrInvalidDID},
		{"Ed25519 key of 31 bytes", key(append([]byte{0xed, 0x01}, body[1:]...)...), did.ErrInvalidDID},
		{"Ed25519 key of small order", key(append([]byte{0xed, 0x01}, make([]byte, 32)...)...), did.ErrInvalidDID},
		{"multicodec written longer than needed", key(append([]byte{0xed, 0x81, 0x00}, body...)...), did.ErrInvalidDID},
		{"multicodec alone", key(0xed, 0x01), did.ErrInvalidDID},
		{"P-256 point off the curve", key(append([]byte{0x80, 0x24, 2}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)...), did.ErrInvalidDID},
		{"P-256 point uncompressed", key(append([]byte{0x80, 0x24, 4}, make([]byte, 48)...)...), did.ErrInvalidDID},
		{"private Ed25519 key", key(append([]byte{0x80, 0x26}, body...)...), did.ErrInvalidDID},
		{"private P-256 key", key(append([]byte{0x86, 0x26}, body...)...), did.ErrInvalidDID},
		{"BLS12-381 key", "did:key:zUC7K4ndUaGZgV7Cp2yJy6JtMoUHY6u7tkcSYUvPrEidqBmLCTLmi6d5WvwnUqejscAkERJ3bfjEiSYtdPkRSE8kSa11hFBr4sTgnbZ95SJj19PN2jdvJjyzpSZgxkyyxNnBNnY", did.ErrKeyNotSupported},
		{"RSA key of 24 bits", key(0x85, 0x24, 0x30, 10, 2, 3, 1, 0, 1, 2, 3, 1, 0, 1), did.ErrInvalidDID},
		{"RSA key that is no DER", key(append([]byte{0x85, 0x24}, body...)...), did.ErrInvalidDID},
		{"SM2 key", key(append([]byte{0x86, 0x24}, body...)...), did.ErrKeyNotSupported},
		{"did:jwk with padding", jwk(ed) + "%3D", did.ErrInvalidDID},
		{"did:jwk in base64", "did:jwk:" + strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(ed+"~~~")), "=", ""), did.ErrInvalidDID},
		{"did:jwk with stray bits", jwk(`{"a":1}`)[:len(jwk(`{"a":1}`))-1] + "R", did.ErrInvalidDID},
		{"did:jwk that is no JSON", jwk(`{`), did.ErrInvalidDID},
		{"did:jwk with a member twice", jwk(ed[:len(ed)-1] + `,"kty":"OKP"}`), did.ErrInvalidDID},
		{"did:jwk that is text", jwk(`"x"`), did.ErrInvalidDID},
		{"did:jwk with a private key", jwk(ed[:len(ed)-1] + `,"d":"c2VjcmV0"}`), did.ErrInvalidDID},
		{"did:jwk of an RSA key of 24 bits", jwk(`{"kty":"RSA","n":"AQAB","e":"AQAB"}`), did.ErrInvalidDID},
		{"did:jwk of a key on Ed448", jwk(`{"kty":"OKP","crv":"Ed448","x":"AQAB"}`), did.ErrKeyNotSupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := did.Parse(tc.text)
			if err == nil {
				_, err = did.Offline{}.Resolve(t.Context(), id, did.Version{})
				_, keyErr := did.Key(t.Context(), nil, id.URL(id.Identifier()), did.AssertionMethod, did.Version{})
				require.EqualError(t, keyErr, err.Error(), "Key and Resolve agree")
			}
			require.ErrorIs(t, err, tc.want)
			require.True(t, did.IsAnswer(err))
			if strings.Contains(tc.name, "private") {
				require.NotContains(t, err.Error(), id.Identifier()[:20], "a secret is not shown")
			}
		})
	}
	_, err := did.Offline{KeyFormat: "Ed25519VerificationKey2020"}.Resolve(t.Context(), did.MustParse("did:key:"+mbP256), did.Version{})
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
	_, err = did.Offline{KeyFormat: "multikey"}.Resolve(t.Context(), did.MustParse("did:key:"+mbP256), did.Version{})
	require.Error(t, err)
	require.False(t, did.IsAnswer(err), "a mistake in the program is no answer about the DID")
}

// An Ed25519 key that is 32 bytes but no point cannot have an X25519 key. (Key gives it out:
// finding out costs more than all else there, and no signature will ever hold under it.)
func TestEd25519KeysOffTheCurveHaveNoDocument(t *testing.T) {
	off := make(ed25519.PublicKey, 32)
	off[0] = 2
	id, err := did.NewKey(off)
	require.NoError(t, err)
	_, err = did.Offline{}.Resolve(t.Context(), id, did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDID)
}

// Whoever holds the Ed25519 key can compute the private key of the derived X25519 key: the
// same hash of the seed, for both curves.
func TestDerivedKeyAgrees(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), ed25519.SeedSize, ed25519.SeedSize).Draw(rt, "seed")
		id, err := did.NewKey(ed25519.NewKeyFromSeed(seed).Public())
		require.NoError(rt, err)
		res, err := did.Offline{}.Resolve(context.Background(), id, did.Version{})
		require.NoError(rt, err)
		derived, err := res.Document.Key(res.Document.KeyAgreement[0].ID, did.KeyAgreement)
		require.NoError(rt, err)

		h := sha512.Sum512(seed) // RFC 8032 §5.1.5; X25519 clamps it itself
		private, err := ecdh.X25519().NewPrivateKey(h[:32])
		require.NoError(rt, err)
		require.True(rt, private.PublicKey().Equal(derived))
	})
}
