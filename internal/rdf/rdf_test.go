package rdf_test

import (
	"bytes"
	"crypto"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/piprate/json-gold/ld"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/rdf"
)

func iri(s string) rdf.Term   { return rdf.Term{Kind: rdf.IRI, Value: s} }
func blank(s string) rdf.Term { return rdf.Term{Kind: rdf.Blank, Value: s} }
func text(s string) rdf.Term  { return rdf.Term{Kind: rdf.Literal, Value: s} }

// A statement that is no statement is refused by whoever would write it, since
// the bytes would read as another one.
func TestRefusedTerms(t *testing.T) {
	s, p, o := iri("urn:s"), iri("urn:p"), text("o")
	for _, c := range []struct {
		name, want string
		quad       rdf.Quad
	}{
		{"no subject", "a subject is an IRI or a blank node, not nothing", rdf.Quad{Predicate: p, Object: o}},
		{"literal subject", "not a literal", rdf.Quad{Subject: o, Predicate: p, Object: o}},
		{"blank predicate", "a predicate is an IRI, not a blank node", rdf.Quad{Subject: s, Predicate: blank("b"), Object: o}},
		{"no object", "an object is a term, not nothing", rdf.Quad{Subject: s, Predicate: p}},
		{"kind of its own", "an unknown kind of term", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: 9}}},
		{"literal graph", "a graph's name", rdf.Quad{Subject: s, Predicate: p, Object: o, Graph: o}},
		{"relative IRI", `"shop" is not an absolute IRI`, rdf.Quad{Subject: iri("shop"), Predicate: p, Object: o}},
		{"empty scheme", "is not an absolute IRI", rdf.Quad{Subject: iri(":x"), Predicate: p, Object: o}},
		{"scheme with a slash", "is not an absolute IRI", rdf.Quad{Subject: iri("a/b:x"), Predicate: p, Object: o}},
		{"statement hidden in an IRI", "is not an absolute IRI", rdf.Quad{Subject: s, Predicate: p, Object: iri("urn:o> .\n<urn:s> <urn:admin> <urn:me")}},
		{"IRI with a space", "is not an absolute IRI", rdf.Quad{Subject: s, Predicate: p, Object: iri("urn:a b")}},
		{"IRI with a backslash", "is not an absolute IRI", rdf.Quad{Subject: s, Predicate: p, Object: iri(`urn:a\u0020`)}},
		{"IRI that is not UTF-8", "is not an absolute IRI", rdf.Quad{Subject: s, Predicate: p, Object: iri("urn:\xff")}},
		{"statement hidden in a datatype", "datatype", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: rdf.Literal, Type: "urn:o> .\n<urn:x"}}},
		{"statement hidden in a language", "is not a language tag", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: rdf.Text, Type: "en .\n<urn:s>"}}},
		{"no language", "is not a language tag", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: rdf.Text}}},
		{"empty subtag", "is not a language tag", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: rdf.Text, Type: "en--US"}}},
		{"language of digits", "is not a language tag", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: rdf.Text, Type: "3n"}}},
		{"literal that is not UTF-8", "is not UTF-8", rdf.Quad{Subject: s, Predicate: p, Object: text("\xc3\x28")}},
		{"text that is not UTF-8", "is not UTF-8", rdf.Quad{Subject: s, Predicate: p, Object: rdf.Term{Kind: rdf.Text, Value: "\xff", Type: "en"}}},
		{"statement hidden in a label", "is not the label of a blank node", rdf.Quad{Subject: blank("b <urn:p> <urn:o> ."), Predicate: p, Object: o}},
		{"empty label", "is not the label of a blank node", rdf.Quad{Subject: blank(""), Predicate: p, Object: o}},
		{"label that ends with a full stop", "is not the label of a blank node", rdf.Quad{Subject: blank("a."), Predicate: p, Object: o}},
		{"label that begins with a hyphen", "is not the label of a blank node", rdf.Quad{Subject: blank("-a"), Predicate: p, Object: o}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := rdf.Canonicalize([]rdf.Quad{c.quad}, rdf.Options{})
			require.ErrorContains(t, err, c.want)
			_, err = rdf.AppendQuad(nil, c.quad)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestRefusedNQuads(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"no full stop", `<urn:a> <urn:b> <urn:c>`, `want a term at ""`},
		{"no full stop after a graph", `<urn:a> <urn:b> <urn:c> <urn:d>`, `want "."`},
		{"two terms", `<urn:a> <urn:b> .`, `want a term`},
		{"five terms", `<urn:a> <urn:b> <urn:c> <urn:d> <urn:e> .`, `want "."`},
		{"two statements", `<urn:a> <urn:b> <urn:c> . <urn:a> <urn:b> <urn:d> .`, "after the statement"},
		{"open IRI", `<urn:a`, `want '>'`},
		{"open literal", `<urn:a> <urn:b> "c .`, `want '"'`},
		{"escape at the end", `<urn:a> <urn:b> "c\`, "escape"},
		{"unknown escape", `<urn:a> <urn:b> "\a" .`, `unknown escape \a`},
		{"letter escape in an IRI", `<urn:a\n> <urn:b> "c" .`, `unknown escape \n`},
		{"escaped space in an IRI", `<urn:a\u0020b> <urn:b> "c" .`, "is not an absolute IRI"},
		{"escaped end of an IRI", `<urn:a\u003E> <urn:b> "c" .`, "is not an absolute IRI"},
		{"half a surrogate pair", `<urn:a> <urn:b> "\uD800" .`, "is no character"},
		{"beyond Unicode", `<urn:a> <urn:b> "\U00110000" .`, "is no character"},
		{"sign in an escape", `<urn:a> <urn:b> "\u+123" .`, "is no character"},
		{"short escape", `<urn:a> <urn:b> "\u12" .`, "is no character"},
		{"escape cut short", `<urn:a> <urn:b> "\u12`, "wants 4 digits"},
		{"relative IRI", `<a> <urn:b> "c" .`, "is not an absolute IRI"},
		{"relative datatype", `<urn:a> <urn:b> "c"^^<d> .`, "is not an absolute IRI"},
		{"no language", `<urn:a> <urn:b> "c"@ .`, "is not a language tag"},
		{"literal subject", `"a" <urn:b> "c" .`, "a subject is"},
		{"prefixed name", `ex:a <urn:b> "c" .`, "want a term"},
		{"not UTF-8", "<urn:a> <urn:b> \"\xff\" .", "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := rdf.Parse([]byte(c.line + "\n"))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// What the grammar leaves open, read into the one canonical form.
func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"\t<urn:a>\t<urn:b><urn:c>.":                        "<urn:a> <urn:b> <urn:c> .\n",
		"# only a comment\r\n\r\r_:a <urn:b> _:a .#":        "_:a <urn:b> _:a .\n",
		`<urn:a> <urn:b> "\U0001F303\u00e9"@de-CH . `:       "<urn:a> <urn:b> \"\U0001F303é\"@de-CH .\n",
		`<urn:a> <urn:b> "x"^^<` + rdf.XSDString + `> _:g.`: "<urn:a> <urn:b> \"x\" _:g .\n",
		"": "",
	} {
		quads, err := rdf.Parse([]byte(in))
		require.NoError(t, err, in)
		var out []byte
		for _, q := range quads {
			out, err = rdf.AppendQuad(out, q)
			require.NoError(t, err)
		}
		require.Equal(t, want, string(out))
	}
}

func TestHashes(t *testing.T) {
	_, _, err := rdf.Canonicalize(nil, rdf.Options{Hash: crypto.SHA512})
	require.EqualError(t, err, "rdf: RDFC-1.0 hashes with SHA-256 or SHA-384, not SHA-512")
	canonical, issued, err := rdf.Canonicalize(nil, rdf.Options{})
	require.NoError(t, err)
	require.Empty(t, canonical)
	require.Empty(t, issued)
}

// The graphs that the standard warns of (§7.1) and their relatives end in an
// error, soon, at every bound.
func TestPoison(t *testing.T) {
	clique := func(n int) (quads []rdf.Quad) {
		for i := range n {
			for j := range n {
				quads = append(quads, rdf.Quad{Subject: blank(fmt.Sprint("e", i)), Predicate: iri("urn:p"), Object: blank(fmt.Sprint("e", j))})
			}
		}
		return quads
	}
	bipartite := func(n int) (quads []rdf.Quad) {
		for i := range n {
			for j := range n {
				quads = append(quads, rdf.Quad{Subject: blank(fmt.Sprint("a", i)), Predicate: iri("urn:p"), Object: blank(fmt.Sprint("b", j))})
			}
		}
		return quads
	}
	ring := func(n int) (quads []rdf.Quad) {
		for i := range n {
			quads = append(quads, rdf.Quad{Subject: blank(fmt.Sprint("e", i)), Predicate: iri("urn:p"), Object: blank(fmt.Sprint("e", (i+1)%n))})
		}
		return quads
	}
	longPredicate := clique(9)
	for i := range longPredicate {
		longPredicate[i].Predicate = iri("urn:" + strings.Repeat("x", 100_000))
	}
	for name, quads := range map[string][]rdf.Quad{
		"clique of 10": clique(10), "clique of 60": clique(60), "twelve with twelve": bipartite(12),
		"ring of 50000": ring(50_000), "ring of 8000": ring(8000), "clique with long predicates": longPredicate,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, _, err := rdf.Canonicalize(quads, rdf.Options{})
			require.ErrorIs(t, err, rdf.ErrPoison)
			require.Less(t, time.Since(start), 5*time.Second) // 20 to 300 ms on an idle machine
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(512<<20)) // a ring whose copies are not counted takes 2 GiB
		})
	}
	// What is merely repetitive passes.
	var parts []rdf.Quad
	for i := range 2000 {
		parts = append(parts, rdf.Quad{Subject: iri("urn:drone"), Predicate: iri("urn:part"), Object: blank(fmt.Sprint("p", i))},
			rdf.Quad{Subject: blank(fmt.Sprint("p", i)), Predicate: iri("urn:name"), Object: text("screw")})
	}
	var lists []rdf.Quad
	for i := range 5000 {
		for _, list := range []string{"x", "y"} {
			cell := blank(fmt.Sprint(list, i))
			lists = append(lists, rdf.Quad{Subject: cell, Predicate: iri("urn:first"), Object: text(fmt.Sprint(i))},
				rdf.Quad{Subject: cell, Predicate: iri("urn:rest"), Object: blank(fmt.Sprint(list, i+1))})
		}
	}
	for name, quads := range map[string][]rdf.Quad{"clique of 5": clique(5), "ring of 200": ring(200), "2000 equal parts": parts, "two lists of 5000": lists} {
		_, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(t, err, name)
	}
	// Little poison ends sooner: a thousand such datasets fit where one large one does.
	for quads, most := range map[int]int{0: 33_000, 56: 71_000, 200: 450_000, 1 << 20: 450_000} {
		require.LessOrEqual(t, rdf.DefaultMaxSteps(quads), most)
		require.Greater(t, rdf.DefaultMaxSteps(quads), 2*16_000, "the hardest standard test")
	}
	_, _, err := rdf.Canonicalize(clique(3), rdf.Options{MaxSteps: 3})
	require.ErrorIs(t, err, rdf.ErrPoison)
	_, _, err = rdf.Canonicalize(clique(3), rdf.Options{MaxSteps: -1})
	require.ErrorIs(t, err, rdf.ErrPoison)
}

// datasets draws a small dataset with more symmetry than real ones have.
func datasets(t *rapid.T) []rdf.Quad {
	node := rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 4), func(n int) rdf.Term { return blank(fmt.Sprint("b", n)) }),
		rapid.Map(rapid.IntRange(0, 1), func(n int) rdf.Term { return iri(fmt.Sprint("urn:n", n)) }))
	object := rapid.OneOf(node, node,
		rapid.Map(rapid.SampledFrom([]string{"", "a", "\"\\\n", "é", "\U0001F303"}), text),
		rapid.Just(rdf.Term{Kind: rdf.Text, Value: "a", Type: "de"}),
		rapid.Just(rdf.Term{Kind: rdf.Literal, Value: "1", Type: "urn:int"}))
	graph := rapid.OneOf(rapid.Just(rdf.Term{}), rapid.Just(rdf.Term{}), node)
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rdf.Quad {
		return rdf.Quad{
			Subject:   node.Draw(t, "s"),
			Predicate: iri(rapid.SampledFrom([]string{"urn:p", "urn:q"}).Draw(t, "p")),
			Object:    object.Draw(t, "o"),
			Graph:     graph.Draw(t, "g"),
		}
	}), 0, 12).Draw(t, "quads")
}

// relabel gives the blank nodes other labels, by a permutation of five.
func relabel(quads []rdf.Quad, labels []string) []rdf.Quad {
	out := make([]rdf.Quad, len(quads))
	for i, q := range quads {
		for _, t := range []*rdf.Term{&q.Subject, &q.Object, &q.Graph} {
			if t.Kind == rdf.Blank {
				t.Value = labels[t.Value[1]-'0']
			}
		}
		out[i] = q
	}
	return out
}

// The order of the statements, their repetition and the labels change nothing;
// the issued labels are those of the output; and a second round changes nothing.
func TestCanonicalFormIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quads := datasets(t)
		o := rdf.Options{Hash: rapid.SampledFrom([]crypto.Hash{0, crypto.SHA256, crypto.SHA384}).Draw(t, "hash"), MaxSteps: 1 << 22}
		canonical, issued, err := rdf.Canonicalize(quads, o)
		require.NoError(t, err)

		other := relabel(quads, rapid.Permutation([]string{"x", "b1", "c14n0", "_", "0"}).Draw(t, "labels"))
		if len(other) > 0 {
			other = append(other, other[0])
		}
		again, _, err := rdf.Canonicalize(rapid.Permutation(other).Draw(t, "order"), o)
		require.NoError(t, err)
		require.Equal(t, string(canonical), string(again))

		named := make([]rdf.Quad, len(quads))
		for i, q := range quads {
			for _, term := range []*rdf.Term{&q.Subject, &q.Object, &q.Graph} {
				if term.Kind == rdf.Blank {
					term.Value = issued[term.Value]
				}
			}
			named[i] = q
		}
		read, err := rdf.Parse(canonical)
		require.NoError(t, err)
		require.Subset(t, read, named)
		require.Subset(t, named, read)

		again, _, err = rdf.Canonicalize(read, o)
		require.NoError(t, err)
		require.Equal(t, string(canonical), string(again))
	})
}

// jsonGold canonicalizes with another implementation.
func jsonGold(nquads []byte) (string, error) {
	o := ld.NewJsonLdOptions("")
	o.InputFormat, o.Format, o.Algorithm = "application/n-quads", "application/n-quads", ld.AlgorithmURDNA2015
	out, err := ld.NewJsonLdProcessor().Normalize(string(nquads), o)
	if err != nil {
		return "", err
	}
	return out.(string), nil
}

// Two implementations that share no code agree where json-gold works: it counts a
// statement twice that mentions a blank node twice, against RDFC-1.0 §4.4.3 step 2
// (the mention set is a set), and writes control characters as they are.
func TestAgainstJSONGold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quads := slices.DeleteFunc(datasets(t), func(q rdf.Quad) bool {
			return q.Subject.Kind == rdf.Blank && (q.Subject == q.Object || q.Subject == q.Graph) ||
				q.Object.Kind == rdf.Blank && q.Object == q.Graph
		})
		canonical, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(t, err)
		var nquads []byte
		for _, q := range quads {
			nquads, err = rdf.AppendQuad(nquads, q)
			require.NoError(t, err)
		}
		want, err := jsonGold(nquads)
		require.NoError(t, err)
		require.Equal(t, want, string(canonical))
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(credential))
	f.Add([]byte("_:a <urn:p> \"\\u00e9\\n\"@en _:g . # c\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		quads, err := rdf.Parse(b)
		if err != nil {
			return
		}
		var out []byte
		for _, q := range quads {
			out, err = rdf.AppendQuad(out, q)
			require.NoError(t, err, "what was read can be written")
		}
		again, err := rdf.Parse(out)
		require.NoError(t, err)
		require.Equal(t, quads, again)
	})
}

func FuzzCanonicalize(f *testing.F) {
	f.Add([]byte(credential), uint64(1))
	f.Add([]byte("_:a <urn:p> _:b .\n_:b <urn:p> _:a .\n_:a <urn:p> _:b _:a .\n"), uint64(2))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		quads, err := rdf.Parse(b)
		if err != nil {
			return
		}
		canonical, issued, err := rdf.Canonicalize(quads, rdf.Options{MaxSteps: 1 << 16})
		if err != nil {
			require.ErrorIs(t, err, rdf.ErrPoison)
			return
		}
		require.Equal(t, strings.Count(string(canonical), "\n"), bytes.Count(canonical, []byte(" .\n")))
		for i := range issued {
			require.Regexp(t, `^c14n[0-9]+$`, issued[i])
		}
		random := rand.New(rand.NewPCG(seed, 0))
		random.Shuffle(len(quads), func(i, j int) { quads[i], quads[j] = quads[j], quads[i] })
		again, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(t, err)
		require.Equal(t, string(canonical), string(again))
	})
}
