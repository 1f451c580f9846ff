// Package interop holds the differential tests: what we sign, another maker's
// implementation verifies, and the other way round.
package interop

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"math"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// A peer is the node process that runs peer.js.
type peer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

func start(t *testing.T) *peer {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("the other implementation is not installed: run npm ci in internal/interop")
	}
	cmd := exec.Command("node", "peer.js")
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
	lines.Buffer(nil, 1<<20)
	return &peer{t, in, lines}
}

func (p *peer) ask(request map[string]any, answer any) {
	p.t.Helper()
	line, err := json.Marshal(request)
	require.NoError(p.t, err)
	_, err = p.in.Write(append(line, '\n'))
	require.NoError(p.t, err)
	require.True(p.t, p.out.Scan(), "the peer ended")
	require.NoError(p.t, json.Unmarshal(p.out.Bytes(), answer))
}

type verdict struct {
	Verified bool
	Error    string
}

var kinds = []struct{ name, suite, curve string }{
	{"Ed25519", "eddsa-jcs-2022", ""},
	{"P-256", "ecdsa-jcs-2019", "P-256"},
	{"P-384", "ecdsa-jcs-2019", "P-384"},
}

func newKey(t *testing.T, kind string) crypto.Signer {
	var key crypto.Signer
	var err error
	switch kind {
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(nil)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	require.NoError(t, err)
	return key
}

var claim = record.Incident{Event: record.Event{
	Category:         record.Failure,
	SeverityPermille: 300,
	Detected:         time.Date(2026, time.March, 1, 6, 0, 0, 0, time.UTC),
}}

func TestTheyVerifyWhatWeSign(t *testing.T) {
	p := start(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			key := newKey(t, k.name)
			id, err := did.NewKey(key.Public())
			require.NoError(t, err)
			raw, err := (&vc.Issuer{ID: id, Key: key}).Issue(&vc.Credential{Subject: id, Claim: claim, Members: map[string]any{"name": "Größe ≥ 1,5 m \u2028 \U0001F681"}})
			require.NoError(t, err)
			var v verdict
			p.ask(map[string]any{"op": "verify", "document": json.RawMessage(raw)}, &v)
			require.True(t, v.Verified, v.Error)
			p.ask(map[string]any{"op": "verify", "document": json.RawMessage(strings.Replace(string(raw), "300", "301", 1))}, &v)
			require.False(t, v.Verified)

			ask := vc.NewChallenge("lease.example")
			shown, err := (&vc.Holder{ID: id, Key: key}).Present(ask, raw)
			require.NoError(t, err)
			p.ask(map[string]any{"op": "verify", "document": json.RawMessage(shown), "challenge": ask.Nonce, "domain": ask.Domain}, &v)
			require.True(t, v.Verified, v.Error)
			p.ask(map[string]any{"op": "verify", "document": json.RawMessage(shown), "challenge": "another", "domain": ask.Domain}, &v)
			require.False(t, v.Verified)
		})
	}
}

func TestWeVerifyWhatTheySign(t *testing.T) {
	p := start(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			var key struct{ PublicKeyMultibase, SecretKeyMultibase string }
			generate := map[string]any{"op": "generate", "cryptosuite": k.suite}
			if k.curve != "" {
				generate["curve"] = k.curve
			}
			p.ask(generate, &key)
			id := "did:key:" + key.PublicKeyMultibase
			pair := map[string]any{"publicKeyMultibase": key.PublicKeyMultibase, "secretKeyMultibase": key.SecretKeyMultibase}

			var signed struct {
				Document json.RawMessage
				Error    string
			}
			credential := map[string]any{
				"@context": []string{vc.ContextCredentials, vc.ContextHourmeter},
				"type":     []string{"VerifiableCredential", claim.CredentialType()},
				"issuer":   id, "validFrom": "2026-03-02T00:00:00Z", "name": "ключ €\u0001",
				"credentialSubject": map[string]any{"id": id, "incident": map[string]any{"category": "failure", "severityPermille": 300, "detected": "2026-03-01T06:00:00Z"}},
			}
			p.ask(map[string]any{"op": "sign", "document": credential, "cryptosuite": k.suite, "key": pair}, &signed)
			require.Empty(t, signed.Error)
			v, err := new(vc.Verifier).Verify(t.Context(), signed.Document, vc.AnyIssuer)
			require.NoError(t, err)
			require.Equal(t, id, v.Issuer().String())
			_, err = new(vc.Verifier).Verify(t.Context(), []byte(strings.Replace(string(signed.Document), "300", "301", 1)), vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)

			ask := vc.NewChallenge("lease.example")
			presentation := map[string]any{
				"@context": []string{vc.ContextCredentials}, "type": []string{"VerifiablePresentation"},
				"holder": id, "verifiableCredential": []json.RawMessage{signed.Document},
			}
			p.ask(map[string]any{"op": "sign", "document": presentation, "cryptosuite": k.suite, "key": pair, "challenge": ask.Nonce, "domain": ask.Domain}, &signed)
			require.Empty(t, signed.Error)
			shown, err := new(vc.Verifier).VerifyPresentation(t.Context(), signed.Document, ask, vc.AnyIssuer)
			require.NoError(t, err)
			require.Len(t, shown.Credentials(), 1)
		})
	}
}

// The canonical forms agree with ECMAScript's own JSON.stringify, from which
// RFC 8785 takes its numbers and strings.
func TestCanonicalFormsAgree(t *testing.T) {
	p := start(t)
	random := mathrand.New(mathrand.NewPCG(8785, 1))
	for i := range 2000 {
		text := value(random, 4)
		var theirs struct{ Text, Error string }
		p.ask(map[string]any{"op": "canonicalize", "text": text}, &theirs)
		require.Empty(t, theirs.Error, text)
		ours, err := jcs.Canonical([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, theirs.Text, string(ours), "case %d: %s", i, text)
	}
}

// value writes a random JSON value: names of several planes, numbers of all sizes.
func value(r *mathrand.Rand, depth int) string {
	text := func() string {
		alphabet := []rune("aZ09_\"\\/\b\f\n\r\t\u0001\u007f\u00e9\u20ac\u2028\ud7ff\ue000\ufb33\U0001F600\U0010FFFF")
		var s []rune
		for range r.IntN(6) {
			s = append(s, alphabet[r.IntN(len(alphabet))])
		}
		b, _ := json.Marshal(string(s))
		return string(b)
	}
	switch k := r.IntN(8); {
	case k < 2 && depth > 0:
		members, seen := []string{}, map[string]bool{}
		for range r.IntN(5) {
			if name := text(); !seen[name] {
				seen[name] = true
				members = append(members, name+" : "+value(r, depth-1))
			}
		}
		return "{ " + strings.Join(members, ",\n") + " }"
	case k < 4 && depth > 0:
		var elements []string
		for range r.IntN(4) {
			elements = append(elements, value(r, depth-1))
		}
		return "[" + strings.Join(elements, " , ") + "]"
	case k < 5:
		return text()
	case k < 6:
		return []string{"true", "false", "null", "-0", "0.0", "1E2", "1e-7", "123456789012345.5", "5e-324", "1.7976931348623157e308"}[r.IntN(10)]
	case k < 7:
		return fmt.Sprint(r.Int64N(1<<53) * int64(1-2*r.IntN(2)))
	default:
		f := r.NormFloat64()
		for range r.IntN(40) {
			f *= []float64{10, 0.1, 7}[r.IntN(3)]
		}
		if size := math.Abs(f); size >= 1<<53 && size < 1e21 {
			f /= 1e30 // would canonicalize to a plain integer that strict JSON refuses
		}
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
}
