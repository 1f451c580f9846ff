package tlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// An Answerer does for a log whose entries, tiles and checkpoints another program
// keeps what that does not: it holds entries against the rule of [Log.Append],
// archives witnessed checkpoints, signs heads, and makes receipts. With it a log of
// any make answers as a [Log] does: it is a [Source] for readers.
//
// It keeps all entries in memory, some 200 bytes each, and the archive in a folder
// that one process at a time may open. Package tessera is one use of it. An
// Answerer is safe for concurrent use.
type Answerer struct {
	source   Source
	prepared *prepared
	log      *Log // its index, its archive, and its key; nothing else of it is used

	updating sync.Mutex // held by Update
	tree     edge       // of the leaves that the last checkpoint covers
}

// OpenAnswerer opens the archive in a folder, or begins it. Source gives the
// checkpoint and tiles. The [Config] is that of a [Log], but that there have to be
// witnesses: an archive without times is of no use.
func OpenAnswerer(folder string, source Source, c Config) (*Answerer, error) {
	d, err := openFolder(folder, true)
	if err != nil {
		return nil, err
	}
	l, err := closing(d)(newLog(d, c))
	if err != nil {
		return nil, err
	}
	trust := Trust{Log: l.Key(), Witnesses: c.Witnesses, Quorum: l.quorum}
	p, err := trust.prepare()
	if err == nil {
		err = unstage(d)
	}
	if err == nil {
		l.archived, err = listArchive(d, strings.TrimSuffix(archivePrefix, "/"), 0)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &Answerer{source: source, prepared: p, log: l}, nil
}

// Update takes in the checkpoint that the log has published: reads the entries that
// are new to it, checks that they make the tree, and archives the checkpoint. What
// the Answerer says is as of the last Update.
//
// The error is a *[SequenceError] if an entry breaks the rule, a *[RejectError] or
// *[QuorumError] about the checkpoint, a *[RollbackError] if it is older than the
// last, a *[CorruptError] if it does not fit the entries (nothing is taken in then),
// and what the Source returned.
func (a *Answerer) Update(ctx context.Context) (*Checkpoint, error) {
	a.updating.Lock()
	defer a.updating.Unlock()
	c, err := fetchCheckpoint(ctx, a.source, a.prepared)
	if err != nil {
		return nil, err
	}
	l := a.log
	l.mu.Lock()
	leaves, current, archived := slices.Clip(l.index.entries), l.current, slices.Clone(l.archived)
	l.mu.Unlock()
	if current != nil && c.Size < current.Size {
		return nil, &RollbackError{Known: current, Offered: c}
	}

	// 1. The entries that are not known yet.
	known := int64(len(leaves))
	for n := known / tileWidth; int64(len(leaves)) < c.Size; n++ {
		entries, err := readBundle(ctx, a.source, c.Size, n)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, entries[int64(len(leaves))-n*tileWidth:]...)
	}

	// 2. They make the tree: only then is it the log's word that they are its entries.
	tree := a.tree.clone()
	for _, e := range leaves[tree.size:c.Size] {
		if err := tree.push(tlog.RecordHash(e.Leaf()), nil); err != nil {
			return nil, err
		}
	}
	if tree.root() != c.Root {
		return nil, corrupt(checkpointFile+", "+tilePrefix+"entries/", "entries %d to %d do not hash to the tree of size %d: has another program added some?", a.tree.size, c.Size-1, c.Size)
	}
	if err := a.agree(known, leaves); err != nil {
		return nil, err
	}

	// 3. The archive keeps the first checkpoint that was seen of each size.
	at, found := slices.BinarySearch(archived, c.Size)
	if !found {
		if err := store(l.disk, newFile{archivePath(c.Size), c.Note()}); err != nil {
			return nil, err
		}
		archived = slices.Insert(archived, at, c.Size)
	}
	a.tree = tree
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current, l.archived = c, archived
	return c, nil
}

// agree adds the leaves from number known on that nobody has added meanwhile.
func (a *Answerer) agree(known int64, leaves []Entry) error {
	l := a.log
	l.mu.Lock()
	defer l.mu.Unlock()
	now := min(len(l.index.entries), len(leaves))
	if !slices.Equal(l.index.entries[known:now], leaves[known:now]) {
		return corrupt(checkpointFile, "of leaves %d to %d it covers others than were added: has another program added some?", known, now-1)
	}
	return a.add(leaves[now:]...)
}

// Look holds a submission against the rule of [Log.Append], by all entries that are
// known. If the log holds it already, held is true and index its leaf. The error is
// that of Append.
func (a *Answerer) Look(s Submission) (index int64, held bool, err error) {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	return a.log.look(s)
}

// Add tells the Answerer of entries that the log has taken in after those that it
// knows, in the order of their leaves. The error is a *[SequenceError] if one breaks
// the rule; those before it have been added.
func (a *Answerer) Add(entries ...Entry) error {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	return a.add(entries...)
}

// add is Add; the caller holds the log's mu.
func (a *Answerer) add(entries ...Entry) error {
	l := a.log
	for _, e := range entries {
		if err := e.check(); err != nil {
			return err
		}
		held, _, ok := l.index.next(e)
		if !ok {
			return &SequenceError{Origin: l.signer.name, Index: int64(len(l.index.entries)), Entry: e, Want: held.Sequence + 1}
		}
		l.index.add(e)
	}
	l.synced = int64(len(l.index.entries))
	return nil
}

// Size returns how many entries are known, published or not.
func (a *Answerer) Size() int64 { return a.log.Size() }

// Newest returns the newest entry of a record, and the index of its leaf; false if
// none is known.
func (a *Answerer) Newest(k Key) (e Entry, index int64, ok bool) { return a.log.Newest(k) }

// Key returns the log's verifier key.
func (a *Answerer) Key() string { return a.log.Key() }

// ReadFile makes an Answerer a [Source]: the log's tiles; the checkpoint of the last
// Update; the archive; and what it says of records.
func (a *Answerer) ReadFile(ctx context.Context, path string) ([]byte, error) {
	l := a.log
	l.mu.Lock()
	current := l.current
	l.mu.Unlock()
	switch {
	case current == nil:
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	case path == checkpointFile:
		return current.Note(), nil
	case strings.HasPrefix(path, tilePrefix):
		return a.source.ReadFile(ctx, path)
	}
	return l.ReadFile(ctx, path)
}

// Receipt is [Log.Receipt].
func (a *Answerer) Receipt(ctx context.Context, index int64) ([]byte, error) {
	a.log.mu.Lock()
	current := a.log.current
	a.log.mu.Unlock()
	if current == nil {
		return nil, fmt.Errorf("tlog: log %s: no checkpoint has been taken in yet: %w", a.log.signer.name, fs.ErrNotExist)
	}
	return a.log.receipt(ctx, a.source, index)
}

// Close lets another process open the archive.
func (a *Answerer) Close() error { return a.log.disk.Close() }
