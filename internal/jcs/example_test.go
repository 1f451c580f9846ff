package jcs_test

import (
	"fmt"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func ExampleCanonical() {
	canonical, err := jcs.Canonical([]byte(`{ "up": 1e3, "down": 0.50, "by": "M\u00fcller" }`))
	fmt.Println(string(canonical), err)
	_, err = jcs.Canonical([]byte(`{"up": 9007199254740993}`))
	fmt.Println(err)
	// Output:
	// {"by":"Müller","down":0.5,"up":1000} <nil>
	// JSON, byte 7, at "/up": the integer 9007199254740993 is beyond ±(2^53-1), where JSON readers disagree: send it as a string
}

// What a Data Integrity proof covers is the credential without its proof.
func ExampleAppend() {
	doc, err := strictjson.Parse([]byte(`{"proof":{"proofValue":"z…"},"issuer":"did:example:a"}`), strictjson.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"}))
	fmt.Printf("%s\n", jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof", Canonical: []byte("[]")}))
	// Output:
	// {"issuer":"did:example:a"}
	// {"issuer":"did:example:a","proof":[]}
}

func ExampleAppendNumber() {
	fmt.Printf("%s %s %s\n", jcs.AppendNumber(nil, 1e21), jcs.AppendNumber(nil, 1e-7), jcs.AppendNumber(nil, 100))
	// Output: 1e+21 1e-7 100
}
