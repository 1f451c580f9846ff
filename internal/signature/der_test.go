package signature

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// What appendDER writes is what a DER encoder writes.
func FuzzAppendDER(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x80}, 64))
	f.Add(make([]byte, 96))
	f.Add(bytes.Repeat([]byte{0x80}, 132))
	f.Add(append(make([]byte, 70), bytes.Repeat([]byte{1}, 62)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, size := range []int{64, 96, 132} {
			if len(b) < size {
				return
			}
			signature := b[:size]
			half := len(signature) / 2
			r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
			var der cryptobyte.Builder
			der.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1BigInt(r)
				b.AddASN1BigInt(s)
			})
			require.Equal(t, der.BytesOrPanic(), appendDER(nil, signature))
		}
	})
}
