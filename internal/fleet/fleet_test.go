package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

var day = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

func now() time.Time { return day.AddDate(1, 0, 0) }

var verifier = &vc.Verifier{Now: now}

// party makes somebody with a key of their own.
func party(t testing.TB) *vc.Issuer {
	key, err := keystore.Ensure(t.Context(), new(keystore.Memory), "k", keystore.Ed25519)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key, Now: now}
}

// next signs the entry of machine that follows head.
func next(t testing.TB, by *vc.Issuer, machine did.DID, head chain.Head, n int) []byte {
	c := &vc.Credential{Subject: machine, ValidFrom: day.AddDate(0, 0, n)}
	e := chain.Entry{Kind: chain.Commission}
	if n == 0 {
		c.Claim = record.Commissioning{Model: "Lynx 4", Serial: "LX4"}
	} else {
		c.Claim = record.Maintenance{Time: c.ValidFrom, Work: record.Work{Category: record.Preventive, Activity: fmt.Sprintf("round %d", n)}}
		e = chain.Entry{Kind: chain.Observe, Outcome: chain.Good}
	}
	require.NoError(t, head.Append(c, e))
	raw, err := by.Issue(c)
	require.NoError(t, err)
	return raw
}

// fill makes a fleet of machines with so many entries each.
func fill(t testing.TB, path string, by *vc.Issuer, entries int, names ...string) {
	e, err := Edit(path)
	require.NoError(t, err)
	defer e.Close()
	var machines []Machine
	for _, name := range names {
		machines = append(machines, Machine{Name: name, ID: party(t).ID, Key: "machine-" + FileName(name)})
	}
	require.NoError(t, e.Add(machines, []Party{{Name: "workshop", ID: by.ID, Key: "party-workshop"}}))
	for _, name := range names {
		m, ok := e.Machine(name)
		require.True(t, ok)
		c, err := e.Chain(t.Context(), verifier, m)
		require.NoError(t, err)
		for n := range entries {
			require.NoError(t, c.Append(t.Context(), next(t, by, m.ID, c.Head, n)))
		}
		require.NoError(t, c.Close())
	}
	require.NoError(t, e.Save())
}

func verify(t testing.TB, path, name string) *Report {
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, ok := f.Machine(name)
	require.True(t, ok)
	report, err := f.Verify(t.Context(), verifier, m)
	require.NoError(t, err)
	return report
}

func TestRoundTrip(t *testing.T) {
	path, by := filepath.Join(t.TempDir(), "new", "fleet"), party(t)
	fill(t, path, by, 3, "drone-01", "Drehbank Nº 7/a")

	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, []Party{{Name: "workshop", ID: by.ID, Key: "party-workshop"}}, f.Parties())
	require.Equal(t, "workshop", f.Name(by.ID))
	require.Empty(t, f.Name(did.DID{}))
	for _, m := range f.Machines() {
		require.Equal(t, int64(3), m.Entries)
		same, ok := f.Machine(m.ID.String())
		require.True(t, ok)
		require.Equal(t, m, same)
		lines, err := f.Credentials(m)
		require.NoError(t, err)
		require.Len(t, lines, 3)
		report, err := f.Verify(t.Context(), verifier, m)
		require.NoError(t, err)
		require.Empty(t, report.Defects)
		require.Equal(t, chain.C2, report.History.Class())
		require.Equal(t, m.Head, report.History.Head().Digest)
	}
	_, ok := f.Machine("")
	require.False(t, ok)

	e, err := Edit(path)
	require.NoError(t, err)
	_, err = Edit(path)
	require.ErrorIs(t, err, ErrBusy)
	require.Error(t, e.Add([]Machine{{Name: "drone-01", ID: party(t).ID, Key: "k"}}, nil), "the name is taken")
	require.Error(t, e.Add([]Machine{{Name: "drone-02", ID: by.ID, Key: "k"}}, nil), "the DID is a party's")
	m, _ := e.Machine("drone-01")
	c, err := e.Chain(t.Context(), verifier, m)
	require.NoError(t, err)
	refused := new(RefusedError)
	require.ErrorAs(t, c.Append(t.Context(), next(t, by, m.ID, chain.Head{}, 0)), &refused, "a second first entry")
	require.ErrorAs(t, c.Append(t.Context(), []byte("{}\n{}")), &refused)
	require.NoError(t, c.Append(t.Context(), next(t, by, m.ID, c.Head, 3)))
	require.NoError(t, c.Close())
	require.NoError(t, e.Save())
	require.NoError(t, e.Close())
	require.Equal(t, 4, verify(t, path, "drone-01").Lines)
}

// What is wrong with a file is named by line, entry and machine, and the other
// machine's record stays good.
func TestDefects(t *testing.T) {
	path, by := t.TempDir(), party(t)
	const entries = 6
	fill(t, path, by, entries, "a", "b")
	file := filepath.Join(path, "chains", "a.jsonl")
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	other, err := os.ReadFile(filepath.Join(path, "chains", "b.jsonl"))
	require.NoError(t, err)
	lines := bytes.SplitAfter(good, []byte("\n"))[:entries]
	id := verify(t, path, "a").Machine.ID

	var head chain.Head // before entry 3
	for _, line := range lines[:3] {
		v, err := verifier.Verify(t.Context(), bytes.TrimSpace(line), vc.AnyIssuer)
		require.NoError(t, err)
		require.NoError(t, head.Advance(v))
	}
	rival := append(next(t, by, id, head, 4), '\n') // says something else than entry 3
	fresh := append(next(t, party(t), id, chain.Head{}, 0), '\n')
	unlinked, err := by.Issue(&vc.Credential{Subject: id, ValidFrom: day, Claim: record.Commissioning{Model: "Lynx 4", Serial: "LX4"}})
	require.NoError(t, err)
	flip := func(line []byte, at int) []byte {
		line = bytes.Clone(line)
		line[at] ^= 0x04
		return line
	}
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	insert := func(at int, line []byte) []byte {
		return join(join(lines[:at]...), line, join(lines[at:]...))
	}

	tests := []struct {
		name string
		text []byte
		want []string // kind:line:sequence
		left int      // entries that a history still has; -1 if there is none
	}{
		{"as it was", good, nil, entries},
		{"removed line", join(join(lines[:2]...), join(lines[3:]...)), []string{"gap:3:2"}, 5},
		{"removed first line", join(lines[1:]...), []string{"gap:1:0"}, 5},
		{"removed last line", join(lines[:5]...), []string{"missing:0:5"}, 5},
		{"two lines removed in two places", join(lines[0], lines[2], lines[4], lines[5]), []string{"gap:2:1", "gap:3:3"}, 4},
		{"duplicated line", insert(3, lines[2]), []string{"repeated:4:2"}, entries},
		{"two entries with one sequence", insert(4, rival), []string{"fork:5:3"}, entries},
		{"swapped lines", join(lines[0], lines[2], lines[1], join(lines[3:]...)), []string{"outOfOrder:3:1"}, entries},
		{"another machine's line", insert(2, bytes.SplitAfter(other, []byte("\n"))[1]), []string{"foreign:3:1"}, entries},
		{"another record's line", insert(6, fresh), []string{"outOfOrder:7:0", "foreign:7:0"}, entries},
		{"a credential of no record", insert(2, append(unlinked, '\n')), []string{"link:3:-1"}, entries},
		{"cut in the last line", good[:len(good)-40], []string{"torn:6:-1", "rejected:6:5"}, 5},
		{"last line end cut", good[:len(good)-1], []string{"torn:6:-1"}, entries},
		{"empty", nil, []string{"missing:0:5"}, -1},
		{"not JSON", []byte("hello\n"), []string{"rejected:1:0", "missing:0:5"}, -1},
		{"blank line", insert(2, []byte("\n")), []string{"rejected:3:2"}, entries},
	}
	for at := 1; at < len(lines[3])-1; at += 97 {
		tests = append(tests, struct {
			name string
			text []byte
			want []string
			left int
		}{fmt.Sprintf("byte %d of line 4 flipped", at), join(join(lines[:3]...), flip(lines[3], at), join(lines[4:]...)), []string{"rejected:4:3"}, 5})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, tt.text, 0o600))
			report := verify(t, path, "a")
			var got []string
			for _, d := range report.Defects {
				t.Log(d)
				got = append(got, fmt.Sprintf("%s:%d:%d", d.Kind, d.Line, d.Sequence))
				require.Equal(t, "a", d.Machine)
				require.Equal(t, id, d.ID)
				require.Contains(t, d.Error(), "chains/a.jsonl")
			}
			require.Equal(t, tt.want, got)
			if tt.left < 0 {
				require.Nil(t, report.History)
			} else {
				require.Equal(t, tt.left, report.History.Len())
				require.Equal(t, tt.want == nil, len(report.Defects) == 0)
			}
			require.Empty(t, verify(t, path, "b").Defects)

			// Nothing is added to a damaged record, and nothing of it is cut off.
			e, err := Edit(path)
			require.NoError(t, err)
			defer e.Close()
			m, _ := e.Machine("a")
			_, err = e.Chain(t.Context(), verifier, m)
			if tt.want != nil {
				damage := new(DamageError)
				if _, cut := errors.AsType[*DamageError](err); !cut && len(tt.text) > len(good) {
					return // what stands after what was saved may be a crash: see TestCrash
				}
				require.ErrorAs(t, err, &damage)
			}
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			require.True(t, bytes.Equal(tt.text, after))
		})
	}
}

// What a crash left after what was saved is cut off, and nothing else.
func TestTailAfterCrash(t *testing.T) {
	path, by := t.TempDir(), party(t)
	fill(t, path, by, 3, "a")
	file := filepath.Join(path, "chains", "a.jsonl")
	saved, err := os.ReadFile(file)
	require.NoError(t, err)
	id := verify(t, path, "a").Machine.ID
	head := verify(t, path, "a").History.Head()
	fourth := append(next(t, by, id, head, 3), '\n')
	for _, tt := range []struct {
		name, tail string
		entries    int64
		notices    int
	}{
		{"nothing", "", 3, 0},
		{"half a line", string(fourth[:300]), 3, 1},
		{"a whole line", string(fourth), 4, 0},
		{"a whole line and half a line", string(fourth) + string(fourth[:5]), 4, 1},
		{"a line without its end", strings.TrimSpace(string(fourth)), 3, 1},
		{"a page of zeros, as power failures leave", strings.Repeat("\x00", 4096), 3, 1},
		{"zeros, then a whole line", strings.Repeat("\x00", 512) + "\n" + string(fourth), 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, append(bytes.Clone(saved), tt.tail...), 0o600))
			e, err := Edit(path)
			require.NoError(t, err)
			defer e.Close()
			m, _ := e.Machine("a")
			c, err := e.Chain(t.Context(), verifier, m)
			require.NoError(t, err)
			require.Equal(t, tt.entries, c.Head.Sequence+1)
			require.NoError(t, c.Close())
			require.Len(t, e.Notices(), tt.notices)
			for _, n := range e.Notices() {
				t.Log(n.File, n.Line, n.Detail)
				require.Equal(t, int(tt.entries)+1, n.Line)
			}
			report := verify(t, path, "a")
			require.Empty(t, report.Defects)
			require.Equal(t, tt.entries, int64(report.Lines))
		})
	}
}

// TestCrash kills a process at every step that changes the disk, and half-way
// through every write. What was saved is there, and the next one goes on.
func TestCrash(t *testing.T) {
	if at := os.Getenv("FLEET_TEST_CRASH"); at != "" {
		crash(t, at)
		return
	}
	steps := 0
	for done := false; !done; steps++ {
		path := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
		cmd.Env = append(os.Environ(), "FLEET_TEST_CRASH="+fmt.Sprint(steps), "FLEET_TEST_PATH="+path)
		out, err := cmd.CombinedOutput()
		killed := new(exec.ExitError)
		if done = err == nil; !done {
			require.ErrorAs(t, err, &killed, "%s", out)
			require.Equal(t, -1, killed.ExitCode(), "%s", out)
		}
		acknowledged := bytes.Count(out, []byte("saved\n"))
		f, err := Open(path)
		if acknowledged == 0 && err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
			continue
		}
		require.NoError(t, err)
		f.Close()

		e, err := Edit(path)
		require.NoError(t, err)
		for _, m := range e.Machines() {
			require.GreaterOrEqual(t, m.Entries, int64(2*max(0, acknowledged-1)))
			c, err := e.Chain(t.Context(), verifier, m)
			require.NoError(t, err)
			if m.Entries > 0 {
				require.GreaterOrEqual(t, c.Head.Sequence+1, m.Entries)
			}
			require.NoError(t, c.Close())
		}
		require.NoError(t, e.Save())
		require.NoError(t, e.Close())
		for _, m := range e.Machines() {
			report := verify(t, path, m.Name)
			require.Empty(t, report.Defects)
			require.Equal(t, report.Machine.Entries, int64(report.Lines))
		}
	}
	require.Greater(t, steps, 15)
}

// crash is the process that is killed. It says "saved" once it is told so.
func crash(t *testing.T, at string) {
	left := 0
	fmt.Sscan(at, &left)
	path := os.Getenv("FLEET_TEST_PATH")
	kill := func(op string) error {
		if left--; left >= 0 {
			return nil
		}
		if name, ok := strings.CutPrefix(op, "write chains"); ok {
			// Half of what was to be written.
			file, _ := os.OpenFile(filepath.Join(path, "chains", name), os.O_WRONLY|os.O_APPEND, 0o600)
			file.WriteString(`{"@context":["https://www.w3.org/ns`)
			file.Close()
		}
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	}
	by := party(t)
	e, err := edit(path, kill)
	require.NoError(t, err)
	require.NoError(t, e.Add([]Machine{{Name: "a", ID: party(t).ID, Key: "a"}, {Name: "b", ID: party(t).ID, Key: "b"}}, nil))
	fmt.Println("saved")
	for range 2 {
		for _, m := range e.Machines() {
			c, err := e.Chain(t.Context(), verifier, m)
			require.NoError(t, err)
			for range 2 {
				n := 0
				if !c.Head.Digest.IsZero() {
					n = int(c.Head.Sequence) + 1
				}
				require.NoError(t, c.Append(t.Context(), next(t, by, m.ID, c.Head, n)))
				require.NoError(t, c.flush())
			}
			require.NoError(t, c.Close())
		}
		require.NoError(t, e.Save())
		fmt.Println("saved")
	}
}

func TestIndexRefusals(t *testing.T) {
	id, other := party(t).ID.String(), party(t).ID.String()
	machine := func(name, id, key, file string) string {
		return fmt.Sprintf(`{"name":%q,"id":%q,"key":%q,"file":%q,"entries":0,"bytes":0}`, name, id, key, file)
	}
	index := func(machines ...string) string {
		return `{"format":"hourmeter-fleet/1","machines":[` + strings.Join(machines, ",") + `],"parties":[]}`
	}
	ok := machine("a", id, "ka", "chains/a.jsonl")
	_, _, err := parseIndex([]byte(index(ok)))
	require.NoError(t, err)
	for _, tt := range []struct{ name, text string }{
		{"another format", strings.Replace(index(ok), "fleet/1", "fleet/2", 1)},
		{"unknown member", strings.Replace(index(ok), `"parties"`, `"Parties"`, 1)},
		{"twice a member", strings.Replace(index(ok), `"parties":[]`, `"parties":[],"parties":[]`, 1)},
		{"file outside", index(machine("a", id, "ka", "../a.jsonl"))},
		{"file deeper", index(machine("a", id, "ka", "chains/x/a.jsonl"))},
		{"file of keys", index(machine("a", id, "ka", "keys/a.key"))},
		{"two machines, one file", index(ok, machine("b", other, "kb", "chains/a.jsonl"))},
		{"two machines, one name", index(ok, machine("a", other, "kb", "chains/b.jsonl"))},
		{"two machines, one DID", index(ok, machine("b", id, "kb", "chains/b.jsonl"))},
		{"two machines, one key", index(ok, machine("b", other, "ka", "chains/b.jsonl"))},
		{"no DID", index(machine("a", "", "ka", "chains/a.jsonl"))},
		{"negative count", strings.Replace(index(ok), `"bytes":0`, `"bytes":-1`, 1)},
		{"name with a line end", index(machine("a\nb", id, "ka", "chains/a.jsonl"))},
		{"empty", ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := parseIndex([]byte(tt.text))
			require.Error(t, err)
			t.Log(err)
		})
	}
}

func TestFileName(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"1", "a", "A", "a.", "a/b", "a-b", "..", "con", "Ä", "ä", "-", "_x", strings.Repeat("x", 200), strings.Repeat("x", 40), "a b", "a  b"} {
		file := FileName(name)
		require.Empty(t, seen[strings.ToLower(file)], "%q and %q", name, seen[strings.ToLower(file)])
		seen[strings.ToLower(file)] = name
		require.LessOrEqual(t, len(file), 53)
		require.NotContains(t, file, "/")
		require.NotEqual(t, byte('.'), file[0], file)
	}
	require.Equal(t, "drone-01", FileName("drone-01"))
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"format":"hourmeter-fleet/1","machines":[{"name":"a","id":"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK","key":"k","file":"chains/a.jsonl","entries":1,"bytes":2}],"parties":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ix, _, err := parseIndex(text)
		if err != nil {
			return
		}
		again, err := ix.text()
		require.NoError(t, err)
		_, _, err = parseIndex(again)
		require.NoError(t, err)
	})
}

func FuzzCheck(f *testing.F) {
	id := did.MustParse("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")
	f.Add([]byte("{\"record\":{\"sequence\":3}}\n\n{"))
	f.Add([]byte("\n\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := Check(t.Context(), verifier, Machine{Name: "a", ID: id, File: "chains/a.jsonl"}, text)
		if len(text) > 0 && len(r.Defects) == 0 {
			t.Fatal("made a record out of nothing")
		}
	})
}
