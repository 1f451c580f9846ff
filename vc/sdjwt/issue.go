package sdjwt

import (
	"crypto"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// saltBytes is how much chance a salt has: 128 bits (RFC 9901 §9.3). It is what keeps a
// verifier from guessing what a digest stands for.
const saltBytes = 16

// Options say what of some claims their holder may leave out, and how that is hidden. The
// zero Options hide nothing.
type Options struct {
	// Disclosable are JSON Pointers to members and array elements, such as "/address",
	// "/address/street" or "/nationalities/0". A claim and one that it contains may both
	// be listed: then the inner one can only be shown with the outer (RFC 9901 §4.2.6).
	// A pointer to nothing is an error: something would stay in clear.
	Disclosable []string
	// Recursive makes also whatever lies below a listed pointer disclosable on its own.
	Recursive bool
	// Decoys is the most decoy digests (RFC 9901 §4.2.5) in each object and array that
	// hides something: each gets 1 to Decoys, by chance, so that nobody sees how many
	// claims it hides. Zero means none.
	Decoys int
	// Hash is the hash function of the disclosures; empty means SHA256.
	Hash Hash
}

// MaxDecoys is the most decoys in one object or array: more cost the reader more than they
// hide.
const MaxDecoys = 100

// issue signs claims, a JSON object, with o hiding some of them (RFC 9901 §4).
func issue(key crypto.Signer, h jws.Header, claims []byte, o Options, r rules, limit int) (*Token, error) {
	payload, disclosures, err := conceal(claims, o, r, limit, salted{})
	if err != nil {
		return nil, err
	}
	signed, err := jws.Sign(key, h, payload)
	if err != nil {
		return nil, err
	}
	t := &Token{signed: string(signed), disclosures: disclosures}
	return parse([]byte(t.String()), limit) // refuses to issue what it would refuse to read
}

// A concealer is the part of hiding claims that is up to chance.
type concealer interface {
	// disclose returns a disclosure of a member, or of an array element if member is
	// false. name and value are JSON.
	disclose(member bool, name string, value []byte) string
	// decoys returns up to most texts whose digests hide nothing.
	decoys(most int) []string
	// place returns where among n elements a decoy goes.
	place(n int) int
}

// salted is the concealer that is not for tests.
type salted struct{}

func salt() string {
	var b [saltBytes]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return base64url.EncodeToString(b[:])
}

func (salted) disclose(member bool, name string, value []byte) string {
	text := `["` + salt() + `",`
	if member {
		text += name + ","
	}
	return base64url.EncodeToString(append(append([]byte(text), value...), ']'))
}

func (s salted) decoys(most int) []string {
	if most <= 0 {
		return nil
	}
	list := make([]string, 1+s.place(most-1))
	for i := range list {
		list[i] = salt()
	}
	return list
}

func (salted) place(n int) int {
	var b [8]byte
	rand.Read(b[:])
	return int(binary.BigEndian.Uint64(b[:]) % uint64(n+1)) // n is small: evenly, but for 2^-50
}

// conceal returns the payload that hides what o says, and the disclosures, in the order of
// the claims, an inner one before the one it stands inside of.
func conceal(claims []byte, o Options, r rules, limit int, by concealer) (payload []byte, disclosures []string, err error) {
	if err := o.Hash.check(); err != nil {
		return nil, nil, err
	}
	if o.Decoys < 0 || o.Decoys > MaxDecoys {
		return nil, nil, fmt.Errorf("%d decoys, want 0 to %d", o.Decoys, MaxDecoys)
	}
	doc, err := strictjson.Parse(claims, strictjson.Limits{Bytes: limit, Depth: MaxDepth})
	if err != nil {
		return nil, nil, err
	}
	root := doc.Root()
	if root.Kind() != strictjson.Object {
		return nil, nil, fmt.Errorf("the claims are %s, want an object", root.Kind())
	}
	h := hider{Options: o, by: by, hide: map[strictjson.Value]bool{}}
	for _, pointer := range o.Disclosable {
		v, err := resolve(root, pointer)
		if err != nil {
			return nil, nil, fmt.Errorf("disclosable: %w", err)
		}
		h.mark(v)
	}
	if len(h.hide) > MaxDisclosures {
		return nil, nil, fmt.Errorf("%d claims to disclose, at most %d are read", len(h.hide), MaxDisclosures)
	}
	if err := r.leave(root, h.hide); err != nil {
		return nil, nil, fmt.Errorf("disclosable: %w", err)
	}
	if payload, err = h.value(nil, root); err != nil {
		return nil, nil, err
	}
	if len(h.hide) > 0 {
		name := o.Hash
		if name == "" {
			name = SHA256
		}
		payload = append(payload[:len(payload)-1], `,"_sd_alg":"`+string(name)+`"}`...)
	}
	return payload, h.disclosures, nil
}

type hider struct {
	Options
	by          concealer
	hide        map[strictjson.Value]bool
	disclosures []string
}

func (h *hider) mark(v strictjson.Value) {
	h.hide[v] = true
	if h.Recursive {
		for e := v.First(); e.Exists(); e = e.Next() {
			h.mark(e)
		}
	}
}

// disclose makes a disclosure of v and returns its digest.
func (h *hider) disclose(v strictjson.Value, member bool) (string, error) {
	value, err := h.value(nil, v)
	if err != nil {
		return "", err
	}
	text := h.by.disclose(member, v.RawName(), value)
	h.disclosures = append(h.disclosures, text)
	return h.Hash.sum(text), nil
}

// value writes v to dst, with digests for what is hidden below it.
func (h *hider) value(dst []byte, v strictjson.Value) ([]byte, error) {
	var err error
	switch v.Kind() {
	case strictjson.Object:
		start := len(dst)
		var digests []string
		for m := v.First(); m.Exists(); m = m.Next() {
			if err := checkName(m.Name()); err != nil || m.Name() == hashName {
				return dst, fmt.Errorf("claim %.200q: the name is that of digests (RFC 9901 §4.1)", m.Pointer())
			}
			if h.hide[m] {
				sum, err := h.disclose(m, true)
				if err != nil {
					return dst, err
				}
				digests = append(digests, sum)
				continue
			}
			dst = append(append(append(dst, ','), m.RawName()...), ':')
			if dst, err = h.value(dst, m); err != nil {
				return dst, err
			}
		}
		if len(digests) > 0 {
			for _, decoy := range h.by.decoys(h.Decoys) {
				digests = append(digests, h.Hash.sum(decoy))
			}
			slices.Sort(digests) // hides the order of the claims (§4.2.4.1)
			dst = append(dst, `,"_sd":["`+strings.Join(digests, `","`)+`"]`...)
		}
		if len(dst) == start {
			dst = append(dst, '{')
		}
		dst[start] = '{'
		return append(dst, '}'), nil

	case strictjson.Array:
		var elements [][]byte
		hidden := false
		for e := v.First(); e.Exists(); e = e.Next() {
			var element []byte
			if h.hide[e] {
				hidden = true
				sum, err := h.disclose(e, false)
				if err != nil {
					return dst, err
				}
				element = placeholder(sum)
			} else if element, err = h.value(nil, e); err != nil {
				return dst, err
			}
			elements = append(elements, element)
		}
		if hidden {
			for _, decoy := range h.by.decoys(h.Decoys) {
				elements = slices.Insert(elements, h.by.place(len(elements)), placeholder(h.Hash.sum(decoy)))
			}
		}
		dst = append(dst, '[')
		for i, e := range elements {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, e...)
		}
		return append(dst, ']'), nil
	}
	return append(dst, v.Raw()...), nil
}

// placeholder stands for an array element (RFC 9901 §4.2.4.2).
func placeholder(sum string) []byte { return []byte(`{"...":"` + sum + `"}`) }
