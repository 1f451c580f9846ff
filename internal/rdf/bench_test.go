package rdf_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/rdf"
)

// credential is an ordinary credential of VOCABULARY's kind as quads: 24
// statements, four blank nodes, in the order a JSON-LD processor gives them.
const credential = `<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/2018/credentials#VerifiableCredential> .
<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://hourmeter.example/ns#MaintenanceCredential> .
<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#issuer> <did:web:shop.example> .
<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#validFrom> "2026-09-01T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .
<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#validUntil> "2027-09-01T00:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .
<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#credentialSubject> <did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQXJyPmNw1GmyU> .
<urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33> <https://www.w3.org/2018/credentials#credentialStatus> <https://shop.example/status/7#4711> .
<https://shop.example/status/7#4711> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/ns/credentials/status#BitstringStatusListEntry> .
<https://shop.example/status/7#4711> <https://www.w3.org/ns/credentials/status#statusPurpose> "revocation" .
<https://shop.example/status/7#4711> <https://www.w3.org/ns/credentials/status#statusListIndex> "4711" .
<https://shop.example/status/7#4711> <https://www.w3.org/ns/credentials/status#statusListCredential> <https://shop.example/status/7> .
<did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQXJyPmNw1GmyU> <https://hourmeter.example/ns#serial> "HM-0042-7" .
<did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQXJyPmNw1GmyU> <https://hourmeter.example/ns#maintenance> _:b0 .
_:b0 <https://hourmeter.example/ns#category> "preventive" .
_:b0 <https://hourmeter.example/ns#activity> "bearing replaced, \"rear left\"" .
_:b0 <https://hourmeter.example/ns#operatingHours> "1204"^^<http://www.w3.org/2001/XMLSchema#integer> .
_:b0 <https://hourmeter.example/ns#part> _:b1 .
_:b0 <https://hourmeter.example/ns#part> _:b2 .
_:b0 <https://hourmeter.example/ns#performedBy> _:b3 .
_:b1 <https://schema.org/serialNumber> "B-1" .
_:b1 <https://schema.org/name> "bearing" .
_:b2 <https://schema.org/serialNumber> "B-2" .
_:b2 <https://schema.org/name> "bearing" .
_:b3 <https://schema.org/name> "Ada" .
`

// One canonicalization, and its time as a share of a bare Ed25519 verification.
func BenchmarkCanonicalize(b *testing.B) {
	quads, err := rdf.Parse([]byte(credential))
	require.NoError(b, err)
	canonicalize := func() {
		_, _, err := rdf.Canonicalize(quads, rdf.Options{})
		require.NoError(b, err)
	}
	b.SetBytes(int64(len(credential)))
	b.ReportAllocs()
	for b.Loop() {
		canonicalize()
	}
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	message := []byte(credential)[:64]
	signature := ed25519.Sign(private, message)
	verify := func() { require.True(b, ed25519.Verify(public, message, signature)) }
	// The best of many short turns, by turns: other programs run on the machine too.
	best := [2]time.Duration{time.Hour, time.Hour}
	for range 40 {
		for i, f := range []func(){canonicalize, verify} {
			start := time.Now()
			for range 50 {
				f()
			}
			best[i] = min(best[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(best[0])/float64(best[1]), "of-Ed25519")
}

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(credential)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := rdf.Parse([]byte(credential))
		require.NoError(b, err)
	}
}
