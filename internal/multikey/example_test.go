package multikey_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

func ExampleEncode() {
	seed := make([]byte, ed25519.SeedSize)
	fmt.Println(multikey.Encode(ed25519.NewKeyFromSeed(seed).Public()))
	// Output: z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp <nil>
}

func ExampleDecode() {
	pub, err := multikey.Decode("zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv")
	fmt.Printf("%T %v\n", pub, err)
	_, err = multikey.Decode("z6Mk")
	fmt.Println(err)
	// Output:
	// *ecdsa.PublicKey <nil>
	// multikey: multicodec 0x46 is no public key known here: those are Ed25519, P-256, P-384, P-521, secp256k1, X25519, RSA of 2048 to 8192 bits and ML-DSA-44
}

func ExamplePoint() {
	pub, err := multikey.Decode("zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv")
	if err != nil {
		fmt.Println(err)
		return
	}
	curve, point, err := multikey.Point(pub.(*ecdsa.PublicKey))
	fmt.Printf("%s %x… %v\n", curve, point[:8], err)
	again, err := multikey.ParsePoint(curve, point)
	fmt.Println(again.Equal(pub), err)
	// Output:
	// P-256 048a0ac59a2d3086… <nil>
	// true <nil>
}

func ExampleDecodeBase64URL() {
	fmt.Println(multikey.EncodeBase64URL([]byte("hour")))
	fmt.Println(multikey.DecodeBase64URL("uaG91cg", 4))
	fmt.Println(multikey.DecodeBase64URL("uaG91cg==", 7))
	// Output:
	// uaG91cg
	// [104 111 117 114] <nil>
	// [] multikey: "uaG91cg==" is not base64url without padding: illegal base64 data at input byte 6
}

func ExampleDecodeBase58() {
	fmt.Println(multikey.EncodeBase58([]byte("hour")))
	b, err := multikey.DecodeBase58("z3fq9hb", 4)
	fmt.Println(string(b), err)
	fmt.Println(multikey.DecodeBase58("z3fq9hb", 3))
	// Output:
	// z3fq9hb
	// hour <nil>
	// [] multikey: 7 characters are too many for 3 bytes in base58btc
}
