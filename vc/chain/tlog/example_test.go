package tlog_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

var ctx = context.Background()

// party returns a key that is always the same. Real ones come from package keystore.
func party(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", ed25519.SeedSize))[:ed25519.SeedSize]))
}

// noon is the time in the examples.
func noon() time.Time { return time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC) }

// world makes a log with one witness in a temporary folder, and the trust of a reader in both.
func world() (log *tlog.Log, witness *tlog.Witness, trust tlog.Trust, done func()) {
	folder, err := os.MkdirTemp("", "tlog")
	check(err)
	key, err := tlog.LogKey("log.example/machines", party("log").Public())
	check(err)
	witness, err = tlog.CreateWitness(filepath.Join(folder, "witness"), tlog.WitnessConfig{
		Name: "witness.example/w1",
		Key:  party("witness"),
		Logs: []tlog.Watched{{Log: key}},
		Now:  noon,
	})
	check(err)
	log, err = tlog.Create(filepath.Join(folder, "log"), tlog.Config{
		Origin:    "log.example/machines",
		Key:       party("log"),
		Witnesses: []string{witness.Key()},
	})
	check(err)
	trust = tlog.Trust{Log: log.Key(), Witnesses: []string{witness.Key()}, Now: noon}
	return log, witness, trust, func() {
		check(log.Close())
		check(witness.Close())
		check(os.RemoveAll(folder))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Digests of the credentials of one drone, which package vc computes. The first one names its record.
var (
	commission = vc.Digest{1}
	flight     = vc.Digest{2}
	crash      = vc.Digest{3}
	drone      = tlog.Record{Chain: commission, Salt: tlog.Salt{42}} // real ones: tlog.NewSalt
)

// enter enters the drone's record.
func enter(log *tlog.Log, digests ...vc.Digest) {
	key := drone.Salt.Key(drone.Chain)
	var previous vc.Digest
	for i, d := range digests {
		_, err := log.Append(ctx, tlog.Entry{Key: key, Sequence: int64(i), Digest: d}, previous)
		check(err)
		previous = d
	}
}

// A log takes entries in, a witness cosigns, and a reader sees the record's end.
func Example() {
	log, witness, trust, done := world()
	defer done()
	enter(log, commission, flight, crash)
	published, err := log.Publish(ctx, witness)
	check(err)
	fmt.Println("published", published.Size, "entries")

	reader := &tlog.Reader{Source: log, Trust: trust} // over a network: package resolver has Sources
	view, err := reader.Read(ctx, drone)
	check(err)
	logged, err := view.Record(drone.Chain)
	check(err)
	for _, e := range logged.Entries {
		fmt.Println(e.Sequence, e.Digest == crash, e.Time.Format(time.RFC3339))
	}
	fmt.Println("fresh:", logged.Fresh)
	// Output:
	// published 3 entries
	// 0 false 2026-11-22T12:00:00Z
	// 1 false 2026-11-22T12:00:00Z
	// 2 true 2026-11-22T12:00:00Z
	// fresh: true
}

// A record is written once.
func ExampleLog_Append() {
	log, _, _, done := world()
	defer done()
	enter(log, commission, flight, crash)

	// The owner would rather have had a quiet flight.
	nicer := tlog.Entry{Key: drone.Salt.Key(drone.Chain), Sequence: 2, Digest: vc.Digest{9}}
	_, err := log.Append(ctx, nicer, flight)
	taken, ok := errors.AsType[*tlog.TakenError](err)
	fmt.Println(ok, taken.Held == crash)
	// Output: true true
}

// A witness that is down does not stop the log; that its word is missing is told.
func ExampleLog_Publish() {
	log, witness, _, done := world()
	defer done()
	enter(log, commission)
	check(witness.Close())
	p, err := log.Publish(ctx, witness)
	check(err)
	fmt.Println(p.Published, p.Failed[0])
	// Output: false tlog: witness witness.example/w1: file already closed
}

// A receipt is kept beside a credential and shows offline since when a log has held it.
func ExampleTrust_Receipt() {
	log, witness, trust, done := world()
	defer done()
	enter(log, commission, flight)
	_, err := log.Publish(ctx, witness)
	check(err)
	text, err := log.Receipt(ctx, 1)
	check(err)

	receipt, err := trust.Receipt(text)
	check(err)
	fmt.Println(receipt.Entry.Sequence, receipt.Entry.Digest == flight, receipt.Time().Format(time.RFC3339))
	fmt.Println(strings.SplitN(string(text), "\n", 2)[0])
	// Output:
	// 1 true 2026-11-22T12:00:00Z
	// c2sp.org/tlog-proof@v1
}

// What a holder keeps shows without a network that the record ended with this entry.
func ExampleTrust_View() {
	log, witness, trust, done := world()
	defer done()
	enter(log, commission, flight)
	_, err := log.Publish(ctx, witness)
	check(err)
	kept, err := (&tlog.Reader{Source: log, Trust: trust}).Keep(ctx, drone)
	check(err)

	// Two hours later, in a cellar.
	trust.Now = func() time.Time { return noon().Add(2 * time.Hour) }
	view, err := trust.View(kept)
	check(err)
	logged, err := view.Record(drone.Chain)
	check(err)
	fmt.Println(len(logged.Entries), "entries as of", logged.Time.Format(time.RFC3339), "fresh:", logged.Fresh)
	// Output: 2 entries as of 2026-11-22T12:00:00Z fresh: false
}

// An auditor takes nobody's word.
func ExampleAuditor() {
	log, witness, trust, done := world()
	defer done()
	enter(log, commission, flight, crash)
	_, err := log.Publish(ctx, witness)
	check(err)
	auditor := &tlog.Auditor{Source: log, Trust: trust}
	checkpoint, err := auditor.Audit(ctx)
	check(err)
	entries, _ := auditor.Entries(drone.Salt.Key(drone.Chain))
	fmt.Println(checkpoint.Size, "leaves are good; of the drone:", len(entries))
	// Output: 3 leaves are good; of the drone: 3
}

// A witness does not cosign a tree that does not extend the one before.
func ExampleWitness_Cosign() {
	log, witness, _, done := world()
	defer done()
	enter(log, commission)
	p, err := log.Publish(ctx, witness)
	check(err)

	// Publish asked it like this (C2SP tlog-witness, add-checkpoint).
	_, err = witness.Cosign(ctx, []byte("old 0\n\n"+string(p.Checkpoint)))
	conflict, ok := errors.AsType[*tlog.ConflictError](err)
	fmt.Println(ok, conflict.Size)
	// Output: true 1
}

// Evidence against a log is for anybody to check, who needs its key only.
func ExampleVerifyMisbehaviour() {
	log, witness, trust, done := world()
	defer done()
	enter(log, commission)
	_, err := log.Publish(ctx, witness)
	check(err)
	_, err = tlog.VerifyMisbehaviour(trust.Log, []byte(`{"broken":["not a receipt","nor this"]}`))
	fmt.Println(err)
	// Output: tlog: malformed: receipt: want "c2sp.org/tlog-proof@v1", extra, index, a proof, an empty line and a checkpoint
}
