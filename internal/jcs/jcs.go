// Package jcs puts JSON into the canonical form of RFC 8785, over which signatures and digests are made.
//
// [Append] writes the canonical form of a value that strictjson has read; [Canonical] reads it too.
//
// A canonical form is worth no more than the reading before it. What strictjson refuses has none
// here, though RFC 8785 would round it to one: two integers beyond 2^53 must not share a signature.
package jcs

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Canonical returns the canonical form of the JSON text src. Its error is a [*strictjson.SyntaxError].
func Canonical(src []byte) ([]byte, error) {
	doc, err := strictjson.Parse(src, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	return Append(make([]byte, 0, len(src)), doc.Root()), nil
}

// An Override replaces or omits one member of the object that [Append] writes. Data Integrity needs
// it: what is hashed is the credential without its proof, or with the proofs that came before.
type Override struct {
	Name      string
	Canonical []byte // the member's value in canonical form; empty omits the member
}

// Append appends the canonical form of v to dst. It cannot fail, because strictjson accepts nothing
// that has no canonical form. The members of v that over names, each at most once, are replaced or
// omitted, and added where v has none of that name; unless v is an object, over has no effect.
// An absent v appends nothing.
func Append(dst []byte, v strictjson.Value, over ...Override) []byte {
	switch v.Kind() {
	case strictjson.Object:
		return appendObject(dst, v, over)
	case strictjson.Array:
		dst = append(dst, '[')
		for e := v.First(); e.Exists(); {
			dst = Append(dst, e)
			if e = e.Next(); e.Exists() {
				dst = append(dst, ',')
			}
		}
		return append(dst, ']')
	case strictjson.String:
		if v.Escaped() {
			return appendEscaped(dst, v.Raw())
		}
	case strictjson.Number:
		return appendLiteral(dst, v.Raw())
	}
	return append(dst, v.Raw()...)
}

// member is a member of the object being written. An absent value stands for an Override that adds one.
type member struct {
	name  string // unescaped: what members are sorted by
	value strictjson.Value
}

func appendObject(dst []byte, v strictjson.Value, over []Override) []byte {
	const usual = 16 // members; that many are sorted on the stack, by insertion
	var few [usual]member
	members := few[:0]
	for m := v.First(); m.Exists(); m = m.Next() {
		members = append(members, member{m.Name(), m})
	}
	for i := range over {
		if !v.Member(over[i].Name).Exists() {
			members = append(members, member{name: over[i].Name})
		}
	}
	if len(members) > usual {
		slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.name, b.name) })
	} else {
		for i := 1; i < len(members); i++ {
			m, at := members[i], i
			for ; at > 0 && compareUTF16(m.name, members[at-1].name) < 0; at-- {
				members[at] = members[at-1]
			}
			members[at] = m
		}
	}

	dst = append(dst, '{')
	first := len(dst)
	for i := range members {
		m := &members[i]
		o := find(over, m.name)
		if o != nil && len(o.Canonical) == 0 {
			continue
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		switch {
		case !m.value.Exists():
			dst = appendText(dst, m.name)
		case m.value.NameEscaped():
			dst = appendEscaped(dst, m.value.RawName())
		default:
			dst = append(dst, m.value.RawName()...)
		}
		dst = append(dst, ':')
		if o != nil {
			dst = append(dst, o.Canonical...)
		} else {
			dst = Append(dst, m.value)
		}
	}
	return append(dst, '}')
}

func find(over []Override, name string) *Override {
	for i := range over {
		if over[i].Name == name {
			return &over[i]
		}
	}
	return nil
}

// compareUTF16 orders valid UTF-8 strings by UTF-16 code unit (RFC 8785 §3.2.3). That is the order
// of their bytes, except that the characters beyond U+FFFF, whose first byte is F0 or more, come
// before U+E000 to U+FFFF, whose first byte is EE or EF: surrogates begin with D8.
func compareUTF16(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		less := a[i] < b[i]
		if a[i] >= 0xEE && b[i] >= 0xEE && (a[i] >= 0xF0) != (b[i] >= 0xF0) {
			less = !less
		}
		if less {
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}

// appendEscaped appends the canonical form of a string literal that strictjson has accepted: only
// its escapes can differ from it.
func appendEscaped(dst []byte, literal string) []byte {
	for {
		i := strings.IndexByte(literal, '\\')
		if i < 0 {
			return append(dst, literal...)
		}
		dst = append(dst, literal[:i]...)
		switch c := literal[i+1]; c {
		case 'u':
			r, n := hex4(literal[i+2:]), len(`\u0000`)
			if utf16.IsSurrogate(r) {
				r, n = utf16.DecodeRune(r, hex4(literal[i+8:])), len(`\u0000\u0000`)
			}
			dst, literal = appendRune(dst, r), literal[i+n:]
		case '/':
			dst, literal = append(dst, '/'), literal[i+2:]
		default: // \" \\ \b \f \n \r \t stay as they are
			dst, literal = append(dst, '\\', c), literal[i+2:]
		}
	}
}

// hex4 returns the value of the four hexadecimal digits that s begins with.
func hex4(s string) rune {
	n, _ := strconv.ParseUint(s[:4], 16, 16)
	return rune(n)
}

// appendText appends text as a canonical string literal.
func appendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text {
		dst = appendRune(dst, r)
	}
	return append(dst, '"')
}

// appendRune appends r as it stands in a string literal (RFC 8785 §3.2.2.2).
func appendRune(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\t':
		return append(dst, `\t`...)
	case '\n':
		return append(dst, `\n`...)
	case '\f':
		return append(dst, `\f`...)
	case '\r':
		return append(dst, `\r`...)
	}
	if r < ' ' {
		const digits = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
	}
	return utf8.AppendRune(dst, r)
}
