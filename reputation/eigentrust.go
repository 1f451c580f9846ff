package reputation

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
)

// An Edge is one node's trust in another, by their indices. Weights of one node's edges
// compare with each other only.
type Edge struct {
	From, To uint32
	Weight   uint32
}

// Limits on a trust graph. Together they take 1.5 GB.
const (
	MaxNodes = 1 << 24
	MaxEdges = 1 << 27
)

// A TrustGraph is who trusts whom, made ready for [TrustGraph.EigenTrust]. It does not
// change, and is safe for concurrent use.
//
// Edges lie in buckets, one for each block of destinations and tile of origins, so that what
// an edge reads and writes is in a core's cache whatever the size of the graph: in the order
// of destinations alone nearly every edge of a large one would wait for memory.
type TrustGraph struct {
	out    []uint64 // by node: the sum of its outgoing weights as scaled, 0 of one that trusts nobody
	bucket []uint32 // by block, then tile: where its edges begin; one more than there are buckets
	tiles  int
	edges  []bucketEdge
}

const (
	targetBits = 14 // of destinations: 256 kB of sums
	tileBits   = 16 // of origins: 512 kB of shares
)

// A bucketEdge is an edge within its bucket.
type bucketEdge struct {
	from, to uint16 // from the start of its tile, and of its block
	weight   uint32
}

// NewTrustGraph makes a graph of nodes 0..nodes-1. Several edges between two nodes add up.
// A weight of zero is no edge; trust in oneself is left out (Kamvar and others 2003, §4.5).
func NewTrustGraph(nodes int, edges []Edge) (*TrustGraph, error) {
	if nodes < 1 || nodes > MaxNodes || len(edges) > MaxEdges {
		return nil, fmt.Errorf("reputation: trust graph of %d nodes and %d edges: want 1 to %d and at most %d", nodes, len(edges), MaxNodes, MaxEdges)
	}
	g := &TrustGraph{out: make([]uint64, nodes), tiles: (nodes-1)>>tileBits + 1}
	g.bucket = make([]uint32, ((nodes-1)>>targetBits+1)*g.tiles+1)
	bucketOf := func(e Edge) int { return int(e.To>>targetBits)*g.tiles + int(e.From>>tileBits) }
	sums := make([]uint64, nodes)
	for i, e := range edges {
		if int64(e.From) >= int64(nodes) || int64(e.To) >= int64(nodes) {
			return nil, fmt.Errorf("reputation: trust graph: edges[%d] is from %d to %d, of %d nodes", i, e.From, e.To, nodes)
		}
		if e.From != e.To && e.Weight != 0 {
			g.bucket[bucketOf(e)+1]++
			sums[e.From] += uint64(e.Weight)
		}
	}
	for i := range len(g.bucket) - 1 {
		g.bucket[i+1] += g.bucket[i]
	}
	// A node's weights are scaled by a power of two, so that their sum has 32 bits: exactly,
	// unless it has more.
	g.edges = make([]bucketEdge, g.bucket[len(g.bucket)-1])
	next := slices.Clone(g.bucket)
	for _, e := range edges {
		if e.From == e.To || e.Weight == 0 {
			continue
		}
		weight := e.Weight
		if n := bits.Len64(sums[e.From]); n <= 32 {
			weight <<= 32 - n
		} else {
			weight >>= n - 32
		}
		g.out[e.From] += uint64(weight)
		at := bucketOf(e)
		g.edges[next[at]] = bucketEdge{uint16(e.From), uint16(e.To & (1<<targetBits - 1)), weight}
		next[at]++
	}
	return g, nil
}

// EigenTrust returns how far each node is trusted, as Q0.62 numbers that add up to one but
// for rounding: t = (1-α)·Cᵀt + α·p from t = p, in so many rounds. p are the given weights
// of who is trusted to begin with, in proportion; C is the trust of each node, normalised;
// a node that trusts nobody trusts as p does (Kamvar, Schlosser and Garcia-Molina 2003).
//
// α is in parts per million. Rounds are fixed: there is no test of convergence. The result
// is the same to the bit for any number of workers; zero means one for each core.
func (g *TrustGraph) EigenTrust(pre []uint32, alphaPpm int64, rounds, workers int) ([]uint64, error) {
	nodes := len(g.out)
	if len(pre) != nodes || alphaPpm < 0 || alphaPpm > million || rounds < 0 || workers < 0 {
		return nil, fmt.Errorf("reputation: EigenTrust of %d nodes: %d pre-trusts, α %d ppm, %d rounds, %d workers: want as many as nodes, 0 to %d, and none negative",
			nodes, len(pre), alphaPpm, rounds, workers, million)
	}
	var sum uint64
	for _, w := range pre {
		sum += uint64(w)
	}
	if sum == 0 {
		return nil, errors.New("reputation: EigenTrust: nobody is trusted to begin with")
	}
	p := make([]uint64, nodes)
	for i, w := range pre {
		p[i] = mulDiv(one62, uint64(w), sum)
	}
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}

	// Each worker has a range of blocks, with about as many edges as every other.
	blocks := (len(g.bucket) - 1) / g.tiles
	workers = min(workers, blocks)
	cuts := make([]int, workers+1)
	for w := 1; w < workers; w++ {
		cuts[w] = cuts[w-1]
		for cuts[w] < blocks && uint64(g.bucket[cuts[w]*g.tiles])*uint64(workers) < uint64(len(g.edges))*uint64(w) {
			cuts[w]++
		}
	}
	cuts[workers] = blocks
	of := func(w int) (from, to int) { return cuts[w] << targetBits, min(cuts[w+1]<<targetBits, nodes) }

	alpha := mulDiv(one62, uint64(alphaPpm), million)
	t, share := slices.Clone(p), make([]uint64, nodes)
	idle := make([]uint64, workers)
	for range rounds {
		// What a unit of each node's scaled weight carries, in Q62: below 2^63, since the
		// weights of a node have 32 bits in sum.
		each(workers, func(w int) {
			var none uint64
			for i, end := of(w); i < end; i++ {
				if out := g.out[i]; out != 0 {
					share[i], _ = bits.Div64(t[i]>>32, t[i]<<32, out)
				} else {
					none += t[i]
				}
			}
			idle[w] = none
		})
		var none uint64
		for _, n := range idle {
			none += n
		}
		// Who trusts nobody trusts as p does, so that goes where α·p goes.
		given := alpha + mul62(one62-alpha, none)
		each(workers, func(w int) {
			var sums [1 << targetBits]struct{ hi, lo uint64 }
			for block := cuts[w]; block < cuts[w+1]; block++ {
				first := block << targetBits
				here := sums[:min(1<<targetBits, nodes-first)]
				clear(here)
				for tile := range g.tiles {
					from, at := share[tile<<tileBits:min((tile+1)<<tileBits, nodes)], block*g.tiles+tile
					for _, e := range g.edges[g.bucket[at]:g.bucket[at+1]] {
						h, l := bits.Mul64(from[e.from], uint64(e.weight))
						sum := &here[e.to]
						var carry uint64
						sum.lo, carry = bits.Add64(sum.lo, l, 0)
						sum.hi += h + carry
					}
				}
				for i, sum := range here {
					t[first+i] = mul62(one62-alpha, sum.hi<<32|sum.lo>>32) + mul62(given, p[first+i])
				}
			}
		})
	}
	return t, nil
}

// each calls f(0) … f(n-1), each on a goroutine of its own, and waits.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { f(i) })
	}
	f(0)
	wg.Wait()
}
