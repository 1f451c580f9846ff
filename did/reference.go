package did

import (
	"errors"
	"strings"
)

// A reference is a URI, or a reference relative to one, in its parts (RFC 3986 §3 and §4.2).
// It is not [net/url]: that brings code into every program that links it, and takes more for
// a URI than this may.
type reference struct {
	scheme, authority, path, query, fragment string
	hasAuthority, hasQuery, hasFragment      bool
}

// parseReference reads a URI or a relative reference. It takes RFC 3986's characters only, so
// what it returns fits into a line or a header.
func parseReference(s string) (r reference, err error) {
	if len(s) > MaxLength {
		return r, errors.New("it is too long")
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isPathChar(c) || strings.IndexByte("/?#[]", c) >= 0:
		case c == '%' && isPercentEncoded(s[i:]):
		default:
			return r, errors.New("it has a character that a URI does not have: percent-encode it")
		}
	}
	// A colon before any of "/?#" ends a scheme.
	if i := strings.IndexAny(s, ":/?#"); i >= 0 && s[i] == ':' {
		r.scheme, s = s[:i], s[i+1:]
		if r.scheme == "" || !isAlpha(r.scheme[0]) || strings.Trim(r.scheme, schemeChars) != "" {
			return r, errors.New("it has no scheme before its colon")
		}
	}
	s, r.fragment, r.hasFragment = strings.Cut(s, "#")
	s, r.query, r.hasQuery = strings.Cut(s, "?")
	if rest, ok := strings.CutPrefix(s, "//"); ok {
		i := strings.IndexByte(rest+"/", '/')
		r.authority, s, r.hasAuthority = rest[:i], rest[i:], true
	}
	if strings.ContainsAny(s+r.query+r.fragment, "#[]") {
		return r, errors.New("it has a # or a bracket where none goes")
	}
	r.path = s
	return r, nil
}

const schemeChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."

// resolve reads ref against r (RFC 3986 §5.2), and sees that it stays where r is (DID Resolution
// 1.0 §13.7.1). r has a host, or is a DID URL.
func (r reference) resolve(ref string) (reference, error) {
	to, err := parseReference(ref)
	switch {
	case err != nil:
		return to, err
	case to.scheme != "" || to.hasAuthority:
		return to, errors.New("its relativeRef is not relative")
	case r.scheme == "did":
		return r.resolveDID(to)
	}
	to.scheme, to.authority, to.hasAuthority = r.scheme, r.authority, true
	folder := r.path[:strings.LastIndexByte(r.path, '/')+1]
	if folder == "" {
		folder = "/"
	}
	switch {
	case to.path == "":
		to.path = r.path
		if !to.hasQuery {
			to.query, to.hasQuery = r.query, r.hasQuery
		}
		return to, nil
	case to.path[0] != '/':
		to.path = folder + to.path
	}
	to.path = removeDotSegments(to.path)
	if !strings.HasPrefix(to.path, removeDotSegments(folder)) || climbs(to.path) {
		return to, errors.New("its relativeRef leads out of the folder " + quote(folder))
	}
	return to, nil
}

// resolveDID does the same at an endpoint that is a DID URL, where method and identifier are
// in the place of a host.
func (r reference) resolveDID(to reference) (reference, error) {
	base, err := ParseURL(r.String())
	if err != nil {
		return to, err
	}
	u, err := base.Parse(to.String())
	if err != nil {
		return to, err
	}
	folder := base.Path[:strings.LastIndexByte(base.Path, '/')+1]
	if u.DID != base.DID || !strings.HasPrefix(u.Path, folder) || climbs(u.Path) {
		return to, errors.New("its relativeRef leads out of the folder " + quote(folder))
	}
	return parseReference(u.String())
}

// below appends the path of a DID URL, which starts with "/", to that of r.
func (r reference) below(path string) (reference, error) {
	if !r.hasAuthority || r.hasQuery || r.hasFragment {
		return r, errors.New("no path goes below that endpoint")
	}
	clean := removeDotSegments(path)
	if clean != path || climbs(path) {
		return r, errors.New("its path leads elsewhere")
	}
	r.path = strings.TrimSuffix(r.path, "/") + path
	return r, nil
}

// climbs reports whether a server might take a part of path for "..": one that decodes
// what is encoded, however often, or that takes a backslash for a slash.
func climbs(path string) bool {
	for strings.Contains(path, "%") {
		b := make([]byte, 0, len(path))
		for i := 0; i < len(path); i++ {
			if path[i] == '%' && isPercentEncoded(path[i:]) {
				b = append(b, unhex(path[i+1])<<4|unhex(path[i+2]))
				i += 2
				continue
			}
			b = append(b, path[i])
		}
		if len(b) == len(path) {
			break
		}
		path = string(b)
	}
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
		if segment == ".." {
			return true
		}
	}
	return false
}

// String puts the parts together again (RFC 3986 §5.3).
func (r reference) String() string {
	var b strings.Builder
	if r.scheme != "" {
		b.WriteString(r.scheme + ":")
	}
	if r.hasAuthority {
		b.WriteString("//" + r.authority)
	}
	b.WriteString(r.path)
	if r.hasQuery {
		b.WriteString("?" + r.query)
	}
	if r.hasFragment {
		b.WriteString("#" + r.fragment)
	}
	return b.String()
}
