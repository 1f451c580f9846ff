package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// binary is the program under test: these tests run it as its users do.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hourmeter-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "hourmeter")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A bench is a folder to work in, with keys.
type bench struct {
	t   *testing.T
	dir string
	env []string
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir()}
	b.env = []string{"HOME=" + b.dir, "PATH=" + os.Getenv("PATH"), "HOURMETER_KEYS=" + filepath.Join(b.dir, "keys"), "HOURMETER_PASSPHRASE=secret", "TMPDIR=" + os.TempDir()}
	return b
}

// A ran is what a command did.
type ran struct {
	stdout, stderr string
	code           int
}

func (b *bench) run(stdin string, args ...string) ran {
	b.t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = b.dir, b.env, strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		b.t.Fatal(err)
	}
	require.NotContains(b.t, stderr.String(), "goroutine ", "a panic")
	return ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// ok runs a command that has to succeed and returns what it printed.
func (b *bench) ok(args ...string) string {
	b.t.Helper()
	r := b.run("", args...)
	require.Equal(b.t, exitOK, r.code, "%v: %s%s", args, r.stdout, r.stderr)
	return r.stdout
}

func (b *bench) write(name, text string) string {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600))
	return name
}

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	require.NoError(b.t, err)
	return string(text)
}

// did makes a key and returns its did:key.
func (b *bench) did(name string) string {
	b.t.Helper()
	b.ok("key", "create", name)
	return strings.TrimSpace(b.ok("did", "create", "--key", name))
}

const (
	birth   = `{"eventTime": "2026-01-05T00:00:00Z", "model": "Lynx 4", "serial": "LX4-1"}`
	service = `{"eventTime": "2026-03-05T00:00:00Z", "bizStep": "repairing", "maintenance": {"category": "preventive", "activity": "grease the rotor"}}`
)

// A drone is a machine with a record of five entries in drone.jsonl, issued on
// a bench of its own.
type drone struct {
	*bench
	id, maker, workshop string
}

func newDrone(t *testing.T) *drone {
	d := &drone{bench: newBench(t)}
	d.id, d.maker, d.workshop = d.did("drone"), d.did("maker"), d.did("workshop")
	d.write("birth.json", birth)
	d.write("service.json", service)
	d.ok("issue", "birth.json", "--type", "CommissioningCredential", "--key", "maker", "--subject", d.id, "--chain", "drone.jsonl", "--entry", "commission")
	for range 4 {
		d.service()
	}
	return d
}

func (d *drone) service(args ...string) string {
	d.t.Helper()
	return d.ok(append([]string{"issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop",
		"--subject", d.id, "--chain", "drone.jsonl", "--entry", "observe", "--outcome", "good"}, args...)...)
}

// lines returns the lines of a chain file, with their ends.
func (b *bench) lines(name string) []string {
	return slices.Collect(strings.Lines(b.read(name)))
}
