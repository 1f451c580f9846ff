package jose

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// isV1 reports whether a document is one of VCDM 1.1.
func isV1(root strictjson.Value) bool {
	return has(root.Member("@context"), "https://www.w3.org/2018/credentials/v1")
}

// unwrap returns the document in the claim vc or vp of a JWT, with the claims of the token put
// in their places (VCDM 1.1 §6.3.1, "JWT Decoding"). That section lets a claim replace
// what stands there; here the two have to agree, since other readers look at only one of
// them. A member that is null is not there, as in JSON-LD.
//
// In a document of VCDM 2.0 the times go where that version has them: such tokens are of
// no standard, but the W3C's own test suite sends them.
func (c *claims) unwrap(root strictjson.Value, name string) ([]byte, error) {
	doc := root.Member(name)
	switch {
	case root.Member("vc").Exists() && root.Member("vp").Exists():
		return nil, errors.New("vc and vp: want one of the two")
	case doc.Kind() != strictjson.Object:
		return nil, fmt.Errorf("%s: want an object, got %s", name, doc.Kind())
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		switch m.Name() {
		case "@context", "type", "id", "issuer", "holder", "credentialSubject", "credentialStatus", "verifiableCredential", "proof":
			return nil, fmt.Errorf("%q stands beside the claim %s, and not in it", m.Name(), name)
		}
	}

	var put []jcs.Override
	for m := doc.First(); m.Exists(); m = m.Next() {
		if m.Kind() == strictjson.Null {
			put = append(put, jcs.Override{Name: m.Name()})
		}
	}
	set := func(name string, canonical []byte) {
		put = slices.DeleteFunc(put, func(o jcs.Override) bool { return o.Name == name })
		put = append(put, jcs.Override{Name: name, Canonical: canonical})
	}
	own := func(name string) strictjson.Value {
		if v := doc.Member(name); v.Kind() != strictjson.Null {
			return v
		}
		return strictjson.Value{}
	}

	// jti is the id.
	if id := own("id"); c.jti != "" && !id.Exists() {
		set("id", quote(c.jti))
	} else if c.jti != "" && id.Text() != c.jti {
		return nil, fmt.Errorf("jti is %.80q, and id is %.80q", c.jti, id.Text())
	}

	// iss is the issuer, or the holder. It may be the id of an object that says more.
	party := "issuer"
	if name == "vp" {
		party = "holder"
	}
	switch by := own(party); {
	case c.iss == "" || idOf(by) == c.iss:
	case !by.Exists():
		set(party, quote(c.iss))
	case by.Kind() == strictjson.Object && !by.Member("id").Exists():
		set(party, jcs.Append(nil, by, jcs.Override{Name: "id", Canonical: quote(c.iss)}))
	default:
		return nil, fmt.Errorf("iss is %.80q, and %s is %.80q", c.iss, party, idOf(by))
	}
	if name == "vp" {
		return jcs.Append(nil, doc, put...), nil
	}

	// sub is the id of the subject: of the only one, if it has none of its own.
	if c.sub != "" {
		subjects := own("credentialSubject")
		list := slices.Collect(each(subjects))
		ids := subjectIDs(subjects)
		switch {
		case slices.Contains(ids, c.sub):
		case len(list) == 1 && len(ids) == 0 && list[0].Kind() == strictjson.Object:
			set("credentialSubject", jcs.Append(nil, list[0], jcs.Override{Name: "id", Canonical: quote(c.sub)}))
		case len(list) == 0:
			set("credentialSubject", slices.Concat([]byte(`{"id":`), quote(c.sub), []byte{'}'}))
		default:
			return nil, fmt.Errorf("sub is %.80q, and credentialSubject is %.80q", c.sub, ids)
		}
	}

	// nbf and exp are when it begins and ceases to hold, to the second.
	from, until := "validFrom", "validUntil"
	if isV1(doc) {
		from, until = "issuanceDate", "expirationDate"
	}
	for _, p := range []struct {
		claim, member string
		time          time.Time
	}{{"nbf", from, c.nbf}, {"exp", until, c.exp}} {
		if !root.Member(p.claim).Exists() {
			continue
		}
		stamp := p.time.Format(time.RFC3339Nano)
		if v := own(p.member); !v.Exists() {
			set(p.member, quote(stamp))
		} else if t, err := time.Parse(time.RFC3339, v.Text()); err != nil || t.Unix() != p.time.Unix() {
			return nil, fmt.Errorf("%s is %s, and %s is %.40q", p.claim, stamp, p.member, v.Text())
		}
	}
	return jcs.Append(nil, doc, put...), nil
}

// quote writes text that came from strict JSON, and so cannot fail, as JSON.
func quote(text string) []byte {
	b, _ := jsontext.AppendQuote(nil, text)
	return b
}
