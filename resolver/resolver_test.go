package resolver_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

var shop = did.MustParse("did:example:shop")

// documentOf makes a document whose key is told apart by its seed.
func documentOf(t testing.TB, id did.DID, seed byte) *did.Document {
	pub := ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed)).Public()
	m, err := did.NewVerificationMethod(id.URL("k"), did.Multikey, id, pub)
	require.NoError(t, err)
	return &did.Document{ID: id, VerificationMethod: []did.VerificationMethod{m}, AssertionMethod: []did.MethodRef{{ID: m.ID}}}
}

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// A source counts what it is asked and answers with f.
type source struct {
	asked atomic.Int64
	f     func(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error)
}

func (s *source) Resolve(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
	s.asked.Add(1)
	return s.f(ctx, id, v)
}

func TestMethodsChoosesByMethod(t *testing.T) {
	doc := documentOf(t, shop, 1)
	m := resolver.Methods{
		"key":     did.Offline{},
		"example": resolver.Static{shop: {{Document: doc}}},
		"nil":     nil,
	}
	res, err := m.Resolve(t.Context(), shop, did.Version{})
	require.NoError(t, err)
	require.Same(t, doc, res.Document)

	device := did.MustParse("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	for _, url := range []did.URL{shop.URL("k"), device.URL(device.Identifier())} {
		pub, err := did.Key(t.Context(), m, url, did.AssertionMethod, did.Version{})
		require.NoError(t, err)
		require.NotNil(t, pub)
	}
	for _, text := range []string{"did:web:shop.example", "did:nil:1"} {
		id := did.MustParse(text)
		_, err = m.Resolve(t.Context(), id, did.Version{})
		require.ErrorIs(t, err, did.ErrMethodNotSupported)
		_, err = m.Key(t.Context(), id.URL("k"), did.AssertionMethod, did.Version{})
		require.ErrorIs(t, err, did.ErrMethodNotSupported)
		require.True(t, did.IsAnswer(err))
	}
	_, err = resolver.Methods(nil).Resolve(t.Context(), did.DID{}, did.Version{})
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
	_, err = m.Resolve(t.Context(), did.MustParse("did:web:x"), did.Version{})
	require.EqualError(t, err, "did: method not supported: did:web is not among: example, key, nil")
}

func TestStaticKnowsOnlyWhatItWasTold(t *testing.T) {
	first, second := documentOf(t, shop, 1), documentOf(t, shop, 2)
	dateless := resolver.Static{shop: {{Document: first}}}
	dated := resolver.Static{shop: {{Document: first, Created: day(5)}}}
	rotated := resolver.Static{shop: {
		{Document: first, Created: day(5), VersionID: "1"},
		{Document: second, Created: day(5), Updated: day(10), VersionID: "2"},
	}}
	lateHistory := resolver.Static{shop: {{Document: second, Created: day(5), Updated: day(10)}}}
	withGap := resolver.Static{shop: {
		{Document: first, Created: day(5), NextUpdate: day(8)},
		{Document: second, Created: day(5), Updated: day(10)},
	}}
	outdated := resolver.Static{shop: {{Document: first, Created: day(5), NextUpdate: day(10)}}}
	retired := resolver.Static{shop: {{Document: first, Created: day(5), NextUpdate: day(10), Deactivated: true}}}
	retiredSometime := resolver.Static{shop: {{Document: first, Created: day(5), Deactivated: true}}}
	retiredAfterRotation := resolver.Static{shop: {
		{Document: first, Created: day(5), Deactivated: true},
		{Document: second, Updated: day(10), NextUpdate: day(15), Deactivated: true},
	}}
	at := func(n int) did.Version { return did.Version{Time: day(n)} }

	for _, tc := range []struct {
		name string
		s    resolver.Static
		v    did.Version
		doc  *did.Document
		err  error
	}{
		{"latest, without dates", dateless, did.Version{}, first, nil},
		{"some time, without dates", dateless, at(7), nil, did.ErrVersionUnknown},
		{"latest", dated, did.Version{}, first, nil},
		{"the moment it began", dated, at(5), first, nil},
		{"afterwards", dated, at(500), first, nil},
		{"before it existed", dated, at(4), nil, did.ErrNotFound},
		{"latest of two", rotated, did.Version{}, second, nil},
		{"before the rotation", rotated, at(9), first, nil},
		{"at the rotation", rotated, at(10), second, nil},
		{"version 1 by name", rotated, did.Version{ID: "1"}, first, nil},
		{"version 3 by name", rotated, did.Version{ID: "3"}, nil, did.ErrVersionUnknown},
		{"by name and time", rotated, did.Version{ID: "1", Time: day(9)}, nil, did.ErrInvalidOptions},
		{"by number", rotated, did.Version{Number: 1}, nil, did.ErrVersionUnknown},
		{"before a history that starts late", lateHistory, at(9), nil, did.ErrVersionUnknown},
		{"in a gap", withGap, at(8), nil, did.ErrVersionUnknown},
		{"before the gap", withGap, at(7), first, nil},
		{"latest, where a later one is known to exist", outdated, did.Version{}, nil, did.ErrVersionUnknown},
		{"before that", outdated, at(9), first, nil},
		{"at that", outdated, at(10), nil, did.ErrVersionUnknown},
		{"latest, retired", retired, did.Version{}, nil, did.ErrDeactivated},
		{"before it was retired", retired, at(9), first, nil},
		{"since it was retired", retired, at(10), nil, did.ErrDeactivated},
		{"latest, retired nobody knows when", retiredSometime, did.Version{}, nil, did.ErrDeactivated},
		{"before or after that", retiredSometime, at(7), nil, did.ErrVersionUnknown},
		{"first of two, retired", retiredAfterRotation, at(7), first, nil},
		{"second of two, retired", retiredAfterRotation, at(14), second, nil},
		{"nothing", resolver.Static{}, did.Version{}, nil, did.ErrNotFound},
		{"an empty history", resolver.Static{shop: nil}, did.Version{}, nil, did.ErrNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res, err := tc.s.Resolve(t.Context(), shop, tc.v)
			if tc.err != nil {
				require.ErrorIs(t, err, tc.err)
				require.Nil(t, res)
				return
			}
			require.NoError(t, err)
			require.Same(t, tc.doc, res.Document)
		})
	}
}

func TestCacheRemembersAnswersForTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := documentOf(t, shop, 1)
		src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			return &did.Resolution{Document: doc}, nil
		}}
		c := &resolver.Cache{Next: src, TTL: time.Hour}
		get := func() {
			res, err := c.Resolve(t.Context(), shop, did.Version{})
			require.NoError(t, err)
			require.Same(t, doc, res.Document)
		}
		get()
		time.Sleep(time.Hour - time.Nanosecond)
		get()
		require.EqualValues(t, 1, src.asked.Load())
		time.Sleep(time.Nanosecond)
		get()
		require.EqualValues(t, 2, src.asked.Load())
	})
}

func TestCacheReadsTheClockItIsGiven(t *testing.T) {
	now := day(1)
	src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
		return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
	}}
	c := &resolver.Cache{Next: src, Now: func() time.Time { return now }}
	for range 2 {
		_, err := c.Resolve(t.Context(), shop, did.Version{})
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, src.asked.Load())
	now = now.Add(resolver.DefaultTTL)
	_, err := c.Resolve(t.Context(), shop, did.Version{})
	require.NoError(t, err)
	require.EqualValues(t, 2, src.asked.Load())
}

func TestCacheDoesNotRememberErrors(t *testing.T) {
	for _, failure := range []error{did.ErrNotFound, did.ErrDeactivated, io.ErrUnexpectedEOF} {
		src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) { return nil, failure }}
		c := &resolver.Cache{Next: src}
		for range 2 {
			_, err := c.Resolve(t.Context(), shop, did.Version{})
			require.ErrorIs(t, err, failure)
		}
		require.EqualValues(t, 2, src.asked.Load())
	}
}

func TestCacheAsksOnceForManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := documentOf(t, shop, 1)
		src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			time.Sleep(time.Second)
			return &did.Resolution{Document: doc}, nil
		}}
		c := &resolver.Cache{Next: src}
		for range 50 {
			go func() {
				res, err := c.Resolve(t.Context(), shop, did.Version{})
				if err != nil || res.Document != doc {
					t.Errorf("%v, %v", res, err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		require.EqualValues(t, 1, src.asked.Load())
	})
}

func TestCallerWhoGivesUpDoesNotTakeOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doc := documentOf(t, shop, 1)
		src := &source{f: func(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Minute):
				return &did.Resolution{Document: doc}, nil
			}
		}}
		c := &resolver.Cache{Next: src}

		// The first caller starts the lookup and leaves after a second; the second stays.
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		hastyErr := make(chan error, 1)
		go func() {
			_, err := c.Resolve(hasty, shop, did.Version{})
			hastyErr <- err
		}()
		synctest.Wait()
		patientErr := make(chan error, 1)
		go func() {
			_, err := c.Resolve(t.Context(), shop, did.Version{})
			patientErr <- err
		}()
		synctest.Wait()
		start := time.Now()
		require.ErrorIs(t, <-hastyErr, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start), "it did not wait for the answer")
		require.NoError(t, <-patientErr)
		require.EqualValues(t, 1, src.asked.Load())
	})
}

func TestLookupNobodyWaitsForIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := make(chan struct{}, 1)
		src := &source{f: func(ctx context.Context, _ did.DID, _ did.Version) (*did.Resolution, error) {
			<-ctx.Done()
			cancelled <- struct{}{}
			time.Sleep(time.Second) // cleaning up
			return nil, ctx.Err()
		}}
		c := &resolver.Cache{Next: src}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		_, err := c.Resolve(ctx, shop, did.Version{})
		require.ErrorIs(t, err, context.Canceled)
		<-cancelled

		// Who asks meanwhile gets a lookup of their own, not the cancelled one.
		src.f = func(context.Context, did.DID, did.Version) (*did.Resolution, error) {
			return &did.Resolution{Document: documentOf(t, shop, 1)}, nil
		}
		_, err = c.Resolve(t.Context(), shop, did.Version{})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = c.Resolve(t.Context(), shop, did.Version{})
		require.NoError(t, err)
		require.EqualValues(t, 2, src.asked.Load())
	})
}

func TestCallerWhoHasGivenUpAlreadyAsksNothing(t *testing.T) {
	src := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) { return nil, io.EOF }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := (&resolver.Cache{Next: src}).Resolve(ctx, shop, did.Version{})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, src.asked.Load())
}

func TestCacheIsBounded(t *testing.T) {
	src := &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
		return &did.Resolution{Document: documentOf(t, id, 1)}, nil
	}}
	c := &resolver.Cache{Next: src, Size: 2}
	get := func(text string) {
		_, err := c.Resolve(t.Context(), did.MustParse(text), did.Version{})
		require.NoError(t, err)
	}
	get("did:example:a")
	get("did:example:b")
	get("did:example:a") // used last
	get("did:example:c") // drops b
	require.EqualValues(t, 3, src.asked.Load())
	get("did:example:a")
	get("did:example:c")
	require.EqualValues(t, 3, src.asked.Load())
	get("did:example:b")
	require.EqualValues(t, 4, src.asked.Load())
}

// A year of credentials by one key, each judged at its own time, is one lookup: the
// document shows since when it is in force.
func TestCacheAnswersForTimesBetween(t *testing.T) {
	history := resolver.Static{shop: {
		{Document: documentOf(t, shop, 1), Created: day(1), VersionID: "1"},
		{Document: documentOf(t, shop, 2), Created: day(1), Updated: day(10), VersionID: "2"},
	}}
	src := &source{f: history.Resolve}
	now := day(100)
	c := &resolver.Cache{Next: src, Now: func() time.Time { return now }}
	ask := func(v did.Version, want int, asked int64) {
		t.Helper()
		res, err := c.Resolve(t.Context(), shop, v)
		require.NoError(t, err)
		require.Same(t, history[shop][want].Document, res.Document)
		require.EqualValues(t, asked, src.asked.Load())
	}
	for n := 10; n <= 100; n++ {
		ask(did.Version{Time: day(n)}, 1, 1)
	}
	ask(did.Version{}, 1, 1)
	ask(did.Version{ID: "2"}, 1, 1)
	ask(did.Version{Time: day(50).In(time.FixedZone("", 3600))}, 1, 1)

	ask(did.Version{Time: day(8)}, 0, 2) // the older document
	for n := 1; n <= 8; n++ {
		ask(did.Version{Time: day(n)}, 0, 2)
	}
	ask(did.Version{Time: day(9)}, 0, 3) // it might have changed on the 9th
	ask(did.Version{ID: "1"}, 0, 3)

	ask(did.Version{Time: day(101)}, 1, 4) // nor does the latest answer for the future
}

func TestCacheOfDocumentsWithoutDatesAnswersOnlyWhatWasAsked(t *testing.T) {
	src := &source{f: func(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
		return &did.Resolution{Document: documentOf(t, id, 1)}, nil
	}}
	c := &resolver.Cache{Next: src, Now: func() time.Time { return day(100) }}
	for i, v := range []did.Version{{}, {Time: day(1)}, {Time: day(2)}, {ID: "1"}} {
		for range 2 {
			_, err := c.Resolve(t.Context(), shop, v)
			require.NoError(t, err)
			require.EqualValues(t, i+1, src.asked.Load())
		}
	}
}

func TestCacheKeepsFewVersionsOfOneDID(t *testing.T) {
	src := &source{f: func(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
		return &did.Resolution{Document: documentOf(t, id, 1)}, nil
	}}
	c := &resolver.Cache{Next: src, Now: func() time.Time { return day(100) }}
	for n := range 100 {
		_, err := c.Resolve(t.Context(), shop, did.Version{Time: day(n)})
		require.NoError(t, err)
	}
	before := src.asked.Load()
	_, err := c.Resolve(t.Context(), shop, did.Version{Time: day(99)})
	require.NoError(t, err)
	require.Equal(t, before, src.asked.Load(), "the last is remembered")
	_, err = c.Resolve(t.Context(), shop, did.Version{Time: day(1)})
	require.NoError(t, err)
	require.Greater(t, src.asked.Load(), before, "the first is not")
}

// What is true of a time long past stays true, though the identifier was retired since.
func TestCacheAsksForThePastOfARetiredIdentifier(t *testing.T) {
	history := resolver.Static{shop: {{Document: documentOf(t, shop, 1), Created: day(1), NextUpdate: day(10), Deactivated: true}}}
	c := &resolver.Cache{Next: history, Now: func() time.Time { return day(100) }}
	_, err := c.Resolve(t.Context(), shop, did.Version{Time: day(5)})
	require.NoError(t, err)
	_, err = c.Resolve(t.Context(), shop, did.Version{Time: day(50)})
	require.ErrorIs(t, err, did.ErrDeactivated)

	down := &source{f: func(context.Context, did.DID, did.Version) (*did.Resolution, error) { return nil, io.ErrUnexpectedEOF }}
	c = &resolver.Cache{Next: down}
	_, err = c.Resolve(t.Context(), shop, did.Version{Time: day(5)})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.EqualValues(t, 1, down.asked.Load(), "it does not ask a network that is down twice")
}

func TestCacheGivesKeys(t *testing.T) {
	src := &source{f: resolver.Static{shop: {{Document: documentOf(t, shop, 1)}}}.Resolve}
	c := &resolver.Cache{Next: resolver.Methods{"key": did.Offline{}, "example": src}}
	for range 2 {
		pub, err := did.Key(t.Context(), c, shop.URL("k"), did.AssertionMethod, did.Version{})
		require.NoError(t, err)
		require.NotNil(t, pub)
	}
	require.EqualValues(t, 1, src.asked.Load())
	_, err := did.Key(t.Context(), c, shop.URL("other"), did.AssertionMethod, did.Version{})
	require.ErrorIs(t, err, did.ErrNotFound)

	// did:key takes its short way through the cache, and Next still decides about it.
	device := did.MustParse("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	url := device.URL(device.Identifier())
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		_, _ = did.Key(context.Background(), c, url, did.AssertionMethod, did.Version{})
	}), 3.0)
	res, err := c.Resolve(t.Context(), device, did.Version{})
	require.NoError(t, err)
	require.Equal(t, device, res.Document.ID)
	_, err = did.Key(t.Context(), &resolver.Cache{Next: resolver.Methods{}}, url, did.AssertionMethod, did.Version{})
	require.ErrorIs(t, err, did.ErrMethodNotSupported)
}

func TestCacheUnderLoad(t *testing.T) {
	src := &source{f: func(_ context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
		if id.Identifier() == "3" {
			return nil, errors.New("down")
		}
		return &did.Resolution{Document: &did.Document{ID: id}, Created: day(1)}, nil
	}}
	c := &resolver.Cache{Next: src, Size: 3, TTL: time.Microsecond}
	ids := []did.DID{did.MustParse("did:example:1"), did.MustParse("did:example:2"), did.MustParse("did:example:3"), did.MustParse("did:example:4"), did.MustParse("did:example:5")}
	done := make(chan struct{})
	for g := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 500 {
				ctx, cancel := context.WithCancel(context.Background())
				if i%7 == 0 {
					cancel()
				}
				id := ids[(i+g)%len(ids)]
				res, err := c.Resolve(ctx, id, did.Version{Time: day(1 + i%5)})
				if err == nil && res.Document.ID != id {
					t.Errorf("asked for %s, got %s", id, res.Document.ID)
				}
				cancel()
			}
		}()
	}
	for range 8 {
		<-done
	}
}
