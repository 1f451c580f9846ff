package webvh

import (
	"fmt"

	"github.com/hourmeter/hourmeter/did"
)

// A ForkError says that two logs of one DID do not continue each other: entries that were valid are
// gone, or others stand in their place. The lines are evidence that anybody can check. It wraps
// [did.ErrInvalidDocument].
type ForkError struct {
	ID     did.DID
	Number int    // of the first entry that differs, from 1
	Older  string // the line as it was seen before
	Newer  string // the line that stands there now, "" if there is none
}

// Error implements error.
func (e *ForkError) Error() string {
	if e.Newer == "" {
		return fmt.Sprintf("webvh: the log of %s was rolled back: entry %d is gone", e.ID, e.Number)
	}
	return fmt.Sprintf("webvh: the log of %s was rewritten: entry %d is another than before", e.ID, e.Number)
}

// Unwrap returns [did.ErrInvalidDocument].
func (e *ForkError) Unwrap() error { return did.ErrInvalidDocument }

// Extends returns nil if l continues older: all that was valid then is in it, unchanged. Otherwise the
// error is a [*ForkError], or says that they are logs of two DIDs.
func (l *Log) Extends(older *Log) error {
	if l.scid != older.scid {
		return fmt.Errorf("%w: the log of %s cannot continue that of %s", did.ErrInvalidDocument, l.ID(), older.ID())
	}
	for n := 1; n <= older.held; n++ {
		if n > l.held {
			return &ForkError{ID: l.ID(), Number: n, Older: older.Entry(n).Raw}
		}
		if l.entries[n-1].versionID != older.entries[n-1].versionID { // a hash of all that it says
			return &ForkError{ID: l.ID(), Number: n, Older: older.Entry(n).Raw, Newer: l.Entry(n).Raw}
		}
	}
	return nil
}
