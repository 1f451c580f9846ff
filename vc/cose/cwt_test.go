package cose_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// roundTrip seals a document as a CWT and opens it again: what comes out is the same under RFC 8785.
func roundTrip(t require.TestingT, by *vc.Issuer, document []byte, presentation bool) []byte {
	e := &vc.Envelope{Document: document, Method: by.ID.URL(by.ID.Identifier()), Presentation: presentation, Created: time.Unix(1_800_000_000, 0)}
	raw, err := cose.CWT{}.Seal(by.Key, e)
	require.NoError(t, err, "%s", document)
	back, err := cose.CWT{}.Open(raw)
	require.NoError(t, err, "%s", document)
	canonical, err := jcs.Canonical(document)
	require.NoError(t, err)
	require.Equal(t, string(canonical), string(back.Document))
	require.Equal(t, e.Method, back.Method)
	require.True(t, e.Created.Equal(back.Created))
	require.NoError(t, back.Verify(by.Key.Public()))
	return raw
}

func TestLosslessExamples(t *testing.T) {
	by := service(t)
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		example, ok := record.Example(typ)
		require.True(t, ok)
		raw := roundTrip(t, by, example, false)
		require.NotContains(t, string(raw), "Credential", "%s: its words have labels", typ)
	}
	signed, err := by.Issue(maintenance(t))
	require.NoError(t, err)
	raw := roundTrip(t, by, signed, false)
	require.Less(t, len(raw), len(signed)*35/100, "its proof is bytes, too")
	for _, document := range []string{
		`{}`, `{"":""}`, `{"":{"":[]}}`, ` { "b" : 1 , "a" : [ ] } `, `{"issuer":null}`, `{"issuer":{"id":"did:web:a.example","name":"A"}}`,
		`{"issuer":"did:web:a.example","validFrom":"2026-01-01T00:00:00Z","validUntil":"2026-01-01T00:00:00+01:00"}`,
		`{"validFrom":"1970-01-01T00:00:00Z","validUntil":"1969-12-31T23:59:59Z"}`, `{"validFrom":"0000-01-01T00:00:00Z","validUntil":"9999-12-31T23:59:59Z"}`,
		`{"validFrom":"2026-02-29T00:00:00Z","validUntil":"2026-01-01T24:00:00Z"}`, `{"validFrom":"2026-01-01T00:00:60Z"}`, `{"validFrom":"2026-01-01t00:00:00z"}`,
		`{"id":"urn:uuid:9B1DEB4D-3b7d-4bad-9bdd-2b0d7b3dcb6d"}`, `{"id":"urn:uuid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"}`, `{"id":"urn:uuid:9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"}`, `{"id":"urn:uuid:123456789012"}`,
		`{"credentialSubject":{"id":"did:web:a.example"}}`, `{"credentialSubject":[{"id":"did:web:a.example"}]}`, `{"credentialSubject":"did:web:a.example"}`,
		`{"type":"[\"VerifiableCredential\",\"MaintenanceCredential\"]"}`, `{"type":["[\"VerifiablePresentation\"]","[\"VerifiablePresentation\"]"]}`, `{"type": [ "VerifiableCredential"` + strings.Repeat(" ", 200) + `, "MaintenanceCredential" ] }`,
		`{"a":"u","b":"z","c":"data:","d":"did:key:z","e":"did:key:z6Mk","f":"https://","g":"https://a","h":"https://ab","i":"urn:"}`,
		`{"a":"uEiB4RqYarZGqQzoZBGwD7Vx3Y80WQmg7WYi42CecrAzssg","b":"uEiB4RqYarZGqQzoZBGwD7Vx3Y80WQmg7WYi42CecrAzssh","c":"uEiB4RqYarZGqQzoZBGwD7Vx3Y80WQmg7WYi42CecrAzssg=="}`,
		`{"a":"data:application/cwt;base64,","b":"data:application/cwt;base64,AA==","c":"data:application/cwt;base64,AB==","d":"data:application/cwt;base64,\nAA==","e":"data:application/cwt,AA"}`,
		`{"a":"1","b":1,"c":1.0,"d":-0,"e":1e2,"f":1.5,"g":1e300,"h":-5e-324,"i":9007199254740991,"j":0.1,"k":-1,"l":65504.5,"m":1e21,"n":5.960464477539063e-8}`,
		`{"a":"abcd","b":"abcd","c":"abc","d":"abc","e":["abcd",{"abcd":"abcd"}],"f":"2026-01-01T00:00:00Z","g":"2026-01-01T00:00:00Z","h":"1970-01-01T00:00:00Z","i":"1970-01-01T00:00:00Z"}`,
		"{\"a\":\"\\u0000\\u2028\\ud83d\\ude00\\\"\\\\\",\"\\u20ac\":\"\u20ac\",\"\U00010000\":1,\"\\ufb33\":2}",
		`{"verifiableCredential":[{"id":"data:application/vc+cose;base64,0oRB"}]}`,
		strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32), `{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`,
		many(300),
	} {
		roundTrip(t, by, []byte(document), false)
		roundTrip(t, by, []byte(document), true)
	}
}

// many is a document of n different texts, twice: more than can be referred to.
func many(n int) string {
	var b strings.Builder
	for i := range 2 * n {
		fmt.Fprintf(&b, `,"n%d":"text %d"`, i, i%n)
	}
	return "{" + b.String()[1:] + "}"
}

// words are strings that have a form of their own, or nearly.
func words(t testing.TB) []string {
	return []string{
		"", "a", "type", "VerifiableCredential", "MaintenanceCredential", "HUR", `["VerifiablePresentation"]`, "hour meter", "did:web:a.example", "did:web:", "https://a.example/1", "urn:x",
		"2026-11-21T16:00:00Z", "2026-11-21T16:00:00.5Z", "1970-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "urn:uuid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
		issuer(t, 3).ID.String(), issuer(t, 3).ID.String() + "#" + issuer(t, 3).ID.Identifier(), issuer(t, 3).ID.String() + "#x", issuer(t, 3).ID.Identifier(),
		"uEiCBcCsO0TaGQhdJ0lDHaUmZGLySw-O4I3r_pxJ8OtWQ-A", "data:application/vc+cose;base64,0oRB", "z" + strings.Repeat("1", 40), "u" + strings.Repeat("A", 40),
		"https://www.w3.org/ns/credentials/v2", "https://w3id.org/hourmeter/v1", "urn:hourmeter:previous", "\x00", "€", "[", "{",
	}
}

func drawValue(t *rapid.T, words []string, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.OneOf(rapid.Int64Range(-1<<53+1, 1<<53-1), rapid.Int64Range(-300, 300)).Draw(t, "int")
	case 1:
		return rapid.Float64Range(-1e6, 1e6).Draw(t, "float")
	case 2:
		return rapid.SampledFrom([]any{true, false, nil}).Draw(t, "simple")
	case 3:
		return rapid.String().Draw(t, "text")
	case 4:
		return rapid.SampledFrom(words).Draw(t, "word")
	case 5:
		list := make([]any, rapid.IntRange(0, 4).Draw(t, "elements"))
		for i := range list {
			list[i] = drawValue(t, words, depth-1)
		}
		return list
	}
	return drawObject(t, words, depth-1)
}

func drawObject(t *rapid.T, words []string, depth int) map[string]any {
	names := rapid.OneOf(rapid.SampledFrom([]string{
		"@context", "type", "id", "issuer", "holder", "validFrom", "validUntil", "credentialSubject", "record", "value", "qualification", "missed", "IDverifiedByCAB", "sequence",
	}), rapid.String(), rapid.SampledFrom(words))
	object := map[string]any{}
	for range rapid.IntRange(0, 6).Draw(t, "members") {
		object[names.Draw(t, "name")] = drawValue(t, words, depth)
	}
	return object
}

// Any document comes back as it was.
func TestLosslessRandom(t *testing.T) {
	by, words := service(t), words(t)
	rapid.Check(t, func(t *rapid.T) {
		document, err := json.Marshal(drawObject(t, words, 5), json.Deterministic(true))
		require.NoError(t, err)
		roundTrip(t, by, document, rapid.Bool().Draw(t, "presentation"))
	})
}

// token signs a payload that CWT would not write.
func token(t testing.TB, kid, payload string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.ReplaceAll(payload, " ", ""))
	require.NoError(t, err)
	raw, err := cosesign1.Sign(service(t).Key, &cosesign1.Message{Kid: []byte(kid), Payload: p})
	require.NoError(t, err)
	return raw
}

const kid = "did:web:a.example#k"

// A document has one encoding: whatever else would decode to it, or to nothing, is refused.
func TestCWTRefusals(t *testing.T) {
	const vc1 = "3a00011170" // the claim of a credential
	hexText := func(s string) string { return hex.EncodeToString(cbor.AppendText(nil, s)) }
	hexBytes := func(s string) string { return hex.EncodeToString(cbor.AppendBytes(nil, []byte(s))) }
	_, err := cose.CWT{}.Open(token(t, kid, "a1"+vc1+"a1 12 62 6869"))
	require.NoError(t, err) // {"name": "hi"}
	const not = "not the one encoding"
	for _, test := range []struct{ name, payload, want string }{
		{"label as text", "a1" + vc1 + "a1 64 6e616d65 62 6869", not},
		{"label and its text", "a1" + vc1 + "a2 12 62 6869 64 6e616d65 62 6869", `a second member named "name"`},
		{"label twice", "a1" + vc1 + "a2 12 62 6869 12 62 6869", `a second member named "name"`},
		{"labels in another order", "a1" + vc1 + "a2 15 01 12 62 6869", not},
		{"positive before negative, as bytes go", "a1" + vc1 + "a2 20 01 15 01", not},
		{"value as text", "a1" + vc1 + "a1 12" + hexText("HUR"), not},
		{"value in two bytes", "a1" + vc1 + "a1 12 42 0104", "the value 260"},
		{"unknown value", "a1" + vc1 + "a1 12 41 ff", "the value 255"},
		{"unknown label", "a1" + vc1 + "a1 19 0400 01", "the label 1024"},
		{"unknown negative label", "a1" + vc1 + "a1 38 63 01", "the label -100"},
		{"a later version", "a1" + vc1 + "a2 00 02 12 62 6869", "a later version of the label registry"},
		{"array of labels as an array", "a1" + vc1 + "a1 02 82 41 04 41 0a", not},
		{"time as text", "a1" + vc1 + "a1 0b" + hexText("2026-11-21T16:00:00Z"), not},
		{"time beyond 9999", "a1" + vc1 + "a1 0b c1 1b 0000003afff44180", "want one of the years"},
		{"time before 0", "a1" + vc1 + "a1 0b c1 3b 0000000e79747c00", "want one of the years"},
		{"time with a fraction", "a1" + vc1 + "a1 0b c1 f93e00", "want an integer"},
		{"another tag", "a1" + vc1 + "a1 0b c0" + hexText("2026-11-21T16:00:00Z"), "the tag 0"},
		{"digest as text", "a1" + vc1 + "a1 0a" + hexText("uEiB4RqYarZGqQzoZBGwD7Vx3Y80WQmg7WYi42CecrAzssg"), not},
		{"digest in the other form", "a1" + vc1 + "a1 0a" + hexBytes("u\x12\x20"+strings.Repeat("x", 32)), not},
		{"key as text", "a1" + vc1 + "a1 12" + hexText(service(t).ID.String()), not},
		{"prefix as text", "a1" + vc1 + "a1 12" + hexText("https://a.example"), not},
		{"shorter prefix", "a1" + vc1 + "a1 12" + hexBytes("\x01w3id.org/x"), not},
		{"prefix and bytes that are not UTF-8", "a1" + vc1 + "a1 12" + hexBytes("\x01\xff\xfe"), "not UTF-8"},
		{"unknown form", "a1" + vc1 + "a1 12" + hexBytes("\x11ab"), "the form 0x11"},
		{"short base58", "a1" + vc1 + "a1 12" + hexBytes("zab"), not},
		{"long base58", "a1" + vc1 + "a1 12" + hexBytes("z"+strings.Repeat("x", 129)), "the form 0x7a"},
		{"long key", "a1" + vc1 + "a1 12" + hexBytes("\xed"+strings.Repeat("x", 64)), "the form 0xed"},
		{"UUID of 15 bytes", "a1" + vc1 + "a1 12" + hexBytes("U"+strings.Repeat("x", 15)), "the form 0x55"},
		{"data of an unknown media type", "a1" + vc1 + "a1 12" + hexBytes("d\x09xx"), "the form 0x64"},
		{"empty byte string", "a1" + vc1 + "a1 12 40", "an empty byte string"},
		{"reference to nothing", "a1" + vc1 + "a1 12 42 0000", "a reference to text 0"},
		{"reference that is written out", "a1" + vc1 + "a2 12 63 616263 13 63 616263", not},
		{"short text as a reference", "a1" + vc1 + "a2 12 62 6162 13 42 0000", "a reference to text 0"},
		{"integer as a fraction", "a1" + vc1 + "a1 15 f93c00", not},
		{"integer beyond 2^53", "a1" + vc1 + "a1 15 1b 0020000000000000", "2^53"},
		{"integer beyond 2^63", "a1" + vc1 + "a1 15 1b ffffffffffffffff", "more than 63 bits"},
		{"integer that is too long", "a1" + vc1 + "a1 15 18 01", "shortest form"},
		{"indefinite length", "a1" + vc1 + "bf 15 01 ff", "indefinite"},
		{"name that is bytes", "a1" + vc1 + "a1 41 12 01", "a byte string as a member's name"},
		{"document that is an array", "a1" + vc1 + "80", "no credential and no presentation"},
		{"no document", "a1 06 1a 6a010203", "no credential and no presentation"},
		{"two documents", "a2" + vc1 + "a0 3a00011171 a0", "a second document"},
		{"document twice", "a2" + vc1 + "a0" + vc1 + "a0", "a second document"},
		{"another claim", "a2 08 a0" + vc1 + "a0", "does not have"},
		{"claim as text", "a2 63 697373 60" + vc1 + "a0", "does not have"},
		{"claims in another order", "a2" + vc1 + "a0 06 1a 6a010203", not},
		{"claim twice", "a3 06 1a 6a010203 06 1a 6a010203" + vc1 + "a0", "a key twice"},
		{"iss that is in the document as well", "a2 01" + hexText("did:web:c.example") + vc1 + "a1 04" + hexText("did:web:b.example"), not},
		{"iss that is a key", "a2 01" + hexText(service(t).ID.String()) + vc1 + "a0", not},
		{"iss that is bytes", "a2 01 41 61" + vc1 + "a0", "a byte string, want text"},
		{"iss that is empty", "a2 01 60" + vc1 + "a0", not},
		{"sub without a subject", "a2 02" + hexText("did:web:b.example") + vc1 + "a0", not},
		{"validFrom in the document", "a1" + vc1 + "a1 05 c1 1a 6a010203", not},
		{"nbf with its tag", "a2 05 c1 1a 6a010203" + vc1 + "a0", "want an integer"},
		{"nbf with a fraction", "a2 05 f93e00" + vc1 + "a0", "want an integer"},
		{"nbf before 1970", "a2 05 20" + vc1 + "a0", "want seconds since 1970"},
		{"iat that is nbf", "a3 05 1a 6a010203 06 1a 6a010203" + vc1 + "a0", not},
		{"exp beyond 9999", "a2 04 1b 0000003afff44180" + vc1 + "a0", "before the year 10000"},
		{"cti of 15 bytes", "a2 07 4f" + strings.Repeat("00", 15) + vc1 + "a0", "cti"},
		{"short nonce", "a2 0a 41 61 3a00011171 a0", "a nonce of 1 bytes"},
		{"long nonce", "a2 0a 58 41" + strings.Repeat("61", 65) + "3a00011171 a0", "a nonce of 65 bytes"},
		{"nonce that is text", "a2 0a 68" + strings.Repeat("61", 8) + "3a00011171 a0", "text, want a byte string"},
		{"aud: one in an array", "a2 03 81 61 61 3a00011171 a0", not},
		{"aud: none in an array", "a2 03 80 3a00011171 a0", "want text, or an array"},
		{"aud: too many", "a2 03 91" + strings.Repeat("6161", 17) + "3a00011171 a0", "want text, or an array"},
		{"status: without a list", "a2 19 ffff a0" + vc1 + "a0", "want idx"},
		{"status: something else", "a2 19 ffff a1 61 78 00" + vc1 + "a0", "status_list and nothing else"},
		{"status: members in another order", "a2 19 ffff a1 6b 7374617475735f6c697374 a2 63 757269 61 78 63 696478 00" + vc1 + "a0", not},
		{"deep nesting", "a1" + vc1 + strings.Repeat("a101", 33) + "00", "nested more than the 32"},
		{"references that blow up", "a1" + vc1 + bomb(), "bytes of JSON that are read"},
		{"trailing byte", "a1" + vc1 + "a0 00", "bytes follow"},
		{"no map", "81 00", "an array, want a map"},
		{"empty", "", "missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := cose.CWT{}.Open(token(t, kid, test.payload))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// bomb is a text of 4 KB, and a thousand references to it.
func bomb() string {
	b := cbor.AppendText(cbor.AppendArray(nil, 1001), strings.Repeat("x", 4096))
	return hex.EncodeToString(b) + strings.Repeat("420000", 1000)
}

// kid has one form, too, and there is no other header.
func TestCWTHeaders(t *testing.T) {
	by := service(t)
	own := "a1 3a00011170 a1 04" + hex.EncodeToString(cbor.AppendBytes(nil, multikey(t, by.ID)))
	open := func(kid, payload string) (*vc.Envelope, error) { return cose.CWT{}.Open(token(t, kid, payload)) }
	e, err := open("", own)
	require.NoError(t, err)
	require.Equal(t, by.ID.URL(by.ID.Identifier()), e.Method)
	const web = "a2 01 71 6469643a7765623a612e6578616d706c65 3a00011170 a0"
	e, err = open("#k", web)
	require.NoError(t, err)
	require.Equal(t, kid, e.Method.String())
	for _, test := range []struct{ name, kid, payload, want string }{
		{"none, and no issuer", "", "a1 3a00011170 a0", "kid (4) is missing"},
		{"none, and an issuer with many keys", "", web, "kid (4) is missing"},
		{"in full, and it follows from the issuer", by.ID.String() + "#" + by.ID.Identifier(), own, "its one form here"},
		{"fragment, and it follows from the issuer", "#" + by.ID.Identifier(), own, "its one form here"},
		{"in full, of the issuer", kid, web, "its one form here"},
		{"fragment, and no issuer", "#k", "a1 3a00011170 a0", "want the DID URL"},
		{"DID", "did:web:a.example", web, "has no fragment"},
		{"fragment without its #", "73voMXFNmNlOEpuYCSJlh8eN0dscykoO6gBukgRS1uU", web, "its one form here"},
	} {
		_, err := open(test.kid, test.payload)
		require.ErrorContains(t, err, test.want, test.name)
	}

	payload, err := hex.DecodeString(strings.ReplaceAll(own, " ", ""))
	require.NoError(t, err)
	for name, m := range map[string]cosesign1.Message{
		"typ": {Typ: "application/cwt"}, "content type": {ContentType: "61"}, "claims": {Claims: []byte{0xa0}},
	} {
		m.Payload = payload
		raw, err := cosesign1.Sign(by.Key, &m)
		require.NoError(t, err)
		_, err = cose.CWT{}.Open(raw)
		require.ErrorContains(t, err, "the headers are not", name)
	}
	raw := token(t, "", own)
	raw = bytes.Replace(raw, []byte{0xa0, 0x58}, []byte{0xa1, 0x18, 0x63, 0x00, 0x58}, 1)
	_, err = cose.CWT{}.Open(raw)
	require.ErrorContains(t, err, "the headers are not", "something that nobody signed")
}

func multikey(t testing.TB, id did.DID) []byte {
	key, err := did.Key(context.Background(), did.Offline{}, id.URL(id.Identifier()), did.AssertionMethod, did.Version{})
	require.NoError(t, err)
	return append([]byte{0xed, 1}, key.(ed25519.PublicKey)...)
}

// An EAT (RFC 9711), which is a CWT, is no credential.
func TestEATIsNoCredential(t *testing.T) {
	_, err := cose.CWT{}.Open(token(t, kid, "a3 0a 4b 613139382d363430322d38 190100 50 0198f50a4ff6c05861c8860d13a638ea 190106 f5"))
	require.ErrorContains(t, err, "does not have")
}
