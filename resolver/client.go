package resolver

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of a [Client].
const (
	// DefaultTimeout is how long one request may take, from the connection to the last byte.
	DefaultTimeout = 30 * time.Second
	// DefaultConcurrent is how many requests are under way at once; others wait.
	DefaultConcurrent = 16
	// MaxRedirects is how often one request is redirected: to another host, to its new path, and
	// one to spare.
	MaxRedirects = 3
	// MaxRetryAfter bounds what a server may ask for in Retry-After: longer is another operator's
	// decision to make.
	MaxRetryAfter = time.Hour
	// MaxErrorBytes is how much of an answer that is no success is kept.
	MaxErrorBytes = 4 << 10

	connectTimeout = 10 * time.Second // TCP, and as much again for TLS: a satellite link takes one
	headerTimeout  = 20 * time.Second // the first byte of the answer: a log may wait for its witnesses
	idleTimeout    = 30 * time.Second // an idle connection saves the next handshake, if that comes soon
	maxHeader      = 32 << 10         // bytes of an answer's header
	gzipHeader     = 1 << 10          // bytes that gzip may add to an answer that it cannot shrink
	maxURL         = 2 << 10          // bytes of a URL
	maxAddresses   = 8                // tried of those that Lookup gives
)

// A Client makes requests over HTTPS to servers that strangers may have named. The zero Client is
// strict:
//
//   - https only, also when redirected, never with a user or password in the URL, nor at a port of
//     another protocol, such as 25;
//   - to public addresses only. The address is looked at when the connection is made, after the
//     name was resolved, so a name server that changes its mind gains nothing;
//   - no proxy, no cookies, no credentials, no Referer;
//   - an answer is read up to the limit of the call, unpacked or not, and one that was cut off is
//     never taken for whole.
//
// Every error is a [*RefuseError], which will stay, or a [*RetryError]. A Client is used by pointer
// and is safe for concurrent use; its fields do not change after first use. Call CloseIdle when done
// with it.
type Client struct {
	// Allow are addresses to connect to although they are not public: an intranet's, a test's.
	Allow []netip.Prefix
	// Roots are the certificate authorities to believe; nil means the system's.
	Roots *x509.CertPool
	// Proxy chooses a proxy, as [http.ProxyFromEnvironment] does; nil means none, whatever the
	// environment says. A proxy resolves names by itself: it, not this Client, then has to keep
	// requests from private addresses. Its own address has to be public or in Allow.
	Proxy func(*http.Request) (*url.URL, error)
	// Lookup resolves a host's name; nil means the system's way. Its answers are trusted no more
	// than those.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// UserAgent says who asks; "" means hourmeter.
	UserAgent  string
	Timeout    time.Duration // of one request; zero means DefaultTimeout
	Concurrent int           // requests at once; zero means DefaultConcurrent

	once   sync.Once
	http   *http.Client
	places chan struct{}
}

// Get returns the answer to a GET, of at most limit bytes.
func (c *Client) Get(ctx context.Context, url string, limit int64) ([]byte, error) {
	answer, _, err := c.do(ctx, request{method: http.MethodGet, url: url, limit: limit})
	return answer, err
}

// Post sends body and returns the answer, of at most limit bytes. It follows no redirect.
func (c *Client) Post(ctx context.Context, url, contentType string, body []byte, limit int64) ([]byte, error) {
	answer, _, err := c.do(ctx, request{method: http.MethodPost, url: url, header: http.Header{"Content-Type": {contentType}}, body: body, limit: limit})
	return answer, err
}

// CloseIdle closes the connections that no request is using.
func (c *Client) CloseIdle() {
	c.once.Do(c.begin)
	c.http.CloseIdleConnections()
}

func (c *Client) begin() {
	n := c.Concurrent
	if n <= 0 {
		n = DefaultConcurrent
	}
	c.places = make(chan struct{}, n)
	c.http = &http.Client{
		CheckRedirect: redirect,
		Transport: &http.Transport{
			Proxy:                  c.Proxy,
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           n,
			MaxConnsPerHost:        n,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true, // it is unpacked below, within the limit
			ForceAttemptHTTP2:      true, // many tiles over one connection
		},
	}
}

// A request is what a Client is asked to do.
type request struct {
	method, url string
	header      http.Header // beside the Client's own
	body        []byte
	limit       int64 // bytes of the answer
	whole       bool  // read as much of an answer that is no success, and return it beside the error
	own         bool  // be redirected within the origin only: nobody else may answer for it
}

// own is the key under which a request's context says the same.
type own struct{}

// redirect allows a GET to go on to where a request could have begun.
func redirect(req *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet {
		return fmt.Errorf("%w: to %s: name the server's present URL", ErrRedirect, location(req.URL))
	}
	if len(via) > MaxRedirects {
		return fmt.Errorf("%w: more than %d times", ErrRedirect, MaxRedirects)
	}
	req.Header.Del("Referer")
	if err := checkURL(req.URL); err != nil {
		return fmt.Errorf("%w: to %s: %w", ErrRedirect, location(req.URL), err)
	}
	if req.Context().Value(own{}) != nil && origin(req.URL) != origin(via[0].URL) {
		return fmt.Errorf("%w: to %s: nobody answers for another host", ErrRedirect, location(req.URL))
	}
	return nil
}

// origin is who answers for an https URL (RFC 6454 §4): another port may be another's.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

func checkURL(u *url.URL) error {
	switch {
	case u.Scheme != "https":
		return fmt.Errorf("%w: want https, not %.20q", ErrURL, u.Scheme)
	case u.User != nil:
		return fmt.Errorf("%w: a URL is no place for a user or password", ErrURL)
	case u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("%w: it names no host", ErrURL)
	case isOtherPort(u):
		return fmt.Errorf("%w: port %s is of another protocol", ErrURL, u.Port())
	case u.Fragment != "":
		return fmt.Errorf("%w: a fragment is nothing that a server is asked for", ErrURL)
	}
	return nil
}

// location is a URL as it may be shown: without a password, and without a query, which may be one.
func location(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}

// dial connects to an address. Each goes by control first.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTimeout, Control: c.control}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil || c.Lookup == nil {
		return d.DialContext(ctx, network, address)
	}
	addrs, err := c.Lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	failed := fmt.Errorf("look up %s: it has no address", host)
	for i, ip := range addrs[:min(len(addrs), maxAddresses)] {
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		if err == nil {
			return conn, nil
		}
		if i == 0 {
			failed = err // as net.Dialer does
		}
	}
	return nil, failed
}

// do makes a request, and returns the answer and its headers.
func (c *Client) do(ctx context.Context, r request) ([]byte, http.Header, error) {
	c.once.Do(c.begin)

	// 1. Is it a URL to ask for?
	u, err := url.Parse(r.url)
	if err == nil && len(r.url) > maxURL {
		err = fmt.Errorf("%d bytes, at most %d are sent", len(r.url), maxURL)
	}
	if err != nil {
		return nil, nil, &RefuseError{URL: fmt.Sprintf("%.80q", r.url), Reason: ErrURL, Detail: errors.New("it is none, or too long")}
	}
	refuse := func(reason, detail error) error {
		return &RefuseError{URL: location(u), Reason: reason, Detail: detail}
	}
	if err := checkURL(u); err != nil {
		return nil, nil, refuse(ErrURL, err)
	}
	retry := func(err error) error { return &RetryError{URL: location(u), Err: err} }

	// 2. Wait for a place; the time runs from then on.
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return nil, nil, retry(ctx.Err())
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	// 3. Ask.
	if r.own {
		ctx = context.WithValue(ctx, own{}, true)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return nil, nil, refuse(ErrURL, err)
	}
	req.Header.Set("User-Agent", "hourmeter")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	maps.Copy(req.Header, r.header)
	resp, err := c.http.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // it would show the whole URL
		}
		for _, reason := range []error{ErrRedirect, ErrAddress, ErrURL} {
			if errors.Is(err, reason) {
				return nil, nil, refuse(reason, err)
			}
		}
		return nil, nil, retry(err)
	}
	defer resp.Body.Close()

	// 4. Read the answer, whole or not at all.
	ok, limit := resp.StatusCode == http.StatusOK, r.limit
	if !ok && !r.whole {
		limit = MaxErrorBytes
	}
	answer, err := readAnswer(resp, limit)
	if err != nil && errors.Is(err, ErrTooLarge) && !ok && !r.whole {
		err = nil // its beginning will do
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, nil, refuse(ErrTooLarge, err)
	case errors.Is(err, ErrContent):
		return nil, nil, refuse(ErrContent, err)
	case err != nil:
		return nil, nil, retry(err)
	case ok:
		return answer, resp.Header, nil
	}

	// 5. What does a status say that is no success?
	var kept []byte
	if r.whole {
		kept = answer
	}
	status := resp.StatusCode
	switch {
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusAccepted: // it has taken it in, and has no answer yet
		return kept, resp.Header, &RetryError{URL: location(u), Status: status, After: retryAfter(resp.Header, time.Now()), Err: errors.New(statusText(status))}
	}
	refused := &RefuseError{URL: location(u), Status: status, Reason: ErrStatus, Type: resp.Header.Get("Content-Type"), Body: answer[:min(len(answer), MaxErrorBytes)],
		Detail: errors.New(statusText(status))}
	if status == http.StatusNotFound || status == http.StatusGone {
		refused.Reason = fs.ErrNotExist
	}
	return kept, resp.Header, refused
}

// readAnswer reads a body of at most limit bytes and unpacks it to at most as many. If it is longer
// the error is ErrTooLarge, and what was read is returned all the same.
func readAnswer(resp *http.Response, limit int64) ([]byte, error) {
	packed := strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip")
	most := limit
	if packed {
		most += gzipHeader
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, err // also if the connection was cut: net/http counts
	}
	if int64(len(b)) > most {
		return b[:most], fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)
	}
	// HTTP/1 allows a body that just ends with the connection. Nobody can tell then whether it was
	// cut.
	if resp.ContentLength < 0 && resp.ProtoMajor < 2 && len(resp.TransferEncoding) == 0 {
		return nil, errors.New("the answer does not say how long it is: it may have been cut off")
	}
	if encoding := resp.Header.Get("Content-Encoding"); encoding == "" || strings.EqualFold(encoding, "identity") {
		return b, nil
	} else if !packed {
		return nil, fmt.Errorf("%w: packed as %.20q, want gzip or nothing", ErrContent, encoding)
	}
	unpacker, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContent, err)
	}
	b, err = io.ReadAll(io.LimitReader(unpacker, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrContent, err)
	case int64(len(b)) > limit:
		return b[:limit], fmt.Errorf("%w: unpacked more than %d bytes", ErrTooLarge, limit)
	}
	return b, nil
}

// retryAfter reads the header Retry-After (RFC 9110 §10.2.3); zero if there is none that makes sense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	var after time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), MaxRetryAfter)
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("the server answers %d %s", status, http.StatusText(status)))
}
