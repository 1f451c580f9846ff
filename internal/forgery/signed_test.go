package forgery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
	"github.com/hourmeter/hourmeter/vc/jose"
	"github.com/hourmeter/hourmeter/vc/rdfc"
	"github.com/hourmeter/hourmeter/vc/sdjwt"
)

// ways are how somebody secures a document: a suite or a format.
func (w *world) ways() []any {
	return []any{
		vc.EdDSAJCS2022{}, rdfc.EdDSARDFC2022{Contexts: w.contexts}, rdfc.ECDSASD2023{Contexts: w.contexts, MandatoryPointers: []string{"/issuer"}},
		jose.Format{}, cose.Format{}, cose.CWT{}, sdjwt.Format{}, sdjwt.Format{Disclosable: []string{"/credentialSubject/name"}, Decoys: 1},
	}
}

// secure signs a document without asking whether it is any good, as only somebody who wrote their own software does.
func (w *world) secure(by party, way any, doc []byte, purpose did.Relationship) ([]byte, error) {
	answer := ""
	if purpose == did.Authentication {
		answer = `"challenge":"` + asked.Nonce + `","domain":"` + asked.Domain + `",`
	}
	switch way := way.(type) {
	case rdfc.ECDSASD2023:
		signed, err := embedded(by, way, doc, answer, purpose)
		if err != nil {
			return nil, err
		}
		return way.Derive(signed, []string{"/credentialSubject"})
	case vc.Suite:
		return embedded(by, way, doc, answer, purpose)
	case vc.Format:
		e := &vc.Envelope{Document: doc, Method: by.method(), Created: noon}
		if purpose == did.Authentication {
			e.Presentation, e.Nonce, e.Audience = true, asked.Nonce, []string{asked.Domain}
		}
		return way.Seal(by.Key, e)
	}
	panic(way)
}

// Somebody signs whatever they like, in their own name. It speaks for nobody else, it is one content however
// it is secured, and what an Issuer signs its Verifier reads.
func FuzzSigned(f *testing.F) {
	w := newWorld(f)
	mallory, malloryP256 := newParty(f, "mallory"), newParty(f, "mallory P-256")
	ways := w.ways()
	place := strings.NewReplacer(newParty(f, "shop").ID.String(), "$ID", newParty(f, "shop P-256").ID.String(), "$ID")
	for _, name := range w.names() {
		g := w.verified[name]
		if g == nil || g.MediaType() != "application/vc" {
			continue
		}
		doc, err := strictjson.Parse(w.raw[name], strictjson.Limits{})
		require.NoError(f, err)
		f.Add([]byte(place.Replace(string(jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})))), byte(len(name)))
	}
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2",`+inline+`,{"@vocab":"https://x.example/","l":{"@container":"@list"},"s":{"@id":"x:s","@context":{"t":"x:t"}}}],
		"type":["VerifiableCredential","T"],"issuer":{"id":"$ID","n":[]},"credentialSubject":[{"l":[1,[],"a"]},{"s":{"t":1.5e9,"id":"_:b"}}]}`), byte(1))
	v := w.verifier()
	f.Fuzz(func(t *testing.T, text []byte, way byte) {
		w.signedBy(t, v, mallory, malloryP256, text, ways[int(way)%len(ways)])
	})
}

// signedBy has somebody sign a text in some way, and holds against each other what comes of it.
func (w *world) signedBy(t *testing.T, v *vc.Verifier, mallory, malloryP256 party, text []byte, chosen any) {
	by := mallory
	if _, sd := chosen.(rdfc.ECDSASD2023); sd {
		by = malloryP256
	}
	text = bytes.ReplaceAll(text, []byte("$ID"), []byte(by.ID.String()))
	signed, err := w.secure(by, chosen, text, did.AssertionMethod)
	if err != nil {
		signed = nil
	}
	var verified *vc.Verified
	if signed != nil {
		if verified, err = verify(t, v, signed); err == nil {
			require.Equal(t, by.ID, verified.Issuer())
			require.Equal(t, []did.DID{by.ID}, verified.Signers())
			_, err = v.VerifyPresentation(context.Background(), signed, asked, vc.AnyIssuer)
			require.Error(t, err, "a credential is no answer to a challenge")
		}
	}
	doc, err := strictjson.Parse(text, strictjson.Limits{})
	if err != nil || doc.Root().Member("proof").Exists() {
		return
	}

	// The content is what was signed, and the same in the plainest form.
	if verified != nil && !verified.Selective() {
		digest := vc.Digest(sha256.Sum256(jcs.Append(nil, doc.Root())))
		require.Equal(t, digest, verified.Digest())
		plain, err := w.secure(mallory, vc.EdDSAJCS2022{}, bytes.ReplaceAll(text, []byte(by.ID.String()), []byte(mallory.ID.String())), did.AssertionMethod)
		require.NoError(t, err)
		other, err := verify(t, v, plain)
		if errors.Is(err, vc.ErrContext) { // an envelope needs no terms for proofs
			require.ErrorContains(t, err, "JSON-LD: /proof")
		} else {
			require.NoError(t, err)
			require.True(t, by.ID != mallory.ID || other.Digest() == digest)
		}
	}

	// An Issuer signs only what verifies: the rest of the reasons are of another day, or of others.
	suite, _ := chosen.(vc.Suite)
	format, _ := chosen.(vc.Format)
	if _, sd := chosen.(rdfc.ECDSASD2023); sd {
		return // a base proof does not verify
	}
	issued, err := by.issuer(suite, format).AddProof(text)
	if err != nil {
		return
	}
	unasked := *v // an issuer knows no lists or schemas
	unasked.Status, unasked.Schema = nil, nil
	_, err = unasked.Verify(context.Background(), issued, vc.AnyIssuer)
	if rej, bad := errors.AsType[*vc.RejectError](err); bad {
		for _, reason := range []error{vc.ErrMalformed, vc.ErrLimit, vc.ErrContext, vc.ErrResource, vc.ErrProof, vc.ErrIssuer} {
			require.NotErrorIs(t, rej.Reason, reason, "issued %s: %v", issued, err)
		}
	}
}

// Somebody shows whatever they like, in their own name: they are who shows it, and of what others issued they
// show only what is about them.
func FuzzShown(f *testing.F) {
	w := newWorld(f)
	drone, shop := newParty(f, "drone"), newParty(f, "shop")
	ways := w.ways()
	credentials := map[string]string{"$1": string(w.raw["jcs-ed25519"]), "$2": string(w.raw["enveloped-cose"]), "$3": string(w.raw["status-bitstring-revoked"])}
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"$ID","verifiableCredential":["$1","$2"]}`), byte(0))
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"VerifiablePresentation","id":"urn:x:1","verifiableCredential":"$1"}`), byte(1))
	f.Add([]byte(`{"@context":["https://www.w3.org/2018/credentials/v1"],"type":["VerifiablePresentation","V"],"holder":{"id":"$ID"},"verifiableCredential":["$2","$3"]}`), byte(3))
	f.Add([]byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"$ID","name":{"@value":"n","@language":"de"},"termsOfUse":[{"type":"VerifiableCredential"}]}`), byte(4))
	v := w.verifier()
	f.Fuzz(func(t *testing.T, text []byte, way byte) {
		by := drone
		if way&0x80 != 0 {
			by = shop // whom none of the credentials is about
		}
		doc := strings.ReplaceAll(string(text), "$ID", by.ID.String())
		for name, credential := range credentials {
			doc = strings.ReplaceAll(doc, `"`+name+`"`, credential)
		}
		signed, err := w.secure(by, ways[int(way&0x7f)%len(ways)], []byte(doc), did.Authentication)
		if err != nil {
			return
		}
		_, err = v.Verify(context.Background(), signed, vc.AnyIssuer)
		require.Error(t, err, "a presentation is no credential")
		p, err := verifyPresentation(t, v, signed)
		if err != nil {
			return
		}
		require.Equal(t, by.ID, p.Holder())
		for _, c := range p.Credentials() {
			require.NoError(t, w.origin(t, c))
			require.Equal(t, drone.ID, by.ID)
		}
		for _, other := range []vc.Challenge{{Nonce: "another", Domain: asked.Domain}, {Nonce: asked.Nonce, Domain: "bank.example"}} {
			_, err := v.VerifyPresentation(context.Background(), signed, other, vc.AnyIssuer)
			_, bad := errors.AsType[*vc.RejectError](err)
			require.True(t, bad, "%v", err)
		}
	})
}
