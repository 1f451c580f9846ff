package reputation

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/vc/chain"
)

func explain(t require.TestingT, s *Scorer, c Case) *Explanation {
	e, err := s.ExplainCase(c, today)
	require.NoError(t, err)
	return e
}

// What an explanation says of one credential is what scoring without it says.
func TestExplainingIsScoringWithoutEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		for i := range evidence { // some credentials say several things
			evidence[i].Sequence /= 2
			evidence[i].Digest = digestOf(int(evidence[i].Sequence))
		}
		c := Case{Completeness: chain.C4, Evidence: evidence}
		e := explain(t, s, c)

		level := func(evidence []Evidence) (levels [dimensions]int64) {
			st := fold(t, s, normalize(evidence, today))
			f := fuser{}
			for d, prior := range st.priors.Each.list() {
				levels[d] = s.points.milli(Dimension(d), prior.estimate(st.tally(Dimension(d), today, &f)).low)
			}
			return levels
		}
		whole := level(evidence)
		for d := range dimensions {
			steps := e.Dimensions[d]
			sum := steps.Start + steps.Good + steps.Bad + steps.Overdue + steps.Withheld + steps.Recent
			require.Equal(t, whole[d], sum, "steps of %v lead to its points", d)
			require.Equal(t, e.Score.Dimensions[d].Points, floorDiv(sum, 1000))
		}
		for _, credential := range e.Credentials {
			without := level(slices.DeleteFunc(slices.Clone(evidence), func(e Evidence) bool { return e.Sequence == credential.Sequence }))
			var changes []DimensionalChange
			sum := int64(0)
			for d := range dimensions {
				if change := whole[d] - without[d]; change != 0 {
					changes = append(changes, DimensionalChange{d, change})
					sum += change
				}
			}
			require.ElementsMatch(t, changes, credential.Dimensions)
			require.Equal(t, sum, credential.Points)
		}
	})
}

func TestExplanationsDoNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		want := explain(t, s, Case{Completeness: chain.C2, Evidence: evidence})
		shuffled := slices.Concat(evidence, evidence)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		require.Equal(t, want, explain(t, s, Case{Completeness: chain.C2, Evidence: shuffled}))
		require.Equal(t, want.Text(), explain(t, s, Case{Completeness: chain.C2, Evidence: shuffled}).Text())
	})
}

// Each remedy, done, gives the points that it promises.
func TestRemediesKeepTheirPromise(t *testing.T) {
	p := trusting(2)
	s := scorerFor(t, p)
	due := Evidence{Sequence: 900, Digest: digestOf(900), Day: today - 9, Dimension: Obligations, Kind: Due, Bad: 1}
	c := Case{Completeness: chain.C2, Evidence: append(outcomes(issuer(1), 1, true, weekly(20)...), due)}
	e := explain(t, s, c)
	remedy := func(code Code) Remedy {
		i := slices.IndexFunc(e.Remedies, func(r Remedy) bool { return r.Reason == code })
		require.GreaterOrEqual(t, i, 0, "%v has a remedy among %v", code, e.Remedies)
		return e.Remedies[i]
	}

	overdue := remedy(ObligationsOverdue)
	require.Equal(t, int64(1), overdue.Count)
	closed := due
	closed.Sequence, closed.Digest, closed.Kind = 901, digestOf(901), Discharge
	then, err := s.Weigh(Case{Completeness: chain.C2, Evidence: append(slices.Clone(c.Evidence), closed)}, today)
	require.NoError(t, err)
	require.Equal(t, then.Points, overdue.Points)
	require.Equal(t, then.Points-e.Score.Points, overdue.Added)
	require.Positive(t, overdue.Added)

	service := remedy(MaintenanceUnproven)
	require.Equal(t, today+7, service.AsOf)
	done := outcomes(service.Issuer, 950, true, today, today+7)
	for i := range done {
		done[i].Dimension = Maintenance
	}
	then, err = s.Weigh(Case{Completeness: chain.C2, Evidence: slices.Concat(c.Evidence, done)}, today+7)
	require.NoError(t, err)
	require.Equal(t, then.Points, service.Points)
	idle, err := s.Weigh(c, today+7)
	require.NoError(t, err)
	require.Equal(t, then.Points-idle.Points, service.Added)
}

func TestRemediesOfCapsGapsAndForks(t *testing.T) {
	p := trusting(2)
	sound := Prior{999_000, 1_000_000}
	p.Priors.Each = Each[Prior]{sound, sound, sound, sound, sound}
	s := scorerFor(t, p)
	var praise []Evidence
	for d := range dimensions {
		for i, e := range outcomes(issuer(0), 1000*int(d), true, weekly(60)...) {
			e.Dimension = d
			if d == Availability {
				e.Good = windowSeconds
			}
			praise = append(praise, e)
			e.Sequence, e.Digest, e.Issuer = e.Sequence+500, digestOf(9999+i+1000*int(d)), issuer(1)
			praise = append(praise, e)
		}
	}
	find := func(c Case, code Code) Remedy {
		e := explain(t, s, c)
		i := slices.IndexFunc(e.Remedies, func(r Remedy) bool { return r.Reason == code })
		require.GreaterOrEqual(t, i, 0, "%v among %v", code, e.Score.Reasons)
		require.NotEmpty(t, e.Text())
		return e.Remedies[i]
	}
	for class, code := range map[chain.Completeness]Code{chain.C0: CappedIsolated, chain.C1: CappedGaps} {
		require.Positive(t, find(Case{Completeness: class, Evidence: praise}, code).Added)
	}
	require.Equal(t, int64(CapUnwitnessed), explain(t, s, Case{Completeness: chain.C2, Evidence: praise}).Score.Points)
	require.Positive(t, find(Case{Completeness: chain.C2, Evidence: praise}, CappedUnwitnessed).Added)
	gap := Evidence{Sequence: 9, Digest: digestOf(77), Day: today - 3, Dimension: Provenance, Kind: Fact, Bad: 3}
	hidden := gap
	hidden.Kind, hidden.Dimension = Hidden, Obligations
	missing := find(Case{Completeness: chain.C1, Evidence: append(slices.Clone(praise), gap, hidden)}, EntriesMissing)
	require.Equal(t, int64(3), missing.Count)
	require.Positive(t, missing.Added)
	fork := gap
	fork.Kind, fork.Bad = Fork, 1
	require.Greater(t, find(Case{Completeness: chain.C4, Evidence: append(slices.Clone(praise), fork)}, Equivocation).Added, int64(200))
}

// With nobody to trust, no word would help.
func TestNoRemedyWithoutAnIssuer(t *testing.T) {
	e := explain(t, scorerFor(t, DefaultPolicy()), Case{Completeness: chain.C4})
	require.Empty(t, e.Remedies)
	text, err := json.Marshal(e)
	require.NoError(t, err)
	require.Contains(t, string(text), `"remedies":[]`)
	require.Contains(t, string(text), `"credentials":[]`)
}

// long is a record of so many entries over ten years.
func long(n int) (evidence []Evidence) {
	for i := range n {
		for _, d := range []Dimension{Dimension(i % 4), Provenance} {
			evidence = append(evidence, Evidence{
				Sequence: int64(i), Digest: digestOf(i), Issuer: issuer(i % 8), Day: today - Day(i*3650/n),
				Dimension: d, Standing: Independent, Good: 900, Bad: 100,
			})
		}
	}
	return evidence
}

func BenchmarkExplain(b *testing.B) {
	s := scorerFor(b, trusting(8))
	for _, size := range []struct {
		name string
		n    int
	}{{"200", 200}, {"10000", 10_000}} {
		b.Run(size.name, func(b *testing.B) {
			c := Case{Completeness: chain.C4, Evidence: long(size.n)}
			b.ReportAllocs()
			for b.Loop() {
				explain(b, s, c)
			}
		})
	}
}

// Integrity is its last state, so that one window decides what others count. Whoever adds
// key bindings to his record does not make it dear to explain.
func TestExplainingManyKeyBindingsTakesNoLonger(t *testing.T) {
	c := Case{Completeness: chain.C4}
	for i := range 4000 {
		c.Evidence = append(c.Evidence, Evidence{
			Sequence: int64(i), Digest: digestOf(i), Issuer: issuer(0), Day: today - Day(i), Dimension: Integrity, Good: 500, Bad: 500,
		})
	}
	s := scorerFor(t, trusting(1))
	took := func(d Dimension) time.Duration {
		for i := range c.Evidence {
			c.Evidence[i].Dimension = d
		}
		began := time.Now()
		explain(t, s, c)
		return time.Since(began)
	}
	usual := min(took(Obligations), took(Obligations), took(Obligations))
	require.Less(t, min(took(Integrity), took(Integrity)), 5*usual)
}
