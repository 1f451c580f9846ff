package eval

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// A Task is one thing to measure: a scenario of the simulator, or a set of real data.
type Task interface {
	// Name selects the task, such as "T3" or "otc". It does not change.
	Name() string

	// Run measures. If the task has parts that take long it calls report when it has done
	// one of them; report may be called from several goroutines. An error that wraps
	// [fs.ErrNotExist] says that the data is not there: the table says so and goes on.
	Run(ctx context.Context, report func(done, total int)) ([]Row, error)
}

// Ours names the method that is under test, in [Cell.Method].
const Ours = "hourmeter"

// A Row is one line of a [Table]: one measure in one scenario, by each method.
type Row struct {
	Task     string `json:"task"`     // such as "T3"
	Scenario string `json:"scenario"` // in words
	Metric   string `json:"metric"`   // AUC, Brier, log-loss, ECE, or windows to detection
	Cells    []Cell `json:"cells"`    // ours first
	Target   Target `json:"target,omitzero"`
	Note     string `json:"note,omitzero"` // what one has to know to read it; what was tried, if it is below target
}

// A Cell is what one method came to.
type Cell struct {
	Method    string   `json:"method"`
	Estimate  Estimate `json:"estimate"`
	Published float64  `json:"published,omitzero"` // what the plan's table gives for this method; zero if nothing
}

// A Target is what ours has to reach.
type Target struct {
	AtLeast float64 `json:"atLeast,omitzero"`
	AtMost  float64 `json:"atMost,omitzero"`
}

// String returns the target as "≥ 0.980", or nothing.
func (t Target) String() string {
	switch {
	case t.AtLeast != 0:
		return "≥ " + decimal(t.AtLeast)
	case t.AtMost != 0:
		return "≤ " + decimal(t.AtMost)
	}
	return ""
}

// slack is half a unit of the last digit that is printed and that targets have.
const slack = 0.0005

// Met reports whether a value reaches the target, to the three digits that targets have.
func (t Target) Met(v float64) bool {
	return (t.AtLeast == 0 || v >= t.AtLeast-slack) && (t.AtMost == 0 || v <= t.AtMost+slack)
}

// Cell returns what a method came to.
func (r *Row) Cell(method string) (Cell, bool) {
	for _, c := range r.Cells {
		if c.Method == method {
			return c, true
		}
	}
	return Cell{}, false
}

// Met reports whether ours reaches the row's target. A row without a target is met.
func (r *Row) Met() bool {
	c, ok := r.Cell(Ours)
	return ok && r.Target.Met(c.Estimate.Mean)
}

// A Table is what an evaluation came to.
type Table struct {
	Seeds []uint64 `json:"seeds"` // of the simulated worlds
	World World    `json:"world"`
	Rows  []Row    `json:"rows"`
	// Absent names the tasks whose data was not there, and why.
	Absent []Absence `json:"absent"`
}

// An Absence says why a task was not run.
type Absence struct {
	Task   string `json:"task"`
	Reason string `json:"reason"`
}

// Missed returns the rows below their target.
func (t *Table) Missed() (missed []Row) {
	for _, r := range t.Rows {
		if !r.Met() {
			missed = append(missed, r)
		}
	}
	return missed
}

func decimal(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}

// Print writes the table for people: one block for rows that compare ours with the same
// methods, or with some of them.
func (t *Table) Print(w io.Writer) error {
	for rest := t.Rows; len(rest) > 0; {
		n := 1
		methods := rest[0].others()
		for n < len(rest) && !slices.ContainsFunc(rest[n].others(), func(m string) bool { return !slices.Contains(methods, m) }) {
			n++
		}
		if err := printBlock(w, methods, rest[:n]); err != nil {
			return err
		}
		if rest = rest[n:]; len(rest) > 0 {
			fmt.Fprintln(w)
		}
	}
	for _, r := range t.Rows {
		if r.Note != "" {
			if _, err := fmt.Fprintf(w, "\n%s %s: %s\n", r.Task, r.Metric, r.Note); err != nil {
				return err
			}
		}
	}
	for _, a := range t.Absent {
		if _, err := fmt.Fprintf(w, "\n%s was not run: %s\n", a.Task, a.Reason); err != nil {
			return err
		}
	}
	return nil
}

// others returns the names of the methods beside ours.
func (r *Row) others() (names []string) {
	for _, c := range r.Cells {
		if c.Method != Ours {
			names = append(names, c.Method)
		}
	}
	return names
}

// printBlock writes rows with a column for each of the methods.
func printBlock(w io.Writer, methods []string, rows []Row) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "\tscenario\tmeasure\t%s (95 %%)\ttarget\t\t%s\n", Ours, strings.Join(methods, "\t"))
	for _, r := range rows {
		verdict := ""
		if r.Target != (Target{}) {
			verdict = "met"
			if !r.Met() {
				verdict = "BELOW"
			}
		}
		own, _ := r.Cell(Ours)
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s (%s–%s)\t%s\t%s", r.Task, r.Scenario, r.Metric,
			decimal(own.Estimate.Mean), decimal(own.Estimate.Low), decimal(own.Estimate.High), r.Target, verdict)
		for _, m := range methods {
			text := "-" // it gives no such thing
			if c, ok := r.Cell(m); ok {
				text = decimal(c.Estimate.Mean)
				if c.Published != 0 {
					text += " [" + decimal(c.Published) + "]"
				}
			}
			fmt.Fprintf(tw, "\t%s", text)
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}
