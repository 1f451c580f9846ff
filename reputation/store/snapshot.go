package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// The form of a snapshot: magic, then parts, each a byte that says what it is, its length
// (varint), and so many bytes:
//
//	'm'  a machine, in its binary form; what follows it belongs to it
//	'e'  an entry: sequence (8, big-endian) ‖ digest (32) ‖ raw
//	'c'  a checkpoint: length of the origin (varint) ‖ origin ‖ checkpoint
//	'z'  the end: SHA-256 of all before this part
const magic = "hourmeter store snapshot 1\n"

// maxPart bounds a part: the greatest is a machine.
const maxPart = MaxMachineBytes

// Snapshot writes all that s holds of machines, and the checkpoints of the named logs. Each
// machine is written as it was at one moment; others may be put meanwhile. The result ends
// with a checksum of the whole.
func Snapshot(ctx context.Context, s Store, w io.Writer, origins ...string) error {
	hash := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, hash), 1<<16)
	var head []byte
	part := func(kind byte, pieces ...[]byte) {
		n := 0
		for _, p := range pieces {
			n += len(p)
		}
		head = binary.AppendUvarint(append(head[:0], kind), uint64(n))
		out.Write(head) // the writer keeps its first error
		for _, p := range pieces {
			out.Write(p)
		}
	}
	out.WriteString(magic)
	for listed, err := range All(ctx, s) {
		if err != nil {
			return err
		}
		m, entries, err := s.Record(ctx, listed.ID)
		if err != nil {
			return err
		}
		data, err := m.AppendBinary(nil)
		if err != nil {
			return err
		}
		part('m', data)
		for i := range entries {
			e := &entries[i]
			part('e', binary.BigEndian.AppendUint64(nil, uint64(e.Sequence)), e.Digest[:], e.Raw)
		}
	}
	for _, origin := range origins {
		checkpoint, err := s.Checkpoint(ctx, origin)
		if err != nil {
			return err
		}
		part('c', binary.AppendUvarint(nil, uint64(len(origin))), []byte(origin), checkpoint)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("store: snapshot: %w", err)
	}
	part('z', hash.Sum(nil))
	if err := out.Flush(); err != nil {
		return fmt.Errorf("store: snapshot: %w", err)
	}
	return nil
}

// Restore puts what [Snapshot] wrote into s, which holds no machine yet: else the error wraps
// [ErrNotEmpty]. An error that wraps [ErrDamaged] says that r is not whole, or not a snapshot.
//
// On any error s may hold a part of it: throw s away. Revisions begin again.
func Restore(ctx context.Context, s Store, r io.Reader) error {
	if list, err := s.Machines(ctx, did.DID{}, 1); err != nil {
		return err
	} else if len(list) > 0 {
		return fmt.Errorf("store: restore: the store %w: restore into a new one", ErrNotEmpty)
	}
	damaged := func(what string) error { return fmt.Errorf("store: restore: the snapshot %w: %s", ErrDamaged, what) }
	in := &hashed{r: bufio.NewReaderSize(r, 1<<16), hash: sha256.New()}
	first := make([]byte, len(magic))
	if _, err := io.ReadFull(in, first); err != nil || string(first) != magic {
		return damaged("it does not begin as one")
	}
	var m *Machine
	var entries []Entry
	bytes := 0
	put := func() error {
		if m == nil {
			return nil
		}
		err := s.Put(ctx, m, entries...)
		entries, bytes = entries[:0], 0
		return err
	}
	for {
		before := in.hash.Sum(nil)
		kind, data, err := in.part()
		if err != nil {
			return damaged(err.Error())
		}
		if kind != 'e' {
			if err := put(); err != nil {
				return err
			}
			m = nil
		}
		switch kind {
		case 'm':
			m = new(Machine)
			if err := m.UnmarshalBinary(data); err != nil {
				return err
			}
			m.Revision = 0
		case 'e':
			if m == nil || len(data) <= 40 {
				return damaged("an entry is of no machine, or empty")
			}
			entries = append(entries, Entry{
				Sequence: int64(binary.BigEndian.Uint64(data)), Digest: vc.Digest(data[8:40]), Raw: data[40:],
			})
			if bytes += len(data); len(entries) == MaxEntries || bytes > maxPart {
				if err := put(); err != nil {
					return err
				}
			}
		case 'c':
			n, size := binary.Uvarint(data)
			if size <= 0 || n > uint64(len(data)-size) {
				return damaged("a checkpoint has no origin")
			}
			origin := string(data[size:][:n])
			if err := s.PutCheckpoint(ctx, origin, nil, data[size+int(n):]); err != nil {
				return err
			}
		case 'z':
			if !slices.Equal(data, before) {
				return damaged("its checksum does not hold")
			}
			return nil
		default:
			return damaged(fmt.Sprintf("part %q is unknown", kind))
		}
	}
}

// hashed reads, and hashes what it has read.
type hashed struct {
	r    *bufio.Reader
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	return n, err
}

// ReadByte implements [io.ByteReader].
func (h *hashed) ReadByte() (byte, error) {
	b, err := h.r.ReadByte()
	if err == nil {
		h.hash.Write([]byte{b})
	}
	return b, err
}

// part reads one part. It takes memory for what is there, not for what is announced.
func (h *hashed) part() (kind byte, data []byte, err error) {
	if kind, err = h.ReadByte(); err != nil {
		return 0, nil, errors.New("it ends early")
	}
	n, err := binary.ReadUvarint(h)
	if err != nil || n > maxPart {
		return 0, nil, errors.New("the length of a part is out of range")
	}
	data, err = io.ReadAll(io.LimitReader(h, int64(n)))
	if err != nil || uint64(len(data)) != n {
		return 0, nil, errors.New("it ends early")
	}
	return kind, data, nil
}
