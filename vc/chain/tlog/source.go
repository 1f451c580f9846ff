package tlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Names of a log's files, in its folder and below its URL.
const (
	checkpointFile = "checkpoint" // C2SP tlog-tiles
	tilePrefix     = "tile/"      // C2SP tlog-tiles: tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>]
	archivePrefix  = "archive/"   // archive/<size>: the earliest cosignatures on the checkpoint of that size
	recordPrefix   = "record/"    // record/<size>/<key>: what the log says of a record, as of that size
)

const (
	tileHeight = 8               // levels of the tree in a tile (C2SP tlog-tiles)
	tileWidth  = 1 << tileHeight // hashes in a full tile, entries in a full bundle

	// leavesTogether is how many leaves of a record are looked up at once. Each may be far from all
	// others, so that it takes a tile of each level, and nothing is checked before all are there.
	leavesTogether = 64

	// maxTiles is how many checked tiles a grove keeps: 16 MiB.
	maxTiles = 2048

	// maxFile bounds a file that Dir reads, in bytes: a record's list of maxEntries is the longest.
	maxFile = 4 << 20
)

// A Source gives the files of a log, from a folder or over a network. Nothing
// that it gives is believed before it is checked.
type Source interface {
	// ReadFile returns the file with this path, such as "checkpoint",
	// "tile/0/x001/234.p/5" or "tile/entries/000". If there is none the error wraps
	// fs.ErrNotExist. The caller does not change the slice.
	ReadFile(ctx context.Context, path string) ([]byte, error)
}

// Dir returns the files of the log in a folder: that of a [Log], or a mirror of
// one. A folder does not answer for "record/": read it with [Reader.Scan].
func Dir(folder string) Source { return dir(folder) }

type dir string

func (d dir) ReadFile(_ context.Context, path string) ([]byte, error) {
	if !isPublic(path) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	f, err := os.OpenInRoot(string(d), filepath.FromSlash(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		return nil, corrupt(path, "it has more than %d bytes", maxFile)
	}
	return b, err
}

// isPublic reports whether a path is one of those that a log shows to everybody.
func isPublic(path string) bool {
	return fs.ValidPath(path) && strings.Trim(path, "abcdefghijklmnopqrstuvwxyz0123456789/.") == "" &&
		(path == checkpointFile || strings.HasPrefix(path, tilePrefix) || strings.HasPrefix(path, archivePrefix))
}

// tilePath is the path of a tile in C2SP tlog-tiles, which has no height; level -1 is entries.
func tilePath(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), "tile/8/")
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return tilePrefix + path
}

// archivePath is the path of an archived checkpoint: its size as tlog-tiles writes an index.
func archivePath(size int64) string {
	full := tlog.Tile{H: tileHeight, L: 0, N: size, W: tileWidth}
	return archivePrefix + strings.TrimPrefix(full.Path(), "tile/8/0/")
}

func recordPath(size int64, k Key) string { return fmt.Sprintf("%s%d/%s", recordPrefix, size, k) }

// widthAt is the width of tile n at a level of a tree of this size: 0 if there is none.
func widthAt(size int64, level int, n int64) int {
	return int(max(0, min(tileWidth, size>>(tileHeight*level)-n*tileWidth)))
}

// readTile returns what a source has for a tile. A log may delete a partial tile once it has the
// full one: then that is cut. entry is how many bytes one element has; 0 for entries, which are cut
// by their own lengths.
func readTile(ctx context.Context, source Source, t tlog.Tile) ([]byte, error) {
	path := tilePath(t)
	data, err := source.ReadFile(ctx, path)
	if errors.Is(err, fs.ErrNotExist) && t.W < tileWidth {
		full := t
		full.W = tileWidth
		if whole, again := source.ReadFile(ctx, tilePath(full)); again == nil {
			path, data, err = tilePath(full), whole, nil
		}
	}
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &CorruptError{File: path, Detail: err}
		}
		return nil, fmt.Errorf("tlog: %s: %w", path, err)
	}
	cut := t.W * tlog.HashSize
	if t.L < 0 {
		cut = t.W * (2 + leafBytes)
	}
	if len(data) < cut || len(data) > cut && path == tilePath(t) {
		return nil, corrupt(path, "it has %d bytes, want %d", len(data), cut)
	}
	return data[:cut], nil
}

// appendBundled appends a leaf to a bundle of entries (tlog-tiles, "Log entries").
func appendBundled(bundle []byte, e Entry) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, leafBytes)
	return append(bundle, e.Leaf()...)
}

// parseBundle reads a bundle of entries of records: any other leaf is refused.
func parseBundle(bundle []byte) ([]Entry, error) {
	var entries []Entry
	for i := 0; len(bundle) > 0; i++ {
		if len(bundle) < 2 || int(binary.BigEndian.Uint16(bundle)) > len(bundle)-2 {
			return nil, fmt.Errorf("entry %d of the bundle is cut short", i)
		}
		if i == tileWidth {
			return nil, fmt.Errorf("a bundle has at most %d entries", tileWidth)
		}
		n := int(binary.BigEndian.Uint16(bundle))
		e, err := ParseEntry(bundle[2 : 2+n])
		if err != nil {
			return nil, fmt.Errorf("entry %d of the bundle: %w", i, err)
		}
		entries = append(entries, e)
		bundle = bundle[2+n:]
	}
	return entries, nil
}

// readBundle returns the entries of bundle n of a tree of this size, not yet checked against it.
func readBundle(ctx context.Context, source Source, size, n int64) ([]Entry, error) {
	t := tlog.Tile{H: tileHeight, L: -1, N: n, W: widthAt(size, 0, n)}
	data, err := readTile(ctx, source, t)
	if err != nil {
		return nil, err
	}
	entries, err := parseBundle(data)
	if err == nil && len(entries) != t.W {
		err = fmt.Errorf("it has %d entries, want %d", len(entries), t.W)
	}
	if err != nil {
		return nil, &CorruptError{File: tilePath(t), Detail: err}
	}
	return entries, nil
}

// A grove reads the hashes and entries of one tree from a source. What it returns has been
// checked against the tree's root hash.
type grove struct {
	tree  tlog.Tree
	tiles map[tlog.Tile][]byte // that have been checked
	read  func(t tlog.Tile) ([]byte, error)
	names []string // of the tiles read for the call under way
}

// newGrove reads as long as ctx allows: it lives no longer than the call that makes it.
func newGrove(ctx context.Context, source Source, tree tlog.Tree) *grove {
	return &grove{tree: tree, tiles: map[tlog.Tile][]byte{}, read: func(t tlog.Tile) ([]byte, error) { return readTile(ctx, source, t) }}
}

// Height, ReadTiles and SaveTiles make a grove a tlog.TileReader.
func (g *grove) Height() int { return tileHeight }

func (g *grove) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	g.names = g.names[:0]
	all := make([][]byte, len(tiles))
	for i, t := range tiles {
		data, ok := g.tiles[t]
		if !ok {
			var err error
			if data, err = g.read(t); err != nil {
				return nil, err
			}
			g.names = append(g.names, tilePath(t))
		}
		all[i] = data
	}
	return all, nil
}

func (g *grove) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	if len(g.tiles)+len(tiles) > maxTiles {
		clear(g.tiles)
	}
	for i, t := range tiles {
		g.tiles[t] = data[i]
	}
}

// ReadHashes returns stored hashes of the tree, checked. It makes a grove a tlog.HashReader.
func (g *grove) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if len(indexes) == 0 {
		return nil, nil
	}
	g.names = g.names[:0]
	hashes, err := tlog.TileHashReader(g.tree, g).ReadHashes(indexes)
	if err != nil && len(g.names) > 0 {
		if _, ok := errors.AsType[*CorruptError](err); !ok && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && strings.Contains(err.Error(), "inconsistent") {
			return nil, corrupt(strings.Join(g.names, ", "), "one of these does not fit the tree of size %d", g.tree.N)
		}
	}
	return hashes, err
}

// entries returns the entries at the indexes, which rise, checked.
func (g *grove) entries(ctx context.Context, source Source, indexes []int64) ([]Entry, error) {
	entries := make([]Entry, 0, len(indexes))
	var bundle []Entry
	at := int64(-1) // number of the bundle
	for part := range slices.Chunk(indexes, leavesTogether) {
		stored := make([]int64, len(part))
		for i, index := range part {
			if index < 0 || index >= g.tree.N {
				return nil, fmt.Errorf("tlog: there is no leaf %d in a tree of size %d", index, g.tree.N)
			}
			stored[i] = tlog.StoredHashIndex(0, index)
		}
		hashes, err := g.ReadHashes(stored)
		if err != nil {
			return nil, err
		}
		for i, index := range part {
			if n := index / tileWidth; n != at {
				if bundle, err = readBundle(ctx, source, g.tree.N, n); err != nil {
					return nil, err
				}
				at = n
			}
			e := bundle[index%tileWidth]
			if tlog.RecordHash(e.Leaf()) != hashes[i] {
				return nil, corrupt(tilePath(tlog.Tile{H: tileHeight, L: -1, N: at, W: widthAt(g.tree.N, 0, at)}), "leaf %d does not fit the tree of size %d", index, g.tree.N)
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}
