package fleet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/hourmeter/hourmeter/internal/filelock"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// ErrBusy says that another process writes to the folder.
var ErrBusy = errors.New("another import is writing to this folder: wait until it is done")

// flushBytes is how much of one record is written at once. It bounds what a
// record in the making takes in memory.
const flushBytes = 256 << 10

// An Editor is a fleet to write to, by nobody else until it is closed.
type Editor struct {
	Folder
	lock *os.File
	step func(op string) error // nil but in tests: called before each change of the disk

	mu      sync.Mutex
	changed map[string]bool // chain files that are not synced yet
	notices []Notice
}

// A Notice says what was done to a file to make it whole again.
type Notice struct {
	File   string // with slashes, relative to the folder
	Line   int    // the first that was cut off
	Detail string
}

// Edit opens a folder for writing, and makes it if need be. The error wraps
// [ErrBusy] if somebody else writes to it.
func Edit(path string) (*Editor, error) { return edit(path, nil) }

func edit(path string, step func(string) error) (*Editor, error) {
	e := &Editor{Folder: Folder{path: path}, step: step, changed: map[string]bool{}}
	if err := e.open(); err != nil {
		e.Close()
		return nil, fmt.Errorf("fleet: edit %s: %w", path, err)
	}
	return e, nil
}

func (e *Editor) open() (err error) {
	if err = os.MkdirAll(e.path, 0o700); err != nil {
		return err
	}
	if e.root, err = os.OpenRoot(e.path); err != nil {
		return err
	}
	if e.lock, err = e.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if locked, err := filelock.Try(e.lock); err != nil {
		return err
	} else if !locked {
		return ErrBusy
	}
	if e.index, e.place, err = readIndex(e.root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := e.root.Mkdir(chainFolder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Close gives up the lock. What was not saved is not acknowledged.
func (e *Editor) Close() error {
	if e.lock != nil {
		e.lock.Close()
	}
	if e.root != nil {
		return e.root.Close()
	}
	return nil
}

// Notices returns what was repaired so far.
func (e *Editor) Notices() []Notice {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.notices)
}

// Add adds machines and parties to the fleet, and saves it: they are in it
// before anything is recorded of them. Of a machine it takes Name, ID and Key.
func (e *Editor) Add(machines []Machine, parties []Party) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	ix := index{Format: format, Machines: slices.Clone(e.index.Machines), Parties: slices.Concat(e.index.Parties, parties)}
	for _, m := range machines {
		ix.Machines = append(ix.Machines, Machine{Name: m.Name, ID: m.ID, Key: m.Key, File: path.Join(chainFolder, FileName(m.Name)+".jsonl")})
	}
	text, err := ix.text()
	var at places
	if err == nil {
		_, at, err = parseIndex(text)
	}
	if err == nil {
		err = e.replaceIndex(text)
	}
	if err != nil {
		return fmt.Errorf("fleet: add to %s: %w", e.path, err)
	}
	e.index, e.place = ix, at
	return nil
}

// FileName returns a name for the files of a machine or party: its own name if
// that is 1 to 40 of a-z, 0-9, "_" and "-", otherwise what is left of it and a
// part of its SHA-256, so that no two names share a file on any system.
func FileName(name string) string {
	const safe = "abcdefghijklmnopqrstuvwxyz0123456789_-"
	const most = 40
	if name != "" && len(name) <= most && strings.Trim(name, safe) == "" && strings.Trim(name[:1], "_-") != "" {
		return name
	}
	kept := strings.Map(func(r rune) rune {
		if strings.ContainsRune(safe, r) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	kept = strings.Trim(kept[:min(len(kept), most)], "_-")
	sum := sha256.Sum256([]byte(name))
	return strings.TrimPrefix(kept+".", ".") + hex.EncodeToString(sum[:6])
}

// Save syncs what was recorded and then acknowledges it in fleet.json. It is to
// be called while no Chain is written to.
func (e *Editor) Save() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.save(); err != nil {
		return fmt.Errorf("fleet: save %s: %w", e.path, err)
	}
	return nil
}

func (e *Editor) save() error {
	if len(e.changed) == 0 {
		return nil
	}
	for name := range e.changed {
		if err := e.do("sync "+name, func() error { return e.syncFile(name) }); err != nil {
			return err
		}
	}
	if err := e.do("sync folder", func() error { return e.syncFolder(chainFolder) }); err != nil {
		return err
	}
	text, err := e.index.text()
	if err != nil {
		return err
	}
	if err := e.replaceIndex(text); err != nil {
		return err
	}
	clear(e.changed)
	return nil
}

// replaceIndex puts text in the place of fleet.json: after a crash the one or
// the other is there.
func (e *Editor) replaceIndex(text []byte) error {
	const staged = ".new-" + indexName
	err := e.do("write index", func() error { return e.root.WriteFile(staged, text, 0o600) })
	if err == nil {
		err = e.do("sync index", func() error { return e.syncFile(staged) })
	}
	if err == nil {
		err = e.do("rename index", func() error { return e.root.Rename(staged, indexName) })
	}
	if err == nil {
		err = e.do("sync index folder", func() error { return e.syncFolder(".") })
	}
	return err
}

func (e *Editor) syncFile(name string) error {
	file, err := e.root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

// syncFolder makes the names in a folder last. Windows and WebAssembly cannot,
// and order their changes themselves.
func (e *Editor) syncFolder(name string) error {
	if runtime.GOOS == "windows" || runtime.GOARCH == "wasm" {
		return nil
	}
	dir, err := e.root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func (e *Editor) do(op string, change func() error) error {
	if e.step != nil {
		if err := e.step(op); err != nil {
			return err
		}
	}
	return change()
}

// A Chain is one machine's record, open at its end. It is for one goroutine;
// Chains of one Editor may be used at once. Close it.
type Chain struct {
	Machine Machine
	Head    chain.Head // after the newest entry

	editor   *Editor
	verifier *vc.Verifier
	opened   map[string]chain.At // entries open, by id of the credential
	file     *os.File
	pending  []byte // whole lines to be written
	size     int64  // of the file
}

// A DamageError says that a record has defects, so that nothing is added to it.
type DamageError struct{ Defects []*Defect }

// Error implements error.
func (e *DamageError) Error() string {
	more := ""
	if n := len(e.Defects) - 1; n > 0 {
		more = fmt.Sprintf(", and %d more defects", n)
	}
	return fmt.Sprintf("%v%s; nothing is added to a damaged record: restore the file from a copy", e.Defects[0], more)
}

// Unwrap returns the first defect.
func (e *DamageError) Unwrap() error { return e.Defects[0] }

// Chain verifies a machine's record and opens it at its end. What a crash left
// half-written is cut off; see the package documentation. The error is a
// *[DamageError] if the record has defects.
func (e *Editor) Chain(ctx context.Context, verifier *vc.Verifier, m Machine) (*Chain, error) {
	text, err := readChain(e.root, m)
	if err != nil {
		return nil, err
	}
	report, keep := Check(ctx, verifier, m, text), int64(len(text))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(report.Defects) > 0 && keep > m.Bytes {
		// Of what was never acknowledged, keep all lines before the first defect.
		_, whole := split(text)
		keep = int64(whole)
		if first := report.Defects[0]; first.Line > 0 && first.Kind != Torn {
			keep = int64(offset(text, first.Line))
		}
		if keep = max(keep, m.Bytes); keep < int64(len(text)) {
			report = Check(ctx, verifier, m, text[:keep])
		}
	}
	if len(report.Defects) > 0 {
		return nil, &DamageError{report.Defects}
	}
	c := &Chain{Machine: m, editor: e, verifier: verifier, opened: map[string]chain.At{}, size: keep}
	if report.History != nil {
		c.Head = report.History.Head()
		for _, it := range report.History.Entries() {
			c.keep(it.Link, it.Credential)
		}
	}
	if c.file, err = e.root.OpenFile(m.File, os.O_WRONLY|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("fleet: record of machine %s: %w", m.Name, err)
	}
	if keep < int64(len(text)) {
		err = e.do("cut "+m.File, func() error { return c.file.Truncate(keep) })
		if err != nil {
			c.file.Close()
			return nil, fmt.Errorf("fleet: record of machine %s: %w", m.Name, err)
		}
		e.mu.Lock()
		e.notices = append(e.notices, Notice{m.File, bytes.Count(text[:keep], []byte("\n")) + 1, fmt.Sprintf(
			"an import was killed while it wrote: its last %d bytes, never acknowledged, are no whole entries and were cut off", int64(len(text))-keep)})
		e.mu.Unlock()
	}
	e.note(c)
	return c, nil
}

// offset returns where a line begins, from 1.
func offset(text []byte, line int) int {
	at := 0
	for range line - 1 {
		at += bytes.IndexByte(text[at:], '\n') + 1
	}
	return at
}

// Opened returns the entry with this credential id that opens an obligation:
// where it is in the record, and its digest.
func (c *Chain) Opened(id string) (sequence int64, digest vc.Digest, ok bool) {
	at, ok := c.opened[id]
	return at.Sequence, at.Digest, ok
}

func (c *Chain) keep(link chain.Link, v *vc.Verified) {
	if link.Kind == chain.Open && v.ID() != "" {
		c.opened[v.ID()] = chain.At{Sequence: link.Sequence, Digest: v.Digest(), Issuer: v.Issuer()}
	}
}

// A RefusedError says that a credential is no entry that can follow the record's
// head. The record is as it was, and can take another.
type RefusedError struct{ Err error }

// Error implements error.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns e.Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// Append adds a signed credential to the record, if it verifies and follows the
// head; otherwise the error is a *[RefusedError]. It is on the disk after the next
// [Editor.Save].
func (c *Chain) Append(ctx context.Context, raw []byte) error {
	refuse := func(err error) error { return &RefusedError{err} }
	if bytes.ContainsAny(raw, "\r\n") {
		return refuse(errors.New("fleet: the credential has line ends: write it compact"))
	}
	if c.size+int64(len(c.pending)+len(raw)) >= MaxChainBytes {
		return refuse(fmt.Errorf("fleet: the record of %s would be longer than the %d MiB that are read", c.Machine.Name, MaxChainBytes>>20))
	}
	v, err := c.verifier.Verify(ctx, raw, vc.AnyIssuer)
	if err != nil {
		return refuse(err)
	}
	head := c.Head
	if err := head.Advance(v); err != nil {
		return refuse(err)
	}
	if head.Subject != c.Machine.ID { // a first entry about another machine is a good head, but not here
		return refuse(fmt.Errorf("fleet: the credential is about %s, the machine is %s", v.Subject(), c.Machine.ID))
	}
	c.Head = head
	var link chain.Link
	if _, err := v.Member("record", &link); err == nil { // Advance has read it
		c.keep(link, v)
	}
	c.pending = append(append(c.pending, raw...), '\n')
	if len(c.pending) >= flushBytes {
		return c.flush()
	}
	return nil
}

// flush writes whole lines, in one write if the system can.
func (c *Chain) flush() error {
	if len(c.pending) == 0 {
		return nil
	}
	err := c.editor.do("write "+c.Machine.File, func() error {
		n, err := c.file.WriteAt(c.pending, c.size)
		if err != nil && n > 0 {
			c.file.Truncate(c.size) // a full disk: leave no half line, if that is still possible
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("fleet: record of machine %s: %w", c.Machine.Name, err)
	}
	c.size += int64(len(c.pending))
	c.pending = c.pending[:0]
	c.editor.note(c)
	return nil
}

// note keeps in the index how far the record has come.
func (e *Editor) note(c *Chain) {
	entries := int64(0)
	if !c.Head.Digest.IsZero() {
		entries = c.Head.Sequence + 1
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if i, ok := e.place.machineID[c.Machine.ID]; ok {
		m := &e.index.Machines[i]
		if m.Bytes != c.size || m.Head != c.Head.Digest {
			m.Entries, m.Bytes, m.Head = entries, c.size, c.Head.Digest
			e.changed[m.File] = true
		}
	}
}

// Close writes what is left to be written. What it could not write is no part
// of the record.
func (c *Chain) Close() error {
	err := c.flush()
	if closed := c.file.Close(); err == nil && closed != nil {
		err = fmt.Errorf("fleet: record of machine %s: %w", c.Machine.Name, closed)
	}
	return err
}
