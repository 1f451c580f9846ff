package chain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

// What may have been shown in part is no entry: it could hide how bad it was, its
// digest is another with each choice, and two choices are no fork.
func TestSelectiveCredentialsAreNoEntries(t *testing.T) {
	issuer := *shop
	issuer.Format = sdjwt.Format{Disclosable: []string{"/credentialSubject/incident/severityPermille", "/name"}}
	incident := record.Incident{Event: record.Event{Category: record.Failure, SeverityPermille: 900, Detected: issuer.Now().Add(-time.Hour)}}
	credential := &vc.Credential{Subject: machine.ID, Claim: incident, ValidFrom: issuer.Now(), Members: map[string]any{"name": "rotor 3"}}
	require.NoError(t, new(chain.Head).Append(credential, chain.Entry{Kind: chain.Commission}))
	raw, err := issuer.Issue(credential)
	require.NoError(t, err)

	verifier := &vc.Verifier{Formats: []vc.Format{sdjwt.Format{}}, Now: issuer.Now}
	token, err := sdjwt.Parse(raw)
	require.NoError(t, err)
	shown := func(pointers ...string) *vc.Verified {
		part, err := token.Present(pointers...)
		require.NoError(t, err)
		v, err := verifier.Verify(t.Context(), []byte(part.String()), vc.AnyIssuer)
		require.NoError(t, err)
		return v
	}
	whole, part := shown("/credentialSubject/incident/severityPermille", "/name"), shown("/name")
	require.False(t, whole.Selective())
	require.True(t, part.Selective())
	require.NotEqual(t, whole.Digest(), part.Digest())

	for name, build := range map[string]func(did.DID, ...*vc.Verified) (*chain.History, error){
		"New": chain.New, "NewDisclosed": chain.NewDisclosed, "NewIsolated": chain.NewIsolated,
	} {
		_, err := build(machine.ID, part)
		require.ErrorIs(t, err, chain.ErrSelective, name)
	}
	require.ErrorIs(t, new(chain.Head).Advance(part), chain.ErrSelective)
	fork, err := (&chain.Equivocation{Credentials: [2]*vc.Verified{part, shown("/credentialSubject/incident/severityPermille")}}).MarshalJSON()
	require.NoError(t, err)
	_, err = chain.VerifyEquivocation(t.Context(), verifier, fork)
	require.ErrorIs(t, err, chain.ErrSelective)
}
