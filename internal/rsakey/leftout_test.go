//go:build norsa

package rsakey_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/rsakey"
)

// A program without RSA says so, and does not take such keys for bad ones.
func TestLeftOut(t *testing.T) {
	// From the did:key method, §"RSA".
	id := did.MustParse("did:key:z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4G7Rou3iBf9vPmT5dbkm9qsZsuVNjq8HCuW1w24nhBFGkRE4cd2Uf2tfrB3N7h4mnyPp1BF3ZttHTYv3DLUPi1zMdkULiow3M1GfXkoC6DoxDUm1jmN6GBj22SjVsr6dxezRVQc7aj9TxE7JLbMH1wh5X3kA58H3DFW8rnYMakFGbca5CB2Jf6CnGQZmL7o5uJAdTwXfy2iiiyPxXEGerMhHwhjTA1mKYobyk2CpeEcmvynADfNZ5MBvcCS7m3XkFCMNUYBS9NQ3fze6vMSUPsNa6GVYmKx2x6JrdEjCk3qRMMmyjnjCMfR4pXbRMZa3i")
	_, err := did.Key(t.Context(), nil, id.URL(id.Identifier()), did.AssertionMethod, did.Version{})
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
	require.ErrorIs(t, err, rsakey.ErrLeftOut)
	_, err = did.ParseJWK([]byte(`{"kty":"RSA","e":"AQAB","n":"AQAB"}`))
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
}
