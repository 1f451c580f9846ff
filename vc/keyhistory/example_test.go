package keyhistory_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/keyhistory"
)

// quiet lets examples use the helpers of tests.
type quiet struct{ testing.TB }

func (quiet) Helper()                           {}
func (quiet) Errorf(format string, args ...any) { fmt.Printf(format, args...) }
func (quiet) FailNow()                          { panic("see above") }
func (quiet) Context() context.Context          { return context.Background() }

var (
	alone   = version{0, []method{{name: "a"}}, ""}
	rotated = version{20, []method{{name: "b"}}, ""}
	stolen  = version{20, []method{{name: "a", revoked: day(15)}, {name: "b"}}, ""}
)

// A shop signs on day 10, and changes its key ten days later.
func ExampleOf() {
	raw := sign(quiet{}, history(quiet{}, alone).ID(), "a", 10)
	for _, log := range []did.Resolver{history(quiet{}, alone), history(quiet{}, alone, rotated), history(quiet{}, alone, stolen)} {
		verifier := &vc.Verifier{Resolver: log}
		v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
		if err != nil {
			fmt.Println(err)
			return
		}
		uses, err := keyhistory.Of(context.Background(), verifier, v)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, u := range uses {
			fmt.Println("good when it signed:", u.Known, "now:", u.Now, u.Since.Format("2006-01-02"))
		}
	}
	// Output:
	// good when it signed: true now: current 0001-01-01
	// good when it signed: true now: rotated 2026-01-21
	// good when it signed: true now: revoked 2026-01-16
}

func ExampleVerify() {
	shop := history(quiet{}, alone).ID()
	raw := sign(quiet{}, shop, "a", 10)
	for _, log := range []did.Resolver{history(quiet{}, alone, rotated), history(quiet{}, alone, stolen)} {
		_, err := keyhistory.Verify(context.Background(), &vc.Verifier{Resolver: log}, raw, vc.IssuedBy(shop), keyhistory.WhenSigned)
		fmt.Println("accepted:", err == nil)
	}
	// Output:
	// accepted: true
	// accepted: false
}

// A log has seen what the shop signed on the day after: before its key was stolen.
func ExampleCheck() {
	verifier := &vc.Verifier{Resolver: history(quiet{}, alone, stolen)}
	v, err := verifier.Verify(context.Background(), sign(quiet{}, history(quiet{}, alone).ID(), "a", 10), vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	uses, err := keyhistory.Of(context.Background(), verifier, v)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("on its own word:", keyhistory.Check(v, uses, keyhistory.WhenSigned) == nil)
	fmt.Println("by the log's:", keyhistory.Check(v, uses, keyhistory.LoggedBy(day(11))) == nil)
	// Output:
	// on its own word: false
	// by the log's: true
}

// What has become of a key is one thing, and what a caller makes of it another.
func ExampleJudge() {
	judges := []struct {
		name  string
		judge keyhistory.Judge
	}{{"NotRevoked", keyhistory.NotRevoked}, {"WhenSigned", keyhistory.WhenSigned}, {"StillCurrent", keyhistory.StillCurrent}}
	for _, u := range []keyhistory.Use{
		{Now: keyhistory.Current, Known: true},
		{Now: keyhistory.Current}, // no history: it is good today, and nobody knows about then
		{Now: keyhistory.Rotated, Known: true, Since: day(15)},
		{Now: keyhistory.Revoked, Known: true, Since: day(15)},
	} {
		fmt.Printf("%s, known then: %t, taken by:", u.Now, u.Known)
		for _, j := range judges {
			if j.judge(u) == nil {
				fmt.Print(" ", j.name)
			}
		}
		fmt.Println()
	}
	// Output:
	// current, known then: true, taken by: NotRevoked WhenSigned StillCurrent
	// current, known then: false, taken by: NotRevoked StillCurrent
	// rotated, known then: true, taken by: NotRevoked WhenSigned
	// revoked, known then: true, taken by:
}

func ExampleLoggedBy() {
	u := keyhistory.Use{Now: keyhistory.Revoked, Since: day(15)}
	fmt.Println("seen on day 11:", keyhistory.LoggedBy(day(11))(u) == nil)
	fmt.Println("seen on day 16:", keyhistory.LoggedBy(day(16))(u) == nil)
	// Output:
	// seen on day 11: true
	// seen on day 16: false
}

// A machine's record, to which a shop has added a report that no log holds.
func ExampleCompromised() {
	maker := issuer(quiet{}, "maker")
	shop := history(quiet{}, alone, stolen)
	verifier := &vc.Verifier{Resolver: resolver.Methods{"key": did.Offline{}, "webvh": shop}}
	var head chain.Head
	var entries []*vc.Verified
	for n, by := range []*vc.Issuer{maker, {ID: shop.ID(), Key: newKey("a"), Method: shop.ID().URL("a"), Now: maker.Now}} {
		c := &vc.Credential{Subject: issuer(quiet{}, "machine").ID, Claim: claim{}, ValidFrom: day(n)}
		err := head.Append(c, []chain.Entry{{Kind: chain.Commission}, {Kind: chain.Observe, Outcome: chain.Good}}[n])
		if err != nil {
			fmt.Println(err)
		}
		raw, err := by.Issue(c)
		if err != nil {
			fmt.Println(err)
		}
		v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
		if err == nil {
			err = head.Advance(v)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		entries = append(entries, v)
	}
	h, err := chain.New(head.Subject, entries...)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := keyhistory.Compromised(context.Background(), verifier, h)
	if err != nil {
		fmt.Println(err) // some signers could not be asked
	}
	h, err = h.Told(keys...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range h.Entries() {
		fmt.Println("entry", it.Link.Sequence, "counts:", it.Void == nil)
	}
	// Output:
	// entry 0 counts: true
	// entry 1 counts: false
}

// A did:web keeps no history, but marks keys in its document.
func ExampleMarks_Resolve() {
	web := present{doc: document(quiet{}, did.MustParse("did:web:shop.example"), method{name: "a", revoked: day(15)})}
	raw := sign(quiet{}, web.doc.ID, "a", 10)
	_, err := (&vc.Verifier{Resolver: web, CurrentKeys: true}).Verify(context.Background(), raw, vc.AnyIssuer)
	fmt.Println("by today's document:", err == nil)
	verifier := &vc.Verifier{Resolver: keyhistory.Marks{Next: web}}
	v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	uses, err := keyhistory.Of(context.Background(), verifier, v)
	fmt.Println("by its marks:", uses[0].Now, err)
	// Output:
	// by today's document: false
	// by its marks: revoked <nil>
}
