package cose_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/record"
)

// FuzzOpen has the formats read any bytes. What a CWT is read as is written as the same bytes.
func FuzzOpen(f *testing.F) {
	by := *service(f)
	for _, format := range formats {
		by.Format = format
		raw, err := by.Issue(maintenance(f))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	by.Format, by.ID = cose.Format{Chain: [][]byte{{1}, {2}}}, did.MustParse("did:x509:0:sha256:AA::eku:1")
	by.Method = by.ID.URL("0")
	raw, err := by.Issue(maintenance(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := (cose.Format{}).Open(raw); err == nil && (e.Method.Fragment == "" || e.Verify == nil) {
			t.Fatal("opened without a key to check")
		}
		v := &vc.Verifier{Formats: []vc.Format{cose.CWT{}}, Now: by.Now}
		if _, err := v.Verify(context.Background(), raw, vc.AnyIssuer); err == nil {
			if e, err := (cose.CWT{}).Open(raw); err != nil || len(e.Document) == 0 {
				t.Fatal(err)
			}
		}
	})
}

// FuzzCWT signs any payload: either it is refused, or its document has these bytes and no other.
func FuzzCWT(f *testing.F) {
	by := *service(f)
	by.Format = cose.CWT{}
	raw, err := by.Issue(maintenance(f))
	if err != nil {
		f.Fatal(err)
	}
	m, err := cosesign1.Parse(raw, len(raw))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Payload)
	for _, typ := range record.Types() {
		example, _ := record.Example(typ)
		raw, err := cose.CWT{}.Seal(by.Key, &vc.Envelope{Document: example, Method: by.ID.URL(by.ID.Identifier()), Created: by.Now()})
		if err != nil {
			f.Fatal(err)
		}
		if m, err = cosesign1.Parse(raw, len(raw)); err != nil {
			f.Fatal(err)
		}
		f.Add(m.Payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, kid := range []string{"", "did:web:k.example#k"} {
			raw, err := cosesign1.Sign(by.Key, &cosesign1.Message{Kid: []byte(kid), Payload: payload})
			if err != nil {
				continue
			}
			e, err := cose.CWT{}.Open(raw)
			if err != nil {
				continue
			}
			again, err := cose.CWT{}.Seal(by.Key, e)
			if err != nil || !bytes.Equal(again, raw) { // Ed25519 is deterministic
				t.Fatalf("read as %s, written as %x: %v", e.Document, again, err)
			}
		}
	})
}

// FuzzLossless seals any JSON object, and opens it again.
func FuzzLossless(f *testing.F) {
	by := service(f)
	for _, typ := range record.Types() {
		example, _ := record.Example(typ)
		f.Add(example)
	}
	f.Add([]byte(many(3)))
	for _, w := range words(f) {
		f.Add([]byte(`{"id":"` + w + `"}`))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		canonical, err := jcs.Canonical(document)
		if err != nil || canonical[0] != '{' {
			return
		}
		e := &vc.Envelope{Document: document, Method: by.ID.URL(by.ID.Identifier()), Created: by.Now()}
		raw, err := cose.CWT{}.Seal(by.Key, e)
		if err != nil {
			return // too deep or too large
		}
		back, err := cose.CWT{}.Open(raw)
		if err != nil || !bytes.Equal(back.Document, canonical) {
			t.Fatalf("%s came back as %s: %v", canonical, back.Document, err)
		}
	})
}
