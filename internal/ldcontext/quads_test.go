package ldcontext

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
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

var errPanic = errors.New("json-gold panics")

// oracle returns the canonical form by way of json-gold, an implementation of the whole of JSON-LD. Version 0.9.1
// panics when a property has two JSON literals that are objects: one more reason why it is an oracle and no part.
func oracle(s *Set, text string) (_ string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
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
	// Contexts of properties within the context of a type: a type's context ends below its object, a property's goes on.
	text := `{"@context":["` + CredentialsV2 + `",{"@protected":true,"Tour":{"@id":"urn:x:Tour","@context":{"@protected":true,"id":"@id","type":"@type",
		"number":"urn:x:number","legs":{"@id":"urn:x:legs","@context":{"@protected":true,"km":"urn:x:km","year":"urn:x:year",
		"stops":{"@id":"urn:x:stops","@context":{"at":"urn:x:at"}}}}}},"tours":{"@id":"urn:x:tours","@type":"@id"}}],
		"type":["VerifiableCredential"],"issuer":"did:x:y","credentialSubject":{"name":"x","tours":[
		{"type":"Tour","number":"7","legs":[{"km":5.5,"year":2023,"stops":{"at":"a","km":1}},{"km":7.0,"year":2020}]},{"type":"Tour"}]}}`
	s := Default().WithInline()
	want, err := oracle(s, text)
	require.NoError(t, err)
	require.Equal(t, want, canonical(t, s, parse(t, text)))
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
			rapid.Map(rapid.Int64Range(2-1<<53, 1<<53-2), func(i int64) any { return i }),                      // one more or less is read, too
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
			out[name] = map[string]any{"en": "x", rapid.SampledFrom([]string{"de", "FR-ca", "@none", "id", "red"}).Draw(t, "tag"): rapid.SampledFrom([]any{"y", []any{"y", "z"}}).Draw(t, "text")}
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
		if errors.Is(err, errPanic) {
			return
		}
		require.NoError(t, err, string(text))
		require.Equal(t, want, string(got), string(text))
		agreed++
	}
	for range 10 {
		rapid.Check(t, check)
	}
	t.Log(agreed, "agree", refused)
	require.Greater(t, agreed, 50)
}

// leaves calls f for every scalar that is a member or an element below v, with a way to replace it and one to take it out.
func leaves(v any, f func(old any, replace func(any), remove func())) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if name == "@context" {
				continue
			}
			f(value, func(n any) { v[name] = n }, func() { delete(v, name) })
			leaves(value, f)
		}
	case []any:
		for i, value := range v {
			f(value, func(n any) { v[i] = n }, nil)
			leaves(value, f)
		}
	}
}

// Whatever is altered in, taken from or added to a document alters what it says in RDF, or is refused:
// a signature over the RDF covers the whole document. (But for the order of a set, and for where the
// statements about a thing with an identifier stand: here, nothing has one.)
func TestNothingCanBeAlteredUnnoticed(t *testing.T) {
	s := Default().WithInline()
	altered, same := 0, 0
	check := func(t *rapid.T) {
		doc := document(t, 3)
		doc["@context"] = []any{CredentialsV2, map[string]any{}}
		text := func() string {
			b, err := json.Marshal(doc)
			require.NoError(t, err)
			return strings.Replace(string(b), `{}`, fmt.Sprintf(vocabulary, ""), 1)
		}
		var plain any
		require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(text(), `_:b1`, "x:b1")), &plain))
		doc = plain.(map[string]any)
		leaves(doc, func(old any, _ func(any), remove func()) {
			if s, ok := old.(string); ok && remove != nil && strings.Contains("did:x:a x:b https://c.example/ urn:x:y x:b1", s) {
				remove() // identifiers
			}
		})
		quads, err := s.Quads(parse(t, text()))
		if err != nil {
			return
		}
		before, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(t, err)

		var ways []func()
		leaves(doc, func(old any, replace func(any), remove func()) {
			if remove != nil {
				ways = append(ways, remove)
			}
			ways = append(ways, func() { replace([]any{old, nil}) }, func() { replace([]any{old, []any{}}) }, func() { replace([]any{old, old, map[string]any{}}) })
			switch old := old.(type) {
			case string:
				ways = append(ways, func() { replace(old + "x") }, func() { replace(nil) })
			case float64:
				ways = append(ways, func() { replace(old + 1) }, func() { replace(math.Nextafter(old, 9e15)) })
			case bool:
				ways = append(ways, func() { replace(!old) })
			case map[string]any:
				for _, extra := range []any{nil, []any{}, map[string]any{}} {
					ways = append(ways, func() { old["plain"+fmt.Sprint(len(old))] = extra }, func() {
						if _, there := old["none"]; !there {
							old["none"] = extra
						} else {
							delete(old, "none")
						}
					})
				}
			}
		})
		if len(ways) == 0 {
			return
		}
		ways[rapid.IntRange(0, len(ways)-1).Draw(t, "way")]()
		quads, err = s.Quads(parse(t, text()))
		if err != nil {
			altered++
			return
		}
		after, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(t, err)
		require.NotEqual(t, string(before), string(after), text())
		altered++
		same++
	}
	for range 10 {
		rapid.Check(t, check)
	}
	t.Log(altered, "noticed, of which", same, "by other statements")
	require.Positive(t, same)
}

func TestWhatRDFWouldDropIsRefused(t *testing.T) {
	s := Default().WithInline()
	in := func(members string) string {
		return `{"@context":["` + CredentialsV2 + `",` + fmt.Sprintf(vocabulary, "") + `],` + members + `}`
	}
	for _, tt := range []struct{ name, members, pointer, reason string }{
		{"null", `"plain":null`, "/plain", "null"},
		{"null in a set", `"set":["a",null]`, "/set/1", "null"},
		{"null in a list", `"list":["a",null]`, "/list/1", "null"},
		{"a value that is null", `"plain":{"@value":null}`, "/plain/@value", "null"},
		{"a text that is null", `"text":{"en":null}`, "/text/en", "null"},
		{"an empty set", `"plain":[]`, "/plain", "empty list"},
		{"no types", `"type":[]`, "/type", "empty list"},
		{"no texts", `"text":{}`, "/text", "no text"},
		{"no text of a language", `"text":{"en":[]}`, "/text/en", "empty list"},
		{"a set in a set", `"plain":[["a"]]`, "/plain/0", "list in a set"},
		{"one value twice", `"plain":["a","b","a"]`, "/plain", "twice"},
		{"one value twice among many", `"plain":[1,2,3,4,5,6,7,8,9,10,1]`, "/plain", "twice"},
		{"one text twice", `"text":{"en":["a","a"]}`, "/text/en", "twice"},
		{"one type twice", `"type":["Thing","Thing"]`, "/type", "twice"},
		{"one number written twice", `"plain":[1,1.0]`, "/plain", "twice"},
		{"a relative identifier", `"id":"drone"`, "/id", "absolute IRI"},
		{"a path as identifier", `"id":"/drone"`, "/id", "absolute IRI"},
		{"an empty identifier", `"id":""`, "/id", "absolute IRI"},
		{"an identifier that is a keyword", `"id":"@drone"`, "/id", "absolute IRI"},
		{"an identifier with a space", `"id":"did:x:a b"`, "/id", "absolute IRI"},
		{"an identifier that would end its statement", `"id":"x:a> <x:b"`, "/id", "absolute IRI"},
		{"a relative reference", `"ref":"drone"`, "/ref", "absolute IRI"},
		{"a relative reference in a list", `"refs":["x:a","drone"]`, "/refs/1", "absolute IRI"},
		{"a word that is not defined", `"word":"green"`, "/word", "absolute IRI"},
		{"a relative type", `"type":"drone"`, "/type", "not defined"},
		{"a relative datatype", `"plain":{"@value":"a","@type":"drone"}`, "/plain/@type", "cannot have"},
		{"an index", `"plain":{"@value":"a","@index":"b"}`, "/plain/@index", "drop"},
		{"a number with a language", `"plain":{"@value":1,"@language":"en"}`, "/plain/@value", "must be text"},
		{"a language that is none", `"plain":{"@value":"a","@language":"e n"}`, "/plain/@language", "cannot have"},
		{"a language that is none, of a map", `"text":{"e n":"a"}`, "/text/e n", "language tag"},
		{"more digits than a double's canonical form has", `"plain":0.30000000000000004`, "/plain", "digits"},
		{"a number of that kind in a list", `"list":[1,123456789.12345679]`, "/list/1", "digits"},
		{"a word where a graph belongs", `"graph":"a"`, "/graph", "graphs"},
		{"a reference where a graph belongs", `"graph":{"id":"x:a"}`, "/graph", "says nothing"},
		{"nothing where a graph belongs", `"graph":{}`, "/graph", "says nothing"},
		{"a literal's parent", `"parent":"a"`, "/parent", "reverse"},
		{"an undefined member within a graph", `"graph":{"hours":1}`, "/graph/hours", "not defined"},
		{"an undefined member within a credential of a presentation",
			`"type":"VerifiablePresentation","verifiableCredential":{"@context":"` + CredentialsV2 + `","type":"VerifiableCredential","hours":1}`,
			"/verifiableCredential/hours", "not defined"},
		{"a credential of a presentation without contexts", `"type":"VerifiablePresentation","verifiableCredential":{"type":"VerifiableCredential"}`,
			"/verifiableCredential/type", "not defined"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Quads(parse(t, in(tt.members)))
			var e *TermError
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.pointer, e.Pointer, e)
			require.ErrorContains(t, e, tt.reason)
		})
	}

	for _, text := range []string{`5`, `[]`, `{}`, `{"type":"x:y"}`} {
		_, err := s.Quads(parse(t, text))
		require.Error(t, err, text)
	}
}

// A document that would take long is refused before it does.
func TestTooManyStatementsAreRefused(t *testing.T) {
	s := Default().WithInline()
	for _, tt := range []struct{ name, before, each, after string }{
		{"numbers", `"plain":[`, "%d", `]`},
		{"objects", `"plain":[`, `{"id":"x:%d"}`, `]`},
		{"a list", `"list":[`, "%d", `]`},
		{"types of objects", `"plain":[`, `{"type":"x:%d"}`, `]`},
		{"texts", `"texts":{"en":[`, `"%d"`, `]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var elements []string
			for i := range maxQuads + 5 {
				elements = append(elements, fmt.Sprintf(tt.each, i))
			}
			_, err := s.Quads(parse(t, `{"@context":["`+CredentialsV2+`",`+fmt.Sprintf(vocabulary, "")+`],`+tt.before+strings.Join(elements, ",")+tt.after+`,"none":1}`))
			require.ErrorContains(t, err, "more statements")
		})
	}
}

func TestWhatIsStated(t *testing.T) {
	s := Default().WithInline()
	for _, tt := range []struct{ name, settings, members, quads string }{
		{"types are named before the contexts that they bring", ``, `"id":"x:s","type":["Alphabet","Thing"]`, "<https://x.example/s> <rdf:type> <https://x.example/Alphabet> .\n<https://x.example/s> <rdf:type> <https://x.example/Thing> .\n"},
		{"base direction", ``, `"id":"x:s","plain":{"@value":"a","@language":"HE","@direction":"rtl"}`, "<https://x.example/s> <https://x.example/plain> \"a\"^^<https://www.w3.org/ns/i18n#he_rtl> .\n"},
		{"base direction of all", `,"@direction":"ltr"`, `"id":"x:s","plain":"a","french":"b"`, "<https://x.example/s> <https://x.example/french> \"b\"^^<https://www.w3.org/ns/i18n#fr_ltr> .\n<https://x.example/s> <https://x.example/plain> \"a\"^^<https://www.w3.org/ns/i18n#_ltr> .\n"},
		{"whole numbers and others", ``, `"id":"x:s","set":[1,-5,1.5,1e21,1e-7,true]`, "<https://x.example/s> <https://x.example/set> \"-5\"^^<xsd:integer> .\n<https://x.example/s> <https://x.example/set> \"1\"^^<xsd:integer> .\n<https://x.example/s> <https://x.example/set> \"1.0E-7\"^^<xsd:double> .\n<https://x.example/s> <https://x.example/set> \"1.0E21\"^^<xsd:double> .\n<https://x.example/s> <https://x.example/set> \"1.5E0\"^^<xsd:double> .\n<https://x.example/s> <https://x.example/set> \"true\"^^<xsd:boolean> .\n"},
		{"Indonesian, whose tag is a term", ``, `"id":"x:s","text":{"id":"a"}`, "<https://x.example/s> <https://x.example/text> \"a\"@id .\n"},
		{"an empty list", ``, `"id":"x:s","list":[]`, "<https://x.example/s> <https://x.example/list> <rdf:nil> .\n"},
		{"JSON in a list is one value", ``, `"id":"x:s","json":[2,{"b":1,"a":null}]`, "<https://x.example/s> <https://x.example/json> \"[2,{\\\"a\\\":null,\\\"b\\\":1}]\"^^<rdf:JSON> .\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.NewReplacer("<rdf:", "<"+rdfNS, "<xsd:", "<"+xsdNS).Replace(tt.quads)
			require.Equal(t, want, canonical(t, s, parse(t, `{"@context":["`+CredentialsV2+`",`+fmt.Sprintf(vocabulary, tt.settings)+`],`+tt.members+`}`)))
		})
	}
}

// Labels say where their objects stand, so that a statement leads back to what made it.
func TestLabels(t *testing.T) {
	text := `{"@context":["` + CredentialsV2 + `",` + fmt.Sprintf(vocabulary, "") + `],"plain":{"none":{}},"ref":"_:b1","list":[{}],"graph":{"plain":1}}`
	doc := parse(t, text)
	quads, err := Default().WithInline().Quads(doc)
	require.NoError(t, err)
	at := func(kind string, v strictjson.Value) string { return kind + strconv.Itoa(v.Offset()) }
	labels := map[string]bool{}
	for _, q := range quads {
		for _, term := range []rdf.Term{q.Subject, q.Object, q.Graph} {
			if term.Kind == rdf.Blank {
				labels[term.Value] = true
			}
		}
	}
	first := doc.Member("list").First()
	require.Equal(t, map[string]bool{
		at("b", doc): true, at("b", doc.Member("plain")): true, at("b", doc.Member("plain").Member("none")): true, "nb1": true,
		at("c", first): true, at("b", first): true, at("g", doc.Member("graph")): true, at("b", doc.Member("graph")): true,
	}, labels)
	require.Equal(t, `{"none":{}}`, text[doc.Member("plain").Offset():][:11])
}

func FuzzQuads(f *testing.F) {
	for _, typ := range record.Types() {
		text, _ := record.Example(typ)
		f.Add(text)
	}
	f.Add([]byte(`{"@context":["` + CredentialsV2 + `",` + fmt.Sprintf(vocabulary, `,"@direction":"rtl"`) + `],"plain":{"none":{}},"ref":"_:b1","list":[{}],"graph":{"plain":1},"text":{"en":["a"]},"double":1e-7}`))
	s := Default().WithInline()
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := strictjson.Parse(text, strictjson.Limits{})
		if err != nil {
			return
		}
		quads, err := s.Quads(doc.Root())
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.LessOrEqual(t, len(quads), 3*len(text)) // a list element takes two
		for _, q := range quads {
			_, err := rdf.AppendQuad(nil, q)
			require.NoError(t, err)
		}
	})
}
