package tlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/hourmeter/hourmeter/internal/filelock"
)

// A disk is a folder as this package uses it. Tests put one below a log that forgets, at a crash,
// what was not synced.
type disk interface {
	ReadFile(name string) ([]byte, error)
	// OpenFile opens a file for writing; create makes a new one, which must not exist.
	OpenFile(name string, create bool) (diskFile, error)
	Rename(from, to string) error
	RemoveAll(name string) error
	Mkdir(name string) error // no error if it exists
	Sync(folder string) error
	List(folder string) ([]fs.DirEntry, error)
	Close() error
}

type diskFile interface {
	WriteAt(b []byte, offset int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

const (
	privateFolder = "private" // of a log: what nobody else needs to read
	lockFile      = privateFolder + "/lock"
	pendingFile   = privateFolder + "/pending"
	stagedPrefix  = privateFolder + "/new-" // files that have no name of their own yet
)

// A newFile is a file to be stored.
type newFile struct {
	name string
	data []byte
}

// store writes files so that each appears whole or not at all, and returns when all are on the disk
// with their names. The order is that of the argument.
func store(d disk, files ...newFile) error {
	for i, f := range files {
		if err := stage(d, fmt.Sprintf("%s%d", stagedPrefix, i), f.data); err != nil {
			return fmt.Errorf("tlog: write %s: %w", f.name, err)
		}
	}
	// A folder is synced after what is in it.
	var folders []string
	for i, f := range files {
		for folder := path.Dir(f.name); folder != "."; folder = path.Dir(folder) {
			if slices.Contains(folders, folder) {
				break
			}
			folders = append(folders, folder)
		}
		if err := mkdirs(d, path.Dir(f.name)); err != nil {
			return fmt.Errorf("tlog: write %s: %w", f.name, err)
		}
		if err := d.Rename(fmt.Sprintf("%s%d", stagedPrefix, i), f.name); err != nil {
			return fmt.Errorf("tlog: write %s: %w", f.name, err)
		}
	}
	slices.SortFunc(folders, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, folder := range append(folders, ".") {
		if err := d.Sync(folder); err != nil {
			return fmt.Errorf("tlog: sync folder %s: %w", folder, err)
		}
	}
	return nil
}

func stage(d disk, name string, data []byte) error {
	if err := d.RemoveAll(name); err != nil {
		return err
	}
	f, err := d.OpenFile(name, true)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func mkdirs(d disk, folder string) error {
	if folder == "." {
		return nil
	}
	if err := mkdirs(d, path.Dir(folder)); err != nil {
		return err
	}
	return d.Mkdir(folder)
}

// unstage removes what a crash left behind.
func unstage(d disk) error {
	list, err := d.List(privateFolder)
	for _, e := range list {
		if err == nil && strings.HasPrefix(privateFolder+"/"+e.Name(), stagedPrefix) {
			err = d.RemoveAll(privateFolder + "/" + e.Name())
		}
	}
	return err
}

// A folder is a disk on the file system of the machine, locked against other processes.
type folder struct {
	root *os.Root
	lock *os.File
}

// openFolder opens a folder, or makes it, for one process at a time.
func openFolder(name string, create bool) (*folder, error) {
	if create {
		if err := os.MkdirAll(name, 0o755); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if create {
		err = root.Mkdir(privateFolder, 0o700)
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
		if err == nil {
			err = syncFolder(os.Open(filepath.Join(name, ".."))) // the folder's own name
		}
	}
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	var lock *os.File
	if err == nil {
		lock, err = root.OpenFile(lockFile, flags, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	ok, err := filelock.Try(lock)
	if err == nil && !ok {
		err = fmt.Errorf("another process has it open: only one may write")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tlog: %s: %w", name, err), lock.Close(), root.Close())
	}
	return &folder{root, lock}, nil
}

func (f *folder) ReadFile(name string) ([]byte, error) { return f.root.ReadFile(name) }
func (f *folder) Rename(from, to string) error         { return f.root.Rename(from, to) }
func (f *folder) RemoveAll(name string) error          { return f.root.RemoveAll(name) }
func (f *folder) Close() error                         { return errors.Join(f.lock.Close(), f.root.Close()) }

func (f *folder) OpenFile(name string, create bool) (diskFile, error) {
	flags := os.O_WRONLY
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	return f.root.OpenFile(name, flags, 0o644) // whoever serves the log reads it; the private folder is 0700
}

func (f *folder) Mkdir(name string) error {
	err := f.root.Mkdir(name, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (f *folder) List(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.root.FS(), name) }

func (f *folder) Sync(name string) error { return syncFolder(f.root.Open(name)) }

// syncFolder takes what opening a folder returned.
func syncFolder(d *os.File, err error) error {
	if err != nil {
		return err
	}
	err = d.Sync()
	// Windows syncs no folders; neither do some file systems over a network.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) && os.PathSeparator == '\\' {
		err = nil
	}
	return errors.Join(err, d.Close())
}
