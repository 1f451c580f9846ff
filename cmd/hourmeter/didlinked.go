package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/linkage"
)

func (a *app) didLinkedCommand() *cobra.Command {
	var o onlineFlags
	cmd := &cobra.Command{
		Use:   "linked DID [DID|ORIGIN...]",
		Short: "Check that identifiers, or an identifier and a domain, belong together",
		Long: `Check that a DID belongs together with other DIDs, or with domains such as
https://fleet.example. Both sides have to say so: two DIDs by alsoKnownAs, or by their
method; a domain by the DID configuration that it publishes, as "hourmeter did domain"
makes it, and the DID by a service of type LinkedDomains. A claim by one side is anybody's.

Without others, every domain that the DID's document claims is checked.

The exit code is 2 if one of them is not linked, 3 if that could not be found out.`,
		Example: `  hourmeter did linked did:webvh:Qm…:fleet.example:drone-7 https://fleet.example --online
  hourmeter did linked did:webvh:Qm…:fleet.example:drone-7 did:web:fleet.example:drone-7 --online`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.didLinked(cmd.Context(), args[0], args[1:], o)
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

func (a *app) didLinked(ctx context.Context, name string, others []string, o onlineFlags) error {
	id, err := did.Parse(name)
	if err != nil {
		return &verdictError{Invalid, err.Error()}
	}
	v := verifier(nil)
	if err := a.lookUp(v, o.resolveFlags, o.network); err != nil {
		return err
	}
	checker := &linkage.Checker{Resolver: v.Resolver, Status: v.Status}
	if o.online {
		if checker.Source, err = o.network.online(a); err != nil {
			return err
		}
	}
	result := Linked{DID: id, Verdict: Valid, Links: []Link{}}
	add := func(l Link, err error) {
		if err != nil {
			l.Verdict, l.Message = Unchecked, oneLine(err.Error())
			if did.IsAnswer(err) && !errors.Is(err, did.ErrMethodNotSupported) {
				l.Verdict = Invalid
			}
		}
		result.Links = append(result.Links, l)
		result.Verdict = result.Verdict.worse(l.Verdict)
	}
	domain := func(origin linkage.Origin, link *linkage.Link, err error) {
		l := Link{With: origin.String(), Verdict: Valid}
		if link != nil {
			l.By, l.Until = "domain", link.Until
		}
		add(l, err)
	}
	for _, text := range others {
		if strings.HasPrefix(text, "did:") {
			other, err := did.Parse(text)
			if err != nil {
				return &verdictError{Invalid, err.Error()}
			}
			bond, err := linkage.Same(ctx, checker.Resolver, id, other)
			add(Link{With: text, Verdict: Valid, By: string(bond)}, err)
			continue
		}
		origin, err := linkage.ParseOrigin(text)
		if err != nil {
			return err
		}
		if checker.Source == nil {
			domain(origin, nil, errors.New("what it publishes is looked up with --online"))
			continue
		}
		link, err := checker.Domain(ctx, id, origin)
		domain(origin, link, err)
	}
	if len(others) == 0 {
		if checker.Source == nil {
			return errors.New("with whom? name DIDs or domains, or pass --online to check the domains that its document claims")
		}
		found, err := checker.Domains(ctx, id)
		if err != nil {
			return unresolved(err)
		}
		for _, f := range found {
			domain(f.Origin, f.Link, f.Err)
		}
	}
	if err := a.print(result, result.print); err != nil {
		return err
	}
	if result.Verdict != Valid {
		return &verdictError{verdict: result.Verdict}
	}
	return nil
}

func (r Linked) print(w io.Writer) {
	if len(r.Links) == 0 {
		fmt.Fprintf(w, "%s claims no domain\n", r.DID)
	}
	for _, l := range r.Links {
		switch {
		case l.Verdict != Valid:
			fmt.Fprintf(w, "%s: %s: %s\n", l.With, l.Verdict, l.Message)
		case l.Until.IsZero():
			fmt.Fprintf(w, "%s: linked, by %s\n", l.With, l.By)
		default:
			fmt.Fprintf(w, "%s: linked, by %s, until %s\n", l.With, l.By, l.Until.UTC().Format(time.RFC3339))
		}
	}
}

func (a *app) didDomainCommand() *cobra.Command {
	var who identity
	var out output
	var from, until, into string
	cmd := &cobra.Command{
		Use:   "domain ORIGIN --key NAME --valid-until TIME",
		Short: "Make the DID configuration by which a domain says that an identifier is its own",
		Long: `Sign, as a DID, that it belongs to a domain, and print the DID configuration with that, to
be published at ORIGIN/.well-known/did-configuration.json. --add puts it into one that
there is. The DID's document needs a service of type LinkedDomains as well, with ORIGIN:
for a did:webvh, hourmeter did update --add-service '#domain,LinkedDomains,ORIGIN'.`,
		Example: `  hourmeter did domain https://fleet.example --key drone-7 --as did:webvh:Qm…:fleet.example:drone-7 \
      --method 'did:webvh:Qm…:fleet.example:drone-7#key-1' --valid-until 2027-12-31 -o did-configuration.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			origin, err := linkage.ParseOrigin(args[0])
			if err != nil {
				return err
			}
			start, err := parseTime("valid-from", from)
			if err != nil {
				return err
			}
			if start.IsZero() {
				start = time.Now().UTC().Truncate(time.Second)
			}
			end, err := parseTime("valid-until", until)
			if err != nil {
				return err
			}
			configuration := new(linkage.Configuration)
			if into != "" {
				text, err := a.read(into, linkage.MaxConfigurationBytes)
				if err != nil {
					return err
				}
				if configuration, err = linkage.ParseConfiguration(text); err != nil {
					return fmt.Errorf("%s: %w", into, err)
				}
			}
			issuer, err := a.issuer(cmd.Context(), who)
			if err != nil {
				return err
			}
			for _, issue := range []func() ([]byte, error){
				func() ([]byte, error) { return linkage.Issue(issuer, origin, start, end) },
				func() ([]byte, error) { return linkage.IssueJWT(issuer, origin, start, end) },
			} {
				credential, err := issue()
				if err != nil {
					return err
				}
				configuration.Credentials = append(configuration.Credentials, credential)
			}
			text, err := configuration.MarshalJSON()
			if err != nil {
				return err
			}
			return a.write(out, append(text, '\n'))
		},
	}
	f := cmd.Flags()
	who.flags(f)
	f.StringVar(&from, "valid-from", "", "time or day from which it holds (default now)")
	f.StringVar(&until, "valid-until", "", "time or day until which it holds")
	f.StringVar(&into, "add", "", "`file` with the DID configuration to add it to")
	out.flags(f)
	cmd.MarkFlagRequired("valid-until")
	return cmd
}
