package eval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
)

// A small table: ours stands where each baseline falls. The whole one is what the command
// prints.
func TestQuickTable(t *testing.T) {
	p := DefaultPlan()
	p.World.Machines = 300
	p.Scenarios = p.Only("T1", "T2", "T3", "T8", "T10")
	table, err := Evaluate(t.Context(), p.Tasks(1), nil)
	require.NoError(t, err)
	again, err := Evaluate(t.Context(), p.Tasks(1), nil)
	require.NoError(t, err)
	require.Equal(t, table, again)
	for i := range table.Rows {
		r := &table.Rows[i]
		if r.Metric != MeasureAUC {
			continue
		}
		own, ok := r.Cell(Ours)
		require.True(t, ok)
		best, ok := r.Cell("known trust")
		require.True(t, ok)
		require.Greater(t, own.Estimate.Mean, .95, r.Task)
		require.Less(t, own.Estimate.Mean, best.Estimate.Mean+.01, "%s: nothing is known better than the truth", r.Task)
		if r.Task != "T1" {
			beta, ok := r.Cell("Beta")
			require.True(t, ok)
			require.Less(t, beta.Estimate.Mean, .8, r.Task)
		}
	}
}

// Trust and scores of a simulated world have the same bits on every architecture. The digest
// changes with the scheme and with the simulator.
func TestScoresOfAWorldAreTheSameEverywhere(t *testing.T) {
	w := small()
	w.Machines = 60
	s, err := w.Simulate(Attack{Colluding: 20, Sleeping: 10, Volume: 4, Clients: 50, Hiding: 50, Whitewash: 50}, 1)
	require.NoError(t, err)
	v := View{s, w.Windows}
	table, err := v.Table()
	require.NoError(t, err)
	digest, err := table.Digest()
	require.NoError(t, err)
	scores, err := v.Scores(table)
	require.NoError(t, err)
	h := sha256.New()
	h.Write(digest[:])
	for i, score := range scores {
		require.Equal(t, digest, score.TrustTable)
		for _, n := range []int64{score.Points, score.LowPpm, score.MeanPpm} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		}
		if i%20 == 0 {
			// The fast way is the same as the slow one.
			slow, err := weighAll(s, i, v, table)
			require.NoError(t, err)
			require.Equal(t, slow.Points, score.Points)
			require.Equal(t, slow.LowPpm, score.LowPpm)
		}
	}
	require.Equal(t, pinnedScores, hex.EncodeToString(h.Sum(nil)[:8]))
}

const pinnedScores = "8dd1802d587d5bc0"

func weighAll(s *Simulation, i int, v View, table *reputation.TrustTable) (*reputation.Score, error) {
	scorer, err := reputation.NewScorer(s.Policy(), table)
	if err != nil {
		return nil, err
	}
	return scorer.Weigh(scorer.Heed(s.Machines[i].ID, s.Case(i, v.Windows, s.known(table))), s.AsOf(v.Windows))
}
