package resolver

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Reasons of a [*RefuseError], beside [io/fs.ErrNotExist]: the server says that it has no such thing.
var (
	// ErrURL says that a URL is not one to ask for, such as http://.
	ErrURL = errors.New("not a URL to ask for")
	// ErrAddress says that a host is at an address that is not public, nor allowed.
	ErrAddress = errors.New("address not allowed")
	// ErrRedirect says that the server sends elsewhere, where or whence that is not followed.
	ErrRedirect = errors.New("redirected")
	// ErrTooLarge says that the answer is longer than is read.
	ErrTooLarge = errors.New("answer too large")
	// ErrContent says that the answer is not what was asked for.
	ErrContent = errors.New("wrong content")
	// ErrStatus says that the server refuses the request.
	ErrStatus = errors.New("refused by the server")
)

// A RefuseError is an answer, and a no: to ask again will not help, as long as nobody changes
// anything at the other end.
type RefuseError struct {
	URL    string // asked for, without its query
	Reason error  // one of the above
	Detail error
	Status int    // of the server's answer; zero if there was none
	Type   string // its Content-Type
	Body   []byte // its beginning, at most MaxErrorBytes: a stranger's words, not fit for a terminal
}

// Error implements error.
func (e *RefuseError) Error() string {
	text := fmt.Sprintf("resolver: %s: %v", e.URL, e.Detail)
	if p := e.Problem(); p.Detail != "" {
		text += fmt.Sprintf(": %.300q", p.Detail)
	}
	return text
}

// Unwrap returns Reason and Detail.
func (e *RefuseError) Unwrap() []error { return []error{e.Reason, e.Detail} }

// A Problem is what a server says of an error (RFC 9457). Everything in it is a stranger's word.
type Problem struct {
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	Credential int    `json:"credential"` // which of several credentials it is about, from 0; -1 if it does not say
	Sequence   int64  `json:"sequence"`   // of what a log holds of a record; -1 if it holds nothing, or does not say
	Digest     string `json:"digest"`     // of the same
}

// Problem returns what the server says of the error; if it does not say, both numbers are -1.
func (e *RefuseError) Problem() Problem {
	none := Problem{Credential: -1, Sequence: -1}
	p := none
	kind, _, _ := strings.Cut(e.Type, ";")
	if kind != "application/problem+json" || json.Unmarshal(e.Body, &p) != nil {
		return none
	}
	return p
}

// A RetryError says that there was no answer, so nothing is known: the network or the server is
// down or slow, its certificate is not good, the answer was cut off, or the server asks to come
// again later.
type RetryError struct {
	URL    string        // asked for, without its query
	Status int           // of the server's answer; zero if there was none
	After  time.Duration // what the server asks to wait, at most MaxRetryAfter; zero if it does not say
	Err    error
}

// Error implements error.
func (e *RetryError) Error() string {
	text := fmt.Sprintf("resolver: %s: no answer: %v", e.URL, e.Err)
	if e.After > 0 {
		text += fmt.Sprintf("; try again in %s", e.After)
	}
	return text
}

// Unwrap returns Err.
func (e *RetryError) Unwrap() error { return e.Err }
