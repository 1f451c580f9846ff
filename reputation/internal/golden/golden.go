// Package golden scores the cases by which two builds of package reputation are
// compared. [Score] turns the text of the cases into the text of the scores: every
// build of every architecture must give the same bytes. The program in run does the
// same from standard input to standard output.
package golden

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/hourmeter/hourmeter/reputation"
)

// Input is a policy and cases to score under it.
type Input struct {
	Policy reputation.Policy `json:"policy"`
	Cases  []Case            `json:"cases"`
}

// A Case is scored as of a day.
type Case struct {
	Name string          `json:"name"`
	AsOf reputation.Day  `json:"asOf"`
	Case reputation.Case `json:"case"`
}

// An Output is the score of the case of the same name.
type Output struct {
	Name  string            `json:"name"`
	Score *reputation.Score `json:"score"`
}

// Score scores the cases in input, which is the JSON of an [Input], and returns the
// JSON of an [Output] on each line.
func Score(input []byte) ([]byte, error) {
	var in Input
	if err := json.Unmarshal(input, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	scorer, err := reputation.NewScorer(&in.Policy, nil)
	if err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	var out []byte
	for _, c := range in.Cases {
		score, err := scorer.Weigh(c.Case, c.AsOf)
		if err != nil {
			return nil, fmt.Errorf("golden: case %s: %w", c.Name, err)
		}
		line, err := json.Marshal(Output{c.Name, score})
		if err != nil {
			return nil, fmt.Errorf("golden: case %s: %w", c.Name, err)
		}
		out = append(append(out, line...), '\n')
	}
	return out, nil
}
