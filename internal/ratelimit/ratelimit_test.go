package ratelimit_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/ratelimit"
)

func TestLimiter(t *testing.T) {
	l := ratelimit.New(10, 5)
	at := time.Unix(1_800_000_000, 0)
	one, two := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	for range 5 {
		require.Zero(t, l.Allow(one, 1, at))
	}
	require.Equal(t, 100*time.Millisecond, l.Allow(one, 1, at))
	require.Zero(t, l.Allow(two, 5, at))
	require.Zero(t, l.Allow(one, 1, at.Add(100*time.Millisecond)))
	require.Positive(t, l.Allow(one, 2, at.Add(250*time.Millisecond)))
	require.Zero(t, l.Allow(one, 5, at.Add(time.Hour)))
	require.Positive(t, l.Allow(two, 6, at.Add(time.Hour)), "more than a burst is never allowed at once")
	require.Zero(t, l.Allow(two, 0, at.Add(time.Hour)))
}

func TestClientsAreToldApart(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1/32", "[::ffff:192.0.2.1]:80": "192.0.2.1/32", "[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80": "fe80::/64", "@": "invalid Prefix", "": "invalid Prefix",
	} {
		require.Equal(t, want, ratelimit.Client(address).String())
	}
}
