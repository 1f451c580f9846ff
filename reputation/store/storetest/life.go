package storetest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/store"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// today is when all records end, a Sunday.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return today }

const day = 24 * time.Hour

// party makes somebody with a key of their own, the same in every run.
func party(t testing.TB, name string) *vc.Issuer {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key, Now: clock}
}

// A cast is who plays a part in a record.
type cast struct {
	maker, monitor, shop, tenant, buyer, stranger *vc.Issuer
}

func newCast(t testing.TB) cast {
	return cast{party(t, "maker"), party(t, "monitor"), party(t, "shop"), party(t, "tenant"), party(t, "buyer"), party(t, "stranger")}
}

// policy believes some of the cast.
func policy(of ...*vc.Issuer) *reputation.Policy {
	p := reputation.DefaultPolicy()
	for _, i := range of {
		p.Issuers = append(p.Issuers, reputation.Issuer{ID: i.ID, Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 930_000}})
	}
	p.Fleets = []reputation.Fleet{{Name: "LX", Models: []string{"LX-4"}, Priors: p.Priors}}
	p.Fleets[0].Priors.Availability.Mean = 990_000
	return p
}

// A life is a machine and its record in the making.
type life struct {
	t       testing.TB
	cast    cast
	machine *vc.Issuer
	owner   *vc.Issuer
	head    chain.Head
	raws    [][]byte
	entries []chain.LoggedEntry
	at      time.Time
}

func born(t testing.TB, c cast, name string, at time.Time) *life {
	l := &life{t: t, cast: c, machine: party(t, name), owner: c.maker, at: at}
	l.enter(record.Commissioning{Time: at, Model: "LX-4", Serial: name}, chain.Entry{Kind: chain.Commission}, c.maker)
	return l
}

// issue signs an entry that follows head.
func (l *life) issue(head chain.Head, claim vc.Claim, e chain.Entry, signers ...*vc.Issuer) []byte {
	c := &vc.Credential{Subject: l.machine.ID, Claim: claim, ValidFrom: l.at}
	require.NoError(l.t, head.Append(c, e))
	raw, err := signers[0].Issue(c)
	require.NoError(l.t, err)
	for _, s := range signers[1:] {
		raw, err = s.AddProof(raw)
		require.NoError(l.t, err)
	}
	return raw
}

// enter adds an entry to the record.
func (l *life) enter(claim vc.Claim, e chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	raw := l.issue(l.head, claim, e, signers...)
	verifier := vc.Verifier{Now: clock}
	v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
	require.NoError(l.t, err)
	require.NoError(l.t, l.head.Advance(v))
	l.raws = append(l.raws, raw)
	l.entries = append(l.entries, chain.LoggedEntry{Sequence: l.head.Sequence, Digest: v.Digest(), Time: l.at.Add(time.Hour)})
	return v
}

func (l *life) uptime(by *vc.Issuer, up, down int64) *vc.Verified {
	u := record.Uptime{Availability: record.Availability{
		Start: l.at.Add(-7 * day), End: l.at, RequiredSeconds: up + down, UpSeconds: up, DownUnplannedSeconds: down, Method: record.Poll,
	}}
	if down > 0 {
		u.Interruptions, u.Failures = 1, 1
	}
	return l.enter(u, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, by)
}

// week lets something happen, and a week go by.
func (l *life) week(r *rand.Rand) {
	c := l.cast
	by := []*vc.Issuer{c.monitor, c.monitor, c.shop, c.stranger, l.owner}[r.IntN(5)]
	good := chain.Entry{Kind: chain.Observe, Outcome: chain.Good}
	switch r.IntN(10) {
	case 0, 1, 2:
		l.uptime(by, 600_000-r.Int64N(9000), r.Int64N(2)*4800)
	case 3, 4:
		m := record.Maintenance{Time: l.at, Work: record.Work{Category: record.Preventive, Activity: "inspect"}}
		if r.IntN(2) == 0 {
			m.NextDue = &record.Due{Date: l.at.Add(28 * day)}
		}
		l.enter(m, good, by)
	case 5:
		l.enter(record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 1 + r.Int64N(1000), Detected: l.at}},
			chain.Entry{Kind: chain.Observe, Outcome: chain.Degraded}, by)
	case 6:
		terms := record.Lease{Terms: record.Terms{Lessor: l.owner.ID, Lessee: c.tenant.ID, Start: l.at, End: l.at.Add(7 * day)}}
		opened := l.enter(terms, chain.Entry{Kind: chain.Open, Class: "lease", Due: l.at.Add(8 * day)}, l.owner, c.tenant)
		if r.IntN(3) > 0 {
			l.at = l.at.Add(6 * day)
			sequence := l.head.Sequence
			l.enter(record.LeaseOutcome{Return: record.Return{Lease: opened.Digest().String(), Returned: l.at, OnTime: true, Condition: record.ConditionGood}},
				chain.Entry{Kind: chain.Close, Class: "lease", RefersTo: sequence, Outcome: chain.Good}, c.tenant)
		}
	case 7: // the last report is corrected by who made it
		sequence := l.head.Sequence + 1
		l.uptime(by, 604_800, 0)
		l.at = l.at.Add(day)
		u := record.Uptime{Availability: record.Availability{
			Start: l.at.Add(-8 * day), End: l.at.Add(-day), RequiredSeconds: 604_800, UpSeconds: 500_000, DownUnplannedSeconds: 104_800, Method: record.Poll,
			Interruptions: 1, Failures: 1,
		}}
		l.enter(u, chain.Entry{Kind: chain.Amend, RefersTo: sequence}, by)
	case 8:
		heir := []*vc.Issuer{c.maker, c.buyer, c.shop}[r.IntN(3)]
		if heir == l.owner {
			return
		}
		l.enter(record.OwnershipTransfer{Time: l.at, OwningParty: record.OwningParty{Source: l.owner.ID, Destination: heir.ID}},
			chain.Entry{Kind: chain.Transfer}, l.owner, heir)
		l.owner = heir
	case 9: // late
		l.at = l.at.Add(-30 * day)
		l.uptime(by, 604_800, 0)
		l.at = l.at.Add(30 * day)
	}
	l.at = l.at.Add(7 * day)
}

// A memoryLog is a log that holds the first entries of some records.
type memoryLog struct {
	fresh   bool
	down    bool
	records map[vc.Digest][]chain.LoggedEntry
	time    time.Time
}

func (m *memoryLog) Record(name vc.Digest) (*chain.Logged, error) {
	if m.down {
		return nil, errors.New("nobody answers")
	}
	return &chain.Logged{
		Origin: "log.example", Checkpoint: sha256.Sum256(fmt.Append(nil, len(m.records[name]), m.time)), Time: m.time, Fresh: m.fresh, Entries: m.records[name],
	}, nil
}

func (m *memoryLog) hold(l *life, n int) {
	if m.records == nil {
		m.records = map[vc.Digest][]chain.LoggedEntry{}
	}
	m.records[l.head.Chain] = l.entries[:n]
}

// A loadCounter counts how often records are read.
type loadCounter struct {
	store.Store
	n int
}

func (l *loadCounter) Record(ctx context.Context, id did.DID) (*store.Machine, []store.Entry, error) {
	l.n++
	return l.Store.Record(ctx, id)
}

// scores feeds random records to a service entry by entry, in pieces, out of order, with
// gaps, forks and countersigned copies, and compares its scores with those of the whole.
func scores(t *testing.T, open func(t testing.TB) store.Store) {
	c := newCast(t)
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			l := born(t, c, fmt.Sprint("machine ", seed), today.Add(-400*day))
			for l.at.Before(today.Add(-14 * day)) {
				l.week(r)
			}
			shown := slices.Clone(l.raws)
			switch seed % 4 {
			case 1: // some are withheld at first
				for range 3 {
					i := 1 + r.IntN(len(shown)-1)
					shown = slices.Delete(shown, i, i+1)
				}
			case 2: // somebody writes the newest entry twice
				fork := born(t, c, fmt.Sprint("machine ", seed), today.Add(-400*day))
				fork.at = today.Add(-7 * day)
				fork.uptime(c.monitor, 1, 604_799)
				shown = append(shown, fork.raws[1])
			case 3: // a copy that one party more has signed
				i := r.IntN(len(shown))
				signed, err := c.shop.AddProof(shown[i])
				require.NoError(t, err)
				shown = append(shown, signed)
			}
			r.Shuffle(len(shown)/2, func(i, j int) { shown[i], shown[j] = shown[j], shown[i] })

			log := &memoryLog{time: today, fresh: true}
			loads := &loadCounter{Store: open(t)}
			s := &store.Service{Store: loads, Verifier: &vc.Verifier{Now: clock}, Warm: []int{0, 1000}[r.IntN(2)]}
			p := policy(c.maker, c.monitor, c.shop)
			var err error
			s.Scorer, err = reputation.NewScorer(p, nil)
			require.NoError(t, err)
			if seed%3 > 0 {
				s.Log = log
			}
			var taken []*vc.Verified
			verifier := vc.Verifier{Now: clock}
			check := func(what string) {
				t.Helper()
				h, err := chain.NewDisclosed(l.machine.ID, taken...)
				require.NoError(t, err)
				if s.Log != nil {
					h, err = h.Seen(s.Log)
					require.NoError(t, err)
				}
				for _, at := range []time.Time{today, today.Add(40 * day), today.Add(-200 * day)} {
					want, err := s.Scorer.Score(h, at)
					require.NoError(t, err)
					got, err := s.Score(t.Context(), l.machine.ID, at)
					require.NoError(t, err)
					require.Equal(t, want, got, "%s, as of %v", what, at)
				}
				before := loads.n
				_, err = s.Score(t.Context(), l.machine.ID, today.Add(40*day))
				require.NoError(t, err)
				require.Equal(t, before, loads.n, "%s: counts are read, not the record", what)

				kept, err := s.History(t.Context(), l.machine.ID)
				require.NoError(t, err)
				want, err := s.Scorer.Score(h, today)
				require.NoError(t, err)
				got, err := s.Scorer.Score(kept, today)
				require.NoError(t, err)
				require.Equal(t, want, got, "%s: the record that is kept scores the same", what)
			}
			for len(shown) > 0 {
				n := min(1+r.IntN(12), len(shown))
				piece := shown[:n]
				shown = shown[n:]
				_, err := s.Ingest(t.Context(), l.machine.ID, piece...)
				require.NoError(t, err)
				for _, raw := range piece {
					v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
					require.NoError(t, err)
					taken = append(taken, v)
				}
				check("taken in")
			}
			m, err := s.Ingest(t.Context(), l.machine.ID, l.raws[3])
			require.NoError(t, err)
			if len(taken) == len(l.raws) && seed%4 == 0 {
				require.Equal(t, l.head, m.Head)
			}

			// The world goes on, and the counts with it.
			log.hold(l, len(l.entries)/2)
			check("the log holds half")
			log.hold(l, len(l.entries))
			check("the log holds all")
			log.fresh, log.time = false, today.Add(-day)
			check("the log is stale")
			p.Issuers[1].Sensitivity = 700_000
			s.Scorer, err = reputation.NewScorer(p, nil)
			require.NoError(t, err)
			check("somebody is believed less")
			p.Issuers = p.Issuers[1:]
			p.Controllers = []reputation.Controller{{ID: c.shop.ID, Machines: []did.DID{l.machine.ID}}}
			s.Scorer, err = reputation.NewScorer(p, nil)
			require.NoError(t, err)
			check("somebody is believed no more, and somebody else has an interest")

			count := 0
			require.NoError(t, s.Scores(t.Context(), today, func(id did.DID, got *reputation.Score, err error) error {
				require.NoError(t, err)
				want, err := s.Score(t.Context(), id, today)
				require.NoError(t, err)
				require.Equal(t, want, got)
				count++
				return nil
			}))
			require.Equal(t, 1, count)
			if log.down = true; s.Log != nil {
				_, err := s.Score(t.Context(), l.machine.ID, today)
				require.ErrorContains(t, err, "nobody answers")
			}
		})
	}
}

// shared lets several services take in parts of one record at once.
func shared(t *testing.T, st store.Store) {
	c := newCast(t)
	l := born(t, c, "shared", today.Add(-200*day))
	for range 20 {
		l.uptime(c.monitor, 604_800, 0)
		l.at = l.at.Add(7 * day)
	}
	scorer, err := reputation.NewScorer(policy(c.maker, c.monitor), nil)
	require.NoError(t, err)
	service := func() *store.Service {
		return &store.Service{Store: st, Scorer: scorer, Verifier: &vc.Verifier{Now: clock}, Warm: 100}
	}
	done := make(chan error)
	for i := range 3 {
		go func() {
			s := service()
			for j := i; j < len(l.raws); j += 3 {
				if _, err := s.Ingest(context.Background(), l.machine.ID, l.raws[j]); err != nil {
					if _, conflict := errors.AsType[*store.ConflictError](err); conflict {
						j -= 3 // again
						continue
					}
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 3 {
		require.NoError(t, <-done)
	}
	m, err := st.Machine(t.Context(), l.machine.ID)
	require.NoError(t, err)
	require.Equal(t, l.head, m.Head)

	// What does not belong to the record is refused, and nothing of it is kept.
	other := born(t, c, "another", today.Add(-9*day))
	before := *m
	_, err = service().Ingest(t.Context(), l.machine.ID, other.raws[0])
	var mixed *chain.MixedError
	require.ErrorAs(t, err, &mixed)
	forged := slices.Clone(l.raws[1])
	forged[len(forged)/2] ^= 1
	_, err = service().Ingest(t.Context(), l.machine.ID, forged)
	var rejected *vc.RejectError
	require.ErrorAs(t, err, &rejected)
	m, err = st.Machine(t.Context(), l.machine.ID)
	require.NoError(t, err)
	require.Equal(t, &before, m)
}

// Bench measures an implementation.
func Bench(b *testing.B, open func(b testing.TB) store.Store) {
	c := newCast(b)
	scorer, err := reputation.NewScorer(policy(c.maker, c.monitor), nil)
	require.NoError(b, err)
	grown := func(weeks int) *life {
		l := born(b, c, "benched", today.Add(-time.Duration(weeks+1)*7*day))
		for range weeks {
			l.at = l.at.Add(7 * day)
			l.uptime(c.monitor, 604_800, 0)
		}
		return l
	}
	l := grown(52)
	service := func(b *testing.B, warm int) *store.Service {
		s := &store.Service{Store: open(b), Scorer: scorer, Verifier: &vc.Verifier{Now: clock}, Warm: warm}
		_, err := s.Ingest(b.Context(), l.machine.ID, l.raws...)
		require.NoError(b, err)
		return s
	}
	b.Run("ingest an entry, record in memory", func(b *testing.B) {
		s := service(b, 1000)
		i := 0
		for b.Loop() {
			i++
			if _, err := s.Ingest(b.Context(), l.machine.ID, l.raws[i%len(l.raws)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ingest an entry, record of a year on disk", func(b *testing.B) {
		s := service(b, 0)
		for b.Loop() {
			if _, err := s.Ingest(b.Context(), l.machine.ID, l.raws[52]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ingest a record of a year", func(b *testing.B) {
		s := service(b, 0)
		for b.Loop() {
			if _, err := s.Ingest(b.Context(), l.machine.ID, l.raws...); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(l.raws)), "µs/entry")
	})
	b.Run("put a state", func(b *testing.B) {
		s := service(b, 0)
		m, err := s.Store.Machine(b.Context(), l.machine.ID)
		require.NoError(b, err)
		for b.Loop() {
			if err := s.Store.Put(b.Context(), m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read a score", func(b *testing.B) {
		s := service(b, 0)
		for b.Loop() {
			if _, err := s.Score(b.Context(), l.machine.ID, today); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read the scores of 1,000 machines", func(b *testing.B) {
		const machines = 1000
		s := service(b, 0)
		m, err := s.Store.Machine(b.Context(), l.machine.ID)
		require.NoError(b, err)
		for i := range machines {
			twin := *m
			twin.ID, twin.Revision = name(i), 0
			twin.Lens = scorer.Lens(twin.ID, twin.Signers)
			require.NoError(b, s.Store.Put(b.Context(), &twin))
		}
		for b.Loop() {
			if err := s.Scores(b.Context(), today, func(_ did.DID, _ *reputation.Score, err error) error { return err }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*(machines+1)), "ns/machine")
	})
}

// names has a machine take on another name: its record goes on, and who asks by the other name is told.
func names(t *testing.T, st store.Store) {
	l := born(t, newCast(t), "machine", today.Add(-30*day))
	field := party(t, "field")
	l.at = l.at.Add(day)
	l.enter(record.Commissioning{Time: l.at, Model: "LX-4", Serial: "machine",
		KeyBinding: &record.KeyBinding{VerificationMethod: field.ID.KeyURL(), Protection: record.Software}},
		chain.Entry{Kind: chain.Rotate}, l.cast.maker, field)
	scorer, err := reputation.NewScorer(policy(l.cast.monitor), nil)
	require.NoError(t, err)
	s := &store.Service{Store: st, Scorer: scorer, Verifier: &vc.Verifier{Now: clock}}
	_, err = s.Ingest(t.Context(), l.machine.ID, l.raws...)
	require.NoError(t, err)
	h, err := s.History(t.Context(), l.machine.ID)
	require.NoError(t, err)
	require.Equal(t, []did.DID{l.machine.ID, field.ID}, h.Names())
	_, err = s.Score(t.Context(), l.machine.ID, today)
	require.NoError(t, err)

	_, err = s.Score(t.Context(), field.ID, today)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "that it was commissioned by")
	_, err = s.Ingest(t.Context(), field.ID, l.raws...)
	require.ErrorIs(t, err, chain.ErrSubject, "nor does a record begin again under another name")
	require.ErrorContains(t, err, l.machine.ID.String())
}
