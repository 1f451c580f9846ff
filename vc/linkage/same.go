package linkage

import (
	"context"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Bond is why two DIDs are taken for one party's.
type Bond string

// The bonds.
const (
	Identical Bond = "identical"   // they are the same
	Method    Bond = "method"      // their method vouches: canonicalId, equivalentId, or one has moved and is the other now
	Mutual    Bond = "alsoKnownAs" // each says that it is the other (DID Core 1.1 §5.1.3)
)

// Same checks that a and b are names of one party, and says why.
//
//   - Their method vouches for it (DID Resolution 1.0, "DID Document Metadata"): one is the other's
//     canonicalId or among its equivalentIds, or a did:webvh that has moved, and is published under both names.
//     Only DIDs of one method, since no method can vouch for another's.
//   - Or each names the other: its document lists it under alsoKnownAs, or it has signed one of statements.
//
// A statement is how a DID names another whose document cannot, as a did:key's: a CommissioningCredential
// about the DID, signed by it, whose keyBinding has a verificationMethod of the other. That is what an entry
// rotate of a machine's record says when the machine begins to use another DID (docs/CHAIN.md §10).
//
// The error wraps [ErrOneSided], as a *[OneSidedError], or [ErrUnlinked]. Of a DID that was retired, or is not
// found, it is the resolver's. What could not be asked is any other error.
func Same(ctx context.Context, r did.Resolver, a, b did.DID, statements ...*vc.Verified) (Bond, error) {
	if a.IsZero() || b.IsZero() {
		return "", fmt.Errorf("linkage: same: two DIDs are required")
	}
	if a == b {
		return Identical, nil
	}
	x, err := resolve(ctx, r, a)
	if err != nil {
		return "", err
	}
	// What a method vouches for holds whether or not b can be resolved, as the short form of a did:peer often
	// cannot. But a did:webvh says itself where it has moved to: it may have taken the name of a host that
	// never heard of it, and that host is asked.
	if vouches(name{a, x}, b) && b.Method() != "webvh" {
		return Method, nil
	}
	y, err := resolve(ctx, r, b)
	if err != nil {
		return "", err
	}
	return bond(name{a, x}, name{b, y}, statements)
}

// A name is a DID and what it resolves to.
type name struct {
	id  did.DID
	res *did.Resolution
}

func bond(a, b name, statements []*vc.Verified) (Bond, error) {
	if vouches(a, b.id) || vouches(b, a.id) {
		return Method, nil
	}
	for _, n := range []name{a, b} {
		if n.res.Document.ID != n.id {
			return "", fmt.Errorf("linkage: %w: asked for %s, got the document of %s", did.ErrInvalidDocument, n.id, n.res.Document.ID)
		}
	}
	forth, back := says(a, b.id, statements), says(b, a.id, statements)
	switch {
	case forth && back:
		return Mutual, nil
	case forth:
		return "", &OneSidedError{Claims: a.id.String(), Silent: b.id.String()}
	case back:
		return "", &OneSidedError{Claims: b.id.String(), Silent: a.id.String()}
	}
	return "", fmt.Errorf("%w: %s and %s", ErrUnlinked, a.id, b.id)
}

// vouches reports whether the method of n says that id is the same. A did:webvh that has moved answers to its
// old name with the document of the new one.
func vouches(n name, id did.DID) bool {
	return n.res.Describes(n.id) && n.res.Describes(id)
}

// says reports whether n names id.
func says(n name, id did.DID, statements []*vc.Verified) bool {
	if slices.Contains(n.res.Document.AlsoKnownAs, id.String()) {
		return true
	}
	return slices.ContainsFunc(statements, func(v *vc.Verified) bool {
		return chain.NamedBy(v) == id && slices.Equal(v.Subjects(), []did.DID{n.id}) && v.SignedBy(n.id)
	})
}

// A Grouping says which of several DIDs are one party's.
type Grouping struct {
	// Same are the groups, in the order of their first DIDs as given; a DID that is linked to none of the
	// others is one of its own. Within a group each is linked to another, by links that hold both ways.
	Same [][]did.DID
	// OneSided are the claims that the other side does not confirm, in order: each pair once.
	OneSided []*OneSidedError
	// Failed are those that could not be resolved, with the reason. They are in no group.
	Failed map[did.DID]error
}

// Group finds which of ids are one party's, as [Same] does for two. It asks for each once, and takes no
// claim for more than it is: two groups stay two if only one side links them.
func Group(ctx context.Context, r did.Resolver, ids []did.DID, statements ...*vc.Verified) (*Grouping, error) {
	if len(ids) > MaxGroup {
		return nil, fmt.Errorf("linkage: %d DIDs, at most %d are compared", len(ids), MaxGroup)
	}
	g := &Grouping{Failed: map[did.DID]error{}}
	var names []name
	group := map[did.DID]int{} // where in names the group of a DID begins
	for _, id := range ids {
		if _, again := group[id]; again || g.Failed[id] != nil {
			continue
		}
		res, err := resolve(ctx, r, id)
		if err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			g.Failed[id] = err
			continue
		}
		n := name{id, res}
		group[id] = len(names)
		for _, other := range names {
			switch _, err := bond(other, n, statements); e := err.(type) {
			case nil:
				from, to := max(group[id], group[other.id]), min(group[id], group[other.id])
				for member, at := range group {
					if at == from {
						group[member] = to
					}
				}
			case *OneSidedError:
				g.OneSided = append(g.OneSided, e)
			}
		}
		names = append(names, n)
	}
	at := map[int]int{}
	for _, n := range names {
		first := group[n.id]
		if i, ok := at[first]; ok {
			g.Same[i] = append(g.Same[i], n.id)
			continue
		}
		at[first] = len(g.Same)
		g.Same = append(g.Same, []did.DID{n.id})
	}
	return g, nil
}
