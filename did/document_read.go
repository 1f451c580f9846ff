package did

import (
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

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
		whose = "of " + strings.Trim(quote(e.ID.String()), `"`)
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
	if err != nil || t.IsZero() { // the zero time would read as none at all
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
