package tlog

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/hourmeter/hourmeter/vc"
)

const (
	headLine   = "hourmeter-head/v1 "  // before the origin; no origin has a space, so no head is a checkpoint
	recordLine = "hourmeter-record/v1" // first of a record's list

	// maxEntries bounds how many entries of one record a reader takes in: one an hour for seven years.
	maxEntries = 1 << 16
)

// A Head is a log's signed word on how much of a record it holds in a tree. The
// tiles of a tree cannot show cheaply that an entry is the newest of its record;
// a Head says so, and if it is a lie, the log's own signature convicts it
// together with a leaf that shows otherwise: see [VerifyMisbehaviour].
//
// Only [Trust.Head] and what builds on it make one.
type Head struct {
	Origin  string
	Size    int64 // of the tree
	Key     Key
	Entries int64     // that the log holds of the record in that tree: sequences 0 to Entries-1
	Index   int64     // of the leaf of the newest; 0 if there is none
	Digest  vc.Digest // of the newest; zero if there is none

	note string
}

// Newest returns the newest entry; false if there is none.
func (h *Head) Newest() (Entry, bool) {
	return Entry{Key: h.Key, Sequence: h.Entries - 1, Digest: h.Digest}, h.Entries > 0
}

// Note returns the head with its signature.
func (h *Head) Note() []byte { return []byte(h.note) }

// Head checks a signed head: the log's signature. That it is the head of the
// tree and the record in question, the caller compares.
func (t *Trust) Head(signed []byte) (*Head, error) {
	log, err := parseKey(t.Log, typeLog)
	if err != nil {
		return nil, err
	}
	return openHead(signed, log)
}

func openHead(signed []byte, log *key) (*Head, error) {
	text, _, err := openNote(signed, log, nil)
	if err != nil {
		return nil, err
	}
	h, err := parseHead(text)
	if err != nil {
		return nil, err
	}
	if h.Origin != log.name {
		return nil, reject(ErrOrigin, log.name, "this is a head of %.80q", h.Origin)
	}
	h.note = string(signed)
	return h, nil
}

// signHead signs what h says.
func signHead(h Head, s *signer) ([]byte, error) {
	text := fmt.Sprintf("%s%s\n%d\n%s\n%d\n", headLine, h.Origin, h.Size, h.Key, h.Entries)
	if h.Entries > 0 {
		text += fmt.Sprintf("%d\n%s\n", h.Index, h.Digest)
	}
	return note.Sign(&note.Note{Text: text}, s)
}

// parseHead reads the text of a head.
func parseHead(text string) (*Head, error) {
	bad := func(format string, args ...any) (*Head, error) {
		return nil, reject(ErrMalformed, "", "head: "+format, args...)
	}
	body, ok := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	origin, isHead := strings.CutPrefix(lines[0], headLine)
	if !ok || !isHead || origin == "" || len(lines) != 4 && len(lines) != 6 {
		return bad("want %q and the origin, size, key, entries, index and digest, each in its line", strings.TrimSpace(headLine))
	}
	h := &Head{Origin: origin}
	var err error
	if h.Size, err = parseSize(lines[1]); err != nil {
		return bad("size: %w", err)
	}
	if h.Key, err = ParseKey(lines[2]); err != nil {
		return bad("%w", err)
	}
	if h.Entries, err = parseSize(lines[3]); err != nil {
		return bad("entries: %w", err)
	}
	if (h.Entries > 0) != (len(lines) == 6) {
		return bad("it has index and digest if it has entries")
	}
	if h.Entries == 0 {
		return h, nil
	}
	if h.Index, err = parseSize(lines[4]); err != nil {
		return bad("index: %w", err)
	}
	if h.Digest, err = vc.ParseDigest(lines[5]); err != nil || h.Digest.IsZero() {
		return bad("digest %.60q is none", lines[5])
	}
	if h.Index >= h.Size || h.Entries-1 > h.Index {
		return bad("%d entries up to leaf %d do not fit into a tree of size %d", h.Entries, h.Index, h.Size)
	}
	return h, nil
}

// A place says where an entry of a record is: what the log adds to a head without signing it, since
// the tree shows whether it is so.
type place struct {
	index   int64 // of the leaf
	archive int64 // size of the earliest archived checkpoint that covers it; 0 if there is none
}

// formatRecord writes the answer to record/<size>/<key>: places by rising sequence, and the head.
func formatRecord(places []place, head []byte) []byte {
	b := []byte(recordLine + "\n")
	for _, p := range places {
		b = append(strconv.AppendInt(b, p.index, 10), ' ')
		b = append(strconv.AppendInt(b, p.archive, 10), '\n')
	}
	return append(append(b, '\n'), head...)
}

// parseRecord reads what formatRecord writes. Only its shape is checked.
func parseRecord(text []byte) (places []place, head []byte, err error) {
	bad := func(format string, args ...any) ([]place, []byte, error) {
		return nil, nil, reject(ErrMalformed, "", "record: "+format, args...)
	}
	if len(text) > maxFile {
		return bad("it has %d bytes, at most %d are read", len(text), maxFile)
	}
	list, note, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(list, "\n")
	if !ok || lines[0] != recordLine {
		return bad("want %q, a list, an empty line and a head", recordLine)
	}
	if len(lines)-1 > maxEntries {
		return bad("it lists %d entries, at most %d are read", len(lines)-1, maxEntries)
	}
	last := int64(-1)
	for i, line := range lines[1:] {
		first, second, ok := strings.Cut(line, " ")
		index, err := parseSize(first)
		archive, again := parseSize(second)
		if !ok || err != nil || again != nil {
			return bad("entry %d is not two numbers", i)
		}
		if index <= last || archive != 0 && archive <= index {
			return bad("entry %d is leaf %d, the one before it leaf %d, and the tree of size %d covers it: that cannot be", i, index, last, archive)
		}
		last = index
		places = append(places, place{index, archive})
	}
	return places, []byte(note), nil
}
