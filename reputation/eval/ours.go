package eval

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
)

// Hourmeter is the method under test: trust in the issuers as [reputation.Estimator] makes
// it of all cases, and scores by a [reputation.Scorer] with that table. Machines are ordered
// by the lower bound of the score, which points rest on; the probability is the mean of
// obligations, which is what it is about.
func Hourmeter() Method {
	return Method{Ours, "lower bound of hourmeter-score/1; mean of its obligations; trust as hourmeter-trust/1 estimates it", func(v View) ([]Judgement, error) { return v.judge(v.Table) }}
}

// KnownTrust is the same scorer with a trust table that no estimator can make: the true
// reliability of every issuer. What it does not reach, no estimate of trust reaches.
func KnownTrust() Method {
	return Method{"known trust", "the same with the true reliability of every issuer", func(v View) ([]Judgement, error) { return v.judge(v.truth) }}
}

func (v View) judge(table func() (*reputation.TrustTable, error)) ([]Judgement, error) {
	t, err := table()
	if err != nil {
		return nil, err
	}
	scores, err := v.Scores(t)
	if err != nil {
		return nil, err
	}
	out := make([]Judgement, len(scores))
	for i, s := range scores {
		out[i] = Judgement{float64(s.LowPpm) / million, float64(s.Dimensions[reputation.Obligations].MeanPpm) / million}
	}
	return out, nil
}

// Table estimates trust from all cases and accreditations.
func (v View) Table() (*reputation.TrustTable, error) {
	s := v.Simulation
	estimator, err := reputation.NewEstimator(s.Policy(), s.AsOf(v.Windows))
	if err != nil {
		return nil, err
	}
	for _, a := range s.Accreditations {
		err := estimator.Accredit(reputation.Accreditation{
			From: s.Issuers[a[0]].ID, To: s.Issuers[a[1]].ID, Depth: depth,
			Start: start.Time(), Until: s.AsOf(s.World.Windows).Time().Add(24 * time.Hour),
		})
		if err != nil {
			return nil, err
		}
	}
	roots := s.roots()
	for i := range s.Machines {
		if err := estimator.Add(s.Machines[i].ID, s.Case(i, v.Windows, roots)); err != nil {
			return nil, fmt.Errorf("eval: %v: %w", s.Machines[i].ID, err)
		}
	}
	return estimator.Table(nil)
}

// truth is the table that would be right.
func (v View) truth() (*reputation.TrustTable, error) {
	s := v.Simulation
	policy, err := s.Policy().Digest()
	if err != nil {
		return nil, err
	}
	t := &reputation.TrustTable{Scheme: reputation.TrustScheme, Policy: policy, Observations: policy, AsOf: s.AsOf(v.Windows)}
	var clients, sleepers []did.DID
	for i := range s.Machines {
		if s.Machines[i].Client {
			clients = append(clients, s.Machines[i].ID)
		}
	}
	slices.SortFunc(clients, byText)
	for _, w := range s.Issuers {
		p := int64(min(w.Accuracy, 98) * percent)
		issuer := reputation.IssuerTrust{ID: w.ID, Reliability: reputation.Reliability{Sensitivity: p, Specificity: p}}
		switch {
		case w.Root || w.Role != Honest && w.Role != Sleeper || w.Accuracy < 50:
			continue
		case w.Role == Sleeper && len(clients) > 0:
			sleepers = append(sleepers, w.ID)
		}
		t.Issuers = append(t.Issuers, issuer)
	}
	slices.SortFunc(t.Issuers, func(a, b reputation.IssuerTrust) int { return byText(a.ID, b.ID) })
	if len(sleepers) > 0 {
		slices.SortFunc(sleepers, byText)
		t.Factions = []reputation.Faction{{Issuers: sleepers, Machines: clients}}
	}
	return t, nil
}

func byText(a, b did.DID) int { return cmp.Compare(a.String(), b.String()) }

// Scores scores all machines that are not discarded, in order.
func (v View) Scores(table *reputation.TrustTable) ([]*reputation.Score, error) {
	s := v.Simulation
	scorer, err := reputation.NewScorer(s.Policy(), table)
	if err != nil {
		return nil, err
	}
	known := s.known(table)
	scores := make([]*reputation.Score, s.World.Machines)
	for i := range scores {
		id := s.Machines[i].ID
		if scores[i], err = weigh(scorer, scorer.Heed(id, s.Case(i, v.Windows, known)), s.AsOf(v.Windows)); err != nil {
			return nil, fmt.Errorf("eval: %v: %w", id, err)
		}
	}
	return scores, nil
}

// depth of accreditations: whoever is accredited may accredit further.
const depth = 8

// weigh scores a case that holds nothing twice and nothing of later days, as
// [reputation.Scorer.Weigh] does, but for the evidence root.
func weigh(scorer *reputation.Scorer, c reputation.Case, asOf reputation.Day) (*reputation.Score, error) {
	state := scorer.State(c.Model)
	state.Completeness = c.Completeness
	for i := range c.Evidence {
		event, err := scorer.Event(&c.Evidence[i])
		if err != nil {
			return nil, err
		}
		if err := state.Fold(event); err != nil {
			return nil, err
		}
	}
	return state.Score(asOf)
}
