// Package jws reads and writes compact JSON Web Signatures (RFC 7515), strictly.
//
// [Parse] reads a token without believing it, [Token.Verify] checks its signature, [Sign]
// writes one. [Time], [Strings] and [Text] read the claims of JWTs (RFC 7519).
//
// Strict means that a token is read in one way only: three segments in base64url without
// padding, line breaks or stray bits; a header of strict JSON, in which no name is there
// twice or in another case; and an algorithm that fits the key, not one of the sender's
// choosing. There is no "none" and no MAC. A token never brings its own key; [ParseCertified] lets it
// bring a certificate chain, for an identifier that pins one.
//
// The danger: the text of a token is no name for what it says. ECDSA has two signatures
// for each, the algorithm EdDSA two names, and JSON any number of spellings. Neither
// deduplicate nor count by the bytes of tokens.
package jws

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/signature"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Limits on headers. A header is read before anything is believed.
const (
	// MaxHeaderBytes is the longest header: the longest DID URL as kid (4096 bytes), and
	// as much again for the rest.
	MaxHeaderBytes = 8 << 10
	// MaxCertifiedBytes is the longest header with a certificate chain: three certificates
	// with RSA keys of 4096 bits, in base64, have 9 KiB; a chain of eight with small keys likewise.
	MaxCertifiedBytes = 24 << 10
	// maxCertificates is the longest chain.
	maxCertificates = 8
	// maxHeaderDepth is how deep it nests: the header is one object of plain values.
	// Some senders put an object or a list of strings beside them.
	maxHeaderDepth = 4
	// maxHeaderValues bounds the members: RFC 7515 has eleven.
	maxHeaderValues = 64
)

// MaxTokenBytes is the longest token that Parse reads unless told: a credential of
// 256 KiB in base64url, with its header and signature.
const MaxTokenBytes = 384 << 10

// A Token is a compact JWS, read and not believed.
type Token struct {
	Header
	Members strictjson.Value // the header, an object
	Payload []byte

	signingInput string // RFC 7515 §5.1: the first two segments, as they stand
	signature    []byte
}

// A Header is the part of a JOSE header that is read here (RFC 7515 §4.1). Texts are ""
// where the header has no such member.
type Header struct {
	Alg string // one of those that Algorithm returns, or "Ed25519"
	Typ string // a media type without "application/", in lower case: "vc+jwt"
	Cty string // likewise
	Kid string
	// Chain is x5c (RFC 7515 §4.1.6): certificates in DER, leaf first, which nobody has
	// looked into. Only [ParseCertified] takes a token that has it.
	Chain [][]byte
}

// ErrMalformed says that a text is not a compact JWS of the form that is read here.
var ErrMalformed = errors.New("not a signed token")

// headerNames are the header parameters with a meaning in a JWS or JWT (RFC 7515 §4.1,
// RFC 7519 §5.3, RFC 7797 §3). No other may differ from one of these in case only.
var headerNames = []string{
	"alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "b64", "iss", "sub", "aud",
}

// Parse reads token, of at most limit bytes; limit 0 means [MaxTokenBytes]. Its error wraps
// [ErrMalformed].
//
// Refused are: more or less than three segments; a segment that is not canonical
// base64url; an empty signature; a header that is not strict JSON, or has a known name in
// another case; an alg that is not on the list, as "none" and "HS256" are not; crit, since no
// extension is understood, and b64; and jwk, jku, x5u and x5c: a key from the message
// would let anybody sign as anybody, and a reader that looks at it would see another
// signer than one that does not.
func Parse(token string, limit int) (*Token, error) { return parse(token, limit, false) }

// ParseCertified is [Parse] of a token that may also have x5c, which becomes its Chain. It is
// for callers who know an identifier that such a chain has to bear out: on its own it proves nothing.
func ParseCertified(token string, limit int) (*Token, error) { return parse(token, limit, true) }

func parse(token string, limit int, certified bool) (*Token, error) {
	if limit <= 0 {
		limit = MaxTokenBytes
	}
	if len(token) > limit {
		return nil, fmt.Errorf("%w: %d bytes are more than the %d allowed", ErrMalformed, len(token), limit)
	}
	dot, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	if dot < 0 || dot == last || strings.IndexByte(token[dot+1:last], '.') >= 0 {
		return nil, fmt.Errorf("%w: want three segments: header.payload.signature", ErrMalformed)
	}
	t := &Token{signingInput: token[:last]}
	longest := MaxHeaderBytes
	if certified {
		longest = MaxCertifiedBytes
	}
	if base64url.DecodedLen(dot) > longest {
		return nil, fmt.Errorf("%w: the header is longer than %d bytes", ErrMalformed, longest)
	}
	header, err := decode(token[:dot])
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	if err := t.readHeader(header, certified); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	if t.Payload, err = decode(token[dot+1 : last]); err != nil {
		return nil, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	if t.signature, err = decode(token[last+1:]); err != nil {
		return nil, fmt.Errorf("%w: signature: %w", ErrMalformed, err)
	}
	if len(t.signature) == 0 {
		return nil, fmt.Errorf("%w: the signature was taken off", ErrMalformed)
	}
	return t, nil
}

// readHeader fills t.Header and t.Members, and t.Chain if the token may be certified.
func (t *Token) readHeader(text []byte, certified bool) error {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: MaxCertifiedBytes, Depth: maxHeaderDepth, Values: maxHeaderValues})
	if err != nil {
		return err
	}
	t.Members = doc.Root()
	if t.Members.Kind() != strictjson.Object {
		return fmt.Errorf("want an object, got %s", t.Members.Kind())
	}
	for m := t.Members.First(); m.Exists(); m = m.Next() {
		switch name := m.Name(); name {
		case "alg":
			t.Alg, err = Text(m)
		case "typ":
			t.Typ, err = Text(m)
			t.Typ = mediaType(t.Typ)
		case "cty":
			t.Cty, err = Text(m)
			t.Cty = mediaType(t.Cty)
		case "kid":
			t.Kid, err = Text(m)
		case "jwk", "jku", "x5u", "x5c":
			if certified && name == "x5c" {
				t.Chain, err = readChain(m)
				break
			}
			err = errors.New("a key that comes with the token proves nothing; name it with kid")
		case "crit":
			err = errors.New("no extension is understood")
		case "b64":
			err = errors.New("payloads are in base64url")
		default:
			if is, ok := strictjson.CaseVariant(name, headerNames...); ok {
				err = fmt.Errorf("is it %q? names are case-sensitive", is)
			}
		}
		if err != nil {
			return fmt.Errorf("%.40q: %w", m.Name(), err)
		}
	}
	if t.Chain == nil && len(text) > MaxHeaderBytes {
		return fmt.Errorf("longer than %d bytes, and not for a certificate chain", MaxHeaderBytes)
	}
	if _, ok := schemeOf(t.Alg); !ok {
		return fmt.Errorf("alg %.40q: known are EdDSA, Ed25519, ES256, ES384, ES512 and ES256K", t.Alg)
	}
	return nil
}

// readChain reads x5c: base64, with padding and without line breaks.
func readChain(v strictjson.Value) (chain [][]byte, err error) {
	if v.Kind() != strictjson.Array || v.Len() == 0 || v.Len() > maxCertificates {
		return nil, fmt.Errorf("want an array of 1 to %d certificates", maxCertificates)
	}
	for e := v.First(); e.Exists(); e = e.Next() {
		text := e.Text()
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(der) == 0 || strings.ContainsAny(text, "\r\n") {
			return nil, errors.New("want certificates in base64, with padding and without line breaks")
		}
		chain = append(chain, der)
	}
	return chain, nil
}

// schemeOf returns what an algorithm stands for (RFC 7518 §3.1, RFC 8037 §3.1, RFC 8812
// §3.2, RFC 9864 §2.2). Each is bound to one curve and one hash function.
func schemeOf(alg string) (signature.Scheme, bool) {
	switch alg {
	case "EdDSA", "Ed25519": // EdDSA could also mean Ed448, which is not read here
		return signature.Ed25519, true
	case "ES256":
		return signature.P256SHA256, true
	case "ES384":
		return signature.P384SHA384, true
	case "ES512": // on P-521
		return signature.P521SHA512, true
	case "ES256K":
		return signature.Secp256k1SHA256, true
	}
	return 0, false
}

// Algorithm returns the alg that keys of this kind sign with. For Ed25519 it is EdDSA,
// which more readers know than RFC 9864's name.
func Algorithm(public crypto.PublicKey) (string, error) {
	scheme, err := signature.Of(public)
	if err != nil {
		return "", err
	}
	switch scheme {
	case signature.Ed25519:
		return "EdDSA", nil
	case signature.P256SHA256:
		return "ES256", nil
	case signature.P384SHA384:
		return "ES384", nil
	case signature.P521SHA512:
		return "ES512", nil
	}
	return "ES256K", nil
}

// Verify returns nil if the signature is one of this token by the private key of public.
// The key decides on the algorithm, and alg has to agree with it.
func (t *Token) Verify(public crypto.PublicKey) error {
	scheme, err := signature.Of(public)
	if err != nil {
		return err
	}
	if named, _ := schemeOf(t.Alg); named != scheme {
		fits, _ := Algorithm(public)
		return fmt.Errorf("alg is %q, and the key signs with %s", t.Alg, fits)
	}
	return signature.Verify(public, []byte(t.signingInput), t.signature)
}

// A Member is one more header parameter.
type Member struct {
	Name  string
	Value []byte // JSON
}

// Sign returns the compact JWS of payload with h and the members in extra as its header. alg
// follows from the key; h.Alg is not looked at. A header is not signed that [Parse] would refuse, or
// [ParseCertified] if there is a Chain.
func Sign(key crypto.Signer, h Header, payload []byte, extra ...Member) ([]byte, error) {
	alg, err := Algorithm(key.Public())
	if err != nil {
		return nil, err
	}
	// jsontext escapes names and values: `x":0,"admin` is one name, not two members.
	quoted := func(text string) (b []byte) {
		if err == nil {
			b, err = jsontext.AppendQuote(nil, text)
		}
		return b
	}
	members := []Member{{"alg", quoted(alg)}}
	for _, m := range []struct{ name, text string }{{"typ", h.Typ}, {"cty", h.Cty}, {"kid", h.Kid}} {
		if m.text != "" {
			members = append(members, Member{m.name, quoted(m.text)})
		}
	}
	if h.Chain != nil {
		x5c := []byte{'['}
		for i, der := range h.Chain {
			if i > 0 {
				x5c = append(x5c, ',')
			}
			x5c = append(base64.StdEncoding.AppendEncode(append(x5c, '"'), der), '"')
		}
		members = append(members, Member{"x5c", append(x5c, ']')})
	}
	var header []byte
	for i, m := range append(members, extra...) {
		if i > 0 {
			header = append(header, ',')
		}
		header = append(append(header, quoted(m.Name)...), ':')
		header = append(header, m.Value...)
	}
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	header = append(append([]byte{'{'}, header...), '}')
	if err := new(Token).readHeader(header, h.Chain != nil); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}

	size := base64url.EncodedLen(len(header)) + base64url.EncodedLen(len(payload)) + base64url.EncodedLen(132) + 2
	token := make([]byte, 0, size)
	token = append(base64url.AppendEncode(token, header), '.')
	token = base64url.AppendEncode(token, payload)
	sig, err := signature.Sign(key, token)
	if err != nil {
		return nil, err
	}
	return base64url.AppendEncode(append(token, '.'), sig), nil
}

// base64url refuses bits beyond the last byte: two texts would decode to one value.
var base64url = base64.RawURLEncoding.Strict()

// decode reads one segment.
func decode(segment string) ([]byte, error) {
	if i := strings.IndexAny(segment, "\r\n"); i >= 0 { // even a strict base64.Encoding skips them
		return nil, fmt.Errorf("not base64url: a line break at %d", i)
	}
	b, err := base64url.DecodeString(segment)
	if err != nil {
		return nil, fmt.Errorf("not base64url without padding: %w", err)
	}
	return b, nil
}

// mediaType puts typ or cty into the form in which they are compared: "application/" may
// be left out if no other "/" follows, and case does not count (RFC 7515 §4.1.9, RFC 2045 §5.1).
func mediaType(s string) string {
	s = strings.ToLower(s)
	if rest, ok := strings.CutPrefix(s, "application/"); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return s
}
