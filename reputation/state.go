package reputation

import (
	"fmt"
	"slices"
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
	Completeness Completeness

	scorer *Scorer
	priors *Priors
	fleet  int // index into the policy's fleets, -1 for none

	rowOf  []int32 // by voice·dimensions + dimension: index into rows + 1
	rows   []row
	facts  [dimensions]series // by window: hi counts known adverse events, lo counts hidden entries
	due    [dimensions]series // by day: hi counts obligations, lo counts discharges
	forks  uint64             // contradictions in the record
	events int
	last   Day // latest day of a report or fact, -1 if none
}

// A row holds what one voice said about one dimension.
type row struct {
	voice     int32
	dimension Dimension
	series    series // by window: hi is bad exposure, lo is good exposure

	up, failures, repair uint64 // totals of availability reports, for MTBF and MTTR
}

// A series counts two things in each window, or day, from base on.
type series struct {
	base  int32
	cells []cell
}

type cell struct{ hi, lo uint64 }

// at returns the cell of i, which it makes if need be.
func (s *series) at(i int32) *cell {
	if n := uint(i - s.base); n < uint(len(s.cells)) {
		return &s.cells[n]
	}
	return s.grow(i)
}

func (s *series) grow(i int32) *cell {
	switch {
	case len(s.cells) == 0:
		s.base = i
		s.cells = make([]cell, 1, 64)
	case i < s.base:
		s.cells = slices.Insert(s.cells, 0, make([]cell, s.base-i)...)
		s.base = i
	default:
		s.cells = append(s.cells, make([]cell, int(i-s.base)+1-len(s.cells))...)
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

// An Event is a piece of evidence made ready to be counted by one [Scorer]: a value of 24
// bytes that holds no pointer.
type Event struct {
	good, bad        uint32
	failures, repair uint32
	voice            int16
	window           int16
	day              uint16
	dimension        Dimension
	kind             Kind
}

// weightless is the kind of events that count for nothing.
const weightless = BackDated

// Event makes e ready to be counted. It refuses evidence that [Evidence.Validate] refuses.
func (s *Scorer) Event(e *Evidence) (Event, error) {
	if err := e.Validate(); err != nil {
		return Event{}, err
	}
	v := Event{
		good: uint32(e.Good), bad: uint32(e.Bad), failures: uint32(e.Failures), repair: uint32(e.RepairSeconds),
		window: int16(e.Window()), day: uint16(e.Day), dimension: e.Dimension, kind: e.Kind,
	}
	if e.Kind != Report {
		return v, nil
	}
	switch e.Standing {
	case Independent:
		voice, ok := s.voiceOf[e.Issuer]
		if !ok {
			v.kind = weightless
			return v, nil
		}
		v.voice = int16(voice)
	case Telemetry:
		v.voice = int16(s.telemetry)
	default:
		v.voice = int16(s.interested)
		v.good, v.failures, v.repair = 0, 0, 0 // praise of oneself, and what would need it as denominator
	}
	if v.good == 0 && v.bad == 0 && v.failures == 0 {
		v.kind = weightless
	}
	return v, nil
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
	for i := range events {
		e := &events[i]
		if e.kind != Report {
			st.foldRare(e)
			continue
		}
		n := int(e.voice)*int(dimensions) + int(e.dimension)
		if uint(n) >= uint(len(st.rowOf)) {
			continue // made by another Scorer: nobody's word
		}
		at := st.rowOf[n]
		if at == 0 {
			st.rows = append(st.rows, row{voice: int32(e.voice), dimension: e.dimension})
			at = int32(len(st.rows))
			st.rowOf[n] = at
		}
		r := &st.rows[at-1]
		c := r.series.at(int32(e.window))
		c.hi += uint64(e.bad)
		c.lo += uint64(e.good)
		if e.dimension == Availability {
			r.up += uint64(e.good)
			r.failures += uint64(e.failures)
			r.repair += uint64(e.repair)
		}
		st.last = max(st.last, Day(e.day))
	}
	return nil
}

// foldRare counts what is not a report.
func (st *State) foldRare(e *Event) {
	switch e.kind {
	case Fact:
		st.facts[e.dimension].at(int32(e.window)).hi += uint64(e.bad)
	case Hidden:
		st.facts[e.dimension].at(int32(e.window)).lo += uint64(e.bad)
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

// Merge adds what o counted. Both states must come from the same policy and be of
// machines of one fleet; the lesser completeness stays.
func (st *State) Merge(o *State) error {
	if st.scorer.digest != o.scorer.digest || st.fleet != o.fleet {
		return fmt.Errorf("reputation: states of policies %v and %v, or of different fleets, do not merge", st.scorer.digest, o.scorer.digest)
	}
	if o.events > MaxEvents-st.events {
		return fmt.Errorf("reputation: %d events more than the %d a state can hold", st.events+o.events-MaxEvents, MaxEvents)
	}
	st.events += o.events
	for i := range o.rows {
		from := &o.rows[i]
		n := int(from.voice)*int(dimensions) + int(from.dimension)
		if st.rowOf[n] == 0 {
			st.rows = append(st.rows, row{voice: from.voice, dimension: from.dimension})
			st.rowOf[n] = int32(len(st.rows))
		}
		to := &st.rows[st.rowOf[n]-1]
		to.series.merge(&from.series)
		to.up += from.up
		to.failures += from.failures
		to.repair += from.repair
	}
	for d := range dimensions {
		st.facts[d].merge(&o.facts[d])
		st.due[d].merge(&o.due[d])
	}
	st.forks += o.forks
	st.last = max(st.last, o.last)
	st.Completeness = min(st.Completeness, o.Completeness)
	return nil
}
