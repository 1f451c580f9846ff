package interop

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
)

// JWTs of Ed25519, P-256 and P-384 keys are panva's jose's, those of secp256k1 did-jwt's.
var jwtKinds = []jwtKind{
	{"Ed25519", "EdDSA", "key"}, {"P-256", "ES256", "key"}, {"P-384", "ES384", "key"}, {"secp256k1", "ES256K", "key"},
	{"Ed25519", "EdDSA", "jwk"}, {"P-256", "ES256", "jwk"}, {"P-384", "ES384", "jwk"}, {"secp256k1", "ES256K", "jwk"},
}

type jwtKind struct{ kind, alg, did string }

func (k jwtKind) String() string { return k.alg + " by did:" + k.did }

func (k jwtKind) newKey(t *testing.T) (did.DID, crypto.Signer) {
	t.Helper()
	id, key := newKey(t, k.kind)
	if k.did == "jwk" {
		var err error
		id, err = did.NewJWK(key.Public())
		require.NoError(t, err)
	}
	return id, key
}

func (k jwtKind) signs(p *peer) did.DID {
	p.t.Helper()
	var made struct{ ID did.DID }
	p.ask("generate", object{"kind": k.kind, "method": k.did}, &made)
	return made.ID
}

// methodOf returns the one verification method of a did:key or did:jwk.
func methodOf(id did.DID) did.URL {
	if id.Method() == "jwk" {
		return id.URL("0")
	}
	return id.URL(id.Identifier())
}

func jwtVerifier() *vc.Verifier {
	return &vc.Verifier{Formats: []vc.Format{jose.Format{}}, Contexts: contexts(), V1: true}
}

// part returns one of the parts of a compact JWS, decoded.
func part(t *testing.T, token []byte, i int) []byte {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(string(token), ".")[i])
	require.NoError(t, err)
	return text
}

// withPart returns a JWS, whatever stands behind it, with another part.
func withPart(token []byte, i int, text []byte) []byte {
	parts := strings.Split(string(token), ".")
	parts[i] = base64.RawURLEncoding.EncodeToString(text)
	return []byte(strings.Join(parts, "."))
}

// spoiledJWT returns a token after what an attacker without its key can do.
func spoiledJWT(t *testing.T, token []byte, kind string) map[string][]byte {
	t.Helper()
	other, _ := newKey(t, kind)
	header, signature := members(t, part(t, token, 0)), part(t, token, 2)
	with := func(name string, value any) []byte {
		changed := object{}
		for k, v := range header {
			changed[k] = v
		}
		changed[name] = value
		text, err := json.Marshal(changed)
		require.NoError(t, err)
		return withPart(token, 0, text)
	}
	flipped := slices.Clone(signature)
	flipped[10] ^= 1
	out := map[string][]byte{
		"an altered claim":      withPart(token, 1, edited(t, part(t, token, 1), "300", "301")),
		"an altered signature":  withPart(token, 2, flipped),
		"a shortened signature": withPart(token, 2, signature[:len(signature)-1]),
		"a signature of zeros":  withPart(token, 2, make([]byte, len(signature))),
		"no signature":          withPart(token, 2, nil),
		"algorithm none":        withPart(with("alg", "none"), 2, nil),
		"algorithm HS256":       with("alg", "HS256"),
		"another key":           with("kid", other.String()+"#"+other.Identifier()),
		"a critical extension":  with("crit", []string{"b64"}),
	}
	for _, k := range jwtKinds {
		if k.kind != kind {
			out["algorithm "+k.alg] = with("alg", k.alg)
		}
	}
	return out
}

func TestJWTCredentials(t *testing.T) {
	t.Parallel()
	p := start(t, "jwt")
	for _, k := range jwtKinds {
		ours, key := k.newKey(t)
		theirs := k.signs(p)
		refused := func(t *testing.T, token []byte) {
			for how, bad := range spoiledJWT(t, token, k.kind) {
				t.Run(how, func(t *testing.T) {
					p := p.on(t)
					p.refuses("verify", object{"token": string(bad), "typ": "vc+jwt"})
					_, err := jwtVerifier().Verify(t.Context(), bad, vc.AnyIssuer)
					rejected(t, err)
				})
			}
		}
		t.Run(k.String()+", they verify ours", func(t *testing.T) {
			p := p.on(t)
			text := credential(credentials[1].text, ours, theirs)
			raw, err := (&vc.Issuer{ID: ours, Key: key, Format: jose.Format{}}).AddProof(text)
			require.NoError(t, err)
			var seen struct{ Header, Payload object }
			p.ask("verify", object{"token": string(raw), "typ": "vc+jwt"}, &seen)
			require.Equal(t, k.alg, seen.Header["alg"])
			require.Subset(t, seen.Payload, members(t, text))
			refused(t, raw)
		})
		for _, own := range []struct {
			name           string
			header, claims object
		}{
			{"", object{"typ": "vc+jwt", "cty": "vc"}, nil},
			{" with iss, sub, iat and exp", object{"typ": "vc+jwt"}, object{"iss": theirs, "sub": ours, "iat": time.Now().Unix(), "exp": time.Now().Unix() + 60}},
			{" with the whole media type", object{"typ": "application/vc+jwt"}, nil},
			{" without kid", object{"typ": "vc+jwt", "kid": nil}, object{"iss": theirs}},
			{" by the algorithm's new name", object{"typ": "vc+jwt", "alg": map[string]string{"EdDSA": "Ed25519"}[k.alg]}, nil}, // RFC 9864
		} {
			if own.header["alg"] == "" {
				continue // only that of Ed25519 is in jose
			}
			t.Run(k.String()+", we verify theirs"+own.name, func(t *testing.T) {
				p := p.on(t)
				payload := members(t, credential(credentials[1].text, theirs, ours))
				for name, claim := range own.claims {
					payload[name] = claim
				}
				token := p.token("sign", object{"payload": payload, "header": own.header, "key": theirs})
				v, err := jwtVerifier().Verify(t.Context(), token, vc.IssuedBy(theirs))
				require.NoError(t, err)
				require.Equal(t, ours, v.Subject())
				require.Equal(t, jose.MediaTypeCredential, v.MediaType())
				if _, unnamed := own.header["kid"]; !unnamed { // their verify finds the key by kid
					refused(t, token)
				}
			})
		}
		t.Run(k.String()+", a key that the token brings", func(t *testing.T) {
			p := p.on(t)
			var attacker struct {
				ID  string
				JWK object
			}
			p.ask("generate", object{"kind": k.kind, "method": k.did}, &attacker)
			token := p.token("sign", object{
				"payload": members(t, credential(credentials[0].text, theirs, ours)), "key": attacker.ID,
				"header": object{"typ": "vc+jwt", "kid": methodOf(theirs), "jwk": attacker.JWK},
			})
			p.refuses("verify", object{"token": string(token)})
			_, err := jwtVerifier().Verify(t.Context(), token, vc.AnyIssuer)
			rejected(t, err)
		})
		t.Run(k.String()+", out of time", func(t *testing.T) {
			p := p.on(t)
			for name, claims := range map[string]object{"expired": {"exp": time.Now().Unix() - 600}, "not valid yet": {"nbf": time.Now().Unix() + 600}} {
				payload := members(t, credential(credentials[0].text, theirs, ours))
				for name, claim := range claims {
					payload[name] = claim
				}
				token := p.token("sign", object{"payload": payload, "header": object{"typ": "vc+jwt"}, "key": theirs})
				if k.alg != "ES256K" { // did-jwt's verifyJWS does not look at claims
					p.refuses("verify", object{"token": string(token)})
				}
				_, err := jwtVerifier().Verify(t.Context(), token, vc.AnyIssuer)
				require.Error(t, err, name)
				rejected(t, err)
			}
		})
	}
}

func TestJWTPresentations(t *testing.T) {
	t.Parallel()
	p := start(t, "jwt")
	for _, k := range jwtKinds {
		ours, key := k.newKey(t)
		theirs := k.signs(p)
		about := func(holder did.DID) []json.RawMessage {
			mine, err := (&vc.Issuer{ID: ours, Key: key, Format: jose.Format{}}).AddProof(credential(credentials[0].text, ours, holder))
			require.NoError(t, err)
			yours := p.token("sign", object{"payload": members(t, credential(credentials[1].text, theirs, holder)), "header": object{"typ": "vc+jwt"}, "key": theirs})
			return []json.RawMessage{vc.Enveloped(jose.MediaTypeCredential, mine), vc.Enveloped(jose.MediaTypeCredential, yours)}
		}
		ask := vc.NewChallenge("lease.example")
		both := func(t *testing.T, shown []byte, holder did.DID) {
			p := p.on(t)
			var seen struct {
				Payload struct {
					Nonce                string
					VerifiableCredential []struct{ ID string }
				}
			}
			p.ask("verify", object{"token": string(shown), "typ": "vp+jwt", "audience": ask.Domain}, &seen)
			require.Equal(t, ask.Nonce, seen.Payload.Nonce)
			require.Len(t, seen.Payload.VerifiableCredential, 2)
			for _, c := range seen.Payload.VerifiableCredential {
				token, ok := strings.CutPrefix(c.ID, "data:application/vc+jwt,")
				require.True(t, ok, c.ID)
				p.ask("verify", object{"token": token, "typ": "vc+jwt"}, new(object))
			}
			v, err := jwtVerifier().VerifyPresentation(t.Context(), shown, ask, vc.IssuedBy(ours, theirs))
			require.NoError(t, err)
			require.Equal(t, holder, v.Holder())
			require.Len(t, v.Credentials(), 2)

			_, err = jwtVerifier().VerifyPresentation(t.Context(), shown, vc.NewChallenge(ask.Domain), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrChallenge)
			_, err = jwtVerifier().VerifyPresentation(t.Context(), shown, vc.Challenge{Nonce: ask.Nonce, Domain: "other.example"}, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrDomain)
			if k.alg != "ES256K" {
				p.refuses("verify", object{"token": string(shown), "typ": "vp+jwt", "audience": "other.example"})
			}
			bad := withPart(shown, 1, edited(t, part(t, shown, 1), ask.Nonce, "other"))
			p.refuses("verify", object{"token": string(bad), "typ": "vp+jwt"})
			_, err = jwtVerifier().VerifyPresentation(t.Context(), bad, vc.Challenge{Nonce: "other", Domain: ask.Domain}, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
			_, err = jwtVerifier().Verify(t.Context(), shown, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrMalformed, "a presentation is no credential")
		}
		t.Run(k.String()+", we present", func(t *testing.T) {
			shown, err := (&vc.Holder{ID: ours, Key: key, Format: jose.Format{}}).Present(ask, bytesOf(about(ours))...)
			require.NoError(t, err)
			both(t, shown, ours)
		})
		t.Run(k.String()+", they present", func(t *testing.T) {
			p := p.on(t)
			payload := object{
				"@context": []string{vc.ContextCredentials}, "type": "VerifiablePresentation", "holder": theirs,
				"verifiableCredential": about(theirs), "nonce": ask.Nonce, "aud": ask.Domain, "iss": theirs,
			}
			both(t, p.token("sign", object{"payload": payload, "header": object{"typ": "vp+jwt", "cty": "vp"}, "key": theirs}), theirs)
		})
	}
}

// The JWTs of VCDM 1.1, as did-jwt-vc writes them: we verify, and write none.
func TestJWTCredentialsOfVCDM11(t *testing.T) {
	t.Parallel()
	p := start(t, "jwt")
	for _, k := range jwtKinds {
		if k.alg == "ES384" {
			continue // did-jwt has none
		}
		issuer, holder := k.signs(p), k.signs(p)
		payload := object{
			"sub": holder, "nbf": time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Unix(), "jti": "urn:uuid:6f8b6ba0-2d1a-4b0e-9b0a-3f6f1d0a4c11",
			"vc": object{
				"@context": []string{contextCredentialsV1, vc.ContextHourmeter},
				"type":     []string{"VerifiableCredential", "IncidentCredential"},
				"credentialSubject": object{"incident": object{
					"category": "failure", "severityPermille": 300, "detected": "2026-03-01T06:00:00Z",
				}},
			},
		}
		for _, kid := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, kid %v", k, kid), func(t *testing.T) {
				p := p.on(t)
				token := p.token("credential11", object{"payload": payload, "key": issuer, "kid": kid})
				v, err := jwtVerifier().Verify(t.Context(), token, vc.IssuedBy(issuer))
				require.NoError(t, err)
				require.Equal(t, vc.VCDM1, v.DataModel())
				require.Equal(t, holder, v.Subject())
				require.Equal(t, "2026-03-02T00:00:00Z", v.ValidFrom().Format(time.RFC3339))
				_, err = (&vc.Verifier{Formats: []vc.Format{jose.Format{}}, Contexts: contexts()}).Verify(t.Context(), token, vc.AnyIssuer)
				require.Error(t, err, "VCDM 1.1 has to be asked for")
				for how, bad := range spoiledJWT(t, token, k.kind) {
					_, err := jwtVerifier().Verify(t.Context(), bad, vc.AnyIssuer)
					require.Error(t, err, how)
					rejected(t, err)
				}
			})
		}
		t.Run(k.String()+" in a presentation", func(t *testing.T) {
			p := p.on(t)
			ask := vc.NewChallenge("lease.example")
			token := p.token("credential11", object{"payload": payload, "key": issuer})
			vp := object{"vp": object{
				"@context": []string{contextCredentialsV1}, "type": []string{"VerifiablePresentation"}, "verifiableCredential": []string{string(token)},
			}}
			shown := p.token("presentation11", object{"payload": vp, "challenge": ask.Nonce, "domain": ask.Domain, "key": holder})
			v, err := jwtVerifier().VerifyPresentation(t.Context(), shown, ask, vc.IssuedBy(issuer))
			require.NoError(t, err)
			require.Equal(t, holder, v.Holder())
			require.Len(t, v.Credentials(), 1)
			_, err = jwtVerifier().VerifyPresentation(t.Context(), shown, vc.NewChallenge(ask.Domain), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrChallenge)
			bad := withPart(shown, 1, edited(t, part(t, shown, 1), ask.Nonce, "other"))
			_, err = jwtVerifier().VerifyPresentation(t.Context(), bad, vc.Challenge{Nonce: "other", Domain: ask.Domain}, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		})
	}
}
