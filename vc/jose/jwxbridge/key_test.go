package jwxbridge_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	jwxjws "github.com/lestrrat-go/jwx/v2/jws"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/jose/jwxbridge"
)

// RFC 8037 appendix A.1, and RFC 7517 appendix A.2: private keys that are published.
const (
	ed25519JWK = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	p256JWK    = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`
	// A private key of 1, whose public key is the generator (SEC 2 §2.4.1).
	secp256k1JWK = `{"kty":"EC","crv":"secp256k1","x":"eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g","y":"SDradyajxGVdpPv8DhEIqP0XtEimhVQZnEfQj_sQ1Lg","d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`
)

func parse(t testing.TB, text string) jwk.Key {
	t.Helper()
	k, err := jwk.ParseKey([]byte(text))
	require.NoError(t, err)
	return k
}

// with adds members to a JWK.
func with(text, members string) string { return strings.TrimSuffix(text, "}") + "," + members + "}" }

func without(text, name string) string {
	i := strings.Index(text, `"`+name+`":"`)
	rest := text[i+len(name)+4:]
	return strings.ReplaceAll(strings.ReplaceAll(text[:i]+rest[strings.Index(rest, `"`)+1:], ",,", ","), ",}", "}")
}

// skipLeftOut skips what a build without secp256k1 cannot do.
func skipLeftOut(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, secp256k1.ErrLeftOut) {
		t.Skip(err)
	}
}

func TestPublicKey(t *testing.T) {
	for _, kind := range []keystore.Algorithm{keystore.Ed25519, keystore.P256, keystore.P384, keystore.Secp256k1} {
		key, err := new(keystore.Memory).Create(t.Context(), "k", kind)
		if err != nil {
			t.Log(err)
			continue
		}
		k, err := jwxbridge.Key(key.Public(), "did:example:1#k")
		require.NoError(t, err)
		require.Equal(t, "did:example:1#k", k.KeyID())
		require.Equal(t, "sig", k.KeyUsage())
		public, err := jwxbridge.PublicKey(k)
		require.NoError(t, err)
		require.Equal(t, key.Public(), public)
	}
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	k, err := jwxbridge.Key(x.PublicKey(), "")
	require.NoError(t, err)
	require.Equal(t, "enc", k.KeyUsage())
	public, err := jwxbridge.PublicKey(k)
	require.NoError(t, err)
	require.True(t, x.PublicKey().Equal(public))

	_, err = jwxbridge.Key([]byte("secret"), "")
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
}

// What jwx reads without a word, and is no key of ours.
func TestKeysThatAreRefused(t *testing.T) {
	rsa448 := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xc1", 56)))
	for _, c := range []struct {
		name, jwk string
		want      error
	}{
		{"a point off P-256", strings.Replace(p256JWK, `"y":"4`, `"y":"5`, 1), did.ErrInvalidKey},
		{"a point off secp256k1", strings.Replace(secp256k1JWK, `"y":"S`, `"y":"U`, 1), did.ErrInvalidKey},
		{"an Ed25519 key of three bytes", `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`, did.ErrInvalidKey},
		{"an Ed25519 key of small order", `{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, did.ErrInvalidKey},
		{"a P-256 key with a short number", `{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, did.ErrInvalidKey},
		{"RSA of 448 bits", `{"kty":"RSA","e":"AQAB","n":"` + rsa448 + `"}`, did.ErrKeyNotSupported},
		{"a secret", `{"kty":"oct","k":"AAAA"}`, did.ErrKeyNotSupported},
		{"P-521", `{"kty":"EC","crv":"P-521","x":"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt","y":"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1"}`, did.ErrKeyNotSupported},
		{"P-256 for ES384", with(p256JWK, `"alg":"ES384"`), did.ErrInvalidKey},
		{"P-256 for HS256", with(p256JWK, `"alg":"HS256"`), did.ErrInvalidKey},
		{"Ed25519 for ECDH-ES", with(ed25519JWK, `"alg":"ECDH-ES"`), did.ErrInvalidKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := jwk.ParseKey([]byte(c.jwk))
			if err != nil {
				t.Skipf("jwx does not read it: %v", err)
			}
			public, err := jwxbridge.PublicKey(k)
			skipLeftOut(t, err)
			require.Nil(t, public)
			require.ErrorIs(t, err, c.want)
			_, err = jwxbridge.Signer(k)
			require.ErrorIs(t, err, c.want)
		})
	}
	_, err := jwxbridge.PublicKey(nil)
	require.ErrorIs(t, err, did.ErrInvalidKey)
}

func TestSigner(t *testing.T) {
	for name, text := range map[string]string{
		"Ed25519": ed25519JWK, "P-256": p256JWK, "secp256k1": secp256k1JWK,
		"with use": with(p256JWK, `"use":"sig","alg":"ES256","kid":"k"`), "with key_ops": with(ed25519JWK, `"key_ops":["sign","verify"],"alg":"EdDSA"`),
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := jwxbridge.Signer(parse(t, text))
			skipLeftOut(t, err)
			require.NoError(t, err)
			public, err := jwxbridge.PublicKey(parse(t, text))
			require.NoError(t, err)
			require.Equal(t, public, signer.Public())
			sig, err := signature.Sign(signer, []byte("m"))
			require.NoError(t, err)
			require.NoError(t, signature.Verify(public, []byte("m"), sig))
			_, err = signer.Sign(rand.Reader, []byte("short"), crypto.SHA256)
			if name == "secp256k1" {
				require.Error(t, err)
			}
		})
	}
	for name, text := range map[string]string{
		"a public key":           without(p256JWK, "d"),
		"another's d":            strings.Replace(p256JWK, `"d":"8`, `"d":"7`, 1),
		"another's d of Ed25519": strings.Replace(ed25519JWK, `"d":"n`, `"d":"m`, 1),
		"d that is zero":         strings.Replace(p256JWK, `870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE`, strings.Repeat("A", 43), 1),
		"d that is short":        strings.Replace(ed25519JWK, `nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A`, "AAAA", 1),
		"use enc":                with(p256JWK, `"use":"enc"`),
		"key_ops verify":         with(p256JWK, `"key_ops":["verify"]`),
		"alg ECDH-ES":            with(p256JWK, `"alg":"ECDH-ES"`),
		"X25519":                 `{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08","d":"XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os"}`,
	} {
		_, err := jwxbridge.Signer(parse(t, text))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "870MB6gf", "no error shows the key")
	}
}

// A program that verifies with jwx takes the keys of a DID document as a jwk.Set.
func TestSet(t *testing.T) {
	signer, err := jwxbridge.Signer(parse(t, p256JWK))
	require.NoError(t, err)
	id, err := did.NewKey(signer.Public())
	require.NoError(t, err)
	issuer := vc.Issuer{ID: id, Key: signer, Format: jose.Format{}}
	raw, err := issuer.AddProof([]byte(fmt.Sprintf(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":%q,"credentialSubject":{"id":"did:example:1"}}`, id)))
	require.NoError(t, err)

	res, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
	require.NoError(t, err)
	set, err := jwxbridge.Set(res.Document, did.AssertionMethod)
	require.NoError(t, err)
	require.Equal(t, 1, set.Len())
	_, err = jwxjws.Verify(raw, jwxjws.WithKeySet(set))
	require.NoError(t, err)

	agree, err := jwxbridge.Set(res.Document, did.KeyAgreement)
	require.NoError(t, err)
	k, ok := agree.Key(0)
	require.True(t, ok)
	require.Equal(t, "ECDH-ES", k.Algorithm().String())
	_, err = jwxjws.Verify(raw, jwxjws.WithKeySet(agree))
	require.Error(t, err)

	none, err := jwxbridge.Set(res.Document, "proofs")
	require.NoError(t, err)
	require.Zero(t, none.Len())

	// A key that has expired is not given out.
	doc := *res.Document
	doc.VerificationMethod = append([]did.VerificationMethod(nil), doc.VerificationMethod...)
	doc.VerificationMethod[0].Expires = doc.VerificationMethod[0].Expires.AddDate(2000, 0, 0)
	set, err = jwxbridge.Set(&doc, did.AssertionMethod)
	require.NoError(t, err)
	require.Zero(t, set.Len())
}
