// Package peer names machines that know each other: did:peer, by the DIF's Peer DID Method
// Specification, whose identifiers carry a whole document and need no network.
//
// [New0], [New2] and [New4] mint, [Resolver] resolves. The digit behind "did:peer:", the
// numalgo, says how the document is in the identifier:
//
//	0  one key, as in did:key
//	2  keys, each with its role, and services
//	4  any document, encoded; the identifier also has a short form, which is a hash of it
//
// The short form of numalgo 4, and numalgo 3, which is one of numalgo 2, mean something only
// to who has seen the long form: see [Short] and [Resolver.Known]. Numalgo 1 is refused: its
// document is not in the identifier, and whoever has it may have changed it since.
//
// The danger: nobody vouches for such a name. It proves that whoever made it chose the keys
// and services in it, not that they are true, nor, since it never changes, that the keys are
// still safe.
package peer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

// MaxMethods is the most keys, and the most services, that an identifier may have. Each key
// has the whole identifier as its controller: 24 of did.MaxLength take three quarters of
// did.MaxDocumentBytes.
const MaxMethods = 24

// ErrLongFormUnknown says that a DID is a short form, which only its long form can resolve.
// It is no answer: whoever has the long form can tell, and [Resolver.Known] takes it.
var ErrLongFormUnknown = errors.New("peer: the long form of this DID is not known: ask its holder for it")

// A Resolver resolves did:peer 0, 2 and 4, without a network. The documents never change, so
// it answers for every time; they have no versions with names, so asking for one gets
// [did.ErrNotFound].
type Resolver struct {
	// Known has long forms seen before, by their short forms: Known[s] is a DID of which
	// s is the Short. Without it, no short form is resolved.
	Known map[did.DID]did.DID
}

// Supports reports whether a method is the one that a Resolver resolves: peer.
func (Resolver) Supports(method string) bool { return method == "peer" }

// Resolve implements [did.Resolver]. Ids in the document's Raw are relative, as the method
// has them.
func (r Resolver) Resolve(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	switch id.Method() {
	case "peer":
	case "":
		return nil, fmt.Errorf("%w: there is none", did.ErrInvalidDID)
	default:
		return nil, fmt.Errorf("%w: this is did:%s, and peer.Resolver resolves did:peer", did.ErrMethodNotSupported, id.Method())
	}
	if err := v.Validate(); err != nil {
		return nil, err
	}
	if v.Named() {
		return nil, fmt.Errorf("%w: documents of did:peer have no versions with names or numbers", did.ErrNotFound)
	}

	text := id.Identifier()
	long, other := id, did.DID{} // the form that has the document, and the one that id is not
	var err error
	switch text[0] {
	case '0':
		return resolve0(id)
	case '1':
		return nil, refuse1(text)
	case '2', '3', '4':
	default:
		return nil, fmt.Errorf("%w: did:peer has the numalgos 0 to 4, not %q", did.ErrInvalidDID, text[:1])
	}
	if text[0] == '3' || text[0] == '4' && !strings.Contains(text, ":") {
		if !isHash(text[1:]) {
			return nil, fmt.Errorf("%w: did:peer, numalgo %c: not a hash of SHA-256 in base58btc", did.ErrInvalidDID, text[0])
		}
		var ok bool
		if long, ok = r.Known[id]; !ok {
			return nil, fmt.Errorf("%w (%s)", ErrLongFormUnknown, id)
		}
		if short, err := Short(long); err != nil || short != id { // a mistake of the program, and no answer about the DID
			return nil, fmt.Errorf("peer: Resolver.Known[%s] is not its long form", id)
		}
		other = long
	} else if other, err = Short(id); err != nil {
		return nil, err
	}

	var raw []byte
	if text := long.Identifier(); text[0] == '2' {
		raw, err = document2(text[1:], id, other)
	} else {
		raw, err = document4(text, id, other)
	}
	if err != nil {
		return nil, err
	}
	doc, err := did.ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	if err := checkIDs(doc); err != nil {
		return nil, err
	}
	return &did.Resolution{Document: doc, EquivalentID: []did.DID{other}}, nil
}

// checkIDs refuses what is not relative to the document, and two things of one name: which
// of them a URL leads to, readers would decide in different ways.
func checkIDs(doc *did.Document) error {
	seen := map[did.URL]bool{}
	check := func(id did.URL) error {
		switch {
		case id.DID != doc.ID || id != doc.ID.URL(id.Fragment) || id.Fragment == "":
			return &did.DocumentError{ID: doc.ID, Msg: "has a method or service whose id is not relative: want one like #key-1"}
		case seen[id]:
			return &did.DocumentError{ID: doc.ID, Msg: "has two methods or services with the id #" + id.Fragment}
		}
		seen[id] = true
		return nil
	}
	for _, m := range doc.VerificationMethod {
		if err := check(m.ID); err != nil {
			return err
		}
	}
	for _, refs := range [][]did.MethodRef{doc.Authentication, doc.AssertionMethod, doc.KeyAgreement, doc.CapabilityInvocation, doc.CapabilityDelegation} {
		for _, ref := range refs {
			if ref.Embedded == nil {
				continue
			}
			if err := check(ref.ID); err != nil {
				return err
			}
		}
	}
	for _, s := range doc.Service {
		if err := check(s.ID); err != nil {
			return err
		}
	}
	return nil
}

// Short returns the short form of a DID that has one: of numalgo 4 its hash, of numalgo 2 the
// did:peer of numalgo 3.
func Short(long did.DID) (did.DID, error) {
	text := long.Identifier()
	if long.Method() == "peer" {
		switch text[0] {
		case '2':
			return did.Parse("did:peer:3" + hash(text[1:]))
		case '4':
			if h, encoded, ok := strings.Cut(text[1:], ":"); ok {
				if h != hash(encoded) {
					return did.DID{}, fmt.Errorf("%w: did:peer, numalgo 4: the hash is not that of the document behind it", did.ErrInvalidDID)
				}
				return did.Parse("did:peer:4" + h)
			}
		}
	}
	return did.DID{}, fmt.Errorf("%w: this is not a did:peer of numalgo 2, nor the long form of numalgo 4: it has no short form", did.ErrInvalidDID)
}

// hash returns the multihash of text, in multibase: SHA-256 (0x12) of 32 bytes (0x20).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return multikey.EncodeBase58(append([]byte{0x12, 0x20}, sum[:]...))
}

// isHash reports whether text could be a result of hash.
func isHash(text string) bool {
	b, err := multikey.DecodeBase58(text, 34)
	return err == nil && len(b) == 34 && b[0] == 0x12 && b[1] == 0x20
}

// refuse1 tells what is no did:peer of numalgo 1 from what is one, and is not resolved.
func refuse1(text string) error {
	const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	basis, ok := strings.CutPrefix(text, "1z")
	if !ok || len(basis) < 46 || len(basis) > 47 || strings.Trim(basis, base58) != "" {
		return fmt.Errorf("%w: did:peer, numalgo 1: not 46 or 47 characters of base58btc behind a z", did.ErrInvalidDID)
	}
	return fmt.Errorf("%w: did:peer, numalgo 1: its document is not in the identifier", did.ErrMethodNotSupported)
}
