package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
)

// Two estimators make one table of a fleet, and a third party scores by it and checks both.
func TestTrustIsEstimatedSignedAndScoredBy(t *testing.T) {
	b := year(t)
	b.env = append(b.env, "HOURMETER_KEYS="+filepath.Join(b.dir, "keys"))
	policy := b.ok("score", "fleet", "--trust", "all", "--print-policy")
	// Of those whom the fleet knows the first is a root, and the others are to be found out.
	b.write("policy.json", strings.Replace(policy, `"sensitivityPpm":900000`, `"sensitivityPpm":900000,"root":true`, 1))
	id := map[string]string{"alice": b.did("alice"), "bob": b.did("bob"), "mallory": b.did("mallory")}
	const at = "2026-06-29"
	with := []string{"trust", "fleet", "--policy", "policy.json"}

	shown := decode[Trust](t, b.run("", append(with, "--at", at, "--json")...))
	require.Equal(t, 10, shown.Machines)
	require.Equal(t, at, shown.Table.AsOf.String())
	require.NotEmpty(t, shown.Table.Issuers)

	b.ok(append(with, "--at", at, "--issue", "--key", "alice", "--out", "table.json")...)
	b.ok(append(with, "--cosign", "table.json", "--key", "bob", "--out", "both.json")...)
	checked := decode[Trust](t, b.run("", append(with, "--check", "both.json", "--json")...))
	require.Equal(t, shown.Digest, checked.Digest)

	score := []string{"score", "fleet", "--policy", "policy.json", "--at", at, "--json", "--table", "both.json"}
	scores := decode[Scores](t, b.run("", append(score, "--estimator", id["alice"], "--estimator", id["bob"])...))
	for _, m := range scores.Machines {
		require.Equal(t, shown.Digest, m.Score.TrustTable)
	}
	require.NotEqual(t, [32]byte{}, [32]byte(scores.Machines[0].Score.TrustTable))

	for _, tt := range []struct {
		name string
		code int
		says string
		args []string
	}{
		{"nobody named", exitError, "--estimator", score},
		{"one too few", exitInvalid, "1 of the named estimators signed it: want 2", append(score, "--estimator", id["alice"], "--estimator", id["mallory"])},
		{"one of two will do", exitOK, "", append(score, "--estimator", id["alice"], "--estimator", id["mallory"], "--need", "1")},
		{"another policy", exitError, "under policy", []string{"score", "fleet", "--table", "both.json", "--estimator", id["alice"]}},
		{"no root", exitError, `"root": true`, []string{"trust", "fleet", "--policy", "plain.json"}},
		{"a table that is none", exitError, "IssuerTrustTableCredential", append(with, "--check", "entry.json")},
		{"records that give another", exitInvalid, "other records", append(with, "--check", "early.json", "--accreditation", "accreditation.json")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.write("plain.json", policy)
			b.write("entry.json", b.lines("fleet/chains/drone-01.jsonl")[3])
			b.write("early.json", b.lines("table.json")[0])
			b.write("grant.json", `{"accreditation": {"attests": ["UptimeCredential"], "until": "2027-01-01T00:00:00Z"}}`)
			b.ok("issue", "grant.json", "--type", "AccreditationCredential", "--key", "alice", "--subject", id["bob"], "--force", "--out", "accreditation.json")
			r := b.run("", tt.args...)
			require.Equal(t, tt.code, r.code, r.stderr)
			require.Contains(t, r.stdout+r.stderr, tt.says)
		})
	}
	var table reputation.TrustTable
	require.Equal(t, "IssuerTrustTableCredential", table.CredentialType())
}
