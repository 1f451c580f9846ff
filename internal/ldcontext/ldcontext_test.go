package ldcontext

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc/record"
)

func parse(t require.TestingT, text string) strictjson.Value {
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	require.NoError(t, err, text)
	return doc.Root()
}

// The digests of the two W3C contexts are those that VCDM 2.0 §B.1 and VC Data Integrity §2.4.1 publish.
func TestContextsAreThePublishedBytes(t *testing.T) {
	sources, err := os.ReadFile("context/SOURCES.md")
	require.NoError(t, err)
	for _, e := range embedded {
		sum := sha256.Sum256([]byte(e.document))
		require.Equal(t, e.sha256, hex.EncodeToString(sum[:]), e.url)
		require.Contains(t, string(sources), e.url)
		if e.url != HourmeterV1 {
			require.Contains(t, string(sources), e.sha256, e.url)
			name := strings.ReplaceAll(strings.TrimPrefix(e.url, "https://"), "/", "_") + ".json"
			copied, err := os.ReadFile(shared.Path(t, "vectors", "contexts", name))
			require.NoError(t, err)
			require.Equal(t, string(copied), e.document, e.url)
		}
	}
}

func TestEveryScopeOfEveryContextIsValid(t *testing.T) {
	s := walk{Set: Default()}
	w3c, err := s.named(s.empty, CredentialsV2)
	require.NoError(t, err)
	for _, e := range embedded {
		require.True(t, s.Known(e.url))
		_, err := s.named(w3c, e.url)
		require.NoError(t, err, e.url)
		require.NoError(t, s.validateScopes(w3c, s.contexts[e.url]), e.url)
	}

	// Any two of W3C's and our types can be those of one object: no scoped context contradicts another.
	ours, err := s.named(w3c, HourmeterV1)
	require.NoError(t, err)
	for _, first := range scopedTypes(Default()) {
		a, err := s.scoped(ours, ours.lookup(first), true)
		require.NoError(t, err, first)
		for _, second := range scopedTypes(Default()) {
			if second <= first {
				continue // they come into force in the order of their names
			}
			_, err := s.scoped(a, ours.lookup(second), true)
			require.NoError(t, err, "%s and %s", first, second)
		}
	}
}

func scopedTypes(s *Set) (names []string) {
	for _, url := range []string{CredentialsV2, HourmeterV1} {
		for def := range s.contexts[url].All() {
			if def.Member("@context").Exists() && def.Name()[0] >= 'A' && def.Name()[0] <= 'Z' {
				names = append(names, def.Name())
			}
		}
	}
	return names
}

// VOCABULARY: no @vocab, terms protected, and IRIs of others wherever others have them.
func TestOurContextMintsOnlyInOurNamespace(t *testing.T) {
	namespaces := []string{
		HourmeterV1 + "#", "https://ref.gs1.org/epcis/", "https://ref.gs1.org/cbv/", "https://schema.org/",
		"http://purl.org/dc/terms/", "https://w3id.org/security#",
		"https://test.uncefact.org/vocabulary/untp/core/0/", "https://test.uncefact.org/vocabulary/untp/dcc/0/",
	}
	var walk func(context strictjson.Value, path string)
	walk = func(context strictjson.Value, path string) {
		require.Equal(t, strictjson.True, context.Member("@protected").Kind(), "%s is not protected", path)
		for def := range context.All() {
			name := path + "/" + def.Name()
			require.NotContains(t, []string{"@vocab", "@base", "@import", "@language"}, def.Name(), path)
			if def.Name()[0] == '@' {
				continue
			}
			id := def
			if def.Kind() == strictjson.Object {
				id = def.Member("@id")
				if p := def.Member("@protected"); p.Exists() {
					// UNTP's context may define its type again; W3C's type-scoped context means another "evidence".
					require.Contains(t, []string{"/DigitalConformityCredential", "/MachineReputationCredential/evidence"}, name)
				}
				if scope := def.Member("@context"); scope.Exists() {
					walk(scope, name)
				}
			}
			if id.Text() == "@id" || id.Text() == "@type" {
				continue
			}
			known := false
			for _, ns := range namespaces {
				known = known || strings.HasPrefix(id.Text(), ns) && len(id.Text()) > len(ns)
			}
			require.True(t, known, "%s means %s", name, id.Text())
		}
	}
	walk(Default().contexts[HourmeterV1], "")
}

func TestExamplesAreDefined(t *testing.T) {
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		example, ok := record.Example(typ)
		require.True(t, ok, typ)
		require.NoError(t, Default().Check(parse(t, string(example))), typ)
	}
}

// An undefined member, wherever it is put, is refused, and the message says where it is.
func TestAnUndefinedMemberAnywhereIsNamed(t *testing.T) {
	var texts []string
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		example, _ := record.Example(typ)
		texts = append(texts, string(example))
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(texts).Draw(t, "credential")
		braces := strings.Count(text, "{")
		n := rapid.IntRange(0, braces-1).Draw(t, "object")
		name := rapid.StringMatching(`[a-z]{3,6}(Of|At|By)[A-Z][a-z]{1,5}`).Draw(t, "name")
		at := 0
		for ; n >= 0; n-- {
			at += strings.IndexByte(text[at:], '{') + 1
		}
		err := Default().Check(parse(t, text[:at]+fmt.Sprintf("%q: 1, ", name)+text[at:]))
		var e *TermError
		require.ErrorAs(t, err, &e)
		require.Equal(t, name, e.Term)
		require.True(t, strings.HasSuffix(e.Pointer, "/"+name), e.Pointer)
		require.Contains(t, err.Error(), e.Pointer)
	})
}

const (
	head    = `{"@context":["https://www.w3.org/ns/credentials/v2","https://w3id.org/hourmeter/v1"],"type":["VerifiableCredential","UptimeCredential"],"issuer":"did:x:y",`
	foreign = `{"@context":["https://www.w3.org/ns/credentials/v2","https://ctx.example/v1"],"type":"VerifiableCredential","issuer":"did:x:y",`
	loose   = `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],"type":"VerifiableCredential","issuer":"did:x:y",`

	// What the tests below suppose, beside credentials/v2.
	example = `{"@context":{
		"@version":1.1,
		"ex":"https://ex.example/",
		"notAPrefix":"https://ex.example/noPrefix",
		"declared":{"@id":"https://ex.example/declared","@prefix":true},
		"nothing":null,
		"plain":"ex:plain",
		"other":{"@id":"ex:other","@type":"@id"},
		"data":{"@id":"ex:data","@type":"@json"},
		"title":{"@id":"ex:title","@container":"@language"},
		"list":{"@id":"ex:list","@container":"@list"},
		"inner":{"@id":"ex:inner","@context":{"word":"ex:word","issuer":"ex:notW3Cs"}},
		"shallow":{"@id":"ex:shallow","@context":{"@propagate":false,"near":"ex:near"}},
		"clean":{"@id":"ex:clean","@context":[null,{"id":"@id","only":"https://ex.example/only"}]},
		"any":{"@id":"ex:any","@context":{"@vocab":"https://ex.example/any#"}},
		"none":{"@id":"ex:none","@context":{"plain":null}},
		"Thing":{"@id":"ex:Thing","@context":{"part":"ex:part"}},
		"Deep":{"@id":"ex:Deep","@context":{"@propagate":true,"deep":"ex:deep"}},
		"Alpha":{"@id":"ex:Alpha","@context":{"same":"ex:alpha"}},
		"Beta":{"@id":"ex:Beta","@context":{"same":null}},
		"Early":{"@id":"ex:Early","@context":{"issuer":"ex:clash"}},
		"Zeta":{"@id":"ex:Zeta","@context":{"issuer":"ex:clash"}}
	}}`
)

func withExample(t require.TestingT) *Set {
	s, err := Default().With("https://ctx.example/v1", []byte(example))
	require.NoError(t, err)
	return s
}

func TestDefined(t *testing.T) {
	s := withExample(t)
	for _, tt := range []struct{ name, doc string }{
		{"a term of credentials/v2 in an object", foreign + `"credentialSubject":{"id":"did:x:z","name":"Z","description":"d"}}`},
		{"a term of a second context", foreign + `"credentialSubject":{"plain":"x","other":{"id":"did:x:z"}}}`},
		{"an absolute IRI as a type", foreign + `"credentialSubject":{"type":"https://ex.example/T"}}`},
		{"a urn as a type", foreign + `"credentialSubject":{"type":"urn:ex:T"}}`},
		{"a compact IRI as a type", foreign + `"credentialSubject":{"plain":{"type":"ex:T"}}}`},
		{"a compact IRI with a declared prefix as a type", foreign + `"credentialSubject":{"type":"declared:x"}}`},
		{"data of a @json term", foreign + `"credentialSubject":{"data":{"whatever":{"@id":5,"@context":{}}}}}`},
		{"a language map", foreign + `"credentialSubject":{"title":{"en":"a","de":["b",null]}}}`},
		{"objects where a language map could be", foreign + `"credentialSubject":{"title":[{"name":"a"},"b"]}}`},
		{"a list", foreign + `"credentialSubject":{"list":[{"name":"a"},"b"]}}`},
		{"a term of a property's context", foreign + `"credentialSubject":{"inner":{"word":1}}}`},
		{"a term of a property's context, further down", foreign + `"credentialSubject":{"inner":{"plain":{"plain":{"word":1}}}}}`},
		{"a protected term in a property's context", foreign + `"credentialSubject":{"inner":{"issuer":"x"}}}`},
		{"a term of a property's context that does not propagate", foreign + `"credentialSubject":{"shallow":{"near":1,"plain":{"plain":1}}}}`},
		{"a cleared context", foreign + `"credentialSubject":{"clean":{"id":"did:x:z","only":1}}}`},
		{"any word under a property's @vocab", foreign + `"credentialSubject":{"any":{"matter":{"type":"Whatever"}}}}`},
		{"a term of a type's context", foreign + `"credentialSubject":{"type":"Thing","part":1}}`},
		{"a term of a type's context that propagates", foreign + `"credentialSubject":{"type":["Deep"],"plain":{"deep":{"deep":1}}}}`},
		{"the later of two types by name wins, in whatever order", foreign + `"credentialSubject":{"type":["Thing","Alpha"],"same":1,"part":1}}`},
		{"text with its language", foreign + `"name":{"@value":"x","@language":"en","@direction":"ltr"}}`},
		{"text with a datatype", foreign + `"credentialSubject":{"plain":{"@value":"x","@type":"ex:T"}}}`},
		{"JSON as a value", foreign + `"credentialSubject":{"plain":{"@value":{"x":[1]},"@type":"@json"}}}`},
		{"any word under @vocab", loose + `"credentialSubject":{"degree":{"type":"BachelorDegree","gpa":"1"}}}`},
		{"a proof", head + `"proof":[{"type":"DataIntegrityProof","created":"x","proofPurpose":"assertionMethod","proofValue":"z"}]}`},
		{"the context of Data Integrity beside W3C's", `{"@context":["https://www.w3.org/ns/credentials/v2","https://w3id.org/security/data-integrity/v2"],"type":"VerifiableCredential","proof":{"type":"DataIntegrityProof","nonce":"x"}}`},
		{"a presentation, whose credentials are not entered", `{"@context":"https://www.w3.org/ns/credentials/v2","type":"VerifiablePresentation","verifiableCredential":[{"undefined":1}]}`},
		{"the chain's link", head + `"record":{"sequence":0,"entry":"commission","totals":{"entries":1,"open":0,"overdue":0,"adverse":0}}}`},
		{"a type whose context comes before the one that protects", `{"@context":["https://www.w3.org/ns/credentials/v2","https://ctx.example/v1"],"type":["VerifiableCredential","Early"],"issuer":{"id":"did:x:y"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) { require.NoError(t, s.Check(parse(t, tt.doc))) })
	}
}

func TestRefused(t *testing.T) {
	s := withExample(t)
	for _, tt := range []struct{ name, doc, pointer, term, reason string }{
		{"not an object", `[]`, "", "", "an array"},
		{"no context", `{"type":"VerifiableCredential"}`, "", "@context", "missing"},
		{"an unknown context", `{"@context":["https://www.w3.org/ns/credentials/v2","https://evil.example/v1"]}`, "/@context/1", "https://evil.example/v1", "not known"},
		{"a context written into the document", `{"@context":["https://www.w3.org/ns/credentials/v2",{"x":"https://x.example/"}]}`, "/@context/1", "@context", "publish it"},
		{"a number for a context", `{"@context":["https://www.w3.org/ns/credentials/v2",5]}`, "/@context/1", "@context", "a number"},
		{"a null context", `{"@context":["https://www.w3.org/ns/credentials/v2",null]}`, "/@context/1", "@context", "protected"},
		{"contexts without end", `{"@context":["https://www.w3.org/ns/credentials/v2"` + strings.Repeat(`,"https://www.w3.org/ns/credentials/v2"`, maxNames) + `]}`, fmt.Sprintf("/@context/%d", maxNames), "@context", "too many"},
		{"an undefined member", head + `"colour":"red"}`, "/colour", "colour", "not defined"},
		{"an undefined member in the subject", head + `"credentialSubject":{"colour":"red"}}`, "/credentialSubject/colour", "colour", "not defined"},
		{"an undefined member deep in a list", head + `"credentialSubject":[{"name":"a"},{"availability":{"bootCount":{"third":1}}}]}`, "/credentialSubject/1/availability/bootCount/third", "third", "not defined"},
		{"an undefined type", foreign + `"credentialSubject":{"type":["Thing","Nothing"]}}`, "/credentialSubject/type/1", "Nothing", "not defined"},
		{"another case of a defined member", head + `"Issuer":"did:x:z"}`, "/Issuer", "Issuer", "not defined"},
		{"another case of a defined member, under @vocab", loose + `"Issuer":"did:x:z"}`, "/Issuer", "Issuer", "only by case"},
		{"a long s in a defined member, under @vocab", loose + `"iſſuer":"did:x:z"}`, "/iſſuer", "iſſuer", "only by case"},
		{"another case of a defined type, under @vocab", loose + `"credentialSubject":{"type":"verifiablecredential"}}`, "/credentialSubject/type", "verifiablecredential", "only by case"},
		{"a term mapped to null", foreign + `"credentialSubject":{"nothing":1}}`, "/credentialSubject/nothing", "nothing", "null"},
		{"a term that a property's context maps to null", foreign + `"credentialSubject":{"none":{"plain":1}}}`, "/credentialSubject/none/plain", "plain", "null"},
		{"a compact IRI without its prefix", foreign + `"credentialSubject":{"schema:name":1}}`, "/credentialSubject/schema:name", "schema:name", "prefix"},
		{"a compact IRI with a term that is no prefix", foreign + `"credentialSubject":{"notAPrefix:name":1}}`, "/credentialSubject/notAPrefix:name", "notAPrefix:name", "prefix"},
		{"an IRI with a space", foreign + `"credentialSubject":{"type":"https ://ex.example/T"}}`, "/credentialSubject/type", "https ://ex.example/T", "absolute IRI"},
		{"a blank node as a type", foreign + `"credentialSubject":{"type":"_:b0"}}`, "/credentialSubject/type", "_:b0", "absolute IRI"},
		{"a type that is a number", foreign + `"credentialSubject":{"type":["Thing",2]}}`, "/credentialSubject/type/1", "type", "must be a string"},
		{"a type that is an object", foreign + `"credentialSubject":{"type":{}}}`, "/credentialSubject/type", "type", "must be a string"},
		{"a keyword as a type", foreign + `"credentialSubject":{"type":"@json"}}`, "/credentialSubject/type", "@json", "keyword"},
		{"id as a type", foreign + `"credentialSubject":{"type":"id"}}`, "/credentialSubject/type", "id", "not a type"},
		{"types without end", foreign + `"credentialSubject":{"type":["Thing"` + strings.Repeat(`,"Thing"`, maxTypes) + `]}}`, fmt.Sprintf("/credentialSubject/type/%d", maxTypes), "type", "too many"},
		{"@type, which a reader of type would miss", foreign + `"credentialSubject":{"@type":"Thing"}}`, "/credentialSubject/@type", "@type", `"type"`},
		{"@id, which a reader of id would miss", foreign + `"credentialSubject":{"@id":"did:x:z"}}`, "/credentialSubject/@id", "@id", `"id"`},
		{"an id that is a list", foreign + `"credentialSubject":{"id":["did:x:z"]}}`, "/credentialSubject/id", "id", "must be a string"},
		{"@graph", foreign + `"@graph":[{"name":"x"}]}`, "/@graph", "@graph", "keyword"},
		{"@included", foreign + `"@included":{"name":"x"}}`, "/@included", "@included", "keyword"},
		{"@nest", foreign + `"@nest":{"name":"x"}}`, "/@nest", "@nest", "keyword"},
		{"@reverse", foreign + `"@reverse":{"name":"x"}}`, "/@reverse", "@reverse", "keyword"},
		{"a keyword that does not exist", foreign + `"@whatever":1}`, "/@whatever", "@whatever", "keyword"},
		{"a list object", foreign + `"credentialSubject":{"plain":{"@list":[{"name":"a"}]}}}`, "/credentialSubject/plain/@list", "@list", "keyword"},
		{"a set object, in which a reader would miss the subject", foreign + `"credentialSubject":{"@set":[{"id":"did:x:z"}]}}`, "/credentialSubject/@set", "@set", "keyword"},
		{"an index", foreign + `"credentialSubject":{"plain":{"@index":"a"}}}`, "/credentialSubject/plain/@index", "@index", "keyword"},
		{"an IRI as a member", foreign + `"credentialSubject":{"https://ex.example/anything":1}}`, "/credentialSubject/https:~1~1ex.example~1anything", "https://ex.example/anything", "where a term belongs"},
		{"a compact IRI as a member", foreign + `"credentialSubject":{"ex:anything":1}}`, "/credentialSubject/ex:anything", "ex:anything", "where a term belongs"},
		{"a compact IRI with a declared prefix as a member", foreign + `"credentialSubject":{"declared:x":1}}`, "/credentialSubject/declared:x", "declared:x", "where a term belongs"},
		{"a second issuer that only a JSON-LD processor sees", head + `"https://www.w3.org/2018/credentials#issuer":"did:x:z"}`, "/https:~1~1www.w3.org~12018~1credentials#issuer", "https://www.w3.org/2018/credentials#issuer", "short name"},
		{"one of our types written out", head + `"credentialSubject":{"type":"https://w3id.org/hourmeter/v1#IncidentCredential"}}`, "/credentialSubject/type", "https://w3id.org/hourmeter/v1#IncidentCredential", "short name"},
		{"a context inside the document", foreign + `"credentialSubject":{"id":"did:x:z","plain":{"@context":"https://ctx.example/v1","plain":1}}}`, "/credentialSubject/plain/@context", "@context", "inside the document"},
		{"a term of a property's context, above it", foreign + `"credentialSubject":{"inner":{},"word":1}}`, "/credentialSubject/word", "word", "not defined"},
		{"a term of a property's context that does not propagate, further down", foreign + `"credentialSubject":{"shallow":{"plain":{"near":1}}}}`, "/credentialSubject/shallow/plain/near", "near", "not defined"},
		{"a term of before, in a cleared context", foreign + `"credentialSubject":{"clean":{"plain":1}}}`, "/credentialSubject/clean/plain", "plain", "not defined"},
		{"a term of a type's context, in another object", foreign + `"credentialSubject":{"type":"Thing","plain":{"part":1}}}`, "/credentialSubject/plain/part", "part", "not defined"},
		{"a term of W3C's type-scoped context, in the subject", head + `"credentialSubject":{"validFrom":"x"}}`, "/credentialSubject/validFrom", "validFrom", "not defined"},
		{"a term that the later of two types takes away", foreign + `"credentialSubject":{"type":["Beta","Alpha"],"same":1}}`, "/credentialSubject/same", "same", "null"},
		{"a type whose context redefines a protected term", `{"@context":["https://www.w3.org/ns/credentials/v2","https://ctx.example/v1"],"type":["Zeta","VerifiableCredential"],"issuer":"x"}`, "/type", "Zeta", "protects"},
		{"text with something beside it", foreign + `"name":{"@value":"x","@language":"en","url":"https://x.example/"}}`, "/name/url", "url", "beside @value"},
		{"text with a language and a datatype", foreign + `"name":{"@value":"x","@language":"en","@type":"ex:T"}}`, "/name", "@type", "beside"},
		{"an object for text", foreign + `"name":{"@value":{"x":1}}}`, "/name/@value", "@value", "must be a string"},
		{"a direction that is none", foreign + `"name":{"@value":"x","@direction":"up"}}`, "/name/@direction", "@direction", "cannot have"},
		{"an undefined datatype", foreign + `"credentialSubject":{"plain":{"@value":"x","@type":"nope"}}}`, "/credentialSubject/plain/@type", "@type", "cannot have"},
		{"an object in a language map", foreign + `"credentialSubject":{"title":{"en":{"name":"x"}}}}`, "/credentialSubject/title/en", "en", "text"},
		{"an undefined member of an object where a language map could be", foreign + `"credentialSubject":{"title":[{"en":"a"}]}}`, "/credentialSubject/title/0/en", "en", "not defined"},
		{"our type under @vocab", `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],"type":["VerifiableCredential","UptimeCredential"]}`, "/type/1", "UptimeCredential", "list that context"},
		{"our link under @vocab", loose + `"record":{"sequence":0}}`, "/record", "record", "list that context"},
		{"our claim under @vocab", loose + `"credentialSubject":{"availability":{"upSeconds":1}}}`, "/credentialSubject/availability", "availability", "list that context"},
		{"a member of a claim in a claim of another type", head + `"credentialSubject":{"maintenance":{}}}`, "/credentialSubject/maintenance", "maintenance", "not defined"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := s.Check(parse(t, tt.doc))
			var e *TermError
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.pointer, e.Pointer)
			require.Equal(t, tt.term, e.Term)
			require.ErrorContains(t, e, tt.reason)
		})
	}
}

// No reader of ours may take another vocabulary's word for one of Hourmeter's.
func TestLookAlikes(t *testing.T) {
	const url = "https://ctx.example/alike"
	s, err := Default().With(url, []byte(`{"@context":{
		"UptimeCredential":"https://ctx.example/Uptime",
		"record":"https://ctx.example/record",
		"incident":"https://ctx.example/incident",
		"DigitalConformityCredential":"https://ctx.example/DCC",
		"MaintenanceCredential":"https://w3id.org/hourmeter/v1#MaintenanceCredential"
	}}`))
	require.NoError(t, err)
	const doc = `{"@context":["https://www.w3.org/ns/credentials/v2","` + url + `"],"type":["VerifiableCredential"%s],"credentialSubject":{"id":"did:x:y"%s}%s}`
	for _, tt := range []struct{ typ, member, top, refused string }{
		{`,"UptimeCredential"`, ``, ``, "UptimeCredential"},
		{``, ``, `,"record":{}`, "record"},
		{``, `,"record":{}`, ``, "record"},
		{``, `,"incident":{}`, ``, ""},                 // a common word, and nobody reads it without our type
		{`,"DigitalConformityCredential"`, ``, ``, ""}, // UNTP's, not ours
		{`,"MaintenanceCredential"`, ``, ``, ""},       // ours indeed
	} {
		err := s.Check(parse(t, fmt.Sprintf(doc, tt.typ, tt.member, tt.top)))
		if tt.refused == "" {
			require.NoError(t, err)
			continue
		}
		var e *TermError
		require.ErrorAs(t, err, &e)
		require.Equal(t, tt.refused, e.Term)
		require.ErrorContains(t, e, HourmeterV1)
	}

	// Ours after theirs is fine if theirs may be redefined, and refused if it may not.
	both := `{"@context":["https://www.w3.org/ns/credentials/v2","` + url + `","` + HourmeterV1 + `"],"type":["VerifiableCredential","UptimeCredential"]}`
	require.NoError(t, s.Check(parse(t, both)))
	other := `{"@context":["https://www.w3.org/ns/credentials/v2","` + HourmeterV1 + `","` + url + `"],"type":["VerifiableCredential"]}`
	require.ErrorContains(t, s.Check(parse(t, other)), "protects")
}

func TestContextsThatAreRefused(t *testing.T) {
	deep := `{"x":"https://x.example/"}`
	for range 32 {
		deep = `{"x":{"@id":"https://x.example/","@context":` + deep + `}}`
	}
	for _, tt := range []struct{ name, context, reason string }{
		{"not JSON", `{`, "ends before"},
		{"a list of terms", `["x"]`, "not known"},
		{"a number", `5`, "a number"},
		{"@import", `{"@import":"https://x.example/"}`, "@import"},
		{"another context by its URL", `["https://x.example/v1"]`, "not known"},
		{"another context by its URL, in a term", `{"x":{"@id":"https://x.example/","@context":"https://x.example/v1"}}`, "not known"},
		{"JSON-LD 1.0", `{"@version":1.0}`, "@version"},
		{"a term of credentials/v2 with another meaning", `{"name":"https://x.example/name"}`, "protects"},
		{"a type of credentials/v2 with another context", `{"VerifiableCredential":{"@id":"https://www.w3.org/2018/credentials#VerifiableCredential"}}`, "protects"},
		{"another @id alias", `{"id":"https://x.example/id"}`, "protects"},
		{"null", `null`, "null"},
		{"a word without an IRI", `{"x":"y"}`, "absolute IRI"},
		{"a term without an IRI", `{"x":{}}`, "no @id"},
		{"an IRI with a space", `{"x":"https ://x.example"}`, "absolute IRI"},
		{"a term defined by itself", `{"x":"x:y","y":"https://x.example/"}`, "itself"},
		{"terms defined by each other", `{"x":"y:a","y":"x:b"}`, "itself"},
		{"a term that is a keyword", `{"@id":"https://x.example/"}`, "keyword"},
		{"an empty term", `{"":"https://x.example/"}`, "without a name"},
		{"a term that is a number", `{"x":5}`, "a number"},
		{"an @id that is a number", `{"x":{"@id":5}}`, "a number"},
		{"an alias of @value", `{"x":"@value"}`, "absolute IRI"},
		{"@nest", `{"x":{"@id":"https://x.example/","@nest":"@nest"}}`, "@nest"},
		{"a map by @index", `{"x":{"@id":"https://x.example/","@container":"@index"}}`, "@index"},
		{"a map by @id", `{"x":{"@id":"https://x.example/","@container":["@graph","@id"]}}`, "@id"},
		{"a map by @type", `{"x":{"@id":"https://x.example/","@container":"@type"}}`, "@type"},
		{"a datatype that is no IRI", `{"x":{"@id":"https://x.example/","@type":"number"}}`, "@type"},
		{"an IRI that means another", `{"https://x.example/a":"https://x.example/b"}`, "IRI that it is"},
		{"a prefix that cannot be one", `{"a/b":{"@id":"https://x.example/","@prefix":true}}`, "IRI"},
		{"an alias as a prefix", `{"x":{"@id":"@type","@prefix":true}}`, "@prefix"},
		{"@type with another meaning", `{"@type":{"@id":"https://x.example/"}}`, "@type"},
		{"@vocab that is no IRI", `{"@vocab":"x"}`, "@vocab"},
		{"@protected that is no boolean", `{"@protected":"yes"}`, "@protected"},
		{"@propagate that is no boolean", `{"@propagate":1}`, "@propagate"},
		{"@propagate in a list", `{"x":{"@id":"https://x.example/","@context":[{"@propagate":false}]}}`, "@propagate"},
		{"@language that is a number", `{"@language":1}`, "@language"},
		{"@reverse with @id", `{"x":{"@id":"https://x.example/","@reverse":"https://x.example/"}}`, "@reverse"},
		{"an unknown keyword", `{"x":{"@id":"https://x.example/","@fancy":1}}`, "@fancy"},
		{"a bad context within a good one", `{"x":{"@id":"https://x.example/","@context":{"y":5}}}`, `of term "x"`},
		{"contexts in contexts without end", deep, "nested more than"},
		{"too large", `{"x":"https://x.example/` + strings.Repeat("x", MaxContextBytes) + `"}`, "bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Default().With("https://x.example/v9", []byte(`{"@context":`+tt.context+`}`))
			require.ErrorContains(t, err, tt.reason)
		})
	}

	_, err := Default().With("v9", []byte(`{"@context":{}}`))
	require.ErrorContains(t, err, "absolute URL")
	_, err = Default().With("https://x.example/v9", []byte(`{}`))
	require.ErrorContains(t, err, "no member @context")
	_, err = Default().With(CredentialsV2, []byte(`{"@context":{}}`))
	require.ErrorContains(t, err, "other content")
	same, err := Default().With(CredentialsV2, []byte(credentialsV2))
	require.NoError(t, err)
	require.Same(t, Default(), same)
}

// VCDM 2.0 §4.3 lets a document carry contexts of its own; a set takes them only if it is told to.
func TestInlineContexts(t *testing.T) {
	s := Default().WithInline()
	require.Same(t, s, s.WithInline())
	const doc = `{"@context":["https://www.w3.org/ns/credentials/v2",%s],"type":["VerifiableCredential","Machine"],"issuer":"did:x:y","credentialSubject":{"id":"did:x:y","hours":5}}`
	const machine = `{"Machine":"https://x.example/#Machine","hours":"https://x.example/#hours"}`
	require.NoError(t, s.Check(parse(t, fmt.Sprintf(doc, machine))))
	require.NoError(t, s.Check(parse(t, fmt.Sprintf(doc, `{"Machine":"https://x.example/#Machine"},{"x":"https://x.example/#","hours":{"@id":"x:hours"}}`))))
	require.NoError(t, s.Check(parse(t, fmt.Sprintf(doc, `{"@context":`+machine+`}`))))
	require.ErrorContains(t, Default().Check(parse(t, fmt.Sprintf(doc, machine))), "written into the document")

	for _, tt := range []struct{ name, context, reason string }{
		{"an undefined type", `{"hours":"https://x.example/#hours"}`, "not defined"},
		{"a protected term of credentials/v2", `{"VerifiableCredential":"https://x.example/"}`, "protects"},
		{"a term of its own that it protects", `{"@protected":true,"Machine":"https://x.example/"},{"Machine":"https://y.example/"}`, "protects"},
		{"null", `null`, "null"},
		{"null within", machine + `,{"x":{"@id":"https://x.example/","@context":[null,"https://x.example/"]}}`, "not known"},
		{"another context by its URL, in a term", machine + `,{"x":{"@id":"https://x.example/","@context":"https://x.example/v1"}}`, "not known"},
		{"@import", `{"@import":"https://www.w3.org/ns/credentials/v2"}`, "@import"},
		{"a relative @base", machine + `,{"@base":"machines/"}`, "@base"},
		{"an absolute @base", machine + `,{"@base":"https://x.example/"}`, "@base"},
		{"@propagate", machine + `,{"@propagate":false}`, "@propagate"},
		{"a context in a context in a context", `{"@context":{"@context":` + machine + `}}`, "keyword"},
		{"a list of contexts in a context", `{"@context":[` + machine + `]}`, "keyword"},
		{"a list of contexts in the list", `[` + machine + `]`, "an array"},
		{"an IRI with a space", `{"Machine":"https ://x.example"}`, "absolute IRI"},
		{"@vocab null", `{"@vocab":null}`, "not defined"},
		{"a bad scope that nothing uses", machine + `,{"x":{"@id":"https://x.example/","@context":{"y":5}}}`, "a number"},
		{"too large", `{"x":"https://x.example/` + strings.Repeat("x", maxInline) + `"}`, "bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.ErrorContains(t, s.Check(parse(t, fmt.Sprintf(doc, tt.context))), tt.reason)
		})
	}

	for _, tt := range []struct{ name, context, member, reason string }{
		{"another name of id", `{"Machine":"x:y","hours":"x:z","self":"@id"}`, `"self":"did:x:z"`, "another name"},
		{"another name of id, by way of it", `{"Machine":"x:y","hours":"x:z","self":"id"}`, `"self":"did:x:z"`, "another name"},
		{"another name of type", `{"Machine":"x:y","hours":"x:z","a":"@type"}`, `"a":"Machine"`, "another name"},
		{"our type with another meaning", `{"Machine":"x:y","hours":"x:z","UptimeCredential":"https://x.example/"}`, `"type":"UptimeCredential"`, "list that context"},
		{"a context below the root", `{"Machine":"x:y","hours":"x:z"}`, `"@context":{}`, "inside the document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(fmt.Sprintf(doc, tt.context), `"hours":5`, `"hours":{`+tt.member+`}`, 1)
			require.ErrorContains(t, s.Check(parse(t, text)), tt.reason)
		})
	}

	// A document with contexts of its own leaves no trace: the next one starts from what is known.
	require.ErrorContains(t, s.Check(parse(t, fmt.Sprintf(doc, `{"Machine":"https://x.example/#Machine"}`))), `"hours"`)
	// Hostile ones cannot make a check long, either.
	loop := `{"Machine":"x:y","hours":{"@id":"x:z","@context":{"hours":{"@id":"x:z"}}},"other":{"@id":"x:o","@context":{"a":"x:a"}}}`
	deep := strings.Repeat(`{"hours":`, 50) + "1" + strings.Repeat("}", 50)
	require.NoError(t, s.Check(parse(t, strings.Replace(fmt.Sprintf(doc, loop), `"hours":5`, `"hours":`+deep, 1))))
}

// Credentials of VCDM 1.1 list its context, on which contexts of that time fit.
func TestContextsOfTheTimeBefore(t *testing.T) {
	_, err := Default().With("https://x.example/v9", []byte(`{"@context":{"name":"https://x.example/name"}}`))
	require.ErrorContains(t, err, "protects")
	s, err := Default().With(CredentialsV1, []byte(`{"@context":{"@protected":true,"id":"@id","type":"@type",
		"VerifiableCredential":{"@id":"https://www.w3.org/2018/credentials#VerifiableCredential","@context":{"@protected":true,"id":"@id","type":"@type"}}}}`))
	require.NoError(t, err)
	s, err = s.With("https://x.example/v9", []byte(`{"@context":{"name":"https://x.example/name"}}`))
	require.NoError(t, err)
	require.NoError(t, s.Check(parse(t, `{"@context":["`+CredentialsV1+`","https://x.example/v9"],"type":"VerifiableCredential","name":"x"}`)))
	require.ErrorContains(t, s.Check(parse(t, `{"@context":["`+CredentialsV2+`","https://x.example/v9"],"type":"VerifiableCredential","name":"x"}`)), "protects")
	_, err = s.With("https://x.example/v10", []byte(`{"@context":{"VerifiableCredential":"https://x.example/"}}`))
	require.ErrorContains(t, err, "protects")
}

func TestDocumentIsTheTextThatWasGiven(t *testing.T) {
	text, ok := Default().Document(CredentialsV2)
	require.True(t, ok)
	require.Equal(t, credentialsV2, text)
	text, ok = withExample(t).Document("https://ctx.example/v1")
	require.True(t, ok)
	require.Equal(t, example, text)
	_, ok = Default().Document("https://ctx.example/v1")
	require.False(t, ok)
}

func TestWithLeavesTheSetAlone(t *testing.T) {
	s := withExample(t)
	require.True(t, s.Known("https://ctx.example/v1"))
	require.False(t, Default().Known("https://ctx.example/v1"))
}

// Credentials that the W3C's suite calls valid pass, unless they bring a context of their own making.
func TestW3CInputs(t *testing.T) {
	folder := shared.Path(t, "vectors", "w3c-vcdm2-inputs")
	passed := 0
	for _, dir := range []string{folder, folder + "/names-and-descriptions"} {
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), "-ok.json") && !strings.HasSuffix(f.Name(), "extra-prop-en-fail.json") {
				continue // the other failures are of the data model, not of terms
			}
			text, err := os.ReadFile(dir + "/" + f.Name())
			require.NoError(t, err)
			err = Default().Check(parse(t, string(text)))
			switch {
			case strings.HasSuffix(f.Name(), "-fail.json"):
				require.ErrorContains(t, err, "beside @value", f.Name())
			case err != nil:
				require.ErrorContains(t, err, "written into the document", f.Name())
			default:
				passed++
			}
		}
	}
	require.Greater(t, passed, 40)
}

func TestCheckIsSafeForConcurrentUse(t *testing.T) {
	s := withExample(t) // nothing is remembered yet
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, typ := range record.Types() {
				text, _ := record.Example(typ)
				doc, err := strictjson.Parse(text, strictjson.Limits{})
				if err == nil {
					err = s.Check(doc.Root())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// Hostile documents cannot make a set remember without bound, nor forget how to check the others.
// Here, 3^8 paths lead through scoped contexts.
func TestMemoryIsBounded(t *testing.T) {
	s := withExample(t)
	good, _ := record.Example("LeaseCredential")
	paths := []string{`"name":"x"`}
	for range 8 {
		var longer []string
		for _, p := range paths {
			for _, name := range []string{"inner", "shallow", "none"} {
				longer = append(longer, fmt.Sprintf(`"%s":{%s}`, name, p))
			}
		}
		paths = longer
	}
	for i, p := range paths {
		require.NoError(t, s.Check(parse(t, foreign+`"credentialSubject":{`+p+`}}`)))
		require.LessOrEqual(t, s.kept.Load(), int64(maxRemembered))
		if i%100 == 0 {
			require.NoError(t, s.Check(parse(t, string(good))))
		}
	}

	all := foreign + `"credentialSubject":[{` + strings.Join(paths, "},{") + `}]}`
	require.ErrorContains(t, withExample(t).Check(parse(t, all)), "too many others")
}

func FuzzCheck(f *testing.F) {
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		text, _ := record.Example(typ)
		f.Add(text)
	}
	f.Add([]byte(foreign + `"credentialSubject":{"inner":{"word":{"type":["Thing","Deep"]}},"title":{"en":[]}}}`))
	f.Add([]byte(`{"@context":["` + CredentialsV2 + `",{"x":{"@id":"y:a","@context":[null,{"z":"x"}]},"y":"https://x.example/"}],"x":{"z":1}}`))
	s := withExample(f).WithInline()
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := strictjson.Parse(text, strictjson.Limits{})
		if err != nil {
			return
		}
		first, again := s.Check(doc.Root()), s.Check(doc.Root())
		require.Equal(t, first, again)
		if first != nil {
			require.NotEmpty(t, first.Error())
		}
	})
}

func FuzzWith(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(credentialsExamplesV2))
	f.Add([]byte(`{"@context":{"@protected":true,"x":{"@id":"y:a","@context":[null,{"z":"x"}]},"y":"https://x.example/"}}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		s, err := Default().With("https://fuzz.example/v1", document)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		doc := parse(t, `{"@context":["`+CredentialsV2+`","https://fuzz.example/v1"],"type":"VerifiableCredential","issuer":"did:x:y"}`)
		_ = s.Check(doc)
	})
}

// Every property that a schema of package record allows is a term where it stands, and every value of
// an enumeration that is coerced to a word is a word there.
func TestSchemasAndContextAgree(t *testing.T) {
	s := walk{Set: Default()}
	w3c, err := s.named(s.empty, CredentialsV2)
	require.NoError(t, err)
	ours, err := s.named(w3c, HourmeterV1)
	require.NoError(t, err)
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		text, _ := record.Schema(typ)
		root := parse(t, string(text))
		deref := func(v strictjson.Value) strictjson.Value {
			if ref := v.Member("$ref"); ref.Exists() {
				return root.Member("$defs").Member(strings.TrimPrefix(ref.Text(), "#/$defs/"))
			}
			return v
		}
		terms := 0
		var agree func(path string, schema strictjson.Value, a *active)
		agree = func(path string, schema strictjson.Value, a *active) {
			schema = deref(schema)
			if items := schema.Member("items"); items.Exists() {
				agree(path, items, a)
			}
			for property := range schema.Member("properties").All() {
				path := path + "/" + property.Name()
				term := a.lookup(property.Name())
				require.NotNil(t, term, path)
				terms++
				inner := a
				if term.context.Exists() {
					inner, err = s.scoped(a, term, false)
					require.NoError(t, err, path)
				}
				for word := range deref(property).Member("enum").All() {
					if term.typ == "@vocab" {
						require.NotNil(t, inner.lookup(word.Text()), "%s: %s", path, word.Text())
					}
				}
				agree(path, property, inner)
			}
		}
		a, err := s.scoped(ours, ours.lookup(typ), true)
		require.NoError(t, err)
		agree(typ, root.Member("properties").Member("credentialSubject"), a)
		require.Greater(t, terms, 5, typ)
	}
}
