package policyfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/policyfile"
)

func defaultText(t testing.TB) string {
	t.Helper()
	text, err := reputation.DefaultPolicy().JSON()
	require.NoError(t, err)
	return string(text)
}

func TestWhatIsPublishedLoads(t *testing.T) {
	name := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(name, []byte(defaultText(t)), 0o600))
	p, err := policyfile.Load(name)
	require.NoError(t, err)
	want, err := reputation.DefaultPolicy().Digest()
	require.NoError(t, err)
	got, err := p.Digest()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestRefusals(t *testing.T) {
	text := defaultText(t)
	for _, test := range []struct {
		name, old, new string
		want           []string
	}{
		{"no policy", text, `{}`, []string{`scheme is missing: want hourmeter-score/1`, `admission.sensitivityPpm is 0: want at least 20000`, `maxLateDays is 0: want at least 1`}},
		{"unknown member", `"issuers":[]`, `"issuers":[],"isuers":[]`, []string{"isuers"}},
		{"case of a member", `"issuers":[]`, `"Issuers":[]`, []string{"Issuers"}},
		{"member twice", `"issuers":[]`, `"issuers":[],"issuers":[]`, []string{"issuers"}},
		{"not JSON", `{`, `[`, []string{""}},
		{"fraction", `"maxLateDays":92`, `"maxLateDays":92.5`, []string{"maxLateDays"}},
		{"issuer without id", `"issuers":[]`, `"issuers":[{"sensitivityPpm":900000,"specificityPpm":900000}]`, []string{"issuers[0].id is missing: it is required"}},
		{"issuer with a bad DID", `"issuers":[]`, `"issuers":[{"id":"did:","sensitivityPpm":900000,"specificityPpm":900000}]`, []string{"did"}},
		{"issuer too good", `"issuers":[]`, `"issuers":[{"id":"did:example:a","sensitivityPpm":990000,"specificityPpm":1}]`,
			[]string{"issuers[0].sensitivityPpm is 990000: want at most 980000", "issuers[0].specificityPpm is 1: want at least 20000"}},
		{"issuer worse than guessing", `"issuers":[]`, `"issuers":[{"id":"did:example:a","sensitivityPpm":300000,"specificityPpm":600000}]`, []string{"worse than guessing"}},
		{"issuer twice", `"issuers":[]`, `"issuers":[{"id":"did:example:a","sensitivityPpm":900000,"specificityPpm":900000},{"id":"did:example:a","sensitivityPpm":900000,"specificityPpm":900000}]`,
			[]string{"issuers is a list of 2: no two elements may have the same id"}},
		{"weights", `"obligations":300000`, `"obligations":300001`, []string{"add up to 1000001"}},
		{"prior of certainty", `"meanPpm":950000`, `"meanPpm":1000000`, []string{"priors.availability.meanPpm is 1000000: want at most 999999"}},
		{"loss above the whole", `"lossGivenDefaultBps":4500`, `"lossGivenDefaultBps":10001`, []string{"lossGivenDefaultBps is 10001: want at most 10000"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Contains(t, text, test.old)
			name := filepath.Join(t.TempDir(), "policy.json")
			require.NoError(t, os.WriteFile(name, []byte(strings.Replace(text, test.old, test.new, 1)), 0o600))
			_, err := policyfile.Load(name)
			var invalid *policyfile.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, name, invalid.Name)
			for _, want := range test.want {
				require.Contains(t, err.Error(), want)
			}
		})
	}
}

func TestALongListOfProblemsIsCut(t *testing.T) {
	var issuers string
	for i := range 30 {
		issuers += fmt.Sprintf(`{"id":"did:example:%d","sensitivityPpm":0,"specificityPpm":0},`, i)
	}
	_, err := policyfile.Parse([]byte(strings.Replace(defaultText(t), `"issuers":[]`, `"issuers":[`+issuers[:len(issuers)-1]+`]`, 1)))
	var invalid *policyfile.InvalidError
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Problems, 21)
	require.Contains(t, err.Error(), "more")
}

func TestAMissingFileIsNoPolicy(t *testing.T) {
	_, err := policyfile.Load(filepath.Join(t.TempDir(), "none.json"))
	require.True(t, errors.Is(err, os.ErrNotExist))
}

// The tags say to the operator what Validate says to the program: nothing passes here that
// a Scorer would refuse, nor the other way round.
func FuzzParse(f *testing.F) {
	text := defaultText(f)
	f.Add(text)
	f.Add(strings.Replace(text, `"issuers":[]`, `"issuers":[{"id":"did:example:a","sensitivityPpm":900000,"specificityPpm":900000,"logOrigin":"x"}]`, 1))
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, here := policyfile.Parse([]byte(text))
		_, there := reputation.ParsePolicy([]byte(text))
		if (here == nil) != (there == nil) {
			t.Fatalf("the operator is told %v, the program %v", here, there)
		}
	})
}

func ExampleLoad() {
	_, err := policyfile.Load("no-such-policy.json")
	fmt.Println(err)
	// Output: policyfile: open no-such-policy.json: no such file or directory
}

func ExampleParse() {
	text, err := reputation.DefaultPolicy().JSON()
	if err != nil {
		panic(err)
	}
	mistaken := strings.Replace(string(text), `"lossGivenDefaultBps":4500`, `"lossGivenDefaultBps":45000`, 1)
	mistaken = strings.Replace(mistaken, `"maxLateDays":92`, `"maxLateDays":0`, 1)
	_, err = policyfile.Parse([]byte(mistaken))
	fmt.Println(err)
	// Output:
	// policyfile: this policy cannot be used:
	// 	maxLateDays is 0: want at least 1
	// 	lossGivenDefaultBps is 45000: want at most 10000
}
