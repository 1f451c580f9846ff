package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A web is a server for hosts below example.com, which has what is in the folders of a bench, and the
// flags to reach it.
type web struct {
	network []string
	port    string
	folders map[string]string // by path
	down    atomic.Bool
	hits    atomic.Int64
}

func newWeb(t *testing.T, b *bench, folders map[string]string) *web {
	w := &web{folders: folders}
	server := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.hits.Add(1)
		text, err := os.ReadFile(filepath.Join(b.dir, w.folders[filepath.Dir(r.URL.Path)], filepath.Base(r.URL.Path)))
		switch {
		case w.down.Load():
			rw.WriteHeader(http.StatusServiceUnavailable)
		case err != nil:
			http.NotFound(rw, r)
		default:
			rw.Header().Set("Content-Type", map[string]string{".jsonl": "text/jsonl", ".json": "application/json"}[filepath.Ext(r.URL.Path)])
			rw.Write(text)
		}
	}))
	t.Cleanup(server.Close)
	w.port = server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	b.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	w.network = []string{"--ca", "ca.pem", "--allow-address", "127.0.0.1", "--dns", "fleet.example.com=127.0.0.1", "--dns", "buyer.example.com=127.0.0.1"}
	return w
}

// with returns a command line that may reach the web.
func (w *web) with(args ...string) []string { return append(append(args, "--online"), w.network...) }

// Credentials of issuers on the web are judged by the keys that they had: those of a did:webvh as of
// when they signed, those of a did:web by its present document, and only for who says so.
func TestOnlineIssuers(t *testing.T) {
	d := newDepot(t)
	w := newWeb(t, d.bench, map[string]string{"/shop": "shop"})
	shop := d.written("did", "create", "--method", "webvh", "--host", "fleet.example.com:"+w.port, "--path", "shop", "--key", "machine", "--update-key", "owner", "--portable", "--web", "--out", "shop").DID.String()
	id := strings.TrimSpace(d.ok("did", "create", "--key", "buyer"))
	d.write("service.json", service)
	issue := func(name, as, key, method string) {
		d.ok("issue", "service.json", "--type", "MaintenanceCredential", "--subject", id, "--key", key, "--as", as, "--method", as+method, "-o", name, "--force")
	}
	issue("before.json", shop, "machine", "#key-1")
	webID := "did:web:fleet.example.com%3A" + w.port + ":shop"
	issue("web.json", webID, "machine", "#key-1")
	d.write("old.json", monthOld(t, d, webID, id))

	r := d.run("", "verify", "before.json")
	require.Equal(t, exitUnchecked, r.code)
	require.Contains(t, r.stdout, "pass --online")
	require.Contains(t, d.ok("verify", "before.json", "--did-log", "shop"), "valid: 1 valid")
	require.Contains(t, d.ok(w.with("verify", "before.json")...), "valid: 1 valid")
	require.Contains(t, d.ok(w.with("verify", "before.json", "--issuer", shop)...), "valid: 1 valid")
	require.Contains(t, d.ok(w.with("verify", "web.json")...), "valid: 1 valid", "it is of this minute")
	r = d.run("", w.with("verify", "old.json")...)
	require.Equal(t, exitUnchecked, r.code, r.stdout)
	require.Contains(t, r.stdout, "did:web keeps only the present document")
	require.Contains(t, d.ok(w.with("verify", "old.json", "--current-keys")...), "valid: 1 valid")
	require.Contains(t, d.ok(w.with("did", "resolve", webID)...), webID)
	require.Contains(t, d.ok(w.with("did", "log", shop)...), "valid: 1 version")
	require.Contains(t, d.ok(w.with("did", "key", shop+"#key-1")...), "Ed25519")

	// A status list, too.
	d.ok("status", "create", "list.json", "--url", "https://fleet.example.com/list.json", "--key", "machine", "--as", shop, "--method", shop+"#key-1")
	require.Equal(t, exitUnchecked, d.run("", "status", "show", "list.json").code)
	require.Contains(t, d.ok(w.with("status", "show", "list.json")...), shop)
	d.ok("status", "take", "list.json", "--did-log", "shop")

	// A record by an issuer on the web: an entry is added if it can be checked.
	add := []string{"issue", "birth.json", "--type", "CommissioningCredential", "--key", "machine", "--as", shop, "--method", shop + "#key-1",
		"--subject", id, "--chain", "drone.jsonl", "--entry", "commission"}
	d.write("birth.json", birth)
	r = d.run("", add...)
	require.Equal(t, exitUnchecked, r.code)
	require.Contains(t, r.stderr, "nothing was added")
	d.ok(w.with(add...)...)
	require.Contains(t, d.ok(w.with("verify", "drone.jsonl")...), "1 shown, 0 missing")
	require.Contains(t, d.ok(w.with("chain", "show", "drone.jsonl")...), "valid")
	require.NotEqual(t, exitOK, d.run("", "score", "drone.jsonl").code)
	d.ok(w.with("score", "drone.jsonl", "--trust", shop)...)

	// The key is rotated: what it signed before is good, and nothing that it signs now.
	d.written("did", "rotate", "shop", "--key", "machine-2")
	require.Contains(t, d.ok(w.with("verify", "before.json")...), "#key-1: good when it signed, rotated since 20")
	require.Equal(t, exitRefused, d.run("", w.with("verify", "before.json", "--key-state", "current")...).code)
	require.Equal(t, exitError, d.run("", w.with("verify", "before.json", "--key-state", "good")...).code)
	r = d.run("", w.with("verify", "old.json", "--current-keys")...)
	require.Equal(t, exitInvalid, r.code, "a did:web has forgotten")
	issue("stolen.json", shop, "machine", "#key-1")
	r = d.run("", w.with("verify", "stolen.json")...)
	require.Equal(t, exitInvalid, r.code, r.stdout)
	issue("after.json", shop, "machine-2", "#key-2")
	require.Contains(t, d.ok(w.with("verify", "after.json")...), "valid: 1 valid")

	// The new one is stolen, a while after.
	since := time.Now().UTC().Format(time.RFC3339)
	time.Sleep(1100 * time.Millisecond)
	d.written("did", "revoke", "shop", "#key-2", "--compromised-since", since, "--key", "machine")
	out := decode[Verification](t, d.run("", w.with("verify", "after.json", "--json")...))
	require.Equal(t, Refused, out.Verdict)
	require.Equal(t, "revoked", out.Credentials[0].Keys[0].Now)
	require.True(t, out.Credentials[0].Keys[0].Known)
	require.Contains(t, out.Problems[0].Message, "is revoked since "+since)
	d.ok(w.with("verify", "after.json", "--key-state", "any")...)
	issue("after.json", shop, "machine", "#key-3")

	// What was looked up is remembered, and the log is never rolled back.
	cached := func(args ...string) []string { return w.with(append(args, "--cache", "cache")...) }
	d.ok(cached("verify", "after.json")...)
	w.down.Store(true)
	hits := w.hits.Load()
	require.Contains(t, d.ok(cached("verify", "after.json")...), "valid: 1 valid")
	require.Equal(t, hits, w.hits.Load())
	r = d.run("", cached("did", "resolve", shop, "--no-cache")...)
	require.Equal(t, exitUnchecked, r.code)
	require.Contains(t, r.stderr, "503")
	w.down.Store(false)
	log := d.lines("shop/did.jsonl")
	d.write("shop/did.jsonl", log[0])
	r = d.run("", cached("did", "resolve", shop, "--no-cache")...)
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stderr, "rolled back")

	// Nor does it help a thief who dates back that the host breaks the line by which his key was revoked.
	d.write("shop/did.jsonl", log[0]+log[1]+"{}\n")
	r = d.run("", w.with("verify", "before.json")...)
	require.Equal(t, exitUnchecked, r.code, r.stdout)
	require.Contains(t, r.stdout+r.stderr, "entry 3")
	d.ok(w.with("verify", "before.json", "--key-state", "any")...)
	d.write("shop/did.jsonl", strings.Join(log, ""))

	// A server has somebody else's document.
	d.write("shop/did.json", strings.ReplaceAll(d.read("shop/did.json"), webID, "did:web:other.example.com"))
	r = d.run("", w.with("did", "resolve", webID, "--metadata")...)
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, decode[Resolved](t, r).Resolution.Error.Type, "INVALID_DID_DOCUMENT")
}

// If nobody answers, what is remembered is given for as long as is asked for, and said to be old.
func TestStaleDocuments(t *testing.T) {
	d := newDepot(t)
	w := newWeb(t, d.bench, map[string]string{"/shop": "shop"})
	shop := d.written("did", "create", "--method", "webvh", "--host", "fleet.example.com:"+w.port, "--path", "shop", "--key", "machine", "--update-key", "owner",
		"--ttl", "1s", "--out", "shop").DID.String()
	resolve := func(args ...string) ran {
		return d.run("", w.with(append([]string{"did", "resolve", shop, "--cache", "cache"}, args...)...)...)
	}
	require.Equal(t, exitOK, resolve().code)
	w.down.Store(true)
	time.Sleep(1100 * time.Millisecond)
	r := resolve()
	require.Equal(t, exitUnchecked, r.code, "it is too old")
	require.Contains(t, r.stderr, "503")
	r = resolve("--stale", "1h", "--metadata")
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Contains(t, r.stderr, "nobody answers: this is the document as of 20")
	require.True(t, decode[Resolved](t, r).Resolution.Stale)
	require.Equal(t, exitUnchecked, resolve("--stale", "1h", "--no-cache").code)
	info, err := os.Stat(filepath.Join(d.dir, "cache"))
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
}

// Of methods that are not known here, another resolver is asked, whose word is taken for its own
// methods and for no other.
func TestUniversalResolver(t *testing.T) {
	b := newBench(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := filepath.Base(r.URL.Path)
		w.Header().Set("Content-Type", "application/did-resolution")
		if id == "did:example:nobody" {
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"didDocument": null, "didResolutionMetadata": {"error": {"type": "https://www.w3.org/ns/did#NOT_FOUND"}}, "didDocumentMetadata": {}}`))
			return
		}
		w.Write([]byte(`{"didDocument": {"id": "` + id + `"}, "didResolutionMetadata": {}, "didDocumentMetadata": {"created": "2026-01-05T00:00:00Z"}}`))
	}))
	t.Cleanup(server.Close)
	b.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"did:example:machine-7 --online", exitOK, `"id": "did:example:machine-7"`},
		{"did:example:machine-7 --online --metadata", exitOK, `"created": "2026-01-05T00:00:00Z"`},
		{"did:example:nobody --online", exitInvalid, "not found"},
		{"did:example:machine-7", exitError, "pass --online as well"},
		{"did:peer:5abc --online", exitInvalid, "did:"},
		{"did:x509:0:sha256:e8BfEbB60LboIwRqE5cx4WCqkFUnxrx7u8EMKKX9jaM::subject:CN:a --online", exitUnchecked, "certificate chain"},
	} {
		r := b.run("", append(strings.Fields("did resolve "+tt.args), "--resolver", server.URL+"/1.0/identifiers/", "--ca", "ca.pem", "--allow-address", "127.0.0.1")...)
		require.Equal(t, tt.code, r.code, "%s: %s", tt.args, r.stderr)
		require.Contains(t, r.stdout+r.stderr, tt.says, tt.args)
	}
	r := b.run("", "did", "resolve", "did:example:machine-7", "--online", "--resolver", server.URL, "--ca", "ca.pem")
	require.Equal(t, exitUnchecked, r.code, "an address that is not public, and was not allowed")
	require.Contains(t, r.stderr, "not public")
}

// monthOld is a credential that the machine's key signed a month ago for an issuer.
func monthOld(t *testing.T, d *depot, as, subject string) string {
	keys := &keystore.Dir{Path: filepath.Join(d.dir, "keys"), Passphrase: supply([]byte("secret"))}
	key, err := keys.Open(t.Context(), "machine")
	require.NoError(t, err)
	id := did.MustParse(as)
	issuer := &vc.Issuer{ID: id, Key: key, Method: id.URL("key-1"), Now: func() time.Time { return time.Now().AddDate(0, -1, 0) }}
	raw, err := issuer.Issue(&vc.Credential{Subject: did.MustParse(subject), Claim: record.Decommissioning{Time: time.Now().AddDate(0, -2, 0).UTC().Truncate(time.Second)}})
	require.NoError(t, err)
	return string(raw)
}

// A bundle has the logs of did:webvh, and they count by their own signatures: what is in them, up to
// when they were fetched.
func TestBundleHasDIDLogs(t *testing.T) {
	d := newDepot(t)
	w := newWeb(t, d.bench, map[string]string{"/shop": "shop"})
	shop := d.written("did", "create", "--method", "webvh", "--host", "fleet.example.com:"+w.port, "--path", "shop", "--key", "machine", "--update-key", "owner", "--out", "shop").DID.String()
	id := strings.TrimSpace(d.ok("did", "create", "--key", "buyer"))
	d.write("service.json", service)
	d.ok("issue", "service.json", "--type", "MaintenanceCredential", "--subject", id, "--key", "machine", "--as", shop, "--method", shop+"#key-1", "-o", "one.json")
	d.written("did", "rotate", "shop", "--key", "machine-2")
	d.ok(w.with("bundle", "one.json", "-o", "evidence.json")...)
	d.ok("bundle", "one.json", "--did-log", "shop", "-o", "local.json")
	w.down.Store(true)
	hits := w.hits.Load()
	for _, name := range []string{"evidence.json", "local.json"} {
		out := decode[Verification](t, d.run("", "verify", "--offline", name, "--json"))
		require.Equal(t, Valid, out.Verdict, "%v", out.Problems)
		require.Len(t, out.Evidence, 1)
		require.Equal(t, "didLog", out.Evidence[0].Kind)
		require.EqualValues(t, "signed", out.Evidence[0].Basis)
		require.True(t, out.Evidence[0].Used)
	}
	require.Equal(t, hits, w.hits.Load())
	require.Contains(t, d.ok("bundle", "show", "evidence.json"), "didLog")

	// Somebody tampers with the log: it says nothing then, neither good nor bad.
	bad := strings.Replace(d.read("evidence.json"), `#key-2`, `#key-3`, 1)
	require.NotEqual(t, d.read("evidence.json"), bad)
	d.write("bad.json", bad)
	out := decode[Verification](t, d.run("", "verify", "bad.json", "--json"))
	require.Equal(t, Unchecked, out.Verdict)
	require.Contains(t, out.Evidence[0].Problem, "entry 2")
	out = decode[Verification](t, d.run("", "verify", "evidence.json", "--json", "--pin", shop+"="+out.Evidence[0].Digest.String()))
	require.Equal(t, Unchecked, out.Verdict, "another log is pinned")
}
