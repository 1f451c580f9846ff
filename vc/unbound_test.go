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

// They also ask for verification without saying what the holder was asked.
func TestAnyChallenge(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	holder := &vc.Holder{ID: issuer.ID, Key: issuer.Key, Now: at(noon)}
	shown, err := holder.Present(vc.Challenge{Nonce: "n", Domain: "d"})
	require.NoError(t, err)
	_, err = (&vc.Verifier{Now: at(noon)}).VerifyPresentation(t.Context(), shown, vc.Challenge{Nonce: "n"}, vc.AnyIssuer)
	require.ErrorContains(t, err, "needs the Nonce and Domain")
	v := &vc.Verifier{Now: at(noon), InsecureAnyChallenge: true}
	for _, ch := range []vc.Challenge{{}, {Nonce: "n"}, {Domain: "d"}, {Nonce: "n", Domain: "d"}} {
		_, err = v.VerifyPresentation(t.Context(), shown, ch, vc.AnyIssuer)
		require.NoError(t, err)
	}
	_, err = v.VerifyPresentation(t.Context(), shown, vc.Challenge{Nonce: "m"}, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrChallenge)
	_, err = v.VerifyPresentation(t.Context(), shown, vc.Challenge{Domain: "e"}, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrDomain)
}
