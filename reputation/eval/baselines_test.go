package eval

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// tiny is a simulation of two issuers, of which the first is root, and two machines.
func tiny() View {
	s := &Simulation{World: World{Issuers: 3, Roots: 1, Machines: 2, Windows: 25}, Issuers: make([]Witness, 3)}
	s.Issuers[0].Root = true
	s.Accreditations = [][2]int{{0, 1}, {1, 0}}
	s.Machines = []Machine{
		{Ratings: []Rating{{Issuer: 0, Window: 0, Kept: true}, {Issuer: 1, Window: 24, Kept: true}, {Issuer: 1, Window: 24, Kept: true}, {Issuer: 2, Window: 24}}},
		{Bad: true, Ratings: []Rating{{Issuer: 1, Window: 0, Kept: true}, {Issuer: 1, Window: 24, Hidden: true}, {Issuer: 2, Window: 24, Kept: true}}},
	}
	return View{s, 25}
}

// Baselines are what the literature says they are.
func TestBaselinesByHand(t *testing.T) {
	// EigenTrust: t0 = .85·t1 + .15, t1 = .85·t0, so t0 = .15/(1-.7225); nobody accredits the third.
	t0 := .15 / (1 - .85*.85)
	t1 := .85 * t0
	want := map[string][2]float64{
		"Beta":          {4. / 6, 3. / 4},
		"weighted mean": {(.5 + 2 + 1) / (.5 + 3 + 2), (.5 + 1 + 1) / (.5 + 1 + 2)},
		// (32 rounds are within .002 of that.) Issuer 0 gives all to machine 0; issuer 1 is satisfied 2 and 1 times.
		"EigenTrust":      {t0 + t1*2/3, t1 / 3},
		"EigenTrust-Beta": {(2*t0 + 4*t1 + 1) / (2*t0 + 4*t1 + 2), (2*t1 + 1) / (2*t1 + 2)}, // trusts have a mean of 1: t0+t1 = 1
		"Wilson":          {.30064, .34238},
		"Beta with gaps":  {4. / 6, 3. / 5},
	}
	for _, m := range Baselines() {
		got, err := m.Judge(tiny())
		require.NoError(t, err)
		require.Len(t, got, 2)
		for i := range got {
			require.InDelta(t, want[m.Name][i], got[i].Score, 2e-3, "%s of machine %d", m.Name, i)
		}
	}
}

// Honest baselines get what they deserve: in a world where everybody is right and nobody
// hides, each tells good from bad almost without fault.
func TestBaselinesAreNotMadeToLose(t *testing.T) {
	w := small()
	w.AccuracyLow, w.AccuracyHigh, w.KeptBadLow, w.KeptBadHigh, w.Reports = 100, 100, 50, 60, 400
	s, err := w.Simulate(Attack{}, 1)
	require.NoError(t, err)
	for _, m := range Baselines() {
		v, err := measure(m, s)
		require.NoError(t, err)
		least := .999
		if m.Name == "EigenTrust" {
			least = .95 // it adds up praise, so it also orders by who was leased more often
		}
		require.Greater(t, v[MeasureAUC], least, m.Name)
	}
}
