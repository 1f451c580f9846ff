package forgery

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/internal/jcs"
	"github.com/hourmeter/hourmeter/internal/strictjson"
)

// Parts of the genuine, put together anew, are no genuine ones; and signed by somebody, they are theirs. The input
// is a program of edits, so that a fuzzer need not find out what JSON is: see splice.
func FuzzSpliced(f *testing.F) {
	w := newWorld(f)
	mallory, malloryP256 := newParty(f, "mallory"), newParty(f, "mallory P-256")
	names := strings.NewReplacer(newParty(f, "shop").ID.String(), "$ID", newParty(f, "shop P-256").ID.String(), "$ID", newParty(f, "shop P-384").ID.String(), "$ID")
	parts := w.parts(f)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		program := make([]byte, 2+4*(1+random.IntN(4)))
		for i := range program {
			program[i] = byte(random.Uint32())
		}
		f.Add(program)
	}
	v, ways := w.verifier(), w.ways()
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) < 2 || len(program) > 66 {
			return
		}
		text := parts.splice(program[0], program[2:])
		if way := program[1]; way&1 != 0 {
			if doc, err := strictjson.Parse(text, strictjson.Limits{}); err == nil && doc.Root().Kind() == strictjson.Object {
				text = jcs.Append(nil, doc.Root(), jcs.Override{Name: "proof"})
				w.signedBy(t, v, mallory, malloryP256, []byte(names.Replace(string(text))), ways[int(way>>1)%len(ways)])
			}
			return
		}
		if verified, err := verify(t, v, text); err == nil {
			require.NoError(t, w.origin(t, verified), "%s", text)
		}
		if p, err := verifyPresentation(t, v, text); err == nil {
			require.NoError(t, w.presented(t, p), "%s", text)
		}
	})
}

// parts are what the genuine are made of.
type parts struct {
	json   []strictjson.Value
	tokens []string
}

func (w *world) parts(t testing.TB) (p parts) {
	for _, name := range w.names() {
		raw := w.raw[name]
		if raw[0] == '{' {
			doc, err := strictjson.Parse(raw, strictjson.Limits{})
			require.NoError(t, err)
			p.json = append(p.json, doc.Root())
		} else if bytes.HasPrefix(raw, []byte("ey")) {
			p.tokens = append(p.tokens, string(raw))
		}
	}
	return p
}

// splice edits one of the genuine by a program: of each edit, what to do, where, and with which part of which other.
func (p parts) splice(start byte, program []byte) []byte {
	if int(start) >= 224 { // seldom: there is less to edit
		text := p.tokens[int(start)%len(p.tokens)]
		for ; len(program) >= 4; program = program[4:] {
			own, other := segments(text), segments(p.tokens[int(program[2])%len(p.tokens)])
			at, from := int(program[1])%len(own), other[int(program[3])%len(other)]
			switch program[0] % 3 {
			case 0:
				own[at] = from
			case 1:
				own[at] += from
			case 2:
				own[at] = ""
			}
			text = strings.Join(own, "")
		}
		return []byte(text)
	}
	text := p.json[int(start)%len(p.json)].Raw()
	for ; len(program) >= 4; program = program[4:] {
		doc, err := strictjson.Parse([]byte(text), strictjson.Limits{})
		if err != nil || len(text) > 32<<10 {
			break
		}
		other := nodes(p.json[int(program[2])%len(p.json)])
		from := other[int(program[3])%len(other)]
		places := nodes(doc.Root())
		place := places[int(program[1])%len(places)]
		text = edit(doc.Root(), place, program[0], from)
	}
	return []byte(text)
}

// segments cuts a token behind each of its separators.
func segments(token string) (list []string) {
	for len(token) > 0 {
		i := strings.IndexAny(token, ".~") + 1
		if i == 0 {
			i = len(token)
		}
		list, token = append(list, token[:i]), token[i:]
	}
	return append(list, "")
}

// nodes returns all values in v, itself first.
func nodes(v strictjson.Value) []strictjson.Value {
	list := []strictjson.Value{v}
	for m := v.First(); m.Exists(); m = m.Next() {
		list = append(list, nodes(m)...)
	}
	return list
}

// edit returns the text of v with one change at the value place.
func edit(v, place strictjson.Value, what byte, from strictjson.Value) string {
	if v == place {
		switch what % 8 {
		case 0: // another value
			return from.Raw()
		case 1: // nothing
			return ""
		case 2: // twice
			return v.Raw() + "," + v.Raw()
		case 3: // both, in an array
			return "[" + v.Raw() + "," + from.Raw() + "]"
		case 4:
			return "[" + v.Raw() + "]"
		case 5: // one more member or element
			switch v.Kind() {
			case strictjson.Object:
				name := from.Name()
				if name == "" {
					name = "name"
				}
				return strings.Replace(strings.TrimSuffix(v.Raw(), "}")+fmt.Sprintf(",%q:%s}", name, from.Raw()), "{,", "{", 1)
			case strictjson.Array:
				return strings.Replace(strings.TrimSuffix(v.Raw(), "]")+","+from.Raw()+"]", "[,", "[", 1)
			}
			return `{"@value":` + v.Raw() + `}`
		case 6:
			return `{"id":` + v.Raw() + `}`
		default:
			return `null`
		}
	}
	var b strings.Builder
	switch v.Kind() {
	case strictjson.Object, strictjson.Array:
		open, end := "{", "}"
		if v.Kind() == strictjson.Array {
			open, end = "[", "]"
		}
		b.WriteString(open)
		for m := v.First(); m.Exists(); m = m.Next() {
			text := edit(m, place, what, from)
			if text == "" {
				continue
			}
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			if v.Kind() == strictjson.Object {
				name := m.Name()
				if m == place && what&8 != 0 && from.Name() != "" { // under another name
					name = from.Name()
				}
				fmt.Fprintf(&b, "%q:", name)
			}
			b.WriteString(text)
		}
		b.WriteString(end)
		return b.String()
	}
	return v.Raw()
}
