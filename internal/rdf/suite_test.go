package rdf_test

import (
	"crypto"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// All of the W3C's tests of RDFC-1.0 (w3c/rdf-canon, manifest.jsonld): canonical
// forms, issued identifiers maps, and the graph that must be given up.
func TestW3CSuite(t *testing.T) {
	file := shared.Path(t, "vectors", "w3c-rdf-canon", "manifest.jsonld")
	var manifest struct {
		Entries []struct {
			ID, Type, Name, Action, Result, HashAlgorithm string
		}
	}
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &manifest))
	passed := map[string]int{}
	for _, e := range manifest.Entries {
		t.Run(e.ID[1:], func(t *testing.T) {
			read := func(name string) []byte {
				b, err := os.ReadFile(filepath.Join(filepath.Dir(file), filepath.FromSlash(name)))
				require.NoError(t, err)
				return b
			}
			quads, err := rdf.Parse(read(e.Action))
			require.NoError(t, err)
			var o rdf.Options
			if e.HashAlgorithm == "SHA384" {
				o.Hash = crypto.SHA384
			} else {
				require.Empty(t, e.HashAlgorithm)
			}
			canonical, issued, err := rdf.Canonicalize(quads, o)
			switch e.Type {
			case "rdfc:RDFC10EvalTest":
				require.NoError(t, err)
				require.Equal(t, string(read(e.Result)), string(canonical), e.Name)
			case "rdfc:RDFC10MapTest":
				require.NoError(t, err)
				want := map[string]string{}
				require.NoError(t, json.Unmarshal(read(e.Result), &want))
				require.Equal(t, want, issued, e.Name)
			case "rdfc:RDFC10NegativeEvalTest":
				require.ErrorIs(t, err, rdf.ErrPoison, e.Name)
			default:
				t.Fatalf("a type of test that is not run: %s", e.Type)
			}
			passed[e.Type]++
		})
	}
	require.Equal(t, map[string]int{"rdfc:RDFC10EvalTest": 64, "rdfc:RDFC10MapTest": 21, "rdfc:RDFC10NegativeEvalTest": 1}, passed)
	shared.Tally(t, "RDFC-1.0", "W3C rdf-canon, SHA-256 and SHA-384, poison graphs", 86, len(manifest.Entries), "")
}
