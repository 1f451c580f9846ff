package tlog

import (
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/vc"
)

// An edge is the right edge of a tree: for each level of tiles the hashes of the tile that is not
// full. It is all it takes to go on: at most 255 hashes a level.
type edge struct {
	size   int64
	levels [][]tlog.Hash
}

func (e *edge) clone() edge {
	c := edge{size: e.size, levels: make([][]tlog.Hash, len(e.levels))}
	for i, l := range e.levels {
		c.levels[i] = append(make([]tlog.Hash, 0, tileWidth), l...)
	}
	return c
}

// push adds a leaf, and calls full, if there is one, with each tile that has become full.
func (e *edge) push(leaf tlog.Hash, full func(level int, n int64, hashes []tlog.Hash) error) error {
	e.size++
	for level := 0; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, make([]tlog.Hash, 0, tileWidth))
		}
		e.levels[level] = append(e.levels[level], leaf)
		if len(e.levels[level]) < tileWidth {
			return nil
		}
		if full != nil {
			if err := full(level, e.size>>(tileHeight*(level+1))-1, e.levels[level]); err != nil {
				return err
			}
		}
		leaf = perfect(e.levels[level])
		e.levels[level] = e.levels[level][:0]
	}
}

// root returns the hash of the tree (RFC 6962 §2.1): the perfect subtrees on the edge, joined from
// the right.
func (e *edge) root() tlog.Hash {
	var root tlog.Hash
	some := false
	for _, hashes := range e.levels {
		for len(hashes) > 0 {
			// The rightmost perfect subtree has as many hashes as the lowest bit says.
			n := 1 << bits.TrailingZeros(uint(len(hashes)))
			sub := perfect(hashes[len(hashes)-n:])
			hashes = hashes[:len(hashes)-n]
			if some {
				root = tlog.NodeHash(sub, root)
			} else {
				root, some = sub, true
			}
		}
	}
	if !some {
		root, _ = tlog.TreeHash(0, nil) // the hash of no bytes
	}
	return root
}

// perfect returns the hash of a perfect subtree: len(hashes) is a power of two.
func perfect(hashes []tlog.Hash) tlog.Hash {
	var row [tileWidth]tlog.Hash
	n := copy(row[:], hashes)
	for ; n > 1; n /= 2 {
		for i := range n / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
	}
	return row[0]
}

// concat returns the hashes as the bytes of a tile.
func concat(hashes []tlog.Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// An index finds the entries of a record among the leaves of a log.
type index struct {
	entries []Entry       // the leaves
	prev    []int64       // for each leaf that of the entry before it in its record; -1 if there is none
	newest  map[Key]int64 // leaf of the newest entry

	// first holds the leaf of each record's entry 0, whose digest is the record's chain.
	first map[vc.Digest]int64
}

// next checks the rule of the log: sequences of a record are 0, 1, 2 and so on, and a record has one
// key. held is the newest entry so far; if the record is there under another key, its entry 0.
//
// With a second salt a record could be logged twice, the second time without its end, and a reader
// be given that salt. Entry 0 is the same under both.
func (x *index) next(e Entry) (held Entry, leaf int64, ok bool) {
	leaf, found := x.newest[e.Key]
	if !found {
		if leaf, twice := x.first[e.Digest]; twice && e.Sequence == 0 {
			return x.entries[leaf], leaf, false
		}
		return Entry{Key: e.Key, Sequence: -1}, -1, e.Sequence == 0
	}
	held = x.entries[leaf]
	return held, leaf, e.Sequence == held.Sequence+1
}

// add takes in an entry that next has found good.
func (x *index) add(e Entry) int64 {
	leaf := int64(len(x.entries))
	prev, found := x.newest[e.Key]
	if !found {
		prev = -1
	}
	if x.newest == nil {
		x.newest, x.first = map[Key]int64{}, map[vc.Digest]int64{}
	}
	if e.Sequence == 0 {
		x.first[e.Digest] = leaf
	}
	x.entries = append(x.entries, e)
	x.prev = append(x.prev, prev)
	x.newest[e.Key] = leaf
	return leaf
}

// find returns the leaf of an entry by its record and sequence. There is one: the record has a
// newer one.
func (x *index) find(k Key, sequence int64) int64 {
	leaf := x.newest[k]
	for x.entries[leaf].Sequence > sequence {
		leaf = x.prev[leaf]
	}
	return leaf
}

// of returns the leaves of a record in the tree of a size, by rising sequence.
func (x *index) of(k Key, size int64) []int64 {
	leaf, found := x.newest[k]
	if !found {
		return nil
	}
	for leaf >= size {
		leaf = x.prev[leaf]
	}
	if leaf < 0 {
		return nil
	}
	leaves := make([]int64, x.entries[leaf].Sequence+1)
	for i := len(leaves) - 1; i >= 0; i-- {
		leaves[i] = leaf
		leaf = x.prev[leaf]
	}
	return leaves
}

// ReadHashes returns stored hashes of the tree of all entries, computed from those below. It makes an
// index a tlog.HashReader, for the rare case that takes a proof and no tiles.
func (x *index) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, stored := range indexes {
		level, n := tlog.SplitStoredHashIndex(stored)
		if (n+1)<<level > int64(len(x.entries)) {
			return nil, errors.New("tlog: there is no such hash in the tree")
		}
		hashes[i] = x.hash(level, n)
	}
	return hashes, nil
}

func (x *index) hash(level int, n int64) tlog.Hash {
	if level == 0 {
		return tlog.RecordHash(x.entries[n].Leaf())
	}
	return tlog.NodeHash(x.hash(level-1, 2*n), x.hash(level-1, 2*n+1))
}
