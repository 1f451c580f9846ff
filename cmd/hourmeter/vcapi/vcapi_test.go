package vcapi_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"crypto"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

func TestIssueAndVerify(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	signed := s.issued("", h.Instances[0].Issuer)
	for _, body := range []string{
		`{"verifiableCredential":` + signed + `}`,
		`{"verifiableCredential":` + signed + `,"options":null}`,
		`{"verifiableCredential":` + signed + `,"options":{"checks":["proof"],"challenge":null,"expectedProofPurpose":"assertionMethod"}}`,
	} {
		a := s.post("/credentials/verify", body, "Authorization", "")
		require.Equal(t, http.StatusOK, a.status, "%s", a.body)
		got := a.object()
		require.Equal(t, true, got["verified"])
		require.Equal(t, h.Instances[0].Issuer.ID.String(), got["issuer"])
		require.Equal(t, "2.0", got["dataModel"])
		require.Equal(t, "application/vc", got["mediaType"])
		require.NotContains(t, got, "errors")
		require.Contains(t, got["checks"], map[string]any{"check": "proof", "outcome": "pass"})
	}
}

func TestTenantsAreApart(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	shop, depot := h.Instances[0].Issuer, h.Instances[1].Issuer
	body := func(issuer *vc.Issuer) string { return `{"credential":` + credential(issuer.ID) + `}` }

	a := s.post("/depot-7/credentials/issue", body(depot))
	require.Equal(t, http.StatusUnauthorized, a.status, "the token of another tenant")
	require.Equal(t, `Bearer realm="hourmeter"`, a.header.Get("WWW-Authenticate"))
	s.token = strings.ToUpper(secret)
	signed := s.issued("/depot-7", depot)
	a = s.post("/depot-7/credentials/issue", body(shop))
	require.Equal(t, http.StatusBadRequest, a.status, "in the name of another tenant")

	a = s.post("/credentials/verify", `{"verifiableCredential":`+signed+`}`)
	require.Equal(t, http.StatusBadRequest, a.status, "of an issuer whom the service does not accept")
	require.Contains(t, a.object()["checks"], map[string]any{"check": "accept", "outcome": "fail", "code": "NOT_ACCEPTED",
		"detail": "issuer " + depot.ID.String() + " is not on the list"})
}

func TestPresentations(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	signed := s.issued("", h.Instances[0].Issuer)
	prove := func(challenge, domain string) string {
		a := s.post("/presentations/prove", `{"presentation":{"verifiableCredential":[`+signed+`]},"options":{"challenge":"`+challenge+`","domain":"`+domain+`"}}`)
		require.Equal(t, http.StatusCreated, a.status, "%s", a.body)
		return a.member("verifiablePresentation")
	}
	ask := func(domain string) (string, string) {
		a := s.post("/challenges", domain, "Authorization", "")
		require.Equal(t, http.StatusOK, a.status, "%s", a.body)
		return a.object()["challenge"].(string), a.object()["domain"].(string)
	}
	verify := func(presentation, options string) answer {
		return s.post("/presentations/verify", `{"verifiablePresentation":`+presentation+`,"options":`+options+`}`, "Authorization", "")
	}

	challenge, domain := ask(`{"domain":"lease.example"}`)
	require.Equal(t, "lease.example", domain)
	shown := prove(challenge, domain)
	options := `{"challenge":"` + challenge + `","domain":"lease.example"}`
	a := verify(shown, options)
	require.Equal(t, http.StatusOK, a.status, "%s", a.body)
	require.Equal(t, h.Instances[0].Issuer.ID.String(), a.object()["holder"])
	require.Len(t, a.object()["credentials"], 1)

	a = verify(shown, options)
	require.Equal(t, http.StatusBadRequest, a.status, "the same answer again")
	require.Equal(t, "https://w3id.org/security#INVALID_CHALLENGE_ERROR", a.object()["type"])

	challenge, domain = ask(`{}`)
	require.Equal(t, http.StatusOK, verify(prove(challenge, domain), `{"challenge":"`+challenge+`"}`).status, "the domain of the service")

	for name, options := range map[string]string{
		"no challenge":             `{}`,
		"a challenge of nobody":    `{"challenge":"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MA"}`,
		"a challenge of this form": `{"challenge":"no challenge"}`,
	} {
		a := verify(prove("n", "hourmeter"), options)
		require.Equal(t, http.StatusBadRequest, a.status, name)
	}
	challenge, _ = ask("") // as the VC API has it, without a body
	require.NotEmpty(t, challenge)
	challenge, _ = ask(`{"domain":"lease.example"}`)
	a = verify(prove(challenge, "rent.example"), `{"challenge":"`+challenge+`","domain":"rent.example"}`)
	require.Equal(t, http.StatusBadRequest, a.status, "a challenge of another domain")
	a = verify(prove(challenge, "lease.example"), `{"challenge":"`+challenge+`","domain":"lease.example","expectedProofPurpose":"assertionMethod"}`)
	require.Equal(t, http.StatusBadRequest, a.status, "another purpose")
}

func TestRequestsThatAreRefused(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	shop := h.Instances[0].Issuer
	good := `{"credential":` + credential(shop.ID) + `}`
	signed := s.issued("", shop)
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"unknown path", "GET", "/nowhere", "", nil, 404},
		{"unknown path below a known one", "POST", "/credentials/issue/", good, nil, 404},
		{"unknown tenant", "POST", "/depot-8/credentials/issue", good, nil, 404},
		{"path with two names", "POST", "/a/depot-7/credentials/issue", good, nil, 404},
		{"path without a name", "POST", "//credentials/issue", good, nil, 404},
		{"no conformance profile", "GET", "/conformance.json", "", nil, 404},
		{"unknown status list", "GET", "/status-lists/1", "", nil, 404},
		{"issue by GET", "GET", "/credentials/issue", "", nil, 405},
		{"DELETE", "DELETE", "/credentials/status", "", nil, 405},
		{"a preflight of a browser", "OPTIONS", "/credentials/issue", "", []string{"Origin", "https://evil.example"}, 405},
		{"POST to the metrics", "POST", "/metrics", "", nil, 405},
		{"no content type", "POST", "/credentials/verify", `{}`, []string{"Content-Type", ""}, 415},
		{"a form", "POST", "/credentials/verify", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"text", "POST", "/credentials/issue", good, []string{"Content-Type", "text/plain"}, 415},
		{"compressed", "POST", "/credentials/issue", good, []string{"Content-Encoding", "gzip"}, 415},
		{"nothing", "POST", "/credentials/verify", "", nil, 400},
		{"no JSON", "POST", "/credentials/verify", "{", nil, 400},
		{"an array", "POST", "/credentials/verify", "[]", nil, 400},
		{"two values", "POST", "/credentials/verify", "{}{}", nil, 400},
		{"a member twice", "POST", "/credentials/verify", `{"verifiableCredential":{},"verifiableCredential":{}}`, nil, 400},
		{"a lone surrogate", "POST", "/credentials/verify", `{"verifiableCredential":"\ud800"}`, nil, 400},
		{"not UTF-8", "POST", "/credentials/verify", "{\"verifiableCredential\":\"\xff\"}", nil, 400},
		{"too deep", "POST", "/credentials/verify", `{"verifiableCredential":` + strings.Repeat("[", 100), nil, 400},
		{"no credential", "POST", "/credentials/verify", `{"options":{"checks":["proof"]}}`, nil, 400},
		{"a number for a credential", "POST", "/credentials/verify", `{"verifiableCredential":1}`, nil, 400},
		{"text for a credential", "POST", "/credentials/verify", `{"verifiableCredential":"e30.e30.e30"}`, nil, 400},
		{"options that are no object", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":[]}`, nil, 400},
		{"a challenge that is no string", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":{"challenge":1}}`, nil, 400},
		{"checks that are no list", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":{"checks":"proof"}}`, nil, 400},
		{"checks that are no strings", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":{"checks":[1]}}`, nil, 400},
		{"another purpose", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":{"expectedProofPurpose":"authentication"}}`, nil, 400},
		{"a challenge that it does not answer", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":{"challenge":"a"}}`, nil, 400},
		{"a domain that it is not for", "POST", "/credentials/verify", `{"verifiableCredential":` + signed + `,"options":{"domain":"a"}}`, nil, 400},
		{"a credential to sign under another name", "POST", "/credentials/issue", `{"verifiableCredential":` + credential(shop.ID) + `}`, nil, 400},
		{"mandatory pointers where there are none", "POST", "/credentials/issue", `{"credential":` + credential(shop.ID) + `,"options":{"mandatoryPointers":["/issuer"]}}`, nil, 400},
		{"mandatory pointers that are none", "POST", "/credentials/issue", `{"credential":` + credential(shop.ID) + `,"options":{"mandatoryPointers":"/issuer"}}`, nil, 400},
		{"somebody else's credential", "POST", "/credentials/issue", `{"credential":` + credential(did.MustParse("did:example:a")) + `}`, nil, 400},
		{"undefined term", "POST", "/credentials/issue", `{"credential":` + credential(shop.ID, `"colour":"red"`) + `}`, nil, 400},
		{"presentation of a number", "POST", "/presentations/prove", `{"presentation":{"verifiableCredential":[1]},"options":{"challenge":"a","domain":"b"}}`, nil, 400},
		{"presentation that says more", "POST", "/presentations/prove", `{"presentation":{"name":"x"},"options":{"challenge":"a","domain":"b"}}`, nil, 400},
		{"presentation of somebody else", "POST", "/presentations/prove", `{"presentation":{"holder":"did:example:a"},"options":{"challenge":"a","domain":"b"}}`, nil, 400},
		{"presentation without a challenge", "POST", "/presentations/prove", `{"presentation":{},"options":{}}`, nil, 400},
		{"no presentation", "POST", "/presentations/prove", `{"options":{"challenge":"a","domain":"b"}}`, nil, 400},
		{"no presentation to verify", "POST", "/presentations/verify", `{}`, nil, 400},
		{"domain that is no string", "POST", "/challenges", `{"domain":1}`, nil, 400},
		{"empty domain", "POST", "/challenges", `{"domain":""}`, nil, 400},
		{"long domain", "POST", "/challenges", `{"domain":"` + strings.Repeat("a", 256) + `"}`, nil, 400},
		{"derive here", "POST", "/credentials/derive", `{"verifiableCredential":` + signed + `}`, nil, 501},
		{"status here", "POST", "/credentials/status", `{"credentialId":"urn:x","credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation"}}`, nil, 501},
		{"long credential", "POST", "/credentials/verify", `{"verifiableCredential":"` + strings.Repeat("a", vcapi.MaxCredentialRequest) + `"}`, nil, 413},
		{"long presentation", "POST", "/presentations/verify", `{"verifiablePresentation":"` + strings.Repeat("a", vcapi.MaxPresentationRequest) + `"}`, nil, 413},
		{"long challenge", "POST", "/challenges", strings.Repeat(" ", vcapi.MaxSmallRequest+1), nil, 413},
		{"no token", "POST", "/credentials/issue", good, []string{"Authorization", ""}, 401},
		{"another token", "POST", "/credentials/issue", good, []string{"Authorization", "Bearer " + secret + "x"}, 401},
		{"another scheme", "POST", "/credentials/issue", good, []string{"Authorization", "Basic " + secret}, 401},
		{"a token without its scheme", "POST", "/credentials/issue", good, []string{"Authorization", secret}, 401},
		{"no token to present", "POST", "/presentations/prove", "{", []string{"Authorization", ""}, 401},
		{"no token to revoke", "POST", "/credentials/status", "{", []string{"Authorization", ""}, 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := *s
			s.t = t
			header := append([]string{"Content-Type", "application/json", "Authorization", "Bearer " + secret}, tc.header...)
			a := s.do(tc.method, tc.path, tc.body, header...)
			require.Equal(t, tc.status, a.status, "%s", a.body)
			require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
			got := a.object()
			require.EqualValues(t, tc.status, got["status"])
			require.Equal(t, a.header.Get("X-Request-Id"), got["requestId"])
			require.NotEmpty(t, got["detail"])
		})
	}
	require.Equal(t, "GET, HEAD", s.do("PUT", "/healthz", "").header.Get("Allow"))
	require.Equal(t, "POST", s.get("/challenges").header.Get("Allow"))
}

// A key that fails is no mistake of the client's, and a resolver that does not answer no verdict.
func TestWhatPassesIsToldFromWhatDoesNot(t *testing.T) {
	h := newHandler(t)
	h.Verifier = &vc.Verifier{}
	shop := *h.Instances[0].Issuer
	broken := shop
	broken.Key = brokenKey{shop.Key}
	h.Instances = append(h.Instances, vcapi.Instance{Name: "broken", Issuer: &broken, Holder: &vc.Holder{ID: shop.ID, Key: broken.Key}, Tokens: h.Instances[0].Tokens})
	s := serve(t, h)
	a := s.post("/broken/credentials/issue", `{"credential":`+credential(shop.ID)+`}`)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "60", a.header.Get("Retry-After"))
	require.NotContains(t, string(a.body), "token 0x1f is locked", "is for the operator")
	require.Contains(t, s.log.String(), "token 0x1f is locked")
	a = s.post("/broken/presentations/prove", `{"presentation":{},"options":{"challenge":"a","domain":"b"}}`)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	a = s.post("/depot-7/presentations/prove", `{"presentation":{},"options":{"challenge":"a","domain":"b"}}`, "Authorization", "Bearer "+strings.ToUpper(secret))
	require.Equal(t, http.StatusNotImplemented, a.status)

	unknown := &vc.Issuer{ID: did.MustParse("did:web:shop.example"), Key: shop.Key, Method: did.MustParse("did:web:shop.example").URL("k")}
	signed, err := unknown.AddProof([]byte(credential(unknown.ID)))
	require.NoError(t, err)
	a = s.post("/credentials/verify", `{"verifiableCredential":`+string(signed)+`}`)
	require.Equal(t, http.StatusServiceUnavailable, a.status, "%s", a.body)
	require.Equal(t, false, a.object()["verified"])

	// The challenge of a presentation that could not be checked can be answered again.
	challenge := s.post("/challenges", `{}`).object()["challenge"].(string)
	holder := &vc.Holder{ID: unknown.ID, Key: shop.Key, Method: unknown.Method}
	shown, err := holder.Present(vc.Challenge{Nonce: challenge, Domain: "hourmeter"})
	require.NoError(t, err)
	for range 2 {
		a = s.post("/presentations/verify", `{"verifiablePresentation":`+string(shown)+`,"options":{"challenge":"`+challenge+`"}}`)
		require.Equal(t, http.StatusServiceUnavailable, a.status, "%s", a.body)
	}
}

type brokenKey struct{ crypto.Signer }

func (brokenKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("token 0x1f is locked")
}

func TestPlainEndpoints(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	require.Equal(t, `{"status":"ok"}`, string(s.get("/healthz").body))
	require.Empty(t, s.do("HEAD", "/healthz", "").body)
	a := s.get("/1.0/identifiers/" + h.Instances[0].Issuer.ID.String())
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "application/did-resolution", a.header.Get("Content-Type"))
	require.Equal(t, http.StatusBadRequest, s.get("/1.0/identifiers/not-a-did").status)
	require.Equal(t, http.StatusNotImplemented, s.get("/1.0/identifiers/did:web:a.example").status)

	s.issued("", h.Instances[0].Issuer)
	text := string(s.get("/metrics").body)
	require.Contains(t, text, `hourmeter_http_requests_total{endpoint="/credentials/issue",status="201"} 1`)
	require.Contains(t, text, `hourmeter_outcomes_total{endpoint="/credentials/issue",outcome="issued"} 1`)
	require.Contains(t, text, `hourmeter_http_request_duration_seconds_bucket{endpoint="/healthz"`)
	a = s.get("/metrics", "X-Forwarded-For", "192.0.2.1")
	require.Equal(t, http.StatusUnauthorized, a.status, "from another machine, through a proxy")
	require.Equal(t, http.StatusOK, s.get("/metrics", "X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer "+secret).status)

	h.Drain()
	a = s.get("/healthz")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, `{"status":"ending"}`, string(a.body))
}
