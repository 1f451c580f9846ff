package tloghttp

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/netip"
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

func TestLimiter(t *testing.T) {
	l := newLimiter(10, 5)
	at := time.Unix(1_800_000_000, 0)
	one, two := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	for range 5 {
		require.Zero(t, l.allow(one, 1, at))
	}
	require.Equal(t, 100*time.Millisecond, l.allow(one, 1, at))
	require.Zero(t, l.allow(two, 5, at))
	require.Zero(t, l.allow(one, 1, at.Add(100*time.Millisecond)))
	require.Positive(t, l.allow(one, 2, at.Add(250*time.Millisecond)))
	require.Zero(t, l.allow(one, 5, at.Add(time.Hour)))
	require.Positive(t, l.allow(two, 6, at.Add(time.Hour)), "more than a burst is never allowed at once")
	require.Zero(t, l.allow(two, 0, at.Add(time.Hour)))
}

func TestClientsAreToldApart(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1/32", "[::ffff:192.0.2.1]:80": "192.0.2.1/32", "[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80": "fe80::/64", "@": "invalid Prefix", "": "invalid Prefix",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = address
		require.Equal(t, want, clientOf(r).String())
	}
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
