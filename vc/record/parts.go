package record

import (
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// A Party is somebody: by DID, by name, or both.
type Party struct {
	ID   did.DID `json:"id,omitzero"`
	Name string  `json:"name,omitzero"`
}

// A Part is a component of a machine. A part with a record of its own has an ID.
type Part struct {
	ID     did.DID `json:"id,omitzero"`
	Name   string  `json:"name,omitzero"` // position or kind, such as "rotor 3" or "comp2"
	Serial string  `json:"serial,omitzero"`
}

// A Unit is a common code of UN/CEFACT Recommendation 20.
type Unit string

// The units that machines are usually counted in.
const (
	Hours         Unit = "HUR"
	Seconds       Unit = "SEC"
	Kilometres    Unit = "KMT"
	KilowattHours Unit = "KWH"
	Cycles        Unit = "C62" // one: landings, charge cycles, pieces
)

// A Reading is what a counter showed.
type Reading struct {
	Name  string `json:"name,omitzero"` // which counter, such as "hour meter"
	Value int64  `json:"value"`         // whole units, at least 0
	Unit  Unit   `json:"unit"`
}

// A Due is when something has to be done: by a date, by a counter reading, or
// by whichever comes first.
type Due struct {
	Date    time.Time `json:"date,omitzero"`
	Counter *Reading  `json:"counter,omitzero"`
}

// A Document points to evidence that is kept elsewhere and pins its bytes.
type Document struct {
	ID              string `json:"id,omitzero"` // URL
	Name            string `json:"name,omitzero"`
	MediaType       string `json:"mediaType,omitzero"`
	DigestMultibase string `json:"digestMultibase"` // sha2-256 multihash, multibase "u" or "z" (VC Data Integrity §2.6)
}

// A BizStep is a business step of the GS1 Core Business Vocabulary 2.0 (§7.1).
type BizStep string

// The business steps that concern a machine.
const (
	StepCommissioning   BizStep = "commissioning"
	StepInspecting      BizStep = "inspecting"
	StepRepairing       BizStep = "repairing"
	StepReplacing       BizStep = "replacing"
	StepInstalling      BizStep = "installing"
	StepRemoving        BizStep = "removing"
	StepAssembling      BizStep = "assembling"
	StepDisassembling   BizStep = "disassembling"
	StepDecommissioning BizStep = "decommissioning"
	StepDestroying      BizStep = "destroying"
	StepOther           BizStep = "other"
)

// A Disposition is the state a machine is in afterwards, of the GS1 Core
// Business Vocabulary 2.0 (§7.2).
type Disposition string

// The dispositions that concern a machine.
const (
	DispAvailable        Disposition = "available" // returned to service
	DispUnavailable      Disposition = "unavailable"
	DispNeedsReplacement Disposition = "needs_replacement"
	DispActive           Disposition = "active"
	DispInactive         Disposition = "inactive"
	DispConformant       Disposition = "conformant"
	DispNonConformant    Disposition = "non_conformant"
	DispDamaged          Disposition = "damaged"
	DispRecalled         Disposition = "recalled"
	DispStolen           Disposition = "stolen"
	DispDisposed         Disposition = "disposed"
	DispDestroyed        Disposition = "destroyed"
)
