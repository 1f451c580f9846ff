package examples_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/keyhistory"
	"github.com/hourmeter/hourmeter/vc/linkage"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A web serves files by host and path over TLS, on loopback: the hosts that a machine's log lives on.
type web struct {
	mu     sync.Mutex
	files  map[string][]byte // by URL
	server *httptest.Server
}

func newWeb(t *testing.T) *web {
	w := &web{files: map[string][]byte{}}
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		file, ok := w.files["https://"+r.Host+r.URL.Path]
		if !ok {
			http.NotFound(out, r)
			return
		}
		out.Header().Set("Content-Type", "text/jsonl")
		out.Write(file)
	}))
	t.Cleanup(w.server.Close)
	return w
}

// at returns the location of a DID at a host of the web.
func (w *web) at(host, path string) string {
	_, port, _ := strings.Cut(w.server.Listener.Addr().String(), ":")
	return host + "%3A" + port + ":" + path
}

// publish puts a log, and the proofs of its witnesses, where its DID says.
func (w *web) publish(t *testing.T, id did.DID, log *webvh.Log) {
	t.Helper()
	require.NoError(t, log.Err())
	for file, text := range map[string][]byte{must(webvh.LogURL(id)): log.Raw(), must(webvh.WitnessURL(id)): log.RawWitness()} {
		w.mu.Lock()
		w.files[file] = text
		w.mu.Unlock()
	}
}

// reader returns a resolver of somebody who has never asked before.
func (w *web) reader(t *testing.T) did.Resolver {
	roots := x509.NewCertPool()
	roots.AddCert(w.server.Certificate()) // good for *.example.com
	client := &resolver.Client{
		Roots: roots, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	}
	t.Cleanup(client.CloseIdle)
	return resolver.All(client, nil)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// key returns a key that is always the same. Real ones come from package keystore.
func key(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", ed25519.SeedSize))[:ed25519.SeedSize]))
}

func month(year int, m time.Month) time.Time { return time.Date(year, m, 1, 12, 0, 0, 0, time.UTC) }

// signs returns who signs as id at that time, with the key by this name; in a did:webvh its method has that name, too.
func signs(id did.DID, name string, at time.Time) *vc.Issuer {
	i := &vc.Issuer{ID: id, Key: key(name), Now: func() time.Time { return at }}
	if id.Method() == "webvh" {
		i.Method = id.URL(name)
	}
	return i
}

// A machine's life: a did:key from the factory, a did:webvh in operation, three changes of its key, the last
// since one was stolen, a sale to another host, the end. Years later, who has never heard of it before reads
// what is published, and each credential that was signed on the way counts as it should, or does not.
func TestLife(t *testing.T) {
	w := newWeb(t)
	born, maker, fleet, yard, shop := must(did.NewKey(key("machine").Public())), must(did.NewKey(key("maker").Public())),
		must(did.NewKey(key("fleet").Public())), must(did.NewKey(key("yard").Public())), must(did.NewKey(key("shop").Public()))

	// A transparency log, whose witness has a clock.
	var now time.Time
	clock := func() time.Time { return now }
	logKey := must(tlog.LogKey("log.example/machines", key("log").Public()))
	witness := must(tlog.CreateWitness(filepath.Join(t.TempDir(), "witness"), tlog.WitnessConfig{
		Name: "witness.example/w1", Key: key("witness"), Logs: []tlog.Watched{{Log: logKey}}, Now: clock,
	}))
	defer witness.Close()
	log := must(tlog.Create(filepath.Join(t.TempDir(), "log"), tlog.Config{Origin: "log.example/machines", Key: key("log"), Witnesses: []string{witness.Key()}}))
	defer log.Close()

	// The record, entry by entry. Each is linked, signed, verified by the identifiers as they are then, and logged.
	var (
		identity *webvh.Log
		head     chain.Head
		salt     = tlog.Salt{7}
		raws     = map[string][]byte{} // every credential of this life, by what it is
		order    []string              // those in the record
	)
	as := func() did.Resolver {
		return resolver.Methods{"key": did.Offline{}, "webvh": identity}
	}
	sign := func(name string, c *vc.Credential, signers ...*vc.Issuer) {
		t.Helper()
		raw := must(signers[0].Issue(c))
		for _, s := range signers[1:] {
			raw = must(s.AddProof(raw))
		}
		raws[name] = raw
	}
	enter := func(name string, at time.Time, e chain.Entry, about did.DID, claim vc.Claim, signers ...*vc.Issuer) {
		t.Helper()
		now = at
		c := &vc.Credential{Subject: about, Claim: claim, ValidFrom: at}
		require.NoError(t, head.Append(c, e))
		sign(name, c, signers...)
		verifier := &vc.Verifier{Resolver: as(), Now: clock}
		v, err := verifier.Verify(t.Context(), raws[name], vc.AnyIssuer)
		require.NoError(t, err, name)
		previous := head.Digest
		require.NoError(t, head.Advance(v))
		_, err = log.Append(t.Context(), tlog.Entry{Key: salt.Key(head.Chain), Sequence: head.Sequence, Digest: v.Digest()}, previous)
		require.NoError(t, err)
		published, err := log.Publish(t.Context(), witness)
		require.NoError(t, err)
		require.True(t, published.Published)
		order = append(order, name)
	}
	uptime := func(at time.Time) vc.Claim {
		return record.Uptime{Availability: record.Availability{Start: at.AddDate(0, 0, -10), End: at, RequiredSeconds: 864_000, UpSeconds: 864_000, Method: record.SelfReport}}
	}
	good := chain.Entry{Kind: chain.Observe, Outcome: chain.Good}

	// 2012: the factory, and the first owner.
	enter("commission", month(2012, 1), chain.Entry{Kind: chain.Commission}, born,
		record.Commissioning{Time: month(2012, 1), Model: "Crane 7", Serial: "0007"}, signs(maker, "maker", month(2012, 1)))
	sell := func(from, to did.DID, at time.Time) vc.Claim {
		return record.OwnershipTransfer{Time: at, OwningParty: record.OwningParty{Source: from, Destination: to}}
	}
	enter("to the fleet", month(2012, 2), chain.Entry{Kind: chain.Transfer}, born, sell(maker, fleet, month(2012, 2)),
		signs(maker, "maker", month(2012, 2)), signs(fleet, "fleet", month(2012, 2)))

	// It gets a name whose keys can change. The keys that may change it are the fleet's, each pledged before it
	// comes into use, and a witness sees every change.
	document := func(id did.DID, methods ...did.VerificationMethod) *did.Document {
		doc := &did.Document{Context: []string{"https://www.w3.org/ns/did/v1"}, ID: id, AlsoKnownAs: []string{born.String()}, VerificationMethod: methods}
		for _, m := range methods {
			if m.Revoked.IsZero() {
				doc.AssertionMethod = append(doc.AssertionMethod, did.MethodRef{ID: m.ID})
			}
		}
		return doc
	}
	method := func(id did.DID, name string) did.VerificationMethod {
		return must(did.NewVerificationMethod(id.URL(name), did.Multikey, id, key(name).Public()))
	}
	publish := func(log *webvh.Log, err error) {
		t.Helper()
		require.NoError(t, err)
		for waiting := range log.Pending() {
			log, err = log.Witness(key("notary"), waiting.Time)
			require.NoError(t, err)
		}
		identity = log
		w.publish(t, identity.ID(), identity)
	}
	pledge := func(name string) []string { return []string{must(webvh.KeyHash(key(name).Public()))} }
	draft := must(webvh.Draft(w.at("fleet.example.com", "machines:{SCID}")))
	publish(webvh.Create(webvh.Change{
		Key: key("update 1"), Time: month(2012, 3), Document: document(draft, method(draft, "k1")), NextKeyHashes: pledge("update 2"), Portable: new(true),
		Witness: &webvh.Witness{Threshold: 1, Witnesses: []did.DID{must(did.NewKey(key("notary").Public()))}},
	}))
	field := identity.ID()
	named := func(method did.URL, at time.Time) vc.Claim {
		return record.Commissioning{Time: at, Model: "Crane 7", Serial: "0007", KeyBinding: &record.KeyBinding{VerificationMethod: method, Protection: record.TPM2}}
	}
	enter("its name in the field", month(2012, 4), chain.Entry{Kind: chain.Rotate}, born, named(field.URL("k1"), month(2012, 4)),
		signs(fleet, "fleet", month(2012, 4)), signs(field, "k1", month(2012, 4)), signs(born, "machine", month(2012, 4)))
	enter("by k1", month(2012, 6), good, field, uptime(month(2012, 6)), signs(field, "k1", month(2012, 6)))

	// 2013 and 2014: new keys, in the ordinary course.
	publish(identity.Update(webvh.Change{Key: key("update 2"), Time: month(2013, 1), Document: document(field, method(field, "k2")), NextKeyHashes: pledge("update 3")}))
	enter("by k2", month(2013, 6), good, field, uptime(month(2013, 6)), signs(field, "k2", month(2013, 6)))
	sign("by k1, which was given up", &vc.Credential{Subject: field, Claim: uptime(month(2013, 6)), ValidFrom: month(2013, 6)}, signs(field, "k1", month(2013, 6)))
	publish(identity.Update(webvh.Change{Key: key("update 3"), Time: month(2014, 1), Document: document(field, method(field, "k3")), NextKeyHashes: pledge("update 4")}))
	enter("by k3", month(2014, 6), good, field, uptime(month(2014, 6)), signs(field, "k3", month(2014, 6)))

	// 2015: it is sold, and goes to the buyer's host. The old one keeps the log as it was on that day.
	enter("to the yard", month(2015, 1), chain.Entry{Kind: chain.Transfer}, field, sell(fleet, yard, month(2015, 1)),
		signs(fleet, "fleet", month(2015, 1)), signs(yard, "yard", month(2015, 1)))
	before := identity
	publish(identity.Move(webvh.Change{Key: key("update 4"), Time: month(2015, 2), NextKeyHashes: pledge("update 5")}, w.at("yard.example.com", "cranes:7")))
	crane := identity.ID()
	w.publish(t, field, identity)
	enter("its name in the yard", month(2015, 3), chain.Entry{Kind: chain.Rotate}, field, named(crane.URL("k3"), month(2015, 3)),
		signs(yard, "yard", month(2015, 3)), signs(crane, "k3", month(2015, 3)))
	enter("by k3, in the yard", month(2015, 6), good, crane, uptime(month(2015, 6)), signs(crane, "k3", month(2015, 6)))
	sign("by the old name", &vc.Credential{Subject: field, Claim: uptime(month(2015, 6)), ValidFrom: month(2015, 6)}, signs(field, "k3", month(2015, 6)))

	// 2016: k3 was stolen in January. The thief signs as of then, as of before, and, when it is out in March, once more.
	theft := month(2016, 1)
	enter("by the thief", month(2016, 2), good, crane, uptime(month(2016, 2)), signs(crane, "k3", month(2016, 2)))
	sign("by the thief, dated back", &vc.Credential{Subject: crane, Claim: uptime(month(2015, 8)), ValidFrom: month(2015, 8)}, signs(crane, "k3", month(2015, 8)))
	stolen := method(crane, "k3")
	stolen.Revoked = theft
	publish(identity.Update(webvh.Change{Key: key("update 5"), Time: month(2016, 3), Document: document(crane, stolen, method(crane, "k4")), NextKeyHashes: pledge("update 6")}))
	sign("by the thief, too late", &vc.Credential{Subject: crane, Claim: uptime(month(2016, 4)), ValidFrom: month(2016, 4)}, signs(crane, "k3", month(2016, 4)))
	enter("by k4", month(2018, 6), good, crane, uptime(month(2018, 6)), signs(crane, "k4", month(2018, 6)))
	running := identity
	enter("by the shop", month(2019, 6), good, crane, uptime(month(2019, 6)), signs(shop, "shop", month(2019, 6)))

	// 2020: the end.
	enter("retired", month(2020, 1), chain.Entry{Kind: chain.Retire}, crane, record.Decommissioning{Time: month(2020, 1), Disposition: record.DispDestroyed},
		signs(yard, "yard", month(2020, 1)), signs(crane, "k4", month(2020, 1)))
	publish(identity.Deactivate(webvh.Change{Key: key("update 6"), Time: month(2020, 2)}))
	sign("by k4, of a machine that is no more", &vc.Credential{Subject: crane, Claim: uptime(month(2021, 1)), ValidFrom: month(2021, 1)}, signs(crane, "k4", month(2021, 1)))
	sign("by the maker, of whom nothing has changed", &vc.Credential{Subject: born, Claim: uptime(month(2021, 1)), ValidFrom: month(2021, 1)}, signs(maker, "maker", month(2021, 1)))

	// 2025: somebody reads it all.
	now = month(2025, 1)
	verifier := &vc.Verifier{Resolver: w.reader(t), Now: clock}
	_, err := verifier.Resolver.Resolve(t.Context(), crane, did.Version{}) // the first host was left behind at the sale
	require.ErrorIs(t, err, did.ErrDeactivated)
	verified := map[string]*vc.Verified{}
	for name, want := range map[string]struct {
		refused error            // by vc.Verifier
		state   keyhistory.State // of the key of the first proof, by now
		signed  bool             // keyhistory.WhenSigned takes it
	}{
		"commission":                          {state: keyhistory.Current, signed: true},
		"to the fleet":                        {state: keyhistory.Current, signed: true},
		"its name in the field":               {state: keyhistory.Current, signed: true},
		"by k1":                               {state: keyhistory.Deactivated, signed: true},
		"by k1, which was given up":           {refused: did.ErrNotFound},
		"by k2":                               {state: keyhistory.Deactivated, signed: true},
		"by k3":                               {state: keyhistory.Revoked},
		"to the yard":                         {state: keyhistory.Current, signed: true},
		"its name in the yard":                {state: keyhistory.Current},
		"by k3, in the yard":                  {state: keyhistory.Revoked},
		"by the old name":                     {refused: did.ErrInvalidDocument},
		"by the thief":                        {state: keyhistory.Revoked},
		"by the thief, dated back":            {state: keyhistory.Revoked},
		"by the thief, too late":              {refused: did.ErrKeyNotAuthorized},
		"by k4":                               {state: keyhistory.Deactivated, signed: true},
		"by the shop":                         {state: keyhistory.Current, signed: true},
		"retired":                             {state: keyhistory.Current, signed: true},
		"by k4, of a machine that is no more": {refused: did.ErrDeactivated},
		"by the maker, of whom nothing has changed": {state: keyhistory.Current, signed: true},
	} {
		v, err := verifier.Verify(t.Context(), raws[name], vc.AnyIssuer)
		if want.refused != nil {
			require.ErrorIs(t, err, vc.ErrProof, name)
			require.ErrorIs(t, err, want.refused, name)
			continue
		}
		require.NoError(t, err, name)
		verified[name] = v
		uses, err := keyhistory.Of(t.Context(), verifier, v)
		require.NoError(t, err, name)
		require.True(t, uses[0].Known, name)
		require.Equal(t, want.state, uses[0].Now, name)
		err = keyhistory.Check(v, uses, keyhistory.WhenSigned)
		require.Equal(t, want.signed, err == nil, "%s: %v", name, err)
	}
	require.Len(t, verified, len(raws)-4)

	// The record is whole, and known by three names. What the thief signed in it is void; what k3 signed
	// before the theft stands, since the log held it by then.
	var entries []*vc.Verified
	for _, name := range order {
		entries = append(entries, verified[name])
	}
	h, err := chain.New(born, entries...)
	require.NoError(t, err)
	reader := &tlog.Reader{Source: log, Trust: tlog.Trust{Log: log.Key(), Witnesses: []string{witness.Key()}, Now: clock}}
	view, err := reader.Read(t.Context(), tlog.Record{Chain: h.Head().Chain, Salt: salt})
	require.NoError(t, err)
	h, err = h.Seen(view)
	require.NoError(t, err)
	compromised, err := keyhistory.Compromised(t.Context(), verifier, h)
	require.NoError(t, err)
	h, err = h.Told(compromised...)
	require.NoError(t, err)
	require.Equal(t, []did.DID{born, field, crane}, h.Names())
	require.True(t, h.Head().Retired)
	for i, it := range h.Entries() {
		require.Equal(t, order[i] == "by the thief", it.Void != nil, order[i])
	}

	// While it lived, its names were each other's: by the method, and by what the did:key signed.
	bond, err := linkage.Same(t.Context(), resolver.Methods{"key": did.Offline{}, "webvh": before}, born, field, verified["its name in the field"])
	require.NoError(t, err)
	require.Equal(t, linkage.Mutual, bond)

	// And whoever has seen the end is not told by a host that the machine still runs.
	res, err := verifier.Resolver.Resolve(t.Context(), crane, did.Version{Number: 5})
	require.NoError(t, err)
	require.True(t, res.Deactivated)
	w.publish(t, crane, running)
	_, err = verifier.Resolver.Resolve(resolver.NoCache(t.Context()), crane, did.Version{})
	fork, ok := errors.AsType[*webvh.ForkError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, running.Len()+1, fork.Number)
	require.True(t, did.IsAnswer(err))
}
