// Package importer turns an operator's history into machines' records: rows of
// CSV and JSON Lines files become credentials in the chains of package fleet.
//
//   - [ParseMapping] reads the file that says which column means what.
//   - [Import.Run] reads the rows, issues a credential for each that is not in its
//     machine's chain yet, and reports each row that it could not map.
//
// Running it again adds only what is new, however often it is run, also after it
// was killed: a credential's id is computed from its row, and a chain holds every
// id once. [MappingHelp] describes the mapping.
//
// The danger: a chain only grows. A row that is mapped wrongly becomes a signed
// statement, and a later import does not take it back. Run a new mapping into a
// scratch folder first.
//
// # Order, and rows that come late
//
// A machine's rows are entered by time, its commissioning first. Rows of one time
// are entered in the order of the mapping's sources, then of files and lines. A row
// that a later import brings, of a time before what the chain already holds, is
// entered at the end, with its own time as validFrom and a description that says so.
// What a late report is worth is for the policy of the score to say.
//
// # What makes two rows the same
//
// The id is a UUID of version 8 over the source's name, the machine, and the names and
// values of the row's columns that are not empty, or of those that "identity" lists.
// The order of rows and columns, and the name of the file, do not matter. Rows that are
// the same within one file are occurrences of several events, which are numbered; the
// same row in two files of a source, exports that overlap, is one event.
package importer

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// An Import is one run over an operator's files.
type Import struct {
	Mapping *Mapping // required
	Data    fs.FS    // required: where the mapping's files are

	// Keys opens the key of this name, and makes it if there is none; required. It is
	// called from several goroutines, and only for the keys that are needed: those of
	// new machines and parties, of issuers, and of machines that countersign.
	Keys func(ctx context.Context, name string) (crypto.Signer, error)

	Now      func() time.Time      // nil means time.Now
	Progress func(done, total int) // credentials; nil means none. Called by one goroutine at a time
}

// A Summary says what an import did. Every row of a source that makes records is
// counted once: Rows = Skipped + Known + Added + Unmapped.
type Summary struct {
	Counts
	NewMachines int
	NewParties  int
	Sources     []SourceSummary // in the order of the mapping
	Problems    []Problem       // by source, file and line; at most [MaxProblems]
	Notices     []fleet.Notice  // what was repaired first
}

// Counts count rows.
type Counts struct {
	Rows     int
	Skipped  int // left out by the mapping's "where"
	Known    int // in the chain since an earlier import, or in another file of the source
	Added    int
	Late     int // of Added, those older than an entry before them
	Unmapped int // each is a [Problem]
}

// A SourceSummary counts the rows of one source.
type SourceSummary struct {
	Name   string
	Record string // type of credential; empty for a source that is only looked up
	Files  int
	Counts
}

// A Problem is a row that did not become a credential.
type Problem struct {
	Source  string
	File    string
	Line    int    // where the row begins, from 1
	Machine string // as the row has it; empty if it could not be read
	Err     error  // why
}

// Error implements error.
func (p Problem) Error() string { return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err) }

// Unwrap returns p.Err.
func (p Problem) Unwrap() error { return p.Err }

// MaxProblems is the most problems that a [Summary] lists. All are counted.
const MaxProblems = 10_000

// Run imports into a fleet. It returns an error if the mapping does not fit the
// files, and then has written nothing; or if a key could not be had, the folder could
// not be written to, or ctx ended, and then the summary says how far it came, and to run
// it again completes it. Rows that could not be mapped are in the summary only.
func (im *Import) Run(ctx context.Context, to *fleet.Editor) (*Summary, error) {
	if im.Mapping == nil || im.Data == nil || im.Keys == nil {
		return nil, errors.New("import: Mapping, Data and Keys are required")
	}
	r := &run{Import: im, to: to, parties: map[string]*party{}, machines: map[string]*machine{}}
	if r.Now == nil {
		r.Now = time.Now
	}
	for i := range r.Mapping.sources {
		s, err := r.read(ctx, &r.Mapping.sources[i])
		if err != nil {
			return nil, err
		}
		r.sources = append(r.sources, s)
	}
	r.match()
	err := r.write(ctx)
	return r.summary(), err
}

// write issues what is new.
func (r *run) write(ctx context.Context) error {
	if err := r.sort(ctx); err != nil {
		return err
	}
	if err := r.mint(ctx); err != nil {
		return err
	}
	err := r.issue(ctx)
	// What was written before an error is whole, and worth keeping.
	return errors.Join(err, r.to.Save())
}

// A run is the state of one Import.
type run struct {
	*Import
	to       *fleet.Editor
	sources  []*source
	machines map[string]*machine // by name
	order    []*machine          // by name of first row
	total    int
	rows     int   // read so far
	bytes    int64 // read so far

	mu       sync.Mutex // guards what follows
	parties  map[string]*party
	problems []*rowProblem
	done     int

	newMachines, newParties int
}

type rowProblem struct {
	row *row
	err error
}

// A party is one of the mapping's parties, once it is needed.
type party struct {
	id  did.DID
	key crypto.Signer // nil until it has to sign
}

// A machine gathers the rows of one machine.
type machine struct {
	name  string
	entry fleet.Machine
	known map[string]bool // ids of credentials in its chain
	rows  []*row          // to be issued
	first time.Time       // of all rows, known or not
	begun bool            // its chain has a first entry
}

func (r *run) fail(row *row, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row.fate = unmapped
	r.problems = append(r.problems, &rowProblem{row, err})
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

// issue makes the credentials, on all cores: the chains do not know of each other.
func (r *run) issue(ctx context.Context) error {
	var todo []*machine
	for _, m := range r.order {
		if len(m.rows) > 0 {
			todo = append(todo, m)
		}
	}
	return parallel(ctx, len(todo), func(i int) error { return r.extend(ctx, todo[i]) })
}

// extend issues the rows of one machine.
func (r *run) extend(ctx context.Context, m *machine) (err error) {
	verifier := &vc.Verifier{Now: r.Now}
	c, err := r.to.Chain(ctx, verifier, m.entry)
	if damage, ok := errors.AsType[*fleet.DamageError](err); ok {
		for _, row := range m.rows {
			r.fail(row, damage)
			r.step()
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if closed := c.Close(); err == nil {
			err = closed
		}
	}()
	held := c.Head.Latest // what an earlier import has entered
	var machineKey crypto.Signer
	mk := maker{party: r.partyID, machine: m.entry.ID, machineKey: m.entry.ID.URL(m.entry.ID.Identifier())}
	for _, row := range m.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		refused, err := r.enter(ctx, c, m, row, mk, held, &machineKey)
		if err != nil {
			return err
		}
		if refused != nil {
			r.fail(row, refused)
		} else {
			row.fate = added
		}
		r.step()
	}
	return nil
}

// enter issues one row as the next entry of c. The first error says why the row
// could not be entered, the second why nothing can.
func (r *run) enter(ctx context.Context, c *fleet.Chain, m *machine, row *row, mk maker, held time.Time, machineKey *crypto.Signer) (refused, err error) {
	spec := row.source.spec
	entry := chain.Entry{Kind: spec.kind, Class: spec.class}
	if row.opened != nil {
		sequence, digest, ok := c.Opened(row.opened.id)
		if !ok {
			return fmt.Errorf("it closes %s:%d, which is not in the record", row.opened.file, row.opened.line), nil
		}
		entry.RefersTo, mk.lease = sequence, digest.String()
	}
	made, err := mk.make(row)
	if err != nil {
		return err, nil
	}
	entry.Due, entry.Outcome = made.due, made.outcome

	credential := &vc.Credential{ID: row.id, Subject: m.entry.ID, Claim: made.claim, ValidFrom: row.time}
	if row.time.Before(held) {
		row.late = true
		credential.Members = map[string]any{"description": "Entered late: the record held later events when this one was reported."}
	}
	if err := c.Head.Append(credential, entry); err != nil {
		return err, nil
	}
	issuer, err := r.signer(ctx, made.issuer)
	if err != nil {
		return nil, err
	}
	raw, err := issuer.Issue(credential)
	if err != nil {
		return err, nil
	}
	for _, name := range made.cosigners {
		if name != machineCosigner {
			if issuer, err = r.signer(ctx, name); err != nil {
				return nil, err
			}
		} else {
			if *machineKey == nil {
				key, id, err := r.key(ctx, m.entry.Key)
				if err != nil {
					return nil, err
				}
				if id != m.entry.ID {
					return nil, fmt.Errorf("import: key %q is that of %s, but machine %s is %s: use the store of keys that belongs to this fleet", m.entry.Key, id, m.name, m.entry.ID)
				}
				*machineKey = key
			}
			issuer = &vc.Issuer{ID: m.entry.ID, Key: *machineKey, Now: r.Now}
		}
		if raw, err = issuer.AddProof(raw); err != nil {
			return err, nil
		}
	}
	err = c.Append(ctx, raw)
	if refusal, ok := errors.AsType[*fleet.RefusedError](err); ok {
		return refusal.Err, nil
	}
	return nil, err
}

// signer returns a party as an issuer.
func (r *run) signer(ctx context.Context, name string) (*vc.Issuer, error) {
	r.mu.Lock()
	p := r.parties[name]
	key := p.key
	r.mu.Unlock()
	if key == nil {
		entry, _ := r.to.Party(name)
		opened, id, err := r.key(ctx, entry.Key)
		if err != nil {
			return nil, err
		}
		if id != p.id {
			return nil, fmt.Errorf("import: key %q is that of %s, but party %s is %s: use the store of keys that belongs to this fleet", entry.Key, id, name, p.id)
		}
		key = opened
		r.mu.Lock()
		p.key = key
		r.mu.Unlock()
	}
	return &vc.Issuer{ID: p.id, Key: key, Now: r.Now}, nil
}

func (r *run) partyID(name string) (did.DID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.parties[name]
	if !ok {
		return did.DID{}, false
	}
	return p.id, true
}

func (r *run) step() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if r.Progress != nil {
		r.Progress(r.done, r.total)
	}
}

func (r *run) summary() *Summary {
	sum := &Summary{NewMachines: r.newMachines, NewParties: r.newParties, Notices: r.to.Notices()}
	for _, s := range r.sources {
		count := SourceSummary{Name: s.spec.Name, Record: s.spec.record, Files: s.files}
		for _, row := range s.rows {
			count.Rows++
			switch row.fate {
			case skipped:
				count.Skipped++
			case known:
				count.Known++
			case added:
				count.Added++
				if row.late {
					count.Late++
				}
			case unmapped:
				count.Unmapped++
			}
		}
		sum.Sources = append(sum.Sources, count)
		if s.spec.record != "" {
			sum.Rows += count.Rows
			sum.Skipped += count.Skipped
			sum.Known += count.Known
			sum.Added += count.Added
			sum.Late += count.Late
			sum.Unmapped += count.Unmapped
		}
	}
	slices.SortStableFunc(r.problems, func(a, b *rowProblem) int { return a.row.compare(b.row) })
	for _, p := range r.problems[:min(len(r.problems), MaxProblems)] {
		sum.Problems = append(sum.Problems, Problem{p.row.source.spec.Name, p.row.file, p.row.line, p.row.machine, p.err})
	}
	return sum
}

// parallel calls do for 0 to n-1, on all cores, until one fails.
func parallel(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

func uuid(sum [32]byte) string {
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80 // version 8 (RFC 9562 §5.8)
	b[8] = b[8]&0x3f | 0x80 // variant
	h := hex.EncodeToString(b)
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
