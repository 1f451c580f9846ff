package mldsa_test

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/mldsa"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A shop signs with the key it has, and with one that a quantum computer does
// not break. A verifier who knows both asks for both.
func Example() {
	_, ed, _ := ed25519.GenerateKey(nil)
	ml, err := mldsa.GenerateKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	shop, _ := did.NewKey(ed.Public())
	second, _ := did.NewKey(ml.Public())

	incident := record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 200, Detected: noon}}
	signed, err := (&vc.Issuer{ID: shop, Key: ed}).Issue(&vc.Credential{Subject: shop, Claim: incident})
	if err != nil {
		fmt.Println(err)
		return
	}
	signed, err = (&vc.Issuer{ID: second, Key: ml, Suite: mldsa.MLDSA44JCS2024{}}).AddProof(signed)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &vc.Verifier{Suites: mldsa.Suites()}
	v, err := verifier.Verify(context.Background(), signed, mldsa.Hybrid(vc.IssuedBy(shop), second))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range v.Signatures() {
		fmt.Println(s.Suite)
	}
	// Output:
	// eddsa-jcs-2022
	// mldsa44-jcs-2024
}
