package peer_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
)

// drone is the key of an example drone; its seed is 32 zero bytes.
func drone() ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
}

func ExampleNew0() {
	id, err := peer.New0(drone())
	fmt.Println(id, err)
	// Output: did:peer:0z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp <nil>
}

func ExampleNew2() {
	id, err := peer.New2(
		[]peer.Key{{Use: did.Authentication, Public: drone()}},
		did.Service{Type: []string{"MachineRecord"}, Endpoint: []string{"https://shop.example/record"}},
	)
	if err != nil {
		log.Fatal(err)
	}
	res, err := peer.Resolver{}.Resolve(context.Background(), id, did.Version{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
	fmt.Println(res.Document.Service[0].ID.Fragment, res.Document.Service[0].Endpoint)
	// Output:
	// did:peer:2.Vz6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp.SeyJ0IjoiTWFjaGluZVJlY29yZCIsInMiOiJodHRwczovL3Nob3AuZXhhbXBsZS9yZWNvcmQifQ
	// service [https://shop.example/record]
}

// The long form goes into the first message, and the short one into all others.
func ExampleNew4() {
	long, err := peer.New4([]peer.Key{
		{Use: did.Authentication, Public: drone()},
		{Use: did.AssertionMethod, Public: drone()},
	})
	if err != nil {
		log.Fatal(err)
	}
	short, err := peer.Short(long)
	if err != nil {
		log.Fatal(err)
	}
	r := peer.Resolver{Known: map[did.DID]did.DID{short: long}}
	_, err = did.Key(context.Background(), r, short.URL("key-1"), did.AssertionMethod, did.Version{})
	fmt.Println(short, err)
	_, err = did.Key(context.Background(), peer.Resolver{}, short.URL("key-1"), did.AssertionMethod, did.Version{})
	fmt.Println(err)
	// Output:
	// did:peer:4zQmPj2SBUYVXGkNyHWsJm69VH2mnEY5rgugvjhJWoxjs3JN <nil>
	// peer: the long form of this DID is not known: ask its holder for it (did:peer:4zQmPj2SBUYVXGkNyHWsJm69VH2mnEY5rgugvjhJWoxjs3JN)
}

func ExampleNew4Document() {
	id, err := peer.New4Document([]byte(`{
		"verificationMethod": [{"id": "#k", "type": "Multikey", "publicKeyMultibase": "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}],
		"assertionMethod": ["#k"]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(peer.Short(id))
	_, err = peer.New4Document([]byte(`{"id": "did:example:drone"}`))
	fmt.Println(err != nil)
	// Output:
	// did:peer:4zQmSgUTQRSqaUxJNqy6yBMCcgxpuWg6KXf9hpUTr2wykcmZ <nil>
	// true
}

func ExampleShort() {
	id, err := peer.New2([]peer.Key{{Use: did.Authentication, Public: drone()}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(peer.Short(id))
	// Output: did:peer:3zQmeYjHSq5BVkrKouDm24w2Za8qKqs4KmnPN8AAALSkhKNa <nil>
}

func ExampleResolver() {
	id := did.MustParse("did:peer:0z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	res, err := peer.Resolver{}.Resolve(context.Background(), id, did.Version{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(res.Document.VerificationMethod), "methods, one of them to agree on keys")
	// Output: 2 methods, one of them to agree on keys
}
