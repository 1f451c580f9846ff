package resolver_test

import (
	"io/fs"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/resolver"
)

func TestDocuments(t *testing.T) {
	base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/statuslist+jwt")
		switch r.URL.Path {
		case "/list":
			w.Write([]byte(r.Header.Get("Accept")))
		case "/kept":
			w.Header().Set("Age", "90")
			w.Write([]byte("kept"))
		case "/ancient":
			w.Header().Set("Age", "99999999999999999999999")
			w.Write([]byte("kept"))
		case "/nonsense":
			w.Header().Set("Age", "-5")
			w.Write([]byte("kept"))
		case "/long":
			w.Write(make([]byte, 101))
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			http.NotFound(w, r)
		}
	})
	noon := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	d := &resolver.Documents{Client: c, Limit: 100, Now: func() time.Time { return noon }}

	body, mediaType, fetched, err := d.Document(t.Context(), base+"/list", "application/statuslist+jwt")
	require.NoError(t, err)
	require.Equal(t, "application/statuslist+jwt", string(body), "the server was told what is accepted")
	require.Equal(t, "application/statuslist+jwt", mediaType)
	require.Equal(t, noon, fetched)
	body, _, _, err = d.Document(t.Context(), base+"/list", "")
	require.NoError(t, err)
	require.Empty(t, body)

	for path, age := range map[string]time.Duration{"/kept": 90 * time.Second, "/ancient": math.MaxInt32 * time.Second, "/nonsense": 0} {
		_, _, fetched, err = d.Document(t.Context(), base+path, "")
		require.NoError(t, err)
		require.Equal(t, noon.Add(-age), fetched, path)
	}
	_, _, _, err = d.Document(t.Context(), base+"/long", "")
	refused(t, err, resolver.ErrTooLarge)
	_, _, _, err = d.Document(t.Context(), base+"/nothing", "")
	refused(t, err, fs.ErrNotExist)
	_, _, _, err = d.Document(t.Context(), base+"/down", "")
	retry(t, err)
	_, _, _, err = d.Document(t.Context(), "http://shop.example/list", "")
	refused(t, err, resolver.ErrURL)
	_, _, _, err = (&resolver.Documents{}).Document(t.Context(), base, "")
	require.ErrorContains(t, err, "needs a Client")
	_, _, fetched, err = (&resolver.Documents{Client: c}).Document(t.Context(), base+"/list", "")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), fetched, time.Minute)
}
