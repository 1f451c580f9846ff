package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
)

// The binary form of a machine, version 1:
//
//	version (1 byte), revision (varint)
//	each with its length before it (varint): ID; head as JSON; scored head as JSON, or nothing;
//	  state; root, lens and logged as 32 bytes each, or nothing for zero
//	number of signers (varint), each with its length before it
//	CRC-32C of all before, big-endian
const machineVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary implements [encoding.BinaryAppender]: the form in which stores keep a machine.
func (m *Machine) AppendBinary(dst []byte) ([]byte, error) {
	start := len(dst)
	head, err := json.Marshal(&m.Head)
	if err != nil {
		return dst, fmt.Errorf("store: head of %v: %w", m.ID, err)
	}
	var scored []byte
	if m.Scored != nil {
		if scored, err = json.Marshal(m.Scored); err != nil {
			return dst, fmt.Errorf("store: scored head of %v: %w", m.ID, err)
		}
	}
	if len(m.Signers) > MaxSigners {
		return dst, fmt.Errorf("store: %v: its record has %d signers, more than %d", m.ID, len(m.Signers), MaxSigners)
	}
	dst = append(dst, machineVersion)
	dst = binary.AppendUvarint(dst, uint64(m.Revision))
	part := func(b []byte) { dst = append(binary.AppendUvarint(dst, uint64(len(b))), b...) }
	part([]byte(m.ID.String()))
	part(head)
	part(scored)
	part(m.State)
	for _, d := range []vc.Digest{m.Root, m.Lens, m.Logged} {
		if d.IsZero() {
			part(nil)
		} else {
			part(d[:])
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Signers)))
	for _, id := range m.Signers {
		part([]byte(id.String()))
	}
	dst = binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	if n := len(dst) - start; n > MaxMachineBytes {
		return dst, fmt.Errorf("store: %v takes %d bytes, more than %d", m.ID, n, MaxMachineBytes)
	}
	return dst, nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It keeps no part of data. The error
// wraps [ErrDamaged].
func (m *Machine) UnmarshalBinary(data []byte) error {
	damaged := func(what string) error { return fmt.Errorf("store: a machine %w: %s", ErrDamaged, what) }
	if len(data) < 5 || len(data) > MaxMachineBytes || crc32.Checksum(data[:len(data)-4], castagnoli) != binary.BigEndian.Uint32(data[len(data)-4:]) {
		return damaged("its checksum does not hold")
	}
	if data[0] != machineVersion {
		return damaged(fmt.Sprintf("its version is %d, not %d", data[0], machineVersion))
	}
	data = data[1 : len(data)-4]
	ok := true
	number := func(limit int) int {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(limit) {
			ok, data = false, nil
			return 0
		}
		data = data[size:]
		return int(n)
	}
	part := func() []byte {
		n := number(len(data))
		if n > len(data) {
			ok = false
			return nil
		}
		b := data[:n]
		data = data[n:]
		return b
	}
	name := func() did.DID {
		id, err := did.Parse(string(part()))
		ok = ok && err == nil
		return id
	}
	digest := func() (d vc.Digest) {
		b := part()
		if len(b) != len(d) {
			ok = ok && len(b) == 0
			return d
		}
		return vc.Digest(b)
	}

	var read Machine
	revision, size := binary.Uvarint(data)
	if size <= 0 || revision > 1<<62 {
		return damaged("its revision is out of range")
	}
	read.Revision, data = int64(revision), data[size:]
	read.ID = name()
	if err := json.Unmarshal(part(), &read.Head); err != nil {
		return damaged(err.Error())
	}
	if scored := part(); len(scored) > 0 {
		read.Scored = new(reputation.Head)
		if err := json.Unmarshal(scored, read.Scored, json.RejectUnknownMembers(true)); err != nil {
			return damaged(err.Error())
		}
	}
	if read.State = slices.Clone(part()); len(read.State) == 0 {
		read.State = nil
	}
	read.Root, read.Lens, read.Logged = digest(), digest(), digest()
	n := number(min(MaxSigners, len(data)))
	read.Signers = make([]did.DID, 0, n)
	for range n {
		read.Signers = append(read.Signers, name())
	}
	if !ok || len(data) > 0 {
		return damaged("its parts do not fit")
	}
	if n == 0 {
		read.Signers = nil
	}
	*m = read
	return nil
}
