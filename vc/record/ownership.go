package record

import (
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// OwnershipTransfer says that a machine changed hands.
//
// The old owner should issue it and the new owner sign it too.
type OwnershipTransfer struct {
	Time         time.Time    `json:"eventTime"`
	OwningParty  OwningParty  `json:"owningParty"`
	ImportedFrom *Import      `json:"importedFrom,omitzero"` // if the machine's identity came from another system
	ProofOfLife  *ProofOfLife `json:"proofOfLife,omitzero"`
	Counters     []Reading    `json:"counters,omitempty"` // at Time
	Documents    []Document   `json:"documents,omitempty"`
}

// An OwningParty is the owner before and after (GS1 CBV source and destination
// of type owning_party). Who merely holds the machine is a possessing party: see [Lease].
type OwningParty struct {
	Source      did.DID `json:"source"`
	Destination did.DID `json:"destination"` // not the source
}

// An Import names the record of another system that a transfer continues.
type Import struct {
	Scheme          string `json:"scheme"` // such as "fdo-voucher"
	Identifier      string `json:"identifier,omitzero"`
	DigestMultibase string `json:"digestMultibase"` // of the imported bytes
}

// A ProofOfLife says that the machine itself answered at the handover.
type ProofOfLife struct {
	Time               time.Time `json:"answered"`           // at or before the transfer
	VerificationMethod did.URL   `json:"verificationMethod"` // the machine's key that answered
	DigestMultibase    string    `json:"digestMultibase"`    // of the presentation it signed
}

// Decommissioning says that a machine has ended its life. Nothing follows it.
//
// The owner should issue it.
type Decommissioning struct {
	Time        time.Time   `json:"eventTime"`
	BizStep     BizStep     `json:"bizStep,omitzero"`
	Disposition Disposition `json:"disposition,omitzero"` // such as disposed or destroyed
	Description string      `json:"description,omitzero"` // why
	Counters    []Reading   `json:"counters,omitempty"`   // the last readings
	Documents   []Document  `json:"documents,omitempty"`
}

// CredentialType implements vc.Claim.
func (OwnershipTransfer) CredentialType() string { return "OwnershipTransferCredential" }

// CredentialType implements vc.Claim.
func (Decommissioning) CredentialType() string { return "DecommissioningCredential" }
