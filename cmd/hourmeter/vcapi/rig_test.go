package vcapi_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

func TestMain(m *testing.M) {
	for _, mediaType := range []string{"application/did", "application/did+json", "application/did+ld+json", "application/did-resolution",
		"application/did-resolution-result", "application/did-url-dereferencing", "application/ld+json", "application/vc"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.JSONBodyDecoder)
	}
	openapi3filter.RegisterBodyDecoder("application/vc+jwt", openapi3filter.PlainBodyDecoder)
	os.Exit(m.Run())
}

const secret = "correct-horse-battery-staple-7"

// A server is a Handler over TLS on this machine. Everything that goes over its line is held against
// the OpenAPI document that it serves.
type server struct {
	*httptest.Server
	t       testing.TB
	handler *vcapi.Handler
	router  routers.Router
	log     *syncBuffer
	token   string
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func issuerOf(t testing.TB, seed byte) *vc.Issuer {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key}
}

func tokenOf(t testing.TB, secret string) vcapi.Token {
	token, err := vcapi.NewToken(secret)
	require.NoError(t, err)
	return token
}

// newHandler is a service with two tenants.
func newHandler(t testing.TB) *vcapi.Handler {
	shop, depot := issuerOf(t, 1), issuerOf(t, 2)
	return &vcapi.Handler{
		Instances: []vcapi.Instance{
			{Issuer: shop, Holder: &vc.Holder{ID: shop.ID, Key: shop.Key}, Tokens: []vcapi.Token{tokenOf(t, secret)}},
			{Name: "depot-7", Issuer: depot, Tokens: []vcapi.Token{tokenOf(t, strings.ToUpper(secret))}},
		},
		Accept:    vc.IssuedBy(shop.ID),
		Rate:      100_000,
		TotalRate: 100_000,
	}
}

func serve(t testing.TB, h *vcapi.Handler) *server {
	s := &server{t: t, handler: h, log: new(syncBuffer), token: secret}
	h.Log = slog.New(slog.NewJSONHandler(s.log, nil))
	s.Server = httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	doc, err := openapi3.NewLoader().LoadFromData(s.get("/openapi.json").body)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(context.Background()))
	s.router, err = legacy.NewRouter(doc)
	require.NoError(t, err)
	return s
}

// An answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// object is the body.
func (a answer) object() map[string]any {
	var v map[string]any
	require.NoError(a.t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

// member is a member of the body, as JSON.
func (a answer) member(name string) string {
	text, err := json.Marshal(a.object()[name], json.Deterministic(true))
	require.NoError(a.t, err)
	return string(text)
}

func (s *server) get(path string, header ...string) answer { return s.do("GET", path, "", header...) }

func (s *server) post(path, body string, header ...string) answer {
	return s.do("POST", path, body, append([]string{"Content-Type", "application/json", "Authorization", "Bearer " + s.token}, header...)...)
}

// do sends a request, and holds it and its answer against the OpenAPI document: the answer has to be
// one that it foresees, and a request that it does not foresee has to be refused.
func (s *server) do(method, path, body string, header ...string) answer {
	s.t.Helper()
	request := func(base string) *http.Request {
		r, err := http.NewRequest(method, base+path, strings.NewReader(body))
		require.NoError(s.t, err)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
			if header[i+1] == "" {
				r.Header.Del(header[i])
			}
		}
		return r
	}
	resp, err := s.Client().Do(request(s.URL))
	require.NoError(s.t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	out := answer{s.t, resp.StatusCode, resp.Header, got}
	if s.router == nil || method == "HEAD" {
		return out
	}

	r := request("")
	route, parameters, err := s.router.FindRoute(r)
	if err != nil {
		require.Contains(s.t, []int{404, 405, 400}, out.status, "%s %s is served, and not in the document", method, path)
		require.Equal(s.t, "application/problem+json", out.header.Get("Content-Type"))
		return out
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: false}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		require.GreaterOrEqual(s.t, out.status, 400, "%s %s: the document forbids the request: %v", method, path, err)
	}
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: out.status, Header: out.header, Body: io.NopCloser(bytes.NewReader(got)), Options: options,
	})
	require.NoError(s.t, err, "%s %s: %d %s %s", method, path, out.status, out.header.Get("Content-Type"), got)
	require.NotEmpty(s.t, out.header.Get("X-Request-Id"))
	require.Equal(s.t, "nosniff", out.header.Get("X-Content-Type-Options"))
	require.Empty(s.t, out.header.Get("Access-Control-Allow-Origin"))
	return out
}

// credential is one that an issuer is asked to sign.
func credential(issuer did.DID, members ...string) string {
	return `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + issuer.String() +
		`","credentialSubject":{"id":"` + issuer.String() + `"}` + strings.Join(append([]string{""}, members...), ",") + `}`
}

func (s *server) issued(instance string, issuer *vc.Issuer) string {
	s.t.Helper()
	a := s.post(instance+"/credentials/issue", `{"credential":`+credential(issuer.ID)+`}`)
	require.Equal(s.t, http.StatusCreated, a.status, "%s", a.body)
	return a.member("verifiableCredential")
}
