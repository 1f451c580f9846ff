package eval

import "math"

// What was said of one node.
type opinions struct {
	good, bad               float64 // ratings
	valueGood, valueBad     float64 // each weighs a tenth of its value
	agedGood, agedBad       float64 // each weighs 2^(-age/halfLife)
	trustedGood, trustedBad float64 // each weighs the rater's EigenTrust; the mean of those with any is 1
	trust                   float64 // the node's own EigenTrust
	share                   float64 // of praise among all ratings
}

// simpleOracles returns the methods that ours is compared with on a rating network: those
// of [Baselines] that apply; Beta with the share of praise as prior mean, which is the best
// of the simple ones; and that share alone.
func simpleOracles() []oracle {
	oracles := []oracle{{"global rate", func([]SignedRating) (func(SignedRating) []float64, error) {
		return func(SignedRating) []float64 { return nil }, nil
	}}}
	for _, b := range [...]struct {
		name  string
		score func(o opinions) float64
	}{
		{"Beta, base rate", func(o opinions) float64 { return logit((o.good + 2*o.share) / (o.good + o.bad + 2)) }},
		{"Beta by value", func(o opinions) float64 { return logit((o.valueGood + 2*o.share) / (o.valueGood + o.valueBad + 2)) }},
		{"Beta", func(o opinions) float64 { return logit((o.good + 1) / (o.good + o.bad + 2)) }},
		{"weighted mean", func(o opinions) float64 { return logit((o.agedGood + 1) / (o.agedGood + o.agedBad + 2)) }},
		{"EigenTrust", func(o opinions) float64 { return logit(o.trust) }},
		{"EigenTrust-Beta", func(o opinions) float64 { return logit((o.trustedGood + 1) / (o.trustedGood + o.trustedBad + 2)) }},
		{"Wilson", func(o opinions) float64 { return logit(wilsonLow(o.good, o.bad)) }},
	} {
		oracles = append(oracles, oracle{b.name, func(past []SignedRating) (func(SignedRating) []float64, error) {
			of := opinionsOf(past)
			return func(r SignedRating) []float64 { return []float64{b.score(*of[r.To])} }, nil
		}})
	}
	return oracles
}

// opinionsOf sums up what was said of each node.
func opinionsOf(past []SignedRating) map[int64]*opinions {
	trust := eigenTrustOf(past)
	sum := 0.0
	for _, u := range mostActive(past) {
		sum += trust[u]
	}
	scale := float64(len(trust)) / sum
	share := praise(past)
	of := map[int64]*opinions{}
	for _, r := range past {
		o := of[r.To]
		if o == nil {
			o = &opinions{share: share, trust: trust[r.To]}
			of[r.To] = o
		}
		const week = 7 * 24 * 60 * 60
		aged := math.Exp2(-float64(past[len(past)-1].Time-r.Time) / week / halfLife)
		trusted := float64(trust[r.From] * scale)
		value := math.Abs(float64(r.Value)) / maxOpinion
		if r.Good() {
			o.good++
			o.valueGood += value
			o.agedGood += aged
			o.trustedGood += trusted
		} else {
			o.bad++
			o.valueBad += value
			o.agedBad += aged
			o.trustedBad += trusted
		}
	}
	return of
}

// eigenTrustOf is EigenTrust over praise, t = (1-α)·Cᵀt + α·p with C the shares of what each
// node gives, α = .15, 32 rounds, and p uniform over the roots; a node that praises nobody
// gives to the roots. Nodes without trust are left out.
func eigenTrustOf(past []SignedRating) map[int64]float64 {
	const alpha, rounds = 0.15, 32
	index := map[int64]int{}
	var nodes []int64
	place := func(n int64) int {
		i, ok := index[n]
		if !ok {
			i = len(nodes)
			index[n], nodes = i, append(nodes, n)
		}
		return i
	}
	roots := networkRoots(mostActive(past))
	for _, u := range roots {
		place(u)
	}
	type edge struct {
		from, to int
		value    float64
	}
	var edges []edge
	for _, r := range past {
		e := edge{place(r.From), place(r.To), float64(max(r.Value, 0))}
		if e.value > 0 && e.from != e.to {
			edges = append(edges, e)
		}
	}
	out := make([]float64, len(nodes))
	for _, e := range edges {
		out[e.from] += e.value
	}
	pre := 1 / float64(len(roots))
	t := make([]float64, len(nodes))
	for i := range roots {
		t[i] = pre
	}
	for range rounds {
		next := make([]float64, len(nodes))
		idle := 0.0
		for i, share := range t {
			if out[i] == 0 {
				idle += share
			}
		}
		for i := range roots {
			next[i] = float64(alpha*pre) + float64((1-alpha)*idle*pre)
		}
		for _, e := range edges {
			next[e.to] += float64((1 - alpha) * t[e.from] * e.value / out[e.from])
		}
		t = next
	}
	trust := map[int64]float64{}
	for i, n := range nodes {
		if t[i] > 0 {
			trust[n] = t[i]
		}
	}
	return trust
}

// wilsonLow is the lower end of the 95 % score interval of good among good + bad.
func wilsonLow(good, bad float64) float64 {
	const z = 1.96
	n := good + bad
	p := good / n
	return (p + z*z/(2*n) - z*math.Sqrt(float64(p*(1-p)/n)+z*z/(4*n*n))) / (1 + z*z/n)
}
