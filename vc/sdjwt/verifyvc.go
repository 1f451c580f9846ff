package sdjwt

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A Verifier checks SD-JWT VCs. The zero Verifier works without a network, knows issuers
// by did:key and did:jwk, and refuses what it cannot check. It is safe for concurrent use.
//
// Issuers are known by DID, which is a way of finding their keys that the draft leaves to
// others (draft-ietf-oauth-sd-jwt-vc-19 §2.5). Its own two are not followed: an x5c header counts only
// for a did:x509, which pins a certificate in it, and a token is refused that has one otherwise, or an
// issuer whose metadata would have to be fetched.
type Verifier struct {
	Resolver did.Resolver // nil means did.Offline: no network
	// Certificates returns what resolves an issuer by the certificates that came along, as
	// didx509.Resolver{}.Presented does; nil means that Resolver is asked for these, too.
	Certificates func(chain [][]byte) did.Resolver
	Status       vc.StatusChecker // nil: a credential with a status claim is a vc.UncheckedError
	Skew         time.Duration    // tolerated clock difference; zero means one minute
	MaxAge       time.Duration    // of a key binding; zero means [vc.MaxBindingAge]
	Now          func() time.Time // nil means time.Now

	// CurrentKeys judges a key by its owner's present DID document where the DID method
	// cannot tell what the document was when the credential was issued
	// (did.ErrVersionUnknown). False means such a credential could not be checked.
	CurrentKeys bool
}

// A Possession says how the one who shows a token has to prove that it is theirs:
// [Answering] a challenge or, if the caller writes the word, not at all: [AnyBearer].
type Possession struct {
	challenge vc.Challenge
	anyBearer bool
}

// Answering asks for a key binding that was made for ch (RFC 9901 §7.3). That the same
// answer is not taken twice is up to the caller, who keeps the challenges.
func Answering(ch vc.Challenge) Possession { return Possession{challenge: ch} }

// AnyBearer takes a credential from whoever has a copy of it. A key binding that is there
// is not looked at.
func AnyBearer() Possession { return Possession{anyBearer: true} }

// Accept decides whether a credential that verifies is one the caller wants. It returns
// nil, or the reason why not.
type Accept func(*VC) error

// AnyIssuer accepts every credential of every type.
func AnyIssuer(*VC) error { return nil }

// IssuedBy accepts credentials of one type, or that are also of it, by these issuers.
func IssuedBy(vct string, ids ...did.DID) Accept {
	return func(v *VC) error {
		if !slices.Contains(v.types, vct) {
			return fmt.Errorf("its type is %.200q, not %q", v.types, vct)
		}
		if !slices.Contains(ids, v.issuer) {
			return fmt.Errorf("issuer %s is not on the list", v.issuer)
		}
		return nil
	}
}

// VerifyVC checks an SD-JWT VC and asks accept about it. It returns a *[vc.RejectError] if
// the credential is bad, and another error if it could not be checked.
//
// A claim that is not there may have been left out by the holder: look for what has to be
// shown, in accept or after.
func (v *Verifier) VerifyVC(ctx context.Context, raw []byte, by Possession, accept Accept) (*VC, error) {
	if accept == nil {
		return nil, errors.New("sdjwt: verify: accept is nil; pass AnyIssuer to take every issuer")
	}
	if ch := by.challenge; !by.anyBearer && (ch.Nonce == "" || ch.Domain == "") {
		return nil, errors.New("sdjwt: verify: Answering needs the Nonce and Domain that the holder was asked with; pass AnyBearer to ask nothing")
	}
	now, skew := clock(v.Now), v.Skew
	if skew == 0 {
		skew = time.Minute
	}
	var signer did.DID
	reject := func(reason, detail error) error {
		return &vc.RejectError{Reason: reason, Signer: signer, Detail: detail}
	}

	// Its form is that of an SD-JWT VC (§2.2), and every disclosure is its own (RFC 9901 §7.1).
	if len(raw) > MaxBytes {
		return nil, reject(vc.ErrLimit, fmt.Errorf("%d bytes, at most %d are read", len(raw), MaxBytes))
	}
	t, err := Parse(raw)
	if err != nil {
		return nil, reject(vc.ErrMalformed, err)
	}
	out, err := readVC(t)
	if err != nil {
		return nil, reject(vc.ErrMalformed, err)
	}

	// The issuer's key signed, and was one of the issuer's then (§2.4, §2.5).
	if out.issuer, err = did.Parse(out.claims.issuer); err != nil {
		return nil, reject(vc.ErrIssuer, fmt.Errorf("iss %.80q is no DID, so nothing binds a key to it", out.claims.issuer))
	}
	signer = out.issuer
	if out.method, err = methodOf(t.jwt.Kid, out.issuer); err != nil {
		return nil, reject(vc.ErrProof, err)
	}
	if out.method.DID != out.issuer {
		return nil, reject(vc.ErrIssuer, fmt.Errorf("signed by a key of %s", out.method.DID))
	}
	if out.claims.created.After(now.Add(skew)) {
		return nil, reject(vc.ErrProof, fmt.Errorf("issued %s, which is yet to come", stamp(out.claims.created)))
	}
	r := v.Resolver
	if t.jwt.Chain != nil && v.Certificates != nil {
		r = v.Certificates(t.jwt.Chain)
	}
	key, err := v.key(ctx, r, out.method, did.AssertionMethod, did.Version{Time: out.claims.created})
	if condemns(err) {
		return nil, reject(vc.ErrProof, err)
	}
	if err != nil {
		return nil, err
	}
	if err := t.Verify(key); err != nil {
		return nil, reject(vc.ErrProof, err)
	}

	// Now lies in its period (RFC 7519 §4.1.4, §4.1.5).
	if now.Add(skew).Before(out.claims.begins) {
		return nil, reject(vc.ErrNotYetValid, fmt.Errorf("starts %s", stamp(out.claims.begins)))
	}
	if ends := out.claims.ends; !ends.IsZero() && !now.Add(-skew).Before(ends) {
		return nil, reject(vc.ErrExpired, fmt.Errorf("ended %s", stamp(ends)))
	}

	// The holder answers the challenge, with this choice of disclosures, now (RFC 9901 §7.3).
	if !by.anyBearer {
		b, maxAge := t.binding, v.MaxAge
		if maxAge == 0 {
			maxAge = vc.MaxBindingAge
		}
		switch {
		case b == nil:
			return nil, reject(vc.ErrProof, errors.New("there is no key binding: nobody signed the challenge"))
		case out.holder.isZero():
			return nil, reject(vc.ErrProof, errors.New("there is a key binding, and the issuer named no key of the holder in cnf"))
		case b.nonce != by.challenge.Nonce:
			return nil, reject(vc.ErrChallenge, fmt.Errorf("the nonce of its key binding is %.80q: a replay, or an answer to another request", b.nonce))
		case b.audience != by.challenge.Domain:
			return nil, reject(vc.ErrDomain, fmt.Errorf("its key binding was made for %.80q, not %q", b.audience, by.challenge.Domain))
		case b.created.After(now.Add(skew)) || now.Add(skew).Before(b.begins):
			return nil, reject(vc.ErrProof, fmt.Errorf("its key binding was made %s, which is yet to come", stamp(b.created)))
		case now.Add(-skew).After(b.created.Add(maxAge)) || !b.ends.IsZero() && !now.Add(-skew).Before(b.ends):
			return nil, reject(vc.ErrExpired, fmt.Errorf("its key binding was made %s, and is taken for %s", stamp(b.created), maxAge))
		}
		key := out.holder.Key
		if key == nil {
			key, err = v.key(ctx, v.Resolver, out.holder.Method, did.Authentication, did.Version{})
			if condemns(err) {
				return nil, reject(vc.ErrProof, err)
			}
			if err != nil {
				return nil, err
			}
		}
		if err := t.verifyBinding(key); err != nil {
			return nil, reject(vc.ErrProof, fmt.Errorf("key binding: %w", err))
		}
		out.bound = b.created
	}

	// The caller wants it, before others are asked about it; and it is in force, as they say.
	if err := accept(out); err != nil {
		return nil, reject(vc.ErrNotAccepted, err)
	}
	if status := out.claims.status; status != nil {
		if v.Status == nil {
			return nil, &vc.UncheckedError{Signer: signer, Member: "status", Type: t.root.Member("status").First().Name()}
		}
		result, err := v.Status.CheckStatus(ctx, signer, slices.Clone(status), now)
		_, other := errors.AsType[*vc.RejectError](err)
		switch {
		case errors.Is(err, vc.ErrStatus):
			return nil, reject(vc.ErrStatus, err)
		case other: // a bad list is no verdict on this credential
			return nil, fmt.Errorf("sdjwt: status could not be checked: %v", err)
		case err != nil:
			return nil, err
		}
		out.status = append(out.status, result)
	}
	return out, nil
}

func (v *Verifier) key(ctx context.Context, r did.Resolver, method did.URL, use did.Relationship, at did.Version) (crypto.PublicKey, error) {
	key, err := did.Key(ctx, r, method, use, at)
	if v.CurrentKeys && errors.Is(err, did.ErrVersionUnknown) {
		key, err = did.Key(ctx, r, method, use, did.Version{})
	}
	if err != nil {
		return nil, fmt.Errorf("sdjwt: key %s: %w", method, err)
	}
	return key, nil
}

// condemns reports whether err, of key, is an answer that will stay. A DID method or type
// of key that is not known here condemns nobody: another resolver may know it.
func condemns(err error) bool {
	return did.IsAnswer(err) && !errors.Is(err, did.ErrMethodNotSupported) && !errors.Is(err, did.ErrKeyNotSupported)
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
