package importer

import (
	"context"
	"crypto"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A machine gathers the rows of one machine.
type machine struct {
	name  string
	entry fleet.Machine
	known map[string]bool // ids of credentials in its chain
	rows  []*row          // to be issued
	first time.Time       // of all rows, known or not
	begun bool            // its chain has a first entry
}

// sort finds the rows that are to be issued, machine by machine, and refuses those
// that can be seen to come to nothing, before any key is made for them.
func (r *run) sort(ctx context.Context) error {
	now := r.Now()
	for _, s := range r.sources {
		if s.spec.record == "" {
			continue
		}
		for _, row := range s.rows {
			if row.fate != pending {
				continue
			}
			if !row.time.IsZero() && row.time.After(now) {
				r.fail(row, fmt.Errorf("its time, %s, lies in the future: correct the row, or the mapping's zone", stamp(row.time)))
				continue
			}
			m := r.machines[row.machine]
			if m == nil {
				var err error
				if m, err = r.machine(row.machine); err != nil {
					return err
				}
			}
			if !row.time.IsZero() && (m.first.IsZero() || row.time.Before(m.first)) {
				m.first = row.time
			}
			if m.known[row.id] {
				row.fate = known
				continue
			}
			m.known[row.id] = true // the same row in another file is this one
			m.rows = append(m.rows, row)
		}
	}
	for _, m := range r.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.plan(m, now)
		r.total += len(m.rows)
	}
	return nil
}

// machine begins to gather the rows of a machine.
func (r *run) machine(name string) (*machine, error) {
	m := &machine{name: name, known: map[string]bool{}}
	if entry, ok := r.to.Machine(name); ok {
		m.entry = entry
		lines, err := r.to.Credentials(entry)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			// A line that cannot be read is found when the chain is opened.
			if doc, err := strictjson.Parse(line, strictjson.Limits{Bytes: vc.MaxCredentialBytes}); err == nil {
				if id := doc.Root().Member("id").Text(); id != "" {
					m.known[id] = true
				}
			}
		}
		m.begun = len(lines) > 0
	}
	r.machines[name] = m
	r.order = append(r.order, m)
	return m, nil
}

// plan puts a machine's rows in order and makes their claims once, with stand-ins
// for the DIDs that are not known yet, to find what is wrong with them.
func (r *run) plan(m *machine, now time.Time) {
	commission := -1
	for i, row := range m.rows {
		if row.source.spec.kind != chain.Commission {
			continue
		}
		if m.begun || commission >= 0 {
			r.fail(row, fmt.Errorf("machine %q is commissioned already: a machine has one record", m.name))
			continue
		}
		if row.time.IsZero() {
			if row.time = m.first; row.time.IsZero() {
				row.time = now
			}
		}
		commission = i
	}
	standIn := maker{party: standInFor, machine: standInID, machineKey: standInID.URL(standInID.Identifier()), lease: standInDigest}
	for _, row := range m.rows {
		if row.fate != pending {
			continue
		}
		if _, err := standIn.make(row); err != nil {
			r.fail(row, err)
		}
	}
	if !m.begun && (commission < 0 || m.rows[commission].fate != pending) {
		why := fmt.Errorf("machine %q has no record, and no row that commissions it", m.name)
		if commission >= 0 {
			why = fmt.Errorf("machine %q has no record, and the row that commissions it, %s:%d, cannot be mapped",
				m.name, m.rows[commission].file, m.rows[commission].line)
		}
		for _, row := range m.rows {
			if row.fate == pending {
				r.fail(row, why)
			}
		}
	}
	m.rows = slices.DeleteFunc(m.rows, func(row *row) bool { return row.fate != pending })
	slices.SortStableFunc(m.rows, func(a, b *row) int {
		if first := a.source.spec.kind == chain.Commission; first != (b.source.spec.kind == chain.Commission) {
			if first {
				return -1
			}
			return 1
		}
		return a.time.Compare(b.time)
	})
}

// mint gives a DID to each machine and party that needs one, and saves who is who
// before anything is said of them.
func (r *run) mint(ctx context.Context) error {
	var todo []*machine
	needed := map[string]bool{} // parties
	for _, m := range r.order {
		if len(m.rows) > 0 && m.entry.ID.IsZero() {
			todo = append(todo, m)
		}
		for _, row := range m.rows {
			for _, name := range row.parties {
				needed[name] = true
			}
		}
	}
	names := make([]string, 0, len(needed))
	for name := range needed {
		names = append(names, name)
	}
	slices.Sort(names)

	var parties []fleet.Party
	var machines []fleet.Machine
	for _, name := range names {
		if p, ok := r.to.Party(name); ok {
			r.parties[name] = &party{id: p.ID}
			continue
		}
		parties = append(parties, fleet.Party{Name: name, Title: r.Mapping.parties[name], Key: "party-" + fleet.FileName(name)})
	}
	for _, m := range todo {
		machines = append(machines, fleet.Machine{Name: m.name, Key: "machine-" + fleet.FileName(m.name)})
	}
	keys := make([]crypto.Signer, len(parties)) // parties sign soon; machines seldom do
	err := parallel(ctx, len(parties)+len(machines), func(i int) error {
		if i < len(parties) {
			key, id, err := r.key(ctx, parties[i].Key)
			parties[i].ID, keys[i] = id, key
			return err
		}
		_, id, err := r.key(ctx, machines[i-len(parties)].Key)
		machines[i-len(parties)].ID = id
		return err
	})
	if err != nil {
		return err
	}
	for i, p := range parties {
		r.parties[p.Name] = &party{id: p.ID, key: keys[i]}
	}
	r.newParties, r.newMachines = len(parties), len(machines)
	if len(parties)+len(machines) > 0 {
		if err := r.to.Add(machines, parties); err != nil {
			return err
		}
	}
	for _, m := range todo {
		m.entry, _ = r.to.Machine(m.name)
	}
	return nil
}

// key opens a key and says which did:key it is.
func (r *run) key(ctx context.Context, name string) (crypto.Signer, did.DID, error) {
	key, err := r.Keys(ctx, name)
	if err != nil {
		return nil, did.DID{}, fmt.Errorf("import: key %q: %w", name, err)
	}
	id, err := did.NewKey(key.Public())
	if err != nil {
		return nil, did.DID{}, fmt.Errorf("import: key %q: %w", name, err)
	}
	return key, id, nil
}
