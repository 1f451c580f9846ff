package eval

import (
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/reputation"
)

// Hourmeter is the method under test: trust in the issuers as [reputation.Estimator] makes
// it of all cases, and scores by a [reputation.Scorer] with that table. Machines are ordered
// by the lower bound of the score, which points rest on.
func Hourmeter() Method {
	return Method{Ours, "hourmeter-score/1: lower bound, and mean", func(v View) ([]Judgement, error) {
		scores, err := v.Scores()
		if err != nil {
			return nil, err
		}
		out := make([]Judgement, len(scores))
		for i, s := range scores {
			d := s.Dimensions[reputation.Obligations]
			out[i] = Judgement{float64(d.LowPpm) / million, float64(d.MeanPpm) / million}
		}
		return out, nil
	}}
}

// Scores scores all machines that are not discarded, in order.
func (v View) Scores() ([]*reputation.Score, error) {
	s := v.Simulation
	policy, asOf := s.Policy(), s.AsOf(v.Windows)
	estimator, err := reputation.NewEstimator(policy, asOf)
	if err != nil {
		return nil, err
	}
	for _, a := range s.Accreditations {
		err := estimator.Accredit(reputation.Accreditation{
			From: s.Issuers[a[0]].ID, To: s.Issuers[a[1]].ID, Start: start.Time(), Until: s.AsOf(s.World.Windows).Time().Add(24 * time.Hour), Depth: depth,
		})
		if err != nil {
			return nil, err
		}
	}
	for i := range s.Machines {
		if err := estimator.Add(s.Machines[i].ID, s.Case(i, v.Windows)); err != nil {
			return nil, fmt.Errorf("eval: %v: %w", s.Machines[i].ID, err)
		}
	}
	table, err := estimator.Table(nil)
	if err != nil {
		return nil, err
	}
	scorer, err := reputation.NewScorer(policy, table)
	if err != nil {
		return nil, err
	}
	scores := make([]*reputation.Score, s.World.Machines)
	for i := range scores {
		if scores[i], err = weigh(scorer, s.Case(i, v.Windows), asOf); err != nil {
			return nil, fmt.Errorf("eval: %v: %w", s.Machines[i].ID, err)
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
