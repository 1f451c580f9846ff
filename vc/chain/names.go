package chain

import (
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// MaxNames is the most names that a machine takes on after its first: one for each owner of a long life,
// and room. Heads carry them.
const MaxNames = 16

// is reports whether id is a name of the machine, whose first one is given.
func (h Head) is(machine, id did.DID) bool { return id == machine || slices.Contains(h.Names, id) }

// signs reports whether the machine signed it, by whatever name.
func (h Head) signs(machine did.DID, it Item) bool {
	return it.SignedBy(machine) || slices.ContainsFunc(h.Names, it.SignedBy)
}

// rename returns what else the machine is called after it. An entry rotate says that it has another name:
// a CommissioningCredential whose key is one of that name's, signed by that name and by the owner of record.
// The machine's own signature would not do: whoever stole its key could go on under a name of his own. While
// a gap may hide who the owner is, it has to. Who the owner is called the machine is not.
func (h Head) rename(machine did.DID, it Item) []did.DID {
	if it.Link.Kind != Rotate {
		return h.Names
	}
	claim, err := vc.ClaimOf[commissioning](it.Credential)
	id := claim.KeyBinding.VerificationMethod.DID
	agreed := it.SignedBy(h.Owner)
	if h.Owner.IsZero() {
		agreed = h.signs(machine, it)
	}
	if err != nil || id.IsZero() || id == h.Owner || h.is(machine, id) || !agreed || !it.SignedBy(id) {
		return h.Names
	}
	return append(slices.Clip(h.Names), id) // heads share it
}

// commissioning is what the record needs to know of a CommissioningCredential.
type commissioning struct {
	KeyBinding struct {
		VerificationMethod did.URL `json:"verificationMethod"`
	} `json:"keyBinding"`
}

// CredentialType implements vc.Claim.
func (commissioning) CredentialType() string { return "CommissioningCredential" }

// Names returns what the machine is called: the name that it was commissioned by, which is
// [History.Subject], and those that it took on since, in that order. Its entries may be about any of them,
// from when it has it, and it signs by any of them.
func (h *History) Names() []did.DID { return append([]did.DID{h.subject}, h.head.Names...) }
