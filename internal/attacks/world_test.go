package attacks

import (
	"crypto/ed25519"
	"crypto/sha256"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/record"
)

// begin is when each world begins: a Wednesday.
var begin = time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)

const (
	day    = 24 * time.Hour
	week   = 7 * day
	origin = "log.example/machines"
)

// A world has machines, people who deal with them, a log with two witnesses in a folder, and
// a clock. Nothing in it is made up but the clock and the seeds of the keys.
type world struct {
	*testing.T
	now     time.Time
	parties map[string]*vc.Issuer

	folder    string
	log       *tlog.Log
	witnesses []tlog.Cosigner
	reader    tlog.Reader

	policy         *reputation.Policy
	accreditations []reputation.Accreditation
	machines       []*machine // all whose records the scorer reads, to learn whom to believe
}

// A machine is a key, an owner and a record.
type machine struct {
	*vc.Issuer
	world   *world
	name    string
	owned   string // by whom
	owner   *vc.Issuer
	head    chain.Head
	entries []*vc.Verified
	salt    tlog.Salt
	logged  int // so many of the entries have been given to the log
	lease   *vc.Verified
}

// newWorld makes a world in which two machines have lived through so many weeks, three of them
// bad for the second one.
func newWorld(t *testing.T, weeks int) *world {
	w := &world{T: t, now: begin, folder: t.TempDir(), policy: reputation.DefaultPolicy()}
	w.open(tlog.CreateWitness, tlog.Create)

	// The network trusts a maker, a telematics service and a lessee by itself. The workshop it
	// knows by the maker's accreditation, and the insurer by what it says beside others.
	for _, name := range []string{"maker", "monitor", "lessee"} {
		w.trust(reputation.Issuer{ID: w.party(name).ID})
	}
	w.accredit("maker", "workshop")
	m, sister := w.machine("machine", "owner"), w.machine("sister", "somebody else")
	w.weeks(weeks/2, m, sister)
	for range 3 {
		w.weeks(1, m)
		sister.down("monitor", "insurer")
		w.publish()
	}
	w.weeks(weeks/2-3, m, sister)
	return w
}

// again returns the same world once more, for another turn of events.
func (w *world) again(t *testing.T) *world {
	policy := *w.policy
	policy.Issuers = slices.Clone(policy.Issuers)
	same := &world{T: t, now: w.now, folder: t.TempDir(), policy: &policy, accreditations: slices.Clone(w.accreditations)}
	require.NoError(t, os.CopyFS(same.folder, os.DirFS(w.folder)))
	same.open(tlog.OpenWitness, tlog.Open)
	for _, m := range w.machines {
		twin := *m
		twin.Issuer, twin.owner, twin.world, twin.entries = same.party(m.name), same.party(m.owned), same, slices.Clip(m.entries)
		same.machines = append(same.machines, &twin)
	}
	return same
}

// open makes or opens the log and its witnesses.
func (w *world) open(witness func(string, tlog.WitnessConfig) (*tlog.Witness, error), log func(string, tlog.Config) (*tlog.Log, error)) {
	w.parties = map[string]*vc.Issuer{}
	logKey, err := tlog.LogKey(origin, key("log").Public())
	require.NoError(w, err)
	config := tlog.Config{Origin: origin, Key: key("log")}
	for _, name := range []string{"north", "south"} {
		x, err := witness(filepath.Join(w.folder, name), tlog.WitnessConfig{
			Name: "witness.example/" + name, Key: key(name), Logs: []tlog.Watched{{Log: logKey}}, Now: w.clock,
		})
		require.NoError(w, err)
		w.Cleanup(func() { require.NoError(w, x.Close()) })
		w.witnesses = append(w.witnesses, x)
		config.Witnesses = append(config.Witnesses, x.Key())
	}
	w.log, err = log(filepath.Join(w.folder, "log"), config)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, w.log.Close()) })
	w.reader = tlog.Reader{Source: w.log, Trust: tlog.Trust{Log: logKey, Witnesses: config.Witnesses, Now: w.clock}}
}

func (w *world) clock() time.Time { return w.now }

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// party returns somebody with a key of his own, by name.
func (w *world) party(name string) *vc.Issuer {
	if p := w.parties[name]; p != nil {
		return p
	}
	id, err := did.NewKey(key(name).Public())
	require.NoError(w, err)
	w.parties[name] = &vc.Issuer{ID: id, Key: key(name), Now: w.clock}
	return w.parties[name]
}

// trust makes an issuer a root of the network's policy.
func (w *world) trust(issuer reputation.Issuer) {
	issuer.Root, issuer.Reliability = true, reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000}
	w.policy.Issuers = append(w.policy.Issuers, issuer)
}

func (w *world) verify(raw []byte) *vc.Verified {
	w.Helper()
	verifier := vc.Verifier{Now: w.clock}
	v, err := verifier.Verify(w.Context(), raw, vc.AnyIssuer)
	require.NoError(w, err)
	return v
}

// accredit has one party vouch for another, in a credential.
func (w *world) accredit(from, to string) {
	raw, err := w.party(from).Issue(&vc.Credential{
		Subject: w.party(to).ID, ValidFrom: begin,
		Claim: record.Accreditation{Grant: record.Grant{Attests: []string{"MaintenanceCredential"}, Until: begin.AddDate(5, 0, 0), DelegationDepth: 1}},
	})
	require.NoError(w, err)
	a, err := reputation.AccreditationOf(w.verify(raw))
	require.NoError(w, err)
	w.accreditations = append(w.accreditations, a)
}

// machine makes a machine with an attested key, which its maker sells to an owner.
func (w *world) machine(name, owner string) *machine {
	m := &machine{Issuer: w.party(name), world: w, name: name, salt: sha256.Sum256([]byte("salt of " + name))}
	m.commission()
	m.sell(owner)
	w.machines = append(w.machines, m)
	return m
}

func (m *machine) commission() {
	m.enter(m.binding(), chain.Entry{Kind: chain.Commission}, m.world.party("maker"))
}

// binding says that the machine's key is in hardware.
func (m *machine) binding() record.Commissioning {
	return record.Commissioning{Time: m.world.now, Model: "LX-4", Serial: "7", KeyBinding: &record.KeyBinding{
		VerificationMethod: m.method(), Protection: record.TPM2, Attestation: &record.Attestation{
			Scheme: "tpm2-activate-credential", DigestMultibase: vc.Digest(sha256.Sum256(nil)).String(), VerifiedBy: m.world.party("maker").ID,
		},
	}}
}

// method names the machine's key.
func (m *machine) method() did.URL {
	method, err := did.ParseURL(m.ID.String() + "#" + m.ID.String()[len("did:key:"):])
	require.NoError(m.world, err)
	return method
}

// issue makes the entry that follows a head, which all the signers sign.
func (m *machine) issue(after chain.Head, id string, claim vc.Claim, entry chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	m.world.Helper()
	c := &vc.Credential{ID: id, Subject: m.ID, Claim: claim, ValidFrom: m.world.now}
	require.NoError(m.world, after.Append(c, entry))
	raw, err := signers[0].Issue(c)
	require.NoError(m.world, err)
	for _, s := range signers[1:] {
		raw, err = s.AddProof(raw)
		require.NoError(m.world, err)
	}
	return m.world.verify(raw)
}

// enter adds an entry to the record.
func (m *machine) enter(claim vc.Claim, entry chain.Entry, signers ...*vc.Issuer) *vc.Verified {
	m.world.Helper()
	v := m.issue(m.head, "", claim, entry, signers...)
	m.take(v)
	return v
}

func (m *machine) take(v *vc.Verified) {
	m.world.Helper()
	require.NoError(m.world, m.head.Advance(v))
	m.entries = append(m.entries, v)
}

var (
	good   = chain.Entry{Kind: chain.Observe, Outcome: chain.Good}
	breach = chain.Entry{Kind: chain.Observe, Outcome: chain.Breach}
)

// up has parties say, each in an entry of its own, that the machine was up in the week until now.
func (m *machine) up(by ...string) {
	m.world.Helper()
	for _, name := range by {
		m.enter(uptime(m.world.now, 0), good, m.world.party(name))
	}
}

// down has them say that it was down.
func (m *machine) down(by ...string) {
	m.world.Helper()
	for _, name := range by {
		m.enter(uptime(m.world.now, 604_800), breach, m.world.party(name))
	}
}

// fail has the lessee report that the machine broke what was agreed.
func (m *machine) fail() {
	m.world.Helper()
	m.enter(broken(m.world.now), breach, m.world.party("lessee"))
}

// praise has a party say so many times whatever is good of a machine.
func (m *machine) praise(by string, times int) {
	m.world.Helper()
	for range times {
		m.up(by)
		m.enter(service(m.world.now), good, m.world.party(by))
	}
}

// badWeeks lets so many weeks pass of which nothing good can be said.
func (m *machine) badWeeks(n int) {
	m.world.Helper()
	for range n {
		m.world.now = m.world.now.Add(week)
		m.down("monitor")
		m.fail()
		m.world.publish()
	}
}

// rotate reports the machine's key as stolen.
func (m *machine) rotate(since time.Time) {
	m.world.Helper()
	m.enter(record.Commissioning{Model: "LX-4", Serial: "7", Time: m.world.now},
		chain.Entry{Kind: chain.Rotate, Revokes: []did.URL{m.method()}, CompromisedSince: since}, m.owner)
}

// sell gives the machine to another owner.
func (m *machine) sell(to string) {
	m.world.Helper()
	from, buyer := m.owner, m.world.party(to)
	if len(m.entries) == 1 {
		from = m.world.party("maker")
	}
	m.enter(record.OwnershipTransfer{Time: m.world.now, OwningParty: record.OwningParty{Source: from.ID, Destination: buyer.ID}},
		chain.Entry{Kind: chain.Transfer}, from, buyer)
	m.owned, m.owner = to, buyer
}

func uptime(end time.Time, down int64) record.Uptime {
	u := record.Uptime{Availability: record.Availability{
		Start: end.Add(-week), End: end, RequiredSeconds: 604_800, UpSeconds: 604_800 - down, DownUnplannedSeconds: down, Method: record.Poll,
	}}
	if down > 0 {
		u.Interruptions, u.Failures = 1, 1
	}
	return u
}

func service(at time.Time) record.Maintenance {
	return record.Maintenance{Time: at, Work: record.Work{Category: record.Preventive, Activity: "inspect rotors"}}
}

func broken(at time.Time) record.Incident {
	return record.Incident{Event: record.Event{Category: record.SLABreach, SeverityPermille: 1000, Detected: at}}
}

// weeks lets so many good weeks pass, in which honest parties report on the machines, and a
// checkpoint of the log is witnessed each week.
func (w *world) weeks(n int, machines ...*machine) {
	w.Helper()
	for range n {
		for _, m := range machines {
			m.rent(m.owner, w.now.Add(week))
		}
		w.now = w.now.Add(week)
		for _, m := range machines {
			m.giveBack(chain.Good)
			m.up("monitor", "insurer")
			m.enter(service(w.now), good, w.party("workshop"))
		}
		w.publish()
	}
}

// rent opens a lease to the lessee.
func (m *machine) rent(lessor *vc.Issuer, due time.Time, also ...*vc.Issuer) {
	m.world.Helper()
	lessee := m.world.party("lessee")
	m.lease = m.enter(record.Lease{Terms: record.Terms{Lessor: lessor.ID, Lessee: lessee.ID, Start: m.world.now, End: due}},
		chain.Entry{Kind: chain.Open, Class: "lease", Due: due}, append([]*vc.Issuer{lessor, lessee}, also...)...)
}

// giveBack closes it.
func (m *machine) giveBack(outcome chain.Outcome) {
	m.world.Helper()
	m.enter(record.LeaseOutcome{Return: record.Return{Lease: m.lease.Digest().String(), Returned: m.world.now, OnTime: true, Condition: record.ConditionGood}},
		chain.Entry{Kind: chain.Close, RefersTo: linkOf(m.world, m.lease).Sequence, Class: "lease", Outcome: outcome}, m.world.party("lessee"))
}

// submission is what somebody gives to the log to have an entry of the record in it.
func (m *machine) submission(v *vc.Verified) tlog.Submission {
	link := linkOf(m.world, v)
	return tlog.Submission{Entry: tlog.Entry{Key: m.salt.Key(m.entries[0].Digest()), Sequence: link.Sequence, Digest: v.Digest()}, Previous: link.Previous}
}

func linkOf(t require.TestingT, v *vc.Verified) (link chain.Link) {
	_, err := v.Member("record", &link)
	require.NoError(t, err)
	return link
}

// publish gives the log what is new in all records, and has it witnessed.
func (w *world) publish() {
	w.Helper()
	var all []tlog.Submission
	for _, m := range w.machines {
		for _, v := range m.entries[m.logged:] {
			all = append(all, m.submission(v))
		}
		m.logged = len(m.entries)
	}
	results, err := w.log.AppendAll(w.Context(), all)
	require.NoError(w, err)
	for _, r := range results {
		require.NoError(w, r.Err)
	}
	w.witness()
}

// witness has the log's tree cosigned as it is.
func (w *world) witness() {
	w.Helper()
	p, err := w.log.Publish(w.Context(), w.witnesses...)
	require.NoError(w, err)
	require.True(w, p.Published, "%v", p.Failed)
}

// history is what a reader makes of the entries that he is shown, without a log.
func (m *machine) history(shown ...*vc.Verified) *chain.History {
	m.world.Helper()
	h, err := chain.NewDisclosed(m.ID, shown...)
	require.NoError(m.world, err)
	return h
}

// read is what a reader makes of the entries that he is shown, once he has asked the log.
func (m *machine) read(shown ...*vc.Verified) *chain.History {
	m.world.Helper()
	view, err := m.world.reader.Read(m.world.Context(), tlog.Record{Chain: m.entries[0].Digest(), Salt: m.salt})
	require.NoError(m.world, err)
	h, err := m.history(shown...).Seen(view)
	require.NoError(m.world, err)
	return h
}

// all is what a reader makes of all entries.
func (m *machine) all() *chain.History {
	m.world.Helper()
	return m.read(m.entries...)
}

// without returns the entries but for those from one to before another.
func (m *machine) without(from, to int) []*vc.Verified {
	return slices.Concat(m.entries[:from], m.entries[to:])
}

// score scores what is shown of a machine, as a network does it: two estimators find out from
// the records of all machines whom to believe, and sign; a scorer scores by that and signs;
// and somebody else checks.
func (w *world) score(h *chain.History) *reputation.Score {
	w.Helper()
	plain, err := reputation.NewScorer(w.policy, nil)
	require.NoError(w, err)
	estimator, err := reputation.NewEstimator(w.policy, reputation.DayOf(w.now))
	require.NoError(w, err)
	require.NoError(w, estimator.Add(h.Subject(), plain.Case(h)))
	for _, m := range w.machines {
		if m.ID != h.Subject() {
			require.NoError(w, estimator.Add(m.ID, plain.Case(m.all())))
		}
	}
	for _, a := range w.accreditations {
		require.NoError(w, estimator.Accredit(a))
	}
	estimated, err := estimator.Table(nil)
	require.NoError(w, err)
	one, two := w.party("estimator one"), w.party("estimator two")
	raw, err := one.Issue(estimated.Credential(w.party("network").ID, w.now))
	require.NoError(w, err)
	raw, err = two.AddProof(raw)
	require.NoError(w, err)
	table, err := reputation.CheckTrust(2, []did.DID{one.ID, two.ID}, w.verify(raw))
	require.NoError(w, err)

	scorer, err := reputation.NewScorer(w.policy, table)
	require.NoError(w, err)
	s, err := scorer.Score(h, w.now)
	require.NoError(w, err)
	raw, err = w.party("scorer").Issue(s.Credential(h.Subject(), w.now))
	require.NoError(w, err)
	require.NoError(w, reputation.Check(w.verify(raw), h, w.policy, table))
	return s
}
