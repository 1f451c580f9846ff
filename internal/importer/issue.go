package importer

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/fleet"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// issue makes the credentials, on all cores: the chains do not know of each other.
func (r *run) issue(ctx context.Context) error {
	var todo []*machine
	for _, m := range r.order {
		if len(m.rows) > 0 {
			todo = append(todo, m)
		}
	}
	return parallel(ctx, len(todo), func(i int) error { return r.extend(ctx, todo[i]) })
}

// extend issues the rows of one machine.
func (r *run) extend(ctx context.Context, m *machine) (err error) {
	verifier := &vc.Verifier{Now: r.Now}
	c, err := r.to.Chain(ctx, verifier, m.entry)
	if damage, ok := errors.AsType[*fleet.DamageError](err); ok {
		for _, row := range m.rows {
			r.fail(row, damage)
			r.step()
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if closed := c.Close(); err == nil {
			err = closed
		}
	}()
	held := c.Head.Latest // what an earlier import has entered
	var machineKey crypto.Signer
	mk := maker{party: r.partyID, machine: m.entry.ID, machineKey: m.entry.ID.URL(m.entry.ID.Identifier())}
	for _, row := range m.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		refused, err := r.enter(ctx, c, m, row, mk, held, &machineKey)
		if err != nil {
			return err
		}
		if refused != nil {
			r.fail(row, refused)
		} else {
			row.fate = added
		}
		r.step()
	}
	return nil
}

// enter issues one row as the next entry of c. The first error says why the row
// could not be entered, the second why nothing can.
func (r *run) enter(ctx context.Context, c *fleet.Chain, m *machine, row *row, mk maker, held time.Time, machineKey *crypto.Signer) (refused, err error) {
	spec := row.source.spec
	entry := chain.Entry{Kind: spec.kind, Class: spec.class}
	if row.opened != nil {
		sequence, digest, ok := c.Opened(row.opened.id)
		if !ok {
			return fmt.Errorf("it closes %s:%d, which is not in the record", row.opened.file, row.opened.line), nil
		}
		entry.RefersTo, mk.lease = sequence, digest.String()
	}
	made, err := mk.make(row)
	if err != nil {
		return err, nil
	}
	entry.Due, entry.Outcome = made.due, made.outcome

	credential := &vc.Credential{ID: row.id, Subject: m.entry.ID, Claim: made.claim, ValidFrom: row.time}
	if row.time.Before(held) {
		row.late = true
		credential.Members = map[string]any{"description": "Entered late: the record held later events when this one was reported."}
	}
	if err := c.Head.Append(credential, entry); err != nil {
		return err, nil
	}
	issuer, err := r.signer(ctx, made.issuer)
	if err != nil {
		return nil, err
	}
	raw, err := issuer.Issue(credential)
	if err != nil {
		return err, nil
	}
	for _, name := range made.cosigners {
		if name != machineCosigner {
			if issuer, err = r.signer(ctx, name); err != nil {
				return nil, err
			}
		} else {
			if *machineKey == nil {
				key, id, err := r.key(ctx, m.entry.Key)
				if err != nil {
					return nil, err
				}
				if id != m.entry.ID {
					return nil, fmt.Errorf("import: key %q is that of %s, but machine %s is %s: use the store of keys that belongs to this fleet", m.entry.Key, id, m.name, m.entry.ID)
				}
				*machineKey = key
			}
			issuer = &vc.Issuer{ID: m.entry.ID, Key: *machineKey, Now: r.Now}
		}
		if raw, err = issuer.AddProof(raw); err != nil {
			return err, nil
		}
	}
	err = c.Append(ctx, raw)
	if refusal, ok := errors.AsType[*fleet.RefusedError](err); ok {
		return refusal.Err, nil
	}
	return nil, err
}

// signer returns a party as an issuer.
func (r *run) signer(ctx context.Context, name string) (*vc.Issuer, error) {
	r.mu.Lock()
	p := r.parties[name]
	key := p.key
	r.mu.Unlock()
	if key == nil {
		entry, _ := r.to.Party(name)
		opened, id, err := r.key(ctx, entry.Key)
		if err != nil {
			return nil, err
		}
		if id != p.id {
			return nil, fmt.Errorf("import: key %q is that of %s, but party %s is %s: use the store of keys that belongs to this fleet", entry.Key, id, name, p.id)
		}
		key = opened
		r.mu.Lock()
		p.key = key
		r.mu.Unlock()
	}
	return &vc.Issuer{ID: p.id, Key: key, Now: r.Now}, nil
}

func (r *run) partyID(name string) (did.DID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.parties[name]
	if !ok {
		return did.DID{}, false
	}
	return p.id, true
}

func (r *run) step() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done++
	if r.Progress != nil {
		r.Progress(r.done, r.total)
	}
}

// parallel calls do for 0 to n-1, on all cores, until one fails.
func parallel(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

func uuid(sum [32]byte) string {
	b := sum[:16]
	b[6] = b[6]&0x0f | 0x80 // version 8 (RFC 9562 §5.8)
	b[8] = b[8]&0x3f | 0x80 // variant
	h := hex.EncodeToString(b)
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
