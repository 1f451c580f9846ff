package reputation

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// Lens names all that decides which evidence the record of a machine gives, apart from the
// record itself: which of its signers s believes at all, and about this machine, who controls
// whom, and how late an entry may come. How far s believes anybody is no part of it, nor are weights and priors.
//
// So while the lens stays the same, [Scorer.Case] gives the same evidence, and a state of it
// that was stored can be read by [Scorer.ReadState] under another policy or trust table. When
// it changes, fold the record again. Signers are those of the record's entries, in any order.
func (s *Scorer) Lens(machine did.DID, signers []did.DID) vc.Digest {
	text := make([]byte, 0, 1024)
	text = append(text, s.lens[:]...)
	name := func(id did.DID, suffix ...byte) {
		text = binary.AppendUvarint(text, uint64(len(id.String())))
		text = append(append(text, id.String()...), suffix...)
	}
	sorted := func(ids []did.DID) []did.DID {
		ids = slices.Clone(ids)
		slices.SortFunc(ids, byDID)
		return slices.Compact(ids)
	}
	name(machine)
	controllers := sorted(s.controllers[machine])
	text = binary.AppendUvarint(text, uint64(len(controllers)))
	for _, id := range controllers {
		name(id)
	}
	for _, id := range sorted(signers) {
		believed := byte(0)
		if s.known(id) {
			believed |= 1
		}
		if s.Hears(id, machine) {
			believed |= 2
		}
		name(id, believed)
	}
	return sha256.Sum256(text)
}

// lensOf is the digest of what Lens takes from the policy for all machines. It leaves out
// what decides how evidence weighs, and not what might decide which evidence there is.
func lensOf(policy *Policy) (vc.Digest, error) {
	p := *policy
	p.Name, p.LossGivenDefault = "", 0
	p.Admission, p.Telemetry = Reliability{}, Reliability{}
	p.Weights, p.Priors, p.Fleets = Each[int64]{}, Priors{}, nil
	p.Controllers = nil // those of the machine are what matters
	p.Issuers = nil
	for _, issuer := range policy.Issuers {
		if !issuer.Controller.IsZero() {
			p.Issuers = append(p.Issuers, Issuer{ID: issuer.ID, Controller: issuer.Controller})
		}
	}
	slices.SortFunc(p.Issuers, func(a, b Issuer) int { return byDID(a.ID, b.ID) })
	text, err := json.Marshal(&p)
	return sha256.Sum256(text), err
}
