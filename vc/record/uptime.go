package record

import (
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Uptime says how long a machine was able to do its work during a period.
//
// The operator, a monitor or the network the machine serves should issue it. A
// machine may co-sign, but its own word alone counts for little.
type Uptime struct {
	Availability `json:"availability"`
}

// Availability is the body of [Uptime], in the terms of IEC 60050-192. Up, down
// planned and down unplanned add up to the required time, exactly; time during
// which the machine was not required belongs to none of them.
type Availability struct {
	Start                time.Time  `json:"start"`
	End                  time.Time  `json:"end"`             // after Start; not included
	RequiredSeconds      int64      `json:"requiredSeconds"` // at most End - Start
	UpSeconds            int64      `json:"upSeconds"`
	DownPlannedSeconds   int64      `json:"downPlannedSeconds"`
	DownUnplannedSeconds int64      `json:"downUnplannedSeconds"`
	Interruptions        int64      `json:"interruptions"` // how often it went from up to down
	Failures             int64      `json:"failures"`      // how many of the interruptions were failures; at most Interruptions
	Method               Method     `json:"method"`
	IntervalSeconds      int64      `json:"intervalSeconds,omitzero"` // between two samples
	Samples              int64      `json:"samples,omitzero"`         // expected
	Missed               int64      `json:"missed,omitzero"`          // of Samples
	Observers            []did.DID  `json:"observers,omitempty"`      // who took the samples, if not the issuer
	BootCount            *BootCount `json:"bootCount,omitzero"`
	SamplesRoot          string     `json:"samplesRoot,omitzero"` // Merkle root of the samples (RFC 6962 §2.1), sha2-256 multihash
}

// A BootCount is how often the machine had started (RFC 9711 bootcount) at the
// first and the last sample of a period.
type BootCount struct {
	First int64 `json:"first"`
	Last  int64 `json:"last"` // at least First
}

// A Method is how uptime was observed.
type Method string

// The methods, the least trustworthy last but one.
const (
	Heartbeat  Method = "heartbeat"   // the machine reported at intervals, an observer counted
	Poll       Method = "poll"        // an observer asked at intervals
	SelfReport Method = "self-report" // the machine says so
	Attested   Method = "attested"    // measured by attested hardware
)

// CredentialType implements vc.Claim.
func (Uptime) CredentialType() string { return "UptimeCredential" }
