package reputation_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/internal/golden"
)

// oracle scores the cases in input with a program in another language, which was written
// from docs/SCORE.md and takes the texts of reason codes from it.
func oracle(t *testing.T, input []byte) []byte {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node, which runs the second implementation of the score, is not installed")
	}
	run := exec.Command(node, "testdata/oracle.mjs")
	run.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	run.Stderr = &stderr
	out, err := run.Output()
	require.NoError(t, err, stderr.String())
	return out
}

// sameScores compares line by line, so that a failure names the case.
func sameScores(t *testing.T, want, got []byte) {
	t.Helper()
	type line struct {
		Name  string
		Score struct{ Points, MeanPpm, LowPpm int64 }
	}
	lines, others := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	require.Len(t, others, len(lines))
	for i := range lines[:len(lines)-1] {
		var a, b line
		require.NoError(t, json.Unmarshal(lines[i], &a))
		require.NoError(t, json.Unmarshal(others[i], &b))
		require.Equal(t, a, b)
		require.Equal(t, string(lines[i]), string(others[i]), a.Name)
	}
}

func TestASecondImplementationGivesTheGoldenScores(t *testing.T) {
	input, want := readGolden(t)
	sameScores(t, want, oracle(t, input))
}

// The golden file has one policy. Here are others, with weights and numbers that do not divide evenly.
func TestASecondImplementationGivesTheSameScoresUnderOtherPolicies(t *testing.T) {
	input, _ := readGolden(t)
	rng := rand.New(rand.NewPCG(20261122, 2))
	reliability := func() reputation.Reliability {
		s := 20_000 + rng.Int64N(960_001)
		return reputation.Reliability{Sensitivity: s, Specificity: max(1_000_000-s, 20_000+rng.Int64N(960_001))}
	}
	for range 4 {
		var in golden.Input
		require.NoError(t, json.Unmarshal(input, &in))
		p := &in.Policy
		for i := range p.Issuers {
			p.Issuers[i].Reliability = reliability()
		}
		p.Admission = reliability()
		a, b := rng.Int64N(500_000), rng.Int64N(500_000)
		p.Weights = reputation.Each[int64]{Availability: a / 2, Maintenance: a - a/2, Obligations: b / 3, Integrity: b - b/3, Provenance: 1_000_000 - a - b}
		for _, priors := range []*reputation.Priors{&p.Priors, &p.Fleets[0].Priors} {
			for _, prior := range []*reputation.Prior{&priors.Availability, &priors.Maintenance, &priors.Obligations, &priors.Integrity, &priors.Provenance} {
				*prior = reputation.Prior{Mean: 1 + rng.Int64N(999_999), Strength: 1 + rng.Int64N(10_000)}
			}
		}
		p.LossGivenDefault = rng.Int64N(10_001)
		text, err := json.Marshal(in)
		require.NoError(t, err)
		want, err := golden.Score(text)
		require.NoError(t, err)
		sameScores(t, want, oracle(t, text))
	}
}

func TestSpecificationNamesTheGoldenFiles(t *testing.T) {
	text, err := os.ReadFile("../docs/SCORE.md")
	require.NoError(t, err)
	require.Contains(t, string(text), goldenDigest)
}
