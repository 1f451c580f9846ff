package resolver

import (
	"context"
	"crypto"

	"github.com/hourmeter/hourmeter/did"
)

// A keyUse is what a document says yes to once and for all.
type keyUse struct {
	url did.URL
	use did.Relationship
}

// Key implements [did.KeyResolver]. It remembers keys along with their documents: to read
// one on P-256 takes as long as a good part of a signature check.
func (c *Cache) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	if isLocal(c.Next, url.DID.Method()) {
		return did.Key(ctx, c.Next, url, use, v)
	}
	k := keyUse{url, use}
	if !noCache(ctx) {
		v.Time = v.Time.Round(0).UTC()
		c.mu.Lock()
		now := c.now()
		if a := c.newest(question{url.DID, v}, now); a != nil && now.Before(a.fresh) {
			if pub := a.keys[k]; pub != nil {
				c.mu.Unlock()
				return pub, nil
			}
		}
		c.mu.Unlock()
	}
	d := &documents{cache: c}
	pub, err := did.Key(ctx, d, url, use, v)
	// A method that expires is asked each time whether it has.
	if m := d.method(url); err != nil || m == nil || !m.Expires.IsZero() || !m.Revoked.IsZero() {
		return pub, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, _ := c.known.get(url.DID)
	for _, a := range known {
		if a.res == d.res && len(a.keys) < maxKeys {
			if a.keys == nil {
				a.keys = make(map[keyUse]crypto.PublicKey)
			}
			a.keys[k] = pub
		}
	}
	return pub, nil
}

// documents is a Cache that is no KeyResolver, so that did.Key goes by the document, which
// it holds on to.
type documents struct {
	cache *Cache
	res   *did.Resolution
}

func (d *documents) Resolve(ctx context.Context, id did.DID, v did.Version) (res *did.Resolution, err error) {
	d.res, err = d.cache.Resolve(ctx, id, v)
	return d.res, err
}

func (d *documents) method(url did.URL) *did.VerificationMethod {
	if d.res == nil {
		return nil
	}
	return d.res.Document.Method(url)
}
