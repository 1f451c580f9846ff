package resolver

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Dir is a [Store] in a folder, which lasts from one run of a program to the next, and
// which several processes may share. When it is full, what was unused longest goes.
//
// Each key has a file of its own, which appears whole or not at all: whenever the program
// is killed, the file holds what was put last or what was before. Its name is the SHA-256
// of the key, so that no key is a path. A file that is not whole, or that was put under
// another name, is taken for none, and replaced; files with other names are left alone, and
// links are not followed.
//
// Whoever can write to the folder can make up what it holds: of a [Cache], which key speaks
// for whom. It is made for its owner only, and not used if others may write to it.
//
// A disk that is full or fails costs time and nothing else: what cannot be kept is
// forgotten. A Dir is used by pointer, and its fields do not change after first use.
type Dir struct {
	Path string // of the folder, which need not exist yet
	Size int    // how many keys are kept; zero means DefaultSize
	// Bytes is how many bytes of files are kept; zero means DefaultBytes. Each process but
	// the first that shares the folder may add an eighth to it, and to Size.
	Bytes int64
	// Failed is told what the folder could not do, so that a full disk is noticed; nil
	// means nobody is. It is called by whoever is waiting, also concurrently.
	Failed func(error)

	mu      sync.Mutex
	counted bool  // whether the folder was looked through
	entries int   // at least as many as there are, if no other process adds any
	bytes   int64 // likewise

	step func(op string) error // tests stop the process, or fail the disk, at each
}

const (
	// keptSuffix ends the names of files. It counts the versions of their form:
	//
	//	keptMagic ‖ SHA-256 of what follows ‖ seconds since 1970 (8 bytes) ‖ nanoseconds (4) ‖ length of the key (4) ‖ key ‖ data
	//
	// with big-endian numbers.
	keptSuffix = ".kept1"
	keptMagic  = "hourmeter kept 1\n"
	keptHead   = len(keptMagic) + sha256.Size + 8 + 4 + 4

	stagedPrefix = ".new-"   // what has not got its name yet
	stagedAge    = time.Hour // after which its writer is dead: it takes seconds

	// posix says that files have permission bits that mean something, and that folders
	// can be synced.
	posix = runtime.GOOS != "windows" && runtime.GOOS != "js" && runtime.GOOS != "wasip1" && runtime.GOOS != "plan9"
)

func keptName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + keptSuffix
}

// Get implements [Store].
func (d *Dir) Get(key string) (data []byte, at time.Time, ok bool) {
	name := keptName(key)
	text, err := d.read(name)
	if err == nil {
		if data, at, ok = decodeKept(key, text); ok {
			return data, at, true
		}
		err = fmt.Errorf("%s is damaged, and forgotten", name)
		d.Delete(key)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		d.failed(err)
	}
	return nil, time.Time{}, false
}

// read returns what a file holds, and marks it as used.
func (d *Dir) read(name string) ([]byte, error) {
	root, err := d.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Not a pipe, which would never end, nor a link.
	if info, err := root.Lstat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() || info.Size() > d.maxBytes() {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", name, d.maxBytes())
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	now := time.Now()
	_ = root.Chtimes(name, now, now) // in a folder that is only read, nothing is ever dropped
	return io.ReadAll(io.LimitReader(file, d.maxBytes()))
}

// Put implements [Store]. When it returns, data is on the disk, or was not kept.
func (d *Dir) Put(key string, data []byte, at time.Time) {
	if text := encodeKept(key, data, at); int64(len(text)) <= d.maxBytes() {
		err := d.write(keptName(key), text)
		if err == nil {
			return
		}
		d.failed(err)
	}
	d.Delete(key) // what was put before is not what was put last
}

// write gives text the name once it is on the disk, and makes room.
func (d *Dir) write(name string, text []byte) error {
	if d.Path != "" {
		if err := os.MkdirAll(d.Path, 0o700); err != nil {
			return err
		}
	}
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	staged := stagedPrefix + rand.Text()
	if err := d.stage(root, staged, text); err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(staged)))
	}
	if err := d.do("rename"); err != nil {
		return errors.Join(err, root.Remove(staged))
	}
	if err := root.Rename(staged, name); err != nil {
		return errors.Join(err, root.Remove(staged))
	}
	if err := d.sync(root); err != nil {
		return err
	}
	return d.makeRoom(root, int64(len(text)))
}

// stage writes a file under a name of its own and returns when it is on the disk.
func (d *Dir) stage(root *os.Root, name string, text []byte) error {
	if err := d.do("create"); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := d.do("write"); err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	// By the clock that marks it as used later; the one of file systems ticks slowly.
	now := time.Now()
	if err := root.Chtimes(name, now, now); err != nil {
		return err
	}
	if err := d.do("sync file"); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

// makeRoom drops files if, with one more, there may be too many. It drops a few more than
// it must, so that it seldom has to look through the folder.
func (d *Dir) makeRoom(root *os.Root, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries++
	d.bytes += size
	maxEntries, maxBytes := orDefault(d.Size, DefaultSize), d.maxBytes()
	if d.counted && d.entries <= maxEntries && d.bytes <= maxBytes {
		return nil
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	type file struct {
		name string
		size int64
		used time.Time
	}
	var files []file
	d.counted, d.entries, d.bytes = true, 0, 0
	now := time.Now()
	for _, name := range names {
		info, err := root.Lstat(name)
		switch {
		case err != nil || !info.Mode().IsRegular(): // dropped by another process, or not ours
		case strings.HasPrefix(name, stagedPrefix):
			if now.Sub(info.ModTime()) > stagedAge {
				err = d.remove(root, name)
			}
		case len(name) == hex.EncodedLen(sha256.Size)+len(keptSuffix) && strings.HasSuffix(name, keptSuffix):
			f := file{name, info.Size(), info.ModTime()}
			if f.used.After(now) { // the clock was set back: nobody knows when
				f.used = time.Time{}
			}
			files = append(files, f)
			d.entries++
			d.bytes += f.size
		}
		if err = ignoreMissing(err); err != nil {
			return err
		}
	}
	if d.entries <= maxEntries && d.bytes <= maxBytes {
		return nil
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files[:len(files)-1] { // never the one just put
		if d.entries <= maxEntries-maxEntries/8 && d.bytes <= maxBytes-maxBytes/8 {
			break
		}
		if err := ignoreMissing(d.remove(root, f.name)); err != nil {
			return err
		}
		d.entries--
		d.bytes -= f.size
	}
	return nil
}

// Delete implements [Store]. When it returns, the disk has forgotten too.
func (d *Dir) Delete(key string) {
	root, err := d.open()
	if err == nil {
		defer root.Close()
		if err = d.remove(root, keptName(key)); err == nil {
			err = d.sync(root)
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		d.failed(err)
	}
}

func (d *Dir) remove(root *os.Root, name string) error {
	if err := d.do("remove"); err != nil {
		return err
	}
	return root.Remove(name)
}

// sync returns when the names in the folder are on the disk.
func (d *Dir) sync(root *os.Root) error {
	if err := d.do("sync folder"); err != nil || !posix {
		return err
	}
	dir, err := root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil // this file system, one over a network, syncs no folders
}

// open opens the folder, unless others could have written to it.
func (d *Dir) open() (*os.Root, error) {
	if d.Path == "" {
		return nil, errors.New("Dir.Path is empty")
	}
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil && posix && info.Mode().Perm()&0o022 != 0 {
		err = fmt.Errorf("others may write to the folder (%s): use one of its own, or chmod go-w", info.Mode())
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

func (d *Dir) do(op string) error {
	if d.step == nil {
		return nil
	}
	return d.step(op)
}

func (d *Dir) maxBytes() int64 { return orDefault(d.Bytes, DefaultBytes) }

func (d *Dir) failed(err error) {
	if err != nil && d.Failed != nil {
		d.Failed(fmt.Errorf("resolver: the folder %s: %w", d.Path, err))
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func encodeKept(key string, data []byte, at time.Time) []byte {
	text := make([]byte, keptHead, keptHead+len(key)+len(data))
	copy(text, keptMagic)
	head := text[len(keptMagic)+sha256.Size:]
	binary.BigEndian.PutUint64(head, uint64(at.Unix()))
	binary.BigEndian.PutUint32(head[8:], uint32(at.Nanosecond()))
	binary.BigEndian.PutUint32(head[12:], uint32(len(key)))
	text = append(append(text, key...), data...)
	sum := sha256.Sum256(text[len(keptMagic)+sha256.Size:])
	copy(text[len(keptMagic):], sum[:])
	return text
}

// decodeKept reads what encodeKept wrote for key, and nothing else.
func decodeKept(key string, text []byte) (data []byte, at time.Time, ok bool) {
	if len(text) < keptHead || string(text[:len(keptMagic)]) != keptMagic {
		return nil, time.Time{}, false
	}
	rest := text[len(keptMagic)+sha256.Size:]
	if sum := sha256.Sum256(rest); !bytes.Equal(sum[:], text[len(keptMagic):keptHead-16]) {
		return nil, time.Time{}, false
	}
	seconds, nanoseconds, length := int64(binary.BigEndian.Uint64(rest)), binary.BigEndian.Uint32(rest[8:]), binary.BigEndian.Uint32(rest[12:])
	rest = rest[16:]
	if nanoseconds > 999_999_999 || uint64(length) > uint64(len(rest)) || string(rest[:length]) != key {
		return nil, time.Time{}, false
	}
	return rest[length:], time.Unix(seconds, int64(nanoseconds)).UTC(), true
}
