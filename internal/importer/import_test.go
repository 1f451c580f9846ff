package importer_test

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/importer"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// small is a mapping of two sources, to be varied.
const small = `{
  "format": "hourmeter-import/1",
  "parties": {"maker": {}, "workshop": {"title": "Workshop North"}},
  "sources": [
    {"name": "machines", "files": ["machines.csv"], "format": "csv", "machine": "id",
     "record": "CommissioningCredential", "issuer": "maker",
     "fields": {"model": {"column": "model"}, "serial": {"column": "id"}}},
    {"name": "work", "files": ["work*.csv"], "format": "csv", "machine": "id",
     "time": {"column": "at", "layout": "2006-01-02 15:04", "zone": "Europe/Berlin"},
     "record": "MaintenanceCredential", "issuer": "workshop", "outcome": "good",
     "fields": {"eventTime": {"time": true},
       "maintenance.category": {"column": "kind", "lookup": {"PM": "preventive", "CM": "corrective"}},
       "maintenance.downSeconds": {"column": "down", "convert": "hours-to-seconds"},
       "maintenance.activity": {"column": "what"}}}
  ]
}`

func parse(t testing.TB, text string) *importer.Mapping {
	t.Helper()
	m, err := importer.ParseMapping("mapping.json", []byte(text))
	require.NoError(t, err)
	return m
}

func data(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

const machines = "id,model\nm1,Lynx 4\nm2,Lynx 4\n"

// memory keeps keys for one test.
func memory() func(context.Context, string) (crypto.Signer, error) {
	store := new(keystore.Memory)
	return func(ctx context.Context, name string) (crypto.Signer, error) {
		return keystore.Ensure(ctx, store, name, keystore.Ed25519)
	}
}

// history verifies a machine's record, which has to be whole.
func history(t testing.TB, folder, machine string) *chain.History {
	t.Helper()
	f, err := fleet.Open(folder)
	require.NoError(t, err)
	defer f.Close()
	m, ok := f.Machine(machine)
	require.True(t, ok, machine)
	report, err := f.Verify(t.Context(), new(vc.Verifier), m)
	require.NoError(t, err)
	require.Empty(t, report.Defects)
	return report.History
}

func activities(t testing.TB, h *chain.History) (all []string) {
	for _, it := range h.Entries() {
		if claim, err := vc.ClaimOf[record.Maintenance](it.Credential); err == nil {
			all = append(all, claim.Activity)
		}
	}
	return all
}

func TestRowsBecomeClaims(t *testing.T) {
	folder := t.TempDir()
	sum := into(t, folder, importer.Import{Mapping: parse(t, small), Keys: memory(), Data: data(map[string]string{
		"machines.csv": "\ufeffid,model\r\nm1,\"Lynx \"\"4\"\"\"\r\n\r\n",
		"work.csv":     "what,kind,at,id,down,unused\n\"check,\nand check again\",PM,2026-03-01 12:00,m1,,x\nfix,CM,2026-07-01 12:00,m1,1.25,\n",
	})})
	require.Empty(t, sum.Problems)
	require.Equal(t, 3, sum.Added)

	items := history(t, folder, "m1").Entries()
	born, err := vc.ClaimOf[record.Commissioning](items[0].Credential)
	require.NoError(t, err)
	require.Equal(t, record.Commissioning{Model: `Lynx "4"`, Serial: "m1"}, born)
	require.Equal(t, "2026-03-01T11:00:00Z", items[0].Credential.ValidFrom().Format(time.RFC3339), "the machine's first row, in winter time")
	work, err := vc.ClaimOf[record.Maintenance](items[2].Credential)
	require.NoError(t, err)
	at := time.Date(2026, time.July, 1, 10, 0, 0, 0, time.UTC)
	require.Equal(t, record.Maintenance{Time: at, Work: record.Work{Category: record.Corrective, Activity: "fix", DownSeconds: 4500}}, work)
	require.Equal(t, at, items[2].Credential.ValidFrom())
	require.Equal(t, chain.Good, items[2].Link.Outcome)
	require.Equal(t, []string{"check, and check again", "fix"}, activities(t, history(t, folder, "m1")))
	f, err := fleet.Open(folder)
	require.NoError(t, err)
	defer f.Close()
	workshop, _ := f.Party("workshop")
	require.Equal(t, workshop.ID, items[2].Credential.Issuer())
	require.Equal(t, "Workshop North", workshop.Title)
}

// A row is issued once, however the files change around it.
func TestRunAgain(t *testing.T) {
	folder, keys := t.TempDir(), memory()
	const head = "id,at,kind,down,what\n"
	const a, b, c = "m1,2026-03-01 12:00,PM,,a\n", "m2,2026-03-02 12:00,PM,,b\n", "m1,2026-03-03 12:00,PM,,c\n"
	run := func(files map[string]string) *importer.Summary {
		return into(t, folder, importer.Import{Mapping: parse(t, small), Keys: keys, Data: data(files)})
	}
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  importer.Counts
	}{
		{"first", map[string]string{"machines.csv": machines, "work.csv": head + a + b},
			importer.Counts{Rows: 4, Added: 4}},
		{"the same", map[string]string{"machines.csv": machines, "work.csv": head + a + b},
			importer.Counts{Rows: 4, Known: 4}},
		{"longer, in another order, under another name", map[string]string{"machines.csv": machines, "work-2.csv": head + c + b + a},
			importer.Counts{Rows: 5, Known: 4, Added: 1}},
		{"columns in another order", map[string]string{"machines.csv": "model,id\nLynx 4,m1\n", "work.csv": "what,down,kind,at,id\nc,,PM,2026-03-03 12:00,m1\n"},
			importer.Counts{Rows: 2, Known: 2}},
		{"another empty column", map[string]string{"machines.csv": machines, "work.csv": "id,at,kind,down,what,note\nm1,2026-03-01 12:00,PM,,a,\n"},
			importer.Counts{Rows: 3, Known: 3}},
		{"twice in one file is twice", map[string]string{"machines.csv": machines, "work.csv": head + a + a},
			importer.Counts{Rows: 4, Known: 3, Added: 1, Late: 1}},
		{"in two files is once", map[string]string{"machines.csv": machines, "work-1.csv": head + a + a, "work-2.csv": head + a + b},
			importer.Counts{Rows: 6, Known: 6}},
		{"late", map[string]string{"machines.csv": machines, "work.csv": head + "m1,2026-02-01 12:00,PM,,late\n"},
			importer.Counts{Rows: 3, Known: 2, Added: 1, Late: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sum := run(tt.files)
			require.Empty(t, sum.Problems)
			require.Equal(t, tt.want, sum.Counts)
		})
	}
	h := history(t, folder, "m1")
	require.Equal(t, []string{"a", "c", "a", "late"}, activities(t, h))
	require.Len(t, h.Backdated(), 2)
	late := h.Entries()[4].Credential
	require.Equal(t, "2026-02-01T11:00:00Z", late.ValidFrom().Format(time.RFC3339), "a late entry keeps its own time")
	var note string
	found, err := late.Member("description", &note)
	require.NoError(t, err)
	require.True(t, found)
	require.Contains(t, note, "late")
}

func TestProblems(t *testing.T) {
	long := strings.Repeat("x", importer.MaxLineBytes)
	const head = "id,at,kind,down,what\n"
	for _, tt := range []struct {
		name, work string
		line       int
		reason     string
	}{
		{"ragged", "m1,2026-03-01 12:00,PM,a\n", 2, "4 columns, the header has 5"},
		{"stray quote", "m1,2026-03-01 12:00,PM,,5\" pipe\n", 2, "quote"},
		{"quote never closed", "m1,2026-03-01 12:00,PM,,\"a\n", 2, "quote"},
		{"not UTF-8", "m1,2026-03-01 12:00,PM,,\xff\n", 2, "UTF-8"},
		{"too long", "m1,2026-03-01 12:00,PM,," + long + "\n", 2, "longer than the 64 KiB"},
		{"no machine", ",2026-03-01 12:00,PM,,a\n", 2, "name is empty"},
		{"no time", "m1,,PM,,a\n", 2, "time, is empty"},
		{"another layout", "m1,01.03.2026 12:00,PM,,a\n", 2, `no time of layout "2006-01-02 15:04"`},
		{"no such day", "m1,2026-02-30 12:00,PM,,a\n", 2, "no time"},
		{"hour that does not occur", "m1,2026-03-29 02:30,PM,,a\n", 2, "put forward"},
		{"future", "m1,2999-01-01 12:00,PM,,a\n", 2, "future"},
		{"unknown kind", "m1,2026-03-01 12:00,XX,,a\n", 2, "lookup does not have"},
		{"no kind", "m1,2026-03-01 12:00,,,a\n", 2, "maintenance.category"},
		{"not a number", "m1,2026-03-01 12:00,PM,1e9999999,a\n", 2, "no decimal number"},
		{"decimal comma", "m1,2026-03-01 12:00,PM,\"1,5\",a\n", 2, "no decimal number"},
		{"no whole seconds", "m1,2026-03-01 12:00,PM,0.0001,a\n", 2, "whole"},
		{"negative", "m1,2026-03-01 12:00,PM,-1,a\n", 2, "negative"},
		{"out of range", "m1,2026-03-01 12:00,PM,99999999999999999999,a\n", 2, "out of range"},
		{"text too long for a claim", "m1,2026-03-01 12:00,PM,," + strings.Repeat("y", 2000) + "\n", 2, "activity"},
		{"unknown machine", "m9,2026-03-01 12:00,PM,,a\n", 2, "no row that commissions it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			// Rows before and after it are imported.
			sum := into(t, folder, importer.Import{Mapping: parse(t, small), Keys: memory(), Data: data(map[string]string{
				"machines.csv": machines,
				"work.csv":     head + tt.work + "m1,2026-03-05 12:00,PM,,last\n",
			})})
			require.Len(t, sum.Problems, 1)
			p := sum.Problems[0]
			t.Log(p)
			require.Equal(t, "work.csv", p.File)
			require.Equal(t, "work", p.Source)
			require.Equal(t, tt.line, p.Line)
			require.ErrorContains(t, p, tt.reason)
			require.Equal(t, importer.Counts{Rows: 4, Added: 3, Unmapped: 1}, sum.Counts)
			require.Equal(t, []string{"last"}, activities(t, history(t, folder, "m1")))
		})
	}
}

func TestJSONLines(t *testing.T) {
	text := strings.Replace(small, `"files": ["work*.csv"], "format": "csv"`, `"files": ["work.jsonl"], "format": "jsonl"`, 1)
	text = strings.Replace(text, `{"column": "down",`, `{"column": "cost.down",`, 1)
	folder := t.TempDir()
	sum := into(t, folder, importer.Import{Mapping: parse(t, text), Keys: memory(), Data: data(map[string]string{
		"machines.csv": machines,
		"work.jsonl": `{"id":"m1","at":"2026-03-01 12:00","kind":"PM","cost":{"down":0.5,"parts":[1,2]},"what":"fine","new":null}
{"id":"m1","id":"m2","at":"2026-03-01 12:00","kind":"PM","what":"two ids"}
{"ID":"m1","at":"2026-03-01 12:00","kind":"PM","what":"other case"}
["m1"]
{"id":"m1","at":"2026-03-01 12:00","kind":"PM","cost.down":1,"cost":{"down":2}}

{"id":"m1","at":"2026-03-01 12:00","kind":"PM","what":"\ud800"}
{"id":"m1","at":"2026-03-02 12:00","kind":"PM","what":"fine too"} x
{"id":"m1","at":"2026-03-02 12:00","kind":"PM","what":"last"}`,
	})})
	var lines []int
	for _, p := range sum.Problems {
		t.Log(p)
		lines = append(lines, p.Line)
	}
	require.Equal(t, []int{2, 3, 4, 5, 7, 8}, lines)
	require.Equal(t, []string{"fine", "last"}, activities(t, history(t, folder, "m1")))
}

// A stray quote costs its own row only; a long line after one is reported, too.
func TestStrayQuote(t *testing.T) {
	folder := t.TempDir()
	sum := into(t, folder, importer.Import{Mapping: parse(t, small), Keys: memory(), Data: data(map[string]string{
		"machines.csv": machines,
		"work.csv": "id,at,kind,down,what\nm1,2026-03-01 12:00,PM,,5\" pipe\nm1,2026-03-02 12:00,PM,,b\nm1,2026-03-03 12:00,PM,,3\" bolt\n" +
			"m1,2026-03-04 12:00,PM,,\"open\n" + strings.Repeat("x", importer.MaxLineBytes+1) + "\nm1,2026-03-05 12:00,PM,,c\n",
	})})
	var lines []int
	for _, p := range sum.Problems {
		lines = append(lines, p.Line)
	}
	require.Equal(t, []int{2, 4, 5, 6}, lines)
	require.Equal(t, []string{"b", "c"}, activities(t, history(t, folder, "m1")))
}

// What the mapping does not fit is an error, and then nothing is written.
func TestFilesDoNotFit(t *testing.T) {
	work := "id,at,kind,down,what\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no file", map[string]string{"machines.csv": machines}, "/sources/1/files/0"},
		{"no such column", map[string]string{"machines.csv": machines, "work.csv": "id,at,down,what\n"}, "/sources/1/fields/maintenance.category/column"},
		{"column of two names", map[string]string{"machines.csv": machines, "work.csv": "id,id,at,kind,down,what\n"}, "no name of its own"},
		{"empty file", map[string]string{"machines.csv": "", "work.csv": work}, "empty"},
		{"UTF-16", map[string]string{"machines.csv": "\xff\xfei\x00d\x00", "work.csv": work}, "UTF-16"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			to, err := fleet.Edit(folder)
			require.NoError(t, err)
			defer to.Close()
			im := importer.Import{Mapping: parse(t, small), Keys: memory(), Data: data(tt.files)}
			sum, err := im.Run(t.Context(), to)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, sum)
			t.Log(err)
			require.NoFileExists(t, filepath.Join(folder, "fleet.json"))
		})
	}
}

// A damaged record gets nothing added, and says which line is at fault; the
// others go on.
func TestDamagedRecord(t *testing.T) {
	folder, keys := t.TempDir(), memory()
	const head = "id,at,kind,down,what\n"
	im := importer.Import{Mapping: parse(t, small), Keys: keys, Data: data(map[string]string{"machines.csv": machines,
		"work.csv": head + "m1,2026-03-01 12:00,PM,,a\nm1,2026-03-02 12:00,PM,,b\n"})}
	into(t, folder, im)
	file := filepath.Join(folder, "chains", "m1.jsonl")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	broken := strings.Replace(string(text), `"preventive"`, `"corrective"`, 1)
	require.NoError(t, os.WriteFile(file, []byte(broken), 0o600))

	im.Data = data(map[string]string{"machines.csv": machines, "work.csv": head + "m1,2026-03-03 12:00,PM,,c\nm2,2026-03-03 12:00,PM,,c\n"})
	sum := into(t, folder, im)
	require.Equal(t, 1, sum.Added)
	require.Len(t, sum.Problems, 1)
	damage := new(fleet.DamageError)
	require.ErrorAs(t, sum.Problems[0], &damage)
	require.Equal(t, 2, damage.Defects[0].Line)
	require.ErrorIs(t, sum.Problems[0], vc.ErrProof)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, broken, string(after))
}

func TestOtherKeys(t *testing.T) {
	folder := t.TempDir()
	im := importer.Import{Mapping: parse(t, small), Keys: memory(), Data: data(map[string]string{"machines.csv": "id,model\nm1,x\n", "work.csv": "id,at,kind,down,what\n"})}
	into(t, folder, im)
	to, err := fleet.Edit(folder)
	require.NoError(t, err)
	defer to.Close()
	im.Keys, im.Data = memory(), data(map[string]string{"machines.csv": machines, "work.csv": "id,at,kind,down,what\n"})
	_, err = im.Run(t.Context(), to)
	require.ErrorContains(t, err, "belongs to this fleet")
}

// leases has what opens, closes, transfers and retires.
func TestLife(t *testing.T) {
	text := `{"format": "hourmeter-import/1", "parties": {"maker": {}, "owner": {}, "lessee": {}}, "sources": [
	 {"name": "machines", "files": ["m.csv"], "format": "csv", "machine": "id", "time": {"column": "at", "layout": "unix"},
	  "record": "CommissioningCredential", "issuer": "maker", "fields": {"model": "x", "serial": {"machine": "name"},
	   "hasPart[0]": "did:example:part", "keyBinding.verificationMethod": {"machine": "key"}, "keyBinding.protection": "software"}},
	 {"name": "sold", "files": ["m.csv"], "format": "csv", "machine": "id", "time": {"column": "at", "layout": "unix"},
	  "record": "OwnershipTransferCredential", "issuer": "maker", "cosigners": ["owner"],
	  "fields": {"eventTime": {"time": true}, "owningParty.source": "maker", "owningParty.destination": "owner"}},
	 {"name": "out", "files": ["out.csv"], "format": "csv", "columns": ["no", "id", "from", "to"], "machine": "id",
	  "time": {"column": "from", "layout": "2006-01-02", "zone": "UTC"}, "record": "LeaseCredential", "issuer": "lessee", "cosigners": ["machine"],
	  "due": {"column": "to", "plus": "2d"},
	  "fields": {"lease.lessor": "owner", "lease.lessee": "lessee", "lease.start": {"time": true}, "lease.end": {"column": "to"}}},
	 {"name": "back", "files": ["back.csv"], "format": "csv", "columns": ["no", "id", "at"], "machine": "id",
	  "time": {"column": "at", "layout": "2006-01-02", "zone": "UTC"}, "record": "LeaseOutcomeCredential", "issuer": "lessee", "outcome": "good",
	  "closes": {"source": "out", "on": {"no": "no"}},
	  "fields": {"leaseOutcome.returnedAt": {"time": true}, "leaseOutcome.onTime": true, "leaseOutcome.condition": "good"}},
	 {"name": "end", "files": ["end.csv"], "format": "csv", "machine": "id", "time": {"column": "at", "layout": "rfc3339"},
	  "record": "DecommissioningCredential", "issuer": "owner", "fields": {"eventTime": {"time": true}}}]}`
	folder, keys := t.TempDir(), memory()
	files := map[string]string{
		"m.csv": "id,at\nm1,1760000000\n", "end.csv": "id,at\n",
		"out.csv":  "1,m1,2026-01-01,2026-01-10\n2,m1,2026-02-01,2026-02-10\n",
		"back.csv": "1,m1,2026-01-10\n9,m1,2026-01-10\n",
	}
	var mu sync.Mutex
	opened := map[string]int{}
	im := importer.Import{Mapping: parse(t, text), Data: data(files), Keys: func(ctx context.Context, name string) (crypto.Signer, error) {
		mu.Lock()
		opened[name]++
		mu.Unlock()
		return keys(ctx, name)
	}}
	sum := into(t, folder, im)
	require.Len(t, sum.Problems, 1)
	require.ErrorContains(t, sum.Problems[0], `back.csv:2: no row of source "out" fits`)
	require.Equal(t, 2, opened["machine-m1"], "once to make it, once to sign")

	// The second lease is closed by a later import, and the machine retired.
	files["back.csv"], files["end.csv"] = "1,m1,2026-01-10\n2,m1,2026-02-11\n", "id,at\nm1,2026-03-01T00:00:00Z\n"
	im.Data = data(files)
	sum = into(t, folder, im)
	require.Empty(t, sum.Problems)
	require.Equal(t, 2, sum.Added)
	h := history(t, folder, "m1")
	require.True(t, h.Head().Retired)
	require.Empty(t, h.Head().Open)
	items := h.Entries()
	require.Equal(t, chain.Close, items[5].Link.Kind)
	require.Equal(t, int64(4), items[5].Link.RefersTo)
	outcome, err := vc.ClaimOf[record.LeaseOutcome](items[5].Credential)
	require.NoError(t, err)
	require.Equal(t, items[4].Credential.Digest().String(), outcome.Lease)
	require.True(t, items[4].Credential.SignedBy(h.Subject()), "the machine has countersigned")
	require.Equal(t, time.Date(2026, time.February, 12, 0, 0, 0, 0, time.UTC), items[4].Link.Due)
	born, err := vc.ClaimOf[record.Commissioning](items[0].Credential)
	require.NoError(t, err)
	require.Equal(t, h.Subject(), born.KeyBinding.VerificationMethod.DID)
	require.Equal(t, []did.DID{did.MustParse("did:example:part")}, born.HasPart)

	// Nothing follows.
	files["back.csv"] += "2,m1,2026-02-12\n"
	im.Data = data(files)
	sum = into(t, folder, im)
	require.Len(t, sum.Problems, 1)
	require.ErrorIs(t, sum.Problems[0], chain.ErrRetired)
}

// TestKilled kills an import at every call that it makes, and at times between.
// The next run completes it: what it holds is what an undisturbed one does.
func TestKilled(t *testing.T) {
	files := map[string]string{"machines.csv": machines, "work.csv": "id,at,kind,down,what\n"}
	for i := range 12 {
		files["work.csv"] += fmt.Sprintf("m%d,2026-03-%02d 12:00,PM,,round %d\n", i%2+1, i+1, i)
	}
	if path := os.Getenv("IMPORT_TEST_PATH"); path != "" {
		calls := 0
		fmt.Sscan(os.Getenv("IMPORT_TEST_CALLS"), &calls)
		var left atomic.Int64
		left.Store(int64(calls))
		kill := func() {
			if left.Add(-1) < 0 {
				if self, err := os.FindProcess(os.Getpid()); err == nil {
					self.Kill()
				}
				select {}
			}
		}
		keys := keysIn(path)
		im := importer.Import{Mapping: parse(t, small), Data: data(files),
			Keys: func(ctx context.Context, name string) (crypto.Signer, error) {
				kill()
				return keys(ctx, name)
			},
			Now:      func() time.Time { kill(); return time.Now() },
			Progress: func(int, int) { kill() },
		}
		into(t, path, im)
		return
	}

	undisturbed := t.TempDir()
	into(t, undisturbed, importer.Import{Mapping: parse(t, small), Data: data(files), Keys: keysIn(undisturbed)})
	want := said(t, undisturbed)
	killed := 0
	step := 1
	if testing.Short() {
		step = 7
	}
	for calls := 0; ; calls += step {
		require.Less(t, calls, 500, "it never comes to an end")
		path := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "IMPORT_TEST_PATH="+path, fmt.Sprint("IMPORT_TEST_CALLS=", calls))
		var out strings.Builder
		cmd.Stdout = &out
		require.NoError(t, cmd.Start())
		if calls%5 == 4 { // not at a call, but at any time
			time.AfterFunc(time.Duration(calls)*400*time.Microsecond, func() { cmd.Process.Kill() })
		}
		err := cmd.Wait()
		sum := into(t, path, importer.Import{Mapping: parse(t, small), Data: data(files), Keys: keysIn(path)})
		require.Equal(t, 14, sum.Known+sum.Added)
		require.Empty(t, sum.Problems)
		require.Equal(t, want, said(t, path), "killed after %d calls", calls)
		if err == nil {
			require.Equal(t, 14, sum.Known)
			if calls%5 != 4 {
				break
			}
			continue
		}
		require.NotContains(t, out.String(), "FAIL", "it failed before it was killed")
		killed++
	}
	t.Logf("killed %d times", killed)
}

// said returns what a fleet's records say: all but who signed, when, and the digests
// that depend on that.
func said(t testing.TB, folder string) map[string][]string {
	f, err := fleet.Open(folder)
	require.NoError(t, err)
	defer f.Close()
	all := map[string][]string{}
	for _, m := range f.Machines() {
		for _, it := range history(t, folder, m.Name).Entries() {
			v := it.Credential
			var claim map[string]any
			found, err := v.Member("credentialSubject", &claim)
			require.NoError(t, err)
			require.True(t, found)
			delete(claim, "id")
			text, err := json.Marshal(claim)
			require.NoError(t, err)
			all[m.Name] = append(all[m.Name], fmt.Sprint(v.ID(), v.Type(), v.ValidFrom(), it.Link.Sequence, it.Link.Entry, it.Link.Totals, f.Name(v.Issuer()), string(text)))
		}
	}
	return all
}

func TestCancel(t *testing.T) {
	folder, keys := t.TempDir(), memory()
	files := map[string]string{"machines.csv": machines, "work.csv": "id,at,kind,down,what\n"}
	for i := range 20 {
		files["work.csv"] += fmt.Sprintf("m%d,2026-03-%02d 12:00,PM,,round %d\n", i%2+1, i+1, i)
	}
	to, err := fleet.Edit(folder)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	im := importer.Import{Mapping: parse(t, small), Data: data(files), Keys: keys, Progress: func(done, _ int) {
		if done == 7 {
			cancel()
		}
	}}
	sum, err := im.Run(ctx, to)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, to.Close())
	require.GreaterOrEqual(t, sum.Added, 7)
	im.Progress = nil
	again := into(t, folder, im)
	require.Equal(t, sum.Added, again.Known)
	require.Equal(t, 22, again.Known+again.Added)
}

func TestKeysFail(t *testing.T) {
	to, err := fleet.Edit(t.TempDir())
	require.NoError(t, err)
	defer to.Close()
	im := importer.Import{Mapping: parse(t, small), Data: data(map[string]string{"machines.csv": machines, "work.csv": "id,at,kind,down,what\n"}),
		Keys: func(context.Context, string) (crypto.Signer, error) { return nil, errors.ErrUnsupported }}
	sum, err := im.Run(t.Context(), to)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.Zero(t, sum.Added)
	require.Empty(t, to.Machines())
}

func Example() {
	mapping, err := importer.ParseMapping("mapping.json", []byte(small))
	if err != nil {
		fmt.Println(err)
		return
	}
	folder, err := os.MkdirTemp("", "fleet")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	to, err := fleet.Edit(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer to.Close()

	im := importer.Import{Mapping: mapping, Keys: memory(), Data: data(map[string]string{
		"machines.csv": "id,model\nm1,Lynx 4\n",
		"work.csv":     "id,at,kind,down,what\nm1,2026-03-01 12:00,PM,1.5,balance rotors\nm1,1 March,PM,,clean\n",
	})}
	sum, err := im.Run(context.Background(), to)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d rows, %d added\n", sum.Rows, sum.Added)
	for _, p := range sum.Problems {
		fmt.Println(p)
	}
	sum, err = im.Run(context.Background(), to)
	fmt.Printf("again: %d added %v\n", sum.Added, err)
	// Output:
	// 3 rows, 2 added
	// work.csv:3: column "at": "1 March" is no time of layout "2006-01-02 15:04"
	// again: 0 added <nil>
}
