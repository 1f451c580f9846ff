package vcapi

import (
	"context"
	"crypto"
	"net/netip"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A turn is the place to compute that one request has. Hosts that strangers name may take their time
// to answer, so that whoever waits for them gives the place to others meanwhile: otherwise a
// credential or two of each such host would keep everybody from being verified.
type turn struct {
	places chan struct{}
	room   *room // of those who wait for others
	client netip.Prefix

	mu      sync.Mutex
	waiting int  // parts of the request that wait for others
	held    bool // whether it has the place
}

// turnOf is the key of a request's turn in its context.
type turnOf struct{}

// begin waits for a place, until ctx ends.
func (t *turn) begin(ctx context.Context) bool {
	select {
	case t.places <- struct{}{}:
		t.held = true
	case <-ctx.Done():
	}
	return t.held
}

// end gives the place back.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
}

func (t *turn) release() {
	if t.held {
		t.held = false
		<-t.places
	}
}

// elsewhere does what waits for others, outside of the turn that ctx has, if any. Of what waits so,
// one client has half at most.
func elsewhere(ctx context.Context, wait func(context.Context) error) error {
	t, _ := ctx.Value(turnOf{}).(*turn)
	if t == nil {
		return wait(ctx)
	}
	t.mu.Lock()
	if t.waiting++; t.waiting == 1 {
		t.release()
	}
	t.mu.Unlock()
	err := errBusy
	if t.room.enter(ctx, t.client, roomWait) {
		// What it asks in turn is of the same place: a status list's own issuer.
		err = wait(context.WithValue(ctx, turnOf{}, (*turn)(nil)))
		t.room.leave(t.client)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting--; t.waiting == 0 && !t.begin(ctx) && err == nil {
		err = ctx.Err()
	}
	return err
}

// yielding makes v wait for others outside of a turn. Nobody is asked about what local says to be
// a DID of a method that needs no network.
func yielding(v *vc.Verifier, local func(did.DID) bool) *vc.Verifier {
	own := *v
	if v.Resolver != nil {
		own.Resolver = yieldingResolver{v.Resolver, local}
	}
	switch status := v.Status.(type) {
	case nil:
	case ownStatuses: // which need nobody else
		if status.next != nil {
			status.next = yieldingStatus{status.next}
		}
		own.Status = status
	default:
		own.Status = yieldingStatus{status}
	}
	if v.Schema != nil {
		own.Schema = yieldingSchema{v.Schema}
	}
	return &own
}

type yieldingResolver struct {
	next  did.Resolver
	local func(did.DID) bool
}

// Resolve implements [did.Resolver].
func (r yieldingResolver) Resolve(ctx context.Context, id did.DID, v did.Version) (res *did.Resolution, err error) {
	if r.local(id) {
		return r.next.Resolve(ctx, id, v)
	}
	err = elsewhere(ctx, func(ctx context.Context) error {
		res, err = r.next.Resolve(ctx, id, v)
		return err
	})
	return res, err
}

// Key implements [did.KeyResolver].
func (r yieldingResolver) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (pub crypto.PublicKey, err error) {
	if r.local(url.DID) {
		return did.Key(ctx, r.next, url, use, v)
	}
	err = elsewhere(ctx, func(ctx context.Context) error {
		pub, err = did.Key(ctx, r.next, url, use, v)
		return err
	})
	return pub, err
}

type yieldingStatus struct{ next vc.StatusChecker }

// CheckStatus implements [vc.StatusChecker].
func (s yieldingStatus) CheckStatus(ctx context.Context, issuer did.DID, entry []byte, at time.Time) (result vc.StatusResult, err error) {
	err = elsewhere(ctx, func(ctx context.Context) error {
		result, err = s.next.CheckStatus(ctx, issuer, entry, at)
		return err
	})
	return result, err
}

type yieldingSchema struct{ next vc.SchemaChecker }

// CheckSchema implements [vc.SchemaChecker].
func (s yieldingSchema) CheckSchema(ctx context.Context, entry, credential []byte) error {
	return elsewhere(ctx, func(ctx context.Context) error { return s.next.CheckSchema(ctx, entry, credential) })
}
