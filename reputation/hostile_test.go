package reputation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
)

// Lives are what was said of machines, by number.
type lives []Case

func (l lives) machine(i int) did.DID { return did.MustParse(fmt.Sprintf("did:example:machine-%d", i)) }

// estimated is the table of the machines in the given order, of which every other one is
// added to a second estimator that is merged.
func (l lives) estimated(t *testing.T, p *Policy, order []int, split bool) *TrustTable {
	e, err := NewEstimator(p, today)
	require.NoError(t, err)
	other, err := NewEstimator(p, today)
	require.NoError(t, err)
	for i, m := range order {
		to := e
		if split && i%2 == 1 {
			to = other
		}
		require.NoError(t, to.Add(l.machine(m), l[m]))
	}
	require.NoError(t, e.Merge(other))
	table, err := e.Table(nil)
	require.NoError(t, err)
	require.NoError(t, table.Validate())
	return table
}

// drawExtreme draws valid evidence, often at the limits of what is.
func drawExtreme(r *rand.Rand, n, issuers int) (list []Evidence) {
	extreme := func(max int64) int64 {
		switch r.IntN(5) {
		case 0:
			return 0
		case 1:
			return min(1, max)
		case 2:
			return max
		case 3:
			return r.Int64N(min(max, 2000) + 1)
		}
		return r.Int64N(max + 1)
	}
	for i := range n {
		e := Evidence{
			Sequence: int64(i), Digest: digestOf(i), Issuer: issuer(r.IntN(issuers)), Day: today - Day(r.IntN(60)),
			Dimension: Dimension(r.IntN(int(dimensions))), Standing: Standing(r.IntN(3)), Kind: Kind(r.IntN(int(kinds))),
		}
		if r.IntN(3) > 0 {
			e.Kind, e.Standing = Report, Independent
		}
		switch e.Kind {
		case Fork, Rival, Tail:
			e.Dimension = Provenance
		case Due, Discharge:
			e.Dimension = Maintenance + Dimension(r.IntN(2))
		}
		if e.Kind.states() {
			e.Good = extreme(MaxExposure)
			e.Bad = extreme(MaxExposure - e.Good)
			e.Failures, e.RepairSeconds = extreme(MaxExposure), extreme(MaxExposure)
		} else {
			e.Bad = extreme(MaxCount)
		}
		list = append(list, e)
	}
	return list
}

// Whatever valid evidence says, a table comes of it, and the same in whatever order.
func TestATableComesOfAnyEvidence(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := trusting(1 + r.IntN(3))
		for i := range p.Issuers {
			p.Issuers[i].Root = true
		}
		for _, prior := range []*Prior{&p.Priors.Availability, &p.Priors.Maintenance, &p.Priors.Obligations} {
			prior.Strength = []int64{1, 2, 1000, MaxStrength}[r.IntN(4)]
			prior.Mean = []int64{1, 500_000, million - 1}[r.IntN(3)]
		}
		all := make(lives, 1+r.IntN(20))
		for m := range all {
			all[m].Evidence = drawExtreme(r, r.IntN(30), 1+r.IntN(8))
		}
		want := all.estimated(t, p, r.Perm(len(all)), false)
		require.Equal(t, want, all.estimated(t, p, r.Perm(len(all)), true), "seed %d", seed)
	}
}
