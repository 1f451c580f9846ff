package jose_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

const contextV1 = `"@context":["https://www.w3.org/2018/credentials/v1"]`

// verifierV1 also reads VCDM 1.1.
func verifierV1() *vc.Verifier {
	return &vc.Verifier{Formats: []vc.Format{jose.Format{}}, Contexts: rdfc.Contexts(), Now: at(noon), V1: true}
}

// What the claims say is put into the credential: it has the same digest whichever way it
// is written, as did-jwt-vc does (claims only), as VCDM 1.1 §6.3.1 shows it, or both.
func TestV1(t *testing.T) {
	shop := newParty(t, keystore.Ed25519)
	iss := shop.id.String()
	whole := `{` + contextV1 + `,"id":"urn:example:1","type":["VerifiableCredential"],"issuer":"` + iss +
		`","issuanceDate":"2026-01-01T00:00:00Z","expirationDate":"2027-01-01T00:00:00Z","credentialSubject":{"id":"did:example:drone"}}`
	bare := `{` + contextV1 + `,"type":["VerifiableCredential"],"credentialSubject":{}}`
	claims := `"iss":"` + iss + `","sub":"did:example:drone","jti":"urn:example:1","nbf":1767225600,"exp":1798761600`
	var digests []vc.Digest
	for name, token := range map[string]string{
		"claims only, no kid, as did-jwt-vc": shop.token(t, `{"alg":"EdDSA","typ":"JWT"}`, `{"vc":`+bare+`,`+claims+`}`),
		"claims only, with kid":              shop.token(t, header("JWT", shop.kid()), `{"vc":`+bare+`,`+claims+`}`),
		"a fragment as kid":                  shop.token(t, header("JWT", "#"+shop.id.Identifier()), `{"vc":`+bare+`,`+claims+`}`),
		"without typ":                        shop.token(t, `{"alg":"EdDSA"}`, `{`+claims+`,"vc":`+bare+`}`),
		"whole, and claims":                  shop.token(t, header("JWT", shop.kid()), `{"vc":`+whole+`,`+claims+`,"iat":1767225600,"nonce":"n"}`),
		"whole":                              shop.token(t, header("JWT", shop.kid()), `{"vc":`+whole+`}`),
		"whole, and other claims":            shop.token(t, header("JWT", shop.kid()), `{"vc":`+whole+`,"scope":"x","nonce":"n"}`),
		"members that are null":              shop.token(t, header("JWT", shop.kid()), `{"vc":`+strings.Replace(bare, "{", `{"expirationDate":null,"credentialStatus":null,"issuer":null,`, 1)+`,`+claims+`}`),
	} {
		v, err := verifierV1().Verify(t.Context(), []byte(token), vc.IssuedBy(shop.id))
		require.NoError(t, err, name)
		require.Equal(t, jose.MediaTypeJWT, v.MediaType())
		require.Equal(t, vc.VCDM1, v.DataModel())
		require.Equal(t, "urn:example:1", v.ID())
		require.Equal(t, "did:example:drone", v.Subject().String())
		require.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), v.ValidFrom())
		require.Equal(t, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), v.ValidUntil())
		digests = append(digests, v.Digest())
		require.Equal(t, digests[0], v.Digest(), name)

		// It has to be asked for.
		strict := verifierV1()
		strict.V1 = false
		_, err = strict.Verify(t.Context(), []byte(token), vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrMalformed)
	}

	// An issuer that is an object, times with fractions, and a credential of two subjects.
	vcClaim := `{` + contextV1 + `,"type":["VerifiableCredential"],"issuer":{"name":"Shop"},"issuanceDate":"2026-01-01T00:00:00.250Z","credentialSubject":[{"id":"did:example:drone"},{"id":"did:example:other"}]}`
	v, err := verifierV1().Verify(t.Context(), []byte(shop.token(t, `{"alg":"EdDSA"}`, `{"vc":`+strings.Replace(vcClaim, `{"name":"Shop"}`, `{}`, 1)+`,`+claims+`}`)), vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, shop.id, v.Issuer())
	require.Equal(t, 250*time.Millisecond, time.Duration(v.ValidFrom().Nanosecond()))
	require.Len(t, v.Subjects(), 2)
	e, err := jose.Format{}.Open([]byte(shop.token(t, `{"alg":"EdDSA"}`, `{"vc":`+vcClaim+`,`+claims+`}`)))
	require.NoError(t, err)
	require.Contains(t, string(e.Document), `"issuer":{"id":"`+iss+`","name":"Shop"}`)
	require.Zero(t, e.Expires)
}

func TestV1Refused(t *testing.T) {
	shop, other := newParty(t, keystore.Ed25519), newParty(t, keystore.Ed25519)
	iss := `"iss":"` + shop.id.String() + `"`
	claim := func(more string) string {
		return `"vc":{` + contextV1 + `,"type":["VerifiableCredential"],"credentialSubject":{"id":"did:example:drone"}` + more + `}`
	}
	for _, c := range []struct {
		name, payload string
		want          error
		detail        string
	}{
		{"issuer of another", `{` + iss + `,"nbf":1767225600,` + claim(`,"issuer":"did:example:victim"`) + `}`, vc.ErrMalformed, "iss is"},
		{"issuer of another, an object", `{` + iss + `,"nbf":1767225600,` + claim(`,"issuer":{"id":"did:example:victim"}`) + `}`, vc.ErrMalformed, "iss is"},
		{"id of another", `{` + iss + `,"jti":"urn:a","nbf":1767225600,` + claim(`,"id":"urn:b"`) + `}`, vc.ErrMalformed, "jti is"},
		{"subject of another", `{` + iss + `,"sub":"did:example:other","nbf":1767225600,` + claim("") + `}`, vc.ErrMalformed, "sub is"},
		{"begins at another time", `{` + iss + `,"nbf":1767225600,` + claim(`,"issuanceDate":"2026-01-01T00:00:01Z"`) + `}`, vc.ErrMalformed, "nbf is"},
		{"ends at another time", `{` + iss + `,"nbf":1767225600,"exp":4000000000,` + claim(`,"expirationDate":"2030-01-01T00:00:00Z"`) + `}`, vc.ErrMalformed, "exp is"},
		{"a date that is empty", `{` + iss + `,"nbf":1767225600,` + claim(`,"issuanceDate":""`) + `}`, vc.ErrMalformed, "nbf is"},
		{"no date at all", `{` + iss + `,` + claim("") + `}`, vc.ErrMalformed, "issuanceDate"},
		{"not yet valid", fmt.Sprintf(`{%s,"nbf":%d,%s}`, iss, noon.Add(time.Hour).Unix(), claim("")), vc.ErrNotYetValid, ""},
		{"expired", fmt.Sprintf(`{%s,"nbf":1767225600,"exp":%d,%s}`, iss, noon.Add(-time.Hour).Unix(), claim("")), vc.ErrExpired, ""},
		{"made tomorrow", fmt.Sprintf(`{%s,"nbf":1767225600,"iat":%d,%s}`, iss, noon.AddDate(0, 0, 1).Unix(), claim("")), vc.ErrProof, "yet to come"},
		{"iss of another", `{"iss":"` + other.id.String() + `","nbf":1767225600,` + claim("") + `}`, vc.ErrProof, ""},
		{"no issuer at all", `{"nbf":1767225600,` + claim("") + `}`, vc.ErrMalformed, "neither kid nor iss"},
		{"for an audience", `{` + iss + `,"aud":"x","nbf":1767225600,` + claim("") + `}`, vc.ErrMalformed, "aud"},
		{"vc and vp", `{` + iss + `,"vp":{},` + claim("") + `}`, vc.ErrMalformed, "one of the two"},
		{"vc that is no object", `{` + iss + `,"vc":"x"}`, vc.ErrMalformed, "want an object"},
		{"vc that is null", `{` + iss + `,"vc":null}`, vc.ErrMalformed, "want an object"},
		{"members beside vc", `{` + iss + `,"nbf":1767225600,"issuer":"did:example:victim",` + claim("") + `}`, vc.ErrMalformed, "beside the claim vc"},
		{"a credential beside vc", `{` + iss + `,` + contextV1 + `,` + claim("") + `}`, vc.ErrMalformed, "beside the claim vc"},
		{"case-variant claim", `{` + iss + `,"Exp":1,"nbf":1767225600,` + claim("") + `}`, vc.ErrMalformed, "case-sensitive"},
		{"case-variant member", `{` + iss + `,"nbf":1767225600,` + claim(`,"Issuer":"did:example:victim"`) + `}`, vc.ErrMalformed, "case-sensitive"},
		{"duplicate member", `{` + iss + `,"nbf":1767225600,` + claim(`,"id":"urn:a","id":"urn:b"`) + `}`, vc.ErrMalformed, "second member"},
		{"deep nesting", `{` + iss + `,"nbf":1767225600,` + claim(`,"evidence":`+strings.Repeat(`{"type":"a","e":`, 40)+"1"+strings.Repeat("}", 40)) + `}`, vc.ErrMalformed, "nested"},
		{"undefined term", `{` + iss + `,"nbf":1767225600,` + claim(`,"colour":"red"`) + `}`, vc.ErrContext, ""},
		{"a presentation", `{` + iss + `,"vp":{` + contextV1 + `,"type":["VerifiablePresentation"]}}`, vc.ErrMalformed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := verifierV1().Verify(t.Context(), []byte(shop.token(t, `{"alg":"EdDSA","typ":"JWT"}`, c.payload)), vc.AnyIssuer)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.detail)
		})
	}
	for _, typ := range []string{"vc+jwt", "vp+jwt"} {
		_, err := jose.Format{}.Open([]byte(shop.token(t, header(typ, shop.kid()), `{`+iss+`,"nbf":1767225600,`+claim("")+`}`)))
		require.ErrorContains(t, err, "no claim vc")
	}
}

// A presentation of VCDM 1.1 holds its credentials as the text of tokens.
func TestV1Presentation(t *testing.T) {
	shop, machine := newParty(t, keystore.P256), newParty(t, keystore.Ed25519)
	credential := shop.token(t, `{"alg":"ES256","typ":"JWT"}`, `{"iss":"`+shop.id.String()+`","sub":"`+machine.id.String()+`","nbf":1767225600,"vc":{`+contextV1+`,"type":["VerifiableCredential"],"credentialSubject":{}}}`)
	ch := vc.NewChallenge("lease.example")
	shown := machine.token(t, `{"alg":"EdDSA","typ":"JWT"}`, `{"iss":"`+machine.id.String()+`","jti":"urn:example:p","vp":{`+contextV1+`,"type":["VerifiablePresentation"],"verifiableCredential":["`+credential+`"]}`+answer(ch)+`}`)
	p, err := verifierV1().VerifyPresentation(t.Context(), []byte(shown), ch, vc.IssuedBy(shop.id))
	require.NoError(t, err)
	require.Equal(t, machine.id, p.Holder())
	require.Equal(t, machine.id, p.Credentials()[0].Subject())
	e, err := jose.Format{}.Open([]byte(shown))
	require.NoError(t, err)
	require.Equal(t, jose.MediaTypeJWT, e.MediaType)
	require.Contains(t, string(e.Document), `"id":"urn:example:p"`)

	_, err = verifierV1().VerifyPresentation(t.Context(), []byte(shown), vc.NewChallenge("lease.example"), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrChallenge)
	stolen := strings.Replace(segment(t, shown, 1), machine.id.String(), shop.id.String(), 1)
	_, err = verifierV1().VerifyPresentation(t.Context(), []byte(shop.token(t, `{"alg":"ES256","typ":"JWT"}`, stolen)), ch, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrHolder)
	holder := strings.Replace(segment(t, shown, 1), `"type":`, `"holder":"did:example:victim","type":`, 1)
	_, err = verifierV1().VerifyPresentation(t.Context(), []byte(machine.token(t, `{"alg":"EdDSA","typ":"JWT"}`, holder)), ch, vc.AnyIssuer)
	require.ErrorContains(t, err, "holder is")
	nested := machine.token(t, `{"alg":"EdDSA","typ":"JWT"}`, strings.Replace(segment(t, shown, 1), credential, shown, 1))
	_, err = verifierV1().VerifyPresentation(t.Context(), []byte(nested), ch, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrMalformed)
}

// TBD54566975/web5-spec, test-vectors/credentials/verify.json at 03bed66 (Apache-2.0): an
// ES256K credential of VCDM 1.1 by another maker, with a member that is null.
const web5 = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NksiLCJraWQiOiJkaWQ6andrOmV5SmhiR2NpT2lKRlV6STFOa3NpTENKcmRIa2lPaUpGUXlJc0ltTnlkaUk2SW5ObFkzQXlOVFpyTVNJc0luZ2lPaUpxWW00eE9YaENaa1poTTBWTk1YSTJRbXRDTFd4eGRFZFVaMU5UVFU1cE5XWjZjelJEVkZSVVdtVnpJaXdpZVNJNklrSkhkakprY0RSdmNIcGpTVzA1YWxKdGMxQk9SMlZKVmsxQ2RsTmlTRlJHUkV0alNIVnphRnBKTFZraWZRIzAifQ" +
	".eyJ2YyI6eyJAY29udGV4dCI6WyJodHRwczovL3d3dy53My5vcmcvMjAxOC9jcmVkZW50aWFscy92MSJdLCJpZCI6InVybjp1dWlkOjc4Y2FkZTYyLWRlOWQtNDNlYy1iMzY2LTEwODA5MjFiOGMxZCIsInR5cGUiOlsiVmVyaWZpYWJsZUNyZWRlbnRpYWwiXSwiaXNzdWVyIjoiZGlkOmp3azpleUpoYkdjaU9pSkZVekkxTmtzaUxDSnJkSGtpT2lKRlF5SXNJbU55ZGlJNkluTmxZM0F5TlRack1TSXNJbmdpT2lKcVltNHhPWGhDWmtaaE0wVk5NWEkyUW10Q0xXeHhkRWRVWjFOVFRVNXBOV1o2Y3pSRFZGUlVXbVZ6SWl3aWVTSTZJa0pIZGpKa2NEUnZjSHBqU1cwNWFsSnRjMUJPUjJWSlZrMUNkbE5pU0ZSR1JFdGpTSFZ6YUZwSkxWa2lmUSIsImlzc3VhbmNlRGF0ZSI6IjIwMjQtMDktMDlUMjA6NTU6NTZaIiwiZXhwaXJhdGlvbkRhdGUiOm51bGwsImNyZWRlbnRpYWxTdWJqZWN0Ijp7ImlkIjoiZGlkOmp3azpleUpoYkdjaU9pSkZVekkxTmtzaUxDSnJkSGtpT2lKRlF5SXNJbU55ZGlJNkluTmxZM0F5TlRack1TSXNJbmdpT2lKcVltNHhPWGhDWmtaaE0wVk5NWEkyUW10Q0xXeHhkRWRVWjFOVFRVNXBOV1o2Y3pSRFZGUlVXbVZ6SWl3aWVTSTZJa0pIZGpKa2NEUnZjSHBqU1cwNWFsSnRjMUJPUjJWSlZrMUNkbE5pU0ZSR1JFdGpTSFZ6YUZwSkxWa2lmUSJ9fSwiaXNzIjoiZGlkOmp3azpleUpoYkdjaU9pSkZVekkxTmtzaUxDSnJkSGtpT2lKRlF5SXNJbU55ZGlJNkluTmxZM0F5TlRack1TSXNJbmdpT2lKcVltNHhPWGhDWmtaaE0wVk5NWEkyUW10Q0xXeHhkRWRVWjFOVFRVNXBOV1o2Y3pSRFZGUlVXbVZ6SWl3aWVTSTZJa0pIZGpKa2NEUnZjSHBqU1cwNWFsSnRjMUJPUjJWSlZrMUNkbE5pU0ZSR1JFdGpTSFZ6YUZwSkxWa2lmUSIsImp0aSI6InVybjp1dWlkOjc4Y2FkZTYyLWRlOWQtNDNlYy1iMzY2LTEwODA5MjFiOGMxZCIsInN1YiI6ImRpZDpqd2s6ZXlKaGJHY2lPaUpGVXpJMU5rc2lMQ0pyZEhraU9pSkZReUlzSW1OeWRpSTZJbk5sWTNBeU5UWnJNU0lzSW5naU9pSnFZbTR4T1hoQ1prWmhNMFZOTVhJMlFtdENMV3h4ZEVkVVoxTlRUVTVwTldaNmN6UkRWRlJVV21Weklpd2llU0k2SWtKSGRqSmtjRFJ2Y0hwalNXMDVhbEp0YzFCT1IyVkpWazFDZGxOaVNGUkdSRXRqU0hWemFGcEpMVmtpZlEiLCJuYmYiOjE3MjU5MTUzNTYsImlhdCI6MTcyNTkxNTM1Nn0" +
	".lMXccJ21Fp9DETegOgkpmhkW3BieQWfzVEIb6sW5Vygukw7GJztKgq_VllIuuf49rJeUeSOuAkIhFtiVFOYlhQ"

func TestV1OfAnotherMaker(t *testing.T) {
	v, err := verifierV1().Verify(t.Context(), []byte(web5), vc.AnyIssuer)
	if _, gone := secp256k1.ParsePrivateKey(make([]byte, 32)); gone == secp256k1.ErrLeftOut {
		require.ErrorIs(t, err, did.ErrKeyNotSupported)
		return
	}
	require.NoError(t, err)
	require.Equal(t, "urn:uuid:78cade62-de9d-43ec-b366-1080921b8c1d", v.ID())
	require.Equal(t, "jwk", v.Issuer().Method())
	require.Equal(t, time.Date(2024, 9, 9, 20, 55, 56, 0, time.UTC), v.Created())
	require.Zero(t, v.ValidUntil())
}

// The envelopes that the W3C's suite for VCDM 2.0 sent: their tokens, whatever becomes of
// the objects around them.
func TestW3CRecorded(t *testing.T) {
	file, err := os.Open(shared.Path(t, "vectors", "w3c-recorded", "vc-data-model-2.0-test-suite.jsonl"))
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	taken := map[string]int{}
	for lines.Scan() {
		var r struct {
			Path, Expected string
			Body           struct {
				VerifiableCredential, VerifiablePresentation json.RawMessage
			}
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		var object struct{ ID string }
		raw := append(r.Body.VerifiableCredential, r.Body.VerifiablePresentation...)
		if json.Unmarshal(raw, &object) != nil || !strings.HasPrefix(object.ID, "data:application/") {
			continue
		}
		mediaType, token, _ := strings.Cut(strings.TrimPrefix(object.ID, "data:"), ",")
		if !(jose.Format{}).Recognizes(mediaType, []byte(token)) {
			require.Equal(t, "reject", r.Expected, object.ID)
			continue
		}
		e, err := jose.Format{}.Open([]byte(token))
		require.NoError(t, err, object.ID)
		key, err := did.Key(t.Context(), nil, e.Method, did.AssertionMethod, did.Version{})
		require.NoError(t, err)
		require.NoError(t, e.Verify(key), "the signature holds")

		v := verifierV1()
		if e.Presentation {
			require.Equal(t, "123456789", e.Nonce)
			v.AnySubject = true
			_, err = v.VerifyPresentation(t.Context(), raw, vc.Challenge{Nonce: e.Nonce, Domain: "example.com"}, vc.AnyIssuer)
		} else {
			_, err = v.Verify(t.Context(), raw, vc.AnyIssuer)
		}
		require.Equal(t, r.Expected == "accept", err == nil, "%s: %v", lines.Text(), err)
		taken[mediaType+" "+r.Expected]++
	}
	require.NoError(t, lines.Err())
	require.Equal(t, map[string]int{
		"application/vc+jwt accept": 1, "application/vc+jwt reject": 4,
		"application/jwt accept": 1, "application/jwt reject": 3,
	}, taken)
}
