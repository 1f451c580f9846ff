package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxCosignatures = 64 << 10           // bytes of a witness's answer: a line for each of its keys
	sizeType        = "text/x.tlog.size" // of the body of a 409
)

// A Witness is one that is asked over HTTPS (C2SP tlog-witness) to cosign a log's checkpoints. It is
// a tlog.Cosigner. What it answers is worth nothing until somebody has checked the signatures.
type Witness struct {
	URL    string  // its submission prefix, such as https://witness.example
	Client *Client // required
}

// Cosign sends the body of an add-checkpoint request and returns the lines of signatures that the
// witness answers with. If the witness has cosigned another size of the log than the request begins
// with, the error is a [*SizeError]. Otherwise a [*RefuseError] is a witness that will not cosign
// it: it does not know the log (404) or its key (403), or the proof does not hold (422).
func (w *Witness) Cosign(ctx context.Context, request []byte) (signatures []byte, err error) {
	if w.Client == nil {
		return nil, errors.New("resolver: a Witness needs a Client")
	}
	target := strings.TrimSuffix(w.URL, "/") + "/add-checkpoint"
	answer, err := w.Client.Post(ctx, target, "text/plain; charset=utf-8", request, maxCosignatures)
	if refused, ok := errors.AsType[*RefuseError](err); ok && refused.Status == http.StatusConflict && refused.Type == sizeType {
		size, ok := parseSize(refused.Body)
		if !ok {
			return nil, &RefuseError{URL: refused.URL, Reason: ErrContent, Status: refused.Status, Detail: fmt.Errorf("%.40q is no size of a log", refused.Body)}
		}
		return nil, &SizeError{Size: size, Err: refused}
	}
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(answer)) {
		if !strings.HasPrefix(line, "— ") || !strings.HasSuffix(line, "\n") {
			return nil, &RefuseError{URL: target, Reason: ErrContent, Detail: errors.New("the answer is no list of signatures")}
		}
	}
	return answer, nil
}

// parseSize reads the body of a 409: a decimal number and a line end.
func parseSize(body []byte) (int64, bool) {
	text, ok := strings.CutSuffix(string(body), "\n")
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil && n >= 0 && strconv.FormatInt(n, 10) == text
}

// A SizeError says which size of the log a witness has cosigned last: ask again with a proof from
// there.
type SizeError struct {
	Size int64
	Err  *RefuseError
}

// Error implements error.
func (e *SizeError) Error() string {
	return fmt.Sprintf("%v: the witness has cosigned the log's size %d", e.Err, e.Size)
}

// Unwrap returns Err.
func (e *SizeError) Unwrap() error { return e.Err }

// CosignedSize returns Size. Package tlog knows the error by this method.
func (e *SizeError) CosignedSize() int64 { return e.Size }
