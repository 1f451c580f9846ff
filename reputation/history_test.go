package reputation_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
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

// noon is when most of the tests end: 2026-11-22, a Sunday.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// party makes somebody with a key of their own, the same in every run.
func party(t testing.TB, name string) *vc.Issuer {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return noon }}
}

// A life is a machine and its record in the making.
type life struct {
	t       testing.TB
	machine *vc.Issuer
	head    chain.Head
	entries []*vc.Verified
}

// born begins the record of a machine, as its maker writes it.
func born(t testing.TB, maker *vc.Issuer, at time.Time) *life {
	l := &life{t: t, machine: party(t, "machine of "+t.Name())}
	method, err := did.ParseURL(l.machine.ID.String() + "#" + l.machine.ID.String()[len("did:key:"):])
	require.NoError(t, err)
	l.enter(at, record.Commissioning{
		Time: at, Model: "LX-4", Serial: "7",
		KeyBinding: &record.KeyBinding{
			VerificationMethod: method, Protection: record.TPM2,
			Attestation: &record.Attestation{Scheme: "tpm2-activate-credential", DigestMultibase: vc.Digest(sha256.Sum256(nil)).String(), VerifiedBy: maker.ID},
		},
	}, chain.Entry{Kind: chain.Commission}, maker)
	return l
}

// enter adds an entry that all the signers sign, the first of them as issuer.
func (l *life) enter(at time.Time, claim vc.Claim, entry chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	l.t.Helper()
	v := l.issue(l.head, at, claim, entry, signers...)
	require.NoError(l.t, l.head.Advance(v))
	l.entries = append(l.entries, v)
	return v
}

func (l *life) issue(after chain.Head, at time.Time, claim vc.Claim, entry chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	l.t.Helper()
	c := &vc.Credential{Subject: l.machine.ID, Claim: claim, ValidFrom: at}
	require.NoError(l.t, after.Append(c, entry))
	raw, err := signers[0].Issue(c)
	require.NoError(l.t, err)
	for _, s := range signers[1:] {
		raw, err = s.AddProof(raw)
		require.NoError(l.t, err)
	}
	verifier := vc.Verifier{Now: func() time.Time { return noon }}
	v, err := verifier.Verify(l.t.Context(), raw, vc.AnyIssuer)
	require.NoError(l.t, err)
	return v
}

// history is the record without the entries of the given sequences.
func (l *life) history(without ...int) *chain.History {
	l.t.Helper()
	var shown []*vc.Verified
	for i, v := range l.entries {
		if !contains(without, i) {
			shown = append(shown, v)
		}
	}
	build := chain.New
	if len(without) > 0 {
		build = chain.NewDisclosed
	}
	h, err := build(l.machine.ID, shown...)
	require.NoError(l.t, err)
	return h
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

func uptime(end time.Time, up, down int64) record.Uptime {
	u := record.Uptime{Availability: record.Availability{
		Start: end.Add(-days(7)), End: end, RequiredSeconds: up + down, UpSeconds: up, DownUnplannedSeconds: down, Method: record.Poll,
	}}
	if down > 0 {
		u.Interruptions, u.Failures = 1, 1
	}
	return u
}

func service(at time.Time, category record.MaintenanceCategory) record.Maintenance {
	return record.Maintenance{Time: at, Work: record.Work{Category: category, Activity: "inspect rotors"}}
}

func lease(from, to *vc.Issuer, start, end time.Time) record.Lease {
	return record.Lease{Terms: record.Terms{Lessor: from.ID, Lessee: to.ID, Start: start, End: end}}
}

func returned(lease *vc.Verified, at time.Time) record.LeaseOutcome {
	return record.LeaseOutcome{Return: record.Return{Lease: lease.Digest().String(), Returned: at, OnTime: true, Condition: record.ConditionGood}}
}

var (
	good   = chain.Entry{Kind: chain.Observe, Outcome: chain.Good}
	breach = chain.Entry{Kind: chain.Observe, Outcome: chain.Breach}
)

// trust is the default policy with these issuers, each right in 95 % of cases.
func trust(issuers ...*vc.Issuer) *reputation.Policy {
	p := reputation.DefaultPolicy()
	for _, i := range issuers {
		p.Issuers = append(p.Issuers, reputation.Issuer{ID: i.ID, Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000}})
	}
	return p
}

func score(t testing.TB, p *reputation.Policy, h *chain.History, at time.Time) *reputation.Score {
	t.Helper()
	s, err := p.Score(h, at)
	require.NoError(t, err)
	return s
}

// evidence finds what the history gives about a dimension.
func evidence(t testing.TB, p *reputation.Policy, h *chain.History, d reputation.Dimension) (found []reputation.Evidence) {
	t.Helper()
	s, err := reputation.NewScorer(p, nil)
	require.NoError(t, err)
	for _, e := range s.Case(h).Evidence {
		if e.Dimension == d {
			found = append(found, e)
		}
	}
	return found
}

func TestAGoodLifeScoresWell(t *testing.T) {
	maker, monitor, shop, lessee := party(t, "maker"), party(t, "monitor"), party(t, "shop"), party(t, "lessee")
	owner := party(t, "owner")
	l := born(t, maker, noon.Add(-days(371)))
	l.enter(noon.Add(-days(370)), record.OwnershipTransfer{Time: noon.Add(-days(370)), OwningParty: record.OwningParty{Source: maker.ID, Destination: owner.ID}},
		chain.Entry{Kind: chain.Transfer}, maker, owner)
	for week := 51; week >= 0; week-- {
		at := noon.Add(-days(7 * week))
		l.enter(at, uptime(at, 600_000, 4_800), good, monitor)
		if week%4 == 0 {
			l.enter(at, service(at, record.Preventive), good, shop)
			open := l.enter(at, lease(owner, lessee, at, at.Add(days(7))), chain.Entry{Kind: chain.Open, Class: "lease", Due: at.Add(days(7))}, owner, lessee)
			if week > 0 {
				l.enter(at.Add(days(6)), returned(open, at.Add(days(6))),
					chain.Entry{Kind: chain.Close, RefersTo: l.head.Sequence, Class: "lease", Outcome: chain.Good}, lessee, owner)
			}
		}
	}
	p := trust(maker, monitor, shop, lessee)
	s := score(t, p, l.history(), noon)
	t.Logf("%+v", s)
	require.Greater(t, s.Points, int64(540))
	require.Equal(t, chain.C2, s.Completeness)
	require.Equal(t, l.head.Digest, s.Head.Digest)
	require.Greater(t, s.Failures.MTBFSeconds, int64(500_000))
	before := score(t, trust(), l.history(), noon)
	require.Greater(t, s.LowPpm, before.LowPpm+100_000, "whom nobody knows has no influence")
	require.Zero(t, before.Evidence)
}

// The regressions that docs/SCORE.md names, as signed records.
func TestNamedRegressionsOnRecords(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(monitor)
	fresh := func(at time.Time) *life { return born(t, maker, at) }
	points := func(l *life) int64 { return score(t, p, l.history(), noon).Points }
	prior := points(fresh(noon))

	single := fresh(noon.Add(-days(1)))
	single.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	oneSuccess := points(single)

	stale := fresh(noon.Add(-days(5*365 + 8)))
	stale.enter(noon.Add(-days(5*365)), uptime(noon.Add(-days(5*365)), 604_800, 0), good, monitor)
	staleSingle := points(stale)

	long := fresh(noon.Add(-days(1001)))
	for i := range 1000 {
		at := noon.Add(-days(999 - i))
		if i == 100 || i == 400 || i == 900 {
			long.enter(at, uptime(at, 0, 86_400), breach, monitor)
		} else {
			long.enter(at, uptime(at, 86_400, 0), good, monitor)
		}
	}
	score997 := points(long)

	sybils := fresh(noon.Add(-days(100)))
	for i := range 10 {
		at := noon.Add(-days(99 - 7*i))
		sybils.enter(at, uptime(at, 0, 604_800), breach, monitor)
	}
	for i := range 200 {
		at := noon.Add(-days(20)).Add(time.Duration(i) * time.Hour)
		sybils.enter(at, uptime(at, 604_800, 0), good, party(t, "throw-away "+string(rune('0'+i))))
	}
	sybil200 := points(sybils)

	failing := fresh(noon.Add(-days(100)))
	for i := range 5 {
		at := noon.Add(-days(90 - 7*i))
		failing.enter(at, uptime(at, 0, 604_800), breach, monitor)
	}
	receipt := failing.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	copies := failing.entries
	for range 100 {
		copies = append(copies, receipt)
	}
	h, err := chain.New(failing.machine.ID, copies...)
	require.NoError(t, err)
	dup100 := score(t, p, h, noon).Points

	t.Logf("prior %d, one_success %d, stale_single %d, 997_3 %d, sybil_200 %d, dup_100 %d", prior, oneSuccess, staleSingle, score997, sybil200, dup100)
	require.Greater(t, score997, oneSuccess)
	require.Greater(t, oneSuccess, staleSingle)
	require.InDelta(t, prior, staleSingle, 1)
	require.Less(t, sybil200, prior)
	require.Less(t, dup100, prior)
}

func TestUptimeIsAvailability(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	l := born(t, maker, noon.Add(-days(8)))
	u := uptime(noon, 600_000, 3_600)
	u.DownPlannedSeconds, u.RequiredSeconds = 1_200, u.RequiredSeconds+1_200
	l.enter(noon, u, good, monitor)
	found := evidence(t, trust(monitor), l.history(), reputation.Availability)
	require.Len(t, found, 1)
	require.Equal(t, int64(600_000), found[0].Good)
	require.Equal(t, int64(3_600), found[0].Bad, "planned down time is neither good nor bad")
	require.Equal(t, int64(1), found[0].Failures)
	require.Equal(t, monitor.ID, found[0].Issuer)
	require.Equal(t, reputation.Independent, found[0].Standing)
}

// A machine that admits to a tenth of a year admits to a tenth of the week that counts for it.
func TestASelfReportOfAYearIsScaledToAWeek(t *testing.T) {
	maker := party(t, "maker")
	l := born(t, maker, noon.Add(-days(366)))
	u := uptime(noon, 9*365*8_640, 365*8_640)
	u.Start, u.Method = noon.Add(-days(365)), record.SelfReport
	l.enter(noon, u, good, l.machine)
	found := evidence(t, trust(), l.history(), reputation.Availability)
	require.Len(t, found, 1)
	require.Equal(t, int64(60_480), found[0].Bad)
	require.Zero(t, found[0].Good)
}

// Who is of the machine's side, and what that does to the word.
func TestStandingOfWitnesses(t *testing.T) {
	maker, owner, monitor, branch := party(t, "maker"), party(t, "owner"), party(t, "monitor"), party(t, "branch")
	p := trust(maker, owner, monitor, branch)
	p.Issuers[3].Controller = owner.ID

	for _, test := range []struct {
		name    string
		signers func(l *life) []*vc.Issuer
		method  record.Method
		want    reputation.Standing
	}{
		{"a monitor", func(*life) []*vc.Issuer { return []*vc.Issuer{monitor} }, record.Poll, reputation.Independent},
		{"a monitor that passes on the machine's word", func(*life) []*vc.Issuer { return []*vc.Issuer{monitor} }, record.SelfReport, reputation.Independent},
		{"the owner", func(*life) []*vc.Issuer { return []*vc.Issuer{owner} }, record.Poll, reputation.Interested},
		{"the owner's branch", func(*life) []*vc.Issuer { return []*vc.Issuer{branch} }, record.Poll, reputation.Interested},
		{"the former owner", func(*life) []*vc.Issuer { return []*vc.Issuer{maker} }, record.Poll, reputation.Independent},
		{"the owner, with a monitor", func(*life) []*vc.Issuer { return []*vc.Issuer{owner, monitor} }, record.Poll, reputation.Independent},
		{"the machine", func(l *life) []*vc.Issuer { return []*vc.Issuer{l.machine} }, record.Poll, reputation.Interested},
		{"the machine, attested", func(l *life) []*vc.Issuer { return []*vc.Issuer{l.machine} }, record.Attested, reputation.Telemetry},
		{"the machine, with its owner", func(l *life) []*vc.Issuer { return []*vc.Issuer{owner, l.machine} }, record.SelfReport, reputation.Interested},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := born(t, maker, noon.Add(-days(9)))
			l.enter(noon.Add(-days(8)), record.OwnershipTransfer{Time: noon.Add(-days(8)), OwningParty: record.OwningParty{Source: maker.ID, Destination: owner.ID}},
				chain.Entry{Kind: chain.Transfer}, maker, owner)
			u := uptime(noon, 604_800, 0)
			u.Method = test.method
			l.enter(noon, u, good, test.signers(l)...)
			found := evidence(t, p, l.history(), reputation.Availability)
			require.Len(t, found, 1)
			require.Equal(t, test.want, found[0].Standing)
			if test.method == record.SelfReport {
				require.Zero(t, found[0].Good)
			}
		})
	}

	t.Run("whom the policy names as controller", func(t *testing.T) {
		l := born(t, maker, noon.Add(-days(9)))
		l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
		p := trust(maker, monitor)
		p.Controllers = []reputation.Controller{{ID: monitor.ID, Machines: []did.DID{l.machine.ID}}}
		require.Equal(t, reputation.Interested, evidence(t, p, l.history(), reputation.Availability)[0].Standing)
	})
	t.Run("a machine whose key nobody known has attested", func(t *testing.T) {
		l := born(t, party(t, "stranger"), noon.Add(-days(9)))
		u := uptime(noon, 604_800, 0)
		u.Method = record.Attested
		l.enter(noon, u, good, l.machine)
		require.Equal(t, reputation.Interested, evidence(t, p, l.history(), reputation.Availability)[0].Standing)
	})
}

func TestMaintenanceOnTimeLateAndOverdue(t *testing.T) {
	maker, shop, stranger := party(t, "maker"), party(t, "shop"), party(t, "stranger")
	p := trust(shop)
	plan := func(by *vc.Issuer) *life {
		l := born(t, maker, noon.Add(-days(60)))
		s := service(noon.Add(-days(50)), record.Preventive)
		s.NextDue = &record.Due{Date: noon.Add(-days(20))}
		l.enter(noon.Add(-days(50)), s, good, by)
		return l
	}
	points := func(l *life) int64 { return score(t, p, l.history(), noon).Dimensions[reputation.Maintenance].LowPpm }
	inTime, late, missed, failed, byStranger := plan(shop), plan(shop), plan(shop), plan(shop), plan(shop)
	inTime.enter(noon.Add(-days(21)), service(noon.Add(-days(21)), record.Preventive), good, shop)
	late.enter(noon.Add(-days(10)), service(noon.Add(-days(10)), record.Preventive), good, shop)
	failed.enter(noon.Add(-days(21)), service(noon.Add(-days(21)), record.Corrective), good, shop)
	byStranger.enter(noon.Add(-days(21)), service(noon.Add(-days(21)), record.Preventive), good, stranger)
	require.Greater(t, points(inTime), points(late))
	require.Greater(t, points(late), points(missed))
	require.Greater(t, points(late), points(failed))
	require.Equal(t, points(missed), points(byStranger), "a stranger's word that it was done does not make it done")
	require.Equal(t, reputation.MaintenanceOverdue, reasonFor(score(t, p, missed.history(), noon), "MAINTENANCE"))
	require.Greater(t, points(plan(stranger)), points(missed), "a stranger sets no dates")
}

func reasonFor(s *reputation.Score, prefix string) reputation.Code {
	for _, r := range s.Reasons {
		if len(r.Code) > len(prefix) && string(r.Code[:len(prefix)]) == prefix {
			return r.Code
		}
	}
	return ""
}

func TestObligationsOpenClosedAndOverdue(t *testing.T) {
	owner, lessee, arbiter, stranger := party(t, "maker"), party(t, "lessee"), party(t, "arbiter"), party(t, "stranger")
	p := trust(arbiter)
	points := func(outcome chain.Outcome, closers ...*vc.Issuer) int64 {
		l := born(t, owner, noon.Add(-days(60)))
		start, due := noon.Add(-days(50)), noon.Add(-days(20))
		open := l.enter(start, lease(owner, lessee, start, due), chain.Entry{Kind: chain.Open, Class: "lease", Due: due}, owner, lessee)
		if len(closers) > 0 {
			l.enter(noon.Add(-days(21)), returned(open, noon.Add(-days(21))),
				chain.Entry{Kind: chain.Close, RefersTo: 1, Class: "lease", Outcome: outcome}, closers...)
		}
		return score(t, p, l.history(), noon).Dimensions[reputation.Obligations].LowPpm
	}
	none := score(t, p, born(t, owner, noon).history(), noon).Dimensions[reputation.Obligations].LowPpm
	overdue := points("")
	require.Less(t, overdue, none, "open past its due date counts as a breach")
	require.Greater(t, points(chain.Good, arbiter), none)
	require.Less(t, points(chain.Degraded, arbiter), points(chain.Good, arbiter))
	require.Less(t, points(chain.Breach, arbiter), points(chain.Degraded, arbiter))
	require.Equal(t, none, points(chain.Good, lessee), "the other party ends it, but nobody knows what its praise is worth")
	require.Equal(t, none, points(chain.Good, owner, lessee))
	require.Equal(t, overdue, points(chain.Good, owner), "the owner cannot end it alone")
	require.Equal(t, overdue, points(chain.Good, stranger), "nor can a stranger")
	require.Less(t, points(chain.Breach, owner), overdue, "but the owner's confession counts")
}

func TestIncidents(t *testing.T) {
	maker, operator, lessee := party(t, "maker"), party(t, "operator"), party(t, "lessee")
	p := trust(operator)
	with := func(category record.IncidentCategory, severity int64, causedBy did.DID) *reputation.Score {
		l := born(t, maker, noon.Add(-days(10)))
		l.enter(noon, record.Incident{Event: record.Event{Category: category, SeverityPermille: severity, Detected: noon.Add(-days(1)), CausedBy: causedBy}}, breach, operator)
		return score(t, p, l.history(), noon)
	}
	none := score(t, p, born(t, maker, noon).history(), noon)
	low := func(s *reputation.Score, d reputation.Dimension) int64 { return s.Dimensions[d].LowPpm }
	require.Less(t, low(with(record.Failure, 1000, did.DID{}), reputation.Maintenance), low(with(record.Failure, 200, did.DID{}), reputation.Maintenance))
	require.Less(t, low(with(record.Failure, 200, did.DID{}), reputation.Maintenance), low(none, reputation.Maintenance))
	require.Less(t, low(with(record.Damage, 500, did.DID{}), reputation.Obligations), low(none, reputation.Obligations))
	require.Less(t, low(with(record.Damage, 500, maker.ID), reputation.Obligations), low(none, reputation.Obligations))
	require.Equal(t, low(none, reputation.Obligations), low(with(record.Misuse, 500, lessee.ID), reputation.Obligations), "what somebody else did is not held against the machine")
}

func TestWithheldEntriesCostMoreThanTheyHide(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(200)))
	var bad []int
	for i := range 20 {
		at := noon.Add(-days(190 - 7*i))
		if i%6 == 3 {
			bad = append(bad, len(l.entries))
			l.enter(at, record.Incident{Event: record.Event{Category: record.SLABreach, SeverityPermille: 1000, Detected: at}}, breach, monitor)
		} else {
			l.enter(at, uptime(at, 604_800, 0), good, monitor)
		}
	}
	whole, withheld := score(t, p, l.history(), noon), score(t, p, l.history(bad...), noon)
	require.Equal(t, chain.C2, whole.Completeness)
	require.Equal(t, chain.C1, withheld.Completeness)
	require.Less(t, withheld.LowPpm, whole.LowPpm)
	require.Less(t, withheld.Dimensions[reputation.Obligations].MeanPpm, whole.Dimensions[reputation.Obligations].MeanPpm, "totals reveal that they were adverse")

	// Good entries withheld: the totals do not blame the machine, so the mean does not either.
	blank := score(t, p, l.history(5, 6), noon)
	require.Equal(t, whole.Dimensions[reputation.Obligations].MeanPpm, blank.Dimensions[reputation.Obligations].MeanPpm)
	require.Less(t, blank.Dimensions[reputation.Obligations].LowPpm, whole.Dimensions[reputation.Obligations].LowPpm)
}

func TestTwoEntriesWithOneSequenceVoidTheScore(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(20)))
	before := l.head
	l.enter(noon.Add(-days(7)), uptime(noon.Add(-days(7)), 604_800, 0), good, monitor)
	second := l.issue(before, noon.Add(-days(6)), uptime(noon.Add(-days(6)), 0, 604_800), breach, monitor)
	l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	h, err := chain.NewDisclosed(l.machine.ID, append(l.entries, second)...)
	require.NoError(t, err)
	s := score(t, p, h, noon)
	require.Equal(t, int64(300), s.Points)
	require.Zero(t, s.LowPpm)
	require.Equal(t, reputation.Equivocation, s.Reasons[0].Code)
}

func TestCorrectionsAndLateEntries(t *testing.T) {
	maker, monitor, stranger := party(t, "maker"), party(t, "monitor"), party(t, "stranger")
	p := trust(maker, monitor)
	wrong := func(by *vc.Issuer) []reputation.Evidence {
		l := born(t, maker, noon.Add(-days(20)))
		l.enter(noon.Add(-days(7)), uptime(noon.Add(-days(7)), 0, 604_800), breach, monitor)
		l.enter(noon, uptime(noon.Add(-days(7)), 604_800, 0), chain.Entry{Kind: chain.Amend, RefersTo: 1}, by)
		return evidence(t, p, l.history(), reputation.Availability)
	}
	require.Len(t, wrong(monitor), 1, "who said it corrects it")
	require.Equal(t, int64(604_800), wrong(monitor)[0].Good)
	require.Len(t, wrong(stranger), 2, "nobody else does")

	l := born(t, maker, noon.Add(-days(400)))
	l.enter(noon, uptime(noon.Add(-days(200)), 604_800, 0), good, monitor)
	l.enter(noon, uptime(noon.Add(-days(60)), 604_800, 0), good, monitor)
	found := evidence(t, p, l.history(), reputation.Availability)
	require.Equal(t, reputation.BackDated, found[0].Kind, "200 days late")
	require.Equal(t, reputation.Report, found[1].Kind, "60 days late")
}

func TestIsolatedCredentialsAreCapped(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	machine := party(t, "machine")
	raw, err := monitor.Issue(&vc.Credential{Subject: machine.ID, Claim: uptime(noon, 604_800, 0), ValidFrom: noon})
	require.NoError(t, err)
	verifier := vc.Verifier{Now: func() time.Time { return noon }}
	v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	h, err := chain.NewIsolated(machine.ID, v)
	require.NoError(t, err)
	s := score(t, trust(maker, monitor), h, noon)
	require.Equal(t, chain.C0, s.Completeness)
	require.Nil(t, s.Head)
	require.Positive(t, s.Dimensions[reputation.Availability].LowPpm)
	require.Zero(t, s.Dimensions[reputation.Provenance].Evidence, "without a chain nobody vouches for what came before")
}

func TestFleetsHavePriorsOfTheirOwn(t *testing.T) {
	maker := party(t, "maker")
	l := born(t, maker, noon)
	p := trust(maker)
	drones := p.Priors
	drones.Availability.Mean = 999_000
	p.Fleets = []reputation.Fleet{{Name: "drones", Models: []string{"LX-4"}, Priors: drones}}
	general := score(t, trust(maker), l.history(), noon)
	require.Greater(t, score(t, p, l.history(), noon).Dimensions[reputation.Availability].LowPpm, general.Dimensions[reputation.Availability].LowPpm)

	p.Issuers = nil
	require.Equal(t, general.Dimensions[reputation.Availability].LowPpm, score(t, p, l.history(), noon).Dimensions[reputation.Availability].LowPpm,
		"a stranger's word on the model chooses no priors")
}

// A scorer's credential, and what happens to one that lies.
func TestCheckNamesTheFirstDifference(t *testing.T) {
	maker, monitor, scorer, second := party(t, "maker"), party(t, "monitor"), party(t, "scorer"), party(t, "second scorer")
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(20)))
	l.enter(noon.Add(-days(7)), uptime(noon.Add(-days(7)), 600_000, 4_800), good, monitor)
	h := l.history()
	honest := score(t, p, h, noon)

	verifier := vc.Verifier{Now: func() time.Time { return noon }}
	sign := func(t *testing.T, c *vc.Credential) *vc.Verified {
		t.Helper()
		raw, err := scorer.Issue(c)
		require.NoError(t, err)
		raw, err = second.AddProof(raw) // k-of-n scorers sign the same bytes
		require.NoError(t, err)
		v, err := verifier.Verify(t.Context(), raw, vc.IssuedBy(scorer.ID))
		require.NoError(t, err)
		return v
	}
	v := sign(t, honest.Credential(l.machine.ID, noon))
	require.NoError(t, reputation.Check(v, h, p, nil))
	require.Len(t, v.Signers(), 2)
	t.Log(v.Raw())

	for _, test := range []struct {
		name, field string
		edit        func(*vc.Credential, *reputation.MachineReputation)
	}{
		{"more points", "points", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Points++ }},
		{"a better bound", "lowPpm", func(_ *vc.Credential, m *reputation.MachineReputation) { m.LowPpm++ }},
		{"a better mean", "meanPpm", func(_ *vc.Credential, m *reputation.MachineReputation) { m.MeanPpm++ }},
		{"more evidence", "evidence", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Evidence++ }},
		{"a dimension", "dimensions[2]", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Dimensions[2].Points++ }},
		{"a better class", "completeness", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Completeness = chain.C4 }},
		{"another policy", "policy", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Policy[0]++ }},
		{"a trust table", "trustTable", func(_ *vc.Credential, m *reputation.MachineReputation) { m.TrustTable[0]++ }},
		{"another root", "evidenceRoot", func(_ *vc.Credential, m *reputation.MachineReputation) { m.EvidenceRoot[0]++ }},
		{"another head", "head.sequence", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Head.Sequence++ }},
		{"no reasons", "reasons", func(_ *vc.Credential, m *reputation.MachineReputation) { m.Reasons = m.Reasons[:1] }},
		{"a future day", "asOf", func(_ *vc.Credential, m *reputation.MachineReputation) { m.AsOf++ }},
		{"valid for a month", "validUntil", func(c *vc.Credential, _ *reputation.MachineReputation) { c.ValidUntil = noon.Add(days(30)) }},
		{"valid for ever", "validUntil", func(c *vc.Credential, _ *reputation.MachineReputation) { c.ValidUntil = time.Time{} }},
		{"of another machine", "id", func(c *vc.Credential, _ *reputation.MachineReputation) { c.Subject = monitor.ID }},
	} {
		t.Run(test.name, func(t *testing.T) {
			claim := honest.Claim()
			head := *claim.Head
			claim.Head = &head
			c := honest.Credential(l.machine.ID, noon)
			test.edit(c, &claim)
			c.Claim = claim
			err := reputation.Check(sign(t, c), h, p, nil)
			var mismatch *reputation.MismatchError
			require.ErrorAs(t, err, &mismatch)
			require.Equal(t, test.field, mismatch.Field, err.Error())
		})
	}

	l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	var mismatch *reputation.MismatchError
	require.ErrorAs(t, reputation.Check(v, l.history(), p, nil), &mismatch)
	require.Equal(t, "head.sequence", mismatch.Field, "the record has gone on")
	require.ErrorContains(t, reputation.Check(l.entries[0], h, p, nil), "MachineReputationCredential")
}

// Anybody who knows the head of a record can add to it. It must do neither good nor harm.
func TestStrangersChangeNothing(t *testing.T) {
	maker, owner, monitor, lessee := party(t, "maker"), party(t, "owner"), party(t, "monitor"), party(t, "lessee")
	stranger, accomplice := party(t, "stranger"), party(t, "accomplice")
	p := trust(maker, monitor)
	start := func() *life {
		l := born(t, maker, noon.Add(-days(40)))
		l.enter(noon.Add(-days(39)), record.OwnershipTransfer{Time: noon.Add(-days(39)), OwningParty: record.OwningParty{Source: maker.ID, Destination: owner.ID}},
			chain.Entry{Kind: chain.Transfer}, maker, owner)
		l.enter(noon.Add(-days(30)), uptime(noon.Add(-days(30)), 604_800, 0), good, monitor)
		l.enter(noon.Add(-days(20)), lease(owner, lessee, noon.Add(-days(20)), noon.Add(-days(5))),
			chain.Entry{Kind: chain.Open, Class: "lease", Due: noon.Add(-days(5))}, owner, lessee)
		return l
	}
	want := score(t, p, start().history(), noon)
	self := uptime(noon, 0, 604_800)
	self.Method = record.SelfReport
	attested := uptime(noon, 604_800, 0)
	attested.Method = record.Attested
	planned := service(noon.Add(-days(9)), record.Preventive)
	planned.NextDue = &record.Due{Date: noon.Add(-days(8))}
	method, err := did.ParseURL(stranger.ID.String() + "#key")
	require.NoError(t, err)

	for _, test := range []struct {
		name    string
		claim   vc.Claim
		entry   chain.Entry
		signers []*vc.Issuer
	}{
		{"blame", uptime(noon, 0, 604_800), breach, []*vc.Issuer{stranger}},
		{"praise", uptime(noon, 604_800, 0), good, []*vc.Issuer{stranger}},
		{"blame as if by the machine", self, breach, []*vc.Issuer{stranger}},
		{"praise as if by the machine", attested, good, []*vc.Issuer{stranger}},
		{"an incident", record.Incident{Event: record.Event{Category: record.Theft, SeverityPermille: 1000, Detected: noon}}, breach, []*vc.Issuer{stranger}},
		{"a repair", service(noon, record.Corrective), breach, []*vc.Issuer{stranger}},
		{"maintenance that is due", planned, good, []*vc.Issuer{stranger}},
		{"a key in software", record.Commissioning{Model: "x", Serial: "y", KeyBinding: &record.KeyBinding{VerificationMethod: method, Protection: record.Software}}, good, []*vc.Issuer{stranger}},
		{"a lease that he only reports", lease(stranger, accomplice, noon.Add(-days(9)), noon.Add(-days(8))), good, []*vc.Issuer{stranger, accomplice}},
		{"the end of an obligation", returned(start().entries[3], noon), chain.Entry{Kind: chain.Close, RefersTo: 3, Class: "lease", Outcome: chain.Good}, []*vc.Issuer{stranger}},
		{"a correction", uptime(noon.Add(-days(30)), 0, 604_800), chain.Entry{Kind: chain.Amend, RefersTo: 2}, []*vc.Issuer{stranger}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := start()
			l.enter(noon.Add(-days(2)), test.claim, test.entry, test.signers...)
			l.enter(noon.Add(-days(1)), uptime(noon.Add(-days(1)), 0, 604_800), breach, stranger) // now that he is part of it?
			got := score(t, p, l.history(), noon)
			got.Head, got.EvidenceRoot = want.Head, want.EvidenceRoot
			require.Equal(t, reputation.Reason{Code: reputation.UntrustedIssuers, Text: reputation.UntrustedIssuers.Text()}, got.Reasons[len(want.Reasons)-1])
			got.Reasons = slices.Delete(got.Reasons, len(want.Reasons)-1, len(want.Reasons))
			require.Equal(t, want, got)
		})
	}
}

// What happens after the day is not known on the day.
func TestWhatComesLaterThanTheDayIsLeftOut(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(20)))
	before := score(t, p, l.history(), noon.Add(-days(10)))
	l.enter(noon.Add(-days(7)), uptime(noon.Add(-days(7)), 604_800, 0), good, monitor)
	after := score(t, p, l.history(), noon.Add(-days(10)))
	require.Equal(t, before.Points, after.Points)
	require.Equal(t, before.EvidenceRoot, after.EvidenceRoot)
	require.NotEqual(t, before.Head, after.Head)
}

// From a verified history of 200 entries to its score: claims decoded, evidence and root made.
func BenchmarkScoreHistory(b *testing.B) {
	maker, monitor := party(b, "maker"), party(b, "monitor")
	l := born(b, maker, noon.Add(-days(1400)))
	for i := range 199 {
		at := noon.Add(-days(7 * (198 - i)))
		l.enter(at, uptime(at, 600_000, 4_800), good, monitor)
	}
	h := l.history()
	s, err := reputation.NewScorer(trust(maker, monitor), nil)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Score(h, noon); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRotationAndRetirement(t *testing.T) {
	maker, shop := party(t, "maker"), party(t, "shop")
	p := trust(maker, shop)
	low := func(l *life, d reputation.Dimension) int64 {
		return score(t, p, l.history(), noon).Dimensions[d].LowPpm
	}
	start := func() *life {
		l := born(t, maker, noon.Add(-days(60)))
		s := service(noon.Add(-days(50)), record.Preventive)
		s.NextDue = &record.Due{Date: noon.Add(-days(20))}
		l.enter(noon.Add(-days(50)), s, good, shop)
		return l
	}
	rotated := start()
	rotated.enter(noon.Add(-days(30)), record.Decommissioning{Time: noon.Add(-days(30))}, chain.Entry{Kind: chain.Rotate}, maker)
	require.Less(t, low(rotated, reputation.Integrity), low(start(), reputation.Integrity), "nobody knows where the new key is")

	retired, retiredLate := start(), start()
	retired.enter(noon.Add(-days(30)), record.Decommissioning{Time: noon.Add(-days(30))}, chain.Entry{Kind: chain.Retire}, maker)
	retiredLate.enter(noon.Add(-days(10)), record.Decommissioning{Time: noon.Add(-days(10))}, chain.Entry{Kind: chain.Retire}, maker)
	require.Greater(t, low(retired, reputation.Maintenance), low(start(), reputation.Maintenance), "what has retired needs no maintenance")
	require.Equal(t, low(start(), reputation.Maintenance), low(retiredLate, reputation.Maintenance), "but retiring does not undo what was missed")
}

func TestAWithheldObligationThatIsOverdueCounts(t *testing.T) {
	maker, lessee, monitor := party(t, "maker"), party(t, "lessee"), party(t, "monitor")
	l := born(t, maker, noon.Add(-days(60)))
	l.enter(noon.Add(-days(50)), lease(maker, lessee, noon.Add(-days(50)), noon.Add(-days(20))),
		chain.Entry{Kind: chain.Open, Class: "lease", Due: noon.Add(-days(20))}, maker, lessee)
	l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	var facts int64
	for _, e := range evidence(t, trust(monitor), l.history(1), reputation.Obligations) {
		if e.Kind == reputation.Fact {
			facts += e.Bad
		}
	}
	require.Equal(t, int64(1), facts, "totals tell of an overdue obligation that is not shown")
}

func TestAnAdverseObservationOfAnyTypeCounts(t *testing.T) {
	maker, auditor := party(t, "maker"), party(t, "auditor")
	p := trust(auditor)
	with := func(entry chain.Entry) int64 {
		l := born(t, maker, noon.Add(-days(9)))
		l.enter(noon, record.Accreditation{Grant: record.Grant{Attests: []string{"UptimeCredential"}, Until: noon.Add(days(9))}}, entry, auditor)
		return score(t, p, l.history(), noon).Dimensions[reputation.Obligations].LowPpm
	}
	require.Less(t, with(breach), with(good))
	prior := score(t, p, born(t, maker, noon).history(), noon).Dimensions[reputation.Obligations].LowPpm
	require.Equal(t, prior, with(good), "praise without a known meaning is none")
}

func TestEvidenceIsWrittenAndReadAsJSON(t *testing.T) {
	e := reputation.Evidence{Sequence: 4, Digest: sha256.Sum256(nil), Day: 20_779, Dimension: reputation.Provenance, Kind: reputation.Fork, Standing: reputation.Telemetry, Bad: 1}
	text, err := json.Marshal(e)
	require.NoError(t, err)
	require.JSONEq(t, `{"sequence":4,"digest":"uEiDjsMRCmPwcFJr79MiZb7kkJ65B5GSbk0yklZkbeFK4VQ","day":"2026-11-22","dimension":"provenance","kind":"fork","assurance":"telemetry","bad":1}`, string(text))
	var again reputation.Evidence
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, e, again)
	for _, bad := range []string{`{"day":"2026-02-30"}`, `{"day":"1969-12-31"}`, `{"day":"2200-01-01"}`, `{"kind":"rumour"}`, `{"dimension":"Provenance"}`} {
		require.Error(t, json.Unmarshal([]byte(bad), &again), bad)
	}
	_, err = json.Marshal(reputation.Evidence{Kind: 99})
	require.ErrorContains(t, err, "no kind of evidence has the number 99")
	require.Equal(t, "unknown(9)", reputation.Dimension(9).String())
}

// What the machine is called by another name is the machine still: it is no witness of itself.
func TestAnotherNameOfTheMachineIsItsSide(t *testing.T) {
	maker, field := party(t, "maker"), party(t, "field")
	l := born(t, maker, noon.Add(-days(60)))
	binding := &record.KeyBinding{VerificationMethod: field.ID.KeyURL(), Protection: record.TPM2}
	l.enter(noon.Add(-days(50)), record.Commissioning{Time: noon.Add(-days(50)), Model: "LX-4", Serial: "7", KeyBinding: binding}, chain.Entry{Kind: chain.Rotate}, maker, field)
	l.enter(noon.Add(-days(40)), uptime(noon.Add(-days(40)), 604_800, 0), good, field)
	h, err := chain.New(l.machine.ID, l.entries...)
	require.NoError(t, err)
	require.Len(t, h.Names(), 2)
	s, err := reputation.NewScorer(trust(maker, field), nil)
	require.NoError(t, err)
	var seen int
	for _, e := range s.Case(h).Evidence {
		if e.Sequence == 2 && e.Dimension == reputation.Availability {
			seen++
			require.Equal(t, reputation.Interested, e.Standing)
		}
	}
	require.Equal(t, 1, seen)
}
