package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

func TestPresentationsWithDataIntegrityProofs(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	for _, s := range suites {
		// Each presentation holds a credential of each side.
		ours, ourKey := newKey(t, s.kind)
		theirs := p.signs(s.kind)
		about := func(holder did.DID) []json.RawMessage {
			text := credential(credentials[0].text, ours, holder)
			mine, err := (&vc.Issuer{ID: ours, Key: ourKey, Suite: s.suite}).AddProof(text)
			require.NoError(t, err)
			yours := p.document("issue", object{"document": json.RawMessage(credential(credentials[0].text, theirs, holder)), "cryptosuite": s.suite.Name(), "key": theirs})
			return []json.RawMessage{mine, yours}
		}
		ask := vc.NewChallenge("lease.example")
		both := func(t *testing.T, shown []byte, holder did.DID) {
			p := p.on(t)
			request := object{"document": json.RawMessage(shown), "challenge": ask.Nonce, "domain": ask.Domain}
			p.verifies("verifyPresentation", request)
			seen, err := everything().VerifyPresentation(t.Context(), shown, ask, vc.IssuedBy(ours, theirs))
			require.NoError(t, err)
			require.Equal(t, holder, seen.Holder())
			require.Len(t, seen.Credentials(), 2)

			for _, bad := range []struct {
				name string
				text []byte
				ask  vc.Challenge
			}{
				{"another challenge", shown, vc.NewChallenge(ask.Domain)},
				{"another domain", shown, vc.Challenge{Nonce: ask.Nonce, Domain: "other.example"}},
				{"an altered challenge", edited(t, shown, ask.Nonce, "other"), vc.Challenge{Nonce: "other", Domain: ask.Domain}},
				{"an altered domain", edited(t, shown, `"`+ask.Domain+`"`, `"other.example"`), vc.Challenge{Nonce: ask.Nonce, Domain: "other.example"}},
				{"an altered credential", edited(t, shown, "300", "301"), ask},
				{"another altered credential", last(shown, ":300", ":301"), ask},
				{"a stripped holder", edited(t, shown, `"holder":`, `"holderr":`), ask},
			} {
				request := object{"document": json.RawMessage(bad.text), "challenge": bad.ask.Nonce, "domain": bad.ask.Domain}
				t.Run(bad.name, func(t *testing.T) {
					p := p.on(t)
					p.denies("verifyPresentation", request)
					_, err := everything().VerifyPresentation(t.Context(), bad.text, bad.ask, vc.AnyIssuer)
					require.Error(t, err)
				})
			}
		}
		t.Run(s.name+", we present", func(t *testing.T) {
			shown, err := (&vc.Holder{ID: ours, Key: ourKey, Suite: s.suite}).Present(ask, bytesOf(about(ours))...)
			require.NoError(t, err)
			both(t, shown, ours)
		})
		t.Run(s.name+", they present", func(t *testing.T) {
			p := p.on(t)
			shown := p.document("present", object{"credentials": about(theirs), "holder": theirs, "challenge": ask.Nonce, "domain": ask.Domain, "cryptosuite": s.suite.Name(), "key": theirs})
			both(t, shown, theirs)
		})
	}
}

// What else is shown: a credential of VCDM 1.1, in a presentation of either version,
// and a part of a credential.
func TestPresentationsOfOtherCredentials(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	for _, s := range suites {
		if !strings.Contains(s.name, "rdfc") {
			continue // a presentation of VCDM 1.1 has no context for proofs over JSON
		}
		ours, key := newKey(t, s.kind)
		theirs := p.signs(s.kind)
		old := func(holder did.DID) []byte {
			return p.document("issue", object{"document": json.RawMessage(credential(credentials[2].text, theirs, holder)), "cryptosuite": s.suite.Name(), "key": theirs})
		}
		part := func(holder did.DID) []byte {
			issuer, key := newKey(t, "P-256")
			suite := rdfc.ECDSASD2023{MandatoryPointers: []string{"/issuer", "/credentialSubject/id"}}
			base, err := (&vc.Issuer{ID: issuer, Key: key, Suite: suite}).AddProof(credential(credentials[0].text, issuer, holder))
			require.NoError(t, err)
			derived, err := suite.Derive(base, []string{"/credentialSubject/incident/severityPermille"})
			require.NoError(t, err)
			return derived
		}
		ask := vc.NewChallenge("lease.example")
		both := func(t *testing.T, shown []byte, holder did.DID) *vc.Presentation {
			p := p.on(t)
			p.verifies("verifyPresentation", object{"document": json.RawMessage(shown), "challenge": ask.Nonce, "domain": ask.Domain})
			v, err := everything().VerifyPresentation(t.Context(), shown, ask, vc.AnyIssuer)
			require.NoError(t, err)
			require.Equal(t, holder, v.Holder())
			bad := edited(t, shown, ":300", ":301")
			p.denies("verifyPresentation", object{"document": json.RawMessage(bad), "challenge": ask.Nonce, "domain": ask.Domain})
			_, err = everything().VerifyPresentation(t.Context(), bad, ask, vc.AnyIssuer)
			require.ErrorIs(t, err, vc.ErrProof)
			return v
		}
		t.Run(s.name+", we present both", func(t *testing.T) {
			shown, err := (&vc.Holder{ID: ours, Key: key, Suite: s.suite}).Present(ask, old(ours), part(ours))
			require.NoError(t, err)
			v := both(t, shown, ours)
			require.Equal(t, vc.VCDM1, v.Credentials()[0].DataModel())
			require.True(t, v.Credentials()[1].Selective())
		})
		for _, version := range []float64{1, 2} {
			t.Run(fmt.Sprintf("%s, they present in version %v", s.name, version), func(t *testing.T) {
				p := p.on(t)
				list := []json.RawMessage{old(theirs)}
				if version == 2 {
					list = append(list, part(theirs))
				}
				v := both(t, p.document("present", object{
					"credentials": list, "holder": theirs, "version": version, "challenge": ask.Nonce, "domain": ask.Domain, "cryptosuite": s.suite.Name(), "key": theirs,
				}), theirs)
				require.Len(t, v.Credentials(), len(list))
			})
		}
	}
}

func bytesOf(list []json.RawMessage) (out [][]byte) {
	for _, raw := range list {
		out = append(out, raw)
	}
	return out
}

// last replaces the last old in text.
func last(text []byte, old, new string) []byte {
	i := bytes.LastIndex(text, []byte(old))
	return slices.Concat(text[:i], []byte(new), text[i+len(old):])
}
