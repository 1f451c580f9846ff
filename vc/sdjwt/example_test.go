package sdjwt_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

// In an example the keys are fixed, so that the output is. Elsewhere they come from a
// keystore.Store.
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

// A shop lets the drone keep to itself who did the work. The drone shows a credential
// without it, to one lessor, once.
func ExampleFormat() {
	shop, shopKey := exampleKey("shop")
	drone, droneKey := exampleKey("drone")
	issuer := &vc.Issuer{ID: shop, Key: shopKey, Now: today, Format: sdjwt.Format{
		Disclosable: []string{"/credentialSubject/maintenance/performedBy", "/credentialSubject/maintenance/activity"},
		Confirm:     sdjwt.Confirmation{Key: droneKey.Public()},
	}}
	raw, err := issuer.Issue(&vc.Credential{Subject: drone, Claim: record.Maintenance{
		Time: exampleDay.Add(-2 * time.Hour),
		Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings", PerformedBy: &record.Party{Name: "Ada"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}

	ch := vc.NewChallenge("lease.example") // from the lessor
	token, err := sdjwt.Parse(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range token.Disclosures() {
		fmt.Println(d.Pointer, d.Value)
	}
	token, err = token.Present("/credentialSubject/maintenance/activity")
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err = token.Bind(droneKey, ch, exampleDay)
	if err != nil {
		fmt.Println(err)
		return
	}

	verifier := &vc.Verifier{Formats: []vc.Format{sdjwt.Format{}}, Now: today}
	p, err := verifier.VerifyPresentation(context.Background(), []byte(token.String()), ch, vc.IssuedBy(shop))
	if err != nil {
		fmt.Println(err)
		return
	}
	shown := p.Credentials()[0]
	work, err := vc.ClaimOf[record.Maintenance](shown)
	fmt.Println(p.Holder() == drone, shown.Selective(), work.Activity, work.PerformedBy, err)
	// Output:
	// /credentialSubject/maintenance/activity "replace rotor bearings"
	// /credentialSubject/maintenance/performedBy {"name":"Ada"}
	// true true replace rotor bearings <nil> <nil>
}

func exampleVC() []byte {
	lab, labKey := exampleKey("lab")
	_, droneKey := exampleKey("drone")
	issuer := &sdjwt.Issuer{ID: lab, Key: labKey, Now: today}
	raw, err := issuer.IssueVC(&sdjwt.Credential{
		Type:    "https://lab.example/types/calibration",
		Claims:  []byte(`{"sensor":"lidar","offsets":[3,-1],"fitter":{"name":"Ada","badge":17}}`),
		Expires: exampleDay.AddDate(1, 0, 0),
		Confirm: sdjwt.Confirmation{Key: droneKey.Public()},
		Options: sdjwt.Options{Disclosable: []string{"/offsets/0", "/offsets/1", "/fitter", "/fitter/badge"}, Decoys: 5},
	})
	if err != nil {
		panic(err)
	}
	return raw
}

func ExampleIssuer_IssueVC() {
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range token.Disclosures() {
		fmt.Println(d.Pointer)
	}
	// Output:
	// /offsets/0
	// /offsets/1
	// /fitter/badge
	// /fitter
}

// What an inner disclosure stands inside of is shown with it.
func ExampleToken_Present() {
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	shown, err := token.Present("/offsets/1", "/fitter/badge")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range shown.Disclosures() {
		fmt.Println(d.Pointer)
	}
	_, err = token.Present("/fitter/name")
	fmt.Println(err)
	// Output:
	// /offsets/0
	// /fitter/badge
	// /fitter
	// sdjwt: present: "/fitter/name" is shown only with all of "/fitter": choose that
}

func ExampleToken_Bind() {
	lab, _ := exampleKey("lab")
	_, droneKey := exampleKey("drone")
	ch := vc.NewChallenge("lease.example")
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	bound, err := token.Bind(droneKey, ch, exampleDay)
	if err != nil {
		fmt.Println(err)
		return
	}
	accept := sdjwt.IssuedBy("https://lab.example/types/calibration", lab)
	verifier := &sdjwt.Verifier{Now: today}
	v, err := verifier.VerifyVC(context.Background(), []byte(bound.String()), sdjwt.Answering(ch), accept)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(v.Type(), v.Bound().Equal(exampleDay))

	_, err = verifier.VerifyVC(context.Background(), []byte(token.String()), sdjwt.Answering(ch), accept)
	fmt.Println(errors.Is(err, vc.ErrProof))
	// Output:
	// https://lab.example/types/calibration true
	// true
}

func ExampleVerifier_VerifyVC() {
	lab, _ := exampleKey("lab")
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err = token.Present("/fitter")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &sdjwt.Verifier{Now: today}
	v, err := verifier.VerifyVC(context.Background(), []byte(token.String()), sdjwt.AnyBearer(), sdjwt.IssuedBy("https://lab.example/types/calibration", lab))
	if err != nil {
		fmt.Println(err)
		return
	}
	var sensor string
	var fitter map[string]any
	var offsets []int
	_, err = v.Claim("sensor", &sensor)
	fmt.Println(sensor, err)
	_, err = v.Claim("fitter", &fitter)
	fmt.Println(fitter, err)
	_, err = v.Claim("offsets", &offsets)
	fmt.Println(offsets, err)
	// Output:
	// lidar <nil>
	// map[name:Ada] <nil>
	// [] <nil>
}

func ExampleParse() {
	const wrapped = "eyJhbGciOiJFZERTQSJ9.eyJ2Y3QiOiJ4IiwiX3NkIjpbIlpMdm5pUG9iTm1GcFg2VlMyYjNrS0hXVUZ5WjJ2cWdIUE5RUnZTVHpKZVEiXX0.AA~"
	token, err := sdjwt.Parse([]byte(wrapped))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(token.Payload()), token.Selective(), token.Bound())
	_, err = sdjwt.Parse([]byte(wrapped + "WyJzIiwiYWRtaW4iLHRydWVd~"))
	fmt.Println(err)
	// Output:
	// {"vct":"x"} true false
	// sdjwt: disclosure 0 is none of this token's: nothing that is shown holds its digest
}

func ExampleToken_Verify() {
	_, labKey := exampleKey("lab")
	_, droneKey := exampleKey("drone")
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.Verify(labKey.Public()))
	fmt.Println(token.Verify(droneKey.Public()))
	// Output:
	// <nil>
	// sdjwt: signature does not match
}

// The two forms say the same; a key binding holds for both.
func ExampleToken_JSON() {
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := sdjwt.Parse(token.JSON())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.String() == token.String())
	// Output: true
}

func ExampleFormat_Recognizes() {
	f := sdjwt.Format{}
	fmt.Println(f.Recognizes("", []byte("eyJhbGciOiJFZERTQSJ9.e30.AA~")))
	fmt.Println(f.Recognizes("", []byte("eyJhbGciOiJFZERTQSJ9.e30.AA"))) // a JWT
	fmt.Println(f.Recognizes(sdjwt.MediaTypeCredential, nil))
	fmt.Println(f.Recognizes(sdjwt.MediaTypeSDJWTVC, nil)) // for Verifier.VerifyVC
	// Output:
	// true
	// false
	// true
	// false
}

// Issuers and holders of package vc call Seal. It refuses to hide what verifiers depend on.
func ExampleFormat_Seal() {
	shop, key := exampleKey("shop")
	e := &vc.Envelope{
		Method:   shop.KeyURL(),
		Document: []byte(`{"issuer":"` + shop.String() + `","credentialStatus":{"statusListIndex":"7"},"credentialSubject":{"name":"Lynx 4"}}`),
	}
	raw, err := sdjwt.Format{Disclosable: []string{"/credentialSubject/name"}}.Seal(key, e)
	fmt.Println(len(raw) > 0, err)
	_, err = sdjwt.Format{Disclosable: []string{"/credentialStatus"}}.Seal(key, e)
	fmt.Println(err)
	// Output:
	// true <nil>
	// sdjwt: seal: disclosable: "/credentialStatus": a verifier depends on it, so the holder must not be able to leave it out
}

// A program that has a token and wants to look at it, before it knows whom to trust.
func ExampleFormat_Open() {
	shop, key := exampleKey("shop")
	raw, err := sdjwt.Format{Disclosable: []string{"/credentialSubject/name"}}.Seal(key, &vc.Envelope{
		Method: shop.KeyURL(), Document: []byte(`{"credentialSubject":{"id":"urn:x","name":"Lynx 4"}}`), Created: exampleDay,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := sdjwt.Parse(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err = token.Present() // nothing of what need not be shown
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := sdjwt.Format{}.Open([]byte(token.String()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.MediaType, e.Created.Format(time.DateOnly), e.Selective, e.Method.DID == shop)
	fmt.Println(string(e.Document))
	fmt.Println(e.Verify(key.Public()))
	// Output:
	// application/vc+sd-jwt 2026-11-22 true true
	// {"credentialSubject":{"id":"urn:x"}}
	// <nil>
}

// What has to be shown is asked for in accept: the holder leaves out what it can.
func ExampleVC_Claim() {
	lab, _ := exampleKey("lab")
	token, err := sdjwt.Parse(exampleVC())
	if err != nil {
		fmt.Println(err)
		return
	}
	hidden, err := token.Present()
	if err != nil {
		fmt.Println(err)
		return
	}
	calibrated := func(v *sdjwt.VC) error {
		if err := sdjwt.IssuedBy("https://lab.example/types/calibration", lab)(v); err != nil {
			return err
		}
		var offsets []int
		if _, err := v.Claim("offsets", &offsets); err != nil {
			return err
		}
		if len(offsets) != 2 {
			return fmt.Errorf("it shows %d offsets of 2", len(offsets))
		}
		return nil
	}
	verifier := &sdjwt.Verifier{Now: today}
	for _, t := range []*sdjwt.Token{token, hidden} {
		_, err = verifier.VerifyVC(context.Background(), []byte(t.String()), sdjwt.AnyBearer(), calibrated)
		rej, bad := errors.AsType[*vc.RejectError](err)
		if bad {
			err = rej.Detail
		}
		fmt.Println(bad, err)
	}
	// Output:
	// false <nil>
	// true it shows 0 offsets of 2
}
