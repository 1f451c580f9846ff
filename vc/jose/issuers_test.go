package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/did/pkh"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/rsakey"
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

// RSA keys are read, and signatures by them are not: the refusal says so, and never that a good signature
// does not match.
func TestRSAIsRefusedAsSuch(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	jwk := `{"kty":"RSA","n":"` + b64(string(rsaKey.N.Bytes())) + `","e":"AQAB"}`
	id := did.MustParse("did:jwk:" + b64(jwk))
	read, err := did.Key(t.Context(), nil, id.KeyURL(), did.AssertionMethod, did.Version{})
	if errors.Is(err, rsakey.ErrLeftOut) {
		require.ErrorIs(t, err, did.ErrKeyNotSupported)
		return
	}
	require.NoError(t, err)
	require.True(t, rsaKey.PublicKey.Equal(read))

	payload := `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"` + id.String() + `","credentialSubject":{"id":"` + id.String() + `"}}`
	token := func(alg string, sign func(digest []byte) ([]byte, error)) []byte {
		input := b64(`{"alg":"`+alg+`","typ":"vc+jwt","kid":"`+id.KeyURL().String()+`"}`) + "." + b64(payload)
		digest := sha256.Sum256([]byte(input))
		sig, err := sign(digest[:])
		require.NoError(t, err)
		return []byte(input + "." + b64(string(sig)))
	}
	pss := func(digest []byte) ([]byte, error) {
		return rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	v := vc.Verifier{Formats: []vc.Format{jose.Format{}}}
	for _, tt := range []struct {
		name, alg string
		sign      func([]byte) ([]byte, error)
		reason    error
		says      string
	}{
		{"PSS", "PS256", pss, vc.ErrMalformed, `alg "PS256": known are EdDSA`},
		{"PKCS #1", "RS256", func(d []byte) ([]byte, error) { return rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, d) }, vc.ErrMalformed, `alg "RS256": known are EdDSA`},
		{"under another name", "ES256", pss, vc.ErrProof, "a key of type *rsa.PublicKey: known are"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), token(tt.alg, tt.sign), vc.AnyIssuer)
			require.ErrorIs(t, err, tt.reason)
			require.ErrorContains(t, err, tt.says)
		})
	}
	_, err = (&vc.Issuer{ID: id, Key: rsaKey, Format: jose.Format{}}).Issue(&vc.Credential{Subject: id, Claim: record.Maintenance{
		Time: noon, BizStep: record.StepInspecting, Disposition: record.DispAvailable, Work: record.Work{Category: record.Preventive, Activity: "inspect"},
	}})
	require.ErrorContains(t, err, "*rsa.PublicKey")
}
