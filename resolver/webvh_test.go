package resolver_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/did/webvh"
	"github.com/hourmeter/hourmeter/internal/shared"
	"github.com/hourmeter/hourmeter/resolver"
)

// logKey returns one of a row of keys, the same in each run.
func logKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// jan returns the nth day of the history that tests tell.
func jan(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// newLog makes a log with one entry, as of day 1.
func newLog(t testing.TB, location string, change webvh.Change) *webvh.Log {
	id, err := webvh.Draft(location)
	require.NoError(t, err)
	m, err := did.NewVerificationMethod(id.URL("key-1"), did.Multikey, id, logKey(9).Public())
	require.NoError(t, err)
	change.Key, change.Time = logKey(1), jan(1)
	change.Document = &did.Document{ID: id, VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
	log, err := webvh.Create(change)
	require.NoError(t, err)
	return log
}

// grow returns a log with an entry more, as of this day.
func grow(t testing.TB, log *webvh.Log, on int, change webvh.Change) *webvh.Log {
	change.Key, change.Time = logKey(1), jan(on)
	log, err := log.Update(change)
	require.NoError(t, err)
	return log
}

// logs returns the log of each host of n, made when it is first asked for.
func (n *internet) logs() func(host string) *webvh.Log {
	var mu sync.Mutex
	made := map[string]*webvh.Log{}
	return func(host string) *webvh.Log {
		mu.Lock()
		defer mu.Unlock()
		if made[host] == nil {
			made[host] = newLog(n.t, host+"%3A"+n.port, webvh.Change{})
		}
		return made[host]
	}
}

// A logHost serves a log, which tests put in its place, and counts who asks for what.
type logHost struct {
	log     atomic.Pointer[webvh.Log]
	raw     atomic.Pointer[string] // served in place of the log
	down    atomic.Int64           // a status to answer with
	noProof atomic.Bool            // there is no witness file
	asked   atomic.Int64           // for did.jsonl
	proofs  atomic.Int64           // for did-witness.json
	before  func(*http.Request)
}

func (h *logHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.before != nil {
		h.before(r)
	}
	isLog := strings.HasSuffix(r.URL.Path, "/did.jsonl") || r.URL.Path == "/log"
	if isLog {
		h.asked.Add(1)
	} else {
		h.proofs.Add(1)
	}
	log := h.log.Load()
	switch down := int(h.down.Load()); {
	case down != 0:
		w.WriteHeader(down)
	case isLog && h.raw.Load() != nil:
		io.WriteString(w, *h.raw.Load())
	case isLog:
		w.Header().Set("Content-Type", "text/jsonl")
		w.Write(log.Raw())
	case h.noProof.Load() || log.RawWitness() == nil:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Write(log.RawWitness())
	}
}

// fleet is a host of one log, and a WebVH whose clock the test sets.
type fleet struct {
	*internet
	host  *logHost
	webvh *resolver.WebVH
	now   time.Time
	first *webvh.Log
	id    did.DID
}

func newFleet(t testing.TB, change webvh.Change) *fleet {
	f := &fleet{internet: newInternet(t), host: &logHost{}, now: jan(20)}
	f.internet.host("fleet.example", f.host.ServeHTTP, nil)
	f.first = newLog(t, "fleet.example%3A"+f.port+":machines:42", change)
	f.id = f.first.ID()
	f.host.log.Store(f.first)
	c := f.client()
	t.Cleanup(c.CloseIdle)
	f.webvh = &resolver.WebVH{Client: c, Now: func() time.Time { return f.now }}
	return f
}

// resolve asks for a version, and says which it got.
func (f *fleet) resolve(ctx context.Context, v did.Version) (string, error) {
	res, err := f.webvh.Resolve(ctx, f.id, v)
	if err != nil {
		return "", err
	}
	number, _, _ := strings.Cut(res.VersionID, "-")
	return number, nil
}

// One log answers for every version, and is asked for once while it is fresh.
func TestWebVHAnswersForAllVersions(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	second := grow(t, f.first, 3, webvh.Change{})
	third := grow(t, second, 5, webvh.Change{})
	f.host.log.Store(third)
	for _, tt := range []struct {
		v    did.Version
		want string
		err  error
	}{
		{did.Version{}, "3", nil},
		{did.Version{Time: jan(20)}, "3", nil},
		{did.Version{Time: jan(4)}, "2", nil},
		{did.Version{Time: jan(3)}, "2", nil},
		{did.Version{Time: jan(3).Add(-1)}, "1", nil},
		{did.Version{Time: jan(1).Add(-1)}, "", did.ErrNotFound},
		{did.Version{Time: jan(21)}, "", did.ErrVersionUnknown},
		{did.Version{Number: 1}, "1", nil},
		{did.Version{Number: 4}, "", did.ErrNotFound},
		{did.Version{ID: second.Entry(2).VersionID}, "2", nil},
		{did.Version{ID: "2-x"}, "", did.ErrNotFound},
		{did.Version{ID: "x", Number: 2}, "", did.ErrInvalidOptions},
	} {
		got, err := f.resolve(t.Context(), tt.v)
		require.ErrorIs(t, err, tt.err)
		require.Equal(t, tt.want, got, "%+v", tt.v)
	}
	require.EqualValues(t, 1, f.host.asked.Load())
	require.Zero(t, f.host.proofs.Load(), "it has no witnesses")

	res, err := f.webvh.Resolve(t.Context(), f.id, did.Version{Number: 2})
	require.NoError(t, err)
	require.Equal(t, jan(1), res.Created)
	require.Equal(t, jan(3), res.Updated)
	require.Equal(t, jan(5), res.NextUpdate)
	require.Equal(t, f.now, res.Retrieved)
	require.Equal(t, webvh.DefaultTTL, res.TTL)
	require.False(t, res.Stale)
	_, err = did.Key(t.Context(), f.webvh, f.id.URL("key-1"), did.AssertionMethod, did.Version{Time: jan(4)})
	require.NoError(t, err)
}

// A log is taken for the newest as long as the caller and its controller both allow.
func TestWebVHRemembers(t *testing.T) {
	minute := time.Minute
	for _, tt := range []struct {
		name        string
		ttl         *time.Duration // of the log
		allowed     time.Duration  // by the caller
		fresh, past time.Duration
	}{
		{"as long as is usual", nil, 0, resolver.DefaultTTL - 1, resolver.DefaultTTL},
		{"as long as the controller allows", &minute, time.Hour, time.Minute - 1, time.Minute},
		{"as long as the caller allows", &minute, time.Second, time.Second - 1, time.Second},
		{"not at all: the controller", new(time.Duration), time.Hour, -1, 0},
		{"not at all: the caller", nil, -1, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, webvh.Change{TTL: tt.ttl})
			f.webvh.TTL = tt.allowed
			start := f.now
			ask := func() int64 {
				_, err := f.resolve(t.Context(), did.Version{})
				require.NoError(t, err)
				return f.host.asked.Load()
			}
			require.EqualValues(t, 1, ask())
			if tt.fresh >= 0 {
				f.now = start.Add(tt.fresh)
				require.EqualValues(t, 1, ask())
			}
			f.now = start.Add(tt.past)
			require.EqualValues(t, 2, ask())
			f.now = start.Add(-time.Second) // the clock was set back
			require.EqualValues(t, 3, ask())
			_, err := f.resolve(resolver.NoCache(t.Context()), did.Version{})
			require.NoError(t, err)
			require.EqualValues(t, 4, f.host.asked.Load())
		})
	}
}

// Who asks at the same time gets the same answer; who gives up leaves the others theirs.
func TestWebVHSharesFetches(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	release, began := make(chan struct{}), make(chan struct{}, 100)
	f.host.before = func(*http.Request) { began <- struct{}{}; <-release }
	var wg sync.WaitGroup
	impatient, giveUp := context.WithCancel(t.Context())
	wg.Go(func() {
		_, err := f.resolve(impatient, did.Version{})
		if e, ok := errors.AsType[*resolver.RetryError](err); !ok || !errors.Is(err, context.Canceled) {
			t.Error(e, err)
		}
	})
	<-began // the first
	for i := range 30 {
		wg.Go(func() {
			if got, err := f.resolve(t.Context(), did.Version{Number: i % 2}); err != nil || got != "1" {
				t.Error(got, err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	giveUp()
	time.Sleep(10 * time.Millisecond)
	close(release)
	wg.Wait()
	require.EqualValues(t, 1, f.host.asked.Load())

	// If all give up, so does the fetch.
	f.now = f.now.Add(time.Hour)
	gone := make(chan struct{})
	f.host.before = func(r *http.Request) { <-r.Context().Done(); close(gone) }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := f.resolve(ctx, did.Version{})
	retry(t, err)
	select {
	case <-gone:
	case <-time.After(f.webvh.Client.Timeout / 2):
		t.Fatal("nobody waits, and it goes on")
	}
	_, err = f.resolve(ctx, did.Version{})
	retry(t, err)

	// Who wants no memory does not share in what began before.
	release = make(chan struct{})
	f.host.before = func(*http.Request) { began <- struct{}{}; <-release }
	wg.Go(func() {
		_, err := f.resolve(t.Context(), did.Version{})
		if err != nil {
			t.Error(err)
		}
	})
	<-began
	wg.Go(func() {
		_, err := f.webvh.Resolve(resolver.NoCache(t.Context()), f.id, did.Version{})
		if err != nil {
			t.Error(err)
		}
	})
	select {
	case <-began:
	case <-time.After(f.webvh.Client.Timeout / 2):
		t.Error("it is not asked for again")
	}
	close(release)
	wg.Wait()
}

// The hour meter cannot be rolled back: not by a host that forgets an entry, nor by a controller who
// writes it anew.
func TestWebVHRefusesWhatDoesNotContinue(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	f.webvh.Store = &mapStore{}
	second := grow(t, f.first, 3, webvh.Change{})
	third := grow(t, second, 5, webvh.Change{})
	other := grow(t, f.first, 4, webvh.Change{TTL: new(time.Minute)})
	f.host.log.Store(third)
	_, err := f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)

	hold := func(t *testing.T) {
		for _, tt := range []struct {
			name   string
			served *webvh.Log
			number int
			newer  string
		}{
			{"rolled back by one", second, 3, ""},
			{"rolled back to the beginning", f.first, 2, ""},
			{"rewritten", other, 2, other.Entry(2).Raw},
			{"rewritten and longer", grow(t, grow(t, other, 6, webvh.Change{}), 7, webvh.Change{}), 2, other.Entry(2).Raw},
		} {
			t.Run(tt.name, func(t *testing.T) {
				f.host.log.Store(tt.served)
				for _, v := range []did.Version{{}, {Number: 1}, {Time: jan(4)}} {
					_, err := f.resolve(resolver.NoCache(t.Context()), v)
					refused(t, err, resolver.ErrContent)
					require.ErrorIs(t, err, did.ErrInvalidDocument)
					require.True(t, did.IsAnswer(err))
					fork, ok := errors.AsType[*webvh.ForkError](err)
					require.True(t, ok)
					require.Equal(t, tt.number, fork.Number)
					require.Equal(t, third.Entry(tt.number).Raw, fork.Older)
					require.Equal(t, tt.newer, fork.Newer)
				}
			})
		}
		f.host.log.Store(third)
		got, err := f.resolve(resolver.NoCache(t.Context()), did.Version{})
		require.NoError(t, err, "what was seen is not forgotten over it")
		require.Equal(t, "3", got)
	}
	hold(t)
	t.Run("after a restart", func(t *testing.T) {
		f.webvh = &resolver.WebVH{Client: f.webvh.Client, Now: f.webvh.Now, Store: f.webvh.Store}
		hold(t)
	})
}

// While a log grows, and some look afresh, nobody is told that it was rolled back, and nobody sees it shrink.
func TestWebVHOfAGrowingLog(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	var wg sync.WaitGroup
	grown := make(chan struct{})
	wg.Go(func() {
		defer close(grown)
		for log := f.first; log.Len() < 12; {
			log = grow(t, log, log.Len()+1, webvh.Change{})
			f.host.log.Store(log)
			time.Sleep(time.Millisecond)
		}
	})
	for i := range 6 {
		wg.Go(func() {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = resolver.NoCache(ctx)
			}
			for seen, done := 0, false; !done; {
				select {
				case <-grown:
					done = true
				default:
				}
				log, err := f.webvh.Log(ctx, f.id)
				if err != nil || log.Len() < seen {
					t.Errorf("%d entries, then %v: %v", seen, log, err)
					return
				}
				seen = log.Len()
			}
		})
	}
	wg.Wait()
	log, err := f.webvh.Log(t.Context(), f.id)
	require.NoError(t, err)
	require.Equal(t, 12, log.Len())
}

// The log is there for who wants to read it, as far as it holds.
func TestWebVHLog(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	second := grow(t, f.first, 3, webvh.Change{})
	f.host.log.Store(second)
	log, err := f.webvh.Log(t.Context(), f.id)
	require.NoError(t, err)
	require.Equal(t, second.Raw(), log.Raw())

	broken := string(second.Raw()) + "{}\n"
	f.host.raw.Store(&broken)
	log, err = f.webvh.Log(resolver.NoCache(t.Context()), f.id)
	refused(t, err, resolver.ErrContent)
	require.Equal(t, 2, log.Len())

	f.host.down.Store(503)
	log, err = f.webvh.Log(resolver.NoCache(t.Context()), f.id)
	retry(t, err)
	require.Nil(t, log)
	_, err = f.webvh.Log(t.Context(), did.MustParse("did:web:fleet.example"))
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
}

// mapStore is a Store of a test.
type mapStore struct {
	sync.Map
	puts atomic.Int64
}

type mapEntry struct {
	data []byte
	at   time.Time
}

func (m *mapStore) Get(key string) ([]byte, time.Time, bool) {
	e, ok := m.Load(key)
	if !ok {
		return nil, time.Time{}, false
	}
	return e.(mapEntry).data, e.(mapEntry).at, true
}

func (m *mapStore) Put(key string, data []byte, at time.Time) {
	m.puts.Add(1)
	m.Map.Store(key, mapEntry{data, at})
}

func (m *mapStore) Delete(key string) { m.Map.Delete(key) }

// What a Store has is verified like anything else, and then spares a request.
func TestWebVHKeepsLogs(t *testing.T) {
	w := webvh.Witness{Threshold: 1, Witnesses: []did.DID{witnessDID(t, 7)}}
	f := newFleet(t, webvh.Change{Witness: &w})
	log, err := f.first.Witness(logKey(7), jan(1))
	require.NoError(t, err)
	f.host.log.Store(log)
	store := &mapStore{}
	restart := func() {
		f.webvh = &resolver.WebVH{Client: f.webvh.Client, Now: f.webvh.Now, Store: store}
	}
	restart()
	_, err = f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)
	require.EqualValues(t, 1, store.puts.Load())

	restart()
	_, err = f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)
	require.EqualValues(t, 1, f.host.asked.Load(), "it was fresh")
	require.EqualValues(t, 1, f.host.proofs.Load())
	require.EqualValues(t, 1, store.puts.Load(), "and is not kept again")

	restart()
	f.now = f.now.Add(time.Hour)
	_, err = f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)
	require.EqualValues(t, 2, f.host.asked.Load())

	// One bit of it turns over, anywhere.
	key := "webvh log of " + f.id.String()
	data, at, ok := store.Get(key)
	require.True(t, ok)
	for i := 0; i < len(data); i += 37 {
		bad := bytes.Clone(data)
		bad[i] ^= 1
		store.Put(key, bad, at)
		restart()
		res, err := f.webvh.Resolve(t.Context(), f.id, did.Version{})
		require.NoError(t, err, "the host is asked")
		require.Equal(t, log.Entry(1).VersionID, res.VersionID)
	}
	for _, text := range []string{"", "\n", "9999999\n", "-1\n{}", "3\n{}}"} {
		store.Put(key, []byte(text), f.now)
		restart()
		_, err = f.resolve(t.Context(), did.Version{})
		require.NoError(t, err)
	}
}

func witnessDID(t testing.TB, n byte) did.DID {
	id, err := did.NewKey(logKey(n).Public())
	require.NoError(t, err)
	return id
}

// Proofs of witnesses are asked for if the log needs them, and then have to be there.
func TestWebVHAsksForWitnesses(t *testing.T) {
	w := webvh.Witness{Threshold: 2, Witnesses: []did.DID{witnessDID(t, 6), witnessDID(t, 7), witnessDID(t, 8)}}
	f := newFleet(t, webvh.Change{})
	f.webvh.TTL = -1
	witnessed := grow(t, f.first, 3, webvh.Change{Witness: &w})
	one, err := witnessed.Witness(logKey(6), jan(3))
	require.NoError(t, err)
	two, err := one.Witness(logKey(8), jan(3))
	require.NoError(t, err)

	f.host.log.Store(one)
	_, err = f.resolve(t.Context(), did.Version{})
	refused(t, err, resolver.ErrContent)
	require.ErrorIs(t, err, did.ErrInvalidDocument)
	broken, ok := errors.AsType[*webvh.LogError](err)
	require.True(t, ok)
	require.Equal(t, webvh.RuleWitness, broken.Rule)
	require.Equal(t, 2, broken.Entry)
	got, err := f.resolve(t.Context(), did.Version{Number: 1})
	require.NoError(t, err, "what needs no witness does not wait for one")
	require.Equal(t, "1", got)

	f.host.noProof.Store(true)
	_, err = f.resolve(t.Context(), did.Version{})
	require.ErrorIs(t, err, webvh.ErrNoWitness)
	require.ErrorIs(t, err, did.ErrInvalidDocument)

	f.host.noProof.Store(false)
	f.host.log.Store(two)
	f.host.proofs.Store(0)
	got, err = f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)
	require.Equal(t, "2", got)
	require.EqualValues(t, 1, f.host.proofs.Load())

	// If the log is there and the proofs are not to be had, nothing is known.
	f.host.before = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "did-witness.json") {
			panic(http.ErrAbortHandler)
		}
	}
	_, err = f.resolve(t.Context(), did.Version{})
	retry(t, err)
	require.False(t, did.IsAnswer(err))
}

// Of a log that breaks, what was valid before is still answered for; the rest is refused, with the entry named, and
// nothing is remembered.
func TestWebVHOfABrokenLog(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	third := grow(t, grow(t, f.first, 3, webvh.Change{}), 5, webvh.Change{})
	text := strings.Replace(string(third.Raw()), third.Entry(3).Time.Format(time.RFC3339), "2026-01-06T00:00:00Z", 1)
	require.NotEqual(t, string(third.Raw()), text)
	f.host.raw.Store(&text)
	for _, v := range []did.Version{{}, {Number: 3}, {Time: jan(6)}} {
		_, err := f.resolve(t.Context(), v)
		refused(t, err, resolver.ErrContent)
		broken, ok := errors.AsType[*webvh.LogError](err)
		require.True(t, ok)
		require.Equal(t, 3, broken.Entry)
		require.ErrorContains(t, err, "https://fleet.example:"+f.port+"/machines/42/did.jsonl: webvh: entry 3")
	}
	got, err := f.resolve(t.Context(), did.Version{Number: 2})
	require.NoError(t, err)
	require.Equal(t, "2", got)
	require.EqualValues(t, 4, f.host.asked.Load(), "a log that is broken is asked for again")

	cut := string(third.Raw()[:len(third.Raw())-9]) // in the middle of the last entry
	f.host.raw.Store(&cut)
	_, err = f.resolve(t.Context(), did.Version{})
	broken, ok := errors.AsType[*webvh.LogError](err)
	require.True(t, ok)
	require.Equal(t, webvh.RuleJSON, broken.Rule)
	require.Equal(t, 3, broken.Entry)

	f.host.raw.Store(nil)
	f.host.log.Store(third)
	got, err = f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)
	require.Equal(t, "3", got)

	// Once it was seen whole, what is said of a broken one is still how it is broken; but another
	// history is another history.
	f.host.raw.Store(&cut)
	_, err = f.resolve(resolver.NoCache(t.Context()), did.Version{})
	broken, ok = errors.AsType[*webvh.LogError](err)
	require.True(t, ok)
	require.Equal(t, 3, broken.Entry)
	// Nor does it answer for what was before: an entry that is known, and that it hides, may say that a key of
	// then was stolen.
	for _, v := range []did.Version{{Number: 2}, {Time: jan(2)}, {ID: third.Entry(1).VersionID}} {
		_, err = f.resolve(resolver.NoCache(t.Context()), v)
		require.ErrorAs(t, err, &broken)
		refused(t, err, resolver.ErrContent)
	}
	other := grow(t, grow(t, f.first, 4, webvh.Change{}), 5, webvh.Change{})
	cut = string(other.Raw()[:len(other.Raw())-9])
	_, err = f.resolve(resolver.NoCache(t.Context()), did.Version{Number: 1})
	fork, ok := errors.AsType[*webvh.ForkError](err)
	require.True(t, ok)
	require.Equal(t, 2, fork.Number)
}

// Copies count if the caller says so, and are marked; a host that says something is not overruled.
func TestWebVHAsksWatchers(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	watcher, named := &logHost{}, &logHost{}
	var query atomic.Value
	watcher.before = func(r *http.Request) { query.Store(r.URL.String()) }
	f.internet.host("watcher.example", watcher.ServeHTTP, nil)
	f.internet.host("named.example", named.ServeHTTP, nil)
	at := func(host string) string { return "https://" + host + ":" + f.port }
	second := grow(t, f.first, 3, webvh.Change{Watchers: []string{at("named.example")}})
	watcher.log.Store(f.first)
	named.log.Store(second)
	f.host.log.Store(second)
	f.webvh.TTL = -1

	for _, down := range []int64{503, 404, 410} {
		f.host.down.Store(down)
		_, err := f.resolve(t.Context(), did.Version{})
		require.Error(t, err)
		require.Equal(t, down != 503, errors.Is(err, did.ErrNotFound))
	}
	require.Zero(t, watcher.asked.Load())

	f.webvh.Watchers = []string{at("nobody.example"), at("watcher.example") + "/"}
	res, err := f.webvh.Resolve(t.Context(), f.id, did.Version{})
	require.NoError(t, err)
	require.True(t, res.Stale)
	require.Equal(t, f.first.Entry(1).VersionID, res.VersionID)
	require.Equal(t, "/log?scid="+f.first.SCID(), query.Load())

	// It has seen a newer one meanwhile; the watcher that has not is left out, the one it names is asked.
	f.host.down.Store(0)
	_, err = f.resolve(t.Context(), did.Version{})
	require.NoError(t, err)
	f.host.down.Store(503)
	_, err = f.resolve(t.Context(), did.Version{})
	require.Equal(t, 503, retry(t, err).Status, "it is the host's error that counts")
	f.webvh.NamedWatchers = true
	shared := append(make([]string, 0, 9), f.webvh.Watchers...)
	f.webvh.Watchers = shared
	res, err = f.webvh.Resolve(t.Context(), f.id, did.Version{})
	require.NoError(t, err)
	require.True(t, res.Stale)
	require.Equal(t, second.Entry(2).VersionID, res.VersionID)
	require.Empty(t, shared[:3][2], "the caller's list is the caller's")

	// Each may take its time, so that not many are asked.
	asked := named.asked.Load()
	f.webvh.Watchers = slices.Repeat([]string{at("nobody.example")}, 4)
	_, err = f.resolve(t.Context(), did.Version{})
	require.Equal(t, 503, retry(t, err).Status)
	require.Equal(t, asked, named.asked.Load())

	// A host that serves something else is refused, whatever a watcher has.
	f.host.down.Store(0)
	f.host.log.Store(f.first)
	_, err = f.resolve(t.Context(), did.Version{})
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

// Of two answers that come at the same time, the one that is known last is held against the other.
func TestWebVHOvertaken(t *testing.T) {
	for _, tt := range []struct {
		name string
		slow func(first *webvh.Log) *webvh.Log
		fork bool
	}{
		{"by a newer one", func(first *webvh.Log) *webvh.Log { return first }, false},
		{"by another history", func(first *webvh.Log) *webvh.Log {
			return grow(t, first, 4, webvh.Change{TTL: new(time.Minute)})
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, webvh.Change{})
			newer := grow(t, f.first, 3, webvh.Change{})
			began, release := make(chan struct{}), make(chan struct{})
			var once atomic.Bool
			f.host.before = func(*http.Request) {
				if once.CompareAndSwap(false, true) {
					close(began)
					<-release
				}
			}
			answer := make(chan error, 1)
			var res *did.Resolution
			go func() {
				var err error
				res, err = f.webvh.Resolve(t.Context(), f.id, did.Version{})
				answer <- err
			}()
			<-began
			f.host.log.Store(newer)
			_, err := f.webvh.Resolve(resolver.NoCache(t.Context()), f.id, did.Version{})
			require.NoError(t, err)
			f.host.log.Store(tt.slow(f.first))
			close(release)
			err = <-answer
			if tt.fork {
				fork, ok := errors.AsType[*webvh.ForkError](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, 2, fork.Number)
				require.ErrorIs(t, err, did.ErrInvalidDocument)
				return
			}
			require.NoError(t, err)
			require.Equal(t, newer.Entry(2).VersionID, res.VersionID)
		})
	}
}

// A DID that moved is found at both places. But no host is spoken for by a log that says it was there.
func TestWebVHMoves(t *testing.T) {
	f := newFleet(t, webvh.Change{Portable: new(true)})
	yard := &logHost{}
	f.internet.host("yard.example", yard.ServeHTTP, nil)
	moved, err := f.first.Move(webvh.Change{Key: logKey(1), Time: jan(5)}, "yard.example%3A"+f.port+":cranes:7")
	require.NoError(t, err)
	f.host.log.Store(moved)
	yard.log.Store(moved)

	res, err := f.webvh.Resolve(t.Context(), f.id, did.Version{Time: jan(3)})
	require.NoError(t, err)
	require.Equal(t, f.id, res.Document.ID, "what it was called then")
	require.Equal(t, moved.ID(), res.CanonicalID)
	_, err = did.Key(t.Context(), f.webvh, f.id.URL("key-1"), did.AssertionMethod, did.Version{Time: jan(3)})
	require.NoError(t, err)
	require.Zero(t, yard.asked.Load())

	// The log is known and fresh, but not from there.
	yard.down.Store(404)
	_, err = f.webvh.Resolve(t.Context(), moved.ID(), did.Version{})
	require.ErrorIs(t, err, did.ErrNotFound)
	require.EqualValues(t, 1, yard.asked.Load())

	yard.down.Store(0)
	for range 2 {
		res, err = f.webvh.Resolve(t.Context(), moved.ID(), did.Version{})
		require.NoError(t, err)
		require.Equal(t, moved.ID(), res.Document.ID)
	}
	require.EqualValues(t, 2, yard.asked.Load())
	_, err = f.webvh.Resolve(t.Context(), f.id, did.Version{Number: 1})
	require.NoError(t, err)
	require.EqualValues(t, 1, f.host.asked.Load(), "what it served is fresh still")

	// The old host may stay behind: what the new one served is known. It may not go on by itself, and the
	// new one may not go back.
	f.host.log.Store(f.first)
	res, err = f.webvh.Resolve(resolver.NoCache(t.Context()), f.id, did.Version{})
	require.NoError(t, err)
	require.Equal(t, moved.Entry(2).VersionID, res.VersionID)
	rival, err := f.first.Update(webvh.Change{Key: logKey(1), Time: jan(6)})
	require.NoError(t, err)
	f.host.log.Store(rival)
	_, err = f.webvh.Resolve(resolver.NoCache(t.Context()), f.id, did.Version{})
	fork, ok := errors.AsType[*webvh.ForkError](err)
	require.True(t, ok)
	require.Equal(t, 2, fork.Number)

	// And one that only redirects does not answer.
	f.host.before = func(*http.Request) { panic(http.ErrAbortHandler) }
	f.internet.host("old.example", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://yard.example:"+f.port+"/cranes/7/did.jsonl", http.StatusMovedPermanently)
	}, nil)
	log := newLog(t, "old.example%3A"+f.port, webvh.Change{})
	_, err = f.webvh.Resolve(t.Context(), log.ID(), did.Version{})
	refused(t, err, resolver.ErrRedirect)
	require.ErrorIs(t, err, did.ErrInvalidDocument)
}

// After a restart, what the Store has of one name is not forgotten over a shorter log of another.
func TestWebVHKeepsLogsOfEachName(t *testing.T) {
	f := newFleet(t, webvh.Change{Portable: new(true)})
	yard := &logHost{}
	f.internet.host("yard.example", yard.ServeHTTP, nil)
	moved, err := f.first.Move(webvh.Change{Key: logKey(1), Time: jan(5)}, "yard.example%3A"+f.port+":cranes:7")
	require.NoError(t, err)
	f.host.log.Store(grow(t, moved, 7, webvh.Change{}))
	yard.log.Store(moved) // it lags behind
	f.webvh.Store = &mapStore{}
	_, err = f.webvh.Log(t.Context(), f.id)
	require.NoError(t, err)

	f.webvh = &resolver.WebVH{Client: f.webvh.Client, Now: f.webvh.Now, Store: f.webvh.Store}
	log, err := f.webvh.Log(t.Context(), moved.ID())
	require.NoError(t, err)
	require.Equal(t, 2, log.Len())
	f.host.log.Store(moved)
	log, err = f.webvh.Log(resolver.NoCache(t.Context()), f.id)
	require.NoError(t, err)
	require.Equal(t, 3, log.Len(), "of the name before, whose host may stay behind")
	_, err = f.webvh.Log(resolver.NoCache(t.Context()), moved.ID())
	fork, ok := errors.AsType[*webvh.ForkError](err)
	require.True(t, ok, "now that it is known")
	require.Equal(t, 3, fork.Number)
}

// What no request could answer is not asked.
func TestWebVHRefusesUnasked(t *testing.T) {
	f := newFleet(t, webvh.Change{})
	for _, tt := range []struct {
		name, id string
		want     error
	}{
		{"another method", "did:web:fleet.example", did.ErrMethodNotSupported},
		{"no SCID", "did:webvh:fleet.example", did.ErrInvalidDID},
		{"an address", "did:webvh:" + f.first.SCID() + ":127.0.0.1", did.ErrInvalidDID},
		{"a path that climbs", "did:webvh:" + f.first.SCID() + ":fleet.example:%2E%2E", did.ErrInvalidDID},
	} {
		_, err := f.webvh.Resolve(t.Context(), did.MustParse(tt.id), did.Version{})
		require.ErrorIs(t, err, tt.want, tt.name)
		require.True(t, did.IsAnswer(err))
	}
	_, err := (&resolver.WebVH{}).Resolve(t.Context(), f.id, did.Version{})
	require.ErrorContains(t, err, "needs a Client")
	require.Zero(t, f.host.asked.Load())
}

// The memory is bounded: in number and in bytes.
func TestWebVHForgets(t *testing.T) {
	n := newInternet(t)
	var asked atomic.Int64
	var logs func(string) *webvh.Log
	for i := range 4 {
		host := fmt.Sprintf("h%d.example", i)
		n.host(host, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); w.Write(logs(host).Raw()) }, nil)
	}
	logs = n.logs()
	c := n.client()
	t.Cleanup(c.CloseIdle)
	size := int64(len(logs("h0.example").Raw()))
	for name, w := range map[string]*resolver.WebVH{
		"two logs":                {Client: c, Size: 2},
		"as many bytes":           {Client: c, Bytes: 2*size + 1500},
		"not even one: too large": {Client: c, Bytes: size - 1},
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			for range 2 {
				for i := range 4 {
					_, err := w.Resolve(t.Context(), logs(fmt.Sprintf("h%d.example", i)).ID(), did.Version{})
					require.NoError(t, err)
				}
			}
			require.EqualValues(t, 8, asked.Load())
		})
	}
}

// What is read of a log counts, not its text alone: a log of keys takes three times as much.
func TestWebVHCountsKeys(t *testing.T) {
	n := newInternet(t)
	var log *webvh.Log
	var asked atomic.Int64
	n.host("fleet.example", func(w http.ResponseWriter, r *http.Request) { asked.Add(1); w.Write(log.Raw()) }, nil)
	log = newLog(t, "fleet.example%3A"+n.port, webvh.Change{})
	for day := 2; day < 22; day++ {
		c := webvh.Change{}
		for i := range webvh.MaxListed {
			c.UpdateKeys = append(c.UpdateKeys, logKey(byte(1+(i+day)%webvh.MaxListed)).Public())
		}
		log = grow(t, log, day, c)
	}
	c := n.client()
	t.Cleanup(c.CloseIdle)
	text := int64(len(log.Raw()))
	for _, tt := range []struct{ bytes, asked int64 }{{2 * text, 2}, {4 * text, 1}} {
		asked.Store(0)
		w := &resolver.WebVH{Client: c, Bytes: tt.bytes}
		for range 2 {
			_, err := w.Resolve(t.Context(), log.ID(), did.Version{})
			require.NoError(t, err)
		}
		require.Equal(t, tt.asked, asked.Load(), "%d bytes for a text of %d", tt.bytes, text)
	}
}

// The logs of the published test suite, made by other implementations and served where their identifiers
// say: each version is the one that package webvh, which holds them against the published results, reads
// from the files.
func TestPublishedWebVHLogs(t *testing.T) {
	n, passed, total := newInternet(t), 0, 0
	c := n.proxied()
	t.Cleanup(c.CloseIdle)
	var folder atomic.Value
	hosts := map[string]bool{}
	paths, err := filepath.Glob(filepath.Join(shared.Path(t, "vectors", "did-webvh"), "*", "*", "resolutionResult*.json"))
	require.NoError(t, err)
	for _, path := range paths {
		total++
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var want struct {
			Metadata struct {
				VersionID string `json:"versionId"`
			} `json:"didDocumentMetadata"`
		}
		require.NoError(t, json.Unmarshal(raw, &want))
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "did.jsonl"))
		require.NoError(t, err)
		proofs, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "did-witness.json"))
		id, err := webvh.Subject(text)
		require.NoError(t, err)
		log, err := webvh.Verify(id, text, proofs)
		require.NoError(t, err)
		v := did.Version{ID: want.Metadata.VersionID}
		offline, err := log.Resolve(t.Context(), id, v)
		require.NoError(t, err)

		url, err := webvh.LogURL(id)
		require.NoError(t, err)
		if host := strings.Split(url, "/")[2]; !hosts[host] {
			hosts[host] = true
			n.host(host, func(w http.ResponseWriter, r *http.Request) {
				http.ServeFile(w, r, filepath.Join(folder.Load().(string), filepath.Base(r.URL.Path)))
			}, nil)
		}
		folder.Store(filepath.Dir(path))
		online, err := (&resolver.WebVH{Client: c}).Resolve(t.Context(), id, v)
		if err != nil || online.Document.Raw != offline.Document.Raw || online.VersionID != want.Metadata.VersionID {
			t.Logf("%s: %v", path, err)
			continue
		}
		passed++
	}
	require.NotZero(t, total)
	shared.Tally(t, "did:webvh 1.0 over HTTPS", "didwebvh-test-suite", passed, total, "")
}

func ExampleWebVH() {
	// A host that stands for https://example.com, at a port of this machine.
	host := &logHost{}
	srv := httptest.NewTLSServer(host)
	defer srv.Close()
	client := local(srv) // otherwise a new(resolver.Client)
	defer client.CloseIdle()

	// A machine gets an identity, and a new update key a month later.
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // yours is in a package keystore
	id, _ := webvh.Draft("example.com%3A" + port(srv) + ":cranes:7")
	made, err := webvh.Create(webvh.Change{Key: key, Document: &did.Document{ID: id}, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	rotated, err := made.Rotate(webvh.Change{Key: key, Time: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}, logKey(2).Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	host.log.Store(rotated)

	r := &resolver.WebVH{Client: client}
	for _, v := range []did.Version{{}, {Time: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)}, {Number: 2}} {
		res, err := r.Resolve(context.Background(), made.ID(), v)
		fmt.Println(res.VersionID[:2], err)
	}
	fmt.Println("requests:", host.asked.Load())

	// The host, or who broke into it, wants the rotation forgotten.
	host.log.Store(made)
	_, err = r.Resolve(resolver.NoCache(context.Background()), made.ID(), did.Version{})
	if fork, ok := errors.AsType[*webvh.ForkError](err); ok {
		fmt.Println("gone: entry", fork.Number, did.IsAnswer(err))
	}
	// Output:
	// 2- <nil>
	// 1- <nil>
	// 2- <nil>
	// requests: 1
	// gone: entry 2 true
}

func ExampleWebVH_Log() {
	host := &logHost{}
	srv := httptest.NewTLSServer(host)
	defer srv.Close()
	client := local(srv)
	defer client.CloseIdle()

	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	id, _ := webvh.Draft("example.com%3A" + port(srv) + ":cranes:7")
	made, err := webvh.Create(webvh.Change{Key: key, Document: &did.Document{ID: id}, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	retired, err := made.Deactivate(webvh.Change{Key: key, Time: time.Date(2041, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		fmt.Println(err)
		return
	}
	host.log.Store(retired)

	in2042 := func() time.Time { return time.Date(2042, 1, 1, 0, 0, 0, 0, time.UTC) }
	log, err := (&resolver.WebVH{Client: client, Now: in2042}).Log(context.Background(), made.ID())
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range log.Entries() {
		fmt.Println(e.Number, e.Time.Format(time.DateOnly), e.Parameters.Deactivated)
	}
	// Output:
	// 1 2026-01-01 false
	// 2 2041-01-01 true
}
