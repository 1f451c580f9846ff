package bundle_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
)

// A leasing desk keeps what it saw, so that anybody can check the deal later,
// without a network.
func Example() {
	ctx := context.Background()
	_, key, _ := ed25519.GenerateKey(nil)
	drone, _ := did.NewKey(key.Public())
	ask := vc.NewChallenge("lease.example")
	shown, err := (&vc.Holder{ID: drone, Key: key}).Present(ask)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The desk verifies through a recorder, and packs what that needed.
	recorder := &bundle.Recorder{Source: source{}}
	if _, err := (&vc.Verifier{Resolver: recorder}).VerifyPresentation(ctx, shown, ask, vc.AnyIssuer); err != nil {
		fmt.Println(err)
		return
	}
	b := &bundle.Bundle{Challenge: ask, Presentation: shown}
	recorder.Pack(b, nil)
	file, err := b.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}

	// Whoever checks it believes signatures, and the digests that they pin.
	b, err = bundle.Parse(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	evidence := b.Open(bundle.Pins{"did:web:shop.example": bundle.Digest([]byte("known from elsewhere"))})
	p, err := (&vc.Verifier{Resolver: evidence}).VerifyPresentation(ctx, b.Presentation, b.Challenge, vc.AnyIssuer)
	fmt.Println(p.Holder() == drone, err, len(evidence.Parts(time.Now())), "other parts")
	// Output: true <nil> 0 other parts
}

// Nothing counts because it is in a bundle: the digest of what is believed comes
// from elsewhere.
func ExampleOpened_Parts() {
	document := []byte(`{"@context":["https://www.w3.org/ns/did/v1"],"id":"did:web:shop.example"}`)
	packed := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	b := &bundle.Bundle{Created: packed, Resolutions: []bundle.Resolution{
		{DID: did.MustParse("did:web:shop.example"), Document: document, Fetched: packed},
	}}
	for _, pins := range []bundle.Pins{
		nil,
		{"did:web:shop.example": bundle.Digest(document)},
	} {
		evidence := b.Open(pins)
		_, err := evidence.Resolve(context.Background(), did.MustParse("did:web:shop.example"), did.Version{})
		for _, p := range evidence.Parts(packed.Add(time.Hour)) {
			fmt.Println(p.Kind, p.Name, p.Basis, p.AgeSeconds, p.Used, err == nil)
		}
	}
	// Output:
	// resolution did:web:shop.example nobody 3600 true false
	// resolution did:web:shop.example pinned 3600 true true
}

func ExampleOpened_Contexts() {
	context := []byte(`{"@context":{"PaintCredential":"https://ops.example/v1#PaintCredential"}}`)
	b := &bundle.Bundle{Documents: []bundle.Document{{URL: "https://ops.example/v1", MediaType: "application/ld+json", Body: context}}}
	for _, pins := range []bundle.Pins{nil, {"https://ops.example/v1": bundle.Digest(context)}} {
		contexts, err := b.Open(pins).Contexts(nil)
		_, known := contexts.Document("https://ops.example/v1")
		fmt.Println(known, err)
	}
	// Output:
	// false <nil>
	// true <nil>
}
