package rdfc

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/hourmeter/hourmeter/internal/rdf"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// maxPointers bounds the mandatory pointers of a proof, and the selective ones: each is searched for from the
// root. Who names more than a thousand members one by one can name what they are in.
const maxPointers = 1000

func checkCount(pointers []string) error {
	if len(pointers) > maxPointers {
		return fmt.Errorf("%d JSON pointers, at most %d are read", len(pointers), maxPointers)
	}
	return nil
}

// A selection is what pointers select of a document: what they point to, as a whole (true), and the objects and
// arrays on the way there (false).
type selection map[strictjson.Value]bool

// add follows one JSON pointer (RFC 6901; vc-di-ecdsa §3.4.10, §3.4.12).
func (sel selection) add(root strictjson.Value, pointer string) error {
	at := root
	for rest := pointer; rest != ""; {
		if rest[0] != '/' {
			return fmt.Errorf("%.200q is no JSON pointer: it must begin with /", pointer)
		}
		name, end := rest[1:], len(rest)
		if i := strings.IndexByte(name, '/'); i >= 0 {
			name, end = name[:i], i+1
		}
		rest = rest[end:]
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(name), "~") {
			return fmt.Errorf("%.200q is no JSON pointer: ~ is written ~0", pointer)
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)

		if !sel[at] {
			sel[at] = false
		}
		var next strictjson.Value
		switch at.Kind() {
		case strictjson.Object:
			next = at.Member(name)
		case strictjson.Array:
			if n, err := strconv.ParseUint(name, 10, 31); err == nil && strconv.FormatUint(n, 10) == name {
				for next = at.First(); next.Exists() && n > 0; n-- {
					next = next.Next()
				}
			}
		}
		if !next.Exists() {
			return fmt.Errorf("the JSON pointer %.200q matches nothing", pointer)
		}
		at = next
	}
	sel[at] = true
	return nil
}

// choose returns what pointers select of a document: its statements, and a document that makes them (§3.4.13,
// §3.4.15). No pointers select nothing.
//
// The standard gives every object without an id one, selects from that document, and takes the ids away again.
// Here an object is recognized by where it stands: its blank node's label says so.
func (s ECDSASD2023) choose(doc strictjson.Value, all statements, pointers []string) (statements, error) {
	chosen := statements{labels: all.labels}
	if len(pointers) == 0 {
		return chosen, nil
	}
	w := writer{selected: selection{}}
	for _, pointer := range pointers {
		if err := w.selected.add(doc, pointer); err != nil {
			return chosen, err
		}
	}
	w.value(doc)
	chosen.document = w.out
	var err error
	if chosen.quads, err = quads(s.Contexts, w.out); err != nil {
		return chosen, fmt.Errorf("the part that is selected: %w", err)
	}
	for i := range chosen.quads {
		q := &chosen.quads[i]
		for _, t := range []*rdf.Term{&q.Subject, &q.Object, &q.Graph} {
			if t.Kind != rdf.Blank {
				continue
			}
			t.Value = w.original(t.Value)
			if _, ok := all.labels[t.Value]; !ok {
				return chosen, errors.New("the JSON pointers lead through an object whose id is not a member id or @id, and would be lost")
			}
		}
	}
	if chosen.lines, err = relabel(chosen.quads, chosen.labels); err != nil {
		return chosen, err
	}
	// A part of a value or a list says something that the whole does not.
	for _, line := range chosen.lines {
		if _, ok := slices.BinarySearch(all.lines, line); !ok {
			return chosen, fmt.Errorf("the JSON pointers select a part of a value or list that can be shown as a whole only: %.200q is not in the document", line)
		}
	}
	return chosen, nil
}

// A writer writes what is selected of a document, and remembers where each part comes from.
type writer struct {
	selected selection
	out      []byte
	parts    []part // in the order of at
}

type part struct{ at, from, length int }

// whole writes all of v.
func (w *writer) whole(v strictjson.Value) {
	w.parts = append(w.parts, part{len(w.out), v.Offset(), len(v.Raw())})
	w.out = append(w.out, v.Raw()...)
}

// value writes what is selected of v (§3.4.11, §3.4.12). An object on the way keeps its context, its id and all its
// types: without them its other members would say something else. Arrays close up.
func (w *writer) value(v strictjson.Value) {
	if w.selected[v] {
		w.whole(v)
		return
	}
	w.parts = append(w.parts, part{len(w.out), v.Offset(), 1})
	if v.Kind() == strictjson.Array {
		w.out = append(w.out, '[')
		for e := v.First(); e.Exists(); e = e.Next() {
			if _, selected := w.selected[e]; selected {
				w.value(e)
				w.out = append(w.out, ',')
			}
		}
		w.out[len(w.out)-1] = ']' // something was selected
		return
	}
	w.out = append(w.out, '{')
	for m := v.First(); m.Exists(); m = m.Next() {
		_, selected := w.selected[m]
		kept := slices.Contains([]string{"@context", "@id", "@type", "id", "type"}, m.Name())
		if !selected && !kept {
			continue
		}
		w.out = append(append(w.out, m.RawName()...), ':')
		if kept {
			w.whole(m)
		} else {
			w.value(m)
		}
		w.out = append(w.out, ',')
	}
	w.out[len(w.out)-1] = '}'
}

// original returns the label that a blank node has in the document, given the one it has in what was written, or
// "" if it is from nowhere. [vc.Contexts.NQuads] says what labels are made of.
func (w *writer) original(label string) string {
	if strings.HasPrefix(label, "n") {
		return label // the document's own
	}
	at, err := strconv.Atoi(label[1:])
	if err != nil {
		return ""
	}
	i := sort.Search(len(w.parts), func(i int) bool { return w.parts[i].at > at }) - 1
	if i < 0 || at >= w.parts[i].at+w.parts[i].length {
		return ""
	}
	return label[:1] + strconv.Itoa(at-w.parts[i].at+w.parts[i].from)
}
