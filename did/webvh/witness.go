package webvh

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// ErrNoWitness says that a log has witnesses, and there is no did-witness.json.
var ErrNoWitness = errors.New("webvh: there is no did-witness.json, which belongs beside the did.jsonl")

// witnesses returns who has to approve of entry i of l, from 0. A list counts from the entry after the
// one that brings it, so that those who are replaced have to approve of that; but if there was none, it
// counts at once (did:webvh, "Parameters").
func (l *Log) witnesses(i int) Witness {
	if i > 0 && len(l.entries[i-1].params.Witness.Witnesses) > 0 {
		return l.entries[i-1].params.Witness
	}
	return l.entries[i].params.Witness
}

// A testimony is a proof of a witness in the file.
type testimony struct {
	proof
	entry int    // which entry of the log it approves of, from 0
	raw   string // as it stands in the file
}

// readWitnessFile returns the proofs that are about entries of l. Others are ignored: they may be of
// entries that are yet to be published, or of another log altogether.
func (l *Log) readWitnessFile(text string) (list []testimony, err error) {
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{Bytes: MaxWitnessBytes})
	if err != nil {
		return nil, err
	}
	if doc.Root().Kind() != strictjson.Array {
		return nil, errors.New("is no list")
	}
	for v := range doc.Root().All() {
		id, proofs := v.Member("versionId"), v.Member("proof")
		if id.Kind() != strictjson.String || proofs.Kind() != strictjson.Array && proofs.Exists() || v.Len() > 2 || v.Len() == 2 && !proofs.Exists() {
			return nil, fmt.Errorf("%s does not consist of a versionId and a list of proofs", v.Pointer())
		}
		i := l.number(id.Text()) - 1
		if i < 0 || i >= len(l.entries) || l.entries[i].versionID != id.Text() {
			continue
		}
		for v := range proofs.All() {
			// One that cannot be read "MAY" be ignored, and is: the threshold decides.
			if p, err := readProof(v); err == nil {
				list = append(list, testimony{p, i, v.Raw()})
			}
		}
	}
	return list, nil
}

// finish checks that witnesses approved of the entries, which hold otherwise, and makes the answer for
// the newest valid one. broken is why l was cut off, if it was.
func (l *Log) finish(file string, broken *LogError) error {
	l.witness, l.held, l.broken = file, len(l.entries), broken
	needed := slices.IndexFunc(l.entries, func(e entry) bool { return len(e.params.Witness.Witnesses) > 0 })
	if needed >= 0 {
		if i, err := l.unwitnessed(needed); err != nil {
			l.held = i
			if broken == nil { // or it may be the entry that is broken that they approved of
				l.broken = &LogError{Entry: i + 1, VersionID: l.entries[i].versionID, Rule: RuleWitness, Msg: "the proofs of witnesses", Err: err}
			}
		}
	}
	l.names = nil
	for i := range l.held {
		if id := l.entries[i].id; !slices.Contains(l.names, id) {
			l.names = append(l.names, id)
		}
	}
	if l.held > 0 {
		var err error
		l.now = asOfNow(l.entries[l.held-1].params)
		l.latest, err = l.resolution(l.held - 1)
		return err
	}
	return nil
}

// unwitnessed returns the first entry, from 0, that too few witnesses have approved of, and why.
func (l *Log) unwitnessed(from int) (int, error) {
	switch {
	case l.witness == "":
		return from, ErrNoWitness
	case len(l.witness) > MaxWitnessBytes:
		return from, fmt.Errorf("%d bytes, at most %d are read", len(l.witness), MaxWitnessBytes)
	}
	list, err := l.readWitnessFile(l.witness)
	if err != nil {
		return from, err
	}

	// Who approves of an entry approves of all before it. So the newest proof of a witness that holds
	// says all, and counts once however many there are. Older ones are not even looked at.
	slices.SortStableFunc(list, func(a, b testimony) int { return b.entry - a.entry })
	newest := map[string]int{} // by key, as Multikey
	var reason error           // why the last one did not hold
	for _, t := range list {
		if _, ok := newest[t.signer]; ok {
			continue
		}
		if err := l.check(t); err != nil {
			reason = fmt.Errorf("the one by %.80q for entry %d %w", t.signer, t.entry+1, err)
			continue
		}
		newest[t.signer] = t.entry
	}
	for i := from; i < len(l.entries); i++ {
		w := l.witnesses(i)
		have := 0
		for _, id := range w.Witnesses {
			if at, ok := newest[id.Identifier()]; ok && at >= i {
				have++
			}
		}
		if have < w.Threshold {
			err := fmt.Errorf("%d of %d witnesses approved of it, and %d have to", have, len(w.Witnesses), w.Threshold)
			if reason != nil {
				err = fmt.Errorf("%w; %w", err, reason)
			}
			return i, err
		}
	}
	return len(l.entries), nil
}

// check checks a proof. What a witness signs is an object with nothing but the versionId.
func (l *Log) check(t testimony) error {
	key, err := ed25519Key(t.signer)
	if err != nil {
		return err
	}
	return t.verify(key, sha256.Sum256([]byte(`{"versionId":"`+l.entries[t.entry].versionID+`"}`)))
}
