package multikey

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/mr-tron/base58"
)

// EncodeBase58 returns b in base58btc behind a "z" (multibase).
//
// The two bases are written and read without go-multibase, which links 20 kB of others: tests
// hold them against it.
func EncodeBase58(b []byte) string { return "z" + base58.Encode(b) }

// DecodeBase58 is the inverse of [EncodeBase58] for one byte or more, and at most max. Decoding
// takes time quadratic in the length, so a text too long for max is refused before.
func DecodeBase58(s string, max int) ([]byte, error) {
	switch {
	case len(s) < 2 || s[0] != 'z':
		return nil, fmt.Errorf(`multikey: %q does not begin with "z" and base58btc`, brief(s))
	case len(s)-1 > (max*138+99)/100: // log 256 / log 58 = 1.3657 digits a byte
		return nil, fmt.Errorf("multikey: %d characters are too many for %d bytes in base58btc", len(s), max)
	}
	b, err := base58.Decode(s[1:])
	if err != nil {
		return nil, fmt.Errorf("multikey: %q is not base58btc: %w", brief(s), err)
	}
	if len(b) > max {
		return nil, fmt.Errorf("multikey: %d bytes instead of at most %d", len(b), max)
	}
	return b, nil
}

// EncodeBase64URL returns b in base64url without padding behind a "u" (multibase).
func EncodeBase64URL(b []byte) string { return "u" + base64url.EncodeToString(b) }

// base64url refuses bits beyond the last byte: two texts would decode to one value.
var base64url = base64.RawURLEncoding.Strict()

// DecodeBase64URL is the inverse of [EncodeBase64URL] for one byte or more, and at most max. No
// other text decodes to the same bytes: padding, line breaks and stray bits are refused.
func DecodeBase64URL(s string, max int) ([]byte, error) {
	switch {
	case len(s) < 2 || s[0] != 'u':
		return nil, fmt.Errorf(`multikey: %q does not begin with "u" and base64url`, brief(s))
	case base64url.DecodedLen(len(s)-1) > max:
		return nil, fmt.Errorf("multikey: %d characters are too many for %d bytes in base64url", len(s), max)
	case strings.ContainsAny(s, "\r\n"): // even a strict base64.Encoding skips them
		return nil, fmt.Errorf("multikey: %q has a line break", brief(s))
	}
	b, err := base64url.DecodeString(s[1:])
	if err != nil {
		return nil, fmt.Errorf("multikey: %q is not base64url without padding: %w", brief(s), err)
	}
	return b, nil
}

// brief shortens text of the sender's choosing for an error message.
func brief(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
