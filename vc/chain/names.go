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

// signs reports whether the machine signed it, by its first name or one that its present owner gave it.
func (h Head) signs(machine did.DID, it Item) bool {
	return it.SignedBy(machine) || slices.ContainsFunc(h.Names[h.Former:], it.SignedBy)
}

// rename returns what else the machine is called after it, and how many of these names are of owners before.
//
// An entry rotate says that it has another name: a CommissioningCredential whose key is one of that name's,
// signed by that name and by the owner of record. The machine's own signature would not do: whoever stole
// its key could go on under a name of his own. While a gap may hide who the owner is, it has to, by the first
// of its names. Who the owner is called the machine is not.
//
// A transfer ends what names say for the machine, all but the first: a seller may hold the keys of a name that
// he gave. The new owner gives it again, or another.
func (h Head) rename(machine did.DID, it Item) (names []did.DID, former int) {
	switch it.Link.Kind {
	case Transfer:
		return h.Names, len(h.Names)
	case Rotate:
	default:
		return h.Names, h.Former
	}
	id := NamedBy(it.Credential)
	agreed := it.SignedBy(h.Owner)
	if h.Owner.IsZero() {
		agreed = it.SignedBy(machine)
	}
	again := slices.Index(h.Names, id)
	if id.IsZero() || id == h.Owner || id == machine || again >= h.Former || !agreed || !it.SignedBy(id) {
		return h.Names, h.Former
	}
	names = slices.Clone(h.Names) // heads share it
	if again >= 0 {
		return append(slices.Delete(names, again, again+1), id), h.Former - 1
	}
	return append(names, id), h.Former
}

// NamedBy returns the DID that a CommissioningCredential says the machine has a key of, which is how a rotate
// gives it a name; zero if v says none. Whether the machine is called so is for its record to say: [History.Names].
func NamedBy(v *vc.Verified) did.DID {
	claim, err := vc.ClaimOf[commissioning](v)
	if err != nil {
		return did.DID{}
	}
	return claim.KeyBinding.VerificationMethod.DID
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
// from when it has it. It signs by the first, and by those that its present owner gave it: see [Head.Former].
func (h *History) Names() []did.DID { return append([]did.DID{h.subject}, h.head.Names...) }
