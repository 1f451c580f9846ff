package sdjwt

import (
	"crypto"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/vc"
)

// alternate times whole and part by turns, so that both see the same machine, and
// reports whole in units of part.
func alternate(b *testing.B, whole, part func()) {
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
	b.ReportMetric(float64(spent)/float64(base), "bare-checks")
}

// bare checks n signatures, which a verification cannot do without.
func bare(b *testing.B, key crypto.Signer, n int) func() {
	message := make([]byte, 64)
	sum, err := signature.Sign(key, message)
	require.NoError(b, err)
	return func() {
		for range n {
			if err := signature.Verify(key.Public(), message, sum); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkVerify verifies a maintenance credential with four disclosures, as a W3C
// credential and as an SD-JWT VC, beside the bare signature check; with key binding there
// are two of those.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"Ed25519", "P-256"} {
		shop, shopKey := newKey(b, alg)
		machine, machineKey := newKey(b, alg)
		confirm := Confirmation{Key: machineKey.Public()}
		raw, err := (&vc.Issuer{ID: shop, Key: shopKey, Now: at(noon), Format: Format{Disclosable: private, Confirm: confirm}}).
			Issue(&vc.Credential{Subject: machine, Claim: maintenance()})
		require.NoError(b, err)
		plain, err := (&vc.Issuer{ID: shop, Key: shopKey, Now: at(noon)}).Issue(&vc.Credential{Subject: machine, Claim: maintenance()})
		require.NoError(b, err)
		token, err := Parse(raw)
		require.NoError(b, err)
		vcRaw, err := (&Issuer{ID: shop, Key: shopKey, Now: at(noon)}).IssueVC(&Credential{
			Type: "x", Claims: token.document(), Confirm: confirm, Options: Options{Disclosable: private},
		})
		require.NoError(b, err)
		other, err := Parse(vcRaw)
		require.NoError(b, err)
		ch := vc.NewChallenge("lease.example")
		bound, err := token.Bind(machineKey, ch, noon)
		require.NoError(b, err)
		otherBound, err := other.Bind(machineKey, ch, noon)
		require.NoError(b, err)

		credentials := &vc.Verifier{Formats: []vc.Format{Format{}}, Now: at(noon)}
		verifier := &Verifier{Now: at(noon)}
		for _, bench := range []struct {
			name       string
			signatures int
			verify     func() error
		}{
			{"proof", 1, func() error { _, err := credentials.Verify(b.Context(), plain, vc.AnyIssuer); return err }},
			{"vc+sd-jwt", 1, func() error { _, err := credentials.Verify(b.Context(), raw, vc.AnyIssuer); return err }},
			{"vc+sd-jwt+kb", 2, func() error {
				_, err := credentials.VerifyPresentation(b.Context(), []byte(bound.String()), ch, vc.AnyIssuer)
				return err
			}},
			{"dc+sd-jwt", 1, func() error { _, err := verifier.VerifyVC(b.Context(), vcRaw, AnyBearer(), AnyIssuer); return err }},
			{"dc+sd-jwt+kb", 2, func() error {
				_, err := verifier.VerifyVC(b.Context(), []byte(otherBound.String()), Answering(ch), AnyIssuer)
				return err
			}},
		} {
			b.Run(fmt.Sprintf("%s/%s", alg, bench.name), func(b *testing.B) {
				b.ReportAllocs()
				alternate(b, func() {
					if err := bench.verify(); err != nil {
						b.Fatal(err)
					}
				}, bare(b, shopKey, bench.signatures))
			})
		}
	}
}

// BenchmarkParse reads a token with many disclosures, and checks no signature.
func BenchmarkParse(b *testing.B) {
	id, key := newKey(b, "Ed25519")
	for _, n := range []int{0, 10, 100, MaxDisclosures} {
		var list []byte
		for i := range n {
			list = fmt.Appendf(list, `,"claim %d":%d`, i, i)
		}
		claims := append(append([]byte(`{"claims":{"":0`), list...), "}}"...)
		o := Options{}
		for i := range n {
			o.Disclosable = append(o.Disclosable, fmt.Sprintf("/claims/claim %d", i))
		}
		raw, err := (&Issuer{ID: id, Key: key}).IssueVC(&Credential{Type: "x", Claims: claims, Options: o})
		require.NoError(b, err)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIssue issues a maintenance credential with four disclosures.
func BenchmarkIssue(b *testing.B) {
	shop, shopKey := newKey(b, "Ed25519")
	machine, _ := newKey(b, "Ed25519")
	issuer := &vc.Issuer{ID: shop, Key: shopKey, Now: at(noon), Format: Format{Disclosable: private}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := issuer.Issue(&vc.Credential{Subject: machine, Claim: maintenance()}); err != nil {
			b.Fatal(err)
		}
	}
}
