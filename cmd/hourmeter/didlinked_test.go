package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// An identifier and a domain, or two identifiers, belong together if both say so.
func TestDIDLinked(t *testing.T) {
	d := newDepot(t)
	w := newWeb(t, d.bench, map[string]string{"/shop": "shop", "/.well-known": "known"})
	require.NoError(t, os.Mkdir(filepath.Join(d.dir, "known"), 0o700))
	origin := "https://fleet.example.com:" + w.port
	shop := d.written("did", "create", "--method", "webvh", "--host", "fleet.example.com:"+w.port, "--path", "shop", "--key", "machine", "--update-key", "owner",
		"--web", "--out", "shop").DID.String()
	webID := "did:web:fleet.example.com%3A" + w.port + ":shop"
	linked := func(code int, args ...string) Linked {
		t.Helper()
		r := d.run("", append(w.with(append([]string{"did", "linked", shop}, args...)...), "--json")...)
		require.Equal(t, code, r.code, "%s%s", r.stdout, r.stderr)
		return decode[Linked](t, r)
	}
	require.Empty(t, linked(exitOK).Links, "it claims no domain")

	// Only the domain says so; only the DID says so; both do.
	d.ok("did", "domain", origin, "--key", "machine", "--as", shop, "--method", shop+"#key-1", "--valid-until", "2099-01-01", "-o", "known/did-configuration.json")
	require.Contains(t, linked(exitInvalid, origin).Links[0].Message, "does not say so")
	d.written("did", "update", "shop", "--add-service", "#domain,LinkedDomains,"+origin)
	both := linked(exitOK)
	require.Equal(t, "domain", both.Links[0].By)
	require.Equal(t, 2099, both.Links[0].Until.Year())
	require.Contains(t, d.ok(w.with("did", "linked", shop, origin)...), "linked, by domain, until 2099-01-01")
	configuration := d.read("known/did-configuration.json")
	require.NoError(t, os.Remove(filepath.Join(d.dir, "known", "did-configuration.json")))
	linked(exitUnchecked, origin)
	d.write("known/did-configuration.json", configuration)

	// The did:web of the same place names the did:webvh; the other way round it has to be said.
	require.Contains(t, linked(exitInvalid, webID).Links[0].Message, "does not say so")
	d.written("did", "update", "shop", "--add-alias", webID)
	require.Equal(t, Link{With: webID, Verdict: Valid, By: "alsoKnownAs"}, linked(exitOK, webID).Links[0])
	require.Equal(t, "identical", linked(exitOK, shop).Links[0].By)
	w.down.Store(true)
	linked(exitUnchecked, webID, origin)

	for says, args := range map[string][]string{
		"--online":    {"did", "linked", shop},
		"origin":      {"did", "linked", shop, "ftp://x.example"},
		"valid-until": {"did", "domain", origin, "--key", "machine"},
		"--key":       {"did", "domain", origin, "--valid-until", "2099-01-01"},
	} {
		r := d.run("", args...)
		require.Equal(t, exitError, r.code, "%v", args)
		require.Contains(t, r.stderr, says)
	}
}
