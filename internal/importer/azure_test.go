package importer_test

import (
	"bytes"
	"context"
	"crypto"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// keysIn keeps keys where hourmeter import does, at a cost that suits tests.
func keysIn(folder string) func(context.Context, string) (crypto.Signer, error) {
	store := &keystore.Dir{
		Path:       filepath.Join(folder, fleet.KeyFolder),
		Passphrase: func(context.Context) ([]byte, error) { return []byte("test"), nil },
		Cost:       keystore.Cost{Memory: 64, Passes: 1},
	}
	return func(ctx context.Context, name string) (crypto.Signer, error) {
		return keystore.Ensure(ctx, store, name, keystore.Ed25519)
	}
}

func mapping(t testing.TB, path string) *importer.Mapping {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	m, err := importer.ParseMapping(filepath.Base(path), text)
	require.NoError(t, err)
	return m
}

// into runs an import into a folder and closes it again.
func into(t testing.TB, folder string, im importer.Import) *importer.Summary {
	t.Helper()
	to, err := fleet.Edit(folder)
	require.NoError(t, err)
	defer to.Close()
	sum, err := im.Run(t.Context(), to)
	require.NoError(t, err)
	return sum
}

func TestAzure(t *testing.T) {
	data := shared.Path(t, "data", "azure-pdm")
	folder := t.TempDir()
	last := 0
	im := importer.Import{
		Mapping: mapping(t, "../../examples/import/azure-pdm.json"),
		Data:    os.DirFS(data),
		Keys:    keysIn(folder),
		Progress: func(done, total int) {
			if done != last+1 || total != 8066 {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		},
	}
	sum := into(t, folder, im)
	require.Empty(t, sum.Problems)
	require.Empty(t, sum.Notices)
	require.Equal(t, importer.Counts{Rows: 8066, Added: 8066}, sum.Counts)
	require.Equal(t, 100, sum.NewMachines)
	require.Equal(t, 3, sum.NewParties)
	require.Equal(t, 8066, last)
	added := map[string]int{}
	for _, s := range sum.Sources {
		added[s.Name] = s.Added
	}
	require.Equal(t, map[string]int{"machines": 100, "maintenance": 3286, "failures": 761, "errors": 3919}, added)

	// Every credential verifies, in 100 whole chains, and says what the tables say: of the
	// 761 failures 743 have a replacement of the component at the same time, 18 have none.
	f, err := fleet.Open(folder)
	require.NoError(t, err)
	defer f.Close()
	count := map[string]int{}
	for _, m := range f.Machines() {
		report, err := f.Verify(t.Context(), new(vc.Verifier), m)
		require.NoError(t, err)
		require.Empty(t, report.Defects)
		require.Equal(t, chain.C2, report.History.Class())
		require.Empty(t, report.History.Backdated())
		require.Equal(t, m.Entries, int64(report.History.Len()))
		for _, it := range report.History.Entries() {
			count[it.Credential.Type()]++
			if it.Credential.Type() == "MaintenanceCredential" {
				claim, err := vc.ClaimOf[record.Maintenance](it.Credential)
				require.NoError(t, err)
				count[string(claim.Category)]++
			}
		}
	}
	require.Equal(t, map[string]int{"CommissioningCredential": 100, "IncidentCredential": 761 + 3919,
		"MaintenanceCredential": 3286, "corrective": 743, "preventive": 3286 - 743}, count)

	// A second run adds nothing, opens no key, and leaves every byte as it is.
	before := contents(t, folder)
	im.Keys, im.Progress = func(context.Context, string) (crypto.Signer, error) {
		t.Error("a key was opened")
		return nil, os.ErrInvalid
	}, nil
	again := into(t, folder, im)
	require.Equal(t, importer.Counts{Rows: 8066, Known: 8066}, again.Counts)
	require.Equal(t, before, contents(t, folder))
}

// contents returns all files of a fleet but its keys.
func contents(t testing.TB, folder string) map[string]string {
	files := map[string]string{}
	for _, pattern := range []string{"*.json", "chains/*"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			rel, _ := filepath.Rel(folder, name)
			files[rel] = string(bytes.Clone(text))
		}
	}
	return files
}
