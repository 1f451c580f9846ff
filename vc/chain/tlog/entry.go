package tlog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/hourmeter/hourmeter/vc"
)

const (
	// MaxSequence is the highest sequence of an entry: that of a record (package chain).
	MaxSequence = 1<<53 - 2

	leafBytes = 32 + 8 + 32 // key ‖ sequence ‖ digest
)

// A Salt keeps a log from telling which record its leaves are of. It is made
// once, kept and handed on with the record, and never changes.
//
// It is no key and signs nothing: who has it and knows the record's chain finds
// the record's leaves, as every reader of the record must. So it goes where the
// record goes and nowhere else: [Salt.String] does not show it;
// [Salt.MarshalText] writes it.
//
// What it hides is whose the leaves are, not that they belong together: all
// leaves of a record have one [Key], or nobody could check that a log keeps the
// rule of [Log.Append]. So everybody sees how many entries each record has, and
// when they came. And who holds a single credential of a record finds its leaf by
// its digest, and so the key.
//
// The zero Salt hides nothing and is refused everywhere.
type Salt [32]byte

// NewSalt returns a random salt for a new record.
func NewSalt() Salt {
	var s Salt
	rand.Read(s[:]) // never fails (crypto/rand)
	return s
}

// IsZero reports whether s is no salt.
func (s Salt) IsZero() bool { return s == Salt{} }

// String does not show the salt, so that no message or dump does by accident.
func (s Salt) String() string { return "(salt, not shown)" }

// GoString does not show the salt.
func (s Salt) GoString() string { return s.String() }

// MarshalText writes the salt, to keep it: 43 characters of base64url. The zero
// Salt is empty text.
func (s Salt) MarshalText() ([]byte, error) {
	if s.IsZero() {
		return nil, nil
	}
	return base64.RawURLEncoding.AppendEncode(nil, s[:]), nil
}

// UnmarshalText reads what [Salt.MarshalText] writes.
func (s *Salt) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Salt{}
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(string(text))
	if err != nil || len(b) != len(s) {
		return fmt.Errorf("tlog: a salt is 32 bytes as 43 characters of base64url; this is not")
	}
	copy(s[:], b)
	return nil
}

// Key returns the key under which a log holds the entries of the record with
// this chain. It is zero, and refused everywhere, if the salt or the chain is.
func (s Salt) Key(chain vc.Digest) Key {
	if s.IsZero() || chain.IsZero() {
		return Key{}
	}
	return sha256.Sum256(append(s[:], chain[:]...))
}

// A Key names a record to a log, without saying which machine's it is:
// SHA-256(salt ‖ chain), see [Salt.Key].
type Key [32]byte

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k == Key{} }

// String returns 64 lower-case hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseKey reads what [Key.String] writes.
func ParseKey(text string) (Key, error) {
	var k Key
	if len(text) != 2*len(k) {
		return k, fmt.Errorf("tlog: key %.80q is not 64 hexadecimal digits", text)
	}
	b, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(b) != text || Key(b).IsZero() {
		return k, fmt.Errorf("tlog: key %.80q is not 64 lower-case hexadecimal digits, or zero", text)
	}
	return Key(b), nil
}

// An Entry is what a log holds of one entry of a record.
type Entry struct {
	Key      Key       // of the record
	Sequence int64     // place in the record: 0 to MaxSequence
	Digest   vc.Digest // of the credential
}

// Leaf returns the entry as a leaf of the log, 72 bytes:
// key (32) ‖ sequence (8, big-endian) ‖ digest (32).
func (e Entry) Leaf() []byte {
	b := make([]byte, 0, leafBytes)
	b = append(b, e.Key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Sequence))
	return append(b, e.Digest[:]...)
}

// ParseEntry reads what [Entry.Leaf] writes.
func ParseEntry(leaf []byte) (Entry, error) {
	if len(leaf) != leafBytes {
		return Entry{}, fmt.Errorf("tlog: a leaf of %d bytes is no entry of a record: that has %d", len(leaf), leafBytes)
	}
	sequence := binary.BigEndian.Uint64(leaf[32:])
	if sequence > MaxSequence {
		return Entry{}, fmt.Errorf("tlog: a leaf with sequence %d is no entry of a record: the highest is 2^53-2", sequence)
	}
	e := Entry{Key: Key(leaf[:32]), Sequence: int64(sequence), Digest: vc.Digest(leaf[40:])}
	return e, e.check()
}

func (e Entry) check() error {
	switch {
	case e.Key.IsZero():
		return fmt.Errorf("tlog: an entry has no key: a record needs a salt and a chain")
	case e.Digest.IsZero():
		return fmt.Errorf("tlog: entry %d of %s has no digest", e.Sequence, e.Key)
	case e.Sequence < 0 || e.Sequence > MaxSequence:
		return fmt.Errorf("tlog: entry %d of %s: sequences are 0 to 2^53-2", e.Sequence, e.Key)
	}
	return nil
}
