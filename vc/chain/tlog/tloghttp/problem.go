package tloghttp

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// A problem is an error as it is answered (RFC 9457).
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`

	Credential *int `json:"credential,omitempty"` // which one, from 0

	// Of a 409: what the log holds of the record. Sequence is -1 if that is nothing.
	Sequence *int64 `json:"sequence,omitempty"`
	Digest   string `json:"digest,omitempty"`

	after time.Duration
}

func fail(status int, format string, args ...any) *problem {
	return &problem{Status: status, Title: http.StatusText(status), Detail: strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")}
}

// later is a problem that will pass.
func later(status int, after time.Duration, format string, args ...any) *problem {
	p := fail(status, format, args...)
	p.after = after
	return p
}

func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.after > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.after+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(p.Status)
	json.MarshalWrite(w, p)
}
