package status

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A kind of list is part of what a list is remembered by: a URL has one meaning for each.
type kind byte

const (
	bitstringList kind = iota
	tokenList
)

// accept is what the Source is asked for. A Verifier that has no Format for an enveloped credential
// says so.
func (k kind) accept() string {
	if k == tokenList {
		return "application/statuslist+jwt, application/statuslist+cwt"
	}
	return "application/vc, application/vc+jwt, application/vc+cose, application/ld+json;q=0.9, application/json;q=0.8"
}

type key struct {
	url  string
	kind kind
}

// A list is one that was read and believed. It does not change.
type list struct {
	bits     []byte
	size     int // bits of an entry; 0 if the list does not say
	issuer   did.DID
	purposes []string
	signed   time.Time     // by its issuer's word
	asOf     time.Time     // when it was fetched; when it was signed if nobody knows that
	ttl      time.Duration // zero if it does not say
	until    time.Time     // zero if it does not say
}

// maxNesting is how many lists one answer may go by: that of the credential, and one that says
// whether the credential of that list is in force.
const maxNesting = 2

// nesting is the lists that are being asked for, the first first. It travels in the context, since
// the way from one to the next leads through a vc.Verifier.
type nesting struct{}

func asking(ctx context.Context) []string {
	urls, _ := ctx.Value(nesting{}).([]string)
	return urls
}

// fetch gets a list and decides whether to believe it.
func (c *Checker) fetch(ctx context.Context, k key, at time.Time) (*list, error) {
	if c.Source == nil {
		return nil, problem(RetrievalError, k.url, errors.New("the Checker has no Source"))
	}
	above := asking(ctx)
	if slices.Contains(above, k.url) {
		return nil, problem(VerificationError, k.url, errors.New("its own status is in itself"))
	}
	if len(above) >= maxNesting {
		return nil, problem(VerificationError, k.url, fmt.Errorf("more than %d lists on top of each other", maxNesting))
	}
	ctx = context.WithValue(ctx, nesting{}, append(slices.Clip(above), k.url))

	body, mediaType, fetched, err := c.Source.Document(ctx, k.url, k.kind.accept())
	if err != nil {
		return nil, problem(RetrievalError, k.url, err)
	}
	verifier := c.Verifier
	if verifier == nil {
		verifier = new(vc.Verifier)
	}
	var l *list
	if k.kind == tokenList {
		l, err = readToken(ctx, verifier, k.url, body, mediaType, at)
	} else {
		l, err = c.readCredential(ctx, verifier, k.url, body)
	}
	if err != nil {
		return nil, err
	}
	if l.asOf = fetched; fetched.IsZero() {
		l.asOf = l.signed
	}
	return l, nil
}

// readCredential reads a BitstringStatusListCredential. That now lies in its period the Verifier has
// seen.
func (c *Checker) readCredential(ctx context.Context, verifier *vc.Verifier, url string, body []byte) (*list, error) {
	v, err := verifier.Verify(ctx, body, vc.AnyIssuer) // who may issue it depends on the entry: see believes
	if err != nil {
		return nil, problem(VerificationError, url, err)
	}
	if id := v.ID(); id != url && (id != "" || !c.Unnamed) {
		return nil, problem(VerificationError, url, fmt.Errorf("its id is %.200q: it is another list", id))
	}
	claim, err := vc.ClaimOf[bitstringClaim](v)
	if err != nil {
		return nil, problem(MalformedError, url, err)
	}
	bits, err := decodeBitstring(claim.Encoded)
	if err != nil {
		return nil, problem(MalformedError, url, err)
	}
	l := &list{bits: bits, issuer: v.Issuer(), purposes: claim.Purpose, signed: v.Created(), ttl: claim.ttl(), until: v.Expires()}
	if claim.Size != nil {
		l.size = *claim.Size
	}
	if l.signed.IsZero() {
		l.signed = v.ValidFrom()
	}
	return l, nil
}

// readToken reads a Status List Token: steps 3 and 4 of Token Status List §8.3.
func readToken(ctx context.Context, verifier *vc.Verifier, url string, body []byte, mediaType string, at time.Time) (*list, error) {
	isCWT := len(body) > 0 && body[0] >= 0x80 // an array or a tag of CBOR; a JWT begins with a letter
	if mediaType, _, _ = strings.Cut(mediaType, ";"); strings.EqualFold(mediaType, "application/"+typeCWT) && !isCWT ||
		strings.EqualFold(mediaType, "application/"+typeJWT) && isCWT {
		return nil, problem(MalformedError, url, fmt.Errorf("it is not the %.80q that the server says it is", mediaType))
	}
	var t *signedToken
	var err error
	if isCWT {
		t, err = readCWT(body)
	} else {
		t, err = readJWT(bytes.TrimSpace(body)) // a file that an editor has saved
	}
	if err != nil {
		return nil, problem(MalformedError, url, err)
	}

	skew := verifier.Skew
	if skew == 0 {
		skew = time.Minute
	}
	switch {
	case t.URI != url: // §8.3, step 4a: simple string comparison
		err = fmt.Errorf("its sub is %.200q: it is another list", t.URI)
	case t.issuer != "" && t.issuer != t.method.DID.String():
		err = fmt.Errorf("its iss is %.200q, and it is signed by %s", t.issuer, t.method.DID)
	case t.Issued.After(at.Add(skew)):
		err = fmt.Errorf("issued %s, which is yet to come", stamp(t.Issued))
	case !t.Expires.IsZero() && at.Add(-skew).After(t.Expires):
		err = fmt.Errorf("expired %s", stamp(t.Expires))
	}
	if err != nil {
		return nil, problem(VerificationError, url, err)
	}
	public, err := did.Key(ctx, verifier.Resolver, t.method, did.AssertionMethod, did.Version{Time: t.Issued})
	if verifier.CurrentKeys && errors.Is(err, did.ErrVersionUnknown) {
		public, err = did.Key(ctx, verifier.Resolver, t.method, did.AssertionMethod, did.Version{})
	}
	if err != nil {
		return nil, problem(VerificationError, url, fmt.Errorf("key %s: %w", t.method, err))
	}
	if err := t.verify(public); err != nil {
		return nil, problem(VerificationError, url, fmt.Errorf("by %s: %w", t.method, err))
	}
	return &list{bits: t.List.list, size: t.List.bits, issuer: t.method.DID, signed: t.Issued, ttl: t.TTL, until: t.Expires}, nil
}
