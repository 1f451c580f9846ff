package resolver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a [Log].
const (
	// DefaultMemory is how many bytes of full tiles are kept in memory: 2,048 of them, which prove
	// anything in a log of half a million entries without asking twice.
	DefaultMemory = 16 << 20

	tileWidth   = 256                   // hashes of a full tile, entries of a full bundle (C2SP tlog-tiles)
	hashBytes   = 32                    // of a SHA-256 hash
	tileBytes   = tileWidth * hashBytes // of a full tile
	maxBundle   = 1 << 20               // bytes of a bundle of entries: 4 KiB for each; a record's leaf has 72 bytes
	maxLogFile  = 4 << 20               // bytes of any other file: the list of a long record's entries
	maxReceipts = 4 << 20               // bytes of the answer to Add: 256 receipts, each a checkpoint, some 30 hashes and room
)

// A Log is a transparency log that serves its files over HTTPS (C2SP tlog-tiles). It is a
// tlog.Source: it fetches what a tlog.Reader then checks, and vouches for nothing.
//
// Full tiles never change, so they are kept: in memory, and in Folder if there is one. Partial
// tiles and checkpoints are not. A partial tile that the log has replaced by the full one is cut
// from that.
//
// A Log is used by pointer, and is safe for concurrent use; its fields do not change after first
// use.
type Log struct {
	URL    string  // of the log, such as https://log.example/machines
	Client *Client // required
	Memory int     // bytes of full tiles to keep in memory; zero means DefaultMemory, negative none
	// Folder is where full tiles are kept from one run to the next, for this log alone; "" means
	// nowhere. Who can write there can make proofs fail, and no more.
	Folder string

	mu    sync.Mutex
	tiles lru[string, []byte] // by path
}

// ReadFile returns a file of the log, such as "checkpoint" or "tile/0/x001/234.p/5". If there is
// none the error wraps [fs.ErrNotExist]. The slice must not be changed.
func (l *Log) ReadFile(ctx context.Context, name string) ([]byte, error) {
	t, err := parseFileName(name)
	if err != nil {
		return nil, err
	}
	if t.full == "" {
		return l.get(ctx, name, maxLogFile)
	}
	if data := l.kept(t); data != nil {
		return t.cut(data)
	}
	if t.width < tileWidth {
		data, err := l.get(ctx, name, t.limit())
		if err == nil {
			return t.cut(data)
		}
		// "Logs MAY delete any partial tile once the corresponding full tile is available."
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	data, err := l.get(ctx, t.full, t.limit())
	if err != nil {
		return nil, err
	}
	whole := t
	whole.width = tileWidth
	if n, err := whole.size(data); err != nil || n != len(data) {
		return nil, l.wrong(t.full, errors.Join(err, errors.New("it is no full tile")))
	}
	l.keep(t.full, data)
	return t.cut(data)
}

// Forget drops all tiles that are kept. Call it when what they hold does not verify: the log may
// have been repaired since.
func (l *Log) Forget() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tiles = lru[string, []byte]{}
	if l.Folder == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(l.Folder, "tile"))
}

// Add asks the log to take in entries of a machine's record: credentials as issued, in order, at
// most 256 of them with 4 MiB, and the salt of the record. The answer is the receipt of each, for a
// tlog.Trust to check. To add what the log holds already is no error.
//
// The error is a [*RefuseError] if the log refuses one, and then takes in none of those after it;
// with Status 409 the log holds another entry in its place, or not the one before it: see
// [RefuseError.Problem]. It is a [*RetryError] if nothing is known, also (Status 202) if the log has
// taken them in and not published them yet.
func (l *Log) Add(ctx context.Context, salt []byte, credentials ...[]byte) (receipts [][]byte, err error) {
	base, err := l.base()
	if err != nil {
		return nil, err
	}
	request := struct {
		Salt        string           `json:"salt"`
		Credentials []jsontext.Value `json:"credentials"`
	}{Salt: base64.RawURLEncoding.EncodeToString(salt)}
	for _, c := range credentials {
		request.Credentials = append(request.Credentials, c)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("resolver: add to the log %s: a credential is no JSON: %w", base, err)
	}
	text, err := l.Client.Post(ctx, base+"add", "application/json", body, maxReceipts)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Receipts []string `json:"receipts"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Receipts) != len(credentials) {
		return nil, l.wrong("add", fmt.Errorf("the answer is no list of %d receipts", len(credentials)))
	}
	for _, r := range answer.Receipts {
		receipts = append(receipts, []byte(r))
	}
	return receipts, nil
}

func (l *Log) base() (string, error) {
	if l.Client == nil {
		return "", errors.New("resolver: a Log needs a Client")
	}
	return strings.TrimSuffix(l.URL, "/") + "/", nil
}

func (l *Log) get(ctx context.Context, name string, limit int64) ([]byte, error) {
	base, err := l.base()
	if err != nil {
		return nil, err
	}
	return l.Client.Get(ctx, base+name, limit)
}

func (l *Log) wrong(name string, detail error) error {
	return &RefuseError{URL: strings.TrimSuffix(l.URL, "/") + "/" + name, Reason: ErrContent, Detail: detail}
}

// A tileName is what the name of a log's file says: tile/<L>/<N>[.p/<W>], where L is 0 to 63 or
// "entries", and N is in groups of three digits, all but the last with an x before them.
type tileName struct {
	full    string // name of the full tile; "" if the file is no tile
	entries bool   // a bundle of entries, not of hashes
	width   int    // 1 to tileWidth
}

func parseFileName(name string) (tileName, error) {
	bad := func(why string) (tileName, error) {
		return tileName{}, &RefuseError{URL: fmt.Sprintf("%.80q", name), Reason: ErrURL, Detail: errors.New("no file of a log has this name: " + why)}
	}
	// Nothing that means something in a URL or leaves a folder.
	if !fs.ValidPath(name) || name == "." || len(name) > 512 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") != "" {
		return bad("want words of a-z, A-Z, 0-9, -, _ and . between slashes")
	}
	rest, ok := strings.CutPrefix(name, "tile/")
	if !ok {
		return tileName{}, nil
	}
	t := tileName{full: name, width: tileWidth}
	level, index, _ := strings.Cut(rest, "/")
	if t.entries = level == "entries"; !t.entries {
		if n, err := strconv.Atoi(level); err != nil || n < 0 || n > 63 || strconv.Itoa(n) != level {
			return bad("the level is 0 to 63, or entries")
		}
	}
	if number, width, partial := strings.Cut(index, ".p/"); partial {
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 || n >= tileWidth || strconv.Itoa(n) != width {
			return bad("the width of a partial tile is 1 to 255")
		}
		t.full, t.width, index = strings.TrimSuffix(name, ".p/"+width), n, number
	}
	groups := strings.Split(index, "/")
	for i, g := range groups {
		if i < len(groups)-1 {
			g, ok = strings.CutPrefix(g, "x")
		}
		if !ok || len(g) != 3 || strings.Trim(g, "0123456789") != "" || i == 0 && len(groups) > 1 && g == "000" {
			return bad("the index is in groups of three digits, such as x001/234")
		}
	}
	if len(groups) > 7 {
		return bad("the index is too large") // 2^63 has 19 digits
	}
	return t, nil
}

// limit is how many bytes of t, or of the full tile, are read.
func (t tileName) limit() int64 {
	if t.entries {
		return maxBundle
	}
	return tileBytes
}

// size returns how many bytes of data are the first t.width hashes or entries.
func (t tileName) size(data []byte) (int, error) {
	if !t.entries {
		if len(data) < t.width*hashBytes {
			return 0, fmt.Errorf("it has %d bytes, want %d hashes", len(data), t.width)
		}
		return t.width * hashBytes, nil
	}
	n := 0
	for i := range t.width {
		if len(data) < n+2 || len(data) < n+2+int(binary.BigEndian.Uint16(data[n:])) {
			return 0, fmt.Errorf("it has %d entries, want %d", i, t.width)
		}
		n += 2 + int(binary.BigEndian.Uint16(data[n:]))
	}
	return n, nil
}

// cut returns what is asked for of data, which may be of a wider tile.
func (t tileName) cut(data []byte) ([]byte, error) {
	n, err := t.size(data)
	if err != nil {
		return nil, &RefuseError{URL: t.full, Reason: ErrContent, Detail: err}
	}
	return data[:n:n], nil
}

// kept returns the full tile if it is kept.
func (l *Log) kept(t tileName) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if data, ok := l.tiles.get(t.full); ok {
		return data
	}
	if l.Folder == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(l.Folder, filepath.FromSlash(t.full)))
	if err != nil {
		return nil
	}
	t.width = tileWidth
	if n, err := t.size(data); err != nil || n != len(data) {
		return nil // not whole: fetch it again
	}
	l.remember(t.full, data)
	return data
}

// keep keeps a full tile. A folder that cannot be written to costs time, and nothing else.
func (l *Log) keep(name string, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remember(name, data)
	if l.Folder == "" {
		return
	}
	file := filepath.Join(l.Folder, filepath.FromSlash(name))
	if os.MkdirAll(filepath.Dir(file), 0o777) != nil {
		return
	}
	temporary := filepath.Join(filepath.Dir(file), "."+path.Base(name)+"."+rand.Text())
	if os.WriteFile(temporary, data, 0o666) != nil || os.Rename(temporary, file) != nil {
		os.Remove(temporary)
	}
}

func (l *Log) remember(name string, data []byte) {
	most := l.Memory
	if most == 0 {
		most = DefaultMemory
	}
	l.tiles.keep(name, data, int64(len(data)), math.MaxInt, int64(most))
}
