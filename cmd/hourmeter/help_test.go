package main

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
)

// What --help says is short and true: every command that does something shows how, by flags that it has,
// and none has a flag that hides one of all commands.
func TestHelpIsTrue(t *testing.T) {
	root := new(app).command()
	flag := regexp.MustCompile(`(?:^|\s)--([a-z][a-z0-9-]*)`)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			walk(c)
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			assert.Nil(t, root.PersistentFlags().Lookup(f.Name), "%s: --%s is a flag of every command", cmd.CommandPath(), f.Name)
		})
		for _, line := range strings.Split(cmd.Long, "\n") {
			if cmd.RunE != nil {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 100, "%s: a long line: %s", cmd.CommandPath(), line)
			}
		}
		if cmd.RunE == nil || cmd.HasSubCommands() || cmd.Name() == "help" {
			return
		}
		assert.Contains(t, cmd.Example, cmd.CommandPath(), "%s has no example", cmd.CommandPath())
		for line := range strings.Lines(strings.ReplaceAll(cmd.Example, "\\\n", "")) {
			if !strings.HasPrefix(strings.TrimSpace(line), cmd.CommandPath()+" ") {
				continue // another command, that goes with it
			}
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				known := cmd.Flags().Lookup(m[1]) != nil || cmd.InheritedFlags().Lookup(m[1]) != nil
				assert.True(t, known, "%s: the example has --%s, which it does not know", cmd.CommandPath(), m[1])
			}
		}
	}
	walk(root)
}
