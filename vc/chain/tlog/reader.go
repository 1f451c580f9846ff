package tlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Record names a record of which a log is asked.
type Record struct {
	Chain vc.Digest
	Salt  Salt // kept with the record
}

// A Reader asks a log what it holds of records, and checks all of the answer.
//
// It remembers the largest checkpoint it has seen and insists that each other
// one extends it, or is extended by it. So a log cannot show it two histories;
// that it cannot show another to somebody else, the witnesses see to. A program
// that is started anew gives it [Reader.Known] of the last run.
//
// A Reader is used by pointer, and is safe for concurrent use; its fields do not
// change after first use.
type Reader struct {
	Source Source
	Trust  Trust

	// Scan takes nobody's word for which entry of a record is the newest: the
	// Reader reads all entries of the log, as an [Auditor], and goes on from there
	// with each call. Without it, it takes the log's signed word, a [Head], which
	// convicts the log if it is a lie, once somebody reads all entries.
	Scan bool

	mu      sync.Mutex
	known   *Checkpoint
	auditor *Auditor
}

// Known returns the largest checkpoint seen, for [Reader.Remember] in the next
// run of the program: less than 1 kB. It is nil if there is none.
func (r *Reader) Known() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		return nil
	}
	return r.known.Note()
}

// Remember takes in what [Reader.Known] returned before.
func (r *Reader) Remember(known []byte) error {
	c, err := r.Trust.Checkpoint(known)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil || c.Size > r.known.Size {
		r.known = c
	}
	return nil
}

// A View is what a log holds of some records, as of one checkpoint, all of it
// checked. It implements [chain.Log]. It is a value of the past: read again for
// what came since.
type View struct {
	Checkpoint *Checkpoint

	logged map[vc.Digest]*chain.Logged
}

// Record returns what the log holds of one of the records that the View was made
// for. Of any other it could not say, and the error says so.
func (v *View) Record(chain vc.Digest) (*chain.Logged, error) {
	logged, ok := v.logged[chain]
	if !ok {
		return nil, fmt.Errorf("tlog: log %s was not asked about the record %s", v.Checkpoint.Origin, chain)
	}
	return logged, nil
}

// Read asks the log about records. What it returns has been checked: the log's
// signature, the quorum of witnesses, that the tree extends the largest one
// seen, that the tree includes each entry, and the time by which it did. A log
// that holds nothing of a record has signed that too.
//
// The error is a *[Misbehaviour], with evidence, or a *[SequenceError] if the
// log broke its word; a *[RejectError] if what it gave is bad; a *[QuorumError],
// a *[RollbackError] or a *[CorruptError], or whatever the Source returned, if
// it could not be checked: try again.
func (r *Reader) Read(ctx context.Context, records ...Record) (*View, error) {
	p, err := r.Trust.prepare()
	if err != nil {
		return nil, err
	}
	c, g, err := r.fetch(ctx, p)
	if err != nil {
		return nil, err
	}
	v := &View{Checkpoint: c, logged: map[vc.Digest]*chain.Logged{}}
	times := map[int64]time.Time{}
	for _, record := range records {
		entries, places, _, err := r.entries(ctx, p, c, g, record)
		if err != nil {
			return nil, err
		}
		logged := p.logged(c)
		for i, e := range entries {
			at, ok := times[places[i].archive]
			if !ok {
				early, err := r.covering(ctx, p, c, g, places[i])
				if err != nil {
					return nil, err
				}
				if early.Size == places[i].archive {
					at = early.LogTime()
				} // else all that is known is that the tree of c holds it: not since when
				times[places[i].archive] = at
			}
			logged.Entries = append(logged.Entries, chain.LoggedEntry{Sequence: e.Sequence, Digest: e.Digest, Time: at})
		}
		v.logged[record.Chain] = logged
	}
	return v, nil
}

// logged says what c says of any record.
func (p *prepared) logged(c *Checkpoint) *chain.Logged {
	return &chain.Logged{Origin: c.Origin, Checkpoint: c.Digest(), Time: c.AsOf(), Fresh: p.now().Sub(c.AsOf()) <= p.maxAge}
}

// fetch reads the checkpoint and holds it against the largest one seen.
func (r *Reader) fetch(ctx context.Context, p *prepared) (*Checkpoint, *grove, error) {
	c, err := fetchCheckpoint(ctx, r.Source, p)
	if err != nil {
		return nil, nil, err
	}
	g := newGrove(ctx, r.Source, c.tree())
	r.mu.Lock()
	known := r.known
	r.mu.Unlock()
	for {
		switch {
		case known == nil:
		case known.Size <= c.Size:
			err = extends(g, p.log, known, c)
		default:
			// The smaller tree has to be the beginning of the larger one. Whether it is, the tiles of
			// the larger one show, if the source has them: if not, nothing is concluded.
			err = extends(newGrove(ctx, r.Source, known.tree()), p.log, c, known)
			if _, forked := errors.AsType[*Misbehaviour](err); !forked {
				err = &RollbackError{Known: known, Offered: c}
			}
		}
		if err != nil {
			return nil, nil, err
		}
		r.mu.Lock()
		if r.known == known {
			r.known = c
			r.mu.Unlock()
			return c, g, nil
		}
		known = r.known // another call has been shown this one: it counts too
		r.mu.Unlock()
	}
}

// entries returns what the log holds of a record in the tree of c, with where it says it does, and,
// if the log was asked, its signed head.
func (r *Reader) entries(ctx context.Context, p *prepared, c *Checkpoint, g *grove, record Record) ([]Entry, []place, *Head, error) {
	k := record.Salt.Key(record.Chain)
	if k.IsZero() {
		return nil, nil, nil, fmt.Errorf("tlog: a log is asked about a record by its chain and its salt; one of them is missing")
	}
	entries, places, h, err := r.ask(ctx, p, c, g, k)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(entries) > 0 {
		err = checkFirst(c, record.Chain, entries[0].Digest)
	}
	return entries, places, h, err
}

// checkFirst ties a key to a record. A log cannot: it does not see the chain in a key. So somebody
// could have put entries of his own, or fewer, under a key made of the chain and another salt.
func checkFirst(c *Checkpoint, chain, first vc.Digest) error {
	if first != chain {
		return reject(ErrHead, c.Origin, "what it holds under this salt is not the record %s: it begins with %s", chain, first)
	}
	return nil
}

func (r *Reader) ask(ctx context.Context, p *prepared, c *Checkpoint, g *grove, k Key) ([]Entry, []place, *Head, error) {
	if r.Scan {
		return r.scan(ctx, p, c, g, k)
	}
	places, h, err := askHead(ctx, r.Source, p, c, k)
	if err != nil {
		return nil, nil, nil, err
	}
	indexes := make([]int64, len(places))
	for i, at := range places {
		indexes[i] = at.index
	}
	entries, err := g.entries(ctx, r.Source, indexes)
	if err != nil {
		return nil, nil, nil, err
	}
	for i, e := range entries {
		want := Entry{Key: k, Sequence: int64(i), Digest: e.Digest}
		last := i == len(entries)-1
		if last {
			want, _ = h.Newest()
		}
		if e == want {
			continue
		}
		if last {
			// The log signed that this leaf is the newest entry.
			text, err := g.receipt(e, indexes[i], c)
			if err != nil {
				return nil, nil, nil, err
			}
			return nil, nil, nil, convict(p.log, evidence{Lie: &lieEvidence{Head: h.note, Receipt: string(text)}})
		}
		return nil, nil, nil, reject(ErrHead, c.Origin, "it says that leaf %d is entry %d of %s, and it is entry %d of %s", indexes[i], i, k, e.Sequence, e.Key)
	}
	return entries, places, h, nil
}

// askHead asks for the head of a record in the tree of c.
func askHead(ctx context.Context, source Source, p *prepared, c *Checkpoint, k Key) ([]place, *Head, error) {
	path := recordPath(c.Size, k)
	text, err := source.ReadFile(ctx, path)
	if err != nil {
		return nil, nil, fmt.Errorf("tlog: log %s: %s: %w", c.Origin, path, err)
	}
	places, signed, err := parseRecord(text)
	if err != nil {
		return nil, nil, err
	}
	h, err := openHead(signed, p.log)
	if err != nil {
		return nil, nil, err
	}
	if h.Key != k || h.Size != c.Size {
		return nil, nil, reject(ErrHead, c.Origin, "asked about %s in the tree of size %d, it answered about %s in that of size %d", k, c.Size, h.Key, h.Size)
	}
	if int64(len(places)) != h.Entries || len(places) > 0 && places[len(places)-1].index != h.Index {
		return nil, nil, reject(ErrHead, c.Origin, "its list of the entries of %s is not the one that its head counts", k)
	}
	for _, at := range places {
		if at.index >= c.Size || at.archive > c.Size {
			return nil, nil, reject(ErrHead, c.Origin, "it names leaf %d and a checkpoint of size %d in a tree of size %d", at.index, at.archive, c.Size)
		}
	}
	return places, h, nil
}

// scan reads all entries. Where the log answers for a record it tells what it archived; that the
// tree shows to be so or not.
func (r *Reader) scan(ctx context.Context, p *prepared, c *Checkpoint, g *grove, k Key) ([]Entry, []place, *Head, error) {
	r.mu.Lock()
	if r.auditor == nil {
		r.auditor = &Auditor{Source: r.Source, Trust: r.Trust}
	}
	a := r.auditor
	r.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if int64(len(a.index.entries)) < c.Size || a.failed != nil {
		if err := a.advance(ctx, p.log, c); err != nil {
			return nil, nil, nil, err
		}
	}
	leaves := a.index.of(k, c.Size)
	entries, places := make([]Entry, len(leaves)), make([]place, len(leaves))
	for i, leaf := range leaves {
		entries[i], places[i].index = a.index.entries[leaf], leaf
	}
	said, h, err := askHead(ctx, r.Source, p, c, k)
	if errors.Is(err, fs.ErrNotExist) {
		return entries, places, nil, nil // a folder, or a log of another make
	}
	if err != nil {
		return nil, nil, nil, err
	}
	truth := Head{Origin: h.Origin, Size: h.Size, Key: k, Entries: int64(len(leaves)), note: h.note}
	if last := len(leaves) - 1; last >= 0 {
		truth.Index, truth.Digest = leaves[last], entries[last].Digest
	}
	if *h != truth {
		// If it says too little, the newest entry shows so; else the leaf that it names.
		leaf := h.Index
		if h.Entries < truth.Entries {
			leaf = truth.Index
		}
		text, err := g.receipt(a.index.entries[leaf], leaf, c)
		if err == nil {
			err = convict(p.log, evidence{Lie: &lieEvidence{Head: h.note, Receipt: string(text)}})
		}
		return nil, nil, nil, err
	}
	for i, at := range said {
		if i < len(places) && at.index == places[i].index {
			places[i].archive = at.archive
		}
	}
	return entries, places, h, nil
}

// covering returns the earliest witnessed checkpoint that covers a leaf, as far as the log tells,
// checked; else c itself.
func (r *Reader) covering(ctx context.Context, p *prepared, c *Checkpoint, g *grove, at place) (*Checkpoint, error) {
	if at.archive == 0 {
		return c, nil
	}
	path := archivePath(at.archive)
	signed, err := r.Source.ReadFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &CorruptError{File: path, Detail: err}
	} else if err != nil {
		return nil, fmt.Errorf("tlog: log %s: %s: %w", c.Origin, path, err)
	}
	early, err := p.checkpoint(signed)
	if _, short := errors.AsType[*QuorumError](err); short {
		return c, nil // the log asks for fewer witnesses than this reader: a later time, and a safe one
	}
	if err != nil {
		return nil, &CorruptError{File: path, Detail: err}
	}
	if early.Size != at.archive {
		return nil, corrupt(path, "it is of size %d", early.Size)
	}
	return early, extends(g, p.log, early, c)
}

// A Kept is all that a holder keeps of what a log holds of a record, to show
// without a network that the record was complete up to its newest entry then.
// It is JSON of some 1 kB an entry.
type Kept struct {
	Chain      vc.Digest `json:"chain"`
	Salt       Salt      `json:"salt"`
	Checkpoint string    `json:"checkpoint"`         // signed and cosigned
	Head       string    `json:"head"`               // signed by the log, of the same tree
	Receipts   []string  `json:"receipts,omitempty"` // of all of the record's entries, in any order
}

// Keep asks the log about a record, like [Reader.Read], and returns what
// [Trust.View] reads later, offline. It takes a log that answers for its heads.
func (r *Reader) Keep(ctx context.Context, record Record) (*Kept, error) {
	p, err := r.Trust.prepare()
	if err != nil {
		return nil, err
	}
	c, g, err := r.fetch(ctx, p)
	if err != nil {
		return nil, err
	}
	entries, places, h, err := r.entries(ctx, p, c, g, record)
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, fmt.Errorf("tlog: log %s: a folder of files does not sign heads, and without one nothing shows offline that an entry is the newest", c.Origin)
	}
	k := &Kept{Chain: record.Chain, Salt: record.Salt, Checkpoint: c.note, Head: h.note}
	covering := map[int64]*Checkpoint{}
	for i, e := range entries {
		early, ok := covering[places[i].archive]
		if !ok {
			if early, err = r.covering(ctx, p, c, g, places[i]); err != nil {
				return nil, err
			}
			covering[places[i].archive] = early
		}
		proof, err := tlog.ProveRecord(early.Size, places[i].index, g)
		if err != nil {
			return nil, err
		}
		k.Receipts = append(k.Receipts, string(formatReceipt(e, places[i].index, proof, []byte(early.note))))
	}
	return k, nil
}

// View checks what was kept of a record, offline. The checkpoint's quorum of
// witnesses and the log's signed head say what was the newest entry then; how
// long ago that is, [chain.Logged] says. A receipt of each entry says since when
// the log holds it, as [Trust.Receipt] does. None may be missing: whoever dates an
// entry back would leave it out.
//
// The error is a *[RejectError], a *[QuorumError], or says what is wrong with
// the Trust itself.
func (t *Trust) View(kept *Kept) (*View, error) {
	p, err := t.prepare()
	if err != nil {
		return nil, err
	}
	c, err := p.checkpoint([]byte(kept.Checkpoint))
	if err != nil {
		return nil, err
	}
	h, err := openHead([]byte(kept.Head), p.log)
	if err != nil {
		return nil, err
	}
	k := kept.Salt.Key(kept.Chain)
	if k.IsZero() || h.Key != k || h.Size != c.Size {
		return nil, reject(ErrHead, c.Origin, "the head is of %s in the tree of size %d, want %s in that of size %d", h.Key, h.Size, k, c.Size)
	}
	if len(kept.Receipts) > maxEntries {
		return nil, reject(ErrMalformed, c.Origin, "%d receipts, at most %d are read", len(kept.Receipts), maxEntries)
	}
	// One checkpoint covers many entries: its signatures are checked once.
	opened := map[string]*Checkpoint{kept.Checkpoint: c}
	open := func(signed []byte) (*Checkpoint, error) {
		if c := opened[string(signed)]; c != nil {
			return c, nil
		}
		c, err := p.checkpoint(signed)
		if err == nil {
			opened[string(signed)] = c
		}
		return c, err
	}
	bySequence := map[int64]*Receipt{}
	for _, text := range kept.Receipts {
		r, err := openReceipt([]byte(text), open)
		if err != nil {
			return nil, err
		}
		if other := bySequence[r.Entry.Sequence]; r.Entry.Key != k || r.Entry.Sequence >= h.Entries || other != nil && other.Entry != r.Entry {
			return nil, reject(ErrHead, c.Origin, "a receipt is of entry %d of %s, and contradicts the head or another receipt", r.Entry.Sequence, r.Entry.Key)
		}
		if other := bySequence[r.Entry.Sequence]; other == nil || r.Time().Before(other.Time()) {
			bySequence[r.Entry.Sequence] = r
		}
	}
	logged := p.logged(c)
	for sequence := range h.Entries {
		r := bySequence[sequence]
		if r == nil {
			return nil, reject(ErrHead, c.Origin, "the receipt of entry %d is missing: nothing says since when the log holds it", sequence)
		}
		logged.Entries = append(logged.Entries, chain.LoggedEntry{Sequence: sequence, Digest: r.Entry.Digest, Time: r.Time()})
	}
	if newest, any := h.Newest(); any {
		if err := checkFirst(c, kept.Chain, logged.Entries[0].Digest); err != nil {
			return nil, err
		}
		if r := bySequence[newest.Sequence]; r.Entry != newest || r.Index != h.Index {
			return nil, reject(ErrHead, c.Origin, "the receipt of entry %d is not of the leaf that the head names", newest.Sequence)
		}
	}
	return &View{Checkpoint: c, logged: map[vc.Digest]*chain.Logged{kept.Chain: logged}}, nil
}
