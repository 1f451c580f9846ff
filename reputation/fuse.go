package reputation

import "slices"

// A tally is the evidence on one dimension, aged to one day: once with the half-life of
// [HalfLife] windows, and once with [RecentHalfLife].
type tally struct {
	sums
	recent sums
	doubt  uint64 // half of it is what the errors of witnesses are expected to add to either side
	cut    bool   // more praise was given of a window than counts
}

// Sums of evidence. All are numbers of windows in Q32.
type sums struct {
	good    uint64 // r of docs/SCORE.md §8
	bad     uint64 // s, overdue among it
	hidden  uint64 // withheld entries, which only the lower bound counts
	overdue uint64
	surplus uint64 // u: what of s the mean leaves out
}

// RecentHalfLife is the age in windows at which evidence weighs half where it is asked
// whether the machine does worse of late. It divides [HalfLife].
const RecentHalfLife = 6

// recent is what a statement of an age in windows weighs with [RecentHalfLife], in Q0.32.
func (s *Scorer) recent(age Window) uint64 {
	if age *= HalfLife / RecentHalfLife; age < decayWindows {
		return s.decays[age]
	}
	return 0
}

// A window with less exposure than this in all counts as a part of a window: a report of
// one hour a week is no week's evidence. Beyond it a window counts once, however much was
// seen in it.
const (
	fullSeconds = 24 * 60 * 60 // of required time, for availability
	fullEvent   = 1000         // thousandths of an event, for the other dimensions
)

// windowSeconds is the most required time that a window holds.
const windowSeconds = 7 * 24 * 60 * 60

// A report is what one voice said of one window. The window is taken as a unit interval
// of time, of which the voice says good on [0, good), nothing on [good, one-bad), and bad
// on [one-bad, one). That says good or bad of the whole when all is good or all is bad, and
// gives a share of up time its due: a window that was up for 95 % adds .95 good and .05
// bad, and not one wholly good window.
type report struct {
	good, bad uint64 // Q0.32, together one at most
	voice     *voice
}

// newReport turns the counts of one voice in one window into a report.
//
// Praise does not dilute blame. A week has only so many seconds: of those that reports claim
// beyond it, the bad ones stay. And of other dimensions one event of a week counts as good
// at most, or a hundred trifling services would outweigh a failure, and a hundred leases of
// an hour the one that was breached.
func newReport(c cell, d Dimension, v *voice) report {
	good, bad, full := c.lo, c.hi, uint64(fullEvent)
	if d == Availability {
		full = fullSeconds
		bad = min(bad, windowSeconds)
		good = min(good, windowSeconds-bad)
	} else {
		good = min(good, fullEvent)
	}
	whole := max(good+bad, full)
	return report{share(good, whole), share(bad, whole), v}
}

// share is ⌊part/whole⌋ in Q0.32, for part <= whole.
func share(part, whole uint64) uint64 {
	switch part {
	case 0:
		return 0
	case whole:
		return one
	}
	return mulDiv(part, one, whole)
}

// at is the log-likelihood ratio of what the voice says of moment u of the window.
func (r *report) at(u uint64) int64 {
	switch {
	case u < r.good:
		return r.voice.good
	case u >= one-r.bad:
		return r.voice.bad
	}
	return 0
}

// A fuser does the fusion of docs/SCORE.md §8, one window at a time. It keeps scratch space, and
// certainties that it has computed before: most windows of a machine are alike.
type fuser struct {
	cuts  []uint64
	known [16]struct {
		odds int64
		c    int64
	}
}

// fuse tells how much of a window was good, and how much bad, as far as the reports
// together make certain, and how much is in doubt: the sum of c·(1-c). All are Q0.32. The
// reports are sorted by group.
//
// At each moment of the window the log-odds of the groups add up, within ±6; of each
// group only the strongest voice counts, the adverse one if two are equal.
func (f *fuser) fuse(reports []report) (good, bad, doubt uint64) {
	if len(reports) == 1 {
		r := &reports[0]
		up, down := r.voice.aloneGood, r.voice.aloneBad
		return mul(r.good, up), mul(r.bad, down), mul(r.good, mul(up, one-up)) + mul(r.bad, mul(down, one-down))
	}
	f.cuts = f.cuts[:0]
	for i := range reports {
		if g := reports[i].good; g != 0 && g != one {
			f.cuts = append(f.cuts, g)
		}
		if b := reports[i].bad; b != 0 && b != one {
			f.cuts = append(f.cuts, one-b)
		}
	}
	if len(f.cuts) > 1 {
		slices.Sort(f.cuts)
	}
	f.cuts = append(f.cuts, one)
	from := uint64(0)
	for _, to := range f.cuts {
		if to == from {
			continue
		}
		c := f.certainty(odds(reports, from))
		if c >= 0 {
			good += mul(to-from, uint64(c))
		} else {
			c = -c
			bad += mul(to-from, uint64(c))
		}
		doubt += mul(to-from, mul(uint64(c), one-uint64(c)))
		from = to
	}
	return good, bad, doubt
}

// certainty is the function of that name, remembered. (The zero entry is right: even odds
// are no certainty.)
func (f *fuser) certainty(odds int64) int64 {
	known := &f.known[uint64(odds)*0x9e3779b97f4a7c15>>60]
	if known.odds != odds {
		known.odds, known.c = odds, certainty(odds)
	}
	return known.c
}

// odds sums the groups' log-odds at moment u. The reports are sorted by group.
func odds(reports []report, u uint64) int64 {
	var sum, strongest int64
	for i := range reports {
		if i > 0 && reports[i].voice.group != reports[i-1].voice.group {
			sum += strongest
			strongest = 0
		}
		l := reports[i].at(u)
		if size := max(l, -l); size > max(strongest, -strongest) || size == -l && -l == strongest {
			strongest = l
		}
	}
	return min(max(sum+strongest, -maxOdds), maxOdds)
}

// tally ages and fuses all evidence on d, as of a day.
func (st *State) tally(d Dimension, asOf Day, f *fuser) (t tally) {
	now := asOf.Window()

	// The windows that hold anything: never more than weigh anything.
	var few [8]track
	var fewRefs [32]ref
	var fewCells [128]cell
	tracks, cells := st.tracks(few[:0], fewRefs[:0], fewCells[:0], d, now)
	oldest := now + 1
	for i := range tracks {
		oldest = min(oldest, tracks[i].oldest)
	}
	oldest = max(oldest, now-decayWindows+1)

	var fewReports [8]report
	reports := fewReports[:0]
	var good, bad, doubt, doubts uint64
	var all, recent sums // not yet in t, which closures below hold
	gated, cut := false, false
	for w := now; w >= oldest; w-- {
		// Most windows are like the one after them: then so is what comes of them.
		alike := true
		for i := range tracks {
			t := &tracks[i]
			var c cell
			if n := uint(w - t.oldest); n < uint(t.cells) {
				c = cells[uint(t.from)+n]
			}
			if c != t.last {
				t.last, alike = c, false
			}
		}
		if !alike {
			reports = reports[:0]
			for i := range tracks {
				if c := tracks[i].last; c.hi|c.lo != 0 {
					cut = cut || c.excessive(d)
					reports = append(reports, newReport(c, d, tracks[i].voice))
				}
			}
			good, bad, doubt = f.fuse(reports)
		}
		age := now - w
		weight, lately := st.scorer.decays[age], st.scorer.recent(age)
		if !gated {
			doubts += mul(weight, doubt)
			all.good += mul(weight, good)
			recent.good += mul(lately, good)
		}
		if bad != 0 {
			all.bad += mul(weight, bad)
			recent.bad += mul(lately, bad)
			// Integrity is a state, and the last one holds: praise from before it was lost
			// says nothing about the machine as it is.
			gated = d == Integrity
		}
	}
	t.sums, t.recent, t.doubt, t.cut = all, recent, doubts, cut

	st.marks(st.scorer.factVoice(), d, func(at int32, c cell) {
		if age := now - Window(at); 0 <= age && age < decayWindows {
			t.add(st.scorer, age, c.facts())
		}
	})
	// An obligation has until the end of its day, so on that day it is not yet overdue.
	st.marks(st.scorer.dueVoice(), d, func(at int32, c cell) {
		day := Day(at)
		if age := now - day.Window(); day < asOf && c.hi > c.lo && age < decayWindows {
			n := min(c.hi-c.lo, MaxCount)
			t.add(st.scorer, age, sums{bad: n, overdue: n})
		}
	})
	return t
}

// add adds numbers of events, each of them certain, of a window of the given age.
func (t *tally) add(s *Scorer, age Window, n sums) {
	for _, to := range []struct {
		*sums
		weight uint64
	}{{&t.sums, s.decays[age]}, {&t.recent, s.recent(age)}} {
		to.bad += to.weight * n.bad
		to.hidden += to.weight * n.hidden
		to.overdue += to.weight * n.overdue
		to.surplus += to.weight * n.surplus / 2
	}
}

// facts is what the record itself shows of one window. Adverse entries that are withheld may all
// be of one week, which would count once, or each of a week of its own. The bound takes them at
// their worst, and the mean half way between.
func (c cell) facts() sums {
	n := min(c.hi, MaxCount)
	return sums{bad: n, hidden: min(c.lo, MaxCount), surplus: max(n, 1) - 1}
}

// excessive reports whether more good was said of a week than counts.
func (c cell) excessive(d Dimension) bool {
	switch d {
	case Availability:
		return c.lo > 0 && c.lo+c.hi > windowSeconds
	case Maintenance, Obligations:
		return c.lo > fullEvent
	}
	return false // each entry is a report of provenance
}

// average is m of docs/SCORE.md §8, the mean of the Beta posterior: Q0.32, strictly within 0..1.
func (p Prior) average(good, bad uint64) uint64 {
	strength := uint64(p.Strength) << fraction / 1000
	return min(max(mulDiv(good+mul(strength, q32(p.Mean)), one, good+bad+strength), 1), one-1)
}

// bound is the low of B of docs/SCORE.md §8: one standard error below the average, Q0.32.
func (p Prior) bound(good, bad uint64) uint64 {
	mean := p.average(good, bad)
	deviation := sqrt(mulDiv(mean*(one-mean), one, good+bad+one)) // √(p(1-p)/(n+1)), from Q0.64
	return mean - min(mean, deviation)
}

// ceiling is the greatest probability that recent evidence does not contradict by more than
// z standard errors, Q0.32: the upper limit of Wilson's interval. It falls with bad
// evidence, rises with good evidence, always, and is one where there is no bad.
func ceiling(good, bad uint64, z halves) uint64 {
	if bad == 0 {
		return one
	}
	// (r + z²/2 + z·√(r·s/n + z²/4)) / (n + z²)
	n := good + bad
	square := uint64(z*z) * (one / 4)
	root := sqrt((mulDiv(good, bad, n)+square/4)<<(fraction-2*rootBits)) << rootBits
	return min(mulDiv(good+square/2+uint64(z)*root/2, one, n+square), one)
}

// halves is a number of half standard errors.
type halves uint64

// How far recent evidence has to contradict before it counts. The bound lies one standard
// error below its mean already, so half an error beyond it is one and a half.
const (
	contradictsMean  halves = 2
	contradictsBound halves = 1
)

// rootBits of the root in ceiling are zero: 28 bits of fraction stay, and what it is drawn
// from fits into 64, since no more than ten windows of good evidence are recent.
const rootBits = 4

// An estimate is what a tally says of a dimension. All are Q0.32.
type estimate struct {
	mean   uint64
	low    uint64 // the lower bound
	steady uint64 // what the lower bound is apart from what is recent
	good   uint64 // share of the evidence that is good: what the mean would come to with no end of such evidence
}

// estimate gives the mean and the lower bound of a tally.
//
// The formula alone would sometimes reward bad news: where little is known, one failure
// narrows the error by more than it lowers the mean. So the bound is never above what it
// would be without the adverse evidence. (As a function of the adverse evidence the
// formula rises at most once and then falls, so the lesser of the two ends is its least
// value in between, and more adverse evidence never raises the bound.)
//
// Where recent evidence contradicts mean or bound, they come down to what it allows. The
// bound is the lesser of two values that more bad evidence never raises and more good never
// lowers, and so it keeps to that itself.
func (p Prior) estimate(t tally) (e estimate) {
	// Witnesses err, so some of what they say of a good machine is bad, and the reverse. Of
	// what is expected half is taken off, from either side: all of it would be right if their
	// reliabilities were exactly right, and makes extremes of small errors in them.
	bad := t.bad - t.surplus
	n := t.good + bad - t.doubt/2
	bad = min(bad-min(bad, t.doubt/4), n)
	e.mean = p.average(n-bad, bad)
	e.steady, e.good = p.bound(t.good, 0), one
	if adverse := t.bad + t.hidden; adverse > 0 {
		e.steady = min(e.steady, p.bound(t.good, adverse))
		e.good = share(t.good, t.good+adverse)
	}
	e.mean = max(min(e.mean, ceiling(t.recent.good, t.recent.bad-t.recent.surplus, contradictsMean)), 1)
	e.low = min(e.steady, ceiling(t.recent.good, t.recent.bad+t.recent.hidden, contradictsBound))
	return e
}
