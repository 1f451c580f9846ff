package cosesign1_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/shared"
)

func jwk(t testing.TB, text string) crypto.PublicKey {
	t.Helper()
	key, err := did.ParseJWK([]byte(text))
	require.NoError(t, err)
	return key
}

// TestWorkingGroupFiles reads every example of the COSE working group's that is at hand. Those with
// COSE_Sign1 and an algorithm of ours verify; all others are refused.
func TestWorkingGroupFiles(t *testing.T) {
	why := map[string]int{}
	top := shared.Path(t, "vectors", "cose-wg-examples")
	require.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var c struct {
			Input struct {
				Sign0 *struct {
					Alg       string
					Key       struct{ Kty, Crv, X, Y, X_hex string }
					Protected map[string]any
				}
			}
			Intermediates struct{ ToBeSign_hex string }
			Output        struct{ Cbor string }
		}
		require.NoError(t, json.Unmarshal(text, &c))
		m, err := cosesign1.Parse(unhex(t, c.Output.Cbor), limit)
		name := strings.TrimPrefix(path, top)
		switch s := c.Input.Sign0; {
		case s == nil:
			require.ErrorContains(t, err, "COSE_Sign1 has", name)
			why["not COSE_Sign1"]++
		case s.Alg == "ES512" && s.Key.Crv == "P-256": // RFC 9053 leaves the curve open
			require.ErrorContains(t, err, "signature: 64 bytes", name)
			why["ES512 on P-256"]++
		case s.Key.Crv == "Ed448":
			require.ErrorContains(t, err, "signature: 114 bytes", name)
			why["EdDSA with Ed448"]++
		default:
			require.NoError(t, err, name)
			k := s.Key
			if k.X_hex != "" {
				k.X = base64.RawURLEncoding.EncodeToString(unhex(t, k.X_hex))
			}
			key, err := json.Marshal(map[string]string{"kty": k.Kty, "crv": k.Crv, "x": k.X, "y": k.Y})
			require.NoError(t, err)
			key = bytes.Replace(key, []byte(`,"y":""`), nil, 1)
			require.NoError(t, m.Verify(jwk(t, string(key))), name)
			require.Equal(t, "This is the content.", string(m.Payload))
			why["verified"]++
		}
		return nil
	}))
	require.Equal(t, map[string]int{"verified": 5, "not COSE_Sign1": 34, "ES512 on P-256": 1, "EdDSA with Ed448": 1}, why)
	shared.Tally(t, "COSE_Sign1 (RFC 9052)", "COSE working group, examples", 5, 41, "refused: 34 of Sign, MAC and encryption, 1 of ES512 on P-256, 1 of Ed448")
}

// The key and the parts that the working group's sign1-tests have in common.
const (
	workingGroupKey = `{"kty":"EC","crv":"P-256","x":"usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8","y":"IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4"}`
	content         = "A104423131" + "54546869732069732074686520636F6E74656E742E" + "5840" + "EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E1"
	usual           = "9F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794"
)

// TestWorkingGroupSign1 has the working group's sign1-tests (github.com/cose-wg/Examples). Three
// that may pass are refused here: one without alg in the protected header, one without a tag, and
// one over external data, which no credential has.
func TestWorkingGroupSign1(t *testing.T) {
	asTheySay := 0
	for _, test := range []struct{ name, message, want string }{
		{"sign-fail-01: another tag", "D903E6" + "8443A10126" + content + usual, "the tag 998"},
		{"sign-fail-02: altered", strings.Replace("D28443A10126"+content+usual, "742E58", "742F58", 1), "does not match"},
		{"sign-fail-03: alg -999", "D28445A1013903E6" + content + usual, "algorithm -999 is not enabled"},
		{"sign-fail-04: alg unknown", "D2844AA10167756E6B6E6F776E" + content + usual, "alg (1)"},
		{"sign-fail-06: header added", "D28445A201260300" + content + usual, "does not match"},
		{"sign-fail-07: header removed", "D28443A10126" + content + "72727F48461FABBBA2E343492DDECAC3983686250BC68E9F1A7A07D41225B59F", "does not match"},
		{"sign-pass-01: alg not protected", "D28441A0A20126044231 31" + strings.TrimPrefix(content, "A104423131") + "1A02E5F0344BF2D4EE5C7FD75A68A9F5E0B3CC1F1FC1409C189566586FF9D610", "alg (1) is missing"},
		{"sign-pass-02: external data", "D28443A10126" + content + "55388B10C4F1B59A6733EAB416870A945111A4B2FBDBEF33A77234B1DEFF2F9B", "does not match"},
		{"sign-pass-03: no tag", "8443A10126" + content + usual, "without a tag"},
		{"the same with its tag", "D28443A10126" + content + usual, ""},
	} {
		m, err := cosesign1.Parse(unhex(t, test.message), limit)
		if err == nil {
			err = m.Verify(jwk(t, workingGroupKey))
		}
		if test.want == "" {
			require.NoError(t, err, test.name)
		} else {
			require.ErrorContains(t, err, test.want, test.name)
		}
		if strings.HasPrefix(test.name, "sign-fail") {
			asTheySay++
		}
	}
	shared.Tally(t, "COSE_Sign1 (RFC 9052)", "COSE working group, sign1-tests", asTheySay, 9, "3 that may pass are refused on purpose: alg not protected, no tag, external data")
}

// RFC 8392 appendix A.3: a CWT. Its labels are not in ascending order.
func TestRFC8392(t *testing.T) {
	m, err := cosesign1.Parse(unhex(t, "D28447A20319FDE80126A05853A70175636F61703A2F2F61732E6578616D706C652E636F6D02656572696B77037818636F61703A2F2F6C696768742E6578616D706C652E636F6D04C11A5612AEB005C11A5610D9F006C11A5610D9F007420B7158408CAAD9EBD60E5F41CD683771E8A02CADE07D894DD1CFAF3A23C6481546E78FEBC0C13E8F649096F347480DB3E8C16CDDC04116A3874CF0A4DA2F4CB2D67C8EB0"), limit)
	require.NoError(t, err)
	require.Equal(t, "65000", m.ContentType)
	x, y := unhex(t, "c4f9160fc22682991c59c4d96e8accc2da3cc7b7a9bc197c7c1e1bc6d0c1dc61"), unhex(t, "feb11ca73b028a10cf77d58a2dfdf2a11eab8ffeeeaaeeb03097ffee9f3ef2fc")
	e := base64.RawURLEncoding.EncodeToString
	require.NoError(t, m.Verify(jwk(t, `{"kty":"EC","crv":"P-256","x":"`+e(x)+`","y":"`+e(y)+`"}`)))
	shared.Tally(t, "CWT (RFC 8392)", "appendix A.3", 1, 1, "")
}

// Credentials of the W3C's suite for VC-JOSE-COSE, as other makers signed them
// (github.com/w3c/vc-jose-cose-test-suite, tests/input). Their kid is a JWK thumbprint.
func TestW3CSuite(t *testing.T) {
	const (
		p256   = `{"kty":"EC","crv":"P-256","x":"WfTi93YuhsQxKbD0ftnjOXJndqhnJ5kgDV-ZDGyrhBQ","y":"qUd_55EjX0mjKZ6W6mF4UXVYTQ41K6jfdnYFwN5uPyk"}`
		p384   = `{"kty":"EC","crv":"P-384","x":"PBM13G1rU-NPczSpFO7QGc-uSUHqoDPZSbshgR820ligqFB2yGFbE90VnpTiSswG","y":"x7mdD6reunUlSQ5LoC2GDpLOrjbIMLnt1TEGgxoyXSaKScPPRYY7hTr3geCvEZpf"}`
		ed     = `{"kty":"OKP","crv":"Ed25519","x":"NvUhsjZe7Mdv8Esoc60o3ma1U5j2tFUTDsOQd39xMnI"}`
		alumni = "oFkB8nsiQGNvbnRleHQiOlsiaHR0cHM6Ly93d3cudzMub3JnL25zL2NyZWRlbnRpYWxzL3YyIiwiaHR0cHM6Ly93d3cudzMub3JnL25zL2NyZWRlbnRpYWxzL2V4YW1wbGVzL3YyIl0sInR5cGUiOlsiVmVyaWZpYWJsZUNyZWRlbnRpYWwiLCJFeGFtcGxlQWx1bW5pQ3JlZGVudGlhbCJdLCJpZCI6Imh0dHA6Ly91bml2ZXJzaXR5LmV4YW1wbGUvY3JlZGVudGlhbHMvMTg3MiIsImlzc3VlciI6Imh0dHBzOi8vZXhhbXBsZS5pc3N1ZXIvdmMtam9zZS1jb3NlIiwidmFsaWRGcm9tIjoiMjAxMC0wMS0wMVQxOToyMzoyNFoiLCJjcmVkZW50aWFsU3ViamVjdCI6eyJkZWdyZWUiOnsibmFtZSI6IkJhY2hlbG9yIG9mIFNjaWVuY2UgYW5kIEFydHMiLCJ0eXBlIjoiQmFjaGVsb3JEZWdyZWUifSwiaWQiOiJkaWQ6ZXhhbXBsZToxMjMifSwiY3JlZGVudGlhbFNjaGVtYSI6eyJpZCI6Imh0dHBzOi8vZXhhbXBsZS5vcmcvZXhhbXBsZXMvZGVncmVlLmpzb24iLCJ0eXBlIjoiSnNvblNjaGVtYSJ9f"
	)
	for _, test := range []struct{ name, key, message, typ, want string }{
		{"credential-minimal-cose-signed", p256, "0oRYVqQBJgNuYXBwbGljYXRpb24vdmMEWCs3M3ZvTVhGTm1ObE9FcHVZQ1NKbGg4ZU4wZHNjeWtvTzZnQnVrZ1JTMXVVEHNhcHBsaWNhdGlvbi92Yytjb3Nl" + alumni + "VhAs3W1WN83yVu/HoEyYMy7Tcmub9zL55PDnfcx5yG42BTe0gdQ+E0V9B3B1gMZyt9dDEGZVJynd8vztWVr7d4Kkw", "application/vc+cose", ""},
		{"credential-cose-bad-signature", ed, "0oRYVqQBJwNuYXBwbGljYXRpb24vdmMEWCsyYU9IYVF4c1dWVDRtTHNVa2R0bENuVVYtYXUwQkJSLTV5UFlhUGFDYzVrEHNhcHBsaWNhdGlvbi92Yytjb3Nl" + alumni + "VhAtLDz68qCDkCrNpejCv8h3QI4ArJlsbea2TqHGAGAjHAvCvG+mntYFHN4ONiqhn/U8NHUQ+h8e5SY1gI7o7R1BA", "application/vc+cose", "does not match"},
		{"credential-cose-bad-media-type", p384, "0oRYSKQBOCIDaHZlcnkvYmFkBFgrOTZxQm5EcHZTNng4WVNDSF94bW5MbFhaTWtEaEhCcjhsajk5dTVhb2c3cxBqcmVhbGx5L2JhZKBZAfJ7IkBjb250ZXh0IjpbImh0dHBzOi8vd3d3LnczLm9yZy9ucy9jcmVkZW50aWFscy92MiIsImh0dHBzOi8vd3d3LnczLm9yZy9ucy9jcmVkZW50aWFscy9leGFtcGxlcy92MiJdLCJ0eXBlIjpbIlZlcmlmaWFibGVDcmVkZW50aWFsIiwiRXhhbXBsZUFsdW1uaUNyZWRlbnRpYWwiXSwiaWQiOiJodHRwOi8vdW5pdmVyc2l0eS5leGFtcGxlL2NyZWRlbnRpYWxzLzE4NzIiLCJpc3N1ZXIiOiJodHRwczovL2V4YW1wbGUuaXNzdWVyL3ZjLWpvc2UtY29zZSIsInZhbGlkRnJvbSI6IjIwMTAtMDEtMDFUMTk6MjM6MjRaIiwiY3JlZGVudGlhbFN1YmplY3QiOnsiZGVncmVlIjp7Im5hbWUiOiJCYWNoZWxvciBvZiBTY2llbmNlIGFuZCBBcnRzIiwidHlwZSI6IkJhY2hlbG9yRGVncmVlIn0sImlkIjoiZGlkOmV4YW1wbGU6MTIzIn0sImNyZWRlbnRpYWxTY2hlbWEiOnsiaWQiOiJodHRwczovL2V4YW1wbGUub3JnL2V4YW1wbGVzL2RlZ3JlZS5qc29uIiwidHlwZSI6Ikpzb25TY2hlbWEifX1YYPTKiZkxA1XUBgMqJ/eX5cpijouAd2ButW2pHrXxSAn7RwysI8wVcEBm29St1db5pWqHPMBE+Fxmeh6Qmw/V5tY25w9g36J4bkd3MmbmFHo3dXUiADBCI/Ae+b8WxKltQg", "really/bad", ""},
		{"presentation-cose-single", p384, "0oRYV6QBOCIDbmFwcGxpY2F0aW9uL3ZwBFgrOTZxQm5EcHZTNng4WVNDSF94bW5MbFhaTWtEaEhCcjhsajk5dTVhb2c3cxBzYXBwbGljYXRpb24vdnArY29zZaBZAbx7IkBjb250ZXh0IjpbImh0dHBzOi8vd3d3LnczLm9yZy9ucy9jcmVkZW50aWFscy92MiIsImh0dHBzOi8vd3d3LnczLm9yZy9ucy9jcmVkZW50aWFscy9leGFtcGxlcy92MiJdLCJ0eXBlIjoiVmVyaWZpYWJsZVByZXNlbnRhdGlvbiIsImlkIjoidXJuOnV1aWQ6Mzk3ODM0NGYtODU5Ni00YzNhLWE5NzgtOGZjYWJhMzkwM2M1IiwiaG9sZGVyIjoiZGlkOmV4YW1wbGU6ZWJmZWIxZjcxMmViYzZmMWMyNzZlMTJlYzIxIiwidmVyaWZpYWJsZUNyZWRlbnRpYWwiOlt7IkBjb250ZXh0IjoiaHR0cHM6Ly93d3cudzMub3JnL25zL2NyZWRlbnRpYWxzL3YyIiwidHlwZSI6IkVudmVsb3BlZFZlcmlmaWFibGVDcmVkZW50aWFsIiwiaWQiOiJkYXRhOmFwcGxpY2F0aW9uL3ZjK2p3dCxleUpoYkdjaU9pSkZVekkxTmlKOS5leUpwYzNNaU9pSmthV1E2WlhoaGJYQnNaVG94TWpNaWZRLi4uLiJ9XX1YYOPYT1TOFk/HUOD4uVInr7h/fPS1HVj/2OSddBOnsz9eJdHXWRyR2CqI2SixwLRp7WlPOT6wfYo6pf07XK/Yc7ODva+5KzRx3hluriTOWhUdCUG5cn8oIOYG1KHJ347/eQ", "application/vp+cose", ""},
	} {
		raw, err := base64.RawStdEncoding.DecodeString(test.message)
		require.NoError(t, err, test.name)
		m, err := cosesign1.Parse(raw, limit)
		require.NoError(t, err, test.name)
		require.Equal(t, test.typ, m.Typ, test.name)
		if err = m.Verify(jwk(t, test.key)); test.want == "" {
			require.NoError(t, err, test.name)
		} else {
			require.ErrorContains(t, err, test.want, test.name)
		}
	}
	shared.Tally(t, "VC-JOSE-COSE 1.0", "W3C suite, COSE messages of other makers", 4, 4, "")
}

// The token of RFC 9711's repository is signed by a key that it does not give: it is read, and
// what it says is a CWT in its tag.
func TestEAT(t *testing.T) {
	text, err := os.ReadFile(shared.Path(t, "vectors", "eat", "Example-Tokens", "valid_cwt.diag"))
	require.NoError(t, err)
	var parts [3]string // the byte strings between h' and '
	rest := string(text)
	for i := range parts {
		_, after, ok := strings.Cut(rest, "h'")
		require.True(t, ok)
		parts[i], rest, ok = strings.Cut(after, "'")
		require.True(t, ok)
		parts[i] = strings.Join(strings.Fields(parts[i]), "")
	}
	payload := unhex(t, parts[1])
	raw := append([]byte{0xd8, 61, 0xd2, 0x84, 0x43}, unhex(t, parts[0])...)
	raw = append(append(raw, 0xa0, 0x58, byte(len(payload))), payload...)
	raw = append(append(raw, 0x58, 64), unhex(t, parts[2])...)
	_, err = cosesign1.Parse(raw, limit)
	require.ErrorContains(t, err, "the tag 61")
	m, err := cosesign1.Parse(cosesign1.StripCWTTag(raw), limit)
	require.NoError(t, err)
	require.Equal(t, cosesign1.ES256, m.Alg)
	require.Equal(t, hex.EncodeToString(payload), hex.EncodeToString(m.Payload))
	require.Error(t, m.Verify(jwk(t, workingGroupKey)))
}
