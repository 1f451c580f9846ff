package vcapi_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// What the public suites of the W3C send, in our words: each suite signs with keys of its own, and
// expects 200 or 201, or 400.

type object = map[string]any

const (
	v1, v2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
	diV2   = "https://w3id.org/security/data-integrity/v2"
)

// A signer is one of a suite's keys, with one of its cryptosuites.
type signer struct {
	t     testing.TB
	name  string
	suite vc.Suite
	key   crypto.Signer
	id    did.DID
}

func signers(t testing.TB) (all []signer) {
	contexts := rdfc.Contexts().WithInline()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for _, s := range []signer{
		{t, "eddsa-jcs-2022", vc.EdDSAJCS2022{}, ed, did.DID{}},
		{t, "ecdsa-jcs-2019 P-256", vc.ECDSAJCS2019{}, p256, did.DID{}},
		{t, "ecdsa-jcs-2019 P-384", vc.ECDSAJCS2019{}, p384, did.DID{}},
		{t, "eddsa-rdfc-2022", rdfc.EdDSARDFC2022{Contexts: contexts}, ed, did.DID{}},
		{t, "ecdsa-rdfc-2019 P-256", rdfc.ECDSARDFC2019{Contexts: contexts}, p256, did.DID{}},
		{t, "ecdsa-rdfc-2019 P-384", rdfc.ECDSARDFC2019{Contexts: contexts}, p384, did.DID{}},
	} {
		s.id, err = did.NewKey(s.key.Public())
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func (s signer) rdf() bool { return strings.Contains(s.name, "rdfc") }

// valid is a credential that the suite would sign.
func (s signer) valid() object {
	return object{"@context": []any{v2}, "id": "urn:uuid:36245ee9-9074-4b05-a777-febff2e69757", "type": []any{"VerifiableCredential"},
		"issuer": s.id.String(), "credentialSubject": object{"id": "urn:uuid:1a0e4ef5-091f-4060-842e-18e519ab9440", "name": "Alice"}}
}

// options are those of an ordinary proof.
func (s signer) options() object {
	return object{"type": "DataIntegrityProof", "cryptosuite": s.suite.Name(), "created": time.Now().UTC().Format(time.RFC3339),
		"verificationMethod": s.id.URL(s.id.Identifier()).String(), "proofPurpose": "assertionMethod"}
}

func canonical(t testing.TB, v any) []byte {
	text, err := json.Marshal(v)
	require.NoError(t, err)
	value := jsontext.Value(text)
	require.NoError(t, value.Canonicalize())
	return value
}

func without(o object, names ...string) object {
	o = maps.Clone(o)
	for _, name := range names {
		delete(o, name)
	}
	return o
}

func with(o object, more object) object {
	o = maps.Clone(o)
	maps.Copy(o, more)
	return o
}

// proof makes a proof of these options, whatever they say, over the document.
func (s signer) proof(document, options object) object {
	if !s.rdf() {
		options = with(options, object{"@context": document["@context"]})
	}
	value, err := s.suite.Sign(s.key, canonical(s.t, document), canonical(s.t, options))
	require.NoError(s.t, err)
	return with(options, object{"proofValue": value})
}

func (s signer) secured(document, options object) object {
	return with(document, object{"proof": s.proof(document, options)})
}

// verifyRequest is what a suite posts to a verifier.
func verifyRequest(t testing.TB, credential any, options object) string {
	if options == nil {
		options = object{"checks": []any{"proof"}}
	}
	return string(canonical(t, object{"verifiableCredential": credential, "options": options}))
}

func (s *server) conforms(t *testing.T, path, body string, status int) answer {
	t.Helper()
	own := *s
	own.t = t
	a := own.do("POST", path, body, "Content-Type", "application/json", "Accept", "application/json, application/ld+json, */*")
	require.Equal(t, status, a.status, "%s\n%s\n%s", path, body, a.body)
	if strings.HasSuffix(path, "/verify") {
		require.Equal(t, status == http.StatusOK, a.object()["verified"] == true)
		require.Equal(t, status == http.StatusOK, a.object()["errors"] == nil || a.object()["errors"] == "")
	}
	return a
}

func TestSuitesVerifyGood(t *testing.T) {
	s := conformance(t)
	for _, by := range signers(t) {
		chain := func(previous any, id bool) object {
			document := by.valid()
			options := without(by.options(), "created")
			options["id"] = "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544"
			first := by.proof(document, options)
			second := without(by.options(), "created")
			second["previousProof"] = previous
			if id {
				second["id"] = "urn:uuid:8cc9022b-6b14-4cf3-8571-74972c5feb54"
			}
			covered := with(document, object{"proof": []any{first}})
			return with(document, object{"proof": []any{first, by.proof(covered, second)}})
		}
		document := by.valid()
		for name, credential := range map[string]object{
			"a credential":            by.secured(document, by.options()),
			"without created":         by.secured(document, without(by.options(), "created")),
			"made a year ago":         by.secured(document, with(by.options(), object{"created": time.Now().UTC().AddDate(-1, 0, 0).Format(time.RFC3339)})),
			"made in another zone":    by.secured(document, with(by.options(), object{"created": "2023-02-24T23:36:38-05:00"})),
			"a proof with an end":     by.secured(document, with(by.options(), object{"expires": "2099-01-01T00:00:00Z"})),
			"a proof with an id":      by.secured(document, with(by.options(), object{"id": "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544"})),
			"an issuer object":        by.secured(with(document, object{"issuer": object{"id": by.id.String(), "name": "Suite"}}), by.options()),
			"an unbound issuer":       by.secured(with(document, object{"issuer": "https://vc.example/issuers/5678"}), by.options()),
			"an unbound DID":          by.secured(with(document, object{"issuer": "did:example:issuer"}), by.options()),
			"a proof in a list":       with(document, object{"proof": []any{by.proof(document, by.options())}}),
			"a proof set":             with(document, object{"proof": []any{by.proof(document, by.options()), by.proof(document, without(by.options(), "created"))}}),
			"a proof chain":           chain("urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544", true),
			"a proof chain, a list":   chain([]any{"urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544"}, false),
			"an inline vocabulary":    by.secured(with(document, object{"@context": []any{v2, object{"@vocab": "https://windsurf.example/selective#"}}, "type": []any{"VerifiableCredential", "Regatta"}}), by.options()),
			"of VCDM 1.1":             by.secured(old(by.id.String(), diV2), by.options()),
			"a status nobody asks of": by.secured(with(document, object{"credentialStatus": object{"type": "https://example.org/#Status"}}), by.options()),
		} {
			t.Run(by.name+" "+name, func(t *testing.T) {
				s.conforms(t, "/credentials/verify", verifyRequest(t, credential, nil), 200)
			})
		}
	}
}

// old is a credential of VCDM 1.1, as suites send it.
func old(issuer string, contexts ...any) object {
	return object{"@context": append([]any{v1, object{"name": "https://schema.org/name", "description": "https://schema.org/description"}}, contexts...),
		"id": "urn:uuid:36245ee9-9074-4b05-a777-febff2e69757", "type": []any{"VerifiableCredential"}, "issuer": issuer, "issuanceDate": "2023-01-01T00:00:00Z",
		"credentialSubject": object{"id": "urn:uuid:1a0e4ef5-091f-4060-842e-18e519ab9440", "name": "Alice", "description": "A credential about Alice."}}
}

func TestSuitesVerifyBad(t *testing.T) {
	s := conformance(t)
	for _, by := range signers(t) {
		document := by.valid()
		good := by.secured(document, by.options())
		proof := good["proof"].(object)
		value := proof["proofValue"].(string)
		spoil := func(change object) object { return with(good, object{"proof": with(proof, change)}) }
		drop := func(name string) object { return with(good, object{"proof": without(proof, name)}) }
		// Suites sign odd options with the oddity in them; where RDF does not let that be signed, it is put there afterwards.
		odd := func(change object) object {
			if by.rdf() {
				return spoil(change)
			}
			return by.secured(document, with(by.options(), change))
		}
		other := signers(t)[0]
		noOffset := time.Now().UTC().Format("2006-01-02T15:04:05")
		first := by.proof(document, with(by.options(), object{"id": "urn:uuid:test:first:proof"}))
		covered := with(document, object{"proof": []any{first}})
		second := by.proof(covered, with(by.options(), object{"previousProof": "urn:uuid:test:first:proof"}))

		for _, tc := range []struct {
			name       string
			credential any
			options    object
		}{
			{"no proof", document, nil},
			{"null for a proof", with(good, object{"proof": nil}), nil},
			{"text for a proof", with(good, object{"proof": "uZm9v"}), nil},
			{"empty proof list", with(good, object{"proof": []any{}}), nil},
			{"proof without a type", drop("type"), nil},
			{"unknown proof type", odd(object{"type": "UnknownProofType"}), nil},
			{"empty proof type", odd(object{"type": ""}), nil},
			{"older proof type", odd(object{"type": "Ed25519Signature2020"}), nil},
			{"no verificationMethod", drop("verificationMethod"), nil},
			{"verificationMethod of a DID that is none", odd(object{"verificationMethod": "did:key:invalidVm"}), nil},
			{"verificationMethod that is no URL", odd(object{"verificationMethod": "not a URL"}), nil},
			{"verificationMethod that is a number", odd(object{"verificationMethod": 7}), nil},
			{"verificationMethod of an unknown method", odd(object{"verificationMethod": "did:example:issuer#key"}), nil},
			{"verificationMethod of another key", spoil(object{"verificationMethod": other.id.URL(other.id.Identifier()).String()}), nil},
			{"no proofPurpose", drop("proofPurpose"), nil},
			{"unknown proofPurpose", odd(object{"proofPurpose": "invalidPurpose"}), nil},
			{"proofPurpose of a presentation", odd(object{"proofPurpose": "authentication"}), nil},
			{"another proofPurpose expected", good, object{"expectedProofPurpose": "authentication"}},
			{"no proofValue", drop("proofValue"), nil},
			{"null for proofValue", spoil(object{"proofValue": nil}), nil},
			{"proofValue without its multibase header", spoil(object{"proofValue": value[1:]}), nil},
			{"proofValue in another base", spoil(object{"proofValue": "u" + value[1:]}), nil},
			{"proofValue that is none", spoil(object{"proofValue": "invalidProofValue"}), nil},
			{"proofValue that is too long", spoil(object{"proofValue": value + value[1:40]}), nil},
			{"altered proofValue", spoil(object{"proofValue": value[:20] + flip(value[20]) + value[21:]}), nil},
			{"no cryptosuite", drop("cryptosuite"), nil},
			{"unknown cryptosuite", odd(object{"cryptosuite": "UnknownCryptosuite"}), nil},
			{"empty cryptosuite", odd(object{"cryptosuite": ""}), nil},
			{"another cryptosuite", spoil(object{"cryptosuite": map[bool]string{true: "eddsa-jcs-2022", false: "eddsa-rdfc-2022"}[by.rdf()]}), nil},
			{"created that is no date", odd(object{"created": "invalidDate"}), nil},
			{"created without a time", odd(object{"created": "2023-02-24"}), nil},
			{"created without an offset", odd(object{"created": noOffset}), nil},
			{"created on a day that is not", odd(object{"created": "2023-02-30T00:00:00Z"}), nil},
			{"created tomorrow", odd(object{"created": time.Now().UTC().AddDate(0, 0, 1).Format(time.RFC3339)}), nil},
			{"expires that is no date", odd(object{"expires": "invalidDate"}), nil},
			{"expires without an offset", odd(object{"expires": noOffset}), nil},
			{"expired proof", odd(object{"expires": "2023-02-24T23:36:38Z"}), nil},
			{"another domain", odd(object{"domain": "invalid-vc-domain.example.com", "challenge": "1235abcd6789"}), object{"domain": "domain.example"}},
			{"another challenge", odd(object{"domain": "domain.example", "challenge": "invalid-challenge"}), object{"domain": "domain.example", "challenge": "1235abcd6789"}},
			{"a challenge that was not answered", good, object{"challenge": "1235abcd6789"}},
			{"altered claim", with(good, object{"credentialSubject": object{"id": "urn:invalid", "name": "Alice"}}), nil},
			{"altered issuer", with(good, object{"issuer": "did:example:other"}), nil},
			{"undefined term", with(good, object{"credentialSubject": object{"id": "urn:uuid:1a0e4ef5-091f-4060-842e-18e519ab9440", "undefinedTerm": "undefinedTerm"}}), nil},
			{"undefined type", with(good, object{"type": []any{"VerifiableCredential", "UndefinedCredential"}}), nil},
			{"relative type under a base", with(good, object{"@context": []any{v2, object{"@base": "https://invalid.example.com/"}}, "type": []any{"VerifiableCredential", "UndefinedCredential"}}), nil},
			{"redefined protected term", with(good, object{"@context": []any{v2, object{"VerifiableCredential": "https://evil.example/#Other"}}}), nil},
			{"unknown context", with(good, object{"@context": []any{v2, "https://unknown.example/v1"}}), nil},
			{"no context", without(good, "@context"), nil},
			{"another context first", with(good, object{"@context": []any{diV2, v2}}), nil},
			{"no type", without(good, "type"), nil},
			{"no issuer", without(good, "issuer"), nil},
			{"no subject", without(good, "credentialSubject"), nil},
			{"previousProof that is absent", with(document, object{"proof": by.proof(document, with(by.options(), object{"previousProof": "urn:uuid:test:missing:proof"}))}), nil},
			{"previousProof that is absent, in a list", with(document, object{"proof": []any{first, by.proof(covered, with(by.options(), object{"previousProof": []any{"urn:uuid:test:missing:proof"}}))}}), nil},
			{"previousProof whose first proof is broken", with(document, object{"proof": []any{with(first, object{"proofValue": "invalidProofValue"}), second}}), nil},
			{"previousProof whose first proof has another id", with(document, object{"proof": []any{with(first, object{"id": "urn:uuid:8cc9022b-6b14-4cf3-8571-74972c5feb54"}), second}}), nil},
			{"previousProof without its first proof", with(document, object{"proof": []any{second}}), nil},
			{"one bad proof of two", with(document, object{"proof": []any{proof, with(proof, object{"created": "2024-01-01T00:00:00Z"})}}), nil},
			{"nothing", nil, nil},
			{"an empty object", object{}, nil},
			{"a list", []any{good}, nil},
		} {
			t.Run(by.name+" "+tc.name, func(t *testing.T) {
				s.conforms(t, "/credentials/verify", verifyRequest(t, tc.credential, tc.options), 400)
			})
		}
	}
}

// flip returns another letter of base58.
func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// profiles are the issuers of Data Integrity proofs.
var profiles = []string{"eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019-p256", "ecdsa-rdfc-2019-p384", "ecdsa-jcs-2019-p256", "ecdsa-jcs-2019-p384"}

func TestSuitesIssueGood(t *testing.T) {
	s := conformance(t)
	identifiers := s.get("/conformance.json").object()
	of := func(profile string) string {
		for suffix, kind := range map[string]string{"-p384": "p384", "-p256": "p256", "-2023": "p256"} {
			if strings.HasSuffix(profile, suffix) {
				return identifiers[kind].(string)
			}
		}
		return identifiers["ed25519"].(string)
	}
	for _, profile := range append(slices.Clone(profiles), "bitstring-status-list", "vc-jwt") {
		id := of(profile)
		document := object{"@context": []any{v2}, "id": "urn:uuid:1", "type": []any{"VerifiableCredential"}, "issuer": id, "credentialSubject": object{"id": "did:example:subject"}}
		cases := map[string]object{
			"a credential":         document,
			"without an id":        without(document, "id"),
			"of an issuer object":  with(document, object{"issuer": object{"id": id, "name": object{"@value": "Issuer", "@language": "en", "@direction": "ltr"}}}),
			"of another issuer":    with(document, object{"issuer": "https://issuer.example/1"}),
			"about two":            with(document, object{"credentialSubject": []any{object{"id": "did:example:a"}, object{"id": "did:example:b"}}}),
			"with names":           with(document, object{"name": []any{object{"@value": "Dog", "@language": "en"}, object{"@value": "Chien", "@language": "fr"}}}),
			"with a period":        with(document, object{"validFrom": "2023-02-25T19:10:39-06:00", "validUntil": "2099-02-26T01:20:18.477Z"}),
			"with a schema":        with(document, object{"credentialSchema": object{"id": "did:example:schemas/1", "type": "https://example.org/#Schema"}}),
			"with evidence":        with(document, object{"evidence": []any{object{"type": "https://example.org/#Evidence"}}}),
			"with terms of use":    with(document, object{"termsOfUse": object{"type": "https://example.org/#Terms"}}),
			"with refresh service": with(document, object{"refreshService": object{"type": "https://example.org/#Refresh", "id": "did:example:refresh/1"}}),
			"with a resource":      with(document, object{"relatedResource": object{"id": v2, "digestSRI": "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"}}),
			"of the examples":      with(document, object{"@context": []any{v2, "https://www.w3.org/ns/credentials/examples/v2"}, "type": []any{"VerifiableCredential", "AlumniCredential"}}),
			"of its own terms":     with(document, object{"@context": []any{v2, object{"Own": "https://example.org/#Own"}}, "type": []any{"VerifiableCredential", "Own"}}),
		}
		if slices.Contains(profiles, profile) {
			cases["of VCDM 1.1"] = old(id)
			cases["of VCDM 1.1 with its context"] = old(id, diV2)
			cases["of VCDM 1.1 and another issuer"] = old("did:example:issuer")
		}
		if profile == "bitstring-status-list" {
			for _, c := range cases {
				delete(c, "id") // each id once
			}
		}
		for name, c := range cases {
			t.Run(profile+" "+name, func(t *testing.T) {
				a := s.conforms(t, "/"+profile+"/credentials/issue", string(canonical(t, object{"credential": c, "options": object{}})), 201)
				issued := a.object()["verifiableCredential"].(object)
				if profile != "vc-jwt" {
					proof := issued["proof"].(object)
					require.Equal(t, "DataIntegrityProof", proof["type"])
					require.True(t, strings.HasPrefix(profile, proof["cryptosuite"].(string)) || profile == "bitstring-status-list")
					require.Equal(t, id+"#"+strings.TrimPrefix(id, "did:key:"), proof["verificationMethod"])
					require.Equal(t, "assertionMethod", proof["proofPurpose"])
					require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, proof["created"])
					require.Regexp(t, `^z[1-9A-HJ-NP-Za-km-z]+$`, proof["proofValue"])
					contexts := issued["@context"].([]any)
					require.True(t, slices.Contains(contexts, any(v2)) || slices.Contains(contexts, any(diV2)), "%v", contexts)
				} else {
					require.Equal(t, "EnvelopedVerifiableCredential", issued["type"])
					require.True(t, strings.HasPrefix(issued["id"].(string), "data:application/vc+jwt,"))
				}
				s.conforms(t, "/credentials/verify", verifyRequest(t, issued, nil), 200)
			})
		}
	}
}

func TestSuitesIssueBad(t *testing.T) {
	s := conformance(t)
	id := s.get("/conformance.json").object()["ed25519"].(string)
	document := object{"@context": []any{v2}, "id": "urn:uuid:1", "type": []any{"VerifiableCredential"}, "issuer": id, "credentialSubject": object{"id": "did:example:subject"}}
	resource := object{"id": v2, "digestSRI": "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"}
	bad := map[string]any{
		"nothing":     nil,
		"a list":      []any{document},
		"a string":    "credential",
		"no context":  without(document, "@context"),
		"no type":     without(document, "type"),
		"no issuer":   without(document, "issuer"),
		"no subject":  without(document, "credentialSubject"),
		"statusEntry": with(document, object{"statusEntry": object{"type": "BitstringStatusListEntry", "statusListIndex": true, "statusListCredential": "https://example.com"}}),
		"status whose index is no number": with(document, object{"credentialStatus": object{"type": "BitstringStatusListEntry", "statusPurpose": "revocation",
			"statusListIndex": true, "statusListCredential": "https://example.com"}}),
		"resource without an id":          with(document, object{"relatedResource": without(resource, "id")}),
		"resource without a digest":       with(document, object{"relatedResource": without(resource, "digestSRI")}),
		"resource with another digest":    with(document, object{"relatedResource": with(resource, object{"digestSRI": "sha384-" + strings.Repeat("A", 64)})}),
		"resource twice":                  with(document, object{"relatedResource": []any{resource, resource}}),
		"resource that is a string":       with(document, object{"relatedResource": []any{v2}}),
		"undefined term":                  with(document, object{"undefinedTerm": "x"}),
		"undefined term of the subject":   with(document, object{"credentialSubject": object{"id": "did:example:subject", "undefinedTerm": "x"}}),
		"undefined type":                  with(document, object{"type": []any{"VerifiableCredential", "UndefinedCredential"}}),
		"relative base":                   with(document, object{"@context": []any{v2, object{"@base": "https://invalid.example.com/"}}, "type": []any{"VerifiableCredential", "UndefinedCredential"}}),
		"redefined protected term":        with(document, object{"@context": []any{v2, object{"VerifiableCredential": "https://example.org/#Other"}}}),
		"term that maps to no IRI":        with(document, object{"@context": []any{v2, object{"Own": "https ://not-a-url#Own"}}, "type": []any{"VerifiableCredential", "Own"}}),
		"unknown context":                 with(document, object{"@context": []any{v2, "https://example.com"}}),
		"another context first":           with(document, object{"@context": []any{"https://www.w3.org/ns/credentials/examples/v2", v2}}),
		"empty subject":                   with(document, object{"credentialSubject": object{}}),
		"empty subject among others":      with(document, object{"credentialSubject": []any{object{"id": "did:example:subject"}, object{}}}),
		"subject of two ids":              with(document, object{"credentialSubject": object{"id": []any{"did:example:a", "did:example:b"}}}),
		"validFrom after validUntil":      with(document, object{"validFrom": "2099-01-01T00:00:00Z", "validUntil": "2023-01-01T00:00:00Z"}),
		"validFrom of another form":       with(document, object{"validFrom": "Sat 25 Feb 2023 07:16:31 PM CST"}),
		"validFrom without an offset":     with(document, object{"validFrom": "2023-02-25T19:10:39"}),
		"name with more than a language":  with(document, object{"name": object{"@value": "a", "@language": "en", "url": "did:example:a"}}),
		"description of another language": with(document, object{"description": object{"@value": "a", "@language": 7}}),
		"schema without an id":            with(document, object{"credentialSchema": object{"type": "https://example.org/#Schema"}}),
		"status without a type":           with(document, object{"credentialStatus": object{"id": "did:example:status"}}),
		"evidence without a type":         with(document, object{"evidence": object{}}),
		"terms without a type":            with(document, object{"termsOfUse": object{"id": "did:example:terms"}}),
		"refresh service without a type":  with(document, object{"refreshService": object{"id": "did:example:refresh"}}),
		"proof that is none":              with(document, object{"proof": "x"}),
	}
	for name, values := range map[string][]any{
		"@context": {4, false, nil, []any{4}, []any{v2, 4}, []any{nil}, []any{}},
		"type":     {4, true, nil, []any{}, []any{nil}, []any{4}, []any{"NonconformingDocument"}},
		"issuer":   {4, true, nil, []any{}, "", "fake-issuer", object{}, object{"id": nil}, object{"id": "fake-issuer"}, object{"name": "x"}},
		"id":       {4, nil, []any{"urn:a", "urn:b"}, "https ://not-a-url/x", "not-a-url"},
	} {
		for _, v := range values {
			bad[name+" "+string(canonical(t, v))] = with(document, object{name: v})
		}
	}
	for _, profile := range append(slices.Clone(profiles), "bitstring-status-list", "ecdsa-sd-2023", "vc-jwt") {
		for name, c := range bad {
			t.Run(profile+" "+name, func(t *testing.T) {
				s.conforms(t, "/"+profile+"/credentials/issue", string(canonical(t, object{"credential": c})), 400)
			})
		}
		s.conforms(t, "/"+profile+"/credentials/issue", string(canonical(t, object{"verifiableCredential": document})), 400)
	}
}
