package sdjwt

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/vc"
)

func fixedKey(t testing.TB, name string) (did.DID, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed([]byte(name + strings.Repeat(" ", 32-len(name))))
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return id, key
}

// seeds are tokens of every kind, and the challenge that the bound ones answer.
func seeds(t testing.TB) (tokens []string, ch vc.Challenge) {
	lab, labKey := fixedKey(t, "lab")
	machine, machineKey := fixedKey(t, "machine")
	ch = vc.Challenge{Nonce: "n-0S6_WzA2Mj", Domain: "lease.example"}
	f := forger{t: t, id: lab, key: labKey, typ: typVC}
	w3c := f
	w3c.typ = "vc+sd-jwt"
	holder := machineKey.Public()
	plain := f.token(holder, `{"vct":"x","iss":"$iss","cnf":$cnf,"_sd":["$1","decoy"],"list":[{"...":"$2"},{"...":"decoy 2"}]}`,
		`["s","street","Main"]`, `["s","address",{"_sd":["$0"]}]`, `["s",[1,2]]`)
	credential := w3c.token(holder, `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"$iss","cnf":$cnf,"credentialSubject":{"id":"`+
		machine.String()+`","_sd":["$0"]}}`, `["s","name","Lynx 4"]`)
	for _, text := range []string{plain, credential} {
		token, err := Parse([]byte(text))
		require.NoError(t, err)
		bound, err := token.Bind(machineKey, ch, noon)
		require.NoError(t, err)
		tokens = append(tokens, text, bound.String(), string(bound.JSON()))
	}
	return tokens, ch
}

// What Parse takes can be written, read again and chosen from, and says the same.
func FuzzParse(f *testing.F) {
	tokens, _ := seeds(f)
	for _, token := range tokens {
		f.Add([]byte(token))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		token, err := Parse(raw)
		if err != nil {
			return
		}
		for _, text := range []string{token.String(), string(token.JSON())} {
			again, err := Parse([]byte(text))
			require.NoError(t, err)
			require.Equal(t, token.String(), again.String())
			require.Equal(t, token.Payload(), again.Payload())
		}
		checkContent(t, token)
	})
}

// checkContent holds what a token shows against what its parts say.
func checkContent(t *testing.T, token *Token) {
	payload, err := jcs.Canonical(token.Payload())
	require.NoError(t, err)
	for _, d := range token.Disclosures() {
		_, err := resolve(token.root, d.Pointer)
		require.NoError(t, err)
	}
	if token.Bound() {
		return
	}
	all, err := token.Present(pointersOf(token)...)
	require.NoError(t, err)
	same, err := jcs.Canonical(all.Payload())
	require.NoError(t, err)
	require.Equal(t, string(payload), string(same))
	none, err := token.Present()
	require.NoError(t, err)
	require.Empty(t, none.Disclosures())
	require.Equal(t, token.hidden+len(token.shown), all.hidden+len(all.shown))
}

// Claims and disclosures of any kind are put together, or refused; whatever the issuer
// signed, nothing of it is shown twice or in two ways.
func FuzzProcess(f *testing.F) {
	_, key := fixedKey(f, "lab")
	f.Add(`{"_sd":["$0"],"a":[{"...":"$1"},1]}`, `["s","b",{"_sd":["$2"]}]`, `["s",[]]`, `["s","c",null]`)
	f.Add(`{"_sd":["$0","$1"],"_sd_alg":"sha-256"}`, `["s","a",1]`, `["s","A",2]`, `["s","_sd",[]]`)
	f.Add(`{"a":{"a":[{"...":"$0"},{"...":"$1"}]}}`, `["s",{"a":[{"...":"$2"}]}]`, `["s",1]`, `["s",""]`)
	f.Fuzz(func(t *testing.T, claims, one, two, three string) {
		g := forger{t: t, key: key}
		token, err := Parse([]byte(g.token(nil, claims, three, two, one)))
		if err != nil {
			return
		}
		require.NoError(t, token.Verify(key.Public()))
		require.Len(t, token.Disclosures(), 3)
		checkContent(t, token)
	})
}

// Whoever wrote what is verified had the issuer's key, and the holder's where it is bound.
func FuzzVerify(f *testing.F) {
	tokens, ch := seeds(f)
	lab, _ := fixedKey(f, "lab")
	machine, _ := fixedKey(f, "machine")
	signed := map[string]bool{} // by the issuer
	bound := map[string]bool{}  // by the holder
	for _, text := range tokens {
		f.Add([]byte(text))
		token, err := Parse([]byte(text))
		require.NoError(f, err)
		signed[token.signed] = true
		bound[token.String()] = token.Bound()
	}
	verifier := &Verifier{Now: at(noon)}
	credentials := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}
	for _, text := range tokens[1:3] {
		_, err := verifier.VerifyVC(f.Context(), []byte(text), Answering(ch), IssuedBy("x", lab))
		require.NoError(f, err)
	}
	p, err := credentials.VerifyPresentation(f.Context(), []byte(tokens[4]), ch, vc.IssuedBy(lab))
	require.NoError(f, err)
	require.Equal(f, machine, p.Holder())

	f.Fuzz(func(t *testing.T, raw []byte) {
		if v, err := verifier.VerifyVC(t.Context(), raw, AnyBearer(), IssuedBy("x", lab)); err == nil {
			require.True(t, signed[v.token.signed])
		}
		if v, err := verifier.VerifyVC(t.Context(), raw, Answering(ch), IssuedBy("x", lab)); err == nil {
			require.True(t, bound[v.Raw()])
		}
		if v, err := credentials.Verify(t.Context(), raw, vc.IssuedBy(lab)); err == nil {
			token, err := Parse([]byte(v.Raw()))
			require.NoError(t, err)
			require.True(t, signed[token.signed])
		}
		if p, err := credentials.VerifyPresentation(t.Context(), raw, ch, vc.IssuedBy(lab)); err == nil && len(p.Credentials()) > 0 {
			token, err := Parse([]byte(p.Credentials()[0].Raw()))
			require.NoError(t, err)
			require.True(t, bound[token.String()])
		}
	})
}
