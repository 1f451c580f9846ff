package vc

import (
	"crypto/sha256"
	"fmt"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

// A Digest names a credential by its content: SHA-256 over the RFC 8785 form of
// the credential without its proof, or without its envelope. Signing the same
// content again, with another suite, in another [Format] or by another party,
// leaves the digest as it is.
//
// As text it is a multihash in multibase base64url, "u" + base64url(12 20 ‖ digest).
type Digest [sha256.Size]byte

// The multihash prefix of SHA-256: function code and length in bytes.
const multihashSHA256 = "\x12\x20"

// ParseDigest reads what [Digest.String] writes.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	b, err := multikey.DecodeBase64URL(s, len(multihashSHA256)+len(d))
	if err != nil {
		return d, fmt.Errorf("vc: digest %.60q: %w", s, err)
	}
	if len(b) != len(multihashSHA256)+len(d) || string(b[:2]) != multihashSHA256 {
		return d, fmt.Errorf("vc: digest %.60q is not a sha2-256 multihash", s)
	}
	copy(d[:], b[2:])
	return d, nil
}

// IsZero reports whether d is no digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns the digest as a base64url multihash.
func (d Digest) String() string {
	return multikey.EncodeBase64URL(append([]byte(multihashSHA256), d[:]...))
}

// MarshalText implements [encoding.TextMarshaler]. The zero Digest is empty text.
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler]. Empty text is the zero Digest.
func (d *Digest) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Digest{}
		return nil
	}
	*d, err = ParseDigest(string(text))
	return err
}
