package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

func TestEval(t *testing.T) {
	b := newBench(t)
	small := []string{"eval", "--machines", "100", "--seeds", "1-2", "--only", "T1,T4"}

	text := b.ok(small...)
	for _, want := range []string{"T1", "honest", "T4a", "AUC", "Beta", "EigenTrust", "seeds 1, 2; 200 issuers (10 roots), 100 machines, 40 weeks"} {
		require.Contains(t, text, want)
	}
	require.Equal(t, text, b.ok(small...), "the same seeds give the same table")
	require.NotContains(t, text, "log-loss")
	require.Contains(t, b.ok(append(small, "--all")...), "log-loss")

	var e Evaluation
	require.NoError(t, json.Unmarshal([]byte(b.ok(append(small, "--json", "--svg", "pictures")...)), &e, json.RejectUnknownMembers(true)))
	require.Equal(t, []uint64{1, 2}, e.Seeds)
	require.Equal(t, 100, e.World.Machines)
	require.Len(t, e.Rows, 12, "four measures of three scenarios")
	for _, name := range []string{"calibration", "colluders", "milking"} {
		svg, err := os.ReadFile(filepath.Join(b.dir, "pictures", name+".svg"))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(svg), "<svg "))
	}
	r := b.run("", append(small, "--svg", "pictures")...)
	require.Equal(t, exitError, r.code, "nothing is replaced without being asked: %s", r.stderr)

	// Other attackers, at other strengths.
	plan := b.ok("eval", "--print-plan", "--machines", "60")
	b.write("plan.json", strings.Replace(plan, `"hiding": 80`, `"hiding": 33`, 1))
	require.Contains(t, b.ok("eval", "--plan", "plan.json", "--seeds", "5", "--only", "T8"), "60 machines")
	b.write("impossible.json", `{"scenarios": [{"name": "mine", "title": "mine", "attack": {"hiding": 50}, "auc": {"atLeast": 1.5}}], "world": {"machines": 50}}`)
	r = b.run("", "eval", "--plan", "impossible.json", "--seeds", "5")
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Contains(t, r.stdout, "BELOW")
	require.Contains(t, r.stdout, "Below target: mine AUC.")
	r = b.run("", "eval", "--plan", "impossible.json", "--seeds", "5", "--strict")
	require.Equal(t, exitRefused, r.code)

	for name, args := range map[string][]string{
		"no such task":   {"--only", "T99"},
		"one is no task": {"--only", "T1,T99"},
		"no seeds":       {"--seeds", "x"},
		"a seed twice":   {"--seeds", "1-3,2"},
		"seeds reversed": {"--seeds", "3-1"},
		"too many seeds": {"--seeds", "1-100000"},
		"one machine":    {"--machines", "1"},
		"no plan":        {"--plan", "missing.json"},
	} {
		r := b.run("", append([]string{"eval"}, args...)...)
		require.Equal(t, exitError, r.code, name)
		require.NotEmpty(t, r.stderr, name)
	}
}
