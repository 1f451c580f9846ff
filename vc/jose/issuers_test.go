package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/pkh"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Whoever has a name that works offline issues under it, and is verified without a network.
func TestIssuersOfEveryOfflineMethod(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)

	key, err := did.NewKey(p521.Public())
	require.NoError(t, err)
	jwk, err := did.NewJWK(p521.Public())
	require.NoError(t, err)
	zero, err := peer.New0(ed.Public())
	require.NoError(t, err)
	keys := []peer.Key{{Use: did.AssertionMethod, Public: p521.Public()}}
	two, err := peer.New2(keys)
	require.NoError(t, err)
	four, err := peer.New4(keys)
	require.NoError(t, err)
	short, err := peer.Short(four)
	require.NoError(t, err)
	account, err := pkh.New("solana:4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ:" + multikey.EncodeBase58(ed.Public().(ed25519.PublicKey))[1:])
	require.NoError(t, err)

	verifier := vc.Verifier{Formats: []vc.Format{jose.Format{}}, Resolver: resolver.Methods{
		"key": did.Offline{}, "jwk": did.Offline{},
		"peer": peer.Resolver{Known: map[did.DID]did.DID{short: four}},
		"pkh":  pkh.Resolver{},
	}}
	for _, issuer := range []struct {
		method did.URL
		key    crypto.Signer
	}{
		{key.KeyURL(), p521},
		{jwk.KeyURL(), p521},
		{zero.URL(zero.Identifier()[1:]), ed},
		{two.URL("key-1"), p521},
		{four.URL("key-1"), p521},
		{short.URL("key-1"), p521},
		{account.URL("controller"), ed},
	} {
		id := issuer.method.DID
		raw, err := (&vc.Issuer{ID: id, Key: issuer.key, Method: issuer.method, Format: jose.Format{}}).Issue(
			&vc.Credential{Subject: id, Claim: record.Maintenance{
				Time: time.Now().Add(-time.Hour), BizStep: record.StepInspecting, Disposition: record.DispAvailable,
				Work: record.Work{Category: record.Preventive, Activity: "inspect rotors", DownSeconds: 600},
			}})
		require.NoError(t, err, id)
		_, err = verifier.Verify(t.Context(), raw, vc.IssuedBy(id))
		require.NoError(t, err, id)
		if id == short { // which is not checked, and not refused, until the long form is known
			_, err = (&vc.Verifier{Formats: []vc.Format{jose.Format{}}, Resolver: peer.Resolver{}}).Verify(t.Context(), raw, vc.IssuedBy(id))
			require.ErrorIs(t, err, peer.ErrLongFormUnknown)
			require.False(t, did.IsAnswer(err))
		}
	}
}
