package vcapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A reply is an answer that is not written yet.
type reply struct {
	status    int
	mediaType string        // "" means application/json, or application/problem+json if body is a *Problem
	body      any           // encoded as JSON, or as it is if it is a jsontext.Value
	after     time.Duration // Retry-After
	outcome   string        // for the log and the metrics: issued, verified, refused, unchecked, …
	cause     error         // for the log only: what went wrong here
}

// A Problem is an error as it is answered (RFC 9457). That of a verification is also its Result.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitzero"`
	RequestID string `json:"requestId,omitzero"` // for the operator, who finds it in the log
	*Result
}

// problem is a refusal of the request itself.
func problem(status int, detail string) *reply {
	return &reply{
		status: status, outcome: "refused",
		body: &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: strings.ToValidUTF8(detail, "\uFFFD")},
	}
}

// later is a problem that will pass.
func later(status int, after time.Duration, detail string) *reply {
	p := problem(status, detail)
	p.after, p.outcome = after, "later"
	return p
}

func (p *reply) write(w http.ResponseWriter, r *http.Request, id string) {
	header := w.Header()
	mediaType := p.mediaType
	if mediaType == "" {
		mediaType = "application/json"
	}
	if problem, ok := p.body.(*Problem); ok {
		mediaType, problem.RequestID = "application/problem+json", id
	}
	body, ok := p.body.(jsontext.Value)
	if !ok {
		body, _ = json.Marshal(p.body, json.Deterministic(true)) // of types in this package, whose text is UTF-8
	}
	header.Set("Content-Type", mediaType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if p.after > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((p.after+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(p.status)
	if r.Method != http.MethodHead {
		w.Write(body)
	}
}

// methodName is a method as it goes into the log: strangers can make up others.
func methodName(method string) string {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return method
	}
	return "other"
}
