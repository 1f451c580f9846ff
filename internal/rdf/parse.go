package rdf

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads an N-Quads document (RDF 1.1 N-Quads). It is strict: whatever the
// grammar does not allow is an error that names the line, and escaped
// characters of an IRI must be such as could stand there unescaped.
func Parse(document []byte) ([]Quad, error) {
	var quads []Quad
	text := string(document)
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("rdf: N-Quads are UTF-8")
	}
	for number := 1; text != ""; number++ {
		end := strings.IndexAny(text, "\r\n")
		line := text
		if end < 0 {
			text = ""
		} else {
			line, text = text[:end], strings.TrimPrefix(text[end:], "\r")
			text = strings.TrimPrefix(text, "\n")
		}
		p := parser{rest: line}
		p.space()
		if p.rest == "" || p.rest[0] == '#' {
			continue
		}
		q, err := p.statement()
		if err == nil {
			err = q.check(&Quad{})
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		quads = append(quads, q)
	}
	return quads, nil
}

// A parser has the unread part of one line.
type parser struct{ rest string }

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

// take consumes s if it comes next.
func (p *parser) take(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

func (p *parser) statement() (q Quad, err error) {
	for _, t := range [...]*Term{&q.Subject, &q.Predicate, &q.Object, &q.Graph} {
		if p.space(); t == &q.Graph && strings.HasPrefix(p.rest, ".") {
			break
		}
		if *t, err = p.term(); err != nil {
			return q, err
		}
	}
	if p.space(); !p.take(".") {
		return q, fmt.Errorf("rdf: want \".\" at %.40q", p.rest)
	}
	if p.space(); p.rest != "" && p.rest[0] != '#' {
		return q, fmt.Errorf("rdf: unexpected %.40q after the statement", p.rest)
	}
	return q, nil
}

func (p *parser) term() (t Term, err error) {
	switch {
	case p.take("_:"):
		end := strings.IndexFunc(p.rest, func(r rune) bool { return !isLabelRune(r) })
		if end < 0 {
			end = len(p.rest)
		}
		label := strings.TrimRight(p.rest[:end], ".") // a label does not end with the statement's "."
		p.rest = p.rest[len(label):]
		return Term{Kind: Blank, Value: label}, nil
	case p.take("<"):
		t.Kind = IRI
		t.Value, err = p.until('>', false)
		return t, err
	case p.take(`"`):
		t.Kind = Literal
		if t.Value, err = p.until('"', true); err != nil {
			return t, err
		}
		switch {
		case p.take("@"):
			end := 0
			for end < len(p.rest) && (isLetter(p.rest[end]) || isDigit(p.rest[end]) || p.rest[end] == '-') {
				end++
			}
			t.Kind, t.Type = Text, p.rest[:end]
			p.rest = p.rest[end:]
		case p.take("^^<"):
			if t.Type, err = p.until('>', false); err == nil && !isIRI(t.Type) {
				err = fmt.Errorf("rdf: datatype %.200q is not an absolute IRI", t.Type)
			}
			if t.Type == XSDString {
				t.Type = ""
			}
		}
		return t, err
	}
	return t, fmt.Errorf("rdf: want a term at %.40q", p.rest)
}

// until consumes text up to and with the delimiter, and undoes its escapes.
func (p *parser) until(delimiter byte, literal bool) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexAny(p.rest, string([]byte{delimiter, '\\'}))
		if i < 0 {
			return "", fmt.Errorf("rdf: want %q to end %.40q", delimiter, p.rest)
		}
		text := p.rest[:i]
		end := p.rest[i] == delimiter
		p.rest = p.rest[i+1:]
		if end && b.Len() == 0 {
			return text, nil
		}
		b.WriteString(text)
		if end {
			return b.String(), nil
		}
		if p.rest == "" {
			return "", fmt.Errorf("rdf: the line ends in an escape")
		}
		c := p.rest[0]
		p.rest = p.rest[1:]
		switch j := strings.IndexByte(`tbnrf"'\`, c); {
		case c == 'u' || c == 'U':
			digits := 4
			if c == 'U' {
				digits = 8
			}
			if len(p.rest) < digits {
				return "", fmt.Errorf("rdf: \\%c wants %d digits", c, digits)
			}
			n, err := strconv.ParseUint(p.rest[:digits], 16, 32)
			if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
				return "", fmt.Errorf("rdf: \\%c%s is no character", c, p.rest[:digits])
			}
			p.rest = p.rest[digits:]
			b.WriteRune(rune(n))
		case literal && j >= 0:
			b.WriteByte("\t\b\n\r\f\"'\\"[j])
		default:
			return "", fmt.Errorf("rdf: unknown escape \\%c", c)
		}
	}
}
