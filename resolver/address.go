package resolver

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// Addresses that no strict Client connects to: those of the IANA registries of special-purpose
// addresses that are not reachable from everywhere, and two with a meaning of their own. Of IPv6
// only 2000::/3 is given out at all (RFC 4291 §2.4), so that is what is taken, less these.
var (
	globalUnicast6 = netip.MustParsePrefix("2000::/3")
	// nat64 holds IPv4 addresses in their last 4 bytes (RFC 6052 §2.1). On mobile networks without
	// IPv4 it is the only way to most servers.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")

	special = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),        // this network
		netip.MustParsePrefix("10.0.0.0/8"),       // private
		netip.MustParsePrefix("100.64.0.0/10"),    // shared by a carrier's customers (CGNAT); a cloud's metadata
		netip.MustParsePrefix("127.0.0.0/8"),      // loopback
		netip.MustParsePrefix("168.63.129.16/32"), // public by its number, but a cloud's own agent on each of its hosts
		netip.MustParsePrefix("169.254.0.0/16"),   // link-local; most clouds' metadata
		netip.MustParsePrefix("172.16.0.0/12"),    // private
		netip.MustParsePrefix("192.0.0.0/24"),     // protocol assignments; a cloud's metadata
		netip.MustParsePrefix("192.0.2.0/24"),     // documentation
		netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays, gone
		netip.MustParsePrefix("192.168.0.0/16"),   // private
		netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"),  // documentation
		netip.MustParsePrefix("203.0.113.0/24"),   // documentation
		netip.MustParsePrefix("224.0.0.0/4"),      // multicast
		netip.MustParsePrefix("240.0.0.0/4"),      // reserved; broadcast

		netip.MustParsePrefix("2001::/23"),     // protocol assignments, among them Teredo, which holds IPv4
		netip.MustParsePrefix("2001:db8::/32"), // documentation
		netip.MustParsePrefix("2002::/16"),     // 6to4, which holds IPv4
		netip.MustParsePrefix("3fff::/20"),     // documentation
	}
)

// checkAddress refuses ip unless it is public or among allow.
func checkAddress(ip netip.Addr, allow []netip.Prefix) error {
	ip = ip.Unmap().WithZone("") // a zone would keep it out of every prefix
	if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return nil
	}
	reached := ip
	if nat64.Contains(ip) {
		b := ip.As16()
		reached = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !reached.IsValid() || reached.Is6() && !globalUnicast6.Contains(reached) ||
		slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(reached) }) {
		return fmt.Errorf("%w: %s is not public", ErrAddress, ip)
	}
	return nil
}

// control is called with the very address that a socket is about to be connected to, so that no
// second answer of a name server can put another one in its place.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: %s %s", ErrAddress, network, address)
	}
	return checkAddress(at.Addr(), c.Allow)
}
