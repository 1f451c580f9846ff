package resolver_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hourmeter/hourmeter/did"
	"github.com/hourmeter/hourmeter/resolver"
)

// A model is a Cache without its difficulties: no bounds, no times in between, one caller.
type model struct {
	ttl, maxStale time.Duration
	stored        bool // it has a Store
	known         map[modelQuestion]modelAnswer
	asked         int64
}

type modelQuestion struct {
	id did.DID
	v  did.Version
}

type modelAnswer struct {
	doc        *did.Document
	at, failed time.Time
}

// resolve says what Resolve has to, while the network says doc, or err if that is nil.
func (m *model) resolve(q modelQuestion, afresh bool, now time.Time, doc *did.Document, err error) (*did.Resolution, error) {
	a, known := m.known[q]
	age := now.Sub(a.at)
	if known && !afresh && age < m.ttl {
		return &did.Resolution{Document: a.doc, Retrieved: a.at}, nil
	}
	stale := known && !afresh && age < m.ttl+m.maxStale
	if stale && now.Sub(a.failed) < 10*time.Second {
		return &did.Resolution{Document: a.doc, Retrieved: a.at, Stale: true}, nil
	}
	m.asked++
	switch {
	case doc != nil:
		m.known[q] = modelAnswer{doc: doc, at: now}
		return &did.Resolution{Document: doc, Retrieved: now}, nil
	case did.IsAnswer(err):
		delete(m.known, q)
		return nil, err
	case known && !afresh:
		a.failed = now
		m.known[q] = a
	}
	if stale {
		return &did.Resolution{Document: a.doc, Retrieved: a.at, Stale: true}, nil
	}
	return nil, err
}

func (m *model) restart() {
	for q, a := range m.known {
		a.failed = time.Time{}
		m.known[q] = a
	}
	if !m.stored {
		clear(m.known)
	}
}

func TestCacheAgainstAModel(t *testing.T) {
	questions := []modelQuestion{{shop, did.Version{}}, {shop, did.Version{ID: "1"}}, {did.MustParse("did:example:depot"), did.Version{}}}
	docs := map[did.DID][]*did.Document{}
	for _, q := range questions {
		docs[q.id] = []*did.Document{parsed(t, q.id, 1), parsed(t, q.id, 2)}
	}
	rapid.Check(t, func(t *rapid.T) {
		now := day(1)
		m := &model{
			ttl:      rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "ttl"),
			maxStale: rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "maxStale"),
			stored:   rapid.Bool().Draw(t, "stored"),
			known:    map[modelQuestion]modelAnswer{},
		}
		version, failure := 0, error(nil)
		src := &source{f: func(_ context.Context, id did.DID, _ did.Version) (*did.Resolution, error) {
			if failure != nil {
				return nil, failure
			}
			return &did.Resolution{Document: docs[id][version]}, nil
		}}
		var store resolver.Store
		if m.stored {
			store = &resolver.Memory{}
		}
		open := func() *resolver.Cache {
			return &resolver.Cache{Next: src, TTL: m.ttl, MaxStale: m.maxStale, Store: store, Now: func() time.Time { return now }}
		}
		c := open()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"wait", "change", "restart", "ask", "ask", "ask", "ask"}).Draw(t, "op") {
			case "wait":
				now = now.Add(rapid.SampledFrom([]time.Duration{1, time.Second - 1, time.Second, 9 * time.Second, time.Minute}).Draw(t, "wait"))
			case "change":
				version = rapid.IntRange(0, 1).Draw(t, "version")
				failure = rapid.SampledFrom([]error{nil, nil, io.ErrUnexpectedEOF, did.ErrNotFound, did.ErrDeactivated, did.ErrVersionUnknown}).Draw(t, "failure")
			case "restart":
				c = open()
				m.restart()
			case "ask":
				q := rapid.SampledFrom(questions).Draw(t, "question")
				afresh := rapid.Bool().Draw(t, "afresh")
				doc := docs[q.id][version]
				if failure != nil {
					doc = nil
				}
				want, wantErr := m.resolve(q, afresh, now, doc, failure)
				ctx := context.Background()
				if afresh {
					ctx = resolver.NoCache(ctx)
				}
				got, err := c.Resolve(ctx, q.id, q.v)
				if err != wantErr || src.asked.Load() != m.asked {
					t.Fatalf("%v, after %d lookups; want %v, after %d", err, src.asked.Load(), wantErr, m.asked)
				}
				if err == nil && (got.Document.Raw != want.Document.Raw || got.Stale != want.Stale || !got.Retrieved.Equal(want.Retrieved)) {
					t.Fatalf("got %+v, want %+v", got, want)
				}
			}
		}
	})
}

// Of a time that has been, a Cache says what the history says, however the document has
// changed since the Cache looked: the past does not change.
func TestCacheOfAHistoryAgainstTheHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := day(1)
		now := start
		history := resolver.Static{}
		publish := func() {
			now = now.Add(time.Second)
			v := did.Resolution{Document: &did.Document{ID: shop}, Created: start.Add(time.Second), VersionID: fmt.Sprint(len(history[shop]) + 1)}
			if n := len(history[shop]); n > 0 {
				v.Updated = now
				// As resolvers do, without changing what was given out.
				versions := append([]did.Resolution(nil), history[shop]...)
				versions[n-1].NextUpdate = now
				history[shop] = versions
			}
			history[shop] = append(history[shop], v)
		}
		publish()
		src := &source{f: func(ctx context.Context, id did.DID, v did.Version) (*did.Resolution, error) {
			return history.Resolve(ctx, id, v)
		}}
		c := &resolver.Cache{Next: src, TTL: time.Minute, Store: &resolver.Memory{}, Now: func() time.Time { return now }}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"wait", "publish", "ask", "ask", "ask", "name"}).Draw(t, "op") {
			case "wait":
				now = now.Add(time.Duration(rapid.IntRange(1, 70).Draw(t, "wait")) * time.Second)
			case "publish":
				publish()
			default:
				v := did.Version{Time: now.Add(-time.Duration(rapid.IntRange(0, int(now.Sub(start)/time.Second)).Draw(t, "ago")) * time.Second)}
				if rapid.IntRange(0, 3).Draw(t, "by name") == 0 {
					v = did.Version{ID: fmt.Sprint(rapid.IntRange(1, len(history[shop])+1).Draw(t, "version"))}
				}
				want, wantErr := history.Resolve(context.Background(), shop, v)
				got, err := c.Resolve(context.Background(), shop, v)
				if (err == nil) != (wantErr == nil) || err == nil && got.VersionID != want.VersionID {
					t.Fatalf("%+v at %s: %+v, %v; want %+v, %v", v, now, got, err, want, wantErr)
				}
			}
		}
	})
}
