package tlog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// acknowledged is what a client of a log may rely on.
type acknowledged struct {
	created bool
	entries []Entry // by index
}

// script is a life of a log: create, append, publish, over several tiles.
func script(w *world, seen *acknowledged) error {
	if w.log == nil {
		l, err := create(w.disk, w.config)
		if err != nil {
			return err
		}
		w.log = l
	}
	seen.created = true
	next := 0
	for step, n := range []int{3, 0, 200, 60, 1, 0, 250, 2} {
		var batch []Submission
		for range n {
			batch = append(batch, entry(next%4, next/4))
			next++
		}
		results, err := w.log.AppendAll(context.Background(), batch)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Err != nil {
				return r.Err
			}
			if r.Index != int64(len(seen.entries)) {
				return fmt.Errorf("leaf %d, want %d", r.Index, len(seen.entries))
			}
			seen.entries = append(seen.entries, batch[r.Index-results[0].Index].Entry)
		}
		if step%3 == 2 {
			continue // published with the next
		}
		if _, err := w.log.Publish(context.Background(), w.cosigners...); err != nil {
			return err
		}
	}
	return nil
}

// intact checks that a log holds all that was acknowledged, and goes on without a fork.
func intact(t *testing.T, w *world, seen *acknowledged) {
	t.Helper()
	require.GreaterOrEqual(t, w.log.Size(), int64(len(seen.entries)))
	for i, e := range seen.entries {
		got, err := w.log.Append(t.Context(), e, e.Digest)
		require.NoError(t, err)
		require.EqualValues(t, i, got)
	}
	// What was appended and not acknowledged may be there or not, but in order.
	require.True(t, slices.Equal(seen.entries, w.log.index.entries[:len(seen.entries)]))
	m := 0
	for { // goes on with machine 9
		if _, err := w.log.Append(t.Context(), entry(9, m).Entry, entry(9, m).Previous); err == nil {
			break
		}
		m++
	}
	p, err := w.log.Publish(t.Context(), w.cosigners...)
	require.NoError(t, err)
	for _, err := range p.Failed {
		require.NoError(t, err, "a witness has cosigned another tree")
	}
	require.True(t, p.Published)
	r := w.reader(w.log)
	r.Scan = true
	v, err := r.Read(t.Context(), machine(0))
	require.NoError(t, err)
	logged, err := v.Record(machine(0).Chain)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(logged.Entries), (len(seen.entries)+3)/4)
}

// The machine may lose its power at any write, sync or rename, with any part of what was not synced
// on the disk: nothing acknowledged is lost, and the log signs no second history.
func TestPowerFailsAtEveryStep(t *testing.T) {
	w := newWorld(t, 2)
	w.disk, w.log = newMemory(), nil
	require.NoError(t, script(w, &acknowledged{}))
	steps := w.disk.steps
	t.Logf("%d steps", steps)
	rounds, stride := 2, 1
	if testing.Short() {
		rounds, stride = 1, 5
	}
	for failAt := 1; failAt <= steps; failAt += stride {
		for round := range rounds {
			w := newWorld(t, 2)
			w.disk, w.log = newMemory(), nil
			w.disk.failAt, w.disk.rand = failAt, rand.New(rand.NewPCG(uint64(failAt), uint64(round)))
			var seen acknowledged
			err := script(w, &seen)
			require.ErrorIs(t, err, errCrash, "step %d", failAt)
			w.disk = w.disk.crash()
			w.log, err = open(w.disk, w.config)
			if err != nil && !seen.created {
				w.log, err = create(w.disk, w.config)
			}
			require.NoError(t, err, "step %d, round %d", failAt, round)
			intact(t, w, &seen)
		}
	}
}

// A disk that is full, or fails, stops the log; opened again, it goes on with all that it
// acknowledged.
func TestDiskFailsAtEveryStep(t *testing.T) {
	w := newWorld(t, 2)
	w.disk, w.log = newMemory(), nil
	require.NoError(t, script(w, &acknowledged{}))
	stride := 1
	if testing.Short() {
		stride = 5
	}
	for failAt, steps := 1, w.disk.steps; failAt <= steps; failAt += stride {
		w := newWorld(t, 2)
		w.disk, w.log = newMemory(), nil
		w.disk.failAt, w.disk.err = failAt, syscall.ENOSPC
		var seen acknowledged
		err := script(w, &seen)
		require.ErrorIs(t, err, syscall.ENOSPC, "step %d", failAt)
		if w.log != nil {
			require.ErrorIs(t, err, ErrStopped)
			_, err = w.log.Append(t.Context(), entry(9, 0).Entry, entry(9, 0).Previous)
			require.ErrorIs(t, err, ErrStopped)
			_, err = w.log.Publish(t.Context())
			require.ErrorIs(t, err, ErrStopped)
		}
		w.disk = w.disk.copy() // as the program saw it
		if w.log, err = open(w.disk, w.config); err != nil && !seen.created {
			w.log, err = create(w.disk, w.config)
		}
		require.NoError(t, err, "step %d", failAt)
		intact(t, w, &seen)
	}
}

// damages are what can happen to a file.
var damages = []struct {
	name string
	do   func(m *memory, name string)
}{
	{"deleted", func(m *memory, name string) { delete(m.files, name) }},
	{"emptied", func(m *memory, name string) { m.files[name].data = nil }},
	{"cut in half", func(m *memory, name string) { m.files[name].data = m.files[name].data[:len(m.files[name].data)/2] }},
	{"cut by a byte", func(m *memory, name string) { m.files[name].data = m.files[name].data[:len(m.files[name].data)-1] }},
	{"longer", func(m *memory, name string) { m.files[name].data = append(m.files[name].data, m.files[name].data...) }},
	{"zeroed", func(m *memory, name string) { clear(m.files[name].data) }},
	{"first byte", func(m *memory, name string) { m.files[name].data[0] ^= 1 }},
	{"a byte in the middle", func(m *memory, name string) { m.files[name].data[len(m.files[name].data)/2] ^= 0x10 }},
	{"last byte", func(m *memory, name string) { m.files[name].data[len(m.files[name].data)-1] ^= 0x80 }},
}

// damaged makes a log of 600 published entries, and some that wait.
func damaged(t testing.TB) *world {
	w := newWorld(t, 2)
	fill(t, w.log, 4, 0, 65)
	w.publish()
	w.later(time.Minute)
	fill(t, w.log, 4, 65, 150)
	w.publish()
	fill(t, w.log, 4, 150, 155)
	return w
}

// Each file in turn is damaged in each way: Open names it, or what it opens is all there and right.
func TestDamageIsReported(t *testing.T) {
	w := damaged(t)
	want := w.log.index.entries
	for _, name := range slices.Sorted(maps.Keys(w.disk.files)) {
		for _, damage := range damages {
			disk := w.disk.copy()
			damage.do(disk, name)
			l, err := open(disk, w.config)
			if bad, ok := errors.AsType[*CorruptError](err); ok {
				require.Contains(t, strings.Split(bad.File, ", "), name, "%s %s: %v", name, damage.name, err)
				continue
			}
			require.NoError(t, err, "%s %s", name, damage.name)
			require.Equal(t, want, l.index.entries, "%s %s", name, damage.name)
			// Not noticed: then the tree does not need it.
			switch {
			case strings.HasPrefix(name, archivePrefix): // read when it is asked for: TestDamageIsReadAsSuch
			case name == pendingFile && damage.name == "longer": // what was not acknowledged is cut off
			case name == pendingFile && damage.name == "first byte": // one of two marks
			case name == pendingFile && damage.name == "a byte in the middle": // beside the marks
			case strings.Contains(name, ".p/") && name != "tile/0/002.p/88" && name != "tile/entries/002.p/88" && name != "tile/1/000.p/2":
				// of an earlier tree
			case name == checkpointFile && damage.name == "last byte":
				t.Errorf("%s %s: %v", name, damage.name, err)
			default:
				t.Errorf("%s %s was not noticed", name, damage.name)
			}
		}
	}
}

// A reader is given each file damaged in turn: it says so, or what it returns is right.
func TestDamageIsReadAsSuch(t *testing.T) {
	w := damaged(t)
	true_, err := w.reader(w.log).Read(t.Context(), machine(2))
	require.NoError(t, err)
	want, err := true_.Record(machine(2).Chain)
	require.NoError(t, err)
	files := &recorded{source: w.log}
	_, err = w.reader(files).Read(t.Context(), machine(2))
	require.NoError(t, err)
	require.Greater(t, len(files.read), 8)
	for _, scan := range []bool{false, true} {
		for name, data := range files.read {
			for _, damage := range damages {
				m := newMemory()
				m.files["x"] = &inode{data: bytes.Clone(data)}
				damage.do(m, "x")
				source := &recorded{source: w.log, instead: map[string][]byte{name: nil}}
				if m.files["x"] != nil {
					source.instead[name] = m.files["x"].data
				}
				r := w.reader(source)
				r.Scan = scan
				v, err := r.Read(t.Context(), machine(2))
				if err != nil {
					continue
				}
				got, err := v.Record(machine(2).Chain)
				require.NoError(t, err)
				require.Len(t, got.Entries, len(want.Entries), "%s %s", name, damage.name)
				for i, e := range got.Entries {
					require.Equal(t, want.Entries[i].Digest, e.Digest)
					require.False(t, !e.Time.IsZero() && e.Time.Before(want.Entries[i].Time), "%s %s: entry %d looks older than it is: %v, not %v", name, damage.name, i, e.Time, want.Entries[i].Time)
				}
				// Only a signature that nobody asked for may be damaged, and what a scan does not need.
				if !scan && (damage.name == "deleted" || damage.name == "emptied" || damage.name == "zeroed" || damage.name == "first byte") {
					t.Errorf("%s %s was not noticed", name, damage.name)
				}
			}
		}
	}
}

// recorded is a source that remembers, or replaces, what it gives.
type recorded struct {
	source  Source
	read    map[string][]byte
	instead map[string][]byte // nil: the file is missing
}

func (r *recorded) ReadFile(ctx context.Context, path string) ([]byte, error) {
	if data, ok := r.instead[path]; ok {
		if data == nil {
			return nil, fs.ErrNotExist
		}
		return data, nil
	}
	data, err := r.source.ReadFile(ctx, path)
	if r.read == nil {
		r.read = map[string][]byte{}
	}
	r.read[path] = data
	return data, err
}

// A client is cut off after each of the files it asks for: an error that is no verdict.
func TestClientIsCutOff(t *testing.T) {
	w := damaged(t)
	files := &recorded{source: w.log}
	_, err := w.reader(files).Read(t.Context(), machine(2))
	require.NoError(t, err)
	lost := errors.New("connection reset by peer")
	for after := range len(files.read) {
		n := 0
		_, err := w.reader(sourceFunc(func(ctx context.Context, path string) ([]byte, error) {
			if n++; n > after {
				return nil, lost
			}
			return w.log.ReadFile(ctx, path)
		})).Read(t.Context(), machine(2))
		require.ErrorIs(t, err, lost)
		_, refused := errors.AsType[*RejectError](err)
		require.False(t, refused)
		_, broken := errors.AsType[*CorruptError](err)
		require.False(t, broken)
	}
}

type sourceFunc func(context.Context, string) ([]byte, error)

func (f sourceFunc) ReadFile(ctx context.Context, path string) ([]byte, error) { return f(ctx, path) }

// A process is killed again and again while it appends and publishes.
func TestProcessIsKilled(t *testing.T) {
	if folder := os.Getenv("TLOG_KILLED"); folder != "" {
		appendForever(folder)
		return
	}
	folder := filepath.Join(t.TempDir(), "log")
	l, err := Create(folder, config())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	acked := int64(0)
	for round := range rounds {
		child := exec.Command(os.Args[0], "-test.run=^TestProcessIsKilled$")
		child.Env = append(os.Environ(), "TLOG_KILLED="+folder)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		wait := time.Duration(5+rand.IntN(60)) * time.Millisecond
		lines := bufio.NewReader(out)
		first, err := lines.ReadString('\n') // it has opened the log
		require.NoError(t, err)
		require.Equal(t, "open\n", first)
		time.AfterFunc(wait, func() { _ = child.Process.Kill() })
		rest, err := io.ReadAll(lines)
		require.NoError(t, err)
		_ = child.Wait()
		for line := range strings.Lines(string(rest)) {
			var n int64
			if _, err := fmt.Sscanf(line, "acknowledged %d\n", &n); err == nil && strings.HasSuffix(line, "\n") {
				acked = n
			}
		}
		l, err := Open(folder, config())
		require.NoError(t, err, "round %d", round)
		require.GreaterOrEqual(t, l.Size(), acked)
		for i := range acked {
			require.Equal(t, entry(0, int(i)).Entry, l.index.entries[i])
		}
		require.NoError(t, l.Close())
	}
	require.Positive(t, acked)
	t.Logf("%d entries survived %d kills", acked, rounds)
}

func appendForever(folder string) {
	l, err := Open(folder, config())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open")
	for n := int(l.Size()); ; {
		var batch []Submission
		for range 1 + rand.IntN(40) {
			batch = append(batch, entry(0, n))
			n++
		}
		if _, err := l.AppendAll(context.Background(), batch); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("acknowledged %d\n", n)
		if rand.IntN(3) == 0 {
			if _, err := l.Publish(context.Background()); err != nil {
				fmt.Println(err)
				return
			}
		}
	}
}

// One process at a time.
func TestOneWriter(t *testing.T) {
	folder := t.TempDir()
	l, err := Create(folder, config())
	require.NoError(t, err)
	_, err = Open(folder, config())
	require.ErrorContains(t, err, "another process has it open")
	_, err = Create(folder, config())
	require.ErrorContains(t, err, "another process has it open")
	require.NoError(t, l.Close())
	require.NoError(t, l.Close())
	_, err = l.Append(t.Context(), entry(0, 0).Entry, entry(0, 0).Previous)
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = Create(folder, config())
	require.ErrorIs(t, err, fs.ErrExist)
	l, err = Open(folder, config())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = Open(t.TempDir(), config())
	require.Error(t, err)
}
