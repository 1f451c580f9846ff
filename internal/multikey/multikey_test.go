package multikey_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/multiformats/go-multibase"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
)

// One key of each kind, from the documents of the did:key method and vc-di-ecdsa; multicodec and key in hexadecimal.
var published = []struct{ name, multikey, hex string }{
	{"Ed25519", "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "ed01 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29"},
	{"X25519", "z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW", "ec01 5bf55c73b82ebe22be80f3430667af570fae2556a6415e6b30d4065300aa947d"},
	{"P-256", "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv", "8024 038a0ac59a2d3086e8a12a78fd4773a6d52a0ca61ef6c1419e15a05bcc6dafce7b"},
	{"P-384", "z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9", "8124 039489d3c65f1f8cb2a9fd40abc48d160e495a862fbbfbfe896ed8878e246f32f85e76129574705f8b61c263cb7f409c9c"},
	{"P-521", "z2J9gaYxrKVpdoG9A4gRnmpnRCcxU6agDtFVVBVdn1JedouoZN7SzcyREXXzWgt3gGiwpoHq7K68X4m32D8HgzG8wv3sY5j7", "8224 020125073ccca272143441b1d9f687cdc7f978cbb96e9dc9f97de28ba373a92769d26d9a02ee67dfa258f9bb2eece8a48a5c59a7356c46278d883ab8d9e3baaac2ac92"},
	{"secp256k1", "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", "e701 03874c15c7fda20e539c6e5ba573c139884c351188799f5458b4b41f7924f235cd"},
}

// A key of 2048 bits, from the did:key method, §"RSA".
const rsa2048 = "z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4G7Rou3iBf9vPmT5dbkm9qsZsuVNjq8HCuW1w24nhBFGkRE4cd2Uf2tfrB3N7h4mnyPp1BF3ZttHTYv3DLUPi1zMdkULiow3M1GfXkoC6DoxDUm1jmN6GBj22SjVsr6dxezRVQc7aj9TxE7JLbMH1wh5X3kA58H3DFW8rnYMakFGbca5CB2Jf6CnGQZmL7o5uJAdTwXfy2iiiyPxXEGerMhHwhjTA1mKYobyk2CpeEcmvynADfNZ5MBvcCS7m3XkFCMNUYBS9NQ3fze6vMSUPsNa6GVYmKx2x6JrdEjCk3qRMMmyjnjCMfR4pXbRMZa3i"

func TestRSA(t *testing.T) {
	pub, err := multikey.Decode(rsa2048)
	if err != nil {
		t.Fatal(err)
	}
	if k := pub.(*rsa.PublicKey); k.N.BitLen() != 2048 || k.E != 65537 {
		t.Errorf("%d bits, exponent %d", k.N.BitLen(), k.E)
	}
	if again, err := multikey.Encode(pub); again != rsa2048 {
		t.Errorf("%s, %v", again, err)
	}
}

func TestPublishedKeys(t *testing.T) {
	for _, test := range published {
		want, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := multikey.EncodeBase58(want); got != test.multikey {
			t.Errorf("%s: %s, want %s", test.name, got, test.multikey)
		}
		pub, err := multikey.Decode(test.multikey)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if again, err := multikey.Encode(pub); again != test.multikey {
			t.Errorf("%s: %s, %v", test.name, again, err)
		}
	}
}

// The documents of did:key print each key a second time, as a JWK or in base58.
func TestDIDKeyVectors(t *testing.T) {
	seen := map[string]int{}
	for _, path := range []string{"did-key", "w3c-did-test-suite"} {
		files, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", path), "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(b, &v); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			walk(v, func(method map[string]any) {
				id, _ := method["id"].(string)
				if _, fragment, ok := strings.Cut(id, "#"); ok && strings.HasPrefix(id, "did:key:") {
					checkMethod(t, seen, fragment, method)
				}
			})
		}
	}
	for kind, least := range map[string]int{"z6Mk": 5, "z6LS": 5, "zDna": 3, "z82L": 2, "z2J9": 2, "zQ3s": 1} {
		if seen[kind] < least {
			t.Errorf("%d keys %s…, want at least %d", seen[kind], kind, least)
		}
	}
}

func walk(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, m := range v {
			walk(m, visit)
		}
	case []any:
		for _, e := range v {
			walk(e, visit)
		}
	}
}

func checkMethod(t *testing.T, seen map[string]int, key string, method map[string]any) {
	var want crypto.PublicKey
	if text, ok := method["publicKeyBase58"].(string); ok {
		raw, err := multikey.DecodeBase58("z"+text, 100)
		if err != nil {
			t.Fatal(err)
		}
		switch key[:4] {
		case "z6Mk":
			want = ed25519.PublicKey(raw)
		case "z6LS":
			want, err = ecdh.X25519().NewPublicKey(raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if jwk, ok := method["publicKeyJwk"].(map[string]any); ok {
		coordinate := func(name string) []byte {
			s, _ := jwk[name].(string)
			b, err := base64.RawURLEncoding.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		switch crv, _ := jwk["crv"].(string); crv {
		case "Ed25519":
			want = ed25519.PublicKey(coordinate("x"))
		case "X25519":
			k, err := ecdh.X25519().NewPublicKey(coordinate("x"))
			if err != nil {
				t.Fatal(err)
			}
			want = k
		case multikey.P256, multikey.P384, multikey.P521, multikey.Secp256k1:
			point := append(append([]byte{4}, coordinate("x")...), coordinate("y")...)
			k, err := multikey.ParsePoint(crv, point)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			name, again, err := multikey.Point(k)
			if err != nil || name != crv || !bytes.Equal(again, point) {
				t.Errorf("%s: the point is %s %x, was %s %x, %v", key, name, again, crv, point, err)
			}
			want = k
		}
	}
	if want == nil {
		return
	}
	seen[key[:4]]++
	got, err := multikey.Decode(key)
	if err != nil {
		t.Errorf("%s: %v", key, err)
		return
	}
	if !got.(interface{ Equal(crypto.PublicKey) bool }).Equal(want) {
		t.Errorf("%s: %v, want %v", key, got, want)
	}
	if text, err := multikey.Encode(want); text != key {
		t.Errorf("encoded as %s, want %s, %v", text, key, err)
	}
}

func TestDataIntegrityKeys(t *testing.T) {
	for _, path := range []string{"w3c-vc-di-eddsa/keyPair.json", "w3c-vc-di-eddsa/proof-set-chain/multiKeyPairs.json", "w3c-vc-di-ecdsa/p256KeyPair.json", "w3c-vc-di-ecdsa/p384KeyPair.json"} {
		b, err := os.ReadFile(shared.Path(t, "vectors", path))
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		n := 0
		walk(v, func(pair map[string]any) {
			if text, ok := pair["publicKeyMultibase"].(string); ok {
				n++
				pub, err := multikey.Decode(text)
				if err != nil {
					t.Errorf("%s: %v", text, err)
				} else if again, err := multikey.Encode(pub); again != text {
					t.Errorf("%s: encoded as %s, %v", text, again, err)
				}
			}
			for name, text := range pair {
				if name == "privateKeyMultibase" || name == "secretKeyMultibase" {
					if _, err := multikey.Decode(text.(string)); err == nil {
						t.Errorf("%s: a secret key taken for a public one", path)
					}
				}
			}
		})
		if n == 0 {
			t.Errorf("%s: no key", path)
		}
	}
}

// text returns the Multikey of the bytes written in hexadecimal.
func text(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return multikey.EncodeBase58(b)
}

func TestRefusals(t *testing.T) {
	key := strings.Repeat("11", 32)
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", `"z"`},
		{"no key", "z", `"z"`},
		{"another multibase", "u7QE7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ", `no key that is written in base64url`},
		{"base58 of Flickr", "Z6mKItbZ1YMUEPaq4hehxre1h8QUf5gkuuqr3CJCw3LdNNvP", `"z"`},
		{"a character outside base58", "z6Mk0", "base58"},
		{"a character outside ASCII", "z6Mké", "base58"},
		{"a megabyte", "z" + strings.Repeat("1", 1<<20), "too many"},
		{"a longer key than any", text("ed01" + strings.Repeat("11", 1040)), "at most 1041"},
		{"half a multicodec", text("ed"), "varint"},
		{"a multicodec without end", text("ffffffffffffffffff01" + key), "varint"},
		{"a multicodec not in its shortest form", text("ed8100" + key), "minimal"},
		{"no multicodec known", text("00" + key), "0x0"},
		{"an Ed25519 secret key", text("8026" + key), "0x1300"},
		{"BLS12-381", text("eb01" + strings.Repeat("11", 48)), "0xeb"},

		{"Ed25519, short", text("ed01" + key[2:]), "31 bytes"},
		{"Ed25519, long", text("ed01" + key + "11"), "33 bytes"},
		{"Ed25519, empty", text("ed01"), "0 bytes"},
		{"X25519, short", text("ec01" + key[2:]), "31 bytes"},
		{"X25519, long", text("ec01" + key + "11"), "33 bytes"},

		{"P-256, no point has this x", text("8024 02" + strings.Repeat("00", 31) + "07"), "not a point on P-256"},
		{"P-256, x beyond the field", text("8024 02" + strings.Repeat("ff", 32)), "not a point on P-256"},
		{"P-256, infinity", text("8024 00"), "1 bytes"},
		{"P-256, uncompressed", text("8024 04" + key), "not a point on P-256"},
		{"P-256, short", text("8024 02" + key[2:]), "32 bytes"},
		{"P-384, no point has this x", text("8124 02" + strings.Repeat("00", 47) + "01"), "not a point on P-384"},
		{"P-521, no point has this x", text("8224 02" + strings.Repeat("00", 65) + "03"), "not a point on P-521"},
		{"P-521, x beyond the field", text("8224 02" + strings.Repeat("ff", 66)), "not a point on P-521"},
		{"P-521, x with a bit too many", text("8224 02 02" + strings.Repeat("00", 65)), "not a point on P-521"},
		{"P-521, short", text("8224 02" + strings.Repeat("11", 65)), "66 bytes"},
		{"P-384, length of P-256", text("8124 02" + key), "33 bytes"},
		{"secp256k1, no point has this x", text("e701 02" + strings.Repeat("00", 31) + "05"), "not a point on secp256k1"},
		{"secp256k1, x beyond the field", text("e701 02" + strings.Repeat("ff", 32)), "not a point on secp256k1"},
		{"secp256k1, hybrid", text("e701 06" + key), "not a point on secp256k1"},
		{"secp256k1, long", text("e701 02" + key + "11"), "34 bytes"},
	} {
		pub, err := multikey.Decode(test.in)
		if err == nil || pub != nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 200 {
			t.Errorf("%s: %v, %v, want %q", test.name, pub, err, test.want)
		}
	}
}

// Under these keys, one signature holds for one message in eight or more, with no secret known.
func TestEd25519KeysAnybodyCanSignFor(t *testing.T) {
	const p1 = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
	zero := strings.Repeat("00", 31)
	for _, test := range []struct{ name, y string }{
		{"order 1", "01" + zero},
		{"order 2", "ec" + p1},
		{"order 4", "00" + zero},
		{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
		{"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
		{"order 4, not reduced", "ed" + p1},
		{"order 1, not reduced", "ee" + p1},
	} {
		for sign := range byte(2) {
			key, err := hex.DecodeString(test.y)
			if err != nil {
				t.Fatal(err)
			}
			key[31] |= sign << 7

			forged := make([]byte, 64) // R = the neutral element, s = 0
			forged[0] = 1
			holds := 0
			for i := range 200 {
				if ed25519.Verify(key, fmt.Append(nil, i), forged) {
					holds++
				}
			}
			if holds < 8 {
				t.Errorf("%s %x: the forged signature holds for %d of 200 messages", test.name, key, holds)
			}
			if _, err := multikey.Decode(multikey.EncodeBase58(append([]byte{0xed, 1}, key...))); err == nil {
				t.Errorf("%s %x: decoded", test.name, key)
			}
			if _, err := multikey.Encode(ed25519.PublicKey(key)); err == nil {
				t.Errorf("%s %x: encoded", test.name, key)
			}
		}
	}
}

func TestEncodeRefusals(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secp, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	curve := secp.PubKey().ToECDSA().Curve
	one := big.NewInt(1)
	for _, test := range []struct {
		name string
		pub  crypto.PublicKey
		want string
	}{
		{"nothing", nil, "type <nil>"},
		{"bytes", make([]byte, 32), "type []uint8"},
		{"a private key", secp.ToECDSA(), "type *ecdsa.PrivateKey"},
		{"Ed25519, short", ed25519.PublicKey{1}, "1 bytes"},
		{"ECDH on P-256", p256.PublicKey(), "X25519"},
		{"no ECDH key", (*ecdh.PublicKey)(nil), "X25519"},
		{"zero ECDH key", &ecdh.PublicKey{}, "X25519"},
		{"no ECDSA key", (*ecdsa.PublicKey)(nil), "without a curve"},
		{"zero ECDSA key", &ecdsa.PublicKey{}, "without a curve"},
		{"P-256 without a point", &ecdsa.PublicKey{Curve: elliptic.P256()}, "without coordinates"},
		{"P-256, not on the curve", affine(elliptic.P256(), one, one), "not a point on P-256"},
		{"P-521, not on the curve", affine(elliptic.P521(), one, one), "not a point on P-521"},
		{"P-384, not on the curve", affine(elliptic.P384(), one, one), "not a point on P-384"},
		{"secp256k1, not on the curve", affine(curve, one, one), "not a point on secp256k1"},
		{"secp256k1, negative", affine(curve, big.NewInt(-1), one), "not a point on secp256k1"},
		{"secp256k1, too long", affine(curve, new(big.Int).Lsh(one, 256), one), "not a point on secp256k1"},
		{"P-224", &p224.PublicKey, `"P-224"`},
		{"RSA of 1024 bits", &rsa.PublicKey{N: new(big.Int).SetBit(one, 1023, 1), E: 65537}, "*rsa.PublicKey"},
		{"RSA without numbers", &rsa.PublicKey{}, "*rsa.PublicKey"},
		{"no RSA key", (*rsa.PublicKey)(nil), "*rsa.PublicKey"},
	} {
		if s, err := multikey.Encode(test.pub); err == nil || s != "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q, %v, want %q", test.name, s, err, test.want)
		}
	}
}

// affine makes a key of coordinates that may be wrong.
func affine(curve elliptic.Curve, x, y *big.Int) *ecdsa.PublicKey {
	type shape struct {
		elliptic.Curve
		X, Y *big.Int
	}
	k := ecdsa.PublicKey(shape{curve, x, y})
	return &k
}

func TestParsePointRefusals(t *testing.T) {
	point := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// The generator of secp256k1 (SEC 2 §2.4.1).
	const x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	const y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	if _, err := multikey.ParsePoint(multikey.Secp256k1, point("04"+x+y)); err != nil {
		t.Error(err)
	}
	for _, test := range []struct{ name, curve, point string }{
		{"compressed", multikey.Secp256k1, "02" + x},
		{"hybrid", multikey.Secp256k1, "06" + x + y},
		{"coordinates exchanged", multikey.Secp256k1, "04" + y + x},
		{"on another curve", multikey.P256, "04" + x + y},
		{"short", multikey.P384, "04" + x + y},
		{"nothing", multikey.P256, ""},
		{"infinity", multikey.P256, "00"},
		{"of P-521, short", multikey.P521, "04" + x + y},
		{"no such curve", "P-224", "04" + x + y},
		{"name in another case", "p-256", "04" + x + y},
	} {
		if k, err := multikey.ParsePoint(test.curve, point(test.point)); err == nil || k != nil {
			t.Errorf("%s: %v, %v", test.name, k, err)
		}
	}
}

// Keys come back as they went, and sign and verify as before.
func TestRoundTrip(t *testing.T) {
	for range 20 {
		ed, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		x, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		secp, err := secp256k1.GeneratePrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		for prefix, pub := range map[string]crypto.PublicKey{
			"z6Mk": ed, "z6LS": x.PublicKey(), "zDna": &p256.PublicKey, "z82L": &p384.PublicKey, "z2J9": &p521.PublicKey, "zQ3s": secp.PubKey().ToECDSA(),
		} {
			s, err := multikey.Encode(pub)
			if err != nil || !strings.HasPrefix(s, prefix) {
				t.Errorf("%s, %v, want %s…", s, err, prefix)
			}
			got, err := multikey.Decode(s)
			if err != nil || !got.(interface{ Equal(crypto.PublicKey) bool }).Equal(pub) {
				t.Errorf("%s: %v, want %v, %v", s, got, pub, err)
			}
		}
		digest := bytes.Repeat([]byte{7}, 32)
		sig, err := ecdsa.SignASN1(rand.Reader, secp.ToECDSA(), digest)
		if err != nil {
			t.Fatal(err)
		}
		s, err := multikey.Encode(secp.PubKey().ToECDSA())
		if err != nil {
			t.Fatal(err)
		}
		if pub, err := multikey.Decode(s); err != nil || !ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digest, sig) {
			t.Errorf("secp256k1 does not verify: %v", err)
		}
	}
}

func TestMultibaseVectors(t *testing.T) {
	n := 0
	for _, test := range []struct{ file, text string }{{"basic", "yes mani !"}, {"leading_zero", "\x00yes mani !"}, {"two_leading_zeros", "\x00\x00yes mani !"}} {
		b, err := os.ReadFile(shared.Path(t, "vectors", "multibase", "tests", test.file+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			base, encoded, _ := strings.Cut(strings.TrimSpace(line), ",")
			encoded = strings.Trim(encoded, ` "`)
			var got string
			var back []byte
			var err error
			switch base {
			case "base58btc":
				got = multikey.EncodeBase58([]byte(test.text))
				back, err = multikey.DecodeBase58(encoded, len(test.text))
			case "base64url":
				got = multikey.EncodeBase64URL([]byte(test.text))
				back, err = multikey.DecodeBase64URL(encoded, len(test.text))
			default:
				continue
			}
			n++
			if got != encoded || string(back) != test.text || err != nil {
				t.Errorf("%s %s: %s, want %s; %q, %v", test.file, base, got, encoded, back, err)
			}
		}
	}
	if n != 6 {
		t.Errorf("%d vectors", n)
	}
}

func TestMultibaseRefusals(t *testing.T) {
	for _, test := range []struct {
		name, in string
		max      int
		decode   func(string, int) ([]byte, error)
	}{
		{"base58, empty", "z", 10, multikey.DecodeBase58},
		{"base58, beyond max", "z7paNL19xttacUY", 9, multikey.DecodeBase58},
		{"base58, beyond max by zeros", "z11111111111", 10, multikey.DecodeBase58},
		{"base58, space", "z7paNL19xttacUY ", 20, multikey.DecodeBase58},
		{"base58, without z", "7paNL19xttacUY", 20, multikey.DecodeBase58},
		{"base64url, empty", "u", 10, multikey.DecodeBase64URL},
		{"base64url, beyond max", "ueWVzIG1hbmkgIQ", 9, multikey.DecodeBase64URL},
		{"base64url, padded", "ueWVzIG1hbmkgIQ==", 20, multikey.DecodeBase64URL},
		{"base64url, stray bits", "ueWVzIG1hbmkgIR", 20, multikey.DecodeBase64URL},
		{"base64url, line break", "ueWVz\nIG1hbmkgIQ", 20, multikey.DecodeBase64URL},
		{"base64url, line break at the end", "ueWVzIG1hbmkgIQ\r\n", 20, multikey.DecodeBase64URL},
		{"base64url, character of base64", "u+/+/", 20, multikey.DecodeBase64URL},
		{"base64url, one character", "uA", 20, multikey.DecodeBase64URL},
		{"base64url, as base64", "meWVzIG1hbmkgIQ", 20, multikey.DecodeBase64URL},
	} {
		if b, err := test.decode(test.in, test.max); err == nil || b != nil {
			t.Errorf("%s: %x, %v", test.name, b, err)
		}
	}
}

func TestMultibaseRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.Just[byte](0), rapid.Just[byte](0xff)), 1, 200).Draw(t, "bytes")
		if got, err := multikey.DecodeBase58(multikey.EncodeBase58(b), len(b)); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("base58: %x, %v", got, err)
		}
		if got, err := multikey.DecodeBase64URL(multikey.EncodeBase64URL(b), len(b)); err != nil || !bytes.Equal(got, b) {
			t.Fatalf("base64url: %x, %v", got, err)
		}
		for base, ours := range map[multibase.Encoding]string{multibase.Base58BTC: multikey.EncodeBase58(b), multibase.Base64url: multikey.EncodeBase64URL(b)} {
			if theirs, err := multibase.Encode(base, b); err != nil || theirs != ours {
				t.Fatalf("%s, go-multibase has %s, %v", ours, theirs, err)
			}
		}
	})
	for n := 1; n <= 1000; n++ { // the longest text of each length fits
		b := bytes.Repeat([]byte{0xff}, n)
		if _, err := multikey.DecodeBase58(multikey.EncodeBase58(b), n); err != nil {
			t.Error(err)
		}
	}
}

// Whatever decodes, encodes to the same text: no two texts name one key.
func FuzzDecode(f *testing.F) {
	for _, test := range published {
		f.Add(test.multikey)
	}
	f.Add(rsa2048)
	f.Add(text("ed8100" + strings.Repeat("11", 32)))
	f.Add("z")
	f.Fuzz(func(t *testing.T, s string) {
		pub, err := multikey.Decode(s)
		if err != nil {
			return
		}
		if again, err := multikey.Encode(pub); again != s {
			t.Errorf("%s: encoded as %s, %v", s, again, err)
		}
	})
}

// So it is with bytes.
func FuzzMultibase(f *testing.F) {
	f.Add("z7paNL19xttacUY")
	f.Add("ueWVzIG1hbmkgIQ")
	f.Add("ueWVz\nIG1hbmkgIQ")
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := multikey.DecodeBase58(s, 64); err == nil && (multikey.EncodeBase58(b) != s || len(b) > 64) {
			t.Errorf("%q: %x", s, b)
		}
		if b, err := multikey.DecodeBase64URL(s, 64); err == nil && (multikey.EncodeBase64URL(b) != s || len(b) > 64) {
			t.Errorf("%q: %x", s, b)
		}
	})
}
