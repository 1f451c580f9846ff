package reputation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Each attack by its name, on a record that a log holds: it gains nothing over the same
// machine without it, and its score says what was tried.
func TestAttacks(t *testing.T) {
	maker, owner, monitor, lessee := party(t, "maker"), party(t, "owner"), party(t, "monitor"), party(t, "lessee")
	policy := trust(maker, monitor, lessee)

	// A machine that was sold to its owner and is watched for so many weeks up to noon, the
	// last of them bad.
	spoilt := func(weeks, bad int) *life {
		l := born(t, maker, noon.Add(-days(7*weeks+2)))
		l.enter(noon.Add(-days(7*weeks+1)), handover(noon.Add(-days(7*weeks+1)), maker, owner), chain.Entry{Kind: chain.Transfer}, maker, owner)
		for i := range weeks {
			at := noon.Add(-days(7 * (weeks - 1 - i)))
			if i < weeks-bad {
				l.enter(at, uptime(at, 604_800, 0), good, monitor)
			} else {
				l.enter(at, uptime(at, 0, 604_800), breach, monitor)
			}
		}
		return l
	}
	machine := func(weeks int) *life { return spoilt(weeks, 0) }
	// What a reader sees who is shown everything, and of whom the log holds everything.
	open := func(l *life) *chain.History { return logged(t, l, held(l.entries), l.entries...) }

	for _, attack := range []struct {
		name string
		code reputation.Code
		run  func() (attacked, honest *chain.History)
	}{
		{"hide", reputation.EntriesMissing, func() (*chain.History, *chain.History) {
			l := machine(20)
			for range 3 {
				l.enter(noon, incident(noon, record.SLABreach), breach, lessee)
			}
			l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
			shown := append(l.entries[:22:22], l.entries[25])
			return logged(t, l, held(l.entries), shown...), open(l)
		}},
		{"hide the end", reputation.EntriesMissing, func() (*chain.History, *chain.History) {
			l := machine(20)
			for range 3 {
				l.enter(noon, incident(noon, record.SLABreach), breach, lessee)
			}
			return logged(t, l, held(l.entries), l.entries[:22]...), open(l)
		}},
		{"fork", reputation.Equivocation, func() (*chain.History, *chain.History) {
			l := machine(20)
			before := l.head
			l.enter(noon, incident(noon, record.SLABreach), breach, lessee)
			second := l.issue(before, noon, uptime(noon, 604_800, 0), good, monitor)
			h, err := chain.NewDisclosed(l.machine.ID, append(l.entries, second)...)
			require.NoError(t, err)
			return h, open(l)
		}},
		{"fork by strangers", reputation.ForeignBranch, func() (*chain.History, *chain.History) {
			l := machine(20)
			before := l.head
			l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
			second := l.issue(before, noon, uptime(noon, 0, 604_800), breach, party(t, "stranger"))
			return logged(t, l, held(l.entries), append(l.entries, second)...), open(l)
		}},
		{"back-date", reputation.BackDatedReports, func() (*chain.History, *chain.History) {
			l, honest := machine(30), machine(30)
			for i := range 5 {
				l.enter(noon, uptime(noon.Add(-days(120+7*i)), 604_800, 0), good, lessee)
				honest.enter(noon, uptime(noon, 604_800, 0), good, lessee)
			}
			return open(l), open(honest)
		}},
		{"clone", reputation.Equivocation, func() (*chain.History, *chain.History) {
			l := machine(20)
			twin := *l
			twin.entries = nil
			for i := range 3 { // each goes on with the record as if it were the only one
				at := noon.Add(-days(2 - i))
				l.enter(at, uptime(at, 604_800, 0), good, monitor, l.machine)
				twin.enter(at, uptime(at, 604_000, 800), good, monitor, twin.machine)
			}
			h, err := chain.NewDisclosed(l.machine.ID, append(l.entries, twin.entries...)...)
			require.NoError(t, err)
			return h, open(l)
		}},
		{"replay", reputation.Duplicates, func() (*chain.History, *chain.History) {
			l, honest := machine(20), machine(20)
			receipt := uptime(noon.Add(-days(35)), 604_800, 0)
			l.enter(noon, receipt, good, lessee)
			l.enter(noon, receipt, good, lessee)
			honest.enter(noon, receipt, good, lessee)
			return open(l), open(honest)
		}},
		{"whitewash", reputation.NewRecord, func() (*chain.History, *chain.History) {
			l, honest := born(t, maker, noon.Add(-days(8))), machine(30)
			l.enter(noon, uptime(noon, 604_800, 0), good, monitor)
			return open(l), open(honest)
		}},
		{"self-praise", reputation.SelfPraise, func() (*chain.History, *chain.History) {
			l := machine(20)
			honest := open(l)
			for range 5 {
				l.enter(noon, uptime(noon, 604_800, 0), good, owner)
				l.enter(noon, service(noon, record.Preventive), good, l.machine)
			}
			return open(l), honest
		}},
		{"duplicate", reputation.Duplicates, func() (*chain.History, *chain.History) {
			l := machine(20)
			l.enter(noon, incident(noon, record.Failure), breach, lessee)
			l.enter(noon, service(noon, record.Preventive), good, lessee)
			honest := open(l)
			for range 50 {
				l.enter(noon, service(noon, record.Preventive), good, lessee)
			}
			return open(l), honest
		}},
		{"collusion", reputation.UntrustedIssuers, func() (*chain.History, *chain.History) {
			l := machine(20)
			honest := open(l)
			for i := range 30 {
				l.enter(noon, uptime(noon, 604_800, 0), good, party(t, "friend "+string(rune('A'+i))))
			}
			return open(l), honest
		}},
		{"milking", reputation.RecentDeterioration, func() (*chain.History, *chain.History) {
			return open(spoilt(40, 6)), open(machine(40))
		}},
		{"stolen key", reputation.KeyCompromised, func() (*chain.History, *chain.History) {
			l, honest := machine(20), machine(20)
			method, err := did.ParseURL(l.machine.ID.String() + "#" + l.machine.ID.String()[len("did:key:"):])
			require.NoError(t, err)
			l.enter(noon.Add(-days(6)), uptime(noon.Add(-days(6)), 0, 604_800), breach, l.machine)
			for _, at := range []*life{l, honest} {
				at.enter(noon, record.Commissioning{Model: "LX-4", Serial: "7", Time: noon},
					chain.Entry{Kind: chain.Rotate, Revokes: []did.URL{method}, CompromisedSince: noon.Add(-days(9))}, owner)
			}
			return open(l), open(honest)
		}},
	} {
		t.Run(attack.name, func(t *testing.T) {
			attacked, honest := attack.run()
			got, want := score(t, policy, attacked, noon), score(t, policy, honest, noon)
			require.LessOrEqual(t, got.Points, want.Points, "it gains nothing")
			require.LessOrEqual(t, got.LowPpm, want.LowPpm)
			require.Contains(t, codes(got), attack.code)
			if attack.code != reputation.NewRecord {
				require.NotContains(t, codes(want), attack.code, "and nobody else is accused of it")
			}
			require.Contains(t, got.Claim().Reasons, attack.code, "the credential says so, too")
		})
	}
}

// The same credential twice in a file is one credential: there is nothing to say of it.
func TestTheSameCredentialTwiceIsOne(t *testing.T) {
	maker, monitor := party(t, "maker"), party(t, "monitor")
	l := weekly(t, maker, monitor, 10)
	twice, err := chain.New(l.machine.ID, append(append([]*vc.Verified{}, l.entries...), l.entries...)...)
	require.NoError(t, err)
	require.Equal(t, score(t, trust(monitor), l.history(), noon), score(t, trust(monitor), twice, noon))

	other := weekly(t, maker, party(t, "other monitor"), 10)
	other.machine = party(t, "another machine")
	_, err = chain.New(other.machine.ID, l.entries...)
	require.Error(t, err, "what was said of one machine is not said of another")
}

func codes(s *reputation.Score) (codes []reputation.Code) {
	for _, r := range s.Reasons {
		codes = append(codes, r.Code)
	}
	return codes
}
