package reputation

import (
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/vc/chain"
)

// MaxEvents bounds what one state folds, so that no sum can overflow: 2^28 events of at
// most 2^32 exposure stay below 2^60. It is a report a second for eight years.
const MaxEvents = 1 << 28

// A State is everything the score of one machine depends on, as exact integer counts by
// (dimension, issuer, week). Adding evidence takes constant time, the order does not matter,
// and two states of one machine merge into what one state would hold that had been given
// all the evidence. Ageing is applied when the state is read, not before.
//
// A State counts what it is given: the same evidence folded twice counts twice. A history
// holds every credential once; [Scorer.Weigh] removes duplicates from a list.
//
// A State is for one goroutine at a time.
type State struct {
	// Completeness caps the score. Its zero value is the strictest.
	Completeness chain.Completeness

	scorer *Scorer
	priors *Priors
	fleet  int // index into the policy's fleets, -1 for none

	rowOf  []int32 // by slot: index into rows + 1
	rows   []row
	facts  [dimensions]series // by window: hi counts known adverse events, lo counts hidden entries
	due    [dimensions]series // by day: hi counts obligations, lo counts discharges
	forks  uint64             // contradictions in the record
	seen   sight              // what was found besides
	events int
	last   Day // latest day of a report or fact, -1 if none
}

// A row holds what one voice said about one dimension.
type row struct {
	slot   uint16 // voice·dimensions + dimension
	series series // by window: hi is bad exposure, lo is good exposure

	// Totals of availability reports, for MTBF and MTTR: excess is the up time that the
	// series does not hold.
	excess, failures, repair uint64
}

func (r *row) voice() int           { return int(r.slot) / int(dimensions) }
func (r *row) dimension() Dimension { return Dimension(r.slot) % dimensions }

// A series counts two things in each window, or day, from base on.
type series struct {
	base  int32
	cells []cell
}

type cell struct{ hi, lo uint64 }

// at returns the cell of i, which it makes if need be.
func (s *series) at(i int32) *cell {
	switch n := int(i - s.base); {
	case len(s.cells) == 0:
		s.base = i
		s.cells = make([]cell, 1, 64)
	case n < 0:
		s.cells = slices.Insert(s.cells, 0, make([]cell, -n)...)
		s.base = i
	case n >= len(s.cells):
		s.cells = append(s.cells, make([]cell, n+1-len(s.cells))...)
	}
	return &s.cells[i-s.base]
}

// merge adds the counts of o.
func (s *series) merge(o *series) {
	for i, c := range o.cells {
		if c != (cell{}) {
			to := s.at(o.base + int32(i))
			to.hi += c.hi
			to.lo += c.lo
		}
	}
}

// An Event is a piece of evidence made ready to be counted by one [Scorer]: a value of 28
// bytes that holds no pointer.
type Event struct {
	good, bad        uint32
	excess           uint32 // up time beyond good, of a report that is longer than a window
	failures, repair uint32
	slot             uint16 // of reports: voice·dimensions + dimension
	window           int16
	day              uint16
	dimension        Dimension
	kind             Kind
}

// Kinds that only events have.
const (
	failing  = BackDated + 1 + iota // a Report with failures, or longer than a window
	praising                        // a Report whose praise was dropped, since it is of oneself
	unheard                         // a Report of somebody without influence
	silent                          // a Report of nothing
)

// Event makes e ready to be counted. It refuses evidence that [Evidence.Validate] refuses.
func (s *Scorer) Event(e *Evidence) (Event, error) {
	if err := e.Validate(); err != nil {
		return Event{}, err
	}
	good, bad := e.Good, e.Bad
	if e.Dimension == Availability && e.Kind == Report {
		good, bad = inWindow(good, bad)
	}
	v := Event{
		good: uint32(good), bad: uint32(bad), excess: uint32(e.Good - good), failures: uint32(e.Failures), repair: uint32(e.RepairSeconds),
		window: int16(e.Window()), day: uint16(e.Day), dimension: e.Dimension, kind: e.Kind,
	}
	if e.Kind != Report {
		return v, nil
	}
	voice := s.interested
	switch e.Standing {
	case Independent:
		known, ok := s.voiceOf[e.Issuer]
		if !ok {
			v.kind = unheard
			return v, nil
		}
		voice = known
	case Telemetry:
		voice = s.telemetry
	default:
		if v.good > 0 {
			v.kind = praising
		}
		v.good, v.excess, v.failures, v.repair = 0, 0, 0, 0 // praise of oneself, and what would need it as denominator
	}
	v.slot = uint16(voice)*uint16(dimensions) + uint16(e.Dimension)
	switch {
	case v.failures|v.repair|v.excess != 0 && v.dimension == Availability:
		v.kind = failing
	case v.good|v.bad == 0 && v.kind == Report:
		v.kind = silent
	}
	return v, nil
}

// inWindow scales the seconds of a report that is longer than a window to one window: it
// counts in the week in which its period ends, and a year is no more evidence about that week
// than the week itself. What is lost to rounding is good.
func inWindow(good, bad int64) (int64, int64) {
	if whole := good + bad; whole > windowSeconds {
		good = good * windowSeconds / whole
		bad = windowSeconds - good
	}
	return good, bad
}

// State returns an empty state for a machine of the given model. The model chooses the
// priors; one that no fleet of the policy lists, such as "", gets the policy's general ones.
func (s *Scorer) State(model string) *State {
	st := &State{scorer: s, fleet: -1, priors: &s.policy.Priors, last: -1}
	if i, ok := s.fleetOf[model]; ok {
		st.fleet, st.priors = i, &s.policy.Fleets[i].Priors
	}
	st.rowOf = make([]int32, len(s.voices)*int(dimensions))
	return st
}

// Fold counts events that the state's own [Scorer] made. The error says that the state
// is full, at [MaxEvents]; then nothing was counted.
func (st *State) Fold(events ...Event) error {
	if len(events) > MaxEvents-st.events {
		return fmt.Errorf("reputation: %d events more than the %d a state can hold", st.events+len(events)-MaxEvents, MaxEvents)
	}
	st.events += len(events)
	last, rowOf, rows := st.last, st.rowOf, st.rows
	for i := range events {
		e := &events[i]
		// Nearly all events are reports of a voice and a window that have a cell already.
		if e.kind == Report && uint(e.slot) < uint(len(rowOf)) {
			if at := uint(rowOf[e.slot]) - 1; at < uint(len(rows)) {
				s := &rows[at].series
				if n := uint(int32(e.window) - s.base); n < uint(len(s.cells)) {
					s.cells[n].hi += uint64(e.bad)
					s.cells[n].lo += uint64(e.good)
					last = max(last, Day(e.day))
					continue
				}
			}
		}
		st.foldRare(e)
		rows = st.rows
	}
	st.last = max(st.last, last)
	return nil
}

// foldRare counts any event.
func (st *State) foldRare(e *Event) {
	switch e.kind {
	case Report, failing, praising:
		if int(e.slot) >= len(st.rowOf) {
			return // made by another Scorer: nobody's word
		}
		if e.kind == praising && e.dimension <= Obligations {
			st.seen |= sawSelfPraise // to add to one's own record or to make a key is none
		}
		if e.kind == praising && e.bad == 0 {
			break
		}
		r := st.row(e.slot)
		c := r.series.at(int32(e.window))
		c.hi += uint64(e.bad)
		c.lo += uint64(e.good)
		r.excess += uint64(e.excess)
		r.failures += uint64(e.failures)
		r.repair += uint64(e.repair)
	case unheard:
		if e.dimension <= Obligations {
			st.seen |= sawUntrusted // anybody may add to a record
		}
	case BackDated:
		st.seen |= sawBackDated
	case Fact:
		st.facts[e.dimension].at(int32(e.window)).hi += uint64(e.bad)
		if e.dimension == Provenance {
			st.seen |= sawMissing
		}
	case Hidden:
		st.facts[e.dimension].at(int32(e.window)).lo += uint64(e.bad)
		st.seen |= sawMissing
	case Fork:
		st.facts[e.dimension].at(int32(e.window)).hi += uint64(e.bad)
		st.forks += uint64(e.bad)
	case Due:
		st.due[e.dimension].at(int32(e.day)).hi += uint64(e.bad)
		return // its day may lie ahead
	case Discharge:
		st.due[e.dimension].at(int32(e.day)).lo += uint64(e.bad)
		return
	default:
		return
	}
	st.last = max(st.last, Day(e.day))
}

// row returns the row of a slot, which it makes if need be.
func (st *State) row(slot uint16) *row {
	if st.rowOf[slot] == 0 {
		st.rows = append(st.rows, row{slot: slot})
		st.rowOf[slot] = int32(len(st.rows))
	}
	return &st.rows[st.rowOf[slot]-1]
}

// Merge adds what o counted. Both states must come from the same policy and be of
// machines of one fleet; the lesser completeness stays.
func (st *State) Merge(o *State) error {
	if st.scorer.digest != o.scorer.digest || st.scorer.trust != o.scorer.trust || st.fleet != o.fleet {
		return fmt.Errorf("reputation: states of policies %v and %v, or of different fleets, do not merge", st.scorer.digest, o.scorer.digest)
	}
	if o.events > MaxEvents-st.events {
		return fmt.Errorf("reputation: %d events more than the %d a state can hold", st.events+o.events-MaxEvents, MaxEvents)
	}
	st.events += o.events
	for i := range o.rows {
		from := &o.rows[i]
		to := st.row(from.slot)
		to.series.merge(&from.series)
		to.excess += from.excess
		to.failures += from.failures
		to.repair += from.repair
	}
	for d := range dimensions {
		st.facts[d].merge(&o.facts[d])
		st.due[d].merge(&o.due[d])
	}
	st.forks += o.forks
	st.seen |= o.seen
	st.last = max(st.last, o.last)
	st.Completeness = min(st.Completeness, o.Completeness)
	return nil
}
