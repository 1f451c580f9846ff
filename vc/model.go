package vc

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Limits on what is read. They bound the work that a stranger's bytes can cause
// before a signature has been checked.
const (
	MaxCredentialBytes   = 256 << 10 // a realistic record entry has 2 kB; room for embedded evidence
	MaxPresentationBytes = 16 << 20  // a machine's whole life: 8,000 entries of 2 kB
	MaxCredentials       = 10_000    // in one presentation
	MaxProofs            = 8         // on one document: each costs a key look-up and a signature check
	maxDepth             = 32        // nesting; the deepest type of package record has 6 levels
	maxTypes             = 64        // of one credential, as in ldcontext; real ones have 2 or 3
	maxObjects           = 64        // of one member such as evidence or credentialStatus: each may cost a checker a fetch
	maxURL               = did.MaxLength
)

// The members that VCDM 2.0 §4 gives a credential. Another member that differs
// from one of these in case only is refused: other languages would not see it.
var credentialMembers = []string{
	"@context", "id", "type", "name", "description", "issuer", "credentialSubject",
	"validFrom", "validUntil", "credentialStatus", "credentialSchema", "relatedResource",
	"refreshService", "termsOfUse", "evidence", "renderMethod", "confidenceMethod", "proof", "record",
	"issuanceDate", "expirationDate",
}

var presentationMembers = []string{
	"@context", "id", "type", "name", "description", "holder", "verifiableCredential", "termsOfUse", "proof",
}

// A DataModel is a version of the W3C's data model of credentials.
type DataModel string

// The data models.
const (
	VCDM2 DataModel = "2.0"
	VCDM1 DataModel = "1.1" // only if [Verifier.V1] says so
)

// contextCredentialsV1 is what a credential of VCDM 1.1 lists first.
const contextCredentialsV1 = "https://www.w3.org/2018/credentials/v1"

// A model is the outer part of a credential, read and checked for form (VCDM 2.0 §4).
type model struct {
	version     DataModel
	id          string
	types       []string
	issuer      did.DID // zero if the issuer is named by another kind of URL
	subjects    []did.DID
	claim       strictjson.Value // the first, usually the only, credentialSubject
	from, until time.Time
	context     strictjson.Value
	proof       strictjson.Value
	status      strictjson.Value
	schema      strictjson.Value
	related     strictjson.Value

	typeRoom    [2]string  // keep the usual credential's types and subject
	subjectRoom [1]did.DID // out of the heap
}

// read fills m from a credential. It reads all there is, whatever is wrong with
// it, and returns the first error.
func (m *model) read(root strictjson.Value, v1 bool) error {
	if root.Kind() != strictjson.Object {
		return fmt.Errorf("want a JSON object")
	}
	var first error
	keep := func(name string, err error) {
		if err != nil && first == nil {
			first = fmt.Errorf("%s: %w", name, err)
		}
	}
	var err error
	m.issuer, err = readParty(root.Member("issuer"))
	keep("issuer", err)
	m.types, err = readTypes(m.typeRoom[:0], root.Member("type"), "VerifiableCredential")
	keep("type", err)
	m.context = root.Member("@context")
	m.version, err = readContext(m.context, v1)
	keep("@context", err)
	m.claim = root.Member("credentialSubject")
	keep("credentialSubject", m.readSubjects())

	for v := root.First(); v.Exists(); v = v.Next() {
		err = nil
		switch name := v.Name(); name {
		case "@context", "type", "issuer", "credentialSubject", "record":
		case "id":
			m.id, err = readURL(v)
		case "validFrom", "issuanceDate":
			from, failed := readTime(v)
			err = failed
			if from.After(m.from) {
				m.from = from
			}
		case "validUntil", "expirationDate":
			until, failed := readTime(v)
			err = failed
			if m.until.IsZero() || until.Before(m.until) {
				m.until = until
			}
		case "name", "description":
			err = checkLanguage(v)
		case "credentialStatus":
			m.status = v
			err = checkObjects(v, false)
		case "credentialSchema":
			m.schema = v
			err = checkObjects(v, true)
		case "evidence", "termsOfUse", "refreshService", "renderMethod", "confidenceMethod":
			err = checkObjects(v, false)
		case "relatedResource":
			m.related = v
			err = checkRelated(v)
		case "proof":
			m.proof = v
		default:
			err = checkCase(name, credentialMembers)
		}
		keep(v.Name(), err)
	}
	if m.version == VCDM1 && !root.Member("issuanceDate").Exists() {
		keep("issuanceDate", fmt.Errorf("is missing: VCDM 1.1 requires it"))
	}
	if !m.from.IsZero() && !m.until.IsZero() && m.until.Before(m.from) {
		keep("validUntil", fmt.Errorf("%s is before validFrom %s", stamp(m.until), stamp(m.from)))
	}
	return first
}

// readParty reads an issuer or holder: a URL, or an object with one as its id.
func readParty(v strictjson.Value) (did.DID, error) {
	if v.Kind() == strictjson.Object {
		if err := checkNames(v); err != nil {
			return did.DID{}, err
		}
		v = v.Member("id")
	}
	text, err := readURL(v)
	if err != nil || !strings.HasPrefix(text, "did:") {
		return did.DID{}, err
	}
	return did.Parse(text)
}

func (m *model) readSubjects() error {
	subjects := m.claim
	if subjects.Kind() == strictjson.Array {
		m.claim = subjects.First()
	}
	m.subjects = m.subjectRoom[:0]
	return each(subjects, func(subject strictjson.Value) error {
		if err := checkNames(subject); err != nil {
			return err
		}
		if subject.Len() == 0 {
			return fmt.Errorf("makes no claim: the object is empty")
		}
		var who did.DID
		if id := subject.Member("id"); id.Exists() {
			text, err := readURL(id)
			if err != nil {
				return fmt.Errorf("id: %w", err)
			}
			// A subject may be named by any URL; only a DID is one we can act on.
			who, _ = did.Parse(text)
		}
		m.subjects = append(m.subjects, who)
		return nil
	})
}

// readTypes returns the types of v, which must include want (VCDM 2.0 §4.5).
func readTypes(types []string, v strictjson.Value, want string) ([]string, error) {
	switch v.Kind() {
	case strictjson.String:
		types = append(types, v.Text())
	case strictjson.Array:
		for e := v.First(); e.Exists(); e = e.Next() {
			if e.Kind() != strictjson.String {
				return nil, fmt.Errorf("want a string or an array of strings")
			}
			if len(types) == maxTypes {
				return nil, fmt.Errorf("more than %d are listed", maxTypes)
			}
			if slices.Contains(types, e.Text()) {
				return nil, fmt.Errorf("%.80q is listed twice", e.Text())
			}
			types = append(types, e.Text())
		}
	default:
		return nil, fmt.Errorf("want a string or an array of strings")
	}
	if !slices.Contains(types, want) {
		return nil, fmt.Errorf("%s is not among them", want)
	}
	return types, nil
}

// readContext asks for what VCDM 2.0 §4.3, or 1.1 §4.1, says of @context's form.
// Which contexts are known, and what they define, is ldcontext's business: that
// of 2.0 has no issuanceDate.
func readContext(v strictjson.Value, v1 bool) (DataModel, error) {
	if v.Kind() == strictjson.Array && v.First().Kind() == strictjson.String {
		switch v.First().Text() {
		case ContextCredentials:
			return VCDM2, nil
		case contextCredentialsV1:
			if v1 {
				return VCDM1, nil
			}
			return VCDM1, fmt.Errorf("it is of VCDM 1.1, which has to be asked for: see V1")
		}
	}
	return "", fmt.Errorf("want an array that starts with %q", ContextCredentials)
}

// readTime reads an xsd:dateTimeStamp (VCDM 2.0 §4.9): a date and time with its offset.
func readTime(v strictjson.Value) (time.Time, error) {
	text := v.Text()
	// time.Parse also takes a comma before the fraction and an hour of one digit.
	if len(text) < len("2006-01-02T15:04:05Z") || text[13] != ':' || strings.Contains(text, ",") {
		return time.Time{}, fmt.Errorf("%.60q is no time like 2026-11-22T08:30:00Z", text)
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.IsZero() { // the zero time would read as none at all
		return time.Time{}, fmt.Errorf("%.60q is no time like 2026-11-22T08:30:00Z", text)
	}
	return t.UTC(), nil
}

// readURL reads an identifier: an absolute URL (VCDM 2.0 §4.4).
func readURL(v strictjson.Value) (string, error) {
	if v.Kind() != strictjson.String {
		return "", fmt.Errorf("want a URL, got %s", v.Kind())
	}
	text := v.Text()
	if len(text) > maxURL {
		return "", fmt.Errorf("URL has %d bytes, at most %d are read", len(text), maxURL)
	}
	if strings.HasPrefix(text, "did:") {
		if _, err := did.ParseURL(text); err != nil {
			return "", err
		}
		return text, nil
	}
	if !isURL(text) {
		return "", fmt.Errorf("%.60q is not an absolute URL", text)
	}
	return text, nil
}

// isURL reports whether s has a scheme and holds only what a URI may (RFC 3986
// §2, §3.1). Identifiers are compared, never fetched here, so what follows the
// scheme is not taken apart.
func isURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" || scheme == "" || !isLetter(scheme[0]) {
		return false
	}
	for i := range len(scheme) {
		if c := scheme[i]; !isLetter(c) && !('0' <= c && c <= '9') && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	for i := range len(rest) {
		c := rest[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("<>\"{}|\\^`", c) >= 0 {
			return false
		}
		if c == '%' && (i+2 >= len(rest) || !isHex(rest[i+1]) || !isHex(rest[i+2])) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// checkObjects wants one object or an array of them, each with a type and, where
// VCDM 2.0 asks for one, an id that is a URL.
func checkObjects(v strictjson.Value, needID bool) error {
	return each(v, func(o strictjson.Value) error {
		if err := checkNames(o); err != nil {
			return err
		}
		if id := o.Member("id"); id.Exists() {
			if _, err := readURL(id); err != nil {
				return fmt.Errorf("id: %w", err)
			}
		} else if needID {
			return fmt.Errorf("id is missing")
		}
		switch typ := o.Member("type"); typ.Kind() {
		case strictjson.String:
		case strictjson.Array:
			if typ.Len() == 0 {
				return fmt.Errorf("type is empty")
			}
			for e := typ.First(); e.Exists(); e = e.Next() {
				if e.Kind() != strictjson.String {
					return fmt.Errorf("want strings")
				}
			}
		default:
			return fmt.Errorf("type is missing or no string")
		}
		return nil
	})
}

// checkRelated checks relatedResource: distinct ids, each with a digest (VCDM 2.0 §5.3).
func checkRelated(v strictjson.Value) error {
	var seen []string
	return each(v, func(o strictjson.Value) error {
		if err := checkNames(o); err != nil {
			return err
		}
		id, err := readURL(o.Member("id"))
		if err != nil {
			return fmt.Errorf("id: %w", err)
		}
		if slices.Contains(seen, id) {
			return fmt.Errorf("%.80q is listed twice", id)
		}
		seen = append(seen, id)
		if o.Member("digestSRI").Kind() != strictjson.String && o.Member("digestMultibase").Kind() != strictjson.String {
			return fmt.Errorf("%.80q has neither digestSRI nor digestMultibase", id)
		}
		return nil
	})
}

// checkLanguage checks a name or description: a string, or JSON-LD language
// value objects (VCDM 2.0 §11.1).
func checkLanguage(v strictjson.Value) error {
	if v.Kind() == strictjson.String {
		return nil
	}
	return each(v, func(o strictjson.Value) error {
		if o.Member("@value").Kind() != strictjson.String {
			return fmt.Errorf("want a string, or objects with @value, @language and @direction")
		}
		for m := o.First(); m.Exists(); m = m.Next() {
			switch m.Name() {
			case "@value", "@language":
				if m.Kind() != strictjson.String {
					return fmt.Errorf("%s: want a string", m.Name())
				}
			case "@direction":
				if d := m.Text(); d != "ltr" && d != "rtl" {
					return fmt.Errorf("@direction: want ltr or rtl, got %.20q", m.Text())
				}
			default:
				return fmt.Errorf("member %.40q does not belong in a language value", m.Name())
			}
		}
		return nil
	})
}

// checkCase refuses a name that differs from a known one in case only.
func checkCase(name string, known []string) error {
	if is, ok := strictjson.CaseVariant(name, known...); ok {
		return fmt.Errorf("is it %q? names are case-sensitive", is)
	}
	return nil
}

// checkNames refuses id and type under another spelling.
func checkNames(o strictjson.Value) error {
	for m := o.First(); m.Exists(); m = m.Next() {
		n := m.Name()
		if strings.HasPrefix(n, "@") && n != "@context" {
			return fmt.Errorf("member %.40q: JSON-LD would see in it another object than this", n)
		}
		if n == "id" || n == "type" || len(n) != len("id") && len(n) != len("type") {
			continue
		}
		if is, ok := strictjson.CaseVariant(n, "id", "type"); ok {
			return fmt.Errorf("member %q: is it %q? names are case-sensitive", n, is)
		}
	}
	return nil
}

// each calls f for an object, or for each element of a non-empty array of objects.
func each(v strictjson.Value, f func(strictjson.Value) error) error {
	if v.Kind() == strictjson.Object {
		return f(v)
	}
	if v.Kind() != strictjson.Array || v.Len() == 0 {
		return fmt.Errorf("want an object, or an array of objects that is not empty")
	}
	if v.Len() > maxObjects {
		return fmt.Errorf("%d objects, at most %d are read", v.Len(), maxObjects)
	}
	for e := v.First(); e.Exists(); e = e.Next() {
		if e.Kind() != strictjson.Object {
			return fmt.Errorf("want an object, got %s", e.Kind())
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}
