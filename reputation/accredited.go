package reputation

import (
	"cmp"
	"slices"

	"github.com/hourmeter/hourmeter/did"
)

// The cap that accreditations lend: docs/SCORE.md §13.

const (
	// maxDepth is how many links an accreditation can be away from a root.
	maxDepth = 16

	accreditationRounds = 32
	accreditationAlpha  = 150_000 // share of trust that goes back to the roots each round, ppm

	// mostLent is the influence of an accredited issuer that nobody has heard yet, in parts
	// per million, if it is trusted as much as the least trusted root.
	mostLent = million / 2
)

// caps returns the influence, in parts per million, that accreditations lend to issuers who
// are no roots. An accreditation counts if it is valid on the day of the estimate and comes
// from a root, or from somebody whom others that count allow to accredit further. What
// counts is a graph, with equal weights for all whom one accredits: so a root's trust is
// divided among them, and who accredits a thousand names lends each a thousandth.
func (e *Estimator) caps() (map[did.DID]int64, error) {
	valid := make([]accreditation, 0, len(e.accredits))
	for a := range e.accredits {
		if a.start <= e.asOf && e.asOf <= a.until {
			valid = append(valid, a)
		}
	}
	slices.SortFunc(valid, func(a, b accreditation) int {
		return cmp.Or(byDID(a.from, b.from), byDID(a.to, b.to), cmp.Compare(b.depth, a.depth))
	})
	valid = slices.CompactFunc(valid, func(a, b accreditation) bool { return a.from == b.from && a.to == b.to }) // the deepest stays

	// How many links each may start, from most to least.
	depths := make(map[did.DID]int64, len(e.roots))
	for id := range e.roots {
		depths[id] = maxDepth + 1
	}
	for depth := int64(maxDepth + 1); depth > 0; depth-- {
		for _, a := range valid {
			if depths[a.from] == depth {
				depths[a.to] = max(depths[a.to], min(a.depth, depth-1))
			}
		}
	}
	index := make(map[did.DID]uint32, len(e.roots))
	var names []did.DID
	node := func(id did.DID) uint32 {
		i, ok := index[id]
		if !ok {
			i = uint32(len(names))
			index[id], names = i, append(names, id)
		}
		return i
	}
	for id := range e.roots {
		node(id)
	}
	edges := make([]Edge, 0, len(valid))
	for _, a := range valid {
		if depths[a.from] > 0 {
			edges = append(edges, Edge{node(a.from), node(a.to), 1})
		}
	}
	if len(edges) == 0 {
		return nil, nil
	}
	g, err := NewTrustGraph(len(names), edges)
	if err != nil {
		return nil, err
	}
	pre := make([]uint32, len(names))
	for i := range e.roots {
		pre[index[i]] = 1
	}
	trust, err := g.EigenTrust(pre, accreditationAlpha, accreditationRounds, 0)
	if err != nil {
		return nil, err
	}
	least := uint64(one62)
	for id := range e.roots {
		least = min(least, trust[index[id]])
	}
	lent := make(map[did.DID]int64, len(names))
	for i, id := range names {
		if _, root := e.roots[id]; !root {
			lent[id] = int64(mulDiv(mostLent, min(trust[i], least), least))
		}
	}
	return lent, nil
}
