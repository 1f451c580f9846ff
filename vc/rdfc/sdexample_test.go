package rdfc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// A pilot's licence, of which its holder shows who gave it and what for, and not the name.
func ExampleECDSASD2023_Derive() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	id, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	today := func() time.Time { return time.Date(2026, time.November, 28, 0, 0, 0, 0, time.UTC) }
	issuer := &vc.Issuer{ID: id, Key: key, Suite: rdfc.ECDSASD2023{}, Now: today}
	base, err := issuer.AddProof([]byte(`{
		"@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
		"type": ["VerifiableCredential", "ExampleDegreeCredential"],
		"issuer": "` + id.String() + `",
		"validUntil": "2027-01-01T00:00:00Z",
		"credentialSubject": {
			"id": "did:example:holder",
			"name": "Ada",
			"degree": {"type": "ExampleBachelorDegree", "name": "Bachelor of Flying"}
		}
	}`))
	if err != nil {
		panic(err)
	}
	verifier := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), Now: today}
	_, err = verifier.Verify(context.Background(), base, vc.IssuedBy(id))
	fmt.Println("the base proof:", err != nil)

	shown, err := rdfc.ECDSASD2023{}.Derive(base, []string{"/credentialSubject/degree"})
	if err != nil {
		panic(err)
	}
	v, err := verifier.Verify(context.Background(), shown, vc.IssuedBy(id))
	if err != nil {
		panic(err)
	}
	var subject map[string]any
	_, err = v.Member("credentialSubject", &subject)
	fmt.Println(subject, v.ValidUntil().Year(), v.Selective(), err)
	// Output:
	// the base proof: true
	// map[degree:map[name:Bachelor of Flying type:ExampleBachelorDegree] id:did:example:holder] 2027 true <nil>
}
