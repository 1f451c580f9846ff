package status

import (
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/vc"
)

// A Problem names what kept a status from being found out. vc.Finding.Problem has its URL.
type Problem string

// The problems of Bitstring Status List 1.0 §3.5, and the two of VCDM 2.0 §7.1 that it uses.
const (
	RetrievalError    Problem = "STATUS_RETRIEVAL_ERROR"    // the list could not be fetched, or is too old
	VerificationError Problem = "STATUS_VERIFICATION_ERROR" // the list is not one to believe, or not for this purpose
	LengthError       Problem = "STATUS_LIST_LENGTH_ERROR"  // fewer entries than keep credentials apart
	RangeError        Problem = "RANGE_ERROR"               // the index is outside of the list
	MalformedError    Problem = "MALFORMED_VALUE_ERROR"     // an entry or a list is not as the standard has it
)

// An Error says why a status could not be found out. It is no verdict on the credential: to a
// [vc.Verifier] it is of the kind that says to try again.
type Error struct {
	Problem Problem
	List    string // URL of the list; "" if it is not known
	Err     error
}

// Error implements error.
func (e *Error) Error() string {
	if e.List == "" {
		return fmt.Sprintf("status: %s: %v", e.Problem, e.Err)
	}
	return fmt.Sprintf("status: list %.200q: %s: %v", e.List, e.Problem, e.Err)
}

// Code returns the problem, for a report: see vc.Finding.
func (e *Error) Code() string { return string(e.Problem) }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// problem makes an Error. A verdict on the list is none on the credential, so a [vc.RejectError] or
// [vc.ErrStatus] of the list is kept as text only.
func problem(p Problem, list string, err error) error {
	if _, ok := errors.AsType[*vc.RejectError](err); ok || errors.Is(err, vc.ErrStatus) {
		err = errors.New(err.Error())
	}
	return &Error{p, list, err}
}

func outside(index, length int) error {
	return &Error{Problem: RangeError, Err: fmt.Errorf("index %d of a list of %d entries", index, length)}
}
