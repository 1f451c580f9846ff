package tloghttp_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
	"github.com/hourmeter/hourmeter/vc/record"
)

// quiet is where test servers complain of what tests do to them.
var quiet = log.New(io.Discard, "", 0)

// keyOf is the key of a party of these tests.
func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func issuerOf(t testing.TB, name string) *vc.Issuer {
	id, err := did.NewKey(keyOf(name).Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: keyOf(name)}
}

// A machine is a machine with a record and its salt.
type machine struct {
	t       testing.TB
	id      did.DID
	salt    tlog.Salt
	head    chain.Head
	entries []*vc.Verified
}

func newMachine(t testing.TB, name string, n int) *machine {
	m := &machine{t: t, id: issuerOf(t, name).ID, salt: tlog.NewSalt()}
	m.append("maker", record.Commissioning{Time: m.day(), Model: "Lynx 4", Serial: name}, chain.Entry{Kind: chain.Commission})
	for range n - 1 {
		m.service()
	}
	return m
}

func (m *machine) day() time.Time {
	return time.Date(2026, 1, 1+len(m.entries), 0, 0, 0, 0, time.UTC)
}

// service adds an entry to the record, and returns it.
func (m *machine) service() *vc.Verified {
	return m.append("workshop", record.Maintenance{Time: m.day(), Work: record.Work{Category: record.Preventive, Activity: "grease the rotor"}}, chain.Entry{Kind: chain.Observe, Outcome: chain.Good})
}

func (m *machine) append(issuer string, claim vc.Claim, e chain.Entry) *vc.Verified {
	c := &vc.Credential{Subject: m.id, ValidFrom: m.day(), Claim: claim}
	require.NoError(m.t, m.head.Append(c, e))
	raw, err := issuerOf(m.t, issuer).Issue(c)
	require.NoError(m.t, err)
	v, err := new(vc.Verifier).Verify(context.Background(), raw, vc.AnyIssuer)
	require.NoError(m.t, err)
	require.NoError(m.t, m.head.Advance(v))
	m.entries = append(m.entries, v)
	return v
}

func (m *machine) raw(from, to int) (list [][]byte) {
	for _, v := range m.entries[from:to] {
		list = append(list, []byte(v.Raw()))
	}
	return list
}

func (m *machine) record() tlog.Record { return tlog.Record{Chain: m.head.Chain, Salt: m.salt} }

func (m *machine) history(n int) *chain.History {
	h, err := chain.New(m.id, m.entries[:n]...)
	require.NoError(m.t, err)
	return h
}

// An internet is servers on loopback, each with a name below example.com, TLS, and a way to be cut
// off.
type internet struct {
	t     testing.TB
	names map[string]string // host name to port
	roots *x509.CertPool
	pem   []byte
}

func newInternet(t testing.TB) *internet {
	return &internet{t: t, names: map[string]string{}, roots: x509.NewCertPool()}
}

// serve runs a server, and returns its URL.
func (n *internet) serve(name string, h http.Handler) string {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	n.t.Cleanup(srv.Close)
	n.roots.AddCert(srv.Certificate())
	n.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(n.t, err)
	return "https://" + name + ".example.com:" + port
}

// client returns a client for these servers.
func (n *internet) client() *resolver.Client {
	c := &resolver.Client{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Roots: n.roots, Timeout: 5 * time.Second,
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	}
	n.t.Cleanup(c.CloseIdle)
	return c
}

// A world is a log with witnesses, all over HTTPS.
type world struct {
	*internet
	log       *tlog.Log
	handler   *tloghttp.Handler
	url       string
	trust     tlog.Trust
	witnesses []*tlog.Witness
	cosigners []tlog.Cosigner
}

const origin = "log.example.com/machines"

// newWorld starts a log with n witnesses of which a checkpoint needs quorum.
func newWorld(t testing.TB, n, quorum int) *world {
	w := &world{internet: newInternet(t)}
	logKey, err := tlog.LogKey(origin, keyOf("log").Public())
	require.NoError(t, err)
	w.trust = tlog.Trust{Log: logKey, Quorum: quorum}
	for i := range n {
		name := []string{"w1", "w2", "w3"}[i]
		witness, err := tlog.CreateWitness(filepath.Join(t.TempDir(), "witness"), tlog.WitnessConfig{
			Name: name + ".example.com", Key: keyOf(name), Logs: []tlog.Watched{{Log: logKey}},
		})
		require.NoError(t, err)
		t.Cleanup(func() { witness.Close() })
		url := w.serve(name, &tloghttp.WitnessHandler{Witness: witness})
		w.trust.Witnesses = append(w.trust.Witnesses, witness.Key())
		w.witnesses = append(w.witnesses, witness)
		w.cosigners = append(w.cosigners, &resolver.Witness{URL: url, Client: w.client()})
	}
	w.log = w.newLog(quorum)
	w.handler = &tloghttp.Handler{Log: w.log, Accept: vc.IssuedBy(issuerOf(t, "maker").ID, issuerOf(t, "workshop").ID), Cosigners: w.cosigners}
	w.url = w.serve("log", http.StripPrefix("/machines", w.handler)) + "/machines"
	return w
}

func (w *world) newLog(quorum int) *tlog.Log {
	l, err := tlog.Create(filepath.Join(w.t.TempDir(), "log"), tlog.Config{Origin: origin, Key: keyOf("log"), Witnesses: w.trust.Witnesses, Quorum: quorum})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { l.Close() })
	return l
}

// run publishes quickly until the test ends.
func (w *world) run() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.handler.Run(ctx, tloghttp.Schedule{Every: 5 * time.Millisecond}) }()
	w.t.Cleanup(func() {
		stop()
		require.ErrorIs(w.t, <-ended, context.Canceled)
	})
}

func (w *world) remote() *resolver.Log { return &resolver.Log{URL: w.url, Client: w.client()} }

func (w *world) reader() *tlog.Reader { return &tlog.Reader{Source: w.remote(), Trust: w.trust} }
