package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What goes wrong with an identifier is said with whose it is, what it is, and what to do.
func TestDIDMessages(t *testing.T) {
	d := newDepot(t)
	log := d.lines("drone/did.jsonl")
	d.ok("did", "update", "drone", "--add-alias", "urn:drone:7")
	whole := d.read("drone/did.jsonl")
	d.write("empty-line.jsonl", log[0]+"\n\n")
	d.write("broken.jsonl", strings.Replace(whole, "urn:drone:7", "urn:drone:8", 1))
	d.write("other.json", `{"id": "did:web:fleet.example"}`)
	long := strings.TrimSpace(d.ok("did", "create", "--method", "peer", "--numalgo", "4", "--key", "machine"))
	names := strings.NewReplacer("ID", d.id, "LONG", long, "SHORT", long[:strings.LastIndexByte(long, ':')])
	for _, tt := range []struct {
		name, args string
		code       int
		says       []string
	}{
		{"a broken log", "did log broken.jsonl", exitInvalid, []string{"broken.jsonl: webvh: entry 2 ", "invalid: 1 version before that"}},
		{"an empty line", "did log empty-line.jsonl", exitInvalid, []string{"entry 2: json: is an empty line"}},
		{"another file", "did log other.json", exitInvalid, []string{"other.json is no log of a did:webvh"}},
		{"the latest of a broken log", "did resolve ID --did-log broken.jsonl", exitInvalid, []string{"--did-log broken.jsonl: webvh: entry 2 "}},
		{"a version before it broke", "did resolve ID --did-log broken.jsonl --version-number 1", exitOK, []string{"#key-1"}},
		{"another DID than that of a broken log", "did resolve did:webvh:QmX:a.example --did-log broken.jsonl", exitUnchecked, []string{"no --did-log is of did:webvh:QmX:a.example"}},
		{"an alias that is no URI", "did update drone --add-alias drone-7", exitError, []string{`"drone-7" is no URI`}},
		{"more approvals than witnesses", "did create --method webvh --host x.example --key owner --witness machine --threshold 2 --out new", exitError, []string{"--threshold: 2 of 1 witness"}},
		{"a key without a name", "did key ID", exitError, []string{"names no key", "#key-1"}},
		{"a certified machine without certificates", "did resolve did:x509:0:sha256:WE4P5dd8DnLHSkyHaIjhp4udlkF9LqoKwCvu9gl38jk::subject:CN:x", exitUnchecked, []string{"pass it with --x509-chain"}},
		{"an address of this machine", "did resolve did:web:fleet.example --online --dns fleet.example=127.0.0.1", exitUnchecked, []string{"127.0.0.1 is not public", "pass --allow-address"}},
		{"a signer whose key has no name", "issue other.json --type MaintenanceCredential --key machine --as ID", exitError, []string{"--method is required", "#key-1"}},
		{"a key that is not there", "did key ID#key-9 --did-log drone", exitInvalid, []string{"has no key ID#key-9; it has #key-1"}},
		{"a short form", "did resolve SHORT", exitUnchecked, []string{"ask its holder for it", "pass it with --long-form"}},
		{"a short form, with the long one", "did resolve SHORT --long-form LONG", exitOK, []string{`"id": "SHORT"`}},
		{"a long form that is none", "did resolve SHORT --long-form ID", exitError, []string{"--long-form: "}},
	} {
		r := d.run("", strings.Fields(names.Replace(tt.args))...)
		require.Equal(t, tt.code, r.code, "%s: %s%s", tt.name, r.stdout, r.stderr)
		for _, says := range tt.says {
			require.Contains(t, r.stdout+r.stderr, names.Replace(says), tt.name)
		}
	}
	require.Equal(t, whole, d.read("drone/did.jsonl"), "nothing was changed")
}

// An RSA key gets no name of ours, and is shown where others have named one.
func TestDIDKeyOfRSA(t *testing.T) {
	const id = "did:key:z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4G7Rou3iBf9vPmT5dbkm9qsZsuVNjq8HCuW1w24nhBFGkRE4cd2Uf2tfrB3N7h4mnyPp1BF3ZttHTYv3DLUPi1zMdkULiow3M1GfXkoC6DoxDUm1jmN6GBj22SjVsr6dxezRVQc7aj9TxE7JLbMH1wh5X3kA58H3DFW8rnYMakFGbca5CB2Jf6CnGQZmL7o5uJAdTwXfy2iiiyPxXEGerMhHwhjTA1mKYobyk2CpeEcmvynADfNZ5MBvcCS7m3XkFCMNUYBS9NQ3fze6vMSUPsNa6GVYmKx2x6JrdEjCk3qRMMmyjnjCMfR4pXbRMZa3i" // did:key, "RSA 2048-bit"
	_, key, _ := strings.Cut(id, "did:key:")
	out := newBench(t).ok("did", "key", id+"#"+key)
	require.Contains(t, out, "RSA, 2048 bits")
	require.NotContains(t, out, "did:key")
}
