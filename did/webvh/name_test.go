package webvh_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

const scid = "QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE"

// The examples of did:webvh 1.0, "The DID to HTTPS Transformation", and the parallel did:web. A DID is
// in ASCII (DID Core §3.1), so that the international one is percent-encoded.
func TestURLs(t *testing.T) {
	for _, tt := range []struct{ location, log string }{
		{"example.com", "https://example.com/.well-known/did.jsonl"},
		{"issuer.example.com", "https://issuer.example.com/.well-known/did.jsonl"},
		{"example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"},
		{"example.com%3A3000:dids:issuer", "https://example.com:3000/dids/issuer/did.jsonl"},
		{"jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7", "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl"},
		{"example.com:" + scid, "https://example.com/" + scid + "/did.jsonl"},
	} {
		id := did.MustParse("did:webvh:" + scid + ":" + tt.location)
		url, err := webvh.LogURL(id)
		require.NoError(t, err)
		require.Equal(t, tt.log, url)
		url, err = webvh.WitnessURL(id)
		require.NoError(t, err)
		require.Equal(t, tt.log[:len(tt.log)-len("did.jsonl")]+"did-witness.json", url)
		web, err := webvh.WebDID(id)
		require.NoError(t, err)
		require.Equal(t, "did:web:"+tt.location, web.String())
	}
}

// DIDs from which no URL is made. The last ones are attacks on implementations that have worked.
func TestNamesRefused(t *testing.T) {
	for name, id := range map[string]string{
		"another method":               "did:web:example.com",
		"no SCID":                      "did:webvh:example.com",
		"an SCID and nothing":          "did:webvh:" + scid,
		"an SCID one shorter":          "did:webvh:" + scid[1:] + ":example.com",
		"an SCID with a 0":             "did:webvh:" + scid[:45] + "0:example.com",
		"an SCID that is no multihash": "did:webvh:" + scid[:2] + "11111111111111111111111111111111111111111111:example.com",
		"a draft":                      "did:webvh:_SCID_:example.com",
		"an empty part of the path":    "did:webvh:" + scid + ":example.com::a",
		"no dot in the host":           "did:webvh:" + scid + ":localhost",
		"a port that is none":          "did:webvh:" + scid + ":example.com%3A99999",
		"a user before the host":       "did:webvh:" + scid + ":user%40example.com",
		"a path that climbs":           "did:webvh:" + scid + ":example.com:..:..:etc",
		"a path that climbs, encoded":  "did:webvh:" + scid + ":example.com:%2E%2E:etc",
		"a slash, encoded":             "did:webvh:" + scid + ":example.com:a%2F..%2Fb",
		"a space at the end of a path": "did:webvh:" + scid + ":example.com:a%20",
		"an address":                   "did:webvh:" + scid + ":127.0.0.1",
		"an address, encoded":          "did:webvh:" + scid + ":127%2E0%2E0%2E1",
		"an address and a port":        "did:webvh:" + scid + ":127.0.0.1%3a8080",
		"a fragment in the host":       "did:webvh:" + scid + ":example.com%23.thief.example",
		"a question in the host":       "did:webvh:" + scid + ":example.com%3Fa.thief.example",
	} {
		t.Run(name, func(t *testing.T) {
			d := did.MustParse(id)
			_, err := webvh.LogURL(d)
			require.ErrorIs(t, err, did.ErrInvalidDID)
			_, err = webvh.WitnessURL(d)
			require.ErrorIs(t, err, did.ErrInvalidDID)
			_, err = webvh.WebDID(d)
			require.ErrorIs(t, err, did.ErrInvalidDID)
			_, err = webvh.Verify(d, nil, nil)
			require.ErrorIs(t, err, did.ErrInvalidDID)
		})
	}
	_, err := did.Parse("did:webvh:" + scid + ":example.com#.thief.example")
	require.Error(t, err, "a fragment is no part of a DID")
	_, err = webvh.Draft("127.0.0.1")
	require.ErrorIs(t, err, did.ErrInvalidDID)
	_, err = webvh.Subject([]byte("{}\n{"))
	require.ErrorContains(t, err, "entry 2: json: is not strict JSON")
}

func TestDraft(t *testing.T) {
	id, err := webvh.Draft("jp納豆.例.jp:用户:{SCID}")
	require.NoError(t, err)
	require.Equal(t, "did:webvh:_SCID_:jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7:_SCID_", id.String())
}
