package main

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/vc/record"
)

// topics are pages of "hourmeter help" that belong to no command.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitHelp},
		{Use: "json", Short: "What --json prints", Long: jsonHelp()},
		{Use: "mapping", Short: "The file that tells import what columns mean", Long: importer.MappingHelp()},
		{Use: "passphrase", Short: "Where the passphrase of the keys comes from", Long: passphraseHelp},
		{Use: "types", Short: "What a claim of each type looks like", Long: typesHelp()},
	}
}

// typesHelp shows an example claim for each type that issue takes.
func typesHelp() string {
	var b strings.Builder
	b.WriteString("The types that issue --type takes, each with a claim as FILE would hold it. All members are\ndocumented with package vc/record; a wrong or contradictory one is refused by name.\n")
	for _, name := range record.Types() {
		text, _ := record.Example(name)
		var example struct {
			Subject map[string]jsontext.Value `json:"credentialSubject"`
		}
		if err := json.Unmarshal(text, &example); err != nil {
			continue
		}
		delete(example.Subject, "id")
		claim, err := json.Marshal(example.Subject, json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			continue
		}
		b.WriteString("\n" + name + "\n" + string(claim) + "\n")
	}
	return b.String()
}
