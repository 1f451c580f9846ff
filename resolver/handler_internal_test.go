package resolver

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
)

// A freshness notes whether it was asked to look afresh.
type freshness struct{ asked []bool }

func (f *freshness) Resolve(ctx context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
	f.asked = append(f.asked, noCache(ctx))
	return &did.Resolution{Document: &did.Document{ID: id}}, nil
}

func TestHandlerAsksPastTheCacheIfAllowedTo(t *testing.T) {
	f := &freshness{}
	for _, allowed := range []bool{true, false} {
		h := &Handler{Resolver: f, NoCache: allowed}
		for query, want := range map[string]int{"": 200, "?noCache=false": 200, "?noCache=true": map[bool]int{true: 200, false: 501}[allowed]} {
			r := httptest.NewRequest("GET", "/did:example:a"+query, nil)
			r.URL.Path = r.URL.Path[1:]
			w := httptest.NewRecorder()
			f.asked = nil
			h.ServeHTTP(w, r)
			require.Equal(t, want, w.Code, "%s", w.Body)
			if want == 200 {
				require.Equal(t, []bool{query == "?noCache=true"}, f.asked)
			} else {
				require.Empty(t, f.asked)
			}
		}
	}
}
