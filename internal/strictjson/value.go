package strictjson

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A Value is one value of a [Document]: a small cursor, copied freely and comparable. The zero Value
// is absent: it has no kind, no text and no members, so that a path of members can be followed
// without asking at every step.
type Value struct {
	doc *Document
	i   uint32
}

// Root returns the value that the text consists of.
func (d *Document) Root() Value { return Value{d, 0} }

// Exists reports whether v is a value of a document.
func (v Value) Exists() bool { return v.doc != nil }

// Kind returns what kind of value v is; 0 if v is absent.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return 0
	}
	return v.doc.nodes[v.i].kind
}

// Raw returns v exactly as the text has it, without the white space around it.
func (v Value) Raw() string {
	if v.doc == nil {
		return ""
	}
	n := &v.doc.nodes[v.i]
	return v.doc.text[n.start:n.end]
}

// Document returns the whole text that v was read from; "" if v is absent.
func (v Value) Document() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.text
}

// Offset returns where Raw begins in Document, in bytes: a name for v that no other value of the document has.
func (v Value) Offset() int {
	if v.doc == nil {
		return 0
	}
	return int(v.doc.nodes[v.i].start)
}

// Text returns the text of a string, unescaped; "" unless v is a string. It allocates only if the
// string is written with escapes.
func (v Value) Text() string {
	if v.Kind() != String {
		return ""
	}
	n := &v.doc.nodes[v.i]
	if n.flags&escaped != 0 {
		return unquote(v.doc.text[n.start:n.end])
	}
	return v.doc.text[n.start+1 : n.end-1]
}

// Int64 returns the value of a number written without fraction and exponent. It reports false for
// any other value; 1.0 and 1e3 are not integers here.
func (v Value) Int64() (int64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Raw(), 10, 64)
	return n, err == nil
}

// Member returns the member of an object that has exactly this name. It is absent if there is none
// or v is not an object.
func (v Value) Member(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		if m.Name() == name {
			return m
		}
	}
	return Value{}
}

// Len returns how many members or elements v has, by counting them; 0 if v is no object or array.
func (v Value) Len() int {
	n := 0
	for c := v.First(); c.Exists(); c = c.Next() {
		n++
	}
	return n
}

// First returns the first member or element of v, in the order of the text. It is absent if there is none.
func (v Value) First() Value {
	if v.doc == nil || v.doc.nodes[v.i].flags&holds == 0 {
		return Value{}
	}
	return Value{v.doc, v.i + 1}
}

// Next returns the member or element after v in the same object or array. It is absent after the last.
func (v Value) Next() Value {
	if v.doc == nil || v.doc.nodes[v.i].next == 0 {
		return Value{}
	}
	return Value{v.doc, v.doc.nodes[v.i].next}
}

// All returns the members or elements of v in the order of the text.
func (v Value) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for c := v.First(); c.Exists() && yield(c); c = c.Next() {
		}
	}
}

// Name returns the name of v as a member of an object, unescaped; "" if v is not a member. It
// allocates only if the name is written with escapes.
func (v Value) Name() string {
	if v.doc == nil {
		return ""
	}
	n := &v.doc.nodes[v.i]
	if n.flags&nameEscaped != 0 {
		return unquote(v.RawName())
	}
	return v.doc.text[n.name:n.nameEnd]
}

// Escaped reports whether v is a string written with escapes, so that Raw holds another text than Text.
func (v Value) Escaped() bool { return v.doc != nil && v.doc.nodes[v.i].flags&escaped != 0 }

// NameEscaped reports whether the name of v is written with escapes.
func (v Value) NameEscaped() bool { return v.doc != nil && v.doc.nodes[v.i].flags&nameEscaped != 0 }

// RawName returns the name of v as the text has it, quotes and escapes included; "" if v is not a member.
func (v Value) RawName() string {
	if v.doc == nil || v.doc.nodes[v.i].name == 0 {
		return ""
	}
	n := &v.doc.nodes[v.i]
	return v.doc.text[n.name-1 : n.nameEnd+1]
}

// Pointer returns where v stands in its document, as a JSON Pointer (RFC 6901), for messages to
// people. It searches from the root: not for the hot path.
func (v Value) Pointer() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.pointer(v.i)
}

// pointer returns the JSON Pointer of node i. It also works while the tape is being laid: an open
// container is the last of its siblings, and its next is its parent, which stands before it.
func (d *Document) pointer(i uint32) string {
	var b []byte
	for at := uint32(0); at != i; {
		inObject := d.nodes[at].kind == Object
		at++
		n := 0
		for next := d.nodes[at].next; at < next && next <= i; next = d.nodes[at].next {
			at = next
			n++
		}
		b = append(b, '/')
		if inObject {
			b = append(b, strings.NewReplacer("~", "~0", "/", "~1").Replace(Value{d, at}.Name())...)
		} else {
			b = strconv.AppendInt(b, int64(n), 10)
		}
	}
	return string(b)
}

// unquote returns the text of a string literal that jsontext has accepted.
func unquote(literal string) string {
	text, _ := jsontext.AppendUnquote(nil, literal)
	return string(slices.Clip(text))
}
