package strictjson_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func credential(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/credential.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkParse(b *testing.B) {
	src := credential(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := strictjson.Parse(src, strictjson.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJsontext is the part of BenchmarkParse that jsontext has.
func BenchmarkJsontext(b *testing.B) {
	src := credential(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	var buf bytes.Buffer
	dec := new(jsontext.Decoder)
	for b.Loop() {
		buf = *bytes.NewBuffer(src)
		dec.Reset(&buf)
		for {
			if _, err := dec.ReadToken(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncodingJSON(b *testing.B) {
	src := credential(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		var v any
		if err := json.Unmarshal(src, &v); err != nil {
			b.Fatal(err)
		}
	}
}
