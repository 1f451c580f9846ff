package record

import "time"

// Maintenance says what was done to a machine.
//
// The organisation that did the work should issue it.
type Maintenance struct {
	Time        time.Time   `json:"eventTime"` // when the work was done
	BizStep     BizStep     `json:"bizStep,omitzero"`
	Disposition Disposition `json:"disposition,omitzero"` // of the machine, afterwards
	Work        `json:"maintenance"`
}

// Work is the body of [Maintenance].
type Work struct {
	Category        MaintenanceCategory `json:"category"`
	Activity        string              `json:"activity,omitzero"` // what was done, such as "replace rotor bearings"
	Part            *Part               `json:"part,omitzero"`     // what it was done to; the whole machine if absent
	FailureMode     string              `json:"failureMode,omitzero"`
	FailureDetected time.Time           `json:"failureDetected,omitzero"` // at or before Time
	DownSeconds     int64               `json:"downSeconds,omitzero"`     // how long the machine was down for it
	Counters        []Reading           `json:"counters,omitempty"`       // at Time: hour meter and others
	Due             *Due                `json:"due,omitzero"`             // when this work had to be done
	NextDue         *Due                `json:"nextDue,omitzero"`         // when work of this kind has to be done again
	WorkOrder       string              `json:"workOrder,omitzero"`
	Procedure       string              `json:"procedure,omitzero"` // name or URL of the instruction followed
	PerformedBy     *Party              `json:"performedBy,omitzero"`
	Qualification   *Document           `json:"qualification,omitzero"` // the performer's credential
	Documents       []Document          `json:"documents,omitempty"`    // protocols, photos, measurements
}

// A MaintenanceCategory says why work was done (concepts of EN 13306 and ISO 14224).
type MaintenanceCategory string

// The categories of maintenance.
const (
	Preventive     MaintenanceCategory = "preventive"      // scheduled, by time or counter
	Corrective     MaintenanceCategory = "corrective"      // after a failure
	ConditionBased MaintenanceCategory = "condition-based" // because of a measured state
	Predictive     MaintenanceCategory = "predictive"      // because of a forecast
)

// CredentialType implements vc.Claim.
func (Maintenance) CredentialType() string { return "MaintenanceCredential" }
