package resolver

import (
	"container/list"
	"context"
	"crypto"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Defaults of a [Cache].
const (
	// DefaultTTL is how long an answer is remembered. A key that was taken out of a
	// document is trusted that much longer.
	DefaultTTL = 5 * time.Minute
	// DefaultSize is how many answers are remembered: some ten megabytes of documents.
	DefaultSize = 4096
	// maxVersions is how many answers about one DID are remembered, so that looking
	// through them stays quick. Few documents change more often while it matters.
	maxVersions = 16
)

// A Cache remembers what Next answered. It does not remember errors: after "not found"
// and after "no answer" it asks again. Callers that ask for the same thing while it is
// being looked up wait for that one answer.
//
// An answer also serves for other times at which the same document was in force, as far
// as its dates show: to judge a year of credentials by one key takes one lookup. Methods
// that need no network ([did.Offline]) go to Next without being remembered.
//
// A Cache is used by pointer and is ready when Next is set. Fields do not change after
// first use.
type Cache struct {
	Next did.Resolver
	TTL  time.Duration    // how long an answer is remembered; zero means DefaultTTL
	Size int              // how many are; zero means DefaultSize; the one unused longest goes
	Now  func() time.Time // nil means time.Now

	mu      sync.Mutex
	answers map[did.DID][]*list.Element // what is remembered about each DID
	recent  *list.List                  // of *answer, the one used last in front
	lookups map[question]*lookup        // what is being looked up
}

// A question is what Resolve was asked.
type question struct {
	id did.DID
	v  did.Version
}

// An answer is what Next said, when.
type answer struct {
	question
	res  *did.Resolution
	when time.Time
}

// A lookup is a question that Next is working on.
type lookup struct {
	done    chan struct{} // closed when res and err are set
	res     *did.Resolution
	err     error
	waiting int                // callers; the last to leave cancels
	cancel  context.CancelFunc // ends the lookup
}

// Resolve implements [did.Resolver].
func (c *Cache) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if (did.Offline{}).Supports(id.Method()) {
		return c.Next.Resolve(ctx, id, v)
	}
	v.Time = v.Time.Round(0).UTC() // as a map key: without a zone or a monotonic reading
	q := question{id, v}
	if res := c.remembered(q); res != nil {
		return res, nil
	}
	// For a time, ask for the latest document first: if it was in force already, it
	// answers for every time since, and each of those would be a question of its own.
	if !v.Time.IsZero() && !v.Named() {
		if _, err := c.Resolve(ctx, id, did.Version{}); err != nil && !did.IsAnswer(err) {
			return nil, err
		}
		if res := c.remembered(q); res != nil {
			return res, nil
		}
	}
	return c.ask(ctx, q)
}

// Key implements [did.KeyResolver].
func (c *Cache) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	if (did.Offline{}).Supports(url.DID.Method()) {
		return did.Key(ctx, c.Next, url, use, v)
	}
	return did.Key(ctx, documents{c}, url, use, v)
}

// documents hides that a Cache is a KeyResolver, so that did.Key goes by the document.
type documents struct{ did.Resolver }

// remembered returns an answer that is fresh and fits q, or nil.
func (c *Cache) remembered(q question) *did.Resolution {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for _, el := range c.answers[q.id] {
		if a := el.Value.(*answer); a.fits(q.v) && now.Sub(a.when) < c.ttl() {
			c.recent.MoveToFront(el)
			return a.res
		}
	}
	return nil
}

// fits reports whether a also answers for v.
func (a *answer) fits(v did.Version) bool {
	if a.v == v {
		return true
	}
	if v.Time.IsZero() || v.Named() {
		return v.ID != "" && v.ID == a.res.VersionID && v.Time.IsZero() && v.Number == 0
	}
	// The document came into force at since, and still was at until: also in between.
	since, until := inForceSince(a.res), a.v.Time
	if a.v.IsZero() {
		until = a.when
	}
	return !since.IsZero() && !v.Time.Before(since) &&
		(!v.Time.After(until) || v.Time.Before(a.res.NextUpdate))
}

// ask looks q up, or waits for a lookup that is under way.
func (c *Cache) ask(ctx context.Context, q question) (*did.Resolution, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	l := c.lookups[q]
	if l == nil {
		// The lookup outlives the caller that started it as long as others wait.
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		l = &lookup{done: make(chan struct{}), cancel: cancel}
		if c.lookups == nil {
			c.lookups = make(map[question]*lookup)
		}
		c.lookups[q] = l
		go c.look(shared, q, l)
	}
	l.waiting++
	c.mu.Unlock()

	select {
	case <-l.done:
		return l.res, l.err
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		l.cancel()
		if c.lookups[q] == l {
			delete(c.lookups, q) // who comes now starts afresh
		}
	}
	return nil, ctx.Err()
}

// look asks Next, and remembers what it says.
func (c *Cache) look(ctx context.Context, q question, l *lookup) {
	defer l.cancel()
	when := c.now() // before asking: the document may change while the answer is on its way
	res, err := c.Next.Resolve(ctx, q.id, q.v)

	c.mu.Lock()
	defer c.mu.Unlock()
	l.res, l.err = res, err
	close(l.done)
	if c.lookups[q] == l {
		delete(c.lookups, q)
	}
	if err != nil {
		return
	}
	if c.answers == nil {
		c.answers = make(map[did.DID][]*list.Element)
		c.recent = list.New()
	}
	for _, el := range c.answers[q.id] {
		if el.Value.(*answer).v == q.v {
			c.forget(el)
			break
		}
	}
	if known := c.answers[q.id]; len(known) >= maxVersions {
		// The oldest about the past: the one about the latest document serves for most.
		c.forget(known[slices.IndexFunc(known, func(el *list.Element) bool { return !el.Value.(*answer).v.IsZero() })])
	}
	c.answers[q.id] = append(c.answers[q.id], c.recent.PushFront(&answer{q, res, when}))
	for c.recent.Len() > c.size() {
		c.forget(c.recent.Back())
	}
}

// forget drops one answer.
func (c *Cache) forget(el *list.Element) {
	a := c.recent.Remove(el).(*answer)
	rest := slices.DeleteFunc(c.answers[a.id], func(e *list.Element) bool { return e == el })
	if len(rest) == 0 {
		delete(c.answers, a.id)
		return
	}
	c.answers[a.id] = rest
}

func (c *Cache) ttl() time.Duration {
	if c.TTL == 0 {
		return DefaultTTL
	}
	return c.TTL
}

func (c *Cache) size() int {
	if c.Size <= 0 {
		return DefaultSize
	}
	return c.Size
}

func (c *Cache) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
