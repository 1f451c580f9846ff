package didx509

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// labels are the attributes that the method calls by a name (RFC 4514 §3); all others go by their OID.
var labels = [...]struct{ oid, label string }{
	{"2.5.4.3", "CN"}, {"2.5.4.7", "L"}, {"2.5.4.8", "ST"}, {"2.5.4.10", "O"}, {"2.5.4.11", "OU"}, {"2.5.4.6", "C"}, {"2.5.4.9", "STREET"},
}

// A pair is an attribute of a name by its key, or an alternative name by its type.
type pair struct{ key, value string }

// attributes returns a name as the method's model has it: no attribute twice.
func attributes(name []pkix.AttributeTypeAndValue) (out []pair, err error) {
	for _, a := range name {
		key := a.Type.String()
		for _, l := range labels {
			if l.oid == key {
				key = l.label
			}
		}
		if slices.ContainsFunc(out, func(p pair) bool { return p.key == key }) {
			return nil, fmt.Errorf("%w: %s", ErrDuplicateAttribute, key)
		}
		text, ok := a.Value.(string)
		if !ok {
			return nil, fmt.Errorf("%w: a name whose %s is no text", ErrMalformed, key)
		}
		out = append(out, pair{key, text})
	}
	return out, nil
}

// parseName reads a distinguished name whose values are all text.
func parseName(der []byte) (name pkix.RDNSequence, err error) {
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: a name that cannot be read", ErrMalformed)
	}
	for _, rdn := range name {
		for _, a := range rdn {
			if _, ok := a.Value.(string); !ok {
				return nil, fmt.Errorf("%w: a name whose %s is no text", ErrMalformed, a.Type)
			}
		}
	}
	return name, nil
}

// Tags of GeneralName (RFC 5280 §4.2.1.6).
const (
	tagEmail     = 1
	tagDNS       = 2
	tagDirectory = 4
	tagURI       = 6
	tagIP        = 7
)

// alternativeNames reads the subject alternative names by type: email, dns and uri. Directory names
// may be there, but no predicate is about them. Other types make the certificate one that the model
// does not hold, also if they are not asked for: a machine whose certificate names it by a
// hardwareModuleName (RFC 4108) cannot have a did:x509 of version 0.
func alternativeNames(c *x509.Certificate) (out []pair, err error) {
	value, ok := extension(c, oidSAN)
	if !ok {
		return nil, nil
	}
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(value, &names); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: alternative names that cannot be read", ErrMalformed)
	}
	for _, n := range names {
		text := string(n.Bytes)
		switch {
		case n.Class != asn1.ClassContextSpecific:
			return nil, fmt.Errorf("%w: it is no GeneralName", ErrSANType)
		case n.Tag == tagEmail:
			out = append(out, pair{"email", text})
		case n.Tag == tagDNS:
			out = append(out, pair{"dns", text})
		case n.Tag == tagURI:
			out = append(out, pair{"uri", text})
		case n.Tag == tagDirectory:
			name, err := parseName(n.Bytes)
			if err == nil {
				_, err = attributes(slices.Concat(name...))
			}
			if err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("%w: GeneralName [%d]", ErrSANType, n.Tag)
		}
	}
	return out, nil
}

// extendedKeyUsages returns the OIDs of what the leaf is for (RFC 5280 §4.2.1.12).
func extendedKeyUsages(c *x509.Certificate) (oids []asn1.ObjectIdentifier, ok bool) {
	value, ok := extension(c, oidEKU)
	if !ok {
		return nil, false
	}
	if rest, err := asn1.Unmarshal(value, &oids); err != nil || len(rest) > 0 {
		return nil, false
	}
	return oids, true
}

// constrain applies what ca says about the names of certificates below it (RFC 5280 §4.2.1.10), as
// far as package x509 does not: directory names, e-mail addresses in subjects, and that a host of
// e-mail addresses or URIs is permitted without those below it, unless a period says otherwise. A
// form of name that neither knows is refused, critical or not.
func constrain(ca *x509.Certificate, below Chain) error {
	value, ok := extension(ca, oidNameConstraints)
	if !ok {
		return nil
	}
	type subtree struct {
		Base     asn1.RawValue
		Min, Max asn1.RawValue `asn1:"optional"` // [0] and [1], which RFC 5280 does not use
	}
	var trees struct {
		Permitted []subtree `asn1:"optional,tag:0"`
		Excluded  []subtree `asn1:"optional,tag:1"`
	}
	if rest, err := asn1.Unmarshal(value, &trees); err != nil || len(rest) > 0 {
		return fmt.Errorf("%w: they cannot be read", ErrNameConstraints)
	}
	email := false
	hosts := map[int][]string{} // permitted, by the tag of their names
	directories := func(of []subtree, permitted bool) (out []pkix.RDNSequence, err error) {
		for _, t := range of {
			if permitted {
				hosts[t.Base.Tag] = append(hosts[t.Base.Tag], string(t.Base.Bytes))
			}
			switch {
			case t.Base.Class != asn1.ClassContextSpecific || len(t.Min.FullBytes)+len(t.Max.FullBytes) > 0:
				return nil, fmt.Errorf("%w: one that RFC 5280 does not have", ErrNameConstraints)
			case t.Base.Tag == tagEmail:
				email = true
			case t.Base.Tag == tagDNS, t.Base.Tag == tagURI, t.Base.Tag == tagIP:
			case t.Base.Tag == tagDirectory:
				name, err := parseName(t.Base.Bytes)
				if err != nil {
					return nil, err
				}
				out = append(out, name)
			default:
				return nil, fmt.Errorf("%w: on GeneralName [%d], which nobody checks", ErrNameConstraints, t.Base.Tag)
			}
		}
		return out, nil
	}
	permitted, err := directories(trees.Permitted, true)
	if err != nil {
		return err
	}
	excluded, err := directories(trees.Excluded, false)
	if err != nil {
		return err
	}

	for i, cert := range below {
		if i > 0 && selfIssued(cert) {
			continue // a CA's new key, which certifies nobody new (§6.1.3 b, c)
		}
		names := [][]byte{cert.RawSubject}
		if value, ok := extension(cert, oidSAN); ok {
			var all []asn1.RawValue
			if _, err := asn1.Unmarshal(value, &all); err != nil {
				return fmt.Errorf("%w: alternative names of certificate %d cannot be read", ErrMalformed, i)
			}
			for _, n := range all {
				switch {
				case n.Class != asn1.ClassContextSpecific:
				case n.Tag == tagDirectory:
					names = append(names, n.Bytes)
				case (n.Tag == tagEmail || n.Tag == tagURI) && len(hosts[n.Tag]) > 0 && !slices.ContainsFunc(hosts[n.Tag], func(permitted string) bool {
					return hostWithin(n.Tag, string(n.Bytes), permitted)
				}):
					return fmt.Errorf("%w: an e-mail address or URI of certificate %d is not permitted", ErrNameConstraints, i)
				}
			}
		}
		for _, der := range names {
			name, err := parseName(der)
			if err != nil {
				return err
			}
			in := func(base pkix.RDNSequence) bool { return within(name, base) }
			switch {
			case len(name) == 0: // an empty subject is no name
			case slices.ContainsFunc(excluded, in):
				return fmt.Errorf("%w: a directory name of certificate %d is excluded", ErrNameConstraints, i)
			case len(permitted) > 0 && !slices.ContainsFunc(permitted, in):
				return fmt.Errorf("%w: a directory name of certificate %d is not permitted", ErrNameConstraints, i)
			case email && len(cert.EmailAddresses) == 0 && slices.ContainsFunc(slices.Concat(name...), isEmail):
				return fmt.Errorf("%w: they are on e-mail addresses, and certificate %d has its own in the subject, where it is not checked", ErrNameConstraints, i)
			}
		}
	}
	return nil
}

// hostWithin reports whether the host of an e-mail address or URI is the permitted one, or below it
// if that begins with a period; or the address is the permitted one (RFC 5280 §4.2.1.10). Package
// x509 looks at the rest.
func hostWithin(tag int, name, permitted string) bool {
	if strings.Contains(permitted, "@") {
		return strings.EqualFold(name, permitted)
	}
	host := name[strings.LastIndexByte(name, '@')+1:]
	if u, err := url.Parse(name); tag == tagURI && err == nil {
		host = u.Hostname()
	}
	host, permitted = strings.ToLower(host), strings.ToLower(permitted)
	return host == permitted || permitted == "" || permitted[0] == '.' && strings.HasSuffix(host, permitted)
}

func isEmail(a pkix.AttributeTypeAndValue) bool {
	return a.Type.String() == "1.2.840.113549.1.9.1"
}

// within reports whether name begins with base (RFC 5280 §7.1: by the text of its values, without
// regard to case and to how many spaces there are).
func within(name, base pkix.RDNSequence) bool {
	if len(base) > len(name) {
		return false
	}
	fold := func(v any) string { return strings.ToLower(strings.Join(strings.Fields(v.(string)), " ")) }
	for i, rdn := range base {
		if len(rdn) != len(name[i]) {
			return false
		}
		for _, a := range rdn { // a set, in any order
			if !slices.ContainsFunc(name[i], func(b pkix.AttributeTypeAndValue) bool {
				return a.Type.Equal(b.Type) && fold(a.Value) == fold(b.Value)
			}) {
				return false
			}
		}
	}
	return true
}
