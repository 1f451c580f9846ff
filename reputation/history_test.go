package reputation_test

import (
	"crypto/ed25519"
	"crypto/sha256"
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
	s, err := reputation.NewScorer(p)
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
	require.Equal(t, reputation.C2, s.Completeness)
	require.Equal(t, l.head.Digest, s.Head.Digest)
	require.Greater(t, s.Failures.MTBFSeconds, int64(500_000))
	before := score(t, trust(), l.history(), noon)
	require.Greater(t, s.LowPpm, before.LowPpm+100_000, "whom nobody knows has no influence")
	require.Zero(t, before.Evidence)
}

// The regressions that SCORE.md names, as signed records.
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
