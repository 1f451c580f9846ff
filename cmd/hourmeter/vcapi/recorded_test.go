package vcapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/internal/shared"
)

func conformance(t testing.TB) *server {
	h, err := vcapi.NewConformance("https://localhost:1")
	require.NoError(t, err)
	s := serve(t, h)
	s.token = "none"
	return s
}

// Every request that the W3C's suite of VCDM 2.0 made of a server that passed it is answered alike.
func TestRecordedSuite(t *testing.T) {
	file, err := os.ReadFile(shared.Path(t, "vectors", "w3c-recorded", "vc-data-model-2.0-test-suite.jsonl"))
	require.NoError(t, err)
	s := conformance(t)
	n := 0
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 1<<20)
	for ; lines.Scan(); n++ {
		var recorded struct {
			Method    string         `json:"method"`
			Path      string         `json:"path"`
			Expected  string         `json:"expected"`
			RefReason string         `json:"refReason"`
			Body      jsontext.Value `json:"body"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &recorded))
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			own := *s
			own.t = t
			a := own.do(recorded.Method, recorded.Path, string(recorded.Body), "Content-Type", "application/json")
			switch recorded.Expected {
			case "accept":
				require.Less(t, a.status, 300, "%s\n%s\n%s", recorded.Path, recorded.Body, a.body)
			case "reject":
				require.Equal(t, http.StatusBadRequest, a.status, "%s (%s)\n%s\n%s", recorded.Path, recorded.RefReason, recorded.Body, a.body)
			default:
				t.Fatal(recorded.Expected)
			}
		})
	}
	require.NoError(t, lines.Err())
	require.Equal(t, 129, n)
	shared.Tally(t, "VCDM 2.0", "W3C suite, every recorded request over HTTP", n, 129, "")
}

// The signed credentials of the cryptosuites' specifications verify as they stand, and not if they are altered.
func TestSpecificationVectors(t *testing.T) {
	s := conformance(t)
	n := 0
	for _, folder := range []string{"w3c-vc-di-eddsa", "w3c-vc-di-ecdsa"} {
		require.NoError(t, filepath.WalkDir(shared.Path(t, "vectors", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasPrefix(d.Name(), "signed") || !strings.HasSuffix(path, ".json") {
				return err
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			var credential object
			require.NoError(t, json.Unmarshal(text, &credential))
			n++
			t.Run(filepath.Base(filepath.Dir(path))+" "+d.Name(), func(t *testing.T) {
				s.conforms(t, "/credentials/verify", verifyRequest(t, credential, object{}), 200)
				credential["issuer"] = "https://vc.example/issuers/5679"
				s.conforms(t, "/credentials/verify", verifyRequest(t, credential, object{}), 400)
			})
			return nil
		}))
	}
	require.GreaterOrEqual(t, n, 14)
}

// The inputs of the W3C's suite of VCDM 2.0, whose names say what is expected, sent to every issuer as it sends them.
func TestDataModelInputs(t *testing.T) {
	s := conformance(t)
	id := s.get("/conformance.json").object()["ed25519"].(string)
	files, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "w3c-vcdm2-inputs"), "*credential-*.json"))
	require.NoError(t, err)
	more, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "w3c-vcdm2-inputs"), "*", "*.json"))
	require.NoError(t, err)
	files = append(files, more...)
	require.Greater(t, len(files), 60)
	for _, file := range files {
		name := filepath.Base(file)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var credential object
		require.NoError(t, json.Unmarshal(text, &credential))
		if strings.HasPrefix(name, "presentation") || strings.Contains(name, "enveloped") {
			continue
		}
		// The suite names the issuer that it was told of, unless the input has one of its own, or says on purpose that there is none.
		switch issuer, has := credential["issuer"]; issuer := issuer.(type) {
		case object:
			if _, has := issuer["id"]; !has {
				issuer["id"] = id
			}
		default:
			if !has || issuer == "" {
				credential["issuer"] = id
			}
		}
		if strings.Contains(name, "validUntil-validFrom") { // which the suite fills in
			year := func(n int) string { return time.Now().AddDate(n, 0, 0).UTC().Format(time.RFC3339) }
			credential["validFrom"], credential["validUntil"] = year(-1), year(1)
			if strings.Contains(name, "fail") {
				credential["validFrom"], credential["validUntil"] = year(1), year(-1)
			}
		}
		status := http.StatusCreated
		// The suite does not send this one: what is in its proof means nothing under its contexts.
		if strings.Contains(name, "-fail") || name == "credential-proof-ok.json" {
			status = http.StatusBadRequest
		}
		for _, profile := range append(slices.Clone(profiles), "vc-jwt") {
			t.Run(profile+" "+name, func(t *testing.T) {
				s.conforms(t, "/"+profile+"/credentials/issue", string(canonical(t, object{"credential": credential})), status)
			})
		}
	}
}
