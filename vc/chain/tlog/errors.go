package tlog

import (
	"errors"
	"fmt"

	"github.com/hourmeter/hourmeter/vc"
)

// Reasons for a [RejectError]; test for them with errors.Is.
var (
	ErrMalformed = errors.New("malformed")
	ErrOrigin    = errors.New("of another log, or of one that is not known")
	ErrSignature = errors.New("signature does not hold")
	ErrInclusion = errors.New("not included in the checkpoint")
	ErrProof     = errors.New("proof does not hold")
	ErrHead      = errors.New("not what the log says of the record")
	ErrSequence  = errors.New("breaks the rule that a record's sequences rise by one")
)

// A RejectError says that an input is bad and will stay bad: refuse it. An
// error of another type says that it could not be checked, or not yet.
type RejectError struct {
	Reason error  // one of the Err variables of this package
	Origin string // of the log that it is about; "" if not known
	Detail error  // what exactly
}

// Error implements error.
func (e *RejectError) Error() string {
	if e.Origin == "" {
		return fmt.Sprintf("tlog: %v: %v", e.Reason, e.Detail)
	}
	return fmt.Sprintf("tlog: log %s: %v: %v", e.Origin, e.Reason, e.Detail)
}

// Unwrap lets errors.Is and errors.As see both the reason and the detail.
func (e *RejectError) Unwrap() []error { return []error{e.Reason, e.Detail} }

func reject(reason error, origin, format string, args ...any) error {
	return &RejectError{Reason: reason, Origin: origin, Detail: fmt.Errorf(format, args...)}
}

// A QuorumError says that fewer witnesses than the [Trust] asks for have
// cosigned a checkpoint. It is no verdict: more may do so, ask again later.
type QuorumError struct {
	Origin  string   // of the log
	Size    int64    // of the checkpoint
	Want    int      // how many have to cosign
	Missing []string // names of the witnesses that have not, or whose clock is ahead
}

// Error implements error.
func (e *QuorumError) Error() string {
	return fmt.Sprintf("tlog: log %s: the checkpoint of size %d is not cosigned by %d witnesses: missing %q; ask again later", e.Origin, e.Size, e.Want, e.Missing)
}

// A RollbackError says that a log, or a copy of it, offers a smaller tree than
// one seen before. The smaller one is a prefix of the other, so that this may be
// a copy that lags: ask again, or elsewhere. Nothing is concluded from it.
type RollbackError struct {
	Known, Offered *Checkpoint
}

// Error implements error.
func (e *RollbackError) Error() string {
	return fmt.Sprintf("tlog: log %s offers its checkpoint of size %d, but that of size %d is known: a copy that lags? Ask again, or elsewhere", e.Offered.Origin, e.Offered.Size, e.Known.Size)
}

// A CorruptError says which file of a log or of a witness is missing, damaged
// or does not fit the checkpoint. Nothing of it was accepted. The remedy is a
// copy of the file, from a backup or a mirror.
type CorruptError struct {
	File   string // path in the folder or [Source]; several, with commas, if one of them is wrong
	Detail error
}

// Error implements error.
func (e *CorruptError) Error() string { return fmt.Sprintf("tlog: %s: %v", e.File, e.Detail) }

// Unwrap returns the detail.
func (e *CorruptError) Unwrap() error { return e.Detail }

func corrupt(file, format string, args ...any) error {
	return &CorruptError{File: file, Detail: fmt.Errorf(format, args...)}
}

// A TakenError says that a log holds another digest in the place of an entry: a
// record is written once. Two credentials with one sequence are a fork of the
// record.
type TakenError struct {
	Entry Entry     // that was refused
	Held  vc.Digest // what the log holds there; that of Entry itself if it does under another salt
	Index int64     // of the leaf that holds it
}

// Error implements error.
func (e *TakenError) Error() string {
	if e.Held == e.Entry.Digest {
		return fmt.Sprintf("tlog: entry %d of %s cannot be added: leaf %d is this very entry, so the log holds the record under another salt, and a record has one: ask its holder", e.Entry.Sequence, e.Entry.Key, e.Index)
	}
	return fmt.Sprintf("tlog: entry %d of %s is taken: the log holds %s there, not %s", e.Entry.Sequence, e.Entry.Key, e.Held, e.Entry.Digest)
}

// An OrderError says that an entry does not follow the newest one that a log
// holds of its record.
type OrderError struct {
	Entry  Entry     // that was refused
	Newest int64     // sequence of the newest entry held; -1 if there is none
	Held   vc.Digest // its digest; zero if there is none
}

// Error implements error.
func (e *OrderError) Error() string {
	if e.Newest < 0 {
		return fmt.Sprintf("tlog: entry %d of %s cannot be added: the log holds nothing of the record, so entry 0 comes first, with nothing before it", e.Entry.Sequence, e.Entry.Key)
	}
	return fmt.Sprintf("tlog: entry %d of %s cannot be added: it has to be entry %d and to follow %s", e.Entry.Sequence, e.Entry.Key, e.Newest+1, e.Held)
}

// A ConflictError says that a witness has cosigned a tree of another size than
// a request starts from (C2SP tlog-witness, status 409).
type ConflictError struct {
	Size int64 // of the tree that the witness cosigned last
	Fork bool  // the request is for a tree of that very size, but for another tree
}

// Error implements error.
func (e *ConflictError) Error() string {
	if e.Fork {
		return fmt.Sprintf("tlog: the witness has cosigned another tree of size %d: the log has forked", e.Size)
	}
	return fmt.Sprintf("tlog: the witness has cosigned the tree of size %d last: prove that the new one extends that", e.Size)
}

// CosignedSize returns Size.
func (e *ConflictError) CosignedSize() int64 { return e.Size }
