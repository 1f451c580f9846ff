package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

func (a *app) chainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "chain",
		Short: "Look at a machine's record: entries, gaps, forks, obligations",
		Long: `A machine's record is a file with a credential on each line, oldest first. Each
names the one before it and counts what happened so far, so that a reader sees what
was left out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	online := new(onlineFlags)
	online.flags(cmd.PersistentFlags())
	cmd.AddCommand(a.chainShowCommand(online), a.chainHeadCommand(online), a.chainProveCommand(online), a.chainCheckCommand(online))
	return cmd
}

func (a *app) chainShowCommand(online *onlineFlags) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:     "show FILE",
		Short:   "Verify a record and list what is in it",
		Example: `  hourmeter chain show drone-7.jsonl`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, now, err := verifierAt(at)
			if err != nil {
				return err
			}
			if err := a.lookUp(v, online.resolveFlags, online.network); err != nil {
				return err
			}
			text, err := a.read(args[0], fleet.MaxChainBytes)
			if err != nil {
				return err
			}
			s := checkText(cmd.Context(), v, args[0], text)
			problems, verdict := s.problems(), Valid
			for _, p := range problems {
				verdict = verdict.worse(p.Verdict)
			}
			shown := RecordShown{Record: s.describe(verdict), Problems: problems}
			if shown.Problems == nil {
				shown.Problems = []Problem{}
			}
			shown.list(s, now)
			if err := a.print(shown, shown.print); err != nil {
				return err
			}
			if verdict != Valid {
				return &verdictError{verdict: verdict}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "judge periods and obligations as of this time or day (default now)")
	return cmd
}

// list adds the entries and obligations of s.
func (r *RecordShown) list(s source, at time.Time) {
	h := s.report.History
	if h == nil {
		return
	}
	for _, it := range h.Entries() {
		e := Entry{
			Sequence: it.Link.Sequence, Entry: string(it.Link.Kind), Outcome: string(it.Link.Outcome), Type: it.Credential.Type(),
			ValidFrom: it.Credential.ValidFrom(), Issuer: it.Credential.Issuer(), Digest: it.Credential.Digest(),
		}
		if it.Link.Kind == chain.Close || it.Link.Kind == chain.Amend {
			e.RefersTo = &it.Link.RefersTo
		}
		r.Entries = append(r.Entries, e)
	}
	for _, o := range h.Obligations(at) {
		shown := Obligation{Opened: o.Opened, Class: o.Class, Due: o.Due, State: string(o.State), Outcome: string(o.Outcome)}
		if o.ClosedBy >= 0 {
			shown.ClosedBy = &o.ClosedBy
		}
		r.Obligations = append(r.Obligations, shown)
	}
}

func (r *RecordShown) print(w io.Writer) {
	table(w, func(w io.Writer) {
		next := int64(0)
		for _, e := range r.Entries {
			if e.Sequence > next {
				fmt.Fprintf(w, "  --\t%d missing\t\t\t\n", e.Sequence-next)
			}
			next = e.Sequence + 1
			what := e.Entry
			if e.RefersTo != nil {
				what = fmt.Sprintf("%s %d", what, *e.RefersTo)
			}
			fmt.Fprintf(w, "%4d\t%s\t%s\t%s\t%s\t%s\n", e.Sequence, e.ValidFrom.Format(time.DateOnly), what, e.Outcome,
				trimType(e.Type), short(e.Issuer.String()))
		}
	})
	if len(r.Obligations) > 0 {
		fmt.Fprintln(w, "\nobligations")
		table(w, func(w io.Writer) {
			for _, o := range r.Obligations {
				due := "-"
				if !o.Due.IsZero() {
					due = o.Due.Format(time.DateOnly)
				}
				fmt.Fprintf(w, "%4d\t%s\tdue %s\t%s\t%s\n", o.Opened, o.Class, due, o.State, o.Outcome)
			}
		})
	}
	fmt.Fprintln(w)
	printProblems(w, r.Problems)
	printRecord(w, r.Record)
	fmt.Fprintln(w, r.Verdict)
}

func (a *app) chainHeadCommand(online *onlineFlags) *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "head FILE",
		Short:   "Verify a record and print its head, for issue --head",
		Example: `  hourmeter chain head drone-7.jsonl -o head.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.read(args[0], fleet.MaxChainBytes)
			if err != nil {
				return err
			}
			v := verifier(nil)
			if err := a.lookUp(v, online.resolveFlags, online.network); err != nil {
				return err
			}
			s := checkText(cmd.Context(), v, args[0], text)
			if problems := s.problems(); len(problems) > 0 {
				verdict := Valid
				for _, p := range problems {
					verdict = verdict.worse(p.Verdict)
				}
				return &verdictError{verdict, fmt.Sprintf("%s\nA record with problems has no head to go on from: see hourmeter verify %s", problems[0], args[0])}
			}
			b, err := json.Marshal(s.report.History.Head())
			if err != nil {
				return err
			}
			return a.write(out, append(b, '\n'))
		},
	}
	out.flags(cmd.Flags())
	return cmd
}

func (a *app) chainProveCommand(online *onlineFlags) *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "prove FILE...",
		Short: "Make the proof that a record has two entries with one sequence",
		Long: `Find two entries with one sequence among the credentials of all FILEs, and print
them as evidence that anybody can check with "hourmeter chain check". Give the two
versions of the record, or two credentials. Of several forks, the first is taken.`,
		Example: `  hourmeter chain prove drone-7.jsonl shown-elsewhere.jsonl -o fork.json`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			verifier := verifier(nil)
			if err := a.lookUp(verifier, online.resolveFlags, online.network); err != nil {
				return err
			}
			proof, err := a.findFork(cmd.Context(), verifier, args)
			if err != nil {
				return err
			}
			return a.write(out, append(proof, '\n'))
		},
	}
	out.flags(cmd.Flags())
	return cmd
}

// findFork returns evidence of a fork among the credentials of files.
func (a *app) findFork(ctx context.Context, verifier *vc.Verifier, files []string) ([]byte, error) {
	type place struct {
		chain    vc.Digest
		sequence int64
	}
	seen := map[place]*vc.Verified{}
	for _, name := range files {
		text, err := a.read(name, fleet.MaxChainBytes)
		if err != nil {
			return nil, err
		}
		for _, result := range verifier.VerifyAll(ctx, splitCredentials(name, text), vc.AnyIssuer) {
			v := result.Verified
			if v == nil {
				continue // no evidence against anybody
			}
			var link chain.Link
			if ok, err := v.Member("record", &link); !ok || err != nil {
				continue
			}
			at := place{link.Chain, link.Sequence}
			if link.Sequence == 0 {
				at.chain = v.Digest()
			}
			other, taken := seen[at]
			if !taken {
				seen[at] = v
				continue
			}
			if other.Digest() == v.Digest() {
				continue
			}
			proof, err := (&chain.Equivocation{Credentials: [2]*vc.Verified{other, v}}).MarshalJSON()
			if err != nil {
				return nil, err
			}
			_, err = chain.VerifyEquivocation(ctx, verifier, proof)
			return proof, err
		}
	}
	return nil, &verdictError{Invalid, "there is no fork in what was given: no two good credentials have one place in one record"}
}

func (a *app) chainCheckCommand(online *onlineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "check PROOF",
		Short: "Check the proof that a record has two entries with one sequence",
		Long: `Check a proof as "hourmeter chain prove" makes it, trusting nobody: two credentials
with good proofs about one machine, different, with one place in one record.`,
		Example: `  hourmeter chain check fork.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := a.read(args[0], 2*vc.MaxCredentialBytes+64)
			if err != nil {
				return err
			}
			v := verifier(nil)
			if err := a.lookUp(v, online.resolveFlags, online.network); err != nil {
				return err
			}
			e, err := chain.VerifyEquivocation(cmd.Context(), v, text)
			if err != nil {
				verdict := Invalid
				if _, unchecked := errors.AsType[*vc.UncheckedError](err); unchecked || errors.Is(err, did.ErrMethodNotSupported) {
					verdict = Unchecked
				}
				return &verdictError{verdict, fmt.Sprintf("%s: %v", args[0], err)}
			}
			fork := ForkShown{Subject: e.Subject, Chain: e.Chain, Fork: describeFork(e)}
			return a.print(fork, func(w io.Writer) {
				table(w, func(w io.Writer) {
					fmt.Fprintf(w, "machine\t%s\n", fork.Subject)
					fmt.Fprintf(w, "record\t%s\n", fork.Chain)
					for i := range fork.Digests {
						fmt.Fprintf(w, "entry %d\t%s\n\tby %s\n", fork.Sequence, fork.Digests[i], fork.Issuers[i])
					}
					for _, id := range fork.SignedBoth {
						fmt.Fprintf(w, "signed both\t%s\n", id)
					}
				})
				fmt.Fprintln(w, "the proof holds: the record was written twice")
			})
		},
	}
}
