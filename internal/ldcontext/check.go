package ldcontext

import (
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

const (
	verifiableCredential = "https://www.w3.org/2018/credentials#verifiableCredential"
	proof                = "https://w3id.org/security#proof"
)

// Check reports whether the contexts that doc lists define everything it says: doc is a whole
// credential or presentation, and every member name and every type in it, at every depth, must be
// defined where it stands. The error is a *[TermError].
//
// It is stricter than JSON-LD where that has two spellings for one thing: IRIs in place of terms,
// keywords in place of their aliases, @set around an array, contexts inside the document. A reader
// that looks for names, as most do, would see less than a JSON-LD processor.
//
// The credentials in a presentation's verifiableCredential are not entered: each is a document of
// its own, with its own contexts. Values of @json terms are data and are not entered either.
func (s *Set) Check(doc strictjson.Value) error {
	if doc.Kind() != strictjson.Object {
		return &TermError{doc.Pointer(), "", "is " + doc.Kind().String() + ", not a credential or presentation"}
	}
	if !doc.Member("@context").Exists() {
		return &TermError{doc.Pointer(), "@context", "is missing"}
	}
	w := &walk{Set: s}
	if e := w.object(doc, s.empty, nil, true); e != nil { // a nil *TermError is not a nil error
		return e
	}
	return nil
}

// A walk is one check of one document.
type walk struct {
	*Set
	fresh int  // active contexts computed for it, at most maxFresh
	whole bool // also enters the credentials of a presentation
}

// value checks what stands at a property with definition t; nil if the property is an IRI or a word of @vocab.
func (w *walk) value(v strictjson.Value, a *active, t *term) *TermError {
	switch v.Kind() {
	case strictjson.Array:
		for e := v.First(); e.Exists(); e = e.Next() {
			if err := w.value(e, a, t); err != nil {
				return err
			}
		}
	case strictjson.Object:
		return w.object(v, a, t, false)
	}
	return nil
}

// object checks one object (JSON-LD 1.1 API §5.1.2, steps 7 to 13).
func (w *walk) object(v strictjson.Value, a *active, via *term, root bool) *TermError {
	a, isValue, err := w.enter(v, a, via, root)
	if err != nil {
		return err
	}
	if isValue {
		return valueObject(v, a)
	}
	a, failed := w.types(v, a)
	if failed != nil {
		return failed
	}

	var ids int
	for m := v.First(); m.Exists(); m = m.Next() {
		name := m.Name()
		t := a.lookup(name)
		if only := onlyName(a, t, name); only != "" && only != name {
			return &TermError{m.Pointer(), name, "is another name of " + only + ", by which readers look for it"}
		}
		if t == nil {
			if name == "@context" {
				continue
			}
			if reason := w.undefined(a, name); reason != "" {
				return &TermError{m.Pointer(), name, reason}
			}
			if strings.Contains(name, ":") {
				return &TermError{m.Pointer(), name, "is an IRI where a term belongs: readers that look for terms would not see it"}
			}
		} else {
			switch {
			case t.iri == "":
				return &TermError{m.Pointer(), name, "is mapped to null: it means nothing here"}
			case t.lookalike:
				return &TermError{m.Pointer(), name, lookalike}
			case t.iri == "@type":
				continue
			case t.iri == "@id":
				if w.inline && name != "id" {
					return &TermError{m.Pointer(), name, renamed}
				}
				if ids++; ids > 1 {
					return &TermError{m.Pointer(), name, "is a second identifier of one object"}
				}
				if m.Kind() != strictjson.String {
					return &TermError{m.Pointer(), name, "must be a string"}
				}
				continue
			case t.typ == "@json":
				continue
			case root && t.iri == verifiableCredential && !w.whole:
				continue
			}
		}
		switch m.Kind() {
		case strictjson.Object:
			if t != nil && strings.HasPrefix(t.container, "@language") {
				if err := languages(m); err != nil {
					return err
				}
				continue
			}
			fallthrough
		case strictjson.Array: // of objects, also where an object would be a language map
			if err := w.value(m, a, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// onlyName returns the name by which every reader looks for the property that name means here, if it is one of those by
// which a credential ends, is taken back, or is about somebody. No suite that signs RDF signs the name, or which contexts
// are listed: whoever holds the credential could choose another, and hide it.
func onlyName(a *active, t *term, name string) string {
	var iri string
	if t != nil {
		iri = t.iri
	} else if a.vocab != "" {
		iri = a.vocab + name
	}
	if word, ok := strings.CutPrefix(iri, "https://www.w3.org/2018/credentials#"); ok {
		switch word {
		case "credentialSchema", "credentialStatus", "credentialSubject", "expirationDate", "holder", "issuanceDate", "issuer",
			"relatedResource", "validFrom", "validUntil", "verifiableCredential":
			return word
		}
	}
	if word, ok := strings.CutPrefix(iri, "https://w3id.org/security#"); ok {
		switch word {
		case "expiration": // as security/v2 calls it, too
			return "expires"
		case "challenge", "cryptosuite", "domain", "nonce", "previousProof", "proof", "proofPurpose", "proofValue", "verificationMethod":
			return word
		}
	}
	if word, ok := strings.CutPrefix(iri, "https://www.w3.org/ns/credentials/status#"); ok {
		return word // where a status stands, and how wide it is
	}
	if iri == HourmeterV1+"#record" {
		return "record"
	}
	return ""
}

// A document that chooses its own words could hide an identifier or a type from those who look for its name.
const renamed = "is another name of id or type, which a document with a context of its own cannot use"

// enter returns the active context within v, but for its types, and whether v is a value object.
func (w *walk) enter(v strictjson.Value, a *active, via *term, root bool) (_ *active, isValue bool, _ *TermError) {
	var context strictjson.Value
	for m := v.First(); m.Exists(); m = m.Next() {
		if name := m.Name(); strings.HasPrefix(name, "@") {
			switch name {
			case "@value":
				isValue = true
			case "@context":
				context = m
			}
		}
	}

	// The context of a type holds for its object alone: below it, the one before is in force again.
	// A value object or a mere reference is no object of its own.
	if a.previous != nil && !isValue && !isReference(v, a) {
		a = a.previous
	}
	if via != nil && via.context.Exists() {
		next, err := w.scoped(a, via, false)
		if err != nil {
			return nil, false, &TermError{v.Pointer(), v.Name(), "has a context that " + err.Error()}
		}
		a = next
	}
	if context.Exists() {
		if !root && (via == nil || via.iri != proof && !(w.whole && via.iri == verifiableCredential)) {
			return nil, false, &TermError{context.Pointer(), "@context", "stands inside the document, where readers would not look for it"}
		}
		next, err := w.listed(a, context)
		if err != nil {
			return nil, false, err
		}
		a = next
	}
	return a, isValue, nil
}

const lookalike = "is a term of " + HourmeterV1 + ": list that context to use it"

// listed returns the active context after the contexts that the document lists at c.
func (w *walk) listed(a *active, c strictjson.Value) (*active, *TermError) {
	one := func(a *active, c strictjson.Value) (*active, *TermError) {
		switch c.Kind() {
		case strictjson.String:
			next, err := w.named(a, c.Text())
			if err != nil {
				return nil, &TermError{c.Pointer(), c.Text(), err.Error()}
			}
			return next, nil
		case strictjson.Null:
			if a.protected {
				return nil, &TermError{c.Pointer(), "@context", errNullifies.Error()}
			}
			return w.empty, nil
		case strictjson.Object:
			if !w.inline {
				return nil, &TermError{c.Pointer(), "@context", "is written into the document, so that nobody can pin it: publish it and list its URL"}
			}
			next, err := w.written(a, c)
			if err != nil {
				return nil, &TermError{c.Pointer(), "@context", err.Error()}
			}
			return next, nil
		}
		return nil, &TermError{c.Pointer(), "@context", "holds " + c.Kind().String() + " where the URL of a context belongs"}
	}
	if c.Kind() != strictjson.Array {
		return one(a, c)
	}
	n := 0
	for e := c.First(); e.Exists(); e = e.Next() {
		if n++; n > maxNames {
			return nil, &TermError{e.Pointer(), "@context", "lists too many contexts"}
		}
		next, err := one(a, e)
		if err != nil {
			return nil, err
		}
		a = next
	}
	return a, nil
}

// written returns the active context after one that is written into the document. It is not remembered:
// the next document has another.
func (w *walk) written(a *active, c strictjson.Value) (*active, error) {
	if len(c.Raw()) > maxInline {
		return nil, fmt.Errorf("is written into the document with more than %d bytes: publish it and list its URL", maxInline)
	}
	// Some write the document of a context there, with the context in it, as it would be served; so do the W3C's tests.
	if within := c.Member("@context"); within.Kind() == strictjson.Object && c.Len() == 1 {
		c = within
	}
	for _, name := range [...]string{"@base", "@propagate"} {
		if c.Member(name).Exists() {
			return nil, fmt.Errorf("sets %s, which a context that is written into a document cannot", name)
		}
	}
	if w.fresh++; w.fresh > maxFresh {
		return nil, errTooMany
	}
	next, err := w.process(a, c, false, true, maxContextDepth)
	if err != nil {
		return nil, err
	}
	return next, w.validateScopes(a, c)
}

// types checks the types of v and returns the active context after their scoped contexts.
func (w *walk) types(v strictjson.Value, a *active) (*active, *TermError) {
	var list strictjson.Value
	for _, alias := range a.typeAliases {
		if m := v.Member(alias); m.Exists() {
			if w.inline && alias != "type" {
				return nil, &TermError{m.Pointer(), alias, renamed}
			}
			if list.Exists() {
				return nil, &TermError{m.Pointer(), alias, "is a second list of types of one object"}
			}
			list = m
		}
	}
	if !list.Exists() {
		return a, nil
	}
	n := 0
	switch list.Kind() {
	case strictjson.String:
		if err := w.oneType(list, a); err != nil {
			return nil, err
		}
	case strictjson.Array:
		for e := list.First(); e.Exists(); e = e.Next() {
			if n++; n > maxTypes {
				return nil, &TermError{e.Pointer(), list.Name(), "has too many types"}
			}
			if err := w.oneType(e, a); err != nil {
				return nil, err
			}
		}
	default:
		return nil, &TermError{list.Pointer(), list.Name(), "must be a string or a list of strings"}
	}

	// The types' own contexts come into force in the order of their names, whatever the order in the
	// list, each looked up in the context before them all (§5.1.2, step 11).
	first := list
	if list.Kind() == strictjson.Array {
		first = list.First()
	}
	before, last := a, ""
	for {
		var next *term
		var name string
		for e := first; e.Exists(); e = e.Next() {
			if text := e.Text(); text > last && (next == nil || text < name) {
				if t := before.lookup(text); t != nil && t.context.Exists() {
					next, name = t, text
				}
			}
			if n == 0 {
				break // a string, whose siblings are members
			}
		}
		if next == nil {
			return a, nil
		}
		after, err := w.scoped(a, next, true)
		if err != nil {
			return nil, &TermError{list.Pointer(), name, "has a context that " + err.Error()}
		}
		a, last = after, name
	}
}

// oneType checks one type.
func (w *walk) oneType(v strictjson.Value, a *active) *TermError {
	if v.Kind() != strictjson.String {
		return &TermError{v.Pointer(), "type", "must be a string or a list of strings"}
	}
	name := v.Text()
	t := a.lookup(name)
	switch {
	case t == nil:
		if reason := w.undefined(a, name); reason != "" {
			return &TermError{v.Pointer(), name, reason}
		}
	case t.iri == "" || t.iri[0] == '@':
		return &TermError{v.Pointer(), name, "is not a type"}
	case t.lookalike:
		return &TermError{v.Pointer(), name, lookalike}
	}
	return nil
}

// undefined says why a name that is not a term means nothing; "" if it is an IRI, or a word of @vocab.
func (w *walk) undefined(a *active, name string) string {
	if strings.HasPrefix(name, "@") {
		switch name {
		case "@id":
			return `must be written "id"`
		case "@type":
			return `must be written "type"`
		}
		return "is a keyword that a credential cannot use"
	}
	if prefix, suffix, ok := strings.Cut(name, ":"); ok {
		if t := a.lookup(prefix); t != nil && t.prefix && !strings.HasPrefix(suffix, "//") {
			if isIRI(t.iri + suffix) {
				return writtenOut(t.iri + suffix)
			}
			return "is a compact IRI with characters that an IRI cannot have"
		}
		// Formally, any word before a colon is a scheme. One without // that nobody has heard of is a
		// prefix whose context was forgotten.
		if !isIRI(name) || !strings.HasPrefix(suffix, "//") && prefix != "urn" && prefix != "did" && prefix != "tag" {
			return "is neither an absolute IRI nor a compact one whose prefix is defined"
		}
		return writtenOut(name)
	}
	if a.vocab == "" || name == "" {
		return "is not defined by the contexts that are listed"
	}
	// @vocab means every word, also a misspelt or imitated one.
	if _, ours := w.reserved[name]; ours {
		return lookalike
	}
	if a.hasVariant(name) {
		return "differs from a defined term only by case"
	}
	return ""
}

// isReference reports whether v has only an identifier.
func isReference(v strictjson.Value, a *active) bool {
	m := v.First()
	if !m.Exists() || m.Next().Exists() {
		return false
	}
	t := a.lookup(m.Name())
	return t != nil && t.iri == "@id"
}

// valueObject checks a value object (JSON-LD 1.1 §9.5): a literal with its language and direction, or its datatype.
func valueObject(v strictjson.Value, a *active) *TermError {
	datatype := ""
	for m := v.First(); m.Exists(); m = m.Next() {
		ok := m.Kind() == strictjson.String
		switch m.Name() {
		case "@value", "@context":
			continue
		case "@language":
			ok = m.Kind() == strictjson.String && isLanguage(m)
		case "@index":
		case "@direction":
			ok = m.Text() == "ltr" || m.Text() == "rtl"
		case "@type":
			datatype = m.Text()
			t := a.lookup(datatype)
			ok = datatype == "@json" || t != nil && isIRI(t.iri) || t == nil && isIRI(datatype)
		default:
			return &TermError{m.Pointer(), m.Name(), "cannot stand beside @value"}
		}
		if !ok {
			return &TermError{m.Pointer(), m.Name(), "has a value that it cannot have"}
		}
	}
	if datatype != "" && (v.Member("@language").Exists() || v.Member("@direction").Exists()) {
		return &TermError{v.Pointer(), "@type", "cannot stand beside @language or @direction"}
	}
	literal := v.Member("@value")
	if k := literal.Kind(); datatype != "@json" && (k == strictjson.Object || k == strictjson.Array) {
		return &TermError{literal.Pointer(), "@value", "must be a string, number, boolean or null"}
	}
	return nil
}

// languages checks a language map: its names are language tags, its values strings or lists of strings.
func languages(v strictjson.Value) *TermError {
	for m := v.First(); m.Exists(); m = m.Next() {
		ok := m.Kind() == strictjson.String || m.Kind() == strictjson.Null || m.Kind() == strictjson.Array
		for e := range m.All() {
			ok = ok && (e.Kind() == strictjson.String || e.Kind() == strictjson.Null)
		}
		if !ok {
			return &TermError{m.Pointer(), m.Name(), "must be text in that language"}
		}
	}
	return nil
}

// writtenOut refuses a type given as an IRI of the vocabularies whose short names readers look for.
func writtenOut(iri string) string {
	for _, vocabulary := range [...]string{"https://www.w3.org/2018/credentials#", "https://w3id.org/security#", HourmeterV1 + "#"} {
		if strings.HasPrefix(iri, vocabulary) {
			return "must be written as the short name that its context gives it"
		}
	}
	return ""
}
