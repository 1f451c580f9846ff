package rdfc_test

import (
	"context"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// The suites of this package sign no names, no contexts and no places. A holder who writes the same statements down in
// another way must not get a credential that seems to have no end, no status and no claims.
func TestHolderCannotHide(t *testing.T) {
	const (
		status = `"credentialStatus":{"id":"https://shop.example/lists/1#7","type":"BitstringStatusListEntry","statusPurpose":"revocation","statusListIndex":"7","statusListCredential":"https://shop.example/lists/1"}`
		until  = `"validUntil":"2026-11-02T00:00:00Z"`
		itself = `{"id":"https://shop.example/c/1"}`
		dates  = `"@type":"http://www.w3.org/2001/XMLSchema#dateTime"`
		listed = `/examples/v2"]`
	)
	issued := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	document := `{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],"id":"https://shop.example/c/1",` +
		`"type":["VerifiableCredential"],"issuer":"` + id.String() + `",` + until + `,` + status +
		`,"credentialSubject":{"id":"did:example:1","hours":5,"paper":` + itself + `,"part":{"id":"urn:part:1","of":{"id":"did:example:1"}}}}`

	for name, c := range map[string]struct {
		inline bool // the verifier takes contexts that are written into the document
		change []string
		want   string
	}{
		"the end at another place": {change: []string{
			until + ",", "", itself, `{"id":"https://shop.example/c/1","type":"VerifiableCredential",` + until + `}`},
			want: "where readers do not look for it"},
		"the status at another place": {change: []string{
			status + ",", "", itself, `{"id":"https://shop.example/c/1","type":"VerifiableCredential",` + status + `}`},
			want: "where readers do not look for it"},
		"the claims at another place": {change: []string{
			`"hours":5,`, "", `"of":{"id":"did:example:1"}`, `"of":{"id":"did:example:1","hours":5}`},
			want: "where readers do not look for it"},
		"the end under another name": {inline: true, change: []string{
			listed, `/examples/v2",{"x":{"@id":"https://www.w3.org/2018/credentials#validUntil",` + dates + `}}]`, `"validUntil"`, `"x"`},
			want: `"x" is another name of validUntil`},
		"the end under another name, by a prefix": {inline: true, change: []string{
			listed, `/examples/v2",{"c":"https://www.w3.org/2018/credentials#","x":{"@id":"c:validUntil",` + dates + `}}]`, `"validUntil"`, `"x"`},
			want: `"x" is another name of validUntil`},
		"the end under another name, by @vocab": {inline: true, change: []string{
			listed, `/examples/v2",{"@vocab":"https://www.w3.org/2018/"}]`, until, `"credentials#validUntil":{"@value":"2026-11-02T00:00:00Z",` + dates + `}`},
			want: "is another name of validUntil"},
		"the index of the status under another name": {inline: true, change: []string{
			listed, `/examples/v2",{"x":"https://www.w3.org/ns/credentials/status#statusListIndex"}]`, `"statusListIndex"`, `"x"`},
			want: `"x" is another name of statusListIndex`},
		"another subject, by a prefix": {inline: true, change: []string{
			listed, `/examples/v2",{"did":{"@id":"https://evil.example/","@prefix":true}}]`},
			want: "a prefix that is a scheme"},
		"the end of the proof under the name that security/v2 has for it": {change: []string{
			listed, `/examples/v2","https://w3id.org/security/v2"]`, `"expires"`, `"expiration"`},
			want: `"expiration" is another name of expires`},
		"the end of the proof under the name that security/v1 has for it": {change: []string{
			listed, `/examples/v2","https://w3id.org/security/v1"]`, `"expires"`, `"expiration"`},
			want: `"expiration" is another name of expires`},
	} {
		t.Run(name, func(t *testing.T) {
			contexts := rdfc.Contexts()
			if c.inline {
				contexts = contexts.WithInline()
			}
			suite := rdfc.EdDSARDFC2022{Contexts: contexts}
			options := `{"type":"DataIntegrityProof","cryptosuite":"eddsa-rdfc-2022","created":"2026-11-01T00:00:00Z","expires":"2026-11-03T00:00:00Z",` +
				`"proofPurpose":"assertionMethod","verificationMethod":"` + id.URL(id.Identifier()).String() + `"}`
			value, err := suite.Sign(key, []byte(document), []byte(options))
			require.NoError(t, err)
			signed := []byte(document[:len(document)-1] + `,"proof":` + options[:len(options)-1] + `,"proofValue":"` + value + `"}}`)
			v := vc.Verifier{Suites: rdfc.Suites(contexts), Contexts: contexts, Now: func() time.Time { return issued }}
			_, err = v.Verify(context.Background(), signed, vc.AnyIssuer)
			require.ErrorContains(t, err, "credentialStatus of type") // nobody to ask: all else is good
			text := string(signed)
			for i := 0; i < len(c.change); i += 2 {
				require.Contains(t, text, c.change[i])
				text = strings.Replace(text, c.change[i], c.change[i+1], 1)
			}
			_, err = v.Verify(context.Background(), []byte(text), vc.AnyIssuer)
			require.ErrorContains(t, err, c.want)
		})
	}
}
