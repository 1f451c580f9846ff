// Package did names things that can prove who they are.
//
// A [DID] is a decentralized identifier (DID Core 1.1 §3.1), for example
//
//	did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK
//
// It is a small comparable value: use it as a map key, compare it with ==, and
// take its zero value to mean "no identifier". [Parse] is the only way in from
// text, so a DID that is not zero is well formed. A [URL] points at one thing in
// the document of a DID, most often a key.
//
// A DID on its own says nothing. A [Resolver] turns it into a [Document], and
// [Key] answers the one question a verifier has: which public key may act for
// this identifier, in this role, at this time?
//
// The methods did:key and did:jwk carry the key inside the identifier, so this
// package mints them ([NewKey], [NewJWK]) and resolves them itself, without any
// network: see [Offline]. Other methods that work offline have packages of their own
// below this one: peer, pkh, didx509, and webvh for logs that somebody else fetched.
// Everything that needs a network lives in package resolver.
//
// The danger: anyone can write a document that lists anyone's key. A key counts
// only for the identifier whose document was asked for, only in the role that
// document gives it, and only while that document was in force. [Key] and
// [Document.Key] check all of that; reading [Document.VerificationMethod] by hand
// checks none of it.
package did

import (
	"fmt"
	"strings"
)

// MaxLength is the longest DID or DID URL that is read, in bytes. Long forms carry a
// whole document in the identifier (did:peer:4, did:ion) and reach one or two
// kilobytes; twice that leaves room, and keeps a map of identifiers small.
const MaxLength = 4096

// A DID is a decentralized identifier. The zero value is no identifier.
//
// Two DIDs are equal when their texts are equal, byte for byte. DID Core leaves it
// to each method whether "%41" and "A", or "a" and "A", name the same thing; here they
// never do. That keeps a list of whom to trust safe; one of whom to distrust must hold
// every spelling its methods allow.
type DID struct {
	s      string // the whole identifier, "did:key:z6Mk…"
	method int    // length of the method name
}

// Parse reads a DID. It accepts no path, query or fragment; use [ParseURL] for those.
// It allocates nothing: the DID is s, checked. The error is a [*SyntaxError].
func Parse(s string) (DID, error) {
	d, rest, err := cutDID(s)
	if err != nil {
		return DID{}, err
	}
	if rest != "" {
		return DID{}, &SyntaxError{Input: s, Offset: len(d.s), Msg: "is a DID URL where a DID alone is wanted"}
	}
	return d, nil
}

// MustParse is Parse for constants and tests; it panics on bad syntax.
func MustParse(s string) DID {
	d, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

// cutDID reads the DID at the start of s, up to the first of "/?#" (DID Core 1.1 §3.1):
//
//	did                = "did:" method-name ":" method-specific-id
//	method-name        = 1*method-char
//	method-char        = %x61-7A / DIGIT
//	method-specific-id = *( *idchar ":" ) 1*idchar
//	idchar             = ALPHA / DIGIT / "." / "-" / "_" / pct-encoded
func cutDID(s string) (d DID, rest string, err error) {
	if len(s) > MaxLength {
		return DID{}, "", &SyntaxError{Input: s, Offset: MaxLength, Msg: fmt.Sprintf("is %d bytes long, more than %d", len(s), MaxLength)}
	}
	const scheme = "did:"
	if !strings.HasPrefix(s, scheme) {
		return DID{}, "", &SyntaxError{Input: s, Msg: "does not start with did: in lower case"}
	}
	i := len(scheme)
	for i < len(s) && isMethodChar(s[i]) {
		i++
	}
	method := i - len(scheme)
	switch {
	case i == len(s):
		return DID{}, "", &SyntaxError{Input: s, Offset: i, Msg: "wants did:method:identifier"}
	case s[i] != ':':
		return DID{}, "", &SyntaxError{Input: s, Offset: i, Msg: "has a method name with something other than a-z and 0-9"}
	case method == 0:
		return DID{}, "", &SyntaxError{Input: s, Offset: i, Msg: "has no method name"}
	}
	for i++; i < len(s); i++ {
		c := s[i]
		if isIDChar(c) || c == ':' {
			continue
		}
		if c == '/' || c == '?' || c == '#' {
			break
		}
		if c != '%' {
			return DID{}, "", &SyntaxError{Input: s, Offset: i, Msg: fmt.Sprintf("has %q in its identifier: percent-encode it", c)}
		}
		if !isPercentEncoded(s[i:]) {
			return DID{}, "", &SyntaxError{Input: s, Offset: i, Msg: "has % without two hexadecimal digits"}
		}
		i += 2
	}
	if s[i-1] == ':' {
		return DID{}, "", &SyntaxError{Input: s, Offset: i, Msg: "has nothing after the last colon"}
	}
	return DID{s: s[:i], method: method}, s[i:], nil
}

// Method returns the method name, such as "key".
func (d DID) Method() string {
	if d.IsZero() {
		return ""
	}
	return d.s[len("did:"):][:d.method]
}

// Identifier returns what follows the method name: DID Core's method-specific-id,
// still percent-encoded.
func (d DID) Identifier() string {
	if d.IsZero() {
		return ""
	}
	return d.s[len("did:")+d.method+1:]
}

// IsZero reports whether d is no identifier at all.
func (d DID) IsZero() bool { return d.s == "" }

// String returns the DID as written, "" for the zero DID.
func (d DID) String() string { return d.s }

// MarshalText implements [encoding.TextMarshaler]. The zero DID is empty text.
func (d DID) MarshalText() ([]byte, error) { return []byte(d.s), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. Empty text is the zero DID.
func (d *DID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = DID{}
		return nil
	}
	*d, err = Parse(string(b))
	return err
}

// URL returns the DID URL of d with the given fragment, which names a key or service.
// The fragment is written without its "#" and is not checked: see [URL].
func (d DID) URL(fragment string) URL { return URL{DID: d, Fragment: fragment} }

// A SyntaxError reports text that is not a DID, or not a DID URL.
// It wraps [ErrInvalidDID] or [ErrInvalidURL], by where the mistake is.
type SyntaxError struct {
	Input  string // the whole text
	Offset int    // byte at which it stops being one
	Msg    string
	url    bool
}

// Error implements error. Long input is cut: it comes from strangers.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("did: %s %s (at byte %d)", quote(e.Input), e.Msg, e.Offset)
}

// Unwrap returns [ErrInvalidDID] or [ErrInvalidURL].
func (e *SyntaxError) Unwrap() error {
	if e.url {
		return ErrInvalidURL
	}
	return ErrInvalidDID
}

// quote shows at most the first 96 bytes of a stranger's text.
func quote(s string) string {
	const most = 96
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isMethodChar(c byte) bool { return 'a' <= c && c <= 'z' || isDigit(c) }

func isIDChar(c byte) bool { return isAlpha(c) || isDigit(c) || c == '.' || c == '-' || c == '_' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// isPercentEncoded reports whether s, which starts with '%', starts with pct-encoded (RFC 3986 §2.1).
func isPercentEncoded(s string) bool { return len(s) >= 3 && isHex(s[1]) && isHex(s[2]) }

// isPathChar reports whether c may stand unencoded in a path segment: RFC 3986's pchar
// without pct-encoded. Queries and fragments also allow "/" and "?".
func isPathChar(c byte) bool {
	return isIDChar(c) || c != 0 && strings.IndexByte("~!$&'()*+,;=:@", c) >= 0
}
