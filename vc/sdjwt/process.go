package sdjwt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// A content is what the claims and the disclosures say together.
type content struct {
	payload []byte
	members []member      // of payload, at the top
	shown   []*disclosure // in the order sent
	hidden  int           // digests without a disclosure
	hash    Hash
}

// A member is one of the payload, at the top.
type member struct {
	name       string
	start, end int         // of `"name":value` in payload
	by         *disclosure // that brought it; nil if it is in clear
	closed     bool        // nothing in it was, or could be, disclosed apart from it
}

// process puts disclosures in the places of their digests (RFC 9901 §7.1, steps 3 to 5).
func process(claims strictjson.Value, texts []string) (content, error) {
	var p processor
	if alg := claims.Member(hashName); alg.Exists() {
		p.hash = Hash(alg.Text())
		if p.hash == "" {
			return p.content, errors.New("_sd_alg is not the name of a hash function")
		}
	}
	if err := p.hash.check(); err != nil {
		return p.content, err
	}
	p.byDigest = make(map[string]*disclosure, len(texts))
	size := len(claims.Raw())
	for i, text := range texts {
		d, err := readDisclosure(text)
		if err != nil {
			return p.content, fmt.Errorf("disclosure %d: %w", i, err)
		}
		sum := p.hash.sum(text)
		if p.byDigest[sum] != nil {
			return p.content, fmt.Errorf("disclosure %d was sent before", i)
		}
		p.byDigest[sum] = d
		p.shown = append(p.shown, d)
		size += len(d.value.Raw()) + len(d.rawName) + 2
	}
	p.seen = make(map[string]bool)
	p.payload = make([]byte, 0, size)
	if err := p.object(claims, nil, 1); err != nil {
		return p.content, err
	}
	for i, d := range p.shown {
		if !d.used {
			return p.content, fmt.Errorf("disclosure %d is none of this token's: nothing that is shown holds its digest", i)
		}
	}
	return p.content, nil
}

type processor struct {
	content
	byDigest map[string]*disclosure
	seen     map[string]bool // the digests found
	pointer  []byte          // of the value being written
}

// find returns the disclosure of a digest, or nil.
func (p *processor) find(v strictjson.Value, member bool, inside *disclosure) (*disclosure, error) {
	if v.Kind() != strictjson.String {
		return nil, errors.New("a digest is a string")
	}
	sum := v.Text()
	if p.seen[sum] { // §7.1 step 4
		return nil, fmt.Errorf("the digest %.80q is there twice", sum)
	}
	p.seen[sum] = true
	d := p.byDigest[sum]
	if d == nil {
		p.hidden++
		return nil, nil
	}
	if d.member != member {
		return nil, fmt.Errorf("the disclosure of %.80q has a name, or none, unlike what its digest stands for", sum)
	}
	d.used, d.inside = true, inside
	return d, nil
}

// value writes v, which stands in the value of the disclosure inside, depth deep.
func (p *processor) value(v strictjson.Value, inside *disclosure, depth int) error {
	switch v.Kind() {
	case strictjson.Object, strictjson.Array:
		if depth > MaxDepth {
			return fmt.Errorf("claims nest more than %d deep with their disclosures", MaxDepth)
		}
		if v.Kind() == strictjson.Object {
			return p.object(v, inside, depth)
		}
		return p.array(v, inside, depth)
	}
	p.payload = append(p.payload, v.Raw()...)
	return nil
}

func (p *processor) object(v strictjson.Value, inside *disclosure, depth int) error {
	p.payload = append(p.payload, '{')
	first := len(p.payload)
	var digests strictjson.Value
	add := func(name, rawName string, value strictjson.Value, by, inside *disclosure) error {
		if len(p.payload) > first {
			p.payload = append(p.payload, ',')
		}
		start, found := len(p.payload), len(p.seen)
		p.payload = append(append(p.payload, rawName...), ':')
		up := p.enter(name)
		if by != nil {
			by.pointer = string(p.pointer)
		}
		if err := p.value(value, inside, depth+1); err != nil {
			return err
		}
		p.pointer = p.pointer[:up]
		if depth == 1 {
			p.members = append(p.members, member{name, start, len(p.payload), by, len(p.seen) == found})
		}
		return nil
	}
	for m := v.First(); m.Exists(); m = m.Next() {
		switch name := m.Name(); {
		case name == digestsName:
			digests = m
		case name == hashName && depth == 1:
		default:
			err := checkName(name)
			if name == hashName {
				err = errors.New("_sd_alg stands at the top only")
			}
			if err == nil {
				err = add(name, m.RawName(), m, nil, inside)
			}
			if err != nil {
				return err
			}
		}
	}
	if digests.Exists() && digests.Kind() != strictjson.Array {
		return fmt.Errorf("_sd is %s, want an array of digests", digests.Kind())
	}
	var names map[string]bool // that the object has by now
	for e := digests.First(); e.Exists(); e = e.Next() {
		d, err := p.find(e, true, inside)
		if err != nil {
			return err
		}
		if d == nil {
			continue
		}
		if names == nil {
			names = map[string]bool{}
			for m := v.First(); m.Exists(); m = m.Next() {
				names[m.Name()] = true
			}
		}
		if names[d.name] { // §7.1 step 3.3.2.3
			return fmt.Errorf("a disclosure would overwrite the claim %.80q", string(p.pointer)+"/"+escape(d.name))
		}
		names[d.name] = true
		if err := add(d.name, d.rawName, d.value, d, d); err != nil {
			return err
		}
	}
	p.payload = append(p.payload, '}')
	return nil
}

func (p *processor) array(v strictjson.Value, inside *disclosure, depth int) error {
	p.payload = append(p.payload, '[')
	n := 0
	for e := v.First(); e.Exists(); e = e.Next() {
		value, within, by := e, inside, (*disclosure)(nil)
		if e.Kind() == strictjson.Object && e.Member(elementName).Exists() {
			if e.Len() != 1 {
				return fmt.Errorf("%q stands beside other members", elementName)
			}
			d, err := p.find(e.First(), false, inside)
			if err != nil {
				return err
			}
			if d == nil {
				continue // §7.1 step 3.4: a hidden element leaves no trace
			}
			value, within, by = d.value, d, d
		}
		if n > 0 {
			p.payload = append(p.payload, ',')
		}
		up := p.enter(strconv.Itoa(n))
		if by != nil {
			by.pointer = string(p.pointer)
		}
		if err := p.value(value, within, depth+1); err != nil {
			return err
		}
		p.pointer = p.pointer[:up]
		n++
	}
	p.payload = append(p.payload, ']')
	return nil
}

// enter makes p.pointer that of a member or element, and returns its length before.
func (p *processor) enter(name string) int {
	up := len(p.pointer)
	p.pointer = append(append(p.pointer, '/'), escape(name)...)
	return up
}

// escape writes a name as a reference token of a JSON Pointer (RFC 6901 §3).
func escape(name string) string {
	if !strings.ContainsAny(name, "~/") {
		return name
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
