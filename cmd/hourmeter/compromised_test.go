package main

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/record"
)

// Without a log nothing can show that the workshop signed before its key was stolen.
func TestVerifyIsToldOfCompromisedKeys(t *testing.T) {
	b := newDrone(t)
	workshop, err := did.Parse(b.workshop)
	require.NoError(t, err)
	key := workshop.KeyURL().String()
	v := decode[Verification](t, b.run("", "verify", "drone.jsonl", "--json"))
	require.Empty(t, v.Records[0].Void)

	v = decode[Verification](t, b.run("", "verify", "drone.jsonl", "--json", "--compromised", key+"=2040-01-01"))
	require.Equal(t, Valid, v.Verdict, "a theft is no defect of the record")
	require.NotEmpty(t, v.Records[0].Void)
	for _, e := range v.Records[0].Void {
		require.Equal(t, key, e.Key.String())
		require.Nil(t, e.ReportedBy)
		require.Equal(t, 2040, e.Since.Year())
	}
	require.Contains(t, b.ok("verify", "drone.jsonl", "--compromised", key), "as compromised since ever")
	for _, bad := range []string{workshop.String(), "workshop", key + "=tomorrow"} {
		require.Contains(t, b.run("", "verify", "drone.jsonl", "--compromised", bad).stderr, "--compromised", bad)
	}
}

// Nor does what a stolen key has signed count for a score.
func TestScoreIsToldOfCompromisedKeys(t *testing.T) {
	b := newDrone(t)
	workshop, err := did.Parse(b.workshop)
	require.NoError(t, err)
	ask := []string{"score", "drone.jsonl", "--trust", b.workshop, "--json"}
	plain := decode[Scores](t, b.run("", ask...)).Machines[0].Score
	told := decode[Scores](t, b.run("", append(ask, "--compromised", workshop.KeyURL().String())...)).Machines[0].Score
	require.Less(t, told.Points, plain.Points)
	require.NotEqual(t, plain.EvidenceRoot, told.EvidenceRoot)
	codes := func(s *reputation.Score) (list []reputation.Code) {
		for _, r := range s.Reasons {
			list = append(list, r.Code)
		}
		return list
	}
	require.NotContains(t, codes(plain), reputation.KeyCompromised)
	require.Contains(t, codes(told), reputation.KeyCompromised)
	require.Contains(t, b.run("", append(ask, "--compromised", "workshop")...).stderr, "--compromised")
}

// What a log held before the theft stands.
func TestVerifyJudgesACompromisedKeyByItsLogTime(t *testing.T) {
	b := newLogBench(t)
	b.ok(b.with("log", "add", "drone.jsonl", "--to", b.url)...)
	workshop, err := did.Parse(b.workshop)
	require.NoError(t, err)
	key := workshop.KeyURL().String()
	for since, stands := range map[string]bool{"2100-01-01": true, "2020-01-01": false} {
		v := decode[Verification](t, b.run("", b.with("verify", "drone.jsonl", "--log", b.url, "--json", "--compromised", key+"="+since)...))
		require.Equal(t, "C4", v.Records[0].Class)
		require.Equal(t, stands, len(v.Records[0].Void) == 0, since)
	}
}

// A workshop with a did:webvh marks its key as revoked: nobody has to tell.
func TestVerifyFindsKeysThatTheirOwnersRevoked(t *testing.T) {
	b := newBench(t)
	day := func(n int) time.Time { return time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	newKey := func(name string) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed([]byte((name + strings.Repeat(".", 32))[:32]))
	}
	document := func(id did.DID, revoked time.Time) *did.Document {
		m, err := did.NewVerificationMethod(id.URL("k"), did.Multikey, id, newKey("k").Public())
		require.NoError(t, err)
		m.Revoked = revoked
		return &did.Document{Context: []string{"https://www.w3.org/ns/did/v1"}, ID: id,
			VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
	}
	draft, err := webvh.Draft("shop.example")
	require.NoError(t, err)
	log, err := webvh.Create(webvh.Change{Key: newKey("update"), Time: day(0), Document: document(draft, time.Time{})})
	require.NoError(t, err)

	maker := &vc.Issuer{Key: newKey("maker")}
	maker.ID, err = did.NewKey(maker.Key.Public())
	require.NoError(t, err)
	shop := &vc.Issuer{ID: log.ID(), Key: newKey("k"), Method: log.ID().URL("k"), Now: func() time.Time { return day(10) }}
	var head chain.Head
	text := ""
	for n, by := range []*vc.Issuer{maker, shop} {
		c := &vc.Credential{Subject: maker.ID, Claim: record.Commissioning{Model: "LX-4", Serial: "7"}, ValidFrom: day(n)}
		require.NoError(t, head.Append(c, []chain.Entry{{Kind: chain.Commission}, {Kind: chain.Observe, Outcome: chain.Good}}[n]))
		raw, err := by.Issue(c)
		require.NoError(t, err)
		v, err := (&vc.Verifier{Resolver: resolver.Methods{"key": did.Offline{}, "webvh": log}}).Verify(t.Context(), raw, vc.AnyIssuer)
		require.NoError(t, err)
		require.NoError(t, head.Advance(v))
		text += string(raw) + "\n"
	}
	b.write("drone.jsonl", text)
	b.write("did.jsonl", string(log.Raw()))
	ask := []string{"verify", "drone.jsonl", "--did-log", "did.jsonl", "--json"}
	v := decode[Verification](t, b.run("", ask...))
	require.Equal(t, Valid, v.Verdict, v.Problems)
	require.Empty(t, v.Records[0].Void)

	log, err = log.Update(webvh.Change{Key: newKey("update"), Time: day(40), Document: document(log.ID(), day(30))})
	require.NoError(t, err)
	b.write("did.jsonl", string(log.Raw()))
	v = decode[Verification](t, b.run("", ask...))
	require.Equal(t, Valid, v.Verdict, v.Problems)
	require.Len(t, v.Records[0].Void, 1)
	require.EqualValues(t, 1, v.Records[0].Void[0].Sequence)
	require.Equal(t, day(30), v.Records[0].Void[0].Since.UTC())
}
