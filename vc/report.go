package vc

import (
	"context"
	"errors"

	"github.com/hourmeter/hourmeter/did"
)

// A Check names one step of verification.
type Check string

// The checks, in the order in which they are made.
const (
	CheckJSON      Check = "json"       // one strict JSON text within the limits
	CheckDataModel Check = "data-model" // VCDM 2.0 §4
	CheckContext   Check = "context"    // every context known, every term defined
	CheckResource  Check = "resource"   // relatedResource, if there is one: digests of what is at hand
	CheckProof     Check = "proof"      // once for each proof
	CheckIssuer    Check = "issuer"     // the issuer is among the signers
	CheckPeriod    Check = "period"     // validFrom, validUntil
	CheckStatus    Check = "status"     // credentialStatus, if there is one
	CheckSchema    Check = "schema"     // credentialSchema, if there is one
	CheckAccept    Check = "accept"     // the caller's own decision
	CheckChallenge Check = "challenge"  // of a presentation: it answers this challenge, and no other
	CheckHolder    Check = "holder"     // of a presentation: who answers is the holder, and the credentials are about them
)

// An Outcome is the result of a check.
type Outcome string

// The outcomes.
const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"          // bad, and will stay bad
	Indeterminate Outcome = "indeterminate" // could not be checked: try again
	Skipped       Outcome = "skipped"       // not made, because another check failed
)

// A Finding is the outcome of one check.
type Finding struct {
	Check   Check   `json:"check"`
	Outcome Outcome `json:"outcome"`
	Code    string  `json:"code,omitzero"`   // problem type of VCDM 2.0 §7.1 or VC Data Integrity 1.0 §4.7; empty if it passed
	Detail  string  `json:"detail,omitzero"` // for people
}

// A Report says how a credential fared in every check.
type Report struct {
	Issuer   did.DID   `json:"issuer,omitzero"` // as claimed; zero if it names no DID
	Digest   Digest    `json:"digest,omitzero"` // zero if the JSON could not be read
	Findings []Finding `json:"findings"`
	Verified *Verified `json:"-"` // nil unless every check passed
	Err      error     `json:"-"` // what Verify returns for the same input
}

// Report makes every check on a secured credential without stopping at the
// first that fails. It is for people and services that have to say why; a
// program that acts on the answer calls [Verifier.Verify].
func (v *Verifier) Report(ctx context.Context, raw []byte, accept Accept) *Report {
	r := new(Report)
	if accept == nil {
		r.Err = errNoAccept
		return r
	}
	s, err := v.open(raw, MaxCredentialBytes, envelopedCredential)
	if !r.opened(err, CheckDataModel, CheckContext, CheckProof, CheckIssuer, CheckPeriod, CheckAccept) {
		return r
	}
	r.Verified, r.Err = v.credential(ctx, s, accept, r)
	return r
}

// opened notes how reading went, and if badly, which checks there are then none of.
func (r *Report) opened(err error, rest ...Check) bool {
	list := checklist{report: r}
	list.pass(CheckJSON, err)
	if r.Err = err; err == nil {
		return true
	}
	for _, c := range rest {
		list.skip(c, "there is nothing to check")
	}
	return false
}

// A PresentationReport says how a presentation fared in every check, and each
// of its credentials.
type PresentationReport struct {
	Holder       did.DID       `json:"holder,omitzero"` // as claimed; zero if it names no DID
	Findings     []Finding     `json:"findings"`        // of the presentation itself
	Credentials  []*Report     `json:"credentials"`
	Presentation *Presentation `json:"-"` // nil unless every check passed
	Err          error         `json:"-"` // what VerifyPresentation returns for the same input
}

// ReportPresentation makes every check on a presentation and on its credentials
// without stopping at the first that fails: [Verifier.Report] for presentations.
func (v *Verifier) ReportPresentation(ctx context.Context, raw []byte, ch Challenge, accept Accept) *PresentationReport {
	out := new(PresentationReport)
	out.Presentation, out.Err = v.presentation(ctx, raw, ch, accept, out)
	return out
}

// A Problem is a finding as problem details for an HTTP API (RFC 9457).
type Problem struct {
	Type   string `json:"type"` // the URL that the standard gives the problem; "about:blank" if it has none
	Title  string `json:"title"`
	Status int    `json:"status"` // of HTTP: 400 for what is bad, 503 for what could not be checked
	Detail string `json:"detail,omitzero"`
}

// Problem returns f as problem details; the zero Problem if the check did not
// find anything.
func (f Finding) Problem() Problem {
	p := Problem{Type: "about:blank", Title: string(f.Check) + ": " + f.Code, Status: 400, Detail: f.Detail}
	switch f.Outcome {
	case Pass, Skipped:
		return Problem{}
	case Indeterminate:
		p.Status = 503
	}
	switch f.Code {
	case "PARSING_ERROR", "CRYPTOGRAPHIC_SECURITY_ERROR", "MALFORMED_VALUE_ERROR", "RANGE_ERROR": // VCDM 2.0 §7.1
		p.Type = "https://www.w3.org/TR/vc-data-model#" + f.Code
	case "INVALID_CHALLENGE_ERROR", "INVALID_DOMAIN_ERROR": // VC Data Integrity 1.0 §4.7
		p.Type = "https://w3id.org/security#" + f.Code
	case "STATUS_RETRIEVAL_ERROR", "STATUS_VERIFICATION_ERROR", "STATUS_LIST_LENGTH_ERROR": // Bitstring Status List 1.0 §3.5
		p.Type = "https://www.w3.org/ns/credentials/status-list#" + f.Code
	}
	return p
}

// A checklist remembers the first error and, for a report, every outcome.
type checklist struct {
	report *Report
	signer did.DID
	err    error
}

// pass notes a check and says whether to go on.
func (l *checklist) pass(check Check, err error) bool {
	if err == nil && l.report == nil {
		return true
	}
	rej, bad := err.(*RejectError)
	if bad && rej.Signer.IsZero() {
		rej.Signer = l.signer
	}
	if l.err == nil {
		l.err = err
	}
	if l.report == nil {
		return false
	}
	f := Finding{Check: check, Outcome: Pass}
	switch {
	case bad:
		f.Outcome, f.Code, f.Detail = Fail, problem(check, rej.Reason), rej.Detail.Error()
	case err != nil:
		f.Outcome, f.Code, f.Detail = Indeterminate, "UNCHECKED", err.Error()
		if check == CheckStatus {
			f.Code = "STATUS_RETRIEVAL_ERROR"
		}
		if own, ok := errors.AsType[coded](err); ok {
			f.Code = own.Code()
		}
	}
	l.report.Findings = append(l.report.Findings, f)
	return true
}

// coded is an error of a checker's that says which problem it is, as those of
// package status do.
type coded interface {
	error
	Code() string
}

// clean reports whether all checks so far passed. If not, it notes that check is skipped.
func (l *checklist) clean(check Check) bool {
	if l.err != nil {
		l.skip(check, "an earlier check did not pass")
	}
	return l.err == nil
}

func (l *checklist) skip(check Check, why string) {
	if l.report != nil {
		l.report.Findings = append(l.report.Findings, Finding{Check: check, Outcome: Skipped, Detail: why})
	}
}

// problem returns the problem type of a refusal (VCDM 2.0 §7.1, VC Data
// Integrity 1.0 §4.7), or a word of our own where neither has one.
func problem(check Check, reason error) string {
	if check == CheckJSON {
		return "PARSING_ERROR"
	}
	switch reason {
	case ErrMalformed, ErrContext, ErrSchema:
		return "MALFORMED_VALUE_ERROR"
	case ErrProof, ErrIssuer, ErrResource:
		return "CRYPTOGRAPHIC_SECURITY_ERROR"
	case ErrNotYetValid, ErrExpired:
		return "RANGE_ERROR"
	case ErrStatus:
		return "STATUS_VERIFICATION_ERROR"
	case ErrChallenge:
		return "INVALID_CHALLENGE_ERROR"
	case ErrDomain:
		return "INVALID_DOMAIN_ERROR"
	case ErrLimit:
		return "PARSING_ERROR"
	}
	return "NOT_ACCEPTED"
}
