package vc

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// The W3C's VCDM 2.0 test suite asks an issuer to sign good credentials and to
// refuse bad ones. We answer as it expects, also to credentials with contexts of
// their own, which have to be asked for: nobody can pin them.
func TestW3CDataModelSuite(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	strict := &Issuer{ID: id, Key: key}
	lenient := &Issuer{ID: id, Key: key, Contexts: new(Contexts).WithInline()}
	f, err := os.Open(shared.Path(t, "vectors", "w3c-recorded", "vc-data-model-2.0-test-suite.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	var agree, inline int
	for lines.Scan() {
		var r struct {
			Expected, RefReason string
			Body                struct{ Credential json.RawMessage }
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r))
		if r.Body.Credential == nil {
			continue
		}
		// The suite's issuer is its reference server; here it is us.
		theirs := []byte("did:key:z6MkpJySvETLnxhQG9DzEdmKJtysBDjuuTeDfUj1uNNCUqcj")
		credential := bytes.ReplaceAll(r.Body.Credential, theirs, []byte(id.String()))
		_, err := lenient.AddProof(credential)
		if (err == nil) != (r.Expected == "accept") {
			t.Errorf("%s expected, got %v: %s", r.Expected, err, r.Body.Credential)
			continue
		}
		agree++
		if _, refused := strict.AddProof(credential); err == nil && refused != nil {
			require.ErrorContains(t, refused, "is written into the document")
			inline++
		}
	}
	require.Equal(t, []int{95, 11}, []int{agree, inline})
	shared.Tally(t, "VCDM 2.0", "W3C suite, requests to an issuer", agree, 95, "")
}

// The contexts of VCDM 1.1 have no words for a proof: a signature under them would be one that no
// verifier reads.
func TestIssueV1NeedsTheTermsOfItsProof(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	const v1, terms = "https://www.w3.org/2018/credentials/v1", "https://w3id.org/security/data-integrity/v2"
	contexts, err := new(Contexts).With(v1, []byte(`{"@context":{"id":"@id","type":"@type",
		"VerifiableCredential":"x:c","issuer":"x:i","issuanceDate":"x:d","credentialSubject":"x:s"}}`)) // as much of it as this needs
	require.NoError(t, err)
	issuer := &Issuer{ID: id, Key: key, Contexts: contexts, V1: true}
	verifier := &Verifier{Contexts: contexts, V1: true}
	document := func(contexts string) []byte {
		return []byte(`{"@context":` + contexts + `,"type":["VerifiableCredential"],"issuer":"` + id.String() + `","issuanceDate":"2026-01-01T00:00:00Z","credentialSubject":{"id":"did:example:drone"}}`)
	}
	_, err = issuer.AddProof(document(`["` + v1 + `"]`))
	require.ErrorContains(t, err, `with the proof: JSON-LD: /proof`)
	signed, err := issuer.AddProof(document(`["` + v1 + `","` + terms + `"]`))
	require.NoError(t, err)
	v, err := verifier.Verify(t.Context(), signed, IssuedBy(id))
	require.NoError(t, err)
	require.Equal(t, VCDM1, v.DataModel())
}
