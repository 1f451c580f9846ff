package record

import "time"

// Accreditation says what its subject, an issuer, may attest. It is about an
// issuer, not about a machine, and belongs to no machine's chain.
//
// A root of the scoring policy should issue it, or an issuer whose own
// accreditation allows it.
type Accreditation struct {
	Grant `json:"accreditation"`
}

// Grant is the body of [Accreditation].
type Grant struct {
	Attests         []string  `json:"attests"`         // credential types, such as "MaintenanceCredential"; at least one
	Scope           string    `json:"scope,omitzero"`  // models, sites or standards it is limited to
	Scheme          string    `json:"scheme,omitzero"` // URI of the rules it was granted under
	Until           time.Time `json:"until"`
	DelegationDepth int64     `json:"delegationDepth,omitzero"` // how many links of further accreditation the subject may start; 0 is none
}

// CredentialType implements vc.Claim.
func (Accreditation) CredentialType() string { return "AccreditationCredential" }
