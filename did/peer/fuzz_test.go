package peer_test

import (
	"context"
	"testing"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/peer"
)

// Whatever the identifier, there is an answer; a document is that of the DID that was asked
// for, can be written, and is the same under the short form.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"0" + mbEd, two[len("did:peer:"):], "2.V" + mbEd + service(`{"t":["dm","x"],"s":[{"a":[]},"y:"],"id":"#s"}`), "4zQmd8:z2M1", "1z", "5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := did.Parse("did:peer:" + s)
		if err != nil {
			return
		}
		res, err := peer.Resolver{}.Resolve(context.Background(), id, did.Version{})
		if err != nil {
			if short := len(s) < 100 && (s[0] == '3' || s[0] == '4'); !did.IsAnswer(err) && !short {
				t.Fatal(err)
			}
			return
		}
		if _, err := res.Document.MarshalJSON(); err != nil || res.Document.ID != id {
			t.Fatal(err)
		}
		if short, err := peer.Short(id); err == nil {
			again, err := peer.Resolver{Known: map[did.DID]did.DID{short: id}}.Resolve(context.Background(), short, did.Version{})
			if err != nil || len(again.Document.VerificationMethod) != len(res.Document.VerificationMethod) {
				t.Fatal(err)
			}
		}
	})
}

// FuzzNew4Document tries documents, which a fuzzer would not find behind a hash.
func FuzzNew4Document(f *testing.F) {
	for _, s := range []string{fourDocument, `{"verificationMethod":[{"id":"#k","type":"Multikey","publicKeyMultibase":"` + mbEd + `"}],"authentication":["#k",{"id":"#l","type":"x"}]}`, `{}`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		id, err := peer.New4Document(input)
		if err != nil {
			return
		}
		res, err := peer.Resolver{}.Resolve(context.Background(), id, did.Version{})
		if err != nil || res.Document.ID != id {
			t.Fatal(err)
		}
		for _, m := range res.Document.VerificationMethod {
			if m.ID.DID != id {
				t.Fatal(m.ID)
			}
		}
	})
}
