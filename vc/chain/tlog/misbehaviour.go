package tlog

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxEvidence bounds evidence against a log, in bytes: two receipts with room for JSON.
const maxEvidence = 4 * maxReceipt

// A Misbehaviour is evidence that a log broke its word, by its own signatures.
// It is an error where one is found, and anybody can check it by
// [VerifyMisbehaviour]. It is final: a log does not come by it through a fault
// of a disk, a mirror or a network, none of which has its key.
type Misbehaviour struct {
	Origin string // of the log
	Kind   Kind
	Detail string // in words

	evidence []byte
}

// A Kind is what a log did wrong.
type Kind string

// The kinds of misbehaviour.
const (
	Fork   Kind = "fork"   // it signed two trees, neither of which extends the other
	Lie    Kind = "lie"    // it signed a head that its tree contradicts
	Broken Kind = "broken" // it took in two entries of one record out of order, or for one place, or a record under two salts
)

// Error implements error.
func (m *Misbehaviour) Error() string {
	return fmt.Sprintf("tlog: log %s misbehaved (%s): %s; keep the evidence and show it to others", m.Origin, m.Kind, m.Detail)
}

// Evidence returns what convicts the log, as JSON.
func (m *Misbehaviour) Evidence() []byte { return m.evidence }

// evidence is the JSON of a Misbehaviour: one member.
type evidence struct {
	Fork   *forkEvidence `json:"fork,omitzero"`
	Lie    *lieEvidence  `json:"lie,omitzero"`
	Broken *[2]string    `json:"broken,omitzero"` // receipts
}

// forkEvidence shows that the tree of checkpoint 1 begins with a tree that has the size of
// checkpoint 0 and another root.
type forkEvidence struct {
	Checkpoints [2]string `json:"checkpoints"`     // the smaller one first
	Root        string    `json:"root"`            // of the first leaves of the larger one
	Proof       []string  `json:"proof,omitempty"` // consistency proof from Root to the larger one (RFC 6962 §2.1.2)
}

// lieEvidence shows a leaf within the tree of a head that the head denies.
type lieEvidence struct {
	Head    string `json:"head"`
	Receipt string `json:"receipt"`
}

// VerifyMisbehaviour checks evidence against the log with this verifier key. No
// witness is asked: the log's own signatures convict it. The error is a
// *[RejectError] if the evidence shows nothing.
func VerifyMisbehaviour(log string, text []byte) (*Misbehaviour, error) {
	k, err := parseKey(log, typeLog)
	if err != nil {
		return nil, err
	}
	bad := func(err error) (*Misbehaviour, error) {
		return nil, reject(ErrMalformed, k.name, "evidence: %w", err)
	}
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxEvidence, Values: 256})
	if err != nil {
		return bad(err)
	}
	var e evidence
	if err := json.Unmarshal([]byte(doc.Root().Raw()), &e, json.RejectUnknownMembers(true)); err != nil {
		return bad(err)
	}
	m := &Misbehaviour{Origin: k.name, evidence: text}
	open := func(signed []byte) (*Checkpoint, error) { return openCheckpoint(signed, k, nil) }
	switch {
	case e.Fork != nil && e.Lie == nil && e.Broken == nil:
		m.Kind = Fork
		m.Detail, err = e.Fork.check(open)
	case e.Lie != nil && e.Fork == nil && e.Broken == nil:
		m.Kind = Lie
		m.Detail, err = e.Lie.check(k, open)
	case e.Broken != nil && e.Fork == nil && e.Lie == nil:
		m.Kind = Broken
		m.Detail, err = checkBroken(*e.Broken, open)
	default:
		err = errors.New("want one member: fork, lie or broken")
	}
	if _, ok := errors.AsType[*RejectError](err); ok {
		return nil, err
	} else if err != nil {
		return bad(err)
	}
	return m, nil
}

func (f *forkEvidence) check(open func([]byte) (*Checkpoint, error)) (string, error) {
	var c [2]*Checkpoint
	for i, signed := range f.Checkpoints {
		var err error
		if c[i], err = open([]byte(signed)); err != nil {
			return "", err
		}
	}
	root, err := parseHash(f.Root)
	if err != nil {
		return "", err
	}
	proof, err := parseProof(f.Proof)
	if err != nil {
		return "", err
	}
	switch {
	case c[0].Size < 1 || c[0].Size > c[1].Size:
		return "", fmt.Errorf("the first checkpoint has size %d, the second one %d", c[0].Size, c[1].Size)
	case root == c[0].Root:
		return "", errors.New("the second tree extends the first: this is no fork")
	case c[0].Size == c[1].Size && (root != c[1].Root || len(proof) > 0):
		return "", errors.New("the root of the second tree is another one")
	case c[0].Size < c[1].Size:
		if err := tlog.CheckTree(proof, c[1].Size, c[1].Root, c[0].Size, root); err != nil {
			return "", fmt.Errorf("the second tree does not begin with that root: %w", err)
		}
	}
	return fmt.Sprintf("its tree of size %d is not the beginning of its tree of size %d", c[0].Size, c[1].Size), nil
}

func (l *lieEvidence) check(log *key, open func([]byte) (*Checkpoint, error)) (string, error) {
	h, err := openHead([]byte(l.Head), log)
	if err != nil {
		return "", err
	}
	r, err := openReceipt([]byte(l.Receipt), open)
	if err != nil {
		return "", err
	}
	newest, any := h.Newest()
	switch {
	case r.Index >= h.Size:
		return "", fmt.Errorf("leaf %d is not in the tree of size %d that the head is about", r.Index, h.Size)
	case any && r.Index == h.Index && r.Entry != newest:
		return fmt.Sprintf("it named leaf %d as entry %d of %s, which it is not", h.Index, newest.Sequence, h.Key), nil
	case r.Entry.Key == h.Key && r.Entry.Sequence >= h.Entries:
		return fmt.Sprintf("it signed that it holds %d entries of %s in a tree of size %d, but its leaf %d is entry %d", h.Entries, h.Key, h.Size, r.Index, r.Entry.Sequence), nil
	}
	return "", errors.New("the leaf does not contradict the head")
}

func checkBroken(texts [2]string, open func([]byte) (*Checkpoint, error)) (string, error) {
	var r [2]*Receipt
	for i, text := range texts {
		var err error
		if r[i], err = openReceipt([]byte(text), open); err != nil {
			return "", err
		}
	}
	if a, b := r[0].Entry, r[1].Entry; a.Key != b.Key && a.Digest == b.Digest && a.Sequence == 0 && b.Sequence == 0 && r[0].Index < r[1].Index {
		return fmt.Sprintf("it took in the record %s twice, as leaf %d and, under another salt, as leaf %d", a.Digest, r[0].Index, r[1].Index), nil
	}
	if r[0].Entry.Key != r[1].Entry.Key || r[0].Index >= r[1].Index || r[0].Entry.Sequence < r[1].Entry.Sequence {
		return "", errors.New("these two leaves stand in order")
	}
	return fmt.Sprintf("after entry %d of %s as leaf %d it took in entry %d as leaf %d", r[0].Entry.Sequence, r[0].Entry.Key, r[0].Index, r[1].Entry.Sequence, r[1].Index), nil
}

// convict makes a Misbehaviour and checks it: what this package reports, it can prove.
func convict(log *key, e evidence) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	m, err := VerifyMisbehaviour(log.String(), text)
	if err != nil {
		return err
	}
	return m
}

// extends checks that a large tree, whose hashes are given, begins with a small one. If it does not,
// the error is the evidence, or says why there is none.
func extends(hashes tlog.HashReader, log *key, small, large *Checkpoint) error {
	if small.Size == 0 {
		return nil // every tree extends the empty one
	}
	var err error
	root := tlog.Hash(large.Root)
	if small.Size < large.Size {
		root, err = tlog.TreeHash(small.Size, hashes)
	}
	if err != nil || root == small.Root {
		return err
	}
	f := &forkEvidence{Checkpoints: [2]string{small.note, large.note}, Root: base64.StdEncoding.EncodeToString(root[:])}
	if small.Size < large.Size {
		proof, err := tlog.ProveTree(large.Size, small.Size, hashes)
		if err != nil {
			return err
		}
		for _, h := range proof {
			f.Proof = append(f.Proof, h.String())
		}
	}
	return convict(log, evidence{Fork: f})
}
