package resolver_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
)

// What needs no network uses none, also behind a Cache and next to what does.
func TestAllAsksNobodyNeedlessly(t *testing.T) {
	client := &resolver.Client{Lookup: func(context.Context, string) ([]netip.Addr, error) {
		t.Error("a host was looked up")
		return nil, errors.New("no")
	}}
	store := &mapStore{}
	all := resolver.All(client, store)
	require.Equal(t, []string{"jwk", "key", "peer", "pkh", "web", "webvh", "x509"}, slices.Sorted(maps.Keys(all.Next.(resolver.Methods))))
	for id, want := range map[string]error{
		"did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp": nil,
		"did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9": nil,
		"did:peer:0z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp":                    nil,
		"did:pkh:eip155:1:0xb9c5714089478a327f09197987f16f9e5d936e8a":                   nil,
		"did:peer:4zQmPj2SBUYVXGkNyHWsJm69VH2mnEY5rgugvjhJWoxjs3JN":                     peer.ErrLongFormUnknown,
		"did:x509:0:sha256:wgS3y07XSYktsRvDfW0rNTwiAenCt84TwtoRYhgflHA::subject:O:Acme": didx509.ErrChainNeeded,
		"did:ion:EiClkZMDxPKqC9c": did.ErrMethodNotSupported,
		"did:web:127.0.0.1":       did.ErrInvalidDID,
		"did:webvh:x":             did.ErrInvalidDID,
	} {
		res, err := all.Resolve(t.Context(), did.MustParse(id), did.Version{})
		require.ErrorIs(t, err, want, id)
		if want == nil {
			require.Equal(t, id, res.Document.ID.String())
		}
	}
	require.Zero(t, store.puts.Load(), "what can be made again is not kept")
}

// Behind All's Cache, a log that was seen is not rolled back, not even by who restarts the program.
func TestAllRemembersLogs(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	second := grow(t, f.first, 3, webvh.Change{})
	f.host.log.Store(second)
	store := &mapStore{}
	for range 2 {
		all := resolver.All(f.webvh.Client, store)
		for range 3 {
			res, err := all.Resolve(t.Context(), f.id, did.Version{})
			require.NoError(t, err)
			require.Equal(t, second.Entry(2).VersionID, res.VersionID)
		}
		_, err := did.Key(t.Context(), all, f.id.URL("key-1"), did.AssertionMethod, did.Version{Time: jan(2)})
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, f.host.asked.Load())

	f.host.log.Store(f.first)
	_, err := resolver.All(f.webvh.Client, store).Resolve(resolver.NoCache(t.Context()), f.id, did.Version{})
	_, ok := errors.AsType[*webvh.ForkError](err)
	require.True(t, ok)
	f.host.before = func(*http.Request) { panic(http.ErrAbortHandler) }
	_, err = resolver.All(f.webvh.Client, store).Resolve(resolver.NoCache(t.Context()), f.id, did.Version{})
	retry(t, err)
}
