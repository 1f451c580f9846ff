package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// entryChanges says in words what an entry changes; before is zero if it is the first.
func entryChanges(before, after webvh.Entry) ([]string, error) {
	var old *did.Document
	var err error
	if before.State != "" {
		if old, err = did.ParseDocument([]byte(before.State)); err != nil {
			return nil, err
		}
	}
	now, err := did.ParseDocument([]byte(after.State))
	if err != nil {
		return nil, err
	}
	said := append(parameterChanges(before, after), documentChanges(old, now)...)
	if len(said) == 0 {
		said = []string{"nothing changed"}
	}
	return said, nil
}

// parameterChanges says in words what became of the rules of a log.
func parameterChanges(before, after webvh.Entry) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, oneLine(fmt.Sprintf(format, args...))) }
	was, is := before.Parameters, after.Parameters
	if was == nil {
		say("created")
		was = &webvh.Parameters{TTL: is.TTL}
		if is.Portable {
			say("portable: it may move to another host")
		}
	} else {
		if before.ID != after.ID {
			say("moved to %s", after.ID)
		}
		if was.Portable && !is.Portable {
			say("no longer portable")
		}
	}
	if !was.Deactivated && is.Deactivated {
		say("deactivated")
	}
	if !slices.Equal(was.UpdateKeys, is.UpdateKeys) && len(is.UpdateKeys) > 0 {
		say("update keys: %s", strings.Join(is.UpdateKeys, ", "))
	}
	switch {
	case len(is.NextKeyHashes) > 0 && !slices.Equal(was.NextKeyHashes, is.NextKeyHashes):
		say("committed to the next update keys")
	case len(is.NextKeyHashes) == 0 && len(was.NextKeyHashes) > 0:
		say("no commitment to the next update keys any more")
	}
	switch w := is.Witness; {
	case len(w.Witnesses) == 0 && len(was.Witness.Witnesses) > 0:
		say("no witnesses any more")
	case w.Threshold != was.Witness.Threshold || !slices.Equal(w.Witnesses, was.Witness.Witnesses):
		say("witnesses: %d of %s", w.Threshold, joinDIDs(w.Witnesses))
	}
	if !slices.Equal(was.Watchers, is.Watchers) {
		say("watchers: %s", strings.Join(is.Watchers, ", "))
	}
	if was.TTL != is.TTL {
		say("may be remembered for %s", is.TTL)
	}
	return said
}

func joinDIDs(ids []did.DID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return strings.Join(texts, ", ")
}

// documentChanges says in words what became of a document; before is nil for the first.
func documentChanges(before, after *did.Document) []string {
	var said []string
	say := func(format string, args ...any) { said = append(said, oneLine(fmt.Sprintf(format, args...))) }
	if before == nil {
		before = &did.Document{ID: after.ID}
	}
	roles := func(d *did.Document, fragment string) string {
		var list []string
		e := edited(d)
		for _, use := range []did.Relationship{did.Authentication, did.AssertionMethod, did.KeyAgreement, did.CapabilityInvocation, did.CapabilityDelegation} {
			if slices.ContainsFunc(*e.relationships()[use], func(ref did.MethodRef) bool { return ref.ID.Fragment == fragment }) {
				list = append(list, string(use))
			}
		}
		return strings.Join(list, ", ")
	}
	// By fragment: a move renames all that a document has.
	methods := func(d *did.Document) (list []did.VerificationMethod) {
		list = append(list, d.VerificationMethod...)
		for _, refs := range edited(d).relationships() {
			for _, ref := range *refs {
				if ref.Embedded != nil {
					list = append(list, *ref.Embedded)
				}
			}
		}
		slices.SortStableFunc(list, func(a, b did.VerificationMethod) int { return strings.Compare(a.ID.Fragment, b.ID.Fragment) })
		return list
	}
	find := func(list []did.VerificationMethod, fragment string) *did.VerificationMethod {
		for i := range list {
			if list[i].ID.Fragment == fragment {
				return &list[i]
			}
		}
		return nil
	}
	old, now := methods(before), methods(after)
	for _, m := range now {
		was := find(old, m.ID.Fragment)
		switch r := roles(after, m.ID.Fragment); {
		case was == nil:
			say("key #%s added: %s", m.ID.Fragment, r)
		case !m.Revoked.IsZero() && !was.Revoked.Equal(m.Revoked):
			say("key #%s revoked since %s", m.ID.Fragment, m.Revoked.UTC().Format(time.RFC3339))
		case was.Type != m.Type || !slices.Equal(was.Extra, m.Extra) || !was.Expires.Equal(m.Expires) || !was.Revoked.Equal(m.Revoked):
			say("key #%s changed", m.ID.Fragment)
		case r != roles(before, m.ID.Fragment):
			say("key #%s is now for: %s", m.ID.Fragment, r)
		}
	}
	for _, m := range old {
		if find(now, m.ID.Fragment) == nil {
			say("key #%s removed", m.ID.Fragment)
		}
	}
	services := func(d *did.Document) map[string]string {
		all := map[string]string{}
		for _, s := range d.Service {
			all["#"+s.ID.Fragment] = strings.Join(s.Type, " ") + " at " + strings.Join(s.Endpoint, " ")
		}
		return all
	}
	sayList := func(what string, was, is map[string]string) {
		for _, name := range sortedKeys(is) {
			if text, ok := was[name]; !ok {
				say("%s %s added%s", what, name, colon(is[name]))
			} else if text != is[name] {
				say("%s %s changed%s", what, name, colon(is[name]))
			}
		}
		for _, name := range sortedKeys(was) {
			if _, ok := is[name]; !ok {
				say("%s %s removed", what, name)
			}
		}
	}
	sayList("service", services(before), services(after))
	set := func(list []string) map[string]string {
		all := map[string]string{}
		for _, s := range list {
			all[s] = ""
		}
		return all
	}
	sayList("alias", set(before.AlsoKnownAs), set(after.AlsoKnownAs))
	controllers := func(d *did.Document) map[string]string {
		all := map[string]string{}
		for _, c := range d.Controller {
			all[c.String()] = ""
		}
		return all
	}
	sayList("controller", controllers(before), controllers(after))
	if len(said) == 0 && (!slices.Equal(before.Extra, after.Extra) || !slices.Equal(before.Context, after.Context)) {
		say("other members changed")
	}
	return said
}

// colon puts a colon before text, if there is any.
func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
