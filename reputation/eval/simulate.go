package eval

import (
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
)

// A Simulation is what happened in a world.
type Simulation struct {
	World  World
	Attack Attack
	Seed   uint64

	Issuers        []Witness // the roots first
	Accreditations [][2]int  // who accredits whom, by index

	// Machines are those to be judged, and after them the discarded names of those that
	// have whitewashed.
	Machines []Machine
}

// A Witness is an issuer, and what it is up to.
type Witness struct {
	ID       did.DID
	Root     bool
	Role     Role
	Accuracy int // percent of reports that are right, while it does not cheat
}

// A Role is what an issuer is up to.
type Role uint8

// The roles.
const (
	Honest Role = iota
	Inverter
	Colluder
	Cliquer
	Sleeper
)

// A Machine is one name of a machine, its record and the truth about it.
type Machine struct {
	ID        did.DID
	Bad       bool
	Client    bool     // sleepers praise it
	Discarded bool     // a name that was given up: part of the evidence, not judged
	Ratings   []Rating // by time
	Next      bool     // whether it keeps its obligations in the week after the last: what probabilities are held against
	born      int      // the window in which its record begins
}

// A Rating is what one issuer reported of one obligation: a lease that it opened and closed.
type Rating struct {
	Issuer int32
	Window int16 // from 0
	Kept   bool
	Hidden bool // withheld: neither its opening nor its close is shown

	ordinal, of int16 // the how manyth it is of how many of the machine in this window, from 0
}

// start is the first Monday of 2026; lives begin there.
var start = reputation.DayOf(time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC))

// AsOf is the day on which a simulation that has run for so many windows is judged: the
// Sunday of the last.
func (s *Simulation) AsOf(windows int) reputation.Day { return start + reputation.Day(7*windows) - 1 }

// Purposes of streams of random numbers.
const (
	drawIssuers uint64 = iota + 1
	drawMachines
	drawAccreditations
	drawLives // and one more for each machine
)

// Simulate lets a world run. The same world, attack and seed give the same simulation on
// every architecture.
func (w World) Simulate(attack Attack, seed uint64) (*Simulation, error) {
	if err := w.Validate(); err != nil {
		return nil, err
	}
	if err := attack.Validate(w); err != nil {
		return nil, err
	}
	s := &Simulation{World: w, Attack: attack, Seed: seed}
	s.appoint()
	s.accredit()
	s.live()
	return s, nil
}

// name returns a DID that nobody else has.
func name(kind string, n int) did.DID {
	return did.MustParse(fmt.Sprintf("did:example:%s-%d", kind, n))
}

// appoint decides who the issuers are.
func (s *Simulation) appoint() {
	w, a := s.World, s.Attack
	d := newDraws(s.Seed, drawIssuers)
	s.Issuers = make([]Witness, w.Issuers)
	for i := range s.Issuers {
		s.Issuers[i] = Witness{ID: name("issuer", i), Root: i < w.Roots, Accuracy: d.between(w.AccuracyLow, w.AccuracyHigh)}
	}
	order := d.shuffle(w.Issuers - w.Roots)
	for _, group := range [...]struct {
		role  Role
		share int
	}{{Inverter, a.Inverting}, {Colluder, a.Colluding}, {Cliquer, a.Clique}, {Sleeper, a.Sleeping}} {
		n := w.Issuers * group.share / 100
		for _, i := range order[:n] {
			s.Issuers[w.Roots+i].Role = group.role
		}
		order = order[n:]
	}
}

// accredit decides who accredits whom. Honest issuers accredit honest ones and sleepers,
// whom they cannot tell apart, but for those accreditations that go astray; nobody but its
// members accredits a clique; attackers accredit attackers of their kind.
func (s *Simulation) accredit() {
	d := newDraws(s.Seed, drawAccreditations)
	looksHonest := func(r Role) bool { return r == Honest || r == Sleeper }
	for from, by := range s.Issuers {
		for range s.World.Accreditations {
			astray := d.chance(s.World.Astray * percent)
			// Draw until one fits: there is at least one fit for each, himself.
			for {
				to := d.below(len(s.Issuers))
				r := s.Issuers[to].Role
				fits := r == by.Role
				if looksHonest(by.Role) {
					fits = looksHonest(r) || astray && r != Cliquer
				}
				if fits {
					if to != from {
						s.Accreditations = append(s.Accreditations, [2]int{from, to})
					}
					break
				}
			}
		}
	}
}

// percent is one percent, in parts per million.
const percent = million / 100

// live decides what happens to the machines.
func (s *Simulation) live() {
	w, a := s.World, s.Attack
	// Honest and inverting issuers are one group: regulars are drawn from both.
	var groups [Sleeper + 1][]int32
	for i, issuer := range s.Issuers {
		role := issuer.Role
		if role == Inverter {
			role = Honest
		}
		groups[role] = append(groups[role], int32(i))
	}
	d := newDraws(s.Seed, drawMachines)
	s.Machines = make([]Machine, w.Machines)
	bad := w.Machines * w.BadPercent / 100
	for rank, i := range d.shuffle(w.Machines) {
		s.Machines[i] = Machine{ID: name("machine", i), Bad: rank < bad, Client: rank < bad*a.Clients/100}
	}
	for i := range s.Machines {
		discarded := s.liveOne(&s.Machines[i], groups, newDraws(s.Seed, drawLives+uint64(i)))
		if len(discarded) > 0 {
			s.Machines = append(s.Machines, Machine{
				ID: name("discarded", i), Bad: true, Client: s.Machines[i].Client, Discarded: true, Ratings: discarded,
			})
		}
	}
}

// liveOne lets one machine live, and returns the ratings of the name that it gave up.
func (s *Simulation) liveOne(m *Machine, groups [Sleeper + 1][]int32, d draws) (discarded []Rating) {
	w, a := s.World, s.Attack
	turns := 0
	kept := w.KeptGood
	if m.Bad {
		kept = d.between(w.KeptBadLow, w.KeptBadHigh)
		if a.Milking > 0 {
			turns, kept = w.Windows*a.Milking/100, w.KeptMilking
		}
	}
	regulars := make([]int32, w.Regulars)
	for i := range regulars {
		regulars[i] = groups[Honest][d.below(len(groups[Honest]))]
	}
	keeps := func(window int) bool {
		if window < turns {
			return d.chance(w.KeptGood * percent)
		}
		return d.chance(kept * percent)
	}
	for window := range w.Windows {
		state := keeps(window)
		first := len(m.Ratings)
		for role, group := range groups {
			role, volume := Role(role), max(1, a.Volume)
			expected := w.Reports * percent * len(group) / w.Issuers
			if role == Honest {
				group, volume = regulars, 1
			}
			expected *= volume
			if role == Colluder && !m.Bad {
				expected /= volume // a machine's side signs every lease, and need not sign so many
			}
			if role == Cliquer {
				// All that its members report is about bad machines.
				if !m.Bad {
					continue
				}
				expected = expected * 100 / w.BadPercent
			}
			for range d.count(expected) {
				issuer := group[d.below(len(group))]
				says := state == d.chance(s.Issuers[issuer].Accuracy*percent)
				switch {
				case s.Issuers[issuer].Role == Inverter:
					says = !says
				case role == Colluder:
					says = m.Bad
				case role == Cliquer, role == Sleeper && m.Client:
					says = true
				}
				m.Ratings = append(m.Ratings, Rating{Issuer: issuer, Window: int16(window), Kept: says})
			}
		}
		// Who comes first in a week does not depend on the role.
		today := m.Ratings[first:]
		for i := range today {
			j := d.below(i + 1)
			today[i], today[j] = today[j], today[i]
		}
		for i := range today {
			today[i].ordinal, today[i].of = int16(i), int16(len(today))
			today[i].Hidden = m.Bad && !today[i].Kept && d.chance(a.Hiding*percent)
		}
	}
	m.Next = keeps(w.Windows)
	if m.Bad && a.Whitewash > 0 {
		again := d.between(w.Windows*a.Whitewash/100, w.Windows-1)
		n := 0
		for n < len(m.Ratings) && int(m.Ratings[n].Window) < again {
			n++
		}
		discarded, m.Ratings, m.born = m.Ratings[:n:n], m.Ratings[n:], again
	}
	return discarded
}
