package webvh_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// published returns the folders of the test suite of did:webvh, each with a log that one
// implementation wrote for one scenario.
func published(t testing.TB) (folders []string) {
	logs, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "did-webvh"), "*", "*", "did.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, log := range logs {
		folders = append(folders, filepath.Dir(log))
	}
	return folders
}

// files returns the two files in a folder; the second is nil if it is not there.
func files(t testing.TB, folder string) (id did.DID, log, witness []byte) {
	log, err := os.ReadFile(filepath.Join(folder, "did.jsonl"))
	require.NoError(t, err)
	if witness, err = os.ReadFile(filepath.Join(folder, "did-witness.json")); err != nil {
		witness = nil
	}
	id, err = webvh.Subject(log)
	require.NoError(t, err)
	return id, log, witness
}

// Each log of the suite verifies, and resolves to the published results, document and metadata.
//
// The implementations do not agree among themselves. What is expected here where they differ:
//   - The endpoint of the implied #files ends in "/", as in the standard and in ts; rust leaves it away.
//   - updated is the time of the version that is resolved, as DID Resolution and ts have it; rust has
//     the time of the newest entry.
//   - Without witnesses and watchers, witness is {} and watchers [], as ts and the standard's defaults
//     have it; rust has null.
//   - The threshold is a string in metadata, as the standard says ("does not include integers"); both
//     have a number.
//   - The latest version of a retired DID is ErrDeactivated and no document, as ts has it; rust gives
//     the document, which is there for who asks for the version.
//   - An entry that replaces witnesses is published, so the new ones are "active", as ts has it; rust
//     still has those that approved of it.
//   - prerotation and previousLogEntryHash of ts are no metadata of the standard, and are left out.
func TestPublished(t *testing.T) {
	passed, total := 0, 0
	for _, folder := range published(t) {
		name, _ := filepath.Rel(filepath.Dir(filepath.Dir(folder)), folder)
		results, err := filepath.Glob(filepath.Join(folder, "resolutionResult*.json"))
		require.NoError(t, err)
		total += 1 + len(results)
		t.Run(name, func(t *testing.T) {
			id, raw, witness := files(t, folder)
			log, err := webvh.Verify(id, raw, witness)
			require.NoError(t, err)
			require.Equal(t, strings.Count(string(raw), "versionId"), log.Len())
			require.Equal(t, string(raw), string(log.Raw()))
			passed++
			for _, result := range results {
				resolves(t, log, result)
				passed++
			}
		})
	}
	shared.Tally(t, "did:webvh 1.0, logs and resolution results", "didwebvh-test-suite", passed, total, "")
}

func resolves(t *testing.T, log *webvh.Log, file string) {
	var want struct {
		DIDDocument         map[string]any
		DIDDocumentMetadata map[string]any
	}
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &want))

	v := did.Version{}
	if number := strings.Split(filepath.Base(file), "."); len(number) == 3 {
		_, err := fmt.Sscan(number[1], &v.Number)
		require.NoError(t, err)
	}
	meta := want.DIDDocumentMetadata
	if meta["deactivated"] == true {
		_, err := log.Resolve(t.Context(), log.ID(), did.Version{})
		require.ErrorIs(t, err, did.ErrDeactivated)
		v.Number = log.Len()
	}
	res, err := log.Resolve(t.Context(), log.ID(), v)
	require.NoError(t, err)

	if want.DIDDocument != nil {
		for _, s := range want.DIDDocument["service"].([]any) {
			if s := s.(map[string]any); strings.HasSuffix(s["id"].(string), "#files") {
				s["serviceEndpoint"] = strings.TrimSuffix(s["serviceEndpoint"].(string), "/") + "/"
			}
		}
		text, err := json.Marshal(want.DIDDocument)
		require.NoError(t, err)
		require.JSONEq(t, string(text), res.Document.Raw)
	}

	require.Equal(t, meta["versionId"], res.VersionID)
	require.Equal(t, meta["created"], res.Created.Format(time.RFC3339))
	require.Equal(t, meta["deactivated"], res.Deactivated)
	rust := strings.Contains(file, "/rust/")
	switch {
	case rust:
		require.Equal(t, meta["updated"], log.Entry(log.Len()).Time.Format(time.RFC3339))
	case res.Updated.IsZero(): // of the first version there is no update
		require.Equal(t, meta["updated"], meta["created"])
	default:
		require.Equal(t, meta["updated"], res.Updated.Format(time.RFC3339))
	}
	extra := map[string]any{}
	for _, m := range res.Extra {
		var value any
		require.NoError(t, json.Unmarshal([]byte(m.Value), &value))
		extra[m.Name] = value
	}
	for _, name := range []string{"scid", "portable", "versionTime", "versionNumber", "updateKeys", "nextKeyHashes", "watchers"} {
		value, ok := meta[name]
		if name == "watchers" && value == nil {
			value = []any{}
		}
		if !ok {
			require.True(t, rust != strings.HasPrefix(name, "version"), "%s: nobody leaves this away but one of them", name)
			continue
		}
		require.Equal(t, value, extra[name], name)
	}
	if strings.HasSuffix(file, "witness-update/rust/resolutionResult.json") {
		require.Equal(t, 2.0, meta["witness"].(map[string]any)["threshold"])
		require.JSONEq(t, `{"threshold":"1","witnesses":[{"id":"did:key:z6Mkrv5Cm2XCLumMPTqooLTCw6YDf421d7VdTziwrZ8vNf4L"}]}`, member(res, "witness"))
		return
	}
	switch witness := meta["witness"].(type) {
	case nil:
		require.Equal(t, map[string]any{}, extra["witness"])
	case map[string]any:
		if n, ok := witness["threshold"]; ok {
			witness["threshold"] = fmt.Sprint(n)
		}
		require.Equal(t, witness, extra["witness"])
	}
}

// member returns a member of what the method says beside the document, as JSON.
func member(res *did.Resolution, name string) string {
	for _, m := range res.Extra {
		if m.Name == name {
			return m.Value
		}
	}
	return ""
}
