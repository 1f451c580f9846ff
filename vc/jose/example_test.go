package jose_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// exampleParty is a key for examples: use keystore to make a real one.
func exampleParty(letter string) (did.DID, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(letter, ed25519.SeedSize)))
	id, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	return id, key
}

// A workshop issues a credential as a vc+jwt, the machine shows it in a vp+jwt, and a
// lessor verifies both.
func ExampleFormat() {
	shop, shopKey := exampleParty("s")
	drone, droneKey := exampleParty("d")
	now := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

	issuer := vc.Issuer{ID: shop, Key: shopKey, Format: jose.Format{}, Now: now}
	credential, err := issuer.Issue(&vc.Credential{Subject: drone, Claim: record.Maintenance{
		Time: now(), BizStep: record.StepInspecting, Disposition: record.DispAvailable,
		Work: record.Work{Category: record.Preventive, Activity: "inspect rotors", DownSeconds: 600},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}

	ch := vc.Challenge{Nonce: "n-0S6_WzA2Mj", Domain: "lease.example"} // vc.NewChallenge makes one
	holder := vc.Holder{ID: drone, Key: droneKey, Format: jose.Format{}, Now: now}
	shown, err := holder.Present(ch, vc.Enveloped(jose.MediaTypeCredential, credential))
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier := vc.Verifier{Formats: []vc.Format{jose.Format{}}, Now: now}
	p, err := verifier.VerifyPresentation(context.Background(), shown, ch, vc.IssuedBy(shop))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Credentials()[0].Type(), p.Credentials()[0].MediaType())

	_, err = verifier.VerifyPresentation(context.Background(), shown, vc.NewChallenge("lease.example"), vc.IssuedBy(shop))
	fmt.Println(errors.Is(err, vc.ErrChallenge))
	// Output:
	// MaintenanceCredential application/vc+jwt
	// true
}

func ExampleFormat_Recognizes() {
	f := jose.Format{}
	fmt.Println(f.Recognizes("", []byte("eyJhbGciOiJFZERTQSJ9.e30.AA")))
	fmt.Println(f.Recognizes("", []byte("eyJhbGciOiJFZERTQSJ9.e30.AA~"))) // an SD-JWT
	fmt.Println(f.Recognizes("application/vc+cose", nil))
	// Output:
	// true
	// false
	// false
}

// A program that has a token and wants to look at it, before it knows whom to trust.
func ExampleFormat_Open() {
	id, key := exampleParty("s")
	sealed, err := jose.Format{}.Seal(key, &vc.Envelope{
		Document: []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"]}`),
		Method:   id.KeyURL(),
		Created:  time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := jose.Format{}.Open(sealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.MediaType, e.Created.Format(time.DateOnly), e.Method.DID == id)
	fmt.Println(string(e.Document))
	fmt.Println(e.Verify(key.Public()))

	_, err = jose.Format{}.Open([]byte("eyJhbGciOiJub25lIn0.e30."))
	fmt.Println(err)
	// Output:
	// application/vc+jwt 2026-11-22 true
	// {"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"]}
	// <nil>
	// not a signed token: header: alg "none": known are EdDSA, Ed25519, ES256, ES384, ES512 and ES256K
}

func ExampleFormat_Seal() {
	id, key := exampleParty("s")
	e := &vc.Envelope{
		Document: []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"]}`),
		Method:   id.KeyURL(),
		Expires:  time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), // of the signature, not of the statement
	}
	token, err := jose.Format{}.Seal(key, e)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Count(string(token), "."))

	e.Document = []byte(`{"iss":"did:example:victim"}`)
	_, err = jose.Format{}.Seal(key, e)
	fmt.Println(err)
	// Output:
	// 2
	// jose: the document has a member "iss", which would be read as a claim of the token
}
