package did_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
)

func TestDIDURLsAreRead(t *testing.T) {
	d := did.MustParse("did:example:123")
	for text, want := range map[string]did.URL{
		"did:example:123":                            {DID: d},
		"did:example:123#k":                          {DID: d, Fragment: "k"},
		"did:example:123/":                           {DID: d, Path: "/"},
		"did:example:123/a//b/../c":                  {DID: d, Path: "/a//b/../c"}, // kept as written
		"did:example:123?service=files&relativeRef=": {DID: d, Query: "service=files&relativeRef="},
		"did:example:123/p?q/?#f/?":                  {DID: d, Path: "/p", Query: "q/?", Fragment: "f/?"},
		"did:example:123#%23":                        {DID: d, Fragment: "%23"},
	} {
		u, err := did.ParseURL(text)
		require.NoError(t, err)
		require.Equal(t, want, u, text)
	}
	// Legal, and not the same text as without the "?" or "#".
	for _, text := range []string{"did:example:123?", "did:example:123#", "did:example:123?#", "did:example:123?a#", "did:example:123?#a"} {
		u, err := did.ParseURL(text)
		require.NoError(t, err)
		require.Equal(t, text, u.String())
	}
}

func TestTextThatIsNoDIDURLIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       error
	}{
		{"relative", "#k", did.ErrInvalidDID},
		{"DID with nothing after the colon, then a path", "did:example:/a", did.ErrInvalidDID},
		{"two fragments", "did:example:1#a#b", did.ErrInvalidURL},
		{"space in the fragment", "did:example:1#a b", did.ErrInvalidURL},
		{"quotation mark in the query", `did:example:1?a="b"`, did.ErrInvalidURL},
		{"percent sign alone in the path", "did:example:1/%", did.ErrInvalidURL},
		{"half an encoded byte in the fragment", "did:example:1#%4", did.ErrInvalidURL},
		{"letter beyond ASCII", "did:example:1#schlüssel", did.ErrInvalidURL},
		{"brackets", "did:example:1/[a]", did.ErrInvalidURL},
		{"zero byte", "did:example:1/\x00", did.ErrInvalidURL},
		{"too long", "did:example:1#" + strings.Repeat("a", did.MaxLength), did.ErrInvalidDID},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := did.ParseURL(tc.text)
			require.ErrorIs(t, err, tc.want)
			require.True(t, u.IsZero())
			require.True(t, did.IsAnswer(err))
		})
	}
}

// RFC 3986 §5.4 with its base "http://a/b/c/d;p?q" written as a DID URL; the examples with
// an authority or with another scheme are in the next test.
func TestRelativeReferences(t *testing.T) {
	base, err := did.ParseURL("did:a:a/b/c/d;p?q")
	require.NoError(t, err)
	for ref, want := range map[string]string{
		"g":             "did:a:a/b/c/g",
		"./g":           "did:a:a/b/c/g",
		"g/":            "did:a:a/b/c/g/",
		"/g":            "did:a:a/g",
		"?y":            "did:a:a/b/c/d;p?y",
		"g?y":           "did:a:a/b/c/g?y",
		"#s":            "did:a:a/b/c/d;p?q#s",
		"g#s":           "did:a:a/b/c/g#s",
		"g?y#s":         "did:a:a/b/c/g?y#s",
		";x":            "did:a:a/b/c/;x",
		"g;x":           "did:a:a/b/c/g;x",
		"g;x?y#s":       "did:a:a/b/c/g;x?y#s",
		"":              "did:a:a/b/c/d;p?q",
		".":             "did:a:a/b/c/",
		"./":            "did:a:a/b/c/",
		"..":            "did:a:a/b/",
		"../":           "did:a:a/b/",
		"../g":          "did:a:a/b/g",
		"../..":         "did:a:a/",
		"../../":        "did:a:a/",
		"../../g":       "did:a:a/g",
		"../../../g":    "did:a:a/g",
		"../../../../g": "did:a:a/g",
		"/./g":          "did:a:a/g",
		"/../g":         "did:a:a/g",
		"g.":            "did:a:a/b/c/g.",
		".g":            "did:a:a/b/c/.g",
		"g..":           "did:a:a/b/c/g..",
		"..g":           "did:a:a/b/c/..g",
		"./../g":        "did:a:a/b/g",
		"./g/.":         "did:a:a/b/c/g/",
		"g/./h":         "did:a:a/b/c/g/h",
		"g/../h":        "did:a:a/b/c/h",
		"g;x=1/./y":     "did:a:a/b/c/g;x=1/y",
		"g;x=1/../y":    "did:a:a/b/c/y",
		"g?y/./x":       "did:a:a/b/c/g?y/./x",
		"g?y/../x":      "did:a:a/b/c/g?y/../x",
		"g#s/./x":       "did:a:a/b/c/g#s/./x",
		"g#s/../x":      "did:a:a/b/c/g#s/../x",
		"?":             "did:a:a/b/c/d;p?",
		"#":             "did:a:a/b/c/d;p?q#",
		"did:b:c/./d#e": "did:b:c/d#e",
		"did:b:c":       "did:b:c",
	} {
		got, err := base.Parse(ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, got.String(), ref)
	}

	// The usual case: the base is a DID, and nothing else.
	d := did.MustParse("did:example:123")
	for ref, want := range map[string]string{
		"#key-1":   "did:example:123#key-1",
		"/path":    "did:example:123/path",
		"path":     "did:example:123/path",
		"path/..":  "did:example:123/",
		"?x=1#key": "did:example:123?x=1#key",
	} {
		got, err := d.URL("").Parse(ref)
		require.NoError(t, err, ref)
		require.Equal(t, want, got.String(), ref)
	}
}

func TestReferencesThatLeaveTheirDIDInDisguiseAreRefused(t *testing.T) {
	base := did.MustParse("did:example:123").URL("")
	for name, ref := range map[string]string{
		"network path":       "//example:456#key-1",
		"another scheme":     "https://example.com/#key-1",
		"scheme in capitals": "DID:example:456#key-1",
		"colon in a segment": "a:b",
		"malformed DID":      "did:example:#key-1",
		"malformed fragment": "#a#b",
		"space":              "# key",
		"result too long":    "#" + strings.Repeat("a", did.MaxLength-1),
		"too long":           "#" + strings.Repeat("a", did.MaxLength),
	} {
		_, err := base.Parse(ref)
		require.Error(t, err, name)
		require.True(t, did.IsAnswer(err), name)
	}
	_, err := did.URL{}.Parse("#key-1")
	require.ErrorIs(t, err, did.ErrInvalidURL, "relative to nothing")
}

func TestReferencesResolveToURLsThatReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, err := did.ParseURL(genURL.Draw(t, "base"))
		require.NoError(t, err)
		ref := rapid.StringMatching(`(\.{0,2}/|[a-z%.:/]|%2e){0,12}(\?[a-z./?]{0,4})?(#[a-z./?]{0,4})?`).Draw(t, "ref")
		u, err := base.Parse(ref)
		if err != nil {
			return
		}
		require.Equal(t, base.DID, u.DID, "a reference without did: stays with its DID")
		back, err := did.ParseURL(u.String())
		require.NoError(t, err)
		require.Equal(t, u, back)
		for segment := range strings.SplitSeq(u.Path, "/") {
			if u.Path != base.Path {
				require.NotContains(t, []string{".", ".."}, segment)
			}
		}
	})
}

func TestParameters(t *testing.T) {
	u, err := did.ParseURL("did:example:123?service=agent&relativeRef=%2Fpath%2Fto%2F%C3%A4&hl=zQm&a+b=c+d&empty=&flag&x=1=2")
	require.NoError(t, err)
	for name, want := range map[string]string{
		did.ParamService: "agent", did.ParamRelativeRef: "/path/to/ä", did.ParamHashLink: "zQm",
		"a+b": "c+d", "empty": "", "flag": "", "x": "1=2",
	} {
		got, ok, err := u.Parameter(name)
		require.NoError(t, err)
		require.True(t, ok, name)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"versionId", "Service", "", "a b"} {
		_, ok, err := u.Parameter(name)
		require.NoError(t, err)
		require.False(t, ok, name)
	}
}

func TestAmbiguousParametersAreRefused(t *testing.T) {
	for name, query := range map[string]string{
		"twice":                       "service=a&service=b",
		"twice, once encoded":         "service=a&%73ervice=b",
		"not UTF-8":                   "service=%ff",
		"a name elsewhere, not UTF-8": "%ff=1&service=a",
	} {
		u, err := did.ParseURL("did:example:123?" + query)
		require.NoError(t, err)
		_, _, err = u.Parameter("service")
		require.ErrorIs(t, err, did.ErrInvalidURL, name)
	}
	_, _, err := did.URL{DID: did.MustParse("did:a:b"), Query: "service=%"}.Parameter("service")
	require.ErrorIs(t, err, did.ErrInvalidURL)
}

func TestVersionsInURLs(t *testing.T) {
	at := time.Date(2021, 5, 10, 17, 0, 0, 0, time.UTC)
	for query, want := range map[string]did.Version{
		"":                                   {},
		"service=x":                          {},
		"versionId=4":                        {ID: "4"},
		"versionTime=2021-05-10T17:00:00Z":   {Time: at},
		"versionTime=2021-05-10T17%3A00:00Z": {Time: at},
		"versionTime=2021-05-10T17:00:00.5Z": {Time: at.Add(time.Second / 2)},
		"versionId=%25Vlo6kAc%2BIbGG.sha256": {ID: "%Vlo6kAc+IbGG.sha256"},
		"versionNumber=12":                   {Number: 12},
	} {
		u, err := did.ParseURL("did:example:123?" + query)
		require.NoError(t, err)
		v, err := u.Version()
		require.NoError(t, err, query)
		require.Equal(t, want, v)
		require.Equal(t, want == did.Version{}, v.IsZero())
	}
	for name, query := range map[string]string{
		"number and id": "versionNumber=4&versionId=4",
		"number zero":   "versionNumber=0",
		"number signed": "versionNumber=%2B4",
		"number long":   "versionNumber=99999999999999999999",
		"both":          "versionId=4&versionTime=2021-05-10T17:00:00Z",
		"empty id":      "versionId=",
		"id twice":      "versionId=4&versionId=5",
		"time twice":    "versionTime=2021-05-10T17:00:00Z&versionTime=2021-05-10T17:00:00Z",
		"empty time":    "versionTime=",
		"date only":     "versionTime=2021-05-10",
		"offset":        "versionTime=2021-05-10T17:00:00+02:00",
		"no such day":   "versionTime=2021-02-30T17:00:00Z",
		"no zone":       "versionTime=2021-05-10T17:00:00",
	} {
		u, err := did.ParseURL("did:example:123?" + query)
		require.NoError(t, err)
		_, err = u.Version()
		require.ErrorIs(t, err, did.ErrInvalidURL, name)
	}
}

func TestURLsMadeInGoAreCheckedWhenWritten(t *testing.T) {
	d := did.MustParse("did:example:123")
	for name, u := range map[string]did.URL{
		"path without slash":   {DID: d, Path: "p"},
		"fragment in the path": {DID: d, Path: "/p#k"},
		"query in the path":    {DID: d, Path: "/p?q"},
		"space":                {DID: d, Fragment: "a b"},
		"no DID":               {Fragment: "k"},
	} {
		_, err := u.MarshalText()
		require.True(t, did.IsAnswer(err), "%s: %v", name, err)
	}
	text, err := did.URL{}.MarshalText()
	require.NoError(t, err)
	require.Empty(t, text)
	u := d.URL("k")
	require.NoError(t, u.UnmarshalText(nil))
	require.True(t, u.IsZero())
	require.ErrorIs(t, u.UnmarshalText([]byte("#k")), did.ErrInvalidDID)
}
