package jose_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
)

// fuzzParty has the same key every time, so that a corpus is worth keeping.
func fuzzParty() party {
	id, key := exampleParty("s")
	return party{id, key}
}

// FuzzOpen signs whatever header and payload, and opens it. What opens is a strict
// document without claims about the token, by a method of a DID.
func FuzzOpen(f *testing.F) {
	shop := fuzzParty()
	for _, header := range []string{
		header("vc+jwt", shop.kid()), header("vp+jwt", "#k"), `{"alg":"EdDSA","typ":"JWT"}`, `{"alg":"EdDSA","iss":"did:key:a"}`, `{"alg":"ES256K","crit":[]}`,
		`{"alg":"EdDSA","kid":"did:x509:0:sha256:AA::eku:1#0","x5c":["AAAA","AAA="]}`,
	} {
		f.Add(header, document(shop, `,"iss":"`+shop.id.String()+`","jti":"urn:example:1","exp":1e3,"status":{}`))
		f.Add(header, presentation(shop, `,"nonce":"n","aud":["a"]`))
		f.Add(header, `{"iss":"`+shop.id.String()+`","sub":"a:b","jti":"c:d","nbf":1.5,"exp":2,"vc":{`+contextV1+`,"credentialSubject":[{}],"id":null,"issuer":{}}}`)
		f.Add(header, `{"iss":"`+shop.id.String()+`","vp":{"holder":null,"verifiableCredential":"e.e.e"}}`)
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		raw := []byte(shop.token(t, header, payload))
		_, _ = (&vc.Verifier{Formats: []vc.Format{jose.Format{}}, V1: true}).Verify(t.Context(), raw, vc.AnyIssuer)
		e, err := jose.Format{}.Open(raw)
		if err != nil {
			require.Nil(t, e)
			return
		}
		doc, err := strictjson.Parse(e.Document, strictjson.Limits{})
		require.NoError(t, err)
		require.Equal(t, strictjson.Object, doc.Root().Kind())
		if e.MediaType != jose.MediaTypeJWT {
			for m := range doc.Root().All() {
				require.False(t, slices.Contains([]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "cnf", "status", "vc", "vp"}, m.Name()))
			}
		}
		again, err := did.ParseURL(e.Method.String())
		require.NoError(t, err)
		require.Equal(t, e.Method, again)
		require.True(t, e.Presentation || e.Audience == nil)
	})
}

// FuzzOpenRaw opens whatever bytes.
func FuzzOpenRaw(f *testing.F) {
	shop := fuzzParty()
	f.Add([]byte(shop.token(f, header("vc+jwt", shop.kid()), document(shop, ""))))
	f.Add([]byte(web5))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := jose.Format{}.Open(raw)
		require.Equal(t, err == nil, e != nil)
		if err == nil {
			require.True(t, jose.Format{}.Recognizes(e.MediaType, raw))
			require.True(t, jose.Format{}.Recognizes("", raw))
			_ = e.Verify(shop.key.Public())
		}
	})
}
