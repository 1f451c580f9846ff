// Package cosesign1 reads, checks and makes COSE_Sign1 messages (RFC 9052 §4.2), strictly.
//
// [Parse] reads a message without believing it, [Message.Verify] checks its signature with a key
// that the caller has from elsewhere, and [Sign] makes one. What the payload says is the caller's.
//
// The message names an algorithm, and the key has one: they must agree in both directions, curve
// included, and neither chooses the other. A key, a certificate or the address of one in the
// headers (x5t, x5u, …) is not looked at, ever; [Message.Chain] hands x5chain on to a caller with an
// identifier that pins one of its certificates.
//
// An ECDSA signature is malleable, and the unprotected header is not signed: two messages may say
// the same. Never tell messages apart by their bytes.
package cosesign1

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/signature"
)

// Limits on the headers of a message, which is all that is read of it before its signature.
const (
	maxHeader     = 8 << 10  // bytes of each header: a DID URL as kid may have 4 KiB, claims another 4
	maxChainBytes = 24 << 10 // of x5chain, beside maxHeader: eight certificates with RSA keys of 4096 bits have 16
	maxChain      = 8        // certificates of x5chain
	maxLabels     = 32       // in one header, and in crit: RFC 9052 and CWT together define fewer
)

// Alg is a COSE algorithm identifier.
type Alg int64

// The algorithms, with the key and the hash that each of them means here. RFC 9053 leaves the
// curves of ES256, ES384 and ES512 open; RFC 8812 fixes that of ES256K.
const (
	EdDSA  Alg = -8  // Ed25519 (RFC 9053 §2.2)
	ES256  Alg = -7  // P-256 and SHA-256 (RFC 9053 §2.1)
	ES384  Alg = -35 // P-384 and SHA-384
	ES512  Alg = -36 // P-521 and SHA-512
	ES256K Alg = -47 // secp256k1 and SHA-256 (RFC 8812 §3.2)
)

// String returns the name that IANA has for a.
func (a Alg) String() string {
	switch a {
	case EdDSA:
		return "EdDSA"
	case ES256:
		return "ES256"
	case ES384:
		return "ES384"
	case ES512:
		return "ES512"
	case ES256K:
		return "ES256K"
	}
	return strconv.FormatInt(int64(a), 10)
}

// scheme returns what a means, and whether it is enabled.
func (a Alg) scheme() (signature.Scheme, bool) {
	switch a {
	case EdDSA:
		return signature.Ed25519, true
	case ES256:
		return signature.P256SHA256, true
	case ES384:
		return signature.P384SHA384, true
	case ES512:
		return signature.P521SHA512, true
	case ES256K:
		return signature.Secp256k1SHA256, true
	}
	return 0, false
}

// AlgOf returns the algorithm of a key, public or of a [crypto.Signer].
func AlgOf(public crypto.PublicKey) (Alg, error) {
	scheme, err := signature.Of(public)
	if err != nil {
		return 0, fmt.Errorf("COSE: %w", err)
	}
	for _, a := range []Alg{EdDSA, ES256, ES384, ES512, ES256K} {
		if s, _ := a.scheme(); s == scheme {
			return a, nil
		}
	}
	return 0, errors.New("COSE: no algorithm signs with such a key")
}

// The header labels that are understood (IANA, COSE Header Parameters).
const (
	labelAlg         = 1
	labelCrit        = 2
	labelContentType = 3
	labelKid         = 4
	labelClaims      = 15 // RFC 9597
	labelTyp         = 16 // RFC 9596
	labelX5Chain     = 33 // RFC 9360 §2
)

// A Message is a COSE_Sign1 message, or what will be one.
type Message struct {
	Alg         Alg    // of the protected header; Sign takes that of the key
	Typ         string // header 16: a media type, or the decimal number of a CoAP content format; "" if there is none
	ContentType string // header 3, of the payload; likewise
	Kid         []byte // header 4; nil if there is none
	Claims      []byte // header 15: the encoded map of CWT claims (RFC 9597); nil if there is none
	X5Chain     []byte // header 33, encoded, of either header: see [Message.Chain]; nil if there is none
	Payload     []byte

	// Unprotected says that the unprotected header, which nobody signs, is not empty. A kid
	// may come from there: it names a key, and another key does not verify.
	Unprotected bool

	protected []byte
	signature []byte
}

// StripCWTTag returns raw without the CWT tag, which may stand before that of COSE_Sign1 (RFC 8392 §6).
func StripCWTTag(raw []byte) []byte {
	if len(raw) > 2 && raw[0] == 0xd8 && raw[1] == 61 {
		return raw[2:]
	}
	return raw
}

// Parse reads a message of at most limit bytes. It keeps no copy: raw must not change.
//
// Refused are: a message that is not in tag 18 (another kind of COSE message must not be read as
// this one), a payload that is not there, alg outside the protected header or not one of those
// above, typ, content type, crit and claims outside the protected header, a header in both, any
// crit that this package does not understand, and what [cbor.Reader] refuses.
func Parse(raw []byte, limit int) (*Message, error) {
	if len(raw) > limit {
		return nil, fmt.Errorf("COSE: %d bytes, at most %d are read", len(raw), limit)
	}
	r := cbor.NewReader(raw)
	tag, err := r.Next()
	switch {
	case err != nil:
		return nil, fmt.Errorf("COSE: %w", err)
	case tag.Kind == cbor.Array:
		return nil, errors.New("COSE: a message without a tag: COSE_Sign1 has the tag 18")
	case tag.Kind != cbor.Tag:
		return nil, fmt.Errorf("COSE: %s, want a message with the tag 18", tag.Kind)
	case tag.N != 18:
		return nil, fmt.Errorf("COSE: a message with the tag %d: COSE_Sign1 has 18", tag.N)
	}
	if a, err := r.Want(cbor.Array); err != nil {
		return nil, fmt.Errorf("COSE: %w", err)
	} else if a.N != 4 {
		return nil, fmt.Errorf("COSE: an array of %d, COSE_Sign1 has 4", a.N)
	}

	m := new(Message)
	if m.protected, err = r.Bytes(); err != nil {
		return nil, fmt.Errorf("COSE: protected header: %w", err)
	}
	if err := m.readProtected(); err != nil {
		return nil, fmt.Errorf("COSE: protected header: %w", err)
	}
	if err := m.readUnprotected(r); err != nil {
		return nil, fmt.Errorf("COSE: unprotected header: %w", err)
	}
	payload, err := r.Next()
	switch {
	case err != nil:
		return nil, fmt.Errorf("COSE: payload: %w", err)
	case payload.Kind == cbor.Null:
		return nil, errors.New("COSE: payload: is detached: send the message with its payload")
	case payload.Kind != cbor.Bytes:
		return nil, fmt.Errorf("COSE: payload: %s, want a byte string", payload.Kind)
	}
	m.Payload = payload.Data
	if m.signature, err = r.Bytes(); err != nil {
		return nil, fmt.Errorf("COSE: signature: %w", err)
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("COSE: %w", err)
	}
	scheme, _ := m.Alg.scheme()
	if len(m.signature) != scheme.Size() {
		return nil, fmt.Errorf("COSE: signature: %d bytes, %s has %d", len(m.signature), m.Alg, scheme.Size())
	}
	return m, nil
}

func (m *Message) readProtected() error {
	if len(m.protected) > maxHeader+maxChainBytes {
		return fmt.Errorf("%d bytes, at most %d are read", len(m.protected), maxHeader)
	}
	if len(m.protected) == 0 { // stands for an empty map (RFC 9052 §3)
		return errors.New("alg (1) is missing")
	}
	var present, critical []string
	var crit bool
	r := cbor.NewReader(m.protected)
	err := r.Pairs(func(label cbor.Item) error {
		if len(present) == maxLabels {
			return fmt.Errorf("more than the %d labels that are read", maxLabels)
		}
		present = append(present, name(label))
		var err error
		switch n, _ := label.Int64(); n { // text and large numbers are 0, which is reserved
		case labelAlg:
			var alg int64
			if alg, err = r.Int(); err == nil {
				m.Alg = Alg(alg)
				if _, ok := m.Alg.scheme(); !ok {
					err = fmt.Errorf("algorithm %d is not enabled", alg)
				}
			}
		case labelCrit:
			crit = true
			critical, err = readCrit(r)
		case labelContentType:
			m.ContentType, err = readType(r)
		case labelTyp:
			m.Typ, err = readType(r)
		case labelKid:
			m.Kid, err = readKid(r)
		case labelClaims:
			m.Claims, err = r.Skip()
			if err == nil && m.Claims[0]>>5 != byte(cbor.Map) {
				err = errors.New("want a map of claims")
			}
		case labelX5Chain:
			if m.X5Chain, err = r.Skip(); err == nil && len(m.X5Chain) > maxChainBytes {
				err = fmt.Errorf("%d bytes, at most %d are read", len(m.X5Chain), maxChainBytes)
			}
		default:
			_, err = r.Skip()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name(label), err)
		}
		return nil
	})
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return err
	}
	if n := len(m.protected) - len(m.X5Chain); n > maxHeader {
		return fmt.Errorf("%d bytes, at most %d are read", n, maxHeader)
	}
	if m.Alg == 0 {
		return errors.New("alg (1) is missing")
	}
	if crit && len(critical) == 0 {
		return errors.New("crit (2): an empty list")
	}
	for _, c := range critical {
		switch c {
		case "alg (1)", "content type (3)", "kid (4)", "CWT claims (15)", "typ (16)":
		default:
			return fmt.Errorf("crit (2): %s has to be understood, and is not", c)
		}
		if !slices.Contains(present, c) {
			return fmt.Errorf("crit (2): %s is not in the protected header", c)
		}
	}
	return nil
}

func (m *Message) readUnprotected(r *cbor.Reader) error {
	start, labels := r.Offset(), 0 // start moves with x5chain, which has a limit of its own
	return r.Pairs(func(label cbor.Item) error {
		if labels++; labels > maxLabels || r.Offset()-start > maxHeader {
			return fmt.Errorf("more than the %d labels or %d bytes that are read", maxLabels, maxHeader)
		}
		m.Unprotected = true
		var err error
		switch n, _ := label.Int64(); n {
		case labelAlg, labelCrit, labelContentType, labelClaims, labelTyp:
			return fmt.Errorf("%s has to be in the protected header, where it is signed", name(label))
		case labelKid:
			if m.Kid != nil {
				return errors.New("kid (4) is in both headers")
			}
			m.Kid, err = readKid(r)
		case labelX5Chain:
			if m.X5Chain != nil {
				return errors.New("x5chain (33) is in both headers")
			}
			if m.X5Chain, err = r.Skip(); err == nil && len(m.X5Chain) > maxChainBytes {
				err = fmt.Errorf("%d bytes, at most %d are read", len(m.X5Chain), maxChainBytes)
			}
			start += len(m.X5Chain)
		default:
			var value []byte
			if value, err = r.Skip(); err == nil && len(value) > maxHeader {
				err = fmt.Errorf("%d bytes, at most %d are read", len(value), maxHeader)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name(label), err)
		}
		return nil
	})
}

func readCrit(r *cbor.Reader) (labels []string, err error) {
	list, err := r.Want(cbor.Array)
	if err == nil && list.N > maxLabels {
		err = fmt.Errorf("%d labels, at most %d are read", list.N, maxLabels)
	}
	if err != nil {
		return nil, err
	}
	for range list.N {
		label, err := r.Next()
		if err != nil {
			return nil, err
		}
		if label.Kind > cbor.Nint && label.Kind != cbor.Text {
			return nil, fmt.Errorf("%s as a label", label.Kind)
		}
		labels = append(labels, name(label))
	}
	return labels, nil
}

// readType reads a media type, or the number of a CoAP content format, which has no slash.
func readType(r *cbor.Reader) (string, error) {
	i, err := r.Next()
	switch {
	case err != nil:
		return "", err
	case i.Kind == cbor.Uint && i.N <= math.MaxUint16:
		return strconv.FormatUint(i.N, 10), nil
	case i.Kind == cbor.Text && len(i.Data) > 0:
		return string(i.Data), nil
	}
	return "", fmt.Errorf("%s, want a media type", i.Kind)
}

func readKid(r *cbor.Reader) ([]byte, error) {
	kid, err := r.Bytes()
	if err == nil && len(kid) == 0 {
		err = errors.New("is empty")
	}
	return kid, err
}

func name(label cbor.Item) string {
	n, ok := label.Int64()
	switch {
	case label.Kind == cbor.Text:
		return fmt.Sprintf("%.40q", label.Data)
	case !ok:
		return "a large label"
	}
	switch n {
	case labelAlg:
		return "alg (1)"
	case labelCrit:
		return "crit (2)"
	case labelContentType:
		return "content type (3)"
	case labelKid:
		return "kid (4)"
	case labelClaims:
		return "CWT claims (15)"
	case labelTyp:
		return "typ (16)"
	case labelX5Chain:
		return "x5chain (33)"
	}
	return strconv.FormatInt(n, 10)
}

// Verify checks the signature with the key of whoever is said to have signed. The key must be of
// the kind that alg means, on the same curve.
func (m *Message) Verify(public crypto.PublicKey) error {
	of, err := AlgOf(public)
	if err != nil {
		return err
	}
	if of != m.Alg {
		return fmt.Errorf("COSE: alg is %s, and the key signs with %s", m.Alg, of)
	}
	return signature.Verify(public, m.toBeSigned(), m.signature)
}

// toBeSigned is Sig_structure (RFC 9052 §4.4) without external data.
func (m *Message) toBeSigned() []byte {
	b := make([]byte, 0, len("Signature1")+len(m.protected)+len(m.Payload)+24)
	b = cbor.AppendArray(b, 4)
	b = cbor.AppendText(b, "Signature1")
	b = cbor.AppendBytes(b, m.protected)
	b = cbor.AppendBytes(b, nil)
	return cbor.AppendBytes(b, m.Payload)
}

// Sign returns m signed with key: everything is in the protected header, deterministically
// encoded (RFC 8949 §4.2.1), and the unprotected one is empty.
func Sign(key crypto.Signer, m *Message) ([]byte, error) {
	alg, err := AlgOf(key.Public())
	if err != nil {
		return nil, err
	}
	signed := *m
	signed.Alg = alg
	signed.protected = signed.header()
	if signed.signature, err = signature.Sign(key, signed.toBeSigned()); err != nil {
		return nil, fmt.Errorf("COSE: %s: %w", alg, err)
	}
	raw := make([]byte, 0, len(signed.protected)+len(signed.Payload)+len(signed.signature)+16)
	raw = cbor.AppendTag(raw, 18)
	raw = cbor.AppendArray(raw, 4)
	raw = cbor.AppendBytes(raw, signed.protected)
	raw = cbor.AppendMap(raw, 0)
	raw = cbor.AppendBytes(raw, signed.Payload)
	raw = cbor.AppendBytes(raw, signed.signature)
	if _, err := Parse(raw, len(raw)); err != nil {
		return nil, fmt.Errorf("COSE: sign: would be refused: %w", err)
	}
	return raw, nil
}

// Chain returns the certificates of X5Chain, in DER and leaf first; nil if there are none. Nobody
// has looked into them, and on their own they prove nothing.
func (m *Message) Chain() (chain [][]byte, err error) {
	if m.X5Chain == nil {
		return nil, nil
	}
	r := cbor.NewReader(m.X5Chain)
	first, err := r.Next()
	switch { // one certificate is a byte string, more are an array of them (RFC 9360 §2)
	case err != nil:
	case first.Kind == cbor.Bytes:
		chain = [][]byte{first.Data}
	case first.Kind != cbor.Array || first.N < 2 || first.N > maxChain:
		err = fmt.Errorf("want a certificate, or an array of 2 to %d", maxChain)
	default:
		for range first.N {
			der, err := r.Bytes()
			if err != nil {
				return nil, fmt.Errorf("COSE: x5chain (33): %w", err)
			}
			chain = append(chain, der)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("COSE: x5chain (33): %w", err)
	}
	return chain, nil
}

// EncodeChain returns the X5Chain of certificates in DER.
func EncodeChain(certificates [][]byte) []byte {
	if len(certificates) == 1 {
		return cbor.AppendBytes(nil, certificates[0])
	}
	out := cbor.AppendArray(nil, len(certificates))
	for _, der := range certificates {
		out = cbor.AppendBytes(out, der)
	}
	return out
}

// Deterministic reports whether a message that Parse has read is as Sign writes it: the same
// fields cannot come in other bytes, apart from the signature.
func (m *Message) Deterministic() bool {
	return !m.Unprotected && bytes.Equal(m.protected, m.header())
}

// header returns the protected header as Sign writes it.
func (m *Message) header() []byte {
	labels := 1
	header := cbor.AppendInt(cbor.AppendInt(nil, labelAlg), int64(m.Alg))
	if m.ContentType != "" {
		labels++
		header = appendType(cbor.AppendInt(header, labelContentType), m.ContentType)
	}
	if len(m.Kid) > 0 {
		labels++
		header = cbor.AppendBytes(cbor.AppendInt(header, labelKid), m.Kid)
	}
	if len(m.Claims) > 0 {
		labels++
		header = append(cbor.AppendInt(header, labelClaims), m.Claims...)
	}
	if m.Typ != "" {
		labels++
		header = appendType(cbor.AppendInt(header, labelTyp), m.Typ)
	}
	if len(m.X5Chain) > 0 {
		labels++
		header = append(cbor.AppendInt(header, labelX5Chain), m.X5Chain...)
	}
	return append(cbor.AppendMap(nil, labels), header...)
}

func appendType(dst []byte, typ string) []byte {
	if n, err := strconv.ParseUint(typ, 10, 16); err == nil {
		return cbor.AppendInt(dst, int64(n))
	}
	return cbor.AppendText(dst, typ)
}
