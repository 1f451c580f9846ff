package didx509

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/did"
)

// MaxPredicates is the most predicates an identifier may have. There are four kinds, and no more
// to say about a leaf than a dozen things; the length of a DID bounds them as well.
const MaxPredicates = 16

// A Predicate is one thing that an identifier says about the leaf, as it stands in it:
// "subject:CN:drone%2042". Write one by [Subject], [SAN], [EKU], [FulcioIssuer] or [Chain.Subject];
// [New] refuses what is none.
type Predicate string

// Subject wants the leaf's subject to have these attributes: keys and values in turn, the keys
// being CN, L, ST, O, OU, C, STREET or OIDs, such as 2.5.4.5 for serialNumber ("subject predicate").
func Subject(keysAndValues ...string) Predicate {
	for i := 1; i < len(keysAndValues); i += 2 {
		if i == 1 {
			keysAndValues = slices.Clone(keysAndValues)
		}
		keysAndValues[i] = escape(keysAndValues[i])
	}
	return Predicate("subject:" + strings.Join(keysAndValues, ":"))
}

// SAN wants the leaf to have this subject alternative name, of type email, dns or uri ("san predicate").
func SAN(typ, value string) Predicate { return Predicate("san:" + typ + ":" + escape(value)) }

// EKU wants the leaf to have this extended key usage, an OID in dotted form ("eku predicate").
func EKU(oid string) Predicate { return Predicate("eku:" + oid) }

// FulcioIssuer wants the leaf to be one that Sigstore's Fulcio made for somebody whom this OpenID
// issuer knows, without its https:// ("fulcio-issuer predicate").
func FulcioIssuer(host string) Predicate { return Predicate("fulcio-issuer:" + escape(host)) }

// Subject returns the predicate that wants these attributes of the leaf's subject as the leaf has
// them; without keys, all of them. IEEE 802.1AR has the subject of a device's certificate be
// unique under its CA, so that all of them name one device. The error wraps [ErrNoMatch] if the
// leaf lacks one, or all.
func (c Chain) Subject(keys ...string) (Predicate, error) {
	if len(c) == 0 || c[0] == nil {
		return "", ErrTooShort
	}
	have, err := attributes(c[0].Subject.Names)
	if err != nil {
		return "", err
	}
	var want []string
	for _, a := range have {
		if len(keys) == 0 {
			want = append(want, a.key, a.value)
		}
	}
	for _, key := range keys {
		i := slices.IndexFunc(have, func(a pair) bool { return a.key == key })
		if i < 0 {
			return "", fmt.Errorf("%w: its subject has no %.40q", ErrNoMatch, key)
		}
		want = append(want, key, have[i].value)
	}
	if len(want) == 0 {
		return "", fmt.Errorf("%w: its subject is empty", ErrNoMatch)
	}
	return Subject(want...), nil
}

// A Pin says by which certificate an identifier is bound to a CA. The zero Pin is the chain's last
// one, usually the root, by SHA-256: it lives longest. One that pins an intermediate CA tells apart
// what that CA certifies from what its siblings do.
type Pin struct {
	CA   int         // index in the chain; 0, which is the leaf and no CA, means the last
	Hash crypto.Hash // SHA-256, SHA-384 or SHA-512; 0 means SHA-256
}

// New returns the identifier that pin and the predicates make of a chain ("Create"). It makes sure
// that it resolves by the chain, at any time; whether it is one machine's alone, only the CA knows.
func New(chain Chain, pin Pin, predicates ...Predicate) (did.DID, error) {
	if len(chain) < 2 {
		return did.DID{}, ErrTooShort
	}
	if pin.CA == 0 {
		pin.CA = len(chain) - 1
	}
	if pin.Hash == 0 {
		pin.Hash = crypto.SHA256
	}
	i := slices.IndexFunc(digests[:], func(d digest) bool { return d.id == pin.Hash })
	if pin.CA < 0 || pin.CA >= len(chain) || chain[pin.CA] == nil || i < 0 {
		return did.DID{}, fmt.Errorf("%w: no pin: certificate %d of %d by %s", ErrFingerprintSyntax, pin.CA, len(chain), pin.Hash)
	}
	text := "did:x509:0:" + digests[i].name + ":" + base64.RawURLEncoding.EncodeToString(digests[i].of(chain[pin.CA]))
	for _, p := range predicates {
		text += "::" + string(p)
	}
	id, err := did.Parse(text)
	if err != nil {
		return did.DID{}, err
	}
	// More predicates than were given would come of one with "::" in it.
	if parsed, err := parse(id); err != nil {
		return did.DID{}, err
	} else if len(parsed.predicates) != len(predicates) {
		return did.DID{}, fmt.Errorf("%w: one of them is several", ErrPredicateSyntax)
	}
	if _, err := Resolve(id, chain, time.Time{}); err != nil {
		return did.DID{}, err
	}
	return id, nil
}

// digests are those of fingerprints, by their names in identifiers.
var digests = [...]digest{{"sha256", crypto.SHA256, sha256.New}, {"sha384", crypto.SHA384, sha512.New384}, {"sha512", crypto.SHA512, sha512.New}}

type digest struct {
	name string
	id   crypto.Hash
	new  func() hash.Hash
}

func (d digest) of(c *x509.Certificate) []byte {
	h := d.new()
	h.Write(c.Raw)
	return h.Sum(nil)
}

// escape percent-encodes what the method wants encoded ("Percent-encoding").
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// An identifier is a did:x509, read: whom it takes, not whom it names.
type identifier struct {
	digest      digest
	fingerprint []byte
	predicates  []predicate
}

type predicate struct {
	name string
	args []pair // of subject its attributes, of san the type and value; of the others one value
}

// parse reads an identifier ("DID Syntax"). Every error is an answer.
func parse(id did.DID) (out identifier, err error) {
	if id.Method() != "x509" {
		return out, fmt.Errorf("%w: %.80q is no did:x509", did.ErrMethodNotSupported, id)
	}
	version, rest, _ := strings.Cut(id.Identifier(), ":")
	switch {
	case !isOID(version) || strings.Contains(version, "."):
		return out, fmt.Errorf("%w: the version of a did:x509 is a number, not %.40q", did.ErrInvalidDID, version)
	case version != "0":
		return out, fmt.Errorf("%w: did:x509 of version %.40s, known is 0", did.ErrMethodNotSupported, version)
	}

	parts := strings.Split(rest, "::")
	name, value, _ := strings.Cut(parts[0], ":")
	i := slices.IndexFunc(digests[:], func(d digest) bool { return d.name == name })
	if i < 0 {
		return out, fmt.Errorf("%w: %.40q", ErrFingerprintSyntax, name)
	}
	out.digest = digests[i]
	out.fingerprint, err = base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(out.fingerprint) != out.digest.id.Size() {
		return out, fmt.Errorf("%w: want %d bytes", ErrFingerprintSyntax, out.digest.id.Size())
	}

	if len(parts) == 1 {
		return out, ErrNoPredicate
	}
	if len(parts)-1 > MaxPredicates {
		return out, fmt.Errorf("%w: there are %d, at most %d are read", ErrPredicateSyntax, len(parts)-1, MaxPredicates)
	}
	for _, part := range parts[1:] {
		p, err := parsePredicate(part)
		if err != nil {
			return out, err
		}
		out.predicates = append(out.predicates, p)
	}
	return out, nil
}

func parsePredicate(text string) (p predicate, err error) {
	var values []string
	p.name, values = text, nil
	if name, rest, ok := strings.Cut(text, ":"); ok {
		p.name, values = name, strings.Split(rest, ":")
	}
	for i, v := range values {
		values[i], err = url.PathUnescape(v)
		if err != nil || v == "" || !utf8.ValidString(values[i]) {
			return p, fmt.Errorf("%w: value %d of %s is empty, or not UTF-8 when decoded", ErrPredicateSyntax, i+1, p.name)
		}
	}
	switch p.name {
	case "subject":
		if len(values) == 0 || len(values)%2 != 0 {
			return p, fmt.Errorf("%w: subject wants pairs of key and value", ErrPredicateSyntax)
		}
		for i := 0; i < len(values); i += 2 {
			key := values[i]
			label := false
			for _, l := range labels {
				label = label || l.label == key
			}
			switch {
			case !label && !isOID(key):
				return p, fmt.Errorf("%w: %.40q", ErrUnknownKey, key)
			case slices.ContainsFunc(p.args, func(a pair) bool { return a.key == key }):
				return p, fmt.Errorf("%w: %.40q", ErrDuplicateKey, key)
			}
			p.args = append(p.args, pair{key, values[i+1]})
		}
	case "san":
		if len(values) != 2 || values[0] != "email" && values[0] != "dns" && values[0] != "uri" {
			return p, fmt.Errorf("%w: san wants a type, which is email, dns or uri, and one value", ErrPredicateSyntax)
		}
		p.args = []pair{{values[0], values[1]}}
	case "eku":
		if len(values) != 1 || !isOID(values[0]) {
			return p, fmt.Errorf("%w: eku wants one OID", ErrPredicateSyntax)
		}
		p.args = []pair{{"", values[0]}}
	case "fulcio-issuer":
		if len(values) != 1 {
			return p, fmt.Errorf("%w: fulcio-issuer wants one value", ErrPredicateSyntax)
		}
		p.args = []pair{{"", values[0]}}
	default:
		return p, fmt.Errorf("%w: %.40q", ErrUnknownPredicate, p.name)
	}
	return p, nil
}

// isOID reports whether s is 1*DIGIT *("." 1*DIGIT).
func isOID(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

// fits holds the identifier against a chain that has been checked ("Predicate validation model").
func (w identifier) fits(chain Chain) error {
	if !slices.ContainsFunc(chain[1:], func(ca *x509.Certificate) bool { // never the leaf
		return bytes.Equal(w.digest.of(ca), w.fingerprint)
	}) {
		return ErrFingerprint
	}
	leaf := chain[0]
	for _, p := range w.predicates {
		var have []pair
		var err error
		present := true
		switch p.name {
		case "subject":
			have, err = attributes(leaf.Subject.Names)
		case "san":
			have, err = alternativeNames(leaf)
			present = has(leaf, oidSAN)
		case "eku":
			oids, ok := extendedKeyUsages(leaf)
			present = ok
			for _, oid := range oids {
				have = append(have, pair{"", oid.String()})
			}
		case "fulcio-issuer":
			var issuer []byte
			issuer, present = extension(leaf, oidFulcioIssuer)
			if host, ok := strings.CutPrefix(string(issuer), "https://"); ok {
				have = []pair{{"", host}}
			}
		}
		if err != nil {
			return err
		}
		if !present {
			return fmt.Errorf("%w: %s", ErrNoExtension, p.name)
		}
		for _, arg := range p.args {
			if !slices.Contains(have, arg) {
				return fmt.Errorf("%w: %s", ErrNoMatch, strings.TrimSuffix(p.name+" "+arg.key, " "))
			}
		}
	}
	return nil
}
