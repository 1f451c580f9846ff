package reputation

import "slices"

// A Code names a cause of lost points. Codes are stable: programs may act on them.
type Code string

// The codes. UNPROVEN means that most of the loss is for want of evidence, or because
// the evidence is old: more of the same would win it back. The other codes mean that
// most of it is for adverse evidence.
const (
	AvailabilityUnproven Code = "AVAILABILITY_UNPROVEN"
	AvailabilityLow      Code = "AVAILABILITY_LOW"
	MaintenanceUnproven  Code = "MAINTENANCE_UNPROVEN"
	MaintenancePoor      Code = "MAINTENANCE_POOR"
	MaintenanceOverdue   Code = "MAINTENANCE_OVERDUE"
	ObligationsUnproven  Code = "OBLIGATIONS_UNPROVEN"
	ObligationsBroken    Code = "OBLIGATIONS_BROKEN"
	ObligationsOverdue   Code = "OBLIGATIONS_OVERDUE"
	IntegrityUnproven    Code = "INTEGRITY_UNPROVEN"
	IntegrityWeak        Code = "INTEGRITY_WEAK"
	ProvenanceUnproven   Code = "PROVENANCE_UNPROVEN"
	EntriesMissing       Code = "ENTRIES_MISSING"
	CappedIsolated       Code = "CAPPED_C0"
	CappedGaps           Code = "CAPPED_C1"
	CappedUnwitnessed    Code = "CAPPED_C2"
	StaleRecord          Code = "STALE" // class C3, which has no cap: noted only
	Equivocation         Code = "EQUIVOCATION"

	// RecentDeterioration is for what is lost because the last weeks are worse than the
	// record before them, in all dimensions together.
	RecentDeterioration Code = "RECENT_DETERIORATION"
)

// Codes that stand for what was found in the record. In themselves they cost nothing: what
// was said so does not count. [EntriesMissing] is also one of them, where others cost more,
// and so is the code of the class, if that is not [chain.C4]: something may be missing.
const (
	KeyCompromised   Code = "KEY_COMPROMISED"
	BackDatedReports Code = "BACK_DATED"
	UnloggedPraise   Code = "UNLOGGED"
	SelfPraise       Code = "SELF_PRAISE"
	UntrustedIssuers Code = "UNTRUSTED_ISSUERS"
	Duplicates       Code = "DUPLICATES"
	ForeignBranch    Code = "FOREIGN_BRANCH"
	NewRecord        Code = "NEW_RECORD"
)

// A sight is a set of things found in a record. Sets of states that merge are united.
type sight uint16

// What may be found, as bits of a sight. Those of single events come first, and fit into 8 bits.
const (
	sawMissing = 1 << iota
	sawCompromise
	sawBackDated
	sawUnlogged
	sawSelfPraise
	sawUntrusted
	sawDuplicate
	sawRival
	sawLittle

	sights = iota // how many there are
)

var sightCodes = [sights]Code{
	EntriesMissing, KeyCompromised, BackDatedReports, UnloggedPraise, SelfPraise, UntrustedIssuers, Duplicates, ForeignBranch, NewRecord,
}

// appendTo appends a reason for each thing that was found, unless its code is there already.
func (s sight) appendTo(reasons []Reason) []Reason {
	for i, code := range sightCodes {
		if s>>i&1 == 1 && !slices.ContainsFunc(reasons, func(r Reason) bool { return r.Code == code }) {
			reasons = append(reasons, Reason{Code: code, Text: code.Text()})
		}
	}
	return reasons
}

// Text explains the code in a sentence, "" for an unknown code.
func (c Code) Text() string {
	switch c {
	case AvailabilityUnproven:
		return "Few or only old reports of uptime by issuers this policy trusts."
	case AvailabilityLow:
		return "The machine was down when it was required."
	case MaintenanceUnproven:
		return "Few or only old reports of maintenance by issuers this policy trusts."
	case MaintenancePoor:
		return "The machine failed, or was maintained late."
	case MaintenanceOverdue:
		return "Maintenance that was announced has not been done."
	case ObligationsUnproven:
		return "Few or only old leases and other obligations that ended, by the word of issuers this policy trusts."
	case ObligationsBroken:
		return "Obligations were breached, or the machine was in incidents."
	case ObligationsOverdue:
		return "Obligations are open past their due date."
	case IntegrityUnproven:
		return "Little or only old evidence that the machine's key is kept in hardware."
	case IntegrityWeak:
		return "The machine's key is not known to be kept in hardware, or was given up."
	case ProvenanceUnproven:
		return "Few or only old entries in the record by issuers this policy trusts."
	case EntriesMissing:
		return "Entries of the record are withheld, or contradict each other."
	case CappedIsolated:
		return "The credentials do not form a chain, so anything may be missing: at most 500 points."
	case CappedGaps:
		return "The record has gaps: at most 580 points."
	case CappedUnwitnessed:
		return "No independent log has witnessed the record, so its end may be missing: at most 680 points."
	case StaleRecord:
		return "What the log holds was not seen lately, so the end of the record may be missing."
	case Equivocation:
		return "Two entries of the record claim the same place: the score is void until this is adjudicated."
	case RecentDeterioration:
		return "The last weeks are worse than the record before them."
	case KeyCompromised:
		return "A key of the machine was compromised: what it signed since counts nothing."
	case BackDatedReports:
		return "Reports came too long after what they report: what is good in them counts nothing."
	case UnloggedPraise:
		return "The log that was asked does not hold entries that praise the machine: they count nothing."
	case SelfPraise:
		return "The machine or who controls it praised it: that counts nothing."
	case UntrustedIssuers:
		return "Reports are by issuers whom this policy does not trust: they count nothing."
	case Duplicates:
		return "An issuer said the same more than once, or praised one week more often than counts: it counts once."
	case ForeignBranch:
		return "Strangers signed a branch of the record that its log does not hold: it counts nothing."
	case NewRecord:
		return "The record is new: no trusted issuer reported before the last quarter of a year."
	}
	return ""
}

// codeFor names what dimension d lost points for.
func codeFor(d Dimension, t sums, adverse bool) Code {
	overdue := t.overdue > (t.bad+t.hidden)/2
	if adverse && t.hidden > t.bad {
		return EntriesMissing // nobody knows that it was down, or broken
	}
	switch d {
	case Availability:
		if adverse {
			return AvailabilityLow
		}
		return AvailabilityUnproven
	case Maintenance:
		if adverse && overdue {
			return MaintenanceOverdue
		} else if adverse {
			return MaintenancePoor
		}
		return MaintenanceUnproven
	case Obligations:
		if adverse && overdue {
			return ObligationsOverdue
		} else if adverse {
			return ObligationsBroken
		}
		return ObligationsUnproven
	case Integrity:
		if adverse {
			return IntegrityWeak
		}
		return IntegrityUnproven
	}
	if adverse {
		return EntriesMissing
	}
	return ProvenanceUnproven
}
