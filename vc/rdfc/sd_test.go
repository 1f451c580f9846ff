package rdfc

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// A shown is a derived credential in parts, which tests spoil.
type shown struct {
	document, options string
	derived           derivedProof
	value             string // instead of derived, if set
	public            crypto.PublicKey
}

// Each way to spoil a derived proof, by name. Everything starts from the W3C's windsurfer, of whom sails 1 and 2 and
// both boards are shown: 20 statements of 6 blank nodes, of which 6 are not mandatory.
func TestRefusedDerivedProofs(t *testing.T) {
	suite := ECDSASD2023{MandatoryPointers: windMandatory, Contexts: Contexts().WithInline()}
	public, err := multikey.Decode(windKey)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	fresh, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	freshText, err := encodeP256(&fresh.PublicKey)
	require.NoError(t, err)

	document, options, value := parts(t, withProof(windRevealed, windProof, windDerived))
	start := func() shown {
		p, err := parseDerived(value)
		require.NoError(t, err)
		return shown{document: string(document), options: string(options), derived: p, public: public}
	}
	replace := func(text *string, old, new string) {
		require.Equal(t, 1, strings.Count(*text, old), old)
		*text = strings.Replace(*text, old, new, 1)
	}
	// raw rebuilds the proof value from CBOR, after a change to its bytes or its items.
	raw := func(s *shown, change func(b []byte) []byte) {
		text, err := s.derived.encode()
		require.NoError(t, err)
		b, err := multikey.DecodeBase64URL(text, maxProofBytes)
		require.NoError(t, err)
		s.value = multikey.EncodeBase64URL(change(b))
	}

	for _, c := range []struct {
		name  string
		spoil func(s *shown)
		want  string
	}{
		// What it says.
		{"altered claim", func(s *shown) { replace(&s.document, "Kanaha Custom", "Kanaha custom") }, "signature does not match"},
		{"altered mandatory claim", func(s *shown) { replace(&s.document, "Earth101", "Earth102") }, "what is mandatory: signature does not match"},
		{"another issuer", func(s *shown) { replace(&s.document, "racecommittee", "commodore") }, "what is mandatory"},
		{"added claim", func(s *shown) { replace(&s.document, `"year":2019`, `"sold":true,"year":2019`) }, "6 signatures for 7 statements"},
		{"claim left out, its signature kept", func(s *shown) { replace(&s.document, `,"year":2019`, "") }, "statement 19 is mandatory, where there are 19"},
		{"claim moved to another board", func(s *shown) {
			replace(&s.document, `{"boardName":"CompFoil170",`, `{"boardName":"Kanaha Custom",`)
			replace(&s.document, `{"boardName":"Kanaha Custom","brand":"Wailea","year":2019}`, `{"boardName":"CompFoil170","brand":"Wailea","year":2019}`)
		}, "signature does not match"},
		{"dropped mandatory statement", func(s *shown) {
			replace(&s.document, `"sailNumber":"Earth101",`, "")
			s.derived.mandatory = s.derived.mandatory[:len(s.derived.mandatory)-1]
		}, "what is mandatory: signature does not match"},
		{"mandatory statement passed off as one that is not", func(s *shown) {
			s.derived.mandatory = s.derived.mandatory[1:]
			s.derived.signatures = append([][]byte{s.derived.signatures[0]}, s.derived.signatures...)
		}, "what is mandatory: signature does not match"},
		{"statement that is not mandatory passed off as one", func(s *shown) {
			s.derived.mandatory = append([]int{0, 1, 2, 3}, s.derived.mandatory[3:]...)
			s.derived.signatures = s.derived.signatures[1:]
		}, "what is mandatory: signature does not match"},
		{"another context, so other words", func(s *shown) { replace(&s.document, "selective#", "other#") }, "what is mandatory"},
		{"undefined term", func(s *shown) {
			replace(&s.document, `,{"@vocab":"https://windsurf.grotto-networking.com/selective#"}`, "")
		}, "is not defined"},
		{"poison graph", func(s *shown) {
			var nodes, links []string
			for i := range 10 { // each is linked to each
				links = append(links, fmt.Sprintf(`{"id":"_:e%d"}`, i))
			}
			for i := range 10 {
				nodes = append(nodes, fmt.Sprintf(`{"id":"_:e%d","p":[%s]}`, i, strings.Join(links, ",")))
			}
			replace(&s.document, `"sailNumber":"Earth101"`, `"sailNumber":"Earth101","w":[`+strings.Join(nodes, ",")+`]`)
		}, "too alike"},

		// What the proof says beside its value.
		{"another time", func(s *shown) { replace(&s.options, "2023-08-15", "2023-08-16") }, "what is mandatory"},
		{"another purpose", func(s *shown) { replace(&s.options, "assertionMethod", "authentication") }, "what is mandatory"},
		{"another suite", func(s *shown) { replace(&s.options, "ecdsa-sd-2023", "ecdsa-rdfc-2019") }, `cryptosuite is "ecdsa-rdfc-2019"`},
		{"context of its own", func(s *shown) { replace(&s.options, "{", `{"@context":"https://www.w3.org/ns/credentials/v2",`) }, "@context of the proof"},
		{"part of a proof chain", func(s *shown) { replace(&s.document, `"type":[`, `"proof":{},"type":[`) }, "covers no other proof"},
		{"key of another curve", func(s *shown) { s.public = &p384.PublicKey }, "needs a P-256 key, got P-384"},
		{"key of another kind", func(s *shown) { s.public = make(ed25519.PublicKey, 32) }, "needs a P-256 key, got ed25519.PublicKey"},
		{"another issuer's key", func(s *shown) { s.public = &fresh.PublicKey }, "what is mandatory: signature does not match"},

		// Signatures.
		{"swapped signatures", func(s *shown) {
			s.derived.signatures[0], s.derived.signatures[1] = s.derived.signatures[1], s.derived.signatures[0]
		}, "signature does not match"},
		{"one signature too few", func(s *shown) { s.derived.signatures = s.derived.signatures[1:] }, "5 signatures for 6 statements"},
		{"one signature too many", func(s *shown) { s.derived.signatures = append(s.derived.signatures, s.derived.signatures[0]) }, "7 signatures for 6 statements"},
		{"no signatures", func(s *shown) { s.derived.signatures = nil }, "0 signatures for 6 statements"},
		{"altered base signature", func(s *shown) { s.derived.signature = bytes.Clone(s.derived.signature); s.derived.signature[0] ^= 1 }, "what is mandatory: signature does not match"},
		{"signature of zeros", func(s *shown) { s.derived.signature = make([]byte, 64) }, "what is mandatory: signature does not match"},
		{"statements signed with another key", func(s *shown) {
			s.derived.publicKey = freshText
			for i := range s.derived.signatures {
				s.derived.signatures[i], _ = signature.Sign(fresh, []byte("whatever"))
			}
		}, "what is mandatory: signature does not match"},
		{"proof key of another curve", func(s *shown) {
			raw(s, func(b []byte) []byte { b[3+1+2+64+2+1] = 0x25; return b })
		}, "multikey"},
		{"proof key off the curve", func(s *shown) {
			s.derived.publicKey = bytes.Clone(s.derived.publicKey)
			for i := range s.derived.publicKey[3:] {
				s.derived.publicKey[3+i] = 0xff
			}
		}, "multikey"},

		// Labels.
		{"swapped labels", func(s *shown) {
			s.derived.labels[0], s.derived.labels[1] = s.derived.labels[1], s.derived.labels[0]
		}, "signature does not match"},
		{"one label for two nodes", func(s *shown) { s.derived.labels[1] = s.derived.labels[0] }, "one label to two blank nodes"},
		{"label for a node that is not there", func(s *shown) {
			s.derived.labels = append(s.derived.labels, multikey.EncodeBase64URL(make([]byte, 32)))
		}, "labels for 7 blank nodes, where the document has 6"},
		{"no label for a node", func(s *shown) { s.derived.labels = s.derived.labels[:5] }, "labels for 5 blank nodes, where the document has 6"},
		{"no labels", func(s *shown) { s.derived.labels = nil }, "labels for 0 blank nodes"},
		{"gap in the labels", func(s *shown) { s.value = withLabels(t, s.derived, 0, 1, 2, 3, 4, 6) }, "none for c14n5"},
		{"labels that begin with 1", func(s *shown) { s.value = withLabels(t, s.derived, 1, 2, 3, 4, 5, 6) }, "none for c14n0"},
		{"one node labelled twice", func(s *shown) { s.value = withLabels(t, s.derived, 0, 1, 2, 3, 4, 4) }, "key twice"},
		{"negative label number", func(s *shown) { s.value = withLabels(t, s.derived, -1, 0, 1, 2, 3, 4) }, "want the number of a canonical label"},
		{"enormous label number", func(s *shown) { s.value = withLabels(t, s.derived, 0, 1, 2, 3, 4, 1<<62) }, "none for c14n5"},

		// Mandatory statements.
		{"mandatory statement beyond the last", func(s *shown) {
			s.derived.mandatory = append(s.derived.mandatory, 20)
		}, "statement 20 is mandatory, where there are 20"},
		{"mandatory statement twice", func(s *shown) { s.derived.mandatory[1] = s.derived.mandatory[0] }, "do not ascend"},
		{"mandatory statements in disorder", func(s *shown) {
			s.derived.mandatory[0], s.derived.mandatory[1] = s.derived.mandatory[1], s.derived.mandatory[0]
		}, "do not ascend"},
		{"negative mandatory statement", func(s *shown) { s.derived.mandatory[0] = -1 }, "do not ascend, or are beyond"},
		{"enormous mandatory statement", func(s *shown) { s.derived.mandatory[len(s.derived.mandatory)-1] = math.MaxInt32 }, "beyond any document"},
		{"nothing mandatory", func(s *shown) { s.derived.mandatory = nil }, "6 signatures for 20 statements"},

		// The value's form.
		{"base proof", func(s *shown) { s.value = windBase }, "is a base proof, which is the holder's alone"},
		{"unknown header", func(s *shown) { raw(s, func(b []byte) []byte { b[2] = 2; return b }) }, "begins with d95d02"},
		{"header of another suite", func(s *shown) { raw(s, func(b []byte) []byte { b[2] = 3; b[1] = 0x5d; return b }) }, "begins with d95d03"},
		{"no header", func(s *shown) { raw(s, func(b []byte) []byte { return b[3:] }) }, "begins with 855840"},
		{"header alone", func(s *shown) { s.value = "u2V0B" }, "an item is missing"},
		{"two bytes", func(s *shown) { s.value = "u2V0" }, "begins with d95d"},
		{"nothing", func(s *shown) { s.value = "u" }, `does not begin with "u"`},
		{"not multibase", func(s *shown) { s.value = windDerived[1:] }, `does not begin with "u"`},
		{"base58", func(s *shown) { s.value = "z" + windDerived[1:] }, `does not begin with "u"`},
		{"padding", func(s *shown) { s.value = windDerived + "==" }, "base64url without padding"},
		{"line break", func(s *shown) { s.value = windDerived[:9] + "\n" + windDerived[9:] }, "line break"},
		{"stray bits", func(s *shown) { s.value = windDerived[:len(windDerived)-1] + "x" }, "base64url"},
		{"bytes after the end", func(s *shown) { raw(s, func(b []byte) []byte { return append(b, 0) }) }, "follow"},
		{"cut short", func(s *shown) { raw(s, func(b []byte) []byte { return b[:len(b)-1] }) }, "left"},
		{"four parts", func(s *shown) { raw(s, func(b []byte) []byte { b[3] = 0x84; return b }) }, "an array of 4, want 5"},
		{"six parts", func(s *shown) { raw(s, func(b []byte) []byte { b[3] = 0x86; return append(b, 0) }) }, "an array of 6, want 5"},
		{"a map of parts", func(s *shown) { raw(s, func(b []byte) []byte { b[3] = 0xa5; return b }) }, "a map, want an array"},
		{"indefinite length", func(s *shown) { raw(s, func(b []byte) []byte { b[3] = 0x9f; return append(b, 0xff) }) }, "indefinite length"},
		{"tagged bytes, as in drafts", func(s *shown) {
			raw(s, func(b []byte) []byte { return slices.Insert(b, 4, 0xd8, 0x40) })
		}, "a tag, want a byte string"},
		{"text for bytes", func(s *shown) { raw(s, func(b []byte) []byte { b[4] = 0x78; return b }) }, "CBOR, byte 1"},
		{"length in a longer form", func(s *shown) {
			raw(s, func(b []byte) []byte { b[4] = 0x59; return slices.Insert(b, 5, 0) })
		}, "shortest form"},
		{"short signature", func(s *shown) { s.derived.signature = s.derived.signature[1:] }, "the signature has 63 bytes, want 64"},
		{"short public key", func(s *shown) { s.derived.publicKey = s.derived.publicKey[1:] }, "the public key has 34 bytes, want 35"},
		{"short statement signature", func(s *shown) { s.derived.signatures[0] = s.derived.signatures[0][1:] }, "a signature has 63 bytes, want 64"},
		{"short label", func(s *shown) { s.derived.labels[0] = multikey.EncodeBase64URL(make([]byte, 31)) }, "a label has 31 bytes, want 32"},
		{"signatures by the billion", func(s *shown) { s.value = counts(s.derived, 1<<30, 0, 0) }, "are left"},
		{"more signatures than are read", func(s *shown) { s.value = counts(s.derived, maxSignatures+1, 0, 0) }, "1301 signatures, at most 1300"},
		{"labels by the billion", func(s *shown) { s.value = counts(s.derived, 0, 1<<30, 0) }, "are left"},
		{"mandatory statements by the billion", func(s *shown) { s.value = counts(s.derived, 0, 0, 1<<30) }, "are left"},
		{"a megabyte", func(s *shown) { s.value = "u" + strings.Repeat("A", 1<<20) }, "too many for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start()
			require.NoError(t, suite.Verify(s.public, []byte(s.document), []byte(s.options), windDerived), "as it was")
			c.spoil(&s)
			if s.value == "" {
				var err error
				s.value, err = s.derived.encode()
				require.NoError(t, err)
			}
			begun := time.Now()
			require.ErrorContains(t, suite.Verify(s.public, []byte(s.document), []byte(s.options), s.value), c.want)
			require.Less(t, time.Since(begun), 5*time.Second)
		})
	}
}

// withLabels encodes a derived proof whose label map has these keys.
func withLabels(t testing.TB, p derivedProof, keys ...int64) string {
	b := head(p)
	b = cbor.AppendArray(b, len(p.signatures))
	for _, s := range p.signatures {
		b = cbor.AppendBytes(b, s)
	}
	b = cbor.AppendMap(b, len(keys))
	for i, key := range keys {
		hash, err := multikey.DecodeBase64URL(p.labels[i], 32)
		require.NoError(t, err)
		b = cbor.AppendBytes(cbor.AppendInt(b, key), hash)
	}
	return multikey.EncodeBase64URL(cbor.AppendArray(b, 0))
}

// counts encodes a derived proof that says it has so many signatures, labels or mandatory statements. Of the
// first it has as many bytes as a reader might wait for.
func counts(p derivedProof, signatures, labels, mandatory int) string {
	b := cbor.AppendArray(head(p), signatures)
	if signatures > 0 {
		return multikey.EncodeBase64URL(append(b, make([]byte, 2*maxSignatures)...))
	}
	if b = cbor.AppendMap(b, labels); labels > 0 {
		return multikey.EncodeBase64URL(b)
	}
	return multikey.EncodeBase64URL(cbor.AppendArray(b, mandatory))
}

func head(p derivedProof) []byte {
	b := cbor.AppendArray([]byte(derivedHeader), 5)
	return cbor.AppendBytes(cbor.AppendBytes(b, p.signature), p.publicKey)
}

// The labels may come in any order: a map has none.
func TestLabelsInAnyOrder(t *testing.T) {
	p, err := parseDerived(windDerived)
	require.NoError(t, err)
	want := slices.Clone(p.labels)
	p.labels = []string{want[3], want[0], want[5], want[1], want[4], want[2]}
	again, err := parseDerived(withLabels(t, p, 3, 0, 5, 1, 4, 2))
	require.NoError(t, err)
	require.Equal(t, want, again.labels)
}

func TestRefusedDerivations(t *testing.T) {
	suite := ECDSASD2023{Contexts: Contexts().WithInline()}
	base := string(withProof(windDocument, windProof, windBase))
	proof := base[strings.Index(base, `{"type":"DataIntegrityProof"`) : len(base)-1]
	list := `{"@context":["https://www.w3.org/ns/credentials/v2",{"steps":{"@id":"urn:steps","@container":"@list"}}],` +
		`"type":["VerifiableCredential"],"issuer":"did:example:i","credentialSubject":{"steps":["a","b","c"],"name":{"@value":"x","@language":"en"}}}`
	issue := func(document string, mandatory ...string) string {
		suite := suite
		suite.MandatoryPointers = append([]string{}, mandatory...)
		value, err := suite.Sign(secret(t, windSecret), canonicalJSON(t, document), []byte(windProof))
		require.NoError(t, err)
		return string(withProof(document, windProof, value))
	}
	for _, c := range []struct {
		name, credential string
		pointers         []string
		want             string
	}{
		{"not JSON", "{", nil, "rdfc: derive: "},
		{"member twice", strings.Replace(base, `"issuer":`, `"issuer":"did:example:x","issuer":`, 1), nil, "issuer"},
		{"no proof", windDocument, nil, "no proof of ecdsa-sd-2023"},
		{"proof of another suite", strings.Replace(base, `"ecdsa-sd-2023"`, `"ecdsa-rdfc-2019"`, 1), nil, "no proof of ecdsa-sd-2023"},
		{"two proofs", strings.Replace(base, proof, "["+proof+","+proof+"]", 1), nil, "2 proofs of ecdsa-sd-2023"},
		{"proof in a chain", strings.Replace(base, `"proofPurpose"`, `"previousProof":"urn:1","proofPurpose"`, 1), nil, "covers another one"},
		{"derived proof", string(withProof(windRevealed, windProof, windDerived)), nil, "is a derived proof: derive from the base proof"},
		{"proof without a value", strings.Replace(base, windBase, "", 1), nil, "proofValue"},
		{"altered claim that is shown", strings.Replace(base, "Kanaha Custom", "Kanaha custom", 1), windSelective, "is not as the issuer signed it"},
		{"added claim", strings.Replace(base, `"sailNumber"`, `"more":"x","sailNumber"`, 1), windSelective, "14 signatures for 15 statements"},
		{"removed claim", strings.Replace(base, `,"year":2019`, "", 1), windSelective, "14 signatures for 13 statements"},
		{"mandatory claim removed", strings.Replace(base, `"sailNumber":"Earth101",`, "", 1), windSelective, `mandatory: the JSON pointer "/credentialSubject/sailNumber" matches nothing`},
		{"undefined term", strings.Replace(base, "@vocab", "vocab", 1), windSelective, "is not defined"},
		{"pointer to nothing", base, []string{"/credentialSubject/helm"}, `the JSON pointer "/credentialSubject/helm" matches nothing`},
		{"pointer beyond an array", base, []string{"/credentialSubject/boards/2"}, "matches nothing"},
		{"pointer behind an array", base, []string{"/credentialSubject/boards/-"}, "matches nothing"},
		{"pointer with a leading zero", base, []string{"/credentialSubject/boards/00"}, "matches nothing"},
		{"pointer with a sign", base, []string{"/credentialSubject/boards/+1"}, "matches nothing"},
		{"pointer into text", base, []string{"/issuer/0"}, "matches nothing"},
		{"pointer with another case", base, []string{"/credentialsubject"}, "matches nothing"},
		{"pointer to the proof", base, []string{"/proof/created"}, "matches nothing"},
		{"pointer with an empty name", base, []string{"/"}, "matches nothing"},
		{"no pointer", base, []string{"issuer"}, "must begin with /"},
		{"fragment", base, []string{"#/issuer"}, "must begin with /"},
		{"tilde", base, []string{"/a~b"}, "~ is written ~0"},
		{"tilde at the end", base, []string{"/a~"}, "~ is written ~0"},
		{"many pointers", base, slices.Repeat([]string{"/issuer"}, maxPointers+1), "1001 JSON pointers"},
		{"nothing", issue(list), nil, "nothing is mandatory and nothing selected"},
		{"a part of a list", issue(list), []string{"/credentialSubject/steps/1"}, "a part of a value or list"},
		{"a part of a value", issue(list), []string{"/credentialSubject/name/@value"}, "a part of a value or list"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := suite.Derive([]byte(c.credential), c.pointers)
			require.ErrorContains(t, err, c.want)
		})
	}
	// An operator's context may give id another name, which is not looked for.
	operators, err := Contexts().With("https://example.org/alias", []byte(`{"@context":{"self":"@id"}}`))
	require.NoError(t, err)
	_, err = ECDSASD2023{MandatoryPointers: []string{"/credentialSubject/name"}, Contexts: operators}.Sign(secret(t, windSecret),
		canonicalJSON(t, `{"@context":["https://www.w3.org/ns/credentials/v2","https://example.org/alias"],"type":["VerifiableCredential"],`+
			`"issuer":"did:example:i","credentialSubject":{"self":"urn:s","name":"x","description":"y"}}`), []byte(windProof))
	require.ErrorContains(t, err, "whose id is not a member id or @id")
	// Of types none is left out.
	derived, err := suite.Derive([]byte(issue(residentDocument)), []string{"/type/1", "/credentialSubject/type/0", "/@context/1"})
	require.NoError(t, err)
	document, options, value := parts(t, derived)
	require.NoError(t, suite.Verify(secret(t, windSecret).Public(), document, options, value))
	require.JSONEq(t, `{"@context":["https://www.w3.org/ns/credentials/v2","https://w3id.org/citizenship/v4rc1"],`+
		`"type":["VerifiableCredential","PermanentResidentCardCredential"],"credentialSubject":{"type":["PermanentResident","Person"]}}`, string(document))
	// Things that what is shown does not tell apart keep their own labels.
	twins := []string{"/credentialSubject/sails/3/year", "/credentialSubject/sails/0/year", "/credentialSubject/sails/1/year"}
	derived, err = suite.Derive([]byte(issue(windDocument)), twins)
	require.NoError(t, err)
	document, options, value = parts(t, derived)
	require.NoError(t, suite.Verify(secret(t, windSecret).Public(), document, options, value))
	require.Contains(t, string(document), `"sails":[{"year":2023},{"year":2023},{"year":2023}]`)
	// Whole lists and values are shown, as is all of the document.
	for _, pointer := range []string{"/credentialSubject/steps", "/credentialSubject/name", "/credentialSubject", "", "/issuer"} {
		derived, err := suite.Derive([]byte(issue(list, "/type")), []string{pointer})
		require.NoError(t, err, pointer)
		document, options, value := parts(t, derived)
		require.NoError(t, suite.Verify(secret(t, windSecret).Public(), document, options, value), pointer)
	}
}

func TestRefusedBaseProofs(t *testing.T) {
	key := secret(t, windSecret)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	var members, values []string
	for i := range maxSignatures + 1 {
		members = append(members, fmt.Sprintf(`"m%d":1`, i))
		values = append(values, "/issuer")
	}
	large := strings.Replace(windDocument, `"sailNumber"`, strings.Join(members, ",")+`,"sailNumber"`, 1)
	for _, c := range []struct {
		name      string
		key       crypto.Signer
		document  string
		mandatory []string
		want      string
	}{
		{"P-384 key", p384, windDocument, nil, "needs a P-256 key, got P-384"},
		{"Ed25519 key", ed25519.NewKeyFromSeed(make([]byte, 32)), windDocument, nil, "needs a P-256 key, got ed25519.PublicKey"},
		{"mandatory pointer to nothing", key, windDocument, []string{"/issuer", "/non/existent/path"}, `mandatory: the JSON pointer "/non/existent/path" matches nothing`},
		{"mandatory text that is no pointer", key, windDocument, []string{"issuer"}, "mandatory: "},
		{"many mandatory pointers", key, windDocument, values, "1301 JSON pointers, at most 1000"},
		{"undefined term", key, strings.Replace(windDocument, "@vocab", "vocab", 1), nil, "is not defined"},
		{"many statements", key, large, nil, "statements that may be left out, at most 1300"},
		{"over another proof", key, windDocument[:len(windDocument)-1] + `,"proof":{}}`, nil, "covers no other proof"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ECDSASD2023{MandatoryPointers: c.mandatory, Contexts: Contexts().WithInline()}.Sign(c.key, canonicalJSON(t, c.document), []byte(windProof))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// What base proofs may hold: the holder's software reads them from somebody else.
func TestRefusedBaseProofValues(t *testing.T) {
	good := func() baseProof {
		p, err := parseBase(windBase)
		require.NoError(t, err)
		return p
	}
	for _, c := range []struct {
		name  string
		spoil func(p *baseProof)
		want  string
	}{
		{"short HMAC key", func(p *baseProof) { p.labelKey = p.labelKey[:31] }, "the HMAC key has 31 bytes, want 32"},
		{"short signature", func(p *baseProof) { p.signatures[13] = nil }, "a signature has 0 bytes, want 64"},
		{"many pointers", func(p *baseProof) { p.pointers = make([]string, maxPointers+1) }, "1001 pointers, at most 1000"},
		{"pointer that is not UTF-8", func(p *baseProof) { p.pointers[0] = "\xff" }, "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := good()
			c.spoil(&p)
			value, err := p.encode()
			require.NoError(t, err)
			_, err = parseBase(value)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// Nothing that the issuer says of the credential itself may be left out, unless they say so.
func TestMandatoryByDefault(t *testing.T) {
	key := secret(t, windSecret)
	document := `{"@context":"https://www.w3.org/ns/credentials/v2","id":"urn:c","type":"VerifiableCredential","issuer":{"id":"did:example:i","name":"I"},` +
		`"validUntil":"2027-01-01T00:00:00Z","credentialStatus":{"type":"BitstringStatusListEntry","statusPurpose":"revocation"},` +
		`"credentialSubject":{"id":"did:example:s","name":"S","description":"D"}}`
	suite := ECDSASD2023{}
	value, err := suite.Sign(key, canonicalJSON(t, document), []byte(windProof))
	require.NoError(t, err)
	base, err := parseBase(value)
	require.NoError(t, err)
	require.Equal(t, []string{"/credentialStatus", "/issuer", "/validUntil"}, base.pointers)
	derived, err := suite.Derive(withProof(document, windProof, value), []string{"/credentialSubject/name"})
	require.NoError(t, err)
	shown, options, value := parts(t, derived)
	require.JSONEq(t, strings.Replace(document, `,"description":"D"`, "", 1), string(shown))
	require.NoError(t, suite.Verify(key.Public(), shown, options, value))

	suite.MandatoryPointers = []string{}
	value, err = suite.Sign(key, canonicalJSON(t, document), []byte(windProof))
	require.NoError(t, err)
	derived, err = suite.Derive(withProof(document, windProof, value), []string{"/credentialSubject/name"})
	require.NoError(t, err)
	shown, options, value = parts(t, derived)
	require.JSONEq(t, `{"@context":"https://www.w3.org/ns/credentials/v2","id":"urn:c","type":"VerifiableCredential","credentialSubject":{"id":"did:example:s","name":"S"}}`, string(shown))
	require.NoError(t, suite.Verify(key.Public(), shown, options, value))
}

// Two proofs of one document share no key and no label.
func TestSecretsAreFresh(t *testing.T) {
	key := secret(t, windSecret)
	var made [2]baseProof
	for i := range made {
		value, err := ECDSASD2023{Contexts: Contexts().WithInline()}.Sign(key, canonicalJSON(t, windDocument), []byte(windProof))
		require.NoError(t, err)
		made[i], err = parseBase(value)
		require.NoError(t, err)
	}
	require.NotEqual(t, made[0].labelKey, made[1].labelKey)
	require.NotEqual(t, made[0].publicKey, made[1].publicKey)
}

// From issuing to verifying, through package vc.
func TestIssueDeriveVerify(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	suite := ECDSASD2023{}
	verifier := &vc.Verifier{Suites: Suites(nil), Contexts: Contexts(), V1: true}
	for name, document := range map[string]string{
		"VCDM 2.0": `{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"urn:uuid:36245ee9-9074-4b05-a777-febff2e69757","type":["VerifiableCredential"],` +
			`"issuer":"` + id.String() + `","credentialSubject":{"id":"urn:uuid:1a0e4ef5-091f-4060-842e-18e519ab9440","name":"Alice","description":"A credential about Alice."}}`,
		"VCDM 1.1": `{"@context":["https://www.w3.org/2018/credentials/v1","https://w3id.org/security/data-integrity/v2"],"id":"urn:uuid:36245ee9-9074-4b05-a777-febff2e69757",` +
			`"type":["VerifiableCredential"],"issuer":"` + id.String() + `","issuanceDate":"2024-01-01T00:00:00Z","credentialSubject":{"id":"urn:uuid:1a0e4ef5-091f-4060-842e-18e519ab9440"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			base, err := (&vc.Issuer{ID: id, Key: key, Suite: suite, Contexts: Contexts(), V1: true}).AddProof([]byte(document))
			require.NoError(t, err)
			_, err = verifier.Verify(t.Context(), base, vc.IssuedBy(id))
			require.ErrorIs(t, err, vc.ErrProof)
			require.ErrorContains(t, err, "is a base proof")

			derived, err := suite.Derive(base, []string{"/credentialSubject/id"})
			require.NoError(t, err)
			v, err := verifier.Verify(t.Context(), derived, vc.IssuedBy(id))
			require.NoError(t, err)
			require.True(t, v.Selective())
			require.NotContains(t, v.Raw(), "about Alice")

			broken := bytes.Replace(derived, []byte("1a0e4ef5"), []byte("2a0e4ef5"), 1)
			_, err = verifier.Verify(t.Context(), broken, vc.IssuedBy(id))
			require.ErrorIs(t, err, vc.ErrProof)
			_, err = (&vc.Verifier{Contexts: Contexts(), V1: true}).Verify(t.Context(), derived, vc.IssuedBy(id))
			require.ErrorContains(t, err, "not enabled", "the suite is not there unless asked for")

			// Beside a proof that covers all, the base proof can be derived from; the other one falls away.
			both, err := (&vc.Issuer{ID: id, Key: key, Suite: ECDSARDFC2019{}, Contexts: Contexts(), V1: true}).AddProof(base)
			require.NoError(t, err)
			derived, err = suite.Derive(both, []string{"/credentialSubject/id"})
			require.NoError(t, err)
			_, err = verifier.Verify(t.Context(), derived, vc.IssuedBy(id))
			require.NoError(t, err)
		})
	}
}

// Whatever is selected of whatever document: it verifies, it has what is mandatory, and the rest of the secrets
// stays out of it.
func TestEverySelectionVerifies(t *testing.T) {
	key := secret(t, windSecret)
	rapid.Check(t, func(t *rapid.T) {
		secrets := 0
		var pointers []string
		var object func(depth int, at string) map[string]any
		object = func(depth int, at string) map[string]any {
			o := map[string]any{}
			if rapid.IntRange(0, 3).Draw(t, "named") == 0 {
				o["id"] = fmt.Sprint("urn:thing:", secrets)
			}
			for i := range rapid.IntRange(1, 3).Draw(t, "members") {
				name := fmt.Sprint("m", i)
				here := at + "/" + name
				pointers = append(pointers, here)
				secrets++
				switch rapid.IntRange(0, 4).Draw(t, "kind") {
				case 0, 1:
					o[name] = fmt.Sprintf("secret%d.", secrets)
				case 2:
					o[name] = []any{fmt.Sprintf("secret%d.", secrets), secrets}
					pointers = append(pointers, here+"/0", here+"/1")
				default:
					if depth == 0 {
						o[name] = secrets
						continue
					}
					first := object(depth-1, here+"/0")
					o[name] = []any{first, object(depth-1, here+"/1")}
					pointers = append(pointers, here+"/0", here+"/1")
				}
			}
			return o
		}
		document := map[string]any{
			"@context": []any{"https://www.w3.org/ns/credentials/v2", map[string]any{"@vocab": "https://example.org/"}},
			"type":     []any{"VerifiableCredential"}, "issuer": "did:example:i",
			"credentialSubject": object(2, "/credentialSubject"),
		}
		raw, err := json.Marshal(document)
		require.NoError(t, err)
		some := rapid.SliceOfN(rapid.SampledFrom(pointers), 0, 4)
		suite := ECDSASD2023{MandatoryPointers: append([]string{"/issuer"}, some.Draw(t, "mandatory")...), Contexts: Contexts().WithInline()}
		value, err := suite.Sign(key, canonicalJSON(t, string(raw)), []byte(windProof))
		require.NoError(t, err)
		selected := some.Draw(t, "selected")
		derived, err := suite.Derive(withProof(string(raw), windProof, value), selected)
		require.NoError(t, err)

		shown, options, value := parts(t, derived)
		require.NoError(t, suite.Verify(key.Public(), shown, options, value))

		// What the pointers cover, found the long way round.
		covered := map[string]bool{}
		for _, pointer := range slices.Concat(suite.MandatoryPointers, selected) {
			original, err := strictjson.Parse(raw, strictjson.Limits{})
			require.NoError(t, err)
			sel := selection{}
			require.NoError(t, sel.add(original.Root(), pointer))
			for v, whole := range sel {
				if whole {
					for i := 1; i <= secrets; i++ {
						if s := fmt.Sprintf("secret%d.", i); strings.Contains(v.Raw(), s) {
							covered[s] = true
						}
					}
				}
			}
		}
		for i := 1; i <= secrets; i++ {
			s := fmt.Sprintf("secret%d.", i)
			require.Equal(t, covered[s], strings.Contains(string(derived), s), s)
		}
	})
}

func FuzzProofValue(f *testing.F) {
	f.Add(windBase)
	f.Add(windDerived)
	f.Add(residentDerived)
	f.Add("u2V0Bhd")
	f.Fuzz(func(t *testing.T, value string) {
		if p, err := parseBase(value); err == nil {
			again, err := p.encode()
			require.NoError(t, err)
			require.Equal(t, value, again)
		}
		if p, err := parseDerived(value); err == nil {
			again, err := p.encode()
			require.NoError(t, err)
			q, err := parseDerived(again)
			require.NoError(t, err)
			require.Equal(t, p, q)
		}
	})
}

func FuzzDerive(f *testing.F) {
	suite := ECDSASD2023{Contexts: Contexts().WithInline()}
	for _, pointer := range slices.Concat(windMandatory, windSelective) {
		f.Add(windDocument, windBase, pointer)
	}
	f.Add(residentDocument, residentBase, "/credentialSubject/birthCountry")
	f.Fuzz(func(t *testing.T, document, base, pointer string) {
		if len(document) < 2 || strings.ContainsAny(base, "\"\\\n") {
			return
		}
		derived, err := suite.Derive(withProof(document, windProof, base), []string{pointer})
		if err != nil {
			return
		}
		shown, options, value := parts(t, derived)
		err = suite.Verify(secret(t, windSecret).Public(), shown, options, value)
		if err != nil { // only the issuer's own signature is beyond what Derive can check
			require.ErrorContains(t, err, "what is mandatory: ")
		}
	})
}

func BenchmarkSelectiveDisclosure(b *testing.B) {
	suite := ECDSASD2023{MandatoryPointers: windMandatory, Contexts: Contexts().WithInline()}
	key := secret(b, windSecret)
	base := withProof(windDocument, windProof, windBase)
	document, options, value := parts(b, withProof(windRevealed, windProof, windDerived))
	unsigned := canonicalJSON(b, windDocument)
	b.Run("issue", func(b *testing.B) {
		for b.Loop() {
			_, err := suite.Sign(key, unsigned, []byte(windProof))
			require.NoError(b, err)
		}
	})
	b.Run("derive", func(b *testing.B) {
		for b.Loop() {
			_, err := suite.Derive(base, windSelective)
			require.NoError(b, err)
		}
	})
	message, err := signature.Sign(key, unsigned)
	require.NoError(b, err)
	b.Run("verify", func(b *testing.B) {
		var whole, bare time.Duration // by turns, so that both see the same machine
		for b.Loop() {
			start := time.Now()
			require.NoError(b, suite.Verify(key.Public(), document, options, value))
			middle := time.Now()
			require.NoError(b, signature.Verify(key.Public(), unsigned, message))
			whole, bare = whole+middle.Sub(start), bare+time.Since(middle)
		}
		b.ReportMetric(float64(whole.Nanoseconds())/float64(b.N), "ns/credential")
		b.ReportMetric(float64(whole)/float64(bare), "x-bare")
	})
}
