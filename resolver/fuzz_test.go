package resolver

import (
	"bytes"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// A name is refused, or is one that leaves no folder and needs no escape in a URL; of a partial
// tile, as much is cut as there was.
func FuzzFileName(f *testing.F) {
	for _, name := range []string{"checkpoint", "tile/0/x001/234.p/5", "tile/entries/000", "../x", "tile/entries/x001/000.p/255"} {
		f.Add(name, []byte{0, 1, 7, 0, 0})
	}
	f.Fuzz(fileName)
}

func fileName(t *testing.T, name string, data []byte) {
	tn, err := parseFileName(name)
	if err != nil {
		return
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) || url.PathEscape(name) != string(bytes.ReplaceAll([]byte(name), []byte("/"), []byte("%2F"))) {
		t.Fatalf("%q was taken", name)
	}
	if tn.full == "" {
		return
	}
	if tn.width < 1 || tn.width > tileWidth || (tn.width == tileWidth) != (tn.full == name) {
		t.Fatalf("%q: %+v", name, tn)
	}
	if cut, err := tn.cut(data); err == nil {
		again, err := tn.cut(cut)
		if err != nil || !bytes.Equal(cut, again) || !bytes.HasPrefix(data, cut) {
			t.Fatalf("%q: %x of %x, then %x: %v", name, cut, data, again, err)
		}
	}
}

// Whatever a server says of an error is bounded and fit to be shown.
func FuzzAnswer(f *testing.F) {
	f.Add("120", []byte("1234\n"))
	f.Add("Fri, 31 Dec 1999 23:59:59 GMT", []byte(`{"detail":"x\u001b","sequence":3}`))
	f.Fuzz(answered)
}

func answered(t *testing.T, text string, body []byte) {
	h := http.Header{"Retry-After": {text}}
	if after := retryAfter(h, time.Unix(0, 0)); after < 0 || after > MaxRetryAfter {
		t.Fatalf("%q: %s", text, after)
	}
	if n, ok := parseSize(body); ok && n < 0 {
		t.Fatalf("%q: %d", body, n)
	}
	e := &RefuseError{URL: "https://x.example", Reason: ErrStatus, Detail: ErrStatus, Type: "application/problem+json", Body: body}
	if shown := e.Error(); len(shown) > 2000 || bytes.ContainsAny([]byte(shown), "\x1b\n\r") {
		t.Fatalf("%q", shown)
	}
}

// Whatever a resolver says, no document of another DID comes out, and an error tells an answer from none.
func FuzzUniversal(f *testing.F) {
	f.Add(200, MediaTypeResolution, []byte(`{"didDocument":{"id":"did:ion:a"},"didDocumentMetadata":{"created":"2026-01-01T00:00:00Z","versionId":"1","equivalentId":["did:ion:b"]}}`))
	f.Add(404, "application/json", []byte(`{"didResolutionMetadata":{"error":{"type":"https://www.w3.org/ns/did#NOT_FOUND","detail":"x"}}}`))
	f.Add(410, "application/did-resolution-result", []byte(`{"didDocument":null,"didResolutionMetadata":{"error":"notFound","errorMessage":"x"},"didDocumentMetadata":{"deactivated":true}}`))
	f.Add(200, MediaTypeDocument, []byte(`{"id":"did:ion:a"}`))
	f.Add(501, "application/problem+json", []byte(`{"type":"x#METHOD_NOT_SUPPORTED","title":"\u001b"}`))
	f.Fuzz(resolved)
}

func resolved(t *testing.T, status int, kind string, body []byte) {
	var r result
	r.read(body)
	if len(r.about.EquivalentID) > maxEquivalentIDs || len(r.about.Extra) > maxMetadata {
		t.Fatalf("%q: %+v", body, r.about)
	}
	if status < 200 || status > 599 {
		return
	}
	u := Universal{URL: "https://resolver.example/", Client: &Client{}}
	id := did.MustParse("did:ion:a")
	for _, v := range []did.Version{{}, {ID: "1"}, {Time: time.Unix(1e9, 0)}} {
		var err error
		switch {
		case status >= 500:
			err = &RetryError{Status: status, Err: ErrStatus}
		case status != 200:
			err = &RefuseError{Status: status, Reason: ErrStatus, Detail: ErrStatus}
		}
		res, err := u.judge(id, v, "https://resolver.example/did:ion:a", time.Unix(2e9, 0), body, http.Header{"Content-Type": {kind}}, err)
		switch {
		case err == nil && (res.Document.ID != id || v.ID != "" && res.VersionID != v.ID || res.Deactivated && v.IsZero()):
			t.Fatalf("%d %q %q: %+v", status, kind, body, res)
		case err == nil && !v.Time.IsZero() && inForceSince(res).After(v.Time):
			t.Fatalf("%d %q %q: in force since %s", status, kind, body, inForceSince(res))
		case err != nil && len(err.Error()) > 2000:
			t.Fatalf("%d %q %q: %d bytes of error", status, kind, body, len(err.Error()))
		case err != nil && bytes.ContainsAny([]byte(err.Error()), "\x1b\r"):
			t.Fatalf("%d %q %q: %q", status, kind, body, err)
		}
	}
}
