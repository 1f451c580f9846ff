package record

import (
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Incident says that something went wrong with a machine, or through it.
//
// Whoever was harmed or noticed should issue it: a counterparty or the operator.
// The machine's owner cannot prevent it.
type Incident struct {
	Event `json:"incident"`
}

// Event is the body of [Incident].
type Event struct {
	Category         IncidentCategory `json:"category"`
	SeverityPermille int64            `json:"severityPermille"`  // 0 (none) to 1000 (total loss)
	Detected         time.Time        `json:"detected"`          // when it was noticed
	Restored         time.Time        `json:"restored,omitzero"` // when it was over; zero if it is not, or not known
	Code             string           `json:"code,omitzero"`     // of the machine or maker, such as "error1"
	Part             *Part            `json:"part,omitzero"`     // what failed or was damaged
	CausedBy         did.DID          `json:"causedBy,omitzero"` // whoever brought it about, if known
	Description      string           `json:"description,omitzero"`
	Documents        []Document       `json:"documents,omitempty"`
}

// An IncidentCategory says what kind of thing went wrong.
type IncidentCategory string

// The categories of incidents.
const (
	Damage    IncidentCategory = "damage"
	Failure   IncidentCategory = "failure"
	Misuse    IncidentCategory = "misuse"
	Theft     IncidentCategory = "theft"
	SLABreach IncidentCategory = "sla-breach"
)

// CredentialType implements vc.Claim.
func (Incident) CredentialType() string { return "IncidentCredential" }
