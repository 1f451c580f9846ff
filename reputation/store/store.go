// Package store keeps machines for a service that scores them continuously: the credentials
// as they were signed, the head of each record, and the counts that its score is read from.
//
//   - [Service.Ingest] takes in credentials: it verifies them, checks them against the record
//     so far, and commits entries, head and counts together, or nothing.
//   - [Service.Score] reads a score from the counts. It is the score that
//     [reputation.Scorer.Score] computes from the whole record, to the bit.
//   - [Snapshot] and [Restore] carry a store's contents to another.
//
// A [Store] is where it is kept: [Open] gives one in a file, and package postgres, a module of
// its own, one in a PostgreSQL database. Package storetest tests any.
//
// The danger: whoever can write to a store can make up counts, and a score read from them is
// as if it were right. Checksums find damage, not malice. Only [vc.Verifier] makes a
// [vc.Verified], so credentials that come out of a store are verified again before anything is
// computed from them; counts cannot be. Where that matters, score from the record: see
// [Service.History].
package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// Limits of a store.
const (
	// MaxEntries bounds the entries of one Put. A transaction is held in memory until it is
	// committed: this many credentials of usual size take 10 MB. A longer record goes in parts.
	MaxEntries = 4096

	// MaxMachineBytes bounds what is kept of a machine beside its entries: the counts of ten
	// thousand issuers over a year take 20 MB.
	MaxMachineBytes = 32 << 20

	// MaxSigners bounds the parties whose signatures one record has.
	MaxSigners = 1 << 16

	// MaxCheckpointBytes bounds a log's checkpoint with its signatures. One with a hundred
	// witnesses takes 15 kB.
	MaxCheckpointBytes = 64 << 10

	// MaxOriginBytes bounds the name of a log.
	MaxOriginBytes = 256
)

// A Store keeps machines. Implementations are safe for concurrent use, by several processes
// if they say so. What they return was checked by a checksum: an error wraps [ErrDamaged] if
// that does not hold.
type Store interface {
	// Machine returns what is kept of a machine. If nothing is, the error wraps fs.ErrNotExist. A machine
	// that takes on other names ([chain.History.Names]) is kept by its first.
	Machine(ctx context.Context, id did.DID) (*Machine, error)

	// Record returns a machine together with all its entries, by rising sequence, as they were
	// at one moment.
	Record(ctx context.Context, id did.DID) (*Machine, []Entry, error)

	// Machines returns the machines that come after the given one, at most limit of them, in
	// the order of [Place]. The zero DID comes before all.
	Machines(ctx context.Context, after did.DID, limit int) ([]*Machine, error)

	// Put adds entries to a machine's record and replaces the rest of what is kept of it, all
	// or nothing: when it returns nil, both last. An entry that is there already is not added
	// again.
	//
	// m.Revision is the one that m was read with, 0 for a machine that is not kept yet. If it
	// is no longer the newest, the error is a [*ConflictError] and nothing was changed. Else
	// Put adds one to it.
	Put(ctx context.Context, m *Machine, entries ...Entry) error

	// Checkpoint returns the newest checkpoint that was seen of a log, signatures included. If
	// none was, the error wraps fs.ErrNotExist.
	Checkpoint(ctx context.Context, origin string) ([]byte, error)

	// PutCheckpoint replaces it, if it still is the one given first; nil means that none was
	// seen. Else the error is a [*ConflictError]. The caller has checked that now follows from
	// was: the memory is what a log cannot show two faces to.
	PutCheckpoint(ctx context.Context, origin string, was, now []byte) error
}

// A Machine is what is kept of a machine, beside its entries. A [Service] makes it; a Store
// needs ID and Revision only.
type Machine struct {
	ID       did.DID
	Revision int64 // counts Puts

	Head    chain.Head // after the newest entry
	Signers []did.DID  // who signed the record's entries, sorted as bytes

	// State holds the counts, in the binary form of [reputation.State]. They are what the
	// record gave under Lens when the log, if one was asked, held Logged.
	State  []byte
	Root   vc.Digest        // of the evidence that State counts: see [reputation.EvidenceRoot]
	Scored *reputation.Head // of what was counted; nil if nothing was
	Lens   vc.Digest        // see [reputation.Scorer.Lens]
	Logged vc.Digest        // names what the log held; zero without a log
}

// An Entry is a credential of a record, as it was signed. Two that differ in nothing but
// their proofs are two entries of one sequence and digest.
type Entry struct {
	Sequence int64
	Digest   vc.Digest // of the content
	Raw      []byte    // with its proofs
}

// Copy tells entries of one digest apart: the first 8 bytes of the SHA-256 of Raw. It is also
// the entry's checksum.
func (e *Entry) Copy() [8]byte {
	sum := sha256.Sum256(e.Raw)
	return [8]byte(sum[:8])
}

// Check refuses what a store does not take. Implementations call it before they put.
func (m *Machine) Check(entries []Entry) error {
	if m.ID.IsZero() || m.Revision < 0 {
		return fmt.Errorf("store: a machine needs an ID and a revision of at least 0, not %v and %d", m.ID, m.Revision)
	}
	if len(entries) > MaxEntries {
		return fmt.Errorf("store: %v: %d entries at once are more than %d: put them in parts", m.ID, len(entries), MaxEntries)
	}
	for i := range entries {
		e := &entries[i]
		if e.Sequence < 0 || e.Digest.IsZero() || len(e.Raw) == 0 || len(e.Raw) > vc.MaxCredentialBytes {
			return fmt.Errorf("store: %v: entry %d needs a sequence of at least 0, a digest, and 1 to %d bytes", m.ID, e.Sequence, vc.MaxCredentialBytes)
		}
	}
	return nil
}

// CheckCheckpoint refuses what a store does not take. Implementations call it before they put.
func CheckCheckpoint(origin string, now []byte) error {
	if origin == "" || len(origin) > MaxOriginBytes || len(now) == 0 || len(now) > MaxCheckpointBytes {
		return fmt.Errorf("store: checkpoint of %.40q: want an origin of 1 to %d bytes and a checkpoint of 1 to %d", origin, MaxOriginBytes, MaxCheckpointBytes)
	}
	return nil
}

// Reasons why a store cannot serve. Test for them with errors.Is.
var (
	// ErrDamaged says that what was read back is not what was written. It will not get better:
	// restore a snapshot, or take in the credentials again.
	ErrDamaged = errors.New("is damaged")

	// ErrInUse says that another process has the store open.
	ErrInUse = errors.New("is in use by another process")

	// ErrNotEmpty says that a store holds something, where it should not.
	ErrNotEmpty = errors.New("is not empty")
)

// A ConflictError says that somebody else has put what was to be replaced. Read it again, and
// decide again.
type ConflictError struct {
	Machine          did.DID // zero if it is about a log
	Revision, Stored int64   // of the machine: what the caller had read, and what there is
	Origin           string  // of the log
}

// Error implements error.
func (e *ConflictError) Error() string {
	if e.Machine.IsZero() {
		return fmt.Sprintf("store: checkpoint of %q: another one has been put: read it again", e.Origin)
	}
	return fmt.Sprintf("store: %v: revision %d was to be replaced, but there is revision %d: read it again", e.Machine, e.Revision, e.Stored)
}

// A SchemaError says that a store was written by a newer program than this one. Nothing was
// changed.
type SchemaError struct {
	Store      string // names it
	Have, Know int    // schema of the store, and the newest that this program knows
}

// Error implements error.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("store: %s: its schema is %d, this program knows up to %d: update the program", e.Store, e.Have, e.Know)
}

// Unknown is the error for a machine that is not kept.
func Unknown(id did.DID) error {
	return fmt.Errorf("store: machine %v: %w; if it is a name that the machine took on later, ask by the one that it was commissioned by", id, fs.ErrNotExist)
}

// UnknownLog is the error for a log of which no checkpoint was seen.
func UnknownLog(origin string) error {
	return fmt.Errorf("store: checkpoint of %q: %w", origin, fs.ErrNotExist)
}

// Place is where a machine comes in the order of a store: the SHA-256 of its DID, which is of
// one length and spreads evenly, whatever names machines give themselves.
func Place(id did.DID) [32]byte { return sha256.Sum256([]byte(id.String())) }

// page is how many machines are read at once.
const page = 512

// All yields all machines, in the order of [Place]. Machines put while it runs may be among
// them or not. After an error it ends.
func All(ctx context.Context, s Store) iter.Seq2[*Machine, error] {
	return func(yield func(*Machine, error) bool) {
		var after did.DID
		for {
			list, err := s.Machines(ctx, after, page)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, m := range list {
				if !yield(m, nil) {
					return
				}
				after = m.ID
			}
			if len(list) < page {
				return
			}
		}
	}
}
