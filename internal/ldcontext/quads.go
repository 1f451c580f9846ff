package ldcontext

import (
	"math"
	"strconv"
	"strings"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

const (
	rdfNS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	xsdNS = "http://www.w3.org/2001/XMLSchema#"
	i18n  = "https://www.w3.org/ns/i18n#"
)

// Quads returns what doc says in RDF (JSON-LD 1.1 API §5.1 and §8.1), as Check reads it: it refuses what
// Check refuses, and what else RDF would drop or change, so that nothing in the document can be altered,
// added or taken away without altering a statement. That is:
//   - null, an empty list, a string or number where only a graph can stand, @index, an object in a
//     graph that says nothing;
//   - an identifier, type or reference that is no absolute IRI;
//   - one value twice in a set, and a list in a set;
//   - a number whose canonical form has fewer digits than it needs (xsd:double keeps 16).
//
// RDF still has no order of the elements of a set, and what two objects of one identifier say is said of
// one thing.
//
// Text with a base direction becomes a literal of an i18n datatype (rdfDirection "i18n-datatype").
//
// Unlike Check it enters the credentials of a presentation: they are part of what it says. A blank node's
// label tells where it stands: "b" and the Offset of its object, "g" and that of what is in a graph, "c"
// and that of a list's element. Labels that the document gives begin with "n".
func (s *Set) Quads(doc strictjson.Value) ([]rdf.Quad, error) {
	if doc.Kind() != strictjson.Object || !doc.Member("@context").Exists() {
		return nil, s.Check(doc)
	}
	w := &stater{walk: walk{Set: s, whole: true}, quads: make([]rdf.Quad, 0, 1+min(len(doc.Raw())/bytesPerQuad, maxQuads))}
	if err := w.walk.object(doc, s.empty, nil, true); err != nil {
		return nil, err
	}
	w.fresh = 0 // what the check computed is remembered, unless the document brought it
	root, err := w.node(doc, s.empty, nil, true, rdf.Term{})
	if err == nil {
		err = w.elsewhere(root)
	}
	if err != nil {
		return nil, err
	}
	return w.quads, nil
}

// maxQuads bounds the statements of one document, each of which takes some 160 bytes and, with its canonical form, a few
// microseconds: a credential makes 30 to 100, and a presentation of a thousand of them fits.
const maxQuads = 1 << 17

// bytesPerQuad is how long a document usually is for each statement that it makes.
const bytesPerQuad = 32

// A stater states one document that was checked.
type stater struct {
	walk
	quads  []rdf.Quad
	stated []stated
}

// A stated is an object within the document, in no graph of its own, that has an identifier and says more.
type stated struct {
	name rdf.Term
	via  string // the property it is a value of, an IRI
	at   strictjson.Value
}

const credentials = "https://www.w3.org/2018/credentials#"

// elsewhere refuses what is said of the credential, or of its subject, where no reader looks for it: RDF does not say
// where in a document it was said, so that whoever holds a credential could take its end or its status there. The issuer
// may be the subject as well.
func (w *stater) elsewhere(root rdf.Term) *TermError {
	subjects := map[rdf.Term]bool{}
	for _, n := range w.stated {
		if n.via == credentials+"credentialSubject" {
			subjects[n.name] = true
		}
	}
	for _, n := range w.stated {
		about := subjects[n.name] && n.via != credentials+"credentialSubject" && n.via != credentials+"issuer" && n.via != credentials+"holder"
		if n.name == root || about {
			return &TermError{n.at.Pointer(), n.name.Value, "is said to be more where readers do not look for it: say it in the credential or in credentialSubject"}
		}
	}
	return nil
}

func (w *stater) state(subject rdf.Term, predicate string, object, graph rdf.Term) {
	w.quads = append(w.quads, rdf.Quad{Subject: subject, Predicate: rdf.Term{Kind: rdf.IRI, Value: predicate}, Object: object, Graph: graph})
}

func blank(kind string, v strictjson.Value) rdf.Term {
	return rdf.Term{Kind: rdf.Blank, Value: kind + strconv.Itoa(v.Offset())}
}

// node states an object that is no value object, in the given graph, and returns its name.
func (w *stater) node(v strictjson.Value, a *active, via *term, root bool, graph rdf.Term) (rdf.Term, *TermError) {
	a, _, err := w.enter(v, a, via, root)
	if err != nil {
		return rdf.Term{}, err
	}
	named := a // types are named in the context before those that they bring (§5.1.2, step 11)
	if a, err = w.types(v, a); err != nil {
		return rdf.Term{}, err
	}
	subject := blank("b", v)
	for m := v.First(); m.Exists(); m = m.Next() {
		if t := a.lookup(m.Name()); t != nil && t.iri == "@id" {
			var ok bool
			if subject, ok = reference(m.Text(), a); !ok {
				return rdf.Term{}, &TermError{m.Pointer(), m.Name(), notAbsolute(m)}
			}
		}
	}
	if !root && subject.Kind == rdf.IRI && graph == (rdf.Term{}) && !isReference(v, a) {
		n := stated{name: subject, at: v}
		if via != nil {
			n.via = via.iri
		}
		w.stated = append(w.stated, n)
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		name, t, predicate := m.Name(), a.lookup(m.Name()), ""
		switch {
		case t == nil && name == "@context" || t != nil && t.iri == "@id":
			continue
		case t == nil:
			predicate = a.vocab + name
		case t.iri == "@type":
			predicate = rdfNS + "type"
		default:
			predicate = t.iri
		}
		first := len(w.quads)
		if t != nil && t.iri == "@type" {
			err = w.typesOf(m, named, subject, graph)
		} else {
			err = w.property(m, m, a, property{name, t, subject, predicate, graph})
		}
		if err != nil {
			return rdf.Term{}, err
		}
		if m.Kind() == strictjson.Array && twice(w.quads[first:], subject, predicate) {
			return rdf.Term{}, &TermError{m.Pointer(), name, "has one value twice, of which RDF would drop one"}
		}
	}
	return subject, nil
}

// twice reports whether two statements of one list of values are the same.
func twice(quads []rdf.Quad, subject rdf.Term, predicate string) bool {
	const few = 8
	var seen map[rdf.Term]bool
	if len(quads) > few {
		seen = make(map[rdf.Term]bool, len(quads))
	}
	for i := range quads {
		q := &quads[i]
		if q.Subject != subject || q.Predicate.Value != predicate {
			continue
		}
		if seen == nil {
			for j := range i {
				if quads[j] == *q {
					return true
				}
			}
		} else if seen[q.Object] {
			return true
		} else {
			seen[q.Object] = true
		}
	}
	return false
}

// typesOf states the types of an object.
func (w *stater) typesOf(v strictjson.Value, a *active, subject, graph rdf.Term) *TermError {
	one := func(e strictjson.Value) *TermError {
		iri, ok := word(e.Text(), a)
		if !ok {
			return &TermError{e.Pointer(), e.Text(), "is a type that is no absolute IRI"}
		}
		w.state(subject, rdfNS+"type", iri, graph)
		return nil
	}
	if v.Kind() != strictjson.Array {
		return one(v)
	}
	if !v.First().Exists() {
		return &TermError{v.Pointer(), v.Name(), empty}
	}
	for e := v.First(); e.Exists(); e = e.Next() {
		if err := one(e); err != nil {
			return err
		}
	}
	return nil
}

// A property is where a value goes.
type property struct {
	name      string
	term      *term // nil for a word of @vocab
	subject   rdf.Term
	predicate string
	graph     rdf.Term
}

const tooMany = "comes after more statements than are read of one document"

const empty = "is an empty list, which RDF would drop: leave it out"

// property states v as a value of p; member is what it is, or is an element of.
func (w *stater) property(v, member strictjson.Value, a *active, p property) *TermError {
	isJSON, container := p.term != nil && p.term.typ == "@json", ""
	if p.term != nil {
		container = p.term.container
	}
	switch {
	case isJSON && strings.HasPrefix(container, "@graph"):
		return &TermError{v.Pointer(), p.name, "is a term of graphs and of JSON, of which there is no graph"}
	case container == "@list" && v == member: // a list of the one value too
		object, err := w.list(v, a, p)
		if err == nil {
			err = w.link(v, object, p)
		}
		return err
	case isJSON && v == member: // an array is one literal
		return w.link(v, jsonLiteral(v), p)
	case v.Kind() == strictjson.Array && v != member:
		return &TermError{v.Pointer(), p.name, "is a list in a set, which RDF would lay flat"}
	case v.Kind() == strictjson.Array:
		if !v.First().Exists() {
			return &TermError{v.Pointer(), p.name, empty}
		}
		for e := v.First(); e.Exists(); e = e.Next() {
			if err := w.property(e, member, a, p); err != nil {
				return err
			}
		}
		return nil
	case v.Kind() == strictjson.Object && v == member && strings.HasPrefix(container, "@language"):
		return w.languageMap(v, a, p)
	case strings.HasPrefix(container, "@graph"):
		if v.Kind() != strictjson.Object || v.Member("@value").Exists() {
			return &TermError{v.Pointer(), p.name, "must be an object: its term holds graphs"}
		}
		name, before := blank("g", v), len(w.quads)
		if _, err := w.node(v, a, p.term, false, name); err != nil {
			return err
		}
		if len(w.quads) == before {
			return &TermError{v.Pointer(), p.name, "says nothing, so that RDF would drop it"}
		}
		return w.link(v, name, p)
	}
	object, err := w.objectOf(v, a, p)
	if err != nil {
		return err
	}
	return w.link(v, object, p)
}

// link states that object is a value of p.
func (w *stater) link(v strictjson.Value, object rdf.Term, p property) *TermError {
	if len(w.quads) > maxQuads {
		return &TermError{v.Pointer(), p.name, tooMany}
	}
	if p.term == nil || !p.term.reverse {
		w.state(p.subject, p.predicate, object, p.graph)
		return nil
	}
	if object.Kind != rdf.IRI && object.Kind != rdf.Blank || p.term.container == "@list" {
		return &TermError{v.Pointer(), p.name, "is a reverse property of what is no object"}
	}
	w.state(object, p.predicate, p.subject, p.graph)
	return nil
}

// list states a list (JSON-LD 1.1 API §8.3.2) and returns its name.
func (w *stater) list(v strictjson.Value, a *active, p property) (rdf.Term, *TermError) {
	isNil := rdf.Term{Kind: rdf.IRI, Value: rdfNS + "nil"}
	first, many := v, v.Kind() == strictjson.Array && p.term.typ != "@json" // JSON is one element, whatever it is
	if many {
		first = v.First()
	}
	if !first.Exists() {
		return isNil, nil
	}
	head := blank("c", first)
	for e, cell := first, head; e.Exists(); {
		if len(w.quads) > maxQuads {
			return rdf.Term{}, &TermError{e.Pointer(), p.name, tooMany}
		}
		var object rdf.Term
		var err *TermError
		switch {
		case p.term.typ == "@json":
			object = jsonLiteral(e)
		case e.Kind() == strictjson.Array:
			object, err = w.list(e, a, p)
		default:
			object, err = w.objectOf(e, a, p)
		}
		if err != nil {
			return rdf.Term{}, err
		}
		rest := isNil
		if !many {
			e = strictjson.Value{} // its siblings are members
		} else if e = e.Next(); e.Exists() {
			rest = blank("c", e)
		}
		w.state(cell, rdfNS+"first", object, p.graph)
		w.state(cell, rdfNS+"rest", rest, p.graph)
		cell = rest
	}
	return head, nil
}

// languageMap states the texts of a map from language tags (§5.1.2, step 13.7).
func (w *stater) languageMap(v strictjson.Value, a *active, p property) *TermError {
	direction := a.direction
	if p.term.direction.Exists() {
		direction = p.term.direction.Text()
	}
	if !v.First().Exists() {
		return &TermError{v.Pointer(), p.name, "has no text, so that RDF would drop it"}
	}
	one := func(m, text strictjson.Value) *TermError {
		language := m.Name()
		if language == "@none" { // no term is another name of it: contexts that define one are refused
			language = ""
		} else if !isTag(language) {
			return &TermError{m.Pointer(), language, "is not a language tag"}
		}
		if text.Kind() != strictjson.String {
			return &TermError{text.Pointer(), language, isNull}
		}
		return w.link(v, literal(text.Text(), language, direction), p)
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		if m.Kind() != strictjson.Array {
			if err := one(m, m); err != nil {
				return err
			}
			continue
		}
		if !m.First().Exists() {
			return &TermError{m.Pointer(), m.Name(), empty}
		}
		first := len(w.quads)
		for e := m.First(); e.Exists(); e = e.Next() {
			if err := one(m, e); err != nil {
				return err
			}
		}
		if twice(w.quads[first:], p.subject, p.predicate) {
			return &TermError{m.Pointer(), m.Name(), "has one text twice, of which RDF would drop one"}
		}
	}
	return nil
}

const isNull = "is null, which RDF would drop: leave it out"

// objectOf returns the term for a value that is no array, and states what is within it.
func (w *stater) objectOf(v strictjson.Value, a *active, p property) (rdf.Term, *TermError) {
	switch v.Kind() {
	case strictjson.Null:
		return rdf.Term{}, &TermError{v.Pointer(), p.name, isNull}
	case strictjson.Object:
		if !v.Member("@value").Exists() {
			return w.node(v, a, p.term, false, p.graph)
		}
		a, _, err := w.enter(v, a, p.term, false)
		if err != nil {
			return rdf.Term{}, err
		}
		return valueLiteral(v, a)
	}

	// The property's own context is in force for its value, and may say anew what it is coerced to.
	t := p.term
	if t != nil && t.context.Exists() {
		next, err := w.scoped(a, t, false)
		if err != nil {
			return rdf.Term{}, &TermError{v.Pointer(), p.name, "has a context that " + err.Error()}
		}
		a, t = next, next.lookup(p.name)
	}
	if t == nil {
		t = new(term)
	}
	text := v.Text()
	if v.Kind() == strictjson.String {
		var ok bool
		var object rdf.Term
		switch t.typ {
		case "@id":
			object, ok = reference(text, a)
		case "@vocab":
			object, ok = word(text, a)
		case "", "@none":
			language, direction := a.language, a.direction
			if t.language.Exists() {
				language = t.language.Text()
			}
			if t.direction.Exists() {
				direction = t.direction.Text()
			}
			return literal(text, language, direction), nil
		case "@json":
			return jsonLiteral(v), nil
		default:
			return typed(text, t.typ), nil
		}
		if !ok {
			return rdf.Term{}, &TermError{v.Pointer(), p.name, notAbsolute(v)}
		}
		return object, nil
	}
	datatype := t.typ
	if strings.HasPrefix(datatype, "@") && datatype != "@json" {
		datatype = "" // only strings are coerced to references
	}
	return scalar(v, datatype, p.name)
}

// valueLiteral returns the literal of a value object (JSON-LD 1.1 API §8.2.2).
func valueLiteral(v strictjson.Value, a *active) (rdf.Term, *TermError) {
	if m := v.Member("@index"); m.Exists() {
		return rdf.Term{}, &TermError{m.Pointer(), "@index", "is not said in RDF, which would drop it"}
	}
	value, datatype := v.Member("@value"), v.Member("@type").Text()
	if t := a.lookup(datatype); t != nil {
		datatype = t.iri
	} else if datatype != "@json" && datatype != "" {
		iri, ok := word(datatype, a)
		if datatype = iri.Value; !ok || iri.Kind != rdf.IRI {
			return rdf.Term{}, &TermError{v.Pointer(), "@type", "is no absolute IRI"}
		}
	}
	switch {
	case value.Kind() == strictjson.Null && datatype != "@json":
		return rdf.Term{}, &TermError{value.Pointer(), "@value", isNull}
	case datatype == "" && value.Kind() == strictjson.String:
		return literal(value.Text(), v.Member("@language").Text(), v.Member("@direction").Text()), nil
	case v.Member("@language").Exists() || v.Member("@direction").Exists():
		return rdf.Term{}, &TermError{value.Pointer(), "@value", "must be text, since it has a language or direction"}
	}
	return scalar(value, datatype, "@value")
}

// scalar returns a literal of the given datatype, "" being the one that the value itself has
// (JSON-LD 1.1 API §8.2.2, steps 7 to 12).
func scalar(v strictjson.Value, datatype, name string) (rdf.Term, *TermError) {
	if datatype == "@json" {
		return jsonLiteral(v), nil
	}
	or := func(other string) string {
		if datatype != "" {
			return datatype
		}
		return xsdNS + other
	}
	switch v.Kind() {
	case strictjson.String:
		return typed(v.Text(), or("string")), nil
	case strictjson.True, strictjson.False:
		return typed(v.Raw(), or("boolean")), nil
	}
	f, err := strconv.ParseFloat(v.Raw(), 64)
	if err != nil {
		return rdf.Term{}, &TermError{v.Pointer(), name, "is a number beyond the range of a double"}
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e21 && datatype != xsdNS+"double" {
		return typed(strconv.FormatFloat(f+0, 'f', -1, 64), or("integer")), nil // + 0 makes -0 0
	}
	// The canonical form of a double: one digit, at most 15 more without trailing zeros, the exponent.
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f+0, 'E', 15, 64), "E")
	if digits = strings.TrimRight(digits, "0"); strings.HasSuffix(digits, ".") {
		digits += "0"
	}
	e, _ := strconv.Atoi(exponent)
	text := digits + "E" + strconv.Itoa(e)
	if back, err := strconv.ParseFloat(text, 64); err != nil || back != f {
		return rdf.Term{}, &TermError{v.Pointer(), name, "is a number of more than 16 digits, of which RDF would drop some"}
	}
	return typed(text, or("double")), nil
}

func typed(text, datatype string) rdf.Term {
	if datatype == rdf.XSDString {
		datatype = ""
	}
	return rdf.Term{Kind: rdf.Literal, Value: text, Type: datatype}
}

func jsonLiteral(v strictjson.Value) rdf.Term {
	return typed(string(jcs.Append(nil, v)), rdfNS+"JSON")
}

// literal returns text in a language and direction, "" being none.
func literal(text, language, direction string) rdf.Term {
	language = strings.ToLower(language)
	switch {
	case direction != "":
		return typed(text, i18n+language+"_"+direction)
	case language != "":
		return rdf.Term{Kind: rdf.Text, Value: text, Type: language}
	}
	return rdf.Term{Kind: rdf.Literal, Value: text}
}

// reference expands an identifier (JSON-LD 1.1 API §5.2.2, relative to a document that has no base).
func reference(text string, a *active) (rdf.Term, bool) {
	prefix, suffix, ok := strings.Cut(text, ":")
	switch {
	case !ok || strings.HasPrefix(text, "@"):
		return rdf.Term{}, false
	case prefix == "_":
		return rdf.Term{Kind: rdf.Blank, Value: "n" + suffix}, isLabel(suffix)
	case !strings.HasPrefix(suffix, "//"):
		if t := a.lookup(prefix); t != nil && t.prefix && t.iri != "" {
			text = t.iri + suffix
		}
	}
	return rdf.Term{Kind: rdf.IRI, Value: text}, isIRI(text)
}

// isLabel reports whether s, after another character, is the label of a blank node that every syntax of RDF has.
func isLabel(s string) bool {
	for _, c := range []byte(s) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// word expands a word of the vocabulary, such as a type, or an identifier.
func word(text string, a *active) (rdf.Term, bool) {
	if t := a.lookup(text); t != nil {
		return rdf.Term{Kind: rdf.IRI, Value: t.iri}, isIRI(t.iri)
	}
	if strings.Contains(text, ":") {
		return reference(text, a)
	}
	iri := a.vocab + text
	return rdf.Term{Kind: rdf.IRI, Value: iri}, a.vocab != "" && !strings.HasPrefix(text, "@") && isIRI(iri)
}

func notAbsolute(v strictjson.Value) string {
	return "is " + strconv.Quote(brief(v.Text())) + ", which is no absolute IRI"
}
