package jws_test

import (
	"crypto/ed25519"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func ExampleParse() {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	text, err := jws.Sign(key, jws.Header{Typ: "vc+jwt", Kid: "did:example:shop#1"}, []byte(`{"exp":1800000000}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := jws.Parse(string(text), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Alg, token.Typ, token.Kid, string(token.Payload))
	fmt.Println(token.Verify(key.Public()))

	_, err = jws.Parse("eyJhbGciOiJub25lIn0.e30.", 0)
	fmt.Println(err)
	// Output:
	// EdDSA vc+jwt did:example:shop#1 {"exp":1800000000}
	// <nil>
	// not a signed token: header: alg "none": known are EdDSA, Ed25519, ES256, ES384, ES512 and ES256K
}

func ExampleSign() {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", ed25519.SeedSize)))
	// A name is escaped, and stays one.
	token, err := jws.Sign(key, jws.Header{}, nil, jws.Member{Name: `x":0,"admin`, Value: []byte("true")})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := jws.Parse(string(token), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(got.Members.Raw())

	_, err = jws.Sign(key, jws.Header{}, nil, jws.Member{Name: "crit", Value: []byte(`["exp"]`)})
	fmt.Println(err)
	// Output:
	// {"alg":"EdDSA","x\":0,\"admin":true}
	// header: "crit": no extension is understood
}

func ExampleAlgorithm() {
	fmt.Println(jws.Algorithm(make(ed25519.PublicKey, ed25519.PublicKeySize)))
	// Output: EdDSA <nil>
}

func ExampleTime() {
	for _, text := range []string{"1800000000", "1800000000.5", "1.8e9"} {
		doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(jws.Time(doc.Root()))
	}
	// Output:
	// 2027-01-15 08:00:00 +0000 UTC <nil>
	// 2027-01-15 08:00:00.5 +0000 UTC <nil>
	// 0001-01-01 00:00:00 +0000 UTC want a time in seconds since 1970, got "1.8e9"
}

func ExampleStrings() {
	doc, err := strictjson.Parse([]byte(`{"aud":"lease.example","audiences":["a","b"]}`), strictjson.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for v := range doc.Root().All() {
		fmt.Println(jws.Strings(v))
	}
	// Output:
	// [lease.example] <nil>
	// [a b] <nil>
}
