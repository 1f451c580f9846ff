package store_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/store"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func somebody(name string) *vc.Issuer {
	seed := sha256.Sum256([]byte(name))
	key := ed25519.NewKeyFromSeed(seed[:])
	return &vc.Issuer{ID: must(did.NewKey(key.Public())), Key: key}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// drone returns a new machine, and its record as it was signed: its birth, and two weeks.
func drone(maker, monitor *vc.Issuer) (machine did.DID, raws [][]byte) {
	machine = somebody("drone").ID
	var head chain.Head
	enter := func(by *vc.Issuer, claim vc.Claim, at time.Time, e chain.Entry) {
		c := &vc.Credential{Subject: machine, Claim: claim, ValidFrom: at}
		if err := head.Append(c, e); err != nil {
			panic(err)
		}
		raw := must(by.Issue(c))
		if err := head.Advance(must(new(vc.Verifier).Verify(context.Background(), raw, vc.AnyIssuer))); err != nil {
			panic(err)
		}
		raws = append(raws, raw)
	}
	born := noon.AddDate(0, 0, -14)
	enter(maker, record.Commissioning{Time: born, Model: "LX-4", Serial: "7"}, born, chain.Entry{Kind: chain.Commission})
	for end := born.AddDate(0, 0, 7); !end.After(noon); end = end.AddDate(0, 0, 7) {
		enter(monitor, record.Uptime{Availability: record.Availability{
			Start: end.AddDate(0, 0, -7), End: end, RequiredSeconds: 604_800, UpSeconds: 604_800, Method: record.Poll,
		}}, end, chain.Entry{Kind: chain.Observe, Outcome: chain.Good})
	}
	return machine, raws
}

func Example() {
	ctx := context.Background()
	folder := must(os.MkdirTemp("", "store"))
	defer os.RemoveAll(folder)
	file := must(store.Open(filepath.Join(folder, "machines.db")))
	defer file.Close()

	maker, monitor := somebody("maker"), somebody("monitor")
	policy := reputation.DefaultPolicy()
	policy.Issuers = []reputation.Issuer{{ID: monitor.ID, Reliability: reputation.Reliability{Sensitivity: 950_000, Specificity: 950_000}}}
	service := &store.Service{Store: file, Scorer: must(reputation.NewScorer(policy, nil)), Warm: 10_000}

	// Credentials come in as they are signed.
	machine, raws := drone(maker, monitor)
	for _, raw := range raws {
		m := must(service.Ingest(ctx, machine, raw))
		fmt.Println("entry", m.Head.Sequence, "score", must(service.Score(ctx, machine, noon)).Points)
	}
	// Output:
	// entry 0 score 448
	// entry 1 score 464
	// entry 2 score 473
}

func ExampleService_Scores() {
	ctx := context.Background()
	folder := must(os.MkdirTemp("", "store"))
	defer os.RemoveAll(folder)
	file := must(store.Open(filepath.Join(folder, "machines.db")))
	defer file.Close()
	service := &store.Service{Store: file, Scorer: must(reputation.NewScorer(reputation.DefaultPolicy(), nil))}
	machine, raws := drone(somebody("maker"), somebody("monitor"))
	must(service.Ingest(ctx, machine, raws...))

	// Every morning, all machines. Nothing is verified: that was done when it was taken in.
	err := service.Scores(ctx, noon.AddDate(0, 0, 1), func(id did.DID, score *reputation.Score, err error) error {
		fmt.Println(id == machine, score.AsOf, score.Points, err)
		return nil
	})
	fmt.Println(err)
	// Output:
	// true 2026-11-23 448 <nil>
	// <nil>
}

func ExampleSnapshot() {
	ctx := context.Background()
	folder := must(os.MkdirTemp("", "store"))
	defer os.RemoveAll(folder)
	from := must(store.Open(filepath.Join(folder, "old.db")))
	defer from.Close()
	to := must(store.Open(filepath.Join(folder, "new.db")))
	defer to.Close()
	fmt.Println(from.Put(ctx, &store.Machine{ID: did.MustParse("did:example:machine")}))

	var snapshot bytes.Buffer
	fmt.Println(store.Snapshot(ctx, from, &snapshot))
	fmt.Println(store.Restore(ctx, to, &snapshot))
	for m, err := range store.All(ctx, to) {
		fmt.Println(m.ID, err)
	}
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// did:example:machine <nil>
}
