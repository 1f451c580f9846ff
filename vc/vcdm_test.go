package vc

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// The W3C's VCDM 2.0 test suite asks an issuer to sign good credentials and to
// refuse bad ones. We answer as it expects, but for two families: we refuse
// contexts written into a credential, which nobody can pin, and we do not yet
// compare the digest of a relatedResource with a context that we hold.
func TestW3CDataModelSuite(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	issuer := &Issuer{ID: id, Key: key}
	f, err := os.Open(shared.Path(t, "vectors", "w3c-recorded", "vc-data-model-2.0-test-suite.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
	var agree, inline, digest int
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
		_, err := issuer.AddProof(bytes.ReplaceAll(r.Body.Credential, theirs, []byte(id.String())))
		switch {
		case (err == nil) == (r.Expected == "accept"):
			agree++
		case err != nil && strings.Contains(err.Error(), "is written into the document"):
			inline++
		case strings.HasSuffix(r.RefReason, "mismatch"):
			digest++
		default:
			t.Errorf("%s expected, got %v: %s", r.Expected, err, r.Body.Credential)
		}
	}
	require.Equal(t, []int{82, 11, 2}, []int{agree, inline, digest})
}
