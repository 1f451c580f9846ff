package tlog

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	receiptLine = "c2sp.org/tlog-proof@v1"

	// maxProof is the most hashes in a proof: one for each level of a tree of maxSize, and as many as
	// C2SP tlog-witness allows.
	maxProof = 63

	// maxReceipt bounds a receipt, in bytes: a note, maxProof hashes and room.
	maxReceipt = maxNote + 4<<10
)

// A Receipt shows that a log holds an entry, and since when at the latest. It is
// kept beside the credential and checked offline. As text it is a C2SP
// tlog-proof, whose extra data is the leaf. Only [Trust.Receipt] makes one.
type Receipt struct {
	Entry      Entry
	Index      int64       // of the leaf
	Checkpoint *Checkpoint // of a tree that includes the leaf

	text string
}

// Time returns the log time of the entry: the log held it no later than this.
// See [Checkpoint.LogTime].
//
// Who shows a receipt chooses which: an entry may be older than a receipt says,
// never younger.
func (r *Receipt) Time() time.Time { return r.Checkpoint.LogTime() }

// Text returns the receipt as it was read.
func (r *Receipt) Text() []byte { return []byte(r.text) }

// Receipt checks a receipt: the inclusion of the entry, the log's signature and
// the quorum of witnesses. Whether the entry is the one that the caller has in
// mind, the caller compares.
//
// The error is a *[RejectError], a *[QuorumError], or says what is wrong with
// the Trust itself.
func (t *Trust) Receipt(text []byte) (*Receipt, error) {
	p, err := t.prepare()
	if err != nil {
		return nil, err
	}
	return openReceipt(text, p.checkpoint)
}

// openReceipt checks a receipt whose checkpoint is good if open says so.
func openReceipt(text []byte, open func([]byte) (*Checkpoint, error)) (*Receipt, error) {
	entry, index, proof, signed, err := parseReceipt(text)
	if err != nil {
		return nil, err
	}
	c, err := open(signed)
	if err != nil {
		return nil, err
	}
	if err := checkInclusion(proof, c.tree(), index, tlog.RecordHash(entry.Leaf())); err != nil {
		return nil, reject(ErrInclusion, c.Origin, "entry %d of %s as leaf %d of %d: %w", entry.Sequence, entry.Key, index, c.Size, err)
	}
	return &Receipt{Entry: entry, Index: index, Checkpoint: c, text: string(text)}, nil
}

// checkInclusion checks an RFC 6962 §2.1.1 audit path.
func checkInclusion(proof []tlog.Hash, tree tlog.Tree, index int64, leaf tlog.Hash) error {
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf)
}

// formatReceipt writes a C2SP tlog-proof.
func formatReceipt(e Entry, index int64, proof []tlog.Hash, signed []byte) []byte {
	b := fmt.Appendf(nil, "%s\nextra %s\nindex %d\n", receiptLine, base64.StdEncoding.EncodeToString(e.Leaf()), index)
	for _, h := range proof {
		b = append(base64.StdEncoding.AppendEncode(b, h[:]), '\n')
	}
	return append(append(b, '\n'), signed...)
}

// parseReceipt reads a C2SP tlog-proof whose extra data is a leaf. Nothing of it is checked yet.
func parseReceipt(text []byte) (e Entry, index int64, proof []tlog.Hash, signed []byte, err error) {
	bad := func(format string, args ...any) (Entry, int64, []tlog.Hash, []byte, error) {
		return Entry{}, 0, nil, nil, reject(ErrMalformed, "", "receipt: "+format, args...)
	}
	if len(text) > maxReceipt {
		return bad("it has %d bytes, at most %d are read", len(text), maxReceipt)
	}
	head, note, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != receiptLine {
		return bad("want %q, extra, index, a proof, an empty line and a checkpoint", receiptLine)
	}
	extra, ok := strings.CutPrefix(lines[1], "extra ")
	leaf, err := base64.StdEncoding.Strict().DecodeString(extra)
	if !ok || err != nil {
		return bad("its second line is not the word extra and a leaf in base64")
	}
	if e, err = ParseEntry(leaf); err != nil {
		return bad("%w", err)
	}
	number, ok := strings.CutPrefix(lines[2], "index ")
	if !ok {
		return bad("its third line is not the word index and a number")
	}
	if index, err = parseSize(number); err != nil {
		return bad("index: %w", err)
	}
	if proof, err = parseProof(lines[3:]); err != nil {
		return bad("%w", err)
	}
	return e, index, proof, []byte(note), nil
}

// parseProof reads the hashes of a proof, one a line.
func parseProof(lines []string) ([]tlog.Hash, error) {
	if len(lines) > maxProof {
		return nil, fmt.Errorf("a proof has at most %d hashes, this one %d", maxProof, len(lines))
	}
	var proof []tlog.Hash
	for i, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return nil, fmt.Errorf("hash %d of the proof: %w", i, err)
		}
		proof = append(proof, h)
	}
	return proof, nil
}
