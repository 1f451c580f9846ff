package vc_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
)

// drone returns a holder and three credentials about it.
func drone(t testing.TB, issuer *vc.Issuer) (*vc.Holder, [][]byte) {
	t.Helper()
	key := newKey(t, "Ed25519")
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	var chain [][]byte
	for range 3 {
		raw, err := issuer.Issue(&vc.Credential{Subject: id, Claim: maintenance()})
		require.NoError(t, err)
		chain = append(chain, raw)
	}
	return &vc.Holder{ID: id, Key: key, Now: at(noon)}, chain
}

func TestPresentations(t *testing.T) {
	issuer := newIssuer(t, "P-256")
	holder, chain := drone(t, issuer)
	verifier := &vc.Verifier{Now: at(noon)}
	desk := vc.NewChallenge("lease.example")
	require.NotEqual(t, desk, vc.NewChallenge("lease.example"))

	shown, err := holder.Present(desk, chain...)
	require.NoError(t, err)
	p, err := verifier.VerifyPresentation(t.Context(), shown, desk, vc.IssuedBy(issuer.ID))
	require.NoError(t, err)
	require.Equal(t, holder.ID, p.Holder())
	require.Len(t, p.Credentials(), 3)
	for i, c := range p.Credentials() {
		require.Equal(t, string(chain[i]), c.Raw(), "a credential keeps its own bytes")
	}

	empty, err := holder.Present(desk)
	require.NoError(t, err)
	p, err = verifier.VerifyPresentation(t.Context(), empty, desk, vc.AnyIssuer)
	require.NoError(t, err)
	require.Empty(t, p.Credentials())

	thief, _ := drone(t, issuer)
	good := string(shown)
	swap := func(from, to string) []byte {
		require.Contains(t, good, from)
		return []byte(strings.Replace(good, from, to, 1))
	}
	present := func(h *vc.Holder, ch vc.Challenge, c ...[]byte) []byte {
		raw, err := h.Present(ch, c...)
		require.NoError(t, err)
		return raw
	}
	tampered := []byte(strings.Replace(string(chain[1]), `"value":812`, `"value":312`, 1))
	for _, tt := range []struct {
		name  string
		shown []byte
		want  error
		says  string
		index int // of the credential at fault, or -1
	}{
		{"a replay", present(holder, vc.NewChallenge("lease.example"), chain...), vc.ErrChallenge, "replay", -1},
		{"for another desk", present(holder, vc.Challenge{Nonce: desk.Nonce, Domain: "other.example"}, chain...), vc.ErrDomain, "other.example", -1},
		{"somebody else's record", present(thief, desk, chain...), vc.ErrHolder, "shown by", 0},
		{"a tampered record", present(holder, desk, chain[0], tampered), vc.ErrProof, "does not match", 1},
		{"a record left out afterwards", swap(string(chain[0])+",", ""), vc.ErrProof, "does not match", -1},
		{"another holder's name", swap(`"holder":"`+holder.ID.String(), `"holder":"`+thief.ID.String()), vc.ErrProof, "", -1},
		{"no holder", swap(`"holder":"`+holder.ID.String()+`",`, ""), vc.ErrProof, "signature", -1},
		{"another purpose", swap(`"proofPurpose":"authentication"`, `"proofPurpose":"assertionMethod"`), vc.ErrProof, "proofPurpose", -1},
		{"a credential is no presentation", chain[0], vc.ErrMalformed, "", -1},
		{"a credential as a string", []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"` + holder.ID.String() + `","verifiableCredential":"x"}`), vc.ErrMalformed, "verifiableCredential", -1},
		{"no proof", []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"` + holder.ID.String() + `"}`), vc.ErrProof, "no proof", -1},
		{"not JSON", []byte("hello"), vc.ErrMalformed, "", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifier.VerifyPresentation(t.Context(), tt.shown, desk, vc.AnyIssuer)
			require.ErrorIs(t, err, tt.want)
			require.ErrorContains(t, err, tt.says)
			_, ok := errors.AsType[*vc.RejectError](err)
			require.True(t, ok)
			at := -1
			if c, ok := errors.AsType[*vc.CredentialError](err); ok {
				at = c.Index
			}
			require.Equal(t, tt.index, at)
		})
	}
	t.Run("nobody asked", func(t *testing.T) {
		_, err := verifier.VerifyPresentation(t.Context(), shown, vc.Challenge{}, vc.AnyIssuer)
		require.ErrorContains(t, err, "needs the Nonce")
		_, err = holder.Present(vc.Challenge{Nonce: "n"}, chain...)
		require.ErrorContains(t, err, "needs Nonce and Domain")
	})
	t.Run("two credentials in one argument", func(t *testing.T) {
		_, err := holder.Present(desk, []byte(string(chain[0])+","+string(chain[1])))
		require.ErrorContains(t, err, "1 arguments hold 2")
	})
	t.Run("a credential that goes on to say something for the holder", func(t *testing.T) {
		_, err := holder.Present(desk, []byte(string(chain[0])+`],"id":"https://evil.example","termsOfUse":[{"type":"https://evil.example/IGiveYouTheMachine"}`))
		require.ErrorContains(t, err, "nothing else")
	})
	t.Run("a nonce that is no text", func(t *testing.T) {
		_, err := holder.Present(vc.Challenge{Nonce: "n\",\"evil\":\"\xff", Domain: "d"}, chain...)
		require.Error(t, err)
	})
	t.Run("one of several domains", func(t *testing.T) {
		both := strings.Replace(good, `"domain":"lease.example"`, `"domain":["evil.example","lease.example"]`, 1)
		_, err := verifier.VerifyPresentation(t.Context(), []byte(both), desk, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrDomain)
	})
	t.Run("a credential that is no object", func(t *testing.T) {
		_, err := holder.Present(desk, []byte(`"x"`))
		require.ErrorContains(t, err, "want an object")
	})
}

// The first bad credential is the verdict on a presentation: nobody is kept busy by what comes after
// it, and everything before it was looked at. A report looks at everything.
func TestTheFirstBadCredentialEndsAPresentation(t *testing.T) {
	issuer := newIssuer(t, "Ed25519")
	holder, chain := drone(t, issuer)
	bad := []byte(strings.Replace(string(chain[0]), "proofValue", "proofvalue", 1))
	const n = 400
	verifier := &vc.Verifier{Now: at(noon)}
	ch := vc.NewChallenge("lease.example")
	for _, first := range []int{0, 200} {
		shown := slices.Repeat(chain[:1], n)
		shown[first], shown[n-1] = bad, bad
		raw, err := holder.Present(ch, shown...)
		require.NoError(t, err)
		var good atomic.Int64
		count := func(*vc.Verified) error { good.Add(1); return nil }
		_, err = verifier.VerifyPresentation(t.Context(), raw, ch, count)
		c, ok := errors.AsType[*vc.CredentialError](err)
		require.True(t, ok)
		require.Equal(t, first, c.Index)
		require.GreaterOrEqual(t, int(good.Load()), first)
		require.Less(t, int(good.Load()), n-2)

		good.Store(0)
		report := verifier.ReportPresentation(t.Context(), raw, ch, count)
		require.EqualError(t, report.Err, err.Error())
		require.EqualValues(t, n-2, good.Load())
	}
}
