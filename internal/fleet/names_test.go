package fleet_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// The lines of a file may be about any name of the machine that an entry gives it.
func TestAFileIsAboutEveryNameOfItsMachine(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	party := func(name string) *vc.Issuer {
		key := ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", 32))[:32]))
		id, err := did.NewKey(key.Public())
		require.NoError(t, err)
		return &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return noon }}
	}
	maker, factory, field := party("maker"), party("factory"), party("field")
	verifier := &vc.Verifier{Now: func() time.Time { return noon.AddDate(1, 0, 0) }}
	var head chain.Head
	write := func(about *vc.Issuer, key did.URL, kind chain.Entry, signers ...*vc.Issuer) string {
		c := &vc.Credential{Subject: about.ID, ValidFrom: noon, Claim: record.Commissioning{Model: "LX-4", Serial: "7",
			KeyBinding: &record.KeyBinding{VerificationMethod: key, Protection: record.TPM2}}}
		require.NoError(t, head.Append(c, kind))
		raw, err := signers[0].Issue(c)
		require.NoError(t, err)
		for _, s := range signers[1:] {
			raw, err = s.AddProof(raw)
			require.NoError(t, err)
		}
		v, err := verifier.Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		require.NoError(t, head.Advance(v))
		return string(raw) + "\n"
	}
	born := write(factory, factory.ID.KeyURL(), chain.Entry{Kind: chain.Commission}, maker)
	renamed := write(factory, field.ID.KeyURL(), chain.Entry{Kind: chain.Rotate}, maker, field)
	later := write(field, field.ID.KeyURL(), chain.Entry{Kind: chain.Rotate}, field)

	m := fleet.Machine{ID: factory.ID, File: "drone.jsonl"}
	r := fleet.Check(t.Context(), verifier, m, []byte(born+renamed+later))
	require.Empty(t, r.Defects)
	require.Equal(t, []did.DID{factory.ID, field.ID}, r.History.Names())
	r = fleet.Check(t.Context(), verifier, m, []byte(born+later))
	require.Equal(t, fleet.Foreign, r.Defects[0].Kind, "nobody has said that it is the same machine")

	// A name that is said again is no other one: there is still room for more.
	lines := born + renamed + later
	for range chain.MaxNames {
		lines += write(field, field.ID.KeyURL(), chain.Entry{Kind: chain.Rotate}, field)
	}
	yard := party("yard")
	lines += write(field, yard.ID.KeyURL(), chain.Entry{Kind: chain.Rotate}, maker, yard)
	lines += write(yard, yard.ID.KeyURL(), chain.Entry{Kind: chain.Rotate}, yard)
	r = fleet.Check(t.Context(), verifier, m, []byte(lines))
	require.Empty(t, r.Defects)
	require.Equal(t, []did.DID{factory.ID, field.ID, yard.ID}, r.History.Names())
}
