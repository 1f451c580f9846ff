// Package integrity compares a document with the digests that somebody signed for it.
//
// [Check] reads digestSRI and digestMultibase as VCDM 2.0 §5.3 and VC JSON Schema §5.1 have them.
//
// A digest says that a document is the one that was meant. It does not say that the document is true.
package integrity

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/internal/multikey"
)

// Limits on digests: each hash that is listed costs one pass over the document.
const (
	maxHashes = 8                                       // in one digestSRI; published ones have 1, or 2 while a document changes
	maxSRI    = maxHashes * (len("sha512-?") + 88 + 56) // 88 characters of base64 a hash, and room for options
	longest   = 2 + sha512.Size                         // a multihash: code, length, digest
)

// ErrMismatch says that a document is not the one that a digest was made of.
var ErrMismatch = errors.New("the document has another digest")

// Check compares document with the digests given for it, "" for one that was not given. Both have
// to hold if there are two, and there has to be one. The error wraps [ErrMismatch], or says that a
// digest cannot be read.
func Check(document []byte, digestSRI, digestMultibase string) error {
	if digestSRI == "" && digestMultibase == "" {
		return errors.New("there is neither digestSRI nor digestMultibase")
	}
	if digestSRI != "" {
		if err := checkSRI(document, digestSRI); err != nil {
			return fmt.Errorf("digestSRI: %w", err)
		}
	}
	if digestMultibase != "" {
		if err := checkMultibase(document, digestMultibase); err != nil {
			return fmt.Errorf("digestMultibase: %w", err)
		}
	}
	return nil
}

// checkSRI reads integrity metadata (Subresource Integrity §3.2, §3.3.4): hashes between white space,
// each perhaps with options after "?". Of several only those of the strongest function count, and one
// of these has to hold.
//
// A browser passes over what it cannot read, and takes a document with no readable hash for good. Here
// each hash has to be one of the three that the standard names.
func checkSRI(document []byte, sri string) error {
	if len(sri) > maxSRI {
		return fmt.Errorf("%d characters, at most %d are read", len(sri), maxSRI)
	}
	hashes := strings.FieldsFunc(sri, func(r rune) bool { return strings.ContainsRune(" \t\n\f\r", r) })
	if len(hashes) == 0 || len(hashes) > maxHashes {
		return fmt.Errorf("%d hashes, want 1 to %d", len(hashes), maxHashes)
	}
	strongest, holds := 0, false
	for _, h := range hashes {
		h, _, _ = strings.Cut(h, "?")
		name, text, _ := strings.Cut(h, "-")
		size := map[string]int{"sha256": sha256.Size, "sha384": sha512.Size384, "sha512": sha512.Size}[name]
		if size == 0 {
			return fmt.Errorf("%.20q is none of sha256, sha384 and sha512", name)
		}
		want, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(want) != size {
			return fmt.Errorf("%.100q is not %d bytes in base64", text, size)
		}
		if size < strongest {
			continue
		}
		holds = (holds && size == strongest) || string(digest(document, size)) == string(want)
		strongest = size
	}
	if !holds {
		return fmt.Errorf("%w than %.160q", ErrMismatch, sri)
	}
	return nil
}

// The multihash functions that VCDM 2.0 and Controlled Identifiers 1.0 §2.5 name, by code and
// length: both bytes are varints of one byte.
var multihashes = [...]struct{ code, size byte }{
	{0x12, sha256.Size},    // sha2-256
	{0x20, sha512.Size384}, // sha2-384
	{0x13, sha512.Size},    // sha2-512
}

// checkMultibase reads a multihash in multibase, base64url or base58btc. A digest without the two
// bytes that name its function is refused: its function would be a guess.
func checkMultibase(document []byte, text string) error {
	decode := multikey.DecodeBase64URL
	if strings.HasPrefix(text, "z") {
		decode = multikey.DecodeBase58
	}
	b, err := decode(text, longest)
	if err != nil {
		return err
	}
	for _, f := range multihashes {
		if len(b) == 2+int(f.size) && b[0] == f.code && b[1] == f.size {
			if string(digest(document, int(f.size))) != string(b[2:]) {
				return fmt.Errorf("%w than %.100q", ErrMismatch, text)
			}
			return nil
		}
	}
	return fmt.Errorf("%.100q is no multihash of sha2-256, sha2-384 or sha2-512", text)
}

// digest returns the SHA-2 digest of this many bytes.
func digest(document []byte, size int) []byte {
	switch size {
	case sha256.Size:
		d := sha256.Sum256(document)
		return d[:]
	case sha512.Size384:
		d := sha512.Sum384(document)
		return d[:]
	}
	d := sha512.Sum512(document)
	return d[:]
}
