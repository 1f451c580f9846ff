package vc_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
)

// Conformance suites have credentials signed that name an issuer of theirs.
func TestUnboundIssuer(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	for _, by := range []string{"did:example:suite", "https://suite.example/issuers/1"} {
		unsecured := []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],
			"issuer":"` + by + `","credentialSubject":{"id":"did:example:subject"}}`)
		_, err := issuer.AddProof(unsecured)
		require.ErrorContains(t, err, "its proof has to be the first")

		unbound := *issuer
		unbound.InsecureUnboundIssuer = true
		raw, err := unbound.AddProof(unsecured)
		require.NoError(t, err)
		_, err = (&vc.Verifier{Now: at(noon)}).Verify(t.Context(), raw, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrIssuer)
		_, err = (&vc.Verifier{Now: at(noon), InsecureUnboundIssuer: true}).Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
	}
}
