package did_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/internal/shared"
)

func TestDIDsAreRead(t *testing.T) {
	for _, tc := range []struct{ text, method, identifier string }{
		{"did:example:123", "example", "123"},
		{"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "key", "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
		{"did:3:a", "3", "a"},
		{"did:web:shop.example%3A8443:depot:7", "web", "shop.example%3A8443:depot:7"},
		{"did:a:A.-_0", "a", "A.-_0"},
		{"did:a::b", "a", ":b"}, // *( *idchar ":" ) 1*idchar: only the last segment must hold something
		{"did:a:::%00", "a", "::%00"},
		{"did:did:did", "did", "did"},
		{"did:a:" + strings.Repeat("b", did.MaxLength-len("did:a:")), "a", strings.Repeat("b", did.MaxLength-len("did:a:"))},
	} {
		d, err := did.Parse(tc.text)
		require.NoError(t, err)
		require.Equal(t, tc.method, d.Method())
		require.Equal(t, tc.identifier, d.Identifier())
		require.Equal(t, tc.text, d.String())
		require.False(t, d.IsZero())
		require.Equal(t, d, did.MustParse(strings.Clone(tc.text)), "equal texts are equal DIDs")
	}
}

func TestTextThatIsNoDIDIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		offset     int
	}{
		{"nothing", "", 0},
		{"another scheme", "urn:uuid:1c1a2a58-aadd-472e-a719-971b8d3fe1d8", 0},
		{"a web address", "https://example.com/", 0},
		{"scheme in upper case", "DID:example:123", 0},
		{"scheme alone", "did:", 4},
		{"space before", " did:example:123", 0},
		{"method alone", "did:example", 11},
		{"no method", "did::123", 4},
		{"method in upper case", "did:EXAMPLE:123", 4},
		{"method partly in upper case", "did:00ABC:123", 6},
		{"method with a dash", "did:a-b:123", 5},
		{"method percent-encoded", "did:%61:123", 4},
		{"no identifier", "did:example:", 12},
		{"identifier ends in a colon", "did:example:a:", 14},
		{"space in the identifier", "did:example:a b", 13},
		{"line break at the end", "did:example:a\n", 13},
		{"zero byte", "did:example:a\x00", 13},
		{"letter beyond ASCII", "did:example:ä", 12},
		{"percent sign alone", "did:example:a%", 13},
		{"one digit after the percent sign", "did:example:a%4", 13},
		{"no digits after the percent sign", "did:example:a%zz", 13},
		{"dollar", "did:jwk:$eyJ", 8},
		{"path", "did:example:a/b", 13},
		{"query", "did:example:a?b", 13},
		{"fragment", "did:example:a#b", 13},
		{"at sign", "did:example:a@b", 13},
		{"too long", "did:a:" + strings.Repeat("b", did.MaxLength), did.MaxLength},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := did.Parse(tc.text)
			require.ErrorIs(t, err, did.ErrInvalidDID)
			require.True(t, d.IsZero())
			var syntax *did.SyntaxError
			require.ErrorAs(t, err, &syntax)
			require.Equal(t, tc.offset, syntax.Offset, "%v", err)
			require.Less(t, len(err.Error()), 600, "long input is cut")
			require.Panics(t, func() { did.MustParse(tc.text) })
		})
	}
}

func TestZeroDIDIsNoIdentifier(t *testing.T) {
	var d did.DID
	require.True(t, d.IsZero())
	require.Empty(t, d.String()+d.Method()+d.Identifier())
	text, err := d.MarshalText()
	require.NoError(t, err)
	require.Empty(t, text)

	d = did.MustParse("did:example:1")
	require.NoError(t, d.UnmarshalText(nil))
	require.True(t, d.IsZero())
	require.ErrorIs(t, d.UnmarshalText([]byte("example")), did.ErrInvalidDID)
}

func TestDIDsAreMapKeysInJSON(t *testing.T) {
	in := map[did.DID]did.URL{did.MustParse("did:a:b"): did.MustParse("did:a:b").URL("k")}
	raw, err := json.Marshal(in)
	require.NoError(t, err)
	require.JSONEq(t, `{"did:a:b":"did:a:b#k"}`, string(raw))
	var out map[did.DID]did.URL
	require.NoError(t, json.Unmarshal(raw, &out))
	require.Equal(t, in, out)
}

// DIDs of 77 methods, from universal-resolver's drivers.
func TestDIDsInTheWildAreRead(t *testing.T) {
	raw, err := os.ReadFile(shared.Path(t, "vectors", "universal-resolver", "testIdentifiers.json"))
	require.NoError(t, err)
	var list []struct{ DID, Method string }
	require.NoError(t, json.Unmarshal(raw, &list))
	// These are in the list and are not DIDs by the grammar of DID Core.
	refused := map[string]string{}
	methods := map[string]bool{}
	for _, e := range list {
		u, err := did.ParseURL(e.DID)
		if why, ok := refused[e.DID]; ok {
			require.ErrorContains(t, err, why)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, e.DID, u.String())
		if e.Method != "" {
			require.Equal(t, e.Method, u.DID.Method())
		}
		methods[u.DID.Method()] = true
	}
	require.GreaterOrEqual(t, len(methods), 70)
}

// The DIDs and DID URLs that implementations of some sixty methods submitted to the W3C.
func TestDIDsOfTheW3CSuiteAreRead(t *testing.T) {
	dids, urls := 0, 0
	for _, file := range suiteFiles(t) {
		var suite struct {
			DIDs          []string
			DIDParameters map[string]string
		}
		require.NoError(t, json.Unmarshal(file.raw, &suite))
		for _, text := range suite.DIDs {
			d, err := did.Parse(text)
			require.NoError(t, err)
			require.Equal(t, text, d.String())
			dids++
		}
		for name, text := range suite.DIDParameters {
			u, err := did.ParseURL(text)
			require.NoError(t, err)
			require.Equal(t, text, u.String())
			value, ok, err := u.Parameter(name)
			require.NoError(t, err)
			require.True(t, ok && value != "", text)
			if _, err := u.Version(); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			urls++
		}
	}
	require.GreaterOrEqual(t, dids, 70)
	require.GreaterOrEqual(t, urls, 20)
	shared.Tally(t, "DID Core 1.1", "W3C did-test-suite: DIDs and DID URLs", dids+urls, dids+urls, "")
}

type suiteFile struct {
	name string
	raw  []byte
}

func suiteFiles(t testing.TB) (files []suiteFile) {
	paths, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "w3c-did-test-suite"), "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		files = append(files, suiteFile{strings.TrimSuffix(filepath.Base(path), ".json"), raw})
	}
	return files
}

// genDID draws any DID the grammar allows, not too long.
var genDID = rapid.StringMatching(`did:[a-z0-9]{1,8}:(([A-Za-z0-9._-]|%[0-9A-Fa-f]{2}){0,6}:){0,3}([A-Za-z0-9._-]|%[0-9A-Fa-f]{2}){1,12}`)

const pchar = `([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})`

// genURL draws any DID URL the grammar allows.
var genURL = rapid.Custom(func(t *rapid.T) string {
	return genDID.Draw(t, "did") + rapid.StringMatching(`(/`+pchar+`{0,6}){0,3}(\?(`+pchar+`|[/?]){0,12})?(#(`+pchar+`|[/?]){0,12})?`).Draw(t, "rest")
})

func TestWhatIsReadIsPrintedAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := genURL.Draw(t, "url")
		u, err := did.ParseURL(text)
		require.NoError(t, err)
		require.Equal(t, text, u.String())
		marshalled, err := u.MarshalText()
		require.NoError(t, err)
		var back did.URL
		require.NoError(t, back.UnmarshalText(marshalled))
		require.Equal(t, u, back)

		d, err := did.Parse(u.DID.String())
		require.NoError(t, err)
		require.Equal(t, u.DID, d)
	})
}

func TestReadingAllocatesNothing(t *testing.T) {
	const text = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = did.Parse(text) }))
	const url = text + "/p?q=1#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = did.ParseURL(url) }))
}

func TestErrorsOfSyntaxSayWhere(t *testing.T) {
	_, err := did.Parse("did:Example:1")
	require.EqualError(t, err, `did: "did:Example:1" has a method name with something other than a-z and 0-9 (at byte 4)`)
	require.False(t, errors.Is(err, did.ErrInvalidURL))
}
