package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Every kind of outcome has its exit code, and stderr says what, whose, and what
// to do.
func TestExitCodes(t *testing.T) {
	d := newDrone(t)
	one := d.lines("drone.jsonl")[1]
	d.write("one.json", one)
	d.write("tampered.json", strings.Replace(one, "grease", "greese", 1))
	d.write("web.json", fromTheWeb(t, d.id))
	d.write("empty.json", "")
	d.write("short.jsonl", strings.Join(d.lines("drone.jsonl")[1:], ""))
	d.write("policy.json", `{"scheme": "other"}`)
	d.write("wrong.json", `{"eventTime": "2026-03-05T00:00:00Z", "maintenance": {"category": "preventive", "activities": "x"}}`)
	d.write("contradiction.json", `{"availability": {"start": "2026-03-05T00:00:00Z", "end": "2026-03-06T00:00:00Z", "requiredSeconds": 100, "upSeconds": 1, "downPlannedSeconds": 0, "downUnplannedSeconds": 0, "interruptions": 0, "failures": 0, "method": "poll"}}`)
	d.ok("present", "challenge", "--domain", "lease.example", "--out", "ch.json")
	d.ok("present", "drone.jsonl", "--key", "drone", "--challenge", "ch.json", "--out", "shown.json")
	require.NoError(t, os.Mkdir(filepath.Join(d.dir, "folder"), 0o700))
	huge, err := os.Create(filepath.Join(d.dir, "huge.json"))
	require.NoError(t, err)
	require.NoError(t, huge.Truncate(257<<20))
	require.NoError(t, huge.Close())

	for _, tt := range []struct {
		name string
		code int
		says string // on stderr, or on stdout if stderr is empty
		args string
	}{
		{"a good credential", 0, "valid: 1 valid", "verify one.json"},
		{"a good record", 0, "C2", "verify drone.jsonl"},
		{"a good presentation", 0, "answered the challenge", "verify shown.json --challenge ch.json"},
		{"an issuer asked for", 0, "valid", "verify one.json --issuer " + d.workshop},
		{"help", 0, "Exit codes:", "--help"},

		{"an unknown command", 1, "unknown command", "verifi one.json"},
		{"an unknown flag", 1, "see hourmeter verify --help", "verify --no-proof one.json"},
		{"too few arguments", 1, "requires at least 1 arg", "verify"},
		{"no such file", 1, "nothing.json: there is no such file or folder", "verify nothing.json"},
		{"an empty file", 1, "empty.json is empty", "verify empty.json"},
		{"empty standard input", 1, "standard input is empty", "verify -"},
		{"a file too long", 1, "longer than the 256 MiB", "verify huge.json"},
		{"a folder that is no fleet", 1, "no fleet is here", "verify folder"},
		{"a folder for a claim", 1, "folder is a folder", "issue folder --type MaintenanceCredential --key workshop --subject " + d.id},
		{"a presentation without its challenge", 1, "pass --nonce and --domain", "verify shown.json"},
		{"a challenge for a credential", 1, "is no presentation", "verify one.json --challenge ch.json"},
		{"an existing file", 1, "pass --force", "present challenge --domain x --out ch.json"},
		{"an unknown key", 1, `"nobody"`, "issue one.json --key nobody"},
		{"no key named", 1, "--key is required", "issue one.json"},
		{"a key that exists", 1, "exist", "key create drone"},
		{"a key name that is none", 1, "a name is", "key create Drone/7"},
		{"deleting without force", 1, "pass --force", "key delete drone"},
		{"an unknown type", 1, "is none of CommissioningCredential", "issue service.json --type ServiceCredential --key workshop --subject " + d.id},
		{"an unknown member", 1, "activities", "issue wrong.json --type MaintenanceCredential --key workshop --subject " + d.id},
		{"a claim that contradicts itself", 1, "availability.", "issue contradiction.json --type UptimeCredential --key workshop --subject " + d.id},
		{"an existing file beside a record", 1, "pass --force", "issue service.json --type MaintenanceCredential --key workshop --chain drone.jsonl --entry observe --outcome good --out one.json --subject " + d.id},
		{"an entry without its outcome", 1, "outcome", "issue service.json --type MaintenanceCredential --key workshop --chain drone.jsonl --entry observe --subject " + d.id},
		{"an entry without a record", 1, "pass --chain or --head", "issue service.json --type MaintenanceCredential --key workshop --entry observe --subject " + d.id},
		{"a record of another machine", 1, "is not about the machine", "issue service.json --type MaintenanceCredential --key workshop --chain drone.jsonl --entry observe --outcome good --subject " + d.maker},
		{"a lease that only one side signed", 1, "lacks a signature", "issue lease.json --type LeaseCredential --key workshop --chain drone.jsonl --entry open --class lease --due 2030-01-01 --subject " + d.id},
		{"a stolen key of somebody else", 1, "lacks a signature", "issue service.json --type MaintenanceCredential --key workshop --chain drone.jsonl --entry rotate --revokes " + d.maker + "#k --compromised-since 2026-01-01 --subject " + d.id},
		{"a stolen key that is none", 1, "--revokes", "issue service.json --type MaintenanceCredential --key workshop --chain drone.jsonl --entry rotate --revokes k --compromised-since 2026-01-01 --subject " + d.id},
		{"a theft at no time", 1, "neither a time", "issue service.json --type MaintenanceCredential --key workshop --chain drone.jsonl --entry rotate --revokes " + d.id + "#k --compromised-since yesterday --subject " + d.id},
		{"a policy that is none", 1, "scheme", "score drone.jsonl --policy policy.json"},
		{"a day that is none", 1, "neither a time", "score drone.jsonl --at tomorrow"},
		{"trust in a name nobody has", 1, "name the issuer's DID", "score drone.jsonl --trust workshop"},
		{"a mapping that is none", 1, "mapping", "import one.json fleet"},

		{"a tampered credential", 2, "proof does not hold", "verify tampered.json"},
		{"a record without its beginning", 2, "entry 0 is missing", "verify short.jsonl"},
		{"another challenge", 2, "answers another challenge", "verify shown.json --nonce n --domain lease.example"},
		{"another domain", 2, "made for another domain", "verify shown.json --domain thief.example --nonce " + nonce(d.read("ch.json"))},
		{"nothing to verify in it", 2, "not a verifiable credential", "verify service.json"},
		{"an addition to a record with a gap", 2, "Nothing was added", "issue service.json --type MaintenanceCredential --key workshop --chain short.jsonl --entry observe --outcome good --subject " + d.id},
		{"the head of a record with a gap", 2, "has no head", "chain head short.jsonl"},
		{"no fork", 2, "there is no fork", "chain prove drone.jsonl"},
		{"no proof of a fork", 2, "equivocation", "chain check one.json"},
		{"a score of a record with a gap", 2, "C1", "score short.jsonl"},
		{"no score is signed then", 2, "No score was signed", "score short.jsonl --issue --key maker"},
		{"a DID that is none", 2, "did:", "did resolve did:key:zzz"},
		{"a DID URL that is none", 2, "did:", "did key did:key:zzz#%zz"},
		{"a version that a method has not", 2, "no versions", "did resolve " + d.id + " --version-number 2"},
		{"a version by its name, in the URL", 2, "no versions", "did resolve " + d.id + "?versionId=1"},
		{"two versions", 1, "version-id version-time", "did resolve " + d.id + " --version-id 1 --version-time 2026-01-01"},
		{"a version there and here", 1, "asks for a version already", "did resolve " + d.id + "?versionId=1 --version-time 2026-01-01"},
		{"a version that nobody counts to", 1, "counted from 1", "did resolve " + d.id + " --version-number -1"},
		{"a time that is none", 1, "--version-time", "did resolve " + d.id + " --version-time yesterday"},
		{"a host at no address", 1, "--dns", "did resolve " + d.id + " --online --dns fleet.example"},
		{"a key that may not do that", 2, "not authorized", "did key " + d.id + "#" + d.id[8:] + " --use keyAgreement"},

		{"an issuer behind a network", 3, "does not work offline", "verify web.json"},
		{"a method that nobody is asked about", 3, "--resolver", "did resolve did:ethr:0x1"},
		{"a DID behind a network", 3, "pass --online", "did resolve did:web:shop.example"},
		{"an entry by an issuer behind a network", 3, "nothing was added", "issue service.json --type MaintenanceCredential --key workshop --as did:web:x.example --method did:web:x.example#1 --chain drone.jsonl --entry observe --outcome good --subject " + d.id},
		{"unchecked beside refused", 3, "1 not checked", "verify web.json one.json --issuer " + d.maker},

		{"another issuer", 4, "not accepted", "verify one.json --issuer " + d.maker},
		{"another issuer in a record", 4, "its issuer is not one", "verify drone.jsonl --issuer " + d.maker},
		{"too few points", 4, "are asked for", "score drone.jsonl --at-least 800"},
		{"invalid beside refused", 2, "invalid", "verify tampered.json one.json --issuer " + d.maker},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := *d.bench
			b.t = t
			b.write("lease.json", `{"lease": {"lessor": "`+d.workshop+`", "lessee": "`+d.maker+`", "start": "2026-03-05T00:00:00Z", "end": "2026-03-06T00:00:00Z"}}`)
			before := b.read("drone.jsonl")
			r := b.run("", strings.Fields(tt.args)...)
			require.Equal(t, tt.code, r.code, "%s%s", r.stdout, r.stderr)
			said := r.stderr
			if said == "" {
				said = r.stdout
			}
			require.Contains(t, said, tt.says)
			if tt.code == exitError {
				require.Empty(t, r.stdout, "on wrong usage nothing is printed on standard output")
			}
			require.Equal(t, before, b.read("drone.jsonl"))
		})
	}
}

func nonce(challenge string) string { return strings.Split(challenge, `"`)[3] }

// fromTheWeb is a credential whose issuer can only be looked up over a network.
func fromTheWeb(t *testing.T, subject string) string {
	key, err := new(keystore.Memory).Create(t.Context(), "web", keystore.Ed25519)
	require.NoError(t, err)
	shop := did.MustParse("did:web:shop.example")
	issuer := &vc.Issuer{ID: shop, Key: key, Method: shop.URL("key-1")}
	raw, err := issuer.Issue(&vc.Credential{Subject: did.MustParse(subject), Claim: record.Decommissioning{Time: time.Now().UTC().Truncate(time.Second)}})
	require.NoError(t, err)
	return string(raw)
}

// A passphrase comes from a file, the environment or a terminal, and never shows.
func TestPassphrase(t *testing.T) {
	b := newBench(t)
	b.ok("key", "create", "drone")
	b.write("pass", "secret\nnot this line\n")
	b.write("wrong", "guess\n")
	b.write("blank", "\nsecret\n")
	b.write("next", "better\r\n")
	b.write("claim.json", service)
	sign := []string{"issue", "claim.json", "--type", "MaintenanceCredential", "--key", "drone", "--subject", "did:web:x.example"}

	b.env = b.env[:3] // without HOURMETER_PASSPHRASE
	r := b.run("", sign...)
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "no terminal to ask on")
	b.ok(append(sign, "--passphrase-file", "pass")...)
	require.Equal(t, exitOK, b.run("secret\n", append(sign, "--passphrase-file", "-")...).code)
	for file, says := range map[string]string{"wrong": "wrong passphrase", "blank": "first line of blank is empty", "nowhere": "no such file"} {
		r := b.run("", append(sign, "--passphrase-file", file)...)
		require.Equal(t, exitError, r.code)
		require.Contains(t, r.stderr, says)
		require.NotContains(t, r.stderr+r.stdout, "guess")
	}

	b.ok("key", "passphrase", "--passphrase-file", "pass", "--new-passphrase-file", "next")
	require.Equal(t, exitError, b.run("", append(sign, "--passphrase-file", "pass")...).code)
	b.ok(append(sign, "--passphrase-file", "next")...)

	b.ok("key", "backup", "--out", "backup.bin", "--passphrase-file", "next")
	b.ok("key", "delete", "drone", "--force")
	require.Contains(t, b.ok("key", "list"), "No keys")
	require.Contains(t, b.ok("key", "restore", "backup.bin", "--passphrase-file", "next"), "drone")
	b.ok(append(sign, "--passphrase-file", "next")...)
	info, err := os.Stat(filepath.Join(b.dir, "backup.bin"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// "-" reads standard input and writes standard output.
func TestStandardStreams(t *testing.T) {
	d := newDrone(t)
	r := d.run(d.read("drone.jsonl"), "verify", "-")
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Contains(t, r.stdout, "5 shown")
	r = d.run(service, "issue", "-", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", d.id)
	require.Equal(t, exitOK, r.code, r.stderr)
	require.Equal(t, exitOK, d.run(r.stdout, "verify", "-").code)

	ch := d.ok("present", "challenge", "--domain", "lease.example")
	shown := d.run(ch, "present", "drone.jsonl", "--key", "drone", "--challenge", "-")
	require.Equal(t, exitOK, shown.code, shown.stderr)
	d.write("ch.json", ch)
	require.Equal(t, exitOK, d.run(shown.stdout, "verify", "-", "--challenge", "ch.json").code)
	require.Equal(t, exitOK, d.run(shown.stdout, "score", "-", "--challenge", "ch.json").code)
}

// A record can be written by its head alone, and comes out the same to a reader.
func TestHead(t *testing.T) {
	d := newDrone(t)
	d.ok("chain", "head", "drone.jsonl", "--out", "head.json")
	require.Less(t, len(d.read("head.json")), 1024)
	for range 2 {
		next := d.ok("issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", d.id,
			"--head", "head.json", "--entry", "observe", "--outcome", "degraded")
		d.write("drone.jsonl", d.read("drone.jsonl")+next)
	}
	require.Contains(t, d.ok("verify", "drone.jsonl"), "7 entries, 0 open, 0 overdue, 2 adverse")
}

// A lease opens with two signatures and closes with one.
func TestObligations(t *testing.T) {
	d := newDrone(t)
	d.write("lease.json", `{"lease": {"lessor": "`+d.maker+`", "lessee": "`+d.workshop+`", "start": "2026-03-05T00:00:00Z", "end": "2026-03-06T00:00:00Z"}}`)
	d.ok("issue", "lease.json", "--type", "LeaseCredential", "--key", "maker", "--cosign", "workshop", "--subject", d.id,
		"--chain", "drone.jsonl", "--entry", "open", "--class", "lease", "--due", "2026-03-07")
	shown := d.ok("chain", "show", "drone.jsonl")
	require.Contains(t, shown, "lease  due 2026-03-07  overdue")
	require.Contains(t, shown, "6 entries, 1 open, 1 overdue")
}

// Two processes that add to one record at once do not fork it.
func TestConcurrentIssue(t *testing.T) {
	d := newDrone(t)
	done := make(chan ran, 4)
	for range cap(done) {
		go func() {
			done <- d.run("", "issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop",
				"--subject", d.id, "--chain", "drone.jsonl", "--entry", "observe", "--outcome", "good")
		}()
	}
	for range cap(done) {
		r := <-done
		require.Equal(t, exitOK, r.code, r.stderr)
	}
	require.Contains(t, d.ok("verify", "drone.jsonl"), "9 shown, 0 missing")
	entries, err := os.ReadDir(d.dir)
	require.NoError(t, err)
	for _, e := range entries {
		require.False(t, strings.HasPrefix(e.Name(), ".drone"), "%s was left behind", e.Name())
	}
}

// No command but those of logs, serve and those that are told --online opens a network
// connection: what could is not even at hand.
func TestOffline(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, path := range []string{`"net"`, `"net/http"`, `"github.com/hourmeter/hourmeter/resolver"`} {
			if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "log") && name != "online.go" && name != "serve.go" {
				require.NotContains(t, string(text), "\t"+path, name)
			}
		}
	}
}
