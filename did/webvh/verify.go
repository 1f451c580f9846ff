package webvh

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/parallel"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Verifier checks logs. The zero Verifier is ready to use.
type Verifier struct {
	Now  func() time.Time // nil means time.Now
	Skew time.Duration    // tolerated clock difference; zero means one minute

	// Known is a log of the same DID that was verified before, or nil. Entries that it has, with
	// the very same text, are not verified again; the proofs of witnesses are. Whether a log still
	// has them all is another question: see [Log.Extends].
	Known *Log
}

// Verify checks a log, the text of a did.jsonl, entry by entry, as did:webvh 1.0 says under "Read".
// witness is the did-witness.json, nil if there is none: an error that wraps [ErrNoWitness] says that
// the log needs it. id has to be the DID of the log, or one that it had before it moved.
//
// The error is a [*LogError]. If it is about an entry after the first, there is a Log as well: those
// before hold, and it resolves them for who asks for them by name, number or time, as the standard
// wants. For the latest document it has only the error. There is a Log, too, if only witnesses are
// missing, so that they can be asked: see [Log.Witness].
//
// What cannot be changed unnoticed is what an entry says. White space between its values, the order of
// members, and escapes in strings are not part of that: they are free in JSON, and in what is signed.
func Verify(id did.DID, log, witness []byte) (*Log, error) {
	return Verifier{}.Verify(id, log, witness)
}

// Verify is the function [Verify].
func (v Verifier) Verify(id did.DID, log, witness []byte) (*Log, error) {
	if _, _, err := split(id); err != nil {
		return nil, err
	}
	now, skew := time.Now(), v.Skew
	if v.Now != nil {
		now = v.Now()
	}
	if skew == 0 {
		skew = time.Minute
	}
	text := ""
	if v.Known != nil && string(log) == v.Known.text { // which copies nothing
		text = v.Known.text
	} else {
		text = string(log)
	}
	l, err := read(text, v.Known, now.Add(skew))
	if err != nil {
		return nil, err
	}
	if err := l.finish(string(witness), l.broken); err != nil {
		return nil, err
	}
	if !slices.Contains(l.names, id) && l.broken == nil {
		return nil, &LogError{Rule: RuleID, Msg: fmt.Sprintf("this is the log of %.120q, not of %.120q", l.ID(), id)}
	}
	return l, l.Err()
}

// read checks everything but witnesses. The Log is cut off before the first entry that does not hold,
// and broken says why; if that is the first, there is no Log.
func read(text string, known *Log, limit time.Time) (*Log, error) {
	l := &Log{text: text}
	if len(text) > MaxLogBytes {
		return nil, &LogError{Rule: RuleSize, Msg: fmt.Sprintf("%d bytes, at most %d are read", len(text), MaxLogBytes)}
	}
	if known != nil {
		l.resume(known)
	}
	at, c := 0, checker{limit: limit}
	if n := len(l.entries); n > 0 {
		at = int(l.entries[n-1].end) + 1
	}
	for at < len(text) {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		n := len(l.entries) + 1
		e, broken := c.entry(l, n, text[at:at+end])
		if broken != nil {
			broken.Entry = n
			l.broken, l.text = broken, text[:at]
			break
		}
		e.start, e.end = int32(at), int32(at+end)
		e.stateStart += int32(at)
		e.stateEnd += int32(at)
		l.entries = append(l.entries, e)
		at += end + 1
	}
	if n, err := c.unsigned(); err != nil {
		bad := &LogError{Entry: n, Rule: RuleProof, Msg: "the proof", Err: err}
		if n <= len(l.entries) {
			e := &l.entries[n-1]
			bad.VersionID, l.text, l.entries = e.versionID, text[:e.start], l.entries[:n-1]
		} else { // it breaks another rule, too, which comes after this one
			bad.VersionID = l.broken.VersionID
		}
		l.broken = bad
	}
	if len(l.entries) == 0 {
		if l.broken == nil {
			l.broken = &LogError{Rule: RuleJSON, Msg: "there is no entry"}
		}
		return nil, l.broken
	}
	return l, nil
}

// resume takes over the entries of known that l begins with.
func (l *Log) resume(known *Log) {
	if l.text == known.text { // nothing is new: they share it
		l.scid, l.text, l.entries = known.scid, known.text, known.entries
		return
	}
	for i := range known.entries {
		e := known.entries[i]
		end := int(e.end)
		if end > len(l.text) || l.text[e.start:end] != known.text[e.start:end] || end < len(l.text) && l.text[end] != '\n' {
			break
		}
		if i == 0 {
			l.scid = known.scid
			l.entries = make([]entry, 0, len(known.entries)+1)
		}
		if at := strings.Index(l.text[e.start:end], e.versionID); at >= 0 { // lets go of the other text
			e.versionID = l.text[int(e.start)+at:][:len(e.versionID)]
		}
		l.entries = append(l.entries, e)
	}
}

// A checker checks entries, one after the other, and keeps its buffers. All that is left to check after
// the last is what they were signed with: that takes most of the time, and can be done on all cores.
type checker struct {
	limit     time.Time // no entry is later
	line      []byte
	canonical []byte
	signed    []signed
	at        place  // of the entry before
	state     string // of the document that was read last, and needs not be read again
	aka       []string
}

// signed is a proof yet to be checked: that key signed what has this digest.
type signed struct {
	entry int // from 1
	proof
	key    ed25519.PublicKey
	digest [sha256.Size]byte
}

// unsigned returns the first entry with a proof that does not hold, and why.
func (c *checker) unsigned() (entry int, err error) {
	errs := make([]error, len(c.signed))
	parallel.Do(len(c.signed), func(i int) {
		errs[i] = c.signed[i].verify(c.signed[i].key, c.signed[i].digest)
	})
	for i, err := range errs {
		if err != nil {
			return c.signed[i].entry, err
		}
	}
	return 0, nil
}

// entry checks the line that is entry n of l, whose entries before it hold. Offsets in what it returns
// count from the line.
func (c *checker) entry(l *Log, n int, line string) (e entry, _ *LogError) {
	var prev entry // the entry before, and its parameters: zero for the first
	old := &Parameters{}
	if n > 1 {
		prev = l.entries[n-2]
		old = prev.params
	}
	fail := func(rule Rule, msg string, err error) (entry, *LogError) {
		return entry{}, &LogError{VersionID: e.versionID, Rule: rule, Msg: msg, Err: err}
	}

	// 1. It is small enough, and comes before the end.
	switch {
	case line == "":
		return fail(RuleJSON, "is an empty line", nil)
	case n > MaxEntries:
		return fail(RuleSize, fmt.Sprintf("a log has at most %d entries here", MaxEntries), nil)
	case len(line) > MaxEntryBytes:
		return fail(RuleSize, fmt.Sprintf("%d bytes, an entry has at most %d here", len(line), MaxEntryBytes), nil)
	}

	// 2. It is an object of five members, and no others: all but the proof is hashed and signed.
	c.line = append(c.line[:0], line...)
	doc, err := strictjson.Parse(c.line, strictjson.Limits{Bytes: MaxEntryBytes})
	if err != nil {
		return fail(RuleJSON, "is not strict JSON", err)
	}
	root := doc.Root()
	versionID, versionTime := root.Member("versionId"), root.Member("versionTime")
	params, state, proofs := root.Member("parameters"), root.Member("state"), root.Member("proof")
	if root.Len() != 5 || versionID.Kind() != strictjson.String || versionTime.Kind() != strictjson.String ||
		params.Kind() != strictjson.Object || state.Kind() != strictjson.Object ||
		proofs.Kind() != strictjson.Array && proofs.Kind() != strictjson.Object {
		return fail(RuleJSON, "does not consist of versionId, versionTime, parameters, state and proofs", nil)
	}
	e.versionID = versionID.Text()

	// 3. Nothing follows deactivation.
	if old.Deactivated {
		return fail(RuleActive, "the entry before deactivated the DID", nil)
	}

	// 4. What it changes of the parameters may be changed.
	if e.params, err = merge(old, params, n); err != nil {
		return fail(RuleParameters, "the parameters", err)
	}

	// 5. Number and hash. The hash covers the versionId of the entry before in place of its own, and
	// for the first the SCID: that is what chains them. Sorted, all that does not differ between that
	// form, the one that is signed and that of the SCID comes first.
	number, hash, _ := strings.Cut(e.versionID, "-")
	if number != strconv.Itoa(n) {
		return fail(RuleVersionID, fmt.Sprintf("has the number %.20q instead of %d", number, n), nil)
	}
	before := prev.versionID
	if n == 1 {
		before = params.Member("scid").Text()
	}
	c.canonical = append(c.canonical[:0], `{"parameters":`...)
	c.canonical = append(jcs.Append(c.canonical, params), `,"state":`...)
	c.canonical = append(jcs.Append(c.canonical, state), `,"versionId":"`...)
	common := len(c.canonical)
	with := func(id string) []byte { // of each id is known that there is nothing to escape in it
		c.canonical = append(append(c.canonical[:common], id...), `","versionTime":`...)
		c.canonical = append(jcs.Append(c.canonical, versionTime), '}')
		return c.canonical
	}
	if want := multihash(with(before)); hash != want {
		return fail(RuleVersionID, fmt.Sprintf("has the hash %.60q instead of %s: it is not what was written, or follows another entry", hash, want), nil)
	}

	// 6. Time goes forward, and not beyond now.
	if e.time, err = readTime(versionTime.Text()); err != nil {
		return fail(RuleTime, "is no UTC time", err)
	}
	switch {
	case !e.time.After(prev.time): // of the first: the zero time, which would say that there is none
		return fail(RuleTime, fmt.Sprintf("%s is not after %s, the time of the entry before", stamp(e.time), stamp(prev.time)), nil)
	case e.time.After(c.limit):
		return fail(RuleTime, fmt.Sprintf("%s is in the future", stamp(e.time)), nil)
	}

	// 7. The first entry hashes to the SCID, with placeholders wherever it stands. They change the order
	// of members whose names have it in them, so that this is canonicalized again. A placeholder that was
	// left in it would hash to the same SCID as one that was replaced: two beginnings of one DID.
	if n == 1 {
		l.scid = strings.Clone(before)
		if bytes.Contains(with(before), []byte(placeholder)) {
			return fail(RuleSCID, "a placeholder for the SCID is left in the entry", nil)
		}
		drafted := bytes.ReplaceAll(with(placeholder), []byte(l.scid), []byte(placeholder))
		if drafted, err = jcs.Canonical(drafted); err != nil {
			return fail(RuleSCID, "cannot be drafted", err)
		}
		if want := multihash(drafted); l.scid != want {
			return fail(RuleSCID, fmt.Sprintf("is %.60q, and the entry hashes to %s", l.scid, want), nil)
		}
	}

	// 8. With pre-rotation, the entry before has committed to the keys that this one brings, and they
	// sign it. Without, the keys of the entry before do: not the ones that this one brings, or anybody
	// could bring theirs. The first entry is signed by its own.
	signers := old
	if n == 1 {
		signers = e.params
	} else if len(old.NextKeyHashes) > 0 {
		signers = e.params
		if !params.Member("updateKeys").Exists() || !params.Member("nextKeyHashes").Exists() {
			return fail(RuleRotation, "with nextKeyHashes in force an entry has updateKeys and nextKeyHashes", nil)
		}
		for _, key := range e.params.UpdateKeys {
			if !slices.Contains(old.NextKeyHashes, multihash([]byte(key))) {
				return fail(RuleRotation, fmt.Sprintf("%.80q is not among the keys that the entry before committed to", key), nil)
			}
		}
	}

	// 9. Each proof is by one of these keys. Only one is needed; one that does not hold is refused, since
	// somebody put it there. The text of the standard has a list, its schema also one without.
	proof, count := proofs.First(), proofs.Len()
	if proofs.Kind() == strictjson.Object {
		proof, count = proofs, 1
	}
	if count == 0 || count > MaxProofs {
		return fail(RuleProof, fmt.Sprintf("%d proofs, want 1 to %d", count, MaxProofs), nil)
	}
	digest := sha256.Sum256(with(e.versionID))
	for range count {
		p, err := readProof(proof)
		if err != nil {
			return fail(RuleProof, "the proof", err)
		}
		i := slices.Index(signers.UpdateKeys, p.signer)
		if i < 0 {
			return fail(RuleProof, fmt.Sprintf("%.80q is not one of the update keys in force", p.signer), nil)
		}
		p.signer = signers.UpdateKeys[i] // the same text, and not one of the parsed line
		c.signed = append(c.signed, signed{n, p, signers.keys[i], digest})
		proof = proof.Next()
	}

	// 10. The document is one, and is about this DID: any name with the SCID. It gets a new name only if
	// portable, and then says what it was called before.
	at, err := placeOf(state, c.at)
	if err != nil {
		return fail(RuleState, "the id of the document", err)
	}
	if raw := state.Raw(); c.state == "" || raw != c.state {
		c.state = ""
		d, err := did.ParseDocument(c.line[state.Offset():][:len(raw)])
		if err != nil {
			return fail(RuleState, "the document", err)
		}
		c.state, c.aka = raw, d.AlsoKnownAs
	}
	c.at, e.id = at, at.id
	switch {
	case at.scid != l.scid:
		return fail(RuleState, fmt.Sprintf("the document is about %.120q, which does not have the SCID %s", e.id, l.scid), nil)
	case n == 1 || e.id == prev.id:
	case !e.params.Portable:
		return fail(RuleMove, fmt.Sprintf("the DID becomes %.120q, and is not portable", e.id), nil)
	case !slices.Contains(c.aka, prev.id.String()):
		return fail(RuleMove, fmt.Sprintf("the DID becomes %.120q, and alsoKnownAs lacks %.120q, its name before", e.id, prev.id), nil)
	}

	// Texts of the parsed line would keep all of it in memory.
	i := versionID.Offset() + 1
	if e.versionID = line[i : i+len(e.versionID)]; e.versionID != versionID.Text() {
		e.versionID = strings.Clone(versionID.Text()) // written with escapes
	}
	e.stateStart, e.stateEnd = int32(state.Offset()), int32(state.Offset()+len(state.Raw()))
	return e, nil
}
