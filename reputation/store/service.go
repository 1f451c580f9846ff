package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/parallel"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Service takes in credentials and reads scores. Several may work on one store. It is safe
// for concurrent use; its fields are set before the first call.
//
// What one entry says can change what others count for: an amendment takes the place of what
// it amends, a transfer makes the word of the old owner that of a stranger, an entry that was
// withheld fills its gap, a late one shows that others were back-dated, and what a log holds
// dates them all. So Ingest computes the evidence of the whole record again, from its verified
// entries, and stores the counts. That takes time in proportion to the record, about as much
// as verifying one credential for a record of a year. What it buys is that reading a score,
// which happens far more often, takes the counts alone.
//
// A machine that takes on other names is kept by its first, [chain.History.Subject], and asked for by that.
type Service struct {
	Store    Store
	Scorer   *reputation.Scorer
	Verifier *vc.Verifier // nil means the zero Verifier: offline
	Log      chain.Log    // nil means that no log is asked: no record is of class C3 or C4

	// Warm is how many entries of records, verified, stay in memory, those used last: a
	// record among them can be added to without verifying it again. An entry takes about
	// 6 kB. Zero means none.
	Warm int

	warm warmth
}

// attempts is how often Ingest begins again when somebody else was faster. Who loses so many
// times in a row competes with more writers than one machine's record has.
const attempts = 8

// Ingest takes credentials into the record of a machine, in any order, and returns the
// machine as it is kept now. Those that are in it already do no harm. A record may have gaps
// and forks, which the score accounts for; credentials that are in no record are refused.
//
// If a credential is bad or contradicts the record, nothing is kept: the error then is a
// *[vc.RejectError], or one of those that [chain.NewDisclosed] returns, and will stay. Another
// error says that it could not find out, or not store: try again. If others put the machine
// again and again at the same time, it is a [*ConflictError].
//
// Whoever may call Ingest can add entries to any record whose newest entry he knows. Records
// are for anybody to add to; but it is up to the caller to take in only so much from each.
func (s *Service) Ingest(ctx context.Context, id did.DID, credentials ...[]byte) (*Machine, error) {
	verified, err := s.verify(ctx, credentials)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		m, err := s.take(ctx, id, verified)
		if _, conflict := errors.AsType[*ConflictError](err); !conflict || attempt == attempts {
			return m, err
		}
	}
}

// take adds verified credentials to a record.
func (s *Service) take(ctx context.Context, id did.DID, verified []*vc.Verified) (*Machine, error) {
	m, h, err := s.load(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		m, err = &Machine{ID: id}, nil
	}
	if err != nil {
		return nil, err
	}
	if h == nil {
		h, err = chain.NewDisclosed(id, verified...)
	} else if len(verified) > 0 {
		h, err = h.Extend(verified...)
	}
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(verified))
	for i, v := range verified {
		var link chain.Link
		if _, err := v.Member("record", &link); err != nil {
			return nil, err // not reached: the history has read it
		}
		entries[i] = Entry{Sequence: link.Sequence, Digest: v.Digest(), Raw: []byte(v.Raw())}
	}
	seen, held, err := s.ask(h)
	if err != nil {
		return nil, err
	}
	if err := s.count(m, seen, held); err != nil {
		return nil, err
	}
	for len(entries) > MaxEntries {
		// The head is that of the whole already: who is stopped here takes them in again.
		part := *m
		part.State, part.Scored, part.Lens = nil, nil, vc.Digest{}
		if err := s.Store.Put(ctx, &part, entries[:MaxEntries]...); err != nil {
			return nil, err
		}
		m.Revision, entries = part.Revision, entries[MaxEntries:]
	}
	if err := s.Store.Put(ctx, m, entries...); err != nil {
		return nil, err
	}
	s.warm.keep(id, m.Revision, h, s.Warm)
	return m, nil
}

// verify verifies credentials on all cores.
func (s *Service) verify(ctx context.Context, credentials [][]byte) ([]*vc.Verified, error) {
	verifier := s.Verifier
	if verifier == nil {
		verifier = new(vc.Verifier)
	}
	verified := make([]*vc.Verified, len(credentials))
	for i, result := range verifier.VerifyAll(ctx, credentials, vc.AnyIssuer) {
		if result.Err != nil {
			return nil, fmt.Errorf("store: credential %d of %d: %w", i+1, len(credentials), result.Err)
		}
		verified[i] = result.Verified
	}
	return verified, nil
}

// load returns a machine and its record, verified. If it is not kept, the error wraps
// fs.ErrNotExist.
func (s *Service) load(ctx context.Context, id did.DID) (*Machine, *chain.History, error) {
	if s.Warm > 0 {
		m, err := s.Store.Machine(ctx, id)
		if err != nil {
			return nil, nil, err
		}
		if h := s.warm.recall(id, m.Revision); h != nil {
			return m, h, nil
		}
	}
	m, entries, err := s.Store.Record(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	raws := make([][]byte, len(entries))
	for i, e := range entries {
		raws[i] = e.Raw
	}
	verified, err := s.verify(ctx, raws)
	if err != nil {
		return nil, nil, fmt.Errorf("store: the record of %v: %w", id, err)
	}
	h, err := chain.NewDisclosed(id, verified...)
	if err != nil {
		return nil, nil, err
	}
	s.warm.keep(id, m.Revision, h, s.Warm)
	return m, h, nil
}

// ask returns h with what the log knows of it, and a name for that.
func (s *Service) ask(h *chain.History) (*chain.History, vc.Digest, error) {
	if s.Log == nil {
		return h, vc.Digest{}, nil
	}
	seen, err := h.Seen(s.Log)
	if err != nil {
		return nil, vc.Digest{}, err
	}
	return seen, nameOf(seen.Logged(), seen.Head().Sequence), nil
}

// nameOf names what decides which evidence a record gives, of all that a log says of it. The
// time of the checkpoint does only if the log holds more than is shown.
func nameOf(l *chain.Logged, shown int64) vc.Digest {
	if l == nil {
		return vc.Digest{}
	}
	text := binary.AppendUvarint(nil, uint64(len(l.Origin)))
	text = append(text, l.Origin...)
	for _, e := range l.Entries {
		text = binary.BigEndian.AppendUint64(text, uint64(e.Sequence))
		text = append(text, e.Digest[:]...)
		text = binary.BigEndian.AppendUint64(text, uint64(e.Time.UnixNano()))
	}
	if n := len(l.Entries); n > 0 && l.Entries[n-1].Sequence > shown {
		text = binary.BigEndian.AppendUint64(text, uint64(l.Time.UnixNano()))
	}
	return sha256.Sum256(text)
}

// count sets what is kept of a machine to what its record is and gives.
func (s *Service) count(m *Machine, h *chain.History, held vc.Digest) error {
	c := s.Scorer.Case(h)
	st, err := s.Scorer.Count(c)
	if err != nil {
		return err
	}
	// The score says what was counted: of a record with strangers' entries, not all of it.
	score, err := s.Scorer.Score(h, reputation.MaxDay.Time())
	if err != nil {
		return err
	}
	if m.State, err = st.MarshalBinary(); err != nil {
		return err
	}
	m.Head, m.Scored = h.Head(), score.Head
	m.Root = reputation.EvidenceRoot(c, reputation.MaxDay)
	m.Signers = signers(h)
	m.Lens, m.Logged = s.Scorer.Lens(m.ID, m.Signers), held
	return nil
}

// signers returns who signed the record's entries.
func signers(h *chain.History) (ids []did.DID) {
	for _, it := range h.Entries() {
		ids = append(ids, it.Signers()...)
	}
	for _, fork := range h.Equivocations() {
		for _, it := range fork.Branch() {
			ids = append(ids, it.Signers()...)
		}
	}
	slices.SortFunc(ids, func(a, b did.DID) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(ids)
}

// History returns the record of a machine, verified again, with what the log knows of it: to
// score or show from credentials alone.
func (s *Service) History(ctx context.Context, id did.DID) (*chain.History, error) {
	_, h, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	h, _, err = s.ask(h)
	return h, err
}

// Score returns the machine's score as of the day of at. It is what [reputation.Scorer.Score]
// computes of [Service.History], to the bit, but takes the stored counts where they say it
// all. They do not under a scorer that believes other signers of the record than the one they
// were counted under, if the log holds something else by now, and for a day before the newest
// evidence. Then the record is verified and counted again, and stored.
func (s *Service) Score(ctx context.Context, id did.DID, at time.Time) (*reputation.Score, error) {
	m, err := s.Store.Machine(ctx, id)
	if err != nil {
		return nil, err
	}
	score, err := s.read(m, at)
	if score != nil || err != nil {
		return score, err
	}
	m, h, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	seen, held, err := s.ask(h)
	if err != nil {
		return nil, err
	}
	if score, err = s.Scorer.Score(seen, at); err != nil {
		return nil, err
	}
	before := *m
	if err := s.count(m, seen, held); err != nil {
		return nil, err
	}
	if m.Lens == before.Lens && m.Logged == before.Logged && slices.Equal(m.State, before.State) {
		return score, nil // it is the day that the counts do not say
	}
	// Whoever was faster has stored the same, or something newer.
	err = s.Store.Put(ctx, m)
	if _, conflict := errors.AsType[*ConflictError](err); err != nil && !conflict && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	} else if err == nil {
		s.warm.keep(id, m.Revision, h, s.Warm)
	}
	return score, nil
}

// read reads a score from what is kept, or returns nil if that does not say it all.
func (s *Service) read(m *Machine, at time.Time) (*reputation.Score, error) {
	if m.Lens != s.Scorer.Lens(m.ID, m.Signers) || m.Scored == nil {
		return nil, nil
	}
	var logged *chain.Logged
	if s.Log != nil {
		var err error
		if logged, err = s.Log.Record(m.Head.Chain); err != nil {
			return nil, fmt.Errorf("store: record %s: the log: %w", m.Head.Chain, err)
		}
		if logged != nil && len(logged.Entries) == 0 {
			logged = nil
		}
	}
	if m.Logged != nameOf(logged, m.Head.Sequence) {
		return nil, nil
	}
	st, err := s.Scorer.ReadState(m.State)
	if err != nil || reputation.DayOf(at) < st.Last() {
		return nil, nil // damaged counts are counted again
	}
	scored := *m.Scored
	if logged != nil {
		scored.Checkpoint = logged.Checkpoint.String()
		// Of what the log says, only this may have changed.
		if st.Completeness >= chain.C3 {
			st.Completeness = chain.C3
			if logged.Fresh {
				st.Completeness = chain.C4
			}
		}
	}
	score, err := st.Score(reputation.DayOf(at))
	if err != nil {
		return nil, err
	}
	score.Head, score.EvidenceRoot = &scored, m.Root
	return score, nil
}

// Scores reads the scores of all machines as of the day of at, on all cores, and calls each
// with them one after the other, in the order of [Place]. A machine that has no score comes
// with the error why. If each returns an error, or the store fails, Scores ends with it.
func (s *Service) Scores(ctx context.Context, at time.Time, each func(id did.DID, score *reputation.Score, err error) error) error {
	type result struct {
		score *reputation.Score
		err   error
	}
	var after did.DID
	for {
		list, err := s.Store.Machines(ctx, after, page)
		if err != nil {
			return err
		}
		results := make([]result, len(list))
		parallel.Do(len(list), func(i int) {
			score, err := s.read(list[i], at)
			if score == nil && err == nil {
				score, err = s.Score(ctx, list[i].ID, at)
			}
			results[i] = result{score, err}
		})
		for i, m := range list {
			if err := each(m.ID, results[i].score, results[i].err); err != nil {
				return err
			}
			after = m.ID
		}
		if len(list) < page {
			return nil
		}
	}
}
