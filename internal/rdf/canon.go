package rdf

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
)

// DefaultMaxSteps returns what bounds the work of [Canonicalize] unless the caller does, for
// a dataset of so many quads. A step hashes or visits one blank node beside another, in 60 to
// 200 ns. The hardest standard test takes some 16,000; an ordinary credential takes less than
// 100; n nodes in a ring, or a list of n equal values, take some 10n². The most is such that eight
// proofs of one document, each of which is canonicalized for itself, take less than a second.
// What is small gets less, or it would be the cheapest poison: a presentation has room for
// ten thousand credentials.
func DefaultMaxSteps(quads int) int {
	const least, most = 1 << 15, 450_000
	quads = min(quads, 1<<10)
	return min(least+12*quads*quads, most)
}

// maxDepth bounds how far from a blank node the search may get, whatever the
// steps: each level holds about a kilobyte. Lists of equal length and content
// side by side are as deep as they are long.
const maxDepth = 10_000

// ErrPoison is wrapped by the error for a dataset whose blank nodes are so alike
// that telling them apart takes more than the allowed steps. It is bad input: it
// will never be canonicalized under the same bound.
var ErrPoison = errors.New("blank nodes are too alike to be told apart (a poison graph)")

// Options of [Canonicalize]. The zero value is RDFC-1.0 as other standards use it.
type Options struct {
	Hash     crypto.Hash // SHA256 or SHA384; zero means SHA256
	MaxSteps int         // zero means DefaultMaxSteps of the dataset
}

// Canonicalize runs RDFC-1.0 on a dataset. It returns the canonical N-Quads and
// the issued identifiers map: from each blank node's label to its canonical one,
// both without "_:". Quads that occur more than once count once.
func Canonicalize(quads []Quad, o Options) (canonical []byte, issued map[string]string, err error) {
	s := state{steps: o.MaxSteps, hash: o.Hash}
	if s.steps == 0 {
		s.steps = DefaultMaxSteps(len(quads))
	}
	switch s.hash {
	case 0:
		s.hash = crypto.SHA256
	case crypto.SHA256, crypto.SHA384:
	default:
		return nil, nil, fmt.Errorf("rdf: RDFC-1.0 hashes with SHA-256 or SHA-384, not %v", o.Hash)
	}
	if err := s.read(quads); err != nil { // §4.4.3 step 2
		return nil, nil, err
	}
	s.hashFirstDegree() // step 3
	// Step 4: a node whose hash is its own is named in the order of the hashes.
	order := make([]int32, len(s.labels))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(s.first(a), s.first(b)) })
	var groups [][]int32
	for len(order) > 0 {
		n := 1
		for n < len(order) && bytes.Equal(s.first(order[0]), s.first(order[n])) {
			n++
		}
		if n == 1 {
			s.canonical.issue(order[0])
		} else {
			groups = append(groups, order[:n])
		}
		order = order[n:]
	}
	if groups != nil { // step 5
		if err := s.tellApart(groups); err != nil {
			return nil, nil, err
		}
	}
	return s.write(), s.issued(), nil // step 6
}

// A line is a quad, written into state.text with "z" for the label of every blank node.
type line struct {
	span
	quad  int32
	nodes [3]int32 // the blank nodes in subject, object and graph; -1 is none
	at    [3]int32 // where in state.text their "z" stands
}

// A span is a part of a text. Numbers instead of slices leave the garbage collector nothing to look at.
type span struct{ start, end int32 }

// The state of one canonicalization. Blank nodes are numbers.
type state struct {
	quads     []Quad
	text      []byte
	lines     []line
	labels    []string
	mentions  [][]int32 // the lines that mention each blank node
	hash      crypto.Hash
	hashes    []byte // first degree hashes, s.digits() each
	canonical issuer
	temporary issuer
	steps     int // what is left of them
	depth     int // of the search, now
	scratch   []byte
}

// An issuer gives blank nodes identifiers (§4.5): their places in order.
type issuer struct {
	order []int32
	place []int32 // by blank node; -1 has none
}

func newIssuer(nodes int) issuer {
	room := make([]int32, 2*nodes)
	i := issuer{order: room[:0:nodes], place: room[nodes:]}
	for n := range i.place {
		i.place[n] = -1
	}
	return i
}

func (i *issuer) issue(node int32) int32 {
	if i.place[node] < 0 {
		i.place[node] = int32(len(i.order))
		i.order = append(i.order, node)
	}
	return i.place[node]
}

// forget takes back all but the first n identifiers.
func (i *issuer) forget(n int) {
	for _, node := range i.order[n:] {
		i.place[node] = -1
	}
	i.order = i.order[:n]
}

// in returns the part of text that it spans.
func (p span) in(text []byte) []byte { return text[p.start:p.end] }

func (s *state) read(quads []Quad) error {
	size, before := 0, &Quad{}
	for i := range quads {
		if err := quads[i].check(before); err != nil {
			return err
		}
		before = &quads[i]
		for _, t := range [...]*Term{&quads[i].Subject, &quads[i].Predicate, &quads[i].Object, &quads[i].Graph} {
			size += len(t.Value) + len(t.Type) + len(`""^^<> `)
		}
	}
	if size > math.MaxInt32/8 { // escaped, a character has six bytes
		return fmt.Errorf("rdf: %d bytes are too many to canonicalize", size)
	}
	s.quads, s.text, s.lines = quads, make([]byte, 0, size), make([]line, len(quads))
	numbers := map[string]int32{}
	for i := range quads {
		q, l := &quads[i], &s.lines[i]
		l.start, l.quad, l.nodes = int32(len(s.text)), int32(i), [3]int32{-1, -1, -1}
		for position, t := range [...]*Term{&q.Subject, &q.Predicate, &q.Object, &q.Graph} {
			if position == 3 && t.Kind == None {
				break
			}
			if position > 0 {
				s.text = append(s.text, ' ')
			}
			if t.Kind != Blank {
				s.text = appendTerm(s.text, t)
				continue
			}
			n, ok := numbers[t.Value]
			if !ok {
				n = int32(len(s.labels))
				numbers[t.Value] = n
				s.labels = append(s.labels, t.Value)
			}
			p := max(position-1, 0) // the predicate is no position
			l.nodes[p], l.at[p] = n, int32(len(s.text)+len("_:"))
			s.text = append(s.text, "_:z"...)
		}
		s.text = append(s.text, " .\n"...)
		l.end = int32(len(s.text))
	}
	s.dropRepeated()
	count := make([]int32, len(s.labels))
	total := 0
	for i := range s.lines {
		for _, n := range s.lines[i].nodes {
			if n >= 0 {
				count[n]++
				total++
			}
		}
	}
	s.mentions = make([][]int32, len(s.labels))
	room := make([]int32, total)
	for n, c := range count {
		s.mentions[n], room = room[:0:c], room[c:]
	}
	for i := range s.lines {
		for p, n := range s.lines[i].nodes {
			if n >= 0 && !slices.Contains(s.lines[i].nodes[:p], n) {
				s.mentions[n] = append(s.mentions[n], int32(i))
			}
		}
	}
	s.canonical = newIssuer(len(s.labels))
	return nil
}

// dropRepeated leaves each quad once: a dataset is a set. A table of hashes finds
// the repetitions several times as fast as sorting would.
func (s *state) dropRepeated() {
	size := 4
	for size < 2*len(s.lines) {
		size *= 2
	}
	table, seed := make([]int32, size), maphash.MakeSeed() // 1 + the number of a line
	kept := s.lines[:0]
quads:
	for _, l := range s.lines {
		text := l.in(s.text)
		at := int(maphash.Bytes(seed, text)^maphash.Comparable(seed, l.nodes)) & (size - 1)
		for ; table[at] != 0; at = (at + 1) & (size - 1) {
			if k := &kept[table[at]-1]; k.nodes == l.nodes && bytes.Equal(k.in(s.text), text) {
				continue quads
			}
		}
		kept = append(kept, l)
		table[at] = int32(len(kept))
	}
	s.lines = kept
}

func (s *state) digits() int { return 2 * s.hash.Size() }

// first returns the first degree hash of a node, in hexadecimal.
func (s *state) first(node int32) []byte {
	d := s.digits()
	return s.hashes[int(node)*d : (int(node)+1)*d]
}

// appendHash writes the hash of data in hexadecimal.
func (s *state) appendHash(dst, data []byte) []byte {
	if s.hash == crypto.SHA384 {
		sum := sha512.Sum384(data)
		return hex.AppendEncode(dst, sum[:])
	}
	sum := sha256.Sum256(data)
	return hex.AppendEncode(dst, sum[:])
}

// hashFirstDegree is Hash First Degree Quads (§4.6) of every blank node. A line
// differs from what is to be hashed by an "a" where the node stands, so the
// lines are changed in place, and back.
func (s *state) hashFirstDegree() {
	s.hashes = make([]byte, 0, len(s.labels)*s.digits())
	var sorted []span
	for n, mentions := range s.mentions {
		sorted = sorted[:0]
		for _, i := range mentions {
			s.mark(i, int32(n), 'a')
			sorted = append(sorted, s.lines[i].span)
		}
		s.hashes = s.appendHash(s.hashes, s.concat(s.text, sorted))
		for _, i := range mentions {
			s.mark(i, int32(n), 'z')
		}
	}
}

// mark writes a letter where a line mentions a node.
func (s *state) mark(line, node int32, letter byte) {
	l := &s.lines[line]
	for p, n := range l.nodes {
		if n == node {
			s.text[l.at[p]] = letter
		}
	}
}

// concat returns parts of a text, sorted by code point. It is good until the next call.
func (s *state) concat(text []byte, parts []span) []byte {
	slices.SortFunc(parts, func(a, b span) int { return bytes.Compare(a.in(text), b.in(text)) })
	s.scratch = s.scratch[:0]
	for _, p := range parts {
		s.scratch = append(s.scratch, p.in(text)...)
	}
	return s.scratch
}

// write returns the lines with canonical labels, sorted (§5).
func (s *state) write() []byte {
	digits := len(strconv.Itoa(len(s.labels)))
	text := make([]byte, 0, len(s.text)+3*len(s.lines)*(len("c14n")+digits-1)) // room enough
	parts := make([]span, len(s.lines))
	for i := range s.lines {
		l := &s.lines[i]
		done := l.start
		parts[i].start = int32(len(text))
		for p, n := range l.nodes {
			if n >= 0 {
				text = append(append(text, s.text[done:l.at[p]]...), "c14n"...)
				text = strconv.AppendInt(text, int64(s.canonical.place[n]), 10)
				done = l.at[p] + 1
			}
		}
		text = append(text, s.text[done:l.end]...)
		parts[i].end = int32(len(text))
	}
	s.scratch = slices.Grow(s.scratch[:0], len(text))
	return s.concat(text, parts)
}

func (s *state) issued() map[string]string {
	m := make(map[string]string, len(s.labels))
	for place, n := range s.canonical.order {
		m[s.labels[n]] = "c14n" + strconv.Itoa(place)
	}
	return m
}
