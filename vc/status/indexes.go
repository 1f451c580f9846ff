package status

import (
	"crypto/rand"
	"errors"
	"math/big"
	"math/bits"
	"sync"
)

// Indexes hands out the places of a list, each once, in an order that nobody can foresee: an index
// that grew with time would tell when a credential was issued, and how many there are (Bitstring
// Status List 1.0 §2.1, Token Status List §13.2). It is safe for concurrent use.
type Indexes struct {
	mu   sync.Mutex
	used []byte // one bit a place, as in a BitstringList
	n    int    // places
	free int
}

// ErrFull says that every place of a list is taken: begin another list.
var ErrFull = errors.New("status: every index of the list is taken")

// NewIndexes starts with a list whose entries are set where an index is taken already; nobody may
// use that list afterwards. Its entries have one bit, whatever those of the list of statuses have.
func NewIndexes(taken *BitstringList) (*Indexes, error) {
	if taken.size != 1 {
		return nil, errors.New("status: the list of indexes that are taken has entries of one bit")
	}
	x := &Indexes{used: taken.bits, n: taken.Len(), free: taken.Len()}
	for _, b := range x.used {
		x.free -= bits.OnesCount8(b)
	}
	return x, nil
}

// Take returns an index that was free, each with the same chance. If there is none the error is
// [ErrFull]. Store what [Indexes.Encode] returns before the credential leaves the house: an index
// that is forgotten would be given to a second credential, and revoking one would revoke both.
func (x *Indexes) Take() (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.free == 0 {
		return 0, ErrFull
	}
	pick, err := rand.Int(rand.Reader, big.NewInt(int64(x.free)))
	if err != nil {
		return 0, err
	}
	rank := int(pick.Int64()) // the rank-th free place: find its byte, then its bit
	for at, b := range x.used {
		if open := bits.OnesCount8(^b); rank >= open {
			rank -= open
			continue
		}
		for bit := 0; ; bit++ {
			if b<<bit&0x80 != 0 {
				continue
			}
			if rank == 0 {
				x.used[at] |= 0x80 >> bit
				x.free--
				return at*8 + bit, nil
			}
			rank--
		}
	}
	panic("status: Indexes counts free places that are not there") // unreachable: free is the number of zeros
}

// Free returns how many indexes are left.
func (x *Indexes) Free() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.free
}

// Encode returns which indexes are taken, as an encodedList for [DecodeBitstringList].
func (x *Indexes) Encode() (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return (&BitstringList{x.used, 1}).Encode()
}
