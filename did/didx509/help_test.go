package didx509_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"github.com/hourmeter/hourmeter/did/didx509"
)

// The factory's certificates begin when it does and, as IEEE 802.1AR §8.7 has it for devices, never end.
var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	shift = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC) // a moment between
)

// A holder is a certificate, those above it, and its key: of a CA or of a machine.
type holder struct {
	chain didx509.Chain
	key   crypto.Signer
}

// seeded returns a key that is the same at each run.
func seeded(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

// issue makes a certificate under h, or under itself if h is zero. change, if any, has the last word.
func (h holder) issue(cn string, key crypto.Signer, ca bool, change func(*x509.Certificate)) holder {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(cn))), NotBefore: begin, NotAfter: never,
		Subject:               pkix.Name{CommonName: cn, Organization: []string{"Acme"}},
		BasicConstraintsValid: true, IsCA: ca, MaxPathLen: -1,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if ca {
		c.KeyUsage = x509.KeyUsageCertSign
	}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if h.key != nil {
		parent, signer = h.chain[0], h.key
	}
	der, err := x509.CreateCertificate(nil, c, parent, key.Public(), signer)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", cn, err))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", cn, err))
	}
	return holder{chain: append(didx509.Chain{cert}, h.chain...), key: key}
}

// factory is a root with an issuing CA below it.
func factory() holder {
	root := holder{}.issue("Acme Root", seeded(1), true, nil)
	return root.issue("Acme Line 1", seeded(2), true, nil)
}

// serial gives a certificate the subject that IEEE 802.1AR §8.6 has for a device.
func serial(number string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject = pkix.Name{Organization: []string{"Acme"}, SerialNumber: number}
	}
}

// drone is a machine with the certificate it left the factory with.
func drone() holder {
	return factory().issue("", seeded(3), false, serial("0042"))
}

// extra adds an extension.
func extra(oid string, critical bool, value []byte) func(*x509.Certificate) {
	id, err := x509.ParseOID(oid)
	if err != nil {
		panic(err)
	}
	return func(c *x509.Certificate) {
		var arcs asn1.ObjectIdentifier
		der, _ := id.MarshalBinary()
		if _, err := asn1.Unmarshal(append([]byte{6, byte(len(der))}, der...), &arcs); err != nil {
			panic(err)
		}
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: arcs, Critical: critical, Value: value})
	}
}
