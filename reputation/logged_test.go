package reputation_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A held is a log that holds these entries, each an hour after its validFrom.
type held []*vc.Verified

func (l held) Record(vc.Digest) (*chain.Logged, error) {
	logged := &chain.Logged{Origin: "log.example", Checkpoint: vc.Digest{7}, Time: noon, Fresh: true}
	for _, v := range l {
		var link chain.Link
		if _, err := v.Member("record", &link); err != nil {
			return nil, err
		}
		logged.Entries = append(logged.Entries, chain.LoggedEntry{Sequence: link.Sequence, Digest: v.Digest(), Time: v.ValidFrom().Add(time.Hour)})
	}
	return logged, nil
}

// told is a log that says what it is told.
type told chain.Logged

func (l told) Record(vc.Digest) (*chain.Logged, error) { return (*chain.Logged)(&l), nil }

// logged is a history of entries, as a log sees it that holds those.
func logged(t testing.TB, l *life, log chain.Log, shown ...*vc.Verified) *chain.History {
	t.Helper()
	h, err := chain.NewDisclosed(l.machine.ID, shown...)
	require.NoError(t, err)
	h, err = h.Seen(log)
	require.NoError(t, err)
	return h
}

// weekly is a record with a good week after the other, the last at noon.
func weekly(t testing.TB, maker, monitor *vc.Issuer, weeks int) *life {
	l := born(t, maker, noon.Add(-days(7*weeks+30)))
	for i := range weeks {
		at := noon.Add(-days(7 * (weeks - 1 - i)))
		l.enter(at, uptime(at, 604_800, 0), good, monitor)
	}
	return l
}

// of finds the evidence of a kind.
func of(t testing.TB, p *reputation.Policy, h *chain.History, k reputation.Kind) (found []reputation.Evidence) {
	t.Helper()
	s, err := reputation.NewScorer(p, nil)
	require.NoError(t, err)
	for _, e := range s.Case(h).Evidence {
		if e.Kind == k {
			found = append(found, e)
		}
	}
	return found
}

func TestAScoreNamesTheCheckpoint(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := weekly(t, maker, monitor, 10)
	s := score(t, p, logged(t, l, held(l.entries), l.entries...), noon)
	require.Equal(t, chain.C4, s.Completeness)
	require.Equal(t, vc.Digest{7}.String(), s.Head.Checkpoint)
	plain := score(t, p, l.history(), noon)
	require.Empty(t, plain.Head.Checkpoint)
	require.Equal(t, plain.EvidenceRoot, s.EvidenceRoot, "a log that holds all changes the class, no more")
	require.Equal(t, plain.LowPpm, s.LowPpm)
}

// Whoever checks a score reads a later checkpoint than who made it.
func TestACheckReadsALaterCheckpoint(t *testing.T) {
	maker, monitor, scorer := party(t, "maker"), party(t, "monitor"), party(t, "scorer")
	p := trust(maker, monitor)
	l := weekly(t, maker, monitor, 10)
	h := logged(t, l, held(l.entries), l.entries...)
	raw, err := scorer.Issue(score(t, p, h, noon).Credential(l.machine.ID, noon))
	require.NoError(t, err)
	verifier := vc.Verifier{Now: func() time.Time { return noon }}
	v, err := verifier.Verify(t.Context(), raw, vc.IssuedBy(scorer.ID))
	require.NoError(t, err)
	say, err := held(l.entries).Record(vc.Digest{})
	require.NoError(t, err)
	say.Checkpoint = vc.Digest{8}
	require.NoError(t, reputation.Check(v, logged(t, l, told(*say), l.entries...), p, nil))
	mismatch := new(reputation.MismatchError)
	require.ErrorAs(t, reputation.Check(v, l.history(), p, nil), &mismatch)
	require.Equal(t, "head.checkpoint", mismatch.Field)
}

// Hide: the end of a record.
func TestATailThatTheLogHoldsIsWithheld(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := weekly(t, maker, monitor, 10)
	shown := slices.Clone(l.entries)
	for i := range 3 {
		l.enter(noon.Add(-time.Duration(3-i)*time.Minute), uptime(noon, 0, 604_800), breach, monitor)
	}
	whole := score(t, p, logged(t, l, held(l.entries), l.entries...), noon)
	h := logged(t, l, held(l.entries), shown...)
	require.Equal(t, []int64{3}, []int64{of(t, p, h, reputation.Tail)[0].Bad})
	require.Len(t, of(t, p, h, reputation.Hidden), 4)
	s := score(t, p, h, noon)
	require.Equal(t, chain.C1, s.Completeness)
	require.LessOrEqual(t, s.Points, whole.Points)
	require.Less(t, s.LowPpm, whole.LowPpm)
	var codes []reputation.Code
	for _, r := range s.Reasons {
		codes = append(codes, r.Code)
	}
	require.Contains(t, codes, reputation.EntriesMissing)
}

// Fork: who signed the branch that the log does not hold decides whether it matters.
func TestWhoseForkCounts(t *testing.T) {
	maker, monitor, stranger, seller, owner := party(t, "maker"), party(t, "monitor"), party(t, "stranger"), party(t, "seller"), party(t, "owner")
	p := trust(monitor)
	start := func() *life {
		l := born(t, maker, noon.Add(-days(60)))
		l.enter(noon.Add(-days(59)), handover(noon.Add(-days(59)), maker, seller), chain.Entry{Kind: chain.Transfer}, maker, seller)
		l.enter(noon.Add(-days(50)), handover(noon.Add(-days(50)), seller, owner), chain.Entry{Kind: chain.Transfer}, seller, owner)
		return l
	}
	for _, tt := range []struct {
		name   string
		signer func(*life) *vc.Issuer
		want   reputation.Kind
	}{
		{"a stranger", func(*life) *vc.Issuer { return stranger }, reputation.Rival},
		{"a witness that the policy trusts", func(*life) *vc.Issuer { return monitor }, reputation.Fork},
		{"the machine", func(l *life) *vc.Issuer { return l.machine }, reputation.Fork},
		{"its owner", func(*life) *vc.Issuer { return owner }, reputation.Fork},
		{"who sold it, and is a stranger now", func(*life) *vc.Issuer { return seller }, reputation.Rival},
	} {
		for _, beyond := range []bool{false, true} {
			l := start()
			rival := l.issue(l.head, noon.Add(-days(1)), uptime(noon.Add(-days(1)), 0, 604_800), breach, tt.signer(l))
			for i := range 3 {
				l.enter(noon.Add(-days(20-i)), uptime(noon.Add(-days(20-i)), 604_800, 0), good, stranger)
			}
			log := held(l.entries)
			if beyond {
				log = log[:3] // up to where they part
			}
			shown := append(slices.Clone(l.entries), rival)
			h := logged(t, l, log, shown...)
			require.Len(t, of(t, p, h, tt.want), 1, "%s, beyond the log: %v", tt.name, beyond)
			s := score(t, p, h, noon)
			require.Equal(t, tt.want == reputation.Fork, s.Points == reputation.CapEquivocation, "%s, beyond the log: %v", tt.name, beyond)
			unseen, err := chain.NewDisclosed(l.machine.ID, shown...)
			require.NoError(t, err)
			require.EqualValues(t, reputation.CapEquivocation, score(t, p, unseen, noon).Points, "without a log nobody can tell")
		}
	}
}

// A stranger's entry with any sequence and any totals, beyond what the log holds.
func TestWhatStrangersAllegeBeyondTheLog(t *testing.T) {
	maker, monitor, stranger := party(t, "maker"), party(t, "monitor"), party(t, "stranger")
	p := trust(maker, monitor)
	l := weekly(t, maker, monitor, 10)
	far := func(by *vc.Issuer) *vc.Verified {
		other := *l
		for range 9 {
			other.enter(noon, uptime(noon, 0, 604_800), breach, by)
		}
		return other.entries[len(other.entries)-1]
	}
	want := score(t, p, logged(t, l, held(l.entries), l.entries...), noon)
	got := score(t, p, logged(t, l, held(l.entries), append(slices.Clone(l.entries), far(stranger))...), noon)
	require.Equal(t, want, got)
	h := logged(t, l, held(l.entries), append(slices.Clone(l.entries), far(monitor))...)
	got = score(t, p, h, noon)
	require.Equal(t, chain.C1, got.Completeness, "a witness says that there were entries before his")
	require.NotEmpty(t, of(t, p, h, reputation.Hidden))
}

// What the log does not hold is no praise. Blame counts before anybody could have logged it.
func TestPraiseCountsOnceItIsLogged(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	l := weekly(t, maker, monitor, 10)
	logs := held(slices.Clone(l.entries))
	l.enter(noon, uptime(noon.Add(-time.Hour), 604_800, 0), good, monitor)
	h := logged(t, l, logs, l.entries...)
	require.Equal(t, chain.C4, h.Class())
	require.Len(t, of(t, p, h, reputation.Unlogged), 2, "of availability, and of provenance")
	require.Empty(t, of(t, p, logged(t, l, held(l.entries), l.entries...), reputation.Unlogged))
	before := score(t, p, h, noon)
	l.enter(noon, uptime(noon.Add(-2*time.Hour), 0, 604_800), breach, monitor)
	require.Less(t, score(t, p, logged(t, l, logs, l.entries...), noon).LowPpm, before.LowPpm)
}

// Back-date: what a signer says about time, against when the log held it.
func TestLogTimeBoundsWhatASignerSays(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	event := noon.Add(-days(200))
	l := born(t, maker, noon.Add(-days(400)))
	l.enter(event, uptime(event, 604_800, 0), good, monitor)
	first := func(h *chain.History) reputation.Evidence { return evidence(t, p, h, reputation.Availability)[0] }
	require.Equal(t, reputation.Report, first(l.history()).Kind, "without a log, its own word is all there is")

	log, err := held(l.entries).Record(vc.Digest{})
	require.NoError(t, err)
	at := func(logged time.Time) chain.Log {
		say := told(*log)
		say.Entries = slices.Clone(log.Entries)
		say.Entries[1].Time = logged
		return say
	}
	require.Equal(t, reputation.Report, first(logged(t, l, at(event.Add(days(80))), l.entries...)).Kind, "80 days late")
	require.Equal(t, reputation.BackDated, first(logged(t, l, at(noon), l.entries...)).Kind, "200 days late")
	require.Equal(t, reputation.Report, first(logged(t, l, at(time.Time{}), l.entries...)).Kind, "held, who knows since when")
	early := first(logged(t, l, at(event.Add(-days(30))), l.entries...))
	require.Equal(t, reputation.DayOf(event.Add(-days(30))), early.Day, "nobody has seen what comes after the log held his word")

	// The record is not late by its own order, if the log says that it was in time.
	l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	l.enter(noon, uptime(noon.Add(-days(150)), 604_800, 0), good, monitor)
	log, err = held(l.entries).Record(vc.Digest{})
	require.NoError(t, err)
	say := told(*log)
	say.Entries[2].Time, say.Entries[3].Time = noon.Add(-days(120)), noon.Add(-days(120))
	require.Equal(t, reputation.Report, evidence(t, p, logged(t, l, say, l.entries...), reputation.Availability)[2].Kind)
	require.Equal(t, reputation.BackDated, evidence(t, p, l.history(), reputation.Availability)[2].Kind)
}

// Sit on it: bad news counts, however long somebody kept it from the log, also where its witness's
// proof does not say when it was made (W3C leaves that open).
func TestBadNewsIsNotLaidToRestByLoggingItLate(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	p := trust(maker, monitor)
	at := noon.Add(-days(150))
	monitor.Now = func() time.Time { return at.Add(days(1)) }
	for _, dated := range []bool{true, false} {
		l := born(t, maker, noon.Add(-days(400)))
		enter := func(at time.Time, up, down int64, outcome chain.Entry) {
			v := l.issue(l.head, at, uptime(at, up, down), outcome, monitor)
			if !dated {
				v = undated(t, v, monitor)
			}
			require.NoError(t, l.head.Advance(v))
			l.entries = append(l.entries, v)
		}
		enter(at, 604_800, 0, good)
		enter(at.Add(days(1)), 0, 604_800, breach)
		log, err := held(l.entries).Record(vc.Digest{})
		require.NoError(t, err)
		late := told(*log)
		late.Entries[1].Time, late.Entries[2].Time = noon, noon
		h := logged(t, l, late, l.entries...)
		var blame, praise int64
		for _, e := range evidence(t, p, h, reputation.Availability) {
			if e.Kind == reputation.Report {
				blame, praise = blame+e.Bad, praise+e.Good
			}
		}
		require.EqualValues(t, 604_800, blame, "dated %t", dated)
		require.Zero(t, praise, "what the log did not hold in time is no praise")
	}
}

// undated returns a credential as its issuer signs it who does not say when.
func undated(t testing.TB, v *vc.Verified, by *vc.Issuer) *vc.Verified {
	t.Helper()
	doc, err := strictjson.Parse([]byte(v.Raw()), strictjson.Limits{Bytes: vc.MaxCredentialBytes})
	require.NoError(t, err)
	old := doc.Root().Member("proof")
	proof := func(more ...jcs.Override) []byte {
		return jcs.Append(nil, old, append(more, jcs.Override{Name: "created"})...)
	}
	options := jcs.Override{Name: "@context", Canonical: jcs.Append(nil, doc.Root().Member("@context"))}
	signed, err := vc.EdDSAJCS2022{}.Sign(by.Key, jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"}), proof(options, jcs.Override{Name: "proofValue"}))
	require.NoError(t, err)
	value := jcs.Override{Name: "proofValue", Canonical: []byte(strconv.Quote(signed))}
	raw := jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof", Canonical: proof(options, value)})
	verifier := vc.Verifier{Now: func() time.Time { return noon }}
	same, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	require.Zero(t, same.Created())
	return same
}

// A witness's key that was given up long ago still makes good proofs that say they are as old.
func TestAProofOfOldSpeaksOfNoLaterTime(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	monitor.Now = func() time.Time { return noon.Add(-days(700)) }
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(800)))
	l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
	found := evidence(t, p, logged(t, l, held(l.entries), l.entries...), reputation.Availability)
	require.Equal(t, reputation.BackDated, found[0].Kind)
	require.Equal(t, reputation.DayOf(noon.Add(-days(700))), found[0].Day)
}

// Replay and duplicate: one receipt, entered again and again.
func TestAReceiptCountsOnce(t *testing.T) {
	maker, monitor, carrier := party(t, "maker"), party(t, "monitor"), party(t, "carrier")
	p := trust(maker, monitor)
	l := born(t, maker, noon.Add(-days(30)))
	receipt := uptime(noon.Add(-days(7)), 604_800, 0)
	l.enter(noon.Add(-days(7)), receipt, good, monitor)
	once := score(t, p, l.history(), noon)
	l.enter(noon.Add(-days(3)), receipt, good, monitor)
	l.enter(noon.Add(-days(2)), receipt, good, carrier, monitor)
	require.Len(t, of(t, p, l.history(), reputation.Duplicate), 2, "also in a letter that somebody else sends")
	again := score(t, p, l.history(), noon)
	require.Equal(t, once.Dimensions[reputation.Availability], again.Dimensions[reputation.Availability])
	require.Contains(t, again.Reasons, reputation.Reason{Code: reputation.Duplicates, Text: reputation.Duplicates.Text()})

	broken := uptime(noon.Add(-days(1)), 0, 604_800)
	l.enter(noon, broken, breach, monitor)
	l.enter(noon, broken, breach, monitor)
	require.Len(t, of(t, p, l.history(), reputation.Duplicate), 2, "blame is counted by the week in any case")

	corrected := born(t, maker, noon.Add(-days(30)))
	corrected.enter(noon.Add(-days(7)), receipt, good, monitor)
	corrected.enter(noon.Add(-days(6)), receipt, chain.Entry{Kind: chain.Amend, RefersTo: 1}, monitor)
	found := evidence(t, p, corrected.history(), reputation.Availability)
	require.Len(t, found, 1, "an amendment that changes nothing leaves it as it was")
	require.Equal(t, reputation.Report, found[0].Kind)
}

// A stolen key of the machine: it praises, opens obligations, plans, and takes what is owned.
func TestWhatAThiefSignsCountsForNothing(t *testing.T) {
	maker, monitor, owner, lessee, thief := party(t, "maker"), party(t, "monitor"), party(t, "owner"), party(t, "lessee"), party(t, "thief")
	start := func() *life {
		l := born(t, maker, noon.Add(-days(60)))
		l.enter(noon.Add(-days(59)), handover(noon.Add(-days(59)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
		l.enter(noon.Add(-days(50)), uptime(noon.Add(-days(50)), 604_800, 0), good, monitor)
		return l
	}
	report := func(l *life) {
		method, err := did.ParseURL(l.machine.ID.String() + "#" + l.machine.ID.String()[len("did:key:"):])
		require.NoError(t, err)
		l.enter(noon.Add(-days(1)), record.Commissioning{Model: "LX-4", Serial: "7", Time: noon.Add(-days(1))},
			chain.Entry{Kind: chain.Rotate, Revokes: []did.URL{method}, CompromisedSince: noon.Add(-days(45))}, owner)
	}
	steal := func(l *life) {
		planned := service(noon.Add(-days(40)), record.Preventive)
		planned.NextDue = &record.Due{Date: noon.Add(-days(30))}
		l.enter(noon.Add(-days(40)), planned, good, l.machine)
		l.enter(noon.Add(-days(39)), uptime(noon.Add(-days(39)), 0, 604_800), breach, l.machine)
		l.enter(noon.Add(-days(38)), lease(thief, lessee, noon.Add(-days(38)), noon.Add(-days(30))),
			chain.Entry{Kind: chain.Open, Class: "lease", Due: noon.Add(-days(30))}, thief, l.machine)
	}
	harmed, clean := start(), start()
	steal(harmed)
	report(harmed)
	report(clean)
	p := trust(maker, monitor)
	see := func(l *life) *chain.History { return logged(t, l, held(l.entries), l.entries...) }
	got, want := score(t, p, see(harmed), noon), score(t, p, see(clean), noon)
	require.Equal(t, want.Dimensions, got.Dimensions)
	require.Len(t, of(t, p, see(harmed), reputation.Void), 3)
	require.Contains(t, got.Reasons, reputation.Reason{Code: reputation.KeyCompromised, Text: reputation.KeyCompromised.Text()})

	// Who calls his key stolen does not get out of what he promised to a witness whom the reader trusts.
	bound := start()
	bound.enter(noon.Add(-days(38)), lease(owner, lessee, noon.Add(-days(38)), noon.Add(-days(30))),
		chain.Entry{Kind: chain.Open, Class: "lease", Due: noon.Add(-days(30))}, lessee, bound.machine)
	report(bound)
	require.Len(t, of(t, trust(maker, monitor, lessee), see(bound), reputation.Due), 1)
	require.Empty(t, of(t, p, see(bound), reputation.Due), "anybody can say that he made a contract with a thief")

	// Who else signed stands by it.
	seen := start()
	seen.enter(noon.Add(-days(38)), uptime(noon.Add(-days(38)), 604_800, 0), good, seen.machine, monitor)
	report(seen)
	found := evidence(t, p, see(seen), reputation.Availability)
	require.Equal(t, []did.DID{monitor.ID, monitor.ID}, []did.DID{found[0].Issuer, found[1].Issuer})
	require.Equal(t, reputation.Report, found[1].Kind)
}

// What the reader knows of keys that have no entry rotate: a maker's, a witness's.
func TestWhatTheReaderIsToldCountsForNothing(t *testing.T) {
	maker, monitor, owner := party(t, "maker"), party(t, "monitor"), party(t, "owner")
	method := func(of *vc.Issuer) did.URL { return of.ID.KeyURL() }
	// Everybody signs when he says so, and the log holds it at once.
	signs := func(by *vc.Issuer, ago int) *vc.Issuer {
		same := *by
		same.Now = func() time.Time { return noon.Add(-days(ago)) }
		return &same
	}
	l := born(t, signs(maker, 60), noon.Add(-days(60)))
	l.enter(noon.Add(-days(59)), handover(noon.Add(-days(59)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
	l.enter(noon.Add(-days(50)), uptime(noon.Add(-days(50)), 604_800, 0), good, signs(monitor, 50))
	l.enter(noon.Add(-days(20)), uptime(noon.Add(-days(20)), 604_800, 0), good, signs(monitor, 20))
	whole := logged(t, l, held(l.entries), l.entries...)
	p := trust(maker, monitor)
	tell := func(keys ...chain.Compromise) *reputation.Score {
		h, err := whole.Told(keys...)
		require.NoError(t, err)
		return score(t, p, h, noon)
	}
	plain := score(t, p, whole, noon)
	require.Equal(t, plain, tell(chain.Compromise{Method: method(monitor), Since: noon}), "logged before")
	noted := reputation.Reason{Code: reputation.KeyCompromised, Text: reputation.KeyCompromised.Text()}
	require.NotContains(t, plain.Reasons, noted)

	since := tell(chain.Compromise{Method: method(monitor), Since: noon.Add(-days(30))})
	require.Contains(t, since.Reasons, noted)
	require.Less(t, since.Points, plain.Points, "one report of two is left")
	ever := tell(chain.Compromise{Method: method(monitor)})
	require.Less(t, ever.Points, since.Points)

	// A maker's key that others have: the birth of a machine proves nothing, and the machine's
	// side is still its side.
	h, err := whole.Told(chain.Compromise{Method: method(maker)})
	require.NoError(t, err)
	require.NotNil(t, h.Entries()[0].Void)
	require.Nil(t, h.Entries()[1].Void, "he cannot undo the sale")
	require.Equal(t, owner.ID, h.Head().Owner)
	self := born(t, maker, noon.Add(-days(60)))
	self.enter(noon.Add(-days(50)), uptime(noon.Add(-days(50)), 604_800, 0), good, monitor)
	p.Issuers[1].Controller = maker.ID
	young, err := logged(t, self, held(self.entries), self.entries...).Told(chain.Compromise{Method: method(maker)})
	require.NoError(t, err)
	reports := of(t, p, young, reputation.Report)
	require.NotEmpty(t, reports)
	for _, e := range reports {
		require.Equal(t, reputation.Interested, e.Standing, "the maker is still the owner, and the monitor is his")
	}
}
