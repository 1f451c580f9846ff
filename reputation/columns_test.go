package reputation

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/vc/chain"
)

// Folding columns is folding events, for any order of rows and any number of cores.
func TestColumnsAreEvents(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	rapid.Check(t, func(t *rapid.T) {
		s := scorerFor(t, drawPolicy(t))
		machines := rapid.IntRange(1, 5).Draw(t, "machines")
		var c Columns
		want, got := make([]*State, machines), make([]*State, machines)
		for i := range machines {
			want[i], got[i] = s.State(""), s.State("")
		}
		for _, e := range drawEvidence(t) {
			if e.Kind != Report {
				continue
			}
			if e.Dimension == Availability {
				e.Failures = rapid.Int64Range(0, 1).Draw(t, "failures")
				e.Good *= rapid.SampledFrom([]int64{1, 1, 1, 60, 4000}).Draw(t, "length")
			}
			m := rapid.IntRange(0, machines-1).Draw(t, "machine")
			event, err := s.Event(&e)
			require.NoError(t, err)
			require.NoError(t, want[m].Fold(event))
			slot, err := s.Slot(e.Issuer, e.Standing, e.Dimension)
			require.NoError(t, err)
			require.NoError(t, c.Append(uint32(m), slot, &e))
		}
		if rapid.Bool().Draw(t, "sorted") {
			c = sorted(c)
		}
		runtime.GOMAXPROCS(rapid.IntRange(1, 8).Draw(t, "cores"))
		require.NoError(t, s.FoldColumns(got, &c))
		for i := range machines {
			require.Equal(t, encode(t, want[i]), encode(t, got[i]))
		}
	})
}

// Enough rows for many chunks, whose borders fall within machines.
func TestManyRowsOnAnyNumberOfCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	s := scorerFor(t, trusting(4))
	ordered := year(t, s, 700, 4)
	require.Greater(t, len(ordered.Machine), 8*chunkRows)
	shuffled := reordered(ordered, rand.New(rand.NewPCG(1, 2)).Perm(len(ordered.Machine)))
	var want [][]byte
	for _, c := range []Columns{ordered, shuffled} {
		for _, cores := range []int{1, 2, 7} {
			runtime.GOMAXPROCS(cores)
			states := emptyStates(s, 700)
			require.NoError(t, s.FoldColumns(states, &c))
			var got [][]byte
			for _, st := range states {
				got = append(got, encode(t, st))
			}
			if want == nil {
				want = got
			}
			require.Equal(t, want, got, "%d cores", cores)
		}
	}
}

func TestColumnsThatMakeNoSense(t *testing.T) {
	s, other := scorerFor(t, trusting(2)), scorerFor(t, trusting(2))
	one := Columns{Machine: []uint32{0}, Slot: []Slot{0}, Day: []uint16{uint16(today)}, Good: []uint32{9}, Bad: []uint32{1}}
	same := s.State("")
	full := s.State("")
	full.events = MaxEvents
	for _, test := range []struct {
		name   string
		states []*State
		edit   func(c *Columns)
		want   string
	}{
		{"a column too short", emptyStates(s, 1), func(c *Columns) { c.Day = nil }, "differ in length"},
		{"failures without repairs", emptyStates(s, 1), func(c *Columns) { c.Failures = []uint32{1} }, "differ in length"},
		{"a machine that is not there", emptyStates(s, 1), func(c *Columns) { c.Machine = []uint32{1} }, "a row is about machine 1 of 1"},
		{"a slot of nobody's making", emptyStates(s, 1), func(c *Columns) { c.Slot = []Slot{60_000} }, "row 0 has slot 60000"},
		{"136 years", emptyStates(s, 1), func(c *Columns) { c.Good = []uint32{MaxExposure} }, "at most 4294967295"},
		{"another scorer's state", emptyStates(other, 1), func(*Columns) {}, "another scorer's"},
		{"no state", []*State{nil}, func(*Columns) {}, "is missing"},
		{"a state twice", []*State{same, same}, func(*Columns) {}, "are one"},
		{"a full state", []*State{full}, func(*Columns) {}, "fold fewer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := one
			test.edit(&c)
			require.ErrorContains(t, s.FoldColumns(test.states, &c), test.want)
			for _, st := range test.states {
				require.True(t, st == nil || len(st.keys) == 0, "nothing was counted")
			}
		})
	}
	_, err := s.Slot(issuer(0), Independent, dimensions)
	require.ErrorContains(t, err, "no slot")
	e := Evidence{Digest: digestOf(1), Day: today, Kind: Fact, Bad: 1}
	require.ErrorContains(t, one.Append(0, 0, &e), "columns hold reports")
	e.Day = -1
	require.Error(t, one.Append(0, 0, &e))
}

func emptyStates(s *Scorer, n int) []*State {
	states := make([]*State, n)
	for i := range states {
		states[i] = s.State("LX-4")
		states[i].Completeness = chain.C4
	}
	return states
}

// year is a year of weekly reports about machines on four dimensions, each by one of so many
// issuers, machine by machine.
func year(t require.TestingT, s *Scorer, machines, issuers int) (c Columns) {
	r := rand.New(rand.NewPCG(1, 1))
	var slots [64][4]Slot
	for i := range issuers {
		for d := range Provenance {
			slot, err := s.Slot(issuer(i), Independent, d)
			require.NoError(t, err)
			slots[i][d] = slot
		}
	}
	for m := range machines {
		by := r.IntN(issuers)
		for week := range 52 {
			for d := range Provenance {
				good, bad := uint32(1000), uint32(0)
				if d == Availability {
					good, bad = 600_000, 4_800
				}
				c.Machine = append(c.Machine, uint32(m))
				c.Slot = append(c.Slot, slots[by][d])
				c.Day = append(c.Day, uint16(today)-uint16(7*week))
				c.Good = append(c.Good, good)
				c.Bad = append(c.Bad, bad)
			}
		}
	}
	return c
}

func sorted(c Columns) Columns {
	order := make([]int, len(c.Machine))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(c.Machine[a]) - int(c.Machine[b]) })
	return reordered(c, order)
}

func reordered(c Columns, order []int) (out Columns) {
	for _, i := range order {
		out.Machine = append(out.Machine, c.Machine[i])
		out.Slot = append(out.Slot, c.Slot[i])
		out.Day = append(out.Day, c.Day[i])
		out.Good = append(out.Good, c.Good[i])
		out.Bad = append(out.Bad, c.Bad[i])
		if c.Failures != nil {
			out.Failures = append(out.Failures, c.Failures[i])
			out.RepairSeconds = append(out.RepairSeconds, c.RepairSeconds[i])
		}
	}
	return out
}

// sweep reads the columns and does nothing else: what folding them cannot be faster than.
func sweep(c *Columns) (sum uint64) {
	for i, m := range c.Machine {
		sum += uint64(m) + uint64(c.Slot[i]) + uint64(c.Day[i]) + uint64(c.Good[i]) + uint64(c.Bad[i])
	}
	return sum
}

var swept uint64

// Target: 3 ns per event and core. 5,000 machines, 1,040,000 events, 17 MB, and 18 MB of states.
func BenchmarkFoldColumns(b *testing.B) {
	const machines = 5000
	s := scorerFor(b, trusting(16))
	ordered := year(b, s, machines, 16)
	events := len(ordered.Machine)
	cores := min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	perEvent := func(b *testing.B, cores int) float64 {
		return float64(b.Elapsed().Nanoseconds()) * float64(cores) / float64(b.N) / float64(events)
	}
	plain := 0.0
	b.Run("sweep", func(b *testing.B) {
		for b.Loop() {
			swept += sweep(&ordered)
		}
		plain = perEvent(b, 1)
		b.ReportMetric(plain, "ns/event/core")
	})
	fold := func(c *Columns) func(b *testing.B) {
		return func(b *testing.B) {
			states := emptyStates(s, machines)
			require.NoError(b, s.FoldColumns(states, c)) // a state that has a year already gets more
			for b.Loop() {
				for _, st := range states {
					st.events = 0 // the limit is for real states
				}
				if err := s.FoldColumns(states, c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(perEvent(b, cores), "ns/event/core")
			b.ReportMetric(perEvent(b, cores)/plain, "×sweep")
		}
	}
	b.Run("by machine", fold(&ordered))
	b.Run("new states", func(b *testing.B) {
		for b.Loop() {
			if err := s.FoldColumns(emptyStates(s, machines), &ordered); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(perEvent(b, cores), "ns/event/core")
	})
	order := make([]int, events)
	for i := range order {
		order[i] = i%machines*(events/machines) + i/machines
	}
	weekly := reordered(ordered, order)
	b.Run("by time", fold(&weekly))
	shuffled := reordered(ordered, rand.New(rand.NewPCG(1, 2)).Perm(events))
	b.Run("shuffled", fold(&shuffled))
}

// Scores of a fleet, from its states as they are stored: read, scored, on all cores.
func BenchmarkScoreFleet(b *testing.B) {
	const machines = 10_000
	s := scorerFor(b, trusting(16))
	c := year(b, s, machines, 16)
	states := emptyStates(s, machines)
	require.NoError(b, s.FoldColumns(states, &c))
	stored := make([][]byte, machines)
	var inMemory, inBytes int
	for i, st := range states {
		stored[i] = encode(b, st)
		inBytes += len(stored[i])
		inMemory += int(unsafe.Sizeof(*st)) + cap(st.blocks)*int(unsafe.Sizeof(block{})) + cap(st.keys)*4 + cap(st.index)*8
	}
	cores := min(runtime.GOMAXPROCS(0), runtime.NumCPU())
	for _, bench := range []struct {
		name  string
		score func(i int) (*Score, error)
	}{
		{"from bytes", func(i int) (*Score, error) {
			st, err := s.ReadState(stored[i])
			if err != nil {
				return nil, err
			}
			return st.Score(today)
		}},
		{"from memory", func(i int) (*Score, error) { return states[i].Score(today) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				spread(machines, 64, func(from, to int) {
					for i := from; i < to; i++ {
						if _, err := bench.score(i); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())*float64(cores)/float64(b.N*machines), "ns/machine/core")
			b.ReportMetric(float64(inBytes)/machines, "bytes/machine")
			b.ReportMetric(float64(inMemory)/machines, "bytes-in-memory/machine")
		})
	}
}
