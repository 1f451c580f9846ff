package reputation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example of go-eigentrust, as it publishes it: ek trusts sd 100 and vm 75, vm trusts sd
// 100, and ek and vm are trusted beforehand with 50 and 100.
func TestEigenTrustGivesThePublishedVectors(t *testing.T) {
	const ek, sd, vm = 0, 1, 2
	g, err := NewTrustGraph(3, []Edge{{ek, sd, 100}, {vm, sd, 100}, {ek, vm, 75}})
	require.NoError(t, err)
	for _, tt := range []struct {
		alpha int64
		want  [3]float64
	}{
		{500_000, [3]float64{.21705427907166472, .3023255433103218, .4806201780180134}},
		{100_000, [3]float64{.16536739107782936, .4401132971693594, .39451931175281096}},
	} {
		// go-eigentrust stops when little moves any more, so take as many rounds as come
		// nearest. Its vectors add up to 1 + 4·10^-10 and so cannot be met more closely.
		nearest := math.Inf(1)
		for rounds := range 60 {
			got, err := g.EigenTrust([]uint32{50, 0, 100}, tt.alpha, rounds, 1)
			require.NoError(t, err)
			worst := 0.0
			for i, want := range tt.want {
				worst = max(worst, math.Abs(float64(got[i])/(1<<62)-want))
			}
			nearest = min(nearest, worst)
		}
		require.Less(t, nearest, 5e-10, "α = %d ppm", tt.alpha)
	}
}

func randomGraph(tb testing.TB, nodes, edges int) (*TrustGraph, []uint32) {
	rng := rand.New(rand.NewPCG(1, 2))
	list := make([]Edge, edges)
	for i := range list {
		list[i] = Edge{uint32(rng.IntN(nodes)), uint32(rng.IntN(nodes)), 1 + rng.Uint32N(100)}
	}
	g, err := NewTrustGraph(nodes, list)
	require.NoError(tb, err)
	pre := make([]uint32, nodes)
	for range nodes/100 + 1 {
		pre[rng.IntN(nodes)] = 1
	}
	return g, pre
}

func TestEigenTrustIsTheSameForAnyNumberOfWorkers(t *testing.T) {
	g, pre := randomGraph(t, 150_000, 400_000) // several blocks and tiles
	want, err := g.EigenTrust(pre, 150_000, 32, 1)
	require.NoError(t, err)
	var sum float64
	for _, x := range want {
		sum += float64(x) / one62
	}
	require.InDelta(t, 1, sum, 1e-9, "trust is passed on, and neither made nor lost")
	for _, workers := range []int{0, 2, 3, 7, 5000} {
		got, err := g.EigenTrust(pre, 150_000, 32, workers)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestEigenTrustRefuses(t *testing.T) {
	_, err := NewTrustGraph(0, nil)
	require.Error(t, err)
	_, err = NewTrustGraph(2, []Edge{{0, 2, 1}})
	require.ErrorContains(t, err, "edges[0]")
	g, err := NewTrustGraph(2, nil)
	require.NoError(t, err)
	for _, pre := range [][]uint32{nil, {1}, {0, 0}} {
		_, err = g.EigenTrust(pre, 150_000, 32, 0)
		require.Error(t, err)
	}
	_, err = g.EigenTrust([]uint32{1, 1}, million+1, 32, 0)
	require.Error(t, err)
}

func BenchmarkEigenTrust(b *testing.B) {
	for _, size := range []struct{ nodes, edges int }{{100_000, 1_000_000}, {1_000_000, 10_000_000}} {
		g, pre := randomGraph(b, size.nodes, size.edges)
		b.Run(fmt.Sprintf("%dk", size.nodes/1000), func(b *testing.B) {
			for b.Loop() {
				if _, err := g.EigenTrust(pre, 150_000, 32, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(32*len(g.edges)), "ns/edge/round")
		})
		// What the same number of rounds takes that only read the edges, and write and read
		// a number for each node.
		b.Run(fmt.Sprintf("%dk-sweep", size.nodes/1000), func(b *testing.B) {
			share := make([]uint64, size.nodes)
			sums := make([]uint64, 2)
			for b.Loop() {
				for range 32 {
					each(2, func(w int) {
						var sum uint64
						for _, e := range g.edges[len(g.edges)*w/2 : len(g.edges)*(w+1)/2] {
							sum += uint64(e.from) + uint64(e.to) + uint64(e.weight)
						}
						for i := size.nodes * w / 2; i < size.nodes*(w+1)/2; i++ {
							sum += share[i]
							share[i] = sum
						}
						sums[w] = sum
					})
				}
			}
		})
	}
}
