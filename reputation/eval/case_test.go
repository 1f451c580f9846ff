package eval

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// party makes somebody with a key of their own.
func party(t *testing.T, name string) *vc.Issuer {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return start.Time().AddDate(1, 0, 0) }}
}

// The simulator does not flatter: the evidence that it makes up is what the same life gives
// when it is written with real keys, verified, and read by [reputation.Scorer.Case].
func TestSimulatedCasesAreThoseOfSignedRecords(t *testing.T) {
	w := World{
		Issuers: 12, Roots: 2, Machines: 20, Windows: 8, BadPercent: 50, KeptGood: 95, KeptBadLow: 40, KeptBadHigh: 60,
		AccuracyLow: 90, AccuracyHigh: 99, Regulars: 6, Reports: 150,
	}
	s, err := w.Simulate(Attack{Colluding: 20, Volume: 2, Hiding: 80, Whitewash: 20}, 7)
	require.NoError(t, err)
	builder := party(t, "maker")
	issuers := make([]*vc.Issuer, len(s.Issuers))
	for i := range issuers {
		issuers[i] = party(t, s.Issuers[i].ID.String())
		s.Issuers[i].ID = issuers[i].ID
	}
	withheld := 0
	// Once as the estimator sees it, who knows roots only, and once as the scorer does.
	table, err := View{s, w.Windows}.truth()
	require.NoError(t, err)
	first, err := reputation.NewScorer(s.Policy(), nil)
	require.NoError(t, err)
	second, err := reputation.NewScorer(s.Policy(), table)
	require.NoError(t, err)
	require.NotEqual(t, s.roots(), s.known(table))
	for i := range s.Machines {
		m := &s.Machines[i]
		if m.Discarded {
			continue // its record ends when it is given up: see below
		}
		m.ID = party(t, m.ID.String()).ID
		h, hidden := signed(t, s, i, builder, issuers)
		withheld += hidden

		for _, as := range []struct {
			scorer *reputation.Scorer
			known  []bool
		}{{first, s.roots()}, {second, s.known(table)}} {
			want := s.Case(i, w.Windows, as.known)
			for i := range want.Evidence {
				if want.Evidence[i].Issuer == maker() {
					want.Evidence[i].Issuer = builder.ID
				}
			}
			got := as.scorer.Case(h)
			require.Equal(t, inOrder(want.Evidence), inOrder(got.Evidence), "machine %d", i)
			// No log has seen these, so that the best of them are C2.
			require.Equal(t, want.Completeness == chain.C1, got.Completeness == chain.C1, "machine %d: %v", i, got.Completeness)
		}
	}
	require.Greater(t, withheld, 20, "the test is about hiding, too")
}

// signed writes and verifies the record of machine i, and leaves out what it withholds.
func signed(t *testing.T, s *Simulation, i int, maker *vc.Issuer, issuers []*vc.Issuer) (h *chain.History, withheld int) {
	m := &s.Machines[i]
	head := chain.Head{}
	var shown []*vc.Verified
	verifier := vc.Verifier{Now: maker.Now}
	enter := func(hidden bool, at time.Time, claim vc.Claim, entry chain.Entry, signers ...*vc.Issuer) *vc.Verified {
		c := &vc.Credential{Subject: m.ID, Claim: claim, ValidFrom: at}
		require.NoError(t, head.Append(c, entry))
		raw, err := signers[0].Issue(c)
		require.NoError(t, err)
		for _, signer := range signers[1:] {
			raw, err = signer.AddProof(raw)
			require.NoError(t, err)
		}
		v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		require.NoError(t, head.Advance(v))
		if hidden {
			withheld++
		} else {
			shown = append(shown, v)
		}
		return v
	}

	born := (start + 7*reputation.Day(m.born)).Time()
	nameplate := record.Commissioning{Time: born, Model: "LX-4", Serial: "7"} // what an inspector reads off says nothing to scores
	enter(false, born, nameplate, chain.Entry{Kind: chain.Commission}, maker)
	for _, r := range m.Ratings {
		begin, end := r.slot()
		by := issuers[r.Issuer]
		terms := record.Lease{Terms: record.Terms{Lessor: maker.ID, Lessee: by.ID, Start: begin, End: end}}
		opened := head.Totals.Entries
		lease := enter(r.Hidden, begin, terms, chain.Entry{Kind: chain.Open, Due: end, Class: "lease"}, by, maker)
		outcome := chain.Breach
		if r.Kept {
			outcome = chain.Good
		}
		enter(r.Hidden, end, record.LeaseOutcome{Return: record.Return{Lease: lease.Digest().String(), Returned: end, OnTime: true, Condition: record.ConditionGood}},
			chain.Entry{Kind: chain.Close, RefersTo: opened, Class: "lease", Outcome: outcome}, by)
	}
	root := issuers[i%s.World.Roots]
	enter(false, s.AsOf(s.World.Windows).Time().Add(23*time.Hour), nameplate, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, root)
	h, err := chain.NewDisclosed(m.ID, shown...)
	require.NoError(t, err)
	return h, withheld
}

// inOrder sorts evidence, without the digests, which the simulator makes up.
func inOrder(evidence []reputation.Evidence) []reputation.Evidence {
	evidence = slices.Clone(evidence)
	for i := range evidence {
		evidence[i].Digest = vc.Digest{}
	}
	slices.SortStableFunc(evidence, func(a, b reputation.Evidence) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Kind, b.Kind))
	})
	return evidence
}
