package examples_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/examples"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

var today = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// A town is the parties of the tests: a maker, a monitor, a lessor, and a policy
// that knows them.
type town struct {
	maker, monitor, lessor *vc.Issuer
	policy                 *reputation.Policy
	now                    time.Time
}

func newTown() *town {
	tw := &town{policy: reputation.DefaultPolicy()}
	keys := new(keystore.Memory)
	issuer := func(name string, alg keystore.Algorithm) *vc.Issuer {
		key, err := keystore.Ensure(context.Background(), keys, name, alg)
		if err != nil {
			panic(err)
		}
		id, err := did.NewKey(key.Public())
		if err != nil {
			panic(err)
		}
		tw.policy.Issuers = append(tw.policy.Issuers, reputation.Issuer{
			ID: id, Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000},
		})
		return &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return tw.now }}
	}
	tw.maker, tw.monitor, tw.lessor = issuer("maker", keystore.P256), issuer("monitor", keystore.Ed25519), issuer("lessor", keystore.P384)
	return tw
}

// live onboards a machine and has it run for weeks, until today, under lease.
func (tw *town) live(weeks int) (*vc.Holder, *examples.Record, error) {
	ctx := context.Background()
	tw.now = today.AddDate(0, 0, -7*weeks-1)
	machine, life, err := examples.Onboard(ctx, new(keystore.Memory), tw.maker, record.Commissioning{
		Time: tw.now, Model: "Lynx 4", Serial: "LX4-00317",
	})
	if err != nil {
		return nil, nil, err
	}
	machine.Now = func() time.Time { return today }
	end := today.AddDate(0, 0, -1)
	lease := &vc.Credential{Subject: machine.ID, ValidFrom: tw.now, Claim: record.Lease{Terms: record.Terms{
		Lessor: tw.maker.ID, Lessee: tw.lessor.ID, Start: tw.now, End: end,
	}}}
	signer := &vc.Issuer{ID: machine.ID, Key: machine.Key, Now: tw.maker.Now}
	if err := life.Add(ctx, lease, chain.Entry{Kind: chain.Open, Class: "lease", Due: end.AddDate(0, 0, 1)}, tw.lessor, signer); err != nil {
		return nil, nil, err
	}
	const week = 7 * 24 * 60 * 60
	for n := range weeks {
		from := today.AddDate(0, 0, -7*(weeks-n))
		tw.now = from.AddDate(0, 0, 7)
		uptime := &vc.Credential{Subject: machine.ID, ValidFrom: tw.now, Claim: record.Uptime{Availability: record.Availability{
			Start: from, End: tw.now, RequiredSeconds: week, UpSeconds: week, Method: record.Heartbeat,
		}}}
		if err := life.Add(ctx, uptime, chain.Entry{Kind: chain.Observe, Outcome: chain.Good}, tw.monitor); err != nil {
			return nil, nil, err
		}
	}
	return machine, life, nil
}

func (tw *town) desk() *examples.Desk {
	now := func() time.Time { return today }
	return &examples.Desk{Domain: "lease.example", Policy: tw.policy, Verifier: vc.Verifier{Now: now}, Now: now}
}

func Example() {
	ctx := context.Background()
	tw := newTown()
	machine, life, err := tw.live(40)
	if err != nil {
		fmt.Println(err)
		return
	}

	desk := tw.desk()
	asked := desk.Ask()                                       // the desk asks …
	shown, err := machine.Present(asked, life.Credentials...) // … the machine answers …
	if err != nil {
		fmt.Println(err)
		return
	}
	quote, err := desk.Quote(ctx, asked, shown, 20_000_00) // … and the desk offers, for 20,000.00
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(quote.Machine == machine.ID, quote.Score.Completeness, quote.Score.Points, quote.Deposit)
	// Output: true C2 523 426000
}

func TestDeskRefuses(t *testing.T) {
	ctx := t.Context()
	tw := newTown()
	machine, life, err := tw.live(40)
	require.NoError(t, err)
	desk := tw.desk()
	show := func(h *vc.Holder, ch vc.Challenge, credentials ...[]byte) []byte {
		shown, err := h.Present(ch, credentials...)
		require.NoError(t, err)
		return shown
	}
	thief := &vc.Holder{ID: tw.monitor.ID, Key: tw.monitor.Key, Now: machine.Now}
	tampered := slices.Clone(life.Credentials)
	tampered[5] = bytes.Replace(tampered[5], []byte(`"failures":0`), []byte(`"failures":1`), 1)
	require.NotEqual(t, life.Credentials[5], tampered[5])
	shortened := slices.Concat(life.Credentials[:7], life.Credentials[10:])

	for _, tt := range []struct {
		name  string
		shown func(ch vc.Challenge) []byte
		want  error
	}{
		{"another nonce", func(ch vc.Challenge) []byte {
			return show(machine, vc.NewChallenge("lease.example"), life.Credentials...)
		}, vc.ErrChallenge},
		{"another domain", func(ch vc.Challenge) []byte {
			return show(machine, vc.Challenge{Nonce: ch.Nonce, Domain: "thief.example"}, life.Credentials...)
		}, vc.ErrDomain},
		{"tampered record", func(ch vc.Challenge) []byte { return show(machine, ch, tampered...) }, vc.ErrProof},
		{"somebody else's record", func(ch vc.Challenge) []byte { return show(thief, ch, life.Credentials...) }, vc.ErrHolder},
		{"entries left out", func(ch vc.Challenge) []byte { return show(machine, ch, shortened...) }, examples.ErrNoLease},
		{"an empty record", func(ch vc.Challenge) []byte { return show(machine, ch) }, examples.ErrNoLease},
		{"not JSON", func(vc.Challenge) []byte { return []byte("hello") }, vc.ErrMalformed},
		{"no proof", func(vc.Challenge) []byte {
			return []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"VerifiablePresentation","holder":"` + machine.ID.String() + `"}`)
		}, vc.ErrProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ch := desk.Ask()
			_, err := desk.Quote(ctx, ch, tt.shown(ch), 1_000_000)
			t.Log(err)
			require.ErrorIs(t, err, tt.want)
		})
	}

	t.Run("one answer twice", func(t *testing.T) {
		ch := desk.Ask()
		shown := show(machine, ch, life.Credentials...)
		_, err := desk.Quote(ctx, ch, shown, 1_000_000)
		require.NoError(t, err)
		_, err = desk.Quote(ctx, ch, shown, 1_000_000)
		require.ErrorIs(t, err, vc.ErrChallenge)
	})
	t.Run("a challenge the desk never made", func(t *testing.T) {
		ch := vc.NewChallenge("lease.example")
		_, err := desk.Quote(ctx, ch, show(machine, ch, life.Credentials...), 1_000_000)
		require.ErrorIs(t, err, vc.ErrChallenge)
	})
	t.Run("issuers nobody knows", func(t *testing.T) {
		stranger := tw.desk()
		stranger.Policy = reputation.DefaultPolicy()
		ch := stranger.Ask()
		_, err := stranger.Quote(ctx, ch, show(machine, ch, life.Credentials...), 1_000_000)
		require.ErrorIs(t, err, examples.ErrNoLease)
	})
}

func TestOnboardTwiceIsOneMachine(t *testing.T) {
	tw := newTown()
	tw.now = today
	keys := new(keystore.Memory)
	built := record.Commissioning{Time: today, Model: "Lynx 4", Serial: "LX4-00317"}
	a, _, err := examples.Onboard(t.Context(), keys, tw.maker, built)
	require.NoError(t, err)
	b, _, err := examples.Onboard(t.Context(), keys, tw.maker, built)
	require.NoError(t, err)
	require.Equal(t, a.ID, b.ID)
}

func TestRecordRefusesWhatDoesNotBelong(t *testing.T) {
	tw := newTown()
	_, life, err := tw.live(3)
	require.NoError(t, err)
	head := life.Head
	other := &vc.Credential{Subject: tw.monitor.ID, ValidFrom: today, Claim: record.Decommissioning{Time: today}}
	err = life.Add(t.Context(), other, chain.Entry{Kind: chain.Retire}, tw.monitor)
	require.True(t, errors.Is(err, chain.ErrSubject), err)
	require.Equal(t, head, life.Head)
	require.Len(t, life.Credentials, 5)
}

func TestRankPutsTheBestFirst(t *testing.T) {
	tw := newTown()
	records := map[did.DID][][]byte{}
	long, longLife, err := tw.live(40)
	require.NoError(t, err)
	records[long.ID] = longLife.Credentials
	brief, briefLife, err := tw.live(4)
	require.NoError(t, err)
	records[brief.ID] = briefLife.Credentials
	broken, brokenLife, err := tw.live(40)
	require.NoError(t, err)
	records[broken.ID] = append([][]byte{[]byte("{}")}, brokenLife.Credentials[1:]...)

	v := &vc.Verifier{Now: func() time.Time { return today }}
	places, err := examples.Rank(t.Context(), v, tw.policy, today, records)
	require.NoError(t, err)
	require.Len(t, places, 3)
	require.Equal(t, long.ID, places[0].Machine)
	for _, p := range places {
		require.NoError(t, p.Err)
		t.Log(p.Machine, p.Score.Points, p.Score.Completeness)
	}
	require.Less(t, places[1].Score.Points, places[0].Score.Points)
}
