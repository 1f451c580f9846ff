package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
)

// decode reads what a command printed with --json into the documented shape, and
// nothing else.
func decode[T any](t *testing.T, r ran) T {
	t.Helper()
	var shape T
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &shape, json.RejectUnknownMembers(true)), r.stdout+r.stderr)
	return shape
}

// year imports the example's year into the folder "fleet" of a bench.
func year(t *testing.T) *bench {
	b := newBench(t)
	b.env = append(b.env, "HOURMETER_KEYS=") // keys live in the fleet
	mapping, err := filepath.Abs("../../examples/fleet/mapping.json")
	require.NoError(t, err)
	r := b.run("", "import", mapping, "fleet", "--json")
	require.Equal(t, exitOK, r.code, r.stderr)
	in := decode[Imported](t, r)
	require.Equal(t, 10, in.NewMachines)
	require.Equal(t, in.Rows.Rows, in.Added)
	require.Empty(t, in.Problems)
	require.DirExists(t, filepath.Join(b.dir, "fleet", "keys"))

	again := decode[Imported](t, b.run("", "import", mapping, "fleet", "--json"))
	require.Equal(t, in.Added, again.Known)
	require.Zero(t, again.Added)
	return b
}

// Whatever is done to a fleet is named by file, line, sequence, issuer and
// machine; the rest of the fleet is verified and scored all the same.
func TestTamperedFleet(t *testing.T) {
	b := year(t)
	clean := map[string][]string{}
	names := []string{}
	whole := decode[Verification](t, b.run("", "verify", "fleet", "--json"))
	require.Equal(t, Valid, whole.Verdict)
	require.Len(t, whole.Records, 10)
	for _, r := range whole.Records {
		names = append(names, r.Machine)
		clean[r.File] = b.lines(r.File)
	}
	file := func(machine string) string { return filepath.Join("fleet", "chains", machine+".jsonl") }
	scores := map[string]int64{}
	for _, m := range decode[Scores](t, b.run("", "score", "fleet", "--trust", "all", "--at", "2026-06-29", "--json")).Machines {
		scores[m.Machine] = m.Score.Points
	}

	type found struct {
		line     int
		sequence int64
		kind     string
	}
	for _, tt := range []struct {
		name   string
		victim string
		change func(lines []string) []string
		want   []found
		issuer string
	}{
		{"one flipped bit in a value", "drone-01", func(l []string) []string {
			l[20] = strings.Replace(l[20], `"totals":{"entries":21`, `"totals":{"entries":20`, 1)
			return l
		}, []found{{21, 20, "rejected"}}, "any"},
		{"one flipped bit in a proof", "drone-02", func(l []string) []string {
			i := strings.Index(l[30], `"proofValue":"z`) + 30
			l[30] = l[30][:i] + string(l[30][i]^1) + l[30][i+1:]
			return l
		}, []found{{31, 30, "rejected"}}, "any"},
		{"one flipped bit in the JSON", "drone-03", func(l []string) []string {
			i := strings.LastIndex(l[30], `"totals"`)
			l[30] = l[30][:i] + "#" + l[30][i+1:]
			return l
		}, []found{{31, 30, "rejected"}}, "any"},
		{"one removed credential", "drone-04", func(l []string) []string {
			return append(l[:40:40], l[41:]...)
		}, []found{{41, 40, "gap"}}, ""},
		{"the end cut off", "drone-05", func(l []string) []string {
			return l[:len(l)-2]
		}, []found{{0, -1, "missing"}}, ""},
		{"another machine's entry", "drone-06", func(l []string) []string {
			return append(l, clean[file("drone-01")][9])
		}, []found{{11, 9, "foreign"}}, "any"},
		{"one entry twice", "rover-07", func(l []string) []string {
			return append(l, l[5])
		}, []found{{len(clean[file("rover-07")]) + 1, 5, "repeated"}}, "any"},
		{"half a line", "rover-08", func(l []string) []string {
			last := len(l) - 1
			l[last] = l[last][:len(l[last])/2]
			return l
		}, []found{{-1, -1, "torn"}, {-1, -1, "rejected"}}, ""},
		{"no file", "rover-09", func([]string) []string { return nil }, []found{{0, -1, "missing"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(b.dir, file(tt.victim))
			lines := tt.change(append([]string(nil), clean[file(tt.victim)]...))
			if lines == nil {
				require.NoError(t, os.Remove(path))
			} else {
				require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
			}
			defer func() {
				require.NoError(t, os.WriteFile(path, []byte(strings.Join(clean[file(tt.victim)], "")), 0o600))
			}()

			r := b.run("", "verify", "fleet", "--json")
			require.Equal(t, exitInvalid, r.code)
			v := decode[Verification](t, r)
			require.Len(t, v.Records, 10)
			kinds := map[string]Problem{}
			for _, p := range v.Problems {
				require.Equal(t, file(tt.victim), p.File, p)
				require.Equal(t, tt.victim, p.Machine)
				require.False(t, p.Subject.IsZero())
				kinds[p.Kind] = p
			}
			for _, w := range tt.want {
				p, ok := kinds[w.kind]
				require.True(t, ok, "%v in %+v", w, v.Problems)
				if w.line >= 0 {
					require.Equal(t, w.line, p.Line, p)
				}
				if w.sequence >= 0 {
					require.NotNil(t, p.Sequence)
					require.Equal(t, w.sequence, *p.Sequence)
				}
				if tt.issuer != "" {
					require.False(t, p.Issuer.IsZero(), p)
					require.NotEmpty(t, p.IssuerName)
				}
			}
			text := b.run("", "verify", "fleet").stdout
			require.Contains(t, text, tt.victim)

			s := b.run("", "score", "fleet", "--trust", "all", "--at", "2026-06-29", "--json")
			require.Equal(t, exitInvalid, s.code)
			for _, m := range decode[Scores](t, s).Machines {
				if m.Machine != tt.victim {
					require.Equal(t, Valid, m.Verdict)
					require.Equal(t, scores[m.Machine], m.Score.Points, "the rest of the fleet still scores")
				} else if m.Score != nil {
					require.LessOrEqual(t, m.Score.Points, scores[m.Machine], "no tampering pays")
				}
			}
		})
	}
	require.Len(t, names, 10)
	require.Equal(t, exitOK, b.run("", "verify", "fleet").code)
}

// Two entries with one sequence: the fleet names them, the proof of it convinces
// a stranger, and the machine scores the least.
func TestFork(t *testing.T) {
	d := newDrone(t)
	common := d.read("drone.jsonl")
	d.write("other.jsonl", common)
	d.service()
	d.ok("issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", d.id,
		"--chain", "other.jsonl", "--entry", "observe", "--outcome", "breach")
	d.write("both.jsonl", d.read("drone.jsonl")+d.lines("other.jsonl")[5])

	r := d.run("", "verify", "both.jsonl", "--json")
	require.Equal(t, exitInvalid, r.code)
	v := decode[Verification](t, r)
	require.Len(t, v.Problems, 1)
	require.Equal(t, "fork", v.Problems[0].Kind)
	require.Equal(t, int64(5), *v.Problems[0].Sequence)
	require.Contains(t, []int{6, 7}, v.Problems[0].Line)
	require.Equal(t, d.workshop, v.Problems[0].Issuer.String())
	require.Len(t, v.Records[0].Forks, 1)

	d.ok("chain", "prove", "drone.jsonl", "other.jsonl", "--out", "fork.json")
	stranger := newBench(t)
	stranger.write("fork.json", d.read("fork.json"))
	require.Contains(t, stranger.ok("chain", "check", "fork.json"), "written twice")
	fork := decode[ForkShown](t, stranger.run("", "chain", "check", "fork.json", "--json"))
	require.Equal(t, int64(5), fork.Sequence)
	require.Equal(t, d.workshop, fork.SignedBoth[0].String())
	stranger.write("forged.json", strings.Replace(d.read("fork.json"), "breach", "goodly", 1))
	require.Equal(t, exitInvalid, stranger.run("", "chain", "check", "forged.json").code)

	s := decode[Scores](t, d.run("", "score", "both.jsonl", "--json"))
	require.Equal(t, int64(300), s.Machines[0].Score.Points)
}

// A score credential says what the record and the policy say, to the bit.
func TestScoreCredential(t *testing.T) {
	d := newDrone(t)
	score := []string{"score", "drone.jsonl", "--trust", d.workshop + "," + d.maker}
	d.ok(append(score, "--print-policy", "--out", "policy.json")...)
	d.ok("score", "drone.jsonl", "--policy", "policy.json", "--issue", "--key", "maker", "--out", "score.json")
	require.Equal(t, exitOK, d.run("", "verify", "score.json", "--issuer", d.maker).code)
	r := d.run("", "score", "drone.jsonl", "--policy", "policy.json", "--check", "score.json", "--json")
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Equal(t, "MachineReputationCredential", decode[CredentialCheck](t, r).Type)

	other := d.run("", "score", "drone.jsonl", "--check", "score.json")
	require.Equal(t, exitInvalid, other.code)
	require.Contains(t, other.stderr, "policy")
	d.service()
	longer := d.run("", "score", "drone.jsonl", "--policy", "policy.json", "--check", "score.json")
	require.Equal(t, exitInvalid, longer.code)
	require.Contains(t, longer.stderr, "head")
}

// What "hourmeter help json" documents is what --json prints.
func TestShapes(t *testing.T) {
	d := newDrone(t)
	d.write("one.json", d.lines("drone.jsonl")[1])
	d.ok("present", "challenge", "--domain", "lease.example", "--out", "ch.json")
	d.ok("present", "drone.jsonl", "--key", "drone", "--challenge", "ch.json", "--out", "shown.json")
	try := func(args string) ran { return d.run("", strings.Fields(args+" --json")...) }

	key := decode[Key](t, try("key show drone"))
	require.Equal(t, d.id, key.DID.String())
	require.Contains(t, string(key.JWK), `"OKP"`)
	decode[Key](t, try("key create spare --algorithm P-256"))
	decode[Key](t, try("key delete spare --force"))
	require.Len(t, decode[KeyList](t, try("key list")).Keys, 3)
	decode[Key](t, try("did key "+d.id+"#"+d.id[8:]))
	require.Equal(t, d.id, decode[Identifier](t, try("did create --key drone")).DID.String())
	added := decode[Added](t, try("issue service.json --type MaintenanceCredential --key workshop --subject "+d.id+" --chain drone.jsonl --entry observe --outcome good"))
	require.Equal(t, int64(5), added.Sequence)

	v := decode[Verification](t, try("verify one.json --report"))
	require.Equal(t, Counts{Valid: 1}, v.Counts)
	require.NotEmpty(t, v.Credentials[0].Checks)
	v = decode[Verification](t, try("verify shown.json --challenge ch.json"))
	require.Equal(t, d.id, v.Holder.String())
	require.Len(t, v.Credentials, 5)
	v = decode[Verification](t, try("verify drone.jsonl one.json"))
	require.Equal(t, int64(7), v.Counts.Valid)
	require.Equal(t, "C2", v.Records[0].Class)
	shown := decode[RecordShown](t, try("chain show drone.jsonl"))
	require.Len(t, shown.Entries, 6)
	scores := decode[Scores](t, try("score drone.jsonl --trust "+d.workshop))
	require.NotNil(t, scores.Machines[0].Score)

	// Every shape above is in the help, by its name and with all its members.
	help := d.ok("help", "json")
	for _, name := range []string{"Key", "KeyList", "Identifier", "Added", "Verification", "CredentialCheck", "Problem", "Record", "RecordShown",
		"ForkShown", "Scores", "MachineScore", "Imported", "Demo", "LogSeen", "LogMade", "LogServing", "LogAdded", "LogChecked"} {
		require.Contains(t, help, "\ntype "+name+" struct {")
	}
	for _, member := range regexp.MustCompile(`"([a-zA-Z]+)":`).FindAllStringSubmatch(try("chain show drone.jsonl").stdout, -1) {
		if !strings.Contains("entries open overdue adverse", member[1]) { // chain.Totals, in words
			require.Contains(t, help, `json:"`+member[1])
		}
	}
}

// Every command and topic explains itself.
func TestHelp(t *testing.T) {
	root := (&app{getenv: os.Getenv}).command()
	b := newBench(t)
	n := 0
	var walk func(path []string)
	walk = func(path []string) {
		cmd, _, err := root.Find(path)
		require.NoError(t, err)
		n++
		r := b.run("", append(path, "--help")...)
		require.Equal(t, exitOK, r.code)
		require.NotEmpty(t, cmd.Short)
		require.Contains(t, r.stdout, strings.SplitN(cmd.Long+cmd.Short, "\n", 2)[0])
		for _, line := range strings.Split(r.stdout, "\n") {
			require.LessOrEqual(t, len([]rune(line)), 160, "%v: %q", path, line)
		}
		for _, sub := range cmd.Commands() {
			if sub.Name() != "help" && sub.Name() != "completion" {
				walk(append(path[:len(path):len(path)], sub.Name()))
			}
		}
	}
	walk(nil)
	require.Greater(t, n, 25)
}

// The demo ends soon, shows every machine, refuses every fraud, and its numbers
// do not depend on the keys.
func TestDemo(t *testing.T) {
	b := newBench(t)
	start := time.Now()
	first := b.ok("demo")
	require.Less(t, time.Since(start), time.Minute)
	second := b.ok("demo")
	keys := regexp.MustCompile(`did:key:z\w+`)
	require.Equal(t, keys.ReplaceAllString(first, "did"), keys.ReplaceAllString(second, "did"))
	require.NotEqual(t, first, second, "keys are new each time")
	require.NotContains(t, first, "\x1b", "no colour but on a terminal")
	for _, line := range strings.Split(first, "\n") {
		require.LessOrEqual(t, len([]rune(line)), 100, line)
	}

	r := b.run("", "demo", "--json", "--keep", "fleet")
	require.Equal(t, exitOK, r.code, r.stderr)
	demo := decode[Demo](t, r)
	require.Len(t, demo.Attempts, 3)
	require.Contains(t, demo.Attempts[0].Message, "proof does not hold")
	require.Contains(t, demo.Attempts[1].Message, "3 entries are missing, 3 of them adverse")
	require.Contains(t, demo.Attempts[2].Message, "answers another challenge")
	require.Len(t, demo.Machines, 10)
	leased := map[string]bool{}
	for i, m := range demo.Machines {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^   %s +%s +%d +\d+\.\d\d %% +`, m.Name, m.Model, m.Score.Points))
		require.Regexp(t, row, first)
		require.NotEmpty(t, m.Score.Reasons)
		require.LessOrEqual(t, m.Score.LowPpm, m.Score.MeanPpm)
		if i > 0 {
			require.LessOrEqual(t, m.Score.Points, demo.Machines[i-1].Score.Points)
		}
		if leased[m.Name] = m.Deposit > 0; leased[m.Name] {
			require.GreaterOrEqual(t, m.Deposit, m.Price/20)
			require.LessOrEqual(t, m.Deposit, m.Price)
		}
	}
	require.True(t, leased["drone-04"], "well leased")
	require.True(t, leased["drone-01"], "reliable")
	require.False(t, leased["rover-10"], "wrecked")
	require.False(t, leased["drone-02"], "neglected")
	require.Equal(t, "rover-10", demo.Machines[9].Name)

	require.Contains(t, b.ok("verify", "fleet"), "valid: 621 valid, in 10 records")
	require.Equal(t, exitError, b.run("", "demo", "--keep", "fleet").code)
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"type":["VerifiablePresentation"],"issuer":{"id":"did:key:z6Mk"},"credentialSubject":{"id":"did:web:x"},"record":{"sequence":3}}`))
	f.Add([]byte("{\"issuer\":\"did:web:x\",\n{\"a\":1}\n{\"b\":2}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		peekAt(raw)
		for _, name := range []string{"a.json", "a.jsonl"} {
			n := 0
			for _, c := range splitCredentials(name, raw) {
				n += len(c)
			}
			if n > len(raw) {
				t.Fatalf("%d bytes became %d", len(raw), n)
			}
		}
		if s := oneLine(string(raw)); strings.ContainsAny(s, "\n\r\x1b\a") {
			t.Fatalf("%q", s)
		}
	})
}
