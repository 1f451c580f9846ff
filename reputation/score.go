package reputation

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// The scale of points.
const (
	Max = 850 // the best score: lower-bound odds of 1523 to 1 that an obligation is met
	Min = 300 // the worst: odds of 1 to 9

	base     = 600 // points at baseOdds
	baseOdds = 20  // to 1
	double   = 40  // points for twice the odds
)

// Caps on the points by completeness class, and for a record with a contradiction.
const (
	CapIsolated     = 500 // C0
	CapGaps         = 580 // C1
	CapUnwitnessed  = 680 // C2
	CapEquivocation = Min
)

// Limits on the reasons of a score.
const (
	// MaxCosts is how many reasons for lost points a score lists.
	MaxCosts = 4

	// MaxReasons is how many reasons a score lists in all, with those that cost nothing.
	MaxReasons = MaxCosts + 1 + sights
)

// A Score is a machine's standing on a day.
//
// Points = 850 less what the dimensions lost, less what a cap took: every point is
// accounted for.
type Score struct {
	Scheme string    `json:"scheme"`
	Policy vc.Digest `json:"policy"`

	// TrustTable names the table of estimated issuer reliabilities that was used. Absent
	// means none was: the reliabilities are those written in the policy.
	TrustTable vc.Digest `json:"trustTable,omitzero"`

	EvidenceRoot vc.Digest `json:"evidenceRoot,omitzero"` // see [EvidenceRoot]; absent when read from a State
	Head         *Head     `json:"head,omitzero"`         // of the chain; absent when not scored from a history
	AsOf         Day       `json:"asOf"`

	Points       int64              `json:"points"`       // Min..Max
	MeanPpm      int64              `json:"meanPpm"`      // estimated probability that an obligation is met, parts per million
	LowPpm       int64              `json:"lowPpm"`       // its lower bound, which Points and ExpectedLoss rest on
	Evidence     int64              `json:"evidence"`     // whole windows of evidence, aged, over all dimensions
	Completeness chain.Completeness `json:"completeness"` // class of the history

	Dimensions []DimensionScore `json:"dimensions"` // all five, in order

	// Reasons lists causes of lost points, the most costly first, at most [MaxCosts]. After
	// them it lists, with nothing lost, what was found in the record besides: what was said
	// and counts for nothing, and what is missing.
	Reasons []Reason `json:"reasons"`

	// ExpectedLoss is (1 - lower bound) of the policy's loss given default, in basis
	// points of the value at stake, rounded up.
	ExpectedLoss int64 `json:"expectedLossBps"`

	Failures Failures `json:"failures"`
}

// A Head says which state of which chain was scored.
type Head struct {
	Chain      vc.Digest `json:"chain"`               // digest of the chain's first credential
	Sequence   int64     `json:"sequence"`            // of the last
	Digest     vc.Digest `json:"digest"`              // of the last
	Checkpoint string    `json:"checkpoint,omitzero"` // of a log that has witnessed it; absent without a log
}

// headOf says which state of which chain is scored; it is nil for isolated credentials.
func headOf(h *chain.History) *Head {
	end := h.Head()
	if end.Chain.IsZero() {
		return nil
	}
	head := &Head{Chain: end.Chain, Sequence: end.Sequence, Digest: end.Digest}
	if logged := h.Logged(); logged != nil {
		head.Checkpoint = logged.Checkpoint.String()
	}
	return head
}

// A DimensionScore is one dimension's part of a score.
type DimensionScore struct {
	Name     Dimension `json:"name"`
	MeanPpm  int64     `json:"meanPpm"`  // parts per million
	LowPpm   int64     `json:"lowPpm"`   // parts per million
	Points   int64     `json:"points"`   // above or below 600: these add up to the score before caps, less 600
	Lost     int64     `json:"lost"`     // below the most this dimension can give
	Evidence int64     `json:"evidence"` // whole windows of evidence, aged
}

// Failures is what availability reports say about failures, over the whole record and
// without ageing.
type Failures struct {
	Count       int64 `json:"count"`
	UpSeconds   int64 `json:"upSeconds"`            // time in up state that the count refers to
	MTBFSeconds int64 `json:"mtbfSeconds,omitzero"` // mean operating time between failures; absent without failures
	MTTRSeconds int64 `json:"mttrSeconds,omitzero"` // mean time to restore; absent without failures

	// PerMillionHours is the mean of the Gamma posterior of the failure rate: what was
	// seen, together with the policy's prior.
	PerMillionHours int64 `json:"perMillionHours"`
}

// A Reason says where points were lost, or what was found in the record.
type Reason struct {
	Code Code   `json:"code"`
	Lost int64  `json:"lost"` // points, 0 if it is only worth knowing
	Text string `json:"text"`
}

// A ladder turns lower bounds into points.
type ladder struct {
	base     int64             // log2 of the base odds, Q32
	min, max int64             // log2 odds at which points end
	weights  [dimensions]int64 // parts per million
	best     [dimensions]int64 // most points above base; they add up to Max - base
}

func newLadder(weights [dimensions]int64) ladder {
	l := ladder{base: log2(baseOdds << fraction), weights: weights}
	l.min, l.max = l.odds(Min), l.odds(Max)
	var sum, given int64
	for d, weight := range weights {
		sum += weight
		l.best[d] = (Max-base)*sum/million - given
		given += l.best[d]
	}
	return l
}

// odds returns the log2 odds that so many points stand for, Q32.
func (l *ladder) odds(points int64) int64 { return l.base + (points-base)<<fraction/double }

// Score reads the state as of a day, which must not lie before the latest evidence in
// it. It gives the same bits whatever the order in which the evidence was folded. Head
// and EvidenceRoot are absent: a State holds counts, not credentials.
func (st *State) Score(asOf Day) (*Score, error) {
	if asOf < 0 || asOf > MaxDay {
		return nil, fmt.Errorf("reputation: day %d lies outside 1970-01-01 to %v", int32(asOf), MaxDay)
	}
	if asOf < st.last {
		return nil, fmt.Errorf("reputation: state holds evidence of %v: it cannot be read as of %v", st.last, asOf)
	}
	l := &st.scorer.points
	s := &Score{
		Scheme: Scheme, Policy: st.scorer.digest, TrustTable: st.scorer.trust, AsOf: asOf, Completeness: st.Completeness,
		Dimensions: make([]DimensionScore, dimensions),
	}
	// A reason for each dimension, one for those that do worse of late, and one for the cap.
	var reasons [dimensions + 2]Reason
	late, capped := &reasons[dimensions], &reasons[dimensions+1]
	late.Code = RecentDeterioration
	seen := st.seen
	var n uint64
	var mean, low int64 // pooled log2 odds, Q32 times a million
	points := int64(base)
	var cuts [17]uint64
	f := fuser{cuts: cuts[:0]}
	for d, prior := range st.priors.Each.list() {
		t := st.tally(Dimension(d), asOf, &f)
		if t.cut {
			seen |= sawDuplicate
		}
		e := prior.estimate(t)
		mean += l.weights[d] * log2odds(e.mean)
		odds := l.rung(e.low)
		low += l.weights[d] * odds
		above := l.share(d, odds)
		points += above
		n += t.good + t.bad
		s.Dimensions[d] = DimensionScore{
			Name: Dimension(d), MeanPpm: ppm(e.mean), LowPpm: ppm(e.low), Points: above, Lost: l.best[d] - above,
			Evidence: int64((t.good + t.bad) >> fraction),
		}
		// What the dimension lost because it does worse of late, and what before that.
		steady := above
		if e.low < e.steady {
			steady = l.share(d, l.rung(e.steady))
			late.Lost += steady - above
		}
		lost := l.best[d] - steady
		// What more evidence of the same kind would not win back is lost to adverse evidence.
		adverse := l.best[d] - l.share(d, l.rung(e.good))
		reasons[d] = Reason{Code: codeFor(Dimension(d), t.sums, adverse > lost-adverse), Lost: lost}
		// What withheld entries cost in several dimensions has one cause.
		for i := range d {
			if reasons[i].Code == reasons[d].Code {
				reasons[i].Lost += lost
				reasons[d].Lost = 0
				break
			}
		}
	}
	points = max(points, Min) // each dimension is rounded down
	bound := probability(floorDiv(low, million))
	// A cap holds the bound as well as the points, so that the expected loss follows.
	limit, code := limitFor(st.Completeness, st.forks)
	if points > limit {
		*capped = Reason{Code: code, Lost: points - limit}
		points = limit
		bound = min(bound, probability(l.odds(limit)))
	}
	if st.forks > 0 {
		capped.Code = Equivocation // even where nothing was left to lose
		bound = 0                  // a void score bounds nothing
	}
	s.Points, s.MeanPpm, s.LowPpm = points, ppm(probability(floorDiv(mean, million))), ppm(bound)
	s.Evidence = int64(n >> fraction)
	loss := (one - bound) * uint64(st.scorer.policy.LossGivenDefault)
	s.ExpectedLoss = int64((loss + one - 1) >> fraction)
	s.Failures = st.failures()

	slices.SortStableFunc(reasons[:], func(a, b Reason) int {
		if a.Code == Equivocation {
			return -1
		} else if b.Code == Equivocation {
			return 1
		}
		return cmp.Compare(b.Lost, a.Lost)
	})
	// An alarm is heard however little it costs yet.
	if i := slices.IndexFunc(reasons[:], func(r Reason) bool { return r.Code == RecentDeterioration }); i >= MaxCosts && reasons[i].Lost > 0 {
		reasons[MaxCosts-1] = reasons[i]
	}
	if st.oldest() > asOf.Window()-newRecord {
		seen |= sawLittle
	}
	s.Reasons = make([]Reason, 0, MaxCosts+2)
	for _, r := range reasons[:MaxCosts] {
		if r.Lost > 0 || r.Code == Equivocation {
			r.Text = r.Code.Text()
			s.Reasons = append(s.Reasons, r)
		}
	}
	if code != "" && !slices.ContainsFunc(s.Reasons, func(r Reason) bool { return r.Code == code }) {
		s.Reasons = append(s.Reasons, Reason{Code: code, Text: code.Text()}) // something may be missing, whatever that cost
	}
	s.Reasons = seen.appendTo(s.Reasons)
	return s, nil
}

// newRecord is the number of windows, a quarter of a year, for which a record is new: its
// machine may have left another one behind.
const newRecord = 13

// rung is log2 odds of a bound, within those at which points end.
func (l *ladder) rung(bound uint64) int64 {
	return min(max(log2odds(min(max(bound, 1), one-1)), l.min), l.max)
}

// share is how many points dimension d adds to the base at the given log2 odds.
func (l *ladder) share(d int, odds int64) int64 {
	return floorDiv(l.weights[d]*(odds-l.base)*double, million<<fraction)
}

// ppm turns Q0.32 into parts per million, rounded down.
func ppm(p uint64) int64 { return int64(p * million >> fraction) }

// maxFailures bounds the count of failures, so that a million times it still fits.
const maxFailures = 1 << 40

// failures sums what availability reports counted.
func (st *State) failures() Failures {
	up, count, repair := st.outageSums()
	count = min(count, maxFailures)
	f := Failures{Count: int64(count), UpSeconds: int64(up)}
	if count > 0 {
		f.MTBFSeconds, f.MTTRSeconds = int64(up/count), int64(repair/count)
	}
	// (rate·hours + count·10^6) / (hours + up), with hours in seconds.
	prior := st.priors.FailureRate
	seconds := uint64(prior.Hours) * 3600
	f.PerMillionHours = int64(mulDiv(uint64(prior.PerMillionHours*prior.Hours)+count*million, 3600, seconds+up))
	return f
}

// limitFor returns the most points that a history of class c may have, and what its class says.
func limitFor(c chain.Completeness, forks uint64) (int64, Code) {
	switch {
	case forks > 0:
		return CapEquivocation, Equivocation
	case c == chain.C0:
		return CapIsolated, CappedIsolated
	case c == chain.C1:
		return CapGaps, CappedGaps
	case c == chain.C2:
		return CapUnwitnessed, CappedUnwitnessed
	case c == chain.C3:
		return Max, StaleRecord
	}
	return Max, ""
}
