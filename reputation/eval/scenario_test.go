package eval

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlanIsReadAsWritten(t *testing.T) {
	p := DefaultPlan()
	text, err := p.JSON()
	require.NoError(t, err)
	read, err := ParsePlan(text)
	require.NoError(t, err)
	require.Equal(t, &p, read)

	read, err = ParsePlan([]byte(`{"world": {"machines": 10}, "scenarios": [{"name": "mine", "title": "mine", "attack": {"hiding": 10}}]}`))
	require.NoError(t, err)
	require.Equal(t, 10, read.World.Machines)
	require.Equal(t, DefaultWorld().Issuers, read.World.Issuers, "what is not given is as usual")

	for name, text := range map[string]string{
		"unknown member": `{"scenarios": [{"name": "a", "attack": {"sybils": 1}}]}`,
		"name twice":     `{"scenarios": [{"name": "a"}, {"name": "a"}]}`,
		"no name":        `{"scenarios": [{"title": "a"}]}`,
		"no scenarios":   `{}`,
		"impossible":     `{"scenarios": [{"name": "a", "attack": {"colluding": 101}}]}`,
		"too many roots": `{"scenarios": [{"name": "a", "roots": 1000}]}`,
		"two members":    `{"world": {}, "world": {}, "scenarios": [{"name": "a"}]}`,
		"not JSON":       `T1`,
	} {
		_, err := ParsePlan([]byte(text))
		require.Error(t, err, name)
	}
}

func FuzzParsePlan(f *testing.F) {
	p := DefaultPlan()
	text, err := p.JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"world": {"machines": 2}, "scenarios": [{"name": "a", "roots": 3}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePlan(text)
		if err != nil {
			return
		}
		again, err := p.JSON()
		require.NoError(t, err)
		read, err := ParsePlan(again)
		require.NoError(t, err)
		require.Equal(t, p, read)
	})
}

func TestOnly(t *testing.T) {
	p := DefaultPlan()
	names := func(only ...string) (names []string) {
		for _, s := range p.Only(only...) {
			names = append(names, s.Name)
		}
		return names
	}
	require.Equal(t, []string{"T1"}, names("T1"))
	require.Equal(t, []string{"T4a", "T4b"}, names("T4"))
	require.Equal(t, []string{"T1", "T3", "T8"}, names("T11"))
	require.Empty(t, names("otc"))
}

// A fake task says what it is told to.
type fake struct {
	name string
	err  error
}

func (f fake) Name() string { return f.name }
func (f fake) Run(_ context.Context, report func(done, total int)) ([]Row, error) {
	report(1, 1)
	return []Row{{Task: f.name, Metric: "AUC", Target: Target{AtLeast: .9}, Cells: []Cell{{Method: Ours, Estimate: Summary([]float64{.8})}}}}, f.err
}

func TestEvaluateKeepsOrderAndNamesWhatIsAbsent(t *testing.T) {
	done := 0
	table, err := Evaluate(t.Context(), []Task{fake{"a", nil}, fake{"b", fmt.Errorf("eval: ratings.csv: %w", fs.ErrNotExist)}, fake{"c", nil}}, func(d, total int) {
		done = d
		require.Equal(t, 3, total)
	})
	require.NoError(t, err)
	require.Equal(t, 3, done)
	require.Equal(t, []Absence{{"b", "eval: ratings.csv: file does not exist"}}, table.Absent)
	require.Len(t, table.Rows, 2)
	require.Equal(t, "a", table.Rows[0].Task)
	require.Len(t, table.Missed(), 2)

	var text bytes.Buffer
	require.NoError(t, table.Print(&text))
	require.Contains(t, text.String(), "≥ 0.900  BELOW")
	require.Contains(t, text.String(), "b was not run: eval: ratings.csv")

	_, err = Evaluate(t.Context(), []Task{fake{"a", errors.New("torn")}}, nil)
	require.EqualError(t, err, "torn")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := DefaultPlan()
	_, err = Evaluate(ctx, p.Tasks(1), nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTargets(t *testing.T) {
	require.True(t, Target{}.Met(0))
	require.True(t, Target{AtLeast: .98}.Met(.9796), "to the three digits that targets have")
	require.False(t, Target{AtLeast: .98}.Met(.979))
	require.True(t, Target{AtMost: .04}.Met(.0404))
	require.False(t, Target{AtMost: .04}.Met(.041))
}

// Machines that fail for all to see are found at once; a method that sees nothing finds none.
func TestDetection(t *testing.T) {
	w := small()
	w.KeptMilking, w.Reports, w.AccuracyLow, w.AccuracyHigh = 0, 2000, 100, 100
	s, err := w.Simulate(Attack{Milking: 70}, 1)
	require.NoError(t, err)
	found, err := Detection(Baselines()[0], s)
	require.NoError(t, err)
	require.Equal(t, 1.0, found)
	blind := Method{"blind", "", func(v View) ([]Judgement, error) { return make([]Judgement, v.Simulation.World.Machines), nil }}
	found, err = Detection(blind, s)
	require.NoError(t, err)
	require.Equal(t, 13.0, found, "never in the twelve windows that are left")
}

// Drawings are well-formed XML, small, and the same every time.
func TestDrawings(t *testing.T) {
	p := DefaultPlan()
	p.World.Machines, p.World.Windows = 60, 10
	figures, err := p.Draw(t.Context(), 1, nil)
	require.NoError(t, err)
	again, err := p.Draw(t.Context(), 1, nil)
	require.NoError(t, err)
	require.Equal(t, figures, again)
	require.Len(t, figures, 3)
	for _, f := range figures {
		require.Less(t, len(f.SVG), 30_000, f.Name)
		require.NotContains(t, string(f.SVG), "NaN", f.Name)
		require.NotContains(t, string(f.SVG), "%!", f.Name)
		for d := xml.NewDecoder(bytes.NewReader(f.SVG)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else {
				require.NoError(t, err, f.Name)
			}
		}
		require.Contains(t, string(f.SVG), "prefers-color-scheme:dark", f.Name)
	}
}
