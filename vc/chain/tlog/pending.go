package tlog

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
)

// The pending file holds the entries that no published checkpoint covers yet.
//
//	offset 0     mark A      each 4096 bytes, of which 64 are used:
//	offset 4096  mark B      magic (16) ‖ first (8) ‖ acknowledged (8) ‖ SHA-256 of these and the origin (32)
//	offset 8192  frames      leaf (72) ‖ check (8), from leaf number first
//
// Numbers are big-endian. The check of a frame is the beginning of SHA-256(check of the one before
// ‖ leaf), so that frames cannot change places; the one before the first is the beginning of
// SHA-256(first ‖ origin).
//
// An entry is acknowledged in two steps, each synced: its frame, then a mark with the number of all
// leaves acknowledged. So a frame that is short or damaged was never acknowledged, and is cut off,
// unless the newest mark counts it: then the file has been damaged, and is not used. The marks are
// written in turn, so that a mark torn by a crash leaves the other.
const (
	pendingMagic = "hourmeter log 1\n"
	markBytes    = 64
	markBlock    = 4096 // at least a sector: a torn write spoils one mark
	framesAt     = 2 * markBlock
	checkBytes   = 8
	frameBytes   = leafBytes + checkBytes
)

// pending is the pending file, open for writing.
type pending struct {
	file   diskFile
	origin string
	first  int64            // number of the leaf in the first frame
	count  int64            // frames
	check  [checkBytes]byte // of the last frame
	turn   int              // which mark is written next
}

func firstCheck(origin string, first int64) [checkBytes]byte {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(first)), origin...))
	return [checkBytes]byte(sum[:])
}

func nextCheck(check [checkBytes]byte, leaf []byte) [checkBytes]byte {
	sum := sha256.Sum256(append(check[:], leaf...))
	return [checkBytes]byte(sum[:])
}

func formatMark(origin string, first, acknowledged int64) []byte {
	b := binary.BigEndian.AppendUint64([]byte(pendingMagic), uint64(first))
	b = binary.BigEndian.AppendUint64(b, uint64(acknowledged))
	sum := sha256.Sum256(append(b[:len(b):len(b)], origin...))
	return append(b, sum[:]...)
}

func parseMark(origin string, b []byte) (first, acknowledged int64, ok bool) {
	if len(b) < markBytes || string(b[:16]) != pendingMagic {
		return 0, 0, false
	}
	first, acknowledged = int64(binary.BigEndian.Uint64(b[16:])), int64(binary.BigEndian.Uint64(b[24:]))
	return first, acknowledged, first >= 0 && first <= acknowledged && acknowledged <= maxSize && string(b[:markBytes]) == string(formatMark(origin, first, acknowledged))
}

// formatPending returns a pending file that holds entries, all of them acknowledged.
func formatPending(origin string, first int64, entries []Entry) []byte {
	b := make([]byte, framesAt, framesAt+len(entries)*frameBytes)
	mark := formatMark(origin, first, first+int64(len(entries)))
	copy(b, mark)
	copy(b[markBlock:], mark)
	frames, _ := formatFrames(firstCheck(origin, first), entries)
	return append(b, frames...)
}

func formatFrames(check [checkBytes]byte, entries []Entry) ([]byte, [checkBytes]byte) {
	b := make([]byte, 0, len(entries)*frameBytes)
	for _, e := range entries {
		leaf := e.Leaf()
		check = nextCheck(check, leaf)
		b = append(append(b, leaf...), check[:]...)
	}
	return b, check
}

// parsePending reads a pending file: the number of its first leaf, and the entries, with those that
// were written but not acknowledged. The error is about what was acknowledged and is not there.
func parsePending(origin string, b []byte) (first int64, entries []Entry, err error) {
	if len(b) < framesAt {
		return 0, nil, fmt.Errorf("it has %d bytes, its header alone has %d", len(b), framesAt)
	}
	first, acknowledged, ok := parseMark(origin, b)
	firstB, acknowledgedB, okB := parseMark(origin, b[markBlock:])
	switch {
	case !ok && !okB:
		return 0, nil, errors.New("neither of its marks is whole")
	case ok && okB && first != firstB:
		return 0, nil, errors.New("its marks contradict each other")
	case !ok || okB && acknowledgedB > acknowledged:
		first, acknowledged = firstB, acknowledgedB
	}
	check := firstCheck(origin, first)
	for frames := b[framesAt:]; len(frames) >= frameBytes; frames = frames[frameBytes:] {
		check = nextCheck(check, frames[:leafBytes])
		if string(check[:]) != string(frames[leafBytes:frameBytes]) {
			break
		}
		e, err := ParseEntry(frames[:leafBytes])
		if err != nil {
			return 0, nil, fmt.Errorf("leaf %d: %w", first+int64(len(entries)), err)
		}
		entries = append(entries, e)
	}
	if have := first + int64(len(entries)); have < acknowledged {
		return 0, nil, fmt.Errorf("leaf %d was acknowledged and is damaged or missing, with all up to leaf %d", have, acknowledged-1)
	}
	return first, entries, nil
}

// readPending reads the pending file of a disk.
func readPending(d disk, origin string) (first int64, entries []Entry, err error) {
	b, err := d.ReadFile(pendingFile)
	if err == nil {
		first, entries, err = parsePending(origin, b)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, nil, fmt.Errorf("tlog: %s: %w", pendingFile, err)
	}
	if err != nil {
		return 0, nil, &CorruptError{File: pendingFile, Detail: err}
	}
	return first, entries, nil
}

// renewPending replaces the pending file by one that holds these entries, and opens it.
func renewPending(d disk, origin string, first int64, entries []Entry) (*pending, error) {
	if err := store(d, newFile{pendingFile, formatPending(origin, first, entries)}); err != nil {
		return nil, err
	}
	file, err := d.OpenFile(pendingFile, false)
	if err != nil {
		return nil, err
	}
	_, check := formatFrames(firstCheck(origin, first), entries)
	return &pending{file: file, origin: origin, first: first, count: int64(len(entries)), check: check}, nil
}

// append returns when the entries are on the disk and marked as acknowledged. After an error the
// file is not written again: what a failed sync has kept nobody knows.
func (p *pending) append(entries []Entry) error {
	frames, check := formatFrames(p.check, entries)
	if _, err := p.file.WriteAt(frames, framesAt+p.count*frameBytes); err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	count := p.count + int64(len(entries))
	if _, err := p.file.WriteAt(formatMark(p.origin, p.first, p.first+count), int64(p.turn)*markBlock); err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	p.count, p.check, p.turn = count, check, 1-p.turn
	return nil
}
