package webvh

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
)

// Witness returns the log with a proof by key that it approves of the newest entry, and so of all
// before (did:webvh, "Witnessing a DID Version Update"). at is the time of the proof; zero means now.
//
// A witness that is asked has a copy of the log as it was published, and looks at [Log.Extends] first:
// to approve of two histories is to be no witness.
func (l *Log) Witness(key crypto.Signer, at time.Time) (*Log, error) {
	if l.broken != nil && l.broken.Rule != RuleWitness {
		return nil, fmt.Errorf("webvh: a log that is broken cannot be witnessed: %w", l.broken)
	}
	if at.IsZero() {
		at = time.Now().Truncate(time.Second)
	}
	last := len(l.entries) - 1
	id := l.entries[last].versionID
	proof, signer, err := sign(key, at, []byte(`{"versionId":"`+id+`"}`))
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(l.witnesses(last).Witnesses, func(w did.DID) bool { return w.Identifier() == signer }) {
		return nil, fmt.Errorf("webvh: did:key:%s is not a witness of entry %d", signer, last+1)
	}
	return l.AddProofs([]byte(`[{"versionId":"` + id + `","proof":[` + proof + `]}]`))
}

// AddProofs returns the log with the proofs of another witness file added to its own. Of each witness
// the newest two that are about entries of l are kept: who has the log without its newest entry
// needs the one before.
func (l *Log) AddProofs(file []byte) (*Log, error) {
	var list []testimony
	for _, text := range [...]string{string(file), l.witness} { // on equal terms the one that was added
		if text == "" {
			continue
		}
		if len(text) > MaxWitnessBytes {
			return nil, fmt.Errorf("webvh: a witness file of %d bytes, at most %d are read", len(text), MaxWitnessBytes)
		}
		read, err := l.readWitnessFile(text)
		if err != nil {
			return nil, fmt.Errorf("webvh: the witness file: %w", err)
		}
		list = append(list, read...)
	}
	slices.SortStableFunc(list, func(a, b testimony) int { return b.entry - a.entry })
	kept := map[string][]int{} // entries, by witness
	list = slices.DeleteFunc(list, func(t testimony) bool {
		of := kept[t.signer]
		if len(of) == 2 || slices.Contains(of, t.entry) || l.check(t) != nil {
			return true
		}
		kept[t.signer] = append(of, t.entry)
		return false
	})
	if len(list) == 0 {
		return nil, errors.New("webvh: the witness file has no proof that is about this log and holds")
	}
	b := strings.Builder{}
	b.WriteString("[")
	for i := len(list) - 1; i >= 0; i-- { // oldest first, as they were made
		t := list[i]
		switch {
		case i == len(list)-1:
			fmt.Fprintf(&b, `{"versionId":"%s","proof":[`, l.entries[t.entry].versionID)
		case t.entry != list[i+1].entry:
			fmt.Fprintf(&b, `]},{"versionId":"%s","proof":[`, l.entries[t.entry].versionID)
		default:
			b.WriteString(",")
		}
		b.WriteString(t.raw)
	}
	b.WriteString("]}]\n")

	broken := l.broken
	if broken != nil && broken.Rule == RuleWitness {
		broken = nil
	}
	out := &Log{scid: l.scid, text: l.text, entries: l.entries}
	if err := out.finish(b.String(), broken); err != nil {
		return nil, err
	}
	return out, nil
}
