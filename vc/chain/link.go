package chain

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// EntryKind is what an entry does to a record.
type EntryKind string

// The kinds of entry. The first entry of a record is its only Commission.
const (
	Commission EntryKind = "commission" // begins the record
	Open       EntryKind = "open"       // begins an obligation, such as a lease
	Close      EntryKind = "close"      // ends it, well or badly
	Observe    EntryKind = "observe"    // reports on its own: maintenance, uptime, an incident
	Amend      EntryKind = "amend"      // corrects or adjudicates an earlier entry
	Transfer   EntryKind = "transfer"   // names a new owner
	Rotate     EntryKind = "rotate"     // changes the machine's keys
	Retire     EntryKind = "retire"     // ends the record
)

// Outcome says in one word how it went, in clear, so that it counts even where
// the rest of the entry is withheld.
type Outcome string

// The outcomes of a Close or Observe.
const (
	Good     Outcome = "good"
	Degraded Outcome = "degraded"
	Breach   Outcome = "breach"
)

// Adverse reports whether o counts against the machine: degraded and breach do.
func (o Outcome) Adverse() bool { return o == Degraded || o == Breach }

// An Entry is what the author of an entry says about its place in the record.
// Members that its kind does not have stay zero.
type Entry struct {
	Kind     EntryKind
	RefersTo int64     // Close, Amend: sequence of the entry that it closes or amends
	Due      time.Time // Open: an obligation open after this time is overdue; whole seconds
	Class    string    // Open, Close: kind of obligation, such as "lease"; a-z, 0-9 and "-", at most 32
	Outcome  Outcome   // Close, Observe

	// Rotate, if a key was stolen: every verification method that holds it, at most
	// MaxRevokes, of the machine or of its owner of record, and since when it may have
	// been in other hands; whole seconds. See [Revocation].
	Revokes          []did.URL
	CompromisedSince time.Time
}

// Totals count a record up to and including one entry. They can be computed
// from the entries alone.
type Totals struct {
	Entries int64 `json:"entries"` // the entry's sequence + 1
	Open    int64 `json:"open"`    // obligations that no entry has closed
	Overdue int64 `json:"overdue"` // of those, the ones due before the entry's own validFrom
	Adverse int64 `json:"adverse"` // entries so far with an adverse outcome
}

// A Link is the member "record" of a credential: its place in a machine's record.
type Link struct {
	Chain    vc.Digest // digest of the first entry, the record's name; zero in the first entry itself
	Sequence int64     // 0 for the first entry
	Previous vc.Digest // digest of the entry before; zero in the first entry
	Entry
	Totals Totals // after this entry
}

// check reports what in e does not fit its kind.
func (e Entry) check() error {
	refers, outcome := e.Kind == Close || e.Kind == Amend, e.Kind == Close || e.Kind == Observe
	due, class := e.Kind == Open, e.Kind == Open || e.Kind == Close
	switch e.Kind {
	case Commission, Open, Close, Observe, Amend, Transfer, Rotate, Retire:
	default:
		return fmt.Errorf("entry %.40q is none of commission, open, close, observe, amend, transfer, rotate, retire", e.Kind)
	}
	switch {
	case e.RefersTo < 0 || e.RefersTo > strictjson.MaxInteger:
		return fmt.Errorf("refersTo is %d, want a sequence", e.RefersTo)
	case !refers && e.RefersTo != 0:
		return fmt.Errorf("refersTo does not belong in an entry %q", e.Kind)
	case due && e.Due.IsZero():
		return errors.New(`an entry "open" needs due: else it could never be overdue`)
	case !due && !e.Due.IsZero():
		return fmt.Errorf("due does not belong in an entry %q", e.Kind)
	case class && !isClass(e.Class):
		return fmt.Errorf("class of an entry %q is %.40q, want 1 to %d of a-z, 0-9 and -", e.Kind, e.Class, maxClass)
	case !class && e.Class != "":
		return fmt.Errorf("class does not belong in an entry %q", e.Kind)
	case outcome && e.Outcome != Good && e.Outcome != Degraded && e.Outcome != Breach:
		return fmt.Errorf("outcome of an entry %q is %.40q, want good, degraded or breach", e.Kind, e.Outcome)
	case !outcome && e.Outcome != "":
		return fmt.Errorf("outcome does not belong in an entry %q", e.Kind)
	}
	switch {
	case e.Kind != Rotate && (len(e.Revokes) > 0 || !e.CompromisedSince.IsZero()):
		return fmt.Errorf("revokes and compromisedSince do not belong in an entry %q", e.Kind)
	case (len(e.Revokes) > 0) != !e.CompromisedSince.IsZero():
		return errors.New("revokes needs compromisedSince, and the other way round: which keys, and since when")
	case len(e.Revokes) > MaxRevokes:
		return fmt.Errorf("revokes names %d keys, at most %d are read", len(e.Revokes), MaxRevokes)
	}
	for i, m := range e.Revokes {
		switch {
		case !isMethod(m):
			return fmt.Errorf("revokes %.80q, want a DID with a fragment and no more, of at most %d bytes", m, maxMethod)
		case slices.Contains(e.Revokes[:i], m):
			return fmt.Errorf("revokes %s twice", m)
		}
	}
	for _, t := range []time.Time{e.Due, e.CompromisedSince} {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return fmt.Errorf("a time lies in the year %d, which RFC 3339 cannot write", y)
		}
	}
	return nil
}

// isMethod reports whether u can name a verification method.
func isMethod(u did.URL) bool {
	return !u.DID.IsZero() && u.Path == "" && u.Query == "" && u.Fragment != "" && len(u.String()) <= maxMethod
}

func isClass(s string) bool {
	return s != "" && len(s) <= maxClass && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// check reports what in l contradicts itself.
func (l Link) check() error {
	if err := l.Entry.check(); err != nil {
		return err
	}
	first := l.Kind == Commission
	switch {
	case l.Sequence < 0 || l.Sequence >= strictjson.MaxInteger:
		return fmt.Errorf("sequence is %d, want 0 to 2^53-2", l.Sequence)
	case first != (l.Sequence == 0):
		return fmt.Errorf("sequence %d is a %q: the entry commission, and no other, has sequence 0", l.Sequence, l.Kind)
	case first && !(l.Chain.IsZero() && l.Previous.IsZero()):
		return errors.New("the first entry has neither chain nor previous")
	case !first && (l.Chain.IsZero() || l.Previous.IsZero()):
		return errors.New("every entry but the first needs chain and previous")
	case (l.Kind == Close || l.Kind == Amend) && l.RefersTo >= l.Sequence:
		return fmt.Errorf("sequence %d refers to %d: want an earlier entry", l.Sequence, l.RefersTo)
	case l.Totals.Entries < 0 || l.Totals.Open < 0 || l.Totals.Overdue < 0 || l.Totals.Adverse < 0:
		return fmt.Errorf("totals %+v: a count is negative", l.Totals)
	}
	return nil
}

// secondLayout is RFC 3339 in UTC with whole seconds, the only form of "due" and
// "compromisedSince".
const secondLayout = "2006-01-02T15:04:05Z"

// MarshalJSON implements the JSON form of docs/CHAIN.md.
func (l Link) MarshalJSON() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("chain: record: %w", err)
	}
	b := make([]byte, 0, 384)
	b = append(b, '{')
	if l.Kind != Commission {
		b = append(append(append(b, `"chain":"`...), l.Chain.String()...), `",`...)
	}
	b = strconv.AppendInt(append(b, `"sequence":`...), l.Sequence, 10)
	if l.Kind != Commission {
		b = append(append(append(b, `,"previous":"`...), l.Previous.String()...), '"')
	}
	b = append(append(append(b, `,"entry":"`...), l.Kind...), '"')
	if l.Kind == Close || l.Kind == Amend {
		b = strconv.AppendInt(append(b, `,"refersTo":`...), l.RefersTo, 10)
	}
	if l.Kind == Open {
		b = append(l.Due.UTC().AppendFormat(append(b, `,"due":"`...), secondLayout), '"')
	}
	if l.Class != "" {
		b = append(append(append(b, `,"class":"`...), l.Class...), '"')
	}
	if l.Outcome != "" {
		b = append(append(append(b, `,"outcome":"`...), l.Outcome...), '"')
	}
	for i, m := range l.Revokes {
		b = append(b, [...]string{`,"revokes":["`, `","`}[min(i, 1)]...)
		b = append(b, m.String()...)
	}
	if len(l.Revokes) > 0 {
		b = l.CompromisedSince.UTC().AppendFormat(append(b, `"],"compromisedSince":"`...), secondLayout)
		b = append(b, '"')
	}
	b = strconv.AppendInt(append(b, `,"totals":{"entries":`...), l.Totals.Entries, 10)
	b = strconv.AppendInt(append(b, `,"open":`...), l.Totals.Open, 10)
	b = strconv.AppendInt(append(b, `,"overdue":`...), l.Totals.Overdue, 10)
	b = strconv.AppendInt(append(b, `,"adverse":`...), l.Totals.Adverse, 10)
	return append(b, `}}`...), nil
}

// UnmarshalJSON reads what MarshalJSON writes, and nothing else: every member
// belongs to the kind of entry, none is missing, none is null.
func (l *Link) UnmarshalJSON(text []byte) error {
	doc, err := strictjson.Parse(text, strictjson.Limits{Depth: 2, Values: 32})
	if err != nil {
		return fmt.Errorf("chain: record: %w", err)
	}
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return fmt.Errorf("chain: record: want an object")
	}
	read := Link{}
	for m := root.First(); m.Exists(); m = m.Next() {
		switch m.Name() {
		case "chain":
			read.Chain, err = readDigest(m)
		case "sequence":
			read.Sequence, err = readCount(m)
		case "previous":
			read.Previous, err = readDigest(m)
		case "entry":
			read.Kind = known(m, Commission, Open, Close, Observe, Amend, Transfer, Rotate, Retire)
		case "refersTo":
			read.RefersTo, err = readCount(m)
		case "due":
			read.Due, err = readSecond(m)
		case "class":
			if read.Class = strings.Clone(m.Text()); !isClass(read.Class) {
				err = fmt.Errorf("%.40s is no class", m.Raw())
			}
		case "outcome":
			if read.Outcome = known(m, Good, Degraded, Breach); read.Outcome == "" {
				err = fmt.Errorf("%.40s is none of good, degraded, breach", m.Raw())
			}
		case "revokes":
			read.Revokes, err = readMethods(m)
		case "compromisedSince":
			read.CompromisedSince, err = readSecond(m)
		case "totals":
			read.Totals, err = readTotals(m)
		default:
			err = errors.New("unknown member")
		}
		if err != nil {
			return fmt.Errorf("chain: record: %.40q: %w", m.Name(), err)
		}
	}
	for _, name := range []string{"sequence", "entry", "totals"} {
		if !root.Member(name).Exists() {
			return fmt.Errorf("chain: record: %q is missing", name)
		}
	}
	// Zero is a sequence like any other, so only presence tells.
	if refers := read.Kind == Close || read.Kind == Amend; refers != root.Member("refersTo").Exists() {
		return fmt.Errorf("chain: record: refersTo belongs in close and amend, and only there; this entry is %.40s", root.Member("entry").Raw())
	}
	if err := read.check(); err != nil {
		return fmt.Errorf("chain: record: %w", err)
	}
	*l = read
	return nil
}

func readTotals(v strictjson.Value) (t Totals, err error) {
	if v.Kind() != strictjson.Object || v.Len() != 4 {
		return t, errors.New("want entries, open, overdue and adverse")
	}
	for m := v.First(); m.Exists() && err == nil; m = m.Next() {
		switch m.Name() {
		case "entries":
			t.Entries, err = readCount(m)
		case "open":
			t.Open, err = readCount(m)
		case "overdue":
			t.Overdue, err = readCount(m)
		case "adverse":
			t.Adverse, err = readCount(m)
		default:
			err = fmt.Errorf("unknown member %.40q", m.Name())
		}
	}
	return t, err
}

func readCount(v strictjson.Value) (int64, error) {
	n, ok := v.Int64()
	if !ok || n < 0 {
		return 0, fmt.Errorf("%.40s is no whole number from 0 to 2^53-1", v.Raw())
	}
	return n, nil
}

func readDigest(v strictjson.Value) (vc.Digest, error) {
	if v.Text() == "" {
		return vc.Digest{}, errors.New("want a digest")
	}
	d, err := vc.ParseDigest(v.Text())
	if err == nil && d.IsZero() {
		err = errors.New("the digest is all zeros")
	}
	return d, err
}

func readSecond(v strictjson.Value) (time.Time, error) {
	t, err := time.Parse(secondLayout, v.Text())
	if err != nil || t.IsZero() || t.Format(secondLayout) != v.Text() {
		return t, fmt.Errorf("%.40s is no time like 2026-12-22T00:00:00Z", v.Raw())
	}
	return t, nil
}

func readMethods(v strictjson.Value) (list []did.URL, err error) {
	if v.Kind() != strictjson.Array || v.Len() == 0 || v.Len() > MaxRevokes {
		return nil, fmt.Errorf("want an array of 1 to %d DID URLs", MaxRevokes)
	}
	for e := range v.All() {
		u, err := did.ParseURL(strings.Clone(e.Text()))
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	}
	return list, nil
}

// known returns the one of values that v is, or the empty string. The result
// does not keep the document alive.
func known[S ~string](v strictjson.Value, values ...S) S {
	for _, s := range values {
		if v.Text() == string(s) {
			return s
		}
	}
	return ""
}
