package status

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// A TokenList holds one status for each of many tokens, as Token Status List §4.1 lays them out:
// index 0 is in the least significant bits of the first byte. It is not safe for concurrent use
// while somebody calls Set.
type TokenList struct {
	list []byte
	bits int
}

// The statuses that Token Status List §7.1 defines. 0x03 and 0x0C to 0x0F mean what an application
// says, and all others nothing yet.
const (
	Valid     = 0x00 // "VALID"
	Invalid   = 0x01 // "INVALID": revoked, annulled, taken back
	Suspended = 0x02 // "SUSPENDED": invalid for some time
)

// NewTokenList returns a list of zeros, of entries of 1, 2, 4 or 8 bits.
func NewTokenList(entries, bits int) (*TokenList, error) {
	if err := checkBits(bits); err != nil {
		return nil, err
	}
	if entries < 1 || entries > MaxListBytes*8/bits {
		return nil, fmt.Errorf("status: %d entries of %d bits, want 1 to %d", entries, bits, MaxListBytes*8/bits)
	}
	return &TokenList{make([]byte, (entries*bits+7)/8), bits}, nil
}

func checkBits(bits int) error {
	switch bits {
	case 1, 2, 4, 8:
		return nil
	}
	return fmt.Errorf("status: entries of %d bits, want 1, 2, 4 or 8", bits)
}

// DecodeTokenList reads the lst of a status_list in JSON (§4.2): base64url without padding around
// ZLIB.
func DecodeTokenList(lst string, bits int) (*TokenList, error) {
	if base64.RawURLEncoding.DecodedLen(len(lst)) > MaxPackedBytes {
		return nil, fmt.Errorf("status: lst: %d characters are too many for %d bytes", len(lst), MaxPackedBytes)
	}
	packed, err := base64.RawURLEncoding.Strict().DecodeString(lst)
	if err != nil || strings.ContainsAny(lst, "\r\n") { // which even a strict Encoding skips
		return nil, fmt.Errorf("status: lst: %.40q is not base64url without padding", lst)
	}
	return UnpackTokenList(packed, bits)
}

// UnpackTokenList reads the lst of a StatusList in CBOR (§4.3): ZLIB.
func UnpackTokenList(lst []byte, bits int) (*TokenList, error) {
	if err := checkBits(bits); err != nil {
		return nil, err
	}
	list, err := unpack(lst, inflate)
	if err != nil {
		return nil, fmt.Errorf("status: lst: %w", err)
	}
	return &TokenList{list, bits}, nil
}

// Encode returns the lst of a status_list in JSON.
func (l *TokenList) Encode() (string, error) {
	packed, err := l.Pack()
	return base64.RawURLEncoding.EncodeToString(packed), err
}

// Pack returns the lst of a StatusList in CBOR.
func (l *TokenList) Pack() ([]byte, error) {
	packed, err := pack(l.list, inflate)
	if err != nil {
		return nil, fmt.Errorf("status: lst: %w", err)
	}
	return packed, nil
}

// Len returns how many entries fit in the list.
func (l *TokenList) Len() int { return len(l.list) * 8 / l.bits }

// Bits returns the bits of an entry.
func (l *TokenList) Bits() int { return l.bits }

// Get returns the status at index. Outside of the list the error is an [*Error] of [RangeError].
func (l *TokenList) Get(index int) (int, error) {
	if index < 0 || index >= l.Len() {
		return 0, outside(index, l.Len())
	}
	return int(l.list[index*l.bits/8]>>(index*l.bits%8)) & (1<<l.bits - 1), nil
}

// Set changes the status at index.
func (l *TokenList) Set(index, value int) error {
	if index < 0 || index >= l.Len() {
		return outside(index, l.Len())
	}
	mask := 1<<l.bits - 1
	if value < 0 || value > mask {
		return fmt.Errorf("status: %d does not fit in %d bits", value, l.bits)
	}
	at, shift := index*l.bits/8, index*l.bits%8
	l.list[at] = l.list[at]&^byte(mask<<shift) | byte(value<<shift)
	return nil
}
