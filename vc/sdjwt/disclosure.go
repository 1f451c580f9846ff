package sdjwt

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A Disclosure is a claim that a token shows and need not have shown (RFC 9901 §4.2).
type Disclosure struct {
	Pointer string // where it stands in the Payload of that token (RFC 6901)
	Value   string // JSON, with the places of further disclosures as digests
}

// The names that claims use for digests (RFC 9901 §4.1.1, §4.2.4).
const (
	digestsName = "_sd"
	elementName = "..."
	hashName    = "_sd_alg"
)

// base64url refuses bits beyond the last byte: two texts would decode to one value.
var base64url = base64.RawURLEncoding.Strict()

// A Hash is a hash function of disclosures, by its name in the registry of RFC 6920 §9.4.
type Hash string

// The hash functions that are understood. The others of the registry are truncated,
// broken, or used by nobody here.
const (
	SHA256 Hash = "sha-256"
	SHA384 Hash = "sha-384"
	SHA512 Hash = "sha-512"
)

// sum returns what stands for a text of a token: the digest of a disclosure among the
// claims (RFC 9901 §4.2.3), and sd_hash (§4.3.1).
func (h Hash) sum(text string) string {
	switch h {
	case SHA384:
		sum := sha512.Sum384([]byte(text))
		return base64url.EncodeToString(sum[:])
	case SHA512:
		sum := sha512.Sum512([]byte(text))
		return base64url.EncodeToString(sum[:])
	}
	sum := sha256.Sum256([]byte(text))
	return base64url.EncodeToString(sum[:])
}

// check refuses what sum does not know. The empty Hash is SHA256 (RFC 9901 §4.1.1).
func (h Hash) check() error {
	switch h {
	case "", SHA256, SHA384, SHA512:
		return nil
	}
	return fmt.Errorf("_sd_alg %.40q: known are sha-256, sha-384 and sha-512", string(h))
}

// A disclosure is read, and put in its place.
type disclosure struct {
	text    string
	member  bool   // of an object: it has a name
	name    string // unescaped
	rawName string
	value   strictjson.Value
	used    bool        // its digest was found
	pointer string      // of the value, in the payload
	inside  *disclosure // whose value holds its digest; nil if the claims as signed do
}

// readDisclosure reads [salt, name, value] or [salt, value] (RFC 9901 §4.2.1, §4.2.2).
func readDisclosure(text string) (*disclosure, error) {
	if strings.ContainsAny(text, "\r\n") { // even a strict base64.Encoding skips them
		return nil, errors.New("not base64url: it has a line break")
	}
	raw, err := base64url.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("not base64url without padding: %w", err)
	}
	doc, err := strictjson.Parse(raw, strictjson.Limits{Bytes: len(raw) + 1, Depth: MaxDepth})
	if err != nil {
		return nil, err
	}
	array := doc.Root()
	n := array.Len()
	if array.Kind() != strictjson.Array || n != 2 && n != 3 {
		return nil, errors.New("want an array of a salt, a name if it is of a member, and a value")
	}
	salt := array.First()
	if salt.Kind() != strictjson.String {
		return nil, fmt.Errorf("the salt is %s, want a string", salt.Kind())
	}
	d := &disclosure{text: text, value: salt.Next()}
	if n == 2 {
		return d, nil
	}
	name := d.value
	if name.Kind() != strictjson.String {
		return nil, fmt.Errorf("the name is %s, want a string", name.Kind())
	}
	d.member, d.name, d.rawName, d.value = true, name.Text(), name.Raw(), name.Next()
	if err := checkName(d.name); err != nil || d.name == hashName {
		return nil, fmt.Errorf("%q is not a name that a claim can have", d.name)
	}
	return d, nil
}

// checkName refuses the names that digests have, in any case.
func checkName(name string) error {
	if name == digestsName || name == elementName {
		return fmt.Errorf("%q does not hold digests here", name)
	}
	if is, ok := strictjson.CaseVariant(name, digestsName, hashName); ok {
		return fmt.Errorf("%q: is it %q? names are case-sensitive", name, is)
	}
	return nil
}
