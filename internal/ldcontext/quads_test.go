package ldcontext

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/piprate/json-gold/ld"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc/record"
)

func canonical(t require.TestingT, s *Set, v strictjson.Value) string {
	quads, err := s.Quads(v)
	require.NoError(t, err)
	text, _, err := rdf.Canonicalize(quads, rdf.Options{})
	require.NoError(t, err)
	return string(text)
}

// loader serves the contexts of a set to json-gold, and nothing else.
type loader struct{ *Set }

func (l loader) LoadDocument(url string) (*ld.RemoteDocument, error) {
	text, ok := l.Document(url)
	if !ok {
		return nil, fmt.Errorf("no context %s", url)
	}
	var document any
	err := json.Unmarshal([]byte(text), &document)
	return &ld.RemoteDocument{DocumentURL: url, Document: document}, err
}

// oracle returns the canonical form by way of json-gold, an implementation of the whole of JSON-LD.
func oracle(s *Set, text string) (string, error) {
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return "", err
	}
	o := ld.NewJsonLdOptions("")
	o.DocumentLoader, o.Format = loader{s}, "application/n-quads"
	out, err := ld.NewJsonLdProcessor().ToRDF(document, o)
	if err != nil {
		return "", err
	}
	quads, err := rdf.Parse([]byte(out.(string)))
	if err != nil {
		return "", err
	}
	c, _, err := rdf.Canonicalize(quads, rdf.Options{})
	return string(c), err
}

func TestExamplesAgreeWithJSONGold(t *testing.T) {
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		text, _ := record.Example(typ)
		want, err := oracle(Default(), string(text))
		require.NoError(t, err)
		require.Equal(t, want, canonical(t, Default(), parse(t, string(text))), typ)
	}
}

// vocabulary is a context with every feature that is processed, for random documents.
const vocabulary = `{"@version":1.1%s,"x":"https://x.example/","xsd":"http://www.w3.org/2001/XMLSchema#",
	"plain":"x:plain","date":{"@id":"x:date","@type":"xsd:date"},"double":{"@id":"x:double","@type":"xsd:double"},
	"decimal":{"@id":"x:decimal","@type":"xsd:decimal"},"none":{"@id":"x:none","@type":"@none"},
	"ref":{"@id":"x:ref","@type":"@id"},"word":{"@id":"x:word","@type":"@vocab"},"json":{"@id":"x:json","@type":"@json"},
	"list":{"@id":"x:list","@container":"@list"},"refs":{"@id":"x:refs","@container":"@list","@type":"@id"},
	"set":{"@id":"x:set","@container":"@set"},"text":{"@id":"x:text","@container":"@language"},
	"texts":{"@id":"x:texts","@container":["@language","@set"]},
	"french":{"@id":"x:french","@language":"fr"},"nolang":{"@id":"x:nolang","@language":null},
	"graph":{"@id":"x:graph","@container":"@graph"},"graphs":{"@id":"x:graphs","@container":["@graph","@set"]},
	"inner":{"@id":"x:inner","@context":{"plain":{"@id":"x:plain2","@type":"xsd:token"},"set":"x:set2"}},
	"words":{"@id":"x:words","@type":"@vocab","@context":{"red":"x:red","@vocab":"https://y.example/"}},
	"cleared":{"@id":"x:cleared","@context":[null,{"id":"@id","type":"@type","plain":"https://z.example/plain"}]},
	"parent":{"@reverse":"x:child"},"red":"x:colour/red","Thing":"x:Thing",
	"Local":{"@id":"x:Local","@context":{"plain":"x:plain3","ref":"x:ref3"}},
	"Deep":{"@id":"x:Deep","@context":{"@propagate":true,"plain":{"@id":"x:plain4","@type":"@id"}}},
	"Alphabet":{"@id":"x:Alphabet","@context":{"plain":"x:plain5","Thing":"x:Thing5"}}}`

// document draws a random object in that vocabulary.
func document(t *rapid.T, depth int) map[string]any {
	out := map[string]any{}
	if rapid.IntRange(0, 2).Draw(t, "has id") == 0 {
		out["id"] = rapid.SampledFrom([]string{"did:x:a", "x:b", "https://c.example/", "_:b1", "urn:x:y"}).Draw(t, "id")
	}
	if types := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"Thing", "Local", "Deep", "Alphabet", "x:Other", "https://o.example/T"}), 0, 3, rapid.ID[string]).Draw(t, "types"); len(types) > 0 {
		out["type"] = types
	}
	scalar := func() any {
		return rapid.OneOf(
			rapid.Map(rapid.SampledFrom([]string{"", "a", "red", "x:y", "did:x:z", "https://d.example/", "1.0", "é\n\"", "_:b1", "plain"}), func(s string) any { return s }),
			rapid.Map(rapid.Int64Range(1-1<<53, 1<<53-1), func(i int64) any { return i }),
			rapid.Map(rapid.Float64Range(-1e3, 1e3), func(f float64) any { return math.Round(f*1e4)/1e4 + 0 }), // + 0: RFC 8785 knows no -0
			rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		).Draw(t, "scalar")
	}
	value := func() any {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		switch {
		case kind < 4 && depth > 0:
			return document(t, depth-1)
		case kind == 4:
			v := map[string]any{"@value": scalar()}
			switch rapid.IntRange(0, 2).Draw(t, "value") {
			case 0:
				v["@type"] = rapid.SampledFrom([]string{"xsd:integer", "xsd:double", "https://t.example/", "@json", "Thing"}).Draw(t, "datatype")
				if v["@type"] == "@json" { // json-gold 0.9.1 writes JSON that is no object as another literal, or as its error message
					v["@value"] = map[string]any{"v": v["@value"]}
				}
			case 1:
				v["@value"] = "text"
				v["@language"] = rapid.SampledFrom([]string{"en", "DE-at"}).Draw(t, "language")
			}
			return v
		}
		return scalar()
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"plain", "date", "double", "decimal", "none", "ref", "word", "json", "list", "refs", "set", "text", "texts", "french", "nolang",
		"graph", "graphs", "inner", "words", "cleared", "parent",
	}), 0, 4, rapid.ID[string]).Draw(t, "properties") {
		switch {
		case name == "json":
			out[name] = map[string]any{"v": value()}
		case name == "text" || name == "texts":
			out[name] = map[string]any{"en": "x", rapid.SampledFrom([]string{"de", "FR-ca", "@none"}).Draw(t, "tag"): rapid.SampledFrom([]any{"y", []any{"y", "z"}}).Draw(t, "text")}
		case rapid.IntRange(0, 3).Draw(t, "array") == 0:
			var list []any
			for range rapid.IntRange(1, 3).Draw(t, "length") {
				list = append(list, value())
			}
			out[name] = list
		default:
			out[name] = value()
		}
	}
	return out
}

// On random documents with every feature, an implementation of the whole of JSON-LD reads what we read.
func TestRandomDocumentsAgreeWithJSONGold(t *testing.T) {
	s := Default().WithInline()
	agreed, refused := 0, map[string]int{}
	check := func(t *rapid.T) {
		doc := document(t, 4)
		settings := rapid.SampledFrom([]string{"", `,"@language":"en"`, `,"@vocab":"https://vocab.example/"`}).Draw(t, "settings")
		doc["@context"] = []any{CredentialsV2, map[string]any{}}
		text, err := json.Marshal(doc)
		require.NoError(t, err)
		text = []byte(strings.Replace(string(text), `{}`, fmt.Sprintf(vocabulary, settings), 1))
		quads, err := s.Quads(parse(t, string(text)))
		if err != nil {
			_, reason, _ := strings.Cut(err.Error(), `" `)
			refused[reason]++
			return
		}
		got, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(t, err, string(text))
		want, err := oracle(s, string(text))
		require.NoError(t, err, string(text))
		require.Equal(t, want, string(got), string(text))
		agreed++
	}
	rounds := 10 // of 100 documents
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		rapid.Check(t, check)
	}
	t.Log(agreed, "agree", refused)
	require.Greater(t, agreed, rounds*40)
}
