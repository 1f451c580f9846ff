package main

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

// An x509Request is what the flags of did create --method x509 say.
type x509Request struct {
	chain     string
	subject   []string
	san, eku  []string
	authority int
}

func (x *x509Request) flags(f *pflag.FlagSet) {
	f.StringVar(&x.chain, "x509-chain", "", "x509: `file` with the machine's certificate and its CAs, PEM, the machine's first")
	f.StringSliceVar(&x.subject, "subject", nil, "x509: `attributes` of the certificate's subject that name the machine, such as CN,2.5.4.5 (default all)")
	f.StringArrayVar(&x.san, "san", nil, "x509: `TYPE:NAME` that the certificate has to have, such as dns:drone-7.fleet.example; may be repeated")
	f.StringArrayVar(&x.eku, "eku", nil, "x509: `OID` of an extended key usage that the certificate has to have; may be repeated")
	f.IntVar(&x.authority, "ca-index", 0, "x509: which certificate of the chain is the CA, counted from 0, the machine's (default the last)")
}

// x509Chain reads a certificate chain.
func (a *app) x509Chain(name string) (didx509.Chain, error) {
	text, err := a.read(name, maxRootsFile)
	if err != nil {
		return nil, err
	}
	chain, err := didx509.ParseChain(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return chain, nil
}

// certify puts a certificate chain into format: that of a did:x509 that signs with key. Without one,
// whoever verifies needs the chain from elsewhere.
func (a *app) certify(format vc.Format, id did.DID, key crypto.PublicKey, files []string) (vc.Format, error) {
	if id.Method() != "x509" {
		return format, nil
	}
	var chain didx509.Chain
	var refused error
	for _, name := range files {
		c, err := a.x509Chain(name)
		if err != nil {
			return nil, err
		}
		doc, err := didx509.Resolve(id, c, time.Now())
		if err == nil {
			mine, ok := key.(interface{ Equal(crypto.PublicKey) bool })
			if certified, _ := doc.VerificationMethod[0].PublicKey(); !ok || !mine.Equal(certified) {
				err = errors.New("the key in the machine's certificate is not the one that signs: --key")
			}
		}
		if err == nil {
			chain = c
			break
		}
		refused = cmp.Or(refused, fmt.Errorf("%s: %w", name, err))
	}
	if chain == nil && refused != nil {
		return nil, refused
	}
	if chain != nil {
		switch f := format.(type) {
		case jose.Format:
			return jose.Format{Chain: chain.DER()}, nil
		case sdjwt.Format:
			f.Chain = chain.DER()
			return f, nil
		case cose.Format:
			return cose.Format{Chain: chain.DER()}, nil
		}
	}
	fmt.Fprintln(a.stderr, "hourmeter: signed without certificates, which whoever verifies will need: --format vc+jwt, vc+sd-jwt and vc+cose carry those of --x509-chain")
	return format, nil
}

// createX509 prints the identifier of a certificate chain.
func (a *app) createX509(x x509Request) error {
	if x.chain == "" {
		return errors.New("--x509-chain is required: the machine's certificate, and its CAs")
	}
	chain, err := a.x509Chain(x.chain)
	if err != nil {
		return err
	}
	var predicates []didx509.Predicate
	if len(x.subject) > 0 || len(x.san)+len(x.eku) == 0 {
		p, err := chain.Subject(x.subject...)
		if err != nil {
			return fmt.Errorf("--subject: %w", err)
		}
		predicates = append(predicates, p)
	}
	for _, text := range x.san {
		typ, name, ok := strings.Cut(text, ":")
		if !ok {
			return fmt.Errorf("--san: %q is not TYPE:NAME, such as dns:drone-7.fleet.example", text)
		}
		predicates = append(predicates, didx509.SAN(typ, name))
	}
	for _, oid := range x.eku {
		predicates = append(predicates, didx509.EKU(oid))
	}
	id, err := didx509.New(chain, didx509.Pin{CA: x.authority}, predicates...)
	if err != nil {
		return fmt.Errorf("%s: %w", x.chain, err)
	}
	return a.print(Identifier{DID: id}, func(w io.Writer) { fmt.Fprintln(w, id) })
}
