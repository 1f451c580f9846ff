package sdjwt

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// The media types of this package, which are also its typ without "application/".
const (
	MediaTypeCredential   = "application/vc+sd-jwt" // a credential (VC-JOSE-COSE 1.0 §6.1.3)
	MediaTypePresentation = "application/vp+sd-jwt" // a presentation (§6.1.4)
	MediaTypeSDJWTVC      = "application/dc+sd-jwt" // an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc-19 §2.1)
)

// Format secures the credentials and presentations of package vc as SD-JWTs
// (VC-JOSE-COSE 1.0 §3.2), in the compact form. The zero Format reads all of them, and
// writes them without anything to leave out.
//
// The JSON Pointers are those of the credential, such as
// "/credentialSubject/maintenance/performedBy". What a verifier depends on is refused:
// @context, type, issuer, the period, status, schema, proofs, the place in a chain, and
// whom the credential is about.
type Format struct {
	Disclosable []string     // as in Options; of a credential, not of a presentation
	Recursive   bool         // as in Options
	Decoys      int          // as in Options
	Hash        Hash         // as in Options
	Confirm     Confirmation // whose signature makes a presentation of the credential; zero means nobody's

	// Chain is what Seal writes as x5c: the certificates, in DER and leaf first, of an issuer or
	// holder with a did:x509. Open does not look at it.
	Chain [][]byte
}

// credentialRules are those of a credential or presentation of VCDM 2.0. VC-JOSE-COSE
// 1.0 §3.2.1 asks that what validation needs be in clear, and names credentialStatus and
// credentialSchema; SD-JWT VC §2.2.2.3 names the claims of JWTs. That type and id are
// disclosed happens in its own examples: a holder who hides them shows no credential.
func credentialRules() rules {
	clear := []string{
		"iss", "aud", "exp", "nbf", "iat", "cnf", "status", "nonce", "vct", "vct#integrity", "aka_vcts",
		"@context", "issuer", "validFrom", "validUntil", "issuanceDate", "expirationDate",
		"credentialStatus", "credentialSchema", "proof", "record", "holder",
	}
	return rules{
		clear:  clear,
		closed: []string{"@context", "type", "issuer", "credentialStatus", "credentialSchema", "proof", "record", "holder", "aud", "cnf", "status"},
		issued: []string{"type", "credentialSubject"},
		known:  append(envelopeClaims(), "vc", "vp"),
	}
}

// envelopeClaims are the claims of a JWT that are none of the document in it.
func envelopeClaims() []string {
	return []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "status", "nonce", "vct", "vct#integrity", "aka_vcts"}
}

// Recognizes implements [vc.Format].
func (Format) Recognizes(mediaType string, raw []byte) bool {
	switch strings.ToLower(mediaType) {
	case MediaTypeCredential, MediaTypePresentation, "application/vc+ld+json+sd-jwt", "application/vp+ld+json+sd-jwt":
		return true
	case "":
		// A JWS begins with {" in base64url, and only an SD-JWT has tildes.
		return bytes.HasPrefix(raw, []byte("ey")) && bytes.IndexByte(raw, '~') > 0
	}
	return false
}

// Open implements [vc.Format].
func (Format) Open(raw []byte) (*vc.Envelope, error) {
	t, err := parse(raw, vc.MaxPresentationBytes) // of a credential the Verifier reads less
	if err != nil {
		return nil, err
	}
	return t.envelope()
}

// envelope reads t as a credential or presentation of VCDM 2.0.
func (t *Token) envelope() (*vc.Envelope, error) {
	e := &vc.Envelope{MediaType: MediaTypeCredential, Selective: t.Selective(), Verify: t.Verify, Chain: t.jwt.Chain}
	switch t.jwt.Typ {
	case "vc+sd-jwt", "vc+ld+json+sd-jwt": // the latter is that of drafts
	case "vp+sd-jwt", "vp+ld+json+sd-jwt":
		e.Presentation = true
	case "", "jwt": // typ only SHOULD be there (§3.2.1)
		e.Presentation = hasText(t.root.Member("type"), "VerifiablePresentation")
	default:
		return nil, fmt.Errorf("sdjwt: typ is %.40q, want vc+sd-jwt or vp+sd-jwt", t.jwt.Typ)
	}
	other := "vp"
	if e.Presentation {
		e.MediaType, other = MediaTypePresentation, "vc"
	}
	// cty may be more specific than vc and vp are, but not something else.
	if cty := t.jwt.Cty; cty == "jwt" || cty == other || strings.HasPrefix(cty, other+"+") {
		return nil, fmt.Errorf("sdjwt: cty is %.40q in a token of type %s", cty, e.MediaType)
	}
	if err := credentialRules().check(t); err != nil {
		return nil, err
	}

	if t.root.Member("vc").Exists() || t.root.Member("vp").Exists() {
		return nil, errors.New("sdjwt: claims vc and vp must not be there (VC-JOSE-COSE 1.0 §3.1.3): the payload is the credential")
	}

	// The claims of the envelope, and apart from them the document (§3.1.3).
	own, err := t.readClaims()
	if err != nil {
		return nil, err
	}
	issuer, err := t.checkDocument(own, e.Presentation)
	if err != nil {
		return nil, err
	}
	if e.Method, err = methodOf(t.jwt.Kid, issuer); err != nil {
		return nil, err
	}
	e.Created, e.NotBefore, e.Expires, e.Status = own.created, own.begins, own.ends, own.status
	e.Nonce, e.Audience = own.nonce, own.audience
	e.Document = t.document()

	if t.binding != nil {
		if e.Presentation {
			return nil, errors.New("sdjwt: a presentation is bound by its own signature, and this one has a key binding JWT as well")
		}
		if e.Binding, err = t.keyBinding(); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// keyBinding returns the holder's part of a token, not believed.
func (t *Token) keyBinding() (*vc.KeyBinding, error) {
	c, err := readConfirmation(t.claims.Member("cnf"))
	if err == nil && c.isZero() {
		err = errors.New("there is a key binding JWT, and the issuer named no key of the holder")
	}
	if err != nil {
		return nil, fmt.Errorf("sdjwt: cnf: %w", err)
	}
	b := t.binding
	return &vc.KeyBinding{
		Nonce: b.nonce, Audience: []string{b.audience}, Created: b.created, NotBefore: b.begins, Expires: b.ends,
		Key: c.Key, Method: c.Method, Verify: t.verifyBinding,
	}, nil
}

// Seal implements [vc.Format].
func (f Format) Seal(key crypto.Signer, e *vc.Envelope) ([]byte, error) {
	h := jws.Header{Typ: "vc+sd-jwt", Cty: "vc", Kid: e.Method.String(), Chain: f.Chain}
	o := Options{Disclosable: f.Disclosable, Recursive: f.Recursive, Decoys: f.Decoys, Hash: f.Hash}
	if e.Presentation {
		h.Typ, h.Cty = "vp+sd-jwt", "vp"
		o = Options{}
	}
	doc, err := strictjson.Parse(e.Document, strictjson.Limits{Bytes: vc.MaxPresentationBytes, Depth: MaxDepth})
	if err != nil {
		return nil, fmt.Errorf("sdjwt: seal: %w", err)
	}
	root := doc.Root()
	if root.Kind() != strictjson.Object || root.Len() == 0 {
		return nil, errors.New("sdjwt: seal: want a credential or presentation, an object")
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		if slices.Contains(envelopeClaims(), m.Name()) {
			return nil, fmt.Errorf("sdjwt: seal: the document has a member %q, which would be read as a claim of the token", m.Name())
		}
	}
	text := root.Raw()
	claims := append(make([]byte, 0, len(text)+512), text[:len(text)-1]...)
	for _, c := range []struct {
		name string
		time time.Time
	}{{"iat", e.Created}, {"nbf", e.NotBefore}, {"exp", e.Expires}} {
		if !c.time.IsZero() {
			claims = strconv.AppendInt(append(claims, `,"`+c.name+`":`...), c.time.Unix(), 10)
		}
	}
	if e.Status != nil {
		if claims, err = appendObject(append(claims, `,"status":`...), e.Status); err != nil {
			return nil, fmt.Errorf("sdjwt: seal: Status: %w", err)
		}
	}
	if e.Nonce != "" {
		if claims, err = appendQuoted(append(claims, `,"nonce":`...), e.Nonce); err != nil {
			return nil, fmt.Errorf("sdjwt: seal: Nonce: %w", err)
		}
	}
	if e.Audience != nil {
		if claims, err = appendTexts(append(claims, `,"aud":`...), e.Audience); err != nil {
			return nil, fmt.Errorf("sdjwt: seal: Audience: %w", err)
		}
	}
	if !f.Confirm.isZero() && !e.Presentation {
		if claims, err = f.Confirm.appendTo(append(claims, `,"cnf":`...)); err != nil {
			return nil, fmt.Errorf("sdjwt: seal: %w", err)
		}
	}
	t, err := issue(key, h, append(claims, '}'), o, credentialRules(), vc.MaxPresentationBytes)
	if err != nil {
		return nil, fmt.Errorf("sdjwt: seal: %w", err)
	}
	if _, err := t.envelope(); err != nil {
		return nil, fmt.Errorf("sdjwt: seal: %w", err)
	}
	return []byte(t.String()), nil
}

// hasText reports whether v is text, or an array that has it.
func hasText(v strictjson.Value, text string) bool {
	for e := v.First(); e.Exists(); e = e.Next() {
		if e.Text() == text {
			return true
		}
	}
	return v.Text() == text
}
