// Package jose secures credentials and presentations as JSON Web Tokens: the media types
// application/vc+jwt and application/vp+jwt of VC-JOSE-COSE 1.0 (Securing Verifiable
// Credentials using JOSE and COSE), and, to be verified only, the JWTs of VCDM 1.1 §6.3.1.
//
//	issuer := vc.Issuer{ID: id, Key: key, Format: jose.Format{}}
//	verifier := vc.Verifier{Formats: []vc.Format{jose.Format{}}}
//
// Algorithms are EdDSA, ES256, ES384, ES512 and ES256K. The key decides which of them it is; the
// header has to agree, and never brings a key of its own.
//
// The danger: the text of a token is malleable. Of one signature by ECDSA another can be
// made, and JSON has many spellings. What names a credential is [vc.Verified.Digest], which
// covers what it says and none of the claims about the token.
package jose

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// The media types, as [vc.Verified.MediaType] names them.
const (
	MediaTypeCredential   = "application/vc+jwt" // VC-JOSE-COSE 1.0 §6.1.1
	MediaTypePresentation = "application/vp+jwt" // VC-JOSE-COSE 1.0 §6.1.2
	MediaTypeJWT          = "application/jwt"    // RFC 7519 §10.3.1; here, one with a claim vc or vp
)

// maxDepth is how deep a payload may nest: 32 levels, as package vc reads, within a
// claim vc of VCDM 1.1.
const maxDepth = 33

// Format is the [vc.Format] of JSON Web Tokens. The zero value is ready for use.
//
// A token is what its typ says: vc+jwt or vp+jwt. VC-JOSE-COSE §3.1 says "should", so one
// whose typ is missing or JWT is what its payload is: a credential or presentation, or a
// claim vc or vp around one. A token of any other typ is refused.
//
// The verification method is kid, a DID URL. One that is only a fragment counts from iss. A
// did:key or did:jwk has one method that signs, so that kid may be missing where iss names such a
// DID; did-jwt-vc leaves it out.
//
// x5c is taken only where kid is a key of a did:x509, which pins a certificate in it: see
// [vc.Verifier]'s Certificates. Of any other signer a chain proves nothing, and the token is refused.
//
// Claims about the token stand beside the members of the credential, and are taken out of
// it: iss is its issuer, or the presentation's holder, or the token is refused; so is jti its id and
// sub its subject's, where it has them; iat, nbf and exp bound the signature, as validFrom
// and validUntil bound the statement; nonce and aud answer a challenge; status names a
// Token Status List. A credential with aud is refused, since nobody who verifies a credential
// says who they are (RFC 7519 §4.1.3). The key in cnf is not asked for: who presents a credential is its
// subject, by the subject's own key.
type Format struct {
	// Chain is what Seal writes as x5c: the certificates, in DER and leaf first, of an issuer or
	// holder with a did:x509. Open does not look at it.
	Chain [][]byte
}

// Recognizes implements [vc.Format].
func (Format) Recognizes(mediaType string, raw []byte) bool {
	switch mediaType {
	case MediaTypeCredential, MediaTypePresentation, MediaTypeJWT:
		return true
	case "":
		// What starts with "{" starts with "e" in base64; SD-JWTs do, too, and have a "~".
		raw = bytes.TrimSpace(raw)
		return len(raw) > 0 && raw[0] == 'e' && bytes.IndexByte(raw, '.') > 0 && bytes.IndexByte(raw, '~') < 0
	}
	return false
}

// Open implements [vc.Format].
func (Format) Open(raw []byte) (*vc.Envelope, error) {
	token, err := jws.ParseCertified(string(raw), vc.MaxPresentationBytes)
	if err != nil {
		return nil, err
	}
	doc, err := strictjson.Parse(token.Payload, strictjson.Limits{Bytes: vc.MaxPresentationBytes, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	root := doc.Root()
	if disclosable(root) {
		return nil, errors.New("an SD-JWT whose disclosures were taken off: what it hides would not be missed")
	}
	var c claims
	if err := c.read(token.Members, root); err != nil {
		return nil, err
	}
	e := &vc.Envelope{
		MediaType: MediaTypeCredential, Document: token.Payload,
		Created: c.iat, NotBefore: c.nbf, Expires: c.exp,
		Nonce: c.nonce, Audience: c.aud, Status: c.status,
		Verify: token.Verify,
	}

	// What is it? The media type of a token that has none, or only JWT, is in its payload.
	wraps := root.Member("vc").Exists() || root.Member("vp").Exists()
	switch {
	case token.Typ == "vc+jwt":
	case token.Typ == "vp+jwt":
		e.Presentation = true
	case token.Typ != "" && token.Typ != "jwt":
		return nil, fmt.Errorf("typ is %.40q, want vc+jwt or vp+jwt", token.Typ)
	case wraps:
		e.MediaType = MediaTypeJWT
		e.Presentation = root.Member("vp").Exists()
	default:
		e.Presentation = has(root.Member("type"), "VerifiablePresentation")
	}
	if wraps && e.MediaType != MediaTypeJWT {
		return nil, errors.New("a vc+jwt or vp+jwt has no claim vc or vp (VC-JOSE-COSE §3.1.3)")
	}
	own, other := "vc", "vp"
	if e.Presentation {
		own, other = other, own
		if e.MediaType != MediaTypeJWT {
			e.MediaType = MediaTypePresentation
		}
	} else if c.aud != nil {
		return nil, fmt.Errorf("aud: the credential is for the eyes of %.80q only", c.aud)
	}
	// cty may be more specific than vc and vp are, but not something else (§3.1.1, §3.1.2).
	if cty := token.Cty; cty == "jwt" || cty == other || strings.HasPrefix(cty, other+"+") {
		return nil, fmt.Errorf("cty is %.40q, want %s", cty, own)
	}

	if e.MediaType == MediaTypeJWT {
		if e.Document, err = c.unwrap(root, own); err != nil {
			return nil, err
		}
		if !e.Presentation {
			e.NotBefore, e.Expires = time.Time{}, time.Time{} // they are the document's, now
		}
	} else {
		if err := c.agree(root, e.Presentation); err != nil {
			return nil, err
		}
		if len(c.present) > 0 {
			e.Document = jcs.Append(nil, root, c.present...)
		}
	}
	if e.Method, err = method(token.Kid, c.iss); err != nil {
		return nil, err
	}
	if e.Chain = token.Chain; e.Chain != nil && e.Method.DID.Method() != "x509" {
		return nil, fmt.Errorf("x5c: a chain that comes with the token proves nothing of %s: name its key with kid", e.Method.DID)
	}
	return e, nil
}

// disclosable reports whether a payload is that of an SD-JWT (RFC 9901 §4.2.4), without whose disclosures its signature
// holds as well. Its typ, which says so, may be missing.
func disclosable(v strictjson.Value) bool {
	if text := v.Raw(); !strings.Contains(text, "_sd") && !strings.Contains(text, `"..."`) {
		return false // as nearly all
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		if v.Kind() == strictjson.Object && (m.Name() == "_sd" || m.Name() == "_sd_alg" || m.Name() == "...") {
			return true
		}
		if disclosable(m) {
			return true
		}
	}
	return false
}

// method returns the verification method that kid names (VC-JOSE-COSE 1.0 §4.1.1, §4.3).
func method(kid, iss string) (did.URL, error) {
	issuer, issErr := did.Parse(iss)
	if kid == "" {
		switch {
		case iss == "":
			return did.URL{}, errors.New("neither kid nor iss says who signed")
		case issErr != nil:
			return did.URL{}, fmt.Errorf("iss: %w", issErr)
		}
		kid = iss
	}
	if !strings.HasPrefix(kid, "did:") {
		if issErr != nil {
			return did.URL{}, fmt.Errorf("kid %.80q is no DID URL, nor is there an iss with a DID that it could be a fragment of", kid)
		}
		kid = iss + "#" + strings.TrimPrefix(kid, "#")
	}
	url, err := did.ParseURL(kid)
	if err != nil {
		return did.URL{}, fmt.Errorf("kid: %w", err)
	}
	if iss != "" && url.DID != issuer {
		return did.URL{}, fmt.Errorf("kid is a key of %s, and iss is %.80q", url.DID, iss)
	}
	if url == (did.URL{DID: url.DID}) { // the DID alone
		if own := url.DID.KeyURL(); !own.IsZero() {
			return own, nil
		}
		return did.URL{}, fmt.Errorf("kid is needed: %s can have many keys", url.DID)
	}
	return url, nil
}

// Seal implements [vc.Format]. It writes iat and, where e has them, nbf, exp, status, nonce
// and aud beside the members of the document, which must have no claims of its own. Credentials
// of VCDM 1.1 are not written.
func (f Format) Seal(key crypto.Signer, e *vc.Envelope) ([]byte, error) {
	doc, err := strictjson.Parse(e.Document, strictjson.Limits{Bytes: vc.MaxPresentationBytes, Depth: maxDepth})
	if err != nil {
		return nil, fmt.Errorf("jose: %w", err)
	}
	root := doc.Root()
	for m := root.First(); m.Exists(); m = m.Next() {
		for _, name := range claimNames {
			if strings.EqualFold(m.Name(), name) {
				return nil, fmt.Errorf("jose: the document has a member %.40q, which would be read as a claim of the token", m.Name())
			}
		}
	}
	switch {
	case root.Kind() != strictjson.Object || root.Len() == 0:
		return nil, errors.New("jose: want a credential or presentation, an object")
	case isV1(root):
		return nil, errors.New("jose: a credential of VCDM 1.1: secure one of 2.0, or embed a proof")
	case e.Method.IsZero():
		return nil, errors.New("jose: Method is missing: it names the key")
	case f.Chain != nil && e.Method.DID.Method() != "x509":
		return nil, fmt.Errorf("jose: a Chain is for a did:x509, not for %s", e.Method.DID)
	}

	text := root.Raw()
	payload := append(make([]byte, 0, len(text)+256), text[:len(text)-1]...)
	member := func(name string, value []byte) {
		payload = append(append(append(payload, `,"`...), name...), `":`...)
		payload = append(payload, value...)
	}
	for _, t := range []struct {
		name string
		time int64
		set  bool
	}{
		{"iat", e.Created.Unix(), !e.Created.IsZero()},
		{"nbf", e.NotBefore.Unix(), !e.NotBefore.IsZero()},
		{"exp", e.Expires.Unix(), !e.Expires.IsZero()},
	} {
		if t.set && t.time < 0 {
			return nil, fmt.Errorf("jose: %s is before 1970", t.name)
		}
		if t.set {
			member(t.name, strconv.AppendInt(nil, t.time, 10))
		}
	}
	if e.Status != nil {
		member("status", e.Status)
	}
	h := jws.Header{Typ: "vc+jwt", Cty: "vc", Kid: e.Method.String(), Chain: f.Chain}
	if e.Presentation {
		h.Typ, h.Cty = "vp+jwt", "vp"
		nonce, err := jsontext.AppendQuote(nil, e.Nonce)
		if err != nil {
			return nil, fmt.Errorf("jose: nonce: %w", err)
		}
		aud := []byte{'['}
		for i, domain := range e.Audience {
			if i > 0 {
				aud = append(aud, ',')
			}
			if aud, err = jsontext.AppendQuote(aud, domain); err != nil {
				return nil, fmt.Errorf("jose: audience: %w", err)
			}
		}
		if aud = append(aud, ']'); len(e.Audience) == 1 {
			aud = aud[1 : len(aud)-1] // RFC 7519 §4.1.3: the usual case may be a string
		}
		member("nonce", nonce)
		member("aud", aud)
	}
	token, err := jws.Sign(key, h, append(payload, '}'))
	if err != nil {
		return nil, fmt.Errorf("jose: %w", err)
	}
	return token, nil
}
