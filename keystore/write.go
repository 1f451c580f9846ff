package keystore

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A file is a key file to be written.
type file struct {
	key  string
	data []byte
}

// write puts files into the folder: all are on the disk under other names
// before the first gets its own, so that a full disk changes nothing. Each
// file appears at once. With replace, it takes the place of an old one; else
// it never does, and the error wraps fs.ErrExist. It returns how many files
// have their names.
func (f *folder) write(files []file, replace bool) (done int, err error) {
	staged := make([]string, 0, len(files))
	defer func() {
		for _, name := range staged {
			f.remove(name) // a renamed one is gone; one that stays, the next writer removes
		}
	}()
	for _, file := range files {
		name := stagedPrefix + rand.Text()
		staged = append(staged, name)
		if err := f.stage(name, file.data); err != nil {
			return 0, err
		}
	}
	for i, file := range files {
		if replace {
			err = f.rename(staged[i], file.key+keySuffix)
		} else {
			err = f.link(staged[i], file.key+keySuffix)
		}
		if err != nil {
			return i, err
		}
	}
	return len(files), f.sync()
}

// stage writes a file and returns when it is on the disk.
func (f *folder) stage(name string, data []byte) error {
	if err := f.step("create"); err != nil {
		return err
	}
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	// A file system that has no permission bits shows here.
	if err := private(info); err != nil {
		return err
	}
	if err := f.step("write"); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := f.step("sync file"); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

// link gives a staged file a second name unless that is taken.
func (f *folder) link(staged, name string) error {
	err := f.step("link")
	if err == nil {
		err = f.root.Link(staged, name)
	}
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// This file system, FAT for one, has no links. Between looking and renaming
	// the lock keeps the other writers out.
	if _, err := f.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	return f.rename(staged, name)
}

func (f *folder) rename(staged, name string) error {
	if err := f.step("rename"); err != nil {
		return err
	}
	return f.root.Rename(staged, name)
}

func (f *folder) remove(name string) error {
	if err := f.step("remove"); err != nil {
		return err
	}
	return f.root.Remove(name)
}

// sync returns when the names in the folder are on the disk.
func (f *folder) sync() error {
	if err := f.step("sync folder"); err != nil {
		return err
	}
	dir, err := f.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncFolder(dir)
}

// clean removes what a killed writer has staged.
func (f *folder) clean() error {
	left, err := f.names(stagedPrefix, "")
	for _, name := range left {
		if err == nil {
			err = f.remove(name)
		}
	}
	return err
}

// mkdir makes the folder at path, and the folders above it, last to survive a
// loss of power: the entry of each in the one above is synced.
func (d *Dir) mkdir(path string) error {
	if d.step != nil {
		if err := d.step("mkdir"); err != nil {
			return err
		}
	}
	err := os.Mkdir(path, 0o700)
	parent := filepath.Dir(path)
	if errors.Is(err, fs.ErrNotExist) && parent != path {
		if err = d.mkdir(parent); err == nil {
			err = os.Mkdir(path, 0o700)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	above, err := os.Open(parent)
	if errors.Is(err, fs.ErrPermission) {
		return nil // a folder that others made, and made to last
	}
	if err != nil {
		return err
	}
	defer above.Close()
	return syncFolder(above)
}

func syncFolder(f *os.File) error {
	if !posix {
		return nil
	}
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil // this file system, one over a network, syncs no folders
}
