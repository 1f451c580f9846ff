package reputation

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	oldest := []int{60, 3000, int(today)}[r.IntN(3)]
	for i := range n {
		e := Evidence{
			Sequence: int64(i), Digest: digestOf(i), Issuer: issuer(r.IntN(issuers)), Day: today - Day(r.IntN(oldest)),
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

// Names cost nothing, and they can speak beside each other as often as they like. They do
// not push those out of a table whom the policy lists.
func TestAFloodOfNamesLeavesRoomForWhomThePolicyLists(t *testing.T) {
	p := trusting(2)
	p.Issuers[0].Root = true
	p.Issuers[1].Reliability = Reliability{900_000, 900_000}
	listed := p.Issuers[1].ID

	e, err := NewEstimator(p, today)
	require.NoError(t, err)
	said := func(by did.DID, week int, good int64) Evidence {
		return Evidence{Issuer: by, Day: today - Day(7*week), Dimension: Obligations, Standing: Independent, Good: good, Bad: fullEvent - good}
	}
	for machine := range 4 {
		var c Case
		add := func(v Evidence) {
			v.Sequence, v.Digest = int64(len(c.Evidence)), digestOf(len(c.Evidence))
			c.Evidence = append(c.Evidence, v)
		}
		for week := range 4 {
			good := int64(machine%2) * fullEvent
			add(said(p.Issuers[0].ID, week, good))
			if week == 0 {
				add(said(listed, week, good))
			}
			for i := range MaxTrusted + 10 {
				add(said(sybil(i), week, good))
			}
		}
		require.NoError(t, e.Add(lives{}.machine(machine), c))
	}
	table, err := e.Table(nil)
	require.NoError(t, err)
	require.Len(t, table.Issuers, MaxTrusted)
	require.True(t, slices.ContainsFunc(table.Issuers, func(i IssuerTrust) bool { return i.ID == listed }))
}

// A root is believed, or it is no root: no table takes its word away anywhere.
func TestNoFactionHoldsARoot(t *testing.T) {
	p := trusting(2)
	p.Issuers[0].Root = true
	digest, err := p.Digest()
	require.NoError(t, err)
	table := &TrustTable{
		Scheme: TrustScheme, Policy: digest, Observations: digest, AsOf: today,
		Issuers:  []IssuerTrust{{ID: p.Issuers[1].ID, Reliability: Reliability{900_000, 900_000}}},
		Factions: []Faction{{Issuers: []did.DID{p.Issuers[1].ID}, Machines: []did.DID{lives{}.machine(0)}}},
	}
	_, err = NewScorer(p, table)
	require.NoError(t, err)
	table.Factions[0].Issuers[0] = p.Issuers[0].ID
	_, err = NewScorer(p, table)
	require.ErrorContains(t, err, "has no influence by this table")
}

// Trust that was earned by half a year of honest reports is not there to be spent.
func TestWhoTurnsIsNotBelievedForLong(t *testing.T) {
	p := trusting(1)
	p.Issuers[0].Root = true
	table := func(honestWeeks int) *TrustTable {
		e, err := NewEstimator(p, today)
		require.NoError(t, err)
		for machine := range 20 {
			var c Case
			for week := range 30 {
				kept := (machine*7+week*3)%4 > 0
				for i := range 6 { // the root, two who stay honest, and three who turn
					by, good := sybil(i), kept
					if i == 0 {
						by = p.Issuers[0].ID
					} else if i > 2 && week >= honestWeeks {
						good = machine%2 == 0 // their client, or a rival's
					}
					v := Evidence{Sequence: int64(len(c.Evidence)), Digest: digestOf(len(c.Evidence)), Issuer: by, Day: today - Day(7*(29-week)),
						Dimension: Obligations, Standing: Independent, Bad: fullEvent}
					if good {
						v.Good, v.Bad = fullEvent, 0
					}
					c.Evidence = append(c.Evidence, v)
				}
			}
			require.NoError(t, e.Add(lives{}.machine(machine), c))
		}
		table, err := e.Table(nil)
		require.NoError(t, err)
		return table
	}
	names := func(table *TrustTable) (list []did.DID) {
		for _, i := range table.Issuers {
			list = append(list, i.ID)
		}
		return list
	}
	honest := []did.DID{sybil(1), sybil(2)}
	require.Equal(t, []did.DID{sybil(1), sybil(2), sybil(3), sybil(4), sybil(5)}, names(table(30)))
	require.Equal(t, honest, names(table(22)), "eight weeks after they turn")
}
