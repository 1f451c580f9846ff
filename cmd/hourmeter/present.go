package main

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// maxChallenge bounds a challenge file: a nonce and a host name.
const maxChallenge = 4 << 10

// A challengeFlag is a challenge given as a file or as its two parts.
type challengeFlag struct{ file, nonce, domain string }

func (c *challengeFlag) flags(flags *pflag.FlagSet) {
	flags.StringVar(&c.file, "challenge", "", "file with a challenge, as \"hourmeter present challenge\" makes it")
	flags.StringVar(&c.nonce, "nonce", "", "nonce of the challenge")
	flags.StringVar(&c.domain, "domain", "", "domain of the challenge: who asks")
}

func (a *app) challenge(c challengeFlag) (vc.Challenge, error) {
	if c.file == "" {
		if c.nonce == "" || c.domain == "" {
			return vc.Challenge{}, errors.New("a presentation answers a challenge: pass --nonce and --domain, or --challenge FILE")
		}
		return vc.Challenge{Nonce: c.nonce, Domain: c.domain}, nil
	}
	if c.nonce != "" || c.domain != "" {
		return vc.Challenge{}, errors.New("pass --challenge, or --nonce and --domain, not both")
	}
	b, err := a.read(c.file, maxChallenge)
	if err != nil {
		return vc.Challenge{}, err
	}
	doc, err := strictjson.Parse(b, strictjson.Limits{Bytes: maxChallenge})
	if err != nil {
		return vc.Challenge{}, fmt.Errorf("%s: %w", c.file, err)
	}
	var ch vc.Challenge
	if err := json.Unmarshal([]byte(doc.Root().Raw()), &ch, json.RejectUnknownMembers(true)); err != nil {
		return vc.Challenge{}, fmt.Errorf("%s is no challenge: %w", c.file, err)
	}
	if ch.Nonce == "" || ch.Domain == "" {
		return vc.Challenge{}, fmt.Errorf("%s is no challenge: it needs nonce and domain", c.file)
	}
	return ch, nil
}

func (a *app) presentCommand() *cobra.Command {
	var who identity
	var ch challengeFlag
	var how securing
	var chains []string
	var out output
	cmd := &cobra.Command{
		Use:   "present FILE... --key NAME (--challenge FILE | --nonce N --domain D)",
		Short: "Answer a challenge with credentials",
		Long: `Answer a challenge with a machine's credentials: each FILE is one credential, or a
chain file with one on each line. The key is the machine's own. The answer holds
for this challenge only.`,
		Example: `  hourmeter present challenge --domain lease.example > challenge.json   # the one who asks
  hourmeter present drone-7.jsonl --key drone-7 --challenge challenge.json > shown.json
  hourmeter verify shown.json --challenge challenge.json                # the one who asks`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			challenge, err := a.challenge(ch)
			if err != nil {
				return err
			}
			v := verifier(nil)
			v.V1 = true
			var credentials [][]byte
			for _, name := range args {
				b, err := a.read(name, vc.MaxPresentationBytes)
				if err != nil {
					return err
				}
				for _, raw := range splitCredentials(name, b) {
					// A proof that does not hold helps nobody, and that of a credential which is to be
					// shown in part gives away the whole.
					if _, err := v.Verify(cmd.Context(), raw, vc.AnyIssuer); errors.Is(err, vc.ErrProof) {
						return &verdictError{Invalid, fmt.Sprintf("%s: %s", name, explain(err))}
					}
					credentials = append(credentials, embeddable(raw))
				}
			}
			holder, err := a.holder(cmd.Context(), who)
			if err != nil {
				return err
			}
			if holder.Suite, holder.Format, err = how.ways(); err != nil {
				return err
			}
			if holder.Format, err = a.certify(holder.Format, holder.ID, holder.Key.Public(), chains); err != nil {
				return err
			}
			shown, err := holder.Present(challenge, credentials...)
			if err != nil {
				return err
			}
			return a.write(out, lined(shown))
		},
	}
	who.flags(cmd.Flags())
	ch.flags(cmd.Flags())
	how.flags(cmd.Flags())
	cmd.Flags().StringArrayVar(&chains, "x509-chain", nil, "`file` with the certificate chain of the did:x509 of --as, PEM; it goes along with --format vc+jwt, vc+sd-jwt and vc+cose")
	out.flags(cmd.Flags())
	cmd.AddCommand(a.challengeCommand())
	return cmd
}

func (a *app) challengeCommand() *cobra.Command {
	var domain string
	var out output
	cmd := &cobra.Command{
		Use:   "challenge --domain D",
		Short: "Make a challenge with a fresh nonce",
		Long: `Make a challenge with a fresh nonce, as JSON. The one who asks keeps it, and takes
no more than one answer to it.`,
		Example: `  hourmeter present challenge --domain lease.example -o challenge.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b, err := json.Marshal(vc.NewChallenge(domain))
			if err != nil {
				return err
			}
			return a.write(out, append(b, '\n'))
		},
	}
	cmd.Flags().StringVar(&domain, "domain", "", "who asks, such as lease.example")
	out.flags(cmd.Flags())
	cmd.MarkFlagRequired("domain")
	return cmd
}
