package keystore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	maxBackupKeys = 1 << 16 // 19 MB, held in memory while it is checked
	maxBackup     = headerSize + 4 + maxBackupKeys*(2+maxKeyFile) + chacha20poly1305.Overhead
)

// Backup writes all keys to w, encrypted as they are, in one piece that none
// can be taken from, added to or exchanged in without the passphrase. It opens
// each key first: a key that d.Passphrase does not open is an error, and then
// nothing is written. The names and public keys stand in the backup in clear,
// as they do in the folder.
//
// A backup opens with the passphrase that it was made with, for good: changing
// that of the folder does not change it.
func (d *Dir) Backup(ctx context.Context, w io.Writer) error {
	passphrase, err := ask(ctx, d.Passphrase)
	if err != nil {
		return d.fail("back up", "", err)
	}
	b, err := newHeader(backupMagic, d.Cost)
	if err != nil {
		return d.fail("back up", "", err)
	}
	keys, err := d.snapshot(ctx)
	if err != nil {
		return d.fail("back up", "", err)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(keys)))
	for _, k := range keys {
		_, secret, err := d.decrypt(ctx, k, passphrase)
		if err != nil {
			return d.fail("back up", k.Name, err)
		}
		clear(secret)
		b = binary.BigEndian.AppendUint16(b, uint16(len(k.raw)))
		b = append(b, k.raw...)
	}
	if b, err = d.seal(ctx, b, passphrase, nil); err != nil {
		return d.fail("back up", "", err)
	}
	if _, err := w.Write(b); err != nil {
		return d.fail("back up", "", err)
	}
	return nil
}

// snapshot reads all keys while nobody writes.
func (d *Dir) snapshot(ctx context.Context) ([]*keyFile, error) {
	f, err := d.lockFolder(ctx)
	if err != nil {
		return nil, err
	}
	defer f.close()
	names, err := f.keys()
	if err != nil {
		return nil, err
	}
	if len(names) > maxBackupKeys {
		return nil, fmt.Errorf("%d keys; a backup holds at most %d", len(names), maxBackupKeys)
	}
	keys := make([]*keyFile, len(names))
	for i, name := range names {
		if keys[i], err = f.load(name); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	return keys, nil
}

// Restore writes the keys of a backup into the folder. d.Passphrase must supply
// the passphrase the backup was made with, which is then that of the keys.
//
// The whole backup is checked first: one that is cut short, damaged or altered
// is refused before anything is written. Restore never overwrites: if the
// folder holds another file under one of the names, the error names it and
// wraps [fs.ErrExist], and nothing is written. A file that is already there to
// the byte counts as restored, so the same call finishes what a killed one
// began. Restore returns the names of all keys that are now there as the
// backup has them.
//
// A backup says nothing of what came after it: restoring brings back keys that
// were deleted since.
func (d *Dir) Restore(ctx context.Context, r io.Reader) ([]string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBackup+1))
	if err != nil {
		return nil, d.fail("restore", "", err)
	}
	names, err := d.restore(ctx, b)
	if err != nil {
		return names, d.fail("restore", "", err)
	}
	return names, nil
}

func (d *Dir) restore(ctx context.Context, b []byte) (names []string, err error) {
	keys, err := parseBackup(b)
	if err != nil {
		return nil, err
	}
	passphrase, err := ask(ctx, d.Passphrase)
	if err != nil {
		return nil, err
	}
	if _, err := d.unseal(ctx, b, len(b)-chacha20poly1305.Overhead, passphrase); err != nil {
		return nil, err
	}
	f, err := d.makeFolder(ctx)
	if err != nil {
		return nil, err
	}
	defer f.close()
	var files []file
	var taken []error
	for _, k := range keys {
		switch old, err := f.read(k.Name); {
		case err == nil && string(old) == string(k.raw):
			names = append(names, k.Name)
		case errors.Is(err, fs.ErrNotExist):
			files = append(files, file{k.Name, k.raw})
		case err == nil:
			taken = append(taken, fmt.Errorf("%q: %w", k.Name, fs.ErrExist))
		default:
			taken = append(taken, fmt.Errorf("%q: %w", k.Name, err))
		}
	}
	if len(taken) > 0 {
		return nil, errors.Join(taken...)
	}
	n, err := f.write(files, false)
	for _, file := range files[:n] {
		names = append(names, file.key)
	}
	slices.Sort(names)
	return names, err
}

// parseBackup checks what of a backup can be checked without the passphrase.
func parseBackup(b []byte) ([]*keyFile, error) {
	if _, err := parseHeader(backupMagic, b); err != nil {
		return nil, err
	}
	end := len(b) - chacha20poly1305.Overhead
	if len(b) > maxBackup || end < headerSize+4 {
		return nil, fmt.Errorf("%w: a backup has no %d bytes", ErrFormat, len(b))
	}
	count, rest := binary.BigEndian.Uint32(b[headerSize:]), b[headerSize+4:end]
	var keys []*keyFile
	for last := ""; len(rest) > 0; {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("%w: cut short", ErrFormat)
		}
		size := 2 + int(binary.BigEndian.Uint16(rest))
		k, err := parseKeyFile(rest[2:size])
		if err != nil {
			return nil, fmt.Errorf("key %d of the backup: %w", len(keys)+1, err)
		}
		if k.Name <= last {
			return nil, fmt.Errorf("%w: %q follows %q", ErrFormat, k.Name, last)
		}
		last, keys, rest = k.Name, append(keys, k), rest[size:]
	}
	if int64(count) != int64(len(keys)) {
		return nil, fmt.Errorf("%w: it has %d keys, not %d", ErrFormat, len(keys), count)
	}
	return keys, nil
}
