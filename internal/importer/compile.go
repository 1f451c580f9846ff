package importer

import (
	"io/fs"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// kinds says which records can be imported, and what they do to a chain. The
// others are not about machines.
func kinds(credentialType string) (chain.EntryKind, bool) {
	switch credentialType {
	case record.Commissioning{}.CredentialType():
		return chain.Commission, true
	case record.Maintenance{}.CredentialType(), record.Uptime{}.CredentialType(), record.Incident{}.CredentialType():
		return chain.Observe, true
	case record.Lease{}.CredentialType():
		return chain.Open, true
	case record.LeaseOutcome{}.CredentialType():
		return chain.Close, true
	case record.OwnershipTransfer{}.CredentialType():
		return chain.Transfer, true
	case record.Decommissioning{}.CredentialType():
		return chain.Retire, true
	}
	return "", false
}

// compile checks what a source means.
func (m *Mapping) compile(s *sourceSpec) error {
	for i, pattern := range s.Files {
		at := s.pointer + "/files/" + strconv.Itoa(i)
		if _, err := path.Match(pattern, ""); err != nil || !fs.ValidPath(pattern) {
			return m.fail(at, "%.80q is no path or pattern within the folder of the data; it has slashes, and no ..", pattern)
		}
	}
	s.comma = ','
	if s.Delimiter != "" {
		r, size := utf8.DecodeRuneInString(s.Delimiter)
		if size != len(s.Delimiter) || r == '"' || r == '\r' || r == '\n' || r == utf8.RuneError {
			return m.fail(s.pointer+"/delimiter", "%.20q is not one character that can separate columns", s.Delimiter)
		}
		s.comma = r
	}
	if s.Format != "csv" && (s.Delimiter != "" || s.Columns != nil) {
		return m.fail(s.pointer, "delimiter and columns belong to csv")
	}
	use := func(pointer, column string) error {
		if s.Columns != nil && !slices.Contains(s.Columns, column) {
			return m.fail(pointer, "there is no column %.80q among columns", column)
		}
		if s.uses[column] == "" {
			s.uses[column] = pointer
		}
		return nil
	}
	if err := use(s.pointer+"/machine", s.Machine); err != nil {
		return err
	}
	for i, column := range s.Identity {
		if err := use(s.pointer+"/identity/"+strconv.Itoa(i), column); err != nil {
			return err
		}
	}
	for i, c := range s.Where {
		at := s.pointer + "/where/" + strconv.Itoa(i)
		if c.Matched != nil {
			return m.fail(at+"/matched", "rows are left out before they are matched: match the other source's rows instead")
		}
		if err := m.condition(at, c, use); err != nil {
			return err
		}
	}
	if s.Time != nil {
		if err := use(s.pointer+"/time/column", s.Time.Column); err != nil {
			return err
		}
		var err error
		if s.Time.zone, err = m.clock(s.pointer+"/time", s.Time.Layout, s.Time.Zone); err != nil {
			return err
		}
	}
	for _, join := range []struct {
		name  string
		match *match
	}{{"match", s.Match}, {"closes", s.Closes}} {
		if join.match == nil {
			continue
		}
		if err := m.join(s, s.pointer+"/"+join.name, join.match, use); err != nil {
			return err
		}
	}
	if s.Record == "" {
		if s.Issuer != nil || s.Outcome != nil || s.Due != nil || s.Closes != nil || s.Cosigners != nil || s.Fields != nil || s.Class != "" {
			return m.fail(s.pointer+"/record", "is required of a source that says what to issue")
		}
		return nil
	}
	return m.compileRecord(s, use)
}

func (m *Mapping) compileRecord(s *sourceSpec, use func(pointer, column string) error) error {
	var ok bool
	if s.kind, ok = kinds(s.Record); !ok {
		importable := slices.DeleteFunc(record.Types(), func(t string) bool { _, ok := kinds(t); return !ok })
		return m.fail(s.pointer+"/record", "%.80q is none of %s", s.Record, strings.Join(importable, ", "))
	}
	s.record = s.Record
	observes, opens, closes := s.kind == chain.Observe, s.kind == chain.Open, s.kind == chain.Close
	switch {
	case s.Time == nil && s.kind != chain.Commission:
		return m.fail(s.pointer+"/time", "is required: entries are made in the order of time")
	case (observes || closes) != (s.Outcome != nil):
		return m.fail(s.pointer+"/outcome", "is required of %q and %q, and of nothing else; this is %q", chain.Observe, chain.Close, s.kind)
	case opens != (s.Due != nil):
		return m.fail(s.pointer+"/due", "is required of %q, and of nothing else; this is %q", chain.Open, s.kind)
	case closes != (s.Closes != nil):
		return m.fail(s.pointer+"/closes", "is required of %q, and of nothing else; this is %q", chain.Close, s.kind)
	case s.Class != "" && !opens && !closes:
		return m.fail(s.pointer+"/class", "belongs to %q and %q; this is %q", chain.Open, chain.Close, s.kind)
	}
	if opens || closes {
		if s.class = s.Class; s.class == "" {
			s.class = "lease"
		}
		if strings.Trim(s.class, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(s.class) > 32 {
			return m.fail(s.pointer+"/class", "%.80q is not 1 to 32 of a-z, 0-9 and -", s.class)
		}
	}
	if closes {
		if of := m.source(s.Closes.Source); of.Record == "" || of.Record != (record.Lease{}).CredentialType() {
			return m.fail(s.pointer+"/closes/source", "source %q opens nothing", s.Closes.Source)
		}
	}

	check := &valueCheck{m: m, s: s, use: use}
	if err := check.value(s.pointer+"/issuer", s.Issuer, kindParty); err != nil {
		return err
	}
	for i := range s.Cosigners {
		if err := check.value(s.pointer+"/cosigners/"+strconv.Itoa(i), &s.Cosigners[i], kindCosigner); err != nil {
			return err
		}
	}
	if s.Outcome != nil {
		if err := check.value(s.pointer+"/outcome", s.Outcome, kindOutcome); err != nil {
			return err
		}
	}
	if s.Due != nil {
		if err := check.value(s.pointer+"/due", s.Due, kindTime); err != nil {
			return err
		}
	}
	claim, _ := record.New(s.Record)
	var derived []field
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		at := s.pointer + "/fields/" + escape(name)
		path, kind, err := fieldPath(reflect.TypeOf(claim).Elem(), name)
		if err != nil {
			return m.fail(at, "%s has no such field: %v", s.Record, err)
		}
		v := s.Fields[name]
		if err := check.value(at, &v, kind); err != nil {
			return err
		}
		f := field{name: name, path: path, kind: kind, value: v}
		if v.derived() {
			derived = append(derived, f)
		} else {
			s.fields = append(s.fields, f)
		}
	}
	s.fields = append(s.fields, derived...)
	return nil
}

func (m *Mapping) source(name string) *sourceSpec {
	for i := range m.sources {
		if m.sources[i].Name == name {
			return &m.sources[i]
		}
	}
	return nil
}

func (m *Mapping) condition(at string, c condition, use func(pointer, column string) error) error {
	ways := 0
	for _, set := range []bool{c.In != nil, c.NotIn != nil, c.Matched != nil} {
		if set {
			ways++
		}
	}
	if ways != 1 || (c.Matched != nil) != (c.Column == "") {
		return m.fail(at, "a condition is column with in, column with notIn, or matched")
	}
	if c.Column == "" {
		return nil
	}
	return use(at+"/column", c.Column)
}

func (m *Mapping) join(s *sourceSpec, at string, j *match, use func(pointer, column string) error) error {
	other := m.source(j.Source)
	switch {
	case other == nil:
		return m.fail(at+"/source", "there is no source %.80q", j.Source)
	case other == s:
		return m.fail(at+"/source", "a source cannot be looked up in itself")
	case j.Within != 0 && (s.Time == nil || other.Time == nil):
		return m.fail(at+"/within", "both sources need a time for that")
	}
	j.ours = slices.Sorted(maps.Keys(j.On))
	for _, ours := range j.ours {
		pointer := at + "/on/" + escape(ours)
		if err := use(pointer, ours); err != nil {
			return err
		}
		theirs := j.On[ours]
		if other.Columns != nil && !slices.Contains(other.Columns, theirs) {
			return m.fail(pointer, "source %q has no column %.80q", other.Name, theirs)
		}
		if other.uses[theirs] == "" {
			other.uses[theirs] = pointer
		}
	}
	return nil
}

// clock checks a layout and returns its zone, nil if the layout has an offset.
func (m *Mapping) clock(at, layout, zone string) (*time.Location, error) {
	switch layout {
	case "rfc3339", "unix", "unix-milliseconds":
		if zone != "" {
			return nil, m.fail(at+"/zone", "layout %s has its own", layout)
		}
		return nil, nil
	}
	// A layout is one if what it writes can be read again, to the day.
	probe := time.Date(2019, time.November, 23, 21, 47, 58, 0, time.FixedZone("", 5*3600+1800))
	back, err := time.Parse(layout, probe.Format(layout))
	if err != nil || back.Year() != 2019 || back.Month() != time.November || back.Day() != 23 {
		return nil, m.fail(at+"/layout", "%.80q is neither rfc3339, unix, unix-milliseconds nor the time 2006-01-02 15:04:05 as the column would have it", layout)
	}
	if _, offset := back.Zone(); offset == 5*3600+1800 {
		if zone != "" {
			return nil, m.fail(at+"/zone", "the layout has an offset: leave the zone out")
		}
		return nil, nil
	}
	if strings.Contains(layout, "MST") {
		return nil, m.fail(at+"/layout", "names of zones such as MST are ambiguous: leave it out and set zone")
	}
	if zone == "" || zone == "Local" {
		return nil, m.fail(at+"/zone", "is required, since the layout has no offset: an IANA name such as Europe/Berlin, or UTC")
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, m.fail(at+"/zone", "%.80q is no IANA time zone that this system knows", zone)
	}
	return location, nil
}
