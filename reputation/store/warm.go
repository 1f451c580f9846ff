package store

import (
	"container/list"
	"sync"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A warmth keeps verified records, those used last.
type warmth struct {
	mutex   sync.Mutex
	records map[did.DID]*list.Element
	order   list.List // of kept, the one used last in front
	entries int
}

type kept struct {
	id       did.DID
	revision int64 // of the machine whose record it is
	history  *chain.History
}

// recall returns a machine's record, if it is kept as of a revision.
func (w *warmth) recall(id did.DID, revision int64) *chain.History {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	e := w.records[id]
	if e == nil || e.Value.(kept).revision != revision {
		return nil
	}
	w.order.MoveToFront(e)
	return e.Value.(kept).history
}

// keep keeps a machine's record, and gives up others until at most limit entries are kept.
func (w *warmth) keep(id did.DID, revision int64, h *chain.History, limit int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.drop(w.records[id])
	if h.Len() > limit {
		return
	}
	for w.entries+h.Len() > limit {
		w.drop(w.order.Back())
	}
	if w.records == nil {
		w.records = make(map[did.DID]*list.Element)
	}
	w.records[id] = w.order.PushFront(kept{id, revision, h})
	w.entries += h.Len()
}

func (w *warmth) drop(e *list.Element) {
	if e == nil {
		return
	}
	k := w.order.Remove(e).(kept)
	delete(w.records, k.id)
	w.entries -= k.history.Len()
}
