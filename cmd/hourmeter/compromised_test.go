package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
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
