package jwxbridge_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/vc/jose/jwxbridge"
)

// RFC 7748 §6.1, Bob; the public key of RFC 8037 appendix A.6.
const x25519JWK = `{"kty":"OKP","crv":"X25519","kid":"x","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08","d":"XasIfmJKikt54X-Lg4AO5m87sSkmGLb9HC-LJ_-I4Os"}`

var response = []byte(`{"vp_token":{"drone":["eyJ.e30.AA"]},"state":"eyJhb"}`)

func TestEncryptAndDecrypt(t *testing.T) {
	for name, key := range map[string]jwk.Key{
		"P-256":  parse(t, with(p256JWK, `"kid":"1","use":"enc","alg":"ECDH-ES"`)),
		"X25519": parse(t, x25519JWK),
	} {
		public, err := key.PublicKey()
		require.NoError(t, err)
		for _, enc := range []jwa.ContentEncryptionAlgorithm{jwa.A128GCM, jwa.A256GCM} {
			message, err := jwxbridge.Encrypt(response, public, enc)
			require.NoError(t, err, name)
			got, err := jwxbridge.Decrypt(message, key)
			require.NoError(t, err, name)
			require.Equal(t, response, got)
			parsed, err := jwe.Parse(message)
			require.NoError(t, err)
			require.Equal(t, key.KeyID(), parsed.ProtectedHeaders().KeyID())

			again, err := jwxbridge.Encrypt(response, public, enc)
			require.NoError(t, err)
			require.NotEqual(t, message, again, "each with a key of its own")
		}
	}
}

// Another implementation reads ours, and writes what we read.
func TestGoJOSE(t *testing.T) {
	key := parse(t, with(p256JWK, `"kid":"1"`))
	var private ecdsa.PrivateKey
	require.NoError(t, key.Raw(&private))
	algorithms := []gojose.KeyAlgorithm{gojose.ECDH_ES}
	for _, enc := range []gojose.ContentEncryption{gojose.A128GCM, gojose.A256GCM} {
		ours, err := jwxbridge.Encrypt(response, key, jwa.ContentEncryptionAlgorithm(enc))
		require.NoError(t, err)
		parsed, err := gojose.ParseEncryptedCompact(string(ours), algorithms, []gojose.ContentEncryption{enc})
		require.NoError(t, err)
		got, err := parsed.Decrypt(&private)
		require.NoError(t, err)
		require.Equal(t, response, got)

		crypter, err := gojose.NewEncrypter(enc, gojose.Recipient{Algorithm: gojose.ECDH_ES, Key: &private.PublicKey, KeyID: "1"}, nil)
		require.NoError(t, err)
		object, err := crypter.Encrypt(response)
		require.NoError(t, err)
		theirs, err := object.CompactSerialize()
		require.NoError(t, err)
		got, err = jwxbridge.Decrypt([]byte(theirs), key)
		require.NoError(t, err)
		require.Equal(t, response, got)
	}
}

// RFC 8037's message decrypts; those of RFC 7520 §5 are by algorithms that OpenID4VP does not use.
func TestCookbook(t *testing.T) {
	read := func(file string) (message []byte, key jwk.Key, plaintext string) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var c struct {
			Input struct {
				Plaintext string
				Key       json.RawMessage
			}
			Output struct{ Compact string }
		}
		if json.Unmarshal(text, &c) == nil && len(c.Input.Key) > 0 && c.Input.Key[0] == '{' {
			key, err = jwk.ParseKey(c.Input.Key)
			require.NoError(t, err)
		}
		return []byte(c.Output.Compact), key, c.Input.Plaintext
	}
	message, key, plaintext := read(shared.Path(t, "vectors", "jose-cookbook", "curve25519", "ecdh-es.json"))
	got, err := jwxbridge.Decrypt(message, key)
	require.NoError(t, err)
	require.Equal(t, plaintext, string(got))

	files, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "jose-cookbook", "jwe"), "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 13)
	ours := parse(t, with(p256JWK, `"kid":"1"`))
	for _, file := range files {
		message, _, _ := read(file)
		_, err := jwxbridge.Decrypt(message, ours)
		require.Error(t, err, file)
		if len(message) > 0 { // not one in the JSON serializations only
			require.Regexp(t, "alg is|enc is|five segments", err.Error(), file)
		}
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	key := parse(t, with(p256JWK, `"kid":"1"`))
	good, err := jwxbridge.Encrypt(response, key, jwa.A128GCM)
	require.NoError(t, err)
	part := strings.Split(string(good), ".")
	text, err := base64.RawURLEncoding.DecodeString(part[0])
	require.NoError(t, err)
	head := func(old, new string) string {
		changed := strings.Replace(string(text), old, new, 1)
		require.NotEqual(t, string(text), changed, old)
		return base64.RawURLEncoding.EncodeToString([]byte(changed)) + "." + strings.Join(part[1:], ".")
	}
	x := `"x":"` + between(string(text), `"x":"`, `"`) + `"`
	for _, c := range []struct{ name, message, want string }{
		{"empty", "", "five segments"},
		{"a signed token", "eyJhbGciOiJFUzI1NiJ9.e30.AA", "five segments"},
		{"six segments", string(good) + ".AA", "five segments"},
		{"an encrypted key", part[0] + ".AAAA." + strings.Join(part[2:], "."), "five segments"},
		{"padded", string(good) + "==", "base64url"},
		{"a line break", part[0] + ".." + part[2] + "\n." + part[3] + "." + part[4], "base64url"},
		{"oversized", string(good) + strings.Repeat("A", jwxbridge.MaxEncryptedBytes), "bytes are more"},
		{"alg dir", head(`"ECDH-ES"`, `"dir"`), "alg is"},
		{"alg with key wrap", head(`"ECDH-ES"`, `"ECDH-ES+A128KW"`), "alg is"},
		{"a password, to be hashed for long", head(`"alg":"ECDH-ES"`, `"alg":"PBES2-HS256+A128KW","p2c":100000000`), "alg is"},
		{"RSA", head(`"ECDH-ES"`, `"RSA1_5"`), "alg is"},
		{"no alg", head(`"alg":"ECDH-ES"`, `"x":1`), "alg is"},
		{"enc that is not offered", head(`"A128GCM"`, `"A128CBC-HS256"`), "enc is"},
		{"enc that is another", head(`"A128GCM"`, `"A256GCM"`), "not for this key"},
		{"zip", head(`"enc":`, `"zip":"DEF","enc":`), "zip and crit"},
		{"crit", head(`"enc":`, `"crit":["exp"],"enc":`), "zip and crit"},
		{"duplicate alg", head(`"enc":`, `"alg":"dir","enc":`), "second member"},
		{"case-variant alg", head(`"enc":`, `"Alg":"dir","enc":`), "case-sensitive"},
		{"another kid", head(`"kid":"1"`, `"kid":"2"`), "kid is"},
		{"a point off the curve", head(x, `"x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`), "epk"},
		{"a point on another curve", head(between(string(text), `"epk":`, `}`)+`}`, `{"kty":"OKP","crv":"X25519","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}`), "another curve"},
		{"a private epk", head(x, x+`,"d":"AA"`), "private key"},
		{"no epk", head(`"epk":`, `"apk":`), "epk"},
		{"header is no JSON", "AAAA." + strings.Join(part[1:], "."), "header"},
		{"altered header", head(`"enc":`, `"x":1,"enc":`), "not for this key"},
		{"altered text", part[0] + ".." + part[2] + "." + flip(part[3]) + "." + part[4], "not for this key"},
		{"altered iv", part[0] + ".." + flip(part[2]) + "." + part[3] + "." + part[4], "not for this key"},
		{"altered tag", part[0] + ".." + part[2] + "." + part[3] + "." + flip(part[4]), "not for this key"},
		{"short tag", part[0] + ".." + part[2] + "." + part[3] + ".AA", "not for this key"},
		{"no iv", part[0] + "..." + part[3] + "." + part[4], "not for this key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := jwxbridge.Decrypt([]byte(c.message), key)
			require.Nil(t, got)
			require.ErrorContains(t, err, c.want)
		})
	}
	other, err := ecdsaKey(t)
	require.NoError(t, err)
	_, err = jwxbridge.Decrypt(good, other)
	require.ErrorContains(t, err, "not for this key")
	for name, k := range map[string]jwk.Key{
		"Ed25519": parse(t, ed25519JWK), "secp256k1": parse(t, secp256k1JWK), "use sig": parse(t, with(p256JWK, `"use":"sig"`)), "alg ES256": parse(t, with(p256JWK, `"alg":"ES256"`)),
	} {
		_, err := jwxbridge.Encrypt(response, k, jwa.A128GCM)
		require.Error(t, err, name)
		_, err = jwxbridge.Decrypt(good, k)
		require.Error(t, err, name)
	}
	_, err = jwxbridge.Encrypt(response, key, jwa.A128CBC_HS256)
	require.ErrorContains(t, err, "known are")
	public, err := key.PublicKey()
	require.NoError(t, err)
	_, err = jwxbridge.Decrypt(good, public)
	require.Error(t, err, "a public key does not decrypt")
}

func ecdsaKey(t *testing.T) (jwk.Key, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	require.NoError(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	point := key.PublicKey().Bytes()
	return jwk.ParseKey([]byte(`{"kty":"EC","crv":"P-256","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `","d":"` + b64(key.Bytes()) + `"}`))
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func flip(segment string) string {
	if segment[0] == 'A' {
		return "B" + segment[1:]
	}
	return "A" + segment[1:]
}

func FuzzDecrypt(f *testing.F) {
	key := parse(f, with(p256JWK, `"kid":"1"`))
	good, err := jwxbridge.Encrypt(response, key, jwa.A128GCM)
	require.NoError(f, err)
	part := strings.Split(string(good), ".")
	header, err := base64.RawURLEncoding.DecodeString(part[0])
	require.NoError(f, err)
	f.Add(string(header), part[2]+"."+part[3]+"."+part[4])
	f.Add(`{"alg":"ECDH-ES","enc":"A128GCM","epk":{"kty":"EC","crv":"P-256"},"apu":"AA"}`, "..")
	f.Fuzz(func(t *testing.T, header, rest string) {
		message := base64.RawURLEncoding.EncodeToString([]byte(header)) + ".." + rest
		if plain, err := jwxbridge.Decrypt([]byte(message), key); err == nil {
			require.Equal(t, response, plain) // nothing else was encrypted for this key
		}
	})
}
