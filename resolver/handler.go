package resolver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
)

// The media types of DID Resolution (§9, §10) and DID Core 1.1 (§6).
const (
	MediaTypeDocument      = did.MediaTypeDocument               // a DID document
	MediaTypeResolution    = "application/did-resolution"        // a DID resolution result
	MediaTypeDereferencing = "application/did-url-dereferencing" // the same of a DID URL
)

// A Handler answers the HTTP(S) binding of DID Resolution 1.0 (§12.1), by GET and POST, with the
// answers of any [did.Resolver]: it is a DID resolver and DID URL dereferencer, and a driver of
// any Universal Resolver. It serves the URL that is left when the prefix is stripped:
//
//	h := &resolver.Handler{Resolver: resolver.Offline()}
//	mux.Handle("/1.0/identifiers/", http.StripPrefix("/1.0/identifiers/", h))
//	mux.HandleFunc("/1.0/methods", h.ServeMethods)
//
// The DID or DID URL stands in the path as it is, or percent-encoded as a whole. A DID URL that has
// "//", "/./" or "/../" has to be encoded where an [http.ServeMux] is in front, which otherwise
// redirects to another one without them. The query, and
// the JSON object that is the body of a POST, hold options and DID parameters: accept, which
// goes before the header, expandRelativeUrls, noCache, verificationRelationship, and x509chain of
// did:x509; versionId, versionTime and versionNumber; service, serviceType and relativeRef. An option
// that is none of these is answered by FEATURE_NOT_SUPPORTED (§4.4, step 3).
//
// The header Accept says what is wanted. Of a DID that is a resolution result (the default), or the
// document alone (application/did, did+json, did+ld+json). A DID URL, which is what has a path,
// query or fragment when decoded, is dereferenced, and so is a DID of which application/did-url-dereferencing
// or text/uri-list is wanted, with the DID parameters of the query: to a dereferencing result
// (the default) or to the content alone (application/did and so on, application/json). What is behind
// the endpoint of a service is answered by 303 and its URL in Location, to https and http only:
// if text/uri-list is wanted, or the DID URL has a relativeRef or a path. Who takes text/html, and does
// not ask for text/uri-list, is a person with a browser, and is sent nowhere: a link to this host would
// lead to whatever host a stranger's document names.
//
// A document has the id that was asked for (§4); but of a did:webvh that moved, what was published before the
// move is given as it was ("Read", step 11.2), with the canonicalId or equivalentId by which it is the one
// asked for: see [did.Resolution.Describes].
//
// What a resolver says is for anybody to ask: give a Handler that strangers can reach a
// Resolver that opens no connections on their behalf to where they could not go themselves, a
// limit of how often they come, and TLS, which the binding demands. Why there was no answer is
// not told to them (INTERNAL_ERROR): it may name a server of the inside.
type Handler struct {
	Resolver did.Resolver // nil means Offline(): no network
	// NoCache lets clients ask past what is remembered (noCache), each time at the cost of a
	// lookup. Otherwise the option is answered by FEATURE_NOT_SUPPORTED (§13.2).
	NoCache bool
	// Methods are those that ServeMethods lists, such as "key". Nil means those of Resolver, if
	// it is one of this package that knows.
	Methods []string
	Now     func() time.Time // nil means time.Now
}

// A httpAnswer is what goes back.
type httpAnswer struct {
	status    int
	mediaType string
	result    any           // written as JSON; nil for no body
	location  string        // of a 303
	maxAge    time.Duration // for how long it may be remembered; less than a second: not
	after     time.Duration // to wait before asking again; zero if nobody says
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "a DID is resolved by GET or POST", http.StatusMethodNotAllowed)
		return
	}
	h.answer(w, r).write(w, r)
}

// ServeMethods answers with the names of the methods that can be resolved, a JSON array, as a
// Universal Resolver does at /1.0/methods.
func (h *Handler) ServeMethods(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "methods are listed by GET", http.StatusMethodNotAllowed)
		return
	}
	names := h.Methods
	if names == nil {
		names = methodsOf(h.resolver())
	}
	a := httpAnswer{status: http.StatusOK, mediaType: "application/json", result: names}
	if names == nil {
		e := problemOf(fmt.Errorf("%w: this resolver does not know which methods it has", did.ErrFeatureNotSupported), false)
		a = httpAnswer{status: http.StatusNotImplemented, mediaType: "application/problem+json", result: e}
	}
	a.write(w, r)
}

// mayResolve reports whether id is none, or of a method that is not known to be missing.
func (h *Handler) mayResolve(id did.DID) bool {
	names := methodsOf(h.resolver())
	return id.IsZero() || names == nil || slices.Contains(names, id.Method())
}

func (h *Handler) resolver() did.Resolver {
	if h.Resolver == nil {
		return Offline()
	}
	return h.Resolver
}

// methodsOf returns the names of the methods of r; nil if r does not know them.
func methodsOf(r did.Resolver) []string {
	switch r := r.(type) {
	case did.Offline:
		return []string{"jwk", "key"}
	case Methods:
		names := slices.AppendSeq([]string{}, maps.Keys(r)) // none is not nil
		slices.Sort(names)
		return names
	case *Cache:
		return methodsOf(r.Next)
	}
	return nil
}

// certifiedBy returns the resolver of did:x509 in r.
func certifiedBy(r did.Resolver) (didx509.Resolver, bool) {
	switch r := r.(type) {
	case didx509.Resolver:
		return r, true
	case Methods:
		return certifiedBy(r["x509"])
	case *Cache:
		return certifiedBy(r.Next)
	}
	return didx509.Resolver{}, false
}

func (a httpAnswer) write(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if a.result != nil {
		var err error
		if body, err = json.Marshal(a.result, json.Deterministic(true)); err != nil { // a Resolver's text that is no JSON
			a = failure(httpRequest{}, errors.New("the answer cannot be written"))
			body, _ = json.Marshal(a.result, json.Deterministic(true))
		}
	}
	header := w.Header()
	if a.mediaType != "" {
		header.Set("Content-Type", a.mediaType)
	}
	if a.location != "" {
		header.Set("Location", a.location)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-cache") // how old an answer may be is the Resolver's business
	if a.maxAge >= time.Second {
		header.Set("Cache-Control", "max-age="+strconv.FormatInt(int64(a.maxAge/time.Second), 10))
	}
	if a.after > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((a.after+time.Second-1)/time.Second), 10))
	}
	header.Set("Vary", "Accept")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request) httpAnswer {
	// 1. What is asked for?
	q, err := readRequest(w, r)
	if err == nil && q.noCache && !h.NoCache {
		err = fmt.Errorf("%w: noCache: this resolver asks no one past its cache: ask without it", did.ErrFeatureNotSupported)
	}
	if err != nil && !h.mayResolve(q.target.DID) {
		// That comes before what is wrong with the options (§4.4, step 2).
		err = fmt.Errorf("%w: did:%s", did.ErrMethodNotSupported, q.target.DID.Method())
	}
	if err != nil {
		return failure(q, err)
	}
	ctx := r.Context()
	if q.noCache {
		ctx = NoCache(ctx)
	}
	resolver := h.resolver()
	if q.chain != nil {
		certified, ok := certifiedBy(resolver)
		if !ok || q.target.DID.Method() != "x509" {
			return failure(q, fmt.Errorf("%w: x509chain is an option of did:x509, which this resolver may not have", did.ErrFeatureNotSupported))
		}
		resolver = certified.Presented(q.chain.DER())
	}
	if q.dereference {
		return h.dereference(ctx, resolver, q)
	}

	// 2. The document.
	res, err := resolver.Resolve(ctx, q.target.DID, q.version)
	if err == nil && (res == nil || res.Document == nil || !res.Describes(q.target.DID)) {
		err = errors.New("resolver: another document came back, or none")
	}
	if err != nil {
		return failure(q, err)
	}
	document, err := q.text(res.Document)
	if err != nil {
		return failure(q, err)
	}

	// 3. In the form asked for.
	a := httpAnswer{status: http.StatusOK, mediaType: q.form, maxAge: h.maxAge(res)}
	if res.Deactivated {
		a.status = http.StatusGone
	}
	switch q.form {
	case MediaTypeResolution, "application/did-resolution-result", "application/json":
		a.result = resolutionResult{"", document, resolutionMetadata(res), httpDocumentMetadata{*res}}
	case profileResolution:
		a.result = resolutionResult{"https://w3id.org/did-resolution/v1", document, resolutionMetadata(res), httpDocumentMetadata{*res}}
	default:
		if q.form == "application/did+ld+json" && len(res.Document.Context) == 0 {
			return failure(q, fmt.Errorf("%w: the document has no @context: it is not JSON-LD", did.ErrRepresentationNotSupported))
		}
		a.result = document
	}
	return a
}

func (h *Handler) dereference(ctx context.Context, resolver did.Resolver, q httpRequest) httpAnswer {
	o := did.DereferencingOptions{Accept: q.form, Relationship: q.relationship}
	switch {
	case q.form != MediaTypeDereferencing && q.form != "application/json":
	case q.browser:
		o.Accept = MediaTypeDocument
	default:
		o.Accept = ""
	}
	found, err := did.Dereference(ctx, resolver, q.target, o)
	if err != nil {
		return failure(q, err)
	}
	a := httpAnswer{status: http.StatusOK, mediaType: q.form, maxAge: h.maxAge(found.Resolution)}

	// Elsewhere (§12.1, step 10).
	if found.URLs != nil {
		i := slices.IndexFunc(found.URLs, func(u string) bool {
			scheme, _, _ := strings.Cut(u, "://")
			return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")
		})
		if i < 0 {
			return failure(q, fmt.Errorf("%w: the endpoint %.80q is not of http: look at the service itself", did.ErrFeatureNotSupported, found.URLs[0]))
		}
		a.status, a.mediaType, a.location = http.StatusSeeOther, "", found.URLs[i]
		return a
	}

	// The document, or a part of it.
	var content jsontext.Value
	if found.Document != nil {
		content, err = q.text(found.Document)
	} else {
		content, err = found.Content()
	}
	if err != nil {
		return failure(q, err)
	}
	if found.Resolution.Deactivated {
		a.status = http.StatusGone
	}
	a.result = content
	if q.form == MediaTypeDereferencing {
		a.result = dereferencingResult{resolutionMetadata(found.Resolution), content, content, httpDocumentMetadata{*found.Resolution}}
	}
	return a
}

// maxAge returns for how much longer the controller lets the answer be remembered.
func (h *Handler) maxAge(res *did.Resolution) time.Duration {
	if res.Stale || res.TTL <= 0 || res.Retrieved.IsZero() {
		return 0
	}
	return res.TTL - max(0, clock(h.Now).Sub(res.Retrieved))
}
