package tloghttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hourmeter/hourmeter/internal/ratelimit"
	"github.com/hourmeter/hourmeter/vc/chain/tlog"
)

// A WitnessHandler serves a witness: POST add-checkpoint (C2SP tlog-witness). Anybody may ask; what
// is cosigned is up to the witness, which knows each log by its key. A WitnessHandler is used by
// pointer.
type WitnessHandler struct {
	Witness tlog.Cosigner // required
	Rate    int           // requests a second of one client, on average; zero means DefaultRate

	once  sync.Once
	limit *ratelimit.Limiter
}

// ServeHTTP implements [http.Handler].
func (h *WitnessHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.once.Do(func() {
		rate := h.Rate
		if rate <= 0 {
			rate = DefaultRate
		}
		h.limit = ratelimit.New(rate, rate*burst)
	})
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if p := h.cosign(w, r); p != nil {
		p.write(w)
	}
}

func (h *WitnessHandler) cosign(w http.ResponseWriter, r *http.Request) *problem {
	switch {
	case r.URL.Path != "/add-checkpoint":
		return fail(http.StatusNotFound, "a witness answers at add-checkpoint")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return fail(http.StatusMethodNotAllowed, "here goes POST")
	}
	if wait := h.limit.Allow(ratelimit.Client(r.RemoteAddr), 1, time.Now()); wait > 0 {
		return later(http.StatusTooManyRequests, wait, "too many requests from your address")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, tlog.MaxRequest))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return fail(http.StatusRequestEntityTooLarge, "at most %d bytes are read", tlog.MaxRequest)
	} else if err != nil {
		return fail(http.StatusBadRequest, "the request was cut off")
	}
	signatures, err := h.Witness.Cosign(r.Context(), body)
	if conflict, ok := errors.AsType[*tlog.ConflictError](err); ok {
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, "%d\n", conflict.Size)
		return nil
	}
	switch rejected, ok := errors.AsType[*tlog.RejectError](err); {
	case ok && errors.Is(rejected.Reason, tlog.ErrOrigin):
		return fail(http.StatusNotFound, "%v", err)
	case ok && errors.Is(rejected.Reason, tlog.ErrSignature):
		return fail(http.StatusForbidden, "%v", err)
	case ok && (errors.Is(rejected.Reason, tlog.ErrProof) || errors.Is(rejected.Reason, tlog.ErrSequence)):
		return fail(http.StatusUnprocessableEntity, "%v", err)
	case ok:
		return fail(http.StatusBadRequest, "%v", err)
	case err != nil: // what its own disk says is nobody else's business
		return later(http.StatusServiceUnavailable, time.Minute, "the witness cannot cosign now")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(signatures)))
	w.Write(signatures)
	return nil
}
