package chain

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// A Head is all of a record that it takes to write or to check what comes next:
// a device keeps it, and so does a reader who has checked the record up to
// here. The zero Head is that of a record not begun.
//
// A Head is a value; assigning it keeps a state. As JSON it takes less than
// 1 kB while few obligations are open. Nothing in it proves itself: keep it
// where you would keep a setting that matters.
type Head struct {
	Subject  did.DID   `json:"subject,omitzero"` // the machine
	Chain    vc.Digest `json:"chain,omitzero"`   // digest of the first entry: the record's name
	Sequence int64     `json:"sequence"`         // of the newest entry
	Digest   vc.Digest `json:"digest,omitzero"`  // of the newest entry; zero if there is none yet
	ID       string    `json:"id,omitzero"`      // URL of the newest entry, if it has one
	Latest   time.Time `json:"latest,omitzero"`  // latest validFrom of all entries
	Owner    did.DID   `json:"owner,omitzero"`   // owner of record; zero if a gap may hide who it is
	Retired  bool      `json:"retired,omitzero"` // no entry may follow
	Partial  bool      `json:"partial,omitzero"` // entries before this one were withheld: good for reading on, not for writing
	Totals   Totals    `json:"totals"`           // as of the newest entry
	Open     []Pending `json:"open,omitzero"`    // obligations not closed, by sequence; those opened in a gap are not among them

	Names   []did.DID    `json:"names,omitzero"`   // what else the machine is called, in the order in which it was: at most MaxNames
	Former  int          `json:"former,omitzero"`  // how many of Names owners before gave it: it does not sign by these any more
	Revoked []Revocation `json:"revoked,omitzero"` // keys that were reported as compromised, at most MaxRevoked
}

// A Pending is an obligation that no entry has closed.
type Pending struct {
	Sequence int64     `json:"sequence"` // of the entry that opened it
	Class    string    `json:"class"`    // kind of obligation
	Due      time.Time `json:"due"`      // overdue after this
}

// UnmarshalJSON reads a head that was kept as JSON. It refuses one that
// contradicts itself.
func (h *Head) UnmarshalJSON(text []byte) error {
	if len(text) > maxHead || len(text) == 0 || text[0] != '{' {
		return fmt.Errorf("chain: head: want an object of at most %d bytes, got %.40q, %d bytes", maxHead, text, len(text))
	}
	type plain Head
	var read plain
	if err := json.Unmarshal(text, &read, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("chain: head: %w", err)
	}
	if err := Head(read).check(); err != nil {
		return fmt.Errorf("chain: head: %w", err)
	}
	*h = Head(read)
	return nil
}

func (h Head) check() error {
	if h.Digest.IsZero() {
		if !h.Subject.IsZero() || !h.Chain.IsZero() || h.Sequence != 0 || h.ID != "" || !h.Latest.IsZero() ||
			!h.Owner.IsZero() || h.Retired || h.Partial || h.Totals != (Totals{}) || len(h.Open)+len(h.Revoked)+len(h.Names) > 0 || h.Former != 0 {
			return errors.New("digest is missing, though a record has begun")
		}
		return nil
	}
	t := h.Totals
	switch {
	case h.Subject.IsZero() || h.Chain.IsZero():
		return errors.New("subject and chain are required")
	case h.Sequence < 0 || h.Sequence >= strictjson.MaxInteger:
		return fmt.Errorf("sequence is %d, want 0 to 2^53-2", h.Sequence)
	case h.Sequence == 0 && h.Chain != h.Digest:
		return errors.New("the digest of entry 0 is the chain, and here it is not")
	case h.Owner.IsZero() && !h.Partial:
		return errors.New("owner is missing, though nothing was withheld")
	case t.Entries != h.Sequence+1 || t.Open < 0 || t.Open > t.Entries || t.Overdue < 0 || t.Overdue > t.Open || t.Adverse < 0 || t.Adverse > t.Entries:
		return fmt.Errorf("totals %+v cannot be those of entry %d", t, h.Sequence)
	case len(h.Open) > MaxOpen || !h.Partial && int64(len(h.Open)) != t.Open:
		return fmt.Errorf("%d obligations are listed, totals count %d", len(h.Open), t.Open)
	}
	last := int64(0)
	for _, p := range h.Open {
		if p.Sequence <= last || p.Sequence > h.Sequence || !isClass(p.Class) || p.Due.IsZero() {
			return fmt.Errorf("open obligation %+v is out of order or incomplete", p)
		}
		last = p.Sequence
	}
	for i, id := range h.Names {
		if i >= MaxNames || id.IsZero() || id == h.Subject || slices.Contains(h.Names[:i], id) {
			return fmt.Errorf("name %d, %.120q, is one too many, or there twice", i, id)
		}
	}
	if h.Former < 0 || h.Former > len(h.Names) {
		return fmt.Errorf("%d of %d names are former ones", h.Former, len(h.Names))
	}
	if len(h.Revoked) > MaxRevoked {
		return fmt.Errorf("%d keys are revoked, at most %d are kept", len(h.Revoked), MaxRevoked)
	}
	last = 0
	for i, r := range h.Revoked {
		again := slices.ContainsFunc(h.Revoked[:i], func(e Revocation) bool { return e.Method == r.Method })
		if r.Sequence < max(last, 1) || r.Sequence > h.Sequence || !isMethod(r.Method) || r.Since.IsZero() || again {
			return fmt.Errorf("revoked key %.80s is out of order or incomplete", r.Method)
		}
		last = r.Sequence
	}
	return nil
}

// next returns the sequence that follows h.
func (h Head) next() int64 {
	if h.Digest.IsZero() {
		return 0
	}
	return h.Sequence + 1
}

// Append makes c the entry that follows h: it adds the members "record" and
// "relatedResource" to c, for any issuer to sign. c needs its subject and its
// ValidFrom, since the totals count what is overdue then.
//
// h stays as it is. If the credential is never signed or gets lost, append
// another; once it is signed, [Head.Advance].
func (h *Head) Append(c *vc.Credential, e Entry) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("chain: append %q as entry %d of %s: %w", e.Kind, h.next(), c.Subject, fmt.Errorf(format, args...))
	}
	first := h.Digest.IsZero()
	switch {
	case h.Partial:
		return fail("entries before it were withheld, so nobody can count right: append with the head of the whole record")
	case h.Retired:
		return fail("%w", ErrRetired)
	case c.Subject.IsZero():
		return fail("the credential has no subject")
	case !first && !h.is(h.Subject, c.Subject):
		return fail("the record is about %s: %w", h.Subject, ErrSubject)
	case c.ValidFrom.IsZero():
		return fail("ValidFrom is not set: totals count what is overdue at that time")
	case !c.ValidUntil.IsZero():
		return fail("ValidUntil is set: an entry that ends would become a gap")
	case c.Members["record"] != nil:
		return fail("the credential has a record already: append each credential once")
	}
	e.Due, e.CompromisedSince = wholeSeconds(e.Due), wholeSeconds(e.CompromisedSince)
	at := wholeSeconds(c.ValidFrom)
	link := Link{Sequence: h.next(), Entry: e}
	if !first {
		link.Chain, link.Previous = h.Chain, h.Digest
	}
	if err := link.check(); err != nil {
		return fail("%w", err)
	}
	after, reason, detail := h.apply(link)
	if reason == nil {
		reason, detail = h.revocable(link, at)
	}
	if reason != nil {
		return fail("%w: %w", reason, detail)
	}
	link.Totals = h.count(link, after, at)

	members := maps.Clone(c.Members)
	if members == nil {
		members = make(map[string]any, 2)
	}
	members["record"] = link
	if !first {
		related, err := h.mirror(members["relatedResource"])
		if err != nil {
			return fail("relatedResource: %w", err)
		}
		members["relatedResource"] = related
	}
	c.Members, c.ValidFrom = members, at
	return nil
}

// mirror returns the relatedResource objects that the caller has given and one
// that names the newest entry, for verifiers who know no records (VCDM 2.0 §5.3).
// An entry without a URL of its own gets an RFC 6920 name of its digest.
func (h *Head) mirror(given any) ([]jsontext.Value, error) {
	var related []jsontext.Value
	if given != nil {
		text, err := json.Marshal(given)
		if err != nil {
			return nil, err
		}
		doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: vc.MaxCredentialBytes})
		if err != nil {
			return nil, err
		}
		if root := doc.Root(); root.Kind() == strictjson.Array {
			for v := range root.All() {
				related = append(related, jsontext.Value(v.Raw()))
			}
		} else {
			related = append(related, jsontext.Value(text))
		}
	}
	id := h.ID
	if id == "" {
		id = "ni:///sha-256;" + base64.RawURLEncoding.EncodeToString(h.Digest[:])
	}
	own, err := json.Marshal(struct {
		ID     string    `json:"id"`
		Digest vc.Digest `json:"digestMultibase"`
	}{id, h.Digest})
	return append(related, own), err
}

// Advance moves h to v, if v is the entry that follows it. If not it returns
// what is wrong, every defect of it, and leaves h as it is. To advance to the
// entry where h already stands does nothing, so that a program which stopped
// half-way may do it again.
//
// The cost does not depend on how long the record is.
func (h *Head) Advance(v *vc.Verified) error {
	if !h.Digest.IsZero() && v.Digest() == h.Digest {
		return nil
	}
	it := Item{Credential: v}
	if err := it.read(); err != nil {
		return err
	}
	it.mute(h.Revoked)
	if it.Link.Sequence < h.next() {
		return it.fail(ErrSequence, "the head is at entry %d, %s: put this one and the entry in its place before NewDisclosed to get the proof of a fork",
			h.Sequence, h.Digest)
	}
	subject := h.Subject
	if h.Digest.IsZero() {
		subject = v.Subject()
	}
	var defects defects
	after := h.follow(subject, it, &defects)
	if err := defects.err(); err != nil {
		return err
	}
	*h = after
	return nil
}

// follow returns the head after it. It adds what is wrong to found, and then
// goes on from what the entry claims, so that one wrong entry is not reported
// again for each that follows it.
func (h Head) follow(subject did.DID, it Item, found *defects) Head {
	v, link := it.Credential, it.Link
	at := v.ValidFrom()
	fail := func(reason error, format string, args ...any) { found.add(it.fail(reason, format, args...)) }

	// 1. It is about the machine, and says when.
	if subjects := v.Subjects(); len(subjects) != 1 || !h.is(subject, subjects[0]) || subject.IsZero() {
		fail(ErrSubject, "it is about %v, the record is about %s", subjects, subject)
	}
	if at.IsZero() {
		fail(ErrMalformed, "it has no validFrom, by which to count what is overdue")
	}
	if until := v.ValidUntil(); !until.IsZero() {
		fail(ErrMalformed, "it ends, on %s: after that it could not be verified, and would be a gap", until.Format(time.RFC3339))
	}

	// 2. Nothing is missing before it, and it names what is there.
	gap := link.Sequence - h.next()
	chain := link.Chain
	if link.Sequence == 0 {
		chain = v.Digest()
	}
	switch {
	case gap > 0:
		if link.Previous == h.Digest {
			fail(ErrPrevious, "its previous is entry %d, so its sequence should be %d", h.Sequence, h.next())
		}
		found.add(&GapError{Chain: chain, From: h.next(), To: link.Sequence - 1})
		h.Partial, h.Owner = true, did.DID{}
	case link.Sequence > 0 && link.Previous != h.Digest:
		fail(ErrPrevious, "its previous is %s, but entry %d is %s: there are two of that, or this is of another record", link.Previous, h.Sequence, h.Digest)
	}
	if !h.Chain.IsZero() && chain != h.Chain {
		fail(ErrPrevious, "its chain is %s, the record is %s", chain, h.Chain)
	}
	if h.Retired {
		fail(ErrRetired, "that was entry %d", h.Sequence)
	}

	// 3. What it closes is open, and it is signed by whom it has to be.
	after, reason, detail := h.apply(link)
	if reason != nil {
		fail(reason, "%w", detail)
	}
	owner, void, err := h.standing(subject, it)
	if err != nil {
		fail(ErrSignature, "%w", err)
	}
	if reason, detail := h.revocable(link, at); reason != nil {
		fail(reason, "%w", detail)
	}
	revoked, names, former := h.Revoked, h.Names, h.Former
	if void == nil && err == nil {
		revoked = h.revoke(link)
		if names, former = h.rename(subject, it); len(names) > MaxNames {
			fail(ErrLimit, "the machine has more than %d names", MaxNames)
			names, former = h.Names, h.Former
		}
	}

	// 4. It counts right. Each entry withheld may have moved a count by one.
	want := h.count(link, after, at)
	check := func(count string, says, low, high int64) {
		if says < low || says > high {
			found.add(&TotalsError{At: it.at(), Count: count, Says: says, Min: low, Max: high})
		}
	}
	check("entries", link.Totals.Entries, want.Entries, want.Entries)
	check("adverse", link.Totals.Adverse, want.Adverse, want.Adverse+gap)
	low := max(want.Open-gap, opens(link))
	check("open", link.Totals.Open, low, max(want.Open+gap, low))
	if h.Partial {
		check("overdue", link.Totals.Overdue, 0, link.Totals.Open)
		// As many are open as this entry opens: those from before have been
		// closed, if not by an entry that is shown then by one that is withheld.
		if link.Totals.Open == opens(link) {
			after = after[len(after)-min(len(after), int(opens(link))):]
		}
	} else {
		check("overdue", link.Totals.Overdue, want.Overdue, want.Overdue)
	}

	return Head{
		Subject: subject, Chain: chain, Sequence: link.Sequence, Digest: v.Digest(), ID: v.ID(),
		Latest: later(h.Latest, at), Owner: owner, Retired: h.Retired || link.Kind == Retire && void == nil,
		Partial: h.Partial, Totals: link.Totals, Open: after, Names: names, Former: former, Revoked: revoked,
	}
}

// apply returns the obligations that are open after link, and what is wrong
// with it in view of those before. It never writes to h.Open: heads share it.
func (h Head) apply(link Link) (open []Pending, reason, detail error) {
	switch link.Kind {
	case Open:
		if len(h.Open) >= MaxOpen {
			return h.Open, ErrLimit, fmt.Errorf("%d obligations are open, close one before", len(h.Open))
		}
		return append(slices.Clip(h.Open), Pending{link.Sequence, link.Class, link.Due}), nil, nil
	case Close:
		i := slices.IndexFunc(h.Open, func(p Pending) bool { return p.Sequence == link.RefersTo })
		if i < 0 {
			if h.Partial && (h.Totals.Open > 0 || link.Sequence > h.next()) {
				return h.Open, nil, nil // opened in a gap, as far as a head can tell
			}
			return h.Open, ErrReference, fmt.Errorf("it closes entry %d, which is not an open obligation", link.RefersTo)
		}
		open = slices.Concat(h.Open[:i], h.Open[i+1:])
		if class := h.Open[i].Class; class != link.Class {
			return open, ErrReference, fmt.Errorf("it closes a %q, but entry %d opened a %q", link.Class, link.RefersTo, class)
		}
		return open, nil, nil
	}
	return h.Open, nil, nil
}

// revocable reports why a rotate cannot report the keys that it names.
func (h Head) revocable(link Link, at time.Time) (reason, detail error) {
	switch {
	case link.CompromisedSince.After(at):
		return ErrMalformed, errors.New("it reports a key as compromised since later than its own validFrom")
	case len(link.Revokes) > 0 && len(h.revoke(link)) > MaxRevoked:
		return ErrLimit, fmt.Errorf("more than %d keys of the record are revoked", MaxRevoked)
	}
	return nil, nil
}

// count returns the totals after link, if nothing was withheld just before it.
func (h Head) count(link Link, open []Pending, at time.Time) Totals {
	t := Totals{Entries: link.Sequence + 1, Open: h.Totals.Open + opens(link), Adverse: h.Totals.Adverse}
	if link.Kind == Close {
		t.Open--
	}
	if link.Outcome.Adverse() {
		t.Adverse++
	}
	for _, p := range open {
		if at.After(p.Due) {
			t.Overdue++
		}
	}
	return t
}

// opens returns how many obligations link opens.
func opens(link Link) int64 {
	if link.Kind == Open {
		return 1
	}
	return 0
}

// signatures checks that those have signed it who had to, and returns the owner
// of record after it. The rules are in the package documentation.
func (h Head) signatures(machine did.DID, it Item) (did.DID, error) {
	v := it.Credential
	unknown := h.Owner.IsZero() // a gap may hide a transfer
	speaks := unknown || h.signs(machine, it) || it.SignedBy(h.Owner)
	switch it.Link.Kind {
	case Commission:
		return v.Issuer(), nil
	case Open:
		if !speaks {
			return h.Owner, fmt.Errorf("an entry open is signed by the machine or its owner %s: have one of them countersign", h.Owner)
		}
		if !it.signedByOther(v.Issuer()) {
			return h.Owner, errors.New("an entry open is signed by both parties: have the other one countersign")
		}
	case Rotate, Retire:
		if !speaks {
			return h.Owner, fmt.Errorf("an entry %s is signed by the machine or its owner %s", it.Link.Kind, h.Owner)
		}
		owned := !unknown && it.SignedBy(h.Owner)
		for _, m := range it.Link.Revokes {
			switch {
			case owned && (h.is(machine, m.DID) || m.DID == h.Owner), h.is(machine, m.DID) && h.signs(machine, it):
			case h.is(machine, m.DID) || m.DID == h.Owner:
				return h.Owner, fmt.Errorf("it revokes %s: have the owner %s sign it", m, h.Owner)
			default:
				return h.Owner, fmt.Errorf("it revokes %s, which is a key neither of the machine nor of its owner %s", m, h.Owner)
			}
		}
	case Transfer:
		claim, err := vc.ClaimOf[transfer](v)
		if err != nil {
			return h.Owner, err
		}
		old, heir := claim.OwningParty.Source, claim.OwningParty.Destination
		switch {
		case !unknown && old != h.Owner:
			return h.Owner, fmt.Errorf("it transfers from %s, but the owner of record is %s", old, h.Owner)
		case !it.SignedBy(old):
			return h.Owner, fmt.Errorf("an entry transfer is signed by the old owner %s", old)
		case heir.IsZero() || !it.SignedBy(heir):
			return h.Owner, fmt.Errorf("an entry transfer is countersigned by the new owner %s: have them countersign", heir)
		}
		return heir, nil
	}
	return h.Owner, nil
}

// transfer is what the record needs to know of an OwnershipTransferCredential.
type transfer struct {
	OwningParty struct {
		Source      did.DID `json:"source"`
		Destination did.DID `json:"destination"`
	} `json:"owningParty"`
}

// CredentialType implements vc.Claim.
func (transfer) CredentialType() string { return "OwnershipTransferCredential" }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// wholeSeconds drops what credentials do not write.
func wholeSeconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Second)
}
