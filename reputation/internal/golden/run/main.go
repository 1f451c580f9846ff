// Command run scores the golden cases on standard input or, with the argument "trust",
// estimates a table from those it finds there: see package golden.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/hourmeter/hourmeter/reputation/internal/golden"
)

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err == nil {
		compute := golden.Score
		if len(os.Args) > 1 && os.Args[1] == "trust" {
			compute = golden.Trust
		}
		var output []byte
		if output, err = compute(input); err == nil {
			_, err = os.Stdout.Write(output)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
