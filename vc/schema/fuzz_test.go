package schema

import (
	"errors"
	"io/fs"
	"regexp/syntax"
	"testing"

	"github.com/hourmeter/hourmeter/vc"
)

// Whatever a stranger's schema says of a stranger's value, the answer is one of three, and it comes.
func FuzzValidate(f *testing.F) {
	f.Add(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{"b":{"pattern":"^\\u0041","format":"uri"}}}`, `{"a":"A:b"}`)
	f.Add(`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"const":1},{"enum":[null,1.5]}],"uniqueItems":true,"contains":{"multipleOf":0.5}}`, `[1,null,1e3]`)
	f.Add(`{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"anyOf":[{"type":"string"},{"items":{"$recursiveRef":"#"}}],"unevaluatedItems":false}`, `["a",["b"]]`)
	f.Fuzz(func(t *testing.T, schema, instance string) {
		s, err := compile("https://a.example/schema", []byte(schema), func(string) ([]byte, error) { return nil, fs.ErrNotExist })
		if err != nil {
			return
		}
		root, err := parse([]byte(instance))
		if err != nil {
			return
		}
		s.steps = 5_000
		first := s.validate(value(root))
		second := s.validate(value(root))
		if errors.Is(first, errSteps) || errors.Is(second, errSteps) {
			return // which of two ways through a map is shorter is chance
		}
		if errors.Is(first, vc.ErrSchema) != errors.Is(second, vc.ErrSchema) || (first == nil) != (second == nil) {
			t.Fatalf("%v, then %v", first, second)
		}
	})
}

// What comes out of fromECMA is a pattern of RE2, or it is refused there.
func FuzzPattern(f *testing.F) {
	for _, p := range []string{`^\p{L}+$`, `\u00e9[\s\cA-]`, `\ud83d\udc32|\u{1f432}`, `a.b[^.]`, `(?<year>\d{4})`, `[[:alpha:]]`} {
		f.Add(p, "text")
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		p, err := compilePattern(source, &meter{left: 1 << 30})
		if err != nil {
			return
		}
		translated, err := fromECMA(source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := syntax.Parse(translated, syntax.Perl); err != nil {
			t.Fatal(err)
		}
		p.MatchString(text)
	})
}

func FuzzFormats(f *testing.F) {
	for _, s := range []string{"https://a@b:1/c?d#e", "http://[2001:db8::1]/", "a@b.example", "P1DT2H", "{+path:6,x*}/y", "127.0.0.1", `"a b"@[IPv6:::1]`, "xn--a"} {
		f.Add(s)
	}
	all := formats()
	f.Fuzz(func(t *testing.T, s string) {
		holds := map[string]bool{}
		for _, format := range all {
			holds[format.Name] = format.Validate(s) == nil
		}
		for narrow, wide := range map[string]string{"uri": "uri-reference", "iri": "iri-reference", "email": "idn-email", "uri-reference": "iri-reference"} {
			if holds[narrow] && !holds[wide] {
				t.Fatalf("%q is a %s and no %s", s, narrow, wide)
			}
		}
	})
}
