package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/keyhistory"
)

// A keyPolicy says what must not have become of the keys that signed a credential.
type keyPolicy string

// The key policies.
const (
	keysAny       keyPolicy = "any"       // a good key when it signed is enough
	keysUnrevoked keyPolicy = "unrevoked" // and its owner has not marked it as revoked since
	keysKnown     keyPolicy = "known"     // and it is known that it was good then, not just that it is now
	keysCurrent   keyPolicy = "current"   // and it still is one of its owner's
)

func (k keyPolicy) judge() (keyhistory.Judge, error) {
	switch k {
	case keysAny:
		return nil, nil
	case keysUnrevoked:
		return keyhistory.NotRevoked, nil
	case keysKnown:
		return keyhistory.WhenSigned, nil
	case keysCurrent:
		return keyhistory.StillCurrent, nil
	}
	return nil, fmt.Errorf("--key-state: %q is none of any, unrevoked, known and current", string(k))
}

// check says what has become of the keys of c, which is good otherwise, and whether k takes that.
// If it cannot be found out, unrevoked takes it: who verifies by a bundle or a pinned document has
// nobody to ask. But whoever breaks the log of a did:webvh may do so to hide that a key was stolen.
func (k keyPolicy) check(ctx context.Context, v *vc.Verifier, c *vc.Verified) ([]KeyState, error) {
	takes, err := k.judge()
	if err != nil || takes == nil {
		return nil, err
	}
	uses, err := keyhistory.Of(ctx, v, c)
	if err != nil {
		if k == keysUnrevoked && !errors.Is(err, did.ErrInvalidDocument) {
			return nil, nil
		}
		return nil, fmt.Errorf("what became of the keys that signed: %v", err) // no answer, whatever it wraps
	}
	var states []KeyState
	for _, u := range uses {
		if u.Method != u.Method.DID.KeyURL() { // of a did:key there is nothing to say
			states = append(states, KeyState{Key: u.Method, Known: u.Known, Now: string(u.Now), Since: u.Since})
		}
	}
	return states, keyhistory.Check(c, uses, takes)
}

// String says it for people.
func (s KeyState) String() string {
	text := "good when it signed"
	if !s.Known {
		text = "whether it was good when it signed is not known"
	}
	if s.Now != string(keyhistory.Current) {
		text += ", " + s.Now
	}
	if !s.Since.IsZero() {
		text += " since " + s.Since.UTC().Format(time.RFC3339)
	}
	return text
}
