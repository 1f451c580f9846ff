package pkh_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/pkh"
)

func ExampleNew() {
	id, err := pkh.New("eip155:1:0x22227A31dd842196A246d8f3b775998560eAa61d")
	fmt.Println(id, err)
	_, err = pkh.New("eip155:1:0x22227a31Dd842196A246d8f3b775998560eAa61d")
	fmt.Println(err)
	// Output:
	// did:pkh:eip155:1:0x22227A31dd842196A246d8f3b775998560eAa61d <nil>
	// did: invalid DID: did:pkh:eip155: the address has capitals, and not those of its EIP-55 checksum: is it mistyped?
}

// A credential and a contract speak of the same machine. There is no key to verify with.
func ExampleResolver_Resolve() {
	id, err := pkh.New("eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a")
	if err != nil {
		log.Fatal(err)
	}
	res, err := pkh.Resolver{}.Resolve(context.Background(), id, did.Version{})
	if err != nil {
		log.Fatal(err)
	}
	method := res.Document.VerificationMethod[0]
	fmt.Println(method.Type, method.Extra[0].Value)
	_, err = did.Key(context.Background(), pkh.Resolver{}, method.ID, did.AssertionMethod, did.Version{})
	fmt.Println(errors.Is(err, did.ErrKeyNotSupported))
	// Output:
	// EcdsaSecp256k1RecoveryMethod2020 "eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a"
	// true
}

func ExampleResolver() {
	id, err := pkh.New("solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:CKg5d12Jhpej1JqtmxLJgaFqqeYjxgPqToJ4LBdvG9Ev")
	if err != nil {
		log.Fatal(err)
	}
	key, err := did.Key(context.Background(), pkh.Resolver{}, id.URL("controller"), did.AssertionMethod, did.Version{})
	fmt.Printf("%T %v\n", key, err)
	// Output: ed25519.PublicKey <nil>
}
