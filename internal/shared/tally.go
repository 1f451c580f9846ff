package shared

import (
	"fmt"
	"testing"
)

// Tally notes for the conformance table how a family of published vectors came
// out: how many of total do what the standard says, and what became of the rest.
// `go run ./internal/conformance` runs every test that calls it, and prints the table.
func Tally(t testing.TB, standard, source string, passed, total int, rest string) {
	t.Helper()
	fmt.Printf("tally\t%s\t%s\t%d\t%d\t%s\n", standard, source, passed, total, rest)
	if total == 0 {
		t.Errorf("%s, %s: there are no vectors to count", standard, source)
	}
	if passed > total || passed < total && rest == "" {
		t.Errorf("%s, %s: %d of %d, and nobody says what became of the rest", standard, source, passed, total)
	}
}
