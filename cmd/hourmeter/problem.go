package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// isDefect reports whether err says that a record is bad, and will stay bad.
func isDefect(err error) bool {
	var gap *chain.GapError
	var fork *chain.Equivocation
	var link *chain.LinkError
	var totals *chain.TotalsError
	var mixed *chain.MixedError
	return errors.As(err, &gap) || errors.As(err, &fork) || errors.As(err, &link) || errors.As(err, &totals) || errors.As(err, &mixed)
}

func asGap(err error) (*chain.GapError, bool) { return errors.AsType[*chain.GapError](err) }

// explain is the text of err without what the lines around it say already.
func explain(err error) string {
	if rej, ok := errors.AsType[*vc.RejectError](err); ok {
		unnamed := *rej
		unnamed.Signer = did.DID{}
		err = &unnamed
	} else if open, ok := errors.AsType[*vc.UncheckedError](err); ok {
		return oneLine(fmt.Sprintf("%s of type %.80q was not checked: ask for it with --online, or verify a bundle", open.Member, open.Type))
	}
	text := strings.TrimPrefix(err.Error(), "chain: ")
	return oneLine(strings.TrimPrefix(text, "vc: "))
}

// String says it in one to three lines: where, what, and whose it is.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	fmt.Fprintf(&b, ": %s", p.Verdict)
	switch {
	case p.Missing > 1:
		fmt.Fprintf(&b, ": entries %d to %d", *p.Sequence, *p.Sequence+p.Missing-1)
	case p.Sequence != nil:
		fmt.Fprintf(&b, ": entry %d", *p.Sequence)
	}
	if p.Machine != "" {
		fmt.Fprintf(&b, " of machine %s", p.Machine)
	}
	fmt.Fprintf(&b, ": %s", p.Message)
	if !p.Issuer.IsZero() {
		fmt.Fprintf(&b, "\n    issuer   %s", p.Issuer)
		if p.IssuerName != "" {
			fmt.Fprintf(&b, " (%s)", p.IssuerName)
		}
	}
	if !p.Subject.IsZero() {
		fmt.Fprintf(&b, "\n    subject  %s", p.Subject)
	}
	return b.String()
}

func printProblems(w io.Writer, problems []Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}
