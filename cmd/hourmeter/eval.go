package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/reputation/eval"
)

// An evalRequest is what the flags of eval say.
type evalRequest struct {
	seeds     string
	only      []string
	machines  int
	plan      string
	data      string
	ratings   []string
	svg       string
	force     bool
	all       bool
	printPlan bool
	strict    bool
}

func (a *app) evalCommand() *cobra.Command {
	var r evalRequest
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure scores under attack, and on public data, beside other methods",
		Long: `Simulate worlds of issuers and machines of which some cheat, and print how well scores
tell good machines from bad ones, beside other methods and the targets T1 to T12 (T11,
calibration, is the rows of ECE). A row below its target says so. Figures in brackets are
what the plan's table gives for a method. docs/EVALUATION.md says how it is done, and what
it cannot show.

Public data is read from --data FOLDER, as described there; what is not there is skipped,
and named. Other attackers, other strengths: write --print-plan to a file, change it, and
give it as --plan. The same seeds give the same table everywhere.`,
		Example: `  hourmeter eval
  hourmeter eval --seeds 1-3 --only T3,T10 --all
  hourmeter eval --print-plan > plan.json && hourmeter eval --plan plan.json
  hourmeter eval --json --svg pictures > table.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.eval(cmd.Context(), r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.seeds, "seeds", "101-103", "seeds of the worlds, such as 1-3 or 4,7,9")
	f.StringSliceVar(&r.only, "only", nil, "tasks to run, such as T3,T10,otc (default all)")
	f.IntVar(&r.machines, "machines", 0, "machines in each world (default the plan's: 2000)")
	f.StringVar(&r.plan, "plan", "", "`file` of the world and its attackers (see --print-plan)")
	f.StringVar(&r.data, "data", "", "`folder` of public data (default $HOURMETER_DATA, or ../shared/data)")
	f.StringArrayVar(&r.ratings, "ratings", nil, "`file` of a further rating network: from,to,rating,time (may be repeated)")
	f.StringVar(&r.svg, "svg", "", "`folder` to draw into; made if it is not there")
	f.BoolVar(&r.force, "force", false, "replace drawings that are there")
	f.BoolVar(&r.all, "all", false, "print all measures, not only those with a target")
	f.BoolVar(&r.printPlan, "print-plan", false, "print the plan that would be run, and stop")
	f.BoolVar(&r.strict, "strict", false, "exit with code 4 if a row is below its target")
	return cmd
}

func (a *app) eval(ctx context.Context, r evalRequest) error {
	seeds, err := parseSeeds(r.seeds)
	if err != nil {
		return err
	}
	plan := eval.DefaultPlan()
	if r.plan != "" {
		text, err := a.read(r.plan, eval.MaxPlanBytes)
		if err != nil {
			return err
		}
		given, err := eval.ParsePlan(text)
		if err != nil {
			return fmt.Errorf("%s: %w", r.plan, err)
		}
		plan = *given
	}
	if r.machines != 0 {
		plan.World.Machines = r.machines
		if err := plan.Validate(); err != nil {
			return err
		}
	}
	if r.printPlan {
		text, err := plan.JSON()
		if err != nil {
			return err
		}
		return a.write(output{}, append(text, '\n'))
	}

	var drawings []output
	if r.svg != "" {
		for _, name := range eval.FigureNames() {
			out := output{name: filepath.Join(r.svg, name), force: r.force}
			if err := out.free(); err != nil { // now, rather than in minutes
				return err
			}
			drawings = append(drawings, out)
		}
	}
	tasks, err := a.evalTasks(r, plan, seeds)
	if err != nil {
		return err
	}
	report, finish := a.progress("evaluate")
	table, err := eval.Evaluate(ctx, tasks, report)
	finish()
	if err != nil {
		return err
	}
	table.Seeds, table.World = seeds, plan.World
	if r.svg != "" {
		report, finish := a.progress("draw")
		figures, err := plan.Draw(ctx, seeds[0], report)
		finish()
		if err != nil {
			return err
		}
		if err := os.MkdirAll(r.svg, 0o777); err != nil {
			return fileError(r.svg, err)
		}
		for i, figure := range figures {
			if err := a.write(drawings[i], figure.SVG); err != nil {
				return err
			}
		}
	}
	result := Evaluation{Verdict: Valid, Table: *table, Missed: []string{}}
	for _, row := range table.Missed() {
		result.Verdict = Refused
		result.Missed = append(result.Missed, row.Task+" "+row.Metric)
	}
	if err := a.print(result, func(w io.Writer) { result.print(w, r.all) }); err != nil {
		return err
	}
	if r.strict && result.Verdict != Valid {
		return &verdictError{verdict: result.Verdict}
	}
	return nil
}

// evalTasks returns what is to be run: the simulated scenarios, then the public data.
func (a *app) evalTasks(r evalRequest, plan eval.Plan, seeds []uint64) ([]eval.Task, error) {
	data := r.data
	if data == "" {
		data = cmp.Or(a.getenv("HOURMETER_DATA"), filepath.Join("..", "shared", "data"))
	}
	public := eval.PublicData(data, seeds, r.ratings...)
	if len(r.only) == 0 {
		return append(plan.Tasks(seeds...), public...), nil
	}
	public = slices.DeleteFunc(public, func(t eval.Task) bool { return !slices.Contains(r.only, t.Name()) })
	for _, name := range r.only {
		if len(plan.Only(name)) == 0 && !slices.ContainsFunc(public, func(t eval.Task) bool { return t.Name() == name }) {
			return nil, fmt.Errorf("--only %s: no such task", name)
		}
	}
	plan.Scenarios = plan.Only(r.only...)
	return append(plan.Tasks(seeds...), public...), nil
}

// maxSeeds bounds what --seeds may ask for.
const maxSeeds = 1000

// parseSeeds reads a list of numbers and ranges, such as 1-3,7.
func parseSeeds(s string) (seeds []uint64, err error) {
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.ParseUint(first, 10, 64)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseUint(last, 10, 64)
		}
		if err != nil || to < from || to-from >= maxSeeds || len(seeds) >= maxSeeds {
			return nil, fmt.Errorf("--seeds: %q is no list of at most %d seeds like 1-3,7", s, maxSeeds)
		}
		for seed := from; ; seed++ {
			if slices.Contains(seeds, seed) {
				return nil, fmt.Errorf("--seeds: %d is there twice: it would count twice", seed)
			}
			seeds = append(seeds, seed)
			if seed == to {
				break
			}
		}
	}
	return seeds, nil
}

func (e *Evaluation) print(w io.Writer, all bool) {
	shown := e.Table
	if !all {
		shown.Rows = slices.DeleteFunc(slices.Clone(shown.Rows), func(r eval.Row) bool { return r.Target == (eval.Target{}) && r.Note == "" })
	}
	shown.Print(w)
	fmt.Fprintf(w, "\nseeds %s; %d issuers (%d roots), %d machines, %d weeks\n",
		strings.Trim(strings.Join(strings.Fields(fmt.Sprint(e.Seeds)), ", "), "[]"), e.World.Issuers, e.World.Roots, e.World.Machines, e.World.Windows)
	if len(e.Missed) == 0 {
		fmt.Fprintln(w, "Every row reaches its target.")
		return
	}
	fmt.Fprintf(w, "Below target: %s.\n", strings.Join(e.Missed, ", "))
}
