package vcapi_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
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
	for range vcapi.MaxLookups {
		waiting.Go(func() {
			resp, err := s.Client().Get(s.URL + "/1.0/identifiers/did:web:slow.example")
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	for range vcapi.MaxLookups {
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
