package record

import (
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Lease says that a machine was handed to somebody for a term. It opens an
// obligation in the chain.
//
// The lessor should issue it, with the lessee or the machine as second signer.
type Lease struct {
	Terms `json:"lease"`
}

// Terms is the body of [Lease].
type Terms struct {
	Lessor       did.DID     `json:"lessor"`
	Lessee       did.DID     `json:"lessee"` // not the lessor
	Start        time.Time   `json:"start"`
	End          time.Time   `json:"end"`                   // after Start
	PermittedUse string      `json:"permittedUse,omitzero"` // in words or as a URL
	Limits       []Reading   `json:"limits,omitempty"`      // how much use, such as 200 HUR
	Collateral   *Amount     `json:"collateral,omitzero"`   // what the lessee deposits
	Settlement   *Settlement `json:"settlement,omitzero"`   // where it is settled
	ScorePolicy  string      `json:"scorePolicy,omitzero"`  // digest of the policy that set the collateral
	Score        string      `json:"score,omitzero"`        // digest of the score credential it was set by
	Documents    []Document  `json:"documents,omitempty"`   // the contract
}

// An Amount is a quantity of an asset on a chain.
type Amount struct {
	Value string `json:"value"` // decimal integer in the asset's smallest unit, at most 78 digits (uint256)
	Asset string `json:"asset"` // CAIP-19 asset type, such as "eip155:1/erc20:0x…"
}

// A Settlement is where a lease is settled.
type Settlement struct {
	Account string `json:"account"`        // CAIP-10 account that holds the collateral
	Usage   string `json:"usage,omitzero"` // CAIP-19 asset whose ERC-4907 user is the lessee
}

// LeaseOutcome says how a lease ended. It closes the obligation that a [Lease] opened.
//
// Both parties should sign it, or an arbiter alone.
type LeaseOutcome struct {
	Return `json:"leaseOutcome"`
}

// Return is the body of [LeaseOutcome].
type Return struct {
	Lease              string     `json:"lease"`      // digest of the lease credential
	Returned           time.Time  `json:"returnedAt"` // when the machine was handed back; for [ConditionMissing], when that was established
	OnTime             bool       `json:"onTime"`
	Condition          Condition  `json:"condition"`
	Counters           []Reading  `json:"counters,omitempty"`  // at Returned
	Incidents          []string   `json:"incidents,omitempty"` // digests of incident credentials of this lease
	CollateralReturned *Amount    `json:"collateralReturned,omitzero"`
	Documents          []Document `json:"documents,omitempty"` // hand-over protocol
}

// A Condition is the state in which a leased machine came back.
type Condition string

// The conditions, best first.
const (
	ConditionGood      Condition = "good" // as handed over, apart from fair wear
	ConditionWorn      Condition = "worn" // beyond fair wear, still working
	ConditionDamaged   Condition = "damaged"
	ConditionDestroyed Condition = "destroyed"
	ConditionMissing   Condition = "missing" // not handed back
)

// CredentialType implements vc.Claim.
func (Lease) CredentialType() string { return "LeaseCredential" }

// CredentialType implements vc.Claim.
func (LeaseOutcome) CredentialType() string { return "LeaseOutcomeCredential" }
