// Package shared finds the published test vectors and data sets that tests read
// but the repository does not carry.
package shared

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Path returns the path of a file or folder below the shared folder. The folder
// is named by the environment variable HOURMETER_SHARED; without it, it is
// "../shared" beside the checkout. A test whose file is missing is skipped, and
// says which: .ci/run treats such a skip as a failure.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("HOURMETER_SHARED")
	if root == "" {
		_, file, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("HOURMETER_SHARED: %s is not here: set HOURMETER_SHARED to the folder of published vectors and data", path)
	}
	return path
}
