package resolver

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// A lookup is a question of a Cache that Next is working on, or will be.
type lookup struct {
	begin    func()
	done     chan struct{} // closed when what follows is set
	answer   *answer
	err      error
	panicked error // what Next panicked with

	waiting int                // callers; the last to leave cancels
	cancel  context.CancelFunc // ends the lookup
	keeping bool               // Next has answered, and the Store is being told
	next    *lookup            // for those who want what is asked for after now; it has not begun
}

// ask looks q up, or waits for a lookup that is under way. If afresh, for one that begins
// from now on: all who ask so during one lookup wait for one more.
func (c *Cache) ask(ctx context.Context, q question, afresh bool) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	l := c.lookups[q]
	switch {
	case l == nil:
		// Somebody may have got the answer since the caller looked.
		if now := c.now(); !afresh {
			if a := c.newest(q, now); a != nil && now.Before(a.fresh) {
				c.mu.Unlock()
				return a, nil
			}
		}
		l = c.newLookup(ctx, q, afresh)
		if c.lookups == nil {
			c.lookups = make(map[question]*lookup)
		}
		c.lookups[q] = l
		go l.begin()
	case afresh:
		if l.next == nil {
			l.next = c.newLookup(ctx, q, afresh)
		}
		l = l.next
	}
	l.waiting++
	c.mu.Unlock()

	select {
	case <-l.done:
		if l.panicked != nil {
			panic(l.panicked) // as it would without a Cache
		}
		return l.answer, l.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		l.cancel()
		switch current := c.lookups[q]; {
		case current == l && !l.keeping:
			c.proceed(q, l) // who comes now starts afresh
		case current != nil && current.next == l:
			current.next = nil
		}
	}
	return nil, ctx.Err()
}

// newLookup prepares a lookup, which outlives the caller that started it as long as others wait.
func (c *Cache) newLookup(ctx context.Context, q question, afresh bool) *lookup {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &lookup{done: make(chan struct{}), cancel: cancel}
	l.begin = func() { c.look(ctx, q, l, afresh) }
	return l
}

// proceed ends the turn of l. c.mu is held.
func (c *Cache) proceed(q question, l *lookup) {
	if l.next != nil {
		c.lookups[q] = l.next
		go l.next.begin()
		return
	}
	delete(c.lookups, q)
}

// look asks the Store and Next, and remembers what they say.
func (c *Cache) look(ctx context.Context, q question, l *lookup, afresh bool) {
	returned := false
	defer func() {
		if !returned {
			l.answer, l.err = nil, errors.New("resolver: the resolver behind the cache ended its goroutine")
			if p := recover(); p != nil {
				l.panicked = fmt.Errorf("%v\n\n%s", p, debug.Stack())
			}
		}
		l.cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.lookups[q] == l {
			c.proceed(q, l)
		}
		close(l.done)
	}()

	asked := c.now() // before asking: the document may change while the answer is on its way
	if !afresh {
		if l.answer = c.load(q, asked); l.answer != nil && asked.Before(l.answer.fresh) {
			returned = true
			return
		}
	}
	l.answer, l.err = c.next(ctx, q, asked)
	if c.conclude(q, l, afresh) {
		c.store(q, l)
	}
	returned = true
}

// next asks Next.
func (c *Cache) next(ctx context.Context, q question, asked time.Time) (*answer, error) {
	res, err := c.Next.Resolve(ctx, q.id, q.v)
	if err != nil {
		return nil, err
	}
	if res == nil || res.Document == nil {
		return nil, fmt.Errorf("resolver: the resolver of %s gave neither a document nor an error", q.id)
	}
	return c.answer(q.v, res, asked), nil
}

// conclude remembers the outcome of a lookup in memory, and reports whether the Store is to
// be told. A lookup that everybody has left tells nothing: a later one may know better.
func (c *Cache) conclude(q question, l *lookup, afresh bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.lookups[q] != l:
		return false
	case l.err == nil:
		if l.answer.res.Stale {
			return false // somebody else's memory
		}
		c.remember(q.id, l.answer)
	case did.IsAnswer(l.err):
		// What is wrong with the question, or not done there, says nothing of the DID.
		if !isAbout(l.err) {
			return false
		}
		c.forget(q)
		c.refuse(q, l.err)
	default:
		if afresh {
			return false // what the Store has was not looked at: the next caller asks again
		}
		known, _ := c.known.get(q.id)
		for _, a := range known {
			if a.fits(q.v) {
				a.failed = c.now()
			}
		}
		return false
	}
	l.keeping = c.Store != nil
	return l.keeping
}

// isAbout reports whether an answer that is a no says something of the DID or its document.
func isAbout(err error) bool {
	for _, no := range [...]error{did.ErrNotFound, did.ErrDeactivated, did.ErrInvalidDocument, did.ErrInvalidDID} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}
