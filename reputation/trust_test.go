package reputation_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
)

// A town has machines, of which every third is bad, and issuers who report on them. It is
// small and its numbers are fixed, so that a test can say what has to come out; package
// eval has the large ones.
type town struct {
	policy   *reputation.Policy
	asOf     reputation.Day
	rng      *rand.Rand
	bad      []bool   // by machine
	state    [][]bool // by machine and week: whether it kept its obligations
	evidence [][]reputation.Evidence
}

const (
	townMachines = 120
	townWeeks    = 30
)

func newTown(roots int) *town {
	w := &town{policy: reputation.DefaultPolicy(), asOf: 20_779, rng: rand.New(rand.NewPCG(7, 7))}
	for i := range roots {
		w.policy.Issuers = append(w.policy.Issuers, reputation.Issuer{
			ID: root(i), Root: true, Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000},
		})
	}
	w.evidence = make([][]reputation.Evidence, townMachines)
	for m := range townMachines {
		w.bad = append(w.bad, m%3 == 0)
		weeks := make([]bool, townWeeks)
		for i := range weeks {
			weeks[i] = !w.bad[m] || w.rng.IntN(100) < 60
		}
		w.state = append(w.state, weeks)
	}
	for i := range roots {
		w.honest(root(i), 5)
	}
	return w
}

func issuer(kind string, i int) did.DID {
	return did.MustParse(fmt.Sprintf("did:example:%s-%d", kind, i))
}
func root(i int) did.DID    { return issuer("root", i) }
func machine(m int) did.DID { return issuer("machine", m) }

// say adds a report by an issuer about a week of a machine.
func (w *town) say(id did.DID, m, week int, good bool) {
	e := reputation.Evidence{
		Sequence: int64(len(w.evidence[m])), Digest: sha256.Sum256(fmt.Append(nil, m, len(w.evidence[m]))), Issuer: id,
		Day: w.asOf - reputation.Day(7*(townWeeks-1-week)), Dimension: reputation.Obligations, Standing: reputation.Independent,
	}
	if good {
		e.Good = 1000
	} else {
		e.Bad = 1000
	}
	w.evidence[m] = append(w.evidence[m], e)
}

// speak lets an issuer report on about one in so many weeks of all machines.
func (w *town) speak(id did.DID, one int, says func(m int, kept bool) bool) {
	for m := range w.state {
		for week, kept := range w.state[m] {
			if w.rng.IntN(one) == 0 {
				w.say(id, m, week, says(m, kept))
			}
		}
	}
}

// honest lets an issuer speak that is right 19 times in 20.
func (w *town) honest(id did.DID, one int) {
	w.speak(id, one, func(_ int, kept bool) bool { return kept != (w.rng.IntN(20) == 0) })
}

func (w *town) estimator(t require.TestingT) *reputation.Estimator {
	e, err := reputation.NewEstimator(w.policy, w.asOf)
	require.NoError(t, err)
	return e
}

func (w *town) table(t require.TestingT) *reputation.TrustTable {
	e := w.estimator(t)
	for m := range w.evidence {
		require.NoError(t, e.Add(machine(m), reputation.Case{Evidence: w.evidence[m]}))
	}
	table, err := e.Table(nil)
	require.NoError(t, err)
	return table
}

// influence is sensitivity + specificity - 1 in percent, 0 of one that is not listed.
func influence(table *reputation.TrustTable, id did.DID) int64 {
	for _, v := range table.Issuers {
		if v.ID == id {
			return (v.Sensitivity + v.Specificity - 1_000_000) / 10_000
		}
	}
	return 0
}

func TestWhoAgreesWithTheRootsIsBelieved(t *testing.T) {
	w := newTown(3)
	w.honest(issuer("honest", 0), 4)
	w.speak(issuer("careless", 0), 4, func(_ int, kept bool) bool { return kept != (w.rng.IntN(5) == 0) })
	table := w.table(t)
	require.Greater(t, influence(table, issuer("honest", 0)), int64(80), "right 19 times in 20")
	require.InDelta(t, 60, influence(table, issuer("careless", 0)), 12, "right 4 times in 5")
	require.Len(t, table.Issuers, 2, "roots are the policy's affair")
	require.Empty(t, table.Factions)
}

// Believing the opposite of a liar would only teach liars to tell the truth about their enemies.
func TestALiarIsSilencedAndNeverInverted(t *testing.T) {
	w := newTown(3)
	liar := issuer("liar", 0)
	w.speak(liar, 2, func(_ int, kept bool) bool { return !kept })
	table := w.table(t)
	require.Zero(t, influence(table, liar))
	scorer, err := reputation.NewScorer(w.policy, table)
	require.NoError(t, err)
	for m := range 6 {
		with := reputation.Case{Evidence: w.evidence[m]}
		without := reputation.Case{Evidence: slices.DeleteFunc(slices.Clone(with.Evidence), func(e reputation.Evidence) bool { return e.Issuer == liar })}
		a, err := scorer.Weigh(with, w.asOf)
		require.NoError(t, err)
		b, err := scorer.Weigh(without, w.asOf)
		require.NoError(t, err)
		require.Equal(t, b.LowPpm, a.LowPpm, "what a liar says counts neither way")
	}
}

func TestStrangersHaveNoSay(t *testing.T) {
	w := newTown(2)
	// They report on machines that no trusted issuer has seen, and are right.
	for m := range w.evidence[:40] {
		w.evidence[m] = nil
		for week, kept := range w.state[m] {
			w.say(issuer("stranger", m%4), m, week, kept)
		}
	}
	table := w.table(t)
	require.Empty(t, table.Issuers)
}

func TestACliqueThatPraisesItselfStaysSilent(t *testing.T) {
	w := newTown(3)
	w.honest(issuer("honest", 0), 4)
	for i := range 30 { // ten for each that is trusted, and each in nearly every week
		w.speak(issuer("clique", i), 2, func(m int, _ bool) bool { return w.bad[m] })
	}
	table := w.table(t)
	for i := range 30 {
		require.Zero(t, influence(table, issuer("clique", i)))
	}
	require.Greater(t, influence(table, issuer("honest", 0)), int64(75), "and honest issuers are found among them")
}

// One that always says good is right about every good machine.
func TestPraiseOfEverythingProvesNothing(t *testing.T) {
	w := newTown(3)
	w.speak(issuer("flatterer", 0), 2, func(int, bool) bool { return true })
	require.Less(t, influence(w.table(t), issuer("flatterer", 0)), int64(8))
}

func TestVolumeDoesNotHelp(t *testing.T) {
	w := newTown(3)
	w.honest(issuer("honest", 0), 4)
	w.speak(issuer("half", 0), 4, func(m int, kept bool) bool { return kept || w.bad[m] && w.rng.IntN(2) == 0 })
	want := w.table(t)
	for m := range w.evidence {
		for _, e := range slices.Clone(w.evidence[m]) {
			if e.Issuer == issuer("half", 0) {
				for range 20 { // the same thing of the same week, in twenty credentials
					e.Sequence = int64(len(w.evidence[m]))
					e.Digest = sha256.Sum256(fmt.Append(nil, m, len(w.evidence[m])))
					w.evidence[m] = append(w.evidence[m], e)
				}
			}
		}
	}
	require.Equal(t, want.Issuers, w.table(t).Issuers)
}

// An issuer with a hundred names that bear each other out, under one controller, is one.
func TestNamesOfOneControllerDoNotBearEachOtherOut(t *testing.T) {
	w := newTown(1)
	for i := range 20 {
		w.policy.Issuers = append(w.policy.Issuers, reputation.Issuer{
			ID: issuer("name", i), Controller: issuer("holding", 0), Reliability: reputation.Reliability{Sensitivity: 500_000, Specificity: 500_000},
		})
	}
	// On machines that the root does not see they say what they like, together.
	for m := range 60 {
		w.evidence[m] = nil
		for week := range townWeeks {
			for i := range 20 {
				w.say(issuer("name", i), m, week, w.bad[m])
			}
		}
	}
	for _, v := range w.table(t).Issuers {
		require.Zero(t, v.Windows, v.ID)
	}
}

// Whoever has machines to throw away could else make honest issuers look like liars.
func TestTheMachinesSideIsNotHeard(t *testing.T) {
	w := newTown(3)
	w.honest(issuer("honest", 0), 4)
	want := w.table(t)
	for m := range w.evidence {
		for week := range townWeeks {
			w.say(machine(m), m, week, false)
			w.evidence[m][len(w.evidence[m])-1].Standing = reputation.Interested
		}
	}
	require.Equal(t, want.Issuers, w.table(t).Issuers)
}

// Hiding what is bad must not make those who praise look right.
func TestHidingDoesNotMakeFlatterersRight(t *testing.T) {
	w := newTown(3)
	w.honest(issuer("honest", 0), 4)
	w.speak(issuer("flatterer", 0), 2, func(m int, kept bool) bool { return kept || w.bad[m] })
	for m := range w.evidence {
		hidden := int64(0)
		w.evidence[m] = slices.DeleteFunc(w.evidence[m], func(e reputation.Evidence) bool {
			if w.bad[m] && e.Bad > 0 && w.rng.IntN(5) > 0 {
				hidden++
				return true
			}
			return false
		})
		if hidden > 0 {
			w.say(did.DID{}, m, townWeeks-1, false)
			last := &w.evidence[m][len(w.evidence[m])-1]
			last.Kind, last.Bad, last.Standing = reputation.Fact, hidden, reputation.Interested
		}
	}
	table := w.table(t)
	require.Less(t, influence(table, issuer("flatterer", 0)), int64(15))
	require.Greater(t, influence(table, issuer("honest", 0)), int64(60))
}

// Sleepers are honest about all machines but those of their clients, and more than all others.
func TestSleepersAreNotHeardAboutTheirClients(t *testing.T) {
	w := newTown(3)
	client := func(m int) bool { return m%6 == 0 } // half of the bad ones
	for i := range 6 {
		w.honest(issuer("honest", i), 6)
	}
	for i := range 12 {
		w.speak(issuer("sleeper", i), 4, func(m int, kept bool) bool { return client(m) || kept != (w.rng.IntN(20) == 0) })
	}
	table := w.table(t)
	require.NotEmpty(t, table.Factions)
	f := table.Factions[0]
	for _, id := range f.Issuers {
		require.Contains(t, id.String(), "sleeper")
	}
	require.GreaterOrEqual(t, len(f.Issuers), 10)
	found := 0
	for _, id := range f.Machines {
		var m int
		_, err := fmt.Sscanf(id.String(), "did:example:machine-%d", &m)
		require.NoError(t, err)
		if client(m) {
			found++
		}
	}
	require.GreaterOrEqual(t, found, 16, "of 20 clients")
	require.LessOrEqual(t, len(f.Machines)-found, 3, "machines that are no clients")

	scorer, err := reputation.NewScorer(w.policy, table)
	require.NoError(t, err)
	require.False(t, scorer.Hears(f.Issuers[0], f.Machines[0]))
	require.True(t, scorer.Hears(root(0), f.Machines[0]))
	require.True(t, scorer.Hears(f.Issuers[0], machine(1)))
	var m int
	_, err = fmt.Sscanf(f.Machines[0].String(), "did:example:machine-%d", &m)
	require.NoError(t, err)
	c := reputation.Case{Evidence: w.evidence[m]}
	deaf, err := scorer.Weigh(c, w.asOf)
	require.NoError(t, err)
	heeding, err := scorer.Weigh(scorer.Heed(f.Machines[0], c), w.asOf)
	require.NoError(t, err)
	require.Less(t, heeding.LowPpm, deaf.LowPpm)
}

// Nobody lives for ever on having been honest once.
func TestWhatIsLongAgoWeighsLess(t *testing.T) {
	w := newTown(3)
	w.honest(issuer("honest", 0), 3)
	now := influence(w.table(t), issuer("honest", 0))
	w.asOf += 7 * 200
	then := influence(w.table(t), issuer("honest", 0))
	require.Positive(t, then)
	require.Less(t, then, now)
}

func TestOrderDoesNotMatter(t *testing.T) {
	w := newTown(3)
	w.policy.Issuers = append(w.policy.Issuers, reputation.Issuer{
		ID: issuer("honest", 1), Controller: issuer("honest", 2), Reliability: reputation.Reliability{Sensitivity: 700_000, Specificity: 700_000},
	})
	for i := range 6 {
		w.honest(issuer("honest", i), 6)
	}
	for i := range 12 {
		w.speak(issuer("sleeper", i), 5, func(m int, kept bool) bool { return m%6 == 0 || kept })
	}
	for m := range w.evidence { // some weeks that are good in part
		for i := range w.evidence[m] {
			if e := &w.evidence[m][i]; i%7 == 0 && m%2 == 0 {
				e.Dimension, e.Good, e.Bad = reputation.Availability, 604_800-int64(m)*3000, int64(m)*3000
			}
		}
	}
	accredit := []reputation.Accreditation{
		{From: root(0), To: issuer("honest", 7), Start: w.asOf.Time(), Until: w.asOf.Time(), Depth: 1},
		{From: issuer("honest", 7), To: issuer("honest", 8), Start: w.asOf.Time(), Until: w.asOf.Time()},
		{From: root(1), To: issuer("honest", 0), Start: w.asOf.Time(), Until: w.asOf.Time()},
	}
	digest := func(t require.TestingT, e *reputation.Estimator) vc.Digest {
		table, err := e.Table(nil)
		require.NoError(t, err)
		d, err := table.Digest()
		require.NoError(t, err)
		return d
	}
	all := w.estimator(t)
	for m := range w.evidence {
		require.NoError(t, all.Add(machine(m), reputation.Case{Evidence: w.evidence[m]}))
	}
	for _, a := range accredit {
		require.NoError(t, all.Accredit(a))
	}
	want := digest(t, all)
	require.Equal(t, want, digest(t, all), "estimating leaves nothing behind")

	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		parts := make([]*reputation.Estimator, 1+seed%4)
		for i := range parts {
			parts[i] = w.estimator(t)
		}
		pick := func() *reputation.Estimator { return parts[rng.IntN(len(parts))] }
		for _, m := range rng.Perm(len(w.evidence)) {
			evidence := slices.Clone(w.evidence[m])
			rng.Shuffle(len(evidence), func(i, j int) { evidence[i], evidence[j] = evidence[j], evidence[i] })
			require.NoError(t, pick().Add(machine(m), reputation.Case{Evidence: evidence}))
		}
		for _, i := range rng.Perm(len(accredit)) {
			require.NoError(t, pick().Accredit(accredit[i]))
			require.NoError(t, pick().Accredit(accredit[i]), "twice is once")
		}
		for _, p := range parts[1:] {
			require.NoError(t, parts[0].Merge(p))
		}
		require.Equal(t, all.Root(), parts[0].Root())
		require.Equal(t, want, digest(t, parts[0]))
	}
}

func TestAccreditationsLendInfluence(t *testing.T) {
	w := newTown(2)
	from, to := w.asOf.Time().AddDate(-1, 0, 0), w.asOf.Time().AddDate(1, 0, 0)
	e := w.estimator(t)
	for _, a := range []reputation.Accreditation{
		{From: root(0), To: issuer("direct", 0), Start: from, Until: to, Depth: 1},
		{From: issuer("direct", 0), To: issuer("second", 0), Start: from, Until: to, Depth: 5},
		{From: issuer("second", 0), To: issuer("third", 0), Start: from, Until: to},
		{From: root(1), To: issuer("expired", 0), Start: from, Until: from.AddDate(0, 1, 0)},
		{From: root(1), To: issuer("early", 0), Start: to, Until: to},
		{From: issuer("stranger", 0), To: issuer("stranger", 1), Start: from, Until: to, Depth: 9},
	} {
		require.NoError(t, e.Accredit(a))
	}
	for i := range 100 {
		require.NoError(t, e.Accredit(reputation.Accreditation{From: root(1), To: issuer("one-of-many", i), Start: from, Until: to}))
	}
	table, err := e.Table(nil)
	require.NoError(t, err)
	direct, second := influence(table, issuer("direct", 0)), influence(table, issuer("second", 0))
	require.Greater(t, direct, int64(30))
	require.LessOrEqual(t, direct, int64(50), "half of a root's at most")
	require.Positive(t, second)
	for _, nobody := range []did.DID{issuer("expired", 0), issuer("early", 0), issuer("stranger", 1), issuer("one-of-many", 0)} {
		require.Zero(t, influence(table, nobody), nobody)
	}
	require.Zero(t, influence(table, issuer("third", 0)), "the root allowed one link")
}

func TestAnEstimatorRefuses(t *testing.T) {
	w := newTown(1)
	e := w.estimator(t)
	require.NoError(t, e.Add(machine(0), reputation.Case{Evidence: w.evidence[0]}))
	require.ErrorContains(t, e.Add(machine(0), reputation.Case{}), "once")
	require.Error(t, e.Add(did.DID{}, reputation.Case{}))
	require.Error(t, e.Add(machine(1), reputation.Case{Evidence: []reputation.Evidence{{}}}))
	require.Error(t, e.Accredit(reputation.Accreditation{From: root(0)}))
	require.Error(t, e.Accredit(reputation.Accreditation{From: root(0), To: root(1), Depth: -1}))
	require.ErrorContains(t, e.Merge(e), "both estimators have")
	later, err := reputation.NewEstimator(w.policy, w.asOf+1)
	require.NoError(t, err)
	require.ErrorContains(t, e.Merge(later), "do not merge")
	_, err = reputation.NewEstimator(reputation.DefaultPolicy(), w.asOf)
	require.ErrorContains(t, err, "root")
	_, err = reputation.NewEstimator(w.policy, -1)
	require.Error(t, err)

	first, err := e.Table(nil)
	require.NoError(t, err)
	_, err = e.Table(first)
	require.ErrorContains(t, err, "a day before")
	second, err := later.Table(first)
	require.NoError(t, err)
	digest, err := first.Digest()
	require.NoError(t, err)
	require.Equal(t, digest, second.Previous)
}

func TestWithATableOnlyRootsAndItsIssuersSpeak(t *testing.T) {
	w := newTown(1)
	w.policy.Issuers = append(w.policy.Issuers, reputation.Issuer{
		ID: issuer("listed", 0), Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000},
	})
	digest, err := w.policy.Digest()
	require.NoError(t, err)
	table := &reputation.TrustTable{
		Scheme: reputation.TrustScheme, Policy: digest, Observations: digest, AsOf: w.asOf,
		Issuers: []reputation.IssuerTrust{{ID: issuer("found", 0), Reliability: reputation.Reliability{Sensitivity: 900_000, Specificity: 900_000}}},
	}
	scorer, err := reputation.NewScorer(w.policy, table)
	require.NoError(t, err)
	named, err := table.Digest()
	require.NoError(t, err)
	require.Equal(t, named, scorer.TrustTable())
	evidence := func(id did.DID) reputation.Case {
		w.evidence[0] = nil
		for week := range townWeeks {
			w.say(id, 0, week, false)
		}
		return reputation.Case{Evidence: w.evidence[0]}
	}
	nothing, err := scorer.Weigh(reputation.Case{}, w.asOf)
	require.NoError(t, err)
	require.Equal(t, named, nothing.TrustTable)
	for id, speaks := range map[did.DID]bool{root(0): true, issuer("found", 0): true, issuer("listed", 0): false, issuer("other", 0): false} {
		s, err := scorer.Weigh(evidence(id), w.asOf)
		require.NoError(t, err)
		require.Equal(t, speaks, s.LowPpm < nothing.LowPpm, id)
	}

	other := *table
	other.Policy = named
	_, err = reputation.NewScorer(w.policy, &other)
	require.ErrorContains(t, err, "under policy")
	other = *table
	other.Issuers = []reputation.IssuerTrust{{ID: root(0), Reliability: reputation.Reliability{Sensitivity: 900_000, Specificity: 900_000}}}
	_, err = reputation.NewScorer(w.policy, &other)
	require.ErrorContains(t, err, "root")
	_, err = reputation.NewScorer(w.policy, new(reputation.TrustTable))
	require.ErrorContains(t, err, "scheme")
}

func TestATrustTableIsReadStrictly(t *testing.T) {
	w := newTown(2)
	w.honest(issuer("honest", 0), 4)
	w.honest(issuer("honest", 1), 4)
	good := w.table(t)
	text, err := good.JSON()
	require.NoError(t, err)
	again, err := reputation.ParseTrustTable(text)
	require.NoError(t, err)
	require.Equal(t, good, again)

	for _, tt := range []struct{ name, old, new, want string }{
		{"another scheme", `"scheme":"hourmeter-trust/1"`, `"scheme":"hourmeter-trust/2"`, "scheme"},
		{"no policy", `"policy":`, `"previous":`, "policy"},
		{"an unknown member", `{"asOf"`, `{"by":"me","asOf"`, "by"},
		{"a member twice", `{"asOf"`, `{"scheme":"hourmeter-trust/1","asOf"`, "scheme"},
		{"a fraction", `"capPpm":0`, `"capPpm":0.5`, "capPpm"},
		{"a negative cap", `"capPpm":0`, `"capPpm":-1`, "capPpm"},
		{"one issuer twice", `honest-1`, `honest-0`, "does not follow"},
		{"not sorted", `honest-0`, `honest-2`, "does not follow"},
		{"too reliable", `"sensitivityPpm":9`, `"sensitivityPpm":99`, "sensitivityPpm"},
		{"a day that is none", good.AsOf.String(), "2026-13-01", "day"},
		{"an empty faction", `"issuers":[`, `"factions":[{"members":[],"machines":[]}],"issuers":[`, "factions"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(string(text), tt.old, tt.new, 1)
			require.NotEqual(t, string(text), changed)
			_, err := reputation.ParseTrustTable([]byte(changed))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestEstimatorsSignOneTable(t *testing.T) {
	w := newTown(2)
	w.honest(issuer("honest", 0), 4)
	table := w.table(t)
	alice, bob, carol, mallory := somebody("alice"), somebody("bob"), somebody("carol"), somebody("mallory")
	named := []did.DID{alice.ID, bob.ID, carol.ID}
	verifier := vc.Verifier{Now: func() time.Time { return now }}
	verify := func(text []byte) *vc.Verified {
		v, err := verifier.Verify(context.Background(), text, vc.AnyIssuer)
		require.NoError(t, err)
		return v
	}
	credential := func(by *vc.Issuer, table *reputation.TrustTable) []byte {
		return must(by.Issue(table.Credential(issuer("network", 0), now)))
	}
	one := credential(alice, table)
	set := verify(must(bob.AddProof(one)))

	got, err := reputation.CheckTrust(2, named, set)
	require.NoError(t, err)
	require.Equal(t, table, got)
	got, err = reputation.CheckTrust(3, named, set, verify(credential(carol, table)))
	require.NoError(t, err)
	require.Equal(t, table, got)

	_, err = reputation.CheckTrust(3, named, set, verify(credential(alice, table)))
	require.ErrorContains(t, err, "2 of the named estimators", "who signs twice counts once")
	_, err = reputation.CheckTrust(3, named, set, verify(credential(mallory, table)))
	require.ErrorContains(t, err, "2 of the named estimators", "who is not named counts nothing")
	other := *table
	other.Issuers = nil
	_, err = reputation.CheckTrust(1, named, set, verify(credential(carol, &other)))
	require.ErrorContains(t, err, "did not estimate from the same")
	_, err = reputation.CheckTrust(0, named, set)
	require.Error(t, err)
	_, err = reputation.CheckTrust(1, named)
	require.Error(t, err)
}

func FuzzParseTrustTable(f *testing.F) {
	w := newTown(1)
	w.honest(issuer("honest", 0), 4)
	table := w.table(f)
	table.Factions = []reputation.Faction{{Issuers: []did.DID{issuer("honest", 0)}, Machines: []did.DID{machine(0)}}}
	text, err := table.JSON()
	require.NoError(f, err)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := reputation.ParseTrustTable(text)
		if err != nil {
			return
		}
		once, err := table.JSON()
		require.NoError(t, err)
		again, err := reputation.ParseTrustTable(once)
		require.NoError(t, err)
		twice, err := again.JSON()
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}
