package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// certified returns the chain of a machine that a factory, a new one each time, has certified.
func certified(t *testing.T, key crypto.PublicKey) didx509.Chain {
	_, by, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	issue := func(c, parent *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0)
		der, err := x509.CreateCertificate(nil, c, parent, key, by)
		require.NoError(t, err)
		c, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "Acme Root"}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root := issue(c, c, by.Public())
	return didx509.Chain{issue(&x509.Certificate{Subject: pkix.Name{SerialNumber: "0042"}, KeyUsage: x509.KeyUsageDigitalSignature}, root, key), root}
}

func pemOf(chain didx509.Chain) (file string) {
	for _, c := range chain {
		file += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return file
}

// What a machine signs with the key that its factory certified is verified by the certificates that
// come along, and those of another factory prove nothing.
func TestCertifiedByTheFactory(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, strangersKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	chain, stranger := certified(t, key.Public()), certified(t, strangersKey.Public())
	id := decode[Identifier](t, b.run("", "did", "create", "--method", "x509", "--x509-chain", b.write("chain.pem", pemOf(chain)), "--json")).DID

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

// A key of the keystore that a factory certified signs as a did:x509, and shows credentials as one: the
// certificates go along, and who verifies needs nothing else.
func TestSignsWithTheFactorysCertificate(t *testing.T) {
	b := newBench(t)
	public := func(name string) crypto.PublicKey {
		key, err := did.Key(t.Context(), nil, did.MustParse(b.did(name)).KeyURL(), did.AssertionMethod, did.Version{})
		require.NoError(t, err)
		return key
	}
	press := public("press")
	public("thief")
	b.write("chain.pem", pemOf(certified(t, press)))
	b.write("other.pem", pemOf(certified(t, press)))
	id := strings.TrimSpace(b.ok("did", "create", "--method", "x509", "--x509-chain", "chain.pem"))
	b.write("service.json", service)
	issue := func(args ...string) ran {
		return b.run("", append([]string{"issue", "service.json", "--type", "MaintenanceCredential", "--subject", id, "--as", id}, args...)...)
	}

	for _, format := range []string{"vc+jwt", "vc+sd-jwt", "vc+cose"} {
		r := issue("--key", "press", "--x509-chain", "other.pem", "--x509-chain", "chain.pem", "--format", format)
		require.Equal(t, exitOK, r.code, r.stderr)
		require.Empty(t, r.stderr)
		require.Contains(t, b.ok("verify", b.write("signed", r.stdout)), id, format)

		b.ok("present", "signed", "--key", "press", "--as", id, "--x509-chain", "chain.pem", "--format", format,
			"--nonce", "n-0123456789", "--domain", "lease.example", "--out", "shown-"+format)
		require.Contains(t, b.ok("verify", "shown-"+format, "--nonce", "n-0123456789", "--domain", "lease.example"), "shown by "+id, format)
	}

	// Without certificates it is for those who have them.
	for _, args := range [][]string{{"--x509-chain", "chain.pem"}, {"--format", "vc+jwt"}} {
		r := issue(append(args, "--key", "press")...)
		require.Equal(t, exitOK, r.code, r.stderr)
		require.Contains(t, r.stderr, "signed without certificates")
		b.write("bare", r.stdout)
		require.NotEqual(t, exitOK, b.run("", "verify", "bare").code)
		b.ok("verify", "bare", "--x509-chain", "chain.pem")
	}

	for _, tt := range []struct{ name, key, chain, says string }{
		{"another key", "thief", "chain.pem", "is not the one that signs"},
		{"another factory", "press", "other.pem", "the pinned CA is not in the chain"},
		{"no chain", "press", "service.json", "certificate"},
		{"no file", "press", "gone.pem", "gone.pem"},
	} {
		r := issue("--key", tt.key, "--x509-chain", tt.chain, "--format", "vc+jwt")
		require.NotEqual(t, exitOK, r.code, tt.name)
		require.Empty(t, r.stdout, tt.name)
		require.Contains(t, r.stderr, tt.says, tt.name)
	}
}
