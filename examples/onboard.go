// Package examples shows this module at work:
//
//   - [Onboard] gives a machine its identity and the first entry of its record.
//   - [Operate] gives it a name that stays when keys, owners and hosts change.
//   - [Desk] leases machines: it asks with a nonce, verifies, scores, and quotes
//     the deposit.
//   - [Rank] scores a fleet whose history was imported from files.
//
// They are what the README shows. The program in the folder device is the first
// of them as firmware.
package examples

import (
	"context"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Onboard runs on a machine's first boot. It gives the machine its identity and
// the first entry of its record, which its maker signs.
func Onboard(ctx context.Context, keys keystore.Store, maker *vc.Issuer, built record.Commissioning) (*vc.Holder, *Record, error) {
	key, err := keystore.Ensure(ctx, keys, "identity", keystore.Ed25519)
	if err != nil {
		return nil, nil, err
	}
	id, err := did.NewKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	r := new(Record)
	birth := &vc.Credential{Subject: id, Claim: built, ValidFrom: built.Time}
	if err := r.Add(ctx, birth, chain.Entry{Kind: chain.Commission}, maker); err != nil {
		return nil, nil, err
	}
	return &vc.Holder{ID: id, Key: key}, r, nil
}

// A Record is what a machine keeps of its life: every credential, and the head
// that the next one has to follow. It shows the first and needs the second.
type Record struct {
	Credentials [][]byte
	Head        chain.Head
	Resolver    did.Resolver // of who signs; nil means did.Offline
}

// Add makes c the next entry of the record: it is linked, signed by its issuer
// and whoever has to countersign, and verified before it counts.
func (r *Record) Add(ctx context.Context, c *vc.Credential, e chain.Entry, issuer *vc.Issuer, countersigners ...*vc.Issuer) error {
	if err := r.Head.Append(c, e); err != nil {
		return err
	}
	raw, err := issuer.Issue(c)
	if err != nil {
		return err
	}
	for _, s := range countersigners {
		if raw, err = s.AddProof(raw); err != nil {
			return err
		}
	}
	v := &vc.Verifier{Resolver: r.Resolver, Now: func() time.Time { return c.ValidFrom }}
	entry, err := v.Verify(ctx, raw, vc.IssuedBy(issuer.ID))
	if err != nil {
		return err
	}
	if err := r.Head.Advance(entry); err != nil {
		return err
	}
	r.Credentials = append(r.Credentials, raw)
	return nil
}
