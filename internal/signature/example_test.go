package signature_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/signature"
)

func ExampleSign() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	sig, err := signature.Sign(key, []byte("14,210 hours"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(sig), signature.Verify(key.Public(), []byte("14,210 hours"), sig))
	fmt.Println(errors.Is(signature.Verify(key.Public(), []byte("4,210 hours"), sig), signature.ErrMismatch))
	// Output:
	// 64 <nil>
	// true
}

func ExampleOf() {
	for _, curve := range []elliptic.Curve{elliptic.P384(), elliptic.P224()} {
		scheme, err := signature.Of(&ecdsa.PublicKey{Curve: curve})
		fmt.Println(scheme == signature.P384SHA384, err)
	}
	// Output:
	// true <nil>
	// false signature: a key on P-224: known are Ed25519, P-256, P-384, P-521 and secp256k1
}
