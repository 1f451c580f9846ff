package keystore

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func backupOf(t testing.TB, d *Dir) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, d.Backup(t.Context(), &b))
	return b.Bytes()
}

func TestABackupBringsAllKeysBack(t *testing.T) {
	d := newDir(t)
	create(t, d, "d", "c", "b", "a")
	want, err := d.List()
	require.NoError(t, err)
	b := backupOf(t, d)

	to := newDir(t)
	names, err := to.Restore(t.Context(), iotest.OneByteReader(bytes.NewReader(b)))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "d"}, names)
	got, err := to.List()
	require.NoError(t, err)
	require.Equal(t, want, got)
	for _, name := range names {
		require.Equal(t, readFile(t, fileOf(d, name)), readFile(t, fileOf(to, name)), "encrypted as it was")
		opens(t, to.Path, "old", name)
	}

	require.NoError(t, to.Delete(t.Context(), "b"))
	names, err = to.Restore(t.Context(), bytes.NewReader(b))
	require.NoError(t, err)
	require.Len(t, names, 4, "what is there already counts")
}

func TestABackupOfNoKeysIsOne(t *testing.T) {
	d := newDir(t)
	require.ErrorIs(t, d.Backup(t.Context(), io.Discard), fs.ErrNotExist, "no folder: more likely a wrong path")
	create(t, d, "a")
	require.NoError(t, d.Delete(t.Context(), "a"))
	names, err := newDir(t).Restore(t.Context(), bytes.NewReader(backupOf(t, d)))
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestABackupHoldsOnlyKeysThatItsPassphraseOpens(t *testing.T) {
	d := newDir(t)
	create(t, d, "a")
	create(t, dirAt(d.Path, "other"), "b")
	var b bytes.Buffer
	err := d.Backup(t.Context(), &b)
	require.ErrorIs(t, err, ErrPassphrase)
	require.ErrorContains(t, err, `"b"`)
	require.Zero(t, b.Len())
}

func TestABackupThatCannotBeWrittenIsAnError(t *testing.T) {
	d := newDir(t)
	create(t, d, "a")
	full := errors.New("no space left on device")
	r, w := io.Pipe()
	r.CloseWithError(full)
	require.ErrorIs(t, d.Backup(t.Context(), w), full)
	_, err := newDir(t).Restore(t.Context(), iotest.ErrReader(full))
	require.ErrorIs(t, err, full)
}

func TestRestoreNeverOverwrites(t *testing.T) {
	d := newDir(t)
	create(t, d, "a", "b", "c")
	b := backupOf(t, d)
	require.NoError(t, d.Delete(t.Context(), "a"))
	require.NoError(t, d.Delete(t.Context(), "b"))
	create(t, d, "b")
	own := readFile(t, fileOf(d, "b"))

	names, err := d.Restore(t.Context(), bytes.NewReader(b))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, `"b"`)
	require.NotContains(t, err.Error(), `"c"`)
	require.Empty(t, names)
	require.Equal(t, own, readFile(t, fileOf(d, "b")))
	_, err = os.Lstat(fileOf(d, "a"))
	require.ErrorIs(t, err, fs.ErrNotExist, "all or nothing")

	require.NoError(t, d.Delete(t.Context(), "b"))
	require.NoError(t, os.Symlink("nowhere", fileOf(d, "b")))
	_, err = d.Restore(t.Context(), bytes.NewReader(b))
	require.ErrorIs(t, err, ErrMode)
}

func TestABackupWithOneChangedOrMissingByteIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	d := newDir(t)
	create(t, d, "a", "b")
	good := backupOf(t, d)
	to := newDir(t)
	refused := func(b []byte, what string, at int) {
		names, err := to.Restore(t.Context(), bytes.NewReader(b))
		known := false
		for _, want := range []error{ErrFormat, ErrVersion, ErrCost, ErrPassphrase} {
			known = known || errors.Is(err, want)
		}
		require.True(t, known, "%s %d: %v", what, at, err)
		require.Empty(t, names)
		_, err = os.Lstat(to.Path)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	for i := range good {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= bit
			refused(bad, "byte", i)
		}
		refused(good[:i], "length", i)
	}
	refused(append(bytes.Clone(good), 0), "a byte more", len(good))
}

// Each takes a good backup of the keys "a" and "b", and both as they lie in it.
func TestBackupsThatAreRefused(t *testing.T) {
	d := newDir(t)
	create(t, d, "a", "b")
	whole := backupOf(t, d)
	record := func(name string) []byte {
		raw := readFile(t, fileOf(d, name))
		return append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)
	}
	a, b := record("a"), record("b")
	tag := whole[len(whole)-16:]
	with := func(count uint32, parts ...[]byte) []byte {
		out := binary.BigEndian.AppendUint32(bytes.Clone(whole[:headerSize]), count)
		return append(append(out, bytes.Join(parts, nil)...), tag...)
	}
	require.Equal(t, whole, with(2, a, b))

	later := newDir(t)
	create(t, later, "a", "b")
	other := readFile(t, fileOf(later, "b"))
	for _, c := range []struct {
		name   string
		backup []byte
		want   error
	}{
		{"empty", nil, ErrFormat},
		{"a key file", a[2:], ErrFormat},
		{"a key left out", with(1, a), ErrPassphrase},
		{"a key put in twice", with(3, a, b, b), ErrFormat},
		{"keys in another order", with(2, b, a), ErrFormat},
		{"a key of another backup", with(2, a, b[:2], other), ErrPassphrase},
		{"a count too high", with(3, a, b), ErrFormat},
		{"a count too low", with(1, a, b), ErrFormat},
		{"4 billion keys", with(1<<32-1, a, b), ErrFormat},
		{"no keys", with(0), ErrPassphrase},
		{"a length past the end", with(2, a, []byte{0xff, 0xff}, b[2:]), ErrFormat},
		{"half a length", with(2, a, b, []byte{0}), ErrFormat},
		{"an empty key", with(3, a, b, []byte{0, 0}), ErrFormat},
		{"a key that asks for 4 TiB", with(2, a, b[:2+memoryAt], []byte("\xff\xff\xff\xff"), b[2+memoryAt+4:]), ErrCost},
		{"a key of a later version", with(2, a, b[:2+versionAt], []byte{2}, b[2+versionAt+1:]), ErrVersion},
		{"a key that is a path", with(2, a, b[:2+headerSize+2], []byte("/"), b[2+headerSize+3:]), ErrName},
		{"20 MB", append(bytes.Clone(whole), make([]byte, maxBackup)...), ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := newDir(t)
			names, err := to.Restore(t.Context(), bytes.NewReader(c.backup))
			require.ErrorIs(t, err, c.want)
			require.Empty(t, names)
			_, err = os.Lstat(to.Path)
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
	t.Run("an endless one", func(t *testing.T) {
		_, err := newDir(t).Restore(t.Context(), rand.Reader)
		require.ErrorIs(t, err, ErrFormat)
	})
	t.Run("another passphrase", func(t *testing.T) {
		_, err := dirAt(newDir(t).Path, "new").Restore(t.Context(), bytes.NewReader(whole))
		require.ErrorIs(t, err, ErrPassphrase)
	})
}

func FuzzParseBackup(f *testing.F) {
	d := newDir(f)
	create(f, d, "a", "b", "c", "d")
	f.Add(backupOf(f, d))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := parseBackup(b)
		if err != nil {
			return
		}
		size := headerSize + 4 + 16
		for _, k := range keys {
			size += 2 + len(k.raw)
		}
		require.Len(t, b, size, "bytes that belong to nothing")
	})
}
