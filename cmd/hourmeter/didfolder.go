package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// The files of a did:webvh in its folder. The first three are to be published as they are.
const (
	didLogFile     = "did.jsonl"        // always valid to its end
	didWitnessFile = "did-witness.json" // what witnesses said of its entries, and of those that wait
	didWebFile     = "did.json"         // the newest document, as that of the parallel did:web
	didPendingFile = "pending.jsonl"    // the log with entries that wait for their witnesses
	didSeenFile    = "approved"         // versionId of the newest entry that a witness here approved of
	didLockFile    = ".lock"
)

// A didFolder is the folder of a did:webvh that this process alone changes.
type didFolder struct {
	path    string
	lock    io.Closer
	log     *webvh.Log // as published; nil if the first entry waits for its witnesses
	pending *webvh.Log // nil if nothing waits
}

func (f *didFolder) file(name string) string { return filepath.Join(f.path, name) }

// openDIDFolder waits until nobody else changes the folder, and verifies what is in it.
func (a *app) openDIDFolder(ctx context.Context, path string) (_ *didFolder, err error) {
	f := &didFolder{path: path}
	if missing(f.file(didLogFile)) && missing(f.file(didPendingFile)) {
		return nil, fmt.Errorf("no %s is in %s: hourmeter did create --method webvh --out %s makes one", didLogFile, path, path)
	}
	if f.lock, err = lockFile(ctx, f.file(didLockFile)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.lock.Close()
		}
	}()
	if f.log, err = a.verifiedLog(f.file(didLogFile)); err != nil {
		return nil, err
	}
	if f.pending, err = a.verifiedLog(f.file(didPendingFile)); err != nil {
		return nil, err
	}
	switch {
	case f.pending == nil || f.log == nil:
	case len(f.pending.Raw()) <= len(f.log.Raw()): // a process ended before it could take it away
		f.pending = nil
	default:
		if err := f.pending.Extends(f.log); err != nil {
			return nil, &verdictError{Invalid, fmt.Sprintf("%s does not go on from %s: %v", f.file(didPendingFile), didLogFile, err)}
		}
	}
	return f, nil
}

// verifiedLog reads a log that is valid, or waits for witnesses if it is one that may; nil if there is
// no such file.
func (a *app) verifiedLog(name string) (*webvh.Log, error) {
	if missing(name) {
		return nil, nil
	}
	text, witness, err := a.readDIDLog(name)
	if err != nil {
		return nil, err
	}
	id, err := subject(name, text)
	if err != nil {
		return nil, err
	}
	l, err := webvh.Verify(id, text, witness)
	if waits(err) && filepath.Base(name) != didLogFile {
		err = nil
	}
	if err != nil {
		return nil, &verdictError{Invalid, fmt.Sprintf("%s: %s; nothing was changed", name, oneLine(err.Error()))}
	}
	return l, nil
}

// waits reports whether all that a log lacks is the approval of witnesses.
func waits(err error) bool {
	broken, ok := errors.AsType[*webvh.LogError](err)
	return ok && broken.Rule == webvh.RuleWitness
}

// ready returns the log to add an entry to.
func (f *didFolder) ready() (*webvh.Log, error) {
	if f.pending != nil {
		return nil, fmt.Errorf("%s waits for its witnesses: see hourmeter did witness; to give it up, remove that file", f.file(didPendingFile))
	}
	if f.log.Deactivated() {
		return nil, fmt.Errorf("%s is deactivated: nothing can follow", f.log.ID())
	}
	return f.log, nil
}

// save puts l into the folder, in an order in which what is there can be published at any moment: the
// proofs of witnesses, which are allowed to be early, then the log, then what is derived from it. web
// also makes the document of the parallel did:web if there is none yet.
func (a *app) save(f *didFolder, l *webvh.Log, web bool) error {
	// 1. Nothing is written that a reader would refuse, or that takes something back.
	_, err := webvh.Verify(l.ID(), l.Raw(), l.RawWitness())
	pending := waits(err)
	if f.log != nil && (err == nil || pending) {
		err = l.Extends(f.log)
	} else if pending {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	var document []byte
	if !pending && !l.Deactivated() && (web || !missing(f.file(didWebFile))) {
		if document, err = l.ParallelDIDWeb(); err != nil {
			return fmt.Errorf("nothing was written: %w", err)
		}
	}

	// 2. The files, each whole or not at all.
	if w := l.RawWitness(); w != nil {
		if err := a.write(output{name: f.file(didWitnessFile), force: true}, w); err != nil {
			return err
		}
	}
	name := didLogFile
	if pending {
		name = didPendingFile
	}
	if err := a.write(output{name: f.file(name), force: true}, l.Raw()); err != nil {
		return err
	}
	if pending {
		f.pending = l
		return nil
	}
	f.log, f.pending = l, nil
	if document != nil {
		if err := a.write(output{name: f.file(didWebFile), force: true}, append(document, '\n')); err != nil {
			return fmt.Errorf("the log was written, and %s was not: %w; run hourmeter did update %s --web", didWebFile, err, f.path)
		}
	}

	// 3. What is not needed any more: an entry that waited, the document of a did:web that was retired
	// with it, and what a process that was killed had begun to write.
	stale := []string{f.file(didPendingFile)}
	if l.Deactivated() {
		stale = append(stale, f.file(didWebFile))
	}
	for _, name := range []string{didLogFile, didWitnessFile, didWebFile, didPendingFile} {
		begun, _ := filepath.Glob(f.file("." + name + ".*"))
		stale = append(stale, begun...)
	}
	for _, name := range stale {
		if err := os.Remove(name); err != nil && !missing(name) {
			return fileError(name, err)
		}
	}
	return nil
}

// saveAndTell puts l into the folder and says what is to be done with it.
func (a *app) saveAndTell(f *didFolder, l *webvh.Log, web bool) error {
	if err := a.save(f, l, web); err != nil {
		return err
	}
	told, err := f.written(l)
	if err != nil {
		return err
	}
	return a.print(told, told.print)
}

// entriesOf returns the entries of l, with those that wait for their witnesses.
func entriesOf(l *webvh.Log) []webvh.Entry {
	return slices.AppendSeq(slices.Collect(l.Entries()), l.Pending())
}

// written describes what was written.
func (f *didFolder) written(l *webvh.Log) (w *DIDWritten, err error) {
	all := entriesOf(l)
	last, before := all[len(all)-1], webvh.Entry{}
	if len(all) > 1 {
		before = all[len(all)-2]
	}
	w = &DIDWritten{DID: last.ID, Folder: f.path, Version: last.Number, VersionID: last.VersionID, Time: last.Time, Upload: []Upload{}}
	if w.Changes, err = entryChanges(before, last); err != nil {
		return nil, err
	}
	if err := l.Err(); err != nil {
		w.Waits, w.Pending = oneLine(err.Error()), f.file(didPendingFile)
		if errors.Is(err, webvh.ErrNoWitness) {
			w.Waits = "no witness approved of it yet"
		} else if broken, ok := errors.AsType[*webvh.LogError](err); ok && broken.Err != nil {
			w.Waits = oneLine(broken.Err.Error())
		}
		return w, nil
	}
	if w.Upload, err = f.uploads(l); err == nil && l.Deactivated() {
		w.Remove = []string{webURL(l.ID())}
	}
	return w, err
}

// uploads says which file belongs where: at every name that the log has had.
func (f *didFolder) uploads(l *webvh.Log) ([]Upload, error) {
	var names []did.DID
	for e := range l.Entries() {
		if !slices.Contains(names, e.ID) {
			names = append(names, e.ID)
		}
	}
	slices.Reverse(names) // the newest first
	list := []Upload{}
	for _, id := range names {
		for _, file := range []struct {
			name string
			url  func(did.DID) (string, error)
		}{{didWitnessFile, webvh.WitnessURL}, {didLogFile, webvh.LogURL}} {
			url, err := file.url(id)
			if err != nil {
				return nil, err
			}
			if file.name == didLogFile || l.RawWitness() != nil {
				list = append(list, Upload{f.file(file.name), url})
			}
		}
	}
	if !missing(f.file(didWebFile)) {
		list = append(list, Upload{f.file(didWebFile), webURL(l.ID())})
	}
	return list, nil
}

// webURL returns where the document of the parallel did:web is.
func webURL(id did.DID) string {
	url, _ := webvh.LogURL(id) // of a log that was verified
	return strings.TrimSuffix(url, didLogFile) + didWebFile
}

func (w *DIDWritten) print(out io.Writer) {
	table(out, func(out io.Writer) {
		fmt.Fprintf(out, "did\t%s\n", w.DID)
		fmt.Fprintf(out, "version\t%d, %s\n", w.Version, w.Time.UTC().Format(time.RFC3339Nano))
		for i, c := range w.Changes {
			fmt.Fprintf(out, "%s\t%s\n", map[bool]string{true: "changes"}[i == 0], c)
		}
		for i, u := range w.Upload {
			fmt.Fprintf(out, "%s\t%s to %s\n", map[bool]string{true: "upload"}[i == 0], u.File, u.URL)
		}
		for _, url := range w.Remove {
			fmt.Fprintf(out, "remove\t%s, if it is there\n", url)
		}
		if w.Waits != "" {
			fmt.Fprintf(out, "waits\t%s\n", w.Waits)
			fmt.Fprintf(out, "\tnothing is to be uploaded before: give %s to the witnesses (hourmeter did witness)\n", w.Pending)
		}
	})
}

// A keyRing says which keys may sign the next entry of a log.
type keyRing struct {
	l      *webvh.Log
	hashed bool              // pre-rotation is on: the log has hashes of keys
	names  map[string]string // of keys in the folder of keys, by Multikey
}

func (a *app) keyRing(l *webvh.Log) keyRing {
	return keyRing{l, len(l.Parameters().NextKeyHashes) > 0, a.keyNames()}
}

// may reports whether a key may sign.
func (k keyRing) may(public crypto.PublicKey) bool {
	if k.hashed {
		hash, err := webvh.KeyHash(public)
		return err == nil && slices.Contains(k.l.Parameters().NextKeyHashes, hash)
	}
	key, err := describeKey("", public)
	return err == nil && slices.Contains(k.l.Parameters().UpdateKeys, key.Multikey)
}

// wanted says in words which keys may sign.
func (k keyRing) wanted() string {
	if k.hashed {
		return "pre-rotation is on, and the next entry is signed by a key whose hash is " + strings.Join(k.l.Parameters().NextKeyHashes, " or ")
	}
	var list []string
	for _, key := range k.l.Parameters().UpdateKeys {
		list = append(list, called(key, k.names))
	}
	return "the update keys in force are " + strings.Join(list, ", ")
}

// signer opens the key that signs the next entry: the one that is named, or one of the folder of keys
// that may. Of those in among, if there are any.
func (a *app) entrySigner(ctx context.Context, l *webvh.Log, name string, among []crypto.PublicKey) (crypto.Signer, error) {
	ring := a.keyRing(l)
	if name != "" {
		key, _, _, err := a.signer(ctx, identity{key: name})
		if err != nil {
			return nil, err
		}
		if !ring.may(key.Public()) {
			return nil, fmt.Errorf("the key %q may not sign for %s: %s", name, l.ID(), ring.wanted())
		}
		return key, nil
	}
	dir, err := a.dir()
	if err != nil {
		return nil, err
	}
	infos, unreadable := dir.List()
	for _, info := range infos {
		in := len(among) == 0
		for _, k := range among {
			equal, ok := k.(interface{ Equal(crypto.PublicKey) bool })
			in = in || ok && equal.Equal(info.Public)
		}
		if in && ring.may(info.Public) {
			return dir.Open(ctx, info.Name)
		}
	}
	return nil, errors.Join(fmt.Errorf("no key in %s may sign for %s: %s", dir.Path, l.ID(), ring.wanted()), unreadable)
}

// maxVersionID is the longest versionId: a number and a hash.
const maxVersionID = 128

// approve notes that a witness here approves of the newest entry of l, unless it has approved of
// another history.
func (a *app) approve(f *didFolder, l *webvh.Log) error {
	all := entriesOf(l)
	name := f.file(didSeenFile)
	if !missing(name) {
		seen, err := a.read(name, maxVersionID)
		if err != nil {
			return err
		}
		id := strings.TrimSpace(string(seen))
		if !slices.ContainsFunc(all, func(e webvh.Entry) bool { return e.VersionID == id }) {
			return &verdictError{Invalid, fmt.Sprintf("a witness here approved of version %s, and this log does not have it: to approve of two histories is to be no witness. If nobody was ever given that approval, remove %s", id, name)}
		}
	}
	return a.write(output{name: name, force: true}, []byte(all[len(all)-1].VersionID+"\n"))
}
