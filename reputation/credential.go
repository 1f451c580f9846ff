package reputation

import (
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// MaxValidity is how long a score credential may be valid: evidence goes on.
const MaxValidity = 7 * 24 * time.Hour

// A MachineReputation is the claim of a score credential: what a scorer computed, and
// from what, so that anybody who has the same history, policy and trust table can [Check] it.
type MachineReputation struct {
	Scheme       string             `json:"scheme"`
	Policy       vc.Digest          `json:"policy"`
	TrustTable   vc.Digest          `json:"trustTable,omitzero"` // absent: issuers weigh what the policy says
	EvidenceRoot vc.Digest          `json:"evidenceRoot"`
	Head         *Head              `json:"head,omitzero"` // absent for isolated credentials
	AsOf         Day                `json:"asOf"`
	Points       int64              `json:"points"`
	MeanPpm      int64              `json:"meanPpm"`
	LowPpm       int64              `json:"lowPpm"`
	Evidence     int64              `json:"evidence"`
	Completeness chain.Completeness `json:"completeness"`
	Dimensions   []ClaimedShare     `json:"dimensions"`
	Reasons      []Code             `json:"reasons"`
}

// A ClaimedShare is one dimension's part of a claimed score: see [DimensionScore].
type ClaimedShare struct {
	Name   Dimension `json:"name"`
	LowPpm int64     `json:"lowPpm"`
	Points int64     `json:"points"`
}

// CredentialType implements [vc.Claim].
func (MachineReputation) CredentialType() string { return "MachineReputationCredential" }

// Validate refuses a claim that no scorer of this scheme can have computed.
func (m MachineReputation) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("reputation: MachineReputationCredential: "+format, args...)
	}
	switch {
	case m.Scheme != Scheme:
		return bad("scheme is %.60q: this program knows %q", m.Scheme, Scheme)
	case m.Policy.IsZero() || m.EvidenceRoot.IsZero():
		return bad("policy and evidenceRoot must be given")
	case m.Head != nil && (m.Head.Chain.IsZero() || m.Head.Digest.IsZero() || m.Head.Sequence < 0):
		return bad("head must have chain, digest, and a sequence that is not negative")
	case m.Points < Min || m.Points > Max:
		return bad("points is %d: want %d to %d", m.Points, Min, Max)
	case m.MeanPpm < 0 || m.MeanPpm > million || m.LowPpm < 0 || m.LowPpm > million:
		return bad("meanPpm %d and lowPpm %d must lie in 0 to %d", m.MeanPpm, m.LowPpm, million)
	case m.Evidence < 0:
		return bad("evidence is %d: want no negative number", m.Evidence)
	case len(m.Dimensions) != int(dimensions):
		return bad("%d dimensions: want %d", len(m.Dimensions), dimensions)
	case len(m.Reasons) > MaxReasons:
		return bad("%d reasons: want at most %d", len(m.Reasons), MaxReasons)
	}
	for i, d := range m.Dimensions {
		if d.Name != Dimension(i) {
			return bad("dimensions[%d] is %v: want %v", i, d.Name, Dimension(i))
		}
	}
	for _, code := range m.Reasons {
		if code.Text() == "" {
			return bad("reason %.60q is not one of %s", code, Scheme)
		}
	}
	return nil
}

// Claim returns the score as a credential's claim.
func (s *Score) Claim() MachineReputation {
	m := MachineReputation{
		Scheme: s.Scheme, Policy: s.Policy, TrustTable: s.TrustTable, EvidenceRoot: s.EvidenceRoot,
		AsOf: s.AsOf, Points: s.Points, MeanPpm: s.MeanPpm, LowPpm: s.LowPpm, Evidence: s.Evidence,
		Completeness: s.Completeness, Head: s.Head,
		Dimensions: make([]ClaimedShare, len(s.Dimensions)), Reasons: make([]Code, len(s.Reasons)),
	}
	for i, d := range s.Dimensions {
		m.Dimensions[i] = ClaimedShare{d.Name, d.LowPpm, d.Points}
	}
	for i, r := range s.Reasons {
		m.Reasons[i] = r.Code
	}
	return m
}

// Credential returns the score as a credential about machine, valid for [MaxValidity]
// from the given time, for a [vc.Issuer] to sign. Scorers who sign the same bytes give
// the same from.
func (s *Score) Credential(machine did.DID, from time.Time) *vc.Credential {
	return &vc.Credential{Subject: machine, Claim: s.Claim(), ValidFrom: from, ValidUntil: from.Add(MaxValidity)}
}

// A MismatchError reports the first difference between a score credential and what
// comes of computing the score again.
type MismatchError struct {
	Field    string // path below credentialSubject, or a member of the credential
	Claimed  string
	Computed string
}

// Error implements error.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("reputation: score credential: %s is %s: computing it again gives %s", e.Field, e.Claimed, e.Computed)
}

// Check computes the score that the credential claims again, from the history, policy and
// trust table given (nil for none), as of the day that it names. It returns a [*MismatchError] for the first
// difference. That day must not lie before the newest entry, nor more than [MaxValidity]
// before the credential: else a scorer could leave out what came after a good day.
//
// The history must end where the scorer's did: if it is longer, the head differs, and the
// score is out of date rather than wrong. It must also hold the same proofs, for digests do
// not cover them: if somebody known has countersigned one copy and not the other, the
// evidenceRoot differs.
//
// Check says that the score follows from the history. Who issued the credential does not
// matter to it.
func Check(credential *vc.Verified, h *chain.History, policy *Policy, table *TrustTable) error {
	claimed, err := vc.ClaimOf[MachineReputation](credential)
	if err != nil {
		return err
	}
	if credential.Subject() != h.Subject() {
		return &MismatchError{"id", credential.Subject().String(), h.Subject().String()}
	}
	until, limit := credential.ValidUntil(), credential.ValidFrom().Add(MaxValidity)
	if until.IsZero() || until.After(limit) {
		return &MismatchError{"validUntil", stamp(until), "no later than " + stamp(limit)}
	}
	// A scorer chooses neither a day on which the record looked better nor one before it aged.
	made, oldest := DayOf(credential.ValidFrom()), DayOf(credential.ValidFrom().Add(-MaxValidity))
	if claimed.AsOf > made || claimed.AsOf < oldest {
		return &MismatchError{"asOf", claimed.AsOf.String(), "a day from " + oldest.String() + " to " + made.String()}
	}
	scorer, err := NewScorer(policy, table)
	if err != nil {
		return err
	}
	score, err := scorer.Score(h, claimed.AsOf.Time())
	if err != nil {
		return err
	}
	if err := compare(claimed, score.Claim()); err != nil {
		return err
	}
	newest := Day(0)
	for _, it := range h.Entries() {
		newest = max(newest, DayOf(it.Credential.ValidFrom()))
	}
	if claimed.AsOf < newest {
		return &MismatchError{"asOf", claimed.AsOf.String(), "no earlier than " + newest.String() + ", the day of the newest entry"}
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "not set"
	}
	return t.UTC().Format(time.RFC3339)
}

// named says whether a log was asked. Which of its checkpoints was read makes no difference
// to a score where head, completeness and evidence are the same: whoever checks reads a later one.
func named(checkpoint string) string {
	if checkpoint == "" {
		return "none"
	}
	return "one"
}

// compare names the first difference, causes before effects.
func compare(claimed, computed MachineReputation) error {
	var one, other Head
	if claimed.Head != nil {
		one = *claimed.Head
	}
	if computed.Head != nil {
		other = *computed.Head
	}
	fields := []struct {
		name string
		a, b any
	}{
		{"scheme", claimed.Scheme, computed.Scheme},
		{"policy", claimed.Policy, computed.Policy},
		{"trustTable", claimed.TrustTable, computed.TrustTable},
		{"head.chain", one.Chain, other.Chain},
		{"head.sequence", one.Sequence, other.Sequence},
		{"head.digest", one.Digest, other.Digest},
		{"head.checkpoint", named(one.Checkpoint), named(other.Checkpoint)},
		{"asOf", claimed.AsOf, computed.AsOf},
		{"evidenceRoot", claimed.EvidenceRoot, computed.EvidenceRoot},
		{"completeness", claimed.Completeness, computed.Completeness},
	}
	for _, f := range fields {
		if f.a != f.b {
			return &MismatchError{f.name, fmt.Sprint(f.a), fmt.Sprint(f.b)}
		}
	}
	for i, d := range claimed.Dimensions { // Validate has counted them
		if d != computed.Dimensions[i] {
			return &MismatchError{fmt.Sprintf("dimensions[%d]", i), fmt.Sprint(d), fmt.Sprint(computed.Dimensions[i])}
		}
	}
	for _, f := range []struct {
		name string
		a, b int64
	}{
		{"points", claimed.Points, computed.Points},
		{"meanPpm", claimed.MeanPpm, computed.MeanPpm},
		{"lowPpm", claimed.LowPpm, computed.LowPpm},
		{"evidence", claimed.Evidence, computed.Evidence},
	} {
		if f.a != f.b {
			return &MismatchError{f.name, fmt.Sprint(f.a), fmt.Sprint(f.b)}
		}
	}
	if a, b := fmt.Sprint(claimed.Reasons), fmt.Sprint(computed.Reasons); a != b {
		return &MismatchError{"reasons", a, b}
	}
	return nil
}
