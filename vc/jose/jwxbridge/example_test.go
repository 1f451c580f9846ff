package jwxbridge_test

import (
	"context"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/jose/jwxbridge"
)

func ExamplePublicKey() {
	// A point that is not on P-256, which jwx reads.
	k, err := jwk.ParseKey([]byte(`{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"AAtl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`))
	fmt.Println(err)
	_, err = jwxbridge.PublicKey(k)
	fmt.Println(err)
	// Output:
	// <nil>
	// did: invalid public key: the JWK's point is not on P-256
}

func ExampleSigner() {
	k, err := jwk.ParseKey([]byte(ed25519JWK))
	if err != nil {
		fmt.Println(err)
		return
	}
	signer, err := jwxbridge.Signer(k)
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := did.NewKey(signer.Public())
	fmt.Println(id, err) // and then: vc.Issuer{ID: id, Key: signer, Format: jose.Format{}}
	// Output:
	// did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw <nil>
}

func ExampleKey() {
	public, err := did.ParseJWK([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	k, err := jwxbridge.Key(public, "did:web:shop.example#key-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(k.KeyType(), k.Algorithm(), k.KeyID())
	// Output:
	// OKP EdDSA did:web:shop.example#key-1
}

func ExampleSet() {
	id := did.MustParse("did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw")
	res, err := did.Offline{}.Resolve(context.Background(), id, did.Version{})
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := jwxbridge.Set(res.Document, did.Authentication)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, _ := set.Key(0)
	fmt.Println(set.Len(), k.KeyID() == id.URL(id.Identifier()).String())
	// Output:
	// 1 true
}

// A wallet answers an OpenID4VP request whose client_metadata has the verifier's key.
func ExampleEncrypt() {
	verifier, err := jwk.ParseKey([]byte(p256JWK))
	if err != nil {
		fmt.Println(err)
		return
	}
	public, err := verifier.PublicKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := jwxbridge.Encrypt([]byte(`{"vp_token":{}}`), public, jwa.A128GCM)
	if err != nil {
		fmt.Println(err)
		return
	}
	plain, err := jwxbridge.Decrypt(message, verifier)
	fmt.Println(string(plain), err)
	// Output:
	// {"vp_token":{}} <nil>
}

func ExampleDecrypt() {
	key, err := jwk.ParseKey([]byte(p256JWK))
	if err != nil {
		fmt.Println(err)
		return
	}
	// A key that is wrapped with a password, hashed a hundred million times.
	const message = "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJwMmMiOjEwMDAwMDAwMCwiZW5jIjoiQTEyOEdDTSJ9..AAAA.AAAA.AAAA"
	_, err = jwxbridge.Decrypt([]byte(message), key)
	fmt.Println(err)
	// Output:
	// jwxbridge: decrypt: header: alg is "PBES2-HS256+A128KW", want ECDH-ES
}
