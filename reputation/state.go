package reputation

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// MaxEvents bounds what one state folds, so that no sum can overflow: 2^28 events of at
// most 2^32 exposure stay below 2^60. It is a report a second for eight years.
const MaxEvents = 1 << 28

// A State is everything the score of one machine depends on, as exact integer counts by
// (dimension, issuer, week). Adding evidence takes constant time, the order does not matter,
// and two states of one machine merge into what one state would hold that had been given
// all the evidence. Ageing and the issuers' reliabilities are applied when the state is read,
// not before: so what [State.AppendBinary] writes can be read by [Scorer.ReadState] under the
// trust table of a later epoch.
//
// A State counts what it is given: the same evidence folded twice counts twice. A history
// holds every credential once; [Scorer.Weigh] removes duplicates from a list.
//
// A year of weekly reports on four dimensions, 208 counts, takes 4 kB, and 1 kB in binary
// form. A State is for one goroutine at a time.
type State struct {
	// Completeness caps the score. Its zero value is the strictest.
	Completeness chain.Completeness

	scorer *Scorer
	priors *Priors
	model  string

	// Counts are kept in blocks of consecutive windows, in no order. The index knows where one
	// is: a hash table with linear probing. An entry is 0, or the block's key + 1 in the upper
	// half and its place in the lower.
	blocks []block
	keys   []uint32 // of the blocks
	index  []uint64
	shift  uint8 // of a hash, to get the place of an entry

	carried bool   // some block holds upper halves
	marked  uint16 // bits of the record's own slots that have a block, from those of facts on
	outages []outage
	forks   uint64 // contradictions in the record
	seen    sight  // what was found besides
	events  int
	last    Day    // latest day of a report or fact, -1 if none
	place   uint32 // in the list that FoldColumns is at work on
}

// blockSize is how many windows, or days, a block holds: 64 bytes of counts.
const (
	blockBits = 3
	blockSize = 1 << blockBits
)

// A block holds what one slot counted in blockSize windows. There are three sorts of slots,
// by their voice:
//
//   - one of the scorer's: hi is bad exposure, lo is good exposure, by window;
//   - facts of the record: hi counts known adverse events, lo counts hidden entries, by window;
//   - dues of the record: hi counts obligations, lo counts discharges, by day.
//
// Counts are 32 bits wide, which is enough for hardly ever carrying: the upper halves of
// those that are larger have a block of their own.
type block [blockSize]narrow

type narrow struct{ hi, lo uint32 }

func (c narrow) wide() cell { return cell{uint64(c.hi), uint64(c.lo)} }

// A key names a block: slot << slotShift | index >> blockBits. The index is at most MaxDay.
const (
	slotShift = 16 - blockBits
	carryKey  = 1 << 31 // of upper halves
)

// The voices of the record itself follow those of the scorer's voices.
func (s *Scorer) factVoice() int32 { return int32(len(s.voices)) }
func (s *Scorer) dueVoice() int32  { return int32(len(s.voices)) + 1 }

// Slots have 16 bits.
const _ = uint16((MaxIssuers + MaxTrusted + 4) * int(dimensions))

// slotOf is the slot of what a voice says about a dimension.
func slotOf(voice int32, d Dimension) uint16 { return uint16(voice)*uint16(dimensions) + uint16(d) }

// An outage sums the availability reports of one voice, for MTBF and MTTR: excess is the up
// time that the cells do not hold.
type outage struct {
	voice                    int32
	excess, failures, repair uint64
}

// A cell is what is counted in one window or day.
type cell struct{ hi, lo uint64 }

// An Event is a piece of evidence made ready to be counted by one [Scorer]: a value of 28
// bytes that holds no pointer.
type Event struct {
	good, bad        uint32 // to add to lo and hi
	excess           uint32 // up time beyond good, of a report that is longer than a window
	failures, repair uint32
	key              uint32 // of the block
	day              uint16 // 0 for what falls due, whose day may lie ahead
	in               uint8  // which cell of the block, plus what is special
	saw              uint8  // a thing found, of those a sight holds
}

// What in adds to the number of a cell. An event without is a report of which good and bad
// are all it says.
const (
	special    = blockSize << iota // anything else that counts
	forking                        // a contradiction
	weightless                     // counts for nothing
)

// put sets which cell the event goes to: at is a window, or a day.
func (v *Event) put(slot uint16, at uint16) {
	v.key = uint32(slot)<<slotShift | uint32(at>>blockBits)
	v.in = v.in&^(blockSize-1) | uint8(at%blockSize)
}

// Event makes e ready to be counted. It refuses evidence that [Evidence.Validate] refuses.
func (s *Scorer) Event(e *Evidence) (Event, error) {
	if err := e.Validate(); err != nil {
		return Event{}, err
	}
	v := Event{bad: uint32(e.Bad), day: uint16(e.Day), in: special}
	window := uint16(e.Window())
	switch e.Kind {
	case Report:
		voice := s.voice(e.Issuer, e.Standing)
		if voice < 0 {
			return s.unheard(e.Dimension, v.day), nil
		}
		v.good, v.failures, v.repair = uint32(e.Good), uint32(e.Failures), uint32(e.RepairSeconds)
		v.put(slotOf(voice, e.Dimension), window)
		s.ready(&v, voice, e.Dimension)
	case Fact, Fork:
		v.put(slotOf(s.factVoice(), e.Dimension), window)
		if e.Kind == Fork {
			v.in |= forking
		} else if e.Dimension == Provenance {
			v.saw = sawMissing
		}
	case Hidden:
		v.put(slotOf(s.factVoice(), e.Dimension), window)
		v.good, v.bad = v.bad, 0
		v.saw = sawMissing
	case Due, Discharge:
		v.put(slotOf(s.dueVoice(), e.Dimension), v.day)
		v.day = 0
		if e.Kind == Discharge {
			v.good, v.bad = v.bad, 0
		}
	default:
		v.bad, v.saw = 0, sawOf(e.Kind)
		if v.saw == 0 {
			v.in = weightless
		}
	}
	return v, nil
}

// unheard is a report by somebody whom s does not believe.
func (s *Scorer) unheard(d Dimension, day uint16) Event {
	v := Event{day: day, in: special}
	if d <= Obligations {
		v.saw = sawUntrusted // anybody may add to a record
	}
	return v
}

// sawOf is what evidence of a kind that weighs nothing leaves to be seen.
func sawOf(k Kind) uint8 {
	switch k {
	case BackDated:
		return sawBackDated
	case Void:
		return sawCompromise
	case Unlogged:
		return sawUnlogged
	case Duplicate:
		return sawDuplicate
	case Rival:
		return sawRival
	case Tail:
		return sawMissing
	}
	return 0
}

// voice returns the voice that a report counts for, or -1 if it counts for nothing.
func (s *Scorer) voice(issuer did.DID, standing Standing) int32 {
	switch standing {
	case Independent:
		if voice, ok := s.voiceOf[issuer]; ok {
			return voice
		}
		return -1
	case Telemetry:
		return s.telemetry
	}
	return s.interested
}

// ready turns what a report says into what is counted.
func (s *Scorer) ready(v *Event, voice int32, d Dimension) {
	if d == Availability {
		good, bad := inWindow(int64(v.good), int64(v.bad))
		v.excess = v.good - uint32(good)
		v.good, v.bad = uint32(good), uint32(bad)
	} else {
		v.failures, v.repair = 0, 0
	}
	if voice == s.interested {
		if v.good > 0 && d <= Obligations {
			v.saw = sawSelfPraise // to add to one's own record or to make a key is none
		}
		v.good, v.excess, v.failures, v.repair = 0, 0, 0, 0 // praise of oneself, and what would need it as denominator
	}
	switch {
	case v.saw != 0 || v.excess|v.failures|v.repair != 0:
		v.in |= special
	case v.good|v.bad == 0:
		v.in |= weightless
	default:
		v.in %= blockSize
	}
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
	if len(model) > utf8.UTFMax*MaxName || utf8.RuneCountInString(model) > MaxName || !utf8.ValidString(model) {
		model = "" // no policy can list it
	}
	st := &State{scorer: s, model: model, priors: &s.policy.Priors, last: -1}
	if i, ok := s.fleetOf[model]; ok {
		st.priors = &s.policy.Fleets[i].Priors
	}
	return st
}

// Count returns a state that holds all that a case says, each statement once. Read as of the
// day of [State.Last] or a later one it gives the score that [Scorer.Weigh] gives, but for the
// EvidenceRoot.
func (s *Scorer) Count(c Case) (*State, error) {
	st := s.State(c.Model)
	st.Completeness = c.Completeness
	counted := normalize(c.Evidence, MaxDay)
	for i := range counted {
		event, err := s.Event(&counted[i])
		if err != nil {
			return nil, err
		}
		if err := st.Fold(event); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// Fold counts events that the state's own [Scorer] made. The error says that the state
// is full, at [MaxEvents]; then nothing was counted.
func (st *State) Fold(events ...Event) error {
	if err := st.room(len(events)); err != nil {
		return err
	}
	last, index, blocks, shift := st.last, st.index, st.blocks, st.shift
	for i := range events {
		e := &events[i]
		// Nearly all events are reports of a voice and a window that have a cell already.
		if h := e.key * hashFactor >> (shift & 31) & uint32(len(index)-1); e.in < blockSize && h < uint32(len(index)) {
			var b *block
			if entry := index[h]; uint32(entry>>32) == e.key+1 && uint(uint32(entry)) < uint(len(blocks)) {
				b = &blocks[uint32(entry)]
			} else {
				b = st.find(e.key)
			}
			if b != nil {
				c := &b[e.in]
				hi, lo := c.hi+e.bad, c.lo+e.good
				if hi >= e.bad && lo >= e.good {
					c.hi, c.lo = hi, lo
					last = max(last, Day(e.day))
					continue
				}
			}
		}
		st.foldRare(e)
		index, blocks, shift = st.index, st.blocks, st.shift
	}
	st.last = max(st.last, last)
	return nil
}

// room takes room for n events.
func (st *State) room(n int) error {
	if n > MaxEvents-st.events {
		return fmt.Errorf("reputation: %d events more than the %d a state can hold", st.events+n-MaxEvents, MaxEvents)
	}
	st.events += n
	return nil
}

// foldRare counts any event.
func (st *State) foldRare(e *Event) {
	if e.in&weightless != 0 || e.key > uint32(slotOf(st.scorer.dueVoice(), dimensions))<<slotShift {
		return // nobody's word; the latter was made by another Scorer
	}
	st.add(e.key, e.in%blockSize, uint64(e.bad), uint64(e.good))
	if e.excess|e.failures|e.repair != 0 {
		o := st.outage(int32(e.key >> slotShift / uint32(dimensions)))
		o.excess += uint64(e.excess)
		o.failures += uint64(e.failures)
		o.repair += uint64(e.repair)
	}
	if e.in&forking != 0 {
		st.forks += uint64(e.bad)
	}
	st.seen |= sight(e.saw)
	st.last = max(st.last, Day(e.day))
}

// add adds to one cell.
func (st *State) add(key uint32, i uint8, hi, lo uint64) {
	if hi|lo == 0 {
		return // a cell that holds nothing is none
	}
	c := &st.block(key)[i]
	hi += uint64(c.hi)
	lo += uint64(c.lo)
	c.hi, c.lo = uint32(hi), uint32(lo)
	if hi, lo = hi>>32, lo>>32; hi|lo != 0 {
		st.carried = true
		st.add(key|carryKey, i, hi, lo)
	}
}

// sparse is how many entries the index has for each block, at least: so nearly every block is
// where it is looked for first.
const sparse = 3

// hashFactor spreads keys over the index: 2^32 divided by the golden ratio.
const hashFactor = 0x9e3779b1

// find returns the block of a key, or nil if there is none.
func (st *State) find(key uint32) *block {
	if len(st.index) == 0 {
		return nil
	}
	mask := uint32(len(st.index) - 1)
	for h := key * hashFactor >> st.shift; ; h++ {
		switch entry := st.index[h&mask]; {
		case entry == 0:
			return nil
		case uint32(entry>>32) == key+1:
			return &st.blocks[uint32(entry)]
		}
	}
}

// block returns the block of a key, which it makes if need be.
func (st *State) block(key uint32) *block {
	if b := st.find(key); b != nil {
		return b
	}
	n := len(st.blocks)
	if n == cap(st.blocks) {
		st.reserve(n/4 + 1) // most states are small and many: they do not double their size
	}
	st.blocks = append(st.blocks, block{})
	st.keys = append(st.keys, key)
	if sparse*(n+1) > len(st.index) {
		st.reindex(n + 1)
	} else {
		st.enter(n)
	}
	return &st.blocks[n]
}

// reserve makes room for n blocks more.
func (st *State) reserve(n int) {
	n += len(st.blocks)
	st.blocks = append(make([]block, 0, n), st.blocks...)
	st.keys = append(make([]uint32, 0, n), st.keys...)
}

// reindex makes an index for n blocks, and enters those there are.
func (st *State) reindex(n int) {
	size := bits.Len(uint(sparse*n - 1))
	st.index, st.shift = make([]uint64, 1<<size), uint8(32-size)
	for i := range st.keys {
		st.enter(i)
	}
}

// enter enters block i into the index.
func (st *State) enter(i int) {
	key := st.keys[i]
	if own := int32(key>>slotShift) - int32(slotOf(st.scorer.factVoice(), 0)); own >= 0 && key < carryKey {
		st.marked |= 1 << own
	}
	mask := uint32(len(st.index) - 1)
	h := key * hashFactor >> st.shift
	for st.index[h&mask] != 0 {
		h++
	}
	st.index[h&mask] = uint64(key+1)<<32 | uint64(i)
}

// outage returns the sums of a voice, which it makes if need be.
func (st *State) outage(voice int32) *outage {
	i, ok := slices.BinarySearchFunc(st.outages, voice, func(o outage, voice int32) int { return cmp.Compare(o.voice, voice) })
	if !ok {
		st.outages = slices.Insert(st.outages, i, outage{voice: voice})
	}
	return &st.outages[i]
}

// Merge adds what o counted. Both states must come from the same policy and trust table, and
// be of one machine, of one model; the lesser completeness stays.
func (st *State) Merge(o *State) error {
	if st.scorer.digest != o.scorer.digest || st.scorer.trust != o.scorer.trust || st.model != o.model {
		return fmt.Errorf("reputation: states of policies %v and %v, or of different trust tables or models, do not merge: read one again by the other's Scorer.ReadState",
			st.scorer.digest, o.scorer.digest)
	}
	if err := st.room(o.events); err != nil {
		return err
	}
	for i, key := range o.keys {
		for j, c := range o.blocks[i] {
			st.add(key, uint8(j), uint64(c.hi), uint64(c.lo))
		}
	}
	st.carried = st.carried || o.carried
	for _, from := range o.outages {
		to := st.outage(from.voice)
		to.excess += from.excess
		to.failures += from.failures
		to.repair += from.repair
	}
	st.forks += o.forks
	st.seen |= o.seen
	st.last = max(st.last, o.last)
	st.Completeness = min(st.Completeness, o.Completeness)
	return nil
}

// Last returns the latest day of a report or fact that the state counts; it cannot be read
// as of an earlier one. It is -1 if there is none.
func (st *State) Last() Day { return st.last }

// cell returns what is counted in cell j of block i.
func (st *State) cell(i, j int) cell {
	c := st.blocks[i][j].wide()
	if st.carried {
		if upper := st.find(st.keys[i] | carryKey); upper != nil {
			c.hi += uint64(upper[j].hi) << 32
			c.lo += uint64(upper[j].lo) << 32
		}
	}
	return c
}

// firstOf is the first window, or day, of the block of a key.
func firstOf(key uint32) int32 { return int32(key & (1<<slotShift - 1) << blockBits) }

// A ref refers to a block of a voice's reports. Refs sort by group, by voice and by windows:
// from the top they hold 14 bits each of group and voice, 11 of the windows and 25 of the
// place of the block.
type ref uint64

const (
	placeBits = 25
	spanBits  = 11
	voiceBits = 14
)

func (r ref) place() int    { return int(r & (1<<placeBits - 1)) }
func (r ref) first() Window { return Window(r>>placeBits&(1<<spanBits-1)) << blockBits }
func (r ref) voice() int    { return int(r >> (placeBits + spanBits) & (1<<voiceBits - 1)) }

// A track is what one voice said about one dimension.
type track struct {
	voice  *voice
	oldest Window // of its cells
	from   int    // of its cells, the first among all those of the dimension
	cells  int    // how many they are
	last   cell   // the one read last
}

// tracks returns what voices said about d up to window now, as far as it weighs anything:
// sorted by group, and their cells. It appends to dst, refs and cells, which are empty.
func (st *State) tracks(dst []track, refs []ref, cells []cell, d Dimension, now Window) ([]track, []cell) {
	limit := uint32(slotOf(st.scorer.factVoice(), 0)) // upper halves are beyond it, too
	for i, key := range st.keys {
		slot, first := key>>slotShift, Window(firstOf(key))
		if slot < limit && slot%uint32(dimensions) == uint32(d) && first <= now && first+blockSize > now-decayWindows+1 {
			voice := slot / uint32(dimensions)
			order := uint64(st.scorer.voices[voice].group)<<voiceBits | uint64(voice)
			order = order<<spanBits | uint64(first>>blockBits)
			refs = append(refs, ref(order<<placeBits|uint64(i)))
		}
	}
	slices.Sort(refs)
	var t *track
	for i, r := range refs {
		if i == 0 || r.voice() != refs[i-1].voice() {
			dst = append(dst, track{voice: &st.scorer.voices[r.voice()], oldest: r.first(), from: len(cells)})
			t = &dst[len(dst)-1]
		}
		for t.oldest+Window(t.cells) < r.first() { // nothing was said for so long
			cells = append(cells, cell{})
			t.cells++
		}
		c := &st.blocks[r.place()]
		cells = append(cells, c[0].wide(), c[1].wide(), c[2].wide(), c[3].wide(), c[4].wide(), c[5].wide(), c[6].wide(), c[7].wide())
		if st.carried {
			for j := range blockSize {
				cells[len(cells)-blockSize+j] = st.cell(r.place(), j)
			}
		}
		t.cells += blockSize
	}
	return dst, cells
}

// marks calls yield for each window, or day, in which a voice of the record itself counted
// something about d, in no order.
func (st *State) marks(voice int32, d Dimension, yield func(at int32, c cell)) {
	slot := slotOf(voice, d)
	if st.marked>>(slot-slotOf(st.scorer.factVoice(), 0))&1 == 0 {
		return // as in most records
	}
	for i, key := range st.keys {
		if key>>slotShift != uint32(slot) {
			continue
		}
		for j := range blockSize {
			if c := st.cell(i, j); c != (cell{}) {
				yield(firstOf(key)+int32(j), c)
			}
		}
	}
}

// outageSums adds up what availability reports counted, whatever their age.
func (st *State) outageSums() (up, failures, repair uint64) {
	limit := uint32(slotOf(st.scorer.factVoice(), 0)) // upper halves are beyond it, too
	for i, key := range st.keys {
		if slot := key >> slotShift; slot < limit && Dimension(slot%uint32(dimensions)) == Availability {
			for j := range blockSize {
				up += st.cell(i, j).lo
			}
		}
	}
	for _, o := range st.outages {
		up += o.excess
		failures += o.failures
		repair += o.repair
	}
	return up, failures, repair
}

// oldest is the first window of which an issuer with influence reported, or one after all
// days if there is none.
func (st *State) oldest() Window {
	oldest := MaxDay.Window() + 1
	limit := uint32(slotOf(st.scorer.interested, 0))
	for i, key := range st.keys {
		if key>>slotShift >= limit {
			continue
		}
		for j := range blockSize {
			w := Window(firstOf(key)) + Window(j)
			if w >= oldest {
				break
			}
			if st.cell(i, j) != (cell{}) {
				oldest = w
			}
		}
	}
	return oldest
}
