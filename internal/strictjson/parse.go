package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads the one JSON value in src. It copies src, which must not change until Parse returns.
//
// The error is a [*SyntaxError]. Refused are: text that is not JSON (RFC 8259), a byte order mark,
// invalid UTF-8 and lone surrogates, an object with two members of one name, anything but white
// space after the value, an integer beyond [MaxInteger] or a number whose canonical form is
// such an integer, a number that float64 can only hold as infinity or, not being zero, as zero, more
// than 256 numbers that take long to read, and what is beyond lim.
func Parse(src []byte, lim Limits) (*Document, error) {
	lim.Bytes = orDefault(lim.Bytes, MaxBytes, math.MaxInt32)
	lim.Depth = orDefault(lim.Depth, MaxDepth, deepest)
	lim.Values = orDefault(lim.Values, MaxValues, math.MaxInt32)
	if len(src) > lim.Bytes {
		return nil, &SyntaxError{Offset: int64(lim.Bytes), Msg: fmt.Sprintf("%d bytes are more than the %d allowed", len(src), lim.Bytes)}
	}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		return nil, &SyntaxError{Msg: "a byte order mark before the value: send UTF-8 without it"}
	}

	// One value at the root, at most one more after each comma and first in each container: the tape
	// is allocated once.
	more := bytes.Count(src, []byte{','}) + bytes.Count(src, []byte{'{'}) + bytes.Count(src, []byte{'['})
	d := &Document{text: string(src), nodes: make([]node, 0, 1+min(more, lim.Values))}

	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.buf = *bytes.NewBuffer(src) // jsontext reads a bytes.Buffer in place
	r.dec.Reset(&r.buf)
	if err := d.lay(&r.dec, lim); err != nil {
		return nil, err
	}
	return d, nil
}

// readers keeps decoders from one Parse to the next, so that their stacks are allocated only once.
// An idle one still refers to the last text it read.
var readers = sync.Pool{New: func() any { return new(reader) }}

type reader struct {
	dec jsontext.Decoder
	buf bytes.Buffer
}

func orDefault(n, def, most int) int {
	if n <= 0 {
		return def
	}
	return min(n, most)
}

// lay lays out the nodes of d.text as dec, which reads the same text, goes through its tokens.
func (d *Document) lay(dec *jsontext.Decoder, lim Limits) error {
	const (
		none    = math.MaxUint32
		between = uint64(1<<' ' | 1<<'\t' | 1<<'\n' | 1<<'\r' | 1<<',' | 1<<':') // what stands between tokens, a bit each
	)
	var (
		s         = d.text
		end       = 0                               // of the token before
		backslash = strings.IndexByte(s, '\\') >= 0 // most texts have none at all
		open      = uint32(none)                    // the innermost open container
		inObject  = false                           // which is an object
		last      = uint32(0)                       // the value before the next one in it; 0 if there is none
		depth     = 0
		hard      = 0  // numbers that are slow to read
		n         node // the next value, or so far only its name
	)
	for {
		if _, err := dec.ReadToken(); err != nil {
			return explain(err, end, open == none && len(d.nodes) > 0)
		}
		start := end
		for between>>s[start]&1 != 0 {
			start++
		}
		end = int(dec.InputOffset())

		switch s[start] {
		case '"':
			esc := backslash && strings.IndexByte(s[start:end], '\\') >= 0
			if inObject && n.name == 0 {
				n.name, n.nameEnd = uint32(start+1), uint32(end-1)
				if esc {
					n.flags |= nameEscaped
				}
				continue
			}
			n.kind = String
			if esc {
				n.flags |= escaped
			}
		case '{':
			n.kind, n.next = Object, open
		case '[':
			n.kind, n.next = Array, open
		case '}', ']':
			box := &d.nodes[open]
			last, open = open, box.next
			box.end, box.next = uint32(end), 0
			inObject = open != none && d.nodes[open].kind == Object
			depth--
			continue
		case 't':
			n.kind = True
		case 'f':
			n.kind = False
		case 'n':
			n.kind = Null
		default:
			n.kind = Number
		}

		self := uint32(len(d.nodes))
		if self > 0 && open == none {
			return &SyntaxError{Offset: int64(start), Msg: "more text after the value: send one value only"}
		}
		n.start, n.end = uint32(start), uint32(end)
		d.nodes = append(d.nodes, n)
		if last != 0 {
			d.nodes[last].next = self
		} else if open != none {
			d.nodes[open].flags |= holds
		}
		last = self
		switch {
		case len(d.nodes) > lim.Values:
			return d.refuse(self, fmt.Sprintf("more than the %d values allowed in one text", lim.Values))
		case n.kind == Number:
			msg, slow := outOfRange(s[start:end])
			if slow {
				hard++
			}
			if hard > maxSlow {
				msg = fmt.Sprintf("more than the %d numbers close to 0, or of many digits, allowed in one text: send them as strings", maxSlow)
			}
			if msg != "" {
				return d.refuse(self, msg)
			}
		case n.kind >= Object:
			if depth++; depth > lim.Depth {
				return d.refuse(self, fmt.Sprintf("nested more than the %d deep allowed", lim.Depth))
			}
			open, inObject, last = self, n.kind == Object, 0
		}
		n = node{}
	}
}

// explain turns the error with which jsontext ended the text after offset end into ours: into nil if
// the value was complete, and that is all there is.
func explain(err error, end int, complete bool) error {
	switch syn, ok := errors.AsType[*jsontext.SyntacticError](err); {
	case err == io.EOF && complete:
		return nil
	case err == io.EOF:
		return &SyntaxError{Offset: int64(end), Msg: "no value: the text is empty"}
	case complete:
		return &SyntaxError{Offset: int64(end), Msg: "more text after the value: send one value only"}
	case !ok:
		return &SyntaxError{Offset: int64(end), Msg: err.Error()}
	default:
		e := &SyntaxError{Offset: syn.ByteOffset, Pointer: string(syn.JSONPointer), Msg: syn.Err.Error()}
		switch syn.Err {
		case jsontext.ErrDuplicateName:
			e.Msg = fmt.Sprintf("a second member named %q: readers disagree on which one counts", brief(syn.JSONPointer.LastToken()))
		case io.ErrUnexpectedEOF:
			e.Msg = "the text ends before the value does"
		}
		return e
	}
}

// outOfRange says what is wrong with the number s if readers would not agree on its value, and
// whether it is slow to read: strconv goes digit by digit where its shorter ways fail, which are
// numbers that float64 holds with fewer bits than usual, and long ones far from 1.
func outOfRange(s string) (msg string, slow bool) {
	plain := len(s) <= len("-99999999999999")
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] <= '9' && s[i] != '.'
	}
	if plain {
		return "", false
	}
	f, err := strconv.ParseFloat(s, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	integer := !strings.ContainsAny(s, ".eE")
	abs := math.Abs(f)
	const subnormal = 2.3e-308 // and a little above
	slow = f != 0 && (abs < subnormal || (abs < 1e-40 || abs > 1e40) && len(mantissa) > len("-1.234567890123456789"))
	switch {
	case err != nil:
		return fmt.Sprintf("the number %s is too large for float64: send it as a string", brief(s)), slow
	case f == 0 && strings.ContainsAny(mantissa, "123456789"):
		return fmt.Sprintf("the number %s is too small for float64 and would read as 0: send it as a string", brief(s)), slow
	case abs > MaxInteger && (integer || abs < exponent):
		return fmt.Sprintf("the integer %s is beyond ±(2^53-1), where JSON readers disagree: send it as a string", brief(s)), slow
	}
	return "", slow
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
