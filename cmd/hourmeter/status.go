package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/status"
)

// maxListFile bounds the files of a status list: 16 MiB of statuses that do not
// shrink, in base64.
const maxListFile = 24 << 20

// takenEnding names the file beside a list that says which indexes are taken.
const takenEnding = ".taken"

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Publish which credentials are revoked or suspended",
		Long: `Keep a Bitstring Status List in a file. Publish the file at its URL as it stands, for
"application/vc"; whoever verifies a credential with --online reads it there.

Beside LIST lies LIST.taken, which says which indexes are taken, and is yours alone.`,
		Example: `  hourmeter status create list-1.json --url https://shop.example/status/1 --key workshop
  hourmeter status take list-1.json > status.json     # a place for one credential
  hourmeter issue service.json --type MaintenanceCredential --key workshop \
      --subject did:key:z6Mk… --members status.json > service-7.json
  hourmeter status set list-1.json 48213 1 --key workshop     # revoked
  hourmeter status show list-1.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	online := new(onlineFlags)
	reading := []*cobra.Command{a.statusTakeCommand(online), a.statusSetCommand(online), a.statusShowCommand(online)}
	for _, c := range reading {
		online.flags(c.Flags())
	}
	cmd.AddCommand(a.statusCreateCommand())
	cmd.AddCommand(reading...)
	return cmd
}

func (a *app) statusCreateCommand() *cobra.Command {
	var who identity
	var url string
	var purposes []string
	var entries, size int
	var ttl time.Duration
	var until string
	cmd := &cobra.Command{
		Use:     "create LIST --url URL --key NAME",
		Short:   "Make a list in which nothing is set",
		Example: `  hourmeter status create revoked.json --url https://fleet.example/revoked --key workshop`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{args[0], args[0] + takenEnding} {
				if err := (output{name: name}).free(); err != nil {
					return fmt.Errorf("%w; what a list said before must not be forgotten: use another name", err)
				}
			}
			list, err := status.NewBitstringList(entries, size)
			if err != nil {
				return err
			}
			none, err := status.NewBitstringList(entries, 1)
			if err != nil {
				return err
			}
			taken, err := none.Encode()
			if err != nil {
				return err
			}
			c := &status.BitstringCredential{URL: url, Purposes: purposes, List: list, TTL: ttl}
			if c.ValidUntil, err = parseTime("valid-until", until); err != nil {
				return err
			}
			signed, err := a.signList(cmd.Context(), c, who)
			if err != nil {
				return err
			}
			if err := a.write(output{name: args[0] + takenEnding, secret: true}, []byte(taken+"\n")); err != nil {
				return err
			}
			return a.write(output{name: args[0]}, append(signed, '\n'))
		},
	}
	f := cmd.Flags()
	who.flags(f)
	f.StringVar(&url, "url", "", "where the list will be published")
	f.StringSliceVar(&purposes, "purpose", []string{status.Revocation}, "what a set entry means: revocation, suspension, refresh or message")
	f.IntVar(&entries, "entries", status.MinEntries, "how many credentials there is room for; fewer would tell them apart")
	f.IntVar(&size, "size", 1, "bits of a status: 1, 2, 4 or 8")
	f.DurationVar(&ttl, "ttl", 0, "how long a reader may keep a copy (default what the reader decides)")
	f.StringVar(&until, "valid-until", "", "time or day until which a copy holds; without, an old one stays good")
	cmd.MarkFlagRequired("url")
	return cmd
}

func (a *app) signList(ctx context.Context, c *status.BitstringCredential, who identity) ([]byte, error) {
	issuer, err := a.issuer(ctx, who)
	if err != nil {
		return nil, err
	}
	issuer.Contexts = rdfc.Contexts()
	return c.Sign(issuer)
}

// readList reads a list and checks that it is one its issuer signed. size is what
// its entries have; 0 takes it from the list, or 1.
func (a *app) readList(ctx context.Context, name string, online *onlineFlags) (*status.BitstringCredential, *vc.Verified, error) {
	text, err := a.read(name, maxListFile)
	if err != nil {
		return nil, nil, err
	}
	reader := verifier(nil)
	if err := a.lookUp(reader, online.resolveFlags, online.network); err != nil {
		return nil, nil, err
	}
	v, err := reader.Verify(ctx, trimmed(text), vc.AnyIssuer)
	if err != nil {
		return nil, nil, &verdictError{judge(err), fmt.Sprintf("%s: %s", name, explain(err))}
	}
	var subject struct {
		Size int `json:"statusSize"`
	}
	if _, err := v.Member("credentialSubject", &subject); err != nil || subject.Size == 0 {
		subject.Size = 1
	}
	c, err := status.ReadBitstringCredential(v, subject.Size)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, v, nil
}

func (a *app) statusTakeCommand(online *onlineFlags) *cobra.Command {
	var purpose string
	cmd := &cobra.Command{
		Use:   "take LIST",
		Short: "Take a place in the list, for one credential",
		Long: `Take a place in the list that is free, by chance, and print it as a credentialStatus for
"hourmeter issue --members". The place is written down as taken before it is printed.`,
		Example: `  hourmeter status take revoked.json > members.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := a.readList(cmd.Context(), args[0], online)
			if err != nil {
				return err
			}
			if purpose == "" {
				purpose = c.Purposes[0]
			}
			if !slices.Contains(c.Purposes, purpose) {
				return fmt.Errorf("--purpose: the list is for %s", strings.Join(c.Purposes, " and "))
			}
			name := args[0] + takenEnding
			if missing(name) {
				return fmt.Errorf("%s is missing: without it, a place could be given to two credentials", name)
			}
			lock, err := lockFile(cmd.Context(), name)
			if err != nil {
				return err
			}
			defer lock.Close()
			taken, err := a.readTaken(name)
			if err != nil {
				return err
			}
			if taken.Len() != c.List.Len() {
				return fmt.Errorf("%s: %d places, and the list has %d: it belongs to another list", name, taken.Len(), c.List.Len())
			}
			indexes, err := status.NewIndexes(taken)
			if err != nil {
				return err
			}
			index, err := indexes.Take()
			if err != nil {
				return err
			}
			now, err := indexes.Encode()
			if err != nil {
				return err
			}
			if err := a.write(output{name: name, force: true, secret: true}, []byte(now+"\n")); err != nil {
				return err
			}
			entry := status.Entry{Purpose: purpose, List: c.URL, Index: index}
			if c.List.Size() > 1 {
				entry.Size = c.List.Size()
			}
			out, err := json.Marshal(map[string]status.Entry{"credentialStatus": entry}, jsontext.WithIndent("  "))
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(append(out, '\n'))
			return err
		},
	}
	cmd.Flags().StringVar(&purpose, "purpose", "", "one of the list's purposes (default the first)")
	return cmd
}

func (a *app) statusSetCommand(online *onlineFlags) *cobra.Command {
	var who identity
	cmd := &cobra.Command{
		Use:   "set LIST INDEX VALUE --key NAME",
		Short: "Set the status of one credential, and sign the list again",
		Long: `Set the status of the credential with that statusListIndex: 1 revokes or suspends it,
0 takes a suspension back; a revocation is for good. The list is signed again with the key,
which has to be its issuer's.`,
		Example: `  hourmeter status set revoked.json 81172 1 --key workshop`,
		Args:    cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			index, err := strconv.Atoi(args[1])
			if err != nil {
				return fmt.Errorf("%q is no index", args[1])
			}
			value, err := strconv.Atoi(args[2])
			if err != nil {
				return fmt.Errorf("%q is no status", args[2])
			}
			lock, err := lockExisting(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer lock.Close()
			c, v, err := a.readList(cmd.Context(), args[0], online)
			if err != nil {
				return err
			}
			was, err := c.List.Get(index)
			if err != nil {
				return err
			}
			if was != 0 && value == 0 && slices.Contains(c.Purposes, status.Revocation) {
				return fmt.Errorf("%d is revoked, and a revocation is for good: issue another credential; suspension can be taken back", index)
			}
			if err := a.isTaken(args[0], index); err != nil {
				return err
			}
			if err := c.List.Set(index, value); err != nil {
				return err
			}
			_, id, _, err := a.signer(cmd.Context(), who)
			if err != nil {
				return err
			}
			if id != v.Issuer() {
				return fmt.Errorf("the list is %s's, and the key signs as %s: nobody would believe it", v.Issuer(), id)
			}
			c.ValidFrom = time.Time{} // from now on
			signed, err := a.signList(cmd.Context(), c, who)
			if err != nil {
				return err
			}
			return a.write(output{name: args[0], force: true}, append(signed, '\n'))
		},
	}
	who.flags(cmd.Flags())
	return cmd
}

// isTaken refuses an index that no credential has, if that is known here: revoking
// it would leave in force the credential that was meant.
func (a *app) isTaken(list string, index int) error {
	name := list + takenEnding
	if missing(name) {
		return nil
	}
	taken, err := a.readTaken(name)
	if err != nil {
		return err
	}
	if set, err := taken.Get(index); err == nil && set == 0 {
		return fmt.Errorf("%d was never taken, as %s has it: look at statusListIndex of the credential that is meant", index, name)
	}
	return nil
}

// readTaken reads which indexes of a list are taken.
func (a *app) readTaken(name string) (*status.BitstringList, error) {
	text, err := a.read(name, maxListFile)
	if err != nil {
		return nil, err
	}
	taken, err := status.DecodeBitstringList(strings.TrimSpace(string(text)), 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return taken, nil
}

// lockExisting locks a file that has to be there.
func lockExisting(ctx context.Context, name string) (*os.File, error) {
	if missing(name) {
		return nil, fmt.Errorf("%s: there is no such file", name)
	}
	return lockFile(ctx, name)
}

func (a *app) statusShowCommand(online *onlineFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "show LIST",
		Short:   "Say what a list is for, and what is set in it",
		Example: `  hourmeter status show revoked.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, v, err := a.readList(cmd.Context(), args[0], online)
			if err != nil {
				return err
			}
			shown := StatusList{File: args[0], URL: c.URL, Issuer: v.Issuer(), Purposes: c.Purposes, Signed: v.Created(), Entries: c.List.Len(), Set: []StatusSet{}}
			for i := range c.List.Len() {
				value, err := c.List.Get(i)
				if err != nil {
					return err
				}
				if value != 0 {
					shown.Set = append(shown.Set, StatusSet{i, value})
				}
			}
			return a.print(shown, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %s by %s, signed %s\n%d of %d entries are set\n", shown.URL, strings.Join(shown.Purposes, " and "), shown.Issuer,
					shown.Signed.Format(time.RFC3339), len(shown.Set), shown.Entries)
				for _, s := range shown.Set[:min(len(shown.Set), 100)] {
					fmt.Fprintf(w, "  %d: %d\n", s.Index, s.Value)
				}
				if len(shown.Set) > 100 {
					fmt.Fprintln(w, "  … all of them with --json")
				}
			})
		},
	}
}
