// Command run scores the golden cases on standard input: see package golden.
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
		var scores []byte
		if scores, err = golden.Score(input); err == nil {
			_, err = os.Stdout.Write(scores)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
