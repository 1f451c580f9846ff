package eval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Plan says what the simulator is to run. As JSON it is what somebody else needs to run
// other worlds and other attackers.
type Plan struct {
	World     World      `json:"world"`
	Scenarios []Scenario `json:"scenarios"`
}

// A Scenario is an attack, and what scores have to come to under it.
type Scenario struct {
	Name   string `json:"name"`           // such as "T3"; unique
	Title  string `json:"title"`          // in words
	Attack Attack `json:"attack"`         //
	Roots  int    `json:"roots,omitzero"` // in place of the world's; zero means the world's

	AUC     Target `json:"auc,omitzero"`
	ECE     Target `json:"ece,omitzero"`
	Windows Target `json:"windows,omitzero"` // to detection, under milking

	// PublishedAUC and PublishedECE are what the plan's table gives for baselines, by method.
	PublishedAUC map[string]float64 `json:"publishedAUC,omitzero"`
	PublishedECE map[string]float64 `json:"publishedECE,omitzero"`

	Note string `json:"note,omitzero"` // printed with the row: what was tried, if it is below target
}

// DefaultPlan is the attack table of the plan of this project, T1 to T12. T11, calibration,
// is the rows of ECE in T1, T3 and T8.
func DefaultPlan() Plan {
	published := func(beta, weighted, eigen float64) map[string]float64 {
		m := map[string]float64{}
		for name, v := range map[string]float64{"Beta": beta, "weighted mean": weighted, "EigenTrust": eigen} {
			if v != 0 {
				m[name] = v
			}
		}
		return m
	}
	least := func(v float64) Target { return Target{AtLeast: v} }
	most := func(v float64) Target { return Target{AtMost: v} }
	ring := func(share int) Attack { return Attack{Colluding: share, Volume: 10} }
	mixed := ring(30)
	mixed.Hiding, mixed.Whitewash = 80, 40
	return Plan{World: DefaultWorld(), Scenarios: []Scenario{
		{Name: "T1", Title: "honest", AUC: least(.986), ECE: most(.04), PublishedAUC: published(.988, .982, .924), PublishedECE: published(.050, .045, 0)},
		{Name: "T2", Title: "30 % invert", Attack: Attack{Inverting: 30}, AUC: least(.98), PublishedAUC: published(.740, .732, .877)},
		{Name: "T3", Title: "30 % collude, ×10", Attack: ring(30), AUC: least(.965), ECE: most(.05), PublishedAUC: published(.003, .010, .502), PublishedECE: published(.154, .157, 0)},
		{Name: "T4a", Title: "50 % collude, ×10", Attack: ring(50), AUC: least(.945), PublishedAUC: published(0, .002, .20)},
		{Name: "T4b", Title: "70 % collude, ×10", Attack: ring(70), AUC: least(.85), PublishedAUC: published(0, .002, .08)},
		{Name: "T5", Title: "isolated clique 30 %, ×10", Attack: Attack{Clique: 30, Volume: 10}, AUC: least(.98), PublishedAUC: published(.076, .149, .919)},
		{Name: "T6", Title: "milking from 70 % on", Attack: Attack{Milking: 70}, AUC: least(.989), Windows: most(6), PublishedAUC: published(.952, .989, .784)},
		{Name: "T7", Title: "whitewash", Attack: Attack{Whitewash: 40}, AUC: least(.98), PublishedAUC: published(.979, .968, .977)},
		{Name: "T8", Title: "80 % of bad hidden", Attack: Attack{Hiding: 80}, AUC: least(.99), ECE: most(.08), PublishedAUC: published(.658, .617, .802), PublishedECE: published(.033, .045, 0)},
		{Name: "T9", Title: "T3 + hiding + whitewash", Attack: mixed, AUC: least(.95), PublishedAUC: published(.001, .004, .761)},
		{Name: "T10", Title: "sleepers 30 %, ×10", Attack: Attack{Sleeping: 30, Volume: 10, Clients: 50}, AUC: least(.92), PublishedAUC: published(.722, 0, 0)},
		{Name: "T12", Title: "T3 with 2 roots", Attack: ring(30), Roots: 2, AUC: least(.96)},
	}}
}

// MaxPlanBytes bounds the text of a plan.
const MaxPlanBytes = 1 << 20

// ParsePlan reads a plan. Members that the world does not give are those of [DefaultWorld].
// It refuses unknown and duplicate members, and worlds and attacks that cannot be.
func ParsePlan(text []byte) (*Plan, error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxPlanBytes})
	if err != nil {
		return nil, fmt.Errorf("eval: plan: %w", err)
	}
	p := &Plan{World: DefaultWorld()}
	if err := json.Unmarshal([]byte(doc.Root().Raw()), p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("eval: plan: %w", err)
	}
	return p, p.Validate()
}

// Validate refuses a plan with a world or an attack that cannot be, or a name given twice.
func (p *Plan) Validate() error {
	if len(p.Scenarios) == 0 {
		return fmt.Errorf("eval: plan: no scenarios: give one at least")
	}
	seen := map[string]bool{}
	for i, s := range p.Scenarios {
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("eval: plan: scenarios[%d]: name %.60q must be given, and once", i, s.Name)
		}
		seen[s.Name] = true
		w := s.world(p.World)
		if err := w.Validate(); err != nil {
			return fmt.Errorf("scenario %s: %w", s.Name, err)
		}
		if err := s.Attack.Validate(w); err != nil {
			return fmt.Errorf("scenario %s: %w", s.Name, err)
		}
	}
	return nil
}

// JSON returns the plan as indented text that [ParsePlan] reads.
func (p *Plan) JSON() ([]byte, error) {
	return json.Marshal(p, json.Deterministic(true), jsontext.WithIndent("  "))
}

func (s Scenario) world(w World) World {
	if s.Roots != 0 {
		w.Roots = s.Roots
	}
	return w
}

// Tasks returns a task for each scenario, in order, to be run with each of the seeds.
func (p *Plan) Tasks(seeds ...uint64) []Task {
	tasks := make([]Task, len(p.Scenarios))
	for i, s := range p.Scenarios {
		tasks[i] = &simulated{s, s.world(p.World), seeds}
	}
	return tasks
}

// The measures of a simulated scenario.
const (
	MeasureAUC     = "AUC"      // of telling good machines from bad ones
	MeasureECE     = "ECE"      // of the mean, against what happens in the week after the last
	MeasureBrier   = "Brier"    // likewise
	MeasureLogLoss = "log-loss" // likewise
	MeasureWindows = "windows"  // from turning bad to being found: see [Detection]
)

// simulated is the task of one scenario.
type simulated struct {
	Scenario
	world World
	seeds []uint64
}

func (t *simulated) Name() string { return t.Scenario.Name }

func (t *simulated) Run(ctx context.Context, report func(done, total int)) ([]Row, error) {
	methods := append(append([]Method{Hourmeter()}, Baselines()...), KnownTrust())
	rows := []Row{
		t.row(MeasureAUC, t.AUC), t.row(MeasureECE, t.ECE), t.row(MeasureBrier, Target{}), t.row(MeasureLogLoss, Target{}),
	}
	if t.Attack.Milking > 0 {
		rows = append(rows, t.row(MeasureWindows, t.Windows))
	}
	rows[0].Note = t.Note
	values := map[[2]string][]float64{} // by measure and method, one for each seed
	for n, seed := range t.seeds {
		s, err := t.world.Simulate(t.Attack, seed)
		if err != nil {
			return nil, err
		}
		for _, m := range methods {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			measured, err := measure(m, s)
			if err != nil {
				return nil, fmt.Errorf("%s, seed %d, %s: %w", t.Name(), seed, m.Name, err)
			}
			for name, v := range measured {
				values[[2]string{name, m.Name}] = append(values[[2]string{name, m.Name}], v)
			}
		}
		report(n+1, len(t.seeds))
	}
	for i := range rows {
		r := &rows[i]
		for _, m := range methods {
			if v := values[[2]string{r.Metric, m.Name}]; len(v) > 0 {
				c := Cell{Method: m.Name, Estimate: Summary(v)}
				switch r.Metric {
				case MeasureAUC:
					c.Published = t.PublishedAUC[m.Name]
				case MeasureECE:
					c.Published = t.PublishedECE[m.Name]
				}
				r.Cells = append(r.Cells, c)
			}
		}
	}
	return rows, nil
}

func (t *simulated) row(metric string, target Target) Row {
	return Row{Task: t.Scenario.Name, Scenario: t.Title, Metric: metric, Target: target}
}

// measure lets one method judge one simulation.
func measure(m Method, s *Simulation) (map[string]float64, error) {
	judgements, err := m.Judge(View{s, s.World.Windows})
	if err != nil {
		return nil, err
	}
	n := len(judgements)
	scores, means, good, next := make([]float64, n), make([]float64, n), make([]bool, n), make([]bool, n)
	for i, j := range judgements {
		scores[i], means[i] = j.Score, j.Mean
		good[i], next[i] = !s.Machines[i].Bad, s.Machines[i].Next
	}
	values := map[string]float64{MeasureAUC: AUC(scores, good)}
	if means[0] == means[0] { // it gives probabilities
		values[MeasureECE], values[MeasureBrier], values[MeasureLogLoss] = ECE(means, next), Brier(means, next), LogLoss(means, next)
	}
	if s.Attack.Milking > 0 {
		if values[MeasureWindows], err = Detection(m, s); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// falseAlarms is the share of good machines that [Detection] lets a method suspect in each
// window, in percent.
const falseAlarms = 5

// Detection is after how many windows the median of the machines that turn bad is found: it
// is found in the first window in which its score is below that of all but five percent of
// the good machines. Every method thus raises as many false alarms. One that has not been
// found at the end counts as found one window later.
func Detection(m Method, s *Simulation) (float64, error) {
	turned := s.World.Windows * s.Attack.Milking / 100
	never := s.World.Windows - turned + 1
	found := map[int]int{}
	for after := 1; after < never; after++ {
		judgements, err := m.Judge(View{s, turned + after})
		if err != nil {
			return 0, err
		}
		var good []float64
		for i, j := range judgements {
			if !s.Machines[i].Bad {
				good = append(good, j.Score)
			}
		}
		slices.Sort(good)
		threshold := good[len(good)*falseAlarms/100]
		for i, j := range judgements {
			if s.Machines[i].Bad && found[i] == 0 && j.Score < threshold {
				found[i] = after
			}
		}
	}
	var delays []float64
	for i := range s.World.Machines {
		if s.Machines[i].Bad {
			delays = append(delays, float64(cmp.Or(found[i], never)))
		}
	}
	slices.Sort(delays)
	return (delays[(len(delays)-1)/2] + delays[len(delays)/2]) / 2, nil
}

// Only returns the scenarios whose names are listed, or begin with a listed name and go on
// with a small letter; T11 stands for those with a target for calibration.
func (p *Plan) Only(names ...string) []Scenario {
	return slices.DeleteFunc(slices.Clone(p.Scenarios), func(s Scenario) bool {
		return !slices.ContainsFunc(names, func(name string) bool {
			rest, ok := strings.CutPrefix(s.Name, name)
			return ok && (rest == "" || len(rest) == 1 && 'a' <= rest[0] && rest[0] <= 'z') || name == "T11" && s.ECE != (Target{})
		})
	})
}
