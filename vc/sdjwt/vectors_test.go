package sdjwt

import (
	"crypto"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// The keys of settings.yml, beside the examples of RFC 9901.
const (
	vectorIssuer = `{"kty":"EC","crv":"P-256","x":"b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ","y":"Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8"}`
	vectorHolder = `{"kty":"EC","crv":"P-256","x":"TCAER19Zvu3OHF4j4W4vfSVoHIP1ILilDls7vCeGemc","y":"ZxjiWWbZMQGHVWKVQ4hbSIirsVfuecCE6t4jT9F2HZQ"}`
)

func vectorKey(t testing.TB, jwk string) crypto.PublicKey {
	key, err := did.ParseJWK([]byte(jwk))
	require.NoError(t, err)
	return key
}

// a vector is the folder of one example, its files by name without extension.
type vector struct {
	name  string
	files map[string]string
}

// vectors returns the examples, and the names of those that have a specification only.
func vectors(t testing.TB) (list []vector, empty []string) {
	dirs, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "sd-jwt", "rfc9901-examples"), "*", "specification.yml"))
	require.NoError(t, err)
	for _, spec := range dirs {
		v := vector{filepath.Base(filepath.Dir(spec)), map[string]string{}}
		files, err := filepath.Glob(filepath.Join(filepath.Dir(spec), "*"))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
			v.files[name] = strings.TrimSpace(string(text))
			if strings.HasPrefix(v.files[name], `"{`) { // JSON in a string of JSON
				require.NoError(t, json.Unmarshal(text, &text2{&v, name}))
			}
		}
		if v.files["sd_jwt_issuance"] == "" {
			empty = append(empty, v.name)
			continue
		}
		list = append(list, v)
	}
	return list, empty
}

type text2 struct {
	v    *vector
	name string
}

func (x *text2) UnmarshalJSON(b []byte) error {
	var text string
	err := json.Unmarshal(b, &text)
	x.v.files[x.name] = text
	return err
}

func canonical(t testing.TB, text string) string {
	out, err := jcs.Canonical([]byte(text))
	require.NoError(t, err)
	return string(out)
}

// Every example of RFC 9901: issued, presented, processed, bound.
func TestRFC9901Examples(t *testing.T) {
	list, empty := vectors(t)
	issuer, holder := vectorKey(t, vectorIssuer), vectorKey(t, vectorHolder)
	bound := 0
	for _, v := range list {
		t.Run(v.name, func(t *testing.T) {
			issued, err := Parse([]byte(v.files["sd_jwt_issuance"]))
			require.NoError(t, err)
			require.NoError(t, issued.Verify(issuer))
			require.Error(t, issued.Verify(holder))
			marks, _, _ := strings.Cut(v.files["specification"], "holder_disclosed_claims")
			require.Len(t, issued.Disclosures(), strings.Count(marks, "!sd"))

			// What the issuer put in comes out, with the claims of the token itself.
			all := map[string]json.RawMessage{}
			require.NoError(t, json.Unmarshal(issued.Payload(), &all))
			claims := map[string]json.RawMessage{}
			require.NoError(t, json.Unmarshal([]byte(v.files["user_claims"]), &claims))
			for name, value := range claims {
				require.Equal(t, canonical(t, string(value)), canonical(t, string(all[name])), name)
			}

			shown, err := Parse([]byte(v.files["sd_jwt_presentation"]))
			require.NoError(t, err)
			require.NoError(t, shown.Verify(issuer))
			require.Equal(t, canonical(t, v.files["verified_contents"]), canonical(t, string(shown.Payload())))
			require.Equal(t, canonical(t, v.files["sd_jwt_payload"]), canonical(t, shown.claims.Raw()))
			if strings.HasPrefix(v.files["sd_jwt_jws_part"], "ey") { // that of the JSON form is the whole of it
				require.Equal(t, v.files["sd_jwt_jws_part"], shown.signed)
			}

			require.Equal(t, v.files["kb_jwt_serialized"], shown.kb)
			if shown.Bound() {
				bound++
				require.NoError(t, shown.verifyBinding(holder))
				require.Error(t, shown.verifyBinding(issuer))
				require.Equal(t, "1234567890", shown.binding.nonce)
				require.Equal(t, "https://verifier.example.org", shown.binding.audience)
			}

			// We choose the same disclosures by their pointers.
			var pointers []string
			for _, d := range shown.shown {
				for _, i := range issued.shown {
					if i.text == d.text {
						pointers = append(pointers, i.pointer)
					}
				}
			}
			ours, err := issued.Present(pointers...)
			require.NoError(t, err)
			require.ElementsMatch(t, shown.disclosures, ours.disclosures)

			// And the two forms say the same (§8).
			again, err := Parse(shown.JSON())
			require.NoError(t, err)
			require.Equal(t, shown.String(), again.String())
		})
	}
	require.Equal(t, []string{"json_serialization_general"}, empty,
		"left out: it is a specification without a token; TestGeneralJSON reads the one that the RFC prints")
	require.Equal(t, 14, len(list))
	require.Equal(t, 5, bound)
	shared.Tally(t, "SD-JWT (RFC 9901)", "the examples of its working group, with key binding", len(list), len(list)+len(empty), "1 is a specification without a token")
}

// The SD-JWT VCs of OpenID4VP 1.0 (with JSON-LD in a claim) and OpenID4VCI 1.0, by the same keys.
func TestOpenIDExamples(t *testing.T) {
	issuer, holder := vectorKey(t, vectorIssuer), vectorKey(t, vectorHolder)
	file := func(elem ...string) string {
		text, err := os.ReadFile(shared.Path(t, append([]string{"vectors"}, elem...)...))
		require.NoError(t, err)
		return strings.TrimSpace(string(text))
	}
	vp := func(name string) string { return file("openid4vp", "examples", "sd_jwt_vcld", "01", name) }
	unwrap := func(text string) []byte { return []byte(strings.Join(strings.Fields(text), "")) } // they are printed in short lines
	issued, err := Parse(unwrap(vp("sd_jwt_issuance.txt")))
	require.NoError(t, err)
	require.NoError(t, issued.Verify(issuer))
	require.Equal(t, canonical(t, vp("sd_jwt_payload.json")), canonical(t, issued.claims.Raw()))
	shown, err := Parse(unwrap(vp("sd_jwt_presentation.txt")))
	require.NoError(t, err)
	require.NoError(t, shown.Verify(issuer))
	require.NoError(t, shown.verifyBinding(holder))
	require.Equal(t, canonical(t, vp("verified_contents.json")), canonical(t, string(shown.Payload())))
	_, err = readVC(shown)
	require.NoError(t, err)
	ours, err := issued.Present("/ld/credentialSubject/givenName")
	require.NoError(t, err)
	require.Equal(t, shown.unbound(), ours.String())

	response := file("openid4vci", "examples", "credential_response_sd_jwt_vc.txt")
	_, text, ok := strings.Cut(response, `"credential": "`)
	require.True(t, ok)
	text, _, _ = strings.Cut(text, `"`)
	issued, err = Parse(unwrap(text))
	require.NoError(t, err)
	require.NoError(t, issued.Verify(issuer))
	v, err := readVC(issued)
	require.NoError(t, err)
	require.Equal(t, "https://credentials.example.com/identity_credential", v.Type())
	require.False(t, issued.Selective())
	shared.Tally(t, "SD-JWT VC (draft)", "OpenID4VP and OpenID4VCI, examples", 2, 2, "")
}

// The disclosures and digests that RFC 9901 §4.2 prints.
func TestDigests(t *testing.T) {
	const name = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
	require.Equal(t, "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0", SHA256.sum(name))
	for _, text := range []string{
		name,
		"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd", // the umlaut escaped
		"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",         // no white space
		"WwoiXzI2YmM0TFQtYWM2cTJLSTZjQlc1ZXMiLAoiZmFtaWx5X25hbWUiLAoiTcO2Yml1cyIKXQ",   // line breaks
	} {
		d, err := readDisclosure(text)
		require.NoError(t, err)
		require.Equal(t, []any{"family_name", "Möbius", true}, []any{d.name, d.value.Text(), d.member})
	}
	d, err := readDisclosure("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0")
	require.NoError(t, err)
	require.Equal(t, []any{"FR", false}, []any{d.value.Text(), d.member})
	require.Equal(t, "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs", SHA256.sum(d.text))
}

// From the claims and the salts of an example we make its digests, in its places.
func TestRFC9901PayloadsAreReproduced(t *testing.T) {
	list, _ := vectors(t)
	for _, v := range list {
		t.Run(v.name, func(t *testing.T) {
			issued, err := Parse([]byte(v.files["sd_jwt_issuance"]))
			require.NoError(t, err)
			var o Options
			for _, d := range issued.Disclosures() {
				o.Disclosable = append(o.Disclosable, d.Pointer)
			}
			c := &replayed{t: t, shown: issued.shown}
			var decoys []string // digests of texts that nobody knows
			if list, ok := v.files["decoy_digests"]; ok {
				require.NoError(t, json.Unmarshal([]byte(list), &decoys))
			}
			payload, disclosures, err := conceal([]byte(v.files["user_claims"]), o, rules{}, MaxBytes, c)
			require.NoError(t, err)
			require.ElementsMatch(t, issued.disclosures, disclosures)

			// The token has claims of its own beside those of the user.
			ours, theirs := map[string]json.RawMessage{}, map[string]json.RawMessage{}
			require.NoError(t, json.Unmarshal(payload, &ours))
			signed := v.files["sd_jwt_payload"]
			for _, decoy := range decoys {
				require.Equal(t, 1, strings.Count(signed, decoy))
				signed = regexp.MustCompile(`"`+decoy+`",|,\s*"`+decoy+`"`).ReplaceAllString(signed, "")
				require.NotContains(t, signed, decoy)
			}
			require.NoError(t, json.Unmarshal([]byte(signed), &theirs))
			for name, value := range theirs {
				if _, user := ours[name]; !user {
					require.Contains(t, []string{"iss", "iat", "exp", "cnf", "_sd_alg"}, name)
					continue
				}
				require.Equal(t, canonical(t, string(value)), canonical(t, string(ours[name])), name)
			}
		})
	}
}

// replayed takes the disclosures of an example, each once.
type replayed struct {
	t     *testing.T
	shown []*disclosure
	taken map[*disclosure]bool
}

func (r *replayed) disclose(member bool, name string, value []byte) string {
	for _, d := range r.shown {
		if r.taken[d] || d.member != member || member && canonical(r.t, d.rawName) != canonical(r.t, name) {
			continue
		}
		if canonical(r.t, d.value.Raw()) == canonical(r.t, string(value)) {
			if r.taken == nil {
				r.taken = map[*disclosure]bool{}
			}
			r.taken[d] = true
			return d.text
		}
	}
	r.t.Errorf("no disclosure of %s: %s", name, value)
	return ""
}

func (*replayed) decoys(int) []string { return nil }
func (*replayed) place(n int) int     { return n }

// The example of RFC 9901 §8.3 (as in draft 20): two issuers' signatures, of which the
// first counts here, and the key binding over it.
func TestGeneralJSON(t *testing.T) {
	const (
		payload = "eyJfc2QiOiBbIjRIQm42YUlZM1d0dUdHV1R4LXFVajZjZGs2V0JwWnlnbHRkRmF2UGE3TFkiLCAiOHNtMVFDZjAyMXBObkhBQ0k1c1A0bTRLWmd5Tk9PQVljVGo5SE5hQzF3WSIsICJjZ0ZkaHFQbzgzeFlObEpmYWNhQ2FhN3VQOVJDUjUwVkU1UjRMQVE5aXFVIiwgImpNQ1hWei0tOWI4eDM3WWNvRGZYUWluencxd1pjY2NmRlJCQ0ZHcWRHMm8iXSwgImlzcyI6ICJodHRwczovL2lzc3Vlci5leGFtcGxlLmNvbSIsICJpYXQiOiAxNjgzMDAwMDAwLCAiZXhwIjogMTg4MzAwMDAwMCwgIl9zZF9hbGciOiAic2hhLTI1NiIsICJjbmYiOiB7Imp3ayI6IHsia3R5IjogIkVDIiwgImNydiI6ICJQLTI1NiIsICJ4IjogIlRDQUVSMTladnUzT0hGNGo0VzR2ZlNWb0hJUDFJTGlsRGxzN3ZDZUdlbWMiLCAieSI6ICJaeGppV1diWk1RR0hWV0tWUTRoYlNJaXJzVmZ1ZWNDRTZ0NGpUOUYySFpRIn19fQ"
		first   = "k4cMunVPGV_rxsKMGjb4s9xOyreXNpTKIUKHalfjYBLAlrSi0D31A86ED1TDJx4sZ5ELekRnKFRZ6hfHvbQcAw"
		second  = "_OTyMClyNQm_U6V_CxtOkVODcAsVYoZuGOFzOSJu642xz6aZzJ3X23fflFm1cLIfolGeKkpkQ0vtNj4EZVnpAQ"
		kb      = "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImtiK2p3dCJ9.eyJub25jZSI6ICIxMjM0NTY3ODkwIiwgImF1ZCI6ICJodHRwczovL3ZlcmlmaWVyLmV4YW1wbGUub3JnIiwgImlhdCI6IDE3NDgzNjE5NDEsICJzZF9oYXNoIjogIkZ6aWZwSmZ5ZXY5YUVidGtmX0RZamJIWWRfMGxLSVNfdWk2U1VxSlJtd3MifQ.AJb9n2VolMFfP9HOz_an2pOO-38KEWYnQXzu5Trt6rFl6dTNcMWIM9PgHC-EoWQqYq-fV0tsp5qGU8XRjw6QXw"
		family  = "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd"
		given   = "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImdpdmVuX25hbWUiLCAiSm9obiJd"
		header  = "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImV4YW1wbGUrc2Qtand0In0"
		other   = `{"kty":"EC","crv":"P-256","x":"bN-hp3IN0GZB3OlaQnHDPhY4nZsZbQyo4wY-y1NWCvA","y":"vaSsH5jt9zt3aQvTvrSaFYLyjPG9Ug-2vntoNXlCbVU"}`
	)
	text := func(one, two string) string {
		return `{"payload":"` + payload + `","signatures":[` +
			`{"header":{"disclosures":["` + family + `","` + given + `"],"kid":"issuer-key-1","kb_jwt":"` + kb + `"},"protected":"` + header + `","signature":"` + one + `"},` +
			`{"header":{"kid":"issuer-key-2"},"protected":"` + header + `","signature":"` + two + `"}]}`
	}
	token, err := Parse([]byte(text(first, second)))
	require.NoError(t, err)
	require.NoError(t, token.Verify(vectorKey(t, vectorIssuer)))
	require.Error(t, token.Verify(vectorKey(t, other)))
	require.NoError(t, token.verifyBinding(vectorKey(t, vectorHolder)))
	require.Len(t, token.Disclosures(), 2)

	swapped, err := Parse([]byte(text(second, first)))
	require.NoError(t, err)
	require.NoError(t, swapped.Verify(vectorKey(t, other)))
	require.ErrorIs(t, swapped.verifyBinding(vectorKey(t, vectorHolder)), errHash)
}
