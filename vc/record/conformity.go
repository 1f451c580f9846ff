package record

// DigitalConformity is the subject of a Digital Conformity Credential of the UN
// Transparency Protocol (UNTP): that a conformity assessment body found a
// product, facility or organisation to conform. The names are UNTP's (DCC 0.6),
// unchanged; members that are not here are not read.
//
// A conformity assessment body should issue it, by UNTP's rules. Its subject is
// the attestation, not the machine: an entry of a machine's chain refers to it
// by digest, as a [Document].
type DigitalConformity struct {
	Type                  []string            `json:"type,omitempty"` // ConformityAttestation, Attestation
	Name                  string              `json:"name,omitzero"`
	Description           string              `json:"description,omitzero"`
	AssessorLevel         string              `json:"assessorLevel"`
	AssessmentLevel       string              `json:"assessmentLevel"`
	AttestationType       string              `json:"attestationType"`
	IssuedToParty         ConformityParty     `json:"issuedToParty"`
	Authorisation         []Endorsement       `json:"authorisation,omitempty"`
	ConformityCertificate *SecureLink         `json:"conformityCertificate,omitzero"`
	AuditableEvidence     *SecureLink         `json:"auditableEvidence,omitzero"`
	Scope                 *ConformityScheme   `json:"scope,omitzero"`
	Assessment            []ConformityFinding `json:"assessment,omitempty"`
}

// A ConformityParty is UNTP's Party.
type ConformityParty struct {
	ID           string `json:"id"` // URI
	Name         string `json:"name"`
	RegisteredID string `json:"registeredId,omitzero"`
}

// An Endorsement is UNTP's Endorsement: the authority under which a body assesses.
type Endorsement struct {
	Type             []string        `json:"type,omitempty"`
	ID               string          `json:"id"` // URI
	Name             string          `json:"name"`
	IssuingAuthority ConformityParty `json:"issuingAuthority"`
}

// A SecureLink is UNTP's SecureLink: a file elsewhere, and its hash.
type SecureLink struct {
	LinkURL    string `json:"linkURL,omitzero"`
	LinkName   string `json:"linkName,omitzero"`
	LinkType   string `json:"linkType,omitzero"`
	HashDigest string `json:"hashDigest,omitzero"` // hexadecimal
	HashMethod string `json:"hashMethod,omitzero"` // SHA-256 or SHA-1
}

// A ConformityScheme is UNTP's ConformityScheme: the rules that were applied.
type ConformityScheme struct {
	Type []string `json:"type,omitempty"`
	ID   string   `json:"id"` // URI
	Name string   `json:"name"`
}

// A ConformityFinding is UNTP's ConformityAssessment.
type ConformityFinding struct {
	Type            []string          `json:"type,omitempty"`
	ID              string            `json:"id"` // URI
	Name            string            `json:"name,omitzero"`
	AssessmentDate  string            `json:"assessmentDate,omitzero"` // a date: 2026-11-22
	Conformance     bool              `json:"conformance"`
	ConformityTopic string            `json:"conformityTopic"` // such as "social.safety"
	AssessedProduct []AssessedProduct `json:"assessedProduct,omitempty"`
}

// An AssessedProduct is UNTP's ProductVerification.
type AssessedProduct struct {
	Product       ConformityProduct `json:"product"`
	VerifiedByCAB bool              `json:"IDverifiedByCAB,omitzero"`
}

// A ConformityProduct is UNTP's Product, as far as it identifies a machine.
type ConformityProduct struct {
	ID           string `json:"id"` // URI; the machine's DID, or a GS1 Digital Link of its [Registration]
	Name         string `json:"name"`
	RegisteredID string `json:"registeredId,omitzero"`
	SerialNumber string `json:"serialNumber,omitzero"`
}

// CredentialType implements vc.Claim.
func (DigitalConformity) CredentialType() string { return "DigitalConformityCredential" }
