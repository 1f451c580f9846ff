package examples

import (
	"context"
	"crypto"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A Name is how a machine is to be called in operation.
type Name struct {
	Host string           // where its owner publishes the log, such as "fleet.example:machines:317"
	Key  crypto.Signer    // the machine's, to work with by that name: see [keystore.Ensure]
	Next crypto.PublicKey // the owner's, Ed25519, for the next change of the log; nobody has seen it yet
}

// Operate gives a machine that was onboarded a name that stays when keys, owners and hosts change: a
// did:webvh. Its owner publishes the log, and the record says that the name is the machine's.
//
// The danger: whoever has the keys that change the log has the name. The owner's own key, Ed25519 here,
// makes the log and can do no more: the next change takes the one pledged as Next. Keep that where the
// machine and the network are not. At a sale, pledge the buyer's key in its place; hand over none.
func Operate(ctx context.Context, machine *vc.Holder, r *Record, owner *vc.Issuer, built record.Commissioning, name Name) (*vc.Holder, *webvh.Log, error) {
	draft, err := webvh.Draft(name.Host)
	if err != nil {
		return nil, nil, err
	}
	method, err := did.NewVerificationMethod(draft.URL("operation"), did.Multikey, draft, name.Key.Public())
	if err != nil {
		return nil, nil, err
	}
	pledge, err := webvh.KeyHash(name.Next)
	if err != nil {
		return nil, nil, err
	}
	signs := []did.MethodRef{{ID: method.ID}}
	log, err := webvh.Create(webvh.Change{
		Key: owner.Key, Time: built.Time, NextKeyHashes: []string{pledge}, Portable: new(true),
		Document: &did.Document{
			ID: draft, AlsoKnownAs: []string{machine.ID.String()},
			VerificationMethod: []did.VerificationMethod{method}, Authentication: signs, AssertionMethod: signs,
		},
	})
	if err != nil {
		return nil, nil, err
	}

	// All three say that the name is the machine's: the owner of record, the name, and the name from the factory.
	field := &vc.Issuer{ID: log.ID(), Key: name.Key, Method: log.ID().URL("operation"), Now: owner.Now}
	born := &vc.Issuer{ID: machine.ID, Key: machine.Key, Now: owner.Now}
	built.KeyBinding = &record.KeyBinding{VerificationMethod: field.Method, Protection: record.Software}
	methods := resolver.Offline()
	methods[webvh.Method] = log
	r.Resolver = methods
	entry := &vc.Credential{Subject: machine.ID, Claim: built, ValidFrom: built.Time}
	if err := r.Add(ctx, entry, chain.Entry{Kind: chain.Rotate}, owner, field, born); err != nil {
		return nil, nil, err
	}
	return &vc.Holder{ID: field.ID, Key: field.Key, Method: field.Method}, log, nil
}
