// Package reputation scores a machine by its verified record.
//
//   - [Policy.Score], or [Scorer.Score] for many machines, turns a history into a [Score]
//     as of a day: points, a mean, a lower bound, and the reasons for what was lost.
//   - [Score.Credential] makes of it a claim for a scorer to sign, and [Check] computes
//     such a claim again and names the first difference.
//   - [Scorer.Explain] says what each credential changed, and what would help.
//   - [Scorer.State] keeps a score up to date in constant time per event.
//   - An [Estimator] finds out how far issuers are to be believed, and makes a [TrustTable] of it.
//
// A score is a function of a policy, a trust table, a history and a day, and of nothing else.
// It is computed with integers only, so whoever holds the same gets the same bits, on any
// machine. The same includes the proofs: a copy of an entry that one witness more has
// signed can count for more. [EvidenceRoot] commits to what counts, so the digests of policy
// and table, the evidence root, day and completeness fix a score's points, and its head says
// where the history ended. The scheme is named [Scheme]; docs/SCORE.md specifies it to the bit.
//
// The danger: a score is about the record, and the record is what witnesses chose to say.
// It counts only issuers that the policy lists, or the table that rests on its roots, so a
// policy with the wrong ones gives any score that they want. Points are no promise; act on
// the lower bound.
//
// # How it is computed
//
// Witnesses have a reliability each, from the policy or from a [TrustTable]. Evidence comes
// from a history as [Scorer.Case] tells. Reports are fused by week ([Window]): the
// log-odds of independent groups of witnesses add up within ±6, and c = 2σ-1 of them adds
// to the good evidence r, or to the adverse evidence s, with a weight of 2^(-age/24 weeks).
// Each dimension is a Beta distribution over weeks: with prior mean m0 and strength k,
//
//	mean  = (r + k·m0) / (r + s + k)
//	bound = mean - √(mean·(1-mean) / (r+s+1))
//	points of a dimension = its weight × 40·(log2 odds(bound) - log2 20)
//
// but neither mean nor bound is above what the last weeks allow, which are weighed once more
// with 2^(-age/6 weeks). A score is 600 plus the points of the five dimensions, within
// 300..850, and within the cap of the history's completeness class.
//
// # Where the scheme leaves a choice
//
//   - A fraction. A report that 95 % of a week was up counts as good for 95 % of the
//     week's duration and as bad for 5 %; witnesses are fused at each moment of the week.
//   - Exposure. One window counts once, however many events it holds; one with less than a
//     day of required time, or less than one whole event, counts in proportion.
//   - Long reports. A report of availability counts in the week in which it ends, as one
//     week at most: it is scaled down, its good rounded down and its bad up. Only the
//     statistics of [Failures] keep all its seconds.
//   - Dilution. A week holds 604,800 seconds of one witness's reports; of more, the good go
//     first. Of events one good one a week and witness counts, however many there are.
//   - Deterioration. A rule that leaps from one tally to the other would reward some bad news.
//     So mean and bound come down to the upper end of an interval around the recent
//     evidence ([RecentHalfLife]), which bad news never raises.
//   - A record's own facts, such as overdue obligations, forks and withheld entries, need
//     no witness. Each counts as one certain adverse window.
//   - Withheld entries may be about anything, so the lower bound of every dimension takes
//     them as adverse. Those that totals reveal as adverse count in the mean too, for
//     obligations, half way between one week and a week each; and all as missing for
//     provenance. They count as of the next entry by a trusted witness: dates by anybody
//     else could make them old.
//   - An entry by a trusted witness whose claim cannot be read is as if withheld.
//   - Provenance. An entry by a known witness vouches for what it follows, so the age of the
//     head tells by the ageing of that evidence. The completeness class acts by its cap.
//   - Days. Scores know whole UTC days: an obligation is overdue from the day after it was due.
//   - Bad news never raises the bound and good news never lowers it, apart from rounding:
//     the bound is the lesser of that with the adverse evidence and that without it.
//   - The pooled bound is the weighted mean of the dimensions' log-odds, each within those
//     that 300 and 850 points stand for. So points add up, and points and bound say the same.
//   - A cap holds the bound too, and with it the expected loss. A fork not yet adjudicated
//     voids the score: 300 points, and a bound of 0.
//   - Statements against interest are believed as the policy's Admission says, which need
//     not be in the issuers' list.
//   - Integrity is the last state: praise from before it was lost does not count.
//   - Numbers in parts per million are rounded down, like everything else.
package reputation
