package fleet_test

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
)

// A line is taken out of one machine's file. Its record says so, and goes on to be
// of use; the other nine are whole.
func ExampleFolder_Verify() {
	path, err := exampleFleet()
	defer os.RemoveAll(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	folder, err := fleet.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer folder.Close()

	file := filepath.Join(path, "chains", "drone-01.jsonl")
	text, err := os.ReadFile(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := os.WriteFile(file, bytes.Join(slices.Delete(lines, 1, 2), nil), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	whole := 0
	for _, m := range folder.Machines() {
		report, err := folder.Verify(context.Background(), new(vc.Verifier), m)
		if err != nil {
			fmt.Println(err)
			return
		}
		if len(report.Defects) == 0 {
			whole++
		}
		for _, d := range report.Defects {
			fmt.Printf("%s:%d: %s of entry %d, %v\n", d.File, d.Line, d.Kind, d.Sequence, report.History.Class())
		}
	}
	fmt.Println(whole, "records are whole")
	// Output:
	// chains/drone-01.jsonl:2: gap of entry 1, C1
	// 9 records are whole
}

// exampleFleet imports examples/fleet into a new folder.
func exampleFleet() (path string, err error) {
	if path, err = os.MkdirTemp("", "fleet"); err != nil {
		return "", err
	}
	text, err := os.ReadFile("../../examples/fleet/mapping.json")
	if err != nil {
		return path, err
	}
	mapping, err := importer.ParseMapping("mapping.json", text)
	if err != nil {
		return path, err
	}
	to, err := fleet.Edit(path)
	if err != nil {
		return path, err
	}
	defer to.Close()
	keys := new(keystore.Memory)
	im := importer.Import{Mapping: mapping, Data: os.DirFS("../../examples/fleet"), Keys: func(ctx context.Context, name string) (crypto.Signer, error) {
		return keystore.Ensure(ctx, keys, name, keystore.Ed25519)
	}}
	_, err = im.Run(context.Background(), to)
	return path, err
}
