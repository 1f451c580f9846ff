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
