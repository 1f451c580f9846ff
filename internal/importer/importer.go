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
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
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

func (r *run) fail(row *row, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row.fate = unmapped
	r.problems = append(r.problems, &rowProblem{row, err})
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

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
