package forgery

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/vc"
)

// order of the group of Ed25519's base point (RFC 8032 §5.1), big-endian.
const ed25519Order = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"

// Of what anybody can do to a credential without its keys, some leaves it what it is. The rest is refused.
func TestMalleability(t *testing.T) {
	w := newWorld(t)

	// signature changes the bytes of the signature, wherever it is
	value := regexp.MustCompile(`"proofValue":\s*"(z[^"]+)"`)
	signature := func(change func([]byte) []byte) func(string) string {
		return func(raw string) string {
			if found := value.FindStringSubmatch(raw); found != nil {
				sig, err := multikey.DecodeBase58(found[1], 128)
				require.NoError(t, err)
				return strings.Replace(raw, found[1], multikey.EncodeBase58(change(sig)), 1)
			}
			if i := strings.LastIndexByte(raw, '.'); strings.HasPrefix(raw, "ey") {
				sig, err := base64.RawURLEncoding.DecodeString(raw[i+1:])
				require.NoError(t, err)
				return raw[:i+1] + base64.RawURLEncoding.EncodeToString(change(sig))
			}
			n := len(raw) - 64 // COSE of Ed25519 or P-256: it ends with the signature
			return raw[:n] + string(change([]byte(raw[n:])))
		}
	}
	other := func(sig []byte) []byte { // (r, n-s)
		s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
		return append(slices.Clone(sig[:32]), s.FillBytes(make([]byte, 32))...)
	}
	plusOrder := func(sig []byte) []byte { // S + L, in 32 bytes, little-endian
		s := slices.Clone(sig[32:])
		slices.Reverse(s)
		l, _ := new(big.Int).SetString(ed25519Order, 16)
		s = l.Add(l, new(big.Int).SetBytes(s)).FillBytes(make([]byte, 32))
		slices.Reverse(s)
		return append(slices.Clone(sig[:32]), s...)
	}
	longer := func(sig []byte) []byte { return slices.Concat([]byte{0}, sig[:32], []byte{0}, sig[32:]) }
	replace := func(from, to string) func(string) string {
		return func(raw string) string {
			require.Contains(t, raw, from)
			return strings.Replace(raw, from, to, 1)
		}
	}
	unprotected := func(to string) func(string) string { // COSE_Sign1 has the empty map behind the protected header
		return func(raw string) string {
			n := 3 + int(raw[2]&0x1f) // behind the tag, the array and a byte string of up to 23 bytes,
			if raw[2] == 0x58 {
				n = 4 + int(raw[3]) // or 255
			}
			require.EqualValues(t, 0xa0, raw[n])
			return raw[:n] + to + raw[n+1:]
		}
	}

	for _, tt := range []struct {
		name   string
		what   string
		change func(string) string
		want   error // nil: it is still the genuine one
	}{
		{"the other s, JCS", "jcs-p256", signature(other), nil},
		{"the other s, RDF", "rdfc-p256", signature(other), nil},
		{"the other s, JOSE", "jose-p256", signature(other), nil},
		{"the other s, COSE", "cose-p256", signature(other), nil},
		{"zeros before r and s", "jcs-p256", signature(longer), vc.ErrProof},
		{"zeros before r and s, JOSE", "jose-p256", signature(longer), vc.ErrProof},
		{"S + L, JCS", "jcs-ed25519", signature(plusOrder), vc.ErrProof},
		{"S + L, RDF", "rdfc-ed25519", signature(plusOrder), vc.ErrProof},
		{"S + L, JOSE", "jose-ed25519", signature(plusOrder), vc.ErrProof},
		{"S + L, COSE", "cose-ed25519", signature(plusOrder), vc.ErrProof},
		{"a leading 1 in base58", "jcs-ed25519", replace(`"proofValue":"z`, `"proofValue":"z1`), vc.ErrProof},
		{"base58 as base64url", "jcs-ed25519", replace(`"proofValue":"z`, `"proofValue":"u`), vc.ErrProof},

		{"white space", "jcs-ed25519", func(raw string) string { return " \n" + strings.ReplaceAll(raw, `":`, "\" :\t") }, nil},
		{"an escape", "jcs-ed25519", replace(`"type"`, `"t\u0079pe"`), nil},
		{"another order of members", "jcs-ed25519", func(raw string) string {
			raw, id := strings.Replace(raw, `"id":"urn:example:1",`, "", 1), `,"id":"urn:example:1"}`
			return strings.TrimSuffix(raw, "}") + id
		}, nil},
		{"one of two proofs", "set-jcs-rdfc", func(raw string) string {
			return regexp.MustCompile(`,\{"@context"[^{}]*\}`).ReplaceAllString(raw, "")
		}, nil},
		{"a chain's second proof alone", "chain-jcs", func(raw string) string {
			return regexp.MustCompile(`\[(\{[^{}]*"id":"urn:example:first"[^{}]*\}),`).ReplaceAllString(raw, "[")
		}, vc.ErrProof},
		{"no proof", "jcs-ed25519", func(raw string) string {
			return regexp.MustCompile(`,"proof":\{[^{}]*\}`).ReplaceAllString(raw, "")
		}, vc.ErrProof},
		{"a member twice", "jcs-ed25519", replace(`{`, `{"id":"urn:example:1",`), vc.ErrMalformed},
		{"text behind it", "jcs-ed25519", func(raw string) string { return raw + "{}" }, vc.ErrMalformed},

		{"types in another order, signed as text", "jcs-ed25519", replace(`"type":["VerifiableCredential","MaintenanceCredential"]`, `"type":["MaintenanceCredential","VerifiableCredential"]`), vc.ErrProof},
		{"types in another order, signed as RDF", "rdfc-ed25519", replace(`"type":["VerifiableCredential","MaintenanceCredential"]`, `"type":["MaintenanceCredential","VerifiableCredential"]`), nil},
		{"a date that is the same", "rdfc-ed25519", replace(`:00Z","validUntil`, `:00.0Z","validUntil`), vc.ErrProof},

		{"padding, JOSE", "jose-ed25519", func(raw string) string { return raw + "==" }, vc.ErrMalformed},
		{"bits behind the signature, JOSE", "jose-ed25519", func(raw string) string { // 64 bytes leave four bits
			last := strings.IndexByte(alphabet, raw[len(raw)-1])
			return raw[:len(raw)-1] + alphabet[last+1:last+2]
		}, vc.ErrMalformed},
		{"a header beside, COSE", "cose-ed25519", unprotected("\xa1\x19\x03\xe8\x01"), nil},
		{"another key beside, COSE", "cose-ed25519", unprotected("\xa1\x04\x41k"), vc.ErrMalformed},
		{"a long integer, COSE", "cose-ed25519", func(raw string) string { return "\xd8\x12" + raw[1:] }, vc.ErrMalformed},
		{"bytes behind it, COSE", "cose-ed25519", func(raw string) string { return raw + "\x00" }, vc.ErrMalformed},
		{"a header beside, CWT", "cwt-ed25519", unprotected("\xa1\x19\x03\xe8\x01"), vc.ErrMalformed}, // it has one form,

		{"a disclosure less", "sdjwt-whole", func(raw string) string {
			parts := strings.Split(raw, "~")
			for i := range parts[1 : len(parts)-1] { // the one that no other stands in
				if b, _ := base64.RawURLEncoding.DecodeString(parts[i+1]); bytes.Contains(b, []byte("activity")) {
					return strings.Join(slices.Delete(parts, i+1, i+2), "~")
				}
			}
			return ""
		}, nil},
		{"a disclosure twice", "sdjwt-part", func(raw string) string { return raw + strings.Split(raw, "~")[1] + "~" }, vc.ErrMalformed},
		{"no tilde at the end", "sdjwt-part", func(raw string) string { return strings.TrimSuffix(raw, "~") }, vc.ErrMalformed},
		{"another envelope of the envelope", "enveloped-jwt", func(raw string) string {
			return regexp.MustCompile(`data:application/vc\+jwt,([^"]*)`).ReplaceAllStringFunc(raw, func(url string) string {
				_, token, _ := strings.Cut(url, ",")
				return "data:application/vc+jwt;base64," + base64.StdEncoding.EncodeToString([]byte(token))
			})
		}, nil},
		{"an envelope with a word beside", "enveloped-jwt", replace(`{`, `{"name":"x",`), vc.ErrMalformed},
		{"a COSE message said to be a JWT", "enveloped-cose", replace("application/vc+cose", "application/vc+jwt"), vc.ErrMalformed},
		{"the other derivation", "sd-derived-1", replace(`"Lynx 4"`, `"Lynx 5"`), vc.ErrProof},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := string(w.raw[tt.what])
			after := tt.change(before)
			require.NotEqual(t, before, after)
			v, err := verify(t, w.verifier(), []byte(after))
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.NoError(t, w.origin(t, v))
		})
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
