package resolver_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/resolver"
)

// hashes is a tile of n hashes, each full of its own number.
func hashes(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, bytes.Repeat([]byte{byte(i)}, 32)...)
	}
	return b
}

// entries is a bundle of n entries, the i-th of i bytes.
func entries(n int) []byte {
	var b []byte
	for i := range n {
		b = binary.BigEndian.AppendUint16(b, uint16(i))
		b = append(b, bytes.Repeat([]byte{byte(i)}, i)...)
	}
	return b
}

// filesLog serves files and counts how often it was asked for something.
func filesLog(t testing.TB, files map[string][]byte) (*resolver.Log, *atomic.Int64) {
	asked := new(atomic.Int64)
	base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		name, ok := strings.CutPrefix(r.URL.Path, "/machines/")
		if data, there := files[name]; ok && there {
			w.Write(data)
			return
		}
		http.NotFound(w, r)
	})
	return &resolver.Log{URL: base + "/machines/", Client: c}, asked
}

func TestLogReadsAndKeepsTiles(t *testing.T) {
	l, asked := filesLog(t, map[string][]byte{
		"checkpoint": []byte("size 1"), "tile/0/000": hashes(256), "tile/0/x001/234.p/5": hashes(5),
		"tile/1/000.p/1": hashes(1), "tile/entries/000": entries(256), "tile/entries/001.p/3": entries(3),
	})
	for _, tt := range []struct {
		name  string
		want  []byte
		asked int64 // requests so far
	}{
		{"checkpoint", []byte("size 1"), 1},
		{"checkpoint", []byte("size 1"), 2},
		{"tile/0/x001/234.p/5", hashes(5), 3},
		{"tile/0/x001/234.p/5", hashes(5), 4},
		{"tile/0/000", hashes(256), 5},
		{"tile/0/000", hashes(256), 5},
		{"tile/0/000.p/7", hashes(7), 5},
		{"tile/entries/000.p/3", entries(3), 7}, // asked for, gone, cut from the full one
		{"tile/entries/000.p/200", entries(200), 7},
		{"tile/entries/000", entries(256), 7},
		{"tile/entries/001.p/3", entries(3), 8},
	} {
		got, err := l.ReadFile(t.Context(), tt.name)
		require.NoError(t, err, tt.name)
		require.Equal(t, tt.want, got, tt.name)
		require.Equal(t, tt.asked, asked.Load(), tt.name)
	}
	for _, name := range []string{"nothing", "tile/0/001", "tile/0/001.p/5", "tile/entries/009.p/1"} {
		_, err := l.ReadFile(t.Context(), name)
		refused(t, err, fs.ErrNotExist)
	}
	require.NoError(t, l.Forget())
	before := asked.Load()
	_, err := l.ReadFile(t.Context(), "tile/0/000")
	require.NoError(t, err)
	require.Equal(t, before+1, asked.Load())
}

func TestLogKeepsTilesInAFolder(t *testing.T) {
	l, asked := filesLog(t, map[string][]byte{"tile/0/000": hashes(256), "tile/entries/x001/000": entries(256), "tile/0/001.p/2": hashes(2), "checkpoint": []byte("c")})
	l.Folder = filepath.Join(t.TempDir(), "cache")
	read := func(l *resolver.Log, name string) {
		t.Helper()
		_, err := l.ReadFile(t.Context(), name)
		require.NoError(t, err)
	}
	for _, name := range []string{"tile/0/000", "tile/entries/x001/000", "tile/0/001.p/2", "checkpoint"} {
		read(l, name)
	}
	require.EqualValues(t, 4, asked.Load())
	var kept []string
	require.NoError(t, filepath.WalkDir(l.Folder, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(l.Folder, path)
			kept = append(kept, filepath.ToSlash(rel))
		}
		return err
	}))
	require.Equal(t, []string{"tile/0/000", "tile/entries/x001/000"}, kept, "what may change is not kept, and nothing is left behind")

	next := &resolver.Log{URL: l.URL, Client: l.Client, Folder: l.Folder}
	read(next, "tile/0/000.p/9")
	read(next, "tile/entries/x001/000")
	require.EqualValues(t, 4, asked.Load())

	// What is not whole is fetched again.
	require.NoError(t, os.Truncate(filepath.Join(l.Folder, "tile", "0", "000"), 8191))
	third := &resolver.Log{URL: l.URL, Client: l.Client, Folder: l.Folder}
	read(third, "tile/0/000")
	require.EqualValues(t, 5, asked.Load())
	require.NoError(t, third.Forget())
	require.NoDirExists(t, filepath.Join(l.Folder, "tile"))
	// A folder that cannot be written to is no obstacle.
	read(&resolver.Log{URL: l.URL, Client: l.Client, Folder: "/dev/null/x"}, "tile/0/000")
}

func TestLogMemoryIsBounded(t *testing.T) {
	files := map[string][]byte{}
	for i := range 4 {
		files[fmt.Sprintf("tile/0/%03d", i)] = hashes(256)
	}
	l, asked := filesLog(t, files)
	l.Memory = 2 * 8192
	for _, tt := range []struct {
		tile  int
		asked int64
	}{{0, 1}, {1, 2}, {0, 2}, {2, 3}, {0, 3}, {1, 4}, {2, 5}} {
		_, err := l.ReadFile(t.Context(), fmt.Sprintf("tile/0/%03d", tt.tile))
		require.NoError(t, err)
		require.Equal(t, tt.asked, asked.Load())
	}
	l.Memory = -1
	require.NoError(t, l.Forget())
	for range 2 {
		_, err := l.ReadFile(t.Context(), "tile/0/003")
		require.NoError(t, err)
	}
	require.EqualValues(t, 7, asked.Load())
}

// What a lying log sends in the place of a tile is refused, and not kept.
func TestLogRefusesWhatIsNoTile(t *testing.T) {
	long := append(entries(256), 0)
	l, asked := filesLog(t, map[string][]byte{
		"tile/0/000": hashes(255), "tile/0/001": hashes(257), "tile/0/002.p/5": hashes(4), "tile/0/003": {},
		"tile/0/004": append(hashes(255), 1, 2, 3), "tile/entries/000": entries(255), "tile/entries/001": long,
		"tile/entries/002.p/2": {0, 1, 7, 0}, "tile/entries/003.p/2": {0, 1, 7, 0, 9, 1}, "tile/entries/004": make([]byte, 1<<20+1), "checkpoint": make([]byte, 4<<20+1),
	})
	for name, reason := range map[string]error{
		"tile/0/000": resolver.ErrContent, "tile/0/001": resolver.ErrTooLarge, "tile/0/002.p/5": resolver.ErrContent, "tile/0/003": resolver.ErrContent,
		"tile/0/004": resolver.ErrContent, "tile/entries/000": resolver.ErrContent, "tile/entries/001": resolver.ErrContent,
		"tile/entries/002.p/2": resolver.ErrContent, "tile/entries/003.p/2": resolver.ErrContent, "tile/entries/004": resolver.ErrTooLarge, "checkpoint": resolver.ErrTooLarge,
	} {
		for range 2 {
			before := asked.Load()
			got, err := l.ReadFile(t.Context(), name)
			require.Nil(t, got)
			refused(t, err, reason)
			require.Equal(t, before+1, asked.Load(), "%s was not kept", name)
		}
	}
}

func TestLogAsksForNothingElse(t *testing.T) {
	l, asked := filesLog(t, nil)
	for _, name := range []string{
		"", ".", "/checkpoint", "../checkpoint", "a/../b", "checkpoint?x", "checkpoint#x", "a%2fb", "a b", "a\nb", `a\b`, "ä", strings.Repeat("x", 600),
		"tile/", "tile/0", "tile/64/000", "tile/-1/000", "tile/00/000", "tile/0/00", "tile/0/0000", "tile/0/x001", "tile/0/x001/x002", "tile/0/001/002",
		"tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/05", "tile/0/000.p/", "tile/0/000.p/1/2", "tile/data/000", "tile/0/a00",
		"tile/0/x001/x000/x000/x000/x000/x000/x000/000",
	} {
		_, err := l.ReadFile(t.Context(), name)
		refused(t, err, resolver.ErrURL)
	}
	require.Zero(t, asked.Load())
	_, err := new(resolver.Log).ReadFile(t.Context(), "checkpoint")
	require.ErrorContains(t, err, "needs a Client")
}

func TestLogAdd(t *testing.T) {
	l, _ := filesLog(t, nil)
	for _, tt := range []struct {
		name   string
		status int
		body   string
		check  func(receipts [][]byte, err error)
	}{
		{"taken in", 200, `{"receipts":["first","second"]}`, func(receipts [][]byte, err error) {
			require.NoError(t, err)
			require.Equal(t, [][]byte{[]byte("first"), []byte("second")}, receipts)
		}},
		{"a receipt too few", 200, `{"receipts":["first"]}`, func(_ [][]byte, err error) { refused(t, err, resolver.ErrContent) }},
		{"no receipts", 200, `thanks`, func(_ [][]byte, err error) { refused(t, err, resolver.ErrContent) }},
		{"not published yet", 202, "", func(_ [][]byte, err error) { require.Equal(t, 202, retry(t, err).Status) }},
		{"another is there", 409, `{"detail":"the log holds another","credential":1,"sequence":7,"digest":"uEi"}`, func(_ [][]byte, err error) {
			p := refused(t, err, resolver.ErrStatus).Problem()
			require.Equal(t, resolver.Problem{Detail: "the log holds another", Credential: 1, Sequence: 7, Digest: "uEi"}, p)
			require.ErrorContains(t, err, `409 Conflict: "the log holds another"`)
		}},
		{"refused without a word", 403, ``, func(_ [][]byte, err error) {
			require.Equal(t, resolver.Problem{Credential: -1, Sequence: -1}, refused(t, err, resolver.ErrStatus).Problem())
		}},
		{"refused with nonsense", 403, `{"detail":7}`, func(_ [][]byte, err error) {
			require.Equal(t, resolver.Problem{Credential: -1, Sequence: -1}, refused(t, err, resolver.ErrStatus).Problem())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method != "POST" || r.URL.Path != "/machines/add" || string(body) != `{"salt":"AQI","credentials":[{"a":1},{"b":2}]}` {
					t.Error(r.Method, r.URL, string(body))
				}
				if tt.status != 200 {
					w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			tt.check((&resolver.Log{URL: base + "/machines", Client: c}).Add(t.Context(), []byte{1, 2}, []byte(`{"a":1}`), []byte(`{"b":2}`)))
		})
	}
	_, err := l.Add(t.Context(), nil, []byte(`{"a":`))
	require.ErrorContains(t, err, "no JSON")
}

func TestWitness(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		kind   string
		body   string
		check  func(signatures []byte, err error)
	}{
		{"cosigned", 200, "", "— w.example AAAA\n— w.example BBBB\n", func(signatures []byte, err error) {
			require.NoError(t, err)
			require.Equal(t, "— w.example AAAA\n— w.example BBBB\n", string(signatures))
		}},
		{"has seen another size", 409, "text/x.tlog.size", "1234\n", func(_ []byte, err error) {
			var size interface{ CosignedSize() int64 }
			require.ErrorAs(t, err, &size)
			require.EqualValues(t, 1234, size.CosignedSize())
			refused(t, err, resolver.ErrStatus)
		}},
		{"has seen another root", 409, "text/plain", "", func(_ []byte, err error) {
			require.Equal(t, 409, refused(t, err, resolver.ErrStatus).Status)
		}},
		{"a size that is none", 409, "text/x.tlog.size", "01\n", func(_ []byte, err error) { refused(t, err, resolver.ErrContent) }},
		{"does not know the log", 404, "", "", func(_ []byte, err error) { refused(t, err, fs.ErrNotExist) }},
		{"does not know the key", 403, "", "", func(_ []byte, err error) { require.Equal(t, 403, refused(t, err, resolver.ErrStatus).Status) }},
		{"cannot follow the proof", 422, "", "", func(_ []byte, err error) { require.Equal(t, 422, refused(t, err, resolver.ErrStatus).Status) }},
		{"is down", 503, "", "", func(_ []byte, err error) { retry(t, err) }},
		{"talks of something else", 200, "", "<html>\n", func(_ []byte, err error) { refused(t, err, resolver.ErrContent) }},
		{"half a line", 200, "", "— w.example AAAA", func(_ []byte, err error) { refused(t, err, resolver.ErrContent) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if r.Method != "POST" || r.URL.Path != "/add-checkpoint" || string(body) != "old 0\n\nlog\n" {
					t.Error(r.Method, r.URL, string(body))
				}
				w.Header().Set("Content-Type", tt.kind)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			tt.check((&resolver.Witness{URL: base, Client: c}).Cosign(t.Context(), []byte("old 0\n\nlog\n")))
		})
	}
	_, err := new(resolver.Witness).Cosign(context.Background(), nil)
	require.ErrorContains(t, err, "needs a Client")
}
