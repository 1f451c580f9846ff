package didx509_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
)

// A drone with the certificate it left the factory with gets a DID: one CA, and its serial number.
func ExampleNew() {
	chain := drone().chain // leaf, issuing CA, root
	id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("O", "Acme", "2.5.4.5", "0042"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id)
	// Output: did:x509:0:sha256:wgS3y07XSYktsRvDfW0rNTwiAenCt84TwtoRYhgflHA::subject:O:Acme:2.5.4.5:0042
}

func ExampleChain_Subject() {
	subject, err := drone().chain.Subject() // all that the certificate says of the device
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(subject)
	// Output: subject:O:Acme:2.5.4.5:0042
}

func ExampleResolve() {
	chain := drone().chain
	id, err := didx509.New(chain, didx509.Pin{CA: 1}, didx509.Subject("2.5.4.5", "0042"))
	if err != nil {
		log.Fatal(err)
	}
	doc, err := didx509.Resolve(id, chain, shift)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(doc.VerificationMethod[0].ID == id.URL("0"), doc.VerificationMethod[0].Extra[0].Value)

	// Another machine of the same factory is another.
	other := factory().issue("", seeded(4), false, serial("0043")).chain
	_, err = didx509.Resolve(id, other, shift)
	fmt.Println(err)
	// Output:
	// true {"crv":"Ed25519","kty":"OKP","x":"2tvRhKLVJvHr3VwG_a2TWbIodZtNf3nWZon6JUqthUY"}
	// did: not found: a predicate does not fit the leaf: subject 2.5.4.5
}

func ExampleResolver() {
	chain := drone().chain
	id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("2.5.4.5", "0042"))
	if err != nil {
		log.Fatal(err)
	}
	r := didx509.Resolver{Chains: []didx509.Chain{chain}}
	res, err := r.Resolve(context.Background(), id, did.Version{Time: shift})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Document.ID == id)

	// Without the chain nobody can tell, which is another thing than a no.
	_, err = didx509.Resolver{}.Resolve(context.Background(), id, did.Version{})
	fmt.Println(did.IsAnswer(err))
	// Output:
	// true
	// false
}

// A message brings its chain along. Whoever sent it, the pinned CA decides whether it counts.
func ExampleResolver_Presented() {
	chain := drone().chain
	id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("2.5.4.5", "0042"))
	if err != nil {
		log.Fatal(err)
	}
	x5c := chain.DER()
	_, err = didx509.Resolver{}.Presented(x5c).Resolve(context.Background(), id, did.Version{Time: shift})
	fmt.Println(err)

	forged := holder{}.issue("Acme Root", seeded(66), true, nil).issue("", seeded(67), false, serial("0042"))
	_, err = didx509.Resolver{}.Presented(forged.chain.DER()).Resolve(context.Background(), id, did.Version{Time: shift})
	fmt.Println(err)
	// Output:
	// <nil>
	// did: not found: the pinned CA is not in the chain
}

func ExampleParseChain() {
	option := drone().chain.String() // the DID resolution option x509chain
	chain, err := didx509.ParseChain([]byte(option))
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range chain {
		fmt.Println(c.Subject)
	}

	x5c, err := json.Marshal(chain.DER()) // RFC 7515 §4.1.6: an array of base64
	if err != nil {
		log.Fatal(err)
	}
	again, err := didx509.ParseChain(x5c)
	fmt.Println(len(again), err)

	again, err = didx509.ParseDER(chain.DER()...) // as x5chain of COSE has it
	fmt.Println(len(again), err)
	// Output:
	// SERIALNUMBER=0042,O=Acme
	// CN=Acme Line 1,O=Acme
	// CN=Acme Root,O=Acme
	// 3 <nil>
	// 3 <nil>
}

func ExampleSAN() {
	fmt.Println(didx509.SAN("uri", "https://acme.example/drones/42"))
	fmt.Println(didx509.EKU("1.3.6.1.5.5.7.3.2"))
	fmt.Println(didx509.FulcioIssuer("accounts.google.com"))
	// Output:
	// san:uri:https%3A%2F%2Facme.example%2Fdrones%2F42
	// eku:1.3.6.1.5.5.7.3.2
	// fulcio-issuer:accounts.google.com
}
