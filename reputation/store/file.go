package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// A File is a store in one file, for one process at a time. Close it when done.
//
// It is built on bbolt: pure Go, so it runs wherever this module does; one file, which is all
// there is to back up; transactions that are whole and on disk when Put returns, also if the
// machine loses power the moment after; and kept well, since every etcd and so every
// Kubernetes cluster stands on it. Its price is one writer at a time, and two syncs of the
// disk for every Put: put many entries at once.
//
// A Put that fails, because the disk is full or for any other reason, has changed nothing;
// once there is room again, the same File goes on.
type File struct {
	db   *bolt.DB
	path string
}

// The schema of a file, version 1. All buckets lie at the top:
//
//	meta         "schema" → version (8 bytes, big-endian)
//	machines     place of the machine (32) → Machine
//	entries      place of the machine (32) ‖ sequence (8, big-endian) ‖ digest (32) ‖ copy (8) → raw
//	checkpoints  origin → CRC-32C (4, big-endian) ‖ checkpoint
const (
	bucketMeta        = "meta"
	bucketMachines    = "machines"
	bucketEntries     = "entries"
	bucketCheckpoints = "checkpoints"
	keySchema         = "schema"
	entryKeyLength    = 32 + 8 + 32 + 8
)

// migrations returns the steps from each schema to the next, the first of them from an empty
// file. They run in one transaction.
func migrations() []func(tx *bolt.Tx) error {
	return []func(tx *bolt.Tx) error{
		func(tx *bolt.Tx) error {
			for _, name := range []string{bucketMeta, bucketMachines, bucketEntries, bucketCheckpoints} {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// lockWait is how long Open waits for another process to close the file: a restart takes less.
const lockWait = time.Second

// Open opens the store in the file at path, and makes it if there is none. A file of an older
// schema is brought up to this program's, whole or not at all; one of a newer schema is left
// alone, with a [*SchemaError]. If another process has it open, the error wraps [ErrInUse].
func Open(path string) (*File, error) { return open(path, false, migrations()) }

// OpenReadOnly opens a store for reading only. Several processes may do that at once, while
// none has it open for writing.
func OpenReadOnly(path string) (*File, error) { return open(path, true, migrations()) }

func open(path string, readOnly bool, steps []func(tx *bolt.Tx) error) (_ *File, err error) {
	fail := func(err error) (*File, error) { return nil, fmt.Errorf("store: %s: %w", path, err) }
	if _, err := os.Stat(path); readOnly && err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	f := &File{path: path}
	if err := f.guard(func() (err error) {
		f.db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, ReadOnly: readOnly, FreelistType: bolt.FreelistMapType})
		return err
	}); err != nil {
		switch {
		case errors.Is(err, bolterrors.ErrTimeout):
			err = ErrInUse
		case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
			err = fmt.Errorf("it is no store, or %w: %w", ErrDamaged, err)
		}
		return fail(err)
	}
	defer func() {
		if err != nil {
			f.db.Close()
		}
	}()
	have := 0
	if err := f.view(func(tx *bolt.Tx) error {
		if info, err := os.Stat(path); err != nil {
			return err
		} else if info.Size() < tx.Size() {
			return fmt.Errorf("it %w: it has %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
		}
		meta := tx.Bucket([]byte(bucketMeta))
		if first, _ := tx.Cursor().First(); meta == nil && first != nil {
			return fmt.Errorf("it is another program's, with a bucket %.40q", first)
		}
		if meta == nil {
			return nil
		}
		schema := meta.Get([]byte(keySchema))
		if len(schema) != 8 {
			return fmt.Errorf("it %w: it does not name its schema", ErrDamaged)
		}
		have = int(binary.BigEndian.Uint64(schema))
		return nil
	}); err != nil {
		return fail(err)
	}
	switch {
	case have > len(steps):
		return nil, &SchemaError{Store: path, Have: have, Know: len(steps)}
	case have == len(steps):
		return f, nil
	case readOnly:
		return fail(fmt.Errorf("its schema is %d, not %d: open it for writing once", have, len(steps)))
	}
	if err := f.update(func(tx *bolt.Tx) error {
		for _, step := range steps[have:] {
			if err := step(tx); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keySchema), binary.BigEndian.AppendUint64(nil, uint64(len(steps))))
	}); err != nil {
		return fail(fmt.Errorf("bringing it from schema %d to %d: %w", have, len(steps), err))
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.db.Close() }

// guard turns bbolt's panics into errors: it panics where pages contradict each other. It
// reads the file as memory, so that pages which were cut off are a fault.
func (f *File) guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it %w: %v", ErrDamaged, p)
		}
	}()
	return do()
}

func (f *File) view(do func(tx *bolt.Tx) error) error {
	return f.guard(func() error { return f.db.View(do) })
}

func (f *File) update(do func(tx *bolt.Tx) error) error {
	err := f.guard(func() error { return f.db.Update(do) })
	if errors.Is(err, bolterrors.ErrDatabaseReadOnly) {
		return fmt.Errorf("it was opened for reading: %w", fs.ErrPermission)
	}
	return err
}

// reading and writing add to errors which store it was, but for those that say it better.
func (f *File) reading(ctx context.Context, do func(tx *bolt.Tx) error) error {
	return f.named(ctx, f.view, do)
}

func (f *File) writing(ctx context.Context, do func(tx *bolt.Tx) error) error {
	return f.named(ctx, f.update, do)
}

func (f *File) named(ctx context.Context, run func(func(tx *bolt.Tx) error) error, do func(tx *bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := run(do)
	if _, conflict := errors.AsType[*ConflictError](err); err == nil || conflict || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("store: %s: %w", f.path, err)
}

// machine reads a machine.
func machine(tx *bolt.Tx, id did.DID) (*Machine, error) {
	place := Place(id)
	data := tx.Bucket([]byte(bucketMachines)).Get(place[:])
	if data == nil {
		return nil, Unknown(id)
	}
	m := new(Machine)
	if err := m.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	if m.ID != id {
		return nil, fmt.Errorf("machine %v %w: %v is in its place", id, ErrDamaged, m.ID)
	}
	return m, nil
}

// Machine implements [Store].
func (f *File) Machine(ctx context.Context, id did.DID) (m *Machine, err error) {
	err = f.reading(ctx, func(tx *bolt.Tx) error {
		m, err = machine(tx, id)
		return err
	})
	return m, err
}

// Record implements [Store].
func (f *File) Record(ctx context.Context, id did.DID) (m *Machine, entries []Entry, err error) {
	err = f.reading(ctx, func(tx *bolt.Tx) error {
		if m, err = machine(tx, id); err != nil {
			return err
		}
		place := Place(id)
		c := tx.Bucket([]byte(bucketEntries)).Cursor()
		for key, raw := c.Seek(place[:]); bytes.HasPrefix(key, place[:]); key, raw = c.Next() {
			if len(key) != entryKeyLength {
				return fmt.Errorf("an entry of %v %w", id, ErrDamaged)
			}
			e := Entry{
				Sequence: int64(binary.BigEndian.Uint64(key[32:])), Digest: vc.Digest(key[40:72]), Raw: slices.Clone(raw),
			}
			if e.Copy() != [8]byte(key[72:]) {
				return fmt.Errorf("entry %d of %v %w", e.Sequence, id, ErrDamaged)
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return m, entries, nil
}

// Machines implements [Store].
func (f *File) Machines(ctx context.Context, after did.DID, limit int) (list []*Machine, err error) {
	err = f.reading(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucketMachines)).Cursor()
		key, data := c.First()
		if !after.IsZero() {
			place := Place(after)
			if key, data = c.Seek(place[:]); bytes.Equal(key, place[:]) {
				key, data = c.Next()
			}
		}
		for ; key != nil && len(list) < limit; key, data = c.Next() {
			m := new(Machine)
			if err := m.UnmarshalBinary(data); err != nil {
				return err
			}
			if place := Place(m.ID); !bytes.Equal(key, place[:]) {
				return fmt.Errorf("machine %v %w: it is out of its place", m.ID, ErrDamaged)
			}
			list = append(list, m)
		}
		return nil
	})
	return list, err
}

// Put implements [Store].
func (f *File) Put(ctx context.Context, m *Machine, entries ...Entry) error {
	if err := m.Check(entries); err != nil {
		return err
	}
	next := *m
	next.Revision++
	data, err := next.AppendBinary(nil)
	if err != nil {
		return err
	}
	place := Place(m.ID)
	if err := f.writing(ctx, func(tx *bolt.Tx) error {
		stored := int64(0)
		if have, err := machine(tx, m.ID); err == nil {
			stored = have.Revision
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if stored != m.Revision {
			return &ConflictError{Machine: m.ID, Revision: m.Revision, Stored: stored}
		}
		bucket := tx.Bucket([]byte(bucketEntries))
		for i := range entries {
			e := &entries[i]
			tag := e.Copy()
			key := slices.Concat(place[:], binary.BigEndian.AppendUint64(nil, uint64(e.Sequence)), e.Digest[:], tag[:])
			if bucket.Get(key) != nil {
				continue
			}
			if err := bucket.Put(key, e.Raw); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bucketMachines)).Put(place[:], data)
	}); err != nil {
		return err
	}
	m.Revision = next.Revision
	return nil
}

// Checkpoint implements [Store].
func (f *File) Checkpoint(ctx context.Context, origin string) (checkpoint []byte, err error) {
	err = f.reading(ctx, func(tx *bolt.Tx) error {
		checkpoint, err = checkpointOf(tx, origin)
		return err
	})
	return checkpoint, err
}

func checkpointOf(tx *bolt.Tx, origin string) ([]byte, error) {
	data := tx.Bucket([]byte(bucketCheckpoints)).Get([]byte(origin))
	switch {
	case data == nil:
		return nil, UnknownLog(origin)
	case len(data) < 4 || crc32.Checksum(data[4:], castagnoli) != binary.BigEndian.Uint32(data):
		return nil, fmt.Errorf("checkpoint of %q %w", origin, ErrDamaged)
	}
	return slices.Clone(data[4:]), nil
}

// PutCheckpoint implements [Store].
func (f *File) PutCheckpoint(ctx context.Context, origin string, was, now []byte) error {
	if err := CheckCheckpoint(origin, now); err != nil {
		return err
	}
	return f.writing(ctx, func(tx *bolt.Tx) error {
		have, err := checkpointOf(tx, origin)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if !bytes.Equal(have, was) {
			return &ConflictError{Origin: origin}
		}
		data := binary.BigEndian.AppendUint32(nil, crc32.Checksum(now, castagnoli))
		return tx.Bucket([]byte(bucketCheckpoints)).Put([]byte(origin), append(data, now...))
	})
}
