package vcapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// A Result is what came of a verification.
type Result struct {
	Verified bool         `json:"verified"`
	Checks   []vc.Finding `json:"checks"` // each that was made, in order
	Warnings []string     `json:"warnings,omitempty"`

	// What is wrong, if it is not verified: for people, and by type.
	Errors         []string     `json:"errors,omitempty"`
	ProblemDetails []vc.Problem `json:"problemDetails,omitempty"`

	// Of a credential. Only if it is verified can they be relied upon.
	Issuer    did.DID           `json:"issuer,omitzero"`
	Digest    vc.Digest         `json:"digest,omitzero"`
	DataModel vc.DataModel      `json:"dataModel,omitzero"`
	MediaType string            `json:"mediaType,omitzero"`
	Statuses  []vc.StatusResult `json:"statuses,omitempty"`

	// Of a presentation.
	Holder      did.DID   `json:"holder,omitzero"`
	Credentials []*Result `json:"credentials,omitempty"`
}

// notVerified refuses a request to verify: that, too, is a result.
func notVerified(detail string) reply {
	out := problem(http.StatusBadRequest, detail)
	out.body.(*Problem).Result = &Result{Errors: []string{detail}}
	return *out
}

// verifyCredential answers POST /credentials/verify: {"verifiableCredential": …, "options": {…}}.
func (h *Handler) verifyCredential(ctx context.Context, in *request) reply {
	raw, err := in.document("verifiableCredential")
	if err != nil {
		return notVerified(err.Error())
	}
	o, err := in.options("")
	if err != nil {
		return notVerified(err.Error())
	}
	verifier, skipped := h.verifier(o)
	report := verifier.Report(ctx, raw, h.Accept)
	result := resultOf(report, skipped)

	// A credential is signed to assert, and rarely for one verifier. Who asks for more is told.
	if o.purpose != "" && o.purpose != string(did.AssertionMethod) {
		result.add(vc.CheckProof, "PROOF_VERIFICATION_ERROR", "the purpose of a credential's proof is assertionMethod, not the one expected")
	}
	if o.challenge != "" || o.domain != "" {
		result.expect(in.root.Member("verifiableCredential"), o)
	}
	return h.answer(result, report.Err)
}

// verifyPresentation answers POST /presentations/verify: {"verifiablePresentation": …, "options": {…}}.
func (h *Handler) verifyPresentation(ctx context.Context, in *request) reply {
	raw, err := in.document("verifiablePresentation")
	if err != nil {
		return notVerified(err.Error())
	}
	o, err := in.options("")
	if err != nil {
		return notVerified(err.Error())
	}

	// 1. The challenge is one that was given out here, and this is the first answer to it.
	ch := vc.Challenge{Nonce: o.challenge, Domain: o.domain}
	if h.Conformance == nil {
		if ch.Nonce == "" {
			return notVerified("options: challenge: name the one from POST /challenges that the holder was asked with")
		}
		ch.Domain = h.Challenges.domain(ch.Domain)
	}
	taken := h.Challenges.Take(ch)
	switch {
	case errors.Is(taken, ErrFull):
		return *later(http.StatusServiceUnavailable, time.Minute, taken.Error())
	case errors.Is(taken, ErrUnknown) && h.Conformance != nil:
		taken = nil // a suite makes up its own
	}

	// 2. The presentation.
	verifier, skipped := h.verifier(o)
	report := verifier.ReportPresentation(ctx, raw, ch, h.Accept)
	result := &Result{Verified: report.Err == nil, Checks: report.Findings, Holder: report.Holder}
	for _, c := range report.Credentials {
		result.Credentials = append(result.Credentials, resultOf(c, skipped))
	}
	result.explain()
	if o.purpose != "" && o.purpose != string(did.Authentication) {
		result.add(vc.CheckProof, "PROOF_VERIFICATION_ERROR", "the purpose of a presentation's proof is authentication, not the one expected")
	}
	if taken != nil {
		result.add(vc.CheckChallenge, "INVALID_CHALLENGE_ERROR", taken.Error())
	}
	out := h.answer(result, report.Err)
	if taken == nil && out.status == http.StatusServiceUnavailable { // and not if another answer had taken it
		h.Challenges.Return(ch)
	}
	return out
}

// verifier returns the Verifier for these options. Only suites may have checks left out.
func (h *Handler) verifier(o options) (v *vc.Verifier, skipped bool) {
	asked := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(o.checks, name) })
	}
	if h.Conformance == nil || !o.givenChecks || asked("credentialStatus", "status") && asked("credentialSchema", "schema") {
		return h.verifying, false
	}
	lenient := *h.verifying
	if !asked("credentialStatus", "status") {
		lenient.Status = unasked{}
	}
	if !asked("credentialSchema", "schema") {
		lenient.Schema = unasked{}
	}
	return &lenient, true
}

// unasked makes no check of what nobody asked to have checked.
type unasked struct{}

func (unasked) CheckStatus(context.Context, did.DID, []byte, time.Time) (vc.StatusResult, error) {
	return vc.StatusResult{}, nil
}

func (unasked) CheckSchema(context.Context, []byte, []byte) error { return nil }

// resultOf is what a report says of a credential.
func resultOf(r *vc.Report, skipped bool) *Result {
	result := &Result{Verified: r.Err == nil, Checks: r.Findings, Issuer: r.Issuer, Digest: r.Digest}
	if skipped {
		result.Warnings = append(result.Warnings, "status and schemas were checked only as far as options.checks names them")
	}
	if v := r.Verified; v != nil {
		result.DataModel, result.MediaType = v.DataModel(), v.MediaType()
		for _, is := range v.Status() {
			if is.List != "" { // of unasked
				result.Statuses = append(result.Statuses, is)
			}
		}
		if v.DataModel() == vc.VCDM1 {
			result.Warnings = append(result.Warnings, "it follows the data model 1.1, in which some words mean other things")
		}
		if v.Selective() {
			result.Warnings = append(result.Warnings, "the holder may have left out something of it")
		}
		if !v.SignedBy(v.Issuer()) {
			result.Warnings = append(result.Warnings, "its issuer did not sign it")
		}
	}
	result.explain()
	return result
}

// add notes a check that only a client can ask for, and that failed.
func (r *Result) add(check vc.Check, code, detail string) {
	r.Verified = false
	r.Checks = append(slices.Clone(r.Checks), vc.Finding{Check: check, Outcome: vc.Fail, Code: code, Detail: detail})
	r.Errors, r.ProblemDetails = nil, nil
	r.explain()
}

// expect compares challenge and domain of a credential's embedded proofs (VC Data Integrity 1.0 §4.4).
func (r *Result) expect(credential strictjson.Value, o options) {
	proofs := credential.Member("proof")
	list := slices.Collect(proofs.All())
	if proofs.Kind() == strictjson.Object {
		list = []strictjson.Value{proofs}
	}
	for _, p := range list {
		if o.challenge != "" && p.Member("challenge").Text() != o.challenge {
			r.add(vc.CheckChallenge, "INVALID_CHALLENGE_ERROR", "the challenge of a proof is not the one expected")
		}
		if o.domain != "" && p.Member("domain").Text() != o.domain {
			r.add(vc.CheckChallenge, "INVALID_DOMAIN_ERROR", "the domain of a proof is not the one expected")
		}
	}
	if len(list) == 0 {
		r.add(vc.CheckChallenge, "INVALID_CHALLENGE_ERROR", "it has no proof that could answer a challenge")
	}
}

// explain fills in what is wrong, in the words of the checks.
func (r *Result) explain() {
	for _, f := range r.Checks {
		if f.Outcome == vc.Fail || f.Outcome == vc.Indeterminate {
			r.Errors = append(r.Errors, string(f.Check)+": "+f.Detail)
			r.ProblemDetails = append(r.ProblemDetails, f.Problem())
		}
	}
}

// answer makes the reply: 200 if it is verified, 400 if it is bad, 503 if it could not be checked. err
// is what Verify returns; without one, it is what the client expects that failed.
func (h *Handler) answer(result *Result, err error) reply {
	if result.Verified {
		return reply{status: http.StatusOK, outcome: "verified", body: result}
	}
	p := &Problem{Type: "about:blank", Title: "not verified", Status: http.StatusBadRequest, Detail: "see checks", Result: result}
	_, rejected := errors.AsType[*vc.RejectError](err)
	outcome, after := "refused", time.Duration(0)
	if err != nil && !rejected {
		outcome = "unchecked"
		if h.Conformance == nil {
			p.Status, p.Title, after = http.StatusServiceUnavailable, "could not be checked", time.Minute
		}
	}
	if i := slices.IndexFunc(result.ProblemDetails, func(d vc.Problem) bool { return d.Status == p.Status }); i >= 0 {
		first := result.ProblemDetails[i]
		p.Type, p.Title, p.Detail = first.Type, first.Title, first.Detail
	} else if err != nil {
		p.Detail = err.Error()
	}
	if len(result.Errors) == 0 {
		result.Errors = []string{p.Detail}
	}
	return reply{status: p.Status, outcome: outcome, after: after, body: p}
}
