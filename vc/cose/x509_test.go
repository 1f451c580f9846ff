package cose_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
)

// certified makes a factory's root, and a machine that it certifies by its serial number.
func certified(t testing.TB, serial string) (didx509.Chain, did.DID, ed25519.PrivateKey) {
	now := service(t).Now()
	issue := func(c, parent *x509.Certificate, key, by ed25519.PrivateKey) *x509.Certificate {
		c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), now.AddDate(-1, 0, 0), now.AddDate(40, 0, 0)
		der, err := x509.CreateCertificate(nil, c, parent, key.Public(), by)
		require.NoError(t, err)
		c, err = x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	_, rootKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{Subject: pkix.Name{CommonName: "Acme Root"}, BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root := issue(c, c, rootKey, rootKey)
	leaf := issue(&x509.Certificate{Subject: pkix.Name{SerialNumber: serial}, KeyUsage: x509.KeyUsageDigitalSignature}, root, key, rootKey)
	chain := didx509.Chain{leaf, root}
	id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("2.5.4.5", serial))
	require.NoError(t, err)
	return chain, id, key
}

// A credential signed with the key of a factory's certificate is verified by the x5chain that it
// brings along, in the header that is signed or in the one that is not: the pinned CA decides.
func TestCertified(t *testing.T) {
	ctx := context.Background()
	chain, id, key := certified(t, "0042")
	stranger, _, strangersKey := certified(t, "0042")
	by := vc.Issuer{ID: id, Key: key, Method: id.URL("0"), Now: service(t).Now}
	c := maintenance(t)
	c.Subject, c.ValidUntil = id, by.Now().AddDate(1, 0, 0)
	issue := func(f cose.Format) []byte {
		by := by
		by.Format = f
		raw, err := by.Issue(c)
		require.NoError(t, err)
		return raw
	}
	verifier := verifier(t)
	verifier.Certificates = didx509.Resolver{}.Presented
	certified, bare := issue(cose.Format{Chain: chain.DER()}), issue(cose.Format{})
	m, err := cosesign1.Parse(certified, len(certified))
	require.NoError(t, err)
	der, err := m.Chain()
	require.NoError(t, err)
	require.Equal(t, chain.DER(), der)
	require.True(t, m.Deterministic())

	v, err := verifier.Verify(ctx, certified, vc.IssuedBy(id))
	require.NoError(t, err)
	require.Equal(t, id, v.Issuer())

	// beside puts a value into the header that nobody signs, which is empty: it follows the protected one.
	beside := func(raw, value []byte) []byte {
		r := cbor.NewReader(raw[2:]) // tag 18, array of 4
		_, err := r.Bytes()
		require.NoError(t, err)
		i := 2 + r.Offset()
		require.Equal(t, byte(0xa0), raw[i])
		header := append(cbor.AppendInt(cbor.AppendMap(nil, 1), 33), value...)
		return append(append(append([]byte(nil), raw[:i]...), header...), raw[i+1:]...)
	}
	_, err = verifier.Verify(ctx, beside(bare, cosesign1.EncodeChain(chain.DER())), vc.IssuedBy(id))
	require.NoError(t, err)

	for name, c := range map[string]struct {
		raw    []byte
		want   error
		detail string
	}{
		"another factory of the same name":     {beside(bare, cosesign1.EncodeChain(stranger.DER())), vc.ErrProof, "the pinned CA is not in the chain"},
		"its leaf, with the true root behind":  {beside(bare, cosesign1.EncodeChain([][]byte{stranger[0].Raw, chain[1].Raw})), vc.ErrProof, "not signed by the next"},
		"the leaf alone":                       {beside(bare, cosesign1.EncodeChain(chain.DER()[:1])), vc.ErrProof, "two certificates"},
		"a chain in both headers":              {beside(certified, cosesign1.EncodeChain(chain.DER())), vc.ErrMalformed, "both headers"},
		"an array of one":                      {beside(bare, append(cbor.AppendArray(nil, 1), cosesign1.EncodeChain(chain.DER()[:1])...)), vc.ErrMalformed, "x5chain"},
		"a text":                               {beside(bare, cbor.AppendText(nil, "chain")), vc.ErrMalformed, "x5chain"},
		"texts":                                {beside(bare, cbor.AppendText(cbor.AppendText(cbor.AppendArray(nil, 2), "a"), "b")), vc.ErrMalformed, "x5chain"},
		"nine":                                 {beside(bare, cosesign1.EncodeChain(make([][]byte, 9))), vc.ErrMalformed, "x5chain"},
		"too long":                             {beside(bare, cbor.AppendBytes(nil, make([]byte, 25<<10))), vc.ErrMalformed, "at most"},
		"the true chain, and another's key":    {resealed(t, certified, strangersKey), vc.ErrProof, ""},
		"the signed chain is a stranger's own": {issue(cose.Format{Chain: stranger.DER()}), vc.ErrProof, "the pinned CA is not in the chain"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifier.Verify(ctx, c.raw, vc.AnyIssuer)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.detail)
		})
	}

	// Without a chain, or for a verifier that is told nothing of them, there is no verdict.
	for _, raw := range [][]byte{bare, certified} {
		_, err = (&vc.Verifier{Formats: verifier.Formats, Now: verifier.Now, Contexts: verifier.Contexts}).Verify(ctx, raw, vc.AnyIssuer)
		require.ErrorIs(t, err, did.ErrMethodNotSupported)
		_, rejected := err.(*vc.RejectError)
		require.False(t, rejected)
	}

	// Whoever has no did:x509 has no use for a chain: what comes along is passed over, and none is written.
	shop := service(t)
	shop.Format = cose.Format{}
	plain, err := shop.Issue(maintenance(t))
	require.NoError(t, err)
	for _, value := range [][]byte{cosesign1.EncodeChain(stranger.DER()), cbor.AppendText(nil, "chain")} {
		_, err = verifier.Verify(ctx, beside(plain, value), vc.IssuedBy(shop.ID))
		require.NoError(t, err)
	}
	shop.Format = cose.Format{Chain: chain.DER()}
	_, err = shop.Issue(maintenance(t))
	require.ErrorContains(t, err, "a Chain is for a did:x509")
}

// resealed signs the same message with another key.
func resealed(t testing.TB, raw []byte, key ed25519.PrivateKey) []byte {
	m, err := cosesign1.Parse(bytes.Clone(raw), len(raw))
	require.NoError(t, err)
	return seal(t, *m, key)
}

// A CWT has one encoding, in which there is no room for a chain.
func TestCWTHasNoChain(t *testing.T) {
	by := service(t)
	by.Format = cose.CWT{}
	raw, err := by.Issue(maintenance(t))
	require.NoError(t, err)
	m, err := cosesign1.Parse(raw, len(raw))
	require.NoError(t, err)
	m.X5Chain = cosesign1.EncodeChain([][]byte{{1}, {2}})
	_, err = verifier(t).Verify(context.Background(), seal(t, *m, by.Key), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrMalformed)
}
