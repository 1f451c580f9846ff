package jcs_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	gowebpki "github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func parse(t testing.TB, text string) strictjson.Value {
	t.Helper()
	doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8785: §3.2.2 before, §3.2.3 after sorting, and the names of §3.2.3.
func TestExamplesOfTheRFC(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`{
			"numbers": [333333333.33333329, 1E30, 4.50,
			            2e-3, 0.000000000000000000000000001],
			"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
			"literals": [null, true, false]
		}`, `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`},
		{`{
			"\u20ac": "Euro Sign",
			"\r": "Carriage Return",
			"\ufb33": "Hebrew Letter Dalet With Dagesh",
			"1": "One",
			"\ud83d\ude00": "Emoji: Grinning Face",
			"\u0080": "Control",
			"\u00f6": "Latin Small Letter O With Diaeresis"
		}`, "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\"," +
			"\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}"},
	} {
		if got, err := jcs.Canonical([]byte(test.in)); err != nil || string(got) != test.want {
			t.Errorf("%v\ngot  %s\nwant %s", err, got, test.want)
		}
	}
}

func TestCyberphoneVectors(t *testing.T) {
	folder := shared.Path(t, "vectors", "jcs-cyberphone")
	inputs, err := filepath.Glob(filepath.Join(folder, "input", "*.json"))
	if err != nil || len(inputs) < 6 {
		t.Fatalf("%d files, %v", len(inputs), err)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".json")
		want := read(t, filepath.Join(folder, "output", name+".json"))
		got, err := jcs.Canonical(read(t, input))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", name, err, got, want)
		}
		digits := strings.Join(strings.Fields(string(read(t, filepath.Join(folder, "outhex", name+".txt")))), "")
		if hex.EncodeToString(got) != digits {
			t.Errorf("%s: got %x\nwant %s", name, got, digits)
		}
	}
	shared.Tally(t, "RFC 8785 (JCS)", "cyberphone, documents", len(inputs), len(inputs), "")
}

// The canonical documents and proof configurations that the specifications of eddsa-jcs-2022 and ecdsa-jcs-2019 print.
func TestDataIntegrityVectors(t *testing.T) {
	for _, test := range []struct{ folder, suffix string }{
		{"w3c-vc-di-eddsa/eddsa-jcs-2022", "JCS"},
		{"w3c-vc-di-ecdsa/ecdsa-jcs-2019-p256", "JCSECDSAP256"},
		{"w3c-vc-di-ecdsa/ecdsa-jcs-2019-p384", "JCSECDSAP384"},
	} {
		folder := shared.Path(t, "vectors", test.folder)
		signed := parse(t, string(read(t, filepath.Join(folder, "signed"+test.suffix+".json"))))
		want := string(read(t, filepath.Join(folder, "canonDoc"+test.suffix+".txt")))
		if got := jcs.Append(nil, signed, jcs.Override{Name: "proof"}); string(got) != want {
			t.Errorf("%s: document\ngot  %s\nwant %s", test.folder, got, want)
		}
		want = string(read(t, filepath.Join(folder, "proofCanon"+test.suffix+".txt")))
		if got := jcs.Append(nil, signed.Member("proof"), jcs.Override{Name: "proofValue"}); string(got) != want {
			t.Errorf("%s: proof\ngot  %s\nwant %s", test.folder, got, want)
		}
	}
}

// RFC 8785 Appendix B, without NaN and infinity.
func TestNumbersOfTheRFC(t *testing.T) {
	for _, test := range []struct {
		bits uint64
		want string
	}{
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	} {
		if got := string(jcs.AppendNumber(nil, math.Float64frombits(test.bits))); got != test.want {
			t.Errorf("%016x: %s, want %s", test.bits, got, test.want)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := string(jcs.AppendNumber(nil, f)); got != "null" {
			t.Errorf("%v: %s", f, got)
		}
	}
}

func TestTenThousandNumbers(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(read(t, shared.Path(t, "vectors", "jcs-cyberphone", "es6numbers-10000.txt"))))
	n := 0
	for ; lines.Scan(); n++ {
		digits, want, _ := strings.Cut(lines.Text(), ",")
		bits, err := strconv.ParseUint(digits, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		f := math.Float64frombits(bits)
		if got := string(jcs.AppendNumber(nil, f)); got != want {
			t.Errorf("%s: %s, want %s", digits, got, want)
		}
		if math.Abs(f) > strictjson.MaxInteger && math.Abs(f) < 1e21 {
			continue // refused, see TestRefusals
		}
		// The same number read from a text that is not canonical.
		text := strconv.FormatFloat(f, 'e', 20, 64)
		if got, err := jcs.Canonical([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%s: %s, want %s, %v", text, got, want, err)
		}
	}
	if n != 10000 {
		t.Errorf("%d numbers", n)
	}
	shared.Tally(t, "RFC 8785 (JCS)", "cyberphone, numbers", n, 10000, "")
}

func TestNumbersAgainstGowebpki(t *testing.T) {
	random := rand.New(rand.NewPCG(8785, 0))
	for range 200_000 {
		f := math.Float64frombits(random.Uint64())
		if random.IntN(2) == 0 { // as many near 1 as far out
			f = float64(random.Int64N(1<<53)) / math.Pow10(random.IntN(30))
		}
		want, err := gowebpki.NumberToJSON(f)
		if err != nil {
			continue // NaN, infinity
		}
		if got := string(jcs.AppendNumber([]byte("12e"), f)); got != "12e"+want {
			t.Fatalf("%016x: %s, want %s", math.Float64bits(f), got, want)
		}
	}
}

func TestLiterals(t *testing.T) {
	for in, want := range map[string]string{
		`0`: "0", `-0`: "0", `-0.0`: "0", `0e-999`: "0", `7`: "7", `-7`: "-7", `7.0`: "7", `70e-1`: "7", `1E2`: "100", `9007199254740991`: "9007199254740991",
		`1e21`: "1e+21", `1e-7`: "1e-7", `0.000001`: "0.000001", `12e-8`: "1.2e-7", `1e-100`: "1e-100",
		`1.00000000000000000001`: "1",
		`"\u0041\/\u002F\u007f"`: "\"A//\u007f\"", `"\u2028\u2029"`: "\"\u2028\u2029\"", `"<>&'"`: `"<>&'"`,
		`"\b\f\n\r\t\"\\"`: `"\b\f\n\r\t\"\\"`,
		`"\u0008\u000C\u000a\u000D\u0009\u0022\u005C"`: `"\b\f\n\r\t\"\\"`,
		`"\u0000\u001F\u000b"`:                         `"\u0000\u001f\u000b"`,
		`"\uD83D\uDE00\uDBFF\udfff"`:                   "\"\U0001f600\U0010ffff\"",
		`"\\u0041"`:                                    `"\\u0041"`, // an escaped backslash, then text
		` [ ] `:                                        `[]`, ` { } `: `{}`, `[ 1 , [ ] ]`: `[1,[]]`, ` null `: `null`,
		`{"b":1,"a":{"d":1,"c":2},"A":3,"":4,"aa":5}`: `{"":4,"A":3,"a":{"c":2,"d":1},"aa":5,"b":1}`,
		`{"\u0062":1,"\u0061":2}`:                     `{"a":2,"b":1}`,
		`[{"b":1,"a":2}]`:                             `[{"a":2,"b":1}]`, // only the order of members changes
	} {
		if got, err := jcs.Canonical([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%s: %s, want %s, %v", in, got, want, err)
		}
	}
	if got := jcs.Append([]byte("x"), strictjson.Value{}); string(got) != "x" {
		t.Errorf("absent: %s", got)
	}
}

// What has no canonical form here.
func TestRefusals(t *testing.T) {
	for name, in := range map[string]string{
		"an integer that RFC 8785 would round": `{"hours":9007199254740993}`,
		"a number that would become one":       `1e20`,
		"a number that it would make zero":     `1e-400`,
		"a number beyond float64":              `1e400`,
		"a second member of the name":          `{"a":1,"\u0061":2}`,
		"a lone surrogate":                     `"\ud800"`,
		"a second value":                       `{}{}`,
		"no value":                             ``,
	} {
		got, err := jcs.Canonical([]byte(in))
		if _, ok := errors.AsType[*strictjson.SyntaxError](err); !ok || got != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestOverride(t *testing.T) {
	const in = `{"proof":{"b":1},"@context":"x","id":2}`
	for _, test := range []struct {
		name, in, want string
		over           []jcs.Override
	}{
		{"none", in, `{"@context":"x","id":2,"proof":{"b":1}}`, nil},
		{"omitted", in, `{"@context":"x","id":2}`, []jcs.Override{{Name: "proof"}}},
		{"omitted, empty", in, `{"@context":"x","id":2}`, []jcs.Override{{Name: "proof", Canonical: []byte{}}}},
		{"omitted where there is none", in, `{"@context":"x","id":2,"proof":{"b":1}}`, []jcs.Override{{Name: "proofs"}}},
		{"omitted first and last", in, `{"id":2}`, []jcs.Override{{Name: "proof"}, {Name: "@context"}}},
		{"omitted all", in, `{}`, []jcs.Override{{Name: "proof"}, {Name: "@context"}, {Name: "id"}}},
		{"replaced", in, `{"@context":["y"],"id":2}`, []jcs.Override{{Name: "proof"}, {Name: "@context", Canonical: []byte(`["y"]`)}}},
		{"added", in, `{"@context":"x","Z\"":3,"id":2,"proof":{"b":1}}`, []jcs.Override{{Name: `Z"`, Canonical: []byte(`3`)}}},
		{"added to nothing", `{}`, `{"a":1}`, []jcs.Override{{Name: "a", Canonical: []byte(`1`)}}},
		{"a name written with escapes", `{"pr\u006fof":1}`, `{"proof":2}`, []jcs.Override{{Name: "proof", Canonical: []byte(`2`)}}},
		{"only at the top", `{"a":{"proof":1}}`, `{"a":{"proof":1}}`, []jcs.Override{{Name: "proof"}}},
		{"an array has no members", `[{"proof":1}]`, `[{"proof":1}]`, []jcs.Override{{Name: "proof"}}},
	} {
		if got := jcs.Append(nil, parse(t, test.in), test.over...); string(got) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestAllocations(t *testing.T) {
	root := parse(t, string(read(t, "../strictjson/testdata/credential.json")))
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { dst = jcs.Append(dst[:0], root, jcs.Override{Name: "proof"}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A value has one canonical form however it is written, that form is canonical, and reads back as the value.
func TestOneFormForEveryWriting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := value(4).Draw(t, "value")
		first, second := write(t, v), write(t, v)
		a, err := jcs.Canonical([]byte(first))
		if err != nil {
			t.Fatal(err)
		}
		b, err := jcs.Canonical([]byte(second))
		if err != nil || !bytes.Equal(a, b) {
			t.Fatalf("two forms: %v\n%s\n%s", err, a, b)
		}
		again, err := jcs.Canonical(a)
		if err != nil || !bytes.Equal(a, again) {
			t.Fatalf("not canonical: %v\n%s\n%s", err, a, again)
		}
		var got any
		if err := json.Unmarshal(a, &got); err != nil || fmt.Sprint(got) != fmt.Sprint(v) {
			t.Fatalf("reads as %v, was %v, %v", got, v, err)
		}
		want, err := gowebpki.Transform([]byte(strings.TrimSpace(first)))
		if err != nil || !bytes.Equal(a, want) {
			t.Fatalf("gowebpki: %v\n%s\n%s", err, a, want)
		}
	})
}

// Members stand in the order of their names' UTF-16 code units, also where that is not the order of the bytes.
func TestMemberOrder(t *testing.T) {
	name := rapid.StringOf(rapid.RuneFrom([]rune("ab\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\"")))
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(name, 0, 40, rapid.ID[string]).Draw(t, "names")
		object := make([]string, len(names))
		for i, n := range names {
			object[i] = quote(t, n) + ":0"
		}
		got := members(t, "{"+strings.Join(object, ",")+"}")
		slices.SortFunc(names, func(a, b string) int { return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))) })
		if !slices.Equal(got, names) {
			t.Fatalf("got  %q\nwant %q", got, names)
		}
	})
}

func members(t *rapid.T, text string) []string {
	canonical, err := jcs.Canonical([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := strictjson.Parse(canonical, strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for m := range doc.Root().All() {
		names = append(names, m.Name())
	}
	return names
}

// value draws what encoding/json decodes to.
func value(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Bool().AsAny(),
		rapid.String().AsAny(),
		rapid.Map(rapid.Int64Range(-strictjson.MaxInteger, strictjson.MaxInteger), func(n int64) any { return float64(n) }),
		rapid.Map(rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Filter(func(f float64) bool {
			return math.Abs(f) <= strictjson.MaxInteger || math.Abs(f) >= 1e21 // between are refused, see TestRefusals
		}), func(f float64) any { return f + 0 }), // -0 reads back as 0
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) })
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 5), func(a []any) any { return a }),
		rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 20), func(m map[string]any) any { return m }))...)
}

// write writes v in one of the many ways that JSON allows.
func write(t *rapid.T, v any) string {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t", "\r"})
	around := func(s string) string { return space.Draw(t, "space") + s + space.Draw(t, "space") }
	switch v := v.(type) {
	case string:
		return around(quote(t, v))
	case float64:
		formats := []string{strconv.FormatFloat(v, 'e', -1, 64), strconv.FormatFloat(v, 'E', 20, 64)}
		if s := strconv.FormatFloat(v, 'f', -1, 64); math.Abs(v) <= strictjson.MaxInteger {
			formats = append(formats, s)
		} else {
			formats = append(formats, s+".0")
		}
		return around(rapid.SampledFrom(formats).Draw(t, "format"))
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = write(t, v[i])
		}
		return around("[" + around(strings.Join(parts, ",")) + "]")
	case map[string]any:
		var parts []string
		for name, value := range v {
			parts = append(parts, around(quote(t, name))+":"+write(t, value))
		}
		slices.Sort(parts)
		return around("{" + around(strings.Join(rapid.Permutation(parts).Draw(t, "order"), ",")) + "}")
	}
	return around(fmt.Sprint(map[any]string{nil: "null", true: "true", false: "false"}[v]))
}

// quote writes s as a JSON string with some of its characters escaped.
func quote(t *rapid.T, s string) string {
	out := `"`
	for _, r := range s {
		switch {
		case r < ' ' || r == '"' || r == '\\' || rapid.IntRange(0, 4).Draw(t, "escape") == 0:
			for _, unit := range utf16.Encode([]rune{r}) {
				out += fmt.Sprintf(rapid.SampledFrom([]string{`\u%04x`, `\u%04X`}).Draw(t, "digits"), unit)
			}
		default:
			out += string(r)
		}
	}
	return out + `"`
}

// gowebpki/jcs reads JSON more loosely than strictjson; where both accept, both give the same form.
func FuzzCanonical(f *testing.F) {
	f.Add(read(f, "../strictjson/testdata/credential.json"))
	for _, text := range []string{
		`{"b":[1,-0,1.50,1e21,1e-7,true,false,null],"a":{"\u00e9\/\n\ud83d\ude00":"\u000b"},"€":"","😀":"","דּ":""}`, ` 1 `, `"a"`, `[1e400]`, `{"a":1,"a":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := jcs.Canonical(src)
		if err != nil {
			return
		}
		again, err := jcs.Canonical(got)
		if err != nil || !bytes.Equal(got, again) {
			t.Fatalf("not canonical: %v\n%s\n%s", err, got, again)
		}
		// gowebpki refuses white space around a number or literal that stands alone.
		want, err := gowebpki.Transform(bytes.TrimSpace(src))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("gowebpki: %v\ngot  %s\nwant %s", err, got, want)
		}
	})
}

// Where gowebpki/jcs differs: it accepts what is refused here, and the reverse.
func TestDivergencesOfGowebpki(t *testing.T) {
	for name, in := range map[string]string{
		"rounds an integer beyond 2^53":       `[9007199254740993]`,
		"makes a number below float64 zero":   `[1e-400]`,
		"takes numbers that are not JSON":     `[01,+1,.5,5.,0x1p3]`,
		"takes white space within a literal":  `[tr ue]`,
		"takes invalid UTF-8":                 "[\"\xff\"]",
		"replaces a lone surrogate by U+FFFD": `["\ud800\u0041"]`,
		"nests without a limit":               strings.Repeat("[", 65) + strings.Repeat("]", 65),
	} {
		_, theirs := gowebpki.Transform([]byte(in))
		if _, ours := jcs.Canonical([]byte(in)); theirs != nil || ours == nil {
			t.Errorf("it no longer %s: %v, %v", name, theirs, ours)
		}
	}
	_, theirs := gowebpki.Transform([]byte(" 1 "))
	if _, ours := jcs.Canonical([]byte(" 1 ")); theirs == nil || ours != nil {
		t.Errorf("white space around a number: %v, %v", theirs, ours)
	}
}
