package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/keyhistory"
)

// A verifyRequest is what the flags of verify say.
type verifyRequest struct {
	issuers   []string
	at        string
	report    bool
	stolen    []string
	told      []chain.Compromise // what stolen says
	challenge challengeFlag
	log       logFlags
	evidence  evidenceFlags
	keys      keyPolicy
}

func (a *app) verifyCommand() *cobra.Command {
	var r verifyRequest
	cmd := &cobra.Command{
		Use:   "verify FILE|FOLDER...",
		Short: "Check credentials, records, fleets, presentations and bundles",
		Long: `Check each FILE: a credential, a machine's record (a chain file: a credential on
each line), a presentation, which needs the challenge it answers, or an evidence
bundle, as "hourmeter bundle" makes it. A FOLDER is a fleet, as "hourmeter import"
makes it: all its records are checked on all cores. Credentials are read in every
form that "hourmeter issue" writes, and in those of VCDM 1.1 with --v1.

Issuers that are did:web or did:webvh, status lists and schemas are looked up with
--online only; else they come out of a bundle, or the credential could not be checked.
A did:webvh tells which key was in force when a credential was signed. A did:web has only
its present document: to judge by that, whenever it was signed, say --current-keys.

A key that was in force may have been rotated since, or marked as stolen. The command says
so, and takes no credential by a key that its owner has revoked: when it signed is the
thief's word then. --key-state asks for another rule: any takes those too, known wants that it is
known that the key was good then, current that it is one of its owner's to this day. In a
record, what a log held before that time stands.

Nothing in a bundle counts because it is there: the command says of each part how old it
is, and on whose word it counts. A DID document or context counts if you --pin its
digest, which "hourmeter bundle show" prints: compare it with what you have from
elsewhere. The log of a did:webvh counts by its own signatures, for what is in it: whoever
packed it may have left its newest entries off.

Everything that is wrong is named by file, line, entry, issuer and machine, and
the rest is checked all the same. Who may issue is yours to decide: without
--issuer, every issuer is taken.`,
		Example: `  hourmeter verify service.json --issuer did:key:z6Mk…
  hourmeter verify drone-7.jsonl
  hourmeter verify ./fleet --json
  hourmeter verify shown.json --challenge challenge.json
  hourmeter verify service.json --report        # every check and its outcome
  hourmeter verify service.jwt --online         # look up its issuer, and ask its status list
  hourmeter verify --offline evidence.json --stale 72h
  hourmeter verify drone-7.jsonl --log https://log.example/machines --log-key log.example/machines+… \
    --witness w1.example+… --witness w2.example+… --quorum 2    # is its newest entry shown?`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verify(cmd.Context(), args, r)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&r.issuers, "issuer", nil, "DID of an issuer to accept; others are refused")
	f.StringVar(&r.at, "at", "", "judge periods of validity as of this time or day (default now)")
	f.StringSliceVar(&r.stolen, "compromised", nil, compromisedUsage)
	f.BoolVar(&r.report, "report", false, "list every check that was made")
	r.challenge.flags(f)
	r.log.flags(f)
	r.evidence.flags(f)
	f.StringVar((*string)(&r.keys), "key-state", string(keysUnrevoked), "what has to be so of the keys that signed: any, unrevoked, known or current (see above)")
	cmd.MarkFlagsMutuallyExclusive("online", "offline")
	return cmd
}

func (a *app) verify(ctx context.Context, names []string, r verifyRequest) error {
	accept, issuers := vc.Accept(vc.AnyIssuer), []did.DID(nil)
	for _, text := range r.issuers {
		id, err := did.Parse(text)
		if err != nil {
			return fmt.Errorf("--issuer: %w", err)
		}
		issuers = append(issuers, id)
		accept = vc.IssuedBy(issuers...)
	}
	v, at, err := verifierAt(r.at)
	if err != nil {
		return err
	}
	if r.told, err = compromised(r.stolen); err != nil {
		return err
	}
	if _, err := r.keys.judge(); err != nil {
		return err
	}
	v.V1 = r.evidence.v1
	if err := a.lookUp(v, r.evidence.resolveFlags, r.log.network); err != nil {
		return err
	}
	result := Verification{Verdict: Valid, At: at, Problems: []Problem{}}
	for _, name := range names {
		var err error
		if info, statErr := os.Stat(name); name != "-" && statErr == nil && info.IsDir() {
			var sources []source
			if sources, err = a.checkFleet(ctx, v, name); err == nil {
				err = a.askLog(ctx, sources, r.log)
			}
			if err == nil {
				err = tell(ctx, v, sources, r.told)
			}
			if err == nil {
				for _, s := range sources {
					result.addRecord(ctx, v, s, issuers, r.report)
				}
			}
		} else {
			err = a.verifyFile(ctx, v, name, accept, issuers, r, &result)
		}
		if err != nil {
			return err
		}
	}
	if err := a.print(result, func(w io.Writer) { result.print(w, r.report) }); err != nil {
		return err
	}
	if result.Verdict != Valid {
		return &verdictError{verdict: result.Verdict}
	}
	return nil
}

func (a *app) verifyFile(ctx context.Context, v *vc.Verifier, name string, accept vc.Accept, issuers []did.DID, r verifyRequest, result *Verification) error {
	text, err := a.read(name, fleet.MaxChainBytes)
	if err != nil {
		return err
	}
	if isBundle(text) {
		return a.verifyBundle(ctx, v, name, text, accept, issuers, r, result)
	}
	text = trimmed(text)
	if isChainFile(name, text) {
		sources := []source{checkText(ctx, v, name, text)}
		if err := a.askLog(ctx, sources, r.log); err != nil {
			return err
		}
		if err := tell(ctx, v, sources, r.told); err != nil {
			return err
		}
		result.addRecord(ctx, v, sources[0], issuers, r.report)
		return nil
	}
	if r.log.where != "" {
		return fmt.Errorf("%s is no record: --log goes with a chain file or a fleet; to ask a log about a presentation, score it", name)
	}
	if peekAt(text).isPresentation {
		ch, err := a.challenge(r.challenge)
		if err != nil {
			return err
		}
		result.addPresentation(ctx, v, name, text, ch, accept, r.keys)
		return nil
	}
	if r.challenge != (challengeFlag{}) {
		if _, err := v.Verify(ctx, text, accept); err != nil {
			return &verdictError{judge(err), fmt.Sprintf("%s is no presentation, nor a good credential: %s", name, explain(err))}
		}
		return fmt.Errorf("%s is no presentation: --challenge, --nonce and --domain go with one", name)
	}
	result.addCredential(ctx, v, name, 0, text, accept, r.report, r.keys)
	return nil
}

const compromisedUsage = "KEY[=TIME], a DID#key in other hands since TIME (default ever): it counts only where --log held it before"

// compromised reads --compromised.
func compromised(flags []string) ([]chain.Compromise, error) {
	var keys []chain.Compromise
	for _, text := range flags {
		// A DID may have a "=" in its fragment, but no time has one.
		method, at := text, ""
		if i := strings.LastIndexByte(text, '='); i >= 0 {
			method, at = text[:i], text[i+1:]
		}
		url, err := did.ParseURL(method)
		if err == nil && url.Fragment == "" {
			err = errors.New("want a DID, # and the name of a key")
		}
		if err != nil {
			return nil, fmt.Errorf("--compromised %s: %w", text, err)
		}
		since, err := parseTime("compromised", at)
		if err != nil {
			return nil, err
		}
		keys = append(keys, chain.Compromise{Method: url, Since: since})
	}
	return keys, nil
}

// tell lets records be judged by who knows of these keys, and of those that their owners have marked as
// revoked in a DID document since. Without a verifier nobody is asked for documents.
func tell(ctx context.Context, v *vc.Verifier, sources []source, known []chain.Compromise) (err error) {
	for i := range sources {
		s := &sources[i]
		h := s.report.History
		if h == nil {
			continue
		}
		keys := known
		if v != nil {
			marked, err := keyhistory.Compromised(ctx, v, h)
			if err != nil {
				s.found = append(s.found, Problem{
					File: s.file, Subject: s.report.Machine.ID, Machine: s.name, Verdict: Unchecked, Kind: "key",
					Message: "what became of the keys that signed: " + explain(err),
				})
			}
			keys = slices.Concat(known, marked)
		}
		if len(keys) == 0 {
			continue
		}
		if s.report.History, err = h.Told(keys...); err != nil {
			return err
		}
	}
	return nil
}

// addCredential verifies one credential and notes how it came out.
func (res *Verification) addCredential(ctx context.Context, v *vc.Verifier, file string, line int, raw []byte, accept vc.Accept, report bool, keys keyPolicy) {
	var verified *vc.Verified
	var err error
	var checks []vc.Finding
	if report {
		r := v.Report(ctx, raw, accept)
		verified, err, checks = r.Verified, r.Err, r.Findings
	} else {
		verified, err = v.Verify(ctx, raw, accept)
	}
	var states []KeyState
	if verified != nil && err == nil {
		states, err = keys.check(ctx, v, verified)
	}
	check := describeCredential(file, line, raw, verified, err)
	check.Checks, check.Keys = checks, states
	res.note(check, err)
}

func (res *Verification) note(check CredentialCheck, err error) {
	res.Credentials = append(res.Credentials, check)
	res.Counts.add(check.Verdict)
	res.Verdict = res.Verdict.worse(check.Verdict)
	if err != nil {
		res.Problems = append(res.Problems, Problem{
			File: check.File, Line: check.Line, Sequence: check.Sequence, Issuer: check.Issuer, Subject: check.Subject,
			Verdict: check.Verdict, Kind: "credential", Message: explain(err),
		})
	}
}

func describeCredential(file string, line int, raw []byte, v *vc.Verified, err error) CredentialCheck {
	p := peekAt(raw)
	c := CredentialCheck{File: file, Line: line, Verdict: judge(err), Issuer: p.issuer, Subject: p.subject, Sequence: p.sequence}
	if v != nil {
		c.Digest, c.Type, c.Signers = v.Digest(), v.Type(), v.Signers()
		c.ValidFrom, c.ValidUntil = v.ValidFrom(), v.ValidUntil()
		c.MediaType, c.Status = v.MediaType(), v.Status()
		c.Selective, c.Rewritable = v.Selective(), v.Rewritable()
	}
	return c
}

// addPresentation verifies a presentation. If it does not hold, the credentials
// in it are worth nothing here: they may be good, but nobody has shown them. If it
// holds, it is returned.
func (res *Verification) addPresentation(ctx context.Context, v *vc.Verifier, file string, raw []byte, ch vc.Challenge, accept vc.Accept, keys keyPolicy) *vc.Presentation {
	p, err := v.VerifyPresentation(ctx, raw, ch, accept)
	if err != nil {
		problem := Problem{File: file, Verdict: judge(err), Kind: "presentation", Message: explain(err)}
		if inside, ok := errors.AsType[*vc.CredentialError](err); ok {
			problem.Line = inside.Index + 1
			problem.Message = fmt.Sprintf("credential %d: %s", inside.Index+1, problem.Message)
		}
		if rej, ok := errors.AsType[*vc.RejectError](err); ok {
			problem.Issuer = rej.Signer
		}
		res.Problems = append(res.Problems, problem)
		res.Verdict = res.Verdict.worse(problem.Verdict)
		res.Counts.add(problem.Verdict)
		return nil
	}
	res.Holder = p.Holder()
	for i, c := range p.Credentials() {
		states, err := keys.check(ctx, v, c)
		check := describeCredential(file, i+1, []byte(c.Raw()), c, err)
		check.Keys = states
		res.note(check, err)
	}
	return p
}

// addRecord notes how a machine's record came out.
func (res *Verification) addRecord(ctx context.Context, v *vc.Verifier, s source, issuers []did.DID, report bool) {
	problems := append(s.problems(), s.refusals(issuers)...)
	counts := s.counts()
	verdict := Valid
	for _, p := range problems {
		verdict = verdict.worse(p.Verdict)
		if p.Verdict == Refused {
			counts.Valid--
			counts.Refused++
		}
	}
	res.Counts.Valid += counts.Valid
	res.Counts.Refused += counts.Refused
	res.Counts.Unchecked += counts.Unchecked
	res.Counts.Invalid += counts.Invalid
	res.Problems = append(res.Problems, problems...)
	res.Verdict = res.Verdict.worse(verdict)
	res.Records = append(res.Records, s.describe(verdict))
	if report {
		for i, raw := range s.lines {
			r := v.Report(ctx, raw, vc.AnyIssuer)
			check := describeCredential(s.file, i+1, raw, r.Verified, r.Err)
			check.Checks = r.Findings
			res.Credentials = append(res.Credentials, check)
		}
	}
}

// refusals names the entries that none of issuers has signed.
func (s source) refusals(issuers []did.DID) []Problem {
	if issuers == nil || s.report.History == nil {
		return nil
	}
	var list []Problem
	for _, it := range s.report.History.Entries() {
		issuer := it.Credential.Issuer()
		if slices.Contains(issuers, issuer) {
			continue
		}
		list = append(list, Problem{
			File: s.file, Sequence: &it.Link.Sequence, Issuer: issuer, IssuerName: s.names(issuer),
			Subject: s.report.Machine.ID, Machine: s.name, Verdict: Refused, Kind: "credential",
			Message: "its issuer is not one that --issuer accepts",
		})
	}
	return list
}

func (c *Counts) add(v Verdict) {
	switch v {
	case Valid:
		c.Valid++
	case Refused:
		c.Refused++
	case Unchecked:
		c.Unchecked++
	case Invalid:
		c.Invalid++
	}
}

// print writes a verification for people.
func (res *Verification) print(w io.Writer, report bool) {
	printProblems(w, res.Problems)
	if len(res.Problems) > 0 {
		fmt.Fprintln(w)
	}
	for _, c := range res.Credentials {
		if report {
			printChecks(w, c)
		} else if c.Verdict == Valid {
			fmt.Fprintf(w, "%s: valid %s\n    issuer   %s\n    subject  %s\n    digest   %s\n    secured  %s\n",
				where(c), c.Type, c.Issuer, c.Subject, c.Digest, c.MediaType)
			if c.Selective {
				fmt.Fprintln(w, "    shown    in part: the holder may have left something out, and what is not there means nothing")
			}
			for _, k := range c.Keys {
				fmt.Fprintf(w, "    key      %s: %s\n", k.Key, k)
			}
			for _, s := range c.Status {
				fmt.Fprintf(w, "    status   %s is %d %s, as of %s\n", s.Purpose, s.Value, s.Message, s.AsOf.Format(time.RFC3339))
			}
		}
	}
	switch {
	case len(res.Records) == 1:
		printRecord(w, res.Records[0])
	case len(res.Records) > 1:
		table(w, func(w io.Writer) {
			fmt.Fprintln(w, "machine\tverdict\tclass\tentries\tmissing\tforks\topen\toverdue\tadverse")
			for _, r := range res.Records {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", r.label(), r.Verdict, r.class(), r.Totals.Entries,
					r.missing(), len(r.Forks), r.Totals.Open, r.Totals.Overdue, r.Totals.Adverse)
			}
		})
	}
	if len(res.Evidence) > 0 {
		fmt.Fprintln(w, "evidence:")
		printParts(w, res.Evidence)
	}
	if !res.Holder.IsZero() {
		fmt.Fprintf(w, "shown by %s, who answered the challenge\n", res.Holder)
		if res.Packers {
			fmt.Fprintln(w, "    that of the bundle: if it was you who asked, pass --challenge to see that it is yours")
		}
	}
	c := res.Counts
	fmt.Fprintf(w, "%s: %d valid", res.Verdict, c.Valid)
	for _, n := range []struct {
		count int64
		what  string
	}{{c.Refused, "refused"}, {c.Unchecked, "not checked"}, {c.Invalid, "invalid"}} {
		if n.count > 0 {
			fmt.Fprintf(w, ", %d %s", n.count, n.what)
		}
	}
	if len(res.Records) > 1 {
		fmt.Fprintf(w, ", in %d records", len(res.Records))
	}
	fmt.Fprintln(w)
}

func where(c CredentialCheck) string {
	if c.Line > 0 {
		return fmt.Sprintf("%s:%d", c.File, c.Line)
	}
	return c.File
}

func printChecks(w io.Writer, c CredentialCheck) {
	fmt.Fprintf(w, "%s: %s %s\n", where(c), c.Verdict, c.Type)
	table(w, func(w io.Writer) {
		for _, f := range c.Checks {
			fmt.Fprintf(w, "    %s\t%s\t%s\t%s\n", f.Check, f.Outcome, f.Code, oneLine(f.Detail))
		}
	})
}

// label is what to call the machine of a record in a table.
func (r Record) label() string {
	if r.Machine != "" {
		return r.Machine
	}
	return short(r.Subject.String())
}

func (r Record) class() string {
	if r.Class == "" {
		return "-"
	}
	return r.Class
}

func (r Record) missing() (n int64) {
	for _, g := range r.Gaps {
		n += g.To - g.From + 1
	}
	return n
}

func printRecord(w io.Writer, r Record) {
	table(w, func(w io.Writer) {
		fmt.Fprintf(w, "machine\t%s\n", r.Subject)
		if r.Chain.IsZero() {
			return
		}
		for _, name := range r.Names {
			fmt.Fprintf(w, "also\t%s\n", name)
		}
		fmt.Fprintf(w, "record\t%s\n", r.Chain)
		fmt.Fprintf(w, "completeness\t%s, %s\n", r.Class, classText(r.Class))
		fmt.Fprintf(w, "entries\t%d shown, %d missing; the newest is from %s\n", r.Shown, r.missing(), r.Newest.Format(time.DateOnly))
		fmt.Fprintf(w, "totals\t%d entries, %d open, %d overdue, %d adverse\n", r.Totals.Entries, r.Totals.Open, r.Totals.Overdue, r.Totals.Adverse)
		if len(r.Forks) > 0 {
			fmt.Fprintf(w, "forks\t%d\n", len(r.Forks))
		}
		if r.Backdated > 0 {
			fmt.Fprintf(w, "backdated\t%d\n", r.Backdated)
		}
		for _, v := range r.Void[:min(len(r.Void), 20)] { // a stolen key signs a great deal; --json has all
			fmt.Fprintf(w, "void\t%s\n", v.Message)
		}
		if n := len(r.Void) - 20; n > 0 {
			fmt.Fprintf(w, "void\tand %s more\n", count(int64(n), "entry", "entries"))
		}
		if r.Log != nil {
			fmt.Fprintf(w, "log\t%s holds %s, as of %s\n", r.Log.Origin, count(r.Log.Entries, "entry", "entries"), r.Log.Time.Format(time.RFC3339))
		}
	})
}

func classText(class string) string {
	return map[string]string{
		"C0": "isolated credentials: anything may be missing",
		"C1": "entries are missing, and it is known which",
		"C2": "whole up to its newest entry; no log says whether that is the newest there is",
		"C3": "whole up to a head that a log's witnesses have seen, not lately",
		"C4": "whole up to a head that a log's witnesses have seen lately",
	}[class]
}
