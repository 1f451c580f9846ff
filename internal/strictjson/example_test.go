package strictjson_test

import (
	"fmt"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func ExampleParse() {
	doc, err := strictjson.Parse([]byte(`{"id": "urn:x", "record": {"sequence": 41}, "type": ["A", "B"]}`), strictjson.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	root := doc.Root()
	sequence, ok := root.Member("record").Member("sequence").Int64()
	fmt.Println(sequence, ok)
	for v := range root.Member("type").All() {
		fmt.Println(v.Pointer(), v.Text())
	}
	fmt.Println(root.Member("ID").Exists())

	_, err = strictjson.Parse([]byte(`{"issuer":"victim","issuer":"attacker"}`), strictjson.Limits{})
	fmt.Println(err)
	_, err = strictjson.Parse([]byte(`{"counters":[{"value":12345678901234567890}]}`), strictjson.Limits{})
	fmt.Println(err)
	// Output:
	// 41 true
	// /type/0 A
	// /type/1 B
	// false
	// JSON, byte 19, at "/issuer": a second member named "issuer": readers disagree on which one counts
	// JSON, byte 22, at "/counters/0/value": the integer 12345678901234567890 is beyond ±(2^53-1), where JSON readers disagree: send it as a string
}

func ExampleCaseVariant() {
	doc, err := strictjson.Parse([]byte(`{"issuer":"did:example:victim","Issuer":"did:example:attacker"}`), strictjson.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for m := range doc.Root().All() {
		if known, ok := strictjson.CaseVariant(m.Name(), "id", "issuer", "type"); ok {
			fmt.Printf("%q: did you mean %q?\n", m.Name(), known)
		}
	}
	// Output: "Issuer": did you mean "issuer"?
}
