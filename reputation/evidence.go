package reputation

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A Dimension is one side of a machine's standing. They are scored apart and
// their points add up.
type Dimension uint8

// The five dimensions, in the order in which scores list them.
const (
	Availability Dimension = iota // was it up when it was needed
	Maintenance                   // was it looked after in time, and did it fail
	Obligations                   // were leases and other promises kept
	Integrity                     // is its key in hardware, and attested
	Provenance                    // is its record whole and its head fresh
	dimensions                    // how many there are
)

var dimensionNames = [dimensions]string{"availability", "maintenance", "obligations", "integrity", "provenance"}

// String returns the name used in JSON.
func (d Dimension) String() string { return nameOf(dimensionNames[:], int(d)) }

// MarshalText implements [encoding.TextMarshaler].
func (d Dimension) MarshalText() ([]byte, error) {
	return textOf(dimensionNames[:], int(d), "dimension")
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Dimension) UnmarshalText(text []byte) error {
	i, err := indexOf(dimensionNames[:], text, "dimension")
	*d = Dimension(i)
	return err
}

// A Standing is what ties a witness to the machine. It caps what the witness's
// word can do, whoever the witness is.
type Standing uint8

const (
	// Interested is the machine itself, or whoever controls it: praise counts
	// nothing, and blame counts as [Policy.Admission] says, because nobody
	// testifies against himself without cause.
	Interested Standing = iota

	// Telemetry is the machine's own measurement, attested by its hardware: praise
	// counts as [Policy.Telemetry] says, an influence of 1/4 at most; blame as if Interested.
	Telemetry

	// Independent is anyone else. What the word is worth depends on the issuer; one
	// that the policy does not list is worth nothing.
	Independent
)

var standingNames = []string{"interested", "telemetry", "independent"}

// String returns the name used in JSON.
func (s Standing) String() string { return nameOf(standingNames, int(s)) }

// MarshalText implements [encoding.TextMarshaler].
func (s Standing) MarshalText() ([]byte, error) { return textOf(standingNames, int(s), "standing") }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Standing) UnmarshalText(text []byte) error {
	i, err := indexOf(standingNames, text, "standing")
	*s = Standing(i)
	return err
}

// A Kind says how a piece of evidence counts.
type Kind uint8

const (
	// Report is what a witness saw. Good and Bad are exposure: seconds of required
	// time for availability, thousandths of an event otherwise. All reports of one
	// issuer about one dimension in one window are one report, with their exposures
	// added: saying a thing a hundred times a week says it once. More than a window can
	// hold is cut, good before bad.
	Report Kind = iota

	// Fact is an adverse event that the record itself proves, such as a fork, or an
	// adverse entry that was withheld and that later totals reveal. Bad counts events.
	// It needs no witness and is certain.
	Fact

	// Hidden is an entry that was withheld. Bad counts entries that totals do not
	// already show to be adverse. The mean leaves them out; the lower bound takes
	// every one as adverse.
	Hidden

	// Fork is a contradiction: two entries with one sequence. It is a Fact of provenance
	// that also voids the score, until an amendment adjudicates.
	Fork

	// Due is an obligation to be met by the end of Day: adverse from the next day on,
	// unless discharged. Bad counts obligations.
	Due

	// Discharge takes back a Due of the same day.
	Discharge

	// BackDated is a report of a day too long before it was logged, or, where no log
	// says when that was, before the newest entry of the record. It weighs nothing.
	BackDated

	// The kinds from here on weigh nothing either. They stay in the evidence so that a
	// score can say what was tried, or what it left out.

	// Void is an entry that needs the signature of a key of the machine's side which an
	// entry rotate reported as compromised, and that no log held before the compromise:
	// see [chain.Item]. It is the report of provenance that the entry would have been.
	Void

	// Unlogged is praise in an entry that the log which was asked does not hold.
	Unlogged

	// Duplicate is praise whose claim its witness has made in an earlier entry, word for
	// word: one receipt counts once, however often it is entered.
	Duplicate

	// Rival is a branch that the log does not hold, signed by nobody whom the policy
	// knows and nobody of the machine's side. The record goes on without it; Bad counts
	// branches. Another branch is a Fork.
	Rival

	// Tail counts in Bad the entries that the log holds after the newest one shown. They
	// weigh as any that are withheld do, by Hidden and Fact beside this.
	Tail

	kinds // how many there are
)

var kindNames = [kinds]string{"report", "fact", "hidden", "fork", "due", "discharge", "backDated", "void", "unlogged", "duplicate", "rival", "tail"}

// states reports whether evidence of this kind is what some witness said, so that it has
// an issuer and may be good.
func (k Kind) states() bool {
	return k == Report || k == BackDated || k == Void || k == Unlogged || k == Duplicate
}

// String returns the name used in JSON.
func (k Kind) String() string { return nameOf(kindNames[:], int(k)) }

// MarshalText implements [encoding.TextMarshaler].
func (k Kind) MarshalText() ([]byte, error) { return textOf(kindNames[:], int(k), "kind of evidence") }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *Kind) UnmarshalText(text []byte) error {
	i, err := indexOf(kindNames[:], text, "kind of evidence")
	*k = Kind(i)
	return err
}

func nameOf(names []string, i int) string {
	if uint(i) >= uint(len(names)) {
		return fmt.Sprintf("unknown(%d)", i)
	}
	return names[i]
}

func textOf(names []string, i int, what string) ([]byte, error) {
	if uint(i) >= uint(len(names)) {
		return nil, fmt.Errorf("reputation: no %s has the number %d", what, i)
	}
	return []byte(names[i]), nil
}

func indexOf(names []string, text []byte, what string) (int, error) {
	i := slices.Index(names, string(text))
	if i < 0 {
		return 0, fmt.Errorf("reputation: %.40q is no %s: want one of %q", text, what, names)
	}
	return i, nil
}

// A Day is a day in UTC, counted from 1970-01-01, which is 0. As text it is
// "2026-11-22". Scores know no finer time: everybody who scores on one day gets
// the same bits.
type Day int32

// MaxDay is the last day that can be scored, 2149-06-06. It bounds the memory
// that a far-fetched date can claim.
const MaxDay Day = 1<<16 - 1

const dayFormat = "2006-01-02"

// DayOf returns the day of t in UTC. It may lie outside 0..[MaxDay], which the
// functions that take days refuse.
func DayOf(t time.Time) Day {
	const seconds = 24 * 60 * 60
	day := floorDiv(t.Unix(), seconds)
	return Day(min(max(day, -1), int64(MaxDay)+1))
}

// Time returns the start of the day.
func (d Day) Time() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

// String returns the day as "2026-11-22".
func (d Day) String() string { return d.Time().Format(dayFormat) }

// MarshalText implements [encoding.TextMarshaler].
func (d Day) MarshalText() ([]byte, error) {
	if d < 0 || d > MaxDay {
		return nil, fmt.Errorf("reputation: day %d lies outside 1970-01-01 to %v", int32(d), MaxDay)
	}
	return []byte(d.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Day) UnmarshalText(text []byte) error {
	t, err := time.Parse(dayFormat, string(text))
	if err != nil {
		return fmt.Errorf("reputation: %.40q is no day: write it as 2026-11-22", text)
	}
	if *d = DayOf(t); *d < 0 || *d > MaxDay {
		return fmt.Errorf("reputation: day %.40q lies outside 1970-01-01 to %v", text, MaxDay)
	}
	return nil
}

// A Window is a week in UTC, Monday to Sunday; window 0 holds 1970-01-01. It is the
// unit in which evidence is counted and in which it ages.
type Window int32

// Window returns the week that d lies in.
func (d Day) Window() Window { return Window(floorDiv(int64(d)+3, 7)) } // 1970-01-01 was a Thursday

// MaxExposure is the most Good and Bad that one piece of evidence may claim
// together: 2^32 - 1 seconds, 136 years.
const MaxExposure = 1<<32 - 1

// maxSequence is the greatest that JSON numbers hold exactly (RFC 8785 §3.2.2.3).
const maxSequence = 1<<53 - 1

// MaxCount is the most events that one piece of evidence may count. More than that in
// one week also make no difference to a score: it is at its lowest long before.
const MaxCount = 1 << 16

// Evidence is one thing that one credential says about the machine, in the form
// that is scored. A credential may say several: each has its own dimension, kind or day.
// Its JSON leaves out what has its zero value; in RFC 8785 form that is a leaf of [EvidenceRoot].
type Evidence struct {
	Sequence  int64     `json:"sequence"`           // of the entry in the chain
	Digest    vc.Digest `json:"digest"`             // of the credential
	Issuer    did.DID   `json:"issuer,omitzero"`    // who says so; none needed except for reports
	Day       Day       `json:"day"`                // when it happened, or ended
	Dimension Dimension `json:"dimension"`          // what it is about
	Kind      Kind      `json:"kind,omitzero"`      // how it counts
	Standing  Standing  `json:"assurance,omitzero"` // what ties the issuer to the machine

	Good int64 `json:"good,omitzero"` // exposure that went well
	Bad  int64 `json:"bad,omitzero"`  // exposure that did not, or the number of events: see Kind

	Failures      int64 `json:"failures,omitzero"`      // for availability: failures in the period
	RepairSeconds int64 `json:"repairSeconds,omitzero"` // for availability: time down because of them
}

// Window returns the week that e counts in.
func (e *Evidence) Window() Window { return e.Day.Window() }

// Validate refuses evidence that no credential could have given.
func (e *Evidence) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("reputation: evidence %d (%v of %v): %s", e.Sequence, e.Kind, e.Dimension, fmt.Sprintf(format, args...))
	}
	switch {
	case e.Sequence < 0 || e.Sequence > maxSequence:
		return bad("sequence must lie in 0 to %d", int64(maxSequence))
	case e.Digest.IsZero():
		return bad("digest of the credential is missing")
	case e.Day < 0 || e.Day > MaxDay:
		return bad("day %d lies outside 1970-01-01 to %v", int32(e.Day), MaxDay)
	case e.Dimension >= dimensions:
		return bad("unknown dimension")
	case e.Kind >= kinds:
		return bad("unknown kind")
	case e.Standing > Independent:
		return bad("unknown standing")
	case e.Good < 0 || e.Bad < 0 || e.Good > MaxExposure || e.Bad > MaxExposure-e.Good:
		return bad("good %d and bad %d must not be negative, nor exceed %d together", e.Good, e.Bad, int64(MaxExposure))
	case e.Failures < 0 || e.Failures > MaxExposure || e.RepairSeconds < 0 || e.RepairSeconds > MaxExposure:
		return bad("failures %d and repair seconds %d must lie in 0 to %d", e.Failures, e.RepairSeconds, int64(MaxExposure))
	case e.Issuer.IsZero() && e.Kind.states():
		return bad("a report needs an issuer")
	case e.Good != 0 && !e.Kind.states():
		return bad("only a report can be good")
	case !e.Kind.states() && e.Bad > MaxCount:
		return bad("counts %d events, more than %d", e.Bad, MaxCount)
	case (e.Kind == Fork || e.Kind == Rival || e.Kind == Tail) && e.Dimension != Provenance:
		return bad("it is a matter of provenance")
	case (e.Kind == Due || e.Kind == Discharge) && e.Dimension != Obligations && e.Dimension != Maintenance:
		return bad("only maintenance and obligations fall due")
	}
	return nil
}

// normalize returns what counts as of a day, in its normal order, sorted by sequence, with
// each statement once: a credential shown twice is one credential. The order and what is
// kept do not depend on the order of the input. When two statements of one credential
// about one dimension and day differ, such as those of an incident that also closes a
// lease, the worse one stays.
func normalize(evidence []Evidence, asOf Day) []Evidence {
	sorted := slices.Clone(evidence)
	slices.SortFunc(sorted, func(a, b Evidence) int {
		return cmp.Or(
			cmp.Compare(a.Sequence, b.Sequence),
			slices.Compare(a.Digest[:], b.Digest[:]),
			cmp.Compare(a.Dimension, b.Dimension),
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Day, b.Day),
			cmp.Compare(b.Bad, a.Bad),
			cmp.Compare(a.Good, b.Good),
			cmp.Compare(a.Standing, b.Standing),
			cmp.Compare(b.Failures, a.Failures),
			cmp.Compare(b.RepairSeconds, a.RepairSeconds),
			cmp.Compare(a.Issuer.String(), b.Issuer.String()),
		)
	})
	sorted = slices.CompactFunc(sorted, func(a, b Evidence) bool {
		return a.Sequence == b.Sequence && a.Digest == b.Digest && a.Dimension == b.Dimension && a.Kind == b.Kind && a.Day == b.Day
	})
	return slices.DeleteFunc(sorted, func(e Evidence) bool { return e.Day > asOf && e.Kind != Due && e.Kind != Discharge })
}

// appendCanonical appends the RFC 8785 form of valid evidence: what encoding it as JSON
// gives, with its members sorted. Nothing in it needs an escape.
func (e *Evidence) appendCanonical(dst []byte) []byte {
	number := func(name string, n int64) {
		if n != 0 {
			dst = strconv.AppendInt(append(dst, name...), n, 10)
		}
	}
	dst = append(dst, '{')
	if e.Standing != Interested {
		dst = append(append(append(dst, `"assurance":"`...), e.Standing.String()...), `",`...)
	}
	if e.Bad != 0 {
		dst = append(strconv.AppendInt(append(dst, `"bad":`...), e.Bad, 10), ',')
	}
	dst = e.Day.Time().AppendFormat(append(dst, `"day":"`...), dayFormat)
	dst = append(append(dst, `","digest":"`...), e.Digest.String()...)
	dst = append(append(append(dst, `","dimension":"`...), e.Dimension.String()...), '"')
	number(`,"failures":`, e.Failures)
	number(`,"good":`, e.Good)
	if !e.Issuer.IsZero() {
		dst = append(append(append(dst, `,"issuer":"`...), e.Issuer.String()...), '"')
	}
	if e.Kind != Report {
		dst = append(append(append(dst, `,"kind":"`...), e.Kind.String()...), '"')
	}
	number(`,"repairSeconds":`, e.RepairSeconds)
	dst = strconv.AppendInt(append(dst, `,"sequence":`...), e.Sequence, 10)
	return append(dst, '}')
}
