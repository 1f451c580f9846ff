package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/webname"
)

// present is how far a time may be from that of the answer, and still be asked of a method that
// knows the present only: a request takes its time, and clocks differ by as much.
const present = time.Minute

// Web resolves did:web: the document is the file did.json, at the place that the identifier names,
// below the host's /.well-known if it names no path (did:web Method Specification, "Read").
//
// The host's certificate is all that shows whose document it is, so it alone may answer: it may
// redirect to another path of its own, never to another host or port. The document has to have the
// id that was asked for ([did.ErrInvalidDocument]), and come as JSON, as plain text or as no
// particular type: a page for people is no document.
//
// An error from a request is a [*RefuseError] or a [*RetryError]. It also is an answer, as
// [did.IsAnswer] says, if it is what the host itself says of the DID: that there is nothing (404,
// 410: [did.ErrNotFound]), or something that is no document, too long, or elsewhere
// ([did.ErrInvalidDocument]). It is none if the host is down, has a certificate that is not good,
// refuses this caller, or has an address that the Client may not connect to: somebody else may get
// further.
//
// The method keeps no versions. A [did.Version] with a name, or with a time that is not the
// present, gets [did.ErrVersionUnknown] without anybody being asked.
//
// The danger: whoever has the host's name, its server or a certificate for it, today, is who the
// DID names. Nothing shows that it was somebody else yesterday. [WebVH] does.
type Web struct {
	Client *Client          // required
	Now    func() time.Time // nil means time.Now
}

// Resolve implements [did.Resolver]. The host learns that somebody looks at its document.
func (w Web) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if w.Client == nil {
		return nil, errors.New("resolver: Web needs a Client")
	}
	url, err := webURL(id)
	if err != nil {
		return nil, err
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if v.Named() || !v.Time.IsZero() && clock(w.Now).Sub(v.Time).Abs() > present {
		return nil, fmt.Errorf("%w: %s: did:web keeps only the present document", did.ErrVersionUnknown, id)
	}

	body, sent, err := w.Client.served(ctx, url, "application/did, application/did+json, application/did+ld+json, application/json;q=0.9", did.MaxDocumentBytes, w.Now)
	if err != nil {
		return nil, ofDID(err)
	}
	doc, err := did.ParseDocument(body)
	if err == nil && doc.ID != id {
		err = fmt.Errorf("%w: asked for %s, got the document of %s", did.ErrInvalidDocument, id, doc.ID)
	}
	if err != nil {
		return nil, &RefuseError{URL: url, Reason: ErrContent, Detail: err, Status: http.StatusOK}
	}
	return &did.Resolution{Document: doc, Retrieved: sent}, nil
}

// webURL returns where the document of a did:web is.
func webURL(id did.DID) (string, error) {
	if id.Method() != "web" {
		return "", fmt.Errorf("%w: %s is no did:web", did.ErrMethodNotSupported, id)
	}
	name, err := webname.Parse(id.Identifier())
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", did.ErrInvalidDID, id, err)
	}
	return name.URL("did.json"), nil
}

// served returns what a DID's host, and nobody else, serves at url, and when that was sent.
func (c *Client) served(ctx context.Context, url, accept string, limit int64, now func() time.Time) ([]byte, time.Time, error) {
	asked := clock(now)
	header := http.Header{"Accept": {accept}}
	if noCache(ctx) {
		header.Set("Cache-Control", "no-cache") // the same of caches on the way (RFC 9111 §5.2.1.4)
	}
	body, got, err := c.do(ctx, request{method: http.MethodGet, url: url, header: header, limit: limit, own: true})
	if err != nil {
		return nil, time.Time{}, err
	}
	if kind := got.Get("Content-Type"); !isData(kind) {
		return nil, time.Time{}, &RefuseError{URL: url, Reason: ErrContent, Status: http.StatusOK, Type: kind,
			Detail: fmt.Errorf("%w: %.60q, want JSON", ErrContent, kind)}
	}
	return body, sent(asked, got), nil
}

// isData reports whether a media type may be that of a document or a log: one of JSON, or one that
// servers give to files that they know nothing of.
func isData(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch kind {
	case "application/json", "application/did", "text/json", "text/jsonl", "application/jsonl", "application/x-ndjson",
		"text/plain", "application/octet-stream", "binary/octet-stream":
		return true
	}
	return contentType == "" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// ofDID makes an error of a request to a DID's host an answer about the DID, if it is one.
func ofDID(err error) error {
	refused, ok := errors.AsType[*RefuseError](err)
	if !ok {
		return err
	}
	switch refused.Reason {
	case fs.ErrNotExist:
		refused.Detail = fmt.Errorf("%w: %w", did.ErrNotFound, refused.Detail)
	case ErrTooLarge, ErrContent, ErrRedirect:
		refused.Detail = fmt.Errorf("%w: %w", did.ErrInvalidDocument, refused.Detail)
	}
	return refused
}

// clock is what a Now says, by the wall clock: the monotonic one may stand still while a machine
// sleeps.
func clock(now func() time.Time) time.Time {
	if now == nil {
		now = time.Now
	}
	return now().Round(0).UTC()
}
