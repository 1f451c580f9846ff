package did

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Limits of a document.
const (
	// MaxDocumentBytes is the longest document that is read. Real ones have one to ten
	// kilobytes; certificates and PGP keys in them make exceptions.
	MaxDocumentBytes = 128 << 10
	// MaxEntries is the most entries any list of a document may have. A document with a
	// key for every machine of a depot fits; a lookup in it stays a short linear search.
	MaxEntries = 256
	// maxValues is the most JSON values in one document: twenty for each of MaxEntries
	// methods, and as many again for services and the rest.
	maxValues = 2 * 20 * MaxEntries
)

// A Document says which keys act for a DID, in which roles, and where to reach its
// subject (DID Core 1.1 §4 and §5). It is read by [ParseDocument].
//
// Documents are shared, between goroutines and by caches: change a copy.
type Document struct {
	// Context is @context: each entry a URL or, starting with "{", the JSON text of an
	// object. Empty in a document in plain JSON. Nothing here follows it: names mean
	// what DID Core says they mean.
	Context []string

	ID          DID      // whom the document is about
	Controller  []DID    // who may change the document, besides what its method says
	AlsoKnownAs []string // other URIs of the subject, by its own claim

	VerificationMethod   []VerificationMethod
	Authentication       []MethodRef
	AssertionMethod      []MethodRef
	KeyAgreement         []MethodRef
	CapabilityInvocation []MethodRef
	CapabilityDelegation []MethodRef

	Service []Service

	Extra []Member // members DID Core does not define, in the order read

	// Raw is the text the document was read from, exactly; "" for one made in Go.
	Raw string
}

// A VerificationMethod is a key, or something like one, that a document names (DID Core 1.1 §5.2).
type VerificationMethod struct {
	ID         URL
	Type       string // "Multikey", "JsonWebKey2020", …
	Controller DID    // who holds the private key

	Expires time.Time // from when on it must not be used; zero if nothing is said
	Revoked time.Time // likewise, said later

	// Extra are all other members: the one that carries the key, such as
	// publicKeyMultibase, among them. PublicKey reads it.
	Extra []Member
}

// A MethodRef is an entry of a relationship: a method the document defines elsewhere, or
// one defined in place, which has that relationship only (DID Core 1.1 §5.3).
type MethodRef struct {
	ID       URL                 // of the method
	Embedded *VerificationMethod // nil if only referred to
}

// A Service is a way to reach the subject of a document (DID Core 1.1 §5.4).
type Service struct {
	ID       URL
	Type     []string
	Endpoint []string // each a URI or, starting with "{", the JSON text of an object
	Extra    []Member
}

// A Member is a member of a JSON object that this package keeps but does not read.
type Member struct {
	Name  string
	Value string // JSON text
}

// The members that DID Core and Controlled Identifiers define. One that differs from
// these only by case is refused, since some readers would take it for the real one.
var (
	documentMembers = []string{"@context", "id", "controller", "alsoKnownAs", "verificationMethod",
		"authentication", "assertionMethod", "keyAgreement", "capabilityInvocation", "capabilityDelegation", "service"}
	methodMembers = []string{"id", "type", "controller", "expires", "revoked",
		"publicKeyMultibase", "publicKeyJwk", "publicKeyBase58", "publicKeyHex"}
	serviceMembers = []string{"id", "type", "serviceEndpoint"}
)

// A DocumentError reports a document that must not be used. It wraps [ErrInvalidDocument].
type DocumentError struct {
	ID      DID    // whose document, if it got that far
	Pointer string // where, as a JSON Pointer (RFC 6901)
	Msg     string
	Err     error // the cause, if it has an error of its own; may be nil
}

// Error implements error.
func (e *DocumentError) Error() string {
	whose := "of nobody"
	if !e.ID.IsZero() {
		whose = "of " + e.ID.String()
	}
	msg := e.Msg
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	return fmt.Sprintf("%v %s: at %q: %s", ErrInvalidDocument, whose, e.Pointer, msg)
}

// Unwrap returns [ErrInvalidDocument] and the cause.
func (e *DocumentError) Unwrap() []error { return []error{ErrInvalidDocument, e.Err} }

// ParseDocument reads a DID document in JSON, with or without @context (DID Core 1.1 §6).
//
// It is strict about everything that decides which key counts: JSON itself, types of
// members, identifiers, two methods with one id, limits. It refuses a document that
// carries a private key. Relative ids are read against the document's own. A method of a
// type it does not know, or with a malformed key, is kept, and says so only when its key
// is asked for. Unknown members are kept. The error is a [*DocumentError].
func ParseDocument(raw []byte) (*Document, error) {
	parsed, err := strictjson.Parse(raw, strictjson.Limits{Bytes: MaxDocumentBytes, Values: maxValues})
	if err != nil {
		return nil, &DocumentError{Msg: "is not strict JSON", Err: err}
	}
	root := parsed.Root()
	p := &documentParser{doc: &Document{Raw: root.Raw()}}
	p.document(root)
	if p.err != nil {
		p.err.ID = p.doc.ID
		return nil, p.err
	}
	return p.doc, nil
}

// A documentParser reads one document and keeps the first mistake.
type documentParser struct {
	doc  *Document
	seen map[URL]bool // ids of methods
	err  *DocumentError
}

func (p *documentParser) fail(v strictjson.Value, msg string, cause error) {
	if p.err == nil {
		p.err = &DocumentError{Pointer: v.Pointer(), Msg: msg, Err: cause}
	}
}

func (p *documentParser) document(root strictjson.Value) {
	d := p.doc
	if root.Kind() != strictjson.Object {
		p.fail(root, "is not an object", nil)
		return
	}
	// The id first, wherever it stands: everything relative is read against it.
	id, err := Parse(root.Member("id").Text())
	if err != nil {
		p.fail(root, "has no DID as its id", err)
		return
	}
	d.ID = id
	p.seen = make(map[URL]bool)

	for m := range root.All() {
		switch name := m.Name(); name {
		case "id":
		case "@context":
			d.Context = p.textsOrObjects(m)
		case "controller":
			for v := range p.entries(m) {
				d.Controller = append(d.Controller, p.did(v))
			}
		case "alsoKnownAs":
			if m.Kind() != strictjson.Array {
				p.fail(m, "is not an array", nil)
			}
			for v := range p.entries(m) {
				d.AlsoKnownAs = append(d.AlsoKnownAs, p.text(v))
			}
		case "verificationMethod":
			if m.Kind() != strictjson.Array {
				p.fail(m, "is not an array", nil)
			}
			for v := range p.entries(m) {
				d.VerificationMethod = append(d.VerificationMethod, p.method(v))
			}
		case "authentication":
			d.Authentication = p.relationship(m)
		case "assertionMethod":
			d.AssertionMethod = p.relationship(m)
		case "keyAgreement":
			d.KeyAgreement = p.relationship(m)
		case "capabilityInvocation":
			d.CapabilityInvocation = p.relationship(m)
		case "capabilityDelegation":
			d.CapabilityDelegation = p.relationship(m)
		case "service":
			if m.Kind() != strictjson.Array {
				p.fail(m, "is not an array", nil)
			}
			for v := range p.entries(m) {
				d.Service = append(d.Service, p.service(v))
			}
		default:
			d.Extra = append(d.Extra, p.extra(m, documentMembers))
		}
		if p.err != nil {
			return
		}
	}
}

// relationship reads a set of methods and references to methods.
func (p *documentParser) relationship(m strictjson.Value) (refs []MethodRef) {
	if m.Kind() != strictjson.Array {
		p.fail(m, "is not an array", nil)
	}
	for v := range p.entries(m) {
		if v.Kind() == strictjson.String {
			refs = append(refs, MethodRef{ID: p.url(v)})
			continue
		}
		method := p.method(v)
		refs = append(refs, MethodRef{ID: method.ID, Embedded: &method})
	}
	return refs
}

func (p *documentParser) method(v strictjson.Value) (out VerificationMethod) {
	if v.Kind() != strictjson.Object {
		p.fail(v, "is not a verification method", nil)
		return out
	}
	for m := range v.All() {
		switch name := m.Name(); {
		case name == "id":
			out.ID = p.url(m)
		case name == "type":
			out.Type = p.text(m)
		case name == "controller":
			out.Controller = p.did(m)
		case name == "expires":
			out.Expires = p.time(m)
		case name == "revoked":
			out.Revoked = p.time(m)
		case isSecretMember(name):
			p.fail(m, "is a private key: consider it stolen, and revoke it", nil)
		case strings.EqualFold(name, "publicKeyJwk") && hasSecretMember(m):
			p.fail(m, "is a private key: consider it stolen, and revoke it", nil)
		default:
			out.Extra = append(out.Extra, p.extra(m, methodMembers))
		}
	}
	switch {
	case p.err != nil:
	case out.ID.IsZero() || out.Type == "" || out.Controller.IsZero():
		p.fail(v, "lacks an id, a type or a controller", nil)
	case p.seen[out.ID]:
		p.fail(v, "is a second verification method with the id "+out.ID.String(), nil)
	}
	p.seen[out.ID] = true
	return out
}

func (p *documentParser) service(v strictjson.Value) (out Service) {
	if v.Kind() != strictjson.Object {
		p.fail(v, "is not a service", nil)
		return out
	}
	for m := range v.All() {
		switch m.Name() {
		case "id":
			out.ID = p.url(m)
		case "type":
			for t := range p.entries(m) {
				out.Type = append(out.Type, p.text(t))
			}
		case "serviceEndpoint":
			out.Endpoint = p.textsOrObjects(m)
		default:
			out.Extra = append(out.Extra, p.extra(m, serviceMembers))
		}
	}
	if out.ID.IsZero() || len(out.Type) == 0 || len(out.Endpoint) == 0 {
		p.fail(v, "lacks an id, a type or a serviceEndpoint", nil)
	}
	return out
}

// entries yields what a list holds; anything else is a list of one.
func (p *documentParser) entries(v strictjson.Value) func(yield func(strictjson.Value) bool) {
	return func(yield func(strictjson.Value) bool) {
		if v.Kind() != strictjson.Array {
			yield(v)
			return
		}
		n := 0
		for e := range v.All() {
			if n++; n > MaxEntries {
				p.fail(v, fmt.Sprintf("has more than %d entries", MaxEntries), nil)
			}
			if p.err != nil || !yield(e) {
				return
			}
		}
	}
}

func (p *documentParser) textsOrObjects(m strictjson.Value) (out []string) {
	for v := range p.entries(m) {
		if v.Kind() == strictjson.Object {
			out = append(out, v.Raw())
			continue
		}
		text := p.text(v)
		if strings.HasPrefix(text, "{") {
			p.fail(v, "is a string that looks like an object", nil)
		}
		out = append(out, text)
	}
	return out
}

func (p *documentParser) text(v strictjson.Value) string {
	if v.Kind() != strictjson.String || v.Text() == "" {
		p.fail(v, "is not a string with something in it", nil)
	}
	return v.Text()
}

func (p *documentParser) did(v strictjson.Value) DID {
	id, err := Parse(p.text(v))
	if err != nil {
		p.fail(v, "is not a DID", err)
	}
	return id
}

func (p *documentParser) url(v strictjson.Value) URL {
	u, err := p.doc.ID.URL("").Parse(p.text(v))
	if err != nil {
		p.fail(v, "is not a DID URL, nor relative to the id", err)
	}
	return u
}

// time reads a dateTimeStamp (Controlled Identifiers 1.0 §2.2).
func (p *documentParser) time(v strictjson.Value) time.Time {
	t, err := time.Parse(time.RFC3339, p.text(v))
	if err != nil {
		p.fail(v, "is not a time like 2026-01-31T12:00:00Z", nil)
	}
	return t
}

func (p *documentParser) extra(m strictjson.Value, known []string) Member {
	if real, ok := strictjson.CaseVariant(m.Name(), known...); ok {
		p.fail(m, "differs from "+real+" only by case", nil)
	}
	return Member{Name: m.Name(), Value: m.Raw()}
}

// isSecretMember reports whether name is one of those under which private keys have been
// seen: privateKeyJwk, privateKeyMultibase, secretKeyMultibase, …
func isSecretMember(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "privatekey") || strings.HasPrefix(name, "secretkey")
}

// refs returns the entries of a relationship.
func (d *Document) refs(use Relationship) []MethodRef {
	switch use {
	case Authentication:
		return d.Authentication
	case AssertionMethod:
		return d.AssertionMethod
	case KeyAgreement:
		return d.KeyAgreement
	case CapabilityInvocation:
		return d.CapabilityInvocation
	case CapabilityDelegation:
		return d.CapabilityDelegation
	}
	return nil
}

// Method returns the verification method with this id, wherever the document defines it,
// or nil. What it may be used for is another question: see [Document.Key].
func (d *Document) Method(id URL) *VerificationMethod {
	for i := range d.VerificationMethod {
		if d.VerificationMethod[i].ID == id {
			return &d.VerificationMethod[i]
		}
	}
	for _, use := range [...]Relationship{Authentication, AssertionMethod, KeyAgreement, CapabilityInvocation, CapabilityDelegation} {
		for _, ref := range d.refs(use) {
			if ref.Embedded != nil && ref.ID == id {
				return ref.Embedded
			}
		}
	}
	return nil
}

// Key is [Document.KeyAt] now.
func (d *Document) Key(id URL, use Relationship) (crypto.PublicKey, error) {
	return d.KeyAt(id, use, time.Now())
}

// KeyAt returns the public key that id names, if the document gives it use at that time
// (Controlled Identifiers 1.0 §3.3). In this order:
//
//   - The document defines the method, under its own DID; otherwise [ErrNotFound].
//   - The relationship lists it, or embeds it; otherwise [ErrKeyNotAuthorized].
//   - Its controller is the document's own subject; otherwise ErrKeyNotAuthorized. A
//     document may list a key that somebody else holds, but only that somebody's document
//     could confirm it: resolve the controller, and ask there.
//   - It has neither expired nor been revoked; otherwise ErrKeyNotAuthorized.
//   - It is of a type that can be read, [ErrKeyNotSupported], and well formed, [ErrInvalidKey].
//   - It can do what use asks: X25519 keys only agree on keys and Ed25519 keys never do;
//     otherwise ErrKeyNotAuthorized.
func (d *Document) KeyAt(id URL, use Relationship, at time.Time) (crypto.PublicKey, error) {
	m := d.Method(id)
	if m == nil || id.DID != d.ID {
		return nil, fmt.Errorf("%w: %s in the document of %s", ErrNotFound, id, d.ID)
	}
	switch {
	case !slices.ContainsFunc(d.refs(use), func(ref MethodRef) bool { return ref.ID == id }):
		return nil, fmt.Errorf("%w: %s as %s", ErrKeyNotAuthorized, id, use)
	case m.Controller != d.ID:
		return nil, fmt.Errorf("%w: %s is held by %s: ask for its document", ErrKeyNotAuthorized, id, m.Controller)
	case !m.Expires.IsZero() && !at.Before(m.Expires):
		return nil, fmt.Errorf("%w: %s expired %s", ErrKeyNotAuthorized, id, m.Expires.UTC().Format(time.RFC3339))
	case !m.Revoked.IsZero() && !at.Before(m.Revoked):
		return nil, fmt.Errorf("%w: %s was revoked %s", ErrKeyNotAuthorized, id, m.Revoked.UTC().Format(time.RFC3339))
	}
	pub, err := m.PublicKey()
	if err != nil {
		return nil, err
	}
	if !canDo(pub, use) {
		return nil, fmt.Errorf("%w: %s is a key of the wrong kind for %s", ErrKeyNotAuthorized, id, use)
	}
	return pub, nil
}

// canDo reports whether use is a relationship, and one that keys of this type can have.
func canDo(pub crypto.PublicKey, use Relationship) bool {
	switch use {
	case KeyAgreement:
		_, signsOnly := pub.(ed25519.PublicKey)
		return !signsOnly
	case AssertionMethod, Authentication, CapabilityInvocation, CapabilityDelegation:
		_, agreesOnly := pub.(*ecdh.PublicKey)
		return !agreesOnly
	}
	return false
}

// MarshalJSON implements json.Marshaler. It writes the fields, in the order of DID Core,
// and nothing of Raw; lists of one controller, type or endpoint are written without
// brackets. A document that [ParseDocument] would refuse is an error.
func (d *Document) MarshalJSON() ([]byte, error) {
	w := &objectWriter{}
	w.texts("@context", d.Context, true)
	w.text("id", d.ID.String())
	w.texts("alsoKnownAs", d.AlsoKnownAs, true)
	controllers := make([]string, len(d.Controller))
	for i, c := range d.Controller {
		controllers[i] = c.String()
	}
	w.texts("controller", controllers, false)
	if len(d.VerificationMethod) > 0 {
		w.list("verificationMethod", len(d.VerificationMethod), func(i int) { d.VerificationMethod[i].write(w) })
	}
	for _, use := range [...]Relationship{Authentication, AssertionMethod, KeyAgreement, CapabilityInvocation, CapabilityDelegation} {
		refs := d.refs(use)
		if len(refs) == 0 {
			continue
		}
		w.list(string(use), len(refs), func(i int) {
			if refs[i].Embedded != nil {
				refs[i].Embedded.write(w)
			} else {
				w.quote(refs[i].ID.String())
			}
		})
	}
	if len(d.Service) > 0 {
		w.list("service", len(d.Service), func(i int) { d.Service[i].write(w) })
	}
	w.members(d.Extra)
	raw := w.end()
	if _, err := ParseDocument(raw); err != nil {
		return nil, fmt.Errorf("did: this document cannot be written: %w", err)
	}
	return raw, nil
}

// UnmarshalJSON implements json.Unmarshaler. It is [ParseDocument].
func (d *Document) UnmarshalJSON(raw []byte) error {
	parsed, err := ParseDocument(raw)
	if err != nil {
		return err
	}
	*d = *parsed
	return nil
}

func (m *VerificationMethod) write(outer *objectWriter) {
	w := &objectWriter{}
	w.text("id", m.ID.String())
	w.text("type", m.Type)
	w.text("controller", m.Controller.String())
	if !m.Expires.IsZero() {
		w.text("expires", m.Expires.Format(time.RFC3339Nano))
	}
	if !m.Revoked.IsZero() {
		w.text("revoked", m.Revoked.Format(time.RFC3339Nano))
	}
	w.members(m.Extra)
	outer.buf = append(outer.buf, w.end()...)
}

func (s *Service) write(outer *objectWriter) {
	w := &objectWriter{}
	w.text("id", s.ID.String())
	w.texts("type", s.Type, false)
	w.texts("serviceEndpoint", s.Endpoint, false)
	w.members(s.Extra)
	outer.buf = append(outer.buf, w.end()...)
}

// An objectWriter writes one JSON object, members in the order given.
type objectWriter struct{ buf []byte }

func (w *objectWriter) name(name string) {
	if len(w.buf) == 0 {
		w.buf = append(w.buf, '{')
	} else {
		w.buf = append(w.buf, ',')
	}
	w.quote(name)
	w.buf = append(w.buf, ':')
}

// quote writes a string. Text that is not UTF-8 comes out with U+FFFD in it.
func (w *objectWriter) quote(s string) {
	w.buf, _ = jsontext.AppendQuote(w.buf, s)
}

func (w *objectWriter) text(name, value string) {
	w.name(name)
	w.quote(value)
}

func (w *objectWriter) list(name string, n int, write func(i int)) {
	w.name(name)
	w.buf = append(w.buf, '[')
	for i := range n {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		write(i)
	}
	w.buf = append(w.buf, ']')
}

// texts writes strings, and as they are those that are objects. A single one gets
// brackets only if always a list is wanted.
func (w *objectWriter) texts(name string, texts []string, always bool) {
	write := func(i int) {
		if strings.HasPrefix(texts[i], "{") {
			w.buf = append(w.buf, texts[i]...)
		} else {
			w.quote(texts[i])
		}
	}
	switch {
	case len(texts) == 0:
	case len(texts) == 1 && !always:
		w.name(name)
		write(0)
	default:
		w.list(name, len(texts), write)
	}
}

func (w *objectWriter) members(members []Member) {
	for _, m := range members {
		w.name(m.Name)
		w.buf = append(w.buf, m.Value...)
	}
}

// end closes the object, which has at least one member: every object here has an id.
func (w *objectWriter) end() []byte { return append(w.buf, '}') }
