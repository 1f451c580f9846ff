package eval

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a world in which tests take little time.
func small() World {
	w := DefaultWorld()
	w.Machines = 200
	return w
}

func simulate(t *testing.T, a Attack) *Simulation {
	s, err := small().Simulate(a, 1)
	require.NoError(t, err)
	return s
}

// fingerprint is a digest of all that happened.
func fingerprint(s *Simulation) string {
	h := sha256.New()
	fmt.Fprintln(h, s.Issuers, s.Accreditations)
	for i := range s.Machines {
		m := &s.Machines[i]
		fmt.Fprintln(h, m.ID, m.Bad, m.Client, m.Discarded, m.Next, m.born, m.Ratings)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// The same seed gives the same world on every architecture and with every release of Go.
// Who changes these digests changes every figure of docs/EVALUATION.md.
func TestSeedsGiveTheSameWorldEverywhere(t *testing.T) {
	all := Attack{Inverting: 10, Colluding: 10, Clique: 10, Sleeping: 10, Volume: 3, Clients: 50, Hiding: 50, Milking: 70, Whitewash: 40}
	require.Equal(t, pinnedHonest, fingerprint(simulate(t, Attack{})))
	require.Equal(t, pinnedAll, fingerprint(simulate(t, all)))
	other, err := small().Simulate(Attack{}, 2)
	require.NoError(t, err)
	require.NotEqual(t, pinnedHonest, fingerprint(other))
}

const (
	pinnedHonest = "a2e995c422fb5fa7"
	pinnedAll    = "81636503d14182ad"
)

// praised is the share of good reports on machines of which keep is true, by issuers of a role.
func praised(s *Simulation, role Role, keep func(*Machine, Rating) bool) (share float64, n int) {
	good := 0
	for i := range s.Machines {
		m := &s.Machines[i]
		for _, r := range m.Ratings {
			if s.Issuers[r.Issuer].Role == role && keep(m, r) {
				n++
				if r.Kept {
					good++
				}
			}
		}
	}
	return float64(good) / float64(n), n
}

func isGood(m *Machine, _ Rating) bool   { return !m.Bad }
func isBad(m *Machine, _ Rating) bool    { return m.Bad }
func isClient(m *Machine, _ Rating) bool { return m.Client }

// Each attacker does what it says, and as much as it says.
func TestAttackersDoWhatTheySay(t *testing.T) {
	share := func(s *Simulation, role Role, keep func(*Machine, Rating) bool) float64 {
		v, n := praised(s, role, keep)
		require.NotZero(t, n)
		return v
	}
	count := func(s *Simulation, role Role, keep func(*Machine, Rating) bool) float64 {
		_, n := praised(s, role, keep)
		return float64(n)
	}
	members := func(s *Simulation, role Role) (n int) {
		for i, issuer := range s.Issuers {
			if issuer.Role == role {
				n++
				require.False(t, issuer.Root && role != Honest, "issuer %d", i)
			}
		}
		return n
	}

	t.Run("honest", func(t *testing.T) {
		s := simulate(t, Attack{})
		require.Equal(t, 200, members(s, Honest))
		require.InDelta(t, .945, share(s, Honest, isGood), .01, "good machines always keep; issuers are right in 90 to 99 %")
		require.InDelta(t, .74*.945+.26*.055, share(s, Honest, isBad), .03, "bad ones keep 60 to 88 %")
		require.InDelta(t, 200*40*1.8, count(s, Honest, func(*Machine, Rating) bool { return true }), 300)
	})
	t.Run("inverting", func(t *testing.T) {
		s := simulate(t, Attack{Inverting: 30})
		require.Equal(t, 60, members(s, Inverter))
		require.InDelta(t, .055, share(s, Inverter, isGood), .01)
		require.InDelta(t, .945, share(s, Honest, isGood), .01)
		require.InDelta(t, .3, count(s, Inverter, isGood)/(count(s, Inverter, isGood)+count(s, Honest, isGood)), .05, "no more volume than others")
	})
	t.Run("colluding", func(t *testing.T) {
		s := simulate(t, Attack{Colluding: 30, Volume: 10})
		require.Equal(t, 60, members(s, Colluder))
		require.Equal(t, 1.0, share(s, Colluder, isBad))
		require.Equal(t, 0.0, share(s, Colluder, isGood))
		require.InDelta(t, 10*.3/.7, count(s, Colluder, isBad)/count(s, Honest, isBad), .4)
		require.InDelta(t, .3/.7, count(s, Colluder, isGood)/count(s, Honest, isGood), .05)
	})
	t.Run("clique", func(t *testing.T) {
		s := simulate(t, Attack{Clique: 30, Volume: 10})
		require.Equal(t, 1.0, share(s, Cliquer, isBad))
		require.Zero(t, count(s, Cliquer, isGood))
		for _, a := range s.Accreditations {
			require.False(t, s.Issuers[a[1]].Role == Cliquer && s.Issuers[a[0]].Role != Cliquer, "nobody accredits it")
		}
	})
	t.Run("sleeping", func(t *testing.T) {
		s := simulate(t, Attack{Sleeping: 30, Volume: 10, Clients: 50})
		require.Equal(t, 1.0, share(s, Sleeper, isClient))
		require.InDelta(t, .945, share(s, Sleeper, isGood), .01)
		require.InDelta(t, .74*.945+.26*.055, share(s, Sleeper, func(m *Machine, _ Rating) bool { return m.Bad && !m.Client }), .04)
		clients := 0
		for i := range s.Machines {
			if s.Machines[i].Client {
				clients++
				require.True(t, s.Machines[i].Bad)
			}
		}
		require.Equal(t, 30, clients, "half of 30 % of 200")
	})
	t.Run("milking", func(t *testing.T) {
		s := simulate(t, Attack{Milking: 70})
		require.InDelta(t, .945, share(s, Honest, func(m *Machine, r Rating) bool { return m.Bad && r.Window < 28 }), .02)
		require.InDelta(t, .53*.945+.47*.055, share(s, Honest, func(m *Machine, r Rating) bool { return m.Bad && r.Window >= 28 }), .05)
	})
	t.Run("hiding", func(t *testing.T) {
		honest, s := simulate(t, Attack{}), simulate(t, Attack{Hiding: 80})
		bad := func(m *Machine, r Rating) bool { return m.Bad && !r.Kept }
		hidden := count(s, Honest, func(m *Machine, r Rating) bool {
			require.False(t, r.Hidden && (r.Kept || !m.Bad), "only what is bad about bad machines")
			return r.Hidden
		})
		require.InDelta(t, .8, hidden/count(s, Honest, bad), .04)
		require.InDelta(t, count(honest, Honest, bad), count(s, Honest, bad), 200)
	})
	t.Run("whitewash", func(t *testing.T) {
		s := simulate(t, Attack{Whitewash: 40})
		require.Len(t, s.Machines, 260)
		for i, m := range s.Machines {
			require.Equal(t, i >= 200, m.Discarded)
			for _, r := range m.Ratings {
				if !m.Discarded && m.Bad {
					require.GreaterOrEqual(t, int(r.Window), max(16, m.born))
				}
			}
		}
	})
}

func TestRefusesImpossibleWorlds(t *testing.T) {
	for name, change := range map[string]func(*World, *Attack){
		"no roots":             func(w *World, _ *Attack) { w.Roots = 0 },
		"more roots than all":  func(w *World, _ *Attack) { w.Roots = 201 },
		"one machine":          func(w *World, _ *Attack) { w.Machines = 1 },
		"no windows":           func(w *World, _ *Attack) { w.Windows = 0 },
		"nothing to tell":      func(w *World, _ *Attack) { w.BadPercent = 0 },
		"no regulars":          func(w *World, _ *Attack) { w.Regulars = 0 },
		"accuracies reversed":  func(w *World, _ *Attack) { w.AccuracyLow = 100 },
		"no percentage":        func(w *World, _ *Attack) { w.KeptGood = 101 },
		"negative share":       func(_ *World, a *Attack) { a.Hiding = -1 },
		"roots would attack":   func(_ *World, a *Attack) { a.Colluding, a.Inverting = 50, 50 },
		"more than all memory": func(w *World, a *Attack) { w.Machines, a.Volume = 100_000, 1000 },
	} {
		w, a := DefaultWorld(), Attack{}
		change(&w, &a)
		_, err := w.Simulate(a, 1)
		require.Error(t, err, name)
	}
}
