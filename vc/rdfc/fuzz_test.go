package rdfc_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/record"
)

// FuzzCanonicalize makes the canonical form of any document, or refuses it: without a panic, and in bounded time. What
// is signed verifies, and what is refused is not signed.
func FuzzCanonicalize(f *testing.F) {
	for _, typ := range record.Types() {
		text, _ := record.Example(typ)
		f.Add(text)
	}
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2",{"p":{"@id":"x:p","@type":"@id"}}],"id":"_:a","p":["_:b",{"id":"_:b","p":["_:a",{}]}]}`))
	f.Add([]byte(`{"@context":["https://www.w3.org/2018/credentials/v1",{"l":{"@id":"x:l","@container":"@list"}}],"l":[1e-7,"a",true,{"l":[]}]}`))
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	contexts := rdfc.Contexts().WithInline()
	suite := rdfc.EdDSARDFC2022{Contexts: contexts}
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := rdfc.Canonicalize(contexts, text, crypto.SHA256)
		again, errAgain := rdfc.Canonicalize(contexts, text, crypto.SHA384)
		require.Equal(t, err == nil, errAgain == nil)
		require.Equal(t, bytes.Count(one, []byte("\n")), bytes.Count(again, []byte("\n"))) // only labels may differ
		options := []byte(`{"cryptosuite":"eddsa-rdfc-2022","type":"DataIntegrityProof"}`)
		value, signErr := suite.Sign(key, text, options)
		if err != nil {
			require.Error(t, signErr)
		}
		if signErr == nil {
			require.NoError(t, suite.Verify(key.Public(), text, options, value))
		}
	})
}

// FuzzVerify gives a verifier anything, with all suites, inline contexts and both data models enabled.
func FuzzVerify(f *testing.F) {
	issuer := newIssuer(f, "Ed25519")
	good := issued(f, issuer)
	f.Add(good)
	f.Add(issued(f, newIssuer(f, "P-256")))
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2",{"p":{"@id":"x:p"}}],"type":"VerifiableCredential","issuer":"did:x:y","credentialSubject":{"p":1},"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-rdfc-2022"}}`))
	contexts := rdfc.Contexts().WithInline()
	v := &vc.Verifier{Suites: rdfc.Suites(contexts), Contexts: contexts, V1: true, Now: at(noon)}
	f.Fuzz(func(t *testing.T, raw []byte) {
		verified, err := v.Verify(t.Context(), raw, vc.AnyIssuer)
		if err == nil {
			require.NotNil(t, verified)
		} else {
			require.Nil(t, verified)
			require.NotEmpty(t, err.Error())
		}
	})
}
