package vc

import (
	"crypto"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/ldcontext"
	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Contexts are the JSON-LD contexts whose terms a credential may use. The zero
// value and nil hold those that are compiled in: VCDM 2.0, Data Integrity 2, the
// W3C's examples, and Hourmeter's. It is immutable and safe for concurrent use.
type Contexts struct{ set *ldcontext.Set }

// Document returns the text of a known context, and whether it is known.
func (c *Contexts) Document(url string) (string, bool) { return c.terms().Document(url) }

// WithInline returns c, and lets a document carry contexts of its own: objects
// in the array of its @context, beside the URLs of known ones. They may not
// redefine protected terms. Two documents may then give one word two meanings,
// which a reader who looks for words would not see.
func (c *Contexts) WithInline() *Contexts { return &Contexts{c.terms().WithInline()} }

// With returns c and one more context, so that an operator can issue and
// verify claims of their own vocabulary. The document is the JSON that url
// serves; it may not redefine a protected term, nor name further documents.
func (c *Contexts) With(url string, document []byte) (*Contexts, error) {
	set, err := c.terms().With(url, document)
	if err != nil {
		return nil, fmt.Errorf("vc: context %s: %w", url, err)
	}
	return &Contexts{set}, nil
}

func (c *Contexts) terms() *ldcontext.Set {
	if c == nil || c.set == nil {
		return ldcontext.Default()
	}
	return c.set
}

// NQuads returns what a JSON-LD document says in RDF, as N-Quads in the order of the document (JSON-LD 1.1
// API §8.1): what package rdfc signs. It refuses a document of which RDF would drop or change anything: an
// undefined term or type, an identifier that is no absolute URL, null, an empty list, a number of more digits
// than an xsd:double has, and so on.
//
// The contexts are the only source: nothing is fetched. Text with a base direction becomes a literal of a
// datatype of https://www.w3.org/ns/i18n.
//
// Labels of blank nodes say where in document they stand: b12 is the object that begins at byte 12, g12 the
// graph that the object there is in, c12 the place of the element there in its list. The labels that the
// document itself gives begin with n.
func (c *Contexts) NQuads(document []byte) ([]byte, error) {
	quads, err := c.quads(document)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, q := range quads {
		if out, err = rdf.AppendQuad(out, q); err != nil {
			return nil, fmt.Errorf("vc: %w", err)
		}
	}
	return out, nil
}

// CanonicalNQuads returns what a JSON-LD document says in RDF as canonical N-Quads (RDFC-1.0), the same for every
// document that says the same, hashing with crypto.SHA256 or crypto.SHA384 as it goes. It refuses what NQuads
// refuses, and a document whose blank nodes are so alike that to tell them apart would take too long.
func (c *Contexts) CanonicalNQuads(document []byte, hash crypto.Hash) ([]byte, error) {
	quads, err := c.quads(document)
	if err != nil {
		return nil, err
	}
	canonical, _, err := rdf.Canonicalize(quads, rdf.Options{Hash: hash})
	if err != nil {
		return nil, fmt.Errorf("vc: %w", err)
	}
	return canonical, nil
}

func (c *Contexts) quads(document []byte) ([]rdf.Quad, error) {
	doc, err := strictjson.Parse(document, strictjson.Limits{})
	if err != nil {
		return nil, fmt.Errorf("vc: %w", err)
	}
	quads, err := c.terms().Quads(doc.Root())
	if err != nil {
		return nil, fmt.Errorf("vc: %w", err)
	}
	return quads, nil
}
