// Package eval measures how good scores are, under attack and on public data.
//
//   - [World.Simulate] makes a seeded world of issuers and machines, some of which cheat in
//     a way that an [Attack] describes, and knows the truth about every machine.
//   - [Evaluate] runs [Task]s, scores of package reputation and [Baselines] side by side,
//     and gives the [Table] that docs/EVALUATION.md explains.
//   - [AUC], [Brier], [LogLoss] and [ECE] are the measures.
//
// Scores come out of the code that everybody runs: an estimator makes the issuers' trust
// table, a scorer folds each machine's evidence into a state and reads it. Only what is
// measured afterwards is computed with floating point.
//
// The danger: a simulator shows what happens to the attacks that it knows, at the strengths
// that it was given. It is no proof about attackers who have read this file.
package eval
