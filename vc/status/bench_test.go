package status_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/status"
)

// A status by a list that is known already: what each of many credentials costs.
func BenchmarkCheckStatus(b *testing.B) {
	shop := issuer("shop")
	raw, err := token(b, 9, 1, 1).SignJWT(shop.Key, method(shop))
	require.NoError(b, err)
	claim, err := status.Reference{Index: 8, URI: tokenURL}.MarshalJSON()
	require.NoError(b, err)
	checker := &status.Checker{Verifier: &vc.Verifier{Now: now}, Source: status.Static{
		listURL:  at(signed(b, published(b, status.Revocation, 1, 1, 1), shop)),
		tokenURL: at(raw),
	}}
	for name, entry := range map[string][]byte{"bitstring": entryOf(b, 2), "token": claim} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := checker.CheckStatus(context.Background(), shop.ID, entry, day); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("cold", func(b *testing.B) { // the list is fetched, verified and unpacked
		entry := entryOf(b, 2)
		b.ReportAllocs()
		for b.Loop() {
			cold := &status.Checker{Verifier: checker.Verifier, Source: checker.Source}
			if _, err := cold.CheckStatus(context.Background(), shop.ID, entry, day); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	for _, entries := range []int{status.MinEntries, 1_000_000} {
		list, err := status.NewBitstringList(entries, 1)
		require.NoError(b, err)
		for i := 0; i < entries; i += 997 { // one in a thousand is revoked
			require.NoError(b, list.Set(i, 1))
		}
		encoded, err := list.Encode()
		require.NoError(b, err)
		b.Run(fmt.Sprint("encode/", entries), func(b *testing.B) {
			b.ReportMetric(float64(len(encoded)), "characters")
			for b.Loop() {
				if _, err := list.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint("decode/", entries), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := status.DecodeBitstringList(encoded, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIndexesTake(b *testing.B) {
	taken, err := status.NewBitstringList(1<<24, 1)
	require.NoError(b, err)
	indexes, err := status.NewIndexes(taken)
	require.NoError(b, err)
	for b.Loop() {
		if _, err := indexes.Take(); err != nil {
			b.Fatal(err)
		}
	}
}
