// Package cose secures credentials and presentations with COSE (RFC 9052), for [vc.Issuer],
// [vc.Holder] and [vc.Verifier].
//
//   - [Format] is that of VC-JOSE-COSE 1.0 §3.3: application/vc+cose and application/vp+cose, whose
//     payload is the JSON.
//   - [CWT] is for links where every byte counts: a CBOR Web Token (RFC 8392) with integers for
//     member names and common values, signed in two fifths of the bytes of the unsigned JSON. What
//     comes out is the same JSON under RFC 8785, so that the digest is the same, too.
//
// Both sign with Ed25519, P-256, P-384 or secp256k1, as the key has it; what is read must agree
// with the key of the verification method that kid names. Keys and certificates in headers are
// not looked at, but of a did:x509 in [Format].
//
// The danger: the bytes of a token are no name for it: ECDSA signatures are malleable, and an unprotected
// header is not signed. Use [vc.Verified.Digest].
package cose

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// The media types of what this package writes.
const (
	MediaTypeCredential   = "application/vc+cose" // VC-JOSE-COSE 1.0 §6.1
	MediaTypePresentation = "application/vp+cose"
	MediaTypeCWT          = "application/cwt" // RFC 8392 §9.2; credentials and presentations
)

// What content type (3) calls the payload of the first two.
const (
	contentVC = "application/vc"
	contentVP = "application/vp"
)

// maxDepth is the nesting of documents, as in package vc.
const maxDepth = 32

// Format is application/vc+cose and application/vp+cose (VC-JOSE-COSE 1.0 §3.3).
//
// Credentials carry the time of signing in the CWT claims of the protected header (RFC 9597);
// presentations carry aud and nonce there as well, which has 8 to 64 bytes (RFC 9711 §4.1).
//
// x5chain (RFC 9360), in either header, is looked at only where kid is a key of a did:x509, which pins
// a certificate in it: see [vc.Verifier]'s Certificates.
type Format struct {
	// Chain is what Seal writes as x5chain: the certificates, in DER and leaf first, of an issuer
	// or holder with a did:x509. Open does not look at it.
	Chain [][]byte
}

var _ vc.Format = Format{}

// Recognizes implements [vc.Format].
func (Format) Recognizes(mediaType string, raw []byte) bool {
	if mediaType != "" {
		return mediaType == MediaTypeCredential || mediaType == MediaTypePresentation
	}
	isMap, _ := payloadIsMap(raw)
	return looksLike(raw) && !isMap
}

// looksLike reports whether raw begins as a COSE_Sign1 message, or one that lacks its tag or has
// that of a CWT. JSON and JOSE begin with none of these bytes.
func looksLike(raw []byte) bool {
	return len(raw) > 0 && (raw[0] == 0xd2 || raw[0] == 0x84 || bytes.HasPrefix(raw, []byte{0xd8, 61}))
}

// payloadIsMap reports whether the payload of a message begins as a CBOR map does. If the message
// cannot be read, either format says why.
func payloadIsMap(raw []byte) (bool, error) {
	m, err := cosesign1.Parse(cosesign1.StripCWTTag(raw), vc.MaxPresentationBytes)
	return err == nil && len(m.Payload) > 0 && m.Payload[0]>>5 == byte(cbor.Map), err
}

// Open implements [vc.Format].
func (Format) Open(raw []byte) (*vc.Envelope, error) {
	m, err := cosesign1.Parse(raw, vc.MaxPresentationBytes)
	if err != nil {
		return nil, err
	}
	e := &vc.Envelope{Document: m.Payload, Verify: m.Verify}

	// typ says what it is. It may be left out, and then the content type says (§3.3.1, §3.3.2).
	switch {
	case m.Typ == MediaTypeCredential, m.Typ == "" && m.ContentType == contentVC:
		e.MediaType = MediaTypeCredential
	case m.Typ == MediaTypePresentation, m.Typ == "" && m.ContentType == contentVP:
		e.MediaType, e.Presentation = MediaTypePresentation, true
	default:
		return nil, fmt.Errorf("cose: typ (16) is %.80q, want %s or %s", m.Typ, MediaTypeCredential, MediaTypePresentation)
	}
	limit, content, signer := vc.MaxCredentialBytes, contentVC, "issuer"
	if e.Presentation {
		limit, content, signer = vc.MaxPresentationBytes, contentVP, "holder"
	}
	if len(raw) > limit {
		return nil, fmt.Errorf("cose: %d bytes, at most %d are read", len(raw), limit)
	}
	if m.ContentType != "" && m.ContentType != content {
		return nil, fmt.Errorf("cose: content type (3) is %.80q, and typ (16) %s", m.ContentType, e.MediaType)
	}

	var c claims
	if m.Claims != nil {
		r := cbor.NewReader(m.Claims)
		err := r.Pairs(func(label cbor.Item) error {
			known, err := c.read(label, r)
			if !known {
				_, err = r.Skip()
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cose: CWT claims (15): %w", err)
		}
	}

	// Who signed: kid is a DID URL, or one relative to the issuer or holder.
	doc, err := strictjson.Parse(m.Payload, strictjson.Limits{Bytes: limit, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("cose: payload: %w", err)
	}
	by := party(doc.Root().Member(signer))
	if c.iss != "" && c.iss != by {
		return nil, fmt.Errorf("cose: iss is %.80q, and the %s %.80q", c.iss, signer, by)
	}
	if by == "" && m.Unprotected { // a kid there is not signed: whoever has the same key in a document could put theirs
		return nil, fmt.Errorf("cose: no %s, and an unprotected header: nothing that is signed says who signed", signer)
	}
	if of := party(doc.Root().Member("credentialSubject")); !e.Presentation && c.sub != "" && of != "" && c.sub != of {
		return nil, fmt.Errorf("cose: sub is %.80q, and credentialSubject %.80q", c.sub, of)
	}
	if e.Method, err = method(m.Kid, by); err != nil {
		return nil, fmt.Errorf("cose: %w", err)
	}
	if e.Method.DID.Method() == "x509" {
		if e.Chain, err = m.Chain(); err != nil {
			return nil, err
		}
	}
	if !e.Presentation && (c.aud != nil || c.nonce != "") {
		return nil, errors.New("cose: aud (3) and nonce (10) answer a challenge: a credential is for all to see")
	}
	c.fill(e)
	return e, nil
}

// party returns the identifier of an issuer or holder: a string, or an object's id.
func party(v strictjson.Value) string {
	if v.Kind() == strictjson.Object {
		v = v.Member("id")
	}
	return v.Text()
}

// method returns the verification method that kid names (VC-JOSE-COSE 1.0 §4.1.2, §4.3): a DID URL,
// or only its fragment, in the document of who is said to have signed. kid may be missing if that
// is a did:key or did:jwk, which has one method that signs.
func method(kid []byte, by string) (did.URL, error) {
	text := string(kid)
	if kid != nil && !strings.HasPrefix(text, "did:") {
		text = by + "#" + strings.TrimPrefix(text, "#")
	}
	if kid == nil {
		if own := keyURL(by); !own.IsZero() {
			return own, nil
		}
		return did.URL{}, fmt.Errorf("kid (4) is missing, and %.80q has no one key that it could be", by)
	}
	url, err := did.ParseURL(text)
	if err == nil && url.Fragment == "" {
		err = errors.New("it has no fragment, which names the key")
	}
	if err != nil {
		return did.URL{}, fmt.Errorf("kid (4) is %.80q, want the DID URL of a verification method: %w", kid, err)
	}
	return url, nil
}

// keyURL is that of a DID, or zero.
func keyURL(by string) did.URL {
	id, _ := did.Parse(by)
	return id.KeyURL()
}

// fill copies what an Envelope has of the claims.
func (c *claims) fill(e *vc.Envelope) {
	e.Created, e.NotBefore, e.Expires = c.iat, c.nbf, c.exp
	e.Nonce, e.Audience, e.Status = c.nonce, c.aud, c.status
}

// Seal implements [vc.Format].
func (f Format) Seal(key crypto.Signer, e *vc.Envelope) ([]byte, error) {
	m := cosesign1.Message{Typ: MediaTypeCredential, ContentType: contentVC, Kid: []byte(e.Method.String()), Payload: e.Document}
	if e.Presentation {
		m.Typ, m.ContentType = MediaTypePresentation, contentVP
	}
	if f.Chain != nil {
		if e.Method.DID.Method() != "x509" {
			return nil, fmt.Errorf("cose: seal: a Chain is for a did:x509, not for %s", e.Method.DID)
		}
		m.X5Chain = cosesign1.EncodeChain(f.Chain)
	}
	c := claims{iat: e.Created, nbf: e.NotBefore, exp: e.Expires, nonce: e.Nonce, aud: e.Audience, status: e.Status}
	pairs, n, err := c.append(nil)
	if err != nil {
		return nil, fmt.Errorf("cose: seal: %w", err)
	}
	if n > 0 {
		m.Claims = append(cbor.AppendMap(nil, n), pairs...)
	}
	raw, err := cosesign1.Sign(key, &m)
	if err != nil {
		return nil, fmt.Errorf("cose: seal: %w", err)
	}
	return raw, sealed(f, raw, e, e.Document)
}

// sealed makes sure that what Seal wrote is read as what it was given.
func sealed(f vc.Format, raw []byte, e *vc.Envelope, document []byte) error {
	back, err := f.Open(raw)
	switch {
	case err != nil:
		return fmt.Errorf("cose: seal: would be refused: %w", err)
	case e.Selective || e.Binding != nil:
		return errors.New("cose: seal: selective disclosure and key bindings have no place in COSE_Sign1")
	case !bytes.Equal(back.Document, document), back.Presentation != e.Presentation, back.Method != e.Method, !back.Created.Equal(e.Created),
		!back.NotBefore.Equal(e.NotBefore), !back.Expires.Equal(e.Expires), back.Nonce != e.Nonce, !slices.Equal(back.Audience, e.Audience):
		return errors.New("cose: seal: would be read as something else")
	}
	return nil
}

// quote appends s as a JSON string. It is UTF-8.
func quote(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// stamp writes a time as documents have it: whole seconds, UTC.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
