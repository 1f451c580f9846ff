package rdf_test

import (
	"fmt"

	"github.com/hourmeter/hourmeter/internal/rdf"
)

func ExampleCanonicalize() {
	part := rdf.Term{Kind: rdf.Blank, Value: "whatever"}
	quads := []rdf.Quad{
		{Subject: part, Predicate: rdf.Term{Kind: rdf.IRI, Value: "https://schema.org/name"}, Object: rdf.Term{Kind: rdf.Text, Value: "Lager", Type: "de"}},
		{Subject: rdf.Term{Kind: rdf.IRI, Value: "urn:drone"}, Predicate: rdf.Term{Kind: rdf.IRI, Value: "urn:part"}, Object: part},
	}
	canonical, issued, err := rdf.Canonicalize(quads, rdf.Options{})
	fmt.Print(string(canonical), issued, err)
	// Output:
	// <urn:drone> <urn:part> _:c14n0 .
	// _:c14n0 <https://schema.org/name> "Lager"@de .
	// map[whatever:c14n0] <nil>
}

func ExampleParse() {
	quads, err := rdf.Parse([]byte("<urn:a> <urn:b> \"c\\u0021\"@en . # a comment\n"))
	fmt.Println(quads[0].Object.Value, quads[0].Object.Type, err)
	_, err = rdf.Parse([]byte("<urn:a> \"b\" <urn:c> .\n"))
	fmt.Println(err)
	// Output:
	// c! en <nil>
	// line 1: rdf: a predicate is an IRI, not a literal
}

func ExampleAppendQuad() {
	line, err := rdf.AppendQuad(nil, rdf.Quad{
		Subject:   rdf.Term{Kind: rdf.Blank, Value: "b0"},
		Predicate: rdf.Term{Kind: rdf.IRI, Value: "urn:says"},
		Object:    rdf.Term{Kind: rdf.Literal, Value: "\"yes\"\n"},
	})
	fmt.Print(string(line), err)
	// Output:
	// _:b0 <urn:says> "\"yes\"\n" .
	// <nil>
}
