package reputation

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Limits on what an [Estimator] collects.
const (
	// MaxObserved bounds the issuers that are heard of. Each that speaks beside another with
	// influence takes a kilobyte while a table is made.
	MaxObserved = 1 << 20

	// MaxBallots is with how many statements an estimator is full, one for each issuer,
	// machine, dimension and week, or more if in one week several say different things of
	// several parts of it: 2^28 take a gigabyte, and with one machine more at most two.
	MaxBallots = 1 << 28
)

// TrustHalfLife is the age in windows at which what an issuer said weighs half in judging
// it. Nobody lives for ever on having been honest once.
const TrustHalfLife = 48

// moments is into how many a week of a machine is divided: a report that it was up for
// 95 % of the week says good of 61 of them, and bad of 3.
const moments = 64

// An Estimator finds out whom to believe: it collects what issuers said of machines, and
// makes a [TrustTable] of it. Add gives it a machine's case, Accredit an accreditation, and
// Table estimates. The order in which things are added makes no difference, and neither
// does adding them to several estimators and merging these.
//
// The danger: it believes the roots. Whoever controls enough of what roots say controls
// everything; see docs/SCORE.md §13 for what was measured.
//
// An Estimator is for one goroutine at a time.
type Estimator struct {
	policy Policy
	digest vc.Digest
	asOf   Day

	roots     map[did.DID]Reliability
	electors  []elector         // in the order in which they were heard of
	electorOf map[did.DID]int32 // index of
	groupOf   map[did.DID]int32 // of issuers that are not alone: who share a controller or log
	groups    int32

	machines  []did.DID
	added     map[did.DID]bool // machines
	evidence  []vc.Digest      // root of each machine's case
	subjects  []subject
	pieces    []piece
	ballots   []ballot
	accredits map[accreditation]bool
}

// An elector is an issuer that speaks.
type elector struct {
	id    did.DID
	group int32 // those with the same number are not independent
	root  bool

	se, sp    uint64   // its reliability at present, Q32
	good, bad int64    // log-likelihood ratio of its saying so, Q32
	windows   uint64   // on which others with influence spoke too, Q16
	heard     *hearing // nil if it never spoke where anything is known
	late      *hearing // of that, what it said in the last lateWindows; nil if nothing
}

// A subject is one machine in one dimension.
type subject struct {
	machine   int32
	dimension Dimension
	from, to  int32  // its pieces
	withheld  uint64 // adverse reports that totals show, Q16
	overdue   uint64 // obligations not met in time, Q16
	weeks     uint64 // in which anybody spoke, Q16
	bad       uint64 // what was said against it, by all, Q16
}

// A piece is a part of one week of a subject during which everybody says one thing.
type piece struct {
	weight   uint32 // of a window, Q16
	from, to int32  // its ballots, sorted by group
	late     bool   // it is of the last lateWindows
}

// A ballot is what one issuer says of a piece.
type ballot uint32

const (
	against  ballot = 1 << iota // it says bad
	unheard                     // not heard on this machine
	ballotBy = iota             // bits to shift for the index of the elector
)

func (b ballot) by() int32 { return int32(b >> ballotBy) }

// NewEstimator returns an empty estimator under a policy, as of a day. The policy must have
// a root at least: trust has to come from somewhere.
func NewEstimator(policy *Policy, asOf Day) (*Estimator, error) {
	digest, err := policy.Digest() // validates
	if err != nil {
		return nil, err
	}
	if asOf < 0 || asOf > MaxDay {
		return nil, fmt.Errorf("reputation: day %d lies outside 1970-01-01 to %v", int32(asOf), MaxDay)
	}
	e := &Estimator{
		policy: *policy, digest: digest, asOf: asOf, electorOf: map[did.DID]int32{}, groupOf: map[did.DID]int32{},
		roots: map[did.DID]Reliability{}, added: map[did.DID]bool{}, accredits: map[accreditation]bool{},
	}
	e.policy.Issuers = slices.Clone(policy.Issuers)
	for _, issuer := range e.policy.Issuers {
		if issuer.Root && issuer.Sensitivity+issuer.Specificity > million {
			e.roots[issuer.ID] = issuer.Reliability
		}
	}
	if len(e.roots) == 0 {
		return nil, fmt.Errorf("reputation: policy %v marks nobody as root whom it gives influence: trust has nowhere to start from", digest)
	}
	e.group()
	return e, nil
}

// group finds which listed issuers are not independent, as [NewScorer] does.
func (e *Estimator) group() {
	voices := make([]voice, len(e.policy.Issuers))
	byController, byLog := map[did.DID]int32{}, map[string]int32{}
	for i, issuer := range e.policy.Issuers {
		voices[i].group = int32(i)
		join(voices, byController, issuer.ID, int32(i))
		if !issuer.Controller.IsZero() {
			join(voices, byController, issuer.Controller, int32(i))
		}
		if issuer.LogOrigin != "" {
			join(voices, byLog, issuer.LogOrigin, int32(i))
		}
	}
	for id, i := range byController { // and controllers that are not listed themselves
		e.groupOf[id] = voices[i].group
	}
	e.groups = int32(len(voices))
}

// elector returns the index of an issuer.
func (e *Estimator) elector(id did.DID) (int32, error) {
	if i, ok := e.electorOf[id]; ok {
		return i, nil
	}
	if len(e.electors) == MaxObserved {
		return 0, fmt.Errorf("reputation: more than %d issuers are heard of", MaxObserved)
	}
	v := elector{id: id}
	if group, ok := e.groupOf[id]; ok {
		v.group = group
	} else {
		v.group = e.groups
		e.groups++
	}
	if r, ok := e.roots[id]; ok {
		v.root, v.se, v.sp = true, q32(r.Sensitivity), q32(r.Specificity)
	}
	i := int32(len(e.electors))
	e.electors, e.electorOf[id] = append(e.electors, v), i
	return i, nil
}

// Add adds what was said of one machine, by anybody: the case that [Scorer.Case] makes of
// its history under the same policy without a table. It refuses a machine that was added before.
//
// What counts is what independent issuers report, once for each issuer, machine, dimension
// and week, however often they say it. The machine's side does not count, for or against:
// or whoever has machines to throw away could make honest issuers look like liars.
// Provenance does not count either, since every entry vouches for the record that it is in.
func (e *Estimator) Add(machine did.DID, c Case) error {
	if machine.IsZero() || e.added[machine] {
		return fmt.Errorf("reputation: machine %v: want a DID, and each machine once", machine)
	}
	counted := normalize(c.Evidence, e.asOf)
	type statement struct {
		dimension Dimension
		window    Window
		by        int32
		cell
	}
	var statements []statement
	var withheld, hidden, overdue [dimensions]uint64
	type deadline struct {
		dimension Dimension
		day       Day
	}
	due := map[deadline]int64{}
	for i := range counted {
		v := &counted[i]
		if err := v.Validate(); err != nil {
			return err
		}
		switch v.Kind {
		case Report:
			if v.Standing != Independent || v.Dimension == Provenance {
				continue
			}
			good, bad := v.Good, v.Bad
			if v.Dimension == Availability {
				good, bad = inWindow(good, bad)
			}
			if good|bad == 0 || e.weight(v.Window()) == 0 {
				continue
			}
			by, err := e.elector(v.Issuer)
			if err != nil {
				return fmt.Errorf("%w with machine %v: estimate without machines of so many", err, machine)
			}
			statements = append(statements, statement{v.Dimension, v.Window(), by, cell{hi: uint64(bad), lo: uint64(good)}})
		case Fact:
			withheld[v.Dimension] += uint64(v.Bad) * e.weight(v.Window())
		case Hidden:
			hidden[v.Dimension] += uint64(v.Bad) * e.weight(v.Window())
		case Due, Discharge:
			if v.Day < e.asOf {
				n := v.Bad
				if v.Kind == Discharge {
					n = -n
				}
				due[deadline{v.Dimension, v.Day}] += n
			}
		}
	}
	for d, n := range due { // a sum: in any order
		overdue[d.dimension] += uint64(min(max(n, 0), MaxCount)) * e.weight(d.day.Window())
	}
	slices.SortFunc(statements, func(a, b statement) int {
		return cmp.Or(cmp.Compare(a.dimension, b.dimension), cmp.Compare(a.window, b.window),
			cmp.Compare(e.electors[a.by].group, e.electors[b.by].group), cmp.Compare(a.by, b.by))
	})
	if len(e.ballots) >= MaxBallots || len(statements) > MaxBallots/moments {
		return fmt.Errorf("reputation: machine %v: with its %d statements they are too many, %d or more: estimate from fewer machines", machine, len(statements), MaxBallots)
	}

	m := int32(len(e.machines))
	e.machines, e.added[machine] = append(e.machines, machine), true
	e.evidence = append(e.evidence, rootOf(c.Model, counted))
	for len(statements) > 0 {
		d := statements[0].dimension
		s := subject{machine: m, dimension: d, from: int32(len(e.pieces)), overdue: min(overdue[d], MaxCount<<pieceBits)}
		s.withheld = withheld[d]
		if d != Obligations {
			// Entries withheld may be about anything: as many of them were adverse as the
			// facts about obligations tell.
			s.withheld += min(hidden[d], withheld[Obligations])
		}
		s.withheld = min(s.withheld, MaxCount<<pieceBits)
		for len(statements) > 0 && statements[0].dimension == d {
			w := statements[0].window
			weight := e.weight(w)
			var said []said
			for len(statements) > 0 && statements[0].dimension == d && statements[0].window == w {
				by, c := statements[0].by, cell{}
				for len(statements) > 0 && statements[0].by == by && statements[0].window == w && statements[0].dimension == d {
					c.hi += statements[0].hi
					c.lo += statements[0].lo
					statements = statements[1:]
				}
				said = append(said, newSaid(c, d, by))
			}
			s.weeks += weight
			e.divide(&s, said, weight, e.asOf.Window()-w < lateWindows)
		}
		s.to = int32(len(e.pieces))
		e.subjects = append(e.subjects, s)
	}
	return nil
}

// pieceBits is the fraction bits of weights of pieces.
const pieceBits = 16

// A said is what one issuer says of one week: good of the first moments, bad of the last.
type said struct {
	by        int32
	good, bad int32 // of moments
}

// newSaid rounds a report to moments.
func newSaid(c cell, d Dimension, by int32) said {
	const half = one / moments / 2
	r := newReport(c, d, nil)
	good := int32((r.good + half) * moments >> fraction)
	return said{by, good, min(int32((r.bad+half)*moments>>fraction), moments-good)}
}

// weight is what a window weighs, Q16.
func (e *Estimator) weight(w Window) uint64 {
	return decay(uint64(e.asOf.Window()-w), TrustHalfLife) >> (fraction - pieceBits)
}

// divide adds the pieces of a week to a subject.
func (e *Estimator) divide(s *subject, week []said, weight uint64, late bool) {
	var cuts [moments + 1]bool
	cuts[moments] = true
	for _, v := range week {
		cuts[v.good], cuts[moments-v.bad] = true, true
	}
	from := int32(0)
	for to := int32(1); to <= moments; to++ {
		if !cuts[to] {
			continue
		}
		p := piece{weight: uint32(uint64(to-from) * weight / moments), from: int32(len(e.ballots)), late: late}
		for _, v := range week {
			switch {
			case from < v.good:
				e.ballots = append(e.ballots, ballot(v.by)<<ballotBy)
			case from >= moments-v.bad:
				e.ballots = append(e.ballots, ballot(v.by)<<ballotBy|against)
				s.bad += uint64(p.weight)
			}
		}
		if p.to = int32(len(e.ballots)); p.to > p.from && p.weight > 0 {
			e.pieces = append(e.pieces, p)
		}
		from = to
	}
}

// An Accreditation is one issuer's word for another: see [AccreditationOf].
type Accreditation struct {
	From  did.DID   // who accredits
	To    did.DID   // who is accredited
	Start time.Time // of its validity
	Until time.Time // the end of it
	Depth int64     // how many links of further accreditation To may start
}

// AccreditationOf returns what a verified AccreditationCredential says. It ends with the
// grant, or with the credential if that ends before. For what the grant is, its attests and
// scope, is left out: an issuer has one influence, whatever it speaks about.
func AccreditationOf(v *vc.Verified) (Accreditation, error) {
	c, err := vc.ClaimOf[record.Accreditation](v)
	if err != nil {
		return Accreditation{}, err
	}
	a := Accreditation{From: v.Issuer(), To: v.Subject(), Start: v.ValidFrom(), Until: c.Until, Depth: c.DelegationDepth}
	if until := v.ValidUntil(); !until.IsZero() && until.Before(a.Until) {
		a.Until = until
	}
	return a, nil
}

// accreditation is an [Accreditation] as it counts, and as the observation root holds it.
type accreditation struct {
	from, to     did.DID
	start, until Day
	depth        int64
}

// Accredit adds an accreditation. One that is not valid on the day of the estimate is kept
// in the observation root, and counts nothing. Given twice it counts once.
func (e *Estimator) Accredit(a Accreditation) error {
	if a.From.IsZero() || a.To.IsZero() || a.Depth < 0 {
		return fmt.Errorf("reputation: accreditation of %v by %v with depth %d: want two DIDs and no negative depth", a.To, a.From, a.Depth)
	}
	if len(e.accredits) == MaxEdges {
		return fmt.Errorf("reputation: more than %d accreditations", MaxEdges)
	}
	e.accredits[accreditation{a.From, a.To, within(DayOf(a.Start)), within(DayOf(a.Until)), min(a.Depth, maxDepth)}] = true
	return nil
}

// Merge adds what o has collected. Both must have the same policy and day, and no machine
// in common; else nothing is added.
func (e *Estimator) Merge(o *Estimator) error {
	if e.digest != o.digest || e.asOf != o.asOf {
		return fmt.Errorf("reputation: estimators of policies %v and %v, as of %v and %v, do not merge", e.digest, o.digest, e.asOf, o.asOf)
	}
	for _, id := range o.machines {
		if e.added[id] {
			return fmt.Errorf("reputation: both estimators have machine %v", id)
		}
	}
	if len(e.ballots) >= MaxBallots || len(o.ballots) >= MaxBallots {
		return fmt.Errorf("reputation: an estimator with %d statements, %d or more, does not merge: estimate from fewer machines", max(len(e.ballots), len(o.ballots)), MaxBallots)
	}
	index := make([]ballot, len(o.electors))
	for i := range o.electors {
		n, err := e.elector(o.electors[i].id)
		if err != nil {
			return err
		}
		index[i] = ballot(n) << ballotBy
	}
	for i, id := range o.machines {
		e.added[id] = true
		e.machines, e.evidence = append(e.machines, id), append(e.evidence, o.evidence[i])
	}
	machine, pieces, ballots := int32(len(e.added)-len(o.machines)), int32(len(e.pieces)), int32(len(e.ballots))
	for _, s := range o.subjects {
		s.machine, s.from, s.to = s.machine+machine, s.from+pieces, s.to+pieces
		e.subjects = append(e.subjects, s)
	}
	for _, p := range o.pieces {
		p.from, p.to = p.from+ballots, p.to+ballots
		e.pieces = append(e.pieces, p)
	}
	for _, b := range o.ballots {
		e.ballots = append(e.ballots, index[b.by()]|b&against)
	}
	for _, p := range e.pieces[pieces:] {
		slices.SortFunc(e.ballots[p.from:p.to], func(a, b ballot) int {
			return cmp.Compare(e.electors[a.by()].group, e.electors[b.by()].group)
		})
	}
	for a := range o.accredits {
		e.accredits[a] = true
	}
	return nil
}

// Root commits to what was added: the Merkle tree hash (RFC 6962 §2.1) over, for each
// machine, {"evidenceRoot": …, "machine": …} with the [EvidenceRoot] of its case, and for
// each accreditation {"depth": …, "from": …, "start": …, "to": …, "until": …}, in RFC 8785
// form and sorted as bytes.
func (e *Estimator) Root() vc.Digest {
	leaves := make([][]byte, 0, len(e.machines)+len(e.accredits))
	for i, id := range e.machines {
		leaves = append(leaves, []byte(`{"evidenceRoot":"`+e.evidence[i].String()+`","machine":"`+id.String()+`"}`))
	}
	for a := range e.accredits {
		leaves = append(leaves, []byte(`{"depth":`+strconv.FormatInt(a.depth, 10)+`,"from":"`+a.from.String()+`","start":"`+a.start.String()+
			`","to":"`+a.to.String()+`","until":"`+a.until.String()+`"}`))
	}
	slices.SortFunc(leaves, slices.Compare)
	return merkleRoot(leaves)
}

// Table estimates. previous names the table of the epoch before; it is nil in the first. An
// estimate rests on what was added and on nothing of the table before, so that an error
// does not live on.
//
// The table lists issuers with an influence of 1/20 at least, and if they are more than it
// can hold, those that the policy lists, then those that spoke on most windows beside others
// with influence.
func (e *Estimator) Table(previous *TrustTable) (*TrustTable, error) {
	t := &TrustTable{Scheme: TrustScheme, Policy: e.digest, AsOf: e.asOf, Observations: e.Root(), Issuers: []IssuerTrust{}}
	if previous != nil {
		var err error
		if t.Previous, err = previous.Digest(); err != nil {
			return nil, err
		}
		if previous.Policy != e.digest || previous.AsOf >= e.asOf {
			return nil, fmt.Errorf("reputation: the table before is of policy %v as of %v: want policy %v and a day before %v", previous.Policy, previous.AsOf, e.digest, e.asOf)
		}
	}
	lent, err := e.caps()
	if err != nil {
		return nil, err
	}
	// What a listed issuer is worth by the policy's word is a cap too.
	for _, issuer := range e.policy.Issuers {
		if !issuer.Root {
			if lent == nil {
				lent = map[did.DID]int64{}
			}
			lent[issuer.ID] = max(lent[issuer.ID], issuer.Sensitivity+issuer.Specificity-million)
		}
	}
	for id := range lent {
		if _, err := e.elector(id); err != nil {
			return nil, err
		}
	}

	c := newCourt(e)
	factions := c.estimate()
	for i := range e.electors {
		v := &e.electors[i]
		if v.root || v.heard == nil && lent[v.id] == 0 {
			continue
		}
		if v.heard == nil {
			v.heard = new(hearing)
		}
		v.settle(q32(lent[v.id]), &c.centre)
		if v.se+v.sp > one {
			t.Issuers = append(t.Issuers, IssuerTrust{
				ID: v.id, Reliability: Reliability{ceilPpm(v.se), ceilPpm(v.sp)}, Windows: int64(v.windows >> pieceBits), Cap: lent[v.id],
			})
		}
		v.heard, v.late = nil, nil
	}
	listed := make(map[did.DID]int, len(e.policy.Issuers))
	for _, issuer := range e.policy.Issuers {
		listed[issuer.ID] = 1
	}
	slices.SortFunc(t.Issuers, func(a, b IssuerTrust) int {
		return cmp.Or(cmp.Compare(listed[b.ID], listed[a.ID]), cmp.Compare(b.Windows, a.Windows), byDID(a.ID, b.ID))
	})
	t.Issuers = t.Issuers[:min(len(t.Issuers), MaxTrusted)]
	slices.SortFunc(t.Issuers, func(a, b IssuerTrust) int { return byDID(a.ID, b.ID) })
	t.addFactions(factions, e)
	return t, nil
}

// ceilPpm turns Q32 into parts per million, rounded up: the clamp at 20,000 gives 20,000.
func ceilPpm(p uint64) int64 { return int64((p*million + one - 1) >> fraction) }
