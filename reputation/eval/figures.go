package eval

import (
	"context"
	"fmt"
)

// A Figure is a drawing for docs/EVALUATION.md.
type Figure struct {
	Name string // of the file, such as "calibration.svg"
	SVG  []byte // readable on light and dark ground
}

// FigureNames returns the names of the figures that Draw draws, in order.
func FigureNames() []string { return []string{"calibration.svg", "colluders.svg", "milking.svg"} }

// Draw draws what the table measures, in the plan's world with one seed: how well the mean
// is calibrated, the AUC against the share of colluding issuers, and the scores of machines
// that turn bad. report, which may be nil, is called with how many parts are done.
func (p *Plan) Draw(ctx context.Context, seed uint64, report func(done, total int)) ([]Figure, error) {
	figures := make([]Figure, len(FigureNames()))
	tasks := make([]Task, len(figures))
	draws := []func(context.Context, World, uint64) (*chart, error){drawCalibration, drawColluders, drawMilking}
	for i, name := range FigureNames() {
		tasks[i] = drawing{name, func(ctx context.Context) error {
			c, err := draws[i](ctx, p.World, seed)
			if err == nil {
				figures[i] = Figure{name, c.svg()}
			}
			return err
		}}
	}
	_, err := Evaluate(ctx, tasks, report)
	return figures, err
}

// A drawing is a task that has no rows.
type drawing struct {
	name string
	draw func(context.Context) error
}

func (d drawing) Name() string { return d.name }

func (d drawing) Run(ctx context.Context, report func(done, total int)) ([]Row, error) {
	defer report(1, 1)
	return nil, d.draw(ctx)
}

// tenths are 0, .1, … 1 within low and high.
func tenths(low, high int) (ticks []float64) {
	for i := low; i <= high; i++ {
		ticks = append(ticks, float64(i)/10)
	}
	return ticks
}

func drawCalibration(ctx context.Context, w World, seed uint64) (*chart, error) {
	c := &chart{
		title: "Calibration of the mean", x: "probability that obligations are kept next week", y: "share that kept them",
		left: 0, right: 1, bottom: 0, top: 1, xTicks: tenths(0, 10), yTicks: tenths(0, 10), xDigits: 1, yDigits: 1, diagonal: true,
	}
	for _, s := range []struct {
		name   string
		attack Attack
		method Method
	}{
		{"honest", Attack{}, Hourmeter()},
		{"30 % collude", Attack{Colluding: 30, Volume: 10}, Hourmeter()},
		{"80 % hidden", Attack{Hiding: 80}, Hourmeter()},
		{"Beta, 30 % collude", Attack{Colluding: 30, Volume: 10}, Baselines()[0]},
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sim, err := w.Simulate(s.attack, seed)
		if err != nil {
			return nil, err
		}
		judgements, err := s.method.Judge(View{sim, w.Windows})
		if err != nil {
			return nil, err
		}
		means, next := make([]float64, len(judgements)), make([]bool, len(judgements))
		for i, j := range judgements {
			means[i], next[i] = j.Mean, sim.Machines[i].Next
		}
		l := line{name: s.name, dots: true, dashed: s.method.Name != Ours}
		for _, b := range Calibration(means, next) {
			l.x, l.y = append(l.x, b.Mean), append(l.y, b.Happened)
		}
		c.lines = append(c.lines, l)
	}
	return c, nil
}

func drawColluders(ctx context.Context, w World, seed uint64) (*chart, error) {
	c := &chart{
		title: "Telling good machines from bad ones, against colluders", x: "percent of issuers that collude, with ten times the reports", y: "AUC",
		left: 0, right: 80, bottom: 0, top: 1, xTicks: []float64{0, 10, 20, 30, 40, 50, 60, 70, 80}, yTicks: tenths(0, 10), yDigits: 1,
	}
	methods := append([]Method{Hourmeter()}, Baselines()[:3]...)
	c.lines = make([]line, len(methods))
	for share := 0; share <= 80; share += 10 {
		if w.Issuers*share/100 > w.Issuers-w.Roots {
			break
		}
		sim, err := w.Simulate(Attack{Colluding: share, Volume: 10}, seed)
		if err != nil {
			return nil, err
		}
		for i, m := range methods {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			v, err := measure(m, sim)
			if err != nil {
				return nil, err
			}
			l := &c.lines[i]
			l.name, l.dots, l.dashed = m.Name, true, m.Name != Ours
			l.x, l.y = append(l.x, float64(share)), append(l.y, v[MeasureAUC])
		}
	}
	return c, nil
}

func drawMilking(ctx context.Context, w World, seed uint64) (*chart, error) {
	const turn = 70
	sim, err := w.Simulate(Attack{Milking: turn}, seed)
	if err != nil {
		return nil, err
	}
	turned := w.Windows * turn / 100
	c := &chart{
		title: fmt.Sprintf("Machines that turn bad after week %d", turned), x: "weeks", y: "mean, and below it the lower bound",
		left: 0, right: float64(w.Windows), bottom: 0, top: 1, yTicks: tenths(0, 10), yDigits: 1,
		lines: []line{{name: "good machines"}, {name: "turned"}, {name: "Beta, turned", dashed: true}},
	}
	for x := 0; x <= w.Windows; x += max(1, w.Windows/8) {
		c.xTicks = append(c.xTicks, float64(x))
	}
	for window := 1; window <= w.Windows; window++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v := View{sim, window}
		own, err := Hourmeter().Judge(v)
		if err != nil {
			return nil, err
		}
		other, err := beta(v)
		if err != nil {
			return nil, err
		}
		var mean, low, n [3]float64
		for i, j := range own {
			which := int(number(sim.Machines[i].Bad))
			n[which]++
			mean[which] += j.Mean
			low[which] += j.Score
			if which == 1 {
				n[2]++
				mean[2] += other[i].Mean
			}
		}
		for k := range c.lines {
			l := &c.lines[k]
			l.x, l.y = append(l.x, float64(window)), append(l.y, mean[k]/n[k])
			if k < 2 {
				l.high, l.low = append(l.high, mean[k]/n[k]), append(l.low, low[k]/n[k])
			}
		}
	}
	return c, nil
}
