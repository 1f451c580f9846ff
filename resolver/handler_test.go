package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
)

const edKey = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"

type binding struct{ http.Handler }

func newBinding(r did.Resolver) binding {
	mux := http.NewServeMux()
	mux.Handle("/1.0/identifiers/", http.StripPrefix("/1.0/identifiers/", &resolver.Handler{Resolver: r}))
	return binding{mux}
}

func (b binding) get(t testing.TB, target, accept string) (*httptest.ResponseRecorder, map[string]any) {
	req := httptest.NewRequest("GET", "/1.0/identifiers/"+target, nil)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, req)
	var body map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), "%s", w.Body)
	return w, body
}

func at(t testing.TB, body map[string]any, path ...string) any {
	var v any = body
	for _, name := range path {
		m, ok := v.(map[string]any)
		require.True(t, ok, "no %s", name)
		v = m[name]
	}
	return v
}

func TestHandlerResolves(t *testing.T) {
	depot := did.MustParse("did:web:localhost%3A8443:depot")
	b := newBinding(resolver.Methods{
		"key": did.Offline{},
		"web": resolver.Static{depot: {{Document: documentOf(t, depot, 1), Created: day(1), VersionID: "1"}}},
	})
	for _, tc := range []struct{ name, target, accept, mediaType string }{
		{"no Accept", edKey, "", resolver.MediaTypeResolution},
		{"anything", edKey, "*/*", resolver.MediaTypeResolution},
		{"a browser", edKey, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", resolver.MediaTypeResolution},
		{"a result", edKey, "application/did-resolution", resolver.MediaTypeResolution},
		{"a result, as it was called", edKey, "application/did-resolution-result", "application/did-resolution-result"},
		{"JSON", edKey, "application/json", "application/json"},
		{"JSON-LD with the profile", edKey, `application/ld+json;profile="https://w3id.org/did-resolution"`, `application/ld+json;profile="https://w3id.org/did-resolution"`},
		{"percent-encoded as a whole", url.QueryEscape(edKey), "", resolver.MediaTypeResolution},
		{"with a version", edKey + "?versionTime=2025-10-07T14:30:00Z", "", resolver.MediaTypeResolution},
		{"with the name of a service", edKey + "?service=linkedDomain&relativeRef=my%2520path%2Ffile", "", resolver.MediaTypeResolution},
		{"a DID that is percent-encoded itself", depot.String(), "", resolver.MediaTypeResolution},
		{"the same, encoded as a whole", url.QueryEscape(depot.String()), "", resolver.MediaTypeResolution},
		{"that very version", depot.String() + "?versionId=1", "", resolver.MediaTypeResolution},
		{"liked better", edKey, "application/did;q=0.2, application/did-resolution;q=0.3", resolver.MediaTypeResolution},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, body := b.get(t, tc.target, tc.accept)
			require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
			require.Equal(t, tc.mediaType, w.Header().Get("Content-Type"))
			require.Contains(t, []any{edKey, depot.String()}, at(t, body, "didDocument", "id"))
			require.Equal(t, "application/did", at(t, body, "didResolutionMetadata", "contentType"))
			require.IsType(t, map[string]any{}, at(t, body, "didDocumentMetadata"))
			_, context := body["@context"]
			require.Equal(t, strings.Contains(tc.mediaType, "ld+json"), context)
		})
	}
	for _, accept := range []string{"application/did", "application/did+json", "application/did+ld+json", "application/did+json;q=0.5, application/xml"} {
		w, body := b.get(t, edKey, accept)
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, edKey, body["id"])
		require.NotContains(t, body, "didResolutionMetadata")
		require.Contains(t, accept, w.Header().Get("Content-Type"))
	}
	w, body := b.get(t, edKey+"?accept=application/did%2Bjson", "application/did-resolution")
	require.Equal(t, "application/did+json", w.Header().Get("Content-Type"), "the option goes before the header")
	require.Equal(t, edKey, body["id"])

	_, body = b.get(t, depot.String(), "")
	require.Equal(t, map[string]any{"created": "2026-01-01T00:00:00Z", "versionId": "1"}, body["didDocumentMetadata"])
}

func TestHandlerDereferences(t *testing.T) {
	b := newBinding(nil)
	key := url.QueryEscape(edKey + "#" + strings.TrimPrefix(edKey, "did:key:"))
	for _, accept := range []string{"", "*/*", "application/did-url-dereferencing"} {
		w, body := b.get(t, key, accept)
		require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
		require.Equal(t, resolver.MediaTypeDereferencing, w.Header().Get("Content-Type"))
		require.Equal(t, "Multikey", at(t, body, "contentStream", "type"))
		require.NotNil(t, at(t, body, "contentStream", "@context"))
		require.NotNil(t, at(t, body, "dereferencingMetadata", "contentType"))
	}
	w, body := b.get(t, key, "application/did+json")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "Multikey", body["type"])

	w, _ = b.get(t, url.QueryEscape(edKey+"#other"), "")
	require.Equal(t, http.StatusNotFound, w.Code)
}

func TestHandlerRefuses(t *testing.T) {
	gone, old := did.MustParse("did:web:gone.example"), did.MustParse("did:web:old.example")
	b := newBinding(resolver.Methods{
		"key": did.Offline{},
		"web": resolver.Static{
			gone: {{Document: documentOf(t, gone, 1), Created: day(1), NextUpdate: day(5), Deactivated: true}},
			old:  {{Document: documentOf(t, old, 2)}},
		},
		"down": &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			return nil, errors.New("dial 10.0.0.7: refused")
		}},
		"lies": &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
		}},
		"empty": &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) { return nil, nil }},
		"wrong": &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			return nil, did.ErrInvalidDocument
		}},
		"cannot": &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
			return &did.Resolution{Document: &did.Document{ID: id, Context: []string{"{"}}}, nil
		}},
	})
	for _, tc := range []struct {
		name, target, accept string
		status               int
		code                 string
	}{
		{"no DID", "", "", 400, "INVALID_DID"},
		{"no DID at all", "not-a-did", "", 400, "INVALID_DID"},
		{"no identifier", "did:example", "", 400, "INVALID_DID"},
		{"no scheme", strings.TrimPrefix(edKey, "did:"), "", 400, "INVALID_DID"},
		{"no multibase header", "did:key:6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "", 400, "INVALID_DID"},
		{"no fragment to speak of", edKey + "%23%25", "", 400, "INVALID_DID"},
		{"unknown method before bad options", "did:unsupported:123456789abcdefghi?versionId=", "text/turtle", 501, "METHOD_NOT_SUPPORTED"},
		{"unknown method", "did:unsupported:123456789abcdefghi", "", 501, "METHOD_NOT_SUPPORTED"},
		{"unknown identifier", "did:web:nobody.example", "", 404, "NOT_FOUND"},
		{"its history is not kept", old.String() + "?versionTime=2026-01-01T00:00:00Z", "", 501, "FEATURE_NOT_SUPPORTED"},
		{"unknown version", edKey + "?versionId=7", "", 404, "NOT_FOUND"},
		{"hash", edKey + "?hl=zQm", "", 501, "FEATURE_NOT_SUPPORTED"},
		{"unknown media type", edKey, "application/x-unsupported", 406, "REPRESENTATION_NOT_SUPPORTED"},
		{"not wanted", edKey, "application/did-resolution;q=0", 406, "REPRESENTATION_NOT_SUPPORTED"},
		{"nonsense q", edKey, "application/did;q=NaN", 406, "REPRESENTATION_NOT_SUPPORTED"},
		{"not JSON-LD", old.String(), "application/did+ld+json", 406, "REPRESENTATION_NOT_SUPPORTED"},
		{"no answer", "did:down:a", "", 500, "INTERNAL_ERROR"},
		{"the document of somebody else", "did:lies:a", "", 500, "INTERNAL_ERROR"},
		{"neither document nor error", "did:empty:a", "", 500, "INTERNAL_ERROR"},
		{"bad document", "did:wrong:a", "", 500, "INVALID_DID_DOCUMENT"},
		{"document that cannot be written", "did:cannot:a", "", 500, "INVALID_DID_DOCUMENT"},
		{"accept that is not ASCII", edKey + "?accept=" + url.QueryEscape("🔥"), "", 400, "INVALID_OPTIONS"},
		{"empty accept", edKey + "?accept=", "", 400, "INVALID_OPTIONS"},
		{"service that is not ASCII", edKey + "?service=" + url.QueryEscape("Привет"), "", 400, "INVALID_OPTIONS"},
		{"serviceType with a zero-width space", edKey + "?serviceType=" + url.QueryEscape("foo\u200bbar"), "", 400, "INVALID_OPTIONS"},
		{"versionId that is not ASCII", edKey + "?versionId=" + url.QueryEscape("こ"), "", 400, "INVALID_OPTIONS"},
		{"empty versionId", edKey + "?versionId=", "", 400, "INVALID_OPTIONS"},
		{"33 options", edKey + "?" + strings.Join(strings.Split("abcdefghijklmnopqrstuvwxyzABCDEFG", ""), "&"), "", 400, "INVALID_OPTIONS"},
		{"option given twice", edKey + "?versionId=1&versionId=2", "", 400, "INVALID_OPTIONS"},
		{"two ways to pick a version", edKey + "?versionId=1&versionTime=2025-10-07T14:30:00Z", "", 400, "INVALID_OPTIONS"},
		{"relativeRef with a space", edKey + "?relativeRef=my+path", "", 400, "INVALID_OPTIONS"},
		{"relativeRef with a fragment", edKey + "?relativeRef=file%23section", "", 400, "INVALID_OPTIONS"},
		{"relativeRef that is absolute", edKey + "?relativeRef=" + url.QueryEscape("https://evil.example/"), "", 400, "INVALID_OPTIONS"},
		{"broken query", edKey + "?a=%zz", "", 400, "INVALID_OPTIONS"},
		{"long query", edKey + "?a=" + strings.Repeat("a", 25_000), "", 400, "INVALID_OPTIONS"},
	} {
		t.Run(tc.name, func(t *testing.T) { wantFailure(t, b, tc.target, tc.accept, tc.status, tc.code) })
	}
	for _, time := range []string{
		"2025-10-07 12:30:45", "2025/10/07T12:30:45", "2025-13-07T12:30:45Z", "2025-10-32T12:30:45Z", "2025-10-07T25:00:00Z",
		"2025-10-07T12:30:60Z", "2025-10-07T12:30:45+24:00", "2025-10-07", "2025-10-07T12:30:45abc", "T12:30:45",
		"2025-10-07T00:00:00+02:00", "2025-10-07T00:00:00", "2025-10-07T00:00:00.123Z", "2025-10-07T0:00:00Z", "",
	} {
		t.Run("versionTime "+time, func(t *testing.T) {
			wantFailure(t, b, edKey+"?versionTime="+url.QueryEscape(time), "", 400, "INVALID_OPTIONS")
		})
	}

	_, told := b.get(t, "did:down:a", "")
	require.Nil(t, at(t, told, "didResolutionMetadata", "error", "detail"), "which servers are asked is not for strangers")
	// A retired identifier is no error, and has no document (§4.4, step 5.2).
	w, body := b.get(t, gone.String(), "")
	require.Equal(t, http.StatusGone, w.Code)
	require.Equal(t, map[string]any{"didDocument": nil, "didResolutionMetadata": map[string]any{}, "didDocumentMetadata": map[string]any{"deactivated": true}}, body)
	w, body = b.get(t, url.QueryEscape(gone.String()+"#1"), "")
	require.Equal(t, http.StatusGone, w.Code)
	require.Equal(t, map[string]any{"content": nil, "contentStream": nil, "dereferencingMetadata": map[string]any{}, "contentMetadata": map[string]any{"deactivated": true}}, body)

	w = httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest("PUT", "/1.0/identifiers/"+edKey, nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Equal(t, "GET, HEAD, POST", w.Header().Get("Allow"))
	w = httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest("HEAD", "/1.0/identifiers/"+edKey, nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, w.Body.String())
	require.NotEqual(t, "0", w.Header().Get("Content-Length"))
}

func wantFailure(t *testing.T, b binding, target, accept string, status int, code string) {
	w, body := b.get(t, target, accept)
	require.Equal(t, status, w.Code, "%s", w.Body)
	require.Equal(t, resolver.MediaTypeResolution, w.Header().Get("Content-Type"))
	require.Contains(t, body, "didDocument")
	require.Nil(t, body["didDocument"])
	require.IsType(t, map[string]any{}, body["didDocumentMetadata"])
	require.Equal(t, "https://www.w3.org/ns/did#"+code, at(t, body, "didResolutionMetadata", "error", "type"))
}

func TestARetiredDocumentThatWasAskedForIsGone(t *testing.T) {
	gone := did.MustParse("did:web:gone.example")
	b := newBinding(resolver.Static{gone: {{Document: documentOf(t, gone, 1), Created: day(1), NextUpdate: day(5), Deactivated: true}}})
	w, body := b.get(t, gone.String()+"?versionTime=2026-01-02T00:00:00Z", "")
	require.Equal(t, http.StatusGone, w.Code)
	require.Equal(t, gone.String(), at(t, body, "didDocument", "id"))
	require.Equal(t, true, at(t, body, "didDocumentMetadata", "deactivated"))
}

// Whatever is asked, the status is one of the binding's table, and the body is what the media type says.
func FuzzHandler(f *testing.F) {
	f.Add(false, edKey, "", "", "")
	f.Add(false, "did%3Akey%3Az6Mk%23a", "versionTime=2025-10-07T14:30:00Z", "application/did;q=0.1", "")
	f.Add(false, "did:jwk:e30#0", "accept=a&hl=b", "*/*", "")
	f.Add(true, "did%3Aexample%3Ayard%3Fservice%3Dfiles%26relativeRef%3Da", "", "", `{"accept":"text/uri-list","noCache":false}`)
	f.Add(true, "did:example:yard", "service=files&verificationRelationship=authentication", "application/did-url-dereferencing", `{"versionNumber":1}`)
	doc, err := did.ParseDocument([]byte(yard))
	require.NoError(f, err)
	h := &resolver.Handler{Resolver: resolver.Methods{"key": did.Offline{}, "jwk": did.Offline{}, "example": resolver.Static{doc.ID: {{Document: doc}}}}}
	statuses := []int{200, 303, 400, 404, 406, 410, 501}
	f.Fuzz(func(t *testing.T, post bool, path, query, accept, text string) {
		method := "GET"
		if post {
			method = "POST"
		}
		r := httptest.NewRequest(method, "/", strings.NewReader(text))
		r.URL.Path, r.URL.RawQuery = path, query
		if unescaped, err := url.PathUnescape(path); err == nil {
			r.URL.Path, r.URL.RawPath = unescaped, path
		}
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusSeeOther {
			if to := w.Header().Get("Location"); !strings.HasPrefix(to, "https://files.example/yard/") || strings.ContainsAny(to, "\r\n \\") || w.Body.Len() > 0 {
				t.Fatalf("%q %s", to, w.Body)
			}
			return
		}
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
		inside := w.Code == 500 && strings.Contains(w.Body.String(), "https://w3id.org/security#")
		if !slices.Contains(statuses, w.Code) && !inside {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		kind, member := w.Header().Get("Content-Type"), ""
		switch kind {
		case resolver.MediaTypeResolution, "application/did-resolution-result":
			member = "didResolutionMetadata"
		case resolver.MediaTypeDereferencing:
			member = "dereferencingMetadata"
		case "application/did", "application/did+json", "application/did+ld+json":
			member = "id"
		}
		if _, ok := body[member]; !ok && member != "" {
			t.Fatalf("%s: %s", kind, w.Body)
		}
	})
}

func ExampleHandler() {
	h := &resolver.Handler{Resolver: resolver.Methods{"key": did.Offline{}}}
	mux := http.NewServeMux()
	mux.Handle("/1.0/identifiers/", http.StripPrefix("/1.0/identifiers/", h))
	mux.HandleFunc("/1.0/methods", h.ServeMethods)

	for _, path := range []string{"/1.0/methods", "/1.0/identifiers/did:example:123"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Code, w.Header().Get("Content-Type"))
		fmt.Println(w.Body)
	}
	// Output:
	// 200 application/json
	// ["key"]
	// 501 application/did-resolution
	// {"didDocument":null,"didResolutionMetadata":{"error":{"type":"https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED","title":"method not supported","detail":"did: method not supported: did:example is not among: key"}},"didDocumentMetadata":{}}
}

func BenchmarkHandler(b *testing.B) {
	h := &resolver.Handler{}
	for name, target := range map[string]string{"did:key": edKey, "fragment": url.QueryEscape(edKey + "#" + strings.TrimPrefix(edKey, "did:key:"))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest("GET", "/"+target, nil)
			r.URL.Path, r.URL.RawPath = r.URL.Path[1:], strings.TrimPrefix(r.URL.RawPath, "/")
			for b.Loop() {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// A did:webvh that moved has a document by each name, and answers to each for all: with what it was called
// then, and why that is the one asked for (did:webvh, "Read", step 11.2). No key is handed out under a name
// that its document does not have.
func TestHandlerGivesTheDocumentsFromBeforeAMove(t *testing.T) {
	first := newLog(t, "fleet.example", webvh.Change{Portable: new(true)})
	log, err := first.Move(webvh.Change{Key: logKey(1), Time: jan(5)}, "yard.example")
	require.NoError(t, err)
	b := newBinding(resolver.Methods{"webvh": log})
	before, now := first.ID().String(), log.ID().String()
	for _, tt := range []struct {
		name, target, id string
		says             map[string]any
	}{
		{"by its name now, before the move", now + "?versionNumber=1", before, map[string]any{"canonicalId": now, "equivalentId": nil}},
		{"by its name then", before + "?versionNumber=1", before, map[string]any{"canonicalId": now, "equivalentId": nil}},
		{"by its former name, now", before, now, map[string]any{"canonicalId": nil, "equivalentId": []any{before}}},
		{"by its name now, now", now, now, map[string]any{"canonicalId": nil, "equivalentId": nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, got := b.get(t, tt.target, "")
			require.Equal(t, 200, w.Code, "%s", w.Body)
			require.Equal(t, tt.id, got["didDocument"].(map[string]any)["id"])
			for member, want := range tt.says {
				require.Equal(t, want, got["didDocumentMetadata"].(map[string]any)[member], member)
			}
			w, _ = b.get(t, url.QueryEscape(tt.target+"#key-1"), "")
			require.Equal(t, strings.HasPrefix(tt.target, tt.id), w.Code == 200, "%s", w.Body)
		})
	}
	w := b.do("GET", url.QueryEscape(now+"/whois?versionNumber=1"), "", "")
	require.Equal(t, 303, w.Code)
	require.Equal(t, "https://fleet.example/whois.vp", w.Header().Get("Location"))
}
