package webname

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The examples of did:webvh 1.0, "The DID to HTTPS Transformation", and of did:web §3.
func TestURL(t *testing.T) {
	for s, want := range map[string]string{
		"example.com":                       "https://example.com/.well-known/did.jsonl",
		"issuer.example.com":                "https://issuer.example.com/.well-known/did.jsonl",
		"example.com:dids:issuer":           "https://example.com/dids/issuer/did.jsonl",
		"example.com%3A3000:dids:issuer":    "https://example.com:3000/dids/issuer/did.jsonl",
		"example.com%3a443":                 "https://example.com/.well-known/did.jsonl",
		"jp納豆.例.jp:用户":                      "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl",
		"jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp": "https://xn--jp-cd2fp15c.xn--fsq.jp/.well-known/did.jsonl",
		"Example.COM":                       "https://example.com/.well-known/did.jsonl",
		"example.com:a%20b%3Fc":             "https://example.com/a%20b%3Fc/did.jsonl",
	} {
		n, err := Parse(s)
		require.NoError(t, err, s)
		require.Equal(t, want, n.URL("did.jsonl"), s)
	}
}

func TestRefusals(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":                       "",
		"no dot":                        "localhost",
		"root":                          "example.com.",
		"IPv4":                          "127.0.0.1",
		"IPv4, short":                   "127.1",
		"IPv4, hexadecimal":             "0x7f.0x1",
		"IPv4, one number":              "2130706433",
		"IPv4, full-width digits":       "１２７.0.0.1",
		"IPv4, last label a number":     "a.b.127",
		"IPv6":                          "%5B::1%5D",
		"user":                          "user%40example.com",
		"user and password":             "a%3Ab%40example.com",
		"path in the host":              "example.com%2Fpath",
		"full-width slash":              "example.com／path",
		"query in the host":             "example.com%3Fq",
		"fragment in the host":          "example.com%23f",
		"backslash in the host":         "example.com%5Cpath",
		"blank":                         "exa%20mple.com",
		"line break":                    "example.com%0A",
		"zero byte":                     "example.com%00",
		"port zero":                     "example.com%3A0",
		"port too large":                "example.com%3A65536",
		"port with a sign":              "example.com%3A%2B80",
		"port with a zero":              "example.com%3A080",
		"no port":                       "example.com%3A",
		"two ports":                     "example.com%3A80%3A81",
		"a segment climbs":              "example.com:..:secret",
		"a segment climbs, encoded":     "example.com:%2e%2e:secret",
		"a segment stays":               "example.com:%2E",
		"a slash in a segment":          "example.com:a%2Fb",
		"a backslash in a segment":      "example.com:a%5Cb",
		"a zero byte in a segment":      "example.com:a%00",
		"space at the end of a segment": "example.com:a%20",
		"space before a segment":        "example.com:%C2%A0a",
		"an empty segment":              "example.com::a",
		"an empty last segment":         "example.com:a:",
		"hyphens":                       "-a.example.com",
		"underscore":                    "_a.example.com",
		"empty label":                   "a..example.com",
		"long label":                    strings.Repeat("a", 64) + ".com",
		"long":                          strings.Repeat("a.", 127) + "com",
		"a segment is not UTF-8":        "example.com:%ff",
		"wrong punycode":                "xn--a-.com",
		"not UTF-8":                     "%ff.example.com",
		"right to left and left within": "aא.example.com",
	} {
		t.Run(name, func(t *testing.T) {
			n, err := Parse(s)
			require.Error(t, err, "%+v", n)
		})
	}
}

// Whatever is read makes a URL of the same host, with nothing before it and nothing but the file
// after the path.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"example.com", "example.com%3A3000:dids:issuer", "jp納豆.例.jp:用户", "127.1", "a:..:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			return
		}
		u, err := url.Parse(n.URL("did.json"))
		require.NoError(t, err)
		require.Equal(t, n.Host, u.Host)
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery)
		require.Empty(t, u.Fragment)
		require.True(t, strings.HasSuffix(u.Path, "/did.json"))
		require.NotContains(t, u.Path, "/../")
		again, err := Parse(strings.ReplaceAll(n.Host, ":", "%3A"))
		require.NoError(t, err)
		require.Equal(t, n.Host, again.Host)
	})
}
