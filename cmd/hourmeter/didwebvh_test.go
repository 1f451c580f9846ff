package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// A depot is a bench with keys and the folder "drone" of a did:webvh.
type depot struct {
	*bench
	id string
}

func newDepot(t *testing.T, args ...string) *depot {
	d := &depot{bench: newBench(t)}
	for _, name := range []string{"machine", "machine-2", "owner", "owner-2", "owner-3", "buyer", "w1", "w2"} {
		d.ok("key", "create", name)
	}
	d.ok("key", "create", "chip", "--algorithm", "P-256")
	made := d.written(append([]string{"did", "create", "--method", "webvh", "--host", "fleet.example", "--path", "drones/7", "--key", "machine",
		"--update-key", "owner", "--out", "drone"}, args...)...)
	d.id = made.DID.String()
	return d
}

// written runs a command that writes a log.
func (d *depot) written(args ...string) DIDWritten {
	d.t.Helper()
	r := d.run("", append(args, "--json")...)
	require.Equal(d.t, exitOK, r.code, "%v: %s", args, r.stderr)
	return decode[DIDWritten](d.t, r)
}

// log verifies the folder's log with the library, as a stranger would.
func (d *depot) log(folder string) *webvh.Log {
	d.t.Helper()
	text := []byte(d.read(filepath.Join(folder, "did.jsonl")))
	witness, err := os.ReadFile(filepath.Join(d.dir, folder, "did-witness.json"))
	if err != nil {
		witness = nil
	}
	id, err := webvh.Subject(text)
	require.NoError(d.t, err)
	l, err := webvh.Verify(id, text, witness)
	require.NoError(d.t, err)
	return l
}

func (d *depot) history(folder string) DIDLog {
	d.t.Helper()
	return decode[DIDLog](d.t, d.run("", "did", "log", folder, "--json"))
}

// A machine's identifier from the factory to the scrapyard: keys are rotated, one is stolen, it is
// sold to another host, and retired. What each version was can be looked up at the end.
func TestWebVHLife(t *testing.T) {
	d := newDepot(t, "--portable", "--web", "--ttl", "5m")
	require.True(t, strings.HasSuffix(d.id, ":fleet.example:drones:7"), d.id)
	require.Equal(t, "did:web:fleet.example:drones:7", webID(t, d.read("drone/did.json")))

	w := d.written("did", "update", "drone", "--add-service", "#records,LinkedDomains,https://fleet.example/r", "--add-alias", "urn:x:7", "--add-key", "chip", "--use", "authentication")
	require.Equal(t, 2, w.Version)
	require.Equal(t, []string{"key #key-2 added: authentication", "service #records added: LinkedDomains at https://fleet.example/r", "alias urn:x:7 added"}, w.Changes)
	require.Equal(t, []Upload{{"drone/did.jsonl", "https://fleet.example/drones/7/did.jsonl"}, {"drone/did.json", "https://fleet.example/drones/7/did.json"}}, w.Upload)

	w = d.written("did", "rotate", "drone", "--key", "machine-2", "--replace", "#key-1", "--to", "owner-2")
	require.Contains(t, w.Changes, "key #key-1 removed")
	require.Contains(t, w.Changes, "key #key-3 added: authentication, assertionMethod", "a name is never used again")
	r := d.run("", "did", "update", "drone", "--add-alias", "urn:x:8", "--update-key", "owner")
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "the update keys in force are owner-2 (z6Mk")

	w = d.written("did", "revoke", "drone", "#key-3", "--compromised-since", "2026-11-01", "--key", "machine")
	require.Contains(t, w.Changes, "key #key-3 revoked since 2026-11-01T00:00:00Z")
	doc, err := did.ParseDocument([]byte(d.log("drone").Entry(4).State))
	require.NoError(t, err)
	_, err = doc.Key(doc.ID.URL("key-3"), did.AssertionMethod)
	require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
	require.False(t, doc.Method(doc.ID.URL("key-3")).Revoked.IsZero())
	_, err = doc.Key(doc.ID.URL("key-4"), did.AssertionMethod)
	require.NoError(t, err)

	w = d.written("did", "move", "drone", "--host", "buyer.example:8443", "--path", "machines/a b", "--to", "buyer")
	moved := w.DID.String()
	require.True(t, strings.HasSuffix(moved, ":buyer.example%3A8443:machines:a%20b"), moved)
	require.Equal(t, []Upload{
		{"drone/did.jsonl", "https://buyer.example:8443/machines/a%20b/did.jsonl"},
		{"drone/did.jsonl", "https://fleet.example/drones/7/did.jsonl"},
		{"drone/did.json", "https://buyer.example:8443/machines/a%20b/did.json"},
	}, w.Upload)
	require.Equal(t, "did:web:buyer.example%3A8443:machines:a%20b", webID(t, d.read("drone/did.json")))

	w = d.written("did", "deactivate", "drone", "--yes")
	require.Equal(t, []string{"https://buyer.example:8443/machines/a%20b/did.json"}, w.Remove)
	require.NoFileExists(t, filepath.Join(d.dir, "drone", "did.json"))
	require.Equal(t, 6, d.log("drone").Len())

	h := d.history("drone")
	require.Equal(t, Valid, h.Verdict)
	require.True(t, h.Deactivated)
	require.Len(t, h.Entries, 6)
	require.Equal(t, []string{"created", "portable: it may move to another host"}, h.Entries[0].Changes[:2])
	require.Equal(t, "moved to "+moved, h.Entries[4].Changes[0])
	require.Contains(t, d.ok("did", "log", "drone"), "signed by buyer (z6Mk")

	// Offline, by each of its names, at any version.
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{moved, exitInvalid, "deactivated"},
		{d.id, exitInvalid, "deactivated"},
		{d.id + "?versionNumber=2", exitOK, d.id + "#key-2"},
		{d.id + " --version-number 4", exitOK, `"revoked"`},
		{d.id + " --version-number 7", exitInvalid, "not found"},
		{moved + " --version-number 5", exitOK, moved + "#key-4"},
		{moved + "?versionNumber=5&service=records", exitOK, "https://fleet.example/r"},
		{moved + "?versionNumber=5#key-4", exitOK, `"Multikey"`},
		{moved + "?versionNumber=5#key-1", exitInvalid, "not found"},
		{d.id + "?versionNumber=5#key-4", exitInvalid, "in the document of " + moved},
		{d.id + "?versionNumber=5", exitOK, "has another name there: " + moved},
		{moved + "?versionNumber=2", exitOK, "has another name there: " + d.id},
		{d.id + "?versionNumber=5&service=records", exitOK, "https://fleet.example/r"},
		{"did:webvh:" + h.SCID + ":other.example", exitUnchecked, "--did-log"},
	} {
		r := d.run("", append([]string{"did", "resolve", "--did-log", "drone"}, strings.Fields(tt.args)...)...)
		require.Equal(t, tt.code, r.code, "%s: %s", tt.args, r.stderr)
		require.Contains(t, r.stdout+r.stderr, tt.says, tt.args)
	}
	res := decode[Resolved](t, d.run("", "did", "resolve", moved+"?versionNumber=3", "--did-log", "drone", "--metadata"))
	require.Equal(t, h.Entries[2].VersionID, res.Metadata.VersionID)
	require.JSONEq(t, `"`+h.SCID+`"`, string(res.Metadata.Method["scid"]))
	require.EqualValues(t, 300, res.Resolution.TTL)
	require.Contains(t, d.ok("did", "key", d.id+"#key-1", "--did-log", "drone", "--version-number", "1"), "Ed25519")
	require.Equal(t, exitInvalid, d.run("", "did", "key", d.id+"#key-1", "--did-log", "drone", "--version-number", "3").code)
}

func webID(t *testing.T, document string) string {
	doc, err := did.ParseDocument([]byte(document))
	require.NoError(t, err)
	return doc.ID.String()
}

// With pre-rotation each entry uses up a key that the one before committed to.
func TestWebVHPreRotation(t *testing.T) {
	d := newDepot(t, "--next-key", "owner-2")
	for _, tt := range []struct{ name, says, args string }{
		{"no key after", "pass --next-key", "update drone --add-alias urn:x"},
		{"the key before", "may not sign", "rotate drone --next-key owner-3 --update-key owner"},
		{"another key", "did not commit to", "rotate drone --next-key owner-3 --to buyer"},
		{"a key that is no Ed25519 key", "Ed25519", "rotate drone --next-key chip"},
		{"a key and none", "if any flags in the group", "rotate drone --next-key owner-3 --no-next-key"},
	} {
		r := d.run("", append([]string{"did"}, strings.Fields(tt.args)...)...)
		require.Equal(t, exitError, r.code, tt.name)
		require.Contains(t, r.stderr, tt.says, tt.name)
	}
	d.written("did", "rotate", "drone", "--next-key", "owner-3")
	d.written("did", "update", "drone", "--no-next-key", "--add-alias", "urn:x")
	d.written("did", "update", "drone", "--add-alias", "urn:y") // by owner-3 still
	require.Equal(t, 4, d.log("drone").Len())
	var signers []string
	h := d.history("drone")
	for _, e := range h.Entries {
		signers = append(signers, e.Signers...)
	}
	key := func(name string) string {
		return decode[Key](t, d.run("", "key", "show", name, "--json")).Multikey
	}
	require.Equal(t, []string{key("owner"), key("owner-2"), key("owner-3"), key("owner-3")}, signers)
}

// What waits for witnesses is not in the log that is published, and a witness approves of one history.
func TestWebVHWitnesses(t *testing.T) {
	d := newDepot(t, "--witness", "w1", "--witness", "w2", "--threshold", "2")
	require.NoFileExists(t, filepath.Join(d.dir, "drone", "did.jsonl"))
	r := d.run("", "did", "log", "drone")
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "waits for its witnesses")
	r = d.run("", "did", "update", "drone", "--add-alias", "urn:x")
	require.Contains(t, r.stderr, "waits for its witnesses")
	r = d.run("", "did", "witness", "drone", "--key", "owner")
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "is not a witness")

	// One witness is elsewhere.
	ask := func(from string, names ...string) {
		require.NoError(t, os.MkdirAll(filepath.Join(d.dir, "w2"), 0o700))
		for _, name := range names {
			d.write("w2/"+name, d.read(from+"/"+name))
		}
	}
	require.Equal(t, "1 of 2 witnesses approved of it, and 2 have to", d.written("did", "witness", "drone", "--key", "w1").Waits)
	ask("drone", "pending.jsonl")
	require.NotEmpty(t, d.written("did", "witness", "w2", "--key", "w2").Waits)
	w := d.written("did", "witness", "drone", "--proofs", "w2/did-witness.json", "--web")
	require.Empty(t, w.Waits)
	require.Equal(t, "drone/did-witness.json", w.Upload[0].File, "the proofs go before the log")
	require.NoFileExists(t, filepath.Join(d.dir, "drone", "pending.jsonl"))
	require.FileExists(t, filepath.Join(d.dir, "drone", "did.json"))
	require.Equal(t, 1, d.log("drone").Len())

	// The owner makes two second entries, and shows each to a witness.
	published := d.read("drone/did.jsonl")
	d.written("did", "update", "drone", "--add-alias", "urn:x")
	require.Equal(t, published, d.read("drone/did.jsonl"))
	require.NotEmpty(t, d.history("drone").Pending)
	require.NoError(t, os.Remove(filepath.Join(d.dir, "w2", "pending.jsonl")))
	ask("drone", "did.jsonl", "pending.jsonl", "did-witness.json")
	d.written("did", "witness", "w2", "--key", "w2")
	first := d.read("w2/did-witness.json")
	require.NoError(t, os.Remove(filepath.Join(d.dir, "drone", "pending.jsonl")))
	d.written("did", "update", "drone", "--add-alias", "urn:y")
	ask("drone", "pending.jsonl", "did-witness.json")
	r = d.run("", "did", "witness", "w2", "--key", "w2")
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stderr, "to approve of two histories is to be no witness")
	d.write("first.json", first)
	d.written("did", "witness", "drone", "--key", "w1")
	require.NotEmpty(t, d.written("did", "witness", "drone", "--proofs", "first.json").Waits, "those are of the other entry")
	require.Equal(t, published, d.read("drone/did.jsonl"))
}

// Nothing is written that would not verify, and no log is lost.
func TestWebVHRefuses(t *testing.T) {
	d := newDepot(t)
	d.write("doc.json", `{"id": "did:web:other.example"}`)
	for _, tt := range []struct {
		name string
		code int
		says string
		args string
	}{
		{"a log that exists", 1, "which nothing replaces", "create --method webvh --host x.example --key owner --out drone"},
		{"no folder", 1, "--out is required", "create --method webvh --host x.example --key owner"},
		{"no host", 1, "--host", "create --method webvh --key owner --out new"},
		{"an address for a host", 1, "address", "create --method webvh --host 127.0.0.1 --key owner --out new"},
		{"a host with a path", 1, "--host", "create --method webvh --host x.example/y --key owner --out new"},
		{"a path that climbs", 1, "path", "create --method webvh --host x.example --path a/../b --key owner --out new"},
		{"a chip's key to update with", 1, "name another one with --update-key", "create --method webvh --host x.example --key chip --out new"},
		{"no key at all", 1, "--key or --update-key is required", "create --method webvh --host x.example --out new"},
		{"more approvals than witnesses", 2 - 1, "threshold", "create --method webvh --host x.example --key owner --witness w1 --threshold 2 --out new"},
		{"a witness who is nobody", 1, "neither a did:key nor the name", "create --method webvh --host x.example --key owner --witness nobody --out new"},
		{"half a second", 1, "whole seconds", "create --method webvh --host x.example --key owner --ttl 500ms --out new"},
		{"a document of somebody else", 1, "is wanted", "create --method webvh --host x.example --key owner --document doc.json --out new"},
		{"a log for a did:key", 1, "--host goes with --method webvh", "create --key owner --host x.example"},
		{"another method", 1, "want key, jwk", "create --key owner --method btcr"},

		{"a folder without a log", 1, "no did.jsonl is in", "update keys --add-alias urn:x"},
		{"nothing to change", 1, "nothing is to change", "update drone"},
		{"a key that is not there", 1, "has no key", "update drone --remove-key #key-9"},
		{"a service that is there", 1, "take it out first", "update drone --add-service #s,A,https://a.example --add-service #s,A,https://a.example"},
		{"a service that is none", 1, "is not ID,TYPE,URL", "update drone --add-service s"},
		{"an alias that is not there", 1, "does not have", "update drone --remove-alias urn:x"},
		{"another name", 1, "hourmeter did move", "update drone --document doc.json"},
		{"a document and a change", 1, "make the other changes in that file", "update drone --document doc.json --add-alias urn:x"},
		{"a role that is none", 1, "no verification relationship", "update drone --add-key chip --use signing"},
		{"a role that a key cannot have", 1, "--use", "update drone --add-key owner --use keyAgreement"},
		{"an unknown key", 1, `"nobody"`, "update drone --add-alias urn:x --update-key nobody"},
		{"the machine's key", 1, "may not sign", "update drone --add-alias urn:x --update-key machine"},
		{"pre-rotation that is off", 1, "off already", "update drone --no-next-key"},
		{"no key to rotate to", 1, "which key?", "rotate drone"},
		{"a key in no place", 1, "has no key", "rotate drone --key machine-2 --replace #key-2"},
		{"a theft to come", 1, "yet to come", "revoke drone #key-1 --compromised-since 2126-01-01"},
		{"a theft at no time", 1, "compromised-since", "revoke drone #key-1"},
		{"a move of what cannot", 1, "not portable", "move drone --host y.example"},
		{"an end by mistake", 1, "pass --yes", "deactivate drone"},
		{"a witness of a log without", 1, "is not a witness", "witness drone --key w1"},
		{"a log of a did:key", 1, "has no log", "log did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
		{"a log behind a network", 3, "--online", "log did:webvh:QmUVmv1TVfaZHw3ZULV75M8vwcZX2cY9behJ48YagQmVUe:x.example"},
		{"chains for a key", 1, "certificate chain", "create --method x509 --key owner"},
		{"an account that is none", 1, "--account", "create --method pkh --account eip155:1"},
		{"an account of a key", 1, "--account", "create --method pkh --key owner"},
		{"no chain", 1, "--x509-chain is required", "create --method x509"},
		{"a kind of did:peer that is none", 1, "--numalgo", "create --method peer --key owner --numalgo 3"},
		{"a did:peer of one key with two", 1, "--numalgo 0", "create --method peer --key owner --numalgo 0 --add-key chip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := *d.bench
			b.t = t
			before := b.read("drone/did.jsonl")
			r := b.run("", append([]string{"did"}, strings.Fields(tt.args)...)...)
			require.Equal(t, tt.code, r.code, "%s%s", r.stdout, r.stderr)
			require.Contains(t, r.stderr, tt.says)
			require.Empty(t, r.stdout)
			require.Equal(t, before, b.read("drone/did.jsonl"))
			require.NoFileExists(t, filepath.Join(b.dir, "drone", "pending.jsonl"))
			require.NoDirExists(t, filepath.Join(b.dir, "new"))
		})
	}
}

// A stolen key that can also change the log has to be replaced there as well.
func TestWebVHStolenUpdateKey(t *testing.T) {
	d := newDepot(t)
	d.written("did", "create", "--method", "webvh", "--host", "x.example", "--key", "machine-2", "--out", "one")
	r := d.run("", "did", "revoke", "one", "key-1", "--compromised-since", "2026-01-01")
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "is an update key too")
	d.written("did", "revoke", "one", "key-1", "--compromised-since", "2026-01-01", "--to", "owner", "--key", "chip")
	require.Equal(t, 2, d.log("one").Len())
}

// What people read: keys, hashes and times are made plain first.
func TestWebVHText(t *testing.T) {
	d := newDepot(t, "--portable", "--witness", "w1")
	plain := func(text string) string {
		for pattern, to := range map[string]string{`z6Mk[0-9A-Za-z]{44}`: "KEY", `z6Mk[0-9A-Za-z]+…[0-9A-Za-z]+`: "KEY", `Qm[0-9A-Za-z]{44}`: "HASH", `20[0-9-]+T[0-9:.]+Z`: "TIME"} {
			text = regexp.MustCompile(pattern).ReplaceAllString(text, to)
		}
		return text
	}
	require.Equal(t, `did      did:webvh:HASH:fleet.example:drones:7
version  1, TIME
changes  created
         portable: it may move to another host
         update keys: KEY
         witnesses: 1 of did:key:KEY
         key #key-1 added: authentication, assertionMethod
upload   drone/did-witness.json to https://fleet.example/drones/7/did-witness.json
         drone/did.jsonl to https://fleet.example/drones/7/did.jsonl
`, plain(d.ok("did", "witness", "drone", "--key", "w1")))
	require.Equal(t, `did      did:webvh:HASH:fleet.example:drones:7
version  2, TIME
changes  key #key-2 added: authentication, assertionMethod
         key #key-1 removed
waits    0 of 1 witnesses approved of it, and 1 have to
         nothing is to be uploaded before: give drone/pending.jsonl to the witnesses (hourmeter did witness)
`, plain(d.ok("did", "rotate", "drone", "--key", "machine-2")))
	d.ok("did", "witness", "drone", "--key", "w1")
	d.ok("did", "update", "drone", "--not-portable", "--ttl", "5m")
	require.Equal(t, `did:webvh:HASH:fleet.example:drones:7
   1  TIME, signed by owner (KEY)
      created
      portable: it may move to another host
      update keys: KEY
      witnesses: 1 of did:key:KEY
      key #key-1 added: authentication, assertionMethod
   2  TIME, signed by owner (KEY)
      key #key-2 added: authentication, assertionMethod
      key #key-1 removed
drone/pending.jsonl has an entry that waits for its witnesses
valid: 2 versions, approved of by 1 of 1 witnesses at least
`, plain(d.ok("did", "log", "drone")))
}

// Whatever is done to a log is named by its entry, and no entry is added to it.
func TestWebVHTampered(t *testing.T) {
	d := newDepot(t)
	d.written("did", "update", "drone", "--add-alias", "urn:x:1")
	d.written("did", "update", "drone", "--add-alias", "urn:x:2")
	lines := d.lines("drone/did.jsonl")
	for _, tt := range []struct{ name, text, says string }{
		{"a word", lines[0] + strings.Replace(lines[1], "urn:x:1", "urn:x:9", 1) + lines[2], "entry 2"},
		{"an entry is gone", lines[0] + lines[2], "entry 2"},
		{"the first is gone", lines[1] + lines[2], "entry 1"},
		{"cut off in the middle", lines[0] + lines[1][:200], "entry 2"},
		{"something after it", lines[0] + lines[1] + lines[2] + "{}\n", "entry 4"},
	} {
		d.write("drone/did.jsonl", tt.text)
		r := d.run("", "did", "log", "drone", "--json")
		require.Equal(t, exitInvalid, r.code, tt.name)
		h := decode[DIDLog](t, r)
		require.Equal(t, Invalid, h.Verdict, tt.name)
		require.Contains(t, h.Message, tt.says, tt.name)
		r = d.run("", "did", "update", "drone", "--add-alias", "urn:x:3")
		require.Equal(t, exitInvalid, r.code, tt.name)
		require.Equal(t, tt.text, d.read("drone/did.jsonl"), tt.name)
	}
}

// Processes that are killed in the middle leave the log as it was or one entry longer, and those that
// come at once each add one.
func TestWebVHKilled(t *testing.T) {
	d := newDepot(t, "--web")
	length := func() int { return d.log("drone").Len() }
	for i := range 12 {
		before := length()
		cmd := exec.Command(binary, "did", "update", "drone", "--ttl", (time.Duration(i+2) * time.Second).String())
		cmd.Dir, cmd.Env = d.dir, d.env
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(40+7*i) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		require.Contains(t, []int{before, before + 1}, length())
	}
	before := length()
	done := make(chan ran, 4)
	for i := range cap(done) {
		go func() {
			done <- d.run("", "did", "update", "drone", "--add-alias", "urn:x:"+string(rune('a'+i)))
		}()
	}
	for range cap(done) {
		r := <-done
		require.Equal(t, exitOK, r.code, r.stderr)
	}
	require.Equal(t, before+cap(done), length())
	entries, err := os.ReadDir(filepath.Join(d.dir, "drone"))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	require.Equal(t, []string{".lock", "did.json", "did.jsonl"}, names, "what was begun is cleared away")
	var document struct {
		AlsoKnownAs []string `json:"alsoKnownAs"`
	}
	require.NoError(t, json.Unmarshal([]byte(d.read("drone/did.json")), &document))
	require.Len(t, document.AlsoKnownAs, 5, "the did:webvh and four more")
}
