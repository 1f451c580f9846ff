package ldcontext_test

import (
	"fmt"

	"github.com/hourmeter/hourmeter/internal/ldcontext"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

const credential = `{
	"@context": ["https://www.w3.org/ns/credentials/v2", "https://fleet.example/terms/v1"],
	"type": "VerifiableCredential",
	"issuer": "did:web:fleet.example",
	"credentialSubject": {"id": "did:web:fleet.example:7", "livery": "red", "colour": "red"}
}`

func ExampleSet_With() {
	set, err := ldcontext.Default().With("https://fleet.example/terms/v1", []byte(`{"@context": {"livery": "https://fleet.example/terms#livery"}}`))
	fmt.Println(set.Known("https://fleet.example/terms/v1"), err)
	// Output: true <nil>
}

func ExampleSet_Check() {
	doc, err := strictjson.Parse([]byte(credential), strictjson.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ldcontext.Default().Check(doc.Root()))

	set, err := ldcontext.Default().With("https://fleet.example/terms/v1", []byte(`{"@context": {"livery": "https://fleet.example/terms#livery"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.Check(doc.Root()))
	// Output:
	// JSON-LD: /@context/1: "https://fleet.example/terms/v1" is a context that is not known here: pin it by passing its document
	// JSON-LD: /credentialSubject/colour: "colour" is not defined by the contexts that are listed
}
