package interop

import (
	"crypto"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// What each kind of record entry says in RDF is the same to jsonld.js.
func TestRecordExamplesSayTheSameInRDF(t *testing.T) {
	t.Parallel()
	p := start(t, "canonical")
	p.load(contexts())
	files, err := filepath.Glob("../../vc/record/example/*.json")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			p := p.on(t)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			ours, err := rdfc.Canonicalize(nil, text, crypto.SHA256)
			require.NoError(t, err)
			require.Equal(t, p.canonical(string(text)), string(ours))
		})
	}
}

// What the W3C's test suite of VCDM 2.0 sends says the same in RDF to both, unless we
// refuse it. A document of no statements is none to us; jsonld.js refuses it, as does
// package vc for having no type.
func TestW3CInputsSayTheSameInRDF(t *testing.T) {
	t.Parallel()
	folder := shared.Path(t, "vectors", "w3c-vcdm2-inputs")
	p := start(t, "canonical")
	p.load(contexts())
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	taken := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		ours, err := rdfc.Canonicalize(contexts().WithInline(), text, crypto.SHA256)
		if err != nil {
			t.Logf("refused: %s: %v", filepath.Base(file), err)
			continue
		}
		if len(ours) == 0 {
			p.refuses("canonizeJSON", object{"text": string(text)})
			continue
		}
		taken++
		require.Equal(t, p.canonical(string(text)), string(ours), file)
	}
	require.Greater(t, taken, 50)
}

// canonical returns the canonical N-Quads of a document by jsonld.js, which refuses
// what it would drop.
func (p *peer) canonical(text string) string {
	p.t.Helper()
	var theirs struct{ Canonical string }
	p.ask("canonizeJSON", object{"text": text, "rdfDirection": "i18n-datatype"}, &theirs)
	return theirs.Canonical
}

// vocabulary is a context with every kind of term that we process.
const vocabularyURL, vocabulary = "https://vocabulary.example/v1", `{"@context":{"@version":1.1,"id":"@id","type":"@type",
	"ex":"https://ex.example/#","xsd":"http://www.w3.org/2001/XMLSchema#",
	"plain":"ex:plain","again":"ex:plain",
	"ref":{"@id":"ex:ref","@type":"@id"},
	"word":{"@id":"ex:word","@type":"@vocab"},
	"date":{"@id":"ex:date","@type":"xsd:dateTime"},
	"double":{"@id":"ex:double","@type":"xsd:double"},
	"integer":{"@id":"ex:integer","@type":"xsd:integer"},
	"boolean":{"@id":"ex:boolean","@type":"xsd:boolean"},
	"set":{"@id":"ex:set","@container":"@set"},
	"list":{"@id":"ex:list","@container":"@list"},
	"refs":{"@id":"ex:refs","@type":"@id","@container":"@list"},
	"language":{"@id":"ex:language","@container":"@language"},
	"english":{"@id":"ex:english","@language":"en"},
	"arabic":{"@id":"ex:arabic","@language":"AR-eg","@direction":"rtl"},
	"json":{"@id":"ex:json","@type":"@json"},
	"graph":{"@id":"ex:graph","@container":"@graph"},
	"scoped":{"@id":"ex:scoped","@context":{"plain":"ex:otherPlain","inner":"ex:inner"}},
	"Typed":{"@id":"ex:Typed","@context":{"plain":"ex:typedPlain","typed":"ex:typed"}},
	"Kept":{"@id":"ex:Kept","@context":{"@propagate":true,"plain":{"@id":"ex:keptPlain","@type":"@id"},"kept":"ex:kept"}}
}}`

// Whatever we say in RDF, jsonld.js says too, on random credentials that use and
// abuse every kind of term. It takes more than we do: we also refuse what a reader
// who looks for words would not see, and values of which RDF keeps one.
func TestRandomCredentialsSayTheSameInRDF(t *testing.T) {
	t.Parallel()
	p := start(t, "canonical")
	known, err := contexts().With(vocabularyURL, []byte(vocabulary))
	require.NoError(t, err)
	p.load(known, vocabularyURL)
	known = known.WithInline()
	g := generator{rand.New(rand.NewPCG(11, 8))}
	taken, refused := 0, 0
	for i := range times(4000) {
		text := g.credential()
		ours, err := rdfc.Canonicalize(known, []byte(text), crypto.SHA256)
		if err != nil {
			refused++
			continue
		}
		taken++
		require.Equal(t, p.canonical(text), string(ours), "case %d: %s", i, text)
	}
	t.Logf("%d taken, %d refused", taken, refused)
	require.Greater(t, taken, times(1000))
	require.Greater(t, refused, times(300))
}

// Where jsonld.js 9.0.0 says something else than we do, it is wrong by JSON-LD 1.1
// API §8.1 and §8.2.2, and random credentials leave these out. Whoever verifies with
// it takes the altered value in the last column for the signed one.
func TestJSONLDJSSaysSomethingElse(t *testing.T) {
	t.Parallel()
	p := start(t, "canonical")
	known, err := contexts().With(vocabularyURL, []byte(vocabulary))
	require.NoError(t, err)
	p.load(known, vocabularyURL)
	known = known.WithInline()
	text := func(inline, member string) string {
		return `{"@context":["https://www.w3.org/ns/credentials/v2","https://vocabulary.example/v1"` + inline + `],"type":["VerifiableCredential"],
			"issuer":"did:example:issuer","credentialSubject":{"id":"urn:x",` + member + `}}`
	}
	const subject, xsd = "<urn:x> <https://ex.example/#", "<http://www.w3.org/2001/XMLSchema#"
	for _, c := range []struct{ name, member, ours, theirs, altered, inline string }{
		{"a small number with no point in it is zero", `"plain":1e-7`,
			subject + `plain> "1.0E-7"^^` + xsd + "double> .\n", subject + `plain> "0"^^` + xsd + "integer> .\n", `"plain":2e-9`, ""},
		{"text that is typed as a number is made one", `"double":"20"`,
			subject + `double> "20"^^` + xsd + "double> .\n", subject + `double> "2.0E1"^^` + xsd + "double> .\n", `"double":"20 or so"`, ""},
		{"any other text typed as a number is NaN", `"double":"unlimited"`,
			subject + `double> "unlimited"^^` + xsd + "double> .\n", subject + `double> "NaN"^^` + xsd + "double> .\n", `"double":"none"`, ""},
		{"two directions of one text are one text", `"plain":[{"@value":"a","@direction":"ltr"},"a"]`,
			subject + `plain> "a" .` + "\n" + subject + `plain> "a"^^<https://www.w3.org/ns/i18n#_ltr> .` + "\n",
			subject + `plain> "a"^^<https://www.w3.org/ns/i18n#_ltr> .` + "\n", `"plain":[{"@value":"a","@direction":"ltr"}]`, ""},
		{"one statement in two spellings is two", `"plain":"a","again":{"@value":"a","@type":"xsd:string"}`,
			subject + `plain> "a" .` + "\n", subject + `plain> "a" .` + "\n" + subject + `plain> "a" .` + "\n", "", ""},
		{"a direction of all text is lost behind another context", `"plain":"a"`,
			subject + `plain> "a"^^<https://www.w3.org/ns/i18n#_rtl> .` + "\n", subject + `plain> "a" .` + "\n", "", `,{"@direction":"rtl"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.on(t)
			about := func(canonical string) (lines string) {
				for line := range strings.Lines(canonical) {
					if strings.HasPrefix(line, "<urn:x>") {
						lines += line
					}
				}
				return lines
			}
			ours, err := rdfc.Canonicalize(known, []byte(text(c.inline, c.member)), crypto.SHA256)
			require.NoError(t, err)
			require.Equal(t, c.ours, about(string(ours)))
			theirs := p.canonical(text(c.inline, c.member))
			require.Equal(t, c.theirs, about(theirs))
			if c.altered != "" {
				require.Equal(t, theirs, p.canonical(text(c.inline, c.altered)))
				altered, err := rdfc.Canonicalize(known, []byte(text(c.inline, c.altered)), crypto.SHA256)
				require.NoError(t, err)
				require.NotEqual(t, string(ours), string(altered))
			}
		})
	}
}
