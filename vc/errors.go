package vc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/did"
)

// Reasons for a [RejectError]; test for them with errors.Is.
var (
	ErrMalformed   = errors.New("not a verifiable credential or presentation")
	ErrLimit       = errors.New("larger than this package reads")
	ErrContext     = errors.New("uses a context or term that is not defined")
	ErrResource    = errors.New("a related resource is not the one it was issued with")
	ErrProof       = errors.New("proof does not hold")
	ErrIssuer      = errors.New("not signed by its issuer")
	ErrNotYetValid = errors.New("not valid yet")
	ErrExpired     = errors.New("expired")
	ErrStatus      = errors.New("revoked or suspended")
	ErrSchema      = errors.New("does not fit its schema")
	ErrNotAccepted = errors.New("not accepted")
	ErrChallenge   = errors.New("answers another challenge")
	ErrDomain      = errors.New("was made for another domain")
	ErrHolder      = errors.New("not about its holder")
)

// A RejectError says that the input is bad and will stay bad: refuse it.
// Any other error from a [Verifier] says that it could not be checked: try again.
type RejectError struct {
	Reason error   // one of the Err variables of this package
	Signer did.DID // issuer or holder as claimed; zero if the input names none
	Detail error   // what exactly, and where
}

// Error implements error.
func (e *RejectError) Error() string {
	text, reason := fmt.Sprint(e.Detail), e.Reason.Error()
	if !strings.HasPrefix(text, reason) { // a checker's error begins with the reason that it wraps
		text = reason + ": " + text
	}
	if e.Signer.IsZero() {
		return "vc: " + text
	}
	return fmt.Sprintf("vc: from %s: %s", e.Signer, text)
}

// Unwrap lets errors.Is and errors.As see both the reason and the detail.
func (e *RejectError) Unwrap() []error { return []error{e.Reason, e.Detail} }

// An UncheckedError says that a credential carries something that nobody was
// asked to check. It is no verdict on the credential: give the [Verifier] the
// checker, and try again.
type UncheckedError struct {
	Signer did.DID // issuer as claimed
	Member string  // the member that was not checked, such as "credentialStatus"
	Type   string  // its type, such as "BitstringStatusListEntry"
}

// Error implements error.
func (e *UncheckedError) Error() string {
	return fmt.Sprintf("vc: from %s: %s of type %.80q was not checked: the Verifier has no checker for it", e.Signer, e.Member, e.Type)
}

// A CredentialError says which credential of a presentation an error is about.
type CredentialError struct {
	Index int   // position in verifiableCredential, from 0
	Err   error // a *RejectError, or why it could not be checked
}

// Error implements error.
func (e *CredentialError) Error() string {
	return fmt.Sprintf("vc: credential %d of the presentation: %v", e.Index, e.Err)
}

// Unwrap returns e.Err.
func (e *CredentialError) Unwrap() error { return e.Err }
