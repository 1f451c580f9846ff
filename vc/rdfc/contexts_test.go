package rdfc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/vc"
)

func TestContextsAreThePublishedBytes(t *testing.T) {
	sources, err := os.ReadFile("context/SOURCES.md")
	require.NoError(t, err)
	c := Contexts()
	require.Same(t, c, Contexts())
	for _, p := range contexts {
		text, ok := c.Document(p.url)
		require.True(t, ok, p.url)
		sum := sha256.Sum256([]byte(text))
		require.Equal(t, p.sha256, hex.EncodeToString(sum[:]), p.url)
		require.Contains(t, string(sources), "|"+p.url+"|", p.url)
		require.Contains(t, string(sources), p.sha256, p.url)
	}

	published := 0
	files, err := os.ReadDir(shared.Path(t, "vectors", "contexts"))
	require.NoError(t, err)
	for _, f := range files {
		url := "https://" + strings.ReplaceAll(strings.TrimSuffix(f.Name(), ".json"), "_", "/")
		copied, err := os.ReadFile(shared.Path(t, "vectors", "contexts", f.Name()))
		require.NoError(t, err)
		text, ok := c.Document(url)
		switch {
		case strings.HasSuffix(url, "ed25519-2020/v1"):
			require.True(t, ok)
			continue // an older draft: see SOURCES.md
		case strings.HasSuffix(url, "rc1"):
			continue // a draft of cid/v1
		}
		require.True(t, ok, url)
		require.Equal(t, string(copied), text, url)
		published++
	}
	require.Equal(t, 10, published)
}

// What the two contexts of Ed25519Signature2020 differ in is not what a proof of it says.
func TestBothContextsOfEd25519Signature2020MeanTheSameProof(t *testing.T) {
	const url = "https://w3id.org/security/suites/ed25519-2020/v1"
	draft, err := os.ReadFile(shared.Path(t, "vectors", "contexts", "w3id.org_security_suites_ed25519-2020_v1.json"))
	require.NoError(t, err)
	var c *vc.Contexts
	c, err = c.With(url, draft)
	require.NoError(t, err)
	proof, err := json.Marshal(map[string]any{
		"@context": []string{"https://www.w3.org/ns/credentials/v2", url}, "type": "Ed25519Signature2020",
		"created": "2023-02-24T23:36:38Z", "verificationMethod": "did:x:y#z", "proofPurpose": "assertionMethod",
		"domain": "x.example", "challenge": "1", "nonce": "2",
	})
	require.NoError(t, err)
	want, err := Canonicalize(c, proof, 0)
	require.NoError(t, err)
	got, err := Canonicalize(nil, proof, 0)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.Equal(t, 7, strings.Count(string(got), "\n"))
}
