// Package record defines the claims that make up a machine's record: who made
// it, what was done to it, how long it ran, what went wrong, who leased it and
// who owned it. The JSON-LD context https://w3id.org/hourmeter/v1 says which vocabulary each term is of.
//
// Every claim is a plain struct with a CredentialType and a Validate method.
// Package vc issues and reads them; [New] makes an empty one by type name, and
// [Schema] and [Example] give the JSON Schema and a worked example of a type.
//
// Validate says whether a claim contradicts itself, never whether it is true:
// a monitor that reports a year without failures passes. Who to believe is
// decided by vc.Accept and by the policy of package reputation.
//
// Times are written as RFC 3339 in UTC. Durations and counts are integers with
// the unit in the name, or beside the value in a [Reading]. A zero value of an
// optional field means "not known" and is left out of the JSON.
package record

import "strings"

// A Claim is a pointer to one of the structs of this package: a place to decode
// the subject of a credential into. Every vc.Claim that has Validate is one.
type Claim interface {
	// CredentialType names the credential, such as "MaintenanceCredential".
	CredentialType() string
	// Validate returns a *[FieldError] if the claim contradicts itself.
	Validate() error
}

// New returns an empty claim of the given credential type to decode into, such
// as *[Maintenance] for "MaintenanceCredential". It reports false for a type
// that has no struct here.
func New(credentialType string) (Claim, bool) {
	switch credentialType {
	case Commissioning{}.CredentialType():
		return new(Commissioning), true
	case Maintenance{}.CredentialType():
		return new(Maintenance), true
	case Uptime{}.CredentialType():
		return new(Uptime), true
	case Incident{}.CredentialType():
		return new(Incident), true
	case Lease{}.CredentialType():
		return new(Lease), true
	case LeaseOutcome{}.CredentialType():
		return new(LeaseOutcome), true
	case OwnershipTransfer{}.CredentialType():
		return new(OwnershipTransfer), true
	case Decommissioning{}.CredentialType():
		return new(Decommissioning), true
	case Accreditation{}.CredentialType():
		return new(Accreditation), true
	case DigitalConformity{}.CredentialType():
		return new(DigitalConformity), true
	}
	return nil, false
}

// Types returns the credential types that [New] knows, in the order in which
// they occur in a machine's life.
func Types() []string {
	return []string{
		Commissioning{}.CredentialType(),
		Maintenance{}.CredentialType(),
		Uptime{}.CredentialType(),
		Incident{}.CredentialType(),
		Lease{}.CredentialType(),
		LeaseOutcome{}.CredentialType(),
		OwnershipTransfer{}.CredentialType(),
		Decommissioning{}.CredentialType(),
		Accreditation{}.CredentialType(),
		DigitalConformity{}.CredentialType(),
	}
}

// A FieldError reports the first field of a claim that breaks a rule.
type FieldError struct {
	Type  string // credential type, such as "UptimeCredential"
	Field string // path below credentialSubject, such as "availability.upSeconds"
	Value string // what stands there; empty if nothing does
	Rule  string // what should, as a sentence without a subject: "must not be negative"
}

// Error implements error.
func (e *FieldError) Error() string {
	var b strings.Builder
	b.WriteString("record: ")
	b.WriteString(e.Type)
	b.WriteString(": ")
	b.WriteString(e.Field)
	if e.Value != "" {
		b.WriteString(" is ")
		b.WriteString(e.Value)
	}
	b.WriteString(": ")
	b.WriteString(e.Rule)
	return b.String()
}
