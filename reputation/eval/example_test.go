package eval_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hourmeter/hourmeter/reputation/eval"
)

// A third of the issuers collude: they praise all bad machines and blame all good ones.
func ExampleWorld_Simulate() {
	world := eval.DefaultWorld()
	world.Machines = 300
	for _, attack := range []eval.Attack{{}, {Colluding: 33, Volume: 10}} {
		s, err := world.Simulate(attack, 1)
		if err != nil {
			log.Fatal(err)
		}
		for _, method := range eval.Baselines()[:2] {
			judgements, err := method.Judge(eval.View{Simulation: s, Windows: world.Windows})
			if err != nil {
				log.Fatal(err)
			}
			var scores []float64
			var good []bool
			for i, j := range judgements {
				scores = append(scores, j.Score)
				good = append(good, !s.Machines[i].Bad)
			}
			fmt.Printf("%d %% collude: %s %.2f\n", attack.Colluding, method.Name, eval.AUC(scores, good))
		}
	}
	// Output:
	// 0 % collude: Beta 1.00
	// 0 % collude: weighted mean 0.99
	// 33 % collude: Beta 0.00
	// 33 % collude: weighted mean 0.00
}

// Somebody else's attackers, at strengths of their own.
func ExampleParsePlan() {
	plan, err := eval.ParsePlan([]byte(`{
		"world": {"machines": 200, "roots": 20},
		"scenarios": [{"name": "mine", "title": "half hide half", "attack": {"hiding": 50}, "auc": {"atLeast": 0.9}}]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	table, err := eval.Evaluate(context.Background(), plan.Tasks(1, 2), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, row := range table.Rows[:1] {
		fmt.Println(row.Task, row.Metric, row.Target, "met:", row.Met())
	}
	// Output:
	// mine AUC ≥ 0.900 met: true
}

func ExampleECE() {
	said := []float64{.1, .1, .1, .1, .9, .9, .9, .9}
	happened := []bool{false, false, false, false, true, true, true, false}
	fmt.Printf("%.3f\n", eval.ECE(said, happened)) // .1 off in one half, .15 in the other
	// Output:
	// 0.125
}

func ExampleSummary() {
	e := eval.Summary([]float64{.98, .99, .97})
	fmt.Printf("%.3f (%.3f to %.3f)\n", e.Mean, e.Low, e.High)
	// Output:
	// 0.980 (0.955 to 1.005)
}
