package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/examples"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// demoPassphrase encrypts the keys of the demo. They protect nothing.
const demoPassphrase = "demo"

// demoDay is the morning after the year of the example: the numbers of the demo
// are the same whenever it runs.
var demoDay = time.Date(2026, time.June, 29, 8, 0, 0, 0, time.UTC)

// demoPrice is what a machine of a model costs, in euro cents.
func demoPrice(model string) int64 {
	if model == "Badger 2" {
		return 24_000_00
	}
	return 12_000_00
}

func (a *app) demoCommand() *cobra.Command {
	var keep string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch ten machines live through a year, be verified, scored and offered for lease",
		Long: `Ten machines and seven parties get keys and names. A year of maintenance, uptime,
incidents and leases, as an operator's systems export it, becomes a signed record for
each machine. Every signature and every chain is verified; three owners try to look
better than they are; a leasing desk asks each machine with a nonce, scores what it
shows, and quotes a deposit. It takes seconds, and no network.

--keep FOLDER leaves the fleet there to try the other commands on; the passphrase of
its keys is "demo".`,
		Example: `  hourmeter demo --keep ./fleet`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), keep) },
	}
	cmd.Flags().StringVar(&keep, "keep", "", "`folder` to leave the fleet in; it must not exist")
	return cmd
}

func (a *app) demo(ctx context.Context, keep string) error {
	folder := keep
	if keep == "" {
		var err error
		if folder, err = os.MkdirTemp("", "hourmeter-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	} else if !missing(keep) {
		return fmt.Errorf("%s exists: --keep makes a new folder", keep)
	}
	w, err := prepare(ctx, folder)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer w.folder.Close()
	result := w.describe()
	if err := w.attempts(ctx, &result); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := w.offers(ctx, &result); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return a.print(result, func(out io.Writer) { result.print(out, keep, a.bold()) })
}

// actors are the machines of the demo and those who deal with them.
type actors struct {
	folder   *fleet.Folder
	keys     *keystore.Dir
	verifier *vc.Verifier
	policy   *reputation.Policy
	desk     *examples.Desk
	machines []*actor
}

// An actor is one machine: who it is, and its whole record.
type actor struct {
	name, model string
	holder      vc.Holder
	record      [][]byte
	history     *chain.History
}

// prepare makes the fleet, verifies it, and opens a leasing desk.
func prepare(ctx context.Context, folder string) (*actors, error) {
	now := func() time.Time { return demoDay }
	w := &actors{
		keys: &keystore.Dir{Path: filepath.Join(folder, fleet.KeyFolder), Passphrase: supply([]byte(demoPassphrase))},
		// Everything here has its own clock, so that the numbers never change.
		verifier: &vc.Verifier{Now: now},
	}
	summary, err := examples.ImportYear(ctx, folder, w.keys, now)
	if err != nil {
		return nil, err
	}
	if len(summary.Problems) > 0 {
		return nil, summary.Problems[0]
	}
	if w.folder, err = fleet.Open(folder); err != nil {
		return nil, err
	}
	for _, m := range w.folder.Machines() {
		one := &actor{name: m.Name}
		report, err := w.folder.Verify(ctx, w.verifier, m)
		if err != nil {
			return nil, err
		}
		if len(report.Defects) > 0 {
			return nil, report.Defects[0]
		}
		one.history = report.History
		if one.record, err = w.folder.Credentials(m); err != nil {
			return nil, err
		}
		birth, err := vc.ClaimOf[record.Commissioning](one.history.Entries()[0].Credential)
		if err != nil {
			return nil, err
		}
		one.model = birth.Model
		key, err := w.keys.Open(ctx, m.Key)
		if err != nil {
			return nil, err
		}
		one.holder = vc.Holder{ID: m.ID, Key: key, Now: now}
		w.machines = append(w.machines, one)
	}

	// The desk believes those who build, maintain and watch machines, and those
	// who have leased them; not the operator, who owns them.
	w.policy = reputation.DefaultPolicy()
	for _, p := range w.folder.Parties() {
		if p.Name != "operator" {
			w.policy.Issuers = append(w.policy.Issuers, reputation.Issuer{
				ID: p.ID, Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000},
			})
		}
	}
	w.desk = &examples.Desk{Domain: "lease.example", Policy: w.policy, Verifier: vc.Verifier{Now: now}, Now: now}
	return w, nil
}

// describe says who is there and what has happened.
func (w *actors) describe() Demo {
	d := Demo{AsOf: reputation.DayOf(demoDay)}
	kinds := map[string]*DemoEvents{}
	for _, m := range w.machines {
		d.Machines = append(d.Machines, DemoMachine{
			Name: m.name, Model: m.model, ID: m.holder.ID, Entries: int64(m.history.Len()), Price: demoPrice(m.model),
		})
		for _, it := range m.history.Entries() {
			d.Credentials++
			typ := it.Credential.Type()
			if kinds[typ] == nil {
				kinds[typ] = &DemoEvents{Type: typ}
			}
			e := kinds[typ]
			e.Count++
			for _, id := range it.Credential.Signers() {
				if p, ok := w.folder.Party(id.String()); ok && !slices.Contains(e.Signers, p.Title) {
					e.Signers = append(e.Signers, p.Title)
				}
			}
		}
	}
	for _, typ := range record.Types() {
		if e := kinds[typ]; e != nil {
			slices.Sort(e.Signers)
			d.Events = append(d.Events, *e)
		}
	}
	return d
}

func (w *actors) actor(name string) *actor {
	i := slices.IndexFunc(w.machines, func(m *actor) bool { return m.name == name })
	return w.machines[i]
}

// attempts has three owners show a better record than their machine has.
func (w *actors) attempts(ctx context.Context, d *Demo) error {
	old := w.desk.Ask()
	for _, try := range []struct {
		machine *actor
		show    func(*actor, vc.Challenge) ([]byte, string, error)
	}{
		{w.actor("drone-02"), (*actor).rollBack},
		{w.actor("drone-03"), (*actor).hide},
		{w.actor("rover-10"), func(m *actor, _ vc.Challenge) ([]byte, string, error) { return m.replay(old) }},
	} {
		ch := w.desk.Ask()
		shown, what, err := try.show(try.machine, ch)
		if err != nil {
			return err
		}
		_, err = w.desk.Quote(ctx, ch, shown, demoPrice(try.machine.model))
		if err == nil {
			return fmt.Errorf("%s %s, and the desk took it", try.machine.name, what)
		}
		honest, scoreErr := w.policy.Score(try.machine.history, demoDay)
		if scoreErr != nil {
			return scoreErr
		}
		d.Attempts = append(d.Attempts, DemoAttempt{
			Machine: try.machine.name, What: what, Message: w.verdict(err), Refused: judge(err) == Invalid, Points: honest.Points,
		})
	}
	return nil
}

// verdict is the desk's refusal, with the names that the fleet has for everybody.
func (w *actors) verdict(err error) string {
	rej, ok := errors.AsType[*vc.RejectError](err)
	if !ok {
		return err.Error()
	}
	if inside, ok := errors.AsType[*vc.CredentialError](err); ok {
		signer, _ := w.folder.Party(rej.Signer.String())
		return fmt.Sprintf("refused: entry %d, signed by %s: %v", inside.Index, signer.Title, rej.Reason)
	}
	return fmt.Sprintf("refused: the presentation %v", rej.Reason)
}

// offers has every machine show its whole record, and the desk quote.
func (w *actors) offers(ctx context.Context, d *Demo) error {
	key, err := keystore.Ensure(ctx, w.keys, "lease-desk", keystore.P256)
	if err != nil {
		return err
	}
	id, err := did.NewKey(key.Public())
	if err != nil {
		return err
	}
	desk := &vc.Issuer{ID: id, Key: key, Now: w.desk.Now}
	scorer, err := reputation.NewScorer(w.policy, nil)
	if err != nil {
		return err
	}
	for i, m := range w.machines {
		one := &d.Machines[i]
		ch := w.desk.Ask()
		shown, err := m.holder.Present(ch, m.record...)
		if err != nil {
			return err
		}
		quote, err := w.desk.Quote(ctx, ch, shown, one.Price)
		if errors.Is(err, examples.ErrNoLease) {
			// The desk has said no; the table says how far the machine is from a yes.
			if one.Score, err = scorer.Score(m.history, demoDay); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		one.Score, one.Deposit = quote.Score, quote.Deposit

		// The desk signs what it computed, and the machine, or anybody else who has
		// the record, computes it again.
		raw, err := desk.Issue(quote.Score.Credential(quote.Machine, demoDay))
		if err != nil {
			return err
		}
		signed, err := w.verifier.Verify(ctx, raw, vc.IssuedBy(id))
		if err != nil {
			return err
		}
		if err := reputation.Check(signed, m.history, w.policy, nil); err != nil {
			return err
		}
		d.Checked++
	}
	slices.SortStableFunc(d.Machines, func(a, b DemoMachine) int { return cmp.Compare(b.Score.Points, a.Score.Points) })
	return nil
}

// rollBack shows the record with the last hour-meter reading lowered by 400.
func (m *actor) rollBack(ch vc.Challenge) ([]byte, string, error) {
	forged := slices.Clone(m.record)
	for i, it := range slices.Backward(m.history.Entries()) {
		work, err := vc.ClaimOf[record.Maintenance](it.Credential)
		if err != nil || len(work.Counters) == 0 {
			continue
		}
		from := work.Counters[0].Value
		to := from - 400
		forged[i] = bytes.Replace(forged[i], fmt.Appendf(nil, `"value":%d`, from), fmt.Appendf(nil, `"value":%d`, to), 1)
		shown, err := m.holder.Present(ch, forged...)
		return shown, fmt.Sprintf("turns its hour meter back from %d to %d hours", from, to), err
	}
	return nil, "", errors.New("no hour-meter reading to turn back")
}

// hide shows the record without its last three failures.
func (m *actor) hide(ch vc.Challenge) ([]byte, string, error) {
	var rest [][]byte
	hidden := 0
	for i, it := range slices.Backward(m.history.Entries()) {
		if hidden < 3 && it.Credential.Type() == (record.Incident{}).CredentialType() {
			hidden++
			continue
		}
		rest = append(rest, m.record[i])
	}
	slices.Reverse(rest)
	shown, err := m.holder.Present(ch, rest...)
	return shown, "leaves its last three failures out", err
}

// replay shows the answer it gave to an earlier request, before its crash.
func (m *actor) replay(old vc.Challenge) ([]byte, string, error) {
	for i, it := range m.history.Entries() {
		if incident, err := vc.ClaimOf[record.Incident](it.Credential); err == nil && incident.Category == record.Damage {
			shown, err := m.holder.Present(old, m.record[:i]...)
			return shown, "sends the answer that it gave before it crashed", err
		}
	}
	return nil, "", errors.New("no crash to hide")
}

func (d *Demo) print(w io.Writer, keep string, bold func(string) string) {
	say := func(format string, args ...any) { fmt.Fprintf(w, headings.ReplaceAllStringFunc(format, bold), args...) }
	say(`A fleet's year in one run. The machines are invented; the keys, signatures, chains and
scores are real.

1. NAMES. Every machine makes a key, in an encrypted file, and is named after it.

`)
	indented(w, func(w io.Writer) {
		for _, m := range slices.SortedFunc(slices.Values(d.Machines), func(a, b DemoMachine) int { return cmp.Compare(a.Name, b.Name) }) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", m.Name, m.Model, m.ID)
		}
	})
	say(`
2. LIFE. What the operator's systems export becomes %d credentials. Each is signed by
   whoever was there, and linked to the one before it.

`, d.Credentials)
	indented(w, func(w io.Writer) {
		for _, e := range d.Events {
			signers := strings.Join(e.Signers, " and ")
			if n := len(e.Signers); n > 2 {
				signers = fmt.Sprintf("%s and %d more", strings.Join(e.Signers[:2], ", "), n-2)
			}
			fmt.Fprintf(w, "%4d\t%s\t%s\n", e.Count, trimType(e.Type), signers)
		}
	})
	say(`
3. PROOF. Every signature on the %d credentials holds, and so do all %d chains: nothing is
   missing, nothing was written twice, every count is right.

4. FRAUD. Three owners try to look better at the leasing desk.

`, d.Credentials, len(d.Machines))
	for _, t := range d.Attempts {
		say("   %s %s\n      %s\n", t.Machine, t.What, t.Message)
		if !t.Refused {
			say("      its whole record has %d points: hiding costs more than telling\n", t.Points)
		}
	}
	say(`
5. TRUST. The desk asks each machine with a fresh nonce, and the machine shows its whole
   record. The desk verifies and scores it as of %s, and wants a deposit of three
   times the expected loss. Points go from 300 to 850 (without a public log to 680);
   below 500 there is no lease.

`, d.AsOf)
	indented(w, func(w io.Writer) {
		fmt.Fprintln(w, "machine\tmodel\tpoints\tat least\tdeposit\tmost points lost for")
		for _, m := range d.Machines {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", m.Name, m.Model, m.Score.Points, percent(m.Score.LowPpm), m.deposit(), reasonsInWords(m.Score))
		}
	})
	best := d.Machines[0]
	say(`
6. QUOTE. %s, %s, worth EUR %s
      keeps a promise with probability %s, at least %s
      expected loss %s of its price; deposit EUR %s
   The desk signed this score and %d more. Computed again from record and policy, each
   came out the same, to the bit.
`, best.Name, best.Model, euros(best.Price), percent(best.Score.MeanPpm), percent(best.Score.LowPpm),
		percent(best.Score.ExpectedLoss*100), euros(best.Deposit), d.Checked-1)
	if keep == "" {
		say("\nNext: hourmeter demo --keep ./fleet, then hourmeter verify ./fleet\n")
	} else {
		say("\nThe fleet is in %s; the passphrase of its keys is %q.\nNext: hourmeter verify %s\n", keep, demoPassphrase, keep)
	}
}

var headings = regexp.MustCompile(`(?m)^\d\. [A-Z]+\.`)

// indented is a table three columns from the left.
func indented(w io.Writer, f func(w io.Writer)) {
	var b bytes.Buffer
	table(&b, f)
	for l := range strings.Lines(b.String()) {
		fmt.Fprint(w, "   ", l)
	}
}

func (m DemoMachine) deposit() string {
	if m.Deposit == 0 {
		return "no lease"
	}
	return euros(m.Deposit)
}

// euros writes cents as 1,234.56.
func euros(cents int64) string {
	whole := fmt.Sprint(cents / 100)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return fmt.Sprintf("%s.%02d", whole, cents%100)
}

// reasonsInWords is topReasons in lower case: "maintenance poor 88".
func reasonsInWords(s *reputation.Score) string {
	var words []string
	for _, r := range s.Reasons[:min(2, len(s.Reasons))] {
		words = append(words, fmt.Sprintf("%s %d", strings.ToLower(strings.ReplaceAll(string(r.Code), "_", " ")), r.Lost))
	}
	return strings.Join(words, ", ")
}
