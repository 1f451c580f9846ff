package cose_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// service is who maintains in the tests, and drone what: both did:key, with keys that everybody knows.
func service(t testing.TB) *vc.Issuer { return issuer(t, 1) }

func issuer(t testing.TB, seed byte) *vc.Issuer {
	key := ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
	id, err := did.NewKey(key.Public())
	require.NoError(t, err)
	return &vc.Issuer{ID: id, Key: key, Now: func() time.Time { return time.Date(2026, 11, 21, 16, 30, 0, 0, time.UTC) }}
}

// maintenance is a realistic credential, an entry of a machine's record.
func maintenance(t testing.TB) *vc.Credential {
	return &vc.Credential{
		Subject: issuer(t, 2).ID,
		Claim: record.Maintenance{
			Time: time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC), BizStep: record.StepReplacing, Disposition: record.DispAvailable,
			Work: record.Work{
				Category: record.Preventive, Part: &record.Part{Name: "rotor 3"},
				Counters: []record.Reading{{Name: "hour meter", Value: 812, Unit: record.Hours}},
				NextDue:  &record.Due{Date: time.Date(2027, 5, 21, 0, 0, 0, 0, time.UTC)},
			},
		},
		Members: map[string]any{
			"record": map[string]any{
				"chain": "uEiB4RqYarZGqQzoZBGwD7Vx3Y80WQmg7WYi42CecrAzssg", "sequence": 41, "entry": "observe",
				"previous": "uEiCBcCsO0TaGQhdJ0lDHaUmZGLySw-O4I3r_pxJ8OtWQ-A",
				"totals":   map[string]any{"entries": 42, "open": 1, "overdue": 0, "adverse": 2},
			},
			"relatedResource": map[string]any{"id": "urn:hourmeter:previous", "digestMultibase": "uEiCBcCsO0TaGQhdJ0lDHaUmZGLySw-O4I3r_pxJ8OtWQ-A"},
		},
	}
}

// sizes returns how long a credential is in each form.
func sizes(t testing.TB, by *vc.Issuer, document []byte) (size [5]int, digest vc.Digest) {
	doc, err := strictjson.Parse(document, strictjson.Limits{})
	require.NoError(t, err)
	from, err := time.Parse(time.RFC3339, doc.Root().Member("validFrom").Text())
	require.NoError(t, err)
	verifier := verifier(t)
	verifier.Now = func() time.Time { return from }
	for i, f := range []vc.Format{nil, nil, cose.Format{}, cose.CWT{}} {
		signer := *by
		signer.Format, signer.Now = f, verifier.Now
		raw, err := signer.AddProof(document)
		require.NoError(t, err)
		v, err := verifier.Verify(context.Background(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		require.True(t, digest.IsZero() || digest == v.Digest(), "the same digest in every form")
		digest = v.Digest()
		size[i+1] = len(raw)
	}
	header := fmt.Sprintf(`{"alg":"EdDSA","cty":"vc","kid":"%s#%s","typ":"vc+jwt"}`, by.ID, by.ID.Identifier())
	size[0], size[2] = len(document), base64.RawURLEncoding.EncodedLen(len(header))+1+base64.RawURLEncoding.EncodedLen(len(document))+1+86
	return size, digest
}

// The CWT form is what a constrained link can bear. Of a chained entry, 208 bytes are a signature,
// two keys and two hashes, which nothing makes shorter.
func TestSizes(t *testing.T) {
	t.Logf("%-30s  JSON, with a proof, vc+jwt (estimated), vc+cose, CWT", "")
	by := service(t)
	measure := func(name string, document []byte) int {
		size, _ := sizes(t, by, document)
		t.Logf("%-30s %5d", name, size)
		require.Less(t, size[4]*100, size[0]*55, "%s: about half of the unsigned JSON at most", name)
		return size[4]
	}
	chained := maintenance(t)
	signed, err := by.Issue(chained)
	require.NoError(t, err)
	require.LessOrEqual(t, measure("maintenance, in a chain", unsecured(t, signed)), 325)
	chained.Members = nil
	signed, err = by.Issue(chained)
	require.NoError(t, err)
	require.LessOrEqual(t, measure("maintenance, on its own", unsecured(t, signed)), 225)
	for _, typ := range append(record.Types(), "MachineReputationCredential", "IssuerTrustTableCredential") {
		example, ok := record.Example(typ)
		require.True(t, ok)
		own := regexp.MustCompile(`"issuer": *("[^"]*"|\{[^}]*\})`).ReplaceAll(example, []byte(`"issuer":"`+by.ID.String()+`"`))
		doc, err := jcs.Canonical(own)
		require.NoError(t, err)
		measure(typ, doc)
	}

	// A presentation of three such entries.
	for _, f := range []vc.Format{nil, cose.Format{}, cose.CWT{}} {
		drone, signer := issuer(t, 2), *by
		signer.Format = f
		var entries [][]byte
		mediaType := ""
		for i := range 3 {
			c := maintenance(t)
			c.Members["record"].(map[string]any)["sequence"] = 41 + i
			raw, err := signer.Issue(c)
			require.NoError(t, err)
			v, err := verifier(t).Verify(context.Background(), raw, vc.AnyIssuer)
			require.NoError(t, err)
			entries, mediaType = append(entries, []byte(v.JSON())), v.MediaType()
		}
		holder := vc.Holder{ID: drone.ID, Key: drone.Key, Format: f, Now: drone.Now}
		ch := vc.Challenge{Nonce: "3YQ5PSQKBRGIXDHNOY7LCN4FZ6", Domain: "lease.example"}
		shown, err := holder.Present(ch, entries...)
		require.NoError(t, err)
		_, err = verifier(t).VerifyPresentation(context.Background(), shown, ch, vc.AnyIssuer)
		require.NoError(t, err)
		t.Logf("a presentation of three as %-20s %5d", mediaType, len(shown))
		if f == (cose.CWT{}) {
			require.LessOrEqual(t, len(shown), 1200)
		}
	}
}
