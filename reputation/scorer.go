package reputation

import (
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A Scorer is a policy made ready for use: issuers' reliabilities turned into
// log-likelihood ratios, dependent issuers put into groups. It does not change, and
// is safe for concurrent use.
type Scorer struct {
	policy Policy
	digest vc.Digest
	trust  vc.Digest // of the trust table; zero without one

	voices       []voice   // one for each issuer that has influence, sorted by DID; then interested and telemetry
	issuers      []did.DID // by voice
	voiceOf      map[did.DID]int32
	interested   int32                 // the voice of the machine's side
	telemetry    int32                 // the voice of its attested measurements
	controllers  map[did.DID][]did.DID // by machine
	controllerOf map[did.DID]did.DID   // by issuer
	fleetOf      map[string]int        // by model
	factions     []map[did.DID]bool    // of the trust table: members
	contested    map[did.DID][]int     // by machine: indices of factions not heard on it
	decays       [decayWindows]uint64  // by age in windows
	points       ladder                // how bounds become points
	lens         vc.Digest             // of what in the policy decides which evidence a record gives: see Lens
}

// HalfLife is the age in windows at which evidence weighs half.
const HalfLife = 24

// decayWindows is the age in windows from which on evidence weighs nothing in Q0.32.
const decayWindows = 32 * HalfLife

// maxOdds is as sure as any number of witnesses can make one window: log-odds 6, Q32.
const maxOdds = 6 << fraction

// A voice is the weight of one witness's word.
type voice struct {
	good, bad int64 // log-likelihood ratio of saying so, Q32: good >= 0, bad <= 0
	group     int32 // those with the same number are not independent

	aloneGood, aloneBad uint64 // |c| of a window in which nobody else speaks, Q0.32
}

// newVoice gives the log-likelihood ratios of docs/SCORE.md §7:
// llr(+) = ln(se/(1-sp)) and llr(-) = ln((1-se)/sp).
func newVoice(r Reliability) voice {
	se, sp := q32(r.Sensitivity), q32(r.Specificity)
	v := voice{good: max(0, ln(se)-ln(one-sp)), bad: min(0, ln(one-se)-ln(sp))}
	if r.Sensitivity+r.Specificity <= million {
		v.good, v.bad = 0, 0 // exactly, whatever the rounding
	}
	v.aloneGood = uint64(certainty(min(v.good, maxOdds)))
	v.aloneBad = uint64(certainty(min(-v.bad, maxOdds)))
	return v
}

// q32 turns parts per million, 0..million, into Q0.32, rounded down.
func q32(ppm int64) uint64 { return uint64(ppm) << fraction / million }

// NewScorer makes policy ready for use. A nil table takes the policy's own numbers for all
// issuers that it lists; with a table, roots weigh what the policy says, issuers in the table
// what the table says, and nobody else anything.
//
// It refuses what [Policy.Validate] and [TrustTable.Validate] refuse, and a table made under
// another policy. It keeps copies: later changes to policy and table change nothing.
func NewScorer(policy *Policy, table *TrustTable) (*Scorer, error) {
	digest, err := policy.Digest() // validates
	if err != nil {
		return nil, err
	}
	s := &Scorer{policy: *policy, digest: digest, voiceOf: map[did.DID]int32{}, controllers: map[did.DID][]did.DID{}, controllerOf: map[did.DID]did.DID{}, fleetOf: map[string]int{}}
	s.policy.Issuers = slices.Clone(policy.Issuers)
	s.policy.Fleets = slices.Clone(policy.Fleets)
	if table != nil {
		if s.trust, err = table.Digest(); err != nil { // validates
			return nil, err
		}
		if table.Policy != digest {
			return nil, fmt.Errorf("reputation: trust table %v was made under policy %v, not %v", s.trust, table.Policy, digest)
		}
		if s.policy.Issuers, err = table.apply(s.policy.Issuers); err != nil {
			return nil, err
		}
		s.contested = map[did.DID][]int{}
		for i, f := range table.Factions {
			members := make(map[did.DID]bool, len(f.Issuers))
			for _, id := range f.Issuers {
				members[id] = true
			}
			s.factions = append(s.factions, members)
			for _, machine := range f.Machines {
				s.contested[machine] = append(s.contested[machine], i)
			}
		}
	}

	slices.SortFunc(s.policy.Issuers, func(a, b Issuer) int { return byDID(a.ID, b.ID) })
	// Issuers are in one group if a chain of shared controllers and logs leads from one to
	// the other. Each group takes the number of its first member. An issuer is also its own
	// controller: whoever names it as controller joins it.
	byController, byLog := map[did.DID]int32{}, map[string]int32{}
	for _, issuer := range s.policy.Issuers {
		if !issuer.Controller.IsZero() {
			s.controllerOf[issuer.ID] = issuer.Controller
		}
		if issuer.Sensitivity+issuer.Specificity == million {
			continue // no influence: as if not listed
		}
		n := int32(len(s.voices))
		v := newVoice(issuer.Reliability)
		v.group = n
		s.voices = append(s.voices, v)
		s.issuers = append(s.issuers, issuer.ID)
		s.voiceOf[issuer.ID] = n
		join(s.voices, byController, issuer.ID, n)
		if !issuer.Controller.IsZero() {
			join(s.voices, byController, issuer.Controller, n)
		}
		if issuer.LogOrigin != "" {
			join(s.voices, byLog, issuer.LogOrigin, n)
		}
	}
	// The machine's side is one group: it may praise through its attested measurements
	// only, and blame through all.
	admission, telemetry := newVoice(policy.Admission), newVoice(policy.Telemetry)
	s.interested, s.telemetry = int32(len(s.voices)), int32(len(s.voices))+1
	admission.good, admission.aloneGood = 0, 0
	telemetry.bad, telemetry.aloneBad = admission.bad, admission.aloneBad
	admission.group, telemetry.group = s.interested, s.interested
	s.voices = append(s.voices, admission, telemetry)

	for _, c := range policy.Controllers {
		for _, machine := range c.Machines {
			s.controllers[machine] = append(s.controllers[machine], c.ID)
		}
	}
	for i, fleet := range s.policy.Fleets {
		for _, model := range fleet.Models {
			s.fleetOf[model] = i
		}
	}
	for age := range s.decays {
		s.decays[age] = decay(uint64(age), HalfLife)
	}
	s.points = newLadder(policy.Weights.list())
	s.lens, err = lensOf(policy)
	return s, err
}

// join puts voice n into the group that key stands for, merging groups that key connects.
func join[K comparable](voices []voice, by map[K]int32, key K, n int32) {
	first, ok := by[key]
	if !ok {
		by[key] = n
		return
	}
	from, to := voices[n].group, voices[first].group
	if from < to {
		from, to = to, from
	}
	for i := range voices {
		if voices[i].group == from {
			voices[i].group = to
		}
	}
}

// Policy returns the digest of the scorer's policy.
func (s *Scorer) Policy() vc.Digest { return s.digest }

// Hears reports whether the scorer takes an issuer's word about a machine, as far as the
// trust table's factions go: whether the word has weight is another matter.
func (s *Scorer) Hears(issuer, machine did.DID) bool {
	for _, i := range s.contested[machine] {
		if s.factions[i][issuer] {
			return false
		}
	}
	return true
}

// Heed returns the case without the reports of issuers whom the scorer does not hear on this
// machine. [Scorer.Case] has done so; a case from elsewhere has to be put through it once.
func (s *Scorer) Heed(machine did.DID, c Case) Case {
	if len(s.contested[machine]) > 0 {
		c.Evidence = slices.DeleteFunc(slices.Clone(c.Evidence), func(e Evidence) bool {
			return e.Kind == Report && e.Standing == Independent && !s.Hears(e.Issuer, machine)
		})
	}
	return c
}

// TrustTable returns the digest of the scorer's trust table, zero without one.
func (s *Scorer) TrustTable() vc.Digest { return s.trust }
