package reputation

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

func TestNonsensicalPoliciesAreRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*Policy)
		want string
	}{
		{"another scheme", func(p *Policy) { p.Scheme = "hourmeter-score/2" }, `scheme is "hourmeter-score/2"`},
		{"long name", func(p *Policy) { p.Name = strings.Repeat("x", MaxName+1) }, "name is longer"},
		{"too many issuers", func(p *Policy) { p.Issuers = make([]Issuer, MaxIssuers+1) }, "4097 issuers are more than 4096"},
		{"issuer without id", func(p *Policy) { p.Issuers[1].ID = did.DID{} }, "issuers[1]: id is missing"},
		{"issuer twice", func(p *Policy) { p.Issuers[1].ID = p.Issuers[0].ID }, "issuers[1]: did:example:issuer-0 is listed twice"},
		{"certain issuer", func(p *Policy) { p.Issuers[0].Sensitivity = 980_001 }, "issuers[0] (did:example:issuer-0): sensitivityPpm 980001"},
		{"liar", func(p *Policy) { p.Issuers[0].Reliability = Reliability{400_000, 500_000} }, "worse than guessing"},
		{"long log origin", func(p *Policy) { p.Issuers[0].LogOrigin = strings.Repeat("x", MaxName+1) }, "logOrigin"},
		{"controller of nothing", func(p *Policy) { p.Controllers = []Controller{{ID: issuer(9)}} }, "controllers[0] (did:example:issuer-9)"},
		{"controller without id", func(p *Policy) { p.Controllers = []Controller{{Machines: []did.DID{issuer(9)}}} }, "controllers[0]: id is missing"},
		{"controller of an unnamed machine", func(p *Policy) { p.Controllers = []Controller{{ID: issuer(9), Machines: []did.DID{{}}}} }, "none empty"},
		{"too many machines", func(p *Policy) {
			p.Controllers = []Controller{{ID: issuer(9), Machines: make([]did.DID, MaxMachines+1)}}
		}, "more than 65536 machines"},
		{"bad admission", func(p *Policy) { p.Admission = Reliability{} }, "admission"},
		{"bad telemetry", func(p *Policy) { p.Telemetry = Reliability{} }, "telemetry"},
		{"telemetry as a witness", func(p *Policy) { p.Telemetry = Reliability{900_000, 900_000} }, "above 1/4"},
		{"negative weight", func(p *Policy) { p.Weights.Integrity, p.Weights.Provenance = -1, 260_001 }, "weightsPpm.integrity is -1"},
		{"weights that do not add up", func(p *Policy) { p.Weights.Integrity++ }, "weightsPpm add up to 1000001"},
		{"prior of certainty", func(p *Policy) { p.Priors.Availability.Mean = million }, "priors: availability.meanPpm is 1000000"},
		{"prior without strength", func(p *Policy) { p.Priors.Provenance.Strength = 0 }, "priors: provenance.strengthMilli is 0"},
		{"negative failure rate", func(p *Policy) { p.Priors.FailureRate.PerMillionHours = -1 }, "failureRate.perMillionHours"},
		{"failure rate of no hours", func(p *Policy) { p.Priors.FailureRate.Hours = 0 }, "failureRate.hours"},
		{"too many fleets", func(p *Policy) { p.Fleets = make([]Fleet, MaxFleets+1) }, "257 fleets"},
		{"fleet without name", func(p *Policy) { p.Fleets = []Fleet{{Models: []string{"x"}, Priors: p.Priors}} }, "fleets[0]: name"},
		{"fleet without models", func(p *Policy) { p.Fleets = []Fleet{{Name: "x", Priors: p.Priors}} }, "0 models"},
		{"model in two fleets", func(p *Policy) {
			p.Fleets = []Fleet{{Name: "x", Models: []string{"m"}, Priors: p.Priors}, {Name: "y", Models: []string{"m"}, Priors: p.Priors}}
		}, `fleets[1] (y): model "m"`},
		{"fleet without priors", func(p *Policy) { p.Fleets = []Fleet{{Name: "x", Models: []string{"m"}}} }, "fleets[0] (x): priors"},
		{"no time for reports", func(p *Policy) { p.MaxLateDays = 0 }, "maxLateDays is 0"},
		{"loss above the whole", func(p *Policy) { p.LossGivenDefault = 10_001 }, "lossGivenDefaultBps is 10001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := trusting(2)
			test.edit(p)
			require.ErrorContains(t, p.Validate(), test.want)
			_, err := NewScorer(p, nil)
			require.ErrorContains(t, err, test.want, "the scorer refuses it too")
			_, err = p.Digest()
			require.Error(t, err)
		})
	}
}

func TestAPolicyIsNamedByItsCanonicalForm(t *testing.T) {
	p := trusting(2)
	p.Name = "Ä \u2028 é" // what JSON writers escape differently
	text, err := p.JSON()
	require.NoError(t, err)
	canonical, err := jcs.Transform(text)
	require.NoError(t, err)
	require.Equal(t, string(canonical), string(text), "RFC 8785, by another implementation")

	again, err := ParsePolicy(text)
	require.NoError(t, err)
	require.Equal(t, p, again)
	digest, err := again.Digest()
	require.NoError(t, err)
	want, err := p.Digest()
	require.NoError(t, err)
	require.Equal(t, want, digest)

	again.Issuers[0].Root = true
	other, err := again.Digest()
	require.NoError(t, err)
	require.NotEqual(t, want, other)
}

// The default is a constant of this package: whoever scored by it can say so.
func TestTheDefaultPolicyIsPinned(t *testing.T) {
	digest, err := DefaultPolicy().Digest()
	require.NoError(t, err)
	require.Equal(t, defaultPolicyDigest, digest.String())
	perfect := newLadder(DefaultPolicy().Weights.list())
	sum := int64(base)
	for d := range int(dimensions) {
		sum += perfect.share(d, perfect.max)
	}
	require.Equal(t, int64(Max), sum, "a perfect machine has 850 points")
}

const defaultPolicyDigest = "uEiALVOx8zqJnzkjHxvEgif3FcoYpzwiEb1ZnrTY8pPQOqQ"

func FuzzParsePolicy(f *testing.F) {
	for _, p := range []*Policy{DefaultPolicy(), trusting(3)} {
		text, err := p.JSON()
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"scheme":"hourmeter-score/1","issuers":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePolicy(text)
		if err != nil {
			return
		}
		s, err := NewScorer(p, nil)
		require.NoError(t, err, "what parses can be scored by")
		score, err := s.Weigh(Case{Evidence: outcomes(issuer(0), 1, true, today)}, today)
		require.NoError(t, err)
		require.True(t, Min <= score.Points && score.Points <= Max)
		canonical, err := p.JSON()
		require.NoError(t, err)
		again, err := ParsePolicy(canonical)
		require.NoError(t, err)
		digest, _ := p.Digest()
		same, _ := again.Digest()
		require.Equal(t, digest, same)
	})
}

// Score never panics, and keeps its ranges, for any evidence that is valid at all.
func FuzzWeigh(f *testing.F) {
	f.Add(int64(1), uint8(0), uint8(0), uint8(2), int32(today), int64(1000), int64(0), int64(0), int32(today), uint8(4))
	f.Add(int64(2), uint8(2), uint8(4), uint8(0), int32(MaxDay), int64(0), int64(9), int64(1), int32(0), uint8(0))
	f.Add(int64(2), uint8(0), uint8(0), uint8(1), int32(3), int64(MaxExposure), int64(0), int64(MaxExposure), int32(MaxDay), uint8(2))
	s, err := NewScorer(trusting(3), nil)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, n int64, dimension, kind, standing uint8, day int32, good, bad, failures int64, asOf int32, class uint8) {
		c := Case{Completeness: chain.Completeness(class % 5)}
		for i := range int64(3) {
			c.Evidence = append(c.Evidence, Evidence{
				Sequence: n + i, Digest: digestOf(int(n) + int(i)), Issuer: issuer(int(uint64(n+i) % 5)), Day: Day(day) + Day(i*7),
				Dimension: Dimension(dimension), Kind: Kind(kind), Standing: Standing(standing),
				Good: good, Bad: bad, Failures: failures, RepairSeconds: failures / 2,
			})
		}
		score, err := s.Weigh(c, Day(asOf))
		if err != nil {
			return
		}
		require.True(t, Min <= score.Points && score.Points <= Max)
		require.True(t, 0 <= score.LowPpm && score.LowPpm <= million && 0 <= score.MeanPpm && score.MeanPpm <= million)
		require.True(t, 0 <= score.ExpectedLoss && score.ExpectedLoss <= 10_000)
		require.True(t, score.Evidence >= 0 && score.Failures.MTBFSeconds >= 0 && score.Failures.PerMillionHours >= 0)
	})
}

// A Merkle tree hash of RFC 6962 §2.1, by its definition, for up to five leaves.
func TestEvidenceRootIsRFC6962(t *testing.T) {
	c := Case{Model: "LX-4"}
	leaves := []string{`{"model":"LX-4"}`}
	for _, i := range []int{3, 1, 4, 1, 9} { // 1 twice
		e := outcomes(issuer(0), i, i != 3, today)[0]
		c.Evidence = append(c.Evidence, e)
		leaves = append(leaves, canonical(t, e))
	}
	late := outcomes(issuer(0), 77, true, today+1)
	c.Evidence = append(c.Evidence, late...)
	slices.Sort(leaves)
	leaves = slices.Compact(leaves)
	leaf := func(i int) []byte { return hash(append([]byte{0}, leaves[i]...)) }
	node := func(l, r []byte) []byte { return hash(append(append([]byte{1}, l...), r...)) }
	want := node(node(node(leaf(0), leaf(1)), node(leaf(2), leaf(3))), leaf(4))
	got := EvidenceRoot(c, today)
	require.Equal(t, want, got[:])
	score, err := scorerFor(t, trusting(1)).Weigh(c, today)
	require.NoError(t, err)
	require.Equal(t, got, score.EvidenceRoot)
	empty := EvidenceRoot(Case{Evidence: late}, today)
	require.Equal(t, hash(nil), empty[:])
}

// canonical is the RFC 8785 form of e, made the long way.
func canonical(t require.TestingT, e Evidence) string {
	text, err := json.Marshal(e)
	require.NoError(t, err)
	text, err = jcs.Transform(text)
	require.NoError(t, err)
	return string(text)
}

func TestLeavesAreCanonicalJSON(t *testing.T) {
	for _, e := range []Evidence{
		{Digest: digestOf(1)},
		{
			Sequence: maxSequence, Digest: digestOf(2), Issuer: did.MustParse("did:web:example.com%3A80:a_b"), Day: MaxDay, Dimension: Availability,
			Kind: BackDated, Standing: Telemetry, Good: 1, Bad: MaxExposure - 1, Failures: MaxExposure, RepairSeconds: MaxExposure,
		},
	} {
		require.Equal(t, canonical(t, e), string(e.appendCanonical(nil)))
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, e := range drawEvidence(t) {
			require.Equal(t, canonical(t, e), string(e.appendCanonical(nil)))
		}
	})
}

// Whatever can change a score changes the root.
func TestTheRootHoldsAllThatCounts(t *testing.T) {
	original := Evidence{
		Sequence: 1, Digest: digestOf(1), Issuer: issuer(0), Day: today, Dimension: Availability, Standing: Independent,
		Good: 1000, Bad: 1000, Failures: 1, RepairSeconds: 1000,
	}
	seen := map[vc.Digest]bool{EvidenceRoot(Case{Evidence: []Evidence{original}}, today): true}
	for _, edit := range []func(e *Evidence){
		func(e *Evidence) { e.Sequence++ },
		func(e *Evidence) { e.Digest = digestOf(2) },
		func(e *Evidence) { e.Issuer = issuer(1) },
		func(e *Evidence) { e.Day-- },
		func(e *Evidence) { e.Dimension = Maintenance },
		func(e *Evidence) { e.Kind = BackDated },
		func(e *Evidence) { e.Standing = Interested },
		func(e *Evidence) { e.Good++ },
		func(e *Evidence) { e.Bad++ },
		func(e *Evidence) { e.Failures++ },
		func(e *Evidence) { e.RepairSeconds++ },
	} {
		e := original
		edit(&e)
		seen[EvidenceRoot(Case{Evidence: []Evidence{e}}, today)] = true
	}
	seen[EvidenceRoot(Case{Model: "LX-4", Evidence: []Evidence{original}}, today)] = true
	require.Len(t, seen, 1+reflect.TypeFor[Evidence]().NumField()+1)
}

func TestClaimsThatNoScorerComputes(t *testing.T) {
	valid := func() *MachineReputation {
		m := weigh(t, trusting(1), nil).Claim()
		m.Head = &Head{Chain: digestOf(1), Digest: digestOf(2), Sequence: 3}
		return &m
	}
	require.NoError(t, valid().Validate())
	for _, test := range []struct {
		name string
		edit func(*MachineReputation)
		want string
	}{
		{"another scheme", func(m *MachineReputation) { m.Scheme = "x" }, `scheme is "x"`},
		{"no policy", func(m *MachineReputation) { m.Policy = vc.Digest{} }, "policy and evidenceRoot"},
		{"no evidence root", func(m *MachineReputation) { m.EvidenceRoot = vc.Digest{} }, "policy and evidenceRoot"},
		{"half a head", func(m *MachineReputation) { m.Head.Digest = vc.Digest{} }, "head must have"},
		{"negative sequence", func(m *MachineReputation) { m.Head.Sequence = -1 }, "head must have"},
		{"more than the best", func(m *MachineReputation) { m.Points = Max + 1 }, "points is 851"},
		{"more than certain", func(m *MachineReputation) { m.LowPpm = million + 1 }, "lowPpm 1000001"},
		{"negative mean", func(m *MachineReputation) { m.MeanPpm = -1 }, "meanPpm -1"},
		{"negative evidence", func(m *MachineReputation) { m.Evidence = -1 }, "evidence is -1"},
		{"a dimension missing", func(m *MachineReputation) { m.Dimensions = m.Dimensions[1:] }, "4 dimensions"},
		{"a dimension twice", func(m *MachineReputation) { m.Dimensions[1] = m.Dimensions[0] }, "dimensions[1] is availability: want maintenance"},
		{"too many reasons", func(m *MachineReputation) { m.Reasons = make([]Code, MaxReasons+1) }, "15 reasons"},
		{"an unknown reason", func(m *MachineReputation) { m.Reasons[0] = "BAD_LUCK" }, `reason "BAD_LUCK"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := valid()
			test.edit(m)
			require.ErrorContains(t, m.Validate(), test.want)
		})
	}
}

func TestEvidenceThatNoCredentialGives(t *testing.T) {
	valid := outcomes(issuer(0), 1, true, today)[0]
	require.NoError(t, valid.Validate())
	s := scorerFor(t, trusting(1))
	for _, test := range []struct {
		name string
		edit func(*Evidence)
		want string
	}{
		{"negative sequence", func(e *Evidence) { e.Sequence = -1 }, "sequence must lie in 0"},
		{"sequence that JSON does not hold", func(e *Evidence) { e.Sequence = 1 << 53 }, "sequence must lie in 0"},
		{"of no credential", func(e *Evidence) { e.Digest = vc.Digest{} }, "digest of the credential is missing"},
		{"before 1970", func(e *Evidence) { e.Day = -1 }, "day -1 lies outside"},
		{"in the far future", func(e *Evidence) { e.Day = MaxDay + 1 }, "day 65536 lies outside"},
		{"a sixth dimension", func(e *Evidence) { e.Dimension = 5 }, "unknown dimension"},
		{"an unknown kind", func(e *Evidence) { e.Kind = 99 }, "unknown kind"},
		{"an unknown standing", func(e *Evidence) { e.Standing = 3 }, "unknown standing"},
		{"negative exposure", func(e *Evidence) { e.Bad = -1 }, "good 1000 and bad -1"},
		{"exposure of centuries", func(e *Evidence) { e.Good, e.Bad = MaxExposure, 1 }, "exceed 4294967295"},
		{"negative failures", func(e *Evidence) { e.Failures = -1 }, "failures -1"},
		{"a report by nobody", func(e *Evidence) { e.Issuer = did.DID{} }, "needs an issuer"},
		{"a good fact", func(e *Evidence) { e.Kind = Fact }, "only a report can be good"},
		{"countless facts", func(e *Evidence) { e.Kind, e.Good, e.Bad = Fact, 0, MaxCount+1 }, "counts 65537 events"},
		{"a fork of obligations", func(e *Evidence) { e.Kind, e.Good = Fork, 0 }, "a matter of provenance"},
		{"availability that falls due", func(e *Evidence) { e.Kind, e.Good, e.Dimension = Due, 0, Availability }, "fall due"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := valid
			test.edit(&e)
			require.ErrorContains(t, e.Validate(), test.want)
			_, err := s.Weigh(Case{Evidence: []Evidence{e}}, min(max(e.Day, 0), MaxDay))
			if e.Day >= 0 && e.Day <= MaxDay {
				require.ErrorContains(t, err, test.want)
			}
		})
	}
}
