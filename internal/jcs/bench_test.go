package jcs_test

import (
	"crypto/sha256"
	"os"
	"testing"

	gowebpki "github.com/gowebpki/jcs"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

func credential(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../strictjson/testdata/credential.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkAppend(b *testing.B) {
	src := credential(b)
	doc, err := strictjson.Parse(src, strictjson.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, len(src))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		dst = jcs.Append(dst[:0], doc.Root(), jcs.Override{Name: "proof"})
	}
}

func BenchmarkParseAppend(b *testing.B) {
	src := credential(b)
	dst := make([]byte, 0, len(src))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := strictjson.Parse(src, strictjson.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		dst = jcs.Append(dst[:0], doc.Root(), jcs.Override{Name: "proof"})
	}
}

func BenchmarkParseAppendSHA256(b *testing.B) {
	src := credential(b)
	dst := make([]byte, 0, len(src))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := strictjson.Parse(src, strictjson.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		dst = jcs.Append(dst[:0], doc.Root(), jcs.Override{Name: "proof"})
		sha256.Sum256(dst)
	}
}

func BenchmarkGowebpki(b *testing.B) {
	src := credential(b)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gowebpki.Transform(src); err != nil {
			b.Fatal(err)
		}
	}
}
