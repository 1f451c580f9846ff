package reputation_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

func handover(at time.Time, from, to *vc.Issuer) record.OwnershipTransfer {
	return record.OwnershipTransfer{Time: at, OwningParty: record.OwningParty{Source: from.ID, Destination: to.ID}}
}

func incident(at time.Time, category record.IncidentCategory) record.Incident {
	return record.Incident{Event: record.Event{Category: category, SeverityPermille: 1000, Detected: at}}
}

// The owner of record is whom package chain says, however many sign the transfer.
func TestASignatureMoreDoesNotHideTheBuyer(t *testing.T) {
	maker, buyer, friend := party(t, "maker"), party(t, "buyer"), party(t, "friend")
	l := born(t, maker, noon.Add(-days(40)))
	l.enter(noon.Add(-days(39)), handover(noon.Add(-days(39)), maker, buyer), chain.Entry{Kind: chain.Transfer}, maker, buyer, friend)
	l.enter(noon.Add(-days(1)), uptime(noon.Add(-days(1)), 604_800, 0), good, buyer)
	require.Equal(t, reputation.Interested, evidence(t, trust(buyer), l.history(), reputation.Availability)[0].Standing)
}

// Without the commission nobody can tell that it is the owner who signed the leases.
func TestHidingWhoTheOwnerIsHidesNoObligation(t *testing.T) {
	maker, owner, lessee, monitor := party(t, "maker"), party(t, "owner"), party(t, "lessee"), party(t, "monitor")
	p := trust(monitor)
	for _, sold := range []bool{false, true} {
		l, signer := born(t, maker, noon.Add(-days(60))), maker
		if sold {
			l.enter(noon.Add(-days(55)), handover(noon.Add(-days(55)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
			signer = owner
		}
		l.enter(noon.Add(-days(50)), lease(signer, lessee, noon.Add(-days(50)), noon.Add(-days(20))),
			chain.Entry{Kind: chain.Open, Class: "lease", Due: noon.Add(-days(20))}, signer, lessee)
		damage := incident(noon.Add(-days(9)), record.Misuse)
		damage.CausedBy = signer.ID
		l.enter(noon.Add(-days(9)), damage, breach, monitor)
		l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
		whole, headless := score(t, p, l.history(), noon), score(t, p, l.history(len(l.entries)-4), noon)
		require.Less(t, headless.Points, whole.Points)
		require.Equal(t, whole.Dimensions[reputation.Obligations].MeanPpm, headless.Dimensions[reputation.Obligations].MeanPpm)
	}
}

// Whoever withholds entries can have a friend sign the next one, as of any day.
func TestBackDatingDoesNotAgeWhatIsWithheld(t *testing.T) {
	maker, monitor, friend := party(t, "maker"), party(t, "monitor"), party(t, "friend")
	points := map[int64]bool{}
	for _, dated := range []time.Time{noon.Add(-days(50)), time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)} {
		l := born(t, maker, noon.Add(-days(60)))
		for range 3 {
			l.enter(noon.Add(-days(51)), incident(noon.Add(-days(51)), record.SLABreach), breach, monitor)
		}
		l.enter(dated, uptime(noon.Add(-days(50)), 604_800, 0), good, friend)
		for i := range 7 {
			at := noon.Add(-days(49 - 7*i))
			l.enter(at, uptime(at, 604_800, 0), good, monitor)
		}
		withheld := score(t, trust(monitor), l.history(1, 2, 3), noon)
		require.Less(t, withheld.Points, score(t, trust(monitor), l.history(), noon).Points)
		points[withheld.Points] = true
	}
	require.Len(t, points, 1, "the date of the friend's entry changes nothing")
}

func TestAForkOfAnyAgeVoidsTheScore(t *testing.T) {
	maker, monitor, friend := party(t, "maker"), party(t, "monitor"), party(t, "friend")
	l := born(t, maker, noon.Add(-days(20)))
	before := l.head
	l.enter(noon.Add(-days(7)), uptime(noon.Add(-days(7)), 604_800, 0), good, monitor)
	second := l.issue(before, time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), uptime(noon.Add(-days(6)), 0, 604_800), breach, friend)
	l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	h, err := chain.NewDisclosed(l.machine.ID, append(l.entries, second)...)
	require.NoError(t, err)
	require.Equal(t, int64(300), score(t, trust(maker, monitor), h, noon).Points)
}

// An accomplice begins the branch, honest witnesses go on with it, the accomplice settles.
func TestAnAccompliceSettlesNoFork(t *testing.T) {
	maker, monitor, friend := party(t, "maker"), party(t, "monitor"), party(t, "friend")
	l := born(t, maker, noon.Add(-days(20)))
	other := *l
	other.entries = nil
	other.enter(noon.Add(-days(8)), uptime(noon.Add(-days(8)), 604_800, 0), good, friend)
	other.enter(noon.Add(-days(7)), incident(noon.Add(-days(7)), record.SLABreach), breach, monitor)
	l.enter(noon.Add(-days(7)), uptime(noon.Add(-days(7)), 604_800, 0), good, monitor)
	l.enter(noon.Add(-days(6)), uptime(noon.Add(-days(6)), 604_800, 0), good, monitor)
	l.enter(noon, uptime(noon, 604_800, 0), chain.Entry{Kind: chain.Amend, RefersTo: 1}, friend)
	h, err := chain.NewDisclosed(l.machine.ID, append(l.entries, other.entries...)...)
	require.NoError(t, err)
	require.Equal(t, int64(300), score(t, trust(maker, monitor), h, noon).Points)
}

// What a trusted witness countersigned stays until that witness agrees to correct it.
func TestAnIssuerAloneDoesNotTakeBackTheWordOfAWitness(t *testing.T) {
	maker, owner, inspector := party(t, "maker"), party(t, "owner"), party(t, "inspector")
	taken := func(by ...*vc.Issuer) int {
		l := born(t, maker, noon.Add(-days(40)))
		l.enter(noon.Add(-days(39)), handover(noon.Add(-days(39)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
		l.enter(noon.Add(-days(9)), incident(noon.Add(-days(9)), record.SLABreach), breach, owner, inspector)
		nothing := incident(noon.Add(-days(9)), record.SLABreach)
		nothing.SeverityPermille = 0
		l.enter(noon.Add(-days(1)), nothing, chain.Entry{Kind: chain.Amend, RefersTo: 2}, by...)
		bad := 0
		for _, e := range evidence(t, trust(inspector), l.history(), reputation.Obligations) {
			bad += int(e.Bad)
		}
		return bad
	}
	require.Equal(t, 1000, taken(owner))
	require.Zero(t, taken(owner, inspector))
}

// A copy with more signatures takes no witness away.
func TestCopiesCountAsOne(t *testing.T) {
	maker, owner, friend, inspector := party(t, "maker"), party(t, "owner"), party(t, "friend"), party(t, "inspector")
	p := trust(inspector)
	l := born(t, maker, noon.Add(-days(40)))
	c := &vc.Credential{Subject: l.machine.ID, Claim: incident(noon, record.SLABreach), ValidFrom: noon}
	require.NoError(t, l.head.Append(c, breach))
	raw, err := friend.Issue(c)
	require.NoError(t, err)
	sign := func(raw []byte, by ...*vc.Issuer) *vc.Verified {
		for _, s := range by {
			raw, err = s.AddProof(raw)
			require.NoError(t, err)
		}
		verifier := vc.Verifier{Now: func() time.Time { return noon }}
		v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		return v
	}
	honest, padded := sign(raw, inspector), sign(raw, owner, maker)
	var scores []*reputation.Score
	for _, more := range [][]*vc.Verified{{honest}, {honest, padded}, {padded, honest}} {
		h, err := chain.New(l.machine.ID, append(l.entries, more...)...)
		require.NoError(t, err)
		scores = append(scores, score(t, p, h, noon))
	}
	require.Equal(t, scores[0], scores[1])
	require.Equal(t, scores[0], scores[2])
}

// The digest of a credential does not tell who signed it, so head and digests are the same
// for who holds a countersigned copy and for who does not. The root is not.
func TestTheRootTellsWhoseWordItIs(t *testing.T) {
	maker, owner, inspector := party(t, "maker"), party(t, "owner"), party(t, "inspector")
	p := trust(inspector)
	l := born(t, maker, noon.Add(-days(40)))
	l.enter(noon.Add(-days(39)), handover(noon.Add(-days(39)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
	before := *l
	l.enter(noon, uptime(noon, 604_800, 0), good, owner, inspector)
	before.enter(noon, uptime(noon, 604_800, 0), good, owner)
	with, without := score(t, p, l.history(), noon), score(t, p, before.history(), noon)
	require.Equal(t, with.Head, without.Head)
	require.NotEqual(t, with.Points, without.Points)
	require.NotEqual(t, with.EvidenceRoot, without.EvidenceRoot)

	raw, err := inspector.Issue(with.Credential(l.machine.ID, noon))
	require.NoError(t, err)
	verifier := vc.Verifier{Now: func() time.Time { return noon }}
	claimed, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	require.NoError(t, reputation.Check(claimed, l.history(), p, nil))
	var mismatch *reputation.MismatchError
	require.ErrorAs(t, reputation.Check(claimed, before.history(), p, nil), &mismatch)
	require.Equal(t, "evidenceRoot", mismatch.Field)
}

// A scorer does not choose the day.
func TestCheckRefusesADayThatFlatters(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(100)))
	for i := range 12 {
		at := noon.Add(-days(99 - 7*i))
		l.enter(at, uptime(at, 604_800, 0), good, monitor)
	}
	check := func(asOf time.Time) error {
		raw, err := monitor.Issue(score(t, p, l.history(), asOf).Credential(l.machine.ID, noon))
		require.NoError(t, err)
		verifier := vc.Verifier{Now: func() time.Time { return noon }}
		v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		return reputation.Check(v, l.history(), p, nil)
	}
	require.NoError(t, check(noon.Add(-days(7))))
	require.ErrorContains(t, check(noon.Add(-days(8))), "asOf", "too old")
	l.enter(noon.Add(-days(2)), incident(noon.Add(-days(2)), record.SLABreach), breach, monitor)
	require.NoError(t, check(noon.Add(-days(2))))
	require.ErrorContains(t, check(noon.Add(-days(3))), "no earlier than 2026-11-20", "the record knows more")
}

// Nobody has seen what is yet to come.
func TestEventsOfTheFutureCountNow(t *testing.T) {
	maker, lessee := party(t, "maker"), party(t, "lessee")
	p := trust(lessee)
	at := func(end time.Time) *reputation.Score {
		l := born(t, maker, noon.Add(-days(40)))
		open := l.enter(noon.Add(-days(20)), lease(maker, lessee, noon.Add(-days(20)), noon.Add(-days(5))),
			chain.Entry{Kind: chain.Open, Class: "lease", Due: noon.Add(-days(5))}, maker, lessee)
		l.enter(noon, returned(open, end), chain.Entry{Kind: chain.Close, RefersTo: 1, Class: "lease", Outcome: chain.Breach}, lessee)
		return score(t, p, l.history(), noon)
	}
	require.Equal(t, at(noon).Dimensions, at(noon.Add(days(3000))).Dimensions)
}

// A claim that a trusted witness signed and nobody can read is as if withheld.
func TestAnUnreadableClaimIsNotSilence(t *testing.T) {
	maker, shop, stranger := party(t, "maker"), party(t, "shop"), party(t, "stranger")
	p := trust(shop)
	low := func(by *vc.Issuer) int64 {
		l := born(t, maker, noon.Add(-days(40)))
		c := service(noon, record.Corrective)
		c.FailureMode = "broken\nagain" // the owner's own words, in a form that the shop passed on
		l.enter(noon, unchecked{c}, good, by)
		return score(t, p, l.history(), noon).Dimensions[reputation.Maintenance].LowPpm
	}
	require.Less(t, low(shop), low(stranger))
}

// An unchecked claim has no Validate, as the programs of others.
type unchecked struct{ record.Maintenance }

func (unchecked) Validate() {}

// Parts that are known by their serials are different parts.
func TestPlansOfPartsWithSerialsOnly(t *testing.T) {
	maker, shop := party(t, "maker"), party(t, "shop")
	l := born(t, maker, noon.Add(-days(60)))
	for i, serial := range []string{"brake-1", "lamp-1"} {
		s := service(noon.Add(-days(50-i)), record.Preventive)
		s.Part = &record.Part{Serial: serial}
		s.NextDue = &record.Due{Date: noon.Add(days(100 + i))}
		l.enter(s.Time, s, good, shop)
	}
	for _, e := range evidence(t, trust(shop), l.history(), reputation.Maintenance) {
		require.NotEqual(t, reputation.Discharge, e.Kind, "a new lamp is no new brake")
	}
}

// Silence costs at least what it hides: of a random life, no subset that leaves the newest
// entry in place scores more than the whole.
func TestNoSubsetScoresMoreThanTheWhole(t *testing.T) {
	maker, owner, monitor, shop, lessee := party(t, "maker"), party(t, "owner"), party(t, "monitor"), party(t, "shop"), party(t, "lessee")
	p := trust(maker, monitor, shop, lessee)
	r := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		l := born(t, maker, noon.Add(-days(300)))
		l.enter(noon.Add(-days(299)), handover(noon.Add(-days(299)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
		worst := r.IntN(8)
		var adverse []int
		for i := range 40 {
			at := noon.Add(-days(290 - 7*i))
			if r.IntN(8) < worst {
				adverse = append(adverse, len(l.entries))
				switch r.IntN(5) {
				case 0:
					l.enter(at, incident(at, record.Failure), breach, shop)
				case 1:
					l.enter(at, uptime(at, 200_000, 404_800), breach, monitor)
				case 2:
					l.enter(at, service(at, record.Corrective), breach, shop)
				case 3:
					l.enter(at, lease(owner, lessee, at, at.Add(days(3))), chain.Entry{Kind: chain.Open, Class: "lease", Due: at.Add(days(3))}, owner, lessee)
				default:
					l.enter(at, incident(at, record.SLABreach), breach, lessee)
				}
			} else if r.IntN(2) == 0 {
				l.enter(at, uptime(at, 604_800, 0), good, monitor)
			} else {
				l.enter(at, service(at, record.Preventive), good, shop)
			}
		}
		l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
		whole := score(t, p, l.history(), noon)
		refuse := func(hide []int) {
			if len(hide) == 0 {
				return
			}
			s := score(t, p, l.history(hide...), noon)
			require.LessOrEqual(t, s.Points, whole.Points, "hide %v", hide)
			require.LessOrEqual(t, s.LowPpm, whole.LowPpm, "hide %v", hide)
		}
		refuse(adverse)
		refuse([]int{0})
		refuse([]int{0, 1})
		for range 40 {
			var some, bad []int
			for i := range len(l.entries) - 1 {
				if r.IntN(8) == 0 {
					some = append(some, i)
				}
			}
			refuse(some)
			for _, i := range adverse {
				if r.IntN(3) > 0 {
					bad = append(bad, i)
				}
			}
			refuse(bad)
		}
	}
}
