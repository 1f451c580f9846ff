package reputation

import (
	"github.com/hourmeter/hourmeter/vc/chain"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
)

// drawEvidence draws any valid evidence of the last two years: witnesses that the policy of
// trusting(6) lists and others, every kind but forks.
func drawEvidence(t *rapid.T) []Evidence {
	sequence := int64(0)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Evidence {
		sequence++
		e := Evidence{
			Sequence:  sequence,
			Digest:    digestOf(int(sequence)),
			Issuer:    issuer(rapid.IntRange(0, 8).Draw(t, "issuer")),
			Day:       today - Day(rapid.IntRange(0, 700).Draw(t, "age")),
			Dimension: Dimension(rapid.IntRange(0, 4).Draw(t, "dimension")),
			Standing:  Standing(rapid.SampledFrom([]int{0, 1, 2, 2, 2, 2, 2, 2}).Draw(t, "standing")),
			Kind:      rapid.SampledFrom([]Kind{Report, Report, Report, Report, Report, Fact, Hidden, Due, Discharge, BackDated}).Draw(t, "kind"),
		}
		full := int64(1000)
		if e.Dimension == Availability {
			full = 604_800
		}
		switch e.Kind {
		case Report, BackDated:
			e.Good = rapid.Int64Range(0, full).Draw(t, "good")
			e.Bad = rapid.SampledFrom([]int64{0, full - e.Good, full / 7}).Draw(t, "bad")
		case Due, Discharge:
			e.Dimension = Obligations
			fallthrough
		default:
			e.Bad = 1
		}
		return e
	}), 0, 80).Draw(t, "evidence")
}

// drawPolicy draws a policy whose issuers are anything from useless to nearly perfect, some of
// them in one hand.
func drawPolicy(t *rapid.T) *Policy {
	p := trusting(6)
	for i := range p.Issuers {
		p.Issuers[i].Sensitivity = rapid.Int64Range(500_000, 980_000).Draw(t, "sensitivity")
		p.Issuers[i].Specificity = rapid.Int64Range(500_000, 980_000).Draw(t, "specificity")
		if rapid.IntRange(0, 3).Draw(t, "hand") == 0 {
			p.Issuers[i].Controller = did.MustParse("did:example:holding")
		}
	}
	each := []*Prior{&p.Priors.Availability, &p.Priors.Maintenance, &p.Priors.Obligations, &p.Priors.Integrity, &p.Priors.Provenance}
	for _, prior := range each {
		prior.Mean = rapid.Int64Range(1, million-1).Draw(t, "mean")
		prior.Strength = rapid.Int64Range(1, 20_000).Draw(t, "strength")
	}
	return p
}

func scorerFor(t require.TestingT, p *Policy) *Scorer {
	s, err := NewScorer(p, nil)
	require.NoError(t, err)
	return s
}

func fold(t require.TestingT, s *Scorer, evidence []Evidence) *State {
	st := s.State("")
	st.Completeness = chain.C4
	for i := range evidence {
		e, err := s.Event(&evidence[i])
		require.NoError(t, err)
		require.NoError(t, st.Fold(e))
	}
	return st
}

func TestOrderAndPartitionDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		want, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today)
		require.NoError(t, err)

		shuffled := slices.Clone(evidence)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		got, err := s.Weigh(Case{Completeness: chain.C4, Evidence: slices.Concat(shuffled, evidence)}, today)
		require.NoError(t, err)
		require.Equal(t, want, got, "permuted, and everything twice")

		cut := rapid.IntRange(0, len(shuffled)).Draw(t, "cut")
		one, other := fold(t, s, shuffled[:cut]), fold(t, s, shuffled[cut:])
		require.NoError(t, one.Merge(other))
		got, err = one.Score(today)
		require.NoError(t, err)
		got.EvidenceRoot = want.EvidenceRoot // a State keeps no digests
		require.Equal(t, want, got, "split and merged")
	})
}

// rounding is by how much floor rounding may break a rule of monotony, in parts per million.
const rounding = 1

func TestMoreGoodEvidenceNeverLowersTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		before, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today)
		require.NoError(t, err)
		e := drawReport(t, len(evidence))
		e.Good, e.Bad = e.Good+e.Bad, 0
		after, err := s.Weigh(Case{Completeness: chain.C4, Evidence: append(evidence, e)}, today)
		require.NoError(t, err)
		for d := range before.Dimensions {
			require.LessOrEqual(t, before.Dimensions[d].LowPpm, after.Dimensions[d].LowPpm+rounding)
		}
		require.LessOrEqual(t, before.LowPpm, after.LowPpm+rounding)
		require.LessOrEqual(t, before.Points, after.Points)
	})
}

func TestMoreBadEvidenceNeverRaisesTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		before, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today)
		require.NoError(t, err)
		e := drawReport(t, len(evidence))
		e.Good, e.Bad = 0, e.Good+e.Bad
		if rapid.IntRange(0, 4).Draw(t, "hidden") == 0 {
			e.Kind, e.Bad = Hidden, 1
		}
		after, err := s.Weigh(Case{Completeness: chain.C4, Evidence: append(evidence, e)}, today)
		require.NoError(t, err)
		for d := range before.Dimensions {
			require.GreaterOrEqual(t, before.Dimensions[d].LowPpm+rounding, after.Dimensions[d].LowPpm)
		}
		require.GreaterOrEqual(t, before.LowPpm+rounding, after.LowPpm)
		require.GreaterOrEqual(t, before.Points, after.Points)
	})
}

func drawReport(t *rapid.T, sequence int) Evidence {
	return Evidence{
		Sequence: int64(sequence) + 1, Digest: digestOf(sequence + 1),
		Issuer:    issuer(rapid.IntRange(0, 8).Draw(t, "new issuer")),
		Day:       today - Day(rapid.IntRange(0, 700).Draw(t, "new age")),
		Dimension: Dimension(rapid.IntRange(0, 4).Draw(t, "new dimension")),
		Standing:  Standing(rapid.IntRange(0, 2).Draw(t, "new standing")),
		Good:      rapid.Int64Range(0, 604_800).Draw(t, "new good"),
		Bad:       rapid.Int64Range(0, 604_800).Draw(t, "new bad"),
	}
}

func TestUnknownIssuersChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		evidence := drawEvidence(t)
		before, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today)
		require.NoError(t, err)
		for i := range rapid.IntRange(1, 50).Draw(t, "crowd") {
			e := drawReport(t, len(evidence))
			e.Issuer, e.Standing = sybil(i), Independent
			evidence = append(evidence, e)
		}
		after, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today)
		require.NoError(t, err)
		after.EvidenceRoot = before.EvidenceRoot
		if n := len(after.Reasons); n > len(before.Reasons) {
			i := slices.IndexFunc(after.Reasons, func(r Reason) bool { return r.Code == UntrustedIssuers })
			require.Equal(t, Reason{UntrustedIssuers, 0, UntrustedIssuers.Text()}, after.Reasons[i])
			after.Reasons = slices.Delete(after.Reasons, i, i+1)
		}
		require.Equal(t, before, after)
	})
}

func TestEveryPointIsAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		c := Case{Completeness: chain.Completeness(rapid.IntRange(0, 4).Draw(t, "class")), Evidence: drawEvidence(t)}
		score, err := s.Weigh(c, today)
		require.NoError(t, err)
		require.True(t, Min <= score.Points && score.Points <= Max)
		require.Len(t, score.Dimensions, 5)
		sum, lost := int64(600), int64(0)
		for _, d := range score.Dimensions {
			sum += d.Points
			lost += d.Lost
			require.GreaterOrEqual(t, d.Lost, int64(0))
		}
		require.Equal(t, int64(Max), sum+lost, "what the dimensions add and what they lost make 850")
		limit, _ := limitFor(c.Completeness, 0)
		require.Equal(t, min(sum, limit), score.Points)
		require.LessOrEqual(t, len(score.Reasons), MaxReasons)
		require.True(t, slices.IsSortedFunc(score.Reasons, func(a, b Reason) int { return int(b.Lost - a.Lost) }))
		for _, r := range score.Reasons {
			require.NotEmpty(t, r.Text)
		}
		// Points and bound say the same: 600 + 40·(log2 odds - log2 20).
		implied := base + floorDiv((log2odds(min(max(q32(score.LowPpm), 1), one-1))-s.points.base)*double, one)
		require.InDelta(t, score.Points, implied, 6)
	})
}

// Independent groups add up; members of a group do not.
func TestOneControllerOrLogCountsAsItsStrongest(t *testing.T) {
	apart, together := trusting(4), trusting(4)
	together.Issuers[1].Controller = issuer(0) // a controller is in its own group
	together.Issuers[2].LogOrigin = "log.example"
	together.Issuers[1].LogOrigin = "log.example" // joins 2 to 0 and 1
	lone, chorus := outcomes(issuer(0), 0, true, today), []Evidence(nil)
	for i := range 3 {
		chorus = append(chorus, outcomes(issuer(i), i, true, today)...)
	}
	low := func(p *Policy, evidence []Evidence) int64 {
		return weigh(t, p, evidence).Dimensions[Obligations].LowPpm
	}
	require.Greater(t, low(apart, chorus), low(apart, lone))
	require.Equal(t, low(together, lone), low(together, chorus))

	// Of two equally strong voices in one hand, the adverse one counts.
	split := append(outcomes(issuer(0), 0, true, today), outcomes(issuer(1), 1, false, today)...)
	require.Equal(t, low(together, outcomes(issuer(1), 1, false, today)), low(together, split))
}

func TestStandingCapsTheWitness(t *testing.T) {
	p := trusting(1)
	low := func(from did.DID, standing Standing, good bool) int64 {
		e := outcomes(from, 0, good, today)
		e[0].Standing = standing
		return weigh(t, p, e).Dimensions[Obligations].LowPpm
	}
	prior := weigh(t, p, nil).Dimensions[Obligations].LowPpm
	machine := did.MustParse("did:example:machine")
	require.Equal(t, prior, low(machine, Interested, true), "praise of oneself counts nothing")
	require.Equal(t, prior, low(issuer(0), Interested, true), "not even by a known issuer")
	require.Less(t, low(machine, Interested, false), prior, "blame of oneself counts")
	require.Equal(t, low(issuer(0), Independent, false), low(machine, Interested, false), "as much as the policy's admission")
	require.Greater(t, low(machine, Telemetry, true), prior)
	require.Less(t, low(machine, Telemetry, true), low(issuer(0), Independent, true))

	s := scorerFor(t, p)
	require.InDelta(t, one/4, s.voices[s.telemetry].aloneGood, 4, "an influence of 1/4 is a certainty of 1/4")
	p.Telemetry.Sensitivity++
	_, err := NewScorer(p, nil)
	require.ErrorContains(t, err, "not its own witness")
}

func TestHidingIsWorseThanShowing(t *testing.T) {
	p := trusting(2)
	good := outcomes(issuer(0), 100, true, weekly(30)...)
	bad := outcomes(issuer(1), 200, false, today-70, today-49, today-21)
	hidden := Evidence{Sequence: 300, Digest: digestOf(300), Day: today - 14, Dimension: Obligations, Kind: Hidden, Bad: 3}
	shown, withheld := weigh(t, p, slices.Concat(good, bad)), weigh(t, p, append(slices.Clone(good), hidden))
	require.Less(t, withheld.LowPpm, shown.LowPpm)
	require.Equal(t, weigh(t, p, good).MeanPpm, withheld.MeanPpm, "the mean leaves hidden entries out")

	revealed := hidden
	revealed.Kind = Fact
	require.Less(t, weigh(t, p, append(slices.Clone(good), revealed)).MeanPpm, withheld.MeanPpm, "unless totals reveal that they are adverse")
}

func TestObligationsFallDueTheDayAfter(t *testing.T) {
	s := scorerFor(t, trusting(1))
	due := Evidence{Sequence: 1, Digest: digestOf(1), Day: today, Dimension: Obligations, Kind: Due, Bad: 1}
	discharge := due
	discharge.Sequence, discharge.Digest, discharge.Kind = 2, digestOf(2), Discharge
	low := func(asOf Day, evidence ...Evidence) int64 {
		score, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, asOf)
		require.NoError(t, err)
		return score.LowPpm
	}
	require.Equal(t, low(today), low(today, due), "not overdue on the day itself")
	require.Less(t, low(today+1, due), low(today+1))
	require.Equal(t, low(today+1), low(today+1, due, discharge))
	require.Equal(t, low(today+1), low(today+1, discharge), "a discharge of nothing earns nothing")
	score, err := s.Weigh(Case{Completeness: chain.C4, Evidence: []Evidence{due}}, today+1)
	require.NoError(t, err)
	require.Equal(t, ObligationsOverdue, score.Reasons[0].Code)
}

func TestAForkVoidsTheScore(t *testing.T) {
	evidence := append(outcomes(issuer(0), 0, true, weekly(40)...),
		Evidence{Sequence: 7, Digest: digestOf(1000), Day: today - 3, Dimension: Provenance, Kind: Fork, Bad: 1})
	score := weigh(t, trusting(1), evidence)
	require.Equal(t, int64(CapEquivocation), score.Points)
	require.Zero(t, score.LowPpm)
	require.Equal(t, DefaultPolicy().LossGivenDefault, score.ExpectedLoss, "the whole loss is expected")
	require.Equal(t, Equivocation, score.Reasons[0].Code)
}

func TestCapsByCompleteness(t *testing.T) {
	var evidence []Evidence
	for d := range dimensions {
		for i, e := range outcomes(issuer(int(d)%3), 1000*int(d), true, weekly(100)...) {
			e.Dimension, e.Day = Dimension(d), today-Day(7*i)
			if d == Availability {
				e.Good = 604_800
			}
			evidence = append(evidence, e)
		}
	}
	p := trusting(3)
	for i := range p.Issuers {
		p.Issuers[i].Reliability = Reliability{maxReliability, maxReliability}
	}
	for _, prior := range []*Prior{&p.Priors.Availability, &p.Priors.Maintenance, &p.Priors.Obligations, &p.Priors.Integrity, &p.Priors.Provenance} {
		*prior = Prior{Mean: 999_900, Strength: 1_000_000}
	}
	s := scorerFor(t, p)
	for class, want := range map[chain.Completeness]int64{chain.C0: 500, chain.C1: 580, chain.C2: 680, chain.C3: 0, chain.C4: 0} {
		score, err := s.Weigh(Case{Completeness: class, Evidence: evidence}, today)
		require.NoError(t, err)
		if want == 0 {
			require.Greater(t, score.Points, int64(680))
			continue
		}
		require.Equal(t, want, score.Points)
		require.Equal(t, Code("CAPPED_"+class.String()), score.Reasons[0].Code)
		require.InDelta(t, ppm(probability(s.points.odds(want))), score.LowPpm, 0, "the bound is capped with the points")
	}
}

func TestIntegrityIsItsLastState(t *testing.T) {
	p := trusting(2)
	at := func(from int, good bool, day Day) Evidence {
		e := outcomes(issuer(from), int(day), good, day)[0]
		e.Dimension = Integrity
		return e
	}
	low := func(evidence ...Evidence) int64 { return weigh(t, p, evidence).Dimensions[Integrity].LowPpm }
	lost := at(0, false, today-50)
	require.Equal(t, low(lost), low(lost, at(0, true, today-100), at(1, true, today-300)), "what was before it was lost says nothing")
	require.Greater(t, low(lost, at(1, true, today)), low(lost))
}

func TestMeanTimesBetweenFailures(t *testing.T) {
	up := Evidence{Sequence: 1, Digest: digestOf(1), Issuer: issuer(0), Day: today, Dimension: Availability, Standing: Independent,
		Good: 3_600_000, Bad: 7200, Failures: 4, RepairSeconds: 7200}
	ignored := up
	ignored.Sequence, ignored.Digest, ignored.Issuer = 2, digestOf(2), sybil(1)
	f := weigh(t, trusting(1), []Evidence{up, ignored}).Failures
	// Prior: 500 in a million hours, seen over 2,000 hours, so one failure; and 4 more in 1,000 hours.
	require.Equal(t, Failures{Count: 4, UpSeconds: 3_600_000, MTBFSeconds: 900_000, MTTRSeconds: 1800, PerMillionHours: 1666}, f)
}

// A report counts in the one week in which its period ends, so a long one must not drown what
// the same witness says of that week.
func TestAnAnnualReportDoesNotDrownAnOutage(t *testing.T) {
	p := trusting(1)
	at := func(n int, day Day, good, bad int64) Evidence {
		return Evidence{Sequence: int64(n), Digest: digestOf(n), Issuer: issuer(0), Day: day, Dimension: Availability, Standing: Independent, Good: good, Bad: bad}
	}
	const year = 365 * 86_400
	for _, down := range []int64{604_800, 300_000, 1000} {
		outage, annual := at(1, today, 604_800-down, down), at(2, today, year, 0)
		before, after := weigh(t, p, []Evidence{outage}), weigh(t, p, []Evidence{outage, annual})
		require.Equal(t, before.Dimensions, after.Dimensions)
		require.Equal(t, int64(year+604_800-down), after.Failures.UpSeconds, "the statistics of failures keep all seconds")
	}
	// Alone it is one week of evidence, up for the same share of it, rounded down.
	require.Equal(t, weigh(t, p, []Evidence{at(1, today, 604_800, 0)}).Dimensions, weigh(t, p, []Evidence{at(1, today, year, 0)}).Dimensions)
	require.Equal(t, weigh(t, p, []Evidence{at(1, today, 604_799, 1)}).Dimensions, weigh(t, p, []Evidence{at(1, today, year-1, 1)}).Dimensions)

	// So is an admission: a year's down time is not that of one week.
	annual, week := at(1, today, 9*year/10, year/10), at(1, today, 604_800*9/10, 604_800/10)
	annual.Standing, week.Standing = Interested, Interested
	require.Equal(t, weigh(t, p, []Evidence{week}).Dimensions, weigh(t, p, []Evidence{annual}).Dimensions)
}

func TestTriflingServicesDoNotOutweighAFailure(t *testing.T) {
	p := trusting(2)
	services := func(from, n int) (list []Evidence) {
		for _, e := range outcomes(issuer(from), 100*from, true, slices.Repeat([]Day{today}, n)...) {
			e.Dimension = Maintenance
			list = append(list, e)
		}
		return list
	}
	failure := outcomes(issuer(0), 999, false, today)
	failure[0].Dimension = Maintenance
	one := weigh(t, p, append(failure, services(0, 1)...))
	require.Equal(t, one.Dimensions, weigh(t, p, append(failure, services(0, 100)...)).Dimensions)
	require.Less(t, one.LowPpm, weigh(t, p, nil).LowPpm)
	require.Less(t, weigh(t, p, failure).LowPpm, one.LowPpm, "a service is better than none")
	require.Equal(t, weigh(t, p, services(0, 1)).Dimensions, weigh(t, p, services(0, 100)).Dimensions)
}

func TestBackDatedReportsWeighNothing(t *testing.T) {
	evidence := outcomes(issuer(0), 0, false, today)
	evidence[0].Kind = BackDated
	require.Equal(t, weigh(t, trusting(1), nil).Points, weigh(t, trusting(1), evidence).Points)
}

// Nothing overflows: the largest exposures and counts there are, folded again and again.
func TestSumsDoNotOverflow(t *testing.T) {
	s := scorerFor(t, trusting(3))
	st := s.State("")
	var events []Event
	for i := range 60_000 {
		e := Evidence{
			Sequence: int64(i), Digest: digestOf(1), Issuer: issuer(i % 3), Day: today - Day(i/10), Standing: Independent,
			Dimension: Dimension(i % 5), Good: MaxExposure, Failures: MaxExposure, RepairSeconds: MaxExposure,
		}
		if i%4 != 0 {
			e.Good, e.Bad, e.Dimension, e.Kind = 0, MaxCount, Obligations, []Kind{Fact, Hidden, Due}[i%4-1]
		}
		event, err := s.Event(&e)
		require.NoError(t, err)
		events = append(events, event)
	}
	for range 20 {
		require.NoError(t, st.Fold(events...))
	}
	score, err := st.Score(today)
	require.NoError(t, err)
	require.Greater(t, score.Dimensions[Availability].LowPpm, int64(900_000))
	require.Less(t, score.Dimensions[Obligations].MeanPpm, int64(100))

	st.events = MaxEvents - 1
	require.NoError(t, st.Fold(events[0]))
	require.ErrorContains(t, st.Fold(events[0]), "1 events more")
	require.NoError(t, s.State("").Merge(st), "it fits exactly")
	require.ErrorContains(t, st.Merge(fold(t, s, outcomes(issuer(0), 1, true, today))), "1 events more")
}

func TestAStateIsReadForwardOnly(t *testing.T) {
	st := fold(t, scorerFor(t, trusting(1)), outcomes(issuer(0), 1, true, today))
	_, err := st.Score(today - 1)
	require.ErrorContains(t, err, "cannot be read as of 2026-11-21")
	_, err = st.Score(-1)
	require.ErrorContains(t, err, "outside 1970-01-01")
	_, err = st.Score(MaxDay + 1)
	require.ErrorContains(t, err, "outside 1970-01-01")
	require.ErrorContains(t, st.Merge(scorerFor(t, trusting(2)).State("")), "do not merge")
}

// Invariant 6 of docs/ARCHITECTURE.md: scores are made of integers. One float, and two machines differ.
func TestNoFloatsInThePackage(t *testing.T) {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	files := 0
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		files++
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Empty(t, floats(t, name, source))
	}
	require.Greater(t, files, 5)

	for _, broken := range []string{
		"package p\nimport \"math\"\nvar x = math.Pi",
		"package p\nimport m \"math/cmplx\"\nvar x = m.Inf()",
		"package p\nvar x float64",
		"package p\nvar x = float32(1)",
		"package p\nvar x = 1.5",
		"package p\nvar x = 1e9",
		"package p\nvar x complex128",
		"package p\nvar x = 2i",
	} {
		require.NotEmpty(t, floats(t, "broken.go", []byte(broken)), broken)
	}
}

func floats(t *testing.T, name string, source []byte) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, source, 0)
	require.NoError(t, err)
	report := func(n ast.Node, what string) { found = append(found, set.Position(n.Pos()).String()+": "+what) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			if path := strings.Trim(n.Path.Value, `"`); path == "math" || strings.HasPrefix(path, "math/") && path != "math/bits" {
				report(n, path)
			}
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				report(n, n.Value)
			}
		case *ast.Ident:
			switch n.Name {
			case "float64", "float32", "complex64", "complex128":
				report(n, n.Name)
			}
		}
		return true
	})
	return found
}

// The bound itself, at the places where the plain formula would reward bad news: weak
// knowledge, strong priors. More bad never raises it, more good never lowers it.
func TestBoundIsMonotone(t *testing.T) {
	bad := Prior{Mean: 500_000, Strength: 8_000}
	before, after := bad.bound(0, 0), bad.bound(0, one)
	require.Greater(t, after, before, "the plain formula rewards the first failure")
	require.Equal(t, before, bad.estimate(tally{sums: sums{bad: one}}).low, "the estimate does not")

	rapid.Check(t, func(t *rapid.T) {
		p := Prior{Mean: rapid.Int64Range(1, million-1).Draw(t, "mean"), Strength: rapid.Int64Range(1, MaxStrength).Draw(t, "strength")}
		amount := func(name string) uint64 { // from a unit of the last place to a thousand windows
			return rapid.Uint64Range(0, 1<<rapid.IntRange(0, 42).Draw(t, name+" size")).Draw(t, name)
		}
		// What is recent is a part of all, and no more than ten windows are.
		e := tally{sums: sums{good: amount("good"), bad: amount("bad"), hidden: amount("hidden")}}
		part := func(all uint64, name string) uint64 { return rapid.Uint64Range(0, min(all, 10*one)).Draw(t, name) }
		e.recent = sums{good: part(e.good, "recent good"), bad: part(e.bad, "recent bad"), hidden: part(e.hidden, "recent hidden")}
		worse, hiding, better := e, e, e
		more := func(to, recent *uint64, name string) {
			n := amount("more " + name)
			*to += n
			*recent += part(n, "more recent "+name)
		}
		more(&worse.bad, &worse.recent.bad, "bad")
		more(&hiding.hidden, &hiding.recent.hidden, "hidden")
		more(&better.good, &better.recent.good, "good")
		// Where the mean is almost one, a last place of it is many of the deviation.
		const units = 1 << 12 // of 2^-32: a millionth
		was := p.estimate(e)
		for _, other := range []tally{worse, hiding} {
			is := p.estimate(other)
			require.LessOrEqual(t, is.low, was.low+units)
			require.LessOrEqual(t, is.mean, was.mean+units)
		}
		is := p.estimate(better)
		require.GreaterOrEqual(t, is.low+units, was.low)
		require.GreaterOrEqual(t, is.mean+units, was.mean)
	})
}

// The number of an issuer takes no part in what it speaks about.
func TestTheLastOfManyIssuersCountsLikeTheFirst(t *testing.T) {
	p := trusting(MaxIssuers)
	want := weigh(t, p, outcomes(issuer(0), 1, false, weekly(5)...)).Dimensions
	for _, i := range []int{50, 51, 52, 60, 255, 256, 1000, MaxIssuers - 1} {
		require.Equal(t, want, weigh(t, p, outcomes(issuer(i), 1, false, weekly(5)...)).Dimensions, "issuer %d", i)
	}
}
