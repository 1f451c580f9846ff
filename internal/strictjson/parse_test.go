package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

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

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       strictjson.SyntaxError // Msg: a part of it
	}{
		{"nothing", "", strictjson.SyntaxError{Msg: "empty"}},
		{"white space", " \n", strictjson.SyntaxError{Msg: "empty"}},
		{"byte order mark", "\ufeff{}", strictjson.SyntaxError{Msg: "byte order mark"}},
		{"UTF-16", "\xff\xfe{\x00}\x00", strictjson.SyntaxError{Msg: "invalid character"}},
		{"another white space", "{\u00a0}", strictjson.SyntaxError{Offset: 1, Msg: "invalid character"}},

		{"second value", `{} {}`, strictjson.SyntaxError{Offset: 3, Msg: "one value only"}},
		{"second value without a space", `1"a"`, strictjson.SyntaxError{Offset: 1, Msg: "one value only"}},
		{"bracket after the value", `{}]`, strictjson.SyntaxError{Offset: 2, Msg: "one value only"}},
		{"garbage after the value", "{}\x00", strictjson.SyntaxError{Offset: 2, Msg: "one value only"}},
		{"comment after the value", "{} // {}", strictjson.SyntaxError{Offset: 2, Msg: "one value only"}},
		{"cut short", `{"a":[1`, strictjson.SyntaxError{Offset: 7, Pointer: "/a", Msg: "ends before"}},
		{"cut short in a string", `{"a":"b`, strictjson.SyntaxError{Offset: 7, Pointer: "/a", Msg: "ends before"}},
		{"trailing comma", `{"a":1,}`, strictjson.SyntaxError{Offset: 6, Msg: "invalid character"}},
		{"single quotes", `{'a':1}`, strictjson.SyntaxError{Offset: 1, Msg: "invalid character"}},
		{"NaN", `[NaN]`, strictjson.SyntaxError{Offset: 1, Pointer: "/0", Msg: "invalid character"}},
		{"brackets crossed", `[{]}`, strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "invalid character"}},
		{"name without value", `{"a"}`, strictjson.SyntaxError{Offset: 4, Pointer: "/a", Msg: "after object name"}},
		{"name that is no string", `{1:2}`, strictjson.SyntaxError{Offset: 1, Msg: "string"}},
		{"line break in a string", "[\"\n\"]", strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "invalid character"}},

		{"two members of one name", `{"issuer":"a","issuer":"b"}`, strictjson.SyntaxError{Offset: 14, Pointer: "/issuer", Msg: `"issuer"`}},
		{"two members of one name, deep down", `[{"a":{"b":1,"c":2,"b":1}}]`, strictjson.SyntaxError{Offset: 19, Pointer: "/0/a/b", Msg: `"b"`}},
		{"two members of one name, one of them escaped", `{"proof":1,"pr\u006fof":2}`, strictjson.SyntaxError{Offset: 11, Pointer: "/proof", Msg: `"proof"`}},
		{"two members of one name, among a hundred", `{` + members(100) + `,"m7":0}`, strictjson.SyntaxError{Offset: 791, Pointer: "/m7", Msg: `"m7"`}},

		{"lone surrogate", `["\ud800"]`, strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "surrogate"}},
		{"lone surrogate in a name", `{"\udc00":1}`, strictjson.SyntaxError{Offset: 2, Msg: "surrogate"}},
		{"surrogates in the wrong order", `["\udc00\ud800"]`, strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "surrogate"}},
		{"surrogate as UTF-8", "[\"\xed\xa0\x80\"]", strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "UTF-8"}},
		{"overlong UTF-8", "[\"\xc0\xaf\"]", strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "UTF-8"}},
		{"Latin-1", "[\"\xe9\"]", strictjson.SyntaxError{Offset: 2, Pointer: "/0", Msg: "UTF-8"}},

		{"leading zero", `[01]`, strictjson.SyntaxError{Offset: 2, Pointer: "", Msg: "invalid character"}},
		{"plus sign", `[+1]`, strictjson.SyntaxError{Offset: 1, Pointer: "/0", Msg: "invalid character"}},
		{"2^53", `{"hours":9007199254740992}`, strictjson.SyntaxError{Offset: 9, Pointer: "/hours", Msg: "send it as a string"}},
		{"-2^53", `-9007199254740992`, strictjson.SyntaxError{Msg: "send it as a string"}},
		{"integer beyond uint64", `123456789012345678901234567890`, strictjson.SyntaxError{Msg: "send it as a string"}},
		{"integer written with an exponent", `1e16`, strictjson.SyntaxError{Msg: "send it as a string"}},
		{"integer written with a fraction", `-9007199254740993.0`, strictjson.SyntaxError{Msg: "send it as a string"}},
		{"fraction that rounds to an integer beyond", `9007199254740991.5`, strictjson.SyntaxError{Msg: "send it as a string"}},
		{"integer beyond 1e21", `1000000000000000000000`, strictjson.SyntaxError{Msg: "send it as a string"}},
		{"integer beyond float64", "1" + strings.Repeat("0", 400), strictjson.SyntaxError{Msg: "too large"}},
		{"beyond float64", `[0,1e309]`, strictjson.SyntaxError{Offset: 3, Pointer: "/1", Msg: "too large"}},
		{"beyond float64, negative", `[-1.8e308]`, strictjson.SyntaxError{Offset: 1, Pointer: "/0", Msg: "too large"}},
		{"below float64", `{"a/b~":{"":1e-324}}`, strictjson.SyntaxError{Offset: 12, Pointer: "/a~1b~0/", Msg: "too small"}},
		{"below float64, negative", `[-0.1E-400]`, strictjson.SyntaxError{Offset: 1, Pointer: "/0", Msg: "too small"}},

		{"too deep", strings.Repeat("[", strictjson.MaxDepth+1), strictjson.SyntaxError{Offset: strictjson.MaxDepth, Pointer: strings.Repeat("/0", strictjson.MaxDepth), Msg: "64 deep"}},
		{"far too deep", strings.Repeat(`[{"a":`, 1<<20), strictjson.SyntaxError{Offset: 6 * strictjson.MaxDepth / 2, Pointer: strings.Repeat("/0/a", strictjson.MaxDepth/2), Msg: "64 deep"}},
		{"too many", "[" + strings.Repeat("0,", strictjson.MaxValues) + "0]", strictjson.SyntaxError{Offset: 2*strictjson.MaxValues - 1, Pointer: fmt.Sprint("/", strictjson.MaxValues-1), Msg: "1048576 values"}},
		{"too long", strings.Repeat(" ", strictjson.MaxBytes) + "0", strictjson.SyntaxError{Offset: strictjson.MaxBytes, Msg: "16777217 bytes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			doc, err := strictjson.Parse([]byte(test.text), strictjson.Limits{})
			syn, ok := errors.AsType[*strictjson.SyntaxError](err)
			if !ok || doc != nil {
				t.Fatalf("got %v, %v", doc, err)
			}
			if syn.Offset != test.want.Offset || syn.Pointer != test.want.Pointer || !strings.Contains(syn.Msg, test.want.Msg) {
				t.Errorf("got %+v\nwant %+v", *syn, test.want)
			}
			if len(syn.Error()) > 500 {
				t.Errorf("a message of %d bytes", len(syn.Error()))
			}
		})
	}
}

func members(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf(`"m%d":%d`, i, i%10))
	}
	return strings.Join(s, ",")
}

// jsontext alone would accept these.
func TestBeyondJsontext(t *testing.T) {
	for name, text := range map[string]string{
		"2^53":          "9007199254740992",
		"overflow":      "1e400",
		"underflow":     "1e-400",
		"65 deep":       strings.Repeat("[", 65) + strings.Repeat("]", 65),
		"2^20+1 values": "[" + strings.Repeat("0,", 1<<20-1) + "0]",
	} {
		if !jsontext.Value(text).IsValid() {
			t.Errorf("%s: jsontext refuses it too", name)
		}
		if _, err := strictjson.Parse([]byte(text), strictjson.Limits{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAccepted(t *testing.T) {
	for _, text := range []string{
		`0`, `-0`, `0.0`, `-0e-999`, `0e999`, `9007199254740991`, `-9007199254740991`, `1.7976931348623157e308`, `5e-324`, `4e-324`,
		`1e21`, `9007199254740991.0`, `900719925474099.05`,
		`""`, `"\u0000"`, `"\ud83d\ude00"`, "\"\u2028\ufffe\U0010ffff\"", `null`, `true`, `false`, `{}`, `[]`, "\r\n\t [ ] \r\n\t",
		`{"":{"":""}}`, `{"a":1,"A":2}`, // names are exact; see CaseVariant
		strings.Repeat("[", strictjson.MaxDepth) + strings.Repeat("]", strictjson.MaxDepth),
		"[" + strings.Repeat("0,", strictjson.MaxValues-2) + "0]",
		`"` + strings.Repeat(",", strictjson.MaxBytes-2) + `"`,
	} {
		doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
		if err != nil {
			t.Error(err)
		} else if got := doc.Root().Raw(); got != strings.Trim(text, " \t\r\n") {
			t.Errorf("Raw is %.40q of %.40q", got, text)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name, text string
		lim        strictjson.Limits
		ok         bool
	}{
		{"bytes, just", `[[0]]`, strictjson.Limits{Bytes: 5}, true},
		{"bytes", `[[0]]`, strictjson.Limits{Bytes: 4}, false},
		{"depth, just", `[[0]]`, strictjson.Limits{Depth: 2}, true},
		{"depth", `[[0]]`, strictjson.Limits{Depth: 1}, false},
		{"values, just", `[[0]]`, strictjson.Limits{Values: 3}, true},
		{"values", `[[0]]`, strictjson.Limits{Values: 2}, false},
		{"numbers that are slow to read, just", "[" + strings.Repeat("5e-324,", 256) + "0.0]", strictjson.Limits{}, true},
		{"numbers that are slow to read", "[" + strings.Repeat("5e-324,", 256) + "-2.2250738585072011e-308]", strictjson.Limits{}, false},
		{"far and of many digits", "[" + strings.Repeat("1.0000000000000002220446049250313e-280,", 256) + "0.2]", strictjson.Limits{}, true},
		{"too many far and of many digits", "[" + strings.Repeat("1.0000000000000002220446049250313e280,", 257) + "0.2]", strictjson.Limits{}, false},
		{"ordinary numbers", "[" + strings.Repeat("1e-300,0.1000000000000000055511151231257827,-0.0,9.80665e0,", 1000) + "0]", strictjson.Limits{}, true},
		{"less than zero means the default", `[[0]]`, strictjson.Limits{Bytes: -1, Depth: -1, Values: -1}, true},
		{"deeper than the default", strings.Repeat("[", 9999) + strings.Repeat("]", 9999), strictjson.Limits{Depth: 9999}, true},
		{"deeper than jsontext goes", strings.Repeat("[", 10001) + strings.Repeat("]", 10001), strictjson.Limits{Depth: 1 << 30}, false},
	} {
		if _, err := strictjson.Parse([]byte(test.text), test.lim); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestValue(t *testing.T) {
	root := parse(t, ` { "a" : [ 1 , -0, 2.5 , true , false , null ] ,
		"t\u0065xt" : "t\u00e9xt" , "o":{"":[]}, "Müller": "\"" } `)

	var names []string
	for m := range root.All() {
		names = append(names, m.Name())
	}
	if want := []string{"a", "text", "o", "Müller"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if n := root.Len(); n != 4 {
		t.Errorf("%d members, want 4", n)
	}

	for _, test := range []struct {
		v                               strictjson.Value
		kind                            strictjson.Kind
		name, rawName, raw, text, where string
	}{
		{root.Member("text"), strictjson.String, "text", `"t\u0065xt"`, `"t\u00e9xt"`, "téxt", "/text"},
		{root.Member("Müller"), strictjson.String, "Müller", `"Müller"`, `"\""`, `"`, "/Müller"},
		{root.Member("a"), strictjson.Array, "a", `"a"`, `[ 1 , -0, 2.5 , true , false , null ]`, "", "/a"},
		{root.Member("a").First().Next(), strictjson.Number, "", "", "-0", "", "/a/1"},
		{root.Member("o"), strictjson.Object, "o", `"o"`, `{"":[]}`, "", "/o"},
		{root.Member("o").Member(""), strictjson.Array, "", `""`, `[]`, "", "/o/"},
		{root.Member("o").Member("").First(), 0, "", "", "", "", ""},
		{root.Member("Text"), 0, "", "", "", "", ""},
		{root.Member("a").Member("a"), 0, "", "", "", "", ""},
		{root.Member("text").First(), 0, "", "", "", "", ""},
		{root.Next(), 0, "", "", "", "", ""},
		{strictjson.Value{}, 0, "", "", "", "", ""},
	} {
		v := test.v
		if v.Kind() != test.kind || v.Name() != test.name || v.RawName() != test.rawName || v.Raw() != test.raw || v.Text() != test.text || v.Pointer() != test.where {
			t.Errorf("got %v %q %q %q %q %q\nwant %v", v.Kind(), v.Name(), v.RawName(), v.Raw(), v.Text(), v.Pointer(), test)
		}
		if v.Exists() != (test.kind != 0) {
			t.Errorf("%q: exists: %v", v.Pointer(), v.Exists())
		}
	}

	kinds := []strictjson.Kind{strictjson.Number, strictjson.Number, strictjson.Number, strictjson.True, strictjson.False, strictjson.Null}
	for e := range root.Member("a").All() {
		if e.Kind() != kinds[0] {
			t.Errorf("%s is %v, want %v", e.Pointer(), e.Kind(), kinds[0])
		}
		kinds = kinds[1:]
	}
	said := ""
	for k := strictjson.Kind(0); k <= strictjson.Array; k++ {
		said += k.String() + ", "
	}
	if said != "nothing, null, a boolean, a boolean, a string, a number, an object, an array, " {
		t.Errorf("kinds: %s", said)
	}
	for range root.All() {
		break // All stops when told to
	}
}

func TestInt64(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-0": 0, "7": 7, "9007199254740991": 1<<53 - 1, "-9007199254740991": -(1<<53 - 1)} {
		if n, ok := parse(t, text).Int64(); n != want || !ok {
			t.Errorf("%s: %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"1.0", "1e3", "0.5", `"1"`, "true", "[1]"} {
		if n, ok := parse(t, text).Int64(); n != 0 || ok {
			t.Errorf("%s: %d, %v", text, n, ok)
		}
	}
}

func TestCaseVariant(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"issuer", ""}, // the known name itself
		{"Issuer", "issuer"},
		{"ISSUER", "issuer"},
		{"i\u017fſuer", "issuer"}, // long s, which encoding/json takes for s
		{"@Context", "@context"},
		{"issuers", ""},
		{"ıssuer", ""},
		{"", ""},
	} {
		got, ok := strictjson.CaseVariant(test.name, "@context", "issuer", "Issued", "issued")
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%q: %q, %v", test.name, got, ok)
		}
	}
	// A name that is known counts as known, also if another known name differs from it only by case.
	if got, ok := strictjson.CaseVariant("issued", "Issued", "issued"); ok {
		t.Errorf("variant of %q", got)
	}
}

func TestDocumentKeepsItsOwnCopy(t *testing.T) {
	src := []byte(`{"a":"b"}`)
	doc, err := strictjson.Parse(src, strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	clear(src)
	if got := doc.Root().Member("a").Text(); got != "b" {
		t.Errorf("%q", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	src, err := os.ReadFile("testdata/credential.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := strictjson.Parse(src, strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				other, err := strictjson.Parse(src, strictjson.Limits{})
				if err != nil || rebuild(other.Root()) != rebuild(doc.Root()) {
					t.Error("two readings differ", err)
				}
			}
		})
	}
	wg.Wait()
}

func TestAllocations(t *testing.T) {
	src, err := os.ReadFile("testdata/credential.json")
	if err != nil {
		t.Fatal(err)
	}
	// The text, the tape, the Document. The race detector drops pooled decoders at random.
	if n := testing.AllocsPerRun(100, func() { strictjson.Parse(src, strictjson.Limits{}) }); n > 3 && !raceEnabled {
		t.Errorf("Parse: %v allocations", n)
	}
	doc, err := strictjson.Parse(src, strictjson.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() {
		for m := range doc.Root().All() {
			if m.Name() == "" || m.Raw() == "" {
				t.Error()
			}
		}
		if _, ok := doc.Root().Member("record").Member("sequence").Int64(); !ok || doc.Root().Member("issuer").Text() == "" {
			t.Error()
		}
	})
	if n != 0 {
		t.Errorf("reading: %v allocations", n)
	}
}

// rebuild writes v from its parts, without white space.
func rebuild(v strictjson.Value) string {
	var b strings.Builder
	switch v.Kind() {
	case strictjson.Object:
		b.WriteByte('{')
		for m := range v.All() {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.WriteString(m.RawName() + ":" + rebuild(m))
		}
		b.WriteByte('}')
	case strictjson.Array:
		b.WriteByte('[')
		for e := range v.All() {
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.WriteString(rebuild(e))
		}
		b.WriteByte(']')
	default:
		return v.Raw()
	}
	return b.String()
}

// equal reports whether v has the value that encoding/json has decoded, and its accessors fit together.
func equal(t *testing.T, v strictjson.Value, want any) {
	if v.Escaped() != (v.Kind() == strictjson.String && strings.Contains(v.Raw(), `\`)) || v.NameEscaped() != strings.Contains(v.RawName(), `\`) {
		t.Errorf("%q: escapes", v.Pointer())
	}
	n, isInt := v.Int64()
	if isInt && (v.Kind() != strictjson.Number || n > strictjson.MaxInteger || n < -strictjson.MaxInteger) {
		t.Errorf("%q: Int64 %d", v.Pointer(), n)
	}
	kind := v.Kind()
	ok := false
	switch want := want.(type) {
	case nil:
		ok = kind == strictjson.Null
	case bool:
		ok = want && kind == strictjson.True || !want && kind == strictjson.False
	case string:
		ok = kind == strictjson.String && v.Text() == want
	case json.Number:
		ok = kind == strictjson.Number && v.Raw() == want.String()
	case []any:
		ok = kind == strictjson.Array && v.Len() == len(want)
		i := 0
		for e := v.First(); e.Exists() && i < len(want); e = e.Next() {
			equal(t, e, want[i])
			i++
		}
	case map[string]any:
		ok = kind == strictjson.Object && v.Len() == len(want)
		for m := range v.All() {
			child, has := want[m.Name()]
			if !has || v.Member(m.Name()) != m {
				t.Errorf("%q: member %q", v.Pointer(), m.Name())
			}
			equal(t, m, child)
		}
	}
	if !ok {
		t.Errorf("%q: %v %s, want %v", v.Pointer(), kind, v.Raw(), want)
	}
}

// Whatever the text, Parse does not panic; what it accepts, encoding/json reads alike, and every part is where it says.
func FuzzParse(f *testing.F) {
	credential, err := os.ReadFile("testdata/credential.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(credential)
	for _, text := range []string{
		` { "a" : [ 1 , -0, 2.5e-3 , true , false , null ] , "b\u0062" : "\ud83d\ude00\n" } `,
		`[[],{},[{}],{"":[]}]`, `{"a":1,"a":2}`, `{"a":1 "b":2}`, `[1 2]`, `{"a",1}`, `{:}`, `]`, `"\`, `tru`, "\ufeff0", `1e999`, `01`, `{}{}`, `[9007199254740993]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := strictjson.Parse(src, strictjson.Limits{})
		if err != nil {
			if syn, ok := errors.AsType[*strictjson.SyntaxError](err); !ok || syn.Msg == "" || syn.Offset < 0 || syn.Offset > int64(len(src)) {
				t.Fatalf("%#v", err)
			}
			return
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, src); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		if got := rebuild(doc.Root()); got != compact.String() {
			t.Errorf("rebuilt as %s", got)
		}
		dec := json.NewDecoder(bytes.NewReader(src))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		equal(t, doc.Root(), want)
		again, err := strictjson.Parse([]byte(doc.Root().Raw()), strictjson.Limits{})
		if err != nil || again.Root().Raw() != doc.Root().Raw() {
			t.Errorf("read again: %v", err)
		}
	})
}
