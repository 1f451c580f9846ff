package eval

import (
	"cmp"
	"math"
	"slices"
)

// A View is what a method is given to judge machines by: what is shown on a day. All
// methods are given the same; what a method makes no use of is its own affair.
type View struct {
	Simulation *Simulation
	Windows    int // how many have passed
}

// A Judgement is what a method says of one machine.
type Judgement struct {
	Score float64 // more is better: machines are ordered by it
	Mean  float64 // probability that obligations are kept next week; NaN if the method gives none
}

// A Method judges machines.
type Method struct {
	Name    string
	Formula string // for people

	// Judge judges all machines that are not discarded, in order.
	Judge func(View) ([]Judgement, error)
}

// Baselines returns the methods that ours is compared with. n⁺ and n⁻ are a machine's good
// and bad reports, by all issuers, of all time; t is an issuer's EigenTrust.
func Baselines() []Method {
	return []Method{
		{"Beta", "mean (n⁺+1)/(n⁺+n⁻+2) (Jøsang and Ismail 2002)", beta},
		{"weighted mean", "(Σw·x+1)/(Σw+2) over reports x = 0 or 1, w = 2^(-age/24 weeks)", weightedMean},
		{"EigenTrust", "Σ t·max(0, n⁺-n⁻) of the issuer on the machine / that on all; t by accreditations from the roots, α = .15, 32 rounds (Kamvar and others 2003)", eigenTrust},
		{"EigenTrust-Beta", "(Σt·n⁺+1)/(Σt·(n⁺+n⁻)+2), t scaled so that the mean over issuers with any is 1", eigenBeta},
		{"Wilson", "lower end of the 95 % score interval of n⁺ of n⁺+n⁻ (Wilson 1927)", wilson},
		{"Beta with gaps", "Beta, where withheld reports that totals show to be adverse count as bad", betaWithGaps},
	}
}

// each judges by the sums that fold makes of a machine's ratings.
func (v View) each(judge func(m *Machine, shown []Rating) Judgement) ([]Judgement, error) {
	out := make([]Judgement, 0, v.Simulation.World.Machines)
	for i := range v.Simulation.World.Machines {
		m := &v.Simulation.Machines[i]
		out = append(out, judge(m, v.shown(m)))
	}
	return out, nil
}

// shown returns the ratings of m that are there to be seen.
func (v View) shown(m *Machine) []Rating {
	n, _ := slices.BinarySearchFunc(m.Ratings, v.Windows, func(r Rating, w int) int { return cmp.Compare(int(r.Window), w) })
	shown := m.Ratings[:n]
	if !slices.ContainsFunc(shown, func(r Rating) bool { return r.Hidden }) {
		return shown
	}
	return slices.DeleteFunc(slices.Clone(shown), func(r Rating) bool { return r.Hidden })
}

func counts(ratings []Rating) (good, bad float64) {
	for _, r := range ratings {
		if r.Kept {
			good++
		} else {
			bad++
		}
	}
	return good, bad
}

func beta(v View) ([]Judgement, error) {
	return v.each(func(_ *Machine, shown []Rating) Judgement {
		good, bad := counts(shown)
		p := (good + 1) / (good + bad + 2)
		return Judgement{p, p}
	})
}

func betaWithGaps(v View) ([]Judgement, error) {
	return v.each(func(m *Machine, shown []Rating) Judgement {
		good, bad := counts(shown)
		for _, r := range m.Ratings {
			if r.Hidden && int(r.Window) < v.Windows {
				bad++
			}
		}
		p := (good + 1) / (good + bad + 2)
		return Judgement{p, p}
	})
}

// halfLife of the weighted mean, in windows.
const halfLife = 24

func weightedMean(v View) ([]Judgement, error) {
	return v.each(func(_ *Machine, shown []Rating) Judgement {
		good, all := 1.0, 2.0
		for _, r := range shown {
			w := math.Exp2(float64(int(r.Window)-v.Windows+1) / halfLife)
			all += w
			if r.Kept {
				good += w
			}
		}
		return Judgement{good / all, good / all}
	})
}

func wilson(v View) ([]Judgement, error) {
	const z = 1.96
	return v.each(func(_ *Machine, shown []Rating) Judgement {
		good, bad := counts(shown)
		n := good + bad
		if n == 0 {
			return Judgement{0, math.NaN()}
		}
		p := good / n
		low := (p + z*z/(2*n) - z*math.Sqrt(float64(p*(1-p)/n)+z*z/(4*n*n))) / (1 + z*z/n)
		return Judgement{low, math.NaN()}
	})
}

// trust is the EigenTrust of the issuers over their accreditations: t = (1-α)·Cᵀt + α·p,
// p uniform over the roots; an issuer that accredits nobody gives to the roots.
func (v View) trust() []float64 {
	const alpha, rounds = 0.15, 32
	s := v.Simulation
	out := make([]float64, len(s.Issuers))
	for _, a := range s.Accreditations {
		out[a[0]]++
	}
	pre := make([]float64, len(s.Issuers))
	for i := range s.World.Roots {
		pre[i] = 1 / float64(s.World.Roots)
	}
	t := slices.Clone(pre)
	for range rounds {
		next := make([]float64, len(t))
		idle := 0.0
		for i, share := range t {
			if out[i] == 0 {
				idle += share
			}
		}
		for i := range next {
			next[i] = float64(alpha*pre[i]) + float64((1-alpha)*idle*pre[i])
		}
		for _, a := range s.Accreditations {
			next[a[1]] += float64((1 - alpha) * t[a[0]] / out[a[0]])
		}
		t = next
	}
	return t
}

// An issuer's satisfaction with a machine.
type satisfaction struct {
	machine int
	net     float64
}

func eigenTrust(v View) ([]Judgement, error) {
	s := v.Simulation
	trust := v.trust()
	by := make([][]satisfaction, len(s.Issuers))
	net := make([]float64, len(s.Issuers))
	for i := range s.Machines {
		shown := v.shown(&s.Machines[i])
		for _, r := range shown {
			net[r.Issuer]--
			if r.Kept {
				net[r.Issuer] += 2
			}
		}
		for _, r := range shown {
			if net[r.Issuer] > 0 {
				by[r.Issuer] = append(by[r.Issuer], satisfaction{i, net[r.Issuer]})
			}
			net[r.Issuer] = 0
		}
	}
	out := make([]Judgement, s.World.Machines)
	for i := range out {
		out[i].Mean = math.NaN()
	}
	for issuer, satisfied := range by {
		all := 0.0
		for _, x := range satisfied {
			all += x.net
		}
		for _, x := range satisfied {
			if x.machine < len(out) {
				out[x.machine].Score += float64(trust[issuer] * x.net / all)
			}
		}
	}
	return out, nil
}

func eigenBeta(v View) ([]Judgement, error) {
	trust := v.trust()
	sum, n := 0.0, 0.0
	for _, t := range trust {
		if t > 0 {
			sum, n = sum+t, n+1
		}
	}
	return v.each(func(_ *Machine, shown []Rating) Judgement {
		good, all := 1.0, 2.0
		for _, r := range shown {
			w := float64(trust[r.Issuer] * n / sum)
			all += w
			if r.Kept {
				good += w
			}
		}
		return Judgement{good / all, good / all}
	})
}
