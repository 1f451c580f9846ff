package vcapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/ratelimit"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
)

// Bounds of a [Handler].
const (
	// MaxCredentialRequest is the longest request about a credential, in bytes: the credential and
	// its options.
	MaxCredentialRequest = vc.MaxCredentialBytes + 64<<10
	// MaxPresentationRequest is the longest request about a presentation: 2,000 entries of 2 kB.
	// Together with MaxRequests it bounds the memory that strangers can fill, at 256 MiB.
	MaxPresentationRequest = 4 << 20
	// MaxSmallRequest is the longest request of another kind.
	MaxSmallRequest = 16 << 10
	// MaxRequests is how many requests are read and answered at the same time, of which one client
	// has half at most. Who comes beyond that waits a second, and is then asked to come again.
	MaxRequests = 64
	// DefaultRate is how many requests a second one client may make, on average. A burst of ten
	// times as many is let through.
	DefaultRate = 20
	// DefaultTotalRate is how many all clients together may make: what two cores verify.
	DefaultTotalRate = 500
	// DefaultTimeout is how long a request is worked on once it is read.
	DefaultTimeout = 20 * time.Second

	burst    = 10
	roomWait = time.Second
)

// A Handler serves the VC API. It is used by pointer; its fields do not change after first use.
type Handler struct {
	Instances []Instance // who issues; none: nothing is signed

	// Accept says whose credentials are taken when they verify, such as [vc.IssuedBy]; nil means
	// nobody's.
	Accept vc.Accept
	// Verifier checks credentials and presentations; nil means one without a network, with resolver.Offline.
	Verifier *vc.Verifier
	// Resolver resolves DIDs for /1.0/identifiers/; nil means resolver.Offline. Whoever can reach
	// the Handler can have it look up any DID: give it a resolver.Cache of what opens connections
	// to public hosts only, as resolver.All is. See LookupCost.
	Resolver did.Resolver
	// Challenges are those that presentations answer; nil makes some with the defaults.
	Challenges *Challenges
	// Derive discloses of a credential what these JSON Pointers (RFC 6901) and its issuer say; nil
	// means that nothing is derived. An error says that it cannot be done.
	Derive func(credential []byte, pointers []string) ([]byte, error)

	// Conformance, if set, makes this a server for conformance suites: see [Conformance].
	Conformance *Conformance

	Rate      int           // see DefaultRate, which zero means
	TotalRate int           // see DefaultTotalRate, which zero means
	Timeout   time.Duration // see DefaultTimeout, which zero means
	Log       *slog.Logger  // a line for each request, without what is in it; nil means none

	once         sync.Once
	clients, all *ratelimit.Limiter
	room         *room
	working      chan struct{} // a place for each request that is computed
	verifying    *vc.Verifier  // Verifier, which gives that place up while it waits for others
	routes       []route
	resolving    http.Handler
	offline      resolver.Methods // for which nobody is asked
	lookups      *room            // of requests for which somebody may be asked
	metrics      *metrics
	draining     atomic.Bool
}

// An Instance is an issuer as a tenant of the service.
type Instance struct {
	// Name is its part of the path, such as "depot-7"; "" serves it at the root. Those of
	// the other endpoints are taken: "credentials", "presentations", "challenges", "status-lists",
	// "1.0", …
	Name   string
	Issuer *vc.Issuer // required
	Holder *vc.Holder // presents credentials; nil: nothing is presented
	Tokens []Token    // any of which lets a client have things signed; none: nobody

	// Statuses gives each credential a place in a status list; nil means that they have no status.
	Statuses Statuses
	// Mandatory returns the cryptosuite that always discloses what these JSON Pointers name, for the
	// option mandatoryPointers; nil means that the option is refused.
	Mandatory func(pointers []string) vc.Suite
}

func (h *Handler) begin() {
	if h.Rate <= 0 {
		h.Rate = DefaultRate
	}
	if h.TotalRate <= 0 {
		h.TotalRate = DefaultTotalRate
	}
	if h.Timeout <= 0 {
		h.Timeout = DefaultTimeout
	}
	if h.Verifier == nil {
		h.Verifier = &vc.Verifier{Resolver: resolver.Offline()}
	}
	if h.Accept == nil {
		h.Accept = func(*vc.Verified) error { return errors.New("this service takes credentials of nobody") }
	}
	if h.Challenges == nil {
		h.Challenges = new(Challenges)
	}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	h.clients = ratelimit.New(h.Rate, burst*h.Rate)
	h.all = ratelimit.New(h.TotalRate, h.TotalRate)
	h.room, h.lookups = newRoom(MaxRequests), newRoom(MaxLookups)
	h.working = make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	identifiers := &resolver.Handler{Resolver: h.Resolver}
	h.resolving = http.StripPrefix("/1.0/identifiers/", identifiers)
	h.offline = resolver.Offline()
	h.verifying = yielding(h.Verifier, h.isOffline)
	h.metrics = newMetrics()
	h.routes = routes(identifiers.ServeMethods)
}

// Drain makes /healthz say that the service is about to end, so that a load balancer sends nobody
// here any more. Call it before the server's Shutdown.
func (h *Handler) Drain() { h.draining.Store(true) }

// A route is an endpoint: what it is called in logs and metrics, and how it is answered.
type route struct {
	name   string // its path in the OpenAPI document
	method string
	most   int  // bytes of body that are read; 0: there is none
	signs  bool // needs a token of the instance
	serve  func(h *Handler, ctx context.Context, in *request) reply
	post   bool                                                            // is also answered if it comes by POST
	direct func(h *Handler, w http.ResponseWriter, r *http.Request) *reply // instead of serve; nil if it is written
}

// routes are the endpoints that have a path of their own. Those of an instance also stand below its
// name.
func routes(methods http.HandlerFunc) []route {
	return []route{
		{name: "/credentials/issue", method: "POST", most: MaxCredentialRequest, signs: true, serve: (*Handler).issue},
		{name: "/credentials/status", method: "POST", most: MaxSmallRequest, signs: true, serve: (*Handler).status},
		{name: "/presentations/prove", method: "POST", most: MaxPresentationRequest, signs: true, serve: (*Handler).prove},
		{name: "/credentials/verify", method: "POST", most: MaxCredentialRequest, serve: (*Handler).verifyCredential},
		{name: "/presentations/verify", method: "POST", most: MaxPresentationRequest, serve: (*Handler).verifyPresentation},
		{name: "/credentials/derive", method: "POST", most: MaxCredentialRequest, serve: (*Handler).derive},
		{name: "/challenges", method: "POST", most: MaxSmallRequest, serve: (*Handler).challenge},
		{name: "/status-lists/{list}", method: "GET", serve: (*Handler).statusList},
		{name: "/1.0/identifiers/{did}", method: "GET", post: true, direct: (*Handler).resolve},
		{name: "/1.0/methods", method: "GET", direct: func(_ *Handler, w http.ResponseWriter, r *http.Request) *reply { methods(w, r); return nil }},
		{name: "/openapi.json", method: "GET", serve: (*Handler).openAPI},
		{name: "/healthz", method: "GET", serve: (*Handler).health},
		{name: "/metrics", method: "GET", direct: (*Handler).serveMetrics},
		{name: "/conformance.json", method: "GET", serve: (*Handler).conformance},
	}
}

// find returns the route of a path, and the instance it is for. route.name is empty if there is none.
func (h *Handler) find(path string) (route, *Instance) {
	instance := func(name string) *Instance {
		i := slices.IndexFunc(h.Instances, func(i Instance) bool { return i.Name == name })
		if i < 0 {
			return nil
		}
		return &h.Instances[i]
	}
	for _, r := range h.routes {
		prefix, variable := r.name, false
		if i := strings.IndexByte(prefix, '{'); i >= 0 {
			prefix, variable = prefix[:i], true
		}
		switch {
		case path == r.name && !variable, variable && strings.HasPrefix(path, prefix):
			if r.name == "/conformance.json" && h.Conformance == nil {
				return route{}, nil
			}
			if !r.signs {
				return r, nil
			}
			if i := instance(""); i != nil {
				return r, i
			}
			return route{}, nil
		case r.signs && strings.HasSuffix(path, r.name):
			name := strings.TrimPrefix(strings.TrimSuffix(path, r.name), "/")
			if i := instance(name); i != nil && name != "" && path == "/"+name+r.name {
				r.name = "/{instance}" + r.name
				return r, i
			}
		}
	}
	return route{}, nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(h.begin)
	started := time.Now()
	seen := &observer{ResponseWriter: w}
	id := requestID()
	header := seen.Header()
	header.Set("X-Request-Id", id)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")

	// 1. Where to?
	at, instance := h.find(r.URL.Path)
	out := h.admit(seen, r, at, instance)
	if out != nil {
		out.write(seen, r, id)
	}

	name, outcome := at.name, ""
	if name == "" {
		name = "none" // not the path: strangers choose it
	}
	if out != nil {
		outcome = out.outcome
	}
	took := time.Since(started)
	h.metrics.count(name, seen.status, outcome, took)
	attributes := []slog.Attr{
		slog.String("request", id), slog.String("method", methodName(r.Method)), slog.String("endpoint", name), slog.Int("status", seen.status),
		slog.Duration("took", took), slog.Int64("sent", seen.sent), slog.String("client", ratelimit.Client(r.RemoteAddr).String()),
	}
	if instance != nil {
		attributes = append(attributes, slog.String("instance", instance.Name))
	}
	if outcome != "" {
		attributes = append(attributes, slog.String("outcome", outcome))
	}
	level := slog.LevelInfo
	if out != nil && out.cause != nil {
		level = slog.LevelError
		attributes = append(attributes, slog.String("cause", out.cause.Error()))
	}
	h.Log.LogAttrs(r.Context(), level, "request", attributes...)
}

// admit lets a request through to its endpoint if nothing is against it. It returns nil if the answer
// is written already.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, at route, instance *Instance) *reply {
	// 2. Is there such a place, and is it this client's turn?
	client, now := ratelimit.Client(r.RemoteAddr), time.Now()
	if wait := h.clients.Allow(client, 1, now); wait > 0 {
		return later(http.StatusTooManyRequests, wait, "too many requests from your address")
	}
	if wait := h.all.Allow(netip.Prefix{}, 1, now); wait > 0 {
		return later(http.StatusTooManyRequests, wait, "too many requests")
	}
	if at.name == "" {
		return problem(http.StatusNotFound, "there is no such path, or no such instance: see /openapi.json")
	}
	head := at.method == http.MethodGet && r.Method == http.MethodHead
	if r.Method != at.method && !head && !(at.post && r.Method == http.MethodPost) {
		allow := at.method
		if allow == http.MethodGet {
			allow = "GET, HEAD"
		}
		if at.post {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow)
		return problem(http.StatusMethodNotAllowed, "here goes "+allow)
	}

	// 3. May it be signed for this client? Ask before a byte of the body is read.
	if at.signs && h.Conformance == nil && !allowed(r, instance.Tokens) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hourmeter"`)
		return problem(http.StatusUnauthorized, "this needs an API token of the instance: Authorization: Bearer …")
	}

	// 4. Is there room?
	if !h.room.enter(r.Context(), client, roomWait) {
		return later(http.StatusServiceUnavailable, time.Second, "too many requests are under way")
	}
	defer h.room.leave(client)
	if at.direct != nil {
		return at.direct(h, w, r)
	}

	// 5. The body, whole, before anything is made of it.
	in := &request{http: r, instance: instance, route: at}
	if at.most > 0 {
		if out := in.read(w, at.most); out != nil {
			return out
		}
	}

	// 6. A place to compute, and so long.
	ctx, cancel := context.WithTimeout(r.Context(), h.Timeout)
	defer cancel()
	t := &turn{places: h.working, room: h.lookups, client: client}
	if !t.begin(ctx) {
		return later(http.StatusServiceUnavailable, time.Second, "too many requests are under way")
	}
	defer t.end()
	out := at.serve(h, context.WithValue(ctx, turnOf{}, t), in)
	return &out
}

func (h *Handler) health(context.Context, *request) reply {
	if h.draining.Load() {
		return reply{status: http.StatusServiceUnavailable, body: map[string]string{"status": "ending"}}
	}
	return reply{status: http.StatusOK, body: map[string]string{"status": "ok"}}
}

// An observer remembers how a request was answered.
type observer struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (o *observer) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observer) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	n, err := o.ResponseWriter.Write(b)
	o.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (o *observer) Unwrap() http.ResponseWriter { return o.ResponseWriter }
