package rdfc_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

func Example() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	shop, _ := did.NewKey(key.Public())
	issuer := &vc.Issuer{ID: shop, Key: key, Suite: rdfc.EdDSARDFC2022{}, Contexts: rdfc.Contexts()}
	signed, err := issuer.AddProof([]byte(`{
		"@context": ["https://www.w3.org/ns/credentials/v2"],
		"type": ["VerifiableCredential"],
		"issuer": "` + shop.String() + `",
		"name": "Inspection",
		"credentialSubject": {"id": "did:web:drone.example"}
	}`))
	fmt.Println(err)

	verifier := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts()}
	v, err := verifier.Verify(context.Background(), signed, vc.IssuedBy(shop))
	fmt.Println(v.Issuer() == shop, err)

	forged := strings.Replace(string(signed), "Inspection", "Overhaul", 1)
	_, err = verifier.Verify(context.Background(), []byte(forged), vc.IssuedBy(shop))
	fmt.Println(errors.Is(err, vc.ErrProof))
	// Output:
	// <nil>
	// true <nil>
	// true
}

func ExampleEd25519Signature2020() {
	// A credential from the time before Data Integrity 1.0, and before VCDM 2.0.
	signed := []byte(`{
		"@context": ["https://www.w3.org/2018/credentials/v1", "https://w3id.org/security/suites/ed25519-2020/v1"],
		"type": ["VerifiableCredential"],
		"issuer": "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
		"issuanceDate": "2021-05-01T00:00:00Z",
		"credentialSubject": {"id": "did:web:drone.example"},
		"proof": {
			"type": "Ed25519Signature2020",
			"created": "2021-05-01T00:00:00Z",
			"verificationMethod": "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
			"proofPurpose": "assertionMethod",
			"proofValue": "z2gzFYxPCZViFNXnnrAY733rScq8WYR9FSXfRHUNLQ4Vf4nAJy72LXvJNkQyWjwqVPMF8uyMV3nas9QcSm4BuqRgD"
		}
	}`)
	verifier := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), V1: true}
	v, err := verifier.Verify(context.Background(), signed, vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.DataModel(), v.ValidFrom().Format(time.DateOnly))
	// Output: 1.1 2021-05-01
}

func ExampleECDSARDFC2019() {
	suites := rdfc.Suites(rdfc.Contexts().WithInline()) // documents may say what their words mean
	for _, s := range suites {
		if _, ok := s.(rdfc.ECDSARDFC2019); ok {
			fmt.Println(s.Name())
		}
	}
	// Output: ecdsa-rdfc-2019
}

func ExampleCanonicalize() {
	canonical, err := rdfc.Canonicalize(nil, []byte(`{
		"@context": "https://www.w3.org/ns/credentials/v2",
		"type": "VerifiableCredential",
		"credentialSubject": {"name": "drone"}
	}`), crypto.SHA256)
	fmt.Print(string(canonical), err)
	// Output:
	// _:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/2018/credentials#VerifiableCredential> .
	// _:c14n0 <https://www.w3.org/2018/credentials#credentialSubject> _:c14n1 .
	// _:c14n1 <https://schema.org/name> "drone" .
	// <nil>
}

func ExampleContexts() {
	_, known := rdfc.Contexts().Document("https://www.w3.org/2018/credentials/v1")
	_, others := new(vc.Contexts).Document("https://www.w3.org/2018/credentials/v1")
	fmt.Println(known, others)
	// Output: true false
}
