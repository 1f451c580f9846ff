package reputation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc/chain"
)

// busy is a year of a machine under eyes: four dimensions, weekly, by two witnesses each.
func busy(t require.TestingT, s *Scorer) (evidence []Evidence, events []Event) {
	for week := range 52 {
		for i := range 8 {
			e := Evidence{
				Sequence: int64(week*8 + i), Digest: digestOf(week*8 + i), Issuer: issuer(i), Day: today - Day(7*week),
				Dimension: Dimension(i % 4), Standing: Independent, Good: 1000,
			}
			if e.Dimension == Availability {
				e.Good, e.Bad = 600_000, 4_800
			}
			event, err := s.Event(&e)
			require.NoError(t, err)
			evidence, events = append(evidence, e), append(events, event)
		}
	}
	return evidence, events
}

// Target: 3 ns an event.
func BenchmarkFoldBatch(b *testing.B) {
	s := scorerFor(b, trusting(8))
	_, events := busy(b, s)
	st := s.State("")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		st.events = 0 // the limit is for real states
		if err := st.Fold(events...); err != nil {
			b.Fatal(err)
		}
		n += len(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

// Target: 100 ns and no allocation, from evidence to a state that holds it.
func BenchmarkFoldOne(b *testing.B) {
	s := scorerFor(b, trusting(8))
	evidence, events := busy(b, s)
	st := s.State("")
	require.NoError(b, st.Fold(events...))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		st.events = 0
		event, err := s.Event(&evidence[i])
		if err != nil {
			b.Fatal(err)
		}
		if err := st.Fold(event); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(evidence) {
			i = 0
		}
	}
}

// Target: 5 µs.
func BenchmarkReadScore(b *testing.B) {
	s := scorerFor(b, trusting(8))
	_, events := busy(b, s)
	st := s.State("")
	require.NoError(b, st.Fold(events...))
	readScore(b, st)
}

// The same with one witness for each dimension, as most machines have it.
func BenchmarkReadScoreOneWitness(b *testing.B) {
	s := scorerFor(b, trusting(4))
	evidence, _ := busy(b, scorerFor(b, trusting(8)))
	st := s.State("")
	for i := range evidence {
		event, err := s.Event(&evidence[i])
		require.NoError(b, err)
		require.NoError(b, st.Fold(event))
	}
	readScore(b, st)
}

// readScore measures, and tells how often a plain sweep over the counts fits into that.
func readScore(b *testing.B, st *State) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Score(today); err != nil {
			b.Fatal(err)
		}
	}
	each := b.Elapsed() / time.Duration(b.N)
	const times = 1000
	var sum uint64
	start := time.Now()
	for range times {
		for i := range st.blocks {
			for _, c := range &st.blocks[i] {
				sum += uint64(c.hi) + uint64(c.lo)
			}
		}
	}
	swept := time.Since(start) / times
	require.NotZero(b, sum)
	b.ReportMetric(float64(each.Nanoseconds())/float64(max(1, swept.Nanoseconds())), "×sweep")
}

func BenchmarkNewScorer(b *testing.B) {
	p := trusting(200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewScorer(p, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// From a list of 416 pieces of evidence to the score: order, duplicates, root and all.
func BenchmarkWeigh(b *testing.B) {
	s := scorerFor(b, trusting(8))
	evidence, _ := busy(b, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Weigh(Case{Completeness: chain.C4, Evidence: evidence}, today); err != nil {
			b.Fatal(err)
		}
	}
}
