package didx509_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
)

// directory is a GeneralName with a distinguished name, in DER.
func directory(name pkix.Name) []byte {
	der, err := asn1.Marshal(name.ToRDNSequence())
	if err != nil {
		panic(err)
	}
	out, err := asn1.Marshal(asn1.RawValue{Class: 2, Tag: 4, IsCompound: true, Bytes: der})
	if err != nil {
		panic(err)
	}
	return out
}

func sequence(parts ...[]byte) []byte { return wrap(0, 16, parts...) }

func wrap(class, tag int, parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	out, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: all})
	if err != nil {
		panic(err)
	}
	return out
}

// general is a GeneralName of text.
func general(tag int, text string) []byte {
	out, err := asn1.Marshal(asn1.RawValue{Class: 2, Tag: tag, Bytes: []byte(text)})
	if err != nil {
		panic(err)
	}
	return out
}

// randomChain makes a chain that may be wrong in any of the ways that path validation is about. what
// says which it may have.
func randomChain(r *rand.Rand) (chain didx509.Chain, what []string) {
	one := func(in int) bool { return r.IntN(in) == 0 }
	note := func(format string, args ...any) { what = append(what, fmt.Sprintf(format, args...)) }
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	name := func() pkix.Name {
		n := pkix.Name{Organization: []string{pick("Acme", "ACME", "Bolt")}}
		if one(2) {
			n.OrganizationalUnit = []string{pick("Line 1", "line  1", "Line 2")}
		}
		return n
	}
	names := func() []byte { // a GeneralName as subjects and constraints have it
		switch r.IntN(6) {
		case 0, 1:
			return directory(name())
		case 2:
			return general(1, pick("a@acme.example", "acme.example", ".acme.example", "b@bolt.example"))
		case 3:
			return general(6, pick("https://a.acme.example/x", "https://bolt.example", ".acme.example", "acme.example"))
		}
		return general(2, pick("acme.example", "a.acme.example", ".acme.example", "bolt.example", "a.bolt.example"))
	}
	subjectAlt := func() []byte {
		switch r.IntN(5) {
		case 0, 1:
			return directory(name())
		case 2:
			return general(1, pick("a@acme.example", "a@a.acme.example", "b@bolt.example"))
		case 3:
			return general(6, pick("https://a.acme.example/x", "https://bolt.example", "https://acme.example"))
		}
		return general(2, pick("acme.example", "a.acme.example", "bolt.example", "a.bolt.example"))
	}

	var parent *x509.Certificate
	var signer ed25519.PrivateKey
	n := 2 + r.IntN(4)
	for i := range n {
		ca, renews := i < n-1, false
		c := &x509.Certificate{
			SerialNumber: big.NewInt(int64(1 + r.IntN(1<<30))), NotBefore: begin, NotAfter: never, Subject: name(),
			BasicConstraintsValid: true, IsCA: ca, MaxPathLen: -1, KeyUsage: x509.KeyUsageDigitalSignature,
		}
		if !ca {
			c.Subject.SerialNumber = "0042"
			if one(8) {
				c.Subject = pkix.Name{}
				note("leaf has no subject")
			}
			if one(8) {
				c.IsCA = true
				note("leaf is CA")
			}
		} else {
			c.KeyUsage = x509.KeyUsageCertSign
			if renews = i > 0 && one(5); renews {
				c.Subject = parent.Subject
				note("%d renews a key", i)
			} else {
				c.Subject.CommonName = strconv.Itoa(i)
			}
			if one(4) {
				c.MaxPathLen = r.IntN(3)
				c.MaxPathLenZero = true
				note("%d pathlen %d", i, c.MaxPathLen)
			}
			if one(25) {
				c.IsCA = false
				c.MaxPathLen = -1
				c.MaxPathLenZero = false
				note("%d no CA", i)
			}
			if one(25) {
				c.KeyUsage = x509.KeyUsageDigitalSignature
				note("%d no certSign", i)
			}
			if one(5) {
				c.KeyUsage = 0
			}
		}
		if parent != nil {
			c.AuthorityKeyId = parent.SubjectKeyId // or else openssl takes one that renews a key for a root
		}
		if ca && one(3) {
			tag := r.IntN(2)
			var trees [][]byte
			for range 1 + r.IntN(2) {
				trees = append(trees, sequence(names()))
			}
			value := sequence(wrap(2, tag, trees...))
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: !one(4), Value: value})
			note("%d constrains %d: %q", i, tag, value)
		}
		if !renews && one(3) { // of which package x509 checks them, and RFC 5280 does not
			var alt [][]byte
			for range 1 + r.IntN(2) {
				alt = append(alt, subjectAlt())
			}
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: sequence(alt...)})
			note("%d alternative %q", i, sequence(alt...))
		}
		if one(30) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}})
			note("%d critical", i)
		}
		if one(30) {
			c.NotAfter = shift.Add(-time.Hour)
			note("%d ended", i)
		}
		key := seeded(byte(i + 1))
		by, above := key, c
		if parent != nil {
			by, above = signer, parent
		}
		if one(40) {
			note("%d signed by another", i)
			by = seeded(255)
			if parent == nil {
				key = by // a root signs itself
			}
			if parent != nil {
				forged := *parent
				forged.PublicKey = by.Public()
				above = &forged
			}
		}
		der, err := x509.CreateCertificate(nil, c, above, key.Public(), by)
		if err != nil {
			panic(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil // which is refused before anything is checked
		}
		chain = append(didx509.Chain{cert}, chain...)
		parent, signer = cert, key
	}
	return chain, what
}

var excludesBelow = regexp.MustCompile(`(email address|URI) "[^"]*" is excluded by constraint`)

// Of chains with every kind of mistake, openssl takes the same, but for hosts of e-mail addresses and URIs that are
// excluded: package x509 excludes hosts below them, too, which RFC 5280 §4.2.1.10 does not, and refuses more for it.
func TestChainsAgainstOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not there")
	}
	rounds := 100
	if testing.Short() {
		rounds = 40
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	write := func(name string, certs ...*x509.Certificate) string {
		var text []byte
		for _, c := range certs {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, text, 0o600))
		return name
	}
	taken := 0
	for range rounds {
		chain, what := randomChain(r)
		if chain == nil {
			continue
		}
		_, err := didx509.Resolve(did.MustParse(pinned(chain)+"::eku:1.2.3"), chain, shift)
		ours := errors.Is(err, didx509.ErrNoExtension) // which is looked for last
		args := []string{"verify", "-attime", strconv.FormatInt(shift.Unix(), 10), "-no-CApath", "-no-CAstore", "-check_ss_sig", "-CAfile", write("root.pem", chain[len(chain)-1])}
		if len(chain) > 2 {
			args = append(args, "-untrusted", write("between.pem", chain[1:len(chain)-1]...))
		}
		said, failed := exec.Command(openssl, append(args, write("leaf.pem", chain[0]))...).CombinedOutput()
		if failed == nil && err != nil && excludesBelow.MatchString(err.Error()) {
			continue
		}
		require.Equal(t, failed == nil, ours, "seed %d: here %v\nopenssl: %s\n%s", seed, err, said, strings.Join(what, "\n"))
		if ours {
			taken++
		}
	}
	require.Greater(t, taken, rounds/5)
	require.Less(t, taken, rounds*4/5)
}
