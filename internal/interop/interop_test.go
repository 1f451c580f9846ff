// Package interop holds the differential tests: what we sign, other makers'
// implementations verify, and the other way round; what one side refuses, the
// other refuses too.
//
// The other implementations are packages of npm, run by node as peers: peer.js
// says how. Run npm ci in this folder first. Connections are to loopback only.
package interop

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
)

// A peer is a node process that runs one family of another maker's operations.
type peer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

type object = map[string]any

func start(t *testing.T, family string) *peer {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("the other implementations are not installed: run npm ci in internal/interop")
	}
	cmd := exec.Command("node", "peer.js", family)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		require.NoError(t, cmd.Wait())
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	return &peer{t, in, lines}
}

// on returns the peer for a subtest, which fails instead of its parent.
func (p *peer) on(t *testing.T) *peer { return &peer{t, p.in, p.out} }

// An answer is what an operation returned, or the error that it threw.
type answer struct {
	raw   []byte
	Error string
}

func (p *peer) try(op string, request object) answer {
	p.t.Helper()
	message := object{"op": op}
	for name, value := range request {
		message[name] = value
	}
	line, err := json.Marshal(message)
	require.NoError(p.t, err)
	_, err = p.in.Write(append(line, '\n'))
	require.NoError(p.t, err)
	require.True(p.t, p.out.Scan(), "the peer ended")
	a := answer{raw: append([]byte(nil), p.out.Bytes()...)}
	require.NoError(p.t, json.Unmarshal(a.raw, &a))
	return a
}

// ask wants an answer, into dst.
func (p *peer) ask(op string, request object, dst any) {
	p.t.Helper()
	a := p.try(op, request)
	require.Empty(p.t, a.Error, "%s of the other implementation", op)
	require.NoError(p.t, json.Unmarshal(a.raw, dst))
}

// refuses wants an error.
func (p *peer) refuses(op string, request object) {
	p.t.Helper()
	a := p.try(op, request)
	require.NotEmpty(p.t, a.Error, "the other implementation takes it: %s", a.raw)
}

// signs makes a key in the peer and returns its did:key.
func (p *peer) signs(kind string) did.DID {
	p.t.Helper()
	var made struct{ ID string }
	p.ask("generate", object{"kind": kind}, &made)
	id, err := did.Parse(made.ID)
	require.NoError(p.t, err)
	return id
}

// document asks for an operation that returns a document.
func (p *peer) document(op string, request object) []byte {
	p.t.Helper()
	var made struct{ Document json.RawMessage }
	p.ask(op, request, &made)
	return made.Document
}

// token asks for an operation that returns the text of a token.
func (p *peer) token(op string, request object) []byte {
	p.t.Helper()
	var made struct{ Token string }
	p.ask(op, request, &made)
	return []byte(made.Token)
}

// newKey makes a key of ours, and the did:key that it has.
func newKey(t *testing.T, kind string) (did.DID, crypto.Signer) {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(nil)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "secp256k1":
		key, err = new(keystore.Memory).Create(t.Context(), "secp256k1", keystore.Secp256k1)
	}
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return id, key
}

// times returns n, or a part of it where tests are to be short.
func times(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

// edited returns text with one replacement, which has to find something.
func edited(t *testing.T, text []byte, old, new string) []byte {
	t.Helper()
	require.Contains(t, string(text), old)
	return []byte(strings.Replace(string(text), old, new, 1))
}

// rejected wants err to be a verdict on the input.
func rejected(t *testing.T, err error) {
	t.Helper()
	var reject *vc.RejectError
	require.ErrorAs(t, err, &reject)
}

// members reads a JSON object loosely, for comparing.
func members(t *testing.T, text []byte) object {
	t.Helper()
	var m object
	require.NoError(t, json.Unmarshal(text, &m), "%s", text)
	return m
}
