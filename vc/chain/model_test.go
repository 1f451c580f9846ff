package chain_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A tale is a life told as plainly as possible, for a model to count.
type tale struct {
	day    int
	kind   chain.EntryKind
	class  string
	due    int
	closes int // sequence, of a close
	bad    bool
}

// count counts what happened up to entry i, from the beginning.
func count(tales []tale, i int) chain.Totals {
	totals := chain.Totals{Entries: int64(i) + 1}
	for j, a := range tales[:i+1] {
		if a.bad {
			totals.Adverse++
		}
		if a.kind == chain.Open && !closed(tales[:i+1], j) {
			totals.Open++
			if a.due < tales[i].day {
				totals.Overdue++
			}
		}
	}
	return totals
}

func closed(tales []tale, opened int) bool {
	return slices.ContainsFunc(tales, func(a tale) bool { return a.kind == chain.Close && a.closes == opened })
}

// live draws a random life, in which each event is witnessed by somebody else.
func live(rt *rapid.T, t *testing.T) (*life, []tale) {
	l := &life{t: t}
	l.add(0, begin, maker)
	tales := []tale{{kind: chain.Commission}}
	holder, day := maker, 0
	for i := range rapid.IntRange(1, 16).Draw(rt, "events") {
		day += rapid.IntRange(-2, 9).Draw(rt, "days") // some reports come late
		witness := rapid.SampledFrom([]*vc.Issuer{shop, lessee, stranger, owner}).Draw(rt, "witness")
		outcome := rapid.SampledFrom([]chain.Outcome{chain.Good, chain.Good, chain.Degraded, chain.Breach}).Draw(rt, "outcome")
		a := tale{day: day, kind: rapid.SampledFrom([]chain.EntryKind{
			chain.Open, chain.Open, chain.Close, chain.Close, chain.Observe, chain.Observe, chain.Amend, chain.Transfer, chain.Rotate,
		}).Draw(rt, "kind")}
		var open []int
		for j, b := range tales {
			if b.kind == chain.Open && !closed(tales, j) {
				open = append(open, j)
			}
		}
		if a.kind == chain.Close && len(open) == 0 {
			a.kind = chain.Observe
		}
		e := chain.Entry{Kind: a.kind}
		switch a.kind {
		case chain.Open:
			a.class = rapid.SampledFrom([]string{"lease", "warranty"}).Draw(rt, "class")
			a.due = day + rapid.IntRange(0, 20).Draw(rt, "due")
			e.Class, e.Due = a.class, days(a.due)
			l.add(day, e, stranger, rapid.SampledFrom([]*vc.Issuer{machine, holder}).Draw(rt, "for the machine"))
		case chain.Close:
			a.closes = rapid.SampledFrom(open).Draw(rt, "closes")
			a.bad = outcome != chain.Good
			e.RefersTo, e.Class, e.Outcome = int64(a.closes), tales[a.closes].class, outcome
			l.add(day, e, witness)
		case chain.Observe:
			a.bad = outcome != chain.Good
			e.Outcome = outcome
			l.add(day, e, witness)
		case chain.Amend:
			e.RefersTo = int64(rapid.IntRange(0, i).Draw(rt, "amends"))
			l.add(day, e, witness)
		case chain.Transfer:
			heir := rapid.SampledFrom([]*vc.Issuer{maker, owner, shop}).Draw(rt, "heir")
			signers := slices.Compact([]*vc.Issuer{holder, heir})
			l.enter(entryOf(t, l.head, day, e, transferTo(holder, heir), signers...))
			holder = heir
		case chain.Rotate:
			l.add(day, e, machine)
		}
		tales = append(tales, a)
	}
	return l, tales
}

func TestAnyLifeVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, tales := live(rt, t)
		shown := rapid.Permutation(l.entries).Draw(rt, "order")
		h, err := chain.New(machine.ID, shown...)
		require.NoError(rt, err)
		require.Equal(rt, chain.C2, h.Class())
		require.Equal(rt, l.head, h.Head())
		for i, it := range h.Entries() {
			require.Equal(rt, count(tales, i), it.Link.Totals, "entry %d", i)
		}
		last := len(tales) - 1
		var standing chain.Totals
		for _, o := range h.Obligations(days(tales[last].day)) {
			switch o.State {
			case chain.StateOverdue:
				standing.Overdue++
				standing.Open++
			case chain.StateOpen:
				standing.Open++
			}
		}
		want := count(tales, last)
		require.Equal(rt, chain.Totals{Open: want.Open, Overdue: want.Overdue}, standing)

		cut := rapid.IntRange(1, len(l.entries)).Draw(rt, "cut")
		first, err := chain.New(machine.ID, l.entries[:cut]...)
		require.NoError(rt, err)
		again, err := first.Extend(l.entries[cut:]...)
		require.NoError(rt, err)
		require.Equal(rt, h, again)
	})
}

func TestAnyGapShows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, tales := live(rt, t)
		end := len(tales) - 1 // the newest is shown: that one is missing, only a log knows
		hide := rapid.SliceOfNDistinct(rapid.IntRange(0, end-1), 1, end, rapid.ID[int]).Draw(rt, "hide")
		slices.Sort(hide)
		shown := without(l.entries, hide...)

		var want []chain.GapError
		var adverse int64
		for _, i := range hide {
			if tales[i].bad {
				adverse++
			}
			if n := len(want); n > 0 && want[n-1].To == int64(i)-1 {
				want[n-1].To++
				continue
			}
			want = append(want, chain.GapError{Chain: l.head.Chain, From: int64(i), To: int64(i)})
		}

		_, err := chain.New(machine.ID, shown...)
		require.Error(rt, err)
		var gaps []chain.GapError
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			gap, ok := errors.AsType[*chain.GapError](e)
			require.True(rt, ok, "%v", e)
			gaps = append(gaps, *gap)
		}
		require.Equal(rt, want, gaps)

		h, err := chain.NewDisclosed(machine.ID, rapid.Permutation(shown).Draw(rt, "order")...)
		require.NoError(rt, err)
		require.Equal(rt, chain.C1, h.Class())
		require.Equal(rt, want, h.Gaps())
		hidden := h.Hidden()
		require.EqualValues(rt, len(hide), hidden.Entries)
		require.Equal(rt, adverse, hidden.Adverse)

		// Hiding never makes it look better than it is.
		truth := count(tales, end)
		standing := hidden
		for _, o := range h.Obligations(days(tales[end].day)) {
			switch o.State {
			case chain.StateOverdue:
				standing.Overdue++
				standing.Open++
			case chain.StateOpen:
				standing.Open++
			}
		}
		require.GreaterOrEqual(rt, standing.Open, truth.Open)
		require.GreaterOrEqual(rt, standing.Overdue, truth.Overdue)

		// What was shown is what it was: cut anywhere, an extension is the whole.
		cut := rapid.IntRange(1, len(shown)).Draw(rt, "cut")
		first, err := chain.NewDisclosed(machine.ID, shown[:cut]...)
		require.NoError(rt, err)
		if first.Class() == chain.C1 {
			again, err := first.Extend(shown[cut:]...)
			require.NoError(rt, err)
			require.Equal(rt, h, again)
		}
	})
}

func TestAnyTamperingIsNamed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, tales := live(rt, t)
		i := rapid.IntRange(1, len(tales)-1).Draw(rt, "entry")
		day := tales[i].day
		shown := slices.Clone(l.entries)

		switch rapid.SampledFrom([]string{"fork", "swap", "totals", "previous", "another machine's"}).Draw(rt, "tampering") {
		case "fork":
			rival := entry(t, l.heads[i-1], day, worn, lessee)
			if rival.Digest() == shown[i].Digest() {
				return
			}
			_, err := chain.New(machine.ID, append(shown, rival)...)
			fork := new(chain.Equivocation)
			require.ErrorAs(rt, err, &fork)
			require.EqualValues(rt, i, fork.Sequence)
			h, err := chain.NewDisclosed(machine.ID, append(shown, rival)...)
			require.NoError(rt, err)
			require.Len(rt, h.Equivocations(), 1)
			require.ElementsMatch(rt, []*vc.Verified{rival, shown[i]}, h.Equivocations()[0].Credentials[:])
			evidence, err := h.Equivocations()[0].MarshalJSON()
			require.NoError(rt, err)
			_, err = chain.VerifyEquivocation(t.Context(), verifier, evidence)
			require.NoError(rt, err)

		case "swap": // put another in its place: the next one names the one that was
			if i == len(tales)-1 {
				return
			}
			shown[i] = entry(t, l.heads[i-1], day, worn, stranger)
			if shown[i].Digest() == l.entries[i].Digest() {
				return
			}
			_, err := chain.NewDisclosed(machine.ID, shown...)
			requireLinkError(rt, err, chain.ErrPrevious, l.entries[i+1])

		case "totals":
			change := rapid.SampledFrom([]func(*chain.Totals){
				func(c *chain.Totals) { c.Entries++ }, func(c *chain.Totals) { c.Open++ },
				func(c *chain.Totals) { c.Overdue++ }, func(c *chain.Totals) { c.Adverse++ },
			}).Draw(rt, "change")
			shown[i] = signed(t, rewritten(t, &life{entries: []*vc.Verified{entry(t, l.heads[i-1], day, good, shop)}}, 0,
				func(l *chain.Link) { change(&l.Totals) }), shop)
			_, err := chain.NewDisclosed(machine.ID, shown[:i+1]...)
			wrong := new(chain.TotalsError)
			require.ErrorAs(rt, err, &wrong)
			require.EqualValues(rt, i, wrong.Sequence)
			require.Equal(rt, wrong.Min+1, wrong.Says)
			require.Equal(rt, shop.ID, wrong.Issuer)

		case "previous":
			shown[i] = signed(t, rewritten(t, &life{entries: []*vc.Verified{entry(t, l.heads[i-1], day, good, shop)}}, 0,
				func(l *chain.Link) { l.Previous = vc.Digest{1} }), shop)
			_, err := chain.NewDisclosed(machine.ID, shown[:i+1]...)
			requireLinkError(rt, err, chain.ErrPrevious, shown[i])

		case "another machine's":
			_, err := chain.NewDisclosed(stranger.ID, shown...)
			require.ErrorIs(rt, err, chain.ErrSubject)
		}
	})
}

func requireLinkError(rt *rapid.T, err error, reason error, about *vc.Verified) {
	linked := new(chain.LinkError)
	require.ErrorAs(rt, err, &linked)
	require.ErrorIs(rt, linked, reason)
	require.Equal(rt, about.Digest(), linked.Digest)
	require.Equal(rt, []did.DID{about.Issuer()}, []did.DID{linked.Issuer})
}
