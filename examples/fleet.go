package examples

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Place is a machine's place in a ranking.
type Place struct {
	Machine did.DID
	Score   *reputation.Score
	Err     error // why it has no score
}

// Rank verifies the records of a fleet, scores each as of a day, and puts the
// best first. One bad record does not keep the others from being ranked.
func Rank(ctx context.Context, v *vc.Verifier, policy *reputation.Policy, at time.Time, records map[did.DID][][]byte) ([]Place, error) {
	scorer, err := reputation.NewScorer(policy)
	if err != nil {
		return nil, err
	}
	var places []Place
	for machine, record := range records {
		var good []*vc.Verified
		for _, r := range v.VerifyAll(ctx, record, vc.AnyIssuer) { // on all cores
			switch _, bad := errors.AsType[*vc.RejectError](r.Err); {
			case r.Err == nil:
				good = append(good, r.Verified)
			case !bad:
				return nil, r.Err // it could not be checked: try again later
			} // a bad one is left out: that is a gap in the record, and costs points
		}
		place := Place{Machine: machine}
		if history, err := chain.NewDisclosed(machine, good...); err != nil {
			place.Err = err
		} else {
			place.Score, place.Err = scorer.Score(history, at)
		}
		places = append(places, place)
	}
	slices.SortFunc(places, func(a, b Place) int {
		return cmp.Or(cmp.Compare(b.points(), a.points()), cmp.Compare(a.Machine.String(), b.Machine.String()))
	})
	return places, nil
}

func (p Place) points() int64 {
	if p.Score == nil {
		return 0
	}
	return p.Score.Points
}
