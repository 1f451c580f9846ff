package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
)

var coseKinds = []string{"Ed25519", "P-256", "P-384"} // @auth0/cose has no ES256K

func coseVerifier() *vc.Verifier {
	return &vc.Verifier{Formats: []vc.Format{cose.Format{}, cose.CWT{}}}
}

// message asks for an operation that returns a COSE_Sign1.
func (p *peer) message(op string, request object) []byte {
	p.t.Helper()
	var made struct{ Message []byte }
	p.ask(op, request, &made)
	return made.Message
}

type coseSeen struct {
	Kid, Typ, ContentType string
	Claims                struct {
		Iss, Nonce string
		Aud        any
		Iat        int64
	}
	Payload []byte
}

// spoiledCOSE returns a message whose payload, signature or algorithm is another.
func spoiledCOSE(t *testing.T, message []byte) map[string][]byte {
	t.Helper()
	flip := func(i int) []byte {
		out := bytes.Clone(message)
		out[i] ^= 1
		return out
	}
	algorithm := bytes.IndexByte(message, 0x01) // the first label of the protected header, in front of its value
	return map[string][]byte{
		"an altered claim":      bytes.Replace(message, []byte("300"), []byte("301"), 1),
		"an altered signature":  flip(len(message) - 20),
		"an altered algorithm":  flip(algorithm + 1),
		"a shortened signature": message[:len(message)-1],
		"a bare payload":        message[bytes.IndexByte(message, '{'):],
	}
}

func TestCOSECredentials(t *testing.T) {
	t.Parallel()
	p := start(t, "cose")
	for _, kind := range coseKinds {
		ours, key := newKey(t, kind)
		theirs := p.signs(kind)
		refused := func(t *testing.T, message []byte) {
			for how, bad := range spoiledCOSE(t, message) {
				require.NotEqual(t, message, bad, how)
				t.Run(how, func(t *testing.T) {
					p := p.on(t)
					p.refuses("verify", object{"message": bad})
					_, err := coseVerifier().Verify(t.Context(), bad, vc.AnyIssuer)
					rejected(t, err)
				})
			}
		}
		t.Run(kind+", they verify ours", func(t *testing.T) {
			p := p.on(t)
			text := credential(credentials[1].text, ours, theirs)
			raw, err := (&vc.Issuer{ID: ours, Key: key, Format: cose.Format{}}).AddProof(text)
			require.NoError(t, err)
			var seen coseSeen
			p.ask("verify", object{"message": raw}, &seen)
			require.Equal(t, "application/vc+cose", seen.Typ)
			require.Equal(t, "application/vc", seen.ContentType)
			require.Equal(t, ours.URL(ours.Identifier()).String(), seen.Kid)
			require.InDelta(t, time.Now().Unix(), seen.Claims.Iat, 60)
			require.JSONEq(t, string(text), string(seen.Payload))
			refused(t, raw)
		})
		t.Run(kind+", they verify our CWT", func(t *testing.T) {
			p := p.on(t)
			raw, err := (&vc.Issuer{ID: ours, Key: key, Format: cose.CWT{}}).AddProof(credential(credentials[0].text, ours, theirs))
			require.NoError(t, err)
			_, err = coseVerifier().Verify(t.Context(), raw, vc.IssuedBy(ours))
			require.NoError(t, err)
			message := bytes.TrimPrefix(raw, []byte{0xd8, 61}) // the tag of CWTs, which is not COSE's
			p.ask("verify", object{"message": message, "signer": ours}, new(coseSeen))
			message[len(message)-20] ^= 1
			p.refuses("verify", object{"message": message, "signer": ours})
		})
		for name, request := range map[string]object{
			"":                       {"header": object{"typ": "application/vc+cose", "contentType": "application/vc"}},
			" without content type":  {"header": object{"typ": "application/vc+cose"}, "claims": object{"iss": theirs, "iat": time.Now().Unix()}},
			" without typ":           {"header": object{"contentType": "application/vc"}},
			" with unprotected kid":  {"header": object{"typ": "application/vc+cose"}, "unprotectedKid": true},
			" with a kid's fragment": {"header": object{"typ": "application/vc+cose", "kid": "#" + theirs.Identifier()}},
		} {
			t.Run(kind+", we verify theirs"+name, func(t *testing.T) {
				p := p.on(t)
				request["payload"], request["key"] = json.RawMessage(credential(credentials[1].text, theirs, ours)), theirs
				raw := p.message("sign", request)
				v, err := coseVerifier().Verify(t.Context(), raw, vc.IssuedBy(theirs))
				require.NoError(t, err)
				require.Equal(t, ours, v.Subject())
				require.Equal(t, cose.MediaTypeCredential, v.MediaType())
				if name == "" {
					refused(t, raw)
				}
			})
		}
		t.Run(kind+", another's kid", func(t *testing.T) {
			p := p.on(t)
			victim := theirs.URL(theirs.Identifier()).String()
			raw := p.message("sign", object{
				"payload": json.RawMessage(credential(credentials[0].text, theirs, ours)), "key": p.signs(kind),
				"header": object{"typ": "application/vc+cose", "kid": victim},
			})
			p.refuses("verify", object{"message": raw})
			_, err := coseVerifier().Verify(t.Context(), raw, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		})
	}
}

func TestCOSEPresentations(t *testing.T) {
	t.Parallel()
	p := start(t, "cose")
	for _, kind := range coseKinds {
		ours, key := newKey(t, kind)
		theirs := p.signs(kind)
		about := func(holder did.DID) []json.RawMessage {
			mine, err := (&vc.Issuer{ID: ours, Key: key, Format: cose.Format{}}).AddProof(credential(credentials[0].text, ours, holder))
			require.NoError(t, err)
			yours := p.message("sign", object{"payload": json.RawMessage(credential(credentials[1].text, theirs, holder)), "header": object{"typ": "application/vc+cose"}, "key": theirs})
			return []json.RawMessage{vc.Enveloped(cose.MediaTypeCredential, mine), vc.Enveloped(cose.MediaTypeCredential, yours)}
		}
		ask := vc.NewChallenge("lease.example")
		both := func(t *testing.T, shown []byte, holder did.DID) {
			p := p.on(t)
			var seen coseSeen
			p.ask("verify", object{"message": shown}, &seen)
			require.Equal(t, "application/vp+cose", seen.Typ)
			require.Equal(t, ask.Nonce, seen.Claims.Nonce)
			require.Contains(t, []any{ask.Domain, []any{ask.Domain}}, seen.Claims.Aud)
			var presentation struct {
				VerifiableCredential []struct{ ID string }
			}
			require.NoError(t, json.Unmarshal(seen.Payload, &presentation))
			require.Len(t, presentation.VerifiableCredential, 2)
			for _, c := range presentation.VerifiableCredential {
				text, ok := strings.CutPrefix(c.ID, "data:application/vc+cose;base64,")
				require.True(t, ok, c.ID)
				message, err := base64.StdEncoding.DecodeString(text)
				require.NoError(t, err)
				p.ask("verify", object{"message": message}, new(coseSeen))
			}
			v, err := coseVerifier().VerifyPresentation(t.Context(), shown, ask, vc.IssuedBy(ours, theirs))
			require.NoError(t, err)
			require.Equal(t, holder, v.Holder())
			require.Len(t, v.Credentials(), 2)

			_, err = coseVerifier().VerifyPresentation(t.Context(), shown, vc.NewChallenge(ask.Domain), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrChallenge)
			_, err = coseVerifier().VerifyPresentation(t.Context(), shown, vc.Challenge{Nonce: ask.Nonce, Domain: "other.example"}, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrDomain)
			other := vc.NewChallenge(ask.Domain)
			bad := bytes.Replace(shown, []byte(ask.Nonce), []byte(other.Nonce), 1)
			p.refuses("verify", object{"message": bad})
			_, err = coseVerifier().VerifyPresentation(t.Context(), bad, other, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		}
		t.Run(kind+", we present", func(t *testing.T) {
			shown, err := (&vc.Holder{ID: ours, Key: key, Format: cose.Format{}}).Present(ask, bytesOf(about(ours))...)
			require.NoError(t, err)
			both(t, shown, ours)
		})
		t.Run(kind+", they present", func(t *testing.T) {
			p := p.on(t)
			both(t, p.message("sign", object{
				"payload": object{
					"@context": []string{vc.ContextCredentials}, "type": "VerifiablePresentation", "holder": theirs,
					"verifiableCredential": about(theirs),
				},
				"header": object{"typ": "application/vp+cose", "contentType": "application/vp"},
				"claims": object{"nonce": ask.Nonce, "aud": ask.Domain, "iat": time.Now().Unix()}, "key": theirs,
			}), theirs)
		})
	}
}
