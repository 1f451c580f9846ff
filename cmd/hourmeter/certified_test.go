package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// What a machine signs with the key that its factory certified is verified by the certificates that
// come along, and those of another factory prove nothing.
func TestCertifiedByTheFactory(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	issue := func(c, parent *x509.Certificate, key, by ed25519.PrivateKey) *x509.Certificate {
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
		der, err := x509.CreateCertificate(nil, c, parent, key.Public(), by)
		require.NoError(t, err)
		c, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	factory := func() (didx509.Chain, ed25519.PrivateKey) {
		_, rootKey, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(t, err)
		_, key, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(t, err)
		c := &x509.Certificate{Subject: pkix.Name{CommonName: "Acme Root"}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
		root := issue(c, c, rootKey, rootKey)
		leaf := issue(&x509.Certificate{Subject: pkix.Name{SerialNumber: "0042"}, KeyUsage: x509.KeyUsageDigitalSignature}, root, key, rootKey)
		return didx509.Chain{leaf, root}, key
	}
	chain, key := factory()
	stranger, strangersKey := factory()
	file := ""
	for _, c := range chain {
		file += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	id := decode[Identifier](t, b.run("", "did", "create", "--method", "x509", "--x509-chain", b.write("chain.pem", file), "--json")).DID

	for name, format := range map[string]func(didx509.Chain) vc.Format{
		"vc+jwt":  func(c didx509.Chain) vc.Format { return jose.Format{Chain: c.DER()} },
		"vc+cose": func(c didx509.Chain) vc.Format { return cose.Format{Chain: c.DER()} },
	} {
		i := vc.Issuer{ID: id, Key: key, Method: id.URL("0"), Format: format(chain)}
		c := &vc.Credential{Subject: id, Claim: record.Maintenance{
			Time: now.Add(-time.Hour), BizStep: record.StepInspecting, Disposition: record.DispAvailable,
			Work: record.Work{Category: record.Preventive, Activity: "inspect rotors"},
		}}
		raw, err := i.Issue(c)
		require.NoError(t, err)
		require.Contains(t, b.ok("verify", b.write("good", string(raw))), id.String(), name)

		i.Key, i.Format = strangersKey, format(stranger)
		raw, err = i.Issue(c)
		require.NoError(t, err)
		r := b.run("", "verify", b.write("forged", string(raw)))
		require.Equal(t, exitInvalid, r.code, name)
		require.Contains(t, r.stderr+r.stdout, "the pinned CA is not in the chain", name)
	}
}
