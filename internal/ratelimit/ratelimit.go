// Package ratelimit bounds how often each client of a service comes.
package ratelimit

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"
)

// slots is how many clients are told apart, more or less: two may share a slot. It is a
// table, not a map, so that nobody fills the memory by coming from many addresses.
const slots = 1 << 14

// A Limiter bounds how often each client comes: one request every interval on average, and burst of
// them at once. Each slot holds the time, in nanoseconds, from which its clients' requests are no
// longer in advance (the generic cell rate algorithm: a token bucket in one number).
type Limiter struct {
	interval time.Duration
	burst    int64
	seed     maphash.Seed
	slots    [slots]atomic.Int64
}

// New makes a Limiter of so many requests a second, and so many at once.
func New(perSecond, burst int) *Limiter {
	return &Limiter{interval: time.Second / time.Duration(perSecond), burst: int64(burst), seed: maphash.MakeSeed()}
}

// Allow takes n requests of a client at a time, or says how long to wait.
func (l *Limiter) Allow(client netip.Prefix, n int, at time.Time) (wait time.Duration) {
	slot := &l.slots[maphash.Comparable(l.seed, client)%slots]
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

// Client returns whom a request from this address and port is from: an IPv4 address, or the 64 bits
// of an IPv6 address that one customer is given.
func Client(remoteAddr string) netip.Prefix {
	at, err := netip.ParseAddrPort(remoteAddr)
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
