package vcapi

import (
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are a Handler's own: two in one program do not mix.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	outcomes *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hourmeter_http_requests_total", Help: "Requests, by endpoint and status.",
		}, []string{"endpoint", "status"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hourmeter_outcomes_total", Help: "What came of requests: issued, verified, refused, unchecked, ….",
		}, []string{"endpoint", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hourmeter_http_request_duration_seconds", Help: "How long requests took, with their bodies.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"endpoint"}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m.requests, m.outcomes, m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{DisableCompression: true})
	return m
}

func (m *metrics) count(endpoint string, status int, outcome string, took time.Duration) {
	m.requests.WithLabelValues(endpoint, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(endpoint).Observe(took.Seconds())
	if outcome != "" {
		m.outcomes.WithLabelValues(endpoint, outcome).Inc()
	}
}

// serveMetrics answers a program on this machine, and whoever has a token of any instance. A proxy on
// this machine passes requests on with a header that says for whom.
func (h *Handler) serveMetrics(w http.ResponseWriter, r *http.Request) *reply {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	local := err == nil && at.Addr().Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
	for _, i := range h.Instances {
		local = local || allowed(r, i.Tokens)
	}
	if !local {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hourmeter"`)
		return problem(http.StatusUnauthorized, "this needs an API token")
	}
	h.metrics.handler.ServeHTTP(w, r)
	return nil
}
