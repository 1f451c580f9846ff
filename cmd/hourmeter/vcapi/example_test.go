package vcapi_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// exampleIssuer has a key that everybody knows.
func exampleIssuer() *vc.Issuer {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	id, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	return &vc.Issuer{ID: id, Key: key}
}

func ask(server *httptest.Server, path, token, body string) (int, string) {
	r, err := http.NewRequest("POST", server.URL+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(err)
	}
	return resp.StatusCode, string(answer)
}

func ExampleHandler() {
	shop := exampleIssuer()
	token, err := vcapi.NewToken("aW50ZW5kZWQtZm9yLWRvY3M")
	if err != nil {
		fmt.Println(err)
		return
	}
	h := &vcapi.Handler{
		Instances: []vcapi.Instance{{Issuer: shop, Tokens: []vcapi.Token{token}}},
		Accept:    vc.IssuedBy(shop.ID),
	}
	server := httptest.NewTLSServer(h)
	defer server.Close()

	credential := `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],
		"issuer":"` + shop.ID.String() + `","credentialSubject":{"id":"did:example:drone"}}`
	status, _ := ask(server, "/credentials/issue", "", `{"credential":`+credential+`}`)
	fmt.Println("without a token:", status)
	status, signed := ask(server, "/credentials/issue", "aW50ZW5kZWQtZm9yLWRvY3M", `{"credential":`+credential+`}`)
	fmt.Println("with one:", status)
	status, _ = ask(server, "/credentials/verify", "", signed) // {"verifiableCredential": …}
	fmt.Println("verified:", status)
	status, _ = ask(server, "/credentials/verify", "", strings.Replace(signed, "drone", "other", 1))
	fmt.Println("altered:", status)
	// Output:
	// without a token: 401
	// with one: 201
	// verified: 200
	// altered: 400
}

func ExampleHandler_Drain() {
	h := new(vcapi.Handler)
	server := httptest.NewServer(h)
	defer server.Close()
	show := func() {
		resp, err := http.Get(server.URL + "/healthz")
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	show()
	h.Drain() // and then the server's Shutdown
	show()
	// Output:
	// 200 OK
	// 503 Service Unavailable
}

func ExampleChallenges() {
	challenges := &vcapi.Challenges{Domain: "lease.example"}
	ch, _ := challenges.New("")
	fmt.Println(ch.Domain)
	fmt.Println(challenges.Take(ch))
	fmt.Println(challenges.Take(ch))
	challenges.Return(ch) // the answer could not be checked
	fmt.Println(challenges.Take(ch))
	fmt.Println(challenges.Take(vc.NewChallenge("lease.example")))
	// Output:
	// lease.example
	// <nil>
	// vcapi: the challenge was answered already
	// <nil>
	// vcapi: the challenge was not given out here, or for another domain
}

func ExampleParseTokens() {
	tokens, err := vcapi.ParseTokens("# the workshop\naW50ZW5kZWQtZm9yLWRvY3M\n")
	fmt.Println(tokens, err)
	_, err = vcapi.ParseTokens("hunter2")
	fmt.Println(err)
	// Output:
	// [(API token)] <nil>
	// vcapi: an API token has 22 printable characters or more, and no spaces: make it at random
}

func ExampleNewToken() {
	token, err := vcapi.NewToken("aW50ZW5kZWQtZm9yLWRvY3M")
	fmt.Println(token, err)
	// Output: (API token) <nil>
}

func ExampleOpenStatusLists() {
	lists, err := vcapi.OpenStatusLists(vcapi.StatusConfig{
		URL: "https://shop.example/status-lists/", Issuer: exampleIssuer(), // and Journal, to remember
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lists.Close()
	entries, err := lists.Entries("urn:uuid:1")
	fmt.Println(len(entries), err)
	revoked := vcapi.StatusUpdate{CredentialID: "urn:uuid:1", Index: -1, Purpose: "revocation", Value: 1}
	fmt.Println(lists.Update(revoked))
	revoked.Value = 0
	fmt.Println(errors.Is(lists.Update(revoked), vcapi.ErrFinal))
	list, err := lists.List("revocation-1")
	fmt.Println(strings.Contains(string(list), `"BitstringStatusListCredential"`), err)
	// Output:
	// 2 <nil>
	// <nil>
	// true
	// true <nil>
}

func ExampleStatusLists_Checker() {
	shop := exampleIssuer()
	lists, err := vcapi.OpenStatusLists(vcapi.StatusConfig{URL: "https://shop.example/status-lists/", Issuer: shop})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lists.Close()
	// A service knows its own lists without asking itself; about those of others it would ask next.
	h := &vcapi.Handler{
		Instances: []vcapi.Instance{{Issuer: shop, Statuses: lists}},
		Verifier:  &vc.Verifier{Status: lists.Checker(new(vc.Verifier), nil)},
		Accept:    vc.IssuedBy(shop.ID),
	}
	fmt.Println(h.Verifier.Status != nil)
	// Output: true
}

func ExampleNewConformance() {
	h, err := vcapi.NewConformance("https://127.0.0.1:8443")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, i := range h.Instances {
		fmt.Println(i.Name)
	}
	// Output:
	// eddsa-rdfc-2022
	// eddsa-jcs-2022
	// ecdsa-rdfc-2019-p256
	// ecdsa-rdfc-2019-p384
	// ecdsa-jcs-2019-p256
	// ecdsa-jcs-2019-p384
	// ecdsa-sd-2023
	// bitstring-status-list
	// vc-jwt
}
