package vc_test

import (
	"crypto"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/ldcontext"
	"github.com/hourmeter/hourmeter/vc"
)

func ExampleContexts_NQuads() {
	said, err := new(vc.Contexts).NQuads([]byte(`{"@context":"https://www.w3.org/ns/credentials/v2","id":"did:web:drone.example","name":"Lynx 4"}`))
	fmt.Print(string(said), err)
	// Output:
	// <did:web:drone.example> <https://schema.org/name> "Lynx 4" .
	// <nil>
}

func ExampleContexts_CanonicalNQuads() {
	contexts := new(vc.Contexts)
	one, _ := contexts.CanonicalNQuads([]byte(`{"@context":"https://www.w3.org/ns/credentials/v2","name":["a","b"]}`), crypto.SHA256)
	two, _ := contexts.CanonicalNQuads([]byte(`{"name":["b","a"],"@context":["https://www.w3.org/ns/credentials/v2"]}`), crypto.SHA256)
	fmt.Println(string(one) == string(two))

	_, err := contexts.CanonicalNQuads([]byte(`{"@context":"https://www.w3.org/ns/credentials/v2","hours":812}`), crypto.SHA256)
	fmt.Println(err != nil)
	// Output:
	// true
	// true
}

func TestNQuadsRefuses(t *testing.T) {
	contexts := new(vc.Contexts)
	for _, tt := range []struct{ name, document, says string }{
		{"no JSON", `{`, "JSON"},
		{"a duplicate member", `{"name":"a","name":"b"}`, "second member"},
		{"an undefined term", `{"@context":"https://www.w3.org/ns/credentials/v2","hours":1}`, "hours"},
		{"a relative identifier", `{"@context":"https://www.w3.org/ns/credentials/v2","id":"drone"}`, "absolute IRI"},
		{"an integer beyond 2^53", `{"@context":"https://www.w3.org/ns/credentials/v2","name":9007199254740993}`, "2^53"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := contexts.NQuads([]byte(tt.document))
			require.ErrorContains(t, err, tt.says)
			_, err = contexts.CanonicalNQuads([]byte(tt.document), crypto.SHA256)
			require.ErrorContains(t, err, tt.says)
		})
	}
	_, err := contexts.NQuads([]byte(`{"@context":"https://x.example/v1"}`))
	_, is := errors.AsType[*ldcontext.TermError](err)
	require.True(t, is)
	_, err = contexts.CanonicalNQuads([]byte(`{"@context":"https://www.w3.org/ns/credentials/v2","name":"a"}`), crypto.MD5)
	require.ErrorContains(t, err, "SHA-256 or SHA-384")
}
