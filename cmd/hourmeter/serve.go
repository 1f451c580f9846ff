package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// maxTokenFile bounds a file of API tokens: a thousand of them.
const maxTokenFile = 64 << 10

// An apiRequest is what the flags of serve say.
type apiRequest struct {
	serve       serveRequest
	who         identity
	secure      securing
	tokens      string
	allow       []string
	url, domain string
	statuses    string
	v1          bool
	conformance bool
	certificate string
}

func (a *app) serveCommand() *cobra.Command {
	var r apiRequest
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the VC API: issue, verify, present and resolve over HTTP",
		Long: `Serve the VC API (VCALM) until interrupted: programs of any maker have credentials
issued, verified and presented over HTTP. No other service is needed. Without TLS it
listens on this machine only.

  POST /credentials/issue      sign a credential          POST /credentials/verify
  POST /credentials/status     revoke or suspend it       POST /presentations/verify
  POST /presentations/prove    present credentials        POST /challenges
  GET  /status-lists/…         GET /1.0/identifiers/DID   POST /credentials/derive
  GET  /openapi.json           GET /1.0/methods           GET  /healthz   GET /metrics

Without --key it verifies only. With --key it signs for whoever has one of the tokens in
--token-file, a token on each line; if there is no such file, it is made with a new token.
Clients send it as "Authorization: Bearer TOKEN".

--allow says whose credentials are taken when they verify: DIDs, or the word any. Without
it, only those of --key are.

--statuses names a file in which the service keeps who was revoked; then each credential
that it issues has a place in its status lists, which it serves below --url. If the file
is lost, so is who was revoked.

Issuers that are did:web or did:webvh, status lists and schemas of others are looked up
with --online; otherwise such credentials could not be checked, which is answered by 503.

It is also a DID resolver, which a Universal Resolver can mount as a driver. With --online
it resolves every method that hourmeter knows: it asks public hosts only, remembers their
answers, and takes fewer such requests of a client than of others. Without, it resolves
those whose identifiers say by themselves what is in their documents.

--conformance starts a server for conformance suites instead: new keys each time, an
issuer for each way to secure a credential (below /eddsa-rdfc-2022 and so on), no tokens,
issuers that need not be the signer, a certificate of its own. /conformance.json says
who issues. It is for tests, and listens on this machine only.

What comes is logged on standard error: a line of JSON for each request, without what is
in it.`,
		Example: `  hourmeter key create shop
  hourmeter serve --key shop --token-file token --statuses revoked.jsonl --allow any
  curl -H "Authorization: Bearer $(cat token)" -H 'Content-Type: application/json' \
    -d '{"credential":{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],
         "issuer":"did:key:z6Mk…","credentialSubject":{"id":"did:key:z6Mk…"}}}' http://127.0.0.1:8443/credentials/issue
  hourmeter serve --key shop --token-file token --tls-cert cert.pem --tls-key key.pem --listen :443 --url https://shop.example
  hourmeter serve --conformance --listen 127.0.0.1:8443 --certificate ca.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.conformance {
				return a.serveConformance(cmd.Context(), r)
			}
			return a.serveAPI(cmd.Context(), r)
		},
	}
	f := cmd.Flags()
	r.serve.flags(f)
	r.who.flags(f)
	r.secure.flags(f)
	r.serve.network.flags(f)
	f.StringVar(&r.tokens, "token-file", "", "`file` of API tokens, one on each line; made if it does not exist")
	f.StringArrayVar(&r.allow, "allow", nil, "`DID` of an issuer whose credentials are taken, or any; may be repeated (default the one of --key)")
	f.StringVar(&r.url, "url", "", "`URL` at which clients reach the service, for status lists (default the address it listens at)")
	f.StringVar(&r.domain, "domain", "", "name of the service in challenges (default the host of --url)")
	f.StringVar(&r.statuses, "statuses", "", "`file` that remembers which credential is revoked or suspended")
	r.serve.resolve.verifying(f)
	f.BoolVar(&r.v1, "v1", false, "also take credentials of VCDM 1.1")
	f.BoolVar(&r.conformance, "conformance", false, "serve conformance suites, with test keys")
	f.StringVar(&r.certificate, "certificate", "", "with --conformance: `file` to write the server's certificate to, PEM")
	return cmd
}

// serveAPI is "hourmeter serve".
func (a *app) serveAPI(ctx context.Context, r apiRequest) (err error) {
	// 1. Who signs, and for whom?
	var instance *vcapi.Instance
	if r.who.key != "" {
		if r.tokens == "" {
			return errors.New("--key signs for whoever has an API token: pass --token-file")
		}
		issuer, err := a.issuer(ctx, r.who)
		if err != nil {
			return err
		}
		if issuer.Suite, issuer.Format, err = r.secure.ways(); err != nil {
			return err
		}
		if issuer.Format, err = a.certify(issuer.Format, issuer.ID, issuer.Key.Public(), r.serve.resolve.chains); err != nil {
			return err
		}
		issuer.Contexts, issuer.V1 = rdfc.Contexts(), r.v1
		tokens, err := a.apiTokens(r.tokens)
		if err != nil {
			return err
		}
		instance = &vcapi.Instance{Issuer: issuer, Tokens: tokens,
			Holder: &vc.Holder{ID: issuer.ID, Key: issuer.Key, Method: issuer.Method, Suite: issuer.Suite, Format: issuer.Format}}
		if sd, ok := issuer.Suite.(rdfc.ECDSASD2023); ok {
			instance.Mandatory = func(pointers []string) vc.Suite {
				return rdfc.ECDSASD2023{MandatoryPointers: pointers, Contexts: sd.Contexts}
			}
			instance.Holder.Suite = rdfc.ECDSARDFC2019{} // nobody discloses a part of a presentation
		}
	} else if r.tokens != "" || r.statuses != "" {
		return errors.New("--token-file and --statuses are of a service that signs: pass --key")
	}

	// 2. Whose credentials are taken, and what is asked of others?
	accept, err := acceptFlag(r.allow)
	if err != nil {
		return fmt.Errorf("--allow: %w", errors.Unwrap(err))
	}
	if accept == nil && instance == nil {
		return errors.New("nobody's credentials would be taken: pass --allow with DIDs, or the word any")
	}
	if accept == nil {
		accept = vc.IssuedBy(instance.Issuer.ID)
	}
	v := verifier(nil)
	v.V1 = r.v1
	if err := a.lookUp(v, r.serve.resolve, r.serve.network); err != nil {
		return err
	}
	var dids did.Resolver = resolver.Offline() // what strangers may ask for: nothing of --resolver and of files
	if r.serve.resolve.online {
		client, err := r.serve.network.client(a)
		if err != nil {
			return err
		}
		defer client.CloseIdle()
		dids = resolver.All(client, nil)
	}

	// 3. Where?
	listener, secure, err := r.serve.open()
	if err != nil {
		return err
	}
	if r.url == "" {
		r.url = map[bool]string{true: "https://", false: "http://"}[secure] + listener.Addr().String()
	}
	base, err := url.Parse(r.url)
	if err != nil || base.Host == "" || base.Path != "" && base.Path != "/" {
		return errors.Join(fmt.Errorf("--url: %.80q is no URL such as https://shop.example", r.url), listener.Close())
	}
	if r.domain == "" {
		r.domain = base.Hostname()
	}

	// 4. The lists of who is revoked.
	h := &vcapi.Handler{
		Accept: accept, Verifier: v, Resolver: dids, Derive: rdfc.ECDSASD2023{}.Derive,
		Challenges: &vcapi.Challenges{Domain: r.domain}, Log: slog.New(slog.NewJSONHandler(a.stderr, nil)),
	}
	if r.serve.behindProxy {
		h.Rate = vcapi.DefaultTotalRate // all clients have the proxy's address
	}
	if r.statuses != "" {
		lists, err := vcapi.OpenStatusLists(vcapi.StatusConfig{
			URL: base.Scheme + "://" + base.Host + "/status-lists/", Issuer: instance.Issuer, Journal: r.statuses,
		})
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		defer func() { err = errors.Join(err, lists.Close()) }()
		ofLists := *v // the lists' own credentials name no lists
		instance.Statuses, v.Status = lists, lists.Checker(&ofLists, v.Status)
	}
	serving := Serving{Address: listener.Addr().String(), URL: r.url}
	if instance != nil {
		h.Instances = []vcapi.Instance{*instance}
		serving.Issuer = instance.Issuer.ID
	}
	return a.answer(ctx, listener, secure, r.serve, h, h.Drain, func() error { return a.printServing(serving) })
}

// serveConformance is "hourmeter serve --conformance".
func (a *app) serveConformance(ctx context.Context, r apiRequest) error {
	if r.who.key != "" || r.tokens != "" || r.statuses != "" || len(r.allow) > 0 || r.serve.tlsCert != "" || r.serve.behindProxy {
		return errors.New("--conformance has keys and a certificate of its own, and takes any issuer: it goes with --listen, --url and --certificate only")
	}
	host, _, err := net.SplitHostPort(r.serve.listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen: %s can be reached from other machines, or is no address: --conformance signs for everybody, so it listens on this machine only", r.serve.listen)
	}
	listener, err := net.Listen("tcp", r.serve.listen)
	if err != nil {
		return err
	}
	certificate, text, err := selfSigned(time.Now())
	if err == nil && r.certificate != "" {
		err = a.write(output{name: r.certificate, force: true}, text)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if r.url == "" {
		r.url = "https://" + listener.Addr().String()
	}
	h, err := vcapi.NewConformance(r.url)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	h.Log = slog.New(slog.NewJSONHandler(a.stderr, nil))
	r.serve.certificate = certificate
	serving := Serving{Address: listener.Addr().String(), URL: r.url, Conformance: h.Conformance.Identifiers}
	return a.answer(ctx, listener, true, r.serve, h, h.Drain, func() error { return a.printServing(serving) })
}

func (a *app) printServing(s Serving) error {
	return a.print(s, func(w io.Writer) {
		fmt.Fprintf(w, "The VC API listens at %s\n", s.URL)
		if !s.Issuer.IsZero() {
			fmt.Fprintf(w, "issuer %s\n", s.Issuer)
		}
		for _, kind := range []string{"ed25519", "p256", "p384"} {
			if id, ok := s.Conformance[kind]; ok {
				fmt.Fprintf(w, "%-8s %s\n", kind, id)
			}
		}
	})
}

// apiTokens reads the file of API tokens, or makes it.
func (a *app) apiTokens(name string) ([]vcapi.Token, error) {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) && name != "-" {
		if err := a.write(output{name: name, secret: true}, []byte(rand.Text()+"\n")); err != nil {
			return nil, err
		}
		fmt.Fprintf(a.stderr, "hourmeter: a new API token is in %s\n", name)
	}
	text, err := a.read(name, maxTokenFile)
	if err != nil {
		return nil, err
	}
	tokens, err := vcapi.ParseTokens(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return tokens, nil
}

// selfSigned makes a certificate for this machine, and its text in PEM, for clients to believe.
func selfSigned(now time.Time) (*tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "hourmeter serve --conformance"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 1, 0),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
