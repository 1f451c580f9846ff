package reputation

import (
	"fmt"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/hourmeter/hourmeter/did"
)

// A Slot says whose word a report is and what it is about. [Scorer.Slot] makes one, and it
// means something to that scorer only.
type Slot uint16

// Slot returns the slot of what issuer says about d, with the given standing.
func (s *Scorer) Slot(issuer did.DID, standing Standing, d Dimension) (Slot, error) {
	if standing > Independent || d >= dimensions {
		return 0, fmt.Errorf("reputation: there is no slot for %v and %v", standing, d)
	}
	voice := s.voice(issuer, standing)
	if voice < 0 {
		voice = s.factVoice() // a report has nothing to do there: so this stands for nobody
	}
	return Slot(slotOf(voice, d)), nil
}

// Columns are reports about many machines, as parallel slices of one length: row i is what
// Slot[i] says of machine Machine[i]. It is the form for many reports at once, such as a
// column store keeps them; for a single one see [Scorer.Event].
//
// Folding is fastest, about the speed of reading the columns, if the rows of each machine
// stand together with Machine rising.
type Columns struct {
	Machine   []uint32 // index into the states
	Slot      []Slot
	Day       []uint16 // when it happened, or ended: a [Day]
	Good, Bad []uint32 // exposure: see [Report]

	// For availability, failures in the period and the time down because of them. Nil means
	// none at all.
	Failures, RepairSeconds []uint32
}

// Append adds a row. Evidence has to be a [Report], by the scorer's own slot.
func (c *Columns) Append(machine uint32, slot Slot, e *Evidence) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if e.Kind != Report {
		return fmt.Errorf("reputation: evidence %d is a %v: columns hold reports", e.Sequence, e.Kind)
	}
	c.Machine = append(c.Machine, machine)
	c.Slot = append(c.Slot, slot)
	c.Day = append(c.Day, uint16(e.Day))
	c.Good = append(c.Good, uint32(e.Good))
	c.Bad = append(c.Bad, uint32(e.Bad))
	if c.Failures != nil || e.Failures|e.RepairSeconds != 0 {
		rows := len(c.Machine)
		c.Failures = append(c.Failures, make([]uint32, rows-len(c.Failures))...)
		c.RepairSeconds = append(c.RepairSeconds, make([]uint32, rows-len(c.RepairSeconds))...)
		c.Failures[rows-1], c.RepairSeconds[rows-1] = uint32(e.Failures), uint32(e.RepairSeconds)
	}
	return nil
}

// FoldColumns counts every row in the state of its machine, on all cores. The states are the
// scorer's own, and all different. It gives what [State.Fold] gives, whatever the order of the
// rows and the number of cores.
//
// The error names a row that says what no report can, or what is wrong with the states. Of the
// former, the other rows have been counted all the same: throw the states away.
func (s *Scorer) FoldColumns(states []*State, c *Columns) error {
	rows := len(c.Machine)
	if len(c.Slot) != rows || len(c.Day) != rows || len(c.Good) != rows || len(c.Bad) != rows ||
		c.Failures != nil && len(c.Failures) != rows || len(c.RepairSeconds) != len(c.Failures) {
		return fmt.Errorf("reputation: columns differ in length: machine has %d rows", rows)
	}
	for i, st := range states {
		if st == nil || st.scorer != s {
			return fmt.Errorf("reputation: state %d is missing, or another scorer's", i)
		}
		if rows > MaxEvents-st.events {
			return fmt.Errorf("reputation: state %d holds %d events, and with %d rows it might hold more than %d: fold fewer at once", i, st.events, rows, MaxEvents)
		}
		st.place = uint32(i)
	}
	for i, st := range states {
		if st.place != uint32(i) {
			return fmt.Errorf("reputation: states %d and %d are one", i, st.place)
		}
	}

	var greatest atomic.Uint32
	var disorder atomic.Bool
	spread(rows, chunkRows, func(from, to int) {
		before := c.Machine[max(from, 1)-1]
		rising, top := true, before
		for _, m := range c.Machine[from:to] {
			if m < before {
				rising = false
			}
			top = max(top, m)
			before = m
		}
		if !rising {
			disorder.Store(true)
		}
		for seen := greatest.Load(); top > seen && !greatest.CompareAndSwap(seen, top); seen = greatest.Load() {
		}
	})
	if top := greatest.Load(); rows > 0 && top >= uint32(len(states)) {
		return fmt.Errorf("reputation: a row is about machine %d of %d", top, len(states))
	}

	f := columnFold{scorer: s, c: c}
	if disorder.Load() {
		f.sort(len(states))
	}
	spread(rows, chunkRows, func(from, to int) {
		// A machine belongs to the chunk in which its first row is.
		for from < to && from > 0 && f.machine(from) == f.machine(from-1) {
			from++
		}
		for from < to {
			from = f.fold(states[f.machine(from)], from)
		}
	})
	if f.fault.Load() {
		for i := range c.Machine {
			if f.isFault(c, i) {
				return fmt.Errorf("reputation: row %d has slot %d, good %d and bad %d: want a slot that this scorer made, and at most %d of the other two together",
					i, c.Slot[i], c.Good[i], c.Bad[i], int64(MaxExposure))
			}
		}
	}
	return nil
}

// chunkRows is how many rows a worker takes at a time: enough that taking them costs nothing,
// and few enough that the last worker does not keep the others waiting.
const chunkRows = 1 << 14

// spread calls do for consecutive ranges of at most size that together are 0..n, on all cores.
func spread(n, size int, do func(from, to int)) {
	var next atomic.Int64
	work := func() {
		for {
			to := int(next.Add(int64(size)))
			if to-size >= n {
				return
			}
			do(to-size, min(to, n))
		}
	}
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+size-1)/size) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
}

// A columnFold is one call of FoldColumns at work.
type columnFold struct {
	scorer *Scorer
	c      *Columns
	order  []uint32    // rows by machine; nil if they stand so
	fault  atomic.Bool // some row says what no report can
}

func (f *columnFold) machine(i int) uint32 {
	if f.order != nil {
		return f.c.Machine[f.order[i]]
	}
	return f.c.Machine[i]
}

// sort finds the order of rows by machine: it counts those of each, and so knows where each
// machine's begin.
func (f *columnFold) sort(machines int) {
	begin := make([]uint32, machines+1)
	for _, m := range f.c.Machine {
		begin[m+1]++
	}
	for i := 1; i < len(begin); i++ {
		begin[i] += begin[i-1]
	}
	f.order = make([]uint32, len(f.c.Machine))
	for i, m := range f.c.Machine {
		f.order[begin[m]] = uint32(i)
		begin[m]++
	}
}

// fold counts the rows of one machine, which begin with from, and returns where they end.
func (f *columnFold) fold(st *State, from int) int {
	c := f.c
	if f.order == nil {
		// The rows rise, so the end of those of one machine can be searched for.
		m, step := c.Machine[from], 1
		for from+step < len(c.Machine) && c.Machine[from+step] == m {
			step *= 2
		}
		window := c.Machine[from+step/2 : min(from+step, len(c.Machine))]
		to := from + step/2 + sort.Search(len(window), func(i int) bool { return window[i] != m })
		f.rows(st, c, from, to)
		return to
	}
	// Rows that stand apart are put together first, some at a time.
	m := f.machine(from)
	var gathered struct {
		slot           [256]Slot
		day            [256]uint16
		good, bad      [256]uint32
		failed, repair [256]uint32
	}
	for from < len(f.order) && f.machine(from) == m {
		n := 0
		for ; n < 256 && from < len(f.order); n++ {
			row := f.order[from]
			if c.Machine[row] != m {
				break
			}
			gathered.slot[n], gathered.day[n], gathered.good[n], gathered.bad[n] = c.Slot[row], c.Day[row], c.Good[row], c.Bad[row]
			if c.Failures != nil {
				gathered.failed[n], gathered.repair[n] = c.Failures[row], c.RepairSeconds[row]
			}
			from++
		}
		part := Columns{Slot: gathered.slot[:n], Day: gathered.day[:n], Good: gathered.good[:n], Bad: gathered.bad[:n]}
		if c.Failures != nil {
			part.Failures, part.RepairSeconds = gathered.failed[:n], gathered.repair[:n]
		}
		f.rows(st, &part, 0, n)
	}
	return from
}

// rows counts rows from..to of c, which are of one machine.
func (f *columnFold) rows(st *State, c *Columns, from, to int) {
	st.events += to - from
	var cells [cellRows]uint32
	for ; from < to; from += cellRows {
		n := min(to-from, cellRows)
		f.find(st, c, from, cells[:n])
		goods, bads := c.Good[from:][:n], c.Bad[from:][:n]
		index, blocks, shift := st.index, st.blocks, st.shift
		for i, at := range cells[:n] {
			key := at >> blockBits
			if h := key * hashFactor >> (shift & 31) & uint32(len(index)-1); h < uint32(len(index)) {
				if entry := index[h]; uint32(entry>>32) == key+1 && uint(uint32(entry)) < uint(len(blocks)) {
					c := &blocks[uint32(entry)][at%blockSize]
					hi, lo := c.hi+bads[i], c.lo+goods[i]
					if hi >= bads[i] && lo >= goods[i] {
						c.hi, c.lo = hi, lo
						continue
					}
				}
			}
			f.rare(st, c, from+i)
			index, blocks, shift = st.index, st.blocks, st.shift
		}
	}
}

// cellRows is how many rows are looked at at a time: so few that what is found stays near.
const cellRows = 256

// rareCell stands for the cell of a report that cannot just be added.
const rareCell = 1<<32 - 1

// find finds the cell of each row: slot << 16 | window. Two short loops are faster than one
// that has to remember everything.
func (f *columnFold) find(st *State, c *Columns, from int, cells []uint32) {
	slots, days, goods, bads := c.Slot[from:][:len(cells)], c.Day[from:][:len(cells)], c.Good[from:][:len(cells)], c.Bad[from:][:len(cells)]
	plain := Slot(slotOf(f.scorer.interested, 0)) // from here on the machine's side speaks, and nobody
	last := uint32(st.last + 1)
	for i, slot := range slots {
		good, bad, day := goods[i], bads[i], uint32(days[i])
		// 0 - 1 wraps around: to say nothing is rare, as is to say more than a week holds.
		if slot >= plain || (good|bad)>>weekBits != 0 || good+bad-1 >= windowSeconds {
			cells[i] = rareCell
			continue
		}
		cells[i] = uint32(slot)<<16 | (day+3)/7
		last = max(last, day+1)
	}
	st.last = Day(last) - 1
	for i, failures := range c.Failures[min(from, len(c.Failures)):][:min(len(cells), len(c.Failures))] {
		if failures|c.RepairSeconds[from+i] != 0 {
			cells[i] = rareCell
		}
	}
}

// rare counts any row.
func (f *columnFold) rare(st *State, c *Columns, i int) {
	if c.Slot[i] > Slot(slotOf(f.scorer.factVoice(), dimensions-1)) || c.Good[i] > MaxExposure-c.Bad[i] {
		f.fault.Store(true)
		return
	}
	e := f.event(c, i)
	st.foldRare(&e)
}

// weekBits holds windowSeconds, and twice that in one bit more.
const weekBits = 20

// isFault reports whether row i of c says what no report can.
func (f *columnFold) isFault(c *Columns, i int) bool {
	return c.Slot[i] > Slot(slotOf(f.scorer.factVoice(), dimensions-1)) || c.Good[i] > MaxExposure-c.Bad[i]
}

// event is row i of c as an event.
func (f *columnFold) event(c *Columns, i int) Event {
	slot := uint16(c.Slot[i])
	voice, d := int32(slot/uint16(dimensions)), Dimension(slot%uint16(dimensions))
	e := Event{good: c.Good[i], bad: c.Bad[i], day: c.Day[i]}
	if voice == f.scorer.factVoice() {
		return f.scorer.unheard(d, c.Day[i])
	}
	if c.Failures != nil {
		e.failures, e.repair = c.Failures[i], c.RepairSeconds[i]
	}
	e.put(slot, uint16(Day(c.Day[i]).Window()))
	f.scorer.ready(&e, voice, d)
	return e
}
