package did

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A URL is a DID URL (DID Core 1.1 §3.2): it points at one thing in the document of a
// DID, or at something the document leads to.
//
//	did:example:123/path?service=files&relativeRef=%2Fa.pdf#fragment
//
// URLs are comparable, and equal when their texts are equal. Text comes in through
// [ParseURL] and [URL.Parse], which check it. One put together in Go is checked when
// it is written: [URL.MarshalText] fails for parts that would read back as other parts.
type URL struct {
	DID      DID
	Path     string // with its leading "/", or empty; percent-encoded
	Query    string // without the "?"; percent-encoded; see Parameter
	Fragment string // without the "#"; percent-encoded

	// A "?" or "#" with nothing after it is legal, and another text than none at all.
	emptyQuery, emptyFragment bool
}

// ParseURL reads a DID URL. A plain DID is one, too.
// It allocates nothing: the parts are substrings of s. The error is a [*SyntaxError].
func ParseURL(s string) (URL, error) {
	d, rest, err := cutDID(s)
	if err != nil {
		return URL{}, err
	}
	u := URL{DID: d}
	if err := u.setRest(s, rest); err != nil {
		return URL{}, err
	}
	return u, nil
}

// setRest reads path-abempty [ "?" query ] [ "#" fragment ], the end of input.
func (u *URL) setRest(input, rest string) error {
	const (
		path = iota
		query
		fragment
	)
	part, start := path, 0
	end := func(i int) {
		text := rest[start:i]
		switch part {
		case path:
			u.Path = text
		case query:
			u.Query, u.emptyQuery = text, text == ""
		case fragment:
			u.Fragment, u.emptyFragment = text, text == ""
		}
		start = i + 1
	}
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case isPathChar(c) || c == '/':
		case c == '?' && part == path:
			end(i)
			part = query
		case c == '#' && part != fragment:
			end(i)
			part = fragment
		case c == '?':
		case c == '%' && isPercentEncoded(rest[i:]):
			i += 2
		default:
			msg := fmt.Sprintf("has %q after the DID: percent-encode it", c)
			if c == '%' {
				msg = "has % without two hexadecimal digits"
			}
			return &SyntaxError{Input: input, Offset: len(input) - len(rest) + i, Msg: msg, url: true}
		}
	}
	end(len(rest))
	return nil
}

// Parse reads ref as written in a document about u, the way a browser reads a link on
// a page: "#key-1" means key-1 of the same DID. RFC 3986 §5 applies with the scheme
// "did" and, in the place of an authority, method and identifier (DID Core 1.1 §3.2.1).
//
// A reference to another DID must be written out: "//…" and other schemes are refused.
// The error is a [*SyntaxError].
func (u URL) Parse(ref string) (URL, error) {
	if len(ref) > MaxLength {
		return URL{}, &SyntaxError{Input: ref, Offset: MaxLength, Msg: fmt.Sprintf("is %d bytes long, more than %d", len(ref), MaxLength), url: true}
	}
	if strings.HasPrefix(ref, "did:") {
		t, err := ParseURL(ref)
		t.Path = removeDotSegments(t.Path)
		return t, err
	}
	if u.DID.IsZero() {
		return URL{}, &SyntaxError{Input: ref, Msg: "is relative, and there is no DID to read it against", url: true}
	}
	// A colon before any of "/?#" ends a scheme (RFC 3986 §4.2), and the only one is did.
	if i := strings.IndexAny(ref, ":/?#"); i >= 0 && ref[i] == ':' {
		return URL{}, &SyntaxError{Input: ref, Offset: i, Msg: "is neither a DID URL nor relative to one", url: true}
	}
	if strings.HasPrefix(ref, "//") {
		return URL{}, &SyntaxError{Input: ref, Msg: "starts with //: write another DID out in full", url: true}
	}

	// RFC 3986 §5.2.2, for a reference without scheme and authority.
	r := URL{}
	if err := r.setRest(ref, ref); err != nil {
		return URL{}, err
	}
	t := URL{DID: u.DID, Query: r.Query, emptyQuery: r.emptyQuery, Fragment: r.Fragment, emptyFragment: r.emptyFragment}
	switch {
	case r.Path == "":
		t.Path = u.Path
		if r.Query == "" && !r.emptyQuery {
			t.Query, t.emptyQuery = u.Query, u.emptyQuery
		}
	case r.Path[0] == '/':
		t.Path = removeDotSegments(r.Path)
	default:
		// §5.2.3; with an empty base path LastIndexByte gives -1 and the slash is the merge's own.
		t.Path = removeDotSegments("/" + strings.TrimPrefix(u.Path[:strings.LastIndexByte(u.Path, '/')+1], "/") + r.Path)
	}
	if n := t.len(); n > MaxLength {
		return URL{}, &SyntaxError{Input: ref, Msg: fmt.Sprintf("makes a DID URL of %d bytes, more than %d", n, MaxLength), url: true}
	}
	return t, nil
}

// removeDotSegments takes "." and ".." out of a path that is empty or starts with "/" (RFC 3986 §5.2.4).
func removeDotSegments(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var out []string
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".", "..":
			if s == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
		default:
			out = append(out, s)
		}
	}
	return "/" + strings.Join(out, "/")
}

// IsZero reports whether u is no DID URL at all.
func (u URL) IsZero() bool { return u == URL{} }

// String returns the DID URL as written.
func (u URL) String() string {
	if u.Path == "" && u.Query == "" && u.Fragment == "" && !u.emptyQuery && !u.emptyFragment {
		return u.DID.s
	}
	b := make([]byte, 0, u.len())
	b = append(b, u.DID.s...)
	b = append(b, u.Path...)
	if u.Query != "" || u.emptyQuery {
		b = append(append(b, '?'), u.Query...)
	}
	if u.Fragment != "" || u.emptyFragment {
		b = append(append(b, '#'), u.Fragment...)
	}
	return string(b)
}

func (u URL) len() int {
	return len(u.DID.s) + len(u.Path) + len("?") + len(u.Query) + len("#") + len(u.Fragment)
}

// MarshalText implements [encoding.TextMarshaler]. It fails if the text would not read
// back as u, which happens only to a URL put together in Go. The zero URL is empty text.
func (u URL) MarshalText() ([]byte, error) {
	if u.IsZero() {
		return nil, nil
	}
	s := u.String()
	back, err := ParseURL(s)
	if err != nil {
		return nil, err
	}
	if back != u {
		return nil, &SyntaxError{Input: s, Msg: "has a part that reads back as another: percent-encode it", url: true}
	}
	return []byte(s), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. Empty text is the zero URL.
func (u *URL) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*u = URL{}
		return nil
	}
	*u, err = ParseURL(string(b))
	return err
}

// DID parameters that DID Core and DID Resolution define, for [URL.Parameter].
const (
	ParamService       = "service"       // a service of the document, by the fragment of its id
	ParamServiceType   = "serviceType"   // services of the document, by their type
	ParamRelativeRef   = "relativeRef"   // a reference to read against that service's endpoint
	ParamVersionID     = "versionId"     // the document of this version
	ParamVersionTime   = "versionTime"   // the document in force at this time
	ParamVersionNumber = "versionNumber" // the document of this version, counted from 1 (did:webvh 1.0)
	ParamHashLink      = "hl"            // a hash of what the URL leads to
)

// Parameter returns the value of a DID parameter with its percent-encoding undone, and
// whether the query has it. A "+" is a plus, not a blank. A parameter that is there
// twice, or whose value is not UTF-8 when decoded, is an error wrapping [ErrInvalidURL]:
// two readers would take it for two things.
func (u URL) Parameter(name string) (value string, ok bool, err error) {
	for query := u.Query; query != ""; {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, val, _ := strings.Cut(pair, "=")
		if key, err = unescape(key); err != nil {
			return "", false, fmt.Errorf("%w: %s: %w", ErrInvalidURL, quote(u.String()), err)
		}
		if key != name {
			continue
		}
		if ok {
			return "", false, fmt.Errorf("%w: %s has the parameter %s twice", ErrInvalidURL, quote(u.String()), name)
		}
		if value, err = unescape(val); err != nil {
			return "", false, fmt.Errorf("%w: %s: %w", ErrInvalidURL, quote(u.String()), err)
		}
		ok = true
	}
	return value, ok, nil
}

// Version returns the version of the document that u asks for with versionId, versionTime or
// versionNumber; the zero Version if with none. More than one, a time that is not RFC 3339
// in UTC ("…Z"), and a number that does not count from 1, are errors wrapping [ErrInvalidURL].
func (u URL) Version() (v Version, err error) {
	for _, name := range [...]string{ParamVersionID, ParamVersionTime, ParamVersionNumber} {
		text, ok, err := u.Parameter(name)
		if err != nil {
			return Version{}, err
		}
		if !ok {
			continue
		}
		if !v.IsZero() {
			return Version{}, fmt.Errorf("%w: %s asks for a version in more than one way", ErrInvalidURL, quote(u.String()))
		}
		switch name {
		case ParamVersionID:
			v.ID = text
		case ParamVersionTime:
			if v.Time, err = time.Parse(time.RFC3339, text); err != nil || !strings.HasSuffix(text, "Z") {
				return Version{}, fmt.Errorf("%w: %s: versionTime %s is not like 2026-01-31T12:00:00Z", ErrInvalidURL, quote(u.String()), quote(text))
			}
		case ParamVersionNumber:
			if v.Number, err = strconv.Atoi(text); err != nil || v.Number < 1 || text[0] < '1' || text[0] > '9' {
				return Version{}, fmt.Errorf("%w: %s: versionNumber %s does not count from 1", ErrInvalidURL, quote(u.String()), quote(text))
			}
		}
		if v.IsZero() {
			return Version{}, fmt.Errorf("%w: %s has an empty %s", ErrInvalidURL, quote(u.String()), name)
		}
	}
	return v, nil
}

// unescape undoes percent-encoding. s has been parsed: every '%' starts two hexadecimal digits
// unless the URL was put together in Go.
func unescape(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if !isPercentEncoded(s[i:]) {
			return "", errors.New("a parameter has % without two hexadecimal digits")
		}
		b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
		i += 2
	}
	if !utf8.Valid(b) {
		return "", errors.New("a parameter is not UTF-8 when decoded")
	}
	return string(b), nil
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
