package status

import (
	"context"
	"fmt"
	"io/fs"
	"time"
)

// A Source fetches status lists by URL. It has the one method of those of packages schema and bundle,
// so that one value serves all three. Implementations are safe for concurrent use.
type Source interface {
	// Document returns what is published at url, of one of the media types in accept (RFC 9110
	// §12.5.1). mediaType is what the server says it is, "" if nobody says.
	//
	// fetched is when it was: by the word of the Source, whom the caller of [Checker] trusts. It is
	// zero if the Source has the document from a stranger, as out of a bundle; then the document
	// counts from when it was signed.
	Document(ctx context.Context, url, accept string) (body []byte, mediaType string, fetched time.Time, err error)
}

// A Document is what some server had at a URL.
type Document struct {
	Body      []byte
	MediaType string    // "" if nobody says
	Fetched   time.Time // as Source says it: zero if it is a stranger's word
}

// Static is a [Source] that has everything already, by URL. Nothing in it is believed because it
// is in it.
type Static map[string]Document

// Document implements [Source]. The error for a URL that is not there wraps [fs.ErrNotExist].
func (s Static) Document(_ context.Context, url, _ string) ([]byte, string, time.Time, error) {
	d, ok := s[url]
	if !ok {
		return nil, "", time.Time{}, fmt.Errorf("%w: no document of %.200q is at hand", fs.ErrNotExist, url)
	}
	return d.Body, d.MediaType, d.Fetched, nil
}
