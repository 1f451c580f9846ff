package peer_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/shared"
)

const (
	// From the method's specification.
	two  = "did:peer:2.Vz6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc.Ez6LSg8zQom395jKLrGiBNruB9MM6V8PWuf2FpEy4uRFiqQBR.SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9kaWRjb21tIiwiYSI6WyJkaWRjb21tL3YyIl0sInIiOlsiZGlkOmV4YW1wbGU6MTIzNDU2Nzg5YWJjZGVmZ2hpI2tleS0xIl19fQ.SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9hbm90aGVyIiwiYSI6WyJkaWRjb21tL3YyIl0sInIiOlsiZGlkOmV4YW1wbGU6MTIzNDU2Nzg5YWJjZGVmZ2hpI2tleS0yIl19fQ"
	mbEd = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc"
	mbX  = "z6LSg8zQom395jKLrGiBNruB9MM6V8PWuf2FpEy4uRFiqQBR"
)

// twoDocument is the specification's "Example Peer DID 2", with DID in place of the DID.
const twoDocument = `{
	"@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
	"id": "DID",
	"verificationMethod": [
		{"id": "#key-1", "controller": "DID", "type": "Multikey", "publicKeyMultibase": "` + mbEd + `"},
		{"id": "#key-2", "controller": "DID", "type": "Multikey", "publicKeyMultibase": "` + mbX + `"}],
	"authentication": ["#key-1"],
	"keyAgreement": ["#key-2"],
	"service": [
		{"type": "DIDCommMessaging", "serviceEndpoint": {"uri": "http://example.com/didcomm", "accept": ["didcomm/v2"], "routingKeys": ["did:example:123456789abcdefghi#key-1"]}, "id": "#service"},
		{"type": "DIDCommMessaging", "serviceEndpoint": {"uri": "http://example.com/another", "accept": ["didcomm/v2"], "routingKeys": ["did:example:123456789abcdefghi#key-2"]}, "id": "#service-1"}],
	"alsoKnownAs": ["did:peer:3zQmd6RdU6e2nDrLn1rjwdA5Buzq7wJwsv3WJ1AgrwKYJoLE"]}`

// fourDocument is what the specification says of its numalgo 4. (Its text shows the service
// with another uri than the DID has in it.)
const fourDocument = `{
	"@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/x25519-2020/v1", "https://w3id.org/security/suites/ed25519-2020/v1"],
	"verificationMethod": [
		{"id": "#6LSqPZfn", "type": "X25519KeyAgreementKey2020", "publicKeyMultibase": "z6LSqPZfn9krvgXma2icTMKf2uVcYhKXsudCmPoUzqGYW24U", "controller": "DID"},
		{"id": "#6MkrCD1c", "type": "Ed25519VerificationKey2020", "publicKeyMultibase": "z6MkrCD1csqtgdj8sjrsu8jxcbeyP6m7LiK87NzhfWqio5yr", "controller": "DID"}],
	"service": [{"id": "#didcommmessaging-0", "type": "DIDCommMessaging", "serviceEndpoint": {"uri": "didcomm:transport/queue", "accept": ["didcomm/v2"], "routingKeys": []}}],
	"authentication": ["#6MkrCD1c"], "keyAgreement": ["#6LSqPZfn"], "assertionMethod": ["#6MkrCD1c"],
	"capabilityDelegation": ["#6MkrCD1c"], "capabilityInvocation": ["#6MkrCD1c"],
	"alsoKnownAs": ["OTHER"], "id": "DID"}`

// The DIDs of the specification's text, and the documents that it prints for them.
func TestVectorsOfTheSpecification(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "did-peer", "spec-dids.json"))
	require.NoError(t, err)
	var ids []did.DID
	require.NoError(t, json.Unmarshal(raw, &ids))
	require.Len(t, ids, 8)
	known := map[did.DID]did.DID{}
	for _, id := range ids {
		if short, err := peer.Short(id); err == nil {
			require.Contains(t, ids, short, "the specification has the short form of each long one")
			known[short] = id
		}
	}
	require.Len(t, known, 3)

	passed := 0
	for _, id := range ids {
		res, err := peer.Resolver{Known: known}.Resolve(t.Context(), id, did.Version{})
		if strings.HasPrefix(id.Identifier(), "1") {
			require.ErrorIs(t, err, did.ErrMethodNotSupported)
			require.ErrorContains(t, err, "numalgo 1")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, id, res.Document.ID)
		passed++
		switch short, long := id, known[id]; {
		case id.String() == two:
			require.JSONEq(t, strings.ReplaceAll(twoDocument, "DID\"", id.String()+`"`), res.Document.Raw)
		case id.Identifier()[0] == '4' && long.IsZero(): // the long form
			short, err = peer.Short(id)
			require.NoError(t, err)
			require.JSONEq(t, strings.NewReplacer(`"DID"`, `"`+id.String()+`"`, "OTHER", short.String()).Replace(fourDocument), res.Document.Raw)
			require.Equal(t, []did.DID{short}, res.EquivalentID)
		case id.Identifier()[0] == '4':
			require.JSONEq(t, strings.NewReplacer(`"DID"`, `"`+id.String()+`"`, "OTHER", long.String()).Replace(fourDocument), res.Document.Raw)
			require.Equal(t, []did.DID{long}, res.EquivalentID)
		case id.Identifier()[0] == '0': // "functionally equivalent to a did:key"
			key := did.MustParse("did:key:" + id.Identifier()[1:])
			theirs, err := did.Offline{}.Resolve(t.Context(), key, did.Version{})
			require.NoError(t, err)
			text, err := theirs.Document.MarshalJSON()
			require.NoError(t, err)
			ours, err := res.Document.MarshalJSON()
			require.NoError(t, err)
			require.JSONEq(t, strings.ReplaceAll(string(text), key.String(), id.String()), string(ours))
		}
	}
	require.Equal(t, 7, passed)
	shared.Tally(t, "did:peer", "the specification's DIDs", passed, len(ids), "refused by name: numalgo 1, whose document is not in the identifier")
}

// The method's good and bad DIDs are all of numalgo 1: the good ones are refused for that,
// the bad ones as no DIDs.
func TestGoodAndBadDIDs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "did-peer", "level-1"), "*.txt"))
	require.NoError(t, err)
	require.Len(t, files, 13)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		want := did.ErrMethodNotSupported
		if !strings.HasPrefix(filepath.Base(file), "good-") { // those to compare have zeros, and are no base58
			want = did.ErrInvalidDID
		}
		for text := range strings.Lines(string(raw)) {
			id, err := did.Parse(strings.TrimSpace(text))
			if err == nil {
				_, err = peer.Resolver{}.Resolve(t.Context(), id, did.Version{})
			}
			require.ErrorIs(t, err, want, "%s: %s", file, text)
		}
	}
	shared.Tally(t, "did:peer", "the method's good and bad DIDs of numalgo 1, told apart", len(files), len(files), "good ones are refused by name")
}

func TestDIDsOfTheUniversalResolver(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "universal-resolver", "testIdentifiers.json"))
	require.NoError(t, err)
	var list []struct{ DID string }
	require.NoError(t, json.Unmarshal(raw, &list))
	n := 0
	for _, e := range list {
		if !strings.HasPrefix(e.DID, "did:peer:") {
			continue
		}
		res, err := peer.Resolver{}.Resolve(t.Context(), did.MustParse(e.DID), did.Version{})
		require.NoError(t, err)
		_, err = res.Document.Key(res.Document.KeyAgreement[0].ID, did.KeyAgreement)
		require.NoError(t, err)
		_, err = res.Document.Key(res.Document.Authentication[0].ID, did.Authentication)
		require.NoError(t, err)
		require.Equal(t, []string{"DIDCommMessaging"}, res.Document.Service[0].Type)
		require.Equal(t, "service", res.Document.Service[0].ID.Fragment)
		n++
	}
	require.Equal(t, 2, n)
	shared.Tally(t, "did:peer", "universal-resolver's identifiers", n, n, "")
}

// What the specification's example was made from makes it again.
func TestMintedAsPublished(t *testing.T) {
	res, err := peer.Resolver{}.Resolve(t.Context(), did.MustParse(two), did.Version{})
	require.NoError(t, err)
	var keys []peer.Key
	for i, use := range []did.Relationship{did.Authentication, did.KeyAgreement} {
		pub, err := res.Document.VerificationMethod[i].PublicKey()
		require.NoError(t, err)
		keys = append(keys, peer.Key{Use: use, Public: pub})
	}
	services := res.Document.Service
	for i := range services {
		services[i].ID = did.URL{}
		// The example's endpoint has uri, accept and routingKeys in this order.
		require.True(t, strings.HasPrefix(services[i].Endpoint[0], `{"uri":`))
	}
	id, err := peer.New2(keys, services...)
	require.NoError(t, err)
	require.Equal(t, two, id.String())
}

func service(text string) string {
	return ".S" + base64.RawURLEncoding.EncodeToString([]byte(text))
}

func TestRefusals(t *testing.T) {
	long, err := peer.New4Document([]byte(`{"verificationMethod":[{"id":"#k","type":"Multikey","publicKeyMultibase":"` + mbEd + `"}]}`))
	require.NoError(t, err)
	short, err := peer.Short(long)
	require.NoError(t, err)
	const v = ".V" + mbEd
	for _, tc := range []struct {
		name, text string
		want       error
		msg        string
	}{
		{"another method", "did:key:" + mbEd, did.ErrMethodNotSupported, "did:key"},
		{"no numalgo", "did:peer:" + mbEd, did.ErrInvalidDID, "numalgos 0 to 4"},
		{"numalgo 5", "did:peer:5" + mbEd, did.ErrInvalidDID, "numalgos 0 to 4"},
		{"numalgo 1", "did:peer:1zQmZMygzYqNwU6Uhmewx5Xepf2VLp5S4HLSwwgf2aiKZuwa", did.ErrMethodNotSupported, "not in the identifier"},
		{"numalgo 3 that is no hash", "did:peer:3" + mbEd, did.ErrInvalidDID, "not a hash"},
		{"numalgo 3", "did:peer:3zQmS19jtYDvGtKVrJhQnRFpBQAx3pJ9omx2HpNrcXFuRCz9", peer.ErrLongFormUnknown, "ask its holder"},
		{"numalgo 4, short", short.String(), peer.ErrLongFormUnknown, "ask its holder"},
		{"numalgo 4 that is no hash", "did:peer:4" + mbEd, did.ErrInvalidDID, "not a hash"},

		{"numalgo 0 without a key", "did:peer:0", did.ErrInvalidDID, "no key"},
		{"numalgo 0 that is no key", "did:peer:0z6Mk0", did.ErrInvalidDID, "base58"},
		{"numalgo 0 of BLS12-381", "did:peer:0zUC7K4ndUaGZgV7Cp2yJy6JtMoUHY6u7tkcSYUvPrEidqBmLCTLmi6d5WvwnUqejscAkERJ3bfjEiSYtdPkRSE8kSa11hFBr4sTgnbZ95SJj19PN2jdvJjyzpSZgxkyyxNnBNnY", did.ErrKeyNotSupported, "BLS12-381"},

		{"numalgo 2 without a dot", "did:peer:2V" + mbEd, did.ErrInvalidDID, "elements"},
		{"numalgo 2 with nothing", "did:peer:2", did.ErrInvalidDID, "elements"},
		{"two dots", "did:peer:2" + v + "." + v, did.ErrInvalidDID, "element 2 is empty"},
		{"a dot at the end", "did:peer:2" + v + ".", did.ErrInvalidDID, "element 2 is empty"},
		{"no such purpose", "did:peer:2.X" + mbEd, did.ErrInvalidDID, "purpose"},
		{"purpose in lower case", "did:peer:2.v" + mbEd, did.ErrInvalidDID, "purpose"},
		{"a key in base64url", "did:peer:2.Vu7QE7aie8zrakLWKjqNAqbw1zZTIVdx3iQ6Y6wEihi1naKQ", did.ErrInvalidDID, "base58btc"},
		{"a key of 31 bytes", "did:peer:2.V" + multikey.EncodeBase58(append([]byte{0xed, 1}, make([]byte, 31)...)), did.ErrInvalidDID, "is no key"},
		{"a private key", "did:peer:2.V" + multikey.EncodeBase58(append([]byte{0x80, 0x26}, make([]byte, 32)...)), did.ErrInvalidDID, "stolen"},
		{"25 keys", "did:peer:2" + strings.Repeat(v, 25), did.ErrInvalidDID, "too many"},
		{"25 services", "did:peer:2" + v + strings.Repeat(service(`{"t":"x","s":"y:"}`), 25), did.ErrInvalidDID, "too many"},
		{"a service that is no base64url", "did:peer:2" + v + ".SeyJ%20", did.ErrInvalidDID, "base64url"},
		{"a service with stray bits", "did:peer:2" + v + ".Se31", did.ErrInvalidDID, "base64url"},
		{"a service with a member twice", "did:peer:2" + v + service(`{"t":"x","t":"y","s":"z:"}`), did.ErrInvalidDID, "strict JSON"},
		{"a service with a member in both spellings", "did:peer:2" + v + service(`{"t":"x","type":"y","s":"z:"}`), did.ErrInvalidDocument, "strict JSON"},
		{"a list of services", "did:peer:2" + v + service(`[{"t":"x","s":"z:"}]`), did.ErrInvalidDID, "one service is wanted"},
		{"a service without an endpoint", "did:peer:2" + v + service(`{"t":"x"}`), did.ErrInvalidDocument, "serviceEndpoint"},
		{"a service of another DID", "did:peer:2" + v + service(`{"id":"did:example:a#s","t":"x","s":"z:"}`), did.ErrInvalidDID, "not relative"},
		{"two services of one name", "did:peer:2" + v + strings.Repeat(service(`{"id":"#s","t":"x","s":"z:"}`), 2), did.ErrInvalidDocument, "two methods or services"},
		{"a service that takes the name of one without", "did:peer:2" + v + service(`{"id":"#service","t":"x","s":"z:"}`) + service(`{"t":"x","s":"z:"}`), did.ErrInvalidDocument, "two methods or services"},
		{"a service named as a key", "did:peer:2" + v + service(`{"id":"#key-1","t":"x","s":"z:"}`), did.ErrInvalidDocument, "two methods or services"},

		{"numalgo 4, a flipped character", strings.Replace(long.String(), ":z", ":y", 1), did.ErrInvalidDID, "hash"},
		{"numalgo 4, another's hash", "did:peer:4zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd" + strings.TrimPrefix(long.String(), short.String()), did.ErrInvalidDID, "hash"},
		{"numalgo 4, a third part", long.String() + ":z", did.ErrInvalidDID, "hash"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := did.Parse(tc.text)
			require.NoError(t, err)
			res, err := peer.Resolver{}.Resolve(t.Context(), id, did.Version{})
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, tc.msg)
			require.Nil(t, res)
			require.Equal(t, tc.want != peer.ErrLongFormUnknown, did.IsAnswer(err))
			if tc.name == "a private key" {
				require.NotContains(t, err.Error(), tc.text[12:])
			}
		})
	}
	_, err = peer.Resolver{}.Resolve(t.Context(), did.DID{}, did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDID)
	for _, wrong := range []did.DID{did.MustParse(two), short, did.MustParse("did:key:" + mbEd), did.MustParse(long.String() + "z"), {}} {
		_, err = peer.Resolver{Known: map[did.DID]did.DID{short: wrong}}.Resolve(t.Context(), short, did.Version{})
		require.ErrorContains(t, err, "is not its long form")
		require.False(t, did.IsAnswer(err))
	}
}

// New4Document mints nothing that Resolve refuses, so the documents that are refused are
// tried on it.
func TestDocumentsRefused(t *testing.T) {
	const key = `"type":"Multikey","publicKeyMultibase":"` + mbEd + `"`
	for _, tc := range []struct{ name, input, want string }{
		{"no JSON", `{`, "not JSON"},
		{"a list", `[]`, "not an object"},
		{"a member twice", `{"a":1,"a":2}`, "JSON"},
		{"an id", `{"id":"did:example:a"}`, "before the DID was known"},
		{"a member that looks like id", `{"ID":"did:example:a"}`, "only by case"},
		{"an absolute id", `{"verificationMethod":[{"id":"did:example:a#k",` + key + `}]}`, "not relative"},
		{"an absolute id, embedded", `{"authentication":[{"id":"did:example:a#k",` + key + `}]}`, "not relative"},
		{"an id without a fragment", `{"verificationMethod":[{"id":"#",` + key + `}]}`, "not relative"},
		{"an absolute service", `{"service":[{"id":"did:example:a#s","type":"x","serviceEndpoint":"y:"}]}`, "not relative"},
		{"two methods of one id", `{"verificationMethod":[{"id":"#k",` + key + `}],"authentication":[{"id":"#k",` + key + `}]}`, "second verification method"},
		{"a service named as a key", `{"verificationMethod":[{"id":"#k",` + key + `}],"service":[{"id":"#k","type":"x","serviceEndpoint":"y:"}]}`, "two methods or services"},
		{"alsoKnownAs that is no list", `{"alsoKnownAs":"x:"}`, "not an array"},
		{"methods that are no list", `{"verificationMethod":{}}`, "not an array"},
		{"a private key", `{"verificationMethod":[{"id":"#k","type":"Multikey","secretKeyMultibase":"z1"}]}`, "private key"},
		{"Controller", `{"verificationMethod":[{"id":"#k","Controller":"did:example:a",` + key + `}]}`, "only by case"},
		{"25 methods", `{"verificationMethod":[` + strings.Repeat(`{"id":"#k"},`, 24) + `{"id":"#k"}]}`, "too many"},
		{"too long", `{"x":"` + strings.Repeat("x", did.MaxLength) + `"}`, "bytes long"},
	} {
		_, err := peer.New4Document([]byte(tc.input))
		require.ErrorContains(t, err, tc.want, tc.name)
		require.True(t, tc.name == "no JSON" || tc.name == "a member twice" || did.IsAnswer(err), tc.name)
	}
	// A method that somebody else controls keeps its controller, and its key does not count.
	id, err := peer.New4Document([]byte(`{ "alsoKnownAs": ["did:example:a"], "verificationMethod": [ {"id":"#k","controller":"did:example:a",` + key + `} ], "authentication": ["#k"] }`))
	require.NoError(t, err)
	res, err := peer.Resolver{}.Resolve(t.Context(), id, did.Version{})
	require.NoError(t, err)
	short, err := peer.Short(id)
	require.NoError(t, err)
	require.Equal(t, []string{"did:example:a", short.String()}, res.Document.AlsoKnownAs)
	_, err = res.Document.Key(id.URL("k"), did.Authentication)
	require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
}

func TestMintingRefused(t *testing.T) {
	ed := ed25519.NewKeyFromSeed(make([]byte, 32)).Public()
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	ok := did.Service{Type: []string{"x"}, Endpoint: []string{"y:"}}
	for _, tc := range []struct {
		name     string
		keys     []peer.Key
		services []did.Service
		want     string
	}{
		{"no role", []peer.Key{{Public: ed}}, nil, "no verification relationship"},
		{"no key", []peer.Key{{Use: did.Authentication}}, nil, "not supported"},
		{"an encryption key to sign", []peer.Key{{did.Authentication, x.PublicKey()}}, nil, "wrong kind"},
		{"a signing key to encrypt", []peer.Key{{did.KeyAgreement, ed}}, nil, "wrong kind"},
		{"a key of ML-DSA", []peer.Key{{did.Authentication, did.MLDSA44PublicKey{}}}, nil, "does not fit"},
		{"a service of another DID", []peer.Key{{did.Authentication, ed}}, []did.Service{{ID: did.MustParse("did:example:a").URL("s"), Type: ok.Type, Endpoint: ok.Endpoint}}, "fragment"},
		{"a service without a type", []peer.Key{{did.Authentication, ed}}, []did.Service{{Endpoint: ok.Endpoint}}, "a type and an endpoint"},
		{"a service with a member twice", []peer.Key{{did.Authentication, ed}}, []did.Service{{Type: ok.Type, Endpoint: ok.Endpoint, Extra: []did.Member{{Name: "type", Value: `"z"`}}}}, "cannot be written"},
		{"two services of one name", []peer.Key{{did.Authentication, ed}}, []did.Service{{ID: did.URL{Fragment: "s"}, Type: ok.Type, Endpoint: ok.Endpoint}, {ID: did.URL{Fragment: "s"}, Type: ok.Type, Endpoint: ok.Endpoint}}, "two methods or services"},
	} {
		_, err := peer.New2(tc.keys, tc.services...)
		require.ErrorContains(t, err, tc.want, tc.name)
		_, err = peer.New4(tc.keys, tc.services...)
		require.ErrorContains(t, err, tc.want, tc.name)
	}
	// What would come back in another spelling is for numalgo 4.
	for name, s := range map[string]did.Service{
		"a member named t": {Type: ok.Type, Endpoint: ok.Endpoint, Extra: []did.Member{{Name: "t", Value: "1"}}},
		"type dm":          {Type: []string{"dm"}, Endpoint: ok.Endpoint},
		"deep inside":      {Type: ok.Type, Endpoint: []string{`{"x":[{"a":1}]}`}},
	} {
		_, err := peer.New2([]peer.Key{{did.Authentication, ed}}, s)
		require.ErrorContains(t, err, "use New4", name)
		_, err = peer.New4([]peer.Key{{did.Authentication, ed}}, s)
		require.NoError(t, err, name)
	}
	_, err = peer.New0(nil)
	require.ErrorIs(t, err, did.ErrKeyNotSupported)
	_, err = peer.New2(nil)
	require.ErrorIs(t, err, did.ErrInvalidDID)
}

func TestEveryTimeAndNoNames(t *testing.T) {
	id := did.MustParse(two)
	for _, v := range []did.Version{{}, {Time: time.Unix(0, 0)}, {Time: time.Now().AddDate(100, 0, 0)}} {
		_, err := did.Key(t.Context(), peer.Resolver{}, id.URL("key-1"), did.Authentication, v)
		require.NoError(t, err)
	}
	for _, v := range []did.Version{{ID: "1"}, {Number: 1}} {
		_, err := peer.Resolver{}.Resolve(t.Context(), id, v)
		require.ErrorIs(t, err, did.ErrNotFound)
	}
	_, err := peer.Resolver{}.Resolve(t.Context(), id, did.Version{ID: "1", Number: 1})
	require.ErrorIs(t, err, did.ErrInvalidOptions)
}

// Whatever is minted resolves to the keys and services it was minted from, by each of its names.
func TestMintedIdentifiersLeadBackToTheirKeys(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	pool := map[did.Relationship][]crypto.PublicKey{did.KeyAgreement: {x.PublicKey(), p256.Public(), p521.Public()}}
	for _, use := range []did.Relationship{did.Authentication, did.AssertionMethod, did.CapabilityDelegation, did.CapabilityInvocation} {
		pool[use] = []crypto.PublicKey{ed25519.NewKeyFromSeed(make([]byte, 32)).Public(), p256.Public(), p521.Public()}
	}
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) peer.Key {
			use := rapid.SampledFrom([]did.Relationship{did.Authentication, did.AssertionMethod, did.CapabilityDelegation, did.CapabilityInvocation, did.KeyAgreement}).Draw(t, "use")
			return peer.Key{Use: use, Public: rapid.SampledFrom(pool[use]).Draw(t, "key")}
		}), 1, 8).Draw(t, "keys")
		services := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) did.Service {
			return did.Service{
				Type:     []string{rapid.SampledFrom([]string{"DIDCommMessaging", "MachineRecord"}).Draw(t, "type")},
				Endpoint: []string{rapid.SampledFrom([]string{"https://shop.example/", `{"uri":"https://shop.example/","accept":["didcomm/v2"],"routingKeys":[]}`}).Draw(t, "endpoint")},
			}
		}), 0, 3).Draw(t, "services")

		id2, err := peer.New2(keys, services...)
		require.NoError(t, err)
		id4, err := peer.New4(keys, services...)
		require.NoError(t, err)
		known := map[did.DID]did.DID{}
		for _, id := range []did.DID{id2, id4} {
			short, err := peer.Short(id)
			require.NoError(t, err)
			known[short] = id
			for _, name := range []did.DID{id, short} {
				res, err := peer.Resolver{Known: known}.Resolve(context.Background(), name, did.Version{})
				require.NoError(t, err)
				require.Equal(t, name, res.Document.ID)
				if name == id {
					require.Equal(t, []string{short.String()}, res.Document.AlsoKnownAs)
				} else {
					require.Equal(t, []string{id.String()}, res.Document.AlsoKnownAs)
				}
				require.Len(t, res.Document.Service, len(services))
				for i, s := range res.Document.Service {
					require.Equal(t, services[i].Type, s.Type)
					require.Equal(t, services[i].Endpoint, s.Endpoint)
				}
				for _, key := range keys {
					found := false
					for _, m := range res.Document.VerificationMethod {
						pub, err := res.Document.Key(m.ID, key.Use)
						found = found || err == nil && pub.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public)
					}
					require.True(t, found, "%v in %s", key, name)
				}
			}
		}
		id0, err := peer.New0(keys[0].Public)
		require.NoError(t, err)
		pub, err := did.Key(context.Background(), peer.Resolver{}, id0.URL(id0.Identifier()[1:]), keys[0].Use, did.Version{})
		require.NoError(t, err)
		require.Equal(t, keys[0].Public, pub)
	})
}
