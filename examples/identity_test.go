package examples_test

import (
	"context"
	"crypto"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/examples"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/linkage"
	"github.com/hourmeter/hourmeter/vc/record"
)

func ExampleOperate() {
	ctx := context.Background()
	now := time.Date(2026, time.November, 1, 12, 0, 0, 0, time.UTC)
	fleet := signs(must(did.NewKey(key("fleet").Public())), "fleet", now)
	built := record.Commissioning{Time: now, Model: "Lynx 4", Serial: "LX4-00317"}
	keys := new(keystore.Memory)
	machine, life, err := examples.Onboard(ctx, keys, fleet, built)
	if err != nil {
		fmt.Println(err)
		return
	}

	name, log, err := examples.Operate(ctx, machine, life, fleet, built, examples.Name{
		Host: "fleet.example:machines:317",
		Key:  must(keystore.Ensure(ctx, keys, "operation", keystore.Ed25519)),
		Next: key("in the safe").Public(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	where, err := webvh.LogURL(name.ID)
	fmt.Println(where, log.Len(), err) // publish log.Raw() there
	fmt.Println(len(life.Credentials), life.Head.Names[0] == name.ID)
	// Output:
	// https://fleet.example/machines/317/did.jsonl 1 <nil>
	// 2 true
}

// The name is one with the first, outlives a sale and a move, and takes the key that was pledged.
func TestOperateNamesAMachineForLife(t *testing.T) {
	ctx := t.Context()
	at := month(2026, 1)
	now := func() time.Time { return at }
	by := func(name string) *vc.Issuer {
		return &vc.Issuer{ID: must(did.NewKey(key(name).Public())), Key: key(name), Now: now}
	}
	fleet, yard := by("fleet"), by("yard")
	built := record.Commissioning{Time: at, Model: "Lynx 4", Serial: "LX4-00317"}
	keys := new(keystore.Memory)
	machine, life, err := examples.Onboard(ctx, keys, fleet, built)
	require.NoError(t, err)
	built.Time = at.Add(time.Hour)
	at = built.Time
	work := must(keystore.Ensure(ctx, keys, "operation", keystore.P256))
	name, log, err := examples.Operate(ctx, machine, life, fleet, built, examples.Name{Host: "fleet.example:machines:317", Key: work, Next: key("in the safe").Public()})
	require.NoError(t, err)
	bond, err := linkage.Same(ctx, life.Resolver, machine.ID, name.ID, must((&vc.Verifier{Resolver: life.Resolver, Now: now}).Verify(ctx, life.Credentials[1], vc.AnyIssuer)))
	require.NoError(t, err)
	require.Equal(t, linkage.Mutual, bond)

	// The fleet's key made the log, and changes nothing in it any more.
	later := at.Add(time.Hour)
	_, err = log.Update(webvh.Change{Key: fleet.Key, Time: later, NextKeyHashes: []string{}})
	require.ErrorContains(t, err, "is not among the keys")
	moved, err := log.Move(webvh.Change{Key: key("in the safe"), Time: later, NextKeyHashes: []string{must(webvh.KeyHash(key("in the yard's").Public()))}}, "yard.example:cranes:7")
	require.NoError(t, err)

	// Under its name it works, is sold, and goes on under the buyer's roof.
	uptime := func(id did.DID) *vc.Credential {
		return &vc.Credential{Subject: id, ValidFrom: at, Claim: record.Uptime{Availability: record.Availability{
			Start: at.Add(-time.Hour), End: at, RequiredSeconds: 3600, UpSeconds: 3600, Method: record.SelfReport,
		}}}
	}
	good := chain.Entry{Kind: chain.Observe, Outcome: chain.Good}
	signer := &vc.Issuer{ID: name.ID, Key: name.Key, Method: name.Method, Now: now}
	require.NoError(t, life.Add(ctx, uptime(name.ID), good, signer))
	at = later
	sale := &vc.Credential{Subject: name.ID, ValidFrom: at, Claim: record.OwnershipTransfer{Time: at, OwningParty: record.OwningParty{Source: fleet.ID, Destination: yard.ID}}}
	require.NoError(t, life.Add(ctx, sale, chain.Entry{Kind: chain.Transfer}, fleet, yard))
	life.Resolver = resolver.Methods{"key": did.Offline{}, "webvh": moved}
	built.Time, built.KeyBinding = at, &record.KeyBinding{VerificationMethod: moved.ID().URL("operation"), Protection: record.Software}
	crane := &vc.Issuer{ID: moved.ID(), Key: name.Key, Method: moved.ID().URL("operation"), Now: now}
	require.NoError(t, life.Add(ctx, &vc.Credential{Subject: name.ID, Claim: built, ValidFrom: at}, chain.Entry{Kind: chain.Rotate}, yard, crane))
	require.NoError(t, life.Add(ctx, uptime(crane.ID), good, crane))

	// Whoever reads it all by the log of now finds one machine, by three names.
	verifier := &vc.Verifier{Resolver: life.Resolver, Now: now}
	var entries []*vc.Verified
	for _, raw := range life.Credentials {
		entries = append(entries, must(verifier.Verify(ctx, raw, vc.AnyIssuer)))
	}
	h, err := chain.New(machine.ID, entries...)
	require.NoError(t, err)
	require.Equal(t, []did.DID{machine.ID, name.ID, crane.ID}, h.Names())
	require.Equal(t, yard.ID, h.Head().Owner)

	for _, tt := range []struct {
		name string
		next crypto.PublicKey
		host string
	}{
		{"no host", key("next").Public(), ""},
		{"no key to come", nil, "fleet.example"},
	} {
		_, _, err := examples.Operate(ctx, machine, life, yard, built, examples.Name{Host: tt.host, Key: work, Next: tt.next})
		require.Error(t, err, tt.name)
		require.Len(t, life.Credentials, len(entries), tt.name)
	}
}
