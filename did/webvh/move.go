package webvh

import (
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/did"
)

// Move is [Log.Update] to a new name, at another host and path such as "yard.example:cranes:7". The
// document's own ids change with it, and its alsoKnownAs has the name before. The log has to be
// portable. Publish it at both places: the old one is where those look who know the old name.
func (l *Log) Move(c Change, location string) (*Log, error) {
	last := &l.entries[len(l.entries)-1]
	to, err := did.Parse("did:" + Method + ":" + l.scid + ":" + strings.ReplaceAll(ascii(location), placeholder, l.scid))
	if err != nil {
		return nil, err
	}
	doc := c.Document
	if doc == nil {
		if doc, err = did.ParseDocument([]byte(l.text[last.stateStart:last.stateEnd])); err != nil {
			return nil, err
		}
	}
	c.Document = rename(withoutImplied(doc), last.id, to)
	return l.change(c, false)
}

// withoutImplied returns doc without the services that [Log.Resolve] adds: written down, they would
// stay behind at a move.
func withoutImplied(doc *did.Document) *did.Document {
	_, name, err := split(doc.ID)
	if err != nil {
		return doc // refused later
	}
	implied := map[string]string{
		doc.ID.String() + "#files": name.Base(),
		doc.ID.String() + "#whois": name.Base() + "whois.vp",
	}
	out := *doc
	out.Service = slices.DeleteFunc(slices.Clone(doc.Service), func(s did.Service) bool {
		return len(s.Endpoint) == 1 && s.Endpoint[0] == implied[s.ID.String()]
	})
	return &out
}

// rename returns doc with the name to in the place of from, wherever an identifier is its own.
func rename(doc *did.Document, from, to did.DID) *did.Document {
	out := *doc
	url := func(u *did.URL) {
		if u.DID == from {
			u.DID = to
		}
	}
	method := func(m *did.VerificationMethod) {
		url(&m.ID)
		if m.Controller == from {
			m.Controller = to
		}
	}
	out.ID = to
	out.Controller = slices.Clone(doc.Controller)
	for i, c := range out.Controller {
		if c == from {
			out.Controller[i] = to
		}
	}
	out.VerificationMethod = slices.Clone(doc.VerificationMethod)
	for i := range out.VerificationMethod {
		method(&out.VerificationMethod[i])
	}
	for _, refs := range [...]*[]did.MethodRef{&out.Authentication, &out.AssertionMethod, &out.KeyAgreement, &out.CapabilityInvocation, &out.CapabilityDelegation} {
		*refs = slices.Clone(*refs)
		for i := range *refs {
			ref := &(*refs)[i]
			url(&ref.ID)
			if ref.Embedded != nil {
				embedded := *ref.Embedded
				method(&embedded)
				ref.Embedded = &embedded
			}
		}
	}
	out.Service = slices.Clone(doc.Service)
	for i := range out.Service {
		url(&out.Service[i].ID)
	}
	out.AlsoKnownAs = slices.DeleteFunc(slices.Clone(doc.AlsoKnownAs), func(s string) bool { return s == to.String() })
	if !slices.Contains(out.AlsoKnownAs, from.String()) {
		out.AlsoKnownAs = append(out.AlsoKnownAs, from.String())
	}
	return &out
}
