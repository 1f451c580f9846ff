package eval

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hourmeter/hourmeter/internal/shared"
)

func ExampleReadRatings() {
	ratings, err := ReadRatings(strings.NewReader("6,2,4,1289241912\n7,2,-10,1289241000.5\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range ratings {
		fmt.Println(r.From, "of", r.To, r.Good())
	}
	_, err = ReadRatings(strings.NewReader("6,2,4,1289241912\n6,2,11,1289241912\n"))
	fmt.Println(err)
	// Output:
	// 7 of 2 false
	// 6 of 2 true
	// line 2: rating is 11: want -10 to 10
}

func TestRatingsRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a header", "source,target,rating,time\n", `line 1: from "source" is no whole number`},
		{"too few fields", "1,2,3,4\n1,2,3\n", "line 2: has 3 fields"},
		{"too many fields", "1,2,3,4,5\n", "line 1: has 5 fields"},
		{"an empty line", "1,2,3,4\n\n1,2,3,4\n", "line 2: has 1 fields"},
		{"beyond the scale", "1,2,-11,4\n", "line 1: rating is -11: want -10 to 10"},
		{"half a rating", "1,2,1.5,4\n", `rating "1.5" is no whole number`},
		{"a negative node", "-1,2,3,4\n", "from is -1"},
		{"a node beyond 2^53", "1,9007199254740993,3,4\n", "to is 9007199254740993"},
		{"a node that no integer holds", "1,99999999999999999999,3,4\n", `to "99999999999999999999" is no whole number`},
		{"before 1970", "1,2,3,-4\n", "time is -4"},
		{"after 2149", "1,2,3,5662310400\n", "time is 5662310400"},
		{"no fraction after the point", "1,2,3,4.\n", `time "4." is no number`},
		{"a word as fraction", "1,2,3,4.x\n", `time "4.x" is no number`},
		{"an exponent", "1,2,3,1e9\n", `time "1e9" is no whole number`},
		{"spaces", "1, 2,3,4\n", `to " 2" is no whole number`},
		{"an endless line", "1,2,3,4\n" + strings.Repeat("1", 300), "line 2: longer than 256 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadRatings(strings.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "line ") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestTheFileIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "soc-sign-odd.csv")
	if err := os.WriteFile(path, []byte("1,2,3\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	run := func(path string) error {
		_, err := RatingNetwork{"odd", path}.Run(t.Context(), func(int, int) {})
		return err
	}
	if err := run(path); err == nil || !strings.Contains(err.Error(), path+": line 1: has 3 fields") {
		t.Errorf("a bad file: %v", err)
	}
	if err := run(path + ".gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, text := range []string{"", "1,2,3,4\n", "1,2,3,4\n3,2,1,4\n", "1,2,3,4\n3,4,1,5\n4,2,-1,6\n"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := run(path); err == nil || !strings.Contains(err.Error(), "no node") {
			t.Errorf("too few ratings, %q: %v", text, err)
		}
	}
}

func TestRatingsComeByTimeWhateverTheOrderOfLines(t *testing.T) {
	lines := []string{"1,2,3,40", "9,2,-3,40", "3,4,10,39.999", "3,4,0,38", "7,7,1,41", "1,2,-3,40"}
	want, err := ReadRatings(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != 5 || want[0] != (SignedRating{3, 4, 10, 39}) || want[4].From != 7 {
		t.Errorf("read %v", want)
	}
	slices.Reverse(lines)
	got, err := ReadRatings(strings.NewReader(strings.Join(lines, "\r\n") + "\n"))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("reversed: %v, %v", got, err)
	}
}

func FuzzReadRatings(f *testing.F) {
	f.Add("6,2,4,1289241912\n6,5,-2,1289241941.53\n")
	f.Add("1,1,0,0\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		ratings, err := ReadRatings(strings.NewReader(text))
		if err != nil {
			return
		}
		var again strings.Builder
		for _, r := range ratings {
			if r.Value == 0 || r.Value < -maxOpinion || r.Value > maxOpinion || r.From < 0 || r.To < 0 || r.Time < 0 {
				t.Fatalf("read %+v", r)
			}
			fmt.Fprintf(&again, "%d,%d,%d,%d\n", r.From, r.To, r.Value, r.Time)
		}
		if same, err := ReadRatings(strings.NewReader(again.String())); err != nil || !slices.Equal(same, ratings) {
			t.Fatalf("%v read again: %v, %v", ratings, same, err)
		}
	})
}

// network makes ratings of forty nodes, a third of them dishonest, by each other.
func network(seed uint64) []SignedRating {
	d := newDraws(seed, 0)
	ratings := make([]SignedRating, 3000)
	for i := range ratings {
		r := SignedRating{From: int64(d.below(40)), To: int64(d.below(40)), Value: d.between(1, 10), Time: int64(1_300_000_000 + 20_000*i)}
		if good := 95 - r.To%3/2*40 - r.From%4*5; d.below(100) >= int(good) {
			r.Value = -r.Value
		}
		ratings[i] = r
	}
	return ratings
}

func TestMomentsAreNotCutInTwo(t *testing.T) {
	ratings := network(1)
	for i := range ratings {
		ratings[i].Time = int64(i/7) * 86400 // as in networks that publish days only
	}
	past, future := before(ratings, trained)
	if past[len(past)-1].Time == future[0].Time || len(past) > 2100 || len(past) < 2094 {
		t.Errorf("%d ratings until %d, the next at %d", len(past), past[len(past)-1].Time, future[0].Time)
	}
	if past, future := before(ratings[:3], 50); len(past) != 0 || len(future) != 3 {
		t.Errorf("all at once: %d and %d", len(past), len(future))
	}
}

func TestNothingOfTheFutureIsForetoldFrom(t *testing.T) {
	foretold := func(ratings []SignedRating) networkForecast {
		n, err := forecastNetwork(t.Context(), ratings, func(int, int) {})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ratings := network(2)
	want := foretold(ratings)
	_, future := before(ratings, trained)
	for i := range future {
		future[i].Value = -future[i].Value // the other way round, and all of it later
		future[i].Time += 1_000_000
	}
	got := foretold(ratings)
	for i, name := range want.names {
		if !slices.Equal(got.byNode[i].probabilities, want.byNode[i].probabilities) || !slices.Equal(got.byBoth[i].probabilities, want.byBoth[i].probabilities) {
			t.Errorf("%s says something else when the future is another", name)
		}
		if slices.Equal(got.byNode[i].happened, want.byNode[i].happened) {
			t.Errorf("%s: the future is the same", name)
		}
	}
	if a := AUC(want.byNode[0].probabilities, want.byNode[0].happened); a < 0.55 {
		t.Errorf("AUC %.3f where a third of the nodes is dishonest", a)
	}
}

func TestNamesOfNodesMakeNoDifference(t *testing.T) {
	ratings := network(3)
	renamed := slices.Clone(ratings)
	for i := range renamed {
		// Rising, so that ties between raters fall alike.
		renamed[i].From, renamed[i].To = 1000+3*renamed[i].From, 1000+3*renamed[i].To
	}
	a, err := forecastNetwork(t.Context(), ratings, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	b, err := forecastNetwork(t.Context(), renamed, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range a.names {
		if !slices.Equal(a.byBoth[i].probabilities, b.byBoth[i].probabilities) {
			t.Errorf("%s says something else when nodes have other names", name)
		}
	}
}

func TestSelfPraiseOfANodeCountsNothing(t *testing.T) {
	ratings := []SignedRating{{1, 2, 5, 0}, {3, 2, 5, 1}, {1, 3, -5, 2}, {2, 1, 5, 3}, {3, 1, 5, 4}}
	score := func(ratings []SignedRating) float64 {
		features, err := scores(false)(ratings)
		if err != nil {
			t.Fatal(err)
		}
		return features(SignedRating{To: 3})[0]
	}
	// The share of all praise is the prior: it must be the same.
	plain := score(append(slices.Clone(ratings), SignedRating{1, 2, 5, 5}))
	if praised := score(append(slices.Clone(ratings), SignedRating{3, 3, 10, 5})); praised != plain {
		t.Errorf("log-odds %v with self-praise, %v without", praised, plain)
	}
}

// The figures of docs/EVALUATION.md.
func TestBitcoinOTC(t *testing.T) {
	file, err := os.Open(shared.Path(t, "data", "bitcoin-otc", "soc-sign-bitcoinotc.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ratings, err := ReadRatings(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(ratings) != 35_592 {
		t.Fatalf("%d ratings: SNAP publishes 35592", len(ratings))
	}
	n, err := forecastNetwork(t.Context(), ratings, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range [...]forecast{n.byNode[0], n.byBoth[0]} {
		auc, brier, ece := AUC(f.probabilities, f.happened), Brier(f.probabilities, f.happened), ECE(f.probabilities, f.happened)
		t.Logf("%d ratings: AUC %.4f, Brier %.4f, ECE %.4f", len(f.happened), auc, brier, ece)
		if auc < .70 || brier > .098 || ece > .05 {
			t.Errorf("variant %d: AUC %.4f, Brier %.4f, ECE %.4f: want 0.70 at least, 0.098 and 0.05 at most", i, auc, brier, ece)
		}
	}
	// The best of the simple methods is where the plan found it: the same nodes are asked about.
	best := n.byNode[slices.Index(n.names, "Beta, base rate")]
	if auc := AUC(best.probabilities, best.happened); math.Abs(auc-.681) > .0005 {
		t.Errorf("AUC of Beta is %.4f: the plan has 0.681", auc)
	}
}

func TestACancelledForecastEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := forecastNetwork(ctx, network(1), func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
