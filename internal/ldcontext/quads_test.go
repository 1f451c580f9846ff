package ldcontext

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/piprate/json-gold/ld"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc/record"
)

// The published documents of the RDF cryptosuites, beside the canonical form that their authors computed.
func TestPublishedCanonicalForms(t *testing.T) {
	s := older(t)
	for _, tt := range []struct{ document, canonical string }{
		{"w3c-vc-di-eddsa/unsigned.json", "w3c-vc-di-eddsa/eddsa-rdfc-2022/canonDocDataInt.txt"},
	} {
		text, err := os.ReadFile(shared.Path(t, "vectors", tt.document))
		require.NoError(t, err)
		want, err := os.ReadFile(shared.Path(t, "vectors", tt.canonical))
		require.NoError(t, err)
		require.Equal(t, string(want), canonical(t, s, parse(t, string(text))), tt.document)
	}
}

// older returns the compiled-in contexts and those that published vectors list.
func older(t *testing.T) *Set {
	s := Default()
	for _, url := range []string{CredentialsV1, "https://w3id.org/security/suites/ed25519-2020/v1", "https://w3id.org/vdl/v1"} {
		text, err := os.ReadFile(shared.Path(t, "vectors", "contexts", strings.ReplaceAll(strings.TrimPrefix(url, "https://"), "/", "_")+".json"))
		require.NoError(t, err)
		s, err = s.With(url, text)
		require.NoError(t, err)
	}
	return s
}

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

// oracle returns the canonical form by way of json-gold, an implementation of the whole of JSON-LD.
func oracle(s *Set, text string) (string, error) {
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
}
