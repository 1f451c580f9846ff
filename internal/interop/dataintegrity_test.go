package interop

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// The cryptosuites that both sides have.
var suites = []struct {
	name, kind string
	suite      vc.Suite
}{
	{"eddsa-jcs-2022", "Ed25519", vc.EdDSAJCS2022{}},
	{"ecdsa-jcs-2019 P-256", "P-256", vc.ECDSAJCS2019{}},
	{"ecdsa-jcs-2019 P-384", "P-384", vc.ECDSAJCS2019{}},
	{"eddsa-rdfc-2022", "Ed25519", rdfc.EdDSARDFC2022{}},
	{"ecdsa-rdfc-2019 P-256", "P-256", rdfc.ECDSARDFC2019{}},
	{"ecdsa-rdfc-2019 P-384", "P-384", rdfc.ECDSARDFC2019{}},
}

// The credentials that they exchange. ISSUER and HOLDER stand for DIDs.
var credentials = []struct{ name, text string }{
	{"a record entry", `{"@context":["https://www.w3.org/ns/credentials/v2","https://w3id.org/hourmeter/v1"],
		"type":["VerifiableCredential","IncidentCredential"],"issuer":"ISSUER","validFrom":"2026-03-02T00:00:00Z",
		"credentialSubject":{"id":"HOLDER","incident":{"category":"failure","severityPermille":300,"detected":"2026-03-01T06:00:00Z"}},
		"name":"Größe ≥ 1,5 m \u2028 \ud83d\ude81 \"quoted\" \u0001"}`},
	{"blank nodes, languages, several values", `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],
		"id":"urn:uuid:6f8b6ba0-2d1a-4b0e-9b0a-3f6f1d0a4c11","type":["VerifiableCredential","ExampleAlumniCredential"],
		"issuer":{"id":"ISSUER","name":[{"@value":"École","@language":"fr"},{"@value":"School","@language":"en"}]},
		"description":{"@value":"مرحبا","@language":"ar","@direction":"rtl"},
		"validFrom":"2026-03-02T00:00:00Z","validUntil":"2126-03-02T00:00:00Z",
		"credentialSubject":{"id":"HOLDER","alumniOf":[{"name":"300","year":1999,"share":0.25,"honours":true},{"name":"B","years":[3,1,2]},{"name":"300"}]},
		"evidence":[{"type":"Photograph","id":"https://evidence.example/1"},{"type":"Document"}],
		"termsOfUse":{"type":"Policy","prohibited":["copying","resale"]}}`},
	{"VCDM 1.1", `{"@context":["https://www.w3.org/2018/credentials/v1","https://w3id.org/security/data-integrity/v2","https://w3id.org/hourmeter/v1"],
		"type":["VerifiableCredential","IncidentCredential"],"issuer":"ISSUER","issuanceDate":"2026-03-02T00:00:00Z","expirationDate":"2126-03-02T00:00:00Z",
		"credentialSubject":{"id":"HOLDER","incident":{"category":"failure","severityPermille":300,"detected":"2026-03-01T06:00:00Z"}}}`},
}

func credential(text string, issuer, holder did.DID) []byte {
	return []byte(strings.NewReplacer("ISSUER", issuer.String(), "HOLDER", holder.String()).Replace(text))
}

// Ways to spoil a secured credential, each of which breaks a proof that covers all of it.
func spoiled(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	other, _ := newKey(t, "Ed25519")
	out := map[string][]byte{
		"an altered claim":    edited(t, text, "300", "301"),
		"an altered time":     edited(t, text, "2026-03-02", "2026-03-03"),
		"an altered purpose":  edited(t, text, "assertionMethod", "authentication"),
		"an altered creation": edited(t, text, `"created":"20`, `"created":"19`),
		"another signer":      edited(t, text, members(t, text)["proof"].(object)["verificationMethod"].(string), other.String()+"#"+other.Identifier()),
	}
	proof := members(t, text)["proof"].(object)
	for name, member := range map[string]string{"a stripped proof value": "proofValue", "a stripped method": "verificationMethod"} {
		m := members(t, text)
		delete(m["proof"].(object), member)
		out[name], _ = json.Marshal(m)
	}
	value := proof["proofValue"].(string)
	out["an altered proof value"] = edited(t, text, value, altered(value, 20))
	m := members(t, text)
	delete(m, "proof")
	out["a stripped proof"], _ = json.Marshal(m)
	m["proof"] = []any{}
	out["an empty proof list"], _ = json.Marshal(m)
	return out
}

// altered returns a multibase text with another character at i.
func altered(value string, i int) string {
	other := "2"
	if value[i] == '2' {
		other = "3"
	}
	return value[:i] + other + value[i+1:]
}

// verdict is what the peer says of a credential or presentation.
type verdict struct {
	Verified bool
	Error    string
}

func (p *peer) verifies(op string, request object) {
	p.t.Helper()
	var v verdict
	a := p.try(op, request)
	require.NoError(p.t, json.Unmarshal(a.raw, &v))
	require.True(p.t, v.Verified, v.Error)
}

func (p *peer) denies(op string, request object) {
	p.t.Helper()
	var v verdict
	a := p.try(op, request)
	require.NoError(p.t, json.Unmarshal(a.raw, &v))
	require.False(p.t, v.Verified, "the other implementation takes it")
	require.NotEmpty(p.t, v.Error)
}

func dataIntegrity(t *testing.T) *peer {
	p := start(t, "dataintegrity")
	p.load(contexts())
	return p
}

// load hands the peer the contexts that we know.
func (p *peer) load(known *vc.Contexts, more ...string) {
	p.t.Helper()
	documents := object{}
	for _, url := range append(more, contextURLs...) {
		text, ok := known.Document(url)
		require.True(p.t, ok, url)
		documents[url] = text
	}
	p.ask("load", object{"documents": documents}, new(object))
}

var contextURLs = []string{
	vc.ContextCredentials, vc.ContextHourmeter, contextCredentialsV1,
	"https://www.w3.org/ns/credentials/examples/v2",
	"https://w3id.org/security/data-integrity/v2",
	"https://w3id.org/security/suites/ed25519-2020/v1",
}

const contextCredentialsV1 = "https://www.w3.org/2018/credentials/v1"

func contexts() *vc.Contexts { return rdfc.Contexts() }

// everything is a verifier with all that the peers may use.
func everything() *vc.Verifier {
	return &vc.Verifier{Contexts: contexts(), V1: true, Suites: rdfc.Suites(nil)}
}

func TestTheyVerifyOurDataIntegrityProofs(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	for _, s := range suites {
		for _, c := range credentials {
			t.Run(s.name+" on "+c.name, func(t *testing.T) {
				p := p.on(t)
				id, key := newKey(t, s.kind)
				issuer := vc.Issuer{ID: id, Key: key, Suite: s.suite, Contexts: contexts(), V1: true}
				raw, err := issuer.AddProof(credential(c.text, id, id))
				require.NoError(t, err)
				p.verifies("verify", object{"document": json.RawMessage(raw)})
				for how, bad := range spoiled(t, raw) {
					t.Run(how, func(t *testing.T) {
						p := p.on(t)
						p.denies("verify", object{"document": json.RawMessage(bad)})
						_, err := everything().Verify(t.Context(), bad, vc.AnyIssuer)
						rejected(t, err)
					})
				}
			})
		}
	}
}

func TestWeVerifyTheirDataIntegrityProofs(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	for _, s := range suites {
		for _, c := range credentials {
			t.Run(s.name+" on "+c.name, func(t *testing.T) {
				p := p.on(t)
				id := p.signs(s.kind)
				raw := p.document("issue", object{"document": json.RawMessage(credential(c.text, id, id)), "cryptosuite": s.suite.Name(), "key": id})
				v, err := everything().Verify(t.Context(), raw, vc.IssuedBy(id))
				require.NoError(t, err)
				require.Equal(t, id, v.Subject())
				for how, bad := range spoiled(t, raw) {
					t.Run(how, func(t *testing.T) {
						p := p.on(t)
						p.denies("verify", object{"document": json.RawMessage(bad)})
						_, err := everything().Verify(t.Context(), bad, vc.AnyIssuer)
						rejected(t, err)
					})
				}
			})
		}
	}
}

// A proof set of both sides: each signs beside the other, in either order.
func TestProofSetsOfBothSides(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	for _, first := range suites {
		for _, second := range suites {
			t.Run(first.name+" and "+second.name, func(t *testing.T) {
				p := p.on(t)
				ours, key := newKey(t, first.kind)
				theirs := p.signs(second.kind)
				weSign := func(issuer did.DID, document []byte) []byte {
					raw, err := (&vc.Issuer{ID: ours, Key: key, Suite: first.suite}).AddProof(document)
					require.NoError(t, err)
					return raw
				}
				theySign := func(document []byte) []byte {
					return p.document("issue", object{"document": json.RawMessage(document), "cryptosuite": second.suite.Name(), "key": theirs, "countersign": true})
				}
				sets := map[string][]byte{
					"ours, then theirs": theySign(weSign(ours, credential(credentials[0].text, ours, theirs))),
					"theirs, then ours": weSign(theirs, theySign(credential(credentials[0].text, theirs, ours))),
				}
				for order, set := range sets {
					t.Run(order, func(t *testing.T) {
						p := p.on(t)
						p.verifies("verify", object{"document": json.RawMessage(set), "countersigned": true})
						v, err := everything().Verify(t.Context(), set, vc.AnyIssuer)
						require.NoError(t, err)
						require.ElementsMatch(t, []did.DID{ours, theirs}, v.Signers())
						bad := edited(t, set, ":300", ":301")
						p.denies("verify", object{"document": json.RawMessage(bad), "countersigned": true})
						_, err = everything().Verify(t.Context(), bad, vc.AnyIssuer)
						require.ErrorIs(t, err, vc.ErrProof)
					})
				}
			})
		}
	}
}

// Ed25519Signature2020 is what Data Integrity 1.0 replaced: they issue, we only verify.
func TestWeVerifyTheirEd25519Signature2020(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	const url = "https://w3id.org/security/suites/ed25519-2020/v1"
	for _, c := range []struct{ name, text string }{
		{"VCDM 1.1", strings.Replace(credentials[2].text, "https://w3id.org/security/data-integrity/v2", url, 1)},
		{"VCDM 2.0", strings.Replace(credentials[1].text, `"https://www.w3.org/ns/credentials/v2"`, `"https://www.w3.org/ns/credentials/v2","`+url+`"`, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := p.on(t)
			id := p.signs("Ed25519")
			raw := p.document("issue", object{"document": json.RawMessage(credential(c.text, id, id)), "cryptosuite": "Ed25519Signature2020", "key": id})
			_, err := everything().Verify(t.Context(), raw, vc.IssuedBy(id))
			require.NoError(t, err)
			for how, bad := range spoiled(t, raw) {
				t.Run(how, func(t *testing.T) {
					p := p.on(t)
					p.denies("verify", object{"document": json.RawMessage(bad)})
					_, err := everything().Verify(t.Context(), bad, vc.AnyIssuer)
					rejected(t, err)
				})
			}
			_, err = (&vc.Verifier{Contexts: contexts(), V1: true}).Verify(t.Context(), raw, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof, "it has to be enabled")
		})
	}
}

// What RDF would drop or no context defines, neither side signs, nor lets pass behind a
// proof that would still hold.
func TestBothRefuseWhatIsNotDefined(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	lenient := everything()
	lenient.Contexts = contexts().WithInline()
	for _, s := range suites {
		if !strings.Contains(s.name, "rdfc") {
			continue // what JSON signs is signed, whatever it means
		}
		ours, key := newKey(t, s.kind)
		theirs := p.signs(s.kind)
		good := credential(credentials[0].text, theirs, theirs)
		signed := p.document("issue", object{"document": json.RawMessage(good), "cryptosuite": s.suite.Name(), "key": theirs})
		for _, add := range []struct{ name, old, new string }{
			{"a term", `"incident":{`, `"incident":{"undefinedTerm":"x",`},
			{"a type", `"IncidentCredential"]`, `"IncidentCredential","UndefinedCredential"]`},
			{"a relative identifier", `"name":`, `"id":"relative","name":`},
			{"a context that nobody knows", `"https://w3id.org/hourmeter/v1"]`, `"https://w3id.org/hourmeter/v1","https://unknown.example/v1"]`},
			{"a protected term, redefined", `"https://w3id.org/hourmeter/v1"]`, `"https://w3id.org/hourmeter/v1",{"name":"https://other.example/name"}]`},
			{"a context that is null", `"https://w3id.org/hourmeter/v1"]`, `"https://w3id.org/hourmeter/v1",null]`},
		} {
			t.Run(s.name+", "+add.name, func(t *testing.T) {
				p := p.on(t)
				issuer := vc.Issuer{ID: ours, Key: key, Suite: s.suite, Contexts: lenient.Contexts}
				_, err := issuer.AddProof(edited(t, credential(credentials[0].text, ours, ours), add.old, add.new))
				require.Error(t, err)
				p.refuses("issue", object{"document": json.RawMessage(edited(t, good, add.old, add.new)), "cryptosuite": s.suite.Name(), "key": theirs})

				bad := edited(t, signed, add.old, add.new)
				p.denies("verify", object{"document": json.RawMessage(bad)})
				_, err = lenient.Verify(t.Context(), bad, vc.AnyIssuer)
				rejected(t, err)
			})
		}
	}
}
