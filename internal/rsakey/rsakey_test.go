//go:build !norsa

package rsakey_test

import (
	"bytes"
	"crypto/rsa"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/rsakey"
)

// modulus is an odd number of so many bits: whether it has two prime factors nobody looks.
func modulus(bits uint) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.SetBit(n, 0, 1).Bytes()
}

var f4 = []byte{1, 0, 1}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name string
		n, e []byte
		want string
	}{
		{"no modulus", nil, f4, "empty"},
		{"no exponent", modulus(2048), nil, "empty"},
		{"a modulus with a leading zero", append([]byte{0}, modulus(2048)...), f4, "leading zeros"},
		{"an exponent with a leading zero", modulus(2048), []byte{0, 1, 0, 1}, "leading zeros"},
		{"2047 bits", modulus(2047), f4, "2047 bits"},
		{"8193 bits", modulus(8193), f4, "at most 8192 bits"},
		{"a megabyte", bytes.Repeat([]byte{1}, 1<<20), f4, "at most 8192 bits"},
		{"an even modulus", append(modulus(2048)[:255], 2), f4, "even modulus"},
		{"exponent 1", modulus(2048), []byte{1}, "exponent"},
		{"exponent 3", modulus(2048), []byte{3}, "exponent"},
		{"exponent 65535", modulus(2048), []byte{0xff, 0xff}, "exponent"},
		{"an even exponent", modulus(2048), []byte{1, 0, 2}, "exponent"},
		{"exponent 2^31+1", modulus(2048), []byte{0x80, 0, 0, 1}, "exponent"},
		{"exponent 2^32+1", modulus(2048), []byte{1, 0, 0, 0, 1}, "exponent"},
	} {
		pub, err := rsakey.Parse(test.n, test.e)
		require.ErrorContains(t, err, test.want, test.name)
		require.Nil(t, pub, test.name)
	}
	for _, bits := range []uint{2048, 2049, 4096, 8192} {
		pub, err := rsakey.Parse(modulus(bits), f4)
		require.NoError(t, err)
		der, ok := rsakey.PKCS1(pub)
		require.True(t, ok)
		require.LessOrEqual(t, len(der), rsakey.MaxPKCS1)
	}
}

func TestDERRefusals(t *testing.T) {
	pub, err := rsakey.Parse(modulus(2048), f4)
	require.NoError(t, err)
	der, ok := rsakey.PKCS1(pub)
	require.True(t, ok)
	edit := func(from, to int, with ...byte) []byte { return slices.Replace(slices.Clone(der), from, to, with...) }
	require.Equal(t, []byte{0x30, 0x82, 1, 10, 2, 0x82, 1, 1, 0}, der[:9])
	for name, der := range map[string][]byte{
		"nothing":                           nil,
		"cut short":                         der[:len(der)-1],
		"bytes behind":                      append(slices.Clone(der), 0),
		"a length that is not the shortest": edit(1, 4, 0x83, 0, 1, 10),
		"a length without an end":           edit(1, 4, 0x80),
		"a negative modulus":                edit(2, 9, 1, 9, 2, 0x82, 1, 0),
		"a modulus with a second zero":      edit(2, 9, 1, 11, 2, 0x82, 1, 2, 0, 0),
		"a third number":                    append(edit(2, 4, 1, 13), 2, 1, 1),
		"a sequence of one number":          edit(2, 4, 1, 5)[:len(der)-5],
		"a set":                             edit(0, 1, 0x31),
		"too long":                          append(slices.Clone(der), make([]byte, 1000)...),
	} {
		pub, err := rsakey.ParsePKCS1(der)
		require.ErrorContains(t, err, "not an RSAPublicKey in DER", name)
		require.Nil(t, pub, name)
	}
}

// Keys that package rsa holds and this one would not read have no encoding.
func TestKeysWithoutEncoding(t *testing.T) {
	n := new(big.Int).SetBytes(modulus(2048))
	for name, pub := range map[string]any{
		"nothing": nil, "no key": (*rsa.PublicKey)(nil), "no numbers": &rsa.PublicKey{}, "exponent 3": &rsa.PublicKey{N: n, E: 3},
		"a negative modulus": &rsa.PublicKey{N: new(big.Int).Neg(n), E: 65537}, "a negative exponent": &rsa.PublicKey{N: n, E: -65537},
		"a private key": &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}},
	} {
		_, ok := rsakey.PKCS1(pub)
		require.False(t, ok, name)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SliceOfN(rapid.Byte(), rsakey.MinBits/8, rsakey.MaxBits/8).Draw(t, "n")
		n[0] |= 0x80
		n[len(n)-1] |= 1
		e := big.NewInt(rapid.Int64Range(32768, 1<<30-1).Draw(t, "e")*2 + 1).Bytes()
		pub, err := rsakey.Parse(n, e)
		require.NoError(t, err)
		der, ok := rsakey.PKCS1(pub)
		require.True(t, ok)
		again, err := rsakey.ParsePKCS1(der)
		require.NoError(t, err)
		require.Equal(t, pub, again)
		n2, e2, ok := rsakey.Numbers(again)
		require.True(t, ok)
		require.Equal(t, [2][]byte{n, e}, [2][]byte{n2, e2})
	})
}

// What is read has one encoding: the bytes that were read.
func FuzzParsePKCS1(f *testing.F) {
	for _, bits := range []uint{2047, 2048, 4096, 8192} {
		if pub, err := rsakey.Parse(modulus(bits), f4); err == nil {
			der, _ := rsakey.PKCS1(pub)
			f.Add(der)
		}
	}
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 3})
	f.Fuzz(func(t *testing.T, der []byte) {
		pub, err := rsakey.ParsePKCS1(der)
		if err != nil {
			return
		}
		if again, ok := rsakey.PKCS1(pub); !ok || !bytes.Equal(again, der) {
			t.Errorf("%x, was %x", again, der)
		}
	})
}
