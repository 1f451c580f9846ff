package interop

import (
	"crypto"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/rdf"
)

// RDFC-1.0 is one answer to every dataset, and rdf-canonize has it too: rings,
// cliques and chains of blank nodes, named graphs, and literals of every kind.
func TestCanonicalRDFAgrees(t *testing.T) {
	t.Parallel()
	p := start(t, "canonical")
	random := rand.New(rand.NewPCG(10, 1))
	alike := 0
	for i := range times(1500) {
		text := dataset(random)
		o, hash := rdf.Options{}, "SHA-256"
		if i%4 == 3 {
			o.Hash, hash = crypto.SHA384, "SHA-384"
		}
		quads, err := rdf.Parse([]byte(text))
		require.NoError(t, err, text)
		ours, issued, err := rdf.Canonicalize(quads, o)
		require.NoError(t, err, text)
		var theirs struct{ Canonical string }
		p.ask("canonize", object{"dataset": text, "hash": hash}, &theirs)
		require.Equal(t, theirs.Canonical, string(ours), "case %d: %s", i, text)
		if len(issued) > 1 {
			alike++
		}
	}
	require.Greater(t, alike, times(500), "the datasets hold too few blank nodes to test their names")
}

// Neither side is kept busy by blank nodes that are all alike (RDFC-1.0 §7.1).
func TestPoisonGraphsAreRefusedByBoth(t *testing.T) {
	t.Parallel()
	p := start(t, "canonical")
	var clique strings.Builder
	for i := range 12 {
		for j := range 12 {
			if i != j {
				fmt.Fprintf(&clique, "_:b%d <urn:p> _:b%d .\n", i, j)
			}
		}
	}
	p.refuses("canonize", object{"dataset": clique.String(), "hash": "SHA-256", "maxWorkFactor": 1})
	quads, err := rdf.Parse([]byte(clique.String()))
	require.NoError(t, err)
	_, _, err = rdf.Canonicalize(quads, rdf.Options{})
	require.ErrorIs(t, err, rdf.ErrPoison)
}

// dataset writes a random dataset in N-Quads, with blank nodes that are hard to
// tell apart: few predicates, many loops.
func dataset(r *rand.Rand) string {
	blanks := 1 + r.IntN(6)
	node := func() string {
		if r.IntN(4) == 0 {
			return fmt.Sprintf("<urn:n%d>", r.IntN(3))
		}
		return fmt.Sprintf("_:b%d", r.IntN(blanks))
	}
	predicate := func() string { return fmt.Sprintf("<urn:p%d>", r.IntN(2)) }
	literal := func() string {
		text := []string{"", "a", `q\"uote`, `back\\slash`, `line\nfeed`, `\u0000`, `tab\t`, `\u007F`, "é€😀", `\uFFFE`}[r.IntN(10)]
		return `"` + text + `"` + []string{"", "@en", "@de-CH", "^^<http://www.w3.org/2001/XMLSchema#string>", "^^<urn:type>"}[r.IntN(5)]
	}
	var lines []string
	add := func(subject, predicate, object string) {
		graph := ""
		if r.IntN(5) == 0 {
			graph = " " + node()
		}
		lines = append(lines, subject+" "+predicate+" "+object+graph+" .\n")
	}
	switch r.IntN(4) {
	case 0: // a ring
		for i := range blanks {
			lines = append(lines, fmt.Sprintf("_:b%d <urn:p0> _:b%d .\n", i, (i+1)%blanks))
		}
	case 1: // a clique
		n := min(blanks, 4)
		for i := range n {
			for j := range n {
				lines = append(lines, fmt.Sprintf("_:b%d <urn:p0> _:b%d .\n", i, j))
			}
		}
	}
	for range r.IntN(8) {
		object := node()
		if r.IntN(3) == 0 {
			object = literal()
		}
		add(node(), predicate(), object)
	}
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return strings.Join(slices.Compact(lines), "")
}
