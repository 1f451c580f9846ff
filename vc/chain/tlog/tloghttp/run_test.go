package tloghttp_test

import (
	"context"
	"errors"
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/hourmeter/hourmeter/vc/chain/tlog"
	"github.com/hourmeter/hourmeter/vc/chain/tlog/tloghttp"
)

// A fakeLog is one of which only the publishing is of interest.
type fakeLog struct {
	tloghttp.Log
	publish func(ctx context.Context, cosigners []tlog.Cosigner) (*tlog.Publication, error)
}

func (l *fakeLog) Publish(ctx context.Context, cosigners ...tlog.Cosigner) (*tlog.Publication, error) {
	return l.publish(ctx, cosigners)
}

// A witness that does not answer holds the log up once, and is then asked more and more rarely;
// when it is back it is asked each time.
func TestRunIsPatientOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		var up atomic.Bool
		slow := cosigner(func(ctx context.Context, _ []byte) ([]byte, error) {
			asked.Add(1)
			if up.Load() {
				return nil, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		var took []time.Duration
		l := &fakeLog{publish: func(ctx context.Context, cosigners []tlog.Cosigner) (*tlog.Publication, error) {
			start := time.Now()
			_, err := cosigners[0].Cosign(ctx, nil)
			took = append(took, time.Since(start))
			return &tlog.Publication{Failed: []error{err}}, nil // never published: tried again each time
		}}
		ctx, stop := context.WithCancel(t.Context())
		h := &tloghttp.Handler{Log: l, Cosigners: []tlog.Cosigner{slow}}
		ended := make(chan error)
		go func() { ended <- h.Run(ctx, tloghttp.Schedule{}) }()

		time.Sleep(10 * time.Minute)
		require.Less(t, asked.Load(), int64(12), "of some 500 times")
		up.Store(true)
		time.Sleep(3 * time.Minute)
		before := asked.Load()
		time.Sleep(time.Minute)
		require.Greater(t, asked.Load(), before+50)
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		var waited time.Duration
		for _, d := range took {
			waited += d
		}
		require.Less(t, waited, time.Minute)
		require.Greater(t, len(took), 700)
	})
}

// A log that grows is published soon, one that does not now and then; one that cannot write ends it.
func TestRunPublishesOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var published []time.Duration
		var broken atomic.Bool
		start := time.Now()
		l := &fakeLog{publish: func(context.Context, []tlog.Cosigner) (*tlog.Publication, error) {
			published = append(published, time.Since(start))
			if broken.Load() {
				return nil, errors.Join(tlog.ErrStopped, fs.ErrPermission)
			}
			return &tlog.Publication{Published: true}, nil
		}}
		h := &tloghttp.Handler{Log: l}
		reports := 0
		ended := make(chan error)
		go func() {
			ended <- h.Run(t.Context(), tloghttp.Schedule{Refresh: time.Hour, Report: func(*tlog.Publication, error) { reports++ }})
		}()
		time.Sleep(150 * time.Minute)
		broken.Store(true)
		require.ErrorIs(t, <-ended, fs.ErrPermission)
		require.Equal(t, []time.Duration{0, time.Hour, 2 * time.Hour, 3 * time.Hour}, published)
		require.Equal(t, 4, reports)
	})
}
