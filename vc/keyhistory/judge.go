package keyhistory

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Judge decides whether a proof counts. It returns nil, or the reason why not.
type Judge func(Use) error

// WhenSigned takes a proof whose key is known to have been good when it says that it was made, and has not
// been revoked since. It may have been rotated, have expired, or its owner may be gone.
func WhenSigned(u Use) error {
	if !u.Known {
		return fmt.Errorf("nobody can say whether %s was good when it signed", u.Method)
	}
	return NotRevoked(u)
}

// NotRevoked takes every proof but one whose key has been revoked since.
func NotRevoked(u Use) error {
	if u.Now == Revoked {
		return fmt.Errorf("%s is revoked since %s, and when it signed is its own word", u.Method, u.Since.Format(time.RFC3339))
	}
	return nil
}

// StillCurrent takes a proof whose key is one of its owner's to this day.
func StillCurrent(u Use) error {
	if u.Now != Current {
		return fmt.Errorf("%s is %s", u.Method, u.Now)
	}
	return nil
}

// LoggedBy takes what [NotRevoked] takes, and a proof by a key that was revoked since, if it was seen before.
// at is when somebody whom the caller trusts, and not the signer or holder, has seen the credential, such as a
// log; zero if nobody has. The proof must not itself say that it was made later: a log may have seen the
// credential without it.
func LoggedBy(at time.Time) Judge {
	return func(u Use) error {
		if u.Now == Revoked && !at.IsZero() && at.Before(u.Since) && u.Created.Before(u.Since) {
			return nil
		}
		return NotRevoked(u)
	}
}

// Check asks judge about every use of v's keys. The error is a *[vc.RejectError] that wraps
// [vc.ErrNotAccepted].
func Check(v *vc.Verified, uses []Use, judge Judge) error {
	for _, u := range uses {
		if err := judge(u); err != nil {
			return &vc.RejectError{Reason: vc.ErrNotAccepted, Signer: v.Issuer(), Detail: err}
		}
	}
	return nil
}

// Verify is [vc.Verifier.Verify] for a caller who wants to know what has become of the keys: each proof has
// to satisfy judge as well. The error is a *[vc.RejectError] if the credential is bad or not wanted, and any
// other if that could not be checked.
func Verify(ctx context.Context, verifier *vc.Verifier, raw []byte, accept vc.Accept, judge Judge) (*vc.Verified, error) {
	if judge == nil {
		return nil, errors.New("keyhistory: verify: judge is nil; pass WhenSigned, or vc.Verifier.Verify is enough")
	}
	v, err := verifier.Verify(ctx, raw, accept)
	if err != nil {
		return nil, err
	}
	uses, err := Of(ctx, verifier, v)
	if err != nil {
		return nil, err
	}
	if err := Check(v, uses, judge); err != nil {
		return nil, err
	}
	return v, nil
}

// Compromised returns the keys that signed entries of h and that their owners' documents mark as revoked,
// in any version since, for [chain.History.Told]. A mark counts for the name that it is on, whatever key
// that is by then, and for the key, whatever its name is by then.
//
// If some signers could not be asked, the error joins what was said of each, and the keys are those of the
// others: a caller may go on with them, and say so.
func Compromised(ctx context.Context, verifier *vc.Verifier, h *chain.History) ([]chain.Compromise, error) {
	first := map[did.URL]time.Time{} // when a key says that it first signed
	resolvers := map[did.URL]did.Resolver{}
	var order []did.URL
	see := func(it chain.Item) {
		for _, s := range it.Signatures() {
			if s.Method == s.Method.DID.KeyURL() {
				continue // it cannot be revoked: it is the identifier
			}
			at, seen := first[s.Method]
			if !seen {
				order = append(order, s.Method)
				resolvers[s.Method] = verifier.Resolver
			}
			if r, certified := resolverOf(verifier, it.Credential); certified && it.Credential.SignedBy(s.Method.DID) {
				resolvers[s.Method] = r
			}
			if !seen || at.IsZero() || !s.Created.IsZero() && s.Created.Before(at) {
				first[s.Method] = s.Created
			}
		}
	}
	for _, it := range h.Entries() {
		see(it)
	}
	for _, fork := range h.Equivocations() {
		for _, it := range fork.Branch() {
			see(it)
		}
	}
	now := clock(verifier)
	var keys []chain.Compromise
	var failed []error
	for _, method := range order {
		t, err := follow(ctx, resolvers[method], method, first[method])
		if err != nil {
			failed = append(failed, fmt.Errorf("keyhistory: key %s: %w", method, err))
			continue
		}
		var since time.Time
		var key crypto.PublicKey // the one that had the name first
		for i, res := range t.documents {
			d := res.Document
			if m := d.Method(under(method, d)); m != nil {
				since = earlier(since, m.Revoked)
				if i == 0 {
					key, _ = m.PublicKey()
				}
			}
			since = earlier(since, marked(d, key))
		}
		if !since.IsZero() && !now.Before(since) {
			keys = append(keys, chain.Compromise{Method: method, Since: since})
		}
	}
	return keys, errors.Join(failed...)
}
