package resolver

import "container/list"

// An lru keeps values by key, as many and as large as keep is told. It is not safe for
// concurrent use.
type lru[K comparable, V any] struct {
	entries map[K]*list.Element
	recent  list.List // of *entry, the one used last in front
	bytes   int64     // of all
}

type entry[K comparable, V any] struct {
	key   K
	value V
	bytes int64
}

// get returns what is kept under key. That counts as use.
func (l *lru[K, V]) get(key K) (value V, ok bool) {
	el := l.entries[key]
	if el == nil {
		return value, false
	}
	l.recent.MoveToFront(el)
	return el.Value.(*entry[K, V]).value, true
}

// keep keeps value in place of what was kept under key. If that makes more than maxEntries
// or maxBytes, those unused longest go; a value that is too large by itself is not kept.
func (l *lru[K, V]) keep(key K, value V, bytes int64, maxEntries int, maxBytes int64) {
	l.drop(key)
	if bytes > maxBytes {
		return
	}
	if l.entries == nil {
		l.entries = make(map[K]*list.Element)
	}
	l.entries[key] = l.recent.PushFront(&entry[K, V]{key, value, bytes})
	l.bytes += bytes
	for len(l.entries) > maxEntries || l.bytes > maxBytes {
		l.drop(l.recent.Back().Value.(*entry[K, V]).key)
	}
}

func (l *lru[K, V]) drop(key K) {
	if el := l.entries[key]; el != nil {
		l.bytes -= l.recent.Remove(el).(*entry[K, V]).bytes
		delete(l.entries, key)
	}
}
