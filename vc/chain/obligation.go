package chain

import (
	"cmp"
	"slices"
	"time"
)

// ObligationState says how an obligation stands at some time.
type ObligationState string

// The states of an obligation.
const (
	StateOpen     ObligationState = "open"     // not closed, and not due yet
	StateOverdue  ObligationState = "overdue"  // not closed, though it was due: counts as a breach
	StateClosed   ObligationState = "closed"   // closed by an entry that is shown
	StateWithheld ObligationState = "withheld" // closed by an entry in a gap, as the totals prove; nobody shows how
)

// An Obligation is something that the machine's side and another party have
// begun together, such as a lease, and how it went.
type Obligation struct {
	Opened   int64     // sequence of the entry that opened it
	Class    string    // kind, such as "lease"
	Due      time.Time // overdue if open after this; zero if the entry that says is in a gap
	State    ObligationState
	Outcome  Outcome   // once closed
	ClosedBy int64     // sequence of the entry that closed it; -1 if none is shown
	ClosedAt time.Time // validFrom of that entry; later than Due if it was closed late
}

// Obligations returns every obligation that the record shows, in the order of
// their opening, as they stand at the given time: an open one is overdue when
// that is after its Due. What was closed is closed, also if later than that time.
func (h *History) Obligations(at time.Time) []Obligation {
	list := slices.Clone(h.obligations)
	for i := range list {
		if list[i].State == StateOpen && at.After(list[i].Due) {
			list[i].State = StateOverdue
		}
	}
	return list
}

// settle enters what it does to obligations. A head knows those that are open;
// only the history knows which entries are shown, and so whether a close could
// mean one that is withheld.
func (h *History) settle(it Item, partial bool, found *defects) {
	link := it.Link
	switch link.Kind {
	case Open:
		h.obligations = append(h.obligations, Obligation{
			Opened: link.Sequence, Class: link.Class, Due: link.Due, State: StateOpen, ClosedBy: -1,
		})
		h.unsettled++
	case Close:
		i, ok := slices.BinarySearchFunc(h.obligations, link.RefersTo, func(o Obligation, opened int64) int {
			return cmp.Compare(o.Opened, opened)
		})
		_, shown := h.find(link.RefersTo)
		switch {
		case ok && h.obligations[i].State == StateOpen:
			h.unsettled--
		case ok || shown || !partial:
			if partial { // else the head has said so
				found.add(it.fail(ErrReference, "it closes entry %d, which is not an open obligation", link.RefersTo))
			}
			return
		default: // opened in a gap
			h.obligations = slices.Insert(h.obligations, i, Obligation{Opened: link.RefersTo, Class: link.Class})
		}
		o := &h.obligations[i]
		o.State, o.Outcome, o.ClosedBy, o.ClosedAt = StateClosed, link.Outcome, link.Sequence, it.Credential.ValidFrom()
	}
	// As many are open as this entry opens: those from before have been closed.
	if own := int(opens(link)); partial && link.Totals.Open == opens(link) && h.unsettled > own {
		for i := range h.obligations {
			if o := &h.obligations[i]; o.State == StateOpen && o.Opened != link.Sequence {
				o.State = StateWithheld
			}
		}
		h.unsettled = own
	}
}

// Hidden counts what a record's totals reveal about entries that are not shown.
// Entries and Adverse are exact. An obligation that is shown to begin but not to
// end counts as open with those shown, so the sum never falls short of the truth.
type Hidden struct {
	Entries int64 // entries in gaps
	Adverse int64 // of those, the ones with an adverse outcome
	Open    int64 // obligations open at the newest entry beside those shown to be
	Overdue int64 // of those, the ones overdue at its validFrom
}

// Hidden returns what the totals reveal about the disclosed gaps. It is zero
// for a complete record. Of isolated credentials nothing is known: also zero.
func (h *History) Hidden() Hidden {
	var hidden Hidden
	for _, g := range h.gaps {
		hidden.Entries += g.Missing()
	}
	if hidden.Entries == 0 {
		return hidden
	}
	var open, overdue int64
	newest := h.items[len(h.items)-1].Credential.ValidFrom()
	for _, o := range h.Obligations(newest) {
		switch o.State {
		case StateOverdue:
			overdue++
			open++
		case StateOpen:
			open++
		}
	}
	hidden.Adverse = h.head.Totals.Adverse - h.adverse
	hidden.Open = max(0, h.head.Totals.Open-open)
	hidden.Overdue = max(0, h.head.Totals.Overdue-overdue)
	return hidden
}
