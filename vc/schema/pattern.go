package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Limits on patterns. RE2 matches in time linear in the text, and in the size of the pattern, which
// repetition multiplies.
const (
	maxPattern      = 4 << 10 // bytes
	maxInstructions = 5_000   // of the program that a pattern compiles to: that of an RFC 3339 time has 100
)

// A pattern is a regular expression whose work is counted.
type pattern struct {
	*regexp.Regexp
	source string
	size   int // instructions
	meter  *meter
}

func (p *pattern) String() string { return p.source }

func (p *pattern) MatchString(s string) bool {
	p.meter.spend(1 + len(s)*p.size/100) // 100 instructions on a byte take as long as a step
	return p.Regexp.MatchString(s)
}

// compilePattern reads a regular expression of ECMA-262, as far as RE2 has the same.
func compilePattern(source string, m *meter) (jsonschema.Regexp, error) {
	if len(source) > maxPattern {
		return nil, fmt.Errorf("a pattern of %d bytes, at most %d are read", len(source), maxPattern)
	}
	text, err := fromECMA(source)
	if err != nil {
		return nil, fmt.Errorf("pattern %.80q: %w", source, err)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %.80q: %w", source, err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("pattern %.80q: %w", source, err)
	}
	if len(program.Inst) > maxInstructions {
		return nil, fmt.Errorf("pattern %.80q: %d instructions, at most %d are run", source, len(program.Inst), maxInstructions)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("pattern %.80q: %w", source, err)
	}
	return &pattern{re, source, len(program.Inst), m}, nil
}

// White space and line ends of ECMA-262 (§12.2, §12.3), as the inside of a character class.
const (
	ecmaSpace = `\t\n\v\f\r \x{a0}\x{feff}\p{Zs}\x{2028}\x{2029}`
	ecmaLine  = `\n\r\x{2028}\x{2029}`
)

// fromECMA writes what ECMA-262 (§22.2.1, with the flag u) spells in another way than RE2, or means
// otherwise: \uXXXX, \cX, \s, \S and the dot. What RE2 has and ECMA-262 has not is refused: other
// readers of the schema would read something else.
func fromECMA(source string) (string, error) {
	var out strings.Builder
	class := false
	for i := 0; i < len(source); i++ {
		c := source[i]
		switch {
		case c == '[' && !class:
			class = true
		case c == ']' && class:
			class = false
		case c == '.' && !class:
			out.WriteString("[^" + ecmaLine + "]")
			continue
		case c == '[' && class: // RE2 would see [:alpha:] in it
			out.WriteString(`\[`)
			continue
		case c == '(' && strings.HasPrefix(source[i:], "(?") && !class:
			rest := source[i+2:]
			if !strings.HasPrefix(rest, ":") && !strings.HasPrefix(rest, "<") && !strings.HasPrefix(rest, "=") && !strings.HasPrefix(rest, "!") {
				return "", errors.New("flags are not ECMA-262's")
			}
		case c == '\\' && i+1 < len(source):
			i++
			switch e := source[i]; e {
			case 'u':
				r, length, ok := codePoint(source[i+1:])
				if !ok {
					return "", errors.New(`\u: want four hexadecimal digits`)
				}
				i += length
				fmt.Fprintf(&out, `\x{%x}`, r)
			case 'c':
				if i+1 == len(source) || !('a' <= source[i+1]|0x20 && source[i+1]|0x20 <= 'z') {
					return "", errors.New(`\c: want a letter`)
				}
				i++
				fmt.Fprintf(&out, `\x{%x}`, source[i]&0x1f)
			case 's':
				if class {
					out.WriteString(ecmaSpace)
				} else {
					out.WriteString("[" + ecmaSpace + "]")
				}
			case 'S':
				if class {
					return "", errors.New(`\S in a class is not read here`)
				}
				out.WriteString("[^" + ecmaSpace + "]")
			case 'A', 'z', 'Z', 'Q', 'E', 'a', 'C', 'h':
				return "", fmt.Errorf(`\%c is not ECMA-262's`, e)
			default:
				out.WriteByte('\\')
				out.WriteByte(e)
			}
			continue
		}
		out.WriteByte(c)
	}
	return out.String(), nil
}

// codePoint reads what follows \u: four digits, eight of a surrogate pair, or digits in braces.
func codePoint(s string) (r rune, length int, ok bool) {
	if digits, _, braces := strings.Cut(s, "}"); braces && strings.HasPrefix(digits, "{") {
		n, err := strconv.ParseUint(digits[1:], 16, 21)
		return rune(n), len(digits) + 1, err == nil
	}
	hex := func(s string) (rune, bool) {
		if len(s) < 4 {
			return 0, false
		}
		n, err := strconv.ParseUint(s[:4], 16, 16)
		return rune(n), err == nil
	}
	if r, ok = hex(s); !ok {
		return 0, 0, false
	}
	if rest, pair := strings.CutPrefix(s[4:], `\u`); pair && utf16.IsSurrogate(r) {
		if low, ok := hex(rest); ok {
			return utf16.DecodeRune(r, low), 10, true
		}
	}
	return r, 4, true
}
