package rdfc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// The windsurfer's credential of vc-di-ecdsa appendix A.7: from w3c/vc-di-ecdsa, TestVectors/ecdsa-sd-2023 at
// a721435, SDKeyMaterial.json, addSignedSDBase.json and derivedRevealDocument.json.
const (
	windDocument = `{"@context":["https://www.w3.org/ns/credentials/v2",{"@vocab":"https://windsurf.grotto-networking.com/selective#"}],` +
		`"type":["VerifiableCredential"],"issuer":"https://vc.example/windsurf/racecommittee","credentialSubject":{"sailNumber":"Earth101",` +
		`"sails":[{"size":5.5,"sailName":"Kihei","year":2023},{"size":6.1,"sailName":"Lahaina","year":2023},{"size":7,"sailName":"Lahaina","year":2020},` +
		`{"size":7.8,"sailName":"Lahaina","year":2023}],"boards":[{"boardName":"CompFoil170","brand":"Wailea","year":2022},` +
		`{"boardName":"Kanaha Custom","brand":"Wailea","year":2019}]}}`
	windProof = `{"type":"DataIntegrityProof","cryptosuite":"ecdsa-sd-2023","created":"2023-08-15T23:36:38Z",` +
		`"verificationMethod":"did:key:zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP#zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP",` +
		`"proofPurpose":"assertionMethod"}`
	windRevealed = `{"@context":["https://www.w3.org/ns/credentials/v2",{"@vocab":"https://windsurf.grotto-networking.com/selective#"}],` +
		`"type":["VerifiableCredential"],"issuer":"https://vc.example/windsurf/racecommittee","credentialSubject":{"sailNumber":"Earth101",` +
		`"sails":[{"size":6.1,"sailName":"Lahaina","year":2023},{"size":7,"sailName":"Lahaina","year":2020}],` +
		`"boards":[{"year":2022,"boardName":"CompFoil170","brand":"Wailea"},{"boardName":"Kanaha Custom","brand":"Wailea","year":2019}]}}`

	windKey      = "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP"
	windSecret   = "z42twTcNeSYcnqg1FLuSFs2bsGH3ZqbRHFmvS9XMsYhjxvHN"
	proofSecret  = "z42tqvNGyzyXRzotAYn43UhcFtzDUVdxJ7461fwrfhBPLmfY"
	windLabelKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

	windBase = "u2V0AhVhAkWKMO8zpRmfcUMksHUMtZM7cJt8PmNLsljKTYhSi8gZ7wAWnK4BrOZkrH3dZvxKWlnxGG_0xlFXmU5sa5-j71VgjgCQCKnLOGbY_FuM-ASpSkkOxsIR2E8n7Ml2q1UQ6tEwzi5NYIAARIjNEVWZ3iJmqu8zd7v8AESIzRFVmd4iZqrvM3e7_jlhAKVYKM250DDcNWOYQpUmYC1Z5NZhJRwie8vVUev94QGst83WhoW7_UM6JULsKjNVHjxZlZQyovN4xw1M_mhn6TFhAsqMSgz0EeaPe0Hmo5SN1JNZmCjiZ-CNJB4ScmyK46s7hDotNZuGHxKGaAFC43O0FxcKeUC96q_z9PGeF5C3VpVhAmeoEU8I1ZzxFyR-QMxwoSkqRG9E8_CaSrhH8TD2t-tV32HKAC4hJkKl6xHuz6XL2G-V0cm6d_rWozjhmmVaMjVhAbQMMckpcMAEo15WC6C8Mo3bCEWFGtOTkMxND-LJMdfkCSovB7RnCR7SXzk5-0YVigtJ5Fzg71AAob5yg1WNNk1hApQHlYRGlUVkv-WX1OjJYJ19Ow7ipvVwUvm90Sn3IjNRLuy9pr5DHm3wVlVMPVpLqjS-E8_jJDeJV5pY0bfK_A1hAas2wx9bcEj0Sh7t8w9Cj-2FpceGpdRhaLZxYs1ZEG8-obUjb0CHOyH8S7uwDtn7oSW2oCW2SpZvlX-2jW17rmlhAe34eQ8-gJHyQahY0EmZh8mZoy0svnpTjkdcLnroLIBsiVkfCzMKLOWeEtWZUVnIBeugT8I2C7mnmpHNjdo2d4lhAM8okCUX8F4GYx9rlnSDvr5pTHPOjOOJ47JzFdDtX_Q4bZxWwLGwqltYojDecyt4oxQHYz55ZRnhTXLHqa74B7VhAO_Hj0vxsuJZzpVGtgoMKK2ZlGKvhLX3_vUCvdL-MTlszVr2iC3XJpCbOc8B_W_On-csaLPzUSvlSDtNec1ZVk1hAdm2Ht4sv_ec3s1HRqeul--yEGx4SrpwyNQRdLa5ZKyJDgqr4h-EtVNzc-J-VllvKrHN8wBKtUqarqI4Npnrx7VhAORMLXYz3l59Ozc7SDk2ej7clrer9Bn6eaBUQG773AqQ56bc-oGXeemekwZCNHjFLOESNoNq7qetO8FRbiFHb4FhAW-otSFVlUPFmg119n3TeSE7up5hBS34AqP2TGUQA5pDGyOTetrf8qq3bWj1lpCu1Z6yEZJlQ6nrLiCoaNVhpL1hA1wW_HhsTPUfUlqMX6ZMsLem8hbWaFe_rZDpPp5NN02vMHInDjO1Gn0BrXUyVAMnTY3fGrDjsuy2sGgMzR-bo11hAvOGSXH51eRoCWtV9LlpZD10ix0IuuVCnat5fRxU7hqGs0AzM09kGsmuDMRjowp51xhiFJ3iMajIOOhWUhPxHCoVnL2lzc3VlcngdL2NyZWRlbnRpYWxTdWJqZWN0L3NhaWxOdW1iZXJ4Gi9jcmVkZW50aWFsU3ViamVjdC9zYWlscy8xeCAvY3JlZGVudGlhbFN1YmplY3QvYm9hcmRzLzAveWVhcngaL2NyZWRlbnRpYWxTdWJqZWN0L3NhaWxzLzI"

	windDerived = "u2V0BhVhAkWKMO8zpRmfcUMksHUMtZM7cJt8PmNLsljKTYhSi8gZ7wAWnK4BrOZkrH3dZvxKWlnxGG_0xlFXmU5sa5-j71VgjgCQCKnLOGbY_FuM-ASpSkkOxsIR2E8n7Ml2q1UQ6tEwzi5OGWEBtAwxySlwwASjXlYLoLwyjdsIRYUa05OQzE0P4skx1-QJKi8HtGcJHtJfOTn7RhWKC0nkXODvUAChvnKDVY02TWEClAeVhEaVRWS_5ZfU6MlgnX07DuKm9XBS-b3RKfciM1Eu7L2mvkMebfBWVUw9WkuqNL4Tz-MkN4lXmljRt8r8DWEBqzbDH1twSPRKHu3zD0KP7YWlx4al1GFotnFizVkQbz6htSNvQIc7IfxLu7AO2fuhJbagJbZKlm-Vf7aNbXuuaWEA78ePS_Gy4lnOlUa2CgworZmUYq-Etff-9QK90v4xOWzNWvaILdcmkJs5zwH9b86f5yxos_NRK-VIO015zVlWTWEB2bYe3iy_95zezUdGp66X77IQbHhKunDI1BF0trlkrIkOCqviH4S1U3Nz4n5WWW8qsc3zAEq1Spquojg2mevHtWEA5EwtdjPeXn07NztIOTZ6PtyWt6v0Gfp5oFRAbvvcCpDnptz6gZd56Z6TBkI0eMUs4RI2g2rup607wVFuIUdvgpgBYIOGCDmZ9TBxEtWeCI9oVmRt0eHRGAaoOXx08gxL2IQt_AVggVkUuBrlOaELGVQWJD4M_qW5bcKEHWGNbOrPA_qAOKKwCWCBD6o5lQOWjNGwaTjq7H2Cn1-NPbwXLeDedy2YyiqL9TQNYIJEdvfdRibsv05I3pv8e6S1aUuAuBpGQHLhrYj4QX0knBFggk0AeXgJ4e6m1XsV5-xFud0L_1mUjZ9Mffhg5aZGTyDkFWCDYgT4e07o_IdCwae6qE7WZfpXtGRFESEXR3SxZmXE05o4AAQIFBggJCg4PEBESEw"
)

var (
	windMandatory = []string{"/issuer", "/credentialSubject/sailNumber", "/credentialSubject/sails/1", "/credentialSubject/boards/0/year", "/credentialSubject/sails/2"}
	windSelective = []string{"/credentialSubject/boards/0", "/credentialSubject/boards/1"}
)

func withProof(document, proof, value string) []byte {
	return []byte(document[:len(document)-1] + `,"proof":` + proof[:len(proof)-1] + `,"proofValue":"` + value + `"}}`)
}

func secret(t testing.TB, text string) *ecdsa.PrivateKey {
	t.Helper()
	b, err := multikey.DecodeBase58(text, 34)
	require.NoError(t, err)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b[2:])
	require.NoError(t, err)
	return key
}

func canonicalJSON(t testing.TB, text string) []byte {
	t.Helper()
	out, err := jcs.Canonical([]byte(text))
	require.NoError(t, err)
	return out
}

// parts returns what a verifier gives to a suite.
func parts(t testing.TB, credential []byte) (document, options []byte, proofValue string) {
	t.Helper()
	d, err := strictjson.Parse(credential, strictjson.Limits{})
	require.NoError(t, err)
	proof := d.Root().Member("proof")
	return jcs.Append(nil, d.Root(), jcs.Override{Name: "proof"}),
		jcs.Append(nil, proof, jcs.Override{Name: "proofValue"}), proof.Member("proofValue").Text()
}

func TestW3CSelectiveDisclosure(t *testing.T) {
	suite := ECDSASD2023{MandatoryPointers: windMandatory, Contexts: Contexts().WithInline()}
	public, err := multikey.Decode(windKey)
	require.NoError(t, err)

	// From the issuer's base proof we derive what the W3C derived, to the byte.
	derived, err := suite.Derive(withProof(windDocument, windProof, windBase), windSelective)
	require.NoError(t, err)
	require.JSONEq(t, string(withProof(windRevealed, windProof, windDerived)), string(derived))
	document, options, proofValue := parts(t, derived)
	require.NoError(t, suite.Verify(public, document, options, proofValue))

	// With the W3C's keys we sign the same statements under the same labels.
	labelKey, err := hex.DecodeString(windLabelKey)
	require.NoError(t, err)
	suite.fixed = &fixedKeys{labels: labelKey, proof: secret(t, proofSecret)}
	ours, err := suite.Sign(secret(t, windSecret), canonicalJSON(t, windDocument), []byte(windProof))
	require.NoError(t, err)
	theirs, err := parseBase(windBase)
	require.NoError(t, err)
	base, err := parseBase(ours)
	require.NoError(t, err)
	require.Equal(t, theirs.publicKey, base.publicKey)
	require.Equal(t, theirs.labelKey, base.labelKey)
	require.Equal(t, theirs.pointers, base.pointers)
	require.Len(t, base.signatures, len(theirs.signatures))
	derived, err = suite.Derive(withProof(windDocument, windProof, ours), windSelective)
	require.NoError(t, err)
	document, options, proofValue = parts(t, derived)
	require.NoError(t, suite.Verify(public, document, options, proofValue))
}
