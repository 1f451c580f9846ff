package didx509

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Limits of a chain. It is read before anything in it is believed.
const (
	// MaxCertificates is the longest chain. Those of devices have two to four certificates; a
	// cross-signed one has one or two more.
	MaxCertificates = 8
	// MaxCertificateBytes is the largest certificate. One with an RSA key of 4096 bits and a
	// dozen names has 2 KiB; one with an ML-DSA-87 key and signature, 7.5 KiB.
	MaxCertificateBytes = 8 << 10
	// MaxChainBytes is the largest chain: MaxCertificates of half the largest size.
	MaxChainBytes = 32 << 10
	// maxText is the longest text of a chain: its base64 with line breaks, and as much again for
	// what openssl writes around the certificates of a PEM file.
	maxText = 4 * MaxChainBytes
	// minRSA and maxRSA bound RSA keys, in bits: those below can be broken (NIST SP 800-131A), those
	// above cost a verifier more time than any honest CA would ask for.
	minRSA, maxRSA = 2048, 8192
)

// A Chain is a certificate chain: the machine's own certificate first, then its issuer, and so on
// to the last, which is the trust anchor and usually a root. It has been parsed, and not verified: [Resolve] does that.
type Chain []*x509.Certificate

// ParseDER reads a chain of certificates in DER, leaf first. The error wraps [ErrMalformed],
// [ErrLimit] or [ErrTooShort].
func ParseDER(certificates ...[]byte) (Chain, error) {
	total := 0
	for _, der := range certificates {
		total += len(der)
		if len(der) > MaxCertificateBytes {
			return nil, fmt.Errorf("%w: a certificate of %d bytes, at most %d are read", ErrLimit, len(der), MaxCertificateBytes)
		}
	}
	switch {
	case len(certificates) < 2:
		return nil, ErrTooShort
	case len(certificates) > MaxCertificates:
		return nil, fmt.Errorf("%w: %d certificates, at most %d are read", ErrLimit, len(certificates), MaxCertificates)
	case total > MaxChainBytes:
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrLimit, total, MaxChainBytes)
	}
	chain := make(Chain, len(certificates))
	for i, der := range certificates {
		var err error
		if chain[i], err = x509.ParseCertificate(der); err != nil {
			return nil, fmt.Errorf("%w: certificate %d: %w", ErrMalformed, i, err)
		}
	}
	return chain, nil
}

// ParseChain reads a chain from text, leaf first, in any of the forms in which it is handed around:
//
//   - PEM, CERTIFICATE blocks one after the other: the files that openssl, step and most CAs write.
//   - x5c, a JSON array of strings in base64 (RFC 7515 §4.1.6).
//   - x509chain, the method's DID resolution option: base64url without padding, separated by commas.
//
// The error wraps [ErrMalformed], [ErrLimit] or [ErrTooShort].
func ParseChain(text []byte) (Chain, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: a text of %d bytes, at most %d are read", ErrLimit, len(text), maxText)
	}
	text = bytes.TrimSpace(text)
	var ders [][]byte
	var err error
	switch {
	case bytes.HasPrefix(text, []byte("[")):
		ders, err = parseX5C(text)
	case bytes.Contains(text, []byte("-----BEGIN ")):
		ders, err = parsePEM(text)
	case len(text) > 0:
		ders, err = parseOption(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return ParseDER(ders...)
}

func parseX5C(text []byte) (ders [][]byte, err error) {
	doc, err := strictjson.Parse(text, strictjson.Limits{Bytes: maxText, Depth: 2, Values: MaxCertificates + 2})
	if err != nil {
		return nil, fmt.Errorf("x5c: %w", err)
	}
	for v := range doc.Root().All() {
		s := v.Text()
		der, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil || len(der) == 0 || strings.ContainsAny(s, "\r\n") {
			return nil, fmt.Errorf("x5c: certificate %d is no string in base64, with padding and without line breaks", len(ders))
		}
		ders = append(ders, der)
	}
	return ders, nil
}

func parsePEM(text []byte) (ders [][]byte, err error) {
	for len(bytes.TrimSpace(text)) > 0 {
		block, rest := pem.Decode(text)
		if block == nil {
			if bytes.Contains(text, []byte("-----BEGIN ")) {
				return nil, fmt.Errorf("PEM: block %d is malformed", len(ders))
			}
			break // words after the last certificate
		}
		if strings.Contains(block.Type, "PRIVATE KEY") {
			return nil, errors.New("PEM: there is a private key in it: keep that to yourself, and give certificates only")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("PEM: block %d is a %.40q, want CERTIFICATE", len(ders), block.Type)
		}
		ders, text = append(ders, block.Bytes), rest
	}
	return ders, nil
}

func parseOption(text string) (ders [][]byte, err error) {
	if strings.ContainsAny(text, "\r\n") { // the decoder would skip them
		return nil, errors.New("x509chain: a line break in it")
	}
	for part := range strings.SplitSeq(text, ",") {
		der, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil || len(der) == 0 {
			return nil, fmt.Errorf("x509chain: certificate %d is not base64url without padding", len(ders))
		}
		ders = append(ders, der)
	}
	return ders, nil
}

// DER returns the certificates, as packages vc/jose and vc/cose put them into headers.
func (c Chain) DER() [][]byte {
	ders := make([][]byte, len(c))
	for i, cert := range c {
		ders[i] = cert.Raw
	}
	return ders
}

// String returns the chain as the DID resolution option x509chain has it.
func (c Chain) String() string {
	var b strings.Builder
	for i, cert := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(base64.RawURLEncoding.EncodeToString(cert.Raw))
	}
	return b.String()
}
