package mldsa_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/mldsa"
	"github.com/hourmeter/hourmeter/vc/record"
)

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// hybrid returns a credential with a proof set: Ed25519 by the issuer, ML-DSA-44
// by a second DID of theirs.
func hybrid(t testing.TB) (raw []byte, classic, quantum did.DID) {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	ml, err := mldsa.GenerateKey()
	require.NoError(t, err)
	classic, err = did.NewKey(ed.Public())
	require.NoError(t, err)
	quantum, err = did.NewKey(ml.Public())
	require.NoError(t, err)

	document, ok := record.Example("MaintenanceCredential")
	require.True(t, ok)
	_, rest, _ := strings.Cut(string(document), `"issuer"`)
	document = bytes.ReplaceAll(document, []byte(strings.Split(rest, `"`)[1]), []byte(classic.String()))
	raw, err = (&vc.Issuer{ID: classic, Key: ed, Now: now}).AddProof(document)
	require.NoError(t, err)
	raw, err = (&vc.Issuer{ID: quantum, Key: ml, Suite: mldsa.MLDSA44JCS2024{}, Now: now}).AddProof(raw)
	require.NoError(t, err)
	return raw, classic, quantum
}

func TestHybridProofSet(t *testing.T) {
	raw, classic, quantum := hybrid(t)
	verifier := &vc.Verifier{Suites: mldsa.Suites(), Now: now}
	both := mldsa.Hybrid(vc.IssuedBy(classic), quantum)
	v, err := verifier.Verify(t.Context(), raw, both)
	require.NoError(t, err)
	require.Equal(t, []did.DID{classic, quantum}, v.Signers())

	// Who does not know the suite does not pass over it.
	_, err = (&vc.Verifier{Now: now}).Verify(t.Context(), raw, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrProof)

	first, second := strings.Index(string(raw), `"proof":[`)+len(`"proof":`), strings.Index(string(raw), `},{`)
	stripped := string(raw[:first]) + string(raw[first+1:second+1]) + "}"
	_, err = verifier.Verify(t.Context(), []byte(stripped), vc.AnyIssuer)
	require.NoError(t, err, "one proof of a set can be taken away")
	other, _ := did.NewKey(make(ed25519.PublicKey, 32))
	for _, tt := range []struct {
		name, raw string
		accept    vc.Accept
		want      error
	}{
		{"without its second proof", stripped, both, vc.ErrNotAccepted},
		{"with the second proof of somebody else", string(raw), mldsa.Hybrid(vc.AnyIssuer, classic, other), vc.ErrNotAccepted},
		{"altered", strings.Replace(string(raw), `"MaintenanceCredential"`, `"InspectionCredential"`, 1), both, vc.ErrContext},
		{"altered claim", strings.Replace(string(raw), `"available"`, `"unavailable"`, 1), both, vc.ErrProof},
		{"with another suite's name", strings.Replace(string(raw), "mldsa44-jcs-2024", "eddsa-jcs-2022", 1), both, vc.ErrProof},
		{"with a shorter signature", strings.Replace(string(raw), `"proofValue":"u`, `"proofValue":"uAAAA`, 1), both, vc.ErrProof},
		{"signature in base58", strings.Replace(string(raw), `"proofValue":"u`, `"proofValue":"z`, 1), both, vc.ErrProof},
	} {
		_, err := verifier.Verify(t.Context(), []byte(tt.raw), tt.accept)
		require.ErrorIs(t, err, tt.want, tt.name)
	}
}

func TestKeys(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, mldsa.SeedSize)
	key, err := mldsa.NewPrivateKey(seed)
	require.NoError(t, err)
	require.Equal(t, seed, key.Seed())
	for _, format := range []string{"%v", "%s", "%+v", "%#v"} {
		require.Equal(t, "ML-DSA-44 private key", fmt.Sprintf(format, key))
	}
	_, err = mldsa.NewPrivateKey(seed[1:])
	require.EqualError(t, err, "mldsa: a seed has 32 bytes, not 31")
	_, err = key.Sign(nil, make([]byte, 32), crypto.SHA256)
	require.Error(t, err)

	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	require.Less(t, len(id.URL(id.Identifier()).String()), did.MaxLength)
	method := id.URL(id.Identifier())
	public, err := did.Key(t.Context(), nil, method, did.AssertionMethod, did.Version{})
	require.NoError(t, err)
	require.Equal(t, key.Public(), public)
	_, err = did.Key(t.Context(), nil, method, did.KeyAgreement, did.Version{})
	require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
	resolution, err := did.Offline{}.Resolve(t.Context(), id, did.Version{})
	require.NoError(t, err)
	require.Empty(t, resolution.Document.KeyAgreement)
	text, err := resolution.Document.MarshalJSON()
	require.NoError(t, err)
	again, err := did.ParseDocument(text)
	require.NoError(t, err)
	public, err = again.Key(method, did.Authentication)
	require.NoError(t, err)
	require.Equal(t, key.Public(), public)

	_, err = did.Offline{}.Resolve(t.Context(), did.MustParse(id.String()[:len(id.String())-3]), did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDID)
	_, err = did.NewJWK(key.Public())
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
}

// A suite is asked for the right kind of key, whatever it is handed.
func TestSuiteRefusesOtherKeys(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(nil)
	_, err := mldsa.MLDSA44JCS2024{}.Sign(ed, nil, nil)
	require.ErrorContains(t, err, "needs an ML-DSA-44 key")
	require.ErrorContains(t, mldsa.MLDSA44JCS2024{}.Verify(ed.Public(), nil, nil, ""), "needs an ML-DSA-44 key")
}

// The credential that the W3C's community group published with its report
// (w3c-ccg/di-quantum-safe, testVectors/mldsa44-jcs-2024): the signature holds. Its
// issuer is another DID, which did not sign, and its context is not one we pin.
func TestPublishedVector(t *testing.T) {
	raw, err := os.ReadFile("testdata/signed-mldsa44-jcs-2024.json")
	require.NoError(t, err)
	doc, err := strictjson.Parse(raw, strictjson.Limits{})
	require.NoError(t, err)
	proof := doc.Root().Member("proof")
	method, err := did.ParseURL(proof.Member("verificationMethod").Text())
	require.NoError(t, err)
	method.Fragment = method.DID.Identifier() // which theirs lacks
	key, err := did.Key(t.Context(), nil, method, did.AssertionMethod, did.Version{})
	require.NoError(t, err)

	document := jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})
	options := jcs.Append(nil, proof, jcs.Override{Name: "proofValue"}, jcs.Override{Name: "@context", Canonical: jcs.Append(nil, doc.Root().Member("@context"))})
	value := proof.Member("proofValue").Text()
	require.NoError(t, mldsa.MLDSA44JCS2024{}.Verify(key, document, options, value))
	require.Error(t, mldsa.MLDSA44JCS2024{}.Verify(key, document[1:], options, value))
}

func FuzzVerify(f *testing.F) {
	key, err := mldsa.NewPrivateKey(make([]byte, mldsa.SeedSize))
	require.NoError(f, err)
	good, err := mldsa.MLDSA44JCS2024{}.Sign(key, []byte("{}"), []byte("{}"))
	require.NoError(f, err)
	f.Add(good)
	f.Add("u")
	f.Add("z" + good[1:])
	f.Fuzz(func(t *testing.T, value string) {
		err := mldsa.MLDSA44JCS2024{}.Verify(key.Public(), []byte("{}"), []byte("{}"), value)
		require.Error(t, mldsa.MLDSA44JCS2024{}.Verify(key.Public(), []byte("[]"), []byte("{}"), value))
		if value == good {
			require.NoError(t, err)
		}
	})
}

// A proof by each scheme, and both, beside the bare Ed25519 check.
func BenchmarkVerify(b *testing.B) {
	raw, classic, _ := hybrid(b)
	verifier := &vc.Verifier{Suites: mldsa.Suites(), Now: now}
	public, ed, _ := ed25519.GenerateKey(nil)
	digest := sha256.Sum256(raw)
	signature := ed25519.Sign(ed, digest[:])
	start := time.Now()
	const bare = 2000
	for range bare {
		ed25519.Verify(public, digest[:], signature)
	}
	check := time.Since(start).Seconds() / bare
	b.Run("hybrid", func(b *testing.B) {
		for b.Loop() {
			if _, err := verifier.Verify(b.Context(), raw, vc.IssuedBy(classic)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/check, "checks")
	})
}
