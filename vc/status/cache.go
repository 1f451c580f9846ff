package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Limits on what a [Checker] keeps.
const (
	maxLists     = 1024             // a fleet's issuers have a few lists each
	maxListBytes = 64 << 20         // of all lists, unpacked: four of the longest, or 4,096 of 16 KiB
	failedFor    = 10 * time.Second // a list that could not be had is not asked for again: ten thousand credentials may name it
)

// A cache keeps lists, and failures for a while. The zero cache is empty.
type cache struct {
	mu      sync.Mutex
	slots   map[key]*slot
	flights map[key]*flight
	bytes   int
	clock   uint64 // counts uses
}

// A slot is what is known of a list. list is nil if there never was one.
type slot struct {
	list  *list
	err   error     // of the last attempt; nil if it was good
	tried time.Time // when that was
	used  uint64
}

// A flight is one attempt that others wait for.
type flight struct {
	done chan struct{}
	list *list
	err  error
}

// good says whether a list may still be used at a time, stale for so much longer than it would be.
func (c *Checker) good(l *list, at time.Time, stale time.Duration) bool {
	most := c.MaxAge
	if most <= 0 {
		most = DefaultMaxAge
	}
	if l.ttl > 0 {
		most = min(most, l.ttl)
	}
	return at.Sub(l.asOf) <= most+stale && (l.until.IsZero() || !at.After(l.until))
}

// list returns a list that is good at this time, remembered or fetched. Whoever asks for one that is
// being fetched waits for it; but a list that is asked for because of another one is fetched anyway,
// since two lists could wait for each other.
func (c *Checker) list(ctx context.Context, k key, at time.Time) (*list, error) {
	for {
		c.lists.mu.Lock()
		s := c.lists.slots[k]
		if s != nil {
			c.lists.clock++
			s.used = c.lists.clock
			if s.list != nil && c.good(s.list, at, 0) {
				c.lists.mu.Unlock()
				return s.list, nil
			}
			if since := at.Sub(s.tried); since >= 0 && since < failedFor {
				// It was not to be had, or not newer than this, a moment ago.
				l, err := s.list, s.err
				if err != nil {
					l, err = c.fallback(l, err, at)
				}
				if err != nil || c.good(l, at, c.Stale) {
					c.lists.mu.Unlock()
					return l, err
				}
			}
		}
		f := c.lists.flights[k]
		if f == nil || len(asking(ctx)) > 0 {
			return c.fly(ctx, k, at) // unlocks
		}
		c.lists.mu.Unlock()
		select {
		case <-f.done:
			if errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded) {
				continue // the time of another, not ours
			}
			return f.list, f.err
		case <-ctx.Done():
			return nil, problem(RetrievalError, k.url, ctx.Err())
		}
	}
}

// fly fetches a list and remembers what came of it. The cache is locked before, and not after.
func (c *Checker) fly(ctx context.Context, k key, at time.Time) (*list, error) {
	f := &flight{done: make(chan struct{}), err: problem(RetrievalError, k.url, errors.New("the Source panicked"))}
	leads := c.lists.flights[k] == nil
	if leads {
		if c.lists.flights == nil {
			c.lists.flights = map[key]*flight{}
		}
		c.lists.flights[k] = f
	}
	c.lists.mu.Unlock()
	defer func() {
		c.lists.mu.Lock()
		defer c.lists.mu.Unlock()
		if leads {
			delete(c.lists.flights, k)
			close(f.done)
		}
	}()

	l, err := c.fetch(ctx, k, at)
	c.lists.mu.Lock()
	defer c.lists.mu.Unlock()
	var old *list
	if s := c.lists.slots[k]; s != nil {
		old = s.list
	}
	if err == nil && old != nil && old.issuer == l.issuer && l.signed.Before(old.signed) {
		// Whoever serves it could bring back a list from before a revocation.
		err = problem(RetrievalError, k.url, fmt.Errorf("the list signed %s is served, and one signed %s was there before", stamp(l.signed), stamp(old.signed)))
	}
	if err == nil && !c.good(l, at, c.Stale) {
		why := fmt.Errorf("the newest there is is as of %s: that is too old at %s", stamp(l.asOf), stamp(at))
		if !l.until.IsZero() && at.After(l.until) {
			why = fmt.Errorf("the newest there is ended %s", stamp(l.until))
		}
		err = problem(RetrievalError, k.url, why)
	}
	if err != nil {
		if ctx.Err() == nil && len(asking(ctx)) == 0 {
			c.lists.remember(k, nil, err, at)
		}
		f.list, f.err = c.fallback(old, err, at)
		return f.list, f.err
	}
	c.lists.remember(k, l, nil, at)
	f.list, f.err = l, nil
	return l, nil
}

// fallback returns an old list if the caller asked for that, and if it is the Source that has no
// answer: one that is not to be believed does not bring an old one back.
func (c *Checker) fallback(old *list, err error, at time.Time) (*list, error) {
	e, _ := errors.AsType[*Error](err)
	if old != nil && c.Stale > 0 && e != nil && e.Problem == RetrievalError && c.good(old, at, c.Stale) {
		return old, nil
	}
	return nil, err
}

// remember keeps a list, or an error beside the list that was there, and forgets what was used
// longest ago if that is too much.
func (c *cache) remember(k key, l *list, err error, at time.Time) {
	if c.slots == nil {
		c.slots = map[key]*slot{}
	}
	s := c.slots[k]
	if s == nil {
		s = new(slot)
		c.slots[k] = s
	}
	if l != nil {
		c.bytes += len(l.bits) - s.size()
		s.list = l
	}
	s.err, s.tried = err, at
	c.clock++
	s.used = c.clock
	for len(c.slots) > maxLists || c.bytes > maxListBytes && len(c.slots) > 1 {
		var oldest key
		first := true
		for k, s := range c.slots {
			if first || s.used < c.slots[oldest].used {
				oldest, first = k, false
			}
		}
		c.bytes -= c.slots[oldest].size()
		delete(c.slots, oldest)
	}
}

func (s *slot) size() int {
	if s.list == nil {
		return 0
	}
	return len(s.list.bits)
}
