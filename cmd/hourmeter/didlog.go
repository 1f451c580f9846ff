package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func (a *app) didLogCommand() *cobra.Command {
	var r resolveFlags
	var n networkFlags
	cmd := &cobra.Command{
		Use:   "log FOLDER|FILE|DID",
		Short: "Verify the log of a did:webvh, and list its history",
		Long: `Verify the log of a did:webvh from its first entry to its last, and list each version:
when it was made by its controller's word, who signed it, and what it changed.

FOLDER is one as "hourmeter did create" makes it, FILE a did.jsonl with its
did-witness.json beside it, if it has one. A DID is looked up with --online.

A log shows that nothing in it was changed, not that nothing came after.`,
		Example: `  hourmeter did log ./drone-7
  hourmeter did log did:webvh:Qm…:fleet.example:drone-7 --online --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.didLog(cmd.Context(), args[0], r, n)
		},
	}
	r.flags(cmd.Flags())
	n.flags(cmd.Flags())
	return cmd
}

func (a *app) didLog(ctx context.Context, where string, r resolveFlags, n networkFlags) error {
	var id did.DID
	var l *webvh.Log
	var err, broken error
	if strings.HasPrefix(where, "did:") {
		if id, err = did.Parse(where); err != nil {
			return &verdictError{Invalid, err.Error()}
		}
		if id.Method() != webvh.Method {
			return fmt.Errorf("%s has no log: did:webvh has", id)
		}
		lookup, err := r.resolver(a, n)
		if err != nil {
			return err
		}
		if r.noCache {
			ctx = withoutCache(ctx)
		}
		if l, err = lookup.Log(ctx, id); err != nil && l == nil {
			return unresolved(err)
		}
		broken = err
	} else {
		text, witness, err := a.readDIDLog(where)
		if err == nil {
			id, err = subject(where, text)
		}
		if err != nil {
			return err
		}
		if l, broken = webvh.Verify(id, text, witness); broken != nil {
			broken = fmt.Errorf("%s: %w", where, broken)
		}
	}
	shown := DIDLog{DID: id, Verdict: Valid, Entries: []DIDEntry{}, UpdateKeys: []string{}}
	if pending := filepath.Join(where, didPendingFile); !missing(pending) {
		shown.Pending = pending
	}
	if broken != nil {
		shown.Verdict, shown.Message = Invalid, oneLine(broken.Error())
	}
	if l != nil {
		if err := shown.list(l); err != nil {
			return err
		}
	}
	names := a.keyNames()
	err = a.print(shown, func(w io.Writer) { shown.print(w, names) })
	if err == nil && shown.Verdict != Valid {
		err = &verdictError{verdict: shown.Verdict}
	}
	return err
}

// readDIDLog reads a log and the proofs of its witnesses; nil if there are none.
func (a *app) readDIDLog(name string) (text, witness []byte, err error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, didLogFile)
	}
	if pending := filepath.Join(filepath.Dir(name), didPendingFile); missing(name) && filepath.Base(name) == didLogFile && !missing(pending) {
		return nil, nil, fmt.Errorf("%s: there is none yet: the first entry waits for its witnesses in %s", name, pending)
	}
	if text, err = a.read(name, webvh.MaxLogBytes); err != nil {
		return nil, nil, err
	}
	beside := filepath.Join(filepath.Dir(name), didWitnessFile)
	if name == "-" || missing(beside) {
		return text, nil, nil
	}
	witness, err = a.read(beside, webvh.MaxWitnessBytes)
	return text, witness, err
}

// subject returns the DID that the log in a file says it is about, in its last line or, if that was cut
// off, its first.
func subject(file string, text []byte) (did.DID, error) {
	id, err := webvh.Subject(text)
	if err != nil {
		first, _, _ := bytes.Cut(text, []byte("\n"))
		if id, err = webvh.Subject(first); err != nil {
			return id, &verdictError{Invalid, fmt.Sprintf("%s is no log of a did:webvh: %s", file, oneLine(err.Error()))}
		}
	}
	return id, nil
}

// list adds the valid entries of l, and what is in force after them.
func (s *DIDLog) list(l *webvh.Log) error {
	var before webvh.Entry
	for e := range l.Entries() {
		changes, err := entryChanges(before, e)
		if err != nil {
			return err
		}
		s.Entries = append(s.Entries, DIDEntry{Number: e.Number, VersionID: e.VersionID, Time: e.Time, DID: e.ID, Signers: signersOf(e.Raw), Changes: changes})
		before = e
	}
	p := l.Parameters()
	s.DID, s.SCID = l.ID(), l.SCID()
	s.UpdateKeys, s.NextKeyHashes = append(s.UpdateKeys, p.UpdateKeys...), p.NextKeyHashes
	s.Witnesses, s.Threshold = p.Witness.Witnesses, p.Witness.Threshold
	s.Portable, s.Deactivated, s.TTL = p.Portable, p.Deactivated, int64(p.TTL/time.Second)
	return nil
}

// signersOf returns the Multikeys whose proofs an entry has. They have been verified.
func signersOf(entry string) []string {
	doc, err := strictjson.Parse([]byte(entry), strictjson.Limits{Bytes: webvh.MaxEntryBytes})
	if err != nil {
		return nil
	}
	var keys []string
	for proof := range doc.Root().Member("proof").All() {
		if _, key, ok := strings.Cut(proof.Member("verificationMethod").Text(), "#"); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *DIDLog) print(w io.Writer, names map[string]string) {
	fmt.Fprintln(w, oneLine(s.DID.String()))
	for _, e := range s.Entries {
		var by []string
		for _, key := range e.Signers {
			by = append(by, called(key, names))
		}
		fmt.Fprintf(w, "%4d  %s, signed by %s\n", e.Number, e.Time.UTC().Format(time.RFC3339Nano), strings.Join(by, ", "))
		for _, c := range e.Changes {
			fmt.Fprintf(w, "      %s\n", c)
		}
	}
	if s.Message != "" {
		fmt.Fprintln(w, s.Message)
	}
	if s.Pending != "" {
		fmt.Fprintf(w, "%s has an entry that waits for its witnesses\n", s.Pending)
	}
	fmt.Fprintf(w, "%s: %s", s.Verdict, count(int64(len(s.Entries)), "version", "versions"))
	if s.Verdict != Valid {
		fmt.Fprintln(w, " before that")
		return
	}
	if s.Deactivated {
		fmt.Fprint(w, ", deactivated")
	}
	if s.Threshold > 0 {
		fmt.Fprintf(w, ", approved of by %d of %d witnesses at least", s.Threshold, len(s.Witnesses))
	}
	fmt.Fprintln(w)
}

// called is a Multikey, with the name that it has in the folder of keys.
func called(key string, names map[string]string) string {
	if name := names[key]; name != "" {
		return fmt.Sprintf("%s (%s)", name, short(key))
	}
	return key
}

// keyNames returns the names of the keys in the folder of keys, by their Multikeys; empty if there
// is no folder.
func (a *app) keyNames() map[string]string {
	names := map[string]string{}
	dir, err := a.dir()
	if err != nil {
		return names
	}
	infos, _ := dir.List()
	for _, info := range infos {
		if key, err := describeKey(info.Name, info.Public); err == nil {
			names[key.Multikey] = info.Name
		}
	}
	return names
}

// localLogs are logs of did:webvh that the user has, in place of those that their hosts have.
type localLogs struct {
	logs []localLog
	next did.Resolver // for others; nil if there is none
}

// A localLog is a log as a file has it. One that is broken answers for the versions before that.
type localLog struct {
	file string
	*webvh.Log
}

func (a *app) localLogs(names []string, next did.Resolver) (localLogs, error) {
	all := localLogs{next: next}
	for _, name := range names {
		text, witness, err := a.readDIDLog(name)
		if err != nil {
			return all, fmt.Errorf("--did-log: %w", err)
		}
		id, err := subject(name, text)
		if err != nil {
			return all, err
		}
		l, err := webvh.Verify(id, text, witness)
		if l == nil {
			return all, &verdictError{Invalid, fmt.Sprintf("--did-log %s: %s", name, oneLine(err.Error()))}
		}
		all.logs = append(all.logs, localLog{name, l})
	}
	return all, nil
}

// of returns the log of a DID, nil if there is none.
func (all localLogs) of(ctx context.Context, id did.DID) localLog {
	for _, l := range all.logs {
		if _, err := l.Resolve(ctx, id, did.Version{}); !errors.Is(err, did.ErrNotFound) && strings.HasPrefix(id.Identifier(), l.SCID()+":") {
			return l
		}
	}
	return localLog{}
}

// Resolve implements [did.Resolver].
func (all localLogs) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	if l := all.of(ctx, id); l.Log != nil {
		res, err := l.Resolve(ctx, id, v)
		if err != nil && l.Err() != nil {
			err = fmt.Errorf("--did-log %s: %w", l.file, err)
		}
		return res, err
	}
	if all.next == nil {
		return nil, fmt.Errorf("%w: no --did-log is of %s, and without --online nobody is asked", did.ErrMethodNotSupported, id)
	}
	return all.next.Resolve(ctx, id, v)
}
