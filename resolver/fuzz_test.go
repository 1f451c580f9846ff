package resolver

import (
	"bytes"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"
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
