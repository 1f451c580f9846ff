package peer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/multikey"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// purposes are the codes of numalgo 2, in the order of the method's table.
var purposes = [...]struct {
	code byte
	use  did.Relationship
}{
	{'A', did.AssertionMethod},
	{'E', did.KeyAgreement},
	{'V', did.Authentication},
	{'I', did.CapabilityInvocation},
	{'D', did.CapabilityDelegation},
}

// codeOf returns the purpose code of a relationship, 0 if there is none.
func codeOf(use did.Relationship) byte {
	for _, p := range purposes {
		if p.use == use {
			return p.code
		}
	}
	return 0
}

// contexts are those of the documents that this package writes.
const contexts = `"@context":["https://www.w3.org/ns/did/v1","https://w3id.org/security/multikey/v1"]`

// resolve0 makes the document of the did:key with the same key, under its own name.
func resolve0(id did.DID) (*did.Resolution, error) {
	key, err := did.Parse("did:key:" + id.Identifier()[1:])
	if err != nil {
		return nil, fmt.Errorf("%w: did:peer, numalgo 0: there is no key", did.ErrInvalidDID)
	}
	res, err := did.Offline{}.Resolve(context.Background(), key, did.Version{})
	if err != nil {
		return nil, fmt.Errorf("did:peer, numalgo 0: %w", err)
	}
	doc := res.Document // freshly made: nobody else has it
	doc.ID = id
	for i := range doc.VerificationMethod {
		m := &doc.VerificationMethod[i]
		m.ID.DID, m.Controller = id, id
	}
	own := func(refs []did.MethodRef) (out []did.MethodRef) {
		for _, ref := range refs {
			out = append(out, did.MethodRef{ID: id.URL(ref.ID.Fragment)})
		}
		return out
	}
	doc.Authentication, doc.AssertionMethod, doc.KeyAgreement = own(doc.Authentication), own(doc.AssertionMethod), own(doc.KeyAgreement)
	doc.CapabilityInvocation, doc.CapabilityDelegation = own(doc.CapabilityInvocation), own(doc.CapabilityDelegation)
	return &did.Resolution{Document: doc}, nil
}

// document2 writes the document of self from the elements of numalgo 2, ".Vz6Mk….SeyJ…".
func document2(elements string, self, other did.DID) ([]byte, error) {
	if !strings.HasPrefix(elements, ".") {
		return nil, fmt.Errorf("%w: did:peer, numalgo 2: want elements like .Vz6Mk…", did.ErrInvalidDID)
	}
	var methods, services []byte
	refs := map[did.Relationship][]byte{}
	keys, unnamed, count := 0, 0, 0
	for n, element := range strings.Split(elements[1:], ".") {
		refuse := func(format string, args ...any) error {
			return fmt.Errorf("%w: did:peer, numalgo 2: element %d %w", did.ErrInvalidDID, n+1, fmt.Errorf(format, args...))
		}
		if element == "" {
			return nil, refuse("is empty")
		}
		code, text := element[0], element[1:]
		if code == 'S' {
			raw, err := multikey.DecodeBase64URL("u"+text, did.MaxLength)
			if err != nil {
				return nil, refuse("is a service that is not in base64url without padding")
			}
			parsed, err := strictjson.Parse(raw, strictjson.Limits{Bytes: did.MaxLength})
			if err != nil {
				return nil, refuse("is a service that is not strict JSON: %w", err)
			}
			if parsed.Root().Kind() != strictjson.Object {
				return nil, refuse("is %s where one service is wanted", parsed.Root().Kind())
			}
			if count++; count > MaxMethods {
				return nil, refuse("is one service too many: there may be %d", MaxMethods)
			}
			service := respell(nil, parsed.Root(), expand, false)
			if id := parsed.Root().Member("id"); !id.Exists() {
				service = append([]byte(`{"id":"`+serviceName(unnamed)+`",`), service[1:]...)
				unnamed++
			} else if !strings.HasPrefix(id.Text(), "#") {
				return nil, refuse("is a service whose id is not relative: want one like #service")
			}
			services = append(append(services, ','), service...)
			continue
		}
		use := did.Relationship("")
		for _, p := range purposes {
			if p.code == code {
				use = p.use
			}
		}
		if use == "" {
			return nil, refuse("has the purpose %q: known are A, E, V, I, D and S", code)
		}
		if keys++; keys > MaxMethods {
			return nil, refuse("is one key too many: there may be %d", MaxMethods)
		}
		if !strings.HasPrefix(text, "z") {
			return nil, refuse("is a key that is not in base58btc")
		}
		// A key of a kind that is not known here is kept, and says so when it is asked for.
		m := did.VerificationMethod{Type: did.Multikey, Extra: []did.Member{{Name: "publicKeyMultibase", Value: strconv.Quote(text)}}}
		if _, err := m.PublicKey(); err != nil && !errors.Is(err, did.ErrKeyNotSupported) {
			return nil, refuse("is no key: %w", err)
		}
		name := strconv.Quote("#key-" + strconv.Itoa(keys))
		methods = fmt.Appendf(methods, `,{"id":%s,"type":"Multikey","controller":"%s","publicKeyMultibase":"%s"}`, name, self, text)
		refs[use] = append(append(refs[use], ','), name...)
	}
	out := fmt.Appendf(nil, `{%s,"id":"%s","alsoKnownAs":["%s"]`, contexts, self, other)
	list := func(name string, entries []byte) {
		if len(entries) > 0 {
			out = fmt.Appendf(out, `,"%s":[%s]`, name, entries[1:])
		}
	}
	list("verificationMethod", methods)
	for _, p := range purposes {
		list(string(p.use), refs[p.use])
	}
	list("service", services)
	return append(out, '}'), nil
}

// serviceName is the id of the nth service without one.
func serviceName(n int) string {
	if n == 0 {
		return "#service"
	}
	return "#service-" + strconv.Itoa(n)
}

// abbreviations are the common strings of numalgo 2 that are names of members.
var abbreviations = [...]struct{ common, short string }{
	{"type", "t"}, {"serviceEndpoint", "s"}, {"routingKeys", "r"}, {"accept", "a"},
}

// A spelling chooses between a common string, its abbreviation, and what is there.
type spelling func(text, common, short string) string

func expand(text, common, short string) string {
	if text == short {
		return common
	}
	return text
}

func abbreviate(text, common, short string) string { return expand(text, short, common) }

func asItIs(text, _, _ string) string { return text }

// respell appends v without white space, names of members and values of type in the spelling
// that is wanted. Two names that become one, whoever parses the result refuses.
func respell(dst []byte, v strictjson.Value, spell spelling, isType bool) []byte {
	switch v.Kind() {
	case strictjson.Object:
		dst = append(dst, '{')
		for m := range v.All() {
			name := m.Name()
			for _, a := range abbreviations {
				if to := spell(name, a.common, a.short); to != name {
					name = to
					break
				}
			}
			if dst[len(dst)-1] != '{' {
				dst = append(dst, ',')
			}
			dst, _ = jsontext.AppendQuote(dst, name)
			dst = respell(append(dst, ':'), m, spell, name == "type" || name == "t")
		}
		return append(dst, '}')
	case strictjson.Array:
		dst = append(dst, '[')
		for e := range v.All() {
			if dst[len(dst)-1] != '[' {
				dst = append(dst, ',')
			}
			dst = respell(dst, e, spell, isType)
		}
		return append(dst, ']')
	case strictjson.String:
		if isType {
			dst, _ = jsontext.AppendQuote(dst, spell(v.Text(), "DIDCommMessaging", "dm"))
			return dst
		}
	}
	return append(dst, v.Raw()...)
}

// multicodecJSON is the code of JSON, 0x0200, as a varint.
const multicodecJSON = "\x80\x04"

// document4 makes the document of self from the long form of numalgo 4, whose hash was
// checked: the document in it with the members that depend on the DID.
func document4(text string, self, other did.DID) ([]byte, error) {
	_, encoded, _ := strings.Cut(text, ":")
	b, err := multikey.DecodeBase58(encoded, did.MaxLength)
	if err != nil || !strings.HasPrefix(string(b), multicodecJSON) {
		return nil, fmt.Errorf("%w: did:peer, numalgo 4: the document is not JSON (multicodec 0x0200) in base58btc", did.ErrInvalidDID)
	}
	parsed, err := strictjson.Parse(b[len(multicodecJSON):], strictjson.Limits{Bytes: did.MaxLength})
	if err != nil {
		return nil, &did.DocumentError{ID: self, Msg: "is not strict JSON", Err: err}
	}
	root := parsed.Root()
	switch {
	case root.Kind() != strictjson.Object:
		return nil, &did.DocumentError{ID: self, Msg: "is not an object"}
	case root.Member("id").Exists():
		return nil, &did.DocumentError{ID: self, Pointer: "/id", Msg: "is there before the DID was known"}
	}
	out := fmt.Appendf(nil, `{"id":"%s"`, self)
	methods := 0
	for m := range root.All() {
		switch m.Name() {
		case "alsoKnownAs":
			continue // below
		case "verificationMethod", string(did.Authentication), string(did.AssertionMethod), string(did.KeyAgreement),
			string(did.CapabilityInvocation), string(did.CapabilityDelegation):
			if m.Kind() != strictjson.Array {
				break // for ParseDocument to refuse
			}
			out = append(append(append(out, ','), m.RawName()...), ':', '[')
			for method := range m.All() {
				if out[len(out)-1] != '[' {
					out = append(out, ',')
				}
				if method.Kind() != strictjson.Object || method.Member("controller").Exists() {
					out = append(out, method.Raw()...)
					continue
				}
				if methods++; methods > MaxMethods {
					return nil, &did.DocumentError{ID: self, Pointer: method.Pointer(), Msg: fmt.Sprintf("is one key too many: there may be %d", MaxMethods)}
				}
				out = fmt.Appendf(out, `{"controller":"%s"`, self)
				for member := range method.All() {
					out = append(append(append(append(out, ','), member.RawName()...), ':'), member.Raw()...)
				}
				out = append(out, '}')
			}
			out = append(out, ']')
			continue
		}
		out = append(append(append(append(out, ','), m.RawName()...), ':'), m.Raw()...)
	}
	out = append(out, `,"alsoKnownAs":[`...)
	if also := root.Member("alsoKnownAs"); also.Exists() {
		if also.Kind() != strictjson.Array {
			return nil, &did.DocumentError{ID: self, Pointer: "/alsoKnownAs", Msg: "is not an array"}
		}
		for v := range also.All() {
			out = append(append(out, v.Raw()...), ',')
		}
	}
	return fmt.Appendf(out, `"%s"]}`, other), nil
}
