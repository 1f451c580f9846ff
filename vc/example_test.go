package vc_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// In an example the keys are fixed, so that the output is. Elsewhere they come
// from a keystore.Store.
func exampleKey(name string) (did.DID, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32s", name)))
	id, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	return id, key
}

var exampleDay = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func today() time.Time { return exampleDay }

func exampleCredential() []byte {
	shop, key := exampleKey("shop")
	machine, _ := exampleKey("drone")
	issuer := &vc.Issuer{ID: shop, Key: key, Now: today}
	raw, err := issuer.Issue(&vc.Credential{
		Subject: machine,
		Claim: record.Maintenance{
			Time: exampleDay.Add(-2 * time.Hour),
			Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings"},
		},
	})
	if err != nil {
		panic(err)
	}
	return raw
}

func ExampleIssuer_Issue() {
	shop, key := exampleKey("shop")
	machine, _ := exampleKey("drone")
	issuer := &vc.Issuer{ID: shop, Key: key, Now: today}
	raw, err := issuer.Issue(&vc.Credential{
		Subject: machine,
		Claim: record.Maintenance{
			Time: exampleDay.Add(-2 * time.Hour),
			Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings"},
		},
	})
	fmt.Println(len(raw) > 0, err)
	// Output: true <nil>
}

func ExampleIssuer_AddProof() {
	buyer, key := exampleKey("buyer")
	countersigned, err := (&vc.Issuer{ID: buyer, Key: key, Now: today}).AddProof(exampleCredential())
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := (&vc.Verifier{Now: today}).Verify(context.Background(), countersigned, vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.SignedBy(buyer), len(v.Signers()))
	// Output: true 2
}

func ExampleVerifier_Verify() {
	ctx := context.Background()
	shop, _ := exampleKey("shop")
	verifier := &vc.Verifier{Now: today}

	v, err := verifier.Verify(ctx, exampleCredential(), vc.IssuedBy(shop))
	if rejected, ok := errors.AsType[*vc.RejectError](err); ok {
		fmt.Println("refuse:", rejected)
		return
	} else if err != nil {
		fmt.Println("try again:", err)
		return
	}
	work, err := vc.ClaimOf[record.Maintenance](v)
	fmt.Println(v.Type(), work.Activity, err)
	// Output: MaintenanceCredential replace rotor bearings <nil>
}

func ExampleVerifier_Report() {
	verifier := &vc.Verifier{Now: func() time.Time { return exampleDay.AddDate(-1, 0, 0) }}
	report := verifier.Report(context.Background(), exampleCredential(), vc.AnyIssuer)
	for _, f := range report.Findings {
		fmt.Println(f.Check, f.Outcome, "code:"+f.Code)
	}
	// Output:
	// json pass code:
	// data-model pass code:
	// context pass code:
	// proof fail code:CRYPTOGRAPHIC_SECURITY_ERROR
	// issuer fail code:CRYPTOGRAPHIC_SECURITY_ERROR
	// period fail code:RANGE_ERROR
	// accept skipped code:
}

func ExampleHolder_Present() {
	ctx := context.Background()
	machine, key := exampleKey("drone")
	holder := &vc.Holder{ID: machine, Key: key, Now: today}

	ask := vc.NewChallenge("lease.example")                // the desk asks,
	shown, err := holder.Present(ask, exampleCredential()) // the machine answers,
	if err != nil {
		fmt.Println(err)
		return
	}
	desk := &vc.Verifier{Now: today}
	p, err := desk.VerifyPresentation(ctx, shown, ask, vc.AnyIssuer) // the desk checks,
	fmt.Println(p.Holder() == machine, len(p.Credentials()), err)

	_, err = desk.VerifyPresentation(ctx, shown, vc.NewChallenge("lease.example"), vc.AnyIssuer) // and takes it once.
	fmt.Println(errors.Is(err, vc.ErrChallenge))
	// Output:
	// true 1 <nil>
	// true
}

func ExampleVerifier_VerifyPresentation() {
	ctx := context.Background()
	machine, key := exampleKey("drone")
	thief, thiefKey := exampleKey("thief")
	desk := &vc.Verifier{Now: today}
	ask := vc.NewChallenge("lease.example")

	shown, _ := (&vc.Holder{ID: machine, Key: key, Now: today}).Present(ask, exampleCredential())
	p, err := desk.VerifyPresentation(ctx, shown, ask, vc.AnyIssuer)
	fmt.Println(p.Holder() == machine, p.Credentials()[0].Type(), err)

	shown, _ = (&vc.Holder{ID: thief, Key: thiefKey, Now: today}).Present(ask, exampleCredential())
	_, err = desk.VerifyPresentation(ctx, shown, ask, vc.AnyIssuer)
	bad, _ := errors.AsType[*vc.CredentialError](err)
	fmt.Println(bad.Index, errors.Is(err, vc.ErrHolder))
	// Output:
	// true MaintenanceCredential <nil>
	// 0 true
}

func ExampleVerifier_ReportPresentation() {
	machine, key := exampleKey("drone")
	ask := vc.NewChallenge("lease.example")
	shown, _ := (&vc.Holder{ID: machine, Key: key, Now: today}).Present(ask, exampleCredential())

	another := vc.NewChallenge("lease.example")
	report := (&vc.Verifier{Now: today}).ReportPresentation(context.Background(), shown, another, vc.AnyIssuer)
	for _, f := range report.Findings {
		fmt.Println(f.Check, f.Outcome)
		if f.Outcome == vc.Fail {
			fmt.Println("   ", f.Problem().Type, f.Problem().Status)
		}
	}
	fmt.Println(len(report.Credentials), report.Credentials[0].Err, errors.Is(report.Err, vc.ErrChallenge))
	// Output:
	// json pass
	// data-model pass
	// context pass
	// challenge fail
	//     https://w3id.org/security#INVALID_CHALLENGE_ERROR 400
	// proof pass
	// holder pass
	// 1 <nil> true
}

func ExampleEnveloped() {
	fmt.Println(string(vc.Enveloped("application/vc+jwt", []byte("eyJhbGciOiJFZERTQSJ9.e30.c2ln"))))
	// Output: {"@context":"https://www.w3.org/ns/credentials/v2","id":"data:application/vc+jwt,eyJhbGciOiJFZERTQSJ9.e30.c2ln","type":"EnvelopedVerifiableCredential"}
}

func ExampleVerifier_VerifyAll() {
	good := exampleCredential()
	bad := append([]byte(nil), good...)
	bad[400] ^= 1
	for i, r := range (&vc.Verifier{Now: today}).VerifyAll(context.Background(), [][]byte{good, bad}, vc.AnyIssuer) {
		fmt.Println(i, r.Err == nil)
	}
	// Output:
	// 0 true
	// 1 false
}

func ExampleContexts_With() {
	contexts, err := new(vc.Contexts).With("https://ops.example/v1", []byte(`{"@context": {
		"PaintCredential": "https://ops.example/v1#PaintCredential",
		"colour": "https://ops.example/v1#colour"
	}}`))
	fmt.Println(contexts != nil, err)
	// Output: true <nil>
}

func ExampleContexts_WithInline() {
	document := []byte(`{
		"@context": ["https://www.w3.org/ns/credentials/v2", {"colour": "https://ops.example/v1#colour"}],
		"type": "VerifiableCredential",
		"credentialSubject": {"id": "urn:drone:7", "colour": "red"}
	}`)
	var contexts *vc.Contexts // those that are compiled in
	_, err := contexts.NQuads(document)
	fmt.Println(err != nil) // nobody can pin what is written into a document
	_, err = contexts.WithInline().NQuads(document)
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

func ExampleContexts_Document() {
	text, known := new(vc.Contexts).Document("https://www.w3.org/ns/credentials/v2")
	fmt.Println(len(text) > 0, known)
	_, known = new(vc.Contexts).Document("https://ops.example/v1")
	fmt.Println(known)
	// Output:
	// true true
	// false
}

func ExampleClaimOf() {
	v, err := (&vc.Verifier{Now: today}).Verify(context.Background(), exampleCredential(), vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	work, err := vc.ClaimOf[record.Maintenance](v)
	fmt.Println(work.Category, work.Activity, err)

	_, err = vc.ClaimOf[record.Uptime](v)
	fmt.Println(err != nil)
	// Output:
	// preventive replace rotor bearings <nil>
	// true
}

func ExampleParseDigest() {
	d, err := vc.ParseDigest("uEiC7Z6wE-p_dKILFirHQAqgfuC9j8aSDvTeVPJbujHVVsQ")
	fmt.Println(d, err)
	// Output: uEiC7Z6wE-p_dKILFirHQAqgfuC9j8aSDvTeVPJbujHVVsQ <nil>
}

func ExampleIssuedBy() {
	shop, _ := exampleKey("shop")
	stranger, _ := exampleKey("stranger")
	verifier := &vc.Verifier{Now: today}
	_, err := verifier.Verify(context.Background(), exampleCredential(), vc.IssuedBy(shop))
	fmt.Println(err)
	_, err = verifier.Verify(context.Background(), exampleCredential(), vc.IssuedBy(stranger))
	fmt.Println(errors.Is(err, vc.ErrNotAccepted))
	// Output:
	// <nil>
	// true
}
