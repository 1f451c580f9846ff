package tlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
)

var epoch = time.Date(2026, time.November, 1, 12, 0, 0, 0, time.UTC)

// seeded returns the key that name always stands for.
func seeded(name string) ed25519.PrivateKey {
	sum := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(sum[:])
}

const origin = "log.example/machines"

func config() Config { return Config{Origin: origin, Key: seeded("log")} }

// digest returns a digest that text stands for.
func digest(format string, args ...any) vc.Digest {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// machine returns the record of machine m: its chain is the digest of its entry 0.
func machine(m int) Record {
	return Record{Chain: digest("machine %d entry 0", m), Salt: Salt(digest("salt %d", m))}
}

// entry returns entry n of machine m, and the digest of the one before it.
func entry(m, n int) Submission {
	r := machine(m)
	s := Submission{Entry: Entry{Key: r.Salt.Key(r.Chain), Sequence: int64(n), Digest: digest("machine %d entry %d", m, n)}}
	if n > 0 {
		s.Previous = digest("machine %d entry %d", m, n-1)
	}
	return s
}

// fill appends entries from to to-1 of each of the machines in turn.
func fill(t testing.TB, l *Log, machines, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		var batch []Submission
		for m := range machines {
			batch = append(batch, entry(m, n))
		}
		results, err := l.AppendAll(t.Context(), batch)
		require.NoError(t, err)
		for _, r := range results {
			require.NoError(t, r.Err)
		}
	}
}

// A world is a log and its witnesses, on disks in memory.
type world struct {
	t         testing.TB
	config    Config
	disk      *memory
	log       *Log
	witnesses []*Witness
	cosigners []Cosigner
	trust     Trust
	now       time.Time
}

func newWorld(t testing.TB, witnesses int) *world {
	t.Helper()
	w := &world{t: t, config: config(), disk: newMemory(), now: epoch}
	key, err := LogKey(origin, w.config.Key.Public())
	require.NoError(t, err)
	clock := func() time.Time { return w.now }
	w.trust = Trust{Log: key, Now: clock}
	for i := range witnesses {
		name := fmt.Sprintf("witness.example/w%d", i)
		witness, err := createWitness(newMemory(), WitnessConfig{Name: name, Key: seeded(name), Logs: []Watched{{Log: key}}, Now: clock})
		require.NoError(t, err)
		w.witnesses = append(w.witnesses, witness)
		w.cosigners = append(w.cosigners, witness)
		w.config.Witnesses = append(w.config.Witnesses, witness.Key())
	}
	w.trust.Witnesses = w.config.Witnesses
	w.log, err = create(w.disk, w.config)
	require.NoError(t, err)
	return w
}

// later lets time pass.
func (w *world) later(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) publish() *Publication {
	w.t.Helper()
	p, err := w.log.Publish(w.t.Context(), w.cosigners...)
	require.NoError(w.t, err)
	for _, err := range p.Failed {
		require.NoError(w.t, err)
	}
	require.True(w.t, p.Published)
	return p
}

func (w *world) reader(source Source) *Reader { return &Reader{Source: source, Trust: w.trust} }

// A memory is a disk that forgets at a crash what was not synced.
//
// What is durable is a set of files by name and what each held when it was last synced. At a crash
// each change since is there or not, at random, and of a write any part.
type memory struct {
	files   map[string]*inode // as programs see them
	durable map[string]*inode // names that have been synced
	folders map[string]bool   // as programs see them: true once the name is synced
	steps   int               // changes so far
	failAt  int               // this change and all after it fail; 0: none
	err     error             // with this
	rand    *rand.Rand        // what a crash leaves
	trace   func(string)      // of each change
}

type inode struct {
	data    []byte
	synced  []byte
	pending []write // since
}

type write struct {
	offset int64
	data   []byte
	size   int64 // for Truncate, if data is nil
}

var errCrash = errors.New("the machine has crashed")

func newMemory() *memory {
	return &memory{files: map[string]*inode{}, durable: map[string]*inode{}, folders: map[string]bool{".": true, "private": true}, err: errCrash, rand: rand.New(rand.NewPCG(1, 2))}
}

// step counts a change; false means that it fails.
func (m *memory) step(what string) error {
	m.steps++
	if m.trace != nil {
		m.trace(what)
	}
	if m.failAt > 0 && m.steps >= m.failAt {
		return m.err
	}
	return nil
}

func (n *inode) apply(w write) {
	if w.data == nil {
		n.data = append(n.data[:min(w.size, int64(len(n.data)))], make([]byte, max(0, w.size-int64(len(n.data))))...)
		return
	}
	if grow := w.offset + int64(len(w.data)) - int64(len(n.data)); grow > 0 {
		n.data = append(n.data, make([]byte, grow)...)
	}
	copy(n.data[w.offset:], w.data)
}

// crash returns the disk that the next start of the machine finds.
func (m *memory) crash() *memory {
	after := newMemory()
	after.rand = m.rand
	names := maps.Clone(m.durable)
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		if m.rand.IntN(2) == 0 {
			names[name] = m.files[name] // the change of name had reached the disk
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.durable)) {
		if m.files[name] == nil && m.rand.IntN(2) == 0 {
			delete(names, name)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(m.folders)) {
		if m.folders[folder] || m.rand.IntN(2) == 0 {
			after.folders[folder] = true
			continue
		}
		// With a folder goes all that is in it.
		lost := func(name string) bool { return strings.HasPrefix(name, folder+"/") }
		maps.DeleteFunc(names, func(name string, _ *inode) bool { return lost(name) })
		maps.DeleteFunc(m.folders, func(name string, _ bool) bool { return lost(name) })
	}
	maps.DeleteFunc(after.folders, func(name string, _ bool) bool { return name != "." && !after.folders[path.Dir(name)] })
	maps.DeleteFunc(names, func(name string, _ *inode) bool { return !after.folders[path.Dir(name)] })
	for name, n := range names {
		left := &inode{data: bytes.Clone(n.synced)}
		for _, w := range n.pending {
			switch m.rand.IntN(3) {
			case 0:
				left.apply(w)
			case 1:
				if len(w.data) > 0 {
					w.data = w.data[:m.rand.IntN(len(w.data))]
					if len(w.data) > 0 {
						left.apply(w)
					}
				}
			}
		}
		left.synced = bytes.Clone(left.data)
		after.files[name], after.durable[name] = left, left
	}
	return after
}

// copy returns the same disk, to be changed on its own.
func (m *memory) copy() *memory {
	c := newMemory()
	for name, n := range m.files {
		same := &inode{data: bytes.Clone(n.data), synced: bytes.Clone(n.data)}
		c.files[name], c.durable[name] = same, same
	}
	c.folders = maps.Clone(m.folders)
	return c
}

func (m *memory) ReadFile(name string) ([]byte, error) {
	n, ok := m.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(n.data), nil
}

func (m *memory) OpenFile(name string, create bool) (diskFile, error) {
	n, ok := m.files[name]
	if create == ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: map[bool]error{true: fs.ErrExist, false: fs.ErrNotExist}[ok]}
	}
	if create {
		if !m.has(path.Dir(name)) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if err := m.step("create " + name); err != nil {
			return nil, err
		}
		n = &inode{}
		m.files[name] = n
	}
	return &memoryFile{m, n, name}, nil
}

func (m *memory) Rename(from, to string) error {
	if m.files[from] == nil || !m.has(path.Dir(to)) {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if err := m.step("rename " + to); err != nil {
		return err
	}
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memory) RemoveAll(name string) error {
	found := false
	for f := range m.files {
		found = found || f == name || strings.HasPrefix(f, name+"/")
	}
	if !found {
		return nil
	}
	if err := m.step("remove " + name); err != nil {
		return err
	}
	maps.DeleteFunc(m.files, func(f string, _ *inode) bool { return f == name || strings.HasPrefix(f, name+"/") })
	return nil
}

func (m *memory) Mkdir(name string) error {
	if m.has(name) {
		return nil
	}
	if !m.has(path.Dir(name)) {
		return fs.ErrNotExist
	}
	if err := m.step("mkdir " + name); err != nil {
		return err
	}
	m.folders[name] = false
	return nil
}

func (m *memory) has(folder string) bool {
	_, ok := m.folders[folder]
	return ok
}

func (m *memory) Sync(folder string) error {
	if err := m.step("sync folder " + folder); err != nil {
		return err
	}
	maps.DeleteFunc(m.durable, func(name string, _ *inode) bool { return path.Dir(name) == folder && m.files[name] == nil })
	for name, n := range m.files {
		if path.Dir(name) == folder {
			m.durable[name] = n
		}
	}
	for name := range m.folders {
		if path.Dir(name) == folder {
			m.folders[name] = true
		}
	}
	return nil
}

func (m *memory) List(folder string) (list []fs.DirEntry, err error) {
	if !m.has(folder) {
		return nil, &fs.PathError{Op: "open", Path: folder, Err: fs.ErrNotExist}
	}
	for name := range m.folders {
		if name != "." && path.Dir(name) == folder {
			list = append(list, listed{path.Base(name), true})
		}
	}
	for name := range m.files {
		if path.Dir(name) == folder {
			list = append(list, listed{path.Base(name), false})
		}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

func (m *memory) Close() error { return nil }

type listed struct {
	name string
	dir  bool
}

func (l listed) Name() string               { return l.name }
func (l listed) IsDir() bool                { return l.dir }
func (l listed) Type() fs.FileMode          { return 0 }
func (l listed) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

type memoryFile struct {
	m    *memory
	n    *inode
	name string
}

func (f *memoryFile) WriteAt(b []byte, offset int64) (int, error) {
	w := write{offset: offset, data: bytes.Clone(b)}
	if err := f.m.step("write " + f.name); err != nil {
		if f.m.steps == f.m.failAt && len(b) > 0 { // some of it was written
			w.data = w.data[:f.m.rand.IntN(len(b))]
			if len(w.data) > 0 {
				f.n.apply(w)
				f.n.pending = append(f.n.pending, w)
			}
		}
		return 0, err
	}
	f.n.apply(w)
	f.n.pending = append(f.n.pending, w)
	return len(b), nil
}

func (f *memoryFile) Truncate(size int64) error {
	if err := f.m.step("truncate " + f.name); err != nil {
		return err
	}
	w := write{size: size}
	f.n.apply(w)
	f.n.pending = append(f.n.pending, w)
	return nil
}

func (f *memoryFile) Sync() error {
	if err := f.m.step("sync " + f.name); err != nil {
		return err
	}
	f.n.synced, f.n.pending = bytes.Clone(f.n.data), nil
	return nil
}

func (f *memoryFile) Close() error { return nil }
