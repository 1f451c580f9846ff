package importer_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

const exampleFleet = "../../examples/fleet"

func TestExampleFleet(t *testing.T) {
	folder := t.TempDir()
	im := importer.Import{Mapping: mapping(t, exampleFleet+"/mapping.json"), Data: os.DirFS(exampleFleet), Keys: keysIn(folder)}
	sum := into(t, folder, im)
	require.Empty(t, sum.Problems)
	require.Equal(t, importer.Counts{Rows: 621, Added: 621}, sum.Counts)
	require.Equal(t, 10, sum.NewMachines)
	require.Equal(t, 7, sum.NewParties)

	f, err := fleet.Open(folder)
	require.NoError(t, err)
	defer f.Close()
	overdue := map[string]int64{}
	kinds := map[chain.EntryKind]int{}
	for _, m := range f.Machines() {
		report, err := f.Verify(t.Context(), new(vc.Verifier), m)
		require.NoError(t, err)
		require.Empty(t, report.Defects)
		require.Empty(t, report.History.Backdated(), m.Name)
		operator, _ := f.Party("operator")
		require.Equal(t, operator.ID, report.History.Head().Owner)
		for _, it := range report.History.Entries() {
			kinds[it.Link.Kind]++
		}
		if n := report.History.Head().Totals.Overdue; n > 0 {
			overdue[m.Name] = n
		}
	}
	require.Equal(t, map[string]int64{"drone-05": 1}, overdue, "the lease that never came back")
	require.Equal(t, map[chain.EntryKind]int{chain.Commission: 10, chain.Transfer: 10, chain.Open: 14, chain.Close: 13, chain.Observe: 574}, kinds)
}
