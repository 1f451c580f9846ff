package vcapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/ratelimit"
	"github.com/hourmeter/hourmeter/resolver"
)

// Bounds of what is looked up elsewhere because a stranger asks. A DID may name any host, so each
// is a request that somebody has this service make.
const (
	// LookupCost is how many requests one about such a DID counts for, against Rate and TotalRate:
	// a client has 2 a second by default, and all together 50.
	LookupCost = 10
	// MaxLookups is how many are under way at once, of which one client has half at most: as many as
	// a resolver.Client makes, and a quarter of MaxRequests, so that hosts that never answer keep
	// nobody from being verified. Verifications that wait for others take such places, too.
	MaxLookups = resolver.DefaultConcurrent
	// LookupTimeout is how long one may take, if Timeout is not shorter.
	LookupTimeout = 10 * time.Second

	maxOptions = 64 << 10 // bytes of a POST: more than a resolver.Handler takes, which says so
)

var errBusy = errors.New("too much is being looked up: try again in a second")

// resolve answers the HTTP(S) binding of DID Resolution.
func (h *Handler) resolve(w http.ResponseWriter, r *http.Request) *reply {
	timeout := h.Timeout
	if h.looksUp(r) {
		client, now := ratelimit.Client(r.RemoteAddr), time.Now()
		more := LookupCost - 1 // one is counted already
		if wait := h.clients.Allow(client, min(more, burst*h.Rate), now); wait > 0 {
			return later(http.StatusTooManyRequests, wait, "too many requests from your address for what has to be looked up")
		}
		if wait := h.all.Allow(netip.Prefix{}, min(more, h.TotalRate), now); wait > 0 {
			return later(http.StatusTooManyRequests, wait, "too many requests for what has to be looked up")
		}
		// The body, before the place: who sends slowly holds up nobody's lookup.
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(io.LimitReader(r.Body, maxOptions))
			if err != nil {
				return problem(http.StatusBadRequest, "the request was cut off")
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		if !h.lookups.enter(r.Context(), client, 0) {
			return later(http.StatusServiceUnavailable, time.Second, "too much is being looked up")
		}
		defer h.lookups.leave(client)
		timeout = min(timeout, LookupTimeout)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	h.resolving.ServeHTTP(w, r.WithContext(ctx))
	return nil
}

// looksUp reports whether somebody may have to be asked about the DID of a request.
func (h *Handler) looksUp(r *http.Request) bool {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/1.0/identifiers/")
	if !strings.HasPrefix(path, "did:") {
		path, _ = url.PathUnescape(path)
	}
	u, err := did.ParseURL(path)
	if err != nil {
		return false // refused without asking anybody
	}
	return !h.isOffline(u.DID)
}

// isOffline reports whether nobody is asked about id.
func (h *Handler) isOffline(id did.DID) bool {
	_, offline := h.offline[id.Method()]
	return offline
}
