package eval

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMeasuresByHand(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"AUC: all pairs right", AUC([]float64{.9, .8, .2, .1}, []bool{yes, yes, no, no}), 1},
		{"AUC: all pairs wrong", AUC([]float64{.1, .2, .8, .9}, []bool{yes, yes, no, no}), 0},
		{"AUC: three of four pairs", AUC([]float64{.9, .3, .5, .1}, []bool{yes, yes, no, no}), .75},
		{"AUC: a tie is half a pair", AUC([]float64{.5, .5}, []bool{yes, no}), .5},
		{"AUC: ties among others", AUC([]float64{1, 1, 1, 0}, []bool{yes, no, no, no}), (0.5 + 0.5 + 1) / 3},
		{"Brier", Brier([]float64{1, .5, .2}, []bool{yes, no, yes}), (0 + .25 + .64) / 3},
		{"log-loss", LogLoss([]float64{.5, .25}, []bool{yes, no}), (math.Log(2) - math.Log(.75)) / 2},
		{"log-loss: certain and wrong is not infinite", LogLoss([]float64{1}, []bool{no}), -math.Log(1e-6)},
		{"ECE: one bin", ECE([]float64{.8, .8, .8, .8}, []bool{yes, yes, no, no}), .3},
		{"ECE: two bins", ECE([]float64{.2, .9}, []bool{no, yes}), (.2 + .1) / 2},
		{"mean", Summary([]float64{1, 2, 3}).Mean, 2},
		{"t interval", Summary([]float64{1, 2, 3}).High, 2 + 4.303/math.Sqrt(3)},
		{"t interval of two", Summary([]float64{0, 2}).Low, 1 - 12.706},
		{"interval of one", Summary([]float64{7}).Low, 7},
	} {
		require.InDelta(t, c.want, c.got, 1e-9, c.name)
	}
	require.True(t, math.IsNaN(AUC([]float64{1, 2}, []bool{yes, yes})), "AUC without negatives")
}

// The rank formula is the definition: the share of pairs in the right order.
func TestAUCIsTheShareOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "n")
		scores, positive := make([]float64, n), make([]bool, n)
		for i := range scores {
			scores[i] = float64(rapid.IntRange(0, 8).Draw(t, "score"))
			positive[i] = i == 0 || i > 1 && rapid.Bool().Draw(t, "positive")
		}
		var won, pairs float64
		for i := range scores {
			for j := range scores {
				if positive[i] && !positive[j] {
					pairs++
					switch {
					case scores[i] > scores[j]:
						won++
					case scores[i] == scores[j]:
						won += .5
					}
				}
			}
		}
		auc := AUC(scores, positive)
		require.InDelta(t, won/pairs, auc, 1e-12)

		// Order is all that counts, and the other side of it is one minus it.
		cubes, others := make([]float64, n), make([]bool, n)
		for i, s := range scores {
			cubes[i], others[i] = s*s*s-7, !positive[i]
		}
		require.InDelta(t, auc, AUC(cubes, positive), 1e-12)
		require.InDelta(t, 1-auc, AUC(scores, others), 1e-12)
	})
}

// What is calibrated by construction has an error near that of chance; what is shifted has
// the shift on top.
func TestECEFindsAShift(t *testing.T) {
	d := newDraws(1, 1)
	const n = 50_000
	p, shifted, happened := make([]float64, n), make([]float64, n), make([]bool, n)
	for i := range p {
		ppm := d.between(200_000, 800_000)
		p[i] = float64(ppm) / million
		shifted[i] = p[i] + .1
		happened[i] = d.chance(ppm)
	}
	require.Less(t, ECE(p, happened), .01)
	require.InDelta(t, .1, ECE(shifted, happened), .01)
	bins := Calibration(p, happened)
	require.Len(t, bins, Bins)
	for _, b := range bins {
		require.InDelta(t, n/Bins, b.Count, 5, "equal probabilities stay together")
	}
}

// Equal probabilities stay together, and nobody is left out.
func TestCalibrationKeepsTiesTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.SampledFrom([]float64{0, .1, .5, .9, .95}), 1, 50).Draw(t, "p")
		bins := Calibration(p, make([]bool, len(p)))
		total := 0
		for i, b := range bins {
			total += b.Count
			require.False(t, i > 0 && b.Mean <= bins[i-1].Mean)
		}
		require.Equal(t, len(p), total)
	})
}

// The 95 % interval of a mean of normal values holds the true mean in 95 % of cases, by
// Student and by bootstrap.
func TestIntervalsHoldWhatTheySay(t *testing.T) {
	d := newDraws(2, 1)
	const times, n = 400, 40
	student, bootstrap := 0, 0
	for k := range times {
		values := make([]float64, n)
		for i := range values {
			for range 12 {
				values[i] += float64(d.below(million)) / million
			}
		}
		e := Summary(values)
		if e.Low <= 6 && 6 <= e.High {
			student++
		}
		if k >= 100 {
			continue // the bootstrap takes its time
		}
		e = Bootstrap(n, uint64(k), func(sample []int) float64 {
			sum := 0.0
			for _, i := range sample {
				sum += values[i]
			}
			return sum / n
		})
		if e.Low <= 6 && 6 <= e.High {
			bootstrap++
		}
	}
	require.InDelta(t, .95, float64(student)/times, .03)
	require.InDelta(t, .95, float64(bootstrap)/100, .06)
}

func TestDrawsAreFair(t *testing.T) {
	d := newDraws(3, 1)
	var sum, squares float64
	seen := [7]int{}
	const n = 70_000
	for range n {
		c := float64(d.count(1_500_000))
		sum, squares = sum+c, squares+c*c
		seen[d.below(7)]++
	}
	mean := sum / n
	require.InDelta(t, 1.5, mean, .02)
	require.InDelta(t, 1.5, squares/n-mean*mean, .1, "nearly Poisson")
	for _, c := range seen {
		require.InDelta(t, n/7, c, n/70)
	}
	order := d.shuffle(100)
	require.False(t, slices.IsSorted(order))
	slices.Sort(order)
	for i, v := range order {
		require.Equal(t, i, v)
	}
}
