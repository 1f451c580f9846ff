// Package chain links the credentials about one machine into a record that
// shows when something is missing.
//
//   - [Head.Append] makes a credential the next entry of a record, before it is
//     signed. [Head.Advance] moves the head on, once it is signed and verified.
//   - [New] checks a whole record and gives a [History]. [NewDisclosed] takes one
//     with entries withheld and says how many, and how bad, they are.
//   - [VerifyEquivocation] checks evidence that a record was written twice.
//
// Each entry is a credential by whoever witnessed the event. Its member
// "record", a [Link], names the entry before it by digest and counts what
// happened so far, all under the credential's own proof.
//
// The danger: a History shows that nothing is missing before its newest entry.
// It cannot show that nothing came after, nor whether an event was ever entered:
// the former takes a log (completeness classes [C3] and [C4]), and the latter
// nothing can show. Nor does a chain say whose word to believe: anybody who
// knows the head of a record can sign an entry that claims to follow it.
//
// # Who has to sign what
//
// A machine's owner of record is who issued its commission, until an entry
// transfer names another. Two readers of one record always agree who that is,
// since nothing but the record decides it.
//
//   - open is signed by the machine or its owner, and by one party more.
//   - transfer is an OwnershipTransferCredential, signed by its source, who is the
//     owner, and by its destination, who is the next.
//   - rotate and retire are signed by the machine or its owner. The machine's key is
//     reported as compromised by either, the owner's by the owner.
//   - commission, close, observe and amend need their issuer's signature only:
//     the holder must not be able to veto bad news.
package chain

import "fmt"

// Limits of a record.
const (
	// MaxOpen is the most obligations that are open at once. A leased, insured
	// machine under warranty has a handful; the limit keeps a head below 64 kB.
	MaxOpen = 256

	// MaxRevokes is the most keys that one entry rotate reports as compromised, and
	// MaxRevoked the most of a whole record: heads carry them.
	MaxRevokes = 8
	MaxRevoked = 32

	// maxMethod bounds the name of a verification method, in bytes: a did:jwk of a
	// P-521 key has some 300.
	maxMethod = 512

	// maxHead bounds a head as JSON, in bytes: MaxOpen obligations of at most 100
	// bytes, MaxRevoked keys of at most 600, three identifiers, and room.
	maxHead = 64 << 10

	// maxClass bounds the name of an obligation's class, in bytes: heads carry it.
	maxClass = 32

	// maxDefects is the most defects that are named at once. A stranger's record
	// can have one in every entry, and nobody reads ten thousand.
	maxDefects = 64
)

// Completeness says what a history shows about entries that are not in it. It
// caps the score.
type Completeness int

// The classes of completeness, in rising order.
const (
	C0 Completeness = iota // isolated credentials: anything may be missing
	C1                     // a chain with gaps, which are disclosed
	C2                     // a complete hash chain up to its newest entry
	C3                     // complete up to a head that a log's witnesses have seen, not lately
	C4                     // complete up to a head that a log's witnesses have seen lately
)

// String returns "C0" to "C4".
func (c Completeness) String() string { return fmt.Sprintf("C%d", int(c)) }

// MarshalText implements [encoding.TextMarshaler].
func (c Completeness) MarshalText() ([]byte, error) {
	if c < C0 || c > C4 {
		return nil, fmt.Errorf("chain: there is no completeness class %d", int(c))
	}
	return []byte(c.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Completeness) UnmarshalText(text []byte) error {
	for class := C0; class <= C4; class++ {
		if string(text) == class.String() {
			*c = class
			return nil
		}
	}
	return fmt.Errorf("chain: there is no completeness class %.20q", text)
}
