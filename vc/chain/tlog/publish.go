package tlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxCosignTries is how often a witness is asked for one checkpoint: once from the tree that it was
// shown last, once from the one that it says it cosigned last, and once more if another request came
// between.
const maxCosignTries = 3

// A Cosigner is a witness: a [Witness] in this process, or one over a network
// (C2SP tlog-witness).
type Cosigner interface {
	// Cosign takes the body of an add-checkpoint request and returns that of the
	// answer: lines of signatures. If the witness has cosigned a tree of another
	// size last, the error is a *[ConflictError], or another with its method
	// CosignedSize: a package that opens connections need not know this one.
	Cosign(ctx context.Context, request []byte) (signatures []byte, err error)
}

// A Publication is what came of [Log.Publish].
type Publication struct {
	Checkpoint []byte  // signed, with all cosignatures, as it is served
	Size       int64   // of its tree
	Published  bool    // whether it has the log's quorum and has taken the place of the last one
	Failed     []error // for each cosigner why it did not cosign; nil if it did
}

// Publish makes a checkpoint of all that is acknowledged, asks the cosigners for
// their cosignatures, all at once and as long as ctx allows, and publishes it:
// first the tiles, then the checkpoint in the archive, then the checkpoint. To
// publish again what has not grown collects cosignatures of a later time.
//
// A witness that does not answer does not stop the log: see [Publication.Failed].
// A checkpoint that fewer than [Config.Quorum] witnesses have cosigned is not
// published; the last one stays, and what came since waits for the next call.
func (l *Log) Publish(ctx context.Context, cosigners ...Cosigner) (*Publication, error) {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	l.mu.Lock()
	size, current, stopped := l.synced, l.current, l.stopped
	leaves := l.index.entries[:size:size]
	l.mu.Unlock()
	if stopped != nil {
		return nil, stopped
	}

	// 1. The tiles. Until a checkpoint counts them nobody reads them, so that a crash here costs
	// nothing: they are written again.
	if err := l.writeTiles(leaves, current.Size); err != nil {
		return nil, l.fail(err)
	}

	// 2. The checkpoint, with what witnesses have said of it before, if it is the one that stands.
	signed, err := l.sign(size, l.tree.root())
	if err != nil {
		return nil, err
	}
	if size == current.Size {
		signed = current.Note()
	}
	g := newGrove(ctx, diskSource{l.disk}, tlog.Tree{N: size, Hash: l.tree.root()})
	p := &Publication{Size: size, Failed: make([]error, len(cosigners))}
	lines := l.cosign(ctx, g, signed, current.Size, cosigners, p.Failed)
	if p.Checkpoint, err = l.merge(signed, lines); err != nil {
		return nil, err
	}
	c, err := openCheckpoint(p.Checkpoint, l.signer.key, l.witnesses)
	if err != nil {
		return nil, err
	}
	if p.Published = len(c.Cosignatures) >= l.quorum; !p.Published {
		return p, nil
	}

	// 3. The archive keeps what each witness said first.
	archived, err := l.archive(c, lines)
	if err != nil {
		return nil, l.fail(err)
	}

	// 4. The checkpoint. From here on the tiles count.
	if err := store(l.disk, newFile{checkpointFile, p.Checkpoint}); err != nil {
		return nil, l.fail(err)
	}
	l.mu.Lock()
	l.current = c
	if i, found := slices.BinarySearch(l.archived, size); archived && !found {
		l.archived = slices.Insert(l.archived, i, size)
	}
	l.mu.Unlock()
	if size == current.Size {
		return p, nil
	}

	// 5. What is published no longer waits, and what full tiles have replaced may go.
	if err := l.settle(size); err != nil {
		return nil, l.fail(err)
	}
	for level := 0; size>>(tileHeight*level) > 0; level++ {
		for n := current.Size >> (tileHeight * (level + 1)); n < size>>(tileHeight*(level+1)); n++ {
			full := tlog.Tile{H: tileHeight, L: level, N: n, W: tileWidth}
			err = errors.Join(err, l.disk.RemoveAll(tilePath(full)+".p"))
			if level == 0 {
				full.L = -1
				err = errors.Join(err, l.disk.RemoveAll(tilePath(full)+".p"))
			}
		}
	}
	if err != nil {
		return nil, l.fail(err)
	}
	return p, nil
}

func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop(err)
}

// writeTiles brings l.tree up to the leaves and writes the tiles and bundles that are new since the
// published size.
func (l *Log) writeTiles(leaves []Entry, published int64) error {
	size := int64(len(leaves))
	if l.tree.size == size {
		return nil // written before, by a Publish that no quorum cosigned
	}
	var files []newFile
	add := func(level int, n int64, data []byte) {
		files = append(files, newFile{tilePath(tlog.Tile{H: tileHeight, L: level, N: n, W: widthAt(size, max(level, 0), n)}), data})
	}
	tree := l.tree.clone()
	from := tree.size
	for _, e := range leaves[from:] {
		err := tree.push(tlog.RecordHash(e.Leaf()), func(level int, n int64, hashes []tlog.Hash) error {
			add(level, n, concat(hashes))
			return nil
		})
		if err != nil {
			return err
		}
	}
	for level, hashes := range tree.levels {
		if len(hashes) > 0 && from>>(tileHeight*level) != size>>(tileHeight*level) {
			add(level, size>>(tileHeight*(level+1)), concat(hashes))
		}
	}
	for n := from / tileWidth; n*tileWidth < size; n++ {
		var bundle []byte
		for _, e := range leaves[n*tileWidth : min((n+1)*tileWidth, size)] {
			bundle = appendBundled(bundle, e)
		}
		add(-1, n, bundle)
	}
	if err := store(l.disk, files...); err != nil {
		return err
	}
	l.tree = tree
	return nil
}

// cosign asks all cosigners at once and returns the good lines of signatures. failed is set for each.
func (l *Log) cosign(ctx context.Context, g *grove, signed []byte, old int64, cosigners []Cosigner, failed []error) []note.Signature {
	var mu sync.Mutex // guards lines and g
	var lines []note.Signature
	var all sync.WaitGroup
	for i, w := range cosigners {
		all.Go(func() {
			from := old
			for range maxCosignTries {
				mu.Lock()
				request, err := formatRequest(g, from, signed)
				mu.Unlock()
				if err != nil {
					failed[i] = err
					return
				}
				var answer []byte
				answer, failed[i] = w.Cosign(ctx, request)
				conflict, ok := errors.AsType[interface {
					error
					CosignedSize() int64
				}](failed[i])
				size := int64(-1)
				if ok {
					size = conflict.CosignedSize()
				}
				if size != from && size >= 0 && size <= g.tree.N {
					from = size
					continue
				}
				if failed[i] == nil {
					var good []note.Signature
					good, failed[i] = l.accept(signed, answer)
					mu.Lock()
					lines = append(lines, good...)
					mu.Unlock()
				}
				return
			}
		})
	}
	all.Wait()
	// The order in which they answered is not that of the checkpoint.
	slices.SortFunc(lines, func(a, b note.Signature) int { return strings.Compare(a.Name+a.Base64, b.Name+b.Base64) })
	return lines
}

// accept returns the signatures in an answer that are by the log's witnesses.
func (l *Log) accept(signed, answer []byte) ([]note.Signature, error) {
	n, err := note.Open(signed, note.VerifierList(l.signer.key))
	if err != nil {
		return nil, err
	}
	bare, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs})
	if err != nil {
		return nil, err
	}
	_, sigs, err := openNote(append(bare, answer...), l.signer.key, l.witnesses)
	if err != nil {
		return nil, err
	}
	sigs = slices.DeleteFunc(sigs, func(s note.Signature) bool { return s.Name == l.signer.name && s.Hash == l.signer.id })
	if len(sigs) == 0 {
		return nil, fmt.Errorf("tlog: log %s: none of the signatures in the answer is by a witness that it knows", l.signer.name)
	}
	return sigs, nil
}

// merge adds signatures by witnesses to a checkpoint, in place of earlier ones by the same keys.
func (l *Log) merge(signed []byte, lines []note.Signature) ([]byte, error) {
	n, err := note.Open(signed, note.VerifierList(l.signer.key))
	if err != nil {
		return nil, err
	}
	n.UnverifiedSigs = slices.DeleteFunc(n.UnverifiedSigs, func(old note.Signature) bool {
		return slices.ContainsFunc(lines, func(s note.Signature) bool { return s.Name == old.Name && s.Hash == old.Hash })
	})
	n.UnverifiedSigs = append(n.UnverifiedSigs, lines...)
	return note.Sign(n)
}

// archive stores the checkpoint in the archive: for each witness the first cosignature on this size.
// A log without witnesses has no archive: a checkpoint without a cosignature has no time.
func (l *Log) archive(c *Checkpoint, lines []note.Signature) (bool, error) {
	if len(c.Cosignatures) == 0 {
		return false, nil
	}
	path := archivePath(c.Size)
	kept, err := l.disk.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, store(l.disk, newFile{path, c.Note()})
	}
	if err != nil {
		return false, err
	}
	first, err := openCheckpoint(kept, l.signer.key, l.witnesses)
	if err != nil || first.text != c.text {
		return false, corrupt(path, "it is not an earlier copy of the checkpoint: %w", err)
	}
	lines = slices.DeleteFunc(slices.Clone(lines), func(s note.Signature) bool {
		return slices.ContainsFunc(first.Cosignatures, func(f Cosignature) bool { return f.Witness == s.Name })
	})
	if len(lines) == 0 {
		return true, nil
	}
	more, err := l.merge(kept, lines)
	if err != nil {
		return false, err
	}
	return true, store(l.disk, newFile{path, more})
}

// settle takes out of the pending file what is published.
func (l *Log) settle(size int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	waiting := l.index.entries[size:l.synced:l.synced]
	l.mu.Unlock()
	renewed, err := renewPending(l.disk, l.signer.name, size, waiting)
	if err != nil {
		return err
	}
	old := l.pending
	l.pending = renewed
	return old.file.Close()
}

// ReadFile makes a Log a [Source] of itself: its files, and what it says of
// records ("record/<size>/<key>", for any size up to that published).
func (l *Log) ReadFile(ctx context.Context, path string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if rest, ok := strings.CutPrefix(path, recordPrefix); ok {
		number, name, _ := strings.Cut(rest, "/")
		size, err := parseSize(number)
		k, again := ParseKey(name)
		if err == nil && again == nil {
			return l.record(size, k)
		}
	}
	if !isPublic(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return l.disk.ReadFile(path)
}

// record answers record/<size>/<key>.
func (l *Log) record(size int64, k Key) ([]byte, error) {
	l.mu.Lock()
	if size > l.current.Size {
		defer l.mu.Unlock()
		return nil, &fs.PathError{Op: "open", Path: recordPath(size, k), Err: fs.ErrNotExist}
	}
	leaves := l.index.of(k, size)
	h := Head{Origin: l.signer.name, Size: size, Key: k, Entries: int64(len(leaves))}
	places := make([]place, len(leaves))
	for i, leaf := range leaves {
		places[i].index = leaf
		// Sizes are numbers of leaves: the checkpoint that covers leaf n has size n+1 or more.
		if at, _ := slices.BinarySearch(l.archived, leaf+1); at < len(l.archived) && l.archived[at] <= size {
			places[i].archive = l.archived[at]
		}
	}
	if len(leaves) > 0 {
		h.Index = leaves[len(leaves)-1]
		h.Digest = l.index.entries[h.Index].Digest
	}
	l.mu.Unlock()
	head, err := signHead(h, l.signer)
	if err != nil {
		return nil, err
	}
	return formatRecord(places, head), nil
}

// Receipt returns the receipt of a leaf, with the earliest checkpoint in the
// archive that covers it: see [Trust.Receipt]. The error wraps [fs.ErrNotExist]
// if there is none yet: ask again after the next [Log.Publish].
func (l *Log) Receipt(ctx context.Context, index int64) ([]byte, error) {
	return l.receipt(ctx, diskSource{l.disk}, index)
}

func (l *Log) receipt(ctx context.Context, tiles Source, index int64) ([]byte, error) {
	l.mu.Lock()
	c := l.current
	at, _ := slices.BinarySearch(l.archived, index+1)
	if index < 0 || at == len(l.archived) || l.archived[at] > c.Size {
		l.mu.Unlock()
		return nil, fmt.Errorf("tlog: log %s: no witnessed checkpoint covers leaf %d yet: %w", l.signer.name, index, fs.ErrNotExist)
	}
	size, e := l.archived[at], l.index.entries[index]
	l.mu.Unlock()
	signed, err := l.disk.ReadFile(archivePath(size))
	if err != nil {
		return nil, &CorruptError{File: archivePath(size), Detail: err}
	}
	proof, err := tlog.ProveRecord(size, index, newGrove(ctx, tiles, c.tree()))
	if err != nil {
		return nil, err
	}
	return formatReceipt(e, index, proof, signed), nil
}
