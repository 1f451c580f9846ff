// Package keyhistory says what has become of the keys that signed a credential.
//
//   - [Of] asks for the documents of the signers, that of the time and all since, and says of each
//     proof whether its key is current, was rotated, has expired or was revoked.
//   - [Verify] verifies a credential and lets a [Judge] decide on that: [WhenSigned], [NotRevoked],
//     [StillCurrent], [LoggedBy], or the caller's own.
//   - [Compromised] finds the keys of a whole record that their owners have marked as revoked since, for
//     [chain.History.Told].
//
// Package vc judges a key by the document in force when the proof says that it was made. That it was good
// then is all there is to know of a key that was given up in the ordinary course. Of one that was stolen it
// is not:
//
// The danger: a proof's own word on when it was made is the thief's word, if a thief made it. He dates it
// before the theft, and it verifies. So what a revoked key has signed stands only where somebody else, such
// as a transparency log, has seen it before the revocation: [LoggedBy].
package keyhistory

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// MaxVersions is the most documents of one signer that are followed from the time of a proof to now. The
// longest log of did:webvh that is read has as many.
const MaxVersions = 10_000

// A State is what the documents of a signer say of a key by now.
type State string

// The states. Of several, the one that is first here counts.
const (
	Revoked     State = "revoked"     // a document since the proof marks it so (Controlled Identifiers 1.0 §2.2)
	Deactivated State = "deactivated" // its owner's identifier was retired, and with it every key
	Rotated     State = "rotated"     // the present document does not give this key the role any more
	Expired     State = "expired"     // the present document says that it was to be used until some time
	Current     State = "current"     // the present document gives it the role
)

// A Use is one proof by one key.
type Use struct {
	vc.Signature

	// Known says that the document in force when the proof says that it was made gave the key the role. If
	// not, nobody can say: the method keeps no history that reaches so far, or the proof has no time. Then
	// the present document is all there is.
	Known bool

	Now   State
	Since time.Time // since when it is not current; zero if that is not known, or it is
}

// Of says of each proof of v, in the order of [vc.Verified.Signatures], what has become of its key, by the
// Resolver and the clock of verifier. A did:key or did:jwk is current, and costs nothing.
//
// Of every other signer it asks for the document of the time, and for each since: give it a resolver that
// remembers. A did:x509 is resolved by the certificates that came along, if the verifier takes them; they have
// no history, and the key has expired with them. An error says that it could not find out.
func Of(ctx context.Context, verifier *vc.Verifier, v *vc.Verified) ([]Use, error) {
	signatures := v.Signatures()
	uses := make([]Use, len(signatures))
	for i, s := range signatures {
		u := &uses[i]
		u.Signature = s
		if s.Method == s.Method.DID.KeyURL() {
			u.Known, u.Now = true, Current // the key is the identifier
			continue
		}
		r, certified := resolverOf(verifier, v)
		t, err := follow(ctx, r, s.Method, s.Created)
		if err != nil {
			return nil, fmt.Errorf("keyhistory: key %s: %w", s.Method, err)
		}
		u.Known = t.known
		u.Now, u.Since = t.state(s.Method, clock(verifier))
		if certified && u.Now == Current {
			_, err := did.Key(ctx, r, s.Method, did.AssertionMethod, did.Version{Time: clock(verifier)})
			switch {
			case did.IsAnswer(err):
				u.Now = Expired
			case err != nil:
				return nil, fmt.Errorf("keyhistory: key %s: %w", s.Method, err)
			}
		}
	}
	return uses, nil
}

// resolverOf returns what verifier has resolved the signers of v by, and whether that is the certificates that
// came along.
func resolverOf(verifier *vc.Verifier, v *vc.Verified) (r did.Resolver, certified bool) {
	if chain := v.Certificates(); chain != nil && verifier.Certificates != nil {
		return verifier.Certificates(chain), true
	}
	return verifier.Resolver, false
}

func clock(v *vc.Verifier) time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// A trail is the documents of a signer from some time on.
type trail struct {
	known     bool              // the first is that of the time asked for; else there is only the present one
	documents []*did.Resolution // at least one, or retired
	retired   bool
	at        time.Time // when; zero if that is not known
}

// follow asks for the documents of a key's owner from the one in force at a time to the present one.
func follow(ctx context.Context, r did.Resolver, key did.URL, from time.Time) (trail, error) {
	if m, ok := r.(Marks); ok {
		r = m.Next // what it says of the past is not known
	}
	if r == nil {
		r = did.Offline{}
	}
	ask := func(v did.Version) (*did.Resolution, error) {
		res, err := r.Resolve(ctx, key.DID, v)
		if err != nil {
			return nil, err
		}
		if res == nil || res.Document == nil {
			return nil, errors.New("the resolver gave neither a document nor an error")
		}
		// An identifier that moves has another name from then on, by which its documents go (did:webvh, "DID Portability").
		if !res.Describes(key.DID) {
			return nil, fmt.Errorf("the resolver gave the document of %s", res.Document.ID)
		}
		return res, nil
	}
	var t trail
	if !from.IsZero() {
		res, err := ask(did.Version{Time: from})
		switch {
		case err == nil:
			t.known, t.documents = true, append(t.documents, res)
		case !errors.Is(err, did.ErrVersionUnknown):
			return t, err
		}
	}
	for {
		next := did.Version{}
		var last time.Time
		if t.known {
			res := t.documents[len(t.documents)-1]
			if last = res.NextUpdate; last.IsZero() {
				return t, nil
			}
			next.Time = last
		}
		res, err := ask(next)
		switch {
		case errors.Is(err, did.ErrDeactivated):
			t.retired, t.at = true, last
			return t, nil
		case err != nil:
			return t, err
		case !t.known:
			t.documents = append(t.documents, res)
			return t, nil
		case !res.NextUpdate.IsZero() && !res.NextUpdate.After(last):
			return t, fmt.Errorf("the document of %s is said to be replaced at %s, before it is in force", last.Format(time.RFC3339), res.NextUpdate.Format(time.RFC3339))
		case len(t.documents) == MaxVersions:
			return t, fmt.Errorf("more than %d documents since", MaxVersions)
		}
		t.documents = append(t.documents, res)
	}
}

// under returns the name that a key has in a document, which has moved with its owner.
func under(key did.URL, d *did.Document) did.URL {
	key.DID = d.ID
	return key
}

// state says what the documents make of a key.
func (t trail) state(key did.URL, now time.Time) (State, time.Time) {
	var first crypto.PublicKey // that of the proof
	var revoked, rotated, expired time.Time
	gone := len(t.documents) == 0
	for i, res := range t.documents {
		d := res.Document
		id := under(key, d)
		// What the document says of times is looked at below.
		pub, err := d.KeyAt(id, did.AssertionMethod, time.Time{})
		if i == 0 {
			first = pub
		}
		m := d.Method(id)
		same := m != nil
		if same && first != nil {
			other, err := m.PublicKey()
			same = err == nil && equal(first, other)
		}
		// Another key in its place says nothing of it. A mark stays, even if a later document leaves it out.
		if same {
			revoked = earlier(revoked, m.Revoked)
		}
		revoked = earlier(revoked, marked(d, first))
		switch has := same && err == nil; {
		case has:
			gone, rotated, expired = false, time.Time{}, m.Expires
		case !gone:
			gone, rotated, expired = true, time.Time{}, time.Time{}
			if i > 0 {
				rotated = t.documents[i-1].NextUpdate
			}
		}
	}
	switch {
	case !revoked.IsZero() && !now.Before(revoked):
		return Revoked, revoked
	case t.retired:
		return Deactivated, t.at
	case gone:
		return Rotated, rotated
	case !expired.IsZero() && !now.Before(expired):
		return Expired, expired
	}
	return Current, time.Time{}
}

// marked returns since when a document says that a key may have been in other hands, whatever it is called
// there: who puts a stolen key aside may do so under another name, or that of before a move.
func marked(d *did.Document, key crypto.PublicKey) (since time.Time) {
	if key == nil {
		return since
	}
	see := func(m *did.VerificationMethod) {
		if m.Revoked.IsZero() {
			return
		}
		if other, err := m.PublicKey(); err == nil && equal(key, other) {
			since = earlier(since, m.Revoked)
		}
	}
	for i := range d.VerificationMethod {
		see(&d.VerificationMethod[i])
	}
	for _, refs := range [...][]did.MethodRef{d.Authentication, d.AssertionMethod, d.KeyAgreement, d.CapabilityInvocation, d.CapabilityDelegation} {
		for _, ref := range refs {
			if ref.Embedded != nil {
				see(ref.Embedded)
			}
		}
	}
	return since
}

// earlier returns the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// equal reports whether two public keys are the same.
func equal(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// Marks answers for the past with the present document, where the method keeps no history: the marks in it,
// "expires" and "revoked", are then all the history there is. A [vc.Verifier] that asks it takes a proof by
// a key that is revoked by now, if the proof says that it was made before; [vc.Verifier.CurrentKeys] would
// refuse it. Use it only where a log's time is asked for afterwards, as [LoggedBy] and [chain.History.Told]
// do: a thief can write any time into a proof.
//
// [Of] sees through it: what it says of the past is not [Use.Known].
type Marks struct {
	Next did.Resolver // nil means did.Offline
}

// Resolve implements [did.Resolver].
func (m Marks) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	next := m.Next
	if next == nil {
		next = did.Offline{}
	}
	res, err := next.Resolve(ctx, id, v)
	if !v.Time.IsZero() && errors.Is(err, did.ErrVersionUnknown) {
		res, err = next.Resolve(ctx, id, did.Version{})
	}
	return res, err
}

// Key implements [did.KeyResolver].
func (m Marks) Key(ctx context.Context, url did.URL, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
	pub, err := did.Key(ctx, m.Next, url, use, v)
	if !v.Time.IsZero() && errors.Is(err, did.ErrVersionUnknown) {
		return did.Key(ctx, resolving{m}, url, use, v) // of the present document, as of that time
	}
	return pub, err
}

// resolving hides that Marks is a KeyResolver.
type resolving struct{ did.Resolver }
