package resolver

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoCacheIsAskedForByTheContext(t *testing.T) {
	require.False(t, noCache(t.Context()))
	ctx, cancel := context.WithCancel(NoCache(t.Context()))
	defer cancel()
	require.True(t, noCache(ctx))
	require.True(t, noCache(context.WithoutCancel(ctx)))
}
