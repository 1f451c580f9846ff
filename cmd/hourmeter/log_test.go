package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificate writes a certificate for 127.0.0.1 that vouches for itself.
func (b *bench) certificate() {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(b.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(b.t, err)
	b.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	b.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// start runs a command that serves, and returns what it prints once it does, and how to stop it:
// gently, and it has to end well.
func (b *bench) start(args ...string) (LogServing, func()) {
	b.t.Helper()
	args = append(args, "--json", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = b.dir, b.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(b.t, err)
	require.NoError(b.t, cmd.Start())
	var s LogServing
	err = json.NewDecoder(stdout).Decode(&s)
	if err != nil {
		cmd.Wait()
		b.t.Fatalf("%v: %v: %s", args, err, stderr.String())
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			b.t.Errorf("%v: %v: %s", args, err, stderr.String())
		}
	}
	b.t.Cleanup(stop)
	return s, stop
}

// An operator's log with three witnesses, of which two have to agree, on a drone's bench.
type logBench struct {
	*drone
	log       LogMade
	url       string
	witnesses []string // KEY@URL
	stop      func()
	network   []string // flags
	trust     []string // flags
}

func newLogBench(t *testing.T) *logBench {
	b := &logBench{drone: newDrone(t)}
	b.certificate()
	b.network = []string{"--ca", "cert.pem", "--allow-address", "127.0.0.1"}
	b.log = decode[LogMade](t, b.run("", "log", "init", "log", "--origin", "log.example/machines", "--key", "log", "--json"))
	b.trust = append(b.trust, "--log-key", b.log.Key, "--quorum", "2")
	for _, name := range []string{"w1", "w2", "w3"} {
		made := decode[LogMade](t, b.run("", "log", "witness", "init", name, "--name", name+".example", "--key", name, "--json"))
		s, _ := b.start("log", "witness", "serve", name, "--log-key", b.log.Key, "--listen", "127.0.0.1:0")
		require.Equal(t, made.Key, s.Key)
		b.witnesses = append(b.witnesses, made.Key+"@https://"+s.Address)
		b.trust = append(b.trust, "--witness", made.Key)
	}
	b.serve("127.0.0.1:0")
	return b
}

func (b *logBench) serve(listen string) {
	b.t.Helper()
	args := []string{"log", "serve", "log", "--listen", listen, "--accept", b.maker, "--accept", b.workshop, "--every", "10ms"}
	for _, w := range b.witnesses {
		args = append(args, "--witness", w)
	}
	s, stop := b.start(append(args, b.network...)...)
	b.url, b.stop = "https://"+s.Address, stop
}

// with returns a command line with the flags that say what to trust, and how to get there.
func (b *logBench) with(args ...string) []string {
	return append(append(args, b.trust...), b.network...)
}

func TestLog(t *testing.T) {
	b := newLogBench(t)

	// 1. Into the log, and asked about.
	r := b.run("", b.with("log", "add", "drone.jsonl", "--to", b.url, "--json")...)
	require.Equal(t, exitOK, r.code, r.stdout+r.stderr)
	added := decode[LogAdded](t, r)
	require.Equal(t, [2]int64{5, 5}, [2]int64{added.Records[0].Entries, added.Records[0].Added})
	require.Len(t, strings.TrimSpace(b.read("drone.salt")), 43)
	info, err := os.Stat(filepath.Join(b.dir, "drone.salt"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	r = b.run("", b.with("log", "add", "drone.jsonl", "--to", b.url, "--json")...)
	require.Equal(t, int64(0), decode[LogAdded](t, r).Records[0].Added, "it can be run again")

	ask := b.with("verify", "drone.jsonl", "--log", b.url, "--json")
	v := decode[Verification](t, b.run("", ask...))
	require.Equal(t, Valid, v.Verdict)
	require.Equal(t, "C4", v.Records[0].Class)
	require.Equal(t, int64(4), v.Records[0].Log.Newest)
	require.Contains(t, b.ok(b.with("verify", "drone.jsonl", "--log", b.url)...), "log.example/machines holds 5 entries")
	stale := decode[Verification](t, b.run("", append(ask, "--max-age", "1ns")...))
	require.Equal(t, "C3", stale.Records[0].Class)
	for _, where := range []string{"log", "kept"} { // a folder; and without a network
		v := decode[Verification](t, b.run("", b.with("verify", "drone.jsonl", "--log", where, "--json")...))
		require.Equal(t, "C4", v.Records[0].Class, where)
	}
	s := decode[Scores](t, b.run("", b.with("score", "drone.jsonl", "--log", b.url, "--json")...))
	require.Equal(t, "C4", s.Machines[0].Score.Completeness.String())

	// Packed with what the log holds, the record shows its end wherever no network is.
	b.ok("bundle", "drone.jsonl", "--kept", "drone.kept.json", "-o", "evidence.json")
	packed := decode[Verification](t, b.run("", b.with("verify", "--offline", "evidence.json", "--json")...))
	require.Equal(t, Valid, packed.Verdict, packed.Problems)
	require.Equal(t, "C4", packed.Records[0].Class)
	require.Equal(t, "log", packed.Evidence[0].Kind)
	b.ok("present", "challenge", "--domain", "lease.example", "-o", "ch.json")
	b.ok("present", "drone.jsonl", "--key", "drone", "--challenge", "ch.json", "-o", "shown.json")
	b.ok("bundle", "shown.json", "--challenge", "ch.json", "--kept", "drone.kept.json", "-o", "deal.json")
	packed = decode[Verification](t, b.run("", b.with("verify", "--offline", "deal.json", "--json")...))
	require.Equal(t, Valid, packed.Verdict, packed.Problems)
	require.Equal(t, "C4", packed.Records[0].Class)
	require.False(t, packed.Holder.IsZero())
	require.True(t, packed.Packers, "who asked is the packer's word")
	packed = decode[Verification](t, b.run("", b.with("verify", "--offline", "deal.json", "--challenge", "ch.json", "--json")...))
	require.False(t, packed.Packers)
	require.Equal(t, exitInvalid, b.run("", b.with("verify", "--offline", "deal.json", "--nonce", "another", "--domain", "lease.example")...).code)
	unnamed := b.run("", "verify", "--offline", "evidence.json")
	require.Equal(t, exitUnchecked, unnamed.code)
	require.Contains(t, unnamed.stdout, "--log-key")

	// 2. A record that grows is behind in the log until it is added again. Then its end cannot be
	// left off.
	short := b.read("drone.jsonl")
	b.service()
	require.Equal(t, int64(1), decode[LogAdded](t, b.run("", b.with("log", "add", "drone.jsonl", "--to", b.url, "--json")...)).Records[0].Added)
	b.write("short.jsonl", short)
	b.write("short.salt", b.read("drone.salt"))
	r = b.run("", b.with("verify", "short.jsonl", "--log", b.url, "--json")...)
	require.Equal(t, exitInvalid, r.code)
	v = decode[Verification](t, r)
	require.Equal(t, "gap", v.Problems[0].Kind)
	require.Equal(t, int64(1), v.Problems[0].Missing)
	require.Equal(t, int64(5), *v.Problems[0].Sequence)
	require.Equal(t, "C1", v.Records[0].Class)
	require.Contains(t, b.run("", b.with("verify", "short.jsonl", "--log", b.url)...).stdout, "the end is withheld: the log log.example/machines holds 1 more entry")
	r = b.run("", b.with("score", "short.jsonl", "--log", b.url, "--json")...)
	require.Equal(t, exitInvalid, r.code)
	require.Equal(t, "C1", decode[Scores](t, r).Machines[0].Score.Completeness.String())

	// 3. A rival entry finds its place taken.
	b.write("rival.jsonl", short)
	b.write("rival.salt", b.read("drone.salt"))
	b.ok("issue", "service.json", "--type", "MaintenanceCredential", "--key", "workshop", "--subject", b.id,
		"--chain", "rival.jsonl", "--entry", "observe", "--outcome", "breach")
	r = b.run("", b.with("log", "add", "rival.jsonl", "--to", b.url)...)
	require.Equal(t, exitInvalid, r.code)
	require.Contains(t, r.stdout, "holds")
	r = b.run("", b.with("verify", "rival.jsonl", "--log", b.url)...)
	require.Equal(t, exitInvalid, r.code, r.stdout)

	// 4. Who is not accepted is refused.
	b.ok("key", "create", "stranger")
	b.ok("issue", "birth.json", "--type", "CommissioningCredential", "--key", "stranger", "--subject", b.id, "--chain", "strange.jsonl", "--entry", "commission")
	r = b.run("", b.with("log", "add", "strange.jsonl", "--to", b.url, "--json")...)
	require.Equal(t, exitRefused, r.code, r.stdout+r.stderr)
	require.Contains(t, decode[LogAdded](t, r).Problems[0].Message, "403")

	// 5. All of the log is in order, and goes on from what was seen.
	check := b.with("log", "check", b.url, "--log-state", "seen", "--json")
	c := decode[LogChecked](t, b.run("", check...))
	require.Equal(t, int64(6), c.Size)
	require.Len(t, c.Witnesses, 3)
	require.Contains(t, b.read("seen"), "log.example/machines")
	require.Equal(t, exitOK, b.run("", check...).code)
	require.Equal(t, exitOK, b.run("", b.with("log", "check", "log")...).code)
	other := b.with("log", "check", b.url)
	for i, arg := range other {
		if arg == "--log-key" {
			other[i+1] = strings.Replace(other[i+1], "log.example", "other.example", 1)
		}
	}
	require.Equal(t, exitError, b.run("", other...).code, "a key that was not copied whole")

	// 6. While the log is down nothing is known; what was kept is known still.
	busy := b.run("", b.with("log", "add", "drone.jsonl", "--to", "log")...)
	require.Equal(t, exitError, busy.code)
	require.Contains(t, busy.stderr, "KEY@URL")
	b.stop()
	r = b.run("", b.with("verify", "drone.jsonl", "--log", b.url, "--json")...)
	require.Equal(t, exitUnchecked, r.code)
	v = decode[Verification](t, r)
	require.Equal(t, "log", v.Problems[0].Kind)
	require.Equal(t, "C2", v.Records[0].Class)
	require.Equal(t, exitOK, b.run("", b.with("verify", "drone.jsonl", "--log", "kept")...).code)

	// 7. Its operator adds to the folder, with the witnesses asked from here; then it is up again.
	b.service()
	operator := append([]string{"log", "add", "drone.jsonl", "--to", "log", "--log-key", b.log.Key, "--quorum", "2", "--json"}, b.network...)
	for _, w := range b.witnesses {
		operator = append(operator, "--witness", w)
	}
	r = b.run("", operator...)
	require.Equal(t, exitOK, r.code, r.stdout+r.stderr)
	require.Equal(t, int64(7), decode[LogAdded](t, r).Records[0].Entries)
	b.serve(strings.TrimPrefix(b.url, "https://"))
	v = decode[Verification](t, b.run("", ask...))
	require.Equal(t, "C4", v.Records[0].Class)
	require.Equal(t, int64(6), v.Records[0].Log.Newest)
}

// A fleet goes into a log as a whole, and is asked about as a whole.
func TestLogFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: imports a year of a fleet")
	}
	b := newLogBench(t)
	mapping, err := filepath.Abs("../../examples/fleet/mapping.json")
	require.NoError(t, err)
	b.ok("import", mapping, "fleet")
	b.stop()
	args := []string{"log", "serve", "log", "--listen", "127.0.0.1:0", "--accept", "any", "--every", "10ms"}
	for _, w := range b.witnesses {
		args = append(args, "--witness", w)
	}
	s, _ := b.start(append(args, b.network...)...)
	b.url = "https://" + s.Address
	r := b.run("", b.with("log", "add", "fleet", "--to", b.url, "--json")...)
	require.Equal(t, exitOK, r.code, r.stdout+r.stderr)
	added := decode[LogAdded](t, r)
	require.Len(t, added.Records, 10)
	for _, r := range added.Records {
		require.Equal(t, r.Entries, r.Added)
	}
	v := decode[Verification](t, b.run("", b.with("verify", "fleet", "--log", b.url, "--json")...))
	require.Equal(t, Valid, v.Verdict)
	for _, r := range v.Records {
		require.Equal(t, "C4", r.Class)
	}
}

func TestLogUsage(t *testing.T) {
	d := newDrone(t)
	d.ok("log", "init", "log", "--origin", "log.example", "--key", "log")
	d.ok("log", "witness", "init", "w", "--name", "w.example", "--key", "w")
	key := decode[LogMade](t, d.run("", "log", "init", "log2", "--origin", "log2.example", "--key", "log2", "--json")).Key
	witness := decode[LogMade](t, d.run("", "log", "witness", "init", "w2", "--name", "w2.example", "--key", "w2", "--json")).Key
	trust := " --log-key " + key + " --witness " + witness
	for _, tt := range []struct {
		name string
		code int
		says string
		args string
	}{
		{"twice", 1, "already", "log init log --origin log.example --key log"},
		{"without a name", 1, "--origin", "log init new --key log"},
		{"a name that breaks notes", 1, "not allowed", "log init new --origin a+b --key new"},
		{"serve what is no log", 1, "no log is in", "log serve keys"},
		{"serve a witness as a log", 1, "not a log", "log serve w"},
		{"serve a log as a witness", 1, "not a witness", "log witness serve log --log-key " + key},
		{"a witness of nothing", 1, "--log-key is required", "log witness serve w"},
		{"serve to others without TLS", 1, "--tls-cert", "log serve log --listen 0.0.0.0:0"},
		{"serve to others by name without TLS", 1, "--tls-cert", "log serve log --listen localhost:0"},
		{"half of TLS", 1, "go together", "log serve log --listen 127.0.0.1:0 --tls-cert x"},
		{"an address that is none", 1, "--listen", "log serve log --listen 8443"},
		{"accept what is no DID", 1, "--accept", "log serve log --accept everybody"},
		{"a witness without a URL", 1, "KEY@URL", "log serve log --witness " + witness},
		{"a witness that is none", 1, "no verifier key", "log serve log --witness w1@https://x.example"},
		{"a log without whose word", 1, "--log needs", "verify drone.jsonl --log https://log.example"},
		{"whose word without a log", 1, "--log is required", "verify drone.jsonl --log-key " + key},
		{"a log by http", 1, "https://", "verify drone.jsonl --log http://log.example" + trust},
		{"a log that is no folder", 1, "no such folder", "verify drone.jsonl --log nowhere" + trust},
		{"a network that is none", 1, "--allow-address", "verify drone.jsonl --log https://log.example --allow-address all" + trust},
		{"authorities that are none", 1, "no certificate", "verify drone.jsonl --log https://log.example --ca birth.json" + trust},
		{"a log for a claim", 1, "is no record", "verify birth.json --log https://log.example" + trust},
		{"add to nothing", 1, "are required", "log add drone.jsonl"},
		{"without the salt", 3, "drone.salt", "verify drone.jsonl --log log2" + trust},
		{"nothing kept", 3, "drone.kept.json", "verify drone.jsonl --log kept" + trust},
		{"a private address", 3, "not public", "log check https://127.0.0.1:2" + trust},
		{"a log that no witness has cosigned", 3, "not cosigned", "log check log2" + trust},
		{"a log of another key", 2, "no", "log check log" + trust},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := d.run("", strings.Fields(tt.args)...)
			require.Equal(t, tt.code, r.code, r.stdout+r.stderr)
			require.Contains(t, r.stderr+r.stdout, tt.says)
			if tt.code == exitError {
				require.Empty(t, r.stdout)
			}
		})
	}
}
