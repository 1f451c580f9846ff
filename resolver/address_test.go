package resolver

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyPublicAddresses(t *testing.T) {
	for _, tt := range []struct {
		name, address string
		public        bool
	}{
		{"a server", "93.184.215.14", true},
		{"a server by IPv6", "2606:2800:220:1::1", true},
		{"a server by IPv4 within IPv6", "::ffff:93.184.215.14", true},
		{"a server through NAT64", "64:ff9b::5db8:d70e", true},

		{"this host", "0.0.0.0", false},
		{"loopback", "127.0.0.1", false},
		{"loopback, elsewhere in its net", "127.8.9.1", false},
		{"loopback by IPv6", "::1", false},
		{"unspecified by IPv6", "::", false},
		{"loopback within IPv6", "::ffff:127.0.0.1", false},
		{"loopback as IPv4-compatible", "::127.0.0.1", false},
		{"loopback through NAT64", "64:ff9b::7f00:1", false},
		{"NAT64 of a local network", "64:ff9b:1::5db8:d70e", false},
		{"loopback through 6to4", "2002:7f00:1::1", false},
		{"Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2", false},
		{"private", "10.0.0.1", false},
		{"private, 172", "172.31.255.255", false},
		{"private, 192", "192.168.1.1", false},
		{"private by IPv6", "fd12:3456:789a::1", false},
		{"site-local, as it once was", "fec0::1", false},
		{"link-local", "169.254.1.1", false},
		{"link-local by IPv6", "fe80::1", false},
		{"link-local with a zone", "fe80::1%eth0", false},
		{"metadata of most clouds", "169.254.169.254", false},
		{"metadata by IPv6", "fd00:ec2::254", false},
		{"metadata in the carrier's net", "100.100.100.200", false},
		{"metadata among protocol assignments", "192.0.0.192", false},
		{"a cloud's agent at a public number", "168.63.129.16", false},
		{"a carrier's customer", "100.64.0.1", false},
		{"multicast", "224.0.0.1", false},
		{"multicast by IPv6", "ff02::1", false},
		{"broadcast", "255.255.255.255", false},
		{"documentation", "192.0.2.1", false},
		{"documentation by IPv6", "2001:db8::1", false},
		{"benchmarks", "198.18.0.1", false},
		{"not given out", "4000::1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ip := netip.MustParseAddr(tt.address)
			if tt.public {
				require.NoError(t, checkAddress(ip, nil))
				return
			}
			require.ErrorIs(t, checkAddress(ip, nil), ErrAddress)
			exactly := ip.Unmap().WithZone("")
			require.NoError(t, checkAddress(ip, []netip.Prefix{netip.PrefixFrom(exactly, exactly.BitLen())}), "unless it is allowed")
			require.ErrorIs(t, checkAddress(ip, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}), ErrAddress)
		})
	}
	require.ErrorIs(t, checkAddress(netip.Addr{}, nil), ErrAddress)
	require.ErrorIs(t, new(Client).control("udp4", "93.184.215.14:53", nil), ErrAddress)
	require.ErrorIs(t, new(Client).control("tcp4", "localhost:443", nil), ErrAddress)
}

// No address is public in one spelling and private in another, and none that embeds a private
// IPv4 address is taken.
func FuzzCheckAddress(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{0x20, 2, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		ip, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		public := checkAddress(ip, nil) == nil
		if u := ip.Unmap(); public && (u.IsPrivate() || u.IsLoopback() || u.IsMulticast() || u.IsLinkLocalUnicast() || u.IsUnspecified() || !u.IsGlobalUnicast()) {
			t.Fatalf("%s was taken", ip)
		}
		if other := netip.AddrFrom16(ip.As16()); public != (checkAddress(other, nil) == nil) {
			t.Fatalf("%s and %s differ", ip, other)
		}
	})
}
