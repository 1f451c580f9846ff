package webvh_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// must is for examples only.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// seeded returns a key that is the same in each run. Yours comes from a keystore.
func seeded(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// machine returns the log of a crane that somebody has just made.
func machine() *webvh.Log {
	id := must(webvh.Draft("fleet.example:cranes:7"))
	key := must(did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, seeded(9).Public()))
	return must(webvh.Create(webvh.Change{
		Key:      seeded(1),
		Time:     time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Portable: new(true), // it may be sold
		Document: &did.Document{
			Context:            []string{"https://www.w3.org/ns/did/v1"},
			ID:                 id,
			VerificationMethod: []did.VerificationMethod{key},
			AssertionMethod:    []did.MethodRef{{ID: key.ID}},
		},
	}))
}

func january(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }

// Somebody has fetched a log, and asks who the machine was on the 2nd of January.
func ExampleVerify() {
	published := must(machine().Move(webvh.Change{Key: seeded(1), Time: january(3)}, "yard.example"))

	log, err := webvh.Verify(published.ID(), published.Raw(), published.RawWitness())
	if err != nil {
		panic(err)
	}
	res := must(log.Resolve(context.Background(), log.ID(), did.Version{Time: january(2)}))
	fmt.Println(res.Document.ID)
	fmt.Println("until", res.NextUpdate.Format(time.DateOnly), "and now", res.CanonicalID)
	// Output:
	// did:webvh:QmbGrXJ88zrBBUwhQifpUkMfMwWdeJ3xLoQH1huKqPGrUJ:fleet.example:cranes:7
	// until 2026-01-03 and now did:webvh:QmbGrXJ88zrBBUwhQifpUkMfMwWdeJ3xLoQH1huKqPGrUJ:yard.example
}

// A byte of the second entry was changed on the way. The first still holds, for who asks for it.
func ExampleLogError() {
	honest := must(machine().Update(webvh.Change{Key: seeded(1), Time: january(2), Watchers: []string{"https://watcher.example/"}}))
	tampered := bytes.Replace(honest.Raw(), []byte("watcher.example"), []byte("watches.example"), 1)

	log, err := webvh.Verify(honest.ID(), tampered, nil)
	if bad, ok := errors.AsType[*webvh.LogError](err); ok {
		fmt.Println(bad.Entry, bad.Rule)
	}
	_, err = log.Resolve(context.Background(), honest.ID(), did.Version{})
	fmt.Println(errors.Is(err, did.ErrInvalidDocument))
	fmt.Println(must(log.Resolve(context.Background(), honest.ID(), did.Version{Number: 1})).VersionID)
	// Output:
	// 2 versionId
	// true
	// 1-QmNmXF9y2HQRbhezH98Lhy7vdCx7jx2ixHtVmnPh82NX4a
}

// A log that grows costs only what is new.
func ExampleVerifier() {
	known := machine()
	longer := must(known.Update(webvh.Change{Key: seeded(1), Time: january(2)}))

	log, err := webvh.Verifier{Known: known}.Verify(known.ID(), longer.Raw(), nil)
	fmt.Println(log.Len(), err, log.Extends(known))
	// Output: 2 <nil> <nil>
}

func ExampleSubject() {
	id, err := webvh.Subject(machine().Raw())
	fmt.Println(id, err)
	// Output: did:webvh:QmbGrXJ88zrBBUwhQifpUkMfMwWdeJ3xLoQH1huKqPGrUJ:fleet.example:cranes:7 <nil>
}

func ExampleLogURL() {
	id := did.MustParse("did:webvh:QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE:fleet.example:cranes:7")
	fmt.Println(must(webvh.LogURL(id)))
	fmt.Println(must(webvh.WitnessURL(id)))
	fmt.Println(must(webvh.WebDID(id)))
	// Output:
	// https://fleet.example/cranes/7/did.jsonl
	// https://fleet.example/cranes/7/did-witness.json
	// did:web:fleet.example:cranes:7
}

// The first digest of a machine's record stands in its log, in a service of type MachineRecord. From
// then on nobody can show another record as the one that the machine began with.
func ExampleCreate() {
	const chain = `"uEiBoCGrAJ3wWVMM6YnXm0c4lk4FUCOwFkfgnbDmrgCWkKw"` // digest of the first credential
	id := must(webvh.Draft("fleet.example:cranes:{SCID}"))
	log := must(webvh.Create(webvh.Change{
		Key:  seeded(1),
		Time: january(1),
		Document: &did.Document{ID: id, Service: []did.Service{{
			ID:       id.URL("record"),
			Type:     []string{"MachineRecord"},
			Endpoint: []string{"https://log.example/"},
			Extra:    []did.Member{{Name: "chain", Value: chain}},
		}}},
	}))
	fmt.Println(log.ID())

	res := must(log.Resolve(context.Background(), log.ID(), did.Version{}))
	record := res.Document.Service[0]
	fmt.Println(record.Type, record.Endpoint, record.Extra)
	// Output:
	// did:webvh:QmS4PDP2aSyijzYRiV2N1iK9VasaKgZ8NxkPV2t7MQ3kTj:fleet.example:cranes:QmS4PDP2aSyijzYRiV2N1iK9VasaKgZ8NxkPV2t7MQ3kTj
	// [MachineRecord] [https://log.example/] [{chain "uEiBoCGrAJ3wWVMM6YnXm0c4lk4FUCOwFkfgnbDmrgCWkKw"}]
}

func ExampleDraft() {
	fmt.Println(must(webvh.Draft("fleet.example:cranes:{SCID}")))
	// Output: did:webvh:_SCID_:fleet.example:cranes:_SCID_
}

func ExampleLog_Update() {
	log := machine()
	doc := must(did.ParseDocument([]byte(log.Entry(1).State)))
	doc.AlsoKnownAs = []string{"https://fleet.example/inventory/7"}
	log = must(log.Update(webvh.Change{Key: seeded(1), Time: january(2), Document: doc, TTL: new(time.Minute)}))

	for e := range log.Entries() {
		fmt.Println(e.Number, e.Time.Format(time.DateOnly), e.Parameters.TTL, strings.Contains(e.State, "inventory"))
	}
	// Output:
	// 1 2026-01-01 1h0m0s false
	// 2 2026-01-02 1m0s true
}

// Pre-rotation: the next key is made beforehand and kept away. Who steals the one in use cannot go on
// from it.
func ExampleLog_Rotate() {
	safe := seeded(2)
	log := must(machine().Update(webvh.Change{Key: seeded(1), Time: january(2), NextKeyHashes: []string{must(webvh.KeyHash(safe.Public()))}}))

	thief := seeded(66)
	_, err := log.Rotate(webvh.Change{Key: thief, Time: january(3), NextKeyHashes: []string{}}, thief.Public())
	fmt.Println(err)

	next := []string{must(webvh.KeyHash(seeded(3).Public()))}
	log = must(log.Rotate(webvh.Change{Key: safe, Time: january(3), NextKeyHashes: next}, safe.Public()))
	fmt.Println(log.Parameters().UpdateKeys)
	// Output:
	// webvh: entry 3 ("3-QmaasoCsU6XyXhnQjVs7iJTSBaQFTbrFSt2HRnjJ83Az1d"): preRotation: "z6MkghLt1e8m1fmANsdJJco3aCLV8Xnigr5UWwC3u5iZFPd3" is not among the keys that the entry before committed to
	// [z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH]
}

// The machine is sold: the buyer publishes the log at a place of its own, with all that was before.
func ExampleLog_Move() {
	log := machine()
	sold := must(log.Move(webvh.Change{Key: seeded(1), Time: january(2)}, "yard.example:7"))
	fmt.Println(sold.ID())
	fmt.Println(must(sold.Resolve(context.Background(), sold.ID(), did.Version{})).Document.AlsoKnownAs)
	// Output:
	// did:webvh:QmbGrXJ88zrBBUwhQifpUkMfMwWdeJ3xLoQH1huKqPGrUJ:yard.example:7
	// [did:webvh:QmbGrXJ88zrBBUwhQifpUkMfMwWdeJ3xLoQH1huKqPGrUJ:fleet.example:cranes:7]
}

func ExampleLog_Deactivate() {
	log := must(machine().Deactivate(webvh.Change{Key: seeded(1), Time: january(2)}))
	_, err := log.Resolve(context.Background(), log.ID(), did.Version{})
	fmt.Println(errors.Is(err, did.ErrDeactivated))
	res := must(log.Resolve(context.Background(), log.ID(), did.Version{Time: january(1)}))
	fmt.Println(res.VersionID == log.Entry(1).VersionID, res.Deactivated)
	// Output:
	// true
	// true true
}

// Two of three witnesses have to approve of each entry. Until they do, it is not to be published.
func ExampleLog_Witness() {
	var w webvh.Witness
	for n := byte(11); n <= 13; n++ {
		w.Witnesses = append(w.Witnesses, must(did.NewKey(seeded(n).Public())))
	}
	w.Threshold = 2
	log := must(machine().SetWitnesses(webvh.Change{Key: seeded(1), Time: january(2)}, w))
	fmt.Println(errors.Is(log.Err(), webvh.ErrNoWitness))

	log = must(log.Witness(seeded(11), january(2)))
	fmt.Println(log.Err())
	log = must(log.Witness(seeded(13), january(2)))
	fmt.Println(log.Err())
	// Output:
	// true
	// webvh: entry 2 ("2-QmTryXkVfU4FY74DBS37wzkG16bVbysz6MSbRoN33SBMmZ"): witness: the proofs of witnesses: 1 of 3 witnesses approved of it, and 2 have to
	// <nil>
}

// A witness works on a copy, and sends back its proof.
func ExampleLog_AddProofs() {
	witness := seeded(11)
	log := must(machine().SetWitnesses(webvh.Change{Key: seeded(1), Time: january(2)},
		webvh.Witness{Threshold: 1, Witnesses: []did.DID{must(did.NewKey(witness.Public()))}}))

	theirs, err := webvh.Verify(log.ID(), log.Raw(), log.RawWitness())
	fmt.Println(errors.Is(err, webvh.ErrNoWitness))
	for e := range theirs.Pending() {
		fmt.Println("entry", e.Number, "brings", e.Parameters.Witness.Threshold, "witness")
	}
	proof := must(theirs.Witness(witness, january(2))).RawWitness()

	log = must(log.AddProofs(proof))
	fmt.Println(log.Len(), log.Err())
	// Output:
	// true
	// entry 2 brings 1 witness
	// 2 <nil>
}

// Somebody with the machine's key, and a host that plays along, replaced what was there.
func ExampleLog_Extends() {
	seen := must(machine().Update(webvh.Change{Key: seeded(1), Time: january(2), Watchers: []string{"https://a.example/"}}))
	now := must(machine().Update(webvh.Change{Key: seeded(1), Time: january(2), Watchers: []string{"https://b.example/"}}))

	err := now.Extends(seen)
	fork, _ := errors.AsType[*webvh.ForkError](err)
	fmt.Println(fork.Number, strings.Contains(fork.Older, "a.example"), strings.Contains(fork.Newer, "b.example"))
	// Output: 2 true true
}

func ExampleLog_ParallelDIDWeb() {
	doc := must(did.ParseDocument(must(machine().ParallelDIDWeb())))
	fmt.Println(doc.ID)
	fmt.Println(doc.AlsoKnownAs)
	// Output:
	// did:web:fleet.example:cranes:7
	// [did:webvh:QmbGrXJ88zrBBUwhQifpUkMfMwWdeJ3xLoQH1huKqPGrUJ:fleet.example:cranes:7]
}
