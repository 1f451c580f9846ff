package did_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
)

const (
	shop   = "did:example:shop"
	mbEd   = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp" // did-method-key, seed 00…00
	mbEd2  = "z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG" // seed 00…01
	mbX    = "z6LShs9GGnqk85isEBzzshkuVWrVKsRp24GnDuHk8QWkARMW" // mbEd's X25519 key
	mbP256 = "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"
)

// method writes a Multikey method of the shop.
func method(fragment, multibase string) string {
	return fmt.Sprintf(`{"id":"#%s","type":"Multikey","controller":"%s","publicKeyMultibase":"%s"}`, fragment, shop, multibase)
}

// document writes a document of the shop with further members.
func document(members ...string) string {
	return `{"id":"` + shop + `"` + strings.Join(append([]string{""}, members...), ",") + `}`
}

func TestDocumentsKeepEverything(t *testing.T) {
	raw := ` {
	"@context": ["https://www.w3.org/ns/did/v1.1", {"@vocab": "https://x.example/"}],
	"id": "did:example:shop",
	"alsoKnownAs": ["https://shop.example/"],
	"controller": ["did:example:boss", "did:example:shop"],
	"verificationMethod": [` + method("k1", mbEd) + `, {"id": "did:example:shop#k2", "type": "Telepathy2031", "controller": "did:example:shop", "expires": "2030-01-01T00:00:00Z", "brain": [1, 2]}],
	"authentication": ["#k1", "did:example:other#k"],
	"assertionMethod": [` + method("k3", mbP256) + `],
	"keyAgreement": [],
	"service": [
		{"id": "#s1", "type": "MachineRecord", "serviceEndpoint": "https://shop.example/record"},
		{"id": "#s2", "type": ["A", "B"], "serviceEndpoint": [{"uri": "x:y", "n": 1.50}, "https://b.example"], "priority": 0}
	],
	"bespoke": {"a": null}
} `
	doc, err := did.ParseDocument([]byte(raw))
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(raw), doc.Raw)
	require.Equal(t, did.MustParse(shop), doc.ID)
	require.Equal(t, []string{"https://www.w3.org/ns/did/v1.1", `{"@vocab": "https://x.example/"}`}, doc.Context)
	require.Equal(t, []string{"https://shop.example/"}, doc.AlsoKnownAs)
	require.Equal(t, []did.DID{did.MustParse("did:example:boss"), doc.ID}, doc.Controller)
	require.Len(t, doc.VerificationMethod, 2)
	require.Equal(t, doc.ID.URL("k1"), doc.VerificationMethod[0].ID)
	require.Equal(t, []did.Member{{Name: "brain", Value: "[1, 2]"}}, doc.VerificationMethod[1].Extra)
	require.Equal(t, 2030, doc.VerificationMethod[1].Expires.Year())
	require.Equal(t, []did.MethodRef{{ID: doc.ID.URL("k1")}, {ID: did.MustParse("did:example:other").URL("k")}}, doc.Authentication)
	require.Equal(t, doc.ID.URL("k3"), doc.AssertionMethod[0].Embedded.ID)
	require.Empty(t, doc.KeyAgreement)
	require.Equal(t, []string{"https://shop.example/record"}, doc.Service[0].Endpoint)
	require.Equal(t, did.Service{
		ID: doc.ID.URL("s2"), Type: []string{"A", "B"},
		Endpoint: []string{`{"uri": "x:y", "n": 1.50}`, "https://b.example"},
		Extra:    []did.Member{{Name: "priority", Value: "0"}},
	}, doc.Service[1])
	require.Equal(t, []did.Member{{Name: "bespoke", Value: `{"a": null}`}}, doc.Extra)

	written, err := json.Marshal(doc)
	require.NoError(t, err)
	var again did.Document
	require.NoError(t, json.Unmarshal(written, &again))
	again.Raw = doc.Raw
	compact(doc)
	compact(&again)
	require.Equal(t, doc, &again, "what is written reads back")
}

// compact takes insignificant white space out of the JSON a document keeps as text.
func compact(doc *did.Document) {
	text := func(s *string) {
		if strings.HasPrefix(*s, "{") || strings.HasPrefix(*s, "[") {
			var b strings.Builder
			var v json.RawMessage
			if json.Unmarshal([]byte(*s), &v) == nil {
				out, _ := json.Marshal(v)
				b.Write(out)
				*s = b.String()
			}
		}
	}
	members := func(ms []did.Member) {
		for i := range ms {
			text(&ms[i].Value)
		}
	}
	for i := range doc.Context {
		text(&doc.Context[i])
	}
	for i := range doc.VerificationMethod {
		members(doc.VerificationMethod[i].Extra)
	}
	for i := range doc.Service {
		members(doc.Service[i].Extra)
		for j := range doc.Service[i].Endpoint {
			text(&doc.Service[i].Endpoint[j])
		}
	}
	members(doc.Extra)
}

func TestDocumentsThatMustNotBeUsedAreRefused(t *testing.T) {
	many := strings.Repeat(`"x",`, did.MaxEntries) + `"x"`
	for _, tc := range []struct{ name, raw, pointer, says string }{
		{"no JSON", `{"id":`, "", "strict JSON"},
		{"an array", `[]`, "", "not an object"},
		{"two ids", `{"id":"did:example:shop","id":"did:example:thief"}`, "", "strict JSON"},
		{"too long", document(`"x":"` + strings.Repeat("x", did.MaxDocumentBytes) + `"`), "", "strict JSON"},
		{"no id", `{}`, "", "no DID as its id"},
		{"id is a number", `{"id":1}`, "", "no DID as its id"},
		{"id with a fragment", `{"id":"did:example:shop#k"}`, "", "no DID as its id"},
		{"relative id", `{"id":"#k"}`, "", "no DID as its id"},
		{"Id beside id", document(`"Id":"did:example:thief"`), "/Id", "only by case"},
		{"AssertionMethod", document(`"AssertionMethod":[]`), "/AssertionMethod", "only by case"},
		{"verificationmethod", document(`"verificationmethod":[]`), "/verificationmethod", "only by case"},
		{"@Context", document(`"@Context":[]`), "/@Context", "only by case"},
		{"letter that folds to s", document(`"\u017fervice":[]`), "/ſervice", "only by case"},
		{"context is a number", document(`"@context":1`), "/@context", "string"},
		{"context that looks like an object", document(`"@context":"{}"`), "/@context", "looks like an object"},
		{"controller is null", document(`"controller":null`), "/controller", "string"},
		{"controller is no DID", document(`"controller":"boss"`), "/controller", "not a DID"},
		{"controller with a fragment", document(`"controller":["did:example:boss#k"]`), "/controller/0", "not a DID"},
		{"alsoKnownAs is text", document(`"alsoKnownAs":"https://x.example"`), "/alsoKnownAs", "not an array"},
		{"alsoKnownAs holds an object", document(`"alsoKnownAs":[{}]`), "/alsoKnownAs/0", "string"},
		{"methods in an object", document(`"verificationMethod":{}`), "/verificationMethod", "not an array"},
		{"method is a reference", document(`"verificationMethod":["#k"]`), "/verificationMethod/0", "not a verification method"},
		{"method without id", document(`"verificationMethod":[{"type":"Multikey","controller":"did:example:shop"}]`), "/verificationMethod/0", "lacks an id"},
		{"method without type", document(`"verificationMethod":[{"id":"#k","controller":"did:example:shop"}]`), "/verificationMethod/0", "lacks an id"},
		{"method without controller", document(`"verificationMethod":[{"id":"#k","type":"Multikey"}]`), "/verificationMethod/0", "lacks an id"},
		{"method with two controllers", document(`"verificationMethod":[{"id":"#k","type":"Multikey","controller":["did:example:shop"]}]`), "/verificationMethod/0/controller", "string"},
		{"method whose id is no URL", document(`"verificationMethod":[{"id":"# k","type":"Multikey","controller":"did:example:shop"}]`), "/verificationMethod/0/id", "not a DID URL"},
		{"method with a Controller", document(`"verificationMethod":[{"id":"#k","type":"Multikey","controller":"did:example:shop","Controller":"did:example:thief"}]`), "/verificationMethod/0/Controller", "only by case"},
		{"method with a publicKeyMultiBase", document(`"verificationMethod":[{"id":"#k","type":"Multikey","controller":"did:example:shop","publicKeyMultiBase":"z"}]`), "/verificationMethod/0/publicKeyMultiBase", "only by case"},
		{"method with an end that is no time", document(`"verificationMethod":[{"id":"#k","type":"Multikey","controller":"did:example:shop","revoked":"soon"}]`), "/verificationMethod/0/revoked", "not a time"},
		{"two methods with one id", document(`"verificationMethod":[` + method("k", mbEd) + `,` + method("k", mbEd2) + `]`), "/verificationMethod/1", "second verification method"},
		{"the same method twice", document(`"verificationMethod":[` + method("k", mbEd) + `],"authentication":[` + method("k", mbEd) + `]`), "/authentication/0", "second verification method"},
		{"one id, relative and absolute", document(`"authentication":[` + method("k", mbEd) + `],"assertionMethod":[` + strings.Replace(method("k", mbEd2), `"#k"`, `"did:example:shop#k"`, 1) + `]`), "/assertionMethod/0", "second verification method"},
		{"relationship is text", document(`"authentication":"#k"`), "/authentication", "not an array"},
		{"relationship is null", document(`"assertionMethod":null`), "/assertionMethod", "not an array"},
		{"relationship holds a number", document(`"assertionMethod":[1]`), "/assertionMethod/0", "not a verification method"},
		{"reference is no URL", document(`"assertionMethod":["did:jwk:$eyJ#0"]`), "/assertionMethod/0", "not a DID URL"},
		{"reference to a web page", document(`"assertionMethod":["https://x.example/#k"]`), "/assertionMethod/0", "not a DID URL"},
		{"service in an object", document(`"service":{}`), "/service", "not an array"},
		{"service is text", document(`"service":["x"]`), "/service/0", "not a service"},
		{"service without id", document(`"service":[{"type":"A","serviceEndpoint":"x:y"}]`), "/service/0", "lacks"},
		{"service without type", document(`"service":[{"id":"#s","type":[],"serviceEndpoint":"x:y"}]`), "/service/0", "lacks"},
		{"service without endpoint", document(`"service":[{"id":"#s","type":"A"}]`), "/service/0", "lacks"},
		{"service with a ServiceEndpoint", document(`"service":[{"id":"#s","type":"A","serviceEndpoint":"x:y","ServiceEndpoint":"x:z"}]`), "/service/0/ServiceEndpoint", "only by case"},
		{"endpoint is a number", document(`"service":[{"id":"#s","type":"A","serviceEndpoint":1}]`), "/service/0/serviceEndpoint", "string"},
		{"too many names", document(`"alsoKnownAs":[` + many + `]`), "/alsoKnownAs", "more than 256"},
		{"too many references", document(`"authentication":[` + strings.ReplaceAll(many, "x", "#x") + `]`), "/authentication", "more than 256"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := did.ParseDocument([]byte(tc.raw))
			require.ErrorIs(t, err, did.ErrInvalidDocument)
			var refused *did.DocumentError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tc.pointer, refused.Pointer)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

func TestPrivateKeysInDocumentsAreRefusedAndNotShown(t *testing.T) {
	const secret = "gPh-VvVS8MbvKQ9LSVVmfnxnKjHn4Tqj0bmbpehRlpc" // did-method-key's P-256 example
	for name, member := range map[string]string{
		"privateKeyJwk":       `"privateKeyJwk":{"kty":"EC","d":"` + secret + `"}`,
		"privateKeyMultibase": `"privateKeyMultibase":"` + secret + `"`,
		"privateKeyBase58":    `"privateKeyBase58":"` + secret + `"`,
		"PrivateKeyHex":       `"PrivateKeyHex":"` + secret + `"`,
		"secretKeyMultibase":  `"secretKeyMultibase":"` + secret + `"`,
		"d in publicKeyJwk":   `"publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"` + secret + `","d":"` + secret + `"}`,
		"k in publicKeyJwk":   `"publicKeyJwk":{"kty":"oct","k":"` + secret + `"}`,
		"d in publicKeyJWK":   `"publicKeyJWK":{"d":"` + secret + `"}`,
		"prime of an RSA key": `"publicKeyJwk":{"kty":"RSA","p":"` + secret + `"}`,
		"d with an escape":    `"publicKeyJwk":{"\u0064":"` + secret + `"}`,
		"name with an escape": `"private\u004beyJwk":"` + secret + `"`,
		"in a type not known": `"type":"Telepathy2031","privateKeyJwk":"` + secret + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			raw := document(`"assertionMethod":[{"id":"#k","controller":"did:example:shop",` + member + `}]`)
			_, err := did.ParseDocument([]byte(raw))
			require.ErrorIs(t, err, did.ErrInvalidDocument)
			require.ErrorContains(t, err, "private key")
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestWhichKeyMayActInWhichRole(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	doc, err := did.ParseDocument([]byte(document(
		`"verificationMethod":[`+strings.Join([]string{
			method("signer", mbEd),
			method("spare", mbEd2),
			method("box", mbX),
			method("curve", mbP256),
			method("broken", mbEd+"0"),
			method("rsa", "z4MXj1wBzi9jUstyPMS4jQqB6KdJaiatPkAtVtGc6bQEQEEsKTic4G7Rou3iBf9vPmT5dbkm9qsZsuVNjq8HCuW1w24nhBFGkRE4cd2Uf2tfrB3N7h4mnyPp1BF3ZttHTYv3DLUPi1zMdkULiow3M1GfXkoC6DoxDUm1jmN6GBj22SjVsr6dxezRVQc7aj9TxE7JLbMH1wh5X3kA58H3DFW8rnYMakFGbca5CB2Jf6CnGQZmL7o5uJAdTwXfy2iiiyPxXEGerMhHwhjTA1mKYobyk2CpeEcmvynADfNZ5MBvcCS7m3XkFCMNUYBS9NQ3fze6vMSUPsNa6GVYmKx2x6JrdEjCk3qRMMmyjnjCMfR4pXbRMZa3i"),
			`{"id":"#telepath","type":"Telepathy2031","controller":"did:example:shop"}`,
			`{"id":"#lent","type":"Multikey","controller":"did:example:thief","publicKeyMultibase":"` + mbEd + `"}`,
			`{"id":"#expired","type":"Multikey","controller":"did:example:shop","expires":"2026-06-01T12:00:00Z","publicKeyMultibase":"` + mbEd + `"}`,
			`{"id":"#revoked","type":"Multikey","controller":"did:example:shop","revoked":"2026-06-01T12:00:00Z","publicKeyMultibase":"` + mbEd + `"}`,
			`{"id":"did:example:thief#k","type":"Multikey","controller":"did:example:shop","publicKeyMultibase":"` + mbEd + `"}`,
		}, ",")+`]`,
		`"assertionMethod":["#signer","did:example:shop#curve","#box","#broken","#rsa","#telepath","#lent","#expired","#revoked","did:example:thief#k","#missing"]`,
		`"authentication":["#signer",`+method("embedded", mbEd2)+`]`,
		`"keyAgreement":["#signer","#box","#curve"]`,
		`"capabilityInvocation":["#signer"]`,
		`"capabilityDelegation":["#curve"]`,
	)))
	require.NoError(t, err)

	for _, tc := range []struct {
		fragment string
		use      did.Relationship
		at       time.Time
		want     error
	}{
		{"signer", did.AssertionMethod, noon, nil},
		{"signer", did.Authentication, noon, nil},
		{"signer", did.CapabilityInvocation, noon, nil},
		{"signer", did.CapabilityDelegation, noon, did.ErrKeyNotAuthorized},
		{"signer", did.KeyAgreement, noon, did.ErrKeyNotAuthorized}, // listed, but Ed25519 cannot
		{"signer", "AssertionMethod", noon, did.ErrKeyNotAuthorized},
		{"signer", "", noon, did.ErrKeyNotAuthorized},
		{"spare", did.AssertionMethod, noon, did.ErrKeyNotAuthorized}, // defined, for no role
		{"box", did.KeyAgreement, noon, nil},
		{"box", did.AssertionMethod, noon, did.ErrKeyNotAuthorized}, // listed, but X25519 cannot
		{"curve", did.AssertionMethod, noon, nil},
		{"curve", did.KeyAgreement, noon, nil},
		{"curve", did.CapabilityDelegation, noon, nil},
		{"embedded", did.Authentication, noon, nil},
		{"embedded", did.AssertionMethod, noon, did.ErrKeyNotAuthorized}, // embedded: for that role only
		{"broken", did.AssertionMethod, noon, did.ErrInvalidKey},
		{"rsa", did.AssertionMethod, noon, nil},
		{"rsa", did.KeyAgreement, noon, did.ErrKeyNotAuthorized},
		{"telepath", did.AssertionMethod, noon, did.ErrKeyNotSupported},
		{"telepath", did.Authentication, noon, did.ErrKeyNotAuthorized},
		{"lent", did.AssertionMethod, noon, did.ErrKeyNotAuthorized},
		{"expired", did.AssertionMethod, noon.Add(-time.Second), nil},
		{"expired", did.AssertionMethod, noon, did.ErrKeyNotAuthorized},
		{"revoked", did.AssertionMethod, noon.Add(-time.Second), nil},
		{"revoked", did.AssertionMethod, noon, did.ErrKeyNotAuthorized},
		{"missing", did.AssertionMethod, noon, did.ErrNotFound},
		{"", did.AssertionMethod, noon, did.ErrNotFound},
		{"Signer", did.AssertionMethod, noon, did.ErrNotFound},
		{"sign%65r", did.AssertionMethod, noon, did.ErrNotFound}, // URLs compare as bytes
	} {
		pub, err := doc.KeyAt(doc.ID.URL(tc.fragment), tc.use, tc.at)
		if tc.want == nil {
			require.NoError(t, err, "%s as %s", tc.fragment, tc.use)
			require.NotNil(t, pub)
			continue
		}
		require.ErrorIs(t, err, tc.want, "%s as %s", tc.fragment, tc.use)
		require.Nil(t, pub)
		require.True(t, did.IsAnswer(err))
	}

	// A document cannot speak for a URL of another DID, though it lists it.
	_, err = doc.Key(did.MustParse("did:example:thief").URL("k"), did.AssertionMethod)
	require.ErrorIs(t, err, did.ErrNotFound)
	// And a version in the URL is not obeyed silently.
	_, err = doc.Key(did.URL{DID: doc.ID, Query: "versionId=1", Fragment: "signer"}, did.AssertionMethod)
	require.ErrorIs(t, err, did.ErrNotFound)
	// Key is KeyAt now: noon is long past.
	_, err = doc.Key(doc.ID.URL("expired"), did.AssertionMethod)
	require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
}

func TestDocumentsThatWouldNotReadBackAreNotWritten(t *testing.T) {
	id := did.MustParse(shop)
	for name, doc := range map[string]*did.Document{
		"no id":                    {},
		"method without type":      {ID: id, VerificationMethod: []did.VerificationMethod{{ID: id.URL("k"), Controller: id}}},
		"service without endpoint": {ID: id, Service: []did.Service{{ID: id.URL("s"), Type: []string{"A"}}}},
		"member twice":             {ID: id, Extra: []did.Member{{Name: "id", Value: `"did:example:thief"`}}},
		"member that is no JSON":   {ID: id, Extra: []did.Member{{Name: "x", Value: "y"}}},
		"private key":              {ID: id, VerificationMethod: []did.VerificationMethod{{ID: id.URL("k"), Type: "T", Controller: id, Extra: []did.Member{{Name: "privateKeyJwk", Value: "{}"}}}}},
		"URL with a space":         {ID: id, Authentication: []did.MethodRef{{ID: id.URL("a b")}}},
	} {
		_, err := doc.MarshalJSON()
		require.ErrorIs(t, err, did.ErrInvalidDocument, name)
	}
	var doc did.Document
	require.ErrorIs(t, json.Unmarshal([]byte(`{"id":"x"}`), &doc), did.ErrInvalidDocument)
}

// Documents of sixty methods in both representations, from the W3C's test suite. Each
// refusal has its reason here, and each key that cannot be had.
func TestDocumentsInTheWild(t *testing.T) {
	refused := map[string]struct {
		documents int
		because   string
	}{
		"did-3-2021-3box-labs": {6, "second verification method"},  // defines its methods twice over
		"did-ion":              {2, "not a string with something"}, // a method's controller is ""
		"did-unisot":           {2, "not a string with something"}, // a method's controller is an array
	}
	// Keys that are malformed, by what DID Core or the type's own specification says.
	invalid := map[string]string{
		"did-algo":              "Ed25519VerificationKey2020", // the bare key without its multicodec
		"did-knox":              "Ed25519VerificationKey2020", // likewise
		"did-cheqd":             "Ed25519VerificationKey2020", // likewise
		"did-jnctn":             "does not begin with",        // base64 instead of base58btc
		"did-art":               "does not begin with",        // hexadecimal in publicKeyMultibase
		"did-rm":                "does not begin with",        // likewise
		"did-dxd":               "42 bytes",                   // base58 of something longer than a key
		"did-polygon-ayanworks": "too many",                   // likewise
	}
	read, methods := 0, map[string]int{}
	for _, file := range suiteFiles(t) {
		for _, rep := range representations(t, file.raw) {
			doc, err := did.ParseDocument([]byte(rep))
			if err != nil {
				why := refused[file.name]
				require.ErrorContains(t, err, why.because, file.name)
				why.documents--
				refused[file.name] = why
				continue
			}
			read++
			written, err := doc.MarshalJSON()
			require.NoError(t, err, file.name)
			again, err := did.ParseDocument(written)
			require.NoError(t, err, file.name)
			require.Equal(t, doc.VerificationMethod, again.VerificationMethod)
			require.Equal(t, doc.Service, again.Service)

			all := doc.VerificationMethod
			for _, refs := range [][]did.MethodRef{doc.Authentication, doc.AssertionMethod, doc.KeyAgreement, doc.CapabilityInvocation, doc.CapabilityDelegation} {
				for _, ref := range refs {
					if ref.Embedded != nil {
						all = append(all, *ref.Embedded)
					}
				}
			}
			for _, m := range all {
				_, err := m.PublicKey()
				switch {
				case err == nil:
					methods[m.Type]++
				case errors.Is(err, did.ErrKeyNotSupported):
					methods["not supported"]++
				default:
					require.ErrorIs(t, err, did.ErrInvalidKey)
					require.Contains(t, invalid, file.name, "%v", err)
					require.ErrorContains(t, err, invalid[file.name])
				}
			}
		}
	}
	for name, why := range refused {
		require.Zero(t, why.documents, name)
	}
	require.Equal(t, 125, read)
	for _, typ := range []string{did.Multikey, did.JSONWebKey, did.JSONWebKey2020, did.Ed25519VerificationKey2018, did.Ed25519VerificationKey2020,
		did.X25519KeyAgreementKey2019, did.X25519KeyAgreementKey2020, did.EcdsaSecp256k1VerificationKey2019} {
		require.NotZero(t, methods[typ], typ)
	}
	t.Logf("%d documents read; keys: %v", read, maps.Collect(maps.All(methods)))
	shared.Tally(t, "DID Core 1.1", "W3C did-test-suite: documents", read, 135, "10 refused: methods defined twice, empty or listed controllers")
}

// representations returns the documents in a file of the W3C's suite.
func representations(t testing.TB, raw []byte) (out []string) {
	var top map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &top))
	for _, member := range top {
		var byType map[string]struct{ Representation string }
		if json.Unmarshal(member, &byType) != nil {
			continue
		}
		for _, x := range byType {
			if x.Representation != "" {
				out = append(out, x.Representation)
			}
		}
	}
	return out
}
