package sdjwt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// rules say which claims at the top a holder must not be able to leave out.
type rules struct {
	clear  []string // not disclosed, by whoever issued
	closed []string // nothing in them is a digest: what it hides could change what they mean
	issued []string // besides clear, what we do not make disclosable, though others do
	known  []string // names of which another case is refused
}

// errClear says that a claim must not be left to the holder.
var errClear = errors.New("a verifier depends on it, so the holder must not be able to leave it out")

// check holds a token that somebody issued against r.
func (r rules) check(t *Token) error {
	for _, m := range t.members {
		if m.by != nil && slices.Contains(r.clear, m.name) {
			return fmt.Errorf("sdjwt: claim %s came by disclosure: %w", m.name, errClear)
		}
		if !m.closed && slices.Contains(r.closed, m.name) {
			return fmt.Errorf("sdjwt: claim %s has digests in it: %w", m.name, errClear)
		}
		if is, ok := strictjson.CaseVariant(m.name, r.known...); ok {
			return fmt.Errorf("sdjwt: claim %.40q: is it %q? names are case-sensitive", m.name, is)
		}
	}
	return nil
}

// leave holds what is to be hidden of claims against r.
func (r rules) leave(claims strictjson.Value, hide map[strictjson.Value]bool) error {
	var below func(strictjson.Value) error
	below = func(v strictjson.Value) error {
		if hide[v] {
			return fmt.Errorf("%.200q: %w", v.Pointer(), errClear)
		}
		for e := v.First(); e.Exists(); e = e.Next() {
			if err := below(e); err != nil {
				return err
			}
		}
		return nil
	}
	for m := claims.First(); m.Exists(); m = m.Next() {
		name := m.Name()
		if hide[m] && (slices.Contains(r.clear, name) || slices.Contains(r.issued, name)) {
			return fmt.Errorf("%.200q: %w", m.Pointer(), errClear)
		}
		if slices.Contains(r.closed, name) {
			if err := below(m); err != nil {
				return err
			}
		}
		// Whom a credential of VCDM 2.0 is about: one subject, or several.
		if name == "credentialSubject" && slices.Contains(r.issued, name) {
			subjects := []strictjson.Value{m}
			if m.Kind() == strictjson.Array {
				subjects = slices.Collect(m.All())
			}
			for _, s := range subjects {
				if hide[s] || hide[s.Member("id")] {
					return fmt.Errorf("%.200q: whom it is about: %w", s.Pointer(), errClear)
				}
			}
		}
	}
	return nil
}
