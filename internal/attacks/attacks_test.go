// Package attacks tries each attack by its name, end to end: real keys and credentials, a
// record, a log with witnesses on disk, estimated trust, and a score that somebody else checks.
// It stands apart because no single package is attacked: what one leaves open the next has to
// see. The tables are claims: what is tried, and the code in which its score ends.
//
//	go test -v -run TestAttacks ./internal/attacks
//
// prints what each is worth.
package attacks

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/record"
)

// An attack is what the machine's side, or whoever, tries after forty good weeks.
type attack struct {
	name  string
	codes []reputation.Code // that its score says, and that of its honest twin does not

	fate   func(m *machine)                // what happens to the twin too; nil is nothing
	try    func(m *machine) *chain.History // the attack: what a reader gets to see
	honest func(m *machine) *chain.History // what the twin does meanwhile; nil: nothing, and shows all

	// gains says why a reader cannot see through it, if he cannot. Then it is worth no more
	// than those weeks were, and the code is the warning.
	gains string
	// twinToo is for a code that the twin has for another reason.
	twinToo bool
}

func TestAttacks(t *testing.T) {
	base := newWorld(t, 40)
	start := base.score(base.machines[0].all())
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "attack\thonest twin\tattacked\tclass\tits score says\t\nnone, after forty good weeks\t%d\t\t%v\t\t\n", start.Points, start.Completeness)
	for _, kind := range []struct {
		name    string
		attacks []attack
	}{
		{"hide", hide}, {"fork", fork}, {"back-date", backDate}, {"clone", clone}, {"replay", replay}, {"whitewash", whitewash},
		{"self-praise", selfPraise}, {"duplicate", duplicate}, {"collusion", collusion}, {"stolen key", stolenKey}, {"together", together},
	} {
		rows := make([]string, len(kind.attacks))
		t.Run(kind.name, func(t *testing.T) {
			for i, a := range kind.attacks {
				t.Run(a.name, func(t *testing.T) {
					t.Parallel() // they wait for the disk most of the time
					attacked, honest := a.play(t, base, a.try), start
					if a.fate != nil || a.honest != nil {
						honest = a.play(t, base, a.honest)
					}
					rows[i] = fmt.Sprintf("%s: %s\t%d\t%d\t%v\t%v\t%s\n", kind.name, a.name, honest.Points, attacked.Points, attacked.Completeness, a.codes, a.gains)
					if a.gains == "" {
						require.LessOrEqual(t, attacked.Points, honest.Points, "it gains nothing")
						require.LessOrEqual(t, attacked.LowPpm, honest.LowPpm)
						require.GreaterOrEqual(t, attacked.ExpectedLoss, honest.ExpectedLoss)
					}
					require.LessOrEqual(t, attacked.Points, start.Points)
					for _, code := range a.codes {
						require.Contains(t, codes(attacked), code)
						require.Contains(t, attacked.Claim().Reasons, code, "the credential says so, too")
						if !a.twinToo {
							require.NotContains(t, codes(honest), code, "and nobody is accused of it who is honest")
						}
					}
				})
			}
		})
		fmt.Fprint(table, strings.Join(rows, ""))
	}
	require.NoError(t, table.Flush())
	t.Log("\n" + text.String())
}

// play scores what a reader sees of the machine after a turn of events; nil is none.
func (a *attack) play(t *testing.T, base *world, turn func(*machine) *chain.History) *reputation.Score {
	w := base.again(t)
	m := w.machines[0]
	if a.fate != nil {
		a.fate(m)
	}
	if turn == nil {
		return w.score(m.all())
	}
	return w.score(turn(m))
}

func codes(s *reputation.Score) (codes []reputation.Code) {
	for _, r := range s.Reasons {
		codes = append(codes, r.Code)
	}
	return codes
}

// Hide what is bad.
var hide = []attack{{
	name: "bad entries in the middle", codes: is(reputation.EntriesMissing, reputation.CappedGaps),
	fate: func(m *machine) { m.badWeeks(3); m.world.weeks(2, m) },
	try:  func(m *machine) *chain.History { return m.read(m.but(16, 10)...) },
}, {
	name: "… from a reader without a log", codes: is(reputation.EntriesMissing, reputation.CappedGaps),
	fate:   func(m *machine) { m.badWeeks(3); m.world.weeks(2, m) },
	try:    func(m *machine) *chain.History { return m.history(m.but(16, 10)...) },
	honest: (*machine).unlogged,
}, {
	name: "a lease that is overdue", codes: is(reputation.EntriesMissing, reputation.CappedGaps),
	fate: func(m *machine) {
		m.rent(m.owner, m.world.now.Add(week))
		for range 3 {
			m.world.now = m.world.now.Add(week)
			m.up("monitor")
			m.world.publish()
		}
	},
	try: func(m *machine) *chain.History { return m.read(m.but(4, 3)...) },
}, {
	name: "the end", codes: is(reputation.EntriesMissing, reputation.CappedGaps),
	fate: func(m *machine) { m.badWeeks(3) },
	try:  func(m *machine) *chain.History { return m.read(m.but(6, 0)...) },
}, {
	name: "the end, from a reader without a log", codes: is(reputation.CappedUnwitnessed), twinToo: true,
	fate:   func(m *machine) { m.badWeeks(3) },
	try:    func(m *machine) *chain.History { return m.history(m.but(6, 0)...) },
	honest: (*machine).unlogged,
	gains:  "gains: only a log knows the end",
}, {
	name: "the end, behind an old view of the log", codes: is(reputation.StaleRecord),
	try: func(m *machine) *chain.History {
		shown := slices.Clone(m.entries)
		kept, err := m.world.reader.Keep(m.world.Context(), tlog.Record{Chain: m.entries[0].Digest(), Salt: m.salt})
		require.NoError(m.world, err)
		m.badWeeks(3)
		view, err := m.world.reader.Trust.View(kept)
		require.NoError(m.world, err)
		h, err := m.history(shown...).Seen(view)
		require.NoError(m.world, err)
		return h
	},
	honest: func(m *machine) *chain.History { m.badWeeks(3); return m.all() },
	gains:  "gains: a reader who takes an old view sees old news",
}}

// Show two records of one machine.
var fork = []attack{{
	name: "the holder gives one head to two issuers", codes: is(reputation.Equivocation),
	try:    func(m *machine) *chain.History { return m.read(append(m.entries, m.failOr("insurer"))...) },
	honest: func(m *machine) *chain.History { m.failOr("insurer"); return m.all() },
}, {
	name: "… before a reader without a log", codes: is(reputation.Equivocation),
	try:    func(m *machine) *chain.History { return m.history(append(m.entries, m.failOr("insurer"))...) },
	honest: func(m *machine) *chain.History { m.failOr("insurer"); return m.unlogged() },
}, {
	name: "a friend's flattery is logged before the truth", codes: is(reputation.Equivocation),
	try: func(m *machine) *chain.History {
		truth := m.issue(m.head, "", broken(m.world.now), breach, m.world.party("lessee"))
		m.up("friend")
		m.world.publish()
		return m.read(append(m.entries, truth)...)
	},
	honest: func(m *machine) *chain.History { m.fail(); m.world.publish(); return m.all() },
}, {
	name: "a stranger signs a branch that damns the machine", codes: is(reputation.ForeignBranch),
	try: func(m *machine) *chain.History {
		rival := m.issue(m.head, "", broken(m.world.now), breach, m.world.party("stranger"))
		m.up("monitor")
		m.world.publish()
		return m.read(append(m.entries, rival)...)
	},
	honest: func(m *machine) *chain.History { m.up("monitor"); m.world.publish(); return m.all() },
}, {
	name: "… before a reader without a log", codes: is(reputation.Equivocation),
	try: func(m *machine) *chain.History {
		rival := m.issue(m.head, "", broken(m.world.now), breach, m.world.party("stranger"))
		m.up("monitor")
		return m.history(append(m.entries, rival)...)
	},
	honest: func(m *machine) *chain.History { m.up("monitor"); return m.unlogged() },
}}

// Tell of another time.
var backDate = []attack{{
	name: "praise of weeks long past", codes: is(reputation.BackDatedReports),
	try: func(m *machine) *chain.History { m.recall("lessee"); m.world.publish(); return m.all() },
}, {
	name: "… before a reader without a log", codes: is(reputation.BackDatedReports),
	try:    func(m *machine) *chain.History { m.recall("lessee"); return m.unlogged() },
	honest: (*machine).unlogged,
}, {
	name: "praise that says it was signed long ago", codes: is(reputation.BackDatedReports),
	try: func(m *machine) *chain.History {
		now := m.world.now
		for i := range 10 {
			m.world.now = now.Add(-time.Duration(110+7*i) * day)
			m.up("lessee")
		}
		m.world.now = now
		m.world.publish()
		return m.all()
	},
}, {
	name: "bad news kept back until it is old", codes: is(reputation.BackDatedReports),
	try: func(m *machine) *chain.History {
		for range 3 {
			m.world.now = m.world.now.Add(week)
			m.down("monitor")
		}
		m.world.now = m.world.now.Add(16 * week)
		m.world.publish()
		return m.all()
	},
	honest: func(m *machine) *chain.History {
		for range 3 {
			m.world.now = m.world.now.Add(week)
			m.down("monitor")
			m.world.publish()
		}
		m.world.now = m.world.now.Add(16 * week)
		m.world.witness()
		return m.all()
	},
}}

// Be two machines.
var clone = []attack{{
	name: "two devices with one key", codes: is(reputation.Equivocation),
	try: func(m *machine) *chain.History {
		twin := *m
		for range 3 { // each goes on with the record as if it were the only one
			m.world.now = m.world.now.Add(day)
			m.enter(uptime(m.world.now, 0), good, m.world.party("monitor"), m.Issuer)
			twin.enter(uptime(m.world.now, 800), good, m.world.party("monitor"), m.Issuer)
		}
		m.world.publish()
		return m.read(append(m.entries, twin.entries[len(twin.entries)-3:]...)...)
	},
	honest: func(m *machine) *chain.History {
		for range 3 {
			m.world.now = m.world.now.Add(day)
			m.enter(uptime(m.world.now, 0), good, m.world.party("monitor"), m.Issuer)
		}
		m.world.publish()
		return m.all()
	},
}, {
	name: "a device restored from its backup", codes: is(reputation.Equivocation),
	try: func(m *machine) *chain.History {
		backup := *m
		m.fail()
		m.world.publish()
		nicer := backup.enter(uptime(m.world.now, 0), good, m.world.party("friend"), m.Issuer)
		s := m.submission(nicer)
		_, err := m.world.log.Append(m.world.Context(), s.Entry, s.Previous)
		require.ErrorAs(m.world, err, new(*tlog.TakenError), "the log does not take it")
		return m.read(append(m.entries, nicer)...)
	},
	honest: func(m *machine) *chain.History { m.fail(); m.world.publish(); return m.all() },
}}

// Show again what was shown. What is refused is in [TestReplayedIsRefused].
var replay = []attack{{
	name: "a receipt in a second entry", codes: is(reputation.Duplicates),
	try: func(m *machine) *chain.History {
		m.repeat(2, service(m.world.now.Add(-40*day)))
		return m.all()
	},
	honest: func(m *machine) *chain.History { m.repeat(1, service(m.world.now.Add(-40*day))); return m.all() },
}}

// Leave a bad name behind.
var whitewash = []attack{{
	name: "a new identity", codes: is(reputation.NewRecord),
	fate:   func(m *machine) { m.badWeeks(6) },
	try:    func(m *machine) *chain.History { return m.world.reborn().all() },
	honest: func(m *machine) *chain.History { m.world.weeks(6, m); return m.all() },
	gains:  "gains: it is worth what every newcomer is",
}, {
	name: "a second record of the same key", codes: is(reputation.NewRecord),
	fate: func(m *machine) { m.badWeeks(6) },
	try: func(m *machine) *chain.History {
		old := m.entries
		m.head, m.entries, m.logged, m.salt = chain.Head{}, nil, 0, tlog.Salt{1}
		m.commission()
		m.sell("owner")
		m.world.weeks(6, m)
		_, err := chain.NewDisclosed(m.ID, append(m.entries, old[0])...)
		require.ErrorAs(m.world, err, new(*chain.MixedError), "who has seen one entry of the old one refuses the new")
		return m.all()
	},
	honest: func(m *machine) *chain.History { m.world.weeks(6, m); return m.all() },
	gains:  "gains: it is worth what every newcomer is",
}}

// Praise yourself, by whatever name.
var selfPraise = []attack{{
	name: "the machine", codes: is(reputation.SelfPraise),
	try: func(m *machine) *chain.History { return m.praised("machine") },
}, {
	name: "its owner", codes: is(reputation.SelfPraise),
	try: func(m *machine) *chain.History { return m.praised("owner") },
}, {
	name: "a witness who has bought it", codes: is(reputation.SelfPraise),
	fate: func(m *machine) { m.sell("lessee") },
	try:  func(m *machine) *chain.History { return m.praised("lessee") },
}, {
	name: "a witness who leases it out", codes: is(reputation.SelfPraise),
	fate: func(m *machine) {
		m.world.trust(reputation.Issuer{ID: m.world.party("lessor").ID})
		m.rent(m.world.party("lessor"), m.world.now.Add(week), m.owner)
	},
	try: func(m *machine) *chain.History { return m.praised("lessor") },
}, {
	name: "a witness who controls it", codes: is(reputation.SelfPraise),
	fate: func(m *machine) {
		m.world.trust(reputation.Issuer{ID: m.world.party("holding").ID})
		m.world.policy.Controllers = []reputation.Controller{{ID: m.world.party("holding").ID, Machines: []did.DID{m.ID}}}
	},
	try: func(m *machine) *chain.History { return m.praised("holding") },
}, {
	name: "a witness whom its owner controls", codes: is(reputation.SelfPraise),
	fate: func(m *machine) {
		m.world.trust(reputation.Issuer{ID: m.world.party("agent").ID, Controller: m.owner.ID})
	},
	try: func(m *machine) *chain.History { return m.praised("agent") },
}}

// Have a good thing counted more than once.
var duplicate = []attack{{
	name: "one receipt fifty times", codes: is(reputation.Duplicates),
	fate:   func(m *machine) { m.badWeeks(1) },
	try:    func(m *machine) *chain.History { m.repeat(50, service(m.world.now.Add(-day))); return m.all() },
	honest: func(m *machine) *chain.History { m.repeat(1, service(m.world.now.Add(-day))); return m.all() },
}, {
	name: "copies with ids of their own", codes: is(reputation.Duplicates),
	fate: func(m *machine) { m.badWeeks(1) },
	try: func(m *machine) *chain.History {
		for i := range 20 {
			id := fmt.Sprintf("https://lessee.example/receipts/%d", i)
			m.take(m.issue(m.head, id, service(m.world.now.Add(-60*day)), good, m.world.party("lessee")))
		}
		m.world.publish()
		return m.all()
	},
	honest: func(m *machine) *chain.History { m.repeat(1, service(m.world.now.Add(-60*day))); return m.all() },
}, {
	name: "a hundred small services in a week", codes: is(reputation.Duplicates),
	fate: func(m *machine) { m.badWeeks(1) },
	try: func(m *machine) *chain.History {
		for i := range 100 {
			m.enter(service(m.world.now.Add(-time.Duration(i)*time.Minute)), good, m.world.party("lessee"))
		}
		m.world.publish()
		return m.all()
	},
	honest: func(m *machine) *chain.History { m.repeat(1, service(m.world.now)); return m.all() },
}}

// Have friends.
var collusion = []attack{{
	name: "thirty strangers against one witness", codes: is(reputation.UntrustedIssuers),
	fate: func(m *machine) { m.badWeeks(3) },
	try: func(m *machine) *chain.History {
		m.up(friends(30)...)
		m.world.publish()
		return m.all()
	},
}, {
	name: "… who bear each other out on machines of their own", codes: is(reputation.UntrustedIssuers),
	fate: func(m *machine) { m.badWeeks(3) },
	try: func(m *machine) *chain.History {
		puppets := []*machine{m, m.world.machine("puppet", "puppeteer"), m.world.machine("second puppet", "puppeteer")}
		for i := range 3 {
			for _, m := range puppets {
				for _, friend := range friends(30) {
					m.enter(uptime(m.world.now.Add(-time.Duration(i)*week), 0), good, m.world.party(friend))
				}
			}
		}
		m.world.publish()
		return m.all()
	},
}, {
	name: "friends who praise a good machine to be believed", codes: is(reputation.UntrustedIssuers),
	try:    func(m *machine) *chain.History { return m.spoil(false, friends(6)...) },
	honest: func(m *machine) *chain.History { return m.spoil(false) },
}, {
	name:   "friends who earn belief by telling the truth, and lie then",
	try:    func(m *machine) *chain.History { return m.spoil(true, friends(6)...) },
	honest: func(m *machine) *chain.History { return m.spoil(true) },
	gains:  "gains: six witnesses against one, until they have betrayed themselves on a dozen machines",
}, {
	name: "a ring of accreditations", codes: is(reputation.UntrustedIssuers),
	fate: func(m *machine) { m.badWeeks(3) },
	try: func(m *machine) *chain.History {
		ring := friends(30)
		for i, name := range ring {
			m.world.accredit(name, ring[(i+1)%len(ring)])
		}
		m.up(ring...)
		m.world.publish()
		return m.all()
	},
}, {
	name: "… let in by an accredited workshop", codes: is(reputation.UntrustedIssuers),
	fate: func(m *machine) { m.badWeeks(3) },
	try: func(m *machine) *chain.History {
		ring := friends(30)
		for i, name := range ring {
			m.world.accredit("workshop", name)
			m.world.accredit(name, ring[(i+1)%len(ring)])
		}
		m.up(ring...)
		m.world.publish()
		return m.all()
	},
}}

// Use the machine's key after it was stolen, or say that it was.
var stolenKey = []attack{{
	name: "the thief measures good weeks", codes: is(reputation.KeyCompromised),
	try: func(m *machine) *chain.History {
		since := m.world.now.Add(time.Hour)
		for range 4 {
			m.world.now = m.world.now.Add(week)
			m.measure()
			m.world.publish()
		}
		m.rotate(since)
		m.world.publish()
		return m.all()
	},
	honest: stolenAndReported,
}, {
	name: "the thief dates them before the theft, and no log held them", codes: is(reputation.KeyCompromised),
	try: func(m *machine) *chain.History {
		since, now := m.world.now.Add(time.Hour), m.world.now.Add(4*week)
		for range 4 {
			m.measure()
		}
		m.world.now = now
		m.rotate(since)
		m.world.publish()
		return m.all()
	},
	honest: stolenAndReported,
}, {
	name: "the thief reports a new key", codes: is(reputation.KeyCompromised),
	try: func(m *machine) *chain.History {
		stolenAndReported(m)
		m.enter(m.binding(), chain.Entry{Kind: chain.Rotate}, m.Issuer)
		m.world.publish()
		return m.all()
	},
	honest: stolenAndReported,
}, {
	name: "the thief of a witness's key praises", codes: is(reputation.KeyCompromised),
	try: func(m *machine) *chain.History {
		since := m.world.now.Add(time.Hour)
		for range 4 {
			m.world.now = m.world.now.Add(week)
			m.up("monitor", "insurer")
			m.world.publish()
		}
		return knowing(m, "insurer", since)
	},
	honest: seenByTheMonitor,
}, {
	name: "the thief of a witness's key dates his praise before the theft", codes: is(reputation.KeyCompromised),
	try: func(m *machine) *chain.History {
		since := m.world.now.Add(time.Hour)
		m.praise("insurer", 4)
		seenByTheMonitor(m)
		return knowing(m, "insurer", since)
	},
	honest: seenByTheMonitor,
}, {
	name: "the owner takes back what the machine admitted", codes: is(reputation.KeyCompromised),
	fate: func(m *machine) {
		for range 3 {
			m.world.now = m.world.now.Add(week)
			m.down("machine")
			m.world.publish()
		}
	},
	try: func(m *machine) *chain.History {
		m.rotate(m.world.now.Add(-4 * week))
		m.world.publish()
		return m.all()
	},
	gains: "gains: nobody had to admit it",
}}

// All at once.
var together = []attack{{
	name: "hide, whitewash and collusion", codes: is(reputation.EntriesMissing, reputation.NewRecord, reputation.UntrustedIssuers),
	fate: func(m *machine) { m.badWeeks(6) },
	try: func(m *machine) *chain.History {
		fresh := m.world.reborn()
		fresh.badWeeks(2)
		fresh.up(friends(30)...)
		m.world.publish()
		return fresh.read(fresh.but(34, 30)...)
	},
	honest: func(m *machine) *chain.History {
		m.world.weeks(6, m)
		m.badWeeks(2)
		return m.all()
	},
}, {
	name: "fork, self-praise, duplicates and back-dating", codes: is(reputation.Equivocation, reputation.SelfPraise, reputation.Duplicates, reputation.BackDatedReports),
	try: func(m *machine) *chain.History {
		m.praise("owner", 3)
		m.repeat(5, service(m.world.now.Add(-10*day)))
		m.recall("lessee")
		second := m.failOr("insurer")
		return m.read(append(m.entries, second)...)
	},
	honest: func(m *machine) *chain.History {
		m.repeat(1, service(m.world.now.Add(-10*day)))
		m.failOr("insurer")
		return m.all()
	},
}, {
	name: "milking a good name", codes: is(reputation.RecentDeterioration),
	try:    func(m *machine) *chain.History { m.badWeeks(6); return m.all() },
	honest: func(m *machine) *chain.History { m.world.weeks(6, m); return m.all() },
}}

func is(codes ...reputation.Code) []reputation.Code { return codes }

func friends(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("friend ", i))
	}
	return names
}

// but leaves out the entries from so many before the end to so many before the end.
func (m *machine) but(from, to int) []*vc.Verified {
	n := len(m.entries)
	return m.without(n-from, n-to)
}

// unlogged is what a reader makes of all entries who asks no log.
func (m *machine) unlogged() *chain.History { return m.history(m.entries...) }

// failOr enters bad news, and returns what a party signs for the same place.
func (m *machine) failOr(party string) *vc.Verified {
	second := m.issue(m.head, "", uptime(m.world.now, 0), good, m.world.party(party))
	m.fail()
	m.world.publish()
	return second
}

// recall has a party praise ten weeks of long ago.
func (m *machine) recall(party string) {
	for i := range 10 {
		m.enter(uptime(m.world.now.Add(-time.Duration(110+7*i)*day), 0), good, m.world.party(party))
	}
}

// repeat enters what the lessee says so many times.
func (m *machine) repeat(times int, claim vc.Claim) {
	for range times {
		m.enter(claim, good, m.world.party("lessee"))
	}
	m.world.publish()
}

// praised is the record with five times the praise of one party.
func (m *machine) praised(by string) *chain.History {
	m.praise(by, 5)
	m.world.publish()
	return m.all()
}

// spoil lets twelve weeks pass, the last four of them bad for m. Until then friends say what
// is so of m's sister, which is not always up if they are to learn of bad; then they lie for m.
func (m *machine) spoil(bad bool, friends ...string) *chain.History {
	sister := m.world.machines[1]
	for i := range 12 {
		m.world.now = m.world.now.Add(week)
		if bad && i%3 == 0 {
			sister.down(append(friends, "monitor")...)
		} else {
			sister.up(append(friends, "monitor")...)
		}
		if i < 8 {
			m.up("monitor")
		} else {
			m.down("monitor")
			m.up(friends...)
		}
		m.world.publish()
	}
	return m.all()
}

// reborn is the owner's machine with a new key and six good weeks.
func (w *world) reborn() *machine {
	fresh := w.machine("fresh", "owner")
	w.weeks(6, fresh)
	return fresh
}

// measure enters what the machine's own hardware says of the week.
func (m *machine) measure() {
	u := uptime(m.world.now, 0)
	u.Method = record.Attested
	m.enter(u, good, m.Issuer)
}

// knowing is what a reader sees who knows of a party's stolen key.
func knowing(m *machine, party string, since time.Time) *chain.History {
	h, err := m.all().Told(chain.Compromise{Method: m.world.party(party).ID.KeyURL(), Since: since})
	require.NoError(m.world, err)
	return h
}

// seenByTheMonitor is four good weeks of which the monitor alone reports.
func seenByTheMonitor(m *machine) *chain.History {
	for range 4 {
		m.world.now = m.world.now.Add(week)
		m.up("monitor")
		m.world.publish()
	}
	return m.all()
}

// stolenAndReported lets four weeks pass from the theft of the machine's key until its owner says so.
func stolenAndReported(m *machine) *chain.History {
	since := m.world.now.Add(time.Hour)
	m.world.now = m.world.now.Add(4 * week)
	m.rotate(since)
	m.world.publish()
	return m.all()
}
