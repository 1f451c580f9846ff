package reputation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// An Explanation tells how a score came about, and what would change it. It is made of
// integers, and whoever has the same evidence, policy, table and day gets the same one.
//
// Points here are thousandths of a point, so that small things show, and are taken before
// the cap, so that they show under it, too.
type Explanation struct {
	Score *Score `json:"score"`

	// Dimensions leads from what a machine without a record gets to this score, step by
	// step: all steps of all dimensions add up to the points before the cap, less 600,
	// but for what each dimension's points lose when they are rounded down.
	Dimensions []DimensionSteps `json:"dimensions"`

	// Capped is what the cap took, in thousandths of a point.
	Capped int64 `json:"cappedMilli,omitzero"`

	// Credentials says of each what it changed, by rising sequence. Credentials that gave
	// no evidence at all are not among them.
	Credentials []Contribution `json:"credentials"`

	// Remedies says what would change the score most, for each of its reasons that something
	// can be done about.
	Remedies []Remedy `json:"remedies"`
}

// DimensionSteps leads from the prior of a dimension to its points. All are thousandths of a
// point, weighted as the policy says: the first is a level, the others are differences, and
// their sum, divided by a thousand and rounded down, is [DimensionScore.Points].
type DimensionSteps struct {
	Name     Dimension `json:"name"`
	Start    int64     `json:"startMilli"`    // what a machine without a record gets, below or above 600
	Good     int64     `json:"goodMilli"`     // what good evidence added
	Bad      int64     `json:"badMilli"`      // what adverse evidence took, apart from what is overdue
	Overdue  int64     `json:"overdueMilli"`  // what is overdue took
	Withheld int64     `json:"withheldMilli"` // what withheld entries took that nobody knows to be adverse
	Recent   int64     `json:"recentMilli"`   // what the last weeks took, because they are worse than the record
}

// A Contribution is what one credential changed: the points with it less the points
// without it, all others being as they are.
//
// Contributions need not add up to the score. Where two witnesses report the same week,
// either makes up for part of the other, and who breaks one of ten promises loses more
// than who breaks one more of a hundred.
type Contribution struct {
	Sequence   int64               `json:"sequence"`
	Digest     vc.Digest           `json:"digest"`
	Points     int64               `json:"milliPoints"` // thousandths of a point, in all dimensions
	Dimensions []DimensionalChange `json:"dimensions"`  // those in which it changed anything, in order
	Notes      []Code              `json:"notes"`       // why something that it says counts for nothing
}

// A DimensionalChange is what a credential changed in one dimension.
type DimensionalChange struct {
	Name   Dimension `json:"name"`
	Points int64     `json:"milliPoints"` // thousandths of a point
}

// A Remedy is something that would change the score, and by how much: a score was
// computed as if it had happened.
type Remedy struct {
	Reason Code    `json:"reason"`          // of the score's, which it is about
	Action string  `json:"action"`          // what would have to happen, in words
	Count  int64   `json:"count,omitzero"`  // how many of them
	Issuer did.DID `json:"issuer,omitzero"` // whose word would do: one of those that the policy trusts most
	AsOf   Day     `json:"asOf"`            // by when: what happens once a week takes as many weeks
	Points int64   `json:"points"`          // that the score would have then
	Added  int64   `json:"added"`           // more than it would have on that day without
}

// Explain explains the score of a history on the day of at: see [Scorer.Score].
func (s *Scorer) Explain(h *chain.History, at time.Time) (*Explanation, error) {
	h, err := s.upto(h)
	if err != nil {
		return nil, err
	}
	e, err := s.ExplainCase(s.extract(h), DayOf(at))
	if err != nil {
		return nil, err
	}
	e.Score.Head = headOf(h)
	return e, nil
}

// ExplainCase explains the score of a case as of a day: see [Scorer.Weigh]. Each credential is
// taken out of the windows that it speaks about only, so time grows with their number alone:
// milliseconds for hundreds of credentials, a quarter of a second for ten thousand. The
// exception is a week of which hundreds of issuers with influence report: it takes the
// square of their number for each.
func (s *Scorer) ExplainCase(c Case, asOf Day) (*Explanation, error) {
	score, err := s.Weigh(c, asOf)
	if err != nil {
		return nil, err
	}
	counted := normalize(c.Evidence, asOf)
	l := ledger{scorer: s, asOf: asOf, priors: s.State(c.Model).priors.Each.list()}
	marks := make([]mark, len(counted))
	for i := range counted {
		event, err := s.Event(&counted[i])
		if err != nil {
			return nil, err
		}
		marks[i] = l.markOf(&counted[i], event)
		l.count(marks[i], 1)
	}
	e := &Explanation{Score: score, Credentials: []Contribution{}, Remedies: []Remedy{}}
	var before [dimensions]int64
	sum := int64(base)
	for d := range dimensions {
		l.whole[d], l.gates[d] = l.tally(d)
		steps := l.steps(d)
		before[d] = l.milli(d, l.whole[d])
		sum += score.Dimensions[d].Points
		e.Dimensions = append(e.Dimensions, steps)
	}
	e.Capped = 1000 * (max(sum, Min) - score.Points)

	for from := 0; from < len(counted); {
		to := from + 1
		for to < len(counted) && counted[to].Sequence == counted[from].Sequence && counted[to].Digest == counted[from].Digest {
			to++
		}
		e.Credentials = append(e.Credentials, l.contribution(counted[from:to], marks[from:to], &before))
		from = to
	}
	if e.Remedies, err = s.remedies(c.Model, score, counted); err != nil {
		return nil, err
	}
	return e, nil
}

// A ledger holds all counts of a case, so that one credential's can be taken out and put back.
// It gives the bounds that a [State] gives, and is as exact.
type ledger struct {
	scorer *Scorer
	asOf   Day
	priors [dimensions]Prior
	weeks  [dimensions]map[Window]*week
	due    [dimensions]map[Day]cell
	whole  [dimensions]tally  // of all there is
	gates  [dimensions]Window // before which praise does not count, -1 if all does: see tally
	fuser  fuser
}

// A week is what was counted in one dimension and window.
type week struct {
	said []spoken // sorted by group
	fact cell     // of the record itself: hi counts known adverse events, lo hidden entries
}

type spoken struct {
	voice int32
	cell
}

// A mark is what one piece of evidence adds, and where.
type mark struct {
	d     Dimension
	voice int32 // negative if it weighs nothing
	at    int32 // window, or day of what falls due
	cell
	saw uint8
}

func (l *ledger) markOf(e *Evidence, event Event) mark {
	m := mark{d: e.Dimension, voice: -1, at: int32(e.Window()), cell: cell{uint64(event.bad), uint64(event.good)}, saw: event.saw}
	if event.in&weightless == 0 && event.good|event.bad != 0 {
		m.voice = int32(event.key >> slotShift / uint32(dimensions))
	}
	if e.Kind == Due || e.Kind == Discharge {
		m.at = int32(e.Day)
	}
	return m
}

// count adds a mark, or with sign -1 takes it out again.
func (l *ledger) count(m mark, sign int) {
	if m.voice < 0 {
		return
	}
	hi, lo := m.hi, m.lo
	if sign < 0 {
		hi, lo = -hi, -lo
	}
	if m.voice == l.scorer.dueVoice() {
		if l.due[m.d] == nil {
			l.due[m.d] = map[Day]cell{}
		}
		c := l.due[m.d][Day(m.at)]
		l.due[m.d][Day(m.at)] = cell{c.hi + hi, c.lo + lo}
		return
	}
	if l.weeks[m.d] == nil {
		l.weeks[m.d] = map[Window]*week{}
	}
	w := l.weeks[m.d][Window(m.at)]
	if w == nil {
		w = new(week)
		l.weeks[m.d][Window(m.at)] = w
	}
	c := &w.fact
	if m.voice != l.scorer.factVoice() {
		order := func(v int32) int64 { return int64(l.scorer.voices[v].group)<<32 | int64(v) }
		i, ok := slices.BinarySearchFunc(w.said, m.voice, func(s spoken, v int32) int { return cmp.Compare(order(s.voice), order(v)) })
		if !ok {
			w.said = slices.Insert(w.said, i, spoken{voice: m.voice})
		}
		c = &w.said[i].cell
	}
	c.hi += hi
	c.lo += lo
}

// fused is what a week's reports come to.
func (l *ledger) fused(d Dimension, w *week) (good, bad uint64) {
	var few [8]report
	reports := few[:0]
	for i := range w.said {
		if s := &w.said[i]; s.hi|s.lo != 0 {
			reports = append(reports, newReport(s.cell, d, &l.scorer.voices[s.voice]))
		}
	}
	good, bad, _ = l.fuser.fuse(reports) // points rest on bounds, in which doubt has no part
	return good, bad
}

// tally sums up a dimension. It is [State.tally] over the ledger, but for doubt. The gate is
// the last window in which somebody spoke against integrity, else -1: praise from before it
// does not count.
func (l *ledger) tally(d Dimension) (t tally, gate Window) {
	windows := make([]Window, 0, len(l.weeks[d]))
	for w := range l.weeks[d] {
		windows = append(windows, w)
	}
	slices.Sort(windows) // only the last state of integrity holds, so the order matters
	gate = -1
	for _, w := range slices.Backward(windows) {
		part := l.partOf(d, w, gate)
		t.plus(part)
		if part.gates {
			gate = max(gate, w)
		}
	}
	for day := range l.due[d] {
		t.plus(l.partDue(d, day)) // sums of integers do not depend on the order
	}
	return t, gate
}

// A part is what one window, or one day of what falls due, adds to a tally.
type part struct {
	tally
	gates bool // praise from before it does not count
}

func (l *ledger) partOf(d Dimension, at, gate Window) (p part) {
	w := l.weeks[d][at]
	age := l.asOf.Window() - at
	if w == nil || age < 0 || age >= decayWindows {
		return p
	}
	good, bad := l.fused(d, w)
	p.gates = d == Integrity && bad > 0
	if at < gate {
		good = 0
	}
	weight, recent := l.scorer.decays[age], l.scorer.recent(age)
	p.good, p.bad = mul(weight, good), mul(weight, bad)
	p.recent.good, p.recent.bad = mul(recent, good), mul(recent, bad)
	p.add(l.scorer, age, w.fact.facts())
	return p
}

func (l *ledger) partDue(d Dimension, day Day) (p part) {
	c, age := l.due[d][day], l.asOf.Window()-day.Window()
	if day < l.asOf && c.hi > c.lo && age < decayWindows {
		n := min(c.hi-c.lo, MaxCount)
		p.add(l.scorer, age, sums{bad: n, overdue: n})
	}
	return p
}

// plus and minus add parts exactly.
func (t *tally) plus(p part) {
	for _, pair := range [][2]*sums{{&t.sums, &p.sums}, {&t.recent, &p.recent}} {
		pair[0].good += pair[1].good
		pair[0].bad += pair[1].bad
		pair[0].hidden += pair[1].hidden
		pair[0].overdue += pair[1].overdue
		pair[0].surplus += pair[1].surplus
	}
}

func (t *tally) minus(p part) {
	for _, pair := range [][2]*sums{{&t.sums, &p.sums}, {&t.recent, &p.recent}} {
		pair[0].good -= pair[1].good
		pair[0].bad -= pair[1].bad
		pair[0].hidden -= pair[1].hidden
		pair[0].overdue -= pair[1].overdue
		pair[0].surplus -= pair[1].surplus
	}
}

// milli returns the points of dimension d above 600, in thousandths, if t is its evidence.
func (l *ledger) milli(d Dimension, t tally) int64 {
	return l.scorer.points.milli(d, l.priors[d].estimate(t).low)
}

// milli is share in thousandths of a point.
func (l *ladder) milli(d Dimension, bound uint64) int64 {
	return floorDiv(l.weights[d]*(l.rung(bound)-l.base)*double, million) * 1000 >> fraction
}

// steps leads from the prior of a dimension to its points.
func (l *ledger) steps(d Dimension) DimensionSteps {
	t, prior := l.whole[d], l.priors[d]
	level := func(t sums) int64 { return l.scorer.points.milli(d, prior.estimate(tally{sums: t}).low) }
	start := level(sums{})
	good := level(sums{good: t.good})
	bad := level(sums{good: t.good, bad: t.bad - t.overdue})
	overdue := level(sums{good: t.good, bad: t.bad})
	withheld := level(t.sums)
	return DimensionSteps{
		Name: d, Start: start, Good: good - start, Bad: bad - good, Overdue: overdue - bad,
		Withheld: withheld - overdue, Recent: l.milli(d, t) - withheld,
	}
}

// contribution takes one credential's evidence out, looks, and puts it back.
func (l *ledger) contribution(evidence []Evidence, marks []mark, whole *[dimensions]int64) Contribution {
	c := Contribution{Sequence: evidence[0].Sequence, Digest: evidence[0].Digest, Dimensions: []DimensionalChange{}, Notes: []Code{}}
	type place struct {
		d   Dimension
		due bool
		at  int32
	}
	var few [8]place
	places := few[:0]
	touched := [dimensions]bool{}
	seen := sight(0)
	for _, m := range marks {
		seen |= sight(m.saw)
		p := place{m.d, m.voice == l.scorer.dueVoice(), m.at}
		if m.voice >= 0 && !slices.Contains(places, p) {
			places = append(places, p)
			touched[m.d] = true
		}
	}
	for _, r := range seen.appendTo(nil) {
		c.Notes = append(c.Notes, r.Code)
	}
	partAt := func(p place) part {
		if p.due {
			return l.partDue(p.d, Day(p.at))
		}
		return l.partOf(p.d, Window(p.at), l.gates[p.d])
	}
	without := l.whole
	for _, p := range places {
		without[p.d].minus(partAt(p))
	}
	for _, m := range marks {
		l.count(m, -1)
	}
	moved := false // the gate, so that other windows count than before
	for _, p := range places {
		now := partAt(p)
		without[p.d].plus(now)
		if at, gate := Window(p.at), l.gates[Integrity]; p.d == Integrity && at >= gate && now.gates != (at == gate) {
			moved = true
		}
	}
	if moved {
		without[Integrity], _ = l.tally(Integrity)
	}
	for _, m := range marks {
		l.count(m, 1)
	}
	for d := range dimensions {
		if touched[d] {
			if change := whole[d] - l.milli(d, without[d]); change != 0 {
				c.Dimensions = append(c.Dimensions, DimensionalChange{d, change})
				c.Points += change
			}
		}
	}
	return c
}

// A hypothesis is a case that is not, yet.
type hypothesis struct {
	Remedy
	class    chain.Completeness
	evidence []Evidence
}

// remedies scores what would happen if somebody did something about each reason.
func (s *Scorer) remedies(model string, score *Score, counted []Evidence) ([]Remedy, error) {
	remedies := []Remedy{}
	for _, r := range score.Reasons {
		if r.Lost == 0 && r.Code != Equivocation {
			break // only worth knowing
		}
		h, ok := s.hypothesis(r.Code, score, counted)
		if !ok {
			continue
		}
		then, err := s.imagine(model, h.class, h.AsOf, slices.Concat(slices.DeleteFunc(slices.Clone(counted), h.undone), h.evidence))
		if err != nil {
			return nil, err
		}
		idle := score
		if h.AsOf != score.AsOf {
			if idle, err = s.imagine(model, score.Completeness, h.AsOf, counted); err != nil {
				return nil, err
			}
		}
		h.Points, h.Added = then.Points, then.Points-idle.Points
		remedies = append(remedies, h.Remedy)
	}
	return remedies, nil
}

// undone reports whether e would not be there.
func (h *hypothesis) undone(e Evidence) bool {
	switch h.Reason {
	case EntriesMissing:
		return e.Kind == Hidden || e.Kind == Fact && e.Dimension == Provenance
	case Equivocation:
		return e.Kind == Fork
	}
	return false
}

// imagine scores evidence in its normal form, of which some has not happened.
func (s *Scorer) imagine(model string, class chain.Completeness, asOf Day, evidence []Evidence) (*Score, error) {
	st := s.State(model)
	st.Completeness = class
	for i := range evidence {
		event, err := s.Event(&evidence[i])
		if err != nil {
			return nil, err
		}
		if err := st.Fold(event); err != nil {
			return nil, err
		}
	}
	return st.Score(asOf)
}

// hypothesis says what could be done about a reason; ok is false if nothing can.
func (s *Scorer) hypothesis(code Code, score *Score, counted []Evidence) (h hypothesis, ok bool) {
	h = hypothesis{Remedy: Remedy{Reason: code, AsOf: score.AsOf}, class: score.Completeness}
	sequence := int64(maxSequence)
	add := func(e Evidence) {
		e.Sequence = sequence // of no credential: the digest stays zero but for this
		e.Digest[0] = 1
		sequence--
		h.evidence = append(h.evidence, e)
	}
	// weekly adds n good reports, the first of them this week.
	weekly := func(n int64, action string, good int64, about ...Dimension) bool {
		witness, known := s.witness()
		if !known || score.AsOf+Day(7*(n-1)) > MaxDay {
			return false
		}
		h.Count, h.Action, h.Issuer = n, action, witness
		h.AsOf += Day(7 * (n - 1))
		for i := range n {
			for _, d := range about {
				add(Evidence{Issuer: witness, Day: score.AsOf + Day(7*i), Dimension: d, Standing: Independent, Good: good})
			}
		}
		return true
	}
	switch code {
	case AvailabilityUnproven, AvailabilityLow:
		ok = weekly(4, "weeks without an outage, each reported by an issuer that the policy trusts", windowSeconds, Availability)
	case MaintenanceUnproven, MaintenancePoor:
		ok = weekly(2, "maintenance records in time, one a week, by an issuer that the policy trusts", fullEvent, Maintenance)
	case ObligationsUnproven, ObligationsBroken:
		ok = weekly(2, "obligations that end well, one a week, by the word of an issuer that the policy trusts", fullEvent, Obligations)
	case IntegrityUnproven, IntegrityWeak:
		ok = weekly(1, "binding of the machine's key to hardware, attested, by an issuer that the policy trusts", fullEvent, Integrity)
	case ProvenanceUnproven:
		ok = weekly(4, "entries of the record, one a week, by an issuer that the policy trusts", fullEvent, Provenance)
	case RecentDeterioration:
		var about []Dimension
		for d := range dimensions {
			if d != Availability {
				about = append(about, d)
			}
		}
		if ok = weekly(RecentHalfLife, "good weeks in all dimensions, each reported by an issuer that the policy trusts", fullEvent, about...); ok {
			for i := range int64(RecentHalfLife) {
				add(Evidence{Issuer: h.Issuer, Day: score.AsOf + Day(7*i), Dimension: Availability, Standing: Independent, Good: windowSeconds})
			}
		}
	case MaintenanceOverdue, ObligationsOverdue:
		d, what := Maintenance, "services that are overdue, done"
		if code == ObligationsOverdue {
			d, what = Obligations, "obligations that are overdue, closed"
		}
		open := map[Day]int64{}
		for i := range counted {
			e := &counted[i]
			switch {
			case e.Dimension != d || e.Day >= score.AsOf:
			case e.Kind == Due:
				open[e.Day] += e.Bad
			case e.Kind == Discharge:
				open[e.Day] -= e.Bad
			}
		}
		for i := range counted { // in their order, not in that of a map
			if day := counted[i].Day; open[day] > 0 {
				h.Count += open[day]
				add(Evidence{Day: day, Dimension: d, Kind: Discharge, Bad: min(open[day], MaxCount)})
				delete(open, day)
			}
		}
		h.Action, ok = what, h.Count > 0
	case EntriesMissing:
		h.Action, ok = "withheld entries, shown, if none of them is worse than the totals say", true
		for i := range counted {
			if counted[i].Kind == Fact && counted[i].Dimension == Provenance {
				h.Count += counted[i].Bad
			}
		}
		if h.class == chain.C1 {
			h.class = chain.C2
		}
	case CappedIsolated:
		h.Action, h.class, ok = "credentials that form a chain, each naming the one before it", chain.C2, true
	case CappedGaps:
		h.Action, h.class, ok = "a record without gaps", chain.C2, true
	case CappedUnwitnessed:
		h.Action, h.class, ok = "a transparency log, and its witnesses, that hold the record up to its end", chain.C4, true
	case Equivocation:
		h.Action, ok = "settling which of two entries with one place in the record holds", true
	}
	return h, ok
}

// witness returns the issuer whose good word weighs most; of equals, the first by its DID.
func (s *Scorer) witness() (best did.DID, ok bool) {
	most := int64(0)
	for i := range s.policy.Issuers {
		if v, known := s.voiceOf[s.policy.Issuers[i].ID]; known && s.voices[v].good > most {
			best, most, ok = s.policy.Issuers[i].ID, s.voices[v].good, true
		}
	}
	return best, ok
}

// maxTextCredentials is how many credentials Text lists: those that changed most.
const maxTextCredentials = 10

// Text tells it to people, in lines.
func (e *Explanation) Text() string {
	var b strings.Builder
	milli := func(m int64) string {
		sign := "+"
		if m < 0 {
			sign, m = "-", -m
		}
		return fmt.Sprintf("%s%d.%d", sign, m/1000, m%1000/100)
	}
	fmt.Fprintf(&b, "%d points as of %v, from %d for a machine without a record:\n", e.Score.Points, e.Score.AsOf, e.start())
	for _, d := range e.Dimensions {
		fmt.Fprintf(&b, "  %-12s starts at %s", d.Name, milli(d.Start))
		for _, step := range []struct {
			what string
			by   int64
		}{{"good evidence", d.Good}, {"adverse evidence", d.Bad}, {"overdue", d.Overdue}, {"withheld entries", d.Withheld}, {"the last weeks", d.Recent}} {
			if step.by != 0 {
				fmt.Fprintf(&b, ", %s %s", step.what, milli(step.by))
			}
		}
		b.WriteByte('\n')
	}
	if e.Capped > 0 {
		fmt.Fprintf(&b, "  the cap took %d\n", e.Capped/1000)
	}

	most := slices.Clone(e.Credentials)
	size := func(c Contribution) int64 { return max(c.Points, -c.Points) }
	slices.SortStableFunc(most, func(a, b Contribution) int { return cmp.Compare(size(b), size(a)) })
	most = most[:min(len(most), maxTextCredentials)]
	if len(most) > 0 {
		fmt.Fprintf(&b, "Of %d credentials these changed most:\n", len(e.Credentials))
	}
	for _, c := range most {
		fmt.Fprintf(&b, "  entry %d: %s", c.Sequence, milli(c.Points))
		for _, d := range c.Dimensions {
			fmt.Fprintf(&b, ", %v", d.Name)
		}
		for _, note := range c.Notes {
			fmt.Fprintf(&b, ", %s", note)
		}
		b.WriteByte('\n')
	}
	if len(e.Remedies) > 0 {
		b.WriteString("What would help:\n")
	}
	for _, r := range e.Remedies {
		fmt.Fprintf(&b, "  %s: ", r.Reason)
		if r.Count > 0 {
			fmt.Fprintf(&b, "%d ", r.Count)
		}
		fmt.Fprintf(&b, "%s: %+d points", r.Action, r.Added)
		if r.AsOf != e.Score.AsOf {
			fmt.Fprintf(&b, " by %v", r.AsOf)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// start is what a machine without a record gets, in points before the cap.
func (e *Explanation) start() int64 {
	points := int64(base)
	for _, d := range e.Dimensions {
		points += floorDiv(d.Start, 1000)
	}
	return max(points, Min)
}
