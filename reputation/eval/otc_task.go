package eval

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// trained is the share of a rating network that is known, in percent; the rest is to be
// foretold.
const trained = 70

// A RatingNetwork is the task to foretell what people say of each other: from the first
// 70 % of a network by time, the signs of the rest. docs/EVALUATION.md says how.
type RatingNetwork struct {
	ID   string // names the task, such as "otc"
	Path string // of the file that [ReadRatings] reads
}

// Name implements [Task].
func (n RatingNetwork) Name() string { return n.ID }

// An oracle is a method of foretelling ratings. It learns from past ratings and gives
// features of one to come: who rates whom is all it may look at.
type oracle struct {
	name  string
	learn func(past []SignedRating) (features func(SignedRating) []float64, err error)
}

// foretell lets o learn from training and say how likely each rating of the future is to be
// praise: once by what it says of the rated node, and once by that and by the rater's habit.
// The logistic maps from these to probabilities are fitted within training, at three moments,
// because times differ: o learns from what was known then, and what came after are examples.
func foretell(o oracle, training, future []SignedRating) (byNode, byBoth forecast, err error) {
	var alone, both [][]float64
	var praised []bool
	for _, percent := range [...]int{40, 60, 80} {
		early, late := before(training, percent)
		if late = ofKnown(early, late); len(late) == 0 {
			continue
		}
		features, err := o.learn(early)
		if err != nil {
			return byNode, byBoth, err
		}
		habit := habits(early)
		for _, r := range late {
			x := features(r)
			alone, both = append(alone, x), append(both, append(slices.Clone(x), habit(r.From)))
			praised = append(praised, r.Good())
		}
	}
	if len(praised) == 0 {
		return byNode, byBoth, fmt.Errorf("no node of the first %d ratings is rated twice, so there is nothing to learn from", len(training))
	}
	mapNode, mapBoth := fitLogistic(alone, praised), fitLogistic(both, praised)

	features, err := o.learn(training)
	if err != nil {
		return byNode, byBoth, err
	}
	habit := habits(training)
	for _, r := range future {
		x := features(r)
		byNode.add(mapNode.predict(x), r.Good(), r.To)
		byBoth.add(mapBoth.predict(append(slices.Clone(x), habit(r.From))), r.Good(), r.To)
	}
	return byNode, byBoth, nil
}

// ofKnown returns the ratings of nodes that have been rated in the past. Of others no score
// says anything.
func ofKnown(past, ratings []SignedRating) []SignedRating {
	known := map[int64]bool{}
	for _, r := range past {
		known[r.To] = true
	}
	return slices.DeleteFunc(slices.Clone(ratings), func(r SignedRating) bool { return !known[r.To] })
}

// Run implements [Task].
func (n RatingNetwork) Run(ctx context.Context, report func(done, total int)) ([]Row, error) {
	file, err := os.Open(n.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	ratings, err := ReadRatings(file)
	if err != nil {
		return nil, fmt.Errorf("eval: %s: %w", n.Path, err)
	}
	r, err := forecastNetwork(ctx, ratings, report)
	if err != nil {
		return nil, fmt.Errorf("eval: %s: %w", n.Path, err)
	}
	targets := realTargets{auc: .70, brier: .098, ece: .05}
	rows := forecastRows(n.ID, "sign of later ratings, by the rated node", r.names, r.byNode, targets, fmt.Sprintf(
		"%d ratings after the first %d %%, of nodes rated before", len(r.byNode[0].happened), trained))
	return append(rows, forecastRows(n.ID, "… and by the rater's habit", r.names, r.byBoth, targets, "")...), nil
}

// A networkForecast is what all methods say of the ratings that came after training.
type networkForecast struct {
	names  []string   // of the methods, ours first
	byNode []forecast // of each
	byBoth []forecast // of each, with the rater's habit: see habits
}

// forecastNetwork splits the ratings by time and lets all methods foretell the later ones.
func forecastNetwork(ctx context.Context, ratings []SignedRating, report func(done, total int)) (n networkForecast, err error) {
	training, future := before(ratings, trained)
	future = ofKnown(training, future)
	if len(future) == 0 {
		return n, fmt.Errorf("no node is rated both in the first %d %% of %d ratings and after", trained, len(ratings))
	}
	methods := append([]oracle{{Ours, scores(false)}, {"raters estimated", scores(true)}}, simpleOracles()...)
	for i, o := range methods {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		byNode, byBoth, err := foretell(o, training, future)
		if err != nil {
			return n, err
		}
		n.names, n.byNode, n.byBoth = append(n.names, o.name), append(n.byNode, byNode), append(n.byBoth, byBoth)
		report(i+1, len(methods))
	}
	return n, nil
}

// node is the DID by which policies know a node.
func node(n int64) did.DID { return did.MustParse(fmt.Sprintf("did:example:node-%d", n)) }

// priorStrength is what the prior of a node is worth, in thousandths of a window. Most nodes
// have few ratings, and those say a lot. It was chosen, like the exposure of a rating, on
// the first 40 to 70 % of Bitcoin-OTC: see docs/EVALUATION.md.
const priorStrength = 30

// scores is the oracle under test. The feature of a rating is the log-odds of the mean of
// the rated node's score on the last day of the past. All raters are right in 90 % of cases,
// or are taken as a trust table estimates them.
func scores(estimated bool) func(past []SignedRating) (func(SignedRating) []float64, error) {
	return func(past []SignedRating) (func(SignedRating) []float64, error) {
		policy, cases := networkPolicy(past), networkCases(past)
		asOf := past[len(past)-1].day()
		var table *reputation.TrustTable
		if estimated {
			var err error
			if table, err = estimate(policy, past, cases); err != nil {
				return nil, err
			}
		}
		scorer, err := reputation.NewScorer(policy, table)
		if err != nil {
			return nil, err
		}
		odds := make(map[int64]float64, len(cases))
		for _, c := range cases {
			score, err := weigh(scorer, c.Case, asOf)
			if err != nil {
				return nil, err
			}
			odds[c.node] = logit(float64(score.MeanPpm) / million)
		}
		return func(r SignedRating) []float64 { return []float64{odds[r.To]} }, nil
	}
}

// networkPolicy is the default policy, asked about obligations only, with the share of praise
// in the past as prior mean. Issuers are the raters, the most active first; roots, which
// matter to a trust table only, are the first of them.
func networkPolicy(past []SignedRating) *reputation.Policy {
	p := reputation.DefaultPolicy()
	p.Name = "Rating network"
	p.Weights = reputation.Each[int64]{Obligations: million}
	p.Priors.Obligations = reputation.Prior{Mean: min(max(int64(praise(past)*million), 1), million-1), Strength: priorStrength}
	raters := mostActive(past)
	roots := networkRoots(raters)
	for i, u := range raters[:min(len(raters), reputation.MaxIssuers)] {
		p.Issuers = append(p.Issuers, reputation.Issuer{
			ID: node(u), Root: i < len(roots),
			Reliability: reputation.Reliability{Sensitivity: 900_000, Specificity: 900_000},
		})
	}
	return p
}

// networkRoots are those raters whom a newcomer to the network would ask first: the most
// active 5 %.
func networkRoots(mostActive []int64) []int64 { return mostActive[:max(1, len(mostActive)/20)] }

// estimate makes a trust table of what raters said. Praise is also an accreditation.
func estimate(policy *reputation.Policy, past []SignedRating, cases []networkCase) (*reputation.TrustTable, error) {
	asOf := past[len(past)-1].day()
	e, err := reputation.NewEstimator(policy, asOf)
	if err != nil {
		return nil, err
	}
	for _, r := range past {
		if !r.Good() || r.From == r.To {
			continue
		}
		err := e.Accredit(reputation.Accreditation{
			From: node(r.From), To: node(r.To), Start: r.day().Time(), Until: (asOf + 1).Time(), Depth: depth,
		})
		if err != nil {
			return nil, err
		}
	}
	for _, c := range cases {
		if err := e.Add(node(c.node), c.Case); err != nil {
			return nil, err
		}
	}
	return e.Table(nil)
}

// A networkCase is what was said of one node.
type networkCase struct {
	node int64
	reputation.Case
}

// networkCases makes a case of what was said of each node, in the order of their numbers.
func networkCases(past []SignedRating) []networkCase {
	of := map[int64]int{}
	var cases []networkCase
	for i, r := range past {
		n, ok := of[r.To]
		if !ok {
			n = len(cases)
			of[r.To] = n
			cases = append(cases, networkCase{r.To, reputation.Case{Completeness: chain.C4}})
		}
		c := &cases[n]
		e := reputation.Evidence{
			Sequence: int64(len(c.Evidence)), Issuer: node(r.From), Day: r.day(),
			Dimension: reputation.Obligations, Standing: reputation.Independent,
		}
		binary.BigEndian.PutUint64(e.Digest[:], uint64(i)+1)
		if r.From == r.To {
			e.Standing = reputation.Interested
		}
		// Praise or blame of any strength is half an event, and its value adds up to another half.
		exposure := event/2 + event/2*max(int64(r.Value), -int64(r.Value))/maxOpinion
		if r.Good() {
			e.Good = exposure
		} else {
			e.Bad = exposure
		}
		c.Evidence = append(c.Evidence, e)
	}
	slices.SortFunc(cases, func(a, b networkCase) int { return cmp.Compare(a.node, b.node) })
	return cases
}

// praise is the share of good ratings.
func praise(ratings []SignedRating) float64 {
	good := 0.0
	for _, r := range ratings {
		good += number(r.Good())
	}
	return good / float64(len(ratings))
}

// mostActive returns the raters by falling number of ratings, of equals the lower first.
func mostActive(past []SignedRating) []int64 {
	count := map[int64]int{}
	for _, r := range past {
		count[r.From]++
	}
	raters := make([]int64, 0, len(count))
	for u := range count {
		raters = append(raters, u)
	}
	slices.SortFunc(raters, func(a, b int64) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	return raters
}

// habits returns how often a rater praised in the past: the log-odds of the mean of a Beta
// distribution whose prior is the share of all praise, worth one rating. Some raters praise
// nearly everybody, and some come to warn; what an issuer will say next depends on both sides.
func habits(past []SignedRating) func(rater int64) float64 {
	good, all, share := map[int64]float64{}, map[int64]float64{}, praise(past)
	for _, r := range past {
		good[r.From] += number(r.Good())
		all[r.From]++
	}
	return func(rater int64) float64 { return logit((good[rater] + share) / (all[rater] + 1)) }
}
