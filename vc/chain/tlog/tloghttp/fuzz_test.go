package tloghttp

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// What is read of a request to add is within its bounds, and each credential a part of it.
func FuzzParseAdd(f *testing.F) {
	f.Add([]byte(`{"salt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","credentials":[{"a":1},{"b":2}]}`))
	f.Add([]byte(`{"salt":"","credentials":[1,"x",null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		salt, credentials, err := parseAdd(body)
		if err != nil {
			return
		}
		if salt.IsZero() || len(credentials) == 0 || len(credentials) > MaxAdd {
			t.Fatalf("%v, %d credentials", salt, len(credentials))
		}
		for _, c := range credentials {
			if !bytes.Contains(body, c) || !json.Valid(c) {
				t.Fatalf("%q", c)
			}
		}
	})
}

// Whatever goes wrong is answered as JSON.
func FuzzProblem(f *testing.F) {
	f.Add("a \xff detail\n")
	f.Fuzz(func(t *testing.T, detail string) {
		rec := httptest.NewRecorder()
		later(429, time.Millisecond, "%s", detail).write(rec)
		if !json.Valid(rec.Body.Bytes()) || rec.Header().Get("Retry-After") != "1" {
			t.Fatalf("%q: %s", detail, rec.Body)
		}
	})
}

// A longest body that is good is read, and one byte more is not.
func TestMaxAdd(t *testing.T) {
	salt, err := tlog.NewSalt().MarshalText()
	require.NoError(t, err)
	body := `{"salt":"` + string(salt) + `","credentials":[0` + strings.Repeat(",0", MaxAdd-1) + `]}`
	_, credentials, err := parseAdd([]byte(body + strings.Repeat(" ", MaxAddBytes-len(body))))
	require.NoError(t, err)
	require.Len(t, credentials, MaxAdd)
	_, _, err = parseAdd([]byte(body + strings.Repeat(" ", MaxAddBytes-len(body)+1)))
	require.Error(t, err)
}
