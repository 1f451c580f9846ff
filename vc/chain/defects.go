package chain

import (
	"errors"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// Reasons for a [LinkError]; test for them with errors.Is.
var (
	ErrUnlinked  = errors.New("has no member record, so it is part of no record")
	ErrMalformed = errors.New("member record is not as it has to be")
	// ErrSelective: its digest is of what was shown, and not what the record names.
	ErrSelective = errors.New("may have been shown in part")
	// ErrRewritable: the issuer signed RDF, so that anybody can make a copy of another digest.
	ErrRewritable = errors.New("can be written in another way under the same proof")
	ErrSubject    = errors.New("is not about the machine whose record this is")
	ErrSequence   = errors.New("its place in the record is taken")
	ErrPrevious   = errors.New("does not follow the entry before it")
	ErrReference  = errors.New("refers to an entry that it cannot refer to")
	ErrSignature  = errors.New("lacks a signature")
	ErrRetired    = errors.New("comes after the machine was retired")
	ErrLimit      = errors.New("goes beyond a limit")
)

// At says which entry something is about.
type At struct {
	Sequence int64     // as the entry has it; -1 if it could not be read
	Digest   vc.Digest // of the credential
	Issuer   did.DID   // who signed it
}

// String names the entry for an error message.
func (a At) String() string {
	if a.Sequence < 0 {
		return fmt.Sprintf("credential %s by %s", a.Digest, a.Issuer)
	}
	return fmt.Sprintf("entry %d (%s by %s)", a.Sequence, a.Digest, a.Issuer)
}

// A LinkError says that an entry is not a proper part of the record.
type LinkError struct {
	At
	Reason error // one of the Err variables of this package
	Detail error // what exactly
}

// Error implements error.
func (e *LinkError) Error() string {
	return fmt.Sprintf("chain: %v %v: %v", e.At, e.Reason, e.Detail)
}

// Unwrap lets errors.Is and errors.As see both the reason and the detail.
func (e *LinkError) Unwrap() []error { return []error{e.Reason, e.Detail} }

// A TotalsError says that an entry counts wrongly. After a gap the right count
// may be known within bounds only.
type TotalsError struct {
	At
	Count          string // entries, open, overdue or adverse
	Says, Min, Max int64  // what the entry says, and what would be right
}

// Error implements error.
func (e *TotalsError) Error() string {
	if e.Min == e.Max {
		return fmt.Sprintf("chain: %v counts %d %s; the entries up to it make %d", e.At, e.Says, e.Count, e.Min)
	}
	return fmt.Sprintf("chain: %v counts %d %s; the entries up to it make %d to %d", e.At, e.Says, e.Count, e.Min, e.Max)
}

// A GapError says that entries are missing: all from From to To.
type GapError struct {
	Chain    vc.Digest
	From, To int64
}

// Missing returns how many entries are missing.
func (e *GapError) Missing() int64 { return e.To - e.From + 1 }

// Error implements error.
func (e *GapError) Error() string {
	if e.From == e.To {
		return fmt.Sprintf("chain: record %s: entry %d is missing: ask the holder for it", e.Chain, e.From)
	}
	return fmt.Sprintf("chain: record %s: entries %d to %d, %d of them, are missing: ask the holder for them", e.Chain, e.From, e.To, e.Missing())
}

// A MixedError says that credentials of several records were shown as one. A
// machine has one record: another one is a fresh start, or another machine's.
type MixedError struct {
	Subject did.DID
	Chains  []vc.Digest // the records' names, in the order of their digests
}

// Error implements error.
func (e *MixedError) Error() string {
	named := e.Chains[:min(len(e.Chains), 4)] // a stranger can show ten thousand
	return fmt.Sprintf("chain: %s has entries of %d records, not of one: %v", e.Subject, len(e.Chains), named)
}

// A Backdating says that an entry claims to be older than one before it. It may
// be a report that came in late: how late is too late is for a policy to say.
type Backdating struct {
	At
	By time.Duration // how much older than the newest entry before it

	// Late is how long after its validFrom a log held it, at most; zero if that is not
	// known. Every entry comes somewhat late: see [Item].
	Late time.Duration
}

// defects collects what is wrong with a record.
type defects struct {
	named []error
	more  int
}

func (d *defects) add(err error) {
	if len(d.named) == maxDefects {
		d.more++
		return
	}
	d.named = append(d.named, err)
}

// err returns all defects as one error, or nil if there are none.
func (d *defects) err() error {
	if d.more > 0 {
		return errors.Join(errors.Join(d.named...), fmt.Errorf("chain: and %d more defects", d.more))
	}
	return errors.Join(d.named...)
}
