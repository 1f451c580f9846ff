package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads the one JSON value in src. It copies src, which must not change until Parse returns.
//
// The error is a [*SyntaxError]. Refused are: text that is not JSON (RFC 8259), a byte order mark,
// invalid UTF-8 and lone surrogates, an object with two members of one name, anything but white
// space after the value, an integer beyond [MaxInteger], a number that float64 can only hold as
// infinity or, not being zero, as zero, and what is beyond lim.
func Parse(src []byte, lim Limits) (*Document, error) {
	lim.Bytes = orDefault(lim.Bytes, MaxBytes, math.MaxInt32)
	lim.Depth = orDefault(lim.Depth, MaxDepth, deepest)
	lim.Values = orDefault(lim.Values, MaxValues, math.MaxInt32)
	if len(src) > lim.Bytes {
		return nil, &SyntaxError{Offset: int64(lim.Bytes), Msg: fmt.Sprintf("%d bytes are more than the %d allowed", len(src), lim.Bytes)}
	}

	// One value at the root, one after each comma, one first in each container: there are no more
	// nodes than that, so the tape is allocated once.
	most := 1 + bytes.Count(src, []byte{','}) + bytes.Count(src, []byte{'{'}) + bytes.Count(src, []byte{'['})
	d := &Document{text: string(src), nodes: make([]node, 0, min(most, lim.Values))}

	// The tape comes first and checks the limits, so that nothing unbounded reaches jsontext, which
	// then checks the grammar in a single call. Asking it for one token after the other, and laying
	// the tape from those, costs more than twice as much.
	ok, err := d.lay(lim)
	if err != nil {
		return nil, err
	}
	if !ok || !jsontext.Value(src).IsValid() {
		return nil, explain(src)
	}
	return d, nil
}

func orDefault(n, def, most int) int {
	if n <= 0 {
		return def
	}
	return min(n, most)
}

// lay lays out the nodes of d.text in one pass, checking the limits and the range of numbers. It
// finds its way through every valid text; what it makes of an invalid one is thrown away when
// jsontext has refused the text. So it skips commas and colons like white space, and takes
// brackets and literals at their first letter. It reports false when it is lost.
func (d *Document) lay(lim Limits) (bool, error) {
	const none = math.MaxUint32
	var (
		s        = d.text
		open     = uint32(none) // the innermost open container
		last     = uint32(0)    // the value before the next one in it; 0 if there is none
		inObject = false        // open is an object
		depth    = 0
		n        node // the next value, or so far only its name
	)
	for i := 0; i < len(s); {
		start, far := i, false
		switch s[i] {
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
			continue

		case '"':
			end, backslash := stringEnd(s, i+1)
			if end < 0 {
				return false, nil
			}
			i = end + 1
			if inObject && n.name == 0 {
				n.name, n.nameEnd = uint32(start+1), uint32(end)
				if backslash {
					n.flags |= nameEscaped
				}
				continue
			}
			n.kind = String
			if backslash {
				n.flags |= escaped
			}

		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			n.kind = Number
			for i++; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			}
			far = i-start > len("-99999999999999") // surely within 2^53 if not longer
			for ; i < len(s) && strings.IndexByte("0123456789.eE+-", s[i]) >= 0; i++ {
				far = true
			}

		case '{', '[':
			n.kind = Object
			if s[i] == '[' {
				n.kind = Array
			}
			n.next = open
			i++

		case '}', ']':
			if open == none {
				return false, nil
			}
			i++
			box := &d.nodes[open]
			last, open = open, box.next
			box.end, box.next = uint32(i), 0
			inObject = open != none && d.nodes[open].kind == Object
			n = node{}
			depth--
			continue

		case 't':
			n.kind = True
			i += len("true")
		case 'f':
			n.kind = False
			i += len("false")
		case 'n':
			n.kind = Null
			i += len("null")

		default:
			return false, nil
		}
		if i > len(s) || open == none && len(d.nodes) > 0 {
			return false, nil // a literal cut short, or a second value
		}

		self := uint32(len(d.nodes))
		n.start, n.end = uint32(start), uint32(i)
		d.nodes = append(d.nodes, n)
		if last != 0 {
			d.nodes[last].next = self
		} else if open != none {
			d.nodes[open].flags |= holds
		}
		if len(d.nodes) > lim.Values {
			return false, d.refuse(self, fmt.Sprintf("more than the %d values allowed in one text", lim.Values))
		}
		if far {
			if msg := outOfRange(s[start:i]); msg != "" {
				return false, d.refuse(self, msg)
			}
		}
		last = self
		if n.kind >= Object {
			if depth++; depth > lim.Depth {
				return false, d.refuse(self, fmt.Sprintf("nested more than the %d deep allowed", lim.Depth))
			}
			open, last = self, 0
			inObject = n.kind == Object
		}
		n = node{}
	}
	return open == none && len(d.nodes) > 0, nil
}

// stringEnd returns the index of the quote that ends the string whose content starts at i, or -1,
// and whether the string has a backslash.
func stringEnd(s string, i int) (end int, backslash bool) {
	n := strings.IndexByte(s[i:], '"')
	if n < 0 {
		return -1, false
	}
	if strings.IndexByte(s[i:i+n], '\\') < 0 {
		return i + n, false
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i, true
		}
	}
	return -1, true
}

// outOfRange says what is wrong with the number s if readers would not agree on its value.
func outOfRange(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		n, err := strconv.ParseUint(strings.TrimPrefix(s, "-"), 10, 64)
		if errors.Is(err, strconv.ErrRange) || n > MaxInteger {
			return fmt.Sprintf("the integer %s is beyond ±(2^53-1), where JSON readers disagree: send it as a string", brief(s))
		}
		return ""
	}
	f, err := strconv.ParseFloat(s, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Sprintf("the number %s is too large for float64: send it as a string", brief(s))
	case err == nil && f == 0 && strings.ContainsAny(mantissa, "123456789"):
		return fmt.Sprintf("the number %s is too small for float64 and would read as 0: send it as a string", brief(s))
	}
	return "" // what does not parse is no JSON number either: jsontext refuses it
}

// explain returns why jsontext refuses src.
func explain(src []byte) error {
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		return &SyntaxError{Msg: "a byte order mark before the value: send UTF-8 without it"}
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(src))
	_, err := dec.ReadValue()
	if err == nil {
		end := dec.InputOffset()
		if _, err = dec.ReadToken(); err != io.EOF {
			return &SyntaxError{Offset: end, Msg: "more text after the value: send one value only"}
		}
		return &SyntaxError{Msg: "not understood"} // unreachable: lay follows every text that jsontext accepts
	}
	if err == io.EOF {
		return &SyntaxError{Msg: "no value: the text is empty"}
	}
	e := &SyntaxError{Msg: err.Error()}
	if syn, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Offset, e.Pointer = syn.ByteOffset, string(syn.JSONPointer)
		switch syn.Err {
		case jsontext.ErrDuplicateName:
			e.Msg = fmt.Sprintf("a second member named %q: readers disagree on which one counts", brief(syn.JSONPointer.LastToken()))
		case io.ErrUnexpectedEOF:
			e.Msg = "the text ends before the value does"
		default:
			e.Msg = syn.Err.Error()
		}
	}
	return e
}

func (d *Document) refuse(i uint32, msg string) error {
	return &SyntaxError{Offset: int64(d.nodes[i].start), Pointer: d.pointer(i), Msg: msg}
}

// A SyntaxError says why a text was refused, and where.
type SyntaxError struct {
	Offset  int64  // in bytes from the start of the text
	Pointer string // the value concerned, or the innermost known to hold the fault (RFC 6901); "" for the root
	Msg     string // what is wrong and, where it helps, what to send instead
}

func (e *SyntaxError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("JSON, byte %d: %s", e.Offset, e.Msg)
	}
	return fmt.Sprintf("JSON, byte %d, at %q: %s", e.Offset, brief(e.Pointer), e.Msg)
}

// brief shortens text of the sender's choosing for an error message.
func brief(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
