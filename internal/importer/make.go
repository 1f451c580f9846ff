package importer

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A maker makes claims from rows. It is what a row does not know by itself.
type maker struct {
	party      func(name string) (did.DID, bool)
	machine    did.DID
	machineKey did.URL
	lease      string // digest of the lease that a row closes
}

// Before any key is made, these stand in for what is made then.
var (
	standInID     = did.MustParse("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")
	standInDigest = vc.Digest{0: 1}.String()
)

func standInFor(name string) (did.DID, bool) {
	// Each its own, since a lessor must not be the lessee.
	return did.MustParse("did:example:" + fmt.Sprintf("%x", name)), true
}

// made is what a row says.
type made struct {
	claim     vc.Claim
	issuer    string
	cosigners []string
	outcome   chain.Outcome
	due       time.Time
}

// make maps one row.
func (mk *maker) make(r *row) (*made, error) {
	s := r.source.spec
	out := new(made)
	r.parties = r.parties[:0]
	party := func(name string) (did.DID, bool) {
		if _, declared := r.source.mapping.parties[name]; !declared {
			return did.DID{}, false
		}
		r.parties = append(r.parties, name)
		return mk.party(name)
	}
	get := func(what string, v value, k kind) (any, error) {
		got, err := mk.value(r, v, k, nil, party)
		if err == nil && got == nil {
			err = fmt.Errorf("is required, and empty")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return got, nil
	}
	got, err := get("issuer", *s.Issuer, kindParty)
	if err != nil {
		return nil, err
	}
	out.issuer = got.(string)
	for _, v := range s.Cosigners {
		if got, err = get("cosigner", v, kindCosigner); err != nil {
			return nil, err
		}
		out.cosigners = append(out.cosigners, got.(string))
	}
	if s.Outcome != nil {
		if got, err = get("outcome", *s.Outcome, kindOutcome); err != nil {
			return nil, err
		}
		out.outcome = chain.Outcome(got.(string))
	}
	if s.Due != nil {
		if got, err = get("due", *s.Due, kindTime); err != nil {
			return nil, err
		}
		out.due = got.(time.Time)
	}
	if s.Closes != nil && r.opened == nil {
		return nil, fmt.Errorf("no row of source %q fits that it could close", s.Closes.Source)
	}

	claim, _ := record.New(s.record)
	target := reflect.ValueOf(claim).Elem()
	values := make(map[string]any, len(s.fields))
	for _, f := range s.fields {
		got, err := mk.value(r, f.value, f.kind, values, party)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if got == nil {
			continue
		}
		values[f.name] = got
		f.set(target, got)
	}
	if outcome, ok := claim.(*record.LeaseOutcome); ok {
		outcome.Lease = mk.lease
	}
	if err := claim.Validate(); err != nil {
		return nil, err
	}
	out.claim = claim
	return out, nil
}

// value returns what v is in r: nil if nothing, otherwise a string, int64, bool,
// time.Time, did.DID or did.URL, as k asks.
func (mk *maker) value(r *row, v value, k kind, values map[string]any, party func(string) (did.DID, bool)) (any, error) {
	for i := range v {
		c := &v[i]
		if c.When != nil && !c.When.holds(r) {
			continue
		}
		switch {
		case c.Field != "":
			return c.difference(values)
		case c.Time && k == kindText:
			return stamp(r.time), nil
		case c.Time:
			return r.time.Add(time.Duration(c.Plus)), nil
		case c.Machine == "name":
			return r.machine, nil
		case c.Machine == "id":
			return mk.machine, nil
		case c.Machine == "key":
			return mk.machineKey, nil
		case c.Constant != nil:
			return c.convert(string(*c.Constant), k, true, party)
		}
		from, column := r, c.Column
		if c.Match != "" {
			from, column = r.matched, c.Match
		}
		text := ""
		if from != nil {
			text = from.get(column)
		}
		own := false // the mapping's words are not the column's
		if c.Lookup != nil && text != "" {
			found, ok := c.Lookup[text]
			if !ok && c.Default == nil {
				return nil, fmt.Errorf("column %q is %.80q, which the lookup does not have", column, text)
			}
			if text, own = string(found), true; !ok {
				text = ""
			}
		}
		if text == "" && c.Default != nil {
			text, own = string(*c.Default), true
		}
		if text == "" {
			return nil, nil
		}
		if !own && r.source.spec.DecimalComma && k == kindInt {
			text = strings.Replace(text, ",", ".", 1)
		}
		got, err := c.convert(text, k, own, party)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", column, err)
		}
		return got, nil
	}
	return nil, nil
}

func (c *condition) holds(r *row) bool {
	if c.Matched != nil {
		return *c.Matched == (r.matched != nil)
	}
	text := r.get(c.Column)
	if c.In != nil {
		return slices.Contains(c.In, text)
	}
	return !slices.Contains(c.NotIn, text)
}

// difference returns Field less Minus. A field that is not there counts for
// nothing, but without the first there is no difference.
func (c *valueCase) difference(values map[string]any) (any, error) {
	first, ok := values[c.Field]
	if !ok || c.Minus == nil {
		if at, isTime := first.(time.Time); isTime {
			return at.Add(time.Duration(c.Plus)), nil
		}
		return first, nil
	}
	rest := first.(int64)
	for _, name := range c.Minus {
		n, _ := values[name].(int64)
		rest -= n // each is at most 2^53
	}
	return rest, nil
}
