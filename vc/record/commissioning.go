package record

import (
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Commissioning says that a machine exists and has this identity. It is the
// first entry of a chain.
//
// The maker should issue it, or whoever onboards a machine that has none.
type Commissioning struct {
	Time       time.Time     `json:"eventTime,omitzero"` // when it was commissioned
	Model      string        `json:"model"`
	Serial     string        `json:"serial,omitzero"` // Serial or Registered is required
	Maker      *Party        `json:"maker,omitzero"`
	Registered *Registration `json:"registered,omitzero"`
	Built      time.Time     `json:"built,omitzero"`
	Counters   []Reading     `json:"counters,omitempty"` // of a machine that was used before
	HasPart    []did.DID     `json:"hasPart,omitempty"`  // parts with a record of their own
	KeyBinding *KeyBinding   `json:"keyBinding,omitzero"`
}

// A Registration is an identifier that somebody else's register gave the machine.
type Registration struct {
	Identifier string `json:"identifier"` // such as "09520123456788.21.LX4-00317"
	Scheme     string `json:"scheme"`     // URI of the register, such as "https://id.gs1.org/01/" (GS1 Digital Link)
}

// A KeyBinding says where the machine's key lives and who checked that.
type KeyBinding struct {
	VerificationMethod did.URL      `json:"verificationMethod"` // of the machine's DID document
	Protection         Protection   `json:"protection"`
	Attestation        *Attestation `json:"attestation,omitzero"`
}

// A Protection is what keeps a private key from leaving the machine.
type Protection string

// The kinds of protection.
const (
	TPM2          Protection = "tpm2"
	SecureElement Protection = "secure-element"
	TEE           Protection = "tee"
	Software      Protection = "software" // an encrypted file at best
)

// An Attestation is evidence for a [KeyBinding] that was seen by VerifiedBy.
type Attestation struct {
	Scheme          string  `json:"scheme"`          // such as "tpm2-activate-credential", "x509", "fdo-voucher"
	DigestMultibase string  `json:"digestMultibase"` // of the evidence's bytes
	VerifiedBy      did.DID `json:"verifiedBy"`
}

// CredentialType implements vc.Claim.
func (Commissioning) CredentialType() string { return "CommissioningCredential" }
