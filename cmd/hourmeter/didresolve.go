package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// resolveFlags say how the documents of DIDs are found.
type resolveFlags struct {
	online    bool
	universal string
	cache     string
	noCache   bool
	stale     time.Duration
	chains    []string
	logs      []string
	longForms []string
	current   bool
}

func (r *resolveFlags) flags(f *pflag.FlagSet) {
	f.BoolVar(&r.online, "online", false, "look up did:web and did:webvh over the network")
	f.DurationVar(&r.stale, "stale", 0, "how much older than it should be a document in --cache may be if nobody answers, such as 72h")
	r.sources(f)
}

// sources are the flags that say where to look, beside those that say whether to.
func (r *resolveFlags) sources(f *pflag.FlagSet) {
	f.StringVar(&r.cache, "cache", "", "`folder` that remembers what was looked up from one run to the next; for its owner only")
	f.BoolVar(&r.noCache, "no-cache", false, "ask anew, whatever --cache remembers")
	f.StringVar(&r.universal, "resolver", "", "`URL` of a Universal Resolver to ask with --online about other methods; its word is taken")
	f.StringArrayVar(&r.logs, "did-log", nil, "`folder` or did.jsonl of a did:webvh, to read in place of what its host has; may be repeated")
	f.StringArrayVar(&r.longForms, "long-form", nil, "`DID` that is the long form of a did:peer, by which its short form resolves; may be repeated")
	f.StringArrayVar(&r.chains, "x509-chain", nil, "`file` with the certificate chain of a did:x509, PEM; may be repeated")
}

// evidenceOnline is what --online says in commands that verify.
const evidenceOnline = "look up issuers (did:web, did:webvh), status lists and schemas over the network"

// verifying are the flags of commands that verify with what is resolved.
func (r *resolveFlags) verifying(f *pflag.FlagSet) {
	f.BoolVar(&r.online, "online", false, evidenceOnline)
	f.DurationVar(&r.stale, "stale", 0, "how much older a status list may be than it says itself, or a document in --cache if nobody answers, such as 72h")
	f.BoolVar(&r.current, "current-keys", false, "judge by a DID's present document where its method keeps no history, as did:web")
	r.sources(f)
}

// lookUp makes v look up issuers, status lists and schemas as the flags say.
func (a *app) lookUp(v *vc.Verifier, r resolveFlags, n networkFlags) (err error) {
	v.CurrentKeys = r.current
	if v.Resolver, err = r.resolver(a, n); err != nil || !r.online {
		return err
	}
	source, err := n.online(a)
	if err != nil {
		return err
	}
	withEvidence(v, source, r.stale)
	return nil
}

// onlineFlags are those of a command that verifies, and has no other need of a network.
type onlineFlags struct {
	resolveFlags
	network networkFlags
}

func (o *onlineFlags) flags(f *pflag.FlagSet) {
	o.verifying(f)
	o.network.flags(f)
}

func (a *app) didResolveCommand() *cobra.Command {
	var r resolveFlags
	var n networkFlags
	var v versionFlags
	var metadata bool
	cmd := &cobra.Command{
		Use:   "resolve DID|DID-URL",
		Short: "Print the DID document, or what of it a DID URL names",
		Long: `Print the document of a DID, as it is now or was: at a time, or under the name or
number that its method gave it. A version may also stand in the DID URL
(?versionTime=2026-03-05T00:00:00Z).

did:key, did:jwk, did:peer and did:pkh say everything themselves, but a short did:peer needs
its --long-form; did:x509 needs the certificates, --x509-chain. did:web and did:webvh are
looked up with --online, a did:webvh also in a --did-log at hand: it is verified from its
first entry to its last. A did:web is the word of its server. Other methods are asked of
--resolver, whose word is taken.

--metadata prints the result of DID Resolution: the document, what its method says of
it, and of an error its name in the standard. The exit code is 2 if there is no such
document, 3 if it could not be found out.`,
		Example: `  hourmeter did resolve did:key:z6Mk…
  hourmeter did resolve did:webvh:Qm…:fleet.example:drone-7 --online --version-time 2026-03-05 --metadata
  hourmeter did resolve did:web:fleet.example --online --cache ./cache --stale 72h
  hourmeter did resolve 'did:webvh:Qm…:fleet.example:drone-7?versionNumber=3' --did-log ./drone-7
  hourmeter did resolve did:x509:0:sha256:… --x509-chain chain.pem
  hourmeter did resolve did:peer:4zQm… --long-form did:peer:4zQm…:z…
  hourmeter did resolve did:ethr:0x… --online --resolver https://resolver.example`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := did.ParseURL(args[0])
			if err != nil {
				return a.unresolvedAs(metadata, &verdictError{Invalid, err.Error()}, err)
			}
			version, err := v.version(url)
			if err != nil {
				return err
			}
			lookup, err := r.resolver(a, n)
			if err != nil {
				return err
			}
			return a.resolveURL(cmd.Context(), lookup, url, version, metadata)
		},
	}
	f := cmd.Flags()
	v.flags(f)
	f.BoolVar(&metadata, "metadata", false, "print the result of DID Resolution: the document and what is known about it")
	r.flags(f)
	n.flags(f)
	cmd.MarkFlagsMutuallyExclusive("version-id", "version-time", "version-number")
	return cmd
}

// versionFlags pick one of the documents that a DID has had.
type versionFlags struct {
	id, time string
	number   int
}

func (v *versionFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&v.id, "version-id", "", "the document with this name, which its method gave it")
	f.StringVar(&v.time, "version-time", "", "the document in force at this time, or at the beginning of this day")
	f.IntVar(&v.number, "version-number", 0, "the document with this number, counted from 1")
}

// version returns what the flags or url ask for; the zero Version is the latest.
func (v versionFlags) version(url did.URL) (did.Version, error) {
	asked, err := url.Version()
	if err != nil {
		return asked, &verdictError{Invalid, err.Error()}
	}
	if v == (versionFlags{}) {
		return asked, nil
	}
	if !asked.IsZero() {
		return asked, errors.New("the DID URL asks for a version already: leave out --version-id, --version-time and --version-number")
	}
	asked = did.Version{ID: v.id, Number: v.number}
	if asked.Time, err = parseTime("version-time", v.time); err != nil {
		return asked, err
	}
	if err := asked.Validate(); err != nil {
		return asked, fmt.Errorf("--version-number: %d: versions are counted from 1", v.number)
	}
	return asked, nil
}

// resolveURL prints what url leads to.
func (a *app) resolveURL(ctx context.Context, lookup did.Resolver, url did.URL, v did.Version, metadata bool) error {
	var found *did.Dereferenced
	res, err := lookup.Resolve(ctx, url.DID, v)
	if err == nil {
		found, err = did.Dereference(ctx, answered{url.DID, res}, url, did.DereferencingOptions{Version: v})
	}
	if err != nil {
		return a.unresolvedAs(metadata, unresolved(err), err)
	}
	if res.Document.ID != url.DID {
		fmt.Fprintf(a.stderr, "hourmeter: %s has another name there: %s\n", url.DID, res.Document.ID)
	}
	if res.Stale {
		fmt.Fprintf(a.stderr, "hourmeter: nobody answers: this is the document as of %s\n", res.Retrieved.UTC().Format(time.RFC3339))
	}
	content, err := found.Content()
	if err != nil {
		return err
	}
	text := jsontext.Value(content)
	if len(found.URLs) > 0 {
		if !metadata {
			_, err := a.stdout.Write(content)
			return err
		}
		if text, err = json.Marshal(found.URLs); err != nil {
			return err
		}
	}
	if !metadata {
		return a.printJSON(text)
	}
	r := Resolved{Resolution: resolutionMetadata(res, nil), Metadata: documentMetadata(res)}
	if found.Document != nil {
		r.Document = text
	} else {
		r.Content = text
	}
	r.Resolution.ContentType = found.MediaType()
	return a.printResolved(r)
}

// answered resolves one DID, at the version that was asked for already.
type answered struct {
	id  did.DID
	res *did.Resolution
}

// Resolve implements [did.Resolver].
func (r answered) Resolve(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
	if id != r.id {
		return nil, fmt.Errorf("%w: %s", did.ErrNotFound, id)
	}
	return r.res, nil
}

// printJSON prints JSON as it stands, for people to read.
func (a *app) printJSON(text jsontext.Value) error {
	text = text.Clone()
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n", text)
	return err
}

// printResolved prints a result of DID Resolution, which is JSON in either case.
func (a *app) printResolved(r Resolved) error {
	inJSON := *a
	inJSON.json = true
	return inJSON.print(r, func(io.Writer) {})
}

// unresolvedAs ends a look-up that failed: with --metadata, the result says so too.
func (a *app) unresolvedAs(metadata bool, verdict error, err error) error {
	if metadata {
		r := Resolved{Resolution: resolutionMetadata(nil, err)}
		r.Metadata.Deactivated = errors.Is(err, did.ErrDeactivated)
		if err := a.printResolved(r); err != nil {
			return err
		}
	}
	return verdict
}

// unresolved gives the error of a look-up its verdict.
func unresolved(err error) error {
	if did.IsAnswer(err) && !errors.Is(err, did.ErrMethodNotSupported) {
		return &verdictError{Invalid, oneLine(err.Error())}
	}
	return &verdictError{Unchecked, oneLine(err.Error())}
}

// resolutionMetadata is DID Resolution §4.2.
func resolutionMetadata(res *did.Resolution, err error) ResolutionMetadata {
	if err != nil {
		return ResolutionMetadata{Error: &ResolutionError{Type: did.ErrorType(err), Detail: oneLine(err.Error())}}
	}
	m := ResolutionMetadata{ContentType: "application/did", Retrieved: res.Retrieved.UTC(), Stale: res.Stale}
	if res.TTL > 0 {
		m.TTL = int64(res.TTL / time.Second)
	}
	return m
}

// documentMetadata is DID Resolution §4.3, with what the method says beside it.
func documentMetadata(res *did.Resolution) DocumentMetadata {
	m := DocumentMetadata{
		Created: res.Created.UTC(), Updated: res.Updated.UTC(), NextUpdate: res.NextUpdate.UTC(), Deactivated: res.Deactivated,
		VersionID: res.VersionID, NextVersionID: res.NextVersionID, CanonicalID: res.CanonicalID, EquivalentID: res.EquivalentID,
	}
	if len(res.Extra) > 0 {
		m.Method = map[string]jsontext.Value{}
		for _, x := range res.Extra {
			m.Method[x.Name] = jsontext.Value(x.Value)
		}
	}
	return m
}
