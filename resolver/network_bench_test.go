package resolver_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
)

// One request over a connection that is open already, on loopback.
func BenchmarkWeb(b *testing.B) {
	n := newInternet(b)
	n.host("shop.example", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, webDocument(n.web("shop.example"))) }, nil)
	c := n.client()
	defer c.CloseIdle()
	for b.Loop() {
		_, err := resolver.Web{Client: c}.Resolve(b.Context(), n.web("shop.example"), did.Version{})
		require.NoError(b, err)
	}
}

// A log that is remembered, one that is new, and one of which all but the newest entry was verified before.
func BenchmarkWebVH(b *testing.B) {
	f := newFleet(b, webvh.Change{})
	short := grow(b, f.first, 2, webvh.Change{})
	long := f.first
	for i := range 999 {
		var err error
		long, err = long.Update(webvh.Change{Key: logKey(1), Time: jan(2).Add(time.Duration(i) * time.Minute)})
		require.NoError(b, err)
	}
	resolve := func(b *testing.B, fresh bool) {
		ctx := b.Context()
		if fresh {
			ctx = resolver.NoCache(ctx)
		}
		_, err := f.webvh.Resolve(ctx, f.id, did.Version{})
		require.NoError(b, err)
	}
	again := func() { f.webvh = &resolver.WebVH{Client: f.webvh.Client, Now: f.webvh.Now} }
	for _, tt := range []struct {
		name string
		log  *webvh.Log
	}{{"2 entries", short}, {"1000 entries", long}} {
		f.host.log.Store(tt.log)
		b.Run("new, "+tt.name, func(b *testing.B) {
			for b.Loop() {
				again()
				resolve(b, true)
			}
		})
		again()
		resolve(b, true)
		b.Run("seen before, "+tt.name, func(b *testing.B) {
			for b.Loop() {
				resolve(b, true)
			}
		})
		b.Run("remembered, "+tt.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resolve(b, false)
			}
		})
	}
}

func BenchmarkUniversal(b *testing.B) {
	says := told{200, resultType, resultOf("did:ion:abc", `{"created":"2026-01-01T00:00:00Z","versionId":"1"}`)}
	u := universal(b, &says, nil)
	for b.Loop() {
		_, err := u.Resolve(b.Context(), did.MustParse("did:ion:abc"), did.Version{})
		require.NoError(b, err)
	}
}
