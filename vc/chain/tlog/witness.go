package tlog

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

const (
	seenFile       = "seen"      // of a witness: the newest checkpoint of each log that it cosigned
	evidenceFolder = "evidence/" // of a witness: requests that contradict what it cosigned

	// maxWatched bounds how many logs a witness watches: its state is one file, which each new
	// checkpoint writes anew.
	maxWatched = 1024

	// maxSeen bounds that file, in bytes: a checkpoint with one signature for each log.
	maxSeen = maxWatched * 2 << 10

	// maxFiled is how many contradictory requests of each sort a witness keeps: one convicts, and
	// nobody must fill the disk.
	maxFiled = 64

	forkPrefix     = "fork-"     // two trees of one size: this convicts by itself
	unprovedPrefix = "unproved-" // a larger tree without a proof: a fork, or a stranger's prank with a good checkpoint
)

// A Watched is a log that a witness cosigns.
type Watched struct {
	Log string // its verifier key: see LogKey

	// Audit, if not nil, gives the files of the log, and the witness reads all
	// entries and cosigns no tree that breaks the rule on sequences. What a
	// cosignature of this witness then says, its operator tells those who rely on
	// it (C2SP tlog-cosignature, "Additional statements").
	Audit Source
}

// WitnessConfig says who a witness is and what it watches.
type WitnessConfig struct {
	Name string           // such as "witness.example/w1"
	Key  crypto.Signer    // an Ed25519 key that signs nothing else
	Logs []Watched        // any other log is refused
	Now  func() time.Time // nil means time.Now
}

// A Witness cosigns the checkpoints of logs, each only if it extends the one
// that it cosigned before (C2SP tlog-witness). It keeps what it cosigned in a
// folder, on the disk before it answers. One process at a time has the folder
// open. A Witness is safe for concurrent use.
//
// The danger: the folder is what it knows. If it is restored from a backup, the
// witness forgets what it has cosigned since, and can be shown another history.
// Make a new witness instead, with a new key.
type Witness struct {
	signer *signer
	disk   disk
	logs   map[string]*watch // by origin; never changes

	mu     sync.Mutex // guards what follows, and the file
	closed bool
	seen   map[string]*Checkpoint // by origin: the newest one that was cosigned
}

type watch struct {
	key     *key
	turn    chan struct{} // holds one: one request at a time for each log
	auditor *Auditor      // nil: not audited
}

// CreateWitness makes a witness in a folder that has none. The error wraps
// [fs.ErrExist] if it has one.
func CreateWitness(folder string, c WitnessConfig) (*Witness, error) {
	d, err := openFolder(folder, true)
	if err != nil {
		return nil, err
	}
	w, err := createWitness(d, c)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return w, nil
}

// OpenWitness opens the witness in a folder. Its logs may be others than before;
// of those that it has cosigned it forgets none. If a file is missing or
// damaged, the error is a *[CorruptError].
func OpenWitness(folder string, c WitnessConfig) (*Witness, error) {
	d, err := openFolder(folder, false)
	if err != nil {
		return nil, err
	}
	w, err := openWitness(d, c)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return w, nil
}

func newWitness(d disk, c WitnessConfig) (*Witness, error) {
	s, err := newSigner(c.Name, typeWitness, c.Key, c.Now)
	if err != nil {
		return nil, err
	}
	if len(c.Logs) > maxWatched {
		return nil, fmt.Errorf("tlog: witness %s watches %d logs, at most %d", c.Name, len(c.Logs), maxWatched)
	}
	w := &Witness{signer: s, disk: d, logs: map[string]*watch{}, seen: map[string]*Checkpoint{}}
	for _, log := range c.Logs {
		k, err := parseKey(log.Log, typeLog)
		if err != nil {
			return nil, err
		}
		if w.logs[k.name] != nil {
			return nil, fmt.Errorf("tlog: witness %s is to watch log %s twice: a log has one key", c.Name, k.name)
		}
		if k.public.Equal(s.public) {
			return nil, fmt.Errorf("tlog: witness %s has the key of log %s", c.Name, k.name)
		}
		w.logs[k.name] = &watch{key: k, turn: make(chan struct{}, 1)}
		if log.Audit != nil {
			w.logs[k.name].auditor = &Auditor{Source: log.Audit}
		}
	}
	return w, nil
}

func createWitness(d disk, c WitnessConfig) (*Witness, error) {
	w, err := newWitness(d, c)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadFile(seenFile); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &fs.PathError{Op: "create witness", Path: seenFile, Err: fs.ErrExist}
		}
		return nil, err
	}
	if err := unstage(d); err != nil {
		return nil, err
	}
	return w, w.store(nil)
}

func openWitness(d disk, c WitnessConfig) (*Witness, error) {
	w, err := newWitness(d, c)
	if err != nil {
		return nil, err
	}
	if err := unstage(d); err != nil {
		return nil, err
	}
	text, err := d.ReadFile(seenFile)
	if err == nil {
		w.seen, err = parseSeen(text)
	}
	if err != nil {
		return nil, &CorruptError{File: seenFile, Detail: err}
	}
	for origin, c := range w.seen {
		if log := w.logs[origin]; log != nil {
			if _, err := openCheckpoint(c.Note(), log.key, nil); err != nil {
				return nil, &CorruptError{File: seenFile, Detail: fmt.Errorf("the checkpoint of log %s: %w", origin, err)}
			}
		}
	}
	return w, nil
}

// seen is the JSON of what a witness knows. The sum tells damage from a log that signed nothing;
// the signatures in the notes are by the logs.
type seen struct {
	Checkpoints []string `json:"checkpoints"` // signed notes, by origin
	Sum         string   `json:"sum"`         // SHA-256 of the notes, each with its length before it, in hexadecimal
}

func sumOf(notes []string) string {
	h := sha256.New()
	for _, n := range notes {
		fmt.Fprintf(h, "%d\n%s", len(n), n)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func parseSeen(text []byte) (map[string]*Checkpoint, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxSeen, Values: 2*maxWatched + 8})
	if err != nil {
		return nil, err
	}
	var s seen
	if err := json.Unmarshal([]byte(doc.Root().Raw()), &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if s.Sum != sumOf(s.Checkpoints) {
		return nil, errors.New("it is damaged: its sum is another one")
	}
	all := map[string]*Checkpoint{}
	for _, signed := range s.Checkpoints {
		text, _, ok := strings.Cut(signed, "\n\n")
		c, err := parseCheckpoint(text + "\n")
		if err != nil || !ok || all[c.Origin] != nil {
			return nil, errors.Join(errors.New("a checkpoint in it cannot be read, or is there twice"), err)
		}
		c.note = signed
		all[c.Origin] = c
	}
	return all, nil
}

// store writes the newest checkpoints, with c in the place of the one before. The caller holds mu.
func (w *Witness) store(c *Checkpoint) error {
	all := maps.Clone(w.seen)
	if c != nil {
		all[c.Origin] = c
	}
	s := seen{Checkpoints: []string{}}
	for _, origin := range slices.Sorted(maps.Keys(all)) {
		s.Checkpoints = append(s.Checkpoints, all[origin].note)
	}
	s.Sum = sumOf(s.Checkpoints)
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if len(all) > maxWatched || len(text) > maxSeen {
		return fmt.Errorf("tlog: witness %s knows %d logs in %d bytes, at most %d in %d", w.signer.name, len(all), len(text), maxWatched, maxSeen)
	}
	if err := store(w.disk, newFile{seenFile, text}); err != nil {
		return err
	}
	w.seen = all
	return nil
}

// Key returns the verifier key of the witness: readers and logs are given it.
func (w *Witness) Key() string { return w.signer.String() }

// Close ends all use of the witness and lets another process open it.
func (w *Witness) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return w.disk.Close()
}

// Cosign answers an add-checkpoint request (C2SP tlog-witness): with a line of
// signature, once it is on the disk that this checkpoint was cosigned. The same
// tree is cosigned again, with the time of now.
//
// The error says how to answer otherwise:
//
//   - *[ConflictError]: 409, and its Size
//   - *[RejectError] with [ErrMalformed]: 400; [ErrOrigin]: 404;
//     [ErrSignature]: 403; [ErrProof] or [ErrSequence]: 422
//   - any other: 500, for it could not be checked
//
// A request that the log signed and that contradicts what was cosigned is kept
// in the subfolder "evidence".
func (w *Witness) Cosign(ctx context.Context, request []byte) ([]byte, error) {
	// 1. The request, and who speaks.
	old, proof, signed, err := parseRequest(request)
	if err != nil {
		return nil, err
	}
	origin, _, _ := strings.Cut(string(signed), "\n")
	log := w.logs[origin]
	if log == nil {
		return nil, reject(ErrOrigin, "", "this witness does not watch log %.80q", origin)
	}
	c, err := openCheckpoint(signed, log.key, nil)
	if err != nil {
		return nil, err
	}
	if old > c.Size {
		return nil, reject(ErrMalformed, origin, "the old size %d is larger than the new one, %d", old, c.Size)
	}
	select {
	case log.turn <- struct{}{}:
		defer func() { <-log.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("tlog: witness %s: another request about log %s is under way: %w", w.signer.name, origin, ctx.Err())
	}

	// 2. It goes on from what was cosigned last.
	w.mu.Lock()
	last, closed := w.seen[origin], w.closed
	w.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("tlog: witness %s: %w", w.signer.name, fs.ErrClosed)
	}
	if last == nil {
		last = &Checkpoint{Origin: origin, Root: sha256.Sum256(nil)}
	}
	if old != last.Size {
		if c.Size == last.Size && c.Root != last.Root {
			return nil, w.file(forkPrefix, last, c, request, &ConflictError{Size: last.Size, Fork: true})
		}
		return nil, &ConflictError{Size: last.Size}
	}
	switch {
	case c.Size == last.Size && c.Root != last.Root:
		return nil, w.file(forkPrefix, last, c, request, &ConflictError{Size: last.Size, Fork: true})
	case (old == 0 || c.Size == last.Size) && len(proof) > 0:
		return nil, reject(ErrProof, origin, "from a tree of size %d to one of size %d there is nothing to prove", old, c.Size)
	case old > 0 && old < c.Size:
		if err := tlog.CheckTree(proof, c.Size, c.Root, last.Size, last.Root); err != nil {
			return nil, w.file(unprovedPrefix, last, c, request, reject(ErrProof, origin, "that the tree of size %d extends the one of size %d: %w", c.Size, last.Size, err))
		}
	}

	// 3. Its entries keep the rule.
	if log.auditor != nil {
		log.auditor.mu.Lock()
		err := log.auditor.advance(ctx, log.key, c)
		log.auditor.mu.Unlock()
		if m, ok := errors.AsType[*Misbehaviour](err); ok {
			return nil, w.file(forkPrefix, last, c, request, reject(ErrSequence, origin, "%w", m))
		} else if errors.Is(err, ErrSequence) {
			return nil, reject(ErrSequence, origin, "%w", err)
		} else if err != nil {
			return nil, err
		}
	}

	// 4. It is on the disk before anybody hears of it.
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, fmt.Errorf("tlog: witness %s: %w", w.signer.name, fs.ErrClosed)
	}
	if c.Size > last.Size || w.seen[origin] == nil {
		if err := w.store(c); err != nil {
			return nil, err
		}
		// What was filed about this very tree was a prank.
		if err := w.disk.RemoveAll(evidencePath(unprovedPrefix, c)); err != nil {
			return nil, err
		}
	}
	cosigned, err := note.Sign(&note.Note{Text: c.text}, w.signer)
	if err != nil {
		return nil, err
	}
	return cosigned[len(c.text)+1:], nil
}

// evidencePath names what is kept about a checkpoint: once for each, whatever the rest of a request.
func evidencePath(prefix string, c *Checkpoint) string {
	sum := c.Digest()
	return evidenceFolder + prefix + hex.EncodeToString(sum[:16]) + ".json"
}

// file keeps a request whose checkpoint c contradicts the one that was cosigned last, and returns
// the refusal. That it cannot be kept does not make it good.
func (w *Witness) file(prefix string, last, c *Checkpoint, request []byte, refusal error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, err := w.disk.List(strings.TrimSuffix(evidenceFolder, "/"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(refusal, err)
	}
	list = slices.DeleteFunc(list, func(f fs.DirEntry) bool { return !strings.HasPrefix(f.Name(), prefix) })
	name := evidencePath(prefix, c)
	if len(list) >= maxFiled || slices.ContainsFunc(list, func(f fs.DirEntry) bool { return evidenceFolder+f.Name() == name }) {
		return refusal
	}
	text, err := json.Marshal(struct {
		Cosigned string `json:"cosigned"` // the checkpoint
		Request  string `json:"request"`
	}{last.note, string(request)})
	if err == nil {
		err = store(w.disk, newFile{name, text})
	}
	if err != nil {
		return errors.Join(refusal, err)
	}
	return refusal
}
