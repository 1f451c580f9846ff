package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

// shopDocument is what a depot keeps of a workshop it knows.
const shopDocument = `{
	"id": "did:web:shop.example",
	"verificationMethod": [{
		"id": "#2026", "type": "Multikey", "controller": "did:web:shop.example",
		"publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
	}],
	"assertionMethod": ["#2026"]
}`

func ExampleMethods() {
	r := resolver.Methods{"key": did.Offline{}}
	_, err := r.Resolve(context.Background(), did.MustParse("did:web:shop.example"), did.Version{})
	fmt.Println(err)
	// Output: did: method not supported: did:web is not among: key
}

func ExampleStatic() {
	doc, err := did.ParseDocument([]byte(shopDocument))
	if err != nil {
		log.Fatal(err)
	}
	opened := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	depot := resolver.Static{doc.ID: {{Document: doc, Created: opened}}}

	url := doc.ID.URL("2026")
	for _, at := range []time.Time{opened.AddDate(0, 6, 0), opened.AddDate(0, -6, 0)} {
		_, err = did.Key(context.Background(), depot, url, did.AssertionMethod, did.Version{Time: at})
		fmt.Println(at.Format(time.DateOnly), err)
	}
	// Output:
	// 2026-07-01 <nil>
	// 2025-07-01 did: not found: did:web:shop.example was made 2026-01-01T00:00:00Z
}

func ExampleCache() {
	doc, err := did.ParseDocument([]byte(shopDocument))
	if err != nil {
		log.Fatal(err)
	}
	r := &resolver.Cache{
		Next: resolver.Methods{
			"key": did.Offline{},
			"web": resolver.Static{doc.ID: {{Document: doc}}},
		},
		TTL: time.Hour,
	}
	_, err = did.Key(context.Background(), r, doc.ID.URL("2026"), did.AssertionMethod, did.Version{})
	fmt.Println(err)

	// Without dates, nobody can say what the document was last year: no answer.
	lastYear := did.Version{Time: time.Now().AddDate(-1, 0, 0)}
	_, err = did.Key(context.Background(), r, doc.ID.URL("2026"), did.AssertionMethod, lastYear)
	fmt.Println(errors.Is(err, did.ErrVersionUnknown), did.IsAnswer(err))
	// Output:
	// <nil>
	// true false
}

func ExampleDocuments() {
	documents := &resolver.Documents{Client: &resolver.Client{}}
	// As the Source of a status.Checker or a schema.Checker. It asks no server that is not public:
	_, _, _, err := documents.Document(context.Background(), "http://127.0.0.1/status/3", "application/vc")
	fmt.Println(err)
	// Output: resolver: http://127.0.0.1/status/3: not a URL to ask for: want https, not "http"
}
