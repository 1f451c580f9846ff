package schema

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// formats returns those formats (JSON Schema 2020-12 Validation §7.3) that the library reads in
// another way than their RFCs do. Of host names it is not checked, here or there, what IDNA says: any
// A-label will do, and idn-hostname is passed over.
func formats() []*jsonschema.Format {
	texts := func(name string, holds func(string) bool) *jsonschema.Format {
		return &jsonschema.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !holds(s) {
				return errors.New("not a " + name)
			}
			return nil
		}}
	}
	return []*jsonschema.Format{
		texts("uri", func(s string) bool { return isReference(s, false) && isAbsolute(s) }),
		texts("uri-reference", func(s string) bool { return isReference(s, false) }),
		texts("iri", func(s string) bool { return isReference(s, true) && isAbsolute(s) }),
		texts("iri-reference", func(s string) bool { return isReference(s, true) }),
		texts("uri-template", isTemplate),
		texts("ipv4", func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }),
		texts("email", func(s string) bool { return isEmail(s, false) }),
		texts("idn-email", func(s string) bool { return isEmail(s, true) }),
		texts("duration", isDuration),
		texts("hostname", isHostname),
	}
}

// isAbsolute reports whether a reference has a scheme (RFC 3986 §3.1).
func isAbsolute(s string) bool {
	scheme, _, ok := strings.Cut(s, ":")
	return ok && isScheme(scheme)
}

func isScheme(s string) bool {
	return s != "" && isLetter(s[0]) && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.") == ""
}

// isReference reports whether s is a URI reference (RFC 3986 §4.1), or an IRI reference (RFC 3987 §2.2).
func isReference(s string, international bool) bool {
	rest, fragment, _ := strings.Cut(s, "#")
	if scheme, after, ok := strings.Cut(rest, ":"); ok && isScheme(scheme) {
		rest = after
	} else if first, _, _ := strings.Cut(rest, "/"); strings.Contains(first, ":") && !strings.ContainsAny(first[:strings.Index(first, ":")], "?") {
		return false // the first segment of a relative path has no colon (§4.2)
	}
	rest, query, _ := strings.Cut(rest, "?")
	path := rest
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		path = ""
		if slash := strings.IndexByte(authority, '/'); slash >= 0 {
			authority, path = authority[:slash], authority[slash:]
		}
		if !isAuthority(authority, international) {
			return false
		}
	}
	return areChars(path, ":@/", international) && areChars(query, ":@/?", international) && areChars(fragment, ":@/?", international)
}

// isAuthority reads [userinfo@]host[:port] (RFC 3986 §3.2).
func isAuthority(s string, international bool) bool {
	user, host, ok := strings.Cut(s, "@")
	if !ok {
		user, host = "", s
	}
	if !areChars(user, ":", international) {
		return false
	}
	port := ""
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return false
		}
		literal, after := host[1:end], host[end+1:]
		if after != "" && after[0] != ':' {
			return false
		}
		host, port = "", strings.TrimPrefix(after, ":")
		if literal != "" && literal[0]|0x20 == 'v' { // IPvFuture
			number, address, dot := strings.Cut(literal[1:], ".")
			if !dot || number == "" || address == "" || strings.Trim(number, "0123456789abcdefABCDEF") != "" || !areChars(address, ":", false) || strings.Contains(address, "%") {
				return false
			}
		} else if a, err := netip.ParseAddr(literal); err != nil || !a.Is6() || a.Zone() != "" {
			return false
		}
	} else {
		host, port, _ = strings.Cut(host, ":")
	}
	return areChars(host, "", international) && strings.Trim(port, "0123456789") == ""
}

// areChars reports whether s holds unreserved characters, sub-delims, percent-encoded octets (RFC
// 3986 §2) and those in more only; and, if international, characters beyond ASCII.
func areChars(s, more string, international bool) bool {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if !international || r == utf8.RuneError || r < 0xa0 || 0xe000 <= r && r <= 0xf8ff {
				return false
			}
			i += size
			continue
		case c == '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		case isLetter(c), '0' <= c && c <= '9', strings.IndexByte("-._~!$&'()*+,;=", c) >= 0, strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
		i++
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// isTemplate reports whether s is a URI Template (RFC 6570 §2).
func isTemplate(s string) bool {
	for s != "" {
		literal, after, open := strings.Cut(s, "{")
		if strings.ContainsAny(literal, " \"<>\\^`|}") || strings.ContainsFunc(literal, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return false
		}
		for rest := literal; ; {
			_, encoded, percent := strings.Cut(rest, "%")
			if !percent {
				break
			}
			if len(encoded) < 2 || !isHex(encoded[0]) || !isHex(encoded[1]) {
				return false
			}
			rest = encoded
		}
		if !open {
			return true
		}
		expression, after, closed := strings.Cut(after, "}")
		if !closed || expression == "" {
			return false
		}
		if strings.IndexByte("+#./;?&=,!@|", expression[0]) >= 0 { // operator
			expression = expression[1:]
		}
		for _, variable := range strings.Split(expression, ",") {
			name, length, prefix := strings.Cut(strings.TrimSuffix(variable, "*"), ":")
			if prefix && (strings.HasSuffix(variable, "*") || len(length) > 4 || length == "" || length[0] == '0' || strings.Trim(length, "0123456789") != "") {
				return false
			}
			for _, part := range strings.Split(name, ".") {
				if part == "" || !areChars(part, "", false) || strings.ContainsAny(part, "-~!$&'()*+,;=") {
					return false
				}
			}
		}
		s = after
	}
	return true
}

// isEmail reports whether s is an address (RFC 5321 §4.1.2 Mailbox; RFC 6531 §3.3 if international).
func isEmail(s string, international bool) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	allowed := func(s, more string) bool {
		for _, r := range s {
			if r >= utf8.RuneSelf && !international || r < utf8.RuneSelf && !isLetter(byte(r)) && !('0' <= r && r <= '9') && !strings.ContainsRune(more, r) {
				return false
			}
		}
		return true
	}
	if quoted, ok := strings.CutPrefix(local, `"`); ok {
		quoted, ok = strings.CutSuffix(quoted, `"`)
		if !ok || len(local) < 2 || !allowed(strings.NewReplacer(`\\`, "", `\"`, "").Replace(quoted), " !#$%&'()*+,-./:;<=>?@[]^_`{|}~") {
			return false
		}
	} else {
		for _, atom := range strings.Split(local, ".") {
			if atom == "" || !allowed(atom, "!#$%&'*+-/=?^_`{|}~") {
				return false
			}
		}
	}
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		six, isSix := strings.CutPrefix(literal, "IPv6:")
		a, err := netip.ParseAddr(six)
		return ok && err == nil && a.Zone() == "" && a.Is6() == isSix
	}
	if len(domain) > 253 {
		return false
	}
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !allowed(label, "-") {
			return false
		}
	}
	return true
}

// isHostname reports whether s is a name as hosts have it (RFC 1123 §2.1).
func isHostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !areChars(label, "", false) || strings.ContainsAny(label, "%._~!$&'()*+,;=") {
			return false
		}
		if len(label) > 3 && label[2:4] == "--" && !strings.EqualFold(label[:2], "xn") {
			return false // reserved (RFC 5891 §4.2.3.1)
		}
	}
	return true
}

// isDuration reports whether s is a duration (RFC 3339 Appendix A): units from the largest to the
// smallest, none left out in between; or weeks.
func isDuration(s string) bool {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return false
	}
	date, clock, hasClock := strings.Cut(rest, "T")
	if weeks, ok := strings.CutSuffix(date, "W"); ok && !hasClock {
		return weeks != "" && strings.Trim(weeks, "0123456789") == ""
	}
	run := func(s, units string) bool {
		last := -1
		for s != "" {
			digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
			if digits == 0 || digits == len(s) {
				return false
			}
			unit := strings.IndexByte(units, s[digits])
			if unit < 0 || last >= 0 && unit != last+1 {
				return false
			}
			last, s = unit, s[digits+1:]
		}
		return last >= 0
	}
	return (date == "" || run(date, "YMD")) && (!hasClock || run(clock, "HMS")) && (date != "" || hasClock)
}
