package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/keystore"
)

func (a *app) importCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "import MAPPING FOLDER",
		Short: "Turn exports of a maintenance system or monitor into a fleet of records",
		Long: `Read CSV and JSON Lines files as MAPPING says, and issue a credential for each row
that is not in its machine's record yet. FOLDER is the fleet, made by the first run:
a key and a DID for each machine and each party that issues, a chain file for each
machine. A later run adds only what is new; one that was killed is completed by the
next.

Rows that cannot be mapped are listed by file, line and reason (exit code 2), and
the others are imported. Keys are kept in FOLDER/keys unless --keys names another
folder. "hourmeter help mapping" describes the mapping file.`,
		Example: `  hourmeter import mapping.json ./fleet --passphrase-file secret
  hourmeter verify ./fleet
  hourmeter score ./fleet --trust workshop --trust monitor`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importFleet(cmd.Context(), args[0], args[1], data)
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder of the files that the mapping names (default the mapping's own)")
	return cmd
}

func (a *app) importFleet(ctx context.Context, mappingFile, folder, data string) (err error) {
	text, err := a.read(mappingFile, importer.MaxMappingBytes)
	if err != nil {
		return err
	}
	mapping, err := importer.ParseMapping(mappingFile, text)
	if err != nil {
		return err
	}
	if data == "" {
		if mappingFile == "-" {
			return errors.New("--data is required with a mapping from standard input: name the folder of the files")
		}
		data = filepath.Dir(mappingFile)
	}
	keys, err := a.dir()
	if err != nil {
		return err
	}
	if a.keys == "" {
		keys.Path = filepath.Join(folder, fleet.KeyFolder)
	}
	if missing(keys.Path) {
		keys.Passphrase = a.askPassphrase(true)
	}
	if _, err := keys.Passphrase(ctx); err != nil { // ask before the bar is drawn, and before all cores ask at once
		return err
	}
	editor, err := fleet.Edit(folder)
	if err != nil {
		return err
	}
	defer func() {
		if closed := editor.Close(); err == nil {
			err = closed
		}
	}()
	progress, finish := a.progress("importing")
	im := importer.Import{
		Mapping: mapping, Data: os.DirFS(data), Progress: progress, Now: time.Now,
		Keys: func(ctx context.Context, name string) (crypto.Signer, error) {
			return keystore.Ensure(ctx, keys, name, keystore.Ed25519)
		},
	}
	summary, err := im.Run(ctx, editor)
	finish()
	if summary == nil {
		return err
	}
	result := describeImport(folder, data, summary)
	if printErr := a.print(result, result.print); printErr != nil {
		return errors.Join(err, printErr)
	}
	if err != nil {
		return fmt.Errorf("%w\nWhat was added before is whole; the same command completes it", err)
	}
	if result.Unmapped > 0 {
		return &verdictError{verdict: Invalid}
	}
	return nil
}

func describeImport(folder, data string, s *importer.Summary) Imported {
	r := Imported{
		Folder: folder, NewMachines: s.NewMachines, NewParties: s.NewParties, Rows: counts(s.Counts),
		Sources: []ImportedSource{}, Problems: []RowProblem{}, Notices: []ImportNotice{},
	}
	for _, source := range s.Sources {
		r.Sources = append(r.Sources, ImportedSource{Name: source.Name, Type: source.Record, Files: source.Files, Rows: counts(source.Counts)})
	}
	for _, p := range s.Problems {
		r.Problems = append(r.Problems, RowProblem{
			Source: p.Source, File: filepath.Join(data, p.File), Line: p.Line, Machine: p.Machine, Message: oneLine(p.Err.Error()),
		})
	}
	for _, n := range s.Notices {
		r.Notices = append(r.Notices, ImportNotice{File: filepath.Join(folder, n.File), Line: n.Line, Message: oneLine(n.Detail)})
	}
	return r
}

func counts(c importer.Counts) Rows {
	return Rows{Rows: c.Rows, Skipped: c.Skipped, Known: c.Known, Added: c.Added, Late: c.Late, Unmapped: c.Unmapped}
}

func (r *Imported) print(w io.Writer) {
	for _, n := range r.Notices {
		fmt.Fprintf(w, "%s:%d: %s\n", n.File, n.Line, n.Message)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s:%d: not imported: %s\n", p.File, p.Line, p.Message)
	}
	if more := r.Unmapped - len(r.Problems); more > 0 {
		fmt.Fprintf(w, "… and %d more rows\n", more)
	}
	if len(r.Problems)+len(r.Notices) > 0 {
		fmt.Fprintln(w)
	}
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "source\ttype\trows\tskipped\tknown\tadded\tlate\tnot imported")
		for _, s := range r.Sources {
			typ := trimType(s.Type)
			if typ == "" {
				typ = "(looked up)"
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", s.Name, typ, s.Rows.Rows, s.Skipped, s.Known, s.Added, s.Late, s.Unmapped)
		}
	})
	fmt.Fprintf(w, "\n%s: %d credentials added, %d new machines, %d new parties\n", r.Folder, r.Added, r.NewMachines, r.NewParties)
	if r.Added > 0 {
		fmt.Fprintf(w, "next: hourmeter verify %s\n", r.Folder)
	}
}
