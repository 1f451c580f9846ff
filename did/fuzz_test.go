package did_test

import (
	"context"
	"crypto"
	"strings"
	"testing"

	"github.com/hourmeter/hourmeter/did"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{"did:key:" + mbEd, "did:web:shop.example%3A8443:a", "did:a::b", "did:a:b:", "did:a:%4", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := did.Parse(s)
		if err != nil {
			if !d.IsZero() || !did.IsAnswer(err) {
				t.Fatalf("%v with %v", d, err)
			}
			return
		}
		if d.String() != s || "did:"+d.Method()+":"+d.Identifier() != s {
			t.Fatalf("%q became %q", s, d)
		}
		// Whatever it is, resolving it without a network neither panics nor answers for another.
		if res, err := (did.Offline{}).Resolve(context.Background(), d, did.Version{}); err == nil {
			raw, err := res.Document.MarshalJSON()
			if err != nil || res.Document.ID != d {
				t.Fatalf("%s: %v", raw, err)
			}
			checkKeys(t, res.Document)
		} else if !did.IsAnswer(err) {
			t.Fatal(err)
		}
	})
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"did:a:b", "did:a:b/c?d=e&versionTime=2020-01-01T00:00:00Z#f", "did:a:b?#", "did:a:b?%73ervice=%ff", "did:a:b##"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := did.ParseURL(s)
		if err != nil {
			if !u.IsZero() || !did.IsAnswer(err) {
				t.Fatalf("%v with %v", u, err)
			}
			return
		}
		if u.String() != s {
			t.Fatalf("%q became %q", s, u)
		}
		if _, err := u.MarshalText(); err != nil {
			t.Fatal(err)
		}
		if _, err := u.Version(); err != nil && !did.IsAnswer(err) {
			t.Fatal(err)
		}
	})
}

func FuzzRelativeReference(f *testing.F) {
	for _, ref := range []string{"#k", "../a", "//did:x:y#k", "?a#b", "did:c:d/./e", "a:b", "/..//.", "."} {
		f.Add("did:a:b/c/d;p?q", ref)
	}
	f.Fuzz(func(t *testing.T, base, ref string) {
		b, err := did.ParseURL(base)
		if err != nil {
			return
		}
		u, err := b.Parse(ref)
		if err != nil {
			if !did.IsAnswer(err) {
				t.Fatal(err)
			}
			return
		}
		if back, err := did.ParseURL(u.String()); err != nil || back != u {
			t.Fatalf("%q against %q became %q: %v", ref, base, u, err)
		}
		if u.DID != b.DID && !strings.HasPrefix(ref, u.DID.String()) {
			t.Fatalf("%q against %q left for %s", ref, base, u.DID)
		}
	})
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(document(`"verificationMethod":[`+method("k", mbEd)+`]`, `"authentication":["#k"]`)))
	f.Add([]byte(document(`"@context":["x",{}]`, `"service":[{"id":"#s","type":["A"],"serviceEndpoint":[{"a":1}]}]`, `"Id":1`)))
	f.Add([]byte(document(`"assertionMethod":[{"id":"#k","type":"JsonWebKey","controller":"did:example:shop","publicKeyJwk":{"kty":"EC","crv":"P-256"}}]`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := did.ParseDocument(raw)
		if err != nil {
			if !did.IsAnswer(err) {
				t.Fatal(err)
			}
			return
		}
		for _, m := range doc.VerificationMethod {
			for _, use := range relationships {
				if pub, err := doc.Key(m.ID, use); (err == nil) != (pub != nil) || err != nil && !did.IsAnswer(err) {
					t.Fatalf("%v, %v", pub, err)
				}
			}
		}
		written, err := doc.MarshalJSON()
		if err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
		again, err := did.ParseDocument(written)
		if err != nil || again.ID != doc.ID || len(again.VerificationMethod) != len(doc.VerificationMethod) {
			t.Fatalf("%s: %v", written, err)
		}
		rewritten, err := again.MarshalJSON()
		if err != nil || string(rewritten) != string(written) {
			t.Fatalf("%s\nthen\n%s: %v", written, rewritten, err)
		}
	})
}

func FuzzParseJWK(f *testing.F) {
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"igrFmi0whuihKnj9R3Om1SoMph72wUGeFaBbzG2vzns","y":"efsX5b10x8yjyrj4ny3pGfLcY7Xby1KzgqOdqnsrJIM","kid":"1"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		pub, err := did.ParseJWK(raw)
		if err != nil {
			if pub != nil || !did.IsAnswer(err) {
				t.Fatalf("%v, %v", pub, err)
			}
			return
		}
		written, err := did.MarshalJWK(pub)
		if err != nil {
			t.Fatal(err)
		}
		back, err := did.ParseJWK(written)
		if err != nil || !pub.(interface{ Equal(crypto.PublicKey) bool }).Equal(back) {
			t.Fatalf("%s became %s: %v", raw, written, err)
		}
	})
}
