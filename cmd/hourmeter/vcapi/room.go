package vcapi

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// A room holds what is under way: so many requests, and half of them for one client, so that who
// sends slowly on many connections does not keep the others out.
type room struct {
	size int

	mu    sync.Mutex
	held  map[netip.Prefix]int // by client; only those that hold some
	total int
	freed chan struct{} // closed when somebody leaves
}

func newRoom(size int) *room {
	return &room{size: size, held: map[netip.Prefix]int{}, freed: make(chan struct{})}
}

// enter waits for a place, though not for long.
func (r *room) enter(ctx context.Context, client netip.Prefix, patience time.Duration) bool {
	var enough <-chan time.Time
	for {
		r.mu.Lock()
		if r.total < r.size && r.held[client] < r.size/2 {
			r.total++
			r.held[client]++
			r.mu.Unlock()
			return true
		}
		freed := r.freed
		r.mu.Unlock()
		if enough == nil {
			enough = time.After(patience)
		}
		select {
		case <-freed:
		case <-enough:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (r *room) leave(client netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total--
	if r.held[client]--; r.held[client] == 0 {
		delete(r.held, client)
	}
	close(r.freed)
	r.freed = make(chan struct{})
}
