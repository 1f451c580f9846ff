//go:build unix

package store_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation/store"
)

// When this program is started as a child of its own test, it writes and writes.
func TestMain(m *testing.M) {
	if path := os.Getenv("HOURMETER_TEST_STORE"); path != "" {
		os.Exit(child(path))
	}
	os.Exit(m.Run())
}

var victim = did.MustParse("did:example:victim")

// child puts entries until it is killed, and says which are put. Revision n of the machine has
// n entries, the newest of which its state names. With a limit on the size of files, that is
// a full disk, it ends at the first failure instead.
func child(path string) int {
	fail := func(err error) int {
		fmt.Println("failed:", err)
		return 1
	}
	if limit, err := strconv.ParseUint(os.Getenv("HOURMETER_TEST_LIMIT"), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ) // else it would kill
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fail(err)
		}
	}
	s, err := store.Open(path)
	if err != nil {
		return fail(err)
	}
	m, err := s.Machine(context.Background(), victim)
	if errors.Is(err, fs.ErrNotExist) {
		m, err = &store.Machine{ID: victim}, nil
	}
	if err != nil {
		return fail(err)
	}
	for {
		text := fmt.Appendf(nil, "%d %s", m.Revision, strings.Repeat("entry ", 300))
		e := store.Entry{Sequence: m.Revision, Raw: text}
		binary.BigEndian.PutUint64(e.Digest[24:], uint64(m.Revision)+1)
		m.State = strconv.AppendInt(nil, m.Revision, 10)
		if err := s.Put(context.Background(), m, e); err != nil {
			// The store that failed once still reads.
			if again, other := s.Machine(context.Background(), victim); other != nil || again.Revision != m.Revision {
				return fail(fmt.Errorf("after %w: %v", err, other))
			}
			return fail(err)
		}
		fmt.Println(m.Revision)
	}
}

// whole checks that the store at path holds what a whole number of Puts left, and says how many.
func whole(t *testing.T, path string) int64 {
	s, err := store.Open(path)
	require.NoError(t, err)
	defer s.Close()
	m, entries, err := s.Record(t.Context(), victim)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	require.NoError(t, err)
	require.Len(t, entries, int(m.Revision))
	require.Equal(t, strconv.FormatInt(m.Revision-1, 10), string(m.State))
	return m.Revision
}

func start(t *testing.T, path string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "HOURMETER_TEST_STORE="+path), env...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// Killed at any moment, the program loses nothing that it was told is kept, and leaves nothing
// half done.
func TestAKilledWriterLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	r := rand.New(rand.NewPCG(1, 1))
	told := int64(0)
	for range 15 {
		cmd, lines := start(t, path)
		timer := time.AfterFunc(time.Duration(5+r.IntN(80))*time.Millisecond, func() { cmd.Process.Signal(syscall.SIGKILL) })
		for lines.Scan() {
			n, err := strconv.ParseInt(lines.Text(), 10, 64)
			require.NoError(t, err, lines.Text())
			told = n
		}
		cmd.Wait()
		timer.Stop()
		has := whole(t, path)
		require.GreaterOrEqual(t, has, told)
		require.LessOrEqual(t, has, told+1, "at most the one that it could not tell of any more")
		told = has
	}
	require.Positive(t, told)
}

func TestAFullDiskFailsWholeAndIsRecoveredFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	cmd, lines := start(t, path, "HOURMETER_TEST_LIMIT="+strconv.Itoa(1<<20))
	told, failed := int64(0), ""
	for lines.Scan() {
		if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
			told = n
		} else {
			failed = lines.Text()
		}
	}
	require.Error(t, cmd.Wait())
	require.Contains(t, failed, "file too large")
	require.NotContains(t, failed, "after")
	require.Positive(t, told)
	require.Equal(t, told, whole(t, path))

	// With room again it goes on.
	cmd, lines = start(t, path)
	for lines.Scan() && lines.Text() != strconv.FormatInt(told+3, 10) {
	}
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	require.Greater(t, whole(t, path), told)
}
