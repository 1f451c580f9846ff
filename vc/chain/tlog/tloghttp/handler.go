package tloghttp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/internal/ratelimit"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// Bounds of a [Handler].
const (
	// MaxAdd is the most credentials in one request: a machine's week.
	MaxAdd = 256
	// MaxAddBytes is the longest body of such a request: a few hundred entries of 2 kB, or the
	// largest credential there is, with room for more.
	MaxAddBytes = 4 << 20

	// DefaultWait is how long a request waits for its receipts.
	DefaultWait = 10 * time.Second
	// DefaultRate is how many credentials, or lists of a record, one client may have looked at in a
	// second, on average; burst seconds' worth at once.
	DefaultRate = 50

	burst      = 20   // seconds of a client's rate: so much of a record comes at once when a fleet is added
	maxWaiting = 4096 // requests that wait for a checkpoint; further ones are told to come again
)

// A Log is what a Handler serves: a [*tlog.Log], or a log of another make that answers like one.
// Implementations are safe for concurrent use.
type Log interface {
	tlog.Source // its files, and what it says of records: "record/<size>/<key>"
	// AppendAll takes entries in, as [tlog.Log.AppendAll] does.
	AppendAll(ctx context.Context, submissions []tlog.Submission) ([]tlog.Result, error)
	// Receipt returns the receipt of a leaf. The error wraps fs.ErrNotExist if there is none yet.
	Receipt(ctx context.Context, index int64) ([]byte, error)
	// Publish publishes what was taken in, as [tlog.Log.Publish] does.
	Publish(ctx context.Context, cosigners ...tlog.Cosigner) (*tlog.Publication, error)
}

// A Handler serves a log: see the package documentation. Log is required. A Handler is used by
// pointer; its fields do not change after first use.
type Handler struct {
	Log Log

	// Accept says whose credentials are taken in, such as [vc.IssuedBy]; nil means nobody's. With
	// [vc.AnyIssuer], any stranger can take the place of an entry for good.
	Accept vc.Accept
	// Verifier checks the credentials; nil means one without a network.
	Verifier *vc.Verifier

	// Cosigners are the witnesses that Run asks.
	Cosigners []tlog.Cosigner

	Wait time.Duration // how long a request waits for its receipts; zero means DefaultWait
	Rate int           // see DefaultRate, which zero means

	once      sync.Once
	limit     *ratelimit.Limiter
	working   chan struct{} // holds a place for each request that is being verified
	waiting   chan struct{} // and for each that waits for a checkpoint
	mu        sync.Mutex
	published chan struct{} // closed at the next publication
	wake      chan struct{} // tells Run that there is something to publish
}

func (h *Handler) begin() {
	rate := h.Rate
	if rate <= 0 {
		rate = DefaultRate
	}
	h.limit = ratelimit.New(rate, max(rate*burst, MaxAdd))
	h.working = make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	h.waiting = make(chan struct{}, maxWaiting)
	h.published = make(chan struct{})
	h.wake = make(chan struct{}, 1)
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(h.begin)
	// What a log says is for everybody, and there is nothing to be had by a browser's credentials.
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("X-Content-Type-Options", "nosniff")
	path, adds := strings.TrimPrefix(r.URL.Path, "/"), r.URL.Path == "/add"
	allowed := "GET, HEAD, OPTIONS"
	if adds {
		allowed = "POST, OPTIONS"
	}
	var p *problem
	switch {
	case r.Method == http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", allowed)
		header.Set("Access-Control-Allow-Headers", "Content-Type")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	case adds && r.Method == http.MethodPost:
		p = h.add(w, r)
	case !adds && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		p = h.file(w, r, path)
	default:
		header.Set("Allow", allowed)
		p = fail(http.StatusMethodNotAllowed, "here goes %s", allowed)
	}
	if p != nil {
		p.write(w)
	}
}

// fileName is the name of a file, and not of a folder, among tiles and archived checkpoints.
var fileName = regexp.MustCompile(`^(tile/(entries|[0-9]{1,2})|archive)/(x[0-9]{3}/){0,6}[0-9]{3}(\.p/[0-9]{1,3})?$`)

// file answers a GET.
func (h *Handler) file(w http.ResponseWriter, r *http.Request, path string) *problem {
	kind, age := "text/plain; charset=utf-8", "no-cache"
	var data []byte
	var err error
	switch folder, rest, _ := strings.Cut(path, "/"); {
	case path == "checkpoint":
		data, err = h.Log.ReadFile(r.Context(), path)
	case folder == "tile" && fileName.MatchString(path):
		// "This endpoint is immutable", partial tiles and all.
		kind, age = "application/octet-stream", "public, max-age=31536000, immutable"
		data, err = h.Log.ReadFile(r.Context(), path)
	case folder == "archive" && fileName.MatchString(path): // may yet gain a cosignature
		age = "public, max-age=60"
		data, err = h.Log.ReadFile(r.Context(), path)
	case folder == "record" || folder == "receipt": // made for each who asks
		if wait := h.limit.Allow(ratelimit.Client(r.RemoteAddr), 1, time.Now()); wait > 0 {
			return later(http.StatusTooManyRequests, wait, "too many requests from your address")
		}
		age = "public, max-age=60"
		if folder == "record" {
			data, err = h.Log.ReadFile(r.Context(), path)
			break
		}
		index, wrong := strconv.ParseInt(rest, 10, 64)
		if wrong != nil || strconv.FormatInt(index, 10) != rest {
			return fail(http.StatusNotFound, "a receipt is named by the number of its leaf")
		}
		data, err = h.Log.Receipt(r.Context(), index)
	default:
		err = fs.ErrNotExist
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(http.StatusNotFound, "the log has no such file")
	case err != nil:
		return later(http.StatusServiceUnavailable, time.Minute, "the log cannot read it")
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", age)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.Write(data)
	return nil
}

// add answers a POST of new entries.
func (h *Handler) add(w http.ResponseWriter, r *http.Request) *problem {
	// 1. Is anybody's word taken, and is it this client's turn?
	if h.Accept == nil {
		return fail(http.StatusForbidden, "this log takes in entries from nobody here")
	}
	client := ratelimit.Client(r.RemoteAddr)
	if wait := h.limit.Allow(client, 1, time.Now()); wait > 0 {
		return later(http.StatusTooManyRequests, wait, "too many requests from your address")
	}

	// 2. The body.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxAddBytes))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return fail(http.StatusRequestEntityTooLarge, "at most %d bytes are read: send fewer credentials at once", MaxAddBytes)
	} else if err != nil {
		return fail(http.StatusBadRequest, "the request was cut off")
	}
	salt, credentials, err := parseAdd(body)
	if err != nil {
		return fail(http.StatusBadRequest, "%v", err)
	}
	if wait := h.limit.Allow(client, len(credentials)-1, time.Now()); wait > 0 {
		return later(http.StatusTooManyRequests, wait, "too many credentials from your address")
	}

	// 3. The credentials: all good, all accepted, all entries.
	submissions, p := h.verify(r.Context(), salt, credentials)
	if p != nil {
		return p
	}

	// 4. The log, which keeps the rule that sequences rise by one and each follows the one before.
	results, err := h.Log.AppendAll(r.Context(), submissions)
	if err != nil {
		return later(http.StatusServiceUnavailable, time.Minute, "the log cannot write")
	}
	select {
	case h.wake <- struct{}{}:
	default: // it knows
	}
	for i, result := range results {
		if result.Err != nil {
			return conflict(i, result.Err)
		}
	}

	// 5. The receipts, when they are there.
	receipts, p := h.receipts(r.Context(), results)
	if p != nil {
		return p
	}
	answer, err := json.Marshal(struct {
		Receipts []string `json:"receipts"`
	}{receipts})
	if err != nil {
		return fail(http.StatusInternalServerError, "a receipt is no text")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(answer)
	return nil
}

// parseAdd reads the body of a request to add.
func parseAdd(body []byte) (salt tlog.Salt, credentials [][]byte, err error) {
	doc, err := strictjson.Parse(body, strictjson.Limits{Bytes: MaxAddBytes})
	if err != nil {
		return salt, nil, err
	}
	root := doc.Root()
	list := root.Member("credentials")
	switch {
	case root.Kind() != strictjson.Object || root.Len() != 2 || root.Member("salt").Kind() != strictjson.String || list.Kind() != strictjson.Array:
		return salt, nil, errors.New(`want {"salt": "…", "credentials": [credential, …]}`)
	case list.Len() == 0 || list.Len() > MaxAdd:
		return salt, nil, errors.New("want 1 to " + strconv.Itoa(MaxAdd) + " credentials at once")
	}
	if err := salt.UnmarshalText([]byte(root.Member("salt").Text())); err != nil {
		return salt, nil, err
	}
	if salt.IsZero() {
		return salt, nil, errors.New("the salt is empty")
	}
	for c := range list.All() {
		credentials = append(credentials, []byte(c.Raw()))
	}
	return salt, credentials, nil
}

// verify returns what the credentials are to the log.
func (h *Handler) verify(ctx context.Context, salt tlog.Salt, credentials [][]byte) ([]tlog.Submission, *problem) {
	select {
	case h.working <- struct{}{}:
		defer func() { <-h.working }()
	case <-ctx.Done():
		return nil, later(http.StatusServiceUnavailable, time.Second, "the log is busy")
	}
	verifier := h.Verifier
	if verifier == nil {
		verifier = new(vc.Verifier)
	}
	submissions := make([]tlog.Submission, len(credentials))
	for i, result := range verifier.VerifyAll(ctx, credentials, h.Accept) {
		bad := func(p *problem) ([]tlog.Submission, *problem) {
			p.Credential = &i
			return nil, p
		}
		v, err := result.Verified, result.Err
		switch rejected, ok := errors.AsType[*vc.RejectError](err); {
		case ok && errors.Is(rejected.Reason, vc.ErrNotAccepted):
			return bad(fail(http.StatusForbidden, "%v", err))
		case ok:
			return bad(fail(http.StatusBadRequest, "%v", err))
		case err != nil:
			return bad(later(http.StatusServiceUnavailable, time.Minute, "it could not be checked: a signer, its status or its schema could not be looked up"))
		}
		var link chain.Link
		switch found, err := v.Member("record", &link); {
		case err != nil:
			return bad(fail(http.StatusBadRequest, "%v", err))
		case !found:
			return bad(fail(http.StatusBadRequest, "credential %s is no entry of a record", v.Digest()))
		}
		name := link.Chain
		if link.Sequence == 0 {
			name = v.Digest()
		}
		submissions[i] = tlog.Submission{
			Entry:    tlog.Entry{Key: salt.Key(name), Sequence: link.Sequence, Digest: v.Digest()},
			Previous: link.Previous,
		}
	}
	return submissions, nil
}

// conflict says why the log did not take in the i-th entry.
func conflict(i int, err error) *problem {
	p := fail(http.StatusConflict, "%v", err)
	p.Credential = &i
	if taken, ok := errors.AsType[*tlog.TakenError](err); ok {
		p.Sequence, p.Digest = &taken.Entry.Sequence, taken.Held.String()
		return p
	}
	if order, ok := errors.AsType[*tlog.OrderError](err); ok {
		p.Sequence = &order.Newest
		if !order.Held.IsZero() {
			p.Digest = order.Held.String()
		}
		return p
	}
	p.Status, p.Title = http.StatusBadRequest, http.StatusText(http.StatusBadRequest)
	return p
}

// receipts waits until a published checkpoint covers all that was taken in.
func (h *Handler) receipts(ctx context.Context, results []tlog.Result) ([]string, *problem) {
	pending := later(http.StatusAccepted, 2*time.Second, "taken in, to be published: ask again for the receipts")
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, pending
	}
	wait := h.Wait
	if wait <= 0 {
		wait = DefaultWait
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	receipts := make([]string, 0, len(results))
	for {
		h.mu.Lock()
		published := h.published
		h.mu.Unlock()
		for len(receipts) < len(results) {
			text, err := h.Log.Receipt(ctx, results[len(receipts)].Index)
			if errors.Is(err, fs.ErrNotExist) {
				break
			}
			if err != nil {
				return nil, later(http.StatusServiceUnavailable, time.Minute, "taken in; the log cannot read its receipt")
			}
			receipts = append(receipts, string(text))
		}
		if len(receipts) == len(results) {
			return receipts, nil
		}
		select {
		case <-published:
		case <-patience.C:
			return nil, pending
		case <-ctx.Done():
			return nil, pending
		}
	}
}
