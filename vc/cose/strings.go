package cose

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hourmeter/hourmeter/internal/cbor"
	"github.com/hourmeter/hourmeter/internal/multikey"
)

// JSON has no byte strings, so one stands for a text that is shorter this way. Of one or two bytes
// it is the label of a value, or with 0 in front the number of a text that came before. Of more,
// the first byte is its form:
const (
	formPrefix    = 0x01 // to 0x0f: a prefix, and the rest as UTF-8
	formMultihash = 0x12 // a SHA-256 multihash (12 20 …), of multibase base64url: "uEi…"
	formKeyURL    = 0x23 // '#': a Multikey, of its verification method: "did:key:z…#z…"
	formUUID      = 0x55 // 'U': 16 bytes, of a URN: "urn:uuid:…"
	formData      = 0x64 // 'd': the number of a media type, and the data: "data:…;base64,…"
	formBase64    = 0x75 // 'u': the bytes of multibase base64url: "u…"
	formBase58    = 0x7a // 'z': the bytes of multibase base58btc: "z…"
)

// The first bytes of a Multikey, which is of the DID "did:key:z…": its multicodec.
var multicodecs = []byte{0x80, 0x81, 0xe7, 0xec, 0xed}

const (
	maxKey      = 64      // bytes of a Multikey
	minBase     = 16      // bytes: shorter, a word that happens to read as base58 or base64url stays one
	maxBase58   = 128     // bytes: decoding takes quadratic time
	maxBase64   = 1 << 20 // bytes, of a status list at most
	maxNumbered = 256     // texts that can be referred to
	minNumbered = 4       // bytes of a text that is worth it: a reference takes three
)

// texts are those that have been written or read so far, for references.
type texts struct {
	number map[string]int
	list   []string
}

func (t *texts) add(s string, encoded int) {
	if encoded < minNumbered || len(t.list) == maxNumbered {
		return
	}
	if t.number == nil {
		t.number = make(map[string]int)
	}
	t.number[s] = len(t.list)
	t.list = append(t.list, s)
}

// appendString appends s in the first form that holds it, of this order: a reference, a value's
// label, a time, a byte string, text.
func (t *texts) appendString(dst []byte, s string) []byte {
	if n, ok := t.number[s]; ok {
		return cbor.AppendBytes(dst, []byte{0, byte(n)})
	}
	if label, ok := registry().values[s]; ok && s[0] != '[' {
		return appendLabel(dst, label)
	}
	start := len(dst)
	if when, ok := parseStamp(s); ok {
		dst = cbor.AppendInt(cbor.AppendTag(dst, 1), when)
	} else if packed := pack(s); packed != nil {
		dst = cbor.AppendBytes(dst, packed)
	} else {
		dst = cbor.AppendText(dst, s)
	}
	t.add(s, len(dst)-start)
	return dst
}

// appendLabel appends the label of a value.
func appendLabel(dst []byte, label int64) []byte {
	if label <= 0xff {
		return cbor.AppendBytes(dst, []byte{byte(label)})
	}
	return cbor.AppendBytes(dst, []byte{byte(label >> 8), byte(label)})
}

// pack returns s as a byte string that [unpack] makes s of, or nil if it has to stay text.
func pack(s string) []byte {
	var packed []byte
	switch {
	case strings.HasPrefix(s, "u"):
		if b, err := multikey.DecodeBase64URL(s, maxBase64); err == nil && len(b) >= minBase {
			if packed = append([]byte{formBase64}, b...); len(b) == 34 && b[0] == formMultihash && b[1] == 32 {
				packed = b
			}
		} else if text, ok := strings.CutPrefix(s, "urn:uuid:"); ok {
			packed = append([]byte{formUUID}, uuid(text)...)
		}
	case strings.HasPrefix(s, "z"):
		if b, err := multikey.DecodeBase58(s, maxBase58); err == nil && len(b) >= minBase {
			packed = append([]byte{formBase58}, b...)
		}
	case strings.HasPrefix(s, "did:key:z"):
		key, fragment, isURL := strings.Cut(s[len("did:key:"):], "#")
		if b, err := multikey.DecodeBase58(key, maxKey); err == nil && slices.Contains(multicodecs, b[0]) {
			if packed = b; isURL && fragment == key {
				packed = append([]byte{formKeyURL}, b...)
			}
		}
	case strings.HasPrefix(s, "data:"):
		typ, data, _ := strings.Cut(s[len("data:"):], ";base64,")
		if i := slices.Index(mediaTypes, typ); i >= 0 {
			if b, err := base64.StdEncoding.Strict().DecodeString(data); err == nil {
				packed = append([]byte{formData, byte(i)}, b...)
			}
		}
	}
	// Some of these have other texts with the same bytes.
	if len(packed) > 2 {
		if back, err := unpack(packed); err == nil && back == s {
			return packed
		}
	}
	form := -1
	for i, p := range prefixes {
		if strings.HasPrefix(s, p) && (form < 0 || len(p) > len(prefixes[form])) {
			form = i
		}
	}
	if form < 0 || len(s)-len(prefixes[form]) < 2 { // three bytes tell it from a label
		return nil
	}
	return append([]byte{byte(formPrefix + form)}, s[len(prefixes[form]):]...)
}

// unpack returns the text that a byte string of three bytes or more stands for.
func unpack(b []byte) (string, error) {
	rest := b[1:]
	switch form := b[0]; {
	case form >= formPrefix && int(form-formPrefix) < len(prefixes):
		if !utf8.Valid(rest) {
			return "", fmt.Errorf("text behind the prefix %d that is not UTF-8", form)
		}
		return prefixes[form-formPrefix] + string(rest), nil
	case form == formMultihash:
		return multikey.EncodeBase64URL(b), nil
	case form == formBase64:
		return multikey.EncodeBase64URL(rest), nil
	case form == formBase58 && len(rest) <= maxBase58:
		return multikey.EncodeBase58(rest), nil
	case slices.Contains(multicodecs, form) && len(b) <= maxKey:
		return "did:key:" + multikey.EncodeBase58(b), nil
	case form == formKeyURL && len(rest) <= maxKey:
		key := multikey.EncodeBase58(rest)
		return "did:key:" + key + "#" + key, nil
	case form == formUUID && len(rest) == 16:
		h := hex.EncodeToString(rest)
		return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
	case form == formData && int(rest[0]) < len(mediaTypes):
		return "data:" + mediaTypes[rest[0]] + ";base64," + base64.StdEncoding.EncodeToString(rest[1:]), nil
	}
	return "", fmt.Errorf("a byte string of %d bytes of the form %#02x, which version 1 of the registry does not have", len(b), b[0])
}

// uuid returns the 16 bytes of a UUID (RFC 9562 §4), or nil.
func uuid(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return nil
	}
	return b
}
