package eval

import (
	"path/filepath"
	"slices"
	"strings"
)

// PublicData returns the tasks on public data, whose files are in a folder laid out as
// docs/EVALUATION.md says: the rating networks and the fleet there. Those whose files are
// not there say so when they are run. The seeds split the machines of the fleet; ratings
// are files of further rating networks.
func PublicData(dir string, seeds []uint64, ratings ...string) []Task {
	otc := filepath.Join(dir, "bitcoin-otc", "soc-sign-bitcoinotc.csv")
	tasks := []Task{RatingNetwork{"otc", otc}}
	there, _ := filepath.Glob(filepath.Join(dir, "*", "soc-sign-*.csv")) // the pattern is well formed unless dir is odd; then none are found
	for _, file := range slices.Concat(there, ratings) {
		if file != otc {
			tasks = append(tasks, RatingNetwork{strings.TrimSuffix(filepath.Base(file), ".csv"), file})
		}
	}
	return append(tasks, MachineMaintenance{filepath.Join(dir, "azure-pdm"), seeds})
}
