package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// locationFlags say where a did:webvh is published.
type locationFlags struct{ host, path string }

func (w *locationFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&w.host, "host", "", "`host` where it is published, such as fleet.example or fleet.example:8443")
	f.StringVar(&w.path, "path", "", "`path` there, such as machines/7; {SCID} in it becomes the identifier (default /.well-known)")
}

// location returns the host and path as they stand in the identifier.
func (w locationFlags) location() (string, error) {
	if w.host == "" || strings.ContainsAny(w.host, "/%@") {
		return "", fmt.Errorf("--host: %q is no host such as fleet.example", w.host)
	}
	location := strings.ReplaceAll(w.host, ":", "%3A")
	if w.path == "" {
		return location, nil
	}
	for segment := range strings.SplitSeq(strings.Trim(w.path, "/"), "/") {
		escaped := strings.ReplaceAll(url.PathEscape(segment), ":", "%3A")
		for _, c := range "!$&'()*+,;=@~" { // that may stand in a path, and not in a DID
			escaped = strings.ReplaceAll(escaped, string(c), fmt.Sprintf("%%%02X", c))
		}
		location += ":" + strings.ReplaceAll(escaped, "%7BSCID%7D", "{SCID}")
	}
	return location, nil
}

// webvhFlags say who signs an entry, and what of the log's rules it changes.
type webvhFlags struct {
	updateKey  string
	to         []string
	next       []string
	noNext     bool
	ttl        time.Duration
	witnesses  []string
	threshold  int
	noWitness  bool
	watchers   []string
	noWatchers bool
	changed    func(flag string) bool
}

// signing are the flags of every command that writes an entry.
func (w *webvhFlags) signing(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.updateKey, "update-key", "", "`name` of the key that signs the entry (default one of the folder of keys that may)")
	f.StringArrayVar(&w.next, "next-key", nil, "`name` or Multikey of the update key of the entry after: only its hash is published (pre-rotation); may be repeated")
	f.BoolVar(&w.noNext, "no-next-key", false, "commit to no key: ends pre-rotation")
	cmd.MarkFlagsMutuallyExclusive("next-key", "no-next-key")
}

// rotating are the flags of a command that may bring new update keys.
func (w *webvhFlags) rotating(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&w.to, "to", nil, "`name` or Multikey of a new update key, in the place of all there are; may be repeated")
	w.signing(cmd)
}

// rules are the flags that change what a log demands.
func (w *webvhFlags) rules(cmd *cobra.Command) {
	f := cmd.Flags()
	f.DurationVar(&w.ttl, "ttl", webvh.DefaultTTL, "for how long readers may remember the document")
	f.StringArrayVar(&w.witnesses, "witness", nil, "`did:key` of a witness, or the name of its key; may be repeated")
	f.IntVar(&w.threshold, "threshold", 0, "how many of the witnesses have to approve of each entry (default more than half)")
	f.StringArrayVar(&w.watchers, "watcher", nil, "`URL` of who keeps copies of the log; may be repeated")
	w.changed = f.Changed
}

// change fills in what the flags say. l is nil for a first entry.
func (w webvhFlags) change(a *app, l *webvh.Log) (c webvh.Change, err error) {
	for _, name := range w.next {
		public, err := a.publicKeyOr(name)
		if err != nil {
			return c, fmt.Errorf("--next-key: %w", err)
		}
		hash, err := webvh.KeyHash(public)
		if err != nil {
			return c, fmt.Errorf("--next-key %s: %w", name, err)
		}
		c.NextKeyHashes = append(c.NextKeyHashes, hash)
	}
	rotating := l != nil && len(l.Parameters().NextKeyHashes) > 0
	switch {
	case w.noNext && !rotating:
		return c, errors.New("--no-next-key: pre-rotation is off already")
	case w.noNext:
		c.NextKeyHashes = []string{}
	case rotating && len(w.next) == 0:
		return c, errors.New("pre-rotation is on, so each entry uses up a key and commits to another: pass --next-key with a key that nobody has seen, or --no-next-key to end pre-rotation")
	}
	if w.changed == nil {
		return c, nil
	}
	if w.changed("ttl") {
		if w.ttl < 0 || w.ttl%time.Second != 0 {
			return c, fmt.Errorf("--ttl: %s is no number of whole seconds", w.ttl)
		}
		c.TTL = &w.ttl
	}
	switch {
	case w.noWitness:
		c.Witness = &webvh.Witness{}
	case len(w.witnesses) > 0:
		c.Witness = &webvh.Witness{Threshold: w.threshold}
		for _, text := range w.witnesses {
			id, err := did.Parse(text)
			if err != nil {
				public, errKey := a.publicKey(text)
				if errKey != nil {
					return c, fmt.Errorf("--witness: %q is neither a did:key nor the name of a key: %w", text, errKey)
				}
				if id, err = did.NewKey(public); err != nil {
					return c, err
				}
			}
			c.Witness.Witnesses = append(c.Witness.Witnesses, id)
		}
		if c.Witness.Threshold == 0 {
			c.Witness.Threshold = len(w.witnesses)/2 + 1
		}
		if n := len(w.witnesses); c.Witness.Threshold < 1 || c.Witness.Threshold > n {
			return c, fmt.Errorf("--threshold: %d of %s", w.threshold, count(int64(n), "witness", "witnesses"))
		}
	case w.threshold != 0 && l == nil:
		return c, errors.New("--threshold is of witnesses: name them with --witness")
	case w.threshold != 0:
		same := l.Parameters().Witness
		same.Threshold = w.threshold
		c.Witness = &same
	}
	switch {
	case w.noWatchers:
		c.Watchers = []string{}
	case len(w.watchers) > 0:
		c.Watchers = w.watchers
	}
	return c, nil
}

// publicKeys returns the public halves of keys, which are named or Multikeys.
func (a *app) publicKeys(flag string, names []string) (keys []crypto.PublicKey, err error) {
	for _, name := range names {
		public, err := a.publicKeyOr(name)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		keys = append(keys, public)
	}
	return keys, nil
}

// A webvhRequest is what the flags of did create --method webvh say.
type webvhRequest struct {
	at         locationFlags
	key        string
	updateKeys []string
	rules      webvhFlags
	portable   bool
	web        bool
	services   documentFlags
	out        string
}

// createWebVH makes the log of a new DID.
func (a *app) createWebVH(ctx context.Context, r webvhRequest) (err error) {
	// 1. The document: a draft, since the identifier is a hash of it.
	if r.out == "" {
		return errors.New("--out is required: a folder for the log, which is the identifier's whole history: keep it")
	}
	location, err := r.at.location()
	if err != nil {
		return err
	}
	id, err := webvh.Draft(location)
	if err != nil {
		return err
	}
	doc := &did.Document{Context: []string{contextDID}, ID: id}
	if r.key != "" {
		e := edited(doc)
		public, err := a.publicKeyOr(r.key)
		if err != nil {
			return err
		}
		if _, err := e.addMethod(public, signing, func(string) bool { return false }); err != nil {
			return err
		}
		doc = &e.Document
	}
	if r.services.file != "" {
		text, err := a.read(r.services.file, did.MaxDocumentBytes)
		if err != nil {
			return err
		}
		draft, _, _ := strings.Cut(id.Identifier(), ":")
		if doc, err = did.ParseDocument([]byte(strings.ReplaceAll(string(text), "{SCID}", draft))); err != nil {
			return fmt.Errorf("%s: %w", r.services.file, err)
		}
		if doc.ID != id {
			return fmt.Errorf("%s: its id is %s, where did:webvh:{SCID}:%s is wanted", r.services.file, strings.ReplaceAll(doc.ID.String(), draft, "{SCID}"), location)
		}
	} else if r.services.edits() {
		if doc, err = r.services.apply(a, doc, func(string) bool { return false }); err != nil {
			return err
		}
	}

	// 2. Who may change it: the machine's own key, unless others are named.
	if len(r.updateKeys) == 0 {
		if r.key == "" {
			return errors.New("--key or --update-key is required: who signs the log?")
		}
		r.updateKeys = []string{r.key}
	}
	c, err := r.rules.change(a, nil)
	if err != nil {
		return err
	}
	if c.UpdateKeys, err = a.publicKeys("update-key", r.updateKeys); err != nil {
		return err
	}
	for i, public := range c.UpdateKeys {
		if alg := algorithmOf(public); alg != "Ed25519" {
			return fmt.Errorf("%s is a key of %s, and did:webvh is signed with Ed25519: name another one with --update-key", r.updateKeys[i], alg)
		}
	}
	if c.Key, _, _, err = a.signer(ctx, identity{key: r.updateKeys[0]}); err != nil {
		return err
	}
	c.Document = doc
	if r.portable {
		c.Portable = &r.portable
	}
	l, err := webvh.Create(c)
	if err != nil {
		return err
	}

	// 3. The folder, in which nothing is replaced.
	f := &didFolder{path: r.out}
	made := missing(r.out)
	if err := os.MkdirAll(r.out, 0o777); err != nil {
		return fileError(r.out, err)
	}
	lock, err := lockFile(ctx, f.file(didLockFile))
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, name := range []string{didLogFile, didPendingFile} {
		if !missing(f.file(name)) {
			return fmt.Errorf("%s exists: it is the history of an identifier, which nothing replaces; name another folder with --out", f.file(name))
		}
	}
	defer func() {
		if err != nil && made {
			os.Remove(f.file(didLockFile))
			os.Remove(r.out)
		}
	}()
	return a.saveAndTell(f, l, r.web)
}
