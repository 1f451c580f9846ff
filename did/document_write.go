package did

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

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
