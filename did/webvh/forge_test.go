package webvh_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

// A forged entry is one that a dishonest controller, or host, writes: hashed and signed like any other,
// whatever it says.
type forged struct {
	number     int    // 0 means the next
	time       string // "" means a day after the entry before
	params     string
	state      string // "" means that of the entry before
	before     string // what the hash takes for the versionId of the entry before; "" means that
	scid       string // of a first entry; "" means the right one
	left       bool   // "{S}" stands for a placeholder that is not replaced
	key        ed25519.PrivateKey
	method     string                   // of the proof; "" means the key, twice
	more       string                   // members of the proof
	beforeSign func(line string) string // changes what is hashed and signed
	afterSign  func(line string) string
	proofs     int // 0 means one
	suite, typ string
	purpose    string
	proofValue string
}

// text returns an Ed25519 key as a Multikey.
func text(n byte) string {
	s, err := multikey.Encode(key(n).Public())
	if err != nil {
		panic(err)
	}
	return s
}

func hash(text []byte) string {
	digest := sha256.Sum256(text)
	return multikey.EncodeBase58(append([]byte{0x12, 32}, digest[:]...))[1:]
}

func canonical(t testing.TB, text string) []byte {
	b, err := jcs.Canonical([]byte(text))
	require.NoError(t, err, text)
	return b
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// proof returns a proof of text by f.key.
func (f forged) proof(t testing.TB, text []byte) string {
	public, err := multikey.Encode(f.key.Public())
	require.NoError(t, err)
	config := fmt.Sprintf(`{"type":%q,"cryptosuite":%q,"proofPurpose":%q,"verificationMethod":%q%s}`, or(f.typ, "DataIntegrityProof"),
		or(f.suite, "eddsa-jcs-2022"), or(f.purpose, "assertionMethod"), or(f.method, "did:key:"+public+"#"+public), f.more)
	head, digest := sha256.Sum256(canonical(t, config)), sha256.Sum256(text)
	value := multikey.EncodeBase58(ed25519.Sign(f.key, append(head[:], digest[:]...)))
	return strings.TrimSuffix(config, "}") + `,"proofValue":"` + or(f.proofValue, value) + `"}`
}

// add returns the log with the forged entry.
func (f forged) add(t testing.TB, log string) string {
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	var last struct {
		VersionID string
		State     json.RawMessage
	}
	n := len(lines) + 1
	if log == "" {
		n = 1
	} else {
		require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	}
	state := or(f.state, string(last.State))
	body := fmt.Sprintf(`{"versionId":"{ID}","versionTime":%q,"parameters":%s,"state":%s}`, or(f.time, fmt.Sprintf("2026-01-%02dT00:00:00Z", n)), f.params, state)
	if f.beforeSign != nil {
		body = f.beforeSign(body)
	}
	before := or(f.before, last.VersionID)
	if n == 1 {
		if f.left {
			body = strings.ReplaceAll(body, "{S}", "{SCID}")
		}
		scid := or(f.scid, hash(canonical(t, strings.Replace(body, "{ID}", "{SCID}", 1))))
		body = strings.ReplaceAll(body, "{SCID}", scid)
		if f.left {
			body = strings.ReplaceAll(body, "watcher.example/"+scid, "watcher.example/{SCID}")
		}
		before = or(f.before, scid)
	}
	number := f.number
	if number == 0 {
		number = n
	}
	id := fmt.Sprintf("%d-%s", number, hash(canonical(t, strings.Replace(body, "{ID}", before, 1))))
	body = strings.Replace(body, "{ID}", id, 1)
	proofs := []string{}
	for range max(f.proofs, 1) {
		proofs = append(proofs, f.proof(t, canonical(t, body)))
	}
	line := strings.TrimSuffix(body, "}") + `,"proof":[` + strings.Join(proofs, ",") + "]}"
	if f.afterSign != nil {
		line = f.afterSign(line)
	}
	return log + line + "\n"
}

// first and second are what honest entries say.
func first() forged {
	return forged{params: `{"method":"did:webvh:1.0","scid":"{SCID}","updateKeys":["` + text(1) + `"]}`,
		state: `{"id":"did:webvh:{SCID}:fleet.example"}`, key: key(1)}
}

func second() forged { return forged{params: `{}`, key: key(1)} }

// params returns first's parameters and more.
func params(more string) string { return strings.TrimSuffix(first().params, "}") + "," + more + "}" }
