package reputation

import "slices"

// Limits on factions.
const (
	// MaxFactions bounds the factions of a table.
	MaxFactions = 8

	turns = 8 // of looking for members by machines, and for machines by members

	// leastContested is how many machines, each in one dimension, a faction has to have
	// contested: fewer are a matter of chance.
	leastContested = 12

	contested = 4 * one  // log-likelihood ratio from which on a machine is, Q32, if there are few
	belongs   = 2 * one  // … and from which on an issuer is taken for a member
	proven    = 16 * one // … and in the end is one: nine million to one
)

// A faction is issuers that speak alike of some machines, against everybody else. They
// may be honest about all others, so that their reliabilities do not show it; and together
// they may be more than the rest, so that the estimate would in time believe them. Roots
// betray them: where a root contradicts what most say of a machine, those who do not side
// with it on many such machines stand out.
type faction struct {
	members  []bool // by elector
	machines []bool // by machine
}

// A pair is what one issuer said of one subject, in windows, Q16.
type pair struct {
	by int32
	goodBad
}

// factions finds who speaks with one voice, and has nobody hear them where they do.
func (c *court) factions() (found []faction) {
	// What each said of each subject.
	pairs := make([]pair, 0, len(c.ballots))
	from := make([]int32, 0, len(c.subjects)+1)
	index := make([]int32, len(c.electors)) // into pairs, plus one
	for i := range c.subjects {
		s := &c.subjects[i]
		first := len(pairs)
		from = append(from, int32(first))
		for _, p := range c.pieces[s.from:s.to] {
			for _, b := range c.ballots[p.from:p.to] {
				by := b.by()
				if v := &c.electors[by]; v.se+v.sp <= one {
					continue
				}
				if int(index[by]) <= first {
					pairs = append(pairs, pair{by: by})
					index[by] = int32(len(pairs))
				}
				x := &pairs[index[by]-1]
				if b&against != 0 {
					x.bad += uint64(p.weight)
				} else {
					x.good += uint64(p.weight)
				}
			}
		}
	}
	from = append(from, int32(len(pairs)))

	for range MaxFactions {
		f := c.faction(pairs, from)
		if f == nil {
			break
		}
		found = append(found, *f)
		for i := range c.subjects {
			s := &c.subjects[i]
			if !f.machines[s.machine] {
				continue
			}
			for _, p := range c.pieces[s.from:s.to] {
				for j, b := range c.ballots[p.from:p.to] {
					if f.members[b.by()] {
						c.ballots[int(p.from)+j] |= unheard
					}
				}
			}
			for j := from[i]; j < from[i+1]; j++ {
				if f.members[pairs[j].by] {
					pairs[j].goodBad = goodBad{}
				}
			}
		}
	}
	return found
}

// faction finds one faction, or nil.
func (c *court) faction(pairs []pair, from []int32) *faction {
	f := &faction{members: make([]bool, len(c.electors)), machines: make([]bool, len(c.machines))}
	// Among many subjects a few differ by chance: about as many, however many there are.
	limit := max(contested, ln(uint64(len(c.subjects)+1)<<fraction)-one*18/5)
	for i := range f.members {
		f.members[i] = !c.electors[i].root
	}
	evidence := make([]int64, len(c.electors))
	for turn := range turns {
		least := limit
		if turn == 0 {
			least = one // one root's word: many such machines make up for that
		}
		clear(evidence)
		clear(f.machines)
		n := 0
		for i := range c.subjects {
			said := pairs[from[i]:from[i+1]]
			var theirs, others goodBad
			for _, x := range said {
				side := &others
				if f.members[x.by] {
					side = &theirs
				}
				side.good += x.good
				side.bad += x.bad
			}
			if contrast(theirs, others) <= least {
				continue
			}
			n++
			f.machines[c.subjects[i].machine] = true
			rate := rateOf(goodBad{theirs.good + others.good, theirs.bad + others.bad}, evenly)
			for _, x := range said {
				if c.electors[x.by].root {
					continue
				}
				// With whom it sides is not told by its own word.
				theirs, others := theirs, others
				if f.members[x.by] {
					theirs = goodBad{theirs.good - x.good, theirs.bad - x.bad}
				} else {
					others = goodBad{others.good - x.good, others.bad - x.bad}
				}
				a, b := believable(rateOf(theirs, rate)), believable(rateOf(others, rate))
				evidence[x.by] += scaled(x.good, ln(a)-ln(b)) + scaled(x.bad, ln(one-a)-ln(one-b))
			}
		}
		switch turn {
		case turns - 1:
			if n < leastContested {
				return nil
			}
			return f
		case turns - 2:
			least = proven
		default:
			least = belongs
		}
		for i := range f.members {
			f.members[i] = evidence[i] > least
		}
		if !slices.Contains(f.members, true) {
			return nil
		}
	}
	return nil
}

// rateOf is the share of good, Q32, with one window of the given rate added.
func rateOf(n goodBad, rate uint64) uint64 {
	const unit = 1 << pieceBits
	return share(n.good+mul(unit, rate), n.good+n.bad+unit)
}

// contrast is the log-likelihood ratio, Q32, of two sides having seen machines of different
// rates, against one rate.
func contrast(a, b goodBad) int64 {
	rate := rateOf(goodBad{a.good + b.good, a.bad + b.bad}, evenly)
	good, bad := ln(rate), ln(one-rate)
	var sum int64
	for _, n := range [2]goodBad{a, b} {
		own := rateOf(n, rate)
		sum += scaled(n.good, ln(own)-good) + scaled(n.bad, ln(one-own)-bad)
	}
	return sum
}

// scaled is ⌊n·l⌋ in Q32, of a number of windows in Q16 and l in Q32.
func scaled(n uint64, l int64) int64 {
	if l >= 0 {
		return int64(mulDiv(n, uint64(l), 1<<pieceBits))
	}
	return -int64(mulDiv(n, uint64(-l), 1<<pieceBits))
}
