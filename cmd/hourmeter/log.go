package main

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
)

func (a *app) logCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Logs and witnesses: what shows that a record has no end cut off",
		Long: `A log takes in the entries of machines' records and takes none back; witnesses sign
that it shows everybody the same. A reader who asks it sees entries that a machine's
holder left off at the end, and when each was there at the latest.

Operators: init and serve a log; witness init and witness serve, on another machine, by
another party. Holders: add. Readers: check, and verify and score with --log.

A log is read at its URL (https only) or from a copy of its folder. Keys of logs and
witnesses are told by their operators: NAME+HASH+KEY. A record is found in a log by its
salt, in FILE.salt beside FILE.jsonl: it goes to those whom the record is shown to. What
add learned, for readers without a network, is in FILE.kept.json (--log kept).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.logInitCommand(), a.logServeCommand(), a.logWitnessCommand(), a.logAddCommand(), a.logCheckCommand())
	return cmd
}

// A logFolder is the file by which the folder of a log or a witness says whose it is.
type logFolder struct {
	Kind string `json:"kind"` // log or witness
	Name string `json:"name"` // a log's origin
	Key  string `json:"key"`  // name of its key in the folder of keys
}

const (
	logFile      = "hourmeter.json"
	maxLogFile   = 64 << 10
	maxRootsFile = 4 << 20 // certificates in PEM
)

func (a *app) logInitCommand() *cobra.Command {
	var c logFolder
	cmd := &cobra.Command{
		Use:   "init FOLDER --origin NAME --key KEY",
		Short: "Make a log",
		Long: `Make a log in FOLDER. NAME is its origin: where it will be served, without https://,
such as log.example/machines. KEY is the name of its key, which is made if it does not
exist; it has to be Ed25519, and to sign nothing else. Neither can be changed later.`,
		Example: `  hourmeter log init ./log --origin log.example/machines --key log`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Kind = "log"
			return a.initLog(cmd.Context(), args[0], c)
		},
	}
	cmd.Flags().StringVar(&c.Name, "origin", "", "name of the log, such as log.example/machines")
	cmd.Flags().StringVar(&c.Key, "key", "", "name of its key; made if it does not exist")
	return cmd
}

func (a *app) initLog(ctx context.Context, folder string, c logFolder) error {
	if c.Name == "" || c.Key == "" {
		return fmt.Errorf("a %s needs a name and a key, which stay: pass --%s and --key", c.Kind, map[string]string{"log": "origin", "witness": "name"}[c.Kind])
	}
	// 1. Nothing that is there is touched, and no key is made for nothing.
	if _, err := os.Lstat(filepath.Join(folder, logFile)); err == nil {
		return fmt.Errorf("%s is a log or witness already", folder)
	}
	dir, err := a.dir()
	if err != nil {
		return err
	}
	infos, unreadable := dir.List()
	exists := false
	for _, info := range infos {
		exists = exists || info.Name == c.Key
	}
	if unreadable != nil {
		return unreadable
	}

	// 2. The key.
	var key crypto.Signer
	if exists {
		key, err = dir.Open(ctx, c.Key)
	} else {
		dir.Passphrase = a.askPassphrase(true)
		key, err = dir.Create(ctx, c.Key, keystore.Ed25519)
	}
	if err != nil {
		return err
	}

	// 3. The folder, in which an init that was interrupted may have begun.
	var made interface {
		io.Closer
		Key() string
	}
	if config := (tlog.Config{Origin: c.Name, Key: key}); c.Kind == "log" {
		if made, err = tlog.Create(folder, config); errors.Is(err, fs.ErrExist) {
			made, err = tlog.Open(folder, config)
		}
	} else {
		config := tlog.WitnessConfig{Name: c.Name, Key: key}
		if made, err = tlog.CreateWitness(folder, config); errors.Is(err, fs.ErrExist) {
			made, err = tlog.OpenWitness(folder, config)
		}
	}
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	text, err := json.Marshal(c, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if err := a.write(output{name: filepath.Join(folder, logFile)}, append(text, '\n')); err != nil {
		return err
	}
	return a.print(LogMade{Folder: folder, Kind: c.Kind, Name: c.Name, Key: made.Key()}, func(w io.Writer) {
		table(w, func(w io.Writer) {
			fmt.Fprintf(w, "%s\t%s\n", c.Kind, c.Name)
			fmt.Fprintf(w, "folder\t%s\n", folder)
			fmt.Fprintf(w, "verifier key\t%s\n", made.Key())
		})
	})
}

// openLogFolder reads whose a folder is, and opens its key.
func (a *app) openLogFolder(ctx context.Context, folder, kind string) (c logFolder, key crypto.Signer, err error) {
	name := filepath.Join(folder, logFile)
	text, err := a.read(name, maxLogFile)
	if err != nil {
		return c, nil, fmt.Errorf("no %s is in %s: %w", kind, folder, err)
	}
	if _, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxLogFile}); err != nil {
		return c, nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := json.Unmarshal(text, &c, json.RejectUnknownMembers(true)); err != nil {
		return c, nil, fmt.Errorf("%s: %w", name, err)
	}
	if c.Kind != kind {
		return c, nil, fmt.Errorf("%s is a %s, not a %s", folder, c.Kind, kind)
	}
	key, _, _, err = a.signer(ctx, identity{key: c.Key})
	return c, key, err
}

// A serveRequest is what the flags of the commands that serve say.
type serveRequest struct {
	listen          string
	tlsCert, tlsKey string
	certificate     *tls.Certificate // in place of the files
	behindProxy     bool
	accept          []string
	witnesses, logs []string
	quorum          int
	every, refresh  time.Duration
	network         networkFlags
	resolve         resolveFlags // of those that verify
}

func (r *serveRequest) flags(f *pflag.FlagSet) {
	f.StringVar(&r.listen, "listen", "127.0.0.1:8443", "address and port to listen at")
	f.StringVar(&r.tlsCert, "tls-cert", "", "`file` with the server's certificate and its chain, PEM")
	f.StringVar(&r.tlsKey, "tls-key", "", "`file` with the certificate's private key, PEM")
	f.BoolVar(&r.behindProxy, "behind-proxy", false, "serve without TLS: a proxy in front does that, and limits what each client asks for")
}

func (a *app) logServeCommand() *cobra.Command {
	var r serveRequest
	cmd := &cobra.Command{
		Use:   "serve FOLDER",
		Short: "Serve a log, and take in entries",
		Long: `Serve the log in FOLDER until interrupted. Without TLS it listens on this machine only.

--accept names the issuers whose credentials are taken in, or is the word any. A record is
written once: whoever is accepted can take the place of a true entry by a rival one. Without
--accept the log is only read.

--witness KEY@URL names a witness that is asked to cosign; a checkpoint that fewer than
--quorum have cosigned is not published.`,
		Example: `  hourmeter log serve ./log --accept did:key:z6Mk… --tls-cert cert.pem --tls-key key.pem \
    --listen :443 --witness w1.example+4cb2…+AQ…@https://w1.example`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.serveLog(cmd.Context(), args[0], r)
		},
	}
	f := cmd.Flags()
	r.flags(f)
	f.StringArrayVar(&r.accept, "accept", nil, "`DID` of an issuer whose entries are taken in, or any; may be repeated")
	f.StringArrayVar(&r.witnesses, "witness", nil, "`KEY@URL` of a witness; may be repeated")
	f.IntVar(&r.quorum, "quorum", 0, "cosignatures that a checkpoint needs (default more than half of the witnesses)")
	f.DurationVar(&r.every, "every", tloghttp.DefaultEvery, "how long entries are collected before they are published")
	f.DurationVar(&r.refresh, "refresh", tloghttp.DefaultRefresh, "how often witnesses are asked again while nothing comes")
	r.resolve.verifying(f)
	r.network.flags(f)
	return cmd
}

func (a *app) serveLog(ctx context.Context, folder string, r serveRequest) (err error) {
	accept, err := acceptFlag(r.accept)
	if err != nil {
		return err
	}
	client, err := r.network.client(a)
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	keys, cosigners, err := witnessFlags(r.witnesses, client)
	if err != nil {
		return err
	}
	if len(cosigners) < len(keys) {
		return errors.New("--witness: a log asks its witnesses: name each as KEY@URL")
	}
	c, key, err := a.openLogFolder(ctx, folder, "log")
	if err != nil {
		return err
	}
	l, err := tlog.Open(folder, tlog.Config{Origin: c.Name, Key: key, Witnesses: keys, Quorum: r.quorum})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	v := new(vc.Verifier)
	if err := a.lookUp(v, r.resolve, r.network); err != nil {
		return err
	}
	h := &tloghttp.Handler{Log: l, Accept: accept, Cosigners: cosigners, Verifier: v}
	if r.behindProxy {
		h.Rate = 1 << 20 // all clients have the proxy's address
	}

	// The log goes on publishing until the server has answered all who wait.
	publishing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 1)
	serving, giveUp := context.WithCancel(ctx)
	defer giveUp()
	go func() {
		err := h.Run(publishing, tloghttp.Schedule{Every: r.every, Refresh: r.refresh, Report: a.reportPublication(keys)})
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		failed <- err
		giveUp()
	}()
	err = a.serve(serving, h, r, LogServing{Kind: "log", Name: c.Name, Key: l.Key()})
	stop()
	return errors.Join(err, <-failed)
}

// reportPublication returns a function that says on stderr what changes: which witnesses fail, and
// whether the log is published.
func (a *app) reportPublication(witnesses []string) func(*tlog.Publication, error) {
	said := map[string]bool{}
	return func(p *tlog.Publication, err error) {
		now := map[string]bool{}
		if err != nil {
			now["not published: "+err.Error()] = true
		} else {
			for i, failure := range p.Failed {
				name, _, _ := strings.Cut(witnesses[i], "+")
				if failure != nil {
					now["witness "+name+" does not cosign"] = true
					if !said["witness "+name+" does not cosign"] {
						fmt.Fprintf(a.stderr, "hourmeter: witness %s: %s\n", name, oneLine(failure.Error()))
					}
				}
			}
			if !p.Published {
				now[fmt.Sprintf("the checkpoint of size %d waits for more witnesses", p.Size)] = true
			}
		}
		for what := range now {
			if !said[what] {
				fmt.Fprintf(a.stderr, "hourmeter: %s\n", oneLine(what))
			}
		}
		for what := range said {
			if !now[what] {
				fmt.Fprintf(a.stderr, "hourmeter: over: %s\n", oneLine(what))
			}
		}
		said = now
	}
}

// acceptFlag returns who may have entries logged; nil is nobody.
func acceptFlag(texts []string) (vc.Accept, error) {
	var ids []did.DID
	for _, text := range texts {
		if text == "any" {
			return vc.AnyIssuer, nil
		}
		id, err := did.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--accept: %w", err)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return vc.IssuedBy(ids...), nil
}

// witnessFlags reads KEY or KEY@URL.
func witnessFlags(texts []string, client *resolver.Client) (keys []string, cosigners []tlog.Cosigner, err error) {
	for _, text := range texts {
		key, url, ok := strings.Cut(text, "@https://")
		if ok {
			cosigners = append(cosigners, &resolver.Witness{URL: "https://" + url, Client: client})
		}
		if strings.Count(key, "+") < 2 {
			return nil, nil, fmt.Errorf("--witness: %.80q is no verifier key, such as w1.example+4cb2…+BA…, with or without @https://…", text)
		}
		keys = append(keys, key)
	}
	return keys, cosigners, nil
}

// Times that a server gives its clients. A receipt is waited for as long as tloghttp.DefaultWait.
const (
	readTimeout  = time.Minute
	writeTimeout = time.Minute
	shutdownTime = 20 * time.Second
	maxHeader    = 16 << 10
)

// serve answers requests until ctx ends, and then those that are under way.
func (a *app) serve(ctx context.Context, h http.Handler, r serveRequest, s LogServing) error {
	listener, secure, err := r.open()
	if err != nil {
		return err
	}
	return a.answer(ctx, listener, secure, r, h, func() {}, func() error {
		s.Address = listener.Addr().String()
		scheme := "http"
		if secure {
			scheme = "https"
		}
		return a.print(s, func(w io.Writer) {
			fmt.Fprintf(w, "%s %s listens at %s://%s\nverifier key %s\n", s.Kind, s.Name, scheme, s.Address, s.Key)
		})
	})
}

// open listens, on this machine only if there is no TLS.
func (r serveRequest) open() (listener net.Listener, secure bool, err error) {
	secure = r.tlsCert != "" || r.tlsKey != ""
	if secure && (r.tlsCert == "" || r.tlsKey == "") {
		return nil, false, errors.New("--tls-cert and --tls-key go together")
	}
	host, _, err := net.SplitHostPort(r.listen)
	if err != nil {
		return nil, false, fmt.Errorf("--listen: %q is no address and port, such as 127.0.0.1:8443", r.listen)
	}
	ip, err := netip.ParseAddr(host)
	if !secure && !r.behindProxy && (err != nil || !ip.IsLoopback()) {
		return nil, false, fmt.Errorf("%s can be reached from other machines: pass --tls-cert and --tls-key, or --behind-proxy if a proxy in front does TLS", r.listen)
	}
	listener, err = net.Listen("tcp", r.listen)
	return listener, secure, err
}

// answer says by announce that it listens, and answers requests until ctx ends; then it calls drain,
// and answers those that are under way.
func (a *app) answer(ctx context.Context, listener net.Listener, secure bool, r serveRequest, h http.Handler, drain func(), announce func() error) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: readTimeout / 4, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: 2 * readTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0), // who breaks off a handshake is no news
	}
	if r.certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*r.certificate}}
	}
	if err := announce(); err != nil {
		return errors.Join(err, listener.Close())
	}
	ended := make(chan error, 1)
	go func() {
		if secure {
			ended <- server.ServeTLS(listener, r.tlsCert, r.tlsKey)
		} else {
			ended <- server.Serve(listener)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := server.Shutdown(last)
	<-ended
	return err
}

func (a *app) logWitnessCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "witness",
		Short: "Run a witness: it signs that a log shows everybody the same",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.witnessInitCommand(), a.witnessServeCommand())
	return cmd
}

func (a *app) witnessInitCommand() *cobra.Command {
	var c logFolder
	cmd := &cobra.Command{
		Use:   "init FOLDER --name NAME --key KEY",
		Short: "Make a witness",
		Long: `Make a witness in FOLDER. NAME says whose it is, such as w1.example; KEY is the name of
its Ed25519 key, which is made if it does not exist and signs nothing else.

FOLDER is what the witness knows. Restored from a backup, it would sign a history that
contradicts what it signed since: make a new witness instead.`,
		Example: `  hourmeter log witness init ./w1 --name w1.example --key w1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Kind = "witness"
			return a.initLog(cmd.Context(), args[0], c)
		},
	}
	cmd.Flags().StringVar(&c.Name, "name", "", "name of the witness, such as w1.example")
	cmd.Flags().StringVar(&c.Key, "key", "", "name of its key; made if it does not exist")
	return cmd
}

func (a *app) witnessServeCommand() *cobra.Command {
	var r serveRequest
	cmd := &cobra.Command{
		Use:   "serve FOLDER --log-key KEY",
		Short: "Answer logs that ask for a cosignature",
		Long: `Answer, until interrupted, the logs whose keys are named. With KEY@URL the witness also
reads all entries of that log, and cosigns nothing that breaks the rules of records.`,
		Example: `  hourmeter log witness serve ./w1 --log-key log.example/machines+… --tls-cert w1.pem --tls-key w1.key`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.serveWitness(cmd.Context(), args[0], r)
		},
	}
	f := cmd.Flags()
	r.flags(f)
	f.StringArrayVar(&r.logs, "log-key", nil, "`KEY` or KEY@URL of a log to cosign; may be repeated")
	r.network.flags(f)
	return cmd
}

func (a *app) serveWitness(ctx context.Context, folder string, r serveRequest) (err error) {
	client, err := r.network.client(a)
	if err != nil {
		return err
	}
	defer client.CloseIdle()
	var watched []tlog.Watched
	for _, text := range r.logs {
		key, url, reads := strings.Cut(text, "@https://")
		w := tlog.Watched{Log: key}
		if reads {
			w.Audit = &resolver.Log{URL: "https://" + url, Client: client}
		}
		watched = append(watched, w)
	}
	if len(watched) == 0 {
		return errors.New("--log-key is required: a witness cosigns the logs that it is told of, and no other")
	}
	c, key, err := a.openLogFolder(ctx, folder, "witness")
	if err != nil {
		return err
	}
	w, err := tlog.OpenWitness(folder, tlog.WitnessConfig{Name: c.Name, Key: key, Logs: watched})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	h := &tloghttp.WitnessHandler{Witness: w}
	if r.behindProxy {
		h.Rate = 1 << 20
	}
	return a.serve(ctx, h, r, LogServing{Kind: "witness", Name: c.Name, Key: w.Key()})
}

// networkFlags say how a command that is given a URL reaches it.
type networkFlags struct {
	roots string
	allow []string
	hosts []string
}

func (n *networkFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&n.roots, "ca", "", "`file` of certificate authorities to believe, PEM (default the system's)")
	f.StringArrayVar(&n.allow, "allow-address", nil, "`address` or network to connect to although it is not public, such as 10.1.0.0/16; may be repeated")
	f.StringArrayVar(&n.hosts, "dns", nil, "`HOST=ADDRESS` of a host, in place of what the DNS says; may be repeated")
}

func (n networkFlags) client(a *app) (*resolver.Client, error) {
	c := new(resolver.Client)
	for _, text := range n.allow {
		p, err := netip.ParsePrefix(text)
		if ip, again := netip.ParseAddr(text); err != nil && again == nil {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("--allow-address: %q is no address or network, such as 10.1.0.0/16", text)
		}
		c.Allow = append(c.Allow, p)
	}
	known := map[string][]netip.Addr{}
	for _, text := range n.hosts {
		host, address, _ := strings.Cut(text, "=")
		ip, err := netip.ParseAddr(address)
		if err != nil || host == "" {
			return nil, fmt.Errorf("--dns: %q is no host and address, such as fleet.example=10.1.0.5", text)
		}
		known[strings.ToLower(host)] = append(known[strings.ToLower(host)], ip)
	}
	if len(known) > 0 {
		c.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			if addrs := known[strings.ToLower(host)]; addrs != nil {
				return addrs, nil
			}
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if n.roots != "" {
		text, err := a.read(n.roots, maxRootsFile)
		if err != nil {
			return nil, err
		}
		c.Roots = x509.NewCertPool()
		if !c.Roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca: %s holds no certificate in PEM", n.roots)
		}
	}
	return c, nil
}
