package jose

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// claimNames are the claims that are about a token, and not members of a credential
// (RFC 7519 §4.1; RFC 7800 cnf; Token Status List status), and the wrappers of VCDM 1.1.
var claimNames = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "nonce", "cnf", "status", "vc", "vp"}

// claims are the claims about a token. Texts are "" and times zero where it has none.
type claims struct {
	iss, sub, jti, nonce string
	aud                  []string
	iat, nbf, exp        time.Time
	status               []byte

	present []jcs.Override // leaves those that the token has out of its payload
}

// read reads the claims in the payload root, and iss, which may stand in the header instead.
// Claims that the header repeats are the same there (RFC 7519 §5.3).
func (c *claims) read(header, root strictjson.Value) error {
	if root.Kind() != strictjson.Object {
		return fmt.Errorf("payload: want an object, got %s", root.Kind())
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		var err error
		claim := true
		switch name := m.Name(); name {
		case "iss":
			c.iss, err = jws.Text(m)
		case "sub":
			c.sub, err = jws.Text(m)
		case "jti":
			c.jti, err = jws.Text(m)
		case "nonce":
			c.nonce, err = jws.Text(m)
		case "aud":
			c.aud, err = jws.Strings(m)
		case "iat":
			c.iat, err = jws.Time(m)
		case "nbf":
			c.nbf, err = jws.Time(m)
		case "exp":
			c.exp, err = jws.Time(m)
		case "cnf", "status":
			if m.Kind() != strictjson.Object {
				err = errors.New("want an object")
			} else if name == "status" {
				c.status = []byte(m.Raw())
			}
		default:
			claim = false
			if is, ok := strictjson.CaseVariant(name, claimNames...); ok {
				err = fmt.Errorf("is it %q? names are case-sensitive", is)
			}
		}
		if err != nil {
			return fmt.Errorf("%.40q: %w", m.Name(), err)
		}
		if claim {
			c.present = append(c.present, jcs.Override{Name: m.Name()})
		}
	}
	for _, name := range []string{"iss", "sub", "aud"} {
		h, claim := header.Member(name), root.Member(name)
		if h.Exists() && claim.Exists() && string(jcs.Append(nil, h)) != string(jcs.Append(nil, claim)) {
			return fmt.Errorf("%q is another in the header than in the payload", name)
		}
	}
	if iss := header.Member("iss"); iss.Exists() && c.iss == "" {
		var err error
		if c.iss, err = jws.Text(iss); err != nil {
			return fmt.Errorf("header: iss: %w", err)
		}
	}
	return nil
}

// agree holds the claims against the credential or presentation that they stand beside
// (VC-JOSE-COSE 1.0 §3.1.3, §4.1.2).
func (c *claims) agree(root strictjson.Value, presentation bool) error {
	party := "issuer"
	if presentation {
		party = "holder"
	}
	// What has no holder is presented by whoever signed.
	if by := root.Member(party); c.iss != "" && by.Exists() && idOf(by) != c.iss {
		return fmt.Errorf("iss is %.80q, and %s is %.80q", c.iss, party, idOf(by))
	}
	if id := root.Member("id"); c.jti != "" && id.Exists() && id.Text() != c.jti {
		return fmt.Errorf("jti is %.80q, and id is %.80q", c.jti, id.Text())
	}
	if c.sub == "" || presentation {
		return nil
	}
	ids := subjectIDs(root.Member("credentialSubject"))
	if len(ids) > 0 && !slices.Contains(ids, c.sub) {
		return fmt.Errorf("sub is %.80q, and credentialSubject is %.80q", c.sub, ids)
	}
	return nil
}

// idOf returns the id of an issuer or holder: a string, or an object's member.
func idOf(v strictjson.Value) string {
	if v.Kind() == strictjson.Object {
		v = v.Member("id")
	}
	return v.Text()
}

// subjectIDs returns the ids of those subjects that have one.
func subjectIDs(subjects strictjson.Value) (ids []string) {
	for s := range each(subjects) {
		if id := s.Member("id"); id.Exists() {
			ids = append(ids, id.Text())
		}
	}
	return ids
}

// each goes through the elements of an array, or the one value that is no array.
func each(v strictjson.Value) func(func(strictjson.Value) bool) {
	if v.Kind() == strictjson.Array {
		return v.All()
	}
	return func(yield func(strictjson.Value) bool) {
		if v.Exists() {
			yield(v)
		}
	}
}

// has reports whether a type or @context is or lists name.
func has(v strictjson.Value, name string) bool {
	for e := range each(v) {
		if e.Text() == name {
			return true
		}
	}
	return false
}
