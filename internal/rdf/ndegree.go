package rdf

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// tellApart names the blank nodes that share a first degree hash, group by
// group in the order of those hashes (§4.4.3 step 5).
func (s *state) tellApart(groups [][]int32) error {
	s.temporary = newIssuer(len(s.labels))
	type path struct {
		hash  []byte
		order []int32
	}
	for _, group := range groups {
		var paths []path
		for _, n := range group {
			if s.canonical.place[n] >= 0 {
				continue
			}
			s.temporary.forget(0)
			s.temporary.issue(n)
			hash, err := s.hashNDegree(n)
			if err != nil {
				return err
			}
			paths = append(paths, path{hash, slices.Clone(s.temporary.order)})
		}
		slices.SortStableFunc(paths, func(a, b path) int { return bytes.Compare(a.hash, b.hash) })
		for _, p := range paths {
			for _, n := range p.order {
				s.canonical.issue(n)
			}
		}
	}
	return nil
}

// spend takes n steps from what is left.
func (s *state) spend(n int) error {
	if s.steps -= n; s.steps < 0 || s.depth > maxDepth {
		return fmt.Errorf("rdf: %w: %d of them in %d quads", ErrPoison, len(s.labels), len(s.lines))
	}
	return nil
}

// hashNDegree is Hash N-Degree Quads (§4.8). It leaves in s.temporary what the
// standard returns as the issuer.
func (s *state) hashNDegree(node int32) ([]byte, error) {
	// Steps 1 to 3: the related nodes and their hashes.
	type relation struct {
		hash []byte
		node int32
	}
	var relations []relation
	for _, i := range s.mentions[node] {
		l := &s.lines[i]
		for p, related := range l.nodes {
			if related < 0 || related == node {
				continue
			}
			// Hash Related Blank Node (§4.7).
			in := append(s.scratch[:0], "sog"[p])
			if p != 2 {
				in = append(append(append(in, '<'), s.quads[l.quad].Predicate.Value...), '>')
			}
			if s.canonical.place[related] >= 0 || s.temporary.place[related] >= 0 {
				in = s.appendIdentifier(in, related)
			} else {
				in = append(in, s.first(related)...)
			}
			if err := s.spend(1 + len(in)/64); err != nil {
				return nil, err
			}
			s.scratch = in
			relations = append(relations, relation{s.appendHash(nil, in), related})
		}
	}
	// By hash, and by node within: that is the first permutation.
	slices.SortFunc(relations, func(a, b relation) int {
		if c := bytes.Compare(a.hash, b.hash); c != 0 {
			return c
		}
		return int(a.node - b.node)
	})
	var data, path, chosen []byte
	var nodes, recursion, suffix []int32
	for len(relations) > 0 { // step 5
		hash := relations[0].hash
		nodes = nodes[:0]
		for len(relations) > 0 && bytes.Equal(relations[0].hash, hash) {
			nodes = append(nodes, relations[0].node)
			relations = relations[1:]
		}
		data = append(data, hash...)
		chosen = chosen[:0]
		issued := len(s.temporary.order)
	permutations:
		for more := true; more; more = permute(nodes) { // step 5.4
			s.temporary.forget(issued)
			path, recursion = path[:0], recursion[:0]
			if err := s.spend(len(nodes)); err != nil {
				return nil, err
			}
			for _, related := range nodes {
				if s.canonical.place[related] < 0 && s.temporary.place[related] < 0 {
					recursion = append(recursion, related)
					s.temporary.issue(related)
				}
				path = s.appendIdentifier(path, related)
				if longer(path, chosen) {
					continue permutations
				}
			}
			for _, related := range recursion {
				s.depth++
				result, err := s.hashNDegree(related)
				s.depth--
				if err != nil {
					return nil, err
				}
				path = s.appendIdentifier(path, related)
				path = append(append(append(path, '<'), result...), '>')
				if longer(path, chosen) {
					continue permutations
				}
			}
			if len(chosen) == 0 || bytes.Compare(path, chosen) < 0 {
				chosen = append(chosen[:0], path...)
				suffix = append(suffix[:0], s.temporary.order[issued:]...)
			}
		}
		data = append(data, chosen...)
		// Each level takes over what the levels below it have issued: along a long way, that is the most of the work.
		if err := s.spend(len(suffix) / 64); err != nil {
			return nil, err
		}
		s.temporary.forget(issued)
		for _, n := range suffix {
			s.temporary.issue(n)
		}
	}
	if err := s.spend(1 + len(data)/64); err != nil {
		return nil, err
	}
	return s.appendHash(nil, data), nil
}

// appendIdentifier writes the canonical identifier of a node, or else its
// temporary one.
func (s *state) appendIdentifier(dst []byte, node int32) []byte {
	if n := s.canonical.place[node]; n >= 0 {
		return strconv.AppendInt(append(dst, "_:c14n"...), int64(n), 10)
	}
	return strconv.AppendInt(append(dst, "_:b"...), int64(s.temporary.place[node]), 10)
}

// longer says that a path can no longer become the chosen one (steps 5.4.4.3, 5.4.5.5).
func longer(path, chosen []byte) bool {
	return len(chosen) > 0 && len(path) >= len(chosen) && bytes.Compare(path, chosen) > 0
}

// permute turns nodes into their next permutation in order, and says whether
// there was one. Nodes that occur twice are not told from each other: exchanged,
// they give the same path.
func permute(nodes []int32) bool {
	i := len(nodes) - 2
	for i >= 0 && nodes[i] >= nodes[i+1] {
		i--
	}
	if i < 0 {
		return false
	}
	j := len(nodes) - 1
	for nodes[j] <= nodes[i] {
		j--
	}
	nodes[i], nodes[j] = nodes[j], nodes[i]
	slices.Reverse(nodes[i+1:])
	return true
}
