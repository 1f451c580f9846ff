package interop

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
)

// A service is the HTTP service in its profile for conformance suites, on loopback.
type service struct {
	t       *testing.T
	url     string
	issuers map[string]did.DID
}

func serve(t *testing.T) *service {
	t.Helper()
	var handler *vcapi.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	handler, err := vcapi.NewConformance(server.URL)
	require.NoError(t, err)
	s := &service{t: t, url: server.URL}
	require.NoError(t, json.Unmarshal(s.get("/conformance.json"), &s.issuers))
	return s
}

func (s *service) on(t *testing.T) *service { return &service{t, s.url, s.issuers} }

func (s *service) get(path string) []byte {
	s.t.Helper()
	response, err := http.Get(s.url + path)
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, response.StatusCode, "%s", body)
	return body
}

// post wants a status, and returns the answer.
func (s *service) post(path string, request object, status int) []byte {
	s.t.Helper()
	response, err := http.Post(s.url+path, "application/json", bytes.NewReader(marshal(s.t, request)))
	require.NoError(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, status, response.StatusCode, "%s: %s", path, body)
	return body
}

// secured is what an answer holds.
func (s *service) secured(answer []byte, member string) []byte {
	s.t.Helper()
	var m map[string]json.RawMessage
	require.NoError(s.t, json.Unmarshal(answer, &m))
	require.NotEmpty(s.t, m[member], "%s", answer)
	return m[member]
}

// The service's issuers with proofs within, and the keys of whose kind they have.
var profiles = []struct{ name, key, kind, suite string }{
	{"eddsa-rdfc-2022", "ed25519", "Ed25519", "eddsa-rdfc-2022"},
	{"eddsa-jcs-2022", "ed25519", "Ed25519", "eddsa-jcs-2022"},
	{"ecdsa-rdfc-2019-p256", "p256", "P-256", "ecdsa-rdfc-2019"},
	{"ecdsa-rdfc-2019-p384", "p384", "P-384", "ecdsa-rdfc-2019"},
	{"ecdsa-jcs-2019-p256", "p256", "P-256", "ecdsa-jcs-2019"},
	{"ecdsa-jcs-2019-p384", "p384", "P-384", "ecdsa-jcs-2019"},
}

// Over HTTP, as another maker's issuer, holder and verifier would: what the service
// issues and presents they verify, and the service what they do.
func TestServiceOverLoopback(t *testing.T) {
	t.Parallel()
	s, p := serve(t), dataIntegrity(t)
	for _, profile := range profiles {
		theirs := p.signs(profile.kind)
		ours := s.issuers[profile.key]
		for _, c := range credentials {
			t.Run(profile.name+" on "+c.name, func(t *testing.T) {
				s, p := s.on(t), p.on(t)
				text := credential(c.text, ours, theirs)
				if c.name == "VCDM 1.1" { // as suites send it
					text = edited(t, text, `"https://w3id.org/security/data-integrity/v2",`, "")
				}
				issued := s.secured(s.post("/"+profile.name+"/credentials/issue", object{"credential": json.RawMessage(text)}, http.StatusCreated), "verifiableCredential")
				p.verifies("verify", object{"document": json.RawMessage(issued)})
				p.denies("verify", object{"document": json.RawMessage(edited(t, issued, "300", "301"))})

				signed := p.document("issue", object{"document": json.RawMessage(credential(c.text, theirs, ours)), "cryptosuite": profile.suite, "key": theirs})
				options := object{"checks": []string{"proof"}}
				s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(signed), "options": options}, http.StatusOK)
				for how, bad := range spoiled(t, signed) {
					t.Log(how)
					s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(bad), "options": options}, http.StatusBadRequest)
				}
			})
		}
		t.Run(profile.name+", presented", func(t *testing.T) {
			s, p := s.on(t), p.on(t)
			about := func(holder did.DID) json.RawMessage {
				return p.document("issue", object{"document": json.RawMessage(credential(credentials[0].text, theirs, holder)), "cryptosuite": profile.suite, "key": theirs})
			}
			var ask struct{ Challenge, Domain string }
			require.NoError(t, json.Unmarshal(s.post("/challenges", object{}, http.StatusOK), &ask))
			shown := p.document("present", object{
				"credentials": []json.RawMessage{about(theirs)}, "holder": theirs, "challenge": ask.Challenge, "domain": ask.Domain, "cryptosuite": profile.suite, "key": theirs,
			})
			request := object{"verifiablePresentation": json.RawMessage(shown), "options": object{"challenge": ask.Challenge, "domain": ask.Domain}}
			s.post("/presentations/verify", request, http.StatusOK)
			s.post("/presentations/verify", request, http.StatusBadRequest) // a replay
			other := object{"challenge": "another", "domain": ask.Domain}
			s.post("/presentations/verify", object{"verifiablePresentation": json.RawMessage(shown), "options": other}, http.StatusBadRequest)

			proved := s.secured(s.post("/"+profile.name+"/presentations/prove", object{
				"presentation": object{"holder": ours, "verifiableCredential": []json.RawMessage{about(ours)}},
				"options":      object{"challenge": "theirs", "domain": "verifier.example"},
			}, http.StatusCreated), "verifiablePresentation")
			p.verifies("verifyPresentation", object{"document": json.RawMessage(proved), "challenge": "theirs", "domain": "verifier.example"})
			p.denies("verifyPresentation", object{"document": json.RawMessage(proved), "challenge": "another", "domain": "verifier.example"})
		})
	}
}

func TestServiceDisclosesOverLoopback(t *testing.T) {
	t.Parallel()
	s, p := serve(t), dataIntegrity(t)
	theirs, ours := p.signs("P-256"), s.issuers["p256"]
	mandatory, selective := []string{"/issuer", "/credentialSubject/id"}, []string{"/credentialSubject/alumniOf/0", "/validUntil"}
	bases := map[string][]byte{
		"our base": s.secured(s.post("/ecdsa-sd-2023/credentials/issue", object{
			"credential": json.RawMessage(credential(credentials[1].text, ours, theirs)), "options": object{"mandatoryPointers": mandatory},
		}, http.StatusCreated), "verifiableCredential"),
		"their base": p.document("issue", object{
			"document": json.RawMessage(credential(credentials[1].text, theirs, ours)), "cryptosuite": "ecdsa-sd-2023", "key": theirs, "mandatoryPointers": mandatory,
		}),
	}
	for name, base := range bases {
		t.Run(name, func(t *testing.T) {
			s, p := s.on(t), p.on(t)
			answer := s.post("/credentials/derive", object{"verifiableCredential": json.RawMessage(base), "options": object{"selectivePointers": selective}}, http.StatusCreated)
			ours := answer
			if members(t, answer)["verifiableCredential"] != nil {
				ours = s.secured(answer, "verifiableCredential")
			}
			theirs := p.document("derive", object{"document": json.RawMessage(base), "selectivePointers": selective})
			for _, derived := range [][]byte{ours, theirs} {
				p.verifies("verify", object{"document": json.RawMessage(derived)})
				s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(derived)}, http.StatusOK)
				bad := edited(t, derived, "1999", "2000")
				p.denies("verify", object{"document": json.RawMessage(bad)})
				s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(bad)}, http.StatusBadRequest)
			}
			s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(base)}, http.StatusBadRequest)
		})
	}
	s.post("/ecdsa-sd-2023/credentials/issue", object{
		"credential": json.RawMessage(credential(credentials[1].text, ours, theirs)), "options": object{"mandatoryPointers": []string{"/credentialSubject/none"}},
	}, http.StatusBadRequest)
}

// A credential that the service revokes is one that they refuse, once they read the list again.
func TestServiceRevokesOverLoopback(t *testing.T) {
	t.Parallel()
	s, p := serve(t), dataIntegrity(t)
	ours := s.issuers["ed25519"]
	text := edited(t, credential(credentials[0].text, ours, ours), `"type":`, `"id":"urn:uuid:0b7e3c5a-6f0e-4f0e-9d1d-1f2a3b4c5d6e","type":`)
	issued := s.secured(s.post("/bitstring-status-list/credentials/issue", object{"credential": json.RawMessage(text)}, http.StatusCreated), "verifiableCredential")
	var entry struct {
		CredentialStatus struct{ StatusListCredential, StatusPurpose string }
	}
	require.NoError(t, json.Unmarshal(issued, &entry))
	list := entry.CredentialStatus.StatusListCredential
	fetch := func() {
		path, ok := strings.CutPrefix(list, s.url)
		require.True(t, ok, list)
		p.ask("load", object{"documents": object{list: string(s.get(path))}}, new(object))
	}
	fetch()
	p.verifies("verify", object{"document": json.RawMessage(issued)})
	s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(issued)}, http.StatusOK)

	s.post("/bitstring-status-list/credentials/status", object{
		"credentialId":     "urn:uuid:0b7e3c5a-6f0e-4f0e-9d1d-1f2a3b4c5d6e",
		"credentialStatus": object{"type": "BitstringStatusListEntry", "statusPurpose": entry.CredentialStatus.StatusPurpose},
	}, http.StatusOK)
	fetch()
	p.denies("verify", object{"document": json.RawMessage(issued)})
	s.post("/credentials/verify", object{"verifiableCredential": json.RawMessage(issued)}, http.StatusBadRequest)
}

func TestServiceTakesAndGivesJWTsOverLoopback(t *testing.T) {
	t.Parallel()
	s, p := serve(t), start(t, "jwt")
	ours := s.issuers["ed25519"]
	issued := s.secured(s.post("/vc-jwt/credentials/issue", object{"credential": json.RawMessage(credential(credentials[0].text, ours, ours))}, http.StatusCreated), "verifiableCredential")
	token := string(issued)
	if issued[0] == '"' {
		require.NoError(t, json.Unmarshal(issued, &token))
	} else {
		token, _ = strings.CutPrefix(members(t, issued)["id"].(string), "data:application/vc+jwt,")
	}
	p.ask("verify", object{"token": token, "typ": "vc+jwt"}, new(object))
	for _, k := range jwtKinds {
		t.Run(k.String(), func(t *testing.T) {
			s, p := s.on(t), p.on(t)
			theirs := k.signs(p)
			signed := p.token("sign", object{"payload": json.RawMessage(credential(credentials[1].text, theirs, ours)), "header": object{"typ": "vc+jwt"}, "key": theirs})
			enveloped := func(token []byte) object {
				return object{"verifiableCredential": json.RawMessage(vc.Enveloped(jose.MediaTypeCredential, token))}
			}
			s.post("/credentials/verify", enveloped(signed), http.StatusOK)
			for how, bad := range spoiledJWT(t, signed, k.kind) {
				t.Log(how)
				s.post("/credentials/verify", enveloped(bad), http.StatusBadRequest)
			}
		})
	}
}
