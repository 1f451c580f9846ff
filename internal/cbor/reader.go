package cbor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// MaxDepth is how deep [Reader.Skip] follows arrays, maps and tags. Nothing that a header or a
// claim holds nests deeper than four.
const MaxDepth = 16

// An Item is a data item, or the head of one that holds others.
type Item struct {
	Kind  Kind
	N     uint64  // the integer; of a Nint, -1 less it; how many items an Array holds, how many pairs a Map; the number of a Tag
	Data  []byte  // of Bytes and Text: a part of what is read
	Float float64 // of a Float
}

// Int64 returns an integer. It reports false for any other kind, and for one that int64 does not hold.
func (i Item) Int64() (int64, bool) {
	switch {
	case i.N > math.MaxInt64 || i.Kind > Nint:
		return 0, false
	case i.Kind == Nint:
		return ^int64(i.N), true
	}
	return int64(i.N), true
}

// A Reader reads a sequence of data items. It keeps no copy of the bytes.
//
// Refused are: a length, number or fraction that a shorter form would hold (RFC 8949 §4.2.1),
// indefinite lengths (§3.2.1), text that is not UTF-8, numbers that are not finite, undefined and
// other simple values than false, true and null, and what ends too early.
type Reader struct {
	data []byte
	at   int
}

// NewReader returns a Reader at the beginning of data, which must not change while it is read.
func NewReader(data []byte) *Reader { return &Reader{data: data} }

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.at }

// End returns an error unless everything has been read.
func (r *Reader) End() error {
	if r.at < len(r.data) {
		return r.fault(r.at, fmt.Sprintf("%d bytes follow where the item ends", len(r.data)-r.at))
	}
	return nil
}

func (r *Reader) fault(at int, msg string) error { return fmt.Errorf("CBOR, byte %d: %s", at, msg) }

// Next reads one item. Of an array, a map and a tag it reads the head: what they hold comes next.
func (r *Reader) Next() (Item, error) {
	start := r.at
	if start == len(r.data) {
		return Item{}, r.fault(start, "an item is missing")
	}
	first := r.data[start]
	r.at++
	major, n := first>>5, uint64(first&0x1f)
	if n >= 24 {
		if n > 27 {
			if n == 31 {
				return Item{}, r.fault(start, "an indefinite length: send definite ones")
			}
			return Item{}, r.fault(start, "a reserved form")
		}
		size := 1 << (n - 24)
		if len(r.data)-r.at < size {
			return Item{}, r.fault(start, "cut short")
		}
		var wide [8]byte
		copy(wide[8-size:], r.data[r.at:r.at+size])
		n = binary.BigEndian.Uint64(wide[:])
		r.at += size
		if major == 7 {
			return r.float(start, size, n)
		}
		if n < 24 || size > 1 && n>>(4*size) == 0 {
			return Item{}, r.fault(start, "a number that is not in its shortest form")
		}
	}
	left := uint64(len(r.data) - r.at)
	i := Item{Kind: Kind(major), N: n}
	switch i.Kind {
	case Bytes, Text:
		if n > left {
			return Item{}, r.fault(start, fmt.Sprintf("%s of %d bytes, where %d are left", i.Kind, n, left))
		}
		i.Data = r.data[r.at : r.at+int(n) : r.at+int(n)]
		r.at += int(n)
		if i.Kind == Text && !utf8.Valid(i.Data) {
			return Item{}, r.fault(start, "text that is not UTF-8")
		}
	case Array, Map:
		least := n // one byte an item
		if i.Kind == Map && n <= left {
			least = 2 * n
		}
		if least > left {
			return Item{}, r.fault(start, fmt.Sprintf("%s of %d, where %d bytes are left", i.Kind, n, left))
		}
	case 7:
		switch n {
		case 20, 21, 22:
			return Item{Kind: False + Kind(n-20)}, nil
		}
		return Item{}, r.fault(start, fmt.Sprintf("the simple value %d: known are false, true and null", n))
	}
	return i, nil
}

// float reads the number whose bits, size bytes of them, have been read.
func (r *Reader) float(start, size int, bits uint64) (Item, error) {
	var f float64
	switch size {
	case 1:
		return Item{}, r.fault(start, fmt.Sprintf("the simple value %d: known are false, true and null", bits))
	case 2:
		f = fromHalf(uint16(bits))
	case 4:
		f = float64(math.Float32frombits(uint32(bits)))
	case 8:
		f = math.Float64frombits(bits)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Item{}, r.fault(start, "a number that is not finite")
	}
	if len(AppendFloat(nil, f)) != 1+size {
		return Item{}, r.fault(start, "a number that is not in its shortest form")
	}
	return Item{Kind: Float, Float: f}, nil
}

// Want reads one item that must be of this kind.
func (r *Reader) Want(k Kind) (Item, error) {
	start := r.at
	i, err := r.Next()
	if err == nil && i.Kind != k {
		err = r.fault(start, fmt.Sprintf("%s, want %s", i.Kind, k))
	}
	return i, err
}

// Int reads an integer.
func (r *Reader) Int() (int64, error) {
	start := r.at
	i, err := r.Next()
	n, ok := i.Int64()
	if err == nil && !ok {
		err = r.fault(start, "want an integer of at most 63 bits")
	}
	return n, err
}

// Bytes reads a byte string. It is a part of what is read: do not change it.
func (r *Reader) Bytes() ([]byte, error) {
	i, err := r.Want(Bytes)
	return i.Data, err
}

// Text reads a text string.
func (r *Reader) Text() (string, error) {
	i, err := r.Want(Text)
	return string(i.Data), err
}

// Pairs reads a map. For each pair it reads the key, an integer or text, and calls f, which has to
// read the value and nothing else. A key that is there twice is an error.
func (r *Reader) Pairs(f func(key Item) error) error {
	m, err := r.Want(Map)
	if err != nil {
		return err
	}
	var k Item
	key := func() (err error) {
		start := r.at
		if k, err = r.Next(); err == nil && k.Kind > Nint && k.Kind != Text {
			err = r.fault(start, fmt.Sprintf("%s as a key, want an integer or text", k.Kind))
		}
		return err
	}
	return r.pairs(m.N, key, func() error { return f(k) })
}

// pairs reads n pairs with the given functions and makes sure that all keys differ. In ascending
// order each needs to be compared with the one before it; in any other they are sorted.
func (r *Reader) pairs(n uint64, key, value func() error) error {
	keys := make([][]byte, 0, min(n, 16))
	ascending := true
	for range n {
		start := r.at
		if err := key(); err != nil {
			return err
		}
		k := r.data[start:r.at]
		if len(keys) > 0 && bytes.Compare(keys[len(keys)-1], k) >= 0 {
			ascending = false
		}
		keys = append(keys, k)
		if err := value(); err != nil {
			return err
		}
	}
	if ascending {
		return nil
	}
	slices.SortFunc(keys, bytes.Compare)
	for i, k := range keys[1:] {
		if bytes.Equal(keys[i], k) {
			return r.fault(r.at, "the map has a key twice: readers disagree on which one counts")
		}
	}
	return nil
}

// Skip reads one item with all that it holds, at most [MaxDepth] deep, and returns its bytes. It
// is as strict as [Reader.Next], and no map in it has a key twice.
func (r *Reader) Skip() ([]byte, error) {
	start := r.at
	err := r.skip(MaxDepth)
	return r.data[start:r.at], err
}

func (r *Reader) skip(depth int) error {
	start := r.at
	i, err := r.Next()
	if err != nil {
		return err
	}
	if depth == 0 && (i.Kind == Array || i.Kind == Map || i.Kind == Tag) {
		return r.fault(start, fmt.Sprintf("nested more than %d deep", MaxDepth))
	}
	down := func() error { return r.skip(depth - 1) }
	switch i.Kind {
	case Array, Tag:
		items := i.N
		if i.Kind == Tag {
			items = 1
		}
		for range items {
			if err := down(); err != nil {
				return err
			}
		}
	case Map:
		return r.pairs(i.N, down, down)
	}
	return nil
}
