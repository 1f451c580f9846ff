package status

import (
	"fmt"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

// MinEntries is how many entries a list has at least (Bitstring Status List 1.0 §3.2): among fewer
// credentials, whoever asks for the list is easily told apart.
const MinEntries = 131_072

// maxSize is the widest statusSize that is read, in bits: an entry of 8 bits has to list 256 messages.
const maxSize = 8

// A BitstringList holds one status for each of many credentials, as Bitstring Status List 1.0 §3.3
// lays them out: index 0 is at the left, in the most significant bits of the first byte. It is not
// safe for concurrent use while somebody calls Set.
type BitstringList struct {
	bits []byte
	size int // of a status, in bits
}

// NewBitstringList returns a list of zeros, of at least [MinEntries] entries of size bits, 1 to 8.
func NewBitstringList(entries, size int) (*BitstringList, error) {
	if size < 1 || size > maxSize {
		return nil, fmt.Errorf("status: entries of %d bits, want 1 to %d", size, maxSize)
	}
	if entries < MinEntries {
		return nil, fmt.Errorf("status: %d entries, a list has at least %d", entries, MinEntries)
	}
	if entries > MaxListBytes*8/size {
		return nil, fmt.Errorf("status: %d entries of %d bits, at most %d are read", entries, size, MaxListBytes*8/size)
	}
	return &BitstringList{make([]byte, (entries*size+7)/8), size}, nil
}

// DecodeBitstringList reads an encodedList (§3.4) whose entries have size bits: multibase base64url
// around one GZIP member. It reads lists of any length up to [MaxListBytes]; whether one is long
// enough is for the reader's rules.
func DecodeBitstringList(encodedList string, size int) (*BitstringList, error) {
	if size < 1 || size > maxSize {
		return nil, fmt.Errorf("status: entries of %d bits, want 1 to %d", size, maxSize)
	}
	bits, err := decodeBitstring(encodedList)
	if err != nil {
		return nil, err
	}
	return &BitstringList{bits, size}, nil
}

func decodeBitstring(encodedList string) ([]byte, error) {
	packed, err := multikey.DecodeBase64URL(encodedList, MaxPackedBytes)
	if err != nil {
		return nil, fmt.Errorf("status: encodedList: %w", err)
	}
	bits, err := unpack(packed, gunzip)
	if err != nil {
		return nil, fmt.Errorf("status: encodedList: %w", err)
	}
	return bits, nil
}

// Encode returns the list as an encodedList.
func (l *BitstringList) Encode() (string, error) {
	packed, err := pack(l.bits, gunzip)
	if err != nil {
		return "", fmt.Errorf("status: encodedList: %w", err)
	}
	return multikey.EncodeBase64URL(packed), nil
}

// Len returns how many entries fit in the list.
func (l *BitstringList) Len() int { return len(l.bits) * 8 / l.size }

// Size returns the bits of an entry.
func (l *BitstringList) Size() int { return l.size }

// Get returns the status at index. Outside of the list the error is an [*Error] of [RangeError].
func (l *BitstringList) Get(index int) (int, error) {
	if index < 0 || index >= l.Len() {
		return 0, outside(index, l.Len())
	}
	at, shift := l.place(index)
	two := uint16(l.bits[at]) << 8
	if at+1 < len(l.bits) {
		two |= uint16(l.bits[at+1])
	}
	return int(two>>shift) & l.max(), nil
}

// Set changes the status at index. Revocation and refresh are for good (§2.1): whoever takes one
// back breaks a promise that this method does not know of.
func (l *BitstringList) Set(index, value int) error {
	if index < 0 || index >= l.Len() {
		return outside(index, l.Len())
	}
	if value < 0 || value > l.max() {
		return fmt.Errorf("status: %d does not fit in %d bits", value, l.size)
	}
	at, shift := l.place(index)
	mask, two := uint16(l.max())<<shift, uint16(value)<<shift
	l.bits[at] = l.bits[at]&^byte(mask>>8) | byte(two>>8)
	if at+1 < len(l.bits) {
		l.bits[at+1] = l.bits[at+1]&^byte(mask) | byte(two)
	}
	return nil
}

// place returns the byte where an entry begins, and how far it is from the right end of the
// following byte: entries of 3, 5, 6 and 7 bits may lie in two.
func (l *BitstringList) place(index int) (at, shift int) {
	bit := index * l.size
	return bit / 8, 16 - bit%8 - l.size
}

func (l *BitstringList) max() int { return 1<<l.size - 1 }
