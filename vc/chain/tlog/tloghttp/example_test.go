package tloghttp_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A log and its witness, each served by its operator; a machine's owner, who has the record logged;
// and a reader, who asks whether he was shown all of it.
func Example() {
	folder, err := os.MkdirTemp("", "log")
	check(err)
	defer os.RemoveAll(folder)
	_, logKey, _ := ed25519.GenerateKey(nil)
	_, witnessKey, _ := ed25519.GenerateKey(nil)
	logName, err := tlog.LogKey("log.example/machines", logKey.Public())
	check(err)

	// The witness: it cosigns this log, and no other.
	witness, err := tlog.CreateWitness(filepath.Join(folder, "witness"), tlog.WitnessConfig{
		Name: "w1.example", Key: witnessKey, Logs: []tlog.Watched{{Log: logName}},
	})
	check(err)
	defer witness.Close()
	witnessServer := httptest.NewTLSServer(&tloghttp.WitnessHandler{Witness: witness})
	defer witnessServer.Close()
	trust := tlog.Trust{Log: logName, Witnesses: []string{witness.Key()}}

	// Without Allow and Roots a Client reaches public servers only; this is a test on one machine.
	client := &resolver.Client{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: x509.NewCertPool()}
	client.Roots.AddCert(witnessServer.Certificate())
	defer client.CloseIdle()

	// The log: it takes in what the maker issues.
	_, makerKey, _ := ed25519.GenerateKey(nil)
	maker, err := did.NewKey(makerKey.Public())
	check(err)
	log, err := tlog.Create(filepath.Join(folder, "log"), tlog.Config{Origin: "log.example/machines", Key: logKey, Witnesses: trust.Witnesses})
	check(err)
	defer log.Close()
	handler := &tloghttp.Handler{
		Log: log, Accept: vc.IssuedBy(maker),
		Cosigners: []tlog.Cosigner{&resolver.Witness{URL: witnessServer.URL, Client: client}},
	}
	logServer := httptest.NewTLSServer(http.StripPrefix("/machines", handler))
	defer logServer.Close()
	client.Roots.AddCert(logServer.Certificate())
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- handler.Run(running, tloghttp.Schedule{Every: 10 * time.Millisecond}) }()

	// The owner: a record of two entries, and its salt.
	machine := did.MustParse("did:web:machine.example")
	var head chain.Head
	var entries []*vc.Verified
	var raw [][]byte
	add := func(claim vc.Claim, e chain.Entry) {
		c := &vc.Credential{Subject: machine, ValidFrom: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), Claim: claim}
		check(head.Append(c, e))
		text, err := (&vc.Issuer{ID: maker, Key: makerKey}).Issue(c)
		check(err)
		v, err := new(vc.Verifier).Verify(context.Background(), text, vc.AnyIssuer)
		check(err)
		check(head.Advance(v))
		entries, raw = append(entries, v), append(raw, text)
	}
	add(record.Commissioning{Model: "Lynx 4", Serial: "LX4-1"}, chain.Entry{Kind: chain.Commission})
	add(record.Maintenance{Time: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), Work: record.Work{Category: record.Corrective}},
		chain.Entry{Kind: chain.Observe, Outcome: chain.Breach})
	salt := tlog.NewSalt()
	remote := &resolver.Log{URL: logServer.URL + "/machines", Client: client}
	receipts, err := remote.Add(context.Background(), salt[:], raw...)
	check(err)
	fmt.Println(len(receipts), "entries logged")

	// The reader is shown all of it, or all but the end.
	reader := &tlog.Reader{Source: remote, Trust: trust}
	view, err := reader.Read(context.Background(), tlog.Record{Chain: head.Chain, Salt: salt})
	check(err)
	for _, shown := range [][]*vc.Verified{entries, entries[:1]} {
		history, err := chain.New(machine, shown...)
		check(err)
		history, err = history.Seen(view)
		if gap, ok := errors.AsType[*chain.GapError](err); ok {
			fmt.Println("withheld:", gap.Missing())
			continue
		}
		check(err)
		fmt.Println(history.Class())
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// 2 entries logged
	// C4
	// withheld: 1
	// context canceled
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
