// Package strictjson reads JSON that somebody else wrote and that a signature will be checked over.
//
// [Parse] reads the text once and either refuses it or gives a [Document]; [Document.Root] is
// where reading starts, and a [Value] is what is read.
//
// Strict means that all careful readers of an accepted text see the same thing: names are matched
// exactly, no object has two members of one name, text is UTF-8 without lone surrogates, integers
// and the range of numbers are those of I-JSON (RFC 7493), and nothing follows the value. Fractions
// are float64 to all of them: 1.00000000000000000001 is accepted, and is 1.
//
// A member whose name differs from a known one only by case is a different, unknown member here,
// though Go's encoding/json would read it as the known one: whoever knows the names refuses such a
// member with [CaseVariant].
package strictjson

import "strings"

// The default limits. A caller on a small device lowers them with [Limits].
const (
	// MaxBytes is the longest text read: a presentation of a machine's whole life, some ten
	// thousand credentials of 1.7 kB.
	MaxBytes = 16 << 20

	// MaxDepth is how deep objects and arrays may nest. A credential nests 5 to 8 deep and
	// embedded evidence a few more; recursive readers stay within a small stack.
	MaxDepth = 64

	// MaxValues is the most values in one text. Each costs 24 bytes beside the text, so the
	// shortest text that holds a million of them costs 24 MB, and none costs more.
	MaxValues = 1 << 20

	// MaxInteger is the largest magnitude of an integer: 2^53-1. Beyond it, readers that hold
	// numbers as float64 (JavaScript, and RFC 8785) see another integer than the one written
	// (RFC 7493 §2.2).
	MaxInteger = 1<<53 - 1

	// exponent is where the canonical form of a number (RFC 8785 §3.2.2.3) begins to have an
	// exponent. Below it, 1e16 is written as an integer, and so is refused like that integer:
	// the canonical form of what is accepted is accepted, too.
	exponent = 1e21

	// maxSlow is how many numbers of one text may be such that float64 takes some 50 µs to read
	// (see slow), where another takes 50 ns: with them, a presentation of MaxBytes would keep its
	// reader busy for minutes.
	maxSlow = 256

	// deepest is the depth at which jsontext itself stops.
	deepest = 10000
)

// Limits bound what [Parse] accepts. A field that is zero or less means the package's default.
type Limits struct {
	Bytes  int // length of the text; MaxBytes by default
	Depth  int // nesting of objects and arrays; MaxDepth by default, and at most 10000
	Values int // values of any kind, the root and containers among them; MaxValues by default
}

// Kind is the kind of a JSON value. The zero Kind is that of an absent [Value].
type Kind byte

// The seven kinds of JSON value (RFC 8259 §3); false and true are kinds of their own.
const (
	Null Kind = iota + 1
	False
	True
	String
	Number
	Object
	Array
)

// String returns the kind as error messages name it.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case False, True:
		return "a boolean"
	case String:
		return "a string"
	case Number:
		return "a number"
	case Object:
		return "an object"
	case Array:
		return "an array"
	}
	return "nothing"
}

// A Document is a parsed JSON text. It holds its own copy of the text, and the strings read from
// it are parts of that copy. It never changes: any number of goroutines may read it.
type Document struct {
	text  string
	nodes []node // in the order of the text: a container, then what it holds
}

// node describes one value. Offsets are into Document.text.
type node struct {
	start, end uint32 // the value's text
	name       uint32 // the member's name between its quotes; name == 0 outside objects
	nameEnd    uint32
	next       uint32 // index of the next sibling; 0 for the last. While a container is open: its parent
	kind       Kind
	flags      flags
}

type flags uint8

const (
	escaped     flags = 1 << iota // the string has a backslash
	nameEscaped                   // the name has one
	holds                         // the container is not empty: its first child is the next node
)

// CaseVariant reports whether name differs from one of known, and only by case, and returns that
// one. It is false for a known name itself. Case is folded as encoding/json folds it: simple Unicode
// folding, so that "ıssuer" is no variant of "issuer", but "i\u017f\u017fuer" is.
func CaseVariant(name string, known ...string) (string, bool) {
	variant, found := "", false
	for _, k := range known {
		if k == name {
			return "", false
		}
		if !found && strings.EqualFold(k, name) {
			variant, found = k, true
		}
	}
	return variant, found
}
