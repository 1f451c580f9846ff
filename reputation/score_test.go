package reputation

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"github.com/hourmeter/hourmeter/vc/chain"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

const today Day = 20_779 // 2026-11-22

func issuer(i int) did.DID { return did.MustParse(fmt.Sprintf("did:example:issuer-%d", i)) }
func sybil(i int) did.DID  { return did.MustParse(fmt.Sprintf("did:example:sybil-%d", i)) }

// trusting is the default policy, with the given number of issuers that are right in 95 % of cases.
func trusting(issuers int) *Policy {
	p := DefaultPolicy()
	for i := range issuers {
		p.Issuers = append(p.Issuers, Issuer{ID: issuer(i), Reliability: Reliability{950_000, 950_000}})
	}
	return p
}

func hash(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }

func digestOf(n int) (d vc.Digest) {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// outcomes makes evidence on obligations: one for each day, all of it good or bad.
func outcomes(from did.DID, sequence int, good bool, days ...Day) (list []Evidence) {
	for i, day := range days {
		e := Evidence{
			Sequence: int64(sequence + i), Digest: digestOf(sequence + i), Issuer: from, Day: day,
			Dimension: Obligations, Standing: Independent, Good: 1000,
		}
		if !good {
			e.Good, e.Bad = 0, 1000
		}
		list = append(list, e)
	}
	return list
}

// weekly names n days, a week apart, the last of them a week ago.
func weekly(n int) (days []Day) {
	for i := range n {
		days = append(days, today-Day(7*(n-i)))
	}
	return days
}

func weigh(t testing.TB, p *Policy, evidence []Evidence) *Score {
	t.Helper()
	s, err := NewScorer(p, nil)
	require.NoError(t, err)
	score, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today)
	require.NoError(t, err)
	return score
}

// The regressions that docs/SCORE.md names, each a place where a plain weighted mean errs.
func TestNamedRegressions(t *testing.T) {
	p := trusting(20)
	prior := weigh(t, p, nil)

	oneSuccess := weigh(t, p, outcomes(issuer(0), 1, true, today))
	staleSingle := weigh(t, p, outcomes(issuer(0), 1, true, today-5*365))

	var mostlyGood []Evidence // 1000 reports in four years, by twenty issuers
	rng := rand.New(rand.NewPCG(1, 1))
	bad := map[int]bool{100: true, 500: true, 900: true}
	for i := range 1000 {
		day := today - Day(4*365) + Day(i*4*365/1000)
		mostlyGood = append(mostlyGood, outcomes(issuer(rng.IntN(20)), i, !bad[i], day)...)
	}
	score997 := weigh(t, p, mostlyGood)

	sybil200 := outcomes(issuer(0), 0, false, weekly(10)...)
	for i := range 200 {
		sybil200 = append(sybil200, outcomes(sybil(i), 10+i, true, today-Day(i%60))...)
	}
	scoreSybil := weigh(t, p, sybil200)

	dup100 := outcomes(issuer(0), 0, false, weekly(5)...)
	for range 100 {
		dup100 = append(dup100, outcomes(issuer(1), 5, true, today)...)
	}
	scoreDup := weigh(t, p, dup100)

	t.Logf("prior %d %d, one_success %d %d, stale_single %d %d, 997_3 %d %d, sybil_200 %d %d, dup_100 %d %d",
		prior.Points, prior.LowPpm, oneSuccess.Points, oneSuccess.LowPpm, staleSingle.Points, staleSingle.LowPpm,
		score997.Points, score997.LowPpm, scoreSybil.Points, scoreSybil.LowPpm, scoreDup.Points, scoreDup.LowPpm)
	require.Greater(t, score997.Points, oneSuccess.Points, "997_3 > one_success")
	require.Greater(t, oneSuccess.Points, staleSingle.Points, "one_success > stale_single")
	require.InDelta(t, prior.LowPpm, staleSingle.LowPpm, 1000, "stale_single ≈ prior")
	require.InDelta(t, prior.Points, staleSingle.Points, 1, "stale_single ≈ prior")
	require.Less(t, scoreSybil.LowPpm, prior.LowPpm, "sybil_200 < prior")
	require.Less(t, scoreSybil.Points, prior.Points, "sybil_200 < prior")
	require.Less(t, scoreDup.Points, prior.Points, "dup_100 < prior")
	for i, s := range []*Score{prior, oneSuccess, staleSingle, score997, scoreSybil, scoreDup} {
		t.Logf("%d: %+v", i, s.Dimensions)
	}
}
