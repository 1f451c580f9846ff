package resolver

import (
	"sync"
	"time"
)

// A Store keeps bytes that can be had again: it may forget any of them at any time, for
// want of room or because a disk fails. So no method has an error to handle. What it gives
// is whole, and is what was put; how old it may be is for the caller to judge.
//
// Implementations are safe for concurrent use. A key is any text, also one that a stranger
// has chosen.
type Store interface {
	// Get returns what was put under key last, and the time it was put with. It is not ok
	// if nothing is kept. The caller does not change data.
	Get(key string) (data []byte, at time.Time, ok bool)
	// Put keeps data, got at that time, in place of what was kept under key. The caller
	// does not change data afterwards.
	Put(key string, data []byte, at time.Time)
	// Delete forgets what is kept under key.
	Delete(key string)
}

// Defaults of a [Cache], a [Memory] and a [Dir].
const (
	// DefaultSize is how many entries are kept: one for each DID that a depot deals with.
	DefaultSize = 4096
	// DefaultBytes is how many bytes are: 4096 documents with room to spare, or some hundred
	// long logs of did:webvh. A stranger whose identifiers are looked up can fill them, and
	// no more than them.
	DefaultBytes = 64 << 20
)

// A Memory is a [Store] that lasts as long as its program. When it is full, what was unused
// longest goes. The zero Memory is ready; it is used by pointer, and its fields do not
// change after first use.
type Memory struct {
	Size  int   // how many keys are kept; zero means DefaultSize
	Bytes int64 // and how many bytes of keys and data; zero means DefaultBytes

	mu   sync.Mutex
	kept lru[string, keptBytes]
}

type keptBytes struct {
	data []byte
	at   time.Time
}

// Get implements [Store].
func (m *Memory) Get(key string) (data []byte, at time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.kept.get(key)
	return b.data, b.at, ok
}

// Put implements [Store].
func (m *Memory) Put(key string, data []byte, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept.keep(key, keptBytes{data, at}, int64(len(key)+len(data)), orDefault(m.Size, DefaultSize), orDefault(m.Bytes, DefaultBytes))
}

// Delete implements [Store].
func (m *Memory) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept.drop(key)
}

// orDefault returns n, a bound, or what stands for one that is not set.
func orDefault[T int | int64](n, otherwise T) T {
	if n <= 0 {
		return otherwise
	}
	return n
}
