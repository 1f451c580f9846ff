package did_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// publicKey is the key of an example drone; its seed is 32 zero bytes.
func publicKey() ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
}

func ExampleParse() {
	id, err := did.Parse("did:web:shop.example:depot:7")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.Method(), id.Identifier())

	_, err = did.Parse("shop.example")
	fmt.Println(err)
	// Output:
	// web shop.example:depot:7
	// did: "shop.example" does not start with did: in lower case (at byte 0)
}

func ExampleParseURL() {
	u, err := did.ParseURL("did:example:drone?service=record&relativeRef=%2Fentries%2F41#head")
	if err != nil {
		log.Fatal(err)
	}
	service, _, _ := u.Parameter(did.ParamService)
	ref, _, _ := u.Parameter(did.ParamRelativeRef)
	fmt.Println(u.DID, service, ref, u.Fragment)
	// Output: did:example:drone record /entries/41 head
}

func ExampleURL_Parse() {
	id := did.MustParse("did:example:drone")
	key, err := id.URL("").Parse("#key-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key)
	// Output: did:example:drone#key-1
}

func ExampleNewKey() {
	id, err := did.NewKey(publicKey())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
	// Output: did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp
}

func ExampleDID_KeyURL() {
	id, err := did.NewKey(publicKey())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.KeyURL())
	fmt.Println(did.MustParse("did:web:maker.example").KeyURL().IsZero()) // its document names its keys
	// Output:
	// did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp
	// true
}

func ExampleNewJWK() {
	id, err := did.NewJWK(publicKey())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.KeyURL())
	// Output: did:jwk:eyJjcnYiOiJFZDI1NTE5Iiwia3R5IjoiT0tQIiwieCI6Ik8yb252TTYycEMxaW82alFLbThOYzJVeUZYY2Q0a09tT3NCSW9ZdFoyaWsifQ#0
}

func ExampleKey() {
	id, _ := did.NewKey(publicKey())
	url := id.KeyURL()

	pub, err := did.Key(context.Background(), did.Offline{}, url, did.AssertionMethod, did.Version{})
	fmt.Println(publicKey().Equal(pub), err)

	_, err = did.Key(context.Background(), did.Offline{}, id.URL("key-1"), did.AssertionMethod, did.Version{})
	fmt.Println(errors.Is(err, did.ErrNotFound), did.IsAnswer(err))
	// Output:
	// true <nil>
	// true true
}

func ExampleOffline_Resolve() {
	id, _ := did.NewKey(publicKey())
	res, err := did.Offline{}.Resolve(context.Background(), id, did.Version{})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range res.Document.VerificationMethod {
		fmt.Println(m.Type, m.ID.Fragment)
	}
	// Output:
	// Multikey z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp
	// Multikey z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW
}

func ExampleParseDocument() {
	doc, err := did.ParseDocument([]byte(`{
		"@context": "https://www.w3.org/ns/did/v1",
		"id": "did:web:shop.example",
		"verificationMethod": [{
			"id": "#2026",
			"type": "Multikey",
			"controller": "did:web:shop.example",
			"publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
		}],
		"assertionMethod": ["#2026"]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	url := doc.ID.URL("2026")
	_, err = doc.Key(url, did.AssertionMethod)
	fmt.Println(err)
	_, err = doc.Key(url, did.Authentication)
	fmt.Println(err)
	// Output:
	// <nil>
	// did: key not authorized for this relationship: did:web:shop.example#2026 as authentication
}

func ExampleNewVerificationMethod() {
	id := did.MustParse("did:web:shop.example")
	m, err := did.NewVerificationMethod(id.URL("2026"), did.JSONWebKey, id, publicKey())
	if err != nil {
		log.Fatal(err)
	}
	doc := &did.Document{
		Context:            []string{"https://www.w3.org/ns/did/v1"},
		ID:                 id,
		VerificationMethod: []did.VerificationMethod{m},
		AssertionMethod:    []did.MethodRef{{ID: m.ID}},
	}
	raw, err := doc.MarshalJSON()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", raw)
	// Output: {"@context":["https://www.w3.org/ns/did/v1"],"id":"did:web:shop.example","verificationMethod":[{"id":"did:web:shop.example#2026","type":"JsonWebKey","controller":"did:web:shop.example","publicKeyJwk":{"crv":"Ed25519","kty":"OKP","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}}],"assertionMethod":["did:web:shop.example#2026"]}
}

func ExampleParseJWK() {
	pub, err := did.ParseJWK([]byte(`{"kty":"OKP","crv":"Ed25519","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik","kid":"2026"}`))
	if err != nil {
		log.Fatal(err)
	}
	raw, err := did.MarshalJWK(pub)
	fmt.Println(string(raw), err)
	// Output: {"crv":"Ed25519","kty":"OKP","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"} <nil>
}

func ExampleDereference() {
	doc, err := did.ParseDocument([]byte(`{
		"id": "did:web:shop.example",
		"service": [{"id": "#files", "type": "Files", "serviceEndpoint": "https://files.shop.example/public/"}]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	shop := depot{doc} // a did.Resolver; see package resolver for others
	for _, text := range []string{
		"did:web:shop.example#files",
		"did:web:shop.example?service=files&relativeRef=manual.pdf",
		"did:web:shop.example?service=files&relativeRef=..%2Fprivate%2Fledger.pdf",
	} {
		url, err := did.ParseURL(text)
		if err != nil {
			log.Fatal(err)
		}
		found, err := did.Dereference(context.Background(), shop, url, did.DereferencingOptions{})
		switch {
		case err != nil:
			fmt.Println(did.ErrorType(err))
		case found.URLs != nil:
			fmt.Println(found.URLs)
		default:
			content, err := found.Content()
			fmt.Println(string(content), err)
		}
	}
	// Output:
	// {"id":"did:web:shop.example#files","type":"Files","serviceEndpoint":"https://files.shop.example/public/"} <nil>
	// [https://files.shop.example/public/manual.pdf]
	// https://www.w3.org/ns/did#INVALID_DID_URL
}

// A depot resolves what it has a document of.
type depot struct{ doc *did.Document }

func (d depot) Resolve(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
	if id != d.doc.ID {
		return nil, did.ErrNotFound
	}
	return &did.Resolution{Document: d.doc}, nil
}

func ExampleDocument_ExpandRelative() {
	doc, err := did.ParseDocument([]byte(`{"id":"did:web:shop.example","assertionMethod":["#2026"]}`))
	if err != nil {
		log.Fatal(err)
	}
	text, err := doc.ExpandRelative()
	fmt.Println(string(text), err)
	// Output: {"id":"did:web:shop.example","assertionMethod":["did:web:shop.example#2026"]} <nil>
}

func ExampleDereferenced_Content() {
	id := did.MustParse("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")
	found, err := did.Dereference(context.Background(), nil, id.KeyURL(), did.DereferencingOptions{Relationship: did.Authentication})
	if err != nil {
		log.Fatal(err)
	}
	content, err := found.Content()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.MediaType(), found.Method.Type, len(content) > 0)
	// Output: application/did Multikey true
}

// A key that was revoked was good before, by its document's own word.
func ExampleDocument_KeyAt() {
	doc, err := did.ParseDocument([]byte(`{
		"@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
		"id": "did:web:shop.example",
		"verificationMethod": [{
			"id": "#a", "type": "Multikey", "controller": "did:web:shop.example", "revoked": "2026-03-05T00:00:00Z",
			"publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
		}],
		"assertionMethod": ["#a"]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, day := range []int{4, 6} {
		_, err := doc.KeyAt(doc.ID.URL("a"), did.AssertionMethod, time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC))
		fmt.Println(day, "March:", err)
	}
	// Output:
	// 4 March: <nil>
	// 6 March: did: key not authorized for this relationship: did:web:shop.example#a was revoked 2026-03-05T00:00:00Z
}

// Who asks says which version, and only one of the three ways.
func ExampleVersion_Validate() {
	fmt.Println(did.Version{Number: 3}.Validate())
	fmt.Println(did.Version{Number: 3, ID: "3-QmVT…"}.Validate())
	// Output:
	// <nil>
	// did: invalid options: want one of versionId, versionTime and versionNumber, which counts from 1
}

// A machine that has moved was called otherwise in its documents of before. Its method vouches that it is
// the same; a document cannot do that for itself.
func ExampleResolution_Describes() {
	before, now := did.MustParse("did:webvh:QmX:fleet.example"), did.MustParse("did:webvh:QmX:yard.example")
	claimed := did.MustParse("did:web:yard.example")
	res := did.Resolution{
		Document:     &did.Document{ID: before, AlsoKnownAs: []string{claimed.String()}},
		EquivalentID: []did.DID{now},
	}
	for _, id := range []did.DID{before, now, claimed} {
		fmt.Println(id, res.Describes(id))
	}
	// Output:
	// did:webvh:QmX:fleet.example true
	// did:webvh:QmX:yard.example true
	// did:web:yard.example false
}
