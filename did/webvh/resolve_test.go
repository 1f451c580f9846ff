package webvh_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
)

// Each version says what came before and after it, and who may ask.
func TestResolve(t *testing.T) {
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9)), Portable: new(true), TTL: new(time.Duration)})
	require.NoError(t, err)
	home := log.ID()
	log, err = log.Rotate(webvh.Change{Key: key(1), Time: day(3)}, key(2).Public())
	require.NoError(t, err)
	log, err = log.Move(webvh.Change{Key: key(2), Time: day(5), Watchers: []string{"https://watcher.example/"}}, "yard.example")
	require.NoError(t, err)

	type want struct {
		version                int
		updated, next          time.Time
		canonical              did.DID
		updateKeys, nextHashes string
	}
	one := want{1, time.Time{}, day(3), log.ID(), `["` + text(1) + `"]`, "[]"}
	two := want{2, day(3), day(5), log.ID(), `["` + text(2) + `"]`, "[]"}
	three := want{3, day(5), time.Time{}, did.DID{}, `["` + text(2) + `"]`, "[]"}
	for _, tt := range []struct {
		name string
		v    did.Version
		want want
	}{
		{"latest", did.Version{}, three},
		{"first by number", did.Version{Number: 1}, one},
		{"first by name", did.Version{ID: log.Entry(1).VersionID}, one},
		{"when it was made", did.Version{Time: day(1)}, one},
		{"just before the change", did.Version{Time: day(3).Add(-1)}, one},
		{"at the change", did.Version{Time: day(3)}, two},
		{"after it", did.Version{Time: day(4)}, two},
		{"now", did.Version{Time: day(30)}, three},
		{"third by number", did.Version{Number: 3}, three},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, id := range []did.DID{home, log.ID()} {
				res, err := log.Resolve(t.Context(), id, tt.v)
				require.NoError(t, err)
				e := log.Entry(tt.want.version)
				require.Equal(t, e.ID, res.Document.ID)
				require.True(t, res.Describes(id))
				require.False(t, res.Describes(did.MustParse("did:webvh:"+log.SCID()+":thief.example")))
				if tt.want.version == 3 && id == home {
					require.Equal(t, []did.DID{home}, res.EquivalentID)
				} else {
					require.Empty(t, res.EquivalentID, "nothing is said of names that nobody asked for")
				}
				require.Equal(t, e.VersionID, res.VersionID)
				require.Equal(t, day(1), res.Created)
				require.Equal(t, tt.want.updated, res.Updated)
				require.Equal(t, tt.want.next, res.NextUpdate)
				require.Equal(t, tt.want.next.IsZero(), res.NextVersionID == "")
				require.Equal(t, tt.want.canonical, res.CanonicalID)
				require.Equal(t, time.Nanosecond, res.TTL, "a ttl of 0 is no time at all, not none said")
				require.False(t, res.Deactivated)
				require.Equal(t, tt.want.updateKeys, member(res, "updateKeys"))
				require.Equal(t, tt.want.nextHashes, member(res, "nextKeyHashes"))
				require.Equal(t, `["https://watcher.example/"]`, member(res, "watchers"), "as of now")
				require.Equal(t, `"0"`, member(res, "ttl"))
				require.Equal(t, "true", member(res, "portable"))
				res.Retrieved = day(9) // the answer is the caller's
			}
		})
	}
	for _, tt := range []struct {
		name string
		id   did.DID
		v    did.Version
		err  error
	}{
		{"before it was made", home, did.Version{Time: day(1).Add(-1)}, did.ErrNotFound},
		{"a number to come", home, did.Version{Number: 4}, did.ErrNotFound},
		{"a number with another hash", home, did.Version{ID: "1-" + scid}, did.ErrNotFound},
		{"no number", home, did.Version{ID: scid}, did.ErrNotFound},
		{"a number that is huge", home, did.Version{ID: "99999999999999999999-" + scid}, did.ErrNotFound},
		{"minus one", home, did.Version{ID: "-1-" + scid}, did.ErrNotFound},
		{"two questions", home, did.Version{Number: 1, Time: day(1)}, did.ErrInvalidOptions},
		{"another DID", did.MustParse("did:webvh:" + scid + ":fleet.example"), did.Version{}, did.ErrNotFound},
		{"the same SCID elsewhere", did.MustParse("did:webvh:" + log.SCID() + ":thief.example"), did.Version{}, did.ErrNotFound},
		{"nobody", did.DID{}, did.Version{}, did.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := log.Resolve(t.Context(), tt.id, tt.v)
			require.ErrorIs(t, err, tt.err)
		})
	}

	_, err = log.Resolve(t.Context(), home, did.Version{Number: 9})
	require.ErrorContains(t, err, "ends with version 3, and has no 9")

	// did.Key asks with the time of a signature, and gets the key of then.
	k, err := did.Key(t.Context(), log, home.URL("key-1"), did.AssertionMethod, did.Version{Time: day(4)})
	require.NoError(t, err)
	require.Equal(t, key(9).Public(), k)
}

// A document may define what the method otherwise implies.
func TestImplied(t *testing.T) {
	for _, tt := range []struct{ name, service, want string }{
		{"none", ``, `[{"id":"ID#files","type":"relativeRef","serviceEndpoint":"https://fleet.example/a%20b/"},` +
			`{"@context":"https://identity.foundation/linked-vp/contexts/v1","id":"ID#whois","type":"LinkedVerifiablePresentation","serviceEndpoint":"https://fleet.example/a%20b/whois.vp"}]`},
		{"an empty list", `,"service":[ ]`, `[{"id":"ID#files","type":"relativeRef","serviceEndpoint":"https://fleet.example/a%20b/"},` +
			`{"@context":"https://identity.foundation/linked-vp/contexts/v1","id":"ID#whois","type":"LinkedVerifiablePresentation","serviceEndpoint":"https://fleet.example/a%20b/whois.vp"}]`},
		{"files of its own", `,"service":[{"id":"#files","type":"relativeRef","serviceEndpoint":"https://files.example/"}]`,
			`[{"id":"#files","type":"relativeRef","serviceEndpoint":"https://files.example/"},` +
				`{"@context":"https://identity.foundation/linked-vp/contexts/v1","id":"ID#whois","type":"LinkedVerifiablePresentation","serviceEndpoint":"https://fleet.example/a%20b/whois.vp"}]`},
		{"both of its own", `,"service":[{"id":"ID#whois","type":"A","serviceEndpoint":"https://a.example/"},{"id":"#files","type":"B","serviceEndpoint":"https://b.example/"}]`,
			`[{"id":"ID#whois","type":"A","serviceEndpoint":"https://a.example/"},{"id":"#files","type":"B","serviceEndpoint":"https://b.example/"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one := first()
			id := "did:webvh:{SCID}:fleet.example:a%20b"
			fill := func(s string) string { return strings.ReplaceAll(s, "ID", id) }
			one.state = `{"id":"` + id + `"` + fill(tt.service) + `,"name":"last"}`
			raw := one.add(t, "")
			subject, err := webvh.Subject([]byte(raw))
			require.NoError(t, err)
			log, err := webvh.Verify(subject, []byte(raw), nil)
			require.NoError(t, err)
			res, err := log.Resolve(t.Context(), subject, did.Version{})
			require.NoError(t, err)
			require.JSONEq(t, strings.ReplaceAll(`{"id":"ID","name":"last","service":`+tt.want+`}`, "ID", subject.String()), res.Document.Raw)

			// Written down again it is what it was.
			next, err := log.Update(webvh.Change{Key: key(1), Time: day(2), Document: res.Document})
			require.NoError(t, err)
			again, err := next.Resolve(t.Context(), subject, did.Version{})
			require.NoError(t, err)
			require.Equal(t, len(res.Document.Service), len(again.Document.Service))
			require.NotContains(t, next.Entry(2).State, "fleet.example/a%20b/")
		})
	}
}

// A document of the greatest length has no room for what is implied, and is good without.
func TestImpliedTooLong(t *testing.T) {
	one := first()
	one.state = `{"id":"did:webvh:{SCID}:fleet.example","filler":"` + strings.Repeat("x", did.MaxDocumentBytes-200) + `"}`
	raw := one.add(t, "")
	id, err := webvh.Subject([]byte(raw))
	require.NoError(t, err)
	log, err := webvh.Verify(id, []byte(raw), nil)
	require.NoError(t, err)
	res, err := log.Resolve(t.Context(), id, did.Version{})
	require.NoError(t, err)
	require.Empty(t, res.Document.Service)
	require.Equal(t, log.Entry(1).State, res.Document.Raw)
}

func TestParallelDIDWeb(t *testing.T) {
	doc := draft(t, "fleet.example:{SCID}", key(9))
	doc.AlsoKnownAs = []string{"did:web:fleet.example:" + doc.ID.Identifier()[:6], "https://fleet.example/7", "https://fleet.example/7"}
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: doc})
	require.NoError(t, err)
	raw, err := log.ParallelDIDWeb()
	require.NoError(t, err)
	web, err := did.ParseDocument(raw)
	require.NoError(t, err)
	require.Equal(t, "did:web:fleet.example:"+log.SCID(), web.ID.String())
	require.Equal(t, []string{"https://fleet.example/7", log.ID().String()}, web.AlsoKnownAs)
	require.Len(t, web.Service, 2)
	k, err := web.Key(web.ID.URL("key-1"), did.AssertionMethod)
	require.NoError(t, err)
	require.Equal(t, key(9).Public(), k)

	// Escapes are free in JSON, and are no part of what is signed.
	escaped, err := webvh.Verify(log.ID(), bytes.ReplaceAll(log.Raw(), []byte(`"id":"did:`), []byte(`"id":"did\u003a`)), nil)
	require.NoError(t, err)
	raw, err = escaped.ParallelDIDWeb()
	require.NoError(t, err)
	require.NotContains(t, string(raw), `\`)
	again, err := did.ParseDocument(raw)
	require.NoError(t, err)
	require.Equal(t, web.ID, again.ID)
	require.Equal(t, web.VerificationMethod, again.VerificationMethod)

	log, err = log.Deactivate(webvh.Change{Key: key(1), Time: day(2)})
	require.NoError(t, err)
	_, err = log.ParallelDIDWeb()
	require.ErrorIs(t, err, did.ErrDeactivated)
}

// A log of many short entries and one long list of watchers: who asks for every version, as who follows a key
// does, gets the list many times, and it is there once.
func TestManyVersionsShareWhatIsAsOfNow(t *testing.T) {
	const versions = 200
	log, err := webvh.Create(webvh.Change{Key: key(1), Time: day(1), Document: draft(t, "fleet.example", key(9))})
	require.NoError(t, err)
	for i := 1; i < versions; i++ {
		c := webvh.Change{Key: key(1), Time: day(1).Add(time.Duration(i) * time.Second)}
		if i == versions-1 {
			for n := range webvh.MaxListed {
				c.Watchers = append(c.Watchers, fmt.Sprintf("https://w%d.example/%s", n, strings.Repeat("w", 1800)))
			}
		}
		log, err = log.Update(c)
		require.NoError(t, err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for n := 1; n <= versions; n++ {
		res, err := log.Resolve(t.Context(), log.ID(), did.Version{Number: n})
		require.NoError(t, err)
		require.Greater(t, len(res.Extra[6].Value), 100_000, res.Extra[6].Name)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/versions, uint64(20_000), "bytes a version")
}
