package did

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Media types of what a DID URL leads to.
const (
	MediaTypeDocument = "application/did" // a DID document, or a part of one (DID Core 1.1 §6)
	MediaTypeURIList  = "text/uri-list"   // where services are, for somebody else to go there (RFC 2483 §5)
)

// DereferencingOptions are the options of [Dereference] (DID Resolution 1.0 §5.1). The zero
// value has none.
type DereferencingOptions struct {
	// Version picks the document, as the DID URL can do itself. If both do, both have to
	// pick the same.
	Version Version
	// Accept is the media type that is wanted: MediaTypeDocument, or its older names
	// application/did+json and application/did+ld+json, or MediaTypeURIList. If it is "",
	// a DID URL with a relativeRef or a path leads to a list of URLs, since what is behind
	// an endpoint is in no document (§5.5.2), and every other into the document.
	Accept string
	// Relationship ("verificationRelationship") is what the document has to authorize the
	// verification method for that the DID URL names.
	Relationship Relationship
}

// Dereferenced is what a DID URL leads to: one of Document, Method, Service and URLs.
// Callers do not change it.
type Dereferenced struct {
	// Resolution is the document of the DID, and what its method knows of it.
	Resolution *Resolution

	Document *Document           // the document; if the URL names services, with these only
	Method   *VerificationMethod // the method that the fragment names
	Service  *Service            // the service that the fragment names
	URLs     []string            // where it is, in the order of the document: nobody went there
}

// Dereference follows a DID URL as far as the document of its DID leads, which it looks up
// with r; nil means [Offline] (DID Resolution 1.0 §5.4). It makes no other request, and
// follows no endpoint, even if that is a DID URL itself: a circle is for the caller to see (§13.6).
//
// Of parameters, it takes versionId, versionTime and versionNumber, service, serviceType and
// relativeRef; hl gets [ErrFeatureNotSupported]. Paths mean something in did:webvh only:
// /whois is the endpoint of the service #whois, any other is below that of #files. What
// leads nowhere, and a service that is not there, gets [ErrNotFound].
//
// A relativeRef stays at the endpoint: one with a host of its own, one that starts with "/"
// where the endpoint has a path, and every "..", however it is encoded, that leads out
// of the endpoint's folder gets [ErrInvalidURL] (§13.7.1).
//
// The document of a DID that moved may have another name, as [Resolution.Describes] says, by which it names
// its services. Methods and services that a fragment names have to have the name asked for.
//
// The danger: what comes back is what the document says, a key that has expired or that
// somebody else holds included. To verify with a key, ask [Key] for it.
func Dereference(ctx context.Context, r Resolver, url URL, o DereferencingOptions) (*Dereferenced, error) {
	if r == nil {
		r = Offline{}
	}

	// 1. Is it a DID URL, and can it be done at all?
	if _, err := url.MarshalText(); err != nil {
		return nil, err
	}
	q, err := url.parameters()
	if err != nil {
		return nil, err
	}
	switch {
	case !o.Version.IsZero() && !q.version.IsZero() && o.Version != q.version:
		return nil, fmt.Errorf("%w: %s asks for another version than the options do", ErrInvalidOptions, quote(url.String()))
	case q.version.IsZero():
		q.version = o.Version
	}
	list := o.Accept == MediaTypeURIList || o.Accept == "" && (q.hasRef || url.Path != "")
	switch o.Accept {
	case "", MediaTypeDocument, "application/did+json", "application/did+ld+json", MediaTypeURIList:
	default:
		return nil, fmt.Errorf("%w: no DID URL leads to %s", ErrRepresentationNotSupported, quote(o.Accept))
	}
	switch o.Relationship {
	case "", AssertionMethod, Authentication, KeyAgreement, CapabilityInvocation, CapabilityDelegation:
	default:
		return nil, fmt.Errorf("%w: %s is no verification relationship", ErrInvalidOptions, quote(string(o.Relationship)))
	}

	// 2. The document.
	res, err := r.Resolve(ctx, url.DID, q.version)
	if err != nil {
		return nil, err
	}
	if res == nil || res.Document == nil {
		return nil, fmt.Errorf("did: the resolver of %s gave neither a document nor an error", url.DID)
	}
	if !res.Describes(url.DID) {
		return nil, fmt.Errorf("%w: asked for %s, got the document of %s", ErrInvalidDocument, url.DID, res.Document.ID)
	}
	if o.Accept == "application/did+ld+json" && len(res.Document.Context) == 0 {
		return nil, fmt.Errorf("%w: the document of %s has no @context: it is not JSON-LD", ErrRepresentationNotSupported, url.DID)
	}
	out := &Dereferenced{Resolution: res}

	// 3. What the path and the parameters select of it (§5.4.1, from step 6).
	var selected []Service
	below := "" // the path of a DID URL, which goes below the endpoint
	switch {
	case url.Path != "" && (url.DID.Method() != "webvh" || q.named || q.unknown != ""),
		url.Path == "" && !q.named && q.unknown != "":
		return nil, fmt.Errorf("%w: %s: neither DID Resolution nor did:%s says what it leads to", ErrNotFound, quote(url.String()), url.DID.Method())
	case url.Path == "/whois":
		selected = res.Document.services(func(s *Service) bool { return s.ID == res.Document.ID.URL("whois") })
	case url.Path != "":
		below = url.Path
		selected = res.Document.services(func(s *Service) bool { return s.ID == res.Document.ID.URL("files") })
	case q.named:
		selected = res.Document.services(func(s *Service) bool {
			return (q.service == "" || s.named(q.service, res.Document.ID)) && (q.serviceType == "" || slices.Contains(s.Type, q.serviceType))
		})
	}
	switch {
	case url.Path == "" && !q.named:
		if o.Accept == MediaTypeURIList {
			return nil, fmt.Errorf("%w: %s names no service, and only services have URLs", ErrRepresentationNotSupported, quote(url.String()))
		}
		out.Document = res.Document
	case url.Path != "" && !list:
		return nil, fmt.Errorf("%w: a path leads out of the document", ErrRepresentationNotSupported)
	case len(selected) == 0:
		return nil, fmt.Errorf("%w: no service for %s in the document of %s", ErrNotFound, quote(url.String()), url.DID)
	case !list:
		doc := *res.Document
		doc.Service, doc.Raw = selected, ""
		out.Document = &doc
	default:
		for _, s := range selected {
			for _, endpoint := range s.Endpoint {
				if strings.HasPrefix(endpoint, "{") {
					continue // a map has no URL that everybody would find
				}
				at, err := parseReference(endpoint)
				switch {
				case err != nil || at.scheme == "":
					return nil, fmt.Errorf("%w: %s: its endpoint %s is no URI", ErrInvalidDocument, s.ID, quote(endpoint))
				case (below != "" || q.hasRef) && !at.hasAuthority && at.scheme != "did":
					continue // mailto: and its kind: nothing is relative to it
				case below != "":
					at, err = at.below(below)
				case q.hasRef:
					at, err = at.resolve(q.relativeRef)
				}
				if err == nil && url.Fragment != "" && at.hasFragment {
					err = fmt.Errorf("there are two fragments") // §5.4.2, step 2
				}
				if err != nil {
					return nil, fmt.Errorf("%w: %s, with the endpoint %s: %w", ErrInvalidURL, quote(url.String()), quote(endpoint), err)
				}
				if url.Fragment != "" {
					at.fragment, at.hasFragment = url.Fragment, true
				}
				out.URLs = append(out.URLs, at.String())
			}
		}
		if len(out.URLs) == 0 {
			return nil, fmt.Errorf("%w: what %s names has no endpoint that is a URL", ErrNotFound, quote(url.String()))
		}
	}

	// 4. What the fragment names (§5.4.2). URLs have taken it over.
	id := url.DID.URL(url.Fragment)
	if out.Document != nil && url.Fragment != "" {
		if out.Method = out.Document.Method(id); out.Method == nil {
			i := slices.IndexFunc(out.Document.Service, func(s Service) bool { return s.ID == id })
			if i < 0 {
				return nil, fmt.Errorf("%w: %s in the document of %s", ErrNotFound, id, res.Document.ID)
			}
			out.Service = &out.Document.Service[i]
		}
		out.Document = nil
	}
	if o.Relationship == "" {
		return out, nil
	}
	if out.Method == nil {
		return nil, fmt.Errorf("%w: %s names no verification method", ErrInvalidKey, quote(url.String()))
	}
	if !slices.ContainsFunc(res.Document.refs(o.Relationship), func(ref MethodRef) bool { return ref.ID == id }) {
		return nil, fmt.Errorf("%w: %s as %s", ErrKeyNotAuthorized, id, o.Relationship)
	}
	return out, nil
}

// services returns those of d that want takes.
func (d *Document) services(want func(*Service) bool) (out []Service) {
	for i := range d.Service {
		if want(&d.Service[i]) {
			out = append(out, d.Service[i])
		}
	}
	return out
}

// named reports whether s is what the parameter service calls by name: by its fragment, as
// DID URLs do in practice, or by a reference that is read against the DID (§5.4.1, step 7).
func (s *Service) named(name string, id DID) bool {
	if s.ID == id.URL(name) {
		return true
	}
	u, err := id.URL("").Parse(name)
	return err == nil && s.ID == u
}

// maxParameters is how many parameters a DID URL has that is dereferenced. DID Resolution defines
// seven; reading takes the square of their number in time.
const maxParameters = 32

// urlParameters are the DID parameters of a DID URL.
type urlParameters struct {
	version              Version
	service, serviceType string
	named                bool // there is a service or serviceType
	relativeRef          string
	hasRef               bool
	unknown              string // the first parameter that DID Resolution does not define
}

func (u URL) parameters() (q urlParameters, err error) {
	if q.version, err = u.Version(); err != nil {
		return q, err
	}
	if strings.Count(u.Query, "&") >= maxParameters {
		return q, fmt.Errorf("%w: %s has more than %d parameters", ErrInvalidURL, quote(u.String()), maxParameters)
	}
	for query := u.Query; query != ""; {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if name, err = unescape(name); err != nil {
			return q, fmt.Errorf("%w: %s: %w", ErrInvalidURL, quote(u.String()), err)
		}
		value, _, err := u.Parameter(name) // refuses one that is there twice
		if err != nil {
			return q, err
		}
		switch name {
		case ParamVersionID, ParamVersionTime, ParamVersionNumber:
		case ParamService:
			q.service, q.named = value, true
		case ParamServiceType:
			q.serviceType, q.named = value, true
		case ParamRelativeRef:
			q.relativeRef, q.hasRef = value, true
		case ParamHashLink:
			return q, fmt.Errorf("%w: hl, since nobody compares the hash", ErrFeatureNotSupported)
		default:
			if pair != "" && q.unknown == "" {
				q.unknown = name
			}
		}
		if value == "" && (name == ParamService || name == ParamServiceType) {
			return q, fmt.Errorf("%w: %s has an empty %s", ErrInvalidURL, quote(u.String()), name)
		}
	}
	if q.hasRef && !q.named {
		return q, fmt.Errorf("%w: %s has a relativeRef and no service to read it against", ErrInvalidURL, quote(u.String()))
	}
	return q, nil
}

// MediaType returns the media type of Content.
func (d *Dereferenced) MediaType() string {
	if d.URLs != nil {
		return MediaTypeURIList
	}
	return MediaTypeDocument
}

// Content returns what the URL leads to as text: a document as it was published, a method or
// service as JSON with absolute ids and the @context of its document, or a line for each URL.
// The error wraps [ErrInvalidDocument]: a document that was made in Go may be none.
func (d *Dereferenced) Content() ([]byte, error) {
	w := &objectWriter{}
	n := 0 // where the part begins, after its context
	switch {
	case d.URLs != nil:
		return []byte(strings.Join(d.URLs, "\r\n") + "\r\n"), nil
	case d.Document != nil && d.Document.Raw != "":
		return []byte(d.Document.Raw), nil
	case d.Document != nil:
		raw, err := d.Document.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalidDocument, err)
		}
		return raw, nil
	case d.Method != nil:
		m := *d.Method
		m.Extra = w.context(d.Resolution.Document.Context, m.Extra)
		n = len(w.buf)
		m.write(w)
	case d.Service != nil:
		s := *d.Service
		s.Extra = w.context(d.Resolution.Document.Context, s.Extra)
		n = len(w.buf)
		s.write(w)
	default:
		return nil, fmt.Errorf("%w: there is none", ErrInvalidDocument)
	}
	if n > 0 {
		w.buf[n] = ',' // for the brace: one object of the two
	}
	if _, err := strictjson.Parse(w.buf, strictjson.Limits{Bytes: MaxDocumentBytes, Values: maxValues}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidDocument, err)
	}
	return w.buf, nil
}

// context writes the @context of a part of a document: the document's, and then the part's own,
// which it returns the other members without. What is written next is put into the same object.
func (w *objectWriter) context(document []string, extra []Member) (rest []Member) {
	var own string
	for _, m := range extra {
		if m.Name != "@context" {
			rest = append(rest, m)
			continue
		}
		own = strings.TrimSpace(m.Value)
		if strings.HasPrefix(own, "[") {
			own = strings.TrimSpace(strings.TrimSuffix(own[1:], "]"))
		}
	}
	if len(document) == 0 && own == "" {
		return rest
	}
	w.texts("@context", document, true)
	switch {
	case len(document) == 0:
		w.name("@context")
		w.buf = append(append(append(w.buf, '['), own...), ']')
	case own != "":
		w.buf = append(append(append(w.buf[:len(w.buf)-1], ','), own...), ']')
	}
	return rest
}
