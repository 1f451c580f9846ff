package keystore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/internal/filelock"
)

const (
	keySuffix    = ".key"
	lockName     = ".lock" // never removed: a lock on a file that is gone locks out nobody
	stagedPrefix = ".new-" // what a writer has not given its name yet

	lockPoll = 5 * time.Millisecond // flock cannot wait for a context, too

	// posix says that files have permission bits that mean something, and that
	// folders can be synced.
	posix = runtime.GOOS != "windows" && runtime.GOOS != "js" && runtime.GOOS != "wasip1" && runtime.GOOS != "plan9"
)

// A folder is an open folder of keys. What changes the disk is a method of
// folder and begins with a call of step, so that tests can kill the process or
// fail the disk at each.
type folder struct {
	root *os.Root
	step func(op string) error

	lock    *os.File // nil unless open for writing
	release func()   // the place in Dir.writes; nil unless open for writing
}

// openFolder opens the folder for reading, which needs no lock: every file is
// whole at any time.
func (d *Dir) openFolder() (*folder, error) {
	if d.Path == "" {
		return nil, errors.New("Dir.Path is empty")
	}
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, step: d.step}
	if f.step == nil {
		f.step = func(string) error { return nil }
	}
	info, err := root.Stat(".")
	if err == nil {
		err = private(info)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// lockFolder opens the folder for writing: it waits until no other writer is
// there and clears away what a killed one has left. The kernel drops the lock
// of a process that dies.
func (d *Dir) lockFolder(ctx context.Context) (*folder, error) {
	f, err := d.openFolder()
	if err != nil {
		return nil, err
	}
	if f.release, err = d.writes.take(ctx, 1); err == nil {
		err = f.acquire(ctx)
	}
	if err == nil {
		err = f.clean()
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// makeFolder is lockFolder for who may be the first. As long as there is no
// lock file, a first writer may have died before the folder was sure to last.
func (d *Dir) makeFolder(ctx context.Context) (*folder, error) {
	if _, err := os.Lstat(filepath.Join(d.Path, lockName)); err != nil {
		if err := d.mkdir(filepath.Clean(d.Path)); err != nil {
			return nil, err
		}
	}
	return d.lockFolder(ctx)
}

func (f *folder) acquire(ctx context.Context) (err error) {
	if err = f.step("lock"); err != nil {
		return err
	}
	if f.lock, err = f.root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	for {
		if locked, err := filelock.Try(f.lock); locked || err != nil {
			return err
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return fmt.Errorf("another process is writing there: %w", ctx.Err())
		}
	}
}

func (f *folder) close() {
	if f.lock != nil {
		f.lock.Close() // drops the lock
	}
	if f.release != nil {
		f.release()
	}
	f.root.Close()
}

// names returns the names of the files in the folder that begin and end so.
func (f *folder) names(prefix, suffix string) ([]string, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := dir.Readdirnames(-1)
	all = slices.DeleteFunc(all, func(s string) bool {
		return !strings.HasPrefix(s, prefix) || !strings.HasSuffix(s, suffix)
	})
	slices.Sort(all)
	return all, err
}

// keys returns the names of the keys, valid or not.
func (f *folder) keys() ([]string, error) {
	files, err := f.names("", keySuffix)
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], keySuffix)
	}
	slices.Sort(files) // with their suffixes "owner-2" came before "owner"
	return files, err
}

// read returns a key file, at most a byte more than one can have.
func (f *folder) read(key string) ([]byte, error) {
	name := key + keySuffix
	info, err := f.root.Lstat(name) // before Open, which waits for the writer of a pipe
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrMode, name)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if err := private(info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, maxKeyFile+1))
}

// load reads and parses a key file.
func (f *folder) load(key string) (*keyFile, error) {
	b, err := f.read(key)
	if err != nil {
		return nil, err
	}
	k, err := parseKeyFile(b)
	if err == nil && k.Name != key {
		return nil, fmt.Errorf("%w: it holds the key %q and was renamed or exchanged", ErrFormat, k.Name)
	}
	return k, err
}

// private returns an error that wraps ErrMode if others than the owner may
// read or write the file or folder.
func private(info fs.FileInfo) error {
	mode, what := info.Mode().Perm(), info.Name()
	if !posix || mode&0o077 == 0 {
		return nil
	}
	if info.IsDir() {
		what = "the folder"
	}
	return fmt.Errorf("%w: the mode of %s is %#o: if nobody else was at it, chmod go= it", ErrMode, what, mode)
}
