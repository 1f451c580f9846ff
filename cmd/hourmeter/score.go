package main

import (
	"cmp"
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
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/policyfile"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// trusted is how reliable an issuer named with --trust is taken to be, in parts
// per million: right nine times in ten, either way. A policy file says it per
// issuer.
const trusted = 900_000

// A scoreRequest is what the flags of score say.
type scoreRequest struct {
	stolen      []string
	policy      string
	trust       []string
	at          string
	atLeast     int64
	check       string
	issue       bool
	printPolicy bool
	explain     bool
	who         identity
	out         output
	challenge   challengeFlag
	log         logFlags
	resolve     resolveFlags
	table       tableFlags
}

func (a *app) scoreCommand() *cobra.Command {
	var r scoreRequest
	cmd := &cobra.Command{
		Use:   "score FILE|FOLDER",
		Short: "Score a machine's record, a fleet or a presentation",
		Long: `Score what verifies: a chain file, a fleet, or a presentation (with the challenge it
answers). What is missing or does not verify is reported, and costs points.

The policy says whose word counts, and how much. The default policy knows nobody,
and gives every machine what an unknown one gets: name the issuers you believe with
--trust, or write a policy. --print-policy prints the one that would be used, as a
start. A score is 300 to 850; without a log's witness it is at most 680.`,
		Example: `  hourmeter score ./fleet --trust workshop --trust monitor
  hourmeter score drone-7.jsonl --policy policy.json --at 2026-11-22 --at-least 600
  hourmeter score drone-7.jsonl --policy policy.json --explain
  hourmeter score drone-7.jsonl --policy policy.json --issue --key scorer > score.json
  hourmeter score drone-7.jsonl --policy policy.json --check score.json
  hourmeter score ./fleet --policy policy.json --table table.json --estimator did:key:…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.score(cmd.Context(), args[0], r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.policy, "policy", "default", "policy file, or default")
	f.StringSliceVar(&r.trust, "trust", nil, "issuer to believe 9 times in 10: a DID, in a fleet also a name, or all")
	f.StringVar(&r.at, "at", "", "day as of which to score (default today)")
	f.Int64Var(&r.atLeast, "at-least", 0, "refuse (exit code 4) a machine with fewer points")
	f.StringVar(&r.check, "check", "", "score credential to recompute and compare")
	f.BoolVar(&r.issue, "issue", false, "sign the score of a single machine as a credential, with --key")
	f.BoolVar(&r.explain, "explain", false, "say what each credential changed, and what would help")
	f.StringSliceVar(&r.stolen, "compromised", nil, compromisedUsage)
	f.BoolVar(&r.printPolicy, "print-policy", false, "print the policy that would be used, and stop")
	r.who.flags(f)
	r.out.flags(f)
	r.challenge.flags(f)
	r.log.flags(f)
	r.resolve.verifying(f)
	r.table.flags(f)
	cmd.MarkFlagsMutuallyExclusive("check", "issue", "print-policy", "explain")
	return cmd
}

func (a *app) score(ctx context.Context, name string, r scoreRequest) error {
	v, at, err := verifierAt("")
	if err != nil {
		return err
	}
	asOf := at
	if r.at != "" {
		if asOf, err = parseTime("at", r.at); err != nil {
			return err
		}
	}
	if err := a.lookUp(v, r.resolve, r.log.network); err != nil {
		return err
	}
	sources, err := a.evidence(ctx, v, name, r.challenge)
	if err != nil {
		return err
	}
	if err := a.askLog(ctx, sources, r.log); err != nil {
		return err
	}
	told, err := compromised(r.stolen)
	if err != nil {
		return err
	}
	if err := tell(ctx, v, sources, told); err != nil {
		return err
	}
	policy, err := a.policy(r, sources)
	if err != nil {
		return err
	}
	if r.printPolicy {
		text, err := policy.JSON()
		if err != nil {
			return err
		}
		return a.write(r.out, append(text, '\n'))
	}
	table, err := a.trustTable(ctx, v, r.table)
	if err != nil {
		return err
	}
	if r.check != "" {
		return a.checkScore(ctx, v, r.check, sources, policy, table)
	}
	scorer, err := reputation.NewScorer(policy, table)
	if err != nil {
		return err
	}
	result := Scores{Verdict: Valid, Policy: scorer.Policy(), AsOf: reputation.DayOf(asOf), Problems: []Problem{}}
	for _, s := range sources {
		problems := s.problems()
		result.Problems = append(result.Problems, problems...)
		for _, p := range problems {
			result.Verdict = result.Verdict.worse(p.Verdict)
		}
		m := scoreOne(scorer, s, asOf, r)
		result.Verdict = result.Verdict.worse(m.Verdict)
		result.Machines = append(result.Machines, m)
	}
	slices.SortStableFunc(result.Machines, func(a, b MachineScore) int { return cmp.Compare(b.points(), a.points()) })
	if r.issue {
		return a.issueScore(ctx, r, result, at)
	}
	if err := a.print(result, result.print); err != nil {
		return err
	}
	if result.Verdict != Valid {
		return &verdictError{verdict: result.Verdict}
	}
	return nil
}

// evidence verifies what is to be scored.
func (a *app) evidence(ctx context.Context, v *vc.Verifier, name string, c challengeFlag) ([]source, error) {
	if info, err := os.Stat(name); name != "-" && err == nil && info.IsDir() {
		return a.checkFleet(ctx, v, name)
	}
	text, err := a.read(name, fleet.MaxChainBytes)
	if err != nil {
		return nil, err
	}
	if isChainFile(name, text) || !peekAt(text).isPresentation {
		return []source{checkText(ctx, v, name, text)}, nil
	}
	ch, err := a.challenge(c)
	if err != nil {
		return nil, err
	}
	p, err := v.VerifyPresentation(ctx, text, ch, vc.AnyIssuer)
	if err != nil {
		return nil, &verdictError{judge(err), fmt.Sprintf("%s: %s", name, explain(err))}
	}
	history, err := chain.NewDisclosed(p.Holder(), p.Credentials()...)
	if err != nil {
		return nil, &verdictError{Invalid, fmt.Sprintf("%s: %v", name, err)}
	}
	return []source{{
		file: name, names: func(did.DID) string { return "" },
		report: &fleet.Report{Machine: fleet.Machine{ID: p.Holder(), File: name}, History: history},
	}}, nil
}

// policy returns the policy to score by.
func (a *app) policy(r scoreRequest, sources []source) (*reputation.Policy, error) {
	policy := reputation.DefaultPolicy()
	if r.policy != "default" {
		text, err := a.read(r.policy, reputation.MaxPolicyBytes)
		if err != nil {
			return nil, err
		}
		if policy, err = policyfile.Parse(text); err != nil {
			return nil, fmt.Errorf("%s: %w", r.policy, err)
		}
	}
	var parties []fleet.Party
	if len(sources) > 0 {
		parties = sources[0].parties
	}
	for _, who := range r.trust {
		var ids []did.DID
		for _, p := range parties {
			if who == "all" || who == p.Name {
				ids = append(ids, p.ID)
			}
		}
		if len(ids) == 0 {
			id, err := did.Parse(who)
			if err != nil {
				return nil, fmt.Errorf("--trust: %q is no DID, and no party of a fleet: %s", who, known(parties))
			}
			ids = append(ids, id)
		}
		for _, id := range ids {
			if slices.ContainsFunc(policy.Issuers, func(i reputation.Issuer) bool { return i.ID == id }) {
				continue
			}
			policy.Issuers = append(policy.Issuers, reputation.Issuer{
				ID: id, Reliability: reputation.Reliability{Sensitivity: trusted, Specificity: trusted},
			})
		}
	}
	return policy, policy.Validate()
}

func known(parties []fleet.Party) string {
	if len(parties) == 0 {
		return "name the issuer's DID"
	}
	names := make([]string, len(parties))
	for i, p := range parties {
		names[i] = p.Name
	}
	return "known are " + strings.Join(names, ", ")
}

func scoreOne(scorer *reputation.Scorer, s source, at time.Time, r scoreRequest) MachineScore {
	m := MachineScore{Machine: s.name, Subject: s.report.Machine.ID, File: s.file, Verdict: Valid}
	if s.report.History == nil {
		m.Verdict, m.Message = Invalid, "nothing of its record can be used"
		return m
	}
	score, err := scorer.Score(s.report.History, at)
	if err != nil {
		m.Verdict, m.Message = Invalid, err.Error()
		return m
	}
	m.Score = score
	if r.explain {
		if m.Explanation, err = scorer.Explain(s.report.History, at); err != nil {
			m.Verdict, m.Message = Invalid, err.Error()
			return m
		}
	}
	if score.Points < r.atLeast {
		m.Verdict, m.Message = Refused, fmt.Sprintf("%d points, %d are asked for", score.Points, r.atLeast)
	}
	return m
}

func (m MachineScore) points() int64 {
	if m.Score == nil {
		return 0
	}
	return m.Score.Points
}

func (a *app) issueScore(ctx context.Context, r scoreRequest, result Scores, now time.Time) error {
	if len(result.Machines) != 1 || result.Machines[0].Score == nil {
		return errors.New("--issue signs the score of one machine: name its chain file")
	}
	m := result.Machines[0]
	if result.Verdict != Valid {
		if len(result.Problems) > 0 {
			return &verdictError{result.Verdict, result.Problems[0].String() + "\nNo score was signed."}
		}
		return &verdictError{result.Verdict, m.Message + ": no score was signed"}
	}
	issuer, err := a.issuer(ctx, r.who)
	if err != nil {
		return err
	}
	signed, err := issuer.Issue(m.Score.Credential(m.Subject, now))
	if err != nil {
		return err
	}
	return a.write(r.out, append(signed, '\n'))
}

// checkScore recomputes what a score credential claims.
func (a *app) checkScore(ctx context.Context, v *vc.Verifier, name string, sources []source, policy *reputation.Policy, table *reputation.TrustTable) error {
	text, err := a.read(name, vc.MaxCredentialBytes)
	if err != nil {
		return err
	}
	if len(sources) != 1 || sources[0].report.History == nil {
		return errors.New("--check compares with the record of one machine: name its chain file, or its presentation")
	}
	claimed, err := v.Verify(ctx, text, vc.AnyIssuer)
	if err != nil {
		return &verdictError{judge(err), fmt.Sprintf("%s: %s", name, explain(err))}
	}
	if err := reputation.Check(claimed, sources[0].report.History, policy, table); err != nil {
		return &verdictError{Invalid, fmt.Sprintf("%s: %v", name, err)}
	}
	checked := describeCredential(name, 0, text, claimed, nil)
	return a.print(checked, func(w io.Writer) {
		fmt.Fprintf(w, "%s: the score of %s by %s follows from the record, to the bit\n", name, checked.Subject, checked.Issuer)
	})
}

func (s *Scores) print(w io.Writer) {
	printProblems(w, s.Problems)
	if len(s.Problems) > 0 {
		fmt.Fprintln(w)
	}
	if len(s.Machines) == 1 && s.Machines[0].Score != nil {
		printScore(w, s.Machines[0])
	} else {
		table(w, func(w io.Writer) {
			fmt.Fprintln(w, "machine\tpoints\tlower bound\tmean\tclass\tloss\tmost of the loss of points")
			for _, m := range s.Machines {
				if m.Score == nil {
					fmt.Fprintf(w, "%s\t-\t-\t-\t-\t-\t%s\n", m.label(), m.Message)
					continue
				}
				fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", m.label(), m.Score.Points, percent(m.Score.LowPpm), percent(m.Score.MeanPpm),
					m.Score.Completeness, percent(m.Score.ExpectedLoss*100), topReasons(m.Score, 2))
			}
		})
	}
	for _, m := range s.Machines {
		if m.Explanation != nil {
			fmt.Fprintf(w, "\n%s: %s", m.label(), m.Explanation.Text())
		}
	}
	fmt.Fprintf(w, "\n%s as of %s, policy %s\n", s.Verdict, s.AsOf, short(s.Policy.String()))
}

func (m MachineScore) label() string {
	if m.Machine != "" {
		return m.Machine
	}
	return short(m.Subject.String())
}

// percent writes parts per million as a percentage.
func percent(ppm int64) string { return fmt.Sprintf("%d.%02d %%", ppm/10_000, ppm%10_000/100) }

func topReasons(s *reputation.Score, n int) string {
	var codes []string
	for _, r := range s.Reasons[:min(n, len(s.Reasons))] {
		if r.Lost > 0 || r.Code == reputation.Equivocation {
			codes = append(codes, fmt.Sprintf("%s -%d", r.Code, r.Lost))
		}
	}
	return strings.Join(codes, ", ")
}

func printScore(w io.Writer, m MachineScore) {
	s := m.Score
	table(w, func(w io.Writer) {
		fmt.Fprintf(w, "machine\t%s\n", m.Subject)
		fmt.Fprintf(w, "points\t%d of %d to %d\n", s.Points, reputation.Min, reputation.Max)
		fmt.Fprintf(w, "probability\t%s that an obligation is met, at least %s\n", percent(s.MeanPpm), percent(s.LowPpm))
		fmt.Fprintf(w, "expected loss\t%s of the value at stake\n", percent(s.ExpectedLoss*100))
		fmt.Fprintf(w, "evidence\t%d windows, class %s\n", s.Evidence, s.Completeness)
	})
	fmt.Fprintln(w)
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "dimension\tlower bound\tmean\tpoints\tlost")
		for _, d := range s.Dimensions {
			fmt.Fprintf(w, "%s\t%s\t%s\t%+d\t%d\n", d.Name, percent(d.LowPpm), percent(d.MeanPpm), d.Points, d.Lost)
		}
	})
	fmt.Fprintln(w)
	for _, r := range s.Reasons {
		lost := "note"
		if r.Lost > 0 || r.Code == reputation.Equivocation {
			lost = fmt.Sprintf("%4d", -r.Lost)
		}
		fmt.Fprintf(w, "%s  %s: %s\n", lost, r.Code, r.Text)
	}
	if m.Message != "" {
		fmt.Fprintf(w, "%s: %s\n", m.Verdict, m.Message)
	}
}
