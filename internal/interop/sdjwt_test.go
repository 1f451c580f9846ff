package interop

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

// What is issued, under a member of the top; what of it may be left out, nested
// and in an array; and what is shown of that.
const (
	disclosable = `{"id":"HOLDER","name":"Größe \u2028 \ud83d\ude81","alumniOf":{"name":"300","year":1999},"courses":["a","b","c",{"d":[1]}]}`
	shown       = `{"id":"HOLDER","alumniOf":{"name":"300"},"courses":["a","b"]}`
)

// The same, as each side is told.
var (
	disclosablePointers = []string{"/name", "/alumniOf", "/alumniOf/year", "/courses/0", "/courses/2", "/courses/3", "/courses/3/d"}
	shownPointers       = []string{"/alumniOf", "/courses/0"}
	disclosableFrame    = object{
		"_sd": []string{"name", "alumniOf"}, "_sd_decoy": 3, "alumniOf": object{"_sd": []string{"year"}},
		"courses": object{"_sd": []int{0, 2, 3}, "_sd_decoy": 2, "3": object{"_sd": []string{"d"}}},
	}
)

func below(member string, pointers []string) (out []string) {
	for _, p := range pointers {
		out = append(out, "/"+member+p)
	}
	return out
}

// A kind of SD-JWT: that of W3C credentials and the IETF's.
type sdKind struct {
	typ, member string
	issue       func(issuer did.DID, key crypto.Signer, claims string, c sdjwt.Confirmation, hash sdjwt.Hash) ([]byte, error)
	payload     func(issuer did.DID, claims string) string
	verify      func(t *testing.T, raw []byte, ask vc.Challenge, issuer did.DID) (claims json.RawMessage, err error)
}

const alumni = `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],
	"type":["VerifiableCredential","ExampleAlumniCredential"],"issuer":"ISSUER","validFrom":"2026-03-02T00:00:00Z","credentialSubject":CLAIMS}`

var sdKinds = []sdKind{{
	typ: "vc+sd-jwt", member: "credentialSubject",
	payload: func(issuer did.DID, claims string) string {
		return strings.NewReplacer("ISSUER", issuer.String(), "CLAIMS", claims).Replace(alumni)
	},
	issue: func(issuer did.DID, key crypto.Signer, claims string, c sdjwt.Confirmation, hash sdjwt.Hash) ([]byte, error) {
		f := sdjwt.Format{Disclosable: below("credentialSubject", disclosablePointers), Decoys: 3, Hash: hash, Confirm: c}
		return (&vc.Issuer{ID: issuer, Key: key, Format: f}).AddProof([]byte(strings.NewReplacer("ISSUER", issuer.String(), "CLAIMS", claims).Replace(alumni)))
	},
	verify: func(t *testing.T, raw []byte, ask vc.Challenge, issuer did.DID) (claims json.RawMessage, err error) {
		v := &vc.Verifier{Formats: []vc.Format{sdjwt.Format{}}}
		seen, err := v.VerifyPresentation(t.Context(), raw, ask, vc.IssuedBy(issuer))
		if err != nil {
			return nil, err
		}
		require.Len(t, seen.Credentials(), 1)
		require.True(t, seen.Credentials()[0].Selective())
		require.Equal(t, seen.Credentials()[0].Subject(), seen.Holder())
		_, err = seen.Credentials()[0].Member("credentialSubject", &claims)
		return claims, err
	},
}, {
	typ: "dc+sd-jwt", member: "claims",
	payload: func(issuer did.DID, claims string) string {
		return fmt.Sprintf(`{"vct":"https://types.example/alumni","iss":%q,"iat":%d,"claims":%s}`, issuer, time.Now().Unix(), claims)
	},
	issue: func(issuer did.DID, key crypto.Signer, claims string, c sdjwt.Confirmation, hash sdjwt.Hash) ([]byte, error) {
		return (&sdjwt.Issuer{ID: issuer, Key: key}).IssueVC(&sdjwt.Credential{
			Type: "https://types.example/alumni", Claims: []byte(`{"claims":` + claims + `}`), Confirm: c,
			Options: sdjwt.Options{Disclosable: below("claims", disclosablePointers), Decoys: 3, Hash: hash},
		})
	},
	verify: func(t *testing.T, raw []byte, ask vc.Challenge, issuer did.DID) (claims json.RawMessage, err error) {
		seen, err := new(sdjwt.Verifier).VerifyVC(t.Context(), raw, sdjwt.Answering(ask), sdjwt.IssuedBy("https://types.example/alumni", issuer))
		if err != nil {
			return nil, err
		}
		require.True(t, seen.Selective())
		_, err = seen.Claim("claims", &claims)
		return claims, err
	},
}}

func TestSDJWT(t *testing.T) {
	t.Parallel()
	p := start(t, "sdjwt")
	for _, s := range sdKinds {
		for i, kind := range []string{"Ed25519", "P-256", "P-384"} {
			hash := []sdjwt.Hash{sdjwt.SHA256, sdjwt.SHA384, sdjwt.SHA512}[i]
			ourIssuer, ourIssuerKey := newKey(t, kind)
			ourHolder, ourHolderKey := newKey(t, kind)
			theirIssuer, theirHolder := p.signs(kind), p.signs(kind)
			holderKey := func(id did.DID) crypto.PublicKey {
				key, err := did.Key(t.Context(), nil, id.URL(id.Identifier()), did.Authentication, did.Version{})
				require.NoError(t, err)
				return key
			}
			for _, theyIssue := range []bool{false, true} {
				for _, theyPresent := range []bool{false, true} {
					names := map[bool]string{false: "we", true: "they"}
					t.Run(fmt.Sprintf("%s by %s, %s issue and %s present", s.typ, kind, names[theyIssue], names[theyPresent]), func(t *testing.T) {
						p := p.on(t)
						issuer, holder := ourIssuer, ourHolder
						if theyPresent {
							holder = theirHolder
						}
						claims := strings.Replace(disclosable, "HOLDER", holder.String(), 1)

						var raw []byte
						var err error
						if theyIssue {
							issuer = theirIssuer
							payload := members(t, []byte(s.payload(issuer, claims)))
							jwk, err := did.MarshalJWK(holderKey(holder))
							require.NoError(t, err)
							payload["cnf"] = object{"jwk": json.RawMessage(jwk)}
							raw = p.token("issue", object{"typ": s.typ, "payload": payload, "frame": object{s.member: disclosableFrame}, "key": issuer, "hashAlg": hash})
						} else {
							raw, err = s.issue(issuer, ourIssuerKey, claims, sdjwt.Confirmation{Key: holderKey(holder)}, hash)
							require.NoError(t, err)
						}

						// All of it.
						token, err := sdjwt.Parse(raw)
						require.NoError(t, err)
						require.Len(t, token.Disclosures(), len(disclosablePointers))
						var seen struct {
							Payload map[string]json.RawMessage
						}
						p.ask("verify", object{"typ": s.typ, "token": string(raw)}, &seen)
						require.JSONEq(t, claims, string(seen.Payload[s.member]))
						var full map[string]json.RawMessage
						require.NoError(t, json.Unmarshal(token.Payload(), &full))
						require.JSONEq(t, claims, string(full[s.member]))

						// Part of it, with an answer to a challenge.
						ask := vc.NewChallenge("lease.example")
						var bound []byte
						if theyPresent {
							bound = p.token("present", object{
								"typ": s.typ, "token": string(raw), "show": []any{s.member + ".alumniOf", []string{s.member + ".courses", "a"}}, "key": holder,
								"nonce": ask.Nonce, "audience": ask.Domain, "iat": time.Now().Unix(),
							})
						} else {
							part, err := token.Present(below(s.member, shownPointers)...)
							require.NoError(t, err)
							part, err = part.Bind(ourHolderKey, ask, time.Time{})
							require.NoError(t, err)
							bound = []byte(part.String())
						}
						want := strings.Replace(shown, "HOLDER", holder.String(), 1)
						p.ask("verify", object{"typ": s.typ, "token": string(bound), "nonce": ask.Nonce}, &seen)
						require.JSONEq(t, want, string(seen.Payload[s.member]))
						got, err := s.verify(t, bound, ask, issuer)
						require.NoError(t, err)
						require.JSONEq(t, want, string(got))

						// The same token in JSON (RFC 9901 §8), each side's read by the other.
						var inJSON struct{ Flattened, General json.RawMessage }
						p.ask("toJSON", object{"token": string(bound)}, &inJSON)
						for _, text := range [][]byte{inJSON.Flattened, inJSON.General} {
							read, err := sdjwt.Parse(text)
							require.NoError(t, err)
							require.Equal(t, string(bound), read.String())
						}
						read, err := sdjwt.Parse(bound)
						require.NoError(t, err)
						require.Equal(t, string(bound), string(p.token("fromJSON", object{"flattened": json.RawMessage(read.JSON())})))

						refuseSD(t, p, s, raw, bound, ask, issuer)
					})
				}
			}
		}
	}
}

// refuseSD holds both sides to what a bound presentation of raw must not survive.
func refuseSD(t *testing.T, p *peer, s sdKind, raw, bound []byte, ask vc.Challenge, issuer did.DID) {
	parts, all := strings.Split(string(bound), "~"), strings.Split(string(raw), "~")
	last := len(parts) - 1
	disclosures := parts[1:last]
	join := func(disclosures []string, binding string) []byte {
		return []byte(strings.Join(append(append([]string{parts[0]}, disclosures...), binding), "~"))
	}
	var hidden string
	for _, d := range all[1 : len(all)-1] {
		if !bytes.Contains(bound, []byte(d)) {
			hidden = d
		}
	}
	require.NotEmpty(t, hidden)
	text, err := base64.RawURLEncoding.DecodeString(disclosures[0])
	require.NoError(t, err)
	altered := base64.RawURLEncoding.EncodeToString(append(text[:len(text)-1], " ]"...))
	invented := base64.RawURLEncoding.EncodeToString([]byte(`["c2FsdHNhbHRzYWx0c2FsdA","admin",true]`))
	forged, err := (func() ([]byte, error) {
		token, err := sdjwt.Parse(join(disclosures, ""))
		if err != nil {
			return nil, err
		}
		_, thief := newKey(t, "P-256")
		token, err = token.Bind(thief, ask, time.Time{})
		if err != nil {
			return nil, nil // it is not the key of cnf, and Bind says so
		}
		return []byte(token.String()), nil
	})()
	require.NoError(t, err)
	for _, bad := range []struct {
		name  string
		token []byte
		ask   vc.Challenge
	}{
		{"another nonce", bound, vc.NewChallenge(ask.Domain)},
		{"an altered disclosure", join(append([]string{altered}, disclosures[1:]...), parts[last]), ask},
		{"a disclosure that nobody signed", join(append([]string{invented}, disclosures...), parts[last]), ask},
		{"a disclosure more than the holder signed", join(append([]string{hidden}, disclosures...), parts[last]), ask},
		{"a disclosure less than the holder signed", join(disclosures[:0], parts[last]), ask},
		{"a disclosure twice", join(append([]string{disclosures[0]}, disclosures...), parts[last]), ask},
		{"an altered claim", []byte(string(withPart([]byte(parts[0]), 1, edited(t, part(t, []byte(parts[0]), 1), issuer.String(), issuer.String()+"x"))) + strings.TrimPrefix(string(bound), parts[0])), ask},
		{"an altered answer", join(disclosures, string(withPart([]byte(parts[last]), 1, edited(t, part(t, []byte(parts[last]), 1), ask.Nonce, "other")))), vc.Challenge{Nonce: "other", Domain: ask.Domain}},
		{"the answer stripped", join(disclosures, ""), ask},
		{"another holder's answer", forged, ask},
	} {
		if bad.token == nil {
			continue
		}
		t.Run(bad.name, func(t *testing.T) {
			p := p.on(t)
			p.refuses("verify", object{"typ": s.typ, "token": string(bad.token), "nonce": bad.ask.Nonce})
			_, err := s.verify(t, bad.token, bad.ask, issuer)
			require.Error(t, err)
		})
	}
	_, err = s.verify(t, bound, vc.Challenge{Nonce: ask.Nonce, Domain: "other.example"}, issuer)
	require.ErrorIs(t, err, vc.ErrDomain) // sd-jwt-js leaves aud to its caller
}

// A presentation as vp+sd-jwt, with a credential of each side in it.
func TestSDJWTPresentations(t *testing.T) {
	t.Parallel()
	p := start(t, "sdjwt")
	for _, kind := range []string{"Ed25519", "P-256", "P-384"} {
		ours, key := newKey(t, kind)
		theirs := p.signs(kind)
		about := func(holder did.DID) []json.RawMessage {
			claims := strings.Replace(disclosable, "HOLDER", holder.String(), 1)
			mine, err := sdKinds[0].issue(ours, key, claims, sdjwt.Confirmation{}, "")
			require.NoError(t, err)
			yours := p.token("issue", object{"typ": "vc+sd-jwt", "payload": members(t, []byte(sdKinds[0].payload(theirs, claims))), "frame": object{"credentialSubject": disclosableFrame}, "key": theirs})
			return []json.RawMessage{vc.Enveloped(sdjwt.MediaTypeCredential, mine), vc.Enveloped(sdjwt.MediaTypeCredential, yours)}
		}
		ask := vc.NewChallenge("lease.example")
		both := func(t *testing.T, shown []byte, holder did.DID) {
			p := p.on(t)
			var seen struct {
				Header  object
				Payload struct{ Nonce string }
			}
			p.ask("verify", object{"typ": "vp+sd-jwt", "token": string(shown)}, &seen)
			require.Equal(t, "vp+sd-jwt", seen.Header["typ"])
			require.Equal(t, ask.Nonce, seen.Payload.Nonce)
			verifier := &vc.Verifier{Formats: []vc.Format{sdjwt.Format{}}}
			v, err := verifier.VerifyPresentation(t.Context(), shown, ask, vc.IssuedBy(ours, theirs))
			require.NoError(t, err)
			require.Equal(t, holder, v.Holder())
			require.Len(t, v.Credentials(), 2)
			_, err = verifier.VerifyPresentation(t.Context(), shown, vc.NewChallenge(ask.Domain), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrChallenge)
			jwt, rest, _ := strings.Cut(string(shown), "~")
			bad := append(withPart([]byte(jwt), 1, edited(t, part(t, []byte(jwt), 1), ask.Nonce, "other")), "~"+rest...)
			p.refuses("verify", object{"typ": "vp+sd-jwt", "token": string(bad)})
			_, err = verifier.VerifyPresentation(t.Context(), bad, vc.Challenge{Nonce: "other", Domain: ask.Domain}, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		}
		t.Run(kind+", we present", func(t *testing.T) {
			shown, err := (&vc.Holder{ID: ours, Key: key, Format: sdjwt.Format{}}).Present(ask, bytesOf(about(ours))...)
			require.NoError(t, err)
			both(t, shown, ours)
		})
		t.Run(kind+", they present", func(t *testing.T) {
			p := p.on(t)
			both(t, p.token("issue", object{"typ": "vp+sd-jwt", "key": theirs, "payload": object{
				"@context": []string{vc.ContextCredentials}, "type": "VerifiablePresentation", "holder": theirs,
				"verifiableCredential": about(theirs), "nonce": ask.Nonce, "aud": ask.Domain,
			}}), theirs)
		})
	}
}
