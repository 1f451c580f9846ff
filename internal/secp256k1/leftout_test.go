//go:build nosecp256k1

package secp256k1_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/keystore"
)

// A program without the curve says so, and does not take such keys for bad ones.
func TestLeftOut(t *testing.T) {
	_, err := new(keystore.Memory).Create(t.Context(), "wallet", keystore.Secp256k1)
	require.ErrorIs(t, err, secp256k1.ErrLeftOut)

	// From the did:key specification's vectors.
	id := did.MustParse("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme")
	_, err = did.Key(t.Context(), nil, id.URL(id.Identifier()), did.AssertionMethod, did.Version{})
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
	_, err = did.ParseJWK([]byte(`{"kty":"EC","crv":"secp256k1","x":"h0wVx_2iDlOcblulc8E5iEw1EYh5n1RYtLQfeSTyNc0","y":"O2EATIGbu6DezKFptj5scAIRntgfecanVNXxat1rnwE"}`))
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
}
