package interop

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// What is always shown of a credential, and what its holder chooses to show.
var selections = []struct {
	credential           int
	mandatory, selective []string
}{
	{0, []string{"/issuer"}, []string{"/credentialSubject/incident/severityPermille", "/validFrom"}},
	{0, []string{"/issuer", "/validFrom", "/credentialSubject/incident/category"}, []string{"/name"}},
	{0, []string{}, []string{"/issuer", "/credentialSubject"}},
	{1, []string{"/issuer", "/validUntil"}, []string{"/credentialSubject/alumniOf/1/name", "/credentialSubject/alumniOf/2", "/description"}},
	{1, []string{"/issuer/id", "/credentialSubject/alumniOf/0/name"}, []string{"/credentialSubject/alumniOf/1/years/0", "/credentialSubject/alumniOf/1/years/2", "/evidence/1"}},
	{1, []string{"/issuer", "/evidence", "/credentialSubject/id"}, []string{"/termsOfUse/prohibited/1"}},
	{2, []string{"/issuer", "/issuanceDate"}, []string{"/credentialSubject/incident"}},
}

// ecdsa-sd-2023: a base proof of either side, derived by either side, verified by both.
// Both make the same document of the same pointers.
func TestSelectiveDisclosure(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	for i, s := range selections {
		for name, base := range basesOf(t, p, s.credential, s.mandatory) {
			t.Run(fmt.Sprintf("%d, %s", i, name), func(t *testing.T) {
				p := p.on(t)
				ours, theirs := derivedByBoth(t, p, base, s.selective)
				for by, derived := range map[string][]byte{"derived by us": ours, "derived by them": theirs} {
					p.verifies("verify", object{"document": json.RawMessage(derived)})
					v, err := everything().Verify(t.Context(), derived, vc.AnyIssuer)
					require.NoError(t, err)
					require.True(t, v.Selective())
					for how, bad := range misshown(t, base, derived) {
						t.Run(by+", "+how, func(t *testing.T) {
							p := p.on(t)
							p.denies("verify", object{"document": json.RawMessage(bad)})
							_, err := everything().Verify(t.Context(), bad, vc.AnyIssuer)
							require.ErrorIs(t, err, vc.ErrProof)
						})
					}
				}
				// A base proof is for the holder only.
				p.denies("verify", object{"document": json.RawMessage(base)})
				_, err := everything().Verify(t.Context(), base, vc.AnyIssuer)
				require.ErrorIs(t, err, vc.ErrProof)
			})
		}
	}
}

// Random choices of what is mandatory and what is shown.
func TestRandomSelectiveDisclosure(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	r := rand.New(rand.NewPCG(20, 23))
	for i := range times(30) {
		which := r.IntN(len(credentials))
		all := pointers("", members(t, credential(credentials[which].text, did.DID{}, did.DID{})))
		some := func() (out []string) {
			for _, pointer := range all {
				if r.IntN(6) == 0 && !strings.Contains(pointer, "/@") {
					out = append(out, pointer)
				}
			}
			return out
		}
		mandatory, selective := append(some(), "/issuer", "/credentialSubject/id"), some()
		if slices.Contains(all, "/issuanceDate") {
			mandatory = append(mandatory, "/issuanceDate")
		}
		for name, base := range basesOf(t, p, which, mandatory) {
			t.Run(fmt.Sprintf("%d, %s", i, name), func(t *testing.T) {
				p := p.on(t)
				ours, theirs := derivedByBoth(t, p, base, selective)
				for _, derived := range [][]byte{ours, theirs} {
					p.verifies("verify", object{"document": json.RawMessage(derived)})
					_, err := everything().Verify(t.Context(), derived, vc.AnyIssuer)
					require.NoError(t, err)
				}
			})
		}
	}
}

// basesOf returns a credential with a base proof of each side.
func basesOf(t *testing.T, p *peer, which int, mandatory []string) map[string][]byte {
	t.Helper()
	ours, key := newKey(t, "P-256")
	theirs := p.signs("P-256")
	issuer := vc.Issuer{ID: ours, Key: key, Suite: rdfc.ECDSASD2023{MandatoryPointers: mandatory}, Contexts: contexts(), V1: true}
	mine, err := issuer.AddProof(credential(credentials[which].text, ours, theirs))
	require.NoError(t, err, mandatory)
	yours := p.document("issue", object{
		"document": json.RawMessage(credential(credentials[which].text, theirs, ours)), "cryptosuite": "ecdsa-sd-2023", "key": theirs, "mandatoryPointers": mandatory,
	})
	return map[string][]byte{"our base": mine, "their base": yours}
}

func derivedByBoth(t *testing.T, p *peer, base []byte, selective []string) (ours, theirs []byte) {
	t.Helper()
	if selective == nil {
		selective = []string{}
	}
	ours, err := rdfc.ECDSASD2023{}.Derive(base, selective)
	require.NoError(t, err)
	theirs = p.document("derive", object{"document": json.RawMessage(base), "selectivePointers": selective})
	mine, yours := members(t, ours), members(t, theirs)
	delete(mine, "proof")
	delete(yours, "proof")
	require.Equal(t, yours, mine)
	return ours, theirs
}

// misshown returns a derived credential after what a holder might do to it.
func misshown(t *testing.T, base, derived []byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	with := func(how string, change func(m object)) {
		m := members(t, derived)
		change(m)
		text, err := json.Marshal(m)
		require.NoError(t, err)
		if string(text) != string(marshal(t, members(t, derived))) {
			out[how] = text
		}
	}
	whole := members(t, base)
	for _, name := range slices.Sorted(maps.Keys(whole)) {
		if name == "proof" || name == "@context" {
			continue
		}
		with("with all of "+name+" again", func(m object) { m[name] = whole[name] })
		if name != "issuer" && name != "type" && name != "credentialSubject" && name != "issuanceDate" { // without these it is no credential
			with("without "+name, func(m object) { delete(m, name) })
		}
	}
	with("with a claim altered", func(m object) { m["credentialSubject"].(object)["id"] = "did:example:thief" })
	proof := func(how, name string, value any) {
		with(how, func(m object) { m["proof"].(object)[name] = value })
	}
	proof("with another creation", "created", "2001-01-01T00:00:00Z")
	value := members(t, derived)["proof"].(object)["proofValue"].(string)
	proof("with a signature altered", "proofValue", altered(value, 40))
	proof("with the proof cut", "proofValue", value[:len(value)-8])
	proof("with the base proof", "proofValue", whole["proof"].(object)["proofValue"])
	return out
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return text
}

// pointers returns one to everything below a value.
func pointers(at string, v any) (out []string) {
	switch v := v.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, at+"/"+name)
			out = append(out, pointers(at+"/"+name, v[name])...)
		}
	case []any:
		for i, e := range v {
			out = append(out, fmt.Sprintf("%s/%d", at, i))
			out = append(out, pointers(fmt.Sprintf("%s/%d", at, i), e)...)
		}
	}
	return out
}
