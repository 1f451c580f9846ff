package didx509_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/didx509"
)

// Whatever the identifier, it gets an answer, and the document is never another's.
func FuzzResolve(f *testing.F) {
	chain := factory().issue("drone", seeded(3), false, nil).chain
	head := pinned(chain)
	for _, s := range []string{
		head + "::subject:CN:drone:O:Acme", head + "::san:dns:a.example", head + "::eku:1.3.6.1::fulcio-issuer:a%2Fb",
		head + ":::", head + "::subject:%43%4e:drone", "did:x509:00:sha256:::", "did:x509:0:sha384:AA::eku:1", prefix,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := did.Parse(s)
		if err != nil {
			return
		}
		doc, err := didx509.Resolve(id, chain, shift)
		if err != nil {
			if !did.IsAnswer(err) || doc != nil {
				t.Fatalf("%v with %v", doc, err)
			}
			return
		}
		if pub, err := doc.Key(id.URL("0"), did.AssertionMethod); err != nil || !seeded(3).Public().(ed25519.PublicKey).Equal(pub) {
			t.Fatalf("%s: %v, %v", id, pub, err)
		}
	})
}

// Whatever the text, it is a chain or refused; and no chain but one under the pinned CA resolves.
func FuzzParseChain(f *testing.F) {
	chain := factory().issue("drone", seeded(3), false, nil).chain
	id := did.MustParse(pinned(chain) + "::subject:O:Acme")
	f.Add([]byte(chain.String()))
	f.Add([]byte(chain[:2].String()))
	f.Add([]byte(`["MIIB","MIIB"]`))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := didx509.ParseChain(text)
		if err != nil {
			if !did.IsAnswer(err) || got != nil {
				t.Fatalf("%v with %v", got, err)
			}
			return
		}
		if again, err := didx509.ParseChain([]byte(got.String())); err != nil || again.String() != got.String() {
			t.Fatalf("not the same again: %v", err)
		}
		doc, err := didx509.Resolve(id, got, time.Time{})
		if err != nil {
			if !did.IsAnswer(err) {
				t.Fatal(err)
			}
			return
		}
		if !got[0].Equal(chain[0]) {
			t.Fatalf("%s has the key of %s", doc.ID, got[0].Subject)
		}
	})
}
