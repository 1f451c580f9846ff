package ldcontext

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc/record"
)

// secured is a maintenance credential of about 1.7 kB with its proof.
func secured(t require.TestingT) strictjson.Value {
	text, _ := record.Example("MaintenanceCredential")
	const proof = `"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","created":"2026-11-22T00:00:00Z",` +
		`"verificationMethod":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",` +
		`"proofPurpose":"assertionMethod","proofValue":"z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"},`
	return parse(t, "{"+proof+string(text[1:]))
}

func TestCheckDoesNotAllocate(t *testing.T) {
	doc := secured(t)
	require.NoError(t, Default().Check(doc))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = Default().Check(doc) }))
}

func BenchmarkCheck(b *testing.B) {
	doc, s := secured(b), Default()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// What a program pays once, at its first verification.
func BenchmarkFirstUse(b *testing.B) {
	doc := secured(b)
	b.ReportAllocs()
	for b.Loop() {
		s := &Set{contexts: map[string]strictjson.Value{}, empty: new(active)}
		for _, e := range embedded {
			s.contexts[e.url] = parse(b, e.document).Member("@context")
		}
		s.reserved = reserved(s.contexts[HourmeterV1])
		if err := s.Check(doc); err != nil {
			b.Fatal(err)
		}
	}
}
