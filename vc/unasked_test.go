package vc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// asked counts who is asked about credentials.
type asked struct{ statuses, schemas int }

func (a *asked) CheckStatus(context.Context, did.DID, []byte, time.Time) (vc.StatusResult, error) {
	a.statuses++
	return vc.StatusResult{}, nil
}

func (a *asked) CheckSchema(context.Context, []byte, []byte) error {
	a.schemas++
	return nil
}

// A stranger's credential names servers of its choice. None of them is asked before the caller wants the credential,
// and none about a credential that whoever shows it has no business with.
func TestNobodyIsAskedAboutWhatNobodyWants(t *testing.T) {
	shop, drone, other := newIssuer(t, "Ed25519"), newIssuer(t, "Ed25519"), newIssuer(t, "P-256")
	about := func(subject did.DID) []byte {
		raw, err := shop.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + shop.ID.String() +
			`","credentialSubject":{"id":"` + subject.String() + `"},"credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation",` +
			`"statusListIndex":"7","statusListCredential":"https://stranger.example/1"},"credentialSchema":{"id":"https://stranger.example/2","type":"JsonSchema"}}`))
		require.NoError(t, err)
		return raw
	}
	var who asked
	v := &vc.Verifier{Status: &who, Schema: &who, Now: at(noon)}
	refuse := func(*vc.Verified) error { return errors.New("no") }

	_, err := v.Verify(t.Context(), about(drone.ID), refuse)
	require.ErrorIs(t, err, vc.ErrNotAccepted)
	report := v.Report(t.Context(), about(drone.ID), refuse)
	require.ErrorIs(t, report.Err, vc.ErrNotAccepted)
	outcomes := map[vc.Check]vc.Outcome{}
	for _, f := range report.Findings {
		outcomes[f.Check] = f.Outcome
	}
	require.Equal(t, vc.Skipped, outcomes[vc.CheckStatus])
	require.Equal(t, vc.Skipped, outcomes[vc.CheckSchema])
	require.Equal(t, vc.Fail, outcomes[vc.CheckAccept])

	ch := vc.Challenge{Nonce: "n", Domain: "d"}
	show := func(credential []byte) []byte {
		shown, err := (&vc.Holder{ID: drone.ID, Key: drone.Key, Now: at(noon)}).Present(ch, credential)
		require.NoError(t, err)
		return shown
	}
	_, err = v.VerifyPresentation(t.Context(), show(about(other.ID)), ch, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrHolder)
	_, err = v.VerifyPresentation(t.Context(), show(about(drone.ID)), ch, refuse)
	require.ErrorIs(t, err, vc.ErrNotAccepted)
	require.Equal(t, asked{}, who)

	_, err = v.VerifyPresentation(t.Context(), show(about(drone.ID)), ch, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, asked{1, 1}, who)
}
