package interop

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
)

// Random edits of signed credentials, some of which change what they say and some of
// which do not: whatever we take after them, they take too.
func TestWhateverWeTakeAfterEditsTheyTake(t *testing.T) {
	t.Parallel()
	p := dataIntegrity(t)
	e := editor{rand.New(rand.NewPCG(6, 6))}
	var signed [][]byte
	for _, s := range suites {
		for _, c := range credentials {
			id := p.signs(s.kind)
			signed = append(signed, p.document("issue", object{"document": json.RawMessage(credential(c.text, id, id)), "cryptosuite": s.suite.Name(), "key": id}))
		}
	}
	taken := 0
	for i := range times(1500) {
		m := members(t, signed[i%len(signed)])
		for range 1 + e.IntN(2) {
			e.edit(m, e.IntN(3) == 0)
		}
		text := marshal(t, m)
		if _, err := everything().Verify(t.Context(), text, vc.AnyIssuer); err != nil {
			continue
		}
		taken++
		var v verdict
		require.NoError(t, json.Unmarshal(p.try("verify", object{"document": m}).raw, &v))
		require.True(t, v.Verified, "case %d: we take what they do not: %s\n%s", i, v.Error, text)
	}
	t.Logf("%d taken", taken)
	require.Greater(t, taken, times(70))
}

type editor struct{ *rand.Rand }

// edit changes one place of a document: its proof, or anything.
func (e editor) edit(document object, proof bool) {
	if p, ok := document["proof"].(object); ok && proof {
		switch e.IntN(8) {
		case 0:
			document["proof"] = []any{p}
		case 1:
			document["proof"] = []any{p, maps.Clone(p)}
		case 2:
			p["@context"] = document["@context"]
		case 3:
			p["id"] = "urn:uuid:4f1d1a3e-0d55-4f5c-8b2e-6f1e0c1f2a3b"
		case 4:
			p["expires"] = "2126-01-01T00:00:00Z"
		case 5:
			p["proofPurpose"] = []any{p["proofPurpose"]}
		case 6:
			p["nonce"] = "n"
		default:
			e.change(p)
		}
		return
	}
	// The objects in it, however deep.
	var all []object
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			all = append(all, v)
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name])
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(document)
	e.change(all[e.IntN(len(all))])
}

// change changes one member of an object.
func (e editor) change(o object) {
	names := slices.Sorted(maps.Keys(o))
	if len(names) == 0 {
		return
	}
	name := names[e.IntN(len(names))]
	switch k := e.IntN(10); {
	case k == 0:
		delete(o, name)
	case k == 1:
		o["id"] = []any{"urn:x", "did:example:x", "", "_:b"}[e.IntN(4)]
	case k == 2:
		o["type"] = []any{"VerifiableCredential", []any{}, "https://other.example/Type"}[e.IntN(3)]
	case k == 3:
		o[[]string{"name", "description", "evidence", "undefined", "Issuer", "@id", "@type", "@graph", "relatedResource"}[e.IntN(9)]] = []any{"x", nil, object{}, []any{}}[e.IntN(4)]
	default:
		o[name] = e.other(o[name])
	}
}

// other returns a value that says the same in other form, or something else.
func (e editor) other(v any) any {
	switch v := v.(type) {
	case []any:
		v = slices.Clone(v)
		switch e.IntN(5) {
		case 0:
			if len(v) == 1 {
				return v[0]
			}
		case 1:
			if len(v) > 0 {
				return append(v, v[0])
			}
		case 2:
			return append(v, nil)
		case 3:
			return []any{v}
		}
		slices.Reverse(v)
		return v
	case object:
		switch e.IntN(4) {
		case 0:
			return []any{v}
		case 1:
			return []any{v, v}
		case 2:
			return object{"@set": []any{v}}
		}
		return object{"@graph": v}
	case string:
		switch e.IntN(6) {
		case 0:
			return []any{v}
		case 1:
			return object{"@value": v}
		case 2:
			return object{"id": v}
		case 3:
			return v + "x"
		case 4:
			return []any{v, v}
		}
		return object{"@value": v, "@language": "en"}
	case float64:
		switch e.IntN(4) {
		case 0:
			return []any{v}
		case 1:
			return object{"@value": v}
		case 2:
			return v + 1
		}
		return json.RawMessage(strconv.FormatFloat(v, 'e', -1, 64))
	case bool:
		return []any{[]any{v}, !v, object{"@value": v}}[e.IntN(3)]
	}
	return "was " + fmt.Sprint(v)
}
