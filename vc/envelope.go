package vc

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Format is a way to secure credentials and presentations from outside, by an
// enveloping proof (VCDM 2.0 §4.12), as JOSE, COSE and SD-JWT do. It knows
// signatures and encodings; a [Verifier] resolves keys and makes all the checks
// that do not depend on the format. Implementations are safe for concurrent use.
type Format interface {
	// Recognizes reports whether raw looks like this format. mediaType is what a
	// data: URL says of it, "" if nobody said.
	Recognizes(mediaType string, raw []byte) bool
	// Open reads raw, strictly, and believes none of it. Whatever its error says,
	// raw is malformed.
	Open(raw []byte) (*Envelope, error)
	// Seal signs e.Document with key. Document, Presentation, Method and Created
	// of e are set; of a presentation also Nonce and Audience.
	Seal(key crypto.Signer, e *Envelope) ([]byte, error)
}

// An Envelope is a secured credential or presentation of some [Format], taken
// apart. Nothing in it has been checked but its form.
type Envelope struct {
	MediaType    string    // such as "application/vc+jwt"
	Presentation bool      // Document is a presentation, not a credential
	Document     []byte    // the credential or presentation in JSON, without the envelope's own claims
	Method       did.URL   // the verification method that is said to have signed
	Created      time.Time // when it says it was signed; zero if it does not say
	NotBefore    time.Time // the envelope's own period, beside the document's;
	Expires      time.Time // zero times do not bound it
	Nonce        string    // of a presentation: the challenge it answers
	Audience     []string  // of a presentation: the domain it was made for
	Status       []byte    // a Token Status List's "status" claim, as JSON; nil if there is none
	Selective    bool      // the holder may have left out something that the issuer signed
	// Chain are the certificates that came along for a Method that is resolved by them, in DER
	// and leaf first: a did:x509. A stranger put them there, and nothing is believed of them.
	Chain [][]byte

	// Verify checks the signature with the key of Method.
	Verify func(key crypto.PublicKey) error
	// Binding is the holder's answer to a challenge, in formats that append one
	// to a credential; nil if there is none.
	Binding *KeyBinding
}

// MaxBindingAge is how old a [KeyBinding] may be (RFC 9901 §7.3 step 5.5). What keeps an
// answer from being given twice is its nonce; this bounds how long one that nobody has
// seen stays good. It is signed after a person has agreed, and sent at once: minutes are
// for networks that are slow.
const MaxBindingAge = 5 * time.Minute

// A KeyBinding is a holder's signature under one credential: it makes a
// presentation of it.
type KeyBinding struct {
	Nonce     string           // the challenge that it answers
	Audience  []string         // the domain that it was made for
	Created   time.Time        // when it says it was made: see MaxBindingAge
	NotBefore time.Time        // its own period;
	Expires   time.Time        // zero times do not bound it
	Key       crypto.PublicKey // the holder's key, in the issuer's words; nil if the issuer named a Method
	Method    did.URL          // the holder's verification method, in the issuer's words; zero if there is a Key
	// Verify checks the signature with Key, or the key of Method.
	Verify func(key crypto.PublicKey) error
}

// Enveloped returns the JSON object that stands for a credential of a [Format]
// in a presentation, or in any other JSON: an EnvelopedVerifiableCredential
// (VCDM 2.0 §4.13.1). mediaType is that of the format, such as "application/vc+jwt".
func Enveloped(mediaType string, credential []byte) []byte {
	text := true // what stands in a data: URL as it is
	for _, c := range credential {
		text = text && (isLetter(c) || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0)
	}
	url := "data:" + mediaType
	if text {
		url += "," + string(credential)
	} else {
		url += ";base64," + base64.StdEncoding.EncodeToString(credential)
	}
	out := []byte(`{"@context":`)
	out = appendQuoted(out, "", ContextCredentials)
	out = appendQuoted(out, `,"id":`, url)
	return append(out, `,"type":"EnvelopedVerifiableCredential"}`...)
}

// unwrap reads what [Enveloped] writes, or the same of a presentation. It
// returns a nil raw if root is of another type.
func unwrap(root strictjson.Value, typ string) (mediaType string, raw []byte, err error) {
	named := func(v strictjson.Value, want string) bool {
		if v.Kind() == strictjson.Array && v.Len() == 1 {
			v = v.First()
		}
		return v.Text() == want
	}
	if !named(root.Member("type"), typ) {
		return "", nil, nil
	}
	for m := root.First(); m.Exists(); m = m.Next() {
		if name := m.Name(); name != "@context" && name != "id" && name != "type" {
			return "", nil, fmt.Errorf("%s: member %.40q: nobody signed what stands outside the envelope", typ, name)
		}
	}
	if !named(root.Member("@context"), ContextCredentials) {
		return "", nil, fmt.Errorf("%s: @context: want %q", typ, ContextCredentials)
	}
	url, isData := strings.CutPrefix(root.Member("id").Text(), "data:")
	mediaType, data, ok := strings.Cut(url, ",")
	if !isData || !ok || data == "" {
		return "", nil, fmt.Errorf("%s: id: want a data: URL with the credential", typ)
	}
	mediaType, packed := strings.CutSuffix(mediaType, ";base64")
	if !packed {
		return mediaType, []byte(data), nil
	}
	raw, err = base64.StdEncoding.Strict().DecodeString(data)
	if err != nil {
		return "", nil, fmt.Errorf("%s: id: %w", typ, err)
	}
	return mediaType, raw, nil
}

// A secured is a credential or presentation, read once: the text that arrived,
// what it says, and its envelope if it has one.
type secured struct {
	raw      string
	root     strictjson.Value
	envelope *Envelope
}

// open makes the one strict parse that all checks work on. wrapper is the type
// of object that an envelope may stand in.
func (v *Verifier) open(raw []byte, limit int, wrapper string) (secured, error) {
	if len(raw) > limit {
		return secured{}, reject(ErrLimit, fmt.Errorf("%d bytes, at most %d are read", len(raw), limit))
	}
	text := bytes.TrimLeft(raw, " \t\r\n")
	object := len(text) == 0 || text[0] == '{'
	if !object {
		if s, err := v.openFormat("", raw, limit); err != nil || s.envelope != nil {
			return s, err
		}
	}
	doc, err := strictjson.Parse(raw, strictjson.Limits{Bytes: limit, Depth: maxDepth})
	if err != nil && !object {
		err = fmt.Errorf("none of the Verifier's Formats reads it, and it is no JSON: %w", err)
	}
	if err != nil {
		return secured{}, reject(ErrMalformed, err)
	}
	return v.unwrapped(doc.Root(), limit, wrapper)
}

// unwrapped opens the envelope that root stands for, if it does.
func (v *Verifier) unwrapped(root strictjson.Value, limit int, wrapper string) (secured, error) {
	mediaType, raw, err := unwrap(root, wrapper)
	if err != nil {
		return secured{}, reject(ErrMalformed, err)
	}
	if raw == nil {
		return secured{raw: root.Raw(), root: root}, nil
	}
	s, err := v.openFormat(mediaType, raw, limit)
	if err == nil && s.envelope == nil {
		err = reject(ErrMalformed, fmt.Errorf("%s: none of the Verifier's Formats reads %.80q", wrapper, mediaType))
	}
	return s, err
}

// openFormat opens raw by the first format that recognizes it; by none, it
// returns no envelope.
func (v *Verifier) openFormat(mediaType string, raw []byte, limit int) (secured, error) {
	for _, f := range v.Formats {
		if !f.Recognizes(mediaType, raw) {
			continue
		}
		e, err := f.Open(raw)
		if err != nil {
			return secured{}, reject(ErrMalformed, err)
		}
		doc, err := strictjson.Parse(e.Document, strictjson.Limits{Bytes: limit, Depth: maxDepth})
		if err != nil {
			return secured{}, reject(ErrMalformed, err)
		}
		return secured{raw: string(raw), root: doc.Root(), envelope: e}, nil
	}
	return secured{}, nil
}

// checkEnvelope checks an enveloping proof: its period, and its signature by a
// key that its owner gives this use.
func (v *Verifier) checkEnvelope(ctx context.Context, e *Envelope, use did.Relationship, at did.Version) error {
	now, skew := clock(v.Now), v.skew()
	switch {
	case e.Created.After(now.Add(skew)):
		return reject(ErrProof, fmt.Errorf("created %s, which is yet to come", stamp(e.Created)))
	case now.Add(skew).Before(e.NotBefore):
		return reject(ErrNotYetValid, fmt.Errorf("the envelope starts %s", stamp(e.NotBefore)))
	case !e.Expires.IsZero() && now.Add(-skew).After(e.Expires):
		return reject(ErrExpired, fmt.Errorf("the envelope ended %s", stamp(e.Expires)))
	}
	r := v.Resolver
	if e.Chain != nil && v.Certificates != nil {
		r = v.Certificates(e.Chain)
	}
	key, err := v.key(ctx, r, e.Method, use, at)
	if err != nil {
		return err
	}
	if err := e.Verify(key); err != nil {
		return reject(ErrProof, fmt.Errorf("%s by %s: %w", e.MediaType, e.Method, err))
	}
	return nil
}

// checkBinding checks a key binding and returns who made it: the subject, if
// the key is one that it authenticates with, or else whoever has the key.
func (v *Verifier) checkBinding(ctx context.Context, b *KeyBinding, subject did.DID) (did.DID, error) {
	now, skew := clock(v.Now), v.skew()
	switch {
	case b.Created.After(now.Add(skew)):
		return did.DID{}, reject(ErrProof, fmt.Errorf("key binding created %s, which is yet to come", stamp(b.Created)))
	case now.Add(-skew).After(b.Created.Add(MaxBindingAge)):
		return did.DID{}, reject(ErrExpired, fmt.Errorf("key binding created %s, and is taken for %s", stamp(b.Created), MaxBindingAge))
	case now.Add(skew).Before(b.NotBefore):
		return did.DID{}, reject(ErrNotYetValid, fmt.Errorf("key binding starts %s", stamp(b.NotBefore)))
	case !b.Expires.IsZero() && now.Add(-skew).After(b.Expires):
		return did.DID{}, reject(ErrExpired, fmt.Errorf("key binding ended %s", stamp(b.Expires)))
	}
	key, holder := b.Key, b.Method.DID
	if key == nil {
		var err error
		if key, err = v.key(ctx, v.Resolver, b.Method, did.Authentication, did.Version{}); err != nil {
			return did.DID{}, err
		}
	}
	if err := b.Verify(key); err != nil {
		return did.DID{}, reject(ErrProof, fmt.Errorf("key binding: %w", err))
	}
	if !holder.IsZero() {
		return holder, nil
	}
	if own, err := v.authenticates(ctx, subject, key); err != nil {
		return did.DID{}, err
	} else if own {
		return subject, nil
	}
	holder, err := did.NewJWK(key)
	if err != nil {
		return did.DID{}, reject(ErrHolder, err)
	}
	return holder, nil
}

// authenticates reports whether key is one that id gives authentication.
func (v *Verifier) authenticates(ctx context.Context, id did.DID, key crypto.PublicKey) (bool, error) {
	if id.IsZero() {
		return false, nil
	}
	r := v.Resolver
	if r == nil {
		r = did.Offline{}
	}
	res, err := r.Resolve(ctx, id, did.Version{})
	switch {
	case errors.Is(err, did.ErrMethodNotSupported) || err != nil && !did.IsAnswer(err):
		return false, fmt.Errorf("vc: is the key of the binding one of %s? %w", id, err)
	case err != nil:
		return false, reject(ErrHolder, err)
	case res == nil || res.Document == nil || res.Document.ID != id:
		return false, fmt.Errorf("vc: the resolver of %s gave another document, or none", id)
	}
	equal, ok := key.(interface{ Equal(crypto.PublicKey) bool })
	for _, ref := range res.Document.Authentication {
		theirs, err := res.Document.Key(ref.ID, did.Authentication)
		if err == nil && ok && equal.Equal(theirs) {
			return true, nil
		}
	}
	return false, nil
}
