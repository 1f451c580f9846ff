package sdjwt

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// Present returns a token that shows the disclosures of these pointers, and those that
// they stand inside of, and no others (RFC 9901 §7.2). A pointer is that of a
// [Disclosure] of t. With no pointers only what is always in clear is shown.
//
// A pointer to a claim that is not a disclosure of its own is an error: showing it would
// show more than was asked for, or is not a choice.
func (t *Token) Present(pointers ...string) (*Token, error) {
	if t.Bound() {
		return nil, errors.New("sdjwt: present: somebody has bound this token to a choice of disclosures: present the one that was issued")
	}
	chosen := map[*disclosure]bool{}
	for _, pointer := range pointers {
		i := slices.IndexFunc(t.shown, func(d *disclosure) bool { return d.pointer == pointer })
		if i < 0 {
			return nil, fmt.Errorf("sdjwt: present: %w", t.noDisclosure(pointer))
		}
		for d := t.shown[i]; d != nil; d = d.inside {
			chosen[d] = true
		}
	}
	out := &Token{signed: t.signed}
	for _, d := range t.shown {
		if chosen[d] {
			out.disclosures = append(out.disclosures, d.text)
		}
	}
	return Parse([]byte(out.String()))
}

// noDisclosure says why there is none for pointer.
func (t *Token) noDisclosure(pointer string) error {
	if _, err := resolve(t.root, pointer); err != nil {
		return err
	}
	around := "" // the innermost disclosure that it is a part of
	for _, d := range t.shown {
		if strings.HasPrefix(pointer, d.pointer+"/") && len(d.pointer) > len(around) {
			around = d.pointer
		}
	}
	if around != "" {
		return fmt.Errorf("%.200q is shown only with all of %.200q: choose that", pointer, around)
	}
	return fmt.Errorf("%.200q is always shown: choose what is below it, or leave it off the list", pointer)
}

// resolve returns the value that a JSON Pointer names (RFC 6901).
func resolve(v strictjson.Value, pointer string) (strictjson.Value, error) {
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return v, fmt.Errorf("%.200q is no JSON Pointer to a claim: it starts with \"/\"", pointer)
	}
	for token := range strings.SplitSeq(rest, "/") {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		if escape(name) != token {
			return v, fmt.Errorf("%.200q is no JSON Pointer: write ~0 for ~ and ~1 for /", pointer)
		}
		var next strictjson.Value
		switch v.Kind() {
		case strictjson.Object:
			next = v.Member(name)
		case strictjson.Array:
			n, err := strconv.Atoi(name)
			if err != nil || strconv.Itoa(n) != name {
				return v, fmt.Errorf("%.200q: %.40q is no index of an array", pointer, name)
			}
			for next = v.First(); n > 0 && next.Exists(); n-- {
				next = next.Next()
			}
			if n < 0 {
				next = strictjson.Value{}
			}
		}
		if !next.Exists() {
			return v, fmt.Errorf("%.200q: there is no such claim", pointer)
		}
		v = next
	}
	return v, nil
}

// Bind answers ch with the token: it adds a key binding JWT (RFC 9901 §4.3), by which the
// holder signs its choice of disclosures, once, for the one who asks. key is that of the
// token's cnf claim. A zero now means time.Now.
func (t *Token) Bind(key crypto.Signer, ch vc.Challenge, now time.Time) (*Token, error) {
	switch {
	case ch.Nonce == "" || ch.Domain == "" || !utf8.ValidString(ch.Nonce+ch.Domain):
		return nil, errors.New("sdjwt: bind: the Challenge needs Nonce and Domain, from the one who asks")
	case t.Bound():
		return nil, errors.New("sdjwt: bind: the token has a key binding already: present the one that was issued")
	}
	c, err := readConfirmation(t.claims.Member("cnf"))
	if err != nil {
		return nil, fmt.Errorf("sdjwt: bind: cnf: %w", err)
	}
	if c.isZero() {
		return nil, errors.New("sdjwt: bind: the issuer named no key of its holder: ask for one with a cnf claim")
	}
	if c.Key != nil && !sameKey(c.Key, key.Public()) {
		return nil, errors.New("sdjwt: bind: this is not the key that the issuer confirmed in cnf")
	}
	if now.IsZero() {
		now = time.Now()
	}
	payload := strconv.AppendInt([]byte(`{"iat":`), now.Unix(), 10)
	payload, err = appendQuoted(append(payload, `,"aud":`...), ch.Domain)
	if err == nil {
		payload, err = appendQuoted(append(payload, `,"nonce":`...), ch.Nonce)
	}
	if err != nil {
		return nil, fmt.Errorf("sdjwt: bind: %w", err)
	}
	payload = append(payload, `,"sd_hash":"`+t.hash.sum(t.unbound())+`"}`...)
	kb, err := jws.Sign(key, jws.Header{Typ: typBinding}, payload)
	if err != nil {
		return nil, fmt.Errorf("sdjwt: bind: %w", err)
	}
	return Parse([]byte(t.unbound() + string(kb)))
}

func appendQuoted(dst []byte, s string) ([]byte, error) { return jsontext.AppendQuote(dst, s) }

// sameKey reports whether two public keys are the same.
func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
