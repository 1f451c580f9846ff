package resolver_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

// parsed is documentOf as a network gives it: read from text.
func parsed(t testing.TB, id did.DID, seed byte) *did.Document {
	raw, err := documentOf(t, id, seed).MarshalJSON()
	require.NoError(t, err)
	doc, err := did.ParseDocument(raw)
	require.NoError(t, err)
	return doc
}

// fixed answers everything so.
func fixed(res *did.Resolution, err error) *source {
	return &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) { return res, err }}
}

func latest(t testing.TB, c *resolver.Cache) *did.Resolution {
	t.Helper()
	res, err := c.Resolve(t.Context(), shop, did.Version{})
	require.NoError(t, err)
	return res
}

// The shorter of what the verifier and the controller allow counts, from when the document was got.
func TestAnAnswerIsFreshForTheShorterTime(t *testing.T) {
	const minute = time.Minute
	for _, tc := range []struct {
		name       string
		ttl        time.Duration // the verifier's
		controller time.Duration
		age        time.Duration // when it came
		want       time.Duration
	}{
		{"unless told", 0, 0, 0, resolver.DefaultTTL},
		{"the verifier's", 2 * minute, 0, 0, 2 * minute},
		{"the controller's is shorter", 2 * minute, minute, 0, minute},
		{"the controller's is longer", 2 * minute, 9 * minute, 0, 2 * minute},
		{"the controller's is nonsense", 2 * minute, -minute, 0, 0},
		{"it came from another cache", 5 * minute, 0, 2 * minute, 3 * minute},
		{"it came too old", 5 * minute, 0, 5 * minute, 0},
		{"it came from the future", 5 * minute, 0, -2 * minute, 5 * minute},
		{"not at all", -1, 0, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				res := &did.Resolution{Document: documentOf(t, shop, 1), TTL: tc.controller}
				start := time.Now()
				if tc.age != 0 {
					res.Retrieved = start.Add(-tc.age)
				}
				src := fixed(res, nil)
				c := &resolver.Cache{Next: src, TTL: tc.ttl, MaxStale: time.Hour}
				got := latest(t, c)
				require.True(t, got.Retrieved.Equal(start.Add(-max(tc.age, 0))), got.Retrieved)
				if tc.want > 0 {
					time.Sleep(tc.want - 1)
					require.Same(t, got, latest(t, c))
					require.EqualValues(t, 1, src.asked.Load())
					time.Sleep(time.Nanosecond)
				}
				require.False(t, latest(t, c).Stale, "an answer that has just come is not called stale")
				require.EqualValues(t, 2, src.asked.Load())
			})
		})
	}
}

// A document whose end is known is not given after it as the latest, fresh or stale.
func TestAnAnswerEndsWhenTheDocumentDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := fixed(&did.Resolution{Document: documentOf(t, shop, 1), NextUpdate: time.Now().Add(time.Minute)}, nil)
		c := &resolver.Cache{Next: src, TTL: time.Hour, MaxStale: time.Hour}
		latest(t, c)
		time.Sleep(time.Minute)
		src.f = fixed(nil, io.ErrUnexpectedEOF).f
		_, err := c.Resolve(t.Context(), shop, did.Version{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

func TestStaleAnswersAreGivenOnlyIfAllowedAndMarked(t *testing.T) {
	down := fmt.Errorf("no route: %w", io.ErrUnexpectedEOF)
	for _, tc := range []struct {
		name     string
		maxStale time.Duration
		age      time.Duration // of what is remembered; its TTL is one minute
		err      error
		stale    bool
	}{
		{"not allowed", 0, time.Minute, down, false},
		{"allowed", time.Hour, time.Minute, down, true},
		{"for as long as this", time.Hour, time.Hour + time.Minute - 1, down, true},
		{"no longer", time.Hour, time.Hour + time.Minute, down, false},
		{"the history is not known", time.Hour, time.Minute, did.ErrVersionUnknown, true},
		{"not found", time.Hour, time.Minute, did.ErrNotFound, false},
		{"deactivated", time.Hour, time.Minute, did.ErrDeactivated, false},
		{"invalid", time.Hour, time.Minute, did.ErrInvalidDocument, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := fixed(&did.Resolution{Document: documentOf(t, shop, 1)}, nil)
				c := &resolver.Cache{Next: src, TTL: time.Minute, MaxStale: tc.maxStale}
				start := time.Now()
				fresh := latest(t, c)
				time.Sleep(tc.age)
				src.f = fixed(nil, tc.err).f
				_, err := c.Resolve(resolver.NoCache(t.Context()), shop, did.Version{ID: "no matter"})
				require.ErrorIs(t, err, tc.err, "who asks for what is not remembered gets nothing else")

				res, err := c.Resolve(t.Context(), shop, did.Version{})
				if !tc.stale {
					require.ErrorIs(t, err, tc.err)
					return
				}
				require.NoError(t, err)
				require.True(t, res.Stale)
				require.True(t, res.Retrieved.Equal(start))
				require.Same(t, fresh.Document, res.Document)
				require.False(t, fresh.Stale, "it was marked on a copy")
				_, err = c.Resolve(resolver.NoCache(t.Context()), shop, did.Version{})
				require.ErrorIs(t, err, tc.err, "who asks afresh does not want it")
			})
		})
	}
}

// A no drops what was remembered: if the network fails afterwards, it does not come back.
func TestANoIsNotForgottenWhenTheNetworkFails(t *testing.T) {
	for _, no := range []error{did.ErrNotFound, did.ErrDeactivated} {
		synctest.Test(t, func(t *testing.T) {
			for _, store := range []resolver.Store{nil, &resolver.Memory{}, &resolver.Dir{Path: t.TempDir() + "/kept"}} {
				src := fixed(&did.Resolution{Document: parsed(t, shop, 1)}, nil)
				c := &resolver.Cache{Next: src, TTL: time.Minute, MaxStale: time.Hour, Store: store}
				latest(t, c)
				src.f = fixed(nil, no).f
				_, err := c.Resolve(resolver.NoCache(t.Context()), shop, did.Version{})
				require.ErrorIs(t, err, no)

				src.f = fixed(nil, io.ErrUnexpectedEOF).f
				for _, c := range []*resolver.Cache{c, {Next: src, TTL: time.Minute, MaxStale: time.Hour, Store: store}} {
					_, err = c.Resolve(t.Context(), shop, did.Version{})
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
			}
		})
	}
}

// A server that hangs is waited for once, not by each of a hundred records of its machines.
func TestDownThenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := fixed(&did.Resolution{Document: documentOf(t, shop, 1), Created: time.Now().Add(-time.Hour)}, nil).f
		hangs := func(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
			select {
			case <-time.After(30 * time.Second):
				return nil, io.ErrUnexpectedEOF
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		src := &source{f: up}
		c := &resolver.Cache{Next: src, TTL: time.Minute, MaxStale: time.Hour}
		latest(t, c)
		past := did.Version{Time: time.Now().Add(-time.Minute)}
		time.Sleep(time.Minute)

		src.f = hangs
		before := time.Now()
		for range 100 {
			require.True(t, latest(t, c).Stale)
			res, err := c.Resolve(t.Context(), shop, past)
			require.NoError(t, err)
			require.True(t, res.Stale)
		}
		require.Equal(t, 30*time.Second, time.Since(before))
		require.EqualValues(t, 2, src.asked.Load())

		time.Sleep(10 * time.Second)
		src.f = up
		require.False(t, latest(t, c).Stale)
		require.EqualValues(t, 3, src.asked.Load())

		// Who has less time than the server takes gets it when that is over.
		time.Sleep(time.Minute)
		src.f = hangs
		before = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res, err := c.Resolve(ctx, shop, did.Version{})
		require.NoError(t, err)
		require.True(t, res.Stale)
		require.Equal(t, time.Second, time.Since(before))
	})
}

// A clock that is set back does not make an answer last longer.
func TestAClockSetBackMakesNothingFresh(t *testing.T) {
	now := day(10)
	src := fixed(&did.Resolution{Document: documentOf(t, shop, 1)}, nil)
	c := &resolver.Cache{Next: src, MaxStale: 1000 * time.Hour, Now: func() time.Time { return now }}
	latest(t, c)
	now = day(9)
	latest(t, c)
	require.EqualValues(t, 2, src.asked.Load())
	now = day(8)
	src.f = fixed(nil, io.ErrUnexpectedEOF).f
	_, err := c.Resolve(t.Context(), shop, did.Version{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "nor is it known how stale it is")

	store := &resolver.Memory{}
	now = day(10)
	latest(t, &resolver.Cache{Next: fixed(&did.Resolution{Document: parsed(t, shop, 1)}, nil), Store: store, Now: c.Now})
	now = day(9)
	_, err = (&resolver.Cache{Next: src, MaxStale: 1000 * time.Hour, Store: store, Now: c.Now}).Resolve(t.Context(), shop, did.Version{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestNoCacheIsAnsweredByALookupThatBeganAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := documentOf(t, shop, 1)
		src := &source{f: func(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
			began := time.Now()
			time.Sleep(time.Second)
			return &did.Resolution{Document: doc, VersionID: began.Format(time.RFC3339Nano)}, nil
		}}
		c := &resolver.Cache{Next: src, TTL: time.Hour}
		var wg sync.WaitGroup
		ask := func(ctx context.Context) {
			wg.Go(func() {
				asked := time.Now()
				res, err := c.Resolve(ctx, shop, did.Version{})
				if err != nil {
					t.Error(err)
					return
				}
				began, _ := time.Parse(time.RFC3339Nano, res.VersionID)
				if fresh := !began.Before(asked); fresh != (ctx != t.Context()) && time.Since(asked) < time.Second {
					t.Errorf("asked %s, answered as of %s", asked, began)
				} else if ctx != t.Context() && !fresh {
					t.Errorf("asked afresh %s, answered as of %s", asked, began)
				}
			})
		}
		ask(t.Context())
		time.Sleep(time.Second / 2)
		for range 20 {
			ask(t.Context())                   // waits for the first lookup
			ask(resolver.NoCache(t.Context())) // for the second
		}
		wg.Wait()
		require.EqualValues(t, 2, src.asked.Load())

		// What it got is what the cache remembers.
		got := latest(t, c)
		require.EqualValues(t, 2, src.asked.Load())
		ask(resolver.NoCache(t.Context()))
		wg.Wait()
		require.EqualValues(t, 3, src.asked.Load())
		require.NotEqual(t, got.VersionID, latest(t, c).VersionID)
	})
}

func TestNoCacheAsksAfreshForATime(t *testing.T) {
	now := day(100)
	src := fixed(&did.Resolution{Document: documentOf(t, shop, 1), Created: day(1)}, nil)
	c := &resolver.Cache{Next: src, Now: func() time.Time { return now }}
	for range 3 {
		_, err := c.Resolve(resolver.NoCache(t.Context()), shop, did.Version{Time: day(50)})
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, src.asked.Load())
	_, err := c.Resolve(t.Context(), shop, did.Version{Time: day(60)})
	require.NoError(t, err)
	require.EqualValues(t, 3, src.asked.Load())
}

// A lookup that all callers have left goes on to what was asked for after it; one that was
// waited for in line and left is never begun.
func TestNoCacheCallersWhoGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{f: func(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Hour):
				return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
			}
		}}
		c := &resolver.Cache{Next: src}
		call := func(ctx context.Context) chan error {
			ch := make(chan error, 1)
			go func() {
				_, err := c.Resolve(ctx, shop, did.Version{})
				ch <- err
			}()
			synctest.Wait()
			return ch
		}
		hasty, cancel := context.WithCancel(t.Context())
		first := call(hasty)
		second := call(resolver.NoCache(t.Context()))
		require.EqualValues(t, 1, src.asked.Load())
		cancel()
		require.ErrorIs(t, <-first, context.Canceled)
		synctest.Wait()
		require.EqualValues(t, 2, src.asked.Load(), "nobody waits for the first")

		hasty, cancel = context.WithCancel(resolver.NoCache(t.Context()))
		third := call(hasty)
		cancel()
		require.ErrorIs(t, <-third, context.Canceled)
		require.NoError(t, <-second)
		synctest.Wait()
		require.EqualValues(t, 2, src.asked.Load(), "nobody waited for a third")
	})
}

// A lookup that everybody has left, and which its resolver does not end, does not get to say
// what is remembered: a later one has.
func TestWhatCameTooLateIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, young := documentOf(t, shop, 1), documentOf(t, shop, 2)
		src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			time.Sleep(time.Minute)
			return &did.Resolution{Document: old, TTL: time.Hour}, nil
		}}
		c := &resolver.Cache{Next: src, TTL: time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Resolve(ctx, shop, did.Version{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		src.f = fixed(nil, did.ErrDeactivated).f
		_, err = c.Resolve(t.Context(), shop, did.Version{})
		require.ErrorIs(t, err, did.ErrDeactivated)
		time.Sleep(2 * time.Minute)
		src.f = fixed(&did.Resolution{Document: young}, nil).f
		require.Same(t, young, latest(t, c).Document)
		require.EqualValues(t, 3, src.asked.Load())
	})
}

// A slowStore takes a minute to keep anything.
type slowStore struct{ resolver.Memory }

func (s *slowStore) Put(key string, data []byte, at time.Time) {
	time.Sleep(time.Minute)
	s.Memory.Put(key, data, at)
}

// What is put into the Store last is what was looked up last, also if a disk is so slow that
// callers leave meanwhile.
func TestTheStoreIsToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		src := fixed(&did.Resolution{Document: parsed(t, shop, 1)}, nil)
		c := &resolver.Cache{Next: src, Store: store}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Resolve(ctx, shop, did.Version{})
		require.NoError(t, err, "it is remembered, though the Store is still at it")
		synctest.Wait()
		src.f = fixed(nil, did.ErrDeactivated).f
		_, err = c.Resolve(resolver.NoCache(t.Context()), shop, did.Version{})
		require.ErrorIs(t, err, did.ErrDeactivated)
		time.Sleep(time.Hour)
		_, err = (&resolver.Cache{Next: fixed(nil, io.EOF), MaxStale: 10 * time.Hour, Store: store}).Resolve(t.Context(), shop, did.Version{})
		require.ErrorIs(t, err, io.EOF, "the no came last")
	})
}

func TestTheContextOfALookupEndsWithIt(t *testing.T) {
	var seen context.Context
	c := &resolver.Cache{Next: &source{f: func(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
		seen = ctx
		return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
	}}}
	latest(t, c)
	require.ErrorIs(t, seen.Err(), context.Canceled)
}

// However many times are asked about, the answer about the latest document is kept: most are asked for it.
func TestCacheKeepsTheLatestAmongManyVersions(t *testing.T) {
	now := day(1)
	src := fixed(&did.Resolution{Document: documentOf(t, shop, 1)}, nil)
	c := &resolver.Cache{Next: src, TTL: time.Hour, Now: func() time.Time { return now }}
	latest(t, c)
	for i := range 100 {
		now = now.Add(time.Second)
		_, err := c.Resolve(t.Context(), shop, did.Version{ID: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	before := src.asked.Load()
	latest(t, c)
	require.Equal(t, before, src.asked.Load())
}

// All who wait see the panic where they can recover from it, as they would without a Cache.
func TestAPanicLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			time.Sleep(time.Second)
			panic("a bug in a driver")
		}}
		c := &resolver.Cache{Next: src, Store: &resolver.Memory{}}
		panics := make(chan any, 2)
		for range 2 {
			go func() {
				defer func() { panics <- recover() }()
				_, _ = c.Resolve(context.Background(), shop, did.Version{})
			}()
		}
		for range 2 {
			require.ErrorContains(t, (<-panics).(error), "a bug in a driver")
		}
		require.EqualValues(t, 1, src.asked.Load())

		src.f = func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			runtime.Goexit()
			return nil, nil
		}
		_, err := c.Resolve(t.Context(), shop, did.Version{})
		require.ErrorContains(t, err, "ended its goroutine")
		require.False(t, did.IsAnswer(err))

		src.f = fixed(&did.Resolution{Document: documentOf(t, shop, 1)}, nil).f
		latest(t, c)
	})
}

func TestAResolverThatSaysNothingIsAnError(t *testing.T) {
	for _, res := range []*did.Resolution{nil, {}} {
		c := &resolver.Cache{Next: fixed(res, nil)}
		_, err := c.Resolve(t.Context(), shop, did.Version{})
		require.EqualError(t, err, "resolver: the resolver of did:example:shop gave neither a document nor an error")
	}
}

// A no to how somebody asked is not one to those who ask otherwise.
func TestANoToTheQuestionIsNotOneToOthers(t *testing.T) {
	src := &source{f: func(ctx context.Context, _ did.DID, v did.Version) (*did.Resolution, error) {
		return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
	}}
	c := &resolver.Cache{Next: src, NegativeTTL: time.Hour}
	want := latest(t, c)
	for _, no := range []error{did.ErrFeatureNotSupported, did.ErrRepresentationNotSupported, did.ErrInvalidOptions} {
		src.f = fixed(nil, no).f
		_, err := c.Resolve(resolver.NoCache(t.Context()), shop, did.Version{})
		require.ErrorIs(t, err, no)
		require.Same(t, want, latest(t, c))
	}
}

// What another cache gives as stale is passed on, and not remembered as if it were fresh.
func TestStaleAnswersOfOthersAreNotRemembered(t *testing.T) {
	src := fixed(&did.Resolution{Document: parsed(t, shop, 1), Stale: true}, nil)
	kept := &resolver.Memory{}
	c := &resolver.Cache{Next: src, Store: kept}
	for range 2 {
		require.True(t, latest(t, c).Stale)
	}
	require.EqualValues(t, 2, src.asked.Load())
}

func TestANoIsRememberedForNegativeTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := fixed(nil, did.ErrNotFound)
		c := &resolver.Cache{Next: src, NegativeTTL: time.Second}
		ask := func(ctx context.Context, id did.DID, v did.Version) error {
			_, err := c.Resolve(ctx, id, v)
			return err
		}
		for range 100 {
			require.ErrorIs(t, ask(t.Context(), shop, did.Version{}), did.ErrNotFound)
			require.ErrorIs(t, ask(t.Context(), shop, did.Version{ID: "1"}), did.ErrNotFound)
		}
		require.EqualValues(t, 2, src.asked.Load())
		time.Sleep(time.Second)
		require.ErrorIs(t, ask(t.Context(), shop, did.Version{}), did.ErrNotFound)
		require.EqualValues(t, 3, src.asked.Load())

		// Who asks afresh is told, and so is everybody after.
		src.f = fixed(&did.Resolution{Document: documentOf(t, shop, 1)}, nil).f
		require.ErrorIs(t, ask(t.Context(), shop, did.Version{}), did.ErrNotFound)
		require.NoError(t, ask(resolver.NoCache(t.Context()), shop, did.Version{}))
		require.NoError(t, ask(t.Context(), shop, did.Version{}))

		// A no that is older than an answer does not outlast it.
		brief := &resolver.Cache{Next: src, TTL: time.Second, NegativeTTL: time.Hour}
		up := src.f
		src.f = fixed(nil, did.ErrNotFound).f
		_, err := brief.Resolve(t.Context(), shop, did.Version{})
		require.ErrorIs(t, err, did.ErrNotFound)
		src.f = up
		_, err = brief.Resolve(resolver.NoCache(t.Context()), shop, did.Version{})
		require.NoError(t, err)
		time.Sleep(time.Second)
		latest(t, brief)

		// No answer is no no.
		src.f = fixed(nil, io.ErrUnexpectedEOF).f
		other := did.MustParse("did:example:other")
		before := src.asked.Load()
		for range 3 {
			require.ErrorIs(t, ask(t.Context(), other, did.Version{}), io.ErrUnexpectedEOF)
		}
		require.EqualValues(t, before+3, src.asked.Load())
	})
}

// Strangers' wrong identifiers do not push out the documents that are needed.
func TestRefusalsTakeNoRoomFromDocuments(t *testing.T) {
	src := &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
		if id == shop {
			return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
		}
		return nil, fmt.Errorf("%w: %s", did.ErrNotFound, id)
	}}
	c := &resolver.Cache{Next: src, Size: 1, TTL: time.Hour, NegativeTTL: time.Hour}
	latest(t, c)
	for i := range 5000 {
		_, err := c.Resolve(t.Context(), did.MustParse(fmt.Sprint("did:example:", i)), did.Version{})
		require.ErrorIs(t, err, did.ErrNotFound)
	}
	before := src.asked.Load()
	latest(t, c)
	_, err := c.Resolve(t.Context(), did.MustParse("did:example:4999"), did.Version{})
	require.ErrorIs(t, err, did.ErrNotFound)
	require.Equal(t, before, src.asked.Load())
	_, err = c.Resolve(t.Context(), did.MustParse("did:example:0"), did.Version{})
	require.ErrorIs(t, err, did.ErrNotFound)
	require.Greater(t, src.asked.Load(), before, "and are themselves few")
}

func TestCacheIsBoundedInBytes(t *testing.T) {
	src := &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
		doc := parsed(t, id, 1)
		doc.Raw += strings.Repeat(" ", 100_000)
		return &did.Resolution{Document: doc}, nil
	}}
	ids := []did.DID{did.MustParse("did:example:a"), did.MustParse("did:example:b"), did.MustParse("did:example:c")}
	asked := func(c *resolver.Cache) (n int64) {
		before := src.asked.Load()
		for _, id := range append(ids, ids...) {
			_, err := c.Resolve(t.Context(), id, did.Version{})
			require.NoError(t, err)
		}
		return src.asked.Load() - before
	}
	require.EqualValues(t, 3, asked(&resolver.Cache{Next: src, Bytes: 310_000}), "room for three")
	require.EqualValues(t, 6, asked(&resolver.Cache{Next: src, Bytes: 290_000}), "for two, and the one unused longest goes")
	require.EqualValues(t, 6, asked(&resolver.Cache{Next: src, Bytes: 1000}), "for none")
}

// A resolver that needs no network is asked each time, behind whatever chooses it; one that
// asks a network for did:key is not.
func TestCacheDoesNotRememberWhatNeedsNoNetwork(t *testing.T) {
	device := did.MustParse("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	for _, tc := range []struct {
		name  string
		next  did.Resolver
		local bool
	}{
		{"offline", did.Offline{}, true},
		{"among methods", resolver.Methods{"key": did.Offline{}}, true},
		{"behind another cache", &resolver.Cache{Next: resolver.Methods{"key": did.Offline{}}}, true},
		{"a network", &source{f: did.Offline{}.Resolve}, false},
		{"a network among methods", resolver.Methods{"key": &source{f: did.Offline{}.Resolve}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &resolver.Cache{Next: tc.next}
			first, err := c.Resolve(t.Context(), device, did.Version{})
			require.NoError(t, err)
			again, err := c.Resolve(t.Context(), device, did.Version{})
			require.NoError(t, err)
			require.Equal(t, tc.local, first != again)
			require.Equal(t, tc.local, first.Retrieved.IsZero())
		})
	}
}

// A key that was remembered counts as the document says at each time, and no longer than the document.
func TestCacheKeysAreThoseOfTheDocument(t *testing.T) {
	const p256 = "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"
	method := func(fragment, rest string) string {
		return `{"id":"#` + fragment + `","type":"Multikey","controller":"did:example:shop","publicKeyMultibase":"` + p256 + `"` + rest + `}`
	}
	doc, err := did.ParseDocument([]byte(`{"id":"did:example:shop","verificationMethod":[` + method("k", "") + `,` + method("brief", `,"expires":"2026-02-01T00:00:00Z"`) +
		`],"assertionMethod":["#k","#brief"]}`))
	require.NoError(t, err)
	res := &did.Resolution{Document: doc, Created: day(1)}
	for _, store := range []resolver.Store{nil, &resolver.Memory{}} {
		now := day(100)
		src := fixed(res, nil)
		c := &resolver.Cache{Next: src, TTL: time.Hour, MaxStale: time.Hour, Store: store, Now: func() time.Time { return now }}
		ask := func(ctx context.Context, fragment string, use did.Relationship, v did.Version) (crypto.PublicKey, error) {
			pub, err := did.Key(ctx, c, shop.URL(fragment), use, v)
			direct, directErr := did.Key(ctx, src, shop.URL(fragment), use, v)
			src.asked.Add(-1)
			require.Equal(t, direct, pub)
			require.Equal(t, fmt.Sprint(directErr), fmt.Sprint(err))
			return pub, err
		}
		for range 3 {
			first, err := ask(t.Context(), "k", did.AssertionMethod, did.Version{})
			require.NoError(t, err)
			again, err := ask(t.Context(), "k", did.AssertionMethod, did.Version{Time: day(20)})
			require.NoError(t, err)
			require.Same(t, first, again)
			_, err = ask(t.Context(), "k", did.Authentication, did.Version{})
			require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
			_, err = ask(t.Context(), "missing", did.AssertionMethod, did.Version{})
			require.ErrorIs(t, err, did.ErrNotFound)
			_, err = ask(t.Context(), "brief", did.AssertionMethod, did.Version{Time: day(31)})
			require.NoError(t, err)
			_, err = ask(t.Context(), "brief", did.AssertionMethod, did.Version{Time: day(32)})
			require.ErrorIs(t, err, did.ErrKeyNotAuthorized)
		}
		require.EqualValues(t, 1, src.asked.Load())

		_, err = ask(resolver.NoCache(t.Context()), "k", did.AssertionMethod, did.Version{})
		require.NoError(t, err)
		require.EqualValues(t, 2, src.asked.Load())
		now = now.Add(time.Hour)
		src.f = fixed(nil, did.ErrDeactivated).f
		_, err = ask(t.Context(), "k", did.AssertionMethod, did.Version{})
		require.ErrorIs(t, err, did.ErrDeactivated)
	}

	// After a rotation, each key counts for its time, whichever is asked for first.
	history := resolver.Static{shop: {
		{Document: documentOf(t, shop, 1), Created: day(1), NextUpdate: day(10)},
		{Document: documentOf(t, shop, 2), Created: day(1), Updated: day(10)},
	}}
	rotated := &resolver.Cache{Next: history, Now: func() time.Time { return day(100) }}
	for _, n := range []int{9, 50, 9, 50, 1, 100} {
		got, err := did.Key(t.Context(), rotated, shop.URL("k"), did.AssertionMethod, did.Version{Time: day(n)})
		require.NoError(t, err)
		want, err := did.Key(t.Context(), history, shop.URL("k"), did.AssertionMethod, did.Version{Time: day(n)})
		require.NoError(t, err)
		require.Equal(t, want, got, n)
	}

	// Nor is a key taken from a document that somebody else's DID was answered with.
	other := did.MustParse("did:example:other")
	c := &resolver.Cache{Next: fixed(res, nil)}
	for range 2 {
		_, err = did.Key(t.Context(), c, other.URL("k"), did.AssertionMethod, did.Version{})
		require.ErrorIs(t, err, did.ErrInvalidDocument)
	}
}

func TestAnswersOutliveTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, store := range []resolver.Store{&resolver.Memory{}, &resolver.Dir{Path: t.TempDir() + "/kept"}} {
			start := time.Now().Round(0).UTC()
			created := start.Add(-time.Hour)
			history := resolver.Static{shop: {
				{Document: parsed(t, shop, 1), Created: created, NextUpdate: created.Add(time.Minute), VersionID: "1", NextVersionID: "2"},
				{Document: parsed(t, shop, 2), Created: created, Updated: created.Add(time.Minute), VersionID: "2",
					TTL: time.Minute, EquivalentID: []did.DID{did.MustParse("did:example:depot")},
					Extra: []did.Member{{Name: "scid", Value: `"x"`}}},
			}}
			versions := []did.Version{{}, {Time: created}, {Time: created.Add(10 * time.Minute)}, {ID: "1"}, {ID: "2"}}
			open := func(next did.Resolver) *resolver.Cache {
				return &resolver.Cache{Next: next, TTL: time.Hour, MaxStale: time.Hour, Store: store}
			}
			first := open(history)
			var answers []*did.Resolution
			for _, v := range versions {
				res, err := first.Resolve(t.Context(), shop, v)
				require.NoError(t, err)
				answers = append(answers, res)
			}

			src := fixed(nil, io.ErrUnexpectedEOF)
			again := func(stale bool) {
				t.Helper()
				c := open(src)
				for i, v := range versions {
					want := *answers[i]
					want.Stale = stale && want.TTL > 0
					res, err := c.Resolve(t.Context(), shop, v)
					require.NoError(t, err)
					require.Equal(t, &want, res, "an answer from the store is the one from memory")
				}
			}
			again(false)
			require.Zero(t, src.asked.Load())
			time.Sleep(time.Minute)
			again(true)
			require.EqualValues(t, 1, src.asked.Load())
		}
	})
}

// A document that was changed after it was read, or made in Go, is kept as what it says.
func TestTheStoreKeepsWhatTheDocumentSays(t *testing.T) {
	changed := *parsed(t, shop, 1)
	changed.AlsoKnownAs = []string{"did:example:depot"} // not in Raw
	unwritable := *parsed(t, shop, 1)
	unwritable.Raw, unwritable.AlsoKnownAs = "", []string{"\xff"}
	for _, tc := range []struct {
		name string
		doc  *did.Document
		kept bool
	}{
		{"as read", parsed(t, shop, 1), true},
		{"changed", &changed, true},
		{"made in Go", documentOf(t, shop, 1), true},
		{"not writable", &unwritable, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			store := &resolver.Memory{}
			want := latest(t, &resolver.Cache{Next: fixed(&did.Resolution{Document: tc.doc}, nil), Store: store})
			res, err := (&resolver.Cache{Next: fixed(nil, io.ErrUnexpectedEOF), Store: store}).Resolve(t.Context(), shop, did.Version{})
			if !tc.kept {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				return
			}
			require.NoError(t, err)
			got := *res.Document
			if tc.name == "as read" {
				require.Equal(t, want.Document.Raw, got.Raw)
			}
			got.Raw = want.Document.Raw
			require.Equal(t, want.Document, &got)
			require.True(t, want.Retrieved.Equal(res.Retrieved))
		})
	}
}

// An answer is given also when the disk is full, and the operator is told.
func TestAFolderThatFailsCostsNoAnswer(t *testing.T) {
	file := t.TempDir() + "/file"
	failed := make(chan error, 100)
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	dir := &resolver.Dir{Path: file + "/below", Failed: func(err error) { failed <- err }}
	c := &resolver.Cache{Next: fixed(&did.Resolution{Document: parsed(t, shop, 1)}, nil), Store: dir}
	latest(t, c)
	require.ErrorContains(t, <-failed, "resolver: the folder "+dir.Path)
}

// Two processes, or as many Caches, on one small folder, with a network that comes and goes.
func TestCachesShareAFolderUnderLoad(t *testing.T) {
	path := t.TempDir() + "/kept"
	var ids []did.DID
	docs := map[did.DID]*did.Document{}
	for i := range 6 {
		id := did.MustParse(fmt.Sprint("did:example:", i))
		ids, docs[id] = append(ids, id), parsed(t, id, byte(i))
	}
	var wg sync.WaitGroup
	for range 2 {
		src := &source{}
		src.f = func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
			switch src.asked.Load() % 5 {
			case 0:
				return nil, io.ErrUnexpectedEOF
			case 1:
				return nil, did.ErrNotFound
			}
			return &did.Resolution{Document: docs[id], Created: day(1)}, nil
		}
		c := &resolver.Cache{Next: src, Size: 4, TTL: time.Millisecond, MaxStale: time.Hour, NegativeTTL: time.Microsecond,
			Store: &resolver.Dir{Path: path, Size: 5, Failed: func(err error) { t.Error(err) }}}
		for g := range 4 {
			wg.Go(func() {
				for i := range 60 {
					ctx, cancel := context.WithCancel(t.Context())
					if i%11 == 0 {
						cancel()
					}
					if i%7 == 0 {
						ctx = resolver.NoCache(ctx)
					}
					id := ids[(i+g)%len(ids)]
					res, err := c.Resolve(ctx, id, did.Version{Time: day(i % 3)})
					if err == nil && res.Document.Raw != docs[id].Raw {
						t.Errorf("asked for %s, got %s", id, res.Document.ID)
					}
					if _, err := did.Key(ctx, c, id.URL("k"), did.AssertionMethod, did.Version{}); err != nil && did.IsAnswer(err) && !errors.Is(err, did.ErrNotFound) {
						t.Error(err)
					}
					cancel()
				}
			})
		}
	}
	wg.Wait()
}

// Nothing of a Cache is left running.
func TestCacheLeavesNoGoroutineBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if one is left
		src := &source{f: func(ctx context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Minute):
				return nil, errors.New("down")
			}
		}}
		c := &resolver.Cache{Next: src}
		for i := range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*2*time.Second)
			defer cancel()
			if i%2 == 0 {
				ctx = resolver.NoCache(ctx)
			}
			go func() { _, _ = c.Resolve(ctx, shop, did.Version{}) }()
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
	})
}

// BenchmarkCache is what a remembered answer costs, and a key by it.
func BenchmarkCache(b *testing.B) {
	c := &resolver.Cache{Next: resolver.Methods{
		"key":     did.Offline{},
		"example": resolver.Static{shop: {{Document: parsed(b, shop, 1), Created: day(1)}}},
	}}
	ctx := context.Background()
	past := did.Version{Time: day(50)}
	resolve := func(v did.Version) func() error {
		return func() error {
			_, err := c.Resolve(ctx, shop, v)
			return err
		}
	}
	for name, f := range map[string]func() error{
		"Resolve":       resolve(did.Version{}),
		"ResolveAtTime": resolve(past),
		"Key": func() error {
			_, err := did.Key(ctx, c, shop.URL("k"), did.AssertionMethod, did.Version{})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"Parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := f(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkCacheAfterRestart is what the first question takes whose answer is on the disk.
func BenchmarkCacheAfterRestart(b *testing.B) {
	dir := &resolver.Dir{Path: b.TempDir() + "/kept", Failed: func(err error) { b.Error(err) }}
	src := fixed(&did.Resolution{Document: parsed(b, shop, 1)}, nil)
	b.ReportAllocs()
	for b.Loop() {
		c := &resolver.Cache{Next: src, TTL: time.Hour, Store: dir}
		if _, err := c.Resolve(context.Background(), shop, did.Version{}); err != nil {
			b.Fatal(err)
		}
	}
	if src.asked.Load() != 1 {
		b.Fatalf("asked %d times", src.asked.Load())
	}
}
