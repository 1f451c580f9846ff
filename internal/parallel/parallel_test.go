package parallel_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/parallel"
)

func ExampleDo() {
	words := []string{"one", "two", "three"}
	lengths := make([]int, len(words))
	parallel.Do(len(words), func(i int) { lengths[i] = len(words[i]) })
	fmt.Println(lengths)
	// Output: [3 3 5]
}

func TestEachIsDoneOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(cores)
		for _, n := range []int{0, 1, 2, 1000} {
			done := make([]int, n)
			parallel.Do(n, func(i int) { done[i]++ })
			for i := range done {
				require.Equal(t, 1, done[i], "%d of %d, on %d cores", i, n, cores)
			}
		}
	}
}
