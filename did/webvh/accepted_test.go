package webvh_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// What a log may say, though this package would not write it so.
func TestAccepted(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(one, two *forged)
		check func(t *testing.T, log *webvh.Log)
	}{
		{"null for what has a default", func(one, two *forged) {
			one.params = params(`"watchers":["https://watcher.example/"],"ttl":60`)
			two.params = `{"watchers":null,"witness":null,"nextKeyHashes":null,"ttl":null,"updateKeys":null}`
		}, func(t *testing.T, log *webvh.Log) {
			require.Equal(t, &webvh.Parameters{UpdateKeys: []string{text(1)}, Watchers: []string{"https://watcher.example/"}, TTL: time.Minute}, public(log.Entry(1).Parameters))
			require.Equal(t, &webvh.Parameters{TTL: time.Hour}, public(log.Parameters()))
		}},
		{"what is so already", func(one, two *forged) {
			two.params = `{"method":"did:webvh:1.0","portable":false,"deactivated":false,"updateKeys":["` + text(1) + `"],"witness":{}}`
		}, func(t *testing.T, log *webvh.Log) {
			require.Same(t, log.Entry(1).Parameters, log.Parameters(), "it is kept once")
		}},
		{"portable no longer", func(one, two *forged) {
			one.params, two.params = params(`"portable":true`), `{"portable":false}`
		}, func(t *testing.T, log *webvh.Log) {
			require.True(t, log.Entry(1).Parameters.Portable)
			require.False(t, log.Parameters().Portable)
		}},
		{"hashes that are of nothing", func(one, _ *forged) {
			one.params, one.key = params(`"nextKeyHashes":["decoy","`+hash([]byte(text(1)))+`"]`), key(1)
		}, nil},
		{"pre-rotation that ends", func(one, two *forged) {
			one.params = params(`"nextKeyHashes":["` + hash([]byte(text(2))) + `"]`)
			two.params, two.key = `{"updateKeys":["`+text(2)+`"],"nextKeyHashes":[]}`, key(2)
		}, func(t *testing.T, log *webvh.Log) {
			require.Empty(t, log.Parameters().NextKeyHashes)
			_, err := log.Rotate(webvh.Change{Key: key(2), Time: day(3)}, key(3).Public()) // as without
			require.NoError(t, err)
		}},
		{"retired at once", func(one, two *forged) {
			two.params = `{"updateKeys":[],"deactivated":true}`
		}, func(t *testing.T, log *webvh.Log) { require.True(t, log.Deactivated()) }},
		{"a proof outside a list, as the schema allows", func(one, _ *forged) {
			one.afterSign = func(s string) string { return strings.NewReplacer(`"proof":[`, `"proof":`, `"}]}`, `"}}`).Replace(s) }
		}, nil},
		{"the longest ttl, the longest list", func(_, two *forged) {
			keys := strings.Repeat(`"`+text(2)+`",`, webvh.MaxListed-1) + `"` + text(1) + `"`
			two.params = `{"ttl":2147483648,"updateKeys":[` + keys + `]}`
		}, func(t *testing.T, log *webvh.Log) {
			require.Equal(t, 1<<31*time.Second, log.Parameters().TTL)
			require.Len(t, log.Parameters().UpdateKeys, webvh.MaxListed)
		}},
		{"the longest entry", func(_, two *forged) {
			two.afterSign = func(s string) string { return s + strings.Repeat(" ", webvh.MaxEntryBytes-len(s)) }
		}, nil},
		{"two proofs that hold", func(_, two *forged) { two.proofs = 2 }, nil},
		{"a proof with a name and a time", func(_, two *forged) {
			two.more = `,"id":"urn:uuid:1","created":"2031-01-01T00:00:00.5Z"`
		}, nil},
		{"a proof made in another zone, with a nonce", func(_, two *forged) {
			two.more = `,"nonce":"7","created":"2031-01-01T00:00:00+02:00"`
		}, nil},
		{"an offset of zero and a fraction", func(_, two *forged) { two.time = "2026-01-02T00:00:00.25+00:00" }, func(t *testing.T, log *webvh.Log) {
			require.Equal(t, day(2).Add(250*time.Millisecond), log.Entry(2).Time)
		}},
		{"white space", func(one, two *forged) {
			one.afterSign = func(s string) string { return strings.ReplaceAll(s, `":`, "\" :\t") + " \r" }
			two.afterSign = one.afterSign
		}, nil},
		{"escapes", func(_, two *forged) { two.afterSign = replace(`"2-Qm`, `"\u0032-Qm`) }, func(t *testing.T, log *webvh.Log) {
			res, err := log.Resolve(t.Context(), log.ID(), did.Version{ID: log.Entry(2).VersionID})
			require.NoError(t, err)
			require.Equal(t, "2-Qm", res.VersionID[:4])
		}},
		{"the SCID in the name of a member, which sorts otherwise with the placeholder", func(one, _ *forged) {
			one.state = `{"id":"did:webvh:{SCID}:fleet.example","a":{"{SCID}":1,"a":2,"Z":3}}`
		}, nil},
		{"the SCID all over", func(one, _ *forged) {
			one.state = `{"id":"did:webvh:{SCID}:{SCID}.fleet.example:{SCID}","alsoKnownAs":["https://fleet.example/{SCID}"]}`
		}, nil},
		{"text beyond ASCII", func(one, _ *forged) {
			one.state = `{"id":"did:webvh:{SCID}:fleet.example","name":"Бульдозер 例 😀","Ω":"é"}`
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, two := first(), second()
			tt.edit(&one, &two)
			if strings.Contains(one.params, "nextKeyHashes") && two.params == "{}" {
				two.params = `{"updateKeys":["` + text(1) + `"],"nextKeyHashes":["decoy"]}`
			}
			raw := two.add(t, one.add(t, ""))
			id, err := webvh.Subject([]byte(raw))
			require.NoError(t, err)
			for _, raw := range []string{raw, strings.TrimSuffix(raw, "\n")} {
				log, err := webvh.Verify(id, []byte(raw), nil)
				require.NoError(t, err)
				require.Equal(t, 2, log.Len())
				if tt.check != nil {
					tt.check(t, log)
				}
			}
		})
	}
}

// public returns p without what it keeps to itself.
func public(p *webvh.Parameters) *webvh.Parameters {
	return &webvh.Parameters{UpdateKeys: p.UpdateKeys, NextKeyHashes: p.NextKeyHashes, Witness: p.Witness, Watchers: p.Watchers,
		Portable: p.Portable, Deactivated: p.Deactivated, TTL: p.TTL}
}
