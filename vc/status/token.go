package status

import (
	"crypto"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxTokenBytes is the longest token that is read: a list of MaxPackedBytes, in base64url twice.
const maxTokenBytes = MaxPackedBytes*16/9 + 16<<10

// typeJWT and typeCWT are the types, and media types without "application/", of tokens (Token Status
// List §5.1, §5.2).
const (
	typeJWT = "statuslist+jwt"
	typeCWT = "statuslist+cwt"
)

// A Token is a list as its issuer publishes it (Status List Token, Token Status List §5). To update,
// change List and Issued, and sign again.
type Token struct {
	URI         string        // sub: where it is published; required
	Issued      time.Time     // iat, whole seconds; required
	Expires     time.Time     // exp; zero means it does not say, and an old copy stays good
	TTL         time.Duration // ttl: how long a reader may keep it, whole seconds; zero leaves that to the reader
	Aggregation string        // aggregation_uri: where the issuer names its other lists; "" for none
	List        *TokenList    // required
}

type jsonToken struct {
	Expires int64 `json:"exp,omitzero"`
	Issued  int64 `json:"iat"`
	List    struct {
		Aggregation string `json:"aggregation_uri,omitzero"`
		Bits        int    `json:"bits"`
		List        string `json:"lst"`
	} `json:"status_list"`
	Subject string `json:"sub"`
	TTL     int64  `json:"ttl,omitzero"`
}

// SignJWT returns the token as a JWT, signed with the key of method (§5.1).
func (t *Token) SignJWT(key crypto.Signer, method did.URL) ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	j := jsonToken{Issued: t.Issued.Unix(), Subject: t.URI, TTL: int64(t.TTL / time.Second)}
	if !t.Expires.IsZero() {
		j.Expires = t.Expires.Unix()
	}
	j.List.Aggregation, j.List.Bits = t.Aggregation, t.List.bits
	var err error
	if j.List.List, err = t.List.Encode(); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("status: token %s: %w", t.URI, err)
	}
	signed, err := jws.Sign(key, jws.Header{Typ: typeJWT, Kid: method.String()}, payload)
	if err != nil {
		return nil, fmt.Errorf("status: token %s: %w", t.URI, err)
	}
	return signed, nil
}

// check holds t against the MUSTs of §5.1 and §5.2.
func (t *Token) check() error {
	switch {
	case t.List == nil:
		return errors.New("status: Token needs List")
	case checkURL(t.URI) != nil:
		return fmt.Errorf("status: token: sub: %w", checkURL(t.URI))
	case t.Issued.Unix() <= 0:
		return fmt.Errorf("status: token %s: iat: %s", t.URI, t.Issued)
	case !t.Expires.IsZero() && !t.Expires.After(t.Issued):
		return fmt.Errorf("status: token %s: exp: it expires before it is issued", t.URI)
	case t.TTL < 0 || t.TTL%time.Second != 0:
		return fmt.Errorf("status: token %s: ttl: want whole seconds", t.URI)
	case t.Aggregation != "" && checkURL(t.Aggregation) != nil:
		return fmt.Errorf("status: token %s: aggregation_uri: %w", t.URI, checkURL(t.Aggregation))
	}
	return nil
}

// A signed token is one that was read, and not believed yet.
type signedToken struct {
	Token
	issuer string // iss, which newer drafts do without; "" if it does not say
	method did.URL
	verify func(crypto.PublicKey) error
}

// readJWT reads a token in JWT form.
func readJWT(raw []byte) (*signedToken, error) {
	token, err := jws.Parse(string(raw), maxTokenBytes)
	if err != nil {
		return nil, err
	}
	if token.Typ != typeJWT {
		return nil, fmt.Errorf("typ is %.40q, want %s", token.Typ, typeJWT)
	}
	t := &signedToken{verify: token.Verify}
	if err := t.readClaims(token.Payload); err != nil {
		return nil, err
	}
	return t, t.signedWith(token.Kid)
}

// signedWith notes the verification method that kid names: a DID URL, or only its fragment, in the
// document of iss. kid may be missing if iss is a did:key or did:jwk, which has one method that signs.
func (t *signedToken) signedWith(kid string) (err error) {
	if !strings.HasPrefix(kid, "did:") {
		id, err := did.Parse(t.issuer)
		if err != nil {
			return fmt.Errorf("kid: %.80q is no DID URL, nor is iss a DID that it could be a key of", kid)
		}
		if kid != "" {
			kid = t.issuer + "#" + strings.TrimPrefix(kid, "#")
		} else {
			kid = id.KeyURL().String()
		}
	}
	t.method, err = did.ParseURL(kid)
	if err == nil && t.method.Fragment == "" {
		err = errors.New("it has no fragment, which names the key")
	}
	if err != nil {
		return fmt.Errorf("kid: %.80q: want the DID URL of a verification method: %w", kid, err)
	}
	return nil
}

// The claims with a meaning here: no other may differ from one in case only.
var tokenClaims = []string{"iss", "sub", "iat", "nbf", "exp", "ttl", "status_list", "bits", "lst", "aggregation_uri"}

func (t *signedToken) readClaims(payload []byte) error {
	doc, err := strictjson.Parse(payload, strictjson.Limits{Bytes: maxTokenBytes, Depth: 8, Values: 1 << 10})
	if err != nil {
		return err
	}
	root := doc.Root()
	var notBefore time.Time
	for m := range root.All() {
		switch name := m.Name(); name {
		case "iss":
			t.issuer, err = jws.Text(m)
		case "sub":
			t.URI, err = jws.Text(m)
		case "iat":
			t.Issued, err = jws.Time(m)
		case "nbf":
			notBefore, err = jws.Time(m)
		case "exp":
			t.Expires, err = jws.Time(m)
		case "ttl":
			// A number of seconds: 43200, or 43200.5, of which the fraction gains nobody anything.
			var at time.Time
			at, err = jws.Time(m)
			if t.TTL = time.Duration(min(at.Unix(), int64(maxTTL/time.Second))) * time.Second; err == nil && t.TTL <= 0 {
				err = errors.New("want a positive number of seconds")
			}
		case "status_list":
			err = t.readList(m)
		default:
			if is, ok := strictjson.CaseVariant(name, tokenClaims...); ok {
				err = fmt.Errorf("is it %q? names are case-sensitive", is)
			}
		}
		if err != nil {
			return fmt.Errorf("%.40q: %w", m.Name(), err)
		}
	}
	return t.complete(notBefore)
}

// complete makes sure that what is required is there.
func (t *signedToken) complete(notBefore time.Time) error {
	if t.List == nil {
		return errors.New("status_list is missing")
	}
	if notBefore.After(t.Issued) {
		t.Issued = notBefore // it says nothing of the time before
	}
	return t.check()
}

func (t *signedToken) readList(v strictjson.Value) error {
	var lst strictjson.Value
	var bits int64
	for m := range v.All() {
		switch name := m.Name(); name {
		case "bits":
			bits, _ = m.Int64() // 0, which is refused, if it is no integer
		case "lst":
			lst = m
		case "aggregation_uri":
			t.Aggregation = m.Text()
		default:
			if is, ok := strictjson.CaseVariant(name, tokenClaims...); ok {
				return fmt.Errorf("%.40q: is it %q? names are case-sensitive", name, is)
			}
		}
	}
	if lst.Kind() != strictjson.String || bits < 0 || bits > 8 {
		return errors.New("want bits, 1, 2, 4 or 8, and lst, a string")
	}
	var err error
	t.List, err = DecodeTokenList(lst.Text(), int(bits))
	return err
}
