package sdjwt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// readJSON reads the flattened and the general JWS JSON form (RFC 9901 §8).
func (t *Token) readJSON(raw []byte, limit int) error {
	doc, err := strictjson.Parse(raw, strictjson.Limits{Bytes: limit, Depth: MaxDepth})
	if err != nil {
		return err
	}
	root := doc.Root()
	signatures := root.Member("signatures")
	if !signatures.Exists() {
		if err := onlyMembers(root, "payload", "protected", "signature", "header"); err != nil {
			return err
		}
		return t.readSignature(root.Member("payload"), root, true)
	}
	if err := onlyMembers(root, "payload", "signatures"); err != nil {
		return err
	}
	if signatures.Kind() != strictjson.Array || signatures.Len() == 0 {
		return errors.New("signatures: want an array of one or more")
	}
	for s := signatures.First(); s.Exists(); s = s.Next() {
		if err := onlyMembers(s, "protected", "signature", "header"); err != nil {
			return err
		}
		if err := t.readSignature(root.Member("payload"), s, s == signatures.First()); err != nil {
			return err
		}
	}
	return nil
}

// readSignature reads an object with protected, signature and header. Disclosures and
// key binding are in the first (§8.3), which becomes the issuer-signed JWT (§8.1).
func (t *Token) readSignature(payload, s strictjson.Value, first bool) error {
	for _, v := range []strictjson.Value{payload, s.Member("protected"), s.Member("signature")} {
		if v.Text() == "" {
			return errors.New("payload, protected and signature have to be there, as strings")
		}
	}
	header := s.Member("header")
	if header.Exists() {
		// What is unprotected is anybody's. A parameter that says how to check the
		// signature has no place there.
		if err := onlyMembers(header, "disclosures", "kb_jwt", "kid"); err != nil {
			return fmt.Errorf("header: %w", err)
		}
	}
	disclosures, kb := header.Member("disclosures"), header.Member("kb_jwt")
	if !first {
		if disclosures.Exists() || kb.Exists() {
			return errors.New("disclosures and kb_jwt belong to the first signature")
		}
		return nil
	}
	t.signed = s.Member("protected").Text() + "." + payload.Text() + "." + s.Member("signature").Text()
	if disclosures.Exists() && disclosures.Kind() != strictjson.Array {
		return errors.New("disclosures: want an array of strings")
	}
	for d := disclosures.First(); d.Exists(); d = d.Next() {
		if len(t.disclosures) > MaxDisclosures {
			break // parse refuses them
		}
		if d.Kind() != strictjson.String {
			return errors.New("disclosures: want an array of strings")
		}
		t.disclosures = append(t.disclosures, d.Text())
	}
	if t.kb = kb.Text(); kb.Exists() && t.kb == "" {
		return errors.New("kb_jwt: want a string")
	}
	return nil
}

func onlyMembers(v strictjson.Value, names ...string) error {
	if v.Kind() != strictjson.Object {
		return fmt.Errorf("want an object, got %s", v.Kind())
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		if !slices.Contains(names, m.Name()) {
			return fmt.Errorf("member %.40q: want %q", m.Name(), names)
		}
	}
	return nil
}

// JSON returns the token in the flattened JWS JSON form (RFC 9901 §8.2).
func (t *Token) JSON() []byte {
	protected, rest, _ := strings.Cut(t.signed, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	out := []byte(`{"payload":"` + payload + `","protected":"` + protected + `","signature":"` + signature + `","header":{"disclosures":[`)
	for i, d := range t.disclosures {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), d...), '"')
	}
	out = append(out, ']')
	if t.kb != "" {
		out = append(out, `,"kb_jwt":"`+t.kb+`"`...)
	}
	return append(out, `}}`...)
}
