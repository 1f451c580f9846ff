package jose_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
)

// What stands in for a credential of a presentation is a credential, signed by its issuer, whatever wraps it.
func TestShownCredentialsThatAreNone(t *testing.T) {
	shop, machine := newParty(t, keystore.Ed25519), newParty(t, keystore.Ed25519)
	ch := vc.Challenge{Nonce: "n-0S6_WzA2Mj", Domain: "lease.example"}
	about := func(p party, subject party) string {
		return strings.Replace(document(p, ""), "did:example:drone", subject.id.String(), 1)
	}
	token := shop.token(t, header("vc+jwt", shop.kid()), about(shop, machine))
	vp := machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, answer(ch)))
	wrap := func(mediaType, raw string) string { return string(vc.Enveloped(mediaType, []byte(raw))) }
	show := func(credential string) string {
		return machine.token(t, header("vp+jwt", machine.kid()), presentation(machine, `,"verifiableCredential":[`+credential+`]`+answer(ch)))
	}
	v := verifier()
	p, err := v.VerifyPresentation(t.Context(), []byte(show(wrap(jose.MediaTypeCredential, token))), ch, vc.AnyIssuer)
	require.NoError(t, err)
	require.Len(t, p.Credentials(), 1)

	embedded, err := (&vc.Issuer{ID: shop.id, Key: shop.key, Now: at(noon)}).AddProof([]byte(about(shop, machine)))
	require.NoError(t, err)
	stranger := newParty(t, keystore.Ed25519)
	for _, c := range []struct{ name, want, shown string }{
		{"a presentation", "it is a presentation", wrap(jose.MediaTypePresentation, vp)},
		{"a presentation that is said to be a credential", "it is a presentation", wrap(jose.MediaTypeCredential, vp)},
		{"a presentation, as such", "issuer: want a URL", `{"@context":"https://www.w3.org/ns/credentials/v2","id":"data:application/vp+jwt,` + vp + `","type":"EnvelopedVerifiablePresentation"}`},
		{"an envelope in an envelope", "issuer: want a URL", wrap(jose.MediaTypeCredential, shop.token(t, header("vc+jwt", shop.kid()), wrap(jose.MediaTypeCredential, token)))},
		{"an envelope with members beside it", "outside the envelope", strings.Replace(wrap(jose.MediaTypeCredential, token), `"type"`, `"validUntil":"2030-01-01T00:00:00Z","type"`, 1)},
		{"an envelope with a second type", "issuer: want a URL", strings.Replace(wrap(jose.MediaTypeCredential, token), `"EnvelopedVerifiableCredential"`, `["EnvelopedVerifiableCredential","VerifiableCredential"]`, 1)},
		{"a text, in a presentation of VCDM 2.0", "not of a string", `"` + token + `"`},
		{"of a media type that nobody reads", "none of the Verifier's Formats", wrap("text/plain", token)},
		{"signed by the holder in the issuer's name", "not signed by its issuer", wrap(jose.MediaTypeCredential, machine.token(t, header("vc+jwt", machine.kid()), about(shop, machine)))},
		{"about somebody else", "not about its holder", wrap(jose.MediaTypeCredential, shop.token(t, header("vc+jwt", shop.kid()), about(shop, stranger)))},
		{"an access token", "typ is", wrap(jose.MediaTypeJWT, shop.token(t, header("at+jwt", shop.kid()), about(shop, machine)))},
		{"an altered credential with its proof, in a stranger's envelope", "proof does not hold", wrap(jose.MediaTypeCredential, stranger.token(t, header("vc+jwt", stranger.kid()), strings.Replace(string(embedded), "urn:example:1", "urn:example:2", 1)))},
		{"of VCDM 1.1", "has to be asked for", wrap(jose.MediaTypeJWT, shop.token(t, `{"alg":"EdDSA","typ":"JWT"}`, `{"iss":"`+shop.id.String()+`","nbf":1767225600,"vc":{`+contextV1+`,"type":["VerifiableCredential"],"credentialSubject":{"id":"`+machine.id.String()+`"}}}`))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := v.VerifyPresentation(t.Context(), []byte(show(c.shown)), ch, vc.AnyIssuer)
			var rejected *vc.RejectError
			require.ErrorAs(t, err, &rejected)
			require.ErrorContains(t, err, c.want)
		})
	}
}
