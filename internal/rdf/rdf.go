// Package rdf holds RDF 1.1 datasets as quads, writes them as canonical N-Quads,
// and canonicalizes them with RDFC-1.0 (W3C RDF Dataset Canonicalization).
//
// [Canonicalize] names the blank nodes; two datasets that say the same give the
// same bytes. [Parse] reads N-Quads.
//
// A dataset of a few lines can ask for centuries of work ("poison graphs",
// RDFC-1.0 §7.1): Canonicalize stops after [Options].MaxSteps.
package rdf

// A Kind says what a [Term] is.
type Kind uint8

// The kinds of terms. The zero Kind is no term: the name of the default graph.
const (
	None    Kind = iota
	IRI          // Value is the IRI
	Blank        // Value is the label, without "_:"
	Literal      // Value is the lexical form, Type the datatype's IRI; "" is xsd:string
	Text         // Value is the lexical form, Type the language tag
)

// A Term is one node or arc of a graph. Terms are comparable: equal terms are
// the same term (RDF 1.1 Concepts §3.3), provided that xsd:string is written "".
type Term struct {
	Kind        Kind
	Value, Type string
}

// A Quad is one statement of a dataset.
type Quad struct {
	Subject, Predicate, Object Term
	Graph                      Term // the zero Term is the default graph
}

// XSDString is the datatype that canonical N-Quads leave out.
const XSDString = "http://www.w3.org/2001/XMLSchema#string"
