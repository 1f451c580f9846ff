package rdfc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

func file(t testing.TB, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(shared.Path(t, append([]string{"vectors"}, elem...)...))
	require.NoError(t, err)
	return b
}

// keyPair reads a published key pair (multicodec ed25519-priv, p256-priv, p384-priv).
func keyPair(t testing.TB, elem ...string) crypto.Signer {
	t.Helper()
	var keys map[string]string
	require.NoError(t, json.Unmarshal(file(t, elem...), &keys))
	return secretKey(t, keys["secretKeyMultibase"]+keys["privateKeyMultibase"])
}

func secretKey(t testing.TB, text string) crypto.Signer {
	t.Helper()
	b, err := multikey.DecodeBase58(text, 128)
	require.NoError(t, err)
	switch string(b[:2]) {
	case "\x80\x26":
		return ed25519.NewKeyFromSeed(b[2:])
	case "\x86\x26":
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b[2:])
		require.NoError(t, err)
		return key
	case "\x87\x26":
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), b[2:])
		require.NoError(t, err)
		return key
	}
	t.Fatalf("unknown secret key prefix %x", b[:2])
	return nil
}

func canonicalJSON(t testing.TB, text []byte) []byte {
	t.Helper()
	out, err := jcs.Canonical(text)
	require.NoError(t, err)
	return out
}

// without returns the document in RFC 8785 form without its proof, and the proof without its value.
func without(t testing.TB, signed []byte) (document, options []byte, proofValue string) {
	t.Helper()
	d, err := strictjson.Parse(signed, strictjson.Limits{})
	require.NoError(t, err)
	proof := d.Root().Member("proof")
	return jcs.Append(nil, d.Root(), jcs.Override{Name: "proof"}),
		jcs.Append(nil, proof, jcs.Override{Name: "proofValue"}), proof.Member("proofValue").Text()
}

// The W3C's vectors print every intermediate value: ours are the same.
func TestW3CVectors(t *testing.T) {
	for _, tt := range []struct {
		folder, name, suffix, document, keys string
		suite                                vc.Suite
		hash                                 crypto.Hash
	}{
		{"w3c-vc-di-eddsa", "eddsa-rdfc-2022", "DataInt", "unsigned.json", "keyPair.json", rdfc.EdDSARDFC2022{}, crypto.SHA256},
		{"w3c-vc-di-eddsa", "eddsa-rdfc-2022/employ", "DataInt", "employmentAuth.json", "keyPair.json", rdfc.EdDSARDFC2022{}, crypto.SHA256},
		{"w3c-vc-di-eddsa", "Ed25519Signature2020", "EdSig", "unsigned.json", "keyPair.json", rdfc.Ed25519Signature2020{}, crypto.SHA256},
		{"w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p256", "ECDSAP256", "unsigned.json", "p256KeyPair.json", rdfc.ECDSARDFC2019{}, crypto.SHA256},
		{"w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p256/employ", "ECDSAP256", "employmentAuth.json", "p256KeyPair.json", rdfc.ECDSARDFC2019{}, crypto.SHA256},
		{"w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p384", "ECDSAP384", "unsigned.json", "p384KeyPair.json", rdfc.ECDSARDFC2019{}, crypto.SHA384},
		{"w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p384/employ", "ECDSAP384", "employmentAuth.json", "p384KeyPair.json", rdfc.ECDSARDFC2019{}, crypto.SHA384},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vector := func(name, ext string) string {
				return string(bytes.TrimSpace(file(t, tt.folder, tt.name, name+tt.suffix+ext)))
			}
			key := keyPair(t, tt.folder, tt.keys)
			sum := func(text []byte) string {
				if tt.hash == crypto.SHA384 {
					s := sha512.Sum384(text)
					return hex.EncodeToString(s[:])
				}
				s := sha256.Sum256(text)
				return hex.EncodeToString(s[:])
			}

			document, options, proofValue := without(t, []byte(vector("signed", ".json")))
			require.Equal(t, vector("sigBTC58", ".txt"), proofValue)
			canonical, err := rdfc.Canonicalize(nil, document, tt.hash)
			require.NoError(t, err)
			require.Equal(t, vector("canonDoc", ".txt"), strings.TrimSpace(string(canonical)))
			require.Equal(t, vector("docHash", ".txt"), sum(canonical))
			if tt.name != "Ed25519Signature2020" { // it lists one more context
				same, err := rdfc.Canonicalize(nil, file(t, tt.folder, tt.document), tt.hash)
				require.NoError(t, err)
				require.Equal(t, string(canonical), string(same))
			}
			config := canonicalJSON(t, []byte(vector("proofConfig", ".json")))
			canonical, err = rdfc.Canonicalize(nil, config, tt.hash)
			require.NoError(t, err)
			require.Equal(t, vector("proofCanon", ".txt"), strings.TrimSpace(string(canonical)))
			require.Equal(t, vector("proofHash", ".txt"), sum(canonical))

			require.NoError(t, tt.suite.Verify(key.Public(), document, options, proofValue))
			require.NoError(t, tt.suite.Verify(key.Public(), document, config, proofValue)) // with the document's @context
			ours, err := tt.suite.Sign(key, document, options)
			if tt.name == "Ed25519Signature2020" {
				require.ErrorContains(t, err, "only verified")
			} else {
				require.NoError(t, err)
				require.NoError(t, tt.suite.Verify(key.Public(), document, options, ours))
				if _, deterministic := key.(ed25519.PrivateKey); deterministic {
					require.Equal(t, proofValue, ours)
				}
			}

			// The signed document as a verifier takes it: everything holds but the issuer, an https URL that nothing
			// binds to the did:key of the proof.
			v := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts()}
			report := v.Report(t.Context(), []byte(vector("signed", ".json")), vc.AnyIssuer)
			outcomes := map[vc.Check]vc.Outcome{}
			for _, f := range report.Findings {
				outcomes[f.Check] = f.Outcome
			}
			for _, check := range []vc.Check{vc.CheckJSON, vc.CheckDataModel, vc.CheckContext, vc.CheckProof} {
				require.Equal(t, vc.Pass, outcomes[check], "%s: %v", check, report.Err)
			}
		})
	}
	shared.Tally(t, "eddsa-rdfc-2022", "W3C, every intermediate value", 2, 2, "")
	shared.Tally(t, "ecdsa-rdfc-2019 (P-256, P-384)", "W3C, every intermediate value", 4, 4, "")
	shared.Tally(t, "Ed25519Signature2020 (verified only)", "W3C, every intermediate value", 1, 1, "")
}

// Proofs in sets and chains, each signed by another key.
func TestW3CProofSetsAndChains(t *testing.T) {
	v := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), InsecureUnboundIssuer: true}
	for _, name := range []string{"signedProofSet1.json", "signedProofSet2.json", "signedProofChain1.json", "signedProofChain2.json"} {
		t.Run(name, func(t *testing.T) {
			text := file(t, "w3c-vc-di-eddsa", "proof-set-chain", name)
			_, err := v.Verify(t.Context(), text, vc.AnyIssuer)
			require.NoError(t, err)
			broken := bytes.Replace(text, []byte("The School of Examples"), []byte("the School of Examples"), 1)
			_, err = v.Verify(t.Context(), broken, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		})
	}
	shared.Tally(t, "eddsa-rdfc-2022", "W3C, proof sets and chains", 4, 4, "")
}

// One suite's traffic with a reference server: what it signed, we verify; what it was sent to be issued and
// took, we take, and refuse what it refused. What is refused for its data model is refused by package vc.
func TestW3CRecorded(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	signed, presented, taken, refused := 0, 0, 0, 0
	for _, line := range bytes.Split(bytes.TrimSpace(file(t, "w3c-recorded", "vc-data-model-2.0-test-suite.jsonl")), []byte("\n")) {
		var r struct {
			Path, Expected string
			Body           struct{ Credential, VerifiableCredential, VerifiablePresentation json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(line, &r))
		switch {
		case r.Body.Credential != nil && r.Path == "/eddsa-rdfc-2022/credentials/issue":
			document, err := jcs.Canonical(r.Body.Credential)
			if err == nil {
				var method, err2 = multikey.Encode(key.Public())
				require.NoError(t, err2)
				options := `{"cryptosuite":"eddsa-rdfc-2022","proofPurpose":"assertionMethod","type":"DataIntegrityProof","verificationMethod":"did:key:` + method + "#" + method + `"}`
				_, err = rdfc.EdDSARDFC2022{Contexts: rdfc.Contexts().WithInline()}.Sign(key, document, []byte(options))
			}
			if r.Expected == "accept" {
				require.NoError(t, err, string(line))
				taken++
			} else if err != nil {
				refused++
			}
		case r.Expected == "accept" && r.Body.VerifiablePresentation == nil && bytes.Contains(r.Body.VerifiableCredential, []byte("eddsa-rdfc-2022")):
			v := &vc.Verifier{Suites: rdfc.Suites(rdfc.Contexts().WithInline()), Contexts: rdfc.Contexts().WithInline(), InsecureUnboundIssuer: true}
			_, err := v.Verify(t.Context(), r.Body.VerifiableCredential, vc.AnyIssuer)
			require.NoError(t, err, string(line))
			signed++
		case r.Expected == "accept" && bytes.Contains(r.Body.VerifiablePresentation, []byte("proofValue")):
			// Its proof is over the credentials within it, in graphs of their own.
			document, options, proofValue := without(t, r.Body.VerifiablePresentation)
			_, method, _ := strings.Cut(string(options), "#")
			method, _, _ = strings.Cut(method, `"`)
			public, err := multikey.Decode(method)
			require.NoError(t, err)
			require.NoError(t, rdfc.EdDSARDFC2022{Contexts: rdfc.Contexts().WithInline()}.Verify(public, document, options, proofValue), string(line))
			presented++
		}
	}
	t.Logf("%d credentials and %d presentations verified, %d credentials signed, %d refused by RDF alone", signed, presented, taken, refused)
	require.Equal(t, 9, presented)
	shared.Tally(t, "eddsa-rdfc-2022", "W3C suite, signed by a reference server", signed+presented, 11, "")
	require.Equal(t, 49, taken)
	require.Equal(t, 2, signed)
	require.Greater(t, refused, 10)
}

// Credentials of VCDM 1.1 and 2.0 that a W3C suite signed itself, in chains of proofs that hold or name a proof that is
// not there.
func TestW3CPreviousProofs(t *testing.T) {
	folder := shared.Path(t, "vectors", "w3c-di-assertion-inputs", "inputs", "eddsa-rdfc-2022")
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	v := &vc.Verifier{Suites: rdfc.Suites(rdfc.Contexts().WithInline()), Contexts: rdfc.Contexts().WithInline(), V1: true, InsecureUnboundIssuer: true}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			text, err := os.ReadFile(folder + "/" + f.Name())
			require.NoError(t, err)
			verified, err := v.Verify(t.Context(), text, vc.AnyIssuer)
			if strings.Contains(f.Name(), "Fail") {
				var rejected *vc.RejectError
				require.ErrorAs(t, err, &rejected)
				return
			}
			require.NoError(t, err)
			require.EqualValues(t, f.Name()[:3], verified.DataModel())
		})
	}
	require.Len(t, files, 12)
	shared.Tally(t, "eddsa-rdfc-2022", "W3C suite, previousProof in VCDM 1.1 and 2.0", 12, 12, "")
}

// The credentials that W3C suites have issued, with contexts of their own: what we sign of them verifies, and json-gold
// reads them as we do.
func TestW3CCredentialsToIssue(t *testing.T) {
	contexts := rdfc.Contexts().WithInline()
	for _, name := range []string{"dl-v1.json", "dl-v2.json"} {
		var fixture struct{ Credential map[string]any }
		require.NoError(t, json.Unmarshal(file(t, "w3c-di-assertion-inputs", "tests", "fixtures", "credentials", name), &fixture))
		for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
			issuer := newIssuer(t, alg)
			issuer.Contexts, issuer.V1 = contexts, true
			if alg == "Ed25519" {
				issuer.Suite = rdfc.EdDSARDFC2022{Contexts: contexts}
			} else {
				issuer.Suite = rdfc.ECDSARDFC2019{Contexts: contexts}
			}
			fixture.Credential["issuer"] = issuer.ID
			if list := fixture.Credential["@context"].([]any); name == "dl-v1.json" && len(list) == 2 {
				fixture.Credential["@context"] = append(list, "https://w3id.org/security/data-integrity/v2")
			}
			text, err := json.Marshal(fixture.Credential)
			require.NoError(t, err)
			raw, err := issuer.AddProof(text)
			require.NoError(t, err, name)
			v := &vc.Verifier{Suites: rdfc.Suites(contexts), Contexts: contexts, V1: true, Now: at(noon)}
			_, err = v.Verify(t.Context(), raw, vc.AnyIssuer)
			require.NoError(t, err, name)
			_, err = v.Verify(t.Context(), bytes.Replace(raw, []byte("1990"), []byte("1991"), 1), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
		}
	}
}
