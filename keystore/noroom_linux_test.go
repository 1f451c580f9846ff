package keystore

import (
	"errors"
	"os"
	"os/signal"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// noRoom has the kernel cut every write off after 100 bytes, as a full disk
// does in the middle of a file.
func noRoom(d *Dir) error {
	signal.Ignore(unix.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100, Max: 100}); err != nil {
		return err
	}
	for _, op := range []string{"create", "change", "restore"} {
		if err := operations[op](d); !errors.Is(err, unix.EFBIG) {
			return errors.New(op + " did not run out of room")
		}
	}
	return nil
}

func TestAFullDiskLeavesTheOldState(t *testing.T) {
	d := newDir(t)
	from := newDir(t)
	create(t, from, "b", "c")
	b, err := os.Create(d.Path + ".backup")
	require.NoError(t, err)
	require.NoError(t, from.Backup(t.Context(), b))
	require.NoError(t, b.Close())

	create(t, d, "a")
	before := readFile(t, fileOf(d, "a"))
	require.False(t, run(t, d, "no room", 0))
	require.Equal(t, before, readFile(t, fileOf(d, "a")))
	infos, err := d.List()
	require.NoError(t, err)
	require.Len(t, infos, 1)
	require.Zero(t, staged(t, d))
	opens(t, d.Path, "old", "a")
}
