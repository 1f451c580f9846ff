package forgery

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/keyhistory"
	"github.com/hourmeter/hourmeter/vc/record"
)

// rotation is when the fleet gave up its first key, which had been stolen.
var rotation = noon.AddDate(0, 0, -10)

// fleet is an issuer with a did:webvh, and its log: key-1 signed until the rotation, and key-2 does since.
func fleet(t testing.TB) (before, since party, log *webvh.Log) {
	t.Helper()
	before, since = newParty(t, "fleet"), newParty(t, "fleet P-256")
	update := newParty(t, "fleet update")
	id, err := webvh.Draft("fleet.example:machines")
	require.NoError(t, err)
	document := func(id did.DID, revoked time.Time) *did.Document {
		d := &did.Document{ID: id}
		for i, by := range [...]party{before, since} {
			name := fmt.Sprintf("key-%d", i+1)
			if i == 1 && revoked.IsZero() {
				continue
			}
			m, err := did.NewVerificationMethod(id.URL(name), did.Multikey, id, by.Key.Public())
			require.NoError(t, err)
			if i == 0 {
				m.Revoked = revoked
			}
			d.VerificationMethod = append(d.VerificationMethod, m)
			d.AssertionMethod = append(d.AssertionMethod, did.MethodRef{ID: m.ID})
		}
		return d
	}
	log, err = webvh.Create(webvh.Change{Key: update.Key, Time: noon.AddDate(-1, 0, 0), Document: document(id, time.Time{})})
	require.NoError(t, err)
	log, err = log.Update(webvh.Change{Key: update.Key, Time: rotation, Document: document(log.ID(), rotation.AddDate(0, 0, -1))})
	require.NoError(t, err)
	before.ID, since.ID = log.ID(), log.ID()
	return before, since, log
}

// certified is a machine with a did:x509, and its certificates.
func certified(t testing.TB) (party, didx509.Chain) {
	t.Helper()
	ca, machine := newParty(t, "factory"), newParty(t, "machine P-256")
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme Root"}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(50, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(nil, root, root, ca.Key.Public(), ca.Key)
	require.NoError(t, err)
	root, err = x509.ParseCertificate(rootDER)
	require.NoError(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{SerialNumber: "0042"}, NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(40, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	leafDER, err := x509.CreateCertificate(nil, leaf, root, machine.Key.Public(), ca.Key)
	require.NoError(t, err)
	chain, err := didx509.ParseDER(leafDER, rootDER)
	require.NoError(t, err)
	machine.ID, err = didx509.New(chain, didx509.Pin{}, didx509.Subject("2.5.4.5", "0042"))
	require.NoError(t, err)
	return machine, chain
}

// methods resolves what the genuine are signed by.
func methods(log *webvh.Log) did.Resolver {
	return resolver.Methods{"key": did.Offline{}, "jwk": did.Offline{}, "webvh": log}
}

// Whoever has the key that the fleet gave up signs nothing that counts as of a time when it was given up, under any
// of its names; and what he dates back is told from the rest by what the log says of the key since.
func TestOldKeyOfALog(t *testing.T) {
	w := newWorld(t)
	thief, since, log := fleet(t)
	v := w.verifier()
	for name, tt := range map[string]struct {
		method string
		at     time.Time
		want   error // nil: it verifies, as dated back
	}{
		"as of now":                      {"key-1", noon, vc.ErrProof},
		"at the very rotation":           {"key-1", rotation, vc.ErrProof},
		"under the name of the new key":  {"key-2", noon, vc.ErrProof},
		"the new name, before there was": {"key-2", rotation.Add(-time.Second), vc.ErrProof},
		"before there was a log":         {"key-1", noon.AddDate(-2, 0, 0), vc.ErrProof},
		"dated back":                     {"key-1", rotation.Add(-time.Second), nil},
	} {
		t.Run(name, func(t *testing.T) {
			by := thief.issuer(nil, nil)
			by.Method, by.Now = log.ID().URL(tt.method), func() time.Time { return tt.at }
			raw, err := by.AddProof(document(thief.ID, since.ID, "", `"name":"stolen"`))
			require.NoError(t, err)
			_, err = v.Verify(t.Context(), raw, vc.AnyIssuer)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			_, err = keyhistory.Verify(t.Context(), v, raw, vc.AnyIssuer, keyhistory.NotRevoked)
			require.ErrorIs(t, err, vc.ErrNotAccepted)
		})
	}
	_, err := keyhistory.Verify(t.Context(), v, w.raw["jcs-did-webvh"], vc.AnyIssuer, keyhistory.WhenSigned)
	require.NoError(t, err)
}

// A factory's certificate is what there is to know of a did:x509: its key is current as long as that is good.
func TestKeyOfACertificate(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"jose-did-x509", "cose-did-x509"} {
		later := w.verifier()
		v, err := later.Verify(t.Context(), w.raw[name], vc.AnyIssuer)
		require.NoError(t, err)
		require.Len(t, v.Certificates(), 2)
		for years, want := range map[int]keyhistory.State{0: keyhistory.Current, 39: keyhistory.Current, 41: keyhistory.Expired} {
			later.Now = func() time.Time { return noon.AddDate(years, 0, 0) }
			uses, err := keyhistory.Of(t.Context(), later, v)
			require.NoError(t, err)
			require.Equal(t, []keyhistory.Use{{Signature: v.Signatures()[0], Known: true, Now: want}}, uses, "%s, after %d years", name, years)
		}
		later.Certificates = nil
		_, err = keyhistory.Of(t.Context(), later, v)
		require.ErrorIs(t, err, did.ErrMethodNotSupported, "who takes no certificates has nothing to ask")
	}
	v, err := w.verifier().Verify(t.Context(), w.raw["jose-ed25519"], vc.AnyIssuer)
	require.NoError(t, err)
	require.Nil(t, v.Certificates())

	// Of a record likewise: nobody is unable to say what became of the machine's key.
	machine, certificates := certified(t)
	var head chain.Head
	c := &vc.Credential{Subject: machine.ID, Claim: record.Maintenance{Time: noon.Add(-time.Hour), Work: record.Work{Category: record.Preventive, Activity: "first start"}}, ValidFrom: noon}
	require.NoError(t, head.Append(c, chain.Entry{Kind: chain.Commission}))
	raw, err := machine.issuer(nil, jose.Format{Chain: certificates.DER()}).Issue(c)
	require.NoError(t, err)
	verifier := w.verifier()
	v, err = verifier.Verify(t.Context(), raw, vc.AnyIssuer)
	require.NoError(t, err)
	h, err := chain.New(machine.ID, v)
	require.NoError(t, err)
	keys, err := keyhistory.Compromised(t.Context(), verifier, h)
	require.NoError(t, err)
	require.Empty(t, keys)
}
