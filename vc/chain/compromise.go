package chain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A Revocation is a key of the machine's side of which an entry rotate says that it
// may have been in other hands.
//
// A signature by it stands only on entries before that rotate which a log held
// before Since: what a signer says about time, a thief can say too. What the key
// signed later, or what no log can date, is as if the key had not signed. An entry
// that then lacks a signature which it needs is void: see [Item].
//
// Who owned the machine is final: a rotate takes away no signature from the commission
// or from a transfer before it, and reports no key of anybody but the machine and its
// present owner. So nobody undoes a sale, or another party's word, by calling a key stolen.
//
// A rotate that was signed by a key which an earlier one reported says nothing. One
// whose own key is reported later stays: whoever has a key may burn it, and a thief
// who is first can burn no more than what he stole, and the machine's if he stole the
// owner's. A burnt did:key or did:jwk is the end of that identity: its machine speaks
// through its owner from then on, or begins a new record.
type Revocation struct {
	Sequence int64     `json:"sequence"` // of the first entry rotate that reports it; -1 in a CompromisedError if none did: see Compromise
	Method   did.URL   `json:"method"`
	Since    time.Time `json:"since"` // the earliest that a rotate says
}

// voids reports whether a signature on the entry of this sequence, which a log held no
// later than held, or never if that is zero, is taken away.
func (r Revocation) voids(s vc.Signature, sequence int64, held time.Time) bool {
	if s.Method != r.Method {
		return false
	}
	loggedBefore := !held.IsZero() && held.Before(r.Since)
	signedBefore := s.Created.IsZero() || s.Created.Before(r.Since) // the log knows no proofs: one may have been added since
	return r.Sequence != elsewhere && sequence > r.Sequence || !loggedBefore || !signedBefore
}

// final reports whether what an entry says stays, whoever had the key: who owned the machine.
func (r Revocation) final(link Link) bool {
	switch link.Kind {
	case Transfer:
		return r.Sequence == elsewhere || link.Sequence < r.Sequence
	case Commission:
		return r.Sequence != elsewhere
	}
	return false
}

// A CompromisedError says that an entry is void, because a signature that it needs is
// by a key which was reported as compromised.
type CompromisedError struct {
	At
	Key Revocation
}

// Error implements error.
func (e *CompromisedError) Error() string {
	if e.Key.Sequence == elsewhere {
		since := "ever"
		if !e.Key.Since.IsZero() {
			since = e.Key.Since.Format(time.RFC3339)
		}
		return fmt.Sprintf("chain: %v is void: it needs the signature of %s, which the reader knows as compromised since %s, and no log held it before that",
			e.At, e.Key.Method, since)
	}
	return fmt.Sprintf("chain: %v is void: it needs the signature of %s, which entry %d reports as compromised since %s, and no log held it before that",
		e.At, e.Key.Method, e.Key.Sequence, e.Key.Since.Format(time.RFC3339))
}

// revoke returns the keys reported as compromised up to and including an entry.
func (h Head) revoke(link Link) []Revocation {
	if len(link.Revokes) == 0 {
		return h.Revoked
	}
	revoked := slices.Clone(h.Revoked) // heads share it
	for _, m := range link.Revokes {
		i := slices.IndexFunc(revoked, func(r Revocation) bool { return r.Method == m })
		if i < 0 {
			revoked = append(revoked, Revocation{Sequence: link.Sequence, Method: m, Since: link.CompromisedSince})
		} else if link.CompromisedSince.Before(revoked[i].Since) {
			revoked[i].Since = link.CompromisedSince
		}
	}
	return revoked
}

// mute takes the signatures away from it that revoked keys have made.
func (it *Item) mute(revoked []Revocation) {
	it.muted, it.Void = nil, nil
	if len(revoked) == 0 {
		return
	}
	var stand []did.DID
	for _, v := range append([]*vc.Verified{it.Credential}, it.copies...) {
		for _, s := range v.Signatures() {
			i := slices.IndexFunc(revoked, func(r Revocation) bool {
				return r.voids(s, it.Link.Sequence, it.held) && !r.final(it.Link)
			})
			switch {
			case i < 0:
				stand = append(stand, s.Method.DID)
			case !slices.ContainsFunc(it.muted, func(r Revocation) bool { return r.Method == s.Method }):
				it.muted = append(it.muted, revoked[i])
			}
		}
	}
	it.muted = slices.DeleteFunc(it.muted, func(r Revocation) bool { return slices.Contains(stand, r.Method.DID) })
	slices.SortFunc(it.muted, func(a, b Revocation) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.Method.String(), b.Method.String()))
	})
}

// standing checks that those have signed it who had to, and returns the owner of record
// after it. If signatures that were taken away would have sufficed, it is void, which is
// no defect of the record: a thief may have signed it.
func (h Head) standing(machine did.DID, it Item) (owner did.DID, void *CompromisedError, err error) {
	owner, err = h.signatures(machine, it)
	if len(it.muted) == 0 || err == nil && len(it.Signers()) > 0 {
		return owner, nil, err
	}
	whole := it
	whole.muted = nil
	if _, err := h.signatures(machine, whole); err != nil {
		return h.Owner, nil, err
	}
	return h.Owner, &CompromisedError{At: it.at(), Key: it.muted[0]}, nil
}

// void takes away the signatures of keys that were reported as compromised, from entries
// before and after the report, and finds the entries that are void without them.
func (h *History) void() {
	var before Head
	revoked := h.revoked()
	for i := range h.items {
		it := &h.items[i]
		if missing := it.Link.Sequence - before.next(); missing > 0 {
			before.Owner = did.DID{}
		}
		it.mute(revoked)
		_, it.Void, _ = before.standing(h.subject, *it) // the walk has named the defects
		if it.Void != nil && h.class == C0 {
			it.Void.Sequence = -1
		}
		before = Head{Sequence: it.Link.Sequence, Digest: it.Credential.Digest(), Owner: it.Owner, Names: it.names, Former: it.former}
	}
}
