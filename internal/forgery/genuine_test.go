package forgery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/mldsa"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
	"github.com/hourmeter/hourmeter/vc/status"
)

// Salts and ECDSA signatures are up to chance, and a corpus is about the very bytes: so they are kept.
var update = flag.Bool("update", false, "issue what is in testdata/genuine anew")

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// The one challenge that presentations here answer.
var asked = vc.Challenge{Nonce: "n-0S6_WzA2Mj", Domain: "lease.example"}

const (
	bitstringURL = "https://shop.example/status/1"
	tokenURL     = "https://shop.example/tokens/1"
	plainURL     = "https://shop.example/schemas/1.json"
	securedURL   = "https://shop.example/schemas/2"
	revoked      = 7 // its index in both lists
)

// An inline context, as only a verifier with vc.Contexts.WithInline reads it.
const inline = `{"wingspan":{"@id":"https://ops.example/ns#wingspan","@type":"http://www.w3.org/2001/XMLSchema#integer"},"wing":{"@id":"https://ops.example/ns#wing"}}`

// secp is a crypto.Signer of secp256k1.
type secp struct{ *secp256k1.PrivateKey }

func (s secp) Public() crypto.PublicKey { return s.PrivateKey.Public() }

func (s secp) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return s.PrivateKey.Sign(digest), nil
}

// A party is somebody with a key that is no secret.
type party struct {
	ID  did.DID
	Key crypto.Signer
}

func newParty(t testing.TB, name string) party {
	t.Helper()
	secret := sha256.Sum256([]byte(name))
	var key crypto.Signer
	var err error
	switch _, algorithm, _ := strings.Cut(name, " "); algorithm {
	case "P-256":
		key, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:])
	case "P-384":
		key, err = ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 16), secret[:]...))
	case "secp256k1":
		var k *secp256k1.PrivateKey
		k, err = secp256k1.ParsePrivateKey(secret[:])
		key = secp{k}
	case "ML-DSA-44":
		key, err = mldsa.NewPrivateKey(secret[:])
	default:
		key = ed25519.NewKeyFromSeed(secret[:])
	}
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return party{id, key}
}

func (p party) method() did.URL {
	switch p.ID.Method() {
	case "jwk", "x509":
		return p.ID.URL("0")
	case "webvh":
		return p.ID.URL("key-2")
	}
	return p.ID.URL(p.ID.Identifier())
}

func (p party) issuer(suite vc.Suite, format vc.Format) *vc.Issuer {
	return &vc.Issuer{ID: p.ID, Key: p.Key, Method: p.method(), Suite: suite, Format: format, Contexts: contexts(), Now: now, V1: true}
}

func contexts() *vc.Contexts { return rdfc.Contexts().WithInline() }

// mint issues one of everything: names are those of files.
func mint(t testing.TB) map[string][]byte {
	shop, drone, second := newParty(t, "shop"), newParty(t, "drone"), newParty(t, "second")
	p256, p384, mlDSA := newParty(t, "shop P-256"), newParty(t, "shop P-384"), newParty(t, "second ML-DSA-44")
	jwk := shop
	var err error
	jwk.ID, err = did.NewJWK(shop.Key.Public())
	require.NoError(t, err)

	out := map[string][]byte{}
	must := func(raw []byte, err error) []byte {
		require.NoError(t, err)
		return raw
	}
	work := record.Maintenance{Time: noon.Add(-2 * time.Hour), Work: record.Work{Category: record.Preventive, Activity: "replace rotor bearings", PerformedBy: &record.Party{Name: "Ada"}}}
	maintained := func(by party, suite vc.Suite, format vc.Format, members map[string]any) []byte {
		return must(by.issuer(suite, format).Issue(&vc.Credential{ID: "urn:example:1", Subject: drone.ID, Claim: work, ValidUntil: noon.AddDate(1, 0, 0), Members: members}))
	}
	written := func(by party, suite vc.Suite, format vc.Format, context, members string) []byte {
		return must(by.issuer(suite, format).AddProof(document(by.ID, drone.ID, context, members)))
	}

	// Every suite and format.
	out["jcs-ed25519"] = maintained(shop, vc.EdDSAJCS2022{}, nil, nil)
	out["jcs-p256"] = maintained(p256, vc.ECDSAJCS2019{}, nil, nil)
	out["jcs-p384"] = maintained(p384, vc.ECDSAJCS2019{}, nil, nil)
	out["jcs-did-jwk"] = maintained(jwk, vc.EdDSAJCS2022{}, nil, nil)
	out["rdfc-ed25519"] = maintained(shop, rdfc.EdDSARDFC2022{}, nil, nil)
	out["rdfc-p256"] = maintained(p256, rdfc.ECDSARDFC2019{}, nil, nil)
	out["rdfc-p384"] = maintained(p384, rdfc.ECDSARDFC2019{}, nil, nil)
	for name, by := range map[string]party{"ed25519": shop, "p256": p256, "p384": p384} {
		out["jose-"+name] = maintained(by, nil, jose.Format{}, nil)
		out["cose-"+name] = maintained(by, nil, cose.Format{}, nil)
		out["cwt-"+name] = maintained(by, nil, cose.CWT{}, nil)
	}
	before, since, _ := fleet(t)
	out["jcs-did-webvh"] = maintained(since, vc.ECDSAJCS2019{}, nil, nil)
	out["jose-did-webvh"] = maintained(since, nil, jose.Format{}, nil)
	earlier := before.issuer(rdfc.EdDSARDFC2022{}, nil) // by the key of then
	earlier.Method, earlier.Now = before.ID.URL("key-1"), func() time.Time { return rotation.AddDate(0, -1, 0) }
	out["rdfc-did-webvh-rotated"] = must(earlier.Issue(&vc.Credential{ID: "urn:example:1", Subject: drone.ID, Claim: record.Maintenance{Time: rotation.AddDate(0, -2, 0), Work: work.Work}}))
	machine, chain := certified(t)
	out["jose-did-x509"] = maintained(machine, nil, jose.Format{Chain: chain.DER()}, nil)
	out["cose-did-x509"] = maintained(machine, nil, cose.Format{Chain: chain.DER()}, nil)
	out["jose-secp256k1"] = maintained(newParty(t, "shop secp256k1"), nil, jose.Format{}, nil)
	base := written(p256, rdfc.ECDSASD2023{Contexts: contexts()}, nil, "", `"credentialSubject":{"id":"`+drone.ID.String()+`","alumniOf":{"id":"https://school.example","name":"School"},"degree":{"type":"ExampleBachelorDegree","name":"Bachelor of Flying"},"name":"Lynx 4"}`)
	for i, pointers := range [][]string{{"/credentialSubject/degree"}, {"/credentialSubject/degree", "/credentialSubject/name", "/credentialSubject/alumniOf"}} {
		out[fmt.Sprintf("sd-derived-%d", i)] = must(rdfc.ECDSASD2023{}.Derive(base, pointers))
	}
	disclosable := sdjwt.Format{
		Disclosable: []string{"/credentialSubject/maintenance/performedBy", "/credentialSubject/maintenance/performedBy/name", "/credentialSubject/maintenance/activity"},
		Decoys:      2, Confirm: sdjwt.Confirmation{Key: drone.Key.Public()},
	}
	whole := maintained(shop, nil, disclosable, nil)
	token, err := sdjwt.Parse(whole)
	require.NoError(t, err)
	part, err := token.Present("/credentialSubject/maintenance/performedBy")
	require.NoError(t, err)
	out["sdjwt-whole"], out["sdjwt-part"] = whole, []byte(part.String())
	out["enveloped-sdjwt-json"] = vc.Enveloped(sdjwt.MediaTypeCredential, token.JSON())
	out["enveloped-jwt"] = vc.Enveloped(jose.MediaTypeCredential, out["jose-ed25519"])
	out["enveloped-cose"] = vc.Enveloped(cose.MediaTypeCredential, out["cose-ed25519"])
	out["enveloped-sdjwt"] = vc.Enveloped(sdjwt.MediaTypeCredential, out["sdjwt-part"])

	// Sets and chains of proofs, and proofs within an envelope.
	out["set-hybrid"] = must(mlDSA.issuer(mldsa.MLDSA44JCS2024{}, nil).AddProof(out["jcs-ed25519"]))
	out["set-jcs-rdfc"] = must(second.issuer(rdfc.EdDSARDFC2022{}, nil).AddProof(must(shop.issuer(vc.EdDSAJCS2022{}, nil).AddProof(
		embed(t, shop, rdfc.EdDSARDFC2022{}, document(shop.ID, drone.ID, "", `"description":"two of one hand"`), "")))))
	first := embed(t, shop, vc.EdDSAJCS2022{}, document(shop.ID, drone.ID, "", ""), `"id":"urn:example:first",`)
	out["chain-jcs"] = must(second.issuer(vc.EdDSAJCS2022{}, nil).AddProof(first, "urn:example:first"))
	first = embed(t, shop, rdfc.EdDSARDFC2022{}, document(shop.ID, drone.ID, "", ""), `"id":"urn:example:first",`)
	out["chain-rdfc"] = must(second.issuer(rdfc.EdDSARDFC2022{}, nil).AddProof(first, "urn:example:first"))
	out["jose-around-jcs"] = must(shop.issuer(nil, jose.Format{}).AddProof(out["jcs-ed25519"]))

	// VCDM 1.1, and the suite of its time.
	const v1 = `["https://www.w3.org/2018/credentials/v1","https://w3id.org/security/data-integrity/v2"]`
	old := fmt.Sprintf(`{"@context":%s,"id":"urn:example:old","type":["VerifiableCredential"],"issuer":"%s","issuanceDate":"2026-01-01T00:00:00Z","expirationDate":"2027-01-01T00:00:00Z","credentialSubject":{"id":"%s"}}`, v1, shop.ID, drone.ID)
	out["v1-jcs"] = must(shop.issuer(vc.EdDSAJCS2022{}, nil).AddProof([]byte(old)))
	out["v1-rdfc"] = must(shop.issuer(rdfc.EdDSARDFC2022{}, nil).AddProof([]byte(old)))
	out["v1-ed25519signature2020"] = embed2020(t, shop, strings.Replace(old, "https://w3id.org/security/data-integrity/v2", "https://w3id.org/security/suites/ed25519-2020/v1", 1))
	bare := strings.ReplaceAll(v1[:strings.Index(v1, ",")], "[", `{"@context":[`) + `],"type":["VerifiableCredential"],"credentialSubject":{}}`
	out["v1-jwt"] = must(jws.Sign(p256.Key, jws.Header{Typ: "JWT", Kid: p256.method().String()}, fmt.Appendf(nil,
		`{"vc":%s,"iss":"%s","sub":"%s","jti":"urn:example:old","nbf":1767225600,"exp":1798761600,"iat":1767225600}`, bare, p256.ID, drone.ID)))

	// What a credential may say beside its claim.
	out["rich"] = written(shop, rdfc.EdDSARDFC2022{}, nil, "", `"name":[{"@value":"Wartung","@language":"de"},{"@value":"صيانة","@language":"ar","@direction":"rtl"}],
		"description":"maintenance","evidence":[{"type":"ExampleBachelorDegree","id":"urn:example:evidence"}],
		"termsOfUse":{"type":"ExampleBachelorDegree"},"refreshService":{"id":"https://shop.example/refresh","type":"ExampleBachelorDegree"},
		"credentialSubject":[{"id":"`+drone.ID.String()+`","name":"Lynx 4"},{"degree":[{"type":"ExampleBachelorDegree","name":"a"},{"type":"ExampleBachelorDegree","name":"b"}]}]`)
	for name, suite := range map[string]vc.Suite{"jcs": vc.EdDSAJCS2022{}, "rdfc": rdfc.EdDSARDFC2022{Contexts: contexts()}} {
		out["inline-"+name] = written(shop, suite, nil, ","+inline, `"credentialSubject":{"id":"`+drone.ID.String()+`","wingspan":7,"wing":[{"wingspan":3},{"wingspan":4}]}`)
	}

	// Status and schema, and what is published of them. Only index 7 is revoked.
	bits, err := status.NewBitstringList(status.MinEntries, 1)
	require.NoError(t, err)
	listed := func(until time.Time) []byte {
		c := status.BitstringCredential{URL: bitstringURL, Purposes: []string{status.Revocation}, List: bits, ValidFrom: noon.AddDate(-1, 0, 0), ValidUntil: until}
		return must(c.Sign(shop.issuer(nil, nil)))
	}
	out["evidence-bitstring-ended"] = listed(noon.AddDate(0, -1, 0))
	require.NoError(t, bits.Set(revoked, 1))
	out["evidence-bitstring"] = listed(time.Time{})
	values, err := status.NewTokenList(1024, 2)
	require.NoError(t, err)
	list := &status.Token{URI: tokenURL, Issued: noon.AddDate(0, -2, 0), Expires: noon.AddDate(0, -1, 0), List: values}
	out["evidence-token-ended"] = must(list.SignJWT(shop.Key, shop.method()))
	require.NoError(t, values.Set(revoked, status.Suspended))
	list.Issued, list.Expires = noon.Add(-time.Minute), time.Time{}
	out["evidence-token-jwt"], out["evidence-token-cwt"] = must(list.SignJWT(shop.Key, shop.method())), must(list.SignCWT(shop.Key, shop.method()))
	const jsonSchema = `{"$id":"` + securedURL + `","$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"credentialSubject":{"properties":{"name":{"type":"string","maxLength":8}}}}}`
	out["evidence-schema"] = must(shop.issuer(nil, nil).AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"` + securedURL + `","type":["VerifiableCredential","JsonSchemaCredential"],
		"issuer":"` + shop.ID.String() + `","credentialSubject":{"id":"` + securedURL + `","type":"JsonSchema","jsonSchema":` + jsonSchema + `}}`)))
	out["evidence-plain-schema"] = []byte(strings.Replace(jsonSchema, securedURL, plainURL, 1))
	for _, index := range []int{revoked, revoked + 1} {
		name := "good"
		if index == revoked {
			name = "revoked"
		}
		entry := must(status.Entry{Purpose: status.Revocation, List: bitstringURL, Index: index}.MarshalJSON())
		out["status-bitstring-"+name] = written(shop, nil, nil, "", `"credentialStatus":`+string(entry))
		claim := must(status.Reference{Index: index, URI: tokenURL}.MarshalJSON())
		out["status-token-"+name] = must(jose.Format{}.Seal(shop.Key, &vc.Envelope{Document: document(shop.ID, drone.ID, "", ""), Method: shop.method(), Created: noon, Status: claim}))
	}
	for name, text := range map[string]string{"good": "Lynx 4", "unfit": "too long for it"} {
		subject := `"credentialSubject":{"id":"` + drone.ID.String() + `","name":"` + text + `"},`
		out["schema-plain-"+name] = written(shop, nil, nil, "", subject+`"credentialSchema":{"id":"`+plainURL+`","type":"JsonSchema"}`)
		out["schema-secured-"+name] = written(shop, nil, nil, "", subject+`"credentialSchema":[{"id":"`+securedURL+`","type":"JsonSchemaCredential"}]`)
	}

	// Presentations in every format.
	for name, by := range map[string]vc.Holder{
		"jcs": {}, "rdfc": {Suite: rdfc.EdDSARDFC2022{}}, "jose": {Format: jose.Format{}}, "sdjwt": {Format: sdjwt.Format{}},
		"cose": {Format: cose.Format{}}, "cwt": {Format: cose.CWT{}},
	} {
		by.ID, by.Key, by.Now = drone.ID, drone.Key, now
		out["presentation-"+name] = must(by.Present(asked, out["jcs-ed25519"], out["enveloped-jwt"]))
	}
	holder := vc.Holder{ID: drone.ID, Key: drone.Key, Now: now}
	out["presentation-nothing"] = must(holder.Present(asked))
	out["presentation-many"] = must(holder.Present(asked, out["rdfc-p256"], out["sd-derived-0"], out["enveloped-cose"], out["status-bitstring-good"], out["enveloped-sdjwt"]))
	out["presentation-of-revoked"] = must(holder.Present(asked, out["jcs-ed25519"], out["status-bitstring-revoked"]))
	bound, err := part.Bind(drone.Key, asked, noon)
	require.NoError(t, err)
	out["presentation-bound"] = []byte(bound.String())
	unnamed := fmt.Appendf(nil, `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"VerifiablePresentation","verifiableCredential":%s}`, out["jcs-ed25519"])
	unnamed, err = embedded(drone, vc.EdDSAJCS2022{}, unnamed, `"challenge":"`+asked.Nonce+`","domain":"`+asked.Domain+`",`, did.Authentication)
	out["presentation-unnamed"] = must(unnamed, err)
	out["presentation-v1-jwt"] = must(jws.Sign(drone.Key, jws.Header{Typ: "JWT"}, fmt.Appendf(nil,
		`{"iss":"%s","jti":"urn:example:p","nonce":"%s","aud":"%s","vp":{"@context":["https://www.w3.org/2018/credentials/v1"],"type":["VerifiablePresentation"],"verifiableCredential":["%s"]}}`,
		drone.ID, asked.Nonce, asked.Domain, out["v1-jwt"])))
	out["presentation-enveloped"] = []byte(`{"@context":"https://www.w3.org/ns/credentials/v2","id":"data:application/vp+jwt,` + string(out["presentation-jose"]) + `","type":"EnvelopedVerifiablePresentation"}`)
	return out
}

// document is a credential of the W3C's examples, unsecured. members stand before the
// subject, unless they have their own.
func document(issuer, subject did.DID, context, members string) []byte {
	if !strings.Contains(members, `"credentialSubject"`) {
		members = strings.TrimPrefix(members+`,"credentialSubject":{"id":"`+subject.String()+`","name":"Lynx 4"}`, ",")
	}
	return []byte(`{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"` + context + `],"id":"urn:example:2",
		"type":["VerifiableCredential","ExampleDegreeCredential"],"issuer":"` + issuer.String() + `","validFrom":"2026-01-01T00:00:00Z","validUntil":"2027-01-01T00:00:00Z",` + members + `}`)
}

// embed signs a document as it is, with a proof that has more members: what vc.Issuer makes has no id.
func embed(t testing.TB, by party, suite vc.Suite, document []byte, more string) []byte {
	t.Helper()
	signed, err := embedded(by, suite, document, more, did.AssertionMethod)
	require.NoError(t, err)
	return signed
}

func embedded(by party, suite vc.Suite, document []byte, more string, purpose did.Relationship) ([]byte, error) {
	doc, err := strictjson.Parse(document, strictjson.Limits{})
	if err != nil {
		return nil, err
	}
	if doc.Root().Kind() != strictjson.Object || doc.Root().Len() == 0 {
		return nil, fmt.Errorf("want an object with members, got %s", doc.Root().Kind())
	}
	options, err := jcs.Canonical(fmt.Appendf(nil, `{%s"type":"DataIntegrityProof","cryptosuite":"%s","created":"2026-11-22T12:00:00Z","proofPurpose":"%s","verificationMethod":"%s"}`,
		more, suite.Name(), purpose, by.method()))
	if err != nil {
		return nil, err
	}
	unsecured := jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})
	value, err := suite.Sign(by.Key, unsecured, options)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `%s,"proof":%s,"proofValue":"%s"}}`, unsecured[:len(unsecured)-1], options[:len(options)-1], value), nil
}

// embed2020 signs with Ed25519Signature2020, which no package here does.
func embed2020(t testing.TB, by party, document string) []byte {
	canonical, err := jcs.Canonical([]byte(document))
	require.NoError(t, err)
	options := fmt.Sprintf(`"created":"2026-11-22T12:00:00Z","proofPurpose":"assertionMethod","type":"Ed25519Signature2020","verificationMethod":"%s"}`, by.method())
	context, _, ok := strings.Cut(string(canonical), `,"credentialSubject"`)
	require.True(t, ok)
	c, err := rdfc.Canonicalize(nil, []byte(context+","+options), crypto.SHA256)
	require.NoError(t, err)
	d, err := rdfc.Canonicalize(nil, canonical, crypto.SHA256)
	require.NoError(t, err)
	hashes := [2][32]byte{sha256.Sum256(c), sha256.Sum256(d)}
	signature := ed25519.Sign(by.Key.(ed25519.PrivateKey), slices.Concat(hashes[0][:], hashes[1][:]))
	return fmt.Appendf(nil, `%s,"proof":{"proofValue":"%s",%s}`, canonical[:len(canonical)-1], multikey.EncodeBase58(signature), options)
}

// genuine returns what was issued once, by name.
func genuine(t testing.TB) map[string][]byte {
	t.Helper()
	if *update {
		require.NoError(t, os.RemoveAll("testdata/genuine"))
		require.NoError(t, os.MkdirAll("testdata/genuine", 0o755))
		for name, raw := range mint(t) {
			require.NoError(t, os.WriteFile(filepath.Join("testdata/genuine", name), raw, 0o644))
		}
		*update = false
	}
	files, err := os.ReadDir("testdata/genuine")
	require.NoError(t, err)
	out := map[string][]byte{}
	for _, f := range files {
		out[f.Name()], err = os.ReadFile(filepath.Join("testdata/genuine", f.Name()))
		require.NoError(t, err)
	}
	return out
}
