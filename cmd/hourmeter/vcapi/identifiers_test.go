package vcapi_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
)

// A registry resolves did:example as its function says.
type registry func(context.Context, did.DID) (*did.Resolution, error)

func (f registry) Resolve(ctx context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
	return f(ctx, id)
}

func yard(t testing.TB) *did.Document {
	doc, err := did.ParseDocument([]byte(`{"@context":["https://www.w3.org/ns/did/v1.1"],"id":"did:example:yard",
		"service":[{"id":"#files","type":"Files","serviceEndpoint":"https://files.example/yard/"}]}`))
	require.NoError(t, err)
	return doc
}

// Each of these answers is held against the OpenAPI document.
func TestTheServiceIsADIDResolver(t *testing.T) {
	h := newHandler(t)
	doc := yard(t)
	gone := &did.Document{ID: did.MustParse("did:example:gone")}
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	h.Resolver = resolver.Methods{"key": did.Offline{}, "example": resolver.Static{
		doc.ID: {{Document: doc, VersionID: "1"}}, gone.ID: {{Document: gone, Created: at(1), NextUpdate: at(5), Deactivated: true}},
	}}
	s := serve(t, h)
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	require.Equal(t, `["example","key"]`, string(s.get("/1.0/methods").body))

	const at1 = "/1.0/identifiers/"
	yardURL := func(rest string) string { return at1 + url.QueryEscape("did:example:yard"+rest) }
	for _, tc := range []struct {
		name, path, accept string
		status             int
		mediaType          string
	}{
		{"a document", at1 + "did:example:yard", "application/did", 200, "application/did"},
		{"a version", at1 + "did:example:yard?versionId=1", "", 200, "application/did-resolution"},
		{"with absolute ids", at1 + "did:example:yard?expandRelativeUrls=true", "", 200, "application/did-resolution"},
		{"a service", yardURL("#files"), "", 200, "application/did-url-dereferencing"},
		{"a service as itself", yardURL("#files"), "application/json", 200, "application/json"},
		{"what is at its endpoint", yardURL("?service=files&relativeRef=a.pdf"), "", 303, ""},
		{"the endpoint", at1 + "did:example:yard?service=files", "text/uri-list", 303, ""},
		{"no such service", yardURL("#other"), "", 404, "application/did-url-dereferencing"},
		{"out of its folder", yardURL("?service=files&relativeRef=..%2Fa"), "", 400, "application/did-url-dereferencing"},
		{"deactivated", at1 + "did:example:gone", "", 410, "application/did-resolution"},
		{"deactivated since", at1 + "did:example:gone?versionTime=2026-01-02T00:00:00Z", "application/did", 410, "application/did"},
		{"unknown", at1 + "did:example:nobody", "", 404, "application/did-resolution"},
		{"past the cache", at1 + "did:example:yard?noCache=true", "", 501, "application/did-resolution"},
		{"an unknown option", at1 + "did:example:yard?option=1", "", 501, "application/did-resolution"},
		{"another method", at1 + "did:web:a.example", "", 501, "application/did-resolution"},
		{"another media type", at1 + "did:example:yard", "text/turtle", 406, "application/did-resolution"},
		{"no DID", at1 + "example", "", 400, "application/did-resolution"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, method := range []string{"GET", "POST"} {
				a := s.do(method, tc.path, map[string]string{"POST": "{}"}[method], "Accept", tc.accept, "Content-Type", "application/json")
				require.Equal(t, tc.status, a.status, "%s", a.body)
				require.Equal(t, tc.mediaType, a.header.Get("Content-Type"))
			}
		})
	}
	a := s.do("POST", at1+"did:example:yard", `{"versionId":"1","accept":"application/did"}`, "Content-Type", "application/json")
	require.Equal(t, "did:example:yard", a.object()["id"])
	a = s.do("PUT", at1+"did:example:yard", "")
	require.Equal(t, http.StatusMethodNotAllowed, a.status)
	require.Equal(t, "GET, HEAD, POST", a.header.Get("Allow"))
}

// A DID that names a host is looked up there once, if the host is one that may be asked.
func TestTheServiceLooksDIDsUp(t *testing.T) {
	var asked atomic.Int64
	site := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		io.WriteString(w, `{"id":"did:web:example.com%3A`+r.Host[strings.LastIndexByte(r.Host, ':')+1:]+`"}`)
	}))
	t.Cleanup(site.Close)
	at := netip.MustParseAddrPort(site.Listener.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(site.Certificate())
	id := "/1.0/identifiers/" + url.QueryEscape(fmt.Sprintf("did:web:example.com%%3A%d", at.Port()))
	for _, allowed := range []bool{false, true} {
		client := &resolver.Client{Roots: roots, Lookup: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{at.Addr()}, nil }}
		if allowed {
			client.Allow = []netip.Prefix{netip.PrefixFrom(at.Addr(), 32)}
		}
		t.Cleanup(client.CloseIdle)
		h := newHandler(t)
		h.Resolver = resolver.All(client, nil)
		s := serve(t, h)
		require.Contains(t, string(s.get("/1.0/methods").body), `"web"`)
		for range 3 {
			a := s.get(id)
			require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusInternalServerError}[allowed], a.status, "%s", a.body)
			require.NotContains(t, string(a.body), "127.0.0.1", "what is inside is not for strangers")
		}
		require.EqualValues(t, map[bool]int{true: 1, false: 0}[allowed], asked.Load())
	}
}

// What has to be looked up counts for more than other requests.
func TestLookupsAreLimited(t *testing.T) {
	h := newHandler(t)
	h.Rate, h.TotalRate = 5, 1000 // 50 at once
	doc := yard(t)
	h.Resolver = resolver.Methods{"key": did.Offline{}, "example": registry(func(context.Context, did.DID) (*did.Resolution, error) {
		return &did.Resolution{Document: doc}, nil
	})}
	s := serve(t, h)
	statuses := map[int]int{}
	for range 12 {
		statuses[s.get("/1.0/identifiers/did:example:yard").status]++
	}
	require.GreaterOrEqual(t, statuses[http.StatusTooManyRequests], 5)
	require.GreaterOrEqual(t, statuses[http.StatusOK], 4)

	h = newHandler(t)
	h.Rate, h.TotalRate = 5, 1000
	s = serve(t, h)
	for range 30 {
		require.Equal(t, http.StatusOK, s.get("/1.0/identifiers/"+h.Instances[0].Issuer.ID.String()).status, "nobody is asked about a did:key")
	}
}

// Hosts that never answer take places of lookups, and of nothing else.
func TestLookupsLeaveRoomForOthers(t *testing.T) {
	h := newHandler(t)
	asked := make(chan struct{}, 2*vcapi.MaxLookups)
	h.Resolver = registry(func(ctx context.Context, _ did.DID) (*did.Resolution, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	h.Timeout = 2 * time.Second // shorter than LookupTimeout
	s := serve(t, h)
	var waiting sync.WaitGroup
	const half = vcapi.MaxLookups / 2
	for range half {
		waiting.Go(func() {
			resp, err := s.Client().Get(s.URL + "/1.0/identifiers/did:web:slow.example")
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	for range half {
		<-asked
	}
	a := s.get("/1.0/identifiers/did:web:slow.example")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	s.issued("", h.Instances[0].Issuer)
	waiting.Wait()
	a = s.get("/1.0/identifiers/did:web:slow.example")
	require.Equal(t, http.StatusInternalServerError, a.status, "the time is up, and there is room again")
	require.False(t, strings.Contains(string(a.body), "deadline"), "%s", a.body)
}

// from asks h on behalf of a client at that address.
func from(h http.Handler, address, method, path string, body io.Reader) int {
	r := httptest.NewRequest(method, path, body)
	r.RemoteAddr = address
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// One client that has slow hosts looked up, or is slow itself to say what it wants to know of them,
// leaves half of the lookups to others.
func TestAClientHasHalfOfTheLookups(t *testing.T) {
	h := newHandler(t)
	asked := make(chan struct{}, 2*vcapi.MaxLookups)
	let := make(chan struct{})
	h.Resolver = registry(func(ctx context.Context, id did.DID) (*did.Resolution, error) {
		if strings.HasSuffix(id.String(), "slow.example") {
			asked <- struct{}{}
			<-let
		}
		return nil, did.ErrNotFound
	})
	const half, slow, quick = vcapi.MaxLookups / 2, "/1.0/identifiers/did:web:slow.example", "/1.0/identifiers/did:web:quick.example"
	var waiting sync.WaitGroup
	body, end := io.Pipe()
	for range 2 * half {
		waiting.Go(func() { from(h, "192.0.2.1:80", "POST", quick, body) }) // which does not come
	}
	for range half {
		waiting.Go(func() { from(h, "192.0.2.1:80", "GET", slow, nil) })
	}
	for range half {
		<-asked
	}
	require.Equal(t, http.StatusServiceUnavailable, from(h, "192.0.2.1:81", "GET", quick, nil), "its half is taken")
	require.Equal(t, http.StatusNotFound, from(h, "192.0.2.2:80", "GET", quick, nil), "the other is there for others")
	require.Equal(t, http.StatusNotFound, from(h, "192.0.2.2:80", "POST", quick, strings.NewReader(`{}`)))
	require.NoError(t, end.CloseWithError(io.ErrUnexpectedEOF))
	close(let)
	waiting.Wait()
	require.Equal(t, http.StatusNotFound, from(h, "192.0.2.1:81", "GET", quick, nil))
	require.Equal(t, http.StatusBadRequest, from(h, "192.0.2.1:82", "POST", quick, strings.NewReader(strings.Repeat(" ", 70<<10))), "a long body")
	require.Equal(t, http.StatusBadRequest, from(h, "192.0.2.1:83", "POST", quick, io.MultiReader(strings.NewReader("{}"), body)), "one that is cut off")
}

// To verify what names hosts that never answer takes no place to compute: others are served meanwhile.
func TestWaitingForHostsKeepsNobodyFromBeingServed(t *testing.T) {
	before := runtime.GOMAXPROCS(2) // so that there are fewer places to compute than requests here
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	issuer := issuerOf(t, 1).ID
	for _, what := range []string{"issuer", "status", "schema"} {
		t.Run(what, func(t *testing.T) {
			h := newHandler(t)
			asked, let := make(chan struct{}, vcapi.MaxRequests), make(chan struct{})
			hang := func(ctx context.Context) error {
				asked <- struct{}{}
				<-let
				return errors.New("no answer")
			}
			h.Accept = vc.AnyIssuer
			h.Verifier = &vc.Verifier{Status: slowChecker{hang}, Schema: slowChecker{hang}, Resolver: resolver.Methods{"key": did.Offline{}, "web": registry(
				func(ctx context.Context, _ did.DID) (*did.Resolution, error) { return nil, hang(ctx) })}}
			s := serve(t, h)
			signed := s.issued("", h.Instances[0].Issuer)
			switch what {
			case "issuer":
				signed = strings.ReplaceAll(signed, issuer.String(), "did:web:slow.example")
			case "status":
				signed = s.issuedWith(`"credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation","statusListIndex":"1","statusListCredential":"https://slow.example/list"}`)
			case "schema":
				signed = s.issuedWith(`"credentialSchema":{"id":"https://slow.example/schema","type":"JsonSchema"}`)
			}
			request := `{"verifiableCredential":` + signed + `}`
			var waiting sync.WaitGroup
			const half = vcapi.MaxLookups / 2
			for range half {
				waiting.Go(func() {
					if status := from(h, "192.0.2.1:80", "POST", "/credentials/verify", strings.NewReader(request)); status != http.StatusServiceUnavailable {
						t.Errorf("%d", status)
					}
				})
			}
			for range half {
				<-asked
			}
			require.Equal(t, http.StatusServiceUnavailable, from(h, "192.0.2.1:80", "POST", "/credentials/verify", strings.NewReader(request)), "its half is taken")
			good := s.issued("", h.Instances[0].Issuer)
			require.Equal(t, http.StatusOK, from(h, "192.0.2.1:80", "POST", "/credentials/verify", strings.NewReader(`{"verifiableCredential":`+good+`}`)))
			close(let)
			waiting.Wait()
		})
	}
}

type slowChecker struct{ wait func(context.Context) error }

func (c slowChecker) CheckStatus(ctx context.Context, _ did.DID, _ []byte, _ time.Time) (vc.StatusResult, error) {
	return vc.StatusResult{}, c.wait(ctx)
}

func (c slowChecker) CheckSchema(ctx context.Context, _, _ []byte) error { return c.wait(ctx) }

// issuedWith is a credential of the first instance with more members.
func (s *server) issuedWith(members ...string) string {
	a := s.post("/credentials/issue", `{"credential":`+credential(s.handler.Instances[0].Issuer.ID, members...)+`}`)
	require.Equal(s.t, http.StatusCreated, a.status, "%s", a.body)
	return a.member("verifiableCredential")
}

// Who says nothing of resolvers gets every method that asks nobody, to resolve and to verify by.
func TestMethodsWithoutANetworkAreKnownAsIs(t *testing.T) {
	h := newHandler(t)
	issuer := issuerOf(t, 3)
	var err error
	issuer.ID, err = peer.New0(issuer.Key.Public())
	require.NoError(t, err)
	res, err := peer.Resolver{}.Resolve(t.Context(), issuer.ID, did.Version{})
	require.NoError(t, err)
	issuer.Method = res.Document.AssertionMethod[0].ID
	h.Accept = vc.IssuedBy(issuer.ID)
	s := serve(t, h)
	require.Equal(t, `["jwk","key","peer","pkh","x509"]`, string(s.get("/1.0/methods").body))
	require.Equal(t, http.StatusOK, s.get("/1.0/identifiers/"+issuer.ID.String()).status)
	require.Equal(t, http.StatusOK, s.get("/1.0/identifiers/did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a").status)

	credential, err := issuer.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` +
		issuer.ID.String() + `","credentialSubject":{"id":"did:example:a"}}`))
	require.NoError(t, err)
	got := s.post("/credentials/verify", `{"verifiableCredential":`+string(credential)+`}`)
	require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	require.Equal(t, "true", got.member("verified"), "%s", got.body)
}
