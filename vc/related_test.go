package vc

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/integrity"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func parsed(t testing.TB, text string) strictjson.Value {
	t.Helper()
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	require.NoError(t, err)
	return doc.Root()
}

// What the W3C's suite for VCDM 2.0 sends about relatedResource, with the digests of the context
// credentials/v2 that the standard prints.
func TestDigestsOfRelatedResources(t *testing.T) {
	const (
		sri       = `"digestSRI":"sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"`
		multibase = `"digestMultibase":"uEiBZlVztZpfWHgPyslVv6-UwirFoQoRvW1htfx963sknNA"`
		v2        = `"id":"https://www.w3.org/ns/credentials/v2"`
		own       = `"id":"https://example.com/manual.pdf"`
		hello     = `"digestSRI":"sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"`
	)
	resources := map[string][]byte{
		"https://example.com/manual.pdf":       []byte("alert('Hello, world.');"),
		"https://www.w3.org/ns/credentials/v2": []byte("not the context"), // a caller cannot replace a context
	}
	for _, c := range []struct{ name, related, err string }{
		{"digestSRI of a context", `{` + v2 + `,` + sri + `}`, ""},
		{"digestMultibase of a context", `{` + v2 + `,` + multibase + `}`, ""},
		{"both", `[{` + v2 + `,"mediaType":"application/ld+json",` + sri + `,` + multibase + `}]`, ""},
		{"a resource of the caller's", `{` + own + `,` + hello + `}`, ""},
		{"a resource that is not at hand", `{"id":"https://example.com/other",` + hello + `}`, ""},
		{"a digest that is not at hand need not be read", `{"id":"https://example.com/other","digestSRI":"sha1-AAAA"}`, ""},

		{"a context of another digest", `{` + v2 + `,` + hello + `}`, "another digest"},
		{"a resource of another digest", `[{` + v2 + `,` + sri + `},{` + own + `,` + sri + `}]`, "another digest"},
		{"one of two does not hold", `{` + v2 + `,` + hello + `,` + multibase + `}`, "another digest"},
		{"base64url in digestSRI", `{` + v2 + `,"digestSRI":"sha384-_rCVIV7fSXXTNIvpiq26jRDyj8JG8TDjij-tD0ewLk4JpnXEz6a5AeeY_1qQ0d0P"}`, "base64"},
		{"a bare digest", `{` + v2 + `,"digestMultibase":"uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}`, "no multihash"},
		{"a second digest that is no string", `{` + v2 + `,` + sri + `,"digestMultibase":["` + `uEiA"]}`, "want a string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkDigests(parsed(t, c.related), nil, resources)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
			if c.err == "another digest" {
				require.ErrorIs(t, err, integrity.ErrMismatch)
			}
		})
	}
	require.NoError(t, checkDigests(strictjson.Value{}, nil, nil))
}

// The requests that the W3C's suite made about relatedResource are answered as recorded.
func TestRecordedRelatedResources(t *testing.T) {
	file, err := os.Open(shared.Path(t, "vectors", "w3c-recorded", "vc-data-model-2.0-test-suite.jsonl"))
	require.NoError(t, err)
	defer file.Close()
	n := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		root := parsed(t, lines.Text())
		related := root.Member("body").Member("credential").Member("relatedResource")
		if !related.Exists() {
			continue
		}
		n++
		err := checkRelated(related)
		if err == nil {
			err = checkDigests(related, nil, nil)
		}
		require.Equal(t, root.Member("expected").Text(), map[bool]string{true: "accept", false: "reject"}[err == nil], "%s: %v", related.Raw(), err)
	}
	require.NoError(t, lines.Err())
	require.Equal(t, 9, n, fmt.Sprintf("%d requests", n))
}

// A resource that a verifier has at hand is the one that the issuer had.
func TestRelatedResourcesAreCompared(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	const manual = "https://maker.example/lynx4/manual"
	credential := `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + id.String() + `",` +
		`"credentialSubject":{"id":"` + id.String() + `"},"relatedResource":{"id":"` + manual + `","digestSRI":"sha256-` + sriOf("fly level") + `"}}`
	mine := map[string][]byte{manual: []byte("fly level")}
	other := map[string][]byte{manual: []byte("fly upside down")}

	_, err = (&Issuer{ID: id, Key: key, Resources: other}).AddProof([]byte(credential))
	require.ErrorContains(t, err, manual)
	raw, err := (&Issuer{ID: id, Key: key, Resources: mine}).AddProof([]byte(credential))
	require.NoError(t, err)
	for _, at := range []map[string][]byte{nil, mine} {
		_, err = (&Verifier{Resources: at}).Verify(t.Context(), raw, AnyIssuer)
		require.NoError(t, err)
	}
	verifier := &Verifier{Resources: other}
	_, err = verifier.Verify(t.Context(), raw, AnyIssuer)
	require.ErrorIs(t, err, ErrResource)
	report := verifier.Report(t.Context(), raw, AnyIssuer)
	require.ErrorIs(t, report.Err, ErrResource)
	for _, f := range report.Findings {
		require.Equal(t, f.Check == CheckResource, f.Outcome == Fail, f)
	}
}

func sriOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
