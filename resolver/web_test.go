package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/resolver"
)

// What a document is served as, and from which path of its host, is the host's business.
func TestWebReads(t *testing.T) {
	n := newInternet(t)
	asked := make(chan *http.Request, 1)
	n.host("shop.example", func(w http.ResponseWriter, r *http.Request) {
		id := "did:web:shop.example%3A" + n.port
		switch r.URL.Path {
		case "/moved/did.json":
			http.Redirect(w, r, "/here.json", http.StatusFound)
			return
		case "/here.json":
			id += ":moved"
		case "/.well-known/did.json":
		default:
			id += strings.TrimSuffix(strings.ReplaceAll(r.URL.Path, "/", ":"), ":did.json")
			w.Header()["Content-Type"] = nil // or net/http looks for itself
			if kind, ok := map[string]string{
				"/as/did/did.json": "application/did", "/as/json/did.json": "application/json; charset=utf-8",
				"/as/ld/did.json": "application/did+ld+json", "/as/bytes/did.json": "application/octet-stream",
			}[r.URL.Path]; ok {
				w.Header().Set("Content-Type", kind)
			}
		}
		w.Header().Set("Age", "90")
		io.WriteString(w, webDocument(did.MustParse(id)))
		asked <- r
	}, nil)
	c := n.client()
	t.Cleanup(c.CloseIdle)
	noon := time.Date(2026, time.November, 29, 12, 0, 0, 0, time.UTC)
	web := resolver.Web{Client: c, Now: func() time.Time { return noon }}

	for _, path := range []string{"", ":moved", ":as:did", ":as:json", ":as:ld", ":as:bytes", ":fleet:crane-7"} {
		t.Run("path "+path, func(t *testing.T) {
			id := did.MustParse("did:web:shop.example%3A" + n.port + path)
			res, err := web.Resolve(t.Context(), id, did.Version{})
			require.NoError(t, err)
			require.Equal(t, id, res.Document.ID)
			require.Equal(t, noon.Add(-90*time.Second), res.Retrieved, "a cache on the way had kept it that long")
			r := <-asked
			require.Contains(t, r.Header.Get("Accept"), "application/did")
			require.Empty(t, r.Header.Get("Cache-Control"))
		})
	}
	_, err := web.Resolve(resolver.NoCache(t.Context()), n.web("shop.example"), did.Version{})
	require.NoError(t, err)
	require.Equal(t, "no-cache", (<-asked).Header.Get("Cache-Control"), "caches on the way are told, too")
}

// What no request could answer is not asked.
func TestWebRefusesUnasked(t *testing.T) {
	var asked atomic.Int64
	c := &resolver.Client{Lookup: func(context.Context, string) ([]netip.Addr, error) { asked.Add(1); return nil, nil }}
	noon := time.Date(2026, time.November, 29, 12, 0, 0, 0, time.UTC)
	web := resolver.Web{Client: c, Now: func() time.Time { return noon }}
	for _, tt := range []struct {
		name, id string
		v        did.Version
		want     error
	}{
		{"another method", "did:webvh:x:shop.example", did.Version{}, did.ErrMethodNotSupported},
		{"no dot", "did:web:localhost", did.Version{}, did.ErrInvalidDID},
		{"an address", "did:web:127.0.0.1", did.Version{}, did.ErrInvalidDID},
		{"an address as a number", "did:web:2130706433", did.Version{}, did.ErrInvalidDID},
		{"an address of IPv6", "did:web:%5B%3A%3A1%5D", did.Version{}, did.ErrInvalidDID},
		{"a password", "did:web:me%3Asecret%40shop.example", did.Version{}, did.ErrInvalidDID},
		{"a host with a path in it", "did:web:shop.example%2F..%2Fother", did.Version{}, did.ErrInvalidDID},
		{"a host that looks like another's", "did:web:shop.example%EF%BC%8Fother.example", did.Version{}, did.ErrInvalidDID},
		{"a path that climbs", "did:web:shop.example:%2e%2e:other", did.Version{}, did.ErrInvalidDID},
		{"a slash in a segment", "did:web:shop.example:a%2Fb", did.Version{}, did.ErrInvalidDID},
		{"two kinds of version", "did:web:shop.example", did.Version{ID: "1", Number: 1}, did.ErrInvalidOptions},
		{"a version by name", "did:web:shop.example", did.Version{ID: "1"}, did.ErrVersionUnknown},
		{"a version by number", "did:web:shop.example", did.Version{Number: 1}, did.ErrVersionUnknown},
		{"an hour ago", "did:web:shop.example", did.Version{Time: noon.Add(-time.Hour)}, did.ErrVersionUnknown},
		{"two minutes ago", "did:web:shop.example", did.Version{Time: noon.Add(-2 * time.Minute)}, did.ErrVersionUnknown},
		{"tomorrow", "did:web:shop.example", did.Version{Time: noon.Add(24 * time.Hour)}, did.ErrVersionUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := web.Resolve(t.Context(), did.MustParse(tt.id), tt.v)
			require.ErrorIs(t, err, tt.want)
			require.Nil(t, res)
			require.Equal(t, tt.want != did.ErrVersionUnknown, did.IsAnswer(err))
		})
	}
	_, err := resolver.Web{}.Resolve(t.Context(), did.MustParse("did:web:shop.example"), did.Version{})
	require.ErrorContains(t, err, "needs a Client")
	require.False(t, did.IsAnswer(err))
	require.Zero(t, asked.Load())
}

// Who asks for now is answered: reading the clock and making a request take their time.
func TestWebKnowsThePresent(t *testing.T) {
	n := newInternet(t)
	n.host("shop.example", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, webDocument(n.web("shop.example")))
	}, nil)
	c := n.client()
	t.Cleanup(c.CloseIdle)
	for _, ago := range []time.Duration{0, 30 * time.Second, -30 * time.Second} {
		_, err := did.Key(t.Context(), resolver.Web{Client: c}, n.web("shop.example").URL("2026"), did.AssertionMethod, did.Version{Time: time.Now().Add(-ago)})
		require.NoError(t, err)
	}
}

// The hosts of names that are not ASCII are those of the DNS; the document has the id as it was asked for.
func TestWebOfInternationalNames(t *testing.T) {
	n := newInternet(t)
	id := ""
	n.host("xn--bcher-kva.example", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, webDocument(did.MustParse(id))) }, nil)
	c := n.client()
	t.Cleanup(c.CloseIdle)
	for _, host := range []string{"b%C3%BCcher.example", "xn--bcher-kva.example", "B%C3%9CCHER.example"} {
		id = "did:web:" + host + "%3A" + n.port
		_, err := resolver.Web{Client: c}.Resolve(t.Context(), did.MustParse(id), did.Version{})
		require.NoError(t, err, host)
	}
	id = "did:web:xn--bcher-kva.example%3A" + n.port
	_, err := resolver.Web{Client: c}.Resolve(t.Context(), did.MustParse("did:web:b%C3%BCcher.example%3A"+n.port), did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDocument, "another spelling is another DID")
}

// The documents of did:web in the W3C's DID test suite, served where their identifiers say.
func TestPublishedWebDocuments(t *testing.T) {
	n, passed, total := newInternet(t), 0, 0
	c := n.proxied()
	t.Cleanup(c.CloseIdle)
	var served atomic.Value // a http.HandlerFunc
	for _, host := range []string{"evernym.com", "did.actor", "kyledenhartog.com", "demo.spruceid.com", "or13.github.io"} {
		n.host(host, func(w http.ResponseWriter, r *http.Request) { served.Load().(http.HandlerFunc)(w, r) }, nil)
	}
	for _, of := range []string{"evernym", "mattr", "spruce", "transmute"} {
		raw, err := os.ReadFile(shared.Path(t, "vectors", "w3c-did-test-suite", "did-web-"+of+".json"))
		require.NoError(t, err)
		var suite map[string]jsontext.Value
		require.NoError(t, json.Unmarshal(raw, &suite))
		var ids []string
		require.NoError(t, json.Unmarshal(suite["dids"], &ids))
		for _, id := range ids {
			var published map[string]jsontext.Value
			require.NoError(t, json.Unmarshal(suite[id], &published))
			for mediaType, entry := range published {
				var form struct {
					Representation string `json:"representation"`
				}
				if !strings.HasPrefix(mediaType, "application/") {
					continue
				}
				require.NoError(t, json.Unmarshal(entry, &form))
				total++
				served.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					path := "/" + strings.Join(strings.Split(id, ":")[3:], "/") + "/did.json"
					if path == "//did.json" {
						path = "/.well-known/did.json"
					}
					if r.URL.Path != path {
						http.NotFound(w, r)
						return
					}
					w.Header().Set("Content-Type", mediaType)
					io.WriteString(w, form.Representation)
				}))
				res, err := resolver.Web{Client: c}.Resolve(t.Context(), did.MustParse(id), did.Version{})
				if err != nil || res.Document.Raw != strings.TrimSpace(form.Representation) {
					t.Logf("%s as %s: %v", id, mediaType, err)
					continue
				}
				passed++
			}
		}
	}
	require.NotZero(t, total)
	shared.Tally(t, "did:web", "W3C DID test suite", passed, total, "")
}

func ExampleWeb() {
	// A server that stands for https://example.com, and is found at a port of this machine.
	srv := httptest.NewUnstartedServer(nil)
	shop := did.MustParse("did:web:example.com%3A" + port(srv))
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("GET", r.URL.Path)
		io.WriteString(w, webDocument(shop))
	})
	srv.StartTLS()
	defer srv.Close()
	client := local(srv) // otherwise a new(resolver.Client)
	defer client.CloseIdle()

	web := resolver.Web{Client: client}
	res, err := web.Resolve(context.Background(), shop, did.Version{})
	fmt.Println(res.Document.ID == shop, err)
	_, err = web.Resolve(context.Background(), did.MustParse("did:web:127.0.0.1"), did.Version{})
	fmt.Println(err)
	// Output:
	// GET /.well-known/did.json
	// true <nil>
	// did: invalid DID: did:web:127.0.0.1: "127.0.0.1" is an address, where the name of a host is wanted
}

func ExampleAll() {
	client := new(resolver.Client)
	defer client.CloseIdle()
	r := resolver.All(client, nil) // or a &resolver.Dir{Path: …}, to remember for longer

	// The key is in the identifier: nobody is asked.
	drone := did.MustParse("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	res, err := r.Resolve(context.Background(), drone, did.Version{})
	fmt.Println(res.Document.ID == drone, err)

	_, err = r.Resolve(context.Background(), did.MustParse("did:example:123"), did.Version{})
	fmt.Println(errors.Is(err, did.ErrMethodNotSupported))
	// Output:
	// true <nil>
	// true
}

func ExampleOffline() {
	methods := resolver.Offline()
	methods["web"] = resolver.Static{} // the depot's own list, in place of the network
	_, err := methods.Resolve(context.Background(), did.MustParse("did:web:shop.example"), did.Version{})
	fmt.Println(err)
	// Output: did: not found: did:web:shop.example
}
