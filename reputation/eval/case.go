package eval

import (
	"encoding/binary"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A record of a simulated machine looks like this. Its maker commissions it. Every rating is
// a lease: an open entry that the lessor and the issuer sign, and a close entry that the
// issuer signs, half a slot later, when the lease was due. Last, on the Sunday on which the
// machine is judged, a root inspects it and reports nothing. A withheld rating lacks both
// entries; the totals of the next entry show that two are missing, and that one was adverse.
// A log has witnessed all of it (class C4, or C1 if anything is withheld).
//
// Tests make such records with real keys and signatures, and compare what
// [reputation.Scorer.Case] makes of them.

const event = 1000 // thousandths

// maker commissions all machines. No policy knows it.
func maker() did.DID { return did.MustParse("did:example:maker") }

// slot returns when the lease that r reports began and ended.
func (r Rating) slot() (begin, end time.Time) {
	const week = 7 * 24 * time.Hour
	length := (week / time.Duration(r.of)).Truncate(2 * time.Second)
	begin = (start + 7*reputation.Day(r.Window)).Time().Add(time.Duration(r.ordinal) * length)
	return begin, begin.Add(length / 2)
}

// Case returns the evidence that the record of machine i gives after so many windows, as
// [reputation.Scorer.Case] would extract it if of the issuers those had influence for whom
// known is true: what is withheld counts on the day of the next entry by one of them.
func (s *Simulation) Case(i, windows int, known []bool) reputation.Case {
	m := &s.Machines[i]
	c := reputation.Case{Completeness: chain.C4, Evidence: make([]reputation.Evidence, 0, 5*len(m.Ratings)+2)}
	var sequence int64
	add := func(e reputation.Evidence) {
		e.Sequence = sequence
		// Credentials of different content have different digests.
		binary.BigEndian.PutUint32(e.Digest[:], uint32(i)+1)
		binary.BigEndian.PutUint64(e.Digest[4:], uint64(sequence))
		c.Evidence = append(c.Evidence, e)
	}
	report := func(issuer did.DID, day reputation.Day, d reputation.Dimension, good, bad int64) {
		add(reputation.Evidence{Issuer: issuer, Day: day, Dimension: d, Standing: reputation.Independent, Good: good, Bad: bad})
	}
	gap := func(day reputation.Day, withheld int64) {
		if withheld == 0 {
			return
		}
		c.Completeness = chain.C1
		add(reputation.Evidence{Day: day, Dimension: reputation.Obligations, Kind: reputation.Fact, Bad: withheld})
		for _, d := range [...]reputation.Dimension{reputation.Obligations, reputation.Availability, reputation.Maintenance, reputation.Integrity} {
			n := 2 * withheld
			if d == reputation.Obligations {
				n = withheld // the openings; the closes are known to be adverse
			}
			add(reputation.Evidence{Day: day, Dimension: d, Kind: reputation.Hidden, Bad: n})
		}
		add(reputation.Evidence{Day: day, Dimension: reputation.Provenance, Kind: reputation.Fact, Bad: 2 * withheld})
	}

	// Until when it takes, from each rating on, that somebody known vouches for what precedes.
	today := s.AsOf(windows)
	n := 0
	for n < len(m.Ratings) && int(m.Ratings[n].Window) < windows {
		n++
	}
	ratings := m.Ratings[:n]
	vouched := make([]reputation.Day, n)
	for k, next := n-1, today; k >= 0; k-- {
		if r := ratings[k]; !r.Hidden && known[r.Issuer] {
			begin, _ := r.slot()
			next = reputation.DayOf(begin)
		}
		vouched[k] = next
	}

	report(maker(), start+7*reputation.Day(m.born), reputation.Provenance, event, 0)
	var withheld int64
	for k, r := range ratings {
		if r.Hidden {
			withheld++
			continue
		}
		issuer := s.Issuers[r.Issuer].ID
		begin, end := r.slot()
		opened, closed := reputation.DayOf(begin), reputation.DayOf(end)
		sequence += 1 + 2*withheld
		report(issuer, opened, reputation.Provenance, event, 0)
		add(reputation.Evidence{Day: closed, Dimension: reputation.Obligations, Kind: reputation.Due, Bad: 1})
		gap(vouched[k], withheld)
		withheld = 0
		sequence++
		report(issuer, closed, reputation.Provenance, event, 0)
		good := int64(0)
		if r.Kept {
			good = event
		}
		report(issuer, closed, reputation.Obligations, good, event-good)
		add(reputation.Evidence{Day: closed, Dimension: reputation.Obligations, Kind: reputation.Discharge, Bad: 1})
	}
	sequence += 1 + 2*withheld
	report(s.Issuers[i%s.World.Roots].ID, today, reputation.Provenance, event, 0)
	gap(today, withheld)
	return c
}

// roots tells for each issuer whether it is a root.
func (s *Simulation) roots() []bool {
	roots := make([]bool, len(s.Issuers))
	for i := range roots {
		roots[i] = s.Issuers[i].Root
	}
	return roots
}

// known tells for each issuer whether it has influence under the policy with a table.
func (s *Simulation) known(table *reputation.TrustTable) []bool {
	known := s.roots()
	listed := map[did.DID]bool{}
	for _, issuer := range table.Issuers {
		listed[issuer.ID] = issuer.Sensitivity+issuer.Specificity > million
	}
	for i, issuer := range s.Issuers {
		known[i] = known[i] || listed[issuer.ID]
	}
	return known
}

// Policy returns the policy by which simulated machines are scored: the default one, asked
// about obligations and provenance only, in their usual proportion, since of these there is
// evidence. Its roots are known to be right as often as honest issuers are on average. Of
// all others it knows nothing: their word is to be found out.
func (s *Simulation) Policy() *reputation.Policy {
	p := reputation.DefaultPolicy()
	p.Name = "Simulation"
	p.Weights = reputation.Each[int64]{Obligations: 650_000, Provenance: 350_000}
	for _, issuer := range s.Issuers {
		r := reputation.Reliability{Sensitivity: million / 2, Specificity: million / 2}
		if issuer.Root {
			mean := int64(s.World.AccuracyLow+s.World.AccuracyHigh) * percent / 2
			r = reputation.Reliability{Sensitivity: min(mean, 980_000), Specificity: min(mean, 980_000)}
		}
		p.Issuers = append(p.Issuers, reputation.Issuer{ID: issuer.ID, Reliability: r, Root: issuer.Root})
	}
	return p
}
