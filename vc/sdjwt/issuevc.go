package sdjwt

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// typVC is the typ of an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc-19 §2.2.1). Its drafts of
// before November 2024 had vc+sd-jwt, which is now that of W3C credentials and is read as
// such only.
const typVC = "dc+sd-jwt"

// A Credential is an SD-JWT VC by nobody yet (draft-ietf-oauth-sd-jwt-vc-19 §2.2.2). IssueVC
// signs it.
type Credential struct {
	Type      string       // required: vct, a name that nobody else gives to another type
	Also      []string     // aka_vcts: further types that it is also of (§2.2.2.2)
	Claims    []byte       // a JSON object: what it says beside the claims of the other fields
	Subject   string       // sub; empty means none
	NotBefore time.Time    // nbf; zero means none
	Expires   time.Time    // exp; zero means never
	Status    []byte       // status, a JSON object such as {"status_list":{"idx":7,"uri":"…"}}; nil means none
	Confirm   Confirmation // cnf: whose signature proves possession; zero means nobody's
	Options                // what the holder may leave out
}

// An Issuer signs SD-JWT VCs as one DID with one key. It is safe for concurrent use if
// Key is.
type Issuer struct {
	ID     did.DID
	Key    crypto.Signer
	Method did.URL          // verification method of Key; zero derives it for did:key and did:jwk
	Now    func() time.Time // nil means time.Now
	Chain  [][]byte         // of a did:x509: the certificates that go along as x5c, in DER, leaf first
}

// vcRules are those of an SD-JWT VC: what must not be disclosed, whole or in part
// (§2.2.2.3), and aud (RFC 9901 §9.7).
func vcRules() rules {
	return rules{
		clear:  []string{"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "aud"},
		closed: []string{"cnf", "aka_vcts", "status", "aud"},
		known:  envelopeClaims(),
	}
}

// IssueVC signs c. It refuses to sign what [Verifier.VerifyVC] would refuse to read.
func (i *Issuer) IssueVC(c *Credential) ([]byte, error) {
	if i.ID.IsZero() || i.Key == nil || c.Type == "" {
		return nil, errors.New("sdjwt: issue: ID, Key and Type are required")
	}
	method := i.Method
	if method == (did.URL{}) {
		var err error
		if method, err = methodOf("", i.ID); err != nil {
			return nil, fmt.Errorf("sdjwt: issue as %s: Method is required: name the verification method of Key", i.ID)
		}
	}
	if url, err := did.ParseURL(method.String()); err != nil || url != method || url.DID != i.ID {
		return nil, fmt.Errorf("sdjwt: issue as %s: Method %.80q is no DID URL of it", i.ID, method.String())
	}

	// Claims last: a name that is there twice is refused when the whole is read.
	out, err := appendQuoted([]byte(`{"vct":`), c.Type)
	if err == nil && c.Also != nil {
		out, err = appendTexts(append(out, `,"aka_vcts":`...), c.Also)
	}
	if err == nil {
		out, err = appendQuoted(append(out, `,"iss":`...), i.ID.String())
	}
	if err == nil && c.Subject != "" {
		out, err = appendQuoted(append(out, `,"sub":`...), c.Subject)
	}
	if err == nil && !c.Confirm.isZero() {
		out, err = c.Confirm.appendTo(append(out, `,"cnf":`...))
	}
	if err != nil {
		return nil, fmt.Errorf("sdjwt: issue: %w", err)
	}
	for _, t := range []struct {
		name string
		time time.Time
	}{{"iat", clock(i.Now)}, {"nbf", c.NotBefore}, {"exp", c.Expires}} {
		if !t.time.IsZero() {
			out = strconv.AppendInt(append(out, `,"`+t.name+`":`...), t.time.Unix(), 10)
		}
	}
	if c.Status != nil {
		if out, err = appendObject(append(out, `,"status":`...), c.Status); err != nil {
			return nil, fmt.Errorf("sdjwt: issue: Status: %w", err)
		}
	}
	claims := []byte("{}")
	if c.Claims != nil {
		if claims, err = appendObject(nil, c.Claims); err != nil {
			return nil, fmt.Errorf("sdjwt: issue: Claims: %w", err)
		}
	}
	if bytes.TrimLeft(claims[1:], " \t\r\n")[0] != '}' {
		out = append(out, ',')
	}
	t, err := issue(i.Key, jws.Header{Typ: typVC, Kid: method.String(), Chain: i.Chain}, append(out, claims[1:]...), c.Options, vcRules(), MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("sdjwt: issue as %s: %w", i.ID, err)
	}
	if _, err := readVC(t); err != nil {
		return nil, fmt.Errorf("sdjwt: issue as %s: %w", i.ID, err)
	}
	return []byte(t.String()), nil
}

// appendTexts appends a JSON array of strings.
func appendTexts(dst []byte, list []string) (_ []byte, err error) {
	dst = append(dst, '[')
	for i, text := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendQuoted(dst, text); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendObject appends a JSON object, and nothing that would go on behind it.
func appendObject(dst, raw []byte) ([]byte, error) {
	doc, err := strictjson.Parse(raw, strictjson.Limits{Bytes: MaxBytes, Depth: MaxDepth})
	if err != nil {
		return dst, err
	}
	if doc.Root().Kind() != strictjson.Object {
		return dst, fmt.Errorf("want a JSON object, got %s", doc.Root().Kind())
	}
	return append(dst, doc.Root().Raw()...), nil
}

func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}
