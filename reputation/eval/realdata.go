package eval

import (
	"cmp"
	"slices"
)

// realTargets is what ours has to reach on real data.
type realTargets struct{ auc, brier, ece float64 }

// A forecast is what a method said of events, and what they were.
type forecast struct {
	probabilities []float64
	happened      []bool
	subjects      []int64 // whom each event is about
}

// add adds an event.
func (f *forecast) add(probability float64, happened bool, subject int64) {
	f.probabilities, f.happened, f.subjects = append(f.probabilities, probability), append(f.happened, happened), append(f.subjects, subject)
}

// append adds the events of g.
func (f *forecast) append(g forecast) {
	f.probabilities = append(f.probabilities, g.probabilities...)
	f.happened = append(f.happened, g.happened...)
	f.subjects = append(f.subjects, g.subjects...)
}

// forecastRows measures forecasts of the same events, ours first. Intervals are those of
// [Bootstrap] over the subjects, because events about one subject are not independent.
func forecastRows(task, scenario string, names []string, forecasts []forecast, t realTargets, note string) []Row {
	rows := []Row{
		{Metric: "AUC", Target: Target{AtLeast: t.auc}, Note: note},
		{Metric: "Brier", Target: Target{AtMost: t.brier}},
		{Metric: "ECE", Target: Target{AtMost: t.ece}},
		{Metric: "log-loss"},
	}
	for j, measure := range [...]func([]float64, []bool) float64{AUC, Brier, ECE, LogLoss} {
		rows[j].Task, rows[j].Scenario = task, scenario
		for i := range forecasts {
			rows[j].Cells = append(rows[j].Cells, Cell{Method: names[i], Estimate: forecasts[i].bootstrap(measure)})
		}
	}
	return rows
}

// bootstrap is a measure of the forecast with its interval over resamples of the subjects.
func (f *forecast) bootstrap(measure func([]float64, []bool) float64) Estimate {
	subjects := slices.Clone(f.subjects)
	slices.Sort(subjects)
	subjects = slices.Compact(subjects)
	// The events are sorted once, so that measures need not sort them each time.
	order := make([]int, len(f.subjects))
	subject := make([]int, len(f.subjects))
	for i := range order {
		order[i] = i
		subject[i], _ = slices.BinarySearch(subjects, f.subjects[i])
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(f.probabilities[a], f.probabilities[b]) })
	drawn := make([]int, len(subjects))
	var probabilities []float64
	var happened []bool
	return Bootstrap(len(subjects), bootstrapSeed, func(sample []int) float64 {
		clear(drawn)
		for _, s := range sample {
			drawn[s]++
		}
		probabilities, happened = probabilities[:0], happened[:0]
		for _, i := range order {
			for range drawn[subject[i]] {
				probabilities, happened = append(probabilities, f.probabilities[i]), append(happened, f.happened[i])
			}
		}
		return measure(probabilities, happened)
	})
}

// bootstrapSeed may be any number, but stays: intervals are to be the same each time.
const bootstrapSeed = 1
