package resolver_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/resolver"
)

// The vectors of did:x509, whose resolver is given the chain as an option, by GET and by POST.
func TestHandlerTakesChainsOfX509(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "samples", "did-x509-test-vectors.json"))
	require.NoError(t, err)
	var vectors []struct {
		ID    string `json:"id"`
		Input struct {
			DID   string   `json:"did"`
			Chain []string `json:"chain"`
		} `json:"input"`
		Output struct {
			Document jsontext.Value `json:"document"`
			Error    string         `json:"error"`
		} `json:"output"`
	}
	require.NoError(t, json.Unmarshal(raw, &vectors))
	b := newBinding(&resolver.Cache{Next: resolver.Methods{"key": did.Offline{}, "x509": didx509.Resolver{AnyTime: true}}})
	passed := 0
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			chain := strings.Join(v.Input.Chain, ",")
			text, _, _ := strings.Cut(v.Input.DID, "#") // a fragment names something in the document
			target := url.QueryEscape(text)
			body, err := json.Marshal(map[string]string{"x509chain": chain})
			require.NoError(t, err)
			for _, w := range []interface {
				Result() *http.Response
			}{b.do("GET", target+"?x509chain="+chain, "application/did", ""), b.do("POST", target, "application/did", string(body))} {
				resp := w.Result()
				var got map[string]any
				require.NoError(t, json.UnmarshalRead(resp.Body, &got))
				if v.Output.Error != "" {
					require.Contains(t, []int{400, 404, 500, 501}, resp.StatusCode, "%v", got)
					require.NotContains(t, fmt.Sprint(got), "INTERNAL_ERROR")
					continue
				}
				require.Equal(t, http.StatusOK, resp.StatusCode, "%v", got)
				published, err := did.ParseDocument(v.Output.Document)
				require.NoError(t, err)
				want, err := published.MarshalJSON()
				require.NoError(t, err)
				served, err := json.Marshal(got)
				require.NoError(t, err)
				require.JSONEq(t, string(want), string(served))
			}
			passed++
		})
	}
	shared.Tally(t, "did:x509 version 0", "the method's vectors, over HTTP with the option x509chain", passed, len(vectors), "")

	for _, tc := range []struct {
		name, target string
		r            did.Resolver
		status       int
	}{
		{"no chain", "did:x509:0:sha256:wgS3y07XSYktsRvDfW0rNTwiAenCt84TwtoRYhgflHA::subject:O:Acme?x509chain=", resolver.Methods{"x509": didx509.Resolver{}}, 400},
		{"another method's", edKey + "?x509chain=" + strings.Join(vectors[0].Input.Chain, ","), resolver.Methods{"key": did.Offline{}, "x509": didx509.Resolver{}}, 501},
		{"no did:x509 here", url.QueryEscape(vectors[0].Input.DID) + "?x509chain=" + strings.Join(vectors[0].Input.Chain, ","), did.Offline{}, 501},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newBinding(tc.r).do("GET", tc.target, "", "")
			require.Equal(t, tc.status, w.Code, "%s", w.Body)
		})
	}
}

// The example DIDs of the Universal Resolver's drivers, of the methods that need no network.
func TestHandlerResolvesWhatTheUniversalResolverShows(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "universal-resolver", "testIdentifiers.json"))
	require.NoError(t, err)
	var list []struct {
		DID string `json:"did"`
	}
	require.NoError(t, json.Unmarshal(raw, &list))
	offline := resolver.Offline()
	b := newBinding(offline)
	passed, total := 0, 0
	var rest []string
	for _, e := range list {
		u, err := did.ParseURL(e.DID)
		require.NoError(t, err)
		if offline[u.DID.Method()] == nil {
			w := b.do("GET", url.QueryEscape(e.DID), "", "")
			require.Contains(t, []int{404, 501}, w.Code, "%s: %s", e.DID, w.Body)
			continue
		}
		total++
		res, err := offline.Resolve(t.Context(), u.DID, did.Version{})
		w := b.do("GET", url.QueryEscape(u.DID.String()), "", "")
		if err != nil { // over HTTP as here
			require.Equal(t, errors.Is(err, did.ErrKeyNotSupported) || errors.Is(err, did.ErrMethodNotSupported), w.Code == http.StatusNotImplemented, "%s: %v: %s", e.DID, err, w.Body)
			rest = append(rest, fmt.Sprintf("%.24s… %v", e.DID, err))
			continue
		}
		require.Equal(t, http.StatusOK, w.Code, "%s: %s", e.DID, w.Body)
		text, err := res.Document.MarshalJSON()
		require.NoError(t, err)
		var got struct {
			Document jsontext.Value `json:"didDocument"`
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		back, err := did.ParseDocument(got.Document)
		require.NoError(t, err)
		again, err := back.MarshalJSON()
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(again))
		passed++
	}
	t.Logf("%q", rest)
	require.Positive(t, passed)
	note := ""
	if passed < total {
		note = "three keys on BLS12-381, which is not read; a did:pkh:tz, which the method has removed"
	}
	shared.Tally(t, "DID Resolution 1.0", "universal-resolver: example DIDs of methods without a network, over HTTP", passed, total, note)
}

// since is when a version came into force.
func since(res *did.Resolution) time.Time {
	if !res.Updated.IsZero() {
		return res.Updated
	}
	return res.Created
}

// Every published log of did:webvh over HTTP, as by itself: each version by number, name and time, and
// what the paths of its DID URLs lead to.
func TestHandlerServesLogs(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "did-webvh"), "*", "*", "did.jsonl"))
	require.NoError(t, err)
	answers, total := 0, 0
	for _, file := range logs {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		witness, err := os.ReadFile(filepath.Join(filepath.Dir(file), "did-witness.json"))
		if err != nil {
			witness = nil
		}
		id, err := webvh.Subject(text)
		require.NoError(t, err)
		log, err := webvh.Verify(id, text, witness)
		require.NoError(t, err)
		b := newBinding(resolver.Methods{"webvh": log})
		target := url.QueryEscape(id.String())

		versions := []did.Version{{}, {Number: log.Len() + 1}, {ID: "1-none"}}
		for n := 1; n <= log.Len(); n++ {
			res, err := log.Resolve(t.Context(), id, did.Version{Number: n})
			require.NoError(t, err)
			versions = append(versions, did.Version{Number: n}, did.Version{ID: res.VersionID}, did.Version{Time: since(res)})
		}
		for _, v := range versions {
			total++
			query := ""
			switch {
			case v.Number != 0:
				query = fmt.Sprintf("?versionNumber=%d", v.Number)
			case v.ID != "":
				query = "?versionId=" + v.ID
			case !v.Time.IsZero():
				query = "?versionTime=" + v.Time.UTC().Format("2006-01-02T15:04:05Z")
			}
			want, err := log.Resolve(t.Context(), id, v)
			w := b.do("GET", target+query, "", "")
			var got struct {
				Document jsontext.Value            `json:"didDocument"`
				Metadata map[string]jsontext.Value `json:"didDocumentMetadata"`
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			if err != nil {
				require.NotEqual(t, http.StatusOK, w.Code)
				require.Equal(t, errors.Is(err, did.ErrDeactivated), w.Code == http.StatusGone, "%v: %s", err, w.Body)
				require.Equal(t, "null", string(got.Document))
				answers++
				continue
			}
			if want.Document.ID != id { // from before the DID moved here: what it was called then, and is now
				require.Equal(t, strconv.Quote(id.String()), string(got.Metadata["canonicalId"]), "%s", w.Body)
			}
			require.Equal(t, want.Deactivated, w.Code == http.StatusGone)
			require.JSONEq(t, want.Document.Raw, string(got.Document), "%s %s %s", file, query, w.Body)
			require.Equal(t, `"`+want.VersionID+`"`, string(got.Metadata["versionId"]))
			for _, m := range want.Extra {
				require.JSONEq(t, m.Value, string(got.Metadata[m.Name]), m.Name)
			}
			answers++
		}

		res, err := log.Resolve(t.Context(), id, did.Version{})
		if err != nil {
			continue
		}
		i := slices.IndexFunc(res.Document.Service, func(s did.Service) bool { return s.ID == id.URL("files") })
		require.GreaterOrEqual(t, i, 0, "did:webvh gives #files to every document")
		w := b.do("GET", url.QueryEscape(id.String()+"/2026/a.pdf"), "", "")
		require.Equal(t, http.StatusSeeOther, w.Code, "%s", w.Body)
		require.Equal(t, strings.TrimSuffix(res.Document.Service[i].Endpoint[0], "/")+"/2026/a.pdf", w.Header().Get("Location"))
		w = b.do("GET", url.QueryEscape(id.String()+"/whois"), "", "")
		require.Equal(t, http.StatusSeeOther, w.Code, "%s", w.Body)
	}
	shared.Tally(t, "did:webvh 1.0", "didwebvh-test-suite: every version, over HTTP as by itself", answers, total, "")
}
