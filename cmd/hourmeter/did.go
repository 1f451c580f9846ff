package main

import (
	"cmp"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/pkh"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

func (a *app) didCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "did",
		Short: "Make, look up and change decentralized identifiers",
		Long: `Make identifiers, and look up what they mean.

  key, jwk  a key and nothing else: who loses the key loses the name
  peer      several keys and services, for parties that know each other
  pkh       an account on a blockchain
  x509      a machine by its CA, and what the certificate it left the factory with says of it
  webvh     a log of signed entries at a web address: its keys can change, it can move, have
            witnesses and be retired, and every version of it stays what it was

did:webvh is for a machine that lives long and changes owners. Its log is made and changed
in a folder here, which is then uploaded. All others need no network.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.didCreateCommand(), a.didResolveCommand(), a.didKeyCommand(), a.didLogCommand(), a.didLinkedCommand(), a.didDomainCommand(),
		a.didUpdateCommand(), a.didRotateCommand(), a.didRevokeCommand(), a.didMoveCommand(), a.didDeactivateCommand(), a.didWitnessCommand())
	return cmd
}

func (a *app) didCreateCommand() *cobra.Command {
	var name, jwk, mk, method string
	var account string
	var numalgo int
	var w webvhRequest
	var x x509Request
	cmd := &cobra.Command{
		Use:   "create (--key NAME | --jwk FILE | --multikey z…) [--method METHOD]",
		Short: "Make an identifier",
		Long: `Make an identifier: the did:key or did:jwk of a key; with --method x509 the did:x509 of a
certificate chain; or with --method webvh the first entry of a log, in a folder to be
uploaded.

For a did:webvh, --key is the machine's key, in its document, and --update-key the key that
may change the log: by default the same. Keep them apart if the machine's key is in the
field, or is not Ed25519. --next-key commits to the next update key (pre-rotation): a
thief of the present one can then change nothing. --portable has to be said now, if the
machine may ever change hosts.`,
		Example: `  hourmeter did create --key drone-7
  hourmeter did create --method x509 --x509-chain chain.pem --subject CN,2.5.4.5
  hourmeter did create --method webvh --host fleet.example --path drones/7 --key drone-7 \
      --update-key owner --next-key owner-2 --portable --out ./drone-7
  hourmeter did create --method webvh --host fleet.example --key depot --update-key owner \
      --witness did:key:z6Mk… --witness did:key:z6Mk… --witness did:key:z6Mk… --threshold 2 --out ./depot`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ofLog := ""
			for _, flag := range []string{"host", "path", "update-key", "next-key", "no-next-key", "portable", "witness", "threshold", "watcher", "ttl",
				"web", "out", "document", "add-service", "add-alias", "add-controller", "add-key", "use"} {
				if cmd.Flags().Changed(flag) {
					ofLog = flag
				}
			}
			if method == "pkh" {
				if ofLog+name+jwk+mk != "" || account == "" {
					return errors.New("a did:pkh is made of an account, and of nothing else: pass --account")
				}
				id, err := pkh.New(account)
				if err != nil {
					return fmt.Errorf("--account: %w", err)
				}
				return a.print(Identifier{DID: id}, func(w io.Writer) { fmt.Fprintln(w, id) })
			}
			if method == "x509" {
				if ofLog+name+jwk+mk != "" {
					return errors.New("a did:x509 is made of a certificate chain: it goes with --x509-chain, --subject, --san, --eku and --ca-index")
				}
				return a.createX509(x)
			}
			if method == "webvh" {
				if jwk != "" {
					return fmt.Errorf("--jwk: name the machine's key with --key or --multikey")
				}
				w.key = name + mk
				return a.createWebVH(cmd.Context(), w)
			}
			if ofLog != "" && (method != "peer" || !strings.HasPrefix(ofLog, "add-") && ofLog != "use") {
				return fmt.Errorf("--%s goes with --method webvh", ofLog)
			}
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
			case mk != "":
				public, err = multikey.Decode(mk)
			default:
				err = errors.New("which key? pass --key, --jwk or --multikey")
			}
			if err != nil {
				return err
			}
			create := did.NewKey
			switch method {
			case "peer":
				return a.createPeer(numalgo, public, w.services)
			case "key":
			case "jwk":
				create = did.NewJWK
			default:
				return fmt.Errorf("--method: %q: want key, jwk, peer, pkh, x509 or webvh", method)
			}
			id, err := create(public)
			if err != nil {
				return err
			}
			return a.print(Identifier{DID: id}, func(w io.Writer) { fmt.Fprintln(w, id) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "key", "", "name of a key")
	f.StringVar(&jwk, "jwk", "", "file with a public JSON Web Key")
	f.StringVar(&mk, "multikey", "", "a Multikey, z…")
	f.StringVar(&method, "method", "key", "key, jwk, peer, pkh, x509 or webvh")
	f.StringVar(&account, "account", "", "pkh: `account` on a blockchain (CAIP-10), such as eip155:1:0xab16…")
	f.IntVar(&numalgo, "numalgo", 2, "peer: which kind: 0 is one key, 2 several and services, 4 the same with a short form")
	x.flags(f)
	w.at.flags(f)
	f.StringArrayVar(&w.updateKeys, "update-key", nil, "`name` or Multikey of a key that may change the log (default the one of --key); the first is named and signs; may be repeated")
	f.StringArrayVar(&w.rules.next, "next-key", nil, "`name` or Multikey of the next update key: only its hash is published (pre-rotation); may be repeated")
	f.BoolVar(&w.portable, "portable", false, "let it move to another host some day")
	w.rules.rules(cmd)
	w.services.flags(f)
	for _, flag := range []string{"remove-key", "remove-service", "remove-alias", "remove-controller"} {
		f.MarkHidden(flag) // there is nothing to remove yet
	}
	f.BoolVar(&w.web, "web", false, webUsage)
	f.StringVar(&w.out, "out", "", "`folder` for the log")
	cmd.MarkFlagsMutuallyExclusive("key", "jwk", "multikey")
	return cmd
}

func (a *app) didKeyCommand() *cobra.Command {
	var use string
	var r resolveFlags
	var n networkFlags
	var v versionFlags
	cmd := &cobra.Command{
		Use:   "key DID-URL",
		Short: "Print the key that a DID URL names, if it may be used so",
		Long: `Print the public key that a DID URL names, if the document gives it the asked
relationship: assertionMethod (issue credentials), authentication (answer
challenges), keyAgreement, capabilityInvocation or capabilityDelegation.`,
		Example: `  hourmeter did key 'did:webvh:Qm…:fleet.example:drone-7#key-1' --did-log ./drone-7 --version-time 2026-03-05`,
		Args:    cobra.ExactArgs(1),
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
			if url.Fragment == "" {
				return fmt.Errorf("%s names no key: write its name behind it, such as %s", url, cmp.Or(url.DID.KeyURL(), url.DID.URL("key-1")))
			}
			version, err := v.version(url)
			if err != nil {
				return err
			}
			lookup, err := r.resolver(a, n)
			if err != nil {
				return err
			}
			url.Query = "" // the version, which was read
			public, err := did.Key(cmd.Context(), lookup, url, did.Relationship(use), version)
			if errors.Is(err, did.ErrNotFound) {
				if res, _ := lookup.Resolve(cmd.Context(), url.DID, version); res != nil && res.Document.Method(url) == nil {
					err = fmt.Errorf("%w: %w", did.ErrNotFound, edited(res.Document).noMethod(url))
				}
			}
			if err != nil {
				return unresolved(err)
			}
			return a.printKey("", public)
		},
	}
	cmd.Flags().StringVar(&use, "use", string(did.AssertionMethod), "what the key has to be allowed to do")
	v.flags(cmd.Flags())
	r.flags(cmd.Flags())
	n.flags(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("version-id", "version-time", "version-number")
	return cmd
}

func algorithmOf(public crypto.PublicKey) string {
	switch k := public.(type) {
	case ed25519.PublicKey:
		return "Ed25519"
	case *ecdsa.PublicKey:
		return k.Curve.Params().Name
	case *ecdh.PublicKey:
		return "X25519"
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA, %d bits", k.N.BitLen())
	case did.MLDSA44PublicKey:
		return "ML-DSA-44"
	}
	return fmt.Sprintf("%T", public)
}
