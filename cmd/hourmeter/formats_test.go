package main

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A shop is a workshop and a drone, with a server for what the workshop publishes.
type shop struct {
	*bench
	drone, workshop string
	url             string
	network         []string // flags
	hits            atomic.Int64
}

func newShop(t *testing.T) *shop {
	s := &shop{bench: newBench(t)}
	s.drone, s.workshop = s.did("drone"), s.did("workshop")
	s.write("service.json", `{"eventTime": "2026-03-05T00:00:00Z", "bizStep": "repairing", "maintenance": {"category": "preventive", "activity": "grease the rotor", "performedBy": {"name": "bay 2"}}}`)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		w.Header().Set("Content-Type", "application/vc")
		text, err := os.ReadFile(filepath.Join(s.dir, filepath.Base(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Write(text)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	s.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	s.network = []string{"--ca", "ca.pem", "--allow-address", "127.0.0.1"}
	return s
}

func (s *shop) issue(name string, args ...string) string {
	s.t.Helper()
	s.ok(append([]string{"issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", s.drone, "-o", name}, args...)...)
	return name
}

// A credential is verified whatever secures it, and shown in whatever secures the answer.
func TestEveryFormatIsIssuedShownAndVerified(t *testing.T) {
	s := newShop(t)
	s.ok("key", "create", "p256", "--algorithm", "P-256")
	files := []string{
		s.issue("jcs.json"),
		s.issue("rdfc.json", "--suite", "eddsa-rdfc-2022"),
		s.issue("ecdsa.json", "--suite", "ecdsa-rdfc-2019", "--key", "p256"),
		s.issue("vc.jwt", "--format", "vc+jwt"),
		s.issue("vc.sdjwt", "--format", "vc+sd-jwt", "--disclosable", "/credentialSubject/maintenance/performedBy", "--decoys", "3"),
		s.issue("vc.cose", "--format", "vc+cose"),
		s.issue("vc.cwt", "--format", "cwt"),
	}
	s.issue("base.json", "--suite", "ecdsa-sd-2023", "--key", "p256")
	s.ok("derive", "base.json", "--show", "/credentialSubject/id,/credentialSubject/eventTime", "-o", "derived.json")
	files = append(files, "derived.json")
	for _, name := range files {
		out := decode[Verification](t, s.run("", "verify", name, "--json"))
		require.Equal(t, Valid, out.Verdict, name)
		require.Equal(t, "MaintenanceCredential", out.Credentials[0].Type)
	}
	s.ok("present", "challenge", "--domain", "lease.example", "-o", "ch.json")
	for _, format := range []string{"data-integrity", "vc+jwt", "vc+cose", "cwt"} {
		s.ok(append([]string{"present", "--key", "drone", "--challenge", "ch.json", "--format", format, "-o", "shown-" + format}, files...)...)
		out := decode[Verification](t, s.run("", "verify", "shown-"+format, "--challenge", "ch.json", "--json"))
		require.Equal(t, Valid, out.Verdict, "%s: %v", format, out.Problems)
		require.Equal(t, s.drone, out.Holder.String())
		require.Len(t, out.Credentials, len(files))
	}
	require.Equal(t, exitInvalid, s.run("", "verify", "base.json").code, "a base proof is for the holder alone")
	r := s.run("", "present", "base.json", "--key", "drone", "--challenge", "ch.json", "-o", "given-away.json")
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stderr, "base proof")
	require.NoFileExists(t, filepath.Join(s.dir, "given-away.json"))
	s.write("torn.json", s.read("shown-data-integrity")[:3000])
	r = s.run("", "verify", "torn.json", "--challenge", "ch.json")
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stderr, "the text ends")
	for _, tt := range []struct{ name, says, args string }{
		{"an unknown format", "none of", "--format vc+xml"},
		{"an unknown suite", "none of", "--suite eddsa-2099"},
		{"a suite of an envelope", "--suite is of", "--format vc+jwt --suite eddsa-rdfc-2022"},
		{"a choice where there is none", "--disclosable", "--disclosable /credentialSubject/bizStep"},
		{"a mandatory part where there is none", "--mandatory", "--mandatory /issuer"},
		{"a hidden period", "validFrom", "--format vc+sd-jwt --disclosable /validFrom"},
		{"an envelope that two sign", "--cosign", "--format vc+jwt --cosign drone"},
		{"members that flags say", "other flags", "--members ch2.json"},
	} {
		s.write("ch2.json", `{"issuer": "did:key:z6Mk"}`)
		r := s.run("", append([]string{"issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", s.drone}, strings.Fields(tt.args)...)...)
		require.Equal(t, exitError, r.code, tt.name)
		require.Contains(t, r.stderr, tt.says, tt.name)
	}
	for _, tt := range []struct{ name, says, args string }{
		{"a claim of no type", "--type", "service.json"},
		{"a whole credential with an end", "as it stands", "jcs.json --valid-until 2027-01-01"},
		{"a whole credential as an entry", "as it stands", "jcs.json --entry observe"},
	} {
		r := s.run("", append([]string{"issue", "--key", "workshop"}, strings.Fields(tt.args)...)...)
		require.Equal(t, exitError, r.code, tt.name)
		require.Contains(t, r.stderr, tt.says, tt.name)
	}
}

// What the holder leaves out is gone, and what is left still holds, but in no record.
func TestDerive(t *testing.T) {
	s := newShop(t)
	s.issue("whole.sdjwt", "--format", "vc+sd-jwt", "--disclosable", "/credentialSubject/maintenance/performedBy")
	s.ok("derive", "whole.sdjwt", "-o", "part.sdjwt")
	require.Greater(t, len(s.read("whole.sdjwt")), len(s.read("part.sdjwt")))
	out := decode[Verification](t, s.run("", "verify", "part.sdjwt", "--json"))
	require.Equal(t, Valid, out.Verdict)
	require.Equal(t, "application/vc+sd-jwt", out.Credentials[0].MediaType)
	require.True(t, out.Credentials[0].Selective)
	require.Contains(t, s.ok("verify", "part.sdjwt"), "in part")
	s.issue("plain.jwt", "--format", "vc+jwt")
	require.Contains(t, s.run("", "derive", "plain.jwt").stderr, "no choice")

	r := s.run("", "derive", "service.json")
	require.Equal(t, exitInvalid, r.code)
	r = s.run("", "derive", "whole.sdjwt", "--show", "/issuer")
	require.Equal(t, exitError, r.code, r.stderr)
}

// A record has entries of any format, and a selective one is no entry.
func TestRecordOfEnvelopes(t *testing.T) {
	d := newDrone(t)
	for _, format := range []string{"vc+jwt", "vc+cose", "cwt"} {
		d.service("--format", format)
	}
	r := d.run("", "verify", "drone.jsonl")
	require.Equal(t, exitOK, r.code, r.stdout+r.stderr)
	require.Contains(t, r.stdout, "C2")
	require.Contains(t, d.read("drone.jsonl"), "EnvelopedVerifiableCredential")

	before := d.read("drone.jsonl")
	r = d.run("", "issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", d.id,
		"--chain", "drone.jsonl", "--entry", "observe", "--outcome", "good", "--format", "vc+sd-jwt", "--decoys", "2", "--disclosable", "/credentialSubject/maintenance/activity")
	require.NotEqual(t, exitOK, r.code)
	require.Contains(t, r.stderr, "part")
	require.Equal(t, before, d.read("drone.jsonl"))
}

// A workshop revokes: whoever asks its list learns it, and whoever does not knows
// that it was not asked.
func TestStatusListsAndBundles(t *testing.T) {
	s := newShop(t)
	list := "list.json"
	s.ok("status", "create", list, "--url", s.url+"/"+list, "--key", "workshop")
	entry := s.ok("status", "take", list)
	s.write("status.json", entry)
	s.issue("vc.json", "--members", "status.json")
	var taken struct {
		CredentialStatus struct{ StatusListIndex string }
	}
	require.NoError(t, json.Unmarshal([]byte(entry), &taken))
	index := taken.CredentialStatus.StatusListIndex
	online := append([]string{"verify", "vc.json", "--online", "--json"}, s.network...)

	r := s.run("", "verify", "vc.json")
	require.Equal(t, exitUnchecked, r.code)
	require.Contains(t, r.stdout, "--online")
	require.Zero(t, s.hits.Load(), "nothing is fetched unasked")
	out := decode[Verification](t, s.run("", online...))
	require.Equal(t, Valid, out.Verdict, out.Problems)
	require.Equal(t, "revocation", out.Credentials[0].Status[0].Purpose)
	require.False(t, out.Credentials[0].Status[0].AsOf.IsZero())
	require.EqualValues(t, 1, s.hits.Load())

	// Packed while it was good, it verifies where no network is, and says how old it is.
	s.ok(append([]string{"bundle", "vc.json", "--online", "-o", "evidence.json"}, s.network...)...)
	hits := s.hits.Load()
	out = decode[Verification](t, s.run("", "verify", "--offline", "evidence.json", "--json"))
	require.Equal(t, Valid, out.Verdict, out.Problems)
	require.Len(t, out.Evidence, 1)
	require.Equal(t, s.url+"/"+list, out.Evidence[0].Name)
	require.True(t, out.Evidence[0].Used)
	require.EqualValues(t, "signed", out.Evidence[0].Basis)
	require.Contains(t, s.ok("bundle", "show", "evidence.json"), list)

	// Later its list is too old, unless the reader says otherwise.
	r = s.run("", "verify", "--offline", "evidence.json", "--at", "2099-01-01")
	require.Equal(t, exitUnchecked, r.code, r.stdout)
	require.Contains(t, r.stdout, "too old")
	r = s.run("", "verify", "--offline", "evidence.json", "--at", "2099-01-01", "--stale", "999999h")
	require.Equal(t, exitOK, r.code, r.stdout)
	require.Equal(t, hits, s.hits.Load(), "--offline asks nobody")

	// Revoked: online it is refused, and the old bundle still says what it said.
	r = s.run("", "status", "set", list, index, "1", "--key", "drone")
	require.Equal(t, exitError, r.code)
	require.Contains(t, r.stderr, "nobody would believe it")
	s.ok("status", "set", list, index, "1", "--key", "workshop")
	require.Contains(t, s.ok("status", "show", list), "  "+index+": 1")
	const list2 = "copy.json"
	s.write(list2, s.read(list))
	s.write(list2+takenEnding, s.read(list+takenEnding))
	number, err := strconv.Atoi(index)
	require.NoError(t, err)
	free := strconv.Itoa(number ^ 1)
	r = s.run("", online...)
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stdout, "revoked")
	r = s.run("", append([]string{"bundle", "vc.json", "--online", "-o", "late.json"}, s.network...)...)
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stderr, "nothing was packed")
	require.NoFileExists(t, filepath.Join(s.dir, "late.json"))

	// Somebody puts another list into the bundle: his own, and one with a bit turned.
	text := s.read("evidence.json")
	i := strings.Index(text, "encodedList")
	require.Positive(t, i)
	forged := text[:i+40] + string(text[i+40]^1) + text[i+41:]
	s.write("forged.json", forged)
	r = s.run("", "verify", "--offline", "forged.json")
	require.Equal(t, exitUnchecked, r.code, r.stdout)

	// A list that is gone, and one that is no list.
	require.NoError(t, os.Rename(filepath.Join(s.dir, list), filepath.Join(s.dir, "moved.json")))
	require.Equal(t, exitUnchecked, s.run("", online...).code)
	s.write(list, "{}")
	require.Equal(t, exitUnchecked, s.run("", online...).code)

	for _, tt := range []struct {
		name, says string
		args       []string
	}{
		{"a list that is there", "exists", []string{"status", "create", list, "--url", s.url, "--key", "workshop"}},
		{"a list too short", "131072", []string{"status", "create", "short.json", "--url", s.url, "--key", "workshop", "--entries", "8"}},
		{"a revocation taken back", "for good", []string{"status", "set", list2, index, "0", "--key", "workshop"}},
		{"an index that no credential has", "never taken", []string{"status", "set", list2, free, "1", "--key", "workshop"}},
		{"a list without its value", "use it as hourmeter status set LIST INDEX VALUE", []string{"status", "set", list2, index, "--key", "workshop"}},
		{"a key that is none", "hourmeter key list", []string{"status", "set", list2, index, "1", "--key", "wrokshop"}},
		{"an index that is none", "no index", []string{"status", "set", "moved.json", "first", "1", "--key", "workshop"}},
		{"an index beyond the end", strconv.Itoa(1 << 20), []string{"status", "set", "moved.json", strconv.Itoa(1 << 20), "1", "--key", "workshop"}},
		{"no book of what is taken", "is missing", []string{"status", "take", "moved.json"}},
		{"a pin that is none", "not name=digest", []string{"verify", "--offline", "evidence.json", "--pin", "did:web:shop.example"}},
		{"a pin without a digest", "--pin", []string{"verify", "--offline", "evidence.json", "--pin", "did:web:shop.example=abc"}},
		{"both online and offline", "online", []string{"verify", "vc.json", "--online", "--offline"}},
	} {
		r := s.run("", tt.args...)
		require.Equal(t, exitError, r.code, tt.name)
		require.Contains(t, r.stderr, tt.says, tt.name)
	}
	s.write("broken.json", `{"hourmeterBundle": 2}`)
	require.Equal(t, exitInvalid, s.run("", "verify", "broken.json").code)
	require.Equal(t, exitInvalid, s.run("", "bundle", "show", "broken.json").code)
}
