package did_test

import (
	"context"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
)

// drone is the document of the examples of DID Resolution 1.0 §5.5, with more to choose from.
const drone = `{
	"@context": ["https://www.w3.org/ns/did/v1.1"],
	"id": "did:example:drone",
	"verificationMethod": [
		{"id": "#keys-1", "type": "Multikey", "controller": "did:example:drone", "publicKeyMultibase": "z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu"},
		{"id": "#spare", "type": "Multikey", "controller": "did:example:drone", "publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}
	],
	"authentication": ["#keys-1", {"id": "#inside", "type": "Multikey", "controller": "did:example:drone", "publicKeyMultibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}],
	"service": [
		{"id": "#messages", "type": "DIDCommMessaging", "serviceEndpoint": "https://example.com/messages/8377464"},
		{"id": "#files", "type": ["Files", "Record"], "serviceEndpoint": "https://files.example/drone/", "note": "of the maker"},
		{"id": "#root", "type": "Files", "serviceEndpoint": ["https://a.example", "https://b.example/?v=1", {"uri": "https://c.example"}]},
		{"id": "#map", "type": "DIDCommMessaging", "serviceEndpoint": {"uri": "https://c.example"}},
		{"id": "#other", "type": "Elsewhere", "serviceEndpoint": "did:example:shop/a/?service=files"},
		{"id": "#mail", "type": "Mail", "serviceEndpoint": "mailto:drone@example.com"},
		{"id": "#anchored", "type": "Anchored", "serviceEndpoint": "https://example.com/a#b"},
		{"id": "#broken", "type": "Broken", "serviceEndpoint": "https://example.com/\nLocation: https://evil.example"}
	]
}`

// webvh is a document of a method that gives paths a meaning.
const webvh = `{"id": "did:webvh:QmS:example.com", "service": [
	{"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://cdn.example/drone/"},
	{"id": "#whois", "type": "LinkedVerifiablePresentation", "serviceEndpoint": "https://example.com/whois.vp"}]}`

func newDrone(t testing.TB) did.Resolver {
	doc, err := did.ParseDocument([]byte(drone))
	require.NoError(t, err)
	other, err := did.ParseDocument([]byte(webvh))
	require.NoError(t, err)
	return resolverFunc(func(id did.DID, v did.Version) (*did.Resolution, error) {
		switch {
		case id == other.ID:
			return &did.Resolution{Document: other}, nil
		case v.Number == 2:
			return &did.Resolution{Document: doc, VersionID: "2"}, nil
		case !v.IsZero():
			return nil, did.ErrVersionUnknown
		case id == doc.ID:
			return &did.Resolution{Document: doc, VersionID: "3"}, nil
		}
		return nil, did.ErrNotFound
	})
}

func dereference(t testing.TB, url string, o did.DereferencingOptions) (*did.Dereferenced, error) {
	u, err := did.ParseURL(url)
	require.NoError(t, err)
	return did.Dereference(t.Context(), newDrone(t), u, o)
}

func TestADIDURLLeadsToWhatTheDocumentSays(t *testing.T) {
	list := did.DereferencingOptions{Accept: did.MediaTypeURIList}
	for _, tc := range []struct {
		name, url string
		o         did.DereferencingOptions
		want      string // the id of what it is, or URLs
	}{
		{"the document", "did:example:drone", did.DereferencingOptions{}, "did:example:drone"},
		{"an empty query", "did:example:drone?", did.DereferencingOptions{}, "did:example:drone"},
		{"a version", "did:example:drone?versionNumber=2", did.DereferencingOptions{}, "did:example:drone"},
		{"a version by option", "did:example:drone", did.DereferencingOptions{Version: did.Version{Number: 2}}, "did:example:drone"},
		{"the same version twice", "did:example:drone?versionNumber=2", did.DereferencingOptions{Version: did.Version{Number: 2}}, "did:example:drone"},
		{"a key (§5.5.1)", "did:example:drone#keys-1", did.DereferencingOptions{}, "did:example:drone#keys-1"},
		{"a key of a version", "did:example:drone?versionNumber=2#keys-1", did.DereferencingOptions{}, "did:example:drone#keys-1"},
		{"an embedded key", "did:example:drone#inside", did.DereferencingOptions{}, "did:example:drone#inside"},
		{"a key for a purpose", "did:example:drone#keys-1", did.DereferencingOptions{Relationship: did.Authentication}, "did:example:drone#keys-1"},
		{"an embedded key for its purpose", "did:example:drone#inside", did.DereferencingOptions{Relationship: did.Authentication}, "did:example:drone#inside"},
		{"a service by fragment", "did:example:drone#files", did.DereferencingOptions{}, "did:example:drone#files"},
		{"the document with one service", "did:example:drone?service=files", did.DereferencingOptions{}, "did:example:drone"},
		{"a service of that document", "did:example:drone?service=files#files", did.DereferencingOptions{}, "did:example:drone#files"},
		{"a key of that document", "did:example:drone?service=files#keys-1", did.DereferencingOptions{}, "did:example:drone#keys-1"},
		{"the document although there is a relativeRef", "did:example:drone?service=files&relativeRef=a", did.DereferencingOptions{Accept: did.MediaTypeDocument}, "did:example:drone"},
		{"a URL", "did:example:drone?service=files", list, "https://files.example/drone/"},
		{"a URL by the whole id", "did:example:drone?service=did%3Aexample%3Adrone%23files", list, "https://files.example/drone/"},
		{"a URL by a relative id", "did:example:drone?service=%23files", list, "https://files.example/drone/"},
		{"URLs by type", "did:example:drone?serviceType=Files", list, "https://files.example/drone/ https://a.example https://b.example/?v=1"},
		{"by id and type", "did:example:drone?serviceType=Files&service=root", list, "https://a.example https://b.example/?v=1"},
		{"a map is skipped", "did:example:drone?serviceType=DIDCommMessaging", list, "https://example.com/messages/8377464"},
		{"a DID URL", "did:example:drone?service=other", list, "did:example:shop/a/?service=files"},
		{"no host", "did:example:drone?service=mail", list, "mailto:drone@example.com"},
		{"below an endpoint", "did:example:drone?service=files&relativeRef=2026/a.pdf", did.DereferencingOptions{}, "https://files.example/drone/2026/a.pdf"},
		{"with a query (§5.4.1)", "did:example:drone?service=files&relativeRef=doc%3Fversion%3Dlatest#intro", did.DereferencingOptions{}, "https://files.example/drone/doc?version=latest#intro"},
		{"an anchor in the relativeRef", "did:example:drone?service=files&relativeRef=doc%23a", did.DereferencingOptions{}, "https://files.example/drone/doc#a"},
		{"from the root", "did:example:drone?service=root&relativeRef=%2Fa%2Fb", did.DereferencingOptions{}, "https://a.example/a/b https://b.example/a/b"},
		{"beside the last part of a path", "did:example:drone?service=messages&relativeRef=8377465", did.DereferencingOptions{}, "https://example.com/messages/8377465"},
		{"from the root, within", "did:example:drone?service=messages&relativeRef=%2Fmessages%2F1", did.DereferencingOptions{}, "https://example.com/messages/1"},
		{"dots that stay within", "did:example:drone?service=files&relativeRef=a%2F..%2Fb%2F.%2Fc", did.DereferencingOptions{}, "https://files.example/drone/b/c"},
		{"an empty relativeRef", "did:example:drone?service=root&relativeRef=", did.DereferencingOptions{}, "https://a.example https://b.example/?v=1"},
		{"below a DID URL", "did:example:drone?service=other&relativeRef=b", did.DereferencingOptions{}, "did:example:shop/a/b"},
		{"a parameter beside those of services", "did:example:drone?service=files&x=1", list, "https://files.example/drone/"},
		{"did:webvh: a path", "did:webvh:QmS:example.com/2026/a.pdf", did.DereferencingOptions{}, "https://cdn.example/drone/2026/a.pdf"},
		{"did:webvh: a path with a fragment", "did:webvh:QmS:example.com/a#b", did.DereferencingOptions{}, "https://cdn.example/drone/a#b"},
		{"did:webvh: whois", "did:webvh:QmS:example.com/whois", did.DereferencingOptions{}, "https://example.com/whois.vp"},
		{"did:webvh: the service whois", "did:webvh:QmS:example.com#whois", did.DereferencingOptions{}, "did:webvh:QmS:example.com#whois"},
		{"did:webvh: its URL", "did:webvh:QmS:example.com?service=whois", list, "https://example.com/whois.vp"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := dereference(t, tc.url, tc.o)
			require.NoError(t, err)
			content, err := d.Content()
			require.NoError(t, err)
			if d.URLs != nil {
				require.Equal(t, strings.Fields(tc.want), d.URLs)
				require.Equal(t, did.MediaTypeURIList, d.MediaType())
				require.Equal(t, strings.Join(d.URLs, "\r\n")+"\r\n", string(content))
				return
			}
			require.Equal(t, did.MediaTypeDocument, d.MediaType())
			var object struct {
				ID string `json:"id"`
			}
			require.NoError(t, json.Unmarshal(content, &object))
			require.Equal(t, tc.want, object.ID)
		})
	}

	d, err := dereference(t, "did:example:drone?versionNumber=2#keys-1", did.DereferencingOptions{})
	require.NoError(t, err)
	require.Equal(t, "2", d.Resolution.VersionID)
	content, err := d.Content()
	require.NoError(t, err)
	require.JSONEq(t, `{"@context":["https://www.w3.org/ns/did/v1.1"],"id":"did:example:drone#keys-1","type":"Multikey","controller":"did:example:drone",
		"publicKeyMultibase":"z6MkmM42vxfqZQsv4ehtTjFFxQ4sQKS2w6WR7emozFAn5cxu"}`, string(content))

	d, err = dereference(t, "did:example:drone", did.DereferencingOptions{})
	require.NoError(t, err)
	content, err = d.Content()
	require.NoError(t, err)
	require.Equal(t, drone, string(content), "the document as it was published")

	d, err = dereference(t, "did:example:drone?serviceType=Record", did.DereferencingOptions{})
	require.NoError(t, err)
	require.Len(t, d.Document.Service, 1)
	require.Len(t, d.Resolution.Document.Service, 8, "the resolver's document is left alone")
	content, err = d.Content()
	require.NoError(t, err)
	require.Contains(t, string(content), `"note":"of the maker"`)
	require.NotContains(t, string(content), "#messages")
}

// The terms of a part are those of its document, unless the part says otherwise.
func TestAPartHasItsContext(t *testing.T) {
	for _, tc := range []struct{ name, document, part, want string }{
		{"none", ``, ``, ``},
		{"the document's", `"@context":["https://a.example"],`, ``, `"@context":["https://a.example"],`},
		{"its own", ``, `,"@context":"https://b.example"`, `"@context":["https://b.example"],`},
		{"both", `"@context":"https://a.example",`, `,"@context":["https://b.example",{"c":"https://c.example"}]`, `"@context":["https://a.example","https://b.example",{"c":"https://c.example"}],`},
		{"an empty one", `"@context":"https://a.example",`, `,"@context":[ ]`, `"@context":["https://a.example"],`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, err := did.ParseDocument([]byte(`{` + tc.document + `"id":"did:a:b","service":[{"id":"#s","type":"T","serviceEndpoint":"https://d.example"` + tc.part + `}]}`))
			require.NoError(t, err)
			r := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return &did.Resolution{Document: doc}, nil })
			d, err := did.Dereference(t.Context(), r, doc.ID.URL("s"), did.DereferencingOptions{})
			require.NoError(t, err)
			content, err := d.Content()
			require.NoError(t, err)
			require.Equal(t, `{`+tc.want+`"id":"did:a:b#s","type":"T","serviceEndpoint":"https://d.example"}`, string(content))
		})
	}
	broken := &did.Dereferenced{Resolution: &did.Resolution{Document: new(did.Document)}, Service: &did.Service{Extra: []did.Member{{Name: "@context", Value: "["}}}}
	_, err := broken.Content()
	require.NoError(t, err, "an open bracket is taken for an empty list")
	broken.Service.Extra[0].Value = `[{`
	_, err = broken.Content()
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

func TestADIDURLThatLeadsNowhereIsRefused(t *testing.T) {
	list := did.DereferencingOptions{Accept: did.MediaTypeURIList}
	none := did.DereferencingOptions{}
	for _, tc := range []struct {
		name, url string
		o         did.DereferencingOptions
		want      error
		typ       string
	}{
		{"no such DID", "did:example:nobody", none, did.ErrNotFound, "NOT_FOUND"},
		{"no such fragment", "did:example:drone#keys-2", none, did.ErrNotFound, "NOT_FOUND"},
		{"no such service", "did:example:drone?service=nothing", none, did.ErrNotFound, "NOT_FOUND"},
		{"no such type", "did:example:drone?serviceType=files", none, did.ErrNotFound, "NOT_FOUND"},
		{"not of both", "did:example:drone?serviceType=Files&service=messages", none, did.ErrNotFound, "NOT_FOUND"},
		{"a service that is not selected", "did:example:drone?service=files#messages", none, did.ErrNotFound, "NOT_FOUND"},
		{"no URL, a map", "did:example:drone?service=map", list, did.ErrNotFound, "NOT_FOUND"},
		{"a path of a method without paths", "did:example:drone/files", none, did.ErrNotFound, "NOT_FOUND"},
		{"an unknown parameter", "did:example:drone?transformKey=JsonWebKey", none, did.ErrNotFound, "NOT_FOUND"},
		{"a path with a parameter", "did:webvh:QmS:example.com/a?x=1", none, did.ErrNotFound, "NOT_FOUND"},
		{"a path and a service", "did:webvh:QmS:example.com/a?service=files", none, did.ErrNotFound, "NOT_FOUND"},
		{"a version nobody knows", "did:example:drone?versionTime=2026-01-01T00:00:00Z", none, did.ErrVersionUnknown, "FEATURE_NOT_SUPPORTED"},
		{"a hash", "did:example:drone?hl=zQm", none, did.ErrFeatureNotSupported, "FEATURE_NOT_SUPPORTED"},
		{"two versions", "did:example:drone?versionNumber=2", did.DereferencingOptions{Version: did.Version{Number: 3}}, did.ErrInvalidOptions, "INVALID_OPTIONS"},
		{"no relationship", "did:example:drone#keys-1", did.DereferencingOptions{Relationship: "assertion"}, did.ErrInvalidOptions, "INVALID_OPTIONS"},
		{"another relationship", "did:example:drone#keys-1", did.DereferencingOptions{Relationship: did.AssertionMethod}, did.ErrKeyNotAuthorized, "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"},
		{"no key, a service", "did:example:drone#files", did.DereferencingOptions{Relationship: did.AssertionMethod}, did.ErrInvalidKey, "INVALID_VERIFICATION_METHOD"},
		{"no key, the document", "did:example:drone", did.DereferencingOptions{Relationship: did.AssertionMethod}, did.ErrInvalidKey, "INVALID_VERIFICATION_METHOD"},
		{"another media type", "did:example:drone", did.DereferencingOptions{Accept: "text/html"}, did.ErrRepresentationNotSupported, "REPRESENTATION_NOT_SUPPORTED"},
		{"URLs of a document", "did:example:drone", list, did.ErrRepresentationNotSupported, "REPRESENTATION_NOT_SUPPORTED"},
		{"a document at the end of a path", "did:webvh:QmS:example.com/a", did.DereferencingOptions{Accept: did.MediaTypeDocument}, did.ErrRepresentationNotSupported, "REPRESENTATION_NOT_SUPPORTED"},
		{"JSON-LD without @context", "did:webvh:QmS:example.com", did.DereferencingOptions{Accept: "application/did+ld+json"}, did.ErrRepresentationNotSupported, "REPRESENTATION_NOT_SUPPORTED"},
		{"a parameter twice", "did:example:drone?service=files&service=root", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"an empty service", "did:example:drone?service=", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"an empty type", "did:example:drone?serviceType=", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"33 parameters", "did:example:drone?service=files" + strings.Repeat("&", 32), none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"a relativeRef alone", "did:example:drone?relativeRef=a", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"not UTF-8", "did:example:drone?%FF=1", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"a bad version", "did:example:drone?versionNumber=0", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"an endpoint with a line break", "did:example:drone?service=broken", list, did.ErrInvalidDocument, "INVALID_DID_DOCUMENT"},
		{"two fragments", "did:example:drone?service=anchored#c", list, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"two fragments of a relativeRef", "did:example:drone?service=files&relativeRef=a%23b#c", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"nothing is below mailto:", "did:example:drone?service=mail&relativeRef=a", none, did.ErrNotFound, "NOT_FOUND"},

		{"another scheme", "did:example:drone?service=files&relativeRef=https%3A%2F%2Fevil.example", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"javascript", "did:example:drone?service=files&relativeRef=javascript%3Aalert(1)", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"another host", "did:example:drone?service=files&relativeRef=%2F%2Fevil.example%2F", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"another host with backslashes", `did:example:drone?service=files&relativeRef=%5C%5Cevil.example`, none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"a line break", "did:example:drone?service=files&relativeRef=a%0D%0AX%3A1", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up", "did:example:drone?service=files&relativeRef=..%2Fother", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up and back to a brother", "did:example:drone?service=files&relativeRef=..%2Fdrone2%2Fa", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up, encoded twice", "did:example:drone?service=files&relativeRef=%252E%252E%252Fother", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up, encoded thrice", "did:example:drone?service=files&relativeRef=%25252E%25252E%25252Fother", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up, half encoded", "did:example:drone?service=files&relativeRef=.%252E%2Fother", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up with a backslash", "did:example:drone?service=files&relativeRef=..%255Cother", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"from the root, out of the folder", "did:example:drone?service=messages&relativeRef=%2Fsome%2Fpath", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up in a DID URL", "did:example:drone?service=other&relativeRef=..%2Fb", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"another DID", "did:example:drone?service=other&relativeRef=did%3Aexample%3Aevil", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up in a path", "did:webvh:QmS:example.com/../b", none, did.ErrInvalidURL, "INVALID_DID_URL"},
		{"up in a path, encoded", "did:webvh:QmS:example.com/%2e%2e/b", none, did.ErrInvalidURL, "INVALID_DID_URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := dereference(t, tc.url, tc.o)
			require.Nil(t, d)
			require.ErrorIs(t, err, tc.want)
			require.Equal(t, tc.typ, did.ErrorType(err)[strings.IndexByte(did.ErrorType(err), '#')+1:])
			require.Equal(t, tc.want != did.ErrVersionUnknown, did.IsAnswer(err))
		})
	}

	_, err := did.Dereference(t.Context(), nil, did.URL{}, did.DereferencingOptions{})
	require.ErrorIs(t, err, did.ErrInvalidDID)
	u := did.MustParse("did:example:drone").URL("a b")
	_, err = did.Dereference(t.Context(), nil, u, did.DereferencingOptions{})
	require.ErrorIs(t, err, did.ErrInvalidURL)
	u = did.MustParse("did:example:drone").URL("a")
	lies := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) {
		return newDrone(t).Resolve(t.Context(), did.MustParse("did:webvh:QmS:example.com"), did.Version{})
	})
	_, err = did.Dereference(t.Context(), lies, u, did.DereferencingOptions{})
	require.ErrorIs(t, err, did.ErrInvalidDocument)
	for _, res := range []*did.Resolution{nil, {}} {
		silent := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return res, nil })
		_, err = did.Dereference(t.Context(), silent, u, did.DereferencingOptions{})
		require.Error(t, err)
		require.False(t, did.IsAnswer(err))
	}
	_, err = (&did.Dereferenced{}).Content()
	require.ErrorIs(t, err, did.ErrInvalidDocument)
	_, err = (&did.Dereferenced{Document: &did.Document{}}).Content()
	require.ErrorIs(t, err, did.ErrInvalidDocument)
	doc := &did.Document{ID: u.DID}
	_, err = (&did.Dereferenced{Resolution: &did.Resolution{Document: doc}, Service: &did.Service{Extra: []did.Member{{Name: "a", Value: "{"}}}}).Content()
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

// RFC 3986 §5.4: the normal examples and the abnormal ones, of those that stay below http://a/.
func TestReferencesAreResolvedAsRFC3986Says(t *testing.T) {
	doc := &did.Document{ID: did.MustParse("did:example:a"), Service: []did.Service{{ID: did.MustParse("did:example:a").URL("s"), Type: []string{"T"}, Endpoint: []string{"http://a/b/c/d;p?q"}}}}
	r := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return &did.Resolution{Document: doc}, nil })
	for ref, want := range map[string]string{
		"g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/", "?y": "http://a/b/c/d;p?y", "g?y": "http://a/b/c/g?y",
		"#s": "http://a/b/c/d;p?q#s", "g#s": "http://a/b/c/g#s", "g?y#s": "http://a/b/c/g?y#s", ";x": "http://a/b/c/;x", "g;x": "http://a/b/c/g;x",
		"g;x?y#s": "http://a/b/c/g;x?y#s", "": "http://a/b/c/d;p?q", ".": "http://a/b/c/", "./": "http://a/b/c/",
		"g.": "http://a/b/c/g.", ".g": "http://a/b/c/.g", "g..": "http://a/b/c/g..", "..g": "http://a/b/c/..g", "./g/.": "http://a/b/c/g/", "g/./h": "http://a/b/c/g/h",
		"g/../h": "http://a/b/c/h", "g;x=1/./y": "http://a/b/c/g;x=1/y", "g;x=1/../y": "http://a/b/c/y",
		"g?y/./x": "http://a/b/c/g?y/./x", "g?y/../x": "http://a/b/c/g?y/../x", "g#s/./x": "http://a/b/c/g#s/./x", "g#s/../x": "http://a/b/c/g#s/../x",
		// RFC 3986 takes these out of the folder, or elsewhere altogether: refused.
		"..": "", "../": "", "../g": "", "../..": "", "../../": "", "../../g": "", "../../../g": "", "/g": "", "//g": "", "g:h": "", "/./g": "", "/../g": "", "./../g": "", "http:g": "",
	} {
		u, err := did.ParseURL("did:example:a?service=s&relativeRef=" + strings.NewReplacer("%", "%25", "#", "%23", "&", "%26").Replace(ref))
		require.NoError(t, err)
		d, err := did.Dereference(t.Context(), r, u, did.DereferencingOptions{})
		if want == "" {
			require.ErrorIs(t, err, did.ErrInvalidURL, "%q", ref)
			continue
		}
		require.NoError(t, err, "%q", ref)
		require.Equal(t, []string{want}, d.URLs, "%q", ref)
	}
}

// Whatever relativeRef says, the URL stays at the host and in the folder of the endpoint.
func TestARelativeRefStaysAtTheEndpoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := rapid.StringMatching(`([a.:/\\?#@%]|\.\./|%2[eEfF]|%5C|%252e|//|https:){0,8}`).Draw(t, "relativeRef")
		query := "service=files&relativeRef=" + strings.NewReplacer("%", "%25", "#", "%23", "&", "%26", "\\", "%5C").Replace(ref)
		u, err := did.ParseURL("did:example:drone?" + query)
		require.NoError(t, err)
		doc, err := did.ParseDocument([]byte(drone))
		require.NoError(t, err)
		r := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return &did.Resolution{Document: doc}, nil })
		d, err := did.Dereference(context.Background(), r, u, did.DereferencingOptions{})
		if err != nil {
			require.True(t, did.IsAnswer(err), err)
			return
		}
		require.Len(t, d.URLs, 1)
		require.True(t, strings.HasPrefix(d.URLs[0], "https://files.example/drone/"), d.URLs[0])
	})
}

func TestRelativeURLsAreWrittenOut(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"nothing to do", `{"id":"did:a:b","x":[1, 2]}`, `{"id":"did:a:b","x":[1, 2]}`},
		{"ids and references, and nothing else",
			` {"id":"did:a:b","verificationMethod":[{"id" : "#k","type":"T","controller":"did:a:b","x":{"id":"#inner"}}],"authentication":["#k","did:a:b#k",{"type":"T","controller":"did:a:b","id":"#e"}]}`,
			`{"id":"did:a:b","verificationMethod":[{"id" : "did:a:b#k","type":"T","controller":"did:a:b","x":{"id":"#inner"}}],"authentication":["did:a:b#k","did:a:b#k",{"type":"T","controller":"did:a:b","id":"did:a:b#e"}]}`},
		{"services and what extends the document",
			`{"service":[{"id":"?service=a","type":"T","serviceEndpoint":"#no"}],"id":"did:a:b","linkedResource":{"id":"/r"},"more":[{"id":"urn:x:y"},"#no",{"id":7}],"alsoKnownAs":["#no"]}`,
			`{"service":[{"id":"did:a:b?service=a","type":"T","serviceEndpoint":"#no"}],"id":"did:a:b","linkedResource":{"id":"did:a:b/r"},"more":[{"id":"urn:x:y"},"#no",{"id":7}],"alsoKnownAs":["#no"]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, err := did.ParseDocument([]byte(tc.in))
			require.NoError(t, err)
			out, err := doc.ExpandRelative()
			require.NoError(t, err)
			require.Equal(t, tc.want, string(out))
			again, err := did.ParseDocument(out)
			require.NoError(t, err)
			require.Equal(t, doc.VerificationMethod, again.VerificationMethod)
			require.Equal(t, doc.Authentication, again.Authentication)
			require.Equal(t, doc.Service, again.Service)
		})
	}
	made := &did.Document{ID: did.MustParse("did:a:b"), Authentication: []did.MethodRef{{ID: did.MustParse("did:a:b").URL("k")}}}
	out, err := made.ExpandRelative()
	require.NoError(t, err)
	require.Equal(t, `{"id":"did:a:b","authentication":["did:a:b#k"]}`, string(out))
	_, err = (&did.Document{Raw: "{"}).ExpandRelative()
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

// Nothing makes Dereference panic, and what it gives is of the media type that it says.
func FuzzDereference(f *testing.F) {
	f.Add("did:example:drone?service=files&relativeRef=%2Fa%3Fb#c", drone, "", "")
	f.Add("did:example:drone#keys-1", drone, did.MediaTypeDocument, "authentication")
	f.Add("did:webvh:QmS:example.com/a/b", webvh, did.MediaTypeURIList, "")
	f.Fuzz(func(t *testing.T, url, document, accept, use string) {
		u, err := did.ParseURL(url)
		if err != nil {
			return
		}
		doc, err := did.ParseDocument([]byte(document))
		if err != nil {
			return
		}
		r := resolverFunc(func(did.DID, did.Version) (*did.Resolution, error) { return &did.Resolution{Document: doc}, nil })
		d, err := did.Dereference(context.Background(), r, u, did.DereferencingOptions{Accept: accept, Relationship: did.Relationship(use)})
		if err != nil {
			if !did.IsAnswer(err) {
				t.Fatal(err)
			}
			return
		}
		content, err := d.Content()
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if d.MediaType() == did.MediaTypeURIList {
			if lines := strings.Split(string(content), "\r\n"); len(lines) != len(d.URLs)+1 || strings.ContainsAny(strings.Join(lines, ""), "\r\n\t ") {
				t.Fatalf("%q", content)
			}
			return
		}
		var object map[string]any
		if err := json.Unmarshal(content, &object); err != nil {
			t.Fatalf("%q: %v", content, err)
		}
	})
}

func BenchmarkDereference(b *testing.B) {
	r := newDrone(b)
	for name, url := range map[string]string{"key": "did:example:drone#keys-1", "service": "did:example:drone?service=files&relativeRef=2026/a.pdf"} {
		u, err := did.ParseURL(url)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := did.Dereference(b.Context(), r, u, did.DereferencingOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(signatureCheck(b, ed25519.PublicKey{})), "/check")
		})
	}
}
