package chain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/vc"
)

// A Log is what a transparency log holds of records, checked by the reader: the
// log's signature, the quorum of witnesses, the inclusion of all that it
// returns. Implementations are safe for concurrent use.
type Log interface {
	// Record returns what the log holds of the record with this name. Of a record
	// that it does not know it returns no entries and no error. An error means
	// that it could not find out.
	Record(chain vc.Digest) (*Logged, error)
}

// Logged is what a log holds of one record, as of one checkpoint.
type Logged struct {
	Origin     string        // names the log
	Checkpoint vc.Digest     // SHA-256 of the text of the checkpoint, without signatures
	Time       time.Time     // when a quorum of witnesses vouched for the checkpoint: the log held no more then than Entries says
	Fresh      bool          // Time is as recent as the reader's policy asks
	Entries    []LoggedEntry // by rising sequence, at most one each; the last is the newest that the log holds
}

// A LoggedEntry is one entry of a record that a log holds.
type LoggedEntry struct {
	Sequence int64
	Digest   vc.Digest
	Time     time.Time // the log held it no later than this, as witnesses vouched; zero if not known
}

// newest returns the newest entry that the log holds. There is one.
func (l *Logged) newest() LoggedEntry { return l.Entries[len(l.Entries)-1] }

// at returns the entry with this sequence, if the log holds one.
func (l *Logged) at(sequence int64) (LoggedEntry, bool) {
	i, ok := slices.BinarySearchFunc(l.Entries, sequence, func(e LoggedEntry, s int64) int { return cmp.Compare(e.Sequence, s) })
	if !ok {
		return LoggedEntry{}, false
	}
	return l.Entries[i], true
}

// check reports what no log could have said: a Log may be anybody's code.
func (l *Logged) check() error {
	if l == nil {
		return fmt.Errorf("said nothing")
	}
	last := int64(-1)
	for _, e := range l.Entries {
		if e.Sequence <= last || e.Digest.IsZero() {
			return fmt.Errorf("%s: entry %d (%s) is out of order, or has no digest", l.Origin, e.Sequence, e.Digest)
		}
		last = e.Sequence
	}
	if len(l.Entries) > 0 && l.Checkpoint.IsZero() {
		return fmt.Errorf("%s: it does not name its checkpoint", l.Origin)
	}
	return nil
}
