package vcapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"testing"

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
