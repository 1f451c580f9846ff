package resolver

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// MaxDocumentBytes is the longest document that [Documents] reads unless told: a status list of a
// million entries of one byte each, which do not compress, as a token.
const MaxDocumentBytes = 4 << 20

// Documents reads what credentials name by URL: status lists, schemas, other resources. It is the
// Source of packages vc/status and vc/schema.
//
// A server that is asked learns that somebody is looking at one of the credentials that name the
// URL. It does not learn which, if many do.
type Documents struct {
	Client *Client          // required
	Limit  int64            // bytes of a document; zero means MaxDocumentBytes
	Now    func() time.Time // nil means time.Now
}

// Document returns what url serves to who accepts these media types (RFC 9110 §12.5.1), and what
// the server says it is. fetched is when the answer was sent: of a copy that a cache on the way had
// kept, as long ago as its Age says (RFC 9111 §5.1). Every error is a [*RefuseError] or a [*RetryError].
func (d *Documents) Document(ctx context.Context, url, accept string) (body []byte, mediaType string, fetched time.Time, err error) {
	if d.Client == nil {
		return nil, "", time.Time{}, errors.New("resolver: Documents needs a Client")
	}
	limit := d.Limit
	if limit <= 0 {
		limit = MaxDocumentBytes
	}
	now := time.Now
	if d.Now != nil {
		now = d.Now
	}
	asked := now()
	header := http.Header{}
	if accept != "" {
		header.Set("Accept", accept)
	}
	body, got, err := d.Client.do(ctx, request{method: http.MethodGet, url: url, header: header, limit: limit})
	if err != nil {
		return nil, "", time.Time{}, err
	}
	return body, got.Get("Content-Type"), sent(asked, got), nil
}

// sent is when the answer to a request of that time was sent: of a copy that a cache on the way had
// kept, as long ago as its Age says.
func sent(asked time.Time, answer http.Header) time.Time {
	// An age beyond 68 years is the largest there is (RFC 9111 §1.2.2).
	if age, err := strconv.ParseUint(answer.Get("Age"), 10, 64); err == nil {
		return asked.Add(-time.Duration(min(age, math.MaxInt32)) * time.Second)
	} else if errors.Is(err, strconv.ErrRange) {
		return asked.Add(-math.MaxInt32 * time.Second)
	}
	return asked
}
