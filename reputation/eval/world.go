package eval

import "fmt"

// A World says what is simulated, apart from who attacks. Its zero value is no world: start
// from [DefaultWorld]. Percentages are whole numbers.
//
// Every machine is good or bad. In each week it keeps its obligations or does not, with a
// probability that depends on which it is; everybody who leases it in that week finds the
// same, and reports it, right or wrong. A machine is leased by its regulars, and besides by
// attackers who work in volume.
type World struct {
	Issuers  int `json:"issuers"`  // who lease machines, and report
	Roots    int `json:"roots"`    // of them: whom the policy fixes; roots are honest
	Machines int `json:"machines"` //
	Windows  int `json:"windows"`  // weeks of life of every machine

	BadPercent  int `json:"badPercent"`  // of the machines
	KeptGood    int `json:"keptGood"`    // percent of weeks in which a good machine keeps its obligations
	KeptBadLow  int `json:"keptBadLow"`  // … a bad one, at least …
	KeptBadHigh int `json:"keptBadHigh"` // … and at most: each has its own
	KeptMilking int `json:"keptMilking"` // … one that has turned bad: see [Attack.Milking]

	AccuracyLow  int `json:"accuracyLow"`  // percent of an honest issuer's reports that are right, at least …
	AccuracyHigh int `json:"accuracyHigh"` // … and at most: each issuer has its own
	Regulars     int `json:"regulars"`     // issuers who lease one machine, if they do not attack in volume: each machine has its own
	Reports      int `json:"reports"`      // for a hundred machines in a week, by all issuers together if none attacks

	Accreditations int `json:"accreditations"` // that each issuer gives
	Astray         int `json:"astray"`         // percent of honest issuers' accreditations that do not ask whether the other is honest
}

// DefaultWorld is the world of docs/EVALUATION.md. What the plan does not state was chosen
// so that the baselines come to what the plan's table gives for them.
func DefaultWorld() World {
	return World{
		Issuers: 200, Roots: 10, Machines: 2000, Windows: 40,
		BadPercent: 30, KeptGood: 100, KeptBadLow: 60, KeptBadHigh: 88, KeptMilking: 53,
		AccuracyLow: 90, AccuracyHigh: 99, Regulars: 18, Reports: 180,
		Accreditations: 20, Astray: 7,
	}
}

// An Attack says who cheats, and how hard. Its zero value is an honest world. Shares are
// percentages of all issuers, roots included though they are honest; kinds of attackers
// may be combined.
type Attack struct {
	Inverting int `json:"inverting,omitzero"` // percent of issuers that report the opposite of what they saw
	Colluding int `json:"colluding,omitzero"` // … that praise all bad machines, and blame all good ones, at Volume 1
	Clique    int `json:"clique,omitzero"`    // … that lease bad machines only and praise them; nobody accredits them
	Sleeping  int `json:"sleeping,omitzero"`  // … that are honest and accurate, but praise their clients

	// Volume is how many times as many reports as an honest issuer each attacker makes. Two
	// make no more than others: inverting issuers, and colluding ones where they blame, since
	// a lease takes two. Zero means one.
	Volume int `json:"volume,omitzero"`

	Clients int `json:"clients,omitzero"` // percent of bad machines that are clients of all sleepers

	Hiding    int `json:"hiding,omitzero"`    // percent of bad reports that bad machines withhold
	Milking   int `json:"milking,omitzero"`   // percent of life after which bad machines turn bad; good before. Zero: bad from the first day
	Whitewash int `json:"whitewash,omitzero"` // percent of life from which on bad machines start again with a new name, at a random moment. Zero: never
}

// Limits on what can be simulated, so that a file of parameters cannot ask for all memory.
const (
	maxIssuers  = 4096
	maxMachines = 100_000
	maxWindows  = 500
	maxRatings  = 40_000_000 // expected, by all issuers
)

// Validate refuses a world that cannot be.
func (w World) Validate() error {
	switch {
	case w.Issuers < 1 || w.Issuers > maxIssuers || w.Roots < 1 || w.Roots > w.Issuers:
		return fmt.Errorf("eval: world: %d issuers, %d of them roots: want 1 root at least, and up to %d issuers", w.Issuers, w.Roots, maxIssuers)
	case w.Machines < 2 || w.Machines > maxMachines:
		return fmt.Errorf("eval: world: %d machines: want 2 to %d", w.Machines, maxMachines)
	case w.Windows < 2 || w.Windows > maxWindows:
		return fmt.Errorf("eval: world: %d windows: want 2 to %d", w.Windows, maxWindows)
	case w.Reports < 1 || w.Reports > 10_000:
		return fmt.Errorf("eval: world: %d reports for a hundred machines in a week: want 1 to 10000", w.Reports)
	case w.AccuracyLow > w.AccuracyHigh:
		return fmt.Errorf("eval: world: accuracy of %d to %d percent: the first must be the lesser", w.AccuracyLow, w.AccuracyHigh)
	case w.KeptBadLow > w.KeptBadHigh:
		return fmt.Errorf("eval: world: bad machines keep %d to %d percent: the first must be the lesser", w.KeptBadLow, w.KeptBadHigh)
	case w.Regulars < 1 || w.Regulars > w.Issuers:
		return fmt.Errorf("eval: world: %d regulars: want 1 to as many as there are issuers", w.Regulars)
	case w.Accreditations < 0 || w.Accreditations > w.Issuers:
		return fmt.Errorf("eval: world: %d accreditations: want 0 to as many as there are issuers", w.Accreditations)
	case w.BadPercent < 1 || w.BadPercent > 99:
		return fmt.Errorf("eval: world: badPercent is %d: want 1 to 99, or there is nothing to tell apart", w.BadPercent)
	}
	return percentages("world", w.KeptGood, w.KeptBadLow, w.KeptBadHigh, w.KeptMilking, w.AccuracyLow, w.AccuracyHigh, w.Astray)
}

// Validate refuses an attack that the world has no room for.
func (a Attack) Validate(w World) error {
	if err := percentages("attack", a.Inverting, a.Colluding, a.Clique, a.Sleeping, a.Clients, a.Hiding, a.Milking, a.Whitewash); err != nil {
		return err
	}
	attackers := 0
	for _, share := range [...]int{a.Inverting, a.Colluding, a.Clique, a.Sleeping} {
		attackers += w.Issuers * share / 100
	}
	if attackers > w.Issuers-w.Roots {
		return fmt.Errorf("eval: attack: %d attackers among %d issuers, of which %d are roots", attackers, w.Issuers, w.Roots)
	}
	if a.Volume < 0 || a.Volume > 1000 {
		return fmt.Errorf("eval: attack: volume is %d: want 0 to 1000", a.Volume)
	}
	if n := w.Machines * w.Windows / 100 * w.Reports * max(1, a.Volume); n > maxRatings {
		return fmt.Errorf("eval: attack: %d reports are more than %d", n, maxRatings)
	}
	return nil
}

func percentages(what string, values ...int) error {
	for _, v := range values {
		if v < 0 || v > 100 {
			return fmt.Errorf("eval: %s: %d is no percentage", what, v)
		}
	}
	return nil
}
