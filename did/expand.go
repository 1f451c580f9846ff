package did

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// ExpandRelative returns the text of d with each relative DID URL written out: the ids of
// methods, services and objects of other members, and the entries of relationships (DID
// Resolution 1.0 §4.4, "expandRelativeUrls"). All else stays as it was published, to the byte.
func (d *Document) ExpandRelative() ([]byte, error) {
	if d.Raw == "" {
		return d.MarshalJSON() // in which every id is absolute
	}
	parsed, err := strictjson.Parse([]byte(d.Raw), strictjson.Limits{Bytes: MaxDocumentBytes, Values: maxValues})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidDocument, err)
	}
	var out []byte
	done := 0 // what of the text is in out
	expand := func(v strictjson.Value) {
		text := v.Text()
		if text == "" || strings.HasPrefix(text, "did:") {
			return
		}
		u, err := d.ID.URL("").Parse(text)
		if err != nil {
			return // another URI, or none
		}
		out = append(out, d.Raw[done:v.Offset()]...)
		out, _ = jsontext.AppendQuote(out, u.String())
		done = v.Offset() + len(v.Raw())
	}
	item := func(v strictjson.Value, reference bool) {
		if v.Kind() == strictjson.Object {
			expand(v.Member("id"))
		} else if v.Kind() == strictjson.String && reference {
			expand(v)
		}
	}
	for m := range parsed.Root().All() {
		reference := false
		switch m.Name() {
		case "@context", "id", "controller", "alsoKnownAs":
			continue
		case "authentication", "assertionMethod", "keyAgreement", "capabilityInvocation", "capabilityDelegation":
			reference = true
		}
		if m.Kind() != strictjson.Array {
			item(m, reference)
			continue
		}
		for v := range m.All() {
			item(v, reference)
		}
	}
	return append(out, d.Raw[done:]...), nil
}
