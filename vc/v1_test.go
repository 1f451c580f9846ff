package vc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// A credential of VCDM 1.1 has its dates under other names, and is told apart.
func TestVCDM1(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	issuer.V1, issuer.Contexts = true, rdfc.Contexts()
	const proofTerms = "https://w3id.org/security/data-integrity/v2"
	unsigned := `{"@context":["https://www.w3.org/2018/credentials/v1","` + proofTerms + `"],"type":["VerifiableCredential"],` +
		`"issuer":"` + issuer.ID.String() + `","issuanceDate":"2026-11-22T11:00:00Z","expirationDate":"2027-11-22T11:00:00Z",` +
		`"credentialSubject":{"id":"` + issuer.ID.String() + `"}}`
	sign := func(document string) []byte {
		raw, err := issuer.AddProof([]byte(document))
		require.NoError(t, err)
		return raw
	}
	verifier := func() *vc.Verifier {
		return &vc.Verifier{V1: true, Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), Now: at(noon)}
	}
	for _, suite := range []vc.Suite{nil, rdfc.EdDSARDFC2022{}} {
		issuer.Suite = suite
		v, err := verifier().Verify(t.Context(), sign(unsigned), vc.IssuedBy(issuer.ID))
		require.NoError(t, err)
		require.Equal(t, vc.VCDM1, v.DataModel())
		require.Equal(t, noon.Add(-3600e9), v.ValidFrom())
		require.Equal(t, noon.Add(-3600e9).AddDate(1, 0, 0), v.ValidUntil())
	}

	strict := verifier()
	strict.V1 = false
	_, err := strict.Verify(t.Context(), sign(unsigned), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrMalformed, "it has to be asked for")
	require.ErrorContains(t, err, "V1")
	bare := verifier()
	bare.Contexts, bare.Suites = nil, nil
	issuer.Suite = nil
	_, err = bare.Verify(t.Context(), sign(unsigned), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrContext, "its context is none of package vc's")
	_, err = (&vc.Issuer{ID: issuer.ID, Key: issuer.Key, Contexts: rdfc.Contexts()}).AddProof([]byte(unsigned))
	require.ErrorContains(t, err, "V1")

	late := verifier()
	late.Now = at(noon.AddDate(2, 0, 0))
	_, err = late.Verify(t.Context(), sign(unsigned), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrExpired)
	early := verifier()
	early.Now = at(noon.AddDate(0, 0, -2))
	_, err = early.Verify(t.Context(), sign(unsigned), vc.AnyIssuer)
	require.Error(t, err)
	// The v1 context has validFrom and validUntil as well: the narrower period counts.
	both := strings.Replace(unsigned, `"credentialSubject"`, `"validUntil":"2026-11-22T11:30:00Z","credentialSubject"`, 1)
	_, err = verifier().Verify(t.Context(), sign(both), vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrExpired)

	for _, tt := range []struct{ name, old, new, says string }{
		{"no issuanceDate", `"issuanceDate":"2026-11-22T11:00:00Z",`, ``, "issuanceDate"},
		{"a day for a time", `2026-11-22T11:00:00Z`, `2026-11-22`, "issuanceDate"},
		{"an end before its beginning", `2027-11-22`, `2025-11-22`, "before"},
		{"both models' contexts", `"` + proofTerms + `"`, `"https://www.w3.org/ns/credentials/v2"`, "protect"},
		{"a term of 2.0", `"type":`, `"relatedResource":{"id":"https://a.example/","digestSRI":"sha256-AAAA"},"type":`, "relatedResource"},
		{"a context alone", `["https://www.w3.org/2018/credentials/v1","` + proofTerms + `"]`, `"https://www.w3.org/2018/credentials/v1"`, "array"},
	} {
		_, err := issuer.AddProof([]byte(strings.Replace(unsigned, tt.old, tt.new, 1)))
		require.ErrorContains(t, err, tt.says, tt.name)
	}
	// Nor do the names of 1.1 pass for those of 2.0.
	_, err = newIssuer(t, "Ed25519").AddProof([]byte(strings.Replace(unsigned, "2018/credentials/v1", "ns/credentials/v2", 1)))
	require.ErrorContains(t, err, "issuanceDate")
}
