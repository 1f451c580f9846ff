package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// An Equivocation is two entries of one record with one sequence. As JSON it is
// evidence that anybody can check with [VerifyEquivocation].
//
// It shows that the record was written twice there, and who signed what. It does
// not show who is at fault: the holder may have given one head to two issuers,
// or an issuer may have signed an entry that nobody asked for. Until the matter
// is [Equivocation.Settled], a score over the record is void.
type Equivocation struct {
	Subject  did.DID
	Chain    vc.Digest
	Sequence int64

	// The two entries. In a History the first is the one that the record goes on
	// with: on the branch that a log holds, if one was asked; otherwise and beyond
	// that, on the one with the highest sequence, and if two have that, on the one
	// whose newest digest is lower.
	Credentials [2]*vc.Verified

	// Amends are the entries of a History that amend this sequence, in order.
	Amends []Item

	branch []Item           // all entries of the branch that was left
	agreed map[did.DID]bool // who signed Amends; forks at one sequence share it
}

// Error implements error.
func (e *Equivocation) Error() string {
	a, b := e.Credentials[0], e.Credentials[1]
	return fmt.Sprintf("chain: record %s of %s has two entries %d: %s by %s, and %s by %s",
		e.Chain, e.Subject, e.Sequence, a.Digest(), a.Issuer(), b.Digest(), b.Issuer())
}

// SignedBoth returns the DIDs that signed the text of both entries. A party among them
// has contradicted itself. Who signed only what an entry says in RDF is not: the proof
// holds for any other way to write that down.
func (e *Equivocation) SignedBoth() []did.DID {
	return slices.DeleteFunc(e.Credentials[0].Signers(), func(id did.DID) bool {
		return !e.Credentials[0].SignedTextBy(id) || !e.Credentials[1].SignedTextBy(id)
	})
}

// Settled reports whether the issuer of every entry on the branch that was left
// has signed an amend for this sequence: those whose word the record then does
// without have agreed to the branch that the amends are on. Nobody else's
// agreement would do, since an amend by the holder, or by an accomplice whose
// entry begins the branch, could do away with bad news. A policy may accept an
// arbiter's too, whom it finds among the signers of Amends.
func (e *Equivocation) Settled() bool {
	return len(e.branch) > 0 && !slices.ContainsFunc(e.branch, func(it Item) bool { return !e.agreed[it.Credential.Issuer()] })
}

// Branch returns the entries of the branch that was left, in order; none unless the
// equivocation is of a History. If a log holds the other branch, or none, and nobody has
// signed this one whom the reader trusts, nor the machine's side, then anybody may have
// made it up. If one of these has, somebody's word is lost with it: who was first to
// enter something flattering in the log shall not have silenced a witness.
func (e *Equivocation) Branch() []Item { return slices.Clone(e.branch) }

// MarshalJSON returns the evidence: {"equivocation": [credential, credential]},
// each with its proofs, so that nothing else is needed to check it.
func (e *Equivocation) MarshalJSON() ([]byte, error) {
	a, b := e.Credentials[0], e.Credentials[1]
	if a == nil || b == nil {
		return nil, errors.New("chain: an Equivocation needs two credentials")
	}
	return []byte(`{"equivocation":[` + a.JSON() + "," + b.JSON() + `]}`), nil
}

// VerifyEquivocation checks evidence, as [Equivocation.MarshalJSON] writes it:
// two credentials about one machine, with good proofs, which are different
// entries of one record with one sequence. It trusts nobody but verifier.
//
// The error is a *[vc.RejectError] or *[LinkError] if the evidence is bad, and
// another one of verifier's if it could not be checked.
func VerifyEquivocation(ctx context.Context, verifier *vc.Verifier, evidence []byte) (*Equivocation, error) {
	doc, err := strictjson.Parse(evidence, strictjson.Limits{Bytes: 2*vc.MaxCredentialBytes + 64})
	if err != nil {
		return nil, fmt.Errorf("chain: equivocation: %w", err)
	}
	pair := doc.Root().Member("equivocation")
	if doc.Root().Len() != 1 || pair.Kind() != strictjson.Array || pair.Len() != 2 {
		return nil, errors.New(`chain: equivocation: want {"equivocation": [credential, credential]}`)
	}
	var items [2]Item
	i := 0
	for raw := range pair.All() {
		v, err := verifier.Verify(ctx, []byte(raw.Raw()), vc.AnyIssuer)
		if err != nil {
			return nil, fmt.Errorf("chain: equivocation: credential %d: %w", i, err)
		}
		items[i].Credential = v
		if err := items[i].read(); err != nil {
			return nil, err
		}
		i++
	}
	a, b := items[0], items[1]
	subject := a.Credential.Subject()
	switch {
	case subject.IsZero() || !slices.Equal(a.Credential.Subjects(), []did.DID{subject}) || !slices.Equal(b.Credential.Subjects(), []did.DID{subject}):
		return nil, b.fail(ErrSubject, "they are about %v and %v: no equivocation", a.Credential.Subjects(), b.Credential.Subjects())
	case a.Credential.Digest() == b.Credential.Digest():
		return nil, b.fail(ErrSequence, "both are this one credential: no equivocation")
	case a.chain() != b.chain():
		return nil, b.fail(ErrPrevious, "they are of two records, %s and %s: no equivocation", a.chain(), b.chain())
	case a.Link.Sequence != b.Link.Sequence:
		return nil, b.fail(ErrSequence, "the other one is entry %d: no equivocation", a.Link.Sequence)
	}
	return &Equivocation{
		Subject: subject, Chain: a.chain(), Sequence: a.Link.Sequence,
		Credentials: [2]*vc.Verified{a.Credential, b.Credential},
	}, nil
}

// untangle returns one entry for each sequence, the branch to go on with, and
// the others, both in order. Items are in order.
func untangle(items []Item, logged *Logged) (trunk, branches []Item) {
	forked := false
	for i := 1; i < len(items) && !forked; i++ {
		forked = items[i].Link.Sequence == items[i-1].Link.Sequence
	}
	if !forked {
		return items, nil
	}
	cut := 0 // up to here, the log decides
	for cut < len(items) && logged != nil && items[cut].Link.Sequence <= logged.newest().Sequence {
		cut++
	}
	trunk, branches = descend(items[:cut], logged)

	// Whoever leaves what the log holds does not come back.
	left := make(map[vc.Digest]bool, len(branches))
	for _, it := range branches {
		left[it.Credential.Digest()] = true
	}
	var beyond []Item
	for _, it := range items[cut:] {
		if left[it.Link.Previous] {
			left[it.Credential.Digest()] = true
			branches = append(branches, it)
		} else {
			beyond = append(beyond, it)
		}
	}
	on, off := descend(beyond, nil)
	trunk = append(trunk, on...)
	branches = append(branches, off...)
	slices.SortFunc(branches, order)
	return trunk, branches
}

// descend chooses one item of each sequence, from the end: the one that the log holds,
// or else the one that the item chosen before names, or else the one of the lowest digest.
func descend(items []Item, logged *Logged) (trunk, branches []Item) {
	var next Item
	for end := len(items); end > 0; {
		start := end - 1
		for start > 0 && items[start-1].Link.Sequence == items[end-1].Link.Sequence {
			start--
		}
		level := items[start:end]
		want := next.Link.Previous
		if logged != nil {
			if e, ok := logged.at(level[0].Link.Sequence); ok {
				want = e.Digest
			}
		}
		chosen := max(0, slices.IndexFunc(level, func(it Item) bool { return it.Credential.Digest() == want }))
		next = level[chosen]
		trunk = append(trunk, next)
		branches = append(append(branches, level[:chosen]...), level[chosen+1:]...)
		end = start
	}
	slices.Reverse(trunk)
	return trunk, branches
}

// fork checks the entries that are not on the trunk, in order, and adds an
// equivocation for each branch. Heads are those of the trunk that they name.
func (h *History) fork(branches []Item, heads map[vc.Digest]Head, found *defects) {
	forks := make(map[vc.Digest]*Equivocation, len(branches)) // by digest of an entry on the branch
	amends := make(map[int64][]Item)                          // by the sequence that they amend
	agreed := make(map[int64]map[did.DID]bool)                // who signed those
	if len(branches) > 0 {
		for _, it := range h.items {
			if it.Link.Kind != Amend {
				continue
			}
			at := it.Link.RefersTo
			amends[at] = append(amends[at], it)
			if agreed[at] == nil {
				agreed[at] = make(map[did.DID]bool)
			}
			for _, id := range it.Signers() {
				agreed[at][id] = true
			}
		}
	}
	for _, it := range branches {
		it.mute(h.revoked())
		i, _ := h.find(it.Link.Sequence) // on a branch that is longer than the trunk, len(h.items)
		head := heads[it.Link.Previous]
		switch {
		case !head.Digest.IsZero() && head.Sequence == it.Link.Sequence-1:
		case i == len(h.items) || i > 0 && h.items[i-1].Link.Sequence == it.Link.Sequence-1:
			found.add(it.fail(ErrPrevious, "its previous is %s, and no entry shown is that", it.Link.Previous))
			continue
		case i > 0: // what it follows is in a gap
			before := h.items[i-1]
			head = Head{Subject: h.subject, Chain: h.head.Chain, Sequence: before.Link.Sequence,
				Digest: before.Credential.Digest(), Partial: true, Totals: before.Link.Totals, Names: before.names, Former: before.former}
		}
		var wrong defects
		heads[it.Credential.Digest()] = head.follow(h.subject, it, &wrong)
		for _, err := range wrong.named {
			if _, ok := err.(*GapError); !ok {
				found.add(err)
			}
		}

		fork := forks[it.Link.Previous]
		if fork == nil {
			fork = &Equivocation{Subject: h.subject, Chain: h.head.Chain, Sequence: it.Link.Sequence,
				Credentials: [2]*vc.Verified{h.items[i].Credential, it.Credential}, Amends: amends[it.Link.Sequence], agreed: agreed[it.Link.Sequence]}
			h.forks = append(h.forks, fork)
		}
		fork.branch = append(fork.branch, it)
		forks[it.Credential.Digest()] = fork
	}
}
