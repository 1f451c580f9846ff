package cbor_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	fxamacker "github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/cbor"
)

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct{ name, hex, want string }{
		{"nothing", "", "missing"},
		{"number in two bytes for one", "1817", "shortest form"},
		{"number in three bytes for two", "1900ff", "shortest form"},
		{"number in five bytes for three", "1a0000ffff", "shortest form"},
		{"number in nine bytes for five", "1b00000000ffffffff", "shortest form"},
		{"negative number too long", "3800", "shortest form"},
		{"length of text too long", "7801 61", "shortest form"},
		{"length of a map too long", "b800", "shortest form"},
		{"tag too long", "d812 00", "shortest form"},
		{"double for a half", "fb3ff8000000000000", "shortest form"},
		{"single for a half", "fa3fc00000", "shortest form"},
		{"double for a single", "fb3ff0000020000000", "shortest form"},
		{"NaN", "f97e00", "not finite"},
		{"infinity", "f97c00", "not finite"},
		{"minus infinity as a double", "fbfff0000000000000", "not finite"},
		{"undefined", "f7", "simple value 23"},
		{"simple value", "e0", "simple value 0"},
		{"simple value in two bytes", "f8ff", "simple value 255"},
		{"false in two bytes", "f814", "simple value 20"},
		{"bytes without a length", "5f4101ff", "indefinite"},
		{"text without a length", "7f6161ff", "indefinite"},
		{"array without a length", "9f01ff", "indefinite"},
		{"map without a length", "bf0102ff", "indefinite"},
		{"end of nothing", "ff", "indefinite"},
		{"reserved form", "1c", "reserved"},
		{"number cut short", "1a000001", "cut short"},
		{"bytes cut short", "4401", "of 4 bytes, where 1 are left"},
		{"bytes of 2^64-1", "5bffffffffffffffff", "are left"},
		{"array cut short", "8301", "of 3, where 1 bytes are left"},
		{"array of 2^64-1", "9bffffffffffffffff", "are left"},
		{"map of 2^63+1, which doubles to 2", "bb8000000000000001 0101", "are left"},
		{"map cut short", "a101", "of 1, where 1 bytes are left"},
		{"tag of nothing", "c0", "missing"},
		{"Latin-1", "61e9", "not UTF-8"},
		{"surrogate", "63eda080", "not UTF-8"},
		{"key twice", "a2 0101 0102", "a key twice"},
		{"key twice, not side by side", "a3 0101 0201 0102", "a key twice"},
		{"key twice, deep down", "81a1 01a2 616101 616102", "a key twice"},
		{"deep", strings.Repeat("81", cbor.MaxDepth+1) + "00", "nested more than"},
		{"deep in tags", strings.Repeat("c1", cbor.MaxDepth+1) + "00", "nested more than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := cbor.NewReader(unhex(t, test.hex)).Skip()
			require.ErrorContains(t, err, test.want)
		})
	}
	deep := unhex(t, strings.Repeat("81", cbor.MaxDepth)+"00")
	raw, err := cbor.NewReader(deep).Skip()
	require.NoError(t, err)
	require.Equal(t, deep, raw)
}

func TestTypedReading(t *testing.T) {
	r := cbor.NewReader(unhex(t, "1864 3863 4101 6161 3bffffffffffffffff"))
	n, err := r.Int()
	require.NoError(t, err)
	require.EqualValues(t, 100, n)
	n, err = r.Int()
	require.NoError(t, err)
	require.EqualValues(t, -100, n)
	b, err := r.Bytes()
	require.NoError(t, err)
	require.Equal(t, []byte{1}, b)
	require.ErrorContains(t, r.End(), "11 bytes follow")
	s, err := r.Text()
	require.NoError(t, err)
	require.Equal(t, "a", s)
	_, err = r.Int()
	require.ErrorContains(t, err, "63 bits")
	require.NoError(t, r.End())
	_, err = cbor.NewReader([]byte{0x61, 'a'}).Int()
	require.Error(t, err)
	_, err = cbor.NewReader([]byte{0x41, 'a'}).Text()
	require.ErrorContains(t, err, "a byte string, want text")

	var keys []string
	r = cbor.NewReader(unhex(t, "a3 6162 01 20 02 0a 03"))
	require.NoError(t, r.Pairs(func(key cbor.Item) error {
		k, ok := key.Int64()
		keys = append(keys, string(key.Data)+key.Kind.String(), map[bool]string{true: "number", false: "text"}[ok])
		_ = k
		_, err := r.Int()
		return err
	}))
	require.Equal(t, []string{"btext", "text", "an integer", "number", "an integer", "number"}, keys)
	r = cbor.NewReader(unhex(t, "a1 4101 01"))
	require.ErrorContains(t, r.Pairs(func(cbor.Item) error { return nil }), "as a key")
	r = cbor.NewReader(unhex(t, "a2 01 01 01 01"))
	require.ErrorContains(t, r.Pairs(func(cbor.Item) error { _, err := r.Skip(); return err }), "a key twice")
}

// Every half has its 16 bits back; the next double beside it is no half.
func TestHalves(t *testing.T) {
	for bits := range 1 << 16 {
		in := []byte{0xf9, byte(bits >> 8), byte(bits)}
		i, err := cbor.NewReader(in).Next()
		if bits>>10&0x1f == 31 {
			require.ErrorContains(t, err, "finite")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, in, cbor.AppendFloat(nil, i.Float))
		require.NotEqual(t, byte(0xf9), cbor.AppendFloat(nil, math.Nextafter(i.Float, 1e9))[0], "%x", in)
	}
}

// oracle writes as RFC 8949 §4.2.1 asks.
func oracle(t testing.TB, v any) []byte {
	options := fxamacker.CoreDetEncOptions()
	mode, err := options.EncMode()
	require.NoError(t, err)
	b, err := mode.Marshal(v)
	require.NoError(t, err)
	return b
}

// fxamacker/cbor writes the same bytes.
func TestWritesLikeAnother(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64().Draw(rt, "n")
		require.Equal(t, oracle(t, n), cbor.AppendInt(nil, n))
		f := rapid.OneOf(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64), rapid.Map(rapid.Float32Range(-1e5, 1e5), func(f float32) float64 { return float64(f) }),
			rapid.Map(rapid.IntRange(-70000, 70000), func(n int) float64 { return float64(n) / 16 })).Draw(rt, "f")
		require.Equal(t, oracle(t, f), cbor.AppendFloat(nil, f))
		s := rapid.String().Draw(rt, "s")
		require.Equal(t, oracle(t, s), cbor.AppendText(nil, s))
		b := rapid.SliceOf(rapid.Byte()).Draw(rt, "b")
		if b == nil {
			b = []byte{}
		}
		require.Equal(t, oracle(t, b), cbor.AppendBytes(nil, b))
	})
	require.Equal(t, oracle(t, []any{map[int]bool{1: true}, fxamacker.Tag{Number: 300, Content: nil}, false}),
		cbor.AppendBool(cbor.AppendNull(cbor.AppendTag(cbor.AppendBool(cbor.AppendInt(cbor.AppendMap(cbor.AppendArray(nil, 3), 1), 1), true), 300)), false))
}

// What Skip accepts, fxamacker/cbor in its strictest mode accepts too.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{"a2 0101 6161 f93e00", "d28443a10126a0 4161 4162", "9f01ff", "a201010101", "fb3ff0000000000001", "1bffffffffffffffff", "61e9"} {
		b, _ := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		f.Add(b)
	}
	mode, err := fxamacker.DecOptions{
		DupMapKey: fxamacker.DupMapKeyEnforcedAPF, IndefLength: fxamacker.IndefLengthForbidden,
		NaN: fxamacker.NaNDecodeForbidden, Inf: fxamacker.InfDecodeForbidden,
		MapKeyByteString: fxamacker.MapKeyByteStringAllowed, MaxNestedLevels: cbor.MaxDepth + 1,
	}.DecMode()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, err := cbor.NewReader(data).Skip()
		if err != nil {
			return
		}
		if err := mode.Wellformed(raw); err != nil {
			t.Fatalf("%x: %v", raw, err)
		}
	})
}

func BenchmarkSkip(b *testing.B) {
	data := cbor.AppendArray(nil, 100)
	for i := range 100 {
		data = cbor.AppendText(cbor.AppendInt(cbor.AppendMap(data, 1), int64(i)), "hour meter")
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cbor.NewReader(data).Skip(); err != nil {
			b.Fatal(err)
		}
	}
}
