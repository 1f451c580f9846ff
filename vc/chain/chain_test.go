package chain_test

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

var birth = time.Date(2026, time.March, 1, 8, 0, 0, 0, time.UTC)

func days(n int) time.Time { return birth.AddDate(0, 0, n) }

// verifier looks back from long after.
var verifier = &vc.Verifier{Now: func() time.Time { return days(10_000) }}

// A claim says nothing but its type; a transfer also says from whom to whom.
type claim struct {
	name        string
	OwningParty *parties `json:"owningParty,omitzero"`
}

type parties struct {
	Source      did.DID `json:"source"`
	Destination did.DID `json:"destination"`
}

func (c claim) CredentialType() string { return c.name }

// party returns the signer whom name always stands for.
func party(name string) *vc.Issuer {
	key := ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", ed25519.SeedSize))[:ed25519.SeedSize]))
	id, err := did.NewKey(key.Public())
	if err != nil {
		panic(err)
	}
	return &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return birth }}
}

var (
	machine, maker, owner  = party("machine"), party("maker"), party("owner")
	lessee, shop, stranger = party("lessee"), party("shop"), party("stranger")
)

func transferTo(from, to *vc.Issuer) claim {
	return claim{"OwnershipTransferCredential", &parties{from.ID, to.ID}}
}

// entry signs what follows head, by all of signers, and verifies it.
func entry(t testing.TB, head chain.Head, day int, e chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	t.Helper()
	return entryOf(t, head, day, e, claim{name: "MaintenanceCredential"}, signers...)
}

func entryOf(t testing.TB, head chain.Head, day int, e chain.Entry, what vc.Claim, signers ...*vc.Issuer) *vc.Verified {
	t.Helper()
	c := &vc.Credential{Subject: machine.ID, Claim: what, ValidFrom: days(day)}
	require.NoError(t, head.Append(c, e))
	return signed(t, c, signers...)
}

// signed signs whatever c says, and verifies it.
func signed(t testing.TB, c *vc.Credential, signers ...*vc.Issuer) *vc.Verified {
	t.Helper()
	raw, err := signers[0].Issue(c)
	require.NoError(t, err)
	for _, s := range signers[1:] {
		raw, err = s.AddProof(raw)
		require.NoError(t, err)
	}
	v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	return v
}

// A life is a record in the making.
type life struct {
	t       testing.TB
	head    chain.Head
	entries []*vc.Verified
	heads   []chain.Head // after each entry
}

func (l *life) add(day int, e chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	l.t.Helper()
	return l.enter(entry(l.t, l.head, day, e, signers...))
}

func (l *life) enter(v *vc.Verified) *vc.Verified {
	l.t.Helper()
	require.NoError(l.t, l.head.Advance(v))
	l.entries = append(l.entries, v)
	l.heads = append(l.heads, l.head)
	return v
}

var (
	good     = chain.Entry{Kind: chain.Observe, Outcome: chain.Good}
	bad      = chain.Entry{Kind: chain.Observe, Outcome: chain.Breach}
	begin    = chain.Entry{Kind: chain.Commission}
	worn     = chain.Entry{Kind: chain.Observe, Outcome: chain.Degraded}
	rotation = chain.Entry{Kind: chain.Rotate}
	retire   = chain.Entry{Kind: chain.Retire}
)

func lease(due int) chain.Entry {
	return chain.Entry{Kind: chain.Open, Class: "lease", Due: days(due)}
}

func closing(opened int64, o chain.Outcome) chain.Entry {
	return chain.Entry{Kind: chain.Close, RefersTo: opened, Class: "lease", Outcome: o}
}

func amend(sequence int64) chain.Entry { return chain.Entry{Kind: chain.Amend, RefersTo: sequence} }

// year is a short life with one of everything.
//
//	0 commission  1 good  2 open a (due 20)  3 open b (due 40)  4 breach, day 25: a is overdue
//	5 close a, degraded  6 transfer to owner  7 amend 4  8 close b, good  9 open c (due 90)
func year(t testing.TB) *life {
	l := &life{t: t}
	l.add(0, begin, maker)
	l.add(5, good, shop)
	l.add(10, lease(20), lessee, machine)
	l.add(12, lease(40), lessee, maker)
	l.add(25, bad, shop)
	l.add(26, closing(2, chain.Degraded), lessee)
	l.enter(entryOf(t, l.head, 30, chain.Entry{Kind: chain.Transfer}, transferTo(maker, owner), maker, owner))
	l.add(31, amend(4), shop)
	l.add(40, closing(3, chain.Good), lessee)
	l.add(60, lease(90), lessee, owner)
	return l
}

func without(list []*vc.Verified, sequences ...int) []*vc.Verified {
	var kept []*vc.Verified
	for i, v := range list {
		if !slices.Contains(sequences, i) {
			kept = append(kept, v)
		}
	}
	return kept
}

func TestRecordIsComplete(t *testing.T) {
	l := year(t)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, chain.C2, h.Class())
	require.Equal(t, machine.ID, h.Subject())
	require.Equal(t, l.entries[0].Digest(), h.Chain())
	require.Equal(t, l.head, h.Head(), "full and incremental verification end in one state")
	require.Equal(t, chain.Hidden{}, h.Hidden())
	require.Empty(t, h.Gaps())
	require.Empty(t, h.Equivocations())
	require.Empty(t, h.Backdated())
	require.Equal(t, owner.ID, h.Head().Owner)

	var totals []chain.Totals
	for i, it := range h.Entries() {
		require.Same(t, l.entries[i], it.Credential)
		totals = append(totals, it.Link.Totals)
	}
	require.Equal(t, []chain.Totals{
		{Entries: 1},
		{Entries: 2},
		{Entries: 3, Open: 1},
		{Entries: 4, Open: 2},
		{Entries: 5, Open: 2, Overdue: 1, Adverse: 1},
		{Entries: 6, Open: 1, Adverse: 2},
		{Entries: 7, Open: 1, Adverse: 2},
		{Entries: 8, Open: 1, Adverse: 2},
		{Entries: 9, Adverse: 2},
		{Entries: 10, Open: 1, Adverse: 2},
	}, totals)

	require.Equal(t, []chain.Obligation{
		{Opened: 2, Class: "lease", Due: days(20), State: chain.StateClosed, Outcome: chain.Degraded, ClosedBy: 5, ClosedAt: days(26)},
		{Opened: 3, Class: "lease", Due: days(40), State: chain.StateClosed, Outcome: chain.Good, ClosedBy: 8, ClosedAt: days(40)},
		{Opened: 9, Class: "lease", Due: days(90), State: chain.StateOpen, ClosedBy: -1},
	}, h.Obligations(days(90)), "on the day it is due it is not overdue")
	require.Equal(t, chain.StateOverdue, h.Obligations(days(90).Add(time.Second))[2].State)
}

func TestOrderAndCopiesDoNotMatter(t *testing.T) {
	l := year(t)
	want, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	shown := slices.Clone(l.entries)
	slices.Reverse(shown)
	resigned, err := stranger.AddProof([]byte(l.entries[4].Raw()))
	require.NoError(t, err)
	again, err := verifier.Verify(t.Context(), resigned, vc.AnyIssuer)
	require.NoError(t, err)
	got, err := chain.New(machine.ID, append(shown, l.entries[3], again)...)
	require.NoError(t, err)
	require.Equal(t, want.Head(), got.Head())
	require.Len(t, got.Entries(), 10)
	require.Same(t, again, got.Entries()[4].Credential, "the copy with most signers counts")
}

func TestCopiesCountAsSignedByAll(t *testing.T) {
	l := year(t)
	unsigned := func() *vc.Credential { return rewritten(t, l, 9, nil) }
	half, otherHalf := signed(t, unsigned(), lessee), signed(t, unsigned(), lessee, stranger)
	whole := signed(t, unsigned(), lessee, owner)
	require.Equal(t, l.entries[9].Digest(), half.Digest())
	for _, shown := range [][]*vc.Verified{{half, whole}, {whole, otherHalf}, {otherHalf, whole, half, whole}} {
		h, err := chain.New(machine.ID, append(slices.Clone(l.entries[:9]), shown...)...)
		require.NoError(t, err)
		require.Equal(t, l.head, h.Head())
		_, err = h.Extend(otherHalf)
		require.NoError(t, err)
	}
	_, err := chain.New(machine.ID, append(slices.Clone(l.entries[:9]), half, otherHalf)...)
	require.ErrorIs(t, err, chain.ErrSignature)
}

// rewritten returns entry i of l as a credential nobody has signed, with its link changed.
func rewritten(t testing.TB, l *life, i int, change func(*chain.Link)) *vc.Credential {
	var link chain.Link
	_, err := l.entries[i].Member("record", &link)
	require.NoError(t, err)
	if change != nil {
		change(&link)
	}
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: l.entries[i].Type()}, ValidFrom: l.entries[i].ValidFrom(), Members: map[string]any{"record": link}}
	var related any
	if found, err := l.entries[i].Member("relatedResource", &related); found {
		require.NoError(t, err)
		c.Members["relatedResource"] = related
	}
	return c
}

// What is wrong with a record is told by type, with exact numbers.
// Nobody signs the order of proofs, nor how they are spread over copies.
func TestSignersOfAnItem(t *testing.T) {
	l := &life{t: t}
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(0)}
	require.NoError(t, l.head.Append(c, begin))
	raw, err := maker.Issue(c)
	require.NoError(t, err)
	sign := func(by ...*vc.Issuer) *vc.Verified {
		copied := raw
		for _, s := range by {
			copied, err = s.AddProof(copied)
			require.NoError(t, err)
		}
		v, err := verifier.Verify(t.Context(), copied, vc.AnyIssuer)
		require.NoError(t, err)
		return v
	}
	signers := func(copies ...*vc.Verified) []did.DID {
		h, err := chain.New(machine.ID, copies...)
		require.NoError(t, err)
		require.Equal(t, maker.ID, h.Entries()[0].Owner)
		return h.Entries()[0].Signers()
	}
	want := signers(sign(shop, lessee, owner))
	require.Len(t, want, 4)
	require.Equal(t, maker.ID, want[0], "the issuer is first")
	require.Equal(t, want, signers(sign(owner, shop, lessee)))
	require.Equal(t, want, signers(sign(shop), sign(lessee, owner)))
	require.Equal(t, want, signers(sign(lessee, owner), sign(owner, lessee), sign(shop), sign(lessee, owner)))
}

// What a stranger can multiply costs no more than in proportion: with quadratic work this
// takes seconds.
func TestManyCopiesAndForks(t *testing.T) {
	const many = 1500
	l := &life{t: t}
	l.add(0, begin, maker)
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(1)}
	require.NoError(t, l.head.Append(c, good))
	shown := l.entries
	for i := range many {
		busy := *shop
		busy.Now = func() time.Time { return birth.Add(time.Duration(i) * time.Second) } // another proof of the same content
		again := *c
		shown = append(shown, signed(t, &again, &busy))
	}
	h, err := chain.New(machine.ID, shown...)
	require.NoError(t, err)
	require.Equal(t, 2, h.Len())
	require.Equal(t, []did.DID{shop.ID}, h.Entries()[1].Signers())

	for range many {
		l.add(2, amend(0), shop)
	}
	shown = slices.Clone(l.entries)
	for i := range many {
		shown = append(shown, entry(t, l.heads[0], 3+i, good, stranger))
	}
	h, err = chain.NewDisclosed(machine.ID, shown...)
	require.NoError(t, err)
	require.Len(t, h.Equivocations(), many)

	_, err = chain.New(machine.ID, entry(t, chain.Head{}, 0, begin, maker), entry(t, chain.Head{}, 1, begin, maker), entry(t, chain.Head{}, 2, begin, maker),
		entry(t, chain.Head{}, 3, begin, maker), entry(t, chain.Head{}, 4, begin, maker), entry(t, chain.Head{}, 5, begin, maker))
	require.ErrorContains(t, err, "of 6 records")
	require.Less(t, len(err.Error()), 500, "a message is for people")
}

func TestRefuses(t *testing.T) {
	l := year(t)
	at := func(i int) chain.Head { return l.heads[i] }
	replaced := func(i int, v *vc.Verified) []*vc.Verified {
		list := slices.Clone(l.entries)
		list[i] = v
		return list
	}
	last := func(change func(*chain.Link), signers ...*vc.Issuer) []*vc.Verified {
		return replaced(9, signed(t, rewritten(t, l, 9, change), signers...))
	}
	counting := func(change func(*chain.Totals)) []*vc.Verified {
		return last(func(l *chain.Link) { change(&l.Totals) }, lessee, owner)
	}
	record := func(text string) []*vc.Verified {
		c := rewritten(t, l, 9, nil)
		var member any
		require.NoError(t, json.Unmarshal([]byte(text), &member))
		c.Members["record"] = member
		return replaced(9, signed(t, c, lessee, owner))
	}
	next := func(e chain.Entry, signers ...*vc.Issuer) []*vc.Verified {
		return append(slices.Clone(l.entries), entry(t, l.head, 70, e, signers...))
	}
	elsewhere := signed(t, func() *vc.Credential {
		c := rewritten(t, l, 9, nil)
		c.Subject = stranger.ID
		return c
	}(), lessee, owner)
	ending := signed(t, func() *vc.Credential {
		c := rewritten(t, l, 9, nil)
		c.ValidUntil = days(10_000)
		return c
	}(), lessee, owner)
	var other life
	other.t = t
	other.add(1, begin, maker)
	other.add(5, good, shop)
	old := &life{t: t, head: l.head, entries: slices.Clone(l.entries), heads: slices.Clone(l.heads)}
	old.add(61, retire, owner)
	dead := old.head
	dead.Retired = false

	for _, tt := range []struct {
		name  string
		shown []*vc.Verified
		want  error  // by type, or by identity
		says  string // part of the text
	}{
		{"first missing", without(l.entries, 0), &chain.GapError{}, "entry 0 is missing"},
		{"one missing", without(l.entries, 4), &chain.GapError{}, "entry 4 is missing"},
		{"three missing", without(l.entries, 4, 5, 6), &chain.GapError{}, "entries 4 to 6, 3 of them, are missing"},
		{"two gaps", without(l.entries, 2, 6), &chain.GapError{}, "entry 6 is missing"},
		{"two records", append(slices.Clone(l.entries), other.entries...), &chain.MixedError{}, "of 2 records"},
		{"fork", append(slices.Clone(l.entries), entry(t, at(3), 22, good, shop)), &chain.Equivocation{}, "two entries 4"},
		{"fork at the head", append(slices.Clone(l.entries), entry(t, at(8), 22, good, shop)), &chain.Equivocation{}, "two entries 9"},
		{"about another machine", replaced(9, elsewhere), chain.ErrSubject, "about [" + stranger.ID.String()},
		{"an entry that ends", replaced(9, ending), chain.ErrMalformed, "would be a gap"},
		{"not linked", append(slices.Clone(l.entries), signed(t, &vc.Credential{Subject: machine.ID, Claim: claim{name: "IncidentCredential"}}, shop)), chain.ErrUnlinked, "plain IncidentCredential"},
		{"leaps over what it follows", append(slices.Clone(l.entries), signed(t, leap(t, l), shop)), chain.ErrPrevious, "its previous is entry 9, so its sequence should be 10"},
		{"previous is another", last(func(l *chain.Link) { l.Previous = l.Chain }, lessee, owner), chain.ErrPrevious, "entry 9"},
		{"after the end", append(slices.Clone(old.entries), entry(t, dead, 70, good, shop)), chain.ErrRetired, "that was entry 10"},

		{"entries counted wrong", counting(func(c *chain.Totals) { c.Entries = 9 }), &chain.TotalsError{}, "counts 9 entries; the entries up to it make 10"},
		{"open hidden", counting(func(c *chain.Totals) { c.Open = 0 }), &chain.TotalsError{}, "counts 0 open; the entries up to it make 1"},
		{"overdue hidden", replaced(4, signed(t, rewritten(t, l, 4, func(l *chain.Link) { l.Totals.Overdue = 0 }), shop)), &chain.TotalsError{}, "counts 0 overdue; the entries up to it make 1"},
		{"overdue invented", counting(func(c *chain.Totals) { c.Overdue = 1 }), &chain.TotalsError{}, "counts 1 overdue"},
		{"adverse forgotten", counting(func(c *chain.Totals) { c.Adverse = 0 }), &chain.TotalsError{}, "counts 0 adverse; the entries up to it make 2"},

		{"closes what is closed", unchecked(t, l, closing(2, chain.Good)), chain.ErrReference, "closes entry 2, which is not an open obligation"},
		{"closes what never opened", unchecked(t, l, closing(1, chain.Good)), chain.ErrReference, "closes entry 1"},
		{"closes another class", unchecked(t, l, chain.Entry{Kind: chain.Close, RefersTo: 9, Class: "warranty", Outcome: chain.Good}), chain.ErrReference, `closes a "warranty", but entry 9 opened a "lease"`},

		{"open by one party", next(lease(99), lessee), chain.ErrSignature, "machine or its owner"},
		{"open by the owner alone", next(lease(99), owner), chain.ErrSignature, "both parties"},
		{"open by strangers", next(lease(99), lessee, stranger), chain.ErrSignature, "machine or its owner"},
		{"open by the owner that was", next(lease(99), lessee, maker), chain.ErrSignature, "machine or its owner"},
		{"rotate by a stranger", next(rotation, stranger), chain.ErrSignature, "rotate"},
		{"retire by a stranger", next(retire, stranger), chain.ErrSignature, "retire"},
		{"transfer not countersigned", append(slices.Clone(l.entries), entryOf(t, l.head, 70, chain.Entry{Kind: chain.Transfer}, transferTo(owner, shop), owner)), chain.ErrSignature, "countersigned by the new owner " + shop.ID.String()},
		{"transfer by a thief", append(slices.Clone(l.entries), entryOf(t, l.head, 70, chain.Entry{Kind: chain.Transfer}, transferTo(stranger, shop), stranger, shop)), chain.ErrSignature, "owner of record is " + owner.ID.String()},
		{"transfer behind the owner's back", append(slices.Clone(l.entries), entryOf(t, l.head, 70, chain.Entry{Kind: chain.Transfer}, transferTo(owner, shop), stranger, shop)), chain.ErrSignature, "signed by the old owner"},
		{"transfer of another type", append(slices.Clone(l.entries), entry(t, l.head, 70, chain.Entry{Kind: chain.Transfer}, owner, shop)), chain.ErrSignature, "OwnershipTransferCredential"},

		{"malformed record", record(`{"sequence":9}`), chain.ErrMalformed, `"entry" is missing`},
		{"record is a list", record(`[]`), chain.ErrMalformed, "want an object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chain.New(machine.ID, tt.shown...)
			require.Error(t, err)
			switch want := tt.want.(type) {
			case *chain.GapError:
				require.ErrorAs(t, err, &want)
			case *chain.MixedError:
				require.ErrorAs(t, err, &want)
			case *chain.Equivocation:
				require.ErrorAs(t, err, &want)
			case *chain.TotalsError:
				require.ErrorAs(t, err, &want)
			default:
				require.ErrorIs(t, err, want)
				linked := new(chain.LinkError)
				require.ErrorAs(t, err, &linked)
				require.False(t, linked.Digest.IsZero())
				require.False(t, linked.Issuer.IsZero())
			}
			require.ErrorContains(t, err, tt.says)
		})
	}
}

// leap follows the head of l, and pretends that there were entries between.
func leap(t testing.TB, l *life) *vc.Credential {
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(80)}
	require.NoError(t, l.head.Append(c, good))
	link := c.Members["record"].(chain.Link)
	link.Sequence += 3
	link.Totals.Entries += 3
	c.Members["record"] = link
	return c
}

// unchecked signs an entry that Append would refuse, in the place after l.
func unchecked(t testing.TB, l *life, e chain.Entry) []*vc.Verified {
	totals := l.head.Totals
	totals.Entries++
	link := chain.Link{Chain: l.head.Chain, Sequence: l.head.Sequence + 1, Previous: l.head.Digest, Entry: e, Totals: totals}
	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "LeaseOutcomeCredential"}, ValidFrom: days(80), Members: map[string]any{"record": link}}
	return append(slices.Clone(l.entries), signed(t, c, lessee))
}

func TestEveryDefectIsNamed(t *testing.T) {
	l := year(t)
	shown := without(l.entries, 1, 6)
	shown = append(shown, entry(t, l.heads[2], 13, worn, shop), entry(t, l.head, 70, retire, stranger))
	_, err := chain.New(machine.ID, shown...)
	var gaps []chain.GapError
	var forks, links int
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		switch e := e.(type) {
		case *chain.GapError:
			gaps = append(gaps, *e)
		case *chain.Equivocation:
			forks++
			require.EqualValues(t, 3, e.Sequence)
		case *chain.LinkError:
			links++
		}
	}
	name := l.entries[0].Digest()
	require.Equal(t, []chain.GapError{{Chain: name, From: 1, To: 1}, {Chain: name, From: 6, To: 6}}, gaps)
	require.Equal(t, 1, forks)
	require.Zero(t, links, "after a gap that may hide a transfer, nobody can say that the stranger is not the owner")
}

func TestDefectsAreBounded(t *testing.T) {
	l := &life{t: t}
	l.add(0, begin, maker)
	list := slices.Clone(l.entries)
	for i := range 100 {
		list = append(list, entry(t, l.head, i, good, shop))
	}
	_, err := chain.New(machine.ID, list...)
	require.ErrorContains(t, err, "more defects")
}

func TestGapsAreDisclosed(t *testing.T) {
	l := year(t)
	for _, tt := range []struct {
		name   string
		hide   []int
		hidden chain.Hidden
		states []chain.ObligationState // at day 100
	}{
		{"nothing", nil, chain.Hidden{}, []chain.ObligationState{"closed", "closed", "overdue"}},
		{"a good report", []int{1}, chain.Hidden{Entries: 1}, []chain.ObligationState{"closed", "closed", "overdue"}},
		{"a breach", []int{4}, chain.Hidden{Entries: 1, Adverse: 1}, []chain.ObligationState{"closed", "closed", "overdue"}},
		{"all bad news", []int{4, 5}, chain.Hidden{Entries: 2, Adverse: 2}, []chain.ObligationState{"withheld", "closed", "overdue"}},
		{"how a lease began", []int{2}, chain.Hidden{Entries: 1}, []chain.ObligationState{"closed", "closed", "overdue"}},
		{"how a lease ended", []int{8}, chain.Hidden{Entries: 1}, []chain.ObligationState{"closed", "withheld", "overdue"}},
		{"the sale", []int{6}, chain.Hidden{Entries: 1}, []chain.ObligationState{"closed", "closed", "overdue"}},
		{"the beginning", []int{0, 1}, chain.Hidden{Entries: 2}, []chain.ObligationState{"closed", "closed", "overdue"}},
		{"the end: that takes a log", []int{9}, chain.Hidden{}, []chain.ObligationState{"closed", "closed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := chain.NewDisclosed(machine.ID, without(l.entries, tt.hide...)...)
			require.NoError(t, err)
			require.Equal(t, tt.hidden, h.Hidden())
			require.Equal(t, tt.hidden.Entries > 0, h.Class() == chain.C1)
			require.Equal(t, tt.hidden.Entries > 0, h.Head().Partial)
			var states []chain.ObligationState
			for _, o := range h.Obligations(days(100)) {
				states = append(states, o.State)
			}
			require.Equal(t, tt.states, states)
		})
	}

	t.Run("an open obligation", func(t *testing.T) {
		h, err := chain.NewDisclosed(machine.ID, l.entries[0], l.entries[1], l.entries[4])
		require.NoError(t, err)
		require.Equal(t, chain.Hidden{Entries: 2, Open: 2, Overdue: 1}, h.Hidden())
		head := h.Head()
		c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(50)}
		require.ErrorContains(t, head.Append(c, good), "withheld", "who does not know the record cannot count")
	})
}

// What entries withheld may explain is bounded too.
func TestRefusesBehindGaps(t *testing.T) {
	l := year(t)
	forge := func(i int, change func(*chain.Link)) *vc.Verified {
		return signed(t, rewritten(t, l, i, change), lessee, owner)
	}
	replaced := func(i int, v *vc.Verified, hide ...int) []*vc.Verified {
		list := slices.Clone(l.entries)
		list[i] = v
		return without(list, hide...)
	}
	for _, tt := range []struct {
		name  string
		shown []*vc.Verified
		says  string
	}{
		{"more adverse than entries", replaced(5, forge(5, func(l *chain.Link) { l.Totals.Adverse = 4 }), 3, 4), "counts 4 adverse; the entries up to it make 1 to 3"},
		{"fewer adverse than shown", replaced(7, forge(7, func(l *chain.Link) { l.Totals.Adverse = 1 }), 6), "counts 1 adverse; the entries up to it make 2 to 3"},
		{"more open than entries", replaced(7, forge(7, func(l *chain.Link) { l.Totals.Open = 3 }), 6), "counts 3 open; the entries up to it make 0 to 2"},
		{"overdue beyond open", replaced(7, forge(7, func(l *chain.Link) { l.Totals.Overdue = 2 }), 6), "counts 2 overdue"},
		{"closed twice", append(without(l.entries, 1), unchecked(t, l, closing(2, chain.Good))[10]), "closes entry 2, which is not an open obligation"},
		{"closed what is shown to be something else", append(without(l.entries, 1), unchecked(t, l, closing(4, chain.Good))[10]), "closes entry 4, which is not an open obligation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chain.NewDisclosed(machine.ID, tt.shown...)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func TestForkIsEvidence(t *testing.T) {
	l := year(t)
	other := entry(t, l.heads[3], 24, good, shop) // instead of the breach
	after := chain.Head(l.heads[3])
	require.NoError(t, after.Advance(other))
	longer := entry(t, after, 25, good, lessee)
	h, err := chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries), other, longer)...)
	require.NoError(t, err)
	require.Len(t, h.Equivocations(), 1, "what follows on a branch is no fork of its own")
	require.Equal(t, l.head, h.Head(), "the longer branch is gone on with")
	fork := h.Equivocations()[0]
	require.EqualValues(t, 4, fork.Sequence)
	require.Same(t, l.entries[4], fork.Credentials[0])
	require.Same(t, other, fork.Credentials[1])
	require.Equal(t, []did.DID{shop.ID}, fork.SignedBoth())
	require.Len(t, fork.Amends, 1)
	require.False(t, fork.Settled(), "the lessee, whose word on the branch would be lost too, has not agreed")
	short, err := chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries), other)...)
	require.NoError(t, err)
	require.True(t, short.Equivocations()[0].Settled(), "the shop itself amended entry 4")

	evidence, err := json.Marshal(fork)
	require.NoError(t, err)
	got, err := chain.VerifyEquivocation(t.Context(), verifier, evidence)
	require.NoError(t, err)
	require.Equal(t, fork.Error(), got.Error())
	require.Equal(t, h.Chain(), got.Chain)
	require.Equal(t, machine.ID, got.Subject)
	require.Equal(t, []did.DID{shop.ID}, got.SignedBoth())

	again, err := h.Extend(entry(t, l.head, 70, good, shop))
	require.NoError(t, err)
	require.Len(t, again.Equivocations(), 1, "a fork stays")

	framed := entry(t, l.heads[3], 24, bad, stranger)
	h, err = chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries), framed)...)
	require.NoError(t, err)
	require.Empty(t, h.Equivocations()[0].SignedBoth())
	require.False(t, h.Equivocations()[0].Settled(), "the one whose word is left out has not agreed")

	_, err = chain.NewDisclosed(machine.ID, append(slices.Clone(l.entries), signed(t, rewritten(t, l, 4, func(l *chain.Link) { l.Previous = l.Chain }), stranger))...)
	require.ErrorIs(t, err, chain.ErrPrevious, "what follows nothing is no fork")
}

func TestRefusesFalseEvidence(t *testing.T) {
	l := year(t)
	fork := entry(t, l.heads[3], 24, good, shop)
	resigned, err := stranger.AddProof([]byte(l.entries[4].Raw()))
	require.NoError(t, err)
	var other life
	other.t = t
	other.add(1, begin, maker)
	for range 4 {
		other.add(5, good, shop)
	}
	for _, tt := range []struct{ name, a, b, says string }{
		{"the same credential", l.entries[4].Raw(), l.entries[4].Raw(), "one credential"},
		{"the same, signed again", l.entries[4].Raw(), string(resigned), "one credential"},
		{"two sequences", l.entries[4].Raw(), l.entries[5].Raw(), "the other one is entry 4"},
		{"two records", l.entries[4].Raw(), other.entries[4].Raw(), "two records"},
		{"tampered", l.entries[4].Raw(), strings.Replace(fork.Raw(), "good", "breach", 1), "proof does not hold"},
		{"not a credential", l.entries[4].Raw(), "{}", "credential 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := chain.VerifyEquivocation(t.Context(), verifier, []byte(`{"equivocation":[`+tt.a+`,`+tt.b+`]}`))
			require.ErrorContains(t, err, tt.says)
		})
	}
	for _, text := range []string{``, `[]`, `{}`, `{"equivocation":[]}`, `{"equivocation":{}}`, `{"equivocation":[{},{}],"x":1}`} {
		_, err := chain.VerifyEquivocation(t.Context(), verifier, []byte(text))
		require.Error(t, err, text)
	}
}

func TestBackdatingIsReported(t *testing.T) {
	l := year(t)
	late := l.add(50, good, shop)
	l.add(58, good, shop)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, []chain.Backdating{
		{At: chain.At{Sequence: 10, Digest: late.Digest(), Issuer: shop.ID}, By: 10 * 24 * time.Hour},
		{At: chain.At{Sequence: 11, Digest: l.head.Digest, Issuer: shop.ID}, By: 2 * 24 * time.Hour},
	}, h.Backdated(), "against the newest before, not the one just before")
}

func TestIsolatedCredentials(t *testing.T) {
	one := signed(t, &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(2)}, shop)
	two := signed(t, &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(1)}, shop)
	h, err := chain.NewIsolated(machine.ID, one, two, one)
	require.NoError(t, err)
	require.Equal(t, chain.C0, h.Class())
	require.Same(t, two, h.Entries()[0].Credential)
	require.Equal(t, 2, h.Len())
	require.Equal(t, chain.Hidden{}, h.Hidden())

	l := year(t)
	_, err = chain.NewIsolated(machine.ID, l.entries[1])
	require.ErrorContains(t, err, "part of a record")
	_, err = chain.NewIsolated(stranger.ID, one)
	require.ErrorIs(t, err, chain.ErrSubject)
	_, err = chain.New(machine.ID)
	require.Error(t, err)
}

func TestExtendIsNew(t *testing.T) {
	l := year(t)
	h, err := chain.New(machine.ID, l.entries[:4]...)
	require.NoError(t, err)
	before := h.Obligations(days(100))
	longer, err := h.Extend(l.entries[4:]...)
	require.NoError(t, err)
	want, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	require.Equal(t, want, longer)
	require.Equal(t, before, h.Obligations(days(100)), "the shorter one stays as it was")

	_, err = h.Extend(l.entries[6])
	require.ErrorContains(t, err, "entries 4 to 5")
	_, err = h.Extend(entry(t, l.heads[1], 11, good, shop))
	require.ErrorContains(t, err, "two entries 2")
}

func TestHeadSurvivesACrash(t *testing.T) {
	l := year(t)
	kept, err := json.Marshal(l.head)
	require.NoError(t, err)
	require.Less(t, len(kept), 1000)
	var head chain.Head
	require.NoError(t, json.Unmarshal(kept, &head))
	require.Equal(t, l.head, head)

	c := &vc.Credential{Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(70)}
	require.NoError(t, head.Append(c, good))
	require.Equal(t, l.head, head, "Append changes nothing: the entry may never be signed")
	v := signed(t, c, shop)
	require.NoError(t, head.Advance(v))
	after := head
	require.NoError(t, head.Advance(v), "a second time changes nothing")
	require.Equal(t, after, head)

	rival := entry(t, l.head, 71, good, shop)
	require.ErrorIs(t, head.Advance(rival), chain.ErrSequence)
	require.Error(t, head.Advance(entry(t, func() chain.Head { h := head; require.NoError(t, h.Advance(entry(t, h, 72, good, shop))); return h }(), 73, good, shop)))
	require.Equal(t, after, head, "what does not follow changes nothing")
}

func TestHeadRefuses(t *testing.T) {
	l := year(t)
	kept, err := json.Marshal(l.head)
	require.NoError(t, err)
	for _, tt := range []struct{ name, old, new string }{
		{"null", string(kept), "null"},
		{"too long", "{", "{" + strings.Repeat(" ", 64<<10)},
		{"cut short", string(kept), string(kept[:len(kept)-1])},
		{"unknown member", `"chain"`, `"x":1,"chain"`},
		{"no subject", `"subject":"` + machine.ID.String() + `",`, ``},
		{"no owner", `"owner":"` + owner.ID.String() + `",`, ``},
		{"no digest", `"digest":"` + l.head.Digest.String() + `",`, ``},
		{"sequence set back", `"sequence":9`, `"sequence":0`},
		{"entries set back", `"entries":10`, `"entries":9`},
		{"more open than listed", `"open":1`, `"open":2`},
		{"open but not listed", `,"open":[{"sequence":9,`, `,"open":[{"sequence":0,`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Contains(t, string(kept), tt.old)
			var h chain.Head
			require.Error(t, json.Unmarshal([]byte(strings.Replace(string(kept), tt.old, tt.new, 1)), &h))
			require.Equal(t, chain.Head{}, h)
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	l := year(t)
	full := &life{t: t}
	full.add(0, begin, maker)
	for i := range chain.MaxOpen {
		full.head.Open = append(full.head.Open, chain.Pending{Sequence: int64(i), Class: "lease", Due: days(5)})
	}
	dead := l.head
	dead.Retired = true
	when := days(70)
	for _, tt := range []struct {
		name string
		head chain.Head
		c    vc.Credential
		e    chain.Entry
		says string
	}{
		{"no time", l.head, vc.Credential{Subject: machine.ID}, good, "ValidFrom is not set"},
		{"an end", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when, ValidUntil: when.AddDate(1, 0, 0)}, good, "would become a gap"},
		{"another machine", l.head, vc.Credential{Subject: shop.ID, ValidFrom: when}, good, "not about the machine"},
		{"about nobody", chain.Head{}, vc.Credential{ValidFrom: when}, begin, "no subject"},
		{"after the end", dead, vc.Credential{Subject: machine.ID, ValidFrom: when}, good, "retired"},
		{"twice", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when, Members: map[string]any{"record": 1}}, good, "append each credential once"},
		{"no kind", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when}, chain.Entry{}, "none of commission"},
		{"second commission", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when}, begin, "commission"},
		{"begins with a report", chain.Head{}, vc.Credential{Subject: machine.ID, ValidFrom: when}, good, "commission"},
		{"observe without outcome", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when}, chain.Entry{Kind: chain.Observe}, "outcome"},
		{"amends the future", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when}, amend(10), "earlier"},
		{"closes what is closed", l.head, vc.Credential{Subject: machine.ID, ValidFrom: when}, closing(2, chain.Good), "not an open obligation"},
		{"too many open", full.head, vc.Credential{Subject: machine.ID, ValidFrom: when}, lease(99), "close one before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.head
			require.ErrorContains(t, tt.head.Append(&tt.c, tt.e), tt.says)
			require.Equal(t, before, tt.head)
		})
	}
}

func TestRelatedResourceMirrorsTheLink(t *testing.T) {
	l := year(t)
	var related []map[string]string
	own := func(v *vc.Verified) map[string]string {
		_, err := v.Member("relatedResource", &related)
		require.NoError(t, err)
		return related[len(related)-1]
	}
	last := own(l.entries[9])
	require.True(t, strings.HasPrefix(last["id"], "ni:///sha-256;"))
	require.Equal(t, l.entries[8].Digest().String(), last["digestMultibase"])

	c := &vc.Credential{ID: "https://shop.example/17", Subject: machine.ID, Claim: claim{name: "MaintenanceCredential"}, ValidFrom: days(70)}
	photo := map[string]string{"id": "https://shop.example/photo", "digestSRI": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}
	c.Members = map[string]any{"relatedResource": photo}
	mine := c.Members
	require.NoError(t, l.head.Append(c, good))
	require.Len(t, mine, 1, "the caller's map stays the caller's")
	l.enter(signed(t, c, shop))
	require.Equal(t, l.entries[9].Digest().String(), own(l.entries[10])["digestMultibase"])
	require.Equal(t, photo, related[0])
	l.add(71, good, shop)
	require.Equal(t, map[string]string{"id": "https://shop.example/17", "digestMultibase": l.entries[10].Digest().String()}, own(l.entries[11]))
}

func TestHistoryIsImmutable(t *testing.T) {
	l := year(t)
	h, err := chain.New(machine.ID, l.entries...)
	require.NoError(t, err)
	h.Entries()[0] = chain.Item{}
	h.Head().Open[0].Class = "x"
	h.Obligations(birth)[0].Class = "x"
	require.Equal(t, l.head, h.Head())
	require.NotNil(t, h.Entries()[0].Credential)
	require.Equal(t, "lease", h.Obligations(birth)[0].Class)
}
