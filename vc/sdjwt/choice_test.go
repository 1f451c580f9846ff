package sdjwt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/internal/jws"
	"github.com/hourmeter/hourmeter/internal/strictjson"
	"github.com/hourmeter/hourmeter/vc"
)

// drawJSON draws a value, depth deep at most.
func drawJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 5
		if depth > 0 {
			kinds = 9
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return float64(rapid.IntRange(-1000, 1000).Draw(t, "number"))
		case 3, 4:
			return rapid.SampledFrom([]string{"", "x", "é", "\"\\\n", "...", "_sd", "\u2028", "😀"}).Draw(t, "text")
		case 5, 6:
			return rapid.SliceOfN(drawJSON(depth-1), 0, 4).Draw(t, "array")
		}
		return drawObject(depth).Draw(t, "object")
	})
}

func drawObject(depth int) *rapid.Generator[any] {
	names := rapid.SampledFrom([]string{"a", "b", "c", "a/b", "m~n", "", "é", "_s", "0", "😀", "\"", "sd"})
	return rapid.Map(rapid.MapOfN(names, drawJSON(depth-1), 0, 5), func(m map[string]any) any { return m })
}

// pointers returns those of all values below v.
func pointers(v any, at string) (list []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			list = append(append(list, at+"/"+escape(name)), pointers(v[name], at+"/"+escape(name))...)
		}
	case []any:
		for i, e := range v {
			list = append(append(list, fmt.Sprint(at, "/", i)), pointers(e, fmt.Sprint(at, "/", i))...)
		}
	}
	return list
}

// without returns v less what hidden names: the model of what a verifier may see.
func without(v any, at string, hidden map[string]bool) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			if p := at + "/" + escape(name); !hidden[p] {
				out[name] = without(value, p, hidden)
			}
		}
		return out
	case []any:
		out := []any{}
		for i, e := range v {
			if p := fmt.Sprint(at, "/", i); !hidden[p] {
				out = append(out, without(e, p, hidden))
			}
		}
		return out
	}
	return v
}

// Whatever is made disclosable, and whatever of it is chosen: it verifies, and shows what
// was chosen, what that stands inside of, and nothing else.
func TestAnyChoice(t *testing.T) {
	_, key := newKey(t, "Ed25519")
	rapid.Check(t, func(t *rapid.T) {
		doc := drawObject(4).Draw(t, "claims")
		text, err := json.Marshal(doc)
		require.NoError(t, err)
		all := pointers(doc, "")
		pick := func(from []string, label string) []string {
			if len(from) == 0 {
				return nil
			}
			return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, min(len(from), 8), rapid.ID[string]).Draw(t, label)
		}
		o := Options{
			Disclosable: pick(all, "disclosable"),
			Recursive:   rapid.Bool().Draw(t, "recursive"),
			Decoys:      rapid.IntRange(0, 3).Draw(t, "decoys"),
			Hash:        rapid.SampledFrom([]Hash{"", SHA256, SHA384, SHA512}).Draw(t, "hash"),
		}
		hidden := map[string]bool{}
		for _, p := range all {
			for _, d := range o.Disclosable {
				if p == d || o.Recursive && strings.HasPrefix(p, d+"/") {
					hidden[p] = true
				}
			}
		}

		token, err := issue(key, jws.Header{}, text, o, rules{}, MaxBytes)
		require.NoError(t, err)
		require.NoError(t, token.Verify(key.Public()))
		require.JSONEq(t, string(text), string(token.Payload()))
		require.ElementsMatch(t, slices.Collect(maps.Keys(hidden)), pointersOf(token))
		require.Equal(t, o.Decoys > 0 && len(hidden) > 0, token.Selective())
		for _, d := range token.Disclosures() {
			v, err := resolve(token.root, d.Pointer)
			require.NoError(t, err)
			require.True(t, v.Exists())
		}

		chosen := pick(slices.Sorted(maps.Keys(hidden)), "chosen")
		shown, err := token.Present(chosen...)
		require.NoError(t, err)
		require.NoError(t, shown.Verify(key.Public()))
		left := maps.Clone(hidden)
		maps.DeleteFunc(left, func(p string, _ bool) bool {
			return slices.ContainsFunc(chosen, func(c string) bool { return c == p || strings.HasPrefix(c, p+"/") })
		})
		want, err := json.Marshal(without(doc, "", left))
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(shown.Payload()))
		require.Len(t, shown.Disclosures(), len(hidden)-len(left))
		require.Equal(t, len(left) > 0 || token.Selective(), shown.Selective())
		// Nothing of what is left out can be read in what is sent: of a digest one cannot
		// tell what it stands for without the salt, and no salt was sent.
		for _, d := range token.disclosures {
			require.Equal(t, slices.Contains(shown.disclosures, d), strings.Contains(shown.String(), d))
		}
	})
}

// A pointer that names no disclosure of its own is not guessed at.
func TestChoiceRefused(t *testing.T) {
	id, key := newKey(t, "Ed25519")
	_, other := newKey(t, "Ed25519")
	raw, err := (&Issuer{ID: id, Key: key}).IssueVC(&Credential{
		Type: "x", Confirm: Confirmation{Key: key.Public()},
		Claims:  []byte(`{"open":{"a":1},"shut":{"b":[1,2],"c":{"d":{"e":1}}}}`),
		Options: Options{Disclosable: []string{"/open/a", "/shut", "/shut/c"}},
	})
	require.NoError(t, err)
	token, err := Parse(raw)
	require.NoError(t, err)
	for pointer, want := range map[string]string{
		"":          "no JSON Pointer",
		"open":      "no JSON Pointer",
		"/open":     "always shown",
		"/vct":      "always shown",
		"/shut/b":   `only with all of "/shut"`,
		"/shut/b/1": `only with all of "/shut"`,
		"/shut/b/2": "no such claim",
		"/shut/c/d": `only with all of "/shut/c"`,
		"/none":     "no such claim",
		"/shut/":    "no such claim",
	} {
		_, err := token.Present("/open/a", pointer)
		require.ErrorContains(t, err, want, pointer)
	}

	ch := vc.NewChallenge("lease.example")
	bound, err := token.Bind(key, ch, noon)
	require.NoError(t, err)
	require.True(t, bound.Bound())
	_, err = bound.Present("/shut")
	require.ErrorContains(t, err, "present the one that was issued")
	_, err = bound.Bind(key, ch, noon)
	require.ErrorContains(t, err, "already")
	_, err = token.Bind(other, ch, noon)
	require.ErrorContains(t, err, "not the key")
	_, err = token.Bind(key, vc.Challenge{Nonce: "x"}, noon)
	require.ErrorContains(t, err, "Nonce and Domain")
	_, err = token.Bind(key, vc.Challenge{Nonce: "x", Domain: "\xff"}, noon)
	require.ErrorContains(t, err, "Nonce and Domain")
	free, err := (&Issuer{ID: id, Key: key}).IssueVC(&Credential{Type: "x"})
	require.NoError(t, err)
	token, err = Parse(free)
	require.NoError(t, err)
	_, err = token.Bind(key, ch, noon)
	require.ErrorContains(t, err, "no key of its holder")
}

// What an issuer hides it hides well: fresh salts of 128 bits, sorted digests, and decoys
// in changing number and place.
func TestConcealment(t *testing.T) {
	salts, places, counts := map[string]bool{}, map[int]bool{}, map[int]bool{}
	for range 200 {
		payload, disclosures, err := conceal([]byte(`{"b":1,"a":1,"list":[1,2]}`),
			Options{Disclosable: []string{"/b", "/a", "/list/0"}, Decoys: 4}, rules{}, MaxBytes, salted{})
		require.NoError(t, err)
		require.Len(t, disclosures, 3)
		for _, d := range disclosures {
			raw, err := base64url.DecodeString(d)
			require.NoError(t, err)
			var parts []any
			require.NoError(t, json.Unmarshal(raw, &parts))
			salt, err := base64url.DecodeString(parts[0].(string))
			require.NoError(t, err)
			require.Len(t, salt, saltBytes)
			require.False(t, salts[string(salt)], "a salt was used before")
			salts[string(salt)] = true
		}
		doc, err := strictjson.Parse(payload, strictjson.Limits{})
		require.NoError(t, err)
		var digests []string
		for d := range doc.Root().Member("_sd").All() {
			digests = append(digests, d.Text())
			require.Len(t, d.Text(), base64url.EncodedLen(32))
		}
		require.True(t, slices.IsSorted(digests))
		counts[len(digests)-2] = true
		i := 0
		for e := range doc.Root().Member("list").All() {
			if e.Kind() == strictjson.Number {
				places[i] = true // of the element that is in clear
			}
			i++
		}
		require.Equal(t, "sha-256", doc.Root().Member("_sd_alg").Text())
	}
	require.Equal(t, map[int]bool{1: true, 2: true, 3: true, 4: true}, counts)
	require.Greater(t, len(places), 2)

	payload, disclosures, err := conceal([]byte(`{"a":{}}`), Options{Decoys: 4}, rules{}, MaxBytes, salted{})
	require.NoError(t, err)
	require.Empty(t, disclosures)
	require.Equal(t, `{"a":{}}`, string(payload), "where nothing is hidden, nothing says so")
}
