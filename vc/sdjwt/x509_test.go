package sdjwt

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/vc"
)

// certified returns the chain and the name of a machine that a new factory has certified until a day after noon.
func certified(t *testing.T, key crypto.PublicKey) (didx509.Chain, did.DID) {
	_, by := newKey(t, "P-256")
	issue := func(c, parent *x509.Certificate, key crypto.PublicKey) *x509.Certificate {
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), noon.AddDate(-1, 0, 0), noon.AddDate(0, 0, 1)
		der, err := x509.CreateCertificate(nil, c, parent, key, by)
		require.NoError(t, err)
		c, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "Acme Root"}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root := issue(c, c, by.Public())
	chain := didx509.Chain{issue(&x509.Certificate{Subject: pkix.Name{SerialNumber: "0042"}, KeyUsage: x509.KeyUsageDigitalSignature}, root, key), root}
	id, err := didx509.New(chain, didx509.Pin{CA: 1}, didx509.Subject("2.5.4.5", "0042"))
	require.NoError(t, err)
	return chain, id
}

// An issuer with a did:x509 is known by the certificates that its token brings, and no other issuer is.
func TestIssuersByTheirCertificates(t *testing.T) {
	_, key := newKey(t, "P-256")
	_, strangersKey := newKey(t, "P-256")
	chain, id := certified(t, key.Public())
	stranger, _ := certified(t, strangersKey.Public())
	shop, _ := newKey(t, "Ed25519")

	presented := Verifier{Certificates: didx509.Resolver{}.Presented, Now: at(noon)}
	issue := func(key crypto.Signer, chain didx509.Chain) []byte {
		i := Issuer{ID: id, Key: key, Method: id.URL("0"), Now: at(noon)}
		if chain != nil {
			i.Chain = chain.DER()
		}
		raw, err := i.IssueVC(&Credential{Type: "https://acme.example/press", Claims: []byte(`{"hours":7}`), Options: Options{Disclosable: []string{"/hours"}}})
		require.NoError(t, err)
		return raw
	}
	good := issue(key, chain)
	out, err := presented.VerifyVC(t.Context(), good, AnyBearer(), IssuedBy("https://acme.example/press", id))
	require.NoError(t, err)
	require.Equal(t, id.URL("0"), out.Method())

	// The same of a credential of package vc.
	signed, err := (&vc.Issuer{ID: id, Key: key, Method: id.URL("0"), Now: at(noon), Format: Format{Chain: chain.DER()}}).
		Issue(&vc.Credential{Subject: shop, Claim: maintenance()})
	require.NoError(t, err)
	v := vc.Verifier{Formats: []vc.Format{Format{}}, Certificates: presented.Certificates, Now: at(noon)}
	_, err = v.Verify(t.Context(), signed, vc.AnyIssuer)
	require.NoError(t, err)
	v.Certificates = nil
	_, err = v.Verify(t.Context(), signed, vc.AnyIssuer)
	require.ErrorIs(t, err, did.ErrMethodNotSupported)

	header := func(kid string) []byte {
		signed, err := jws.Sign(key, jws.Header{Typ: typVC, Kid: kid, Chain: chain.DER()},
			[]byte(`{"vct":"https://acme.example/press","iss":"`+shop.String()+`","iat":1}`))
		require.NoError(t, err)
		return append(signed, '~')
	}
	later, bare := presented, presented
	later.Now = at(noon.AddDate(0, 0, 2))
	bare.Certificates = nil
	for _, tt := range []struct {
		name string
		v    *Verifier
		raw  []byte
		want error // nil: not checked
		says string
	}{
		{"another's key under its certificates", &presented, issue(strangersKey, chain), vc.ErrProof, "signature"},
		{"certificates of another factory", &presented, issue(strangersKey, stranger), vc.ErrProof, "the pinned CA is not in the chain"},
		{"of no did:x509", &presented, header(shop.KeyURL().String()), vc.ErrMalformed, "proves nothing"},
		{"of the issuer that no kid names", &presented, header(""), vc.ErrMalformed, "proves nothing"},
		{"of a did:x509 that is not the issuer", &presented, header(id.URL("0").String()), vc.ErrIssuer, "signed by a key of"},
		{"without certificates", &presented, issue(key, nil), nil, "not supported"},
		{"nobody looks at certificates", &bare, good, nil, "not supported"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.v.VerifyVC(t.Context(), tt.raw, AnyBearer(), AnyIssuer)
			require.Equal(t, tt.want, reason(err), "%v", err)
			require.ErrorContains(t, err, tt.says)
		})
	}
	_, err = later.VerifyVC(t.Context(), good, AnyBearer(), AnyIssuer)
	require.NoError(t, err, "the certificates were good when it was issued")

	_, err = (&Issuer{ID: shop, Key: strangersKey, Method: shop.KeyURL(), Chain: chain.DER()}).IssueVC(&Credential{Type: "x"})
	require.ErrorContains(t, err, "proves nothing")
	require.False(t, errors.Is(err, jws.ErrMalformed))
	require.True(t, strings.HasPrefix(err.Error(), "sdjwt: "))
}
