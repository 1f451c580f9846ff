package eval

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// mechanics returns the methods of foretelling failures, ours first. Beside it stand our
// scores alone: the probability that their failure rates amount to, without wear and without
// a fitted map; and the mean of the maintenance dimension.
func mechanics() []mechanic {
	return []mechanic{
		{Ours, false, func(machines []MachineHistory, start int64) (func(moment) ([]float64, error), error) {
			w, err := learnWorkshop(machines, start)
			if err != nil {
				return nil, err
			}
			return func(m moment) ([]float64, error) {
				failures, err := w.expect(m, true)
				return []float64{math.Log(failures)}, err
			}, nil
		}},
		{"rates alone", true, func(machines []MachineHistory, start int64) (func(moment) ([]float64, error), error) {
			w, err := learnWorkshop(machines, start)
			if err != nil {
				return nil, err
			}
			return func(m moment) ([]float64, error) {
				failures, err := w.expect(m, false)
				return []float64{math.Log(math.Expm1(failures))}, err // log-odds of 1 - e^-failures
			}, nil
		}},
		{"maintenance mean", false, func(machines []MachineHistory, start int64) (func(moment) ([]float64, error), error) {
			w, err := learnWorkshop(machines, start)
			if err != nil {
				return nil, err
			}
			return func(m moment) ([]float64, error) {
				mean, err := w.maintenance(m)
				return []float64{logit(mean)}, err
			}, nil
		}},
		simple("global rate", func(m moment) []float64 { return nil }),
		simple("age", func(m moment) []float64 { return []float64{float64(m.machine.Age)} }),
		simple("failure rate", func(m moment) []float64 {
			return []float64{math.Log((float64(len(m.machine.Failures)) + 1) / m.days())}
		}),
		simple("Beta", func(m moment) []float64 {
			good, bad := m.months()
			return []float64{logit((good + 1) / (good + bad + 2))}
		}),
		simple("Wilson", func(m moment) []float64 {
			good, bad := m.months()
			return []float64{logit(wilsonLow(good, bad))}
		}),
		simple("weighted mean", func(m moment) []float64 {
			failures, weeks := 0.0, 0.0
			for _, e := range m.machine.Failures {
				failures += math.Exp2(-float64(m.at-e.Time) / (7 * secondsOfDay) / halfLife)
			}
			for age := range int(m.days()) / 7 {
				weeks += math.Exp2(-float64(age) / halfLife)
			}
			return []float64{failures / weeks}
		}),
	}
}

// simple is a method that learns nothing but the logistic map.
func simple(name string, features func(moment) []float64) mechanic {
	return mechanic{name, false, func([]MachineHistory, int64) (func(moment) ([]float64, error), error) {
		return func(m moment) ([]float64, error) { return features(m), nil }, nil
	}}
}

// months counts the spans of one horizon each, from the first day on, without a failure and
// with one.
func (m moment) months() (good, bad float64) {
	i := 0
	for to := m.start + horizon*secondsOfDay; to <= m.at; to += horizon * secondsOfDay {
		failed := false
		for ; i < len(m.machine.Failures) && m.machine.Failures[i].Time < to; i++ {
			failed = true
		}
		bad += number(failed)
		good += number(!failed)
	}
	return good, bad
}

// Parts are scored like machines. Each has a failure rate, with that of its fleet class as
// prior: the same part, in machines of one model and one band of ages.
const (
	ageBand    = 7  // years
	wearDays   = 10 // in a band of wear: days since the part was replaced
	wearBands  = 12 // the last is open
	classWorth = 2  // failures that the mean of all parts counts for in the rate of a class
	priorWorth = 4  // failures that the rate of its class counts for in that of a part
	wearWorth  = 2  // failures that "as often as usual" counts for in a band of wear
)

// A workshop is what was learnt from some machines.
type workshop struct {
	parts  []string
	scorer *reputation.Scorer
	wear   [wearBands]float64        // how many times as often as usual parts of each band fail
	plan   map[string]reputation.Day // by part: how many days after it was replaced it is due again
}

// class names the fleet class of a part of a machine.
func class(h *MachineHistory, part string) string {
	from := h.Age / ageBand * ageBand
	return fmt.Sprintf("%s of %s, %d to %d years", part, h.Model, from, from+ageBand-1)
}

// wearOf is the band of days since the part was replaced.
func wearOf(m *moment, part string) int {
	for _, s := range slices.Backward(m.machine.Services) {
		if s.Name == part {
			return min(int((m.at-s.Time)/(wearDays*secondsOfDay)), wearBands-1)
		}
	}
	return wearBands - 1
}

// operator reports how long parts ran, how often they failed, and when they were replaced.
// Nobody disputes it in these data, so it is the one issuer of the policy.
func operator() did.DID { return did.MustParse("did:example:operator") }

// learnWorkshop makes a policy with a fleet for each class of parts, whose failure-rate prior
// is what the machines of the class came to, and learns how wear matters.
func learnWorkshop(machines []MachineHistory, start int64) (*workshop, error) {
	w := &workshop{plan: map[string]reputation.Day{}}
	end, failures := start, 0.0
	intervals := map[string][]int64{}
	for i := range machines {
		h := &machines[i]
		last := map[string]int64{}
		for _, e := range h.Services {
			if !slices.Contains(w.parts, e.Name) {
				w.parts = append(w.parts, e.Name)
			}
			if before, ok := last[e.Name]; ok {
				intervals[e.Name] = append(intervals[e.Name], e.Time-before)
			}
			last[e.Name] = e.Time
		}
		if n := len(h.Failures); n > 0 {
			end = max(end, h.Failures[n-1].Time)
		}
		failures += float64(len(h.Failures))
	}
	slices.Sort(w.parts)
	for part, all := range intervals {
		slices.Sort(all)
		w.plan[part] = reputation.Day(all[len(all)/2] / secondsOfDay)
	}
	hours := float64(end-start) / 3600
	usual := failures / float64(len(machines)*len(w.parts)) / hours // of a part, in an hour
	if !(usual > 0) {
		return nil, fmt.Errorf("no failures to learn from")
	}

	type count struct{ failures, expected float64 }
	classes := map[string]*count{}
	for i := range machines {
		h := &machines[i]
		for _, part := range w.parts {
			c := classes[class(h, part)]
			if c == nil {
				c = new(count)
				classes[class(h, part)] = c
			}
			c.expected += float64(usual * hours)
			for _, e := range h.Failures {
				c.failures += number(e.Name == part)
			}
		}
	}
	policy := reputation.DefaultPolicy()
	policy.Name = "Machine maintenance"
	policy.Issuers = []reputation.Issuer{{ID: operator(), Reliability: reputation.Reliability{Sensitivity: 980_000, Specificity: 980_000}}}
	policy.Priors.FailureRate = failureRate(usual)
	for name, c := range classes {
		priors := policy.Priors
		priors.FailureRate = failureRate(usual * (c.failures + classWorth) / (c.expected + classWorth))
		policy.Fleets = append(policy.Fleets, reputation.Fleet{Name: name, Models: []string{name}, Priors: priors})
	}
	slices.SortFunc(policy.Fleets, func(a, b reputation.Fleet) int { return cmp.Compare(a.Name, b.Name) })
	var err error
	if w.scorer, err = reputation.NewScorer(policy, nil); err != nil {
		return nil, err
	}

	var bands [wearBands]count
	for _, l := range lessonsOf(machines, start, betweenLessons) {
		for _, part := range w.parts {
			rate, err := w.rate(l.moment, part)
			if err != nil {
				return nil, err
			}
			c := &bands[wearOf(&l.moment, part)]
			c.expected += float64(rate * horizon * 24)
			for _, e := range l.failures {
				c.failures += number(e.Name == part)
			}
		}
	}
	for i, c := range bands {
		w.wear[i] = (c.failures + wearWorth) / (c.expected + wearWorth)
	}
	return w, nil
}

// failureRate is a prior of so many failures in an hour, worth a few failures.
func failureRate(perHour float64) reputation.FailureRate {
	return reputation.FailureRate{PerMillionHours: max(int64(perHour*million), 1), Hours: max(int64(priorWorth/perHour), 1)}
}

// A caseOf collects evidence by the operator.
type caseOf struct{ reputation.Case }

func (c *caseOf) add(e reputation.Evidence) {
	e.Sequence, e.Issuer, e.Standing = int64(len(c.Evidence)), operator(), reputation.Independent
	binary.BigEndian.PutUint64(e.Digest[:], uint64(len(c.Evidence))+1)
	c.Evidence = append(c.Evidence, e)
}

// rate is the failure rate of a part, in failures in an hour: that of its score, from weekly
// reports of how long it ran and how often it failed.
func (w *workshop) rate(m moment, part string) (float64, error) {
	c := caseOf{reputation.Case{Model: class(&m.machine, part), Completeness: chain.C4}}
	i := 0
	for from := m.start; from < m.at; from += 7 * secondsOfDay {
		to := min(from+7*secondsOfDay, m.at)
		e := reputation.Evidence{Day: reputation.Day((to - 1) / secondsOfDay), Dimension: reputation.Availability, Good: to - from}
		for ; i < len(m.machine.Failures) && m.machine.Failures[i].Time < to; i++ {
			e.Failures += int64(number(m.machine.Failures[i].Name == part))
		}
		c.add(e)
	}
	s, err := weigh(w.scorer, c.Case, reputation.Day(m.at/secondsOfDay))
	if err != nil {
		return 0, err
	}
	return float64(s.Failures.PerMillionHours) / million, nil
}

// expect is how many failures of all parts together their rates make expect within the
// horizon; or, if worn, their rates times how wear matters.
func (w *workshop) expect(m moment, worn bool) (failures float64, err error) {
	for _, part := range w.parts {
		rate, err := w.rate(m, part)
		if err != nil {
			return 0, err
		}
		if worn {
			rate *= w.wear[wearOf(&m, part)]
		}
		failures += float64(rate * horizon * 24)
	}
	return failures, nil
}

// maintenance is the mean of the machine's maintenance dimension, from its own record: parts
// replaced in time count as good and failures as bad, and parts that were not replaced after
// the usual time (the median of the machines that were learnt from) are overdue.
func (w *workshop) maintenance(m moment) (float64, error) {
	c := caseOf{reputation.Case{Completeness: chain.C4}}
	due := map[string]reputation.Day{}
	for _, s := range m.machine.Services {
		e := reputation.Evidence{Day: s.day(), Dimension: reputation.Maintenance, Good: event}
		if slices.Contains(m.machine.Failures, s) {
			e.Good, e.Bad = 0, event
		}
		if planned, ok := due[s.Name]; ok {
			c.add(reputation.Evidence{Day: planned, Dimension: reputation.Maintenance, Kind: reputation.Discharge, Bad: 1})
		}
		c.add(e)
		due[s.Name] = s.day() + w.plan[s.Name]
		c.add(reputation.Evidence{Day: due[s.Name], Dimension: reputation.Maintenance, Kind: reputation.Due, Bad: 1})
	}
	s, err := weigh(w.scorer, c.Case, reputation.Day(m.at/secondsOfDay))
	if err != nil {
		return 0, err
	}
	return float64(s.Dimensions[reputation.Maintenance].MeanPpm) / million, nil
}
