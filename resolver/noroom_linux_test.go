package resolver

import (
	"os/signal"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// noRoom has the kernel cut every write of this process off after 100 bytes, as a full disk
// does in the middle of a file.
func noRoom(t *testing.T) {
	signal.Ignore(unix.SIGXFSZ)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: 100}))
}

// A full disk is told of. It keeps what was there of other keys, and nothing old of this one.
func TestAFullDiskForgets(t *testing.T) {
	d := newDir(t)
	d.Put("a", []byte("one"), first)
	d.Put("b", []byte("other"), first)
	require.False(t, runChild(t, d.Path, -1))
	require.Equal(t, "nothing", get(d, "a"))
	require.Equal(t, "other of 1", get(d, "b"))
	require.Len(t, files(t, d), 1)
}
