package tloghttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/chain"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
	"github.com/hourmeter/hourmeter/vc/record"
)

var service = record.Maintenance{
	Time: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC), Work: record.Work{Category: record.Preventive, Activity: "oil the rotor"},
}

// A log, three witnesses of which two have to agree, all over HTTPS. A record that is in the log is
// complete and fresh; as time goes by it is complete and stale; when its end is left off, that shows.
func TestRecordOverHTTPS(t *testing.T) {
	w := newWorld(t, 3, 2)
	w.run()
	m := newMachine(t, "drone", 5)
	remote := w.remote()
	receipts, err := remote.Add(t.Context(), m.salt[:], m.raw(0, 5)...)
	require.NoError(t, err)
	for i, text := range receipts {
		r, err := w.trust.Receipt(text)
		require.NoError(t, err)
		require.Equal(t, tlog.Entry{Key: m.salt.Key(m.head.Chain), Sequence: int64(i), Digest: m.entries[i].Digest()}, r.Entry)
	}
	again, err := remote.Add(t.Context(), m.salt[:], m.raw(0, 5)...)
	require.NoError(t, err)
	require.Equal(t, receipts, again, "what is there already is no error, and was there since")

	reader := w.reader()
	view, err := reader.Read(t.Context(), m.record())
	require.NoError(t, err)
	h, err := m.history(5).Seen(view)
	require.NoError(t, err)
	require.Equal(t, chain.C4, h.Class())
	require.WithinDuration(t, time.Now(), h.Entries()[0].Logged, 10*time.Second)

	later := w.reader()
	later.Trust.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	view, err = later.Read(t.Context(), m.record())
	require.NoError(t, err)
	h, err = m.history(5).Seen(view)
	require.NoError(t, err)
	require.Equal(t, chain.C3, h.Class())

	_, err = m.history(4).Seen(view)
	var gap *chain.GapError
	require.ErrorAs(t, err, &gap)
	require.Equal(t, [2]int64{4, 4}, [2]int64{gap.From, gap.To})

	// The same without a network.
	kept, err := reader.Keep(t.Context(), m.record())
	require.NoError(t, err)
	view, err = w.trust.View(kept)
	require.NoError(t, err)
	h, err = m.history(5).Seen(view)
	require.NoError(t, err)
	require.Equal(t, chain.C4, h.Class())

	// Others who read all of it.
	auditor := &tlog.Auditor{Source: w.remote(), Trust: w.trust}
	c, err := auditor.Audit(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 5, c.Size)
	scanning := w.reader()
	scanning.Scan = true
	_, err = scanning.Read(t.Context(), m.record())
	require.NoError(t, err)
}

// More than a tile of entries, by many clients at once.
func TestManyClients(t *testing.T) {
	w := newWorld(t, 2, 2)
	w.run()
	machines := make([]*machine, 8)
	for i := range machines {
		machines[i] = newMachine(t, fmt.Sprint("drone", i), 40)
	}
	var all sync.WaitGroup
	for _, m := range machines {
		all.Go(func() {
			remote := w.remote()
			for _, part := range [][2]int{{0, 13}, {13, 39}, {39, 40}} {
				if _, err := remote.Add(t.Context(), m.salt[:], m.raw(part[0], part[1])...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	reader := w.reader()
	for _, m := range machines {
		view, err := reader.Read(t.Context(), m.record())
		require.NoError(t, err)
		h, err := m.history(40).Seen(view)
		require.NoError(t, err)
		require.Equal(t, chain.C4, h.Class())
	}
	c, err := (&tlog.Auditor{Source: w.remote(), Trust: w.trust}).Audit(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 320, c.Size)
}

// A log that shows one tree to some and another to others cannot have both cosigned by a quorum,
// and who sees both has the evidence.
func TestForkedLog(t *testing.T) {
	w := newWorld(t, 3, 2)
	m := newMachine(t, "drone", 3)
	add := func(l *tlog.Log, n int) {
		for i, v := range m.entries[:n] {
			e := tlog.Entry{Key: m.salt.Key(m.head.Chain), Sequence: int64(i), Digest: v.Digest()}
			var previous vc.Digest
			if i > 0 {
				previous = m.entries[i-1].Digest()
			}
			_, err := l.Append(t.Context(), e, previous)
			require.NoError(t, err)
		}
	}
	add(w.log, 3)
	p, err := w.log.Publish(t.Context(), w.cosigners...)
	require.NoError(t, err)
	require.True(t, p.Published)

	// The other face of the log has another machine's entries in their place.
	stranger := newMachine(t, "stranger", 3)
	forge := func(quorum int, cosigners ...tlog.Cosigner) (string, *tlog.Publication) {
		l := w.newLog(quorum)
		for i, v := range stranger.entries {
			e := tlog.Entry{Key: stranger.salt.Key(stranger.head.Chain), Sequence: int64(i), Digest: v.Digest()}
			var previous vc.Digest
			if i > 0 {
				previous = stranger.entries[i-1].Digest()
			}
			_, err := l.Append(t.Context(), e, previous)
			require.NoError(t, err)
		}
		p, err := l.Publish(t.Context(), cosigners...)
		require.NoError(t, err)
		return w.serve("log", http.StripPrefix("/machines", &tloghttp.Handler{Log: l})) + "/machines", p
	}

	// 1. The witnesses refuse, and keep the evidence; nothing is published.
	url, p := forge(2, w.cosigners...)
	require.False(t, p.Published)
	for _, err := range p.Failed {
		refused, ok := errors.AsType[*resolver.RefuseError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, http.StatusConflict, refused.Status)
	}
	victim := &tlog.Reader{Source: &resolver.Log{URL: url, Client: w.client()}, Trust: w.trust}
	_, err = victim.Read(t.Context(), stranger.record())
	short, ok := errors.AsType[*tlog.QuorumError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, 2, short.Want)

	// 2. With one witness on its side the log publishes, and convinces nobody who asks for two.
	accomplice := func(name string) tlog.Cosigner {
		folder := t.TempDir() // it forgets what it has cosigned
		a, err := tlog.CreateWitness(folder, tlog.WitnessConfig{Name: name + ".example.com", Key: keyOf(name), Logs: []tlog.Watched{{Log: w.trust.Log}}})
		require.NoError(t, err)
		t.Cleanup(func() { a.Close() })
		return a
	}
	url, p = forge(1, accomplice("w1"), w.cosigners[1], w.cosigners[2])
	require.True(t, p.Published)
	victim.Source = &resolver.Log{URL: url, Client: w.client()}
	_, err = victim.Read(t.Context(), stranger.record())
	_, ok = errors.AsType[*tlog.QuorumError](err)
	require.True(t, ok, "%v", err)

	// 3. With a quorum on its side it convinces whoever sees one face only. Who sees both has it.
	url, p = forge(2, accomplice("w1"), accomplice("w2"))
	require.True(t, p.Published)
	victim.Source = &resolver.Log{URL: url, Client: w.client()}
	_, err = victim.Read(t.Context(), stranger.record())
	require.NoError(t, err)
	other := w.reader()
	_, err = other.Read(t.Context(), m.record())
	require.NoError(t, err)
	require.NoError(t, other.Remember(victim.Known()), "of two trees of one size neither shows the fork by itself")
	other.Source = victim.Source
	_, err = other.Read(t.Context(), stranger.record())
	m1, ok := errors.AsType[*tlog.Misbehaviour](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, tlog.Fork, m1.Kind)
	_, err = tlog.VerifyMisbehaviour(w.trust.Log, m1.Evidence())
	require.NoError(t, err)
}

// A log that is cut off within any of its files is one that has not answered: nothing is concluded,
// and nothing false accepted. When it is back, so is the answer.
func TestCutOffAnywhere(t *testing.T) {
	w := newWorld(t, 2, 2)
	w.run()
	m := newMachine(t, "drone", 6)
	_, err := w.remote().Add(t.Context(), m.salt[:], m.raw(0, 6)...)
	require.NoError(t, err)

	var cut atomic.Value // prefix of the path that is cut off
	cut.Store("")
	url := w.serve("flaky", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		where := cut.Load().(string)
		if where == "" || !strings.HasPrefix(r.URL.Path, where) {
			w.handler.ServeHTTP(rw, r)
			return
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		body := rec.Body.Bytes()
		fmt.Fprintf(conn, "HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s", rec.Code, len(body), body[:len(body)/2])
		conn.Close()
	}))
	read := func() error {
		reader := &tlog.Reader{Source: &resolver.Log{URL: url, Client: w.client()}, Trust: w.trust}
		view, err := reader.Read(t.Context(), m.record())
		if err != nil {
			return err
		}
		h, err := m.history(6).Seen(view)
		require.NoError(t, err)
		require.Equal(t, chain.C4, h.Class())
		return nil
	}
	for _, where := range []string{"/checkpoint", "/tile/0", "/tile/entries", "/record", "/archive"} {
		t.Run(where, func(t *testing.T) {
			cut.Store(where)
			err := read()
			_, ok := errors.AsType[*resolver.RetryError](err)
			require.True(t, ok, "%v", err)
			_, bad := errors.AsType[*tlog.RejectError](err)
			require.False(t, bad, "%v", err)
			cut.Store("")
			require.NoError(t, read())
		})
	}
	t.Run("a receipt", func(t *testing.T) {
		cut.Store("/add")
		flaky := &resolver.Log{URL: url, Client: w.client()}
		_, err := flaky.Add(t.Context(), m.salt[:], m.raw(0, 6)...)
		_, ok := errors.AsType[*resolver.RetryError](err)
		require.True(t, ok, "%v", err)
		cut.Store("")
		_, err = flaky.Add(t.Context(), m.salt[:], m.raw(0, 6)...)
		require.NoError(t, err)
	})
}

// Whatever a server answers in the place of a file of the log, a byte of which was changed, nothing
// false comes of it.
func TestLyingServer(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.run()
	m := newMachine(t, "drone", 4)
	_, err := w.remote().Add(t.Context(), m.salt[:], m.raw(0, 4)...)
	require.NoError(t, err)
	var where, at atomic.Value
	url := w.serve("liar", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		if strings.HasPrefix(r.URL.Path, where.Load().(string)) && len(body) > 0 {
			body[len(body)*at.Load().(int)/16] ^= 1
		}
		rw.WriteHeader(rec.Code)
		rw.Write(body)
	}))
	client := w.client()
	for _, prefix := range []string{"/checkpoint", "/tile/0", "/tile/entries", "/record", "/archive"} {
		for i := range 16 {
			where.Store(prefix)
			at.Store(i)
			reader := &tlog.Reader{Source: &resolver.Log{URL: url, Client: client}, Trust: w.trust}
			view, err := reader.Read(t.Context(), m.record())
			if err != nil {
				continue
			}
			logged, err := view.Record(m.head.Chain)
			require.NoError(t, err)
			require.Len(t, logged.Entries, 4, "%s %d", prefix, i)
			for s, e := range logged.Entries {
				require.Equal(t, m.entries[s].Digest(), e.Digest)
			}
		}
	}
}

// A log that is down keeps what it acknowledged, and goes on when it is up.
func TestDownThenUp(t *testing.T) {
	w := newWorld(t, 2, 2)
	var down atomic.Bool
	url := w.serve("log", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		http.StripPrefix("/machines", w.handler).ServeHTTP(rw, r)
	})) + "/machines"
	remote := &resolver.Log{URL: url, Client: w.client()}
	m := newMachine(t, "drone", 2)

	// Nobody publishes: it is taken in, and that is all it says.
	w.handler.Wait = 20 * time.Millisecond
	_, err := remote.Add(t.Context(), m.salt[:], m.raw(0, 2)...)
	later, ok := errors.AsType[*resolver.RetryError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, http.StatusAccepted, later.Status)
	require.Equal(t, 2*time.Second, later.After)

	down.Store(true)
	_, err = remote.Add(t.Context(), m.salt[:], m.raw(0, 2)...)
	later, ok = errors.AsType[*resolver.RetryError](err)
	require.True(t, ok, "%v", err)
	require.Zero(t, later.Status)

	down.Store(false)
	w.run()
	require.Eventually(t, func() bool {
		_, err := remote.Add(t.Context(), m.salt[:], m.raw(0, 2)...)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}

// Every refusal has its status, says which credential it is about, and takes nothing in.
func TestAddRefuses(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.run()
	m := newMachine(t, "drone", 4)
	remote := w.remote()
	_, err := remote.Add(t.Context(), m.salt[:], m.raw(0, 2)...)
	require.NoError(t, err)

	// A rival is another entry 1 and 2, by an issuer who is accepted.
	rival := newMachine(t, "drone", 1)
	rival.entries, rival.head = m.entries[:1:1], chain.Head{}
	require.NoError(t, rival.head.Advance(m.entries[0]))
	rival.append("maker", service, chain.Entry{Kind: chain.Observe, Outcome: chain.Breach})
	rival.append("maker", service, chain.Entry{Kind: chain.Observe, Outcome: chain.Breach})

	stranger := newMachine(t, "drone", 2)
	stranger.append("stranger", service, chain.Entry{Kind: chain.Observe, Outcome: chain.Good})
	loose, err := issuerOf(t, "maker").Issue(&vc.Credential{Subject: m.id, ValidFrom: m.day(), Claim: service})
	require.NoError(t, err)
	text, err := m.salt.MarshalText()
	require.NoError(t, err)
	salt := string(text)
	body := func(salt string, credentials ...[]byte) string {
		return fmt.Sprintf(`{"salt":%q,"credentials":[%s]}`, salt, bytes.Join(credentials, []byte(",")))
	}
	tampered := bytes.Replace([]byte(m.entries[2].Raw()), []byte("grease"), []byte("greese"), 1)
	big := `{"salt":"` + salt + `","credentials":["` + strings.Repeat("x", tloghttp.MaxAddBytes) + `"]}`
	many := body(salt, bytes.Split(bytes.Repeat([]byte("1,"), 257), []byte(","))[:257]...)
	size := w.log.Size()

	for _, tt := range []struct {
		name       string
		body       string
		status     int
		credential int // -1: about none
		sequence   int // of what the log holds; -1 if it does not say
		says       string
	}{
		{"no JSON", `{`, 400, -1, -1, ""},
		{"nothing", ``, 400, -1, -1, ""},
		{"another member", `{"salt":"` + salt + `","credentials":[],"x":1}`, 400, -1, -1, "want"},
		{"one member twice", `{"salt":"a","salt":"b","credentials":[]}`, 400, -1, -1, ""},
		{"no credentials", body(salt), 400, -1, -1, "1 to 256"},
		{"too many credentials", many, 400, -1, -1, "1 to 256"},
		{"no salt", body("", m.raw(2, 3)...), 400, -1, -1, "salt"},
		{"half a salt", body(salt[:20], m.raw(2, 3)...), 400, -1, -1, "salt"},
		{"too long", big, 413, -1, -1, "at most"},
		{"no credential", body(salt, []byte(`{"a":1}`)), 400, 0, -1, ""},
		{"a tampered one", body(salt, tampered), 400, 0, -1, "proof"},
		{"a tampered one after a good one", body(salt, m.raw(2, 3)[0], tampered), 400, 1, -1, "proof"},
		{"no entry of a record", body(salt, loose), 400, 0, -1, "no entry of a record"},
		{"an issuer whom nobody asked", body(salt, stranger.raw(2, 3)...), 403, 0, -1, "not accepted"},
		{"a rival entry", body(salt, rival.raw(1, 2)...), 409, 0, 1, "is taken"},
		{"after a rival entry", body(salt, rival.raw(2, 3)...), 409, 0, 1, "has to be entry 2"},
		{"with one left out", body(salt, m.raw(3, 4)...), 409, 0, 1, "has to be entry 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, httptest.NewRequest("POST", "/add", strings.NewReader(tt.body)))
			require.Equal(t, tt.status, rec.Code, rec.Body.String())
			require.Equal(t, "application/problem+json", rec.Header().Get("Content-Type"))
			var p struct {
				Title, Detail, Digest string
				Status                int
				Credential, Sequence  *int
			}
			d := json.NewDecoder(rec.Body)
			d.DisallowUnknownFields()
			require.NoError(t, d.Decode(&p))
			require.Equal(t, tt.status, p.Status)
			require.Equal(t, http.StatusText(tt.status), p.Title)
			require.Contains(t, p.Detail, tt.says)
			if tt.credential >= 0 {
				require.Equal(t, tt.credential, *p.Credential)
			}
			if tt.sequence >= 0 {
				require.Equal(t, tt.sequence, *p.Sequence)
				require.Equal(t, m.entries[tt.sequence].Digest().String(), p.Digest)
			}
			require.Equal(t, size, w.log.Size())
		})
	}
	t.Run("of a record that the log does not know", func(t *testing.T) {
		other := newMachine(t, "other", 2)
		_, err := remote.Add(t.Context(), other.salt[:], other.raw(1, 2)...)
		refused, ok := errors.AsType[*resolver.RefuseError](err)
		require.True(t, ok)
		require.Equal(t, resolver.Problem{Title: "Conflict", Detail: refused.Problem().Detail, Credential: 0, Sequence: -1}, refused.Problem())
	})
	t.Run("an issuer who cannot be looked up", func(t *testing.T) {
		inside := &tloghttp.Handler{Log: w.log, Accept: vc.AnyIssuer, Verifier: &vc.Verifier{Resolver: unreachable{}}}
		rec := httptest.NewRecorder()
		inside.ServeHTTP(rec, httptest.NewRequest("POST", "/add", strings.NewReader(body(salt, m.raw(2, 3)...))))
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.NotContains(t, rec.Body.String(), "10.0.0.53", "what the operator's network says is nobody else's business")
		require.Contains(t, rec.Body.String(), "could not be looked up")
	})
	t.Run("nobody is accepted", func(t *testing.T) {
		closed := &tloghttp.Handler{Log: w.log}
		rec := httptest.NewRecorder()
		closed.ServeHTTP(rec, httptest.NewRequest("POST", "/add", strings.NewReader(body(salt, m.raw(2, 3)...))))
		require.Equal(t, http.StatusForbidden, rec.Code)
	})
	t.Run("too often", func(t *testing.T) {
		slow := &tloghttp.Handler{Log: w.log, Accept: vc.AnyIssuer, Rate: 1}
		codes := map[int]int{}
		for range 300 {
			rec := httptest.NewRecorder()
			slow.ServeHTTP(rec, httptest.NewRequest("POST", "/add", strings.NewReader("{")))
			codes[rec.Code]++
			if rec.Code == http.StatusTooManyRequests {
				require.NotEmpty(t, rec.Header().Get("Retry-After"))
			}
		}
		require.Equal(t, map[int]int{400: 256, 429: 44}, codes)
		other := httptest.NewRequest("POST", "/add", strings.NewReader("{"))
		other.RemoteAddr = "198.51.100.7:1"
		rec := httptest.NewRecorder()
		slow.ServeHTTP(rec, other)
		require.Equal(t, 400, rec.Code, "another client is not held up")
	})
	require.Equal(t, size, w.log.Size())
}

// A holder who leaves the end off cannot have the rest logged again under another salt, to show that.
func TestSecondSalt(t *testing.T) {
	w := newWorld(t, 1, 1)
	w.run()
	m := newMachine(t, "drone", 4)
	remote := w.remote()
	_, err := remote.Add(t.Context(), m.salt[:], m.raw(0, 4)...)
	require.NoError(t, err)
	second := tlog.NewSalt()
	_, err = remote.Add(t.Context(), second[:], m.raw(0, 3)...)
	refused, ok := errors.AsType[*resolver.RefuseError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, http.StatusConflict, refused.Status)
	require.Contains(t, refused.Problem().Detail, "under another salt")
	view, err := w.reader().Read(t.Context(), tlog.Record{Chain: m.head.Chain, Salt: second})
	require.NoError(t, err)
	h, err := m.history(3).Seen(view)
	require.NoError(t, err)
	require.Equal(t, chain.C2, h.Class(), "as if no log had been asked")
}

// What is served has its type, and says how long it may be kept; browsers may read it.
func TestHeaders(t *testing.T) {
	w := newWorld(t, 1, 1)
	m := newMachine(t, "drone", 2)
	w.run()
	_, err := w.remote().Add(t.Context(), m.salt[:], m.raw(0, 2)...)
	require.NoError(t, err)
	key := m.salt.Key(m.head.Chain).String()
	const forever, aMinute = "public, max-age=31536000, immutable", "public, max-age=60"
	for _, tt := range []struct {
		method, path string
		status       int
		kind, cache  string
	}{
		{"GET", "/checkpoint", 200, "text/plain; charset=utf-8", "no-cache"},
		{"HEAD", "/checkpoint", 200, "text/plain; charset=utf-8", "no-cache"},
		{"GET", "/tile/0/000.p/2", 200, "application/octet-stream", forever},
		{"GET", "/tile/entries/000.p/2", 200, "application/octet-stream", forever},
		{"GET", "/archive/002", 200, "text/plain; charset=utf-8", aMinute},
		{"GET", "/record/2/" + key, 200, "text/plain; charset=utf-8", aMinute},
		{"GET", "/receipt/1", 200, "text/plain; charset=utf-8", aMinute},

		{"GET", "/", 404, "application/problem+json", "no-store"},
		{"GET", "/private/pending", 404, "application/problem+json", "no-store"},
		{"GET", "/tile/../private/pending", 404, "application/problem+json", "no-store"},
		{"GET", "/tile/0/000.p/9", 404, "application/problem+json", "no-store"},
		{"GET", "/tile/", 404, "application/problem+json", "no-store"},
		{"GET", "/archive", 404, "application/problem+json", "no-store"},
		{"GET", "/tile/0/000.p", 404, "application/problem+json", "no-store"},
		{"GET", "/tile/0", 404, "application/problem+json", "no-store"},
		{"GET", "/receipt/2", 404, "application/problem+json", "no-store"},
		{"GET", "/receipt/-1", 404, "application/problem+json", "no-store"},
		{"GET", "/receipt/01", 404, "application/problem+json", "no-store"},
		{"GET", "/record/3/" + key, 404, "application/problem+json", "no-store"},
		{"GET", "/record/x", 404, "application/problem+json", "no-store"},
		{"GET", "/add", 405, "application/problem+json", "no-store"},
		{"PUT", "/checkpoint", 405, "application/problem+json", "no-store"},
		{"DELETE", "/tile/0/000.p/2", 405, "application/problem+json", "no-store"},
		{"OPTIONS", "/add", 204, "", ""},
		{"OPTIONS", "/checkpoint", 204, "", ""},
	} {
		t.Run(tt.method+tt.path, func(t *testing.T) {
			rec := httptest.NewRecorder()
			r := httptest.NewRequest(tt.method, "http://log.example/", nil)
			r.URL.Path = tt.path
			w.handler.ServeHTTP(rec, r)
			require.Equal(t, tt.status, rec.Code, rec.Body.String())
			require.Equal(t, tt.kind, rec.Header().Get("Content-Type"))
			require.Equal(t, tt.cache, rec.Header().Get("Cache-Control"))
			require.Equal(t, "*", rec.Header().Get("Access-Control-Allow-Origin"))
			require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
			if tt.method == "OPTIONS" {
				require.Contains(t, rec.Header().Get("Access-Control-Allow-Methods"), map[string]string{"/add": "POST", "/checkpoint": "GET"}[tt.path])
			}
			if tt.status == 405 {
				require.NotEmpty(t, rec.Header().Get("Allow"))
			}
		})
	}
}

// A witness answers as C2SP tlog-witness says.
func TestWitnessStatuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"cosigned", nil, 200, "— w x\n"},
		{"another size", &tlog.ConflictError{Size: 7}, 409, "7\n"},
		{"another tree", &tlog.ConflictError{Size: 7, Fork: true}, 409, "7\n"},
		{"an unknown log", &tlog.RejectError{Reason: tlog.ErrOrigin, Detail: errors.New("x")}, 404, ""},
		{"an unknown key", &tlog.RejectError{Reason: tlog.ErrSignature, Detail: errors.New("x")}, 403, ""},
		{"a proof that does not hold", &tlog.RejectError{Reason: tlog.ErrProof, Detail: errors.New("x")}, 422, ""},
		{"a broken rule", &tlog.RejectError{Reason: tlog.ErrSequence, Detail: errors.New("x")}, 422, ""},
		{"no request", &tlog.RejectError{Reason: tlog.ErrMalformed, Detail: errors.New("x")}, 400, ""},
		{"a full disk", &fs.PathError{Op: "write", Path: "/secret", Err: errors.New("full")}, 503, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &tloghttp.WitnessHandler{Witness: cosigner(func(_ context.Context, request []byte) ([]byte, error) {
				require.Equal(t, "old 0\n", string(request))
				return []byte(tt.body), tt.err
			})}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequest("POST", "/add-checkpoint", strings.NewReader("old 0\n")))
			require.Equal(t, tt.status, rec.Code)
			require.NotContains(t, rec.Body.String(), "secret")
			if tt.body != "" {
				require.Equal(t, tt.body, rec.Body.String())
			}
			if tt.status == 409 {
				require.Equal(t, "text/x.tlog.size", rec.Header().Get("Content-Type"))
			}
		})
	}
	h := &tloghttp.WitnessHandler{Witness: cosigner(nil), Rate: 1}
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/add-checkpoint", "", 405}, {"POST", "/", "", 404}, {"POST", "/add-checkpoint", strings.Repeat("x", tlog.MaxRequest+1), 413},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		require.Equal(t, tt.status, rec.Code)
	}
	last := 0
	for range 30 {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("POST", "/add-checkpoint", strings.NewReader(strings.Repeat("x", tlog.MaxRequest+1))))
		last = rec.Code
	}
	require.Equal(t, 429, last)
}

type cosigner func(context.Context, []byte) ([]byte, error)

func (c cosigner) Cosign(ctx context.Context, request []byte) ([]byte, error) { return c(ctx, request) }

// Nothing goes on when log, witnesses and clients have ended.
func TestLeavesNothingRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("a day at the log", func(t *testing.T) {
		w := newWorld(t, 3, 2)
		w.run()
		m := newMachine(t, "drone", 3)
		_, err := w.remote().Add(t.Context(), m.salt[:], m.raw(0, 3)...)
		require.NoError(t, err)
		_, err = w.reader().Read(t.Context(), m.record())
		require.NoError(t, err)
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		w.reader().Read(impatient, m.record())
		r := httptest.NewRequest("POST", "/add", iotestReader{})
		w.handler.ServeHTTP(httptest.NewRecorder(), r)
	})
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, now:\n%s", before, b[:runtime.Stack(b, true)])
		}
	}
}

// iotestReader is a body that is cut off.
type iotestReader struct{}

func (iotestReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unreachable is a resolver behind a name server that does not answer.
type unreachable struct{}

func (unreachable) Resolve(context.Context, did.DID, did.Version) (*did.Resolution, error) {
	return nil, errors.New("lookup workshop.example on 10.0.0.53:53: i/o timeout")
}
