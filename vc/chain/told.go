package chain

import (
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// A Compromise is a key of which a reader knows, from elsewhere than the record, that it may
// have been in other hands: because the signer's own DID document marks it as revoked (package
// keyhistory looks), because the maker has published it, or because it was the reader's.
type Compromise struct {
	Method did.URL   // the key; an alias counts as another one
	Since  time.Time // zero means ever since there was a record
}

// elsewhere is the sequence of a [Revocation] that no entry of the record reports.
const elsewhere = -1

// Told returns h as it is for a reader who knows of these keys. What they have signed stands
// where a log held the entry before Since, and the proof does not itself say that it was made
// later; anything else is as if the key had not signed, and an entry that lacks a signature then
// is void: see [Item]. Without a log everything is void that only such a key has signed, since a
// proof's own word on when it was made is a thief's word too.
//
// It is what a [Revocation] is, for the keys of anybody: a maker or a witness has no entry
// rotate. But it has no place in the record's order, so it takes away no signature from a
// transfer: whoever sold the machine could undo the sale by calling his key stolen afterwards. A
// commission that is void leaves the owner of record who it was, and proves nothing else. Nor
// does it change [History.Head], which is the same for all readers.
//
// What the reader was told last counts, so h.Told() is h as before.
func (h *History) Told(keys ...Compromise) (*History, error) {
	list := make([]Revocation, len(keys))
	for i, k := range keys {
		list[i] = Revocation{Sequence: elsewhere, Method: k.Method, Since: k.Since}
	}
	if len(h.forks) > 0 {
		return build(h.subject, h.credentials(), h.disclosed, h.logged, list)
	}
	told := *h
	told.items, told.told = slices.Clone(h.items), list
	told.void()
	return &told, nil
}

// revoked returns the keys that the record reports as compromised, and those that the reader
// knows of.
func (h *History) revoked() []Revocation {
	return append(slices.Clip(h.head.Revoked), h.told...)
}
