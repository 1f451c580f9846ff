package chain_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// write makes a claim the next entry after head, has it signed and verified,
// and moves head on.
func write(head *chain.Head, e chain.Entry, claim vc.Claim, on time.Time, issuer *vc.Issuer, witnesses ...*vc.Issuer) *vc.Verified {
	c := &vc.Credential{Subject: machine.ID, Claim: claim, ValidFrom: on}
	if err := head.Append(c, e); err != nil {
		panic(err)
	}
	raw, err := issuer.Issue(c)
	for _, w := range witnesses {
		if err == nil {
			raw, err = w.AddProof(raw)
		}
	}
	if err != nil {
		panic(err)
	}
	v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
	if err != nil {
		panic(err)
	}
	if err := head.Advance(v); err != nil {
		panic(err)
	}
	return v
}

// leased is a machine that was made, leased out, and had something stolen.
func leased() []*vc.Verified {
	var head chain.Head
	return []*vc.Verified{
		write(&head, chain.Entry{Kind: chain.Commission}, claim{name: "CommissioningCredential"}, days(0), maker),
		write(&head, chain.Entry{Kind: chain.Open, Class: "lease", Due: days(30)}, claim{name: "LeaseCredential"}, days(1), lessee, machine),
		write(&head, chain.Entry{Kind: chain.Observe, Outcome: chain.Breach}, claim{name: "IncidentCredential"}, days(10), lessee),
		write(&head, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, claim{name: "MaintenanceCredential"}, days(40), shop),
	}
}

func ExampleNew() {
	entries := leased()
	history, err := chain.New(machine.ID, entries...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(history.Class(), history.Len(), "entries")

	_, err = chain.New(machine.ID, entries[0], entries[1], entries[3])
	if gap, ok := errors.AsType[*chain.GapError](err); ok {
		fmt.Println("missing:", gap.From, "to", gap.To)
	}
	// Output:
	// C2 4 entries
	// missing: 2 to 2
}

func ExampleNewDisclosed() {
	entries := leased()
	history, err := chain.NewDisclosed(machine.ID, entries[0], entries[1], entries[3])
	if err != nil {
		fmt.Println(err)
		return
	}
	hidden := history.Hidden()
	fmt.Println(history.Class(), "hidden:", hidden.Entries, "of them adverse:", hidden.Adverse)
	// Output:
	// C1 hidden: 1 of them adverse: 1
}

func ExampleNewIsolated() {
	raw, err := shop.Issue(&vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(3)})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
	if err != nil {
		fmt.Println(err)
		return
	}
	history, err := chain.NewIsolated(machine.ID, v)
	fmt.Println(history.Class(), err)
	// Output:
	// C0 <nil>
}

func ExampleHead_Append() {
	var head chain.Head // of a record not begun
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "CommissioningCredential"}, ValidFrom: days(0)}
	if err := head.Append(c, chain.Entry{Kind: chain.Commission}); err != nil {
		fmt.Println(err)
		return
	}
	link, err := json.Marshal(c.Members["record"])
	fmt.Println(string(link), err)
	// Output:
	// {"sequence":0,"entry":"commission","totals":{"entries":1,"open":0,"overdue":0,"adverse":0}} <nil>
}

func ExampleHead_Advance() {
	entries := leased()
	var head chain.Head
	for _, v := range entries[:2] {
		if err := head.Advance(v); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("at", head.Sequence, "open", head.Totals.Open)

	gap, _ := errors.AsType[*chain.GapError](head.Advance(entries[3]))
	fmt.Println("missing:", gap.From)
	fmt.Println("still at", head.Sequence)
	// Output:
	// at 1 open 1
	// missing: 2
	// still at 1
}

func ExampleHistory_Extend() {
	entries := leased()
	history, err := chain.New(machine.ID, entries[:3]...)
	if err != nil {
		fmt.Println(err)
		return
	}
	longer, err := history.Extend(entries[3])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(history.Len(), longer.Len())
	// Output:
	// 3 4
}

// A reader of a log checks what it holds (package tlog): here it holds all four entries.
func ExampleHistory_Seen() {
	entries := leased()
	log := view{logged: holding(entries...)}

	whole, err := chain.New(machine.ID, entries...)
	if err != nil {
		fmt.Println(err)
		return
	}
	whole, err = whole.Seen(log)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(whole.Class(), "by", whole.Logged().Origin)

	// Its holder would rather not show the theft, nor what came after.
	short, err := chain.New(machine.ID, entries[:2]...)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = short.Seen(log)
	if tail, ok := errors.AsType[*chain.GapError](err); ok {
		fmt.Println("withheld:", tail.From, "to", tail.To)
	}
	// Output:
	// C4 by log.example
	// withheld: 2 to 3
}

func ExampleHistory_Upto() {
	history, err := chain.New(machine.ID, leased()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	before, err := history.Upto(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(before.Len(), "entries before the theft")
	// Output:
	// 2 entries before the theft
}

// The machine's key was stolen on day 5. A thief has signed a lease with it on day 9.
func ExampleCompromisedError() {
	var head chain.Head
	entries := []*vc.Verified{
		write(&head, chain.Entry{Kind: chain.Commission}, claim{name: "CommissioningCredential"}, days(0), maker),
		write(&head, chain.Entry{Kind: chain.Open, Class: "lease", Due: days(30)}, claim{name: "LeaseCredential"}, days(1), lessee, machine),
		write(&head, chain.Entry{Kind: chain.Open, Class: "lease", Due: days(30)}, claim{name: "LeaseCredential"}, days(9), stranger, machine),
		write(&head, rotating(5, key(machine)), claim{name: "CommissioningCredential"}, days(12), maker),
	}
	history, err := chain.New(machine.ID, entries...)
	if err != nil {
		fmt.Println(err)
		return
	}
	history, err = history.Seen(view{logged: holding(entries...)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range history.Entries() {
		if it.Void != nil {
			fmt.Println("void: entry", it.Link.Sequence, "reported by entry", it.Void.Key.Sequence)
		}
	}
	// Output:
	// void: entry 2 reported by entry 3
}

func ExampleHistory_Obligations() {
	history, err := chain.New(machine.ID, leased()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, day := range []int{30, 31} {
		for _, o := range history.Obligations(days(day)) {
			fmt.Println("day", day, o.Class, o.State)
		}
	}
	// Output:
	// day 30 lease open
	// day 31 lease overdue
}

func ExampleVerifyEquivocation() {
	// The lessee's theft is unwelcome: somebody gives the shop the head from before it.
	entries := leased()
	var before chain.Head
	for _, v := range entries[:2] {
		if err := before.Advance(v); err != nil {
			fmt.Println(err)
		}
	}
	rival := write(&before, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, claim{name: "MaintenanceCredential"}, days(11), shop)

	// Whoever sees both has evidence,
	history, err := chain.NewDisclosed(machine.ID, append(entries, rival)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	evidence, err := json.Marshal(history.Equivocations()[0])
	if err != nil {
		fmt.Println(err)
		return
	}

	// and anybody can check it.
	fork, err := chain.VerifyEquivocation(context.Background(), verifier, evidence)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("written twice: entry", fork.Sequence, "settled:", fork.Settled())
	// Output:
	// written twice: entry 2 settled: false
}

// The shop has published that its key was stolen on day 20. The log held its first report before that.
func ExampleHistory_Told() {
	var head chain.Head
	entries := []*vc.Verified{
		write(&head, chain.Entry{Kind: chain.Commission}, claim{name: "CommissioningCredential"}, days(0), maker),
		write(&head, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, claim{name: "MaintenanceCredential"}, days(9), shop),
		write(&head, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, claim{name: "MaintenanceCredential"}, days(30), shop),
	}
	history, err := chain.New(machine.ID, entries...)
	if err == nil {
		history, err = history.Seen(view{logged: holding(entries...)})
	}
	if err == nil {
		history, err = history.Told(chain.Compromise{Method: key(shop), Since: days(20)})
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, it := range history.Entries() {
		fmt.Println("entry", it.Link.Sequence, "counts:", it.Void == nil)
	}
	// Output:
	// entry 0 counts: true
	// entry 1 counts: true
	// entry 2 counts: false
}

// A machine leaves the factory under a did:key. In the field it has another name, by which it signs from then on.
func ExampleHistory_Names() {
	field := party("field")
	var head chain.Head
	entries := []*vc.Verified{
		write(&head, chain.Entry{Kind: chain.Commission}, claim{name: "CommissioningCredential"}, days(0), maker),
		write(&head, chain.Entry{Kind: chain.Rotate}, namedBy(key(field)), days(1), maker, field),
		write(&head, chain.Entry{Kind: chain.Open, Class: "lease", Due: days(30)}, claim{name: "LeaseCredential"}, days(2), lessee, field),
	}
	history, err := chain.New(machine.ID, entries...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range history.Names() {
		fmt.Println(name == machine.ID, name == field.ID)
	}
	// Output:
	// true false
	// false true
}

func ExampleNamedBy() {
	var head chain.Head
	field := party("field")
	born := write(&head, chain.Entry{Kind: chain.Commission}, claim{name: "CommissioningCredential"}, days(0), maker)
	named := write(&head, chain.Entry{Kind: chain.Rotate}, namedBy(key(field)), days(1), maker, field)
	fmt.Println(chain.NamedBy(born).IsZero(), chain.NamedBy(named) == field.ID)
	// Output: true true
}
