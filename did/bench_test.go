package did_test

import (
	"context"
	"testing"

	"github.com/hourmeter/hourmeter/did"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := did.Parse("did:key:" + mbEd); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseURL(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := did.ParseURL("did:key:" + mbEd + "#" + mbEd); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKey is did:key to key: two million a second and more for Ed25519.
func BenchmarkKey(b *testing.B) {
	for name, mb := range map[string]string{"Ed25519": mbEd, "P-256": mbP256} {
		b.Run(name, func(b *testing.B) {
			url := did.MustParse("did:key:" + mb).URL(mb)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := did.Key(context.Background(), nil, url, did.AssertionMethod, did.Version{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDocumentKey is what a key costs once its document is there.
func BenchmarkDocumentKey(b *testing.B) {
	doc, err := did.ParseDocument([]byte(document(`"assertionMethod":[` + method("k", mbEd) + `]`)))
	if err != nil {
		b.Fatal(err)
	}
	url := doc.ID.URL("k")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := doc.Key(url, did.AssertionMethod); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOfflineResolve(b *testing.B) {
	for name, mb := range map[string]string{"Ed25519": mbEd, "P-256": mbP256} {
		b.Run(name, func(b *testing.B) {
			id := did.MustParse("did:key:" + mb)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (did.Offline{}).Resolve(context.Background(), id, did.Version{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseDocument(b *testing.B) {
	raw := []byte(document(`"verificationMethod":[`+method("k", mbEd)+`,`+method("l", mbP256)+`]`,
		`"authentication":["#k","#l"]`, `"assertionMethod":["#k","#l"]`,
		`"service":[{"id":"#s","type":"MachineRecord","serviceEndpoint":"https://shop.example/record"}]`))
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := did.ParseDocument(raw); err != nil {
			b.Fatal(err)
		}
	}
}
