package interop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A generator writes random credentials.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) credential() string {
	members := []string{
		`"@context":["https://www.w3.org/ns/credentials/v2",` + quoted(vocabularyURL) + g.inline() + `]`,
		`"type":` + g.pick(`["VerifiableCredential"]`, `["VerifiableCredential","Typed"]`, `["VerifiableCredential","Kept"]`),
		`"issuer":` + g.pick(`"did:example:issuer"`, `{"id":"did:example:issuer","again":"x"}`),
		`"credentialSubject":` + g.several(g.node, 3),
	}
	if g.IntN(3) == 0 {
		members = append(members, g.pick(`"id":"urn:uuid:1"`, `"validFrom":"2026-03-02T00:00:00Z"`, `"name":"n"`, `"evidence":{"type":"Typed","plain":"1"}`,
			`"name":{"@value":"n","@language":"en"}`, `"description":[{"@value":"a","@language":"fr-CH"},{"@value":"b","@language":"ar","@direction":"rtl"}]`))
	}
	if g.IntN(4) == 0 {
		members = append(members, `"plain":`+g.value(2))
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

// inline writes a context of the document's own, in half of them.
func (g generator) inline() string {
	if g.IntN(2) == 0 {
		return ""
	}
	return "," + g.pick(
		`{"@vocab":"https://vocab.example/#"}`, `{"@vocab":"https://vocab.example/#"},{"@vocab":null}`,
		`{"nowhere":"https://ex.example/#nowhere","inner":{"@id":"ex:inner","@type":"@id"}}`,
		`{"@language":"de"}`, `{"@language":"de"},{"@language":null}`,
		`{"plain":null}`, `{"plain":{"@id":"ex:plain","@language":null}}`, `{"word":{"@id":"ex:word2","@type":"@vocab","@container":"@set"}}`,
		`{"Typed":{"@id":"ex:Typed2","@context":{"plain":"ex:plain2","@language":"it"}}}`, `{"Typed":{"@id":"ex:Typed3","@context":null}}`,
		`{"list":{"@id":"ex:list2","@container":"@list","@type":"xsd:integer"}}`, `{"set":{"@id":"ex:set2","@reverse":"ex:back"}}`, `{"set":{"@reverse":"ex:back"}}`,
		`{"@protected":true,"typed":"ex:typed2","kept":{"@id":"ex:kept2","@type":"@json"}}`, `{"scoped":{"@id":"ex:scoped","@context":[{"@vocab":"https://vocab.example/scoped#"}]}}`,
		`{"graph":{"@id":"ex:graph2","@container":["@graph","@set"]}}`, `{"id":"@id","kind":"@type"}`, `{"@context":{"nowhere":"ex:nowhere"}}`, `{"ex":"https://other.example/#","inner":"ex:inner"}`,
		`{"language":{"@id":"ex:language2","@container":["@language","@set"],"@direction":"rtl"}}`, `{"name":"ex:redefined"}`, `{"english":{"@id":"ex:english","@context":{"@vocab":"urn:e:"},"@language":"EN-gb"}}`,
	)
}

// several writes one value, or an array of some.
func (g generator) several(one func(depth int) string, depth int) string {
	if g.IntN(3) > 0 {
		return one(depth)
	}
	var list []string
	for range 1 + g.IntN(3) {
		list = append(list, one(depth))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func (g generator) id() string {
	return g.pick("did:example:a", "did:example:b", "urn:uuid:2", "https://ex.example/x?y#z", "ex:compact", "https://ex.example/%C3%A9", "mailto:a@b.example", "_:blank")
}

func (g generator) node(depth int) string {
	var members []string
	if g.IntN(3) == 0 {
		members = append(members, `"id":`+quoted(g.id()))
	}
	if g.IntN(3) == 0 {
		members = append(members, `"type":`+g.pick(`"Typed"`, `"Kept"`, `["Typed","Kept"]`, `["Kept"]`, `"https://ex.example/Type"`, `"ex:Type"`))
	}
	if g.IntN(100) == 0 {
		members = append(members, `"nowhere":1`)
	}
	seen := map[string]bool{}
	for range 1 + g.IntN(4) {
		name := g.pick("plain", "again", "ref", "word", "date", "double", "integer", "boolean", "set", "list", "refs", "language", "english", "arabic", "json", "graph", "scoped", "plain")
		if g.IntN(30) == 0 {
			name = g.pick("typed", "kept", "inner", "ex:compact")
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		members = append(members, quoted(name)+":"+g.valueOf(name, depth-1))
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

// valueOf writes a value for a term: mostly one that fits.
func (g generator) valueOf(name string, depth int) string {
	if name != "double" && g.IntN(15) == 0 {
		return g.value(depth)
	}
	node := func() string {
		if depth <= 0 {
			return `{"id":` + quoted(g.id()) + `,"plain":"end"}`
		}
		return g.node(depth)
	}
	switch name {
	case "ref", "refs":
		return g.several(func(int) string {
			if g.IntN(3) == 0 {
				return node()
			}
			return quoted(g.id())
		}, depth)
	case "word":
		return g.several(func(int) string { return quoted(g.pick("Typed", "plain", "ex:other", "https://ex.example/w", g.id())) }, depth)
	case "date":
		return g.several(func(int) string { return quoted(g.pick("2026-03-02T00:00:00Z", "not a date", "")) }, depth)
	case "double":
		return g.several(func(int) string { return g.number() }, depth)
	case "integer", "boolean":
		return g.several(func(int) string { return g.scalar() }, depth)
	case "language":
		return g.pick(`{"en":"a"}`, `{"en":["a","b"],"de":"c"}`, `{"fr-CH":"d","EN":"e"}`, `{"@none":"f","en":"g"}`, `{"x-private":"é"}`)
	case "english", "arabic":
		return g.several(func(int) string { return g.text() }, depth)
	case "json":
		return value(g.Rand, 3)
	case "graph", "scoped":
		return g.several(func(int) string { return node() }, depth)
	}
	return g.value(depth)
}

func (g generator) value(depth int) string {
	return g.several(func(int) string {
		switch k := g.IntN(10); {
		case k < 3 && depth > 0:
			return g.node(depth - 1)
		case k == 3:
			return g.pick(`{"@value":"right","@language":"ar","@direction":"rtl"}`, `{"@value":"left","@direction":"ltr"}`, `{"@value":"text","@type":"xsd:string"}`,
				fmt.Sprintf(`{"@value":%s%s}`, g.text(), g.pick("", `,"@language":"de"`, `,"@type":"ex:datatype"`)))
		case k == 4:
			return g.pick(`{"@value":`+g.number()+`,"@type":"xsd:double"}`,
				fmt.Sprintf(`{"@value":%s%s}`, g.scalar(), g.pick("", `,"@type":"xsd:integer"`, `,"@type":"ex:datatype"`)))
		case k == 5:
			return g.scalar()
		}
		return g.text()
	}, depth)
}

func (g generator) text() string {
	return g.pick(`"a"`, `"b"`, `""`, `"300"`, `"é \u2028 \ud83d\ude81"`, `"quote\" back\\slash \n\t\r\u0000\u007f"`, `"https://ex.example/x"`, `"Typed"`)
}

func (g generator) number() string {
	return g.pick("0", "-0", "1", "-17", "1.0", "0.5", "1.5e3", "1e21", "123456789012", "9007199254740991", "0.1", "1.5e-7", "3.141592653589793")
}

func (g generator) scalar() string {
	return g.pick("true", "false", "null", `"2"`, `"x"`, g.number(), g.number())
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}
