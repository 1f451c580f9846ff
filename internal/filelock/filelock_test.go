package filelock

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		require.NoError(t, err)
		return f
	}
	first, second := open(), open()
	defer second.Close()
	locked, err := Try(first)
	require.NoError(t, err)
	require.True(t, locked)
	locked, err = Try(second)
	require.NoError(t, err)
	require.False(t, locked)
	require.NoError(t, first.Close())
	locked, err = Try(second)
	require.NoError(t, err)
	require.True(t, locked)
}
