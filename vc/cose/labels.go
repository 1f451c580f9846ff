package cose

import "sync"

// The label registry, version 1, published as docs/CWT-LABELS.md.
//
// Labels are for ever: no entry of these tables changes, moves or goes. New ones are appended,
// as a later version: a token of that version says so under labelVersion, so that a document
// still has one encoding in each.

// labelVersion is where a token of a later version of the registry says which. It stays out of a
// token of version 1.
const labelVersion = 0

// The claims that hold a document, of the range that RFC 8392 §9.1 leaves to private use.
const (
	claimCredential   = -70001
	claimPresentation = -70002
)

// names are the labels of member names from 0 on. Those below 24 take one byte.
var names = []string{
	"", // labelVersion
	// Of a credential and a record entry.
	"@context", "type", "id", "issuer", "validFrom", "validUntil", "credentialSubject", "record", "relatedResource", "digestMultibase",
	"eventTime", "bizStep", "disposition", "maintenance", "category", "activity", "part", "name", "serial", "counters", "value", "unit", "documents",
	// From here on, two bytes. VCDM 2.0 and what it embeds.
	"holder", "verifiableCredential", "credentialStatus", "credentialSchema", "description", "evidence", "refreshService", "renderMethod", "termsOfUse",
	"confidenceMethod", "@value", "@language", "@direction", "digestSRI", "statusPurpose", "statusListIndex", "statusListCredential", "statusSize", "statusMessage",
	"statusReference", "status", "message", "encodedList", "ttl", "jsonSchema", "proof", "cryptosuite", "proofPurpose", "verificationMethod", "created", "expires",
	"domain", "challenge", "nonce", "previousProof", "proofValue", "controller", "publicKeyMultibase", "publicKeyJwk", "issuanceDate", "expirationDate",
	// Commissioning and its parts.
	"model", "maker", "registered", "identifier", "scheme", "built", "hasPart", "keyBinding", "protection", "attestation", "verifiedBy",
	// Uptime.
	"requiredSeconds", "downPlannedSeconds", "intervalSeconds", "observers", "samplesRoot", "bootCount", "first", "last",
	// Incidents, leases, outcomes.
	"incident", "severityPermille", "detected", "restored", "code", "causedBy", "lease", "lessor", "lessee", "permittedUse", "limits", "collateral", "asset",
	"settlement", "account", "usage", "scorePolicy", "score", "leaseOutcome", "returnedAt", "onTime", "condition", "incidents", "collateralReturned",
	// Ownership, accreditation.
	"owningParty", "source", "destination", "importedFrom", "proofOfLife", "answered", "accreditation", "attests", "scope", "until", "delegationDepth",
	// Of the chain.
	"class", "outcome", "refersTo", "revokes", "compromisedSince",
	// Scores and trust tables.
	"asOf", "capPpm", "checkpoint", "completeness", "digest", "dimensions", "evidenceRoot", "factions", "head", "issuers", "lowPpm", "machines", "meanPpm",
	"members", "observationRoot", "points", "policy", "reasons", "sensitivityPpm", "specificityPpm", "trustTable", "windows",
	// UNTP's conformity.
	"assessorLevel", "assessmentLevel", "attestationType", "issuedToParty", "registeredId", "authorisation", "issuingAuthority", "conformityCertificate",
	"auditableEvidence", "linkURL", "linkName", "linkType", "hashDigest", "hashMethod", "assessment", "assessmentDate", "conformance", "conformityTopic",
	"assessedProduct", "product", "serialNumber", "IDverifiedByCAB",
}

// negative are the labels of member names from -1 down: one byte each, as far as -24.
var negative = []string{
	"sequence", "previous", "entry", "totals", "entries", "open", "overdue", "adverse", "nextDue", "due", "date", "counter", "performedBy", "failureMode",
	"failureDetected", "downSeconds", "chain", "procedure", "mediaType", "availability", "start", "end", "upSeconds", "method",
	// From here on, two bytes.
	"qualification", "downUnplannedSeconds", "interruptions", "failures", "samples", "missed", "workOrder",
}

// values are the labels of strings from 0 on, and of arrays of strings, in RFC 8785 form: a byte
// string of the one or two bytes of the label.
var values = []string{
	// Contexts and types.
	"https://www.w3.org/ns/credentials/v2", "https://w3id.org/hourmeter/v1", "https://www.w3.org/ns/credentials/examples/v2", "https://www.w3.org/2018/credentials/v1",
	"VerifiableCredential", "VerifiablePresentation", "EnvelopedVerifiableCredential", "EnvelopedVerifiablePresentation", "DataIntegrityProof",
	"CommissioningCredential", "MaintenanceCredential", "UptimeCredential", "IncidentCredential", "LeaseCredential", "LeaseOutcomeCredential",
	"OwnershipTransferCredential", "DecommissioningCredential", "AccreditationCredential", "DigitalConformityCredential", "MachineReputationCredential", "IssuerTrustTableCredential",
	"BitstringStatusListEntry", "BitstringStatusListCredential", "BitstringStatusList", "JsonSchema", "JsonSchemaCredential",
	// Business steps (CBV 2.0).
	"commissioning", "inspecting", "repairing", "replacing", "installing", "removing", "assembling", "disassembling", "decommissioning", "destroying", "other",
	// Dispositions (CBV 2.0).
	"available", "unavailable", "needs_replacement", "active", "inactive", "conformant", "non_conformant", "damaged", "recalled", "stolen", "disposed", "destroyed",
	// Categories, methods, conditions, protections.
	"preventive", "corrective", "condition-based", "predictive", "damage", "failure", "misuse", "theft", "sla-breach",
	"heartbeat", "poll", "self-report", "attested", "good", "worn", "missing", "tpm2", "secure-element", "tee", "software",
	// Units (UN/CEFACT Recommendation 20).
	"HUR", "SEC", "KMT", "KWH", "C62",
	// Of the chain.
	"commission", "open", "close", "observe", "amend", "transfer", "rotate", "retire", "degraded", "breach", "urn:hourmeter:previous",
	// Proofs and status.
	"assertionMethod", "authentication", "eddsa-jcs-2022", "ecdsa-jcs-2019", "eddsa-rdfc-2022", "ecdsa-rdfc-2019", "ecdsa-sd-2023", "revocation", "suspension", "refresh",
	// Scores.
	"hourmeter-score/1", "hourmeter-trust/1", "availability", "integrity", "maintenance", "obligations", "provenance", "C0", "C1", "C2", "C3", "C4",
	// UNTP's conformity.
	"Attestation", "ConformityAssessment", "ConformityAssessmentScheme", "ConformityAttestation", "ConformityScheme", "Declaration", "Endorsement", "Standard",
	"3rdParty", "Accredited", "Buyer", "Commercial", "GlobalMRA", "GovtApproval", "Membership", "Self", "Unspecified", "Validated", "Verified", "SHA-1", "SHA-256",
	"calibration", "certification", "declaration", "inspection", "testing", "validation", "verification",
	// What machines' records have often.
	"hour meter", "landings", "charge cycles", "odometer", "application/pdf", "application/json", "image/jpeg", "image/png", "text/plain", "text/csv",
	"https://id.gs1.org/01/", "fdo-voucher", "x509", "tpm2-activate-credential", "en", "ltr", "rtl",
	// Arrays that nearly every credential has.
	`["https://www.w3.org/ns/credentials/v2"]`, `["https://www.w3.org/ns/credentials/v2","https://w3id.org/hourmeter/v1"]`, `["VerifiablePresentation"]`,
	`["VerifiableCredential","CommissioningCredential"]`, `["VerifiableCredential","MaintenanceCredential"]`, `["VerifiableCredential","UptimeCredential"]`,
	`["VerifiableCredential","IncidentCredential"]`, `["VerifiableCredential","LeaseCredential"]`, `["VerifiableCredential","LeaseOutcomeCredential"]`,
	`["VerifiableCredential","OwnershipTransferCredential"]`, `["VerifiableCredential","DecommissioningCredential"]`, `["VerifiableCredential","AccreditationCredential"]`,
	`["VerifiableCredential","DigitalConformityCredential"]`, `["VerifiableCredential","MachineReputationCredential"]`, `["VerifiableCredential","IssuerTrustTableCredential"]`,
}

// maxList is the length of the longest array with a label, in bytes of JSON.
const maxList = 128

// prefixes are what a string may begin with, from the form formPrefix on. The longest counts.
var prefixes = []string{
	"https://", "http://", "did:web:", "did:webvh:", "did:", "urn:", "https://www.w3.org/", "https://w3id.org/", "https://id.gs1.org/", "eip155:1", "eip155:", "mailto:",
}

// mediaTypes are those of a data: URL in base64.
var mediaTypes = []string{MediaTypeCredential, MediaTypePresentation, MediaTypeCWT}

// labels finds the label of a text.
type labels struct{ names, values map[string]int64 }

var registry = sync.OnceValue(func() labels {
	l := labels{make(map[string]int64), make(map[string]int64)}
	for i, n := range names {
		l.names[n] = int64(i)
	}
	delete(l.names, "") // an empty name is text, and no version
	for i, n := range negative {
		l.names[n] = int64(-1 - i)
	}
	for i, v := range values {
		l.values[v] = int64(i)
	}
	return l
})

// nameOf returns the member name of a label.
func nameOf(label int64) (string, bool) {
	switch {
	case label > labelVersion && label < int64(len(names)):
		return names[label], true
	case label < 0 && label >= -int64(len(negative)):
		return negative[-1-label], true
	}
	return "", false
}
