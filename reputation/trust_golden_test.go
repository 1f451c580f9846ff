package reputation_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/internal/golden"
)

// trustDigest is SHA-256 over testdata/golden-trust.json ‖ testdata/golden-trust-table.txt. To
// write them anew: go test ./reputation -run TestGoldenTrustInThisProcess -update
const trustDigest = "b80791163c48ae78f0709ec48a80bbef8989ae68293e4bedacfda37434fca51a"

func TestGoldenTrustInThisProcess(t *testing.T) {
	if *update {
		writeGoldenTrust(t)
		return
	}
	input, want := readGoldenTrust(t)
	sum := sha256.Sum256(slices.Concat(input, want))
	require.Equal(t, trustDigest, hex.EncodeToString(sum[:]), "the golden files are not those that were pinned")
	got, err := golden.Trust(input)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	// The file holds what it is for.
	table, _, _ := bytes.Cut(want, []byte("\n"))
	parsed, err := reputation.ParseTrustTable(table)
	require.NoError(t, err)
	require.NotEmpty(t, parsed.Factions)
	require.Zero(t, influence(parsed, issuer("liar", 0)))
	require.True(t, slices.ContainsFunc(parsed.Issuers, func(v reputation.IssuerTrust) bool { return v.Windows == 0 && v.Cap > 0 }))
}

func TestGoldenTrustIsTheSameOnEveryArchitecture(t *testing.T) {
	if testing.Short() {
		missing(t, "-short: four builds for other architectures take a minute when nothing is cached")
	}
	input, want := readGoldenTrust(t)
	everyArchitecture(t, input, want, "trust")
}

func readGoldenTrust(t *testing.T) (input, table []byte) {
	t.Helper()
	input, err := os.ReadFile("testdata/golden-trust.json")
	require.NoError(t, err)
	table, err = os.ReadFile("testdata/golden-trust-table.txt")
	require.NoError(t, err)
	return input, table
}

// writeGoldenTrust makes a town with issuers of every kind, groups, weeks that were good in
// part, withheld and overdue entries, and accreditations; and a graph.
func writeGoldenTrust(t *testing.T) {
	w := newTown(3)
	w.state = w.state[:60]
	holding := issuer("holding", 0)
	for i := range 3 {
		w.policy.Issuers = append(w.policy.Issuers, reputation.Issuer{
			ID: issuer("name", i), Controller: holding, Reliability: reputation.Reliability{Sensitivity: 600_000, Specificity: 700_000},
		})
		w.honest(issuer("name", i), 20)
	}
	for i := range 4 {
		w.honest(issuer("honest", i), 12)
	}
	for i := range 5 {
		w.speak(issuer("sleeper", i), 5, func(m int, kept bool) bool { return m%6 == 0 || kept })
	}
	w.speak(issuer("liar", 0), 20, func(_ int, kept bool) bool { return !kept })
	in := golden.TrustInput{Policy: *w.policy, AsOf: w.asOf, Nodes: 50}
	for m := range w.state {
		for i := range w.evidence[m] {
			if e := &w.evidence[m][i]; i%2 == 0 {
				e.Dimension = reputation.Availability
				up := e.Good * 600
				if i%10 == 0 {
					up = max(up, 20_000+int64(m)*9_000)
					up = min(up, 600_000)
				}
				e.Good, e.Bad = up, 604_800-up
			}
		}
		if m%5 == 0 {
			w.say(issuer("honest", 0), m, 20, false)
			e := &w.evidence[m][len(w.evidence[m])-1]
			e.Kind, e.Bad = []reputation.Kind{reputation.Fact, reputation.Due}[m%2], int64(1+m%3)
			w.say(issuer("honest", 0), m, 21, false)
			e = &w.evidence[m][len(w.evidence[m])-1]
			e.Kind, e.Dimension, e.Bad = reputation.Hidden, reputation.Availability, 2
		}
		in.Machines = append(in.Machines, golden.Machine{ID: machine(m), Case: reputation.Case{Evidence: w.evidence[m]}})
	}
	from, until := w.asOf.Time().AddDate(-1, 0, 0), w.asOf.Time().AddDate(1, 0, 0)
	in.Accreditations = []golden.Accreditation{
		{From: root(0), To: issuer("newcomer", 0), Start: from, Until: until, Depth: 2},
		{From: issuer("newcomer", 0), To: issuer("newcomer", 1), Start: from, Until: until, Depth: 1},
		{From: root(1), To: issuer("liar", 0), Start: from, Until: until},
		{From: root(1), To: issuer("newcomer", 2), Start: from, Until: from},
	}
	for range 300 {
		in.Edges = append(in.Edges, [3]uint32{w.rng.Uint32N(45), w.rng.Uint32N(50), w.rng.Uint32()})
	}
	in.Pre = make([]uint32, in.Nodes)
	in.Pre[3], in.Pre[44] = 1, 2

	text, err := json.Marshal(in)
	require.NoError(t, err)
	text = append(bytes.ReplaceAll(text, []byte(`{"sequence"`), []byte("\n{\"sequence\"")), '\n') // one piece of evidence on a line
	require.NoError(t, os.WriteFile("testdata/golden-trust.json", text, 0o644))
	table, err := golden.Trust(text)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("testdata/golden-trust-table.txt", table, 0o644))
	t.Logf("trustDigest = %x", sha256.Sum256(slices.Concat(text, table)))
}
