package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// addEntry opens the folder, has next make the longer log, and saves that.
func (a *app) addEntry(ctx context.Context, path string, web bool, next func(l *webvh.Log) (*webvh.Log, error)) error {
	f, err := a.openDIDFolder(ctx, path)
	if err != nil {
		return err
	}
	defer f.lock.Close()
	l, err := f.ready()
	if err != nil {
		return err
	}
	longer, err := next(l)
	if err != nil {
		return err
	}
	return a.saveAndTell(f, longer, web)
}

// changeLog adds an entry that says what the flags do, and what fill makes of that.
func (a *app) changeLog(ctx context.Context, path string, web bool, r webvhFlags, fill func(l *webvh.Log, c *webvh.Change) error) error {
	return a.addEntry(ctx, path, web, func(l *webvh.Log) (*webvh.Log, error) {
		c, err := r.change(a, l)
		if err == nil {
			err = fill(l, &c)
		}
		if err != nil {
			return nil, err
		}
		return l.Update(c)
	})
}

// newest returns the newest document of l, and which fragments it has ever used. It waits for the
// next whole second. Proofs and entries have no finer times: what was signed in the second in which a
// key is taken away would seem to be signed without it.
func newest(ctx context.Context, l *webvh.Log) (*did.Document, func(fragment string) bool, error) {
	now := time.Now()
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-time.After(now.Truncate(time.Second).Add(time.Second).Sub(now)):
	}
	doc, err := did.ParseDocument([]byte(l.Entry(l.Len()).State))
	raw := string(l.Raw())
	return doc, func(fragment string) bool { return strings.Contains(raw, "#"+fragment+`"`) }, err
}

func (a *app) didUpdateCommand() *cobra.Command {
	var r webvhFlags
	var d documentFlags
	var web, end bool
	cmd := &cobra.Command{
		Use:   "update FOLDER",
		Short: "Change the document or the rules of a did:webvh",
		Long: `Add an entry to the log of a did:webvh, in FOLDER as "hourmeter did create" made it: keys,
services or other names come into its document or go out of it, or the rules of the log
change. Nothing is taken back: what the document was stays in the log.

The entry is signed by an update key: one of the folder of keys that may, or --update-key.
The document's own keys are others, unless they were named as update keys as well.

A key that may have been stolen is not removed but revoked: see hourmeter did revoke.`,
		Example: `  hourmeter did update ./drone-7 --add-service '#records,LinkedDomains,https://fleet.example'
  hourmeter did update ./drone-7 --add-key gateway --use authentication
  hourmeter did update ./drone-7 --witness did:key:z6Mk… --witness did:key:z6Mk… --threshold 1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ruled := end
			for _, name := range []string{"ttl", "witness", "threshold", "no-witnesses", "watcher", "no-watchers", "next-key", "no-next-key"} {
				ruled = ruled || cmd.Flags().Changed(name)
			}
			if !d.given() && !ruled {
				if web { // the did.json only, and no entry
					return a.addEntry(cmd.Context(), args[0], true, func(l *webvh.Log) (*webvh.Log, error) { return l, nil })
				}
				return errors.New("nothing is to change: see hourmeter did update --help")
			}
			return a.changeLog(cmd.Context(), args[0], web, r, func(l *webvh.Log, c *webvh.Change) error {
				if d.given() {
					doc, taken, err := newest(cmd.Context(), l)
					if err != nil {
						return err
					}
					if c.Document, err = d.apply(a, doc, taken); err != nil {
						return err
					}
					if c.Document.ID != l.ID() {
						return fmt.Errorf("%s: its id is %s, and this is the log of %s: hourmeter did move changes a name", d.file, c.Document.ID, l.ID())
					}
				}
				if end {
					c.Portable = new(false)
				}
				var err error
				c.Key, err = a.entrySigner(cmd.Context(), l, r.updateKey, nil)
				return err
			})
		},
	}
	d.flags(cmd.Flags())
	r.signing(cmd)
	r.rules(cmd)
	f := cmd.Flags()
	f.BoolVar(&r.noWitness, "no-witnesses", false, "have no witnesses any more; those there are approve of it")
	f.BoolVar(&r.noWatchers, "no-watchers", false, "name no watchers any more")
	f.BoolVar(&end, "not-portable", false, "give up for good that it may move to another host")
	f.BoolVar(&web, "web", false, webUsage)
	cmd.MarkFlagsMutuallyExclusive("witness", "no-witnesses")
	cmd.MarkFlagsMutuallyExclusive("watcher", "no-watchers")
	return cmd
}

const webUsage = "also write did.json, the document of the did:web of the same host and path, and keep it up to date"

func (a *app) didRotateCommand() *cobra.Command {
	var r webvhFlags
	var key, replace string
	cmd := &cobra.Command{
		Use:   "rotate FOLDER (--key NAME | --to NAME | both)",
		Short: "Give a did:webvh new keys",
		Long: `Put a new key of the machine into the document in the place of the old one (--key), change
who may update the log (--to), or both. Whoever has an old update key cannot change
anything any more. What the old key of the machine signed stays good: readers see that it
was in force then. If it may have been stolen, say so: see hourmeter did revoke.

With pre-rotation the new update key is the one that the log committed to, and --next-key
names the one after: rotate FOLDER --next-key NAME is enough.`,
		Example: `  hourmeter did rotate ./drone-7 --key drone-7-2026
  hourmeter did rotate ./drone-7 --to owner-2
  hourmeter did rotate ./drone-7 --next-key owner-3       # pre-rotation: owner-2 is in force now`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeLog(cmd.Context(), args[0], false, r, func(l *webvh.Log, c *webvh.Change) error {
				if key == "" && len(r.to) == 0 && len(l.Parameters().NextKeyHashes) == 0 && len(r.next) == 0 {
					return errors.New("which key? --key is the machine's new one, --to the one that may update the log")
				}
				if key != "" {
					doc, taken, err := newest(cmd.Context(), l)
					if err != nil {
						return err
					}
					if c.Document, err = a.replaceKey(doc, replace, key, taken, (*editedDocument).removeMethod); err != nil {
						return err
					}
				}
				return a.signRotation(cmd.Context(), l, c, r)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&key, "key", "", "`name` or Multikey of the machine's new key, in the document")
	f.StringVar(&replace, "replace", "", "`ID` of the key whose place it takes, such as #key-1 (default the only one)")
	r.rotating(cmd)
	return cmd
}

// signRotation fills in who signs an entry that may bring new update keys.
func (a *app) signRotation(ctx context.Context, l *webvh.Log, c *webvh.Change, r webvhFlags) (err error) {
	if c.UpdateKeys, err = a.publicKeys("to", r.to); err != nil {
		return err
	}
	var among []crypto.PublicKey
	if ring := a.keyRing(l); ring.hashed { // then a new key signs, and all of them were committed to
		among = c.UpdateKeys
		for i, public := range c.UpdateKeys {
			if !ring.may(public) {
				return fmt.Errorf("--to: the log did not commit to %s: %s", r.to[i], ring.wanted())
			}
		}
	}
	c.Key, err = a.entrySigner(ctx, l, r.updateKey, among)
	return err
}

// replaceKey takes a key out of a document, by remove, and puts another one in its roles.
func (a *app) replaceKey(doc *did.Document, old, name string, taken func(string) bool, remove func(*editedDocument, did.URL) error) (*did.Document, error) {
	e := edited(doc)
	var id did.URL
	var err error
	if old != "" {
		if id, err = within(doc.ID, old); err != nil {
			return nil, err
		}
	} else {
		for _, m := range e.VerificationMethod {
			switch {
			case !m.Revoked.IsZero():
			case !id.IsZero():
				return nil, fmt.Errorf("the document has several keys: say with --replace whose place %s takes", name)
			default:
				id = m.ID
			}
		}
	}
	var uses []string
	for use, refs := range e.relationships() {
		for _, ref := range *refs {
			if ref.ID == id {
				uses = append(uses, string(use))
			}
		}
	}
	if id.IsZero() {
		uses = signing // there was none
	} else if err := remove(e, id); err != nil {
		return nil, err
	}
	public, err := a.publicKeyOr(name)
	if err != nil {
		return nil, err
	}
	if _, err := e.addMethod(public, uses, taken); err != nil {
		return nil, err
	}
	return &e.Document, nil
}

func (a *app) didRevokeCommand() *cobra.Command {
	var r webvhFlags
	var since, key string
	cmd := &cobra.Command{
		Use:   "revoke FOLDER ID --compromised-since TIME",
		Short: "Mark a key of a did:webvh as one that others may have had",
		Long: `Mark a key of the document, by its ID such as #key-1, as one that others may have had since
a time. It stays in the document with that mark, and has no role any more: readers then
take what it signed before that time if a log's time bears that out, and nothing else.

--key puts another key in its place. If the stolen key is an update key as well, the thief
can change the log: --to names another, in the same entry.`,
		Example: `  hourmeter did revoke ./drone-7 '#key-1' --compromised-since 2026-11-01 --key drone-7-new
  hourmeter did revoke ./drone-7 '#key-1' --compromised-since 2026-11-01 --to owner-2`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := parseTime("compromised-since", since)
			if err != nil {
				return err
			}
			if at.After(time.Now()) {
				return fmt.Errorf("--compromised-since: %s is yet to come", at.Format(time.RFC3339))
			}
			return a.changeLog(cmd.Context(), args[0], false, r, func(l *webvh.Log, c *webvh.Change) error {
				doc, taken, err := newest(cmd.Context(), l)
				if err != nil {
					return err
				}
				id, err := within(doc.ID, args[1])
				if err != nil {
					return err
				}
				if m := doc.Method(id); m != nil && len(r.to) == 0 && len(l.Parameters().NextKeyHashes) == 0 {
					if public, err := m.PublicKey(); err == nil && a.keyRing(l).may(public) {
						return fmt.Errorf("%s is an update key too, so whoever has it can change the log: pass --to with another", id)
					}
				}
				mark := func(e *editedDocument, id did.URL) error { return e.revoke(id, at) }
				if key != "" {
					c.Document, err = a.replaceKey(doc, id.String(), key, taken, mark)
				} else {
					e := edited(doc)
					err, c.Document = mark(e, id), &e.Document
				}
				if err != nil {
					return err
				}
				return a.signRotation(cmd.Context(), l, c, r)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "compromised-since", "", "time or day since which others may have had it")
	f.StringVar(&key, "key", "", "`name` or Multikey of the key that takes its place")
	r.rotating(cmd)
	cmd.MarkFlagRequired("compromised-since")
	return cmd
}

func (a *app) didMoveCommand() *cobra.Command {
	var r webvhFlags
	var at locationFlags
	cmd := &cobra.Command{
		Use:   "move FOLDER --host HOST",
		Short: "Move a did:webvh to another host or path",
		Long: `Give a did:webvh that was created with --portable a new name, at another host or path. Its
first part, the hash, stays. What the old name signed stays good, and the old name is in
the document's alsoKnownAs: publish the log at both places, so that who knows the old
name finds the new one.

When a machine is sold, --to makes the buyer's key the update key in the same entry.`,
		Example: `  hourmeter did move ./drone-7 --host buyer.example --path drones/7 --to z6Mk…`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			location, err := at.location()
			if err != nil {
				return err
			}
			return a.addEntry(cmd.Context(), args[0], false, func(l *webvh.Log) (*webvh.Log, error) {
				if !l.Parameters().Portable {
					return nil, fmt.Errorf("%s is not portable: only a log that was created with --portable can move", l.ID())
				}
				c, err := r.change(a, l)
				if err != nil {
					return nil, err
				}
				if err := a.signRotation(cmd.Context(), l, &c, r); err != nil {
					return nil, err
				}
				return l.Move(c, location)
			})
		},
	}
	at.flags(cmd.Flags())
	r.rotating(cmd)
	cmd.MarkFlagRequired("host")
	return cmd
}

func (a *app) didDeactivateCommand() *cobra.Command {
	var r webvhFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "deactivate FOLDER --yes",
		Short: "Retire a did:webvh for good",
		Long: `Add the last entry to the log of a did:webvh: it is retired, and nothing can follow. What was
signed before stays good. --yes says that you mean it.`,
		Example: `  hourmeter did deactivate ./drone-7 --yes`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.addEntry(cmd.Context(), args[0], false, func(l *webvh.Log) (*webvh.Log, error) {
				if !yes {
					return nil, fmt.Errorf("deactivating %s cannot be undone: pass --yes", l.ID())
				}
				key, err := a.entrySigner(cmd.Context(), l, r.updateKey, nil)
				if err != nil {
					return nil, err
				}
				return l.Deactivate(webvh.Change{Key: key})
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	cmd.Flags().StringVar(&r.updateKey, "update-key", "", "`name` of the key that signs the entry (default one of the folder of keys that may)")
	return cmd
}

func (a *app) didWitnessCommand() *cobra.Command {
	var key string
	var proofs []string
	var web bool
	cmd := &cobra.Command{
		Use:   "witness FOLDER (--key NAME | --proofs FILE)",
		Short: "Approve of the newest entry of a did:webvh, as its witness",
		Long: `Approve of the newest entry of a log, and so of all before, as one of its witnesses (--key),
or take in what witnesses elsewhere have signed (--proofs, a did-witness.json). Once as
many as the log demands have approved, the entry is in did.jsonl, to be published.

A witness has a folder of its own with the log as it was published. To be asked, it gets
pending.jsonl and did-witness.json into that, and sends did-witness.json back. What does
not go on from the did.jsonl that it has is refused: to approve of two histories is to be
no witness.`,
		Example: `  hourmeter did witness ./drone-7 --key w1
  hourmeter did witness ./drone-7 --proofs from-w2.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := a.openDIDFolder(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer f.lock.Close()
			l := f.pending
			if l == nil {
				l = f.log
			}
			for _, name := range proofs {
				file, err := a.read(name, webvh.MaxWitnessBytes)
				if err != nil {
					return err
				}
				if l, err = l.AddProofs(file); err != nil {
					return fmt.Errorf("%s: %w", filepath.Clean(name), err)
				}
			}
			if key != "" {
				signer, _, _, err := a.signer(cmd.Context(), identity{key: key})
				if err != nil {
					return err
				}
				approved, err := l.Witness(signer, time.Time{})
				if err != nil {
					return err
				}
				if err := a.approve(f, l); err != nil {
					return err
				}
				l = approved
			}
			return a.saveAndTell(f, l, web)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`name` of the witness's key")
	cmd.Flags().StringArrayVar(&proofs, "proofs", nil, "`file` with proofs of other witnesses, a did-witness.json; may be repeated")
	cmd.Flags().BoolVar(&web, "web", false, webUsage)
	cmd.MarkFlagsOneRequired("key", "proofs")
	return cmd
}
