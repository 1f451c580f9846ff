package importer

import (
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
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
