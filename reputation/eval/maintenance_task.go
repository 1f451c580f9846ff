package eval

import (
	"context"
	"fmt"
	"math"
	"os"
)

// A MachineMaintenance is the task to foretell failures: half of a fleet's machines are for
// learning; of the others it asks on ten days whether a part will fail within the next 30,
// given what was known before. docs/EVALUATION.md says how.
type MachineMaintenance struct {
	Dir   string   // folder of the files that [ReadFleet] reads
	Seeds []uint64 // of the split; each gives one half of the machines to learn from
}

// Name implements [Task].
func (m MachineMaintenance) Name() string { return "maintenance" }

// The days on which failures are foretold, counted from the first day of errors and
// failures: every 30 days from day 60 on, ten in all. What is learnt is learnt from the
// same span, but a day of each week, since learning costs no test data.
const (
	firstCutoff    = 60
	cutoffs        = 10
	horizon        = 30 // days
	betweenLessons = 7  // days
)

// A moment is a machine on a day, as it was known before that day.
type moment struct {
	machine MachineHistory // nothing of the day or later
	start   int64          // first day of errors and failures in the fleet, Unix seconds
	at      int64          // beginning of the day, Unix seconds
}

// days is how long the machine has been watched.
func (m moment) days() float64 { return float64(m.at-m.start) / secondsOfDay }

// A lesson is a moment with what came of it.
type lesson struct {
	moment
	failures []FleetEvent // on the day or within the horizon after it
}

// lessonsOf returns the machines on days from the first cut-off to the last, so many apart.
func lessonsOf(machines []MachineHistory, start int64, apart int) (all []lesson) {
	for _, h := range machines {
		for day := firstCutoff; day <= firstCutoff+(cutoffs-1)*horizon; day += apart {
			at := start + int64(day)*secondsOfDay
			m := moment{h.Before(at), start, at}
			all = append(all, lesson{m, h.Before(at + horizon*secondsOfDay).Failures[len(m.machine.Failures):]})
		}
	}
	return all
}

// watched returns the first day of errors and failures, as Unix seconds, and how many days
// there are until the last.
func watched(fleet []MachineHistory) (start int64, days int) {
	first, last := int64(math.MaxInt64), int64(0)
	for _, h := range fleet {
		for _, events := range [...][]FleetEvent{h.Errors, h.Failures} {
			if n := len(events); n > 0 {
				first, last = min(first, events[0].Time), max(last, events[n-1].Time)
			}
		}
	}
	if last == 0 {
		return 0, 0
	}
	start = first / secondsOfDay * secondsOfDay
	return start, int((last - start) / secondsOfDay)
}

// A mechanic is a method of foretelling failures. It learns from the whole history of some
// machines, and gives features of other machines at a moment. A plain one gives one feature,
// the log-odds of a failure, and is taken at its word.
type mechanic struct {
	name  string
	plain bool
	learn func(machines []MachineHistory, start int64) (features func(moment) ([]float64, error), err error)
}

// folds is how many parts training is cut into, to fit a map to machines from which their
// features were not learnt: otherwise it would be too sure of itself.
const folds = 5

// diagnose lets m learn from training and say how likely each unseen machine is to fail at
// each of its moments. If m is not plain, a logistic map from features to probabilities is
// fitted, also to training machines only.
func diagnose(m mechanic, training, unseen []MachineHistory, start int64) (f forecast, err error) {
	var examples [][]float64
	var failed []bool
	for fold := 0; fold < folds && !m.plain; fold++ {
		var some, rest []MachineHistory
		for i, h := range training {
			if i%folds == fold {
				rest = append(rest, h)
			} else {
				some = append(some, h)
			}
		}
		features, err := m.learn(some, start)
		if err != nil {
			return f, err
		}
		for _, l := range lessonsOf(rest, start, betweenLessons) {
			x, err := features(l.moment)
			if err != nil {
				return f, err
			}
			examples, failed = append(examples, x), append(failed, len(l.failures) > 0)
		}
	}
	predict := func(x []float64) float64 { return 1 / (1 + math.Exp(-x[0])) }
	if !m.plain {
		predict = fitLogistic(examples, failed).predict
	}

	features, err := m.learn(training, start)
	if err != nil {
		return f, err
	}
	for _, l := range lessonsOf(unseen, start, horizon) {
		x, err := features(l.moment)
		if err != nil {
			return f, err
		}
		f.add(predict(x), len(l.failures) > 0, l.machine.ID)
	}
	return f, nil
}

// halves splits the machines by seed.
func halves(fleet []MachineHistory, seed uint64) (training, unseen []MachineHistory) {
	order := newDraws(seed, splitPurpose).shuffle(len(fleet))
	for i, j := range order {
		if i < len(order)/2 {
			training = append(training, fleet[j])
		} else {
			unseen = append(unseen, fleet[j])
		}
	}
	return training, unseen
}

// splitPurpose keeps the split apart from other draws of the same seed.
const splitPurpose = 0x6d61696e74

// Run implements [Task].
func (m MachineMaintenance) Run(ctx context.Context, report func(done, total int)) ([]Row, error) {
	fleet, err := ReadFleet(os.DirFS(m.Dir))
	if err != nil {
		return nil, fmt.Errorf("eval: %s: %w", m.Dir, err)
	}
	start, days := watched(fleet)
	if need := firstCutoff + cutoffs*horizon; days < need || len(fleet) < 2*folds {
		return nil, fmt.Errorf("eval: %s: %d machines watched for %d days: want %d and %d at least", m.Dir, len(fleet), days, 2*folds, need)
	}
	methods := mechanics()
	names, forecasts := make([]string, len(methods)), make([]forecast, len(methods))
	for i, method := range methods {
		names[i] = method.name
		for _, seed := range m.Seeds {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			training, unseen := halves(fleet, seed)
			f, err := diagnose(method, training, unseen, start)
			if err != nil {
				return nil, fmt.Errorf("eval: %s: %s: %w", m.Dir, method.name, err)
			}
			forecasts[i].append(f)
		}
		report(i+1, len(methods))
	}
	return forecastRows("maintenance", "a part fails within 30 days: unseen machines", names, forecasts, realTargets{auc: .65, brier: .240, ece: .05},
		fmt.Sprintf("%d machines, half of them unseen, × %d days × seeds %v", len(fleet), cutoffs, m.Seeds)), nil
}
