package resolver

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// maxResultBytes is the longest result that is read of a resolver: a document, and half as much
// again about it.
const maxResultBytes = did.MaxDocumentBytes * 3 / 2

// verified are the methods that this module verifies by itself.
var verified = [...]string{"jwk", "key", "peer", "pkh", "web", "webvh", "x509"}

// Universal asks another resolver, by the HTTPS binding of DID Resolution (§12.1): a Universal
// Resolver, a [Handler], or any other that speaks it, also as its older drafts had it. It serves
// for methods that nothing here resolves:
//
//	methods := resolver.Offline()
//	methods["ion"] = resolver.Universal{Client: client, URL: "https://resolver.example/1.0/identifiers/"}
//
// The danger: it believes that resolver. Who runs it decides whose keys count, and learns which
// DIDs are looked at. Run it yourself, or ask somebody whom you would believe without a signature.
// For the methods that this module verifies by itself (key, jwk, peer, pkh, x509, web, webvh) a
// Universal is refused: [did.ErrMethodNotSupported].
//
// What can be checked is: the result is read strictly, the document has the id that was asked for,
// and it is of the version that was asked for, as far as the result says; resolvers that do not
// keep versions tend to answer with the latest instead. If it does not say, the error is
// [did.ErrVersionUnknown].
//
// An error from a request is a [*RefuseError] or a [*RetryError]. It also is an answer, as
// [did.IsAnswer] says, if the resolver gives one of the errors of DID Resolution (§11) that are.
type Universal struct {
	Client *Client          // required
	URL    string           // required: of the endpoint, to which a DID is appended
	Now    func() time.Time // nil means time.Now
}

// Resolve implements [did.Resolver].
func (u Universal) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	// 1. What is asked?
	switch {
	case u.Client == nil || u.URL == "":
		return nil, errors.New("resolver: Universal needs a Client and a URL")
	case id.IsZero():
		return nil, fmt.Errorf("%w: there is none", did.ErrInvalidDID)
	case slices.Contains(verified[:], id.Method()):
		return nil, fmt.Errorf("%w: %s: no other resolver's word is taken for did:%s, which can be verified", did.ErrMethodNotSupported, id, id.Method())
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if v.Number != 0 { // of did:webvh only
		return nil, fmt.Errorf("%w: %s: documents of did:%s have no numbers", did.ErrVersionUnknown, id, id.Method())
	}
	asked := clock(u.Now)
	if v.Time.Sub(asked) > present {
		return nil, fmt.Errorf("%w: %s at %s, which is to come", did.ErrVersionUnknown, id, stamp(v.Time))
	}
	target := u.target(ctx, id, v)
	body, header, err := u.Client.do(ctx, request{
		method: http.MethodGet, url: target, limit: maxResultBytes, whole: true, own: true,
		header: http.Header{"Accept": {`application/did-resolution, application/did-resolution-result;q=0.9, ` +
			profileResolution + `;q=0.8, application/json;q=0.5`}},
	})
	if err != nil && header == nil {
		return nil, err // nothing that a resolver said
	}
	shown, _, _ := strings.Cut(target, "?")
	return u.judge(id, v, shown, asked, body, header, err)
}

// judge makes an answer of what a server says, which err is about if its status is no success.
func (Universal) judge(id did.DID, v did.Version, shown string, asked time.Time, body []byte, header http.Header, err error) (*did.Resolution, error) {
	status, after := http.StatusOK, time.Duration(0)
	refused, isRefused := errors.AsType[*RefuseError](err)
	if isRefused {
		status = refused.Status
	} else if retry, ok := errors.AsType[*RetryError](err); ok {
		status, after = retry.Status, retry.After
	}
	contentType := header.Get("Content-Type")
	refuse := func(reason, detail error) error {
		return &RefuseError{URL: shown, Reason: reason, Detail: detail, Status: status, Type: contentType}
	}

	// 2. Is it a resolver's answer? A server that is asked at the wrong path answers 404 to everything, a
	// gateway even in JSON: a status says something only in a type that is a resolver's own.
	var r result
	own := true
	switch kind, _, _ := mime.ParseMediaType(contentType); kind {
	case MediaTypeDocument, "application/did+json", "application/did+ld+json":
		r.document = body
	case MediaTypeResolution, "application/did-resolution-result", "application/ld+json", "application/json", "application/problem+json":
		if readErr := r.read(body); readErr != nil && err == nil {
			// Not %w: a DID in the metadata that is none says nothing about the one asked for.
			return nil, refuse(ErrContent, fmt.Errorf("%w: %v", ErrContent, readErr))
		} else if readErr != nil {
			r = result{}
		}
		own = kind != "application/json" && kind != "application/problem+json"
	default:
		if err == nil {
			err = refuse(ErrContent, fmt.Errorf("%w: %.60q is no result of a resolver", ErrContent, contentType))
		}
		return nil, err
	}

	// 3. Is it an error? One that is an answer, or one of the moment?
	if own && r.failure == "" {
		r.failure = failureOfStatus(status, v)
	}
	deactivated := r.about.Deactivated || status == http.StatusGone && (own || r.document != nil)
	known := failureOf(r.failure)
	if deactivated && errors.Is(known, did.ErrNotFound) {
		known = did.ErrDeactivated
	}
	says := fmt.Errorf("of %s the resolver says %.80q: %.300q", id, r.failure, r.detail)
	switch {
	case known != nil && (did.IsAnswer(known) || !v.IsZero()):
		return nil, refuse(ErrStatus, fmt.Errorf("%w: %w", known, says))
	case r.failure != "" && isRefused:
		return nil, refuse(refused.Reason, fmt.Errorf("%w: %w", refused.Detail, says))
	case r.failure != "":
		return nil, &RetryError{URL: shown, Status: status, After: after, Err: says}
	case err != nil && !(deactivated && status == http.StatusGone):
		return nil, err
	case deactivated && (v.IsZero() || len(r.document) == 0 || !v.Time.IsZero() && r.about.NextUpdate.IsZero()):
		return nil, refuse(ErrStatus, fmt.Errorf("%w: %s", did.ErrDeactivated, id))
	}

	if len(r.document) == 0 {
		return nil, refuse(ErrContent, fmt.Errorf("%w: neither a document nor an error", ErrContent))
	}

	// 4. The document, whose it is, and whether of the version asked for.
	doc, err := did.ParseDocument(r.document)
	if err == nil && doc.ID != id {
		err = fmt.Errorf("%w: asked for %s, got the document of %s", did.ErrInvalidDocument, id, doc.ID)
	}
	if err != nil {
		return nil, refuse(ErrContent, err)
	}
	res := r.about
	res.Document, res.Deactivated, res.Retrieved = doc, deactivated, sent(asked, header)
	since := inForceSince(&res)
	switch {
	case v.ID != "" && res.VersionID != v.ID:
		return nil, refuse(ErrContent, fmt.Errorf("%w: %s, version %.80q: the resolver gives version %.80q", did.ErrVersionUnknown, id, v.ID, res.VersionID))
	case v.Time.IsZero():
	case since.IsZero() || v.Time.Before(since) || !res.NextUpdate.IsZero() && !v.Time.Before(res.NextUpdate):
		return nil, refuse(ErrContent, fmt.Errorf("%w: %s at %s: the resolver does not say that it gives the document of then", did.ErrVersionUnknown, id, stamp(v.Time)))
	}
	return &res, nil
}

// target returns the URL to ask (DID Resolution §12.1).
func (u Universal) target(ctx context.Context, id did.DID, v did.Version) string {
	// Servers decode a path once. What is encoded in a DID has to be encoded again for that, and
	// then all of it, so that nobody takes it as it stands.
	path := id.String()
	if strings.Contains(path, "%") {
		path = strings.ReplaceAll(url.PathEscape(path), ":", "%3A")
	}
	query := url.Values{}
	if v.ID != "" {
		query.Set(did.ParamVersionID, v.ID)
	}
	if !v.Time.IsZero() {
		query.Set(did.ParamVersionTime, stamp(v.Time)) // in UTC, whole seconds (§3.1): a method's times are no finer
	}
	if noCache(ctx) {
		query.Set("noCache", "true")
	}
	target := strings.TrimSuffix(u.URL, "/") + "/" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	return target
}

// failureOfStatus is the error that a status stands for if nothing else is said (DID Resolution
// §12.1).
func failureOfStatus(status int, v did.Version) string {
	switch {
	case status == http.StatusBadRequest && v.IsZero(): // otherwise it may be the options
		return "INVALID_DID"
	case status == http.StatusNotFound:
		return "NOT_FOUND"
	case status == http.StatusNotImplemented:
		return "METHOD_NOT_SUPPORTED"
	}
	return ""
}

// failureOf returns what an error means that a resolver names by a URL of DID Resolution (§11) or
// Controlled Identifiers (§3.5), by the end of one, or as older drafts did: notFound. Only
// did.ErrVersionUnknown is no answer among them. It is nil for others: they are about the resolver.
func failureOf(name string) error {
	name = name[strings.LastIndexByte(name, '#')+1:]
	switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
	case "invaliddid":
		return did.ErrInvalidDID
	case "invaliddidurl":
		return did.ErrInvalidURL
	case "invalidoptions":
		return did.ErrInvalidOptions
	case "invaliddiddocument", "invaliddiddocumentlength":
		return did.ErrInvalidDocument
	case "notfound":
		return did.ErrNotFound
	case "deactivated":
		return did.ErrDeactivated
	case "methodnotsupported", "unsupporteddidmethod":
		return did.ErrMethodNotSupported
	case "invalidpublickey", "invalidpublickeylength", "invalidpublickeytype":
		return did.ErrInvalidKey
	case "unsupportedpublickeytype", "invalidverificationmethod":
		return did.ErrKeyNotSupported
	case "featurenotsupported":
		return did.ErrVersionUnknown
	}
	return nil
}
