package reputation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// The binary form of a state, version 1. Numbers are unsigned varints of the least length
// (encoding/binary), but for the first byte and the last four:
//
//	version (1 byte), completeness, events, last day + 1, forks, things seen
//	length of the model, model
//	number of issuers, then for each: length, DID; sorted as bytes
//	number of outages, then for each: voice, excess, failures, repair; by rising voice
//	number of blocks, for the reader to make room
//	number of rows, then for each: slot, number of cells, then for each cell: windows (or
//	  days) since the one before it, less one, hi, lo; by rising slot
//	CRC-32C of all before, big-endian
//
// A slot is voice·5 + dimension; the voices are the issuers, then the machine's side, its
// telemetry, facts of the record, and dues of the record. What counts nothing is left out:
// so equal states have equal bytes, whatever the way in which they came about.
const stateVersion = 1

// ErrDamaged says that bytes are not a state as [State.AppendBinary] writes it. They will not
// get better: fold the evidence again.
var ErrDamaged = errors.New("is damaged")

// maxCount bounds every count of a state: MaxEvents of MaxExposure each.
const maxCount = MaxEvents * MaxExposure

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary implements [encoding.BinaryMarshaler]. See [State.AppendBinary].
func (st *State) MarshalBinary() ([]byte, error) { return st.AppendBinary(nil) }

// AppendBinary implements [encoding.BinaryAppender]. [Scorer.ReadState] reads what it writes:
// counts by issuer, without reliabilities, so that a scorer with another policy or trust table
// can. States that hold the same counts have the same bytes. The error is always nil.
func (st *State) AppendBinary(dst []byte) ([]byte, error) {
	start := len(dst)
	number := func(n uint64) { dst = binary.AppendUvarint(dst, n) }

	dst = append(dst, stateVersion)
	number(uint64(st.Completeness))
	number(uint64(st.events))
	number(uint64(st.last + 1))
	number(st.forks)
	number(uint64(st.seen))
	number(uint64(len(st.model)))
	dst = append(dst, st.model...)

	// By key is by slot and window. Voices are sorted by DID.
	order := make([]uint64, 0, len(st.keys))
	for i, key := range st.keys {
		if key < carryKey {
			order = append(order, uint64(key)<<32|uint64(i))
		}
	}
	slices.Sort(order)
	slotAt := func(i int) uint32 { return uint32(order[i] >> 32 >> slotShift) }

	var issuers []int32 // by voice in the snapshot: the scorer's voice
	for i := range order {
		if voice := int32(slotAt(i) / uint32(dimensions)); voice < st.scorer.interested && (len(issuers) == 0 || voice > issuers[len(issuers)-1]) {
			issuers = append(issuers, voice)
		}
	}
	for _, o := range st.outages {
		if i, ok := slices.BinarySearch(issuers, o.voice); !ok && o.voice < st.scorer.interested {
			issuers = slices.Insert(issuers, i, o.voice)
		}
	}
	number(uint64(len(issuers)))
	for _, voice := range issuers {
		id := st.scorer.issuers[voice].String()
		number(uint64(len(id)))
		dst = append(dst, id...)
	}
	local := func(voice int32) uint64 {
		if i, ok := slices.BinarySearch(issuers, voice); ok {
			return uint64(i)
		}
		return uint64(len(issuers)) + uint64(voice-st.scorer.interested)
	}

	number(uint64(len(st.outages)))
	for _, o := range st.outages {
		number(local(o.voice))
		number(o.excess)
		number(o.failures)
		number(o.repair)
	}

	number(uint64(len(order)))
	rows := 0
	for i := range order {
		if i == 0 || slotAt(i) != slotAt(i-1) {
			rows++
		}
	}
	number(uint64(rows))
	for len(order) > 0 {
		n, cells := 1, 0
		for n < len(order) && slotAt(n) == slotAt(0) {
			n++
		}
		for _, o := range order[:n] {
			for j := range blockSize {
				if st.cell(int(uint32(o)), j) != (cell{}) {
					cells++
				}
			}
		}
		slot := slotAt(0)
		number(local(int32(slot/uint32(dimensions)))*uint64(dimensions) + uint64(slot%uint32(dimensions)))
		number(uint64(cells))
		next := int32(0)
		for _, o := range order[:n] {
			i, first := int(uint32(o)), firstOf(uint32(o>>32))
			for j := range int32(blockSize) {
				if c := st.cell(i, int(j)); c != (cell{}) {
					number(uint64(first + j - next))
					number(c.hi)
					number(c.lo)
					next = first + j + 1
				}
			}
		}
		order = order[n:]
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

// ReadState reads what [State.AppendBinary] wrote, also under another policy or trust table:
// reliabilities, groups, weights and priors apply as s has them. It gives the state that
// folding the same evidence under s would give, if s believes nobody whom the scorer that
// folded it did not. What such an issuer said was not counted then and is missing now: fold
// the evidence again. [Scorer.Lens] tells when. What issuers said whom s does not believe is
// left out.
//
// It takes at most 40 times the memory that data takes. The error wraps [ErrDamaged] if data
// is not what AppendBinary writes, to the last bit.
func (s *Scorer) ReadState(data []byte) (*State, error) {
	r := reader{data: data}
	if len(data) < 5 || crc32.Checksum(data[:len(data)-4], castagnoli) != binary.BigEndian.Uint32(data[len(data)-4:]) {
		return nil, r.damaged("its checksum does not hold")
	}
	if data[0] != stateVersion {
		return nil, fmt.Errorf("reputation: state: its version is %d, this program reads %d: update the program, or fold the evidence again", data[0], stateVersion)
	}
	r.data = data[1 : len(data)-4]

	completeness := r.number(uint64(chain.C4))
	events := r.number(MaxEvents)
	last := r.number(uint64(MaxDay) + 1)
	forks := r.number(MaxEvents * MaxCount)
	seen := r.number(1<<sights - 1)
	model := r.text(utf8.UTFMax * MaxName)
	st := s.State(model)
	if st.model != model {
		return nil, r.damaged("no machine has such a model")
	}
	st.Completeness, st.events, st.last, st.forks, st.seen = chain.Completeness(completeness), int(events), Day(last)-1, forks, sight(seen)

	// Voices of the snapshot, as voices of s; -1 is somebody whom s does not believe.
	n := r.count(2)
	voices := make([]int32, n, n+4)
	before := ""
	for i := range voices {
		text := r.text(r.left())
		id, err := did.Parse(text)
		if r.err == nil && (err != nil || i > 0 && text <= before) {
			return nil, r.damaged("its issuers are not DIDs in order")
		}
		voice, ok := s.voiceOf[id]
		if !ok {
			voice = -1
		}
		voices[i], before = voice, text
	}
	voices = append(voices, s.interested, s.telemetry, s.factVoice(), s.dueVoice())
	reports := n + 2 // of the voices, those that make reports
	spoke := make([]bool, len(voices))

	previous := -1
	for range r.count(4) {
		voice := int(r.number(uint64(reports - 1)))
		o := outage{excess: r.number(maxCount), failures: r.number(maxCount), repair: r.number(maxCount)}
		if r.err != nil {
			return nil, r.err
		}
		if voice <= previous || o == (outage{}) {
			return nil, r.damaged("its outages are not in order")
		}
		previous, spoke[voice] = voice, true
		if o.voice = voices[voice]; o.voice >= 0 {
			st.outages = append(st.outages, o)
		}
	}
	slices.SortFunc(st.outages, func(a, b outage) int { return int(a.voice) - int(b.voice) })

	blocks := r.count(3)
	if blocks > 0 {
		st.reserve(blocks)
		st.reindex(blocks)
	}
	previous = -1
	for range r.count(5) {
		slot := int(r.number(uint64(len(voices))*uint64(dimensions) - 1))
		if r.err == nil && slot <= previous {
			return nil, r.damaged("its rows are not in order")
		}
		voice, d := slot/int(dimensions), Dimension(slot%int(dimensions))
		previous, spoke[voice] = slot, true
		limit := int64(MaxDay.Window())
		if voice == len(voices)-1 {
			limit = int64(MaxDay)
		}
		cells := r.count(3)
		if cells == 0 {
			return nil, r.damaged("a row is empty")
		}
		believed := voices[voice] >= 0
		if !believed && d <= Obligations {
			st.seen |= sawUntrusted // as folding would have seen it
		}
		at := int64(-1)
		var b *block
		for range cells {
			before := at >> blockBits
			at += 1 + int64(r.number(uint64(MaxDay)))
			hi, lo := r.number(maxCount), r.number(maxCount)
			if r.err != nil {
				return nil, r.err
			}
			if at > limit || hi|lo == 0 {
				return nil, r.damaged("a cell is empty or out of its place")
			}
			if at>>blockBits != before {
				blocks--
			}
			if !believed {
				continue
			}
			key := uint32(slotOf(voices[voice], d))<<slotShift | uint32(at>>blockBits)
			if (hi|lo)>>32 != 0 {
				st.add(key, uint8(at%blockSize), hi, lo)
				b = nil
				continue
			}
			if at>>blockBits != before || b == nil {
				b = st.block(key)
			}
			b[at%blockSize] = narrow{uint32(hi), uint32(lo)}
		}
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case r.left() > 0:
		return nil, r.damaged("something follows it")
	case blocks != 0 || slices.Contains(spoke[:n], false):
		return nil, r.damaged("it announces more than it holds")
	}
	return st, nil
}

// A reader reads numbers, until the first mistake.
type reader struct {
	data []byte
	at   int
	err  error
}

func (r *reader) damaged(why string) error {
	if r.err == nil {
		r.err = fmt.Errorf("reputation: state: it %w: %s: fold the evidence again", ErrDamaged, why)
	}
	return r.err
}

// left is how many bytes have not been read.
func (r *reader) left() int { return len(r.data) - r.at }

// number reads a number of at most limit, written in as few bytes as it takes.
func (r *reader) number(limit uint64) uint64 {
	if r.at < len(r.data) && uint64(r.data[r.at]) <= min(limit, 0x7f) {
		r.at++
		return uint64(r.data[r.at-1])
	}
	return r.long(limit)
}

func (r *reader) long(limit uint64) uint64 {
	n, size := binary.Uvarint(r.data[r.at:])
	switch {
	case r.err != nil:
		return 0
	case size <= 0 || size > 1 && r.data[r.at+size-1] == 0 || n > limit:
		r.damaged("a number is out of range")
		return 0
	}
	r.at += size
	return n
}

// count reads how many things follow that take at least so many bytes each.
func (r *reader) count(size int) int { return int(r.number(uint64(r.left() / size))) }

// text reads a text of at most limit bytes.
func (r *reader) text(limit int) string {
	n := int(r.number(uint64(min(limit, r.left()))))
	if n > r.left() {
		r.damaged("a text ends early")
		return ""
	}
	r.at += n
	return string(r.data[r.at-n : r.at])
}
