// Package webvh is the method did:webvh 1.0: identifiers that live on the web and outlive their host,
// their keys and their owner, since a log of signed entries shows how each came from the one before.
//
// [Verify] turns a log's text into a [Log], or an error that names the entry. A Log is a
// [did.Resolver] of its DID at any version, and itself the start of the next one: [Create],
// [Log.Update], [Log.Rotate], [Log.Move], [Log.SetWitnesses], [Log.Deactivate] and [Log.Witness] write,
// each returning a new Log whose [Log.Raw] is to be published. Nothing here uses a network.
//
// The danger: a log shows that nothing in it was changed, not that nothing came after. Whoever hosts
// it can withhold the newest entries, and with them that a key was withdrawn. Who has seen more can
// tell: a witness or watcher that is asked, or whoever remembers the log of before, with [Log.Extends].
//
// # Where the standard can be read in two ways
//
//   - A log that breaks a rule is not thrown away as a whole: what comes before holds, for who asks for
//     a version of it.
//   - portable is true in the first entry or never set to true, also where it is true already.
//   - Pre-rotation counts from the entry after the one that begins it, as for the one that ends it. Or
//     whoever has no key could begin it with theirs.
//   - All proofs of an entry have to hold, though one is enough. A witness file may have others.
//   - Who replaces a witness counts from the next entry. A proof counts for all entries before its own,
//     also where the witness was sent away in between.
//   - Keys that eddsa-jcs-2022 cannot use, members it does not know, and placeholders that are left in
//     the first entry are refused. null is taken for "none" where there is a default.
//   - The deactivating entry has a document, for who asks for that version; the latest there is none.
//   - How an entry is written down is free: white space, the order of members, and escapes.
package webvh

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Limits of a log and its witness file: what a stranger sends is read into memory and checked.
const (
	// MaxLogBytes is the longest log that is read: thirty years of weekly entries of 5 kB.
	MaxLogBytes = 8 << 20
	// MaxEntries is the most entries of a log. Each costs a signature check.
	MaxEntries = 10_000
	// MaxEntryBytes is the longest entry: the longest document, and as much for all the rest.
	MaxEntryBytes = 2 * did.MaxDocumentBytes
	// MaxWitnessBytes is the longest witness file: two proofs of each of MaxListed witnesses take
	// 64 kB, and a file that is never pruned has room for some two thousand. It bounds, too, how
	// many proofs that do not hold can be made to be checked.
	MaxWitnessBytes = 1 << 20
	// MaxListed is the most update keys, key hashes, witnesses or watchers of an entry.
	MaxListed = 64
	// MaxProofs is the most proofs of one entry. One is enough, and all have to hold.
	MaxProofs = 8
)

// DefaultTTL is for how long a document may be remembered if the log does not say (did:webvh, "Parameters").
const DefaultTTL = time.Hour

// A Log is a history that holds: a chain of entries, each authorized by the one before. It never
// changes, and any number of goroutines may use it.
type Log struct {
	scid    string
	text    string // of the entries, one a line
	witness string // did-witness.json, "" if there is none
	entries []entry
	names   []did.DID // of the valid entries, each once

	// Entries beyond the first held wait for witnesses. If all are held and broken is not nil, what
	// followed breaks the rules and was cut off.
	held   int
	broken *LogError

	now    []did.Member    // of the metadata, what is as of the last valid entry for all versions
	latest *did.Resolution // of the last valid entry; nil if none is
}

// An entry is what is kept of a line: where it stands in the text of the Log, and what the line alone
// does not say. It is small, since there may be thousands.
type entry struct {
	start, end           int32 // of the line, without its line feed
	stateStart, stateEnd int32 // of the document in it
	versionID            string
	time                 time.Time
	id                   did.DID
	params               *Parameters // in force after this entry; shared by entries that change none
}

// An Entry is one version of a DID: a line of its log (did:webvh, "The DID Log File").
type Entry struct {
	Number     int       // from 1
	VersionID  string    // the number, a dash, and the hash that links to the entry before
	Time       time.Time // versionTime, as the controller asserts it
	ID         did.DID   // the name as of this entry
	Parameters *Parameters
	State      string // the document, as the entry has it: without what the method implies
	Raw        string // the whole line
}

// newest returns the newest valid entry; the first if that still waits for its witnesses.
func (l *Log) newest() *entry { return &l.entries[max(l.held, 1)-1] }

// ID returns the name of the DID as of the newest valid entry.
func (l *Log) ID() did.DID { return l.newest().id }

// SCID returns the part of the name that no move changes: the hash of the first entry.
func (l *Log) SCID() string { return l.scid }

// Len returns how many entries are valid: 0 only if the first waits for its witnesses.
func (l *Log) Len() int { return l.held }

// Entry returns a valid entry, counted from 1; it panics if there is none of that number.
func (l *Log) Entry(n int) Entry {
	return l.line(n, &l.entries[:l.held][n-1])
}

func (l *Log) line(n int, e *entry) Entry {
	return Entry{n, e.versionID, e.time, e.id, e.params, l.text[e.stateStart:e.stateEnd], l.text[e.start:e.end]}
}

// Entries returns the valid entries, oldest first.
func (l *Log) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for n := 1; n <= l.held && yield(l.Entry(n)); n++ {
		}
	}
}

// Pending returns the entries that hold, but wait for their witnesses: for those to look at, and no
// part of the DID yet.
func (l *Log) Pending() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for i := l.held; i < len(l.entries) && yield(l.line(i+1, &l.entries[i])); i++ {
		}
	}
}

// Parameters returns what is in force after the newest valid entry.
func (l *Log) Parameters() *Parameters { return l.newest().params }

// Deactivated reports whether the DID was retired.
func (l *Log) Deactivated() bool { return l.Parameters().Deactivated }

// Err returns nil if the log is valid to its end. Otherwise it is a [*LogError] about the first entry
// that is not: it broke a rule, or waits for its witnesses. Publish no such log.
func (l *Log) Err() error {
	if l.broken == nil {
		return nil
	}
	return l.broken
}

// Raw returns the log to publish as did.jsonl: entries that still wait for witnesses among them,
// what broke the rules not.
func (l *Log) Raw() []byte { return []byte(l.text) }

// RawWitness returns the proofs of witnesses to publish as did-witness.json, before the log
// (did:webvh, "DID Witnesses"); nil if there are none.
func (l *Log) RawWitness() []byte {
	if l.witness == "" {
		return nil
	}
	return []byte(l.witness)
}

// A Rule is a group of the rules of did:webvh 1.0, as a name for what was broken.
type Rule string

// The rules, in the order in which they are checked.
const (
	RuleSize       Rule = "size"        // a limit of this package
	RuleJSON       Rule = "json"        // an entry is an object with five members
	RuleActive     Rule = "deactivated" // nothing follows deactivation
	RuleParameters Rule = "parameters"
	RuleVersionID  Rule = "versionId" // the number counts and the hash holds
	RuleTime       Rule = "versionTime"
	RuleSCID       Rule = "scid"        // the first entry hashes to the identifier
	RuleRotation   Rule = "preRotation" // only keys that were committed to come into force
	RuleProof      Rule = "proof"       // a key in force signed
	RuleState      Rule = "state"       // the document
	RuleMove       Rule = "portability" // the name changes only where that was allowed
	RuleID         Rule = "id"          // the log is of the DID that was asked for
	RuleWitness    Rule = "witness"     // enough witnesses approved
)

// A LogError says which entry of a log broke which rule. It wraps [did.ErrInvalidDocument].
type LogError struct {
	Entry     int    // from 1; 0 if it is about the log as a whole
	VersionID string // as the entry has it, if it got that far
	Rule      Rule
	Msg       string
	Err       error // the cause, if it has an error of its own; may be nil
}

// Error implements error.
func (e *LogError) Error() string {
	b := strings.Builder{}
	b.WriteString("webvh: ")
	if e.Entry > 0 {
		fmt.Fprintf(&b, "entry %d", e.Entry)
		if e.VersionID != "" {
			fmt.Fprintf(&b, " (%.60q)", e.VersionID) // a stranger's text
		}
		b.WriteString(": ")
	}
	b.WriteString(string(e.Rule) + ": " + e.Msg)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns [did.ErrInvalidDocument] and the cause.
func (e *LogError) Unwrap() []error {
	if e.Err == nil {
		return []error{did.ErrInvalidDocument}
	}
	return []error{did.ErrInvalidDocument, e.Err}
}
