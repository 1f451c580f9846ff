package reputation_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/reputation"
	"github.com/hourmeter/hourmeter/reputation/internal/golden"
	"github.com/hourmeter/hourmeter/vc/chain"
)

// To write the golden files anew and pin their digest, here and in docs/SCORE.md:
//
//	go test ./reputation -run TestGoldenScoresInThisProcess -update
//
// It fails if testdata/oracle.mjs, the second implementation, gives other scores.
var update = flag.Bool("update", false, "write the golden files anew, and pin their digest")

// goldenDigest is SHA-256 over testdata/golden.json ‖ testdata/golden-scores.json.
const goldenDigest = "4802dc11bea60dccedeae0f6d40a7ff63a03983027abf9c16bbec9b80aa74f53"

func TestGoldenScoresInThisProcess(t *testing.T) {
	if *update {
		writeGolden(t)
		return
	}
	input, want := readGolden(t)
	sum := sha256.Sum256(slices.Concat(input, want))
	require.Equal(t, goldenDigest, hex.EncodeToString(sum[:]), "the golden files are not those that were pinned")
	got, err := golden.Score(input)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// The same bits on every machine: the compiler may fuse multiply and add under GOAMD64=v3,
// int has 32 bits on 386, and wasm shares no instruction with either.
func TestGoldenScoresAreTheSameOnEveryArchitecture(t *testing.T) {
	if testing.Short() {
		missing(t, "-short: four builds for other architectures take a minute when nothing is cached")
	}
	input, want := readGolden(t)
	everyArchitecture(t, input, want)
}

// everyArchitecture runs the golden program, built for several architectures.
func everyArchitecture(t *testing.T, input, want []byte, args ...string) {
	for _, target := range []struct {
		name   string
		env    []string
		runner string // what runs the program, in GOROOT
		cpu    string // what the CPU must have, as Linux names it
	}{
		{"amd64 v1", []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v1"}, "", ""},
		{"amd64 v3", []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v3"}, "", "avx2"},
		{"386", []string{"GOOS=linux", "GOARCH=386"}, "", ""},
		{"wasm", []string{"GOOS=js", "GOARCH=wasm"}, "lib/wasm/go_js_wasm_exec", ""},
	} {
		t.Run(target.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "golden")
			build := exec.Command("go", "build", "-trimpath", "-o", program, "./internal/golden/run")
			build.Env = append(append(os.Environ(), "CGO_ENABLED=0"), target.env...)
			out, err := build.CombinedOutput()
			require.NoError(t, err, "%s", out)

			run := exec.Command(program, args...)
			if target.runner != "" {
				if _, err := exec.LookPath("node"); err != nil {
					missing(t, "node, which runs wasm, is not installed")
				}
				root, err := exec.Command("go", "env", "GOROOT").Output()
				require.NoError(t, err)
				run = exec.Command(filepath.Join(strings.TrimSpace(string(root)), target.runner), append([]string{program}, args...)...)
				// Node's stack of arguments and environment is small: pass on only what it needs.
				run.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
			} else if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
				missing(t, "this is "+runtime.GOOS+"/"+runtime.GOARCH+", which does not run programs for Linux on x86")
			}
			if target.cpu != "" {
				info, err := os.ReadFile("/proc/cpuinfo")
				if err != nil || !strings.Contains(string(info), " "+target.cpu+" ") {
					missing(t, "this CPU has no "+target.cpu)
				}
			}
			run.Stdin = bytes.NewReader(input)
			var stderr strings.Builder
			run.Stderr = &stderr
			got, err := run.Output()
			require.NoError(t, err, stderr.String())
			require.Equal(t, string(want), string(got))
		})
	}
}

// missing skips a test for want of something, except in CI, which must have it.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what + ", and CI must run this")
	}
	t.Skip(what)
}

func readGolden(t *testing.T) (input, scores []byte) {
	t.Helper()
	input, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	scores, err = os.ReadFile("testdata/golden-scores.json")
	require.NoError(t, err)
	return input, scores
}

// writeGolden makes cases that reach every branch of the arithmetic: all kinds and
// standings, lone and grouped and unknown issuers, shares from none to all, ages from
// today to beyond the last weight, empty and crowded windows, reports longer than a window.
func writeGolden(t *testing.T) {
	rng := rand.New(rand.NewPCG(20261122, 1))
	policy := reputation.DefaultPolicy()
	policy.Name = "golden"
	for i := range 12 {
		issuer := reputation.Issuer{ID: did.MustParse(fmt.Sprintf("did:example:issuer-%d", i)), Root: i < 2}
		issuer.Sensitivity = 980_000 - rng.Int64N(1+int64(i)*40_000)
		issuer.Specificity = 980_000 - rng.Int64N(1+int64(i)*40_000)
		switch i {
		case 5, 6:
			issuer.Controller = did.MustParse("did:example:holding")
		case 7, 8:
			issuer.LogOrigin = "log.example/record"
		case 9:
			issuer.Controller = did.MustParse("did:example:issuer-8")
		case 10:
			issuer.Sensitivity, issuer.Specificity = 500_000, 500_000
		}
		policy.Issuers = append(policy.Issuers, issuer)
	}
	for i := range 66 { // with the others more than 51: numbers of voices and dimensions need more than 8 bits
		issuer := reputation.Issuer{ID: did.MustParse(fmt.Sprintf("did:example:issuer-%d", 14+i))}
		issuer.Sensitivity, issuer.Specificity = 900_000, 800_000
		policy.Issuers = append(policy.Issuers, issuer)
	}
	drones := policy.Priors
	drones.Availability = reputation.Prior{Mean: 991_000, Strength: 7_500}
	drones.FailureRate = reputation.FailureRate{PerMillionHours: 2_500, Hours: 400}
	policy.Fleets = []reputation.Fleet{{Name: "drones", Models: []string{"LX-4", "LX-5"}, Priors: drones}}

	kinds := []reputation.Kind{
		reputation.Report, reputation.Fact, reputation.Hidden, reputation.Hidden, reputation.Fork, reputation.Due, reputation.Due, reputation.Discharge,
		reputation.BackDated, reputation.Void, reputation.Unlogged, reputation.Duplicate, reputation.Rival, reputation.Tail,
	}
	in := golden.Input{Policy: *policy}
	const asOf reputation.Day = 20_779
	for n := range 40 {
		c := golden.Case{Name: fmt.Sprintf("random-%02d", n), AsOf: asOf - reputation.Day(rng.IntN(400))}
		c.Case.Completeness = []chain.Completeness{chain.C0, chain.C1, chain.C2, chain.C3, chain.C4}[n%5]
		if n%3 == 0 {
			c.Case.Model = "LX-5"
		}
		span := []int{30, 300, 3000, 9000}[n%4]
		badness := []int64{60, 1500, 250, 4}[n/2%4] // in thousandths
		for i := range n * n / 12 {
			e := reputation.Evidence{
				Sequence:  int64(i),
				Digest:    sha256.Sum256([]byte(fmt.Sprint(n, i))),
				Issuer:    did.MustParse(fmt.Sprintf("did:example:issuer-%d", rng.IntN([]int{14, 14, 14, 80}[n%4]))),
				Day:       c.AsOf - reputation.Day(rng.IntN(span)) + reputation.Day(rng.IntN(10)),
				Dimension: reputation.Dimension(rng.IntN(5)),
				Standing:  reputation.Independent,
			}
			if rng.IntN(5) == 0 {
				e.Standing = reputation.Standing(rng.IntN(2))
			}
			if e.Dimension == reputation.Availability {
				e.Good, e.Bad = rng.Int64N(604_800), rng.Int64N(1+rng.Int64N(100*badness))
				e.Failures, e.RepairSeconds = e.Bad/50_000, e.Bad/3
				if i%9 == 0 {
					e.Good, e.Bad = e.Good*52, e.Bad*52
				}
			} else if draw := rng.Int64N(2000); draw >= badness {
				e.Good = 1000
			} else if draw%3 == 0 {
				e.Good, e.Bad = draw%1000, 1000-draw%1000
			} else {
				e.Bad = 1000
			}
			if rng.Int64N(12000) < 10*badness {
				e.Kind = kinds[rng.IntN(len(kinds))]
				if e.Kind == reputation.Fork && n%5 != 0 {
					e.Kind = reputation.Hidden
				}
				switch e.Kind {
				case reputation.Due, reputation.Discharge:
					e.Dimension = reputation.Obligations
					e.Day += reputation.Day(rng.IntN(20))
				case reputation.Fork, reputation.Rival, reputation.Tail:
					e.Dimension = reputation.Provenance
				}
				switch e.Kind {
				case reputation.Report, reputation.BackDated, reputation.Void, reputation.Unlogged, reputation.Duplicate:
				default:
					e.Good, e.Bad, e.Issuer = 0, 1+rng.Int64N(3), did.DID{}
				}
				e.Failures, e.RepairSeconds = 0, 0
			}
			c.Case.Evidence = append(c.Case.Evidence, e)
		}
		in.Cases = append(in.Cases, c)
	}
	perfect := golden.Case{Name: "perfect", AsOf: asOf, Case: reputation.Case{Completeness: chain.C4}}
	for i := range 60 * 5 {
		perfect.Case.Evidence = append(perfect.Case.Evidence, reputation.Evidence{
			Sequence: int64(i), Digest: sha256.Sum256([]byte(fmt.Sprint("perfect", i))), Issuer: policy.Issuers[i%2].ID,
			Day: asOf - reputation.Day(i/5*7), Dimension: reputation.Dimension(i % 5), Standing: reputation.Independent, Good: 604_800,
		})
	}
	diluted := golden.Case{Name: "diluted", AsOf: asOf, Case: reputation.Case{Model: "LX-\u20ac \"6\"\u2028\x7f", Completeness: chain.C3}}
	for i := range 100 {
		e := reputation.Evidence{
			Sequence: int64(i), Digest: sha256.Sum256([]byte(fmt.Sprint("diluted", i))), Issuer: policy.Issuers[0].ID,
			Day: asOf - reputation.Day(i%7), Dimension: reputation.Dimension(i % 3), Standing: reputation.Independent, Good: 1000,
		}
		switch {
		case i%13 == 0:
			e.Good, e.Bad = 0, 1000
		case i%3 == 0:
			e.Good, e.Bad, e.Standing = 31_000_000, 400_001, reputation.Standing(i%9/3)
		}
		diluted.Case.Evidence = append(diluted.Case.Evidence, e)
	}
	// Good for most of its life, bad of late: in one dimension after the other, by more and more.
	for n := range 5 {
		milking := golden.Case{Name: fmt.Sprintf("milking-%d", n), AsOf: asOf, Case: reputation.Case{Completeness: chain.C3}}
		for i := range 40 * (n + 1) {
			e := reputation.Evidence{
				Sequence: int64(i), Digest: sha256.Sum256([]byte(fmt.Sprint("milking", n, i))), Issuer: policy.Issuers[i%7].ID,
				Day: asOf - reputation.Day(i/(n+1)*7), Dimension: reputation.Dimension(i % (n + 1)), Standing: reputation.Independent, Good: 1000,
			}
			if i < 3*n*(n+1) && i%3 > 0 {
				e.Good, e.Bad = 0, 1000
			}
			if i < 12 && i%4 == n%4 {
				e.Kind, e.Good, e.Bad, e.Issuer = reputation.Hidden, 0, 1, did.DID{}
			}
			milking.Case.Evidence = append(milking.Case.Evidence, e)
		}
		in.Cases = append(in.Cases, milking)
	}
	leases := golden.Case{Name: "a hundred leases and a breach", AsOf: asOf, Case: reputation.Case{Completeness: chain.C4}}
	for i := range 101 {
		e := reputation.Evidence{
			Sequence: int64(i), Digest: sha256.Sum256([]byte(fmt.Sprint("lease", i))), Issuer: policy.Issuers[0].ID,
			Day: asOf - reputation.Day(i%6), Dimension: reputation.Obligations, Standing: reputation.Independent, Good: 1000,
		}
		if i == 50 {
			e.Good, e.Bad = 0, 1000
		}
		leases.Case.Evidence = append(leases.Case.Evidence, e)
	}
	capped := perfect
	capped.Name, capped.Case.Completeness = "capped", chain.C0
	in.Cases = append(in.Cases, perfect, capped, diluted, leases)
	text, err := json.Marshal(in)
	require.NoError(t, err)
	text = bytes.ReplaceAll(text, []byte(`{"sequence"`), []byte("\n{\"sequence\"")) // one piece of evidence on a line
	text = append(text, '\n')
	require.NoError(t, os.WriteFile("testdata/golden.json", text, 0o644))
	scores, err := golden.Score(text)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("testdata/golden-scores.json", scores, 0o644))
	sameScores(t, scores, oracle(t, text))
	digest := fmt.Sprintf("%x", sha256.Sum256(slices.Concat(text, scores)))
	for _, name := range []string{"golden_test.go", "../docs/SCORE.md"} {
		page, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, bytes.ReplaceAll(page, []byte(goldenDigest), []byte(digest)), 0o644))
	}
	t.Logf("goldenDigest = %s, and it is pinned: run the tests again", digest)
}
