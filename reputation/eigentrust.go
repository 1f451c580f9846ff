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
type TrustGraph struct {
	start []uint32 // by node: where its incoming edges begin; one more than there are nodes
	in    []inEdge // sorted by destination, then origin
	out   []uint64 // by node: the sum of its outgoing weights as scaled, 0 of one that trusts nobody
}

// An inEdge is an edge as its destination sees it.
type inEdge struct{ from, weight uint32 }

// NewTrustGraph makes a graph of nodes 0..nodes-1. Several edges between two nodes add up.
// A weight of zero is no edge; trust in oneself is left out (Kamvar and others 2003, §4.5).
func NewTrustGraph(nodes int, edges []Edge) (*TrustGraph, error) {
	if nodes < 1 || nodes > MaxNodes || len(edges) > MaxEdges {
		return nil, fmt.Errorf("reputation: trust graph of %d nodes and %d edges: want 1 to %d and at most %d", nodes, len(edges), MaxNodes, MaxEdges)
	}
	g := &TrustGraph{start: make([]uint32, nodes+1), out: make([]uint64, nodes)}
	sums := make([]uint64, nodes)
	for i, e := range edges {
		if int64(e.From) >= int64(nodes) || int64(e.To) >= int64(nodes) {
			return nil, fmt.Errorf("reputation: trust graph: edges[%d] is from %d to %d, of %d nodes", i, e.From, e.To, nodes)
		}
		if e.From != e.To && e.Weight != 0 {
			g.start[e.To+1]++
			sums[e.From] += uint64(e.Weight)
		}
	}
	for i := range nodes {
		g.start[i+1] += g.start[i]
	}
	// A node's weights are scaled by a power of two, so that their sum has 32 bits: exactly,
	// unless it has more.
	g.in = make([]inEdge, g.start[nodes])
	next := slices.Clone(g.start)
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
		g.in[next[e.To]] = inEdge{e.From, weight}
		next[e.To]++
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

	// Each worker has a range of nodes, with about as many edges as every other.
	workers = min(workers, nodes)
	cuts := make([]int, workers+1)
	for w := 1; w < workers; w++ {
		at, _ := slices.BinarySearch(g.start, uint32(len(g.in)*w/workers))
		cuts[w] = max(cuts[w-1], min(at, nodes))
	}
	cuts[workers] = nodes

	alpha := mulDiv(one62, uint64(alphaPpm), million)
	t, share := slices.Clone(p), make([]uint64, nodes)
	idle := make([]uint64, workers)
	for range rounds {
		// What a unit of each node's scaled weight carries, in Q62: below 2^63, since the
		// weights of a node have 32 bits in sum.
		each(workers, func(w int) {
			var none uint64
			for i := cuts[w]; i < cuts[w+1]; i++ {
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
			for i := cuts[w]; i < cuts[w+1]; i++ {
				var hi, lo, carry uint64
				for _, e := range g.in[g.start[i]:g.start[i+1]] {
					h, l := bits.Mul64(share[e.from], uint64(e.weight))
					lo, carry = bits.Add64(lo, l, 0)
					hi += h + carry
				}
				t[i] = mul62(one62-alpha, hi<<32|lo>>32) + mul62(given, p[i])
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
