package resolver

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// newDir returns a Dir whose folder does not exist yet, and which must not fail.
func newDir(t testing.TB) *Dir {
	return dirAt(t, filepath.Join(t.TempDir(), "kept"))
}

func dirAt(t testing.TB, path string) *Dir {
	return &Dir{Path: path, Failed: func(err error) { t.Error(err) }}
}

// failures has d collect what it could not do.
func failures(d *Dir) *[]string {
	var all []string
	d.Failed = func(err error) { all = append(all, err.Error()) }
	return &all
}

func get(s Store, key string) string {
	data, at, ok := s.Get(key)
	if !ok {
		return "nothing"
	}
	return fmt.Sprintf("%s of %d", data, at.Unix())
}

// files returns the names in the folder.
func files(t testing.TB, d *Dir) (names []string) {
	t.Helper()
	all, err := os.ReadDir(d.Path)
	require.NoError(t, err)
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

func fileOf(d *Dir, key string) string { return filepath.Join(d.Path, keptName(key)) }

var first, second = time.Unix(1, 0), time.Unix(2, 0)

func TestADirKeepsWhatWasPutLast(t *testing.T) {
	d := newDir(t)
	require.Equal(t, "nothing", get(d, "a"))
	d.Delete("a")
	_, err := os.Lstat(d.Path)
	require.ErrorIs(t, err, os.ErrNotExist, "who only looks makes no folder")

	d.Put("a", []byte("one"), first)
	d.Put("b", nil, time.Time{})
	d.Put("a", []byte("two"), second)
	again := dirAt(t, d.Path)
	require.Equal(t, "two of 2", get(again, "a"))
	_, at, ok := again.Get("b")
	require.True(t, ok)
	require.True(t, at.IsZero())
	again.Delete("a")
	require.Equal(t, "nothing", get(d, "a"))
	require.Len(t, files(t, d), 1)
	if posix {
		for path, want := range map[string]os.FileMode{d.Path: 0o700 | os.ModeDir, fileOf(d, "b"): 0o600} {
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, want, info.Mode())
		}
	}
}

// A key is text, and never a path.
func TestKeysAreNoPaths(t *testing.T) {
	d := newDir(t)
	keys := []string{"", ".", "..", "../../etc/passwd", "/etc/passwd", "a/b", `a\b`, "a\x00b", "CON", "a:b", "*", strings.Repeat("a", 5000), "é", "e\u0301", "A", "a"}
	for _, key := range keys {
		d.Put(key, []byte("of "+key), first)
	}
	for _, key := range keys {
		require.Equal(t, "of "+key+" of 1", get(d, key))
	}
	require.Len(t, files(t, d), len(keys))
	above, err := os.ReadDir(filepath.Dir(d.Path))
	require.NoError(t, err)
	require.Len(t, above, 1)
}

// What is not whole, or was put under another name, is taken for nothing, told of, and replaced.
func TestDamagedFilesAreReplaced(t *testing.T) {
	whole := encodeKept("a", []byte("one"), first)
	flipped := func(i int) []byte {
		out := append([]byte(nil), whole...)
		out[i] ^= 1
		return out
	}
	damaged := map[string][]byte{
		"empty": {}, "garbage": []byte(strings.Repeat("garbage ", 20)), "cut off": whole[:len(whole)-1], "head alone": whole[:keptHead], "cut off in the head": whole[:keptHead-1],
		"longer": append(append([]byte(nil), whole...), 0), "of another key": encodeKept("b", []byte("one"), first),
		"of another version": []byte(strings.Replace(string(whole), "kept 1", "kept 2", 1)),
		"zeros":              make([]byte, len(whole)),
	}
	for i := range whole {
		damaged[fmt.Sprint("flipped at ", i)] = flipped(i)
	}
	for name, text := range damaged {
		t.Run(name, func(t *testing.T) {
			d := newDir(t)
			d.Put("b", []byte("other"), first)
			require.NoError(t, os.WriteFile(fileOf(d, "a"), text, 0o600))
			told := failures(d)
			require.Equal(t, "nothing", get(d, "a"))
			require.Len(t, *told, 1)
			require.Contains(t, (*told)[0], "is damaged, and forgotten")
			require.Equal(t, "nothing", get(d, "a"))
			require.Len(t, *told, 1, "once")
			d.Put("a", []byte("two"), second)
			require.Equal(t, "two of 2", get(d, "a"))
			require.Equal(t, "other of 1", get(d, "b"))
		})
	}
}

func TestADirFollowsNoLinks(t *testing.T) {
	if !posix {
		t.Skip("this system has no links to speak of")
	}
	outside := filepath.Join(t.TempDir(), "outside")
	text := encodeKept("a", []byte("one"), first)
	require.NoError(t, os.WriteFile(outside, text, 0o600))
	d := newDir(t)
	d.Put("b", []byte("other"), first)
	require.NoError(t, os.WriteFile(filepath.Join(d.Path, "inside"), text, 0o600))
	for _, target := range []string{outside, "inside", "missing", keptName("a")} {
		require.NoError(t, os.Symlink(target, fileOf(d, "a")))
		told := failures(d)
		require.Equal(t, "nothing", get(d, "a"), target)
		require.Len(t, *told, 1)
		d.Put("a", []byte("two"), second)
		require.Equal(t, "two of 2", get(d, "a"), "a link is replaced, not written through")
		d.Delete("a")
		require.Len(t, *told, 1)
	}
	// Nor does a link in place of a staged file or of a foreign one lead anywhere.
	require.NoError(t, os.Symlink(outside, filepath.Join(d.Path, stagedPrefix+"x")))
	d.Size = 1
	d.counted = false
	d.Put("c", nil, first)
	for _, path := range []string{outside, filepath.Join(d.Path, "inside")} {
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, got)
	}
}

func TestADirRefusesAFolderThatOthersMayWriteTo(t *testing.T) {
	if !posix {
		t.Skip("this system has no permission bits")
	}
	for _, mode := range []os.FileMode{0o777, 0o770, 0o702} {
		d := newDir(t)
		d.Put("a", []byte("one"), first)
		require.NoError(t, os.Chmod(d.Path, mode))
		told := failures(d)
		require.Equal(t, "nothing", get(d, "a"))
		d.Put("b", []byte("two"), second)
		require.Len(t, *told, 3) // and b was not dropped either
		require.Contains(t, (*told)[0], "others may write to the folder")
		require.Len(t, files(t, d), 1)
	}
	var told []string
	nowhere := &Dir{Failed: func(err error) { told = append(told, err.Error()) }}
	nowhere.Put("a", nil, first)
	require.Contains(t, told[0], "Dir.Path is empty")
	(&Dir{}).Put("a", nil, first) // nobody to tell
}

// Room is made by dropping what was unused longest. What is not ours stays.
func TestADirIsBounded(t *testing.T) {
	d := newDir(t)
	d.Size = 3
	put := func(key string, size int) { d.Put(key, make([]byte, size), first) }
	put("a", 10)
	foreign := []string{"README", keptName("x") + "2", "short" + keptSuffix, strings.Repeat("x", len(keptName("x"))), ".lock"}
	for _, name := range foreign {
		require.NoError(t, os.WriteFile(filepath.Join(d.Path, name), make([]byte, 1<<20), 0o600))
	}
	require.NoError(t, os.Mkdir(fileOf(d, "folder"), 0o700))
	put("b", 10)
	put("c", 10)
	get(d, "a")
	put("d", 10) // drops b
	require.Equal(t, "nothing", get(d, "b"))
	for _, key := range []string{"c", "d", "a"} {
		require.NotEqual(t, "nothing", get(d, key))
	}

	// By bytes too: one that is too large for the folder is not kept, nor what it replaced.
	d.Bytes = 300
	put("e", 150)
	require.NotEqual(t, "nothing", get(d, "e"))
	for _, key := range []string{"a", "c", "d"} {
		require.Equal(t, "nothing", get(d, key))
	}
	put("f", 225) // alone more than seven eighths of it
	require.Equal(t, "nothing", get(d, "e"))
	require.NotEqual(t, "nothing", get(d, "f"))
	d.Delete("f")
	put("e", 300)
	require.Equal(t, "nothing", get(d, "e"))

	// A restart keeps the order of use. Nobody knows it of a file from the future.
	d = dirAt(t, d.Path)
	d.Size = 3
	for _, key := range []string{"a", "b", "c"} {
		put(key, 1)
	}
	get(d, "a")
	future := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(fileOf(d, "c"), future, future))
	d = dirAt(t, d.Path)
	d.Size = 2
	put("d", 1)
	require.Equal(t, "nothing", get(d, "c"))
	require.Equal(t, "nothing", get(d, "b"))
	require.NotEqual(t, "nothing", get(d, "a"))

	// What a killed writer left goes; what a living one is at stays.
	old := time.Now().Add(-2 * stagedAge)
	for _, name := range []string{"dead", "alive"} {
		require.NoError(t, os.WriteFile(filepath.Join(d.Path, stagedPrefix+name), nil, 0o600))
	}
	require.NoError(t, os.Chtimes(filepath.Join(d.Path, stagedPrefix+"dead"), old, old))
	d = dirAt(t, d.Path)
	put("a", 1)
	left := files(t, d)
	require.NotContains(t, left, stagedPrefix+"dead")
	for _, name := range append(foreign, stagedPrefix+"alive", keptName("folder")) {
		require.Contains(t, left, name)
	}
}

// A Dir and a Memory, in small bounds, against a map: they may forget, and never give
// anything else than what was put last. Of unbounded ones nothing is forgotten.
func TestStoresAgainstAMap(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		size := rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "size")
		bytes := rapid.SampledFrom([]int64{0, 1, 400}).Draw(rt, "bytes")
		path := filepath.Join(dir, strconv.Itoa(n))
		stores := []Store{
			&Memory{Size: size, Bytes: bytes},
			&Dir{Path: path, Size: size, Bytes: bytes, Failed: func(err error) { rt.Error(err) }},
		}
		model := map[string]string{}
		key := rapid.SampledFrom([]string{"a", "b", "c", "../a", ""})
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			k := key.Draw(rt, "key")
			switch rapid.SampledFrom([]string{"put", "put", "get", "delete", "restart"}).Draw(rt, "op") {
			case "put":
				data := rapid.SliceOfN(rapid.Byte(), 0, 120).Draw(rt, "data")
				at := time.Unix(rapid.Int64Range(0, 9).Draw(rt, "at"), 0)
				for _, s := range stores {
					s.Put(k, data, at)
				}
				model[k] = fmt.Sprintf("%s of %d", data, at.Unix())
			case "delete":
				delete(model, k)
				for _, s := range stores {
					s.Delete(k)
				}
			case "restart":
				stores[1] = &Dir{Path: path, Size: size, Bytes: bytes, Failed: func(err error) { rt.Error(err) }}
			}
			for _, s := range stores {
				kept := 0
				for _, k := range []string{"a", "b", "c", "../a", ""} {
					want, ok := model[k]
					if !ok {
						want = "nothing"
					}
					got := get(s, k)
					if got != want && (got != "nothing" || size == 0 && bytes == 0) {
						rt.Fatalf("%T: %q is %q, want %q", s, k, got, want)
					}
					if got != "nothing" {
						kept++
					}
				}
				if size > 0 && kept > size {
					rt.Fatalf("%T: %d entries of %d", s, kept, size)
				}
			}
		}
	})
}

// Two processes, or as many Dirs, share a folder: each entry is that of one of them.
func TestDirsShareAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			d := dirAt(t, path)
			d.Size = 8
			for i := range 40 {
				key := strconv.Itoa((g + i) % 12)
				switch i % 5 {
				case 0:
					d.Delete(key)
				case 1, 2:
					d.Put(key, []byte(strings.Repeat(key, 2000)), first)
				default:
					if data, _, ok := d.Get(key); ok && string(data) != strings.Repeat(key, 2000) {
						t.Errorf("%s: %.20q", key, data)
					}
				}
			}
		})
	}
	wg.Wait()
	for _, name := range files(t, &Dir{Path: path}) {
		require.False(t, strings.HasPrefix(name, stagedPrefix))
	}
	require.LessOrEqual(t, len(files(t, &Dir{Path: path})), 8+3)
}

// What is to survive a loss of power has to be asked for in this order.
func TestAFileIsSyncedBeforeItHasItsNameAndTheFolderAfter(t *testing.T) {
	d := newDir(t)
	var steps []string
	d.step = func(op string) error {
		steps = append(steps, op)
		return nil
	}
	d.Put("a", []byte("one"), first)
	d.Delete("a")
	require.Equal(t, []string{"create", "write", "sync file", "rename", "sync folder", "remove", "sync folder"}, steps)
}

// child is what TestAKilledWriter runs in a process of its own: it puts "two" over "one",
// drops another to make room, and kills itself before its nth change to the disk.
func TestChildOfAKilledWriter(t *testing.T) {
	path := os.Getenv("RESOLVER_DIR")
	if path == "" {
		return // it is the parent's turn
	}
	n, err := strconv.Atoi(os.Getenv("RESOLVER_KILL"))
	require.NoError(t, err)
	d := dirAt(t, path)
	if n < 0 { // a disk that is full
		noRoom(t)
		told := failures(d)
		d.Put("a", []byte(strings.Repeat("two", 1000)), second)
		require.NotEmpty(t, *told)
		return
	}
	d.Size = 2
	d.step = func(string) error {
		if n--; n == 0 {
			self, _ := os.FindProcess(os.Getpid())
			self.Kill()
			select {}
		}
		return nil
	}
	d.Put("a", []byte("two"), second)
	d.Put("c", []byte("three"), second)
	d.Delete("c")
}

func runChild(t *testing.T, path string, n int) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildOfAKilledWriter$")
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "RESOLVER_DIR="+path, "RESOLVER_KILL="+strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
		return true
	}
	require.NoError(t, err, string(out))
	return false
}

func TestAKilledWriterLeavesTheOldOrTheNew(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("js/wasm has no processes")
	}
	n := 1
	for killed := true; killed; n++ {
		d := newDir(t)
		d.Put("b", []byte("other"), first)
		d.Put("a", []byte("one"), first)
		killed = runChild(t, d.Path, n)
		require.Contains(t, []string{"one of 1", "two of 2"}, get(d, "a"))
		require.Contains(t, []string{"other of 1", "nothing"}, get(d, "b"))
		require.Contains(t, []string{"three of 2", "nothing"}, get(d, "c"))
		d.Put("a", []byte("four"), second)
		require.Equal(t, "four of 2", get(d, "a"))
	}
	require.Greater(t, n, 12, "fewer steps than it must have")
}

// From its nth step on, or at that step alone, the disk fails: what was put is there or
// forgotten, and never what was before it, unless the disk cannot even forget.
func TestADiskThatFailsAtAnyStep(t *testing.T) {
	broken := errors.New("input/output error")
	for _, forever := range []bool{false, true} {
		for n, failed := 1, true; failed; n++ {
			d := newDir(t)
			d.Put("a", []byte("one"), first)
			told := failures(d)
			failed = false
			steps := 0
			d.step = func(string) error {
				if steps++; steps == n || forever && steps > n {
					failed = true
					return broken
				}
				return nil
			}
			d.Put("a", []byte("two"), second)
			d.step = nil
			got := get(d, "a")
			require.Equal(t, failed, len(*told) > 0)
			if !failed {
				require.Equal(t, "two of 2", got)
			} else if !forever {
				require.Equal(t, "nothing", got)
			}
			for _, e := range *told {
				require.Contains(t, e, d.Path)
			}
			d.Put("a", []byte("three"), second)
			require.Equal(t, "three of 2", get(d, "a"))
			require.Len(t, files(t, d), 1)
		}
	}
}

// BenchmarkDir is what it takes to keep a document, most of it the disk's, and to read it.
func BenchmarkDir(b *testing.B) {
	d := newDir(b)
	data := make([]byte, 2000)
	b.Run("Put", func(b *testing.B) {
		for b.Loop() {
			d.Put("a", data, first)
		}
	})
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, ok := d.Get("a"); !ok {
				b.Fatal("nothing")
			}
		}
	})
}

// A file whose digest is right is still none if it is of another version, or its numbers are not.
func TestForgedFiles(t *testing.T) {
	forge := func(at int, b ...byte) []byte {
		text := encodeKept("key", []byte("data"), time.Unix(1, 2))
		copy(text[at:], b)
		sum := sha256.Sum256(text[len(keptMagic)+sha256.Size:])
		copy(text[len(keptMagic):], sum[:])
		return text
	}
	data, at, ok := decodeKept("key", forge(0))
	require.True(t, ok)
	require.Equal(t, "data", string(data))
	require.True(t, at.Equal(time.Unix(1, 2)))
	for name, file := range map[string][]byte{
		"another version":                    forge(len(keptMagic)-2, '2'),
		"a nanosecond that is a second":      forge(keptHead-8, 0x3b, 0x9a, 0xca, 0x00),
		"a key that is longer than the file": forge(keptHead-4, 0xff, 0xff, 0xff, 0xff),
		"another key":                        forge(keptHead, 'K'),
	} {
		_, _, ok := decodeKept("key", file)
		require.False(t, ok, name)
	}
}
