package reputation_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
)

// A workshop that the policy does not know is believed because what it says agrees with what
// a root says of the same machines; a flatterer who says the opposite of bad ones is not.
func ExampleEstimator() {
	const asOf reputation.Day = 20_779
	inspector, workshop, flatterer := did.MustParse("did:web:inspector.example"), did.MustParse("did:web:workshop.example"), did.MustParse("did:web:flatterer.example")
	policy := trusting(inspector)
	policy.Issuers[0].Root = true

	estimator := must(reputation.NewEstimator(policy, asOf))
	for m := range 20 {
		var c reputation.Case // as Scorer.Case makes it of a machine's history
		for week := range reputation.Day(10) {
			kept := m%2 == 0 || week%2 == 0
			for _, said := range []struct {
				by   did.DID
				kept bool
			}{{inspector, kept}, {workshop, kept}, {flatterer, true}} {
				e := reputation.Evidence{
					Sequence: int64(len(c.Evidence)), Digest: sha256.Sum256(fmt.Append(nil, m, len(c.Evidence))), Issuer: said.by,
					Day: asOf - 7*week, Dimension: reputation.Obligations, Standing: reputation.Independent, Bad: 1000,
				}
				if said.kept {
					e.Good, e.Bad = 1000, 0
				}
				c.Evidence = append(c.Evidence, e)
			}
		}
		if err := estimator.Add(did.MustParse(fmt.Sprintf("did:example:machine-%d", m)), c); err != nil {
			fmt.Println(err)
		}
	}
	table := must(estimator.Table(nil))
	for _, i := range table.Issuers {
		fmt.Println(i.ID, i.Sensitivity, i.Specificity)
	}
	scorer := must(reputation.NewScorer(policy, table))
	fmt.Println(scorer.TrustTable() == must(table.Digest()))
	// Output:
	// did:web:workshop.example 980000 980000
	// true
}

// Three nodes: 0 trusts 1 and 2, 2 trusts 1, and who is asked trusts 0 and 2 to begin with.
func ExampleTrustGraph_EigenTrust() {
	graph := must(reputation.NewTrustGraph(3, []reputation.Edge{{From: 0, To: 1, Weight: 100}, {From: 2, To: 1, Weight: 100}, {From: 0, To: 2, Weight: 75}}))
	for _, t := range must(graph.EigenTrust([]uint32{50, 0, 100}, 500_000, 32, 0)) {
		fmt.Println(t >> 42 * 1000 >> 20) // of 62 fraction bits 20 will do for thousandths
	}
	// Output:
	// 217
	// 302
	// 480
}

// Two of three estimators have signed one table, so it is taken.
func ExampleCheckTrust() {
	alice, bob, carol := somebody("alice"), somebody("bob"), somebody("carol")
	policy := trusting(somebody("inspector").ID)
	policy.Issuers[0].Root = true
	table := must(must(reputation.NewEstimator(policy, 20_779)).Table(nil))

	text := must(alice.Issue(table.Credential(did.MustParse("did:web:network.example"), now)))
	text = must(bob.AddProof(text))
	verifier := vc.Verifier{Now: func() time.Time { return now }}
	signed := must(verifier.Verify(context.Background(), text, vc.AnyIssuer))

	estimators := []did.DID{alice.ID, bob.ID, carol.ID}
	_, err := reputation.CheckTrust(2, estimators, signed)
	fmt.Println(err)
	_, err = reputation.CheckTrust(3, estimators, signed)
	fmt.Println(err != nil)
	// Output:
	// <nil>
	// true
}
