// Package sdjwt reads and writes SD-JWTs (RFC 9901): signed claims of which the
// holder shows a choice, and can prove that it is the holder.
//
//   - [Format] secures credentials of package vc as application/vc+sd-jwt (VC-JOSE-COSE
//     1.0 §3.2): give it to vc.Issuer.Format and vc.Verifier.Formats.
//   - [Issuer.IssueVC] and [Verifier.VerifyVC] do the same for credentials that are no
//     W3C ones: SD-JWT VC (draft-ietf-oauth-sd-jwt-vc-19), which have a vct.
//   - [Parse] reads either kind, [Token.Present] chooses what to show of it, and
//     [Token.Bind] answers a challenge with it: that is what a holder does.
//
// A [Token] is what somebody says, not what is so: nothing but a Verifier believes it.
//
// The danger: what a holder may leave out, it will leave out when that helps it. A
// credential's status, its period and its issuer can therefore not be made
// disclosable, and are not taken from disclosures. Whoever decides by another claim has
// to ask for its presence, not only for its value.
package sdjwt

import (
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// Limits on what is read. They bound the work that a stranger's bytes can cause
// before a signature has been checked.
const (
	// MaxBytes is the longest SD-JWT that Parse reads, disclosures and key binding
	// included: no longer than any other credential.
	MaxBytes = vc.MaxCredentialBytes
	// MaxDisclosures is the most disclosures in one: each costs a hash and a parse. A
	// credential has tens.
	MaxDisclosures = 1000
	// MaxDepth is how deep claims nest, with every disclosure in its place, as in
	// package vc.
	MaxDepth = 32
)

// A Token is an SD-JWT, or an SD-JWT+KB (RFC 9901 §4), taken apart. Its form is that
// of the RFC, and every disclosure is one that the issuer made for it; but who the
// issuer is, and whether the claims hold, has not been checked. It is immutable and safe
// for concurrent use.
type Token struct {
	signed      string   // the issuer-signed JWT
	disclosures []string // as they were sent
	kb          string   // the key binding JWT; "" if there is none

	jwt     *jws.Token
	claims  strictjson.Value // the payload as signed, an object
	binding *binding         // kb, read
	root    strictjson.Value // the payload with every disclosure in its place
	content
}

// Parse reads an SD-JWT in the compact form (RFC 9901 §4) or as JWS JSON (§8), and puts
// the disclosures in their places (§7.1 steps 1, 3, 4 and 5). It does not check who
// signed. An x5c header is taken only where kid is a key of a did:x509, which pins a certificate in it.
//
// Of a JWS JSON text with several signatures the first counts, as for the key binding
// (§8.3), and the others are not looked at.
func Parse(raw []byte) (*Token, error) { return parse(raw, MaxBytes) }

func parse(raw []byte, limit int) (*Token, error) {
	if len(raw) > limit {
		return nil, fmt.Errorf("sdjwt: %d bytes, at most %d are read", len(raw), limit)
	}
	t := new(Token)
	text := strings.Trim(string(raw), " \t\r\n")
	if strings.HasPrefix(text, "{") {
		if err := t.readJSON(raw, limit); err != nil {
			return nil, fmt.Errorf("sdjwt: JWS JSON: %w", err)
		}
	} else {
		parts := strings.Split(text, "~")
		if len(parts) < 2 {
			return nil, errors.New("sdjwt: want an SD-JWT: header.payload.signature~disclosure~…~")
		}
		last := len(parts) - 1
		t.signed, t.disclosures, t.kb = parts[0], parts[1:last], parts[last]
	}
	if n := len(t.disclosures); n > MaxDisclosures {
		return nil, fmt.Errorf("sdjwt: %d disclosures, at most %d are read", n, MaxDisclosures)
	}
	var err error
	if t.jwt, err = jws.ParseCertified(t.signed, limit); err != nil {
		return nil, fmt.Errorf("sdjwt: %w", err)
	}
	if t.jwt.Chain != nil && !strings.HasPrefix(t.jwt.Kid, "did:x509:") {
		return nil, fmt.Errorf("sdjwt: x5c: a chain that comes with the token proves nothing where kid is %.80q: it goes with a key of a did:x509", t.jwt.Kid)
	}
	doc, err := strictjson.Parse(t.jwt.Payload, strictjson.Limits{Bytes: limit, Depth: MaxDepth})
	if err != nil {
		return nil, fmt.Errorf("sdjwt: payload: %w", err)
	}
	t.claims = doc.Root()
	if t.claims.Kind() != strictjson.Object {
		return nil, fmt.Errorf("sdjwt: payload: want an object, got %s", t.claims.Kind())
	}
	if t.content, err = process(t.claims, t.disclosures); err != nil {
		return nil, fmt.Errorf("sdjwt: %w", err)
	}
	if doc, err = strictjson.Parse(t.payload, strictjson.Limits{Bytes: limit, Depth: MaxDepth}); err != nil {
		return nil, fmt.Errorf("sdjwt: payload with its disclosures: %w", err)
	}
	t.root = doc.Root()
	if t.kb != "" {
		if t.binding, err = readBinding(t.kb); err != nil {
			return nil, fmt.Errorf("sdjwt: key binding: %w", err)
		}
	}
	return t, nil
}

// Payload returns the claims as JSON, with every disclosure in its place and without
// traces of what is missing: the Processed SD-JWT Payload of RFC 9901 §7.1.
func (t *Token) Payload() []byte { return append([]byte(nil), t.payload...) }

// Disclosures returns what the token shows and need not have shown, in the order in
// which it was sent.
func (t *Token) Disclosures() []Disclosure {
	list := make([]Disclosure, len(t.shown))
	for i, d := range t.shown {
		list[i] = Disclosure{Pointer: d.pointer, Value: d.value.Raw()}
	}
	return list
}

// Selective reports whether the issuer signed something that is not shown: a claim that
// was left out, or a decoy (RFC 9901 §4.2.5), which nobody but the issuer can tell from one.
func (t *Token) Selective() bool { return t.hidden > 0 }

// Bound reports whether a holder signed the token's choice of disclosures: whether it is
// an SD-JWT+KB. That the key is the holder's has not been checked.
func (t *Token) Bound() bool { return t.kb != "" }

// Verify checks the issuer's signature with its key, and nothing else: see [Verifier] and
// [Format] for what has to be known beside it.
func (t *Token) Verify(issuer crypto.PublicKey) error {
	if err := t.jwt.Verify(issuer); err != nil {
		return fmt.Errorf("sdjwt: %w", err)
	}
	return nil
}

// String returns the compact form (RFC 9901 §4), which is what the key binding signs.
func (t *Token) String() string { return t.unbound() + t.kb }

// unbound returns the compact form without a key binding.
func (t *Token) unbound() string {
	size := len(t.signed) + 1
	for _, d := range t.disclosures {
		size += len(d) + 1
	}
	var b strings.Builder
	b.Grow(size + len(t.kb))
	b.WriteString(t.signed)
	b.WriteByte('~')
	for _, d := range t.disclosures {
		b.WriteString(d)
		b.WriteByte('~')
	}
	return b.String()
}
