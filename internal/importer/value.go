package importer

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// machineCosigner among cosigners is the machine that the row is about.
const machineCosigner = "machine"

// A value says how to come by one value: the first case that applies.
type value []valueCase

type valueCase struct {
	Description string            `json:"description"`
	When        *condition        `json:"when"`
	Constant    *scalar           `json:"constant"`
	Column      string            `json:"column"`
	Match       string            `json:"match"`
	Time        bool              `json:"time"`
	Machine     string            `json:"machine"`
	Field       string            `json:"field"`
	Minus       []string          `json:"minus"`
	Lookup      map[string]scalar `json:"lookup"`
	Default     *scalar           `json:"default"`
	Convert     string            `json:"convert"`
	Round       string            `json:"round"`
	Layout      string            `json:"layout"`
	Zone        string            `json:"zone"`
	Plus        duration          `json:"plus"`

	layout string
	zone   *time.Location
	factor *big.Rat // nil if nothing is converted
}

// A scalar is the text of a JSON string, number or boolean.
type scalar string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *scalar) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch k := dec.PeekKind(); k {
	case '"', '0', 't', 'f':
		token, err := dec.ReadToken()
		*s = scalar(token.String())
		return err
	default:
		return fmt.Errorf("want text, a number or a boolean, not %s", kindName(k))
	}
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (v *value) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '[':
		return json.UnmarshalDecode(dec, (*[]valueCase)(v))
	case '{':
		*v = make(value, 1)
		return json.UnmarshalDecode(dec, &(*v)[0])
	default:
		*v = value{{Constant: new(scalar)}}
		return json.UnmarshalDecode(dec, (*v)[0].Constant)
	}
}

func (v value) derived() bool {
	return slices.ContainsFunc(v, func(c valueCase) bool { return c.Field != "" })
}

// A kind is what a value has to become.
type kind int

const (
	kindText kind = iota
	kindInt
	kindBool
	kindTime
	kindDID
	kindKey      // DID URL
	kindParty    // name of a party
	kindCosigner // name of a party, or machineCosigner
	kindOutcome
)

func (k kind) String() string {
	return [...]string{"text", "a whole number", "true or false", "a time", "a DID, or the name of a party", "the URL of a key",
		"the name of a party", `the name of a party, or "machine"`, "good, degraded or breach"}[k]
}

// factors are the conversions by name.
func factors(name string) (*big.Rat, bool) {
	switch name {
	case "days-to-seconds":
		return big.NewRat(24*60*60, 1), true
	case "hours-to-seconds":
		return big.NewRat(60*60, 1), true
	case "minutes-to-seconds":
		return big.NewRat(60, 1), true
	case "milliseconds-to-seconds":
		return big.NewRat(1, 1000), true
	case "seconds-to-hours":
		return big.NewRat(1, 60*60), true
	case "minutes-to-hours":
		return big.NewRat(1, 60), true
	case "metres-to-kilometres":
		return big.NewRat(1, 1000), true
	case "percent-to-permille":
		return big.NewRat(10, 1), true
	case "fraction-to-permille":
		return big.NewRat(1000, 1), true
	}
	return nil, false
}

// A valueCheck checks the values of one source.
type valueCheck struct {
	m   *Mapping
	s   *sourceSpec
	use func(pointer, column string) error
}

// value checks v and completes its cases.
func (c *valueCheck) value(at string, v *value, k kind) error {
	if len(*v) == 0 {
		return c.m.fail(at, "the list of cases is empty")
	}
	for i := range *v {
		pointer := at
		if len(*v) > 1 {
			pointer = at + "/" + strconv.Itoa(i)
		}
		if err := c.one(pointer, &(*v)[i], k); err != nil {
			return err
		}
		if (*v)[i].When == nil && i+1 < len(*v) {
			return c.m.fail(pointer, `has no "when", so that the cases after it never count`)
		}
	}
	return nil
}

func (c *valueCheck) one(at string, v *valueCase, k kind) error {
	m, s := c.m, c.s
	from := 0
	for _, set := range []bool{v.Constant != nil, v.Column != "", v.Match != "", v.Time, v.Machine != "", v.Field != ""} {
		if set {
			from++
		}
	}
	text := v.Column != "" || v.Match != ""
	isTime := k == kindTime
	switch {
	case from != 1:
		return m.fail(at, "want one of constant, column, match, time, machine and field; there are %d", from)
	case v.Minus != nil && (v.Field == "" || k != kindInt):
		return m.fail(at+"/minus", "belongs to a field that is a whole number")
	case v.Lookup != nil && !text:
		return m.fail(at+"/lookup", "belongs to column or match")
	case v.Default != nil && !text:
		return m.fail(at+"/default", "belongs to column or match")
	case v.Convert != "" && (k != kindInt || v.Field != ""):
		return m.fail(at+"/convert", "belongs to a number; here is %v", k)
	case v.Round != "" && (k != kindInt || v.Field != ""):
		return m.fail(at+"/round", "belongs to a number; here is %v", k)
	case v.Round != "" && v.Round != "nearest" && v.Round != "down" && v.Round != "up":
		return m.fail(at+"/round", "must be one of nearest, down, up")
	case (v.Layout != "" || v.Zone != "") && (!isTime || !text):
		return m.fail(at, "layout and zone belong to a time in a column")
	case v.Plus != 0 && !isTime:
		return m.fail(at+"/plus", "belongs to a time; here is %v", k)
	case v.Time && (!isTime && k != kindText || s.Time == nil):
		return m.fail(at+"/time", "the row's time cannot be had, or not as %v", k)
	case v.Machine != "" && v.Machine != "name" && v.Machine != "id" && v.Machine != "key":
		return m.fail(at+"/machine", "must be one of name, id, key")
	case (k == kindKey) != (v.Machine == "key") || v.Machine == "id" && k != kindDID || v.Machine == "name" && k != kindText:
		return m.fail(at, `want %v; the machine has a "name" (text), an "id" (DID) and a "key" (URL of a key)`, k)
	case v.Match != "" && s.Match == nil:
		return m.fail(at+"/match", "the source has no match")
	}
	if v.When != nil {
		if err := m.condition(at+"/when", *v.When, c.use); err != nil {
			return err
		}
		if v.When.Matched != nil && s.Match == nil {
			return m.fail(at+"/when/matched", "the source has no match")
		}
	}
	if v.Column != "" {
		if err := c.use(at+"/column", v.Column); err != nil {
			return err
		}
	}
	reads := s
	if v.Match != "" {
		reads = m.source(s.Match.Source)
		if reads.uses[v.Match] == "" {
			reads.uses[v.Match] = at + "/match"
		}
		if reads.Columns != nil && !slices.Contains(reads.Columns, v.Match) {
			return m.fail(at+"/match", "source %q has no column %.80q", reads.Name, v.Match)
		}
	}
	if isTime && text && v.Lookup == nil {
		switch {
		case v.Layout != "":
			v.layout = v.Layout
			var err error
			if v.zone, err = m.clock(at, v.Layout, v.Zone); err != nil {
				return err
			}
		case reads.Time == nil:
			return m.fail(at+"/layout", "is required, since the source has no time")
		default:
			v.layout = reads.Time.Layout
			var err error
			if v.zone, err = m.clock(reads.pointer+"/time", reads.Time.Layout, reads.Time.Zone); err != nil {
				return err
			}
		}
	}
	if v.Convert != "" {
		var ok bool
		if v.factor, ok = factors(v.Convert); !ok {
			return m.fail(at+"/convert", "%.80q is no conversion", v.Convert)
		}
	}
	for i, name := range append([]string{v.Field}, v.Minus...) {
		if v.Field == "" {
			break
		}
		pointer := at + "/field"
		if i > 0 {
			pointer = at + "/minus/" + strconv.Itoa(i-1)
		}
		of, ok := s.Fields[name]
		if !ok || of.derived() {
			return m.fail(pointer, "%.80q is no field of this source that comes from the row", name)
		}
		claim, _ := record.New(s.Record)
		if _, kind, err := fieldPath(reflect.TypeOf(claim).Elem(), name); err != nil || kind != k {
			return m.fail(pointer, "%.80q is not %v", name, k)
		}
	}

	// What the mapping itself supplies has to fit now; rows are for later.
	supplied := []struct {
		pointer string
		text    *scalar
	}{{at + "/constant", v.Constant}, {at + "/default", v.Default}}
	for key, text := range v.Lookup {
		supplied = append(supplied, struct {
			pointer string
			text    *scalar
		}{at + "/lookup/" + escape(key), &text})
	}
	for _, one := range supplied {
		if one.text == nil {
			continue
		}
		if _, err := v.convert(string(*one.text), k, true, func(name string) (did.DID, bool) {
			_, ok := m.parties[name]
			return standInID, ok
		}); err != nil {
			return m.fail(one.pointer, "%v", err)
		}
	}
	return nil
}

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

// convert makes text what k asks for. Own says that the text is the mapping's:
// it is in the unit and form of the target.
func (c *valueCase) convert(text string, k kind, own bool, party func(string) (did.DID, bool)) (any, error) {
	switch k {
	case kindInt:
		factor, round := c.factor, c.Round
		if own && c.Constant == nil {
			factor, round = nil, ""
		}
		return whole(text, factor, round)
	case kindBool:
		switch text {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("%.80q is neither true nor false", text)
	case kindTime:
		layout, zone := c.layout, c.zone
		if own || layout == "" {
			layout, zone = "rfc3339", nil
		}
		at, err := parseTime(text, layout, zone)
		return at.Add(time.Duration(c.Plus)), err
	case kindDID:
		if id, ok := party(text); ok {
			return id, nil
		}
		id, err := did.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%.80q is neither one of the mapping's parties nor a DID", text)
		}
		return id, nil
	case kindParty, kindCosigner:
		if k == kindCosigner && text == machineCosigner {
			return text, nil
		}
		if _, ok := party(text); !ok {
			return nil, fmt.Errorf("%.80q is none of the mapping's parties", text)
		}
		return text, nil
	case kindOutcome:
		switch chain.Outcome(text) {
		case chain.Good, chain.Degraded, chain.Breach:
			return text, nil
		}
		return nil, fmt.Errorf("%.80q is none of good, degraded, breach", text)
	default:
		if !own && strings.ContainsFunc(text, unicode.IsControl) {
			text = strings.Join(strings.Fields(text), " ") // claims hold no line ends
		}
		return text, nil
	}
}

// maxDigits is the longest decimal number that is read: more do not fit the result.
const maxDigits = 40

// whole reads a decimal number, multiplies it, and returns the integer that comes out.
func whole(text string, factor *big.Rat, round string) (int64, error) {
	digits, points := 0, 0
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.':
			points++
		case (r == '-' || r == '+') && i == 0:
		default:
			points = 2
		}
	}
	// big.Rat would also read fractions, and exponents that fill the memory.
	if digits == 0 || points > 1 || len(text) > maxDigits {
		return 0, fmt.Errorf("%.80q is no decimal number", text)
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, fmt.Errorf("%.80q is no decimal number", text)
	}
	if factor != nil {
		n.Mul(n, factor)
	}
	if !n.IsInt() {
		two := big.NewInt(2)
		num, den := n.Num(), n.Denom()
		switch round {
		case "nearest": // halves go up
			num = new(big.Int).Add(new(big.Int).Mul(num, two), den)
			den = new(big.Int).Mul(den, two)
		case "up":
			num = new(big.Int).Add(num, new(big.Int).Sub(den, big.NewInt(1)))
		case "down":
		default:
			return 0, fmt.Errorf("%.80q does not come out as a whole number, but as %s: say how to round", text, n.FloatString(3))
		}
		n.SetInt(new(big.Int).Div(num, den)) // Euclidean: floor for a positive denominator
	}
	if !n.Num().IsInt64() || n.Num().Int64() > strictjson.MaxInteger || n.Num().Int64() < -strictjson.MaxInteger {
		return 0, fmt.Errorf("%.80q is out of range", text)
	}
	return n.Num().Int64(), nil
}

// parseTime reads a time. See [Mapping] for what it does where clocks are changed.
func parseTime(text, layout string, zone *time.Location) (time.Time, error) {
	var at time.Time
	var err error
	switch layout {
	case "rfc3339":
		at, err = time.Parse(time.RFC3339, text)
	case "unix", "unix-milliseconds":
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		if at = time.Unix(n, 0); layout == "unix-milliseconds" {
			at = time.UnixMilli(n)
		}
	default:
		if zone == nil {
			at, err = time.Parse(layout, text)
			break
		}
		wall, e := time.Parse(layout, text)
		if at, err = time.ParseInLocation(layout, text, zone); err != nil || e != nil {
			break
		}
		const clock = "2006-01-02T15:04:05"
		if at.Format(clock) != wall.Format(clock) {
			return time.Time{}, fmt.Errorf("%.80q does not occur in %v: clocks are put forward over it", text, zone)
		}
		if before := at.Add(-time.Hour); before.Format(clock) == at.Format(clock) {
			at = before
		}
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%.80q is no time of layout %q", text, layout)
	}
	if y := at.UTC().Year(); y < 1 || y > 9999 || at.IsZero() {
		return time.Time{}, fmt.Errorf("%.80q lies outside the years 1 to 9999", text)
	}
	return at.UTC().Truncate(time.Second), nil
}
