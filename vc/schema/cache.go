package schema

import (
	"context"
	"time"
)

// A key is what a compiled schema is remembered by.
type key struct {
	entry
	issuer string // of the credential, if that decides which schemas are believed
}

// A slot holds a schema, or why there is none. Whoever has its place reads and changes it; a schema
// serves one validation at a time, since it counts steps.
type slot struct {
	place chan struct{} // holds one
	tried time.Time
	s     *compiled
	err   error

	used uint64 // guarded by Checker.mu
}

// with calls f with the schema of k, remembered or fetched. Whoever asks for one that is being
// fetched waits for it; but one that is asked for because of another is fetched anyway and not
// kept, since two could wait for each other.
func (c *Checker) with(ctx context.Context, k key, f func(*compiled) error) error {
	if len(asking(ctx)) > 0 {
		s, err := c.fetch(ctx, k)
		if err != nil {
			return err
		}
		return f(s)
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	maxAge := c.MaxAge
	if maxAge <= 0 {
		maxAge = DefaultMaxAge
	}
	l := c.slot(k)
	select {
	case l.place <- struct{}{}:
		defer func() { <-l.place }()
	case <-ctx.Done():
		return unchecked(k.id, ctx.Err())
	}
	age := now().Sub(l.tried)
	if fresh := age >= 0 && (l.s != nil && age <= maxAge || l.err != nil && age < failedFor); !fresh {
		l.s, l.err = c.fetch(ctx, k)
		l.tried = now()
	}
	if l.err != nil {
		err := l.err
		if ctx.Err() != nil {
			l.err = nil // the time of this caller was up, not that of the next
		}
		return err
	}
	return f(l.s)
}

// slot returns the slot of k, a new one if need be, in the place of the one that was used longest ago.
func (c *Checker) slot(k key) *slot {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.slots[k]
	if l == nil {
		if len(c.slots) >= maxCached {
			var oldest key
			first := true
			for k, l := range c.slots {
				if first || l.used < c.slots[oldest].used {
					oldest, first = k, false
				}
			}
			delete(c.slots, oldest)
		}
		if c.slots == nil {
			c.slots = map[key]*slot{}
		}
		l = &slot{place: make(chan struct{}, 1)}
		c.slots[k] = l
	}
	c.clock++
	l.used = c.clock
	return l
}
