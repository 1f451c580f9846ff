package sdjwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newKey(t testing.TB, alg string) (did.DID, crypto.Signer) {
	var key crypto.Signer
	var err error
	switch alg {
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(nil)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return id, key
}

func b64(text string) string { return base64url.EncodeToString([]byte(text)) }

// A forger signs whatever it is told to.
type forger struct {
	t    testing.TB
	id   did.DID
	key  crypto.Signer
	typ  string
	hash Hash
}

// token signs payload, in which $0, $1, … are the digests of the disclosures, and $iss and
// $cnf are the forger's DID and the holder's key. A disclosure is JSON, or is base64url if it
// does not begin with "[".
func (f forger) token(holder crypto.PublicKey, payload string, disclosures ...string) string {
	f.t.Helper()
	var texts []string
	for i, d := range disclosures {
		for j := range i { // an outer one holds the digests of those before it
			d = strings.ReplaceAll(d, "$"+string(rune('0'+j)), f.hash.sum(texts[j]))
		}
		if strings.HasPrefix(d, "[") {
			d = b64(d)
		}
		texts = append(texts, d)
	}
	for i, text := range texts {
		payload = strings.ReplaceAll(payload, "$"+string(rune('0'+i)), f.hash.sum(text))
	}
	payload = strings.ReplaceAll(payload, "$iss", f.id.String())
	if holder != nil {
		jwk, err := did.MarshalJWK(holder)
		require.NoError(f.t, err)
		payload = strings.ReplaceAll(payload, "$cnf", `{"jwk":`+string(jwk)+`}`)
	}
	signed, err := jws.Sign(f.key, jws.Header{Typ: f.typ, Kid: f.id.URL(f.id.Identifier()).String()}, []byte(payload))
	require.NoError(f.t, err)
	return string(signed) + "~" + strings.Join(append(texts, ""), "~")
}

// signed signs payload under a header with this kid, if there is one, and further members.
func (f forger) signed(kid, payload, members string) string {
	f.t.Helper()
	var extra []jws.Member
	doc, err := strictjson.Parse([]byte("{"+members+"}"), strictjson.Limits{})
	require.NoError(f.t, err)
	for m := range doc.Root().All() {
		extra = append(extra, jws.Member{Name: m.Name(), Value: []byte(m.Raw())})
	}
	signed, err := jws.Sign(f.key, jws.Header{Typ: f.typ, Kid: kid}, []byte(payload), extra...)
	require.NoError(f.t, err)
	return string(signed) + "~"
}

// binding signs a key binding JWT with these claims, in which $hash is that of token.
func (f forger) binding(key crypto.Signer, typ, token, claims string) string {
	f.t.Helper()
	claims = strings.ReplaceAll(claims, "$hash", f.hash.sum(token))
	kb, err := jws.Sign(key, jws.Header{Typ: typ}, []byte(claims))
	require.NoError(f.t, err)
	return string(kb)
}

// reason returns the reason of a refusal, or nil of anything else.
func reason(err error) error {
	if rej, ok := err.(*vc.RejectError); ok {
		return rej.Reason
	}
	return nil
}
