package cose_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// landing is what a drone says of itself over a radio link.
func landing() (*vc.Issuer, *vc.Credential) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32)) // a secret that everybody knows
	drone, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	at := time.Date(2026, time.November, 21, 16, 0, 0, 0, time.UTC)
	return &vc.Issuer{ID: drone, Key: key, Now: func() time.Time { return at }}, &vc.Credential{
		Subject: drone,
		Claim: record.Incident{Event: record.Event{
			Category: record.Damage, SeverityPermille: 20, Detected: at.Add(-time.Minute), Part: &record.Part{Name: "skid 2"},
		}},
	}
}

func ExampleCWT() {
	drone, incident := landing()
	for _, format := range []vc.Format{nil, cose.Format{}, cose.CWT{}} {
		drone.Format = format
		raw, err := drone.Issue(incident)
		if err != nil {
			fmt.Println(err)
			return
		}
		verifier := &vc.Verifier{Formats: []vc.Format{cose.Format{}, cose.CWT{}}, Now: drone.Now}
		v, err := verifier.Verify(context.Background(), raw, vc.IssuedBy(drone.ID))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-19s %4d bytes, %s\n", v.MediaType(), len(raw), v.Digest())
	}
	// Output:
	// application/vc       893 bytes, uEiCvzAlGUM8RP_4bWIXuzfve92aiPL6JWvKzldxdKZWGeQ
	// application/vc+cose  671 bytes, uEiCvzAlGUM8RP_4bWIXuzfve92aiPL6JWvKzldxdKZWGeQ
	// application/cwt      164 bytes, uEiCvzAlGUM8RP_4bWIXuzfve92aiPL6JWvKzldxdKZWGeQ
}

func ExampleFormat() {
	drone, incident := landing()
	drone.Format = cose.Format{}
	raw, err := drone.Issue(incident)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &vc.Verifier{Formats: []vc.Format{cose.Format{}}, Now: drone.Now}
	v, err := verifier.Verify(context.Background(), raw, vc.IssuedBy(drone.ID))
	if err != nil {
		fmt.Println(err)
		return
	}
	claim, err := vc.ClaimOf[record.Incident](v)
	fmt.Println(v.MediaType(), claim.Category, claim.Part.Name, err)
	// Output: application/vc+cose damage skid 2 <nil>
}

func ExampleFormat_Seal() {
	drone, incident := landing()
	drone.Format = cose.Format{}
	seen, err := drone.Issue(incident)
	if err != nil {
		fmt.Println(err)
		return
	}

	// A presentation of it, in the other form.
	holder := vc.Holder{ID: drone.ID, Key: drone.Key, Format: cose.CWT{}, Now: drone.Now}
	challenge := vc.Challenge{Nonce: "3YQ5PSQKBRGIXDHNOY7LCN4FZ6", Domain: "lease.example"}
	shown, err := holder.Present(challenge, vc.Enveloped(cose.MediaTypeCredential, seen))
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &vc.Verifier{Formats: []vc.Format{cose.CWT{}, cose.Format{}}, Now: drone.Now}
	p, err := verifier.VerifyPresentation(context.Background(), shown, challenge, vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(p.Credentials()), p.Credentials()[0].Type(), p.Holder() == drone.ID)
	// Output: 1 IncidentCredential true
}

func ExampleFormat_Recognizes() {
	fmt.Println(cose.Format{}.Recognizes(cose.MediaTypePresentation, nil), cose.CWT{}.Recognizes("", []byte(`{"type":"VerifiableCredential"}`)))
	// Output: true false
}

func ExampleFormat_Open() {
	_, err := cose.Format{}.Open([]byte{0x84, 0x40, 0xa0, 0xf6, 0x40})
	fmt.Println(err)
	// Output: COSE: a message without a tag: COSE_Sign1 has the tag 18
}
