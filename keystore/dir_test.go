package keystore

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

var (
	_ Store = (*Memory)(nil)
	_ Store = (*Dir)(nil)
)

func TestAKeyComesBackAsItWasMade(t *testing.T) {
	for _, s := range []Store{new(Memory), newDir(t)} {
		for i, alg := range algorithms {
			name := fmt.Sprintf("key-%d", i)
			_, err := s.Open(t.Context(), name)
			require.ErrorIs(t, err, fs.ErrNotExist)
			made, err := s.Create(t.Context(), name, alg)
			require.NoError(t, err)
			_, err = s.Create(t.Context(), name, alg)
			require.ErrorIs(t, err, fs.ErrExist)
			opened, err := s.Open(t.Context(), name)
			require.NoError(t, err)
			require.Equal(t, made.Public(), opened.Public())

			same, err := Ensure(t.Context(), s, name, alg)
			require.NoError(t, err)
			require.Equal(t, made.Public(), same.Public())
			_, err = Ensure(t.Context(), s, name, algorithms[(i+1)%4])
			require.ErrorIs(t, err, ErrAlgorithm)
		}
		_, err := s.Create(t.Context(), "none", 0)
		require.ErrorIs(t, err, ErrAlgorithm)
		_, err = Ensure(t.Context(), s, "none", 5)
		require.ErrorIs(t, err, ErrAlgorithm)
	}
}

func TestNamesAreSafeFileNamesEverywhere(t *testing.T) {
	d := newDir(t)
	for _, name := range []string{"a", "0", "identity", "press-07.spindle_2", "com10", "console", "nul-1", "com", strings.Repeat("x", maxName)} {
		key, err := Ensure(t.Context(), d, name, Ed25519)
		require.NoError(t, err)
		again, err := d.Open(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, key.Public(), again.Public())
	}
	for _, name := range []string{
		"", ".", "..", "../identity", "a/b", `a\b`, "/etc/passwd", ".hidden", "-rf", "_x", "Identity", "schlüssel", "a b", "a\x00b", "a:b", "a*",
		"con", "nul", "nul.backup", "com1", "lpt9.x", "aux", "prn", strings.Repeat("x", maxName+1), strings.Repeat("x", 1<<20),
	} {
		_, err := d.Create(t.Context(), name, Ed25519)
		require.ErrorIs(t, err, ErrName, name)
		require.Less(t, len(err.Error()), 300)
		_, err = d.Open(t.Context(), name)
		require.ErrorIs(t, err, ErrName, name)
		require.ErrorIs(t, d.Delete(t.Context(), name), ErrName, name)
		require.ErrorIs(t, d.ChangePassphrase(t.Context(), secret("new"), name), ErrName, name)
		_, err = new(Memory).Create(t.Context(), name, Ed25519)
		require.ErrorIs(t, err, ErrName, name)
		_, err = new(Memory).Open(t.Context(), name)
		require.ErrorIs(t, err, ErrName, name)
	}
}

func TestWithoutAPassphraseNothingIsDone(t *testing.T) {
	d := newDir(t)
	create(t, d, "a")
	backup := new(bytes.Buffer)
	require.NoError(t, d.Backup(t.Context(), backup))
	asked := errors.New("the terminal is gone")
	for name, supply := range map[string]struct {
		passphrase func(context.Context) ([]byte, error)
		want       error
	}{
		"nil":     {nil, ErrNoPassphrase},
		"empty":   {secret(""), ErrNoPassphrase},
		"failing": {func(context.Context) ([]byte, error) { return []byte("old"), asked }, asked},
	} {
		t.Run(name, func(t *testing.T) {
			d := &Dir{Path: d.Path, Passphrase: supply.passphrase}
			_, err := d.Create(t.Context(), "b", Ed25519)
			require.ErrorIs(t, err, supply.want)
			_, err = d.Open(t.Context(), "a")
			require.ErrorIs(t, err, supply.want)
			require.ErrorIs(t, d.ChangePassphrase(t.Context(), secret("new")), supply.want)
			require.ErrorIs(t, d.Backup(t.Context(), io.Discard), supply.want)
			_, err = d.Restore(t.Context(), bytes.NewReader(backup.Bytes()))
			require.ErrorIs(t, err, supply.want)
			require.ErrorIs(t, dirAt(d.Path, "old").ChangePassphrase(t.Context(), supply.passphrase), supply.want)
		})
	}
	opens(t, d.Path, "old", "a")
	_, err := (&Dir{Passphrase: secret("old")}).Create(t.Context(), "a", Ed25519)
	require.ErrorContains(t, err, "Path is empty")
}

func TestNobodyIsAskedForAPassphraseInVain(t *testing.T) {
	d := newDir(t)
	create(t, d, "a")
	d.Passphrase = func(context.Context) ([]byte, error) {
		t.Error("asked")
		return nil, nil
	}
	_, err := d.Open(t.Context(), "b")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.Create(t.Context(), "a", Ed25519)
	require.ErrorIs(t, err, fs.ErrExist)
	_, err = d.Create(t.Context(), "b", 9)
	require.ErrorIs(t, err, ErrAlgorithm)
	_, err = d.List()
	require.NoError(t, err)
	require.NoError(t, d.Delete(t.Context(), "a"))
}

// golden is the key file "identity" of the seed of RFC 8032 §7.1 test 1 under
// the passphrase "correct horse", with salt 00…0f and nonce 10…27. Files like it
// are out there: this may never change.
const golden = "89484d4b45590d0a 01 01 00000008 00000001" +
	"000102030405060708090a0b0c0d0e0f" +
	"101112131415161718191a1b1c1d1e1f2021222324252627" +
	"01 08 6964656e74697479" +
	"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" +
	"1d66bd37746fb0f1afe83195b50866ce47525384ced63cb0d81cac86847bb8ab" + // the seed
	"10576a4bae7583500193b461f20a8ffb" // the tag

func TestTheFormatIsTheDocumentedOne(t *testing.T) {
	want := unhex(t, golden)

	// Made from the documentation of the package, not from its code.
	seed := unhex(t, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	b := []byte("\x89HMKEY\r\n\x01\x01\x00\x00\x00\x08\x00\x00\x00\x01")
	for i := range 16 + 24 {
		b = append(b, byte(i))
	}
	b = append(b, 1, 8)
	b = append(b, "identity"...)
	b = append(b, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)...)
	box, err := chacha20poly1305.NewX(argon2.IDKey([]byte("correct horse"), b[18:34], 1, 8, 1, 32))
	require.NoError(t, err)
	b = box.Seal(b, b[34:58], seed, b)
	require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(b))

	d := newDir(t)
	create(t, d, "other")
	require.NoError(t, os.WriteFile(fileOf(d, "identity"), want, 0o600))
	d.Passphrase = secret("correct horse")
	key, err := d.Open(t.Context(), "identity")
	require.NoError(t, err)
	require.Equal(t, ed25519.NewKeyFromSeed(seed).Public(), key.Public())
}

func TestTheDefaultCostIsThatOfOWASP(t *testing.T) {
	d := newDir(t)
	d.Cost = Cost{}
	_, err := d.Create(t.Context(), "a", Ed25519)
	require.NoError(t, err)
	b := readFile(t, fileOf(d, "a"))
	require.EqualValues(t, 1, b[lanesAt])
	require.EqualValues(t, 19*1024, binary.BigEndian.Uint32(b[memoryAt:]))
	require.EqualValues(t, 2, binary.BigEndian.Uint32(b[passesAt:]))
	opens(t, d.Path, "old", "a")
}

func TestNoTwoFilesShareSaltOrNonce(t *testing.T) {
	d := newDir(t)
	seen := map[string]bool{}
	for range 2 {
		create(t, d, "a", "b")
		for _, name := range []string{"a", "b"} {
			b := readFile(t, fileOf(d, name))
			seen[string(b[saltAt:nonceAt])], seen[string(b[nonceAt:headerSize])] = true, true
			require.NoError(t, d.Delete(t.Context(), name))
		}
	}
	require.Len(t, seen, 8)
}

func TestCostsThatAreNotWritten(t *testing.T) {
	d := newDir(t)
	for _, c := range []Cost{
		{Memory: MaxMemory + 1}, {Passes: MaxPasses + 1}, {Lanes: MaxLanes + 1},
		{Memory: 7}, {Memory: 15, Lanes: 2}, {Memory: 1<<32 - 1, Passes: 1<<32 - 1, Lanes: 255},
	} {
		d.Cost = c
		_, err := d.Create(t.Context(), "a", Ed25519)
		require.ErrorIs(t, err, ErrCost)
	}
	d.Cost = cheap
	create(t, d, "a")
	d.Cost = Cost{Passes: MaxPasses + 1}
	require.ErrorIs(t, d.ChangePassphrase(t.Context(), secret("new")), ErrCost)
	require.ErrorIs(t, d.Backup(t.Context(), io.Discard), ErrCost)
	opens(t, d.Path, "old", "a")
}

// Each takes a good file of the key "a".
func TestFilesThatAreRefused(t *testing.T) {
	u32 := binary.BigEndian.PutUint32
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		want   error
	}{
		{"empty", func(b []byte) []byte { return nil }, ErrFormat},
		{"a PEM file", func(b []byte) []byte { return []byte("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v\n") }, ErrFormat},
		{"a backup", func(b []byte) []byte { copy(b, backupMagic); return b }, ErrFormat},
		{"line ends converted", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }, ErrFormat},
		{"version 0", func(b []byte) []byte { b[versionAt] = 0; return b }, ErrVersion},
		{"version 2", func(b []byte) []byte { b[versionAt] = 2; return b }, ErrVersion},
		{"no lanes", func(b []byte) []byte { b[lanesAt] = 0; return b }, ErrCost},
		{"255 lanes", func(b []byte) []byte { b[lanesAt] = 255; return b }, ErrCost},
		{"4 TiB of memory", func(b []byte) []byte { u32(b[memoryAt:], 1<<32-1); return b }, ErrCost},
		{"just too much memory", func(b []byte) []byte { u32(b[memoryAt:], MaxMemory+1); return b }, ErrCost},
		{"no memory", func(b []byte) []byte { u32(b[memoryAt:], 0); return b }, ErrCost},
		{"4 billion passes", func(b []byte) []byte { u32(b[passesAt:], 1<<32-1); return b }, ErrCost},
		{"no passes", func(b []byte) []byte { u32(b[passesAt:], 0); return b }, ErrCost},
		{"other passes", func(b []byte) []byte { u32(b[passesAt:], 2); return b }, ErrPassphrase},
		{"other memory", func(b []byte) []byte { u32(b[memoryAt:], 9); return b }, ErrPassphrase},
		{"algorithm 0", func(b []byte) []byte { b[headerSize] = 0; return b }, ErrFormat},
		{"algorithm 5", func(b []byte) []byte { b[headerSize] = 5; return b }, ErrFormat},
		{"another algorithm", func(b []byte) []byte { b[headerSize] = byte(P256); return b }, ErrFormat},
		{"another name", func(b []byte) []byte { b[headerSize+2] = 'b'; return b }, ErrFormat},
		{"a name that is a path", func(b []byte) []byte { b[headerSize+2] = '/'; return b }, ErrName},
		{"a name past the end", func(b []byte) []byte { b[headerSize+1] = 255; return b }, ErrFormat},
		{"another public key", func(b []byte) []byte { b[headerSize+3] ^= 1; return b }, ErrPassphrase},
		{"another secret", func(b []byte) []byte { b[len(b)-17] ^= 1; return b }, ErrPassphrase},
		{"another tag", func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, ErrPassphrase},
		{"something after", func(b []byte) []byte { return append(b, 0) }, ErrFormat},
		{"a megabyte", func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) }, ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDir(t)
			create(t, d, "a")
			require.NoError(t, os.WriteFile(fileOf(d, "a"), c.change(readFile(t, fileOf(d, "a"))), 0o600))
			_, err := d.Open(t.Context(), "a")
			require.ErrorIs(t, err, c.want)
			_, err = Ensure(t.Context(), d, "a", Ed25519)
			require.ErrorIs(t, err, c.want, "no new key takes the place of a damaged one")
			require.ErrorIs(t, d.ChangePassphrase(t.Context(), secret("new")), c.want)
			require.ErrorIs(t, d.Backup(t.Context(), io.Discard), c.want)
			require.NoError(t, d.Delete(t.Context(), "a"))
		})
	}
}

func TestTheWrongPassphraseOpensNothing(t *testing.T) {
	d := newDir(t)
	create(t, d, "a")
	for _, wrong := range []string{"Old", "old ", "old\n", "old\x00", "o"} {
		_, err := dirAt(d.Path, wrong).Open(t.Context(), "a")
		require.ErrorIs(t, err, ErrPassphrase)
		require.NotContains(t, err.Error(), wrong+`"`)
	}
}

// Also that no byte of the file is without meaning.
func TestAFileWithOneChangedOrMissingByteIsRefused(t *testing.T) {
	d := newDir(t)
	create(t, d, "ed25519", "p-256", "p-384", "secp256k1")
	for _, name := range []string{"ed25519", "p-256", "p-384", "secp256k1"} {
		good := readFile(t, fileOf(d, name))
		refused := func(b []byte, what string, at int) {
			require.NoError(t, os.WriteFile(fileOf(d, name), b, 0o600))
			_, err := d.Open(t.Context(), name)
			known := false
			for _, want := range []error{ErrFormat, ErrVersion, ErrCost, ErrPassphrase} {
				known = known || errors.Is(err, want)
			}
			require.True(t, known, "%s: %s %d: %v", name, what, at, err)
		}
		for i := range good {
			for _, bit := range []byte{1, 0x80} {
				bad := bytes.Clone(good)
				bad[i] ^= bit
				refused(bad, "byte", i)
			}
			refused(good[:i], "length", i)
		}
		require.NoError(t, os.WriteFile(fileOf(d, name), good, 0o600))
	}
	infos, err := d.List()
	require.NoError(t, err)
	require.Len(t, infos, 4)
}

func TestFilesExchangedOrRenamedAreRefused(t *testing.T) {
	d := newDir(t)
	create(t, d, "press", "drill")
	press, drill := readFile(t, fileOf(d, "press")), readFile(t, fileOf(d, "drill"))
	require.NoError(t, os.WriteFile(fileOf(d, "press"), drill, 0o600))
	_, err := d.Open(t.Context(), "press")
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, `"drill"`)
	copy(drill[headerSize+2:], "press")
	require.NoError(t, os.WriteFile(fileOf(d, "press"), drill, 0o600))
	_, err = d.Open(t.Context(), "press")
	require.ErrorIs(t, err, ErrPassphrase, "a forged name does not help")
	require.NoError(t, os.WriteFile(fileOf(d, "press"), press, 0o600))
	opens(t, d.Path, "old", "press")
}

// A public key that does not belong to the secret can only come from someone
// who has the passphrase.
func TestAPublicKeyOfAnotherSecretIsRefused(t *testing.T) {
	d := newDir(t)
	create(t, d, "other")
	key, _, err := generate(Ed25519)
	require.NoError(t, err)
	_, wrong, err := generate(Ed25519)
	require.NoError(t, err)
	b, err := d.encrypt(t.Context(), "a", key, wrong, []byte("old"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(fileOf(d, "a"), b, 0o600))
	_, err = d.Open(t.Context(), "a")
	require.ErrorIs(t, err, ErrFormat)
}

func TestOnlyFilesPrivateToTheirOwnerAreReadOrWritten(t *testing.T) {
	if !posix {
		t.Skip("this system has no permission bits")
	}
	d := newDir(t)
	create(t, d, "a")
	mode := func(path string) fs.FileMode {
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Mode().Perm()
	}
	require.Equal(t, fs.FileMode(0o700), mode(d.Path))
	require.Equal(t, fs.FileMode(0o600), mode(fileOf(d, "a")))
	for _, bits := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o601, 0o777} {
		require.NoError(t, os.Chmod(fileOf(d, "a"), bits))
		_, err := d.Open(t.Context(), "a")
		require.ErrorIs(t, err, ErrMode)
		require.ErrorContains(t, err, "chmod go=")
		_, err = d.List()
		require.ErrorIs(t, err, ErrMode)
		require.ErrorIs(t, d.ChangePassphrase(t.Context(), secret("new")), ErrMode)
	}
	require.NoError(t, os.Chmod(fileOf(d, "a"), 0o400))
	opens(t, d.Path, "old", "a")

	for _, bits := range []fs.FileMode{0o750, 0o701, 0o777} {
		require.NoError(t, os.Chmod(d.Path, bits))
		_, err := d.Open(t.Context(), "a")
		require.ErrorIs(t, err, ErrMode)
		_, err = d.Create(t.Context(), "b", Ed25519)
		require.ErrorIs(t, err, ErrMode)
		require.ErrorIs(t, d.Delete(t.Context(), "a"), ErrMode)
	}
	require.NoError(t, os.Chmod(d.Path, 0o700))

	require.NoError(t, os.Remove(fileOf(d, "a")))
	create(t, d, "b")
	require.NoError(t, os.Symlink("b.key", fileOf(d, "a")))
	_, err := d.Open(t.Context(), "a")
	require.ErrorIs(t, err, ErrMode, "a symbolic link")
	_, err = d.Create(t.Context(), "a", Ed25519)
	require.ErrorIs(t, err, fs.ErrExist)
	require.NoError(t, d.Delete(t.Context(), "a"))
	require.NoError(t, os.Symlink("nowhere", fileOf(d, "a")))
	_, err = d.Create(t.Context(), "a", Ed25519)
	require.ErrorIs(t, err, fs.ErrExist, "a link to nowhere")
	require.NoError(t, os.Remove(fileOf(d, "a")))
	require.NoError(t, os.Mkdir(fileOf(d, "a"), 0o700))
	_, err = d.Open(t.Context(), "a")
	require.ErrorIs(t, err, ErrMode, "a folder")
	opens(t, d.Path, "old", "b")
}

func TestAFolderMadeWithItsParentsIsPrivate(t *testing.T) {
	d := dirAt(filepath.Join(t.TempDir(), "var", "lib", "keys")+"/", "old")
	create(t, d, "a")
	opens(t, d.Path, "old", "a")
}

func TestAListShowsEveryKeyAndNamesWhatItCannotRead(t *testing.T) {
	d := newDir(t)
	infos, err := d.List()
	require.NoError(t, err)
	require.Empty(t, infos)

	create(t, d, "d", "c", "b", "a")
	require.NoError(t, os.WriteFile(fileOf(d, "broken"), []byte("?"), 0o600))
	require.NoError(t, os.WriteFile(fileOf(d, "Upper"), readFile(t, fileOf(d, "a")), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(d.Path, "notes.txt"), nil, 0o600))
	d.Passphrase = nil
	infos, err = d.List()
	require.ErrorIs(t, err, ErrFormat)
	require.ErrorContains(t, err, `"broken"`)
	require.ErrorContains(t, err, `"Upper"`)
	require.NotContains(t, err.Error(), "notes")
	d.Passphrase = secret("old")
	require.Len(t, infos, 4)
	for i, info := range infos {
		require.Equal(t, "abcd"[i:i+1], info.Name)
		require.Equal(t, algorithms[3-i], info.Algorithm)
		require.Equal(t, cheap, info.Cost)
		key, err := d.Open(t.Context(), info.Name)
		require.NoError(t, err)
		require.Equal(t, key.Public(), info.Public)
	}
}

func TestAChangeOfPassphraseKeepsTheKeys(t *testing.T) {
	d := newDir(t)
	create(t, d, "a", "b", "c")
	before, err := d.List()
	require.NoError(t, err)

	require.NoError(t, d.ChangePassphrase(t.Context(), secret("new"), "b"))
	opens(t, d.Path, "old", "a")
	opens(t, d.Path, "new", "b")
	require.NoError(t, d.ChangePassphrase(t.Context(), secret("new")), "b has it already")
	for _, name := range []string{"a", "b", "c"} {
		opens(t, d.Path, "new", name)
		_, err := d.Open(t.Context(), name)
		require.ErrorIs(t, err, ErrPassphrase)
	}
	after, err := d.List()
	require.NoError(t, err)
	require.Equal(t, before, after)

	d = dirAt(d.Path, "new")
	d.Cost.Passes = 2
	require.NoError(t, d.ChangePassphrase(t.Context(), d.Passphrase), "to raise the cost")
	after, err = d.List()
	require.NoError(t, err)
	require.EqualValues(t, 2, after[0].Cost.Passes)
	require.ErrorIs(t, d.ChangePassphrase(t.Context(), secret("new"), "z"), fs.ErrNotExist)
}

func TestAChangeOfPassphraseChangesNothingUnlessEveryKeyOpens(t *testing.T) {
	d := newDir(t)
	create(t, d, "a", "b")
	create(t, dirAt(d.Path, "third"), "c")
	a := readFile(t, fileOf(d, "a"))
	err := d.ChangePassphrase(t.Context(), secret("new"))
	require.ErrorIs(t, err, ErrPassphrase)
	require.ErrorContains(t, err, `"c"`)
	require.Equal(t, a, readFile(t, fileOf(d, "a")))
}

func TestWritersWaitForEachOtherAsLongAsTheContextAllows(t *testing.T) {
	needsLock(t)
	d := newDir(t)
	create(t, d, "a")
	f, err := dirAt(d.Path, "old").lockFolder(t.Context())
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, d.Delete(ctx, "a"), context.DeadlineExceeded)
	_, err = d.Create(ctx, "b", Ed25519)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	opens(t, d.Path, "old", "a") // readers do not wait

	done := make(chan error)
	go func() { done <- d.Delete(context.Background(), "a") }()
	select {
	case <-done:
		t.Fatal("did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	f.close()
	require.NoError(t, <-done)
}

func TestTheLockOfAKilledProcessIsGone(t *testing.T) {
	needsLock(t)
	d := newDir(t)
	create(t, d, "a")
	holder := child(d, "lock", 0)
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, err = io.ReadFull(out, make([]byte, len("locked\n")))
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, d.Delete(ctx, "a"), context.DeadlineExceeded)
	require.NoError(t, holder.Process.Kill())
	holder.Wait()
	require.NoError(t, d.Delete(t.Context(), "a"))
}

func TestGoroutinesAndProcessesThatEnsureOneKeyGetTheSame(t *testing.T) {
	needsLock(t)
	d := newDir(t)
	var keys sync.Map
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			out, err := child(d, "ensure", 0).CombinedOutput()
			keys.Store(strings.TrimSpace(string(out)), err)
		})
	}
	for i := range 32 {
		all.Go(func() {
			own := d
			if i%2 == 0 {
				own = dirAt(d.Path, "old")
			}
			key, err := Ensure(t.Context(), own, "new", P256)
			if err != nil {
				keys.Store(err.Error(), err)
				return
			}
			keys.Store(hex.EncodeToString(key.(*signer).encoded), nil)
		})
	}
	all.Wait()
	n := 0
	keys.Range(func(key, err any) bool {
		require.Nil(t, err, key)
		n++
		return true
	})
	require.Equal(t, 1, n)
	require.Zero(t, staged(t, d))
}

func TestReadersAndWritersAtOnceSeeOnlyWholeFiles(t *testing.T) {
	needsLock(t)
	d := newDir(t)
	create(t, d, "stays")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			d := dirAt(d.Path, "old")
			for range 8 {
				_, err := Ensure(t.Context(), d, "comes", Ed25519)
				if err != nil && !errors.Is(err, fs.ErrNotExist) { // deleted between losing the race and opening
					t.Error(err)
				}
				if err := d.Delete(t.Context(), "comes"); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
				if err := d.ChangePassphrase(t.Context(), d.Passphrase, "stays"); err != nil {
					t.Error(err)
				}
				if _, err := d.Open(t.Context(), "stays"); err != nil {
					t.Error(err)
				}
				if infos, err := d.List(); err != nil || len(infos) == 0 {
					t.Error(i, infos, err)
				}
			}
		})
	}
	all.Wait()
}

func TestAFileSystemWithoutLinksKeepsWhatIsThere(t *testing.T) {
	d := newDir(t)
	d.step = func(op string) error {
		if op == "link" {
			return syscall.EPERM
		}
		return nil
	}
	create(t, d, "a")
	opens(t, d.Path, "old", "a")
	f, err := d.lockFolder(t.Context())
	require.NoError(t, err)
	defer f.close()
	before := readFile(t, fileOf(d, "a"))
	_, err = f.write([]file{{"a", []byte("another")}}, false)
	require.ErrorIs(t, err, fs.ErrExist)
	require.Equal(t, before, readFile(t, fileOf(d, "a")))
	require.Zero(t, staged(t, d))
}

func FuzzParseKeyFile(f *testing.F) {
	d := newDir(f)
	create(f, d, "ed25519", "p-256", "p-384", "secp256k1")
	for _, name := range []string{"ed25519", "p-256", "p-384", "secp256k1"} {
		f.Add(readFile(f, fileOf(d, name)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKeyFile(b)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(b), maxKeyFile)
		require.True(t, validName(k.Name))
		require.Equal(t, k.Algorithm, algorithmOf(k.Public))
		require.NoError(t, k.Cost.check())
		require.Len(t, b[k.box:], k.Algorithm.secretSize()+16)
	})
}

func BenchmarkOpen(b *testing.B) {
	for _, c := range []struct {
		name string
		cost Cost
	}{{"default", Cost{}}, {"least", cheap}, {"most", Cost{MaxMemory, MaxPasses, 1}}} {
		b.Run(c.name, func(b *testing.B) {
			d := newDir(b)
			d.Cost = c.cost
			create(b, d, "a")
			for b.Loop() {
				if _, err := d.Open(b.Context(), "a"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAListIsByName(t *testing.T) {
	d := newDir(t)
	create(t, d, "owner-2", "owner", "own")
	infos, err := d.List()
	require.NoError(t, err)
	var names []string
	for _, info := range infos {
		names = append(names, info.Name)
	}
	require.Equal(t, []string{"own", "owner", "owner-2"}, names)
}
