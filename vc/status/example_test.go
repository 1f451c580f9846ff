package status_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/status"
)

// An issuer gives a credential a place in a list, publishes the list, and revokes the credential.
func Example() {
	shop := issuer("shop") // keys are fixed here, so that the output is
	ctx := context.Background()

	list, _ := status.NewBitstringList(status.MinEntries, 1)
	taken, _ := status.NewBitstringList(status.MinEntries, 1)
	indexes, _ := status.NewIndexes(taken)
	index, err := indexes.Take() // store indexes.Encode() now
	if err != nil {
		fmt.Println(err)
		return
	}
	credential, err := shop.Issue(&vc.Credential{
		Subject: issuer("drone").ID,
		Claim:   record.Maintenance{Time: day, Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings"}},
		Members: map[string]any{"credentialStatus": status.Entry{
			Purpose: status.Revocation, List: "https://shop.example/status/3", Index: index,
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish := func() status.Static { // elsewhere: to the server of that URL
		c := status.BitstringCredential{URL: "https://shop.example/status/3", Purposes: []string{status.Revocation}, List: list, TTL: time.Minute}
		signed, err := c.Sign(shop)
		if err != nil {
			panic(err)
		}
		return status.Static{c.URL: {Body: signed, Fetched: day}}
	}
	check := func(source status.Source) error {
		verifier := &vc.Verifier{Now: now, Status: &status.Checker{Source: source, Verifier: &vc.Verifier{Now: now}}}
		_, err := verifier.Verify(ctx, credential, vc.AnyIssuer)
		return err
	}
	fmt.Println(check(publish()))

	if err := list.Set(index, 1); err != nil {
		fmt.Println(err)
	}
	fmt.Println(errors.Is(check(publish()), vc.ErrStatus))

	_, notFound := errors.AsType[*status.Error](check(status.Static{}))
	fmt.Println(notFound) // neither accepted nor refused: try again
	// Output:
	// <nil>
	// true
	// true
}

func ExampleChecker() {
	shop := issuer("shop")
	list, _ := status.NewTokenList(1<<20, 2)
	_ = list.Set(412, status.Suspended)
	jwt, err := (&status.Token{URI: "https://shop.example/statuslists/1", Issued: day, TTL: time.Hour, List: list}).SignJWT(shop.Key, method(shop))
	if err != nil {
		fmt.Println(err)
		return
	}
	checker := &status.Checker{
		Source: status.Static{"https://shop.example/statuslists/1": {Body: jwt, Fetched: day}},
		MaxAge: 30 * time.Minute,
	}
	claim := []byte(`{"status_list":{"idx":411,"uri":"https://shop.example/statuslists/1"}}`)
	result, err := checker.CheckStatus(context.Background(), shop.ID, claim, day.Add(20*time.Minute))
	fmt.Println(result.Message, "as of", result.AsOf.Format(time.Kitchen), err)

	claim = []byte(`{"status_list":{"idx":412,"uri":"https://shop.example/statuslists/1"}}`)
	_, err = checker.CheckStatus(context.Background(), shop.ID, claim, day.Add(20*time.Minute))
	fmt.Println(err)
	// Output:
	// VALID as of 12:00PM <nil>
	// revoked or suspended: status_list: SUSPENDED by the list "https://shop.example/statuslists/1" as of 2026-11-22T12:00:00Z
}

func ExampleParseEntry() {
	e, err := status.ParseEntry([]byte(`{
		"id": "https://example.com/credentials/status/3#94567",
		"type": "BitstringStatusListEntry",
		"statusPurpose": "revocation",
		"statusListIndex": "94567",
		"statusListCredential": "https://example.com/credentials/status/3"
	}`))
	fmt.Println(e.Purpose, e.Index, e.List, err)
	// Output: revocation 94567 https://example.com/credentials/status/3 <nil>
}

func ExampleParseReference() {
	r, err := status.ParseReference([]byte(`{"status_list": {"idx": 0, "uri": "https://example.com/statuslists/1"}}`))
	fmt.Println(r.Index, r.URI, err)
	// Output: 0 https://example.com/statuslists/1 <nil>
}

func ExampleDecodeBitstringList() {
	list, err := status.DecodeBitstringList("uH4sIAAAAAAAAA-3BIQEAAAACIKc73RkWoAEAAAAAAAAAAAAAAAAAAADeBuRZQ2cAQAAA", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _ := list.Get(0)
	second, _ := list.Get(1)
	fmt.Println(list.Len(), first, second)
	// Output: 131072 1 0
}

func ExampleDecodeTokenList() {
	list, err := status.DecodeTokenList("eNo76fITAAPfAgc", 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range list.Len() {
		value, _ := list.Get(i)
		fmt.Print(value, " ")
	}
	// Output: 1 2 0 3 0 1 0 1 1 2 3 3
}

func ExampleUnpackTokenList() {
	list, err := status.UnpackTokenList([]byte("\x78\xda\xdb\xb9\x18\x00\x02\x17\x01\x5d"), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := list.Get(3)
	fmt.Println(list.Len(), value, err)
	// Output: 16 1 <nil>
}

func ExampleReadBitstringCredential() {
	shop := issuer("shop")
	list, _ := status.NewBitstringList(status.MinEntries, 1)
	published, err := (&status.BitstringCredential{URL: "https://shop.example/status/3", Purposes: []string{status.Suspension}, List: list}).Sign(shop)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := (&vc.Verifier{Now: now}).Verify(context.Background(), published, vc.IssuedBy(shop.ID))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := status.ReadBitstringCredential(v, 1) // change c.List and sign it again
	fmt.Println(c.URL, c.Purposes, c.List.Len(), err)
	// Output: https://shop.example/status/3 [suspension] 131072 <nil>
}

func ExampleToken_SignCWT() {
	shop := issuer("shop")
	list, _ := status.NewTokenList(1<<20, 1)
	cwt, err := (&status.Token{URI: "https://shop.example/statuslists/1", Issued: day, List: list}).SignCWT(shop.Key, method(shop))
	fmt.Println(len(cwt) < 1500, err)
	// Output: true <nil>
}

func ExampleJudge() {
	recalled := vc.StatusResult{Purpose: "recall", Value: 1, Message: "set", List: "https://maker.example/recalls"}
	judge := func(r vc.StatusResult) error { // for Checker.Judge
		if r.Purpose == "recall" && r.Value == 1 {
			return fmt.Errorf("%w: recalled by its maker", vc.ErrStatus)
		}
		return status.Judge(r)
	}
	fmt.Println(judge(recalled))
	fmt.Println(judge(vc.StatusResult{Purpose: status.Refresh, Value: 1}))
	// Output:
	// revoked or suspended: recalled by its maker
	// <nil>
}

var (
	_ vc.StatusChecker = (*status.Checker)(nil)
	_ status.Source    = (*resolver.Documents)(nil) // which share no package
)
