package cose

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc/record"
)

var update = flag.Bool("update", false, "write docs/CWT-LABELS.md anew")

// document is docs/CWT-LABELS.md.
func document() []byte {
	var b bytes.Buffer
	b.WriteString(`# CWT labels

The registry of the form of credentials that ` + "`vc/cose.CWT`" + ` reads and writes: a CBOR Web Token (RFC 8392) in COSE_Sign1
(RFC 9052), whose member names and common values are integers. This page is version 1. A test holds it against the code.

**Labels are for ever.** No entry changes, moves or goes. New ones are appended, and make a later version: its tokens
have the label 0 in the document, with the version as value, and programs that know only version 1 refuse them by name.
Until then, a name or value that is not here travels as text.

## The token

` + "`18([<<{1: alg, ? 4: kid}>>, {}, <<claims>>, signature])`" + `, deterministically encoded (RFC 8949 §4.2.1). Claims:

| claim | is |
|-|-|
|1 iss|` + "`issuer`, or `holder` of a presentation" + `, if it is a DID and no did:key|
|2 sub|` + "`credentialSubject.id`" + `, likewise, of a credential with one subject|
|3 aud, 10 nonce|the domain and the challenge of a presentation; the nonce as a byte string of 8 to 64 bytes (RFC 9711 §4.1)|
|4 exp, 5 nbf|` + "`validUntil` and `validFrom`" + ` of a credential, if they are whole seconds, UTC, after 1970|
|6 iat|when it was signed, if that is not nbf|
|7 cti|` + "`id`" + `, if it is urn:uuid: and lower case: the 16 bytes|
|65535 status|the status claim of a Token Status List|
|` + fmt.Sprint(claimCredential) + ", " + fmt.Sprint(claimPresentation) + `|the rest of the credential; of the presentation|

kid is a DID URL; only its fragment, with the #, if the DID is the issuer's or holder's; and left out if that is a
did:key or did:jwk and the key is its own.

## Values

JSON objects, arrays, booleans, null and numbers are CBOR maps, arrays, booleans, null, integers and the shortest
floating-point numbers. A name is its label below, or text. A string is the first of these that gives it back exactly:

1. one that came before in the document, in 4 bytes or more: a byte string of 0 and its number, counted from 0 in the order of the encoding, as far as 255;
2. a value below: a byte string of its label, one byte or two. Some are arrays;
3. a time, whole seconds and UTC: tag 1 and the seconds since 1970;
4. a byte string of three bytes or more, whose first byte is its form, of those below;
5. text.

| form | the rest | stands for |
|-|-|-|
|01 to ` + fmt.Sprintf("%02x", len(prefixes)) + `|UTF-8|a prefix below, and the rest|
|12|20 and a SHA-256 hash|u and the base64url of all, a multihash|
|23|a Multikey, at most ` + fmt.Sprint(maxKey) + ` bytes|did:key:z… # z…|
|55|16 bytes|urn:uuid:…|
|64|a media type below, and data|data:…;base64,…|
|75|` + fmt.Sprint(minBase) + ` bytes or more|u and their base64url|
|7a|` + fmt.Sprintf("%d to %d", minBase, maxBase58) + ` bytes|z and their base58btc|
|80, 81, e7, ec, ed|the rest of a Multikey|did:key:z…|

## Prefixes and media types

The longest prefix counts, and two bytes have to be left.

`)
	for i, p := range prefixes {
		fmt.Fprintf(&b, "`%02x` %s · ", formPrefix+i, p)
	}
	b.Truncate(b.Len() - len(" · "))
	b.WriteString("\n\n")
	for i, m := range mediaTypes {
		fmt.Fprintf(&b, "`%02x` %s · ", i, m)
	}
	b.Truncate(b.Len() - len(" · "))
	b.WriteString("\n\n## Names\n\n| label | name |\n|-:|-|\n|0|version of the registry; absent in version 1|\n")
	for i, n := range names[1:] {
		fmt.Fprintf(&b, "|%d|%s|\n", i+1, n)
	}
	for i, n := range negative {
		fmt.Fprintf(&b, "|%d|%s|\n", -1-i, n)
	}
	b.WriteString("\n## Labels of values\n\n| label | value |\n|-:|-|\n")
	for i, v := range values {
		fmt.Fprintf(&b, "|%d|%s|\n", i, v)
	}
	return b.Bytes()
}

func TestPublishedRegistry(t *testing.T) {
	const page = "../../docs/CWT-LABELS.md"
	if *update {
		require.NoError(t, os.WriteFile(page, document(), 0o644))
	}
	published, err := os.ReadFile(page)
	require.NoError(t, err)
	require.True(t, bytes.Equal(document(), published), "docs/CWT-LABELS.md is not the code's registry: run the test with -update if entries were appended")
}

// What was published stays: tokens are out there. Append to the tables, and add a line here.
func TestLabelsAreForEver(t *testing.T) {
	for _, version := range []struct {
		names, negative, values, prefixes, mediaTypes int
		sha256                                        string
	}{
		{names: 168, negative: 31, values: 167, prefixes: 12, mediaTypes: 3, sha256: "b15750c3deb4b9973d5aaee5474641b37bcea5b32f98c39d426ab9beda7d5e3b"},
	} {
		require.True(t, len(names) >= version.names && len(negative) >= version.negative && len(values) >= version.values && len(prefixes) >= version.prefixes && len(mediaTypes) >= version.mediaTypes)
		h := sha256.New()
		for _, table := range [][]string{names[:version.names], negative[:version.negative], values[:version.values], prefixes[:version.prefixes], mediaTypes[:version.mediaTypes]} {
			for _, s := range table {
				fmt.Fprintf(h, "%d %s\n", len(s), s)
			}
			fmt.Fprintln(h)
		}
		require.Equal(t, version.sha256, hex.EncodeToString(h.Sum(nil)))
	}
}

// No name, value or prefix has two labels, and no two one.
func TestRegistryIsInjective(t *testing.T) {
	require.Len(t, registry().names, len(names)-1+len(negative))
	require.Len(t, registry().values, len(values))
	require.LessOrEqual(t, len(values), 1<<16)
	require.Less(t, formPrefix+len(prefixes)-1, formMultihash)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(prefixes))), len(prefixes))
	for name, label := range registry().names {
		back, ok := nameOf(label)
		require.True(t, ok)
		require.Equal(t, name, back)
	}
	for _, label := range []int64{0, int64(len(names)), int64(-1 - len(negative)), 1 << 62, -1 << 62} {
		_, ok := nameOf(label)
		require.False(t, ok, label)
	}
	for _, v := range values {
		if v[0] != '[' {
			continue
		}
		canonical, err := jcs.Canonical([]byte(v))
		require.NoError(t, err)
		require.Equal(t, string(canonical), v)
		require.LessOrEqual(t, len(v), maxList)
	}
	forms := append([]byte{formMultihash, formKeyURL, formUUID, formData, formBase64, formBase58}, multicodecs...)
	for i := range prefixes {
		forms = append(forms, byte(formPrefix+i))
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(forms))), len(forms))
}

// Every word that our vocabulary defines has a label: the names and values in the schemas of
// package record, and all of the contexts.
func TestRegistryHasTheVocabulary(t *testing.T) {
	known, values := registry().names, registry().values
	wants := map[string]string{}
	var walk func(v strictjson.Value, of string)
	walk = func(v strictjson.Value, of string) {
		for m := range v.All() {
			switch m.Name() {
			case "properties":
				for p := range m.All() {
					if _, ok := known[p.Name()]; !ok {
						wants[p.Name()] = of
					}
				}
			case "enum", "const":
				list := []strictjson.Value{m}
				if m.Kind() == strictjson.Array {
					list = slices.Collect(m.All())
				}
				for _, e := range list {
					if _, ok := values[e.Text()]; !ok && e.Kind() == strictjson.String {
						wants[e.Text()] = of
					}
				}
			}
			walk(m, of)
		}
	}
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		schema, ok := record.Schema(typ)
		require.True(t, ok)
		doc, err := strictjson.Parse(schema, strictjson.Limits{})
		require.NoError(t, err)
		walk(doc.Root(), typ)
		_, ok = values[`["VerifiableCredential","`+typ+`"]`]
		require.True(t, ok, typ)
	}

	// JOSE and SD-JWT have these words in the context; no document has them.
	elsewhere := strings.Fields("... _sd _sd_alg aud cnf exp iat iss jku jwk kid nbf sub x5u capabilityDelegation capabilityInvocation keyAgreement")
	var terms func(v strictjson.Value, of string)
	terms = func(v strictjson.Value, of string) {
		for m := range v.All() {
			_, isName := known[m.Name()]
			_, isValue := values[m.Name()]
			if !strings.HasPrefix(m.Name(), "@") && !isName && !isValue && !slices.Contains(elsewhere, m.Name()) {
				wants[m.Name()] = of
			}
			if m.Member("@context").Kind() == strictjson.Object {
				terms(m.Member("@context"), of)
			}
		}
	}
	for _, file := range []string{"hourmeter-v1", "credentials-v2"} {
		text, err := os.ReadFile("../../internal/ldcontext/context/" + file + ".jsonld")
		require.NoError(t, err)
		doc, err := strictjson.Parse(text, strictjson.Limits{})
		require.NoError(t, err)
		terms(doc.Root().Member("@context"), file)
	}
	require.Empty(t, slices.Sorted(maps.Keys(wants)), wants)
}
