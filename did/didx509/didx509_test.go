package didx509_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
)

const (
	digest = "WE4P5dd8DnLHSkyHaIjhp4udlkF9LqoKwCvu9gl38jk"
	prefix = "did:x509:0:sha256:" + digest
)

var ctx = context.Background()

// What no chain could resolve is refused without one, by whoever is asked.
func TestIdentifiersRefused(t *testing.T) {
	long := strings.Repeat("::eku:1.2.3", didx509.MaxPredicates+1)
	for _, c := range []struct {
		name, id string
		want     error
	}{
		{"another method", "did:web:acme.example", did.ErrMethodNotSupported},
		{"a later version", "did:x509:1:sha256:" + digest + "::eku:1.2.3", did.ErrMethodNotSupported},
		{"a version that is no number", "did:x509:v0:sha256:" + digest + "::eku:1.2.3", did.ErrInvalidDID},
		{"a version with a point", "did:x509:0.1:sha256:" + digest + "::eku:1.2.3", did.ErrInvalidDID},
		{"SHA-1", "did:x509:0:sha1:HFAx6WegyY98jzMqLUpTdIdtnvk::eku:1.2.3", didx509.ErrFingerprintSyntax},
		{"a short fingerprint", "did:x509:0:sha256:WE4P::eku:1.2.3", didx509.ErrFingerprintSyntax},
		{"a fingerprint of another hash", "did:x509:0:sha512:" + digest + "::eku:1.2.3", didx509.ErrFingerprintSyntax},
		{"stray bits in the fingerprint", "did:x509:0:sha256:" + digest[:42] + "l::eku:1.2.3", didx509.ErrFingerprintSyntax},
		{"two fingerprints", prefix + ":" + digest + "::eku:1.2.3", didx509.ErrFingerprintSyntax},
		{"no predicate", prefix, didx509.ErrNoPredicate},
		{"too many predicates", prefix + long, didx509.ErrPredicateSyntax},
		{"an unknown predicate", prefix + "::serial:42", didx509.ErrUnknownPredicate},
		{"a predicate in capitals", prefix + "::EKU:1.2.3", didx509.ErrUnknownPredicate},
		{"a predicate without a value", prefix + "::eku", didx509.ErrPredicateSyntax},
		{"a third colon", prefix + ":::eku:1.2.3", didx509.ErrUnknownPredicate},
		{"an empty value", prefix + "::subject:CN::eku:1.2.3", didx509.ErrPredicateSyntax},
		{"subject: a key alone", prefix + "::subject:CN", didx509.ErrPredicateSyntax},
		{"subject: an unknown label", prefix + "::subject:DC:example", didx509.ErrUnknownKey},
		{"subject: a key twice", prefix + "::subject:CN:a:CN:b", didx509.ErrDuplicateKey},
		{"subject: a key twice, encoded", prefix + "::subject:CN:a:C%4E:b", didx509.ErrDuplicateKey},
		{"subject: not UTF-8", prefix + "::subject:CN:%FF", didx509.ErrPredicateSyntax},
		{"san: no type", prefix + "::san:acme.example", didx509.ErrPredicateSyntax},
		{"san: two values", prefix + "::san:dns:a:b", didx509.ErrPredicateSyntax},
		{"san: a directory name", prefix + "::san:dn:CN", didx509.ErrPredicateSyntax},
		{"eku: a name", prefix + "::eku:codeSigning", didx509.ErrPredicateSyntax},
		{"eku: two", prefix + "::eku:1.2:1.3", didx509.ErrPredicateSyntax},
		{"fulcio-issuer: two", prefix + "::fulcio-issuer:a:b", didx509.ErrPredicateSyntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := did.MustParse(c.id)
			_, err := didx509.Resolve(id, drone().chain, shift)
			require.ErrorIs(t, err, c.want)
			_, err = didx509.Resolver{}.Resolve(ctx, id, did.Version{})
			require.ErrorIs(t, err, c.want)
			require.True(t, did.IsAnswer(err))
			_, err = didx509.Resolver{}.Presented(nil).Resolve(ctx, id, did.Version{})
			require.ErrorIs(t, err, c.want)
		})
	}
}

// A chain that is not one is refused, whatever the identifier pins in it.
func TestChainsRefused(t *testing.T) {
	root := holder{}.issue("Acme Root", seeded(1), true, nil)
	line := root.issue("Acme Line 1", seeded(2), true, nil)
	under := func(ca func(*x509.Certificate), leaf func(*x509.Certificate)) didx509.Chain {
		return root.issue("Line", seeded(2), true, ca).issue("drone", seeded(3), false, leaf).chain
	}
	with := func(chain didx509.Chain, i int, c *x509.Certificate) didx509.Chain {
		out := append(didx509.Chain(nil), chain...)
		out[i] = c
		return out
	}
	good := line.issue("drone", seeded(3), false, nil).chain
	stranger := holder{}.issue("Acme Root", seeded(9), true, nil)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	name := func(cn string) []byte {
		der, err := asn1.Marshal(pkix.Name{Organization: []string{cn}}.ToRDNSequence())
		require.NoError(t, err)
		return der
	}
	// constraints holds one directory name: tag 0 permits it, tag 1 excludes it.
	constraints := func(tag byte, general byte, value []byte) func(*x509.Certificate) {
		wrap := func(tag byte, b []byte) []byte { return append([]byte{tag, byte(len(b))}, b...) }
		return extra("2.5.29.30", true, wrap(0x30, wrap(0xa0|tag, wrap(0x30, wrap(general, value)))))
	}
	const directory = 0xa4
	twice := func(c *x509.Certificate) {
		c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "a"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "b"}}
	}

	for _, c := range []struct {
		name  string
		chain didx509.Chain
		want  error
	}{
		{"none", nil, didx509.ErrTooShort},
		{"the leaf alone", good[:1], didx509.ErrTooShort},
		{"a hole", with(good, 1, nil), didx509.ErrMalformed},
		{"one not parsed", with(good, 1, &x509.Certificate{}), didx509.ErrMalformed},
		{"nine", append(append(append(append(didx509.Chain(nil), good...), good...), good...)[:8:8], good[2]), didx509.ErrLimit},
		{"root first", didx509.Chain{good[2], good[1], good[0]}, didx509.ErrOrder},
		{"one left out", didx509.Chain{good[0], good[2]}, didx509.ErrOrder},
		{"a stranger between", didx509.Chain{good[0], stranger.chain[0], good[1], good[2]}, didx509.ErrOrder},
		{"the root twice", append(append(didx509.Chain(nil), good...), good[2]), didx509.ErrOrder},
		{"an anchor that does not vouch for itself", root.issue("Acme Root", seeded(4), true, nil).issue("drone", seeded(3), false, nil).chain[:2], didx509.ErrSignature},
		{"another root of that name", with(good, 2, stranger.chain[0]), didx509.ErrSignature},
		{"a leaf that issues", line.issue("drone", seeded(3), false, nil).issue("parasite", seeded(8), false, nil).chain, didx509.ErrNotCA},
		{"a CA without basic constraints", under(func(c *x509.Certificate) { c.BasicConstraintsValid = false }, nil), didx509.ErrNotCA},
		{"a CA that may not sign", under(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, nil), didx509.ErrNotCA},
		{"a path too long", root.issue("A", seeded(4), true, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }).
			issue("B", seeded(5), true, nil).issue("drone", seeded(6), false, nil).chain, didx509.ErrPathLength},
		{"an extension that is critical and unknown", under(nil, extra("1.2.3.4", true, []byte{5, 0})), didx509.ErrCriticalExtension},
		{"one of the CA", under(extra("1.2.3.4", true, []byte{5, 0}), nil), didx509.ErrCriticalExtension},
		{"critical CRL distribution points", under(nil, extra("2.5.29.31", true, []byte{0x30, 0})), didx509.ErrCriticalExtension},
		{"a leaf that has ended", under(nil, func(c *x509.Certificate) { c.NotAfter = shift.Add(-time.Second) }), didx509.ErrPeriod},
		{"a CA that has ended", under(func(c *x509.Certificate) { c.NotAfter = shift.Add(-time.Second) }, nil), didx509.ErrPeriod},
		{"a leaf that has not begun", under(nil, func(c *x509.Certificate) { c.NotBefore = shift.Add(time.Second) }), didx509.ErrPeriod},
		{"a DNS name outside", under(func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"acme.example"} },
			func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }), didx509.ErrNameConstraints},
		{"a constraint that a shorter path would avoid", root.issue("Acme Root", seeded(1), true, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"acme.example"} }).
			issue("drone", seeded(3), false, func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }).chain, didx509.ErrOrder},
		{"a directory name that is not permitted", under(constraints(0, directory, name("Other")), nil), didx509.ErrNameConstraints},
		{"a directory name that is excluded", under(constraints(1, directory, name(" ACME")), nil), didx509.ErrNameConstraints},
		{"a directory name in the alternative names", under(constraints(1, directory, name("Other")),
			extra("2.5.29.17", false, append([]byte{0x30, byte(len(name("Other")) + 2), directory, byte(len(name("Other")))}, name("Other")...))), didx509.ErrNameConstraints},
		{"a URI at a host below the permitted one", under(func(c *x509.Certificate) { c.PermittedURIDomains = []string{"acme.example"} },
			func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "https", Host: "a.acme.example"}} }), didx509.ErrNameConstraints},
		{"an e-mail address at a host below the permitted one", under(func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"acme.example"} },
			func(c *x509.Certificate) { c.EmailAddresses = []string{"a@a.acme.example"} }), didx509.ErrNameConstraints},
		{"a constraint on registered IDs", under(constraints(1, 0x88, []byte{0x2a}), nil), didx509.ErrNameConstraints},
		{"an e-mail address in the subject", under(func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"acme.example"} }, func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "a@other.example"}}
		}), didx509.ErrNameConstraints},
		{"a policy that must be there", under(extra("2.5.29.36", true, []byte{0x30, 3, 0x80, 1, 0}), nil), didx509.ErrPolicy},
		{"an attribute twice", under(nil, twice), didx509.ErrDuplicateAttribute},
		{"an attribute of the CA twice", under(twice, nil), didx509.ErrDuplicateAttribute},
		{"an IP address as alternative name", under(nil, func(c *x509.Certificate) { c.IPAddresses = []net.IP{{192, 0, 2, 1}} }), didx509.ErrSANType},
		{"a hardwareModuleName (RFC 4108)", under(nil, extra("2.5.29.17", false,
			[]byte{0x30, 0x18, 0xa0, 0x16, 6, 8, 0x2b, 6, 1, 5, 5, 7, 8, 4, 0xa0, 0x0a, 0x30, 8, 6, 2, 0x2a, 3, 4, 2, 0, 0x2a})), didx509.ErrSANType},
		{"a directory name as alternative name, with an attribute twice", under(nil, extra("2.5.29.17", false, func() []byte {
			der, err := asn1.Marshal(pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "a"}, {Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "b"}}}.ToRDNSequence())
			require.NoError(t, err)
			return append([]byte{0x30, byte(len(der) + 2), directory, byte(len(der))}, der...)
		}())), didx509.ErrDuplicateAttribute},
		{"a leaf that only signs certificates", under(nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), didx509.ErrKeyUsage},
		{"an RSA key of 1024 bits", line.issue("drone", weak, false, nil).chain, didx509.ErrLimit},
		{"a key of no use", under(nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), didx509.ErrKeyUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := did.MustParse(pinned(good) + "::subject:O:Acme")
			if n := len(c.chain); n > 1 && c.chain[n-1] != nil {
				id = did.MustParse(pinned(c.chain) + "::subject:O:Acme")
			}
			_, err := didx509.Resolve(id, c.chain, shift)
			require.ErrorIs(t, err, c.want)
			require.True(t, did.IsAnswer(err))
		})
	}
}

// pinned is the beginning of an identifier that pins the last certificate of a chain.
func pinned(chain didx509.Chain) string {
	sum := sha256.Sum256(chain[len(chain)-1].Raw)
	return "did:x509:0:sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// A chain that is good is no proof of being somebody else.
func TestPredicatesRefused(t *testing.T) {
	leaf := factory().issue("drone", seeded(3), false, func(c *x509.Certificate) {
		c.DNSNames = []string{"drone.acme.example"}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		extra("1.3.6.1.4.1.57264.1.1", false, []byte("https://id.acme.example"))(c)
	}).chain
	bare := factory().issue("drone", seeded(3), false, nil).chain
	for _, c := range []struct {
		name  string
		chain didx509.Chain
		id    string
		want  error
	}{
		{"all of them", leaf, "::subject:CN:drone:O:Acme::san:dns:drone.acme.example::eku:1.3.6.1.5.5.7.3.2::fulcio-issuer:id.acme.example", nil},
		{"needless encoding", leaf, "::subject:CN:%64rone", nil},
		{"a subject in other letters", leaf, "::subject:CN:Drone", didx509.ErrNoMatch},
		{"a part of a subject", leaf, "::subject:CN:dron", didx509.ErrNoMatch},
		{"a label by its OID", leaf, "::subject:2.5.4.3:drone", didx509.ErrNoMatch},
		{"one of two", leaf, "::subject:CN:drone:O:Other", didx509.ErrNoMatch},
		{"one of two predicates", leaf, "::subject:CN:drone::subject:O:Other", didx509.ErrNoMatch},
		{"a name of another type", leaf, "::san:uri:drone.acme.example", didx509.ErrNoMatch},
		{"another usage", leaf, "::eku:1.3.6.1.5.5.7.3.1", didx509.ErrNoMatch},
		{"another issuer", leaf, "::fulcio-issuer:id.other.example", didx509.ErrNoMatch},
		{"no alternative names", bare, "::san:dns:drone.acme.example", didx509.ErrNoExtension},
		{"no extended key usage", bare, "::eku:1.3.6.1.5.5.7.3.2", didx509.ErrNoExtension},
		{"no issuer", bare, "::fulcio-issuer:id.acme.example", didx509.ErrNoExtension},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := didx509.Resolve(did.MustParse(pinned(c.chain)+c.id), c.chain, shift)
			require.ErrorIs(t, err, c.want)
		})
	}
	// The leaf is no CA, whatever its digest.
	_, err := didx509.Resolve(did.MustParse(pinned(leaf[:1])+"::subject:CN:drone"), leaf, shift)
	require.ErrorIs(t, err, didx509.ErrFingerprint)
}

// What RFC 5280 and the method leave to a CA is left to it.
func TestChainsTaken(t *testing.T) {
	root := holder{}.issue("Acme Root", seeded(1), true, nil)
	name, err := asn1.Marshal(pkix.Name{Organization: []string{"acme "}}.ToRDNSequence())
	require.NoError(t, err)
	rootName := root.chain[0].RawSubject
	wrap := func(tag byte, b []byte) []byte { return append([]byte{tag, byte(len(b))}, b...) }
	for name, chain := range map[string]didx509.Chain{
		"a CA's new key, signed with its old one": root.issue("Acme Root", seeded(4), true, nil).issue("drone", seeded(3), false, nil).chain,
		"a new key does not count in the path length": holder{}.issue("Acme Root", seeded(1), true, func(c *x509.Certificate) {
			c.MaxPathLen, c.MaxPathLenZero = 0, true
		}).issue("Acme Root", seeded(2), true, nil).issue("drone", seeded(3), false, nil).chain,
		"an intermediate CA as anchor": root.issue("Line", seeded(2), true, nil).issue("drone", seeded(3), false, nil).chain[:2],
		"a leaf that is a CA": root.issue("Line", seeded(2), true, func(c *x509.Certificate) {
			c.KeyUsage |= x509.KeyUsageDigitalSignature
		}).chain,
		"a permitted directory name": root.issue("Line", seeded(2), true,
			extra("2.5.29.30", true, wrap(0x30, wrap(0xa0, wrap(0x30, wrap(0xa4, name)))))).issue("drone", seeded(3), false, nil).chain,
		"a CA's new key, whose name is none that the CA may certify": holder{}.issue("Acme Root", seeded(1), true,
			extra("2.5.29.30", true, wrap(0x30, wrap(0xa1, wrap(0x30, wrap(0xa4, rootName)))))).issue("Acme Root", seeded(4), true, nil).
			issue("drone", seeded(3), false, nil).chain,
		"an e-mail address and URIs at permitted hosts": root.issue("Line", seeded(2), true, func(c *x509.Certificate) {
			c.PermittedURIDomains, c.PermittedEmailAddresses = []string{"acme.example", ".acme.example"}, []string{"a@b.example", ".acme.example"}
		}).issue("drone", seeded(3), false, func(c *x509.Certificate) {
			c.URIs = []*url.URL{{Scheme: "https", Host: "ACME.example:8443"}, {Scheme: "https", Host: "a.b.acme.example"}}
			c.EmailAddresses = []string{"a@B.example", "c@a.acme.example"}
		}).chain,
		"critical alternative names, one a directory name": root.issue("drone", seeded(3), false, extra("2.5.29.17", true,
			wrap(0x30, append(append(wrap(0x81, []byte("a@acme.example")), wrap(0x86, []byte("urn:a"))...), wrap(0xa4, name)...)))).chain,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := didx509.Resolve(did.MustParse(pinned(chain)+"::subject:O:Acme"), chain, shift)
			require.NoError(t, err)
		})
	}
}

// What the key usage of a certificate says of its key, the document does, for every kind of key.
func TestKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		key  func() (crypto.Signer, error)
	}{
		{"Ed25519", func() (crypto.Signer, error) { return seeded(3), nil }},
		{"P-256", func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }},
		{"P-521", func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) }},
		{"P-384", func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }},
		{"RSA", func() (crypto.Signer, error) { return rsaKey, nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := c.key()
			require.NoError(t, err)
			chain := factory().issue("drone", key, false, nil).chain
			id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("CN", "drone"))
			require.NoError(t, err)
			doc, err := didx509.Resolve(id, chain, shift)
			require.NoError(t, err)
			require.Len(t, doc.AssertionMethod, 1)
			require.Empty(t, doc.KeyAgreement)
			raw, err := doc.MarshalJSON()
			require.NoError(t, err)
			require.NotContains(t, string(raw), "keyAgreement")
			pub, err := doc.Key(id.URL("0"), did.AssertionMethod)
			require.NoError(t, err)
			require.Equal(t, key.Public(), pub)
			_, err = doc.Key(id.URL("0"), did.CapabilityInvocation)
			require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
		})
	}

	t.Run("agreement only", func(t *testing.T) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		chain := factory().issue("drone", key, false, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }).chain
		id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("CN", "drone"))
		require.NoError(t, err)
		doc, err := didx509.Resolve(id, chain, shift)
		require.NoError(t, err)
		_, err = doc.Key(id.URL("0"), did.AssertionMethod)
		require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
		_, err = doc.Key(id.URL("0"), did.KeyAgreement)
		require.NoError(t, err)
	})
	t.Run("a kind that no document has", func(t *testing.T) {
		key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
		require.NoError(t, err)
		chain := factory().issue("drone", key, false, nil).chain
		_, err = didx509.New(chain, didx509.Pin{}, didx509.Subject("CN", "drone"))
		require.ErrorIs(t, err, did.ErrKeyNotSupported)
	})
}

func TestMintingRefused(t *testing.T) {
	chain := drone().chain
	for _, c := range []struct {
		name string
		pin  didx509.Pin
		p    []didx509.Predicate
		want error
	}{
		{"no predicate", didx509.Pin{}, nil, didx509.ErrNoPredicate},
		{"one that does not fit", didx509.Pin{}, []didx509.Predicate{didx509.Subject("2.5.4.5", "0043")}, didx509.ErrNoMatch},
		{"a key without a value", didx509.Pin{}, []didx509.Predicate{didx509.Subject("O")}, didx509.ErrPredicateSyntax},
		{"no keys", didx509.Pin{}, []didx509.Predicate{didx509.Subject()}, did.ErrInvalidDID},
		{"two in one", didx509.Pin{}, []didx509.Predicate{"subject:O:Acme::subject:2.5.4.5:0042"}, didx509.ErrPredicateSyntax},
		{"what is no part of a DID", didx509.Pin{}, []didx509.Predicate{"subject:O:A cme"}, did.ErrInvalidDID},
		{"a certificate that is not there", didx509.Pin{CA: 3}, []didx509.Predicate{"subject:O:Acme"}, didx509.ErrFingerprintSyntax},
		{"MD5", didx509.Pin{Hash: crypto.MD5}, []didx509.Predicate{"subject:O:Acme"}, didx509.ErrFingerprintSyntax},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := didx509.New(chain, c.pin, c.p...)
			require.ErrorIs(t, err, c.want)
		})
	}
	_, err := chain.Subject("CN")
	require.ErrorIs(t, err, didx509.ErrNoMatch)
	_, err = didx509.Chain(nil).Subject()
	require.ErrorIs(t, err, didx509.ErrTooShort)
	pair := []string{"O", "Ac me"}
	require.Equal(t, didx509.Predicate("subject:O:Ac%20me"), didx509.Subject(pair...))
	require.Equal(t, "Ac me", pair[1]) // the caller's own
}

func TestTextsRefused(t *testing.T) {
	chain := drone().chain
	block := func(typ string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}))
	}
	file := block("CERTIFICATE", chain[0].Raw) + block("CERTIFICATE", chain[1].Raw) + block("CERTIFICATE", chain[2].Raw)
	got, err := didx509.ParseChain([]byte("subject=O = Acme\n" + file + "\nand that was all\n"))
	require.NoError(t, err)
	require.Equal(t, chain.DER(), got.DER())

	b64 := base64.StdEncoding.EncodeToString(chain[0].Raw)
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", didx509.ErrTooShort},
		{"one", block("CERTIFICATE", chain[0].Raw), didx509.ErrTooShort},
		{"more than is read", strings.Repeat("A", 200<<10), didx509.ErrLimit},
		{"nine", strings.Repeat(block("CERTIFICATE", chain[0].Raw), 9), didx509.ErrLimit},
		{"one too large", block("CERTIFICATE", make([]byte, didx509.MaxCertificateBytes+1)) + file, didx509.ErrLimit},
		{"all too large", strings.Repeat(block("CERTIFICATE", make([]byte, didx509.MaxCertificateBytes)), 5), didx509.ErrLimit},
		{"PEM: a private key", file + block("PRIVATE KEY", []byte("secret")), didx509.ErrMalformed},
		{"PEM: something else", file + block("X509 CRL", []byte{1}), didx509.ErrMalformed},
		{"PEM: cut short", file[:len(file)-40], didx509.ErrMalformed},
		{"PEM: no certificate in it", block("CERTIFICATE", []byte("x")) + file, didx509.ErrMalformed},
		{"x5c: base64url", `["` + strings.NewReplacer("+", "-", "/", "_").Replace(b64) + `-_","` + b64 + `"]`, didx509.ErrMalformed},
		{"x5c: a line break", `["` + b64[:64] + `\n` + b64[64:] + `","` + b64 + `"]`, didx509.ErrMalformed},
		{"x5c: a number", `[1,"` + b64 + `"]`, didx509.ErrMalformed},
		{"x5c: cut short", `["` + b64 + `"`, didx509.ErrMalformed},
		{"x509chain: padding", chain.String() + "=", didx509.ErrMalformed},
		{"x509chain: a comma too many", chain.String() + ",", didx509.ErrMalformed},
		{"x509chain: a line break", strings.Replace(chain.String(), ",", ",\n", 1), didx509.ErrMalformed},
		{"x509chain: something behind a certificate", base64.RawURLEncoding.EncodeToString(append(chain[0].Raw, 0)) + "," + chain.String(), didx509.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := didx509.ParseChain([]byte(c.text))
			require.ErrorIs(t, err, c.want)
			require.True(t, did.IsAnswer(err))
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

// A Resolver goes by the chains it has, at the version's time; that none fits is no answer.
func TestResolver(t *testing.T) {
	first := factory().issue("", seeded(3), false, func(c *x509.Certificate) {
		serial("0042")(c)
		c.NotAfter = shift
	})
	second := factory().issue("", seeded(4), false, func(c *x509.Certificate) {
		serial("0042")(c)
		c.NotBefore = shift.Add(time.Second)
	})
	stranger := holder{}.issue("Acme Root", seeded(66), true, nil).issue("", seeded(67), false, serial("0042"))
	subject, err := first.chain.Subject()
	require.NoError(t, err)
	id, err := didx509.New(first.chain, didx509.Pin{}, subject)
	require.NoError(t, err)
	again, err := didx509.New(second.chain, didx509.Pin{}, subject)
	require.NoError(t, err)
	require.Equal(t, id, again) // the same machine with its next certificate

	// Each key counts in the period of its certificate.
	r := didx509.Resolver{Chains: []didx509.Chain{stranger.chain, first.chain, second.chain}}
	key := func(r did.Resolver, at time.Time) (crypto.PublicKey, error) {
		return did.Key(ctx, r, id.URL("0"), did.AssertionMethod, did.Version{Time: at})
	}
	for _, c := range []struct {
		at   time.Time
		want holder
	}{{shift.AddDate(0, -1, 0), first}, {shift, first}, {shift.Add(time.Second), second}, {time.Time{}, second}} {
		pub, err := key(r, c.at)
		require.NoError(t, err)
		require.Equal(t, c.want.key.Public(), pub, "%s", c.at)
	}
	_, err = key(r, begin.Add(-time.Hour))
	require.ErrorIs(t, err, didx509.ErrChainNeeded)
	require.ErrorContains(t, err, "not in its period") // not that the stranger's root is another
	require.False(t, did.IsAnswer(err))
	any := r
	any.AnyTime = true
	pub, err := key(any, begin.Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, first.key.Public(), pub)

	_, err = didx509.Resolver{Chains: []didx509.Chain{stranger.chain}}.Resolve(ctx, id, did.Version{})
	require.ErrorIs(t, err, didx509.ErrChainNeeded)
	_, err = r.Resolve(ctx, id, did.Version{ID: "1"})
	require.ErrorIs(t, err, did.ErrNotFound)
	_, err = r.Resolve(ctx, id, did.Version{ID: "1", Time: shift})
	require.ErrorIs(t, err, did.ErrInvalidOptions)

	// What came with a message is what counts for it: here every no is an answer.
	for name, der := range map[string][][]byte{"nothing": nil, "no certificates": {{1}, {2}}, "a stranger's": stranger.chain.DER(), "ended": first.chain.DER()} {
		_, err = r.Presented(der).Resolve(ctx, id, did.Version{})
		require.True(t, did.IsAnswer(err), name)
	}

	// The application has the last word, and may have none yet.
	revoked := errors.New("the revocation list cannot be reached")
	r.Check = func(_ context.Context, of did.DID, chain didx509.Chain, at time.Time) error {
		require.Equal(t, id, of)
		require.Equal(t, shift, at)
		if chain[0].Equal(first.chain[0]) {
			return revoked
		}
		return nil
	}
	_, err = key(r, shift)
	require.ErrorIs(t, err, revoked)
	require.False(t, did.IsAnswer(err))
	revoked = did.ErrDeactivated
	_, err = r.Presented(first.chain.DER()).Resolve(ctx, id, did.Version{Time: shift})
	require.ErrorIs(t, err, did.ErrDeactivated)
}

// X25519 certificates (RFC 8410) agree on keys. Go reads them and does not write them, so one for another key is
// written, and signed again with this one in its place.
func TestX25519(t *testing.T) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca := factory()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begin, NotAfter: never, Subject: pkix.Name{CommonName: "drone"}, KeyUsage: x509.KeyUsageKeyAgreement}
	der, err := x509.CreateCertificate(nil, c, ca.chain[0], seeded(9).Public(), ca.key)
	require.NoError(t, err)
	var parts struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	_, err = asn1.Unmarshal(der, &parts)
	require.NoError(t, err)
	theirs, err := x509.MarshalPKIXPublicKey(seeded(9).Public())
	require.NoError(t, err)
	ours, err := x509.MarshalPKIXPublicKey(key.PublicKey())
	require.NoError(t, err)
	require.Len(t, ours, len(theirs))
	tbs := bytes.Replace(parts.TBS.FullBytes, theirs, ours, 1)
	signature, err := ca.key.Sign(nil, tbs, crypto.Hash(0)) // Ed25519
	require.NoError(t, err)
	parts.TBS.FullBytes, parts.Signature = tbs, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}
	der, err = asn1.Marshal(parts)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	chain := append(didx509.Chain{leaf}, ca.chain...)
	id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("CN", "drone"))
	require.NoError(t, err)
	doc, err := didx509.Resolve(id, chain, shift)
	require.NoError(t, err)
	pub, err := doc.Key(id.URL("0"), did.KeyAgreement)
	require.NoError(t, err)
	require.Equal(t, key.PublicKey(), pub)
}

// Whatever byte of a leaf is changed, nobody gets another key for it, nor another machine's name.
func TestTamperedLeaf(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, signer := range map[string]crypto.Signer{"Ed25519": seeded(1), "P-256": key} {
		h := holder{}.issue("Acme Root", signer, true, nil).issue("", seeded(3), false, serial("0042"))
		subject, err := h.chain.Subject()
		require.NoError(t, err)
		id, err := didx509.New(h.chain, didx509.Pin{}, subject)
		require.NoError(t, err)
		der := h.chain.DER()
		for i := range der[0] {
			for _, flip := range []byte{1, 0x20, 0x80, 0xff} {
				forged := append([]byte(nil), der[0]...)
				forged[i] ^= flip
				_, err := didx509.Resolver{AnyTime: true}.Presented([][]byte{forged, der[1]}).Resolve(ctx, id, did.Version{})
				require.Error(t, err, "%s: byte %d with %#x", name, i, flip)
				require.True(t, did.IsAnswer(err))
			}
		}
	}
}

// A minted identifier resolves with its chain, and with no chain that lacks the pinned CA.
func TestMintedResolves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ0 -._~:%/?#+,=\"\\éß語\U0001F681")), 1, 12, 40)
		depth := rapid.IntRange(1, 5).Draw(t, "CAs")
		cn, number, host := text.Draw(t, "CN"), text.Draw(t, "serialNumber"), rapid.StringMatching(`[a-z]{1,8}\.example`).Draw(t, "host")
		build := func(seed byte) holder {
			h := holder{}
			for i := range depth {
				h = h.issue("CA "+string(rune('A'+i)), seeded(seed+byte(i)), true, nil)
			}
			return h.issue("", seeded(100), false, func(c *x509.Certificate) {
				c.Subject = pkix.Name{CommonName: cn, SerialNumber: number, Organization: []string{"Acme"}}
				c.DNSNames = []string{host}
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			})
		}
		mine, other := build(1).chain, build(50).chain
		all := []didx509.Predicate{didx509.Subject("CN", cn), didx509.Subject("2.5.4.5", number, "O", "Acme"), didx509.SAN("dns", host), didx509.EKU("1.3.6.1.5.5.7.3.2")}
		pin := didx509.Pin{
			CA:   rapid.IntRange(0, depth).Draw(t, "pinned"),
			Hash: rapid.SampledFrom([]crypto.Hash{0, crypto.SHA256, crypto.SHA384, crypto.SHA512}).Draw(t, "hash"),
		}
		id, err := didx509.New(mine, pin, rapid.Permutation(all).Draw(t, "predicates")[:rapid.IntRange(1, len(all)).Draw(t, "n")]...)
		require.NoError(t, err)

		chain, err := didx509.ParseChain([]byte(mine.String()))
		require.NoError(t, err)
		doc, err := didx509.Resolve(id, chain, shift)
		require.NoError(t, err)
		pub, err := doc.Key(id.URL("0"), did.Authentication)
		require.NoError(t, err)
		require.Equal(t, seeded(100).Public().(ed25519.PublicKey), pub)

		_, err = didx509.Resolve(id, other, shift)
		require.ErrorIs(t, err, didx509.ErrFingerprint)
		// Chains end where they like; but with the pinned CA gone, so is the identifier.
		ca := pin.CA
		if ca == 0 {
			ca = depth
		}
		_, err = didx509.Resolve(id, mine[:ca], shift)
		require.Error(t, err)
		_, err = didx509.Resolve(id, mine[:max(2, ca+1)], shift)
		require.NoError(t, err)
	})
}

// What a resolution costs beside the signatures that it has to check: three of a chain of three.
func BenchmarkResolve(b *testing.B) {
	key := func() crypto.Signer {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(b, err)
		return key
	}
	h := holder{}.issue("Acme Root", key(), true, nil).issue("Acme Line 1", key(), true, nil).issue("", key(), false, serial("0042"))
	subject, err := h.chain.Subject()
	require.NoError(b, err)
	id, err := didx509.New(h.chain, didx509.Pin{}, subject)
	require.NoError(b, err)
	v := did.Version{Time: shift}

	for name, r := range map[string]did.Resolver{"at hand": didx509.Resolver{Chains: []didx509.Chain{h.chain}}, "presented": didx509.Resolver{}.Presented(h.chain.DER())} {
		b.Run(name, func(b *testing.B) {
			var spent, base time.Duration
			for b.Loop() { // by turns, so that both see the same machine
				start := time.Now()
				_, err := r.Resolve(ctx, id, v)
				middle := time.Now()
				bare := h.chain[0].CheckSignatureFrom(h.chain[1])
				spent, base = spent+middle.Sub(start), base+time.Since(middle)
				if err != nil || bare != nil {
					b.Fatal(err, bare)
				}
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/resolution")
			b.ReportMetric(float64(spent)/float64(base), "x/check")
		})
	}
}
