// Command hourmeter keeps keys for machines and those who vouch for them,
// issues and verifies the credentials of a machine's record, and scores it.
//
// Start with "hourmeter demo". Every command explains itself with --help, and
// "hourmeter help json" documents what --json prints. The command is thin:
// what it does is done by the packages did, keystore, vc, vc/chain and
// reputation.
//
// No command opens a network connection, but those of logs, serve, and those
// that are told to by --log or --online. A credential whose issuer or status can
// only be looked up over one is reported as not checked, never as good.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.command()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var verdict *verdictError
	if !errors.As(err, &verdict) || verdict.message != "" {
		fmt.Fprintf(a.stderr, "hourmeter: %v\n", err)
	}
	return exitCode(err)
}

// explainArgs makes every command whose arguments are wrong say which it takes.
func explainArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil && cmd.HasParent() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return fmt.Errorf("%w: use it as %s", err, cmd.UseLine())
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		explainArgs(c)
	}
}

// command builds the command tree.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "hourmeter",
		Short: "The hour meter that cannot be rolled back",
		Long: `Hourmeter gives a machine an identity of its own, a signed record of its life
that nobody can roll back, and a score that any network can recompute.

Start with:  hourmeter demo

Files: "-" is standard input or output. Files are written whole or not at all,
and an existing one is only replaced with --force. No command opens a network
connection, but those of logs (hourmeter log), hourmeter serve, and those that are
told to (--log, --online).

` + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print JSON, documented in \"hourmeter help json\"")
	flags.StringVar(&a.keys, "keys", "", "`folder` of keys (default $HOURMETER_KEYS, or in the user's configuration)")
	flags.StringVar(&a.passphraseFile, "passphrase-file", "", "`file` that unlocks the keys (see hourmeter help passphrase)")
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Start here", []*cobra.Command{a.demoCommand()}},
		{"Fleets and scores", []*cobra.Command{a.importCommand(), a.verifyCommand(), a.scoreCommand(), a.trustCommand(), a.evalCommand()}},
		{"Keys and names", []*cobra.Command{a.keyCommand(), a.didCommand()}},
		{"One machine's record", []*cobra.Command{a.issueCommand(), a.chainCommand(), a.presentCommand(), a.deriveCommand(), a.bundleCommand(), a.statusCommand()}},
		{"Services", []*cobra.Command{a.serveCommand(), a.logCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title + ":"})
		for _, c := range group.commands {
			c.GroupID = group.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(topics()...)
	explainArgs(root)
	root.SetHelpCommandGroupID("Start here")
	return root
}
