package reputation

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Score computes the machine's standing on the day of at. It reads no clock. To score
// many machines under one policy, make a [Scorer] once.
func (p *Policy) Score(h *chain.History, at time.Time) (*Score, error) {
	s, err := NewScorer(p, nil)
	if err != nil {
		return nil, err
	}
	return s.Score(h, at)
}

// Score computes the machine's standing on the day of at, which is a UTC day. It reads
// no clock.
//
// What happened after that day is left out; what was signed after it is not, so to
// score as of an earlier day pass the history as it was then.
func (s *Scorer) Score(h *chain.History, at time.Time) (*Score, error) {
	h, err := s.upto(h)
	if err != nil {
		return nil, err
	}
	score, err := s.Weigh(s.extract(h), DayOf(at))
	if err != nil {
		return nil, err
	}
	score.Head = headOf(h)
	return score, nil
}

// Case turns a history into the evidence that it gives under the scorer's policy.
//
//   - Every entry is a good report of provenance: who adds to a record vouches for
//     what it follows. Withheld entries and forks are the adverse evidence.
//   - An uptime credential reports availability: up time is good, unplanned down time
//     bad, and planned down time neither.
//   - A maintenance credential reports maintenance: good if done in time, half good if
//     late or of degraded outcome, bad if it repairs a failure or was a breach. The next
//     due date that it names falls due.
//   - An incident is bad in proportion to its severity: a failure for maintenance,
//     anything else for obligations, unless somebody else than the machine's side caused it.
//   - An open entry falls due. A close entry reports on obligations by its outcome, and
//     discharges what it closes if its signers have standing: one of them is known to the
//     policy and independent, or signed the open entry as the other party.
//   - A key binding reports integrity: good if the key is in hardware and attested,
//     half good otherwise. So does a rotation that names no new binding.
//   - An observation of another type counts for obligations if its outcome is adverse.
//
// The witness is the first signer, issuer first, whom the policy knows and who is not of
// the machine's side: the machine, its owner of record, the policy's controllers of it
// and issuers controlled by one of these, and whoever signed a lease of it as lessor. A
// commissioning is the exception: its issuer is owner of record only until the machine is
// sold, and its word on the key that it built in is what a policy lists a maker for.
//
// A claim that contradicts itself is no error: anybody can add one to a record. By a
// trusted witness it is as if withheld, by others it gives no evidence. An amendment of an
// observation, by the same issuer, of the same type, and signed by every known signer of
// it, takes its place.
//
// Withheld entries are taken at their worst: they may be about anything, of any time up to
// the next entry by a trusted witness, and one of them may have been a transfer, so after a
// gap anybody may have signed for the owner.
//
// If a log was asked (see [chain.History.Seen]), praise counts only where the log holds it,
// lateness is told by when the log held it (but blame that was signed in time stays, or the
// holder would keep it back until it is late), and a fork counts only if somebody has signed
// the branch left out whom the policy knows, or the machine's side: a stranger's is a
// [Rival]. What strangers allege beyond the log, with a gap before it, is left out.
//
// What an entry says that is [chain.Item.Void] counts for nothing, good or bad. But an
// obligation that a trusted witness signed as the other party stays: the machine's side
// does not get out of it by calling its key stolen.
func (s *Scorer) Case(h *chain.History) Case {
	if shorter, err := s.upto(h); err == nil {
		h = shorter
	}
	return s.extract(h)
}

// upto returns h without what strangers allege after a gap that lies beyond what a log
// holds: whoever knows a record can sign an entry with any sequence and any totals.
func (s *Scorer) upto(h *chain.History) (*chain.History, error) {
	logged := h.Logged()
	if logged == nil {
		return h, nil
	}
	newest := logged.Entries[len(logged.Entries)-1].Sequence
	gaps := h.Gaps()
	first := slices.IndexFunc(gaps, func(g chain.GapError) bool { return g.From > newest })
	if first < 0 {
		return h, nil
	}
	side := s.side(h)
	items := h.Entries()
	last := newest // the newest entry by somebody who can be held to it
	for _, it := range items {
		side[it.Owner] = true
		if slices.ContainsFunc(it.Signers(), func(id did.DID) bool { return s.known(id) || side[id] }) {
			last = max(last, it.Link.Sequence)
		}
	}
	for _, g := range gaps[first:] {
		if g.From > last {
			return h.Upto(g.From)
		}
	}
	return h, nil
}

// side returns the machine, by all of its names, and the policy's controllers of it.
func (s *Scorer) side(h *chain.History) map[did.DID]bool {
	side := map[did.DID]bool{}
	for _, name := range h.Names() {
		side[name] = true
		for _, id := range s.controllers[name] {
			side[id] = true
		}
	}
	return side
}

// extract turns a history into evidence.
func (s *Scorer) extract(h *chain.History) Case {
	x := extraction{
		scorer: s, machine: h.Subject(), names: h.Names(), side: s.side(h),
		opened: map[int64]*opening{}, planned: map[string]*plan{}, said: map[saying]*sayings{},
		logged: h.Logged(),
	}
	x.Completeness = h.Class()
	if slices.ContainsFunc(h.Gaps(), func(g chain.GapError) bool { return x.logged != nil && x.beyond(g.From) }) {
		x.Completeness = chain.C1 // somebody who can be held to it has signed what comes after the gap
	}

	items := h.Entries()
	superseded := map[int64]bool{}
	at := make(map[int64]int, len(items))
	for i, it := range items {
		at[it.Link.Sequence] = i
		if first, ok := at[it.Link.RefersTo]; ok && it.Link.Kind == chain.Amend {
			amended := items[first]
			if (amended.Link.Kind == chain.Observe || amended.Link.Kind == chain.Amend) &&
				amended.Credential.Issuer() == it.Credential.Issuer() && amended.Credential.Type() == it.Credential.Type() &&
				!slices.ContainsFunc(amended.Signers(), func(id did.DID) bool { return s.known(id) && !it.SignedBy(id) }) {
				superseded[it.Link.RefersTo] = true
			}
		}
	}
	vouched := make([]bool, len(items))
	for i, it := range items {
		x.begin(i, it)
		vouched[i] = x.trusted()
		if missing(items, i) > 0 {
			x.uncertain = true
		}
		if it.Link.Kind != "" {
			x.report(Provenance, it.Credential.ValidFrom(), fullEvent, 0)
		}
		switch {
		case it.Void != nil:
			if it.Link.Kind == chain.Commission {
				x.owner = it.Owner // it proves nothing else
			}
			x.promised(it)
		case !superseded[it.Link.Sequence] || it.Link.Kind == "":
			x.entry(it)
		}
	}
	x.withheld(h, items, vouched)
	return s.Heed(h.Subject(), x.Case)
}

// An extraction is the state of turning one history into evidence.
type extraction struct {
	Case
	scorer  *Scorer
	machine did.DID
	names   []did.DID        // of the machine
	owner   did.DID          // owner of record, as far as is shown
	side    map[did.DID]bool // the machine and all who control it, but for the owner
	latest  time.Time        // validFrom of the newest entry so far by a known witness

	uncertain bool // a gap may hide who owns the machine now

	logged *chain.Logged // what the log holds; nil if none was asked

	attested bool                // the machine's key is known to be in hardware
	opened   map[int64]*opening  // obligations, by sequence
	planned  map[string]*plan    // maintenance to come, by part or activity
	said     map[saying]*sayings // praise so far

	// Of the entry at hand.
	credential *vc.Verified
	item       chain.Item
	sequence   int64
	digest     vc.Digest
	witness    did.DID
	standing   Standing
	event      Day // of what it reports, by its own word
}

// An opening is an obligation that has been opened.
type opening struct {
	due     Day
	signers []did.DID
}

// A plan is maintenance that has been announced.
type plan struct {
	due Day
	by  did.DID
}

// begin turns to the next entry.
func (x *extraction) begin(i int, it chain.Item) {
	v := it.Credential
	x.credential, x.item, x.sequence, x.digest = v, it, it.Link.Sequence, v.Digest()
	if it.Link.Kind == "" {
		x.sequence = int64(i) // isolated credentials have no sequence of their own
	}
	signers := it.Signers()
	x.witness, x.standing = v.Issuer(), Independent
	if len(signers) > 0 {
		x.witness = signers[0] // not the issuer, if its key was compromised
	}
	if x.interested(x.witness) {
		x.standing = Interested
	}
	for _, id := range signers {
		if x.known(id) && !x.interested(id) {
			x.witness, x.standing = id, Independent
			break
		}
	}
	if from := v.ValidFrom(); x.known(x.witness) && from.After(x.latest) {
		x.latest = from
	}
}

// known reports whether policy and trust table give id any influence here.
func (x *extraction) known(id did.DID) bool {
	return x.scorer.known(id) && x.scorer.Hears(id, x.machine)
}

func (s *Scorer) known(id did.DID) bool {
	_, ok := s.voiceOf[id]
	return ok
}

// interested reports whether id is of the machine's side.
func (x *extraction) interested(id did.DID) bool {
	by := x.scorer.controllerOf[id]
	return x.side[id] || id == x.owner || !by.IsZero() && (x.side[by] || by == x.owner)
}

// trusted reports whether the entry's witness is one whose word counts.
func (x *extraction) trusted() bool { return x.standing == Independent && x.known(x.witness) }

// beyond reports whether the log that was asked does not hold the entry of a sequence.
func (x *extraction) beyond(sequence int64) bool {
	return x.logged != nil && sequence > x.logged.Entries[len(x.logged.Entries)-1].Sequence
}

// add adds evidence from the entry at hand. What cannot be evidence, such as an event in
// the year 9999, is left out.
func (x *extraction) add(e Evidence) {
	e.Sequence, e.Digest = x.sequence, x.digest
	report := e.Kind == Report
	if report {
		e.Issuer = x.witness
		e.Kind = x.kind(e)
	}
	if e.Validate() != nil || !report && e.Bad == 0 {
		return
	}
	if e.Kind == BackDated && e.Bad > 0 && x.signedInTime(e.Day) {
		blame := e // that somebody kept back until it was too late
		blame.Kind, blame.Good = Report, 0
		x.Evidence = append(x.Evidence, blame)
	}
	// One entry may discharge several obligations of one day: they are counted together.
	for i := range x.Evidence {
		prior := &x.Evidence[len(x.Evidence)-1-i]
		if report || prior.Sequence != e.Sequence {
			break
		}
		if prior.Kind == e.Kind && prior.Dimension == e.Dimension && prior.Day == e.Day {
			prior.Bad = min(prior.Bad+e.Bad, MaxCount)
			return
		}
	}
	x.Evidence = append(x.Evidence, e)
}

// kind says how a report by the entry at hand counts. A copied receipt and what the log
// does not hold count as far as they are no praise.
func (x *extraction) kind(e Evidence) Kind {
	praise := e.Good > e.Bad
	now := x.latest
	if !x.item.Logged.IsZero() {
		now = x.item.Logged
	}
	switch {
	case x.item.Void != nil:
		return Void
	case praise && e.Dimension != Provenance && x.item.Link.Kind != chain.Close && x.again(e):
		return Duplicate
	case x.late(now, e.Day):
		return BackDated
	case praise && x.beyond(x.item.Link.Sequence):
		return Unlogged
	}
	return Report
}

// late reports whether a time comes too long after a day.
func (x *extraction) late(at time.Time, d Day) bool {
	return at.Sub(d.Time()) > time.Duration(x.scorer.policy.MaxLateDays+1)*24*time.Hour
}

// signedInTime reports whether the witness says that he signed the entry at hand not too long
// after a day: if a log held it too long after, whoever had it kept it back. A proof need not
// say when it was made; validFrom is his word too.
func (x *extraction) signedInTime(d Day) bool {
	signed := x.item.SignedAt(x.witness)
	if signed.IsZero() {
		signed = x.credential.ValidFrom()
	}
	return !x.late(signed, d)
}

// day is the day of what the entry at hand reports. Nobody can have seen what comes after
// his credential is valid from: such an event counts on the day of that, so that neither
// praise is stored up for later nor blame put off. If it is known when the log held the
// entry, nobody can have seen what comes after that either, or after he signed: a key that
// was given up long ago, whose proof says it was made then, speaks of no later time.
func (x *extraction) day(at time.Time) Day {
	x.event = DayOf(at)
	day := min(x.event, DayOf(x.credential.ValidFrom()))
	if logged := x.item.Logged; !logged.IsZero() {
		day = min(day, DayOf(logged))
		if signed := x.item.SignedAt(x.witness); !signed.IsZero() {
			day = min(day, DayOf(signed))
		}
	}
	return day
}

// report adds a report of an event.
func (x *extraction) report(d Dimension, at time.Time, good, bad int64) {
	x.add(Evidence{Day: x.day(at), Dimension: d, Standing: x.standing, Good: good, Bad: bad})
}

// claimOf returns the credential's claim if it is one of type C and does not contradict itself.
func claimOf[C vc.Claim](v *vc.Verified) (C, bool) {
	var c C
	if !slices.Contains(v.Types(), c.CredentialType()) {
		return c, false
	}
	c, err := vc.ClaimOf[C](v)
	return c, err == nil
}

// entry adds what one entry says.
func (x *extraction) entry(it chain.Item) {
	v, link := it.Credential, it.Link
	at := v.ValidFrom()
	recognised := true
	if c, ok := claimOf[record.Uptime](v); ok {
		x.uptime(c)
	} else if c, ok := claimOf[record.Maintenance](v); ok {
		x.maintenance(c, link.Outcome)
	} else if c, ok := claimOf[record.Incident](v); ok {
		x.incident(c)
	} else if c, ok := claimOf[record.Commissioning](v); ok {
		x.commissioning(c, link.Kind)
	} else if c, ok := claimOf[record.LeaseOutcome](v); ok {
		at = c.Returned
	} else if c, ok := claimOf[record.Lease](v); ok {
		if link.Kind == chain.Open && x.countersigned() && it.SignedBy(c.Lessor) {
			x.side[c.Lessor] = true
		}
	} else {
		recognised = false
		x.unreadable()
	}

	switch link.Kind {
	case chain.Commission:
		x.owner = v.Issuer()
	case chain.Transfer:
		// After a gap package chain cannot tell whether it is the owner who transfers.
		if !x.uncertain || x.owner.IsZero() || it.SignedBy(x.owner) {
			x.owner, x.uncertain = it.Owner, false
		}
	case chain.Open:
		// Who withholds entries may have withheld that the owner is one of its signers.
		if x.countersigned() || x.uncertain {
			x.open(it)
		}
	case chain.Close:
		good, bad := split(link.Outcome)
		x.report(Obligations, at, good, bad)
		if o := x.opened[link.RefersTo]; o != nil && (x.trusted() || x.counterparty(o)) {
			x.add(Evidence{Day: o.due, Dimension: Obligations, Kind: Discharge, Bad: 1})
			delete(x.opened, link.RefersTo)
		}
	case chain.Observe:
		if good, bad := split(link.Outcome); !recognised && bad > 0 {
			x.report(Obligations, at, good, bad)
		}
	case chain.Rotate:
		if _, ok := claimOf[record.Commissioning](v); !ok {
			x.binding(nil)
		}
	case chain.Retire:
		// Nothing has to be maintained from here on.
		for _, key := range slices.Sorted(maps.Keys(x.planned)) {
			if p := x.planned[key]; p.due > DayOf(at) {
				x.discharge(p)
			}
		}
		clear(x.planned)
	}
}

// A saying is what word-for-word copies of a claim have in common.
type saying struct {
	witness   did.DID
	dimension Dimension
	event     Day
	good, bad int64
}

// Sayings are claims with one saying. Nearly always there is one, and nothing to compare.
type sayings struct {
	first  *vc.Verified
	claims map[[sha256.Size]byte]bool
}

// again reports whether the witness of the entry at hand has made its claim before, and
// remembers that he has made it. Of whom praise counts nothing, none need be remembered.
func (x *extraction) again(e Evidence) bool {
	if e.Standing == Interested || e.Standing == Independent && !x.known(x.witness) {
		return false
	}
	key := saying{x.witness, e.Dimension, x.event, e.Good, e.Bad}
	said := x.said[key]
	if said == nil {
		x.said[key] = &sayings{first: x.credential}
		return false
	}
	if said.claims == nil {
		said.claims = map[[sha256.Size]byte]bool{claimDigest(said.first): true}
	}
	claim := claimDigest(x.credential)
	again := said.claims[claim]
	said.claims[claim] = true
	return again
}

// claimDigest is over the first type and the claim of a credential.
func claimDigest(v *vc.Verified) [sha256.Size]byte {
	var subject jsontext.Value
	if _, err := v.Member("credentialSubject", &subject); err != nil {
		return v.Digest()
	}
	return sha256.Sum256(slices.Concat([]byte(v.Type()+"\n"), subject))
}

// promised adds what a void entry has promised to a trusted witness.
func (x *extraction) promised(it chain.Item) {
	if it.Link.Kind == chain.Open && x.trusted() {
		x.open(it)
	}
}

// open adds an obligation.
func (x *extraction) open(it chain.Item) {
	o := &opening{due: DayOf(it.Link.Due), signers: it.Signers()}
	x.opened[it.Link.Sequence] = o
	x.add(Evidence{Day: o.due, Dimension: Obligations, Kind: Due, Bad: 1})
}

// countersigned reports whether one of the machine's side has signed the entry at hand.
// Package chain asks for that, but after a gap, which may hide a new owner, it cannot: a
// stranger might then make himself the machine's lessor.
func (x *extraction) countersigned() bool {
	return slices.ContainsFunc(x.item.Signers(), x.interested)
}

// counterparty reports whether the entry at hand is signed by somebody who signed the
// opening and is not of the machine's side.
func (x *extraction) counterparty(o *opening) bool {
	return slices.ContainsFunc(o.signers, func(id did.DID) bool { return !x.interested(id) && x.item.SignedBy(id) })
}

// split turns an outcome into exposure.
func split(o chain.Outcome) (good, bad int64) {
	switch o {
	case chain.Good:
		return fullEvent, 0
	case chain.Degraded:
		return fullEvent / 2, fullEvent / 2
	}
	return 0, fullEvent
}

func (x *extraction) uptime(c record.Uptime) {
	e := Evidence{
		Day: x.day(c.End.Add(-time.Second)), Dimension: Availability, Standing: x.standing,
		Good: c.UpSeconds, Bad: c.DownUnplannedSeconds, Failures: c.Failures,
	}
	if c.Failures > 0 {
		e.RepairSeconds = c.DownUnplannedSeconds
	}
	switch {
	case c.Method == record.SelfReport:
		_, e.Bad = inWindow(e.Good, e.Bad)
		e.Good, e.Failures, e.RepairSeconds = 0, 0, 0 // the machine's praise of itself, whoever passes it on
	case c.Method == record.Attested && x.standing == Interested && slices.Contains(x.names, x.witness) && x.attested:
		e.Standing = Telemetry
	}
	x.add(e)
}

func (x *extraction) maintenance(c record.Maintenance, outcome chain.Outcome) {
	key := "activity " + c.Activity
	if c.Part != nil {
		key = "part " + c.Part.ID.String() + " " + c.Part.Name
		if c.Part.ID.IsZero() && c.Part.Name == "" {
			key = "serial " + c.Part.Serial
		}
	}
	late := c.Due != nil && !c.Due.Date.IsZero() && DayOf(c.Time) > DayOf(c.Due.Date)
	if p := x.planned[key]; p != nil && (x.trusted() || x.witness == p.by) {
		late = late || DayOf(c.Time) > p.due
		x.discharge(p)
		delete(x.planned, key)
	}
	switch {
	case c.Category == record.Corrective || outcome == chain.Breach:
		x.report(Maintenance, c.Time, 0, fullEvent)
	case late || outcome == chain.Degraded:
		x.report(Maintenance, c.Time, fullEvent/2, fullEvent/2)
	default:
		x.report(Maintenance, c.Time, fullEvent, 0)
	}
	// A stranger sets no dates.
	if c.NextDue != nil && !c.NextDue.Date.IsZero() && x.planned[key] == nil && (x.trusted() || x.standing == Interested) {
		if p := (&plan{due: DayOf(c.NextDue.Date), by: x.witness}); p.due <= MaxDay {
			x.planned[key] = p
			x.add(Evidence{Day: p.due, Dimension: Maintenance, Kind: Due, Bad: 1})
		}
	}
}

// discharge takes back a plan.
func (x *extraction) discharge(p *plan) {
	x.add(Evidence{Day: p.due, Dimension: Maintenance, Kind: Discharge, Bad: 1})
}

func (x *extraction) incident(c record.Incident) {
	switch {
	case c.Category == record.Failure:
		x.report(Maintenance, c.Detected, 0, c.SeverityPermille)
	case c.CausedBy.IsZero() || x.interested(c.CausedBy) || x.uncertain:
		x.report(Obligations, c.Detected, 0, c.SeverityPermille)
	}
}

func (x *extraction) commissioning(c record.Commissioning, kind chain.EntryKind) {
	if kind == chain.Commission && !x.interested(x.credential.Issuer()) && x.known(x.credential.Issuer()) {
		x.Model = c.Model // a stranger chooses no priors
	}
	if c.KeyBinding != nil || kind == chain.Rotate {
		x.binding(c.KeyBinding)
	}
}

// binding reports on where the machine's key is kept; nil is not known where.
func (x *extraction) binding(b *record.KeyBinding) {
	hardware := b != nil && b.Attestation != nil && b.Protection != record.Software
	good := int64(fullEvent)
	if !hardware {
		good /= 2
	}
	x.report(Integrity, x.credential.ValidFrom(), good, fullEvent-good)
	if x.trusted() || x.standing == Interested {
		x.attested = hardware && x.trusted()
	}
}

// unreadable adds what stands for the claim of the entry at hand, if that is of a type
// which is scored but does not decode or contradicts itself: whoever asked a trusted
// witness to sign it shall not have got rid of it, so it is as if withheld.
func (x *extraction) unreadable() {
	if !x.trusted() {
		return
	}
	for _, c := range []struct {
		claim     vc.Claim
		dimension Dimension
	}{
		{record.Uptime{}, Availability}, {record.Maintenance{}, Maintenance}, {record.Incident{}, Obligations},
	} {
		if slices.Contains(x.credential.Types(), c.claim.CredentialType()) {
			x.add(Evidence{Day: x.day(x.credential.ValidFrom()), Dimension: c.dimension, Kind: Hidden, Bad: 1})
		}
	}
}

// missing returns how many entries are withheld just before items[i].
func missing(items []chain.Item, i int) int64 {
	if i == 0 {
		return items[0].Link.Sequence
	}
	return max(0, items[i].Link.Sequence-items[i-1].Link.Sequence-1)
}

// withheld adds what the history shows about what it does not show.
//
// Whoever withholds entries may have written the one that follows them, and dated it as
// he liked. So they count on the day of the next entry by a trusted witness, or, without
// one, of the newest entry of all. And they may be about anything, so the bound of every
// dimension takes them at their worst.
func (x *extraction) withheld(h *chain.History, items []chain.Item, vouched []bool) {
	if items[0].Link.Kind == "" {
		return // nothing is known of what isolated credentials leave out
	}
	last := len(items) - 1
	newest := within(DayOf(h.Head().Latest))
	day := newest
	if overdue := h.Hidden().Overdue; overdue > 0 {
		x.about(items[last].Credential, items[last].Link.Sequence)
		x.add(Evidence{Day: newest, Dimension: Obligations, Kind: Fact, Bad: min(overdue, MaxCount)})
	}
	for i, it := range slices.Backward(items) {
		if vouched[i] {
			day = within(DayOf(it.Credential.ValidFrom()))
		}
		if !it.Logged.IsZero() {
			day = within(DayOf(it.Logged)) // what comes before it was there by then
		}
		n := missing(items, i)
		if n == 0 {
			continue
		}
		adverse := it.Link.Totals.Adverse
		if i > 0 {
			adverse -= items[i-1].Link.Totals.Adverse
		}
		if it.Link.Outcome.Adverse() {
			adverse--
		}
		adverse = min(max(adverse, 0), n)
		x.about(it.Credential, it.Link.Sequence)
		x.hidden(day, n, adverse)
	}
	if x.logged != nil {
		newest := x.logged.Entries[len(x.logged.Entries)-1]
		if n := newest.Sequence - items[last].Link.Sequence; n > 0 {
			at := newest.Time
			if at.IsZero() {
				at = x.logged.Time
			}
			x.sequence, x.digest = newest.Sequence, newest.Digest
			x.hidden(within(DayOf(at)), n, 0)
			x.add(Evidence{Day: within(DayOf(at)), Dimension: Provenance, Kind: Tail, Bad: min(n, MaxCount)})
		}
	}
	for _, fork := range h.Equivocations() {
		if fork.Settled() {
			continue
		}
		kind := Fork
		if x.logged != nil && !slices.ContainsFunc(fork.Branch(), x.matters) {
			kind = Rival
		}
		x.about(fork.Credentials[1], fork.Sequence)
		x.add(Evidence{Day: within(DayOf(x.credential.ValidFrom())), Dimension: Provenance, Kind: kind, Bad: 1})
	}
}

// about turns to an entry that evidence is about, not by.
func (x *extraction) about(v *vc.Verified, sequence int64) {
	x.credential, x.sequence, x.digest = v, sequence, v.Digest()
}

// hidden adds n entries that are withheld, of which so many are known to be adverse.
func (x *extraction) hidden(day Day, n, adverse int64) {
	x.add(Evidence{Day: day, Dimension: Obligations, Kind: Fact, Bad: min(adverse, MaxCount)})
	x.add(Evidence{Day: day, Dimension: Obligations, Kind: Hidden, Bad: min(n-adverse, MaxCount)})
	for _, d := range []Dimension{Availability, Maintenance, Integrity} {
		x.add(Evidence{Day: day, Dimension: d, Kind: Hidden, Bad: min(n, MaxCount)})
	}
	x.add(Evidence{Day: day, Dimension: Provenance, Kind: Fact, Bad: min(n, MaxCount)})
}

// matters reports whether anybody has signed an entry who can be held to it.
func (x *extraction) matters(it chain.Item) bool {
	return slices.ContainsFunc(it.Signers(), func(id did.DID) bool { return x.known(id) || x.interested(id) })
}

// within moves a day into the range of those that can be scored: a far-fetched date shall
// not make anything adverse go away.
func within(d Day) Day { return min(max(d, 0), MaxDay) }
