package resolver

import "time"

// A Store keeps bytes that can be had again: it may forget any of them at any time, for
// want of room or because a disk fails. So no method has an error to handle. What it gives
// is whole, and what was put; how old it may be is for the caller to judge.
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
