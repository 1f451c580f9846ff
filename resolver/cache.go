package resolver

import (
	"context"
	"crypto"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Defaults and bounds of a [Cache].
const (
	// DefaultTTL is how long an answer is remembered. A key that was taken out of a
	// document is trusted that much longer.
	DefaultTTL = 5 * time.Minute
	// maxVersions is how many answers about one DID are remembered, so that looking
	// through them stays quick. Few documents change more often while it matters.
	maxVersions = 16
	// maxKeys is how many keys of one document are remembered: those of machines in use.
	maxKeys = 16
	// maxRefusals is how many refusals are remembered, apart from documents so that
	// strangers who make up identifiers do not push those out; and refusalBytes how much
	// text of them.
	maxRefusals  = 4096
	refusalBytes = 4 << 20
	// retryAfter is how long after Next gave no answer a stale one is given without asking
	// again: who checks a hundred records of a shop whose server hangs waits once.
	staleRetry = 10 * time.Second
)

// A Cache remembers what Next answered: documents, and what their method says of them.
// Callers that ask for the same thing while it is being looked up wait for that one answer.
//
// An answer is fresh for TTL, or the shorter time that its controller allows
// ([did.Resolution].TTL), counted from when whoever keeps the document was asked:
// Retrieved, which every answer of a Cache has, or the moment before Next was. Only then
// is Next asked again. So a key that was taken out of a document is trusted for TTL more.
//
// If Next then gives no answer, one that is at most MaxStale too old is given, marked as
// Stale, and for ten seconds more without asking again. With it, who can keep the verifier
// from the network can have such a key trusted for TTL and MaxStale.
//
// An answer that is a no ([did.IsAnswer]) is never covered up so: if it is about the DID,
// such as [did.ErrDeactivated], what was remembered is dropped, in the Store too. It is not
// remembered itself, unless NegativeTTL says so. [NoCache] asks Next whatever is remembered,
// and never gets a stale answer.
//
// An answer also serves for other times at which the same document was in force, as far
// as its dates show: to judge a year of credentials by one key takes one lookup. DIDs that
// Next needs no network for go to it without being remembered: see [Local].
//
// With a Store, answers last from one run to the next: the text of each document, what its
// method says of it, what was asked, and when. No document is kept that would not be read
// back as it was given. Nobody signs what is there: who can write to the Store says which
// key speaks for whom, and who can read it sees who was looked up.
//
// A Cache is used by pointer and is ready when Next is set. Fields do not change after
// first use.
type Cache struct {
	Next     did.Resolver
	TTL      time.Duration // how long an answer is fresh; zero means DefaultTTL, negative not at all
	MaxStale time.Duration // how long after that it is given if there is no other; zero means never

	// NegativeTTL is how long a no about a DID is remembered; zero means not at all. A few
	// seconds keep a service from asking for the same wrong DID as often as a stranger
	// wants; against many wrong ones it does not help. Who has just published a document
	// waits as long.
	NegativeTTL time.Duration

	Size  int              // how many DIDs are remembered; zero means DefaultSize; the one unused longest goes
	Bytes int64            // and how many bytes of documents, as text; zero means DefaultBytes
	Store Store            // where answers are kept beyond this Cache; nil means nowhere
	Now   func() time.Time // nil means time.Now

	mu      sync.Mutex
	known   lru[did.DID, []*answer] // the newest first
	refused lru[question, refusal]
	lookups map[question]*lookup // what is being looked up
}

// A question is what Resolve was asked.
type question struct {
	id did.DID
	v  did.Version
}

// An answer is what Next said of v. It does not change, but for failed and keys.
type answer struct {
	v     did.Version
	res   *did.Resolution // with Retrieved
	fresh time.Time       // until when
	stale time.Time       // until when it may be given for want of a fresh one
	size  int64           // bytes

	failed time.Time                   // when Next last gave no answer to what this one fits; guarded by Cache.mu
	keys   map[keyUse]crypto.PublicKey // some that were read from the document; guarded by Cache.mu
}

// A refusal is a no.
type refusal struct {
	err   error
	until time.Time
}

// Resolve implements [did.Resolver].
func (c *Cache) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if isLocal(c.Next, id.Method()) {
		return c.Next.Resolve(ctx, id, v)
	}
	v.Time = v.Time.Round(0).UTC() // as a map key: without a zone or a monotonic reading
	q := question{id, v}
	afresh := noCache(ctx)
	if !afresh {
		c.mu.Lock()
		res, err := c.remembered(q)
		c.mu.Unlock()
		if res != nil || err != nil {
			return res, err
		}
	}
	a, err := c.find(ctx, q, afresh)
	if err == nil {
		return a.res, nil
	}
	// Who gave up wants no answer; who ran out of time wants any.
	if !afresh && !did.IsAnswer(err) && ctx.Err() != context.Canceled {
		c.mu.Lock()
		defer c.mu.Unlock()
		if a := c.newest(q, c.now()); a != nil {
			return a.aged(), nil
		}
	}
	return nil, err
}

// remembered returns what answers q without asking, if anything does. c.mu is held.
func (c *Cache) remembered(q question) (*did.Resolution, error) {
	now := c.now()
	if a := c.newest(q, now); a != nil {
		if now.Before(a.fresh) {
			return a.res, nil
		}
		if since := now.Sub(a.failed); since >= 0 && since < staleRetry {
			return a.aged(), nil
		}
	}
	if r, ok := c.refused.get(q); ok && now.Before(r.until) {
		return nil, r.err
	}
	return nil, nil
}

// newest returns the newest answer to q that may be given, fresh or stale, or nil. c.mu is held.
func (c *Cache) newest(q question, now time.Time) *answer {
	known, _ := c.known.get(q.id)
	for _, a := range known {
		// One from the future tells that the clock was set back, and not how old it is.
		if a.fits(q.v) && now.Before(a.stale) && !now.Before(a.res.Retrieved) {
			return a
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
		until = a.res.Retrieved
	}
	return !since.IsZero() && !v.Time.Before(since) &&
		(!v.Time.After(until) || v.Time.Before(a.res.NextUpdate))
}

// aged returns what a stale answer is given as.
func (a *answer) aged() *did.Resolution {
	res := *a.res
	res.Stale = true
	return &res
}

// find has Next asked.
func (c *Cache) find(ctx context.Context, q question, afresh bool) (*answer, error) {
	// For a time, ask for the latest document first: if it was in force already, it
	// answers for every time since, and each of those would be a question of its own.
	if !q.v.Time.IsZero() && !q.v.Named() {
		if now := c.now(); !afresh {
			if a := c.load(q, now); a != nil && now.Before(a.fresh) {
				return a, nil
			}
		}
		a, err := c.ask(ctx, question{id: q.id}, afresh)
		if err != nil && !did.IsAnswer(err) || err == nil && a.fits(q.v) {
			return a, err
		}
	}
	return c.ask(ctx, q, afresh)
}

// answer makes an answer of what Next said when it was asked at asked.
func (c *Cache) answer(v did.Version, res *did.Resolution, asked time.Time) *answer {
	a := &answer{v: v, res: res, size: textSize(v, res)}
	if res.Retrieved.IsZero() || res.Retrieved.After(asked) {
		own := *res
		own.Retrieved = asked
		a.res = &own
	}
	ttl := c.TTL
	if ttl == 0 {
		ttl = DefaultTTL
	}
	if res.TTL != 0 {
		ttl = min(ttl, res.TTL)
	}
	a.fresh = a.res.Retrieved.Add(ttl)
	a.stale = a.fresh.Add(max(c.MaxStale, 0))
	if next := res.NextUpdate; v.IsZero() && !next.IsZero() {
		// From then on there is another document, whatever else is known.
		if next.Before(a.fresh) {
			a.fresh = next
		}
		if next.Before(a.stale) {
			a.stale = next
		}
	}
	return a
}

// remember keeps an answer. c.mu is held.
func (c *Cache) remember(id did.DID, a *answer) {
	known, _ := c.known.get(id)
	next := append(make([]*answer, 0, len(known)+1), a)
	for _, k := range known {
		if k.v != a.v {
			next = append(next, k)
		} else if k.res.Retrieved.After(a.res.Retrieved) {
			return // from the Store, where a newer one did not get
		}
	}
	slices.SortStableFunc(next, func(a, b *answer) int { return b.res.Retrieved.Compare(a.res.Retrieved) })
	if len(next) > maxVersions {
		// The oldest about the past: the one about the latest document serves for most.
		i := len(next) - 1
		if next[i].v.IsZero() {
			i--
		}
		next = slices.Delete(next, i, i+1)
	}
	c.keep(id, next)
	c.refused.drop(question{id, a.v})
}

// forget drops what answers q. c.mu is held.
func (c *Cache) forget(q question) {
	known, _ := c.known.get(q.id)
	c.keep(q.id, slices.DeleteFunc(slices.Clone(known), func(a *answer) bool { return a.fits(q.v) }))
}

func (c *Cache) keep(id did.DID, known []*answer) {
	if len(known) == 0 {
		c.known.drop(id)
		return
	}
	size := int64(len(id.String()))
	for _, a := range known {
		size += a.size
	}
	c.known.keep(id, known, size, orDefault(c.Size, DefaultSize), orDefault(c.Bytes, DefaultBytes))
}

// refuse remembers a no. c.mu is held.
func (c *Cache) refuse(q question, err error) {
	if c.NegativeTTL > 0 {
		size := int64(len(q.id.String()) + len(q.v.ID) + len(err.Error()))
		c.refused.keep(q, refusal{err, c.now().Add(c.NegativeTTL)}, size, maxRefusals, refusalBytes)
	}
}

// textSize is how many bytes of text an answer holds, about.
func textSize(v did.Version, res *did.Resolution) int64 {
	const rest = 512 // times, pointers, a line of metadata
	doc := len(res.Document.Raw)
	if doc == 0 { // made in Go
		raw, err := res.Document.MarshalJSON()
		if doc = len(raw); err != nil {
			doc = did.MaxDocumentBytes
		}
	}
	n := rest + doc + len(v.ID) + len(res.VersionID) + len(res.NextVersionID)
	for _, m := range res.Extra {
		n += len(m.Name) + len(m.Value)
	}
	for _, id := range res.EquivalentID {
		n += len(id.String())
	}
	return int64(n)
}

// now is the time of the wall clock: the monotonic one may stand still while a machine sleeps.
func (c *Cache) now() time.Time {
	if c.Now == nil {
		return time.Now().Round(0).UTC()
	}
	return c.Now().Round(0).UTC()
}
