package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/lestrrat-go/jwx/v2/jwa"
	jwxjws "github.com/lestrrat-go/jwx/v2/jws"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// A party has a did:key and the key of it.
type party struct {
	id  did.DID
	key crypto.Signer
}

func newParty(t testing.TB, kind keystore.Algorithm) party {
	t.Helper()
	key, err := new(keystore.Memory).Create(t.Context(), "k", kind)
	if errors.Is(err, secp256k1.ErrLeftOut) {
		t.Skip(err)
	}
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return party{id, key}
}

func (p party) kid() string { return p.id.URL(p.id.Identifier()).String() }

func (p party) issuer() *vc.Issuer {
	return &vc.Issuer{ID: p.id, Key: p.key, Format: jose.Format{}, Now: at(noon)}
}

func verifier() *vc.Verifier {
	return &vc.Verifier{Formats: []vc.Format{jose.Format{}}, Now: at(noon)}
}

// token signs a header and a payload as they are.
func (p party) token(t testing.TB, header, payload string) string {
	t.Helper()
	input := b64(header) + "." + b64(payload)
	sig, err := signature.Sign(p.key, []byte(input))
	require.NoError(t, err)
	return input + "." + b64(string(sig))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func segment(t testing.TB, token string, i int) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	require.NoError(t, err)
	return string(b)
}

func maintenance() *vc.Credential {
	return &vc.Credential{
		Subject: did.MustParse("did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"),
		Claim: record.Maintenance{
			Time: noon.Add(-time.Hour), BizStep: record.StepRepairing, Disposition: record.DispAvailable,
			Work: record.Work{Category: record.Preventive, Activity: "replace bearings", DownSeconds: 5400},
		},
		ValidFrom: noon.Add(-time.Hour), ValidUntil: noon.AddDate(1, 0, 0),
	}
}

var algorithms = map[string]keystore.Algorithm{
	"EdDSA": keystore.Ed25519, "ES256": keystore.P256, "ES384": keystore.P384, "ES256K": keystore.Secp256k1,
}

func TestIssueAndVerify(t *testing.T) {
	for alg, kind := range algorithms {
		t.Run(alg, func(t *testing.T) {
			shop := newParty(t, kind)
			raw, err := shop.issuer().Issue(maintenance())
			require.NoError(t, err)
			require.JSONEq(t, fmt.Sprintf(`{"alg":%q,"typ":"vc+jwt","cty":"vc","kid":%q}`, alg, shop.kid()), segment(t, string(raw), 0))
			require.Contains(t, segment(t, string(raw), 1), fmt.Sprintf(`,"iat":%d}`, noon.Unix()))

			v, err := verifier().Verify(t.Context(), raw, vc.IssuedBy(shop.id))
			require.NoError(t, err)
			require.Equal(t, jose.MediaTypeCredential, v.MediaType())
			require.Equal(t, vc.VCDM2, v.DataModel())
			require.Equal(t, noon, v.Created())
			require.Equal(t, []vc.Signature{{Method: shop.id.URL(shop.id.Identifier()), Created: noon, Suite: jose.MediaTypeCredential}}, v.Signatures())
			got, err := vc.ClaimOf[record.Maintenance](v)
			require.NoError(t, err)
			require.Equal(t, "replace bearings", got.Work.Activity)
			require.False(t, v.Selective())

			// The digest is of what it says, not of when and how it was signed.
			again := shop.issuer()
			again.Now = at(noon.Add(time.Second))
			c := maintenance()
			raw2, err := again.Issue(c)
			require.NoError(t, err)
			v2, err := verifier().Verify(t.Context(), raw2, vc.AnyIssuer)
			require.NoError(t, err)
			require.NotEqual(t, v.Raw(), v2.Raw())
			require.Equal(t, v.Digest(), v2.Digest())

			// Two other implementations read the same.
			if alg != "ES256K" {
				parsed, err := gojose.ParseSignedCompact(string(raw), []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(alg)})
				require.NoError(t, err)
				payload, err := parsed.Verify(shop.key.Public())
				require.NoError(t, err)
				require.Equal(t, segment(t, string(raw), 1), string(payload))
				payload, err = jwxjws.Verify(raw, jwxjws.WithKey(jwa.SignatureAlgorithm(alg), shop.key.Public()))
				require.NoError(t, err)
				require.Equal(t, segment(t, string(raw), 1), string(payload))
			}
		})
	}
}

func TestPresent(t *testing.T) {
	shop, machine := newParty(t, keystore.Ed25519), newParty(t, keystore.Ed25519)
	c := maintenance()
	c.Subject = machine.id
	raw, err := shop.issuer().Issue(c)
	require.NoError(t, err)
	embedded := shop.issuer()
	embedded.Format = nil
	proven, err := embedded.Issue(c)
	require.NoError(t, err)

	ch := vc.NewChallenge("lease.example")
	holder := &vc.Holder{ID: machine.id, Key: machine.key, Format: jose.Format{}, Now: at(noon)}
	shown, err := holder.Present(ch, vc.Enveloped(jose.MediaTypeCredential, raw), proven)
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"alg":"EdDSA","typ":"vp+jwt","cty":"vp","kid":%q}`, machine.kid()), segment(t, string(shown), 0))
	require.Contains(t, segment(t, string(shown), 1), fmt.Sprintf(`,"iat":%d,"nonce":%q,"aud":"lease.example"}`, noon.Unix(), ch.Nonce))

	p, err := verifier().VerifyPresentation(t.Context(), shown, ch, vc.IssuedBy(shop.id))
	require.NoError(t, err)
	require.Equal(t, machine.id, p.Holder())
	require.Len(t, p.Credentials(), 2)
	require.Equal(t, jose.MediaTypeCredential, p.Credentials()[0].MediaType())
	require.Equal(t, p.Credentials()[0].Digest(), p.Credentials()[1].Digest(), "two ways to secure one statement")

	// In an EnvelopedVerifiablePresentation.
	wrapped := strings.ReplaceAll(string(vc.Enveloped(jose.MediaTypePresentation, shown)), "EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation")
	_, err = verifier().VerifyPresentation(t.Context(), []byte(wrapped), ch, vc.AnyIssuer)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		raw  []byte
		ch   vc.Challenge
		want error
	}{
		"reused nonce":                {shown, vc.NewChallenge("lease.example"), vc.ErrChallenge},
		"another domain":              {shown, vc.Challenge{Nonce: ch.Nonce, Domain: "other.example"}, vc.ErrDomain},
		"a credential":                {raw, ch, vc.ErrMalformed},
		"two audiences":               {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, `,"nonce":"`+ch.Nonce+`","aud":["lease.example","other.example"]`))), ch, vc.ErrDomain},
		"no audience":                 {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, `,"nonce":"`+ch.Nonce+`"`))), ch, vc.ErrDomain},
		"no nonce":                    {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, `,"aud":"lease.example"`))), ch, vc.ErrChallenge},
		"signed by another":           {[]byte(shop.token(t, header("vp+jwt", machine.kid()), presentation(machine, answer(ch)))), ch, vc.ErrProof},
		"shown by another":            {[]byte(shop.token(t, header("vp+jwt", shop.kid()), presentation(machine, answer(ch)))), ch, vc.ErrProof},
		"iss that is not the holder":  {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(shop, answer(ch)+`,"iss":"`+machine.id.String()+`"`))), ch, vc.ErrMalformed},
		"typ of a credential":         {[]byte(machine.token(t, header("vc+jwt", machine.kid()), presentation(machine, answer(ch)))), ch, vc.ErrMalformed},
		"a key binding":               {[]byte(machine.token(t, header("kb+jwt", machine.kid()), presentation(machine, answer(ch)))), ch, vc.ErrMalformed},
		"expired":                     {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, answer(ch)+fmt.Sprintf(`,"exp":%d`, noon.Add(-time.Hour).Unix())))), ch, vc.ErrExpired},
		"not yet valid":               {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, answer(ch)+fmt.Sprintf(`,"nbf":%d`, noon.Add(time.Hour).Unix())))), ch, vc.ErrNotYetValid},
		"credentials that are stolen": {[]byte(shop.token(t, header("vp+jwt", shop.kid()), presentation(shop, answer(ch)+`,"verifiableCredential":[`+string(vc.Enveloped(jose.MediaTypeCredential, raw))+`]`))), ch, vc.ErrHolder},
		"a credential nobody signed":  {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, answer(ch)+`,"verifiableCredential":[`+document(shop, "")+`]`))), ch, vc.ErrProof},
		"not-a-credential (w3c/vc-jose-cose-test-suite)": {[]byte(machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, answer(ch)+`,"verifiableCredential":[{"@context":"https://www.w3.org/ns/credentials/v2","id":"not-a-credential","type":"EnvelopedVerifiableCredential"}]`))), ch, vc.ErrMalformed},
	} {
		_, err := verifier().VerifyPresentation(t.Context(), c.raw, c.ch, vc.AnyIssuer)
		require.ErrorIs(t, err, c.want, name)
	}

	// Whoever signs a presentation without holder is its holder.
	noHolder := strings.Replace(presentation(machine, answer(ch)), `"holder":"`+machine.id.String()+`",`, "", 1)
	p, err = verifier().VerifyPresentation(t.Context(), []byte(machine.token(t, header("vp+jwt", machine.kid()), noHolder)), ch, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, machine.id, p.Holder())
}

func header(typ, kid string) string {
	return fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"kid":%q}`, typ, kid)
}

// document is a small credential by p, with more members.
func document(p party, more string) string {
	return `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + p.id.String() +
		`","id":"urn:example:1","validFrom":"2026-01-01T00:00:00Z","credentialSubject":{"id":"did:example:drone"}` + more + `}`
}

func presentation(holder party, more string) string {
	return `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"` + holder.id.String() + `"` + more + `}`
}

func answer(ch vc.Challenge) string {
	return fmt.Sprintf(`,"nonce":%q,"aud":%q`, ch.Nonce, ch.Domain)
}

// Each token but those that say otherwise is signed well: what is wrong is what it says.
func TestRefused(t *testing.T) {
	shop, other := newParty(t, keystore.Ed25519), newParty(t, keystore.Ed25519)
	good := shop.token(t, header("vc+jwt", shop.kid()), document(shop, ""))
	_, err := verifier().Verify(t.Context(), []byte(good), vc.AnyIssuer)
	require.NoError(t, err)
	part := strings.Split(good, ".")
	says := func(more string) string { return shop.token(t, header("vc+jwt", shop.kid()), document(shop, more)) }
	head := func(header string) string {
		return shop.token(t, strings.ReplaceAll(header, "KID", shop.kid()), document(shop, ""))
	}
	encOnly := encryptionOnly(t, shop)

	for _, c := range []struct {
		name, token string
		want        error
		detail      string
	}{
		{"wrong key", other.token(t, header("vc+jwt", shop.kid()), document(shop, "")), vc.ErrProof, "does not match"},
		{"kid of another DID", other.token(t, header("vc+jwt", other.kid()), document(shop, "")), vc.ErrIssuer, ""},
		{"kid of another DID, and iss", other.token(t, header("vc+jwt", other.kid()), document(shop, `,"iss":"`+shop.id.String()+`"`)), vc.ErrMalformed, "kid is a key of"},
		{"wrong purpose: a key that only decrypts", shop.token(t, header("vc+jwt", encOnly.URL("0").String()), document(party{id: encOnly}, "")), vc.ErrProof, "not authorized"},
		{"kid that the document does not have", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KIDx"}`), vc.ErrProof, "not found"},
		{"altered claim", part[0] + "." + b64(strings.Replace(segment(t, good, 1), "drone", "drono", 1)) + "." + part[2], vc.ErrProof, "does not match"},
		{"altered header", b64(header("vc+jwt", shop.kid())+" ") + "." + part[1] + "." + part[2], vc.ErrProof, "does not match"},
		{"signature of another token", part[0] + "." + part[1] + "." + strings.Split(says(`,"name":"x"`), ".")[2], vc.ErrProof, "does not match"},
		{"malleable: s + the order", part[0] + "." + part[1] + "." + plusOrder(t, part[2]), vc.ErrProof, "does not match"},
		{"stripped signature", part[0] + "." + part[1] + ".", vc.ErrMalformed, "taken off"},
		{"two segments", part[0] + "." + part[1], vc.ErrMalformed, "three segments"},
		{"padded", good + "==", vc.ErrMalformed, "base64url"},
		{"trailing data", good + ".e30", vc.ErrMalformed, "three segments"},
		{"white space before", "\n" + good, vc.ErrMalformed, "base64url"},
		{"white space after", good + "\n", vc.ErrMalformed, "line break"},
		{"white space within", part[0] + ". " + part[1] + "." + part[2], vc.ErrMalformed, "base64url"},
		{"oversized", says(`,"name":"` + strings.Repeat("x", vc.MaxCredentialBytes) + `"`), vc.ErrLimit, ""},
		{"oversized header", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID` + strings.Repeat("x", jws.MaxHeaderBytes) + `"}`), vc.ErrMalformed, "longer than"},
		{"deep nesting", says(`,"evidence":` + strings.Repeat(`{"type":"a","e":`, 40) + "1" + strings.Repeat("}", 40)), vc.ErrMalformed, "nested"},

		{"alg none", head(`{"alg":"none","typ":"vc+jwt","kid":"KID"}`), vc.ErrMalformed, "known are"},
		{"alg none, without signature", b64(`{"alg":"none","typ":"vc+jwt"}`) + "." + part[1] + ".", vc.ErrMalformed, "known are"},
		{"HS256 with the public key as secret", hs256(shop), vc.ErrMalformed, "known are"},
		{"embedded jwk", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}`), vc.ErrMalformed, "proves nothing"},
		{"jku", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID","jku":"https://evil.example/jwks"}`), vc.ErrMalformed, "proves nothing"},
		{"x5c", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID","x5c":["MIIB"]}`), vc.ErrMalformed, "proves nothing"},
		{"unknown crit", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID","crit":["exp"]}`), vc.ErrMalformed, "understood"},
		{"b64 false without crit", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID","b64":false}`), vc.ErrMalformed, "b64"},
		{"duplicate alg", head(`{"alg":"none","alg":"EdDSA","typ":"vc+jwt","kid":"KID"}`), vc.ErrMalformed, "second member"},
		{"case-variant alg", head(`{"alg":"EdDSA","Alg":"none","typ":"vc+jwt","kid":"KID"}`), vc.ErrMalformed, "case"},

		{"typ of a presentation", head(`{"alg":"EdDSA","typ":"vp+jwt","kid":"KID"}`), vc.ErrMalformed, ""},
		{"typ of a key binding", head(`{"alg":"EdDSA","typ":"kb+jwt","kid":"KID"}`), vc.ErrMalformed, `typ is "kb+jwt"`},
		{"typ of an SD-JWT VC", head(`{"alg":"EdDSA","typ":"dc+sd-jwt","kid":"KID"}`), vc.ErrMalformed, `typ is "dc+sd-jwt"`},
		{"typ of an SD-JWT", head(`{"alg":"EdDSA","typ":"vc+sd-jwt","kid":"KID"}`), vc.ErrMalformed, `typ is "vc+sd-jwt"`},
		{"typ of an access token", head(`{"alg":"EdDSA","typ":"at+jwt","kid":"KID"}`), vc.ErrMalformed, `typ is "at+jwt"`},
		{"typ of a status list", head(`{"alg":"EdDSA","typ":"statuslist+jwt","kid":"KID"}`), vc.ErrMalformed, `typ is "statuslist+jwt"`},
		{"bad+typ (w3c/vc-jose-cose-test-suite)", head(`{"alg":"EdDSA","cty":"bad+cty","typ":"bad+typ","kid":"KID"}`), vc.ErrMalformed, `typ is "bad+typ"`},
		{"cty of a presentation", head(`{"alg":"EdDSA","typ":"vc+jwt","cty":"vp","kid":"KID"}`), vc.ErrMalformed, "cty"},
		{"cty of a token within", head(`{"alg":"EdDSA","typ":"vc+jwt","cty":"JWT","kid":"KID"}`), vc.ErrMalformed, "cty"},
		{"a presentation as a credential", shop.token(t, header("vc+jwt", shop.kid()), presentation(shop, "")), vc.ErrMalformed, ""},

		{"neither kid nor iss", head(`{"alg":"EdDSA","typ":"vc+jwt"}`), vc.ErrMalformed, "neither kid nor iss"},
		{"a fragment as kid, without iss", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"#key-1"}`), vc.ErrMalformed, "no DID URL"},
		{"kid that is no DID URL", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"https://shop.example/keys/1"}`), vc.ErrMalformed, "no DID URL"},
		{"kid that is malformed", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"did:key"}`), vc.ErrMalformed, "kid"},
		{"kid that asks for a version", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"` + strings.Replace(shop.kid(), "#", "?versionId=1#", 1) + `"}`), vc.ErrProof, ""},
		{"iss that is not the issuer", says(`,"iss":"` + other.id.String() + `"`), vc.ErrMalformed, "issuer is"},
		{"iss of the header that is not the issuer", head(`{"alg":"EdDSA","typ":"vc+jwt","kid":"KID","iss":"did:example:x"}`), vc.ErrMalformed, "issuer is"},
		{"iss here and there", shop.token(t, `{"alg":"EdDSA","typ":"vc+jwt","iss":"did:example:x"}`, document(shop, `,"iss":"`+shop.id.String()+`"`)), vc.ErrMalformed, "another in the header"},
		{"iss that is no string", says(`,"iss":["` + shop.id.String() + `"]`), vc.ErrMalformed, "want a string"},
		{"iss in capitals", says(`,"ISS":"` + shop.id.String() + `"`), vc.ErrMalformed, "case-sensitive"},
		{"jti that is not the id", says(`,"jti":"urn:example:2"`), vc.ErrMalformed, "jti"},
		{"sub that is not the subject", says(`,"sub":"did:example:other"`), vc.ErrMalformed, "sub"},
		{"for an audience", says(`,"aud":"other.example"`), vc.ErrMalformed, "aud"},
		{"claims vc and vp (w3c/vc-jose-cose-test-suite)", says(`,"vc":"oops","vp":"nooo"`), vc.ErrMalformed, "no claim vc"},
		{"claim vc", says(`,"vc":{}`), vc.ErrMalformed, "no claim vc"},
		{"claim vc in capitals", says(`,"VC":{}`), vc.ErrMalformed, "case-sensitive"},
		{"expired", says(fmt.Sprintf(`,"exp":%d`, noon.Add(-time.Hour).Unix())), vc.ErrExpired, ""},
		{"expired, though the statement holds", says(fmt.Sprintf(`,"exp":%d,"validUntil":"2030-01-01T00:00:00Z"`, noon.Add(-time.Hour).Unix())), vc.ErrExpired, ""},
		{"a statement that expired, in a token that did not", says(fmt.Sprintf(`,"exp":%d,"validUntil":"2026-02-01T00:00:00Z"`, noon.Add(time.Hour).Unix())), vc.ErrExpired, ""},
		{"not yet valid", says(fmt.Sprintf(`,"nbf":%d`, noon.Add(time.Hour).Unix())), vc.ErrNotYetValid, ""},
		{"made tomorrow", says(fmt.Sprintf(`,"iat":%d`, noon.AddDate(0, 0, 1).Unix())), vc.ErrProof, "yet to come"},
		{"exp that is text", says(`,"exp":"2030-01-01T00:00:00Z"`), vc.ErrMalformed, "seconds since 1970"},
		{"exp with an exponent", says(`,"exp":1e10`), vc.ErrMalformed, "seconds since 1970"},
		{"exp that is negative", says(`,"exp":-1`), vc.ErrMalformed, "seconds since 1970"},
		{"exp beyond the calendar", says(`,"exp":253402300800`), vc.ErrMalformed, "seconds since 1970"},
		{"iat that is text, as w3c/vc-jose-cose-test-suite has it", says(`,"iat":"2010-01-01T19:23:24Z"`), vc.ErrMalformed, "seconds since 1970"},
		{"status that is no object", says(`,"status":"good"`), vc.ErrMalformed, "want an object"},
		{"cnf that is no object", says(`,"cnf":"key"`), vc.ErrMalformed, "want an object"},
		{"an SD-JWT without its disclosures", shop.token(t, `{"alg":"EdDSA","kid":"`+shop.kid()+`"}`, strings.Replace(document(shop, `,"_sd":["x"],"_sd_alg":"sha-256"`), `v2"]`, `v2","https://www.w3.org/ns/credentials/examples/v2"]`, 1)), vc.ErrMalformed, "disclosures were taken off"},
		{"an SD-JWT without those of elements", shop.token(t, `{"alg":"EdDSA","kid":"`+shop.kid()+`"}`, document(shop, `,"termsOfUse":[{"type":"x"},{"...":"x"}]`)), vc.ErrMalformed, "disclosures were taken off"},
		{"duplicate member", says(`,"id":"urn:example:2"`), vc.ErrMalformed, "second member"},
		{"duplicate member behind an escape", says(`,"\u0069d":"urn:example:2"`), vc.ErrMalformed, "second member"},
		{"case-variant member", says(`,"Issuer":"did:example:victim"`), vc.ErrMalformed, "case-sensitive"},
		{"undefined term", says(`,"colour":"red"`), vc.ErrContext, ""},
		{"payload is no JSON", shop.token(t, header("vc+jwt", shop.kid()), "hello"), vc.ErrMalformed, ""},
		{"payload is an array", shop.token(t, header("vc+jwt", shop.kid()), "["+document(shop, "")+"]"), vc.ErrMalformed, "want an object"},
		{"data after the payload", shop.token(t, header("vc+jwt", shop.kid()), document(shop, "")+"{}"), vc.ErrMalformed, "more text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := verifier().Verify(t.Context(), []byte(c.token), vc.AnyIssuer)
			var rej *vc.RejectError
			require.ErrorAs(t, err, &rej)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.detail)
		})
	}

	// A status claim is checked, or the credential was not.
	_, err = verifier().Verify(t.Context(), []byte(says(`,"status":{"status_list":{"idx":0,"uri":"https://shop.example/1"}}`)), vc.AnyIssuer)
	var unchecked *vc.UncheckedError
	require.ErrorAs(t, err, &unchecked)
	// A method that no resolver was given for condemns nobody.
	var rej *vc.RejectError
	web := party{did.MustParse("did:web:shop.example"), shop.key}
	_, err = verifier().Verify(t.Context(), []byte(shop.token(t, header("vc+jwt", "did:web:shop.example#1"), document(web, ""))), vc.AnyIssuer)
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
	require.False(t, errors.As(err, &rej))
	_, err = verifier().Verify(t.Context(), []byte(shop.token(t, `{"alg":"EdDSA"}`, document(web, `,"iss":"did:web:shop.example"`))), vc.AnyIssuer)
	require.ErrorContains(t, err, "kid is needed")
}

// encryptionOnly returns a did:jwk whose key does not sign, though it is shop's.
func encryptionOnly(t *testing.T, shop party) did.DID {
	jwk, err := did.MarshalJWK(shop.key.Public())
	require.NoError(t, err)
	return did.MustParse("did:jwk:" + b64(strings.Replace(string(jwk), "{", `{"use":"enc",`, 1)))
}

func hs256(p party) string {
	input := b64(fmt.Sprintf(`{"alg":"HS256","typ":"vc+jwt","kid":%q}`, p.kid())) + "." + b64(document(p, ""))
	mac := hmac.New(sha256.New, p.key.Public().(ed25519.PublicKey))
	mac.Write([]byte(input))
	return input + "." + b64(string(mac.Sum(nil)))
}

// plusOrder returns an Ed25519 signature with s + L in place of s (RFC 8032 §5.1.7).
func plusOrder(t *testing.T, segment string) string {
	sig, err := base64.RawURLEncoding.DecodeString(segment)
	require.NoError(t, err)
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	le := func(b []byte) []byte {
		out := make([]byte, len(b))
		for i := range b {
			out[len(b)-1-i] = b[i]
		}
		return out
	}
	s := make([]byte, 32)
	new(big.Int).Add(new(big.Int).SetBytes(le(sig[32:])), order).FillBytes(s)
	return b64(string(sig[:32]) + string(le(s)))
}

// A key signs by its own algorithm only, whatever the header says.
func TestAlgorithmsAreNotSwapped(t *testing.T) {
	for alg, kind := range algorithms {
		t.Run(alg, func(t *testing.T) {
			p := newParty(t, kind)
			for other := range algorithms {
				raw := p.token(t, fmt.Sprintf(`{"alg":%q,"typ":"vc+jwt","kid":%q}`, other, p.kid()), document(p, ""))
				_, err := verifier().Verify(t.Context(), []byte(raw), vc.AnyIssuer)
				if other == alg {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, vc.ErrProof)
				require.ErrorContains(t, err, fmt.Sprintf("alg is %q, and the key signs with %s", other, alg))
			}
		})
	}
}

// The ways in which a good token may be written.
func TestTaken(t *testing.T) {
	shop := newParty(t, keystore.Ed25519)
	jwkID, err := did.NewJWK(shop.key.Public())
	require.NoError(t, err)
	jwk := party{jwkID, shop.key}
	iss := `,"iss":"` + shop.id.String() + `"`
	for name, token := range map[string]string{
		"without typ":                   shop.token(t, `{"alg":"EdDSA","kid":"`+shop.kid()+`"}`, document(shop, "")),
		"typ JWT":                       shop.token(t, header("JWT", shop.kid()), document(shop, "")),
		"typ in full":                   shop.token(t, header("application/vc+jwt", shop.kid()), document(shop, "")),
		"a more specific cty":           shop.token(t, `{"alg":"EdDSA","typ":"vc+jwt","cty":"vc+ld+json","kid":"`+shop.kid()+`"}`, document(shop, "")),
		"RFC 9864's alg":                shop.token(t, `{"alg":"Ed25519","typ":"vc+jwt","kid":"`+shop.kid()+`"}`, document(shop, "")),
		"a fragment as kid, from iss":   shop.token(t, header("vc+jwt", "#"+shop.id.Identifier()), document(shop, iss)),
		"without its number sign":       shop.token(t, header("vc+jwt", shop.id.Identifier()), document(shop, iss)),
		"from iss in the header":        shop.token(t, `{"alg":"EdDSA","typ":"vc+jwt","kid":"#`+shop.id.Identifier()+`","iss":"`+shop.id.String()+`"}`, document(shop, "")),
		"iss alone":                     shop.token(t, `{"alg":"EdDSA","typ":"vc+jwt"}`, document(shop, iss)),
		"iss alone, a did:jwk":          jwk.token(t, `{"alg":"EdDSA","typ":"vc+jwt"}`, document(jwk, `,"iss":"`+jwkID.String()+`"`)),
		"the DID as kid":                shop.token(t, header("vc+jwt", shop.id.String()), document(shop, "")),
		"an issuer that is an object":   shop.token(t, header("vc+jwt", shop.kid()), strings.Replace(document(shop, iss), `"issuer":"`+shop.id.String()+`"`, `"issuer":{"name":"Shop","id":"`+shop.id.String()+`"}`, 1)),
		"every claim":                   shop.token(t, header("vc+jwt", shop.kid()), document(shop, iss+`,"sub":"did:example:drone","jti":"urn:example:1","iat":1700000000,"nbf":1700000000.5,"exp":4000000000,"nonce":"n","cnf":{"kid":"x"}`)),
		"unknown members in the header": shop.token(t, `{"alg":"EdDSA","typ":"vc+jwt","x5t":"abc","vendor":{"a":1},"kid":"`+shop.kid()+`"}`, document(shop, "")),
	} {
		v, err := verifier().Verify(t.Context(), []byte(token), vc.AnyIssuer)
		require.NoError(t, err, name)
		require.Equal(t, jose.MediaTypeCredential, v.MediaType(), name)
		require.NotContains(t, v.JSON(), `"iss"`)
		for _, claim := range []string{"iss", "sub", "jti", "iat", "nbf", "exp", "nonce", "cnf"} {
			there, err := v.Member(claim, new(json.RawMessage))
			require.NoError(t, err)
			require.False(t, there, claim)
		}
	}
}

// Tokens that other implementations made, as their users write them.
func TestOtherImplementations(t *testing.T) {
	for _, alg := range []string{"EdDSA", "ES256", "ES384"} {
		shop := newParty(t, algorithms[alg])
		crypter, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.SignatureAlgorithm(alg), Key: gojose.JSONWebKey{Key: opaque(t, shop.key), KeyID: shop.kid()}},
			(&gojose.SignerOptions{}).WithType("vc+jwt").WithContentType("vc"))
		require.NoError(t, err)
		object, err := crypter.Sign([]byte(document(shop, `,"iat":1700000000`)))
		require.NoError(t, err)
		token, err := object.CompactSerialize()
		require.NoError(t, err)
		_, err = verifier().Verify(t.Context(), []byte(token), vc.IssuedBy(shop.id))
		require.NoError(t, err)

		headers := jwxjws.NewHeaders()
		for name, value := range map[string]string{"typ": "vc+jwt", "cty": "vc", "kid": shop.kid(), `x":0,"admin`: "true"} {
			require.NoError(t, headers.Set(name, value))
		}
		raw, err := jwxjws.Sign([]byte(document(shop, `,"exp":4000000000`)), jwxjws.WithKey(jwa.SignatureAlgorithm(alg), shop.key, jwxjws.WithProtectedHeaders(headers)))
		require.NoError(t, err)
		// jwx writes the name as it is, and so signs a member that nobody set (GHSA-4cf7-xm37-g63h):
		// what a reader must not take from a header is anything it does not look for.
		require.Contains(t, segment(t, string(raw), 0), `"admin":"true"`)
		v, err := verifier().Verify(t.Context(), raw, vc.IssuedBy(shop.id))
		require.NoError(t, err)
		require.Equal(t, shop.id, v.Issuer())
	}
}

// Whatever text stands in a document and a challenge, it comes out of the token as it went in.
func TestSealedIsOpened(t *testing.T) {
	shop := newParty(t, keystore.Ed25519)
	text := rapid.String().Filter(utf8.ValidString)
	rapid.Check(t, func(r *rapid.T) {
		value, err := json.Marshal(rapid.MapOf(text, text).Draw(r, "members"))
		require.NoError(r, err)
		e := &vc.Envelope{
			Document:     []byte(presentation(shop, `,"termsOfUse":`+string(value))),
			Method:       shop.id.URL(shop.id.Identifier()),
			Presentation: true, MediaType: jose.MediaTypePresentation,
			Nonce:    text.Filter(func(s string) bool { return s != "" }).Draw(r, "nonce"),
			Audience: rapid.SliceOfN(text.Filter(func(s string) bool { return s != "" }), 1, 3).Draw(r, "domain"),
			Created:  time.Unix(rapid.Int64Range(0, 253402300799).Draw(r, "created"), 0).UTC(),
		}
		raw, err := jose.Format{}.Seal(shop.key, e)
		require.NoError(r, err)
		got, err := jose.Format{}.Open(raw)
		require.NoError(r, err)
		require.NoError(r, got.Verify(shop.key.Public()))
		require.JSONEq(r, string(e.Document), string(got.Document))
		got.Document, got.Verify = e.Document, nil
		require.Equal(r, e, got)
	})
}

// opaque returns the key in a type that go-jose knows.
func opaque(t *testing.T, key crypto.Signer) any {
	switch key := key.(type) {
	case ed25519.PrivateKey, *ecdsa.PrivateKey:
		return key
	}
	return cryptosigner.Opaque(key)
}

func TestSealRefuses(t *testing.T) {
	shop := newParty(t, keystore.Ed25519)
	method := shop.id.URL(shop.id.Identifier())
	for name, e := range map[string]*vc.Envelope{
		"a member iss":        {Document: []byte(document(shop, `,"iss":"did:example:1"`)), Method: method},
		"a member EXP":        {Document: []byte(document(shop, `,"EXP":1`)), Method: method},
		"a member vc":         {Document: []byte(document(shop, `,"vc":{}`)), Method: method},
		"no JSON":             {Document: []byte(`{`), Method: method},
		"no object":           {Document: []byte(`[1]`), Method: method},
		"an empty object":     {Document: []byte(`{}`), Method: method},
		"no method":           {Document: []byte(document(shop, ""))},
		"VCDM 1.1":            {Document: []byte(`{"@context":["https://www.w3.org/2018/credentials/v1"]}`), Method: method},
		"before 1970":         {Document: []byte(document(shop, "")), Method: method, Created: time.Unix(-1, 0)},
		"nonce is not UTF-8":  {Document: []byte(presentation(shop, "")), Method: method, Presentation: true, Nonce: "\xff"},
		"domain is not UTF-8": {Document: []byte(presentation(shop, "")), Method: method, Presentation: true, Nonce: "n", Audience: []string{"\xff"}},
	} {
		_, err := jose.Format{}.Seal(shop.key, e)
		require.Error(t, err, name)
	}

	// What is sealed is opened again as it was.
	e := &vc.Envelope{
		Document: []byte(presentation(shop, "")), Method: method, Presentation: true, Nonce: `a","admin":true,"x":"`, Audience: []string{"a", "b"},
		Created: noon, NotBefore: noon.Add(-time.Hour), Expires: noon.Add(time.Hour), Status: []byte(`{"status_list":{"idx":1}}`),
	}
	raw, err := jose.Format{}.Seal(shop.key, e)
	require.NoError(t, err)
	got, err := jose.Format{}.Open(raw)
	require.NoError(t, err)
	require.NoError(t, got.Verify(shop.key.Public()))
	got.Verify = nil
	require.JSONEq(t, string(e.Document), string(got.Document))
	got.Document, e.MediaType = e.Document, jose.MediaTypePresentation
	require.Equal(t, e, got)
}

func TestRecognizes(t *testing.T) {
	f := jose.Format{}
	for _, mediaType := range []string{jose.MediaTypeCredential, jose.MediaTypePresentation, jose.MediaTypeJWT} {
		require.True(t, f.Recognizes(mediaType, nil))
	}
	require.True(t, f.Recognizes("", []byte("eyJhbGciOiJFZERTQSJ9.e30.AA")))
	for _, raw := range []string{"", "{}", "eyJ.e30.AA~", "eyJ", "\xd2\x84", ".e30.", "hello"} {
		require.False(t, f.Recognizes("", []byte(raw)), raw)
	}
	require.False(t, f.Recognizes("application/vc+sd-jwt", []byte("eyJhbGciOiJFZERTQSJ9.e30.AA")))
}
