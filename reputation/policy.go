package reputation

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// Scheme names the rules by which this package scores. Other rules, even better
// ones, get another name.
const Scheme = "hourmeter-score/1"

// Limits on a policy.
const (
	// MaxPolicyBytes bounds the text of a policy: 4,096 issuers with the longest common
	// DIDs (did:jwk, about 250 bytes) take 2 MB.
	MaxPolicyBytes = 4 << 20

	// MaxIssuers bounds the issuers a policy lists: with those of a trust table they fit into
	// the 16 bits by which a state tells apart who says what.
	MaxIssuers = 4096

	// MaxMachines bounds the machines whose controllers a policy names.
	MaxMachines = 1 << 16

	// MaxFleets bounds the fleet classes of a policy, and the models of each.
	MaxFleets = 256

	// MaxName bounds names in a policy, in characters. They are for people.
	MaxName = 200

	// MaxStrength bounds how much a prior weighs, in thousandths of a window: 1,000
	// windows is nineteen years of weekly reports.
	MaxStrength = 1_000_000

	// MaxHours bounds the hours that a failure-rate prior stands for: 11,400 years of running.
	MaxHours = 100_000_000
)

// A Policy says whose word counts, how much, and what a score is made of. It is
// data: the same policy, history and day give the same bits everywhere, so a
// network publishes its policy and names it by its digest. The tags are the rules
// that package policyfile reports on, and that [Policy.Validate] enforces.
//
// An issuer that is not listed has no influence at all.
type Policy struct {
	Scheme string `json:"scheme" validate:"eq=hourmeter-score/1"`
	Name   string `json:"name,omitzero" validate:"max=200"` // for people

	// Issuers lists those whose word counts. In any order; no issuer twice.
	Issuers []Issuer `json:"issuers" validate:"max=4096,unique=ID,dive"`

	// Controllers says who controls machines, beside what the record itself says: the
	// machine, the owner that an ownership transfer names, and the lessor of a lease.
	Controllers []Controller `json:"controllers,omitzero" validate:"max=65536,dive"`

	Admission Reliability `json:"admission"` // of blame by the machine or whoever controls it
	Telemetry Reliability `json:"telemetry"` // of the machine's attested measurements: influence 1/4 at most

	// Weights says what each dimension counts for in the score, in parts per million.
	// They add up to a million.
	Weights Each[int64] `json:"weightsPpm"`

	Priors Priors  `json:"priors"`                                              // for machines of no listed fleet
	Fleets []Fleet `json:"fleets,omitzero" validate:"max=256,unique=Name,dive"` // classes with priors of their own

	// MaxLateDays is how long after an event its entry may come, in days. Later entries
	// are back-dated and weigh nothing.
	MaxLateDays int64 `json:"maxLateDays" validate:"min=1,max=3660"`

	// LossGivenDefault is what a failed obligation costs, in basis points of the value at stake.
	LossGivenDefault int64 `json:"lossGivenDefaultBps" validate:"min=0,max=10000"`
}

// A Reliability says how often a witness is right. The two numbers together make its
// influence, sensitivity + specificity - 1, which must not be negative: believing the
// opposite of a liar only teaches liars to tell the truth about their enemies.
type Reliability struct {
	Sensitivity int64 `json:"sensitivityPpm" validate:"min=20000,max=980000"` // P(says good | good), parts per million
	Specificity int64 `json:"specificityPpm" validate:"min=20000,max=980000"` // P(says bad | bad), parts per million
}

// An Issuer is a witness that the policy knows.
type Issuer struct {
	ID did.DID `json:"id" validate:"required"`
	Reliability

	// Root marks an issuer whose reliability the policy fixes for good. Estimating the
	// others from what the roots say starts here; until a trust table is given, the
	// numbers of all listed issuers are taken as they stand.
	Root bool `json:"root,omitzero"`

	// Controller and LogOrigin group issuers that are not independent: those who share
	// one of them count as the strongest of them, not as their sum.
	Controller did.DID `json:"controller,omitzero"`
	LogOrigin  string  `json:"logOrigin,omitzero" validate:"max=200"` // origin line of the log they write to
}

// A Controller is a party with an interest in what is said about its machines.
type Controller struct {
	ID       did.DID   `json:"id" validate:"required"`
	Machines []did.DID `json:"machines" validate:"min=1,max=65536,dive,required"`
}

// Each holds one value for each dimension.
type Each[T any] struct {
	Availability T `json:"availability"`
	Maintenance  T `json:"maintenance"`
	Obligations  T `json:"obligations"`
	Integrity    T `json:"integrity"`
	Provenance   T `json:"provenance"`
}

// list returns the values in the order of the dimensions.
func (e Each[T]) list() [dimensions]T {
	return [dimensions]T{e.Availability, e.Maintenance, e.Obligations, e.Integrity, e.Provenance}
}

// A Prior is what is believed of a machine before any evidence: a mean, and the
// number of windows of evidence that the belief is worth.
type Prior struct {
	Mean     int64 `json:"meanPpm" validate:"min=1,max=999999"`        // parts per million
	Strength int64 `json:"strengthMilli" validate:"min=1,max=1000000"` // thousandths of a window
}

// A FailureRate is a Gamma prior: so many failures in a million hours, as if seen
// over that many hours.
type FailureRate struct {
	PerMillionHours int64 `json:"perMillionHours" validate:"min=0,max=1000000"`
	Hours           int64 `json:"hours" validate:"min=1,max=100000000"`
}

// Priors holds what is believed of a fleet before any evidence.
type Priors struct {
	Each[Prior]
	FailureRate FailureRate `json:"failureRate"`
}

// A Fleet is a class of machines that share priors. A machine belongs to the fleet
// that lists its model, if its commissioning was issued by someone with influence.
type Fleet struct {
	Name   string   `json:"name" validate:"required,max=200"`
	Models []string `json:"models" validate:"min=1,max=256,dive,required,max=200"`
	Priors Priors   `json:"priors"`
}

// ParsePolicy reads a policy. It refuses members it does not know, duplicate
// members, and whatever [Policy.Validate] refuses.
func ParsePolicy(text []byte) (*Policy, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxPolicyBytes})
	if err != nil {
		return nil, fmt.Errorf("reputation: policy: %w", err)
	}
	p := new(Policy)
	if err := json.Unmarshal([]byte(doc.Root().Raw()), p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("reputation: policy: %w", err)
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// Validate refuses a policy that makes no sense. The error names the first member
// at fault and the rule.
func (p *Policy) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("reputation: policy: "+format, args...)
	}
	if p.Scheme != Scheme {
		return bad("scheme is %.60q: this program scores by %q", p.Scheme, Scheme)
	}
	if utf8.RuneCountInString(p.Name) > MaxName {
		return bad("name is longer than %d characters", MaxName)
	}

	if len(p.Issuers) > MaxIssuers {
		return bad("%d issuers are more than %d", len(p.Issuers), MaxIssuers)
	}
	known := make(map[did.DID]bool, len(p.Issuers))
	for i, issuer := range p.Issuers {
		switch {
		case issuer.ID.IsZero():
			return bad("issuers[%d]: id is missing", i)
		case known[issuer.ID]:
			return bad("issuers[%d]: %v is listed twice", i, issuer.ID)
		case utf8.RuneCountInString(issuer.LogOrigin) > MaxName:
			return bad("issuers[%d]: logOrigin is longer than %d characters", i, MaxName)
		}
		known[issuer.ID] = true
		if err := issuer.Reliability.validate(); err != nil {
			return bad("issuers[%d] (%v): %w", i, issuer.ID, err)
		}
	}
	machines := 0
	for i, c := range p.Controllers {
		if c.ID.IsZero() {
			return bad("controllers[%d]: id is missing", i)
		}
		if machines += len(c.Machines); machines > MaxMachines {
			return bad("controllers: more than %d machines", MaxMachines)
		}
		if len(c.Machines) == 0 || slices.Contains(c.Machines, did.DID{}) {
			return bad("controllers[%d] (%v): machines must name at least one machine, and none empty", i, c.ID)
		}
	}
	if len(p.Controllers) > MaxMachines {
		return bad("%d controllers are more than %d", len(p.Controllers), MaxMachines)
	}

	if err := p.Admission.validate(); err != nil {
		return bad("admission: %w", err)
	}
	if err := p.Telemetry.validate(); err != nil {
		return bad("telemetry: %w", err)
	}
	if p.Telemetry.Sensitivity+p.Telemetry.Specificity-million > million/4 {
		return bad("telemetry: sensitivity %d and specificity %d add up to an influence above 1/4: a machine is not its own witness",
			p.Telemetry.Sensitivity, p.Telemetry.Specificity)
	}

	sum := int64(0)
	for d, weight := range p.Weights.list() {
		if weight < 0 || weight > million {
			return bad("weightsPpm.%v is %d: want 0 to %d", Dimension(d), weight, million)
		}
		sum += weight
	}
	if sum != million {
		return bad("weightsPpm add up to %d, not to %d", sum, million)
	}

	if err := p.Priors.validate(); err != nil {
		return bad("priors: %w", err)
	}
	if len(p.Fleets) > MaxFleets {
		return bad("%d fleets are more than %d", len(p.Fleets), MaxFleets)
	}
	names, models := map[string]bool{}, map[string]bool{}
	for i, fleet := range p.Fleets {
		if fleet.Name == "" || utf8.RuneCountInString(fleet.Name) > MaxName || names[fleet.Name] {
			return bad("fleets[%d]: name %.60q must have 1 to %d characters and be used once", i, fleet.Name, MaxName)
		}
		names[fleet.Name] = true
		if len(fleet.Models) == 0 || len(fleet.Models) > MaxFleets {
			return bad("fleets[%d] (%s): %d models: want 1 to %d", i, fleet.Name, len(fleet.Models), MaxFleets)
		}
		for _, model := range fleet.Models {
			if model == "" || utf8.RuneCountInString(model) > MaxName || models[model] {
				return bad("fleets[%d] (%s): model %.60q must have 1 to %d characters and be in one fleet only", i, fleet.Name, model, MaxName)
			}
			models[model] = true
		}
		if err := fleet.Priors.validate(); err != nil {
			return bad("fleets[%d] (%s): priors: %w", i, fleet.Name, err)
		}
	}

	if p.MaxLateDays < 1 || p.MaxLateDays > 3660 {
		return bad("maxLateDays is %d: want 1 to 3660", p.MaxLateDays)
	}
	if p.LossGivenDefault < 0 || p.LossGivenDefault > 10_000 {
		return bad("lossGivenDefaultBps is %d: want 0 to 10000", p.LossGivenDefault)
	}
	return nil
}

// Nobody is believed, or disbelieved, beyond these (docs/SCORE.md §3): the odds of
// one witness stay within 49 to 1.
const (
	minReliability = 20_000
	maxReliability = 980_000
)

func (r Reliability) validate() error {
	if min(r.Sensitivity, r.Specificity) < minReliability || max(r.Sensitivity, r.Specificity) > maxReliability {
		return fmt.Errorf("sensitivityPpm %d and specificityPpm %d must lie in %d to %d",
			r.Sensitivity, r.Specificity, minReliability, maxReliability)
	}
	if r.Sensitivity+r.Specificity < million {
		return fmt.Errorf("sensitivityPpm %d and specificityPpm %d add up to less than %d, worse than guessing: leave the issuer out",
			r.Sensitivity, r.Specificity, million)
	}
	return nil
}

func (p *Priors) validate() error {
	for d, prior := range p.Each.list() {
		if prior.Mean < 1 || prior.Mean >= million {
			return fmt.Errorf("%v.meanPpm is %d: want 1 to %d", Dimension(d), prior.Mean, million-1)
		}
		if prior.Strength < 1 || prior.Strength > MaxStrength {
			return fmt.Errorf("%v.strengthMilli is %d: want 1 to %d", Dimension(d), prior.Strength, MaxStrength)
		}
	}
	if p.FailureRate.PerMillionHours < 0 || p.FailureRate.PerMillionHours > million {
		return fmt.Errorf("failureRate.perMillionHours is %d: want 0 to %d", p.FailureRate.PerMillionHours, million)
	}
	if p.FailureRate.Hours < 1 || p.FailureRate.Hours > MaxHours {
		return fmt.Errorf("failureRate.hours is %d: want 1 to %d", p.FailureRate.Hours, MaxHours)
	}
	return nil
}

// JSON returns the policy in the form to publish: canonical JSON (RFC 8785). Its
// SHA-256 is the policy's digest.
func (p *Policy) JSON() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("reputation: policy: %w", err)
	}
	return jcs.Canonical(text)
}

// Digest names the policy by its content.
func (p *Policy) Digest() (vc.Digest, error) {
	text, err := p.JSON()
	if err != nil {
		return vc.Digest{}, err
	}
	return sha256.Sum256(text), nil
}

// DefaultPolicy returns a policy to start from. It lists no issuers, so it gives
// every machine its priors until you add those whose word you take. A copy of its
// own for every caller.
//
// The numbers, and why:
//   - Weights: kept promises weigh most, because the score is asked for before the
//     next promise; then availability and maintenance, which predict it; the record
//     and the key are conditions rather than merits, and classes cap the score besides.
//     250 points divide evenly by them, so that a perfect machine has 850.
//   - Priors: what a machine without a record gets. Means are those of an unremarkable
//     fleet; strengths of one or two windows let a month of evidence outweigh them. Promises take
//     twice as long, so that a new name is no quick way to a good one (docs/EVALUATION.md, T7).
//   - FailureRate: one failure in 2,000 hours of running, worth 2,000 hours.
//   - Admission: a party speaking against itself is right nearly always.
//   - Telemetry: the greatest influence allowed.
//   - MaxLateDays: a quarter, so that quarterly reports still count.
//   - LossGivenDefault: 45 %, the foundation approach of Basel III for unsecured claims.
func DefaultPolicy() *Policy {
	return &Policy{
		Scheme:    Scheme,
		Name:      "Hourmeter default",
		Issuers:   []Issuer{},
		Admission: Reliability{Sensitivity: 950_000, Specificity: 950_000},
		Telemetry: Reliability{Sensitivity: 625_000, Specificity: 625_000},
		Weights: Each[int64]{
			Availability: 240_000, Maintenance: 200_000, Obligations: 300_000, Integrity: 100_000, Provenance: 160_000,
		},
		Priors: Priors{
			Each: Each[Prior]{
				Availability: Prior{Mean: 950_000, Strength: 2_000},
				Maintenance:  Prior{Mean: 850_000, Strength: 2_000},
				Obligations:  Prior{Mean: 900_000, Strength: 4_000},
				Integrity:    Prior{Mean: 800_000, Strength: 1_000},
				Provenance:   Prior{Mean: 900_000, Strength: 1_000},
			},
			FailureRate: FailureRate{PerMillionHours: 500, Hours: 2_000},
		},
		MaxLateDays:      92,
		LossGivenDefault: 4_500,
	}
}
