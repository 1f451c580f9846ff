package rdfc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// signed signs a document as it stands, with no check but the suite's own.
func signed(t testing.TB, suite vc.Suite, key crypto.Signer, document, purpose string) []byte {
	t.Helper()
	method, err := multikey.Encode(key.Public())
	require.NoError(t, err)
	options := fmt.Sprintf(`{"created":"2026-11-22T12:00:00Z","cryptosuite":%q,"proofPurpose":%q,"type":"DataIntegrityProof","verificationMethod":"did:key:%s#%s"}`,
		suite.Name(), purpose, method, method)
	value, err := suite.Sign(key, canonicalJSON(t, []byte(document)), []byte(options))
	require.NoError(t, err)
	return []byte(strings.TrimSuffix(document, "}") + `,"proof":` + strings.TrimSuffix(options, "}") + `,"proofValue":"` + value + `"}}`)
}

func TestRefused(t *testing.T) {
	key := newKey(t, "Ed25519")
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	other, err := multikey.Encode(newKey(t, "Ed25519").Public())
	require.NoError(t, err)
	const examples = `"https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"`
	document := func(contexts, members string) string {
		return `{"@context":[` + contexts + `],"type":["VerifiableCredential"],"issuer":"` + id.String() + `","credentialSubject":{"id":"did:x:drone","hours":812}` + members + `}`
	}
	good := signed(t, rdfc.EdDSARDFC2022{}, key, document(examples, ""), "assertionMethod")
	replace := func(old, new string) []byte {
		require.Contains(t, string(good), old)
		return []byte(strings.Replace(string(good), old, new, 1))
	}
	strict := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), Now: at(noon)}
	_, err = strict.Verify(t.Context(), good, vc.AnyIssuer)
	require.NoError(t, err)

	for _, tt := range []struct {
		name   string
		raw    []byte
		reason error
		says   string
	}{
		{"altered claim", replace("812", "813"), vc.ErrProof, "does not match"},
		{"claim taken away", replace(`,"hours":812`, ``), vc.ErrProof, "does not match"},
		{"claim added", replace(`"hours":812`, `"hours":812,"owner":"did:x:thief"`), vc.ErrProof, "does not match"},
		{"claim that says nothing added", replace(`"hours":812`, `"hours":812,"lien":[]`), vc.ErrProof, "drop"},
		{"claim that is null added", replace(`"hours":812`, `"hours":812,"lien":null`), vc.ErrProof, "drop"},
		{"claim repeated", replace(`"hours":812`, `"hours":[812,812]`), vc.ErrProof, "twice"},
		{"wrong key", bytes.ReplaceAll(good, []byte(strings.TrimPrefix(id.String(), "did:key:")), []byte(other)), vc.ErrProof, "does not match"},
		{"wrong purpose", signed(t, rdfc.EdDSARDFC2022{}, key, document(examples, ""), "authentication"), vc.ErrProof, "proofPurpose"},
		{"altered purpose", replace("assertionMethod", "authentication"), vc.ErrProof, "proofPurpose"},
		{"altered time of signing", replace("12:00:00Z", "11:00:00Z"), vc.ErrProof, "does not match"},
		{"stripped proof", []byte(document(examples, "")), vc.ErrProof, "no proof"},
		{"empty proof list", []byte(document(examples, `,"proof":[]`)), vc.ErrProof, "not empty"},
		{"proof without value", replace(`,"proofValue"`, `,"nonce"`), vc.ErrProof, "proofValue is missing"},
		{"proof value in another alphabet", replace(`"proofValue":"z`, `"proofValue":"u`), vc.ErrProof, "base58"},
		{"oversized proof value", replace(`"proofValue":"z`, `"proofValue":"z`+strings.Repeat("2", 300)), vc.ErrProof, "proofValue"},
		{"swapped suite, of another curve", replace("eddsa-rdfc-2022", "ecdsa-rdfc-2019"), vc.ErrProof, "needs a P-256"},
		{"swapped suite, over JSON", replace("eddsa-rdfc-2022", "eddsa-jcs-2022"), vc.ErrProof, "does not match"},
		{"swapped suite, of an own type", replace(`"cryptosuite":"eddsa-rdfc-2022",`, ``), vc.ErrProof, "not enabled"},
		{"swapped suite, older", bytes.Replace(replace(`"cryptosuite":"eddsa-rdfc-2022",`, ``), []byte("DataIntegrityProof"), []byte("Ed25519Signature2020"), 1), vc.ErrProof, "Ed25519Signature2020"},
		{"proof with a further member", replace(`"created"`, `"witness":"x","created"`), vc.ErrProof, "does not match"},
		{"proof with a member that no context defines", []byte(strings.NewReplacer(`,"https://www.w3.org/ns/credentials/examples/v2"`, ``, `,"hours":812`, ``, `"created"`, `"witness":"x","created"`).Replace(string(good))), vc.ErrContext, "not defined"},
		{"proof with contexts of its own", replace(`"created"`, `"@context":"https://www.w3.org/ns/credentials/v2","created"`), vc.ErrProof, "not the document's"},
		{"unknown context", []byte(document(examples+`,"https://x.example/v1"`, "")), vc.ErrContext, "not known"},
		{"undefined term", []byte(document(`"https://www.w3.org/ns/credentials/v2"`, "")), vc.ErrContext, "hours"},
		{"undefined type", bytes.Replace([]byte(document(`"https://www.w3.org/ns/credentials/v2"`, "")), []byte(`,"hours":812`), []byte(`,"type":"Drone"`), 1), vc.ErrContext, "Drone"},
		{"redefined protected term", []byte(document(examples+`,{"issuer":"https://x.example/issuer"}`, "")), vc.ErrContext, "written into the document"},
		{"duplicate member", replace(`"hours":812`, `"hours":812,"hours":813`), vc.ErrMalformed, "second member"},
		{"deep nesting", replace(`812`, strings.Repeat(`{"a":`, 100)+"1"+strings.Repeat("}", 100)), vc.ErrMalformed, "nested"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := strict.Verify(t.Context(), tt.raw, vc.AnyIssuer)
			var rejected *vc.RejectError
			require.ErrorAs(t, err, &rejected)
			require.ErrorIs(t, err, tt.reason)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

// The suites alone, where no verifier has looked at the document before, to sign or to verify.
func TestSuitesAreSafeAlone(t *testing.T) {
	contexts := rdfc.Contexts().WithInline()
	document := func(contexts, members string) string {
		return `{"@context":[` + contexts + `],"issuer":"did:x:y","type":"VerifiableCredential"` + members + `}`
	}
	const v2 = `"https://www.w3.org/ns/credentials/v2"`
	poison := func(n int) string { // n blank nodes, each of which refers to each
		nodes := make([]string, n)
		for i := range nodes {
			refs := make([]string, n)
			for j := range refs {
				refs[j] = fmt.Sprintf(`"_:n%d"`, j)
			}
			nodes[i] = fmt.Sprintf(`{"id":"_:n%d","p":[%s]}`, i, strings.Join(slices.Delete(refs, i, i+1), ","))
		}
		return document(v2+`,{"p":{"@id":"https://x.example/p","@type":"@id"}}`, `,"p":[`+strings.Join(nodes, ",")+`]`)
	}
	for _, tt := range []struct{ name, document, says string }{
		{"undefined term", document(v2, `,"hours":1`), "not defined"},
		{"undefined type", strings.Replace(document(v2, ""), `"VerifiableCredential"`, `["VerifiableCredential","Drone"]`, 1), "not defined"},
		{"relative identifier", document(v2, `,"id":"drone"`), "absolute IRI"},
		{"relative identifier below", document(v2, `,"credentialSubject":{"id":"drone"}`), "absolute IRI"},
		{"relative @base", document(v2+`,{"@base":"drones/"}`, ""), "@base"},
		{"absolute @base", document(v2+`,{"@base":"https://x.example/"}`, ""), "@base"},
		{"redefined protected term", document(v2+`,{"name":"https://x.example/name"}`, ""), "protects"},
		{"redefined protected type", document(v2+`,{"VerifiableCredential":"https://x.example/VC"}`, ""), "protects"},
		{"null context", document(v2+`,null`, ""), "null"},
		{"unknown context", document(v2+`,"https://x.example/v1"`, ""), "not known"},
		{"context by a relative URL", document(v2+`,"v1"`, ""), "not known"},
		{"imported context", document(v2+`,{"@import":"https://x.example/v1"}`, ""), "@import"},
		{"bad language", document(v2, `,"name":{"@value":"x","@language":"not a tag"}`), "cannot have"},
		{"VCDM 1.1 without the context of Data Integrity", document(`"https://www.w3.org/2018/credentials/v1"`, ""), `"DataIntegrityProof" is not defined`},
		{"no contexts", `{"type":"VerifiableCredential"}`, "@context"},
		{"no document", `[]`, "@context"},
		{"no JSON", `{`, "JSON"},
		{"poison graph", poison(16), "poison"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			for _, suite := range []vc.Suite{rdfc.EdDSARDFC2022{Contexts: contexts}, rdfc.ECDSARDFC2019{Contexts: contexts}} {
				key := newKey(t, map[string]string{"eddsa-rdfc-2022": "Ed25519", "ecdsa-rdfc-2019": "P-256"}[suite.Name()])
				options := []byte(`{"cryptosuite":"` + suite.Name() + `","proofPurpose":"assertionMethod","type":"DataIntegrityProof"}`)
				_, err := suite.Sign(key, []byte(tt.document), options)
				require.ErrorContains(t, err, tt.says)
				require.ErrorContains(t, suite.Verify(key.Public(), []byte(tt.document), options, multikey.EncodeBase58(make([]byte, 64))), tt.says)
			}
			if tt.name == "poison graph" {
				_, err := rdfc.Canonicalize(contexts, []byte(tt.document), crypto.SHA256)
				require.ErrorIs(t, err, rdf.ErrPoison)
				t.Log("refused five times in", time.Since(start))
			}
		})
	}

	// Keys of other kinds, which another suite would take.
	options := []byte(`{"cryptosuite":"eddsa-rdfc-2022","type":"DataIntegrityProof"}`)
	_, err := rdfc.EdDSARDFC2022{}.Sign(newKey(t, "P-256"), []byte(document(v2, "")), options)
	require.ErrorContains(t, err, "needs an Ed25519 key")
	_, err = rdfc.ECDSARDFC2019{}.Sign(newKey(t, "Ed25519"), []byte(document(v2, "")), options)
	require.ErrorContains(t, err, "needs a P-256 or P-384 key")
	// A proof of one suite is not signed nor verified by another.
	_, err = rdfc.ECDSARDFC2019{}.Sign(newKey(t, "P-256"), []byte(document(v2, "")), options)
	require.ErrorContains(t, err, "not ecdsa-rdfc-2019")
}

// ECDSA as the standards have it: of the two signatures (r, s) and (r, n-s) both hold, and nothing may tell
// credentials apart by them. Their digest is over the document without its proofs.
func TestHighSIsTakenAndChangesNoDigest(t *testing.T) {
	for _, alg := range []string{"P-256", "P-384"} {
		issuer := newIssuer(t, alg)
		raw := issued(t, issuer)
		var doc struct{ Proof struct{ ProofValue string } }
		require.NoError(t, json.Unmarshal(raw, &doc))
		signature, err := multikey.DecodeBase58(doc.Proof.ProofValue, 96)
		require.NoError(t, err)
		half, order := len(signature)/2, issuer.Key.Public().(*ecdsa.PublicKey).Params().N
		s := new(big.Int).SetBytes(signature[half:])
		s.Sub(order, s).FillBytes(signature[half:])
		twin := bytes.Replace(raw, []byte(doc.Proof.ProofValue), []byte(multikey.EncodeBase58(signature)), 1)
		require.NotEqual(t, raw, twin)

		v := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), Now: at(noon)}
		one, err := v.Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		two, err := v.Verify(t.Context(), twin, vc.AnyIssuer)
		require.NoError(t, err)
		require.Equal(t, one.Digest(), two.Digest())

		// (r, s+n) would be a third, if s were not held against the order.
		if s.Add(s, order); s.BitLen() <= 8*half {
			s.FillBytes(signature[half:])
			beyond := bytes.Replace(raw, []byte(doc.Proof.ProofValue), []byte(multikey.EncodeBase58(signature)), 1)
			_, err = v.Verify(t.Context(), beyond, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		}
	}
}

// Ed25519 has one signature for a message and key: another encoding of its s, or of its point, is refused.
func TestNonCanonicalEd25519IsRefused(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	document := []byte(`{"@context":"https://www.w3.org/ns/credentials/v2","type":"VerifiableCredential"}`)
	options := []byte(`{"cryptosuite":"eddsa-rdfc-2022","type":"DataIntegrityProof"}`)
	suite := rdfc.EdDSARDFC2022{}
	value, err := suite.Sign(key, document, options)
	require.NoError(t, err)
	require.NoError(t, suite.Verify(key.Public(), document, options, value))
	signature, err := multikey.DecodeBase58(value, 64)
	require.NoError(t, err)

	// s + L, little-endian (RFC 8032 §5.1.7 asks for 0 <= s < L).
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(signature[32:])
	slices.Reverse(s)
	var big32 [32]byte
	new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(big32[:])
	slices.Reverse(big32[:])
	higher := append(slices.Clone(signature[:32]), big32[:]...)
	require.Error(t, suite.Verify(key.Public(), document, options, multikey.EncodeBase58(higher)))

	// The identity as y = 1 + p, beside its encoding as y = 1, with a key of small order: R = A = identity, s = 0
	// would hold for every message if encodings were not compared.
	identity := append([]byte{1}, make([]byte, 31)...)
	alias := append([]byte{0xee}, bytes.Repeat([]byte{0xff}, 31)...)
	alias[31] = 0x7f
	forged := append(slices.Clone(alias), make([]byte, 32)...)
	require.Error(t, suite.Verify(ed25519.PublicKey(identity), document, options, multikey.EncodeBase58(forged)))

	// Base58 has one text for each signature: more ones in front, or other characters, are refused.
	for _, text := range []string{"", "z", value[1:], "z1" + value[1:], value + " ", strings.ToUpper(value), value[:len(value)-1], value + "1"} {
		require.Error(t, suite.Verify(key.Public(), document, options, text), text)
	}
}

// A presentation over RDF covers the credentials in it, each in a graph of its own: none can be altered, taken out, put in
// or held by another.
func TestPresentation(t *testing.T) {
	holder := newIssuer(t, "Ed25519")
	credential := func(alg, name string) []byte {
		issuer := newIssuer(t, alg)
		raw, err := issuer.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` +
			issuer.ID.String() + `","name":"` + name + `","credentialSubject":{"id":"` + holder.ID.String() + `"}}`))
		require.NoError(t, err)
		return raw
	}
	first, second := credential("Ed25519", "first"), credential("P-384", "second")
	h := &vc.Holder{ID: holder.ID, Key: holder.Key, Suite: rdfc.EdDSARDFC2022{}, Now: at(noon)}
	ask := vc.NewChallenge("lease.example")
	shown, err := h.Present(ask, first, second)
	require.NoError(t, err)
	v := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), Now: at(noon)}
	p, err := v.VerifyPresentation(t.Context(), shown, ask, vc.AnyIssuer)
	require.NoError(t, err)
	require.Len(t, p.Credentials(), 2)

	third := credential("Ed25519", "third")
	for name, altered := range map[string][]byte{
		"a credential taken out": bytes.Replace(shown, append([]byte(","), second...), nil, 1),
		"a credential put in":    bytes.Replace(shown, second, append(append(slices.Clone(second), ','), third...), 1),
		"a credential exchanged": bytes.Replace(shown, second, third, 1),
		"a credential altered":   bytes.Replace(shown, []byte(`"second"`), []byte(`"secund"`), 1),
		"a credential twice":     bytes.Replace(shown, second, append(append(slices.Clone(second), ','), second...), 1),
		"a proof taken out":      bytes.Replace(shown, second, []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"data:application/vc+jwt,e30.e30.","type":"EnvelopedVerifiableCredential"}`), 1),
	} {
		require.NotEqual(t, string(shown), string(altered), name)
		_, err := v.VerifyPresentation(t.Context(), altered, ask, vc.AnyIssuer)
		require.Error(t, err, name)
	}
	_, err = v.VerifyPresentation(t.Context(), shown, vc.NewChallenge("lease.example"), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrChallenge)
}
