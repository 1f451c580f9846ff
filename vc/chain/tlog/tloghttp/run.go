package tloghttp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// Bounds of [Handler.Run].
const (
	// DefaultEvery is how long entries are collected before a checkpoint covers them.
	DefaultEvery = time.Second
	// DefaultRefresh is after which time a log that has not grown asks its witnesses again, so that
	// readers see that nothing has come since.
	DefaultRefresh = 5 * time.Minute

	patience   = 5 * time.Second // for one witness; who waits for a receipt waits as long
	firstPause = 5 * time.Second // before a witness that failed is asked again, doubled each time
	lastPause  = 2 * time.Minute
)

// A Schedule says how often [Handler.Run] publishes.
type Schedule struct {
	Every   time.Duration // while there are new entries; zero means DefaultEvery
	Refresh time.Duration // while there are none; zero means DefaultRefresh

	// Report, if set, is told what came of each attempt: the publication, or the error.
	Report func(*tlog.Publication, error)
}

// Run publishes what is taken in until ctx ends, or the log fails, and returns why. It asks the
// Cosigners each time; one that fails holds the others up once, and is then left alone for a while,
// longer each time.
func (h *Handler) Run(ctx context.Context, s Schedule) error {
	h.once.Do(h.begin)
	every, refresh := s.Every, s.Refresh
	if every <= 0 {
		every = DefaultEvery
	}
	if refresh <= 0 {
		refresh = DefaultRefresh
	}
	cosigners := make([]tlog.Cosigner, len(h.Cosigners))
	for i, c := range h.Cosigners {
		cosigners[i] = &patient{next: c}
	}
	for {
		p, err := h.Log.Publish(ctx, cosigners...)
		if s.Report != nil {
			s.Report(p, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, tlog.ErrStopped) {
			return err
		}
		wake, pause := h.wake, refresh
		if err == nil && p.Published {
			h.mu.Lock()
			close(h.published)
			h.published = make(chan struct{})
			h.mu.Unlock()
		} else {
			wake, pause = nil, every // nobody need tell that there is something to publish
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		case <-wake:
			// What comes in the meantime comes along.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(every):
			}
			select {
			case <-h.wake:
			default:
			}
		}
	}
}

// A patient cosigner waits for a witness as long as is reasonable, and does not ask one that failed
// again at once.
type patient struct {
	next tlog.Cosigner

	mu    sync.Mutex
	until time.Time // not asked before
	pause time.Duration
	last  error
}

func (p *patient) Cosign(ctx context.Context, request []byte) ([]byte, error) {
	p.mu.Lock()
	until, last := p.until, p.last
	p.mu.Unlock()
	if wait := time.Until(until); wait > 0 {
		return nil, fmt.Errorf("not asked again for another %s: %w", wait.Round(time.Second), last)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	signatures, err := p.next.Cosign(ctx, request)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, sized := errors.AsType[interface {
		error
		CosignedSize() int64
	}](err)
	if err == nil || sized { // a witness that has cosigned another size is at work
		p.pause, p.last = 0, nil
		return signatures, err
	}
	p.pause = min(max(2*p.pause, firstPause), lastPause)
	p.until, p.last = time.Now().Add(p.pause), err
	return nil, err
}
