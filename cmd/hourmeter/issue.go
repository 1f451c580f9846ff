package main

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/filelock"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// An issueRequest is what the flags of issue say.
type issueRequest struct {
	who                   identity
	cosign                []string
	typ, subject, id      string
	validFrom, validUntil string
	chain, head           string
	entry                 entryFlags
	securing              securing
	members               string
	out                   output
	online                onlineFlags
}

// entryFlags say what an entry of a record is.
type entryFlags struct {
	kind, due, class, outcome string
	refersTo                  int64
	revokes, compromisedSince string
}

func (a *app) issueCommand() *cobra.Command {
	var r issueRequest
	cmd := &cobra.Command{
		Use:   "issue FILE --key NAME",
		Short: "Sign a credential, alone or as the next entry of a machine's record",
		Long: `Sign a credential.

With --type, FILE holds the claim: the members of credentialSubject as "hourmeter
help types" lists them, without id. Without --type, FILE holds a whole credential,
unsecured or already signed by somebody else, and gets one more proof as it stands.

With --chain, the credential becomes the next entry of the machine's record in that
file: the record is verified, and the new entry added to it, in one step that
happens whole or not at all. With --head, only the head of the record is needed, as
"hourmeter chain head" prints it; it is replaced by the new one after the credential
has been written.

A did:x509 signs with --as and the chain that certifies the key, --x509-chain, which goes
along in --format vc+jwt, vc+sd-jwt and vc+cose: who verifies needs nothing else.`,
		Example: `  hourmeter issue birth.json --type CommissioningCredential --key maker \
      --subject did:key:z6Mk… --chain drone-7.jsonl --entry commission
  hourmeter issue service.json --type MaintenanceCredential --key workshop \
      --subject did:key:z6Mk… --chain drone-7.jsonl --entry observe --outcome good
  hourmeter issue lease.json --type LeaseCredential --key lessor --cosign drone-7 \
      --subject did:key:z6Mk… --chain drone-7.jsonl --entry open --class lease --due 2027-01-31
  hourmeter issue rebirth.json --type CommissioningCredential --key owner \
      --subject did:key:z6Mk… --chain drone-7.jsonl --entry rotate \
      --revokes did:key:z6Mk…#z6Mk… --compromised-since 2026-11-01   # a stolen key
  hourmeter issue signed-by-the-seller.json --key buyer          # countersign
  hourmeter issue service.json --type MaintenanceCredential --key press --subject did:key:z6Mk… \
      --as did:x509:0:sha256:… --x509-chain factory.pem --format vc+jwt   # by its factory's certificate, which goes along
  hourmeter issue service.json --type MaintenanceCredential --key workshop --subject did:key:z6Mk… \
      --format vc+sd-jwt --disclosable /credentialSubject/maintenance/performedBy   # the holder may leave it out`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.issue(cmd.Context(), args[0], r)
		},
	}
	f := cmd.Flags()
	r.who.flags(f)
	f.StringSliceVar(&r.cosign, "cosign", nil, "names of further keys that sign, each as its did:key")
	f.StringVar(&r.typ, "type", "", "type of the claim, such as MaintenanceCredential")
	f.StringVar(&r.subject, "subject", "", "DID of the machine that the claim is about")
	f.StringVar(&r.id, "id", "", "URL of the credential (default none)")
	f.StringVar(&r.validFrom, "valid-from", "", "time or day from which it holds (default now)")
	f.StringVar(&r.validUntil, "valid-until", "", "time or day until which it holds (default no end)")
	f.StringVar(&r.chain, "chain", "", "chain file to add the credential to; created for the first entry")
	f.StringVar(&r.head, "head", "", "file with the head of the record; created for the first entry")
	f.StringVar(&r.entry.kind, "entry", "", "kind of entry: commission, open, close, observe, amend, transfer, rotate or retire")
	f.Int64Var(&r.entry.refersTo, "refers-to", 0, "close, amend: sequence of the entry it closes or amends")
	f.StringVar(&r.entry.due, "due", "", "open: time or day from which an open obligation is overdue")
	f.StringVar(&r.entry.class, "class", "", "open, close: kind of obligation, such as lease")
	f.StringVar(&r.entry.outcome, "outcome", "", "close, observe: good, degraded or breach")
	f.StringVar(&r.entry.revokes, "revokes", "", "rotate: verification methods, of the machine or its owner, whose key was stolen; with commas between")
	f.StringVar(&r.entry.compromisedSince, "compromised-since", "", "rotate: time or day since which the thief may have had it")
	r.securing.flags(f)
	f.StringSliceVar(&r.securing.disclosable, "disclosable", nil, "vc+sd-jwt: JSON Pointers to what the holder may leave out, with commas between")
	f.StringSliceVar(&r.securing.mandatory, "mandatory", nil, "ecdsa-sd-2023: JSON Pointers to what is always shown, with commas between")
	f.IntVar(&r.securing.decoys, "decoys", 0, "vc+sd-jwt: the most digests of nothing beside those of what may be left out")
	f.StringVar(&r.members, "members", "", "`file` with further members of the credential, a JSON object: credentialStatus, credentialSchema, evidence …")
	r.out.flags(f)
	r.online.flags(f)
	cmd.MarkFlagsMutuallyExclusive("chain", "head")
	return cmd
}

func (a *app) issue(ctx context.Context, name string, r issueRequest) error {
	b, err := a.read(name, vc.MaxCredentialBytes)
	if err != nil {
		return err
	}
	if err := r.out.free(); err != nil {
		return err // before a record is added to
	}
	issuer, err := a.issuer(ctx, r.who)
	if err != nil {
		return err
	}
	if issuer.Suite, issuer.Format, err = r.securing.ways(); err != nil {
		return err
	}
	if issuer.Format, err = a.certify(issuer.Format, issuer.ID, issuer.Key.Public(), r.online.chains); err != nil {
		return err
	}
	issuer.Contexts = rdfc.Contexts()
	if issuer.Format != nil && len(r.cosign) > 0 {
		return errors.New("--cosign adds proofs, and an envelope has one signature: sign with --format data-integrity")
	}
	if r.typ == "" {
		if r.chain+r.head+r.subject+r.members+r.id+r.validFrom+r.validUntil != "" || r.entry != (entryFlags{}) {
			return errors.New("a whole credential is signed as it stands: --subject, --id, --valid-from, --valid-until, --members, --chain, --head and what describes an entry go with --type")
		}
		if doc, err := strictjson.Parse(b, strictjson.Limits{Bytes: vc.MaxCredentialBytes}); err == nil && !doc.Root().Member("@context").Exists() {
			return fmt.Errorf("%s is no whole credential, which has @context: if it is a claim, say of which --type", name)
		}
		signed, err := issuer.AddProof(bytes.TrimSpace(b))
		if err == nil {
			signed, err = a.cosign(ctx, signed, r.cosign)
		}
		if err != nil {
			return err
		}
		return a.write(r.out, lined(signed))
	}

	credential, err := r.credential(b, name)
	if err != nil {
		return err
	}
	if r.members != "" {
		if credential.Members, err = a.members(r.members); err != nil {
			return err
		}
	}
	v := verifier(nil)
	if err := a.lookUp(v, r.online.resolveFlags, r.online.network); err != nil {
		return err
	}
	sign := func() ([]byte, error) {
		signed, err := issuer.Issue(credential)
		if err != nil {
			return nil, err
		}
		return a.cosign(ctx, signed, r.cosign)
	}
	switch {
	case r.chain != "":
		return a.issueToChain(ctx, v, credential, r, sign)
	case r.head != "":
		return a.issueToHead(ctx, v, credential, r, sign)
	case r.entry != entryFlags{}:
		return errors.New("--entry, --refers-to, --due, --class and --outcome describe an entry of a record: pass --chain or --head")
	}
	signed, err := sign()
	if err != nil {
		return err
	}
	return a.write(r.out, lined(signed))
}

// lined ends text with its line; what is no text stays as it is.
func lined(signed []byte) []byte {
	if len(signed) > 0 && signed[0] >= 0x80 {
		return signed
	}
	return append(signed, '\n')
}

// members reads a JSON object, member by member.
func (a *app) members(name string) (map[string]any, error) {
	b, err := a.read(name, vc.MaxCredentialBytes)
	if err != nil {
		return nil, err
	}
	doc, err := strictjson.Parse(b, strictjson.Limits{Bytes: vc.MaxCredentialBytes})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if doc.Root().Kind() != strictjson.Object {
		return nil, fmt.Errorf("%s: want a JSON object with members of the credential", name)
	}
	members := map[string]any{}
	for m := range doc.Root().All() {
		switch m.Name() {
		case "@context", "id", "type", "issuer", "credentialSubject", "validFrom", "validUntil", "proof", "record":
			return nil, fmt.Errorf("%s: %s is not for --members: other flags say it", name, m.Name())
		}
		members[m.Name()] = stdjson.RawMessage(m.Raw())
	}
	return members, nil
}

// credential reads the claim in b and puts the flags around it.
func (r issueRequest) credential(b []byte, name string) (*vc.Credential, error) {
	claim, ok := record.New(r.typ)
	if !ok {
		return nil, fmt.Errorf("--type: %q is none of %s; sign another type as a whole credential, without --type", r.typ, strings.Join(record.Types(), ", "))
	}
	doc, err := strictjson.Parse(b, strictjson.Limits{Bytes: vc.MaxCredentialBytes})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := json.Unmarshal([]byte(doc.Root().Raw()), claim, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s is no claim of a %s, such as \"hourmeter help types\" shows: %w", name, r.typ, err)
	}
	if r.subject == "" {
		return nil, errors.New("--subject is required: the DID of the machine that the claim is about")
	}
	c := &vc.Credential{ID: r.id, Claim: claim}
	if c.Subject, err = did.Parse(r.subject); err != nil {
		return nil, fmt.Errorf("--subject: %w", err)
	}
	if c.ValidFrom, err = parseTime("valid-from", r.validFrom); err != nil {
		return nil, err
	}
	if c.ValidUntil, err = parseTime("valid-until", r.validUntil); err != nil {
		return nil, err
	}
	return c, nil
}

// cosign adds the proofs of further keys.
func (a *app) cosign(ctx context.Context, signed []byte, keys []string) ([]byte, error) {
	for _, key := range keys {
		cosigner, err := a.issuer(ctx, identity{key: key})
		if err != nil {
			return nil, err
		}
		if signed, err = cosigner.AddProof(signed); err != nil {
			return nil, err
		}
	}
	return signed, nil
}

func (e entryFlags) entry() (chain.Entry, error) {
	if e.kind == "" {
		return chain.Entry{}, errors.New("--entry is required with --chain and --head: say what the credential is in the record, such as observe")
	}
	entry := chain.Entry{Kind: chain.EntryKind(e.kind), RefersTo: e.refersTo, Class: e.class, Outcome: chain.Outcome(e.outcome)}
	for _, text := range strings.FieldsFunc(e.revokes, func(r rune) bool { return r == ',' }) {
		method, err := did.ParseURL(text)
		if err != nil {
			return entry, fmt.Errorf("--revokes: %w", err)
		}
		entry.Revokes = append(entry.Revokes, method)
	}
	var err error
	if entry.CompromisedSince, err = parseTime("compromised-since", e.compromisedSince); err != nil {
		return entry, err
	}
	entry.Due, err = parseTime("due", e.due)
	return entry, err
}

// extend signs credential as the entry after head, and moves head on.
func extend(ctx context.Context, v *vc.Verifier, head *chain.Head, credential *vc.Credential, e entryFlags, sign func() ([]byte, error)) ([]byte, error) {
	entry, err := e.entry()
	if err != nil {
		return nil, err
	}
	if credential.ValidFrom.IsZero() {
		credential.ValidFrom = time.Now()
	}
	if err := head.Append(credential, entry); err != nil {
		return nil, err
	}
	signed, err := sign()
	if err != nil {
		return nil, err
	}
	// What is added is what every reader will accept: a missing signature, for
	// one, shows here and not at the next verification.
	verified, err := v.Verify(ctx, signed, vc.AnyIssuer)
	if judge(err) == Unchecked {
		return nil, &verdictError{Unchecked, fmt.Sprintf("%v; nothing was added: an entry has to be one that readers can check", err)}
	}
	if err != nil {
		return nil, err
	}
	return []byte(verified.JSON()), head.Advance(verified)
}

func (a *app) issueToHead(ctx context.Context, v *vc.Verifier, credential *vc.Credential, r issueRequest, sign func() ([]byte, error)) error {
	head := new(chain.Head)
	b, err := a.read(r.head, maxHead)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, head); err != nil {
			return fmt.Errorf("%s is no head of a record: %w", r.head, err)
		}
	case !missing(r.head):
		return err
	}
	signed, err := extend(ctx, v, head, credential, r.entry, sign)
	if err != nil {
		return err
	}
	if err := a.write(r.out, append(signed, '\n')); err != nil {
		return err
	}
	if b, err = json.Marshal(head); err != nil {
		return err
	}
	return a.write(output{name: r.head, force: true}, append(b, '\n'))
}

func missing(name string) bool {
	_, err := os.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// maxHead bounds a head file: chain.MaxOpen open obligations.
const maxHead = 64 << 10

// issueToChain adds a credential to a chain file. Nobody else adds one between
// the look at the record and the new file: that would fork the record.
func (a *app) issueToChain(ctx context.Context, v *vc.Verifier, credential *vc.Credential, r issueRequest, sign func() ([]byte, error)) (err error) {
	if r.chain == "-" {
		return errors.New("--chain: a record in a pipe cannot be added to: name a file, or use --head")
	}
	lock, err := lockFile(ctx, r.chain)
	if err != nil {
		return err
	}
	defer lock.Close()
	text, err := io.ReadAll(io.LimitReader(lock, fleet.MaxChainBytes+1))
	if err != nil {
		return fileError(r.chain, err)
	}
	if len(text) > fleet.MaxChainBytes {
		return fmt.Errorf("%s is longer than the %s that are read: use --head", r.chain, size(fleet.MaxChainBytes))
	}
	if len(text) == 0 {
		defer func() {
			if err != nil {
				os.Remove(r.chain) // made by lockFile, and nothing came of it
			}
		}()
	}
	head := new(chain.Head)
	if len(text) > 0 {
		s := checkText(ctx, v, r.chain, text)
		if problems := s.problems(); len(problems) > 0 {
			return &verdictError{problems[0].Verdict, fmt.Sprintf("%s\nNothing was added: an entry may only follow a record that is whole.", problems[0])}
		}
		*head = s.report.History.Head()
	}
	signed, err := extend(ctx, v, head, credential, r.entry, sign)
	if err != nil {
		return err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	text = append(append(text, signed...), '\n')
	if err := a.write(output{name: r.chain, force: true}, text); err != nil {
		return err
	}
	if r.out.name != "-" {
		return a.write(r.out, append(signed, '\n'))
	}
	added := Added{File: r.chain, Sequence: head.Sequence, Digest: head.Digest, Subject: head.Subject, Type: r.typ}
	return a.print(added, func(w io.Writer) {
		fmt.Fprintf(w, "%s: entry %d, %s, is %s\n", added.File, added.Sequence, added.Type, added.Digest)
	})
}

// lockFile opens a file, making it if need be, and waits until nobody else has
// it locked. The lock ends when the file is closed.
func lockFile(ctx context.Context, name string) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fileError(name, err)
		}
		locked, err := filelock.Try(f)
		if err != nil {
			f.Close()
			return nil, fileError(name, err)
		}
		if locked {
			// Whoever held the lock may have put another file in its place.
			mine, err := f.Stat()
			if now, nowErr := os.Stat(name); err == nil && nowErr == nil && os.SameFile(mine, now) {
				return f, nil
			}
		}
		f.Close()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: another process is adding to it: %w", name, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// lockPoll is how often a lock that somebody else has is tried again.
const lockPoll = 20 * time.Millisecond
