package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

func (a *app) deriveCommand() *cobra.Command {
	var show []string
	var ch challengeFlag
	var who identity
	var out output
	cmd := &cobra.Command{
		Use:   "derive FILE --show POINTER...",
		Short: "Show a part of a credential that was made for it",
		Long: `Choose what to show of a credential whose issuer allows a choice: a vc+sd-jwt, or one
with an ecdsa-sd-2023 proof. What its issuer keeps in clear is always shown. A machine's
record takes whole entries only.

With a challenge and the key that its issuer named as the holder's, a vc+sd-jwt becomes
an answer to the challenge. Others are answered with by "hourmeter present".`,
		Example: `  hourmeter derive service.json --show /credentialSubject/maintenance/category
  hourmeter derive service.jwt --show /credentialSubject/maintenance/performedBy
  hourmeter derive service.jwt --challenge challenge.json --key drone-7 > shown.jwt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.read(args[0], vc.MaxCredentialBytes)
			if err != nil {
				return err
			}
			raw = trimmed(raw)
			if raw[0] == '{' {
				if ch != (challengeFlag{}) {
					return errors.New("--challenge goes with a vc+sd-jwt: answer with hourmeter present")
				}
				derived, err := rdfc.ECDSASD2023{}.Derive(raw, show)
				if err != nil {
					return &verdictError{Invalid, fmt.Sprintf("%s: %s", args[0], explain(err))}
				}
				return a.write(out, append(derived, '\n'))
			}
			t, err := sdjwt.Parse(raw)
			if err != nil && opened(raw) != nil {
				return &verdictError{Invalid, fmt.Sprintf("%s: its issuer allows no choice: show it as it is", args[0])}
			}
			if err != nil {
				return &verdictError{Invalid, fmt.Sprintf("%s: %s", args[0], explain(err))}
			}
			if t, err = t.Present(show...); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if ch != (challengeFlag{}) {
				challenge, err := a.challenge(ch)
				if err != nil {
					return err
				}
				key, _, _, err := a.signer(cmd.Context(), who)
				if err != nil {
					return err
				}
				if t, err = t.Bind(key, challenge, time.Now()); err != nil {
					return err
				}
			}
			return a.write(out, append([]byte(t.String()), '\n'))
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&show, "show", nil, "JSON Pointers to what is shown, with commas between (default only what is always in clear)")
	ch.flags(f)
	who.flags(f)
	out.flags(f)
	return cmd
}
