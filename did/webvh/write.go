package webvh

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

// A Change is what a new entry says. What is nil stays as it was, or, in the first entry, is what
// did:webvh has as its default.
type Change struct {
	// Key signs the entry: an Ed25519 key that may. With pre-rotation that is one of UpdateKeys, and
	// without, one that the entry before allows.
	Key  crypto.Signer
	Time time.Time // versionTime; zero means now

	// Document is the new document. What the method implies, #files and #whois, is left out again.
	// In the first entry its id is a [Draft].
	Document *did.Document

	// UpdateKeys may sign the entries to come. In the first entry, and with pre-rotation in any, nil
	// means Key.
	UpdateKeys []crypto.PublicKey
	// NextKeyHashes commits to the keys of the next entry: see [KeyHash]. While pre-rotation is on each
	// entry says it anew, and the empty list turns it off.
	NextKeyHashes []string

	Witness  *Witness
	Watchers []string // the empty list means none any more
	Portable *bool    // true in the first entry only
	TTL      *time.Duration
}

// KeyHash returns the hash of a key to come, for NextKeyHashes. The key itself stays where it is safe.
func KeyHash(key crypto.PublicKey) (string, error) {
	text, err := keyText(key)
	if err != nil {
		return "", err
	}
	return multihash([]byte(text)), nil
}

// keyText returns an Ed25519 key as a Multikey.
func keyText(key crypto.PublicKey) (string, error) {
	if _, ok := key.(ed25519.PublicKey); !ok {
		return "", fmt.Errorf("webvh: a key of type %T: did:webvh 1.0 signs with Ed25519", key)
	}
	return multikey.Encode(key)
}

// Create returns the log of a new DID: its first entry, which [Log.ID] names. If it has witnesses,
// [Log.Err] says so until they approved.
func Create(c Change) (*Log, error) {
	if c.Document == nil || !strings.HasPrefix(c.Document.ID.Identifier(), draftSCID+":") {
		return nil, errors.New("webvh: the first document has the id that Draft returns")
	}
	state, err := c.Document.MarshalJSON()
	if err != nil {
		return nil, err
	}
	at, err := c.versionTime(time.Time{})
	if err != nil {
		return nil, err
	}
	params, err := c.parameters(nil, false)
	if err != nil {
		return nil, err
	}
	// The preliminary entry, with the placeholder wherever the SCID will stand, hashes to it.
	rest := body(at, params, strings.ReplaceAll(string(state), draftSCID, placeholder))
	draft, err := jcs.Canonical([]byte(`{"versionId":"` + placeholder + `",` + rest))
	if err != nil {
		return nil, err
	}
	scid := multihash(draft)
	return (&Log{scid: scid}).write(c.Key, at, strings.ReplaceAll(rest, placeholder, scid))
}

// Update returns the log with one more entry.
func (l *Log) Update(c Change) (*Log, error) { return l.change(c, false) }

// Rotate is [Log.Update] with new update keys. Whoever has one of the old ones cannot update any more.
func (l *Log) Rotate(c Change, to ...crypto.PublicKey) (*Log, error) {
	if len(to) == 0 {
		return nil, errors.New("webvh: Rotate to which keys? A DID without any is one to Deactivate")
	}
	c.UpdateKeys = to
	return l.change(c, false)
}

// SetWitnesses is [Log.Update] with new witnesses. Those who are replaced have to approve of it.
func (l *Log) SetWitnesses(c Change, w Witness) (*Log, error) {
	c.Witness = &w
	return l.change(c, false)
}

// Deactivate returns the log with its last entry: the DID is retired, for good. With pre-rotation, which
// wants a key in each entry, Key stays an update key; nothing may follow all the same.
func (l *Log) Deactivate(c Change) (*Log, error) { return l.change(c, true) }

func (l *Log) change(c Change, deactivate bool) (*Log, error) {
	if l.broken != nil && l.broken.Rule != RuleWitness { // what was cut off is published: this would be a fork
		return nil, fmt.Errorf("webvh: a log that is broken cannot be continued: %w", l.broken)
	}
	last := &l.entries[len(l.entries)-1]
	at, err := c.versionTime(last.time)
	if err != nil {
		return nil, err
	}
	state := l.text[last.stateStart:last.stateEnd]
	if c.Document != nil {
		text, err := withoutImplied(c.Document).MarshalJSON()
		if err != nil {
			return nil, err
		}
		state = string(text)
	}
	params, err := c.parameters(last.params, deactivate)
	if err != nil {
		return nil, err
	}
	return l.write(c.Key, at, body(at, params, state))
}

// body writes an entry without the versionId, which begins it, and the proof, which ends it.
func body(at time.Time, params, state string) string {
	return `"versionTime":"` + stamp(at) + `","parameters":` + params + `,"state":` + state + `}`
}

// write adds the entry that consists of a versionId yet to be made and rest, and checks it as a
// stranger would.
func (l *Log) write(key crypto.Signer, at time.Time, rest string) (*Log, error) {
	before := l.scid
	if n := len(l.entries); n > 0 {
		before = l.entries[n-1].versionID
	}
	chained, err := jcs.Canonical([]byte(`{"versionId":"` + before + `",` + rest))
	if err != nil {
		return nil, err
	}
	line := `{"versionId":"` + strconv.Itoa(len(l.entries)+1) + "-" + multihash(chained) + `",` + rest
	signed, err := jcs.Canonical([]byte(line))
	if err != nil {
		return nil, err
	}
	proof, _, err := sign(key, at, signed)
	if err != nil {
		return nil, err
	}
	text := l.text
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	text += strings.TrimSuffix(line, "}") + `,"proof":[` + proof + "]}\n"
	longer, err := read(text, l, at)
	if err != nil {
		return nil, err
	}
	if longer.broken != nil {
		return nil, longer.broken
	}
	if err := longer.finish(l.witness, nil); err != nil {
		return nil, err
	}
	return longer, nil
}

// versionTime returns the time of an entry that follows one of prev. Whole seconds do, as nearly all
// logs have them, unless two entries are made in one.
func (c *Change) versionTime(prev time.Time) (time.Time, error) {
	at := c.Time.UTC()
	if at.IsZero() {
		now := time.Now().UTC()
		if at = now.Truncate(time.Second); !at.After(prev) {
			at = now.Truncate(time.Millisecond)
		}
	}
	if !at.After(prev) {
		return at, fmt.Errorf("webvh: it is %s, which is not after %s, the time of the last entry", stamp(at), stamp(prev))
	}
	return at, nil
}

// parameters writes what c changes of old, nil for the first entry.
func (c *Change) parameters(old *Parameters, deactivate bool) (string, error) {
	var b []byte
	add := func(name, value string) {
		b = append(b, `,"`+name+`":`+value...)
	}
	if old == nil {
		add("method", quote(version))
		add("scid", quote(placeholder))
	}
	rotating := old != nil && len(old.NextKeyHashes) > 0
	keys, hashes := c.UpdateKeys, c.NextKeyHashes
	switch {
	case deactivate && !rotating:
		keys = []crypto.PublicKey{}
	case keys == nil && (rotating || old == nil) && c.Key != nil:
		keys = []crypto.PublicKey{c.Key.Public()}
	}
	if deactivate && rotating {
		hashes = []string{}
	}
	if rotating && hashes == nil {
		return "", errors.New("webvh: pre-rotation is on: NextKeyHashes of the keys to come are wanted, or an empty list, which turns it off")
	}
	if keys != nil {
		var all []string
		for _, key := range keys {
			text, err := keyText(key)
			if err != nil {
				return "", err
			}
			all = append(all, text)
		}
		add("updateKeys", list(all))
	}
	if hashes != nil {
		for _, hash := range hashes {
			if !isMultihash(hash) {
				return "", fmt.Errorf("webvh: %.80q is not what KeyHash returns", hash)
			}
		}
		add("nextKeyHashes", list(hashes))
	}
	if c.Witness != nil {
		add("witness", string(appendWitness(nil, *c.Witness, "")))
	}
	if c.Watchers != nil {
		add("watchers", list(c.Watchers))
	}
	if c.Portable != nil {
		add("portable", strconv.FormatBool(*c.Portable))
	}
	if c.TTL != nil {
		add("ttl", strconv.FormatInt(int64(*c.TTL/time.Second), 10))
	}
	if deactivate {
		add("deactivated", "true")
	}
	if len(b) == 0 {
		return "{}", nil
	}
	b[0] = '{'
	return string(b) + "}", nil
}
