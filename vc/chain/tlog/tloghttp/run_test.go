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
		var asked int
		var up atomic.Bool
		slow := cosigner(func(ctx context.Context, _ []byte) ([]byte, error) {
			asked++
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
		synctest.Wait()
		require.Less(t, asked, 12, "of some 500 times")
		var waited time.Duration
		for _, d := range took {
			waited += d
		}
		require.Less(t, waited, time.Minute)
		require.Greater(t, len(took), 500)

		up.Store(true)
		time.Sleep(3 * time.Minute)
		before := asked
		time.Sleep(time.Minute)
		require.Greater(t, asked, before+50)
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

// A log that grows is published soon, one that does not now and then; one that cannot write ends it.
func TestRunPublishesOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var published []time.Duration
		var failure error
		start := time.Now()
		l := &fakeLog{publish: func(context.Context, []tlog.Cosigner) (*tlog.Publication, error) {
			published = append(published, time.Since(start))
			return &tlog.Publication{Published: true}, failure
		}}
		h := &tloghttp.Handler{Log: l}
		reports := 0
		ended := make(chan error)
		go func() {
			ended <- h.Run(t.Context(), tloghttp.Schedule{Refresh: time.Hour, Report: func(*tlog.Publication, error) { reports++ }})
		}()
		time.Sleep(150 * time.Minute)
		synctest.Wait()
		require.Equal(t, []time.Duration{0, time.Hour, 2 * time.Hour}, published)
		require.Equal(t, 3, reports)
		failure = errors.Join(tlog.ErrStopped, fs.ErrPermission)
		require.ErrorIs(t, <-ended, fs.ErrPermission)
	})
}
