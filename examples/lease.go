package examples

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// A Desk leases machines against a deposit. It asks a machine to show its
// record, and trusts nothing that it has not verified itself.
type Desk struct {
	Domain   string             // who asks, such as "lease.example"
	Policy   *reputation.Policy // whose word counts, and how much
	Verifier vc.Verifier
	Now      func() time.Time // nil means time.Now

	mu    sync.Mutex
	asked map[vc.Challenge]bool
}

// A Quote is what a desk offers.
type Quote struct {
	Machine did.DID
	Deposit int64 // smallest unit of the currency the price is in
	Score   *reputation.Score
}

// ErrNoLease says that the desk has seen the record and does not lease the machine.
var ErrNoLease = errors.New("not leased")

// Ask makes the challenge that a machine has to answer.
func (d *Desk) Ask() vc.Challenge {
	ch := vc.NewChallenge(d.Domain)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked == nil {
		d.asked = make(map[vc.Challenge]bool)
	}
	d.asked[ch] = true
	return ch
}

// Quote checks the answer to ch and says what deposit the desk wants for a
// machine of that price.
//
// The deposit is three times the loss that the score expects, at least a
// twentieth of the price and at most all of it. A machine that scores below
// 500, one whose promises fail more often than one time in five, is not leased.
//
// A *[vc.RejectError] or [ErrNoLease] is final. Any other error says that the
// answer could not be checked: ask again.
func (d *Desk) Quote(ctx context.Context, ch vc.Challenge, shown []byte, price int64) (*Quote, error) {
	if !d.take(ch) {
		return nil, &vc.RejectError{Reason: vc.ErrChallenge, Detail: errors.New("it was not asked, or answered before")}
	}
	p, err := d.Verifier.VerifyPresentation(ctx, shown, ch, vc.AnyIssuer) // the policy says whose word counts
	if err != nil {
		return nil, err
	}
	history, err := chain.NewDisclosed(p.Holder(), p.Credentials()...) // what is missing costs points
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLease, err)
	}
	score, err := d.Policy.Score(history, d.now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLease, err)
	}
	if score.Points < 500 {
		hidden := history.Hidden()
		return nil, fmt.Errorf("%w: %d points, 500 are needed; %d entries are missing, %d of them adverse",
			ErrNoLease, score.Points, hidden.Entries, hidden.Adverse)
	}
	deposit := price * 3 * score.ExpectedLoss / 10_000 // the loss is in basis points
	return &Quote{p.Holder(), min(max(deposit, price/20), price), score}, nil
}

// take reports whether the desk asks ch, and stops asking: one answer each.
func (d *Desk) take(ch vc.Challenge) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked[ch]
	delete(d.asked, ch)
	return asked
}

func (d *Desk) now() time.Time {
	if d.Now == nil {
		return time.Now()
	}
	return d.Now()
}
