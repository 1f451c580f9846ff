package resolver

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// While as many logs are being verified as may be, another waits for its turn. Whose time is up meanwhile
// has no answer, which says nothing of the log.
func TestWebVHVerifiesFewLogsAtOnce(t *testing.T) {
	var text []byte
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }))
	t.Cleanup(srv.Close)
	at := netip.MustParseAddrPort(srv.Listener.Addr().String())
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	client := &Client{Roots: roots, Allow: []netip.Prefix{netip.PrefixFrom(at.Addr(), 32)},
		Lookup: func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{at.Addr()}, nil }}
	t.Cleanup(client.CloseIdle)
	draft, err := webvh.Draft("example.com%3A" + strconv.Itoa(int(at.Port())))
	require.NoError(t, err)
	log, err := webvh.Create(webvh.Change{Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Document: &did.Document{ID: draft}, Time: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	text = log.Raw()

	w := &WebVH{Client: client}
	for range cap(w.places()) {
		w.places() <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = w.Resolve(ctx, log.ID(), did.Version{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, did.IsAnswer(err))
	for range cap(w.places()) {
		<-w.places()
	}
	for range 3 {
		_, err = w.Resolve(NoCache(t.Context()), log.ID(), did.Version{})
		require.NoError(t, err)
	}
	require.Empty(t, w.places())
}
