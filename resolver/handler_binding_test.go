package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/resolver"
)

const yard = `{
	"@context": ["https://www.w3.org/ns/did/v1.1"],
	"id": "did:example:yard",
	"verificationMethod": [{"id": "#k", "type": "Multikey", "controller": "did:example:yard", "publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}],
	"assertionMethod": ["#k"],
	"service": [
		{"id": "#files", "type": "Files", "serviceEndpoint": ["didcomm:x", "https://files.example/yard/", "https://mirror.example/yard/"]},
		{"id": "#script", "type": "Script", "serviceEndpoint": "javascript:alert(1)"},
		{"id": "#data", "type": "Script", "serviceEndpoint": "data:text/html,hello"}
	]
}`

// do sends a request with this Accept, and a body if there is one.
func (b binding) do(method, target, accept, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "/1.0/identifiers/"+target, strings.NewReader(body))
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, req)
	return w
}

func newYard(t testing.TB) (*did.Document, binding) {
	doc, err := did.ParseDocument([]byte(yard))
	require.NoError(t, err)
	old, err := did.ParseDocument([]byte(`{"id":"did:example:yard"}`))
	require.NoError(t, err)
	return doc, newBinding(resolver.Methods{"key": did.Offline{}, "example": resolver.Static{doc.ID: {
		{Document: old, Created: day(1), VersionID: "1"}, {Document: doc, Created: day(1), Updated: day(2), VersionID: "2"},
	}}})
}

func TestHandlerDereferencesDIDURLs(t *testing.T) {
	_, b := newYard(t)
	const deref = resolver.MediaTypeDereferencing
	whole := func(u string) string { return url.QueryEscape(u) }
	for _, tc := range []struct {
		name, target, accept string
		mediaType, path      string // where the id of the content is
		id                   string
	}{
		{"a key", whole("did:example:yard#k"), "", deref, "contentStream", "did:example:yard#k"},
		{"the content under its other name", whole("did:example:yard#k"), "*/*", deref, "content", "did:example:yard#k"},
		{"a key as itself", whole("did:example:yard#k"), "application/json", "application/json", "", "did:example:yard#k"},
		{"a key as the part of a document", whole("did:example:yard#k"), "application/did", "application/did", "", "did:example:yard#k"},
		{"a service", whole("did:example:yard#files"), "application/did", "application/did", "", "did:example:yard#files"},
		{"for a purpose", whole("did:example:yard#k") + "?verificationRelationship=assertionMethod", "", deref, "content", "did:example:yard#k"},
		{"a document (§12.3.1)", "did:example:yard?versionId=2", deref, deref, "content", "did:example:yard"},
		{"a document as itself (§12.3.2)", "did:example:yard?versionId=2", "application/did", "application/did", "", "did:example:yard"},
		{"the same, encoded", whole("did:example:yard?versionId=1"), "application/did", "application/did", "", "did:example:yard"},
		{"the parameter as an option of an encoded DID", whole("did:example:yard") + "?versionId=1", "application/did", "application/did", "", "did:example:yard"},
		{"with services", whole("did:example:yard?service=files"), "", deref, "content", "did:example:yard"},
		{"with services, as itself", "did:example:yard?service=files", "application/did+json", "application/did+json", "", "did:example:yard"},
		{"a browser is sent nowhere", whole("did:example:yard?service=files&relativeRef=a"), "text/html,*/*;q=0.8", deref, "content", "did:example:yard"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := b.do("GET", tc.target, tc.accept, "")
			require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
			require.Equal(t, tc.mediaType, w.Header().Get("Content-Type"))
			var body map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			content := body
			if tc.path != "" {
				content = body[tc.path].(map[string]any)
				require.Equal(t, "application/did", at(t, body, "dereferencingMetadata", "contentType"))
				require.NotEmpty(t, at(t, body, "contentMetadata", "versionId"))
			} else {
				require.NotContains(t, body, "dereferencingMetadata")
			}
			require.Equal(t, tc.id, content["id"])
			if strings.Contains(tc.target, "service") {
				require.Len(t, content["service"], 1)
			}
		})
	}
}

func TestHandlerSendsToServices(t *testing.T) {
	_, b := newYard(t)
	for _, tc := range []struct{ name, target, accept, location string }{
		{"a list of URLs", "did:example:yard?service=files", "text/uri-list", "https://files.example/yard/"},
		{"encoded", url.QueryEscape("did:example:yard?service=files"), "text/uri-list", "https://files.example/yard/"},
		{"what is at an endpoint", url.QueryEscape("did:example:yard?service=files&relativeRef=a.pdf#p2"), "", "https://files.example/yard/a.pdf#p2"},
		{"the same, as the W3C's suite asks", url.QueryEscape("did:example:yard?service=files&relativeRef=a.pdf"), resolver.MediaTypeDereferencing, "https://files.example/yard/a.pdf"},
		{"the same, not encoded (§12.1, example 25)", "did:example:yard?service=files&relativeRef=a.pdf", resolver.MediaTypeDereferencing, "https://files.example/yard/a.pdf"},
		{"a browser that asks for it", "did:example:yard?service=files", "text/uri-list,text/html;q=0.1", "https://files.example/yard/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				w := b.do(method, tc.target, tc.accept, "")
				require.Equal(t, http.StatusSeeOther, w.Code, "%s", w.Body)
				require.Equal(t, tc.location, w.Header().Get("Location"))
				require.Empty(t, w.Body.String())
				require.Empty(t, w.Header().Get("Content-Type"))
				require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
			}
		})
	}
}

func TestHandlerRefusesToDereference(t *testing.T) {
	_, b := newYard(t)
	for _, tc := range []struct {
		name, target, accept string
		status               int
		typ                  string
	}{
		{"no such fragment", url.QueryEscape("did:example:yard#x"), "", 404, "https://www.w3.org/ns/did#NOT_FOUND"},
		{"no such service", url.QueryEscape("did:example:yard?service=x"), "", 404, "https://www.w3.org/ns/did#NOT_FOUND"},
		{"no such service, as an option", "did:example:yard?service=x", "text/uri-list", 404, "https://www.w3.org/ns/did#NOT_FOUND"},
		{"a path", "did:example:yard/a", "", 404, "https://www.w3.org/ns/did#NOT_FOUND"},
		{"a custom query (§5.4.1, example 5)", url.QueryEscape("did:example:yard?customquery"), "", 404, "https://www.w3.org/ns/did#NOT_FOUND"},
		{"a mistake in the DID", "not-a-did", resolver.MediaTypeDereferencing, 400, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{"a mistake behind it", url.QueryEscape("did:example:yard?a=\"b\""), resolver.MediaTypeDereferencing, 400, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{"another method", "did:web:a.example", resolver.MediaTypeDereferencing, 501, "https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED"},
		{"a parameter twice", url.QueryEscape("did:example:yard?service=files") + "?service=files", "", 400, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{"a version twice", url.QueryEscape("did:example:yard?versionId=1") + "?versionNumber=1", "", 400, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{"out of the folder", url.QueryEscape("did:example:yard?service=files&relativeRef=..%2Fx"), "", 400, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{"to another host", url.QueryEscape("did:example:yard?service=files&relativeRef=%2F%2Fevil.example"), "", 400, "https://www.w3.org/ns/did#INVALID_DID_URL"},
		{"a hash", url.QueryEscape("did:example:yard?hl=zQm"), "", 501, "https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"},
		{"a script", "did:example:yard?service=script", "text/uri-list", 501, "https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"},
		{"data", "did:example:yard?service=data", "text/uri-list", 501, "https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"},
		{"URLs of a document", "did:example:yard", "text/uri-list", 406, "https://www.w3.org/ns/did#REPRESENTATION_NOT_SUPPORTED"},
		{"another media type", url.QueryEscape("did:example:yard#k"), "text/turtle", 406, "https://www.w3.org/ns/did#REPRESENTATION_NOT_SUPPORTED"},
		{"not for that purpose", url.QueryEscape("did:example:yard#k") + "?verificationRelationship=authentication", "", 500, "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"},
		{"no method for a purpose", "did:example:yard?verificationRelationship=assertionMethod", "", 500, "https://w3id.org/security#INVALID_VERIFICATION_METHOD"},
		{"no purpose", url.QueryEscape("did:example:yard#k") + "?verificationRelationship=assertion", "", 400, "https://www.w3.org/ns/did#INVALID_OPTIONS"},
		{"an empty purpose", url.QueryEscape("did:example:yard#k") + "?verificationRelationship=", "", 400, "https://www.w3.org/ns/did#INVALID_OPTIONS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := b.do("GET", tc.target, tc.accept, "")
			require.Equal(t, tc.status, w.Code, "%s", w.Body)
			require.Equal(t, resolver.MediaTypeDereferencing, w.Header().Get("Content-Type"))
			require.Empty(t, w.Header().Get("Location"))
			var body map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.Equal(t, tc.typ, at(t, body, "dereferencingMetadata", "error", "type"))
			require.NotEmpty(t, at(t, body, "dereferencingMetadata", "error", "detail"))
			require.Contains(t, body, "content")
			require.Nil(t, body["content"])
			require.Contains(t, body, "contentStream")
			require.Equal(t, map[string]any{}, body["contentMetadata"])
		})
	}
}

func TestHandlerTakesOptionsByPOST(t *testing.T) {
	_, b := newYard(t)
	for _, tc := range []struct {
		name, target, body string
		status             int
		want               string // a part of the answer
	}{
		{"no body", "did:example:yard", "", 200, `"versionId":"2"`},
		{"no options", "did:example:yard", "{}", 200, `"versionId":"2"`},
		{"a version", "did:example:yard", `{"versionId":"1"}`, 200, `"versionId":"1"`},
		{"null is none", "did:example:yard", `{"versionId":null}`, 200, `"versionId":"2"`},
		{"a boolean", "did:example:yard", `{"expandRelativeUrls":true}`, 200, `"assertionMethod":["did:example:yard#k"]`},
		{"a boolean as text", "did:example:yard", `{"expandRelativeUrls":"true"}`, 200, `"did:example:yard#k"`},
		{"a media type", "did:example:yard", `{"accept":"application/did"}`, 200, `{"@context":`},
		{"parameters of a DID URL (§12.1, example 29)", "did:example:yard?service=files", `{"accept":"application/did-url-dereferencing"}`, 200, `"contentStream"`},
		{"a parameter that has to be encoded", url.QueryEscape("did:example:yard"), `{"service":"files","relativeRef":"a b&c=+d.pdf","accept":"text/uri-list"}`, 400, `INVALID_DID_URL`},
		{"the same, as a URL has it", url.QueryEscape("did:example:yard"), `{"service":"files","relativeRef":"a%20b&c=+d.pdf","accept":"text/uri-list"}`, 303, ``},
		{"not JSON", "did:example:yard", `versionId=1`, 400, "INVALID_OPTIONS"},
		{"no object", "did:example:yard", `["versionId"]`, 400, "INVALID_OPTIONS"},
		{"an object in it", "did:example:yard", `{"versionId":{}}`, 400, "INVALID_OPTIONS"},
		{"twice in the body", "did:example:yard", `{"versionId":"1","versionId":"2"}`, 400, "INVALID_OPTIONS"},
		{"twice", "did:example:yard?versionId=1", `{"versionId":"1"}`, 400, "INVALID_OPTIONS"},
		{"two ways to pick a version", "did:example:yard", `{"versionId":"1","versionTime":"2026-01-01T00:00:00Z"}`, 400, "INVALID_OPTIONS"},
		{"a number that does not count", "did:example:yard", `{"versionNumber":1.5}`, 400, "INVALID_OPTIONS"},
		{"no boolean", "did:example:yard", `{"expandRelativeUrls":1}`, 400, "INVALID_OPTIONS"},
		{"an unknown option", "did:example:yard", `{"option1":"value1"}`, 501, "FEATURE_NOT_SUPPORTED"},
		{"too long", "did:example:yard", `{"versionId":"` + strings.Repeat("1", 25_000) + `"}`, 400, "INVALID_OPTIONS"},
		{"not ASCII", "did:example:yard", `{"versionId":"こ"}`, 400, "INVALID_OPTIONS"},
		{"past the cache", "did:example:yard", `{"noCache":true}`, 501, "FEATURE_NOT_SUPPORTED"},
		{"not past the cache", "did:example:yard", `{"noCache":"false"}`, 200, `"versionId":"2"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := b.do("POST", tc.target, "", tc.body)
			require.Equal(t, tc.status, w.Code, "%s", w.Body)
			require.Contains(t, strings.ReplaceAll(w.Body.String(), " ", ""), tc.want)
		})
	}
	w := b.do("POST", url.QueryEscape("did:example:yard"), "", `{"service":"files","relativeRef":"a%20b&c=+d.pdf","accept":"text/uri-list"}`)
	require.Equal(t, "https://files.example/yard/a%20b&c=+d.pdf", w.Header().Get("Location"))

	for kind, status := range map[string]int{"application/json; charset=utf-8": 200, "application/ld+json": 200, "text/plain": 400, ";": 400} {
		req := httptest.NewRequest("POST", "/1.0/identifiers/did:example:yard", strings.NewReader("{}"))
		req.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		b.ServeHTTP(w, req)
		require.Equal(t, status, w.Code, kind)
	}
}

func TestHandlerSaysWhatIsKnownOfADocument(t *testing.T) {
	now := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	id := did.MustParse("did:web:shop.example")
	res := did.Resolution{
		Document: documentOf(t, id, 1), Created: day(1), Updated: day(2), NextUpdate: day(3), VersionID: "2", NextVersionID: "3",
		CanonicalID: did.MustParse("did:web:shop2.example"), EquivalentID: []did.DID{did.MustParse("did:web:shop2.example")},
		Extra:     []did.Member{{Name: "scid", Value: `"Qm"`}, {Name: "versionId", Value: `"a lie"`}, {Name: "witness", Value: `{"threshold":1}`}},
		Retrieved: now.Add(-time.Minute), TTL: time.Hour,
	}
	asked := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) { return &res, nil }}
	h := &resolver.Handler{Now: func() time.Time { return now }, Resolver: asked}
	b := binding{http.StripPrefix("/1.0/identifiers/", h)}
	w, body := b.get(t, id.String(), "")
	require.Equal(t, map[string]any{
		"created": "2026-01-01T00:00:00Z", "updated": "2026-01-02T00:00:00Z", "nextUpdate": "2026-01-03T00:00:00Z", "versionId": "2", "nextVersionId": "3",
		"canonicalId": "did:web:shop2.example", "equivalentId": []any{"did:web:shop2.example"}, "scid": "Qm", "witness": map[string]any{"threshold": 1.0},
	}, body["didDocumentMetadata"])
	require.Equal(t, map[string]any{"contentType": "application/did", "retrieved": "2026-11-29T00:59:00Z"}, body["didResolutionMetadata"])
	require.Equal(t, "max-age=3540", w.Header().Get("Cache-Control"))

	res.Stale = true
	w, body = b.get(t, id.String(), "")
	require.Equal(t, true, at(t, body, "didResolutionMetadata", "stale"))
	require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
	res.Stale, res.TTL = false, time.Nanosecond // what must not be kept
	w, _ = b.get(t, id.String(), "")
	require.Equal(t, "no-cache", w.Header().Get("Cache-Control"))

	res.Extra = []did.Member{{Name: "broken", Value: "{"}}
	w, body = b.get(t, id.String(), "")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "https://www.w3.org/ns/did#INTERNAL_ERROR", at(t, body, "didResolutionMetadata", "error", "type"))
}

func TestHandlerGivesTheDocumentAsItWasPublished(t *testing.T) {
	_, b := newYard(t)
	compact := jsontext.Value(strings.Clone(yard))
	require.NoError(t, compact.Compact())
	for _, options := range []string{"", "?expandRelativeUrls=false"} {
		require.Equal(t, string(compact), b.do("GET", "did:example:yard"+options, "application/did", "").Body.String())
	}
	expanded := strings.NewReplacer(`"#`, `"did:example:yard#`).Replace(string(compact))
	require.Equal(t, expanded, b.do("GET", "did:example:yard?expandRelativeUrls=true", "application/did", "").Body.String())
}

func TestHandlerTellsStrangersWhenToComeAgain(t *testing.T) {
	b := newBinding(&source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
		return nil, &resolver.RetryError{URL: "https://10.0.0.7/secret", After: 1500 * time.Millisecond, Err: errors.New("slow")}
	}})
	w := b.do("GET", "did:example:a", "", "")
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	require.NotContains(t, w.Body.String(), "10.0.0.7")
	require.Contains(t, w.Body.String(), "INTERNAL_ERROR")
}

func TestHandlerListsMethods(t *testing.T) {
	for _, tc := range []struct {
		name string
		h    *resolver.Handler
		want string
	}{
		{"offline", &resolver.Handler{}, `["jwk","key","peer","pkh","x509"]`},
		{"by value", &resolver.Handler{Resolver: did.Offline{}}, `["jwk","key"]`},
		{"chosen", &resolver.Handler{Resolver: resolver.Methods{"web": resolver.Static{}, "key": did.Offline{}}}, `["key","web"]`},
		{"remembered", &resolver.Handler{Resolver: &resolver.Cache{Next: resolver.Methods{"key": did.Offline{}}}}, `["key"]`},
		{"none", &resolver.Handler{Resolver: resolver.Methods{}}, `[]`},
		{"said", &resolver.Handler{Resolver: resolver.Static{}, Methods: []string{"example"}}, `["example"]`},
		{"nobody knows", &resolver.Handler{Resolver: resolver.Static{}}, `{"type":"https://www.w3.org/ns/did#FEATURE_NOT_SUPPORTED"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tc.h.ServeMethods(w, httptest.NewRequest("GET", "/1.0/methods", nil))
			require.True(t, strings.HasPrefix(w.Body.String(), tc.want), "%s", w.Body)
			require.Equal(t, tc.want[0] == '[', w.Code == 200 && w.Header().Get("Content-Type") == "application/json")
			w = httptest.NewRecorder()
			tc.h.ServeMethods(w, httptest.NewRequest("POST", "/1.0/methods", nil))
			require.Equal(t, http.StatusMethodNotAllowed, w.Code)
			require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
		})
	}
}

// The documents and metadata that implementations of some fifty methods submitted to the W3C, given
// by a Handler and compared with what they submitted.
func TestHandlerGivesWhatTheW3CSuiteHas(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "w3c-did-test-suite"), "*.json"))
	require.NoError(t, err)
	passed, total := 0, 0
	notes := map[string]bool{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var suite map[string]jsontext.Value
		require.NoError(t, json.Unmarshal(raw, &suite))
		for _, name := range slices.Sorted(maps.Keys(suite)) {
			if !strings.HasPrefix(name, "did:") {
				continue
			}
			var results map[string]jsontext.Value
			require.NoError(t, json.Unmarshal(suite[name], &results))
			for _, mediaType := range []string{"application/did+json", "application/did+ld+json"} {
				if results[mediaType] == nil {
					continue
				}
				total++
				var published struct {
					Representation   string                    `json:"representation"`
					DocumentMetadata map[string]jsontext.Value `json:"didDocumentMetadata"`
				}
				require.NoError(t, json.Unmarshal(results[mediaType], &published))
				if why := given(t, name, mediaType, published.Representation, published.DocumentMetadata); why != "" {
					notes[filepath.Base(path)+": "+why] = true
					continue
				}
				passed++
			}
		}
	}
	for note := range notes {
		t.Log(note)
	}
	require.GreaterOrEqual(t, passed, 120)
	shared.Tally(t, "DID Resolution 1.0", "W3C did-test-suite: resolution results, served", passed, total, fmt.Sprintf("%d documents are refused: a method twice, a controller that is no DID, the id of another DID", total-passed))
}

// given serves a published result and compares what comes out; it returns why the document is refused.
func given(t *testing.T, name, mediaType, representation string, metadata map[string]jsontext.Value) string {
	doc, err := did.ParseDocument([]byte(representation))
	if err != nil {
		require.ErrorIs(t, err, did.ErrInvalidDocument)
		return err.Error()
	}
	res := did.Resolution{Document: doc}
	for _, member := range slices.Sorted(maps.Keys(metadata)) {
		res.Extra = append(res.Extra, did.Member{Name: member, Value: string(metadata[member])})
	}
	b := newBinding(&source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) { return &res, nil }})
	u, err := did.ParseURL(name)
	require.NoError(t, err)
	if u.DID != doc.ID {
		return "the document is of " + doc.ID.String()
	}
	w := b.do("GET", url.QueryEscape(u.DID.String()), mediaType, "")
	if w.Code == http.StatusNotAcceptable && len(doc.Context) == 0 {
		return "no @context"
	}
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	require.Equal(t, mediaType, w.Header().Get("Content-Type"))
	require.JSONEq(t, representation, w.Body.String())

	_, body := b.get(t, url.QueryEscape(u.DID.String()), resolver.MediaTypeResolution)
	about := at(t, body, "didDocumentMetadata").(map[string]any)
	for _, m := range res.Extra {
		if got, ok := about[m.Name]; ok {
			text, err := json.Marshal(got)
			require.NoError(t, err)
			require.JSONEq(t, m.Value, string(text))
		}
	}
	// Each thing in it can be dereferenced.
	ids := []did.URL{}
	for _, m := range doc.VerificationMethod {
		ids = append(ids, m.ID)
	}
	for _, s := range doc.Service {
		ids = append(ids, s.ID)
	}
	for _, id := range ids {
		if id != doc.ID.URL(id.Fragment) || id.Fragment == "" {
			continue // of another document, or no fragment: nothing that this document's DID URLs name
		}
		w := b.do("GET", url.QueryEscape(id.String()), "application/json", "")
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", id, w.Body)
		require.Contains(t, w.Body.String(), `"id":"`+id.String()+`"`)
	}
	return ""
}

// Over HTTP, a DID URL leads to what did.Dereference says by itself, errors included.
func TestHandlerAnswersAsDereferenceDoes(t *testing.T) {
	doc, _ := newYard(t)
	r := resolver.Methods{"key": did.Offline{}, "example": resolver.Static{doc.ID: {{Document: doc}}}}
	b := newBinding(r)
	accepts := []string{"", did.MediaTypeDocument, "application/did+json", "application/did+ld+json", did.MediaTypeURIList}
	uses := []did.Relationship{"", did.AssertionMethod, did.Authentication, "nothing"}
	n := 0
	for _, rest := range []string{"#k", "#files", "#x", "?service=files", "?service=files#files", "?service=files#k", "?service=script#k", "?service=files&relativeRef=a", "?service=files&relativeRef=a%3Fb%23c",
		"?service=files&relativeRef=..%2Fa", "?service=files&relativeRef=%2F%2Fa.example", "?serviceType=Files", "?serviceType=x", "?service=", "?relativeRef=a", "?hl=a", "?x=1", "?versionId=9", "?versionNumber=1",
		"?versionTime=2026-01-01T00:00:00Z", "/a", "/whois", "?service=files&service=files", "?%FF"} {
		u, err := did.ParseURL(doc.ID.String() + rest)
		require.NoError(t, err)
		for _, accept := range accepts {
			for _, use := range uses {
				query := ""
				if use != "" {
					query = "?verificationRelationship=" + string(use)
				}
				header := accept
				if accept == "" {
					header = resolver.MediaTypeDereferencing
				}
				want, wantErr := did.Dereference(t.Context(), r, u, did.DereferencingOptions{Accept: accept, Relationship: use})
				w := b.do("GET", url.QueryEscape(u.String())+query, header, "")
				n++
				if wantErr != nil {
					require.Contains(t, w.Body.String(), `"error":`, "%s %s %s: %v: %d", u, accept, use, wantErr, w.Code)
					var body map[string]any
					require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
					require.Equal(t, did.ErrorType(wantErr), at(t, body, "dereferencingMetadata", "error", "type"), "%s %s %s: %v", u, accept, use, wantErr)
					continue
				}
				if want.URLs != nil && strings.HasPrefix(want.URLs[0], "javascript:") {
					require.Equal(t, http.StatusNotImplemented, w.Code) // it is for who looks at it, and for no Location
					continue
				}
				if want.URLs != nil {
					require.Equal(t, http.StatusSeeOther, w.Code)
					require.Contains(t, want.URLs, w.Header().Get("Location"))
					continue
				}
				content, err := want.Content()
				require.NoError(t, err)
				got := jsontext.Value(w.Body.Bytes())
				if accept == "" {
					var body struct {
						Content jsontext.Value `json:"content"`
					}
					require.NoError(t, json.Unmarshal(got, &body))
					got = body.Content
				}
				require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
				require.JSONEq(t, string(content), string(got))
			}
		}
	}
	require.Equal(t, 24*len(accepts)*len(uses), n)
}

// A DID URL that is percent-encoded reaches a Handler behind an http.ServeMux as it is, whatever is in
// its path. One that is not, and that the ServeMux would change, is answered by nobody.
func TestHandlerBehindAServeMux(t *testing.T) {
	const prefix = "/1.0/identifiers/"
	var asked did.URL
	methods := resolver.Methods{"example": &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
		asked = id.URL("")
		return nil, did.ErrNotFound
	}}}
	mux := http.NewServeMux()
	mux.Handle(prefix, http.StripPrefix(prefix, &resolver.Handler{Resolver: methods}))
	ask := func(path string) int {
		asked = did.URL{}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", prefix+path, nil))
		return w.Code
	}
	for _, id := range []string{"did:example:a.example%3A3000:b", "did:example:a%2F%2Fb", "did:example:%2E%2E:b"} {
		for _, rest := range []string{"", "//b", "/../b", "/./b", "/b/.."} {
			require.Equal(t, http.StatusNotFound, ask(strings.ReplaceAll(url.PathEscape(id+rest), ":", "%3A")))
			require.Equal(t, id, asked.String(), rest)
			if rest == "" {
				require.Equal(t, http.StatusNotFound, ask(id))
				require.Equal(t, id, asked.String())
				continue
			}
			require.Equal(t, http.StatusTemporaryRedirect, ask(id+rest))
			require.Zero(t, asked)
		}
	}
}
