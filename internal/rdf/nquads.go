package rdf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// AppendQuad writes q as a line of canonical N-Quads (RDFC-1.0 appendix A),
// with its newline and with blank nodes labelled as they are.
//
// It refuses what N-Quads cannot hold, such as an IRI with a space or ">" in it:
// one that was written out all the same could end its statement and begin another.
func AppendQuad(dst []byte, q Quad) ([]byte, error) {
	if err := q.check(&Quad{}); err != nil {
		return nil, err
	}
	dst = appendTerm(dst, &q.Subject)
	dst = appendTerm(append(dst, ' '), &q.Predicate)
	dst = appendTerm(append(dst, ' '), &q.Object)
	if q.Graph.Kind != None {
		dst = appendTerm(append(dst, ' '), &q.Graph)
	}
	return append(dst, " .\n"...), nil
}

// check refuses a quad that RDF 1.1 does not know or N-Quads cannot hold. Most
// terms are those of the quad before, which was checked.
func (q *Quad) check(before *Quad) error {
	if k := q.Subject.Kind; k != IRI && k != Blank {
		return fmt.Errorf("rdf: a subject is an IRI or a blank node, not %s", k)
	}
	if k := q.Predicate.Kind; k != IRI {
		return fmt.Errorf("rdf: a predicate is an IRI, not %s", k)
	}
	if k := q.Object.Kind; k == None || k > Text {
		return fmt.Errorf("rdf: an object is a term, not %s", k)
	}
	if k := q.Graph.Kind; k != None && k != IRI && k != Blank {
		return fmt.Errorf("rdf: a graph's name is an IRI or a blank node, not %s", k)
	}
	old := [...]*Term{&before.Subject, &before.Predicate, &before.Object, &before.Graph}
	for i, t := range [...]*Term{&q.Subject, &q.Predicate, &q.Object, &q.Graph} {
		if *t == *old[i] {
			continue
		}
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t *Term) check() error {
	switch t.Kind {
	case IRI:
		if !isIRI(t.Value) {
			return fmt.Errorf("rdf: %.200q is not an absolute IRI", t.Value)
		}
	case Blank:
		if !isLabel(t.Value) {
			return fmt.Errorf("rdf: %.200q is not the label of a blank node", t.Value)
		}
	case Literal:
		if t.Type != "" && !isIRI(t.Type) {
			return fmt.Errorf("rdf: datatype %.200q is not an absolute IRI", t.Type)
		}
		if !utf8.ValidString(t.Value) {
			return fmt.Errorf("rdf: literal %.200q is not UTF-8", t.Value)
		}
	case Text:
		if !isLanguage(t.Type) {
			return fmt.Errorf("rdf: %.200q is not a language tag", t.Type)
		}
		if !utf8.ValidString(t.Value) {
			return fmt.Errorf("rdf: literal %.200q is not UTF-8", t.Value)
		}
	}
	return nil
}

// String names k in errors.
func (k Kind) String() string {
	switch k {
	case None:
		return "nothing"
	case IRI:
		return "an IRI"
	case Blank:
		return "a blank node"
	case Literal, Text:
		return "a literal"
	}
	return "an unknown kind of term"
}

// appendTerm writes a term that was checked.
func appendTerm(dst []byte, t *Term) []byte {
	switch t.Kind {
	case IRI:
		return append(append(append(dst, '<'), t.Value...), '>')
	case Blank:
		return append(append(dst, "_:"...), t.Value...)
	}
	dst = append(appendEscaped(append(dst, '"'), t.Value), '"')
	switch {
	case t.Kind == Text:
		return append(append(dst, '@'), t.Type...)
	case t.Type != "" && t.Type != XSDString:
		return append(append(append(dst, "^^<"...), t.Type...), '>')
	}
	return dst
}

// appendEscaped writes s as canonical N-Quads escape it, without the quotes.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7F {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '\b':
			c = 'b'
		case '\t':
			c = 't'
		case '\n':
			c = 'n'
		case '\f':
			c = 'f'
		case '\r':
			c = 'r'
		case '"', '\\':
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			continue
		}
		dst = append(dst, '\\', c)
	}
	return append(dst, s[start:]...)
}

// isIRI reports whether s has a scheme and only characters that an IRIREF of
// N-Quads may have (RDF 1.1 N-Quads §4).
func isIRI(s string) bool {
	// One bit for each character that may not be there.
	const below64 = 1<<(' '+1) - 1 | 1<<'<' | 1<<'>' | 1<<'"'
	const above64 = 1<<('{'-64) | 1<<('}'-64) | 1<<('|'-64) | 1<<('^'-64) | 1<<('`'-64) | 1<<('\\'-64)
	high := byte(0)
	for i := range len(s) {
		c, bad := s[i], uint64(below64)
		if c >= 64 {
			bad = above64
		}
		if c < utf8.RuneSelf && bad>>(c&63)&1 != 0 {
			return false
		}
		high |= c
	}
	scheme := strings.IndexByte(s, ':')
	if scheme <= 0 || !isLetter(s[0]) || high >= utf8.RuneSelf && !utf8.ValidString(s) {
		return false
	}
	for i := 1; i < scheme; i++ { // RFC 3986 §3.1
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// isLanguage reports whether s is a LANGTAG of N-Quads, without its "@".
func isLanguage(s string) bool {
	start := 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i == len(s) || s[i] == '-':
			if i == start {
				return false // an empty subtag
			}
			start = i + 1
		case isLetter(s[i]), isDigit(s[i]) && start > 0:
		default:
			return false
		}
	}
	return true
}

// isLabel reports whether s is a BLANK_NODE_LABEL of N-Quads, without its "_:".
func isLabel(s string) bool {
	for i, r := range s {
		if i == 0 && !isNameStart(r) && (r < '0' || '9' < r) || !isLabelRune(r) {
			return false
		}
	}
	return s != "" && s[len(s)-1] != '.' && utf8.ValidString(s)
}

// isLabelRune reports whether r may stand in a label: PN_CHARS of N-Quads, or a full stop.
func isLabelRune(r rune) bool {
	switch {
	case isNameStart(r), '0' <= r && r <= '9', r == '-', r == '.':
		return true
	}
	return r == 0xB7 || 0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040
}

// isNameStart is PN_CHARS_U of N-Quads.
func isNameStart(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return isLetter(byte(r)) || r == '_' || r == ':'
	case 0xC0 <= r && r <= 0x2FF:
		return r != 0xD7 && r != 0xF7
	case 0x370 <= r && r <= 0x1FFF:
		return r != 0x37E
	}
	return r == 0x200C || r == 0x200D || 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF ||
		0x3001 <= r && r <= 0xD7FF || 0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0xEFFFF
}
