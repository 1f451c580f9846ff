package rdfc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"testing"
	"time"

	"github.com/piprate/json-gold/ld"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/record"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func newKey(t testing.TB, alg string) crypto.Signer {
	var key crypto.Signer
	var err error
	switch alg {
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(nil)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	require.NoError(t, err)
	return key
}

// newIssuer signs as a did:key, with a suite of this package.
func newIssuer(t testing.TB, alg string) *vc.Issuer {
	t.Helper()
	key := newKey(t, alg)
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	i := &vc.Issuer{ID: id, Key: key, Suite: rdfc.ECDSARDFC2019{}, Contexts: rdfc.Contexts(), Now: at(noon)}
	if alg == "Ed25519" {
		i.Suite = rdfc.EdDSARDFC2022{}
	}
	return i
}

// maintenance is a realistic entry: 1.7 kB once it is signed, as in package vc's benchmarks.
func maintenance() record.Maintenance {
	return record.Maintenance{
		Time:        noon.Add(-26 * time.Hour),
		BizStep:     record.StepReplacing,
		Disposition: record.DispAvailable,
		Work: record.Work{
			Category:    record.Preventive,
			Activity:    "replace rotor bearings, inspect motor mounts, balance propellers",
			Part:        &record.Part{Name: "rotor 3", Serial: "RB-20-118834"},
			DownSeconds: 5400,
			Counters:    []record.Reading{{Name: "hour meter", Value: 812, Unit: record.Hours}, {Name: "landings", Value: 2231, Unit: record.Cycles}},
			Due:         &record.Due{Date: noon.AddDate(0, 0, 5)},
			NextDue:     &record.Due{Date: noon.AddDate(0, 6, 0), Counter: &record.Reading{Name: "hour meter", Value: 1200, Unit: record.Hours}},
			WorkOrder:   "WO-2026-44871",
			Procedure:   "https://maker.example/lynx4/manual/5.3",
			PerformedBy: &record.Party{Name: "Rotor Service Nord, bay 2"},
			Documents: []record.Document{{
				ID: "https://rotor.example/protocols/44871.pdf", Name: "inspection protocol, signed by the fitter", MediaType: "application/pdf",
				DigestMultibase: "uEiC7Z6wE-p_dKILFirHQAqgfuC9j8aSDvTeVPJbujHVVsQ",
			}},
		},
	}
}

func issued(t testing.TB, issuer *vc.Issuer) []byte {
	t.Helper()
	raw, err := issuer.Issue(&vc.Credential{
		ID: "urn:uuid:6c1f0c64-45a5-4d35-9a3f-3d1d0f6a4b10", Subject: issuer.ID, Claim: maintenance(), ValidUntil: noon.AddDate(1, 0, 0),
	})
	require.NoError(t, err)
	return raw
}

// bare returns the signature, and the signature check, that alg cannot do without.
func bare(b *testing.B, alg string) (sign, check func()) {
	message := make([]byte, 64)
	key := newKey(b, alg)
	if k, ok := key.(ed25519.PrivateKey); ok {
		signature, public := ed25519.Sign(k, message), k.Public().(ed25519.PublicKey)
		return func() { ed25519.Sign(k, message) }, func() {
			if !ed25519.Verify(public, message, signature) {
				b.Fatal("bare check failed")
			}
		}
	}
	k := key.(*ecdsa.PrivateKey)
	sum := sha512.Sum384(message)
	digest := sum[:]
	if alg == "P-256" {
		sum := sha256.Sum256(message)
		digest = sum[:]
	}
	signature, err := ecdsa.SignASN1(nil, k, digest)
	require.NoError(b, err)
	return func() {
			if _, err := ecdsa.SignASN1(nil, k, digest); err != nil {
				b.Fatal(err)
			}
		}, func() {
			if !ecdsa.VerifyASN1(&k.PublicKey, digest, signature) {
				b.Fatal("bare check failed")
			}
		}
}

// alternate times whole and part by turns, so that both see the same machine, and reports whole in units of part.
func alternate(b *testing.B, whole, part func()) {
	b.ReportAllocs()
	var spent, base time.Duration
	for b.Loop() {
		start := time.Now()
		whole()
		middle := time.Now()
		part()
		spent, base = spent+middle.Sub(start), base+time.Since(middle)
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/credential")
	b.ReportMetric(float64(base.Nanoseconds())/float64(b.N), "ns/bare")
	b.ReportMetric(float64(spent)/float64(base), "x-bare")
}

// BenchmarkVerify verifies one 1.7 kB credential with all checks, from bytes to *Verified. "x-bare" is the time in
// bare signature checks; the line of a JSON suite shows what the RDF costs beside it.
func BenchmarkVerify(b *testing.B) {
	for _, tt := range []struct {
		alg   string
		suite vc.Suite
	}{
		{"Ed25519", vc.EdDSAJCS2022{}}, {"Ed25519", rdfc.EdDSARDFC2022{}}, {"P-256", rdfc.ECDSARDFC2019{}}, {"P-384", rdfc.ECDSARDFC2019{}},
	} {
		b.Run(tt.suite.Name()+"/"+tt.alg, func(b *testing.B) {
			issuer := newIssuer(b, tt.alg)
			issuer.Suite = tt.suite
			raw := issued(b, issuer)
			v := &vc.Verifier{Suites: rdfc.Suites(nil), Contexts: rdfc.Contexts(), Now: at(noon)}
			_, check := bare(b, tt.alg)
			alternate(b, func() {
				if _, err := v.Verify(b.Context(), raw, vc.AnyIssuer); err != nil {
					b.Fatal(err)
				}
			}, check)
			b.ReportMetric(float64(len(raw)), "bytes")
		})
	}
}

// BenchmarkIssue issues the same credential. "x-bare" is the time in bare signatures.
func BenchmarkIssue(b *testing.B) {
	for _, alg := range []string{"Ed25519", "P-256", "P-384"} {
		b.Run(alg, func(b *testing.B) {
			issuer := newIssuer(b, alg)
			c := &vc.Credential{Subject: issuer.ID, Claim: maintenance()}
			sign, _ := bare(b, alg)
			alternate(b, func() {
				if _, err := issuer.Issue(c); err != nil {
					b.Fatal(err)
				}
			}, sign)
		})
	}
}

// BenchmarkJSONLD takes apart what the RDF of that credential costs, each part in bare Ed25519 checks: what it says
// (with the contexts processed before, and anew, as a program pays once), its canonical form, and, for comparison, what
// it says by way of json-gold, with parsed contexts at hand.
func BenchmarkJSONLD(b *testing.B) {
	raw := issued(b, newIssuer(b, "Ed25519"))
	document, _, _ := without(b, raw)
	_, check := bare(b, "Ed25519")
	b.Run("statements", func(b *testing.B) {
		alternate(b, func() {
			if _, err := rdfc.Contexts().NQuads(document); err != nil {
				b.Fatal(err)
			}
		}, check)
	})
	b.Run("statements, contexts anew", func(b *testing.B) {
		alternate(b, func() {
			if _, err := rdfc.Contexts().WithInline().NQuads(document); err != nil {
				b.Fatal(err)
			}
		}, check)
	})
	b.Run("canonical form", func(b *testing.B) {
		alternate(b, func() {
			if _, err := rdfc.Canonicalize(nil, document, crypto.SHA256); err != nil {
				b.Fatal(err)
			}
		}, check)
	})
	b.Run("statements by json-gold", func(b *testing.B) {
		loaded := loader{}
		o := ld.NewJsonLdOptions("")
		o.DocumentLoader, o.Format = loaded, "application/n-quads"
		alternate(b, func() {
			var v any
			if err := json.Unmarshal(document, &v); err != nil {
				b.Fatal(err)
			}
			if _, err := ld.NewJsonLdProcessor().ToRDF(v, o); err != nil {
				b.Fatal(err)
			}
		}, check)
	})
}
