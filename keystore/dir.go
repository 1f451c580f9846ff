package keystore

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

// Dir is a [Store] that keeps each key in an encrypted file of a folder. Path
// and Passphrase are required. A Dir must not be copied once it is in use;
// several Dirs and processes may use one folder.
//
// After an error of Create the key is there or not, whole in either case, and
// [Ensure] then does the right thing.
type Dir struct {
	// Path is the folder. Create and Restore make it, with mode 0700.
	Path string

	// Passphrase supplies the passphrase, once per call that needs it. Nil, or
	// an answer of no bytes, gives [ErrNoPassphrase]. Dir neither changes nor
	// keeps the answer. All bytes count: take off the line end of a file, and
	// bring what people type to one Unicode form.
	Passphrase func(context.Context) ([]byte, error)

	// Cost is that of new files. Zero fields mean the defaults.
	Cost Cost

	derives places             // as many as cores
	writes  places             // one: within the process, what the lock is between processes
	step    func(string) error // nil but in tests; see folder
}

// Create implements [Store].
func (d *Dir) Create(ctx context.Context, name string, alg Algorithm) (crypto.Signer, error) {
	if err := checkName("create", name); err != nil {
		return nil, err
	}
	key, err := d.create(ctx, name, alg)
	if err != nil {
		return nil, d.fail("create", name, err)
	}
	return key, nil
}

func (d *Dir) create(ctx context.Context, name string, alg Algorithm) (crypto.Signer, error) {
	// Ask for no passphrase, and do not compute, when it cannot work. What
	// decides is link.
	if f, err := d.openFolder(); err == nil {
		_, err := f.root.Lstat(name + keySuffix)
		f.close()
		if err == nil {
			return nil, fs.ErrExist
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, secret, err := generate(alg)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	passphrase, err := ask(ctx, d.Passphrase)
	if err != nil {
		return nil, err
	}
	data, err := d.encrypt(ctx, name, key, secret, passphrase)
	if err != nil {
		return nil, err
	}
	f, err := d.makeFolder(ctx)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if _, err := f.write([]file{{name, data}}, false); err != nil {
		return nil, err
	}
	return key, nil
}

// Open implements [Store].
func (d *Dir) Open(ctx context.Context, name string) (crypto.Signer, error) {
	if err := checkName("open", name); err != nil {
		return nil, err
	}
	key, err := d.open(ctx, name)
	if err != nil {
		return nil, d.fail("open", name, err)
	}
	return key, nil
}

func (d *Dir) open(ctx context.Context, name string) (crypto.Signer, error) {
	f, err := d.openFolder()
	if err != nil {
		return nil, err
	}
	defer f.close()
	k, err := f.load(name)
	if err != nil {
		return nil, err
	}
	// As long as a staged file is there, its writer may not have synced the
	// folder. No key that somebody saw may go with a loss of power.
	if staged, err := f.names(stagedPrefix, ""); err != nil || len(staged) > 0 {
		if err = errors.Join(err, f.sync()); err != nil {
			return nil, err
		}
	}
	passphrase, err := ask(ctx, d.Passphrase)
	if err != nil {
		return nil, err
	}
	key, secret, err := d.decrypt(ctx, k, passphrase)
	clear(secret)
	return key, err
}

// List returns what the key files say of themselves, by name, without a
// passphrase: see [Info]. Its error names every file that cannot be read, and
// the rest is returned all the same. A folder that is not there has no keys.
func (d *Dir) List() ([]Info, error) {
	f, err := d.openFolder()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, d.fail("list", "", err)
	}
	defer f.close()
	names, err := f.keys()
	if err != nil {
		return nil, d.fail("list", "", err)
	}
	var infos []Info
	var errs []error
	for _, name := range names {
		if k, err := f.load(name); err == nil {
			infos = append(infos, k.Info)
		} else if !errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
			errs = append(errs, d.fail("list", name, err))
		}
	}
	return infos, errors.Join(errs...)
}

// Delete removes a key. If there is none the error wraps [fs.ErrNotExist].
//
// The bytes of the file may stay on the disk or flash until they are written
// over, and in backups. What protects them then is the passphrase.
func (d *Dir) Delete(ctx context.Context, name string) error {
	if err := checkName("delete", name); err != nil {
		return err
	}
	f, err := d.lockFolder(ctx)
	if err != nil {
		return d.fail("delete", name, err)
	}
	defer f.close()
	if err = f.remove(name + keySuffix); err == nil {
		err = f.sync()
	}
	if err != nil {
		return d.fail("delete", name, err)
	}
	return nil
}

func (d *Dir) fail(op, name string, err error) error {
	if name != "" {
		op += fmt.Sprintf(" %q", name)
	}
	return fmt.Errorf("keystore: %s in %s: %w", op, d.Path, err)
}

// places bounds how many do something at once: a hundred goroutines that open
// keys shall not take a hundred times the memory of a key derivation. The zero
// value is ready to use.
type places struct {
	once  sync.Once
	taken chan struct{}
}

// take waits for one of n places.
func (p *places) take(ctx context.Context, n int) (release func(), err error) {
	p.once.Do(func() { p.taken = make(chan struct{}, n) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.taken <- struct{}{}:
		return func() { <-p.taken }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
