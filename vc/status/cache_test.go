package status_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc"
	"github.com/hourmeter/hourmeter/vc/status"
)

// A server answers what it is told, and counts.
type server struct {
	mu      sync.Mutex
	body    []byte
	err     error
	fetched time.Time
	asked   atomic.Int64
	hold    chan struct{} // closed, or nil, if answers come at once
}

func (s *server) Document(ctx context.Context, _, _ string) ([]byte, string, time.Time, error) {
	s.asked.Add(1)
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return nil, "", time.Time{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body, "", s.fetched, s.err
}

func (s *server) set(body []byte, fetched time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body, s.fetched, s.err = body, fetched, err
}

func entryOf(t testing.TB, index int) []byte {
	t.Helper()
	entry, err := status.Entry{Purpose: status.Revocation, List: listURL, Index: index}.MarshalJSON()
	require.NoError(t, err)
	return entry
}

// A list is asked for again when it is too old, by the caller's rule or its own, whichever is
// shorter; and an old one is used only if the caller asked for that.
func TestHowOldAListMayBe(t *testing.T) {
	ctx, shop := context.Background(), issuer("shop")
	minute := func(n int) time.Time { return day.Add(time.Duration(n) * time.Minute) }
	down := errors.New("the server is down")
	short := published(t, status.Revocation, 1, 1, 1)
	short.TTL = 90 * time.Second
	until := published(t, status.Revocation, 1, 1, 1)
	until.ValidFrom, until.ValidUntil = day, minute(10)

	type step struct {
		at    time.Time
		down  bool
		asked int64     // in all, after it
		asOf  time.Time // zero: no answer
	}
	for _, c := range []struct {
		name    string
		checker *status.Checker
		list    *status.BitstringCredential
		steps   []step
	}{
		{"five minutes, unless told", &status.Checker{}, published(t, status.Revocation, 1, 1, 1), []step{
			{day, false, 1, day}, {minute(5), false, 1, day}, {minute(6), false, 2, minute(6)}, {minute(12), true, 3, time.Time{}},
		}},
		{"an hour, if told", &status.Checker{MaxAge: time.Hour}, published(t, status.Revocation, 1, 1, 1), []step{
			{day, false, 1, day}, {minute(60), true, 1, day}, {minute(61), true, 2, time.Time{}},
		}},
		{"its own ttl is shorter", &status.Checker{MaxAge: time.Hour}, short, []step{
			{day, false, 1, day}, {minute(1), false, 1, day}, {minute(2), false, 2, minute(2)}, {minute(4), true, 3, time.Time{}},
		}},
		{"stale, if asked for", &status.Checker{Stale: 10 * time.Minute}, published(t, status.Revocation, 1, 1, 1), []step{
			{day, false, 1, day}, {minute(6), true, 2, day}, {minute(15), true, 3, day}, {minute(16), true, 4, time.Time{}}, {minute(17), false, 5, minute(17)},
		}},
		{"never beyond its period", &status.Checker{MaxAge: time.Hour, Stale: time.Hour}, until, []step{
			{day, false, 1, day}, {minute(10), true, 1, day}, {minute(11), true, 2, time.Time{}},
		}},
		{"one that failed is not asked for again at once", &status.Checker{}, published(t, status.Revocation, 1, 1, 1), []step{
			{day, true, 1, time.Time{}}, {day.Add(9 * time.Second), false, 1, time.Time{}}, {day.Add(10 * time.Second), false, 2, day.Add(10 * time.Second)},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := signed(t, c.list, shop)
			s := new(server)
			clock := day
			checker := &status.Checker{MaxAge: c.checker.MaxAge, Stale: c.checker.Stale, Source: s, Verifier: &vc.Verifier{Now: func() time.Time { return clock }}}
			for i, step := range c.steps {
				clock = step.at
				s.set(body, step.at, nil)
				if step.down {
					s.set(nil, time.Time{}, down)
				}
				got, err := checker.CheckStatus(ctx, shop.ID, entryOf(t, 2), step.at)
				require.Equal(t, step.asked, s.asked.Load(), "step %d", i)
				if step.asOf.IsZero() {
					e, ok := errors.AsType[*status.Error](err)
					require.True(t, ok, "step %d: %v", i, err)
					require.Equal(t, status.RetrievalError, e.Problem)
					require.ErrorIs(t, err, down)
					continue
				}
				require.NoError(t, err, "step %d", i)
				require.Equal(t, step.asOf, got.AsOf, "step %d", i)
			}
		})
	}
}

// A document that somebody hands over counts from when it was signed, not from when they say that
// they fetched it: or a list from before the revocation would do for ever.
func TestAStrangersListIsAsOldAsItsSignature(t *testing.T) {
	ctx, shop := context.Background(), issuer("shop")
	body := signed(t, published(t, status.Revocation, 1, 1, 1), shop) // signed at day
	late := day.Add(24 * time.Hour)
	verifier := &vc.Verifier{Now: func() time.Time { return late }}
	bundle := status.Static{listURL: status.Document{Body: body}}
	_, err := (&status.Checker{Source: bundle, Verifier: verifier}).CheckStatus(ctx, shop.ID, entryOf(t, 2), late)
	require.ErrorContains(t, err, "too old")
	got, err := (&status.Checker{Source: bundle, Verifier: verifier, MaxAge: 25 * time.Hour}).CheckStatus(ctx, shop.ID, entryOf(t, 2), late)
	require.NoError(t, err)
	require.Equal(t, day, got.AsOf)

	// The caller may ask for stale ones; then the list is read once all the same.
	s := &server{body: body}
	checker := &status.Checker{Source: s, Verifier: verifier, Stale: 24 * time.Hour}
	for range 10 {
		got, err = checker.CheckStatus(ctx, shop.ID, entryOf(t, 2), late)
		require.NoError(t, err)
		require.Equal(t, day, got.AsOf)
	}
	require.EqualValues(t, 1, s.asked.Load())

	jwt := token(t, 9, 1, 1)
	raw, err := jwt.SignJWT(shop.Key, method(shop))
	require.NoError(t, err)
	claim, err := status.Reference{Index: 8, URI: tokenURL}.MarshalJSON()
	require.NoError(t, err)
	checker = &status.Checker{Source: status.Static{tokenURL: status.Document{Body: raw}}}
	got, err = checker.CheckStatus(ctx, shop.ID, claim, day)
	require.NoError(t, err)
	require.Equal(t, jwt.Issued, got.AsOf)
	checker = &status.Checker{Source: status.Static{tokenURL: status.Document{Body: raw}}}
	_, err = checker.CheckStatus(ctx, shop.ID, claim, day.Add(5*time.Minute))
	require.ErrorContains(t, err, "too old")
}

// Whoever serves a list cannot bring back one from before a revocation, at least not to who has seen
// the later one.
func TestAListDoesNotGoBack(t *testing.T) {
	ctx, shop := context.Background(), issuer("shop")
	before := signed(t, published(t, status.Revocation, 1, 0, 1), shop)
	shop.Now = func() time.Time { return day.Add(time.Minute) }
	after := signed(t, published(t, status.Revocation, 1, 1, 1), shop)
	for _, stale := range []time.Duration{0, time.Hour} {
		s := &server{}
		clock := day.Add(2 * time.Minute)
		checker := &status.Checker{Source: s, Stale: stale, Verifier: &vc.Verifier{Now: func() time.Time { return clock }}}
		for i, body := range [][]byte{before, after, before, after} {
			s.set(body, clock, nil)
			_, err := checker.CheckStatus(ctx, shop.ID, entryOf(t, 1), clock)
			switch {
			case i == 0:
				require.NoError(t, err)
			case i == 2 && stale == 0:
				require.ErrorContains(t, err, "was there before")
				require.NotErrorIs(t, err, vc.ErrStatus)
			default: // with Stale, the later one counts for some time
				require.ErrorIs(t, err, vc.ErrStatus)
			}
			clock = clock.Add(6 * time.Minute)
		}
		require.EqualValues(t, 4, s.asked.Load())
	}
}

// Many who ask at once cause one question, and the one whose time runs out takes no other with him.
func TestManyAskOnce(t *testing.T) {
	shop := issuer("shop")
	s := &server{hold: make(chan struct{})}
	s.set(signed(t, published(t, status.Revocation, 1, 1, 1), shop), day, nil)
	checker := &status.Checker{Source: s, Verifier: &vc.Verifier{Now: now}}
	first, cancel := context.WithCancel(context.Background())
	impatient := make(chan error)
	go func() {
		_, err := checker.CheckStatus(first, shop.ID, entryOf(t, 2), day)
		impatient <- err
	}()
	for s.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var wait sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		wait.Go(func() { _, errs[i] = checker.CheckStatus(context.Background(), shop.ID, entryOf(t, i%2), day) })
	}
	cancel()
	require.ErrorIs(t, <-impatient, context.Canceled)
	for s.asked.Load() == 1 {
		time.Sleep(time.Millisecond)
	}
	close(s.hold)
	wait.Wait()
	for i, err := range errs {
		if i%2 == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, vc.ErrStatus)
		}
	}
	require.EqualValues(t, 2, s.asked.Load())
}

// A Checker does not keep more than its limits, and what it forgets it asks for again.
func TestACheckerForgets(t *testing.T) {
	shop := issuer("shop")
	ctx := context.Background()
	long, err := status.NewBitstringList(status.MaxListBytes*8, 1)
	require.NoError(t, err)
	encoded, err := long.Encode()
	require.NoError(t, err)
	body := make(map[int][]byte)
	s := sourceFunc(func(url string) ([]byte, error) {
		var i int
		if _, err := fmt.Sscanf(url, "https://shop.example/long/%d", &i); err != nil {
			return nil, err
		}
		if body[i] == nil {
			body[i] = handMade(t, `"id":"`+url+`","credentialSubject":{"type":"BitstringStatusList","statusPurpose":"revocation","encodedList":"`+encoded+`"}`)
		}
		return body[i], nil
	})
	asked := map[string]int{}
	checker := &status.Checker{Source: counting{s, asked}, Verifier: &vc.Verifier{Now: now}}
	ask := func(i int) {
		entry, err := status.Entry{Purpose: status.Revocation, List: fmt.Sprintf("https://shop.example/long/%d", i), Index: i}.MarshalJSON()
		require.NoError(t, err)
		_, err = checker.CheckStatus(ctx, shop.ID, entry, day)
		require.NoError(t, err)
	}
	for i := range 4 { // 16 MiB each: they fit
		ask(i)
	}
	ask(0) // used last
	ask(4) // takes the place of the one that was used longest ago
	ask(0)
	ask(1)
	require.Equal(t, 1, asked["https://shop.example/long/0"])
	require.Equal(t, 2, asked["https://shop.example/long/1"])
}

type sourceFunc func(string) ([]byte, error)

func (f sourceFunc) Document(_ context.Context, url, _ string) ([]byte, string, time.Time, error) {
	body, err := f(url)
	return body, "", day, err
}

type counting struct {
	status.Source
	asked map[string]int
}

func (c counting) Document(ctx context.Context, url, accept string) ([]byte, string, time.Time, error) {
	c.asked[url]++
	return c.Source.Document(ctx, url, accept)
}
