package sdjwt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// claimSet are the claims of a JWT that are none of its document (RFC 7519 §4.1).
type claimSet struct {
	issuer, subject, id   string
	created, begins, ends time.Time
	nonce                 string
	audience              []string
	status                []byte
}

// readClaims reads the claims of a JWT, wherever they came from: rules say which of them
// had to be in clear.
func (t *Token) readClaims() (c claimSet, err error) {
	for _, name := range []string{"iss", "sub", "aud"} { // may be repeated in the header (RFC 7519 §5.3)
		if h := t.jwt.Members.Member(name); h.Exists() && h.Raw() != t.root.Member(name).Raw() {
			return c, fmt.Errorf("sdjwt: claim %s is another in the header", name)
		}
	}
	for m := t.root.First(); m.Exists(); m = m.Next() {
		switch m.Name() {
		case "iss":
			c.issuer, err = jws.Text(m)
		case "sub":
			c.subject, err = jws.Text(m)
		case "jti":
			c.id, err = jws.Text(m)
		case "iat":
			c.created, err = jws.Time(m)
		case "nbf":
			c.begins, err = jws.Time(m)
		case "exp":
			c.ends, err = jws.Time(m)
		case "nonce":
			c.nonce, err = jws.Text(m)
		case "aud":
			c.audience, err = jws.Strings(m)
		case "status":
			if m.Kind() != strictjson.Object {
				err = fmt.Errorf("want an object, got %s", m.Kind())
			}
			c.status = []byte(m.Raw())
		}
		if err != nil {
			return c, fmt.Errorf("sdjwt: claim %s: %w", m.Name(), err)
		}
	}
	return c, nil
}

// checkDocument holds the claims of the envelope against those of the document: the same
// thing is not said twice in two ways (VC-JOSE-COSE 1.0 §3.1.3). It returns the DID of
// the one who should have signed, zero if it is not named by one.
func (t *Token) checkDocument(c claimSet, presentation bool) (did.DID, error) {
	party := "issuer"
	if presentation {
		party = "holder"
	}
	named := func(v strictjson.Value) string {
		if v.Kind() == strictjson.Object {
			v = v.Member("id")
		}
		return v.Text()
	}
	signer := named(t.root.Member(party))
	if c.issuer != "" && signer != "" && c.issuer != signer {
		return did.DID{}, fmt.Errorf("sdjwt: iss is %.80q, and %s %.80q", c.issuer, party, signer)
	}
	if signer == "" {
		signer = c.issuer
	}
	if id := t.root.Member("id").Text(); c.id != "" && id != "" && c.id != id {
		return did.DID{}, fmt.Errorf("sdjwt: jti is %.80q, and id %.80q", c.id, id)
	}
	if subject := named(t.root.Member("credentialSubject")); c.subject != "" && subject != "" && c.subject != subject {
		return did.DID{}, fmt.Errorf("sdjwt: sub is %.80q, and credentialSubject.id %.80q", c.subject, subject)
	}
	if c.audience != nil && !presentation {
		return did.DID{}, errors.New("sdjwt: aud: a credential that only some may read cannot be checked here")
	}
	issuer, _ := did.Parse(signer) // another URL is the Verifier's to refuse
	return issuer, nil
}

// document returns the payload without the claims of the envelope.
func (t *Token) document() []byte {
	envelope := envelopeClaims()
	out := make([]byte, 1, len(t.payload))
	out[0] = '{'
	for _, m := range t.members {
		if slices.Contains(envelope, m.name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, t.payload[m.start:m.end]...)
	}
	return append(out, '}')
}

// methodOf returns the verification method that kid names (VC-JOSE-COSE 1.0 §4.1.1): a DID
// URL, or a fragment of the signer's DID document. A did:key or did:jwk has one method that
// signs, which need not be named.
func methodOf(kid string, signer did.DID) (did.URL, error) {
	switch {
	case kid == "":
		kid = signer.String()
	case !strings.HasPrefix(kid, "did:"):
		kid = signer.String() + "#" + strings.TrimPrefix(kid, "#")
	}
	url, err := did.ParseURL(kid)
	if err != nil {
		return did.URL{}, fmt.Errorf("sdjwt: kid: nothing says whose key signed: %w", err)
	}
	if url != (did.URL{DID: url.DID}) {
		return url, nil
	}
	if own := url.DID.KeyURL(); !own.IsZero() {
		return own, nil
	}
	return did.URL{}, fmt.Errorf("sdjwt: kid is needed: %s can have many keys", url.DID)
}
