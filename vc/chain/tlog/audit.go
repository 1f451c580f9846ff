package tlog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// An Auditor reads all entries of a log and checks every rule: they hash to the
// tree that the log signed, each later tree begins with the one before, and the
// sequences of each record rise from 0 by one, so that no entry is there twice.
// What it then knows of a record takes nobody's word.
//
// It goes on from where it was: [Auditor.Audit] reads only what is new. It keeps
// all entries in memory, some 150 bytes each. An Auditor is used by pointer and
// safe for concurrent use; its fields do not change after first use.
type Auditor struct {
	Source Source
	Trust  Trust

	mu     sync.Mutex
	edge   edge
	index  index
	last   *Checkpoint // the tree that the entries are of, or the beginning of
	failed error       // the log broke a rule: no later tree makes it good
}

// auditStep is how many bundles an Auditor reads before it holds them against the tree: 65,536
// entries, some 10 MB.
const auditStep = 256

// A SequenceError says that a log took in an entry whose predecessors it does
// not hold. It is final. Unlike a [Misbehaviour] it takes all of the log's
// entries to show it.
type SequenceError struct {
	Origin string // of the log
	Index  int64  // of the leaf
	Entry  Entry  // that the leaf holds
	Want   int64  // the sequence that was next in its record
}

// Error implements error.
func (e *SequenceError) Error() string {
	return fmt.Sprintf("tlog: log %s took in entry %d of %s as leaf %d, when entry %d was next", e.Origin, e.Entry.Sequence, e.Entry.Key, e.Index, e.Want)
}

// Unwrap returns [ErrSequence].
func (e *SequenceError) Unwrap() error { return ErrSequence }

// Audit reads what is new since the last call, and returns the checkpoint up to
// which everything is good. If it is interrupted, the next call goes on.
//
// The error is a *[Misbehaviour] or a *[SequenceError] if the log broke a rule,
// now or before; a *[RejectError] or *[QuorumError] about its checkpoint; a
// *[RollbackError]; a *[CorruptError] if a file does not fit the checkpoint; or
// says why something could not be read.
func (a *Auditor) Audit(ctx context.Context) (*Checkpoint, error) {
	p, err := a.Trust.prepare()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c, err := fetchCheckpoint(ctx, a.Source, p)
	if err != nil {
		return nil, err
	}
	return c, a.advance(ctx, p.log, c)
}

// Size returns how many entries have been audited.
func (a *Auditor) Size() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return int64(len(a.index.entries))
}

// Entries returns what a log holds of a record, as audited: entries by rising
// sequence, and the indexes of their leaves.
func (a *Auditor) Entries(k Key) (entries []Entry, indexes []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	indexes = a.index.of(k, int64(len(a.index.entries)))
	for _, i := range indexes {
		entries = append(entries, a.index.entries[i])
	}
	return entries, indexes
}

// advance reads on to a checkpoint that the log has signed. The caller holds mu.
//
// It goes by steps, each held against the tree before the next is read. So a log fills no memory
// with what is no part of its tree, and if time runs out, what was read is good for the next call.
func (a *Auditor) advance(ctx context.Context, log *key, c *Checkpoint) error {
	if a.failed != nil {
		return a.failed
	}
	g := newGrove(ctx, a.Source, c.tree())
	if a.last != nil {
		if c.Size < a.last.Size {
			return a.behind(ctx, log, c)
		}
		if a.last.Size > int64(len(a.index.entries)) {
			// The tree under which it stopped half-way has not been read to its end.
			if err := a.fail(extends(g, log, a.last, c)); err != nil {
				return err
			}
		}
	}
	for {
		if err := a.step(ctx, log, g, c); err != nil {
			return err
		}
		if int64(len(a.index.entries)) == c.Size {
			return nil
		}
	}
}

// step reads the next auditStep bundles. The last tree is a beginning of c, as far as it was read.
func (a *Auditor) step(ctx context.Context, log *key, g *grove, c *Checkpoint) error {
	from := int64(len(a.index.entries))
	to := min(c.Size, (from/tileWidth+auditStep)*tileWidth)

	// 1. All of it is read before anything of it counts.
	edge := a.edge.clone()
	var fresh []Entry
	for n := from / tileWidth; n*tileWidth < to; n++ {
		bundle, err := readBundle(ctx, a.Source, c.Size, n)
		if err != nil {
			return err
		}
		for _, e := range bundle[max(0, from-n*tileWidth):] {
			fresh = append(fresh, e)
			if err := edge.push(tlog.RecordHash(e.Leaf()), nil); err != nil {
				return err
			}
		}
	}

	// 2. It makes the tree that the log signed, or its beginning. If not, either a file is wrong or
	// the tree does not begin with the one audited before; the tiles tell which.
	root := tlog.Hash(c.Root)
	if to < c.Size {
		var err error
		if root, err = tlog.TreeHash(to, g); err != nil {
			return err
		}
	}
	if edge.root() != root {
		if a.last != nil {
			if err := a.fail(extends(g, log, a.last, c)); err != nil {
				return err
			}
		}
		return corrupt(checkpointFile+", "+tilePrefix+"entries/", "entries %d to %d do not hash to the tree of size %d", from, to-1, c.Size)
	}

	// 3. The rule.
	for _, e := range fresh {
		held, leaf, ok := a.index.next(e)
		if ok {
			a.index.add(e)
			continue
		}
		at := int64(len(a.index.entries))
		a.failed = &SequenceError{Origin: log.name, Index: at, Entry: e, Want: held.Sequence + 1}
		if e.Sequence <= held.Sequence {
			// Two receipts say it all.
			earlier, err := g.receipt(held, leaf, c)
			if err != nil {
				return errors.Join(a.failed, err)
			}
			later, err := g.receipt(e, at, c)
			if err != nil {
				return errors.Join(a.failed, err)
			}
			a.failed = convict(log, evidence{Broken: &[2]string{string(earlier), string(later)}})
		}
		return a.failed
	}
	a.edge, a.last = edge, c
	return nil
}

// behind says what a checkpoint that is smaller than the last one means. If that was read to its
// end, it takes no file.
func (a *Auditor) behind(ctx context.Context, log *key, c *Checkpoint) error {
	var hashes tlog.HashReader = &a.index
	if int64(len(a.index.entries)) < a.last.Size {
		hashes = newGrove(ctx, a.Source, a.last.tree())
	}
	if err := a.fail(extends(hashes, log, c, a.last)); err != nil {
		return err
	}
	return &RollbackError{Known: a.last, Offered: c}
}

// fail remembers what convicts the log.
func (a *Auditor) fail(err error) error {
	if m, ok := errors.AsType[*Misbehaviour](err); ok {
		a.failed = m
	}
	return err
}

// receipt writes a receipt for a leaf of the tree, under its checkpoint.
func (g *grove) receipt(e Entry, index int64, c *Checkpoint) ([]byte, error) {
	proof, err := tlog.ProveRecord(c.Size, index, g)
	if err != nil {
		return nil, err
	}
	return formatReceipt(e, index, proof, []byte(c.note)), nil
}

// fetchCheckpoint reads and checks the checkpoint that a source has now.
func fetchCheckpoint(ctx context.Context, source Source, p *prepared) (*Checkpoint, error) {
	if source == nil {
		return nil, fmt.Errorf("tlog: log %s: there is no Source to read it from", p.log.name)
	}
	signed, err := source.ReadFile(ctx, checkpointFile)
	if err != nil {
		return nil, fmt.Errorf("tlog: log %s: %s: %w", p.log.name, checkpointFile, err)
	}
	return p.checkpoint(signed)
}
