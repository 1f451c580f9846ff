package resolver

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/pkh"
)

func TestMethodsWithoutANetworkAreKnown(t *testing.T) {
	local := map[string]did.Resolver{"key": did.Offline{}, "jwk": did.Offline{}, "peer": peer.Resolver{}, "pkh": pkh.Resolver{}, "x509": didx509.Resolver{}}
	for method, r := range local {
		require.True(t, isLocal(r, method), method)
		require.True(t, isLocal(Methods{method: r}, method), method)
		require.True(t, isLocal(&Cache{Next: Methods{method: r}}, method), method)
		require.False(t, isLocal(r, "web"), method)
		require.False(t, isLocal(Methods{"web": Web{}}, method), method)
	}
	for _, r := range []did.Resolver{nil, Web{}, Static{}, Universal{}, Methods{}, &Cache{}} {
		for method := range local {
			require.False(t, isLocal(r, method), "%T: %s", r, method)
		}
	}
}
