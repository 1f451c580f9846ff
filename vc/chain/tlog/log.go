package tlog

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/vc"
)

// maxBatch bounds how many entries one call appends: they are held in memory until they are synced.
const maxBatch = 1 << 16

// ErrStopped is wrapped by what a [Log] returns after a write failed: what the
// disk holds is not known until the log is opened again. Nothing acknowledged
// is lost.
var ErrStopped = errors.New("the log has stopped after a failed write; open it again")

// Config says who a log is.
type Config struct {
	Origin string        // names the log, such as "example.com/machines": no scheme, no spaces, no +. It never changes
	Key    crypto.Signer // an Ed25519 key that signs nothing else. It never changes

	// Witnesses are the verifier keys of those whose cosignatures the log publishes.
	Witnesses []string

	// Quorum is how many of them have to cosign a checkpoint before it is published; until then the
	// last one stays. Zero means more than half. Choose no less than readers ask for.
	Quorum int
}

// A Log is a transparency log in a folder of files, which may be served as they
// are (C2SP tlog-tiles), all but the subfolder "private". One process at a time
// writes it. A Log is safe for concurrent use.
type Log struct {
	signer    *signer
	witnesses []*key
	quorum    int
	disk      disk

	publishing sync.Mutex // held by Publish
	tree       edge       // of what Publish has written as tiles

	syncing sync.Mutex // held while the pending file is written; after publishing, before mu
	pending *pending

	mu       sync.Mutex // held shortly
	index    index      // all entries, also those not synced yet
	synced   int64      // how many entries are synced, and may be acknowledged
	stopped  error
	current  *Checkpoint // published
	archived []int64     // sizes of archived checkpoints, rising
}

// Create makes a log in a folder that has none. The error wraps [fs.ErrExist] if
// it has one.
func Create(folder string, c Config) (*Log, error) {
	d, err := openFolder(folder, true)
	if err != nil {
		return nil, err
	}
	return closing(d)(create(d, c))
}

// Open opens the log in a folder. It reads and checks all of it: each entry and
// each tile is held against the published checkpoint, and each entry against the
// rule of [Log.Append]. What was acknowledged and not published is taken up.
//
// If a file is missing or damaged, the error is a *[CorruptError] that names it.
func Open(folder string, c Config) (*Log, error) {
	d, err := openFolder(folder, false)
	if err != nil {
		return nil, err
	}
	return closing(d)(open(d, c))
}

// closing closes the disk of a log that does not open.
func closing(d disk) func(*Log, error) (*Log, error) {
	return func(l *Log, err error) (*Log, error) {
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		return l, nil
	}
}

func newLog(d disk, c Config) (*Log, error) {
	s, err := newSigner(c.Origin, typeLog, c.Key, nil)
	if err != nil {
		return nil, err
	}
	witnesses, err := parseWitnesses(s.key, c.Witnesses)
	if err != nil {
		return nil, err
	}
	quorum := c.Quorum
	if quorum == 0 && len(witnesses) > 0 {
		quorum = len(witnesses)/2 + 1
	}
	if quorum < 0 || quorum > len(witnesses) {
		return nil, fmt.Errorf("tlog: log %s asks for %d cosignatures and names %d witnesses", c.Origin, c.Quorum, len(witnesses))
	}
	return &Log{signer: s, witnesses: witnesses, quorum: quorum, disk: d}, nil
}

func create(d disk, c Config) (*Log, error) {
	l, err := newLog(d, c)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadFile(checkpointFile); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &fs.PathError{Op: "create log", Path: checkpointFile, Err: fs.ErrExist}
		}
		return nil, err
	}
	if err := unstage(d); err != nil {
		return nil, err
	}
	signed, err := l.sign(0, l.tree.root())
	if err != nil {
		return nil, err
	}
	if l.current, err = openCheckpoint(signed, l.signer.key, nil); err != nil {
		return nil, err
	}
	if l.pending, err = renewPending(d, c.Origin, 0, nil); err != nil {
		return nil, err
	}
	// The checkpoint comes last: a folder without one holds no log yet.
	if err := store(d, newFile{checkpointFile, signed}); err != nil {
		return nil, errors.Join(err, l.pending.file.Close())
	}
	return l, nil
}

func open(d disk, c Config) (*Log, error) {
	l, err := newLog(d, c)
	if err != nil {
		return nil, err
	}
	if err := unstage(d); err != nil {
		return nil, err
	}

	// 1. The checkpoint is this log's.
	signed, err := d.ReadFile(checkpointFile)
	if err != nil {
		return nil, &CorruptError{File: checkpointFile, Detail: err}
	}
	if l.current, err = openCheckpoint(signed, l.signer.key, l.witnesses); err != nil {
		return nil, &CorruptError{File: checkpointFile, Detail: err}
	}

	// 2. The entries and tiles make the tree that it signs, and the entries keep the rule.
	if err := l.load(); err != nil {
		return nil, err
	}

	// 3. What was acknowledged since goes on from there.
	first, entries, err := readPending(d, c.Origin)
	if err != nil {
		return nil, err
	}
	size := l.current.Size
	if first > size || first+int64(len(entries)) < size {
		return nil, corrupt(pendingFile+", "+checkpointFile, "one of these is of another time: the one holds leaves %d to %d, the other covers %d", first, first+int64(len(entries)), size)
	}
	for i, e := range entries[:size-first] {
		if l.index.entries[first+int64(i)] != e {
			return nil, corrupt(pendingFile, "leaf %d is not the one in the tree", first+int64(i))
		}
	}
	entries = entries[size-first:]
	for _, e := range entries {
		if _, _, ok := l.index.next(e); !ok {
			return nil, corrupt(pendingFile, "leaf %d: %w", len(l.index.entries), ErrSequence)
		}
		l.index.add(e)
	}

	// 4. The archive.
	if l.archived, err = listArchive(d, strings.TrimSuffix(archivePrefix, "/"), 0); err != nil {
		return nil, err
	}

	if l.pending, err = renewPending(d, c.Origin, size, entries); err != nil {
		return nil, err
	}
	l.synced = int64(len(l.index.entries))
	return l, nil
}

// load reads the entries and tiles of the current checkpoint into l.index and l.tree.
func (l *Log) load() error {
	ctx, source := context.Background(), diskSource{l.disk}
	size := l.current.Size
	l.index = index{entries: make([]Entry, 0, size+size/8), prev: make([]int64, 0, size+size/8)} // the log itself signed the size
	var wrong string                                                                             // the first tile that the entries do not make
	check := func(level int, n int64, hashes []tlog.Hash) error {
		t := tlog.Tile{H: tileHeight, L: level, N: n, W: len(hashes)}
		data, err := readTile(ctx, source, t)
		if err == nil && wrong == "" && string(data) != string(concat(hashes)) {
			wrong = tilePath(t)
		}
		return err
	}
	for n := int64(0); n*tileWidth < size; n++ {
		entries, err := readBundle(ctx, source, size, n)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if _, _, ok := l.index.next(e); !ok {
				return corrupt(tilePath(tlog.Tile{H: tileHeight, L: -1, N: n, W: len(entries)}), "leaf %d: entry %d of %s: %w", len(l.index.entries), e.Sequence, e.Key, ErrSequence)
			}
			l.index.add(e)
			if err := l.tree.push(tlog.RecordHash(e.Leaf()), check); err != nil {
				return err
			}
		}
	}
	for level, hashes := range l.tree.levels {
		if len(hashes) > 0 {
			if err := check(level, size>>(tileHeight*(level+1)), hashes); err != nil {
				return err
			}
		}
	}
	switch root := l.tree.root(); {
	case root == l.current.Root && wrong != "":
		return corrupt(wrong, "it is not what the entries hash to")
	case root != l.current.Root && wrong != "":
		return corrupt(wrong+", "+strings.Replace(wrong, tilePrefix+"0/", tilePrefix+"entries/", 1), "one of these does not fit the checkpoint of size %d", size)
	case root != l.current.Root:
		return corrupt(checkpointFile, "its root is not that of the entries and tiles")
	}
	return nil
}

// A diskSource reads a log's own folder.
type diskSource struct{ disk disk }

func (s diskSource) ReadFile(_ context.Context, path string) ([]byte, error) {
	return s.disk.ReadFile(path)
}

// listArchive returns the sizes of the archived checkpoints, rising. base is what the folder's name
// stands for.
func listArchive(d disk, folder string, base int64) (sizes []int64, err error) {
	list, err := d.List(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, f := range list {
		name := strings.TrimPrefix(f.Name(), "x")
		n, err := parseSize(strings.TrimLeft(name, "0"))
		if name == "000" {
			n, err = 0, nil
		}
		if err != nil || len(name) != 3 || f.IsDir() != (len(f.Name()) == 4) {
			return nil, corrupt(folder+"/"+f.Name(), "no archived checkpoint has this name")
		}
		if f.IsDir() {
			below, err := listArchive(d, folder+"/"+f.Name(), (base+n)*1000)
			if err != nil {
				return nil, err
			}
			sizes = append(sizes, below...)
		} else {
			sizes = append(sizes, base+n)
		}
	}
	slices.Sort(sizes)
	return sizes, nil
}

// Key returns the log's verifier key: readers and witnesses are given it.
func (l *Log) Key() string { return l.signer.String() }

// Size returns how many entries have been acknowledged, published or not.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced
}

// Newest returns the newest entry that the log has acknowledged of a record, and
// the index of its leaf; false if it holds none.
func (l *Log) Newest(k Key) (e Entry, index int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	index, ok = l.index.newest[k]
	for ok && index >= l.synced {
		index = l.index.prev[index]
		ok = index >= 0
	}
	if !ok {
		return Entry{}, 0, false
	}
	return l.index.entries[index], index, true
}

// A Submission is an entry to append, and the digest of the one before it in
// its record: zero for entry 0.
type Submission struct {
	Entry    Entry
	Previous vc.Digest
}

// A Result is what came of a [Submission].
type Result struct {
	Index int64 // of the leaf, if Err is nil
	Err   error
}

// Append takes an entry in, and returns the index of its leaf when that is on
// the disk: from then on nothing loses it, and the next [Log.Publish] publishes
// it. The first entry of a record has sequence 0; each other has the sequence
// after that of the newest one the log holds, whose digest is previous.
// To append what the log holds already changes nothing.
//
// The error is a *[TakenError] if the log holds another digest in the entry's
// place, or the record under another salt, and an *[OrderError] if the entry does not follow the newest one.
// Whether the entry stands for a credential, and who may add it, the caller
// decides.
func (l *Log) Append(ctx context.Context, e Entry, previous vc.Digest) (index int64, err error) {
	results, err := l.AppendAll(ctx, []Submission{{e, previous}})
	if err != nil {
		return 0, err
	}
	return results[0].Index, results[0].Err
}

// AppendAll is [Log.Append] for many entries, at most 65,536, which are synced
// together; so are those of calls at the same time. Each stands for itself: one
// that is refused has its error in the result of the same place and does not
// keep the others out. An error of the call itself says that none is known to
// be on the disk.
func (l *Log) AppendAll(ctx context.Context, submissions []Submission) ([]Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(submissions) > maxBatch {
		return nil, fmt.Errorf("tlog: %d entries at once, at most %d", len(submissions), maxBatch)
	}
	results := make([]Result, len(submissions))
	l.mu.Lock()
	if l.stopped != nil {
		defer l.mu.Unlock()
		return nil, l.stopped
	}
	for i, s := range submissions {
		results[i].Index, results[i].Err = l.take(s)
	}
	upTo := int64(len(l.index.entries))
	l.mu.Unlock()

	// Also for what is held already: another call may not have synced it yet.
	if err := l.sync(upTo); err != nil {
		return nil, err
	}
	return results, nil
}

// take adds an entry to the index. The caller holds mu.
func (l *Log) take(s Submission) (int64, error) {
	leaf, held, err := l.look(s)
	if err != nil || held {
		return leaf, err
	}
	return l.index.add(s.Entry), nil
}

// look holds a submission against the rule, and finds its leaf if it is held. The caller holds mu.
func (l *Log) look(s Submission) (leaf int64, held bool, err error) {
	e := s.Entry
	if err := e.check(); err != nil {
		return 0, false, err
	}
	newest, first, ok := l.index.next(e)
	if newest.Key != e.Key {
		return 0, false, &TakenError{Entry: e, Held: newest.Digest, Index: first}
	}
	if !ok && e.Sequence <= newest.Sequence {
		leaf := l.index.find(e.Key, e.Sequence)
		if at := l.index.entries[leaf].Digest; at != e.Digest {
			return 0, false, &TakenError{Entry: e, Held: at, Index: leaf}
		}
		return leaf, true, nil
	}
	if !ok || s.Previous != newest.Digest {
		return 0, false, &OrderError{Entry: e, Newest: newest.Sequence, Held: newest.Digest}
	}
	return 0, false, nil
}

// sync returns when the first upTo entries are on the disk. Who comes first writes for all who
// wait behind him.
func (l *Log) sync(upTo int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	entries := l.index.entries[l.synced:len(l.index.entries):len(l.index.entries)]
	done, stopped := l.synced >= upTo, l.stopped
	l.mu.Unlock()
	if stopped != nil {
		return stopped
	}
	if done {
		return nil
	}
	err := l.pending.append(entries)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return l.stop(fmt.Errorf("write %s: %w", pendingFile, err))
	}
	l.synced += int64(len(entries))
	return nil
}

// stop makes the log refuse all that comes. The caller holds mu.
func (l *Log) stop(err error) error {
	if l.stopped == nil {
		l.stopped = fmt.Errorf("tlog: log %s: %w: %w", l.signer.name, ErrStopped, err)
	}
	return l.stopped
}

// Close ends all use of the log and lets another process open it. Everything
// acknowledged is on the disk already.
func (l *Log) Close() error {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.stopped, fs.ErrClosed) {
		return nil
	}
	l.stopped = fmt.Errorf("tlog: log %s: %w", l.signer.name, fs.ErrClosed)
	return errors.Join(l.pending.file.Close(), l.disk.Close())
}

// sign signs a checkpoint.
func (l *Log) sign(size int64, root tlog.Hash) ([]byte, error) {
	return note.Sign(&note.Note{Text: formatCheckpoint(l.signer.name, size, root)}, l.signer)
}
