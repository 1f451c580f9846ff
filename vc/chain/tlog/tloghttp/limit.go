package tloghttp

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// limitSlots is how many clients are told apart, more or less: two may share a slot. It is a
// table, not a map, so that nobody fills the memory by coming from many addresses.
const limitSlots = 1 << 14

// A limiter bounds how often each client comes: one request every interval on average, and burst of
// them at once. Each slot holds the time, in nanoseconds, from which its clients' requests are no
// longer in advance (the generic cell rate algorithm: a token bucket in one number).
type limiter struct {
	interval time.Duration
	burst    int64
	seed     maphash.Seed
	slots    [limitSlots]atomic.Int64
}

func newLimiter(perSecond, burst int) *limiter {
	return &limiter{interval: time.Second / time.Duration(perSecond), burst: int64(burst), seed: maphash.MakeSeed()}
}

// allow takes n requests at a time, or says how long to wait.
func (l *limiter) allow(client netip.Prefix, n int, at time.Time) (wait time.Duration) {
	slot := &l.slots[maphash.Comparable(l.seed, client)%limitSlots]
	now := at.UnixNano()
	for {
		held := slot.Load()
		next := max(held, now) + int64(n)*int64(l.interval)
		if over := next - now - l.burst*int64(l.interval); over > 0 {
			return time.Duration(over)
		}
		if slot.CompareAndSwap(held, next) {
			return 0
		}
	}
}

// clientOf returns whom a request is from: an IPv4 address, or the 64 bits of an IPv6 address that
// one customer is given.
func clientOf(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{} // all of them together
	}
	ip, bits := at.Addr().Unmap().WithZone(""), 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}
