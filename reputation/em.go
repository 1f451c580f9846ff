package reputation

// The estimate of issuers' reliabilities, docs/SCORE.md §13: expectation maximisation with
// two coins for each issuer, after Dawid and Skene (1979), but anchored. The roots'
// reliabilities are fixed and nobody else has any to begin with, so influence flows from the
// roots outward, by one link a round. And nobody's word bears on how he is judged.

// Rounds is how many rounds of estimation there are, always.
const Rounds = 10

const (
	// fits is how many steps it takes to fit one issuer's reliability in a round. The
	// likelihood has one summit, so more only come nearer to it.
	fits = 20

	// maxReveal bounds for how many reports one report against a machine stands, if others
	// were withheld.
	maxReveal = 8

	// leastInfluence is below what an issuer is as if he tossed a coin, in Q32: 1/20. It
	// keeps those out who got there by chance.
	leastInfluence = one / 20

	// evenly is the reliability of somebody who tosses a coin.
	evenly = one / 2
)

// A hearing is what one issuer said, by how likely the opposite was by the word of others.
type hearing struct {
	good, bad [bins]uint64 // windows, Q16, by log-odds of good in steps of binSize
}

// add adds what a ballot says of a weight of windows.
func (h *hearing) add(b ballot, bin int, weight, reveal uint64) {
	if b&against != 0 {
		h.bad[bin] += weight * reveal >> pieceBits
	} else {
		h.good[bin] += weight
	}
}

const (
	bins    = 64
	binSize = one / 4
	lowest  = -8 * one
)

// A goodBad is a number of windows that were good, and one that were bad, Q16.
type goodBad struct{ good, bad uint64 }

// A court holds what an [Estimator] needs while it estimates.
type court struct {
	*Estimator
	priors [dimensions]Prior
	centre [bins]uint64 // probability that a bin stands for, Q32
	known  []uint64     // by subject: share of its weeks that were good, Q32

	// Of the subject at hand.
	odds  []int64   // by piece: log-odds of good by all who speak, Q32
	heard []int32   // by piece: groups with influence that speak
	own   []goodBad // by group: what it adds to what is known of the subject
	seen  []int32   // by group: subject that own is of, plus one
}

// sigma is the probability of log-odds, both Q32.
func sigma(odds int64) uint64 { return uint64(one+certainty(odds)) / 2 }

// logit is the log-odds of a probability, both Q32. They stay within ±6.2.
func logit(p uint64) int64 {
	const edge = one / 500
	p = min(max(p, edge), one-edge)
	return ln(p) - ln(one-p)
}

func newCourt(e *Estimator) *court {
	c := &court{
		Estimator: e, priors: e.policy.Priors.list(), known: make([]uint64, len(e.subjects)),
		own: make([]goodBad, e.groups), seen: make([]int32, e.groups),
	}
	for b := range c.centre {
		c.centre[b] = sigma(lowest + int64(b)*binSize + binSize/2)
	}
	for i := range c.known {
		s := &e.subjects[i]
		c.known[i] = c.share(s, goodBad{}, 1<<pieceBits)
	}
	for i := range e.electors {
		v := &e.electors[i]
		v.heard, v.late, v.windows = nil, nil, 0
		if !v.root {
			v.se, v.sp = evenly, evenly
		}
	}
	for i := range e.ballots {
		e.ballots[i] &^= unheard
	}
	return c
}

// share is the share of a subject's weeks that were good, by what is known of some of them:
// the mean of a Beta distribution, less what the record itself shows to have been withheld or
// left undone. Without the latter whoever hides what is bad would make those who praise him
// look right.
func (c *court) share(s *subject, n goodBad, density uint64) uint64 {
	prior := c.priors[s.dimension]
	strength := uint64(prior.Strength) << fraction / 1000
	const shift = fraction - pieceBits
	p := mulDiv(n.good<<shift+mul(strength, q32(prior.Mean)), one, (n.good+n.bad)<<shift+strength)
	return mulDiv(p, s.weeks, s.weeks+s.withheld<<pieceBits/density+s.overdue)
}

// estimate runs the rounds.
func (c *court) estimate() []faction {
	var factions []faction
	for round := range Rounds {
		clear(c.seen) // or what a group said last in the round before would be added to what it says first
		for i := range c.electors {
			v := &c.electors[i]
			v.good, v.bad = 0, 0
			if v.se+v.sp > one {
				v.good, v.bad = max(0, ln(v.se)-ln(one-v.sp)), min(0, ln(one-v.se)-ln(v.sp))
			}
			v.windows = 0
			if v.heard != nil {
				*v.heard = hearing{}
			}
			if v.late != nil {
				*v.late = hearing{}
			}
		}
		for i := range c.subjects {
			c.judge(int32(i))
		}
		for i := range c.electors {
			if v := &c.electors[i]; !v.root && v.heard != nil {
				v.settle(0, &c.centre)
			}
		}
		if round == 0 {
			factions = c.factions()
		}
	}
	return factions
}

// judge holds what was said of one subject against what others said of it.
//
// A group is judged by all that is known without it: in the same moment, and of the subject
// in all other moments. So whoever repeats himself, or has others repeat what he says under
// names that nobody else bears out, proves nothing.
func (c *court) judge(at int32) {
	s := &c.subjects[at]
	pieces := c.pieces[s.from:s.to]
	c.odds, c.heard = c.odds[:0], c.heard[:0]
	var moments, reports uint64
	for i := range pieces {
		p := &pieces[i]
		total, heard := int64(0), int32(0)
		for rest := c.ballots[p.from:p.to]; len(rest) > 0; {
			l, n := c.loudest(rest)
			rest = rest[n:]
			if l != 0 {
				total += l
				heard++
			}
		}
		c.odds, c.heard = append(c.odds, total), append(c.heard, heard)
		if heard > 0 {
			moments += uint64(p.weight)
			reports += uint64(p.weight) * uint64(heard)
		}
	}
	density := uint64(1 << pieceBits)
	if moments > 0 {
		density = reports << pieceBits / moments
	}
	usual := logit(c.known[at])
	var all goodBad
	for i := range pieces {
		p, total, heard := &pieces[i], c.odds[i], c.heard[i]
		if heard == 0 {
			continue
		}
		now := p.at(usual + within6(total))
		all.good += now.good
		all.bad += now.bad
		for rest := c.ballots[p.from:p.to]; len(rest) > 0; {
			l, n := c.loudest(rest)
			if g := c.electors[rest[0].by()].group; l != 0 {
				if c.seen[g] != at+1 {
					c.seen[g], c.own[g] = at+1, goodBad{}
				}
				o := &c.own[g]
				o.good += now.good
				o.bad += now.bad
				if heard > 1 {
					without := p.at(usual + within6(total-l))
					o.good -= without.good // may wrap for a while: the sums do not
					o.bad -= without.bad
				}
			}
			rest = rest[n:]
		}
	}
	c.known[at] = c.share(s, all, density)

	reveal := uint64(1 << pieceBits)
	if s.bad > 0 {
		reveal = min(maxReveal<<pieceBits, (s.bad+s.withheld)<<pieceBits/s.bad)
	}
	usual = logit(c.known[at])
	for i := range pieces {
		p := &pieces[i]
		for rest := c.ballots[p.from:p.to]; len(rest) > 0; {
			l, n := c.loudest(rest)
			ballots := rest[:n]
			rest = rest[n:]
			others := c.heard[i]
			prior, n2 := usual, all
			if g := c.electors[ballots[0].by()].group; c.seen[g] == at+1 {
				n2 = goodBad{all.good - c.own[g].good, all.bad - c.own[g].bad}
				prior = logit(c.share(s, n2, density))
				if l != 0 {
					others--
				}
			}
			if others == 0 && n2.good+n2.bad == 0 {
				continue // nobody else with influence knows the machine
			}
			bin := binOf(prior + within6(c.odds[i]-l))
			for _, b := range ballots {
				v := &c.electors[b.by()]
				if v.heard == nil {
					v.heard = new(hearing)
				}
				v.heard.add(b, bin, uint64(p.weight), reveal)
				if p.late {
					if v.late == nil {
						v.late = new(hearing)
					}
					v.late.add(b, bin, uint64(p.weight), reveal)
				}
				if others > 0 {
					v.windows += uint64(p.weight)
				}
			}
		}
	}
}

// at tells how much of the piece was good, at the given log-odds.
func (p *piece) at(odds int64) goodBad {
	good := uint64(p.weight) * sigma(odds) >> fraction
	return goodBad{good, uint64(p.weight) - good}
}

func within6(odds int64) int64 { return min(max(odds, -maxOdds), maxOdds) }

func binOf(odds int64) int { return int(min(max((odds-lowest)/binSize, 0), bins-1)) }

// loudest returns the log-likelihood ratio of what the first group among the ballots says,
// which is that of its strongest voice, and how many ballots the group has.
func (c *court) loudest(ballots []ballot) (l int64, n int) {
	group := c.electors[ballots[0].by()].group
	for n < len(ballots) && c.electors[ballots[n].by()].group == group {
		b := ballots[n]
		v := &c.electors[b.by()]
		x := v.good
		if b&against != 0 {
			x = v.bad
		}
		if b&unheard == 0 && (max(x, -x) > max(l, -l) || x == -l && x < 0) {
			l = x
		}
		n++
	}
	return l, n
}

// lateWindows is how many windows are late: two months. Whoever has earned trust by honest work
// and then spends it is not believed for longer than that.
const lateWindows = 8

// turned is by how much what an issuer said late has to be more likely of somebody worse, so
// that it is taken for one, Q32 in natural logarithms: more than chance makes it.
const turned = 6 * one

// settle finds the issuer's reliability: that of all it said or, if it does worse of late, of
// what it said late. Besides what it said, one window that was good and one that was bad
// count, in which it is right by the influence that it is lent, Q32, and speaks by habit
// otherwise: who says good of everything would have said it of these. Beside what it said late
// a window of either kind counts in which it is right as often as in all.
func (v *elector) settle(lent uint64, centre *[bins]uint64) {
	const unit = 1 << pieceBits
	var said goodBad
	for i := range centre {
		said.good += v.heard.good[i]
		said.bad += v.heard.bad[i]
	}
	habit := uint64(evenly)
	if n := said.good + said.bad; n > 0 {
		habit = share(said.good, n)
	}
	if v.se+v.sp <= one {
		v.se, v.sp = one*3/5, one*3/5
	}
	v.fit(v.heard, unit, lent+mul(one-lent, habit), lent+mul(one-lent, one-habit), centre)
	if v.late != nil {
		se, sp := v.se, v.sp
		v.fit(v.late, unit, se, sp, centre)
		if v.se+v.sp >= se+sp || v.late.likelihood(v.se, v.sp, centre)-v.late.likelihood(se, sp, centre) <= turned {
			v.se, v.sp = se, sp
		}
	}
	// A liar is silenced, never inverted: else he would tell the truth about his enemies.
	if v.se+v.sp < one+leastInfluence {
		v.se, v.sp = evenly, evenly
	}
}

// fit finds the reliability under which what was heard of the issuer is most likely, given
// what others made of it, and that in so many good windows and as many bad ones, Q16, it
// would be right as stated.
//
// Given the others, the likelihood has one summit, so it does not matter where the search
// begins; and where the others tell nothing apart, nothing comes of any amount of praise.
func (v *elector) fit(heard *hearing, windows, wouldGood, wouldBad uint64, centre *[bins]uint64) {
	for range fits {
		var good, rightGood, bad, rightBad uint64
		for i, q := range centre {
			if x := heard.good[i]; x != 0 {
				was := mul(q, v.se)
				z := mulDiv(x, was, was+mul(one-q, one-v.sp))
				good += z
				rightGood += z
				bad += x - z
			}
			if x := heard.bad[i]; x != 0 {
				was := mul(q, one-v.se)
				z := mulDiv(x, was, was+mul(one-q, v.sp))
				good += z
				bad += x - z
				rightBad += x - z
			}
		}
		v.se = believable(share(rightGood+mul(windows, wouldGood), good+windows))
		v.sp = believable(share(rightBad+mul(windows, wouldBad), bad+windows))
	}
}

// likelihood is the natural logarithm of how likely it is that somebody of the given
// reliability would have said what was heard, Q32. Of one bin a million windows count at most:
// so sums fit, and nothing hangs on more.
func (h *hearing) likelihood(se, sp uint64, centre *[bins]uint64) (sum int64) {
	const most = million << pieceBits
	for i, q := range centre {
		if h.good[i]|h.bad[i] != 0 {
			good := mul(q, se) + mul(one-q, one-sp)
			sum += scaled(min(h.good[i], most), ln(good)) + scaled(min(h.bad[i], most), ln(one-good))
		}
	}
	return sum
}

// believable moves a reliability, Q32, into what a policy may state.
func believable(p uint64) uint64 {
	return min(max(p, q32(minReliability)), q32(maxReliability))
}
