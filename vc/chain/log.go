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

// Seen returns h with what a log knows of it. The log asked last counts, so ask the one
// that the reader has chosen: in another the holder may have entered less.
//
// The class of a history that is complete up to the newest entry which the log holds
// becomes [C4], or [C3] if the checkpoint is not fresh. Entries that the log does not
// hold yet stay in it, and their Logged is zero: what they are worth is for a policy to
// say. If the log holds nothing of the record, h is as if no log had been asked.
//
// Of a fork, the branch that the log holds is the one to go on with. Whether the other
// one matters depends on who signed it: see [Equivocation].
//
// If the log holds later entries than h, those are withheld: a *[GapError], which a
// disclosed history takes as its last gap. An entry in the place of one that the log
// holds and h does not show is a *[LinkError]. The log's own error comes back wrapped.
func (h *History) Seen(log Log) (*History, error) {
	if h.class == C0 {
		return h, nil
	}
	logged, err := log.Record(h.head.Chain)
	if err == nil {
		err = logged.check()
	}
	if err != nil {
		return nil, fmt.Errorf("chain: record %s: the log: %w", h.head.Chain, err)
	}
	if len(logged.Entries) == 0 {
		logged = nil
	} else {
		logged = logged.clone()
	}
	if len(h.forks) > 0 {
		return build(h.subject, h.credentials(), h.disclosed, logged, h.told)
	}
	var found defects
	seen := *h
	seen.items, seen.backdated, seen.gaps = slices.Clone(h.items), slices.Clone(h.backdated), slices.Clone(h.gaps)
	seen.hold(logged, &found)
	return seen.judge(found)
}

// Upto returns the history of the entries of h up to a sequence: what a
// reader has who never took in what came after.
func (h *History) Upto(sequence int64) (*History, error) {
	if h.class == C0 {
		return h, nil
	}
	var kept []*vc.Verified
	for _, it := range h.all() {
		if it.Link.Sequence <= sequence {
			kept = append(append(kept, it.Credential), it.copies...)
		}
	}
	return build(h.subject, kept, h.disclosed, h.logged, h.told)
}

// Disclosed returns the history as a reader sees it who accounts for what is missing:
// it takes gaps and forks, as [NewDisclosed] does, those too that a log shows later.
func (h *History) Disclosed() *History {
	taken := *h
	taken.disclosed = true
	return &taken
}

// Logged returns what the log that was asked holds of the record; nil if it holds
// nothing of it, or if none was asked.
func (h *History) Logged() *Logged {
	if h.logged == nil {
		return nil
	}
	return h.logged.clone()
}

func (l *Logged) clone() *Logged {
	same := *l
	same.Entries = slices.Clone(l.Entries)
	return &same
}

// hold enters what a log holds, in place of what another has said: times, the class, and
// a tail that is withheld. It writes to the items of h.
func (h *History) hold(logged *Logged, found *defects) {
	h.logged = logged
	h.gaps = slices.DeleteFunc(h.gaps, func(g GapError) bool { return g.To > h.head.Sequence })

	// An entry names the one before it, so whatever shows that the log held one by some
	// time shows it of all before. The time of the checkpoint shows it of none: that is the
	// earliest which witnesses say, and not the latest.
	var bound time.Time
	var rest []LoggedEntry
	if logged != nil {
		rest = logged.Entries
	}
	for i := len(h.items) - 1; i >= 0; i-- {
		it := &h.items[i]
		it.Logged, it.held = time.Time{}, time.Time{}
		for len(rest) > 0 && rest[len(rest)-1].Sequence > it.Link.Sequence {
			bound = earlier(bound, rest[len(rest)-1].Time)
			rest = rest[:len(rest)-1]
		}
		if logged == nil || it.Link.Sequence > logged.newest().Sequence {
			continue
		}
		if n := len(rest) - 1; n >= 0 && rest[n].Sequence == it.Link.Sequence {
			if rest[n].Digest != it.Credential.Digest() {
				found.add(it.fail(ErrSequence, "the log %s holds %s there", logged.Origin, rest[n].Digest))
			}
			bound = earlier(bound, rest[n].Time)
			if !rest[n].Time.IsZero() {
				it.Logged = bound
			}
		}
		it.held = bound
	}
	for i := range h.backdated {
		b := &h.backdated[i]
		b.Late = 0
		if at, ok := h.find(b.Sequence); ok && !h.items[at].Logged.IsZero() {
			b.Late = h.items[at].Logged.Sub(h.items[at].Credential.ValidFrom())
		}
	}
	if logged != nil && logged.newest().Sequence > h.head.Sequence {
		h.gaps = append(h.gaps, GapError{Chain: h.head.Chain, From: h.head.Sequence + 1, To: logged.newest().Sequence})
	}
	h.class = h.grade()
	if len(h.head.Revoked)+len(h.told) > 0 {
		h.void()
	}
}

// grade returns the class.
func (h *History) grade() Completeness {
	switch {
	case slices.ContainsFunc(h.gaps, func(g GapError) bool { return h.logged == nil || g.From <= h.logged.newest().Sequence }):
		return C1
	case h.logged == nil:
		return C2
	case !h.logged.Fresh:
		return C3
	}
	return C4
}

// earlier returns the earlier of two times of which a zero one is not known.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
