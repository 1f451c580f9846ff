package tlog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/vc"
)

const (
	// maxNote bounds a signed note, in bytes: the text of a checkpoint and a hundred signatures,
	// which is as many as a note may have.
	maxNote = 64 << 10

	// maxSize bounds a tree: 2^48 leaves take ten million years at one a second, and the stored
	// hashes of a larger one could not all be numbered.
	maxSize = 1 << 48

	// defaultMaxAge is how old a fresh checkpoint may be if a Trust does not say.
	defaultMaxAge = time.Hour

	// maxSkew is how far the clock of a witness may be ahead of the reader's.
	maxSkew = 5 * time.Minute
)

// Trust says whose word on a log counts: the reader's policy.
//
// Witnesses are what keeps a log from showing one tree to you and another to
// somebody else with the same witnesses. Two quorums of them have at least
// 2·Quorum − len(Witnesses) in common, and it takes that many dishonest ones: all
// of three if Quorum is three, but one if it is two. Fewer than Quorum dishonest
// ones cannot make an entry look older, or a tree fresher, than it is.
type Trust struct {
	Log       string           // verifier key of the log, "origin+hash+key"; see LogKey
	Witnesses []string         // verifier keys of witnesses, each of another party; see WitnessKey. At least one
	Quorum    int              // how many of them have to cosign, more than half; zero means all
	MaxAge    time.Duration    // how old a fresh checkpoint may be; zero means one hour
	Now       func() time.Time // nil means time.Now
}

// A Cosignature is a witness's word that at a time it had seen no larger tree of
// the log, and none that the tree does not extend (C2SP tlog-cosignature).
type Cosignature struct {
	Witness string    // its name
	Time    time.Time // when it says it cosigned, whole seconds, UTC
}

// A Checkpoint is a log's signed word on its tree (C2SP tlog-checkpoint). Only
// [Trust.Checkpoint] and what builds on it make one, so that its signature and
// the quorum of its witnesses have been checked.
type Checkpoint struct {
	Origin       string
	Size         int64         // leaves in the tree
	Root         [32]byte      // Merkle tree hash (RFC 6962 §2.1)
	Cosignatures []Cosignature // of the witnesses that the Trust names, earliest first

	text   string // what was signed
	note   string // with all signatures
	quorum int
}

// Note returns the checkpoint with its signatures, as it was read: keep this.
func (c *Checkpoint) Note() []byte { return []byte(c.note) }

// Digest returns the SHA-256 of the text of the checkpoint, without signatures.
func (c *Checkpoint) Digest() vc.Digest { return sha256.Sum256([]byte(c.text)) }

// LogTime returns the time by which the log held the tree. Of the earliest
// Quorum cosignatures one is honest, so the latest of these is no earlier than
// the truth, whatever the others say.
//
// It is zero of a checkpoint that no Trust has checked.
func (c *Checkpoint) LogTime() time.Time {
	if c.quorum == 0 {
		return time.Time{}
	}
	return c.Cosignatures[c.quorum-1].Time
}

// AsOf returns the time at which the log held no more than the tree. Of the
// latest Quorum cosignatures one is honest, so the earliest of these is no later
// than the truth.
//
// It is zero of a checkpoint that no Trust has checked.
func (c *Checkpoint) AsOf() time.Time {
	if c.quorum == 0 {
		return time.Time{}
	}
	return c.Cosignatures[len(c.Cosignatures)-c.quorum].Time
}

// Checkpoint checks a signed checkpoint: the log's signature, and that a quorum
// of witnesses has cosigned it. How old it is, it says but does not judge.
//
// The error is a *[RejectError], a *[QuorumError], or says what is wrong with
// the Trust itself.
func (t *Trust) Checkpoint(signed []byte) (*Checkpoint, error) {
	p, err := t.prepare()
	if err != nil {
		return nil, err
	}
	return p.checkpoint(signed)
}

// prepared is a Trust whose keys have been read.
type prepared struct {
	log       *key
	witnesses []*key
	quorum    int
	maxAge    time.Duration
	now       func() time.Time
}

func (t *Trust) prepare() (*prepared, error) {
	log, err := parseKey(t.Log, typeLog)
	if err != nil {
		return nil, err
	}
	witnesses, err := parseWitnesses(log, t.Witnesses)
	if err != nil {
		return nil, err
	}
	p := &prepared{log: log, witnesses: witnesses, quorum: t.Quorum, maxAge: t.MaxAge, now: t.Now}
	if p.quorum == 0 {
		p.quorum = len(witnesses)
	}
	switch {
	case len(witnesses) == 0:
		return nil, fmt.Errorf("tlog: trust in log %s names no witness: without any, the log can show each reader another tree", log.name)
	case p.quorum < 0 || p.quorum > len(witnesses):
		return nil, fmt.Errorf("tlog: trust in log %s asks for %d cosignatures and names %d witnesses", log.name, t.Quorum, len(witnesses))
	case 2*p.quorum <= len(witnesses):
		return nil, fmt.Errorf("tlog: trust in log %s asks for %d cosignatures of %d witnesses: ask for more than half, or the log can show two trees to two halves of them", log.name, t.Quorum, len(witnesses))
	case p.maxAge < 0:
		return nil, fmt.Errorf("tlog: trust in log %s has a negative MaxAge", log.name)
	case p.maxAge == 0:
		p.maxAge = defaultMaxAge
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

// parseWitnesses reads verifier keys. A cosignature does not commit to its witness's name, so one
// key under two names would count twice.
func parseWitnesses(log *key, vkeys []string) ([]*key, error) {
	var list []*key
	for _, vkey := range vkeys {
		w, err := parseKey(vkey, typeWitness)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(w.public, log.public) {
			return nil, fmt.Errorf("tlog: log %s is named as its own witness", log.name)
		}
		for _, other := range list {
			if other.name == w.name || bytes.Equal(other.public, w.public) {
				return nil, fmt.Errorf("tlog: witness %s is named twice: each counts once", w.name)
			}
		}
		list = append(list, w)
	}
	return list, nil
}

// checkpoint checks signature and quorum.
func (p *prepared) checkpoint(signed []byte) (*Checkpoint, error) {
	c, err := openCheckpoint(signed, p.log, p.witnesses)
	if err != nil {
		return nil, err
	}
	c.quorum = p.quorum
	// A cosignature from the future says nothing about now.
	latest := p.now().Add(maxSkew)
	c.Cosignatures = slices.DeleteFunc(c.Cosignatures, func(s Cosignature) bool { return s.Time.After(latest) })
	if len(c.Cosignatures) < p.quorum {
		short := &QuorumError{Origin: c.Origin, Size: c.Size, Want: p.quorum}
		for _, w := range p.witnesses {
			if !slices.ContainsFunc(c.Cosignatures, func(s Cosignature) bool { return s.Witness == w.name }) {
				short.Missing = append(short.Missing, w.name)
			}
		}
		return nil, short
	}
	return c, nil
}

// openCheckpoint checks the log's signature, and those cosignatures that are by the witnesses.
func openCheckpoint(signed []byte, log *key, witnesses []*key) (*Checkpoint, error) {
	text, sigs, err := openNote(signed, log, witnesses)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	if c.Origin != log.name {
		return nil, reject(ErrOrigin, log.name, "this is a checkpoint of %.80q", c.Origin)
	}
	c.note = string(signed)
	for _, s := range sigs {
		if s.Hash != log.id || s.Name != log.name {
			c.Cosignatures = append(c.Cosignatures, Cosignature{Witness: s.Name, Time: cosignedAt(s)})
		}
	}
	slices.SortStableFunc(c.Cosignatures, func(a, b Cosignature) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Witness, b.Witness))
	})
	return c, nil
}

// openNote checks a signed note: by the log, and by any of the witnesses. Signatures by others are
// passed over; a bad one by any of these makes the note bad (C2SP signed-note).
func openNote(signed []byte, log *key, witnesses []*key) (text string, sigs []note.Signature, err error) {
	if len(signed) > maxNote {
		return "", nil, reject(ErrMalformed, log.name, "a note of %d bytes; at most %d are read", len(signed), maxNote)
	}
	known := make([]note.Verifier, 0, 1+len(witnesses))
	known = append(known, log)
	for _, w := range witnesses {
		known = append(known, w)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	var bad *note.InvalidSignatureError
	var none *note.UnverifiedNoteError
	switch {
	case errors.As(err, &bad):
		return "", nil, reject(ErrSignature, log.name, "that of %s", bad.Name)
	case errors.As(err, &none):
		return "", nil, reject(ErrSignature, log.name, "there is none by the log's key: is the verifier key still its own?")
	case err != nil:
		return "", nil, reject(ErrMalformed, log.name, "%w", err)
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return "", nil, reject(ErrMalformed, log.name, "the signature of %s: %w", s.Name, err)
		}
	}
	if !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == log.name && s.Hash == log.id }) {
		return "", nil, reject(ErrSignature, log.name, "witnesses have signed, but not the log")
	}
	return n.Text, n.Sigs, nil
}

// formatCheckpoint returns the text that a log signs.
func formatCheckpoint(origin string, size int64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))
}

// parseCheckpoint reads the text of a checkpoint (C2SP tlog-checkpoint, "Note text").
func parseCheckpoint(text string) (*Checkpoint, error) {
	bad := func(format string, args ...any) (*Checkpoint, error) {
		return nil, reject(ErrMalformed, "", "checkpoint: "+format, args...)
	}
	body, ok := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ok || len(lines) < 3 || slices.Contains(lines, "") {
		return bad("want three lines or more, none of them empty")
	}
	size, err := parseSize(lines[1])
	if err != nil {
		return bad("size: %w", err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return bad("root hash: %w", err)
	}
	if size == 0 && root != sha256.Sum256(nil) {
		return bad("an empty tree has the hash of no bytes, this one has another")
	}
	return &Checkpoint{Origin: lines[0], Size: size, Root: root, text: text}, nil
}

// parseSize reads a number of leaves: ASCII decimal without leading zeroes.
func parseSize(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxSize || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%.30q is not a decimal number from 0 to 2^48 without leading zeroes", text)
	}
	return n, nil
}

func parseHash(text string) (h tlog.Hash, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(h) || len(text) != 44 {
		return h, fmt.Errorf("%.60q is not 32 bytes in base64", text)
	}
	return tlog.Hash(b), nil
}

func (c *Checkpoint) tree() tlog.Tree { return tlog.Tree{N: c.Size, Hash: c.Root} }
