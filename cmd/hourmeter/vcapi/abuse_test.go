package vcapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/cmd/hourmeter/vcapi"
	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
)

// A challenge that was answered stays answered, whatever comes with it afterwards.
func TestAnsweredChallengeIsNotGivenBack(t *testing.T) {
	h := newHandler(t)
	s := serve(t, h)
	a := s.post("/challenges", `{}`, "Authorization", "")
	challenge := a.object()["challenge"].(string)
	options := `"options":{"challenge":"` + challenge + `"}}`
	a = s.post("/presentations/prove", `{"presentation":{"verifiableCredential":[`+s.issued("", h.Instances[0].Issuer)+`]},"options":{"challenge":"`+challenge+`","domain":"hourmeter"}}`)
	require.Equal(t, http.StatusCreated, a.status, "%s", a.body)
	shown := a.member("verifiablePresentation")
	verify := func(presentation string) int {
		return s.post("/presentations/verify", `{"verifiablePresentation":`+presentation+`,`+options, "Authorization", "").status
	}
	// One that cannot be checked, since nobody knows the DID method, may come again.
	stranger := strings.ReplaceAll(shown, h.Instances[0].Issuer.ID.String(), "did:unheard:1")
	require.Equal(t, http.StatusServiceUnavailable, verify(stranger))
	require.Equal(t, http.StatusOK, verify(shown), "the challenge is still open")
	require.Equal(t, http.StatusBadRequest, verify(shown), "a replay")
	verify(stranger)
	require.Equal(t, http.StatusBadRequest, verify(shown), "a replay, after what could not be checked")
}

// The status that the service gives a credential is always shown, whatever else its client lets the holder leave out.
func TestStatusIsMandatory(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	contexts := rdfc.Contexts()
	sd := rdfc.ECDSASD2023{Contexts: contexts}
	issuer := &vc.Issuer{ID: id, Key: key, Suite: sd, Contexts: contexts}
	lists, err := vcapi.OpenStatusLists(vcapi.StatusConfig{URL: "https://shop.example/status-lists/", Issuer: issuer, Journal: filepath.Join(t.TempDir(), "journal")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lists.Close()) })
	s := serve(t, &vcapi.Handler{
		Instances: []vcapi.Instance{{Issuer: issuer, Tokens: []vcapi.Token{tokenOf(t, secret)}, Statuses: lists, Mandatory: func(pointers []string) vc.Suite {
			return rdfc.ECDSASD2023{Contexts: contexts, MandatoryPointers: pointers}
		}}},
		Derive: sd.Derive, Rate: 1000, TotalRate: 1000,
	})
	for _, options := range []string{`{}`, `{"mandatoryPointers":["/issuer"]}`, `{"mandatoryPointers":["/issuer","/credentialSubject/id"]}`, `{"mandatoryPointers":[]}`} {
		a := s.post("/credentials/issue", `{"credential":{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"`+
			id.String()+`","credentialSubject":{"id":"did:example:1"}},"options":`+options+`}`)
		require.Equal(t, http.StatusCreated, a.status, "%s", a.body)
		a = s.post("/credentials/derive", `{"verifiableCredential":`+a.member("verifiableCredential")+`,"options":{"selectivePointers":["/credentialSubject"]}}`)
		require.Equal(t, http.StatusCreated, a.status, "%s", a.body)
		require.Contains(t, a.object()["verifiableCredential"], "credentialStatus", options)
	}
}
