package interop

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

// Where sd-jwt-js 0.19.0 takes what RFC 9901 refuses, we do as the RFC says.
func TestSDJWTJSTakesWhatTheRFCRefuses(t *testing.T) {
	t.Parallel()
	p := start(t, "sdjwt")
	issuer := p.signs("P-256")
	payload := members(t, []byte(sdKinds[1].payload(issuer, strings.Replace(disclosable, "HOLDER", issuer.String(), 1))))
	raw := string(p.token("issue", object{"typ": "dc+sd-jwt", "payload": payload, "frame": object{"claims": object{"_sd": []string{"name"}}}, "key": issuer}))
	parts := strings.Split(raw, "~")
	invented := base64.RawURLEncoding.EncodeToString([]byte(`["c2FsdHNhbHRzYWx0c2FsdA","admin",true]`))
	for _, bad := range []struct{ name, token string }{
		{"a disclosure that nobody signed (§7.1 step 5)", raw + invented + "~"},
		{"a disclosure twice (§7.1 step 4)", raw + parts[1] + "~"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			p := p.on(t)
			p.ask("verify", object{"typ": "dc+sd-jwt", "token": bad.token}, new(object))
			_, err := new(sdjwt.Verifier).VerifyVC(t.Context(), []byte(bad.token), sdjwt.AnyBearer(), sdjwt.AnyIssuer)
			rejected(t, err)
		})
	}
}

// sd-jwt-js 0.19.0 cannot answer a challenge with an array element, or a claim two
// levels down, inside of a claim that is disclosed itself: making the key binding, it
// forgets them after it has signed their sd_hash (RFC 9901 §4.3.1), and neither it nor
// we take the result. What we make of the same token, both take.
func TestSDJWTJSForgetsWhatIsNestedInADisclosure(t *testing.T) {
	t.Parallel()
	p := start(t, "sdjwt")
	issuer := p.signs("P-256")
	holder, key := newKey(t, "P-256")
	ask := vc.NewChallenge("lease.example")
	present := func(holder did.DID, sign func(token []byte) []byte) []byte {
		public, err := did.Key(t.Context(), nil, holder.URL(holder.Identifier()), did.Authentication, did.Version{})
		require.NoError(t, err)
		jwk, err := did.MarshalJWK(public)
		require.NoError(t, err)
		payload := members(t, []byte(sdKinds[1].payload(issuer, `{"alumniOf":{"courses":["a","b"]}}`)))
		payload["cnf"] = object{"jwk": json.RawMessage(jwk)}
		return sign(p.token("issue", object{
			"typ": "dc+sd-jwt", "payload": payload, "key": issuer,
			"frame": object{"claims": object{"_sd": []string{"alumniOf"}, "alumniOf": object{"courses": object{"_sd": []int{0}}}}},
		}))
	}

	them := p.signs("P-256")
	theirs := present(them, func(token []byte) []byte {
		return p.token("present", object{
			"typ": "dc+sd-jwt", "token": string(token), "show": []any{[]string{"claims.alumniOf.courses", "a"}}, "key": them,
			"nonce": ask.Nonce, "audience": ask.Domain, "iat": time.Now().Unix(),
		})
	})
	p.refuses("verify", object{"typ": "dc+sd-jwt", "token": string(theirs), "nonce": ask.Nonce})
	_, err := sdKinds[1].verify(t, theirs, ask, issuer)
	require.ErrorIs(t, err, vc.ErrProof)

	ours := present(holder, func(token []byte) []byte {
		parsed, err := sdjwt.Parse(token)
		require.NoError(t, err)
		bound, err := parsed.Bind(key, ask, time.Time{})
		require.NoError(t, err)
		return []byte(bound.String())
	})
	p.ask("verify", object{"typ": "dc+sd-jwt", "token": string(ours), "nonce": ask.Nonce}, new(object))
	_, err = new(sdjwt.Verifier).VerifyVC(t.Context(), ours, sdjwt.Answering(ask), sdjwt.AnyIssuer)
	require.NoError(t, err)
}
