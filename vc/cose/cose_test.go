package cose_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/cosesign1"
	"github.com/hourmeter/hourmeter/internal/secp256k1"
	"github.com/hourmeter/hourmeter/keystore"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/cose"
)

var formats = map[string]vc.Format{"vc+cose": cose.Format{}, "CWT": cose.CWT{}}

func verifier(t testing.TB) *vc.Verifier {
	return &vc.Verifier{Formats: []vc.Format{cose.Format{}, cose.CWT{}}, Now: func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }}
}

// Each kind of key signs each form, and a presentation shows both.
func TestIssueVerifyPresent(t *testing.T) {
	ctx, verifier := context.Background(), verifier(t)
	for _, alg := range []keystore.Algorithm{keystore.Ed25519, keystore.P256, keystore.P384, keystore.Secp256k1} {
		key, err := new(keystore.Memory).Create(ctx, "k", alg)
		if errors.Is(err, secp256k1.ErrLeftOut) {
			continue
		}
		require.NoError(t, err)
		for _, newDID := range []func(crypto.PublicKey) (did.DID, error){did.NewKey, did.NewJWK} {
			id, err := newDID(key.Public())
			require.NoError(t, err)
			by := vc.Issuer{ID: id, Key: key, Now: service(t).Now}
			c := maintenance(t)
			c.Subject, c.ValidUntil = id, by.Now().AddDate(1, 0, 0)
			shown := map[string][]byte{}
			for name, f := range formats {
				by.Format = f
				raw, err := by.Issue(c)
				require.NoError(t, err, "%v %s", alg, name)
				v, err := verifier.Verify(ctx, raw, vc.IssuedBy(id))
				require.NoError(t, err, "%v %s", alg, name)
				require.Equal(t, map[string]string{"vc+cose": cose.MediaTypeCredential, "CWT": cose.MediaTypeCWT}[name], v.MediaType())
				require.Equal(t, []did.DID{id}, v.Signers())
				require.True(t, by.Now().Equal(v.Created()))
				require.Equal(t, string(raw), v.Raw())
				shown[name] = []byte(v.JSON())
			}
			for name, f := range formats {
				ch := vc.NewChallenge("lease.example")
				holder := vc.Holder{ID: id, Key: key, Format: f, Now: by.Now}
				raw, err := holder.Present(ch, shown["vc+cose"], shown["CWT"])
				require.NoError(t, err, "%v %s", alg, name)
				p, err := verifier.VerifyPresentation(ctx, raw, ch, vc.AnyIssuer)
				require.NoError(t, err, "%v %s", alg, name)
				require.Equal(t, id, p.Holder())
				require.Len(t, p.Credentials(), 2)
				require.Equal(t, p.Credentials()[0].Digest(), p.Credentials()[1].Digest(), "the same content in both forms")

				_, err = verifier.VerifyPresentation(ctx, raw, vc.NewChallenge("lease.example"), vc.AnyIssuer)
				require.ErrorIs(t, err, vc.ErrChallenge, "reused nonce")
				_, err = verifier.VerifyPresentation(ctx, raw, vc.Challenge{Nonce: ch.Nonce, Domain: "other.example"}, vc.AnyIssuer)
				require.ErrorIs(t, err, vc.ErrDomain)
				_, err = verifier.Verify(ctx, raw, vc.AnyIssuer)
				require.ErrorIs(t, err, vc.ErrMalformed, "a presentation is no credential")
				_, err = verifier.VerifyPresentation(ctx, shown[name], ch, vc.AnyIssuer)
				require.ErrorIs(t, err, vc.ErrMalformed, "a credential is no presentation")
			}
		}
	}
}

// credential is the text of a good one by the service.
const credential = `{"@context":["https://www.w3.org/ns/credentials/v2","https://w3id.org/hourmeter/v1"],"type":["VerifiableCredential","DecommissioningCredential"],` +
	`"issuer":"ISSUER","validFrom":"2026-11-21T16:30:00Z","credentialSubject":{"id":"ISSUER","eventTime":"2026-11-21T16:00:00Z"}}`

func good(t testing.TB) string {
	return strings.ReplaceAll(credential, "ISSUER", service(t).ID.String())
}

// seal writes a vc+cose with parts of the caller's choice.
func seal(t testing.TB, m cosesign1.Message, key crypto.Signer) []byte {
	t.Helper()
	raw, err := cosesign1.Sign(key, &m)
	require.NoError(t, err)
	return raw
}

func claim(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestRefusals(t *testing.T) {
	ctx, v := context.Background(), verifier(t)
	by, other := service(t), issuer(t, 9)
	kid, others := []byte(by.ID.URL(by.ID.Identifier()).String()), []byte(other.ID.URL(other.ID.Identifier()).String())
	vcTyp, content := cose.MediaTypeCredential, "application/vc"
	doc := []byte(good(t))
	text := func(s string) string { return hex.EncodeToString(cbor.AppendText(nil, s)) }
	m := func(change func(*cosesign1.Message)) []byte {
		m := cosesign1.Message{Typ: vcTyp, ContentType: content, Kid: kid, Payload: doc}
		change(&m)
		return seal(t, m, by.Key)
	}
	plain := m(func(*cosesign1.Message) {})
	_, err := v.Verify(ctx, plain, vc.AnyIssuer)
	require.NoError(t, err)
	p256, err := new(keystore.Memory).Create(ctx, "k", keystore.P256)
	require.NoError(t, err)

	for _, test := range []struct {
		name   string
		raw    []byte
		reason error
		want   string
	}{
		{"wrong key", seal(t, cosesign1.Message{Typ: vcTyp, Kid: kid, Payload: doc}, other.Key), vc.ErrProof, "does not match"},
		{"kid of another DID", seal(t, cosesign1.Message{Typ: vcTyp, Kid: others, Payload: doc}, other.Key), vc.ErrIssuer, ""},
		{"kid of another DID, and the issuer's key", m(func(m *cosesign1.Message) { m.Kid = others }), vc.ErrProof, "does not match"},
		{"swapped algorithm", seal(t, cosesign1.Message{Typ: vcTyp, Kid: kid, Payload: doc}, p256), vc.ErrProof, "alg is ES256, and the key signs with EdDSA"},
		{"altered claim", bytes.Replace(plain, []byte("16:00:00Z"), []byte("15:00:00Z"), 1), vc.ErrProof, "does not match"},
		{"altered header", bytes.Replace(plain, []byte("application/vc\x04"), []byte("application/vC\x04"), 1), vc.ErrMalformed, "content type"},
		{"stripped signature", append(bytes.Clone(plain[:len(plain)-66]), 0x40), vc.ErrMalformed, "0 bytes, EdDSA has 64"},
		{"no tag", plain[1:], vc.ErrMalformed, "without a tag"},
		{"CWT tag", append([]byte{0xd8, 61}, plain...), vc.ErrMalformed, "the tag 61"},
		{"trailing bytes", append(bytes.Clone(plain), 0), vc.ErrMalformed, "bytes follow"},
		{"oversized", m(func(m *cosesign1.Message) {
			m.Payload = append(doc, bytes.Repeat([]byte(" "), vc.MaxCredentialBytes)...)
		}), vc.ErrLimit, "at most 262144"},
		{"deep nesting", m(func(m *cosesign1.Message) { m.Payload = []byte(strings.Repeat("[", 33) + strings.Repeat("]", 33)) }), vc.ErrMalformed, "nested more than the 32"},
		{"duplicate member", m(func(m *cosesign1.Message) {
			m.Payload = []byte(strings.Replace(good(t), `"issuer"`, `"issuer":"did:web:a.example","issuer"`, 1))
		}), vc.ErrMalformed, "a second member"},
		{"case-variant member", m(func(m *cosesign1.Message) {
			m.Payload = []byte(strings.Replace(good(t), `"issuer"`, `"Issuer":"did:web:a.example","issuer"`, 1))
		}), vc.ErrMalformed, "case-sensitive"},
		{"undefined term", m(func(m *cosesign1.Message) {
			m.Payload = []byte(strings.Replace(good(t), `"eventTime"`, `"colour":"red","eventTime"`, 1))
		}), vc.ErrContext, "colour"},
		{"unknown context", m(func(m *cosesign1.Message) {
			m.Payload = []byte(strings.Replace(good(t), "https://w3id.org/hourmeter/v1", "https://a.example/v1", 1))
		}), vc.ErrContext, "https://a.example/v1"},
		{"payload that is not JSON", m(func(m *cosesign1.Message) { m.Payload = []byte("hi") }), vc.ErrMalformed, "payload"},
		{"another media type", m(func(m *cosesign1.Message) { m.Typ = "really/bad" }), vc.ErrMalformed, `typ (16) is "really/bad"`},
		{"media type without application/", m(func(m *cosesign1.Message) { m.Typ = "vc+cose" }), vc.ErrMalformed, "typ (16)"},
		{"media type of the draft", m(func(m *cosesign1.Message) { m.Typ = "application/vc-ld+cose" }), vc.ErrMalformed, "typ (16)"},
		{"no media type at all", m(func(m *cosesign1.Message) { m.Typ, m.ContentType = "", "" }), vc.ErrMalformed, "typ (16)"},
		{"another content type", m(func(m *cosesign1.Message) { m.ContentType = "text/plain" }), vc.ErrMalformed, "content type (3)"},
		{"vp+cose as a credential", m(func(m *cosesign1.Message) { m.Typ, m.ContentType = cose.MediaTypePresentation, "" }), vc.ErrMalformed, "presentation"},
		{"content type of a presentation", m(func(m *cosesign1.Message) { m.ContentType = "application/vp" }), vc.ErrMalformed, "content type (3)"},
		{"no kid, and an issuer with many keys", m(func(m *cosesign1.Message) {
			m.Kid, m.Payload = nil, []byte(strings.ReplaceAll(credential, "ISSUER", "did:web:a.example"))
		}), vc.ErrMalformed, "kid (4) is missing"},
		{"no kid, and no issuer", m(func(m *cosesign1.Message) { m.Kid, m.Payload = nil, []byte("{}") }), vc.ErrMalformed, "kid (4) is missing"},
		{"kid that is a thumbprint, of an issuer without a DID", m(func(m *cosesign1.Message) {
			m.Kid, m.Payload = []byte("73voMXFNmNlOEpuYCSJlh8eN0dscykoO6gBukgRS1uU"), []byte(strings.ReplaceAll(credential, "ISSUER", "https://example.issuer/vc-jose-cose"))
		}), vc.ErrMalformed, "want the DID URL"},
		{"kid that is a thumbprint, of another key", m(func(m *cosesign1.Message) { m.Kid = []byte("73voMXFNmNlOEpuYCSJlh8eN0dscykoO6gBukgRS1uU") }), vc.ErrProof, "key did:key"},
		{"aud of a credential", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 03"+text("lease.example")) }), vc.ErrMalformed, "answer a challenge"},
		{"nonce of a credential", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 0a 48 3132333435363738") }), vc.ErrMalformed, "answer a challenge"},
		{"kid that is a DID", m(func(m *cosesign1.Message) { m.Kid = []byte(by.ID.String()) }), vc.ErrMalformed, "has no fragment"},
		{"kid that is not UTF-8", m(func(m *cosesign1.Message) { m.Kid = []byte("did:web:\xff#k") }), vc.ErrMalformed, "want the DID URL"},
		{"kid of an unknown key", m(func(m *cosesign1.Message) { m.Kid = []byte("#k") }), vc.ErrProof, "key did:key"},
		{"iss that is not the issuer", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 01"+text("did:web:a.example")) }), vc.ErrMalformed, "iss is"},
		{"expired envelope", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 04 1a 6a000000") }), vc.ErrExpired, "the envelope ended"},
		{"envelope not yet valid", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 05 1a 7a000000") }), vc.ErrNotYetValid, "the envelope starts"},
		{"signed in the future", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 06 1a 7a000000") }), vc.ErrProof, "yet to come"},
		{"expired", m(func(m *cosesign1.Message) {
			m.Payload = []byte(strings.Replace(good(t), `"validFrom"`, `"validUntil":"2026-11-21T18:00:00Z","validFrom"`, 1))
		}), vc.ErrExpired, ""},
		{"not yet valid", m(func(m *cosesign1.Message) {
			m.Payload = []byte(strings.Replace(good(t), "2026-11-21T16:30", "2026-11-23T16:30", 1))
		}), vc.ErrNotYetValid, ""},
		{"time that is text", m(func(m *cosesign1.Message) { m.Claims = claim(t, "a1 06 61 30") }), vc.ErrMalformed, "claim 6"},
		{"claim twice", nil, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.raw == nil {
				_, err := cosesign1.Sign(by.Key, &cosesign1.Message{Claims: claim(t, "a2 06 01 06 01"), Payload: doc})
				require.ErrorContains(t, err, "a key twice")
				return
			}
			_, err := v.Verify(ctx, test.raw, vc.AnyIssuer)
			rej, ok := errors.AsType[*vc.RejectError](err)
			require.True(t, ok, "%v", err)
			require.ErrorIs(t, rej.Reason, test.reason, "%v", err)
			require.ErrorContains(t, err, test.want)
		})
	}

	// What may be left out or be there.
	for _, raw := range [][]byte{
		m(func(m *cosesign1.Message) { m.ContentType = "" }),
		m(func(m *cosesign1.Message) { m.Typ = "" }),
		m(func(m *cosesign1.Message) { m.Kid = []byte("#" + by.ID.Identifier()) }),
		m(func(m *cosesign1.Message) { m.Kid = []byte(by.ID.Identifier()) }),
		m(func(m *cosesign1.Message) { m.Kid = nil }),
		m(func(m *cosesign1.Message) {
			m.Claims = claim(t, "a3 01"+text(by.ID.String())+"06 1a 6a000000 1903e8 00")
		}),
	} {
		_, err := v.Verify(ctx, raw, vc.AnyIssuer)
		require.NoError(t, err)
	}
}

// The same of the CWT form: what its own tests do not have.
func TestCWTIsRefused(t *testing.T) {
	ctx, v := context.Background(), verifier(t)
	by, other := *service(t), issuer(t, 9)
	by.Format = cose.CWT{}
	issue := func(by vc.Issuer, change func(c *vc.Credential)) []byte {
		c := maintenance(t)
		change(c)
		raw, err := by.Issue(c)
		require.NoError(t, err)
		return raw
	}
	plain := issue(by, func(*vc.Credential) {})
	parsed, err := cosesign1.Parse(plain, len(plain))
	require.NoError(t, err)
	key, err := new(keystore.Memory).Create(ctx, "k", keystore.P256)
	require.NoError(t, err)
	stranger, early := by, by
	stranger.ID, stranger.Key = other.ID, other.Key
	early.Now = func() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }

	for _, test := range []struct {
		name   string
		raw    []byte
		reason error
		want   string
	}{
		{"wrong key", seal(t, cosesign1.Message{Payload: parsed.Payload}, other.Key), vc.ErrProof, "does not match"},
		{"swapped algorithm", seal(t, cosesign1.Message{Payload: parsed.Payload}, key), vc.ErrProof, "alg is ES256, and the key signs with EdDSA"},
		{"kid of another DID", seal(t, cosesign1.Message{Kid: []byte(other.ID.String() + "#" + other.ID.Identifier()), Payload: parsed.Payload}, other.Key), vc.ErrIssuer, ""},
		{"altered claim", bytes.Replace(plain, []byte{0x15, 0x19, 0x03, 0x2c}, []byte{0x15, 0x19, 0x03, 0x2d}, 1), vc.ErrProof, "does not match"},
		{"altered label", bytes.Replace(plain, []byte{0x0f, 0x41, 0x31}, []byte{0x0f, 0x41, 0x32}, 1), vc.ErrProof, "does not match"},
		{"stripped signature", append(bytes.Clone(plain[:len(plain)-66]), 0x40), vc.ErrMalformed, "0 bytes, EdDSA has 64"},
		{"detached payload", append(append(bytes.Clone(plain[:7]), 0xf6), plain[len(plain)-66:]...), vc.ErrMalformed, "detached"},
		{"alg only in the unprotected header", append([]byte{0xd2, 0x84, 0x40, 0xa1, 0x01, 0x27}, plain[7:]...), vc.ErrMalformed, "alg (1) is missing"},
		{"crit that nobody knows", append([]byte{0xd2, 0x84, 0x48, 0xa3, 1, 0x27, 2, 0x81, 9, 9, 0}, plain[6:]...), vc.ErrMalformed, "crit (2)"},
		{"no tag", plain[1:], vc.ErrMalformed, "without a tag"},
		{"trailing bytes", append(bytes.Clone(plain), 0), vc.ErrMalformed, "bytes follow"},
		{"expired", issue(by, func(c *vc.Credential) { c.ValidUntil = by.Now().Add(time.Hour) }), vc.ErrExpired, ""},
		{"not yet valid", issue(by, func(c *vc.Credential) { c.ValidFrom = by.Now().AddDate(1, 0, 0) }), vc.ErrNotYetValid, ""},
		{"signed in the future", issue(early, func(c *vc.Credential) { c.ValidFrom = by.Now() }), vc.ErrProof, "yet to come"},
		{"not accepted", issue(stranger, func(*vc.Credential) {}), vc.ErrNotAccepted, "not on the list"},
		{"status that nobody checks", issue(by, func(c *vc.Credential) {
			c.Members["credentialStatus"] = map[string]any{"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "7", "statusListCredential": "https://a.example/1"}
		}), nil, "was not checked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := v.Verify(ctx, test.raw, vc.IssuedBy(by.ID))
			require.ErrorContains(t, err, test.want)
			rej, ok := errors.AsType[*vc.RejectError](err)
			require.Equal(t, test.reason != nil, ok, "%v", err)
			if ok {
				require.ErrorIs(t, rej.Reason, test.reason, "%v", err)
			}
		})
	}
}

// Who answers is who is said to in what was signed. Another party whose document lists the same key could else put its
// own kid where nobody signs it, and have the answer.
func TestAnswerOfWhoeverHasTheKey(t *testing.T) {
	holder := issuer(t, 1)
	ch := vc.Challenge{Nonce: "n-0S6_WzA2Mj", Domain: "lease.example"}
	payload := func(holder string) []byte {
		return []byte(`{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"]` + holder + `}`)
	}
	claims := cbor.AppendText(cbor.AppendInt(cbor.AppendMap(nil, 2), 3), ch.Domain)
	claims = cbor.AppendBytes(cbor.AppendInt(claims, 10), []byte(ch.Nonce))
	answer := func(payload []byte, kid string) []byte {
		raw := seal(t, cosesign1.Message{Typ: cose.MediaTypePresentation, Claims: claims, Payload: payload}, holder.Key)
		const empty = 0xa0 // the unprotected header, behind the protected one
		r := cbor.NewReader(raw[2:])
		_, err := r.Bytes()
		require.NoError(t, err)
		at := 2 + r.Offset()
		require.EqualValues(t, empty, raw[at])
		header := cbor.AppendBytes(cbor.AppendInt(cbor.AppendMap(nil, 1), 4), []byte(kid))
		return slices.Concat(raw[:at], header, raw[at+1:])
	}
	v := verifier(t)
	kid := holder.ID.URL(holder.ID.Identifier()).String()
	p, err := v.VerifyPresentation(t.Context(), answer(payload(`,"holder":"`+holder.ID.String()+`"`), kid), ch, vc.AnyIssuer)
	require.NoError(t, err)
	require.Equal(t, holder.ID, p.Holder())
	_, err = v.VerifyPresentation(t.Context(), answer(payload(""), kid), ch, vc.AnyIssuer)
	require.ErrorIs(t, err, vc.ErrMalformed)
	require.ErrorContains(t, err, "nothing that is signed says who signed")
}

// An Ed25519 signature has one form. An ECDSA signature has two, of the same digest.
func TestMalleability(t *testing.T) {
	ctx, v := context.Background(), verifier(t)
	for name, f := range formats {
		by := *service(t)
		by.Format = f
		raw, err := by.Issue(maintenance(t))
		require.NoError(t, err)
		s := raw[len(raw)-32:]
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		reverse := func() {
			for i := range 16 {
				s[i], s[31-i] = s[31-i], s[i]
			}
		}
		reverse()
		new(big.Int).Add(order, new(big.Int).SetBytes(s)).FillBytes(s)
		reverse()
		_, err = v.Verify(ctx, raw, vc.AnyIssuer)
		require.ErrorIs(t, err, vc.ErrProof, "%s: S beyond the order", name)

		key, err := new(keystore.Memory).Create(ctx, "k", keystore.P256)
		require.NoError(t, err)
		id, err := did.NewKey(key.Public())
		require.NoError(t, err)
		by.ID, by.Key = id, key
		raw, err = by.Issue(maintenance(t))
		require.NoError(t, err)
		first, err := v.Verify(ctx, raw, vc.AnyIssuer)
		require.NoError(t, err)
		n, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
		other := bytes.Clone(raw)
		new(big.Int).Sub(n, new(big.Int).SetBytes(raw[len(raw)-32:])).FillBytes(other[len(other)-32:])
		second, err := v.Verify(ctx, other, vc.AnyIssuer)
		require.NoError(t, err, "%s: the other s", name)
		require.Equal(t, first.Digest(), second.Digest())
	}
}

// A flipped bit of any byte is noticed, and refused.
func TestAnyFlippedBitIsNoticed(t *testing.T) {
	v := verifier(t)
	for name, f := range formats {
		by := *service(t)
		by.Format = f
		raw, err := by.Issue(maintenance(t))
		require.NoError(t, err)
		for i := range raw {
			raw[i] ^= 1 << (i % 8)
			_, err := v.Verify(context.Background(), raw, vc.AnyIssuer)
			_, refused := errors.AsType[*vc.RejectError](err)
			// A kid that names no did:key any more could not be checked.
			require.True(t, refused || err != nil && strings.Contains(err.Error(), "key did:"), "%s, byte %d: %v", name, i, err)
			raw[i] ^= 1 << (i % 8)
		}
	}
}

// Seal refuses what Open would.
func TestSealRefuses(t *testing.T) {
	by := service(t)
	base := vc.Envelope{Document: []byte(good(t)), Method: by.ID.URL(by.ID.Identifier()), Created: time.Unix(1_800_000_000, 0)}
	show := base
	show.Document, show.Presentation, show.Nonce, show.Audience = []byte(`{"holder":"`+by.ID.String()+`"}`), true, "0123456789", []string{"lease.example"}
	for name, f := range formats {
		for _, test := range []struct {
			name   string
			change func(c, p *vc.Envelope)
			want   string
		}{
			{"no method", func(c, _ *vc.Envelope) { c.Method = did.URL{} }, "seal"},
			{"method without a fragment", func(c, _ *vc.Envelope) { c.Method.Fragment = "" }, "seal"},
			{"document that is not JSON", func(c, _ *vc.Envelope) { c.Document = []byte("hi") }, "seal"},
			{"document that is no object", func(c, _ *vc.Envelope) { c.Document = []byte(strings.Repeat("[", 40) + strings.Repeat("]", 40)) }, "nested"},
			{"member twice", func(c, _ *vc.Envelope) { c.Document = []byte(`{"id":"a","id":"b"}`) }, "a second member"},
			{"oversized", func(c, _ *vc.Envelope) {
				c.Document = []byte(`{"name":"` + strings.Repeat("x", vc.MaxCredentialBytes) + `"}`)
			}, "are read"},
			{"created with a fraction of a second", func(c, _ *vc.Envelope) { c.Created = time.Unix(1, 5) }, "whole second"},
			{"created before 1970", func(c, _ *vc.Envelope) { c.Created = time.Unix(-1, 0) }, "whole second"},
			{"short nonce", func(_, p *vc.Envelope) { p.Nonce = "1234567" }, "a nonce of 7 bytes"},
			{"long nonce", func(_, p *vc.Envelope) { p.Nonce = strings.Repeat("x", 65) }, "a nonce of 65 bytes"},
			{"nonce that is not UTF-8", func(_, p *vc.Envelope) { p.Nonce = "\xff2345678" }, "UTF-8"},
			{"audience that is not UTF-8", func(_, p *vc.Envelope) { p.Audience = []string{"\xff"} }, "UTF-8"},
			{"too many in the audience", func(_, p *vc.Envelope) { p.Audience = make([]string, 17) }, "array of 1 to 16"},
			{"status that is none", func(c, _ *vc.Envelope) { c.Status = []byte(`{"status_list":{"idx":-1,"uri":"x"}}`) }, "status"},
			{"status that is not JSON", func(c, _ *vc.Envelope) { c.Status = []byte(`x`) }, "status"},
			{"selective disclosure", func(c, _ *vc.Envelope) { c.Selective = true }, "no place"},
		} {
			c, p := base, show
			test.change(&c, &p)
			_, errC := f.Seal(by.Key, &c)
			_, errP := f.Seal(by.Key, &p)
			require.ErrorContains(t, errors.Join(errC, errP), test.want, "%s: %s", name, test.name)
		}
		c, p := base, show
		c.Status = []byte(`{ "status_list": { "uri": "https://a.example/1", "idx": 7 } }`)
		raw, err := f.Seal(by.Key, &c)
		require.NoError(t, err, name)
		e, err := f.Open(raw)
		require.NoError(t, err)
		require.Equal(t, `{"status_list":{"idx":7,"uri":"https://a.example/1"}}`, string(e.Status))
		p.Audience = []string{"a.example", "b.example"}
		raw, err = f.Seal(by.Key, &p)
		require.NoError(t, err)
		e, err = f.Open(raw)
		require.NoError(t, err)
		require.Equal(t, p.Audience, e.Audience)
	}
	c := base
	c.NotBefore = base.Created
	_, err := cose.CWT{}.Seal(by.Key, &c)
	require.ErrorContains(t, err, "validFrom")
	raw, err := cose.Format{}.Seal(by.Key, &c)
	require.NoError(t, err)
	e, err := cose.Format{}.Open(raw)
	require.NoError(t, err)
	require.True(t, e.NotBefore.Equal(c.NotBefore))
}

// The two formats do not claim each other's, nor JSON and JOSE.
func TestRecognizes(t *testing.T) {
	by := *service(t)
	by.Format = cose.Format{}
	vcCose, err := by.Issue(maintenance(t))
	require.NoError(t, err)
	by.Format = cose.CWT{}
	cwt, err := by.Issue(maintenance(t))
	require.NoError(t, err)
	for _, test := range []struct {
		name, mediaType string
		raw             []byte
		format, cwt     bool
	}{
		{"vc+cose", "", vcCose, true, false},
		{"CWT", "", cwt, false, true},
		{"vc+cose by name", cose.MediaTypeCredential, cwt, true, false},
		{"vp+cose by name", cose.MediaTypePresentation, nil, true, false},
		{"CWT by name", cose.MediaTypeCWT, vcCose, false, true},
		{"JWT by name", "application/vc+jwt", vcCose, false, false},
		{"JSON", "", []byte(`{}`), false, false},
		{"JWT", "", []byte("eyJhbGciOiJFUzI1NiJ9.e30.AA"), false, false},
		{"nothing", "", nil, false, false},
		{"no tag: either says so", "", vcCose[1:], true, true},
		{"CWT tag", "", append([]byte{0xd8, 61}, cwt...), false, true},
	} {
		require.Equal(t, test.format, cose.Format{}.Recognizes(test.mediaType, test.raw), test.name)
		require.Equal(t, test.cwt, cose.CWT{}.Recognizes(test.mediaType, test.raw), test.name)
	}
	_, err = cose.Format{}.Open(cwt)
	require.Error(t, err)
	_, err = cose.CWT{}.Open(vcCose)
	require.Error(t, err)
}
