package reputation_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// must keeps the examples short. A program returns the error.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// somebody has a key made from a name, so that the examples print the same every time.
func somebody(name string) *vc.Issuer {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	return &vc.Issuer{ID: must(did.NewKey(key.Public())), Key: key, Now: func() time.Time { return now }}
}

// drone is the verified record of a machine: made in January, watched weekly since.
func drone(maker, monitor *vc.Issuer) *chain.History {
	ctx := context.Background()
	verifier := vc.Verifier{Now: func() time.Time { return now }}
	machine := somebody("drone").ID
	var head chain.Head
	var entries []*vc.Verified
	enter := func(issuer *vc.Issuer, at time.Time, claim vc.Claim, entry chain.Entry) {
		c := &vc.Credential{Subject: machine, Claim: claim, ValidFrom: at}
		if err := head.Append(c, entry); err != nil {
			log.Fatal(err)
		}
		v := must(verifier.Verify(ctx, must(issuer.Issue(c)), vc.AnyIssuer))
		if err := head.Advance(v); err != nil {
			log.Fatal(err)
		}
		entries = append(entries, v)
	}
	enter(maker, now.AddDate(0, 0, -7*46), record.Commissioning{Model: "LX-4", Serial: "317"}, chain.Entry{Kind: chain.Commission})
	for week := 45; week >= 0; week-- {
		at := now.AddDate(0, 0, -7*week)
		enter(monitor, at, record.Uptime{Availability: record.Availability{
			Start: at.AddDate(0, 0, -7), End: at, RequiredSeconds: 604_800, UpSeconds: 604_800, Method: record.Heartbeat,
		}}, chain.Entry{Kind: chain.Observe, Outcome: chain.Good})
	}
	return must(chain.New(machine, entries...))
}

// trusting lists one issuer whose word counts.
func trusting(issuer did.DID) *reputation.Policy {
	policy := reputation.DefaultPolicy()
	policy.Issuers = []reputation.Issuer{{
		ID:          issuer,
		Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000},
	}}
	return policy
}

func ExamplePolicy_Score() {
	monitor := somebody("monitor")
	history := drone(somebody("maker"), monitor)

	score, err := trusting(monitor.ID).Score(history, now)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d points on %v, class %v, expected loss %d bps\n", score.Points, score.AsOf, score.Completeness, score.ExpectedLoss)
	for _, reason := range score.Reasons {
		fmt.Printf("%4d %s\n", -reason.Lost, reason.Code)
	}
	// Output:
	// 523 points on 2026-11-22, class C2, expected loss 695 bps
	// -120 OBLIGATIONS_UNPROVEN
	//  -85 MAINTENANCE_UNPROVEN
	//  -46 AVAILABILITY_UNPROVEN
	//  -45 INTEGRITY_UNPROVEN
	//    0 CAPPED_C2
}

func ExampleScorer_Score() {
	maker, monitor := somebody("maker"), somebody("monitor")
	scorer := must(reputation.NewScorer(trusting(monitor.ID), nil)) // once for a whole fleet
	for _, history := range []*chain.History{drone(maker, monitor), drone(maker, somebody("nobody known"))} {
		fmt.Println(must(scorer.Score(history, now)).Points)
	}
	// Output:
	// 523
	// 448
}

func ExampleCheck() {
	maker, monitor, scorer := somebody("maker"), somebody("monitor"), somebody("scorer")
	history, policy := drone(maker, monitor), trusting(monitor.ID)
	score := must(policy.Score(history, now))

	raw := must(scorer.Issue(score.Credential(history.Subject(), now)))

	// Whoever has the history and the policy need not believe the scorer.
	verifier := vc.Verifier{Now: func() time.Time { return now }}
	credential := must(verifier.Verify(context.Background(), raw, vc.IssuedBy(scorer.ID)))
	fmt.Println(reputation.Check(credential, history, policy, nil))

	claim := score.Claim()
	claim.Points += 50
	forged := must(scorer.Issue(&vc.Credential{Subject: history.Subject(), Claim: claim, ValidFrom: now, ValidUntil: now.Add(reputation.MaxValidity)}))
	credential = must(verifier.Verify(context.Background(), forged, vc.IssuedBy(scorer.ID)))
	fmt.Println(reputation.Check(credential, history, policy, nil))
	// Output:
	// <nil>
	// reputation: score credential: points is 573: computing it again gives 523
}

func ExampleScorer_Case() {
	monitor := somebody("monitor")
	scorer := must(reputation.NewScorer(trusting(monitor.ID), nil))
	found := scorer.Case(drone(somebody("maker"), monitor))
	last := found.Evidence[len(found.Evidence)-1]
	fmt.Println(found.Completeness, last.Day, last.Dimension, last.Standing, last.Good, last.Bad)
	// Output: C2 2026-11-22 availability independent 604800 0
}

func ExampleScorer_Weigh() {
	monitor := somebody("monitor").ID
	scorer := must(reputation.NewScorer(trusting(monitor), nil))
	today := reputation.DayOf(now)
	receipt := reputation.Evidence{
		Sequence: 1, Digest: sha256.Sum256([]byte("receipt")), Issuer: monitor, Day: today,
		Dimension: reputation.Obligations, Standing: reputation.Independent, Good: 1000,
	}
	once := must(scorer.Weigh(reputation.Case{Evidence: []reputation.Evidence{receipt}}, today))
	twice := must(scorer.Weigh(reputation.Case{Evidence: []reputation.Evidence{receipt, receipt}}, today))
	fmt.Println(once.Points, twice.Points)
	// Output:
	// 457 457
}

func ExampleState_Fold() {
	monitor := somebody("monitor").ID
	scorer := must(reputation.NewScorer(trusting(monitor), nil))
	state := scorer.State("LX-4")
	state.Completeness = chain.C2

	today := reputation.DayOf(now)
	for week := range reputation.Day(40) {
		event := must(scorer.Event(&reputation.Evidence{
			Sequence: int64(week), Digest: sha256.Sum256([]byte{byte(week)}), Issuer: monitor, Day: today - 7*week,
			Dimension: reputation.Availability, Standing: reputation.Independent, Good: 604_800,
		}))
		if err := state.Fold(event); err != nil {
			log.Fatal(err)
		}
	}
	soon, later := must(state.Score(today)), must(state.Score(today+365)) // silence costs
	fmt.Println(soon.Dimensions[reputation.Availability].LowPpm, later.Dimensions[reputation.Availability].LowPpm)
	// Output:
	// 982142 934141
}

func ExampleState_Merge() {
	scorer := must(reputation.NewScorer(trusting(somebody("monitor").ID), nil))
	here, there := scorer.State("LX-4"), scorer.State("LX-4")
	fmt.Println(here.Merge(there))
	// Output:
	// <nil>
}

func ExampleParsePolicy() {
	text := must(reputation.DefaultPolicy().JSON())
	policy := must(reputation.ParsePolicy(text))
	fmt.Println(must(policy.Digest()))
	_, err := reputation.ParsePolicy([]byte(`{"scheme": "hourmeter-score/2"}`))
	fmt.Println(err)
	// Output:
	// uEiALVOx8zqJnzkjHxvEgif3FcoYpzwiEb1ZnrTY8pPQOqQ
	// reputation: policy: scheme is "hourmeter-score/2": this program scores by "hourmeter-score/1"
}

func ExampleEvidenceRoot() {
	fmt.Println(reputation.EvidenceRoot(reputation.Case{}, 20_779))
	// Output:
	// uEiDjsMRCmPwcFJr79MiZb7kkJ65B5GSbk0yklZkbeFK4VQ
}

func ExampleScorer_Explain() {
	monitor := somebody("monitor")
	scorer := must(reputation.NewScorer(trusting(monitor.ID), nil))
	explanation := must(scorer.Explain(drone(somebody("maker"), monitor), now))
	fmt.Print(explanation.Text())
	// Output:
	// 523 points as of 2026-11-22, from 448 for a machine without a record:
	//   availability starts at -27.5, good evidence +42.5
	//   maintenance  starts at -34.9
	//   obligations  starts at -44.8
	//   integrity    starts at -19.6
	//   provenance   starts at -23.9, good evidence +33.6
	// Of 47 credentials these changed most:
	//   entry 46: +0.8, availability, provenance
	//   entry 45: +0.8, availability, provenance
	//   entry 44: +0.8, availability, provenance
	//   entry 43: +0.8, availability, provenance
	//   entry 42: +0.7, availability, provenance
	//   entry 41: +0.7, availability, provenance
	//   entry 40: +0.7, availability, provenance
	//   entry 39: +0.7, availability, provenance
	//   entry 38: +0.6, availability, provenance
	//   entry 37: +0.6, availability, provenance
	// What would help:
	//   OBLIGATIONS_UNPROVEN: 2 obligations that end well, one a week, by the word of an issuer that the policy trusts: +14 points by 2026-11-29
	//   MAINTENANCE_UNPROVEN: 2 maintenance records in time, one a week, by an issuer that the policy trusts: +13 points by 2026-11-29
	//   AVAILABILITY_UNPROVEN: 4 weeks without an outage, each reported by an issuer that the policy trusts: +2 points by 2026-12-13
	//   INTEGRITY_UNPROVEN: 1 binding of the machine's key to hardware, attested, by an issuer that the policy trusts: +6 points
}

func ExampleScorer_ReadState() {
	monitor := somebody("monitor").ID
	policy := trusting(monitor)
	scorer := must(reputation.NewScorer(policy, nil))
	today := reputation.DayOf(now)
	state := must(scorer.Count(reputation.Case{Completeness: chain.C2, Evidence: []reputation.Evidence{{
		Sequence: 1, Digest: sha256.Sum256([]byte("report")), Issuer: monitor, Day: today,
		Dimension: reputation.Availability, Standing: reputation.Independent, Good: 604_800,
	}}}))
	stored := must(state.MarshalBinary())

	// Next epoch the monitor is believed less. What it said stays counted.
	policy.Issuers[0].Sensitivity = 600_000
	next := must(reputation.NewScorer(policy, nil))
	for _, s := range []*reputation.Scorer{scorer, next} {
		fmt.Println(must(must(s.ReadState(stored)).Score(today)).Dimensions[reputation.Availability].MeanPpm)
	}
	// Output:
	// 964973
	// 964042
}

func ExampleScorer_FoldColumns() {
	monitor := somebody("monitor").ID
	scorer := must(reputation.NewScorer(trusting(monitor), nil))
	states := []*reputation.State{scorer.State("LX-4"), scorer.State("LX-4")}
	up := must(scorer.Slot(monitor, reputation.Independent, reputation.Availability))
	today := reputation.DayOf(now)

	// Two machines, two weeks: one was up, the other mostly.
	fmt.Println(scorer.FoldColumns(states, &reputation.Columns{
		Machine: []uint32{0, 0, 1, 1},
		Slot:    []reputation.Slot{up, up, up, up},
		Day:     []uint16{uint16(today - 7), uint16(today), uint16(today - 7), uint16(today)},
		Good:    []uint32{604_800, 604_800, 500_000, 400_000},
		Bad:     []uint32{0, 0, 104_800, 204_800},
	}))
	for _, st := range states {
		fmt.Println(must(st.Score(today)).Dimensions[reputation.Availability].MeanPpm)
	}
	// Output:
	// <nil>
	// 972867
	// 861106
}
