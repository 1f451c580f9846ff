package cose_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	fxamacker "github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
	gocose "github.com/veraison/go-cose"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
)

// TestAnotherMaker exchanges credentials with veraison/go-cose and fxamacker/cbor: theirs verify
// here, and ours there.
func TestAnotherMaker(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	id, err := did.NewJWK(key.Public())
	require.NoError(t, err)
	by := vc.Issuer{ID: id, Key: key, Now: service(t).Now, Format: cose.Format{}}
	c := maintenance(t)
	c.Subject = id
	ours, err := by.Issue(c)
	require.NoError(t, err)
	theirVerifier, err := gocose.NewVerifier(gocose.AlgorithmES256, key.Public())
	require.NoError(t, err)

	var m gocose.Sign1Message
	require.NoError(t, m.UnmarshalCBOR(ours))
	require.NoError(t, m.Verify(nil, theirVerifier))
	require.Equal(t, "application/vc+cose", m.Headers.Protected[int64(16)])
	require.Equal(t, "application/vc", m.Headers.Protected[gocose.HeaderLabelContentType])
	require.Equal(t, []byte(id.String()+"#0"), m.Headers.Protected[gocose.HeaderLabelKeyID])
	require.Equal(t, map[any]any{int64(6): by.Now().Unix()}, m.Headers.Protected[gocose.HeaderLabelCWTClaims])

	signer, err := gocose.NewSigner(gocose.AlgorithmES256, key)
	require.NoError(t, err)
	theirs, err := gocose.Sign1(rand.Reader, signer, gocose.Headers{
		Protected:   gocose.ProtectedHeader{gocose.HeaderLabelAlgorithm: gocose.AlgorithmES256, int64(16): "application/vc+cose"},
		Unprotected: gocose.UnprotectedHeader{gocose.HeaderLabelKeyID: []byte(id.String() + "#0"), "made by": "another"},
	}, m.Payload, nil)
	require.NoError(t, err)
	v, err := (&vc.Verifier{Formats: []vc.Format{cose.Format{}}, Now: by.Now}).Verify(context.Background(), theirs, vc.IssuedBy(id))
	require.NoError(t, err)
	require.True(t, v.Created().IsZero(), "nobody signed when")

	// What a reader of CWTs sees, who knows nothing of ours.
	by.Format, by.Now = cose.CWT{}, verifier(t).Now
	c.Subject = did.MustParse("did:web:drone.example")
	c.ID = "urn:uuid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"
	c.ValidFrom = service(t).Now()
	ours, err = by.Issue(c)
	require.NoError(t, err)
	require.NoError(t, m.UnmarshalCBOR(ours))
	require.NoError(t, m.Verify(nil, theirVerifier))
	var claims map[int64]any
	require.NoError(t, fxamacker.Unmarshal(m.Payload, &claims))
	document, ok := claims[-70001].(map[any]any)
	require.True(t, ok)
	require.Equal(t, []any{id.String(), "did:web:drone.example", uint64(c.ValidFrom.Unix()), uint64(by.Now().Unix()), []byte{0x9b, 0x1d, 0xeb, 0x4d, 0x3b, 0x7d, 0x4b, 0xad, 0x9b, 0xdd, 0x2b, 0x0d, 0x7b, 0x3d, 0xcb, 0x6d}},
		[]any{claims[1], claims[2], claims[5], claims[6], claims[7]})
	require.NotContains(t, document, uint64(4), "the issuer is iss")
	options := fxamacker.CoreDetEncOptions()
	mode, err := options.EncMode()
	require.NoError(t, err)
	var raw map[int64]fxamacker.RawMessage
	require.NoError(t, fxamacker.Unmarshal(m.Payload, &raw))
	again, err := mode.Marshal(raw)
	require.NoError(t, err)
	require.Equal(t, m.Payload, again, "deterministic also by another's rules")
}
