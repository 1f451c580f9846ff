//go:build !nosecp256k1

package secp256k1

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// The generator, whose private key is 1 (SEC 2 §2.4.1).
const generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

func TestPoints(t *testing.T) {
	one := append(make([]byte, 31), 1)
	key, err := ParsePrivateKey(one)
	require.NoError(t, err)
	require.True(t, Is(key.Public().Curve))
	require.False(t, Is(elliptic.P256()))

	compressed, err := hex.DecodeString(generator)
	require.NoError(t, err)
	pub, err := ParsePoint(compressed)
	require.NoError(t, err)
	require.True(t, pub.Equal(key.Public()))
	pub, err = ParsePoint(key.Point())
	require.NoError(t, err)
	require.True(t, pub.Equal(key.Public()))

	hybrid := bytes.Clone(key.Point())
	hybrid[0] = 6
	offCurve := bytes.Clone(key.Point())
	offCurve[64] ^= 1
	for name, point := range map[string][]byte{"hybrid": hybrid, "off the curve": offCurve, "none": nil, "short": compressed[:32]} {
		_, err := ParsePoint(point)
		require.Error(t, err, name)
	}
	order, err := hex.DecodeString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	require.NoError(t, err)
	for name, secret := range map[string][]byte{"zero": make([]byte, 32), "the order": order, "short": one[1:]} {
		_, err := ParsePrivateKey(secret)
		require.Error(t, err, name)
	}
}

// A vector that many implementations of RFC 6979 on this curve share.
func TestSignaturesAreDeterministic(t *testing.T) {
	key, err := ParsePrivateKey(append(make([]byte, 31), 1))
	require.NoError(t, err)
	digest := sha256.Sum256([]byte("Satoshi Nakamoto"))
	require.Equal(t, "3045022100934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"+
		"02202442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5", hex.EncodeToString(key.Sign(digest[:])))
}
