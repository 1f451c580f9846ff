package sdjwt

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What Parse refuses, by name.
func TestRefused(t *testing.T) {
	id, key := newKey(t, "Ed25519")
	f := forger{t: t, id: id, key: key, typ: "dc+sd-jwt"}
	name, city := `["c2FsdA","name","Ada"]`, `["c2FsdA","city","Oslo"]`
	element := `["c2FsdA","Oslo"]`
	good := f.token(nil, `{"_sd":["$0","$1"]}`, name, city)
	_, err := Parse([]byte(good))
	require.NoError(t, err)
	signed, rest, _ := strings.Cut(good, "~")
	header, _, _ := strings.Cut(signed, ".")

	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	stray := b64(`["c2FsdA","name","Ada"] `) // 24 bytes: no room for stray bits
	require.Len(t, stray, 32)
	loose := b64(name) // 23 bytes: two bits are beyond the last
	loose = loose[:len(loose)-1] + string(rune(loose[len(loose)-1]+1))

	for _, tt := range []struct{ name, token, want string }{
		{"nothing", "", "want an SD-JWT"},
		{"a JWT without disclosures or tilde", signed, "want an SD-JWT"},
		{"two segments", header + ".e30~", "three segments"},
		{"alg none", b64(`{"alg":"none"}`) + ".e30.~", `alg "none"`},
		{"alg none with a signature", b64(`{"alg":"none"}`) + ".e30.AA~", `alg "none"`},
		{"a MAC", b64(`{"alg":"HS256"}`) + ".e30.AA~", `alg "HS256"`},
		{"a key in the header", b64(`{"alg":"EdDSA","jwk":{}}`) + ".e30.AA~", "proves nothing"},
		{"a certificate in the header", b64(`{"alg":"EdDSA","x5c":["MAA="]}`) + ".e30.AA~", "proves nothing"},
		{"two algs", b64(`{"alg":"EdDSA","alg":"ES256"}`) + ".e30.AA~", "second member"},
		{"oversized", strings.Repeat("~", MaxBytes+1), "at most"},
		{"disclosures without end", signed + strings.Repeat("~W10", MaxDisclosures+1) + "~", "disclosures, at most"},
		{"the payload is an array", f.token(nil, `[]`), "want an object"},
		{"two members of one name", f.token(nil, `{"a":1,"a":2}`), "second member"},
		{"two members of one name in a disclosure", f.token(nil, `{"_sd":["$0"]}`, `["s","a",{"b":1,"b":2}]`), "second member"},
		{"deep nesting", f.token(nil, `{"a":`+deep(MaxDepth)+`}`), "deep"},
		{"deep nesting in a disclosure", f.token(nil, `{"_sd":["$0"]}`, `["s","a",`+deep(MaxDepth)+`]`), "deep"},
		{"deep nesting by disclosures", f.token(nil, `{"a":`+deep(MaxDepth - 4)[:MaxDepth-4]+`{"_sd":["$0"]}`+strings.Repeat("]", MaxDepth-4)+`}`, `["s","a",`+deep(4)+`]`), "nest more"},

		{"an empty disclosure", signed + "~~", "disclosure 0"},
		{"the last tilde is missing", strings.TrimSuffix(good, "~"), "key binding"},
		{"altered disclosure", strings.Replace(good, b64(name), b64(`["c2FsdA","name","Bob"]`), 1), "none of this token's"},
		{"a disclosure of another token", good + b64(`["x","y","z"]`) + "~", "none of this token's"},
		{"disclosure twice", signed + "~" + b64(name) + "~" + b64(name) + "~", "sent before"},
		{"digest twice in one array", f.token(nil, `{"_sd":["$0","$0"]}`, name), "there twice"},
		{"digest twice at two places", f.token(nil, `{"_sd":["$0"],"a":{"_sd":["$0"]}}`, name), "there twice"},
		{"digest twice, once in a disclosure", f.token(nil, `{"_sd":["$0","$1"]}`, name, `["s","a",{"_sd":["$0"]}]`), "there twice"},
		{"decoy twice", f.token(nil, `{"_sd":["decoy"],"a":[{"...":"decoy"}]}`), "there twice"},
		{"disclosure overwrites a claim", f.token(nil, `{"name":"Bob","_sd":["$0"]}`, name), `overwrite the claim "/name"`},
		{"disclosure overwrites a claim, escaped", f.token(nil, `{"n\u0061me":"Bob","_sd":["$0"]}`, name), "overwrite"},
		{"disclosure overwrites another", f.token(nil, `{"_sd":["$0","$1"]}`, name, `["other","name","Bob"]`), "overwrite"},
		{"_sd by disclosure", f.token(nil, `{"_sd":["$0"]}`, `["s","_sd",[]]`), "not a name"},
		{"... by disclosure", f.token(nil, `{"_sd":["$0"]}`, `["s","...","x"]`), "not a name"},
		{"_sd_alg by disclosure", f.token(nil, `{"_sd":["$0"]}`, `["s","_sd_alg","sha-512"]`), "not a name"},
		{"_SD by disclosure", f.token(nil, `{"_sd":["$0"]}`, `["s","_SD","x"]`), "not a name"},
		{"_SD", f.token(nil, `{"_SD":[]}`), "case-sensitive"},
		{"_sd_alg below the top", f.token(nil, `{"a":{"_sd_alg":"sha-256"}}`), "at the top only"},
		{"unknown _sd_alg", f.token(nil, `{"_sd_alg":"md5"}`), "known are"},
		{"truncated _sd_alg", f.token(nil, `{"_sd_alg":"sha-256-32"}`), "known are"},
		{"_sd_alg in capitals", f.token(nil, `{"_sd_alg":"SHA-256"}`), "known are"},
		{"_sd_alg is no string", f.token(nil, `{"_sd_alg":null}`), "not the name"},
		{"_sd is a string", f.token(nil, `{"_sd":"x"}`), "want an array"},
		{"_sd of numbers", f.token(nil, `{"_sd":[1]}`), "a digest is a string"},
		{"... outside an array", f.token(nil, `{"a":{"...":"x"}}`), "does not hold digests here"},
		{"... with company", f.token(nil, `{"a":[{"...":"x","b":1}]}`), "beside other members"},
		{"... is a number", f.token(nil, `{"a":[{"...":1}]}`), "a digest is a string"},
		{"an element for a member", f.token(nil, `{"_sd":["$0"]}`, element), "a name, or none"},
		{"a member for an element", f.token(nil, `{"a":[{"...":"$0"}]}`, name), "a name, or none"},

		{"a disclosure that is no JSON", signed + "~" + b64(`["s","a"`) + "~", "disclosure 0"},
		{"a disclosure that is an object", signed + "~" + b64(`{"a":1,"b":2}`) + "~", "want an array"},
		{"a disclosure of one", signed + "~" + b64(`["s"]`) + "~", "want an array"},
		{"a disclosure of four", signed + "~" + b64(`["s","a",1,2]`) + "~", "want an array"},
		{"salt is a number", f.token(nil, `{"_sd":["$0"]}`, `[1,"name","Ada"]`), "the salt is a number"},
		{"salt is null", f.token(nil, `{"a":[{"...":"$0"}]}`, `[null,"Ada"]`), "the salt is null"},
		{"name is a number", f.token(nil, `{"_sd":["$0"]}`, `["s",1,"Ada"]`), "the name is a number"},
		{"padded", f.token(nil, `{"_sd":["$0"]}`, b64(name)+"="), "not base64url"},
		{"stray bits", f.token(nil, `{"_sd":["$0"]}`, loose), "not base64url"},
		{"the alphabet of plain base64", f.token(nil, `{"_sd":["$0"]}`, strings.Replace(b64(`["s","a","??>>"]`), "_", "/", 1)), "not base64url"},
		{"a line break", f.token(nil, `{"_sd":["$0"]}`, b64(name)[:8]+"\n"+b64(name)[8:]), "line break"},

		{"key binding with typ of a credential", good + f.binding(key, "dc+sd-jwt", good, `{"iat":1,"aud":"a","nonce":"n","sd_hash":"$hash"}`), "want kb+jwt"},
		{"key binding without typ", good + f.binding(key, "", good, `{"iat":1,"aud":"a","nonce":"n","sd_hash":"$hash"}`), "want kb+jwt"},
		{"key binding without iat", good + f.binding(key, typBinding, good, `{"aud":"a","nonce":"n","sd_hash":"$hash"}`), "iat"},
		{"key binding for several", good + f.binding(key, typBinding, good, `{"iat":1,"aud":["a"],"nonce":"n","sd_hash":"$hash"}`), "aud"},
		{"key binding without nonce", good + f.binding(key, typBinding, good, `{"iat":1,"aud":"a","sd_hash":"$hash"}`), "nonce"},
		{"key binding without sd_hash", good + f.binding(key, typBinding, good, `{"iat":1,"aud":"a","nonce":"n"}`), "sd_hash"},
		{"key binding with Nonce", good + f.binding(key, typBinding, good, `{"iat":1,"aud":"a","nonce":"n","Nonce":"m","sd_hash":"$hash"}`), "case-sensitive"},
		{"key binding is an array", good + f.binding(key, typBinding, good, `[]`), "want an object"},
		{"key binding with alg none", good + b64(`{"alg":"none","typ":"kb+jwt"}`) + ".e30.", `alg "none"`},
		{"key binding is oversized", good + strings.Repeat("e", maxBindingBytes+1), "more than"},

		{"JSON of two forms", `{"payload":"e30","protected":"e30","signature":"AA","signatures":[]}`, `member "protected"`},
		{"JSON with another member", `{"payload":"e30","protected":"e30","signature":"AA","kb_jwt":"x"}`, `member "kb_jwt"`},
		{"JSON with alg outside the signature", `{"payload":"e30","protected":"e30","signature":"AA","header":{"alg":"none"}}`, `member "alg"`},
		{"JSON without a payload", `{"protected":"e30","signature":"AA"}`, "have to be there"},
		{"JSON with disclosures in text", `{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":"` + rest + `"}}`, "want an array"},
		{"JSON with disclosures of another kind", `{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":[1]}}`, "want an array of strings"},
		{"JSON with too many disclosures", `{"payload":"e30","protected":"e30","signature":"AA","header":{"disclosures":["W10"` + strings.Repeat(`,"W10"`, MaxDisclosures+5) + `]}}`, "at most"},
		{"JSON with an empty kb_jwt", `{"payload":"e30","protected":"e30","signature":"AA","header":{"kb_jwt":""}}`, "kb_jwt"},
		{"JSON without signatures", `{"payload":"e30","signatures":[]}`, "one or more"},
		{"JSON with kb_jwt at the second signature", `{"payload":"e30","signatures":[{"protected":"e30","signature":"AA"},{"protected":"e30","signature":"AA","header":{"kb_jwt":"x"}}]}`, "first signature"},
		{"JSON with two payloads", `{"payload":"e30","payload":"e30","protected":"e30","signature":"AA"}`, "second member"},
		{"JSON with a tilde in a disclosure", `{"payload":"e30","protected":"` + header + `","signature":"AA","header":{"disclosures":["` + b64(name) + "~" + b64(city) + `"]}}`, "disclosure 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.token))
			require.ErrorContains(t, err, tt.want)
		})
	}

	// An inner disclosure without the outer one.
	nested := f.token(nil, `{"_sd":["$1"]}`, city, `["s","address",{"_sd":["$0"]}]`)
	parts := strings.Split(nested, "~")
	_, err = Parse([]byte(parts[0] + "~" + parts[1] + "~"))
	require.ErrorContains(t, err, "none of this token's")
	_, err = Parse([]byte(parts[0] + "~" + parts[2] + "~"))
	require.NoError(t, err)
}

// Any flipped bit of a token is noticed: as a form that is refused, a disclosure without a
// digest, or a signature that does not hold.
func TestAnyFlippedBitIsNoticed(t *testing.T) {
	id, key := newKey(t, "Ed25519")
	_, holder := newKey(t, "Ed25519")
	f := forger{t: t, id: id, key: key, typ: "dc+sd-jwt"}
	token := f.token(holder.Public(), `{"cnf":$cnf,"_sd":["$0"],"a":[1,{"...":"$1"}]}`, `["c2FsdA","name","Ada"]`, `["c2FsdA",7]`)
	token += f.binding(holder, typBinding, token, `{"iat":1,"aud":"a","nonce":"n","sd_hash":"$hash"}`)
	holds := func(text []byte) error {
		parsed, err := Parse(text)
		if err == nil {
			err = parsed.Verify(key.Public())
		}
		if err == nil && !parsed.Bound() {
			err = fmt.Errorf("not bound")
		}
		if err == nil {
			err = parsed.verifyBinding(holder.Public())
		}
		return err
	}
	require.NoError(t, holds([]byte(token)))
	for i := range token {
		for bit := range 8 {
			text := []byte(token)
			text[i] ^= 1 << bit
			require.Error(t, holds(text), "byte %d, bit %d", i, bit)
		}
	}
}
