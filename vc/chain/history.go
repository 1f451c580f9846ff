package chain

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// An Item is one entry of a history.
type Item struct {
	Link       Link // zero in a history of isolated credentials
	Credential *vc.Verified
	Owner      did.DID   // owner of record after it; zero if a gap may hide who that is, or if it is isolated
	Logged     time.Time // the log that was asked held it no later than this; zero if that is not known

	// Void says why it counts for nothing; nil if it counts. The record goes on after a
	// void entry, and totals count it, but a void transfer names no owner and a void
	// retire ends nothing.
	Void *CompromisedError

	copies []*vc.Verified // the same content with other proofs, if it was given
	names  []did.DID      // of the machine after it, beside its first
	former int            // how many of them owners before gave it
	held   time.Time      // the log held it no later than this, judging by entries after it too
	muted  []Revocation   // of each DID whose signatures are all taken away, the keys
}

// SignedBy reports whether id signed the content, in whatever copy, with a key that
// was not reported as compromised.
func (it Item) SignedBy(id did.DID) bool {
	return !it.isMuted(id) && (it.Credential.SignedBy(id) ||
		slices.ContainsFunc(it.copies, func(v *vc.Verified) bool { return v.SignedBy(id) }))
}

func (it Item) isMuted(id did.DID) bool {
	return slices.ContainsFunc(it.muted, func(r Revocation) bool { return r.Method.DID == id })
}

// SignedAt returns when id made the latest of its proofs that stand, by its own word;
// zero if one of them does not say, or id did not sign.
func (it Item) SignedAt(id did.DID) time.Time {
	var at time.Time
	if it.isMuted(id) {
		return at
	}
	for i := range len(it.copies) + 1 {
		v := it.Credential
		if i > 0 {
			v = it.copies[i-1]
		}
		for _, s := range v.Signatures() {
			if s.Method.DID != id {
				continue
			}
			if s.Created.IsZero() {
				return s.Created
			}
			at = later(at, s.Created)
		}
	}
	return at
}

// Signers returns all who signed the content, in whatever copy, with a key that was
// not reported as compromised: the issuer, then the others in the order of their DIDs.
// So the order of proofs, which nobody signs, decides nothing.
func (it Item) Signers() []did.DID {
	ids := it.Credential.Signers()
	for _, v := range it.copies {
		ids = append(ids, v.Signers()...)
	}
	ids = slices.DeleteFunc(ids, it.isMuted)
	issuer := it.Credential.Issuer()
	slices.SortFunc(ids, func(a, b did.DID) int {
		switch {
		case a == b:
			return 0
		case a == issuer:
			return -1
		case b == issuer:
			return 1
		}
		return cmp.Compare(a.String(), b.String())
	})
	return slices.Compact(ids)
}

// Signatures returns one for each proof on the content that holds, in whatever copy, those
// by compromised keys too, so that a reader can ask what has become of the keys.
func (it Item) Signatures() []vc.Signature {
	list := it.Credential.Signatures()
	for _, v := range it.copies {
		list = append(list, v.Signatures()...)
	}
	return list
}

// signedByOther reports whether anybody but id signed the content.
func (it Item) signedByOther(id did.DID) bool {
	return slices.ContainsFunc(it.Signers(), func(s did.DID) bool { return s != id })
}

func (it Item) at() At {
	return At{Sequence: it.Link.Sequence, Digest: it.Credential.Digest(), Issuer: it.Credential.Issuer()}
}

func (it Item) fail(reason error, format string, args ...any) error {
	return &LinkError{At: it.at(), Reason: reason, Detail: fmt.Errorf(format, args...)}
}

// chain returns the name of the record that it is of.
func (it Item) chain() vc.Digest {
	if it.Link.Sequence == 0 {
		return it.Credential.Digest()
	}
	return it.Link.Chain
}

// order puts items by sequence, and those of one sequence by digest.
func order(a, b Item) int {
	x, y := a.Credential.Digest(), b.Credential.Digest()
	return cmp.Or(cmp.Compare(a.Link.Sequence, b.Link.Sequence), bytes.Compare(x[:], y[:]))
}

// read reads the link of it from its credential.
func (it *Item) read() error {
	v := it.Credential
	unread := At{Sequence: -1, Digest: v.Digest(), Issuer: v.Issuer()}
	if v.Selective() {
		// Its digest is not the one that was entered, and what is not there may have been left out.
		return &LinkError{At: unread, Reason: ErrSelective, Detail: fmt.Errorf("it is %s: show it whole", v.MediaType())}
	}
	switch found, err := v.Member("record", &it.Link); {
	case err != nil:
		return &LinkError{At: unread, Reason: ErrMalformed, Detail: err}
	case !found:
		return &LinkError{At: unread, Reason: ErrUnlinked, Detail: fmt.Errorf("it is a plain %s", v.Type())}
	case v.Rewritable():
		// A copy of it would convict its signers of an equivocation that they never made.
		return &LinkError{At: unread, Reason: ErrRewritable, Detail: errors.New("entries of a record are signed as JSON, or in an envelope")}
	}
	return nil
}

// A History is a machine's record, checked. It is immutable and safe for
// concurrent use.
type History struct {
	subject     did.DID
	class       Completeness
	disclosed   bool    // gaps and forks are taken
	logged      *Logged // what a log said; nil if it holds nothing, or none was asked
	items       []Item  // in order of sequence; of a fork, the branch that the record goes on with
	head        Head
	gaps        []GapError
	forks       []*Equivocation
	backdated   []Backdating
	obligations []Obligation // in order of Opened
	unsettled   int          // of those, the open ones
	adverse     int64        // entries in items with an adverse outcome
	told        []Revocation // keys that the reader knows to be compromised
}

// New checks the complete record of subject and returns it as a history of
// class [C2]. The credentials may come in any order, and one may come twice:
// copies that differ in their proofs count as one entry signed by all.
//
// If the record is not as it should be, the error holds every defect that was
// found: use errors.As with *[LinkError], *[TotalsError], *[GapError],
// *[Equivocation] and *[MixedError]. All of them will stay: refuse.
func New(subject did.DID, credentials ...*vc.Verified) (*History, error) {
	return build(subject, credentials, false, nil, nil)
}

// NewDisclosed is like New, but takes a record with gaps, which is then of class
// [C1], and with forks. It is for a reader who accounts for them: see
// [History.Gaps], [History.Hidden] and [History.Equivocations]. What is shown
// has to be right all the same.
func NewDisclosed(subject did.DID, credentials ...*vc.Verified) (*History, error) {
	return build(subject, credentials, true, nil, nil)
}

// NewIsolated returns a history of class [C0]: credentials about subject that
// are part of no record, in the order of their validFrom. One that has a member
// record is refused, so that nobody can take a record apart to hide its gaps; so
// is one that may have been shown in part. Of copies that say the same in other
// words ([vc.Verified.Rewritable]), by issuer and id, one counts.
func NewIsolated(subject did.DID, credentials ...*vc.Verified) (*History, error) {
	if subject.IsZero() {
		return nil, errors.New("chain: a history needs a subject")
	}
	var found defects
	h := &History{subject: subject, class: C0}
	type statement struct {
		issuer did.DID
		id     string
	}
	// Of the copies of one that can be written in several ways, that of the least digest counts, whatever the order.
	once := map[statement]bool{}
	items := distinct(credentials)
	slices.SortFunc(items, order)
	for _, it := range items {
		v := it.Credential
		key := statement{v.Issuer(), v.ID()}
		if v.Rewritable() && key.id != "" && once[key] {
			continue
		}
		once[key] = true
		switch {
		case v.Rewritable() && key.id == "":
			unread := At{Sequence: -1, Digest: v.Digest(), Issuer: v.Issuer()}
			found.add(&LinkError{At: unread, Reason: ErrRewritable, Detail: errors.New("it has no id by which its copies could be told")})
		case v.Selective():
			found.add(it.read())
		case !errors.Is(it.read(), ErrUnlinked):
			found.add(fmt.Errorf("chain: credential %s by %s is part of a record: use New or NewDisclosed", v.Digest(), v.Issuer()))
		case !slices.Equal(v.Subjects(), []did.DID{subject}):
			found.add(it.fail(ErrSubject, "it is about %v, not about %s", v.Subjects(), subject))
		}
		h.items = append(h.items, it)
	}
	slices.SortFunc(h.items, func(a, b Item) int {
		return cmp.Or(a.Credential.ValidFrom().Compare(b.Credential.ValidFrom()), order(a, b))
	})
	if err := found.err(); err != nil {
		return nil, err
	}
	return h, nil
}

// Extend returns a history of h's entries and of further credentials, checked
// as h was. If all of them follow h's head, the entries of h are not checked again.
// What a log said of h holds for the longer one; see [History.Seen].
func (h *History) Extend(credentials ...*vc.Verified) (*History, error) {
	if h.class == C0 {
		longer, err := NewIsolated(h.subject, append(h.credentials(), credentials...)...)
		if err == nil && len(h.told) > 0 {
			longer.told = h.told
			longer.void()
		}
		return longer, err
	}
	items, found := readAll(credentials)
	beyond := len(h.forks) == 0 && len(items) > 0 && items[0].Link.Sequence > h.head.Sequence &&
		(h.logged == nil || h.logged.newest().Sequence <= h.head.Sequence)
	for i := 1; i < len(items); i++ {
		beyond = beyond && items[i].Link.Sequence > items[i-1].Link.Sequence
	}
	if !beyond {
		return build(h.subject, append(h.credentials(), credentials...), h.disclosed, h.logged, h.told)
	}
	longer := *h
	longer.items = slices.Clip(h.items)
	longer.gaps = slices.Clip(h.gaps)
	longer.backdated = slices.Clip(h.backdated)
	longer.obligations = slices.Clone(h.obligations)
	longer.walk(items, &found)
	longer.class = longer.grade()
	if len(longer.head.Revoked)+len(longer.told) > 0 {
		longer.items = slices.Clone(longer.items)
		longer.void()
	}
	return longer.judge(found)
}

// all returns the entries of h and those of branches that were left.
func (h *History) all() []Item {
	list := slices.Clone(h.items)
	for _, fork := range h.forks {
		list = append(list, fork.branch...)
	}
	return list
}

func (h *History) credentials() []*vc.Verified {
	list := make([]*vc.Verified, 0, len(h.items))
	for _, it := range h.all() {
		list = append(append(list, it.Credential), it.copies...)
	}
	return list
}

func build(subject did.DID, credentials []*vc.Verified, disclosed bool, logged *Logged, told []Revocation) (*History, error) {
	if subject.IsZero() || len(credentials) == 0 {
		return nil, errors.New("chain: a history needs a subject and at least one credential")
	}
	items, found := readAll(credentials)
	if err := mixed(subject, items); err != nil {
		found.add(err)
		return nil, found.err()
	}
	h := &History{subject: subject, disclosed: disclosed, told: told}
	trunk, branches := untangle(items, logged)
	heads := h.walk(trunk, &found, branches...)
	h.hold(logged, &found)
	h.fork(branches, heads, &found)
	return h.judge(found)
}

// readAll returns the entries among credentials, each once and in order, and
// what is wrong with the others.
func readAll(credentials []*vc.Verified) ([]Item, defects) {
	var found defects
	items := distinct(credentials)
	linked := items[:0]
	for i := range items {
		if err := items[i].read(); err != nil {
			found.add(err)
			continue
		}
		linked = append(linked, items[i])
	}
	slices.SortFunc(linked, order)
	return linked, found
}

// distinct returns an item for each digest. Of several copies, the one with
// most signers stands for all; of those, the one with the lesser text, so that
// the order in which they come does not matter. It sorts, because a stranger can
// sign one content ten thousand times.
func distinct(credentials []*vc.Verified) []Item {
	seen := make(map[vc.Digest]int, len(credentials))
	items := make([]Item, 0, len(credentials))
	for _, v := range credentials {
		i, ok := seen[v.Digest()]
		if !ok {
			seen[v.Digest()] = len(items)
			items = append(items, Item{Credential: v})
			continue
		}
		items[i].copies = append(items[i].copies, v)
	}
	for i := range items {
		it := &items[i]
		if len(it.copies) == 0 {
			continue
		}
		all := append(it.copies, it.Credential)
		slices.SortFunc(all, func(a, b *vc.Verified) int {
			return cmp.Or(cmp.Compare(len(b.Signers()), len(a.Signers())), cmp.Compare(a.Raw(), b.Raw()))
		})
		all = slices.CompactFunc(all, func(a, b *vc.Verified) bool { return a.Raw() == b.Raw() })
		it.Credential, it.copies = all[0], slices.Clip(all[1:])
		if len(it.copies) == 0 {
			it.copies = nil
		}
	}
	return items
}

// mixed reports items of more than one record.
func mixed(subject did.DID, items []Item) error {
	var chains []vc.Digest
	for _, it := range items {
		if name := it.chain(); len(chains) == 0 || name != chains[len(chains)-1] {
			chains = append(chains, name)
		}
	}
	slices.SortFunc(chains, func(a, b vc.Digest) int { return bytes.Compare(a[:], b[:]) })
	if chains = slices.Compact(chains); len(chains) > 1 {
		return &MixedError{Subject: subject, Chains: chains}
	}
	return nil
}

// walk adds entries, one for each sequence and in order, to h. It returns the
// heads, by digest, that the branches grow from.
func (h *History) walk(trunk []Item, found *defects, branches ...Item) map[vc.Digest]Head {
	var heads map[vc.Digest]Head
	for _, it := range branches {
		if heads == nil {
			heads = make(map[vc.Digest]Head)
		}
		heads[it.Link.Previous] = Head{}
	}
	h.items = slices.Grow(h.items, len(trunk))
	for _, it := range trunk {
		var wrong defects
		before := h.head
		it.mute(before.Revoked)
		h.head = before.follow(h.subject, it, &wrong)
		it.Owner, it.names, it.former = h.head.Owner, h.head.Names, h.head.Former
		for _, err := range wrong.named {
			if gap, ok := err.(*GapError); ok {
				h.gaps = append(h.gaps, *gap)
				continue
			}
			found.add(err)
		}
		if by := before.Latest.Sub(it.Credential.ValidFrom()); by > 0 && !before.Digest.IsZero() {
			h.backdated = append(h.backdated, Backdating{At: it.at(), By: by})
		}
		h.settle(it, h.head.Partial, found)
		if it.Link.Outcome.Adverse() {
			h.adverse++
		}
		h.items = append(h.items, it)
		if _, ok := heads[h.head.Digest]; ok {
			heads[h.head.Digest] = h.head
		}
	}
	return heads
}

// judge returns h, or what was found wrong with it.
func (h *History) judge(found defects) (*History, error) {
	if !h.disclosed {
		for i := range h.gaps {
			found.add(&h.gaps[i])
		}
		for _, fork := range h.forks {
			found.add(fork)
		}
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	return h, nil
}

// Subject returns the machine.
func (h *History) Subject() did.DID { return h.subject }

// Chain returns the name of the record: the digest of its first entry. It is
// zero in a history of isolated credentials.
func (h *History) Chain() vc.Digest { return h.head.Chain }

// Len returns how many entries are shown.
func (h *History) Len() int { return len(h.items) }

// Entries returns the entries that are shown, in order; of a fork, those of the
// branch that the record goes on with. The slice is the caller's.
func (h *History) Entries() []Item { return slices.Clone(h.items) }

// Head returns the head after the newest entry. It is zero in a history of
// isolated credentials.
func (h *History) Head() Head {
	head := h.head
	head.Open, head.Names, head.Revoked = slices.Clone(head.Open), slices.Clone(head.Names), slices.Clone(head.Revoked)
	return head
}

// Class returns what the history shows about what is not in it. Once a log was asked,
// that is up to the newest entry which the log holds: a gap after it is alleged by
// whoever signed the entry behind it, and does not lower the class.
func (h *History) Class() Completeness { return h.class }

// Gaps returns the disclosed gaps, in order; the last may be of entries that a log
// holds after the newest one shown.
func (h *History) Gaps() []GapError { return slices.Clone(h.gaps) }

// Equivocations returns the disclosed forks, in order: one for each branch that
// the record does not go on with.
func (h *History) Equivocations() []*Equivocation { return slices.Clone(h.forks) }

// Backdated returns the entries that claim to be older than one before them, in order.
func (h *History) Backdated() []Backdating { return slices.Clone(h.backdated) }

// find returns where the entry with this sequence is in h.items, if it is shown.
func (h *History) find(sequence int64) (int, bool) {
	return slices.BinarySearchFunc(h.items, sequence, func(it Item, s int64) int {
		return cmp.Compare(it.Link.Sequence, s)
	})
}
