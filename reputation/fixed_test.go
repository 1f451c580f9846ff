package reputation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tablesDigest is SHA-256 over log2[0..255] ‖ exp2[0..255], each big-endian.
const tablesDigest = "ffc3fdf4c8e86e38f24f9083a205a0c7b2b0f4158f9816c9668d3094805756e1"

func TestTablesArePinned(t *testing.T) {
	h := sha256.New()
	require.NoError(t, binary.Write(h, binary.BigEndian, tables().log2[:]))
	require.NoError(t, binary.Write(h, binary.BigEndian, tables().exp2[:]))
	require.Equal(t, tablesDigest, hex.EncodeToString(h.Sum(nil)))
}

const precision = 400 // bits of the arithmetic that checks ours

func bigInt(x uint64) *big.Float {
	return new(big.Float).SetPrec(precision).SetInt(new(big.Int).SetUint64(x))
}

// bigLog2 makes the first 80 bits of log2 x, 1 <= x < 2, by squaring in 400 bits.
func bigLog2(x *big.Float) *big.Float {
	x = new(big.Float).SetPrec(precision).Set(x)
	two, sum, bit := bigInt(2), new(big.Float).SetPrec(precision), bigInt(1)
	for range 80 {
		bit = new(big.Float).Quo(bit, two)
		x = new(big.Float).SetPrec(precision).Mul(x, x)
		if x.Cmp(two) >= 0 {
			x.Quo(x, two)
			sum.Add(sum, bit)
		}
	}
	return sum
}

// bigLn is the series 2·artanh((x-1)/(x+1)) in 400 bits.
func bigLn(x *big.Float) *big.Float {
	one := bigInt(1)
	z := new(big.Float).Quo(new(big.Float).SetPrec(precision).Sub(x, one), new(big.Float).SetPrec(precision).Add(x, one))
	zz, power, sum := new(big.Float).Mul(z, z), z, new(big.Float).SetPrec(precision)
	for n := uint64(1); n < 400; n += 2 {
		sum.Add(sum, new(big.Float).Quo(power, bigInt(n)))
		power = new(big.Float).Mul(power, zz)
	}
	return sum.Mul(sum, bigInt(2))
}

// floorAt62 is ⌊x·2^62⌋.
func floorAt62(x *big.Float) uint64 {
	n, _ := new(big.Float).SetMantExp(x, 62).Int(nil)
	return n.Uint64()
}

func TestTablesAgainstBigArithmetic(t *testing.T) {
	got := tables()
	for k := range uint64(256) {
		want := floorAt62(bigLog2(new(big.Float).Quo(bigInt(256+k), bigInt(256))))
		require.Equal(t, want, got.log2[k], "log2(1+%d/256)", k)
	}
	// 2^(-k/256) = (1/2)^(k/256): eight square roots, then the k-th power.
	root := new(big.Float).Quo(bigInt(1), bigInt(2))
	for range 8 {
		root = new(big.Float).SetPrec(precision).Sqrt(root)
	}
	power := bigInt(1)
	for k := range 256 {
		want := floorAt62(power)
		require.LessOrEqual(t, want-got.exp2[k], uint64(2), "2^(-%d/256): at most 2 units of 2^-62 low", k)
		power = new(big.Float).Mul(power, root)
	}
	l := bigLn(bigInt(2))
	require.Equal(t, floorAt62(l), uint64(ln2))
	require.Equal(t, floorAt62(new(big.Float).Quo(bigInt(1), l)), uint64(log2e))
}

func TestLogarithmsAndPowersKeepTheirBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	unit := math.Ldexp(1, -32)
	for range 200_000 {
		x := rng.Uint64() >> rng.UintN(63)
		if x == 0 {
			continue
		}
		// float64 has 53 bits: near enough to see units of 2^-32, with 2^-20 units of slack.
		diff := math.Log2(float64(x)) - 32 - float64(log2(x))*unit
		require.True(t, diff > -1e-3*unit && diff < 2*unit, "log2(%d): off by %g units", x, diff/unit)
		diff = math.Log(float64(x)) - 32*math.Ln2 - float64(ln(x))*unit
		require.True(t, diff > -1e-3*unit && diff < 3*unit, "ln(%d): off by %g units", x, diff/unit)

		y := rng.Uint64() >> (26 + rng.UintN(36))
		diff = math.Exp2(-float64(y)*unit) - math.Ldexp(float64(exp2neg(y)), -62)
		require.InDelta(t, 0, diff, math.Ldexp(1, -48), "2^-%d", y)

		z := int64(rng.Uint64()>>29) - 1<<34
		diff = math.Tanh(float64(z)*unit/2) - float64(certainty(z))*unit
		require.InDelta(t, 0, diff, 2*unit, "certainty(%d)", z)
		require.Equal(t, certainty(z), -certainty(-z))
		diff = 1/(1+math.Exp2(-float64(z)*unit)) - float64(probability(z))*unit
		require.InDelta(t, 0, diff, 1.001*unit, "probability(%d)", z)
	}
	require.Zero(t, log2(one))
	require.Equal(t, int64(5<<32), log2(32*one))
	require.Zero(t, certainty(0))
	require.Equal(t, uint64(one62), exp2neg(0))
	require.Equal(t, uint64(one), decay(0, 24))
	require.Equal(t, uint64(one/2), decay(24, 24))
	require.Equal(t, uint64(2), decay(31*24, 24))
	require.Zero(t, decay(32*24, 24))
}

func TestSquareRootIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64().Draw(t, "x")
		want := new(big.Int).Sqrt(new(big.Int).SetUint64(x)).Uint64()
		require.Equal(t, want, sqrt(x))
	})
	for _, x := range []uint64{0, 1, 2, 3, 4, 8, 9, 1<<62 - 1, 1 << 62, math.MaxUint64, (1<<32 - 1) * (1<<32 - 1), (1<<32-1)*(1<<32-1) - 1} {
		require.Equal(t, new(big.Int).Sqrt(new(big.Int).SetUint64(x)).Uint64(), sqrt(x))
	}
}

func TestRoundingIsTowardsMinusInfinity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "a")
		b := rapid.Int64Range(1, 1<<40).Draw(t, "b")
		want := new(big.Int).Div(big.NewInt(a), big.NewInt(b)) // Euclidean: floor, for b > 0
		require.Equal(t, want.Int64(), floorDiv(a, b))

		q := rapid.Uint64Max(1<<63).Draw(t, "q")
		p := new(big.Int).Mul(big.NewInt(a), new(big.Int).SetUint64(q))
		require.Equal(t, p.Rsh(p, 62).Int64(), times(a, q)) // Rsh rounds like floor
	})
}
