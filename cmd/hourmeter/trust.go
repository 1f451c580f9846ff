package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
)

// A trustRequest is what the flags of trust say.
type trustRequest struct {
	policy         string
	at             string
	accreditations []string
	previous       string
	subject        string
	issue          bool
	cosign         string
	check          string
	who            identity
	out            output
	online         onlineFlags
}

func (a *app) trustCommand() *cobra.Command {
	var r trustRequest
	cmd := &cobra.Command{
		Use:   "trust FOLDER|FILE...",
		Short: "Estimate whom to believe, as a table to score by",
		Long: `Estimate how far each issuer is believed, from what issuers say of the same machines,
beginning with the issuers that the policy marks as "root". Nobody else has a say until
what he says has agreed with those who have. The more fleets are read, the better.

The table is printed, or signed with --issue, and then "hourmeter score --table" scores by
it. Everybody who reads the same records under the same policy as of the same day gets the
same table: another estimator adds a signature with --cosign, which estimates again first,
and --check says whether a table is what these records give.`,
		Example: `  hourmeter trust ./fleet ./other-fleet --policy policy.json
  hourmeter trust ./fleet --policy policy.json --at 2026-11-22 --issue --key estimator > table.json
  hourmeter trust ./fleet --policy policy.json --cosign table.json --key second > both.json
  hourmeter trust ./fleet --policy policy.json --check both.json
  hourmeter score ./fleet --policy policy.json --table both.json --estimator did:key:… --estimator did:key:…`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.trust(cmd.Context(), args, r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.policy, "policy", "", "policy file, with a root at least")
	f.StringVar(&r.at, "at", "", "day as of which to estimate (default today, or that of the table)")
	f.StringArrayVar(&r.accreditations, "accreditation", nil, "`file` of an AccreditationCredential (may be repeated)")
	f.StringVar(&r.previous, "previous", "", "`file` of the table of the epoch before")
	f.StringVar(&r.subject, "subject", "", "DID of the network that scores by the table (default the signer)")
	f.BoolVar(&r.issue, "issue", false, "sign the table as a credential, with --key")
	f.StringVar(&r.cosign, "cosign", "", "`file` of a table to sign as well, with --key, if the records give the same")
	f.StringVar(&r.check, "check", "", "`file` of a table to compare with what the records give")
	r.who.flags(f)
	r.out.flags(f)
	r.online.flags(f)
	cmd.MarkFlagsMutuallyExclusive("issue", "cosign", "check")
	if err := cmd.MarkFlagRequired("policy"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func (a *app) trust(ctx context.Context, names []string, r trustRequest) error {
	v, now, err := verifierAt("")
	if err != nil {
		return err
	}
	if err := a.lookUp(v, r.online.resolveFlags, r.online.network); err != nil {
		return err
	}
	asOf := reputation.DayOf(now)
	if r.at != "" {
		at, err := parseTime("at", r.at)
		if err != nil {
			return err
		}
		asOf = reputation.DayOf(at)
	}
	// What is cosigned or checked says itself as of when, and after what.
	var claimed *reputation.TrustTable
	var text []byte
	if name := r.cosign + r.check; name != "" {
		if text, claimed, err = a.readTable(ctx, v, name); err != nil {
			return err
		}
		asOf = claimed.AsOf
	}
	result, table, err := a.estimate(ctx, v, names, asOf, r)
	if err != nil {
		return err
	}
	if claimed != nil {
		table.Previous = claimed.Previous // nothing else depends on it
		want, err := claimed.Digest()
		if err != nil {
			return err
		}
		if result.Digest, err = table.Digest(); err != nil {
			return err
		}
		if result.Digest != want {
			return &verdictError{Invalid, fmt.Sprintf("%s: table %v, where these records give %v: %s", r.cosign+r.check, want, result.Digest, whatDiffers(claimed, table))}
		}
	}
	if r.issue || r.cosign != "" {
		if result.Verdict != Valid {
			return &verdictError{result.Verdict, result.Problems[0].String() + "\nNo table was signed."}
		}
		return a.signTable(ctx, r, table, text, now)
	}
	if err := a.print(result, result.print); err != nil {
		return err
	}
	if result.Verdict != Valid {
		return &verdictError{verdict: result.Verdict}
	}
	return nil
}

// estimate makes a table of all records that are named.
func (a *app) estimate(ctx context.Context, v *vc.Verifier, names []string, asOf reputation.Day, r trustRequest) (*Trust, *reputation.TrustTable, error) {
	policy, err := a.policy(scoreRequest{policy: r.policy}, nil)
	if err != nil {
		return nil, nil, err
	}
	scorer, err := reputation.NewScorer(policy, nil)
	if err != nil {
		return nil, nil, err
	}
	estimator, err := reputation.NewEstimator(policy, asOf)
	if err != nil {
		return nil, nil, fmt.Errorf(`%w: mark those whom you know with "root": true in %s`, err, r.policy)
	}
	result := &Trust{Verdict: Valid, Problems: []Problem{}}
	for _, name := range names {
		sources, err := a.evidence(ctx, v, name, challengeFlag{})
		if err != nil {
			return nil, nil, err
		}
		for _, s := range sources {
			problems := s.problems()
			result.Problems = append(result.Problems, problems...)
			for _, p := range problems {
				result.Verdict = result.Verdict.worse(p.Verdict)
			}
			if s.report.History == nil {
				continue
			}
			if err := estimator.Add(s.report.History.Subject(), scorer.Case(s.report.History)); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", s.file, err)
			}
			result.Machines++
		}
	}
	for _, name := range r.accreditations {
		text, err := a.read(name, vc.MaxCredentialBytes)
		if err != nil {
			return nil, nil, err
		}
		credential, err := v.Verify(ctx, text, vc.AnyIssuer)
		if err != nil {
			return nil, nil, &verdictError{judge(err), fmt.Sprintf("%s: %s", name, explain(err))}
		}
		accreditation, err := reputation.AccreditationOf(credential)
		if err == nil {
			err = estimator.Accredit(accreditation)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	var previous *reputation.TrustTable
	if r.previous != "" {
		if _, previous, err = a.readTable(ctx, v, r.previous); err != nil {
			return nil, nil, err
		}
	}
	if result.Table, err = estimator.Table(previous); err != nil {
		return nil, nil, err
	}
	result.Digest, err = result.Table.Digest()
	return result, result.Table, err
}

// signTable signs a table, as a new credential or beside those who signed text.
func (a *app) signTable(ctx context.Context, r trustRequest, table *reputation.TrustTable, text []byte, now time.Time) error {
	issuer, err := a.issuer(ctx, r.who)
	if err != nil {
		return err
	}
	var signed []byte
	if text != nil {
		signed, err = issuer.AddProof(text)
	} else {
		subject := issuer.ID
		if r.subject != "" {
			if subject, err = did.Parse(r.subject); err != nil {
				return fmt.Errorf("--subject: %w", err)
			}
		}
		signed, err = issuer.Issue(table.Credential(subject, now))
	}
	if err != nil {
		return err
	}
	return a.write(r.out, append(signed, '\n'))
}

// readTable returns the text of a table's credential, and what it claims. Who signed it is
// for the caller to ask.
func (a *app) readTable(ctx context.Context, v *vc.Verifier, name string) ([]byte, *reputation.TrustTable, error) {
	text, credential, err := a.tableCredential(ctx, v, name)
	if err != nil {
		return nil, nil, err
	}
	table, err := vc.ClaimOf[reputation.TrustTable](credential)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, &table, nil
}

func (a *app) tableCredential(ctx context.Context, v *vc.Verifier, name string) ([]byte, *vc.Verified, error) {
	text, err := a.read(name, vc.MaxCredentialBytes)
	if err != nil {
		return nil, nil, err
	}
	credential, err := v.Verify(ctx, text, vc.AnyIssuer)
	if err != nil {
		return nil, nil, &verdictError{judge(err), fmt.Sprintf("%s: %s", name, explain(err))}
	}
	return text, credential, nil
}

// whatDiffers names the first difference of two tables, causes before effects.
func whatDiffers(claimed, computed *reputation.TrustTable) string {
	switch {
	case claimed.Policy != computed.Policy:
		return fmt.Sprintf("it was made under policy %v, not %v", claimed.Policy, computed.Policy)
	case claimed.Observations != computed.Observations:
		return fmt.Sprintf("it was estimated from other records or accreditations (observationRoot %v, not %v)", claimed.Observations, computed.Observations)
	}
	return "it does not follow from the records that it names"
}

// tableFlags say by which trust table to score, and who has to have signed it.
type tableFlags struct {
	files      []string
	estimators []string
	need       int
}

func (t *tableFlags) flags(f *pflag.FlagSet) {
	f.StringArrayVar(&t.files, "table", nil, "`file` of a signed trust table to score by (may be repeated if each estimator signed its own)")
	f.StringArrayVar(&t.estimators, "estimator", nil, "`DID` that has to have signed the table (may be repeated)")
	f.IntVar(&t.need, "need", 0, "how many of the estimators have to have signed it (default all)")
}

// trustTable returns the table to score by, nil if none is asked for.
func (a *app) trustTable(ctx context.Context, v *vc.Verifier, t tableFlags) (*reputation.TrustTable, error) {
	if len(t.files) == 0 {
		return nil, nil
	}
	if len(t.estimators) == 0 {
		return nil, errors.New("--table says whom to believe: name who has to have signed it with --estimator DID")
	}
	var estimators []did.DID
	for _, text := range t.estimators {
		id, err := did.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--estimator: %w", err)
		}
		estimators = append(estimators, id)
	}
	var credentials []*vc.Verified
	for _, name := range t.files {
		_, credential, err := a.tableCredential(ctx, v, name)
		if err != nil {
			return nil, err
		}
		credentials = append(credentials, credential)
	}
	need := t.need
	if need == 0 {
		need = len(estimators)
	}
	table, err := reputation.CheckTrust(need, estimators, credentials...)
	if err != nil {
		return nil, &verdictError{Invalid, err.Error()}
	}
	return table, nil
}

func (t *Trust) print(w io.Writer) {
	printProblems(w, t.Problems)
	if len(t.Problems) > 0 {
		fmt.Fprintln(w)
	}
	table(w, func(w io.Writer) {
		fmt.Fprintln(w, "issuer\tright about good\tright about bad\twindows\taccredited")
		for _, i := range t.Table.Issuers {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", i.ID, percent(i.Sensitivity), percent(i.Specificity), i.Windows, percent(i.Cap))
		}
	})
	for _, f := range t.Table.Factions {
		fmt.Fprintf(w, "\n%d issuers speak with one voice of %d machines, against all others: of these machines they are not heard.\n", len(f.Issuers), len(f.Machines))
	}
	fmt.Fprintf(w, "\n%s as of %s, from %d machines, policy %s, table %s\n", t.Verdict, t.Table.AsOf, t.Machines, short(t.Table.Policy.String()), short(t.Digest.String()))
}
