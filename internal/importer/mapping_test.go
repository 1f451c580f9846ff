package importer_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
)

func TestMappingRefusals(t *testing.T) {
	for _, tt := range []struct {
		name     string
		from, to string // replaced in small, once
		pointer  string
		rule     string
	}{
		{"not JSON", `{`, `[`, "", ""},
		{"a member twice", `"format"`, `"format": "hourmeter-import/1", "format"`, "/format", "second member"},
		{"another format", `import/1`, `import/2`, "/format", `must be "hourmeter-import/1"`},
		{"unknown member", `"parties"`, `"partys": {}, "parties"`, "/partys", "no such member"},
		{"member of another case", `"issuer": "maker"`, `"Issuer": "maker"`, "/sources/0/Issuer", "no such member"},
		{"unknown member of a value", `{"time": true}`, `{"time": true, "shift": 3}`, "/sources/1/fields/eventTime/shift", "no such member"},
		{"wrong type", `"machine": "id"`, `"machine": 7`, "/sources/0/machine", "a number cannot stand here"},
		{"constant that is null", `"outcome": "good"`, `"outcome": {"constant": [1]}`, "/sources/1/outcome/constant", "want text"},
		{"no parties", `{"maker": {}, "workshop": {"title": "Workshop North"}}`, `{}`, "/parties", "at least 1"},
		{"party without a name", `"maker": {}`, `"": {}`, "/parties/", "name is empty"},
		{"party called machine", `"maker": {}`, `"machine": {}`, "/parties/machine", "no party can be called"},
		{"title too long", `Workshop North`, strings.Repeat("x", 201), "/parties/workshop/title", "at most 200 characters"},
		{"no files", `["machines.csv"]`, `[]`, "/sources/0/files", "at least 1"},
		{"file outside", `machines.csv`, `../machines.csv`, "/sources/0/files/0", "within the folder"},
		{"absolute file", `machines.csv`, `/etc/passwd`, "/sources/0/files/0", "within the folder"},
		{"bad pattern", `machines.csv`, `[`, "/sources/0/files/0", "pattern"},
		{"unknown file format", `"format": "csv"`, `"format": "xlsx"`, "/sources/0/format", "csv, jsonl"},
		{"long delimiter", `"format": "csv"`, `"format": "csv", "delimiter": "||"`, "/sources/0/delimiter", "one character"},
		{"delimiter of jsonl", `"format": "csv"`, `"format": "jsonl", "delimiter": ";"`, "/sources/0", "belong to csv"},
		{"column that columns lack", `"format": "csv"`, `"format": "csv", "columns": ["id"]`, "/sources/0/fields/model/column", "no column"},
		{"a column twice", `"format": "csv"`, `"format": "csv", "columns": ["id", "id"]`, "/sources/0/columns", "twice"},
		{"two sources of one name", `"name": "work"`, `"name": "machines"`, "/sources/1/name", "source 0"},
		{"no machine", `"machine": "id",`, ``, "/sources/0/machine", "is required"},
		{"no time", `"time": {"column": "at", "layout": "2006-01-02 15:04", "zone": "Europe/Berlin"},`, ``, "/sources/1/time", "order of time"},
		{"layout of another language", `2006-01-02 15:04`, `YYYY-MM-DD`, "/sources/1/time/layout", "neither rfc3339"},
		{"layout without a year", `2006-01-02 15:04`, `01-02 15:04`, "/sources/1/time/layout", "neither rfc3339"},
		{"no zone", `, "zone": "Europe/Berlin"`, ``, "/sources/1/time/zone", "is required"},
		{"unknown zone", `Europe/Berlin`, `Europe/Atlantis`, "/sources/1/time/zone", "no IANA time zone"},
		{"zone of this computer", `Europe/Berlin`, `Local`, "/sources/1/time/zone", "is required"},
		{"zone and offset", `2006-01-02 15:04`, `2006-01-02T15:04:05Z07:00`, "/sources/1/time/zone", "offset"},
		{"unknown record", `MaintenanceCredential`, `Maintenance`, "/sources/1/record", "none of Commissioning"},
		{"record about no machine", `MaintenanceCredential`, `AccreditationCredential`, "/sources/1/record", "none of"},
		{"no issuer", `"issuer": "workshop",`, ``, "/sources/1/issuer", "is required"},
		{"unknown issuer", `"issuer": "workshop"`, `"issuer": "stranger"`, "/sources/1/issuer/constant", "none of the mapping's parties"},
		{"no outcome", `"outcome": "good",`, ``, "/sources/1/outcome", "is required"},
		{"unknown outcome", `"outcome": "good"`, `"outcome": "fine"`, "/sources/1/outcome/constant", "none of good"},
		{"outcome of a commissioning", `"issuer": "maker"`, `"issuer": "maker", "outcome": "good"`, "/sources/0/outcome", "nothing else"},
		{"due of an observation", `"outcome": "good"`, `"outcome": "good", "due": {"time": true}`, "/sources/1/due", "nothing else"},
		{"class of an observation", `"outcome": "good"`, `"outcome": "good", "class": "lease"`, "/sources/1/class", "belongs to"},
		{"closes in an observation", `"outcome": "good"`, `"outcome": "good", "closes": {"source": "machines", "on": {"id": "id"}}`, "/sources/1/closes", "nothing else"},
		{"unknown field", `maintenance.activity`, `maintenance.activities`, "/sources/1/fields/maintenance.activities", "unknown"},
		{"field with fields", `"maintenance.activity"`, `"maintenance.part"`, "/sources/1/fields/maintenance.part", "fields of its own"},
		{"field below a field", `"maintenance.activity"`, `"maintenance.activity.x"`, "/sources/1/fields/maintenance.activity.x", "below a field"},
		{"list without an element", `"maintenance.activity"`, `"maintenance.counters.name"`, "/sources/1/fields/maintenance.counters.name", "counters[0]"},
		{"element out of range", `"maintenance.activity"`, `"maintenance.counters[99].name"`, "/sources/1/fields/maintenance.counters[99].name", "no element"},
		{"two sources of a value", `{"time": true}`, `{"time": true, "column": "at"}`, "/sources/1/fields/eventTime", "there are 2"},
		{"no source of a value", `{"time": true}`, `{}`, "/sources/1/fields/eventTime", "there are 0"},
		{"empty list of cases", `{"time": true}`, `[]`, "/sources/1/fields/eventTime", "empty"},
		{"case that never counts", `{"time": true}`, `[{"time": true}, {"time": true}]`, "/sources/1/fields/eventTime/0", "never count"},
		{"condition with both", `{"time": true}`, `{"time": true, "when": {"column": "id", "in": [], "notIn": []}}`, "/sources/1/fields/eventTime/when", "a condition is"},
		{"matched without a match", `{"time": true}`, `{"time": true, "when": {"matched": true}}`, "/sources/1/fields/eventTime/when/matched", "no match"},
		{"match without a match", `{"time": true}`, `{"match": "at"}`, "/sources/1/fields/eventTime/match", "no match"},
		{"match with no source", `"outcome": "good"`, `"outcome": "good", "match": {"source": "x", "on": {"id": "id"}}`, "/sources/1/match/source", "no source"},
		{"match with itself", `"outcome": "good"`, `"outcome": "good", "match": {"source": "work", "on": {"id": "id"}}`, "/sources/1/match/source", "itself"},
		{"match on nothing", `"outcome": "good"`, `"outcome": "good", "match": {"source": "machines", "on": {}}`, "/sources/1/match/on", "at least 1"},
		{"within of no time", `"outcome": "good"`, `"outcome": "good", "match": {"source": "machines", "on": {"id": "id"}, "within": "24h"}`, "/sources/1/match/within", "need a time"},
		{"bad duration", `"outcome": "good"`, `"outcome": "good", "match": {"source": "machines", "on": {"id": "id"}, "within": "1 day"}`, "/sources/1/match/within", "no duration"},
		{"unknown conversion", `hours-to-seconds`, `hours-to-days`, "/sources/1/fields/maintenance.downSeconds/convert", "no conversion"},
		{"conversion of text", `{"column": "what"}`, `{"column": "what", "convert": "hours-to-seconds"}`, "/sources/1/fields/maintenance.activity/convert", "belongs to a number"},
		{"unknown rounding", `"convert": "hours-to-seconds"`, `"round": "even"`, "/sources/1/fields/maintenance.downSeconds/round", "nearest, down, up"},
		{"constant that is no number", `{"column": "down", "convert": "hours-to-seconds"}`, `"often"`, "/sources/1/fields/maintenance.downSeconds/constant", "no decimal number"},
		{"default that is no number", `"convert": "hours-to-seconds"`, `"default": "none"`, "/sources/1/fields/maintenance.downSeconds/default", "no decimal number"},
		{"lookup that is no number", `"convert": "hours-to-seconds"`, `"lookup": {"x/y": "none"}`, "/sources/1/fields/maintenance.downSeconds/lookup/x~1y", "no decimal number"},
		{"minus of no field", `"maintenance.activity": {"column": "what"}`, `"maintenance.activity": {"column": "what", "minus": ["x"]}`, "/sources/1/fields/maintenance.activity/minus", "belongs to a field"},
		{"field of another kind", `{"column": "what"}`, `{"field": "maintenance.downSeconds"}`, "/sources/1/fields/maintenance.activity/field", "is not text"},
		{"field that is not there", `{"column": "what"}`, `{"field": "maintenance.workOrder"}`, "/sources/1/fields/maintenance.activity/field", "no field"},
		{"plus of text", `{"column": "what"}`, `{"column": "what", "plus": "1d"}`, "/sources/1/fields/maintenance.activity/plus", "belongs to a time"},
		{"key as text", `{"column": "what"}`, `{"machine": "key"}`, "/sources/1/fields/maintenance.activity", "want text"},
		{"where matched", `"outcome": "good"`, `"outcome": "good", "where": [{"matched": true}]`, "/sources/1/where/0/matched", "before they are matched"},
		{"issue without a record", `"record": "MaintenanceCredential",`, ``, "/sources/1/record", "is required"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Contains(t, small, tt.from)
			_, err := importer.ParseMapping("mapping.json", []byte(strings.Replace(small, tt.from, tt.to, 1)))
			t.Log(err)
			bad, ok := errors.AsType[*importer.MappingError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "mapping.json", bad.File)
			require.Equal(t, tt.pointer, bad.Pointer)
			require.Contains(t, bad.Rule, tt.rule)
		})
	}
}

// Every word that the help of the mapping explains is one that mappings may use.
func TestMappingHelp(t *testing.T) {
	for _, word := range []string{"format", "parties", "sources", "identity", "where", "match", "closes", "lookup", "default", "round", "plus", "when"} {
		require.Contains(t, importer.MappingHelp(), "\n  "+word)
	}
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte(small))
	for _, path := range []string{"../../examples/import/azure-pdm.json", exampleFleet + "/mapping.json"} {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := importer.ParseMapping("fuzz.json", text)
		if _, ok := errors.AsType[*importer.MappingError](err); err != nil && !ok {
			t.Fatalf("%T: %v", err, err)
		}
		if (m == nil) == (err == nil) {
			t.Fatal("want one of the two")
		}
	})
}

// FuzzRows imports whatever a file may hold: every row is counted, and what is
// issued is a whole record.
func FuzzRows(f *testing.F) {
	jsonl := strings.Replace(small, `"files": ["work*.csv"], "format": "csv"`, `"files": ["work.jsonl"], "format": "jsonl"`, 1)
	f.Add(false, []byte("id,at,kind,down,what\nm1,2026-03-01 12:00,PM,1.5,\"a\nb\"\nm1,2026-03-01 12:00,PM,,5\" x\n"))
	f.Add(true, []byte(`{"id":"m1","at":"2026-03-01 12:00","kind":"PM","down":1,"what":"x"}`+"\n[1]\n"))
	f.Fuzz(func(t *testing.T, lines bool, text []byte) {
		m := parse(t, small)
		files := fstest.MapFS{"machines.csv": {Data: []byte(machines)}, "work.csv": {Data: text}}
		if lines {
			m = parse(t, jsonl)
			files["work.jsonl"] = files["work.csv"]
		}
		folder := t.TempDir()
		to, err := fleet.Edit(folder)
		require.NoError(t, err)
		defer to.Close()
		im := importer.Import{Mapping: m, Data: files, Keys: memory()}
		sum, err := im.Run(t.Context(), to)
		if err != nil {
			return // the header
		}
		require.Equal(t, sum.Rows, sum.Skipped+sum.Known+sum.Added+sum.Unmapped)
		require.Len(t, sum.Problems, sum.Unmapped)
		require.Equal(t, int64(sum.Added), int64(history(t, folder, "m1").Len()+history(t, folder, "m2").Len()))
		again, err := im.Run(t.Context(), to)
		require.NoError(t, err)
		require.Zero(t, again.Added)
	})
}
