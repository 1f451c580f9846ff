package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// Bounds of a [WebVH], beside those of package did/webvh.
const (
	// DefaultLogBytes is how many bytes of logs are remembered: those of ten thousand machines, or
	// the eight longest that are read.
	DefaultLogBytes = 64 << 20

	// maxNames is for how many names of one log it is remembered when their hosts were asked: a DID has one
	// more each time it moves.
	maxNames = 16
	// maxWatchers is how many watchers are asked, one after the other, each of which may take as long as
	// the Client allows.
	maxWatchers = 4
	// entryBytes is about what is kept of an entry beside its text.
	entryBytes = 256
)

// WebVH resolves did:webvh 1.0: it gets the log from the DID's host, and did-witness.json beside it
// if the log has witnesses, and verifies both ([webvh.Verify]). One log answers for every version
// of the DID, and every name that it had.
//
// What was verified is remembered, and that does three things. For TTL, or the shorter time that
// the log itself allows, nobody is asked again. Of a log that has grown, only what is new is
// verified. And a log that does not continue the one seen before is refused, since somebody wants
// an entry forgotten: the error wraps a [*webvh.ForkError], which has both lines as evidence. It is
// an answer, [did.ErrInvalidDocument]. That the memory is bounded, and a [Store] may forget, is the
// limit of this: who sees a log for the first time believes the host that it is the newest.
// Witnesses, whom the log names, make up for that.
//
// Only the DID's own host counts, as with [Web], with the same errors: under another name it is
// asked for again, even if the log is known. The host of a name that the DID had before it moved
// may serve the beginning alone. A log that is broken beyond some entry is not remembered; it still
// answers for versions before, by name, number or time, unless more of it is known.
//
// A WebVH is used by pointer. Its fields do not change after first use.
type WebVH struct {
	Client *Client       // required
	TTL    time.Duration // how long a log is taken for the newest; zero means DefaultTTL

	// Watchers are asked in turn if the host does not answer, or has no log: URLs of services that keep
	// copies of logs (did:webvh, "DID Watchers"). Their copies verify the same, but may not be the
	// newest, so that answers from them are marked as Stale, and not remembered. They show who
	// controls the DID, not that its host ever served it.
	Watchers []string
	// NamedWatchers asks the watchers, too, that the log named when it was seen last: the
	// controller's choice, not the caller's.
	NamedWatchers bool

	Store Store            // where logs are kept beyond this WebVH; nil means nowhere
	Size  int              // how many logs are remembered; zero means DefaultSize
	Bytes int64            // and how many bytes of them; zero means DefaultLogBytes
	Now   func() time.Time // nil means time.Now

	checking chan struct{} // see places; guarded by mu until it is there

	mu      sync.Mutex
	seen    lru[string, *seenLog] // by SCID
	fetches map[did.DID]*fetch    // under way
}

// A fetch is a log on its way, and then what came.
type fetch struct {
	log    *webvh.Log // what holds of it; nil if nothing does
	err    error      // why not all of it does
	sent   time.Time
	copied bool // by a watcher

	done    chan struct{} // closed when the above is set
	waiting int           // callers; the last to leave cancels
	cancel  context.CancelFunc
}

// Resolve implements [did.Resolver]. The host learns that somebody looks at its log, not at which
// version.
func (w *WebVH) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if v.Time.Sub(clock(w.Now)) > present {
		return nil, fmt.Errorf("%w: %s at %s, which is to come", did.ErrVersionUnknown, id, stamp(v.Time))
	}
	f := w.get(ctx, id)
	if f.log == nil {
		return nil, f.err
	}
	res, err := f.log.Resolve(ctx, id, v)
	switch _, broken := errors.AsType[*webvh.LogError](err); {
	case broken && f.err != nil:
		return nil, f.err // the same, with the URL
	case err != nil:
		return nil, err
	}
	res.Retrieved, res.Stale = f.sent, f.copied
	return res, nil
}

// Log returns the log of id, as Resolve goes by it: remembered, or else from where it is published.
// If there is an error as well, the log holds up to the entry that the error is about.
func (w *WebVH) Log(ctx context.Context, id did.DID) (*webvh.Log, error) {
	f := w.get(ctx, id)
	return f.log, f.err
}

// get returns the log, remembered or not.
func (w *WebVH) get(ctx context.Context, id did.DID) *fetch {
	switch {
	case w.Client == nil:
		return &fetch{err: errors.New("resolver: WebVH needs a Client")}
	case id.Method() != webvh.Method:
		return &fetch{err: fmt.Errorf("%w: %s is no did:webvh", did.ErrMethodNotSupported, id)}
	}
	afresh := noCache(ctx)
	if !afresh {
		if f := w.fresh(id); f != nil {
			return f
		}
	}
	if _, err := webvh.LogURL(id); err != nil {
		return &fetch{err: err}
	}
	if afresh { // one that is under way may have begun too early
		return w.fetch(ctx, id)
	}
	return w.join(ctx, id)
}

// join waits for the log, which callers that ask for it at the same time share.
func (w *WebVH) join(ctx context.Context, id did.DID) *fetch {
	logURL, _ := webvh.LogURL(id) // of a DID that was checked
	if err := ctx.Err(); err != nil {
		return &fetch{err: &RetryError{URL: logURL, Err: err}}
	}
	w.mu.Lock()
	f := w.fetches[id]
	if f == nil {
		// It outlives the caller that started it as long as others wait.
		shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &fetch{done: make(chan struct{}), cancel: cancel}
		if w.fetches == nil {
			w.fetches = make(map[did.DID]*fetch)
		}
		w.fetches[id] = f
		go func() {
			defer cancel()
			got := w.fetch(shared, id)
			f.log, f.err, f.sent, f.copied = got.log, got.err, got.sent, got.copied
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.fetches[id] == f {
				delete(w.fetches, id)
			}
			close(f.done)
		}()
	}
	f.waiting++
	w.mu.Unlock()

	select {
	case <-f.done:
		return f
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		if w.fetches[id] == f {
			delete(w.fetches, id) // who comes now starts afresh
		}
	}
	return &fetch{err: &RetryError{URL: logURL, Err: ctx.Err()}}
}

// fetch gets the log from its host, or else from a watcher.
func (w *WebVH) fetch(ctx context.Context, id did.DID) *fetch {
	known := w.known(id)
	if known != nil && !noCache(ctx) {
		if f := w.fresh(id); f != nil {
			return f // out of the Store, or another caller's
		}
	}
	logURL, _ := webvh.LogURL(id)
	witnessURL, _ := webvh.WitnessURL(id)
	f := w.from(ctx, id, known, logURL, witnessURL, false)
	if _, down := errors.AsType[*RetryError](f.err); f.err == nil || !down && !errors.Is(f.err, fs.ErrNotExist) {
		return f
	}
	watchers := w.Watchers
	if w.NamedWatchers && known != nil {
		watchers = append(watchers[:len(watchers):len(watchers)], known.Parameters().Watchers...)
	}
	for _, watcher := range watchers[:min(len(watchers), maxWatchers)] {
		if ctx.Err() != nil {
			break
		}
		watcher = strings.TrimSuffix(watcher, "/")
		query := "?scid=" + url.QueryEscape(scid(id))
		if copied := w.from(ctx, id, known, watcher+"/log"+query, watcher+"/witness"+query, true); copied.err == nil {
			return copied
		}
	}
	return f
}

// places has a place for each log that is being verified: for half of the cores. The longest logs take
// seconds, and a stranger may have as many as there are requests.
func (w *WebVH) places() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.checking == nil {
		w.checking = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))
	}
	return w.checking
}

// from gets a log and what witnesses say of it, verifies both, and remembers them if they hold,
// unless they come from a watcher.
func (w *WebVH) from(ctx context.Context, id did.DID, known *webvh.Log, logURL, witnessURL string, copied bool) *fetch {
	shown, _, _ := strings.Cut(logURL, "?")
	refuse := func(log *webvh.Log, err error) *fetch {
		return &fetch{log: log, err: &RefuseError{URL: shown, Reason: ErrContent, Detail: err, Status: http.StatusOK}}
	}

	// 1. The log, and what of it is not known yet.
	text, sent, err := w.Client.served(ctx, logURL, "text/jsonl, application/jsonl;q=0.9, text/plain;q=0.5", webvh.MaxLogBytes, w.Now)
	if err != nil {
		return &fetch{err: ofDID(err)}
	}
	verifier := webvh.Verifier{Now: w.Now, Known: known}
	verify := func(proofs []byte) (*webvh.Log, error) {
		select {
		case w.places() <- struct{}{}:
			defer func() { <-w.checking }()
			return verifier.Verify(id, text, proofs)
		case <-ctx.Done():
			return nil, &RetryError{URL: shown, Err: ctx.Err()}
		}
	}
	log, err := verify(nil)

	// 2. The proofs of witnesses, if it has any. They were published before the log.
	if errors.Is(err, webvh.ErrNoWitness) {
		proofs, _, missing := w.Client.served(ctx, witnessURL, "application/json", webvh.MaxWitnessBytes, w.Now)
		if missing == nil {
			if log != nil {
				verifier.Known = log
			}
			log, err = verify(proofs)
		} else if !errors.Is(missing, fs.ErrNotExist) {
			return &fetch{err: ofDID(missing)}
		}
	}

	// 3. Does it continue what was seen? Of one that is broken, only as far as it holds can be said.
	if log != nil && known != nil {
		fork := log.Extends(known)
		f, ok := errors.AsType[*webvh.ForkError](fork)
		switch {
		case fork == nil:
		case err != nil && ok && f.Newer == "":
			// What it hides may be that a key was stolen: who hides that behind a broken line is not asked for
			// what was before.
			return refuse(nil, err)
		case err == nil && known.ID() != id && known.Extends(log) == nil:
			// A host that the DID has moved away from need not follow it any more: the beginning, which
			// it still serves, is what it vouches for.
			log = known
		default:
			return refuse(nil, fork)
		}
	}
	if _, late := errors.AsType[*RetryError](err); late {
		return &fetch{err: err}
	}
	if err != nil {
		return refuse(log, err) // did:webvh, "Read": what was valid before still is, and is not to be cached
	}
	if copied { // who keeps copies may have been given another history: the host is not held against it
		return &fetch{log: log, sent: sent, copied: true}
	}
	if log, err = w.remember(id, log, sent); err != nil {
		return refuse(nil, err)
	}
	if w.Store != nil {
		w.Store.Put(logKey(id), packLog(log), sent)
	}
	return &fetch{log: log, sent: sent}
}
