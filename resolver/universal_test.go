package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

// told is what a resolver answers.
type told struct {
	status     int
	kind, body string
}

const resultType = "application/did-resolution"

// universal returns a Universal whose resolver says what is put into the told.
func universal(t testing.TB, says *told, seen func(*http.Request)) resolver.Universal {
	base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen(r)
		}
		w.Header()["Content-Type"] = nil
		if says.kind != "" {
			w.Header().Set("Content-Type", says.kind)
		}
		w.WriteHeader(says.status)
		io.WriteString(w, says.body)
	})
	return resolver.Universal{Client: c, URL: base + "/1.0/identifiers/"}
}

// resultOf is the result of an ion DID with this metadata.
func resultOf(id, metadata string) string {
	return fmt.Sprintf(`{"didDocument":{"id":%q},"didResolutionMetadata":{"contentType":"application/did"},"didDocumentMetadata":%s}`, id, metadata)
}

func TestUniversal(t *testing.T) {
	var says told
	u := universal(t, &says, nil)
	march := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	const ion = "did:ion:abc"
	failed := func(e string) string {
		return `{"didDocument":null,"didResolutionMetadata":{"error":` + e + `},"didDocumentMetadata":{}}`
	}
	w3c := func(name string) string {
		return failed(`{"type":"https://www.w3.org/ns/did#` + name + `","title":"x","detail":"the reason"}`)
	}
	at := func(d time.Duration) did.Version { return did.Version{Time: march.Add(d)} }
	day := 24 * time.Hour
	dates := resultOf(ion, `{"created":"2026-01-01T00:00:00Z","updated":"2026-03-01T00:00:00Z","nextUpdate":"2026-03-09T00:00:00Z","versionId":"v2"}`)

	for _, tt := range []struct {
		name   string
		says   told
		v      did.Version
		reason error // of a RefuseError; nil for a RetryError, unless answer is nil, too, and text is ""
		answer error
		text   string
	}{
		{"a result", told{200, resultType, resultOf(ion, `{}`)}, did.Version{}, nil, nil, ""},
		{"as a draft had it", told{200, `application/ld+json;profile="https://w3id.org/did-resolution"`, `{"@context":"https://w3id.org/did-resolution/v1",` + resultOf(ion, `{}`)[1:]}, did.Version{}, nil, nil, ""},
		{"as another had it", told{200, "application/did-resolution-result", `{"didDocument":{"id":"` + ion + `"}}`}, did.Version{}, nil, nil, ""},
		{"as JSON, with nothing as null", told{200, "application/json; charset=utf-8", `{"didDocument":{"id":"` + ion + `"},"didDocumentMetadata":null,"didResolutionMetadata":null}`}, did.Version{}, nil, nil, ""},
		{"a document alone", told{200, "application/did+ld+json", `{"id":"` + ion + `"}`}, did.Version{}, nil, nil, ""},
		{"the version asked for", told{200, resultType, dates}, did.Version{ID: "v2"}, nil, nil, ""},
		{"in force then", told{200, resultType, dates}, at(day), nil, nil, ""},
		{"in force since", told{200, resultType, dates}, at(0), nil, nil, ""},
		{"retired since", told{410, resultType, strings.Replace(dates, `"versionId"`, `"deactivated":true,"versionId"`, 1)}, at(day), nil, nil, ""},
		{"retired since, by name", told{410, resultType, resultOf(ion, `{"deactivated":true,"versionId":"v2"}`)}, did.Version{ID: "v2"}, nil, nil, ""},

		// Answers.
		{"not found", told{404, resultType, w3c("NOT_FOUND")}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "the reason"},
		{"not found, as drafts had it", told{404, resultType, failed(`"notFound"`)}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "notFound"},
		{"not found, and 200", told{200, "application/json", failed(`"notFound"`)}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "notFound"},
		{"not found, as a problem", told{404, "application/problem+json", `{"type":"https://www.w3.org/ns/did#NOT_FOUND","title":"gone fishing"}`}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "gone fishing"},
		{"not found, nothing else", told{404, resultType, `{}`}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "NOT_FOUND"},
		{"not found, nothing at all", told{404, resultType, ""}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "NOT_FOUND"},
		{"not found, as JSON", told{404, "application/json", failed(`"notFound"`)}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "notFound"},
		{"not found, instead of a document", told{404, "application/did", ""}, did.Version{}, resolver.ErrStatus, did.ErrNotFound, "NOT_FOUND"},
		{"invalid DID", told{400, resultType, w3c("INVALID_DID")}, did.Version{}, resolver.ErrStatus, did.ErrInvalidDID, ""},
		{"invalid DID, as drafts had it", told{400, resultType, failed(`"invalidDid"`)}, did.Version{}, resolver.ErrStatus, did.ErrInvalidDID, ""},
		{"invalid DID, nothing else", told{400, resultType, `{}`}, did.Version{}, resolver.ErrStatus, did.ErrInvalidDID, ""},
		{"invalid URL", told{400, resultType, failed(`"invalidDidUrl"`)}, did.Version{}, resolver.ErrStatus, did.ErrInvalidURL, ""},
		{"invalid options", told{400, resultType, w3c("INVALID_OPTIONS")}, did.Version{ID: "x"}, resolver.ErrStatus, did.ErrInvalidOptions, ""},
		{"invalid document", told{500, resultType, w3c("INVALID_DID_DOCUMENT")}, did.Version{}, resolver.ErrStatus, did.ErrInvalidDocument, ""},
		{"another method", told{501, resultType, w3c("METHOD_NOT_SUPPORTED")}, did.Version{}, resolver.ErrStatus, did.ErrMethodNotSupported, ""},
		{"another method, nothing else", told{501, resultType, "{}"}, did.Version{}, resolver.ErrStatus, did.ErrMethodNotSupported, ""},
		{"a key that is none", told{500, resultType, failed(`"invalidPublicKeyLength"`)}, did.Version{}, resolver.ErrStatus, did.ErrInvalidKey, ""},
		{"a key of another type", told{501, resultType, failed(`{"type":"https://w3id.org/security#INVALID_VERIFICATION_METHOD"}`)}, did.Version{}, resolver.ErrStatus, did.ErrKeyNotSupported, ""},
		{"retired", told{410, resultType, resultOf(ion, `{"deactivated":true}`)}, did.Version{}, resolver.ErrStatus, did.ErrDeactivated, ""},
		{"retired, as JSON", told{410, "application/json", resultOf(ion, `{}`)}, did.Version{}, resolver.ErrStatus, did.ErrDeactivated, ""},
		{"retired, and 200", told{200, resultType, resultOf(ion, `{"deactivated":true}`)}, did.Version{}, resolver.ErrStatus, did.ErrDeactivated, ""},
		{"retired, and not found", told{410, resultType, `{"didDocument":null,"didResolutionMetadata":{"error":"notFound"},"didDocumentMetadata":{"deactivated":true}}`}, did.Version{}, resolver.ErrStatus, did.ErrDeactivated, ""},
		{"retired, a document alone", told{410, "application/did", `{"id":"` + ion + `"}`}, did.Version{}, resolver.ErrStatus, did.ErrDeactivated, ""},
		{"retired by then", told{410, resultType, resultOf(ion, `{"deactivated":true,"updated":"2026-01-01T00:00:00Z"}`)}, at(day), resolver.ErrStatus, did.ErrDeactivated, ""},
		{"a document of another", told{200, resultType, resultOf("did:ion:abd", `{"canonicalId":"did:ion:abc"}`)}, did.Version{}, resolver.ErrContent, did.ErrInvalidDocument, "got the document of did:ion:abd"},
		{"a document that is none", told{200, resultType, `{"didDocument":{"id":"did:ion:abc","authentication":7}}`}, did.Version{}, resolver.ErrContent, did.ErrInvalidDocument, ""},
		{"a document of nobody", told{200, resultType, `{"didDocument":{"authentication":[]}}`}, did.Version{}, resolver.ErrContent, did.ErrInvalidDocument, ""},
		{"a document with a private key", told{200, resultType, `{"didDocument":{"id":"did:ion:abc","verificationMethod":[{"id":"#a","type":"JsonWebKey2020","controller":"did:ion:abc","privateKeyJwk":{}}]}}`}, did.Version{}, resolver.ErrContent, did.ErrInvalidDocument, "private key"},
		{"no document", told{200, resultType, `{"didDocument":null,"didResolutionMetadata":{}}`}, did.Version{}, resolver.ErrContent, nil, "neither"},
		{"an empty document", told{200, resultType, `{"didDocument":{}}`}, did.Version{}, resolver.ErrContent, nil, "neither"},

		// No answers.
		{"a page", told{200, "text/html", "<html>"}, did.Version{}, resolver.ErrContent, nil, "text/html"},
		{"the wrong path", told{404, "text/plain; charset=utf-8", "404 page not found"}, did.Version{}, fs.ErrNotExist, nil, "404"},
		{"the wrong path of a gateway", told{404, "application/json", `{"message":"no route"}`}, did.Version{}, fs.ErrNotExist, nil, "404"},
		{"the wrong path of a gateway, with a problem", told{404, "application/problem+json", `{"type":"about:blank"}`}, did.Version{}, fs.ErrNotExist, nil, "404"},
		{"the wrong path of a gateway, retired", told{410, "application/json", `{"message":"retired"}`}, did.Version{}, fs.ErrNotExist, nil, "410"},
		{"the wrong path, retired", told{410, "text/html", "<html>"}, did.Version{}, fs.ErrNotExist, nil, "410"},
		{"a 400 that may be about the version", told{400, resultType, `{}`}, did.Version{ID: "v9"}, resolver.ErrStatus, nil, "400"},
		{"no representation", told{406, resultType, w3c("REPRESENTATION_NOT_SUPPORTED")}, did.Version{}, resolver.ErrStatus, nil, "406"},
		{"who are you", told{401, "application/problem+json", `{"type":"about:blank","title":"no token"}`}, did.Version{}, resolver.ErrStatus, nil, "no token"},
		{"an error inside", told{500, resultType, w3c("INTERNAL_ERROR")}, did.Version{}, nil, nil, "the reason"},
		{"an error inside, as drafts had it", told{200, resultType, failed(`"internalError"`)}, did.Version{}, nil, nil, "internalError"},
		{"an error that nobody knows", told{500, resultType, failed(`"didNotWork"`)}, did.Version{}, nil, nil, "didNotWork"},
		{"an error without a name", told{500, resultType, failed(`{}`)}, did.Version{}, nil, nil, "without a name"},
		{"an error that is a number", told{200, resultType, failed(`7`)}, did.Version{}, nil, nil, "without a name"},
		{"overloaded", told{503, "text/html", "<html>"}, did.Version{}, nil, nil, "503"},
		{"versions are not kept", told{501, resultType, w3c("FEATURE_NOT_SUPPORTED")}, at(0), resolver.ErrStatus, did.ErrVersionUnknown, ""},
		{"the latest in place of that of then", told{200, resultType, dates}, at(-day), resolver.ErrContent, did.ErrVersionUnknown, "does not say"},
		{"one that was replaced by then", told{200, resultType, dates}, at(9 * day), resolver.ErrContent, did.ErrVersionUnknown, "does not say"},
		{"one without dates", told{200, resultType, resultOf(ion, `{}`)}, at(0), resolver.ErrContent, did.ErrVersionUnknown, "does not say"},
		{"a document alone, of then?", told{200, "application/did", `{"id":"` + ion + `"}`}, at(0), resolver.ErrContent, did.ErrVersionUnknown, "does not say"},
		{"another version", told{200, resultType, dates}, did.Version{ID: "v1"}, resolver.ErrContent, did.ErrVersionUnknown, `gives version "v2"`},
		{"no name of a version", told{200, resultType, resultOf(ion, `{}`)}, did.Version{ID: "v1"}, resolver.ErrContent, did.ErrVersionUnknown, `gives version ""`},
		{"not JSON", told{200, resultType, `{`}, did.Version{}, resolver.ErrContent, nil, ""},
		{"two members of one name", told{200, resultType, `{"didDocument":{"id":"did:ion:abc"},"didDocument":{"id":"did:ion:abc"}}`}, did.Version{}, resolver.ErrContent, nil, ""},
		{"a member in another case", told{200, resultType, `{"didDocument":{"id":"did:ion:abc"},"DidDocumentMetadata":{}}`}, did.Version{}, resolver.ErrContent, nil, "only by case"},
		{"metadata in another case", told{200, resultType, resultOf(ion, `{"Deactivated":true}`)}, did.Version{}, resolver.ErrContent, nil, "only by case"},
		{"neither document nor error", told{200, resultType, `{}`}, did.Version{}, resolver.ErrContent, nil, "neither"},
		{"a list", told{200, resultType, `[]`}, did.Version{}, resolver.ErrContent, nil, "not an array"},
		{"a document as text", told{200, resultType, `{"didDocument":"{}"}`}, did.Version{}, resolver.ErrContent, nil, "didDocument"},
		{"metadata as text", told{200, resultType, `{"didDocument":{},"didDocumentMetadata":""}`}, did.Version{}, resolver.ErrContent, nil, "didDocumentMetadata"},
		{"resolution metadata as text", told{200, resultType, `{"didDocument":{},"didResolutionMetadata":""}`}, did.Version{}, resolver.ErrContent, nil, "didResolutionMetadata"},
		{"a time that is none", told{200, resultType, resultOf(ion, `{"updated":"yesterday"}`)}, did.Version{}, resolver.ErrContent, nil, "updated"},
		{"retired as text", told{200, resultType, resultOf(ion, `{"deactivated":"false"}`)}, did.Version{}, resolver.ErrContent, nil, "deactivated"},
		{"a version that is a number", told{200, resultType, resultOf(ion, `{"versionId":3}`)}, did.Version{}, resolver.ErrContent, nil, "versionId"},
		{"a canonical DID that is none", told{200, resultType, resultOf(ion, `{"canonicalId":"x"}`)}, did.Version{}, resolver.ErrContent, nil, "canonicalId"},
		{"an equivalent DID that is none", told{200, resultType, resultOf(ion, `{"equivalentId":["x"]}`)}, did.Version{}, resolver.ErrContent, nil, "equivalentId"},
		{"equivalent DIDs without end", told{200, resultType, resultOf(ion, `{"equivalentId":["did:a:b"`+strings.Repeat(`,"did:a:b"`, 64)+`]}`)}, did.Version{}, resolver.ErrContent, nil, "at most 64"},
		{"metadata without end", told{200, resultType, resultOf(ion, `{"x":1`+many(64)+`}`)}, did.Version{}, resolver.ErrContent, nil, "at most 64"},
		{"too long", told{200, resultType, resultOf(ion, `{"x":"`+strings.Repeat("x", 200<<10)+`"}`)}, did.Version{}, resolver.ErrTooLarge, nil, "more than"},
		{"too long an error", told{404, resultType, strings.Repeat(" ", 200<<10)}, did.Version{}, resolver.ErrTooLarge, nil, "more than"},
		{"redirected to nowhere", told{302, resultType, ""}, did.Version{}, resolver.ErrStatus, nil, "302"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			says = tt.says
			res, err := u.Resolve(t.Context(), did.MustParse(ion), tt.v)
			if tt.reason == nil && tt.answer == nil && tt.text == "" {
				require.NoError(t, err)
				require.Equal(t, ion, res.Document.ID.String())
				require.WithinDuration(t, time.Now(), res.Retrieved, time.Minute)
				require.Equal(t, tt.says.status == 410, res.Deactivated)
				return
			}
			require.Error(t, err)
			require.Nil(t, res)
			if tt.reason != nil {
				require.Equal(t, tt.reason, refused(t, err, tt.reason).Reason)
			} else {
				retry(t, err)
			}
			if tt.answer != nil {
				require.ErrorIs(t, err, tt.answer)
			}
			require.Equal(t, tt.answer != nil && tt.answer != did.ErrVersionUnknown, did.IsAnswer(err), "%v", err)
			require.ErrorContains(t, err, tt.text)
			require.Less(t, len(err.Error()), 1000)
		})
	}
}

func many(n int) string {
	b := strings.Builder{}
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	return b.String()
}

func TestUniversalReadsMetadata(t *testing.T) {
	says := told{200, resultType, resultOf("did:ion:abc", `{"created":"2026-01-01T00:00:00Z","updated":"2026-03-01T02:00:00+02:00","nextUpdate":null,
		"deactivated":false,"versionId":"v2","nextVersionId":"v3","canonicalId":"did:ion:c","equivalentId":["did:ion:c","did:ion:d"],"method":{"published":true}}`)}
	u := universal(t, &says, nil)
	res, err := u.Resolve(t.Context(), did.MustParse("did:ion:abc"), did.Version{})
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), res.Retrieved, time.Minute)
	require.Equal(t, `{"id":"did:ion:abc"}`, res.Document.Raw)
	res.Document, res.Retrieved = nil, time.Time{}
	require.Equal(t, &did.Resolution{
		Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Updated: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		VersionID: "v2", NextVersionID: "v3", CanonicalID: did.MustParse("did:ion:c"),
		EquivalentID: []did.DID{did.MustParse("did:ion:c"), did.MustParse("did:ion:d")},
		Extra:        []did.Member{{Name: "method", Value: `{"published":true}`}},
	}, res)
}

// A DID and options reach the resolver as they are.
func TestUniversalAsks(t *testing.T) {
	var path, query, accept string
	says := told{404, resultType, "{}"}
	noon := time.Date(2026, 11, 29, 12, 0, 0, 5, time.UTC)
	u := universal(t, &says, func(r *http.Request) { path, query, accept = r.URL.Path, r.URL.RawQuery, r.Header.Get("Accept") })
	u.Now = func() time.Time { return noon }
	for _, tt := range []struct {
		ctx       context.Context
		id, query string
		v         did.Version
	}{
		{t.Context(), "did:ion:abc", "", did.Version{}},
		{t.Context(), "did:example:a%3Ab%2F..%2F:c", "", did.Version{}},
		{t.Context(), "did:ion:abc", "versionId=a%26versionTime%3Db", did.Version{ID: "a&versionTime=b"}},
		{t.Context(), "did:ion:abc", "versionTime=2026-11-29T11%3A00%3A00Z", did.Version{Time: noon.Add(-time.Hour).In(time.FixedZone("", 3600))}},
		{resolver.NoCache(t.Context()), "did:ion:abc", "noCache=true", did.Version{}},
	} {
		_, err := u.Resolve(tt.ctx, did.MustParse(tt.id), tt.v)
		require.ErrorIs(t, err, did.ErrNotFound)
		require.Equal(t, "/1.0/identifiers/"+tt.id, path)
		require.Equal(t, tt.query, query)
		require.True(t, strings.HasPrefix(accept, "application/did-resolution, "), accept)
	}
}

// What this module can verify, or nobody can know, is not asked for.
func TestUniversalRefusesUnasked(t *testing.T) {
	says := told{500, "", ""}
	u := universal(t, &says, func(*http.Request) { t.Error("asked") })
	for id, want := range map[string]error{
		"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp": did.ErrMethodNotSupported,
		"did:web:shop.example":   did.ErrMethodNotSupported,
		"did:webvh:x:y.example":  did.ErrMethodNotSupported,
		"did:jwk:x":              did.ErrMethodNotSupported,
		"did:peer:2x":            did.ErrMethodNotSupported,
		"did:pkh:eip155:1:0x0":   did.ErrMethodNotSupported,
		"did:x509:0:sha256:x::y": did.ErrMethodNotSupported,
	} {
		_, err := u.Resolve(t.Context(), did.MustParse(id), did.Version{})
		require.ErrorIs(t, err, want)
	}
	for method := range resolver.All(nil, nil).Next.(resolver.Methods) {
		_, err := u.Resolve(t.Context(), did.MustParse("did:"+method+":x"), did.Version{})
		require.ErrorIs(t, err, did.ErrMethodNotSupported, method)
	}
	ion := did.MustParse("did:ion:abc")
	_, err := u.Resolve(t.Context(), did.DID{}, did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDID)
	_, err = u.Resolve(t.Context(), ion, did.Version{ID: "1", Number: 2})
	require.ErrorIs(t, err, did.ErrInvalidOptions)
	_, err = u.Resolve(t.Context(), ion, did.Version{Number: 2})
	require.ErrorIs(t, err, did.ErrVersionUnknown)
	_, err = u.Resolve(t.Context(), ion, did.Version{Time: time.Now().Add(time.Hour)})
	require.ErrorIs(t, err, did.ErrVersionUnknown)
	_, err = resolver.Universal{URL: u.URL}.Resolve(t.Context(), ion, did.Version{})
	require.ErrorContains(t, err, "needs a Client")
	_, err = resolver.Universal{Client: u.Client}.Resolve(t.Context(), ion, did.Version{})
	require.ErrorContains(t, err, "and a URL")
	u.URL = "https://me:secret@resolver.example/"
	_, err = u.Resolve(t.Context(), ion, did.Version{})
	refused(t, err, resolver.ErrURL)
	require.NotContains(t, err.Error(), "secret")
}

// A resolver that hands over to another host does not decide whom to believe.
func TestUniversalIsNotRedirected(t *testing.T) {
	n := newInternet(t)
	n.host("good.example", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", resultType)
		io.WriteString(w, resultOf("did:ion:abc", "{}"))
	}, nil)
	n.host("resolver.example", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://good.example:"+n.port+r.URL.Path, http.StatusFound)
	}, nil)
	c := n.client()
	t.Cleanup(c.CloseIdle)
	_, err := resolver.Universal{Client: c, URL: "https://good.example:" + n.port}.Resolve(t.Context(), did.MustParse("did:ion:abc"), did.Version{})
	require.NoError(t, err)
	_, err = resolver.Universal{Client: c, URL: "https://resolver.example:" + n.port}.Resolve(t.Context(), did.MustParse("did:ion:abc"), did.Version{})
	refused(t, err, resolver.ErrRedirect)
	require.False(t, did.IsAnswer(err))
}

// Through a Handler and a Universal, a resolver says what it says by itself.
func TestUniversalOfAHandler(t *testing.T) {
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	depot := resolver.Static{}
	for _, id := range []string{"did:example:1", "did:example:a%3Ab%2Fc", "did:example:retired"} {
		doc, err := did.ParseDocument([]byte(webDocument(did.MustParse(id))))
		require.NoError(t, err)
		depot[doc.ID] = []did.Resolution{
			{Document: doc, VersionID: "1", Created: june, NextUpdate: june.AddDate(0, 1, 0), NextVersionID: "2"},
			{Document: doc, VersionID: "2", Created: june, Updated: june.AddDate(0, 1, 0)},
		}
	}
	retired := depot[did.MustParse("did:example:retired")]
	for i := range retired {
		retired[i].Deactivated = true
	}
	handler := http.StripPrefix("/1.0/identifiers/", &resolver.Handler{Resolver: resolver.Methods{"example": depot}})
	base, c := serve(t, handler.ServeHTTP)
	u := resolver.Universal{Client: c, URL: base + "/1.0/identifiers"}
	kind := func(err error) string {
		if err == nil || !did.IsAnswer(err) && !errors.Is(err, did.ErrVersionUnknown) {
			return fmt.Sprint(err)
		}
		return did.ErrorType(err)
	}
	for _, id := range []string{"did:example:1", "did:example:a%3Ab%2Fc", "did:example:retired", "did:example:nobody", "did:other:1"} {
		for _, v := range []did.Version{{}, {ID: "1"}, {ID: "2"}, {ID: "3"}, {Time: june.AddDate(0, 0, 1)}, {Time: june.AddDate(0, 1, 1)}, {Time: june.AddDate(0, 0, -1)}} {
			want, wantErr := resolver.Methods{"example": depot}.Resolve(t.Context(), did.MustParse(id), v)
			got, err := u.Resolve(t.Context(), did.MustParse(id), v)
			require.Equal(t, kind(wantErr), kind(err), "%s %+v: %v", id, v, err)
			require.Equal(t, errors.Is(wantErr, did.ErrDeactivated), errors.Is(err, did.ErrDeactivated), "%s %+v: %v", id, v, err)
			if want == nil {
				continue
			}
			got.Retrieved = time.Time{}
			require.Equal(t, want.Document.Raw, got.Document.Raw)
			got.Document = want.Document
			require.Equal(t, want, got)
		}
	}
}

// A method may say when to the millisecond, and the binding only to the second: who follows its versions gets to
// each, and of every whole second the answer is the method's own.
func TestUniversalFollowsFractionsOfASecond(t *testing.T) {
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	doc, err := did.ParseDocument([]byte(webDocument(did.MustParse("did:example:1"))))
	require.NoError(t, err)
	var versions []did.Resolution
	changes := []time.Time{june.Add(time.Millisecond), june.Add(2500 * time.Millisecond), june.Add(5*time.Second + 1), june.Add(9 * time.Second), {}}
	for i := range len(changes) - 1 {
		v := did.Resolution{Document: doc, VersionID: fmt.Sprint(i + 1), Created: changes[0], NextUpdate: changes[i+1]}
		if i > 0 {
			v.Updated = changes[i]
		}
		versions = append(versions, v)
	}
	depot := resolver.Methods{"example": resolver.Static{doc.ID: versions}}
	handler := http.StripPrefix("/1.0/identifiers/", &resolver.Handler{Resolver: depot})
	base, c := serve(t, handler.ServeHTTP)
	u := resolver.Universal{Client: c, URL: base + "/1.0/identifiers"}
	for second := 1; second < 12; second++ {
		v := did.Version{Time: june.Add(time.Duration(second) * time.Second)}
		want, err := depot.Resolve(t.Context(), doc.ID, v)
		require.NoError(t, err)
		got, err := u.Resolve(t.Context(), doc.ID, v)
		require.NoError(t, err, "%s", v.Time)
		require.Equal(t, want.VersionID, got.VersionID, "%s", v.Time)
	}
	var seen []string
	for v := (did.Version{Time: june.Add(time.Second)}); !v.Time.IsZero(); {
		res, err := u.Resolve(t.Context(), doc.ID, v)
		require.NoError(t, err, "%s", v.Time)
		seen = append(seen, res.VersionID)
		v.Time = res.NextUpdate
	}
	require.Equal(t, []string{"1", "2", "3", "4"}, seen)
}

func ExampleUniversal() {
	// A resolver of your own, for a method that nothing here resolves.
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("GET", r.URL)
		w.Header().Set("Content-Type", "application/did-resolution")
		io.WriteString(w, `{"didDocument": {"id": "did:ion:EiClkZMDxPKqC9c"}, "didDocumentMetadata": {"canonicalId": "did:ion:EiClkZMDxPKqC9c"}}`)
	}))
	defer srv.Close()
	client := local(srv)
	defer client.CloseIdle()

	r := resolver.Offline()
	r["ion"] = resolver.Universal{Client: client, URL: srv.URL + "/1.0/identifiers/"}
	res, err := r.Resolve(context.Background(), did.MustParse("did:ion:EiClkZMDxPKqC9c"), did.Version{})
	fmt.Println(res.Document.ID, err)

	// It answers with the latest document, whatever is asked for. So the question is still open.
	lastYear := did.Version{Time: time.Date(2025, 11, 29, 0, 0, 0, 0, time.UTC)}
	_, err = r.Resolve(context.Background(), did.MustParse("did:ion:EiClkZMDxPKqC9c"), lastYear)
	fmt.Println(errors.Is(err, did.ErrVersionUnknown), did.IsAnswer(err))
	// Output:
	// GET /1.0/identifiers/did:ion:EiClkZMDxPKqC9c
	// did:ion:EiClkZMDxPKqC9c <nil>
	// GET /1.0/identifiers/did:ion:EiClkZMDxPKqC9c?versionTime=2025-11-29T00%3A00%3A00Z
	// true false
}
