package sdjwt

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// A VC is an SD-JWT VC whose signature, period, status and, if it was asked for, key
// binding were checked. Only a [Verifier] makes one. Everything it says is what the issuer
// signed, directly or by the digest of a disclosure.
//
// It is no [vc.Verified]: its claims have no contexts, and mean what its type says.
type VC struct {
	token  *Token
	types  []string // vct, then aka_vcts
	issuer did.DID
	claims claimSet
	method did.URL
	holder Confirmation
	bound  time.Time
	status []vc.StatusResult
}

// readVC reads what an SD-JWT VC says of itself (draft-ietf-oauth-sd-jwt-vc-19 §2.2).
func readVC(t *Token) (*VC, error) {
	if t.jwt.Typ != typVC {
		return nil, fmt.Errorf("sdjwt: typ is %.40q, want %s", t.jwt.Typ, typVC)
	}
	if err := vcRules().check(t); err != nil {
		return nil, err
	}
	v := &VC{token: t}
	var err error
	if v.claims, err = t.readClaims(); err != nil {
		return nil, err
	}
	vct, err := jws.Text(t.root.Member("vct"))
	if err != nil {
		return nil, fmt.Errorf("sdjwt: claim vct: %w", err)
	}
	v.types = []string{vct}
	if also := t.root.Member("aka_vcts"); also.Exists() {
		list, err := jws.Strings(also)
		if err != nil || also.Kind() != strictjson.Array {
			return nil, fmt.Errorf("sdjwt: claim aka_vcts: want an array of strings")
		}
		v.types = append(v.types, list...)
	}
	if m := t.root.Member("vct#integrity"); m.Exists() && m.Kind() != strictjson.String {
		return nil, fmt.Errorf("sdjwt: claim vct#integrity: want a string")
	}
	if v.claims.audience != nil {
		return nil, fmt.Errorf("sdjwt: claim aud: a credential that only some may read cannot be checked here")
	}
	if v.holder, err = readConfirmation(t.claims.Member("cnf")); err != nil {
		return nil, fmt.Errorf("sdjwt: claim cnf: %w", err)
	}
	return v, nil
}

// String names the credential for people: its type and issuer.
func (v *VC) String() string { return fmt.Sprintf("%s by %s", v.Type(), v.issuer) }

// Type returns the credential's type, vct.
func (v *VC) Type() string { return v.types[0] }

// Types returns vct and, behind it, the types that it is also of, aka_vcts (§2.2.2.2).
func (v *VC) Types() []string { return slices.Clone(v.types) }

// Issuer returns who made the statement.
func (v *VC) Issuer() did.DID { return v.issuer }

// Method returns the verification method whose key signed.
func (v *VC) Method() did.URL { return v.method }

// Subject returns sub; "" if the issuer wrote none or the holder left it out. It is a text:
// it need not be a DID, nor have to do with [VC.Holder] (§2.2.2.3).
func (v *VC) Subject() string { return v.claims.subject }

// Issued returns iat; zero if the issuer wrote none or the holder left it out.
func (v *VC) Issued() time.Time { return v.claims.created }

// Expires returns exp; zero means never.
func (v *VC) Expires() time.Time { return v.claims.ends }

// Holder returns whose key binding was checked; zero with [AnyBearer], whatever the token
// says.
func (v *VC) Holder() Confirmation {
	if v.bound.IsZero() {
		return Confirmation{}
	}
	return v.holder
}

// Bound returns when, by its own word, the holder signed; zero with [AnyBearer].
func (v *VC) Bound() time.Time { return v.bound }

// Selective reports whether the issuer signed something that is not shown.
func (v *VC) Selective() bool { return v.token.Selective() }

// Status returns what the status list said, if the credential names one.
func (v *VC) Status() []vc.StatusResult { return slices.Clone(v.status) }

// Payload returns all claims as JSON, those of JWTs among them.
func (v *VC) Payload() []byte { return v.token.Payload() }

// Raw returns the token in the compact form.
func (v *VC) Raw() string { return v.token.String() }

// Claim decodes a top-level claim into dst. It returns false if the credential has no such
// claim, or does not show it.
func (v *VC) Claim(name string, dst any) (bool, error) {
	m := v.token.root.Member(name)
	if !m.Exists() {
		return false, nil
	}
	if err := json.Unmarshal([]byte(m.Raw()), dst); err != nil {
		return true, fmt.Errorf("sdjwt: claim %s of a %s: %w", name, v, err)
	}
	return true, nil
}
