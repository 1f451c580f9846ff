package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// evidenceFlags say where verify finds what a credential refers to.
type evidenceFlags struct {
	resolveFlags
	offline, v1 bool
	pins        []string
}

func (e *evidenceFlags) flags(f *pflag.FlagSet) {
	e.verifying(f)
	f.BoolVar(&e.offline, "offline", false, "open no connection: the default, in writing")
	f.BoolVar(&e.v1, "v1", false, "also take credentials of VCDM 1.1")
	f.StringArrayVar(&e.pins, "pin", nil, "`name=digest` of a part of a bundle that you know from elsewhere; may be repeated")
}

func (e *evidenceFlags) pinned() (bundle.Pins, error) {
	pins := bundle.Pins{}
	for _, text := range e.pins {
		i := strings.LastIndex(text, "=")
		if i <= 0 {
			return nil, fmt.Errorf("--pin: %q is not name=digest", text)
		}
		digest, err := vc.ParseDigest(text[i+1:])
		if err != nil {
			return nil, fmt.Errorf("--pin %s: %w", text[:i], err)
		}
		pins[text[:i]] = digest
	}
	return pins, nil
}

func isBundle(text []byte) bool {
	head := text[:min(len(text), 256)]
	return bytes.Contains(head, []byte(`"hourmeterBundle"`))
}

// verifyBundle verifies what a bundle shows with what is in it, and with no network.
func (a *app) verifyBundle(ctx context.Context, v *vc.Verifier, name string, text []byte, accept vc.Accept, issuers []did.DID, r verifyRequest, result *Verification) error {
	b, err := bundle.Parse(text)
	if err != nil {
		result.Problems = append(result.Problems, Problem{File: name, Verdict: judge(err), Kind: "bundle", Message: explain(err)})
		result.Verdict = result.Verdict.worse(judge(err))
		result.Counts.add(judge(err))
		return nil
	}
	if r.challenge != (challengeFlag{}) {
		ch, err := a.challenge(r.challenge)
		if err != nil {
			return err
		}
		b.Challenge = ch // the reader's word on what was asked goes before the packer's
	} else if b.Presentation != nil {
		result.Packers = true
	}
	pins, err := r.evidence.pinned()
	if err != nil {
		return err
	}
	evidence := b.Open(pins)
	within := *v
	within.Resolver, within.CurrentKeys = evidence, true
	if within.Contexts, err = evidence.Contexts(v.Contexts); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	within.Suites = suites(within.Contexts)
	withEvidence(&within, evidence, r.evidence.stale)
	entries := b.Credentials
	if b.Presentation != nil {
		if p := result.addPresentation(ctx, &within, name, b.Presentation, b.Challenge, accept, r.keys); p != nil && len(b.Logs) > 0 {
			for _, c := range p.Credentials() {
				entries = append(entries, []byte(c.JSON()))
			}
		}
	}
	isRecord := len(entries) > 0
	for _, raw := range entries {
		isRecord = isRecord && raw[0] == '{' && peekAt(raw).sequence != nil
	}
	switch {
	case isRecord:
		if err := a.addPackedRecord(ctx, &within, name, entries, b.Logs, issuers, r, result); err != nil {
			return err
		}
	case len(b.Logs) > 0:
		result.Problems = append(result.Problems, Problem{File: name, Verdict: Unchecked, Kind: "log", Message: "what a log holds is of a record, and the bundle shows none"})
		result.Verdict = result.Verdict.worse(Unchecked)
		fallthrough
	default:
		for i, raw := range b.Credentials {
			result.addCredential(ctx, &within, name, i+1, raw, accept, r.report, r.keys)
		}
	}
	result.Evidence = append(result.Evidence, evidence.Parts(within.Now())...)
	return nil
}

// addPackedRecord verifies the entries of a machine's record as a chain file, with
// what a bundle has of a log.
func (a *app) addPackedRecord(ctx context.Context, v *vc.Verifier, name string, entries [][]byte, logs []tlog.Kept, issuers []did.DID, r verifyRequest, result *Verification) error {
	s := checkText(ctx, v, name, bytes.Join(entries, []byte("\n")))
	for _, kept := range logs {
		if r.log.key == "" {
			p := s.logProblem(errors.New("it is in the bundle: name the log and its witnesses with --log-key and --witness"))
			p.Verdict = Unchecked
			s.found = append(s.found, p)
			continue
		}
		trust, err := r.log.trusted()
		if err != nil {
			return err
		}
		trust.Now = v.Now
		view, err := trust.View(&kept)
		if err == nil {
			err = s.seen(view)
		}
		if err != nil {
			s.found = append(s.found, s.logProblem(err))
		}
	}
	sources := []source{s}
	if err := tell(ctx, nil, sources, r.told); err != nil {
		return err
	}
	result.addRecord(ctx, v, sources[0], issuers, r.report)
	return nil
}

func (a *app) bundleCommand() *cobra.Command {
	var r bundleRequest
	cmd := &cobra.Command{
		Use:   "bundle FILE...",
		Short: "Pack credentials or a presentation with what it takes to verify them",
		Long: `Verify each FILE, a presentation or credentials, and pack them into one file with all
that this needed: DID documents, status lists, schemas, contexts, and with --kept what
a log holds. Whoever has the file can verify it without a network:

  hourmeter verify --offline evidence.json

What could not be verified is not packed. A bundle proves nothing by itself: see
"hourmeter verify --help".`,
		Example: `  hourmeter bundle shown.json --challenge challenge.json --online -o evidence.json
  hourmeter bundle drone-7.jsonl --kept drone-7.kept.json -o evidence.json
  hourmeter bundle show evidence.json         # each part, its age and its digest`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.bundle(cmd.Context(), args, r)
		},
	}
	f := cmd.Flags()
	r.challenge.flags(f)
	r.resolve.verifying(f)
	f.BoolVar(&r.v1, "v1", false, "also take credentials of VCDM 1.1")
	f.StringArrayVar(&r.kept, "kept", nil, "`file` with what a log holds of a record, as log add --keep writes it; may be repeated")
	r.network.flags(f)
	r.out.flags(f)
	cmd.AddCommand(a.bundleShowCommand())
	return cmd
}

type bundleRequest struct {
	challenge challengeFlag
	resolve   resolveFlags
	v1        bool
	kept      []string
	network   networkFlags
	out       output
}

func (a *app) bundle(ctx context.Context, names []string, r bundleRequest) error {
	if err := r.out.free(); err != nil {
		return err
	}
	lookup, err := r.resolve.resolver(a, r.network)
	if err != nil {
		return err
	}
	recorder := &bundle.Recorder{Resolver: lookup, Logs: lookup}
	v := verifier(nil)
	v.Resolver, v.V1, v.CurrentKeys = recorder, r.v1, r.resolve.current
	if r.resolve.online {
		source, err := r.network.online(a)
		if err != nil {
			return err
		}
		recorder.Source = source
		withEvidence(v, recorder, r.resolve.stale)
	}
	b := new(bundle.Bundle)
	var urls []string
	for _, name := range names {
		text, err := a.read(name, vc.MaxPresentationBytes)
		if err != nil {
			return err
		}
		for _, raw := range splitCredentials(name, text) {
			var verified []*vc.Verified
			if peekAt(raw).isPresentation {
				if b.Presentation != nil {
					return fmt.Errorf("%s: a bundle has one presentation", name)
				}
				if b.Challenge, err = a.challenge(r.challenge); err != nil {
					return err
				}
				p, err := v.VerifyPresentation(ctx, raw, b.Challenge, vc.AnyIssuer)
				if err != nil {
					return &verdictError{judge(err), fmt.Sprintf("%s: %s; nothing was packed", name, explain(err))}
				}
				b.Presentation, verified = raw, p.Credentials()
			} else {
				c, err := v.Verify(ctx, raw, vc.AnyIssuer)
				if err != nil {
					return &verdictError{judge(err), fmt.Sprintf("%s: %s; nothing was packed", name, explain(err))}
				}
				b.Credentials, verified = append(b.Credentials, raw), []*vc.Verified{c}
			}
			for _, c := range verified {
				var listed []string
				if _, err := c.Member("@context", &listed); err == nil { // none with objects in it is known by URL
					urls = append(urls, listed...)
				}
			}
		}
	}
	for _, name := range r.kept {
		kept, err := a.kept(name)
		if err != nil {
			return err
		}
		b.Logs = append(b.Logs, *kept)
	}
	recorder.Pack(b, rdfc.Contexts(), urls...)
	text, err := b.Encode()
	if err != nil {
		return err
	}
	return a.write(r.out, text)
}

func (a *app) bundleShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show FILE",
		Short:   "List the parts of a bundle, with their ages and digests",
		Example: `  hourmeter bundle show evidence.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := a.read(args[0], bundle.MaxBytes)
			if err != nil {
				return err
			}
			b, err := bundle.Parse(text)
			if err != nil {
				return &verdictError{judge(err), fmt.Sprintf("%s: %s", args[0], explain(err))}
			}
			shown := BundleShown{
				File: args[0], Created: b.Created, Challenge: b.Challenge, Presentation: b.Presentation != nil,
				Credentials: len(b.Credentials), Parts: b.Open(nil).Parts(time.Now()),
			}
			return a.print(shown, func(w io.Writer) {
				what := count(int64(shown.Credentials), "credential", "credentials")
				if shown.Presentation {
					what = fmt.Sprintf("a presentation for %s, and %s", shown.Challenge.Domain, what)
				}
				fmt.Fprintf(w, "%s: %s, packed %s\n", shown.File, what, shown.Created.Format(time.RFC3339))
				printParts(w, shown.Parts)
			})
		},
	}
}

func printParts(w io.Writer, parts []bundle.Part) {
	table(w, func(w io.Writer) {
		for _, p := range parts {
			used, age := "", ""
			if p.Used {
				used = "used"
			}
			if !p.Fetched.IsZero() {
				age = (time.Duration(p.AgeSeconds) * time.Second).String() + " old by the packer's word"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\n", p.Kind, p.Name, p.Basis, age, used, strings.Join(strings.Fields(p.Digest.String()+" "+p.Problem), " "))
		}
	})
}
