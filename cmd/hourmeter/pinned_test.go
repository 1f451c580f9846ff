package main

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/bundle"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// A context of a bundle that the reader has pinned is one for every suite: those that sign RDF must not call a good
// credential bad because they do not know its words.
func TestPinnedContextOfABundle(t *testing.T) {
	const url, context = "https://depot.example/terms/v1", `{"@context":{"@protected":true,"colour":"https://depot.example/terms#colour"}}`
	b := newBench(t)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	contexts, err := rdfc.Contexts().With(url, []byte(context))
	require.NoError(t, err)
	for _, suite := range []vc.Suite{vc.EdDSAJCS2022{}, rdfc.EdDSARDFC2022{Contexts: contexts}} {
		issuer := vc.Issuer{ID: id, Key: key, Suite: suite, Contexts: contexts}
		signed, err := issuer.AddProof([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2","` + url +
			`"],"type":["VerifiableCredential"],"issuer":"` + id.String() + `","credentialSubject":{"id":"` + id.String() + `","colour":"red"}}`))
		require.NoError(t, err)
		packed, err := (&bundle.Bundle{
			Created: time.Now(), Credentials: [][]byte{signed},
			Documents: []bundle.Document{{URL: url, MediaType: "application/ld+json", Body: []byte(context), Fetched: time.Now()}},
		}).Encode()
		require.NoError(t, err)
		b.write("evidence.json", string(packed))
		r := b.run("", "verify", "--offline", "evidence.json", "--pin", url+"="+bundle.Digest([]byte(context)).String())
		require.Equal(t, exitOK, r.code, "%s: %s", suite.Name(), r.stdout)
		require.Equal(t, exitInvalid, b.run("", "verify", "--offline", "evidence.json").code, suite.Name())
	}
}
