package main

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

func (a *app) didCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "did",
		Short: "Make and look up decentralized identifiers",
		Long: `Make identifiers from keys, and look up what they mean. did:key and did:jwk
contain the key, so both work without a network; other methods are reported as
not checked (exit code 3).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.didCreateCommand(), a.didResolveCommand(), a.didKeyCommand())
	return cmd
}

func (a *app) didCreateCommand() *cobra.Command {
	var name, jwk, mk, method string
	cmd := &cobra.Command{
		Use:   "create (--key NAME | --jwk FILE | --multikey z…)",
		Short: "Make the did:key or did:jwk of a key",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			var public crypto.PublicKey
			var err error
			switch {
			case name != "":
				public, err = a.publicKey(name)
			case jwk != "":
				var b []byte
				if b, err = a.read(jwk, did.MaxDocumentBytes); err == nil {
					public, err = did.ParseJWK(b)
				}
			default:
				public, err = multikey.Decode(mk)
			}
			if err != nil {
				return err
			}
			create := did.NewKey
			switch method {
			case "key":
			case "jwk":
				create = did.NewJWK
			default:
				return fmt.Errorf("--method: %q: want key or jwk", method)
			}
			id, err := create(public)
			if err != nil {
				return err
			}
			return a.print(Identifier{DID: id}, func(w io.Writer) { fmt.Fprintln(w, id) })
		},
	}
	cmd.Flags().StringVar(&name, "key", "", "name of a key")
	cmd.Flags().StringVar(&jwk, "jwk", "", "file with a public JSON Web Key")
	cmd.Flags().StringVar(&mk, "multikey", "", "a Multikey, z…")
	cmd.Flags().StringVar(&method, "method", "key", "key or jwk")
	cmd.MarkFlagsOneRequired("key", "jwk", "multikey")
	cmd.MarkFlagsMutuallyExclusive("key", "jwk", "multikey")
	return cmd
}

func (a *app) didResolveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resolve DID",
		Short: "Print the DID document",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := did.Parse(args[0])
			if err != nil {
				return &verdictError{Invalid, err.Error()}
			}
			resolution, err := did.Offline{}.Resolve(cmd.Context(), id, did.Version{})
			if err != nil {
				return unresolved(err)
			}
			text, err := resolution.Document.MarshalJSON()
			if err != nil {
				return err
			}
			pretty := jsontext.Value(text)
			if err := pretty.Indent(jsontext.WithIndent("  ")); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s\n", pretty)
			return err
		},
	}
}

func (a *app) didKeyCommand() *cobra.Command {
	var use string
	cmd := &cobra.Command{
		Use:   "key DID-URL",
		Short: "Print the key that a DID URL names, if it may be used so",
		Long: `Print the public key that a DID URL names, if the document gives it the asked
relationship: assertionMethod (issue credentials), authentication (answer
challenges), keyAgreement, capabilityInvocation or capabilityDelegation.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := did.ParseURL(args[0])
			if err != nil {
				return &verdictError{Invalid, err.Error()}
			}
			switch r := did.Relationship(use); r {
			case did.AssertionMethod, did.Authentication, did.KeyAgreement, did.CapabilityInvocation, did.CapabilityDelegation:
			default:
				return fmt.Errorf("--use: %q is no verification relationship: see hourmeter did key --help", use)
			}
			public, err := did.Key(cmd.Context(), nil, url, did.Relationship(use), did.Version{})
			if err != nil {
				return unresolved(err)
			}
			return a.printKey("", public)
		},
	}
	cmd.Flags().StringVar(&use, "use", string(did.AssertionMethod), "what the key has to be allowed to do")
	return cmd
}

// unresolved gives the error of a look-up its verdict.
func unresolved(err error) error {
	if errors.Is(err, did.ErrMethodNotSupported) {
		return &verdictError{Unchecked, err.Error() + ": this command opens no network connection"}
	}
	if did.IsAnswer(err) {
		return &verdictError{Invalid, err.Error()}
	}
	return &verdictError{Unchecked, err.Error()}
}

func algorithmOf(public crypto.PublicKey) string {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return "Ed25519"
	case *ecdsa.PublicKey:
		return k.Curve.Params().Name
	case *ecdh.PublicKey:
		return "X25519"
	}
	return fmt.Sprintf("%T", public)
}
