package peer

import (
	"context"
	"crypto"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Key is a public key, of a type that [did.NewKey] takes but ML-DSA, and what it is for.
type Key struct {
	Use    did.Relationship
	Public crypto.PublicKey
}

// New0 returns the did:peer of one key, which has every role that such keys can have.
func New0(pub crypto.PublicKey) (did.DID, error) {
	key, err := did.NewKey(pub)
	if err != nil {
		return did.DID{}, err
	}
	return did.Parse("did:peer:0" + key.Identifier())
}

// New2 returns the did:peer of numalgo 2 for these keys and services. The keys are named
// #key-1, #key-2 and so on; a key for two roles is listed twice. The ID of a service is a
// [did.URL] with a Fragment and no DID; one without is named #service, #service-1 and so on.
func New2(keys []Key, services ...did.Service) (did.DID, error) {
	var b strings.Builder
	b.WriteString("did:peer:2")
	for _, key := range keys {
		mb, err := encode(key)
		if err != nil {
			return did.DID{}, err
		}
		b.WriteByte('.')
		b.WriteByte(codeOf(key.Use))
		b.WriteString(mb)
	}
	for _, s := range services {
		v, err := service(s)
		if err != nil {
			return did.DID{}, err
		}
		// What looks like an abbreviation would come back as what it abbreviates.
		if string(respell(nil, v, expand, false)) != string(respell(nil, v, asItIs, false)) {
			return did.DID{}, fmt.Errorf("peer: numalgo 2 has no service with a member named t, s, r or a, or of type dm: use New4")
		}
		b.WriteString(".S")
		b.WriteString(base64.RawURLEncoding.EncodeToString(respell(nil, v, abbreviate, false)))
	}
	id, err := did.Parse(b.String())
	if err != nil {
		return did.DID{}, err
	}
	return id, check(id, keys, func(i int) string { return "key-" + strconv.Itoa(i+1) })
}

// New4 returns the long form of the did:peer of numalgo 4 for these keys and services, named
// as [New2] names them, but a key for two roles has one name.
func New4(keys []Key, services ...did.Service) (did.DID, error) {
	var methods, texts []byte
	var known []string
	names := make([]string, len(keys))
	refs := map[did.Relationship][]byte{}
	for i, key := range keys {
		mb, err := encode(key)
		if err != nil {
			return did.DID{}, err
		}
		at := slices.Index(known, mb)
		if at < 0 {
			at = len(known)
			known = append(known, mb)
			methods = fmt.Appendf(methods, `,{"id":"#key-%d","type":"Multikey","publicKeyMultibase":"%s"}`, at+1, mb)
		}
		names[i] = "key-" + strconv.Itoa(at+1)
		refs[key.Use] = fmt.Appendf(refs[key.Use], `,"#%s"`, names[i])
	}
	unnamed := 0
	for _, s := range services {
		if s.ID.IsZero() {
			s.ID.Fragment = serviceName(unnamed)[1:]
			unnamed++
		}
		v, err := service(s)
		if err != nil {
			return did.DID{}, err
		}
		texts = append(append(texts, ','), v.Raw()...)
	}
	input := append([]byte{'{'}, contexts...)
	list := func(name string, entries []byte) {
		if len(entries) > 0 {
			input = fmt.Appendf(input, `,"%s":[%s]`, name, entries[1:])
		}
	}
	list("verificationMethod", methods)
	for _, p := range purposes {
		list(string(p.use), refs[p.use])
	}
	list("service", texts)
	id, err := New4Document(append(input, '}'))
	if err != nil {
		return did.DID{}, err
	}
	return id, check(id, keys, func(i int) string { return names[i] })
}

// New4Document returns the long form of the did:peer of numalgo 4 for a document in JSON as
// it is before there is a DID (the method's "Input Document"): without an id, ids of methods
// and services relative, as in "#key-1", and no controller where it is the DID itself.
func New4Document(input []byte) (did.DID, error) {
	compact := jsontext.Value(slices.Clone(input))
	if err := compact.Compact(); err != nil {
		return did.DID{}, fmt.Errorf("peer: the document is not JSON: %w", err)
	}
	encoded := multikey.EncodeBase58(append([]byte(multicodecJSON), compact...))
	id, err := did.Parse("did:peer:4" + hash(encoded) + ":" + encoded)
	if err != nil {
		return did.DID{}, err
	}
	return id, check(id, nil, nil)
}

// encode returns a key as Multikey.
func encode(key Key) (string, error) {
	if codeOf(key.Use) == 0 {
		return "", fmt.Errorf("peer: %q is no verification relationship", key.Use)
	}
	id, err := did.NewKey(key.Public)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(id.Identifier(), "z") {
		return "", fmt.Errorf("%w: a %T does not fit into a did:peer", did.ErrKeyNotSupported, key.Public)
	}
	return id.Identifier(), nil
}

// check resolves what was minted: what is refused is not minted, and each key can do what it
// is there for.
func check(id did.DID, keys []Key, name func(int) string) error {
	res, err := Resolver{}.Resolve(context.Background(), id, did.Version{})
	if err != nil {
		return fmt.Errorf("peer: this would make a DID that is refused: %w", err)
	}
	for i, key := range keys {
		if _, err := res.Document.KeyAt(id.URL(name(i)), key.Use, time.Time{}); err != nil {
			return fmt.Errorf("peer: key %d: %w", i+1, err)
		}
	}
	return nil
}

// service returns a service in JSON, without white space.
func service(s did.Service) (strictjson.Value, error) {
	if s.ID != (did.URL{Fragment: s.ID.Fragment}) {
		return strictjson.Value{}, fmt.Errorf("peer: the ID of a service is a fragment, without a DID, and not %s", s.ID)
	}
	out := []byte{'{'}
	name := func(name string) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, name)
		out = append(out, ':')
	}
	texts := func(texts []string) {
		for i, text := range texts {
			if i > 0 {
				out = append(out, ',')
			} else if len(texts) > 1 {
				out = append(out, '[')
			}
			if strings.HasPrefix(text, "{") {
				out = append(out, text...)
			} else {
				out, _ = jsontext.AppendQuote(out, text)
			}
		}
		if len(texts) > 1 {
			out = append(out, ']')
		}
	}
	if s.ID.Fragment != "" {
		name("id")
		texts([]string{"#" + s.ID.Fragment})
	}
	if len(s.Type) == 0 || len(s.Endpoint) == 0 {
		return strictjson.Value{}, fmt.Errorf("peer: a service has a type and an endpoint")
	}
	name("type")
	texts(s.Type)
	name("serviceEndpoint")
	texts(s.Endpoint)
	for _, m := range s.Extra {
		name(m.Name)
		out = append(out, m.Value...)
	}
	compact := jsontext.Value(append(out, '}'))
	err := compact.Compact()
	if err == nil {
		var parsed *strictjson.Document
		if parsed, err = strictjson.Parse(compact, strictjson.Limits{Bytes: did.MaxLength}); err == nil {
			return parsed.Root(), nil
		}
	}
	return strictjson.Value{}, fmt.Errorf("peer: this service cannot be written: %w", err)
}
