package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
)

// A factory certifies machines by their serial numbers.
type factory struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newFactory(t testing.TB) factory {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme Root"}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(50, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return factory{c, key}
}

// machine has a certificate that ends, and the DID that the factory's serial number gives it.
type machine struct {
	party
	chain didx509.Chain
}

func (f factory) machine(t testing.TB, serial string, until time.Time) machine {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{SerialNumber: serial}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, f.cert, key.Public(), f.key)
	require.NoError(t, err)
	chain, err := didx509.ParseDER(der, f.cert.Raw)
	require.NoError(t, err)
	id, err := didx509.New(chain, didx509.Pin{}, didx509.Subject("2.5.4.5", serial))
	require.NoError(t, err)
	return machine{party{id, key}, chain}
}

func (m machine) issuer(chain didx509.Chain) *vc.Issuer {
	return &vc.Issuer{ID: m.id, Key: m.key, Method: m.id.URL("0"), Format: jose.Format{Chain: chain.DER()}, Now: at(noon)}
}

// A credential signed with the key of a factory's certificate is verified by the chain that it brings along.
func TestCertified(t *testing.T) {
	acme := newFactory(t)
	drone := acme.machine(t, "0042", noon.AddDate(0, 1, 0))
	raw, err := drone.issuer(drone.chain).Issue(maintenance())
	require.NoError(t, err)
	x5c, err := json.Marshal(drone.chain.DER())
	require.NoError(t, err)
	require.JSONEq(t, fmt.Sprintf(`{"alg":"ES256","typ":"vc+jwt","cty":"vc","kid":%q,"x5c":%s}`, drone.id.URL("0"), x5c), segment(t, string(raw), 0))

	verifier := verifier()
	verifier.Certificates = didx509.Resolver{}.Presented
	v, err := verifier.Verify(t.Context(), raw, vc.IssuedBy(drone.id))
	require.NoError(t, err)
	require.Equal(t, drone.id, v.Issuer())

	// When the certificate has ended, what was signed before still holds; what says that it
	// was signed since then does not.
	verifier.Now = at(noon.AddDate(0, 2, 0))
	_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	late := drone.issuer(drone.chain)
	late.Now = verifier.Now
	after, err := late.Issue(maintenance())
	require.NoError(t, err)
	_, err = verifier.Verify(t.Context(), after, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrProof)
	require.ErrorContains(t, err, "not in its period")
	verifier.Now = at(noon)

	// A presentation likewise: the machine answers with the same key.
	h := &vc.Holder{ID: drone.id, Key: drone.key, Method: drone.id.URL("0"), Format: jose.Format{Chain: drone.chain.DER()}, Now: at(noon)}
	about := maintenance()
	about.Subject = drone.id
	mine, err := drone.issuer(drone.chain).Issue(about)
	require.NoError(t, err)
	ch := vc.Challenge{Nonce: "n-0123456789", Domain: "market.example"}
	shown, err := h.Present(ch, vc.Enveloped(jose.MediaTypeCredential, mine))
	require.NoError(t, err)
	p, err := verifier.VerifyPresentation(t.Context(), shown, ch, vc.IssuedBy(drone.id))
	require.NoError(t, err)
	require.Equal(t, drone.id, p.Holder())

	// A verifier that is not told to look at chains has none, which condemns nobody.
	verifier.Certificates = nil
	_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
	_, rejected := err.(*vc.RejectError)
	require.False(t, rejected)
	// It may have the chain from elsewhere, and then none has to come along.
	verifier.Resolver = didx509.Resolver{Chains: []didx509.Chain{drone.chain}}
	_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	short := drone.issuer(drone.chain)
	short.Format = jose.Format{}
	raw, err = short.Issue(maintenance())
	require.NoError(t, err)
	require.NotContains(t, segment(t, string(raw), 0), "x5c")
	_, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
}

// A chain in a header is a stranger's word: the digest in the DID decides.
func TestCertifiedRefused(t *testing.T) {
	acme, forger := newFactory(t), newFactory(t)
	drone, other := acme.machine(t, "0042", noon.AddDate(40, 0, 0)), acme.machine(t, "0043", noon.AddDate(40, 0, 0))
	forged := forger.machine(t, "0042", noon.AddDate(40, 0, 0))
	renewed := acme.machine(t, "0042", noon.AddDate(40, 0, 0))
	shop := newParty(t, algorithms["ES256"])
	require.Equal(t, drone.id, renewed.id)

	// as signs what says it is by drone with another's key.
	as := func(m machine, chain didx509.Chain) []byte {
		m.id = drone.id
		raw, err := m.issuer(chain).Issue(maintenance())
		require.NoError(t, err)
		return raw
	}
	header := func(kid, x5c string) []byte {
		return []byte(drone.token(t, fmt.Sprintf(`{"alg":"ES256","typ":"vc+jwt","kid":%q,"x5c":%s}`, kid, x5c), document(drone.party, "")))
	}
	b64 := base64.StdEncoding.EncodeToString
	leaf, root := b64(drone.chain[0].Raw), b64(drone.chain[1].Raw)
	kid := drone.id.URL("0").String()
	for _, c := range []struct {
		name   string
		raw    []byte
		want   error
		detail string
	}{
		{"another factory of the same name", as(forged, forged.chain), vc.ErrProof, "the pinned CA is not in the chain"},
		{"its leaf, with the true root behind", as(forged, didx509.Chain{forged.chain[0], drone.chain[1]}), vc.ErrProof, "not signed by the next"},
		{"the true chain, and another's key", as(forged, drone.chain), vc.ErrProof, ""},
		{"another machine of the factory", as(other, other.chain), vc.ErrProof, "does not fit the leaf"},
		{"its own next certificate, and the old key", as(drone, renewed.chain), vc.ErrProof, ""},
		{"no root", as(drone, drone.chain[:1]), vc.ErrProof, "two certificates"},
		{"another method of the document", header(drone.id.URL("1").String(), `["`+leaf+`","`+root+`"]`), vc.ErrProof, "not found"},
		{"root first", header(kid, `["`+root+`","`+leaf+`"]`), vc.ErrProof, "do not follow"},
		{"no certificates", header(kid, `["AAAA","AAAA"]`), vc.ErrProof, "no certificate chain"},
		{"an empty list", header(kid, `[]`), vc.ErrMalformed, "x5c"},
		{"a string", header(kid, `"`+leaf+`"`), vc.ErrMalformed, "x5c"},
		{"base64url", header(kid, `["_-__"]`), vc.ErrMalformed, "base64"},
		{"nine", header(kid, `["AAAA"`+strings.Repeat(`,"AAAA"`, 8)+`]`), vc.ErrMalformed, "x5c"},
		{"too long", header(kid, `["`+strings.Repeat("AAAA", 10<<10)+`"]`), vc.ErrMalformed, "longer than"},
		{"of a did:key", []byte(shop.token(t, fmt.Sprintf(`{"alg":"ES256","typ":"vc+jwt","kid":%q,"x5c":["%s","%s"]}`, shop.kid(), leaf, root), document(shop, ""))),
			vc.ErrMalformed, "proves nothing"},
		{"a long header without a chain", []byte(drone.token(t, fmt.Sprintf(`{"alg":"ES256","typ":"vc+jwt","kid":%q,"n":%q}`, kid, strings.Repeat("a", 9<<10)), document(drone.party, ""))),
			vc.ErrMalformed, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			verifier := verifier()
			verifier.Certificates = didx509.Resolver{}.Presented
			_, err := verifier.Verify(t.Context(), c.raw, vc.AnyIssuer)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.detail)
		})
	}

	// What the table changes is good before.
	raw := as(drone, drone.chain)
	verifier := verifier()
	verifier.Certificates = didx509.Resolver{}.Presented
	_, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)

	// And none is written for who has no use for it.
	i := shop.issuer()
	i.Format = jose.Format{Chain: drone.chain.DER()}
	_, err = i.Issue(maintenance())
	require.ErrorContains(t, err, "a Chain is for a did:x509")
}
