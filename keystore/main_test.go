package keystore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// cheap is the least that RFC 9106 allows: tests derive thousands of keys.
var cheap = Cost{Memory: minMemoryPerLane, Passes: 1, Lanes: 1}

var algorithms = []Algorithm{Ed25519, P256, P384, Secp256k1}

func secret(s string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return []byte(s), nil }
}

// newDir returns a Dir whose folder does not exist yet.
func newDir(t testing.TB) *Dir {
	return dirAt(filepath.Join(t.TempDir(), "keys"), "old")
}

func dirAt(path, passphrase string) *Dir {
	return &Dir{Path: path, Passphrase: secret(passphrase), Cost: cheap}
}

func create(t testing.TB, d *Dir, names ...string) {
	t.Helper()
	for i, name := range names {
		_, err := d.Create(t.Context(), name, algorithms[i%len(algorithms)])
		require.NoError(t, err)
	}
}

func fileOf(d *Dir, name string) string { return filepath.Join(d.Path, name+keySuffix) }

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// staged returns how many staged files lie in the folder.
func staged(t testing.TB, d *Dir) int {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(d.Path, stagedPrefix+"*"))
	require.NoError(t, err)
	return len(left)
}

// An operation is what a child process does to the folder d until it is killed.
var operations = map[string]func(d *Dir) error{
	"create": func(d *Dir) error {
		_, err := d.Create(context.Background(), "new", P256)
		return err
	},
	"ensure": func(d *Dir) error {
		key, err := Ensure(context.Background(), d, "new", P256)
		if err == nil {
			fmt.Println(hex.EncodeToString(key.(*signer).encoded))
		}
		return err
	},
	"delete": func(d *Dir) error { return d.Delete(context.Background(), "a") },
	"change": func(d *Dir) error { return d.ChangePassphrase(context.Background(), secret("new")) },
	"restore": func(d *Dir) error {
		b, err := os.ReadFile(d.Path + ".backup")
		if err != nil {
			return err
		}
		_, err = d.Restore(context.Background(), bytes.NewReader(b))
		return err
	},
	"lock": func(d *Dir) error {
		if _, err := d.lockFolder(context.Background()); err != nil {
			return err
		}
		fmt.Println("locked")
		select {}
	},
}

// TestMain is also the main function of the children: they run one operation
// and kill themselves before its nth change to the disk.
func TestMain(m *testing.M) {
	op, ok := os.LookupEnv("KEYSTORE_CHILD")
	if !ok {
		os.Exit(m.Run())
	}
	d := dirAt(os.Getenv("KEYSTORE_DIR"), "old")
	n, _ := strconv.Atoi(os.Getenv("KEYSTORE_KILL"))
	d.step = func(string) error {
		if n--; n == 0 {
			self, _ := os.FindProcess(os.Getpid())
			self.Kill()
			select {}
		}
		return nil
	}
	run := operations[op]
	if run == nil {
		run = noRoom
	}
	if err := run(d); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// needsLock skips where there are neither processes nor a lock between Dirs.
func needsLock(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("js/wasm has no processes and no lock")
	}
}

// child prepares a process that runs an operation on the folder of d, to be
// killed before its nth change; 0 means never.
func child(d *Dir, op string, n int) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "KEYSTORE_CHILD="+op, "KEYSTORE_DIR="+d.Path, "KEYSTORE_KILL="+strconv.Itoa(n))
	return cmd
}

// run runs a child to its end and reports whether it was killed.
func run(t *testing.T, d *Dir, op string, n int) (killed bool) {
	t.Helper()
	out, err := child(d, op, n).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
		return true
	}
	require.NoError(t, err, strings.TrimSpace(string(out)))
	return false
}

// A scenario is an operation with what must be there before, and hold after it
// was stopped anywhere: the old state or the new. It then runs again to the end.
type scenario struct {
	op     string
	before func(t *testing.T, d *Dir)
	after  func(t *testing.T, d *Dir) // stopped anywhere
	again  []error                    // what running it again may give, besides nil
	done   func(t *testing.T, d *Dir) // run to its end
}

func opens(t *testing.T, path, passphrase, name string) {
	t.Helper()
	_, err := dirAt(path, passphrase).Open(t.Context(), name)
	require.NoError(t, err)
}

func opensOrIsMissing(t *testing.T, d *Dir, name string) {
	t.Helper()
	if _, err := d.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
}

var scenarios = []scenario{{
	op:     "create",
	before: func(t *testing.T, d *Dir) {}, // not even the folder
	after:  func(t *testing.T, d *Dir) { opensOrIsMissing(t, d, "new") },
	again:  []error{fs.ErrExist},
	done:   func(t *testing.T, d *Dir) { opens(t, d.Path, "old", "new") },
}, {
	op:     "create",
	before: func(t *testing.T, d *Dir) { create(t, d, "a") },
	after: func(t *testing.T, d *Dir) {
		opens(t, d.Path, "old", "a")
		opensOrIsMissing(t, d, "new")
	},
	again: []error{fs.ErrExist},
	done:  func(t *testing.T, d *Dir) { opens(t, d.Path, "old", "new") },
}, {
	op: "delete",
	before: func(t *testing.T, d *Dir) {
		create(t, d, "a", "b")
		require.NoError(t, os.WriteFile(filepath.Join(d.Path, stagedPrefix+"left"), nil, 0o600))
	},
	after: func(t *testing.T, d *Dir) {
		opens(t, d.Path, "old", "b")
		opensOrIsMissing(t, d, "a")
	},
	again: []error{fs.ErrNotExist},
	done: func(t *testing.T, d *Dir) {
		_, err := d.Open(t.Context(), "a")
		require.ErrorIs(t, err, fs.ErrNotExist)
	},
}, {
	op:     "change",
	before: func(t *testing.T, d *Dir) { create(t, d, "a", "b") },
	after: func(t *testing.T, d *Dir) {
		for _, name := range []string{"a", "b"} {
			if _, err := d.Open(t.Context(), name); !errors.Is(err, ErrPassphrase) {
				require.NoError(t, err)
				continue
			}
			opens(t, d.Path, "new", name)
		}
	},
	done: func(t *testing.T, d *Dir) {
		for _, name := range []string{"a", "b"} {
			opens(t, d.Path, "new", name)
		}
	},
}, {
	op: "restore",
	before: func(t *testing.T, d *Dir) {
		from := newDir(t)
		create(t, from, "a", "b")
		var b bytes.Buffer
		require.NoError(t, from.Backup(t.Context(), &b))
		require.NoError(t, os.WriteFile(d.Path+".backup", b.Bytes(), 0o600))
	},
	after: func(t *testing.T, d *Dir) {
		for _, name := range []string{"a", "b"} {
			opensOrIsMissing(t, d, name)
		}
	},
	done: func(t *testing.T, d *Dir) {
		for _, name := range []string{"a", "b"} {
			opens(t, d.Path, "old", name)
		}
	},
}}

// finish checks what a stopped operation has left, and that the next works.
func (s *scenario) finish(t *testing.T, d *Dir) {
	t.Helper()
	whole, err := d.List()
	require.NoError(t, err, "a file is not whole")
	s.after(t, d)
	if err := operations[s.op](d); err != nil {
		allowed := false
		for _, want := range s.again {
			allowed = allowed || errors.Is(err, want)
		}
		require.True(t, allowed, "%v after %v", err, whole)
	}
	s.done(t, d)
	create(t, d, "next") // clears away what was staged
	require.Zero(t, staged(t, d))
}

func TestAKillAtAnyStepLeavesTheOldStateOrTheNew(t *testing.T) {
	needsLock(t)
	for _, s := range scenarios {
		for n, killed := 1, true; killed; n++ {
			d := newDir(t)
			s.before(t, d)
			killed = run(t, d, s.op, n)
			s.finish(t, d)
			require.Less(t, n, 100)
			if !killed {
				require.Greater(t, n, 4, "%s has fewer steps than it must", s.op)
				t.Logf("%s: killed at each of %d steps", s.op, n-1)
			}
		}
	}
}

// From its nth step on, or at that step alone, the disk fails.
func TestADiskThatFailsAtAnyStepLeavesTheOldStateOrTheNew(t *testing.T) {
	broken := errors.New("input/output error")
	for _, s := range scenarios {
		for _, forever := range []bool{false, true} {
			for n, failed := 1, true; failed; n++ {
				d := newDir(t)
				s.before(t, d)
				failed = false
				steps := 0
				d.step = func(string) error {
					if steps++; steps == n || forever && steps > n {
						failed = true
						return broken
					}
					return nil
				}
				err := operations[s.op](d)
				d.step = nil
				if failed && err != nil {
					require.ErrorIs(t, err, broken)
				}
				s.finish(t, d)
				require.Less(t, n, 100)
			}
		}
	}
}

// What is to survive a loss of power has to be asked for in this order.
func TestAFileIsSyncedBeforeItHasItsNameAndTheFolderAfter(t *testing.T) {
	trace := func(d *Dir, op func(d *Dir) error) (steps []string) {
		d.step = func(op string) error {
			steps = append(steps, op)
			return nil
		}
		require.NoError(t, op(d))
		d.step = nil
		return steps
	}
	d := newDir(t)
	require.Equal(t, []string{"mkdir", "lock", "create", "write", "sync file", "link", "sync folder", "remove"}, trace(d, operations["create"]))
	require.Equal(t, []string{"lock", "create", "write", "sync file", "rename", "sync folder", "remove"}, trace(d, operations["change"]))
	d.Passphrase = secret("new")
	require.NoError(t, os.Rename(fileOf(d, "new"), filepath.Join(d.Path, stagedPrefix+"left")))
	create(t, d, "a")
	require.Equal(t, []string{"lock", "remove", "sync folder"}, trace(d, operations["delete"]))

	create(t, d, "b")
	open := func(d *Dir) error {
		_, err := d.Open(t.Context(), "b")
		return err
	}
	require.Empty(t, trace(d, open))
	require.NoError(t, os.WriteFile(filepath.Join(d.Path, stagedPrefix+"left"), nil, 0o600))
	require.Equal(t, []string{"sync folder"}, trace(d, open), "its writer may have died before it did")
}
